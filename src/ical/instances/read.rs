//! Reading a [`Series`] from an object's components. Values that cannot be read are left out and reported.

use super::{Form, Length, Problem};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::recur::{LocalSeconds, Plan, TooMuchWork, Work};
use crate::ical::rule::Rule;
use crate::ical::value::{self, Duration, Period, RecurrenceDate};
use crate::ical::zone::{Zone, Zones};

const DAY: i64 = 86_400;

/// When an object takes place: its times, rules and overrides, without anything else of its text.
#[derive(Debug, Clone)]
pub struct Series {
    pub(super) master: Option<Master>,
    /// Overrides of one instance, by their original start.
    pub(super) overrides: Vec<Override>,
    /// Overrides of an instance and all later ones, by their original start.
    pub(super) changes: Vec<Override>,
    pub(super) problems: Vec<Problem>,
}

/// The component with the rules.
#[derive(Debug, Clone)]
pub(super) struct Master {
    pub(super) component: usize,
    pub(super) form: Form,
    pub(super) zone: Zone,
    pub(super) start: LocalSeconds,
    pub(super) length: Length,
    pub(super) rules: Vec<RulePlan>,
    pub(super) excluded_rules: Vec<RulePlan>,
    /// RDATEs by their instant.
    pub(super) added: Vec<Added>,
    /// EXDATEs, ascending.
    pub(super) excluded: Vec<Timestamp>,
    /// Days without instances, by EXDATEs that are dates in a series of times; ascending midnights.
    pub(super) excluded_days: Vec<LocalSeconds>,
    /// Whether the start is no instance unless a rule gives it.
    pub(super) drop_unfit_start: bool,
}

/// A rule and its end, if that is an instant.
#[derive(Debug, Clone)]
pub(super) struct RulePlan {
    pub(super) plan: Plan,
    pub(super) until: Option<Timestamp>,
}

/// One RDATE.
#[derive(Debug, Clone, Copy)]
pub(super) struct Added {
    pub(super) at: Timestamp,
    pub(super) local: LocalSeconds,
    pub(super) length: Option<Length>,
}

/// A component with RECURRENCE-ID.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub(super) component: usize,
    pub(super) original: Timestamp,
    pub(super) original_local: LocalSeconds,
    pub(super) form: Form,
    pub(super) zone: Zone,
    pub(super) start: LocalSeconds,
    pub(super) length: Length,
}

/// A start and a length as a component gives them.
struct Times {
    form: Form,
    zone: Zone,
    start: LocalSeconds,
    length: Length,
}

impl Series {
    /// Reads what says when `object` takes place. `floating` is the zone of dates, of floating times and of
    /// TZIDs that neither the object nor the tz database knows.
    ///
    /// Errors: a rule whose first occurrence takes more than `work` to find.
    pub fn of(
        object: &CalendarObject,
        floating: &Zone,
        work: &mut Work,
    ) -> Result<Self, TooMuchWork> {
        let mut reader = Reader {
            kind: object.kind,
            zones: Zones::of(&object.timezones),
            floating,
            problems: Vec::new(),
        };
        let mut series = Self {
            master: None,
            overrides: Vec::new(),
            changes: Vec::new(),
            problems: Vec::new(),
        };
        let parts = || object.components.iter().enumerate();
        if let Some((at, master)) = parts().find(|(_, c)| c.property("RECURRENCE-ID").is_none()) {
            series.master = reader.master(at, master, work)?;
        }
        for (at, component) in parts() {
            let Some(id) = component.property("RECURRENCE-ID") else {
                continue;
            };
            let Some(read) = reader.overriding(at, component, id, &series, work)? else {
                continue;
            };
            let range = id.param("RANGE");
            if range.is_some_and(|r| r.eq_ignore_ascii_case("THISANDFUTURE")) {
                series.changes.push(read);
            } else {
                series.overrides.push(read);
            }
        }
        // The last of several overrides of one instance counts: later revisions are appended.
        for list in [&mut series.overrides, &mut series.changes] {
            list.sort_by_key(|o| o.original);
            list.reverse();
            list.dedup_by_key(|o| o.original);
            list.reverse();
        }
        series.problems = reader.problems;
        Ok(series)
    }

