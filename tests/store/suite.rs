//! What every engine must do.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use wcapd::store::{Error, KeyRange, Order, Reader, Record, Result, Space, Store, WriteTxn};

use super::{NOW, on_each_engine, put, value};

#[test]
fn rows_are_set_replaced_and_deleted() {
    on_each_engine(|store| {
        assert_eq!(value(&store, b"key"), None);
        put(&store, b"key", b"one").unwrap();
        put(&store, b"key", b"two").unwrap();
        put(&store, b"", b"").unwrap();
        assert_eq!(value(&store, b"key").unwrap(), b"two");
        assert_eq!(value(&store, b"").unwrap(), b"");
        let deleted: Result<()> = store.write(|t| {
            t.delete(Space::Prefs, b"key");
            t.delete(Space::Prefs, b"was never there");
            Ok(())
        });
        deleted.unwrap();
        assert_eq!(value(&store, b"key"), None);
        // The same key in another space is another row.
        assert!(!store.read(|t| t.contains(Space::Mail, b"")).unwrap());
    });
}

#[test]
fn a_view_stays_as_it_was() {
    on_each_engine(|store| {
        put(&store, b"key", b"before").unwrap();
        let seen: Result<_> = store.read(|t| {
            put(&store, b"key", b"after")?;
            put(&store, b"new", b"after")?;
            Ok((t.get(Space::Prefs, b"key")?, t.get(Space::Prefs, b"new")?))
        });
        assert_eq!(seen.unwrap(), (Some(b"before".to_vec()), None));
        assert_eq!(value(&store, b"key").unwrap(), b"after");
    });
}

#[test]
fn many_rows_are_read_at_once_in_the_order_asked() {
    on_each_engine(|store| {
        put(&store, b"a", b"1").unwrap();
        put(&store, b"c", b"3").unwrap();
        let keys: [&[u8]; 4] = [b"c", b"b", b"a", b"c"];
        let expected = [
            Some(b"3".to_vec()),
            None,
            Some(b"1".to_vec()),
            Some(b"3".to_vec()),
        ];
        assert_eq!(
            store.read(|t| t.get_many(Space::Prefs, &keys)).unwrap(),
            expected
        );
        let changed: Result<_> = store.write(|t| {
            t.put(Space::Prefs, b"b", b"2")?;
            t.delete(Space::Prefs, b"c");
            t.get_many(Space::Prefs, &keys)
        });
        let expected = [None, Some(b"2".to_vec()), Some(b"1".to_vec()), None];
        assert_eq!(changed.unwrap(), expected);
    });
}

#[test]
fn ranges_come_in_pages_in_both_directions() {
    on_each_engine(|store| {
        let filled: Result<()> = store
            .write(|t| (0..100u8).try_for_each(|n| t.put(Space::Prefs, &[n / 10, n % 10], &[n])));
        filled.unwrap();
        for order in [Order::Ascending, Order::Descending] {
            let mut range = KeyRange::between([2], [4, 5]);
            let mut pages = Vec::new();
            loop {
                let page = store
                    .read(|t| t.range(Space::Prefs, &range, order, 7))
                    .unwrap();
                let Some((last, _)) = page.last() else { break };
                range = match order {
                    Order::Ascending => range.after(last),
                    Order::Descending => range.before(last),
                };
                pages.extend(page.into_iter().flat_map(|(_, value)| value));
            }
            let mut expected: Vec<u8> = (20..45).collect();
            if order == Order::Descending {
                expected.reverse();
            }
            assert_eq!(pages, expected);
        }
        let nothing = KeyRange::between([5], [4]);
        let rows = store.read(|t| t.range(Space::Prefs, &nothing, Order::Ascending, 9));
        assert_eq!(rows.unwrap(), []);
        let last = store.read(|t| t.first(Space::Prefs, &KeyRange::all(), Order::Descending));
        assert_eq!(last.unwrap().unwrap().1, [99]);
    });
}

#[test]
fn a_scan_ends_when_told_and_hands_on_errors() {
    on_each_engine(|store| {
        let filled: Result<()> =
            store.write(|t| (0..9u8).try_for_each(|n| t.put(Space::Prefs, &[n], b"")));
        filled.unwrap();
        let mut seen = 0;
        let mut count = |stop_at, outcome: Result<ControlFlow<()>>| {
            seen = 0;
            store.read(|t| {
                t.scan(Space::Prefs, &KeyRange::all(), |_, _| {
                    seen += 1;
                    if seen == stop_at {
                        outcome.clone()
                    } else {
                        Ok(ControlFlow::Continue(()))
                    }
                })
            })?;
            Ok::<_, Error>(seen)
        };
        assert_eq!(count(4, Ok(ControlFlow::Break(()))).unwrap(), 4);
        assert_eq!(count(99, Ok(ControlFlow::Break(()))).unwrap(), 9);
        assert!(matches!(count(3, Err(Error::Full)), Err(Error::Full)));
    });
}

