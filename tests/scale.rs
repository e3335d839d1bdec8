//! The cost of a question follows the size of its answer, not of the calendar: counted in rows that the engine
//! hands out, so that the test means the same on every machine. Times are the benchmarks' matter.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use wcapd::app::open;
use wcapd::config::Config;
use wcapd::core::accounts::NewUser;
use wcapd::core::calendars::{Match, Search};
use wcapd::core::freebusy::BusyWindow;
use wcapd::core::items::fetch::{Selection, Window};
use wcapd::core::{Caller, Core, query};
use wcapd::ical::component::{Component, Property};
use wcapd::ical::datetime::{DateTime, Timestamp};
use wcapd::ical::object::{CalendarObject, Kind};
use wcapd::ical::print;
use wcapd::ical::zone::Zone;
use wcapd::model::clock::{CountedIds, ManualClock};
use wcapd::model::id::CalendarId;
use wcapd::store::engine::{Attempt, Memory, Snapshot, Visit};
use wcapd::store::items::{self, Booking};
use wcapd::store::{Bounds, Engine, KeyRange, Order, Result, Space, Statistics, Store, calendars};

/// Seconds between two events of a calendar, each of which takes an hour: nothing overlaps.
const PACE: i64 = 8 * 3_600;

/// Weekly meetings without end, begun with the calendar; they are found in every window after it.
const SERIES: usize = 3;

/// Events in the window that is asked for.
const ANSWER: usize = 90;

/// Events of two days on either side of it.
const BESIDE: usize = 12;

/// Midnight of 2000-01-01, when the calendars begin.
const BEGIN: i64 = 946_684_800;

/// Objects stored in one transaction.
const BATCH: usize = 10_000;

#[test]
fn a_question_reads_no_more_rows_in_a_larger_calendar() {
    let (small, large) = (World::new(1_000), World::new(100_000));
    let found = ANSWER + SERIES;
    for (what, most, ask) in [
        ("range fetch", 3 * found, fetch as Ask),
        ("range fetch of instances", 3 * found, fetch_instances),
        ("free/busy", 2 * found, free_busy),
        // A query looks two days further at either end, as days are compared with instants.
        ("CAP's read of a time", 3 * (found + BESIDE), read_time),
        (
            "CAP's read of instances",
            3 * (found + BESIDE),
            read_instances,
        ),
    ] {
        let (few, many) = (small.rows_read(ask), large.rows_read(ask));
        assert!(few >= found as u64, "{what}: {few} rows read");
        // An index look-up for each answer, its object, and a few rows of the calendar and its owner.
        assert!(many <= most as u64 + 40, "{what}: {many} rows read");
        // The same answer may lie at other places of the index levels, no more.
        assert!(many <= few + 10, "{what}: {few} rows became {many}");
    }
    for (what, ask) in [
        ("CAP's read of a UID", read_uid as Ask),
        ("CAP's read of a UID at a time", read_uid_at_a_time),
    ] {
        let (few, many) = (small.rows_read(ask), large.rows_read(ask));
        assert!(many <= 20, "{what}: {many} rows read");
        assert_eq!(few, many, "{what}");
    }
}

/// Whole calids and owners are looked up; a search by parts of names reads each calendar's record once and, beside the
/// few rows of what it finds, nothing else.
#[test]
fn a_search_reads_each_calendar_once_at_most() {
    for calendars in [100, 10_000] {
        let world = World::with_calendars(calendars);
        let few = 20;
        for (what, search, most) in [
            ("a whole calid", search("tom:c7", Match::Exact, false), few),
            ("an owner", search("jerry", Match::Exact, true), few),
            (
                "a part of a name",
                Search {
                    names: true,
                    ..search("umber 7 ", Match::Contains, false)
                },
                calendars as u64 + few,
            ),
            (
                "the first of many",
                Search {
                    most: 1,
                    ..search("tom", Match::Begins, false)
                },
                few,
            ),
        ] {
            let before = world.read.load(Relaxed);
            let found = world.core.search_calendars(&Caller::System, &search);
            let read = world.read.load(Relaxed) - before;
            assert_eq!(found.unwrap().len(), 1, "{what}");
            assert!(read <= most, "{what}: {read} rows read of {calendars}");
        }
    }
}

fn search(text: &str, how: Match, owners: bool) -> Search<'_> {
    Search {
        text,
        how,
        names: false,
        calids: !owners,
        owners,
        most: 200,
    }
}

/// What is asked of a calendar in the middle of its time; it checks the answer.
type Ask = fn(&Core, &Window);

