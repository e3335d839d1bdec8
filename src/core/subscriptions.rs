//! Lists of calendars: those a user owns, and those a user has put together.
//!
//! Subscriptions are the preference `icsSubscribed`, so that clients which write it and clients which use the commands
//! see one list. Its form is `calid$name,calid$name`, without escapes; it may stand several times.

use super::access::Right;
use super::error::Result;
use super::prefs::check_size;
use super::{Caller, Core};
use crate::model::calendar::Calendar;
use crate::model::id::{Calid, PrincipalId};
use crate::store::prefs::{self, Preferences};
use crate::store::{Reader, WriteTxn, calendars};

/// The preference that holds subscriptions.
pub const SUBSCRIBED: &str = "icsSubscribed";

/// An entry: a calid, and what the calendar was called when it was put there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    calid: String,
    /// With its `$`; some clients write none.
    rest: String,
}

impl Entry {
    fn of(calid: &str, name: &str) -> Self {
        Self {
            calid: calid.to_owned(),
            rest: format!("${}", plain(name)),
        }
    }
}

/// A name in a list whose separators cannot be escaped.
pub fn plain(name: &str) -> String {
    name.replace(|c: char| matches!(c, ',' | '$') || c.is_control(), " ")
}

/// The entries of all values, in order.
fn entries(preferences: &Preferences) -> Vec<Entry> {
    let values = preferences.get(SUBSCRIBED);
    let items = values.flat_map(|value| value.split(','));
    items
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| {
            let end = item.find('$').unwrap_or(item.len());
            let (calid, rest) = item.split_at(end);
            Entry {
                calid: calid.trim().to_owned(),
                rest: rest.to_owned(),
            }
        })
        .collect()
}

/// Puts `entries` where the first value was.
fn set_entries(preferences: &mut Preferences, entries: &[Entry]) {
    let items = entries
        .iter()
        .map(|entry| format!("{}{}", entry.calid, entry.rest));
    let value = items.collect::<Vec<_>>().join(",");
    let values = &mut preferences.values;
    let at = values.iter().position(|(name, _)| name == SUBSCRIBED);
    let at = at.unwrap_or(values.len());
    values.retain(|(name, _)| name != SUBSCRIBED);
    if !value.is_empty() {
        values.insert(at, (SUBSCRIBED.to_owned(), value));
    }
}

impl Core {
    /// The calids of the calendars a user owns first, the default one leading.
    ///
    /// `name` as in [`Core::preferences`]. Errors: `AnonymousNotAllowed`, `NotAdministrator`, `NoSuchPrincipal`.
    pub fn owned_calids(&self, caller: &Caller, name: Option<&str>) -> Result<Vec<String>> {
        self.store().read(|t| {
            let user = self.person(t, caller, name)?;
            let default = Calid::of(&user.name);
            let mut owned = calendars::owned(t, user.id)?;
            owned.sort_by_key(|calendar| calendar.calid != default);
            Ok(owned.iter().map(|c| self.show_calid(&c.calid)).collect())
        })
    }

    /// The calids a user is subscribed to, in the order of the list, whether or not there still are such calendars.
    ///
    /// `name` as in [`Core::preferences`]. Errors: `AnonymousNotAllowed`, `NotAdministrator`, `NoSuchPrincipal`.
    pub fn subscribed_calids(&self, caller: &Caller, name: Option<&str>) -> Result<Vec<String>> {
        self.store().read(|t| {
            let user = self.person(t, caller, name)?;
            let entries = entries(&prefs::get(t, user.id)?);
            Ok(entries.into_iter().map(|entry| entry.calid).collect())
        })
    }

    /// Puts calendars on a user's list, all or none; those that are there already stay where they are.
    ///
    /// The user needs the right to read the properties of each. `name` as in [`Core::preferences`]. Errors:
    /// `AnonymousNotAllowed`, `NotAdministrator`, `NoSuchPrincipal`, `NoSuchCalendar`, `AccessDenied`, `TooMuch`.
    pub fn subscribe(&self, caller: &Caller, name: Option<&str>, calids: &[&str]) -> Result<()> {
        self.store().write(|t| {
            let user = self.person(t, caller, name)?;
            let subscriber = Caller::User(super::sessions::identity(&user, &user.name.local));
            let mut found = Vec::with_capacity(calids.len());
            for calid in calids {
                let access = self.access(t, &subscriber, Some(calid))?;
                access.require(Right::ReadProperties, "read properties")?;
                found.push(access.calendar().clone());
            }
            self.subscribe_to(t, user.id, &found.iter().collect::<Vec<_>>())
        })
    }

    /// Puts calendars on the list of `user`, whose rights are the caller's care.
    pub(super) fn subscribe_to(
        &self,
        t: &mut WriteTxn<'_>,
        user: PrincipalId,
        found: &[&Calendar],
    ) -> Result<()> {
        let mut preferences = prefs::get(t, user)?;
        let old = entries(&preferences);
        let mut new = old.clone();
        for calendar in found {
            let known = |entry: &Entry| self.means(&entry.calid, &calendar.calid);
            if !new.iter().any(known) {
                let calid = self.show_calid(&calendar.calid);
                new.push(Entry::of(&calid, &calendar.properties.name));
            }
        }
        if new.len() == old.len() {
            return Ok(());
        }
        set_entries(&mut preferences, &new);
        check_size(&preferences, &self.settings().limits)?;
        Ok(prefs::put(t, user, &preferences)?)
    }

    /// Takes calendars off a user's list; it does not matter whether they are on it, or exist.
    ///
    /// `name` as in [`Core::preferences`]. Errors: `AnonymousNotAllowed`, `NotAdministrator`, `NoSuchPrincipal`.
    pub fn unsubscribe(&self, caller: &Caller, name: Option<&str>, calids: &[&str]) -> Result<()> {
        self.store().write(|t| {
            let user = self.person(t, caller, name)?;
            self.unsubscribe_from(t, user.id, calids)
        })
    }

    pub(super) fn unsubscribe_from(
        &self,
        t: &mut WriteTxn<'_>,
        user: PrincipalId,
        calids: &[&str],
    ) -> Result<()> {
        let mut preferences = prefs::get(t, user)?;
        let old = entries(&preferences);
        let mut new = old.clone();
        for calid in calids {
            let named = self.named(t, calid)?;
            new.retain(|entry| {
                let same = entry.calid.eq_ignore_ascii_case(calid.trim());
                !same
                    && !named
                        .as_ref()
                        .is_some_and(|named| self.means(&entry.calid, named))
            });
        }
        if new.len() == old.len() {
            return Ok(());
        }
        set_entries(&mut preferences, &new);
        Ok(prefs::put(t, user, &preferences)?)
    }

    /// The calid behind what a client writes; of a calendar that is gone too, if it was written plainly.
    fn named(&self, t: &impl Reader, text: &str) -> Result<Option<Calid>> {
        let found = self.find_calendar(t, text)?;
        let found = found.map(|(calendar, _)| calendar.calid);
        Ok(found.or_else(|| Calid::parse(text.trim(), self.home()).ok()))
    }

    fn means(&self, entry: &str, calid: &Calid) -> bool {
        Calid::parse(entry, self.domain()).is_ok_and(|entry| entry == *calid)
    }
}
