//! Messages for other calendar stores: which are to be carried now, and what became of each.
//!
//! Carrying them is a door's work. No message overtakes another about the same item to the same recipient: while one waits,
//! those behind it do. draft-ietf-calsch-cap-04 section 10.

use std::collections::HashSet;
use std::fmt;
use std::sync::OnceLock;

use super::error::{Error, Kind, Result};
use super::schedule::Status;
use super::schedule::receive::{Itip, check_form};
use super::transfer::{PRODID, floating};
use super::{Caller, Core};
use crate::ical::component::{Entry, Property};
use crate::ical::datetime::Timestamp;
use crate::ical::object::{CalendarObject, split, to_calendar};
use crate::ical::value;
use crate::ical::{parse, print};
use crate::model::id::{Calid, cap_address};
use crate::store::outbox::{self, Letter};
use crate::store::{WriteTxn, calendars, queue};

/// Waits after failed attempts, in seconds: 1, 5, 15 and 60 minutes, then hourly.
const WAITS: [i64; 4] = [60, 5 * 60, 15 * 60, 60 * 60];

/// Tells whoever carries messages that there are new ones.
#[derive(Default)]
pub(super) struct Bell(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bell")
    }
}

/// What became of an attempt to carry a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The other store has it.
    Delivered,
    /// The other store does not take it: its code and its words.
    Refused(String),
    /// The other store could not be asked: why.
    Unreached(String),
}

/// A message that somebody sends to a calendar of another store.
#[derive(Debug, Clone, Copy)]
pub struct Dispatch<'a> {
    /// What it wants.
    pub itip: Itip,
    /// What it is about.
    pub object: &'a CalendarObject,
    /// The address under which it is sent.
    pub from: &'a str,
    /// The address of the calendar.
    pub to: &'a str,
    /// The store.
    pub csid: &'a str,
}

impl Core {
    /// Has `ring` called, quickly, after every write that puts messages into the outbox. The first call counts.
    pub fn on_letters(&self, ring: impl Fn() + Send + Sync + 'static) {
        let _ = self.inner.bell.0.set(Box::new(ring));
    }

    /// Puts a letter into the outbox.
    pub(super) fn post(&self, t: &mut WriteTxn<'_>, letter: &Letter) -> crate::store::Result<()> {
        outbox::put(t, letter)?;
        let core = self.clone();
        t.after_commit(move || {
            if let Some(ring) = core.inner.bell.0.get() {
                ring();
            }
        });
        Ok(())
    }

    /// The messages for the store `csid` that are to be carried now, at most `limits.relay_batch`, with their texts as they
    /// leave; and when there are more.
    pub fn due_relays(&self, csid: &str) -> Result<(Vec<Letter>, Option<Timestamp>)> {
        let (now, most) = (self.now(), self.settings().limits.relay_batch);
        self.store().read(|t| {
            let (found, next) = outbox::due_relays(t, csid, now, most)?;
            let mut threads = HashSet::new();
            let mut letters = Vec::with_capacity(found.len());
            for mut letter in found {
                let to = letter.to.to_lowercase();
                if threads.insert((letter.calendar, letter.uid.clone(), to)) {
                    letter.text = self.leaving(t, &letter)?;
                    letters.push(letter);
                }
            }
            Ok((letters, next))
        })
    }

    /// Notes what became of a message. One that did not arrive is tried again later; when it is `limits.relay_life` old it
    /// is given up, and the sender finds a notice of that (10.5) in the calendar's queue.
    pub fn settle_relay(&self, letter: &Letter, fate: &Fate) -> Result<()> {
        let now = self.now();
        self.store().write(|t| {
            // It may have been taken out of the outbox, or replaced, meanwhile.
            let Some(letter) = outbox::get(t, letter.due, &letter.id)? else {
                return Ok(());
            };
            let life = self.settings().limits.relay_life.as_secs();
            let age = now.0.saturating_sub(letter.written.0);
            match fate {
                Fate::Delivered => {
                    outbox::remove(t, &letter)?;
                    self.note_sent(t, &letter, Status::Delivered)
                }
                Fate::Refused(why) => {
                    outbox::remove(t, &letter)?;
                    self.note_sent(t, &letter, Status::NoAuthority)?;
                    self.notice(t, &letter, why)
                }
                Fate::Unreached(_) if age >= i64::try_from(life).unwrap_or(i64::MAX) => {
                    outbox::remove(t, &letter)?;
                    self.note_sent(t, &letter, Status::Unavailable)?;
                    self.notice(t, &letter, "10.5;Delivery was given up")
                }
                Fate::Unreached(why) => postpone(t, letter, now, why),
            }
        })
    }

    /// Puts into the queue of the sender's calendar what was sent, and why it did not arrive.
    fn notice(&self, t: &mut WriteTxn<'_>, letter: &Letter, why: &str) -> Result<()> {
        let Some(calendar) = calendars::get(t, letter.calendar)? else {
            return Ok(());
        };
        let Some(mut object) = object_of(&letter.text) else {
            return Ok(());
        };
        let address = addressed(&letter.to);
        for component in &mut object.components {
            component.remove("ATTACH");
            component.remove("REQUEST-STATUS");
            component.retain(|entry| matches!(entry, Entry::Property(_)));
            let (code, text) = why.split_once(';').unwrap_or((why, ""));
            component.push(value::request_status_property(code, text, Some(&address)));
        }
        let written = self.finish_object(object)?;
        let message = queue::Message {
            object: &written.object,
            text: written.text(),
            method: &letter.method,
            sender: &addressed(&letter.from),
            attendee: None,
            actor: None,
        };
        let zone = floating(&calendar.properties.tzid);
        queue::put(t, calendar.id, &zone, message)?;
        Ok(())
    }