fn fetch(core: &Core, window: &Window) {
    let found = core.fetch_range(&Caller::System, Some("tom"), window, &Selection::default());
    assert_eq!(found.unwrap().entries.len(), ANSWER + SERIES);
}

fn fetch_instances(core: &Core, window: &Window) {
    let selection = Selection {
        instances: true,
        ..Selection::default()
    };
    let found = core.fetch_range(&Caller::System, Some("tom"), window, &selection);
    // 90 events at three a day are 30 days, in which a weekly meeting takes place four or five times.
    let count = found.unwrap().entries.len() - ANSWER;
    assert!((4 * SERIES..=5 * SERIES).contains(&count), "{count}");
}

fn free_busy(core: &Core, window: &Window) {
    let window = BusyWindow {
        window: window.clone(),
        ..BusyWindow::default()
    };
    let found = core.free_busy(&Caller::System, Some("tom"), &window);
    // Meetings at other hours than the events.
    let count = found.unwrap().periods.len() - ANSWER;
    assert!((4 * SERIES..=5 * SERIES).contains(&count), "{count}");
}

/// What CAP's READ asks of the core; answers how many components there are.
fn read(core: &Core, condition: &str, expand: bool) -> usize {
    let query = query::parse(&format!("SELECT * FROM VEVENT WHERE {condition}")).unwrap();
    let ask = query::Ask {
        query: &query,
        expand,
        most: None,
        utc_only: true,
        target: "",
    };
    let answered = core.ask(&Caller::System, "tom", &ask).unwrap();
    answered.rows.len()
}

/// The condition of a window.
fn within(window: &Window) -> String {
    let at = |time: &Option<DateTime>| time.clone().unwrap().to_string();
    let (start, end) = (at(&window.start), at(&window.end));
    format!("DTEND > '{start}' AND DTSTART < '{end}'")
}

fn read_time(core: &Core, window: &Window) {
    assert_eq!(read(core, &within(window), false), ANSWER + SERIES);
}

fn read_instances(core: &Core, window: &Window) {
    let count = read(core, &within(window), true) - ANSWER;
    assert!((4 * SERIES..=5 * SERIES).contains(&count), "{count}");
}

fn read_uid(core: &Core, _: &Window) {
    let asked = "UID = 'event-700' OR UID = 'series-1'";
    assert_eq!(read(core, asked, false), 2);
}

fn read_uid_at_a_time(core: &Core, window: &Window) {
    let asked = format!("UID = 'series-1' AND {}", within(window));
    let count = read(core, &asked, true);
    assert!((4..=5).contains(&count), "{count}");
}

/// Who keeps a copy pays for what changed.
#[test]
fn changes_are_found_at_their_own_cost() {
    let (small, large) = (World::new(1_000), World::new(100_000));
    for (what, ask) in [("changes", changes as Ask), ("deletions", deletions)] {
        let (few, many) = (small.rows_read(ask), large.rows_read(ask));
        assert!(many <= 40, "{what}: {many} rows read");
        assert_eq!(few, many, "{what}");
    }
}

/// Since the calendar was filled.
fn since() -> Window {
    Window {
        start: Some(DateTime::Utc(Timestamp(BEGIN + 1))),
        ..Window::default()
    }
}

fn changes(core: &Core, _: &Window) {
    let selection = Selection::default();
    let found = core.fetch_changed(&Caller::System, Some("tom"), &since(), &selection);
    assert_eq!(found.unwrap().fetched.objects.len(), SERIES);
}

fn deletions(core: &Core, _: &Window) {
    let kinds = [Kind::Event, Kind::Todo];
    let found = core.fetch_deleted(&Caller::System, Some("tom"), &since(), &kinds, None);
    assert_eq!(found.unwrap().tombstones, []);
}

struct World {
    clock: Arc<ManualClock>,
    core: Core,
    window: Window,
    read: Arc<AtomicU64>,
}

impl World {
    /// A user's calendar with so many events, and a window with [`ANSWER`] of them in their middle.
    fn new(events: usize) -> Self {
        let mut world = Self::empty();
        let calendar = world.core.calendars(None).unwrap()[0].id;
        fill(world.core.store(), calendar, events);
        world.clock.advance(60);
        // No more events, but the series are stored again.
        fill(world.core.store(), calendar, 0);
        let first = BEGIN + (events / 2) as i64 * PACE;
        let end = first + ANSWER as i64 * PACE;
        let at = |instant| Some(DateTime::Utc(Timestamp(instant)));
        world.window = Window {
            start: at(first),
            end: at(end),
            zone: None,
        };
        world
    }

