//! Two clients keep copies of a calendar while a third writes to it, and both end with exactly what the server has.
//!
//! The clients work as Lightning does: they know nothing but answers, send the end of the last window as the start of
//! the next by their own clock, and read deletions as it reads them. The writer adds, changes, deletes and makes again,
//! items and instances, while the clients ask; the server's clock moves on unevenly and is set back. At every
//! checkpoint the writer rests, each client asks once more, and its copy is compared with a whole fetch, byte for byte.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use common::http::Connection;
use common::transcript::World as _;
use common::world::Demo;
use wcapd::ical::datetime::Timestamp;
use wcapd::model::clock::{Clock as _, ManualClock};

const SEEDS: u64 = 20;
/// Changes in a run, all of which the server made.
const CHANGES: usize = 2_000;
const CHECKPOINTS: usize = 8;
/// Few enough for items to be met again and again.
const ITEMS: u64 = 25;
const INSTANCES: u64 = 6;

/// What all requests of Lightning's provider carry.
const FORM: &str =
    "relativealarm=1&compressed=1&recurring=1&emailorcalid=1&fmt-out=text%2Fcalendar";

/// A small random number generator (xorshift64*), so that every run has the same choices.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below
    }
}

/// A session on a connection of its own.
struct Session {
    connection: Connection,
    id: String,
}

impl Session {
    fn login(server: SocketAddr) -> Self {
        let connection = Connection::open(server).unwrap();
        let mut session = Self {
            connection,
            id: String::new(),
        };
        let answer = session.get("login.wcap?fmt-out=text%2Fcalendar&user=tom&password=tom");
        session.id = value(&answer, "X-NSCP-WCAP-SESSION-ID").to_owned();
        session
    }

    fn get(&mut self, target: &str) -> String {
        let request = format!("GET /{target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.connection.send(request.as_bytes()).unwrap();
        self.connection.receive(false).unwrap().text().to_owned()
    }

    /// The answer of a command about tom's calendar, which must succeed.
    fn ask(&mut self, command: &str, parameters: &str) -> String {
        let answer = self.run(command, parameters);
        assert_eq!(
            value(&answer, "X-NSCP-WCAP-ERRNO"),
            "0",
            "{command}: {answer}"
        );
        answer
    }

    fn run(&mut self, command: &str, parameters: &str) -> String {
        let id = &self.id;
        let target =
            format!("{command}.wcap?appid=mozilla-calendar&id={id}&{parameters}&calid=tom");
        self.get(&target)
    }
}

/// The value of the first line called `name`.
fn value<'a>(answer: &'a str, name: &str) -> &'a str {
    let found = answer
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// The components of an answer: UID, and its text.
fn components(answer: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut text = String::new();
    for line in answer.lines() {
        if line == "BEGIN:VEVENT" || line == "BEGIN:VTODO" {
            text.clear();
        }
        text.push_str(line);
        text.push('\n');
        if line == "END:VEVENT" || line == "END:VTODO" {
            found.push((value(&text, "UID").to_owned(), std::mem::take(&mut text)));
        }
    }
    found
}

/// A copy of a calendar: each UID with its master and exceptions.
type Copy = BTreeMap<String, Vec<String>>;

fn grouped(components: Vec<(String, String)>) -> Copy {
    let mut copy = Copy::new();
    for (uid, text) in components {
        copy.entry(uid).or_default().push(text);
    }
    copy
}

/// The time of a run: the server's clock, which is set back, and what really goes by, which clients' clocks show.
struct Time {
    clock: Arc<ManualClock>,
    /// Held while time goes by, and while it must not.
    still: Mutex<()>,
}

impl Time {
    fn elapsed(&self) -> i64 {
        i64::try_from(self.clock.elapsed().as_secs()).unwrap()
    }
}

/// A client that keeps a copy, as `calWcapCalendar` does.
struct Client {
    session: Session,
    server: SocketAddr,
    copy: Copy,
    /// What its own clock shows when no time has elapsed.
    clock: i64,
    /// What to add to its clock to have the server's.
    skew: i64,
    /// The end of the last window, on its own clock.
    last: Option<i64>,
    /// Whether it logs in again now and then, as when sessions end.
    logs_in: bool,
}

impl Client {
    fn new(server: SocketAddr, clock: i64, logs_in: bool, time: &Time) -> Self {
        let mut client = Self {
            session: Session::login(server),
            server,
            copy: Copy::new(),
            clock,
            skew: 0,
            last: None,
            logs_in,
        };
        client.measure(time);
        client
    }

