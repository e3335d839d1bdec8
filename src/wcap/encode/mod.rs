//! Printers of one reply tree, one per format. They decide nothing: every answer can be printed in each.

mod calendar;
pub(crate) mod jcal;
mod json;
pub(crate) mod vcard;
mod xcal;
mod xml;

use crate::ical::component::{Component, Property};
use crate::wcap::errno::Errno;
use crate::wcap::format::Format;
use crate::wcap::reply::{Calendar, Reply};

/// Properties of a calendar that the elements carry as attributes: iCalendar's name and the attribute's.
pub(crate) const PROLOG: [(&str, &str); 3] = [
    ("VERSION", "version"),
    ("PRODID", "prodid"),
    ("METHOD", "METHOD"),
];

fn is_prolog(property: &Property) -> bool {
    PROLOG.iter().any(|(name, _)| property.is(name))
}

/// The reply as the octets of a body.
///
/// A reply without calendars is printed as a success of its own: an empty body means to clients that their
/// session has ended.
pub fn encode(reply: &Reply, format: Format) -> Vec<u8> {
    if reply.is_empty() {
        return encode(&Reply::of(Calendar::publish().finish(Errno::Ok)), format);
    }
    match format {
        Format::Calendar => calendar::encode(reply.calendars()).into_bytes(),
        Format::Xml => xml::encode(reply.calendars()).into_bytes(),
        Format::Json => json::encode(reply.calendars()),
        Format::XCal => xcal::encode(reply.calendars()).into_bytes(),
        Format::JCal => jcal::encode(reply.calendars()),
    }
}

/// One calendar as a file of its own: without a result, and every UID and LAST-MODIFIED on one line, where scripts
/// look for them.
pub fn file(calendar: &Component, format: Format) -> Vec<u8> {
    let calendars = std::slice::from_ref(calendar);
    match format {
        Format::Calendar => calendar::encode_file(calendar).into_bytes(),
        Format::Xml => xml::encode(calendars).into_bytes(),
        Format::Json => json::encode(calendars),
        Format::XCal => xcal::encode(calendars).into_bytes(),
        Format::JCal => jcal::encode(calendars),
    }
}

#[cfg(test)]
mod tests;
