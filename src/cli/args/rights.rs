//! The part of the command line about rights that the store gives and takes.

use clap::{Args, Subcommand};

pub(super) const EXAMPLES: &str = "\
  wcapd rights list
  wcapd rights set 'No deletions' --decree --deny 'UPN=*;ACTION=DELETE;OBJECT=VEVENT'
  wcapd rights set Assistants --grant 'UPN=assistants@example.org;ACTION=READ,CREATE;OBJECT=VEVENT'
  wcapd rights remove 'No deletions'";

/// `rights ...`
#[derive(Debug, Subcommand)]
pub enum Rights {
    /// List the sets of rights of the store.
    List,
    /// Show a set of rights.
    Show {
        /// Its name (CARID).
        name: String,
    },
    /// Make a set of rights, or put it in the place of the one of its name.
    Set(Set),
    /// Take a set of rights away.
    Remove {
        /// Its name (CARID).
        name: String,
    },
}

/// `rights set`
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = true, args = ["grant", "deny"])]
pub struct Set {
    /// Its name (CARID).
    pub name: String,
    /// What it gives, as CAP writes rights: UPN=...;ACTION=...;OBJECT=...;VALUE=...
    #[arg(long, value_name = "RIGHT")]
    pub grant: Vec<String>,
    /// What it takes; nothing gives that back.
    #[arg(long, value_name = "RIGHT")]
    pub deny: Vec<String>,
    /// Let it bear on every calendar, its primary owner included, whatever the calendar's own rights say. Without this it is for calendars
    /// at the top that have no rights of their own.
    #[arg(long)]
    pub decree: bool,
}
