//! The outbox as its operator sees it: messages for people elsewhere listed, shown, tried again, taken out.
//!
//! Writing them is `schedule`'s, sending them the work of whoever empties the outbox.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::attachments::put_into_mail;
use super::error::{Error, Kind, Result};
use super::schedule::attendee::{self, SCHEDULE_STATUS};
use super::schedule::{Method, Status};
use super::transfer::floating;
use super::{Caller, Core};
use crate::ical::component::{Component, Entry, Property};
use crate::ical::datetime::Timestamp;
use crate::ical::delivery::{self, Delivery};
use crate::ical::value::{mail_address, same_address};
use crate::ical::{parse, print};
use crate::model::id::CalendarId;
use crate::store::outbox;
pub use crate::store::outbox::Letter;
use crate::store::{Reader, WriteTxn, calendars, derive, items};

/// Letters that one write changes: bounds how long others wait for it.
const BATCH: usize = 100;

/// Which letters are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters<'a> {
    /// All that wait.
    All,
    /// The one whose id begins so.
    One(&'a str),
}

impl Core {
    /// The letters that wait, those due first first, without their texts.
    pub fn letters(&self) -> Result<Vec<Letter>> {
        self.store().read(|t| Ok(list(t, |_| true)?))
    }

    /// The letter whose id begins with `id`, with the text that its recipient gets.
    ///
    /// Errors: `NoSuchItem` when there is none, `BadValue` when there are several.
    pub fn letter(&self, id: &str) -> Result<Letter> {
        self.store().read(|t| {
            let found = one(t, id)?;
            let mut letter = outbox::get(t, found.due, &found.id)?.ok_or_else(|| no_letter(id))?;
            letter.text = self.leaving(t, &letter)?;
            Ok(letter)
        })
    }

    /// Makes letters due now and forgets what went wrong with them. Answers them without their texts.
    ///
    /// Errors: as of [`Core::letter`].
    pub fn retry_letters(&self, which: Letters<'_>) -> Result<Vec<Letter>> {
        let mut last: HashMap<(CalendarId, String, String), Timestamp> = HashMap::new();
        let now = self.now();
        let chosen = self.chosen(which)?.into_iter().map(|letter| {
            let thread = (
                letter.calendar,
                letter.uid.clone(),
                letter.to.to_lowercase(),
            );
            let due = letter.due.min(now);
            // No letter overtakes another of its thread.
            let due = last.get(&thread).map_or(due, |last| due.max(last.plus(1)));
            last.insert(thread, due);
            (letter, due)
        });
        let chosen: Vec<(Letter, Timestamp)> = chosen.collect();
        self.each(&chosen, |t, letter, due| {
            outbox::remove(t, letter)?;
            let tried = Letter {
                due: *due,
                error: None,
                ..letter.clone()
            };
            Ok(self.post(t, &tried)?)
        })
    }

    /// Takes letters out. The organizer's item says, in the same write, that these people were not reached, so the
    /// next request invites them again. Answers the letters without their texts.
    ///
    /// Errors: as of [`Core::letter`].
    pub fn drop_letters(&self, which: Letters<'_>) -> Result<Vec<Letter>> {
        let chosen: Vec<(Letter, ())> = self.chosen(which)?.into_iter().map(|l| (l, ())).collect();
        self.each(&chosen, |t, letter, ()| {
            outbox::remove(t, letter)?;
            self.note_sent(t, letter, Status::Unavailable)
        })
    }

    fn chosen(&self, which: Letters<'_>) -> Result<Vec<Letter>> {
        match which {
            Letters::All => self.letters(),
            Letters::One(id) => self.store().read(|t| Ok(vec![one(t, id)?])),
        }
    }

