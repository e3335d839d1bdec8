//! What a check notices and mends.

use super::Checked;
use crate::core::Core;
use crate::core::accounts::NewUser;
use crate::core::testing::core;
use crate::model::id::CalendarId;
use crate::store::named::{self, Container, Shelf};
use crate::store::{Key, KeyRange, Order, Reader, Result, Space, WriteTxn, calendars};

/// A core in which tom has calendars, `a` above `b` above `c`, and their numbers.
fn tree() -> (Core, [CalendarId; 3]) {
    let (core, _) = core();
    let new = NewUser {
        name: "tom".to_owned(),
        ..NewUser::default()
    };
    core.add_user(&new, None).unwrap();
    let pattern = core.calendars(None).unwrap()[0].clone();
    let ids = [CalendarId(100), CalendarId(101), CalendarId(102)];
    let made: Result<()> = core.store().write(|t| {
        let mut parent = None;
        for (name, id) in ["a", "b", "c"].into_iter().zip(ids) {
            let mut calendar = pattern.clone();
            (calendar.id, calendar.parent) = (id, parent);
            calendar.calid.rest = name.to_owned();
            calendars::create(t, &calendar, None)?;
            parent = Some(id);
        }
        Ok(())
    });
    made.unwrap();
    assert_eq!(core.check(false).unwrap().problems, [] as [String; 0]);
    (core, ids)
}

fn damage(core: &Core, change: impl Fn(&mut WriteTxn<'_>) -> Result<()>) -> Vec<String> {
    core.store().write(|t| change(t)).unwrap();
    let found = core.check(false).unwrap();
    assert!(!found.repaired);
    found.problems
}

/// A repair tells what it found, and then nothing is wrong any more.
fn mended(core: &Core) {
    let Checked {
        problems, repaired, ..
    } = core.check(true).unwrap();
    assert!(repaired && !problems.is_empty());
    assert_eq!(core.check(false).unwrap().problems, [] as [String; 0]);
}

fn child(parent: CalendarId, id: CalendarId) -> Key {
    Key::new().u64(parent.0).u64(id.0)
}

fn set_parent(t: &mut WriteTxn<'_>, id: CalendarId, parent: Option<CalendarId>) -> Result<()> {
    let mut calendar = calendars::get(t, id)?.unwrap();
    calendar.parent = parent;
    calendars::update(t, &calendar)
}

/// The number of a calendar's parent.
fn parent(core: &Core, id: CalendarId) -> Option<CalendarId> {
    let calendar = core.store().read(|t| calendars::get(t, id)).unwrap();
    calendar.unwrap().parent
}

fn rows(core: &Core) -> usize {
    let all = KeyRange::all();
    let rows = core
        .store()
        .read(|t| t.range(Space::Children, &all, Order::Ascending, 99));
    rows.unwrap().len()
}

#[test]
fn rows_by_parent_are_made_anew() {
    let (core, [a, b, c]) = tree();
    let gone = CalendarId(999);
    let found = damage(&core, |t| {
        t.put(Space::Children, &child(a, gone), &[])?;
        t.put(Space::Children, &child(a, c), &[])?;
        t.delete(Space::Children, &child(a, b));
        Ok(())
    });
    assert_eq!(
        found,
        [
            "calendar 'tom:c' is listed under one that is not its parent",
            "a calendar that does not exist is listed as a child",
            "calendar 'tom:b' is not listed with its parent",
        ]
    );
    mended(&core);
    assert_eq!(rows(&core), 2);
    assert_eq!((parent(&core, b), parent(&core, c)), (Some(a), Some(b)));
}

#[test]
fn who_has_no_parent_goes_to_the_top() {
    let (core, [_, b, c]) = tree();
    let found = damage(&core, |t| set_parent(t, b, Some(CalendarId(999))));
    assert_eq!(
        found,
        [
            "the parent of calendar 'tom:b' does not exist",
            "calendar 'tom:b' is listed under one that is not its parent",
        ]
    );
    mended(&core);
    assert_eq!((parent(&core, b), parent(&core, c)), (None, Some(b)));
    assert_eq!(rows(&core), 1);
}

#[test]
fn a_circle_is_opened_at_its_eldest() {
    let (core, [a, b, c]) = tree();
    let found = damage(&core, |t| {
        t.put(Space::Children, &child(b, a), &[])?;
        set_parent(t, a, Some(b))
    });
    // What hangs below the circle is in none.
    assert_eq!(
        found,
        [
            "calendar 'tom:a' is above itself",
            "calendar 'tom:b' is above itself",
        ]
    );
    mended(&core);
    let parents = [a, b, c].map(|id| parent(&core, id));
    assert_eq!(parents, [None, Some(a), Some(b)]);
    assert_eq!(rows(&core), 2);
}

#[test]
fn named_texts_that_say_nothing_are_named() {
    let (core, [a, ..]) = tree();
    let query =
        |query: &str| format!("BEGIN:VQUERY\r\nQUERYNAME:q\r\nQUERY:{query}\r\nEND:VQUERY\r\n");
    let found = damage(&core, |t| {
        let (own, store) = (a.into(), Container::Store);
        let grant = "BEGIN:VCAR\r\nCARID:fine\r\nGRANT:UPN=*;ACTION=*;OBJECT=*\r\nEND:VCAR\r\n";
        named::put(t, own, Shelf::Rights, "fine", grant)?;
        named::put(t, own, Shelf::Rights, "empty", "BEGIN:VCAR\r\nEND:VCAR\r\n")?;
        named::put(
            t,
            own,
            Shelf::Queries,
            "fine",
            &query("SELECT * FROM VEVENT"),
        )?;
        named::put(t, own, Shelf::Queries, "broken", &query("SELECT"))?;
        named::put(
            t,
            own,
            Shelf::Queries,
            "other",
            "BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        )?;
        named::put(t, store, Shelf::Properties, "FINE", "FINE:yes")?;
        named::put(t, store, Shelf::Properties, "BARE", "no property")
    });
    let expected = [
        "calendar 'tom:a': the rights 'empty' cannot be read",
        "calendar 'tom:a': the query 'broken' cannot be read",
        "calendar 'tom:a': the query 'other' cannot be read",
        "the store: the property 'BARE' cannot be read",
    ];
    assert_eq!(found, expected);
    // They are people's own, and stay as they are.
    let after = core.check(true).unwrap();
    assert_eq!((after.problems.len(), after.repaired), (4, false));
}

#[test]
fn named_rows_that_are_no_text_are_damage() {
    let (core, [a, ..]) = tree();
    let key = |name: &str| Key::new().u64(a.0).u8(Shelf::Rights as u8).text(name);
    let found = damage(&core, |t| {
        t.put(Space::Named, &key("octets"), b"\xff\xfe")?;
        t.put(Space::Named, b"\x01short", b"text")
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found
            .iter()
            .all(|one| one.starts_with("expected a sound row ")),
        "{found:?}"
    );
}
