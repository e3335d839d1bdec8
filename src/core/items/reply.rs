//! An attendee's answer in their own copy: what of a change is theirs to make, and whom they hand the invitation on to.
//!
//! Carrying the answer to the organizer is the work of `core::schedule`. RFC 5546 sections 3.2.3 and 4.2.5.

use super::attendees;
use super::edit::{Edit, EditError, PropertyEdit, insert};
use super::times::Context;
use crate::core::schedule::attendee::{self, DELEGATED_FROM, DELEGATED_TO, PARTSTAT};
use crate::core::schedule::merge::PERSONAL;
use crate::ical::component::{Component, Entry, Property};
use crate::ical::datetime::Timestamp;
use crate::ical::object::CalendarObject;
use crate::ical::value::same_address;

/// The component with the calendar's owner's answer in it, and what is theirs alone.
pub(super) fn reply(
    component: &Component,
    edit: &Edit,
    own: &[String],
    ctx: &Context<'_>,
) -> std::result::Result<Component, EditError> {
    let personal = |edit: &&PropertyEdit| {
        let name = edit.name();
        PERSONAL
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
            || name.starts_with("X-")
    };
    let mine = |address: &str| own.iter().any(|own| same_address(own, address));
    let own_edit = Edit {
        properties: edit.properties.iter().filter(personal).cloned().collect(),
        alarms: edit.alarms.clone(),
        ..Edit::default()
    };
    let mut made = own_edit.apply(component, ctx)?;
    let Some(list) = &edit.attendees else {
        return Ok(made);
    };
    let entry = list.entries.iter().find(|entry| mine(&entry.address));
    let params = entry.map(|entry| entry.params.as_slice()).ok_or_else(|| {
        EditError::value("expected the owner of the calendar to answer, found others")
    })?;
    attendees::answer(&mut made, mine, params)?;
    delegate(&mut made, mine)?;
    Ok(made)
}

/// Adds whom the calendar's owner hands the invitation on to, and takes out whom they no longer do.
///
/// Errors: `Value` for a delegation to nobody, to several, to oneself or to the organizer.
pub(super) fn delegate(
    component: &mut Component,
    mine: impl Fn(&str) -> bool,
) -> std::result::Result<(), EditError> {
    let own = attendee::all(component).find(|attendee| mine(attendee.value()));
    let Some(own) = own.cloned() else {
        return Ok(());
    };
    let address = own.value();
    let delegated = attendee::partstat(&own) == "DELEGATED";
    let to = match delegated {
        true => attendee::listed(&own, DELEGATED_TO),
        false => Vec::new(),
    };
    let organizer = component.value("ORGANIZER").unwrap_or_default();
    let wrong = |to: &str| mine(to) || same_address(to, organizer);
    if delegated && (to.len() != 1 || to.iter().any(|to| wrong(to))) {
        let message = "expected DELEGATED-TO to name one other person beside PARTSTAT=DELEGATED";
        return Err(EditError::value(message));
    }
    if !delegated {
        attendee::change(component, address, |own| own.without_param(DELEGATED_TO));
    }
    let named = |other: &str| to.iter().any(|to| same_address(to, other));
    component.retain(|entry| match entry {
        Entry::Property(property) if property.is("ATTENDEE") => {
            let from = attendee::listed(property, DELEGATED_FROM);
            !from.iter().any(|from| same_address(from, address)) || named(property.value())
        }
        _ => true,
    });
    for to in &to {
        if attendee::find(component, to).is_none() {
            let role = own.param("ROLE").map(String::from).unwrap_or_default();
            let delegate = Property::new("ATTENDEE", to)
                .with_param(PARTSTAT, "NEEDS-ACTION")
                .with_param("RSVP", "TRUE")
                .with_param(DELEGATED_FROM, address);
            insert(component, attendee::with(delegate, "ROLE", &role));
        }
    }
    Ok(())
}

/// Gives the answer to a series also to those of its exceptions that were answered as the series was before:
/// the others were answered for themselves (RFC 5546 section 3.2.3).
pub(super) fn answer_exceptions(
    before: &CalendarObject,
    after: &mut CalendarObject,
    own: &[String],
    now: Timestamp,
) {
    let mine = |address: &str| own.iter().any(|own| same_address(own, address));
    let said = |component: &Component| {
        let own = attendee::all(component).find(|attendee| mine(attendee.value()))?;
        Some((attendee::partstat(own), attendee::listed(own, DELEGATED_TO)))
    };
    let (Some(old), [master, exceptions @ ..]) = (
        before.master().and_then(said),
        after.components.as_mut_slice(),
    ) else {
        return;
    };
    let Some(new) = said(master).filter(|new| *new != old) else {
        return;
    };
    let (partstat, to) = new;
    let mut params = vec![(PARTSTAT.to_owned(), partstat)];
    params.extend(to.into_iter().map(|to| (DELEGATED_TO.to_owned(), to)));
    for exception in exceptions {
        let like_series = said(exception).as_ref() == Some(&old);
        let answered = like_series
            && attendees::answer(exception, mine, &params).is_ok()
            && delegate(exception, mine).is_ok();
        if answered {
            exception.set(Property::new("DTSTAMP", now.to_string()));
        }
    }
}
