//! DURATION: how long something lasts (RFC 5545 section 3.3.6).
//!
//! Weeks and days are nominal (a day may have 23 or 25 hours), hours, minutes and seconds are exact; the two
//! are kept apart. Adding one to a local time is the business of whoever knows the zone.

use std::fmt;

use super::ValueError;

/// A length of time: nominal days, then exact seconds; both have the sign of the whole.
///
/// Weeks count as seven days: `P1W` equals `P7D`, but `P1D` does not equal `PT24H`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Duration {
    days: i64,
    seconds: i64,
}

/// Longest duration that is read, in days and, apart from them, in seconds: ten thousand years, more than lie
/// between the first and the last date that can be written.
const MOST_DAYS: i64 = 3_660_000;
const MOST_SECONDS: i64 = MOST_DAYS * DAY;
const DAY: i64 = 86_400;

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self {
        days: 0,
        seconds: 0,
    };

    /// `days` nominal days; negative is backwards. Cut to ten thousand years.
    pub fn of_days(days: i64) -> Self {
        Self {
            days: days.clamp(-MOST_DAYS, MOST_DAYS),
            seconds: 0,
        }
    }

    /// `seconds` exact seconds; negative is backwards. Cut to ten thousand years.
    pub fn of_seconds(seconds: i64) -> Self {
        Self {
            days: 0,
            seconds: seconds.clamp(-MOST_SECONDS, MOST_SECONDS),
        }
    }

    /// Nominal days, weeks included.
    pub fn days(self) -> i64 {
        self.days
    }

    /// Exact seconds that come after the days.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// All of it in seconds, a day taken as 24 hours.
    pub fn total_seconds(self) -> i64 {
        // Both are bounded, so this stays far below i64::MAX.
        self.days * DAY + self.seconds
    }

    /// Whether it goes backwards.
    pub fn is_negative(self) -> bool {
        self.days < 0 || self.seconds < 0
    }

    /// The same length the other way.
    #[must_use]
    pub fn negated(self) -> Self {
        Self {
            days: -self.days,
            seconds: -self.seconds,
        }
    }

    /// Reads a DURATION value.
    ///
    /// Beyond the grammar it takes what real programs write: weeks with days (`P1W6D`), parts left out in the
    /// middle (`PT1H5S`), lower case. Errors: [`ValueError::Duration`], [`ValueError::Range`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        read(text, false)
    }

    /// Reads a DURATION as WCAP clients and preferences write it: besides [`Duration::parse`], hours, minutes
    /// and seconds may stand without their `T`, so that `P15M` is fifteen minutes.
    pub fn parse_lenient(text: &str) -> Result<Self, ValueError> {
        read(text, true)
    }
}

/// The units in the order they must stand in: letter, whether it is a date unit, size in days or seconds.
const UNITS: [(u8, bool, i64); 5] = [
    (b'W', true, 7),
    (b'D', true, 1),
    (b'H', false, 3600),
    (b'M', false, 60),
    (b'S', false, 1),
];

