//! Items written whole, as iCalendar has them: created, changed where a query finds them, deleted.
//!
//! Rights, privacy, scheduling and double booking are those of a store by fields (`store`, `delete`): here only what is
//! written comes about in another way. CAP's CREATE, MODIFY and DELETE.

use super::book::Booker;
use super::delete::{DeleteItems, Deletion, Terms, is_of_one, whole_stub};
use super::desk::Desk;
use super::links;
use super::organizer;
use super::reply;
use super::revision::stamp;
use super::series::Target;
use super::store::{Method, check_uid};
use crate::core::access::{Adding, Deleting, Modifying};
use crate::core::attachments;
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::query::{Ask, Row};
use crate::core::schedule::Notify;
use crate::core::schedule::attendee;
use crate::core::schedule::receive::{Itip, is_newer};
use crate::core::schedule::view::{self, counterpart};
use crate::core::{Caller, Core};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::DateTime;
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::value;
use crate::ical::zone::Zones;
use crate::model::item::{Item, State};
use crate::store::{Reader, WriteTxn, derive, items, marked, queue};

/// What becomes of one component that was found; none: it is not meant.
pub type Change<'a> = &'a (dyn Fn(&Row) -> Result<Option<Component>> + Sync);

/// A component that was changed or deleted, and why it was not.
#[derive(Debug)]
pub struct Touched {
    /// What it is.
    pub kind: Kind,
    /// The UID of its item.
    pub uid: String,
    /// The instance, where it is one.
    pub instance: Option<Property>,
    /// What became of it.
    pub outcome: Result<()>,
}

impl Touched {
    pub(super) fn of(kind: Kind, row: &Row, outcome: Result<()>) -> Self {
        Self {
            kind,
            uid: row.uid.clone(),
            instance: row.component.property("RECURRENCE-ID").cloned(),
            outcome,
        }
    }
}

impl Core {
    /// Books a new item as it is given. Those whom its organizer, the calendar's owner, names as attendees are invited.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`; `ItemExists`; `BadValue`, `TooMuch`, `DoubleBooked`,
    /// `TransparentResource`.
    pub fn create_whole(
        &self,
        caller: &Caller,
        calid: &str,
        object: &CalendarObject,
    ) -> Result<()> {
        self.store().write(|t| {
            let access = self.access(t, caller, Some(calid))?;
            access.grant::<Adding>()?;
            check_uid(&object.uid)?;
            let desk = Desk::new(self, caller, &access);
            if items::get(t, desk.calendar.id, &object.uid)?.is_some() {
                let message = "an item of that UID is there";
                return Err(Error::new(Failed::ItemExists, message));
            }
            links::check_unlinked(t, desk.calendar.id, &object.uid, object.kind)?;
            let mut object = object.clone();
            self.detach(t, &mut object.components)?;
            for component in &mut object.components {
                if component.property("DTSTAMP").is_none() {
                    component.set(Property::new("DTSTAMP", self.now().to_string()));
                }
            }
            let method = spoken(t, &desk, None, &object)?;
            settle(t, &desk, method, None, &mut object)?;
            let booker = Booker::new(&desk, method, Notify::default());
            booker.write(t, None, vec![object]).map(drop)
        })
    }

    /// Changes what a query finds of one kind, all of it or nothing. `timezones` are VTIMEZONEs that new times may name.
    ///
    /// Who may not change the calendar may change what they have answered to what they are invited to. A message that
    /// waits is booked by `change` taking the METHOD that its row shows away. Errors: as
    /// [`Core::create_whole`] and [`Core::ask`]; `NoSuchItem` when nothing is meant; `NotOwner` for somebody else's
    /// private item; `BadData` when what comes of it is no sound iCalendar.
    pub fn modify_whole(
        &self,
        caller: &Caller,
        calid: &str,
        kind: Kind,
        ask: &Ask<'_>,
        timezones: &[Component],
        change: Change<'_>,
    ) -> Result<Vec<Touched>> {
        self.store().write(|t| {
            let access = self.access(t, caller, Some(calid))?;
            if let Err(denied) = access.grant::<Modifying>() {
                return self.modify_own_part(t, (caller, &access), (kind, ask), change, denied);
            }
            let desk = Desk::new(self, caller, &access);
            let mut found = self.ask_in(t, caller, &access, ask)?;
            let mut left = self.settings().limits.attachment_body;
            let mut touched = Vec::new();
            for row in &mut found.rows {
                // What is attached is compared, and changed, as clients know it.
                attachments::attach(t, &mut row.component, &mut left)?;
                let row = &*row;
                if let Some(after) = change(row)? {
                    change_one(t, &desk, row, after, timezones)?;
                    touched.push(Touched::of(kind, row, Ok(())));
                }
            }
            match touched.is_empty() {
                true => Err(Error::new(Failed::NoSuchItem, "there is nothing like that")),
                false => Ok(touched),
            }
        })
    }

