//! What the main commands of WCAP cost: beside a handler that returns the same bytes, beside the disk's flushes, and
//! in a calendar a hundred times as large.
//!
//! The server is the built program as a child process; clients and the bare handler are here. Every round takes
//! each measure for a moment, one after the other; ratios are taken inside a round, then their median over all
//! rounds, because a shared machine is twice as fast a minute later. The data goes where `TMPDIR` says.
//! `cargo bench --bench wcap [-- --million] [read] [store] [import] [memory]`
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark may stop"
)]

#[path = "../../tests/common/mod.rs"]
mod common;

#[path = "../disk/mod.rs"]
mod disk;

mod client;
mod seed;

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use bytes::Bytes;
use http::header::CONTENT_TYPE;

use client::{Client, slice};
use common::server::{DataDir, Server};
use disk::{Disk, median};

const ROUNDS: usize = 9;
const SLICE: Duration = Duration::from_millis(150);

/// Clients at a time where the rate is measured: enough to keep the machine busy.
const CLIENTS: usize = 8;

/// Clients that store at the same time.
const WRITERS: usize = 64;

fn main() {
    // `cargo bench` hands on flags of its own.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let said = |word: &str| words.iter().any(|w| w == word);
    let parts = ["read", "store", "import", "memory"];
    let all = !parts.iter().any(|part| said(part));
    if all || said("read") {
        read(said("--million"));
    }
    if all || said("store") {
        store();
    }
    if all || said("import") {
        import();
    }
    if all || said("memory") {
        memory();
    }
}

/// The session of a fresh login.
fn login(server: SocketAddr) -> String {
    let user = seed::USER;
    let target = format!("/wcap/login.wcap?user={user}&password={user}&fmt-out=text%2Fcalendar");
    let mut client = Client::new(server);
    let answer = client.ask(&client::get(&target));
    let answer = String::from_utf8(answer.to_vec()).unwrap();
    let id = answer
        .lines()
        .find_map(|line| line.strip_prefix("X-NSCP-WCAP-SESSION-ID:"));
    id.unwrap_or_else(|| panic!("no session: {answer}"))
        .to_owned()
}

/// One thing that is asked of a month.
struct Question {
    what: &'static str,
    command: &'static str,
    format: &'static str,
    /// The share of the bare handler's rate that is aimed at.
    aim: &'static str,
}

const QUESTIONS: [Question; 4] = [
    Question {
        what: "free/busy, text",
        command: "get_freebusy",
        format: "text%2Fcalendar",
        aim: "0.6",
    },
    Question {
        what: "free/busy, XML",
        command: "get_freebusy",
        format: "text%2Fxml",
        aim: "0.6",
    },
    Question {
        what: "range fetch, text",
        command: "fetchcomponents_by_range",
        format: "text%2Fcalendar",
        aim: "0.15 computed, 0.6 again",
    },
    Question {
        what: "range fetch, XML",
        command: "fetchcomponents_by_range",
        format: "text%2Fxml",
        aim: "0.15 computed, 0.6 again",
    },
];

impl Question {
    fn query(&self, session: &str, calid: &str) -> String {
        let (from, to) = (
            seed::MONTH,
            seed::MONTH.saturating_add(jiff::Span::new().months(1)),
        );
        let day = |date: jiff::civil::Date| date.strftime("%Y%m%dT000000Z").to_string();
        format!(
            "?id={session}&calid={calid}&dtstart={}&dtend={}&recurring=1&fmt-out={}",
            day(from),
            day(to),
            self.format
        )
    }
}

/// A month of a small and of a large calendar, and the same bytes from a bare handler.
fn read(million: bool) {
    let mut calendars = vec![("small", 1_000), ("large", 100_000)];
    if million {
        calendars.push(("giant", 1_000_000));
    }
    let data = DataDir::new();
    let core = seed::core(data.path());
    for &(calid, events) in &calendars {
        let took = seed::calendar(&core, calid, events);
        eprintln!("{calid}: {events} events imported in {took:.1?}");
    }
    drop(core);
    let server = Server::start(&data, &[]);
    let session = login(server.http);
    let ask = |question: &Question, calid: &str| {
        let query = question.query(&session, calid);
        format!("/wcap/{}.wcap{query}", question.command)
    };
    let bodies: Vec<Bytes> = QUESTIONS
        .iter()
        .map(|question| {
            same_bodies(server.http, &calendars, |calid| {
                client::get(&ask(question, calid))
            })
        })
        .collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bare = runtime.block_on(bare(&bodies));
    println!(
        "\na month of {} events: p50 and p99 in ms with one client; requests a second with {CLIENTS};\n\
         shares of the bare handler's rate, and times of the small calendar's; medians of {ROUNDS} rounds",
        seed::A_MONTH
    );
    for (number, question) in QUESTIONS.iter().enumerate() {
        let query = question.query(&session, "small");
        let mut sources = vec![Source {
            name: "bare handler".to_owned(),
            server: bare,
            target: format!("/{number}{query}"),
            fresh: false,
        }];
        for (fresh, how) in [(true, "computed"), (false, "again")] {
            sources.extend(calendars.iter().map(|&(calid, _)| Source {
                name: format!("{calid}, {how}"),
                server: server.http,
                target: ask(question, calid),
                fresh,
            }));
        }
        let bytes = bodies[number].len();
        println!(
            "{} ({bytes} octets; aim: {} of bare)",
            question.what, question.aim
        );
        compare(&sources, calendars.len());
    }
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
}

