//! Messages from outside the server's own scheduling: an iTIP object put into a calendar by its sender, weighed, then
//! worked as one of ours would be, or left in the queue.
//!
//! Who may send what: whoever the calendar lets schedule; and about what is booked already, its attendees answer and its
//! organizer goes on, whatever the calendar says. RFC 5546 section 3; draft-ietf-calsch-cap-04 section 10.

use super::deliver::Place;
use super::view::{self, counterpart, organizer, sequence};
use super::{Message, Method, Notify, Round, Shortfall, Status, attendee};
use crate::core::access::{Access, Right};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::{Caller, Core};
use crate::ical::component::Component;
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::value;
use crate::model::calendar::Calendar;
use crate::store::{Reader, WriteTxn, queue};

/// What an iTIP message wants; of all there are (RFC 5546 section 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Itip {
    /// Take note of it.
    Publish,
    /// An invitation, or news of it.
    Request,
    /// An attendee's answer.
    Reply,
    /// More instances.
    Add,
    /// It, or a part of it, is called off.
    Cancel,
    /// An attendee asks for the newest version.
    Refresh,
    /// An attendee proposes something else.
    Counter,
    /// The organizer says no to that.
    DeclineCounter,
}

impl Itip {
    /// All of them and their names.
    const NAMES: [(&'static str, Self); 8] = [
        ("PUBLISH", Self::Publish),
        ("REQUEST", Self::Request),
        ("REPLY", Self::Reply),
        ("ADD", Self::Add),
        ("CANCEL", Self::Cancel),
        ("REFRESH", Self::Refresh),
        ("COUNTER", Self::Counter),
        ("DECLINECOUNTER", Self::DeclineCounter),
    ];

    /// The method called `name`, letter case and hyphens aside.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().replace(['-', '_'], "");
        let found = Self::NAMES
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(&name));
        found.map(|(_, method)| *method)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, method)| *method == self);
        found.map_or("", |(name, _)| name)
    }

    /// Whether it is the organizer who sends it, not an attendee.
    fn is_organizers(self) -> bool {
        matches!(
            self,
            Self::Publish | Self::Request | Self::Add | Self::Cancel | Self::DeclineCounter
        )
    }

    /// Whether a client may book what it says as it is.
    pub(in crate::core) fn can_be_booked(self) -> bool {
        matches!(self, Self::Publish | Self::Request | Self::Counter)
    }
}

