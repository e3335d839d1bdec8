//! Status codes of CSTP status lines (draft-ietf-calsch-cap-04 section 8).
//!
//! Not the REQUEST-STATUS values inside objects, which share the number space.

use std::fmt;

/// The code that opens a status line, such as `2.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(&'static str);

impl Status {
    /// Done.
    pub const SUCCESS: Self = Self("2.0");
    /// The object may come now.
    pub const SEND_DATA: Self = Self("2.0.1");
    /// The time the client allowed is over and the work is not: CONTINUE or ABORT.
    pub const STILL_WORKING: Self = Self("2.0.2");
    /// Stopped as the client wished.
    pub const ABORTED: Self = Self("2.0.3");
    /// The TLS handshake may begin with the next octet.
    pub const START_TLS: Self = Self("2.0.12");
    /// An expansion that the caller may not see.
    pub const EXPAND_DENIED: Self = Self("2.1");
    /// An expansion of what is not there.
    pub const NOT_FOUND: Self = Self("2.2");
    /// CONTINUE or ABORT found nothing in progress.
    pub const NOTHING_PENDING: Self = Self("2.2");
    /// An expansion with more than the limit; the first follow.
    pub const EXPAND_CLIPPED: Self = Self("2.3");
    /// An expansion that did not come to its end.
    pub const EXPAND_FAILED: Self = Self("2.4");
    /// Login: the credentials are wrong, or no answer of the mechanism.
    pub const LOGIN_FAILED: Self = Self("6.0");
    /// Login: an authorization identity other than one's own; IDENTIFY is for that.
    pub const LOGIN_AS_OTHER: Self = Self("6.1");
    /// Login: the client cancelled.
    pub const LOGIN_CANCELLED: Self = Self("6.2");
    /// Arguments that the verb does not take; at AUTHENTICATE a mechanism that is not offered.
    pub const BAD_ARGUMENTS: Self = Self("6.3");
    /// Login: the accounts cannot be asked now.
    pub const LOGIN_UNAVAILABLE: Self = Self("6.4");
    /// IDENTIFY: not for whoever logged in here.
    pub const NOT_PERMITTED: Self = Self("6.4");
    /// STARTTLS where TLS is not to be had.
    pub const NO_TLS: Self = Self("6.5");
    /// Login: this mechanism only inside TLS.
    pub const NEEDS_TLS: Self = Self("6.7");
    /// Given up because of time.
    pub const GIVEN_UP: Self = Self("7.0");
    /// A defect or a failing disk; the log says more.
    pub const INTERNAL: Self = Self("8.0");
    /// More connections than the server takes.
    pub const BUSY: Self = Self("8.1");
    /// An object beyond MAXICALOBJECTSIZE.
    pub const TOO_LARGE: Self = Self("8.2");
    /// No such verb, or one that this server does not carry out.
    pub const UNRECOGNISED: Self = Self("9.0");
    /// A verb that the present state does not allow.
    pub const UNEXPECTED: Self = Self("9.1");
    /// The server is going down.
    pub const STOPPING: Self = Self("10.2");
    /// More at once than the server takes from one session, or from one address.
    pub const EXHAUSTED: Self = Self("10.4");

    /// All of them; some share a code.
    pub const ALL: [Self; 26] = [
        Self::SUCCESS,
        Self::SEND_DATA,
        Self::STILL_WORKING,
        Self::ABORTED,
        Self::START_TLS,
        Self::EXPAND_DENIED,
        Self::NOT_FOUND,
        Self::NOTHING_PENDING,
        Self::EXPAND_CLIPPED,
        Self::EXPAND_FAILED,
        Self::LOGIN_FAILED,
        Self::LOGIN_AS_OTHER,
        Self::LOGIN_CANCELLED,
        Self::BAD_ARGUMENTS,
        Self::LOGIN_UNAVAILABLE,
        Self::NOT_PERMITTED,
        Self::NO_TLS,
        Self::NEEDS_TLS,
        Self::GIVEN_UP,
        Self::INTERNAL,
        Self::BUSY,
        Self::TOO_LARGE,
        Self::UNRECOGNISED,
        Self::UNEXPECTED,
        Self::STOPPING,
        Self::EXHAUSTED,
    ];

    /// Whether the peer sent what no working client sends; too many in a row end the session.
    pub fn is_client_fault(self) -> bool {
        self == Self::BAD_ARGUMENTS || self == Self::UNRECOGNISED || self == Self::UNEXPECTED
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