#[test]
fn numbers_are_given_once() {
    on_each_engine(|store| {
        let next = || store.write(|t: &mut WriteTxn<'_>| t.next_number("next:calendar"));
        assert_eq!(next().unwrap(), 1);
        assert_eq!(next().unwrap(), 2);
        let refused: Result<()> = store.write(|t| {
            assert_eq!(t.next_number("next:calendar")?, 3);
            assert_eq!(t.next_number("next:calendar")?, 4);
            Err(Error::Full)
        });
        refused.unwrap_err();
        assert_eq!(next().unwrap(), 3);
        assert_eq!(store.write(|t| t.next_number("next:principal")).unwrap(), 1);
    });
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Note {
    text: String,
}

impl Record for Note {
    const WHAT: &'static str = "a note";
    const VERSION: u8 = 1;
}

#[test]
fn records_are_saved_and_loaded_and_damage_is_named() {
    on_each_engine(|store| {
        let note = Note {
            text: "gr\u{fc}n".into(),
        };
        store
            .write(|t| t.save(Space::Prefs, b"note", &note))
            .unwrap();
        assert_eq!(
            store.read(|t| t.load(Space::Prefs, b"note")).unwrap(),
            Some(note.clone())
        );
        let keys: [&[u8]; 2] = [b"none", b"note"];
        let both = store
            .read(|t| t.load_many::<Note>(Space::Prefs, &keys))
            .unwrap();
        assert_eq!(both, [None, Some(note)]);
        put(&store, b"\x00note", b"\x01\xff").unwrap();
        let damaged: Result<Option<Note>> = store.read(|t| t.load(Space::Prefs, b"\x00note"));
        let message = damaged.unwrap_err().to_string();
        assert!(
            message.starts_with(r"expected a sound row \x00note in prefs"),
            "{message}"
        );
    });
}

#[test]
fn a_copy_is_what_was_seen() {
    on_each_engine(|store| {
        let filled: Result<()> = store.write(|t| {
            (0..2500u32).try_for_each(|n| t.put(Space::Objects, &n.to_be_bytes(), &[7; 100]))?;
            t.put(Space::Mail, b"tom@localhost", b"1")
        });
        filled.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("wcapd.redb");
        store.copy_to(&target).unwrap();
        put(&store, b"later", b"").unwrap();
        store.copy_to(&target).unwrap_err();
        let copy = Store::open(folder.path(), Default::default(), super::clock()).unwrap();
        let all = |store: &Store, space| {
            store
                .read(|t| t.range(space, &KeyRange::all(), Order::Ascending, 9999))
                .unwrap()
        };
        for space in Space::ALL
            .into_iter()
            .filter(|&space| space != Space::Prefs)
        {
            assert_eq!(all(&copy, space), all(&store, space), "{space}");
        }
        assert_eq!(all(&copy, Space::Prefs), []);
        assert_eq!(
            copy.statistics().unwrap().rows,
            store.statistics().unwrap().rows - 1
        );
    });
}

#[test]
fn a_write_too_large_is_refused_with_its_size() {
    on_each_engine(|store| {
        let key = vec![b'k'; (64 << 10) + 1];
        let refused = put(&store, &key, b"");
        // The engine in memory has no bound; the one on disk names its own.
        match refused {
            Ok(()) => assert_eq!(value(&store, &key).unwrap(), b""),
            Err(cause) => {
                let message = cause.to_string();
                assert_eq!(
                    message,
                    "expected a key of at most 65536 bytes, found 65537"
                );
                assert_eq!(value(&store, &key), None);
            }
        }
        put(&store, b"next", b"1").unwrap();
    });
}

#[test]
fn a_write_inside_a_write_is_refused_not_waited_for() {
    on_each_engine(|store| {
        let inner = store.clone();
        let nested = store.write(|t| {
            t.put(Space::Prefs, b"outer", b"")?;
            put(&inner, b"inner", b"")
        });
        assert!(matches!(nested, Err(Error::Nested)));
        assert_eq!(value(&store, b"outer"), None);
        put(&store, b"next", b"").unwrap();
    });
}

#[test]
fn the_stamp_never_goes_back() {
    let clock = super::clock();
    let store = Store::in_memory(clock.clone()).unwrap();
    let now = || store.write(|t| Ok::<_, Error>(t.now())).unwrap();
    assert_eq!(now(), NOW);
    clock.advance(5);
    assert_eq!(now(), NOW.plus(5));
    clock.set(NOW.plus(-95));
    assert_eq!(now(), NOW.plus(5));
    clock.advance(3);
    assert_eq!(now(), NOW.plus(8));
}

/// One step of a random transaction.
#[derive(Debug, Clone)]
enum Op {
    Put(Vec<u8>, u8),
    Delete(Vec<u8>),
    DeleteRange(Vec<u8>, Vec<u8>),
    Get(Vec<u8>),
    Range(Vec<u8>, Option<Vec<u8>>, bool, usize),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..3u8, 0..4)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (key(), any::<u8>()).prop_map(|(k, v)| Op::Put(k, v)),
        2 => key().prop_map(Op::Delete),
        1 => (key(), key()).prop_map(|(a, b)| Op::DeleteRange(a, b)),
        2 => key().prop_map(Op::Get),
        3 => (key(), prop::option::of(key()), any::<bool>(), 0..6usize)
            .prop_map(|(a, b, down, n)| Op::Range(a, b, down, n)),
    ]
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn model_range(
    model: &Model,
    range: &KeyRange,
    down: bool,
    limit: usize,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let inside = model.iter().filter(|(key, _)| range.contains(key));
    let mut rows: Vec<_> = inside
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if down {
        rows.reverse();
    }
    rows.truncate(limit);
    rows
}

/// Applies `op` to both and compares what they answer.
fn apply(t: &mut WriteTxn<'_>, model: &mut Model, op: &Op) -> Result<bool> {
    match op {
        Op::Put(key, value) => {
            t.put(Space::Links, key, &[*value])?;
            model.insert(key.clone(), vec![*value]);
            Ok(true)
        }
        Op::Delete(key) => {
            t.delete(Space::Links, key);
            model.remove(key);
            Ok(true)
        }
        Op::DeleteRange(from, to) => {
            let range = KeyRange::between(from.as_slice(), to.as_slice());
            let before = model.len();
            model.retain(|key, _| !range.contains(key));
            Ok(t.delete_range(Space::Links, &range)? == before - model.len())
        }
        Op::Get(key) => Ok(t.get(Space::Links, key)?.as_ref() == model.get(key)),
        Op::Range(from, to, down, limit) => {
            let range = KeyRange {
                from: from.clone(),
                to: to.clone(),
            };
            let order = if *down {
                Order::Descending
            } else {
                Order::Ascending
            };
            let rows = t.range(Space::Links, &range, order, *limit)?;
            Ok(rows == model_range(model, &range, *down, *limit))
        }
    }
}

#[test]
fn transactions_agree_with_a_plain_map() {
    on_each_engine(|store| {
        let mut runner = TestRunner::new(ProptestConfig::with_cases(60));
        let transactions =
            prop::collection::vec((prop::collection::vec(op(), 0..12), any::<bool>()), 0..6);
        let outcome = runner.run(&transactions, |transactions| {
            store
                .write(|t| t.delete_range(Space::Links, &KeyRange::all()))
                .unwrap();
            let mut model = Model::new();
            for (ops, kept) in transactions {
                let outcome = store.write(|t| {
                    let mut changed = model.clone();
                    for op in &ops {
                        if !apply(t, &mut changed, op)? {
                            return Ok(Err(op.clone()));
                        }
                    }
                    if kept {
                        Ok(Ok(changed))
                    } else {
                        Err(Error::Full)
                    }
                });
                match outcome {
                    Ok(Ok(changed)) => model = changed,
                    Ok(Err(op)) => return Err(TestCaseError::fail(format!("differs: {op:?}"))),
                    Err(Error::Full) => (),
                    Err(cause) => return Err(TestCaseError::fail(cause.to_string())),
                }
                let all =
                    store.read(|t| t.range(Space::Links, &KeyRange::all(), Order::Ascending, 999));
                prop_assert_eq!(
                    all.unwrap(),
                    model_range(&model, &KeyRange::all(), false, 999)
                );
            }
            Ok(())
        });
        outcome.unwrap();
    });
}
