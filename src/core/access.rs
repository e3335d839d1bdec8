//! Who may do what in a calendar: asked once per request, answered with a proof.
//!
//! [`Access`] is a calendar seen by one caller. [`Access::grant`] turns it into a [`Granted`] of one kind of
//! use, which only this module can make; functions that touch components take such a proof, so that a forgotten
//! check does not compile. What a reader sees of private components is decided here too.

use std::marker::PhantomData;

use super::caller::Caller;
use super::error::{Error, Kind, Result};
use super::rights::{self, Act, RightSet, Thing, Verdict};
use super::schedule::receive::Itip;
use super::settings::Settings;
use crate::ical::component::{Component, Entry, Property};
use crate::ical::object::CalendarObject;
use crate::model::acl::{Acl, How, Standing, What};
use crate::model::calendar::Calendar;

/// What somebody may do in a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Read components: `a^r`.
    Read,
    /// See busy times: `f` on components.
    FreeBusy,
    /// Add components: `c^w`.
    Add,
    /// Change components: reading and `c^w`.
    Modify,
    /// Delete components: changing and `c^d`.
    Delete,
    /// Put requests and replies into the calendar: `a^s`.
    Schedule,
    /// Answer invitations in the owner's name: owners, or `c^e`.
    Reply,
    /// Invite in the owner's name: owners, or `c^i`.
    Invite,
    /// Call off what others are invited to in the owner's name: owners, or `c^c`.
    Cancel,
    /// Read calendar properties: `p^r`.
    ReadProperties,
    /// Change calendar properties other than the access list: owners, or `p^w`.
    WriteProperties,
    /// Change entries of the access list about oneself: owners, or `p^z`.
    AdministerSelf,
    /// Change the access list and the owners: owners.
    Own,
    /// Delete the calendar: the primary owner.
    Drop,
}

/// A calendar as one caller stands to it.
#[derive(Debug, Clone)]
pub struct Access {
    calendar: Calendar,
    shown: String,
    standing: Standing,
    acl: Acl,
    power: Power,
    rights: RightSet,
    /// The CARIDs of the calendar's own rights.
    carids: Vec<String>,
}

/// Where rights come from besides the access list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    /// The operator at the command line, or an administrator whom the configuration lets override lists.
    Everything,
    /// The list decides.
    List,
    /// Nobody: of what the list grants, only looking counts.
    Looking,
    /// Nobody, and the configuration shuts such callers out.
    Nothing,
}

impl Access {
    /// How `caller` stands to `calendar`, whose access list is read here, once.
    ///
    /// `shown` is the calid as answers write it, `owner_domain` the domain of the primary owner. An access list
    /// that cannot be read grants nothing.
    pub(super) fn new(
        calendar: Calendar,
        shown: String,
        caller: &Caller,
        owner_domain: String,
        settings: &Settings,
    ) -> Self {
        let identity = caller.identity();
        let domain = calendar.calid.domain.as_str();
        let standing = Standing {
            principal: identity.map(|i| i.id),
            name: caller.name().cloned(),
            primary_owner: identity.is_some_and(|i| i.id == calendar.owner),
            owner: identity.is_some_and(|i| calendar.properties.owners.contains(&i.id)),
            owner_domain,
            foreign: caller
                .name()
                .is_some_and(|name| !settings.lets_in(domain, &name.domain)),
        };
        let power = match caller {
            Caller::System => Power::Everything,
            _ if !settings.serves(domain) => Power::Nothing,
            Caller::User(i) if settings.override_acl && i.administers(domain) => Power::Everything,
            Caller::User(_) | Caller::Guest(_) => Power::List,
            Caller::Anonymous if settings.serves_anonymous(domain) => Power::Looking,
            Caller::Anonymous => Power::Nothing,
        };
        let entries = calendar.properties.acl.iter().map(String::as_str);
        let mut acl = Acl::from_entries(entries, domain).unwrap_or_default();
        if !settings.public_writable {
            acl = acl.closed_to_public_writing();
        }
        Self {
            calendar,
            shown,
            standing,
            acl,
            power,
            rights: RightSet::default(),
            carids: Vec::new(),
        }
    }

