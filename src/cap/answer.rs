//! What commands answer about a target, and what became of each component (draft-ietf-calsch-cap-04 section 7.2). How it is
//! written is the matter of `reply`.

use super::command::Dialect;
use super::job::Who;
use crate::codes::codes;
use crate::core::{Error, Kind};
use crate::ical::component::{Component, Property};
use crate::ical::value;

/// What a command answers about one target.
#[derive(Debug, Default)]
pub struct Answer {
    status: &'static str,
    text: Box<str>,
    /// Properties beside the status.
    pub properties: Vec<Property>,
    /// Whom the session acts for from now on.
    pub who: Option<Box<Who>>,
    /// Components it answers with, and the iTIP method that each waits with.
    pub objects: Vec<(Option<String>, Component)>,
    /// What became of each component it was to change.
    pub entries: Vec<Entry>,
    /// The answer to the next query, where each has its own.
    pub next: Option<Box<Answer>>,
}

/// What became of one component: its name, what identifies it, and its REQUEST-STATUS.
#[derive(Debug)]
pub struct Entry(pub(super) Component);

impl Entry {
    /// One of a component called `name`.
    pub fn of(
        name: &str,
        ids: impl IntoIterator<Item = Property>,
        status: &str,
        text: &str,
    ) -> Self {
        let mut made = Component::new(name);
        ids.into_iter().for_each(|id| made.push(id));
        made.push(value::request_status_property(status, text, None));
        Self(made)
    }
}

impl Answer {
    /// A status and its text, and nothing besides.
    pub fn of(status: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into().into_boxed_str(),
            properties: Vec::new(),
            who: None,
            objects: Vec::new(),
            entries: Vec::new(),
            next: None,
        }
    }

    /// What became of each component.
    pub fn with(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            ..Self::success()
        }
    }

    /// Its code.
    pub fn status(&self) -> &'static str {
        self.status
    }

    /// The first code of a failure, of the whole or of one component.
    pub fn failure(&self) -> Option<&str> {
        let entries = self.entries.iter().filter_map(|Entry(entry)| {
            let status = entry.value("REQUEST-STATUS")?;
            status.split(';').next()
        });
        let next = self.next.as_deref().and_then(Self::failure);
        let mut codes = std::iter::once(self.status()).chain(entries).chain(next);
        codes.find(|code| !code.starts_with("2."))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Everything went as it was to.
    pub fn success() -> Self {
        Self::of("2.0", "Success")
    }

    /// What a failure of the core is called.
    pub fn failed(dialect: Dialect, cause: &Error) -> Self {
        let (a, b) = codes(cause.kind()).cap;
        if cause.kind() == Kind::Internal {
            tracing::error!(?cause, "a CAP command failed");
        }
        let code = match dialect {
            Dialect::A => a,
            Dialect::B => b,
        };
        Self::of(code, cause.message())
    }
}
