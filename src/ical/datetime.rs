//! Instants, ranges and the four kinds of time a calendar writes (RFC 5545 sections 3.3.4, 3.3.5).
//!
//! A [`Timestamp`] is an instant. A [`DateTime`] is what stands in a property: a date, a floating time, a UTC
//! time or a local time of a named zone; it needs a [`Zone`](super::zone::Zone) to become an instant.

use std::fmt;

use jiff::civil;

/// An instant: seconds since 1970-01-01T00:00:00Z, without leap seconds. iCalendar knows no fractions.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Before every time that can be written.
    pub const MIN: Self = Self(i64::MIN);
    /// After every time that can be written: the end of an open range.
    pub const MAX: Self = Self(i64::MAX);

    /// The UTC calendar date and time; years outside -9999..=9999 are cut to the nearest inside.
    pub fn to_civil(self) -> civil::DateTime {
        let lowest = jiff::Timestamp::MIN.as_second();
        let highest = jiff::Timestamp::MAX.as_second();
        jiff::Timestamp::from_second(self.0.clamp(lowest, highest))
            .map(|t| jiff::tz::Offset::UTC.to_datetime(t))
            .unwrap_or(civil::DateTime::MAX)
    }

    /// The instant of a UTC calendar date and time.
    pub fn from_civil_utc(utc: civil::DateTime) -> Self {
        // civil::DateTime reaches a little further than jiff::Timestamp; both ends saturate.
        match jiff::tz::Offset::UTC.to_timestamp(utc) {
            Ok(t) => Self(t.as_second()),
            Err(_) if utc.year() < 0 => Self(jiff::Timestamp::MIN.as_second()),
            Err(_) => Self(jiff::Timestamp::MAX.as_second()),
        }
    }

    /// This instant `seconds` later (earlier when negative), saturating.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// Prints `YYYYMMDDTHHMMSSZ`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Basic(self.to_civil()).fmt(f)?;
        f.write_str("Z")
    }
}

/// A half-open range of instants, `[start, end)`; `start <= end` by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl TimeRange {
    /// Everything.
    pub const ALL: Self = Self {
        start: Timestamp::MIN,
        end: Timestamp::MAX,
    };

    /// The range from `start` to `end`; nothing when they are the wrong way round.
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// The range from `start` that is `seconds` long; negative lengths count as none.
    pub fn lasting(start: Timestamp, seconds: i64) -> Self {
        Self {
            start,
            end: start.plus(seconds.max(0)),
        }
    }

    /// First instant inside.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// First instant after.
    pub fn end(self) -> Timestamp {
        self.end
    }

    /// Whether the two share an instant; an empty range counts as its one starting instant
    /// (section 9.9 of RFC 4791: zero-length events are found where they start).
    pub fn overlaps(self, other: Self) -> bool {
        let self_end = self.end.max(self.start.plus(1));
        let other_end = other.end.max(other.start.plus(1));
        self.start < other_end && other.start < self_end
    }

    /// Whether `instant` is inside.
    pub fn contains(self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }
}

/// The value of DTSTART, DTEND, DUE, RECURRENCE-ID, RDATE, EXDATE and their like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DateTime {
    /// `VALUE=DATE`: a whole day wherever one is.
    Date(civil::Date),
    /// A local time without a zone.
    Floating(civil::DateTime),
    /// A time written with `Z`.
    Utc(Timestamp),
    /// A local time and its `TZID`.
    Zoned(civil::DateTime, Box<str>),
}

impl DateTime {
    /// The date and time as written, midnight for a date.
    pub fn civil(&self) -> civil::DateTime {
        match self {
            Self::Date(date) => date.at(0, 0, 0, 0),
            Self::Floating(local) | Self::Zoned(local, _) => *local,
            Self::Utc(instant) => instant.to_civil(),
        }
    }

    /// Whether this is a date without a time.
    pub fn is_date(&self) -> bool {
        matches!(self, Self::Date(_))
    }

    /// The `TZID` parameter this value needs.
    pub fn tzid(&self) -> Option<&str> {
        match self {
            Self::Zoned(_, tzid) => Some(tzid),
            _ => None,
        }
    }
}

/// Prints the value without its parameters: `YYYYMMDD`, `YYYYMMDDTHHMMSS` or `YYYYMMDDTHHMMSSZ`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(d) => write!(f, "{:04}{:02}{:02}", d.year(), d.month(), d.day()),
            Self::Floating(local) | Self::Zoned(local, _) => Basic(*local).fmt(f),
            Self::Utc(instant) => instant.fmt(f),
        }
    }
}

/// ISO 8601 basic form without a zone.
struct Basic(civil::DateTime);

impl fmt::Display for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.0;
        let Ok(year) = u16::try_from(t.year()) else {
            // Before our era there are no calendars, only arithmetic that saturates.
            let (y, mo, d, h, mi, s) = (
                t.year(),
                t.month(),
                t.day(),
                t.hour(),
                t.minute(),
                t.second(),
            );
            return write!(f, "{y:04}{mo:02}{d:02}T{h:02}{mi:02}{s:02}");
        };
        // Answers are full of times: no formatting machinery for each of their parts.
        let mut text = *b"00000000T000000";
        let fields = [
            (0, (year / 100) as i8),
            (2, (year % 100) as i8),
            (4, t.month()),
            (6, t.day()),
            (9, t.hour()),
            (11, t.minute()),
            (13, t.second()),
        ];
        for (at, value) in fields {
            let value = value.unsigned_abs();
            text[at] += value / 10;
            text[at + 1] += value % 10;
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}