    /// A user with so many calendars, and another with one.
    fn with_calendars(number: usize) -> Self {
        let world = Self::empty();
        world.add_user("jerry");
        let pattern = world.core.calendars(None).unwrap()[0].clone();
        let stored = world.core.store().write(|t| -> Result<()> {
            for number in 0..number {
                let mut calendar = pattern.clone();
                calendar.id = CalendarId(1_000 + number as u64);
                calendar.calid.rest = format!("c{number}");
                calendar.properties.name = format!("Number {number} of many");
                calendars::create(t, &calendar, None)?;
            }
            Ok(())
        });
        stored.unwrap();
        world
    }

    /// Nothing but `tom`.
    fn empty() -> Self {
        let read = Arc::new(AtomicU64::new(0));
        let engine = Counting {
            engine: Memory::new(),
            read: Arc::clone(&read),
        };
        let clock = Arc::new(ManualClock::new(Timestamp(BEGIN)));
        let store = Store::on(Arc::new(engine), clock.clone(), Bounds::default()).unwrap();
        let settings = open::settings(&Config::for_tests(Path::new("unused")));
        let core = Core::new(
            store,
            clock.clone(),
            Arc::new(CountedIds::default()),
            settings,
        );
        let window = Window::default();
        let world = Self {
            clock,
            core,
            window,
            read,
        };
        world.add_user("tom");
        world
    }

    fn add_user(&self, name: &str) {
        let new = NewUser {
            name: name.to_owned(),
            ..NewUser::default()
        };
        self.core.add_user(&new, None).unwrap();
    }

    fn rows_read(&self, ask: Ask) -> u64 {
        let before = self.read.load(Relaxed);
        ask(&self.core, &self.window);
        self.read.load(Relaxed) - before
    }
}

fn fill(store: &Store, calendar: CalendarId, events: usize) {
    let single = |number: usize| {
        let start = Timestamp(BEGIN + number as i64 * PACE);
        event(&format!("event-{number}"), start, None)
    };
    let series = |number: usize| {
        let start = Timestamp(BEGIN + (2 + 2 * number as i64) * 3_600);
        event(&format!("series-{number}"), start, Some("FREQ=WEEKLY"))
    };
    let objects: Vec<_> = (0..SERIES)
        .map(series)
        .chain((0..events).map(single))
        .collect();
    let utc = Zone::utc();
    for batch in objects.chunks(BATCH) {
        let stored = store.write(|t| -> Result<()> {
            for (object, text) in batch {
                let booking = Booking {
                    object,
                    text,
                    actor: None,
                    attendee: None,
                };
                items::put(t, calendar, &utc, booking)?;
            }
            Ok(())
        });
        stored.unwrap();
    }
}

/// An hour-long event and its text.
fn event(uid: &str, start: Timestamp, rule: Option<&str>) -> (CalendarObject, String) {
    let mut component = Component::new("VEVENT")
        .with(Property::new("UID", uid))
        .with(Property::new("DTSTART", DateTime::Utc(start).to_string()))
        .with(Property::new("DURATION", "PT1H"));
    if let Some(rule) = rule {
        component.push(Property::new("RRULE", rule));
    }
    let mut calendar = Component::new("VCALENDAR");
    calendar.push_component(component.clone());
    let object = CalendarObject {
        kind: Kind::Event,
        uid: uid.to_owned(),
        components: vec![component],
        timezones: Vec::new(),
    };
    (object, print::to_string(&calendar))
}

/// An engine that counts the rows it hands out, by key and by scan.
struct Counting<E> {
    engine: E,
    read: Arc<AtomicU64>,
}

impl<E: Engine> Engine for Counting<E> {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        let engine = self.engine.snapshot()?;
        let read = Arc::clone(&self.read);
        Ok(Box::new(Counting { engine, read }))
    }

    fn begin(&self) -> Result<Box<dyn Attempt>> {
        self.engine.begin()
    }

    fn reads_inline(&self) -> bool {
        self.engine.reads_inline()
    }

    fn exclusive(&self) -> bool {
        self.engine.exclusive()
    }

    fn copy_to(&self, target: &Path) -> Result<()> {
        self.engine.copy_to(target)
    }

    fn statistics(&self) -> Result<Statistics> {
        self.engine.statistics()
    }
}

impl Snapshot for Counting<Box<dyn Snapshot>> {
    fn get(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.read.fetch_add(1, Relaxed);
        self.engine.get(space, key, visit)
    }

    fn scan(&self, space: Space, range: &KeyRange, order: Order, visit: Visit<'_>) -> Result<()> {
        let mut counted = |key: &[u8], value: &[u8]| -> ControlFlow<()> {
            self.read.fetch_add(1, Relaxed);
            visit(key, value)
        };
        self.engine.scan(space, range, order, &mut counted)
    }
}
