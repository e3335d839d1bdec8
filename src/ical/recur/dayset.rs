//! Which days a rule lets through: the BYxxx parts that speak of dates, compiled to one bit mask per month.
//! Times of day and periods are `dates` and `times`.

use super::days::{self, date_of, day_number, month_length, weekday_of, year_length};
use super::{TooMuchWork, Work};
use crate::ical::rule::{Frequency, Rule};

/// All months.
const ANY_MONTH: u16 = 0x1ffe;

/// Months of the cycle after which dates and weekdays repeat.
pub(super) const CYCLE_MONTHS: u32 = 4_800;

/// The date parts of one rule. A day passes when every part that is present lets it through; values of one
/// part are alternatives (section 3.3.10, where they limit and where they expand alike).
#[derive(Debug, Clone)]
pub(super) struct DayFilter {
    months: u16,
    /// BYMONTHDAY for months of 28, 29, 30 and 31 days, bit 0 the first day.
    month_days: [u32; 4],
    /// Days of a month by BYDAY values without ordinal; by the weekday of the month's first day.
    weekday_days: [u32; 7],
    by_day: bool,
    ordinals: Vec<(i8, u32)>,
    /// Whether ordinals count within the year instead of the month.
    ordinals_of_year: bool,
    year_days: Vec<i16>,
    weeks: Vec<i8>,
    week_start: u32,
    /// Days per month are the same in every month that passes.
    steady: bool,
    /// No part limits days at all.
    open: bool,
}

impl DayFilter {
    /// The date parts of `rule`, completed from the day of its start where the rule leaves it open.
    pub(super) fn new(rule: &Rule, start_day: i64) -> Self {
        let (_, month, day) = date_of(start_day);
        let mut months = rule.by_month.iter().fold(0, |mask, m| mask | 1u16 << m);
        let mut month_days = rule.by_month_day.clone();
        let mut weekdays = 0u8;
        let mut ordinals = Vec::new();
        let yearly = rule.frequency == Frequency::Yearly;
        for day in &rule.by_day {
            let weekday = days::weekday_number(day.weekday);
            match day.ordinal {
                0 => weekdays |= 1 << weekday,
                n => ordinals.push((n, weekday)),
            }
        }
        let undated = rule.by_week_no.is_empty()
            && rule.by_year_day.is_empty()
            && rule.by_month_day.is_empty()
            && rule.by_day.is_empty();
        if undated {
            match rule.frequency {
                Frequency::Yearly => {
                    month_days.push(day as i8);
                    if months == 0 {
                        months = 1 << month;
                    }
                }
                Frequency::Monthly => month_days.push(day as i8),
                Frequency::Weekly => weekdays = 1 << weekday_of(start_day),
                _ => {}
            }
        }
        let by_day = weekdays != 0 || !ordinals.is_empty();
        let far = rule.by_week_no.is_empty() && rule.by_year_day.is_empty();
        let steady_days = !by_day && one_sided(month_days.iter().copied(), 28);
        let steady_ordinals = month_days.is_empty()
            && weekdays == 0
            && by_day
            && one_sided(ordinals.iter().map(|o| o.0), 4);
        let ordinals_of_year = yearly && rule.by_month.is_empty() && !ordinals.is_empty();
        Self {
            open: months == 0 && month_days.is_empty() && !by_day && far,
            steady: far
                && ((steady_days && !month_days.is_empty())
                    || (steady_ordinals && !ordinals_of_year)),
            months: if months == 0 { ANY_MONTH } else { months },
            month_days: [28, 29, 30, 31].map(|length| month_day_mask(&month_days, length)),
            weekday_days: [0, 1, 2, 3, 4, 5, 6].map(|first| weekday_mask(weekdays, first)),
            by_day,
            ordinals_of_year,
            ordinals,
            year_days: rule.by_year_day.clone(),
            weeks: rule.by_week_no.clone(),
            week_start: days::weekday_number(rule.week_start),
        }
    }

    /// Whether every day passes.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether only weekdays without ordinals limit the days, so that every week is alike.
    pub(super) fn is_weekly(&self) -> bool {
        self.months == ANY_MONTH
            && self.month_days[3] == full(31)
            && self.ordinals.is_empty()
            && self.year_days.is_empty()
            && self.weeks.is_empty()
    }

    /// Whether each year has the same number of days that pass.
    pub(super) fn is_steady_by_year(&self) -> bool {
        self.steady
    }

    /// Whether each month has the same number of days that pass.
    pub(super) fn is_steady_by_month(&self) -> bool {
        self.steady && self.months == ANY_MONTH
    }

