//! Rules that step through hours, minutes or seconds. Days, hours, minutes and seconds that cannot pass are
//! leapt over, so that a sparse rule costs what it finds (RFC 5545 section 3.3.10).

use super::days::{DAY, END_OF_TIME};
use super::dayset::{DayCursor, DayFilter};
use super::{TooMuchWork, Work};
use crate::ical::rule::{Frequency, Rule};

const ALL_HOURS: u64 = (1 << 24) - 1;
const ALL_SIXTY: u64 = (1 << 60) - 1;

/// The compiled parts of such a rule. A period is a number of units since 1970.
#[derive(Debug, Clone)]
pub(super) struct TimeSteps {
    /// Seconds of a period: 3600, 60 or 1.
    unit: i64,
    interval: i64,
    base: i64,
    filter: DayFilter,
    /// What of the period's own time may be: bit masks; all bits where a smaller part decides.
    hours: u64,
    minutes: u64,
    seconds: u64,
    /// The occurrences of a period as seconds from its start, ascending: BYMINUTE and BYSECOND as far as
    /// they expand, picked by BYSETPOS. The same for every period.
    offsets: Vec<i64>,
    /// Nothing limits the periods, so that all are alike.
    steady: bool,
    /// No time of day can ever be met.
    never: bool,
}

impl TimeSteps {
    pub(super) fn new(rule: &Rule, start: i64) -> Self {
        let unit = match rule.frequency {
            Frequency::Hourly => 3_600,
            Frequency::Minutely => 60,
            _ => 1,
        };
        let limit = |smallest: i64, values: &[u8], all: u64| {
            if values.is_empty() || unit > smallest {
                all
            } else {
                values.iter().fold(0, |mask, &v| mask | 1 << v.min(59))
            }
        };
        let filter = DayFilter::new(rule, start.div_euclid(DAY));
        let hours = limit(3_600, &rule.by_hour, ALL_HOURS);
        let minutes = limit(60, &rule.by_minute, ALL_SIXTY);
        let seconds = limit(1, &rule.by_second, ALL_SIXTY);
        let offsets = offsets(rule, unit, start);
        let mut steps = Self {
            unit,
            interval: i64::from(rule.interval),
            base: start.div_euclid(unit),
            steady: filter.is_open()
                && (hours, minutes, seconds) == (ALL_HOURS, ALL_SIXTY, ALL_SIXTY),
            filter,
            hours,
            minutes,
            seconds,
            never: offsets.is_empty(),
            offsets,
        };
        steps.never = steps.never || (!steps.steady && !steps.is_reachable());
        steps
    }

    /// Whether the interval ever meets a time of day that passes. From day to day its steps drift through
    /// the day by the greatest common divisor of both.
    fn is_reachable(&self) -> bool {
        let per_day = DAY / self.unit;
        let stride = gcd(self.interval, per_day);
        let mut at = self.base.rem_euclid(stride);
        while at < per_day {
            let time = at * self.unit;
            if self.failing(time).is_none() {
                return true;
            }
            at += stride;
        }
        false
    }

    /// If a period starting at this time of day does not pass: the seconds of the day at which one might.
    fn failing(&self, time: i64) -> Option<i64> {
        let hour = time / 3_600;
        if self.hours >> hour & 1 == 0 {
            return Some(next_bit(self.hours, hour).map_or(DAY, |hour| hour * 3_600));
        }
        let minute = time / 60 % 60;
        if self.minutes >> minute & 1 == 0 {
            let in_hour = next_bit(self.minutes, minute).map_or(3_600, |minute| minute * 60);
            return Some(hour * 3_600 + in_hour);
        }
        let second = time % 60;
        if self.seconds >> second & 1 == 0 {
            let in_minute = next_bit(self.seconds, second).unwrap_or(60);
            return Some(time - second + in_minute);
        }
        None
    }

    /// The first period of the interval from `period` on.
    fn align(&self, period: i64) -> i64 {
        let ahead = (period - self.base).max(0);
        let steps = (ahead + self.interval - 1) / self.interval;
        self.base + steps * self.interval
    }

    pub(super) fn stride(&self) -> i64 {
        self.unit.saturating_mul(self.interval)
    }