    /// Marks what a query finds as deleted, each for itself.
    ///
    /// Errors: as [`Core::delete_whole`]; of a single one `BadValue` for what is not booked.
    pub fn mark_whole(&self, caller: &Caller, calid: &str, ask: &Ask<'_>) -> Result<Vec<Touched>> {
        self.store().write(|t| {
            let access = self.access(t, caller, Some(calid))?;
            access.grant::<Deleting>()?;
            let desk = Desk::new(self, caller, &access);
            let found = self.ask_in(t, caller, &access, ask)?;
            let mut touched: Vec<Touched> = Vec::new();
            for row in &found.rows {
                let Some(kind) = Kind::of(row.component.name()) else {
                    continue;
                };
                let known = touched.iter().any(|touched| touched.uid == row.uid);
                let Some(item) = stored(t, &desk, row)?.filter(|_| !known) else {
                    continue;
                };
                let marks = |t: &mut WriteTxn<'_>| {
                    desk.check_privacy(&item)?;
                    mark(t, &desk, &item, &desk.object(&item)?)
                };
                match marks(t) {
                    Err(cause) if !is_of_one(cause.kind()) => return Err(cause),
                    outcome => touched.push(Touched::of(kind, row, outcome)),
                }
            }
            Ok(touched)
        })
    }

    /// Deletes what a query finds, each for itself: a series by its master, else the instance that was found. `instances`
    /// is the same query of instances, for which it is asked when nothing else is found.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`, as [`Core::ask`]. Of a single one as [`Core::delete_items`].
    pub fn delete_whole(
        &self,
        caller: &Caller,
        calid: &str,
        ask: &Ask<'_>,
        instances: Option<&Ask<'_>>,
    ) -> Result<Vec<Touched>> {
        self.store().write(|t| {
            let access = self.access(t, caller, Some(calid))?;
            access.grant::<Deleting>()?;
            let desk = Desk::new(self, caller, &access);
            let mut found = self.ask_in(t, caller, &access, ask)?;
            if let (true, Some(instances)) = (found.rows.is_empty(), instances) {
                found = self.ask_in(t, caller, &access, instances)?;
            }
            let mut deletion = Deletion::new(&desk, Terms::default());
            let mut touched = Vec::new();
            let mut gone: Vec<String> = Vec::new();
            for row in &found.rows {
                let Some(kind) = Kind::of(row.component.name()) else {
                    continue;
                };
                if gone.contains(&row.uid) {
                    continue;
                }
                let outcome = delete_one(t, &mut deletion, kind, row);
                match outcome {
                    Err(cause) if !is_of_one(cause.kind()) => return Err(cause),
                    outcome => {
                        if outcome.is_ok() && row.component.property("RECURRENCE-ID").is_none() {
                            gone.push(row.uid.clone());
                        }
                        touched.push(Touched::of(kind, row, outcome));
                    }
                }
            }
            Ok(touched)
        })
    }
}

/// What a change means to others: to the attendees where the calendar's owner organizes, to the organizer where the
/// owner's answer is another.
fn spoken(
    t: &impl Reader,
    desk: &Desk<'_>,
    old: Option<&CalendarObject>,
    object: &CalendarObject,
) -> Result<Method> {
    if let Some(own) = desk.core.attendee_of(t, desk.calendar, object)? {
        let said = |object: &CalendarObject| -> Vec<_> {
            let components = object.components.iter();
            components.map(|c| attendee::answer(c, &own)).collect()
        };
        let answers = old.is_some_and(|old| said(old) != said(object));
        return Ok(if answers {
            Method::Reply
        } else {
            Method::Update
        });
    }
    let own = match view::organizer(object) {
        Some(address) => desk.core.is_own_address(t, desk.calendar, address)?,
        None => false,
    };
    let invites = |object: &CalendarObject| {
        let mut components = object.components.iter();
        components.any(|c| c.property("ATTENDEE").is_some())
    };
    Ok(match own && (invites(object) || old.is_some_and(invites)) {
        true => Method::Request,
        false => Method::Publish,
    })
}

/// Whoever answers anew hands the invitation on to whom the answer says, and to nobody else any more.
fn hand_on(
    t: &impl Reader,
    desk: &Desk<'_>,
    old: &CalendarObject,
    made: &mut CalendarObject,
) -> Result<()> {
    let Some(own) = desk.core.attendee_of(t, desk.calendar, made)? else {
        return Ok(());
    };
    let mine = |address: &str| value::same_address(address, &own);
    let said = |component: &Component| attendee::find(component, &own).cloned();
    for component in &mut made.components {
        let before = counterpart(old, component).and_then(said);
        if said(component) != before {
            reply::delegate(component, mine)?;
        }
    }
    Ok(())
}

