//! Recurrence against tables (`recur/*.txt`, the standard's own examples first), against calendars and expectations
//! of other people (`../shared/corpus`, or where `WCAPD_CORPUS` says) and against python-dateutil, when it is there.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "recur/corpus.rs"]
mod corpus;
#[path = "recur/peer.rs"]
mod peer;
#[path = "recur/table.rs"]
mod table;

use wcapd::ical::component::{Component, Property};
use wcapd::ical::datetime::{DateTime, TimeRange, Timestamp};
use wcapd::ical::instances::Series;
use wcapd::ical::object::{CalendarObject, Kind};
use wcapd::ical::recur::Work;
use wcapd::ical::value::parse_date_time;
use wcapd::ical::zone::Zone;

/// A VEVENT with these lines.
fn event(lines: impl IntoIterator<Item = String>) -> CalendarObject {
    let component = lines
        .into_iter()
        .fold(Component::new("VEVENT"), |component, line| {
            component.with(Property::from_line(line).unwrap())
        });
    CalendarObject {
        kind: Kind::Event,
        uid: "test".to_owned(),
        components: vec![component],
        timezones: Vec::new(),
    }
}

/// `DTSTART` in a zone of the tz database.
fn dtstart(zone: &str, local: &str) -> String {
    match zone {
        "UTC" => format!("DTSTART:{local}Z"),
        zone => format!("DTSTART;TZID={zone}:{local}"),
    }
}

fn series(object: &CalendarObject) -> Series {
    Series::of(object, &Zone::utc(), &mut Work::default()).unwrap()
}

/// A time in UTC, written with or without Z.
fn utc(text: &str) -> Timestamp {
    match parse_date_time(text, None).unwrap() {
        DateTime::Utc(at) => at,
        other => Timestamp::from_civil_utc(other.civil()),
    }
}

/// The starts of the instances that start from `from` on and before `to`.
fn starts(series: &Series, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let window = TimeRange::new(from, to).unwrap();
    series
        .instances(window, 1_000_000, &mut Work::new(10_000_000))
        .unwrap()
        .iter()
        .map(|instance| instance.start)
        .collect()
}
