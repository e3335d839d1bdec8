//! Busy times: when a calendar is busy, and nothing else about it.
//!
//! Computed from the busy index alone: two calendars with equal busy times and different texts give equal answers.
//! RFC 5545 section 3.6.4.

use super::access::SeeingBusy;
use super::calendars::CalendarView;
use super::error::{Error, Kind as Failed, Result};
use super::items::fetch::Window;
use super::transfer::floating;
use super::{Caller, Core};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::instances::{self, BusyType, Series};
use crate::ical::recur::Work;
use crate::ical::zone::Zone;
use crate::model::calendar::Calendar;
use crate::model::id::{Calid, mail_address};
use crate::store::derive::Busy;
use crate::store::people::{self, MailRow};
use crate::store::{Reader, calendars, items};

/// When a calendar is busy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeBusy {
    /// The calendar.
    pub calendar: CalendarView,
    /// The time that was looked at.
    pub range: TimeRange,
    /// Busy times in it, by start; none touches another of its type, and none shares an instant with another.
    pub periods: Vec<(TimeRange, BusyType)>,
}

/// The time asked about, as far as it was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BusyWindow {
    /// Its ends.
    pub window: Window,
    /// Its length in days; says more than an end.
    pub days: Option<i64>,
    /// Days before now at which it starts where nothing else says so.
    pub days_before: i64,
    /// Days after now at which it ends where nothing else says so.
    pub days_after: i64,
}

const DAY: i64 = 86_400;

impl BusyWindow {
    /// `now` is only asked where the answer depends on it.
    fn range(&self, floating: &Zone, now: impl Fn() -> Timestamp) -> Result<TimeRange> {
        let (start, end) = self.window.ends(floating)?;
        let days = |days: i64| days.saturating_mul(DAY);
        let (start, end) = match self.days {
            Some(length) => {
                let start = start.unwrap_or_else(now);
                (start, start.plus(days(length)))
            }
            None => {
                let start = start.unwrap_or_else(|| {
                    let from = end.map_or_else(&now, |end| end.min(now()));
                    from.plus(-days(self.days_before))
                });
                let end = end.unwrap_or_else(|| start.max(now()).plus(days(self.days_after)));
                (start, end)
            }
        };
        TimeRange::new(start, end).ok_or_else(|| {
            Error::new(
                Failed::BadValue,
                "expected a time that ends after it starts",
            )
        })
    }
}

impl Core {
    /// When a calendar is busy.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`, `BadValue`; `TooMuch` for more instances than `limits.instances`.
    pub fn free_busy(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        window: &BusyWindow,
    ) -> Result<FreeBusy> {
        self.store().read(|t| {
            let access = self.access(t, caller, calid)?;
            access.grant::<SeeingBusy>()?;
            let calendar = self.view(t, &access, caller)?;
            let zone = floating(&calendar.calendar.properties.tzid);
            let range = window.range(&zone, || self.now())?;
            let periods = self.busy_periods(t, &calendar.calendar, &zone, range)?;
            Ok(FreeBusy {
                calendar,
                range,
                periods,
            })
        })
    }

    /// The calids of the calendars that tell when the owner of a mail address is busy: the default one, and the
    /// owner's others that are set to count and that `caller` may see busy times of.
    ///
    /// Errors: `NoSuchCalendar` when nobody has the address.
    pub fn busy_calids(&self, caller: &Caller, address: &str) -> Result<Vec<String>> {
        self.store().read(|t| {
            let nobody = || match self.is_shut(caller, &self.domain_asked(address)) {
                true => Error::denied("see busy times", address),
                false => Error::no_calendar(address),
            };
            let mail = mail_address(address).ok_or_else(nobody)?;
            let default = self.calendar_of_address(t, &mail)?.ok_or_else(nobody)?;
            let mut calids = vec![self.show_calid(&default.calid)];
            let owner = match people::mail_row(t, &mail)? {
                Some(MailRow::Calendar(_)) => return Ok(calids),
                _ => people::principal(t, default.owner)?,
            };
            if owner.is_none_or(|owner| Calid::of(owner.name()) != default.calid) {
                return Ok(calids);
            }
            for calendar in calendars::owned(t, default.owner)? {
                let counts = calendar.enabled && calendar.properties.free_busy_include;
                if calendar.id == default.id || !counts {
                    continue;
                }
                let calid = self.show_calid(&calendar.calid);
                let access = self.access(t, caller, Some(&calid))?;
                if access.grant::<SeeingBusy>().is_ok() {
                    calids.push(calid);
                }
            }
            Ok(calids)
        })
    }

