//! Storing and deleting on a store in memory with a clock that stands still: what the doors' transcripts cannot see.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::ops::ControlFlow;
use std::sync::Arc;

use super::super::delete::{DeleteItems, Terms};
use super::super::edit::Change;
use super::super::times::{End, KeepIn, TimesEdit};
use super::*;
use crate::core::Client;
use crate::core::accounts::NewUser;
use crate::ical::datetime::Timestamp;
use crate::ical::value::parse_date_time;
use crate::model::clock::ManualClock;
use crate::model::item::Operation;
use crate::store as records;
use crate::store::journal::{self, Entry};

fn core() -> (Core, Arc<ManualClock>, Caller) {
    let (core, clock) = crate::core::testing::core();
    clock.set(Timestamp(1_767_600_000));
    let new = NewUser {
        name: "tom".into(),
        ..NewUser::default()
    };
    core.add_user(&new, Some("tom")).unwrap();
    let (tom, _) = core.login("tom", "tom", Client::UNKNOWN).unwrap();
    (core, clock, tom)
}

fn at(text: &str) -> crate::ical::datetime::DateTime {
    parse_date_time(text, None).unwrap()
}

/// An event of an hour with a title, recurring by `rule` unless that is empty.
fn event(start: &str, title: &str, rule: &str) -> Edit {
    let mut edit = Edit {
        properties: vec![PropertyEdit::Set(Property::text("SUMMARY", title))],
        times: TimesEdit {
            keep_in: KeepIn::Item,
            ..TimesEdit::default()
        },
        ..Edit::default()
    };
    if !start.is_empty() {
        edit.times.start = Change::Set(at(start));
        let hour = crate::ical::value::Duration::of_seconds(3600);
        edit.times.end = Change::Set(End::After(hour));
    }
    if !rule.is_empty() {
        edit.rules.rrules = Some(vec![crate::ical::rule::Rule::parse(rule).unwrap()]);
    }
    edit
}

fn store(core: &Core, caller: &Caller, uid: &str, target: Target, edit: Edit) -> Result<Stored> {
    let make = |_: &Zone| edit.clone();
    let defaults = |_: &Component| Vec::new();
    let request = StoreItem {
        kind: Kind::Event,
        uid: Some(uid.to_owned()),
        target,
        target_zone: None,
        mode: Mode::CreateOrModify,
        method: Method::Publish,
        edit: &make,
        defaults: &defaults,
        organizer: Organizer::Unsaid,
        sent_by: None,
        drop_unfit_start: false,
        attach: Attach::default(),
        notify: Notify::default(),
    };
    core.store_item(caller, "tom", &request)
}

fn item(core: &Core, uid: &str) -> Option<Item> {
    let (calendar, _) = core
        .store()
        .read(|t| core.find_calendar(t, "tom"))
        .unwrap()
        .unwrap();
    core.store()
        .read(|t| items::get(t, calendar.id, uid))
        .unwrap()
}

fn history(core: &Core) -> Vec<Entry> {
    let (calendar, _) = core
        .store()
        .read(|t| core.find_calendar(t, "tom"))
        .unwrap()
        .unwrap();
    let mut entries = Vec::new();
    let seen: std::result::Result<(), records::Error> = core.store().read(|t| {
        journal::between(t, calendar.id, Timestamp::MIN, Timestamp::MAX, |entry| {
            entries.push(entry);
            Ok(ControlFlow::Continue(()))
        })
    });
    seen.unwrap();
    entries
}

