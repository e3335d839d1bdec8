//! Reading the text of a rule part by part (RFC 5545 section 3.3.10), leniently where the meaning is plain.

use jiff::civil::Weekday;

use super::{FREQUENCIES, Frequency, Rule, RuleError, RuleWarning, WEEKDAYS, WeekdayNum};
use crate::ical::datetime::DateTime;
use crate::ical::value::parse_date_time;

/// Reads a rule and what was lenient about it.
pub(super) fn rule(text: &str) -> Result<(Rule, Vec<RuleWarning>), RuleError> {
    let mut reader = Reader::default();
    for part in text.split(';') {
        reader.part(part.trim())?;
    }
    reader.finish()
}

/// Parts read so far.
struct Reader {
    rule: Rule,
    frequency: Option<Frequency>,
    seen: Vec<(&'static str, String)>,
    warnings: Vec<RuleWarning>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            rule: Rule::new(Frequency::Daily),
            frequency: None,
            seen: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// The parts that have one name each; index into this is the identity of a part.
const PARTS: [&str; 14] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
];

impl Reader {
    fn part(&mut self, part: &str) -> Result<(), RuleError> {
        if part.is_empty() {
            // Many programs end a rule with ';'.
            return Ok(());
        }
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| RuleError::Part(shorten(part)))?;
        let (name, value) = (name.trim(), value.trim());
        let prefix = name.get(..2).unwrap_or_default();
        if name.len() > 2 && prefix.eq_ignore_ascii_case("X-") {
            self.rule.extensions.push(part.into());
            return Ok(());
        }
        let name = *PARTS
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))
            .ok_or_else(|| RuleError::UnknownPart(shorten(name)))?;
        if value.is_empty() {
            self.warn(RuleWarning::Empty);
            return Ok(());
        }
        if let Some((_, before)) = self.seen.iter().find(|(seen, _)| *seen == name) {
            if !before.eq_ignore_ascii_case(value) {
                return Err(RuleError::Repeated(name));
            }
            self.warn(RuleWarning::Repeated(name));
            return Ok(());
        }
        self.seen.push((name, value.to_owned()));
        self.value(name, value)
    }

    fn value(&mut self, name: &'static str, value: &str) -> Result<(), RuleError> {
        let rule = &mut self.rule;
        match name {
            "FREQ" => {
                self.frequency = Some(
                    FREQUENCIES
                        .iter()
                        .find(|(known, _)| known.eq_ignore_ascii_case(value))
                        .ok_or_else(|| RuleError::Frequency(shorten(value)))?
                        .1,
                );
            }
            "UNTIL" => rule.until = Some(until(value)?),
            // Some programs write -1 for no count.
            "COUNT" if value == "-1" => self.warn(RuleWarning::NoCount),
            "COUNT" => rule.count = Some(whole(name, value)?),
            "INTERVAL" => rule.interval = whole(name, value)?,
            "BYSECOND" => rule.by_second = unsigned(name, value, 0, 60, "0 to 60")?,
            "BYMINUTE" => rule.by_minute = unsigned(name, value, 0, 59, "0 to 59")?,
            "BYHOUR" => rule.by_hour = unsigned(name, value, 0, 23, "0 to 23")?,
            "BYMONTH" => rule.by_month = unsigned(name, value, 1, 12, "1 to 12")?,
            "BYDAY" => rule.by_day = list(value, weekday_num)?,
            "BYMONTHDAY" => {
                rule.by_month_day = signed(name, value, 31, "1 to 31 or -1 to -31")?;
            }
            "BYYEARDAY" => {
                rule.by_year_day = signed(name, value, 366, "1 to 366 or -1 to -366")?;
            }
            "BYWEEKNO" => rule.by_week_no = signed(name, value, 53, "1 to 53 or -1 to -53")?,
            "BYSETPOS" => {
                rule.by_set_pos = signed(name, value, 366, "1 to 366 or -1 to -366")?;
            }
            _ => {
                rule.week_start = weekday(value).ok_or_else(|| RuleError::Value {
                    part: "WKST",
                    expected: "a weekday such as MO",
                    found: shorten(value),
                })?;
            }
        }
        Ok(())
    }

    fn warn(&mut self, warning: RuleWarning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    fn finish(mut self) -> Result<(Rule, Vec<RuleWarning>), RuleError> {
        self.rule.frequency = self.frequency.ok_or(RuleError::NoFrequency)?;
        let rule = &self.rule;
        let frequency = rule.frequency;
        let ordinals_count = matches!(frequency, Frequency::Monthly | Frequency::Yearly)
            && rule.by_week_no.is_empty();
        let mut found = Vec::new();
        if rule.count.is_some() && rule.until.is_some() {
            found.push(RuleWarning::TwoEnds);
        }
        if !ordinals_count && rule.by_day.iter().any(|d| d.ordinal != 0) {
            found.push(RuleWarning::Ordinal);
        }
        if !rule.by_set_pos.is_empty() && !has_by_part(rule) {
            found.push(RuleWarning::LonePosition);
        }
        if !rule.by_week_no.is_empty() && frequency != Frequency::Yearly {
            found.push(RuleWarning::Misplaced("BYWEEKNO"));
        }
        if !rule.by_month_day.is_empty() && frequency == Frequency::Weekly {
            found.push(RuleWarning::Misplaced("BYMONTHDAY"));
        }
        let by_year_day_barred = matches!(
            frequency,
            Frequency::Daily | Frequency::Weekly | Frequency::Monthly
        );
        if !rule.by_year_day.is_empty() && by_year_day_barred {
            found.push(RuleWarning::Misplaced("BYYEARDAY"));
        }
        if !ordinals_count {
            for day in &mut self.rule.by_day {
                day.ordinal = 0;
            }
            dedup(&mut self.rule.by_day);
        }
        for warning in found {
            self.warn(warning);
        }
        Ok((self.rule, self.warnings))
    }
}

