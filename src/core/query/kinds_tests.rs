//! To-dos, journal entries, series with exceptions, messages and what is marked: queries answered as by looking at
//! everything.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::reference::{Length, Line, Model, Moved, Wanted, When, expected};
use super::*;
use crate::core::accounts::NewUser;
use crate::core::testing::core;
use crate::core::{Caller, Core};
use crate::ical::object::Kind;
use crate::ical::zone::Zone;
use crate::store::items::{self, Booking};
use crate::store::{Result as Stored, derive, marked, queue};

/// What is drawn in one of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Todos,
    Journals,
    Series,
    Messages,
}

fn kind(about: About) -> BoxedStrategy<Kind> {
    match about {
        About::Todos => Just(Kind::Todo).boxed(),
        About::Journals => Just(Kind::Journal).boxed(),
        About::Series => Just(Kind::Event).boxed(),
        About::Messages => prop_oneof![Just(Kind::Event), Just(Kind::Todo)].boxed(),
    }
}

fn model(about: About) -> impl Strategy<Value = Model> {
    let start = match about {
        About::Series => (0_i64..900).prop_map(Some).boxed(),
        _ => prop::option::of(0_i64..900).boxed(),
    };
    let length = prop_oneof![
        Just(Length::None),
        (1_i64..40).prop_map(Length::End),
        (1_i64..40).prop_map(Length::Lasting),
    ];
    let series = prop::option::weighted(
        if about == About::Series { 0.7 } else { 0.25 },
        (prop::sample::select(vec![1_i64, 7]), 2_i64..7),
    );
    let moved = (0_i64..6, 0_i64..1_300, prop::option::of("[a-d]{0,3}"));
    let method = match about {
        About::Messages => prop::sample::select(vec![
            None,
            Some("REQUEST"),
            Some("CANCEL"),
            Some("REPLY"),
            Some("DELETE"),
        ])
        .boxed(),
        _ => Just(None).boxed(),
    };
    (
        (kind(about), any::<bool>(), start, length),
        (prop::option::of(0_i64..900), series),
        (
            prop::option::of(0_i64..6),
            prop::collection::vec(moved, 0..3),
        ),
        (prop::option::of("[a-d]{0,3}"), prop::option::of(0_i64..100)),
        method,
    )
        .prop_map(
            |((kind, days, start, length), (due, every), (skipped, moved), texts, method)| {
                // What has no start has no rule, and events always have one.
                let start = start.or((kind == Kind::Event).then_some(5));
                let every = every.filter(|_| start.is_some());
                let count = every.map_or(0, |(_, count)| count);
                let mut parts: Vec<Moved> = Vec::new();
                for part in moved {
                    if part.0 < count && parts.iter().all(|known| known.0 != part.0) {
                        parts.push(part);
                    }
                }
                let is_moved = |n: &i64| parts.iter().any(|part| part.0 == *n);
                Model {
                    kind,
                    uid: String::new(),
                    days,
                    start,
                    length: if kind == Kind::Journal {
                        Length::None
                    } else {
                        length
                    },
                    due: due.filter(|_| kind == Kind::Todo && start.is_none()),
                    every,
                    skipped: skipped.filter(|n| *n < count && !is_moved(n)),
                    moved: parts,
                    summary: texts.0,
                    percent: texts.1.filter(|_| kind == Kind::Todo),
                    method,
                }
            },
        )
}

fn wanted(about: About) -> impl Strategy<Value = Wanted> {
    let operator = || prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let columns: Vec<&'static str> = match about {
        About::Todos => vec!["DTSTART", "DUE", "DUE", "RECURRENCE-ID"],
        About::Journals => vec!["DTSTART", "RECURRENCE-ID"],
        About::Series => vec!["DTSTART", "DTEND", "RECURRENCE-ID", "RECURRENCE-ID"],
        About::Messages => vec!["DTSTART", "RECURRENCE-ID"],
    };
    let column = || prop::sample::select(columns.clone());
    let when = (0_i64..1_100, any::<bool>()).prop_map(|(hour, days)| When::after(hour, days));
    let states = prop::sample::select(vec!["BOOKED", "UNPROCESSED", "DELETED"]);
    let methods = || prop::sample::select(vec!["CREATE", "REQUEST", "REPLY", "ADD", "DELETE"]);
    let likes = prop::sample::select(vec!["202601%", "2026010%", "%T1%", "________"]);
    let (lasting, percent) = (about != About::Journals, about == About::Todos);
    let messages = if about == About::Messages { 6 } else { 1 };
    let leaf = prop_oneof![
        2 => (any::<bool>(), 0_usize..10).prop_map(|(same, n)| Wanted::Uid(same, n)),
        8 => (column(), operator(), when).prop_map(|(name, op, at)| Wanted::Time(name, op, at)),
        1 => (column(), any::<bool>(), likes).prop_map(|(name, no, l)| Wanted::TimeLike(name, no, l)),
        2 => (column(), any::<bool>()).prop_map(|(name, no)| Wanted::Null(name, no)),
        2 => (operator(), 0_i64..60, operator(), 0_i64..100).prop_map(move |(op, hours, of, value)| {
            match (percent && value % 2 == 0, lasting) {
                (true, _) => Wanted::Percent(of, value),
                (_, true) => Wanted::Lasting(op, hours),
                _ => Wanted::Like(false, "a"),
            }
        }),
        2 => (any::<bool>(), prop::sample::select(vec!["a", "b", "cd"]))
            .prop_map(|(not, text)| Wanted::Like(not, text)),
        messages => (states, any::<bool>()).prop_map(|(state, held)| Wanted::State(state, held)),
        messages => (methods(), any::<bool>()).prop_map(|(name, held)| Wanted::Method(name, held)),
        1 => (methods(), any::<bool>()).prop_map(|(name, not)| Wanted::MethodIn(name, not)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Wanted::Any),
            prop::collection::vec(inner, 2..4).prop_map(Wanted::All),
        ]
    })
}

