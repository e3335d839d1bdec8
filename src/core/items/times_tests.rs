//! Times as clients write them and as they are kept; the same time in other words.

#![expect(clippy::unwrap_used, reason = "tests")]

use jiff::civil;

use super::*;
use crate::ical::value::{Duration, parse_date_time};

fn component(kind: Kind, lines: &[&str]) -> Component {
    let mut made = Component::new(kind.component_name());
    for line in lines {
        made.push(Property::from_line(*line).unwrap());
    }
    made
}

fn at(text: &str) -> Change<DateTime> {
    Change::Set(parse_date_time(text, None).unwrap())
}

fn until(text: &str) -> Change<End> {
    Change::Set(End::At(parse_date_time(text, None).unwrap()))
}

fn lasting(text: &str) -> Change<End> {
    Change::Set(End::After(Duration::parse(text).unwrap()))
}

fn zone(name: &str) -> KeepIn {
    KeepIn::Zone(Zone::named(name).unwrap())
}

/// What becomes of the component: its properties that have to do with times, and what else it has.
fn applied(
    kind: Kind,
    lines: &[&str],
    edit: &TimesEdit,
    creating: bool,
) -> Result<Vec<String>, EditError> {
    let mut made = component(kind, lines);
    let mut own = Component::new("VTIMEZONE").with(Property::new("TZID", "Own"));
    own.push_component(
        Component::new("STANDARD")
            .with(Property::new("DTSTART", "19700101T000000"))
            .with(Property::new("TZOFFSETFROM", "+0100"))
            .with(Property::new("TZOFFSETTO", "+0100")),
    );
    let ctx = Context {
        kind,
        zones: &Zones::of(&[own]),
        floating: &Zone::named("Europe/Berlin").unwrap(),
        limits: &Limits::default(),
        creating,
    };
    edit.apply(&mut made, &ctx)?;
    Ok(made.properties().map(|p| p.as_line().to_owned()).collect())
}

fn edit(
    start: Change<DateTime>,
    end: Change<End>,
    all_day: Option<bool>,
    keep_in: KeepIn,
) -> TimesEdit {
    TimesEdit {
        start,
        end,
        all_day,
        keep_in,
    }
}

const KEEP: Change<End> = Change::Keep;

#[test]
fn given_times_are_kept_in_their_zone() {
    let berlin = || zone("Europe/Berlin");
    for (start, end, all_day, keep_in, expected) in [
        // As Lightning sends them: UTC, and the zone beside.
        (
            at("20260305T090000Z"),
            until("20260305T100000Z"),
            Some(false),
            berlin(),
            &[
                "DTSTART;TZID=Europe/Berlin:20260305T100000",
                "DTEND;TZID=Europe/Berlin:20260305T110000",
            ][..],
        ),
        // Without a zone UTC stays, local times are the calendar's.
        (
            at("20260305T090000Z"),
            KEEP,
            None,
            KeepIn::Item,
            &["DTSTART:20260305T090000Z"],
        ),
        (
            at("20260305T100000"),
            KEEP,
            None,
            KeepIn::Item,
            &["DTSTART;TZID=Europe/Berlin:20260305T100000"],
        ),
        (
            at("20260305T100000"),
            until("20260305T150000Z"),
            None,
            zone("America/New_York"),
            &[
                "DTSTART;TZID=America/New_York:20260305T100000",
                "DTEND;TZID=America/New_York:20260305T100000",
            ],
        ),
        (
            at("20260305T100000"),
            KEEP,
            None,
            zone("UTC"),
            &["DTSTART:20260305T100000Z"],
        ),
        // The second half past two of that night has no local name of its own.
        (
            at("20261025T013000Z"),
            KEEP,
            None,
            berlin(),
            &["DTSTART:20261025T013000Z"],
        ),
        (
            at("20261025T003000Z"),
            KEEP,
            None,
            berlin(),
            &["DTSTART;TZID=Europe/Berlin:20261025T023000"],
        ),
        // Days, however they are written; the zone beside them does not count.
        (
            at("20260301"),
            until("20260303"),
            Some(true),
            zone("America/New_York"),
            &["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260303"],
        ),
        (
            at("20260301T000000"),
            until("20260301T235959"),
            Some(true),
            KeepIn::Item,
            &["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260302"],
        ),
        (
            at("20260228T230000Z"),
            until("20260301T230000Z"),
            Some(true),
            berlin(),
            &["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260302"],
        ),
        (
            at("20260301"),
            until("20260301"),
            Some(true),
            KeepIn::Item,
            &["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260302"],
        ),
        (
            at("20260301"),
            KEEP,
            None,
            KeepIn::Item,
            &["DTSTART;VALUE=DATE:20260301"],
        ),
        (
            at("20260301"),
            KEEP,
            Some(false),
            KeepIn::Item,
            &["DTSTART;TZID=Europe/Berlin:20260301T000000"],
        ),
        // A length in place of an end.
        (
            at("20260305T120000Z"),
            lasting("PT0H0M0S"),
            None,
            KeepIn::Item,
            &["DTSTART:20260305T120000Z", "DURATION:PT0S"],
        ),
        (
            at("20260305T100000"),
            until("20260305T110000"),
            None,
            KeepIn::Written,
            &["DTSTART:20260305T100000", "DTEND:20260305T110000"],
        ),
    ] {
        let edit = edit(start, end, all_day, keep_in);
        let made = applied(Kind::Event, &[], &edit, true).unwrap();
        assert_eq!(made, expected, "{edit:?}");
    }
}

