//! Grouping and putting together.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ical::parse::{Limits, parse};
use crate::ical::print;

fn split_text(text: &str) -> Split {
    let parsed = parse(text.as_bytes(), &Limits::DEFAULT);
    assert!(parsed.is_sound(), "{:?}", parsed.errors);
    let mut next = 0;
    split(parsed.components, &mut || {
        next += 1;
        format!("new-{next}")
    })
}

fn reasons(split: &Split) -> Vec<String> {
    split.rejected.iter().map(ToString::to_string).collect()
}

/// A VTIMEZONE of one fixed offset.
fn zone(tzid: &str, offset: &str) -> String {
    format!(
        "BEGIN:VTIMEZONE\nTZID:{tzid}\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
}

#[test]
fn one_object_for_each_uid_master_first() {
    let split = split_text(
        "BEGIN:VCALENDAR\nMETHOD: request\nX-WR-TIMEZONE:Europe/Berlin\nX-WR-CALNAME:A\\, B\n\
         BEGIN:VEVENT\nUID:a\\,b\nRECURRENCE-ID:20240101T100000Z\nEND:VEVENT\n\
         BEGIN:VTODO\nUID:t\nEND:VTODO\n\
         BEGIN:VEVENT\nUID:a\\,b\nSUMMARY:m\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:a\\,b\nRECURRENCE-ID;RANGE=THISANDFUTURE:20240101T100000Z\nEND:VEVENT\n\
         BEGIN:VJOURNAL\nSUMMARY:j\nEND:VJOURNAL\n\
         BEGIN:VEVENT\nUID:only\nRECURRENCE-ID:20240101\nEND:VEVENT\nEND:VCALENDAR\n",
    );
    assert!(split.rejected.is_empty(), "{:?}", split.rejected);
    assert_eq!(
        split.headers,
        [Header {
            method: Some("request".into()),
            timezone: Some("Europe/Berlin".into()),
            name: Some("A, B".into()),
        }]
    );
    let uids: Vec<_> = split
        .objects
        .iter()
        .map(|o| (o.kind, o.uid.as_str(), o.components.len()))
        .collect();
    assert_eq!(
        uids,
        [
            (Kind::Event, "a,b", 3),
            (Kind::Todo, "t", 1),
            (Kind::Journal, "new-1", 1),
            (Kind::Event, "only", 1)
        ]
    );
    let first = &split.objects[0];
    assert_eq!(first.master().unwrap().value("SUMMARY"), Some("m"));
    assert_eq!(first.overrides().len(), 2);
    assert_eq!(split.objects[2].components[0].value("UID"), Some("new-1"));
    assert_eq!(split.objects[3].master(), None);
    assert_eq!(split.objects[3].overrides().len(), 1);
}

#[test]
fn what_has_no_place_is_named() {
    let split = split_text(
        "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nUID:f\nEND:VFREEBUSY\n\
         BEGIN:VEVENT\nUID:a\nEND:VEVENT\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\n\
         BEGIN:VTODO\nUID:a\nEND:VTODO\n\
         BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;TZID=X:20240101T100000\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;X-Y=1;TZID=X:20240101t100000\nEND:VEVENT\n\
         BEGIN:X-VENUE\nX-N:1\nEND:X-VENUE\nBEGIN:VTIMEZONE\nTZID:\nEND:VTIMEZONE\nEND:VCALENDAR\n",
    );
    assert_eq!(split.objects.len(), 1);
    assert_eq!(split.objects[0].components.len(), 2);
    assert_eq!(
        reasons(&split),
        [
            "line 2: expected VEVENT, VTODO or VJOURNAL; free/busy time is computed, not stored",
            "line 8: expected one component without RECURRENCE-ID for this UID; the first is in line 5",
            "line 11: expected another UID; in line 5 a VEVENT has it",
            "line 18: expected one component for this UID and RECURRENCE-ID; the first is in line 14",
            "line 22: expected VEVENT, VTODO or VJOURNAL, found X-VENUE",
            "line 25: expected a TZID in VTIMEZONE",
        ]
    );
    assert_eq!(split.rejected[0].uid.as_deref(), Some("f"));
}

#[test]
fn objects_get_the_zones_they_name() {
    let text = format!(
        "BEGIN:VCALENDAR\n{}{}BEGIN:VEVENT\nUID:1\nDTSTART;TZID=A:20240101T100000\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;TZID=\"B, C\":20240101T100000\n\
         BEGIN:VALARM\nX-T;TZID=D:1\nEND:VALARM\nEND:VEVENT\nBEGIN:VEVENT\nUID:2\nEND:VEVENT\nEND:VCALENDAR\n\
         BEGIN:VCALENDAR\n{}{}BEGIN:VEVENT\nUID:3\nDTSTART;TZID=A:20240101T100000\nEND:VEVENT\nEND:VCALENDAR\n",
        zone("A", "+0100"),
        zone("B\\, C", "+0200"),
        zone("A", "+0300"),
        zone("D", "+0400"),
    );
    let split = split_text(&text);
    let zones = |at: usize| -> Vec<_> {
        split.objects[at]
            .timezones
            .iter()
            .map(|z| {
                let standard = z.components().next().unwrap();
                (
                    z.value("TZID").unwrap(),
                    standard.value("TZOFFSETTO").unwrap(),
                )
            })
            .collect()
    };
    assert_eq!(
        zones(0),
        [("A", "+0100"), ("B\\, C", "+0200"), ("D", "+0400")]
    );
    assert!(zones(1).is_empty());
    assert_eq!(zones(2), [("A", "+0300")]);
}

#[test]
fn objects_become_one_calendar_again() {
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\n{}BEGIN:VEVENT\nUID:1\nDTSTART;TZID=A:20240101T100000\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:2\nDTSTART;TZID=A:20240101T100000\nEND:VEVENT\nEND:VCALENDAR\n",
        zone("A", "+0100"),
    );
    let split = split_text(&text);
    let calendar = to_calendar(&split.objects, [Property::new("VERSION", "2.0")]);
    assert_eq!(print::to_string(&calendar), text.replace('\n', "\r\n"));
}

