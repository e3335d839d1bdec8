//! Calendars by name: finding, making, describing, removing them.

use super::access::{Access, ReadingProperties, Right, SeeingBusy};
use super::accounts::bad_name;
use super::error::{Error, Kind, Result};
use super::{Caller, Core};
use crate::ical::datetime::Timestamp;
use crate::model::acl::Acl;
use crate::model::calendar::{Calendar, CalendarProperties};
use crate::model::id::{CalendarId, Calid, PrincipalId, QualifiedName, mail_address};
use crate::model::user::Principal;
use crate::store::people::{self, MailRow};
use crate::store::{Reader, WriteTxn, calendars};

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
}

impl Core {
    /// A stored calid as answers write it: without the own domain.
    pub fn show_calid(&self, calid: &Calid) -> String {
        let mut shown = calid.local.clone();
        if calid.domain != self.domain() {
            shown.push('@');
            shown.push_str(&calid.domain);
        }
        if !calid.rest.is_empty() {
            shown.push(':');
            shown.push_str(&calid.rest);
        }
        shown
    }

    /// The calendar `text` names, and the calid answers should show.
    ///
    /// Takes a plain calid, `mailto:` and an address, a bare address, and `cap://host/calid`. A plain calid is
    /// shown as it was asked for, the other forms as stored: clients compare plain ones byte by byte.
    pub(super) fn find_calendar(
        &self,
        t: &impl Reader,
        text: &str,
    ) -> Result<Option<(Calendar, String)>> {
        let plain = |text: &str| Calid::parse(text, self.domain()).ok();
        let stored = |calendar: Calendar| {
            let shown = self.show_calid(&calendar.calid);
            (calendar, shown)
        };
        if let Some(rest) = strip_scheme(text, "cap://") {
            let relative = rest.split_once('/').map_or("", |(_, relative)| relative);
            let found = plain(relative).map_or(Ok(None), |calid| calendars::find(t, &calid))?;
            return Ok(found.map(stored));
        }
        let plain = plain(text).filter(|_| strip_scheme(text, "mailto:").is_none());
        if let Some(calendar) = plain.map_or(Ok(None), |calid| calendars::find(t, &calid))? {
            return Ok(Some((calendar, text.to_owned())));
        }
        let Some(address) = mail_address(text) else {
            return Ok(None);
        };
        Ok(self.calendar_of_address(t, &address)?.map(stored))
    }

    /// The calendar invitations to `address` (in lower case) go to: a resource, or a user's default calendar.
    pub(super) fn calendar_of_address(
        &self,
        t: &impl Reader,
        address: &str,
    ) -> Result<Option<Calendar>> {
        let name = match people::mail_row(t, address)? {
            Some(MailRow::Calendar(id)) => return Ok(calendars::get(t, id)?),
            Some(MailRow::Principal(id)) => people::principal(t, id)?.map(|p| p.name().clone()),
            None => QualifiedName::parse(address, self.domain()).ok(),
        };
        Ok(match name {
            Some(name) => calendars::find(t, &Calid::of(&name))?,
            None => None,
        })
    }

