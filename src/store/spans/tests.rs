//! The index against a list that is simply searched.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::clock::ManualClock;
use crate::store::Store;

fn store() -> Store {
    Store::in_memory(Arc::new(ManualClock::new(Timestamp(0)))).unwrap()
}

fn spans() -> Spans {
    Spans::of(Space::ByTime, Key::new().u64(7))
}

fn span(start: i64, end: i64) -> TimeRange {
    TimeRange::new(Timestamp(start), Timestamp(end)).unwrap()
}

fn found(store: &Store, window: TimeRange) -> BTreeSet<(i64, i64, Vec<u8>)> {
    let mut found = BTreeSet::new();
    store
        .read(|t| {
            spans().overlapping(t, window, |hit| {
                assert_eq!(hit.value, hit.id);
                let new = (hit.span.start().0, hit.span.end().0, hit.id.to_vec());
                assert!(found.insert(new), "found twice");
                Ok(ControlFlow::Continue(()))
            })
        })
        .unwrap();
    found
}

/// Ends of every kind: near one another, far away, and the last ones there are.
fn instant() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => -40..40i64,
        2 => -100_000..100_000i64,
        1 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX]),
    ]
}

fn any_span() -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        (instant(), instant()).prop_map(|(a, b)| span(a.min(b), a.max(b))),
        instant().prop_map(|at| span(at, at)),
        instant().prop_map(|at| span(at, i64::MAX)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_finds_what_a_search_through_all_finds(
        inserted in prop::collection::vec((any_span(), 0..3u8), 0..40),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        windows in prop::collection::vec(any_span(), 1..8),
    ) {
        let store = store();
        let mut naive = BTreeSet::new();
        for (span, id) in &inserted {
            store.write(|t| spans().insert(t, *span, &[*id], &[*id])).unwrap();
            naive.insert((span.start().0, span.end().0, vec![*id]));
        }
        for index in removed {
            if inserted.is_empty() {
                break;
            }
            let (span, id) = index.get(&inserted);
            store.write(|t| spans().remove(t, *span, &[*id])).unwrap();
            naive.remove(&(span.start().0, span.end().0, vec![*id]));
        }
        for window in windows {
            let expected = naive.iter().filter(|(a, b, _)| span(*a, *b).overlaps(window));
            prop_assert_eq!(found(&store, window), expected.cloned().collect());
        }
        prop_assert!(store.read(|t| spans().sound(t)).unwrap());
    }
}

#[test]
fn what_began_long_ago_is_found_without_a_walk() {
    let store = store();
    store
        .write(|t| -> Result<()> {
            for hour in 0..2_000 {
                let id = format!("{hour:08}").into_bytes();
                spans().insert(t, span(hour * 3600, hour * 3600 + 1800), &id, &id)?;
            }
            spans().insert(t, span(0, i64::MAX), b"for ever", b"for ever")?;
            spans().insert(t, span(0, 2_000 * 3600), b"long", b"long")
        })
        .unwrap();
    let window = span(1_999 * 3600, 1_999 * 3600 + 60);
    assert_eq!(found(&store, window).len(), 3);
    let rows_looked_at: usize = store
        .read(|t| -> Result<usize> {
            let mut rows = 0;
            for level in 0..=OPEN {
                t.scan(Space::ByTime, &spans().candidates(level, window), |_, _| {
                    rows += 1;
                    Ok(ControlFlow::Continue(()))
                })?;
            }
            Ok(rows)
        })
        .unwrap();
    assert_eq!(rows_looked_at, 3);
}

#[test]
fn levels_are_by_length() {
    let of = |length: i64| level(span(100, 100 + length));
    assert_eq!(
        [of(0), of(1), of(2), of(3), of(4), of(5)],
        [0, 0, 1, 2, 2, 3]
    );
    assert_eq!(
        [of(1 << 61), of((1 << 61) + 1), of((1 << 62) + 1)],
        [61, 62, OPEN]
    );
    assert_eq!(level(span(i64::MAX - 1, i64::MAX)), OPEN);
    assert_eq!(level(TimeRange::ALL), OPEN);
}

#[test]
fn an_emptied_index_leaves_nothing_and_a_broken_one_is_mended() {
    let store = store();
    let one = span(5, 10);
    store.write(|t| spans().insert(t, one, b"a", b"a")).unwrap();
    store.write(|t| spans().remove(t, one, b"a")).unwrap();
    let rows = store.read(|t| t.range(Space::ByTime, &KeyRange::all(), Order::Ascending, 9));
    assert_eq!(rows.unwrap(), []);

    store
        .write(|t| -> Result<()> {
            spans().insert(t, one, b"a", b"a")?;
            t.delete(Space::ByTime, &spans().level_key(LEVELS));
            Ok(())
        })
        .unwrap();
    assert!(!store.read(|t| spans().sound(t)).unwrap());
    store.write(|t| spans().repair(t)).unwrap();
    assert!(store.read(|t| spans().sound(t)).unwrap());
    assert!(
        store
            .read(|t| spans().any_overlapping(t, span(7, 7)))
            .unwrap()
    );
    let mut count = 0;
    let counted = store.read(|t| {
        spans().all(t, |_| {
            count += 1;
            Ok(ControlFlow::Continue(()))
        })
    });
    counted.unwrap();
    assert_eq!(count, 1);
    assert_eq!(store.write(|t| spans().clear(t)).unwrap(), 2);
}
