//! People and groups of an LDAP directory (RFC 4511), behind the core's [`Directory`] trait.
//!
//! The protocol is the library's; here are the connections and what becomes of them when the directory is down
//! (`client`), what entries mean (`schema`), and who is in a group (`groups`). Questions run on a small runtime of
//! their own and have a time limit, so that the synchronous core can ask from any thread. Writes nothing to the
//! directory.

mod client;
mod groups;
mod schema;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use ldap3::Scope;
use tokio::runtime::Runtime;

use crate::core::directory::{Directory, Gathering, Person};
use crate::core::{Error, Kind, Result};
use crate::model::user::Source;
pub use client::SetupError;
use client::{Client, Fault};
pub use schema::{Preset, Schema};

/// How a password is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// By binding as the person.
    Bind,
    /// By comparing it with the attribute `userPassword`.
    Compare,
}

/// What the configuration tells.
#[derive(Debug, Clone)]
pub struct Options {
    /// `ldap://host`, `ldaps://host` or `ldapi://socket`.
    pub url: String,
    /// Whether an `ldap://` connection changes to TLS before anything is asked.
    pub starttls: bool,
    /// PEM file of the authorities that the directory's certificate is checked against; none: the machine's.
    pub authorities: Option<PathBuf>,
    /// Name and password for searches; none: anonymous.
    pub login: Option<(String, String)>,
    /// Where searches start.
    pub base: String,
    /// What entries mean.
    pub schema: Schema,
    /// How passwords are checked.
    pub proof: Proof,
    /// Domain of the names.
    pub domain: String,
    /// Longest wait for one answer of the directory.
    pub time: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// Most people taken from one group.
    pub group_members: usize,
    /// Groups inside groups that are followed.
    pub group_depth: usize,
}

/// An LDAP directory.
pub struct Ldap {
    client: Arc<Client>,
    /// Taken at the end.
    runtime: Option<Runtime>,
    patience: Duration,
}

impl Ldap {
    /// The directory of `options`, which is not asked yet.
    ///
    /// Errors: its authorities cannot be read, or the system refuses a thread.
    pub fn new(options: Options) -> std::result::Result<Self, SetupError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("wcapd-ldap")
            .enable_all()
            .build()?;
        // A group takes many questions; each has its own limit.
        let patience = options.time.saturating_mul(4);
        let client = Arc::new(Client::new(options)?);
        runtime.spawn(Arc::clone(&client).mend());
        Ok(Self {
            client,
            runtime: Some(runtime),
            patience,
        })
    }

    /// The answer to `question`, waited for on this thread.
    fn ask<T, F>(&self, question: impl FnOnce(Arc<Client>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = std::result::Result<T, Fault>> + Send + 'static,
    {
        let unavailable = |cause: Fault| {
            let message = "the directory of accounts cannot be asked now; try again later";
            Error::new(Kind::Unavailable, message).because(cause)
        };
        self.client.require_up().map_err(unavailable)?;
        let (sender, answer) = sync_channel(1);
        let client = Arc::clone(&self.client);
        let asked = question(Arc::clone(&client));
        let patience = self.patience;
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                let answer = match tokio::time::timeout(patience, asked).await {
                    Ok(answer) => answer,
                    Err(_) => Err(Fault::Time),
                };
                if let Err(fault) = &answer {
                    client.failed(fault);
                }
                // Whoever asked may be gone.
                let _ = sender.send(answer);
            });
        }
        // The question ends before this; if it broke off, the other end is gone.
        let answer = answer.recv_timeout(patience + Duration::from_secs(1));
        answer.unwrap_or(Err(Fault::Time)).map_err(unavailable)
    }
}

impl Drop for Ldap {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Directory for Ldap {
    fn source(&self) -> Source {
        Source::Ldap
    }

    fn domain(&self) -> &str {
        &self.client.options().domain
    }

    fn person(&self, login: &str) -> Result<Option<Person>> {
        let login = login.to_owned();
        self.ask(|client| async move {
            let found = client.find_person(&login).await?;
            Ok(found.map(|(_, person)| person))
        })
    }

    fn authenticate(&self, login: &str, password: &str) -> Result<Option<Person>> {
        let (login, password) = (login.to_owned(), password.to_owned());
        self.ask(|client| async move {
            let found = client.find_person(&login).await?;
            // Nobody is asked for as well, so that the time tells nothing.
            let dn = match &found {
                Some((dn, _)) => dn.clone(),
                None => client.nobody(),
            };
            let right = client.prove(&dn, &password).await?;
            let found = found.filter(|(_, person)| right && person.enabled);
            Ok(found.map(|(_, person)| person))
        })
    }

    fn group(&self, name: &str) -> Result<Option<Gathering>> {
        let name = name.to_owned();
        self.ask(|client| async move { groups::gathering(&client, &name).await })
    }

    fn search(&self, text: &str, most: usize) -> Result<Vec<Person>> {
        // Directories pass over control characters when they compare: one alone would match everybody.
        if text.is_empty() || text.contains(char::is_control) {
            return Ok(Vec::new());
        }
        let text = text.to_owned();
        self.ask(move |client| async move {
            let schema = &client.options().schema;
            let filter = schema.search_filter(&text);
            let base = client.options().base.clone();
            let found = client.search(&base, Scope::Subtree, &filter, most).await?;
            let people = found.entries.iter().filter_map(|entry| client.read(entry));
            Ok(people.take(most).collect())
        })
    }

    fn problem(&self) -> Option<String> {
        self.client.problem()
    }
}
