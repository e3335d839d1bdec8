//! Who may do what in a calendar: asked once per request, answered with a proof.
//!
//! [`Access`] is a calendar seen by one caller. [`Access::grant`] turns it into a [`Granted`] of one kind of
//! use, which only this module can make; functions that touch components take such a proof, so that a forgotten
//! check does not compile. What a reader sees of private components is decided here too.

use std::marker::PhantomData;

use super::caller::Caller;
use super::error::{Error, Kind, Result};
use super::settings::Settings;
use crate::ical::component::{Component, Entry, Property};
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
        let standing = Standing {
            principal: identity.map(|i| i.id),
            name: identity.map(|i| i.name.clone()),
            primary_owner: identity.is_some_and(|i| i.id == calendar.owner),
            owner: identity.is_some_and(|i| calendar.properties.owners.contains(&i.id)),
            owner_domain,
        };
        let power = match caller {
            Caller::System => Power::Everything,
            Caller::User(i) if i.administrator && settings.override_acl => Power::Everything,
            Caller::User(_) => Power::List,
            Caller::Anonymous if settings.anonymous => Power::Looking,
            Caller::Anonymous => Power::Nothing,
        };
        let entries = calendar.properties.acl.iter().map(String::as_str);
        let mut acl = Acl::from_entries(entries, &settings.domain).unwrap_or_default();
        if !settings.public_writable {
            acl = acl.closed_to_public_writing();
        }
        Self {
            calendar,
            shown,
            standing,
            acl,
            power,
        }
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

    /// Whether the caller has `right`.
    pub fn allows(&self, right: Right) -> bool {
        if self.calendar.tombstone && !self.outlives_it(right) {
            return false;
        }
        if self.power == Power::Everything || self.standing.primary_owner {
            return true;
        }
        let looking = matches!(right, Right::Read | Right::FreeBusy | Right::ReadProperties);
        if self.power == Power::Nothing || (self.power == Power::Looking && !looking) {
            return false;
        }
        let lists = |what, how| self.acl.decide(&self.standing, what, how) == Some(true);
        let adds = || lists(What::Components, How::Write);
        let reads = || lists(What::All, How::Read);
        match right {
            Right::Read => reads(),
            Right::FreeBusy => lists(What::Components, How::FreeBusy),
            Right::Add => adds(),
            Right::Modify => reads() && adds(),
            Right::Delete => reads() && adds() && lists(What::Components, How::Delete),
            Right::Schedule => lists(What::All, How::Schedule),
            Right::Reply => self.standing.owner || lists(What::Components, How::Reply),
            Right::Invite => self.standing.owner || lists(What::Components, How::Invite),
            Right::Cancel => self.standing.owner || lists(What::Components, How::Cancel),
            Right::ReadProperties => lists(What::Properties, How::Read),
            Right::WriteProperties => self.standing.owner || lists(What::Properties, How::Write),
            Right::AdministerSelf => self.standing.owner || lists(What::Properties, How::SelfAdmin),
            Right::Own => self.standing.owner,
            Right::Drop => false,
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

    /// What the caller sees of `component`: all of it, or, when it is PRIVATE or CONFIDENTIAL and the caller no
    /// owner, its UID, times, rules, CLASS, STATUS, TRANSP and stamps.
    pub fn view(&self, component: &Component) -> Component {
        if self.sees_everything() || !is_restricted(component) {
            return component.clone();
        }
        let mut seen = component.clone();
        seen.retain(|entry| matches!(entry, Entry::Property(p) if is_open(p)));
        seen
    }
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
