//! Changing what calendars say of themselves, who may use them and who owns them.

use super::{CalendarView, is_default};
use crate::core::access::{Access, Right};
use crate::core::error::{Error, Kind, Result};
use crate::core::transfer::floating;
use crate::core::{Caller, Core, directory};
use crate::ical::datetime::Timestamp;
use crate::model::acl::Acl;
use crate::model::calendar::{Calendar, CalendarProperties};
use crate::model::id::{PrincipalId, mail_address};
use crate::store::{Reader, WriteTxn, calendars, items};

/// Longest language tag and name of a charset, in octets; registered ones are shorter.
const TAG_MAX: usize = 40;

/// What to change of a calendar's properties: nothing where nothing is said, and an empty text or list takes away
/// what was set, so that the calendar is again as a new one is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CalendarEdit {
    /// Display name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// Name of a charset.
    pub charset: Option<String>,
    /// Categories.
    pub categories: Option<Vec<String>>,
    /// Further owners: names, UPNs or mail addresses of users.
    pub owners: Option<Vec<String>>,
    /// Mail address of whoever looks after it.
    pub master: Option<String>,
    /// A name of the tz database.
    pub tzid: Option<String>,
    /// Access control entries in order. An empty list leaves the calendar to its primary owner.
    pub acl: Option<Vec<String>>,
    /// Whether busy events may overlap.
    pub double_booking: Option<bool>,
    /// Whether it counts for its owner's busy times.
    pub free_busy_include: Option<bool>,
    /// Whether it stands for a room or a thing.
    pub resource: Option<bool>,
    /// Whether messages about what is booked are applied at once.
    pub auto_schedule: Option<bool>,
    /// Whether it is marked as deleted.
    pub tombstone: Option<bool>,
    /// Properties that only CAP knows, as content lines.
    pub extra: Option<Vec<String>>,
}

impl CalendarEdit {
    /// Of this only what `before` does not say too.
    #[must_use]
    pub fn since(self, before: &Self) -> Self {
        fn new<T: PartialEq>(now: Option<T>, before: &Option<T>) -> Option<T> {
            now.filter(|now| before.as_ref() != Some(now))
        }
        Self {
            name: new(self.name, &before.name),
            description: new(self.description, &before.description),
            language: new(self.language, &before.language),
            charset: new(self.charset, &before.charset),
            categories: new(self.categories, &before.categories),
            owners: new(self.owners, &before.owners),
            master: new(self.master, &before.master),
            tzid: new(self.tzid, &before.tzid),
            acl: new(self.acl, &before.acl),
            double_booking: new(self.double_booking, &before.double_booking),
            free_busy_include: new(self.free_busy_include, &before.free_busy_include),
            resource: new(self.resource, &before.resource),
            auto_schedule: new(self.auto_schedule, &before.auto_schedule),
            tombstone: new(self.tombstone, &before.tombstone),
            extra: new(self.extra, &before.extra),
        }
    }

    /// Whether it says something beside the access list and the owners.
    fn says_more(&self) -> bool {
        let of_owners = Self {
            acl: self.acl.clone(),
            owners: self.owners.clone(),
            ..Self::default()
        };
        *self != of_owners
    }
}

impl Core {
    /// Changes properties of a calendar; what is so already changes nothing. Answers the calendar as it then is, where
    /// the caller may read its properties.
    ///
    /// The access list and the owners are the owners' business (`NotOwner`), but who has the right of
    /// self-administration may change entries that name nobody else. The rest needs the right to write properties.
    /// Errors: `AccessDenied`, `NoSuchCalendar`; `NotOffered` for a list that lets everybody write where that is
    /// not allowed; `NoSuchPrincipal` for an owner; `UnknownZone`; `BadValue`.
    pub fn edit_calendar(
        &self,
        caller: &Caller,
        calid: &str,
        edit: &CalendarEdit,
    ) -> Result<Option<CalendarView>> {
        self.know(edit.owners.iter().flatten().map(String::as_str))?;
        self.store().write(|t| {
            self.edit_calendar_in(t, caller, calid, edit)?;
            let access = self.access(t, caller, Some(calid))?;
            match access.allows(Right::ReadProperties) {
                true => self.view(t, &access, caller).map(Some),
                false => Ok(None),
            }
        })
    }

    /// As [`Core::edit_calendar`], in a write under way, for what names no owners.
    pub(in crate::core) fn edit_calendar_in(
        &self,
        t: &mut WriteTxn<'_>,
        caller: &Caller,
        calid: &str,
        edit: &CalendarEdit,
    ) -> Result<()> {
        let access = self.access(t, caller, Some(calid))?;
        self.may_edit(&access, caller, edit)?;
        self.put_edited(t, access.calendar().clone(), edit)
            .map(drop)
    }

