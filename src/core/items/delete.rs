//! Deleting items and instances of them, many in one transaction.
//!
//! Each is answered for by itself: what is there goes, even when something else is not. Deletions leave stubs in the
//! calendar's journal for whoever keeps a copy. WCAP's deleteevents_by_id and deletetodos_by_id.

use super::desk::Desk;
use super::links;
use super::rules::RULE_NAMES;
use super::series::{Left, Target, World, delete};
use super::times::start_of;
use crate::core::access::Deleting;
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::transfer::object_text;
use crate::core::{Caller, Core};
use crate::ical::component::{Component, Entry};
use crate::ical::datetime::DateTime;
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::value;
use crate::ical::zone::{self, Zone};
use crate::model::item::Item;
use crate::store::{WriteTxn, items};

/// Items to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteItems {
    /// What they are; others of the same UID count as not there.
    pub kind: Kind,
    /// UIDs and which part of each, in order; a UID may come again for another instance.
    pub items: Vec<(String, Target)>,
    /// Zone of local times in targets; none: the calendar's.
    pub zone: Option<Zone>,
}

impl Core {
    /// Deletes items of a calendar (the caller's own without one), or instances of them; answers for each, in order, why it is still there.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`. Of a single one: `NoSuchItem`, `NoSuchInstance`, `NotOwner` for
    /// somebody else's private item, `BadValue`, `TooMuch`.
    pub fn delete_items(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        request: &DeleteItems,
    ) -> Result<Vec<Result<()>>> {
        self.store().write(|t| {
            let access = self.access(t, caller, calid)?;
            access.grant::<Deleting>()?;
            let desk = Desk::new(self, caller, &access);
            let mut answers = Vec::with_capacity(request.items.len());
            for (uid, target) in &request.items {
                match delete_one(t, &desk, request, uid, target) {
                    Err(cause) if !is_of_one(cause.kind()) => return Err(cause),
                    answer => answers.push(answer),
                }
            }
            Ok(answers)
        })
    }
}

/// Whether a failure is about one item, so that the others can go; else all of them stay.
pub(super) fn is_of_one(kind: Failed) -> bool {
    matches!(
        kind,
        Failed::NoSuchItem
            | Failed::NoSuchInstance
            | Failed::NotOwner
            | Failed::BadValue
            | Failed::BadData
            | Failed::TooMuch
    )
}

fn delete_one(
    t: &mut WriteTxn<'_>,
    desk: &Desk<'_>,
    request: &DeleteItems,
    uid: &str,
    target: &Target,
) -> Result<()> {
    let item = items::visible(t, desk.calendar.id, uid)?;
    if item.is_none() && links::unlink(t, desk, uid, request.kind)? {
        return Ok(());
    }
    let item = item
        .filter(|item| item.kind == request.kind)
        .ok_or_else(|| Error::new(Failed::NoSuchItem, "there is no item of that UID and kind"))?;
    desk.check_privacy(&item)?;
    let object = desk.object(&item)?;
    let world = World {
        floating: &desk.zone,
        limits: &desk.core.settings().limits,
        new_uid: uid,
        drop_unfit_start: false,
        creating: false,
    };
    let target = desk.target(target, request.zone.as_ref(), &object);
    match delete(&object, &target, &world)? {
        Left::Nothing => remove(t, desk, &item, &object),
        Left::Object { object: left, gone } => book_left(t, desk, &object, left, gone),
    }
}

/// Books what is left of `object`, and notes the instances that went one by one.
pub(super) fn book_left(
    t: &mut WriteTxn<'_>,
    desk: &Desk<'_>,
    object: &CalendarObject,
    left: CalendarObject,
    gone: Vec<Component>,
) -> Result<()> {
    let written = desk.finished(left)?;
    let item = desk.book(t, &written)?;
    for gone in gone {
        note(t, desk, &item, object, gone)?;
    }
    Ok(())
}

/// Removes an item.
pub(super) fn remove(
    t: &mut WriteTxn<'_>,
    desk: &Desk<'_>,
    item: &Item,
    object: &CalendarObject,
) -> Result<()> {
    let first = object.components.first().cloned();
    let stub = first.map(|first| stub(object, first)).unwrap_or_default();
    let actor = desk.caller.principal();
    items::remove(t, desk.calendar.id, &desk.zone, &item.uid, stub, actor)?;
    Ok(())
}

/// Notes that one instance went.
fn note(
    t: &mut WriteTxn<'_>,
    desk: &Desk<'_>,
    item: &Item,
    object: &CalendarObject,
    gone: Component,
) -> Result<()> {
    let id = gone
        .property("RECURRENCE-ID")
        .and_then(|p| value::date_time(p).ok());
    let id = id.or_else(|| start_of(&gone));
    let zones = crate::ical::zone::Zones::of(&object.timezones);
    let id = id.map(|id| match id {
        DateTime::Date(_) => id.to_string(),
        timed => zones.instant(&timed, &desk.zone).to_string(),
    });
    let stub = stub(object, gone);
    let actor = desk.caller.principal();
    let id = id.unwrap_or_default();
    Ok(items::instance_removed(
        t,
        desk.calendar.id,
        item,
        id,
        stub,
        actor,
    )?)
}

/// What is kept of a deleted component: its identity, its times and its rules, and who may know who deleted it.
pub(super) fn stub(object: &CalendarObject, component: Component) -> String {
    const KEPT: [&str; 7] = [
        "UID",
        "RECURRENCE-ID",
        "DTSTART",
        "DTEND",
        "DUE",
        "DURATION",
        "CLASS",
    ];
    let mut component = component;
    component.retain(|entry| match entry {
        Entry::Property(p) => KEPT.iter().chain(&RULE_NAMES).any(|name| p.is(name)),
        Entry::Component(_) => false,
    });
    let mut stub = CalendarObject {
        components: vec![component],
        ..object.clone()
    };
    let tzids = stub.tzids();
    // Everybody knows the zones of the tz database.
    stub.timezones.retain(|timezone| {
        let named = |tzid: &str| tzids.iter().any(|used| used.trim() == tzid.trim());
        zone::name_of(timezone).is_some_and(|tzid| named(&tzid) && Zone::named(&tzid).is_none())
    });
    object_text(&stub)
}
