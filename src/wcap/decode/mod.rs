//! Calendars sent to the server in other forms than iCalendar text.

pub mod jcal;
pub mod xcal;
pub mod xml;

use crate::ical::component::{Component, LineError};
use crate::ical::typed::TypedError;
use crate::limits::Limits;
use crate::text::json::JsonError;
use crate::text::xml::{XmlError, XmlLimits};
use crate::wcap::format::Format;

/// Why a document gives no calendars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is no XML that may be read.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// It is no JSON that may be read, or of another shape.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is another document.
    #[error("line {line}: expected {expected}, found <{found}>")]
    Element {
        /// The line, counted from 1.
        line: u32,
        /// What should stand there.
        expected: &'static str,
        /// The element that stands there.
        found: String,
    },
    /// An element that cannot be a property.
    #[error("line {line}: <{element}>: {reason}")]
    Property {
        /// The line, counted from 1.
        line: u32,
        /// The element.
        element: String,
        /// What was expected.
        reason: LineError,
    },
    /// Values that make no property.
    #[error("line {line}: {name}: {reason}")]
    Values {
        /// The line, counted from 1.
        line: u32,
        /// The property.
        name: String,
        /// What was expected.
        reason: TypedError,
    },
    /// Components inside one another, or values, beyond a limit.
    #[error("line {line}: expected at most {limit} {what}")]
    TooMuch {
        /// The line, counted from 1.
        line: u32,
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// A format that is written only.
    #[error(
        "expected text/calendar, text/xml, application/calendar+xml or application/calendar+json"
    )]
    NotReadable,
}

/// The calendars of a document, as VCALENDAR components, in order. iCalendar text is the work of others.
///
/// `nodes` bounds the elements or values.
pub fn decode(
    document: &[u8],
    format: Format,
    limits: &Limits,
    nodes: usize,
) -> Result<Vec<Component>, DecodeError> {
    match format {
        Format::Xml => {
            let depth = limits.nesting;
            xml::decode(document, XmlLimits { depth, nodes })
        }
        Format::XCal => xcal::decode(document, limits.nesting, nodes),
        Format::JCal => jcal::decode(document, limits.nesting, nodes),
        Format::Calendar | Format::Json => Err(DecodeError::NotReadable),
    }
}

/// The format of a document by how it begins: iCalendar text never begins with `<` or `[`.
pub fn guess(begin: &[u8]) -> Format {
    let begin = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begin);
    match begin.trim_ascii_start().first() {
        Some(b'[') => Format::JCal,
        Some(b'{') => Format::Json,
        Some(b'<') => {
            let root = xcal::NAMESPACE.as_bytes();
            match begin.windows(root.len()).any(|window| window == root) {
                true => Format::XCal,
                false => Format::Xml,
            }
        }
        _ => Format::Calendar,
    }
}