    /// Learns how far its clock is from the server's. Time stands still meanwhile: a client whose measure is a
    /// second wrong loses what falls into that second, whatever the server does.
    fn measure(&mut self, time: &Time) {
        let _still = time.still.lock().unwrap();
        let elapsed = time.elapsed();
        let answer = self.session.run("gettime", "fmt-out=text%2Fcalendar");
        let told = value(&answer, "X-NSCP-WCAPTIME");
        let told = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", told).unwrap();
        self.skew = Timestamp::from_civil_utc(told).0 - (self.clock + elapsed);
    }

    /// Brings the copy up to date.
    fn synchronize(&mut self, time: &Time, random: &mut Random) {
        if self.logs_in && random.next(8) == 0 {
            self.session = Session::login(self.server);
            self.measure(time);
        }
        let now = self.clock + time.elapsed();
        let stamp = |local: i64| Timestamp(local + self.skew).to_string();
        let from = self.last.map_or("0".to_owned(), stamp);
        let window = format!("{FORM}&dtstart={from}&dtend={}", stamp(now));
        let (mut changed, mut deleted) = (None, None);
        // Both are sent at once: either may be answered first.
        if random.next(2) == 0 {
            deleted = Some(self.session.ask("fetch_deletedcomponents", &window));
        }
        changed = changed.or_else(|| Some(self.session.ask("fetchcomponents_by_lastmod", &window)));
        let deleted =
            deleted.unwrap_or_else(|| self.session.ask("fetch_deletedcomponents", &window));
        let changed = grouped(components(&changed.unwrap()));
        for (uid, text) in components(&deleted) {
            assert!(text.contains("\nDTSTART"), "{text}");
            assert!(!value(&text, "LAST-MODIFIED").is_empty());
            // The whole item goes, also for an instance: its series would have been among the changed.
            if !changed.contains_key(&uid) {
                self.copy.remove(&uid);
            }
        }
        self.copy.extend(changed);
        self.last = Some(now);
    }
}

/// The client that writes.
struct Writer {
    session: Session,
    random: Random,
    time: Arc<Time>,
    made: usize,
}

impl Writer {
    /// Lets time go by unevenly; now and then the server's clock is set back.
    fn pass_time(&mut self) {
        let _moving = self.time.still.lock().unwrap();
        let clock = &self.time.clock;
        match self.random.next(12) {
            0..=6 => {}
            7..=9 => clock.advance(1),
            10 => clock.advance(1 + self.random.next(90) as u32),
            _ if self.random.next(8) == 0 => {
                let back = 1 + self.random.next(7_200) as i64;
                clock.set(clock.now().plus(-back));
            }
            _ => {}
        }
    }

    /// One change; the server may refuse it, when it is about something that is not there or nothing new.
    fn change(&mut self) {
        self.pass_time();
        let number = self.random.next(ITEMS);
        let (kind, uid) = (
            ["events", "todos"][(number % 5 / 4) as usize],
            format!("item-{number}"),
        );
        let end = if kind == "events" { "dtend" } else { "due" };
        let word = self.random.next(1_000);
        let rid = format!("202603{:02}T090000Z", 2 + self.random.next(INSTANCES));
        let fresh = |random: &mut Random| {
            let rules = match random.next(3) {
                0 => "",
                _ => "%22FREQ%3DDAILY%3BCOUNT%3D6%22",
            };
            format!(
                "uid={uid}&dtstart=20260302T090000Z&{end}=20260302T100000Z&summary=new%20{word}\
                 &rrules={rules}&tzid=Europe%2FBerlin&storetype=1&mod=4&method=1"
            )
        };
        let (store, delete) = (format!("store{kind}"), format!("delete{kind}_by_id"));
        let answer = match self.random.next(20) {
            0..=6 => {
                let parameters = fresh(&mut self.random);
                self.session.run(&store, &parameters)
            }
            7..=9 => self.session.run(
                &store,
                &format!("uid={uid}&summary=changed%20{word}&storetype=2&mod=4&method=1&replace=1"),
            ),
            10..=12 => self.session.run(
                &store,
                &format!("uid={uid}&summary=one%20{word}&storetype=2&mod=1&rid={rid}&method=1"),
            ),
            13..=15 => {
                // Instances of several items at once; each is a change.
                let several = (0..4).map(|n| format!("item-{}", (number + 5 * n) % ITEMS));
                let uids: Vec<String> = several.collect();
                let parameters = format!("uid={}&mod=1&rid={rid}", uids.join(";"));
                self.session.run(&delete, &parameters)
            }
            16 => self.session.run(&delete, &format!("uid={uid}&mod=4&rid=0")),
            17 => {
                // Deleted and made again at once, so that both have one stamp.
                self.session.run(&delete, &format!("uid={uid}&mod=4&rid=0"));
                let parameters = fresh(&mut self.random);
                self.session.run(&store, &parameters)
            }
            18 => self.session.run(
                &format!("delete{kind}_by_range"),
                &format!("dtstart={rid}&dtend={}", rid.replace("T090000", "T091000")),
            ),
            _ => {
                // The same twice: the second changes nothing.
                let same = format!("uid={uid}&summary=same&storetype=2&mod=4&method=1");
                self.session.run(&store, &same);
                self.session.run(&store, &same)
            }
        };
        let errno = value(&answer, "X-NSCP-WCAP-ERRNO");
        assert!(
            ["0", "6", "16", "59", "62", "63"].contains(&errno),
            "{answer}"
        );
        self.made += answer.matches("REQUEST-STATUS:2.0;").count();
    }
}

