//! Storing one item: creating or changing it, on behalf of somebody, in one transaction.
//!
//! Rights are asked for first, then whether the item is there as wanted, then whether the caller's part in it lets
//! them say this. What is written is a whole object, zones included; a change that says nothing new is not
//! written. WCAP's storeevents and storetodos; the methods are those of RFC 5546.

use super::attach::{self, Attach, Attaching, Dropped};
use super::desk::{Desk, Written};
use super::edit::{Edit, EditError, PropertyEdit, insert};
use super::series::{Changed, Target, World, change};
use super::times::Context;
use super::{attendees, links, organizer};
use crate::core::access::{Adding, Modifying, Right};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::{Caller, Core};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::Timestamp;
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::value::same_address;
use crate::ical::zone::Zone;
use crate::model::item::Item;
use crate::store::{Reader, WriteTxn, items};

/// The longest UID that is taken, in octets.
pub const UID_MAX: usize = 1024;

/// Whether the item may or must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Either way.
    #[default]
    CreateOrModify,
    /// It must be new.
    Create,
    /// It must be there.
    Modify,
}

/// What a store means to the others who take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The organizer's item; nobody is invited.
    #[default]
    Publish,
    /// The organizer's item; the attendees are invited, or told of the change.
    Request,
    /// An attendee's answer: only their own status and what is theirs alone changes.
    Reply,
    /// The organizer calls it off.
    Cancel,
    /// An attendee's own copy; nobody else hears of it.
    Update,
}

/// Who is named as organizer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Organizer {
    /// Nobody: the calendar's owner of a new item, else as before.
    #[default]
    Unsaid,
    /// This calid or mail address.
    Named(String),
    /// Only a user, which is not enough for a new item.
    OnlyUser(String),
}

/// An item to store.
pub struct StoreItem<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its UID, to the byte; none: a fresh one.
    pub uid: Option<String>,
    /// Which part of it.
    pub target: Target,
    /// Zone of a local time in [`StoreItem::target`]; none: the calendar's.
    pub target_zone: Option<Zone>,
    /// Whether it may be there.
    pub mode: Mode,
    /// On which terms.
    pub method: Method,
    /// The change, given the calendar's zone. Attendees may be calids, mail addresses or URIs here.
    pub edit: &'a (dyn Fn(&Zone) -> Edit + Sync),
    /// What a new item gets where the change says nothing.
    pub defaults: &'a (dyn Fn(&Component) -> Vec<Property> + Sync),
    /// Its organizer.
    pub organizer: Organizer,
    /// The user who wrote it in the organizer's name.
    pub sent_by: Option<String>,
    /// Whether a start that its rule does not give moves to the first that it does.
    pub drop_unfit_start: bool,
    /// What it does with attachments.
    pub attach: Attach<'a>,
}

/// What became of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The item's UID. When a series was cut in two: that of the new one, then that of the old.
    pub uids: Vec<String>,
    /// Whether anything was written.
    pub changed: bool,
    /// Whether the caller may read what was stored.
    pub readable: bool,
    /// What became of attachments that were to go, if there were any.
    pub dropped: Option<Dropped>,
}

impl Core {
    /// Creates or changes an item of the calendar `calid`.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`; `ItemExists`, `NothingToModify`, `NoSuchItem`, `NoSuchInstance`;
    /// `NotOwner` for somebody else's private item; `NotOrganizer`, `NotAttendeesTurn`, `NoOrganizerAddress`;
    /// `NoStart`, `BadValue`, `UnknownZone`, `TooMuch`; `SameDay`, `PastNeighbour`, `InstancePrivacy`;
    /// `DoubleBooked`, `TransparentResource`; `NoSuchAttachment` when none of those that are to go is there.
    pub fn store_item(
        &self,
        caller: &Caller,
        calid: &str,
        request: &StoreItem<'_>,
    ) -> Result<Stored> {
        let fresh = self.ids().uid();
        let attaching = Attaching::new(self, &request.attach)?;
        self.know_attendees(caller, request.edit)?;
        self.store().write(|t| {
            let access = self.access(t, caller, Some(calid))?;
            access.grant::<Adding>()?;
            if let Some(uid) = &request.uid {
                check_uid(uid)?;
            }
            let desk = Desk::new(self, caller, &access);
            let uid = request.uid.as_deref().unwrap_or(&fresh);
            let old = items::visible(t, desk.calendar.id, uid)?;
            let store = Store {
                desk: &desk,
                request,
                fresh: &fresh,
                attaching: &attaching,
            };
            let (written, dropped) = match old {
                None => {
                    links::check_unlinked(t, desk.calendar.id, uid, request.kind)?;
                    (store.create(t, uid)?, None)
                }
                Some(item) => {
                    store.check_mode(&item)?;
                    access.grant::<Modifying>()?;
                    desk.check_privacy(&item)?;
                    store.modify(t, &item)?
                }
            };
            Ok(Stored {
                changed: !written.is_empty(),
                uids: match written.is_empty() {
                    true => vec![uid.to_owned()],
                    false => written,
                },
                readable: access.allows(Right::Read),
                dropped,
            })
        })
    }
}

