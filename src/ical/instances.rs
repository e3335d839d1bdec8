//! The instances of a calendar object: master, rules, dates added and taken away, overrides (RFC 5545 section
//! 3.8.5). Which local times a rule gives is `recur`'s work, what a zone's clock shows is `zone`'s.
//!
//! A [`Series`] is everything about an object that says when it takes place, read once. From it come the
//! instances of a window, the span of the whole and answers about single instances; the text is not needed
//! any more. [`compact`] strips an object to what a `Series` reads.

use super::component::{Component, Property};
use super::datetime::{DateTime, TimeRange, Timestamp};
use super::recur::{LocalSeconds, TooMuchWork};

mod compact;
mod expand;
mod facts;
mod read;
#[cfg(test)]
mod tests;

pub use compact::{compact, from_compact_text, to_compact_text};
pub use facts::split_count;
pub use read::Series;

/// One instance of an object. What it looks like is the component's; see [`Series::recurrence_id`] and
/// [`Series::start_value`] for its times as values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instance {
    /// First instant.
    pub start: Timestamp,
    /// First instant after; the same as `start` for instances without a length.
    pub end: Timestamp,
    /// The component it is described by: an index into the object's components. The master for instances that
    /// nobody changed, else an override.
    pub component: usize,
    /// The start the rules gave it, unmoved: the identity that RECURRENCE-ID names.
    pub original: Timestamp,
    /// The same on the clock of the series.
    pub original_local: LocalSeconds,
    /// The start on the clock of the component's DTSTART.
    pub start_local: LocalSeconds,
    /// Whether the object is a series, so that the instance has a RECURRENCE-ID.
    pub recurs: bool,
}

impl Instance {
    /// Its time as a range.
    pub fn range(&self) -> TimeRange {
        TimeRange::lasting(self.start, self.end.0.saturating_sub(self.start.0))
    }
}

/// Why a series cannot be expanded. Nothing is ever cut silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// See [`TooMuchWork`].
    #[error(transparent)]
    TooMuchWork(#[from] TooMuchWork),
    /// More instances than the caller allows.
    #[error("expected at most {limit} instances in the asked time, found more")]
    TooManyInstances {
        /// What was allowed.
        limit: usize,
    },
}

/// How an item counts in free/busy time (sections 3.2.9, 3.8.2.7).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum BusyType {
    /// `BUSY-TENTATIVE`
    Tentative,
    /// `BUSY`
    Busy,
}

/// How a component counts in free/busy time; none when it takes none.
///
/// Only events do, unless they are transparent or cancelled; a tentative one counts as tentative.
pub fn busy_type(component: &Component) -> Option<BusyType> {
    if !component.is("VEVENT") {
        return None;
    }
    let says = |name: &str, value: &str| says(component, name, value);
    let transparent = says("TRANSP", "TRANSPARENT") || says("TRANSP", "TRANSPARENT-NOCONFLICT");
    if transparent || says("STATUS", "CANCELLED") {
        None
    } else if says("STATUS", "TENTATIVE") {
        Some(BusyType::Tentative)
    } else {
        Some(BusyType::Busy)
    }
}

/// A TRANSP of CAP as those know it who speak no CAP: whether the time is taken.
pub fn plain_transp(property: Property) -> Property {
    let value = property.value().trim();
    let at = value.len().saturating_sub("-NOCONFLICT".len());
    match value.split_at_checked(at) {
        Some((plain, tail)) if tail.eq_ignore_ascii_case("-NOCONFLICT") => {
            Property::new("TRANSP", plain)
        }
        _ => property,
    }
}

/// Whether a component lets nothing busy beside it: the kinds of TRANSP that CAP adds (RFC 4324 section 8.21).
pub fn keeps_out(component: &Component) -> bool {
    let says = |name: &str, value: &str| says(component, name, value);
    let blocks = says("TRANSP", "TRANSPARENT-NOCONFLICT") || says("TRANSP", "OPAQUE-NOCONFLICT");
    component.is("VEVENT") && blocks && !says("STATUS", "CANCELLED")
}

fn says(component: &Component, name: &str, value: &str) -> bool {
    component
        .value(name)
        .is_some_and(|v| v.trim().eq_ignore_ascii_case(value))
}

/// Something in an object that could not be read as a time or a rule and was left out of the series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The component: an index into the object's components.
    pub component: usize,
    /// The property's name.
    pub property: &'static str,
    /// A sentence.
    pub message: String,
}

/// How long an instance lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    /// So many seconds, whatever the clocks do: DTEND, DUE and the time part of DURATION.
    Exact(i64),
    /// So many days on the clock of the start, then seconds: DURATION with days, all-day items.
    Nominal { days: i64, seconds: i64 },
}

/// The form times are written in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Date,
    Floating,
    Utc,
    Zoned(Box<str>),
}

impl Form {
    fn of(value: &DateTime) -> Self {
        match value {
            DateTime::Date(_) => Self::Date,
            DateTime::Floating(_) => Self::Floating,
            DateTime::Utc(_) => Self::Utc,
            DateTime::Zoned(_, tzid) => Self::Zoned(tzid.clone()),
        }
    }

    /// A local time of this form's clock as a value.
    fn value(&self, local: LocalSeconds) -> DateTime {
        let civil = jiff::civil::DateTime::from(local);
        match self {
            Self::Date => DateTime::Date(civil.date()),
            Self::Floating => DateTime::Floating(civil),
            Self::Utc => DateTime::Utc(Timestamp(local.0)),
            Self::Zoned(tzid) => DateTime::Zoned(civil, tzid.clone()),
        }
    }
}
