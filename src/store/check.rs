//! Reading every record once: whether all of the store can still be read.

use std::ops::ControlFlow;

use super::attachments::Attachment;
use super::codec::{self, DecodeError, Record};
use super::error::Result;
use super::links::Link;
use super::outbox::Letter;
use super::people::{MailRow, NameRow};
use super::prefs::Preferences;
use super::sessions::Session;
use super::space::Space;
use super::{Error, KeyRange, Reader, named};
use crate::model::calendar::{Calendar, CalendarState};
use crate::model::id::CalendarId;
use crate::model::item::{Change, Item};
use crate::model::user::Principal;

type Decoder = fn(&[u8]) -> Option<DecodeError>;

fn of<R: Record>(bytes: &[u8]) -> Option<DecodeError> {
    codec::decode::<R>(bytes).err()
}

/// How the rows of each space with records are read. The other spaces hold keys alone, numbers or texts.
const DECODERS: [(Space, Decoder); 13] = [
    (Space::Principals, of::<Principal>),
    (Space::Names, of::<NameRow>),
    (Space::Mail, of::<MailRow>),
    (Space::Calendars, of::<Calendar>),
    (Space::CalendarStates, of::<CalendarState>),
    (Space::CalendarNames, of::<CalendarId>),
    (Space::Objects, of::<Item>),
    (Space::Journal, of::<Change>),
    (Space::Sessions, of::<Session>),
    (Space::Prefs, of::<Preferences>),
    (Space::Links, of::<Link>),
    (Space::Attachments, of::<Attachment>),
    (Space::Outbox, of::<Letter>),
];

/// How many rows there are, and a sentence for each that cannot be read.
///
/// Errors: only when the engine itself fails; a damaged row is a finding, not an error.
pub fn records(t: &impl Reader) -> Result<(u64, Vec<String>)> {
    let mut rows = 0;
    let mut problems = Vec::new();
    for space in Space::ALL {
        let decode = DECODERS
            .iter()
            .find(|(s, _)| *s == space)
            .map(|(_, decode)| *decode);
        t.scan(space, &KeyRange::all(), |key, value| {
            rows += 1;
            // These are texts, and no records.
            if space == Space::Named
                && let Err(cause) = named::row(key, value)
            {
                problems.push(cause.to_string());
            }
            if let Some(cause) = decode.and_then(|decode| decode(value)) {
                problems.push(Error::corrupt(space, key, cause).to_string());
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok((rows, problems))
}
