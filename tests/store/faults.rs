//! An engine that fails as it is told, and what writers hear of it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use wcapd::store::engine::{Attempt, Batch, Engine, Memory, Snapshot, Statistics, Visit};
use wcapd::store::{Bounds, Error, KeyRange, Order, Reader, Result, Space, Store};

use super::{clock, increment, number, put, value};

/// What happens to a commit.
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It waits for a word.
    Held(mpsc::Receiver<()>),
    /// It fails, with nothing kept.
    Fails(Error),
    /// It waits for a word and fails.
    HeldAndFails(mpsc::Receiver<()>, Error),
    /// It panics.
    Panics,
}

/// An engine that goes through a plan of faults, one for each commit.
#[derive(Clone)]
pub(crate) struct Faulty {
    inner: Memory,
    plan: Arc<Mutex<VecDeque<Fault>>>,
    exclusive: bool,
    /// Every how many commits another process is faster; 0 for never.
    rivals: Arc<AtomicUsize>,
    commits: Arc<AtomicUsize>,
    rival_commits: Arc<AtomicUsize>,
}

impl Faulty {
    pub(crate) fn new(inner: Memory) -> Self {
        Self {
            inner,
            plan: Arc::default(),
            exclusive: true,
            rivals: Arc::default(),
            commits: Arc::default(),
            rival_commits: Arc::default(),
        }
    }

    pub(crate) fn plan(&self, fault: Fault) {
        self.plan.lock().unwrap().push_back(fault);
    }
}

impl Engine for Faulty {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.inner.snapshot()
    }

    fn begin(&self) -> Result<Box<dyn Attempt>> {
        Ok(Box::new(Change {
            attempt: self.inner.begin()?,
            engine: self.clone(),
        }))
    }

    fn reads_inline(&self) -> bool {
        false
    }

    fn exclusive(&self) -> bool {
        self.exclusive
    }

    fn copy_to(&self, target: &Path) -> Result<()> {
        self.inner.copy_to(target)
    }

    fn statistics(&self) -> Result<Statistics> {
        self.inner.statistics()
    }
}

struct Change {
    attempt: Box<dyn Attempt>,
    engine: Faulty,
}

impl Snapshot for Change {
    fn get(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        if key == b"conflicting read" && self.engine.plan.lock().unwrap().pop_front().is_some() {
            return Err(Error::Conflict(1));
        }
        self.attempt.get(space, key, visit)
    }

    fn scan(&self, space: Space, range: &KeyRange, order: Order, visit: Visit<'_>) -> Result<()> {
        self.attempt.scan(space, range, order, visit)
    }
}

impl Attempt for Change {
    fn commit(self: Box<Self>, batch: &Batch) -> Result<()> {
        let Self { attempt, engine } = *self;
        let commits = engine.commits.fetch_add(1, Ordering::SeqCst) + 1;
        let rivals = engine.rivals.load(Ordering::SeqCst);
        if rivals > 0 && commits % rivals == 0 {
            let rival = Store::on(Arc::new(engine.inner.clone()), clock(), Bounds::default())?;
            // On a thread of its own: it stands for another process, and this thread is writing already.
            thread::scope(|scope| scope.spawn(|| increment(&rival, b"count")).join()).unwrap()?;
            engine.rival_commits.fetch_add(1, Ordering::SeqCst);
        }
        let fault = engine.plan.lock().unwrap().pop_front();
        match fault {
            None | Some(Fault::None) => attempt.commit(batch),
            Some(Fault::Held(gate)) => {
                gate.recv().unwrap();
                attempt.commit(batch)
            }
            Some(Fault::Fails(cause)) => Err(cause),
            Some(Fault::HeldAndFails(gate, cause)) => {
                gate.recv().unwrap();
                Err(cause)
            }
            Some(Fault::Panics) => std::panic::resume_unwind(Box::new("a bug of the engine")),
        }
    }
}

fn faulty() -> (Store, Faulty) {
    let engine = Faulty::new(Memory::new());
    let store = Store::on(Arc::new(engine.clone()), clock(), Bounds::default()).unwrap();
    (store, engine)
}

fn disk_failure() -> Error {
    Error::storage("writing to the store", "input/output error")
}

#[test]
fn a_failed_flush_is_told_and_leaves_no_trace() {
    let (store, engine) = faulty();
    engine.plan(Fault::Fails(disk_failure()));
    let effects = Arc::new(AtomicUsize::new(0));
    let write = || {
        store.write(|t| {
            let effects = Arc::clone(&effects);
            t.after_commit(move || {
                effects.fetch_add(1, Ordering::SeqCst);
            });
            t.put(Space::Prefs, b"key", b"")
        })
    };
    let message = write().unwrap_err().to_string();
    assert_eq!(message, "writing to the store failed: input/output error");
    assert_eq!(value(&store, b"key"), None);
    assert_eq!(effects.load(Ordering::SeqCst), 0);
    write().unwrap();
    assert_eq!(effects.load(Ordering::SeqCst), 1);
    assert_eq!(store.activity().failures, 1);
}

