//! A stored calendar object: the text as it came and the facts derived from it.

use serde::{Deserialize, Serialize};

use super::id::PrincipalId;
use crate::ical::datetime::Timestamp;
use crate::ical::object::Kind;

/// Where an object stands in its calendar (CAP's booked, queued and marked-for-deletion).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// Part of the calendar.
    Booked = 0,
    /// A scheduling message that waits to be worked.
    Queued = 1,
    /// Marked for deletion.
    Marked = 2,
}

/// One record: master and overrides of a UID in a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The UID, to the byte.
    pub uid: String,
    /// What it is about.
    pub kind: Kind,
    /// The iCalendar text, a VCALENDAR, nothing lost.
    pub text: String,
    /// When it was first stored here.
    pub created: Timestamp,
    /// When it was last changed here.
    pub modified: Timestamp,
    /// Which change of the calendar that was.
    pub change: u64,
    /// iTIP method it came with, for queued messages.
    pub method: Option<String>,
    /// Who stored it last; none for anonymous or the server itself.
    pub actor: Option<PrincipalId>,
    /// Address a queued message came from.
    pub sender: Option<String>,
    /// Facts the indexes rest on.
    pub facts: Facts,
}

/// What is known of an object without reading its text again. Always derivable from it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// First instant and first instant after the last instance; the end is `Timestamp::MAX.0` when endless.
    /// None for a to-do or journal without any date.
    pub span: Option<(i64, i64)>,
    /// Whether it has rules, extra dates or overrides.
    pub recurring: bool,
    /// Whether a component in it is PRIVATE or CONFIDENTIAL.
    pub restricted: bool,
    /// Whether it has alarms.
    pub alarms: bool,
    /// Whether it has attendees.
    pub attendees: bool,
}

/// What happened in one step of a calendar's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The UID.
    pub uid: String,
    /// The one instance it was about, as a RECURRENCE-ID value; none for the whole object.
    pub recurrence_id: Option<String>,
    /// What the object was about.
    pub kind: Kind,
    /// What was done.
    pub operation: Operation,
    /// By whom; none for anonymous or the server itself.
    pub actor: Option<PrincipalId>,
    /// For deletions: a stub with UID, RECURRENCE-ID, DTSTART, DTEND and rules, as an iCalendar text.
    pub stub: Option<String>,
}

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// The object is new.
    Create,
    /// It was changed.
    Modify,
    /// It, or one instance, was deleted.
    Delete,
}