#[test]
fn the_same_times_in_other_words_stay_as_they_were() {
    let ten = "DTSTART;TZID=Europe/Berlin:20260305T100000";
    let eleven = "DTEND;TZID=Europe/Berlin:20260305T110000";
    let utc = || (at("20260305T090000Z"), until("20260305T100000Z"));
    for (stored, (start, end), all_day, keep_in) in [
        (
            &[ten, eleven][..],
            utc(),
            Some(false),
            zone("Europe/Berlin"),
        ),
        (&[ten, eleven], utc(), None, KeepIn::Item),
        (
            &[ten, "DURATION:PT1H"],
            utc(),
            Some(false),
            zone("Europe/Berlin"),
        ),
        (
            &[ten, "DURATION:PT1H"],
            (Change::Keep, lasting("PT60M")),
            None,
            KeepIn::Item,
        ),
        (
            &[ten, "DTEND;TZID=America/New_York:20260305T050000"],
            utc(),
            None,
            zone("Europe/Berlin"),
        ),
        // Words that clients of WCAP do not have.
        (
            &[
                "DTSTART;TZID=W. Europe Standard Time:20260305T100000",
                "DTEND:20260305T100000Z",
            ],
            utc(),
            Some(false),
            zone("Europe/Berlin"),
        ),
        (
            &[
                "DTSTART;TZID=Own:20260305T100000",
                "DTEND;TZID=Own:20260305T110000",
            ],
            utc(),
            Some(false),
            zone("Europe/Berlin"),
        ),
        (
            &["DTSTART:20260305T100000", "DTEND:20260305T110000"],
            utc(),
            None,
            zone("Europe/Berlin"),
        ),
        (
            &[ten],
            (Change::Keep, until("20260305T090000Z")),
            None,
            KeepIn::Item,
        ),
        (
            &["DTSTART;VALUE=DATE:20260305"],
            (at("20260305"), until("20260306")),
            Some(true),
            zone("America/New_York"),
        ),
        (
            &["DTSTART:20260305", "DTEND:20260306"],
            (at("20260305"), KEEP),
            Some(true),
            KeepIn::Item,
        ),
        // A zone alone says nothing of days, of floating times and of the zones of the data.
        (
            &["DTSTART;VALUE=DATE:20260305"],
            (Change::Keep, KEEP),
            None,
            zone("America/New_York"),
        ),
        (
            &["DTSTART:20260305T100000"],
            (Change::Keep, KEEP),
            None,
            zone("America/New_York"),
        ),
        (
            &["DTSTART;TZID=Own:20260305T100000"],
            (Change::Keep, KEEP),
            None,
            zone("Europe/Berlin"),
        ),
        (
            &[ten, "RRULE:FREQ=DAILY"],
            (Change::Keep, KEEP),
            None,
            zone("America/New_York"),
        ),
    ] {
        let edit = edit(start, end, all_day, keep_in);
        assert_eq!(
            applied(Kind::Event, stored, &edit, false).unwrap(),
            stored,
            "{edit:?}"
        );
    }
}