    /// The same series with its start as an instance only if a rule or RDATE gives it (`excludedtstart`).
    #[must_use]
    pub fn without_unfit_start(mut self) -> Self {
        if let Some(master) = &mut self.master
            && !master.rules.is_empty()
            && !master.rules.iter().any(|r| r.plan.fits_start())
        {
            master.drop_unfit_start = true;
            for rule in &mut master.rules {
                rule.plan = rule.plan.clone().counting_only_the_rule();
            }
        }
        self
    }

    /// What could not be read.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether the object has instances beyond its first: rules, RDATEs or overrides.
    pub fn recurs(&self) -> bool {
        !self.overrides.is_empty()
            || !self.changes.is_empty()
            || self.master.as_ref().is_some_and(Master::recurs)
    }

    /// Whether nothing says when the object takes place (a to-do without dates).
    pub fn is_dateless(&self) -> bool {
        self.master.is_none() && self.overrides.is_empty() && self.changes.is_empty()
    }
}

impl Master {
    pub(super) fn recurs(&self) -> bool {
        !self.rules.is_empty() || !self.added.is_empty()
    }
}

struct Reader<'a> {
    kind: Kind,
    zones: Zones,
    floating: &'a Zone,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, component: usize, property: &'static str, message: impl ToString) {
        self.problems.push(Problem {
            component,
            property,
            message: message.to_string(),
        });
    }

    /// The value of a property, reported when it cannot be read.
    fn time(&mut self, at: usize, component: &Component, name: &'static str) -> Option<DateTime> {
        match value::date_time(component.property(name)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(at, name, error);
                None
            }
        }
    }

    fn instant(&self, value: &DateTime) -> Timestamp {
        self.zones.instant(value, self.floating)
    }

    /// DTSTART and how long from there; `fallback` is the start of a component without one.
    fn times(
        &mut self,
        at: usize,
        component: &Component,
        fallback: Option<&DateTime>,
    ) -> Option<Times> {
        let end_name = match self.kind {
            Kind::Todo => "DUE",
            _ => "DTEND",
        };
        let own = self.time(at, component, "DTSTART");
        let end = match self.kind {
            Kind::Journal => None,
            _ => self.time(at, component, end_name),
        };
        let due = end.clone().filter(|_| self.kind == Kind::Todo);
        let start = own.or(due).or_else(|| fallback.cloned())?;
        let zone = self.zones.zone_of(&start, self.floating);
        let local = LocalSeconds::from(start.civil());
        let length = match end {
            Some(end) => self.length_to(&start, &zone, &end),
            None => self.duration(at, component, &start),
        };
        Some(Times {
            form: Form::of(&start),
            zone,
            start: local,
            length,
        })
    }

    /// The length of an item that ends at `end`. An end before the start counts as none.
    fn length_to(&self, start: &DateTime, zone: &Zone, end: &DateTime) -> Length {
        if let (DateTime::Date(first), DateTime::Date(end)) = (start, end) {
            let day = |date: &jiff::civil::Date| LocalSeconds::from(date.at(0, 0, 0, 0)).0 / DAY;
            let least = i64::from(self.kind != Kind::Todo);
            // Many write the end of a whole day as the day itself.
            return Length::Nominal {
                days: (day(end) - day(first)).max(least),
                seconds: 0,
            };
        }
        // Section 3.8.5.3: an end gives all instances the same exact length.
        let from = zone.to_timestamp(start.civil());
        let seconds = self.instant(end).0.saturating_sub(from.0);
        Length::Exact(seconds.max(0))
    }

    /// The length of an item by DURATION, or by section 3.6.1 without one.
    fn duration(&mut self, at: usize, component: &Component, start: &DateTime) -> Length {
        let default = match start {
            DateTime::Date(_) if self.kind != Kind::Todo => Length::Nominal {
                days: 1,
                seconds: 0,
            },
            _ => Length::Exact(0),
        };
        let Some(property) = component.property("DURATION") else {
            return default;
        };
        match value::duration(property) {
            Ok(duration) if duration.is_negative() => Length::Exact(0),
            Ok(duration) => lasting(duration),
            Err(error) => {
                self.problem(at, "DURATION", error);
                default
            }
        }
    }

    fn master(
        &mut self,
        at: usize,
        component: &Component,
        work: &mut Work,
    ) -> Result<Option<Master>, TooMuchWork> {
        let Some(times) = self.times(at, component, None) else {
            return Ok(None);
        };
        let rules = self.rules(at, component, "RRULE", &times, work)?;
        let excluded_rules = self.rules(at, component, "EXRULE", &times, work)?;
        let mut master = Master {
            component: at,
            form: times.form,
            zone: times.zone,
            start: times.start,
            length: times.length,
            rules,
            excluded_rules,
            added: Vec::new(),
            excluded: Vec::new(),
            excluded_days: Vec::new(),
            drop_unfit_start: false,
        };
        for property in component.properties_named("RDATE") {
            self.added(at, property, &mut master);
        }
        for property in component.properties_named("EXDATE") {
            match value::date_times(property) {
                Ok(dates) => dates
                    .iter()
                    .for_each(|date| self.excluded(date, &mut master)),
                Err(error) => self.problem(at, "EXDATE", error),
            }
        }
        master.added.sort_by_key(|added| added.at);
        master.added.dedup_by_key(|added| added.at);
        master.excluded.sort_unstable();
        master.excluded_days.sort_unstable();
        Ok(Some(master))
    }

    fn rules(
        &mut self,
        at: usize,
        component: &Component,
        name: &'static str,
        times: &Times,
        work: &mut Work,
    ) -> Result<Vec<RulePlan>, TooMuchWork> {
        let mut plans = Vec::new();
        for property in component.properties_named(name) {
            let rule = match Rule::parse(property.value()) {
                Ok(rule) => rule,
                Err(error) => {
                    self.problem(at, name, error);
                    continue;
                }
            };
            let all_day = times.form == Form::Date;
            let (last, until) = last_local(rule.until.as_ref(), all_day, &times.zone);
            let mut plan = Plan::new(&rule, times.start, last, work)?;
            if name == "EXRULE" {
                // A start that the rule does not give is not taken away, so it does not count either.
                plan = plan.counting_only_the_rule();
            }
            plans.push(RulePlan { plan, until });
        }
        Ok(plans)
    }

    fn added(&mut self, at: usize, property: &Property, master: &mut Master) {
        let dates = match value::recurrence_dates(property) {
            Ok(dates) => dates,
            Err(error) => return self.problem(at, "RDATE", error),
        };
        for date in dates {
            let (start, length) = match &date {
                RecurrenceDate::Start(start) => (start, None),
                RecurrenceDate::Period(period) => {
                    let start = period.start();
                    let zone = self.zones.zone_of(start, self.floating);
                    let length = match period {
                        Period::Between(_, end) => self.length_to(start, &zone, end),
                        Period::Lasting(_, duration) => lasting(*duration),
                    };
                    (start, Some(length))
                }
            };
            let (at, local) = match start {
                // A date added to a series of times starts when they do.
                DateTime::Date(date) if master.form != Form::Date => {
                    let midnight = LocalSeconds::from(date.at(0, 0, 0, 0));
                    let local = midnight.plus(master.start.0.rem_euclid(DAY));
                    (master.zone.resolve(local), local)
                }
                _ => original(self, master, start),
            };
            master.added.push(Added { at, local, length });
        }
    }

    fn excluded(&mut self, date: &DateTime, master: &mut Master) {
        match date {
            DateTime::Date(day) if master.form != Form::Date => master
                .excluded_days
                .push(LocalSeconds::from(day.at(0, 0, 0, 0))),
            _ => master.excluded.push(original(self, master, date).0),
        }
    }

    fn overriding(
        &mut self,
        at: usize,
        component: &Component,
        id: &Property,
        series: &Series,
        work: &mut Work,
    ) -> Result<Option<Override>, TooMuchWork> {
        let id = match value::date_time(id) {
            Ok(id) => id,
            Err(error) => {
                self.problem(at, "RECURRENCE-ID", error);
                return Ok(None);
            }
        };
        let Some(times) = self.times(at, component, Some(&id)) else {
            return Ok(None);
        };
        let (original, original_local) = match &series.master {
            Some(master) => match &id {
                DateTime::Date(day) if master.form != Form::Date => {
                    series.on_day(LocalSeconds::from(day.at(0, 0, 0, 0)), work)?
                }
                _ => original(self, master, &id),
            },
            None => (self.instant(&id), LocalSeconds::from(id.civil())),
        };
        Ok(Some(Override {
            component: at,
            original,
            original_local,
            form: times.form,
            zone: times.zone,
            start: times.start,
            length: times.length,
        }))
    }
}

