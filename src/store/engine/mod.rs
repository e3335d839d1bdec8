//! What the store needs of a database: ordered bytes, a fixed view of them, an atomic durable change.
//!
//! An engine knows no calendars. Everything above, the indexes included, is written once for all engines.
//! Synchronous: an engine that needs a runtime owns one and says so by [`Engine::reads_inline`].

mod memory;
mod redb;

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::path::Path;

pub use self::memory::Memory;
pub use self::redb::{Redb, RedbOptions};
use super::error::Result;
use super::space::Space;

/// What is called for each row of a scan; [`ControlFlow::Break`] ends it.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// A database of ordered byte strings, one map per [`Space`].
pub trait Engine: Send + Sync {
    /// A fixed view of everything committed so far. Costs no more than a look-up.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>>;

    /// Begins a change: a view to read from, and then one commit.
    fn begin(&self) -> Result<Box<dyn Attempt>>;

    /// Whether a point read may run on an async worker: it takes microseconds and never waits for a network.
    fn reads_inline(&self) -> bool;

    /// Whether this process alone writes, so that nothing changes but by its own commits. If so, a write may be
    /// prepared on top of one whose flush is still under way.
    fn exclusive(&self) -> bool;

    /// A consistent copy of the whole store as a new embedded store at `target`, which must not exist yet,
    /// while reads and writes go on. On failure no file is left.
    fn copy_to(&self, target: &Path) -> Result<()>;

    /// Sizes, for `/metrics` and `wcapd check`.
    fn statistics(&self) -> Result<Statistics>;
}

/// A fixed view: what is committed later is not seen.
pub trait Snapshot: Send {
    /// Calls `visit` with the value of `key`, if there is one, and says whether there was.
    fn get(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// As [`get`](Snapshot::get) for many keys, with the position of each key found; one trip over a network.
    fn get_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<()> {
        for (index, key) in keys.iter().enumerate() {
            self.get(space, key, &mut |value| visit(index, value))?;
        }
        Ok(())
    }

    /// Visits the rows of `range` in `order` until it ends or `visit` breaks off.
    fn scan(&self, space: Space, range: &KeyRange, order: Order, visit: Visit<'_>) -> Result<()>;
}

/// A change under way: reads see the state it began with; dropped, it never was.
pub trait Attempt: Snapshot {
    /// Applies `batch` at once and durably: when this returns, it is on disk, whole.
    ///
    /// Errors: [`Conflict`](super::Error::Conflict) when another commit changed what this attempt may have read;
    /// nothing is applied then. After other errors it is unknown whether the batch is on disk; it is never there in part.
    fn commit(self: Box<Self>, batch: &Batch) -> Result<()>;
}

/// Ascending or descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the lowest key up.
    Ascending,
    /// From the highest key down.
    Descending,
}

/// A half-open range of keys, `[from, to)`; without `to`, all keys from `from` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The lowest key inside.
    pub from: Vec<u8>,
    /// The lowest key after the range.
    pub to: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    pub fn all() -> Self {
        Self {
            from: Vec::new(),
            to: None,
        }
    }

    /// Every key that starts with `prefix`.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let from = prefix.into();
        let to = after_prefix(&from);
        Self { from, to }
    }

    /// From `from` up to, without, `to`; nothing when they are the wrong way round.
    pub fn between(from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) -> Self {
        Self {
            from: from.into(),
            to: Some(to.into()),
        }
    }

    /// This range without `key` and everything below it: the next page after `key`.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        if key >= self.from.as_slice() {
            self.from.clear();
            self.from.extend_from_slice(key);
            self.from.push(0);
        }
        self
    }

    /// This range without `key` and everything above it: the next page below `key` when going down.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        if self.to.as_deref().is_none_or(|to| key < to) {
            self.to = Some(key.to_vec());
        }
        self
    }

    /// Whether no key can be inside.
    pub fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }

    /// Whether `key` is inside.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.from.as_slice() <= key && self.to.as_deref().is_none_or(|to| key < to)
    }

    /// The two ends as the standard library's maps take them; only for ranges that are not empty.
    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let to = self.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Included(&self.from), to)
    }
}