fn check_uid(uid: &str) -> Result<()> {
    if uid.len() > UID_MAX || uid.chars().any(char::is_control) {
        let message = format!("expected a UID of at most {UID_MAX} octets without line breaks");
        return Err(Error::new(Failed::BadValue, message));
    }
    Ok(())
}

/// A store under way.
struct Store<'a> {
    desk: &'a Desk<'a>,
    request: &'a StoreItem<'a>,
    fresh: &'a str,
    attaching: &'a Attaching<'a>,
}

impl Store<'_> {
    /// Whether an item that is there may be.
    fn check_mode(&self, item: &Item) -> Result<()> {
        let other_kind = item.kind != self.request.kind;
        match self.request.mode {
            Mode::Create => Err(Error::new(
                Failed::ItemExists,
                "an item of that UID is there",
            )),
            Mode::Modify if other_kind => Err(nothing_to_modify()),
            Mode::CreateOrModify if other_kind => {
                let message = "an item of another kind has that UID";
                Err(Error::new(Failed::ItemExists, message))
            }
            Mode::Modify | Mode::CreateOrModify => Ok(()),
        }
    }

    fn world<'b>(&'b self, creating: bool) -> World<'b> {
        World {
            floating: &self.desk.zone,
            limits: &self.desk.core.settings().limits,
            new_uid: self.fresh,
            drop_unfit_start: self.request.drop_unfit_start,
            creating,
        }
    }

    /// The change; e-mail alarms go to the calendar's owner unless somebody is named.
    fn edit(&self, t: &impl Reader) -> Result<Edit> {
        let mut edit = (self.request.edit)(&self.desk.zone);
        if edit.alarms.iter().any(|alarm| alarm.action == "EMAIL") {
            let owner = self.desk.core.address_of(t, self.desk.calendar)?;
            let mail = owner.strip_prefix("mailto:").unwrap_or(&owner);
            for alarm in &mut edit.alarms {
                alarm.fallback = vec![mail.to_owned()];
            }
        }
        Ok(edit)
    }

    fn create(&self, t: &mut WriteTxn<'_>, uid: &str) -> Result<Vec<String>> {
        let request = self.request;
        match (request.mode, request.method) {
            (Mode::Modify, _) | (_, Method::Reply | Method::Cancel) => {
                return Err(nothing_to_modify());
            }
            _ => {}
        }
        if request.target != Target::Whole {
            let message = "there is no series of that UID to change one instance of";
            return Err(Error::new(Failed::NoSuchItem, message));
        }
        self.attaching.dropped(None)?;
        let organizer = organizer::of_new(t, self.desk, request)?;
        let mut edit = self.edit(t)?;
        self.attaching.join(t, &mut edit, None)?;
        if let Some(list) = &mut edit.attendees {
            organizer::resolve(t, self.desk, &mut list.entries, &[])?;
        }
        let stamp = Property::new("DTSTAMP", self.desk.core.now().to_string());
        let blank = Component::new(request.kind.component_name())
            .with(Property::text("UID", uid))
            .with(stamp);
        let object = CalendarObject {
            kind: request.kind,
            uid: uid.to_owned(),
            components: vec![blank],
            timezones: Vec::new(),
        };
        let make = |component: &Component, ctx: &Context<'_>| {
            let mut made = edit.apply(component, ctx)?;
            for property in (request.defaults)(&made) {
                if made.property(property.name()).is_none() {
                    insert(&mut made, property);
                }
            }
            if let Some(organizer) = &organizer {
                insert(&mut made, organizer.clone());
            }
            Ok(made)
        };
        let object = match change(&object, &Target::Whole, &make, &self.world(true))? {
            Changed::Object { object, .. } => object,
            _ => object,
        };
        self.write(t, None, vec![object])
    }

    fn modify(&self, t: &mut WriteTxn<'_>, item: &Item) -> Result<(Vec<String>, Option<Dropped>)> {
        let object = self.desk.object(item)?;
        organizer::check(t, self.desk, self.request, &object)?;
        let dropped = self.attaching.dropped(Some(&object))?;
        let mut edit = self.edit(t)?;
        self.attaching.join(t, &mut edit, Some(&object))?;
        if let Some(list) = &mut edit.attendees {
            organizer::resolve(t, self.desk, &mut list.entries, &object.components)?;
        }
        let new_organizer = organizer::of_change(t, self.desk, self.request, &object)?;
        if let Some(organizer) = new_organizer {
            edit.properties.push(PropertyEdit::Set(organizer));
        }
        let own = organizer::own_addresses(t, self.desk.core, self.desk.calendar, &object)?;
        let now = self.desk.core.now();
        let method = self.request.method;
        let make = |component: &Component, ctx: &Context<'_>| {
            let mut made = match method {
                Method::Reply => reply(component, &edit, &own, ctx)?,
                _ => edit.apply(component, ctx)?,
            };
            if method == Method::Cancel {
                made.set(Property::new("STATUS", "CANCELLED"));
            }
            if made != *component {
                stamp(method, component, &mut made, now);
            }
            Ok(made)
        };
        let target = self.desk.target(
            &self.request.target,
            self.request.target_zone.as_ref(),
            &object,
        );
        match change(&object, &target, &make, &self.world(false))? {
            Changed::Nothing => Ok((Vec::new(), dropped)),
            Changed::Object {
                object: mut made, ..
            } => {
                if method == Method::Reply && target == Target::Whole {
                    answer_exceptions(&object, &mut made, &own, now);
                }
                Ok((self.write(t, Some(&object), vec![made])?, dropped))
            }
            Changed::Split { edited, mut rest } => {
                // What is left ends or begins elsewhere: a new revision of it, too.
                if let (Some(before), Some(after)) = (object.master(), rest.components.first_mut())
                {
                    stamp(method, before, after, now);
                }
                let written = self.write(t, Some(&object), vec![edited, rest])?;
                Ok((written, dropped))
            }
        }
    }

    /// Books the objects and answers their UIDs.
    fn write(
        &self,
        t: &mut WriteTxn<'_>,
        old: Option<&CalendarObject>,
        objects: Vec<CalendarObject>,
    ) -> Result<Vec<String>> {
        organizer::check_voice(self.desk, self.request.method, &objects)?;
        attach::check_count(self.desk.core, old, &objects)?;
        let resource = self.desk.calendar.properties.resource;
        let transparent = |c: &Component| {
            c.value("TRANSP")
                .is_some_and(|v| v.eq_ignore_ascii_case("TRANSPARENT"))
        };
        let new = |c: &Component| old.is_none_or(|old| !old.components.contains(c));
        let said = objects
            .iter()
            .flat_map(|o| &o.components)
            .any(|c| transparent(c) && new(c));
        if resource && said && !old.is_some_and(|old| old.components.iter().any(transparent)) {
            let message = "expected a resource to be busy whenever it is booked";
            return Err(Error::new(Failed::TransparentResource, message));
        }
        let written: Vec<Written> = objects
            .into_iter()
            .map(|object| self.desk.finished(object))
            .collect::<Result<_>>()?;
        self.desk.check_free(t, old, &written)?;
        for written in &written {
            self.desk.book(t, written)?;
        }
        Ok(written
            .into_iter()
            .map(|written| written.object.uid)
            .collect())
    }
}

