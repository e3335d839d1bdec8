//! The attendee's side: an answer carried to the organizer, and from there on to the other attendees.
//!
//! RFC 5546 sections 3.2.3 and 4.2.5 (delegation).

use super::answer::{self, Unused};
use super::attendee::{self, DELEGATED_FROM};
use super::send::News;
use super::{Message, Method, Round, Shortfall, Status, view};
use crate::core::error::Result;
use crate::core::transfer::floating;
use crate::core::{Core, Error};
use crate::ical::object::CalendarObject;
use crate::ical::value::same_address;
use crate::model::calendar::Calendar;
use crate::model::item::Item;
use crate::store::{Reader, WriteTxn, calendars, derive, items};

impl Core {
    /// The copy of its organizer, who has `address`, of the item `uid`, in whichever calendar of theirs it is.
    pub(in crate::core) fn organizers_copy(
        &self,
        t: &impl Reader,
        address: &str,
        uid: &str,
    ) -> Result<Option<(Calendar, Item, CalendarObject)>> {
        let Some(home) = self.calendar_behind(t, address)? else {
            return Ok(None);
        };
        let others = calendars::owned(t, home.owner)?;
        let others = others.into_iter().filter(|other| other.id != home.id);
        for calendar in std::iter::once(home.clone()).chain(others) {
            let Some(item) = items::get(t, calendar.id, uid)? else {
                continue;
            };
            let Some(object) = derive::object(&item) else {
                continue;
            };
            let organizer = view::organizer(&object);
            let own = match organizer {
                Some(organizer) if same_address(organizer, address) => true,
                Some(organizer) => self.is_own_address(t, &calendar, organizer)?,
                None => false,
            };
            if own {
                return Ok(Some((calendar, item, object)));
            }
        }
        Ok(None)
    }
}

impl Round<'_> {
    /// Carries what the attendee `own` says by changing their copy from `before` to `after`. None when that is
    /// nothing.
    pub(in crate::core) fn answer(
        &self,
        t: &mut WriteTxn<'_>,
        before: Option<&CalendarObject>,
        after: &CalendarObject,
        own: &str,
        shortfall: &mut Shortfall,
    ) -> Result<Option<Status>> {
        let Some(reply) = answer::between(before, after, own, self.now) else {
            return Ok(None);
        };
        let Some(organizer) = view::organizer(after) else {
            return Ok(None);
        };
        if let Some((calendar, _, object)) = self.core.organizers_copy(t, organizer, &after.uid)? {
            let round = self.at(&calendar);
            return round
                .take_answer(t, &object, &reply, own, shortfall)
                .map(Some);
        }
        if self.core.calendar_behind(t, organizer)?.is_some() {
            return Ok(Some(Status::NoAuthority));
        }
        self.hand_on(t, after, &reply, own, shortfall)?;
        if !self.reaches_elsewhere(organizer) {
            return Ok(None);
        }
        let message = Message {
            method: Method::Reply,
            object: &reply,
            before: None,
            from: own,
            to: organizer,
            refresh: false,
            first: false,
            whole: false,
        };
        self.mail(t, &message, shortfall).map(Some)
    }

    /// Works an answer into the organizer's copy and tells the others.
    pub(in crate::core) fn take_answer(
        &self,
        t: &mut WriteTxn<'_>,
        object: &CalendarObject,
        reply: &CalendarObject,
        sender: &str,
        shortfall: &mut Shortfall,
    ) -> Result<Status> {
        let zone = floating(&self.home.properties.tzid);
        let sender = self.known_as(t, object, sender)?;
        let made = match answer::taken(object, reply, &sender, &self.world(&zone)) {
            Ok(made) => made,
            Err(Unused::Known | Unused::Stale) => return Ok(Status::Delivered),
            Err(Unused::NotInvited) => return Ok(Status::NoAuthority),
            Err(Unused::Failed(cause)) => {
                tracing::debug!(reason = %Error::from(cause), "an answer could not be worked");
                return Ok(Status::Unavailable);
            }
        };
        let news = News::Answer { of: &sender };
        let made = self.tell(t, Some(object), made, news, shortfall)?;
        let written = self.core.finish_object(made)?;
        self.core
            .book_object(t, self.home, &zone, &written, self.actor)?;
        Ok(Status::Delivered)
    }

    /// The address under which an object knows whoever has `address`.
    fn known_as(&self, t: &impl Reader, object: &CalendarObject, address: &str) -> Result<String> {
        let attendees = attendee::addresses(&object.components);
        if attendees.iter().any(|known| same_address(known, address)) {
            return Ok(address.to_owned());
        }
        let Some(theirs) = self.core.calendar_behind(t, address)? else {
            return Ok(address.to_owned());
        };
        for known in attendees {
            if self.core.calendar_behind(t, &known)?.map(|c| c.id) == Some(theirs.id) {
                return Ok(known);
            }
        }
        Ok(address.to_owned())
    }

    /// Hands an invitation from elsewhere on to those it was delegated to; an organizer here does that on hearing of
    /// it.
    fn hand_on(
        &self,
        t: &mut WriteTxn<'_>,
        object: &CalendarObject,
        reply: &CalendarObject,
        own: &str,
        shortfall: &mut Shortfall,
    ) -> Result<()> {
        let Some(organizer) = view::organizer(object) else {
            return Ok(());
        };
        for delegate in attendee::addresses(&reply.components) {
            let from_us = |component| {
                attendee::find(component, &delegate).is_some_and(|attendee| {
                    attendee::listed(attendee, DELEGATED_FROM)
                        .iter()
                        .any(|from| same_address(from, own))
                })
            };
            if !reply.components.iter().any(from_us) {
                continue;
            }
            let Some(told) = view::of(object, &delegate) else {
                continue;
            };
            let message = Message {
                method: Method::Request,
                object: &told,
                before: None,
                from: organizer,
                to: &delegate,
                refresh: false,
                first: false,
                whole: false,
            };
            match self.core.calendar_behind(t, &delegate)? {
                Some(calendar) => {
                    self.deliver(t, &calendar, &message)?;
                }
                None if self.reaches_elsewhere(&delegate) => {
                    self.mail(t, &message, shortfall)?;
                }
                None => {}
            }
        }
        Ok(())
    }
}