/// A core with tom, and how he asks.
fn tom() -> (Core, Caller) {
    let (core, _) = core();
    let new = NewUser {
        name: "tom".to_owned(),
        ..NewUser::default()
    };
    core.add_user(&new, Some("secret")).unwrap();
    let login = core.login("tom", "secret", crate::core::Client::UNKNOWN);
    (core, login.unwrap().0)
}

/// Books a text.
fn put(core: &Core, kind: Kind, uid: &str, text: &str) {
    let calendar = core.calendars(None).unwrap()[0].clone();
    let zone = Zone::named(&calendar.properties.tzid).unwrap();
    let object = derive::parsed(text, kind, uid).unwrap();
    let booking = Booking {
        object: &object,
        text,
        actor: None,
        attendee: None,
    };
    let stored = core
        .store()
        .write(|t| items::put(t, calendar.id, &zone, booking));
    stored.unwrap();
}

/// Puts each item where its method says: booked, into the queue, or booked and marked.
fn fill(core: &Core, models: &[Model]) {
    let calendar = core.calendars(None).unwrap()[0].clone();
    let (id, zone) = (calendar.id, Zone::named(&calendar.properties.tzid).unwrap());
    let stored: Stored<()> = core.store().write(|t| {
        for model in models {
            let (object, text) = (model.object(), model.text());
            if let Some(method) = model.method.filter(|method| *method != marked::DELETE) {
                let message = queue::Message {
                    object: &object,
                    text: &text,
                    method,
                    sender: "mailto:jerry@localhost",
                    attendee: None,
                    actor: None,
                };
                queue::put(t, id, &zone, message)?;
                continue;
            }
            let booking = Booking {
                object: &object,
                text: &text,
                actor: None,
                attendee: None,
            };
            items::put(t, id, &zone, booking)?;
            if model.method.is_some() {
                marked::mark(t, id, &zone, &model.uid, String::new(), None)?;
            }
        }
        Ok(())
    });
    stored.unwrap();
}

fn answered(core: &Core, caller: &Caller, text: &str, expand: bool) -> Vec<Line> {
    let query = parse(text).unwrap();
    let ask = Ask {
        query: &query,
        expand,
        most: None,
        utc_only: true,
        target: "",
    };
    let answered = core.ask(caller, "tom", &ask);
    let answered = answered.unwrap_or_else(|error| panic!("{text}: {error}"));
    let said = |row: &Row, name: &str| row.component.value(name).unwrap_or_default().to_owned();
    let lines = answered.rows.iter().map(|row| {
        let (id, start) = (said(row, "RECURRENCE-ID"), said(row, "DTSTART"));
        (row.uid.clone(), id, start)
    });
    let mut lines: Vec<Line> = lines.collect();
    lines.sort_unstable();
    lines
}