#[test]
fn what_is_stored_is_a_whole_object() {
    let (core, _, tom) = core();
    let mut edit = event("20260312T090000Z", "Tea", "");
    edit.times.keep_in = KeepIn::Zone(Zone::named("America/New_York").unwrap());
    store(&core, &tom, "u", Target::Whole, edit).unwrap();
    let text = item(&core, "u").unwrap().text;
    for line in [
        "BEGIN:VTIMEZONE\r\nTZID:America/New_York\r\n",
        "DTSTART;TZID=America/New_York:20260312T050000\r\n",
        "DTSTAMP:20260105T080000Z\r\n",
        "ORGANIZER:mailto:tom@localhost\r\n",
        "UID:u\r\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let mut other = event("20260312T090000Z", "Tea", "");
    other.times.keep_in = KeepIn::Zone(Zone::named("Europe/Paris").unwrap());
    store(&core, &tom, "u", Target::Whole, other).unwrap();
    let text = item(&core, "u").unwrap().text;
    assert!(text.contains("TZID:Europe/Paris\r\n"));
    assert!(
        !text.contains("New_York"),
        "zones that nothing names go: {text}"
    );
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let (core, clock, tom) = core();
    let edit = || event("20260312T090000Z", "Tea", "FREQ=WEEKLY");
    assert!(
        store(&core, &tom, "u", Target::Whole, edit())
            .unwrap()
            .changed
    );
    let before = (item(&core, "u"), history(&core));
    clock.advance(60);
    let again = store(&core, &tom, "u", Target::Whole, edit()).unwrap();
    assert!(!again.changed);
    assert_eq!(again.uids, ["u"]);
    let instance = Target::Instance(at("20260319T090000Z"));
    assert!(
        !store(&core, &tom, "u", instance, event("", "Tea", ""))
            .unwrap()
            .changed
    );
    assert_eq!((item(&core, "u"), history(&core)), before);
}

#[test]
fn a_refused_change_leaves_no_trace() {
    let (core, _, tom) = core();
    store(
        &core,
        &tom,
        "u",
        Target::Whole,
        event("20260312T090000Z", "Tea", "FREQ=DAILY"),
    )
    .unwrap();
    let before = (item(&core, "u"), history(&core));
    let backwards = {
        let mut edit = event("20260312T090000Z", "Other", "");
        edit.times.end = Change::Set(End::At(at("20260312T080000Z")));
        edit
    };
    for (target, edit, kind) in [
        (Target::Whole, backwards, Failed::BadValue),
        (
            Target::Instance(at("20260312T093000Z")),
            event("", "x", ""),
            Failed::NoSuchInstance,
        ),
        (
            Target::Following(at("20260301T090000Z")),
            event("", "x", ""),
            Failed::NoSuchInstance,
        ),
        (
            Target::Instance(at("20260313T090000Z")),
            event("", "x", "FREQ=DAILY"),
            Failed::BadValue,
        ),
    ] {
        let refused = store(&core, &tom, "u", target, edit).unwrap_err();
        assert_eq!(refused.kind(), kind);
        assert_eq!((item(&core, "u"), history(&core)), before);
    }
    for uid in ["x".repeat(UID_MAX + 1), "a\nb".into()] {
        let refused = store(
            &core,
            &tom,
            &uid,
            Target::Whole,
            event("20260312T090000Z", "x", ""),
        );
        assert_eq!(refused.unwrap_err().kind(), Failed::BadValue);
    }
    let longest = "x".repeat(UID_MAX);
    store(
        &core,
        &tom,
        &longest,
        Target::Whole,
        event("20260312T090000Z", "x", ""),
    )
    .unwrap();
    assert!(item(&core, &longest).is_some());
}

#[test]
fn a_series_cut_in_two_is_two_items_at_once() {
    let (core, _, tom) = core();
    store(
        &core,
        &tom,
        "u",
        Target::Whole,
        event("20260312T090000Z", "Tea", "FREQ=DAILY"),
    )
    .unwrap();
    let later = Target::Following(at("20260320T090000Z"));
    let stored = store(&core, &tom, "u", later, event("", "Coffee", "")).unwrap();
    let [new, old] = stored.uids.as_slice() else {
        panic!("expected two items")
    };
    assert_eq!(old, "u");
    assert_eq!(new.len(), 32);
    assert!(
        item(&core, new)
            .unwrap()
            .text
            .contains("RELATED-TO;RELTYPE=SIBLING:u\r\n")
    );
    assert!(
        item(&core, old)
            .unwrap()
            .text
            .contains("UNTIL=20260320T085959Z")
    );
}

fn delete(core: &Core, caller: &Caller, refs: &[(&str, Option<&str>)]) -> Vec<bool> {
    let items = refs.iter().map(|(uid, id)| {
        let target = id.map_or(Target::Whole, |id| Target::Instance(at(id)));
        ((*uid).to_owned(), target)
    });
    let request = DeleteItems {
        kind: Kind::Event,
        items: items.collect(),
        zone: None,
        terms: Terms::default(),
    };
    let deleted = core.delete_items(caller, None, &request).unwrap();
    deleted
        .answers
        .iter()
        .map(std::result::Result::is_ok)
        .collect()
}

#[test]
fn deletions_are_remembered_with_what_identifies_them() {
    let (core, _, tom) = core();
    store(
        &core,
        &tom,
        "s",
        Target::Whole,
        event("20260312T090000Z", "Tea", "FREQ=DAILY"),
    )
    .unwrap();
    store(
        &core,
        &tom,
        "e",
        Target::Whole,
        event("20260312T090000Z", "Tea", ""),
    )
    .unwrap();
    let gone = delete(
        &core,
        &tom,
        &[
            ("s", Some("20260313T090000Z")),
            ("none", None),
            ("s", Some("20260313T090000Z")),
            ("e", None),
        ],
    );
    assert_eq!(gone, [true, false, false, true]);
    let entries = history(&core);
    let deleted: Vec<_> = entries
        .iter()
        .filter(|e| e.change.operation == Operation::Delete)
        .collect();
    assert_eq!(deleted.len(), 2);
    let (instance, whole) = (&deleted[0].change, &deleted[1].change);
    assert_eq!(instance.uid, "s");
    assert_eq!(instance.recurrence_id.as_deref(), Some("20260313T090000Z"));
    let stub = instance.stub.as_deref().unwrap();
    for line in [
        "UID:s\r\n",
        "RECURRENCE-ID:20260313T090000Z\r\n",
        "DTSTART:20260313T090000Z\r\n",
    ] {
        assert!(stub.contains(line), "{line} in {stub}");
    }
    assert!(!stub.contains("SUMMARY"));
    assert_eq!((whole.uid.as_str(), &whole.recurrence_id), ("e", &None));
    assert!(
        whole
            .stub
            .as_deref()
            .unwrap()
            .contains("DTSTART:20260312T090000Z\r\n")
    );
    // The series itself has news too, and not older ones than the deletion.
    let modified = entries.iter().any(|e| {
        e.change.uid == "s"
            && e.change.operation == Operation::Modify
            && e.stamp == deleted[0].stamp
    });
    assert!(modified);
    assert!(item(&core, "e").is_none());
    assert!(
        item(&core, "s")
            .unwrap()
            .text
            .contains("EXDATE:20260313T090000Z\r\n")
    );
}

#[test]
fn a_calendar_that_forbids_it_is_never_booked_twice() {
    let (core, _, tom) = core();
    core.change_calendar("tom", |properties| properties.double_booking = false)
        .unwrap();
    store(
        &core,
        &tom,
        "s",
        Target::Whole,
        event("20260312T090000Z", "Tea", "FREQ=WEEKLY"),
    )
    .unwrap();
    let taken = |uid: &str, start: &str, rule: &str| {
        let stored = store(&core, &tom, uid, Target::Whole, event(start, "Other", rule));
        stored.map_err(|cause| cause.kind())
    };
    assert_eq!(
        taken("a", "20260827T085900Z", "").unwrap_err(),
        Failed::DoubleBooked
    );
    assert_eq!(
        taken("a", "20260806T083000Z", "FREQ=DAILY").unwrap_err(),
        Failed::DoubleBooked
    );
    assert!(taken("b", "20260827T100000Z", "").is_ok());
    assert!(taken("b", "20260827T100000Z", "").is_ok(), "not by itself");
    assert_eq!(
        taken("b", "20260903T093000Z", "").unwrap_err(),
        Failed::DoubleBooked
    );
    assert_eq!(item(&core, "a"), None);
}
