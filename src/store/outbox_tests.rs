//! Letters come and go with what is derived from them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::super::Store;
use super::super::codec::{decode, encode};
use super::*;
use crate::model::clock::ManualClock;

fn letter(id: &str, to: &str, due: i64) -> Letter {
    Letter {
        id: id.into(),
        method: "REQUEST".into(),
        uid: "m".into(),
        from: "tom@x".into(),
        to: to.into(),
        calendar: CalendarId(7),
        text: String::new(),
        attachments: false,
        written: Timestamp(1),
        due: Timestamp(due),
        attempts: 0,
        error: None,
        first: true,
        relay: None,
    }
}

fn store() -> Store {
    Store::in_memory(Arc::new(ManualClock::new(Timestamp(1)))).unwrap()
}

#[test]
fn a_thread_is_found_in_its_order() {
    let store = store();
    let late = letter("a", "Guest@out", 30);
    let early = letter("b", "guest@OUT", 20);
    let other = letter("c", "guest@out.example", 10);
    store
        .write(|t| {
            for letter in [&late, &early, &other] {
                put(t, letter)?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    let of = |uid: &str, to: &str| {
        let found = store.read(|t| waiting(t, CalendarId(7), uid, to));
        let found: Result<Vec<Letter>> = found;
        found.unwrap()
    };
    assert_eq!(of("m", "guest@out"), [early.clone(), late.clone()]);
    assert!(of("n", "guest@out").is_empty());
    store.write(|t| remove(t, &early)).unwrap();
    assert_eq!(of("m", "guest@out"), [late]);
    assert_eq!(store.read(count).unwrap(), 2);
    assert!(store.read(verify).unwrap().is_empty());
}

#[test]
fn letters_for_other_stores_are_found_alone() {
    let store = store();
    let relayed = |id: &str, due: i64| Letter {
        relay: Some("other.example".into()),
        ..letter(id, "guest@out", due)
    };
    let (early, late, later) = (relayed("a", 10), relayed("b", 20), relayed("c", 30));
    store
        .write(|t| {
            for letter in [&late, &early, &later, &letter("m", "guest@mail", 5)] {
                put(t, letter)?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    let due = |now: i64, most: usize| {
        let found = store.read(|t| due_relays(t, "other.example", Timestamp(now), most));
        let (letters, next) = found.unwrap();
        let ids: Vec<String> = letters.into_iter().map(|l| l.id).collect();
        (ids.concat(), next.map(|next| next.0))
    };
    assert_eq!(due(9, 9), (String::new(), Some(10)));
    assert_eq!(due(20, 9), ("ab".into(), Some(30)));
    assert_eq!(due(20, 1), ("a".into(), Some(20)));
    assert_eq!(due(99, 9), ("abc".into(), None));
    let others = store.read(|t| due_relays(t, "other", Timestamp(99), 9));
    assert!(others.unwrap().0.is_empty());
    store.write(|t| remove(t, &late)).unwrap();
    assert_eq!(due(99, 9), ("ac".into(), None));
    assert!(store.read(verify).unwrap().is_empty());
    store
        .write(|t| {
            t.delete_range(Space::OutboxRelays, &KeyRange::all())?;
            rebuild(t)
        })
        .unwrap();
    assert_eq!(due(99, 9), ("ac".into(), None));
}

#[test]
fn what_is_derived_is_built_anew() {
    let store = store();
    store
        .write(|t| {
            put(t, &letter("a", "guest@out", 10))?;
            t.delete_range(Space::OutboxThreads, &KeyRange::all())?;
            t.put(Space::OutboxThreads, b"stray", &[])?;
            set_count(t, 5)
        })
        .unwrap();
    assert_eq!(store.read(verify).unwrap().len(), 3);
    store.write(rebuild).unwrap();
    assert!(store.read(verify).unwrap().is_empty());
}

#[test]
fn letters_of_earlier_versions_are_read() {
    let new = letter("a", "guest@out", 10);
    let mut bytes = encode(&new).unwrap();
    // As version 2 wrote it: another first byte, and no store it is passed on to.
    assert_eq!(bytes.pop(), Some(0));
    bytes[0] = 2;
    assert_eq!(decode::<Letter>(&bytes).unwrap(), new);
    // As version 1 wrote it: nothing after the error.
    assert_eq!(bytes.pop(), Some(1));
    bytes[0] = 1;
    let old: Letter = decode(&bytes).unwrap();
    assert_eq!(
        old,
        Letter {
            first: false,
            ..new
        }
    );
}
