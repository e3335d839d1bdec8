//! Recurrence rules as they are written: RRULE and EXRULE (RFC 5545 sections 3.3.10, 3.8.5.3; EXRULE is RFC
//! 2445's). Reading and printing only; which times a rule means is `recur`'s work.

use std::fmt;

use jiff::civil::Weekday;

use super::datetime::DateTime;

mod read;
#[cfg(test)]
pub(crate) mod tests;

/// How often a rule steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// `SECONDLY`
    Secondly,
    /// `MINUTELY`
    Minutely,
    /// `HOURLY`
    Hourly,
    /// `DAILY`
    Daily,
    /// `WEEKLY`
    Weekly,
    /// `MONTHLY`
    Monthly,
    /// `YEARLY`
    Yearly,
}

const FREQUENCIES: [(&str, Frequency); 7] = [
    ("SECONDLY", Frequency::Secondly),
    ("MINUTELY", Frequency::Minutely),
    ("HOURLY", Frequency::Hourly),
    ("DAILY", Frequency::Daily),
    ("WEEKLY", Frequency::Weekly),
    ("MONTHLY", Frequency::Monthly),
    ("YEARLY", Frequency::Yearly),
];

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

/// One value of BYDAY: a weekday, every one of the period or the n-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WeekdayNum {
    /// 0: every such weekday; 1 to 53: the n-th from the start; -1 to -53: from the end.
    pub ordinal: i8,
    /// The weekday.
    pub weekday: Weekday,
}

/// One recurrence rule. Lists keep the order they were written in, without repetitions; an empty list is
/// a part that is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// FREQ
    pub frequency: Frequency,
    /// INTERVAL, at least 1.
    pub interval: u32,
    /// COUNT, at least 1.
    pub count: Option<u32>,
    /// UNTIL, inclusive: a date, a floating or a UTC time, never a zoned one.
    pub until: Option<DateTime>,
    /// BYSECOND, 0 to 60.
    pub by_second: Vec<u8>,
    /// BYMINUTE, 0 to 59.
    pub by_minute: Vec<u8>,
    /// BYHOUR, 0 to 23.
    pub by_hour: Vec<u8>,
    /// BYDAY
    pub by_day: Vec<WeekdayNum>,
    /// BYMONTHDAY, 1 to 31 or -1 to -31.
    pub by_month_day: Vec<i8>,
    /// BYYEARDAY, 1 to 366 or -1 to -366.
    pub by_year_day: Vec<i16>,
    /// BYWEEKNO, 1 to 53 or -1 to -53.
    pub by_week_no: Vec<i8>,
    /// BYMONTH, 1 to 12.
    pub by_month: Vec<u8>,
    /// BYSETPOS, 1 to 366 or -1 to -366.
    pub by_set_pos: Vec<i16>,
    /// WKST, Monday when absent.
    pub week_start: Weekday,
    /// Parts whose name starts with `X-`, as written; they say nothing about times.
    pub extensions: Vec<Box<str>>,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A part is not NAME=value.
    #[error("expected rule parts written NAME=value, found '{0}'")]
    Part(String),
    /// A part the standard does not know.
    #[error("expected a part of a recurrence rule such as BYDAY, found '{0}'")]
    UnknownPart(String),
    /// The same part twice.
    #[error("expected each rule part once, found {0} again")]
    Repeated(&'static str),
    /// No FREQ.
    #[error("expected FREQ in a recurrence rule, found none")]
    NoFrequency,
    /// FREQ with a value that is no frequency.
    #[error(
        "expected FREQ to be SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY, found '{0}'"
    )]
    Frequency(String),
    /// A number outside its range.
    #[error("expected {part} to be {expected}, found '{found}'")]
    Value {
        /// The part's name.
        part: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it was.
        found: String,
    },
    /// Both ends at once (strict reading only).
    #[error("expected either COUNT or UNTIL in a recurrence rule, found both")]
    TwoEnds,
}

