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
    /// CONTINUE or ABORT found nothing in progress.
    pub const NOTHING_PENDING: Self = Self("2.2");
    /// Arguments that the verb does not take; at AUTHENTICATE a mechanism that is not offered.
    pub const BAD_ARGUMENTS: Self = Self("6.3");
    /// STARTTLS where TLS is not to be had.
    pub const NO_TLS: Self = Self("6.5");
    /// More connections than the server takes.
    pub const BUSY: Self = Self("8.1");
    /// No such verb, or one that this server does not carry out.
    pub const UNRECOGNISED: Self = Self("9.0");
    /// A verb that the present state does not allow.
    pub const UNEXPECTED: Self = Self("9.1");
    /// The server is going down.
    pub const STOPPING: Self = Self("10.2");

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
