//! A calendar's writing desk: an object read, finished and booked, for every use case that changes items.
//!
//! What is booked carries the VTIMEZONEs of the zones it names, keeps to the size a record may have, and, where
//! the calendar wants that, takes no time that is taken.

use super::edit::EditError;
use super::series::Target;
use super::times::start_of;
use crate::core::access::{Access, Right};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::schedule::attendee;
use crate::core::schedule::view::counterpart;
use crate::core::transfer::{floating, object_text};
use crate::core::{Caller, Core};
use crate::ical::component::Component;
use crate::ical::datetime::DateTime;
use crate::ical::instances::to_compact_text;
use crate::ical::object::CalendarObject;
use crate::ical::vtimezone;
use crate::ical::zone::{self, Zone};
use crate::model::calendar::Calendar;
use crate::model::id::PrincipalId;
use crate::model::item::{Item, Part};
use crate::store::items::{self, Booking};
use crate::store::{Reader, WriteTxn, derive, queue};

impl From<EditError> for Error {
    fn from(cause: EditError) -> Self {
        let kind = match &cause {
            EditError::NoStart => Failed::NoStart,
            EditError::Value(_) => Failed::BadValue,
            EditError::NoSuchInstance(_) => Failed::NoSuchInstance,
            EditError::SameDay(_) => Failed::SameDay,
            EditError::PastNeighbour(_) => Failed::PastNeighbour,
            EditError::Privacy(_) => Failed::InstancePrivacy,
            EditError::TooMuch(_) => Failed::TooMuch,
            EditError::UnknownZone(_) => Failed::UnknownZone,
        };
        Self::new(kind, cause.to_string())
    }
}

/// One calendar and whoever writes in it.
pub(super) struct Desk<'a> {
    pub(super) core: &'a Core,
    pub(super) caller: &'a Caller,
    pub(super) access: &'a Access,
    pub(super) calendar: &'a Calendar,
    /// The calendar's zone.
    pub(super) zone: Zone,
}

/// An object and its text.
pub(in crate::core) struct Written {
    pub(in crate::core) object: CalendarObject,
    text: String,
}

impl Written {
    /// The object's text.
    pub(in crate::core) fn text(&self) -> &str {
        &self.text
    }
}

impl<'a> Desk<'a> {
    pub(super) fn new(core: &'a Core, caller: &'a Caller, access: &'a Access) -> Self {
        let calendar = access.calendar();
        let zone = floating(&calendar.properties.tzid);
        Self {
            core,
            caller,
            access,
            calendar,
            zone,
        }
    }

    /// The object of an item. Errors: `BadData` when its text is damaged.
    pub(super) fn object(&self, item: &Item) -> Result<CalendarObject> {
        let damaged = || Error::new(Failed::BadData, "the stored item cannot be read");
        derive::object(item).ok_or_else(damaged)
    }

    /// Only owners change private and confidential items. Errors: `NotOwner`.
    pub(super) fn check_privacy(&self, item: &Item) -> Result<()> {
        if item.facts.restricted && !self.access.is_owner() {
            let message = "only an owner of the calendar may change its private items";
            return Err(Error::new(Failed::NotOwner, message));
        }
        Ok(())
    }

    /// Whether VCARs let the caller make, change or delete the components of an object.
    ///
    /// Errors: `AccessDenied`.
    pub(super) fn admit(
        &self,
        old: Option<&CalendarObject>,
        new: Option<&CalendarObject>,
    ) -> Result<()> {
        let access = self.access;
        for component in new.into_iter().flat_map(|new| &new.components) {
            let before = old.and_then(|old| counterpart(old, component));
            // A new exception is a change of its series.
            let before = before.or(old.and_then(CalendarObject::master));
            access.admit(before, Some(component))?;
        }
        if new.is_none() {
            for component in old.into_iter().flat_map(|old| &old.components) {
                access.admit(Some(component), None)?;
            }
        }
        Ok(())
    }

    /// The target with local times read in `zone` or the calendar's, unless the series itself counts in days or
    /// floating times.
    pub(super) fn target(
        &self,
        target: &Target,
        zone: Option<&Zone>,
        object: &CalendarObject,
    ) -> Target {
        let start = object.components.first().and_then(start_of);
        let local = matches!(start, Some(DateTime::Date(_) | DateTime::Floating(_)));
        let read = |id: &DateTime| match id {
            DateTime::Floating(civil) if !local => {
                DateTime::Utc(zone.unwrap_or(&self.zone).to_timestamp(*civil))
            }
            _ => id.clone(),
        };
        match target {
            Target::Whole => Target::Whole,
            Target::Instance(id) => Target::Instance(read(id)),
            Target::Following(id) => Target::Following(read(id)),
            Target::Preceding(id) => Target::Preceding(read(id)),
        }
    }

