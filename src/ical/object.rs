//! A calendar object: the components of one UID, with the time zones they use (RFC 5545 section 3.8.4.7).

use super::component::Component;

/// What a calendar object is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Kind {
    /// VEVENT
    Event,
    /// VTODO
    Todo,
    /// VJOURNAL
    Journal,
}

/// Master (at most one, then first) and overrides of one UID, and the VTIMEZONEs they name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarObject {
    /// What all its components are.
    pub kind: Kind,
    /// The UID, unescaped, kept to the byte.
    pub uid: String,
    /// The master first if there is one, then overrides (those with RECURRENCE-ID) in source order.
    pub components: Vec<Component>,
    /// VTIMEZONE components the times refer to, in source order.
    pub timezones: Vec<Component>,
}