    /// Does `act` to each letter that is still there, as it stands in the store; answers those it was done to.
    fn each<T>(
        &self,
        chosen: &[(Letter, T)],
        act: impl Fn(&mut WriteTxn<'_>, &Letter, &T) -> Result<()>,
    ) -> Result<Vec<Letter>> {
        let mut done = Vec::with_capacity(chosen.len());
        for batch in chosen.chunks(BATCH) {
            done.extend(self.store().write(|t| {
                let mut found = Vec::with_capacity(batch.len());
                for (listed, with) in batch {
                    if let Some(letter) = outbox::get(t, listed.due, &listed.id)? {
                        act(t, &letter, with)?;
                        found.push(listed.clone());
                    }
                }
                Ok::<_, Error>(found)
            })?);
        }
        Ok(done)
    }

    /// Notes in the organizer's item what became of a letter which is gone, unless a later one tells all anew.
    pub(super) fn note_sent(
        &self,
        t: &mut WriteTxn<'_>,
        letter: &Letter,
        status: Status,
    ) -> Result<()> {
        let later = outbox::waiting(t, letter.calendar, &letter.uid, &letter.to)?
            .iter()
            .any(|other| other.due > letter.due && other.method == Method::Request.as_str());
        if later || letter.method == Method::Reply.as_str() {
            return Ok(());
        }
        let Some(calendar) = calendars::get(t, letter.calendar)? else {
            return Ok(());
        };
        let item = items::get(t, calendar.id, &letter.uid)?;
        let Some(mut object) = item.as_ref().and_then(derive::object) else {
            return Ok(());
        };
        let before = object.clone();
        for component in &mut object.components {
            attendee::map(component, |attendee| {
                let address = mail_address(attendee.value()).unwrap_or(attendee.value());
                let waits = delivery::of(&attendee) == Some(Delivery::Pending);
                match waits && same_address(address, &letter.to) {
                    true => attendee::with(attendee, SCHEDULE_STATUS, status.code()),
                    false => attendee,
                }
            });
        }
        if object != before {
            let written = self.finish_object(object)?;
            let zone = floating(&calendar.properties.tzid);
            let actor = Caller::System.principal();
            self.book_object(t, &calendar, &zone, &written, actor)?;
        }
        Ok(())
    }

    /// A letter's text as it leaves: with the attachments that are kept here where it takes them along, at most
    /// `limits.mail_attachments` of them; an invitation names those that stay.
    pub fn leaving(&self, t: &impl Reader, letter: &Letter) -> Result<String> {
        if crate::model::attachment::AttachmentId::named_in(&letter.text).is_empty() {
            return Ok(letter.text.clone());
        }
        let parsed = parse::parse(letter.text.as_bytes(), &parse::Limits::DEFAULT);
        let Some(calendar) = parsed.components.into_iter().next() else {
            return Ok(letter.text.clone());
        };
        let invites = letter.method == Method::Request.as_str();
        let most = self.settings().limits.mail_attachments;
        let mut left = (invites && letter.attachments).then_some(most);
        let mut made = Component::new(calendar.name());
        for entry in calendar.into_entries() {
            match entry {
                Entry::Property(property) => made.push(property),
                Entry::Component(mut component) => {
                    let missing = put_into_mail(t, &mut component, &mut left)?;
                    for name in missing.iter().filter(|_| invites) {
                        let note = format!("An attachment is not sent along: {name}");
                        component.push(Property::text("COMMENT", &note));
                    }
                    made.push_component(component);
                }
            }
        }
        Ok(print::to_string(&made))
    }
}

/// The letters for which `wanted` holds, without their texts.
fn list(t: &impl Reader, wanted: impl Fn(&Letter) -> bool) -> crate::store::Result<Vec<Letter>> {
    let mut found = Vec::new();
    outbox::all(t, |mut letter| {
        if wanted(&letter) {
            letter.text = String::new();
            found.push(letter);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The letter whose id begins so, without its text.
fn one(t: &impl Reader, id: &str) -> Result<Letter> {
    let mut found = list(t, |letter| !id.is_empty() && letter.id.starts_with(id))?;
    match (found.pop(), found.len()) {
        (None, _) => Err(no_letter(id)),
        (Some(letter), 0) => Ok(letter),
        (Some(_), others) => {
            let message = format!(
                "expected more of the id than '{id}': {} messages begin so",
                others + 1
            );
            Err(Error::new(Kind::BadValue, message))
        }
    }
}

fn no_letter(id: &str) -> Error {
    let message = format!("there is no message '{id}' in the outbox");
    Error::new(Kind::NoSuchItem, message)
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
