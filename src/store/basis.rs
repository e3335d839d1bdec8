//! What a computation has read from the store, and whether any of it has been written since.
//!
//! The unit is a part: the rows of a key space whose keys have the same first eight octets, which in most spaces are
//! those of one calendar or one account. Every write marks the parts it touches before it is acknowledged, so
//! whoever has seen a write acknowledged never again finds that something older still holds. Keeps no data and
//! decides nothing about what is worth keeping.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::engine::{Batch, KeyRange};
use super::space::Space;

/// Parts whose last write is remembered one by one, at about 50 octets each; when there are more, all are
/// forgotten and count as written.
const PARTS: usize = 1 << 16;

/// Parts one computation may read; one that reads more is not worth looking after.
const READ: usize = 64;

/// Rows with the same first octets, zeros added to shorter keys; without them, the whole space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Part {
    space: Space,
    first: Option<u64>,
}

impl Part {
    fn of_key(space: Space, key: &[u8]) -> Self {
        let first = Some(first_octets(key));
        Self { space, first }
    }

    fn of_range(space: Space, range: &KeyRange) -> Self {
        let from = first_octets(&range.from);
        let within = range.to.as_deref().is_some_and(|to| {
            let end = first_octets(to);
            // Below `to` stands nothing that begins as it does, if it is that beginning.
            end == from || (to.len() <= 8 && from.checked_add(1) == Some(end))
        });
        let first = within.then_some(from);
        Self { space, first }
    }
}

fn first_octets(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}

/// What a computation rests on; see [`Store::with_basis`](super::Store::with_basis).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// Commits that were marked when it began: it may have seen later ones, but all of these.
    since: u64,
    parts: Vec<Part>,
    /// Whether it wrote, or read more than is looked after.
    lost: bool,
}

impl Basis {
    /// Octets it takes in memory.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.parts.capacity() * size_of::<Part>()
    }

    fn add(&mut self, part: Part) {
        // A computation mostly stays where it was.
        if self.lost || self.parts.iter().rev().any(|known| *known == part) {
            return;
        }
        match self.parts.len() < READ {
            true => self.parts.push(part),
            false => self.lost = true,
        }
    }
}

thread_local! {
    /// The computation under way on this thread.
    static UNDER_WAY: RefCell<Option<Basis>> = const { RefCell::new(None) };
}

fn note(change: impl FnOnce(&mut Basis)) {
    UNDER_WAY.with_borrow_mut(|under_way| {
        if let Some(basis) = under_way {
            change(basis);
        }
    });
}

/// Notes that the computation under way, if there is one, looked for `key`.
pub(super) fn note_key(space: Space, key: &[u8]) {
    note(|basis| basis.add(Part::of_key(space, key)));
}

/// Notes that it looked through `range`.
pub(super) fn note_range(space: Space, range: &KeyRange) {
    note(|basis| basis.add(Part::of_range(space, range)));
}

/// Notes that it writes.
pub(super) fn note_write() {
    note(|basis| basis.lost = true);
}

/// Ends the computation, also one that panics.
struct UnderWay {
    outer: Option<Basis>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.set(self.outer.take());
    }
}

/// When which part was last written.
pub(super) struct Changes {
    /// Whether nothing changes but through this process.
    exclusive: bool,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    /// Commits marked so far.
    count: u64,
    /// Computations that began before this many were marked no longer hold.
    floor: u64,
    parts: HashMap<Part, u64>,
}

impl Changes {
    pub(super) fn new(exclusive: bool) -> Self {
        Self {
            exclusive,
            state: RwLock::default(),
        }
    }

    /// Marks what `batch` touches as written. Called after its commit, whatever came of that, and before anybody
    /// hears of it.
    pub(super) fn mark(&self, batch: &Batch) {
        if !self.exclusive || batch.is_empty() {
            return;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        let count = state.count;
        for (space, changes) in batch.spaces() {
            state.parts.insert(Part { space, first: None }, count);
            let mut last = None;
            for key in changes.keys() {
                let part = Part::of_key(space, key);
                if last != Some(part) {
                    state.parts.insert(part, count);
                    last = Some(part);
                }
            }
        }
        if state.parts.len() > PARTS {
            state.parts = HashMap::new();
            state.floor = count;
        }
    }

    /// Runs `compute` and says what it rests on.
    pub(super) fn with_basis<T>(&self, compute: impl FnOnce() -> T) -> (T, Basis) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let begun = Basis {
            since: state.count,
            parts: Vec::new(),
            lost: false,
        };
        drop(state);
        let since = begun.since;
        let mut ended = UnderWay {
            outer: UNDER_WAY.replace(Some(begun)),
        };
        let result = compute();
        let basis = UNDER_WAY.take().unwrap_or(Basis {
            since,
            parts: Vec::new(),
            lost: true,
        });
        if let Some(outer) = &mut ended.outer {
            outer.lost = true;
        }
        drop(ended);
        (result, basis)
    }

