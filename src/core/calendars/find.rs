//! From what a client writes to a calendar, and to how the caller stands to it.

use crate::core::access::Access;
use crate::core::error::{Error, Kind, Result};
use crate::core::rights::{self, Asker};
use crate::core::{Caller, Core, Identity};
use crate::model::acl::Ace;
use crate::model::calendar::Calendar;
use crate::model::id::{Calid, QualifiedName, mail_address};
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

    /// The calid of a user's default calendar.
    pub fn default_calid(&self, identity: &Identity) -> String {
        self.show_calid(&Calid::of(&identity.name))
    }

    /// How `caller` stands to the calendar `calid`; without one, to the caller's default calendar.
    ///
    /// Errors: `NoSuchCalendar`; `CalendarDisabled` for everybody but the operator; `BadValue` when no calid is given
    /// and the caller has no calendar.
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
        let found = self.find_calendar(t, asked)?;
        let (calendar, shown) = found.ok_or_else(|| Error::no_calendar(asked))?;
        if !calendar.enabled && *caller != Caller::System {
            return Err(Error::disabled(&shown));
        }
        self.standing(t, caller, calendar, shown)
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

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme)
        .then(|| &text[scheme.len()..])
}
