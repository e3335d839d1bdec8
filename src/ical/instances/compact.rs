//! The compact form of an object: its components with nothing but times, rules and what makes them busy, and
//! the VTIMEZONEs those times use. It reads into the same [`Series`](super::Series) as the whole object, so an
//! index of busy times can be computed and kept without anyone's texts.

use crate::ical::component::{Component, Entry};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::zone;

/// Properties a series is read from, and what [`busy_type`](super::busy_type) looks at.
const KEPT: [&str; 11] = [
    "DTSTART",
    "DTEND",
    "DUE",
    "DURATION",
    "RRULE",
    "EXRULE",
    "RDATE",
    "EXDATE",
    "RECURRENCE-ID",
    "STATUS",
    "TRANSP",
];

/// Properties of a VTIMEZONE and its observances that say what time it is.
const KEPT_OF_ZONES: [&str; 7] = [
    "TZID",
    "X-LIC-LOCATION",
    "DTSTART",
    "TZOFFSETFROM",
    "TZOFFSETTO",
    "RRULE",
    "RDATE",
];

/// `object` without anything that says nothing about its times; components keep their places. The UID is
/// left out.
pub fn compact(object: &CalendarObject) -> CalendarObject {
    let components: Vec<Component> = object
        .components
        .iter()
        .map(|component| stripped(component, &KEPT, false))
        .collect();
    let used = |timezone: &&Component| {
        let Some(id) = zone::name_of(timezone) else {
            return false;
        };
        components
            .iter()
            .flat_map(Component::properties)
            .filter_map(|property| property.param("TZID"))
            .any(|tzid| tzid.trim().eq_ignore_ascii_case(&id))
    };
    let timezones = object
        .timezones
        .iter()
        .filter(used)
        .map(|timezone| stripped(timezone, &KEPT_OF_ZONES, true))
        .collect();
    CalendarObject {
        kind: object.kind,
        uid: String::new(),
        components,
        timezones,
    }
}

fn stripped(component: &Component, kept: &[&str], nested: bool) -> Component {
    let mut out = Component::new(component.name());
    for entry in component.entries() {
        match entry {
            Entry::Property(property) if kept.iter().any(|name| property.is(name)) => {
                out.push(property.clone());
            }
            Entry::Component(inner) if nested => {
                out.push_component(stripped(inner, kept, false));
            }
            _ => {}
        }
    }
    out
}

/// The compact form of `object` as text: content lines, the components one after the other, zones last.
///
/// Not folded and without a VCALENDAR around it; [`from_compact_text`] reads it back.
pub fn to_compact_text(object: &CalendarObject) -> String {
    let compact = compact(object);
    let mut text = String::new();
    for component in compact.components.iter().chain(&compact.timezones) {
        write(component, &mut text);
    }
    text
}

fn write(component: &Component, text: &mut String) {
    text.push_str("BEGIN:");
    text.push_str(component.name());
    text.push('\n');
    for entry in component.entries() {
        match entry {
            Entry::Property(property) => {
                text.push_str(property.as_line());
                text.push('\n');
            }
            Entry::Component(inner) => write(inner, text),
        }
    }
    text.push_str("END\n");
}

/// Reads what [`to_compact_text`] wrote; none when the text is anything else.
pub fn from_compact_text(text: &str) -> Option<CalendarObject> {
    let mut open: Vec<Component> = Vec::new();
    let mut whole: Vec<Component> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("BEGIN:") {
            open.push(Component::new(name));
        } else if line == "END" {
            let done = open.pop()?;
            match open.last_mut() {
                Some(parent) => parent.push_component(done),
                None => whole.push(done),
            }
        } else {
            let property = crate::ical::component::Property::from_line(line).ok()?;
            open.last_mut()?.push(property);
        }
    }
    if !open.is_empty() {
        return None;
    }
    let (timezones, components): (Vec<_>, Vec<_>) =
        whole.into_iter().partition(|c| c.is("VTIMEZONE"));
    let kind = match components.first()? {
        first if first.is("VEVENT") => Kind::Event,
        first if first.is("VTODO") => Kind::Todo,
        first if first.is("VJOURNAL") => Kind::Journal,
        _ => return None,
    };
    Some(CalendarObject {
        kind,
        uid: String::new(),
        components,
        timezones,
    })
}
