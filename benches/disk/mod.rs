//! The yardsticks of the disk: what a flush costs, and a bare loop of durable puts into the same engine.
#![allow(dead_code, reason = "each benchmark uses a part")]
#![allow(unreachable_pub, reason = "a benchmark has no outside")]

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use wcapd::store::engine::RedbOptions;

/// What is put: about the size of a stored event.
pub(crate) const VALUE: [u8; 800] = [0x61; 800];

const BARE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("bare");

/// A key that lands anywhere in the table.
pub(crate) fn key(n: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key[16..].copy_from_slice(&n.to_be_bytes());
    key
}

/// Calls a second of `work` for about `time`.
pub(crate) fn rate(time: Duration, mut work: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < time {
        work(calls);
        calls += 1;
    }
    calls as f64 / start.elapsed().as_secs_f64()
}

/// The middle one of `values`.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A file and the bare engine, in the folder whose disk is meant.
pub(crate) struct Disk {
    file: File,
    database: Database,
}

impl Disk {
    /// Makes both in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut file = File::create(folder.join("flushes")).unwrap();
        file.write_all(&[0; 64 * 4096]).unwrap();
        let database = Database::builder()
            .set_cache_size(RedbOptions::default().cache_bytes)
            .create(folder.join("bare.redb"))
            .unwrap();
        let disk = Self { file, database };
        disk.level(0);
        disk
    }

    /// Flushes a second of one page of a file that has its final length.
    pub(crate) fn flushes(&mut self, time: Duration) -> f64 {
        let file = &mut self.file;
        rate(time, |n| {
            file.seek(SeekFrom::Start(n % 64 * 4096)).unwrap();
            file.write_all(&[n as u8; 4096]).unwrap();
            file.sync_data().unwrap();
        })
    }

    /// Fills the bare engine up to as many rows as the store has, so that both pay for trees of one height.
    pub(crate) fn level(&self, rows: u64) {
        let writing = self.database.begin_write().unwrap();
        {
            let mut table = writing.open_table(BARE).unwrap();
            for n in table.len().unwrap()..rows {
                let key = key(n | 1 << 63);
                table.insert(&key[..], &VALUE[..]).unwrap();
            }
        }
        writing.commit().unwrap();
    }

    /// Durable puts a second, one after another.
    pub(crate) fn puts(&self, time: Duration, next: &AtomicU64) -> f64 {
        rate(time, |_| {
            let writing = self.database.begin_write().unwrap();
            let key = key(next.fetch_add(1, Ordering::Relaxed));
            writing
                .open_table(BARE)
                .unwrap()
                .insert(&key[..], &VALUE[..])
                .unwrap();
            writing.commit().unwrap();
        })
    }

    /// Reads a second, each in a view of its own.
    pub(crate) fn reads(&self, time: Duration) -> f64 {
        rate(time, |n| {
            let reading = self.database.begin_read().unwrap();
            let table = reading.open_table(BARE).unwrap();
            table.get(&key(n % 100)[..]).unwrap();
        })
    }
}
