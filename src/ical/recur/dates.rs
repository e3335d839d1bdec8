//! Rules that step through dates: DAILY, WEEKLY, MONTHLY and YEARLY. Each period gives a set of days, each day
//! the same times; BYSETPOS picks from all of them (RFC 5545 section 3.3.10).

use super::days::{self, CYCLE_DAYS, DAY, END_OF_TIME, date_of, day_number, weekday_of};
use super::dayset::{CYCLE_MONTHS, DayCursor, DayFilter};
use super::{TooMuchWork, Work};
use crate::ical::rule::{Frequency, Rule};

/// The compiled parts of such a rule.
#[derive(Debug, Clone)]
pub(super) struct DateSteps {
    frequency: Frequency,
    interval: i64,
    /// The period of the start: its year, its month counted from year 0, its week's first day, its day.
    base: i64,
    week_start: u32,
    filter: DayFilter,
    /// Seconds of the day, ascending, none twice.
    times: Vec<i64>,
    positions: Vec<i16>,
    /// Occurrences of every period but the first, where that is the same for all.
    per_period: Option<u64>,
}

impl DateSteps {
    pub(super) fn new(rule: &Rule, start: i64, work: &mut Work) -> Result<Self, TooMuchWork> {
        let day = start.div_euclid(DAY);
        let week_start = days::weekday_number(rule.week_start);
        let times = times_of_day(rule, start.rem_euclid(DAY));
        // Almost all rules have one time; only absurd ones have many.
        work.charge(times.len() as u64 / 16)?;
        let mut steps = Self {
            frequency: rule.frequency,
            interval: i64::from(rule.interval),
            base: 0,
            week_start,
            filter: DayFilter::new(rule, day),
            times,
            positions: rule.by_set_pos.clone(),
            per_period: None,
        };
        steps.base = steps.index_of(day);
        let alike = match rule.frequency {
            Frequency::Yearly => steps.filter.is_steady_by_year(),
            Frequency::Monthly => steps.filter.is_steady_by_month(),
            Frequency::Weekly => steps.filter.is_weekly(),
            _ => steps.filter.is_open(),
        };
        if alike && rule.count.is_some() {
            let mut walk = steps.walk(start);
            if walk.fill(1, work)? && walk.total > 0 {
                steps.per_period = Some(walk.total as u64);
            }
        }
        Ok(steps)
    }

    /// The identity of the period a day lies in.
    fn index_of(&self, day: i64) -> i64 {
        match self.frequency {
            Frequency::Yearly => date_of(day).0,
            Frequency::Monthly => {
                let (year, month, _) = date_of(day);
                year * 12 + i64::from(month) - 1
            }
            Frequency::Weekly => day - i64::from((weekday_of(day) + 7 - self.week_start) % 7),
            _ => day,
        }
    }

    /// What one step adds to the identity of a period.
    fn step(&self) -> i64 {
        match self.frequency {
            Frequency::Weekly => 7 * self.interval,
            _ => self.interval,
        }
    }

    /// The identity and the first day of the period after `steps` steps; none past the end of time.
    fn period(&self, steps: i64) -> Option<(i64, i64)> {
        let index = self.base.saturating_add(steps.saturating_mul(self.step()));
        let first = match self.frequency {
            Frequency::Yearly if index < 10_000 => day_number(index, 1, 1),
            Frequency::Monthly if index < 120_000 => {
                day_number(index.div_euclid(12), index.rem_euclid(12) + 1, 1)
            }
            Frequency::Weekly | Frequency::Daily if index < END_OF_TIME => index,
            _ => return None,
        };
        Some((index, first))
    }

    /// So many periods without a day mean that there is none: by then the calendar repeats.
    fn patience(&self) -> u32 {
        match self.frequency {
            Frequency::Yearly => 400,
            Frequency::Monthly => CYCLE_MONTHS,
            Frequency::Weekly => (CYCLE_DAYS / 7) as u32,
            _ => CYCLE_DAYS as u32,
        }
    }

    pub(super) fn stride(&self) -> i64 {
        let days = match self.frequency {
            Frequency::Yearly => 366,
            Frequency::Monthly => 31,
            Frequency::Weekly => 7,
            _ => 1,
        };
        (days * DAY).saturating_mul(self.interval)
    }

    pub(super) fn walk(&self, start: i64) -> Walk<'_> {
        Walk {
            steps: self,
            start,
            cursor: DayCursor::new(&self.filter),
            period: 0,
            days: Vec::new(),
            picked: Vec::new(),
            total: 0,
            day_at: 0,
            time_at: 0,
            fruitless: 0,
            ended: false,
        }
    }
}

