//! What can go wrong below the nouns: the disk, the bytes on it, another writer, another process.
//!
//! A missing row is no error here; what a missing row means is decided by who asked for it.

use std::path::PathBuf;
use std::sync::Arc;

use super::space::Space;

/// Result of everything in the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the store could not do what was asked. Cheap to clone: one failed flush answers many writers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk or the engine failed. After a failed write it is unknown whether the write is on disk.
    #[error("{doing} failed: {message}")]
    Storage {
        /// What was being done, as the subject of a sentence.
        doing: &'static str,
        /// The engine's own words.
        message: Arc<str>,
    },
    /// No space is left on the device.
    #[error("no space is left for the store: free some and start wcapd again")]
    Full,
    /// An earlier write failed, so this process takes no more of them: what is on disk must be read anew.
    #[error("the store takes no writes since one failed: mend the cause and start wcapd again")]
    ReadOnly,
    /// A row or the file does not hold what this program wrote.
    #[error("expected a sound row {key} in {space}, found {found}")]
    Corrupt {
        /// The key space of the row.
        space: Space,
        /// The key of the row, printable.
        key: Arc<str>,
        /// What was found instead.
        found: Arc<str>,
    },
    /// Other writers changed what this write had read, each time it was tried.
    #[error("another writer was faster, {0} times: try again")]
    Conflict(u32),
    /// Another process holds the store.
    #[error("the store {0} is in use by another process: is wcapd already running on this folder?")]
    Locked(PathBuf),
    /// The store was written by a newer program.
    #[error(
        "the store has format {found}, this program knows formats up to {known}: use a newer wcapd"
    )]
    VersionTooNew {
        /// The format of the store.
        found: u32,
        /// The newest format of this program.
        known: u32,
    },
    /// A key or a value is longer than the store takes.
    #[error("expected a {what} of at most {limit} bytes, found {length}")]
    TooLarge {
        /// `key`, `value` or `transaction`.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The bound in bytes.
        limit: usize,
    },
    /// A write was begun inside a write of the same thread, which would wait for itself for ever.
    #[error("expected no write inside another write")]
    Nested,
}

impl Error {
    /// A failure of the engine while `doing` something.
    pub fn storage(doing: &'static str, cause: impl std::fmt::Display) -> Self {
        Self::Storage {
            doing,
            message: cause.to_string().into(),
        }
    }

    /// An input or output failure while `doing` something; a full disk keeps its own name.
    pub fn io(doing: &'static str, cause: &std::io::Error) -> Self {
        if cause.kind() == std::io::ErrorKind::StorageFull {
            Self::Full
        } else {
            Self::storage(doing, cause)
        }
    }

    /// A row that does not hold what it should.
    pub fn corrupt(space: Space, key: &[u8], found: impl std::fmt::Display) -> Self {
        let key: Arc<str> = key.escape_ascii().to_string().into();
        Self::Corrupt {
            space,
            key,
            found: found.to_string().into(),
        }
    }
}