#[test]
fn zones_of_one_name_and_two_meanings_stay_apart() {
    let event = |uid: &str| {
        format!(
            "BEGIN:VEVENT\nUID:{uid}\nDTSTART;TZID=A:20240101T100000\nBEGIN:VALARM\nX-T;TZID=A:1\nEND:VALARM\nEND:VEVENT\n"
        )
    };
    let calendar =
        |zone: String, uid: &str| format!("BEGIN:VCALENDAR\n{zone}{}END:VCALENDAR\n", event(uid));
    let renamed_only = zone("A", "+0100").replace("DTSTART:", "TZNAME:CET\nDTSTART:");
    let text = calendar(zone("A", "+0100"), "1")
        + &calendar(zone("A", "+0200"), "2")
        + &calendar(renamed_only, "3")
        + &calendar(zone("A", "+0200"), "4");
    let split = split_text(&text);
    let whole = to_calendar(&split.objects, []);
    let zones: Vec<_> = whole
        .components_named("VTIMEZONE")
        .map(|z| z.value("TZID").unwrap())
        .collect();
    assert_eq!(zones, ["A", "A 2"]);
    let times: Vec<_> = whole
        .components_named("VEVENT")
        .map(|e| {
            let alarm = e.components().next().unwrap();
            (
                e.property("DTSTART").unwrap().as_line(),
                alarm.property("X-T").unwrap().as_line(),
            )
        })
        .collect();
    let (one, two) = (
        ("DTSTART;TZID=A:20240101T100000", "X-T;TZID=A:1"),
        ("DTSTART;TZID=A 2:20240101T100000", "X-T;TZID=A 2:1"),
    );
    assert_eq!(times, [one, two, one, two]);
}