/// BYHOUR, BYMINUTE and BYSECOND, completed from the start, as seconds of the day.
fn times_of_day(rule: &Rule, start: i64) -> Vec<i64> {
    let or_start = |values: &[u8], start: i64| -> Vec<i64> {
        if values.is_empty() {
            return vec![start];
        }
        // Second 60 is read as 59 (section 3.3.12).
        let mut values: Vec<i64> = values.iter().map(|&v| i64::from(v.min(59))).collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    let hours = or_start(&rule.by_hour, start / 3_600);
    let minutes = or_start(&rule.by_minute, start / 60 % 60);
    let seconds = or_start(&rule.by_second, start % 60);
    let mut times = Vec::with_capacity(hours.len() * minutes.len() * seconds.len());
    for hour in &hours {
        for minute in &minutes {
            times.extend(seconds.iter().map(|s| hour * 3_600 + minute * 60 + s));
        }
    }
    times
}

/// A place in the occurrences of such a rule.
#[derive(Debug, Clone)]
pub(super) struct Walk<'a> {
    steps: &'a DateSteps,
    start: i64,
    cursor: DayCursor<'a>,
    /// Steps from the base.
    period: i64,
    /// The days of the period.
    days: Vec<i64>,
    /// What BYSETPOS picked of the period; unused without BYSETPOS.
    picked: Vec<i64>,
    /// Occurrences of the period.
    total: usize,
    day_at: usize,
    time_at: usize,
    fruitless: u32,
    ended: bool,
}

