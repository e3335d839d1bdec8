//! What of the WCAP door goes into the audit log: commands that change something, and refusals of right.

use crate::core::audit::{self, Deed};
use crate::core::{Caller, Client};
use crate::wcap::context::Context;
use crate::wcap::errno::Errno;
use crate::wcap::registry::Row;

/// Beginnings of the names of commands that only read. Whatever else there is or will be changes something.
const READING: [&str; 11] = [
    "check_id", "export", "fetch", "get", "list", "ping", "search", "verify", "version", "gettime",
    "time",
];

/// Results that say that somebody asked for more than their right.
const REFUSALS: [i32; 6] = [28, 44, 45, 47, 75, 76];

fn only_reads(row: &Row) -> bool {
    READING.iter().any(|name| row.name.starts_with(name))
}

/// Logs what a command came to. Logins are logged in the core, where all doors meet.
pub(super) fn note(context: &Context, errno: Errno) {
    let row = context.row;
    let refused = REFUSALS.contains(&errno.number());
    if row.name == "login" || (only_reads(row) && !refused && !context.core.settings().audit_reads)
    {
        return;
    }
    let calendar = context.args.pairs().filter(|(name, _)| *name == "calid");
    let calendar = calendar.filter_map(|(_, raw)| raw.decode().ok()).last();
    let errno = errno.to_string();
    audit::deed(&Deed {
        caller: &context.caller,
        client: context.client,
        door: "wcap",
        what: row.name,
        calendar: calendar.as_deref().unwrap_or_default(),
        outcome: if errno == "0" { "done" } else { &errno },
    });
}

/// Logs that a command was asked for with the id of a session that is none.
pub(super) fn dead_session(row: &Row, client: Client, errno: Errno) {
    audit::deed(&Deed {
        caller: &Caller::Anonymous,
        client,
        door: "wcap",
        what: row.name,
        calendar: "",
        outcome: &errno.to_string(),
    });
}
