//! Tests of instances: overrides, lengths, identities, neighbours, spans, splits, the compact form.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ical::component::Property;
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::recur::Work;
use crate::ical::zone::Zone;

/// An object from the lines of its components, separated by blank lines.
fn object(kind: Kind, text: &str) -> CalendarObject {
    let name = match kind {
        Kind::Event => "VEVENT",
        Kind::Todo => "VTODO",
        Kind::Journal => "VJOURNAL",
    };
    let components = text
        .split("\n\n")
        .map(|part| {
            let lines = part.lines().map(str::trim).filter(|l| !l.is_empty());
            lines.fold(Component::new(name), |c, line| {
                c.with(Property::from_line(line).unwrap())
            })
        })
        .collect();
    CalendarObject {
        kind,
        uid: "u".into(),
        components,
        timezones: Vec::new(),
    }
}

fn event(text: &str) -> Series {
    series(Kind::Event, text)
}

fn series(kind: Kind, text: &str) -> Series {
    let floating = Zone::named("Europe/Berlin").unwrap();
    Series::of(&object(kind, text), &floating, &mut Work::default()).unwrap()
}

fn utc(text: &str) -> Timestamp {
    let value = crate::ical::value::parse_date_time(text, None).unwrap();
    match value {
        DateTime::Utc(at) => at,
        other => Timestamp::from_civil_utc(other.civil()),
    }
}

fn window(from: &str, to: &str) -> TimeRange {
    TimeRange::new(utc(from), utc(to)).unwrap()
}

/// start/end@component of each instance.
fn shown(series: &Series, window: TimeRange) -> Vec<String> {
    series
        .instances(window, 1000, &mut Work::default())
        .unwrap()
        .iter()
        .map(|i| format!("{}/{}@{}", i.start, i.end, i.component))
        .collect()
}

#[test]
fn overrides_move_instances_into_and_out_of_the_window() {
    let series = event(
        "DTSTART:20070521T130000Z
        DTEND:20070521T140000Z
        RRULE:FREQ=DAILY;COUNT=5
        EXDATE:20070522T130000Z

        RECURRENCE-ID:20070523T130000Z
        DTSTART:20080101T130000Z
        DTEND:20080101T150000Z",
    );
    assert_eq!(
        shown(&series, window("20070521", "20070526")),
        [
            "20070521T130000Z/20070521T140000Z@0",
            "20070524T130000Z/20070524T140000Z@0",
            "20070525T130000Z/20070525T140000Z@0",
        ]
    );
    assert_eq!(
        shown(&series, window("20080101", "20080102")),
        ["20080101T130000Z/20080101T150000Z@1"]
    );
    let span = series.span(&mut Work::default()).unwrap();
    assert_eq!(span, window("20070521T130000Z", "20080101T150000Z"));
}

#[test]
fn this_and_future_moves_and_lengthens_what_follows() {
    let series = event(
        "DTSTART:20240901T120000Z
        DTEND:20240901T140000Z
        RRULE:FREQ=DAILY;INTERVAL=2;UNTIL=20240925
        RDATE:20240914T090000Z

        RECURRENCE-ID;RANGE=THISANDFUTURE:20240913T120000Z
        DTSTART:20240913T090000Z
        DTEND:20240913T160000Z

        RECURRENCE-ID:20240915T120000Z
        DTSTART:20240915T170000Z
        DTEND:20240915T190000Z

        RECURRENCE-ID;RANGE=THISANDFUTURE:20240921T120000Z
        DTSTART:20240922T142200Z
        DTEND:20240922T161300Z",
    );
    assert_eq!(
        shown(&series, window("20240911", "20241001")),
        [
            "20240911T120000Z/20240911T140000Z@0",
            "20240913T090000Z/20240913T160000Z@1",
            "20240914T060000Z/20240914T130000Z@1",
            "20240915T170000Z/20240915T190000Z@2",
            "20240917T090000Z/20240917T160000Z@1",
            "20240919T090000Z/20240919T160000Z@1",
            "20240922T142200Z/20240922T161300Z@3",
            "20240924T142200Z/20240924T161300Z@3",
            "20240926T142200Z/20240926T161300Z@3",
        ]
    );
    let id: DateTime = DateTime::Utc(utc("20240917T120000Z"));
    let found = series.find(&id, &mut Work::default()).unwrap().unwrap();
    assert_eq!(found.start, utc("20240917T090000Z"));
    assert_eq!(series.recurrence_id(&found), Some(id));
    assert_eq!(series.start_value(&found).to_string(), "20240917T090000Z");
}