/// The answer of the first calendar; those of the others hold as many lines.
fn same_bodies(
    server: SocketAddr,
    calendars: &[(&str, usize)],
    request: impl Fn(&str) -> Vec<u8>,
) -> Bytes {
    let mut client = Client::new(server);
    let bodies: Vec<Vec<u8>> = calendars
        .iter()
        .map(|(calid, _)| client.ask(&request(calid)).to_vec())
        .collect();
    let lines = |body: &Vec<u8>| memchr::memchr_iter(b'\n', body).count();
    for body in &bodies {
        let text = String::from_utf8_lossy(body);
        let sound = text.contains("X-NSCP-WCAP-ERRNO:0\r\n")
            || text.contains("<X-NSCP-WCAP-ERRNO>0</X-NSCP-WCAP-ERRNO>");
        assert!(sound, "{text}");
        assert_eq!(lines(body), lines(&bodies[0]));
    }
    Bytes::from(bodies.into_iter().next().unwrap())
}

/// A server that gives each of `bodies` under its number and does nothing else.
async fn bare(bodies: &[Bytes]) -> SocketAddr {
    let mut router = Router::new();
    for (number, body) in bodies.iter().enumerate() {
        let body = body.clone();
        let handler = move || async move { ([(CONTENT_TYPE, "text/xml; charset=UTF-8")], body) };
        router = router.route(&format!("/{number}"), get(handler));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Something that is asked.
struct Source {
    name: String,
    server: SocketAddr,
    target: String,
    /// Whether every request is one that was never made before, so that no answer is given again.
    fresh: bool,
}

impl Source {
    fn slice(&self, clients: usize) -> client::Slice {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let same = client::get(&self.target);
        slice(self.server, clients, SLICE, |_, _, out| match self.fresh {
            true => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                out.extend_from_slice(&client::get(&format!("{}&bench={number}", self.target)));
            }
            false => out.extend_from_slice(&same),
        })
    }
}

/// Asks all sources in turns and prints a line for each; the first is the bare handler.
fn compare(sources: &[Source], calendars: usize) {
    let mut alone: Vec<Vec<Vec<u64>>> = vec![Vec::new(); sources.len()];
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); sources.len()];
    for _ in 0..ROUNDS {
        for (number, source) in sources.iter().enumerate() {
            let mut times = source.slice(1).times;
            times.sort_unstable();
            alone[number].push(times);
            rates[number].push(source.slice(CLIENTS).rate);
        }
    }
    let p50 = |number: usize| -> Vec<f64> {
        let rounds = alone[number].iter();
        rounds.map(|times| percentile(times, 50)).collect()
    };
    for (number, source) in sources.iter().enumerate() {
        let mut times: Vec<u64> = alone[number].concat();
        times.sort_unstable();
        let mut line = format!(
            "  {:<16} p50 {:>7.3}  p99 {:>7.3}  {:>8.0}/s",
            source.name,
            median(p50(number)),
            percentile(&times, 99),
            median(rates[number].clone())
        );
        if number > 0 {
            let share = median(ratios(&rates[number], &rates[0]));
            let alone = median(ratios(&p50(0), &p50(number)));
            write!(line, "  {share:>5.2} of bare ({alone:.2} alone)").unwrap();
        }
        // The calendars follow one another, the small one first.
        let small = number.saturating_sub(1) / calendars * calendars + 1;
        if number > small {
            let times = median(ratios(&p50(number), &p50(small)));
            write!(line, "  {times:>5.2} times the small one's p50").unwrap();
        }
        println!("{line}");
    }
}

fn ratios(these: &[f64], those: &[f64]) -> Vec<f64> {
    these.iter().zip(those).map(|(a, b)| a / b).collect()
}

/// In milliseconds; `times` are in order.
fn percentile(times: &[u64], percent: usize) -> f64 {
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).map_or(f64::NAN, |&nanos| nanos as f64 / 1e6)
}

