//! Which nouns are stored as records, and the version each is written in.

use super::attachments::Attachment;
use super::codec::{DecodeError, Record, decode_body};
use super::people::{MailRow, NameRow};
use super::prefs::Preferences;
use crate::model::calendar::{Calendar, CalendarState, CalendarV1};
use crate::model::id::CalendarId;
use crate::model::item::{Change, Item, ItemV1};
use crate::model::user::Principal;

macro_rules! records {
    ($($type:ty, $version:literal, $what:literal;)+) => {
        $(impl Record for $type {
            const WHAT: &'static str = $what;
            const VERSION: u8 = $version;
        })+
    };
}

records! {
    Principal, 1, "a user or group";
    NameRow, 1, "a name";
    MailRow, 1, "a mail address";
    CalendarId, 1, "a calendar's number";
    CalendarState, 1, "a calendar's state";
    Change, 1, "a change";
    Preferences, 1, "preferences";
    Attachment, 1, "an attachment";
}

impl Record for Calendar {
    const WHAT: &'static str = "a calendar";
    const VERSION: u8 = 2;

    fn from_older(version: u8, body: &[u8]) -> Result<Self, DecodeError> {
        decode_body::<CalendarV1>(Self::WHAT, version, body).map(Self::from)
    }
}

impl Record for Item {
    const WHAT: &'static str = "a calendar object";
    const VERSION: u8 = 2;

    fn from_older(version: u8, body: &[u8]) -> Result<Self, DecodeError> {
        decode_body::<ItemV1>(Self::WHAT, version, body).map(Self::from)
    }
}
