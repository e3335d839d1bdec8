//! The store as its users meet it: one suite for every engine, groups of writes, failures, files.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "store/faults.rs"]
mod faults;
#[path = "store/files.rs"]
mod files;
#[path = "store/groups.rs"]
mod groups;
#[path = "store/nouns.rs"]
mod nouns;
#[path = "store/old_formats.rs"]
mod old_formats;
#[path = "store/suite.rs"]
mod suite;

use std::sync::Arc;

use wcapd::ical::datetime::Timestamp;
use wcapd::model::clock::ManualClock;
use wcapd::store::engine::{Engine, Memory, Redb, RedbOptions};
use wcapd::store::{Bounds, Reader, Result, Space, Store};

/// Where the tests' clock stands.
const NOW: Timestamp = Timestamp(1_179_705_600);

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(NOW))
}

fn on(engine: impl Engine + 'static) -> Store {
    Store::on(Arc::new(engine), clock(), Bounds::default()).unwrap()
}

/// Runs `test` on each engine.
fn on_each_engine(test: impl Fn(Store)) {
    test(on(Memory::new()));
    let folder = tempfile::tempdir().unwrap();
    test(on(
        Redb::open(folder.path(), RedbOptions::default()).unwrap()
    ));
}

fn value(store: &Store, key: &[u8]) -> Option<Vec<u8>> {
    store.read(|t| t.get(Space::Prefs, key)).unwrap()
}

fn put(store: &Store, key: &[u8], value: &[u8]) -> Result<()> {
    store.write(|t| t.put(Space::Prefs, key, value))
}

/// Adds one to the number under `key`.
fn increment(store: &Store, key: &[u8]) -> Result<u64> {
    store.write(|t| {
        let old = t.get(Space::Prefs, key)?.map_or(0, number);
        t.put(Space::Prefs, key, &(old + 1).to_be_bytes())?;
        Ok(old + 1)
    })
}

fn number(bytes: Vec<u8>) -> u64 {
    u64::from_be_bytes(bytes.try_into().unwrap())
}