#[test]
fn changes_are_made() {
    let ten = "DTSTART;TZID=Europe/Berlin:20260305T100000";
    let eleven = "DTEND;TZID=Europe/Berlin:20260305T110000";
    for (stored, edit, expected) in [
        (
            &[ten, eleven][..],
            edit(Change::Keep, until("20260305T103000Z"), None, KeepIn::Item),
            &[ten, "DTEND;TZID=Europe/Berlin:20260305T113000"][..],
        ),
        (
            &[ten, "DURATION:PT1H"],
            edit(Change::Keep, until("20260305T103000Z"), None, KeepIn::Item),
            &[ten, "DTEND;TZID=Europe/Berlin:20260305T113000"],
        ),
        (
            &[ten, eleven],
            edit(Change::Keep, lasting("PT2H"), None, KeepIn::Item),
            &[ten, "DURATION:PT2H"],
        ),
        (
            &[ten, eleven],
            edit(Change::Keep, Change::Clear, None, KeepIn::Item),
            &[ten],
        ),
        // Another zone: the instants stay, those of a start and of an end in its zone.
        (
            &[ten, eleven],
            edit(Change::Keep, KEEP, None, zone("America/New_York")),
            &[
                "DTSTART;TZID=America/New_York:20260305T040000",
                "DTEND;TZID=America/New_York:20260305T050000",
            ],
        ),
        (
            &[ten, "DTEND;TZID=Asia/Tokyo:20260305T190000"],
            edit(Change::Keep, KEEP, None, zone("America/New_York")),
            &[
                "DTSTART;TZID=America/New_York:20260305T040000",
                "DTEND;TZID=Asia/Tokyo:20260305T190000",
            ],
        ),
        (
            &[ten, eleven],
            edit(
                at("20260305T090000Z"),
                until("20260305T100000Z"),
                Some(false),
                zone("America/New_York"),
            ),
            &[
                "DTSTART;TZID=America/New_York:20260305T040000",
                "DTEND;TZID=America/New_York:20260305T050000",
            ],
        ),
        // Days from times and times from days.
        (
            &[ten, eleven],
            edit(Change::Keep, KEEP, Some(true), KeepIn::Item),
            &["DTSTART;VALUE=DATE:20260305", "DTEND;VALUE=DATE:20260306"],
        ),
        (
            &["DTSTART;VALUE=DATE:20260305", "DTEND;VALUE=DATE:20260306"],
            edit(Change::Keep, KEEP, Some(false), KeepIn::Item),
            &[
                "DTSTART;TZID=Europe/Berlin:20260305T000000",
                "DTEND;TZID=Europe/Berlin:20260306T000000",
            ],
        ),
        (
            &["DTSTART;VALUE=DATE:20260305", "DTEND;VALUE=DATE:20260306"],
            edit(
                at("20260304T230000Z"),
                until("20260306T230000Z"),
                None,
                KeepIn::Item,
            ),
            &["DTSTART;VALUE=DATE:20260305", "DTEND;VALUE=DATE:20260307"],
        ),
    ] {
        assert_eq!(
            applied(Kind::Event, stored, &edit, false).unwrap(),
            expected,
            "{edit:?}"
        );
    }
}

#[test]
fn to_dos_need_no_times() {
    let cleared = edit(
        Change::Clear,
        Change::Clear,
        Some(false),
        zone("Europe/Berlin"),
    );
    assert!(applied(Kind::Todo, &[], &cleared, true).unwrap().is_empty());
    let stored = ["DTSTART:20260305T090000Z", "DUE:20260306T090000Z"];
    assert!(
        applied(Kind::Todo, &stored, &cleared, false)
            .unwrap()
            .is_empty()
    );
    let due = edit(
        Change::Clear,
        until("20260306T090000Z"),
        None,
        zone("Europe/Berlin"),
    );
    assert_eq!(
        applied(Kind::Todo, &[], &due, true).unwrap(),
        ["DUE;TZID=Europe/Berlin:20260306T100000"]
    );
    let day = edit(Change::Keep, until("20260306"), Some(true), KeepIn::Item);
    assert_eq!(
        applied(Kind::Todo, &[], &day, true).unwrap(),
        ["DUE;VALUE=DATE:20260306"]
    );
}

#[test]
fn times_that_do_not_go_together_are_refused() {
    let none = TimesEdit::default();
    assert_eq!(
        applied(Kind::Event, &[], &none, true),
        Err(EditError::NoStart)
    );
    for (kind, stored, edit) in [
        (
            Kind::Event,
            &[][..],
            edit(
                at("20260305T090000Z"),
                until("20260305T085959Z"),
                None,
                KeepIn::Item,
            ),
        ),
        (
            Kind::Event,
            &[],
            edit(at("20260305T090000Z"), lasting("-PT1S"), None, KeepIn::Item),
        ),
        (
            Kind::Event,
            &[],
            edit(
                at("20260305T090000Z"),
                until("20260306"),
                None,
                KeepIn::Written,
            ),
        ),
        (
            Kind::Event,
            &[],
            edit(at("20260305"), until("20260304"), Some(true), KeepIn::Item),
        ),
        (
            Kind::Todo,
            &[],
            edit(Change::Keep, lasting("PT1H"), None, KeepIn::Item),
        ),
        (
            Kind::Todo,
            &["DTSTART:20260305T090000Z"],
            edit(Change::Keep, until("20260305T080000Z"), None, KeepIn::Item),
        ),
    ] {
        let found = applied(kind, stored, &edit, false);
        assert!(
            matches!(found, Err(EditError::Value(_))),
            "{edit:?} {found:?}"
        );
    }
    let no_start = edit(Change::Clear, KEEP, None, KeepIn::Item);
    let stored = ["DTSTART:20260305T090000Z"];
    assert_eq!(
        applied(Kind::Event, &stored, &no_start, false),
        Err(EditError::NoStart)
    );
    let local: civil::DateTime = "2026-03-05T10:00:00".parse().unwrap();
    let nowhere = Change::Set(DateTime::Zoned(local, "Nowhere/Else".into()));
    let nowhere = edit(nowhere, KEEP, None, KeepIn::Written);
    let expected = Err(EditError::UnknownZone("Nowhere/Else".into()));
    assert_eq!(applied(Kind::Event, &[], &nowhere, true), expected);
}
