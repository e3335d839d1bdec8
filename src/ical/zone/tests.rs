//! Tests of zones: gaps and overlaps, compiled VTIMEZONEs, names, broken and hostile descriptions.

#![expect(clippy::unwrap_used, reason = "tests")]

use jiff::civil::date;

use super::*;
use crate::ical::component::Property;

/// A component from its lines.
pub(crate) fn component(text: &str) -> Component {
    let mut open: Vec<Component> = Vec::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if let Some(name) = line.strip_prefix("BEGIN:") {
            open.push(Component::new(name));
        } else if line.starts_with("END:") {
            let done = open.pop().unwrap();
            match open.last_mut() {
                Some(parent) => parent.push_component(done),
                None => return done,
            }
        } else {
            open.last_mut()
                .unwrap()
                .push(Property::from_line(line).unwrap());
        }
    }
    panic!("no END in {text}");
}

const BERLIN: &str = "
    BEGIN:VTIMEZONE
    TZID:Mitteleuropa
    BEGIN:DAYLIGHT
    DTSTART:19810329T020000
    TZOFFSETFROM:+0100
    TZOFFSETTO:+0200
    RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
    END:DAYLIGHT
    BEGIN:STANDARD
    DTSTART:19961027T030000
    TZOFFSETFROM:+0200
    TZOFFSETTO:+0100
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
    END:STANDARD
    END:VTIMEZONE";

fn custom() -> Zone {
    Zones::of(&[component(BERLIN)])
        .resolve("Mitteleuropa")
        .unwrap()
}

#[test]
fn gaps_take_the_offset_before_and_overlaps_the_first() {
    for zone in [custom(), Zone::named("europe/berlin").unwrap()] {
        let at = |m, d, h, min| {
            zone.to_timestamp(date(2024, m, d).at(h, min, 0, 0))
                .to_string()
        };
        assert_eq!(at(3, 31, 1, 59), "20240331T005900Z");
        assert_eq!(at(3, 31, 2, 30), "20240331T013000Z");
        assert_eq!(at(3, 31, 3, 0), "20240331T010000Z");
        assert_eq!(at(10, 27, 1, 59), "20241026T235900Z");
        assert_eq!(at(10, 27, 2, 30), "20241027T003000Z");
        assert_eq!(at(10, 27, 3, 0), "20241027T020000Z");
        let gap = zone.to_timestamp(date(2024, 3, 31).at(2, 30, 0, 0));
        assert_eq!(zone.to_civil(gap), date(2024, 3, 31).at(3, 30, 0, 0));
    }
}

#[test]
fn a_compiled_zone_agrees_with_the_tz_database() {
    let ours = custom();
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let range = |a: i16, b: i16| {
        TimeRange::new(
            Timestamp::from_civil_utc(date(a, 1, 1).at(0, 0, 0, 0)),
            Timestamp::from_civil_utc(date(b, 1, 1).at(0, 0, 0, 0)),
        )
        .unwrap()
    };
    assert!(same_offsets(&ours, &berlin, range(1997, 2100)));
    assert!(same_offsets(&ours, &berlin, range(9000, 9900)));
    assert!(!same_offsets(&ours, &berlin, range(1981, 1997)));
    assert!(!same_offsets(&ours, &Zone::utc(), range(2000, 2001)));
    assert!(same_offsets(
        &ours,
        &Zone::named("Africa/Lagos").unwrap(),
        TimeRange::lasting(
            Timestamp::from_civil_utc(date(2024, 1, 1).at(0, 0, 0, 0)),
            86_400
        )
    ));
    // Far apart questions, in any order.
    assert_eq!(ours.offset_at(Timestamp::MAX), 3_600);
    assert_eq!(ours.offset_at(Timestamp::MIN), 3_600);
    assert_eq!(ours.offset_at(Timestamp(1_720_000_000)), 7_200);
}

