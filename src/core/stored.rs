//! Queries kept under a name in a calendar or in the store (CAP's VQUERY), to be asked by it.
//!
//! Whoever may read a calendar's properties may read and use those of the calendar; its owners make them. Those of the
//! store are everybody's, and made by administrators.

use super::access::Right;
use super::error::{Error, Kind, Result};
use super::{Caller, Core};
use crate::model::calendar::Calendar;
use crate::store::named::{self, Container, Shelf};
use crate::store::{Reader, calendars};

/// Where stored objects are looked for: in a calendar, by its calid, or in the store.
pub type Place<'a> = Option<&'a str>;

/// A stored query: its name, and its text as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredQuery {
    /// The name.
    pub name: String,
    /// The VQUERY, an iCalendar component.
    pub text: String,
}

impl Core {
    /// The queries stored in a place itself, by name; none where the caller may not know of them.
    ///
    /// Errors: `NoSuchCalendar`.
    pub fn stored_queries(&self, caller: &Caller, place: Place<'_>) -> Result<Vec<StoredQuery>> {
        self.store().read(|t| {
            let container = match place {
                None => Container::Store,
                Some(calid) => {
                    let access = self.access(t, caller, Some(calid))?;
                    if !access.allows(Right::ReadProperties) {
                        return Ok(Vec::new());
                    }
                    access.calendar().id.into()
                }
            };
            let all = named::all(t, container, Shelf::Queries)?;
            let stored = all.into_iter();
            Ok(stored
                .map(|(name, text)| StoredQuery { name, text })
                .collect())
        })
    }

    /// The query called `name` of a calendar, of those above it, or of the store.
    ///
    /// Errors: `NoSuchCalendar`.
    pub fn find_query(
        &self,
        caller: &Caller,
        place: Place<'_>,
        name: &str,
    ) -> Result<Option<StoredQuery>> {
        self.store().read(|t| {
            let mut next = match place {
                None => None,
                Some(calid) => {
                    let access = self.access(t, caller, Some(calid))?;
                    Some(access.calendar().clone())
                }
            };
            let found = |text: String| StoredQuery {
                name: name.to_owned(),
                text,
            };
            let mut levels = self.settings().limits.calendar_levels;
            while let Some(calendar) = next.filter(|_| levels > 0) {
                if self.knows(t, caller, &calendar)?
                    && let Some(text) = named::get(t, calendar.id.into(), Shelf::Queries, name)?
                {
                    return Ok(Some(found(text)));
                }
                levels -= 1;
                next = match calendar.parent {
                    Some(parent) => calendars::get(t, parent)?,
                    None => None,
                };
            }
            Ok(named::get(t, Container::Store, Shelf::Queries, name)?.map(found))
        })
    }

    fn knows(&self, t: &impl Reader, caller: &Caller, calendar: &Calendar) -> Result<bool> {
        let shown = self.show_calid(&calendar.calid);
        let access = self.standing(t, caller, calendar.clone(), shown)?;
        Ok(access.allows(Right::ReadProperties))
    }

    /// Where a caller stores objects. Errors: `NoSuchCalendar`, `AccessDenied`.
    pub(super) fn writable_place(
        &self,
        t: &impl Reader,
        caller: &Caller,
        place: Place<'_>,
    ) -> Result<Container> {
        match place {
            Some(calid) => {
                let access = self.access(t, caller, Some(calid))?;
                access.require(Right::Own, "change what is stored there")?;
                Ok(access.calendar().id.into())
            }
            None if caller.stands_above() => Ok(Container::Store),
            None => {
                let message = "only administrators change what is in the store itself";
                Err(Error::new(Kind::AccessDenied, message))
            }
        }
    }

    /// Stores a query under a name that is free.
    ///
    /// Errors: `NoSuchCalendar`, `AccessDenied`; `NameTaken`; `BadValue`, `TooMuch`.
    pub fn add_query(&self, caller: &Caller, place: Place<'_>, new: &StoredQuery) -> Result<()> {
        self.store().write(|t| {
            let container = self.writable_place(t, caller, place)?;
            if named::get(t, container, Shelf::Queries, &new.name)?.is_some() {
                let message = format!("there is a query called '{}'", new.name);
                return Err(Error::new(Kind::NameTaken, message));
            }
            let most = self.settings().limits.named_objects;
            if named::all(t, container, Shelf::Queries)?.len() >= most {
                let message = format!("expected at most {most} stored queries");
                return Err(Error::new(Kind::TooMuch, message));
            }
            self.check_named(&new.name, &new.text)?;
            Ok(named::put(
                t,
                container,
                Shelf::Queries,
                &new.name,
                &new.text,
            )?)
        })
    }

    /// Puts another query in the place of each that `change` answers something for, or takes it away, all of it or
    /// nothing. Answers the names of those.
    ///
    /// Errors: as [`Core::add_query`]; those of `change`.
    pub fn change_queries(
        &self,
        caller: &Caller,
        place: Place<'_>,
        change: impl Fn(&StoredQuery) -> Result<Option<Fate>>,
    ) -> Result<Vec<String>> {
        self.store().write(|t| {
            let container = self.writable_place(t, caller, place)?;
            let mut changed = Vec::new();
            for (name, text) in named::all(t, container, Shelf::Queries)? {
                let old = StoredQuery { name, text };
                match change(&old)? {
                    None => continue,
                    Some(Fate::Gone) => named::remove(t, container, Shelf::Queries, &old.name),
                    Some(Fate::Is(text)) => {
                        self.check_named(&old.name, &text)?;
                        named::put(t, container, Shelf::Queries, &old.name, &text)?;
                    }
                }
                changed.push(old.name);
            }
            Ok(changed)
        })
    }

    /// Refuses a named object that is too long, or whose name is none.
    pub(super) fn check_named(&self, name: &str, text: &str) -> Result<()> {
        let most = self.settings().limits.named_object_size;
        let sound = !name.is_empty() && !name.chars().any(char::is_control);
        if !sound || name.len() > 255 {
            let message = "expected a name of at most 255 octets without control characters";
            return Err(Error::new(Kind::BadValue, message));
        }
        if text.len() > most {
            let message = format!("expected at most {most} octets under a name");
            return Err(Error::new(Kind::TooMuch, message));
        }
        Ok(())
    }
}

/// What becomes of a stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is this text.
    Is(String),
    /// It is taken away.
    Gone,
}
