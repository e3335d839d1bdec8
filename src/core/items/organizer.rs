//! Who organizes an item and who takes part: names that clients give turned into addresses, and whose turn it is.
//!
//! People are stored by mail address; the directory tells later which calendar that is. RFC 5546 section 2; WCAP's
//! `orgCalid orgEmail orgUID attendees`.

use std::collections::HashSet;

use super::attendees::AttendeeEdit;
use super::desk::Desk;
use super::store::{Method, Organizer, StoreItem};
use crate::core::Core;
use crate::core::access::Right;
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::schedule::attendee::{self, DELEGATED_TO, SENT_BY};
use crate::core::schedule::{settle, view};
use crate::ical::component::{Component, Property};
use crate::ical::object::CalendarObject;
use crate::ical::value;
use crate::model::calendar::Calendar;
use crate::model::id::{CalendarId, Calid, mail_address};
use crate::store::{Reader, people};

/// Somebody who was named.
struct Addressee {
    /// The address to store.
    address: String,
    /// Where invitations to it go; none for people outside.
    calendar: Option<Calendar>,
}

impl Core {
    /// Who `text` means: a mail address, with or without `mailto:`, or a calid.
    ///
    /// Errors: `BadValue` for what is neither.
    fn addressee(&self, t: &impl Reader, text: &str) -> Result<Addressee> {
        let text = text.trim();
        if let Some(mail) = mail_address(text) {
            let bare = value::mail_address(text).unwrap_or(text);
            return Ok(Addressee {
                address: format!("mailto:{bare}"),
                calendar: self.calendar_of_address(t, &mail)?,
            });
        }
        if self.settings().peer_of(text).is_some() {
            return Ok(Addressee {
                address: text.to_owned(),
                calendar: None,
            });
        }
        let Some((calendar, _)) = self.find_calendar(t, text)? else {
            let message = format!("expected a mail address or a calid, found '{text}'");
            return Err(Error::new(Failed::BadValue, message));
        };
        Ok(Addressee {
            address: self.address_of(t, &calendar)?,
            calendar: Some(calendar),
        })
    }

    /// The address that stands for a calendar: its owner's, or that of the resource.
    pub(in crate::core) fn address_of(
        &self,
        t: &impl Reader,
        calendar: &Calendar,
    ) -> Result<String> {
        let owner = people::principal(t, calendar.owner)?;
        let own = owner.filter(|owner| {
            Calid::of(owner.name()) == calendar.calid || !calendar.calid.rest.is_empty()
        });
        Ok(match own {
            Some(owner) => match owner.mail().first() {
                Some(mail) => format!("mailto:{mail}"),
                None => format!("mailto:{}", owner.name()),
            },
            None => format!("mailto:{}@{}", calendar.calid.local, calendar.calid.domain),
        })
    }

    /// The calendar of whoever a stored address means.
    pub(in crate::core) fn calendar_behind(
        &self,
        t: &impl Reader,
        address: &str,
    ) -> Result<Option<Calendar>> {
        match mail_address(address) {
            Some(mail) => self.calendar_of_address(t, &mail),
            None => Ok(self
                .find_calendar(t, address)?
                .map(|(calendar, _)| calendar)),
        }
    }

    /// Whether an address stands for `calendar`: it is the calendar's, or its owner's.
    pub(in crate::core) fn is_own_address(
        &self,
        t: &impl Reader,
        calendar: &Calendar,
        address: &str,
    ) -> Result<bool> {
        match self.calendar_behind(t, address)? {
            Some(behind) => is_own(t, calendar, &behind),
            None => Ok(false),
        }
    }

    /// The ATTENDEE address that stands for `calendar`, where somebody else organizes the object.
    pub(in crate::core) fn attendee_of(
        &self,
        t: &impl Reader,
        calendar: &Calendar,
        object: &CalendarObject,
    ) -> Result<Option<String>> {
        let organizer = object.components.iter().find_map(|c| c.value("ORGANIZER"));
        match organizer {
            Some(organizer) if !self.is_own_address(t, calendar, organizer)? => {
                let own = own_addresses(t, self, calendar, object)?;
                Ok(own.into_iter().next())
            }
            _ => Ok(None),
        }
    }
}

