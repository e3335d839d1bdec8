//! Answers: what an attendee's change says to the organizer, and what it makes of the organizer's copy.
//!
//! Pure functions. An answer to a series reaches those of its exceptions that were answered as the series was; one to
//! an instance makes an exception of it. RFC 5546 sections 3.2.3 and 4.2.5.

use super::attendee::{self, DELEGATED_FROM, DELEGATED_TO, PARTSTAT, SENT_BY};
use super::view::{counterpart, recurrence_id, sequence};
use crate::core::items::edit::{EditError, insert};
use crate::core::items::exception::exception;
use crate::core::items::series::{Bench, World};
use crate::ical::component::{Component, Entry, Property};
use crate::ical::datetime::Timestamp;
use crate::ical::object::CalendarObject;
use crate::ical::value::{self, same_address};

/// Properties an answer repeats, so that people and programs know what was answered.
const REPEATED: [&str; 9] = [
    "UID",
    "RECURRENCE-ID",
    "DTSTART",
    "DTEND",
    "DUE",
    "DURATION",
    "SEQUENCE",
    "SUMMARY",
    "ORGANIZER",
];

/// What the attendee `own` says by changing their copy from `before` to `after`; none when that is nothing.
pub fn between(
    before: Option<&CalendarObject>,
    after: &CalendarObject,
    own: &str,
    now: Timestamp,
) -> Option<CalendarObject> {
    let said = |component: &Component| -> Option<(String, Vec<String>)> {
        let mine = attendee::find(component, own)?;
        Some((
            attendee::partstat(mine),
            attendee::listed(mine, DELEGATED_TO),
        ))
    };
    let known = |component: &Component| {
        let before = before?;
        counterpart(before, component).or(before.master())
    };
    let news = |component: &&Component| {
        let now = said(component);
        now.is_some() && now != known(component).and_then(said)
    };
    let changed: Vec<&Component> = after.components.iter().filter(news).collect();
    // The answer to the series speaks for the exceptions that say the same, but for those of a later revision.
    let series = changed
        .first()
        .copied()
        .filter(|component| recurrence_id(component).is_none());
    let spoken_for = |component: &Component| {
        series.is_some_and(|series| {
            said(component) == said(series) && sequence(component) <= sequence(series)
        })
    };
    let components: Vec<Component> = changed
        .into_iter()
        .filter(|component| recurrence_id(component).is_none() || !spoken_for(component))
        .map(|component| reply(component, own, now))
        .collect();
    (!components.is_empty()).then(|| CalendarObject {
        components,
        ..after.clone()
    })
}

fn reply(component: &Component, own: &str, now: Timestamp) -> Component {
    let mut reply = component.clone();
    reply.retain(|entry| match entry {
        Entry::Component(_) => false,
        Entry::Property(property) => {
            REPEATED.iter().any(|name| property.is(name))
                || (property.is("ATTENDEE") && speaks(property, own))
        }
    });
    reply.push(Property::new("DTSTAMP", now.to_string()));
    reply.push(Property::new("REQUEST-STATUS", "2.0;Success"));
    reply
}

/// Whether an attendee is the one who answers, or somebody they hand the invitation on to.
fn speaks(attendee: &Property, own: &str) -> bool {
    same_address(attendee.value(), own) || is_delegate_of(attendee, own)
}

fn is_delegate_of(attendee: &Property, delegator: &str) -> bool {
    attendee::listed(attendee, DELEGATED_FROM)
        .iter()
        .any(|from| same_address(from, delegator))
}

/// Why an answer changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unused {
    /// It says nothing new.
    Known,
    /// It is about an older revision.
    Stale,
    /// Whoever sent it is not invited.
    NotInvited,
    /// Working it failed.
    Failed(EditError),
}

impl From<EditError> for Unused {
    fn from(cause: EditError) -> Self {
        Self::Failed(cause)
    }
}