    /// This with what VCARs say to the caller; `carids` are those of the calendar's own.
    pub(super) fn with_rights(self, rights: RightSet, carids: Vec<String>) -> Self {
        Self {
            rights,
            carids,
            ..self
        }
    }

    /// The CARIDs of the rights that the calendar has besides its access list.
    pub fn carids(&self) -> &[String] {
        &self.carids
    }

    /// The calendar, for uses that are no reading of its contents.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The calid to write in answers.
    pub fn shown_calid(&self) -> &str {
        &self.shown
    }

    /// Whether the caller is an owner, or stands above owners.
    pub fn is_owner(&self) -> bool {
        self.standing.primary_owner || self.standing.owner || self.power == Power::Everything
    }

    /// Whether the caller has `right`, at least for something in the calendar: rules about certain objects are for
    /// [`Granted::see`] and `Access::admit`.
    pub fn allows(&self, right: Right) -> bool {
        if self.calendar.tombstone && !self.outlives_it(right) {
            return false;
        }
        if self.power == Power::Everything {
            return true;
        }
        let said = self.said(right);
        if self.standing.primary_owner {
            return !said.denied;
        }
        let looking = matches!(right, Right::Read | Right::FreeBusy | Right::ReadProperties);
        if self.power == Power::Nothing || (self.power == Power::Looking && !looking) {
            return false;
        }
        match self.listed(right) {
            _ if said.denied => false,
            Some(listed) => listed,
            None => said.granted || said.perhaps || !said.only.is_empty(),
        }
    }

    /// What the access list says of a right: granted, denied, or nothing.
    fn listed(&self, right: Right) -> Option<bool> {
        let lists = |what, how| self.acl.decide(&self.standing, what, how);
        let owners = |said: Option<bool>| match self.standing.owner {
            true => Some(true),
            false => said,
        };
        let adds = || lists(What::Components, How::Write);
        let reads = || lists(What::All, How::Read);
        match right {
            Right::Read => reads(),
            Right::FreeBusy => lists(What::Components, How::FreeBusy),
            Right::Add => adds(),
            Right::Modify => both(reads(), adds()),
            Right::Delete => both(both(reads(), adds()), lists(What::Components, How::Delete)),
            Right::Schedule => lists(What::All, How::Schedule),
            Right::Reply => owners(lists(What::Components, How::Reply)),
            Right::Invite => owners(lists(What::Components, How::Invite)),
            Right::Cancel => owners(lists(What::Components, How::Cancel)),
            Right::ReadProperties => lists(What::Properties, How::Read),
            Right::WriteProperties => owners(lists(What::Properties, How::Write)),
            Right::AdministerSelf => owners(lists(What::Properties, How::SelfAdmin)),
            Right::Own => owners(None),
            Right::Drop => None,
        }
    }

    /// What VCARs say of a right: of some kind of item what they grant, of all of them what they deny.
    fn said(&self, right: Right) -> Verdict {
        if self.rights.is_empty() {
            return Verdict::default();
        }
        let decreed = self.standing.primary_owner;
        let of = |act, kind| self.rights.weigh(act, Thing::any(kind), decreed);
        let items = |act| {
            let all = rights::ITEMS.map(|kind| of(act, kind));
            Verdict {
                denied: all.iter().all(|one| one.denied),
                granted: all.iter().any(|one| one.granted && !one.denied),
                perhaps: all
                    .iter()
                    .any(|one| !one.denied && (one.perhaps || !one.only.is_empty())),
                ..Verdict::default()
            }
        };
        match right {
            Right::Read => items(Act::Read),
            Right::FreeBusy => of(Act::Read, "VFREEBUSY"),
            Right::Add => items(Act::Create),
            Right::Modify => items(Act::Modify),
            Right::Delete => items(Act::Delete),
            Right::Schedule => items(Act::Send(Itip::Request)),
            Right::ReadProperties => of(Act::Read, "VCALENDAR"),
            Right::WriteProperties => of(Act::Modify, "VCALENDAR"),
            Right::Drop => of(Act::Delete, "VCALENDAR"),
            Right::Reply | Right::Invite | Right::Cancel | Right::AdministerSelf | Right::Own => {
                Verdict::default()
            }
        }
    }