#[test]
fn an_end_is_exact_and_a_duration_of_days_is_not() {
    // Berlin puts clocks forward on 2024-03-31.
    let day = window("20240330T000000Z", "20240402T000000Z");
    let by_end = event(
        "DTSTART;TZID=Europe/Berlin:20240330T120000
        DTEND;TZID=Europe/Berlin:20240331T120000
        RRULE:FREQ=DAILY;COUNT=2",
    );
    // The first instance lasts 23 hours, and so does the next (section 3.8.5.3).
    assert_eq!(
        shown(&by_end, day),
        [
            "20240330T110000Z/20240331T100000Z@0",
            "20240331T100000Z/20240401T090000Z@0",
        ]
    );
    let by_duration = event(
        "DTSTART;TZID=Europe/Berlin:20240330T120000
        DURATION:P1DT1H
        RRULE:FREQ=DAILY;COUNT=2",
    );
    assert_eq!(
        shown(&by_duration, day),
        [
            "20240330T110000Z/20240331T110000Z@0",
            "20240331T100000Z/20240401T110000Z@0",
        ]
    );
}

#[test]
fn ends_in_other_zones_and_missing_ends() {
    let all = TimeRange::ALL;
    let flight = event(
        "DTSTART;TZID=Europe/Berlin:20240601T100000\nDTEND;TZID=America/New_York:20240601T130000",
    );
    assert_eq!(shown(&flight, all), ["20240601T080000Z/20240601T170000Z@0"]);
    assert_eq!(
        shown(&event("DTSTART:20240601T100000Z"), all),
        ["20240601T100000Z/20240601T100000Z@0"]
    );
    assert_eq!(
        shown(&event("DTSTART;VALUE=DATE:20240601"), all),
        ["20240531T220000Z/20240601T220000Z@0"]
    );
    assert_eq!(
        shown(
            &event("DTSTART;VALUE=DATE:20240601\nDTEND;VALUE=DATE:20240601"),
            all
        ),
        ["20240531T220000Z/20240601T220000Z@0"]
    );
    assert_eq!(
        shown(
            &event("DTSTART:20240601T100000Z\nDTEND:20240601T090000Z"),
            all
        ),
        ["20240601T100000Z/20240601T100000Z@0"]
    );
}

#[test]
fn whole_days_keep_the_clock_and_find_their_overrides() {
    let series = event(
        "DTSTART;VALUE=DATE:20240330
        RRULE:FREQ=DAILY;COUNT=4
        EXDATE:20240331T000000Z

        RECURRENCE-ID:20240331T220000Z
        DTSTART;VALUE=DATE:20240410",
    );
    // The EXDATE is UTC midnight, the override's id is Berlin's midnight of April 1 in UTC.
    assert_eq!(
        shown(&series, window("20240301", "20240501")),
        [
            "20240329T230000Z/20240330T230000Z@0",
            "20240401T220000Z/20240402T220000Z@0",
            "20240409T220000Z/20240410T220000Z@1",
        ]
    );
}

#[test]
fn to_dos_and_journals() {
    let all = TimeRange::ALL;
    let due = series(Kind::Todo, "DUE:20240601T100000Z\nRRULE:FREQ=DAILY;COUNT=2");
    assert_eq!(
        shown(&due, all),
        [
            "20240601T100000Z/20240601T100000Z@0",
            "20240602T100000Z/20240602T100000Z@0",
        ]
    );
    let lasting = series(Kind::Todo, "DTSTART:20240601T100000Z\nDUE:20240601T120000Z");
    assert_eq!(
        shown(&lasting, all),
        ["20240601T100000Z/20240601T120000Z@0"]
    );
    let dateless = series(Kind::Todo, "SUMMARY:some day");
    assert!(dateless.is_dateless());
    assert_eq!(dateless.span(&mut Work::default()), None);
    assert!(shown(&dateless, all).is_empty());
    let journal = series(Kind::Journal, "DTSTART;VALUE=DATE:20240601");
    assert_eq!(
        shown(&journal, all),
        ["20240531T220000Z/20240601T220000Z@0"]
    );
}