/// The organizer's object with the answer of `sender` in it.
///
/// Errors: why it is of no use.
pub fn taken(
    object: &CalendarObject,
    answer: &CalendarObject,
    sender: &str,
    world: &World<'_>,
) -> Result<CalendarObject, Unused> {
    let mut made = object.clone();
    let mut unused = Unused::NotInvited;
    for said in &answer.components {
        let Some(own) = attendee::find(said, sender) else {
            continue;
        };
        match recurrence_id(said) {
            None => take_whole(&mut made, said, own, &mut unused),
            Some(_) => take_instance(&mut made, said, own, world, &mut unused)?,
        }
    }
    match made == *object {
        true => Err(unused),
        false => Ok(made),
    }
}

fn take_whole(made: &mut CalendarObject, said: &Component, own: &Property, unused: &mut Unused) {
    let address = own.value();
    let before = made
        .components
        .first()
        .and_then(|first| attendee::answer(first, address));
    for (at, component) in made.components.iter_mut().enumerate() {
        let known = attendee::answer(component, address);
        if at > 0 && (known.is_none() || known != before) {
            continue;
        }
        take(component, said, own, unused);
    }
}

fn take_instance(
    made: &mut CalendarObject,
    said: &Component,
    own: &Property,
    world: &World<'_>,
    unused: &mut Unused,
) -> Result<(), Unused> {
    let known = counterpart(made, said).cloned();
    if let Some(known) = known {
        let at = made.components.iter().position(|c| *c == known);
        if let Some(component) = at.and_then(|at| made.components.get_mut(at)) {
            take(component, said, own, unused);
        }
        return Ok(());
    }
    let id = recurrence_id(said).and_then(|id| value::date_time(id).ok());
    let (Some(id), Some(_)) = (id, made.master()) else {
        return Ok(());
    };
    let mut instance = {
        let bench = Bench::new(made, world)?;
        match bench.find(&id) {
            Ok(instance) => exception(&bench, &instance),
            Err(EditError::NoSuchInstance(_)) => return Ok(()),
            Err(cause) => return Err(cause.into()),
        }
    };
    let before = instance.clone();
    take(&mut instance, said, own, unused);
    if instance != before && made.components.len() <= world.limits.overrides {
        made.components.push(instance);
    }
    Ok(())
}

/// Takes the answer over into one component: status, delegation, and who the delegates are.
fn take(component: &mut Component, said: &Component, own: &Property, unused: &mut Unused) {
    let address = own.value();
    if attendee::find(component, address).is_none() {
        return;
    }
    if sequence(said) < sequence(component) {
        *unused = Unused::Stale;
        return;
    }
    *unused = Unused::Known;
    let partstat = attendee::partstat(own);
    let to = attendee::listed(own, DELEGATED_TO);
    let by = own.param(SENT_BY).unwrap_or_default();
    attendee::change(component, address, |attendee| {
        let attendee = attendee::with(attendee, PARTSTAT, &partstat);
        let attendee = attendee::with(attendee, SENT_BY, &by);
        let known = attendee::listed(&attendee, DELEGATED_TO);
        match (known == to, to.is_empty()) {
            (true, _) => attendee,
            (false, true) => attendee.without_param(DELEGATED_TO),
            (false, false) => to
                .iter()
                .fold(attendee.without_param(DELEGATED_TO), |attendee, to| {
                    attendee.with_param(DELEGATED_TO, to)
                }),
        }
    });
    let named = |delegate: &Property| to.iter().any(|to| same_address(to, delegate.value()));
    // Who was handed the invitation before and is not named any more has it no longer.
    component.retain(|entry| match entry {
        Entry::Property(property) if property.is("ATTENDEE") => {
            !is_delegate_of(property, address) || named(property)
        }
        _ => true,
    });
    for delegate in attendee::all(said).filter(|attendee| is_delegate_of(attendee, address)) {
        if named(delegate) && attendee::find(component, delegate.value()).is_none() {
            insert(component, delegate.clone());
        }
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
