//! Attachments: octets kept once, however many items name them, and no longer than the last of them.
//!
//! Who names what is read off the texts of objects, in every state, by whoever writes those; a row per attachment
//! and record says so, from which the places of an attachment are found again. What a write leaves without a name
//! goes in the same write, at its end, so that an item may be moved in any order. Who may read is the core's.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::error::{Error, Result};
use super::keys::{Key, KeyParts};
use super::space::Space;
use super::{KeyRange, Reader, WriteTxn, codec, layout};
use crate::model::attachment::AttachmentId;
use crate::model::id::CalendarId;
use crate::model::item::Item;

/// The row of the secret that ids are made with.
const SECRET: &[u8] = b"attachment_secret";

/// What is known of an attachment without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attachment {
    /// Octets.
    pub length: u64,
}

/// What ids are made with; a store has one for ever.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The id of `content`: half of its HMAC-SHA-256.
    pub fn id(&self, content: &[u8]) -> AttachmentId {
        let mut id = [0; 16];
        // A key of any length will do.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) {
            mac.update(content);
            for (out, byte) in id.iter_mut().zip(mac.finalize().into_bytes()) {
                *out = byte;
            }
        }
        AttachmentId(id)
    }
}

/// The store's secret; none before the first attachment.
pub fn secret(t: &impl Reader) -> Result<Option<Secret>> {
    Ok(t.get(Space::Meta, SECRET)?.map(Secret))
}

/// Makes `fresh` the store's secret, unless it has one; answers the one it has.
pub fn make_secret(t: &mut WriteTxn<'_>, fresh: &[u8; 32]) -> Result<Secret> {
    if let Some(secret) = secret(t)? {
        return Ok(secret);
    }
    t.put(Space::Meta, SECRET, fresh)?;
    Ok(Secret(fresh.to_vec()))
}

/// Keeps `content`, whose id is `id`, if an item names it when this write ends.
pub fn keep(t: &mut WriteTxn<'_>, id: AttachmentId, content: &[u8]) -> Result<()> {
    if t.contains(Space::Attachments, &id.0)? {
        return Ok(());
    }
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    t.save(Space::Attachments, &id.0, &Attachment { length })?;
    t.put(Space::AttachmentData, &id.0, content)
}

/// What is known of an attachment; none when it is not kept here.
pub fn find(t: &impl Reader, id: AttachmentId) -> Result<Option<Attachment>> {
    t.load(Space::Attachments, &id.0)
}

/// An attachment's octets.
pub fn content(t: &impl Reader, id: AttachmentId) -> Result<Option<Vec<u8>>> {
    t.get(Space::AttachmentData, &id.0)
}

/// Visits the objects that name an attachment: calendar and UID. One may come more than once.
pub fn places(
    t: &impl Reader,
    id: AttachmentId,
    mut visit: impl FnMut(CalendarId, &str) -> Result<ControlFlow<()>>,
) -> Result<()> {
    t.scan(Space::AttachmentNames, &names(id).range(), |key, _| {
        let corrupt = |cause| Error::corrupt(Space::AttachmentNames, key, cause);
        let object = key.get(id.0.len()..).unwrap_or_default();
        let mut parts = KeyParts::of(object);
        let calendar = parts.u64().map_err(corrupt)?;
        let uid = layout::uid_of(object).map_err(corrupt)?;
        visit(CalendarId(calendar), &uid)
    })
}

fn names(id: AttachmentId) -> Key {
    Key::new().raw(&id.0)
}

/// Notes that the record at `key` now has the text `new`, or is gone, and had `old`, or is new.
pub(super) fn renamed(
    t: &mut WriteTxn<'_>,
    key: &Key,
    old: Option<&str>,
    new: Option<&str>,
) -> Result<()> {
    let named = |text: Option<&str>| text.map(AttachmentId::named_in).unwrap_or_default();
    let (before, after) = (named(old), named(new));
    for id in before.difference(&after) {
        t.delete(Space::AttachmentNames, &names(*id).raw(key));
    }
    for id in after.difference(&before) {
        t.put(Space::AttachmentNames, &names(*id).raw(key), &[])?;
    }
    Ok(())
}

/// Notes that all records of a calendar are going.
pub(super) fn forget_calendar(t: &mut WriteTxn<'_>, calendar: CalendarId) -> Result<()> {
    let mut gone = Vec::new();
    each_name(t, layout::calendar(calendar).range(), |row| gone.push(row))?;
    for row in gone {
        t.delete(Space::AttachmentNames, &row);
    }
    Ok(())
}

