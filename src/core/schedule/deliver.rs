//! A message put into a calendar here: queued, booked or applied to what is booked, in the transaction of its cause.
//!
//! The sender's words count only for what the same organizer has put there before, so that nobody changes an item by
//! guessing its UID. RFC 5546 sections 3.2.2 and 3.2.5.

use super::merge::{self, Update};
use super::receive::Itip;
use super::view::{self, organizer};
use super::{Message, Method, Round, Status, attendee, resource};
use crate::core::error::{Kind as Failed, Result};
use crate::core::items::delete::whole_stub;
use crate::core::transfer::floating;
use crate::ical::object::CalendarObject;
use crate::ical::zone::Zone;
use crate::model::calendar::Calendar;
use crate::model::item::Item;
use crate::store::{Reader, WriteTxn, derive, items, queue};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) status: Status,
    /// What a calendar that answers by itself has said, as a PARTSTAT.
    pub(super) answer: Option<&'static str>,
}

impl From<Status> for Taken {
    fn from(status: Status) -> Self {
        Self {
            status,
            answer: None,
        }
    }
}

/// Where a message goes, and what is there of the same UID.
pub(super) struct Place<'a> {
    pub(super) calendar: &'a Calendar,
    pub(super) zone: Zone,
    pub(super) seen: Option<(Item, CalendarObject)>,
}

impl Place<'_> {
    /// What is booked.
    pub(super) fn booked(&self) -> Option<&CalendarObject> {
        let booked = self.seen.as_ref().filter(|(item, _)| !item.is_queued());
        booked.map(|(_, object)| object)
    }
}

