//! Objects marked as deleted: out of the calendar, and kept until they are purged or put back (CAP's state DELETED).

use super::error::{Error, Result};
use super::space::Space;
use super::{Reader, WriteTxn, attachments, codec, items, layout};
use crate::ical::zone::Zone;
use crate::model::id::{CalendarId, PrincipalId};
use crate::model::item::{Item, State};

/// The METHOD that what is marked shows.
pub const DELETE: &str = "DELETE";

fn key(calendar: CalendarId, uid: &str) -> super::Key {
    layout::object(calendar, State::Marked, uid, 0)
}

/// The marked object of a UID.
pub fn get(t: &impl Reader, calendar: CalendarId, uid: &str) -> Result<Option<Item>> {
    t.load(Space::Objects, &key(calendar, uid))
}

/// All marked objects of a calendar, by UID.
pub fn all(t: &impl Reader, calendar: CalendarId) -> Result<Vec<Item>> {
    let mut found = Vec::new();
    let prefix = layout::objects(calendar, State::Marked);
    layout::visit_prefix(t, Space::Objects, &prefix, |key, value| {
        let item = codec::decode(value);
        found.push(item.map_err(|cause| Error::corrupt(Space::Objects, key, cause))?);
        Ok(())
    })?;
    Ok(found)
}

/// Marks a booked object, in place of one of its UID that was marked before; `stub` goes into the journal. Answers
/// whether there was one.
pub fn mark(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    floating: &Zone,
    uid: &str,
    stub: String,
    actor: Option<PrincipalId>,
) -> Result<bool> {
    let Some(item) = items::get(t, calendar, uid)? else {
        return Ok(false);
    };
    let before = get(t, calendar, uid)?;
    let (key, marked) = (
        key(calendar, uid),
        Item {
            method: Some(DELETE.to_owned()),
            ..item
        },
    );
    // Named here before it is forgotten there, so that no attachment goes.
    let old = before.as_ref().map(|old| &*old.text);
    attachments::renamed(t, &key, old, Some(&marked.text))?;
    items::remove(t, calendar, floating, uid, stub, actor)?;
    t.save(Space::Objects, &key, &marked)?;
    Ok(true)
}

/// Forgets a marked object. Answers whether there was one.
pub fn purge(t: &mut WriteTxn<'_>, calendar: CalendarId, uid: &str) -> Result<bool> {
    let Some(item) = get(t, calendar, uid)? else {
        return Ok(false);
    };
    let key = key(calendar, uid);
    attachments::renamed(t, &key, Some(&item.text), None)?;
    t.delete(Space::Objects, &key);
    Ok(true)
}