fn lasting(duration: Duration) -> Length {
    match duration.days() {
        0 => Length::Exact(duration.seconds()),
        days => Length::Nominal {
            days,
            seconds: duration.seconds(),
        },
    }
}

/// The identity of the instance that `value` names in a series, and its time on the series' clock.
fn original(reader: &Reader<'_>, master: &Master, value: &DateTime) -> (Timestamp, LocalSeconds) {
    let zone = reader.zones.zone_of(value, reader.floating);
    identity(master, value, &zone)
}

/// As [`original`], where `zone` is that of `value`.
pub(super) fn identity(
    master: &Master,
    value: &DateTime,
    zone: &Zone,
) -> (Timestamp, LocalSeconds) {
    if master.form == Form::Date {
        let local = LocalSeconds(whole_day(value, &master.zone) * DAY);
        return (master.zone.resolve(local), local);
    }
    let instant = match value {
        DateTime::Utc(instant) => *instant,
        _ => zone.to_timestamp(value.civil()),
    };
    let local = match value {
        DateTime::Utc(_) => master.zone.to_local(instant),
        _ if zone == &master.zone => LocalSeconds::from(value.civil()),
        _ => master.zone.to_local(instant),
    };
    (instant, local)
}

/// The day that a value names in a series of whole days: midnight may come as a date, as a local time, as UTC
/// of the local midnight, or as midnight in UTC.
fn whole_day(value: &DateTime, zone: &Zone) -> i64 {
    let DateTime::Utc(instant) = value else {
        return LocalSeconds::from(value.civil()).0.div_euclid(DAY);
    };
    let local = zone.to_local(*instant).0;
    if local.rem_euclid(DAY) != 0 && instant.0.rem_euclid(DAY) == 0 {
        instant.0.div_euclid(DAY)
    } else {
        local.div_euclid(DAY)
    }
}

/// UNTIL on the clock of the series, inclusive, and as an instant where it is one.
pub(super) fn last_local(
    until: Option<&DateTime>,
    all_day: bool,
    zone: &Zone,
) -> (Option<LocalSeconds>, Option<Timestamp>) {
    let Some(until) = until else {
        return (None, None);
    };
    match until {
        // Whole days end with the day that is written, whatever time stands beside it.
        _ if all_day => {
            let day = until.civil().date().at(0, 0, 0, 0);
            (Some(day.into()), None)
        }
        // A day as the end of a series of times means all of it.
        DateTime::Date(day) => {
            let midnight = LocalSeconds::from(day.at(0, 0, 0, 0));
            (Some(midnight.plus(DAY - 1)), None)
        }
        DateTime::Utc(instant) => {
            let local = zone.to_local(*instant);
            // When clocks were put back, times before the repeated hour's end are still before UNTIL.
            let repeated = instant.0.saturating_sub(zone.resolve(local).0).max(0);
            (Some(local.plus(repeated)), Some(*instant))
        }
        other => (Some(other.civil().into()), None),
    }
}
