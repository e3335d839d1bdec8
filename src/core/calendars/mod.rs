//! Calendars: what they are called and what is told about them; in the files below, finding, making, changing,
//! searching and removing them. What is in them is `items`'.

mod change;
mod find;
mod make;
mod search;
mod tree;

pub use change::CalendarEdit;
pub use make::OwnCalendar;
pub use search::{Match, Search};
pub use tree::PlacedCalendar;

use super::access::{Access, ReadingProperties, Right, SeeingBusy};
use super::error::Result;
use super::{Caller, Core};
use crate::model::calendar::Calendar;
use crate::model::id::{Calid, PrincipalId};
use crate::model::user::Principal;
use crate::store::{Reader, calendars, people};

/// What is known of a calendar to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewCalendar {
    /// Display name; empty means the calid.
    pub name: String,
    /// Whether it stands for a room or a thing.
    pub resource: bool,
    /// A resource's mail address.
    pub mail: Option<String>,
}

/// A calendar's properties as a caller may see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarView {
    /// The calid to write in answers.
    pub calid: String,
    /// The stored calendar.
    pub calendar: Calendar,
    /// The primary owner; as typed at login when the caller is the owner.
    pub primary_owner: String,
    /// The primary owner's full name.
    pub common_name: String,
    /// Further owners.
    pub owners: Vec<String>,
    /// Calid of the parent, if it has one.
    pub parent: Option<String>,
    /// Whether it is its owner's default calendar.
    pub default: bool,
    /// The CARIDs of the rights it has besides its access list.
    pub carids: Vec<String>,
}

impl Core {
    /// A stored calid as answers write it, see [`Core::show_name`].
    pub fn show_calid(&self, calid: &Calid) -> String {
        let mut shown = calid.local.clone();
        if !self.is_left_out(&calid.domain) {
            shown.push('@');
            shown.push_str(&calid.domain);
        }
        if !calid.rest.is_empty() {
            shown.push(':');
            shown.push_str(&calid.rest);
        }
        shown
    }

    /// What answers about a calendar say of it. Asks for no right: the caller of this has.
    pub(super) fn view(
        &self,
        t: &impl Reader,
        access: &Access,
        caller: &Caller,
    ) -> Result<CalendarView> {
        let calendar = access.calendar().clone();
        let owner = people::principal(t, calendar.owner)?;
        let typed = caller
            .identity()
            .filter(|i| i.id == calendar.owner)
            .map(|i| i.typed.clone());
        let shown = |p: &Principal| self.show_name(p.name());
        let mut owners = Vec::with_capacity(calendar.properties.owners.len());
        for &id in &calendar.properties.owners {
            owners.extend(people::principal(t, id)?.as_ref().map(shown));
        }
        let parent = match calendar.parent {
            Some(parent) => calendars::get(t, parent)?.map(|p| self.show_calid(&p.calid)),
            None => None,
        };
        Ok(CalendarView {
            calid: access.shown_calid().to_owned(),
            primary_owner: typed.or(owner.as_ref().map(shown)).unwrap_or_default(),
            common_name: owner.as_ref().map(common_name).unwrap_or_default(),
            owners,
            parent,
            carids: access.carids().to_vec(),
            default: owner.is_some_and(|owner| Calid::of(owner.name()) == calendar.calid),
            calendar,
        })
    }

    /// The properties of a calendar. Needs the right to read properties.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`.
    pub fn calendar_properties(
        &self,
        caller: &Caller,
        calid: Option<&str>,
    ) -> Result<CalendarView> {
        self.store().read(|t| {
            let access = self.access(t, caller, calid)?;
            access.grant::<ReadingProperties>()?;
            self.view(t, &access, caller)
        })
    }

    /// The properties of a calendar that go with its busy times, for whoever may see those.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`.
    pub fn free_busy_properties(
        &self,
        caller: &Caller,
        calid: Option<&str>,
    ) -> Result<CalendarView> {
        self.store().read(|t| {
            let access = self.access(t, caller, calid)?;
            access.grant::<SeeingBusy>()?;
            self.view(t, &access, caller)
        })
    }

    /// Whether `caller` has `right` in a calendar. Errors: `NoSuchCalendar`.
    pub fn has_right(&self, caller: &Caller, calid: Option<&str>, right: Right) -> Result<bool> {
        self.store()
            .read(|t| Ok(self.access(t, caller, calid)?.allows(right)))
    }

    /// Refuses a caller who has not `right` in a calendar. Errors: `AccessDenied`, `NoSuchCalendar`.
    pub fn require_right(
        &self,
        caller: &Caller,
        calid: &str,
        right: Right,
        doing: &'static str,
    ) -> Result<()> {
        self.store()
            .read(|t| self.access(t, caller, Some(calid))?.require(right, doing))
    }

    /// The calendars `owner` owns first, all of them without one; the default calendar comes first.
    pub fn calendars(&self, owner: Option<PrincipalId>) -> Result<Vec<Calendar>> {
        self.store().read(|t| {
            Ok(owner.map_or_else(|| calendars::all(t), |owner| calendars::owned(t, owner))?)
        })
    }

    /// The shown name of a calendar's primary owner.
    pub fn owner_name(&self, calendar: &Calendar) -> Result<String> {
        let owner = self
            .store()
            .read(|t| people::principal(t, calendar.owner))?;
        Ok(owner
            .map(|owner| self.show_name(owner.name()))
            .unwrap_or_default())
    }
}

/// Whether `calendar` is the one that goes with its owner's account.
fn is_default(t: &impl Reader, calendar: &Calendar) -> Result<bool> {
    let owner = people::principal(t, calendar.owner)?;
    Ok(owner.is_some_and(|owner| Calid::of(owner.name()) == calendar.calid))
}

fn common_name(principal: &Principal) -> String {
    match principal {
        Principal::User(user) if !user.full_name.is_empty() => user.full_name.clone(),
        other => other.name().local.clone(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