#[test]
fn an_engine_that_panics_fails_its_write_and_blocks_nobody() {
    let (store, engine) = faulty();
    engine.plan(Fault::Panics);
    put(&store, b"key", b"").unwrap_err();
    put(&store, b"key", b"").unwrap();
}

#[test]
fn who_read_from_a_failed_flush_runs_again() {
    let (store, engine) = faulty();
    let (release, gate) = mpsc::channel();
    engine.plan(Fault::HeldAndFails(gate, disk_failure()));
    thread::scope(|scope| {
        let (ran, running) = mpsc::channel();
        let first = {
            let (ran, store) = (ran.clone(), &store);
            scope.spawn(move || {
                store.write(|t| {
                    t.put(Space::Prefs, b"first", b"")?;
                    ran.send(()).unwrap();
                    Ok::<_, Error>(())
                })
            })
        };
        running.recv().unwrap();
        let reader = &store;
        let second = scope.spawn(move || {
            reader.write(|t| {
                ran.send(()).unwrap();
                t.put(Space::Prefs, b"second", b"")?;
                t.contains(Space::Prefs, b"first")
            })
        });
        running.recv().unwrap();
        release.send(()).unwrap();
        first.join().unwrap().unwrap_err();
        assert!(
            !second.join().unwrap().unwrap(),
            "it answers what holds, not what it first saw"
        );
        running.recv().unwrap();
    });
    assert_eq!(value(&store, b"first"), None);
    assert_eq!(value(&store, b"second").unwrap(), b"");
}

#[test]
fn one_oversized_write_does_not_fail_its_group() {
    let (store, engine) = faulty();
    let (release, gate) = mpsc::channel();
    engine.plan(Fault::Held(gate));
    let too_large = Error::TooLarge {
        what: "value",
        length: 9,
        limit: 8,
    };
    engine.plan(Fault::Fails(too_large));
    thread::scope(|scope| {
        let (ran, running) = mpsc::channel();
        for writer in 0..8u8 {
            let (ran, store) = (ran.clone(), &store);
            scope.spawn(move || {
                let written: Result<()> = store.write(|t| {
                    t.put(Space::Prefs, &[writer], b"")?;
                    // Only the first run of each is waited for.
                    let _ = ran.send(());
                    Ok(())
                });
                written.unwrap();
            });
        }
        running.iter().take(8).for_each(drop);
        release.send(()).unwrap();
    });
    assert!((0..8).all(|writer| value(&store, &[writer]).is_some()));
    // The first alone, seven together in vain, then one by one; and the new store's format.
    assert_eq!(store.activity().flushes, 1 + 1 + 7);
    assert_eq!(store.activity().failures, 1);
}

#[test]
fn a_conflict_runs_the_write_again() {
    let (store, engine) = faulty();
    engine.plan(Fault::Fails(Error::Conflict(1)));
    engine.plan(Fault::Fails(Error::Conflict(1)));
    let runs = AtomicUsize::new(0);
    let written = store.write(|t| {
        runs.fetch_add(1, Ordering::SeqCst);
        t.put(Space::Prefs, b"key", b"")
    });
    written.unwrap();
    assert_eq!(runs.into_inner(), 3);
}

#[test]
fn a_conflict_without_end_is_told() {
    let (store, engine) = faulty();
    for _ in 0..99 {
        engine.plan(Fault::Fails(Error::Conflict(1)));
    }
    let message = put(&store, b"key", b"").unwrap_err().to_string();
    assert_eq!(message, "another writer was faster, 16 times: try again");
    engine.plan.lock().unwrap().clear();
    put(&store, b"key", b"").unwrap();
}

#[test]
fn a_read_that_meets_a_conflict_runs_the_write_again() {
    let (store, engine) = faulty();
    engine.plan(Fault::None);
    let runs = AtomicUsize::new(0);
    let read = store.write(|t| {
        runs.fetch_add(1, Ordering::SeqCst);
        // A careless caller, who hides the store's error.
        t.get(Space::Prefs, b"conflicting read")
            .map_err(|_| Error::Full)
    });
    assert_eq!(read.unwrap(), None);
    assert_eq!(runs.into_inner(), 2);
}

/// Other processes commit between our reads and our commit; nobody's update may be lost.
#[test]
fn a_shared_store_loses_no_update() {
    for rivals in [3, 7] {
        let mut engine = Faulty::new(Memory::new());
        engine.exclusive = false;
        let store = Store::on(Arc::new(engine.clone()), clock(), Bounds::default()).unwrap();
        engine.rivals.store(rivals, Ordering::SeqCst);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        increment(&store, b"count").unwrap();
                    }
                });
            }
        });
        let rival_commits = engine.rival_commits.load(Ordering::SeqCst);
        assert!(rival_commits > 0);
        assert_eq!(
            number(value(&store, b"count").unwrap()),
            80 + rival_commits as u64
        );
    }
}
