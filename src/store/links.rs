//! Links: items of other calendars that are seen in a calendar too. What they say is read at their source each time.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::keys::{KeyError, KeyParts};
use super::space::Space;
use super::{Reader, WriteTxn, codec, layout};
use crate::ical::datetime::Timestamp;
use crate::model::id::{CalendarId, PrincipalId};

/// A link to an item, or to some instances of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// When it was made, a stamp of the calendar it is in.
    pub created: Timestamp,
    /// When the item was first stored at its source: one that was made again there is another item.
    pub item: Timestamp,
    /// Recurrence ids of the linked instances, days or UTC times; none: the whole item.
    pub instances: Vec<String>,
    /// Who made it.
    pub actor: Option<PrincipalId>,
}

/// A link with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// UID of the item.
    pub uid: String,
    /// The calendar that the item is in.
    pub source: CalendarId,
    /// The link.
    pub link: Link,
}

fn key(calendar: CalendarId, uid: &str, source: CalendarId) -> super::Key {
    layout::calendar(calendar).text(uid).u64(source.0)
}

/// The link called `uid` in a calendar.
pub fn get(t: &impl Reader, calendar: CalendarId, uid: &str) -> Result<Option<Linked>> {
    let mut found = None;
    let prefix = layout::calendar(calendar).text(uid);
    t.scan(Space::Links, &prefix.range(), |key, value| {
        found = Some(read(key, value)?);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// The links in a calendar, by UID.
pub fn all(t: &impl Reader, calendar: CalendarId) -> Result<Vec<Linked>> {
    let mut found = Vec::new();
    let prefix = layout::calendar(calendar);
    layout::visit_prefix(t, Space::Links, &prefix, |key, value| {
        found.push(read(key, value)?);
        Ok(())
    })?;
    Ok(found)
}

fn read(key: &[u8], value: &[u8]) -> Result<Linked> {
    let place = || -> std::result::Result<_, KeyError> {
        let mut parts = KeyParts::of(key);
        parts.u64()?;
        Ok((parts.text()?.into_owned(), CalendarId(parts.u64()?)))
    };
    let (uid, source) = place().map_err(|cause| Error::corrupt(Space::Links, key, cause))?;
    let link = codec::decode(value).map_err(|cause| Error::corrupt(Space::Links, key, cause))?;
    Ok(Linked { uid, source, link })
}

/// Stores a link in place of the one of its UID and source.
pub fn put(t: &mut WriteTxn<'_>, calendar: CalendarId, linked: &Linked) -> Result<()> {
    let key = key(calendar, &linked.uid, linked.source);
    t.save(Space::Links, &key, &linked.link)
}

/// Removes a link.
pub fn remove(t: &mut WriteTxn<'_>, calendar: CalendarId, linked: &Linked) {
    t.delete(Space::Links, &key(calendar, &linked.uid, linked.source));
}
