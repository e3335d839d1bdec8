//! The indexes of a calendar: rows by time, by busy time and for open invitations, made from the item that is seen.
//!
//! Of a UID one item is seen: the booked one, else the newest invitation in the queue. Everything here can be made
//! again from the items; what the rows hold is said in `derive`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::derive;
use super::error::{Error, Result};
use super::space::Space;
use super::spans::Spans;
use super::{Reader, WriteTxn, items, layout};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::object::CalendarObject;
use crate::ical::zone::Zone;
use crate::model::id::CalendarId;
use crate::model::item::{Item, State};

pub(super) fn by_time(calendar: CalendarId) -> Spans {
    Spans::of(Space::ByTime, layout::calendar(calendar))
}

pub(super) fn by_busy(calendar: CalendarId) -> Spans {
    Spans::of(Space::ByBusy, layout::calendar(calendar))
}

/// The span the time index holds for an item: all of time for what has no date.
fn indexed_span(item: &Item) -> TimeRange {
    item.facts
        .span
        .and_then(|(start, end)| TimeRange::new(Timestamp(start), Timestamp(end)))
        .unwrap_or(TimeRange::ALL)
}

/// What the time index says of an item: its kind and, of a queued one, its state.
fn time_value(item: &Item) -> Vec<u8> {
    match item.is_queued() {
        false => vec![item.kind as u8],
        true => vec![item.kind as u8, State::Queued as u8],
    }
}

fn invitation(calendar: CalendarId, item: &Item) -> Option<super::Key> {
    let start = item.facts.span.map_or(i64::MIN, |(start, _)| start);
    item.facts
        .invitation
        .then(|| layout::invitation(calendar, Timestamp(start), &item.uid))
}

/// Adds the rows of an item.
pub(super) fn add(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    floating: &Zone,
    object: &CalendarObject,
    item: &Item,
) -> Result<()> {
    let uid = item.uid.as_bytes();
    by_time(calendar).insert(t, indexed_span(item), uid, &time_value(item))?;
    if let Some((span, busy)) = derive::busy(object, item.part(), floating) {
        by_busy(calendar).insert(t, span, uid, &busy.encode()?)?;
    }
    if let Some(key) = invitation(calendar, item) {
        t.put(Space::ByInvitation, &key, &[])?;
    }
    Ok(())
}

/// Takes the rows of an item away.
pub(super) fn remove(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    floating: &Zone,
    item: &Item,
) -> Result<()> {
    let uid = item.uid.as_bytes();
    by_time(calendar).remove(t, indexed_span(item), uid)?;
    let busy = derive::object(item).and_then(|object| derive::busy(&object, item.part(), floating));
    if let Some((span, _)) = busy {
        by_busy(calendar).remove(t, span, uid)?;
    }
    if let Some(key) = invitation(calendar, item) {
        t.delete(Space::ByInvitation, &key);
    }
    Ok(())
}

/// Builds the indexes of a calendar anew from its objects, as after a change of its zone. Says how many objects.
pub fn reindex(t: &mut WriteTxn<'_>, calendar: CalendarId, floating: &Zone) -> Result<usize> {
    by_time(calendar).clear(t)?;
    by_busy(calendar).clear(t)?;
    t.delete_range(Space::ByInvitation, &layout::calendar(calendar).range())?;
    let mut seen = Vec::new();
    items::seen(t, calendar, |item| {
        seen.push((item.uid, item.change));
        Ok(ControlFlow::Continue(()))
    })?;
    for (uid, change) in &seen {
        let Some(mut item) = items::visible(t, calendar, uid)? else {
            continue;
        };
        let Some(object) = derive::object(&item) else {
            continue;
        };
        item.facts = derive::facts(&object, item.part(), floating);
        add(t, calendar, floating, &object, &item)?;
        let key = match item.is_queued() {
            false => layout::object(calendar, State::Booked, uid, 0),
            true => layout::object(calendar, State::Queued, uid, *change),
        };
        t.save(Space::Objects, &key, &item)?;
    }
    Ok(seen.len())
}

/// A row of spans as it should be: start, end, UID and value.
type Row = (Timestamp, Timestamp, Vec<u8>, Vec<u8>);

/// What the indexes should hold.
#[derive(Default)]
struct Expected {
    time: BTreeSet<Row>,
    busy: BTreeSet<Row>,
    invitations: BTreeSet<Vec<u8>>,
}

/// What is wrong with a calendar's indexes, one sentence each; nothing when they are what `reindex` would make.
pub fn verify(t: &impl Reader, calendar: CalendarId, floating: &Zone) -> Result<Vec<String>> {
    let mut expected = Expected::default();
    let mut wrong = Vec::new();
    items::seen(t, calendar, |item| {
        let uid = item.uid.as_bytes().to_vec();
        let Some(object) = derive::object(&item) else {
            wrong.push(format!("the text of '{}' is no calendar object", item.uid));
            return Ok(ControlFlow::Continue(()));
        };
        if derive::facts(&object, item.part(), floating) != item.facts {
            wrong.push(format!(
                "the derived facts of '{}' do not fit its text",
                item.uid
            ));
        }
        let span = indexed_span(&item);
        expected
            .time
            .insert((span.start(), span.end(), uid.clone(), time_value(&item)));
        if let Some((span, busy)) = derive::busy(&object, item.part(), floating) {
            expected
                .busy
                .insert((span.start(), span.end(), uid, busy.encode()?));
        }
        expected
            .invitations
            .extend(invitation(calendar, &item).map(|key| key.to_vec()));
        Ok(ControlFlow::Continue(()))
    })?;
    compare(t, &by_time(calendar), "time", expected.time, &mut wrong)?;
    compare(t, &by_busy(calendar), "busy", expected.busy, &mut wrong)?;
    let mut found = BTreeSet::new();
    let prefix = layout::calendar(calendar);
    layout::visit_prefix(t, Space::ByInvitation, &prefix, |key, _| {
        found.insert(key.to_vec());
        Ok(())
    })?;
    if found != expected.invitations {
        wrong.push("the index of open invitations does not fit the items".to_owned());
    }
    Ok(wrong)
}

fn compare(
    t: &impl Reader,
    spans: &Spans,
    name: &str,
    mut expected: BTreeSet<Row>,
    wrong: &mut Vec<String>,
) -> Result<()> {
    spans.all(t, |hit| {
        let row = (
            hit.span.start(),
            hit.span.end(),
            hit.id.to_vec(),
            hit.value.to_vec(),
        );
        if !expected.remove(&row) {
            let uid = String::from_utf8_lossy(hit.id);
            wrong.push(format!(
                "the {name} index has a row for '{uid}' that should not be"
            ));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (_, _, uid, _) in expected {
        let uid = String::from_utf8_lossy(&uid);
        wrong.push(format!("the {name} index lacks a row for '{uid}'"));
    }
    if !spans.sound(t)? {
        wrong.push(format!("the {name} index misstates the levels it uses"));
    }
    Ok(())
}

/// The UID of a row of the time index.
pub(super) fn uid_of(id: &[u8]) -> Result<&str> {
    std::str::from_utf8(id).map_err(|_| Error::corrupt(Space::ByTime, id, "a UID that is no UTF-8"))
}
