//! Times of a component: read from what is stored, written as a client wants them.

use std::sync::Arc;

use jiff::Span;

use super::names::Name;
use super::zones::{Found, ZoneBook};
use crate::core::items::fetch::Occurrence;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::object::Kind;
use crate::ical::value::{self, Duration};
use crate::ical::zone::Zone;

/// Reads and writes the times of one object.
pub(super) struct Clock<'a> {
    pub(super) book: &'a mut ZoneBook,
    pub(super) timezones: &'a [Component],
    /// The zone of floating times.
    pub(super) floating: &'a Zone,
    /// The zone the client asked for.
    pub(super) shown_in: Option<&'a Zone>,
    /// From when on zones of the data have to agree with those of their names; none: where they are used.
    pub(super) since: Option<Timestamp>,
}

impl Clock<'_> {
    fn find(&mut self, value: &DateTime) -> Option<Found> {
        self.book.find(value.tzid()?, self.timezones)
    }

    /// The zone whose clock shows the value.
    pub(super) fn zone(&mut self, value: &DateTime) -> Zone {
        match value {
            DateTime::Utc(_) => Zone::utc(),
            DateTime::Zoned(..) => {
                let found = self.find(value);
                found.map_or_else(|| self.floating.clone(), |found| found.zone)
            }
            DateTime::Date(_) | DateTime::Floating(_) => self.floating.clone(),
        }
    }

    /// The instant a value means.
    pub(super) fn instant(&mut self, value: &DateTime) -> Timestamp {
        match value {
            DateTime::Utc(instant) => *instant,
            DateTime::Zoned(local, _) => match self.find(value) {
                Some(found) => found.zone.to_timestamp(*local),
                None => self.floating.to_timestamp(*local),
            },
            DateTime::Date(_) | DateTime::Floating(_) => self.floating.to_timestamp(value.civil()),
        }
    }

    /// The value in the form answers have it.
    pub(super) fn show(&mut self, value: &DateTime) -> DateTime {
        if value.is_date() {
            return value.clone();
        }
        let found = self.find(value);
        let instant = match (&found, value) {
            (_, DateTime::Utc(instant)) => *instant,
            (Some(found), _) => found.zone.to_timestamp(value.civil()),
            (None, _) => self.floating.to_timestamp(value.civil()),
        };
        if let Some(zone) = self.shown_in {
            return DateTime::Floating(zone.to_civil(instant));
        }
        if let Some(found) = found
            && self.book.listed(&found, instant, self.since).is_none()
            && let Some(name) = self.book.use_own(&found)
        {
            return DateTime::Zoned(value.civil(), (&*name).into());
        }
        DateTime::Utc(instant)
    }

    /// The value as a property.
    pub(super) fn property(&mut self, name: Name, value: &DateTime) -> Property {
        value::date_time_property(name.as_str(), &self.show(value))
    }

    /// The name of the tz database's zone a value lives in: none for UTC, days, and zones that only the data knows.
    pub(super) fn listed(&mut self, value: &DateTime) -> Option<Arc<str>> {
        match value {
            DateTime::Date(_) | DateTime::Utc(_) => None,
            DateTime::Floating(_) => Some(self.floating.id().into()),
            DateTime::Zoned(local, _) => {
                let Some(found) = self.find(value) else {
                    return Some(self.floating.id().into());
                };
                let instant = found.zone.to_timestamp(*local);
                let listed = self.book.listed(&found, instant, self.since)?;
                Some(listed.id().into())
            }
        }
    }

    /// `start` and a length: days on its clock, then exact seconds.
    pub(super) fn later(&mut self, start: &DateTime, length: Duration) -> DateTime {
        if let DateTime::Date(date) = start {
            let part = length.seconds();
            let days = length.days() + part.div_euclid(86_400) + i64::from(part % 86_400 != 0);
            return DateTime::Date(date.saturating_add(Span::new().days(days)));
        }
        let civil = start
            .civil()
            .saturating_add(Span::new().days(length.days()));
        let zone = self.zone(start);
        self.local(zone.to_timestamp(civil).plus(length.seconds()), start)
    }

    /// An instant in the form that `like` has; UTC where its clock shows that time for another instant first.
    pub(super) fn local(&mut self, instant: Timestamp, like: &DateTime) -> DateTime {
        let zone = self.zone(like);
        let civil = zone.to_civil(instant);
        match like {
            DateTime::Date(_) => DateTime::Date(civil.date()),
            DateTime::Utc(_) => DateTime::Utc(instant),
            _ if zone.to_timestamp(civil) != instant => DateTime::Utc(instant),
            DateTime::Floating(_) => DateTime::Floating(civil),
            DateTime::Zoned(_, tzid) => DateTime::Zoned(civil, tzid.clone()),
        }
    }
}

