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

impl State {
    /// The state that a METHOD says: none is booked, DELETE marked, any other the message's that waits.
    pub fn of(method: Option<&str>) -> Self {
        match method {
            None => Self::Booked,
            Some("DELETE") => Self::Marked,
            Some(_) => Self::Queued,
        }
    }
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
    /// iTIP method it came with, for queued messages only.
    pub method: Option<String>,
    /// Who stored it last; none for anonymous or the server itself.
    pub actor: Option<PrincipalId>,
    /// Address a queued message came from.
    pub sender: Option<String>,
    /// The ATTENDEE address that stands for this calendar, where somebody else organizes the object.
    pub attendee: Option<String>,
    /// Facts the indexes rest on.
    pub facts: Facts,
}

impl Item {
    /// Whether it waits in the queue and is not booked.
    pub fn is_queued(&self) -> bool {
        self.state() == State::Queued
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        State::of(self.method.as_deref())
    }

    /// How its calendar takes part in it.
    pub fn part(&self) -> Part<'_> {
        Part {
            attendee: self.attendee.as_deref(),
            queued: self.is_queued(),
        }
    }
}

/// How a calendar takes part in an object, which the object's text alone does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part<'a> {
    /// The ATTENDEE address that stands for the calendar, where somebody else organizes the object.
    pub attendee: Option<&'a str>,
    /// Whether the object waits in the queue.
    pub queued: bool,
}

/// What is known of an object without reading its text again. Always derivable from it and the calendar's [`Part`].
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
    /// Whether it, or an instance, is an invitation that waits for the calendar's answer.
    pub invitation: bool,
}

/// An [`Item`] as format 1 wrote it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ItemV1 {
    uid: String,
    kind: Kind,
    text: String,
    created: Timestamp,
    modified: Timestamp,
    change: u64,
    method: Option<String>,
    actor: Option<PrincipalId>,
    sender: Option<String>,
    facts: FactsV1,
}

/// [`Facts`] as format 1 wrote them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FactsV1 {
    span: Option<(i64, i64)>,
    recurring: bool,
    restricted: bool,
    alarms: bool,
    attendees: bool,
}

/// Nobody's part in it was known then.
impl From<ItemV1> for Item {
    fn from(old: ItemV1) -> Self {
        Self {
            uid: old.uid,
            kind: old.kind,
            text: old.text,
            created: old.created,
            modified: old.modified,
            change: old.change,
            method: old.method,
            actor: old.actor,
            sender: old.sender,
            attendee: None,
            facts: Facts {
                span: old.facts.span,
                recurring: old.facts.recurring,
                restricted: old.facts.restricted,
                alarms: old.facts.alarms,
                attendees: old.facts.attendees,
                invitation: false,
            },
        }
    }
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
