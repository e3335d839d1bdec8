//! What of the CAP door goes into the audit log: commands that change something, and refusals of right. Logins and
//! IDENTIFY are logged in the core, where all doors meet.

use super::answer::Answer;
use super::command::Request;
use crate::core::audit::{self, Deed};
use crate::core::{Caller, Client, Core, Kind, Result};

/// Commands that only read, by their names in dialect A.
const READING: [&str; 3] = ["READ", "GENERATEUID", "NOOP"];

/// Codes that say that somebody asked for more than their right, in either dialect.
const REFUSALS: [&str; 3] = ["6.0", "6.4", "3.8"];

/// Logs what a command came to at one target.
pub(super) fn note(
    core: &Core,
    request: &Request<'_>,
    client: Client,
    target: &str,
    answer: &Answer,
) {
    let Some(what) = request.known_name() else {
        return;
    };
    let failure = answer.failure();
    let refused = failure.is_some_and(|code| REFUSALS.contains(&code));
    if READING.contains(&what) && !refused && !core.settings().audit_reads {
        return;
    }
    deed(
        (request.caller, client),
        what,
        target,
        failure.unwrap_or("done"),
    );
}

/// Logs what a command for a calendar of another store came to there.
pub(super) fn relayed(from: (&Caller, Client), what: &str, target: &str, code: Option<String>) {
    let code = code.unwrap_or_default();
    let outcome = match code.starts_with("2.") {
        true => "done",
        false => code.as_str(),
    };
    deed(from, what, target, outcome);
}

/// Logs what CALIDEXPAND or UPNEXPAND came to.
pub(super) fn expansion<T>(
    core: &Core,
    from: (&Caller, Client),
    what: &str,
    argument: &str,
    found: &Result<T>,
) {
    let refused = matches!(found, Err(error) if error.kind() == Kind::AccessDenied);
    if !refused && !core.settings().audit_reads {
        return;
    }
    let outcome = match found {
        Ok(_) => "done",
        Err(_) if refused => "refused",
        Err(_) => "failed",
    };
    deed(from, what, argument, outcome);
}

fn deed((caller, client): (&Caller, Client), what: &str, calendar: &str, outcome: &str) {
    audit::deed(&Deed {
        caller,
        client,
        door: "cap",
        what,
        calendar,
        outcome,
    });
}
