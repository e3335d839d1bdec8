//! What an attendee keeps and what the organizer changes, copy by copy.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::testing::{in_world, lines, object};
use super::*;

const OWN: &str = "mailto:me@x";
const AT_TEN: &str = "DTSTART:20260105T100000Z";
const AT_NOON: &str = "DTSTART:20260105T120000Z";
const DAILY: &str = "RRULE:FREQ=DAILY;COUNT=5";
const SAID_YES: &str = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@x";
const ASKED: &str = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:me@x";
const ALARM: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM";

fn merged(copy: &[&[&str]], told: &[&[&str]], before: Option<&[&[&str]]>) -> CalendarObject {
    let (copy, told) = (object(copy), object(told));
    let before = before.map(object);
    let update = Update {
        told: &told,
        before: before.as_ref(),
        own: OWN,
    };
    in_world(|world| updated(&copy, &update, world).unwrap())
}

#[test]
fn the_answer_stays_until_the_time_changes() {
    let copy: &[&[&str]] = &[&[AT_TEN, SAID_YES]];
    let place = merged(copy, &[&[AT_TEN, "LOCATION:here", ASKED]], None);
    assert_eq!(lines(&place, "ATTENDEE"), [SAID_YES]);
    assert_eq!(lines(&place, "LOCATION"), ["LOCATION:here"]);
    let moved = merged(copy, &[&[AT_NOON, ASKED]], None);
    assert_eq!(lines(&moved, "ATTENDEE"), [ASKED]);
    let revived = [AT_TEN, SAID_YES, "STATUS:CANCELLED"];
    let revived = merged(&[&revived], &[&[AT_TEN, ASKED]], None);
    assert_eq!(lines(&revived, "ATTENDEE"), [ASKED]);
}

#[test]
fn what_is_personal_stays_where_the_attendee_changed_it() {
    let before: &[&[&str]] = &[&[AT_TEN, SAID_YES, "CATEGORIES:Old", "PRIORITY:5"]];
    let copy = [
        AT_TEN,
        SAID_YES,
        "CATEGORIES:Mine",
        "PRIORITY:5",
        "TRANSP:TRANSPARENT",
        "X-MINE:1",
        ALARM,
    ];
    let told = [AT_TEN, ASKED, "CATEGORIES:New", "PRIORITY:1"];
    let made = merged(&[&copy], &[&told], Some(before));
    assert_eq!(lines(&made, "CATEGORIES"), ["CATEGORIES:Mine"]);
    assert_eq!(lines(&made, "PRIORITY"), ["PRIORITY:1"]);
    assert_eq!(lines(&made, "TRANSP"), ["TRANSP:TRANSPARENT"]);
    assert_eq!(lines(&made, "X-MINE"), ["X-MINE:1"]);
    assert_eq!(made.components[0].components_named("VALARM").count(), 1);
}

#[test]
fn an_exception_of_the_attendees_own_follows_the_series() {
    let exception = [
        "RECURRENCE-ID:20260106T100000Z",
        "DTSTART:20260106T100000Z",
        "SUMMARY:Old",
        SAID_YES,
        ALARM,
    ];
    let copy: &[&[&str]] = &[&[AT_TEN, DAILY, "SUMMARY:Old", SAID_YES], &exception];
    let made = merged(copy, &[&[AT_TEN, DAILY, "SUMMARY:New", ASKED]], None);
    assert_eq!(lines(&made, "SUMMARY"), ["SUMMARY:New", "SUMMARY:New"]);
    assert_eq!(made.components[1].components_named("VALARM").count(), 1);
    let shorter = merged(copy, &[&[AT_TEN, "RRULE:FREQ=DAILY;COUNT=1", ASKED]], None);
    assert_eq!(shorter.components.len(), 1);
}

#[test]
fn a_cancelled_instance_is_seen_as_such_and_not_as_a_hole() {
    let copy = object(&[&[AT_TEN, DAILY, SAID_YES]]);
    let gone = object(&[&[
        "RECURRENCE-ID:20260106T100000Z",
        "DTSTART:20260106T100000Z",
        "SEQUENCE:1",
        SAID_YES,
    ]]);
    let left = in_world(|world| cancelled(&copy, &gone, world).unwrap());
    assert_eq!(lines(&left, "STATUS"), ["STATUS:CANCELLED"]);
    let told: &[&str] = &[AT_TEN, DAILY, "EXDATE:20260106T100000Z", ASKED];
    let told = object(&[told]);
    let update = Update {
        told: &told,
        before: None,
        own: OWN,
    };
    let made = in_world(|world| updated(&left, &update, world).unwrap());
    assert!(lines(&made, "EXDATE").is_empty());
    assert_eq!(lines(&made, "STATUS"), ["STATUS:CANCELLED"]);
    let all = in_world(|world| cancelled(&made, &told, world).unwrap());
    assert!(all.components.iter().all(is_cancelled));
}
