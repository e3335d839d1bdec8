//! PERIOD: a stretch of time, by its end or by its length (RFC 5545 section 3.3.9).

use std::fmt;

use super::{Duration, ValueError, parse_date_time};
use crate::ical::datetime::DateTime;

/// A stretch of time, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Period {
    /// `start/end`
    Between(DateTime, DateTime),
    /// `start/duration`
    Lasting(DateTime, Duration),
}

impl Period {
    /// Reads `start/end` or `start/duration`; `tzid` is the property's TZID parameter.
    ///
    /// Whether the end comes after the start is not looked at: that needs the zone.
    /// Errors: [`ValueError::Period`] or what is wrong with a part.
    pub fn parse(text: &str, tzid: Option<&str>) -> Result<Self, ValueError> {
        let (start, end) = text.split_once('/').ok_or(ValueError::Period)?;
        let start = parse_date_time(start, tzid)?;
        if start.is_date() {
            return Err(ValueError::Period);
        }
        if end.starts_with(['P', 'p', '+', '-']) {
            let length = Duration::parse(end)?;
            return if length.is_negative() {
                Err(ValueError::Period)
            } else {
                Ok(Self::Lasting(start, length))
            };
        }
        let end = parse_date_time(end, tzid)?;
        if end.is_date() {
            return Err(ValueError::Period);
        }
        Ok(Self::Between(start, end))
    }

    /// When it starts.
    pub fn start(&self) -> &DateTime {
        match self {
            Self::Between(start, _) | Self::Lasting(start, _) => start,
        }
    }
}

/// Prints the value without its parameters.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between(start, end) => write!(f, "{start}/{end}"),
            Self::Lasting(start, length) => write!(f, "{start}/{length}"),
        }
    }
}
