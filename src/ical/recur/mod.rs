//! Which local times a recurrence rule means (RFC 5545 section 3.3.10). Pure calendar arithmetic on local
//! times without zones: what an instance is, which are excluded and when they are in UTC is `instances`' work.
//!
//! A [`Plan`] is a rule compiled for one start. Asked for the occurrences of a window it goes straight to the
//! period the window starts in; a rule with COUNT is counted in closed form where its periods are all alike
//! and stepped through otherwise. All effort is charged to a [`Work`] budget, so that no rule can run away.

use jiff::civil;

use super::rule::{Frequency, Rule};

mod dates;
mod days;
mod dayset;
mod times;

#[cfg(test)]
mod tests;

use dates::DateSteps;
use times::TimeSteps;

/// The effort an expansion may take: about one unit for each month, period or occurrence looked at.
#[derive(Debug, Clone)]
pub struct Work {
    left: u64,
    granted: u64,
}

/// An expansion needed more effort than it was granted; nothing was cut silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a recurrence that can be expanded in {granted} steps, found one that needs more")]
pub struct TooMuchWork {
    /// The budget that was used up.
    pub granted: u64,
}

impl Work {
    /// Enough for any series that is meant: some hundred thousand occurrences, or an empty search through
    /// all years that can be written. Takes at most some milliseconds.
    pub const DEFAULT: u64 = 1_000_000;

    /// A budget of `units`.
    pub fn new(units: u64) -> Self {
        Self {
            left: units,
            granted: units,
        }
    }

    /// Units used so far.
    pub fn used(&self) -> u64 {
        self.granted - self.left
    }

    /// Takes `units` away.
    pub fn charge(&mut self, units: u64) -> Result<(), TooMuchWork> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(TooMuchWork {
                    granted: self.granted,
                })
            }
        }
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

/// A local time as seconds since 1970-01-01T00:00:00 of the same clock; order and distance are the clock's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalSeconds(pub i64);

impl LocalSeconds {
    /// Before every local time.
    pub const MIN: Self = Self(i64::MIN);
    /// After every local time.
    pub const MAX: Self = Self(i64::MAX);

    /// This time `seconds` later, saturating.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl From<civil::DateTime> for LocalSeconds {
    fn from(local: civil::DateTime) -> Self {
        Self(days::seconds_of(local))
    }
}

impl From<LocalSeconds> for civil::DateTime {
    /// Saturates at the years -9999 and 9999.
    fn from(seconds: LocalSeconds) -> Self {
        days::local_of(seconds.0)
    }
}

/// How a rule steps: through dates with times of day, or through hours, minutes or seconds.
#[derive(Debug, Clone)]
enum Steps {
    Dates(DateSteps),
    Times(TimeSteps),
}

/// A rule compiled for one start.
#[derive(Debug, Clone)]
pub struct Plan {
    steps: Steps,
    start: i64,
    /// Inclusive.
    last: i64,
    count: Option<u64>,
    /// The start fits the rule.
    fits: bool,
}

impl Plan {
    /// The plan of `rule` from `start`. `until` is the rule's UNTIL as a local time of the start's clock,
    /// inclusive; COUNT counts the start, whether it fits the rule or not (section 3.3.10).
    ///
    /// Errors: finding the first occurrence takes more than `work`.
    pub fn new(
        rule: &Rule,
        start: LocalSeconds,
        until: Option<LocalSeconds>,
        work: &mut Work,
    ) -> Result<Self, TooMuchWork> {
        let end = days::END_OF_TIME * days::DAY - 1;
        let steps = match rule.frequency {
            Frequency::Secondly | Frequency::Minutely | Frequency::Hourly => {
                Steps::Times(TimeSteps::new(rule, start.0))
            }
            _ => Steps::Dates(DateSteps::new(rule, start.0, work)?),
        };
        let mut plan = Self {
            steps,
            start: start.0,
            last: until.map_or(end, |until| until.0.min(end)),
            count: rule.count.map(u64::from),
            fits: true,
        };
        plan.fits = plan.has_before_counting(start.0, work)?;
        if !plan.fits {
            // The start is the first of COUNT though the rule does not give it.
            plan.count = plan.count.map(|count| count - 1);
        }
        Ok(plan)
    }