/// The least a message of a method says, for want of which nobody could work it (RFC 5546 section 3).
pub(in crate::core) fn check_form(itip: Itip, object: &CalendarObject) -> Result<()> {
    let lacks = |what: String| {
        let message = format!("expected {what} in {}", itip.as_str());
        Err(Error::new(Failed::NoStart, message))
    };
    let journal = object.kind == Kind::Journal;
    if journal && !matches!(itip, Itip::Publish | Itip::Add | Itip::Cancel) {
        let message = format!("no {} is sent of journal entries", itip.as_str());
        return Err(Error::new(Failed::BadValue, message));
    }
    for component in &object.components {
        for name in ["ORGANIZER", "DTSTAMP"] {
            if component.property(name).is_none() {
                return lacks(format!("one {name}"));
            }
        }
        let attendees = component.properties_named("ATTENDEE").count();
        let starts = matches!(
            itip,
            Itip::Publish | Itip::Request | Itip::Add | Itip::Counter
        );
        if starts && object.kind == Kind::Event && component.property("DTSTART").is_none() {
            return lacks("one DTSTART".to_owned());
        }
        match itip {
            Itip::Request if attendees == 0 => return lacks("an ATTENDEE".to_owned()),
            Itip::Reply | Itip::Refresh if attendees != 1 => {
                return lacks(format!("one ATTENDEE and not {attendees}"));
            }
            Itip::Add if sequence(component) == 0 => {
                return lacks("a SEQUENCE above 0".to_owned());
            }
            Itip::Add if component.property("RECURRENCE-ID").is_some() => {
                return lacks("no RECURRENCE-ID".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

impl Core {
    /// Puts a message into a calendar, where it is worked at once if it is about what is booked there and the calendar
    /// wants that; else it waits.
    ///
    /// Errors: `NoSuchCalendar`; `AccessDenied`; `NoStart` for what lacks something its method asks for; `NotOrganizer`,
    /// `NotAttendeesTurn` for senders who are not the one or the other, or not of this very item; `BadValue`, `TooMuch`.
    pub fn receive(
        &self,
        caller: &Caller,
        calid: &str,
        itip: Itip,
        object: &CalendarObject,
    ) -> Result<()> {
        check_form(itip, object)?;
        self.store().write(|t| {
            let mut object = object.clone();
            self.detach(t, &mut object.components)?;
            let object = &object;
            let access = self.access(t, caller, Some(calid))?;
            let calendar = access.calendar();
            if calendar.tombstone {
                return Err(Error::no_calendar(calid));
            }
            let sender = self.sender_of(t, caller, itip, object)?;
            // Answers are sent to people; in which of theirs a meeting is, they know themselves.
            let other = match itip.is_organizers() {
                true => None,
                false => self.elsewhere_of(t, calendar, object)?,
            };
            let calendar = other.as_ref().unwrap_or(calendar);
            let round = Round::new(self, caller, calendar, Notify::default());
            let place = round.place(t, calendar, &object.uid)?;
            if !self.may_send(t, &access, itip, &place, &sender)? {
                return Err(Error::denied("send such messages", access.shown_calid()));
            }
            let most = self.settings().limits.queued_messages;
            if queue::queued(t, calendar.id, &object.uid)?.len() >= most {
                let message = format!("expected at most {most} messages about one item to wait");
                return Err(Error::new(Failed::TooMuch, message));
            }
            match round.receive(t, &place, itip, object, &sender)? {
                Status::NoAuthority if itip.is_organizers() => Err(Error::new(
                    Failed::NotOrganizer,
                    "somebody else organizes the item of that UID",
                )),
                Status::NoAuthority => Err(Error::new(
                    Failed::NotAttendeesTurn,
                    "the sender is not invited to the item of that UID",
                )),
                Status::Unavailable | Status::InvalidAddress => {
                    let message = "the message could not be worked";
                    Err(Error::new(Failed::BadValue, message))
                }
                Status::Pending | Status::Delivered | Status::Withdrawn => Ok(()),
            }
        })
    }

    /// The calendar of the same owner in which the item is that a message is about, where it is not in the one it is sent to.
    fn elsewhere_of(
        &self,
        t: &impl Reader,
        calendar: &Calendar,
        object: &CalendarObject,
    ) -> Result<Option<Calendar>> {
        let Some(organizer) = organizer(object) else {
            return Ok(None);
        };
        let found = self.organizers_copy(t, organizer, &object.uid)?;
        let found = found.map(|(found, ..)| found);
        let other = |found: &Calendar| found.id != calendar.id && found.owner == calendar.owner;
        Ok(found.filter(other))
    }

    /// The address in a message under which the caller sends it.
    pub(in crate::core) fn sender_of(
        &self,
        t: &impl Reader,
        caller: &Caller,
        itip: Itip,
        object: &CalendarObject,
    ) -> Result<String> {
        let (addresses, right) = match itip.is_organizers() {
            true => {
                let organizer = organizer(object).map(str::to_owned);
                (Vec::from_iter(organizer), Right::Invite)
            }
            false => (attendee::addresses(&object.components), Right::Reply),
        };
        for address in addresses {
            if self.speaks_as(t, caller, &address, right)? {
                return Ok(address);
            }
        }
        Err(match itip.is_organizers() {
            true => Error::new(
                Failed::NotOrganizer,
                "expected the ORGANIZER to be the one who sends this",
            ),
            false => Error::new(
                Failed::NotAttendeesTurn,
                "expected the ATTENDEE to be the one who sends this",
            ),
        })
    }

    /// Whether a caller may say something under an address: it is theirs, or of a calendar for which they may.
    pub(in crate::core) fn speaks_as(
        &self,
        t: &impl Reader,
        caller: &Caller,
        address: &str,
        right: Right,
    ) -> Result<bool> {
        if *caller == Caller::System || caller.is_guest_at(address, self.settings()) {
            return Ok(true);
        }
        let Some(identity) = caller.identity() else {
            return Ok(false);
        };
        let Some(calendar) = self.calendar_behind(t, address)? else {
            let own = crate::store::people::principal(t, identity.id)?;
            return Ok(own.is_some_and(|own| {
                let mut mails = own.mail().iter();
                mails.any(|mail| value::same_address(address, &format!("mailto:{mail}")))
            }));
        };
        let shown = self.show_calid(&calendar.calid);
        let access = self.standing(t, caller, calendar, shown)?;
        Ok(access.is_owner() || access.allows(right))
    }

    fn may_send(
        &self,
        t: &impl Reader,
        access: &Access,
        itip: Itip,
        place: &Place<'_>,
        sender: &str,
    ) -> Result<bool> {
        if access.allows_message(itip) || access.is_owner() {
            return Ok(true);
        }
        let Some(booked) = place.booked() else {
            return Ok(false);
        };
        let same = |address: &str| -> Result<bool> {
            if value::same_address(address, sender) {
                return Ok(true);
            }
            let theirs = self.calendar_behind(t, address)?.map(|c| c.id);
            Ok(theirs.is_some() && theirs == self.calendar_behind(t, sender)?.map(|c| c.id))
        };
        if itip.is_organizers() {
            return match organizer(booked) {
                Some(organizer) if itip != Itip::Publish => same(organizer),
                _ => Ok(false),
            };
        }
        for attendee in attendee::addresses(&booked.components) {
            if same(&attendee)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Round<'_> {
    fn receive(
        &self,
        t: &mut WriteTxn<'_>,
        place: &Place<'_>,
        itip: Itip,
        object: &CalendarObject,
        sender: &str,
    ) -> Result<Status> {
        let auto = place.calendar.properties.auto_schedule;
        let method = match itip {
            Itip::Request => Method::Request,
            Itip::Cancel => Method::Cancel,
            Itip::Reply if auto && place.booked().is_some() => {
                return self.receive_answer(t, place, object, sender);
            }
            _ => return self.leave(t, place, itip, object, sender),
        };
        let own = self.core.attendee_of(t, place.calendar, object)?;
        let message = Message {
            method,
            object,
            before: None,
            from: sender,
            to: own.as_deref().unwrap_or_default(),
            refresh: false,
            first: place.seen.is_none(),
            whole: false,
        };
        if let Some((item, copy)) = &place.seen {
            if !self.is_same_meeting(t, copy, &message)? {
                return Ok(Status::NoAuthority);
            }
            if is_stale(object, copy) {
                return match item.is_queued() {
                    // The newer one that waits says it all.
                    true => Ok(Status::Delivered),
                    false => self.leave(t, place, itip, object, sender),
                };
            }
        }
        if method == Method::Cancel && place.seen.is_none() && !auto {
            return self.leave(t, place, itip, object, sender);
        }
        Ok(self.apply(t, place, &message)?.status)
    }

    fn receive_answer(
        &self,
        t: &mut WriteTxn<'_>,
        place: &Place<'_>,
        reply: &CalendarObject,
        sender: &str,
    ) -> Result<Status> {
        let Some(booked) = place.booked() else {
            return Ok(Status::NoAuthority);
        };
        let older = |said: &Component| {
            let known = counterpart(booked, said).or(booked.master());
            known.is_some_and(|known| sequence(said) < sequence(known))
        };
        if reply.components.iter().any(older) {
            return self.leave(t, place, Itip::Reply, reply, sender);
        }
        let mut shortfall = Shortfall::default();
        self.take_answer(t, booked, reply, sender, &mut shortfall)
    }

    /// Leaves a message in the queue as it is, behind those that wait.
    fn leave(
        &self,
        t: &mut WriteTxn<'_>,
        place: &Place<'_>,
        itip: Itip,
        object: &CalendarObject,
        sender: &str,
    ) -> Result<Status> {
        let written = self.core.finish_object(object.clone())?;
        let attendee = self.core.attendee_of(t, place.calendar, object)?;
        let message = queue::Message {
            object: &written.object,
            text: written.text(),
            method: itip.as_str(),
            sender,
            attendee: attendee.as_deref(),
            actor: self.actor,
        };
        queue::put(t, place.calendar.id, &place.zone, message)?;
        Ok(Status::Delivered)
    }
}

/// Whether all that `message` says was said anew in `known` (RFC 5546 section 2.1.5).
fn is_stale(message: &CalendarObject, known: &CalendarObject) -> bool {
    message.components.iter().all(|said| {
        let before = counterpart(known, said);
        before.is_some_and(|before| revision(said) < revision(before))
    })
}

/// Whether `message` is a later revision of an object than `known`.
pub(in crate::core) fn is_newer(message: &CalendarObject, known: &CalendarObject) -> bool {
    let first = |object: &CalendarObject| object.components.first().map(revision);
    first(message) > first(known)
}

/// What revisions of a component are ordered by: SEQUENCE, then DTSTAMP.
fn revision(component: &Component) -> (i64, Timestamp) {
    let stamp = component.property("DTSTAMP");
    let stamp = stamp.and_then(|stamp| match value::date_time(stamp) {
        Ok(DateTime::Utc(stamp)) => Some(stamp),
        _ => None,
    });
    (view::sequence(component), stamp.unwrap_or(Timestamp::MIN))
}