/// The lowest key above all that start with `prefix`; none when there is no such key.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

/// Changes by key: a new value, or none to delete the row.
pub type Changes = BTreeMap<Box<[u8]>, Option<Box<[u8]>>>;

/// What a commit applies: the changes of every space, each key once, in key order.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    spaces: Vec<Changes>,
    bytes: usize,
    rows: usize,
}

impl Batch {
    /// The changes of `space`, if there are any.
    pub fn changes(&self, space: Space) -> Option<&Changes> {
        self.spaces
            .get(space as usize)
            .filter(|changes| !changes.is_empty())
    }

    /// Every space with changes.
    pub fn spaces(&self) -> impl Iterator<Item = (Space, &Changes)> {
        Space::ALL
            .into_iter()
            .filter_map(|space| Some((space, self.changes(space)?)))
    }

    /// Sets or, without a value, deletes a row; the last word on a key counts.
    pub fn set(&mut self, space: Space, key: &[u8], value: Option<&[u8]>) {
        self.insert(space, key.into(), value.map(Into::into));
    }

    /// Applies `later` on top.
    pub fn append(&mut self, later: Self) {
        if self.rows == 0 {
            *self = later;
            return;
        }
        for (space, changes) in Space::ALL.into_iter().zip(later.spaces) {
            for (key, value) in changes {
                self.insert(space, key, value);
            }
        }
    }

    fn insert(&mut self, space: Space, key: Box<[u8]>, value: Option<Box<[u8]>>) {
        if self.spaces.is_empty() {
            self.spaces.resize_with(Space::COUNT, Changes::new);
        }
        let Some(changes) = self.spaces.get_mut(space as usize) else {
            return;
        };
        let key_length = key.len();
        self.bytes += value.as_ref().map_or(0, |value| value.len());
        match changes.insert(key, value) {
            Some(old) => self.bytes -= old.map_or(0, |old| old.len()),
            None => {
                self.bytes += key_length;
                self.rows += 1;
            }
        }
    }

    /// Length of all keys and values, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of rows set or deleted.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

/// Sizes of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes on disk; 0 for a store without a file.
    pub file_bytes: u64,
    /// Bytes of keys and values.
    pub stored_bytes: u64,
    /// Number of rows.
    pub rows: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_the_next_begins() {
        assert_eq!(KeyRange::prefix([1, 2]).to, Some(vec![1, 3]));
        assert_eq!(KeyRange::prefix([1, 255]).to, Some(vec![2]));
        assert_eq!(KeyRange::prefix([255, 255]).to, None);
        assert_eq!(KeyRange::prefix([]), KeyRange::all());
    }

    #[test]
    fn a_batch_counts_what_it_holds() {
        let mut batch = Batch::default();
        batch.set(Space::Meta, b"key", Some(b"value"));
        batch.set(Space::Meta, b"key", Some(b"v"));
        batch.set(Space::Mail, b"key", None);
        assert_eq!((batch.rows(), batch.bytes()), (2, 7));
        let mut first = Batch::default();
        first.set(Space::Mail, b"key", Some(b"value"));
        first.append(batch);
        assert_eq!((first.rows(), first.bytes()), (2, 7));
        assert_eq!(first.spaces().count(), 2);
    }

    #[test]
    fn pages_continue_where_the_last_one_ended() {
        let range = KeyRange::prefix(*b"a");
        let next = range.clone().after(b"ab");
        assert!(!next.contains(b"ab") && next.contains(b"ab\0") && next.contains(b"ac"));
        let next = range.before(b"ab");
        assert!(!next.contains(b"ab") && next.contains(b"aa"));
        assert!(KeyRange::between(*b"b", *b"a").is_empty());
    }
}