#[test]
fn names_are_looked_up_in_order() {
    let zones = Zones::of(&[component(
        &BERLIN.replace("Mitteleuropa", "America/New_York"),
    )]);
    let own = zones.resolve("america/new_york").unwrap();
    assert!(own.is_custom());
    assert_eq!(own.offset_at(Timestamp(1_720_000_000)), 7_200);
    let id = |tzid: &str| zones.resolve(tzid).map(|z| z.id().to_owned());
    assert_eq!(id("europe/berlin").unwrap(), "Europe/Berlin");
    assert_eq!(
        id("/mozilla.org/20070129_1/Europe/Berlin").unwrap(),
        "Europe/Berlin"
    );
    assert_eq!(
        id("/freeassociation.sourceforge.net/Tzfile/America/Argentina/Buenos_Aires").unwrap(),
        "America/Argentina/Buenos_Aires"
    );
    assert_eq!(id("W. Europe Standard Time").unwrap(), "Europe/Berlin");
    assert_eq!(id("\"Europe/Paris\"").unwrap(), "Europe/Paris");
    assert_eq!(id("Nowhere/Land"), None);
    assert_eq!(id(""), None);
    assert!(zones.resolve("Etc/UTC").unwrap().is_utc());
}

#[test]
fn broken_descriptions_are_passed_over() {
    let empty = component("BEGIN:VTIMEZONE\nTZID:Mine\nX-LIC-LOCATION:Europe/Paris\nEND:VTIMEZONE");
    assert_eq!(
        Zones::of(&[empty]).resolve("Mine").unwrap().id(),
        "Europe/Paris"
    );
    let nothing = component("BEGIN:VTIMEZONE\nTZID:Mine\nEND:VTIMEZONE");
    assert_eq!(Zones::of(&[nothing]).resolve("Mine"), None);
    let daylight = "BEGIN:VTIMEZONE
        TZID:Europe/Berlin
        BEGIN:DAYLIGHT
        TZOFFSETFROM:+0100
        TZOFFSETTO:+0200
        DTSTART:20180325T030000
        END:DAYLIGHT
        END:VTIMEZONE";
    let berlin = Zones::of(&[component(daylight)])
        .resolve("Europe/Berlin")
        .unwrap();
    assert!(!berlin.is_custom());
    let own = Zones::of(&[component(&daylight.replace("Europe/Berlin", "Mine"))]);
    assert_eq!(
        own.resolve("Mine")
            .unwrap()
            .offset_at(Timestamp(1_700_000_000)),
        7_200
    );
    let blank = component(
        "BEGIN:VTIMEZONE\nTZID:\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0000\nEND:STANDARD\nEND:VTIMEZONE",
    );
    assert_eq!(Zones::of(&[blank]).resolve(""), None);
}

#[test]
fn a_zone_that_changes_every_second_is_bounded() {
    let mad = component(
        "BEGIN:VTIMEZONE
        TZID:Mad
        BEGIN:STANDARD
        DTSTART:19700101T000000
        TZOFFSETFROM:+0000
        TZOFFSETTO:+0100
        RRULE:FREQ=SECONDLY
        END:STANDARD
        END:VTIMEZONE",
    );
    let zone = Zones::of(&[mad]).resolve("Mad").unwrap();
    assert_eq!(zone.offset_at(Timestamp(1_700_000_000)), 3_600);
    assert_eq!(zone.offset_at(Timestamp(4_000_000_000)), 3_600);
    assert!(zone.next_change(Timestamp(4_000_000_000)).is_none());
}

#[test]
fn rules_since_1601_cost_no_more_than_recent_ones() {
    let old = BERLIN
        .replace("19810329", "16010325")
        .replace("19961027", "16011028");
    let zone = Zones::of(&[component(&old)])
        .resolve("Mitteleuropa")
        .unwrap();
    assert_eq!(zone.offset_at(Timestamp(1_720_000_000)), 7_200);
    let Source::Custom(transitions) = &zone.source else {
        panic!("expected a compiled zone");
    };
    assert!(transitions.changes_kept() < 100);
}

#[test]
fn the_advertised_names_are_zones() {
    assert!(names().len() > 400);
    for name in names() {
        assert!(Zone::named(name).is_some(), "{name}");
    }
    assert!(names().iter().any(|n| n == "Europe/Berlin"));
}

#[test]
fn a_tzid_is_text_and_its_parameter_is_none() {
    let escaped = BERLIN.replace("TZID:Mitteleuropa", "TZID: Canberra\\, Sydney ");
    let zones = Zones::of(&[component(&escaped)]);
    assert!(zones.resolve("Canberra, Sydney").unwrap().is_custom());
}
