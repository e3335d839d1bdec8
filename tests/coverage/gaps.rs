//! What no transcript exercises, each with the reason.

use wcapd::wcap::errno::Errno;
use wcapd::wcap::registry;

/// Results that no transcript can show.
const ERRNOS: &[(&[i32], &str)] = &[
    (
        &[2],
        "clients take it for a failed login: a default calendar that is missing is made and login answers 0",
    ),
    (&[20, 24, 70], "the command has no failure of its own"),
    (
        &[48, 49, 50, 51],
        "of the link to a back end, which there is none of",
    ),
    (
        &[53, 64],
        "inside the server; clients get the general failure of the command",
    ),
    (
        &[56],
        "reading the record of deletions has no failure of its own",
    ),
    (
        &[78],
        "only when the disk is full or has failed, which the tests of the store show",
    ),
    (
        &[69],
        "nothing of a calendar's properties waits for a directory",
    ),
    (
        &[81],
        "an exception without its master is answered as it is: clients drop the whole calendar otherwise",
    ),
    (&[11000], "only while the server stops, or above its bounds"),
    (
        &[11001],
        "only while an outside directory is down, which the tests of LDAP show",
    ),
    (
        &[11002, 11003, 11004, 11005, 11006, 11007, 11008],
        "of the link to a back end, which there is none of",
    ),
];

/// Parameters of a command that nothing can show.
const PARAMS: &[(&str, &str, &str)] = &[];

/// Why no transcript has that result, if none can.
pub(super) fn errno(number: i32) -> Option<&'static str> {
    let row = ERRNOS.iter().find(|(numbers, _)| numbers.contains(&number));
    row.map(|(_, reason)| *reason)
}

/// Why no transcript sends that parameter, if none can.
pub(super) fn param(command: &str, name: &str) -> Option<&'static str> {
    let row = PARAMS.iter().find(|(c, p, _)| (*c, *p) == (command, name));
    row.map(|(_, _, reason)| *reason)
}

/// Excuses for what is not there at all.
pub(super) fn strange() -> Vec<String> {
    let mut strange = Vec::new();
    for number in ERRNOS.iter().flat_map(|(numbers, _)| *numbers) {
        if Errno::from_number(*number).is_none() {
            strange.push(format!("there is no errno {number} to excuse"));
        }
    }
    for (command, name, _) in PARAMS {
        let row = registry::find(command);
        if row.is_none_or(|row| row.params.iter().all(|p| p.name != *name)) {
            strange.push(format!("there is no {name} of {command} to excuse"));
        }
    }
    strange
}
