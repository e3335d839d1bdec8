//! A calendar's queue: scheduling messages that came and are not worked yet, by UID and arrival.
//!
//! The newest REQUEST of a UID that is not booked is seen as an item of the calendar, so its indexes and its journal
//! know it. What a message means, and when it is worked, is the core's.

use super::error::Result;
use super::space::Space;
use super::{Reader, WriteTxn, attachments, codec, derive, index, items, journal, layout};
use crate::ical::object::CalendarObject;
use crate::ical::zone::Zone;
use crate::model::id::{CalendarId, PrincipalId};
use crate::model::item::{Change, Item, Operation, Part, State};

/// The iTIP method of messages that are seen as items.
pub const REQUEST: &str = "REQUEST";

/// A message for the queue.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What it is about.
    pub object: &'a CalendarObject,
    /// The object's text, a VCALENDAR.
    pub text: &'a str,
    /// The iTIP method, in capitals.
    pub method: &'a str,
    /// The address it came from.
    pub sender: &'a str,
    /// The ATTENDEE address in it that stands for the calendar.
    pub attendee: Option<&'a str>,
    /// Who caused it.
    pub actor: Option<PrincipalId>,
}

/// The queued messages of a UID, the oldest first.
pub fn queued(t: &impl Reader, calendar: CalendarId, uid: &str) -> Result<Vec<Item>> {
    let mut found = Vec::new();
    let prefix = layout::arrivals(calendar, State::Queued, uid);
    layout::visit_prefix(t, Space::Objects, &prefix, |key, value| {
        let item = codec::decode(value);
        found.push(item.map_err(|cause| super::Error::corrupt(Space::Objects, key, cause))?);
        Ok(())
    })?;
    Ok(found)
}

/// The UIDs of all queued messages, each once, in order.
pub fn uids(t: &impl Reader, calendar: CalendarId) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let prefix = layout::objects(calendar, State::Queued);
    layout::visit_prefix(t, Space::Objects, &prefix, |key, _| {
        let uid = layout::uid_of(key).map_err(|e| super::Error::corrupt(Space::Objects, key, e))?;
        if found.last() != Some(&uid) {
            found.push(uid);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Takes the invitations to a UID out of the queue, whose index rows and journal are the caller's care.
pub(super) fn clear_requests(t: &mut WriteTxn<'_>, calendar: CalendarId, uid: &str) -> Result<()> {
    for item in queued(t, calendar, uid)? {
        if item.method.as_deref() == Some(REQUEST) {
            let key = layout::object(calendar, State::Queued, uid, item.change);
            attachments::renamed(t, &key, Some(&item.text), None)?;
            t.delete(Space::Objects, &key);
        }
    }
    Ok(())
}

/// Puts a message into the queue; its arrival number is that of the change. Answers it as it is kept.
pub fn put(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    floating: &Zone,
    message: Message<'_>,
) -> Result<Item> {
    let object = message.object;
    let seen = items::visible(t, calendar, &object.uid)?;
    let change = Change {
        uid: object.uid.clone(),
        recurrence_id: None,
        kind: object.kind,
        operation: match seen {
            Some(_) => Operation::Modify,
            None => Operation::Create,
        },
        actor: message.actor,
        stub: None,
    };
    let state = journal::append(t, calendar, &change)?;
    let modified = crate::ical::datetime::Timestamp(state.stamp);
    let part = Part {
        attendee: message.attendee,
        queued: true,
    };
    let item = Item {
        uid: object.uid.clone(),
        kind: object.kind,
        text: message.text.to_owned(),
        created: seen.as_ref().map_or(modified, |seen| seen.created),
        modified,
        change: state.change,
        method: Some(message.method.to_owned()),
        actor: message.actor,
        sender: Some(message.sender.to_owned()),
        attendee: message.attendee.map(str::to_owned),
        facts: derive::facts(object, part, floating),
    };
    let covers = message.method == REQUEST && seen.as_ref().is_none_or(Item::is_queued);
    if covers {
        if let Some(seen) = &seen {
            index::remove(t, calendar, floating, seen)?;
        }
        index::add(t, calendar, floating, object, &item)?;
    }
    let key = layout::object(calendar, State::Queued, &item.uid, item.change);
    attachments::renamed(t, &key, None, Some(&item.text))?;
    t.save(Space::Objects, &key, &item)?;
    Ok(item)
}

/// Takes the messages of a UID for which `take` holds out of the queue; answers how many. What is seen of the UID
/// afterwards takes the place of what was seen before. Says nothing to the journal.
pub fn take(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    floating: &Zone,
    uid: &str,
    take: impl Fn(&Item) -> bool,
) -> Result<usize> {
    let taken: Vec<Item> = queued(t, calendar, uid)?.into_iter().filter(take).collect();
    if taken.is_empty() {
        return Ok(0);
    }
    let before = items::visible(t, calendar, uid)?;
    for item in &taken {
        let key = layout::object(calendar, State::Queued, uid, item.change);
        attachments::renamed(t, &key, Some(&item.text), None)?;
        t.delete(Space::Objects, &key);
    }
    let after = items::visible(t, calendar, uid)?;
    if before == after {
        return Ok(taken.len());
    }
    if let Some(before) = &before {
        index::remove(t, calendar, floating, before)?;
    }
    if let Some(after) = &after
        && let Some(object) = derive::object(after)
    {
        index::add(t, calendar, floating, &object, after)?;
    }
    Ok(taken.len())
}

/// Takes every message of a UID that is not booked out of the queue and notes it as deleted; `stub` goes into the
/// journal. Answers what was seen of it.
pub fn drop_all(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    floating: &Zone,
    uid: &str,
    stub: String,
    actor: Option<PrincipalId>,
) -> Result<Option<Item>> {
    let seen = items::visible(t, calendar, uid)?.filter(Item::is_queued);
    take(t, calendar, floating, uid, |_| true)?;
    if let Some(seen) = &seen {
        let change = Change {
            uid: uid.to_owned(),
            recurrence_id: None,
            kind: seen.kind,
            operation: Operation::Delete,
            actor,
            stub: Some(stub),
        };
        journal::append(t, calendar, &change)?;
    }
    Ok(seen)
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