    fn may_edit(&self, access: &Access, caller: &Caller, edit: &CalendarEdit) -> Result<()> {
        let asks_owner = edit.acl.is_some() || edit.owners.is_some();
        let known = match edit.owners {
            None => access.allows(Right::AdministerSelf),
            Some(_) => false,
        };
        if edit.says_more() || !(asks_owner && known) {
            access.require(Right::WriteProperties, "change properties")?;
        }
        if !asks_owner || access.allows(Right::Own) {
            return Ok(());
        }
        let own_entries = || -> Result<bool> {
            let (Some(identity), Some(new)) = (caller.identity(), &edit.acl) else {
                return Ok(false);
            };
            let old = &access.calendar().properties.acl;
            let domain = &access.calendar().calid.domain;
            let (old, new) = (acl(domain, old)?, acl(domain, new)?);
            Ok(old.differs_only_about(&new, &identity.name))
        };
        match known && own_entries()? {
            true => Ok(()),
            false => access.require_owner(),
        }
    }

    /// The calendar as `edit` wants it, stored if that is something new.
    pub(super) fn put_edited(
        &self,
        t: &mut WriteTxn<'_>,
        old: Calendar,
        edit: &CalendarEdit,
    ) -> Result<Calendar> {
        let mut new = old.clone();
        let properties = &mut new.properties;
        set(&mut properties.name, &edit.name, || {
            self.show_calid(&old.calid)
        });
        set(&mut properties.description, &edit.description, String::new);
        set(&mut properties.language, &edit.language, || "en".into());
        set(&mut properties.charset, &edit.charset, || "utf-8".into());
        set(&mut properties.master, &edit.master, String::new);
        set(&mut properties.tzid, &edit.tzid, || {
            let tzid = self.settings().default_tzid_of(&old.calid.domain);
            tzid.to_owned()
        });
        if let Some(categories) = &edit.categories {
            properties.categories.clone_from(categories);
        }
        if let Some(entries) = &edit.acl {
            properties.acl.clone_from(entries);
        }
        if let Some(owners) = &edit.owners {
            properties.owners = self.owners(t, owners, &old)?;
        }
        let flags = [
            (&mut properties.double_booking, edit.double_booking),
            (&mut properties.free_busy_include, edit.free_busy_include),
            (&mut properties.resource, edit.resource),
            (&mut properties.auto_schedule, edit.auto_schedule),
            (&mut new.tombstone, edit.tombstone),
        ];
        for (flag, wanted) in flags {
            *flag = wanted.unwrap_or(*flag);
        }
        if let Some(extra) = &edit.extra {
            new.extra.clone_from(extra);
        }
        self.put_changed(t, &old, new)
    }

    /// The users so called, each once, without the primary owner.
    fn owners(
        &self,
        t: &impl Reader,
        names: &[String],
        calendar: &Calendar,
    ) -> Result<Vec<PrincipalId>> {
        let mut owners = Vec::new();
        for name in names {
            let user = directory::user(t, name, self.home())?;
            let user = user.filter(|user| {
                self.settings()
                    .lets_in(&user.name.domain, &calendar.calid.domain)
            });
            let user = user.ok_or_else(|| {
                let message = format!("expected users as owners; there is no user '{name}'");
                Error::new(Kind::NoSuchPrincipal, message)
            })?;
            if user.id != calendar.owner && !owners.contains(&user.id) {
                owners.push(user.id);
            }
        }
        Ok(owners)
    }

    /// Changes properties of a calendar as an administrator does; `change` runs on a copy and may run again.
    ///
    /// Errors: `NoSuchCalendar`; `NotOffered`, `UnknownZone`, `BadValue` as in [`Core::edit_calendar`].
    pub fn change_calendar(
        &self,
        calid: &str,
        change: impl Fn(&mut CalendarProperties),
    ) -> Result<Calendar> {
        self.change(calid, |calendar| change(&mut calendar.properties))
    }

    /// Switches a calendar off for everybody but the operator, or on again.
    ///
    /// Errors: `NoSuchCalendar`.
    pub fn set_calendar_enabled(&self, calid: &str, enabled: bool) -> Result<()> {
        self.change(calid, |calendar| calendar.enabled = enabled)
            .map(drop)
    }