#[test]
fn overrides_without_a_master_stand_for_themselves() {
    let series = event(
        "RECURRENCE-ID:20240601T100000Z
        DTSTART:20240601T110000Z
        DTEND:20240601T120000Z

        RECURRENCE-ID:20240603T100000Z
        DTSTART:20240603T110000Z",
    );
    assert_eq!(
        shown(&series, TimeRange::ALL),
        [
            "20240601T110000Z/20240601T120000Z@0",
            "20240603T110000Z/20240603T110000Z@1",
        ]
    );
    let id = DateTime::Utc(utc("20240603T100000Z"));
    assert_eq!(
        series
            .find(&id, &mut Work::default())
            .unwrap()
            .unwrap()
            .component,
        1
    );
    assert!(
        !series
            .is_instance(
                &DateTime::Utc(utc("20240602T100000Z")),
                &mut Work::default()
            )
            .unwrap()
    );
}

#[test]
fn recurrence_ids_are_matched_by_instant() {
    let series = event(
        "DTSTART;TZID=America/New_York:20240601T090000
        RRULE:FREQ=DAILY
        EXDATE;TZID=America/New_York:20240603T090000",
    );
    let is = |text: &str, tzid: Option<&str>| {
        let id = crate::ical::value::parse_date_time(text, tzid).unwrap();
        series.is_instance(&id, &mut Work::default()).unwrap()
    };
    assert!(is("20240602T130000Z", None));
    assert!(is("20240602T090000", None));
    assert!(is("20240602T090000", Some("America/New_York")));
    assert!(is("20240602T150000", Some("Europe/Berlin")));
    assert!(is("20240602", None));
    assert!(is("21000102T140000Z", None));
    assert!(!is("20240602T140000Z", None));
    assert!(!is("20240603T130000Z", None));
    assert!(!is("20240603", None));
    assert!(!is("20240531T130000Z", None));
}

#[test]
fn neighbours_of_an_instance() {
    let series = event(
        "DTSTART:20240101T090000Z
        RRULE:FREQ=YEARLY
        RDATE:20240301T090000Z
        EXDATE:20260101T090000Z",
    );
    let mut work = Work::default();
    let mut at = Timestamp::MIN;
    let mut found = Vec::new();
    for _ in 0..4 {
        let next = series.next(at, &mut work).unwrap().unwrap();
        found.push(next.start.to_string());
        at = next.original;
    }
    assert_eq!(
        found,
        [
            "20240101T090000Z",
            "20240301T090000Z",
            "20250101T090000Z",
            "20270101T090000Z"
        ]
    );
    let before = series.previous(at, &mut work).unwrap().unwrap();
    assert_eq!(before.start, utc("20250101T090000Z"));
    assert_eq!(
        series.previous(utc("20240101T090000Z"), &mut work),
        Ok(None)
    );
    let single = event("DTSTART:20240101T090000Z");
    assert_eq!(single.next(utc("20240101T090000Z"), &mut work), Ok(None));
    assert!(work.used() < 1_000, "{}", work.used());
}

#[test]
fn spans_are_found_without_walking() {
    let span = |text: &str| {
        let mut work = Work::new(200);
        event(text).span(&mut work).map(|s| (s.start(), s.end()))
    };
    let start = utc("20240101T090000Z");
    assert_eq!(
        span("DTSTART:20240101T090000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY"),
        Some((start, Timestamp::MAX))
    );
    assert_eq!(
        span("DTSTART:20240101T090000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20990101"),
        Some((start, utc("20981229T100000Z")))
    );
    assert_eq!(
        span("DTSTART:20240101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=10000"),
        Some((start, utc("20510518T100000Z")))
    );
}

