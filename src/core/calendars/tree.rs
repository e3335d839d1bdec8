//! Calendars in a tree, as CAP has them: made under any free name in a place of it, moved, and deleted with all that is
//! below them (draft-ietf-calsch-cap-04 sections 7.2.1.1, 7.2.1.3 and 7.2.1.5).

use super::change::CalendarEdit;
use super::{CalendarView, NewCalendar};
use crate::core::access::{Access, Right};
use crate::core::accounts::bad_name;
use crate::core::error::{Error, Kind, Result};
use crate::core::{Caller, Core, Identity, directory};
use crate::ical::datetime::Timestamp;
use crate::model::calendar::Calendar;
use crate::model::id::{CalendarId, Calid, PrincipalId, QualifiedName};
use crate::store::{Reader, calendars, people};

/// A calendar to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlacedCalendar {
    /// What it is to be called.
    pub calid: String,
    /// The calendar it is to be a child of; none: at the top.
    pub parent: Option<String>,
    /// Its owners: names or UPNs. None: the caller, who is the primary owner wherever they are among them.
    pub owners: Vec<String>,
    /// What is to be different from the properties of every new calendar.
    pub edit: CalendarEdit,
}

impl Core {
    /// Makes a calendar in a place of the tree.
    ///
    /// At the top everybody with an account may, if `calendars.allow_create` lets them; as a child, the owners of the
    /// parent. For others alone only administrators make one. Errors: `AccessDenied`, `NotOffered`; `NoSuchCalendar`
    /// for the parent; `BadName`, `NameTaken`, `NoSuchPrincipal`, `TooMuch`; those of [`Core::edit_calendar`].
    pub fn place_calendar(&self, caller: &Caller, new: &PlacedCalendar) -> Result<CalendarView> {
        self.know(new.owners.iter().map(String::as_str))?;
        let name = Calid::parse(&new.calid, self.domain());
        let name = name.map_err(|cause| bad_name(&new.calid, cause))?;
        self.store().write(|t| {
            let parent = match &new.parent {
                Some(parent) => {
                    let access = self.access(t, caller, Some(parent))?;
                    access.require(Right::Own, "make calendars")?;
                    require_there(&access)?;
                    Some(access.calendar().id)
                }
                None => None,
            };
            let owner = self.first_owner(t, caller, &new.owners)?;
            self.check_place(t, &name, owner, parent)?;
            let plain = NewCalendar {
                resource: new.edit.resource == Some(true),
                ..NewCalendar::default()
            };
            let mut made = self.insert_calendar(t, name.clone(), owner, &plain)?;
            match parent {
                Some(_) => calendars::set_parent(t, &mut made, parent)?,
                None => self.copy_default_rights(t, made.id)?,
            }
            let edit = CalendarEdit {
                owners: (!new.owners.is_empty()).then(|| new.owners.clone()),
                ..new.edit.clone()
            };
            let made = self.put_edited(t, made, &edit)?;
            let access = self.standing(t, caller, made, self.show_calid(&name))?;
            self.view(t, &access, caller)
        })
    }

    /// Who becomes the primary owner of a calendar that `caller` makes for `owners`.
    fn first_owner(
        &self,
        t: &impl Reader,
        caller: &Caller,
        owners: &[String],
    ) -> Result<PrincipalId> {
        let above = caller.stands_above();
        let identity = caller.identity();
        if identity.is_none() && !above {
            let message = "only somebody with an account can have a calendar";
            return Err(Error::new(Kind::AccessDenied, message));
        }
        if !above && !self.settings().create_calendars {
            let message = "calendars are made by administrators here";
            return Err(Error::new(Kind::NotOffered, message));
        }
        let mut first = None;
        for name in owners {
            let user = directory::user(t, name, self.home())?;
            let user = user.filter(|user| self.may_look_into(caller, &user.name.domain));
            let user = user.ok_or_else(|| {
                let message = format!("expected users as owners; there is no user '{name}'");
                Error::new(Kind::NoSuchPrincipal, message)
            })?;
            if identity.is_some_and(|identity| identity.id == user.id) {
                return Ok(user.id);
            }
            first = first.or(Some(user.id));
        }
        match (first, identity) {
            (None, Some(Identity { id, .. })) => Ok(*id),
            (Some(first), _) if above => Ok(first),
            _ => {
                let message = "only administrators make calendars for others alone";
                Err(Error::new(Kind::AccessDenied, message))
            }
        }
    }