    /// Whether the caller may send messages of a method here.
    pub fn allows_message(&self, itip: Itip) -> bool {
        let right = match itip {
            Itip::Publish => Right::Add,
            _ => Right::Schedule,
        };
        if self.rights.is_empty() || self.power != Power::List {
            return self.allows(right);
        }
        let decreed = self.standing.primary_owner;
        let weigh = |kind| {
            let thing = Thing::any(kind);
            self.rights.weigh(Act::Send(itip), thing, decreed)
        };
        let all = rights::ITEMS.map(weigh);
        if all.iter().all(|one| one.denied) {
            return false;
        }
        let list = self.standing.primary_owner || self.listed(right) == Some(true);
        list || (self.listed(right).is_none() && all.iter().any(|one| one.granted))
    }

    /// Whether VCARs leave the caller the right to change what they have answered to an item of a kind, which every
    /// calendar grants (UPDATEPARTSTATUS).
    pub(super) fn lets_answer(&self, kind: &str) -> bool {
        let decreed = self.standing.primary_owner;
        let said = self.rights.weigh(Act::Modify, Thing::any(kind), decreed);
        let open = self.power != Power::Nothing && !self.calendar.tombstone;
        open && said.lets(true, "ATTENDEE") && said.lets(true, "PARTSTAT")
    }

    /// Whether the caller may do something to the rights (VCARs) of the calendar.
    pub fn allows_rights(&self, act: Act) -> bool {
        let by_list = match act {
            Act::Read => self.allows(Right::ReadProperties),
            _ => self.allows(Right::Own),
        };
        if self.rights.is_empty() || self.power == Power::Everything {
            return by_list;
        }
        let decreed = self.standing.primary_owner;
        let said = self.rights.weigh(act, Thing::any("VCAR"), decreed);
        let known = self.power == Power::List || act == Act::Read;
        !said.denied && (by_list || (known && (said.granted || said.perhaps)))
    }

    /// Whether the caller may make `after`, change `before` to it, or delete `before`, where VCARs speak of such objects.
    ///
    /// Errors: `AccessDenied`.
    pub(super) fn admit(
        &self,
        before: Option<&Component>,
        after: Option<&Component>,
    ) -> Result<()> {
        let Some(component) = before.or(after) else {
            return Ok(());
        };
        if self.rights.is_empty() || self.power != Power::List || before == after {
            return Ok(());
        }
        let (act, right, doing) = match (before, after) {
            (None, _) => (Act::Create, Right::Add, "add such items"),
            (Some(_), Some(_)) => (Act::Modify, Right::Modify, "change such items"),
            (Some(_), None) => (Act::Delete, Right::Delete, "delete such items"),
        };
        let thing = Thing {
            kind: &component.name().to_ascii_uppercase(),
            component: before,
            after,
            method: None,
        };
        let verdict = self.rights.weigh(act, thing, self.standing.primary_owner);
        let base = self.standing.primary_owner || self.listed(right) == Some(true);
        let listed = self.listed(right) != Some(false) || self.standing.primary_owner;
        let fits = match act {
            Act::Modify => changed(before, after)
                .iter()
                .all(|name| verdict.lets(base, name)),
            _ => !verdict.denied && (base || verdict.granted),
        };
        match fits && listed && !verdict.denied {
            true => Ok(()),
            false => Err(self.refusal(doing)),
        }
    }

