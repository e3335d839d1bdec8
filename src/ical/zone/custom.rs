//! A zone compiled from a VTIMEZONE's observances (RFC 5545 section 3.6.5): a table of changes, made for the
//! years that are asked about and searched in halves.

use std::sync::{PoisonError, RwLock};

use crate::ical::component::Component;
use crate::ical::datetime::DateTime;
use crate::ical::recur::{LocalSeconds, Plan, TooMuchWork, Work};
use crate::ical::rule::Rule;
use crate::ical::value::{self, RecurrenceDate};

/// Changes kept at most: two a year for all years that can be written, with room to spare.
const MOST_CHANGES: usize = 20_000;

/// What one table may cost to make; a zone that changes every second uses it up and keeps its last offset.
const MOST_WORK: u64 = 200_000;

/// Years before and after an asked time that a table covers, in seconds.
const BACK: i64 = 8 * 31_556_952;
const AHEAD: i64 = 24 * 31_556_952;

/// Times outside the years 1 to 9999 have the offset of the nearest inside.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 253_402_300_799;

/// STANDARD or DAYLIGHT: the local times at which an offset begins.
#[derive(Debug)]
struct Observance {
    from: i32,
    to: i32,
    /// DTSTART and RDATEs, in local time by `from`, ascending.
    dates: Vec<i64>,
    rules: Vec<Plan>,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    /// Seconds since 1970 in UTC.
    at: i64,
    before: i32,
    after: i32,
}

/// The changes between two instants, and the last of each observance before.
#[derive(Debug)]
struct Table {
    since: i64,
    until: i64,
    changes: Vec<Change>,
}

/// All changes of a zone.
#[derive(Debug)]
pub(super) struct Transitions {
    observances: Vec<Observance>,
    /// The offset before any change.
    initial: i32,
    table: RwLock<Table>,
}

impl Transitions {
    /// The zone of a VTIMEZONE; none when it has no readable observance.
    pub(super) fn compile(timezone: &Component) -> Option<Self> {
        let observances: Vec<Observance> = timezone
            .components()
            .filter(|c| c.is("STANDARD") || c.is("DAYLIGHT"))
            .filter_map(Observance::read)
            .collect();
        let first = observances
            .iter()
            .min_by_key(|o| o.dates.first().copied().unwrap_or(i64::MAX))?;
        Some(Self {
            initial: first.from,
            observances,
            table: RwLock::new(Table {
                since: i64::MAX,
                until: i64::MIN,
                changes: Vec::new(),
            }),
        })
    }