    fn busy_periods(
        &self,
        t: &impl Reader,
        calendar: &Calendar,
        floating: &Zone,
        range: TimeRange,
    ) -> Result<Vec<(TimeRange, BusyType)>> {
        let limits = &self.settings().limits;
        let mut found = Vec::new();
        let mut series = Vec::new();
        items::busy(t, calendar.id, range, |span, busy| {
            match busy {
                Busy::Throughout(kind) => found.push((span, kind)),
                Busy::Instances(text) => series.push(text),
            }
            Ok(())
        })?;
        let mut work = Work::new(u64::try_from(limits.expansion_steps).unwrap_or(u64::MAX));
        let mut left = limits.instances;
        for text in series {
            let instances = expand(&text, floating, range, left, &mut work)?;
            left = left.saturating_sub(instances.len());
            found.extend(instances);
        }
        Ok(merged(found, range))
    }
}

/// The busy instances of a series of the index.
fn expand(
    text: &str,
    floating: &Zone,
    range: TimeRange,
    limit: usize,
    work: &mut Work,
) -> Result<Vec<(TimeRange, BusyType)>> {
    let too_much = |cause: &dyn std::error::Error| Error::new(Failed::TooMuch, cause.to_string());
    let object = instances::from_compact_text(text).ok_or_else(|| {
        Error::new(
            Failed::Internal,
            "a row of the busy index cannot be read: run wcapd check --repair",
        )
    })?;
    let series = Series::of(&object, floating, work).map_err(|cause| too_much(&cause))?;
    let found = series
        .instances(range, limit, work)
        .map_err(|cause| too_much(&cause))?;
    let busy = |instance: &instances::Instance| {
        let component = object.components.get(instance.component)?;
        Some((instance.range(), instances::busy_type(component)?))
    };
    Ok(found.iter().filter_map(busy).collect())
}

/// The periods cut to `range`, those that touch joined, busy ones before tentative ones.
fn merged(mut periods: Vec<(TimeRange, BusyType)>, range: TimeRange) -> Vec<(TimeRange, BusyType)> {
    periods.retain_mut(|(period, _)| {
        let start = period.start().max(range.start());
        let end = period.end().min(range.end());
        // What takes no time keeps nobody busy.
        match TimeRange::new(start, end).filter(|_| start < end) {
            Some(cut) => *period = cut,
            None => return false,
        }
        true
    });
    periods.sort_unstable_by_key(|(period, _)| (period.start(), period.end()));
    let of = |wanted: BusyType| {
        let periods = periods.iter().filter(move |(_, kind)| *kind == wanted);
        joined(periods.map(|(period, _)| *period))
    };
    let (busy, tentative) = (of(BusyType::Busy), of(BusyType::Tentative));
    let mut merged: Vec<_> = without(&tentative, &busy)
        .into_iter()
        .map(|period| (period, BusyType::Tentative))
        .chain(busy.iter().map(|period| (*period, BusyType::Busy)))
        .collect();
    merged.sort_unstable_by_key(|(period, _)| period.start());
    merged
}

