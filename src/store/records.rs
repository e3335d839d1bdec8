//! Which nouns are stored as records, and the version each is written in.

use super::codec::Record;
use super::people::{MailRow, NameRow};
use super::prefs::Preferences;
use super::sessions::Session;
use crate::model::calendar::{Calendar, CalendarState};
use crate::model::id::CalendarId;
use crate::model::item::{Change, Item};
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
    Calendar, 1, "a calendar";
    CalendarState, 1, "a calendar's state";
    Item, 1, "a calendar object";
    Change, 1, "a change";
    Preferences, 1, "preferences";
    Session, 1, "a session";
}