/// What the server has.
fn whole(session: &mut Session) -> Copy {
    let all = format!("{FORM}&dtstart=0&dtend=0");
    grouped(components(&session.ask("fetchcomponents_by_range", &all)))
}

/// What a client is told to do.
enum Task {
    /// Ask once more, while the writer goes on.
    Ask,
    /// Ask once more and compare, while the writer rests.
    Compare,
}

fn run(seed: u64, runtime: &tokio::runtime::Runtime) {
    let mut demo = Demo::new(runtime);
    demo.directive(&["user".to_owned(), "tom".to_owned()])
        .unwrap();
    let server = demo.address();
    let time = Arc::new(Time {
        clock: demo.clock(),
        still: Mutex::default(),
    });
    std::thread::scope(|scope| {
        // A client that fails hangs up, and so ends the run.
        let clients = [false, true].map(|logs_in| {
            let (tell, tasks) = channel();
            let (done, compared) = channel();
            let time = Arc::clone(&time);
            scope.spawn(move || keep_copy(server, &time, &tasks, &done, logs_in, seed));
            (tell, compared)
        });
        let mut writer = Writer {
            session: Session::login(server),
            random: Random(seed + 1),
            time: Arc::clone(&time),
            made: 0,
        };
        for checkpoint in 1..=CHECKPOINTS {
            while writer.made < CHANGES * checkpoint / CHECKPOINTS {
                writer.change();
                if writer.random.next(25) == 0 {
                    let place = writer.random.next(2) as usize;
                    clients[place].0.send(Task::Ask).unwrap();
                }
            }
            for (tell, _) in &clients {
                tell.send(Task::Compare).unwrap();
            }
            for (_, compared) in &clients {
                compared.recv().unwrap();
            }
        }
    });
}

/// A client's part of a run.
fn keep_copy(
    server: SocketAddr,
    time: &Time,
    tasks: &Receiver<Task>,
    done: &Sender<()>,
    logs_in: bool,
    seed: u64,
) {
    let mut random = Random(seed * 2 + u64::from(logs_in) + 1);
    // Clocks of clients are wrong, and stay as wrong as they are.
    let own = random.next(20_000) as i64 + 1_700_000_000;
    let mut client = Client::new(server, own, logs_in, time);
    for task in tasks {
        client.synchronize(time, &mut random);
        if let Task::Compare = task {
            compare(&client.copy, &whole(&mut client.session), seed);
            done.send(()).unwrap();
        }
    }
}

fn compare(copy: &Copy, there: &Copy, seed: u64) {
    let uids: BTreeSet<_> = copy.keys().chain(there.keys()).collect();
    for uid in uids {
        assert_eq!(copy.get(uid), there.get(uid), "{uid}, seed {seed}");
    }
}

#[test]
fn copies_are_what_the_server_has() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    // Two runs at a time: most machines have that many processors.
    std::thread::scope(|scope| {
        for first in 0..2 {
            let runtime = &runtime;
            scope.spawn(move || {
                (first..SEEDS)
                    .step_by(2)
                    .for_each(|seed| run(seed, runtime))
            });
        }
    });
}
