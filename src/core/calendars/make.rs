//! Making calendars and removing them, by their owners and by the operator.

use super::{CalendarEdit, CalendarView, NewCalendar, is_default};
use crate::core::access::Right;
use crate::core::accounts::bad_name;
use crate::core::error::{Error, Kind, Result};
use crate::core::{Caller, Core, Identity};
use crate::model::calendar::{Calendar, CalendarProperties};
use crate::model::id::{CalendarId, Calid, NAME_MAX, PrincipalId, QualifiedName, mail_address};
use crate::store::people;
use crate::store::{WriteTxn, calendars};

/// A calendar that a user wants to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnCalendar {
    /// What its calid has after the user's name; without it the server makes one up.
    pub rest: Option<String>,
    /// What is to be different from the properties of every new calendar.
    pub edit: CalendarEdit,
    /// Whether it goes on the user's list of subscriptions.
    pub subscribe: bool,
}

impl Core {
    /// Makes a calendar of the caller's own, called by the user's name, `:` and more.
    ///
    /// What is too long of the name is cut off. Errors: `AccessDenied` for callers without an account; `NotOffered`;
    /// `BadName`, `NameTaken`; `TooMuch` for an owner of too many calendars; those of [`Core::edit_calendar`].
    pub fn create_own_calendar(&self, caller: &Caller, new: &OwnCalendar) -> Result<CalendarView> {
        let identity = caller.identity().ok_or_else(|| {
            let message = "only somebody with an account can have a calendar";
            Error::new(Kind::AccessDenied, message)
        })?;
        if !self.settings().create_calendars {
            let message = "calendars are made by administrators here";
            return Err(Error::new(Kind::NotOffered, message));
        }
        let rest = match &new.rest {
            Some(rest) => self.rest_of(identity, rest)?,
            None => self.ids().uid(),
        };
        let calid = Calid {
            rest,
            ..Calid::of(&identity.name)
        };
        self.store().write(|t| {
            let shown = self.show_calid(&calid);
            if calendars::find(t, &calid)?.is_some() {
                return Err(taken(&shown));
            }
            let most = self.settings().limits.calendars_per_user;
            if calendars::owned(t, identity.id)?.len() >= most {
                let message = format!("expected at most {most} calendars of one user");
                return Err(Error::new(Kind::TooMuch, message));
            }
            let plain = NewCalendar {
                resource: new.edit.resource == Some(true),
                ..NewCalendar::default()
            };
            let made = self.insert_calendar(t, calid.clone(), identity.id, &plain)?;
            let made = self.put_edited(t, made, &new.edit)?;
            if new.subscribe {
                self.subscribe_to(t, identity.id, &[&made])?;
            }
            let access = self.standing(t, caller, made, shown)?;
            self.view(t, &access, caller)
        })
    }

    /// What a client wants after its user's name, cut to size.
    fn rest_of(&self, identity: &Identity, wanted: &str) -> Result<String> {
        let bad = || {
            let shown: String = wanted.chars().take(80).collect();
            let message = format!("'{shown}' is no calid that can be made here");
            Error::new(Kind::BadName, message)
        };
        // Some clients write the whole calid.
        let rest = match wanted.split_once(':') {
            Some((head, rest)) => {
                let name = QualifiedName::parse(head, self.home()).map_err(|_| bad())?;
                (name == identity.name).then_some(rest).ok_or_else(bad)?
            }
            None => wanted,
        };
        if !rest.is_ascii() || rest.contains(['@', ':']) {
            return Err(bad());
        }
        // What is cut off must have been sound too: a name is not mended by its length.
        let pieces = rest.as_bytes().chunks(NAME_MAX);
        for piece in pieces {
            let piece = std::str::from_utf8(piece).map_err(|_| bad())?;
            Calid::parse(&format!("x:{piece}"), self.home()).map_err(|_| bad())?;
        }
        let rest = rest.get(..NAME_MAX).unwrap_or(rest);
        match rest.is_empty() {
            true => Err(bad()),
            false => Ok(rest.to_ascii_lowercase()),
        }
    }

    /// Deletes a calendar of the caller's with everything in it; answers what it was. With `unsubscribe` it also leaves
    /// the caller's list of subscriptions.
    ///
    /// Errors: `NoSuchCalendar`; `AccessDenied` for everybody but the primary owner; `NotOffered`; `DefaultCalendar`.
    pub fn delete_own_calendar(
        &self,
        caller: &Caller,
        calid: &str,
        unsubscribe: bool,
    ) -> Result<CalendarView> {
        self.store().write(|t| {
            let access = self.access(t, caller, Some(calid))?;
            access.require(Right::Drop, "delete everything")?;
            if !self.settings().delete_calendars {
                let message = "calendars are removed by administrators here";
                return Err(Error::new(Kind::NotOffered, message));
            }
            let view = self.view(t, &access, caller)?;
            self.remove(t, access.calendar(), access.shown_calid())?;
            if let Some(identity) = caller.identity().filter(|_| unsubscribe) {
                self.unsubscribe_from(t, identity.id, &[calid])?;
            }
            Ok(view)
        })
    }

