//! Messages that wait to leave: one row for each recipient, in the order in which they are due.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::space::Space;
use super::{Key, KeyRange, Reader, WriteTxn, codec};
use crate::ical::datetime::Timestamp;
use crate::model::id::CalendarId;

/// A message to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its name, unique in the outbox.
    pub id: String,
    /// The iTIP method, in capitals.
    pub method: String,
    /// The UID of what it is about.
    pub uid: String,
    /// The mail address it comes from.
    pub from: String,
    /// The mail address it goes to.
    pub to: String,
    /// The calendar whose owner sends it.
    pub calendar: CalendarId,
    /// The message, a VCALENDAR with its METHOD.
    pub text: String,
    /// Whether attachments that are kept here go along.
    pub attachments: bool,
    /// When it was written.
    pub written: Timestamp,
    /// When it is to be tried next.
    pub due: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong the last time.
    pub error: Option<String>,
}

fn key(due: Timestamp, id: &str) -> Key {
    Key::new().time(due).raw(id.as_bytes())
}

/// The row of [`count`], kept in step with the letters so that asking costs one look.
const COUNT: &[u8] = b"count:outbox";

/// How many letters wait.
pub fn count(t: &impl Reader) -> Result<u64> {
    let bytes = t.get(Space::Meta, COUNT)?;
    let number = bytes.and_then(|bytes| <[u8; 8]>::try_from(bytes.as_slice()).ok());
    Ok(number.map_or(0, u64::from_be_bytes))
}

fn set_count(t: &mut WriteTxn<'_>, count: u64) -> Result<()> {
    t.put(Space::Meta, COUNT, &count.to_be_bytes())
}

/// Adds a letter.
pub fn put(t: &mut WriteTxn<'_>, letter: &Letter) -> Result<()> {
    t.save(Space::Outbox, &key(letter.due, &letter.id), letter)?;
    let count = count(t)?;
    set_count(t, count.saturating_add(1))
}

/// Takes a letter away.
pub fn remove(t: &mut WriteTxn<'_>, letter: &Letter) -> Result<()> {
    t.delete(Space::Outbox, &key(letter.due, &letter.id));
    let count = count(t)?;
    set_count(t, count.saturating_sub(1))
}

/// Visits the letters, those due first first.
pub fn all(
    t: &impl Reader,
    mut visit: impl FnMut(Letter) -> Result<ControlFlow<()>>,
) -> Result<()> {
    t.scan(Space::Outbox, &KeyRange::all(), |key, value| {
        let letter = codec::decode(value);
        visit(letter.map_err(|cause| Error::corrupt(Space::Outbox, key, cause))?)
    })
}

/// The letter called `id`. Walks all of them: for administration only.
pub fn find(t: &impl Reader, id: &str) -> Result<Option<Letter>> {
    let mut found = None;
    all(t, |letter| {
        if letter.id == id {
            found = Some(letter);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
