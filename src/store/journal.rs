//! A calendar's journal: what changed, in order, for whoever keeps a copy elsewhere.
//!
//! Of the changes of an object only the newest stays; deletions stay until they are forgotten on purpose. Rows
//! order by stamp and then by number, and both only grow, so a window of stamps is one short scan.

use std::ops::ControlFlow;

use super::calendars;
use super::error::{Error, Result};
use super::layout;
use super::space::Space;
use super::{KeyRange, Reader, WriteTxn, codec};
use crate::ical::datetime::Timestamp;
use crate::model::calendar::CalendarState;
use crate::model::id::CalendarId;
use crate::model::item::{Change, Operation};

/// A change with its place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it happened.
    pub stamp: Timestamp,
    /// Its number within the calendar.
    pub number: u64,
    /// What happened.
    pub change: Change,
}

/// Writes a change down under the next number and stamp, which are answered.
pub fn append(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    change: &Change,
) -> Result<CalendarState> {
    let state = calendars::next_change(t, calendar)?;
    let last = layout::last_change(calendar, &change.uid);
    if let Some(place) = t.get(Space::JournalByUid, &last)? {
        // A deleted instance leaves the object's newest change in place: both are news.
        if change.recurrence_id.is_none() {
            t.delete(Space::Journal, &layout::calendar(calendar).raw(&place));
        }
    }
    let key = layout::change(calendar, Timestamp(state.stamp), state.change);
    t.save(Space::Journal, &key, change)?;
    if change.operation == Operation::Delete {
        if change.recurrence_id.is_none() {
            t.delete(Space::JournalByUid, &last);
        }
    } else {
        t.put(Space::JournalByUid, &last, &key[8..])?;
    }
    Ok(state)
}

/// Visits the changes stamped from `from` to `to`, both included, the oldest first.
pub fn between(
    t: &impl Reader,
    calendar: CalendarId,
    from: Timestamp,
    to: Timestamp,
    mut visit: impl FnMut(Entry) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let start = layout::changes_from(calendar, from);
    let range = match to {
        Timestamp::MAX => KeyRange {
            from: start.to_vec(),
            to: layout::calendar(calendar).range().to,
        },
        to => start.range_to(layout::changes_from(calendar, to.plus(1))),
    };
    t.scan(Space::Journal, &range, |key, value| {
        let change = codec::decode(value);
        let change = change.map_err(|cause| Error::corrupt(Space::Journal, key, cause))?;
        let place = layout::change_of(key);
        let (stamp, number) = place.map_err(|cause| Error::corrupt(Space::Journal, key, cause))?;
        visit(Entry {
            stamp,
            number,
            change,
        })
    })
}

/// Whether there are deletions stamped before `limit`.
pub fn has_old(t: &impl Reader, calendar: CalendarId, limit: Timestamp) -> Result<bool> {
    let mut found = false;
    old_deletions(t, calendar, limit, |_| {
        found = true;
        ControlFlow::Break(())
    })?;
    Ok(found)
}

fn old_deletions(
    t: &impl Reader,
    calendar: CalendarId,
    limit: Timestamp,
    mut visit: impl FnMut(Entry) -> ControlFlow<()>,
) -> Result<()> {
    let forgotten = Timestamp(calendars::state(t, calendar)?.forgotten);
    if limit <= forgotten {
        return Ok(());
    }
    between(t, calendar, forgotten, limit.plus(-1), |entry| {
        Ok(match entry.change.operation {
            Operation::Delete => visit(entry),
            Operation::Create | Operation::Modify => ControlFlow::Continue(()),
        })
    })
}

/// Forgets the deletions stamped before `limit`; says how many.
pub fn forget(t: &mut WriteTxn<'_>, calendar: CalendarId, limit: Timestamp) -> Result<usize> {
    let mut old = Vec::new();
    old_deletions(t, calendar, limit, |entry| {
        old.push(layout::change(calendar, entry.stamp, entry.number));
        ControlFlow::Continue(())
    })?;
    for key in &old {
        t.delete(Space::Journal, key);
    }
    if !old.is_empty() {
        let mut state = calendars::state(t, calendar)?;
        state.forgotten = state.forgotten.max(limit.0);
        calendars::put_state(t, calendar, &state)?;
    }
    Ok(old.len())
}
