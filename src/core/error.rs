//! What can go wrong in a use case, in the words of calendars; protocol numbers are `codes.rs`'s.

use std::fmt;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Wrong name or password, a disabled account, or a session that is unknown or has ended.
    NotAuthenticated,
    /// Too many attempts to log in have failed; [`Error::wait`] says when the next is looked at.
    TooManyAttempts,
    /// A directory of accounts that is needed cannot be asked now.
    Unavailable,
    /// Anonymous may not do this, or is switched off.
    AnonymousNotAllowed,
    /// The access list does not grant it.
    AccessDenied,
    /// The configuration lets nobody do this.
    NotOffered,
    /// Only an administrator may, or the configuration does not let administrators either.
    NotAdministrator,
    /// Only an owner of the calendar may.
    NotOwner,
    /// No calendar of that name.
    NoSuchCalendar,
    /// The calendar is switched off.
    CalendarDisabled,
    /// A user's default calendar stays as long as the user.
    DefaultCalendar,
    /// A user, group or calendar of that name is there already.
    NameTaken,
    /// The text is no name a user, group or calendar can have.
    BadName,
    /// No user or group of that name.
    NoSuchPrincipal,
    /// No component of that UID and kind.
    NoSuchItem,
    /// No attachment of that id, or in no item that the caller sees.
    NoSuchAttachment,
    /// The series has no such instance.
    NoSuchInstance,
    /// The event is of another calendar and only seen here.
    LinkedEvent,
    /// The to-do is of another calendar and only seen here.
    LinkedTodo,
    /// To be created, but there already.
    ItemExists,
    /// To be changed, but not there.
    NothingToModify,
    /// An event needs a start.
    NoStart,
    /// A value that is wrong in itself or beside the others.
    BadValue,
    /// No time zone of that name.
    UnknownZone,
    /// The data is no sound iCalendar.
    BadData,
    /// More than a limit allows.
    TooMuch,
    /// The calendar forbids overlapping busy events and there is one.
    DoubleBooked,
    /// An override and another instance fall on one day of the series.
    SameDay,
    /// One instance of a series would change places with another.
    PastNeighbour,
    /// One instance would be more or less private or busy than its series.
    InstancePrivacy,
    /// Only the organizer may publish or invite.
    NotOrganizer,
    /// An attendee may not send requests about an item that somebody else organizes.
    NotAttendeesTurn,
    /// An organizer is named without a calendar or an address.
    NoOrganizerAddress,
    /// A resource is busy whenever it is booked.
    TransparentResource,
    /// The store takes no writes now.
    ReadOnly,
    /// A defect or a failing disk; details are in the log.
    Internal,
}

/// A failure: its kind and one sentence for people.
pub struct Error {
    kind: Kind,
    message: String,
    wait: Option<i64>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What use cases answer.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure and a sentence saying what was expected and what was found.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            wait: None,
            source: None,
        }
    }

    /// This failure with what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// This failure, not to be repeated before so many seconds have passed.
    #[must_use]
    pub fn retry_after(mut self, seconds: i64) -> Self {
        self.wait = Some(seconds);
        self
    }

    /// Seconds to wait before asking again, where that is known.
    pub fn wait(&self) -> Option<i64> {
        self.wait
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// No calendar called `calid`.
    pub fn no_calendar(calid: &str) -> Self {
        Self::new(
            Kind::NoSuchCalendar,
            format!("there is no calendar '{calid}'"),
        )
    }

    /// The calendar `calid` is switched off.
    pub fn disabled(calid: &str) -> Self {
        Self::new(
            Kind::CalendarDisabled,
            format!("the calendar '{calid}' is switched off"),
        )
    }

    /// The access list does not grant `what` on `calid`.
    pub fn denied(what: &str, calid: &str) -> Self {
        Self::new(
            Kind::AccessDenied,
            format!("no right to {what} in calendar '{calid}'"),
        )
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)?;
        self.source
            .as_ref()
            .map_or(Ok(()), |source| write!(f, " ({source})"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|s| s as &(dyn std::error::Error + 'static))
    }
}