    /// Whether nothing that `basis` names has been written since.
    pub(super) fn hold(&self, basis: &Basis) -> bool {
        if !self.exclusive || basis.lost {
            return false;
        }
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        basis.since >= state.floor
            && basis.parts.iter().all(|part| {
                let written = state.parts.get(part);
                written.is_none_or(|&count| count <= basis.since)
            })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Arc;

    use super::*;
    use crate::ical::datetime::Timestamp;
    use crate::model::clock::ManualClock;
    use crate::store::{Key, Reader, Result, Store};

    fn store() -> Store {
        Store::in_memory(Arc::new(ManualClock::new(Timestamp(0)))).unwrap()
    }

    fn key(number: u64, rest: &str) -> Key {
        Key::new().u64(number).text(rest)
    }

    fn put(store: &Store, space: Space, number: u64, rest: &str) {
        let written: Result<()> = store.write(|t| t.put(space, &key(number, rest), b""));
        written.unwrap();
    }

    fn read(store: &Store, number: u64) -> Basis {
        let read = || store.read(|t| t.contains(Space::Objects, &key(number, "a")));
        store.with_basis(|| read().unwrap()).1
    }

    fn scan(store: &Store, range: &KeyRange) -> Basis {
        let scan =
            || store.read(|t| t.scan(Space::Objects, range, |_, _| Ok(ControlFlow::Continue(()))));
        store.with_basis(|| scan().unwrap()).1
    }

    #[test]
    fn what_was_read_holds_until_its_part_is_written() {
        let store = store();
        let one = read(&store, 1);
        put(&store, Space::Objects, 2, "a");
        put(&store, Space::ByTime, 1, "a");
        assert!(store.holds(&one));
        // Another row of the part counts as well.
        put(&store, Space::Objects, 1, "b");
        assert!(!store.holds(&one));
        let again = read(&store, 1);
        assert!(store.holds(&again));
        let refused: Result<()> = store.write(|t| {
            t.put(Space::Objects, &key(1, "a"), b"")?;
            Err(crate::store::Error::Full)
        });
        refused.unwrap_err();
        assert!(store.holds(&again));
    }

    #[test]
    fn a_scan_rests_on_all_it_could_have_found() {
        let store = store();
        let of_one = Key::new().u64(1).range();
        let within = key(1, "a").range_to(key(1, "z"));
        let across = key(1, "a").range_to(key(2, "z"));
        for (range, others_matter) in [(of_one, false), (within, false), (across, true)] {
            let basis = scan(&store, &range);
            put(&store, Space::Objects, 3, "x");
            assert_eq!(store.holds(&basis), !others_matter, "{range:?}");
            let basis = scan(&store, &range);
            put(&store, Space::Objects, 1, "c");
            assert!(!store.holds(&basis), "{range:?}");
        }
        let everything = scan(&store, &KeyRange::all());
        put(&store, Space::Objects, u64::MAX, "x");
        assert!(!store.holds(&everything));
        // The last of all prefixes has no end.
        let last = scan(&store, &Key::new().u64(u64::MAX).range());
        put(&store, Space::Objects, u64::MAX, "y");
        assert!(!store.holds(&last));
    }

    #[test]
    fn who_writes_or_reads_too_much_is_not_kept() {
        let store = store();
        let ((), basis) = store.with_basis(|| put(&store, Space::Prefs, 1, "a"));
        assert!(!store.holds(&basis));
        let read_many =
            |count: u64| store.with_basis(|| (0..count).for_each(|n| _ = read_one(&store, n)));
        assert!(store.holds(&read_many(READ as u64).1));
        assert!(!store.holds(&read_many(READ as u64 + 1).1));
    }

    fn read_one(store: &Store, number: u64) -> bool {
        store
            .read(|t| t.contains(Space::Objects, &key(number, "a")))
            .unwrap()
    }

    #[test]
    fn when_too_much_is_written_nothing_older_holds() {
        let store = store();
        let basis = read(&store, u64::MAX);
        let written: Result<()> = store.write(|t| {
            (0..=PARTS as u64).try_for_each(|n| t.put(Space::Objects, &key(n, ""), b""))
        });
        written.unwrap();
        assert!(!store.holds(&basis));
        assert!(store.holds(&read(&store, u64::MAX)));
    }

    #[test]
    fn a_panic_ends_what_was_under_way() {
        let store = store();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            store.with_basis(|| std::panic::resume_unwind(Box::new("as the test wants it")))
        }));
        assert!(panicked.map(|((), _)| ()).is_err());
        UNDER_WAY.with_borrow(|under_way| assert!(under_way.is_none()));
    }

    #[test]
    fn where_others_write_too_nothing_is_known_to_hold() {
        let changes = Changes::new(false);
        let ((), basis) = changes.with_basis(|| note_key(Space::Objects, b"a"));
        assert!(!changes.hold(&basis));
    }
}