    fn check_place(
        &self,
        t: &impl Reader,
        name: &Calid,
        owner: PrincipalId,
        parent: Option<CalendarId>,
    ) -> Result<()> {
        let shown = self.show_calid(name);
        let holder = QualifiedName {
            local: name.local.clone(),
            domain: name.domain.clone(),
        };
        let foreign = || {
            let message = format!("'{shown}' is a name of somebody other than its owner");
            Err(Error::new(Kind::BadName, message))
        };
        // Before it is looked at whether the name is taken: that is the other domain's matter.
        if holder.domain != self.domain_of(t, owner)? {
            return foreign();
        }
        let head = people::name_row(t, &holder)?;
        if calendars::find(t, name)?.is_some() || (name.rest.is_empty() && head.is_some()) {
            return Err(super::make::taken(&shown));
        }
        if head
            .and_then(|row| row.principal)
            .is_some_and(|id| id != owner)
        {
            return foreign();
        }
        let limits = &self.settings().limits;
        if calendars::owned(t, owner)?.len() >= limits.calendars_per_user {
            let most = limits.calendars_per_user;
            let message = format!("expected at most {most} calendars of one user");
            return Err(Error::new(Kind::TooMuch, message));
        }
        self.check_depth(t, parent, 1)
    }

    fn domain_of(&self, t: &impl Reader, owner: PrincipalId) -> Result<String> {
        let owner = people::principal(t, owner)?;
        Ok(owner
            .map(|owner| owner.name().domain.clone())
            .unwrap_or_default())
    }

    /// Refuses a tree of more levels than `limits.calendar_levels`, were one of `height` put below `parent`.
    fn check_depth(
        &self,
        t: &impl Reader,
        parent: Option<CalendarId>,
        height: usize,
    ) -> Result<()> {
        let most = self.settings().limits.calendar_levels;
        if ancestors(t, parent, most)?.len() + height > most {
            let message = format!("expected at most {most} levels of calendars");
            return Err(Error::new(Kind::TooMuch, message));
        }
        Ok(())
    }

    /// Deletes a calendar with everything in it and all calendars below it, or nothing. Answers their calids.
    ///
    /// Errors: `NoSuchCalendar`; `AccessDenied` where the caller is not the primary owner of each; `NotOffered`,
    /// `DefaultCalendar`.
    pub fn delete_calendar_tree(&self, caller: &Caller, calid: &str) -> Result<Vec<String>> {
        self.store().write(|t| {
            let access = self.access(t, caller, Some(calid))?;
            if !self.settings().delete_calendars && !caller.stands_above() {
                let message = "calendars are removed by administrators here";
                return Err(Error::new(Kind::NotOffered, message));
            }
            let mut tree = Vec::new();
            self.below(t, access.calendar().clone(), &mut tree, 0)?;
            for calendar in &tree {
                let shown = self.show_calid(&calendar.calid);
                let access = self.standing(t, caller, calendar.clone(), shown)?;
                if !caller.stands_above() {
                    access.require(Right::Drop, "delete everything")?;
                }
            }
            // Children before parents.
            let mut gone = Vec::with_capacity(tree.len());
            for calendar in tree.iter().rev() {
                let shown = self.show_calid(&calendar.calid);
                self.remove(t, calendar, &shown)?;
                gone.push(shown);
            }
            gone.reverse();
            Ok(gone)
        })
    }

    /// A calendar and all below it, each before its children.
    fn below(
        &self,
        t: &impl Reader,
        calendar: Calendar,
        found: &mut Vec<Calendar>,
        level: usize,
    ) -> Result<()> {
        let id = calendar.id;
        found.push(calendar);
        if level < self.settings().limits.calendar_levels {
            for child in calendars::children(t, id)? {
                self.below(t, child, found, level + 1)?;
            }
        }
        Ok(())
    }

