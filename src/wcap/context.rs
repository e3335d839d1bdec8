//! What a command sees of a request, and how it fails. Knows no HTTP.

use crate::codes::codes;
use crate::core::{self, Caller, Client, Core, Identity};
use crate::ical::datetime::Timestamp;
use crate::wcap::args::{ArgError, Args};
use crate::wcap::errno::Errno;
use crate::wcap::format::Format;
use crate::wcap::registry::Row;

/// What the `id` parameter turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Session {
    /// None was sent.
    None,
    /// One that is unknown or has ended.
    Dead,
    /// One that lives.
    Live {
        /// The id as sent.
        token: String,
        /// Who logged in.
        caller: Caller,
    },
}

/// What old clients expect and newer ones do not, as the configuration says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compatibility {
    /// Whether login without a format answers a page.
    pub login_page: bool,
    /// Whether `orgUID` alone names the organizer of a new item, as before Calendar Server 6.3.
    pub organizer_by_user: bool,
}

/// A file that came with the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The name of its part of the form; empty for a body that is no form.
    pub field: String,
    /// The file name the client gave.
    pub file_name: Option<String>,
    /// The media type the client gave.
    pub content_type: Option<String>,
    /// Its octets.
    pub content: bytes::Bytes,
    /// Whether it was a part of a form or message; else it was the whole body.
    pub part: bool,
    /// The id the client gave the part.
    pub content_id: Option<String>,
}

/// One request, as its command sees it.
pub struct Context {
    /// The command's row.
    pub row: &'static Row,
    /// The use cases.
    pub core: Core,
    /// Who sends the request.
    pub client: Client,
    /// On whose behalf: anonymous without a living session.
    pub caller: Caller,
    /// The session, for the commands about sessions.
    pub session: Session,
    /// The parameters.
    pub args: Args,
    /// The format of the answer; only commands that make files of their own need it.
    pub format: Format,
    /// Files sent along, in order.
    pub uploads: Vec<Upload>,
    /// What addresses of this server's commands begin with.
    pub base: String,
    /// The time of the request.
    pub now: Timestamp,
    /// What old clients are given.
    pub compatibility: Compatibility,
}

impl Context {
    /// The user, for commands that nobody in particular cannot use.
    pub fn identity(&self) -> Result<&Identity, Failure> {
        self.caller
            .identity()
            .ok_or(Failure::Errno(Errno::AnonymousNotAllowed))
    }

    /// The errno of one calendar of an answer, where others may do better.
    pub fn errno(&self, failure: impl Into<Failure>) -> Errno {
        let failure = failure.into();
        let errno = self.refusal(failure.errno(self.row));
        tracing::debug!(command = self.row.name, %errno, reason = %failure, "WCAP calendar failed");
        errno
    }

    /// The errno of a refusal: to the owner of a session that has ended it says so, because a stranger's view
    /// must never be taken for one's own, neither of what is closed nor of what is not there.
    pub fn refusal(&self, errno: Errno) -> Errno {
        match (errno, &self.session) {
            (Errno::AccessDenied | Errno::NoSuchCalendar, Session::Dead) => Errno::LoginFailed,
            _ => errno,
        }
    }
}

/// Why a command gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Its parameters cannot be used.
    #[error(transparent)]
    Args(#[from] ArgError),
    /// The core refused or failed.
    #[error(transparent)]
    Core(#[from] core::Error),
    /// A failure the protocol has a number for.
    #[error("errno {0}")]
    Errno(Errno),
}

impl Failure {
    /// The number the client gets from the command of `row`.
    pub fn errno(&self, row: &Row) -> Errno {
        match self {
            Self::Errno(errno) => *errno,
            Self::Args(ArgError::Missing("calid")) => Errno::CalidNotSpecified,
            Self::Args(ArgError::Lengths { .. } | ArgError::Missing(_)) if row.exact_rids => {
                Errno::InsufficientParameters
            }
            Self::Args(ArgError::Zone { .. }) => row.unknown_zone(),
            Self::Args(ArgError::Missing(_) | ArgError::Value { .. }) => row.bad_arguments(),
            Self::Args(_) => Errno::BadArguments,
            Self::Core(error) if error.kind() == core::Kind::UnknownZone => row.unknown_zone(),
            Self::Core(error) => {
                let number = codes(error.kind()).wcap;
                number.and_then(Errno::from_number).unwrap_or(row.failed)
            }
        }
    }
}
