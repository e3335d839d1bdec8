//! Calendars found by parts of what they are called.
//!
//! Whole calids and owners are looked up. For anything else the heads of all records are read, half a microsecond
//! each; that is bounded, and a search beyond it fails rather than answer with a part.

use std::ops::ControlFlow;

use super::CalendarView;
use crate::core::access::Right;
use crate::core::error::{Error, Kind, Result};
use crate::core::{Caller, Core, directory};
use crate::model::calendar::Calendar;
use crate::model::id::{CalendarId, Calid, PrincipalId};
use crate::store::Reader;
use crate::store::calendars::{self, Head};

/// How a text must stand in what is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// Somewhere in it.
    Contains,
    /// At its beginning.
    Begins,
    /// At its end.
    Ends,
    /// It is all of it.
    Exact,
}

/// What is searched for. Letter case does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search<'a> {
    /// The text.
    pub text: &'a str,
    /// How it must stand there.
    pub how: Match,
    /// Whether display names are searched.
    pub names: bool,
    /// Whether calids are searched.
    pub calids: bool,
    /// Whether the calendars of the user so called are found: by name, UPN or mail address, and always exactly.
    pub owners: bool,
    /// How many calendars to find at most; never more than `limits.search_results`.
    pub most: usize,
}

impl Search<'_> {
    fn matches(&self, needle: &str, text: &str) -> bool {
        let text = text.to_lowercase();
        match self.how {
            Match::Contains => text.contains(needle),
            Match::Begins => text.starts_with(needle),
            Match::Ends => text.ends_with(needle),
            Match::Exact => text == needle,
        }
    }

    /// Whether look-ups are not enough.
    fn walks(&self) -> bool {
        self.names || (self.calids && self.how != Match::Exact)
    }
}

impl Core {
    /// The calendars `search` finds whose properties the caller may read, in the order they were made.
    ///
    /// Calendars that are switched off are not found. Errors: `AccessDenied` for callers without an account, to whom
    /// a list of who is here is nobody's to give; `TooMuch` beyond `limits.search_calendars`.
    pub fn search_calendars(
        &self,
        caller: &Caller,
        search: &Search<'_>,
    ) -> Result<Vec<CalendarView>> {
        if *caller == Caller::Anonymous {
            let message = "no right to search for calendars without an account";
            return Err(Error::new(Kind::AccessDenied, message));
        }
        self.store().read(|t| {
            let owner = match search.owners {
                true => directory::user(t, search.text, self.home())?.map(|user| user.id),
                false => None,
            };
            let most = search.most.min(self.settings().limits.search_results);
            let search = &Search { most, ..*search };
            let mut found = Vec::new();
            if search.walks() {
                self.walk(t, caller, search, owner, &mut found)?;
                return Ok(found);
            }
            let mut ids = match owner {
                Some(owner) => calendars::owned(t, owner)?.iter().map(|c| c.id).collect(),
                None => Vec::new(),
            };
            if search.calids
                && let Ok(calid) = Calid::parse(search.text, self.home())
            {
                ids.extend(calendars::find(t, &calid)?.map(|calendar| calendar.id));
            }
            ids.sort_unstable();
            ids.dedup();
            for id in ids {
                if self.add(t, caller, id, search.most, &mut found)?.is_break() {
                    break;
                }
            }
            Ok(found)
        })
    }

    fn walk(
        &self,
        t: &impl Reader,
        caller: &Caller,
        search: &Search<'_>,
        owner: Option<PrincipalId>,
        found: &mut Vec<CalendarView>,
    ) -> Result<()> {
        let needle = search.text.to_lowercase();
        let exact = Calid::parse(search.text, self.home()).ok();
        let most = self.settings().limits.search_calendars;
        let mut seen = 0;
        let mut outcome = Ok(());
        let mut look = |head: Head<'_>| -> Result<ControlFlow<()>> {
            seen += 1;
            if seen > most {
                let message =
                    format!("expected a whole calid: there are more than {most} calendars");
                return Err(Error::new(Kind::TooMuch, message));
            }
            let by_calid = || match search.how {
                Match::Exact => exact.as_ref().is_some_and(|exact| head.is_called(exact)),
                _ => search.matches(&needle, &self.show_calid(&head.calid())),
            };
            let hit = owner == Some(head.owner)
                || (search.names && search.matches(&needle, head.name))
                || (search.calids && by_calid());
            match hit {
                true => self.add(t, caller, head.id, search.most, found),
                false => Ok(ControlFlow::Continue(())),
            }
        };
        calendars::visit_heads(t, |head| {
            look(head).unwrap_or_else(|failed| {
                outcome = Err(failed);
                ControlFlow::Break(())
            })
        })?;
        outcome
    }

    /// Adds a calendar to what was found if the caller may see it; breaks off when that is enough.
    fn add(
        &self,
        t: &impl Reader,
        caller: &Caller,
        id: CalendarId,
        most: usize,
        found: &mut Vec<CalendarView>,
    ) -> Result<ControlFlow<()>> {
        if found.len() >= most {
            return Ok(ControlFlow::Break(()));
        }
        let operator = *caller == Caller::System;
        let is_there =
            |found: &Calendar| found.enabled && (operator || self.serves(&found.calid.domain));
        let Some(calendar) = calendars::get(t, id)?.filter(is_there) else {
            return Ok(ControlFlow::Continue(()));
        };
        let shown = self.show_calid(&calendar.calid);
        let access = self.standing(t, caller, calendar, shown)?;
        if access.allows(Right::ReadProperties) {
            found.push(self.view(t, &access, caller)?);
        }
        Ok(match found.len() < most {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    }
}
