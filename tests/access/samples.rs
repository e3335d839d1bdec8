//! Values for the parameters of any command, by what the registry says they hold: good ones, odd ones and wrong ones.

use wcapd::wcap::args::{Kind, Param};

use crate::pry::MARKS;

/// Values to send for `param`, not encoded; `uid` is that of an item in the calendar that is asked for.
pub(crate) fn values(param: &Param, uid: &str) -> Vec<String> {
    let texts: &[&str] = match param.kind {
        Kind::Text | Kind::Secret => &["", "tom", "kim", "*", "%", "a", "tom@localhost"],
        Kind::Flag => &["0", "1", "2", ""],
        Kind::Integer(..) => &["0", "1", "2", "4", "256", "-1", "x", "99999999999999999999"],
        Kind::Time => &[
            "0",
            "20260201T000000Z",
            "20260201T000000",
            "20260201",
            "99991231T235959Z",
            "x",
        ],
        Kind::Times => &["20260201T100000Z;20260208T100000Z", "x;y"],
        Kind::Duration => &["PT1H", "1000", "x"],
        Kind::Trigger => &["-PT15M", "20260201T094500Z", "0", "x"],
        Kind::Zone => &["Europe/Berlin", "Nowhere/Land", ""],
        Kind::Calid => &[
            "tom",
            "tom:more",
            "mailto:tom@localhost",
            "oli",
            "TOM@localhost",
            "cap://localhost/tom",
            "nobody",
            "",
            "a^b",
        ],
        Kind::Calids => &[
            "tom",
            "tom:more",
            "tom;kim;nobody",
            "oli",
            "mailto:tom@localhost",
            "cap://localhost/tom;tom:more",
            "",
            ";",
        ],
        Kind::Aces => &["@^a^r^g;kim^c^wd^g", "x", "", ";"],
        Kind::Users => &["tom;kim", "kim@localhost", "nobody", ""],
        Kind::Uids => &["nothing", "nothing;nothing", ""],
        Kind::RecurrenceIds => &["0", "20260203T090000Z", "20260203T090000Z;0", "x"],
        Kind::Modifiers => &["1", "2", "3", "4", "5", "1;2;3"],
        Kind::List => &["a;b", "", ";;"],
        Kind::Attendees => &[
            "tom",
            "PARTSTAT=ACCEPTED^kim",
            "CN=x^mailto:tom@localhost;nobody",
            "^",
            "x=y",
        ],
        Kind::Rules => &["\"FREQ%3DDAILY\"", "\"FREQ=NEVER\"", "\""],
        Kind::States => &["ALL", "REQUEST-NEEDS-ACTION", "REPLY-ACCEPTED", "NONE"],
        Kind::Format => &["text/calendar", "text/xml", "text/json", "text/x"],
    };
    let mut values: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    if matches!(param.name, "filter" | "search-string") {
        values.extend([MARKS[0].to_owned(), "summary".to_owned()]);
    }
    // Whoever knows or guesses a UID must not learn that it is there.
    match param.kind {
        Kind::Uids => values.extend([uid.to_owned(), format!("{uid};nothing")]),
        Kind::Text => values.push(uid.to_owned()),
        Kind::Integer(low, high) => values.extend([low.to_string(), high.to_string()]),
        _ => {}
    }
    values
}
