//! The organizer's side: a change of an item told to everybody it concerns, and what became of it noted.
//!
//! Everybody gets the item as it concerns them (`view`). Resources are asked first, so that people read their answers.
//! RFC 5546 sections 3.2.2 and 3.2.5; RFC 6638 section 3.2.1.

use super::attendee::{self, BEHIND, PARTSTAT, SCHEDULE_STATUS};
use super::merge::is_cancelled;
use super::view::{self, counterpart, sequence};
use super::{Message, Method, Round, Shortfall, Status};
use crate::core::error::Result;
use crate::ical::component::{Component, Property};
use crate::ical::delivery::{self, Delivery};
use crate::ical::object::CalendarObject;
use crate::ical::value::same_address;
use crate::model::calendar::Calendar;
use crate::store::{Reader, WriteTxn, derive, items};

/// The parameter by which a client says that it has told an attendee itself.
const SENT: &str = "X-NSCP-SENT-STATUS";

/// Why attendees hear of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) enum News<'a> {
    /// The organizer says so.
    Organizer,
    /// Somebody has answered: whoever that is knows it, and people elsewhere need not be told.
    Answer {
        /// The address of who has answered.
        of: &'a str,
    },
}

/// Somebody to be told.
struct Party {
    address: String,
    /// Where their invitations go; none for people elsewhere.
    calendar: Option<Calendar>,
}

impl Round<'_> {
    /// Tells everybody whom the change from `before` to `object` concerns. Answers the object with what became of
    /// that, and with the answers of resources.
    pub(in crate::core) fn tell(
        &self,
        t: &mut WriteTxn<'_>,
        before: Option<&CalendarObject>,
        object: CalendarObject,
        news: News<'_>,
        shortfall: &mut Shortfall,
    ) -> Result<CalendarObject> {
        let mut object = object;
        let Some(from) = view::organizer(&object)
            .or(before.and_then(view::organizer))
            .map(str::to_owned)
        else {
            return Ok(object);
        };
        let parties = self.parties(t, before, &object)?;
        let limits = &self.core.settings().limits;
        let crowd = parties.len() > limits.schedule_refresh;
        let mut left = limits.schedule_bytes;
        let mut things = Vec::new();
        for party in parties {
            let Some(letter) = letter(before, &object, &party.address) else {
                continue;
            };
            if let News::Answer { of } = news
                && (same_address(&party.address, of)
                    || (letter.known && (crowd || party.calendar.is_none())))
            {
                continue;
            }
            let message = Message {
                method: letter.method,
                object: &stamped(&letter.object, letter.method, self),
                before: letter.before.as_ref(),
                from: &from,
                to: &party.address,
                refresh: letter.known && news != News::Organizer,
                first: before.is_none_or(|before| !was_addressed(before, &party.address)),
                whole: letter.whole,
            };
            let taken = match left.checked_sub(size_of(message.object)) {
                Some(rest) => {
                    left = rest;
                    self.hand_over(t, &party, &message, shortfall)?
                }
                None => Some(Status::Unavailable.into()),
            };
            note(&mut object, &party.address, taken);
            if taken.is_some_and(|taken| taken.answer.is_some()) {
                things.push(party);
            }
        }
        self.tell_things(t, &object, &things, &from, left)?;
        Ok(object)
    }

    /// Tells the resources that have answered what those said that were asked after them, in `left` octets.
    fn tell_things(
        &self,
        t: &mut WriteTxn<'_>,
        object: &CalendarObject,
        things: &[Party],
        from: &str,
        mut left: usize,
    ) -> Result<()> {
        for thing in things.iter().rev().skip(1) {
            let told = view::of(object, &thing.address);
            let (Some(told), Some(calendar)) = (told, &thing.calendar) else {
                continue;
            };
            let Some(rest) = left.checked_sub(size_of(&told)) else {
                break;
            };
            left = rest;
            let message = Message {
                method: Method::Request,
                object: &stamped(&told, Method::Request, self),
                before: None,
                from,
                to: &thing.address,
                refresh: true,
                first: false,
                whole: false,
            };
            self.deliver(t, calendar, &message)?;
        }
        Ok(())
    }

    /// Calls off, with everybody who was told of it, what the organizer deletes: all of `object`, or the instance
    /// `gone`.
    pub(in crate::core) fn call_off(
        &self,
        t: &mut WriteTxn<'_>,
        object: &CalendarObject,
        gone: Option<&Component>,
        shortfall: &mut Shortfall,
    ) -> Result<()> {
        let Some(from) = view::organizer(object).map(str::to_owned) else {
            return Ok(());
        };
        for party in self.parties(t, None, object)? {
            if !was_told(object, &party.address) {
                continue;
            }
            let concerned = match gone {
                None => view::of(object, &party.address),
                Some(gone) => view::of(
                    &CalendarObject {
                        components: vec![gone.clone()],
                        ..object.clone()
                    },
                    &party.address,
                ),
            };
            let Some(concerned) = concerned else { continue };
            let message = Message {
                method: Method::Cancel,
                object: &stamped(&raised(&concerned), Method::Cancel, self),
                before: None,
                from: &from,
                to: &party.address,
                refresh: false,
                first: false,
                whole: gone.is_none(),
            };
            self.hand_over(t, &party, &message, shortfall)?;
        }
        Ok(())
    }

    /// Everybody in either object but the organizer, resources first.
    fn parties(
        &self,
        t: &impl Reader,
        before: Option<&CalendarObject>,
        object: &CalendarObject,
    ) -> Result<Vec<Party>> {
        let components = object
            .components
            .iter()
            .chain(before.iter().flat_map(|before| &before.components));
        let mut parties = Vec::new();
        for address in attendee::addresses(components) {
            if !self.core.is_own_address(t, self.home, &address)? {
                let calendar = match self.core.calendar_behind(t, &address)? {
                    Some(theirs) if self.is_here(t, &theirs, &object.uid)? => Some(theirs),
                    _ => None,
                };
                parties.push(Party { address, calendar });
            }
        }
        let is_resource = |party: &Party| {
            party
                .calendar
                .as_ref()
                .is_some_and(|c| c.properties.resource)
        };
        parties.sort_by_key(|party| !is_resource(party));
        Ok(parties)
    }

    /// Whether messages about `uid` go to a calendar of this server: it can be reached, or has an invitation that was
    /// let in before and may have to be called off.
    fn is_here(&self, t: &impl Reader, theirs: &Calendar, uid: &str) -> Result<bool> {
        if self.core.reaches(t, self.home, theirs)? {
            return Ok(true);
        }
        let copy = items::visible(t, theirs.id, uid)?.and_then(|item| derive::object(&item));
        match copy.as_ref().and_then(|copy| view::organizer(copy)) {
            Some(organizer) => self.core.is_own_address(t, self.home, organizer),
            None => Ok(false),
        }
    }

    /// Whether somebody elsewhere is written to: another calendar store is no mail, which is a matter of wishes.
    pub(super) fn reaches_elsewhere(&self, address: &str) -> bool {
        self.notify.outside || self.core.settings().peer_of(address).is_some()
    }

    /// Gives a message to a calendar here, to another store, or to the mail.
    fn hand_over(
        &self,
        t: &mut WriteTxn<'_>,
        party: &Party,
        message: &Message<'_>,
        shortfall: &mut Shortfall,
    ) -> Result<Option<super::deliver::Taken>> {
        match &party.calendar {
            Some(calendar) => {
                let taken = self.deliver(t, calendar, message)?;
                if self.notify.inside && !calendar.properties.resource {
                    self.mail(t, message, shortfall)?;
                }
                Ok(Some(taken))
            }
            None if self.reaches_elsewhere(message.to) => {
                let status = self.mail(t, message, shortfall)?;
                Ok(Some(status.into()))
            }
            None => Ok(None),
        }
    }
}

