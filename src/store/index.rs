//! The indexes of a calendar: rows by time, by busy time, by alarms, for open invitations and for messages that did
//! not arrive, made from the item that is seen.
//!
//! Of a UID one item is seen: the booked one, else the newest invitation in the queue. Everything here can be made
//! again from the items; what the rows hold is said in `derive`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::alarms::{self, by_alarm};
use super::derive;
use super::error::{Error, Result};
use super::space::Space;
use super::spans::Spans;
use super::{Reader, WriteTxn, items, layout};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::delivery;
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

/// The key of rows that are about a UID alone.
fn about(calendar: CalendarId, uid: &str) -> super::Key {
    layout::calendar(calendar).raw(uid.as_bytes())
}

/// Whether a message about an object did not reach an attendee.
fn has_undelivered(object: &CalendarObject) -> bool {
    object
        .components
        .iter()
        .any(|component| delivery::failed(component, |_| true))
}

/// UIDs of the items with an attendee whom a message did not reach, in order.
pub fn undelivered_to(t: &impl Reader, calendar: CalendarId) -> Result<Vec<String>> {
    named_in(t, calendar, Space::ByAttendeeError)
}

/// UIDs of the items that keep others out of their time, in order.
pub fn blocking(t: &impl Reader, calendar: CalendarId) -> Result<Vec<String>> {
    named_in(t, calendar, Space::ByBlocking)
}

fn named_in(t: &impl Reader, calendar: CalendarId, space: Space) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let prefix = layout::calendar(calendar);
    layout::visit_prefix(t, space, &prefix, |key, _| {
        found.push(uid_of(key.get(prefix.len()..).unwrap_or_default())?.to_owned());
        Ok(())
    })?;
    Ok(found)
}

/// UIDs of the items with an alarm that may go off within `window`, those that may be first coming first.
pub fn ringing(t: &impl Reader, calendar: CalendarId, window: TimeRange) -> Result<Vec<String>> {
    let mut found = Vec::new();
    by_alarm(calendar).overlapping(t, window, |hit| {
        found.push((hit.span.start(), uid_of(hit.id)?.to_owned()));
        Ok(ControlFlow::Continue(()))
    })?;
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, uid)| uid).collect())
}

/// Adds the rows that format 1 had not, of all items of a calendar.
pub(super) fn add_new_in_2(t: &mut WriteTxn<'_>, calendar: CalendarId) -> Result<()> {
    let mut rows = Vec::new();
    items::seen(t, calendar, |item| {
        if let Some(object) = derive::object(&item) {
            let span = alarms::span(&object, &item);
            rows.push((item.uid, span, has_undelivered(&object)));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (uid, span, failed) in rows {
        if let Some(span) = span {
            by_alarm(calendar).insert(t, span, uid.as_bytes(), &[])?;
        }
        if failed {
            t.put(Space::ByAttendeeError, &about(calendar, &uid), &[])?;
        }
    }
    Ok(())
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
    if let Some(span) = alarms::span(object, item) {
        by_alarm(calendar).insert(t, span, uid, &[])?;
    }
    if has_undelivered(object) {
        let key = about(calendar, &item.uid);
        t.put(Space::ByAttendeeError, &key, &[])?;
    }
    if derive::keeps_out(object) {
        t.put(Space::ByBlocking, &about(calendar, &item.uid), &[])?;
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
    if let Some(object) = derive::object(item) {
        if let Some((span, _)) = derive::busy(&object, item.part(), floating) {
            by_busy(calendar).remove(t, span, uid)?;
        }
        if let Some(span) = alarms::span(&object, item) {
            by_alarm(calendar).remove(t, span, uid)?;
        }
    }
    for space in [Space::ByAttendeeError, Space::ByBlocking] {
        t.delete(space, &about(calendar, &item.uid));
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
    by_alarm(calendar).clear(t)?;
    for space in [
        Space::ByAttendeeError,
        Space::ByInvitation,
        Space::ByBlocking,
    ] {
        t.delete_range(space, &layout::calendar(calendar).range())?;
    }
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
    alarms: BTreeSet<Row>,
    undelivered: BTreeSet<Vec<u8>>,
    invitations: BTreeSet<Vec<u8>>,
    blocking: BTreeSet<Vec<u8>>,
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
                .insert((span.start(), span.end(), uid.clone(), busy.encode()?));
        }
        if let Some(span) = alarms::span(&object, &item) {
            expected
                .alarms
                .insert((span.start(), span.end(), uid, Vec::new()));
        }
        if has_undelivered(&object) {
            let key = about(calendar, &item.uid);
            expected.undelivered.insert(key.to_vec());
        }
        if derive::keeps_out(&object) {
            let key = about(calendar, &item.uid);
            expected.blocking.insert(key.to_vec());
        }
        expected
            .invitations
            .extend(invitation(calendar, &item).map(|key| key.to_vec()));
        Ok(ControlFlow::Continue(()))
    })?;
    compare(t, &by_time(calendar), "time", expected.time, &mut wrong)?;
    compare(t, &by_busy(calendar), "busy", expected.busy, &mut wrong)?;
    compare(t, &by_alarm(calendar), "alarm", expected.alarms, &mut wrong)?;
    for (space, name, expected) in [
        (
            Space::ByInvitation,
            "open invitations",
            expected.invitations,
        ),
        (
            Space::ByAttendeeError,
            "lost messages",
            expected.undelivered,
        ),
        (Space::ByBlocking, "blocked times", expected.blocking),
    ] {
        let mut found = BTreeSet::new();
        layout::visit_prefix(t, space, &layout::calendar(calendar), |key, _| {
            found.insert(key.to_vec());
            Ok(())
        })?;
        if found != expected {
            wrong.push(format!("the index of {name} does not fit the items"));
        }
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
