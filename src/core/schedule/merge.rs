//! A copy of a meeting brought up to date: what the organizer says now, and what the attendee keeps.
//!
//! Pure functions. Alarms, the answer, and personal properties that differ from what the organizer last said are the
//! attendee's own. RFC 5546 section 3.2.2; RFC 6638 section 3.2.2.1.

use super::attendee::{self, PARTSTAT};
use super::view::{self, counterpart, same_times};
use crate::core::items::edit::{EditError, insert};
use crate::core::items::exception::exception;
use crate::core::items::rules::{exdates, set_exdates};
use crate::core::items::series::{Bench, World};
use crate::ical::component::{Component, Entry, Property};
use crate::ical::object::CalendarObject;
use crate::ical::value;

/// Properties an attendee may change in their own copy.
pub const PERSONAL: [&str; 4] = ["CATEGORIES", "CLASS", "PRIORITY", "TRANSP"];

/// What a copy is brought up to date from.
pub struct Update<'a> {
    /// What the organizer says now to this attendee.
    pub told: &'a CalendarObject,
    /// What the organizer said before, where that is known.
    pub before: Option<&'a CalendarObject>,
    /// The attendee's address.
    pub own: &'a str,
}

/// The attendee's copy brought up to date.
///
/// Errors: `TooMuch` when the series cannot be searched for the attendee's own exceptions.
pub fn updated(
    copy: &CalendarObject,
    update: &Update<'_>,
    world: &World<'_>,
) -> Result<CalendarObject, EditError> {
    let told = update.told;
    let mut components: Vec<Component> = Vec::with_capacity(told.components.len());
    for component in &told.components {
        components.push(match counterpart(copy, component) {
            Some(known) => kept(component, known, update),
            None => first_told(component, copy),
        });
    }
    let mut object = CalendarObject {
        components,
        ..told.clone()
    };
    let lone: Vec<&Component> = copy
        .overrides()
        .iter()
        .filter(|exception| counterpart(told, exception).is_none())
        .collect();
    for exception in lone {
        keep_exception(&mut object, exception, update, world)?;
    }
    Ok(object)
}

/// What the organizer says of a component that the attendee knows.
fn kept(told: &Component, known: &Component, update: &Update<'_>) -> Component {
    let mut component = told.clone();
    let before = update.before.and_then(|before| counterpart(before, told));
    keep_properties(&mut component, known, before);
    keep_alarms(&mut component, known);
    let revived = is_cancelled(known) && !is_cancelled(told);
    if same_times(told, known)
        && !revived
        && let Some(own) = attendee::find(known, update.own)
    {
        let said = attendee::partstat(own);
        attendee::change(&mut component, update.own, |attendee| {
            attendee::with(attendee, PARTSTAT, &said)
        });
    }
    component
}

/// A new exception: the attendee's alarms of the series count for it, too.
fn first_told(told: &Component, copy: &CalendarObject) -> Component {
    let mut component = told.clone();
    if let Some(master) = copy.master() {
        keep_alarms(&mut component, master);
    }
    component
}

fn keep_alarms(component: &mut Component, known: &Component) {
    component.remove_components("VALARM");
    for alarm in known.components_named("VALARM") {
        component.push_component(alarm.clone());
    }
}

/// Personal properties stay as the attendee has them where the attendee has changed them.
fn keep_properties(component: &mut Component, known: &Component, before: Option<&Component>) {
    for name in PERSONAL {
        let theirs: Vec<&Property> = known.properties_named(name).collect();
        let changed = match before {
            Some(before) => !before.properties_named(name).eq(theirs.iter().copied()),
            None => name == "TRANSP" && !theirs.is_empty(),
        };
        if changed {
            component.remove(name);
            for property in theirs {
                insert(component, property.clone());
            }
        }
    }
    let own = known.properties().filter(|property| {
        property.name().starts_with("X-")
            && component.property(property.name()).is_none()
            && before.is_none_or(|before| before.property(property.name()).is_none())
    });
    let own: Vec<Property> = own.cloned().collect();
    for property in own {
        insert(component, property);
    }
}

/// Keeps an exception that only the attendee has: an instance that was called off as such, or one with an alarm or a
/// mark of its own, which otherwise says what the series says now.
fn keep_exception(
    object: &mut CalendarObject,
    known: &Component,
    update: &Update<'_>,
    world: &World<'_>,
) -> Result<(), EditError> {
    let id = view::recurrence_id(known).and_then(|id| value::date_time(id).ok());
    let (Some(id), Some(_)) = (id, object.master()) else {
        return Ok(());
    };
    if is_cancelled(known) {
        if let Some(master) = object.components.first_mut() {
            let dates = exdates(master);
            let left: Vec<_> = dates.iter().filter(|date| **date != id).cloned().collect();
            if left.len() != dates.len() {
                set_exdates(master, &left);
            }
        }
        object.components.push(known.clone());
        return Ok(());
    }
    let made = {
        let bench = Bench::new(object, world)?;
        match bench.find(&id) {
            Ok(instance) => exception(&bench, &instance),
            Err(EditError::NoSuchInstance(_)) => return Ok(()),
            Err(cause) => return Err(cause),
        }
    };
    let kept = kept(&made, known, update);
    object.components.push(kept);
    Ok(())
}

/// Whether a component was called off.
pub fn is_cancelled(component: &Component) -> bool {
    component
        .value("STATUS")
        .is_some_and(|status| status.trim().eq_ignore_ascii_case("CANCELLED"))
}

/// The copy with everything in it called off, or, of a message about single instances, those.
///
/// Errors: `TooMuch` when the series cannot be searched.
pub fn cancelled(
    copy: &CalendarObject,
    message: &CalendarObject,
    world: &World<'_>,
) -> Result<CalendarObject, EditError> {
    let mut object = copy.clone();
    if let Some(master) = message.master() {
        for component in &mut object.components {
            let said = counterpart(message, component).unwrap_or(master);
            call_off(component, said);
        }
        return Ok(object);
    }
    for said in message.overrides() {
        let known = object
            .components
            .iter()
            .position(|c| counterpart(message, c) == Some(said));
        if let Some(at) = known {
            call_off(&mut object.components[at], said);
            continue;
        }
        let id = view::recurrence_id(said).and_then(|id| value::date_time(id).ok());
        let (Some(id), Some(_)) = (id, object.master()) else {
            continue;
        };
        let made = {
            let bench = Bench::new(&object, world)?;
            match bench.find(&id) {
                Ok(instance) => exception(&bench, &instance),
                Err(EditError::NoSuchInstance(_)) => continue,
                Err(cause) => return Err(cause),
            }
        };
        let mut made = made;
        call_off(&mut made, said);
        object.components.push(made);
    }
    Ok(object)
}

/// Marks a component as called off by `said`, whose revision it takes over.
fn call_off(component: &mut Component, said: &Component) {
    component.set(Property::new("STATUS", "CANCELLED"));
    for name in ["SEQUENCE", "DTSTAMP"] {
        if let Some(property) = said.property(name) {
            component.set(property.clone());
        }
    }
    component.retain(|entry| !matches!(entry, Entry::Component(inner) if inner.is("VALARM")));
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