    /// Whether a right in a calendar that is marked as deleted counts: for its owners, what lets them see that it is
    /// there, and bring it back or delete it (draft-ietf-calsch-cap-04 section 11.2).
    fn outlives_it(&self, right: Right) -> bool {
        let of_the_whole = matches!(
            right,
            Right::ReadProperties | Right::WriteProperties | Right::Own | Right::Drop
        );
        of_the_whole && self.is_owner()
    }

    fn refusal(&self, doing: &str) -> Error {
        match self.calendar.tombstone {
            true => Error::no_calendar(&self.shown),
            false => Error::denied(doing, &self.shown),
        }
    }

    /// The proof that the caller may use the calendar as `U` says.
    ///
    /// Errors: `AccessDenied`; `NoSuchCalendar` for one that is marked as deleted.
    pub fn grant<U: Use>(&self) -> Result<Granted<U>> {
        if !self.allows(U::RIGHT) {
            return Err(self.refusal(U::DOING));
        }
        Ok(Granted {
            access: self.clone(),
            used: PhantomData,
        })
    }

    /// Whether the caller may speak for the calendar's owner as `right` says.
    ///
    /// Errors: `AccessDenied`.
    pub fn require(&self, right: Right, doing: &'static str) -> Result<()> {
        match self.allows(right) {
            true => Ok(()),
            false => Err(self.refusal(doing)),
        }
    }

    /// As [`Access::grant`], but for owners only; others get `NotOwner`.
    pub fn require_owner(&self) -> Result<()> {
        if self.allows(Right::Own) {
            return Ok(());
        }
        let message = format!("only an owner of calendar '{}' may do this", self.shown);
        Err(Error::new(Kind::NotOwner, message))
    }
}

/// A kind of use of a calendar's contents.
pub trait Use {
    /// The right it needs.
    const RIGHT: Right;
    /// How an error says it: "no right to ...".
    const DOING: &'static str;
}

/// Reading components.
#[derive(Debug, Clone, Copy)]
pub enum Reading {}
/// Seeing busy times.
#[derive(Debug, Clone, Copy)]
pub enum SeeingBusy {}
/// Adding components.
#[derive(Debug, Clone, Copy)]
pub enum Adding {}
/// Changing components.
#[derive(Debug, Clone, Copy)]
pub enum Modifying {}
/// Deleting components.
#[derive(Debug, Clone, Copy)]
pub enum Deleting {}
/// Reading calendar properties.
#[derive(Debug, Clone, Copy)]
pub enum ReadingProperties {}

impl Use for Reading {
    const RIGHT: Right = Right::Read;
    const DOING: &'static str = "read";
}
impl Use for SeeingBusy {
    const RIGHT: Right = Right::FreeBusy;
    const DOING: &'static str = "see busy times";
}
impl Use for Adding {
    const RIGHT: Right = Right::Add;
    const DOING: &'static str = "add items";
}
impl Use for Modifying {
    const RIGHT: Right = Right::Modify;
    const DOING: &'static str = "change items";
}
impl Use for Deleting {
    const RIGHT: Right = Right::Delete;
    const DOING: &'static str = "delete items";
}
impl Use for ReadingProperties {
    const RIGHT: Right = Right::ReadProperties;
    const DOING: &'static str = "read properties";
}

/// Proof that a caller may use a calendar in one way.
#[derive(Debug, Clone)]
pub struct Granted<U> {
    access: Access,
    used: PhantomData<U>,
}

impl<U> Granted<U> {
    /// The calendar and the caller's standing.
    pub fn access(&self) -> &Access {
        &self.access
    }
}

impl Granted<Reading> {
    /// Whether every component may be seen whole, whatever its CLASS.
    pub fn sees_everything(&self) -> bool {
        self.access.is_owner()
    }

    /// Whether something of some items is kept from the caller; `restricted` says that CLASS does so in this one.
    pub fn narrows(&self, restricted: bool) -> bool {
        (restricted && !self.sees_everything()) || !self.access.rights.is_empty()
    }