fn nothing_to_modify() -> Error {
    Error::new(
        Failed::NothingToModify,
        "there is no item of that UID and kind to change",
    )
}

/// Properties an attendee may change in their own copy while they answer: the others are the organizer's.
const PERSONAL: [&str; 4] = ["CATEGORIES", "CLASS", "PRIORITY", "TRANSP"];

/// The component with the calendar's owner's answer in it, and what is theirs alone.
fn reply(
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
    Ok(made)
}

/// Gives the answer to a series also to those of its exceptions that were answered as the series was before:
/// the others were answered for themselves (RFC 5546 section 3.2.3).
fn answer_exceptions(
    before: &CalendarObject,
    after: &mut CalendarObject,
    own: &[String],
    now: Timestamp,
) {
    let mine = |address: &str| own.iter().any(|own| same_address(own, address));
    let status = |component: &Component| {
        let mut attendees = component.properties_named("ATTENDEE");
        let own = attendees.find(|attendee| mine(attendee.value()))?;
        let status = own.param("PARTSTAT");
        Some(status.map_or("NEEDS-ACTION".to_owned(), |s| s.to_ascii_uppercase()))
    };
    let (Some(old), [master, exceptions @ ..]) = (
        before.master().and_then(status),
        after.components.as_mut_slice(),
    ) else {
        return;
    };
    let Some(new) = status(master).filter(|new| *new != old) else {
        return;
    };
    let said = [("PARTSTAT".to_owned(), new)];
    for exception in exceptions {
        let like_series = status(exception).as_ref() == Some(&old);
        if like_series && attendees::answer(exception, mine, &said).is_ok() {
            exception.set(Property::new("DTSTAMP", now.to_string()));
        }
    }
}

/// Marks a component as changed: when, and as a new revision where the organizer made one.
fn stamp(method: Method, before: &Component, after: &mut Component, now: Timestamp) {
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

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
