//! Answers made of changed copies, and what they make of the organizer's.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::testing::{in_world, lines, object};
use super::*;

const ME: &str = "mailto:me@x";
const AT_TEN: &str = "DTSTART:20260105T100000Z";
const DAILY: &str = "RRULE:FREQ=DAILY;COUNT=5";
const SECOND: [&str; 2] = ["RECURRENCE-ID:20260106T100000Z", "DTSTART:20260106T100000Z"];
const ASKED: &str = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:me@x";
const YES: &str = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@x";
const NO: &str = "ATTENDEE;PARTSTAT=DECLINED:mailto:me@x";

fn said(before: &[&[&str]], after: &[&[&str]]) -> Option<CalendarObject> {
    between(Some(&object(before)), &object(after), ME, Timestamp(0))
}

fn with(object: &CalendarObject, answer: &CalendarObject) -> Result<CalendarObject, Unused> {
    in_world(|world| taken(object, answer, ME, world))
}

#[test]
fn only_what_is_new_is_said() {
    let asked: &[&[&str]] = &[&[AT_TEN, ASKED, "SUMMARY:a"]];
    assert_eq!(said(asked, &[&[AT_TEN, ASKED, "SUMMARY:b"]]), None);
    let reply = said(
        asked,
        &[&[AT_TEN, YES, "ATTENDEE:mailto:you@x", "LOCATION:c"]],
    )
    .unwrap();
    assert_eq!(lines(&reply, "ATTENDEE"), [YES]);
    assert!(lines(&reply, "LOCATION").is_empty());
    assert_eq!(lines(&reply, "REQUEST-STATUS").len(), 1);
}

#[test]
fn an_answer_to_the_series_speaks_for_exceptions_that_say_the_same() {
    let second = |own| [SECOND[0], SECOND[1], own];
    let before: &[&[&str]] = &[&[AT_TEN, DAILY, ASKED], &second(ASKED)];
    let same = said(before, &[&[AT_TEN, DAILY, YES], &second(YES)]).unwrap();
    assert_eq!(same.components.len(), 1);
    let other = said(before, &[&[AT_TEN, DAILY, YES], &second(NO)]).unwrap();
    assert_eq!(other.components.len(), 2);
    let taken = with(&object(before), &other).unwrap();
    assert_eq!(lines(&taken, "ATTENDEE"), [YES, NO]);
}

#[test]
fn an_answer_to_one_instance_makes_an_exception() {
    let second = [SECOND[0], SECOND[1], NO];
    let organizers = object(&[&[AT_TEN, DAILY, ASKED]]);
    let reply = object(&[&second]);
    let made = with(&organizers, &reply).unwrap();
    assert_eq!(lines(&made, "ATTENDEE"), [ASKED, NO]);
    assert_eq!(with(&made, &reply), Err(Unused::Known));
    let strange = ["RECURRENCE-ID:20270106T100000Z", AT_TEN, NO];
    assert!(with(&organizers, &object(&[&strange])).is_err());
}

#[test]
fn answers_that_are_of_no_use_change_nothing() {
    let yes = object(&[&[AT_TEN, YES]]);
    let newer = object(&[&[AT_TEN, ASKED, "SEQUENCE:1"]]);
    assert_eq!(with(&newer, &yes), Err(Unused::Stale));
    let others = object(&[&[AT_TEN, "ATTENDEE:mailto:you@x"]]);
    assert_eq!(with(&others, &yes), Err(Unused::NotInvited));
}

#[test]
fn who_is_handed_the_invitation_comes_and_goes_with_the_answer() {
    let organizers = object(&[&[AT_TEN, ASKED]]);
    let to = "ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:you@x\":mailto:me@x";
    let from = "ATTENDEE;PARTSTAT=NEEDS-ACTION;DELEGATED-FROM=\"mailto:me@x\":mailto:you@x";
    let crasher = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:crasher@x";
    let handed = with(&organizers, &object(&[&[AT_TEN, to, from, crasher]])).unwrap();
    assert_eq!(lines(&handed, "ATTENDEE"), [to, from]);
    let back = with(&handed, &object(&[&[AT_TEN, YES]])).unwrap();
    assert_eq!(lines(&back, "ATTENDEE"), [YES]);
}