/// Two and a half thousand pairs of a calendar and a query.
fn agree(about: About, tables: &str, expand: fn(usize) -> bool) {
    let mut runner = TestRunner::new(Config {
        cases: 50,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    });
    let case = (
        prop::collection::vec(model(about), 0..9),
        prop::collection::vec(wanted(about), 50),
    );
    let outcome = runner.run(&case, |(mut models, queries)| {
        let (core, tom) = tom();
        // What is booked first, so that no booking takes a message along.
        models.sort_by_key(|model| model.method.is_some_and(|method| method != "DELETE"));
        for (n, model) in models.iter_mut().enumerate() {
            // Some messages are about what is there, or about one thing.
            let message = model.method.is_some_and(|method| method != "DELETE");
            let number = if message && n % 3 == 1 { n - 1 } else { n };
            model.uid = format!("u{number}");
        }
        fill(&core, &models);
        for (n, wanted) in queries.iter().enumerate() {
            let text = format!("SELECT * FROM {tables} WHERE {}", wanted.text());
            let expand = expand(n);
            let found = answered(&core, &tom, &text, expand);
            prop_assert_eq!(
                found,
                expected(&models, wanted, expand),
                "{} {}",
                text,
                expand
            );
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn of_todos() {
    agree(About::Todos, "VTODO", |n| n % 3 == 0);
}

#[test]
fn of_journal_entries() {
    agree(About::Journals, "VJOURNAL", |n| n % 3 == 0);
}

#[test]
fn of_series_with_exceptions() {
    agree(About::Series, "VEVENT", |n| n % 4 != 0);
}

#[test]
fn of_messages_and_what_is_marked() {
    agree(About::Messages, "VEVENT,VTODO", |n| n % 3 == 0);
}

/// What begins before a time and is over after it takes place in it, too.
#[test]
fn what_lasts_all_through_a_time_is_found() {
    let (core, tom) = tom();
    let long = Model {
        kind: Kind::Event,
        uid: "long".into(),
        days: false,
        start: Some(0),
        length: Length::End(40 * 24),
        due: None,
        every: None,
        skipped: None,
        moved: Vec::new(),
        summary: None,
        percent: None,
        method: None,
    };
    fill(&core, &[long]);
    for (text, count) in [
        (
            "DTSTART <= '20260110T000000Z' AND DTEND >= '20260120T000000Z'",
            1,
        ),
        (
            "DTSTART <= '20260110T000000Z' AND DTEND >= '20260320T000000Z'",
            0,
        ),
        (
            "DTSTART >= '20260110T000000Z' AND DTEND >= '20260120T000000Z'",
            0,
        ),
    ] {
        let text = format!("SELECT UID FROM VEVENT WHERE {text}");
        assert_eq!(answered(&core, &tom, &text, false).len(), count, "{text}");
    }
}

/// An instance goes by the time it had, wherever it was moved, by itself or with all that come after.
#[test]
fn moved_instances_go_by_their_names() {
    let (core, tom) = tom();
    let mut series = Model {
        kind: Kind::Event,
        uid: "series".into(),
        days: false,
        start: Some(0),
        length: Length::End(1),
        due: None,
        every: Some((1, 20)),
        skipped: None,
        moved: vec![(2, 1_000, None)],
        summary: None,
        percent: None,
        method: None,
    };
    fill(&core, &[series.clone()]);
    let found = |condition: &str| {
        let text = format!("SELECT UID FROM VEVENT WHERE {condition}");
        let lines = answered(&core, &tom, &text, true).into_iter();
        lines
            .map(|(_, id, start)| format!("{id} {start}"))
            .collect::<Vec<_>>()
    };
    let third = "RECURRENCE-ID = '20260103T000000Z'";
    let alone = ["20260103T000000Z 20260211T160000Z"];
    assert_eq!(found(third), alone);
    assert_eq!(
        found(&format!("{third} AND DTSTART > '20260201T000000Z'")),
        alone
    );
    assert_eq!(
        found(&format!("{third} AND DTSTART < '20260201T000000Z'")).len(),
        0
    );

    series.moved.clear();
    let change = "BEGIN:VEVENT\r\nUID:series\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260103T000000Z\r\n\
                  DTSTART:20260213T000000Z\r\nDTEND:20260213T010000Z\r\nEND:VEVENT\r\nEND:VCALENDAR";
    let text = series.text().replace("END:VCALENDAR", change);
    put(&core, Kind::Event, "series", &text);
    assert_eq!(found(third), ["20260103T000000Z 20260213T000000Z"]);
    assert_eq!(
        found("RECURRENCE-ID = '20260104T000000Z' AND DTSTART > '20260201T000000Z'"),
        ["20260104T000000Z 20260214T000000Z"]
    );
}

/// RFC 9074 gives alarms a UID of their own.
#[test]
fn an_alarm_is_found_by_its_own_uid() {
    let (core, tom) = tom();
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:event\r\nDTSTART:20260103T000000Z\r\n\
                BEGIN:VALARM\r\nUID:bell\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\n\
                END:VCALENDAR\r\n";
    put(&core, Kind::Event, "event", text);
    for (uid, count) in [("bell", 1), ("event", 0)] {
        let text = format!("SELECT * FROM VALARM WHERE UID = '{uid}'");
        assert_eq!(answered(&core, &tom, &text, false).len(), count, "{uid}");
    }
}