/// Ranges in order of start, those that overlap or touch as one.
fn joined(ranges: impl Iterator<Item = TimeRange>) -> Vec<TimeRange> {
    let mut joined: Vec<TimeRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start() <= last.end() => {
                let end = last.end().max(range.end());
                *last = TimeRange::new(last.start(), end).unwrap_or(*last);
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// What of `ranges` is in none of `others`; both are joined and in order.
fn without(ranges: &[TimeRange], others: &[TimeRange]) -> Vec<TimeRange> {
    let mut left = Vec::new();
    let mut from = 0;
    for range in ranges {
        let mut start = range.start();
        from += others[from..]
            .iter()
            .take_while(|other| other.end() <= start)
            .count();
        for other in &others[from..] {
            if other.start() >= range.end() {
                break;
            }
            left.extend(TimeRange::new(start, other.start()).filter(|r| r.start() < r.end()));
            start = start.max(other.end());
        }
        left.extend(TimeRange::new(start, range.end()).filter(|r| r.start() < r.end()));
    }
    left
}

/// What of `range` is in none of `periods`, which are in order and do not overlap.
pub fn free(range: TimeRange, periods: &[(TimeRange, BusyType)]) -> Vec<TimeRange> {
    let busy: Vec<_> = periods.iter().map(|(period, _)| *period).collect();
    without(&[range], &busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: i64, end: i64) -> TimeRange {
        TimeRange::lasting(Timestamp(start), end - start)
    }

    fn plain(periods: &[(TimeRange, BusyType)]) -> Vec<(i64, i64, bool)> {
        let busy = |kind: &BusyType| *kind == BusyType::Busy;
        periods
            .iter()
            .map(|(p, kind)| (p.start().0, p.end().0, busy(kind)))
            .collect()
    }

    #[test]
    fn periods_are_cut_joined_and_kept_apart_by_type() {
        use BusyType::{Busy, Tentative};
        let periods = vec![
            (range(50, 60), Busy),
            (range(-10, 5), Busy),
            (range(5, 8), Busy),
            (range(7, 9), Busy),
            (range(20, 20), Busy),
            (range(40, 70), Tentative),
            (range(65, 80), Tentative),
            (range(90, 200), Tentative),
            (range(300, 400), Busy),
        ];
        let merged = merged(periods, range(0, 100));
        assert_eq!(
            plain(&merged),
            [
                (0, 9, true),
                (40, 50, false),
                (50, 60, true),
                (60, 80, false),
                (90, 100, false),
            ]
        );
        let free: Vec<_> = free(range(0, 100), &merged)
            .iter()
            .map(|r| (r.start().0, r.end().0))
            .collect();
        assert_eq!(free, [(9, 40), (80, 90)]);
    }

    #[test]
    fn busy_hides_tentative() {
        use BusyType::{Busy, Tentative};
        let periods = vec![
            (range(10, 90), Tentative),
            (range(0, 20), Busy),
            (range(30, 40), Busy),
            (range(80, 95), Busy),
            (range(96, 99), Tentative),
        ];
        assert_eq!(
            plain(&merged(periods, range(0, 100))),
            [
                (0, 20, true),
                (20, 30, false),
                (30, 40, true),
                (40, 80, false),
                (80, 95, true),
                (96, 99, false),
            ]
        );
        assert!(merged(Vec::new(), range(0, 1)).is_empty());
    }

    #[test]
    fn the_time_asked_about_is_made_whole() {
        let now = Timestamp(1_000 * DAY);
        let at = |day: i64| Some(crate::ical::datetime::DateTime::Utc(Timestamp(day * DAY)));
        let ends = |start, end, days| {
            let window = BusyWindow {
                window: Window {
                    start,
                    end,
                    zone: None,
                },
                days,
                days_before: 30,
                days_after: 20,
            };
            let range = window.range(&Zone::utc(), || now).ok();
            range.map(|r| (r.start().0 / DAY, r.end().0 / DAY))
        };
        assert_eq!(ends(None, None, None), Some((970, 1020)));
        assert_eq!(ends(at(5), at(9), None), Some((5, 9)));
        assert_eq!(ends(at(5), None, None), Some((5, 1020)));
        assert_eq!(ends(at(2000), None, None), Some((2000, 2020)));
        assert_eq!(ends(None, at(500), None), Some((470, 500)));
        assert_eq!(ends(at(5), at(9), Some(60)), Some((5, 65)));
        assert_eq!(ends(None, None, Some(60)), Some((1000, 1060)));
        assert_eq!(ends(at(9), at(5), None), None);
        assert_eq!(ends(None, None, Some(-1)), None);
    }
}
