//! Tests of written VTIMEZONEs: read back, every zone is the zone it was.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ical::zone::{Zones, names};

fn lines(component: &Component) -> Vec<String> {
    let mut lines = Vec::new();
    for part in component.components() {
        lines.push(part.name().to_owned());
        lines.extend(part.properties().map(|p| p.as_line().to_owned()));
    }
    lines
}

/// What was written, read by the project's own reader, against the tz database: at every change, a second
/// before and after, on both clocks.
fn agrees(zone: &Zone, from: Timestamp, to: Timestamp, written: &Component) {
    let name = zone.id();
    let read = Zones::of(std::slice::from_ref(written))
        .resolve(name)
        .unwrap();
    assert!(read.is_custom(), "{name}");
    let mut at = from;
    while let Some(next) = zone.next_change(at).filter(|next| *next < to) {
        for second in [-86_400, -3_600, -1, 0, 1, 3_600, 86_400] {
            let at = next.plus(second);
            if at < from {
                continue;
            }
            assert_eq!(read.offset_at(at), zone.offset_at(at), "{name} at {at}");
            let local = zone.to_local(at);
            assert_eq!(read.resolve(local), zone.resolve(local), "{name} at {at}");
        }
        at = next;
    }
    assert_eq!(
        read.offset_at(from),
        zone.offset_at(from),
        "{name} at {from}"
    );
    assert_eq!(read.offset_at(to), zone.offset_at(to), "{name} at {to}");
}

#[test]
fn every_zone_reads_back_as_the_same_zone() {
    for name in names() {
        let zone = Zone::named(name).unwrap();
        let written = named(name).unwrap();
        assert_eq!(written.value("TZID"), Some(name.as_str()));
        agrees(&zone, EARLIEST, RULE_START, &written);
    }
}

#[test]
fn rules_hold_past_the_end_of_the_table() {
    let far = Timestamp(4_000_000_000);
    for name in [
        "Europe/Berlin",
        "America/New_York",
        "Asia/Jerusalem",
        "America/Nuuk",
        "Australia/Lord_Howe",
    ] {
        agrees(
            &Zone::named(name).unwrap(),
            EARLIEST,
            far,
            &named(name).unwrap(),
        );
    }
}

#[test]
fn a_range_leaves_earlier_history_out() {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let from = Timestamp(1_700_000_000);
    let written = of(&zone, TimeRange::new(from, Timestamp::MAX).unwrap()).unwrap();
    agrees(&zone, from, RULE_START, &written);
    assert_eq!(
        lines(&written),
        [
            "STANDARD",
            "DTSTART:20231114T000000",
            "TZOFFSETFROM:+0100",
            "TZOFFSETTO:+0100",
            "TZNAME:CET",
            "DAYLIGHT",
            "DTSTART:20240331T020000",
            "TZOFFSETFROM:+0100",
            "TZOFFSETTO:+0200",
            "TZNAME:CEST",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
            "STANDARD",
            "DTSTART:20241027T030000",
            "TZOFFSETFROM:+0200",
            "TZOFFSETTO:+0100",
            "TZNAME:CET",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
        ]
    );
}

#[test]
fn the_forward_shift_is_daylight_even_in_dublin() {
    let dublin = named("Europe/Dublin").unwrap();
    let spring = dublin
        .components_named("DAYLIGHT")
        .find(|c| c.property("RRULE").is_some())
        .unwrap();
    assert_eq!(spring.value("TZNAME"), Some("IST"));
    assert_eq!(
        spring.value("RRULE"),
        Some("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3")
    );
}

#[test]
fn zones_without_change_or_rule_are_written_too() {
    assert_eq!(
        lines(&named("UTC").unwrap()),
        [
            "STANDARD",
            "DTSTART:19700101T000000",
            "TZOFFSETFROM:+0000",
            "TZOFFSETTO:+0000",
            "TZNAME:UTC"
        ]
    );
    // Sao Paulo's table has an entry in 2038 that changes nothing.
    let sao_paulo = named("America/Sao_Paulo").unwrap();
    assert!(
        !lines(&sao_paulo)
            .iter()
            .any(|l| l.starts_with("RRULE") || l.contains("2038"))
    );
    let casablanca = named("Africa/Casablanca").unwrap();
    assert!(lines(&casablanca).iter().any(|l| l.starts_with("RDATE")));
}