    /// The months that can pass, bit 1 January.
    pub(super) fn months(&self) -> u16 {
        self.months
    }

    /// The days of a month that pass, bit 0 the first.
    fn month_mask(&self, month: &Month, year: &Year) -> u32 {
        if self.months & 1 << month.month == 0 {
            return 0;
        }
        let mut mask = self.month_days[month.length as usize - 28];
        if self.by_day {
            let first = weekday_of(month.first);
            let mut by_day = self.weekday_days[first as usize];
            if self.ordinals_of_year {
                by_day |= year.ordinals.slice(month.first - year.first);
            } else {
                for &(n, weekday) in &self.ordinals {
                    by_day |= nth_of_month(n, weekday, first, month.length);
                }
            }
            mask &= by_day;
        }
        if year.limited {
            mask &= year.limit.slice(month.first - year.first);
        }
        mask & full(month.length)
    }

    fn needs_year(&self) -> bool {
        !self.year_days.is_empty() || !self.weeks.is_empty() || self.ordinals_of_year
    }

    fn year_sets(&self, year: i64) -> Year {
        let first = day_number(year, 1, 1);
        let length = year_length(year);
        let mut sets = Year {
            year,
            first,
            limited: !self.year_days.is_empty() || !self.weeks.is_empty(),
            limit: Bits::default(),
            ordinals: Bits::default(),
        };
        if self.ordinals_of_year {
            let first_weekday = weekday_of(first);
            for &(n, weekday) in &self.ordinals {
                if let Some(day) = nth_of_span(n, weekday, first_weekday, length) {
                    sets.ordinals.set(day);
                }
            }
        }
        if !self.year_days.is_empty() {
            for &n in &self.year_days {
                let n = i64::from(n);
                let day = if n > 0 { n - 1 } else { length + n };
                if (0..length).contains(&day) {
                    sets.limit.set(day);
                }
            }
        }
        if !self.weeks.is_empty() {
            let mut weeks = Bits::default();
            for week_year in year - 1..=year + 1 {
                self.set_weeks(year, week_year, first, length, &mut weeks);
            }
            if self.year_days.is_empty() {
                sets.limit = weeks;
            } else {
                sets.limit.intersect(&weeks);
            }
        }
        sets
    }

    /// Marks the days of BYWEEKNO's weeks of `week_year` that fall in `year`, which starts at `first`.
    fn set_weeks(&self, year: i64, week_year: i64, first: i64, length: i64, bits: &mut Bits) {
        let start = first_week(week_year, self.week_start);
        let count = (first_week(week_year + 1, self.week_start) - start) / 7;
        for &n in &self.weeks {
            let n = i64::from(n);
            let week = if n > 0 { n - 1 } else { count + n };
            // DIFFERENCE: a day of the next year's week 1 is named by 1 only, never from that year's end.
            let named_from_afar = week_year > year && n < 0;
            if !(0..count).contains(&week) || named_from_afar {
                continue;
            }
            for day in 0..7 {
                let at = start + week * 7 + day - first;
                if (0..length).contains(&at) {
                    bits.set(at);
                }
            }
        }
    }
}

/// Week 1 is the first with at least four days in the year (section 3.3.10, BYWEEKNO).
fn first_week(year: i64, week_start: u32) -> i64 {
    let fourth = day_number(year, 1, 4);
    fourth - i64::from((weekday_of(fourth) + 7 - week_start) % 7)
}

/// Whether all values have one sign and none is beyond `most`, so that none can fail or meet another.
fn one_sided(values: impl Iterator<Item = i8> + Clone, most: i8) -> bool {
    values.clone().all(|n| (1..=most).contains(&n))
        || values.clone().all(|n| (-most..=-1).contains(&n))
}

const fn full(length: u32) -> u32 {
    u32::MAX >> (32 - length)
}

fn month_day_mask(values: &[i8], length: u32) -> u32 {
    if values.is_empty() {
        return full(31);
    }
    values.iter().fold(0, |mask, &n| {
        let day = if n > 0 {
            i64::from(n) - 1
        } else {
            i64::from(length) + i64::from(n)
        };
        if (0..i64::from(length)).contains(&day) {
            mask | 1 << day
        } else {
            mask
        }
    })
}

fn weekday_mask(weekdays: u8, first: u32) -> u32 {
    (0..31)
        .filter(|day| weekdays & 1 << ((first + day) % 7) != 0)
        .fold(0, |mask, day| mask | 1 << day)
}

