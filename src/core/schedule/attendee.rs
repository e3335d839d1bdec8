//! One attendee of a component: its property found by address, and its parameters read and set.
//!
//! RFC 5545 sections 3.2 and 3.8.4.1; SCHEDULE-STATUS is that of RFC 6638 section 7.3.

use crate::ical::component::{Component, Property};
pub use crate::ical::delivery::SCHEDULE_STATUS;
use crate::ical::value::same_address;

/// The parameter of the organizer's copy that says that it was changed since the attendee was told of it.
pub const BEHIND: &str = "X-WCAPD-BEHIND";
/// What an attendee has said.
pub const PARTSTAT: &str = "PARTSTAT";
/// Who an attendee has handed the invitation on to.
pub const DELEGATED_TO: &str = "DELEGATED-TO";
/// Whom an attendee has the invitation from.
pub const DELEGATED_FROM: &str = "DELEGATED-FROM";
/// Who has written in somebody's name.
pub const SENT_BY: &str = "SENT-BY";

/// The attendees of a component.
pub fn all(component: &Component) -> impl Iterator<Item = &Property> {
    component.properties_named("ATTENDEE")
}

/// The attendee of `component` with this address.
pub fn find<'a>(component: &'a Component, address: &str) -> Option<&'a Property> {
    all(component).find(|attendee| same_address(attendee.value(), address))
}

/// What an attendee has said, in capitals; NEEDS-ACTION is the default (section 3.2.12).
pub fn partstat(attendee: &Property) -> String {
    match attendee.param(PARTSTAT) {
        Some(said) if !said.trim().is_empty() => said.trim().to_ascii_uppercase(),
        _ => "NEEDS-ACTION".to_owned(),
    }
}

/// What the attendee of that address has said to a component; none without such an attendee.
pub fn answer(component: &Component, address: &str) -> Option<String> {
    find(component, address).map(partstat)
}

/// The attendee with one value for a parameter, which goes when the value is empty; untouched when it says so already.
pub fn with(attendee: Property, name: &str, value: &str) -> Property {
    match attendee.param(name) {
        Some(known) if known == value => attendee,
        None if value.is_empty() => attendee,
        _ => {
            let without = attendee.without_param(name);
            match value.is_empty() {
                true => without,
                false => without.with_param(name, value),
            }
        }
    }
}

/// Changes every attendee of a component.
pub fn map(component: &mut Component, mut change: impl FnMut(Property) -> Property) {
    component.map_properties(|property| match property.is("ATTENDEE") {
        true => change(property),
        false => property,
    });
}

/// Changes the attendee of that address.
pub fn change(component: &mut Component, address: &str, change: impl Fn(Property) -> Property) {
    map(component, |attendee| {
        match same_address(attendee.value(), address) {
            true => change(attendee),
            false => attendee,
        }
    });
}

/// The addresses of all attendees, each once, in order.
pub fn addresses<'a>(components: impl IntoIterator<Item = &'a Component>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for attendee in components.into_iter().flat_map(all) {
        if known.insert(attendee.value().to_ascii_lowercase()) {
            found.push(attendee.value().to_owned());
        }
    }
    found
}

/// The addresses in a parameter that holds a list of them (DELEGATED-TO, DELEGATED-FROM, MEMBER).
pub fn listed(attendee: &Property, name: &str) -> Vec<String> {
    attendee
        .params()
        .filter(|param| param.is(name))
        .flat_map(|param| param.values())
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
        .collect()
}