    /// Whether the start is itself an occurrence of the rule.
    pub fn fits_start(&self) -> bool {
        self.fits
    }

    /// Whether the rule ends by COUNT or UNTIL.
    pub fn is_bounded(&self) -> bool {
        self.count.is_some() || self.last != days::END_OF_TIME * days::DAY - 1
    }

    /// The last local time the rule may give, inclusive: UNTIL or the end of time.
    pub fn last_possible(&self) -> LocalSeconds {
        LocalSeconds(self.last)
    }

    /// Lets COUNT give `more` occurrences again: for callers to whom a start that does not fit is no
    /// instance (`excludedtstart`, or rules read as python-dateutil does).
    #[must_use]
    pub fn counting_only_the_rule(mut self) -> Self {
        if !self.fits {
            self.count = self.count.map(|count| count + 1);
        }
        self
    }

    /// The occurrences from `from` to `to`, both inclusive, ascending, none twice, none before the start.
    ///
    /// The start is among them only when it fits the rule.
    pub fn occurrences(&self, from: LocalSeconds, to: LocalSeconds) -> Occurrences<'_> {
        Occurrences::new(self, from.0.max(self.start), to.0.min(self.last))
    }

    fn has_before_counting(&self, at: i64, work: &mut Work) -> Result<bool, TooMuchWork> {
        let mut found = Occurrences::uncounted(self, at, at);
        Ok(found.next(work)?.is_some())
    }

    /// Whether `at` is an occurrence.
    pub fn contains(&self, at: LocalSeconds, work: &mut Work) -> Result<bool, TooMuchWork> {
        // Most questions fail without counting.
        if at.0 < self.start || at.0 > self.last || !self.has_before_counting(at.0, work)? {
            return Ok(false);
        }
        match self.count {
            None => Ok(true),
            Some(_) => Ok(self.occurrences(at, at).next(work)?.is_some()),
        }
    }

    /// How many occurrences lie before `at`.
    pub fn count_before(&self, at: LocalSeconds, work: &mut Work) -> Result<u64, TooMuchWork> {
        let to = at.0.saturating_sub(1).min(self.last);
        if to < self.start {
            return Ok(0);
        }
        let mut walk = Occurrences::uncounted(self, self.start, to);
        let before = walk.skip_to(to, work)?;
        let mut found = before;
        while walk.next(work)?.is_some() {
            found += 1;
        }
        Ok(self.count.map_or(found, |count| found.min(count)))
    }

    /// The last occurrence; none when there is no occurrence or no end.
    pub fn last(&self, work: &mut Work) -> Result<Option<LocalSeconds>, TooMuchWork> {
        if !self.is_bounded() {
            return Ok(None);
        }
        if let Some(count) = self.count {
            return self.last_counted(count, work);
        }
        self.previous(LocalSeconds(self.last).plus(1), work)
    }

    fn last_counted(
        &self,
        count: u64,
        work: &mut Work,
    ) -> Result<Option<LocalSeconds>, TooMuchWork> {
        let mut walk = Occurrences::new(self, self.start, self.last);
        walk.skip_counted(count.saturating_sub(1), work)?;
        let mut last = None;
        while let Some(at) = walk.next(work)? {
            last = Some(at);
        }
        Ok(last)
    }

    /// The last occurrence before `at`.
    pub fn previous(
        &self,
        at: LocalSeconds,
        work: &mut Work,
    ) -> Result<Option<LocalSeconds>, TooMuchWork> {
        let mut high = at.0.saturating_sub(1).min(self.last);
        let mut width = self.stride().saturating_mul(2);
        while high >= self.start {
            let low = high.saturating_sub(width).max(self.start);
            let mut found = None;
            let mut walk = self.occurrences(LocalSeconds(low), LocalSeconds(high));
            while let Some(at) = walk.next(work)? {
                found = Some(at);
            }
            if found.is_some() {
                return Ok(found);
            }
            high = low - 1;
            width = width.saturating_mul(4);
        }
        Ok(None)
    }

    /// About how long a period and its interval are, in seconds.
    fn stride(&self) -> i64 {
        match &self.steps {
            Steps::Dates(dates) => dates.stride(),
            Steps::Times(times) => times.stride(),
        }
    }
}