fn has_by_part(rule: &Rule) -> bool {
    !(rule.by_second.is_empty()
        && rule.by_minute.is_empty()
        && rule.by_hour.is_empty()
        && rule.by_day.is_empty()
        && rule.by_month_day.is_empty()
        && rule.by_year_day.is_empty()
        && rule.by_week_no.is_empty()
        && rule.by_month.is_empty())
}

/// What a message quotes of a text.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

fn weekday(text: &str) -> Option<Weekday> {
    WEEKDAYS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, day)| *day)
}

fn weekday_num(text: &str) -> Result<WeekdayNum, RuleError> {
    let bad = || RuleError::Value {
        part: "BYDAY",
        expected: "weekdays such as MO or -1FR, ordinals up to 53",
        found: shorten(text),
    };
    let at = text.len().checked_sub(2).ok_or_else(bad)?;
    let (number, name) = text.split_at_checked(at).ok_or_else(bad)?;
    let weekday = weekday(name).ok_or_else(bad)?;
    let ordinal = match number.trim() {
        "" => 0,
        number => {
            let value = integer(number)
                .filter(|n| (1..=53).contains(&n.abs()))
                .ok_or_else(bad)?;
            value as i8
        }
    };
    Ok(WeekdayNum { ordinal, weekday })
}

/// A number of at most nine digits with an optional sign.
fn integer(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !plain {
        return None;
    }
    text.parse().ok()
}

/// COUNT and INTERVAL: a positive number. What is beyond 2^31 is taken as that.
fn whole(part: &'static str, text: &str) -> Result<u32, RuleError> {
    let bad = || RuleError::Value {
        part,
        expected: "a whole number from 1",
        found: shorten(text),
    };
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    let value = digits
        .parse::<u64>()
        .map_or(1 << 31, |value| value.min(1 << 31));
    match value {
        0 => Err(bad()),
        value => Ok(value as u32),
    }
}

fn list<T: PartialEq + Copy>(
    text: &str,
    read: impl Fn(&str) -> Result<T, RuleError>,
) -> Result<Vec<T>, RuleError> {
    let mut values = Vec::new();
    for item in text.split(',').map(str::trim).filter(|i| !i.is_empty()) {
        values.push(read(item)?);
    }
    dedup(&mut values);
    Ok(values)
}

/// Drops repetitions, keeping the order.
fn dedup<T: PartialEq + Copy>(values: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(values.len());
    for &value in values.iter() {
        // The longest list a range allows is 732 different values, so this stays short.
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    *values = kept;
}

fn unsigned(
    part: &'static str,
    text: &str,
    least: i32,
    most: i32,
    expected: &'static str,
) -> Result<Vec<u8>, RuleError> {
    list(text, |item| {
        integer(item)
            .filter(|n| (least..=most).contains(n))
            .map(|n| n as u8)
            .ok_or_else(|| RuleError::Value {
                part,
                expected,
                found: shorten(item),
            })
    })
}

fn signed<T: TryFrom<i32> + PartialEq + Copy>(
    part: &'static str,
    text: &str,
    most: i32,
    expected: &'static str,
) -> Result<Vec<T>, RuleError> {
    list(text, |item| {
        integer(item)
            .filter(|n| (1..=most).contains(&n.abs()))
            .and_then(|n| T::try_from(n).ok())
            .ok_or_else(|| RuleError::Value {
                part,
                expected,
                found: shorten(item),
            })
    })
}

/// UNTIL: `YYYYMMDD`, `YYYYMMDDTHHMMSS` or `YYYYMMDDTHHMMSSZ`.
fn until(text: &str) -> Result<DateTime, RuleError> {
    parse_date_time(text, None).map_err(|_| RuleError::Value {
        part: "UNTIL",
        expected: "a date or a date and time such as 20071231T235959Z",
        found: shorten(text),
    })
}