/// Visits the row of each name in the texts of records in a range.
fn each_name(t: &impl Reader, range: KeyRange, mut visit: impl FnMut(Key)) -> Result<()> {
    t.scan(Space::Objects, &range, |key, value| {
        let item: Item =
            codec::decode(value).map_err(|cause| Error::corrupt(Space::Objects, key, cause))?;
        for id in AttachmentId::named_in(&item.text) {
            visit(names(id).raw(key));
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Drops what this write has left without a name.
pub(super) fn sweep(t: &mut WriteTxn<'_>) -> Result<()> {
    let touched: BTreeSet<[u8; 16]> = [Space::Attachments, Space::AttachmentNames]
        .into_iter()
        .flat_map(|space| t.own_keys(space))
        .filter_map(|key| key.first_chunk().copied())
        .collect();
    for id in touched.into_iter().map(AttachmentId) {
        if !is_named(t, id)? {
            drop_data(t, id);
        }
    }
    Ok(())
}

fn is_named(t: &impl Reader, id: AttachmentId) -> Result<bool> {
    let mut named = false;
    t.scan(Space::AttachmentNames, &names(id).range(), |_, _| {
        named = true;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(named)
}

fn drop_data(t: &mut WriteTxn<'_>, id: AttachmentId) {
    t.delete(Space::Attachments, &id.0);
    t.delete(Space::AttachmentData, &id.0);
}

/// What is wrong with the attachments, one sentence each. A name of what is not kept here is nothing wrong: texts
/// that came from elsewhere hold such.
pub fn verify(t: &impl Reader) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut expected = BTreeSet::new();
    each_name(t, KeyRange::all(), |row| {
        expected.insert(row.to_vec());
    })?;
    let mut named = BTreeSet::new();
    t.scan(Space::AttachmentNames, &KeyRange::all(), |key, _| {
        named.extend(key.first_chunk::<16>().copied());
        if !expected.remove(key) {
            wrong.push("an attachment is said to be named where it is not".to_owned());
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if !expected.is_empty() {
        let count = expected.len();
        wrong.push(format!("{count} names of attachments are not noted"));
    }
    let secret = secret(t)?;
    let mut known = BTreeSet::new();
    layout::visit_records::<Attachment>(t, Space::Attachments, |key, record| {
        known.insert(key.to_vec());
        let id = shown(key);
        let content = t.get(Space::AttachmentData, key)?.unwrap_or_default();
        let fits = u64::try_from(content.len()) == Ok(record.length);
        let id_of = secret.as_ref().map(|secret| secret.id(&content).0);
        if !fits || id_of.is_none_or(|id| id != *key) {
            wrong.push(format!(
                "the octets of attachment {id} are not those that were stored"
            ));
        }
        if !key.first_chunk().is_some_and(|id| named.contains(id)) {
            wrong.push(format!("attachment {id} is kept although nothing names it"));
        }
        Ok(())
    })?;
    t.scan(Space::AttachmentData, &KeyRange::all(), |key, _| {
        if !known.contains(key) {
            let id = shown(key);
            wrong.push(format!(
                "the octets of attachment {id} are kept, and nothing else of it"
            ));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(wrong)
}

fn shown(key: &[u8]) -> String {
    match key.first_chunk() {
        Some(id) => AttachmentId(*id).to_string(),
        None => "(none)".to_owned(),
    }
}

/// Notes anew who names what, and drops what nobody does. Octets that are damaged stay as they are.
pub fn rebuild(t: &mut WriteTxn<'_>) -> Result<()> {
    t.delete_range(Space::AttachmentNames, &KeyRange::all())?;
    let mut rows = Vec::new();
    each_name(t, KeyRange::all(), |row| rows.push(row))?;
    for row in rows {
        t.put(Space::AttachmentNames, &row, &[])?;
    }
    let mut kept = BTreeSet::new();
    for space in [Space::Attachments, Space::AttachmentData] {
        t.scan(space, &KeyRange::all(), |key, _| {
            kept.extend(key.first_chunk::<16>().copied());
            Ok(ControlFlow::Continue(()))
        })?;
    }
    for id in kept.into_iter().map(AttachmentId) {
        if !is_named(t, id)? {
            drop_data(t, id);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "attachments_tests.rs"]
mod tests;