    /// Answers `ask` from a table that covers `from` to `to`.
    fn with_table<T>(&self, from: i64, to: i64, ask: impl Fn(&[Change]) -> T) -> T {
        let from = from.clamp(EARLIEST, LATEST);
        let to = to.clamp(EARLIEST, LATEST);
        {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            if table.since <= from && to <= table.until {
                return ask(&table.changes);
            }
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if !(table.since <= from && to <= table.until) {
            let since = table.since.min(from.saturating_sub(BACK));
            let until = table.until.max(to.saturating_add(AHEAD));
            *table = self.table(since, until);
        }
        ask(&table.changes)
    }

    fn table(&self, since: i64, until: i64) -> Table {
        let mut work = Work::new(MOST_WORK);
        let mut changes = Vec::new();
        let mut whole = true;
        for observance in &self.observances {
            whole &= observance
                .collect(since, until, &mut changes, &mut work)
                .is_ok_and(|()| changes.len() < MOST_CHANGES);
        }
        changes.sort_by_key(|change| change.at);
        // The offset before a change is what the change before it left, whatever TZOFFSETFROM says.
        let mut before = changes.first().map_or(self.initial, |c| c.before);
        for change in &mut changes {
            change.before = before;
            before = change.after;
        }
        // DTSTART comes once by itself and once by its rule; such repetitions change nothing.
        let mut first = true;
        changes.retain(|change| std::mem::take(&mut first) || change.before != change.after);
        if whole {
            Table {
                since,
                until,
                changes,
            }
        } else {
            // More changes than can be kept: what was found is all there is.
            Table {
                since: i64::MIN,
                until: i64::MAX,
                changes,
            }
        }
    }

    pub(super) fn offset_at(&self, at: i64) -> i32 {
        self.with_table(at, at, |changes| {
            let passed = changes.partition_point(|change| change.at <= at);
            self.offset_after(changes, passed)
        })
    }

    /// The offset a local time is read with: that before a change while the old clock still shows it.
    pub(super) fn offset_of_local(&self, local: i64) -> i32 {
        const DAY: i64 = 86_400;
        let (from, to) = (local.saturating_sub(DAY), local.saturating_add(DAY));
        self.with_table(from, to, |changes| {
            // In a gap both clocks miss the time and the old one counts; in a fold the old one shows it first.
            let passed = changes.partition_point(|change| {
                change.at + i64::from(change.before.max(change.after)) <= local
            });
            self.offset_after(changes, passed)
        })
    }

    fn offset_after(&self, changes: &[Change], passed: usize) -> i32 {
        match passed.checked_sub(1) {
            Some(last) => changes[last].after,
            None => changes.first().map_or(self.initial, |c| c.before),
        }
    }

    pub(super) fn next_change(&self, after: i64) -> Option<i64> {
        let mut horizon = after.clamp(EARLIEST, LATEST);
        loop {
            let found = self.with_table(after, horizon, |changes| {
                let passed = changes.partition_point(|change| change.at <= after);
                changes[passed..]
                    .iter()
                    .find(|change| change.before != change.after)
                    .map(|change| change.at)
            });
            if found.is_some() || horizon >= LATEST {
                return found;
            }
            if !self.has_rules() {
                let last = self
                    .observances
                    .iter()
                    .filter_map(|o| o.dates.last())
                    .max()?;
                // All dates are known; look once past the last.
                if horizon > last.saturating_add(AHEAD) {
                    return None;
                }
            }
            horizon = horizon.saturating_add(4 * AHEAD).min(LATEST);
        }
    }

    fn has_rules(&self) -> bool {
        self.observances.iter().any(|o| !o.rules.is_empty())
    }
}

impl Observance {
    fn read(component: &Component) -> Option<Self> {
        let start = value::date_time(component.property("DTSTART")?).ok()?;
        let to = value::offset(component.property("TZOFFSETTO")?).ok()?;
        let from = component
            .property("TZOFFSETFROM")
            .and_then(|p| value::offset(p).ok())
            .unwrap_or(to);
        let local = |value: &DateTime| match value {
            DateTime::Utc(instant) => instant.0.saturating_add(i64::from(from)),
            other => LocalSeconds::from(other.civil()).0,
        };
        let first = local(&start);
        let mut dates = vec![first];
        for property in component.properties_named("RDATE") {
            for date in value::recurrence_dates(property).unwrap_or_default() {
                match date {
                    RecurrenceDate::Start(date) => dates.push(local(&date)),
                    RecurrenceDate::Period(_) => {}
                }
            }
        }
        dates.sort_unstable();
        dates.dedup();
        dates.truncate(MOST_CHANGES);
        let rules = component
            .properties_named("RRULE")
            .filter_map(|property| {
                let rule = Rule::parse(property.value()).ok()?;
                let until = rule.until.as_ref().map(|until| match until {
                    // A day as the end means all of it.
                    DateTime::Date(_) => LocalSeconds(local(until)).plus(86_399),
                    _ => LocalSeconds(local(until)),
                });
                let mut work = Work::new(MOST_WORK);
                Plan::new(&rule, LocalSeconds(first), until, &mut work).ok()
            })
            .collect();
        Some(Self {
            from,
            to,
            dates,
            rules,
        })
    }

    /// Adds the beginnings of this observance from the last before `since` to `until`.
    fn collect(
        &self,
        since: i64,
        until: i64,
        changes: &mut Vec<Change>,
        work: &mut Work,
    ) -> Result<(), TooMuchWork> {
        let offset = i64::from(self.from);
        let (since, until) = (since + offset, until + offset);
        let mut push = |local: i64| {
            changes.push(Change {
                at: local - offset,
                before: self.from,
                after: self.to,
            });
        };
        let first = self.dates.partition_point(|&date| date < since);
        for &date in &self.dates[first.saturating_sub(1)..] {
            if date <= until {
                push(date);
            }
        }
        for rule in &self.rules {
            if let Some(last) = rule.previous(LocalSeconds(since), work)? {
                push(last.0);
            }
            let mut found = 0;
            let mut walk = rule.occurrences(LocalSeconds(since), LocalSeconds(until));
            while let Some(at) = walk.next(work)? {
                push(at.0);
                found += 1;
                if found == MOST_CHANGES {
                    return Err(TooMuchWork {
                        granted: MOST_CHANGES as u64,
                    });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
impl Transitions {
    pub(super) fn changes_kept(&self) -> usize {
        self.table.read().map_or(0, |table| table.changes.len())
    }
}
