//! Messages that wait to leave: one row for each recipient, in the order in which they are due.
//!
//! Messages about one item to one recipient are a thread: a second row of keys leads to them, so that what a new
//! message makes needless is found without a walk over the others. What is needless is the core's to say. Messages that
//! go to another calendar store, and not by mail, have a third row, so that whoever carries them finds them alone.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::space::Space;
use super::{Key, KeyRange, Reader, WriteTxn, codec, layout};
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
    /// Whether the recipient was never sent anything of the item before.
    pub first: bool,
    /// The calendar store it goes to, by its name in addresses; none for what goes by mail.
    pub relay: Option<String>,
}

/// [`Letter`] as version 1 wrote it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LetterV1 {
    id: String,
    method: String,
    uid: String,
    from: String,
    to: String,
    calendar: CalendarId,
    text: String,
    attachments: bool,
    written: Timestamp,
    due: Timestamp,
    attempts: u32,
    error: Option<String>,
}

/// [`Letter`] as version 2 wrote it: everything went by mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LetterV2 {
    old: LetterV1,
    first: bool,
}

impl From<LetterV2> for Letter {
    fn from(old: LetterV2) -> Self {
        Self {
            first: old.first,
            ..Self::from(old.old)
        }
    }
}

/// What was sent before was not known then, so it may have been something.
impl From<LetterV1> for Letter {
    fn from(old: LetterV1) -> Self {
        Self {
            id: old.id,
            method: old.method,
            uid: old.uid,
            from: old.from,
            to: old.to,
            calendar: old.calendar,
            text: old.text,
            attachments: old.attachments,
            written: old.written,
            due: old.due,
            attempts: old.attempts,
            error: old.error,
            first: false,
            relay: None,
        }
    }
}

fn key(due: Timestamp, id: &str) -> Key {
    Key::new().time(due).raw(id.as_bytes())
}

fn thread(calendar: CalendarId, uid: &str, to: &str) -> Key {
    layout::calendar(calendar)
        .text(uid)
        .text(&to.to_lowercase())
}

fn thread_row(letter: &Letter) -> Key {
    thread(letter.calendar, &letter.uid, &letter.to)
        .time(letter.due)
        .raw(letter.id.as_bytes())
}

fn relays(csid: &str) -> Key {
    Key::new().text(csid)
}

fn relay_row(letter: &Letter) -> Option<Key> {
    let csid = letter.relay.as_deref()?;
    Some(relays(csid).time(letter.due).raw(letter.id.as_bytes()))
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
    let row = key(letter.due, &letter.id);
    t.save(Space::Outbox, &row, letter)?;
    t.put(Space::OutboxThreads, &thread_row(letter), &[])?;
    if let Some(row) = relay_row(letter) {
        t.put(Space::OutboxRelays, &row, &[])?;
    }
    let count = count(t)?;
    set_count(t, count.saturating_add(1))
}

/// Takes a letter away.
pub fn remove(t: &mut WriteTxn<'_>, letter: &Letter) -> Result<()> {
    let row = key(letter.due, &letter.id);
    t.delete(Space::Outbox, &row);
    t.delete(Space::OutboxThreads, &thread_row(letter));
    if let Some(row) = relay_row(letter) {
        t.delete(Space::OutboxRelays, &row);
    }
    let count = count(t)?;
    set_count(t, count.saturating_sub(1))
}

/// The letter called `id` that is due then; none when it has left or is due at another time.
pub fn get(t: &impl Reader, due: Timestamp, id: &str) -> Result<Option<Letter>> {
    t.load(Space::Outbox, &key(due, id))
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

/// The letters about an item that wait to go from a calendar to one recipient, those due first first.
pub fn waiting(t: &impl Reader, calendar: CalendarId, uid: &str, to: &str) -> Result<Vec<Letter>> {
    let prefix = thread(calendar, uid, to);
    let mut rows: Vec<Vec<u8>> = Vec::new();
    layout::visit_prefix(t, Space::OutboxThreads, &prefix, |row, _| {
        // What is left of the key is the letter's own.
        rows.extend(row.get(prefix.len()..).map(<[u8]>::to_vec));
        Ok(())
    })?;
    let mut letters = Vec::with_capacity(rows.len());
    for row in rows {
        letters.extend(t.load::<Letter>(Space::Outbox, &row)?);
    }
    Ok(letters)
}

/// The letters for the calendar store `csid` that are due at `now`, at most `most`, those due first first; and when the next
/// one is due that is not among them.
pub fn due_relays(
    t: &impl Reader,
    csid: &str,
    now: Timestamp,
    most: usize,
) -> Result<(Vec<Letter>, Option<Timestamp>)> {
    let (mut letters, mut next) = (Vec::new(), None);
    let prefix = relays(csid);
    t.scan(
        Space::OutboxRelays,
        &KeyRange::prefix(prefix.to_vec()),
        |row, _| {
            // What is left of the key is the letter's own.
            let row = row.get(prefix.len()..).unwrap_or_default();
            let Some(letter) = t.load::<Letter>(Space::Outbox, row)? else {
                return Ok(ControlFlow::Continue(()));
            };
            if letter.due > now || letters.len() == most {
                next = Some(letter.due);
                return Ok(ControlFlow::Break(()));
            }
            letters.push(letter);
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok((letters, next))
}

/// The rows that are made from the letters, in the spaces where they stand.
type Rows = [(Space, BTreeSet<Vec<u8>>); 2];

/// What the rows made from the letters, and their count, should be.
fn derived(t: &impl Reader) -> Result<(Rows, u64)> {
    let (mut threads, mut relays, mut count) = (BTreeSet::new(), BTreeSet::new(), 0);
    all(t, |letter| {
        threads.insert(thread_row(&letter).into());
        relays.extend(relay_row(&letter).map(Vec::from));
        count += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    let rows = [
        (Space::OutboxThreads, threads),
        (Space::OutboxRelays, relays),
    ];
    Ok((rows, count))
}

/// What is wrong with what is derived from the letters, one sentence each.
pub fn verify(t: &impl Reader) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let (rows, letters) = derived(t)?;
    for (space, mut expected) in rows {
        t.scan(space, &KeyRange::all(), |key, _| {
            if !expected.remove(key) {
                wrong.push("the outbox knows of a message that is not there".to_owned());
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if !expected.is_empty() {
            let count = expected.len();
            wrong.push(format!("{count} messages in the outbox are not noted"));
        }
    }
    let counted = count(t)?;
    if counted != letters {
        wrong.push(format!(
            "the outbox counts {counted} messages and holds {letters}"
        ));
    }
    Ok(wrong)
}

/// Makes anew what is derived from the letters.
pub fn rebuild(t: &mut WriteTxn<'_>) -> Result<()> {
    let (rows, count) = derived(t)?;
    for (space, rows) in rows {
        t.delete_range(space, &KeyRange::all())?;
        for row in rows {
            t.put(space, &row, &[])?;
        }
    }
    set_count(t, count)
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