impl Walk<'_> {
    /// Goes to the period after `steps` steps; false past the end of time.
    fn fill(&mut self, steps: i64, work: &mut Work) -> Result<bool, TooMuchWork> {
        self.period = steps;
        self.days.clear();
        (self.total, self.day_at, self.time_at) = (0, 0, 0);
        let Some((index, first)) = self.steps.period(steps) else {
            self.ended = true;
            return Ok(false);
        };
        match self.steps.frequency {
            Frequency::Yearly => {
                let mut months = self.steps.filter.months();
                while months != 0 {
                    let month = months.trailing_zeros();
                    months &= months - 1;
                    let (mask, first) = self.cursor.month(index, month, work)?;
                    push_days(&mut self.days, mask, first);
                }
            }
            Frequency::Monthly => {
                let month = index.rem_euclid(12) as u32 + 1;
                let (mask, first) = self.cursor.month(index.div_euclid(12), month, work)?;
                push_days(&mut self.days, mask, first);
            }
            Frequency::Weekly => {
                for day in first..first + 7 {
                    if self.cursor.passes(day, work)? {
                        self.days.push(day);
                    }
                }
            }
            _ => {
                if self.cursor.passes(first, work)? {
                    self.days.push(first);
                }
            }
        }
        self.total = self.days.len() * self.steps.times.len();
        if !self.steps.positions.is_empty() {
            self.pick(work)?;
        }
        if self.total == 0 {
            self.fruitless += 1;
            work.charge(1)?;
        } else {
            self.fruitless = 0;
        }
        Ok(true)
    }

    /// BYSETPOS: the n-th of the period's occurrences, from its start or its end.
    fn pick(&mut self, work: &mut Work) -> Result<(), TooMuchWork> {
        self.picked.clear();
        work.charge(self.steps.positions.len() as u64 / 4)?;
        let (total, per_day) = (self.total, self.steps.times.len());
        for &position in &self.steps.positions {
            let n = usize::from(position.unsigned_abs());
            if n <= total {
                let at = if position > 0 { n - 1 } else { total - n };
                let day = self.days[at / per_day];
                self.picked.push(day * DAY + self.steps.times[at % per_day]);
            }
        }
        self.picked.sort_unstable();
        self.picked.dedup();
        self.total = self.picked.len();
        Ok(())
    }

    /// The next occurrence of the period, without passing it.
    fn peek(&self) -> Option<i64> {
        if self.steps.positions.is_empty() {
            let day = self.days.get(self.day_at)?;
            Some(day * DAY + self.steps.times[self.time_at])
        } else {
            self.picked.get(..self.total)?.get(self.day_at).copied()
        }
    }

    fn pass(&mut self) {
        self.time_at += 1;
        if !self.steps.positions.is_empty() || self.time_at == self.steps.times.len() {
            self.time_at = 0;
            self.day_at += 1;
        }
    }

    /// Occurrences of the period already passed.
    fn passed(&self) -> usize {
        if self.steps.positions.is_empty() {
            self.day_at * self.steps.times.len() + self.time_at
        } else {
            self.day_at
        }
    }

    /// Passes whatever the period has left.
    fn pass_period(&mut self) {
        self.time_at = 0;
        self.day_at = match self.steps.positions.is_empty() {
            true => self.days.len(),
            false => self.total,
        };
    }

    /// Passes the period's occurrences before `at`; says how many that were.
    fn pass_until(&mut self, at: i64) -> u64 {
        let before = self.passed();
        if self.steps.positions.is_empty() {
            let day = at.div_euclid(DAY);
            let days = self.days.partition_point(|&d| d < day);
            if days > self.day_at {
                (self.day_at, self.time_at) = (days, 0);
            }
            if self.days.get(self.day_at) == Some(&day) {
                let time = at.rem_euclid(DAY);
                let times = self.steps.times.partition_point(|&t| t < time);
                self.time_at = self.time_at.max(times);
                if self.time_at == self.steps.times.len() {
                    (self.day_at, self.time_at) = (self.day_at + 1, 0);
                }
            }
        } else {
            let picked = self.picked[..self.total].partition_point(|&t| t < at);
            self.day_at = self.day_at.max(picked);
        }
        (self.passed() - before) as u64
    }

    /// Goes to the next period that can have occurrences; false when none starts by `to`.
    fn advance(&mut self, to: i64, work: &mut Work) -> Result<bool, TooMuchWork> {
        let mut next = self.period + 1;
        if self.fruitless > self.steps.patience() {
            self.ended = true;
        }
        if self.ended {
            return Ok(false);
        }
        let Some((_, mut first)) = self.steps.period(next) else {
            self.ended = true;
            return Ok(false);
        };
        if self.steps.frequency == Frequency::Daily && !self.steps.filter.is_open() {
            // Over days that cannot pass, onto the next day of the interval.
            let Some(day) = self.cursor.next_passing(first, work)? else {
                self.ended = true;
                return Ok(false);
            };
            let steps = (day - self.steps.base + self.steps.interval - 1) / self.steps.interval;
            next = steps;
            first = self.steps.base + steps * self.steps.interval;
        }
        if first.saturating_mul(DAY) > to {
            self.ended = true;
            return Ok(false);
        }
        self.fill(next, work)
    }

    /// The next occurrence up to `to`.
    pub(super) fn next(&mut self, to: i64, work: &mut Work) -> Result<Option<i64>, TooMuchWork> {
        loop {
            if let Some(at) = self.peek() {
                if at > to {
                    return Ok(None);
                }
                self.pass();
                return Ok(Some(at));
            }
            if !self.advance(to, work)? {
                return Ok(None);
            }
        }
    }

    /// Steps from the base to the first period that ends after `at`.
    fn steps_to(&self, at: i64) -> i64 {
        let day = at.div_euclid(DAY).min(END_OF_TIME);
        let ahead = (self.steps.index_of(day) - self.steps.base).max(0);
        let step = self.steps.step();
        (ahead + step - 1) / step
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
        let target = self.steps_to(from);
        let Some(most) = most else {
            self.fill(target, work)?;
            self.pass_until(from.max(self.start));
            return Ok(0);
        };
        let mut passed = self.go_to_start(work)?;
        if target > 0 {
            let first = (self.total as u64).saturating_sub(self.passed() as u64);
            passed += first;
            if let Some(per_period) = self.steps.per_period {
                passed = passed.saturating_add(per_period.saturating_mul(target as u64 - 1));
                if passed < most {
                    self.fill(target, work)?;
                }
            } else {
                while passed < most {
                    if !self.advance(to, work)? {
                        // The last period before `to` is counted already.
                        self.pass_period();
                        break;
                    }
                    if self.period >= target {
                        break;
                    }
                    passed += self.total as u64;
                    work.charge(1)?;
                }
            }
        }
        if passed < most && !self.ended && self.period >= target {
            passed += self.pass_until(from);
        }
        Ok(passed)
    }

    /// Goes to the first period and passes what lies before the start; nothing of that counts.
    fn go_to_start(&mut self, work: &mut Work) -> Result<u64, TooMuchWork> {
        self.fill(0, work)?;
        self.pass_until(self.start);
        Ok(0)
    }

    /// Goes to the start and on past at most `number` occurrences, in closed form only; says how many.
    pub(super) fn skip(&mut self, number: u64, work: &mut Work) -> Result<u64, TooMuchWork> {
        self.go_to_start(work)?;
        let first = (self.total - self.passed()) as u64;
        let Some(per_period) = self.steps.per_period.filter(|_| number >= first) else {
            return Ok(0);
        };
        let whole = (number - first) / per_period;
        self.fill(1 + whole as i64, work)?;
        Ok(first + whole * per_period)
    }
}

fn push_days(days: &mut Vec<i64>, mut mask: u32, first: i64) {
    while mask != 0 {
        days.push(first + i64::from(mask.trailing_zeros()));
        mask &= mask - 1;
    }
}