    fn change(&self, calid: &str, change: impl Fn(&mut Calendar)) -> Result<Calendar> {
        self.store().write(|t| {
            let (old, _) = self
                .find_calendar(t, calid)?
                .ok_or_else(|| Error::no_calendar(calid))?;
            let mut new = old.clone();
            change(&mut new);
            self.put_changed(t, &old, new)
        })
    }

    /// Stores `new` in place of `old`, unless they are equal.
    fn put_changed(
        &self,
        t: &mut WriteTxn<'_>,
        old: &Calendar,
        mut new: Calendar,
    ) -> Result<Calendar> {
        if new == *old {
            return Ok(new);
        }
        self.check_properties(&old.calid.domain, &old.properties, &new.properties)?;
        let extra = new.extra.iter().map(String::len).sum::<usize>();
        let most = self.settings().limits.calendar_size;
        if new.extra != old.extra && extra > most {
            let message = format!("expected properties of at most {most} octets");
            return Err(Error::new(Kind::BadValue, message));
        }
        if new.properties.resource != old.properties.resource {
            if is_default(t, old)? {
                let message = "a user's default calendar stands for the user and is no resource";
                return Err(Error::new(Kind::BadValue, message));
            }
            if !new.properties.resource {
                calendars::remove_addresses(t, old.id)?;
            }
        }
        new.modified = Timestamp(t.now().0.max(old.modified.0));
        calendars::update(t, &new)?;
        if new.properties.tzid != old.properties.tzid {
            items::reindex(t, new.id, &floating(&new.properties.tzid))?;
        }
        Ok(new)
    }

    /// Refuses what is new and cannot be.
    fn check_properties(
        &self,
        domain: &str,
        old: &CalendarProperties,
        new: &CalendarProperties,
    ) -> Result<()> {
        let bad = |message: String| Err(Error::new(Kind::BadValue, message));
        let limits = &self.settings().limits;
        if new.acl != old.acl {
            if new.acl.len() > limits.acl_entries {
                let most = limits.acl_entries;
                return bad(format!("expected at most {most} access control entries"));
            }
            if acl(domain, &new.acl)?.lets_everybody_write() && !self.settings().public_writable {
                let message = "no calendar may let everybody write here";
                return Err(Error::new(Kind::NotOffered, message));
            }
        }
        if new.name != old.name && new.name.len() > limits.calendar_name {
            let most = limits.calendar_name;
            return bad(format!("expected a name of at most {most} octets"));
        }
        let size = size(new);
        if size > limits.calendar_size && size > self::size(old) {
            let most = limits.calendar_size;
            return bad(format!("expected properties of at most {most} octets"));
        }
        if new.owners != old.owners && new.owners.len() > limits.owners {
            return bad(format!("expected at most {} owners", limits.owners));
        }
        if new.tzid != old.tzid && jiff::tz::TimeZone::get(&new.tzid).is_err() {
            let message = format!("there is no time zone '{}'", new.tzid);
            return Err(Error::new(Kind::UnknownZone, message));
        }
        for (tag, before) in [(&new.language, &old.language), (&new.charset, &old.charset)] {
            let sound = |b: u8| b.is_ascii_alphanumeric() || b"-_.:+".contains(&b);
            if tag != before && !((1..=TAG_MAX).contains(&tag.len()) && tag.bytes().all(sound)) {
                return bad(format!("expected a language or a charset, found '{tag}'"));
            }
        }
        if new.master != old.master && !new.master.is_empty() && mail_address(&new.master).is_none()
        {
            let message = format!("expected a mail address, found '{}'", new.master);
            return bad(message);
        }
        Ok(())
    }
}

/// Octets of all texts.
fn size(properties: &CalendarProperties) -> usize {
    let CalendarProperties {
        name,
        description,
        language,
        charset,
        categories,
        master,
        tzid,
        acl,
        ..
    } = properties;
    let texts = [name, description, language, charset, master, tzid];
    let all = texts.into_iter().chain(categories).chain(acl);
    all.map(String::len).sum()
}

/// Sets a text; an empty one stands for what a new calendar has.
fn set(text: &mut String, wanted: &Option<String>, plain: impl Fn() -> String) {
    match wanted {
        None => {}
        Some(wanted) if wanted.trim().is_empty() => *text = plain(),
        Some(wanted) => text.clone_from(wanted),
    }
}

/// The list that entries of a calendar of `domain` make: bare names in it are of that domain.
fn acl(domain: &str, entries: &[String]) -> Result<Acl> {
    let entries = entries.iter().map(String::as_str);
    let acl = Acl::from_entries(entries, domain);
    acl.map_err(|cause| Error::new(Kind::BadValue, cause.to_string()))
}
