//! What one attendee is told of an object: the components they are invited to, without what is the organizer's alone.
//!
//! Pure functions. RFC 5546 section 3.2.2; RFC 6638 section 3.2.

use super::attendee::{self, BEHIND, SCHEDULE_STATUS};
use crate::core::items::rules::{exdates, set_exdates};
use crate::ical::component::{Component, Entry, Property};
use crate::ical::object::CalendarObject;
use crate::ical::value;

/// The object as the attendee of `address` is told it; none when no component invites them.
///
/// Instances of a series without them are deleted in it. Alarms are everybody's own.
pub fn of(object: &CalendarObject, address: &str) -> Option<CalendarObject> {
    let invited = |component: &&Component| attendee::find(component, address).is_some();
    let mut components: Vec<Component> =
        object.components.iter().filter(invited).map(told).collect();
    let master = object.master().is_some_and(|master| invited(&master));
    if let (true, Some(first)) = (master, components.first_mut()) {
        let missing: Vec<_> = object
            .overrides()
            .iter()
            .filter(|exception| !invited(exception))
            .filter_map(|exception| value::date_time(exception.property("RECURRENCE-ID")?).ok())
            .collect();
        if !missing.is_empty() {
            let mut dates = exdates(first);
            dates.extend(missing);
            set_exdates(first, &dates);
        }
    }
    let found = !components.is_empty();
    found.then(|| CalendarObject {
        components,
        ..object.clone()
    })
}

/// A component without alarms and without what became of messages about it.
pub fn told(component: &Component) -> Component {
    let mut told = component.clone();
    told.retain(|entry| match entry {
        Entry::Component(inner) => !inner.is("VALARM"),
        Entry::Property(property) => !property.is("REQUEST-STATUS"),
    });
    attendee::map(&mut told, |attendee| {
        attendee
            .without_param(SCHEDULE_STATUS)
            .without_param(BEHIND)
    });
    told
}

/// The properties that say when a component takes place: a change of them asks everybody anew (RFC 6638 section
/// 3.2.8; a deleted instance does not).
const TIMES: [&str; 7] = [
    "DTSTART", "DTEND", "DUE", "DURATION", "RRULE", "RDATE", "EXRULE",
];

/// Whether two components take place at the same times.
pub fn same_times(a: &Component, b: &Component) -> bool {
    TIMES
        .iter()
        .all(|name| a.properties_named(name).eq(b.properties_named(name)))
}

/// The RECURRENCE-ID of a component; none for the master.
pub fn recurrence_id(component: &Component) -> Option<&Property> {
    component.property("RECURRENCE-ID")
}

/// The component of an object that stands for the same instance as `component`, or for the whole as it does.
pub fn counterpart<'a>(object: &'a CalendarObject, component: &Component) -> Option<&'a Component> {
    let id = |component: &Component| {
        recurrence_id(component)
            .map(|id| (id.value().to_owned(), id.param("TZID").map(String::from)))
    };
    let wanted = id(component);
    object.components.iter().find(|other| id(other) == wanted)
}

/// SEQUENCE; 0 without one.
pub fn sequence(component: &Component) -> i64 {
    component
        .value("SEQUENCE")
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

/// The address of an object's organizer.
pub fn organizer(object: &CalendarObject) -> Option<&str> {
    object.components.iter().find_map(|c| c.value("ORGANIZER"))
}

/// Whether two components say the same but for when that was said.
pub fn same_but_stamp(a: &Component, b: &Component) -> bool {
    let plain = |component: &Component| {
        let mut plain = component.clone();
        plain.remove("DTSTAMP");
        plain
    };
    plain(a) == plain(b)
}

/// Whether two objects say the same but for when that was said.
pub fn same_object(a: &CalendarObject, b: &CalendarObject) -> bool {
    a.components.len() == b.components.len()
        && a.components
            .iter()
            .zip(&b.components)
            .all(|(a, b)| same_but_stamp(a, b))
}
