//! What a query asks of one calendar and what it answers: rights, the meaning of the language's functions, busy times.

use super::ast::{Query, Table};
use super::bind::{Terms, bind};
use super::evaluate::{Subject, Times};
use super::plan::Reach;
use super::run::Run;
use crate::core::access::{Access, Reading, Right, SeeingBusy};
use crate::core::error::{Error, Kind, Result};
use crate::core::freebusy::{BusyWindow, FreeBusy};
use crate::core::items::fetch::Window;
use crate::core::transfer::floating;
use crate::core::{Caller, Core};
use crate::ical::component::Component;
use crate::ical::datetime::DateTime;
use crate::ical::zone::{Zone, Zones};
use crate::model::calendar::Calendar;
use crate::model::id::cap_address;
use crate::store::{Reader, people};

/// What a calendar is asked.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The query.
    pub query: &'a Query,
    /// Whether each instance of a series is a row of its own.
    pub expand: bool,
    /// At most so many rows, the first in order; none: all.
    pub most: Option<usize>,
    /// Whether times in the query must be UTC.
    pub utc_only: bool,
    /// The calendar as answers write it, which CURRENT-TARGET() stands for.
    pub target: &'a str,
}

/// A component that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub table: Table,
    /// The component as the caller may see it.
    pub component: Component,
    /// The UID of its item.
    pub uid: String,
    /// The iTIP method of a message that waits; none: it is booked.
    pub method: Option<String>,
    /// Names of the calendar's owners.
    pub owners: Vec<String>,
    /// Whether there is more in it than the caller may see.
    pub hidden: bool,
    /// The change of the calendar that its item was stored by.
    pub change: u64,
}

impl Row {
    /// A row that stands for itself.
    pub fn of(table: Table, component: Component, owners: Vec<String>) -> Self {
        Self {
            table,
            component,
            uid: String::new(),
            method: None,
            owners,
            hidden: false,
            change: 0,
        }
    }
}

/// What a query answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answered {
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// VTIMEZONEs that their times are of, each once.
    pub timezones: Vec<Component>,
    /// Whether there are more than were asked for.
    pub clipped: bool,
}

impl Core {
    /// What of a calendar's items a query selects, whole, in the order of its columns.
    ///
    /// A caller who may not read items, but see anything else of the calendar, gets an empty answer. Tables other than
    /// those of items and their alarms have no rows here. Errors: `NoSuchCalendar`; `AccessDenied` for whoever may see
    /// nothing at all; `BadValue` for literals that are no values of their columns; `TooMuch` beyond
    /// `limits.query_rows`, `limits.query_results` and those of expansion.
    pub fn ask(&self, caller: &Caller, calid: &str, ask: &Ask<'_>) -> Result<Answered> {
        self.store().read(|t| {
            let access = self.access(t, caller, Some(calid))?;
            self.ask_in(t, caller, &access, ask)
        })
    }

    /// As [`Core::ask`], within a transaction.
    pub(in crate::core) fn ask_in(
        &self,
        t: &impl Reader,
        caller: &Caller,
        access: &Access,
        ask: &Ask<'_>,
    ) -> Result<Answered> {
        let calendar = access.calendar();
        let zone = floating(&calendar.properties.tzid);
        let terms = self.terms(t, caller, calendar, &zone, ask)?;
        let test = bind(ask.query, &terms)?;
        let granted = match access.grant::<Reading>() {
            Ok(granted) => granted,
            Err(refused) => {
                let sees = [Right::FreeBusy, Right::ReadProperties];
                if refused.kind() == Kind::NoSuchCalendar {
                    return Err(refused);
                }
                return match sees.into_iter().any(|right| access.allows(right)) {
                    true => Ok(Answered::default()),
                    false => Err(refused),
                };
            }
        };
        let mut reach = Reach::asked_for(&test, ask.expand);
        if ask.query.from.contains(&Table::Alarm) {
            // An alarm's UID is its own (RFC 9074 section 4), not that of the item it is in.
            reach.uids = None;
        }
        let mut run = Run::new(
            self,
            ask,
            &granted,
            &zone,
            &test,
            &reach,
            terms.owners.clone(),
        );
        run.look(t, calendar)?;
        run.finish()
    }

