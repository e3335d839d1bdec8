//! The part of the command line about messages that wait to be mailed.

use clap::{Args, Subcommand};

pub(super) const EXAMPLES: &str = "\
  wcapd outbox list
  wcapd outbox show 3f2a        the beginning of an id is enough
  wcapd outbox retry --all
  wcapd outbox drop 3f2a";

/// `outbox ...`
#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// List the messages that wait, those due first first.
    List,
    /// Show a message: what is known of it, and its text as the recipient gets it.
    Show {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Make messages due now and forget what went wrong with them.
    Retry(Letters),
    /// Take messages out; the organizer's item says that these people were not reached.
    Drop(Letters),
}

/// Which messages.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Letters {
    /// The id of one, or the beginning of it.
    pub id: Option<String>,
    /// All that wait.
    #[arg(long)]
    pub all: bool,
}
