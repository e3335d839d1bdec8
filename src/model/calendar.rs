//! A calendar and its properties, as stored.

use serde::{Deserialize, Serialize};

use super::id::{CalendarId, Calid, PrincipalId};
use crate::ical::datetime::Timestamp;

/// A calendar: where it belongs and what people set on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// The number everything in the store hangs on.
    pub id: CalendarId,
    /// Its name; letter case as [`Calid`] keeps it.
    pub calid: Calid,
    /// The primary owner.
    pub owner: PrincipalId,
    /// The calendar this one is a child of (CAP's tree); none at the top.
    pub parent: Option<CalendarId>,
    /// When it was made.
    pub created: Timestamp,
    /// When a property of it was last changed; components do not count.
    pub modified: Timestamp,
    /// What can be set.
    pub properties: CalendarProperties,
    /// Whether it can be used; one that is switched off answers to the operator alone.
    pub enabled: bool,
    /// Whether it is marked as deleted (CAP's TOMBSTONE): only its owners see that it is still there.
    pub tombstone: bool,
    /// Properties that only CAP knows, as content lines: experimental ones, names in further languages.
    pub extra: Vec<String>,
}

/// A [`Calendar`] as version 2 of its record had it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CalendarV2 {
    id: CalendarId,
    calid: Calid,
    owner: PrincipalId,
    parent: Option<CalendarId>,
    created: Timestamp,
    modified: Timestamp,
    properties: CalendarProperties,
    enabled: bool,
}

/// None was marked as deleted then.
impl From<CalendarV2> for Calendar {
    fn from(old: CalendarV2) -> Self {
        Self {
            id: old.id,
            calid: old.calid,
            owner: old.owner,
            parent: old.parent,
            created: old.created,
            modified: old.modified,
            properties: old.properties,
            enabled: old.enabled,
            tombstone: false,
            extra: Vec::new(),
        }
    }
}

/// A [`Calendar`] as format 1 wrote it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CalendarV1 {
    id: CalendarId,
    calid: Calid,
    owner: PrincipalId,
    parent: Option<CalendarId>,
    created: Timestamp,
    modified: Timestamp,
    properties: CalendarProperties,
}

/// None could be switched off then.
impl From<CalendarV1> for CalendarV2 {
    fn from(old: CalendarV1) -> Self {
        Self {
            id: old.id,
            calid: old.calid,
            owner: old.owner,
            parent: old.parent,
            created: old.created,
            modified: old.modified,
            properties: old.properties,
            enabled: true,
        }
    }
}

/// The settable properties of a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarProperties {
    /// Display name.
    pub name: String,
    /// Free text about it.
    pub description: String,
    /// Preferred language, an RFC 5646 tag.
    pub language: String,
    /// Preferred charset of the owner's clients.
    pub charset: String,
    /// Categories of the calendar itself.
    pub categories: Vec<String>,
    /// Further owners, beside the primary one.
    pub owners: Vec<PrincipalId>,
    /// Contact address of whoever looks after it.
    pub master: String,
    /// Zone of times without one, a name of the tz database.
    pub tzid: String,
    /// Access control entries in order, as written.
    pub acl: Vec<String>,
    /// Whether it stands for a room or a thing.
    pub resource: bool,
    /// Whether two busy events may overlap.
    pub double_booking: bool,
    /// Whether it counts when its owner's free/busy is asked by mail address.
    pub free_busy_include: bool,
    /// Whether messages about a booked UID are applied at once (else the client works the queue).
    pub auto_schedule: bool,
}

/// What changes with every write to a calendar's contents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarState {
    /// Number of the last change; 0 for none. Counts per calendar.
    pub change: u64,
    /// Stamp of the last change, seconds since 1970; never smaller than an earlier one.
    pub stamp: i64,
    /// Deletions stamped before this may have been forgotten, seconds since 1970; 0 when none were.
    pub forgotten: i64,
}