/// Whether `other` is `calendar`, or the default one of its owner.
fn is_own(t: &impl Reader, calendar: &Calendar, other: &Calendar) -> Result<bool> {
    if other.id == calendar.id {
        return Ok(true);
    }
    if other.owner != calendar.owner {
        return Ok(false);
    }
    let owner = people::principal(t, other.owner)?;
    Ok(owner.is_some_and(|owner| Calid::of(owner.name()) == other.calid))
}

/// Who of the people in an item answers for themselves.
#[derive(Debug, Default)]
pub(super) struct Voices {
    /// Addresses of the calendar's owner, in lower case.
    own: HashSet<String>,
    /// Addresses of others that have a calendar here, in lower case.
    here: HashSet<String>,
}

impl Voices {
    /// Gives attendees of `after` back what they have said, see [`settle::answers`].
    pub(super) fn settle(&self, before: &Component, after: &mut Component) {
        let among = |set: &HashSet<String>, address: &str| set.contains(&address.to_lowercase());
        settle::answers(
            before,
            after,
            |address| among(&self.here, address),
            |address| among(&self.own, address),
        );
    }
}

/// Who of the attendees, stored ones and those of a change, answers for themselves.
pub(super) fn voices(
    t: &impl Reader,
    desk: &Desk<'_>,
    entries: &[AttendeeEdit],
    components: &[Component],
) -> Result<Voices> {
    let mut voices = Voices::default();
    let mut addresses = attendee::addresses(components);
    addresses.extend(entries.iter().map(|entry| entry.address.clone()));
    for address in addresses {
        if desk.core.is_own_address(t, desk.calendar, &address)? {
            voices.own.insert(address.to_lowercase());
        } else if let Some(theirs) = desk.core.calendar_behind(t, &address)?
            && desk.core.reaches(t, desk.calendar, &theirs)?
        {
            voices.here.insert(address.to_lowercase());
        }
    }
    Ok(voices)
}

/// Turns the names of attendees into addresses and groups into their members; answers whether a group was cut short.
/// Somebody who is among `components` already, under whatever address, keeps that.
///
/// Errors: `BadValue` for what is no name.
pub(super) fn resolve(
    t: &impl Reader,
    desk: &Desk<'_>,
    entries: &mut Vec<AttendeeEdit>,
    components: &[Component],
) -> Result<bool> {
    let own = |address: &str| desk.core.is_own_address(t, desk.calendar, address);
    let domain = &desk.calendar.calid.domain;
    let clipped = desk.core.expand_groups(t, domain, entries, own)?;
    let mut known: Vec<(String, Option<CalendarId>)> = Vec::new();
    for address in attendee::addresses(components) {
        let calendar = desk.core.calendar_behind(t, &address)?;
        known.push((address, calendar.map(|c| c.id)));
    }
    for entry in entries {
        for (name, value) in &mut entry.params {
            if name.eq_ignore_ascii_case(DELEGATED_TO) && !value.is_empty() {
                *value = desk.core.addressee(t, value)?.address;
            }
        }
        let exact = known.iter().find(|(address, _)| *address == entry.address);
        if exact.is_some() || is_group(entry) {
            continue;
        }
        let found = desk.core.addressee(t, &entry.address)?;
        let id = found.calendar.map(|calendar| calendar.id);
        let same = known
            .iter()
            .find(|(_, calendar)| id.is_some() && *calendar == id);
        entry.address = same.map_or(found.address, |(address, _)| address.clone());
    }
    Ok(clipped)
}

/// Whether an entry stands for a group as such, whose address is looked up already.
fn is_group(entry: &AttendeeEdit) -> bool {
    entry.address.starts_with("mailto:")
        && entry
            .params
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("CUTYPE") && value == "GROUP")
}