/// About how many octets an object takes.
fn size_of(object: &CalendarObject) -> usize {
    let lines = object.components.iter().flat_map(Component::properties);
    lines.map(|property| property.as_line().len() + 2).sum()
}

/// What one attendee is to be told.
struct Letter {
    method: Method,
    object: CalendarObject,
    before: Option<CalendarObject>,
    /// Whether they are told news of what they know.
    known: bool,
    /// Whether all that they know is called off.
    whole: bool,
}

fn letter(
    before: Option<&CalendarObject>,
    object: &CalendarObject,
    address: &str,
) -> Option<Letter> {
    if is_told_elsewhere(object, address) {
        return None;
    }
    let known = before
        .filter(|before| was_told(before, address))
        .and_then(|before| view::of(before, address));
    let now = view::of(object, address);
    let request = |now: CalendarObject, known: Option<CalendarObject>| Letter {
        method: Method::Request,
        object: now,
        known: known.is_some(),
        before: known,
        whole: false,
    };
    match (known, now) {
        (None, None) => None,
        (Some(known), None) => Some(Letter {
            method: Method::Cancel,
            object: raised(&known),
            before: None,
            known: false,
            whole: true,
        }),
        (None, Some(now)) if now.components.iter().all(is_cancelled) => None,
        (None, Some(now)) => Some(request(now, None)),
        (Some(_), Some(now)) if is_behind(object, address) => Some(Letter {
            known: true,
            ..request(now, None)
        }),
        (Some(known), Some(now)) if view::same_object(&known, &now) => {
            failed(object, address).then(|| request(now, Some(known)))
        }
        (Some(known), Some(now)) => Some(match called_off(&known, &now) {
            Some(object) => Letter {
                method: Method::Cancel,
                object,
                before: None,
                known: false,
                whole: now.components.iter().all(is_cancelled),
            },
            None => request(now, Some(known)),
        }),
    }
}

