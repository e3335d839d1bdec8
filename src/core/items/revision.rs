//! Revisions of a component: when it was changed, and which changes count as a new one.
//!
//! RFC 5545 section 3.8.7.4; RFC 5546 section 2.1.4.

use super::store::Method;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::Timestamp;

/// Marks a component as changed: when, and as a new revision where the organizer made one.
pub(super) fn stamp(method: Method, before: &Component, after: &mut Component, now: Timestamp) {
    if matches!(method, Method::Publish | Method::Request | Method::Cancel) {
        raise_sequence(before, after);
    }
    after.set(Property::new("DTSTAMP", now.to_string()));
}

/// What a change of makes a new revision (RFC 5545 section 3.8.7.4): time, place and rule.
const REVISED: [&str; 9] = [
    "DTSTART", "DTEND", "DUE", "DURATION", "LOCATION", "RRULE", "RDATE", "EXRULE", "EXDATE",
];

/// Raises SEQUENCE when time, place or rule change.
fn raise_sequence(before: &Component, after: &mut Component) {
    let same = |name: &str| {
        before
            .properties_named(name)
            .eq(after.properties_named(name))
    };
    let cancelled = |c: &Component| {
        c.value("STATUS")
            .is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED"))
    };
    if REVISED.iter().all(|name| same(name)) && cancelled(before) == cancelled(after) {
        return;
    }
    let number = before
        .value("SEQUENCE")
        .and_then(|text| text.trim().parse::<i32>().ok());
    let said = after
        .value("SEQUENCE")
        .and_then(|text| text.trim().parse::<i32>().ok());
    // A client that counts itself may have done so.
    if said.unwrap_or(0) <= number.unwrap_or(0) {
        let next = number.unwrap_or(0).saturating_add(1);
        after.set(Property::new("SEQUENCE", next.to_string()));
    }
}