    /// When a calendar is busy in the time that a query of VFREEBUSY asks for: from now on where it has no start, for
    /// sixty days where it has no end. None if it asks for messages that wait only, which make nobody busy.
    ///
    /// Errors: as [`Core::free_busy`] and [`Core::ask`].
    pub fn ask_busy(
        &self,
        caller: &Caller,
        calid: &str,
        ask: &Ask<'_>,
    ) -> Result<Option<FreeBusy>> {
        let reach = self.store().read(|t| {
            let access = self.access(t, caller, Some(calid))?;
            access.grant::<SeeingBusy>()?;
            let zone = floating(&access.calendar().properties.tzid);
            let terms = self.terms(t, caller, access.calendar(), &zone, ask)?;
            Ok::<_, Error>(Reach::asked_for(&bind(ask.query, &terms)?, ask.expand))
        })?;
        if !reach.booked {
            return Ok(None);
        }
        let (start, end) = reach.asked();
        let window = BusyWindow {
            window: Window {
                start: start.map(DateTime::Utc),
                end: end.map(DateTime::Utc),
                zone: None,
            },
            days_after: 60,
            ..BusyWindow::default()
        };
        self.free_busy(caller, Some(calid), &window).map(Some)
    }

    /// Whether a component that is no item, of which `owners` are the owners, is what a query asks for.
    ///
    /// Errors: `BadValue`, as [`Core::ask`].
    pub fn is_asked(
        &self,
        caller: &Caller,
        ask: &Ask<'_>,
        table: Table,
        component: &Component,
        owners: &[String],
    ) -> Result<bool> {
        let names = self.store().read(|t| self.names_of(t, caller))?;
        let (zone, zones) = (Zone::utc(), Zones::of(&[]));
        let owners: Vec<String> = owners.iter().map(|owner| owner.to_lowercase()).collect();
        let owned = names.iter().any(|name| owners.contains(name));
        let terms = Terms {
            caller: names,
            owners,
            target: target_names(ask.target),
            floating: &zone,
            utc_only: ask.utc_only,
        };
        let test = bind(ask.query, &terms)?;
        let subject = Subject {
            table,
            component,
            zones: &zones,
            floating: &zone,
            times: Times::default(),
            method: None,
            owned,
        };
        Ok(subject.fits(&test))
    }

    fn terms<'a>(
        &self,
        t: &impl Reader,
        caller: &Caller,
        calendar: &Calendar,
        floating: &'a Zone,
        ask: &Ask<'a>,
    ) -> Result<Terms<'a>> {
        let mut target = target_names(ask.target);
        target.push(self.address_of(t, calendar)?.to_lowercase());
        Ok(Terms {
            caller: self.names_of(t, caller)?,
            owners: self.owners_of(t, calendar)?,
            target,
            floating,
            utc_only: ask.utc_only,
        })
    }

    /// The names and addresses of a caller, in small letters.
    fn names_of(&self, t: &impl Reader, caller: &Caller) -> Result<Vec<String>> {
        let Some(name) = caller.name() else {
            return Ok(vec!["@".to_owned()]);
        };
        let principal = match caller.principal() {
            Some(id) => people::principal(t, id)?,
            None => None,
        };
        let mut names = vec![name.to_string().to_lowercase()];
        if let Some(principal) = &principal {
            names.extend(principal.mail().iter().map(|mail| mail.to_lowercase()));
            names.push(self.calendar_address(name));
        }
        Ok(names)
    }

    fn owners_of(&self, t: &impl Reader, calendar: &Calendar) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for id in std::iter::once(calendar.owner).chain(calendar.properties.owners.clone()) {
            let owner = people::principal(t, id)?;
            names.extend(owner.map(|owner| owner.name().to_string().to_lowercase()));
        }
        Ok(names)
    }
}

/// What CURRENT-TARGET() stands for: the address that was asked, and the calid in it.
fn target_names(target: &str) -> Vec<String> {
    let calid = cap_address(target).map(|(_, path)| path.to_lowercase());
    let calid = calid.filter(|calid| !calid.is_empty());
    std::iter::once(target.to_lowercase())
        .chain(calid)
        .collect()
}

/// Whether a component by itself is what a query's condition asks for; the tables that the query names do not count.
/// `addresses` are those that SELF() stands for. A condition without meaning for such a component does not fit.
pub fn fits_alone(
    query: &Query,
    component: &Component,
    method: Option<&str>,
    addresses: &[String],
) -> bool {
    let Some(table) = Table::named(&component.name().to_ascii_uppercase()) else {
        return false;
    };
    let (zone, zones) = (Zone::utc(), Zones::of(&[]));
    let terms = Terms {
        caller: addresses.to_vec(),
        owners: Vec::new(),
        target: Vec::new(),
        floating: &zone,
        utc_only: false,
    };
    let query = Query {
        from: vec![table],
        ..query.clone()
    };
    let subject = Subject {
        table,
        component,
        zones: &zones,
        floating: &zone,
        times: Times::default(),
        method,
        owned: false,
    };
    bind(&query, &terms).is_ok_and(|test| subject.fits(&test))
}
