//! Deleting items and instances of them, many in one transaction.
//!
//! Each is answered for by itself: what is there goes, even when something else is not. Deletions leave stubs in the
//! calendar's journal for whoever keeps a copy. WCAP's deleteevents_by_id and deletetodos_by_id.

use super::desk::Desk;
use super::links;
use super::revision::stamp;
use super::rules::RULE_NAMES;
use super::series::{Left, Target, World, delete};
use super::store::Method;
use super::times::start_of;
use crate::core::access::{Deleting, Right};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::schedule::attendee::{self, DELEGATED_TO, PARTSTAT};
use crate::core::schedule::merge::is_cancelled;
use crate::core::schedule::send::{News, is_told};
use crate::core::schedule::view::counterpart;
use crate::core::schedule::{Notify, Round, Shortfall, view};
use crate::core::transfer::object_text;
use crate::core::{Caller, Core};
use crate::ical::component::{Component, Entry};
use crate::ical::datetime::DateTime;
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::value;
use crate::ical::zone::{self, Zone};
use crate::model::item::Item;
use crate::store::{Reader, WriteTxn, items, queue};

/// Items to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteItems {
    /// What they are; others of the same UID count as not there.
    pub kind: Kind,
    /// UIDs and which part of each, in order; a UID may come again for another instance.
    pub items: Vec<(String, Target)>,
    /// Zone of local times in targets; none: the calendar's.
    pub zone: Option<Zone>,
    /// Who hears of it.
    pub terms: Terms,
}

/// Who hears of a deletion. Those with a calendar here whom an organizer invited always do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// Whether the organizer of an item is told that the calendar's owner does not come.
    pub decline: bool,
    /// Who is written to by mail.
    pub notify: Notify,
}