    /// How `caller` stands to the calendar `calid`; without one, to the caller's default calendar.
    ///
    /// Errors: `NoSuchCalendar`; `BadValue` when no calid is given and the caller has no calendar.
    pub(super) fn access(
        &self,
        t: &impl Reader,
        caller: &Caller,
        calid: Option<&str>,
    ) -> Result<Access> {
        let own = caller
            .identity()
            .map(|identity| self.show_calid(&Calid::of(&identity.name)));
        let asked = calid
            .filter(|c| !c.is_empty())
            .or(own.as_deref())
            .ok_or_else(|| {
                Error::new(
                    Kind::BadValue,
                    "expected a calid: this caller has no calendar of their own",
                )
            })?;
        let found = self.find_calendar(t, asked)?;
        let (calendar, shown) = found.ok_or_else(|| Error::no_calendar(asked))?;
        let domain = calendar.calid.domain.clone();
        Ok(Access::new(
            calendar,
            shown,
            caller,
            domain,
            self.settings(),
        ))
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
        let shown = |p: &Principal| p.name().within(self.domain());
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
            .map(|owner| owner.name().within(self.domain()))
            .unwrap_or_default())
    }

    /// Makes a calendar called `calid` for `owner`, as an administrator does.
    ///
    /// Errors: `BadName`, `NameTaken`, `NoSuchPrincipal`, `BadValue` for a mail address that is none.
    pub fn create_calendar(&self, calid: &str, owner: &str, new: &NewCalendar) -> Result<Calendar> {
        let name = Calid::parse(calid, self.domain()).map_err(|cause| bad_name(calid, cause))?;
        let owner = self.user(owner)?;
        self.store().write(|t| {
            let holder = QualifiedName {
                local: name.local.clone(),
                domain: name.domain.clone(),
            };
            let head = people::name_row(t, &holder)?;
            let foreign = head
                .and_then(|row| row.principal)
                .is_some_and(|id| id != owner.id);
            if calendars::find(t, &name)?.is_some() || (name.rest.is_empty() && head.is_some()) {
                let message = format!(
                    "'{calid}' is taken: users, groups and calendars share one set of names"
                );
                return Err(Error::new(Kind::NameTaken, message));
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
    pub(super) fn insert_calendar(
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
        let acl = settings
            .default_acl
            .entries()
            .iter()
            .map(ToString::to_string)
            .collect();
        let calendar = Calendar {
            id: CalendarId(t.next_number("next:calendar")?),
            calid,
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
                tzid: settings.default_tzid.clone(),
                acl,
                resource: new.resource,
                double_booking: !new.resource,
                free_busy_include: true,
                auto_schedule: true,
            },
        };
        calendars::create(t, &calendar, mail.as_deref())?;
        Ok(calendar)
    }

    /// Changes properties of a calendar as an administrator does; `change` runs on a copy and may run again.
    ///
    /// Errors: `NoSuchCalendar`; `BadValue` for an access list or a zone that is none.
    pub fn change_calendar(
        &self,
        calid: &str,
        change: impl Fn(&mut CalendarProperties),
    ) -> Result<Calendar> {
        self.store().write(|t| {
            let (mut calendar, _) = self
                .find_calendar(t, calid)?
                .ok_or_else(|| Error::no_calendar(calid))?;
            let before = calendar.properties.clone();
            change(&mut calendar.properties);
            if calendar.properties == before {
                return Ok(calendar);
            }
            self.check_properties(&calendar.properties)?;
            calendar.modified = Timestamp(t.now().0.max(calendar.modified.0));
            calendars::update(t, &calendar)?;
            Ok(calendar)
        })
    }

    fn check_properties(&self, properties: &CalendarProperties) -> Result<()> {
        let entries = properties.acl.iter().map(String::as_str);
        Acl::from_entries(entries, self.domain())
            .map_err(|cause| Error::new(Kind::BadValue, cause.to_string()))?;
        if jiff::tz::TimeZone::get(&properties.tzid).is_err() {
            let message = format!("there is no time zone '{}'", properties.tzid);
            return Err(Error::new(Kind::UnknownZone, message));
        }
        Ok(())
    }

    /// Removes a calendar and everything in it. A user's default calendar goes with the user only.
    ///
    /// Errors: `NoSuchCalendar`; `BadValue` for a default calendar.
    pub fn remove_calendar(&self, calid: &str) -> Result<()> {
        self.store().write(|t| {
            let (calendar, _) = self
                .find_calendar(t, calid)?
                .ok_or_else(|| Error::no_calendar(calid))?;
            let owner = people::principal(t, calendar.owner)?;
            if owner.is_some_and(|owner| Calid::of(owner.name()) == calendar.calid) {
                let message =
                    format!("'{calid}' is a user's default calendar: remove the user instead");
                return Err(Error::new(Kind::BadValue, message));
            }
            Ok(calendars::remove(t, &calendar)?)
        })
    }
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme)
        .then(|| &text[scheme.len()..])
}

fn common_name(principal: &Principal) -> String {
    match principal {
        Principal::User(user) if !user.full_name.is_empty() => user.full_name.clone(),
        other => other.name().local.clone(),
    }
}
