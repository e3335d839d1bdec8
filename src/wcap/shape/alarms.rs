//! VALARM with its trigger as a client wants it: a distance, or a time.

use super::times::Ends;
use crate::ical::component::{Component, Entry, Property};
use crate::ical::datetime::Timestamp;
use crate::ical::value::{self, Duration, Related, Trigger};

/// The alarm with ACTION, TRIGGER and ATTENDEE first. A trigger that cannot be turned stays as it is.
pub(super) fn shape(alarm: Component, ends: &Ends, relative: bool) -> Component {
    let mut shaped = Component::new(alarm.name());
    let mut entries: Vec<(u8, Entry)> = alarm
        .into_entries()
        .into_iter()
        .map(|entry| match entry {
            Entry::Property(p) if p.is("ACTION") => (0, Entry::Property(p)),
            Entry::Property(p) if p.is("TRIGGER") => {
                (1, Entry::Property(trigger(p, ends, relative)))
            }
            Entry::Property(p) if p.is("ATTENDEE") => (2, Entry::Property(p)),
            Entry::Property(p) => (3, Entry::Property(p)),
            component => (4, component),
        })
        .collect();
    entries.sort_by_key(|(place, _)| *place);
    for (_, entry) in entries {
        match entry {
            Entry::Property(property) => shaped.push(property),
            Entry::Component(component) => shaped.push_component(component),
        }
    }
    shaped
}

fn trigger(property: Property, ends: &Ends, relative: bool) -> Property {
    let Ok(trigger) = value::trigger(&property) else {
        return property;
    };
    let turned = match (trigger, relative) {
        (Trigger::Absolute(at), true) => ends.start.map(|start| {
            let distance = at.0.saturating_sub(start.0);
            Trigger::Relative(Duration::of_seconds(distance), Related::Start)
        }),
        (Trigger::Relative(distance, related), false) => {
            // A to-do that is only due has an end alone, and one without dates neither.
            let from: Option<Timestamp> = match related {
                Related::Start => ends.start.or(ends.end),
                Related::End => ends.end.or(ends.start),
            };
            from.map(|from| Trigger::Absolute(from.plus(distance.total_seconds())))
        }
        _ => None,
    };
    turned.map_or(property, value::trigger_property)
}