fn read(text: &str, lenient: bool) -> Result<Duration, ValueError> {
    let (negative, rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let [b'P' | b'p', rest @ ..] = rest else {
        return Err(ValueError::Duration);
    };
    let mut rest = rest;
    let (mut days, mut seconds) = (0_i64, 0_i64);
    let (mut next_unit, mut in_time, mut parts) = (0, false, 0);
    while !rest.is_empty() {
        if let [b'T' | b't', after @ ..] = rest
            && !in_time
        {
            in_time = true;
            rest = after;
        }
        let (number, after) = digits(rest)?;
        let [letter, after @ ..] = after else {
            return Err(ValueError::Duration);
        };
        let found = UNITS[next_unit..]
            .iter()
            .position(|unit| unit.0 == letter.to_ascii_uppercase())
            .ok_or(ValueError::Duration)?;
        let (_, date_unit, size) = UNITS[next_unit + found];
        if date_unit == in_time && (date_unit || !lenient) {
            return Err(ValueError::Duration);
        }
        let sum = if date_unit { &mut days } else { &mut seconds };
        // Nine digits times 3600, added a few times, cannot overflow.
        *sum += number * size;
        next_unit += found + 1;
        parts += 1;
        rest = after;
    }
    if parts == 0 {
        return Err(ValueError::Duration);
    }
    if days > MOST_DAYS || seconds > MOST_SECONDS {
        return Err(ValueError::Range);
    }
    let duration = Duration { days, seconds };
    Ok(if negative {
        duration.negated()
    } else {
        duration
    })
}

/// A run of digits as a number, and what follows it. Leading zeros do not count against the nine digits
/// allowed.
fn digits(text: &[u8]) -> Result<(i64, &[u8]), ValueError> {
    let end = text
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(text.len());
    if end == 0 {
        return Err(ValueError::Duration);
    }
    let significant = text[..end].iter().skip_while(|&&b| b == b'0');
    let mut number = 0_i64;
    for (count, digit) in significant.enumerate() {
        if count == 9 {
            return Err(ValueError::Range);
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Ok((number, &text[end..]))
}

/// Prints the shortest form of the grammar: `P2W`, `-P1DT12H`, `PT1H0M5S`, `PT0S`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.days.unsigned_abs(), self.seconds.unsigned_abs());
        f.write_str(if self.is_negative() { "-P" } else { "P" })?;
        if seconds == 0 && days > 0 {
            return match days % 7 {
                0 => write!(f, "{}W", days / 7),
                _ => write!(f, "{days}D"),
            };
        }
        if days > 0 {
            write!(f, "{days}D")?;
        }
        f.write_str("T")?;
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            write!(f, "{hours}H")?;
        }
        // The grammar lets seconds follow hours only with minutes between them.
        if minutes > 0 || (hours > 0 && rest > 0) {
            write!(f, "{minutes}M")?;
        }
        if rest > 0 || seconds == 0 {
            write!(f, "{rest}S")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn days_and_seconds_are_kept_apart() {
        for (text, days, seconds, printed) in [
            ("P15DT5H0M20S", 15, 18_020, "P15DT5H0M20S"),
            ("P7W", 49, 0, "P7W"),
            ("-P1W6DT15H", -13, -54_000, "-P13DT15H"),
            ("-P0DT0H30M0S", 0, -1800, "-PT30M"),
            ("+PT86400S", 0, 86_400, "PT24H"),
            ("PT0S", 0, 0, "PT0S"),
            ("-PT0H", 0, 0, "PT0S"),
            ("P000000000001D", 1, 0, "P1D"),
            ("PT1H5S", 0, 3605, "PT1H0M5S"),
            ("p1dt2h", 1, 7200, "P1DT2H"),
        ] {
            let d = Duration::parse(text).unwrap();
            assert_eq!((d.days(), d.seconds()), (days, seconds), "{text}");
            assert_eq!(d.to_string(), printed, "{text}");
            assert_eq!(Duration::parse(printed).unwrap(), d, "{text}");
        }
    }

    #[test]
    fn other_things_are_refused() {
        for text in [
            "", "P", "PT", "-P", "P1", "PD", "1D", "P1DT", "PT1D", "P1M", "P1H", "P1D1W", "PT1S1M",
            "P1DTT1H", "P-1D", "P1D ", "PT1H1H", "P1.5D", "P\u{e9}",
        ] {
            assert_eq!(Duration::parse(text), Err(ValueError::Duration), "{text}");
        }
        for text in ["P1000000000D", "P3660001D", "PT999999999H", "P99999999W"] {
            assert_eq!(Duration::parse(text), Err(ValueError::Range), "{text}");
        }
    }

    #[test]
    fn wcap_leaves_the_t_out() {
        assert_eq!(Duration::parse_lenient("P15M").unwrap().seconds(), 900);
        assert_eq!(
            Duration::parse_lenient("-P1D2H").unwrap().total_seconds(),
            -93_600
        );
        assert_eq!(Duration::parse_lenient("PT15M").unwrap().seconds(), 900);
        assert_eq!(Duration::parse_lenient("PT1W"), Err(ValueError::Duration));
    }

    proptest::proptest! {
        #[test]
        fn printed_reads_back(days in -3_000_000_i64..3_000_000, seconds in 0_i64..10_000_000_000) {
            let d = Duration { days, seconds: seconds * days.signum() };
            proptest::prop_assert_eq!(Duration::parse(&d.to_string()).unwrap(), d);
        }

        #[test]
        fn any_text_is_no_harm(text in "\\PC{0,20}|[-+]?P[0-9WDTHMS]{0,30}") {
            if let Ok(d) = Duration::parse(&text) {
                proptest::prop_assert_eq!(Duration::parse(&d.to_string()).unwrap(), d);
                proptest::prop_assert_eq!(Duration::parse_lenient(&text).unwrap(), d);
            }
        }
    }
}