/// The addresses among an object's attendees that are the calendar's own: its owner's only where it is not invited by
/// itself, as a room may be beside whoever looks after it.
pub(super) fn own_addresses(
    t: &impl Reader,
    core: &Core,
    calendar: &Calendar,
    object: &CalendarObject,
) -> Result<Vec<String>> {
    let (mut own, mut owners) = (Vec::new(), Vec::new());
    for address in attendee::addresses(&object.components) {
        match core.calendar_behind(t, &address)? {
            Some(behind) if behind.id == calendar.id => own.push(address),
            Some(behind) if is_own(t, calendar, &behind)? => owners.push(address),
            _ => {}
        }
    }
    Ok(if own.is_empty() { owners } else { own })
}

/// The ORGANIZER of a new item: the one named, else the calendar's owner.
///
/// Errors: `NoOrganizerAddress`, `BadValue`; `NotOrganizer` for a request in somebody else's name.
pub(super) fn of_new(
    t: &impl Reader,
    desk: &Desk<'_>,
    request: &StoreItem<'_>,
) -> Result<Option<Property>> {
    let found = match &request.organizer {
        Organizer::Unsaid => Addressee {
            address: desk.core.address_of(t, desk.calendar)?,
            calendar: Some(desk.calendar.clone()),
        },
        Organizer::Named(text) => desk.core.addressee(t, text)?,
        Organizer::OnlyUser(user) => {
            let message = format!("expected orgCalid or orgEmail beside the organizer '{user}'");
            return Err(Error::new(Failed::NoOrganizerAddress, message));
        }
    };
    let own = match &found.calendar {
        Some(calendar) => is_own(t, desk.calendar, calendar)?,
        None => false,
    };
    if !own && request.method == Method::Request {
        return Err(not_organizer());
    }
    property(t, desk, request, &found.address).map(Some)
}

fn property(
    t: &impl Reader,
    desk: &Desk<'_>,
    request: &StoreItem<'_>,
    address: &str,
) -> Result<Property> {
    let by = named_writer(t, desk, request.sent_by.as_deref())?.filter(|by| by != address);
    let organizer = Property::new("ORGANIZER", address);
    Ok(attendee::with(
        organizer,
        SENT_BY,
        by.as_deref().unwrap_or_default(),
    ))
}

/// The address of the user who is said to write in the organizer's name.
fn named_writer(t: &impl Reader, desk: &Desk<'_>, sent_by: Option<&str>) -> Result<Option<String>> {
    match sent_by.filter(|text| !text.is_empty()) {
        Some(user) => Ok(Some(desk.core.addressee(t, user)?.address)),
        None => Ok(None),
    }
}

/// The address of whoever writes in the name of the calendar's owner: the user that is named, else the caller; none
/// when that is the owner.
fn writer(t: &impl Reader, desk: &Desk<'_>, sent_by: Option<&str>) -> Result<Option<String>> {
    if let Some(named) = named_writer(t, desk, sent_by)? {
        let own = desk.core.is_own_address(t, desk.calendar, &named)?;
        return Ok((!own).then_some(named));
    }
    let caller = desk.caller.principal();
    let Some(caller) = caller.filter(|caller| *caller != desk.calendar.owner) else {
        return Ok(None);
    };
    Ok(
        people::principal(t, caller)?.map(|user| match user.mail().first() {
            Some(mail) => format!("mailto:{mail}"),
            None => format!("mailto:{}", user.name()),
        }),
    )
}

/// Says in what is new of an object who has written it in the owner's name: with the organizer when it goes out to
/// attendees, with the attendee when it is an answer. RFC 5545 section 3.2.18.
pub(super) fn sign(
    t: &impl Reader,
    desk: &Desk<'_>,
    method: Method,
    sent_by: Option<&str>,
    before: Option<&CalendarObject>,
    object: &mut CalendarObject,
) -> Result<()> {
    let own = match method {
        Method::Request | Method::Cancel => Vec::new(),
        Method::Reply => own_addresses(t, desk.core, desk.calendar, object)?,
        Method::Publish | Method::Update => return Ok(()),
    };
    let by = writer(t, desk, sent_by)?.unwrap_or_default();
    let is_new = |component: &Component| {
        before.and_then(|before| view::counterpart(before, component)) != Some(component)
    };
    let meets = |component: &Component| component.property("ATTENDEE").is_some();
    for component in &mut object.components {
        if !is_new(component) || !meets(component) {
            continue;
        }
        component.map_properties(|property| {
            let speaks = match property.is("ATTENDEE") {
                true => own.iter().any(|own| own == property.value()),
                false => property.is("ORGANIZER") && method != Method::Reply,
            };
            match speaks {
                true => attendee::with(property, SENT_BY, &by),
                false => property,
            }
        });
    }
    Ok(())
}

