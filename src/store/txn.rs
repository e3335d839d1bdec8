//! Transactions as their users see them: reading a fixed view, and writing on top of one in private.
//!
//! What a write sets or deletes is seen by its own reads at once and by nobody else until it is on disk.

use std::cell::Cell;
use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::basis;
use super::codec::{self, Record};
use super::engine::{Batch, KeyRange, Order, Snapshot, Visit};
use super::error::{Error, Result};
use super::space::Space;
use crate::ical::datetime::Timestamp;

/// A row: key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Reading, the same in both kinds of transaction.
pub trait Reader {
    /// Calls `visit` with the value of `key`, uncopied, and says whether there is one.
    fn visit(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// Calls `visit` with the position and the value of each of `keys` that is there; one trip over a network.
    fn visit_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<()>;

    /// Visits the rows of `range` in `order`, uncopied, until the range ends or `visit` breaks off.
    fn visit_range(
        &self,
        space: Space,
        range: &KeyRange,
        order: Order,
        visit: Visit<'_>,
    ) -> Result<()>;

    /// The value of `key`.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut found = None;
        self.visit(space, key, &mut |value| found = Some(value.to_vec()))?;
        Ok(found)
    }

    /// Whether there is a row `key`.
    fn contains(&self, space: Space, key: &[u8]) -> Result<bool> {
        self.visit(space, key, &mut |_| ())
    }

    /// The values of `keys`, in their order.
    fn get_many(&self, space: Space, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut found = vec![None; keys.len()];
        self.visit_many(space, keys, &mut |index, value| {
            if let Some(place) = found.get_mut(index) {
                *place = Some(value.to_vec());
            }
        })?;
        Ok(found)
    }

    /// The record of `key`, decoded from the stored bytes in place.
    ///
    /// Errors: [`Error::Corrupt`] when the bytes are no such record.
    fn load<R: Record>(&self, space: Space, key: &[u8]) -> Result<Option<R>> {
        let mut record = None;
        self.visit(space, key, &mut |value| record = Some(codec::decode(value)))?;
        record
            .transpose()
            .map_err(|cause| Error::corrupt(space, key, cause))
    }

    /// The records of `keys`, in their order.
    ///
    /// Errors: as [`load`](Reader::load).
    fn load_many<R: Record>(&self, space: Space, keys: &[&[u8]]) -> Result<Vec<Option<R>>> {
        let mut records: Vec<Option<R>> = Vec::new();
        records.resize_with(keys.len(), || None);
        let mut failed = None;
        self.visit_many(
            space,
            keys,
            &mut |index, value| match codec::decode(value) {
                Ok(record) => {
                    if let Some(place) = records.get_mut(index) {
                        *place = Some(record);
                    }
                }
                Err(cause) => failed = Some((index, cause)),
            },
        )?;
        match failed {
            Some((index, cause)) => Err(Error::corrupt(
                space,
                keys.get(index).copied().unwrap_or_default(),
                cause,
            )),
            None => Ok(records),
        }
    }

    /// Visits the rows of `range` upwards, uncopied; `visit` may break off or fail.
    fn scan<F>(&self, space: Space, range: &KeyRange, visit: F) -> Result<()>
    where
        F: FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>,
    {
        self.scan_ordered(space, range, Order::Ascending, visit)
    }

    /// As [`scan`](Reader::scan), in either direction.
    fn scan_ordered<F>(
        &self,
        space: Space,
        range: &KeyRange,
        order: Order,
        mut visit: F,
    ) -> Result<()>
    where
        F: FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>,
    {
        let mut outcome = Ok(());
        self.visit_range(
            space,
            range,
            order,
            &mut |key, value| match visit(key, value) {
                Ok(flow) => flow,
                Err(cause) => {
                    outcome = Err(cause);
                    ControlFlow::Break(())
                }
            },
        )?;
        outcome
    }