/// Stores, each on disk before its answer, beside the disk's flushes and bare puts into the same engine.
fn store() {
    let data = DataDir::new();
    drop(seed::core(data.path()));
    let mut disk = Disk::new(data.path());
    let server = Server::start(&data, &[]);
    let session = login(server.http);
    let next = AtomicU64::new(0);
    let request = |_: usize, _: u64, out: &mut Vec<u8>| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (day, hour) = (1 + number % 28, number / 28 % 24);
        let target = format!(
            "/wcap/storeevents.wcap?id={session}&calid={}&uid=stored-{number}&storetype=1\
             &summary=Event%20{number}&dtstart=202701{day:02}T{hour:02}0000Z\
             &dtend=202701{day:02}T{hour:02}3000Z&desc={}&fmt-out=text%2Fxml",
            seed::USER,
            "word%20".repeat(60)
        );
        out.extend_from_slice(&client::get(&target));
    };
    let mut first = Vec::new();
    request(0, 0, &mut first);
    let answer = Client::new(server.http).ask(&first).to_vec();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("<X-NSCP-WCAP-ERRNO>0</X"), "{answer}");
    let (puts, mut rounds) = (AtomicU64::new(0), Vec::new());
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        disk.level(next.load(Ordering::Relaxed));
        let flushes = disk.flushes(SLICE * 2);
        let bare = disk.puts(SLICE * 2, &puts);
        let one = slice(server.http, 1, SLICE * 2, request);
        let many = slice(server.http, WRITERS, SLICE * 2, request);
        rounds.push([flushes, bare, one.rate, many.rate]);
        times[0].extend(one.times);
        times[1].extend(many.times);
    }
    times.iter_mut().for_each(|times| times.sort_unstable());
    let column = |at: usize| -> Vec<f64> { rounds.iter().map(|round| round[at]).collect() };
    let share = |at: usize, of: usize| median(ratios(&column(at), &column(of)));
    println!(
        "\nstoreevents, on disk before the answer: a second, and ratios; medians of {ROUNDS} rounds"
    );
    println!(
        "  {:<22}{:>8.0}/s",
        "flushes of one page",
        median(column(0))
    );
    println!(
        "  {:<22}{:>8.0}/s  {:>5.2} of the flushes",
        "bare engine, one put",
        median(column(1)),
        share(1, 0)
    );
    for (at, clients, of, than) in [
        (2, 1, 1, "of bare (aim: 0.9)"),
        (
            3,
            WRITERS,
            2,
            "times one client (aim: 30, where a flush takes 1 ms)",
        ),
    ] {
        println!(
            "  {:<22}{:>8.0}/s  {:>5.2} {than}; p50 {:.2} ms, p99 {:.2} ms",
            format!("{clients} client(s)"),
            median(column(at)),
            share(at, of),
            percentile(&times[at - 2], 50),
            percentile(&times[at - 2], 99)
        );
    }
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
}

/// Import of ten thousand events, read from their text.
fn import() {
    let data = DataDir::new();
    let core = seed::core(data.path());
    let mut disk = Disk::new(data.path());
    let rounds: Vec<(f64, f64)> = (0..3)
        .map(|round| {
            let flushes = disk.flushes(SLICE);
            let took = seed::calendar(&core, &format!("import-{round}"), 10_000);
            (took.as_secs_f64(), flushes)
        })
        .collect();
    println!(
        "\nimport of 10,000 events: {:.2} s (aim: 2 s), at {:.0} flushes a second; median of 3",
        median(rounds.iter().map(|round| round.0).collect()),
        median(rounds.iter().map(|round| round.1).collect())
    );
}

/// Memory of the server: empty, and with 20,000 events after some use.
fn memory() {
    println!("\nmemory of the server (resident, and of that its own)");
    let empty = DataDir::new();
    let server = Server::start(&empty, &[]);
    resident("at rest (aim: 25 MiB)", server.id());
    drop(server);
    let data = DataDir::new();
    let core = seed::core(data.path());
    seed::calendar(&core, "work", 20_000);
    drop(core);
    let server = Server::start(&data, &[]);
    let session = login(server.http);
    for question in &QUESTIONS {
        let query = question.query(&session, "work");
        let request = client::get(&format!("/wcap/{}.wcap{query}", question.command));
        slice(server.http, CLIENTS, SLICE, |_, _, out| {
            out.extend_from_slice(&request);
        });
    }
    resident("20,000 events, in use (aim: 40 MiB)", server.id());
}

fn resident(what: &str, process: u32) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    };
    println!(
        "  {what:<38}{:>6.1} MiB {:>6.1} MiB",
        mib("VmRSS:"),
        mib("RssAnon:")
    );
}