    /// Makes a calendar called `calid` for `owner`, as an administrator does.
    ///
    /// Errors: `BadName`, `NameTaken`, `NoSuchPrincipal`, `BadValue` for a mail address that is none.
    pub fn create_calendar(&self, calid: &str, owner: &str, new: &NewCalendar) -> Result<Calendar> {
        let name = Calid::parse(calid, self.home()).map_err(|cause| bad_name(calid, cause))?;
        let owner = self.user(owner)?;
        let holder = QualifiedName {
            local: name.local.clone(),
            domain: name.domain.clone(),
        };
        self.require_hosted(&holder)?;
        if owner.name.domain != name.domain {
            let message = format!(
                "'{calid}' lies in another domain than its owner {}",
                owner.name
            );
            return Err(Error::new(Kind::BadName, message));
        }
        self.store().write(|t| {
            let head = people::name_row(t, &holder)?;
            let foreign = head
                .and_then(|row| row.principal)
                .is_some_and(|id| id != owner.id);
            if calendars::find(t, &name)?.is_some() || (name.rest.is_empty() && head.is_some()) {
                return Err(taken(calid));
            }
            if foreign {
                let message =
                    format!("'{calid}' begins with the name of somebody other than its owner");
                return Err(Error::new(Kind::BadName, message));
            }
            self.insert_calendar(t, name.clone(), owner.id, new)
        })
    }

    /// Stores a new calendar whose name is free.
    pub(in crate::core) fn insert_calendar(
        &self,
        t: &mut WriteTxn<'_>,
        calid: Calid,
        owner: PrincipalId,
        new: &NewCalendar,
    ) -> Result<Calendar> {
        let settings = self.settings();
        let mail = new.mail.as_deref().map(|text| {
            let message = format!("expected a mail address, found '{text}'");
            mail_address(text).ok_or_else(|| Error::new(Kind::BadValue, message))
        });
        let mail = mail.transpose()?;
        if let Some(mail) = mail.as_deref().filter(|_| !new.resource) {
            let message = format!("only a resource has a mail address of its own: '{mail}'");
            return Err(Error::new(Kind::BadValue, message));
        }
        if let Some(taken) = mail.as_deref()
            && people::mail_row(t, taken)?.is_some()
        {
            return Err(Error::new(Kind::NameTaken, format!("'{taken}' is taken")));
        }
        let now = t.now();
        let name = if new.name.is_empty() {
            self.show_calid(&calid)
        } else {
            new.name.clone()
        };
        if let Some(mail) = mail.as_deref()
            && self.is_of_another(&calid.domain, mail)
        {
            let message = format!("the mail address {mail} is one of another domain here");
            return Err(Error::new(Kind::BadValue, message));
        }
        let acl = settings
            .default_acl_of(&calid.domain)
            .entries()
            .iter()
            .map(ToString::to_string)
            .collect();
        let calendar = Calendar {
            id: CalendarId(t.next_number("next:calendar")?),
            owner,
            parent: None,
            created: now,
            modified: now,
            properties: CalendarProperties {
                name,
                description: String::new(),
                language: "en".to_owned(),
                charset: "utf-8".to_owned(),
                categories: Vec::new(),
                owners: Vec::new(),
                master: String::new(),
                tzid: settings.default_tzid_of(&calid.domain).to_owned(),
                acl,
                resource: new.resource,
                double_booking: !new.resource,
                free_busy_include: true,
                auto_schedule: true,
            },
            enabled: true,
            tombstone: false,
            extra: Vec::new(),
            calid,
        };
        calendars::create(t, &calendar, mail.as_deref())?;
        Ok(calendar)
    }

    /// Removes a calendar and everything in it, as an administrator does. A user's default calendar goes with the user
    /// only.
    ///
    /// Errors: `NoSuchCalendar`, `DefaultCalendar`.
    pub fn remove_calendar(&self, calid: &str) -> Result<()> {
        self.store().write(|t| {
            let (calendar, shown) = self
                .find_calendar(t, calid)?
                .ok_or_else(|| Error::no_calendar(calid))?;
            self.remove(t, &calendar, &shown)
        })
    }

    pub(super) fn remove(
        &self,
        t: &mut WriteTxn<'_>,
        calendar: &Calendar,
        shown: &str,
    ) -> Result<()> {
        if is_default(t, calendar)? {
            let message = format!("'{shown}' is a user's default calendar: it goes with the user");
            return Err(Error::new(Kind::DefaultCalendar, message));
        }
        Ok(calendars::remove(t, calendar)?)
    }
}

pub(super) fn taken(shown: &str) -> Error {
    let message = format!("'{shown}' is taken: users, groups and calendars share one set of names");
    Error::new(Kind::NameTaken, message)
}