/// What became of deletions.
#[derive(Debug)]
pub struct Deleted {
    /// For each item, in order, why it is still there.
    pub answers: Vec<Result<()>>,
    /// What went other than wished for.
    pub shortfall: Shortfall,
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
    ) -> Result<Deleted> {
        self.store().write(|t| {
            let access = self.access(t, caller, calid)?;
            access.grant::<Deleting>()?;
            let desk = Desk::new(self, caller, &access);
            let mut deletion = Deletion::new(&desk, request.terms);
            let mut answers = Vec::with_capacity(request.items.len());
            for (uid, target) in &request.items {
                match deletion.one(t, request, uid, target) {
                    Err(cause) if !is_of_one(cause.kind()) => return Err(cause),
                    answer => answers.push(answer),
                }
            }
            Ok(Deleted {
                answers,
                shortfall: deletion.shortfall,
            })
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

/// Deletions under way.
pub(super) struct Deletion<'a> {
    pub(super) desk: &'a Desk<'a>,
    terms: Terms,
    pub(super) shortfall: Shortfall,
}

impl<'a> Deletion<'a> {
    pub(super) fn new(desk: &'a Desk<'a>, terms: Terms) -> Self {
        Self {
            desk,
            terms,
            shortfall: Shortfall::default(),
        }
    }

    /// Deletes one item, or an instance of it.
    pub(super) fn one(
        &mut self,
        t: &mut WriteTxn<'_>,
        request: &DeleteItems,
        uid: &str,
        target: &Target,
    ) -> Result<()> {
        let desk = self.desk;
        let item = items::visible(t, desk.calendar.id, uid)?;
        if item.is_none() && links::unlink(t, desk, uid, request.kind)? {
            return Ok(());
        }
        let item = item
            .filter(|item| item.kind == request.kind)
            .ok_or_else(|| {
                Error::new(Failed::NoSuchItem, "there is no item of that UID and kind")
            })?;
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
            Left::Nothing => self.remove(t, &item, &object),
            Left::Object { object: left, gone } => self.leave(t, &item, &object, left, gone),
        }
    }

    fn round(&self) -> Round<'_> {
        let desk = self.desk;
        Round::new(desk.core, desk.caller, desk.calendar, self.terms.notify)
    }

    /// Whether the owner of the calendar organizes an item that others were told of, which only those may call off
    /// who may speak for the owner. Errors: `AccessDenied`.
    fn is_meeting(&self, t: &impl Reader, object: &CalendarObject) -> Result<bool> {
        let Some(organizer) = view::organizer(object) else {
            return Ok(false);
        };
        let desk = self.desk;
        let own = desk.core.is_own_address(t, desk.calendar, organizer)?;
        let meeting = own && is_told(object);
        if meeting {
            desk.access.require(Right::Cancel, "call off items")?;
        }
        Ok(meeting)
    }

    /// Removes an item.
    pub(super) fn remove(
        &mut self,
        t: &mut WriteTxn<'_>,
        item: &Item,
        object: &CalendarObject,
    ) -> Result<()> {
        self.desk.admit(Some(object), None)?;
        if self.is_meeting(t, object)? {
            let mut shortfall = self.shortfall;
            self.round().call_off(t, object, None, &mut shortfall)?;
            self.shortfall = shortfall;
        } else {
            self.decline(t, item, object, object)?;
        }
        let stub = whole_stub(object);
        let desk = self.desk;
        let actor = desk.caller.principal();
        let (id, zone) = (desk.calendar.id, &desk.zone);
        match item.is_queued() {
            true => queue::drop_all(t, id, zone, &item.uid, stub, actor)?,
            false => items::remove(t, id, zone, &item.uid, stub, actor)?,
        };
        Ok(())
    }

    /// Books what is left of an item, and notes the instances that went one by one.
    pub(super) fn leave(
        &mut self,
        t: &mut WriteTxn<'_>,
        item: &Item,
        object: &CalendarObject,
        left: CalendarObject,
        gone: Vec<Component>,
    ) -> Result<()> {
        let desk = self.desk;
        for gone in &gone {
            let before = counterpart(object, gone).or(object.master());
            desk.access.admit(before, None)?;
        }
        let left = match self.is_meeting(t, object)? {
            true => self.shorten(t, object, left, &gone)?,
            false => {
                for gone in &gone {
                    let gone = CalendarObject {
                        components: vec![gone.clone()],
                        ..object.clone()
                    };
                    self.decline(t, item, object, &gone)?;
                }
                left
            }
        };
        let written = desk.finished(left)?;
        if item.is_queued() {
            desk.keep_queued(t, item, &written)?;
        } else {
            desk.book(t, &written)?;
        }
        for gone in gone {
            self.note(t, item, object, gone)?;
        }
        Ok(())
    }

    /// Calls the instances that go off with those they were told of; where they are not named, tells what is left.
    fn shorten(
        &mut self,
        t: &mut WriteTxn<'_>,
        object: &CalendarObject,
        left: CalendarObject,
        gone: &[Component],
    ) -> Result<CalendarObject> {
        let mut left = left;
        let mut shortfall = self.shortfall;
        let round = self.round();
        for gone in gone {
            round.call_off(t, object, Some(gone), &mut shortfall)?;
        }
        if gone.is_empty() {
            let masters = (object.components.first(), left.components.first_mut());
            if let (Some(before), Some(after)) = masters {
                stamp(Method::Request, before, after, self.desk.core.now());
            }
            left = round.tell(t, Some(object), left, News::Organizer, &mut shortfall)?;
        }
        self.shortfall = shortfall;
        Ok(left)
    }

    /// Tells the organizer that the calendar's owner does not come to `gone`, where that is wanted and not said yet.
    fn decline(
        &mut self,
        t: &mut WriteTxn<'_>,
        item: &Item,
        object: &CalendarObject,
        gone: &CalendarObject,
    ) -> Result<()> {
        let Some(own) = item.attendee.as_deref().filter(|_| self.terms.decline) else {
            return Ok(());
        };
        self.desk
            .access
            .require(Right::Reply, "answer invitations")?;
        let mut declined = gone.clone();
        declined
            .components
            .retain(|component| !is_cancelled(component));
        for component in &mut declined.components {
            attendee::change(component, own, |attendee| {
                attendee::with(attendee, PARTSTAT, "DECLINED").without_param(DELEGATED_TO)
            });
        }
        let mut shortfall = self.shortfall;
        self.round()
            .answer(t, Some(object), &declined, own, &mut shortfall)?;
        self.shortfall = shortfall;
        Ok(())
    }

    /// Notes that one instance went.
    fn note(
        &self,
        t: &mut WriteTxn<'_>,
        item: &Item,
        object: &CalendarObject,
        gone: Component,
    ) -> Result<()> {
        let desk = self.desk;
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
}

/// What is kept of a deleted object: its first component, which stands for all of it.
pub(in crate::core) fn whole_stub(object: &CalendarObject) -> String {
    let Some(mut first) = object.components.first().cloned() else {
        return String::new();
    };
    // Of several instances of a series that somebody was invited to, none stands for the others.
    if object.components.len() > 1 {
        first.remove("RECURRENCE-ID");
    }
    stub(object, first)
}

/// What is kept of a deleted component: its identity, its times and its rules, and who may know who deleted it.
pub(in crate::core) fn stub(object: &CalendarObject, component: Component) -> String {
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