/// The ORGANIZER a change puts in the place of the stored one; none when it stays.
///
/// Errors: `BadValue`.
pub(super) fn of_change(
    t: &impl Reader,
    desk: &Desk<'_>,
    request: &StoreItem<'_>,
    object: &CalendarObject,
) -> Result<Option<Property>> {
    let Organizer::Named(text) = &request.organizer else {
        return Ok(None);
    };
    if !matches!(
        request.method,
        Method::Publish | Method::Request | Method::Update
    ) {
        return Ok(None);
    }
    let found = desk.core.addressee(t, text)?;
    let stored = object.components.first().and_then(|c| c.value("ORGANIZER"));
    let same = match (stored, &found.calendar) {
        // Nobody is said to organize: whose calendar it is does.
        (None, Some(calendar)) => {
            is_own(t, desk.calendar, calendar)?
                && object
                    .components
                    .iter()
                    .all(|c| c.property("ATTENDEE").is_none())
        }
        (None, None) => false,
        (Some(address), calendar) => {
            crate::ical::value::same_address(address, &found.address)
                || calendar.as_ref().is_some_and(|calendar| {
                    let stored = desk.core.calendar_behind(t, address);
                    stored.is_ok_and(|stored| stored.is_some_and(|stored| stored.id == calendar.id))
                })
        }
    };
    match same {
        true => Ok(None),
        false => property(t, desk, request, &found.address).map(Some),
    }
}

/// Whether the calendar's owner may say this of the item: what an organizer says only when they organize it.
///
/// Errors: `NotOrganizer` to publish or cancel what one was invited to, `NotAttendeesTurn` to invite to it.
pub(super) fn check(
    t: &impl Reader,
    desk: &Desk<'_>,
    request: &StoreItem<'_>,
    object: &CalendarObject,
) -> Result<()> {
    let organizer = object.components.iter().find_map(|c| c.value("ORGANIZER"));
    let own = match organizer {
        Some(address) => desk.core.is_own_address(t, desk.calendar, address)?,
        None => true,
    };
    if own {
        return Ok(());
    }
    match request.method {
        Method::Reply | Method::Update => Ok(()),
        Method::Request => {
            let message = "only the organizer may invite to an item that is there";
            Err(Error::new(Failed::NotAttendeesTurn, message))
        }
        Method::Cancel => Err(not_organizer()),
        // The copy of something published elsewhere belongs to whoever keeps it.
        Method::Publish if own_addresses(t, desk.core, desk.calendar, object)?.is_empty() => Ok(()),
        Method::Publish => Err(not_organizer()),
    }
}

/// Whether the caller may say this in the owner's name. Only what others hear of counts.
///
/// Errors: `AccessDenied`.
pub(super) fn check_voice(
    desk: &Desk<'_>,
    method: Method,
    objects: &[CalendarObject],
) -> Result<()> {
    let mut components = objects.iter().flat_map(|object| &object.components);
    match method {
        Method::Publish | Method::Update => Ok(()),
        Method::Reply => desk.access.require(Right::Reply, "answer invitations"),
        _ if !components.any(|c| c.property("ATTENDEE").is_some()) => Ok(()),
        Method::Request => desk.access.require(Right::Invite, "invite"),
        Method::Cancel => desk.access.require(Right::Cancel, "call off items"),
    }
}

fn not_organizer() -> Error {
    let message = "only the organizer may publish, invite to or call off an item";
    Error::new(Failed::NotOrganizer, message)
}