    /// Puts a calendar below another one, or at the top.
    ///
    /// The caller owns both calendars; at the top everybody may who may make calendars. Errors: `NoSuchCalendar`,
    /// `AccessDenied`, `NotOffered`; `NameTaken` when it is there already; `BadValue` below itself.
    pub fn move_calendar(&self, caller: &Caller, calid: &str, parent: Option<&str>) -> Result<()> {
        self.store().write(|t| {
            let access = self.access(t, caller, Some(calid))?;
            self.require_own(&access, caller, "move calendars")?;
            require_there(&access)?;
            let mut moved = access.calendar().clone();
            let parent = match parent {
                Some(parent) => {
                    let access = self.access(t, caller, Some(parent))?;
                    self.require_own(&access, caller, "move calendars")?;
                    require_there(&access)?;
                    Some(access.calendar().id)
                }
                None if caller.stands_above() || self.settings().create_calendars => None,
                None => {
                    let message = "calendars are put at the top by administrators here";
                    return Err(Error::new(Kind::NotOffered, message));
                }
            };
            if moved.parent == parent {
                let message = format!("'{}' is there already", access.shown_calid());
                return Err(Error::new(Kind::NameTaken, message));
            }
            let most = self.settings().limits.calendar_levels;
            if ancestors(t, parent, most)?.contains(&moved.id) {
                let message = "a calendar cannot be put below itself";
                return Err(Error::new(Kind::BadValue, message));
            }
            let height = height(t, moved.id, most)?;
            self.check_depth(t, parent, height)?;
            self.keep_inherited_rights(t, &moved)?;
            moved.modified = t.now();
            Ok(calendars::set_parent(t, &mut moved, parent)?)
        })
    }

    fn require_own(&self, access: &Access, caller: &Caller, doing: &'static str) -> Result<()> {
        match caller.stands_above() {
            true => Ok(()),
            false => access.require(Right::Own, doing),
        }
    }

    /// When a calendar or anything in it was last changed.
    pub fn calendar_modified(&self, calendar: &Calendar) -> Timestamp {
        let last = self.store().read(|t| calendars::last_stamp(t, calendar.id));
        last.ok().flatten().unwrap_or(calendar.modified)
    }

    /// The calids of the calendars right below a calendar that the caller may know of.
    pub fn children_of(&self, caller: &Caller, calid: &str) -> Result<Vec<String>> {
        self.store().read(|t| {
            let access = self.access(t, caller, Some(calid))?;
            let mut found = Vec::new();
            for child in calendars::children(t, access.calendar().id)? {
                let shown = self.show_calid(&child.calid);
                let access = self.standing(t, caller, child, shown)?;
                if access.allows(Right::ReadProperties) {
                    found.push(access.shown_calid().to_owned());
                }
            }
            Ok(found)
        })
    }

    /// The calendars of the store whose properties a caller may read, at most `most`, by number.
    ///
    /// Errors: `TooMuch` where there are more.
    pub fn readable_calendars(&self, caller: &Caller, most: usize) -> Result<Vec<CalendarView>> {
        self.store().read(|t| {
            let mut found = Vec::new();
            for calendar in calendars::all(t)? {
                let shown = self.show_calid(&calendar.calid);
                let enabled = calendar.enabled;
                let access = self.standing(t, caller, calendar, shown)?;
                if !(enabled && access.allows(Right::ReadProperties)) {
                    continue;
                }
                if found.len() == most {
                    let message = format!("expected at most {most} calendars, found more");
                    return Err(Error::new(Kind::TooMuch, message));
                }
                found.push(self.view(t, &access, caller)?);
            }
            Ok(found)
        })
    }
}

/// A calendar and those above it, at most `most`.
fn ancestors(t: &impl Reader, from: Option<CalendarId>, most: usize) -> Result<Vec<CalendarId>> {
    let mut found = Vec::new();
    let mut next = from;
    while let Some(id) = next {
        if found.len() == most || found.contains(&id) {
            break;
        }
        found.push(id);
        next = calendars::get(t, id)?.and_then(|calendar| calendar.parent);
    }
    Ok(found)
}

/// How many levels there are from a calendar down, at most one more than `most`.
fn height(t: &impl Reader, id: CalendarId, most: usize) -> Result<usize> {
    let mut level = vec![id];
    let mut height = 0;
    while !level.is_empty() && height <= most {
        height += 1;
        let mut below = Vec::new();
        for id in level {
            below.extend(
                calendars::children(t, id)?
                    .into_iter()
                    .map(|child| child.id),
            );
        }
        level = below;
    }
    Ok(height)
}

/// Errors: `NoSuchCalendar` for one that is marked as deleted, which its owners may look at, bring back and delete only.
fn require_there(access: &Access) -> Result<()> {
    match access.calendar().tombstone {
        true => Err(Error::no_calendar(access.shown_calid())),
        false => Ok(()),
    }
}
