//! Finding the spans of time that touch a window, at a cost that follows the number found.
//!
//! An index in order of start alone finds quickly what starts in a window, but to find what began before and still
//! lasts it must look back as far as the longest span. So spans are sorted into levels by length: level *n*
//! holds those longer than 2^(n-1) and up to 2^n seconds, in the order of their starts, and a query looks back 2^n
//! seconds in level *n*. Whatever it finds there lasts at least half as long as it looked back, so at an even
//! density of starts at most every second look back is in vain. The last level holds what never ends; all of
//! it that has begun is found.
//!
//! ```text
//! key    prefix, level (u8), start (i64), end (i64), id (bytes as they are)   value   the caller's
//! key    prefix, 255                                                          value   levels in use, a bit each (u64)
//! ```
//!
//! The second row saves looking into empty levels: a query costs one short scan for each level in use, of which a
//! calendar has about ten.

use std::ops::ControlFlow;

use super::engine::{KeyRange, Order};
use super::error::{Error, Result};
use super::keys::{Key, KeyError, KeyParts};
use super::space::Space;
use super::txn::{Reader, WriteTxn};
use crate::ical::datetime::{TimeRange, Timestamp};

/// The level of spans without an end.
const OPEN: u8 = 63;

/// Stands where a level would, for the row that says which levels are in use.
const LEVELS: u8 = 255;

/// The spans under one prefix of a key space.
#[derive(Debug, Clone)]
pub struct Spans {
    space: Space,
    prefix: Key,
}

/// A span that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'a> {
    /// When it is; [`Timestamp::MAX`] as its end when it never ends.
    pub span: TimeRange,
    /// What it is of.
    pub id: &'a [u8],
    /// What was stored with it.
    pub value: &'a [u8],
}

impl Spans {
    /// The spans in `space` whose keys start with `prefix`, which belong to them alone.
    pub fn of(space: Space, prefix: Key) -> Self {
        Self { space, prefix }
    }

    /// Stores a span; the same span of the same id is stored anew.
    pub fn insert(
        &self,
        t: &mut WriteTxn<'_>,
        span: TimeRange,
        id: &[u8],
        value: &[u8],
    ) -> Result<()> {
        let levels = self.levels(t)?;
        let with = levels | 1 << level(span);
        if with != levels {
            self.put_levels(t, with)?;
        }
        t.put(self.space, &self.key(span, id), value)
    }

    /// Removes a span, if it is there.
    pub fn remove(&self, t: &mut WriteTxn<'_>, span: TimeRange, id: &[u8]) -> Result<()> {
        t.delete(self.space, &self.key(span, id));
        if self.in_use(t, level(span))? {
            return Ok(());
        }
        let levels = self.levels(t)?;
        let without = levels & !(1 << level(span));
        if without != levels {
            self.put_levels(t, without)?;
        }
        Ok(())
    }