    /// The address under which `caller` sends a message, and the name to say at the other store. Errors: as of
    /// [`Core::receive`], whose checks of a message's form and sender it makes.
    pub fn sender(
        &self,
        caller: &Caller,
        itip: Itip,
        object: &CalendarObject,
    ) -> Result<(String, String)> {
        check_form(itip, object)?;
        let from = self
            .store()
            .read(|t| self.sender_of(t, caller, itip, object))?;
        let upn = self.speaker(&from);
        Ok((from, upn))
    }

    /// The name to say at another store by whoever sends messages under an address: the mail address, or the name of the
    /// user whose calendar it is.
    pub fn speaker(&self, from: &str) -> String {
        let calid = cap_address(from).and_then(|(_, path)| Calid::parse(path, self.domain()).ok());
        match calid {
            Some(calid) => format!("{}@{}", calid.local, calid.domain),
            None => mailed(from).to_lowercase(),
        }
    }

    /// Whether messages of the caller about an item wait to go to an address.
    pub fn has_letters(&self, caller: &Caller, uid: &str, to: &str) -> Result<bool> {
        self.store().read(|t| {
            let home = self.access(t, caller, None)?.calendar().id;
            Ok(!outbox::waiting(t, home, uid, mailed(to))?.is_empty())
        })
    }

    /// Leaves a message to another store in the outbox, behind those to the same address that wait.
    ///
    /// Errors: `BadValue` for callers without a calendar, in whose name nothing can wait; `TooMuch` when the outbox is full.
    pub fn leave_for_store(&self, caller: &Caller, dispatch: &Dispatch<'_>) -> Result<()> {
        let head = [
            Property::new("VERSION", "2.0"),
            Property::new("PRODID", PRODID),
            Property::new("METHOD", dispatch.itip.as_str()),
        ];
        let text = print::to_string(&to_calendar([dispatch.object], head));
        self.store().write(|t| {
            let now = self.now();
            let home = self.access(t, caller, None)?.calendar().id;
            let (uid, to) = (&dispatch.object.uid, mailed(dispatch.to));
            let most = self.settings().limits.outbox;
            if outbox::count(t)? >= most as u64 {
                let message = format!("expected at most {most} messages in the outbox");
                return Err(Error::new(Kind::TooMuch, message));
            }
            let waiting = outbox::waiting(t, home, uid, to)?;
            let last = waiting.iter().map(|letter| letter.due).max();
            let letter = Letter {
                id: self.ids().uid(),
                method: dispatch.itip.as_str().to_owned(),
                uid: uid.clone(),
                from: mailed(dispatch.from).to_owned(),
                to: to.to_owned(),
                calendar: home,
                text: text.clone(),
                attachments: true,
                written: now,
                due: last.map_or(now, |last| last.plus(1).max(now)),
                attempts: 0,
                error: None,
                first: false,
                relay: Some(dispatch.csid.to_owned()),
            };
            Ok(self.post(t, &letter)?)
        })
    }
}

/// Makes a letter due after the next wait, and those behind it after it.
fn postpone(t: &mut WriteTxn<'_>, letter: Letter, now: Timestamp, why: &str) -> Result<()> {
    let at = usize::try_from(letter.attempts).unwrap_or(usize::MAX);
    let wait = WAITS.get(at).or(WAITS.last()).copied().unwrap_or_default();
    let mut due = now.plus(wait);
    let behind = outbox::waiting(t, letter.calendar, &letter.uid, &letter.to)?;
    let behind = behind.into_iter().filter(|other| other.due > letter.due);
    let behind: Vec<Letter> = behind.collect();
    outbox::remove(t, &letter)?;
    let tried = Letter {
        attempts: letter.attempts.saturating_add(1),
        error: Some(why.to_owned()),
        due,
        ..letter
    };
    outbox::put(t, &tried)?;
    for other in behind {
        due = due.plus(1);
        outbox::remove(t, &other)?;
        let due = other.due.max(due);
        outbox::put(t, &Letter { due, ..other })?;
    }
    Ok(())
}

/// An address as letters have it: of mail without its scheme.
fn mailed(address: &str) -> &str {
    value::mail_address(address).unwrap_or(address)
}

/// An address of a letter with its scheme.
pub fn addressed(text: &str) -> String {
    match text.contains("://") || value::mail_address(text).is_some() {
        true => text.to_owned(),
        false => format!("mailto:{text}"),
    }
}

/// What a message is about.
pub fn object_of(text: &str) -> Option<CalendarObject> {
    let parsed = parse::parse(text.as_bytes(), &parse::Limits::DEFAULT);
    let objects = split(parsed.components, &mut String::new).objects;
    objects.into_iter().next()
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
