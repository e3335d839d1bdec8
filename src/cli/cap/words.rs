//! Commands as people write them, on the command line or in a session.

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A query.
    Select(String),
    /// The calendars of the store.
    Calendars,
    /// What is in an iCalendar file becomes part of the targets.
    Create(String),
    /// A UID, or a query of what is to go.
    Delete(String),
    /// Busy times, from and to.
    Busy(Option<String>, Option<String>),
    /// An object of CAP from a file, as it is.
    Send(String),
    /// The calendars of a user or group.
    Expand(String),
    /// Fresh UIDs.
    Uids(u32),
    /// A command that is one line of CAP.
    Line(String),
    /// Acting for somebody else, or for oneself again.
    Identify(Option<String>),
    /// What commands are about from now on; without any: what that is.
    Target(Vec<String>),
    /// What there is.
    Help,
    /// The end.
    Quit,
}

/// The commands by name, with what stands after them.
pub(super) const NAMES: [(&str, &str); 13] = [
    (
        "SELECT",
        "COLUMNS FROM TABLE [WHERE ...]  what a query finds, as CAP asks: SELECT UID,SUMMARY FROM VEVENT",
    ),
    (
        "calendars",
        "                           the calendars of the store that you may know of",
    ),
    (
        "target",
        "[CALID...]                    what commands are about from now on; shows it",
    ),
    (
        "create",
        "FILE                          store what is in an iCalendar file",
    ),
    (
        "delete",
        "UID | SELECT ...              delete an item, or what a query finds",
    ),
    (
        "busy",
        "[FROM [TO]]                     busy times, like 2026-12-01 or 20261201T090000Z; a week from today",
    ),
    (
        "send",
        "FILE                            send an object of CAP as it is",
    ),
    (
        "expand",
        "UPN                           the calendars of a user or of a group's members",
    ),
    (
        "identify",
        "[UPN]                       act for somebody else, where you may; or for yourself again",
    ),
    ("uid", "[N]                              fresh UIDs"),
    (
        "capability",
        "                          what the server can do",
    ),
    ("noop", "                                nothing"),
    ("quit", "                                the end, as Ctrl-D"),
];

/// What `help` shows.
pub(super) const HELP: &str = "\
SELECT COLUMNS FROM TABLE [WHERE ...]
                     what a query finds: SELECT UID,DTSTART,SUMMARY FROM VEVENT WHERE DTSTART >= '20261201T000000Z'
calendars            the calendars of the store that you may know of
target [CALID...]    what commands are about from now on; without one, shows it
create FILE          store what is in an iCalendar file; - is standard input
delete UID           delete an item, or what a query finds: delete SELECT * FROM VTODO WHERE STATUS = 'COMPLETED'
busy [FROM [TO]]     busy times, like 2026-12-01 or 20261201T090000Z; a week from today
send FILE            send an object of CAP as it is
expand UPN           the calendars of a user, or of a group's members
identify [UPN]       act for somebody else, where you may; or for yourself again
uid [N]              fresh UIDs
capability           what the server can do
noop                 nothing
quit                 the end, as Ctrl-D
";

/// Reads a command. Errors: a sentence that says what is expected.
pub(super) fn read(text: &str) -> Result<Word, String> {
    let text = text.trim();
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let one = |what: &str| match rest.is_empty() {
        true => Err(format!("expected {what} after '{name}'")),
        false => Ok(rest.to_owned()),
    };
    let none = |word: Word| match rest.is_empty() {
        true => Ok(word),
        false => Err(format!("expected nothing after '{name}', found '{rest}'")),
    };
    match name.to_ascii_lowercase().as_str() {
        "select" => Ok(Word::Select(text.to_owned())),
        "calendars" => none(Word::Calendars),
        "create" => Ok(Word::Create(one("a file")?)),
        "delete" => Ok(Word::Delete(one("a UID or a query")?)),
        "busy" => {
            let mut times = rest.split_whitespace().map(str::to_owned);
            let (from, to) = (times.next(), times.next());
            match times.next() {
                Some(more) => Err(format!("expected one or two times, found '{more}' too")),
                None => Ok(Word::Busy(from, to)),
            }
        }
        "send" => Ok(Word::Send(one("a file")?)),
        "expand" => Ok(Word::Expand(one("a name")?)),
        "identify" => Ok(Word::Identify((!rest.is_empty()).then(|| rest.to_owned()))),
        "target" => {
            let targets = rest.split_whitespace().map(str::to_owned);
            Ok(Word::Target(targets.collect()))
        }
        "uid" if rest.is_empty() => Ok(Word::Uids(1)),
        "uid" => match rest.parse() {
            Ok(count) => Ok(Word::Uids(count)),
            Err(_) => Err(format!("expected a number after 'uid', found '{rest}'")),
        },
        "capability" => none(Word::Line("CAPABILITY".to_owned())),
        "noop" => none(Word::Line("NOOP".to_owned())),
        "help" | "?" => Ok(Word::Help),
        "quit" | "exit" => Ok(Word::Quit),
        _ => {
            let likely = NAMES
                .iter()
                .map(|(own, _)| {
                    (
                        strsim::jaro_winkler(&name.to_lowercase(), &own.to_lowercase()),
                        own,
                    )
                })
                .max_by(|a, b| a.0.total_cmp(&b.0));
            Err(match likely {
                Some((near, own)) if near > 0.8 => {
                    format!("there is no command '{name}'; did you mean '{own}'?")
                }
                _ => format!("there is no command '{name}'; 'help' shows them all"),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_and_what_is_none_is_told() {
        for (text, word) in [
            (
                " select uid from vevent ",
                Word::Select("select uid from vevent".into()),
            ),
            ("create my file.ics", Word::Create("my file.ics".into())),
            ("busy", Word::Busy(None, None)),
            (
                "busy 2026-12-01 2026-12-02",
                Word::Busy(Some("2026-12-01".into()), Some("2026-12-02".into())),
            ),
            ("uid 3", Word::Uids(3)),
            ("target a b", Word::Target(vec!["a".into(), "b".into()])),
            ("identify", Word::Identify(None)),
            ("?", Word::Help),
        ] {
            assert_eq!(read(text), Ok(word), "{text}");
        }
        for (text, told) in [
            ("create", "expected a file after 'create'"),
            (
                "calendar",
                "there is no command 'calendar'; did you mean 'calendars'?",
            ),
            (
                "xyzzy",
                "there is no command 'xyzzy'; 'help' shows them all",
            ),
            ("uid x", "expected a number after 'uid', found 'x'"),
            ("noop now", "expected nothing after 'noop', found 'now'"),
            ("busy a b c", "expected one or two times, found 'c' too"),
        ] {
            assert_eq!(read(text), Err(told.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_command_has_its_line_of_help() {
        for (name, _) in NAMES {
            assert!(HELP.lines().any(|line| line.starts_with(name)), "{name}");
        }
    }
}
