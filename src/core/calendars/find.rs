//! From what a client writes to a calendar, and to how the caller stands to it.

use crate::core::access::Access;
use crate::core::error::{Error, Kind, Result};
use crate::core::rights::{self, Asker};
use crate::core::{Caller, Core, Identity};
use crate::model::acl::Ace;
use crate::model::calendar::Calendar;
use crate::model::id::{Calid, QualifiedName, cap_address, mail_address};
use crate::store::people::{self, MailRow};
use crate::store::{Reader, calendars};

impl Core {
    /// The calendar `text` names, and the calid answers should show.
    ///
    /// Takes a plain calid, `mailto:` and an address, a bare address, and `cap://host/calid`. A plain calid is
    /// shown as it was asked for, the other forms as stored: clients compare plain ones byte by byte.
    pub(in crate::core) fn find_calendar(
        &self,
        t: &impl Reader,
        text: &str,
    ) -> Result<Option<(Calendar, String)>> {
        let plain = |text: &str| Calid::parse(text, self.home()).ok();
        let stored = |calendar: Calendar| {
            let shown = self.show_calid(&calendar.calid);
            (calendar, shown)
        };
        if let Some((host, relative)) = cap_address(text) {
            // An address means the same to everybody.
            let own = self.settings().is_own_store(&host);
            let calid = Calid::parse(relative, self.domain()).ok().filter(|_| own);
            let found = calid.map_or(Ok(None), |calid| calendars::find(t, &calid))?;
            return Ok(found.map(stored));
        }
        let plain = plain(text).filter(|_| !is_mail(text));
        if let Some(calendar) = plain.map_or(Ok(None), |calid| calendars::find(t, &calid))? {
            return Ok(Some((calendar, text.to_owned())));
        }
        let Some(address) = mail_address(text) else {
            return Ok(None);
        };
        Ok(self.calendar_of_address(t, &address)?.map(stored))
    }

    /// The calendar invitations to `address` (in lower case) go to: a resource, or a user's default calendar.
    pub(in crate::core) fn calendar_of_address(
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

    /// The address of a user's default calendar, in small letters.
    pub(in crate::core) fn calendar_address(&self, user: &QualifiedName) -> String {
        let calid = self.show_calid(&Calid::of(user));
        format!("cap://{}/{calid}", self.settings().csid).to_lowercase()
    }

    /// The calid of a user's default calendar.
    pub fn default_calid(&self, identity: &Identity) -> String {
        self.show_calid(&Calid::of(&identity.name))
    }

    /// How `caller` stands to the calendar `calid`; without one, to the caller's default calendar.
    ///
    /// Errors: `NoSuchCalendar`; `CalendarDisabled` for everybody but the operator; `BadValue` when no calid is given
    /// and the caller has no calendar. Of a domain that is not open to the caller nothing is told: `AccessDenied`.
    pub(in crate::core) fn access(
        &self,
        t: &impl Reader,
        caller: &Caller,
        calid: Option<&str>,
    ) -> Result<Access> {
        let own = caller
            .identity()
            .map(|identity| self.default_calid(identity));
        let asked = calid
            .filter(|c| !c.is_empty())
            .or(own.as_deref())
            .ok_or_else(|| {
                Error::new(
                    Kind::BadValue,
                    "expected a calid: this caller has no calendar of their own",
                )
            })?;
        let operator = *caller == Caller::System;
        let found = self.find_calendar(t, asked)?;
        let found = found.filter(|(found, _)| operator || self.serves(&found.calid.domain));
        let Some((calendar, shown)) = found else {
            return Err(match self.is_shut(caller, &self.domain_asked(asked)) {
                true => Error::denied("use", asked),
                false => Error::no_calendar(asked),
            });
        };
        if !calendar.enabled && !operator {
            return Err(match self.is_shut(caller, &calendar.calid.domain) {
                true => Error::denied("use", &shown),
                false => Error::disabled(&shown),
            });
        }
        self.standing(t, caller, calendar, shown)
    }

    /// The domain of what a client takes for a calendar.
    pub(in crate::core) fn domain_asked(&self, text: &str) -> String {
        let calid = Calid::parse(text, self.home()).ok();
        let of_mail = || Some(mail_address(text)?.rsplit_once('@')?.1.to_owned());
        let domain = calid.map(|calid| calid.domain).or_else(of_mail);
        domain.unwrap_or_else(|| self.home().to_owned())
    }

    /// Whether `caller` may not even learn what calendars there are in a domain of this server.
    pub(in crate::core) fn is_shut(&self, caller: &Caller, domain: &str) -> bool {
        let settings = self.settings();
        settings.serves(domain)
            && match caller {
                Caller::System => false,
                Caller::User(i) => !i.administrator && !settings.lets_in(domain, &i.name.domain),
                Caller::Guest(name) => !settings.lets_in(domain, &name.domain),
                Caller::Anonymous => domain != self.domain() && !settings.serves_anonymous(domain),
            }
    }

    /// How `caller` stands to `calendar`, switched off or not.
    pub(in crate::core) fn standing(
        &self,
        t: &impl Reader,
        caller: &Caller,
        calendar: Calendar,
        shown: String,
    ) -> Result<Access> {
        let mut entries = calendar.properties.acl.iter();
        // One record less to read for nearly every calendar.
        let owner = match entries.any(|entry| Ace::is_about_owner_domain(entry)) {
            true => people::principal(t, calendar.owner)?,
            false => None,
        };
        let domain = owner.map(|owner| owner.name().domain.clone());
        let domain = domain.unwrap_or_default();
        let access = Access::new(calendar, shown, caller, domain, self.settings());
        let asker = Asker::new(caller, access.is_owner());
        let (rights, carids) = rights::effective(self, t, access.calendar(), asker)?;
        Ok(access.with_rights(rights, carids))
    }
}

fn is_mail(text: &str) -> bool {
    let scheme = text.get(.."mailto:".len());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
}
