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
}

/// The codes of a kind.
pub fn codes(kind: Kind) -> Codes {
    use StatusCode as S;
    let (wcap, http) = match kind {
        Kind::NotAuthenticated => (Some(1), S::UNAUTHORIZED),
        // To a client it is a wrong password: it must not learn which guess came close.
        Kind::TooManyAttempts => (Some(1), S::TOO_MANY_REQUESTS),
        Kind::Unavailable => (Some(11001), S::SERVICE_UNAVAILABLE),
        Kind::AnonymousNotAllowed => (Some(75), S::UNAUTHORIZED),
        Kind::AccessDenied | Kind::NotOffered => (Some(28), S::FORBIDDEN),
        Kind::NotAdministrator => (Some(76), S::FORBIDDEN),
        Kind::NotOwner => (Some(47), S::FORBIDDEN),
        Kind::NoSuchCalendar => (Some(29), S::NOT_FOUND),
        Kind::CalendarDisabled => (Some(34), S::FORBIDDEN),
        Kind::DefaultCalendar => (None, S::CONFLICT),
        Kind::NameTaken => (Some(25), S::CONFLICT),
        Kind::BadName => (Some(30), S::BAD_REQUEST),
        Kind::NoSuchPrincipal => (None, S::NOT_FOUND),
        Kind::NoSuchItem | Kind::NoSuchInstance => (Some(59), S::NOT_FOUND),
        Kind::NoSuchAttachment => (Some(87), S::NOT_FOUND),
        Kind::LinkedEvent => (Some(31), S::CONFLICT),
        Kind::LinkedTodo => (Some(32), S::CONFLICT),
        Kind::ItemExists => (Some(63), S::CONFLICT),
        Kind::NothingToModify => (Some(62), S::NOT_FOUND),
        Kind::NoStart => (None, S::BAD_REQUEST),
        Kind::BadValue => (Some(60), S::BAD_REQUEST),
        Kind::UnknownZone => (Some(18), S::BAD_REQUEST),
        Kind::BadData => (Some(37), S::BAD_REQUEST),
        Kind::TooMuch => (None, S::PAYLOAD_TOO_LARGE),
        Kind::DoubleBooked => (Some(40), S::CONFLICT),
        Kind::SameDay => (Some(66), S::CONFLICT),
        Kind::PastNeighbour => (Some(65), S::CONFLICT),
        Kind::InstancePrivacy => (Some(68), S::CONFLICT),
        Kind::NotOrganizer => (Some(45), S::FORBIDDEN),
        Kind::NotAttendeesTurn => (Some(79), S::FORBIDDEN),
        Kind::NoOrganizerAddress => (Some(67), S::BAD_REQUEST),
        Kind::TransparentResource => (Some(80), S::BAD_REQUEST),
        Kind::ReadOnly => (Some(78), S::SERVICE_UNAVAILABLE),
        Kind::Internal => (None, S::INTERNAL_SERVER_ERROR),
    };
    Codes { wcap, http }
}