/// When a component ends, as it says so.
#[derive(Debug, Clone)]
enum End {
    At(DateTime),
    After(Duration),
    /// An instance's end, in the form of this value.
    Instant(Timestamp, DateTime),
}

/// The times of a component, in the form they are stored.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) start: Option<DateTime>,
    end: Option<End>,
    pub(super) recurrence_id: Option<DateTime>,
    kind: Kind,
}

/// When a component starts and ends: what its alarms count from.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
}

impl Times {
    /// Those of `component`, or of the one instance of it. What cannot be read counts as absent.
    pub(super) fn of(component: &Component, kind: Kind, occurrence: Option<&Occurrence>) -> Self {
        let mut times = Self {
            start: None,
            end: None,
            recurrence_id: None,
            kind,
        };
        for property in component.properties() {
            let name = property.name();
            let read = || value::date_time(property).ok();
            if name.eq_ignore_ascii_case("DTSTART") {
                times.start = read();
            } else if name.eq_ignore_ascii_case("RECURRENCE-ID") {
                times.recurrence_id = read();
            } else if name.eq_ignore_ascii_case("DTEND") || name.eq_ignore_ascii_case("DUE") {
                times.end = read().map(End::At);
            } else if name.eq_ignore_ascii_case("DURATION") && times.end.is_none() {
                times.end = value::duration(property).ok().map(End::After);
            }
        }
        if let Some(occurrence) = occurrence {
            let like = match times.end.take() {
                Some(End::At(end)) if end.is_date() == occurrence.start.is_date() => end,
                _ => occurrence.start.clone(),
            };
            times.end = Some(End::Instant(occurrence.end, like));
            times.start = Some(occurrence.start.clone());
        }
        times
    }

    /// Whether these are the times of one instance.
    pub(super) fn is_occurrence(&self) -> bool {
        matches!(self.end, Some(End::Instant(..)))
    }

    /// Whether the component's time is nobody's in particular.
    pub(super) fn is_floating(&self) -> bool {
        let first = self.start.as_ref().or(match &self.end {
            Some(End::At(end)) => Some(end),
            _ => None,
        });
        matches!(first, Some(DateTime::Floating(_)))
    }

    /// DTEND or DUE. An event that only says how long it is, or not even that, gets one: clients of the XML form
    /// read no DURATION (RFC 5545 section 3.6.1 says what is meant).
    pub(super) fn end_value(&self, clock: &mut Clock<'_>) -> Option<DateTime> {
        match (&self.end, &self.start) {
            // What ends before it starts takes no time: so it is reckoned, and so it is told.
            (Some(End::At(end)), Some(start)) if clock.instant(end) < clock.instant(start) => {
                Some(start.clone())
            }
            (Some(End::At(end)), _) => Some(end.clone()),
            (Some(End::Instant(end, like)), _) => Some(clock.local(*end, like)),
            (Some(End::After(length)), Some(start)) => Some(clock.later(start, *length)),
            (None, Some(start)) if self.kind == Kind::Event => Some(match start.is_date() {
                true => clock.later(start, Duration::of_days(1)),
                false => start.clone(),
            }),
            _ => None,
        }
    }

    /// The instants of start and end.
    pub(super) fn ends(&self, clock: &mut Clock<'_>) -> Ends {
        let mut ends = Ends::NONE;
        ends.start = self.start.as_ref().map(|start| clock.instant(start));
        ends.end = match &self.end {
            Some(End::Instant(end, _)) => Some(*end),
            _ => self.end_value(clock).map(|end| clock.instant(&end)),
        };
        ends
    }
}
