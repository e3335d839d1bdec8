//! From a core failure to each protocol's own code, one exhaustive match: a new kind does not compile until
//! every door has an answer.

use http::StatusCode;

use crate::core::error::Kind;

/// The answers of the doors to one kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codes {
    /// `X-NSCP-WCAP-ERRNO`; none where WCAP numbers the failure by command.
    pub wcap: Option<i32>,
    /// Status of a web page or an endpoint that is not WCAP.
    pub http: StatusCode,
    /// REQUEST-STATUS of a calendaring command, in CAP's draft and in RFC 4324.
    pub cap: (&'static str, &'static str),
}

/// The codes of a kind.
pub fn codes(kind: Kind) -> Codes {
    use StatusCode as S;
    let (wcap, http, cap) = match kind {
        Kind::NotAuthenticated => (Some(1), S::UNAUTHORIZED, ("6.0", "6.4")),
        // To a client it is a wrong password: it must not learn which guess came close.
        Kind::TooManyAttempts => (Some(1), S::TOO_MANY_REQUESTS, ("6.0", "6.4")),
        Kind::Unavailable => (Some(11001), S::SERVICE_UNAVAILABLE, ("8.0", "8.0")),
        Kind::AnonymousNotAllowed => (Some(75), S::UNAUTHORIZED, ("6.0", "6.4")),
        Kind::AccessDenied | Kind::NotOffered => (Some(28), S::FORBIDDEN, ("6.0", "6.4")),
        Kind::NotAdministrator => (Some(76), S::FORBIDDEN, ("6.0", "6.4")),
        Kind::NotOwner => (Some(47), S::FORBIDDEN, ("6.0", "6.4")),
        Kind::NoSuchCalendar => (Some(29), S::NOT_FOUND, ("6.1", "6.1")),
        Kind::CalendarDisabled => (Some(34), S::FORBIDDEN, ("4.1", "4.1")),
        Kind::DefaultCalendar => (None, S::CONFLICT, ("6.0", "6.4")),
        Kind::NameTaken => (Some(25), S::CONFLICT, ("6.2", "8.5")),
        Kind::BadName => (Some(30), S::BAD_REQUEST, ("6.3", "6.3")),
        Kind::NoSuchPrincipal => (None, S::NOT_FOUND, ("6.1", "6.1")),
        Kind::NoSuchItem | Kind::NoSuchInstance => (Some(59), S::NOT_FOUND, ("6.1", "6.1")),
        Kind::NoSuchAttachment => (Some(87), S::NOT_FOUND, ("6.1", "6.1")),
        Kind::LinkedEvent => (Some(31), S::CONFLICT, ("6.0", "6.4")),
        Kind::LinkedTodo => (Some(32), S::CONFLICT, ("6.0", "6.4")),
        Kind::ItemExists => (Some(63), S::CONFLICT, ("8.5", "8.5")),
        Kind::NothingToModify => (Some(62), S::NOT_FOUND, ("6.1", "6.1")),
        Kind::NoStart => (None, S::BAD_REQUEST, ("3.11", "3.11")),
        Kind::BadValue => (Some(60), S::BAD_REQUEST, ("6.3", "6.3")),
        Kind::UnknownZone => (Some(18), S::BAD_REQUEST, ("6.3", "6.3")),
        Kind::BadData => (Some(37), S::BAD_REQUEST, ("6.3", "6.3")),
        Kind::TooMuch => (None, S::PAYLOAD_TOO_LARGE, ("10.4", "10.4")),
        Kind::DoubleBooked => (Some(40), S::CONFLICT, ("6.3", "6.2")),
        Kind::SameDay => (Some(66), S::CONFLICT, ("6.3", "6.3")),
        Kind::PastNeighbour => (Some(65), S::CONFLICT, ("6.3", "6.3")),
        Kind::InstancePrivacy => (Some(68), S::CONFLICT, ("6.3", "6.3")),
        Kind::NotOrganizer => (Some(45), S::FORBIDDEN, ("3.8", "3.8")),
        Kind::NotAttendeesTurn => (Some(79), S::FORBIDDEN, ("3.8", "3.8")),
        Kind::NoOrganizerAddress => (Some(67), S::BAD_REQUEST, ("3.7", "3.7")),
        Kind::TransparentResource => (Some(80), S::BAD_REQUEST, ("6.3", "6.3")),
        Kind::ReadOnly => (Some(78), S::SERVICE_UNAVAILABLE, ("10.4", "10.4")),
        Kind::Internal => (None, S::INTERNAL_SERVER_ERROR, ("8.0", "8.0")),
    };
    Codes { wcap, http, cap }
}