/// A walk through the occurrences of a plan.
#[derive(Debug, Clone)]
pub struct Occurrences<'a> {
    walk: Walk<'a>,
    from: i64,
    to: i64,
    /// Occurrences COUNT still grants.
    left: u64,
    counted: bool,
    placed: bool,
}

#[derive(Debug, Clone)]
enum Walk<'a> {
    Dates(dates::Walk<'a>),
    Times(times::Walk<'a>),
}

impl<'a> Occurrences<'a> {
    fn new(plan: &'a Plan, from: i64, to: i64) -> Self {
        Self {
            left: plan.count.unwrap_or(u64::MAX),
            counted: plan.count.is_some(),
            ..Self::uncounted(plan, from, to)
        }
    }

    /// As if the rule had no COUNT.
    fn uncounted(plan: &'a Plan, from: i64, to: i64) -> Self {
        let walk = match &plan.steps {
            Steps::Dates(dates) => Walk::Dates(dates.walk(plan.start)),
            Steps::Times(times) => Walk::Times(times.walk(plan.start)),
        };
        Self {
            walk,
            from,
            to,
            left: u64::MAX,
            counted: false,
            placed: false,
        }
    }

    /// The next occurrence; none after the last.
    pub fn next(&mut self, work: &mut Work) -> Result<Option<LocalSeconds>, TooMuchWork> {
        if self.left == 0 || self.from > self.to {
            return Ok(None);
        }
        if !self.placed {
            self.place(work)?;
            if self.left == 0 {
                return Ok(None);
            }
        }
        work.charge(1)?;
        let found = match &mut self.walk {
            Walk::Dates(walk) => walk.next(self.to, work)?,
            Walk::Times(walk) => walk.next(self.to, work)?,
        };
        match found {
            Some(at) => {
                self.left -= 1;
                Ok(Some(LocalSeconds(at)))
            }
            None => {
                self.left = 0;
                Ok(None)
            }
        }
    }

    /// Goes to the window's start: straight when nothing is counted, else counting what is passed.
    fn place(&mut self, work: &mut Work) -> Result<(), TooMuchWork> {
        self.placed = true;
        let from = self.from;
        let most = if self.counted { Some(self.left) } else { None };
        let passed = match &mut self.walk {
            Walk::Dates(walk) => walk.seek(from, self.to, most, work)?,
            Walk::Times(walk) => walk.seek(from, self.to, most, work)?,
        };
        self.left = self.left.saturating_sub(passed);
        Ok(())
    }

    /// Passes occurrences before `at` and says how many they were.
    fn skip_to(&mut self, at: i64, work: &mut Work) -> Result<u64, TooMuchWork> {
        self.placed = true;
        match &mut self.walk {
            Walk::Dates(walk) => walk.seek(at, self.to, Some(u64::MAX), work),
            Walk::Times(walk) => walk.seek(at, self.to, Some(u64::MAX), work),
        }
    }

    /// Passes up to `number` occurrences where that takes no stepping.
    fn skip_counted(&mut self, number: u64, work: &mut Work) -> Result<(), TooMuchWork> {
        self.placed = true;
        let passed = match &mut self.walk {
            Walk::Dates(walk) => walk.skip(number, work)?,
            Walk::Times(walk) => walk.skip(number, work)?,
        };
        self.left = self.left.saturating_sub(passed);
        Ok(())
    }
}
