//! The use cases of a calendar server: plain data in and out, no protocol, nothing asynchronous.
//!
//! A door translates a request into one method of [`Core`] and its answer into the protocol's form. Rights are
//! asked for here, once per calendar, and proved by [`access::Granted`].

pub mod access;
pub mod accounts;
pub mod attachments;
pub mod audit;
mod basis;
pub mod calendars;
pub mod caller;
mod callers;
pub mod cards;
pub mod check;
pub mod directory;
pub mod domains;
pub mod error;
pub mod expand;
pub mod freebusy;
pub mod items;
mod login;
pub mod outbox;
mod outside;
pub mod password;
pub mod peers;
pub mod prefs;
pub mod proof;
pub mod query;
pub mod relay;
pub mod rights;
pub mod schedule;
pub mod sessions;
pub mod settings;
pub mod store_properties;
pub mod stored;
pub mod subscriptions;
pub mod transfer;

use std::sync::Arc;

pub use basis::Basis;
pub use caller::{Caller, Client, Identity};
pub use error::{Error, Kind, Result};
pub use settings::Settings;

use crate::ical::datetime::Timestamp;
use crate::model::clock::{Clock, Ids, SystemIds};
use crate::store::{self, Store};
use directory::Directory;

/// A handle on the server's core; clones are cheap and share it.
#[derive(Clone)]
pub struct Core {
    inner: Arc<Inner>,
    /// The domain of bare names, where it is another than the server's own.
    home: Option<Arc<str>>,
}

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    settings: Settings,
    callers: callers::Callers,
    logins: login::Logins,
    outside: outside::Outside,
    bell: relay::Bell,
}

impl Core {
    /// A core on `store`, with the built-in accounts.
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, settings: Settings) -> Self {
        Self::with_directories(store, clock, ids, settings, Vec::new())
    }

    /// A core on `store`, with accounts of outside directories besides the built-in ones. Earlier directories go
    /// before later ones.
    pub fn with_directories(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: Settings,
        directories: Vec<Box<dyn Directory>>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                clock,
                outside: outside::Outside::new(directories),
                // Secrets of the process that no answer depends on.
                logins: login::Logins::new(&SystemIds, &settings),
                ids,
                settings,
                callers: callers::Callers::default(),
                bell: relay::Bell::default(),
            }),
            home: None,
        }
    }

    /// The store, for the operator's tools.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What the operator chose.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        basis::note_time();
        self.inner.clock.now()
    }

    /// Fresh identifiers.
    pub fn ids(&self) -> &dyn Ids {
        &*self.inner.ids
    }

    /// The server's own domain, which answers leave out.
    fn domain(&self) -> &str {
        &self.inner.settings.domain
    }
}

impl From<store::Error> for Error {
    fn from(cause: store::Error) -> Self {
        let (kind, message) = match &cause {
            store::Error::ReadOnly | store::Error::Full => {
                (Kind::ReadOnly, "the server takes no changes now")
            }
            store::Error::TooLarge { .. } => {
                (Kind::TooMuch, "the change is too large for the store")
            }
            _ => (
                Kind::Internal,
                "the server could not use its store; its log says why",
            ),
        };
        Self::new(kind, message).because(cause)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub(crate) mod testing;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