    /// The first `limit` rows of `range` in `order`, copied.
    fn range(
        &self,
        space: Space,
        range: &KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        if limit == 0 {
            return Ok(rows);
        }
        self.visit_range(space, range, order, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            if rows.len() < limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        Ok(rows)
    }

    /// The first row of `range` in `order`.
    fn first(&self, space: Space, range: &KeyRange, order: Order) -> Result<Option<Row>> {
        Ok(self.range(space, range, order, 1)?.pop())
    }
}

/// A fixed view of what is on disk.
pub struct ReadTxn {
    view: Box<dyn Snapshot>,
}

impl ReadTxn {
    pub(super) fn new(view: Box<dyn Snapshot>) -> Self {
        Self { view }
    }
}

impl Reader for ReadTxn {
    fn visit(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        basis::note_key(space, key);
        self.view.get(space, key, visit)
    }

    fn visit_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<()> {
        keys.iter().for_each(|key| basis::note_key(space, key));
        self.view.get_many(space, keys, visit)
    }

    fn visit_range(
        &self,
        space: Space,
        range: &KeyRange,
        order: Order,
        visit: Visit<'_>,
    ) -> Result<()> {
        basis::note_range(space, range);
        self.view.scan(space, range, order, visit)
    }
}

/// What happens once a write is on disk.
pub(super) type Effect = Box<dyn FnOnce() + Send>;

/// A write under way: the state before it, and its own changes on top, which nobody else sees yet.
pub struct WriteTxn<'a> {
    base: &'a dyn Snapshot,
    /// Writes that were made before this one and are not on disk yet, the newest first.
    pending: [&'a Batch; 2],
    own: Batch,
    effects: Vec<Effect>,
    now: Timestamp,
    limit: usize,
    conflicted: Cell<bool>,
}

impl<'a> WriteTxn<'a> {
    pub(super) fn new(
        base: &'a dyn Snapshot,
        pending: [&'a Batch; 2],
        now: Timestamp,
        limit: usize,
    ) -> Self {
        let (own, effects, conflicted) = (Batch::default(), Vec::new(), Cell::new(false));
        Self {
            base,
            pending,
            own,
            effects,
            now,
            limit,
            conflicted,
        }
    }

    /// What was changed, what is to happen afterwards, and whether a read met another writer's commit.
    pub(super) fn finish(self) -> (Batch, Vec<Effect>, bool) {
        (self.own, self.effects, self.conflicted.get())
    }

    /// The stamp of this write: never earlier than that of a write before it in this process, even if the
    /// machine's clock steps back. Nouns that promise more (no earlier than any stamp of a calendar, whoever
    /// wrote it) take the later of this and the one they keep.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the value of a row.
    ///
    /// Errors: [`Error::TooLarge`] when the whole write outgrows its bound.
    pub fn put(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<()> {
        let length = self.own.bytes() + key.len() + value.len();
        if length > self.limit {
            return Err(Error::TooLarge {
                what: "transaction",
                length,
                limit: self.limit,
            });
        }
        self.own.set(space, key, Some(value));
        Ok(())
    }

    /// Sets the value of a row to a record.
    ///
    /// Errors: as [`put`](WriteTxn::put).
    pub fn save<R: Record>(&mut self, space: Space, key: &[u8], record: &R) -> Result<()> {
        let value = codec::encode(record);
        self.put(
            space,
            key,
            &value.map_err(|cause| Error::storage("writing a record", cause))?,
        )
    }

    /// Deletes a row, if it is there.
    pub fn delete(&mut self, space: Space, key: &[u8]) {
        self.own.set(space, key, None);
    }

    /// Deletes every row of a range; says how many there were.
    pub fn delete_range(&mut self, space: Space, range: &KeyRange) -> Result<usize> {
        let mut keys = Vec::new();
        self.visit_range(space, range, Order::Ascending, &mut |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        })?;
        for key in &keys {
            self.own.set(space, key, None);
        }
        Ok(keys.len())
    }

    /// The next number of a kind, from 1 on; given once and, if this write is kept, never again.
    ///
    /// `kind` names the counter's row, for instance `next:calendar`.
    pub fn next_number(&mut self, kind: &str) -> Result<u64> {
        let key = kind.as_bytes();
        let next = match self.get(Space::Meta, key)? {
            None => 1,
            Some(bytes) => <[u8; 8]>::try_from(bytes.as_slice())
                .map(u64::from_be_bytes)
                .map_err(|_| Error::corrupt(Space::Meta, key, "no number of 8 bytes"))?,
        };
        let after = next.checked_add(1);
        let after = after.ok_or_else(|| Error::corrupt(Space::Meta, key, "the last number"))?;
        self.put(Space::Meta, key, &after.to_be_bytes())?;
        Ok(next)
    }

    /// The keys of a space that this write has set or deleted so far.
    pub(super) fn own_keys(&self, space: Space) -> impl Iterator<Item = &[u8]> {
        let changes = self.own.changes(space).into_iter();
        changes.flat_map(|changes| changes.keys().map(|key| &**key))
    }

    /// Has `effect` happen once, after this write is on disk and before its caller hears of it, in the order of
    /// the writes. Dropped if the write is refused or fails. Other writes wait meanwhile: it must be quick, and it
    /// must not write to the store.
    pub fn after_commit(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.effects.push(Box::new(effect));
    }

    /// The change of `key` that is not on disk yet, newest first.
    fn changed(&self, space: Space, key: &[u8]) -> Option<Option<&[u8]>> {
        let [newer, older] = self.pending;
        [&self.own, newer, older]
            .into_iter()
            .find_map(|batch| batch.changes(space)?.get(key).map(Option::as_deref))
    }

    fn noting_conflict<T>(&self, outcome: Result<T>) -> Result<T> {
        if matches!(outcome, Err(Error::Conflict(_))) {
            self.conflicted.set(true);
        }
        outcome
    }
}

impl Reader for WriteTxn<'_> {
    fn visit(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        match self.changed(space, key) {
            Some(Some(value)) => {
                visit(value);
                Ok(true)
            }
            Some(None) => Ok(false),
            None => self.noting_conflict(self.base.get(space, key, visit)),
        }
    }

