//! Faults and their lines.

use super::*;
use crate::ical::parse::{Limits, parse_mending};

/// The issues of a text, `!` before errors.
fn issues(text: &str) -> Vec<String> {
    let parsed = parse_mending(text.as_bytes(), &Limits::DEFAULT);
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    stream(&parsed.components)
        .iter()
        .map(|issue| {
            let mark = match issue.severity {
                Severity::Error => "!",
                Severity::Warning => "",
            };
            format!("{mark}{issue}")
        })
        .collect()
}

/// The issues of an event with these lines; the first of them is line 7.
fn event(lines: &str) -> Vec<String> {
    issues(&format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTAMP:20240101T000000Z\n{lines}END:VEVENT\nEND:VCALENDAR\n"
    ))
}

/// That these lines of an event have this one issue.
fn one(lines: &str, issue: &str) {
    assert_eq!(event(lines), [issue], "{lines}");
}

#[test]
fn a_sound_event_has_no_issues() {
    let lines = "DTSTART;TZID=Europe/Berlin:20240101T100000\nDTEND;TZID=Europe/Berlin:20240101T110000\n\
        RRULE:FREQ=WEEKLY;BYDAY=MO\nEXDATE;TZID=Europe/Berlin:20240108T100000,20240115T100000\n\
        RDATE;VALUE=PERIOD:20240102T100000Z/PT1H\nGEO:1.5;2\nCATEGORIES:A,B\nX-ANY;X-P=1:x\n\
        REQUEST-STATUS:2.0;Success\nATTACH;VALUE=BINARY;ENCODING=BASE64:YQ==\nSEQUENCE:0\n\
        ATTENDEE;RSVP=TRUE;CUTYPE=X-NEW:mailto:a@b.c\nBEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\n\
        TRIGGER;RELATED=END:-PT5M\nEND:VALARM\n";
    assert_eq!(event(lines), Vec::<String>::new());
    let unknown = "BEGIN:X-THING\nDTSTART:whenever\nEND:X-THING\n";
    assert_eq!(
        event(&format!("{lines}{unknown}")),
        ["line 25: DTSTART: expected a date or a time written YYYYMMDDTHHMMSS, with Z for UTC"]
    );
}

#[test]
fn times_that_cannot_be_told_are_errors() {
    one(
        "DTSTART:20240230T100000\n",
        "!line 7: DTSTART: expected a date or a time written YYYYMMDDTHHMMSS, with Z for UTC",
    );
    one(
        "SUMMARY:x\n",
        "!line 4: VEVENT: expected the property DTSTART, found none",
    );
    one(
        "DTSTART:20240101T100000\nRRULE:FREQ=OFTEN\n",
        "!line 8: RRULE: expected FREQ to be SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY, found 'OFTEN'",
    );
    one(
        "DTSTART:20240101T100000\nDTSTART:20240102T100000\n",
        "!line 8: DTSTART: expected this once, found it in line 7 before",
    );
    one(
        "DTSTART:20240101T100000\nDURATION:1H\n",
        "!line 8: DURATION: expected a duration such as P1D or -PT15M",
    );
    one(
        "DTSTART:20240101T100000\nEXDATE:20240102T100000,x\n",
        "!line 8: EXDATE: expected a date or a time written YYYYMMDDTHHMMSS, with Z for UTC",
    );
}

