//! Names of xCal that its writer and its reader share (RFC 6321 sections 3.4 to 3.6).

use std::borrow::Cow;

use crate::ical::names::{self, ParameterType};
use crate::text::xml::is_name;

/// The name space of every element.
pub(super) const NAMESPACE: &str = "urn:ietf:params:xml:ns:icalendar-2.0";

/// The element of a name in small letters. iCalendar's names may begin with a digit or a dash, which XML's may
/// not: those, and names that begin with `_`, get one more `_` in front.
pub(super) fn element_name(name: &str) -> Cow<'_, str> {
    match is_name(name) && !name.starts_with('_') {
        true => Cow::Borrowed(name),
        false => Cow::Owned(format!("_{name}")),
    }
}

/// The name an element stands for.
pub(super) fn name_of(element: &str) -> &str {
    element.strip_prefix('_').unwrap_or(element)
}

/// The element of a parameter's values.
pub(super) fn parameter_type(name: &str) -> &'static str {
    match names::parameter(name).map(|row| row.values) {
        None => "unknown",
        Some(ParameterType::Boolean) => "boolean",
        Some(ParameterType::Address) => match name {
            "altrep" | "dir" => "uri",
            _ => "cal-address",
        },
        Some(_) => "text",
    }
}

/// The parts of REQUEST-STATUS in their order.
pub(super) const STATUS: [&str; 3] = ["code", "description", "data"];

/// The parts of GEO in their order.
pub(super) const PLACE: [&str; 2] = ["latitude", "longitude"];

/// The elements of a value in parts.
pub(super) fn part_names<T: AsRef<str>>(
    property: &str,
    kind: &str,
    parts: &[T],
) -> &'static [&'static str] {
    let lasting = parts
        .get(1)
        .is_some_and(|end| end.as_ref().contains(['P', 'p']));
    match (property, kind, lasting) {
        (_, "period", true) => &["start", "duration"],
        (_, "period", false) => &["start", "end"],
        ("geo", ..) => &PLACE,
        _ => &STATUS,
    }
}