/// The n-th `weekday` of a span of days, counted from 0; negative n count from the end.
fn nth_of_span(n: i8, weekday: u32, first_weekday: u32, length: i64) -> Option<i64> {
    let n = i64::from(n);
    let day = if n > 0 {
        i64::from((weekday + 7 - first_weekday) % 7) + (n - 1) * 7
    } else {
        let last_weekday = (i64::from(first_weekday) + length - 1).rem_euclid(7);
        length - 1 - (last_weekday - i64::from(weekday)).rem_euclid(7) + (n + 1) * 7
    };
    (0..length).contains(&day).then_some(day)
}

fn nth_of_month(n: i8, weekday: u32, first_weekday: u32, length: u32) -> u32 {
    nth_of_span(n, weekday, first_weekday, i64::from(length)).map_or(0, |day| 1 << day)
}

/// A set of days of one year.
#[derive(Debug, Clone, Default)]
struct Bits([u64; 7]);

impl Bits {
    fn set(&mut self, day: i64) {
        self.0[day as usize / 64] |= 1 << (day % 64);
    }

    fn intersect(&mut self, other: &Self) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a &= b;
        }
    }

    /// 32 days from `day` (at most 365; the last word is spare so that there is always a next one).
    fn slice(&self, day: i64) -> u32 {
        let (word, bit) = (day as usize / 64, day % 64);
        let low = self.0[word] >> bit;
        let high = if bit == 0 {
            0
        } else {
            self.0[word + 1] << (64 - bit)
        };
        (low | high) as u32
    }
}

#[derive(Debug, Clone)]
struct Year {
    year: i64,
    first: i64,
    limited: bool,
    limit: Bits,
    ordinals: Bits,
}

#[derive(Debug, Clone, Copy)]
struct Month {
    year: i64,
    month: u32,
    first: i64,
    length: u32,
}

/// A filter with the month it looked at last.
#[derive(Debug, Clone)]
pub(super) struct DayCursor<'a> {
    filter: &'a DayFilter,
    month: Month,
    mask: u32,
    year: Year,
}

impl<'a> DayCursor<'a> {
    pub(super) fn new(filter: &'a DayFilter) -> Self {
        Self {
            filter,
            month: Month {
                year: 0,
                month: 0,
                first: 0,
                length: 0,
            },
            mask: 0,
            year: Year {
                year: i64::MIN,
                first: 0,
                limited: false,
                limit: Bits::default(),
                ordinals: Bits::default(),
            },
        }
    }

    /// The days of a month that pass, bit 0 the first, and the number of its first day.
    pub(super) fn month(
        &mut self,
        year: i64,
        month: u32,
        work: &mut Work,
    ) -> Result<(u32, i64), TooMuchWork> {
        if self.month.year != year || self.month.month != month {
            work.charge(1)?;
            self.month = Month {
                year,
                month,
                first: day_number(year, month.into(), 1),
                length: month_length(year, month),
            };
            if self.filter.needs_year() && self.year.year != year {
                work.charge(4)?;
                self.year = self.filter.year_sets(year);
            }
            self.mask = self.filter.month_mask(&self.month, &self.year);
        }
        Ok((self.mask, self.month.first))
    }

    /// Whether a day passes.
    pub(super) fn passes(&mut self, day: i64, work: &mut Work) -> Result<bool, TooMuchWork> {
        if self.filter.open {
            return Ok(true);
        }
        self.load(day, work)?;
        Ok(self.mask >> (day - self.month.first) & 1 == 1)
    }

    fn load(&mut self, day: i64, work: &mut Work) -> Result<(), TooMuchWork> {
        if !(self.month.first..self.month.first + i64::from(self.month.length)).contains(&day) {
            let (year, month, _) = date_of(day);
            self.month(year, month, work)?;
        }
        Ok(())
    }

    /// The first day from `day` on that passes; none when no day of 400 years does or time ends.
    pub(super) fn next_passing(
        &mut self,
        day: i64,
        work: &mut Work,
    ) -> Result<Option<i64>, TooMuchWork> {
        if self.filter.open {
            return Ok(Some(day));
        }
        let mut day = day;
        for _ in 0..=CYCLE_MONTHS {
            if day >= days::END_OF_TIME {
                return Ok(None);
            }
            self.load(day, work)?;
            let rest = self.mask >> (day - self.month.first);
            if rest != 0 {
                return Ok(Some(day + i64::from(rest.trailing_zeros())));
            }
            day = self.month.first + i64::from(self.month.length);
        }
        Ok(None)
    }
}