/// Nobody speaks for attendees with a calendar here, and what changes is a new revision.
fn settle(
    t: &impl Reader,
    desk: &Desk<'_>,
    method: Method,
    old: Option<&CalendarObject>,
    object: &mut CalendarObject,
) -> Result<()> {
    let voices = organizer::voices(t, desk, &[], &object.components)?;
    let blank = Component::new(object.kind.component_name());
    let now = desk.core.now();
    for component in &mut object.components {
        let before = old.and_then(|old| counterpart(old, component));
        if method == Method::Request {
            voices.settle(before.unwrap_or(&blank), component);
        }
        if let Some(before) = before.filter(|before| *before != component) {
            stamp(method, before, component, now);
        }
    }
    Ok(())
}

/// Puts `after` in the place of the component of a row.
fn change_one(
    t: &mut WriteTxn<'_>,
    desk: &Desk<'_>,
    row: &Row,
    after: Component,
    timezones: &[Component],
) -> Result<()> {
    let gone = || Error::new(Failed::NoSuchItem, "the item is gone");
    let item = stored(t, desk, row)?.ok_or_else(gone)?;
    desk.check_privacy(&item)?;
    let old = desk.object(&item)?;
    let mut after = after;
    desk.core.detach(t, std::slice::from_mut(&mut after))?;
    let wanted = after.value("METHOD").map(str::to_owned);
    after.remove("METHOD");
    if State::of(wanted.as_deref()) == State::Marked {
        return mark(t, desk, &item, &old);
    }
    let created = wanted.as_deref() == Some("CREATE");
    let books = created || !item.is_queued();
    if item.state() == State::Marked {
        return match created {
            true => unmark(t, desk, &item, old),
            false => Err(Error::new(
                Failed::BadValue,
                "what is marked as deleted is put back first",
            )),
        };
    }
    if item.is_queued() && books {
        check_bookable(t, desk, &item, &old)?;
    }
    let mut made = old.clone();
    let place = counterpart(&old, &row.component)
        .and_then(|found| old.components.iter().position(|other| other == found))
        .ok_or_else(gone)?;
    // Stamps are the store's.
    for name in ["CREATED", "LAST-MODIFIED"] {
        after.remove(name);
        if let Some(said) = old.components[place].property(name) {
            after.set(said.clone());
        }
    }
    if after == old.components[place] && !(books && item.is_queued()) {
        return Ok(());
    }
    made.components[place] = after;
    made.timezones.extend(timezones.iter().cloned());
    let made = checked(desk, made)?;
    check_organizer(t, desk, &old, &made)?;
    let method = spoken(t, desk, Some(&old), &made)?;
    let mut made = made;
    if method == Method::Reply {
        hand_on(t, desk, &old, &mut made)?;
    }
    settle(t, desk, method, Some(&old), &mut made)?;
    let booker = Booker::new(desk, method, Notify::default());
    let old = Some((&item, &old));
    match item.is_queued() && books {
        true => booker.write_booked(t, old, vec![made])?,
        false => booker.write(t, old, vec![made])?,
    };
    if item.is_queued() && books {
        // What is booked waits no more.
        let (id, zone) = (desk.calendar.id, &desk.zone);
        queue::take(t, id, zone, &item.uid, |old| old.change == item.change)?;
    }
    Ok(())
}

/// Takes an item out of the calendar without forgetting it, and without telling anybody: that is for whoever deletes it.
fn mark(t: &mut WriteTxn<'_>, desk: &Desk<'_>, item: &Item, object: &CalendarObject) -> Result<()> {
    desk.access.grant::<Deleting>()?;
    let (id, actor) = (desk.calendar.id, desk.caller.principal());
    match item.state() {
        State::Marked => Ok(()),
        State::Queued => {
            let message = "messages are deleted, not marked";
            Err(Error::new(Failed::BadValue, message))
        }
        State::Booked => {
            let stub = whole_stub(object);
            marked::mark(t, id, &desk.zone, &item.uid, stub, actor)?;
            Ok(())
        }
    }
}

/// Puts an item back that was marked as deleted. Errors: `ItemExists` when there is another of its UID.
fn unmark(
    t: &mut WriteTxn<'_>,
    desk: &Desk<'_>,
    item: &Item,
    object: CalendarObject,
) -> Result<()> {
    if items::get(t, desk.calendar.id, &item.uid)?.is_some() {
        let message = "an item of that UID is booked";
        return Err(Error::new(Failed::ItemExists, message));
    }
    let written = [desk.finished(object)?];
    desk.check_free(t, None, &written)?;
    for written in &written {
        desk.book(t, written)?;
    }
    marked::purge(t, desk.calendar.id, &item.uid)?;
    Ok(())
}

