//! Calendar objects: stored, found by UID and by time, removed. Each write keeps the indexes and the journal in step.
//!
//! Rights, scheduling and the merging of changes are the core's. Messages that wait are in `queue`; what the indexes
//! hold is said in `index`.

use std::ops::ControlFlow;

use super::derive::{self, Busy};
use super::error::{Error, Result};
use super::queue::{self, REQUEST};
use super::space::Space;
use super::{Reader, WriteTxn, attachments, codec, index, journal, layout};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::zone::Zone;
use crate::model::id::{CalendarId, PrincipalId};
use crate::model::item::{Change, Item, Operation, Part, State};

pub use super::index::{blocking, reindex, ringing, undelivered_to, verify};

/// An object to be booked.
#[derive(Debug, Clone, Copy)]
pub struct Booking<'a> {
    /// The object.
    pub object: &'a CalendarObject,
    /// Its text as it is to be kept, a VCALENDAR.
    pub text: &'a str,
    /// Who books it.
    pub actor: Option<PrincipalId>,
    /// The ATTENDEE address in it that stands for the calendar, where somebody else organizes it.
    pub attendee: Option<&'a str>,
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

/// What is seen of a UID: the booked object, else the newest invitation to it in the queue.
pub fn visible(t: &impl Reader, calendar: CalendarId, uid: &str) -> Result<Option<Item>> {
    match get(t, calendar, uid)? {
        Some(item) => Ok(Some(item)),
        None => newest_request(t, calendar, uid),
    }
}

fn newest_request(t: &impl Reader, calendar: CalendarId, uid: &str) -> Result<Option<Item>> {
    let mut queued = queue::queued(t, calendar, uid)?;
    queued.retain(|item| item.method.as_deref() == Some(REQUEST));
    Ok(queued.pop())
}

/// What is seen of `uids`, in their order.
pub fn visible_many(
    t: &impl Reader,
    calendar: CalendarId,
    uids: &[String],
) -> Result<Vec<Option<Item>>> {
    let mut found = get_many(t, calendar, uids)?;
    for (item, uid) in found.iter_mut().zip(uids) {
        if item.is_none() {
            *item = newest_request(t, calendar, uid)?;
        }
    }
    Ok(found)
}

/// Books an object in place of what was seen of its UID, if there was anything; invitations to it leave the queue.
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
        attendee,
    } = booking;
    let old = visible(t, calendar, &object.uid)?;
    let key = layout::object(calendar, State::Booked, &object.uid, 0);
    let booked = old.as_ref().filter(|old| !old.is_queued());
    attachments::renamed(t, &key, booked.map(|old| &*old.text), Some(text))?;
    if let Some(old) = &old {
        index::remove(t, calendar, floating, old)?;
        if old.is_queued() {
            queue::clear_requests(t, calendar, &object.uid)?;
        }
    }
    let part = Part {
        attendee,
        queued: false,
    };
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
        attendee: attendee.map(str::to_owned),
        facts: derive::facts(object, part, floating),
    };
    index::add(t, calendar, floating, object, &item)?;
    t.save(Space::Objects, &key, &item)?;
    Ok(item)
}

/// Removes a booked object, and the messages about it that wait; `stub` goes into the journal. Answers what was removed.
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
    queue::take(t, calendar, floating, uid, |_| true)?;
    index::remove(t, calendar, floating, &old)?;
    let change = Change {
        uid: uid.to_owned(),
        recurrence_id: None,
        kind: old.kind,
        operation: Operation::Delete,
        actor,
        stub: Some(stub),
    };
    journal::append(t, calendar, &change)?;
    let key = layout::object(calendar, State::Booked, uid, 0);
    attachments::renamed(t, &key, Some(&old.text), None)?;
    t.delete(Space::Objects, &key);
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

/// UIDs of the objects of `kinds` that are seen and whose span shares an instant with `window`, by start.
///
/// A span reaches from the first instance to the last: whether an instance is in the window is still to be seen.
pub fn touching(
    t: &impl Reader,
    calendar: CalendarId,
    window: TimeRange,
    kinds: &[Kind],
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    index::by_time(calendar).overlapping(t, window, |hit| {
        if kinds
            .iter()
            .any(|&kind| hit.value.first() == Some(&(kind as u8)))
        {
            found.push((hit.span.start(), index::uid_of(hit.id)?.to_owned()));
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
    index::by_busy(calendar).overlapping(t, window, |hit| {
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

/// UIDs of the invitations that wait for an answer, by start.
pub fn invitations(t: &impl Reader, calendar: CalendarId) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let prefix = layout::calendar(calendar);
    layout::visit_prefix(t, Space::ByInvitation, &prefix, |key, _| {
        found.extend(layout::invited(key).map(str::to_owned));
        Ok(())
    })?;
    Ok(found)
}

/// Visits what is seen of every UID of a calendar: first the booked objects by UID, then the invitations that wait,
/// by UID.
pub fn seen(
    t: &impl Reader,
    calendar: CalendarId,
    mut visit: impl FnMut(Item) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut ended = false;
    all(t, calendar, |item| {
        let flow = visit(item)?;
        ended = flow.is_break();
        Ok(flow)
    })?;
    if ended {
        return Ok(());
    }
    for uid in queue::uids(t, calendar)? {
        if let Some(item) = visible(t, calendar, &uid)?.filter(Item::is_queued)
            && visit(item)?.is_break()
        {
            break;
        }
    }
    Ok(())
}
