//! The queue beside booked items, its indexes compared with their source after every step.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::*;
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::instances::BusyType;
use crate::ical::object::{Kind, split};
use crate::ical::{parse, print};
use crate::model::clock::ManualClock;
use crate::store::Store;
use crate::store::derive::Busy;
use crate::store::items::{self, Booking};

const HOME: CalendarId = CalendarId(7);
const OWN: &str = "mailto:me@x";
const DAY: TimeRange = TimeRange::ALL;

fn store() -> Store {
    Store::in_memory(Arc::new(ManualClock::new(Timestamp(1_000)))).unwrap()
}

/// A meeting at hour `hour`, to which the calendar has said `partstat`.
fn meeting(hour: u8, partstat: &str) -> (CalendarObject, String) {
    let text = format!(
        "BEGIN:VEVENT\r\nUID:m\r\nDTSTART:20260105T{hour:02}0000Z\r\nDURATION:PT1H\r\nORGANIZER:mailto:boss@x\r\n\
         ATTENDEE;PARTSTAT={partstat}:{OWN}\r\nEND:VEVENT\r\n"
    );
    let parsed = parse::parse(text.as_bytes(), &parse::Limits::DEFAULT);
    let object = split(parsed.components, &mut String::new).objects.remove(0);
    let text = print::to_string(&crate::ical::object::to_calendar([&object], []));
    (object, text)
}

fn invite(store: &Store, method: &str, hour: u8) -> Item {
    let (object, text) = meeting(hour, "NEEDS-ACTION");
    let message = Message {
        object: &object,
        text: &text,
        method,
        sender: "mailto:boss@x",
        attendee: Some(OWN),
        actor: None,
    };
    let put: Result<Item> = store.write(|t| put(t, HOME, &Zone::utc(), message));
    sound(store);
    put.unwrap()
}

fn book(store: &Store, hour: u8, partstat: &str) {
    let (object, text) = meeting(hour, partstat);
    let booking = Booking {
        object: &object,
        text: &text,
        actor: None,
        attendee: Some(OWN),
    };
    let booked: Result<Item> = store.write(|t| items::put(t, HOME, &Zone::utc(), booking));
    booked.unwrap();
    sound(store);
}

fn seen(store: &Store) -> Option<(bool, u64)> {
    let seen: Result<_> = store.read(|t| items::visible(t, HOME, "m"));
    seen.unwrap().map(|item| (item.is_queued(), item.change))
}

fn busy(store: &Store) -> Vec<Busy> {
    let mut found = Vec::new();
    let read: Result<()> = store.read(|t| {
        items::busy(t, HOME, DAY, |_, busy| {
            found.push(busy);
            Ok(())
        })
    });
    read.unwrap();
    found
}

fn open(store: &Store) -> usize {
    let open: Result<_> = store.read(|t| items::invitations(t, HOME));
    open.unwrap().len()
}

/// The indexes are what `reindex` would make, before and after it does.
fn sound(store: &Store) {
    let verify = || -> Vec<String> {
        let wrong: Result<_> = store.read(|t| items::verify(t, HOME, &Zone::utc()));
        wrong.unwrap()
    };
    assert_eq!(verify(), Vec::<String>::new());
    let again: Result<usize> = store.write(|t| items::reindex(t, HOME, &Zone::utc()));
    again.unwrap();
    assert_eq!(verify(), Vec::<String>::new());
}

#[test]
fn the_newest_invitation_is_seen_and_tentative() {
    let store = store();
    invite(&store, REQUEST, 9);
    let second = invite(&store, REQUEST, 10);
    assert_eq!(seen(&store), Some((true, second.change)));
    assert_eq!(busy(&store), [Busy::Throughout(BusyType::Tentative)]);
    assert_eq!(open(&store), 1);
    let touching: Result<_> = store.read(|t| items::touching(t, HOME, DAY, &[Kind::Event]));
    assert_eq!(touching.unwrap(), ["m"]);
}

#[test]
fn other_methods_wait_unseen() {
    let store = store();
    invite(&store, "CANCEL", 9);
    assert_eq!(seen(&store), None);
    assert!(busy(&store).is_empty());
    assert_eq!(open(&store), 0);
}

#[test]
fn booking_clears_the_queue_of_invitations() {
    let store = store();
    invite(&store, REQUEST, 9);
    invite(&store, "CANCEL", 9);
    book(&store, 9, "ACCEPTED");
    assert!(matches!(seen(&store), Some((false, _))));
    assert_eq!(busy(&store), [Busy::Throughout(BusyType::Busy)]);
    assert_eq!(open(&store), 0);
    let queued: Result<_> = store.read(|t| queued(t, HOME, "m"));
    assert_eq!(queued.unwrap().len(), 1);
    // What comes after is not seen: the booked item is.
    invite(&store, REQUEST, 12);
    assert!(matches!(seen(&store), Some((false, _))));
}

#[test]
fn what_was_declined_takes_no_time() {
    let store = store();
    for (partstat, expected) in [
        ("DECLINED", None),
        ("DELEGATED", None),
        ("TENTATIVE", Some(BusyType::Tentative)),
        ("NEEDS-ACTION", Some(BusyType::Tentative)),
        ("ACCEPTED", Some(BusyType::Busy)),
    ] {
        book(&store, 9, partstat);
        let expected: Vec<_> = expected.into_iter().map(Busy::Throughout).collect();
        assert_eq!(busy(&store), expected, "{partstat}");
    }
}

#[test]
fn what_is_taken_gives_way_to_what_came_before() {
    let store = store();
    let first = invite(&store, REQUEST, 9);
    let second = invite(&store, REQUEST, 10);
    let gone: Result<usize> = store.write(|t| {
        take(t, HOME, &Zone::utc(), "m", |item| {
            item.change == second.change
        })
    });
    assert_eq!(gone.unwrap(), 1);
    sound(&store);
    assert_eq!(seen(&store), Some((true, first.change)));
    let dropped: Result<_> =
        store.write(|t| drop_all(t, HOME, &Zone::utc(), "m", "stub".into(), None));
    assert_eq!(dropped.unwrap().unwrap().change, first.change);
    sound(&store);
    assert_eq!(seen(&store), None);
    assert!(busy(&store).is_empty());
}
