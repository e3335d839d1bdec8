//! The audit log: who did what to which calendar, and what came of it. One event each, under a target of its own, so
//! that it can be sent elsewhere; where it goes is the matter of `observe`.
//!
//! Names and texts are what clients sent: they are logged quoted, so that none can look like another line. Passwords
//! and session ids are never handed in.

use super::{Caller, Client, Error, Identity, Kind, Result};

/// The target of all audit events.
pub const TARGET: &str = "wcapd::audit";

/// Longest text of a client in one event, in characters.
const TEXT_MAX: usize = 200;

/// What was done, as a door tells it.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// On whose behalf.
    pub caller: &'a Caller,
    /// From where.
    pub client: Client,
    /// Through which door: `wcap`, `web`, `cap`, `admin`.
    pub door: &'static str,
    /// What: the name of a command.
    pub what: &'a str,
    /// The calendars that were named, as they were named; empty for the caller's own.
    pub calendar: &'a str,
    /// What came of it: `done`, or the door's number or word of failure.
    pub outcome: &'a str,
}

/// Logs that something was done or refused.
pub fn deed(deed: &Deed<'_>) {
    tracing::info!(
        target: TARGET,
        who = name(deed.caller),
        client = %deed.client,
        door = deed.door,
        what = cut(deed.what),
        calendar = cut(deed.calendar),
        outcome = cut(deed.outcome),
        "deed"
    );
}

/// Logs an attempt to log in, and how it was made.
pub(super) fn login(
    login: &str,
    mechanism: &'static str,
    client: Client,
    outcome: &Result<Identity>,
) {
    let (who, outcome) = match outcome {
        Ok(identity) => (identity.name.to_string(), "done"),
        Err(error) => (String::new(), reason(error)),
    };
    tracing::info!(
        target: TARGET,
        who,
        client = %client,
        what = "login",
        mechanism,
        typed = cut(login),
        outcome,
        "login"
    );
}

/// Logs that somebody who is logged in began to act as another user, or may not.
pub fn acting(original: &Caller, other: &str, client: Client, done: bool) {
    tracing::info!(
        target: TARGET,
        who = name(original),
        client = %client,
        what = "login as another",
        typed = cut(other),
        outcome = if done { "done" } else { "refused" },
        "login"
    );
}

fn reason(error: &Error) -> &'static str {
    match error.kind() {
        Kind::NotAuthenticated => "refused",
        Kind::TooManyAttempts => "too many attempts",
        Kind::Unavailable => "directory down",
        _ => "failed",
    }
}

/// The caller's UPN, or what stands for it.
fn name(caller: &Caller) -> String {
    match caller {
        Caller::User(identity) => identity.name.to_string(),
        Caller::Guest(name) => name.to_string(),
        Caller::Anonymous => super::sessions::ANONYMOUS.to_owned(),
        Caller::System => "operator".to_owned(),
    }
}

fn cut(text: &str) -> &str {
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "\u{e4}".repeat(TEXT_MAX + 1);
        assert_eq!(cut(&long).chars().count(), TEXT_MAX);
    }
}