    pub(super) fn finished(&self, object: CalendarObject) -> Result<Written> {
        self.core.finish_object(object)
    }

    pub(super) fn book(&self, t: &mut WriteTxn<'_>, written: &Written) -> Result<Item> {
        let actor = self.caller.principal();
        self.core
            .book_object(t, self.calendar, &self.zone, written, actor)
    }

    /// Whether the calendar's owner has not answered any of an invitation.
    pub(super) fn waits(&self, t: &impl Reader, written: &Written) -> Result<bool> {
        let object = &written.object;
        let Some(own) = self.core.attendee_of(t, self.calendar, object)? else {
            return Ok(false);
        };
        let answers = object.components.iter();
        Ok(answers
            .filter_map(|component| attendee::answer(component, &own))
            .all(|said| said == "NEEDS-ACTION"))
    }

    /// Puts an invitation that stays unanswered back into the queue, as its owner has changed it.
    pub(super) fn keep_queued(
        &self,
        t: &mut WriteTxn<'_>,
        item: &Item,
        written: &Written,
    ) -> Result<()> {
        let (id, zone) = (self.calendar.id, &self.zone);
        let queued = queue::put(
            t,
            id,
            zone,
            queue::Message {
                object: &written.object,
                text: &written.text,
                method: item.method.as_deref().unwrap_or(queue::REQUEST),
                sender: item.sender.as_deref().unwrap_or_default(),
                attendee: item.attendee.as_deref(),
                actor: self.caller.principal(),
            },
        )?;
        queue::take(t, id, zone, &item.uid, |old| old.change == item.change)?;
        debug_assert!(queued.change > item.change);
        Ok(())
    }

    /// Whether the busy times of what is to be booked are free, where the calendar wants that. What took its time
    /// before may keep it.
    ///
    /// Errors: `DoubleBooked`; `TooMuch` for more instances than `limits.instances`.
    pub(super) fn check_free(
        &self,
        t: &impl Reader,
        old: Option<&CalendarObject>,
        written: &[Written],
    ) -> Result<()> {
        let uids: Vec<&str> = written.iter().map(|w| w.object.uid.as_str()).collect();
        for Written { object, .. } in written {
            let attendee = self.core.attendee_of(t, self.calendar, object)?;
            let part = Part {
                attendee: attendee.as_deref(),
                queued: false,
            };
            let taken = |object| to_compact_text(&derive::as_blocking(object, part));
            if old.is_some_and(|old| taken(old) == taken(object)) {
                continue;
            }
            let wanted = derive::as_blocking(object, part);
            let clash = self
                .core
                .clash(t, self.calendar, &self.zone, &wanted, &uids)?;
            if let Some(clash) = clash {
                let mut message = format!("the calendar is busy at {}", clash.at.start());
                if self.access.allows(Right::Read) {
                    message = format!("{message}: '{}'", clash.uid);
                }
                return Err(Error::new(Failed::DoubleBooked, message));
            }
        }
        Ok(())
    }
}

impl Core {
    /// The object with the VTIMEZONEs it needs and no others, and its text.
    ///
    /// Errors: `BadValue` beyond `limits.object_size`.
    pub(in crate::core) fn finish_object(&self, mut object: CalendarObject) -> Result<Written> {
        let tzids = object.tzids();
        let names = |timezone: &Component, tzid: &str| {
            zone::name_of(timezone).is_some_and(|own| own.eq_ignore_ascii_case(tzid))
        };
        object
            .timezones
            .retain(|own| tzids.iter().any(|tzid| names(own, tzid.trim())));
        for tzid in &tzids {
            if !object.timezones.iter().any(|own| names(own, tzid.trim())) {
                object.timezones.extend(vtimezone::named(tzid));
            }
        }
        let text = object_text(&object);
        let (limit, length) = (self.settings().limits.object_size, text.len());
        if length > limit {
            let message = format!("expected an item of at most {limit} octets, found {length}");
            return Err(Error::new(Failed::BadValue, message));
        }
        Ok(Written { object, text })
    }

    /// Books an object in `calendar`, whose zone is `zone`; `actor` is whose act that is.
    pub(in crate::core) fn book_object(
        &self,
        t: &mut WriteTxn<'_>,
        calendar: &Calendar,
        zone: &Zone,
        written: &Written,
        actor: Option<PrincipalId>,
    ) -> Result<Item> {
        let attendee = self.attendee_of(t, calendar, &written.object)?;
        let booking = Booking {
            object: &written.object,
            text: &written.text,
            actor,
            attendee: attendee.as_deref(),
        };
        Ok(items::put(t, calendar.id, zone, booking)?)
    }
}
