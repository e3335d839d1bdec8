//! Calendar objects: stored, found by UID and by time, removed. Each write keeps the indexes and the journal in step.
//!
//! Rights, scheduling and the merging of changes are the core's. What the indexes hold is said in `derive`.

use std::ops::ControlFlow;

use super::derive::{self, Busy};
use super::error::{Error, Result};
use super::space::Space;
use super::spans::Spans;
use super::{Reader, WriteTxn, codec, journal, layout};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::zone::Zone;
use crate::model::id::{CalendarId, PrincipalId};
use crate::model::item::{Change, Item, Operation, State};

/// An object to be booked.
#[derive(Debug, Clone, Copy)]
pub struct Booking<'a> {
    /// The object.
    pub object: &'a CalendarObject,
    /// Its text as it is to be kept, a VCALENDAR.
    pub text: &'a str,
    /// Who books it.
    pub actor: Option<PrincipalId>,
}

/// The booked object called `uid`.
pub fn get(t: &impl Reader, calendar: CalendarId, uid: &str) -> Result<Option<Item>> {
    t.load(
        Space::Objects,
        &layout::object(calendar, State::Booked, uid, 0),
    )
}

/// The booked objects called `uids`, in their order.
pub fn get_many(
    t: &impl Reader,
    calendar: CalendarId,
    uids: &[String],
) -> Result<Vec<Option<Item>>> {
    let key = |uid: &String| layout::object(calendar, State::Booked, uid, 0);
    let keys: Vec<_> = uids.iter().map(key).collect();
    let keys: Vec<&[u8]> = keys.iter().map(|key| &**key).collect();
    t.load_many(Space::Objects, &keys)
}

/// Books an object in place of the one of its UID, if there was one.
///
/// Times without a zone count in `floating`, the calendar's zone. The answer carries the stamps given.
pub fn put(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    floating: &Zone,
    booking: Booking<'_>,
) -> Result<Item> {
    let Booking {
        object,
        text,
        actor,
    } = booking;
    let old = get(t, calendar, &object.uid)?;
    if let Some(old) = &old {
        unindex(t, calendar, floating, old)?;
    }
    let change = Change {
        uid: object.uid.clone(),
        recurrence_id: None,
        kind: object.kind,
        operation: if old.is_some() {
            Operation::Modify
        } else {
            Operation::Create
        },
        actor,
        stub: None,
    };
    let state = journal::append(t, calendar, &change)?;
    let modified = Timestamp(state.stamp);
    let item = Item {
        uid: object.uid.clone(),
        kind: object.kind,
        text: text.to_owned(),
        created: old.map_or(modified, |old| old.created),
        modified,
        change: state.change,
        method: None,
        actor,
        sender: None,
        facts: derive::facts(object, floating),
    };
    index(t, calendar, floating, object, &item)?;
    t.save(
        Space::Objects,
        &layout::object(calendar, State::Booked, &item.uid, 0),
        &item,
    )?;
    Ok(item)
}

/// Removes a booked object; `stub` goes into the journal. Answers what was removed.
pub fn remove(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    floating: &Zone,
    uid: &str,
    stub: String,
    actor: Option<PrincipalId>,
) -> Result<Option<Item>> {
    let Some(old) = get(t, calendar, uid)? else {
        return Ok(None);
    };
    unindex(t, calendar, floating, &old)?;
    let change = Change {
        uid: uid.to_owned(),
        recurrence_id: None,
        kind: old.kind,
        operation: Operation::Delete,
        actor,
        stub: Some(stub),
    };
    journal::append(t, calendar, &change)?;
    t.delete(
        Space::Objects,
        &layout::object(calendar, State::Booked, uid, 0),
    );
    Ok(Some(old))
}

/// Notes in the journal that one instance of a booked series was deleted; the series itself is put anew besides.
pub fn instance_removed(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    item: &Item,
    recurrence_id: String,
    stub: String,
    actor: Option<PrincipalId>,
) -> Result<()> {
    let change = Change {
        uid: item.uid.clone(),
        recurrence_id: Some(recurrence_id),
        kind: item.kind,
        operation: Operation::Delete,
        actor,
        stub: Some(stub),
    };
    journal::append(t, calendar, &change).map(drop)
}

fn by_time(calendar: CalendarId) -> Spans {
    Spans::of(Space::ByTime, layout::calendar(calendar))
}

fn by_busy(calendar: CalendarId) -> Spans {
    Spans::of(Space::ByBusy, layout::calendar(calendar))
}

/// The span the time index holds for an item: all of time for what has no date.
fn indexed_span(item: &Item) -> TimeRange {
    item.facts
        .span
        .and_then(|(start, end)| TimeRange::new(Timestamp(start), Timestamp(end)))
        .unwrap_or(TimeRange::ALL)
}