    pub(super) fn walk(&self, start: i64) -> Walk<'_> {
        Walk {
            steps: self,
            start,
            cursor: DayCursor::new(&self.filter),
            period: self.base,
            at: 0,
            ended: self.never,
        }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The first bit set after bit `at`.
fn next_bit(mask: u64, at: i64) -> Option<i64> {
    let rest = mask.checked_shr(at as u32 + 1).unwrap_or(0);
    (rest != 0).then(|| at + 1 + i64::from(rest.trailing_zeros()))
}

fn offsets(rule: &Rule, unit: i64, start: i64) -> Vec<i64> {
    let part = |smallest: i64, values: &[u8], own: i64, size: i64| -> Vec<i64> {
        if unit <= smallest {
            return vec![0];
        }
        if values.is_empty() {
            return vec![own * size];
        }
        let mut values: Vec<i64> = values
            .iter()
            .map(|&v| i64::from(v.min(59)) * size)
            .collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    let time = start.rem_euclid(DAY);
    let minutes = part(60, &rule.by_minute, time / 60 % 60, 60);
    let seconds = part(1, &rule.by_second, time % 60, 1);
    let mut all = Vec::with_capacity(minutes.len() * seconds.len());
    for minute in minutes {
        all.extend(seconds.iter().map(|second| minute + second));
    }
    if rule.by_set_pos.is_empty() {
        return all;
    }
    let mut picked: Vec<i64> = rule
        .by_set_pos
        .iter()
        .filter_map(|&position| {
            let n = usize::from(position.unsigned_abs());
            let at = if position > 0 {
                n.checked_sub(1)
            } else {
                all.len().checked_sub(n)
            };
            all.get(at?).copied()
        })
        .collect();
    picked.sort_unstable();
    picked.dedup();
    picked
}

/// A place in the occurrences of such a rule.
#[derive(Debug, Clone)]
pub(super) struct Walk<'a> {
    steps: &'a TimeSteps,
    start: i64,
    cursor: DayCursor<'a>,
    period: i64,
    /// The next of the period's offsets.
    at: usize,
    ended: bool,
}

impl Walk<'_> {
    /// Goes to the first period from the current one on that passes and starts by `to`.
    fn settle(&mut self, to: i64, work: &mut Work) -> Result<bool, TooMuchWork> {
        let steps = self.steps;
        loop {
            let start = self.period.saturating_mul(steps.unit);
            if start > to || start >= END_OF_TIME * DAY {
                self.ended = true;
            }
            if self.ended {
                return Ok(false);
            }
            if steps.steady {
                return Ok(true);
            }
            let day = start.div_euclid(DAY);
            let leap = if self.cursor.passes(day, work)? {
                steps
                    .failing(start - day * DAY)
                    .map(|time| day * DAY + time)
            } else {
                match self.cursor.next_passing(day + 1, work)? {
                    Some(day) => Some(day * DAY),
                    None => {
                        self.ended = true;
                        return Ok(false);
                    }
                }
            };
            match leap {
                Some(leap) => self.period = steps.align(leap / steps.unit),
                None => return Ok(true),
            }
            work.charge(1)?;
        }
    }

    fn advance(&mut self, to: i64, work: &mut Work) -> Result<bool, TooMuchWork> {
        self.period = self.period.saturating_add(self.steps.interval);
        self.at = 0;
        self.settle(to, work)
    }

    /// The next occurrence up to `to`.
    pub(super) fn next(&mut self, to: i64, work: &mut Work) -> Result<Option<i64>, TooMuchWork> {
        loop {
            if self.ended {
                return Ok(None);
            }
            if let Some(offset) = self.steps.offsets.get(self.at) {
                let at = self.period * self.steps.unit + offset;
                if at > to {
                    return Ok(None);
                }
                self.at += 1;
                return Ok(Some(at));
            }
            self.advance(to, work)?;
        }
    }

    fn pass_until(&mut self, at: i64) -> u64 {
        if self.ended {
            return 0;
        }
        let start = self.period * self.steps.unit;
        let passed = self.steps.offsets.partition_point(|o| start + o < at);
        let before = self.at;
        self.at = before.max(passed);
        (self.at - before) as u64
    }

    /// Makes the first occurrence from `from` on the next one. With `most`, counts the occurrences passed,
    /// at least until they are `most`.
    pub(super) fn seek(
        &mut self,
        from: i64,
        to: i64,
        most: Option<u64>,
        work: &mut Work,
    ) -> Result<u64, TooMuchWork> {
        if self.ended {
            return Ok(0);
        }
        let target = self.steps.align(from.div_euclid(self.steps.unit));
        let Some(most) = most else {
            self.period = target;
            self.settle(to, work)?;
            self.pass_until(from.max(self.start));
            return Ok(0);
        };
        self.go_to_start(to, work)?;
        let mut passed = 0;
        if self.steps.steady && target > self.period {
            let steps = (target - self.period) / self.steps.interval;
            passed = (self.steps.offsets.len() - self.at) as u64
                + (steps - 1) as u64 * self.steps.offsets.len() as u64;
            (self.period, self.at) = (target, 0);
            self.settle(to, work)?;
        } else {
            while !self.ended && self.period < target && passed < most {
                passed += (self.steps.offsets.len() - self.at) as u64;
                work.charge(1)?;
                self.advance(to, work)?;
            }
        }
        if passed < most {
            passed += self.pass_until(from);
        }
        Ok(passed)
    }

    fn go_to_start(&mut self, to: i64, work: &mut Work) -> Result<(), TooMuchWork> {
        self.period = self.steps.base;
        self.at = 0;
        self.settle(to, work)?;
        self.pass_until(self.start);
        Ok(())
    }

    /// Goes to the start and on past at most `number` occurrences, in closed form only; says how many.
    pub(super) fn skip(&mut self, number: u64, work: &mut Work) -> Result<u64, TooMuchWork> {
        if self.ended {
            return Ok(0);
        }
        self.go_to_start(i64::MAX, work)?;
        let len = self.steps.offsets.len() as u64;
        let first = len - self.at as u64;
        if !self.steps.steady || number < first {
            return Ok(0);
        }
        let whole = (number - first) / len;
        let steps = (whole as i64 + 1).saturating_mul(self.steps.interval);
        self.period = self.steps.base.saturating_add(steps);
        self.at = 0;
        self.settle(i64::MAX, work)?;
        Ok(first + whole * len)
    }
}