    /// Takes out of an object what the caller may not see. Answers whether anything is left.
    pub fn see(&self, object: &mut CalendarObject, method: Option<&str>) -> bool {
        let components = std::mem::take(&mut object.components);
        let seen = components
            .into_iter()
            .filter_map(|component| self.view(&component, method));
        object.components = seen.collect();
        !object.components.is_empty()
    }

    /// What the caller sees of `component`, which waits with an iTIP `method` or is booked: all of it; when it is PRIVATE
    /// or CONFIDENTIAL and the caller no owner, its UID, times, rules, CLASS, STATUS, TRANSP and stamps; where VCARs speak
    /// of it, what they let be seen, its UID always; or nothing.
    pub fn view(&self, component: &Component, method: Option<&str>) -> Option<Component> {
        let mut seen = component.clone();
        let access = &self.access;
        if !access.rights.is_empty() && access.power != Power::Everything {
            let owner = access.standing.primary_owner;
            let thing = Thing {
                kind: &component.name().to_ascii_uppercase(),
                component: Some(component),
                after: None,
                method,
            };
            let verdict = access.rights.weigh(Act::Read, thing, owner);
            let listed = access.listed(Right::Read);
            let base = owner || listed == Some(true);
            if verdict.denied || (listed == Some(false) && !owner) {
                return None;
            }
            if !base && !verdict.granted && verdict.only.is_empty() {
                return None;
            }
            if !(base || verdict.granted) || !verdict.without.is_empty() {
                let whole = base || verdict.granted;
                seen.retain(|entry| match entry {
                    Entry::Property(p) => p.is("UID") || verdict.lets(base, p.name()),
                    Entry::Component(inner) => whole && verdict.lets(base, inner.name()),
                });
            }
        }
        if !self.sees_everything() && is_restricted(component) {
            seen.retain(|entry| matches!(entry, Entry::Property(p) if is_open(p)));
        }
        Some(seen)
    }
}

/// Both of what a list says, as one.
fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// The names of the properties and components in which two components differ; stamps are the store's.
fn changed(before: Option<&Component>, after: Option<&Component>) -> Vec<String> {
    let (Some(before), Some(after)) = (before, after) else {
        return Vec::new();
    };
    let names = |component: &Component| -> Vec<String> {
        let entries = component.entries().iter();
        let name = |entry: &Entry| match entry {
            Entry::Property(property) => property.name().to_ascii_uppercase(),
            Entry::Component(inner) => inner.name().to_ascii_uppercase(),
        };
        entries.map(name).collect()
    };
    let mut all = names(before);
    all.extend(names(after));
    all.sort_unstable();
    all.dedup();
    let stamps = ["DTSTAMP", "SEQUENCE", "LAST-MODIFIED", "CREATED"];
    all.retain(|name| {
        let same = before
            .properties_named(name)
            .eq(after.properties_named(name))
            && before
                .components_named(name)
                .eq(after.components_named(name));
        !same && !stamps.contains(&name.as_str())
    });
    all
}

/// Whether CLASS keeps the component's texts from people who are no owners. An unknown class counts as PRIVATE
/// (RFC 5545 section 3.8.1.3).
pub fn is_restricted(component: &Component) -> bool {
    component
        .value("CLASS")
        .is_some_and(|class| !class.trim().eq_ignore_ascii_case("PUBLIC"))
}

/// Whether a reader who is no owner sees this property of a restricted component.
fn is_open(property: &Property) -> bool {
    const OPEN: [&str; 16] = [
        "UID",
        "RECURRENCE-ID",
        "DTSTAMP",
        "DTSTART",
        "DTEND",
        "DUE",
        "DURATION",
        "RRULE",
        "RDATE",
        "EXRULE",
        "EXDATE",
        "CLASS",
        "STATUS",
        "TRANSP",
        "CREATED",
        "LAST-MODIFIED",
    ];
    OPEN.iter().any(|name| property.is(name))
}
