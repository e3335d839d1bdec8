//! Power cuts and failing disks: what was acknowledged is there, what was not is there whole or not at all.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io;
use std::sync::Mutex;

use proptest::prelude::*;
use redb::StorageBackend;

use super::*;
use crate::ical::datetime::Timestamp;
use crate::model::clock::ManualClock;
use crate::store::{Bounds, Reader, Store};

/// What a disk writes at once; a torn write ends between two of them.
const SECTOR: usize = 512;

/// Rows kept at a time: each write adds one and deletes the one that is this much older.
const KEPT: u64 = 5;

/// A disk that forgets what was not flushed.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<Platters>>);

#[derive(Debug, Default)]
struct Platters {
    bytes: Vec<u8>,
    flushed: Vec<u8>,
    unflushed: Vec<Change>,
    /// How the disk stood whenever a flush was asked for, beside the number of writes acknowledged by then.
    moments: Vec<(Vec<u8>, Vec<Change>, u64)>,
    acknowledged: Option<u64>,
    broken: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

fn apply(bytes: &mut Vec<u8>, change: &Change, part: usize) {
    match change {
        Change::Length(length) => bytes.resize(*length, 0),
        Change::Bytes(at, new) => {
            let part = part.min(new.len());
            bytes[*at..at + part].copy_from_slice(&new[..part]);
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.0.lock().unwrap();
        out.copy_from_slice(&disk.bytes[offset as usize..][..out.len()]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0
            .lock()
            .unwrap()
            .change(Change::Length(length as usize));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0
            .lock()
            .unwrap()
            .change(Change::Bytes(offset as usize, data.to_vec()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        if disk.broken {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if let Some(acknowledged) = disk.acknowledged {
            let moment = (disk.flushed.clone(), disk.unflushed.clone(), acknowledged);
            disk.moments.push(moment);
        }
        let changes = std::mem::take(&mut disk.unflushed);
        for change in &changes {
            apply(&mut disk.flushed, change, usize::MAX);
        }
        Ok(())
    }
}

impl Platters {
    fn change(&mut self, change: Change) {
        apply(&mut self.bytes, &change, usize::MAX);
        self.unflushed.push(change);
    }
}

fn engine(disk: &Disk) -> Redb {
    let options = RedbOptions::default();
    let database = Database::builder()
        .create_with_backend(disk.clone())
        .unwrap();
    Redb::with(database, Path::new("nowhere"), options).unwrap()
}

fn store(engine: Redb) -> Store {
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    Store::on(Arc::new(engine), clock, Bounds::default()).unwrap()
}

/// The n-th write, from 1 on.
fn write(store: &Store) -> Result<u64> {
    store.write(|t| {
        let n = t.next_number("writes")?;
        t.put(Space::Objects, &n.to_be_bytes(), &[n as u8; 3000])?;
        t.delete(Space::Objects, &n.wrapping_sub(KEPT).to_be_bytes());
        Ok(n)
    })
}

/// How many writes a store holds; each must be there whole.
fn writes(store: &Store) -> u64 {
    let rows = store.read(|t| t.range(Space::Objects, &KeyRange::all(), Order::Ascending, 99));
    let rows = rows.unwrap();
    let last = store.read(|t| t.get(Space::Meta, b"writes")).unwrap();
    let last = last.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()) - 1);
    let expected = last.saturating_sub(KEPT - 1).max(1)..=last;
    let expected: Vec<_> = expected
        .map(|n| (n.to_be_bytes().to_vec(), vec![n as u8; 3000]))
        .collect();
    assert_eq!(rows, expected);
    last
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// At each moment a disk may have kept any of the unflushed sectors and lost the others.
    #[test]
    fn a_power_cut_loses_no_acknowledged_write(chances in prop::collection::vec(any::<u8>(), 64)) {
        let disk = Disk::default();
        let store = store(engine(&disk));
        for acknowledged in 0..12 {
            disk.0.lock().unwrap().acknowledged = Some(acknowledged);
            write(&store).unwrap();
        }
        let moments = std::mem::take(&mut disk.0.lock().unwrap().moments);
        prop_assert!(moments.len() >= 12);
        let mut chances = chances.into_iter().cycle();
        for (mut bytes, changes, acknowledged) in moments {
            for change in &changes {
                let chance = usize::from(chances.next().unwrap());
                let part = match chance % 3 {
                    0 => 0,
                    1 => usize::MAX,
                    _ => chance / 3 % 9 * SECTOR,
                };
                apply(&mut bytes, change, part);
            }
            let platters = Platters { flushed: bytes.clone(), bytes, ..Platters::default() };
            let mut engine = engine(&Disk(Arc::new(Mutex::new(platters))));
            prop_assert!(engine.check_integrity().unwrap());
            let after = writes(&self::store(engine));
            prop_assert!(after == acknowledged || after == acknowledged + 1);
        }
    }
}

#[test]
fn a_disk_that_fails_stops_writes_until_it_is_opened_again() {
    let disk = Disk::default();
    let store = store(engine(&disk));
    write(&store).unwrap();
    disk.0.lock().unwrap().broken = true;
    assert!(matches!(write(&store), Err(Error::Full)));
    disk.0.lock().unwrap().broken = false;
    assert!(matches!(write(&store), Err(Error::ReadOnly)));
    assert_eq!(writes(&store), 1, "what is on disk can still be read");
    drop(store);
    let again = self::store(engine(&disk));
    let kept = writes(&again);
    assert!(
        (1..=2).contains(&kept),
        "the failed write is there whole or not at all"
    );
    assert_eq!(write(&again).unwrap(), kept + 1);
}
