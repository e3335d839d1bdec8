//! Stores that older programs wrote are opened for ever: one file of each format, made by the program of its day.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use wcapd::ical::datetime::TimeRange;
use wcapd::ical::object::Kind;
use wcapd::model::id::Calid;
use wcapd::model::item::{Item, Operation};
use wcapd::model::user::Principal;
use wcapd::store::engine::RedbOptions;
use wcapd::store::{Store, calendars, items, journal, people};

use super::{Timestamp, clock};

/// A copy of `tests/data/NAME`, opened by this program, and the folder it lies in.
fn opened(name: &str) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    fs::copy(data.join(name), folder.path().join("wcapd.redb")).unwrap();
    let store = Store::open(folder.path(), RedbOptions::default(), clock()).unwrap();
    (store, folder)
}

/// Demo data; in tom's calendar besides a series with a deleted instance, a meeting with an alarm and an attendee, a
/// to-do without dates, and the memory of a deleted event.
#[test]
fn format_1() {
    let (store, _folder) = opened("store-v1.redb");
    let tom = store
        .read(|t| {
            let calid = Calid::parse("tom", "localhost").unwrap();
            calendars::find(t, &calid)
        })
        .unwrap()
        .unwrap();
    assert!(tom.enabled);
    assert_eq!(tom.properties.acl.len(), 5);
    let mut called_tom = Vec::new();
    let visited = store.read(|t| {
        calendars::visit_heads(t, |head| {
            called_tom.extend(head.is_called(&tom.calid).then_some(head.id));
            ControlFlow::Continue(())
        })
    });
    visited.unwrap();
    assert_eq!(called_tom, [tom.id]);
    let owner = store.read(|t| people::principal(t, tom.owner)).unwrap();
    assert!(matches!(owner, Some(Principal::User(user)) if user.verifiers.len() == 2));
    let item = |uid: &str| -> Item {
        let found = store.read(|t| items::get(t, tom.id, uid));
        found.unwrap().unwrap()
    };
    let weekly = item("weekly");
    assert!(weekly.facts.recurring && weekly.text.contains("EXDATE"));
    let alarmed = item("alarmed");
    assert!(alarmed.facts.alarms && alarmed.facts.attendees);
    // Its alarm is in an index that came later.
    let ringing = store.read(|t| items::ringing(t, tom.id, TimeRange::ALL));
    assert_eq!(ringing.unwrap(), ["alarmed"]);
    assert_eq!(item("todo").kind, Kind::Todo);
    let mut gone = Vec::new();
    let window = (Timestamp(0), Timestamp::MAX);
    store
        .read(|t| {
            journal::between(t, tom.id, window.0, window.1, |entry| {
                if entry.change.operation == Operation::Delete {
                    gone.push(entry.change.uid);
                }
                Ok(ControlFlow::Continue(()))
            })
        })
        .unwrap();
    assert_eq!(gone, ["weekly", "gone"]);
}