impl Round<'_> {
    /// Puts a REQUEST or a CANCEL into a calendar. A message that cannot be worked is no failure of its cause.
    ///
    /// Errors: only those of the store.
    pub(super) fn deliver(
        &self,
        t: &mut WriteTxn<'_>,
        calendar: &Calendar,
        message: &Message<'_>,
    ) -> Result<Taken> {
        let worked = self.work(t, calendar, message);
        match worked {
            Err(cause) if is_of_one(cause.kind()) => {
                tracing::debug!(reason = %cause, "a scheduling message could not be worked");
                Ok(Status::Unavailable.into())
            }
            worked => worked,
        }
    }

    fn work(
        &self,
        t: &mut WriteTxn<'_>,
        calendar: &Calendar,
        message: &Message<'_>,
    ) -> Result<Taken> {
        if !calendar.enabled || !self.core.serves(&calendar.calid.domain) {
            return Ok(Status::Unavailable.into());
        }
        let place = self.place(t, calendar, &message.object.uid)?;
        if let Some((_, object)) = &place.seen
            && !self.is_same_meeting(t, object, message)?
        {
            return Ok(Status::NoAuthority.into());
        }
        match message.method {
            Method::Request if !self.may_schedule(t, calendar)? => Ok(Status::NoAuthority.into()),
            _ => self.apply(t, &place, message),
        }
    }

    /// A calendar as the place of a message about `uid`.
    pub(super) fn place<'b>(
        &self,
        t: &impl Reader,
        calendar: &'b Calendar,
        uid: &str,
    ) -> Result<Place<'b>> {
        let seen = items::visible(t, calendar.id, uid)?;
        Ok(Place {
            calendar,
            zone: floating(&calendar.properties.tzid),
            seen: seen.and_then(|item| {
                let object = derive::object(&item)?;
                Some((item, object))
            }),
        })
    }

    /// Works a message whose sender may send it.
    pub(super) fn apply(
        &self,
        t: &mut WriteTxn<'_>,
        place: &Place<'_>,
        message: &Message<'_>,
    ) -> Result<Taken> {
        match message.method {
            Method::Request => self.request(t, place, message),
            Method::Cancel => self.cancel(t, place, message),
            Method::Reply => Ok(Status::InvalidAddress.into()),
        }
    }

    fn may_schedule(&self, t: &impl Reader, calendar: &Calendar) -> Result<bool> {
        let speaker = self.speaker(t)?;
        let core = self.core;
        let access = core.standing(t, &speaker, calendar.clone(), String::new())?;
        Ok(access.allows_message(Itip::Request))
    }

    /// Whether a message speaks of what is there: of the same kind, from the same organizer.
    pub(super) fn is_same_meeting(
        &self,
        t: &impl Reader,
        object: &CalendarObject,
        message: &Message<'_>,
    ) -> Result<bool> {
        let Some(known) = organizer(object).filter(|_| object.kind == message.object.kind) else {
            return Ok(false);
        };
        if crate::ical::value::same_address(known, message.from) {
            return Ok(true);
        }
        let known = self.core.calendar_behind(t, known)?;
        let sender = self.core.calendar_behind(t, message.from)?;
        Ok(known.is_some() && known.map(|c| c.id) == sender.map(|c| c.id))
    }

    fn request(
        &self,
        t: &mut WriteTxn<'_>,
        place: &Place<'_>,
        message: &Message<'_>,
    ) -> Result<Taken> {
        if message.refresh && place.seen.is_none() {
            return Ok(Status::Delivered.into());
        }
        if place.calendar.properties.resource {
            return resource::request(self, t, place, message);
        }
        let merged = match &place.seen {
            Some((_, copy)) => self.merged(copy, message, &place.zone)?,
            None => message.object.clone(),
        };
        match &place.seen {
            Some((item, copy)) if !item.is_queued() => {
                if !place.calendar.properties.auto_schedule {
                    return self.queue(t, place, message.object, message);
                }
                if view::same_object(copy, &merged) {
                    return Ok(Status::Delivered.into());
                }
                self.book(t, place, merged)
            }
            // What was said to the series that this one was cut from counts for it.
            _ if is_answered(&merged, message.to) => self.book(t, place, merged),
            Some((_, copy)) if view::same_object(copy, &merged) => Ok(Status::Delivered.into()),
            _ => self.queue(t, place, &merged, message),
        }
    }

    pub(super) fn merged(
        &self,
        copy: &CalendarObject,
        message: &Message<'_>,
        zone: &Zone,
    ) -> Result<CalendarObject> {
        let update = Update {
            told: message.object,
            before: message.before,
            own: message.to,
        };
        Ok(merge::updated(copy, &update, &self.world(zone))?)
    }

    fn cancel(
        &self,
        t: &mut WriteTxn<'_>,
        place: &Place<'_>,
        message: &Message<'_>,
    ) -> Result<Taken> {
        let Some((item, copy)) = &place.seen else {
            return Ok(Status::Delivered.into());
        };
        let left = merge::cancelled(copy, message.object, &self.world(&place.zone))?;
        let nothing = left.components.iter().all(merge::is_cancelled);
        if place.calendar.properties.resource && nothing {
            return self.free(t, place);
        }
        if item.is_queued() {
            if nothing {
                let stub = whole_stub(copy);
                let (id, zone) = (place.calendar.id, &place.zone);
                queue::drop_all(t, id, zone, &copy.uid, stub, self.actor)?;
                return Ok(Status::Delivered.into());
            }
            let invitation = Message {
                method: Method::Request,
                ..*message
            };
            return self.queue(t, place, &left, &invitation);
        }
        if !place.calendar.properties.auto_schedule {
            return self.queue(t, place, message.object, message);
        }
        if view::same_object(copy, &left) {
            return Ok(Status::Delivered.into());
        }
        self.book(t, place, left)
    }

    /// Takes what is booked out of a calendar.
    pub(super) fn free(&self, t: &mut WriteTxn<'_>, place: &Place<'_>) -> Result<Taken> {
        if let Some((_, copy)) = &place.seen {
            let stub = whole_stub(copy);
            let (id, zone) = (place.calendar.id, &place.zone);
            items::remove(t, id, zone, &copy.uid, stub, self.actor)?;
        }
        Ok(Status::Delivered.into())
    }

    pub(super) fn book(
        &self,
        t: &mut WriteTxn<'_>,
        place: &Place<'_>,
        object: CalendarObject,
    ) -> Result<Taken> {
        let written = self.core.finish_object(object)?;
        self.core
            .book_object(t, place.calendar, &place.zone, &written, self.actor)?;
        Ok(Status::Delivered.into())
    }

    /// Puts a message into the queue, where it takes the place of earlier invitations to the same.
    fn queue(
        &self,
        t: &mut WriteTxn<'_>,
        place: &Place<'_>,
        object: &CalendarObject,
        message: &Message<'_>,
    ) -> Result<Taken> {
        let written = self.core.finish_object(object.clone())?;
        let attendee = self.core.attendee_of(t, place.calendar, object)?;
        let method = message.method.as_str();
        let queued = queue::put(
            t,
            place.calendar.id,
            &place.zone,
            queue::Message {
                object: &written.object,
                text: written.text(),
                method,
                sender: message.from,
                attendee: attendee.as_deref(),
                actor: self.actor,
            },
        )?;
        queue::take(t, place.calendar.id, &place.zone, &object.uid, |item| {
            item.change < queued.change && item.method.as_deref() == Some(method)
        })?;
        Ok(Status::Delivered.into())
    }
}

/// Whether the attendee has answered, by what the organizer says.
fn is_answered(object: &CalendarObject, own: &str) -> bool {
    object
        .components
        .iter()
        .filter_map(|component| attendee::answer(component, own))
        .any(|said| said != "NEEDS-ACTION")
}

/// Whether a failure is about one message, so that its cause can be stored.
fn is_of_one(kind: Failed) -> bool {
    matches!(
        kind,
        Failed::BadValue
            | Failed::BadData
            | Failed::TooMuch
            | Failed::NoSuchInstance
            | Failed::UnknownZone
    )
}