#[test]
fn too_many_is_an_error() {
    let series = event("DTSTART:20240101T090000Z\nRRULE:FREQ=DAILY");
    let year = window("20240101", "20250101");
    let mut work = Work::default();
    assert_eq!(series.instances(year, 366, &mut work).unwrap().len(), 366);
    assert_eq!(
        series.instances(year, 365, &mut work),
        Err(ExpandError::TooManyInstances { limit: 365 })
    );
    assert!(matches!(
        series.instances(year, 366, &mut Work::new(50)),
        Err(ExpandError::TooMuchWork(_))
    ));
}

#[test]
fn a_count_is_divided_at_a_split() {
    let split = |rule: &str, start: &str, at: &str| {
        let rule = crate::ical::rule::Rule::parse(rule).unwrap();
        let time = |text: &str| utc(text).to_civil();
        split_count(&rule, time(start), time(at), &mut Work::default()).unwrap()
    };
    assert_eq!(
        split("FREQ=DAILY;COUNT=10", "20240101T090000", "20240104T090000"),
        Some((3, 7))
    );
    assert_eq!(
        split("FREQ=DAILY;COUNT=10", "20240101T090000", "20240101T090000"),
        Some((0, 10))
    );
    assert_eq!(
        split("FREQ=DAILY;COUNT=10", "20240101T090000", "20250101T090000"),
        Some((10, 0))
    );
    // The start, a Tuesday, is the first of three.
    assert_eq!(
        split(
            "FREQ=WEEKLY;BYDAY=MO;COUNT=3",
            "20240102T090000",
            "20240115T090000"
        ),
        Some((2, 1))
    );
    assert_eq!(
        split("FREQ=DAILY", "20240101T090000", "20240104T090000"),
        None
    );
}

#[test]
fn what_is_busy() {
    let busy = |name: &str, lines: &[(&str, &str)]| {
        busy_type(&lines.iter().fold(Component::new(name), |c, (n, v)| {
            c.with(Property::new(n, v))
        }))
    };
    assert_eq!(busy("VEVENT", &[]), Some(BusyType::Busy));
    assert_eq!(
        busy("VEVENT", &[("TRANSP", "opaque"), ("STATUS", "CONFIRMED")]),
        Some(BusyType::Busy)
    );
    assert_eq!(busy("VEVENT", &[("TRANSP", "TRANSPARENT")]), None);
    assert_eq!(busy("VEVENT", &[("STATUS", "cancelled")]), None);
    assert_eq!(
        busy("VEVENT", &[("STATUS", "TENTATIVE")]),
        Some(BusyType::Tentative)
    );
    assert_eq!(busy("VTODO", &[]), None);
}

#[test]
fn the_compact_form_has_times_and_nothing_else() {
    let mut whole = object(
        Kind::Event,
        "UID:u
        SUMMARY:secret
        ATTENDEE:mailto:a@example.com
        DTSTART;TZID=Mine:20240101T090000
        DURATION:PT1H
        RRULE:FREQ=DAILY;COUNT=3
        TRANSP:OPAQUE

        UID:u
        RECURRENCE-ID;TZID=Mine:20240102T090000
        DTSTART;TZID=Mine:20240102T120000
        DESCRIPTION:more",
    );
    let zone = |id: &str| {
        let mut zone = Component::new("VTIMEZONE").with(Property::new("TZID", id));
        zone.push_component(
            Component::new("STANDARD")
                .with(Property::new("DTSTART", "19700101T000000"))
                .with(Property::new("TZOFFSETFROM", "+0500"))
                .with(Property::new("TZOFFSETTO", "+0500"))
                .with(Property::new("COMMENT", "secret")),
        );
        zone
    };
    whole.timezones = vec![zone("Mine"), zone("Unused")];
    let text = to_compact_text(&whole);
    assert!(!text.contains("secret") && !text.contains("Unused") && !text.contains("example"));
    let read = from_compact_text(&text).unwrap();
    assert_eq!(read, compact(&whole));
    let of = |object: &CalendarObject| {
        let series = Series::of(object, &Zone::utc(), &mut Work::default()).unwrap();
        shown(&series, TimeRange::ALL)
    };
    assert_eq!(of(&read), of(&whole));
    assert_eq!(of(&read)[0], "20240101T040000Z/20240101T050000Z@0");
    assert_eq!(from_compact_text("BEGIN:VEVENT\nDTSTART:x"), None);
    assert_eq!(from_compact_text("nothing"), None);
}