/// A deviation from the standard that was read leniently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleWarning {
    /// COUNT and UNTIL together: whichever ends first ends the series.
    #[error("the rule has both COUNT and UNTIL; the earlier end counts")]
    TwoEnds,
    /// An ordinal in BYDAY where the frequency, or BYWEEKNO, leaves it no meaning: ignored.
    #[error(
        "BYDAY has an ordinal, which counts only in MONTHLY and YEARLY rules without BYWEEKNO; it is ignored"
    )]
    Ordinal,
    /// BYSETPOS without another BY part.
    #[error("BYSETPOS stands without another BY part")]
    LonePosition,
    /// A part that the standard forbids for this frequency; it limits the series like any other.
    #[error("the standard does not allow {0} with this FREQ; it limits the series")]
    Misplaced(&'static str),
    /// COUNT=-1, read as no COUNT.
    #[error("COUNT is -1; it is read as no COUNT")]
    NoCount,
    /// Empty parts (`;;`) or empty list values were skipped.
    #[error("the rule has empty parts; they were skipped")]
    Empty,
    /// The same part twice with the same value.
    #[error("the rule says {0} twice in the same words")]
    Repeated(&'static str),
}

impl Rule {
    /// A rule with nothing but a frequency.
    pub fn new(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            count: None,
            until: None,
            by_second: Vec::new(),
            by_minute: Vec::new(),
            by_hour: Vec::new(),
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            by_year_day: Vec::new(),
            by_week_no: Vec::new(),
            by_month: Vec::new(),
            by_set_pos: Vec::new(),
            week_start: Weekday::Monday,
            extensions: Vec::new(),
        }
    }

    /// Reads a rule, taking leniently what has an obvious meaning.
    ///
    /// Errors: see [`RuleError`]; never [`RuleError::TwoEnds`].
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        Self::parse_reporting(text).map(|(rule, _)| rule)
    }

    /// Reads a rule and refuses one with both COUNT and UNTIL (section 3.3.10).
    pub fn parse_strict(text: &str) -> Result<Self, RuleError> {
        let rule = Self::parse(text)?;
        if rule.count.is_some() && rule.until.is_some() {
            return Err(RuleError::TwoEnds);
        }
        Ok(rule)
    }

    /// Reads a rule and tells what was read leniently.
    pub fn parse_reporting(text: &str) -> Result<(Self, Vec<RuleWarning>), RuleError> {
        read::rule(text)
    }

    /// Whether the rule names an end, COUNT or UNTIL.
    pub fn is_bounded(&self) -> bool {
        self.count.is_some() || self.until.is_some()
    }
}

/// Prints the parts in the standard's order, FREQ first; what is the default is left out.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frequency = FREQUENCIES
            .iter()
            .find(|(_, known)| *known == self.frequency)
            .map_or("DAILY", |(name, _)| name);
        write!(f, "FREQ={frequency}")?;
        if let Some(until) = &self.until {
            write!(f, ";UNTIL={until}")?;
        }
        if let Some(count) = self.count {
            write!(f, ";COUNT={count}")?;
        }
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        print_list(f, "BYSECOND", &self.by_second)?;
        print_list(f, "BYMINUTE", &self.by_minute)?;
        print_list(f, "BYHOUR", &self.by_hour)?;
        print_list(f, "BYDAY", &self.by_day)?;
        print_list(f, "BYMONTHDAY", &self.by_month_day)?;
        print_list(f, "BYYEARDAY", &self.by_year_day)?;
        print_list(f, "BYWEEKNO", &self.by_week_no)?;
        print_list(f, "BYMONTH", &self.by_month)?;
        print_list(f, "BYSETPOS", &self.by_set_pos)?;
        if self.week_start != Weekday::Monday {
            write!(f, ";WKST={}", weekday_name(self.week_start))?;
        }
        for extension in &self.extensions {
            write!(f, ";{extension}")?;
        }
        Ok(())
    }
}

fn print_list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    values: &[T],
) -> fmt::Result {
    for (at, value) in values.iter().enumerate() {
        match at {
            0 => write!(f, ";{name}={value}")?,
            _ => write!(f, ",{value}")?,
        }
    }
    Ok(())
}

fn weekday_name(day: Weekday) -> &'static str {
    WEEKDAYS[day.to_monday_zero_offset() as usize].0
}

/// Prints `MO`, `2MO` or `-1MO`.
impl fmt::Display for WeekdayNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ordinal != 0 {
            write!(f, "{}", self.ordinal)?;
        }
        f.write_str(weekday_name(self.weekday))
    }
}

impl std::str::FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::parse(text)
    }
}
