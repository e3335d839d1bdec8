//! Storing one item: creating or changing it, on behalf of somebody, in one transaction.
//!
//! Rights are asked for first, then whether the item is there as wanted, then whether the caller's part in it lets
//! them say this. What is written is a whole object, zones included; a change that says nothing new is not
//! written. WCAP's storeevents and storetodos; the methods are those of RFC 5546.

use super::attach::{Attach, Attaching, Dropped};
use super::book::Booker;
use super::desk::Desk;
use super::edit::{Edit, PropertyEdit, insert};
use super::organizer::Voices;
use super::reply::{answer_exceptions, reply};
use super::revision::stamp;
use super::series::{Changed, Target, World, change};
use super::times::Context;
use super::{links, organizer};
use crate::core::access::{Adding, Modifying, Right};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::schedule::send::is_told;
use crate::core::schedule::{Notify, Shortfall, settle};
use crate::core::{Caller, Core};
use crate::ical::component::{Component, Property};
use crate::ical::object::{CalendarObject, Kind};
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
    /// The user who wrote it in the owner's name; none: the caller.
    pub sent_by: Option<String>,
    /// Whether a start that its rule does not give moves to the first that it does.
    pub drop_unfit_start: bool,
    /// What it does with attachments.
    pub attach: Attach<'a>,
    /// Who is written to by mail.
    pub notify: Notify,
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
    /// What went other than wished for.
    pub shortfall: Shortfall,
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
                booker: Booker::new(&desk, request.method, request.notify)
                    .written_by(request.sent_by.as_deref()),
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
                shortfall: store.booker.shortfall(),
            })
        })
    }
}

pub(super) fn check_uid(uid: &str) -> Result<()> {
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
    booker: Booker<'a>,
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
        let voices = self.voices(t, &mut edit, &[])?;
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
            if request.method == Method::Request {
                voices.settle(component, &mut made);
            }
            Ok(made)
        };
        let object = match change(&object, &Target::Whole, &make, &self.world(true))? {
            Changed::Object { object, .. } => object,
            _ => object,
        };
        self.booker.write(t, None, vec![object])
    }

    fn modify(&self, t: &mut WriteTxn<'_>, item: &Item) -> Result<(Vec<String>, Option<Dropped>)> {
        let object = self.desk.object(item)?;
        organizer::check(t, self.desk, self.request, &object)?;
        let dropped = self.attaching.dropped(Some(&object))?;
        let mut edit = self.edit(t)?;
        self.attaching.join(t, &mut edit, Some(&object))?;
        let voices = self.voices(t, &mut edit, &object.components)?;
        let new_organizer = organizer::of_change(t, self.desk, self.request, &object)?;
        if let Some(organizer) = new_organizer {
            edit.properties.push(PropertyEdit::Set(organizer));
        }
        let own = organizer::own_addresses(t, self.desk.core, self.desk.calendar, &object)?;
        let now = self.desk.core.now();
        let method = self.request.method;
        let told = is_told(&object);
        let make = |component: &Component, ctx: &Context<'_>| {
            let mut made = match method {
                Method::Reply => reply(component, &edit, &own, ctx)?,
                _ => edit.apply(component, ctx)?,
            };
            match method {
                Method::Cancel => made.set(Property::new("STATUS", "CANCELLED")),
                Method::Request => voices.settle(component, &mut made),
                Method::Publish if told => voices.settle(component, &mut made),
                _ => {}
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
        let in_part = matches!(target, Target::Following(_) | Target::Preceding(_));
        if in_part && matches!(method, Method::Reply | Method::Update) && !own.is_empty() {
            let message = "expected an answer to one instance or to all of a series";
            return Err(Error::new(Failed::BadValue, message));
        }
        let written = match change(&object, &target, &make, &self.world(false))? {
            Changed::Nothing if method == Method::Request => self.invite_again(t, item, &object)?,
            Changed::Nothing => Vec::new(),
            Changed::Object {
                object: mut made, ..
            } => {
                match (method, &target, object.master()) {
                    (Method::Reply, Target::Whole, _) => {
                        answer_exceptions(&object, &mut made, &own, now);
                    }
                    (Method::Request, Target::Whole, Some(before)) => {
                        settle::spread(before, &mut made);
                    }
                    (Method::Cancel, Target::Whole, _) => call_off_exceptions(&mut made, now),
                    _ => {}
                }
                self.booker.write(t, Some((item, &object)), vec![made])?
            }
            Changed::Split { edited, mut rest } => {
                // What is left ends or begins elsewhere: a new revision of it, too.
                if let (Some(before), Some(after)) = (object.master(), rest.components.first_mut())
                {
                    stamp(method, before, after, now);
                }
                self.booker
                    .write(t, Some((item, &object)), vec![edited, rest])?
            }
        };
        Ok((written, dropped))
    }

    /// Invites those who were not told yet of an item in which nothing is new.
    fn invite_again(
        &self,
        t: &mut WriteTxn<'_>,
        item: &Item,
        object: &CalendarObject,
    ) -> Result<Vec<String>> {
        organizer::check_voice(self.desk, Method::Request, std::slice::from_ref(object))?;
        let told = self.booker.tell(t, Some(object), object.clone())?;
        if told == *object || item.is_queued() {
            return Ok(Vec::new());
        }
        let written = self.desk.finished(told)?;
        self.desk.book(t, &written)?;
        Ok(vec![written.object.uid])
    }

    /// Who of the attendees speaks for themselves, after groups among them were expanded and names made addresses.
    fn voices(&self, t: &impl Reader, edit: &mut Edit, components: &[Component]) -> Result<Voices> {
        let Some(list) = &mut edit.attendees else {
            return organizer::voices(t, self.desk, &[], components);
        };
        let clipped = organizer::resolve(t, self.desk, &mut list.entries, components)?;
        self.booker.note_clipped(clipped);
        organizer::voices(t, self.desk, &list.entries, components)
    }
}

/// Calls the exceptions of a series off as it was itself.
fn call_off_exceptions(object: &mut CalendarObject, now: crate::ical::datetime::Timestamp) {
    for exception in object.components.iter_mut().skip(1) {
        let before = exception.clone();
        exception.set(Property::new("STATUS", "CANCELLED"));
        if *exception != before {
            stamp(Method::Cancel, &before, exception, now);
        }
    }
}

fn nothing_to_modify() -> Error {
    Error::new(
        Failed::NothingToModify,
        "there is no item of that UID and kind to change",
    )
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