    /// Visits every span that shares an instant with `window`, in no order that means anything.
    ///
    /// A span or window without length counts as its one starting instant, as
    /// [`TimeRange::overlaps`] has it.
    pub fn overlapping<F>(&self, t: &impl Reader, window: TimeRange, mut visit: F) -> Result<()>
    where
        F: FnMut(Hit<'_>) -> Result<ControlFlow<()>>,
    {
        let levels = self.levels(t)?;
        let mut flow = ControlFlow::Continue(());
        for level in (0..=OPEN).filter(|&level| levels & 1 << level != 0) {
            t.scan(self.space, &self.candidates(level, window), |key, value| {
                let (span, id) = self.parts(key)?;
                if span.overlaps(window) {
                    flow = visit(Hit { span, id, value })?;
                }
                Ok(flow)
            })?;
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Whether any span shares an instant with `window`.
    pub fn any_overlapping(&self, t: &impl Reader, window: TimeRange) -> Result<bool> {
        let mut any = false;
        self.overlapping(t, window, |_| {
            any = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(any)
    }

    /// Visits every span, by level and start: for verification.
    pub fn all<F>(&self, t: &impl Reader, mut visit: F) -> Result<()>
    where
        F: FnMut(Hit<'_>) -> Result<ControlFlow<()>>,
    {
        t.scan(self.space, &self.prefix.range(), |key, value| {
            if key.get(self.prefix.len()) == Some(&LEVELS) {
                return Ok(ControlFlow::Continue(()));
            }
            let (span, id) = self.parts(key)?;
            visit(Hit { span, id, value })
        })
    }

    /// Whether the levels in use are those written down; part of `wcapd check`.
    pub fn sound(&self, t: &impl Reader) -> Result<bool> {
        Ok(self.levels(t)? == self.levels_found(t)?)
    }

    /// Writes down the levels in use afresh; part of `wcapd check --repair`.
    pub fn repair(&self, t: &mut WriteTxn<'_>) -> Result<()> {
        let levels = self.levels_found(t)?;
        self.put_levels(t, levels)
    }

    /// Removes every span under the prefix; says how many rows there were.
    pub fn clear(&self, t: &mut WriteTxn<'_>) -> Result<usize> {
        t.delete_range(self.space, &self.prefix.range())
    }

    fn key(&self, span: TimeRange, id: &[u8]) -> Key {
        self.level_key(level(span))
            .time(span.start())
            .time(span.end())
            .raw(id)
    }

    fn level_key(&self, level: u8) -> Key {
        self.prefix.clone().u8(level)
    }

    /// Where the spans of `level` are that may touch `window`.
    fn candidates(&self, level: u8, window: TimeRange) -> KeyRange {
        let first = if level == OPEN {
            Timestamp::MIN
        } else {
            // What starts a whole 2^level before the window has ended when it begins.
            window.start().plus(1 - (1i64 << level))
        };
        let end = window.end().max(window.start().plus(1));
        let levels = self.level_key(level);
        levels.clone().time(first).range_to(levels.time(end))
    }

    fn parts<'k>(&self, key: &'k [u8]) -> Result<(TimeRange, &'k [u8])> {
        let taken = || -> Result<_, KeyError> {
            let mut parts = KeyParts::of(key.get(self.prefix.len()..).unwrap_or_default());
            parts.u8()?;
            Ok((parts.time()?, parts.time()?, parts.rest()))
        };
        let corrupt = |found: &dyn std::fmt::Display| Error::corrupt(self.space, key, found);
        let (start, end, id) = taken().map_err(|cause| corrupt(&cause))?;
        let span = TimeRange::new(start, end);
        Ok((
            span.ok_or_else(|| corrupt(&"a span that ends before it starts"))?,
            id,
        ))
    }

    fn levels(&self, t: &impl Reader) -> Result<u64> {
        let key = self.level_key(LEVELS);
        let mut levels = Ok(0);
        t.visit(self.space, &key, &mut |value| {
            levels = <[u8; 8]>::try_from(value).map(u64::from_be_bytes);
        })?;
        levels.map_err(|_| Error::corrupt(self.space, &key, "no number of 8 bytes"))
    }

    fn put_levels(&self, t: &mut WriteTxn<'_>, levels: u64) -> Result<()> {
        let key = self.level_key(LEVELS);
        if levels == 0 {
            t.delete(self.space, &key);
            return Ok(());
        }
        t.put(self.space, &key, &levels.to_be_bytes())
    }

    fn in_use(&self, t: &impl Reader, level: u8) -> Result<bool> {
        let mut any = false;
        let range = self.level_key(level).range();
        t.visit_range(self.space, &range, Order::Ascending, &mut |_, _| {
            any = true;
            ControlFlow::Break(())
        })?;
        Ok(any)
    }

    fn levels_found(&self, t: &impl Reader) -> Result<u64> {
        let mut levels = 0;
        for level in 0..=OPEN {
            if self.in_use(t, level)? {
                levels |= 1 << level;
            }
        }
        Ok(levels)
    }
}

/// The lowest level whose spans may be as long as this one.
fn level(span: TimeRange) -> u8 {
    let length = span.end().0.abs_diff(span.start().0);
    if span.end() == Timestamp::MAX || length > 1 << (OPEN - 1) {
        return OPEN;
    }
    // At most 62 here, by the test above; an instant counts as one second.
    (u64::BITS - length.saturating_sub(1).leading_zeros()) as u8
}

#[cfg(test)]
mod tests;