/// The components that were called off, when that is all that is new.
fn called_off(known: &CalendarObject, now: &CalendarObject) -> Option<CalendarObject> {
    let is_new = |component: &&Component| {
        counterpart(known, component).is_none_or(|known| !view::same_but_stamp(known, component))
    };
    let news: Vec<&Component> = now.components.iter().filter(is_new).collect();
    let all = !news.is_empty() && news.iter().all(|component| is_cancelled(component));
    let same = now.components.len() >= known.components.len();
    (all && same).then(|| CalendarObject {
        components: news.into_iter().cloned().collect(),
        ..now.clone()
    })
}

/// Whether the attendee has been sent something, which has arrived or is on its way.
fn was_told(object: &CalendarObject, address: &str) -> bool {
    deliveries(object, address).any(|delivery| delivery != Delivery::Failed)
}

/// Whether a message to the attendee was ever meant to go, whatever became of it, be it the client's own.
fn was_addressed(object: &CalendarObject, address: &str) -> bool {
    deliveries(object, address).next().is_some() || is_told_elsewhere(object, address)
}

/// Whether the last message to the attendee did not arrive.
fn failed(object: &CalendarObject, address: &str) -> bool {
    deliveries(object, address).any(|delivery| delivery == Delivery::Failed)
}

/// What became of messages to the attendee, component by component.
fn deliveries<'a>(
    object: &'a CalendarObject,
    address: &'a str,
) -> impl Iterator<Item = Delivery> + 'a {
    object
        .components
        .iter()
        .filter_map(move |component| delivery::of(attendee::find(component, address)?))
}

/// Whether the organizer has changed the item without telling the attendee.
fn is_behind(object: &CalendarObject, address: &str) -> bool {
    object.components.iter().any(|component| {
        attendee::find(component, address).is_some_and(|attendee| attendee.param(BEHIND).is_some())
    })
}

/// Notes with everybody who was told of an item that it is changed without telling them.
pub(in crate::core) fn leave_behind(object: &mut CalendarObject) {
    for component in &mut object.components {
        attendee::map(component, |attendee| match delivery::of(&attendee) {
            Some(_) => attendee::with(attendee, BEHIND, "TRUE"),
            None => attendee,
        });
    }
}

fn is_told_elsewhere(object: &CalendarObject, address: &str) -> bool {
    object.components.iter().any(|component| {
        attendee::find(component, address)
            .and_then(|attendee| attendee.param(SENT))
            .is_some_and(|status| status.eq_ignore_ascii_case("SENT-SUCCEEDED"))
    })
}

/// A revision later than the one that was told.
fn raised(object: &CalendarObject) -> CalendarObject {
    let mut object = object.clone();
    for component in &mut object.components {
        let next = sequence(component).saturating_add(1);
        component.set(Property::new("SEQUENCE", next.to_string()));
        component.set(Property::new("STATUS", "CANCELLED"));
    }
    object
}

fn stamped(object: &CalendarObject, method: Method, round: &Round<'_>) -> CalendarObject {
    let mut object = object.clone();
    for component in &mut object.components {
        if method == Method::Cancel || component.property("DTSTAMP").is_none() {
            component.set(Property::new("DTSTAMP", round.now.to_string()));
        }
    }
    object
}

/// Notes with the attendee what became of the message, and what it answered.
fn note(object: &mut CalendarObject, address: &str, taken: Option<super::deliver::Taken>) {
    let Some(taken) = taken else { return };
    for component in &mut object.components {
        attendee::change(component, address, |attendee| {
            let attendee = attendee::with(attendee, SCHEDULE_STATUS, taken.status.code());
            let attendee = attendee.without_param(BEHIND);
            match taken.answer {
                Some(said) => attendee::with(attendee, PARTSTAT, said),
                None => attendee,
            }
        });
    }
}

/// Whether anybody was told of an object.
pub(in crate::core) fn is_told(object: &CalendarObject) -> bool {
    attendee::addresses(&object.components)
        .iter()
        .any(|address| was_told(object, address))
}

impl Status {
    /// Whether the message arrived or is on its way.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Pending | Self::Delivered)
    }
}