fn index(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    floating: &Zone,
    object: &CalendarObject,
    item: &Item,
) -> Result<()> {
    let uid = item.uid.as_bytes();
    by_time(calendar).insert(t, indexed_span(item), uid, &[item.kind as u8])?;
    if let Some((span, busy)) = derive::busy(object, floating) {
        by_busy(calendar).insert(t, span, uid, &busy.encode()?)?;
    }
    Ok(())
}

fn unindex(t: &mut WriteTxn<'_>, calendar: CalendarId, floating: &Zone, item: &Item) -> Result<()> {
    let uid = item.uid.as_bytes();
    by_time(calendar).remove(t, indexed_span(item), uid)?;
    let busy = derive::object(item).and_then(|object| derive::busy(&object, floating));
    if let Some((span, _)) = busy {
        by_busy(calendar).remove(t, span, uid)?;
    }
    Ok(())
}

/// UIDs of the booked objects of `kinds` whose span shares an instant with `window`, by start.
///
/// A span reaches from the first instance to the last: whether an instance is in the window is still to be seen.
pub fn touching(
    t: &impl Reader,
    calendar: CalendarId,
    window: TimeRange,
    kinds: &[Kind],
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    by_time(calendar).overlapping(t, window, |hit| {
        if kinds.iter().any(|&kind| hit.value == [kind as u8]) {
            let uid = std::str::from_utf8(hit.id)
                .map_err(|_| Error::corrupt(Space::ByTime, hit.id, "a UID that is no UTF-8"))?;
            found.push((hit.span.start(), uid.to_owned()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, uid)| uid).collect())
}

/// Visits what makes the calendar busy within `window`, in no particular order.
pub fn busy(
    t: &impl Reader,
    calendar: CalendarId,
    window: TimeRange,
    mut visit: impl FnMut(TimeRange, Busy) -> Result<()>,
) -> Result<()> {
    by_busy(calendar).overlapping(t, window, |hit| {
        let busy = Busy::decode(hit.value)
            .map_err(|cause| Error::corrupt(Space::ByBusy, hit.id, cause))?;
        visit(hit.span, busy)?;
        Ok(ControlFlow::Continue(()))
    })
}

/// Visits every booked object of a calendar, by UID.
pub fn all(
    t: &impl Reader,
    calendar: CalendarId,
    mut visit: impl FnMut(Item) -> Result<ControlFlow<()>>,
) -> Result<()> {
    t.scan(
        Space::Objects,
        &layout::objects(calendar, State::Booked).range(),
        |key, value| {
            let item = codec::decode(value);
            visit(item.map_err(|cause| Error::corrupt(Space::Objects, key, cause))?)
        },
    )
}

/// Builds the indexes of a calendar anew from its objects, as after a change of its zone. Says how many objects.
pub fn reindex(t: &mut WriteTxn<'_>, calendar: CalendarId, floating: &Zone) -> Result<usize> {
    by_time(calendar).clear(t)?;
    by_busy(calendar).clear(t)?;
    let mut uids = Vec::new();
    all(t, calendar, |item| {
        uids.push(item.uid);
        Ok(ControlFlow::Continue(()))
    })?;
    for uid in &uids {
        let Some(mut item) = get(t, calendar, uid)? else {
            continue;
        };
        let Some(object) = derive::object(&item) else {
            continue;
        };
        item.facts = derive::facts(&object, floating);
        index(t, calendar, floating, &object, &item)?;
        t.save(
            Space::Objects,
            &layout::object(calendar, State::Booked, uid, 0),
            &item,
        )?;
    }
    Ok(uids.len())
}

/// What is wrong with a calendar's indexes, one sentence each; nothing when they are what `reindex` would make.
pub fn verify(t: &impl Reader, calendar: CalendarId, floating: &Zone) -> Result<Vec<String>> {
    let mut expected = (
        std::collections::BTreeSet::new(),
        std::collections::BTreeSet::new(),
    );
    let mut wrong = Vec::new();
    all(t, calendar, |item| {
        let uid = item.uid.as_bytes().to_vec();
        let Some(object) = derive::object(&item) else {
            wrong.push(format!("the text of '{}' is no calendar object", item.uid));
            return Ok(ControlFlow::Continue(()));
        };
        if derive::facts(&object, floating) != item.facts {
            wrong.push(format!(
                "the derived facts of '{}' do not fit its text",
                item.uid
            ));
        }
        let span = indexed_span(&item);
        expected
            .0
            .insert((span.start(), span.end(), uid.clone(), vec![item.kind as u8]));
        if let Some((span, busy)) = derive::busy(&object, floating) {
            expected
                .1
                .insert((span.start(), span.end(), uid.clone(), busy.encode()?));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (spans, name, mut expected) in [
        (by_time(calendar), "time", expected.0),
        (by_busy(calendar), "busy", expected.1),
    ] {
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
    }
    Ok(wrong)
}