    fn visit_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<()> {
        let mut places = Vec::new();
        let mut asked = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            match self.changed(space, key) {
                Some(Some(value)) => visit(index, value),
                Some(None) => (),
                None => {
                    places.push(index);
                    asked.push(*key);
                }
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        self.noting_conflict(self.base.get_many(space, &asked, &mut |index, value| {
            if let Some(&place) = places.get(index) {
                visit(place, value);
            }
        }))
    }

    fn visit_range(
        &self,
        space: Space,
        range: &KeyRange,
        order: Order,
        visit: Visit<'_>,
    ) -> Result<()> {
        let [newer, older] = self.pending;
        let layers = [&self.own, newer, older];
        let merge = Merge {
            base: self.base,
            space,
            range,
            order,
        };
        self.noting_conflict(merge.scan(&layers, visit))
    }
}

/// A scan of a view with changes on top.
struct Merge<'a> {
    base: &'a dyn Snapshot,
    space: Space,
    range: &'a KeyRange,
    order: Order,
}

impl Merge<'_> {
    /// Visits the rows as they are with `layers` applied, of which the first is the topmost.
    fn scan(&self, layers: &[&Batch], visit: Visit<'_>) -> Result<()> {
        let Some((top, below)) = layers.split_first() else {
            return self.base.scan(self.space, self.range, self.order, visit);
        };
        let Some(changes) = top.changes(self.space) else {
            return self.scan(below, visit);
        };
        if self.range.is_empty() {
            return Ok(());
        }
        let mut changes = changes.range::<[u8], _>(self.range.bounds());
        let mut next = || match self.order {
            Order::Ascending => changes.next(),
            Order::Descending => changes.next_back(),
        };
        let mut head = next();
        let mut flow = ControlFlow::Continue(());
        self.scan(below, &mut |key, value| {
            while let Some((changed, new)) = head {
                match self.compare(changed, key) {
                    Ordering::Greater => break,
                    Ordering::Less => {
                        head = next();
                        if let Some(new) = new {
                            flow = visit(changed, new);
                        }
                        if flow.is_break() {
                            return flow;
                        }
                    }
                    Ordering::Equal => {
                        head = next();
                        if let Some(new) = new {
                            flow = visit(changed, new);
                        }
                        return flow;
                    }
                }
            }
            flow = visit(key, value);
            flow
        })?;
        while let (Some((changed, new)), true) = (head, flow.is_continue()) {
            if let Some(new) = new {
                flow = visit(changed, new);
            }
            head = next();
        }
        Ok(())
    }

    /// Which comes first in the order of the scan.
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        match self.order {
            Order::Ascending => a.cmp(b),
            Order::Descending => b.cmp(a),
        }
    }
}

#[cfg(test)]
mod tests;
