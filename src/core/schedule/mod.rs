//! Scheduling between people: one delivery of iTIP messages for every door.
//!
//! A change of an organizer's item becomes messages to its attendees (`send`), an attendee's answer one to the
//! organizer (`reply`); a calendar here takes them at once, in the same transaction (`deliver`), people elsewhere get
//! theirs through the outbox (`mail`). A first REQUEST waits in the calendar's queue until it is answered; messages
//! about what is booked are applied where the calendar says so. `view`, `settle`, `merge`, `answer` and `attendee` are
//! pure; `groups` and `resource` are what their names say. RFC 5546; RFC 6638 for who may change what.

pub mod answer;
pub mod attendee;
mod deliver;
pub mod groups;
mod mail;
pub mod merge;
pub mod receive;
mod reply;
mod resource;
pub(super) mod send;
pub mod settle;
pub mod view;

use super::error::Result;
use super::items::series::World;
use super::{Caller, Core, Identity};
use crate::ical::datetime::Timestamp;
use crate::ical::object::CalendarObject;
use crate::ical::zone::Zone;
use crate::model::calendar::Calendar;
use crate::model::id::PrincipalId;
use crate::model::user::Principal;
use crate::store::{Reader, people};

/// What an iTIP message wants (RFC 5546 section 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// An invitation, or news of it.
    Request,
    /// An attendee's answer.
    Reply,
    /// The organizer calls it off.
    Cancel,
}

impl Method {
    /// The name, as in `METHOD:REQUEST`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Reply => "REPLY",
            Self::Cancel => "CANCEL",
        }
    }
}

/// What became of a message to one person: the codes of SCHEDULE-STATUS (RFC 6638 section 3.2.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It waits to be mailed.
    Pending,
    /// It is in the calendar.
    Delivered,
    /// Nobody can be reached under the address.
    InvalidAddress,
    /// The calendar does not take it from the sender.
    NoAuthority,
    /// It could not be worked now.
    Unavailable,
    /// It was not needed: what it would have called off had not left either.
    Withdrawn,
}

impl Status {
    /// The code, as in `SCHEDULE-STATUS="1.2"`; empty where there is nothing to say.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pending => "1.0",
            Self::Delivered => "1.2",
            Self::InvalidAddress => "3.7",
            Self::NoAuthority => "3.8",
            Self::Unavailable => "5.1",
            Self::Withdrawn => "",
        }
    }
}

/// Who is written to by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notify {
    /// People without a calendar here, who hear of it no other way (WCAP's `smtp`).
    pub outside: bool,
    /// People with one, besides (WCAP's `smtpNotify`).
    pub inside: bool,
    /// Whether attachments go along.
    pub attachments: bool,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            outside: true,
            inside: false,
            attachments: false,
        }
    }
}

/// What went other than wished for, while the change itself is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shortfall {
    /// A group was larger than `limits.group_members`: only a part of it is invited.
    pub clipped: bool,
    /// A message could not be queued for mail.
    pub unmailed: bool,
}

/// A change whose consequences are to be told: who speaks, from which calendar.
pub(super) struct Round<'a> {
    pub(super) core: &'a Core,
    /// Whose act it is, for journals.
    pub(super) actor: Option<PrincipalId>,
    /// The calendar that was changed, in whose owner's name messages are sent.
    pub(super) home: &'a Calendar,
    pub(super) notify: Notify,
    pub(super) now: Timestamp,
}

/// An iTIP message to one person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) method: Method,
    pub(super) object: &'a CalendarObject,
    /// What the same sender said of it before, where that is known.
    pub(super) before: Option<&'a CalendarObject>,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    /// Whether it only tells what others have answered: whoever has put the item away gets it no more.
    pub(super) refresh: bool,
    /// Whether the recipient was never sent anything of it before.
    pub(super) first: bool,
    /// Whether it calls off everything that the recipient was told.
    pub(super) whole: bool,
}

impl<'a> Round<'a> {
    pub(super) fn new(core: &'a Core, caller: &Caller, home: &'a Calendar, notify: Notify) -> Self {
        Self {
            core,
            actor: caller.principal(),
            home,
            notify,
            now: core.now(),
        }
    }

    /// The round of another calendar that this one sets off, in the course of which nobody is mailed about what
    /// they do not have to act on.
    pub(super) fn at<'b>(&self, home: &'b Calendar) -> Round<'b>
    where
        'a: 'b,
    {
        Round {
            core: self.core,
            actor: self.actor,
            home,
            notify: self.notify,
            now: self.now,
        }
    }

    /// The owner of the calendar as a caller: rights elsewhere are asked for in their name.
    pub(super) fn speaker(&self, t: &impl Reader) -> Result<Caller> {
        Ok(match people::principal(t, self.home.owner)? {
            Some(Principal::User(user)) => Caller::User(Identity {
                id: user.id,
                typed: user.name.within(self.core.domain()),
                // What an administrator may elsewhere is not lent to invitations.
                administrator: false,
                domain_administrator: false,
                ended: 0,
                name: user.name,
            }),
            _ => Caller::Anonymous,
        })
    }

    pub(super) fn world<'b>(&self, floating: &'b Zone) -> World<'b>
    where
        'a: 'b,
    {
        World {
            floating,
            limits: &self.core.settings().limits,
            new_uid: "",
            drop_unfit_start: false,
            creating: false,
        }
    }
}

#[cfg(test)]
mod testing {
    //! Objects to test with.

    use super::*;
    use crate::ical::object::split;
    use crate::ical::parse;
    use crate::limits::Limits;

    /// An object of components given by their lines; `UID:m` and the frame are added.
    pub(super) fn object(components: &[&[&str]]) -> CalendarObject {
        let text: String = components
            .iter()
            .map(|lines| {
                format!(
                    "BEGIN:VEVENT\r\nUID:m\r\nORGANIZER:mailto:boss@x\r\n{}\r\nEND:VEVENT\r\n",
                    lines.join("\r\n")
                )
            })
            .collect();
        let parsed = parse::parse(text.as_bytes(), &parse::Limits::DEFAULT);
        split(parsed.components, &mut String::new).objects.remove(0)
    }

    /// Runs `test` with a world in UTC.
    pub(super) fn in_world<T>(test: impl FnOnce(&World<'_>) -> T) -> T {
        let (floating, limits) = (Zone::utc(), Limits::default());
        test(&World {
            floating: &floating,
            limits: &limits,
            new_uid: "",
            drop_unfit_start: false,
            creating: false,
        })
    }

    /// The lines of a property, of all components in order.
    pub(super) fn lines(object: &CalendarObject, name: &str) -> Vec<String> {
        let properties = object
            .components
            .iter()
            .flat_map(|component| component.properties_named(name));
        properties.map(|p| p.as_line().to_owned()).collect()
    }
}
