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
