//! What a durable write costs above the bare engine, and what many writers gain by sharing a flush.
//!
//! Every round takes each measure for a moment, one after the other, and ratios are taken inside a round and then
//! their median over all rounds, because a disk's flush may take ten times as long a minute later. Run it with
//! `cargo bench --bench store [-- SECONDS]`; the data goes where `TMPDIR` says, which should be the disk meant.
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]

#[path = "disk/mod.rs"]
mod disk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use disk::{Disk, VALUE, key, median, rate};
use wcapd::model::clock::SystemClock;
use wcapd::store::engine::RedbOptions;
use wcapd::store::{Reader, Result, Space, Store};

const ROUNDS: u32 = 9;
const CLIENTS: usize = 64;

fn put(store: &Store, next: &AtomicU64) -> Result<()> {
    let key = key(next.fetch_add(1, Ordering::Relaxed));
    store.write(|t| t.put(Space::Objects, &key, &VALUE))
}

/// Acknowledged writes a second of `clients` threads, each waiting for one before the next.
fn writes(time: Duration, store: &Store, next: &AtomicU64, clients: usize) -> f64 {
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    put(store, next).unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
    });
    done.into_inner() as f64 / start.elapsed().as_secs_f64()
}

fn main() {
    // `cargo bench` hands on flags of its own, which are no numbers.
    let seconds = std::env::args()
        .skip(1)
        .find_map(|word| word.parse::<f64>().ok());
    let time = Duration::from_secs_f64(seconds.unwrap_or(20.0) / f64::from(ROUNDS * 5));
    let folder = tempfile::tempdir().unwrap();

    let mut disk = Disk::new(folder.path());
    let options = RedbOptions::default();
    let store = Store::open(&folder.path().join("data"), options, Arc::new(SystemClock)).unwrap();
    let next = AtomicU64::new(0);

    let mut rounds = Vec::new();
    let mut shared = (0, 0);
    for _ in 0..ROUNDS {
        disk.level(next.load(Ordering::Relaxed));
        let flushes = disk.flushes(time);
        let bare = disk.puts(time, &next);
        let one = writes(time, &store, &next, 1);
        let eight = writes(time, &store, &next, 8);
        let before = store.activity();
        let many = writes(time, &store, &next, CLIENTS);
        let after = store.activity();
        shared.0 += after.writes - before.writes;
        shared.1 += after.flushes - before.flushes;
        rounds.push([flushes, bare, one, eight, many]);
    }
    let row = |what: &str, column: usize, than: usize, of: &str| {
        let rates = rounds.iter().map(|round| round[column]).collect();
        let ratios = rounds
            .iter()
            .map(|round| round[column] / round[than])
            .collect();
        println!(
            "{what:<34}{:>9.0}{:>8.2} {of}",
            median(rates),
            median(ratios)
        );
    };
    println!("durable writes of 800 bytes a second, and ratios; medians of {ROUNDS} rounds");
    row("flushes of one page (the disk)", 0, 0, "");
    row(
        "bare engine, one put a commit",
        1,
        0,
        "of the disk's flushes",
    );
    row("store, 1 client", 2, 1, "of the bare engine (aim: 0.9)");
    row("store, 8 clients", 3, 2, "times one client");
    row(
        "store, 64 clients",
        4,
        2,
        "times one client (aim: 30, where a flush takes 1 ms)",
    );
    println!(
        "64 clients shared each flush among {:.1}",
        shared.0 as f64 / shared.1 as f64
    );

    let bare_reads = disk.reads(time);
    let reads = rate(time, |n| {
        store
            .read(|t| t.contains(Space::Objects, &key(n % 100)))
            .unwrap();
    });
    let of_bare = reads / bare_reads;
    println!("views with one read: {reads:.0} a second, {of_bare:.2} of the bare engine");
}
