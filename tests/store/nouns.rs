//! What is kept beside items, on every engine: what is marked as deleted, the tree of calendars, times that keep others out,
//! named objects, letters for other stores.

use wcapd::ical::datetime::{TimeRange, Timestamp};
use wcapd::ical::object::Kind;
use wcapd::ical::zone::Zone;
use wcapd::model::calendar::{Calendar, CalendarProperties};
use wcapd::model::id::{CalendarId, Calid, PrincipalId};
use wcapd::store::items::{self, Booking};
use wcapd::store::named::{self, Container, Shelf};
use wcapd::store::outbox::{self, Letter};
use wcapd::store::{KeyRange, Result, Space, Store, calendars, derive, marked, tree};

use super::{NOW, on_each_engine};

const OWN: CalendarId = CalendarId(7);

/// A neighbour in every key.
const NEXT: CalendarId = CalendarId(8);

fn event(uid: &str, more: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART:20260105T080000Z\r\n\
         DTEND:20260105T090000Z\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn book(store: &Store, calendar: CalendarId, uid: &str, more: &str) {
    let text = event(uid, more);
    let object = derive::parsed(&text, Kind::Event, uid).unwrap();
    let booking = Booking {
        object: &object,
        text: &text,
        actor: None,
        attendee: None,
    };
    let booked = store.write(|t| items::put(t, calendar, &Zone::utc(), booking));
    booked.unwrap();
}

fn mark(store: &Store, uid: &str) -> bool {
    let stub = String::new();
    let marked: Result<bool> =
        store.write(|t| marked::mark(t, OWN, &Zone::utc(), uid, stub.clone(), None));
    marked.unwrap()
}

fn marked_uids(store: &Store, calendar: CalendarId) -> Vec<String> {
    let all = store.read(|t| marked::all(t, calendar)).unwrap();
    all.into_iter().map(|item| item.uid).collect()
}

fn is_sound(store: &Store) {
    let wrong = store.read(|t| items::verify(t, OWN, &Zone::utc())).unwrap();
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn what_is_marked_is_out_of_the_calendar_and_can_be_found_put_back_and_purged() {
    on_each_engine(|store| {
        book(&store, OWN, "one", "SUMMARY:first\r\n");
        book(&store, OWN, "two", "");
        book(&store, NEXT, "one", "");
        assert!(mark(&store, "one") && mark(&store, "two"));
        assert!(!mark(&store, "one") && !mark(&store, "none"));
        assert_eq!(marked_uids(&store, OWN), ["one", "two"]);
        assert_eq!(marked_uids(&store, NEXT), [] as [String; 0]);
        let booked = |uid: &str| store.read(|t| items::get(t, OWN, uid)).unwrap();
        let found = |uid: &str| store.read(|t| marked::get(t, OWN, uid)).unwrap();
        let item = found("one").unwrap();
        assert_eq!(item.method.as_deref(), Some(marked::DELETE));
        assert_eq!(item.text, event("one", "SUMMARY:first\r\n"));
        assert_eq!((booked("one"), found("three")), (None, None));
        let touching = |calendar| {
            let window = TimeRange::lasting(NOW, i64::from(u32::MAX));
            let found = store.read(|t| items::touching(t, calendar, window, &[Kind::Event]));
            found.unwrap()
        };
        assert_eq!(touching(OWN), [] as [String; 0]);
        assert_eq!(touching(NEXT), ["one"]);
        is_sound(&store);

        // Put back as the core does it: booked again, and what was marked is forgotten.
        book(&store, OWN, "one", "SUMMARY:second\r\n");
        assert_eq!(marked_uids(&store, OWN), ["one", "two"]);
        // Marked a second time, in the place of the first.
        assert!(mark(&store, "one"));
        assert_eq!(
            found("one").unwrap().text,
            event("one", "SUMMARY:second\r\n")
        );
        let purge = |uid: &str| {
            let purged: Result<bool> = store.write(|t| marked::purge(t, OWN, uid));
            purged.unwrap()
        };
        assert!(purge("one"));
        assert!(!purge("one") && !purge("none"));
        assert_eq!(marked_uids(&store, OWN), ["two"]);
        is_sound(&store);
    });
}

fn calendar(id: u64, parent: Option<u64>) -> Calendar {
    Calendar {
        id: CalendarId(id),
        calid: Calid {
            local: "tom".into(),
            rest: format!("c{id}"),
            domain: "localhost".into(),
        },
        owner: PrincipalId(1),
        parent: parent.map(CalendarId),
        created: NOW,
        modified: NOW,
        properties: CalendarProperties {
            name: String::new(),
            description: String::new(),
            language: String::new(),
            charset: String::new(),
            categories: Vec::new(),
            owners: Vec::new(),
            master: String::new(),
            tzid: "UTC".into(),
            acl: Vec::new(),
            resource: false,
            double_booking: true,
            free_busy_include: true,
            auto_schedule: true,
        },
        enabled: true,
        tombstone: false,
        extra: Vec::new(),
    }
}

fn children(store: &Store, parent: u64) -> Vec<u64> {
    let found = store.read(|t| calendars::children(t, CalendarId(parent)));
    found.unwrap().into_iter().map(|child| child.id.0).collect()
}

#[test]
fn children_follow_their_parents() {
    on_each_engine(|store| {
        let made: Result<()> = store.write(|t| {
            for (id, parent) in [
                (1, None),
                (2, Some(1)),
                (3, Some(2)),
                (4, Some(2)),
                (256, Some(1)),
            ] {
                calendars::create(t, &calendar(id, parent), None)?;
            }
            Ok(())
        });
        made.unwrap();
        assert_eq!(children(&store, 1), [2, 256]);
        assert_eq!(children(&store, 2), [3, 4]);
        let put = |id: u64, parent: Option<u64>| {
            let put: Result<()> = store.write(|t| {
                let mut moved = calendars::get(t, CalendarId(id))?.unwrap();
                calendars::set_parent(t, &mut moved, parent.map(CalendarId))
            });
            put.unwrap();
        };
        put(4, Some(256));
        put(3, None);
        assert_eq!(
            (children(&store, 2), children(&store, 256)),
            (vec![], vec![4])
        );
        // What was below what is removed is below what that was below.
        put(3, Some(2));
        let removed: Result<()> = store.write(|t| {
            let middle = calendars::get(t, CalendarId(2))?.unwrap();
            calendars::remove(t, &middle)
        });
        removed.unwrap();
        assert_eq!(children(&store, 1), [3, 256]);
        let third = store.read(|t| calendars::get(t, CalendarId(3))).unwrap();
        assert_eq!(third.unwrap().parent, Some(CalendarId(1)));
        let wrong = store.read(|t| tree::verify(t, |calendar| calendar.calid.rest.clone()));
        assert_eq!(wrong.unwrap(), [] as [String; 0]);
    });
}

#[test]
fn times_that_keep_others_out_are_noted() {
    const BLOCKS: &str = "TRANSP:OPAQUE-NOCONFLICT\r\n";
    on_each_engine(|store| {
        let blocking = |calendar| store.read(|t| items::blocking(t, calendar)).unwrap();
        book(&store, OWN, "b", BLOCKS);
        book(&store, OWN, "a", "TRANSP:TRANSPARENT-NOCONFLICT\r\n");
        book(&store, OWN, "opaque", "TRANSP:OPAQUE\r\n");
        book(&store, OWN, "off", &format!("{BLOCKS}STATUS:CANCELLED\r\n"));
        book(&store, NEXT, "c", BLOCKS);
        assert_eq!(blocking(OWN), ["a", "b"]);
        assert_eq!(blocking(NEXT), ["c"]);
        is_sound(&store);
        book(&store, OWN, "a", "");
        assert!(mark(&store, "b"));
        assert_eq!(blocking(OWN), [] as [String; 0]);
        book(&store, OWN, "opaque", BLOCKS);
        assert_eq!(blocking(OWN), ["opaque"]);

        let lost = store.write(|t| t.delete_range(Space::ByBlocking, &KeyRange::all()));
        assert_eq!(lost.unwrap(), 2);
        let wrong = store.read(|t| items::verify(t, OWN, &Zone::utc())).unwrap();
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        let mended = store.write(|t| items::reindex(t, OWN, &Zone::utc()));
        mended.unwrap();
        assert_eq!(blocking(OWN), ["opaque"]);
        is_sound(&store);
    });
}

#[test]
fn named_objects_have_names_in_their_place_and_kind() {
    on_each_engine(|store| {
        let places = [
            (Container::Store, Shelf::Rights),
            (OWN.into(), Shelf::Rights),
            (OWN.into(), Shelf::Queries),
            (NEXT.into(), Shelf::Rights),
        ];
        let filled: Result<()> = store.write(|t| {
            for (number, (place, shelf)) in places.into_iter().enumerate() {
                for name in ["a", "a\0b", "ab", "\u{e4}"] {
                    named::put(t, place, shelf, name, &format!("{number} {name}"))?;
                }
            }
            named::put(t, OWN.into(), Shelf::Rights, "ab", "replaced")
        });
        filled.unwrap();
        let all = |place, shelf| -> Vec<String> {
            let all = store.read(|t| named::all(t, place, shelf)).unwrap();
            all.into_iter()
                .map(|(name, text)| format!("{name}={text}"))
                .collect()
        };
        assert_eq!(
            all(OWN.into(), Shelf::Rights),
            ["a=1 a", "a\0b=1 a\0b", "ab=replaced", "\u{e4}=1 \u{e4}"]
        );
        assert_eq!(all(NEXT.into(), Shelf::Queries), [] as [String; 0]);
        let get = |place, name: &str| {
            store
                .read(|t| named::get(t, place, Shelf::Rights, name))
                .unwrap()
        };
        assert_eq!(get(Container::Store, "a").as_deref(), Some("0 a"));
        assert_eq!(get(OWN.into(), "b"), None);
        let removed: Result<()> = store.write(|t| {
            named::remove(t, OWN.into(), Shelf::Rights, "a");
            named::remove(t, OWN.into(), Shelf::Rights, "never there");
            Ok(())
        });
        removed.unwrap();
        assert_eq!(all(OWN.into(), Shelf::Rights).len(), 3);
        for (place, shelf) in [places[0], places[2], places[3]] {
            assert_eq!(all(place, shelf).len(), 4, "{place:?} {shelf:?}");
        }
        // They go with their calendar.
        let gone: Result<()> = store.write(|t| {
            calendars::create(t, &calendar(OWN.0, None), None)?;
            calendars::remove(t, &calendar(OWN.0, None))
        });
        gone.unwrap();
        assert_eq!(
            all(OWN.into(), Shelf::Rights).len() + all(OWN.into(), Shelf::Queries).len(),
            0
        );
        assert_eq!(all(NEXT.into(), Shelf::Rights).len(), 4);
    });
}

fn letter(id: &str, relay: Option<&str>, due: i64) -> Letter {
    Letter {
        id: id.into(),
        method: "REQUEST".into(),
        uid: "m".into(),
        from: "tom@localhost".into(),
        to: "guest@example.org".into(),
        calendar: OWN,
        text: String::new(),
        attachments: false,
        written: Timestamp(1),
        due: Timestamp(due),
        attempts: 0,
        error: None,
        first: true,
        relay: relay.map(str::to_owned),
    }
}

#[test]
fn letters_for_another_store_are_found_alone_and_in_their_order() {
    on_each_engine(|store| {
        let (first, second) = (letter("b", Some("x"), 10), letter("a", Some("x"), 20));
        let later = letter("c", Some("x"), 30);
        let filled: Result<()> = store.write(|t| {
            for letter in [
                &later,
                &second,
                &first,
                &letter("mail", None, 5),
                &letter("longer", Some("x.example"), 5),
            ] {
                outbox::put(t, letter)?;
            }
            Ok(())
        });
        filled.unwrap();
        let due = |csid: &str, now: i64, most: usize| {
            let found = store.read(|t| outbox::due_relays(t, csid, Timestamp(now), most));
            let (letters, next) = found.unwrap();
            let ids: String = letters.into_iter().map(|letter| letter.id).collect();
            (ids, next.map(|next| next.0))
        };
        assert_eq!(due("x", 5, 9), (String::new(), Some(10)));
        assert_eq!(due("x", 20, 9), ("ba".into(), Some(30)));
        assert_eq!(due("x", 99, 2), ("ba".into(), Some(30)));
        assert_eq!(due("x", 99, 3), ("bac".into(), None));
        assert_eq!(due("x.example", 99, 9), ("longer".into(), None));
        assert_eq!(due("y", 99, 9), (String::new(), None));

        // Tried, and due again later.
        let tried: Result<()> = store.write(|t| {
            outbox::remove(t, &first)?;
            let again = Letter {
                due: Timestamp(25),
                attempts: 1,
                ..first.clone()
            };
            outbox::put(t, &again)?;
            outbox::remove(t, &later)
        });
        tried.unwrap();
        assert_eq!(due("x", 99, 9), ("ab".into(), None));
        assert_eq!(store.read(outbox::count).unwrap(), 4);
        assert_eq!(store.read(outbox::verify).unwrap(), [] as [String; 0]);
        let lost = store.write(|t| t.delete_range(Space::OutboxRelays, &KeyRange::all()));
        assert_eq!(lost.unwrap(), 3);
        assert_eq!(store.read(outbox::verify).unwrap().len(), 1);
        store.write(outbox::rebuild).unwrap();
        assert_eq!(due("x", 99, 9), ("ab".into(), None));
    });
}
