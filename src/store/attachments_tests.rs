//! Attachments come with the first name and go with the last, whatever the order of writes.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::*;
use crate::ical::datetime::Timestamp;
use crate::ical::import::import;
use crate::ical::parse::Limits;
use crate::ical::zone::Zone;
use crate::model::clock::ManualClock;
use crate::store::Store;
use crate::store::items::{self, Booking};
use crate::store::queue::{self, Message};

const HOME: CalendarId = CalendarId(1);
const AWAY: CalendarId = CalendarId(2);

fn store() -> Store {
    Store::in_memory(Arc::new(ManualClock::new(Timestamp(1_000)))).unwrap()
}

/// The text of an event that names the attachments.
fn text(uid: &str, ids: &[AttachmentId]) -> String {
    let lines = ids
        .iter()
        .map(|id| format!("ATTACH;X-S1CS-ATTACH-ID={id};FMTTYPE=text/plain:cid:{id}\r\n"));
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART:20260101T000000Z\r\n{}END:VEVENT\r\nEND:VCALENDAR\r\n",
        lines.collect::<String>()
    )
}

fn object(text: &str) -> crate::ical::object::CalendarObject {
    let read = import(text.as_bytes(), &Limits::DEFAULT, &mut String::new);
    read.objects.into_iter().next().unwrap()
}

fn book(t: &mut WriteTxn<'_>, calendar: CalendarId, uid: &str, ids: &[AttachmentId]) {
    let text = text(uid, ids);
    let booking = Booking {
        object: &object(&text),
        text: &text,
        actor: None,
        attendee: None,
    };
    items::put(t, calendar, &Zone::utc(), booking).unwrap();
}

fn remove(t: &mut WriteTxn<'_>, calendar: CalendarId, uid: &str) {
    items::remove(t, calendar, &Zone::utc(), uid, String::new(), None).unwrap();
}

fn write<T>(store: &Store, work: impl Fn(&mut WriteTxn<'_>) -> T) -> T {
    store.write(|t| -> Result<T> { Ok(work(t)) }).unwrap()
}

fn kept(store: &Store, id: AttachmentId) -> Option<Vec<u8>> {
    assert_eq!(store.read(verify).unwrap(), Vec::<String>::new());
    let found = store.read(|t| find(t, id)).unwrap();
    let content = store.read(|t| content(t, id)).unwrap();
    let length = content.as_ref().map(|content| content.len() as u64);
    assert_eq!(found.map(|found| found.length), length);
    content
}

/// The ids of two contents.
fn ids(store: &Store) -> (AttachmentId, AttachmentId) {
    let secret = write(store, |t| make_secret(t, &[7; 32]).unwrap());
    (secret.id(b"one"), secret.id(b"two"))
}

#[test]
fn the_last_name_takes_it_along() {
    let store = store();
    let (one, two) = ids(&store);
    write(&store, |t| {
        keep(t, one, b"one").unwrap();
        keep(t, two, b"two").unwrap();
        book(t, HOME, "a", &[one, two]);
        book(t, AWAY, "a", &[one]);
    });
    assert_eq!(kept(&store, one).unwrap(), b"one");
    write(&store, |t| book(t, HOME, "a", &[one]));
    assert_eq!(kept(&store, two), None);
    write(&store, |t| remove(t, HOME, "a"));
    assert_eq!(kept(&store, one).unwrap(), b"one");
    let mut places = Vec::new();
    store
        .read(|t| {
            super::places(t, one, |calendar, uid| {
                places.push((calendar, uid.to_owned()));
                Ok(ControlFlow::Continue(()))
            })
        })
        .unwrap();
    assert_eq!(places, [(AWAY, "a".to_owned())]);
    write(&store, |t| remove(t, AWAY, "a"));
    assert_eq!(kept(&store, one), None);
}

#[test]
fn a_move_in_any_order_keeps_it() {
    let store = store();
    let (one, _) = ids(&store);
    write(&store, |t| {
        book(t, HOME, "a", &[one]);
        keep(t, one, b"one").unwrap();
    });
    write(&store, |t| {
        remove(t, HOME, "a");
        book(t, AWAY, "b", &[one]);
    });
    assert_eq!(kept(&store, one).unwrap(), b"one");
}

#[test]
fn what_nobody_names_is_not_kept() {
    let store = store();
    let (one, _) = ids(&store);
    write(&store, |t| keep(t, one, b"one").unwrap());
    assert_eq!(kept(&store, one), None);
    // Names of what is not here do no harm.
    write(&store, |t| book(t, HOME, "a", &[one]));
    assert_eq!(kept(&store, one), None);
    write(&store, |t| remove(t, HOME, "a"));
    assert_eq!(kept(&store, one), None);
}

#[test]
fn invitations_name_it_too() {
    let store = store();
    let (one, _) = ids(&store);
    let invite = |t: &mut WriteTxn<'_>, uid: &str| {
        let text = text(uid, &[one]);
        let message = Message {
            object: &object(&text),
            text: &text,
            method: queue::REQUEST,
            sender: "mailto:x@example.com",
            attendee: None,
            actor: None,
        };
        queue::put(t, AWAY, &Zone::utc(), message).unwrap();
    };
    write(&store, |t| {
        keep(t, one, b"one").unwrap();
        book(t, HOME, "a", &[one]);
        invite(t, "a");
        invite(t, "a");
        invite(t, "b");
    });
    write(&store, |t| remove(t, HOME, "a"));
    assert!(kept(&store, one).is_some());
    // Booked in the place of two invitations.
    write(&store, |t| book(t, AWAY, "a", &[one]));
    write(&store, |t| {
        queue::take(t, AWAY, &Zone::utc(), "b", |_| true).unwrap();
    });
    assert!(kept(&store, one).is_some());
    write(&store, |t| forget_calendar(t, AWAY).unwrap());
    assert!(store.read(|t| find(t, one)).unwrap().is_none());
}

#[test]
fn damage_is_found_and_names_are_noted_anew() {
    let store = store();
    let (one, two) = ids(&store);
    write(&store, |t| {
        keep(t, one, b"one").unwrap();
        book(t, HOME, "a", &[one]);
    });
    write(&store, |t| {
        let key = layout::object(HOME, crate::model::item::State::Booked, "a", 0);
        t.delete(Space::AttachmentNames, &names(one).raw(&key));
        t.put(Space::AttachmentNames, &names(two).raw(&key), &[])
            .unwrap();
        t.put(Space::AttachmentData, &two.0, b"two").unwrap();
        // The end of the write would mend the first at once.
        t.put(
            Space::AttachmentNames,
            &names(one).u64(9).u8(0).text("z").u64(0),
            &[],
        )
        .unwrap();
    });
    assert_eq!(store.read(verify).unwrap().len(), 4);
    write(&store, |t| rebuild(t).unwrap());
    assert_eq!(kept(&store, one).unwrap(), b"one");
    assert_eq!(kept(&store, two), None);
    write(&store, |t| {
        t.put(Space::AttachmentData, &one.0, b"eno").unwrap()
    });
    let wrong = store.read(verify).unwrap();
    assert!(
        wrong[0].ends_with("are not those that were stored"),
        "{wrong:?}"
    );
}