#[test]
fn bent_rules_are_warnings() {
    for (lines, issue) in [
        (
            "DTSTART:20240101\n",
            "line 7: DTSTART: expected VALUE to say whether this is a date or a time",
        ),
        (
            "DTSTART:20240101T100000\nDTEND;VALUE=DATE:20240102\n",
            "line 8: DTEND: expected a date or a time, whichever DTSTART is",
        ),
        (
            "DTSTART:20240101T100000\nDTEND:20240101T090000\n",
            "line 8: DTEND: expected a time not before DTSTART",
        ),
        (
            "DTSTART:20240101T100000\nDTEND:20240101T110000\nDURATION:PT1H\n",
            "line 9: DURATION: expected either an end or a DURATION, found both",
        ),
        (
            "DTSTART:20240101T100000\nDTSTART:20240101T100000\n",
            "line 8: DTSTART: expected this once, found it in line 7 before",
        ),
        (
            "DTSTART:20240101T100000\nSUMMARY:a\nSUMMARY:b\n",
            "line 9: SUMMARY: expected this once, found it in line 8 before",
        ),
        (
            "DTSTART:20240101T100000Z\nCREATED:20240101T100000\n",
            "line 8: CREATED: expected a time in UTC written YYYYMMDDTHHMMSSZ",
        ),
        (
            "DTSTART:20240101T100000Z\nURL:www.example.com\n",
            "line 8: URL: expected an address such as mailto:user@example.com",
        ),
        (
            "DTSTART:20240101T100000Z\nSUMMARY:\\\"x\\\"\n",
            "line 8: SUMMARY: expected a backslash only before '\\', ';', ',' and 'n'",
        ),
        (
            "DTSTART:20240101T100000Z\nPRIORITY:10\n",
            "line 8: PRIORITY: expected a number from 0 to 9",
        ),
        (
            "DTSTART:20240101T100000Z\nDUE:20240101T100000Z\n",
            "line 8: DUE: expected no such property in VEVENT",
        ),
        (
            "DTSTART;VALUE=TEXT:20240101T100000Z\n",
            "line 7: DTSTART: expected a value type that this property can have, found VALUE=TEXT",
        ),
        (
            "DTSTART:20240101T100000Z\nATTENDEE;RSVP=MAYBE:mailto:x\n",
            "line 8: ATTENDEE: expected the parameter RSVP to be TRUE or FALSE",
        ),
        (
            "DTSTART:20240101T100000Z\nATTACH;VALUE=BINARY:YQ==\n",
            "line 8: ATTACH: expected base64, marked by ENCODING=BASE64 and VALUE=BINARY",
        ),
        (
            "DTSTART:20240101T100000Z\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\n",
            "line 8: VALARM: expected the property ACTION, found none",
        ),
        (
            "DTSTART:20240101T100000Z\nBEGIN:VALARM\nACTION:AUDIO\nTRIGGER:soon\nEND:VALARM\n",
            "line 10: TRIGGER: expected a duration such as P1D or -PT15M",
        ),
    ] {
        one(lines, issue);
    }
}

#[test]
fn components_have_their_places() {
    // The parser keeps a VTIMEZONE out of a VEVENT, so this is built.
    let mut event = Component::new("VEVENT").at_line(4);
    event.push_component(Component::new("VTIMEZONE").at_line(8));
    let found = component(&event, Some("REQUEST"));
    let expected = "line 8: VTIMEZONE: expected no such component in VEVENT";
    assert!(found.iter().any(|i| i.to_string() == expected), "{found:?}");
}

#[test]
fn calendars_need_their_header() {
    assert_eq!(
        issues("BEGIN:VCALENDAR\nVERSION:1.0\nCALSCALE:JULIAN\nEND:VCALENDAR\n"),
        [
            "line 1: VCALENDAR: expected the property PRODID, found none",
            "line 2: VERSION: expected VERSION:2.0",
            "line 3: CALSCALE: expected CALSCALE:GREGORIAN",
        ]
    );
    assert_eq!(
        issues(
            "BEGIN:VTODO\nUID:1\nDTSTAMP:20240101T000000Z\nRRULE:FREQ=DAILY\nEND:VTODO\nBEGIN:X-A\nEND:X-A\n"
        ),
        [
            "line 1: VTODO: expected a VCALENDAR around it",
            "line 4: RRULE: expected DTSTART, from which this counts",
        ]
    );
}

#[test]
fn zones_that_say_nothing_are_errors() {
    assert_eq!(
        issues(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:a\nEND:VTIMEZONE\n\
             BEGIN:VTIMEZONE\nBEGIN:STANDARD\nTZOFFSETFROM:x\nDTSTART:19700101T000000\nEND:STANDARD\n\
             END:VTIMEZONE\nEND:VCALENDAR\n"
        ),
        [
            "!line 4: VTIMEZONE: expected STANDARD or DAYLIGHT in VTIMEZONE",
            "!line 7: VTIMEZONE: expected the property TZID, found none",
            "!line 8: STANDARD: expected the property TZOFFSETTO, found none",
            "!line 9: TZOFFSETFROM: expected an offset from UTC such as +0100",
        ]
    );
}

#[test]
fn a_message_may_leave_the_start_out() {
    let cancel = Component::new("VEVENT")
        .with(Property::new("UID", "1"))
        .with(Property::new("DTSTAMP", "20240101T000000Z"));
    assert!(component(&cancel, Some("CANCEL")).is_empty());
    assert!(!can_be_taken(&component(&cancel, None)));
}