/// Whether a message that waits may take the place of what is booked. Errors: `BadValue` for what is no item, only news
/// of one; `ItemExists` when something as new is booked.
fn check_bookable(
    t: &impl Reader,
    desk: &Desk<'_>,
    item: &Item,
    object: &CalendarObject,
) -> Result<()> {
    let method = item.method.as_deref().unwrap_or_default();
    if !Itip::named(method).is_some_and(Itip::can_be_booked) {
        let message = format!("a {method} is worked, not booked");
        return Err(Error::new(Failed::BadValue, message));
    }
    let booked = items::get(t, desk.calendar.id, &item.uid)?;
    match booked.as_ref().and_then(derive::object) {
        Some(booked) if !is_newer(object, &booked) => {
            let message = "an item of that UID is booked that is as new";
            Err(Error::new(Failed::ItemExists, message))
        }
        _ => Ok(()),
    }
}

/// Whoever was invited to an item does not become its organizer. Errors: `NotOrganizer`.
fn check_organizer(
    t: &impl Reader,
    desk: &Desk<'_>,
    old: &CalendarObject,
    new: &CalendarObject,
) -> Result<()> {
    match (view::organizer(old), view::organizer(new)) {
        (Some(was), is)
            if is != Some(was) && !desk.core.is_own_address(t, desk.calendar, was)? =>
        {
            let message = "only the organizer of an item may name another";
            Err(Error::new(Failed::NotOrganizer, message))
        }
        _ => Ok(()),
    }
}

/// An object as it would be read again. Errors: `BadData`.
fn checked(desk: &Desk<'_>, object: CalendarObject) -> Result<CalendarObject> {
    let uid = object.uid.clone();
    let mut components = object.timezones;
    components.extend(object.components);
    let mut upload = desk.core.group_upload(components);
    if let Some(fault) = upload.faults.first() {
        return Err(Error::new(Failed::BadData, fault.to_string()));
    }
    match (upload.objects.pop(), upload.objects.is_empty()) {
        (Some(object), true) if object.uid == uid => Ok(object),
        _ => Err(Error::new(
            Failed::BadData,
            "an item keeps its UID and its kind",
        )),
    }
}

/// The record that a row comes from.
fn stored(t: &impl Reader, desk: &Desk<'_>, row: &Row) -> Result<Option<Item>> {
    let id = desk.calendar.id;
    Ok(match row.method {
        None => items::get(t, id, &row.uid)?,
        Some(ref method) if State::of(Some(method)) == State::Marked => {
            marked::get(t, id, &row.uid)?
        }
        Some(_) => queue::queued(t, id, &row.uid)?
            .into_iter()
            .find(|item| item.change == row.change),
    })
}

fn delete_one(
    t: &mut WriteTxn<'_>,
    deletion: &mut Deletion<'_>,
    kind: Kind,
    row: &Row,
) -> Result<()> {
    let desk = deletion.desk;
    let seen = items::visible(t, desk.calendar.id, &row.uid)?;
    let shown = seen.as_ref().is_some_and(|seen| seen.change == row.change);
    let id = desk.calendar.id;
    if State::of(row.method.as_deref()) == State::Marked {
        marked::purge(t, id, &row.uid)?;
        return Ok(());
    }
    if row.method.is_some() && !shown {
        queue::take(t, id, &desk.zone, &row.uid, |item| {
            item.change == row.change
        })?;
        return Ok(());
    }
    let instance = row.component.property("RECURRENCE-ID");
    let target = match instance.and_then(|id| value::date_time(id).ok()) {
        Some(id) => Target::Instance(instant(desk, seen.as_ref(), id)),
        None => Target::Whole,
    };
    let request = DeleteItems {
        kind,
        items: Vec::new(),
        zone: None,
        terms: Terms::default(),
    };
    deletion.one(t, &request, &row.uid, &target)
}

/// A RECURRENCE-ID as a target: times on a zone's clock as instants.
fn instant(desk: &Desk<'_>, item: Option<&Item>, id: DateTime) -> DateTime {
    match id {
        DateTime::Zoned(..) => {
            let object = item.and_then(derive::object);
            let zones = Zones::of(object.as_ref().map_or(&[], |object| &object.timezones));
            DateTime::Utc(zones.instant(&id, &desk.zone))
        }
        id => id,
    }
}

#[cfg(test)]
#[path = "whole_tests.rs"]
mod tests;
