//! Many writers at once: no update lost, failures alone, one flush for all who wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use wcapd::store::engine::Memory;
use wcapd::store::{Bounds, Error, Reader, Result, Space, Store};

use super::faults::{Fault, Faulty};
use super::{clock, increment, number, on_each_engine, put, value};

const WRITERS: usize = 64;

#[test]
fn no_update_of_64_writers_is_lost() {
    on_each_engine(|store| {
        let seen = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let new = increment(&store, b"count").unwrap();
                        seen.lock().unwrap().push(new);
                        // What was acknowledged is there for everybody.
                        assert!(number(value(&store, b"count").unwrap()) >= new);
                    }
                });
            }
        });
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(1..=WRITERS as u64 * 10));
        // One write more than ours: the format number of a new store.
        assert_eq!(store.activity().writes, WRITERS as u64 * 10 + 1);
    });
}

#[test]
fn refusals_and_panics_stay_with_their_caller() {
    on_each_engine(|store| {
        let wrong = AtomicUsize::new(0);
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (store, wrong) = (&store, &wrong);
                scope.spawn(move || {
                    let key = [writer as u8];
                    let written = catch_unwind(AssertUnwindSafe(|| {
                        store.write(|t| -> Result<()> {
                            t.put(Space::Prefs, &key, b"")?;
                            match writer % 4 {
                                1 => Err(Error::Full),
                                // Unwinds without the panic hook's noise.
                                2 => std::panic::resume_unwind(Box::new("a bug of this writer")),
                                _ => Ok(()),
                            }
                        })
                    }));
                    let as_expected = match writer % 4 {
                        1 => matches!(written, Ok(Err(Error::Full))),
                        2 => written.is_err(),
                        _ => matches!(written, Ok(Ok(()))),
                    };
                    wrong.fetch_add(usize::from(!as_expected), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(wrong.into_inner(), 0);
        for writer in 0..WRITERS {
            let kept = value(&store, &[writer as u8]).is_some();
            assert_eq!(kept, matches!(writer % 4, 0 | 3), "{writer}");
        }
    });
}

/// A store whose flushes wait for a word on the returned channel.
fn held() -> (Store, mpsc::Sender<()>) {
    let faulty = Faulty::new(Memory::new());
    let store = Store::on(Arc::new(faulty.clone()), clock(), Bounds::default()).unwrap();
    let (release, gate) = mpsc::channel();
    faulty.plan(Fault::Held(gate));
    (store, release)
}

#[test]
fn writes_that_come_during_a_flush_share_the_next() {
    let (store, release) = held();
    let before = store.activity();
    thread::scope(|scope| {
        let (ran, running) = mpsc::channel();
        for _ in 0..WRITERS {
            let (ran, store) = (ran.clone(), &store);
            scope.spawn(move || {
                let written: Result<()> = store.write(|t| {
                    let old = t.get(Space::Prefs, b"count")?.map_or(0, number);
                    t.put(Space::Prefs, b"count", &(old + 1).to_be_bytes())?;
                    ran.send(()).unwrap();
                    Ok(())
                });
                written.unwrap();
            });
        }
        // All have run, on top of one another, while the first one's flush is held.
        running.iter().take(WRITERS).for_each(drop);
        assert_eq!(
            value(&store, b"count"),
            None,
            "nothing is seen before it is on disk"
        );
        release.send(()).unwrap();
    });
    let after = store.activity();
    assert_eq!(after.writes - before.writes, WRITERS as u64);
    assert_eq!(after.flushes - before.flushes, 2);
    assert_eq!(number(value(&store, b"count").unwrap()), WRITERS as u64);
}

#[test]
fn a_read_after_pending_writes_sees_them() {
    let (store, release) = held();
    thread::scope(|scope| {
        let (ran, running) = mpsc::channel();
        for key in [b"one", b"two"] {
            let (ran, store) = (ran.clone(), &store);
            scope.spawn(move || {
                let written: Result<()> = store.write(|t| {
                    t.put(Space::Prefs, key, b"")?;
                    ran.send(()).unwrap();
                    Ok(())
                });
                written.unwrap();
            });
        }
        running.iter().take(2).for_each(drop);
        let reader = scope.spawn(|| {
            let (one, two): (&[u8], &[u8]) = (b"one", b"two");
            store.read_after_pending(|t| t.get_many(Space::Prefs, &[one, two]))
        });
        assert_eq!(value(&store, b"one"), None);
        release.send(()).unwrap();
        assert_eq!(
            reader.join().unwrap().unwrap(),
            [Some(vec![]), Some(vec![])]
        );
    });
}

#[test]
fn effects_happen_once_in_order_and_only_after_the_flush() {
    on_each_engine(|store| {
        let order = Arc::new(Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    let written: Result<u64> = store.write(|t| {
                        let new = t.next_number("effects")?;
                        let (order, store) = (Arc::clone(&order), store.clone());
                        t.after_commit(move || {
                            let on_disk = store.read(|t| t.get(Space::Meta, b"effects")).unwrap();
                            assert!(number(on_disk.unwrap()) > new);
                            order.lock().unwrap().push(new);
                        });
                        if new % 8 == 0 {
                            Err(Error::Full)
                        } else {
                            Ok(new)
                        }
                    });
                    if let Ok(new) = written {
                        assert!(
                            order.lock().unwrap().contains(&new),
                            "before its caller hears"
                        );
                    }
                });
            }
        });
        let order = order.lock().unwrap();
        // Each eighth number is refused again and again, so at most seven are ever given.
        assert_eq!(*order, [1, 2, 3, 4, 5, 6, 7]);
    });
}

#[test]
fn an_effect_that_panics_or_writes_harms_nobody() {
    on_each_engine(|store| {
        let inner = store.clone();
        let (heard, hears) = mpsc::channel();
        let written: Result<()> = store.write(|t| {
            t.put(Space::Prefs, b"key", b"")?;
            t.after_commit(|| std::panic::resume_unwind(Box::new("a bug of the effect")));
            let (inner, heard) = (inner.clone(), heard.clone());
            t.after_commit(move || heard.send(put(&inner, b"inner", b"")).unwrap());
            Ok(())
        });
        written.unwrap();
        assert!(matches!(hears.recv().unwrap(), Err(Error::Nested)));
        put(&store, b"next", b"").unwrap();
    });
}

#[test]
fn writes_wait_when_too_many_wait_already() {
    let engine = Faulty::new(Memory::new());
    let bounds = Bounds {
        group_writes: 1,
        ..Bounds::default()
    };
    let store = Store::on(Arc::new(engine), clock(), bounds).unwrap();
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| increment(&store, b"count").unwrap());
        }
    });
    assert_eq!(number(value(&store, b"count").unwrap()), WRITERS as u64);
    let activity = store.activity();
    assert_eq!(
        activity.writes, activity.flushes,
        "no flush carries more than the bound"
    );
    let bounds = Bounds {
        transaction_bytes: 9,
        ..Bounds::default()
    };
    let store = Store::on(Arc::new(Memory::new()), clock(), bounds);
    let message = store
        .and_then(|store| put(&store, b"12345", b"12345"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "expected a transaction of at most 9 bytes, found 10"
    );
}
