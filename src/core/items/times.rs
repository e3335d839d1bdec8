//! When a component takes place: changes of DTSTART, DTEND, DUE and DURATION, and in which zone times are kept.
//!
//! Clients of WCAP give times in UTC, or local, and beside them the zone the item lives in; what is kept is a local
//! time of that zone, so that series follow daylight saving time. A time that only comes back in other words stays
//! as it was stored. RFC 5545 sections 3.6.1, 3.6.2, 3.8.2; WCAP's `dtstart dtend due duration isAllDay tzid`.

use super::edit::{Change, EditError};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, TimeRange, Timestamp};
use crate::ical::object::Kind;
use crate::ical::value::{self, Duration};
use crate::ical::zone::{Zone, Zones, same_offsets};
use crate::limits::Limits;

/// What a change needs to know of the world around the component.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What the component is.
    pub kind: Kind,
    /// The zones its object knows.
    pub zones: &'a Zones,
    /// The zone of times without one: the calendar's.
    pub floating: &'a Zone,
    /// The bounds in force.
    pub limits: &'a Limits,
    /// Whether the component is new: then what only says a default is written too.
    pub creating: bool,
}

impl Context<'_> {
    /// The instant a value means.
    pub fn instant(&self, value: &DateTime) -> Timestamp {
        self.zones.instant(value, self.floating)
    }

    /// The property that holds the end.
    pub fn end_name(&self) -> &'static str {
        match self.kind {
            Kind::Todo => "DUE",
            Kind::Event | Kind::Journal => "DTEND",
        }
    }
}

/// When something ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// At a time: DTEND of an event, DUE of a to-do.
    At(DateTime),
    /// So long after its start: DURATION.
    After(Duration),
}

/// In which zone times are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeepIn {
    /// In the one each value names.
    #[default]
    Written,
    /// In the zone the item has; local times of an item without one in the calendar's.
    Item,
    /// In this zone.
    Zone(Zone),
}

/// A change of the times; what it does not mention stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimesEdit {
    /// DTSTART
    pub start: Change<DateTime>,
    /// DTEND, DUE or DURATION
    pub end: Change<End>,
    /// Whether the times are days; none: as the values say or as before.
    pub all_day: Option<bool>,
    /// The zone local times are in, and the one they are kept in.
    pub keep_in: KeepIn,
}

/// The start of a component; none when there is none that can be read.
pub fn start_of(component: &Component) -> Option<DateTime> {
    component
        .property("DTSTART")
        .and_then(|p| value::date_time(p).ok())
}

/// The end of a component as it is written; `name` is DTEND or DUE.
pub fn end_of(component: &Component, name: &str) -> Option<End> {
    let at = component
        .property(name)
        .and_then(|p| value::date_time(p).ok())
        .map(End::At);
    at.or_else(|| {
        let length = component
            .property("DURATION")
            .and_then(|p| value::duration(p).ok());
        length.map(End::After)
    })
}

/// Whether the component has rules or dates of its own to recur on.
pub fn recurs(component: &Component) -> bool {
    component.property("RRULE").is_some() || component.property("RDATE").is_some()
}

impl TimesEdit {
    /// Whether it mentions anything about times; a zone alone counts only beside times.
    fn mentions_times(&self) -> bool {
        !self.start.is_keep() || !self.end.is_keep() || self.all_day.is_some()
    }

    /// Makes the change.
    ///
    /// Errors: `NoStart` for an event without one, `Value` for times that do not go together, `UnknownZone`.
    pub fn apply(&self, component: &mut Component, ctx: &Context<'_>) -> Result<(), EditError> {
        let moves_zone = self.moves_zone(component);
        if !self.mentions_times() && !moves_zone {
            return match ctx.kind {
                Kind::Event if start_of(component).is_none() => Err(EditError::NoStart),
                _ => Ok(()),
            };
        }
        let now = Now {
            start: start_of(component),
            end: end_of(component, ctx.end_name()),
        };
        let place = self.place(&now, ctx)?;
        let start = self.new_start(&now, &place, moves_zone);
        let end = self.new_end(&now, start.as_ref(), &place, moves_zone);
        check(start.as_ref(), end.as_ref(), ctx)?;
        match &start {
            None => {
                component.remove("DTSTART");
            }
            Some(new) if now.start.as_ref() == Some(new) => {}
            Some(new) => component.set(value::date_time_property("DTSTART", new)),
        }
        write_end(component, &now, start.as_ref(), end, ctx);
        Ok(())
    }

    /// Whether only the zone is new, and is to be that of the item: its instants stay. A series keeps its zone
    /// until its start is given, since every other instance would move.
    fn moves_zone(&self, component: &Component) -> bool {
        matches!(self.keep_in, KeepIn::Zone(_))
            && self.start.is_keep()
            && !recurs(component)
            && component.property("RECURRENCE-ID").is_none()
    }

    /// How values are read and kept.
    fn place<'a>(&self, now: &Now, ctx: &'a Context<'a>) -> Result<Place<'a>, EditError> {
        let given = [&self.start].into_iter().filter_map(|change| match change {
            Change::Set(value) => Some(value),
            _ => None,
        });
        let end = match &self.end {
            Change::Set(End::At(value)) => Some(value),
            _ => None,
        };
        for value in given.chain(end) {
            if let Some(tzid) = value.tzid()
                && ctx.zones.resolve(tzid).is_none()
            {
                return Err(EditError::UnknownZone(tzid.to_owned()));
            }
        }
        let zone = match &self.keep_in {
            KeepIn::Zone(zone) => Some(zone.clone()),
            KeepIn::Item => now.zone(ctx),
            KeepIn::Written => None,
        };
        let written = self.keep_in == KeepIn::Written;
        let all_day = self.all_day.or(match (&self.start, &now.start) {
            (Change::Set(value), _) if written || value.is_date() => Some(value.is_date()),
            (_, Some(start)) => Some(start.is_date()),
            (Change::Set(_), None) => Some(false),
            // A to-do without a start takes the form its end is given in, or has.
            (_, None) => end
                .map(DateTime::is_date)
                .or(now.end_at().map(DateTime::is_date)),
        });
        Ok(Place {
            ctx,
            zone,
            written,
            all_day: all_day.unwrap_or(false),
        })
    }

    /// The start; the stored one when that means the same.
    fn new_start(&self, now: &Now, place: &Place<'_>, moves_zone: bool) -> Option<DateTime> {
        let new = match (&self.start, &now.start) {
            (Change::Clear, _) | (Change::Keep, None) => return None,
            (Change::Set(value), _) => place.put(value),
            (Change::Keep, Some(start)) => place.kept(start, moves_zone),
        };
        match &now.start {
            Some(old) if place.same_start(old, &new) => Some(old.clone()),
            _ => Some(new),
        }
    }

    fn new_end(
        &self,
        now: &Now,
        start: Option<&DateTime>,
        place: &Place<'_>,
        moves_zone: bool,
    ) -> Option<End> {
        let end = match &self.end {
            Change::Clear => return None,
            Change::Keep => match &now.end {
                // An end in a zone of its own keeps it.
                Some(End::At(at)) => {
                    let own_zone = now.start.as_ref().is_some_and(|s| s.tzid() != at.tzid());
                    End::At(place.kept_end(at, moves_zone && !own_zone))
                }
                Some(other) => other.clone(),
                None => return None,
            },
            Change::Set(End::At(value)) => End::At(place.put_end(value)),
            Change::Set(End::After(length)) => End::After(*length),
        };
        // An all-day event that ends on the day it starts lasts that day.
        Some(match (start, end) {
            (Some(DateTime::Date(first)), End::At(DateTime::Date(last)))
                if last == *first && place.ctx.kind == Kind::Event =>
            {
                End::At(DateTime::Date(first.tomorrow().unwrap_or(*first)))
            }
            (_, end) => end,
        })
    }
}

/// The times a component has.
struct Now {
    start: Option<DateTime>,
    end: Option<End>,
}

impl Now {
    fn end_at(&self) -> Option<&DateTime> {
        match &self.end {
            Some(End::At(at)) => Some(at),
            _ => None,
        }
    }

    /// The zone of the start, else of the end.
    fn zone(&self, ctx: &Context<'_>) -> Option<Zone> {
        let tzid = self.start.as_ref().and_then(DateTime::tzid);
        let tzid = tzid.or_else(|| self.end_at().and_then(DateTime::tzid));
        tzid.and_then(|tzid| ctx.zones.resolve(tzid))
    }
}

/// How given values become kept ones.
struct Place<'a> {
    ctx: &'a Context<'a>,
    zone: Option<Zone>,
    written: bool,
    all_day: bool,
}

impl Place<'_> {
    /// The value as it is kept.
    fn put(&self, value: &DateTime) -> DateTime {
        if self.written {
            return value.clone();
        }
        if self.all_day {
            return DateTime::Date(self.day_of(value).date());
        }
        let zone = self.zone.as_ref();
        match value {
            DateTime::Zoned(..) => value.clone(),
            DateTime::Utc(instant) => zone.map_or_else(|| value.clone(), |z| local(*instant, z)),
            DateTime::Floating(_) | DateTime::Date(_) => {
                let zone = zone.unwrap_or(self.ctx.floating);
                match zone.is_utc() {
                    true => DateTime::Utc(Timestamp::from_civil_utc(value.civil())),
                    false => DateTime::Zoned(value.civil(), zone.id().into()),
                }
            }
        }
    }

    /// An end as it is kept: of a day that has begun, the day after.
    fn put_end(&self, value: &DateTime) -> DateTime {
        if !self.all_day || self.written {
            return self.put(value);
        }
        let local = self.day_of(value);
        let day = local.date();
        let begun = local.time() != jiff::civil::Time::midnight();
        DateTime::Date(if begun {
            day.tomorrow().unwrap_or(day)
        } else {
            day
        })
    }

    /// The local time whose day counts.
    fn day_of(&self, value: &DateTime) -> jiff::civil::DateTime {
        match value {
            DateTime::Utc(instant) => self
                .zone
                .as_ref()
                .unwrap_or(self.ctx.floating)
                .to_civil(*instant),
            _ => value.civil(),
        }
    }

    /// A stored value that stays, in the form and zone that are wanted now.
    fn kept(&self, value: &DateTime, moves_zone: bool) -> DateTime {
        if value.is_date() != self.all_day {
            return self.put(value);
        }
        let listed = match value {
            DateTime::Zoned(..) => self.listed(value).is_some(),
            DateTime::Utc(_) => true,
            DateTime::Date(_) | DateTime::Floating(_) => false,
        };
        match &self.zone {
            Some(zone) if moves_zone && listed => local(self.ctx.instant(value), zone),
            _ => value.clone(),
        }
    }

    fn kept_end(&self, value: &DateTime, moves_zone: bool) -> DateTime {
        match value.is_date() == self.all_day {
            true => self.kept(value, moves_zone),
            false => self.put_end(value),
        }
    }

    /// The tz database zone a local time is of, by name or because its VTIMEZONE agrees with it from then on; none
    /// for zones that only the data knows.
    fn listed(&self, value: &DateTime) -> Option<Zone> {
        let tzid = value.tzid()?;
        let zone = self.ctx.zones.resolve(tzid)?;
        if !zone.is_custom() {
            return Some(zone);
        }
        let known = Zone::known_as(tzid)?;
        let later = TimeRange::new(self.ctx.instant(value), Timestamp::MAX)?;
        same_offsets(&zone, &known, later).then_some(known)
    }

    /// Whether two starts mean the same, so that the stored one stays.
    fn same_start(&self, old: &DateTime, new: &DateTime) -> bool {
        if old == new {
            return true;
        }
        if old.is_date() || new.is_date() || self.ctx.instant(old) != self.ctx.instant(new) {
            return false;
        }
        match old {
            // Clients are told floating times and zones of the data's own in words that they can say.
            DateTime::Floating(_) => !self.written,
            DateTime::Zoned(..) => match self.listed(old) {
                Some(zone) => self.listed(new) == Some(zone),
                None => !self.written,
            },
            DateTime::Utc(_) | DateTime::Date(_) => false,
        }
    }
}

/// The instant as a local time of the zone; UTC where the local time would be read as another instant.
pub fn local(instant: Timestamp, zone: &Zone) -> DateTime {
    let civil = zone.to_civil(instant);
    if zone.is_utc() || zone.to_timestamp(civil) != instant {
        DateTime::Utc(instant)
    } else {
        DateTime::Zoned(civil, zone.id().into())
    }
}

/// The instant something that starts at `start` ends, with `end` or without one (section 3.6.1).
pub fn end_instant(start: &DateTime, end: Option<&End>, ctx: &Context<'_>) -> Timestamp {
    match end {
        Some(End::At(at)) => ctx.instant(at),
        Some(End::After(length)) => ctx.instant(&later(start, *length, ctx)),
        None if start.is_date() && ctx.kind != Kind::Todo => {
            ctx.instant(&later(start, Duration::of_days(1), ctx))
        }
        None => ctx.instant(start),
    }
}

/// `start` and a length: days on the calendar, then exact seconds.
pub fn later(start: &DateTime, length: Duration, ctx: &Context<'_>) -> DateTime {
    let days =
        |civil: jiff::civil::DateTime| civil.saturating_add(jiff::Span::new().days(length.days()));
    match start {
        DateTime::Date(date) => {
            let seconds = length.seconds();
            let whole =
                length.days() + seconds.div_euclid(86_400) + i64::from(seconds % 86_400 != 0);
            DateTime::Date(date.saturating_add(jiff::Span::new().days(whole)))
        }
        DateTime::Utc(instant) => DateTime::Utc(instant.plus(length.total_seconds())),
        DateTime::Floating(civil) => {
            let seconds = jiff::Span::new().seconds(length.seconds());
            DateTime::Floating(days(*civil).saturating_add(seconds))
        }
        DateTime::Zoned(civil, tzid) => {
            let moved = DateTime::Zoned(days(*civil), tzid.clone());
            if length.seconds() == 0 {
                return moved;
            }
            let zone = ctx.zones.zone_of(&moved, ctx.floating);
            local(ctx.instant(&moved).plus(length.seconds()), &zone)
        }
    }
}

/// Whether start and end go together.
fn check(start: Option<&DateTime>, end: Option<&End>, ctx: &Context<'_>) -> Result<(), EditError> {
    let Some(start) = start else {
        return match (ctx.kind, end) {
            (Kind::Event, _) => Err(EditError::NoStart),
            (_, Some(End::After(_))) => Err(EditError::value(
                "expected a start beside a duration, found none",
            )),
            _ => Ok(()),
        };
    };
    match end {
        Some(End::After(length)) if length.is_negative() => Err(EditError::value(format!(
            "expected a duration forwards, found {length}"
        ))),
        Some(End::At(end)) if end.is_date() != start.is_date() => Err(EditError::value(
            "expected start and end to be both days or both times, found one of each",
        )),
        Some(End::At(end)) if ctx.instant(end) < ctx.instant(start) => Err(EditError::value(
            format!("expected an end after {start}, found {end}"),
        )),
        _ => Ok(()),
    }
}

fn write_end(
    component: &mut Component,
    now: &Now,
    start: Option<&DateTime>,
    end: Option<End>,
    ctx: &Context<'_>,
) {
    let name = ctx.end_name();
    if same_end(now, start, end.as_ref(), ctx) {
        return;
    }
    let property = match end {
        None => {
            component.remove(name);
            component.remove("DURATION");
            return;
        }
        Some(End::At(at)) => value::date_time_property(name, &at),
        Some(End::After(length)) => Property::new("DURATION", length.to_string()),
    };
    let other = if property.is("DURATION") {
        name
    } else {
        "DURATION"
    };
    component.remove(other);
    component.set(property);
}

/// Whether the stored end means what is wanted, so that it stays. Only its instant and its being a day count:
/// clients of WCAP cannot say that an end has a zone of its own.
fn same_end(now: &Now, start: Option<&DateTime>, end: Option<&End>, ctx: &Context<'_>) -> bool {
    let (Some(end), Some(start)) = (end, start) else {
        let at = |end: Option<&End>| match end {
            Some(End::At(at)) => Some((at.is_date(), ctx.instant(at))),
            _ => None,
        };
        return end.is_some() == now.end.is_some() && at(end) == at(now.end.as_ref());
    };
    if let (End::After(new), Some(End::After(old))) = (end, &now.end) {
        return new == old;
    }
    let absent = now.end.is_none() && (ctx.creating || ctx.kind == Kind::Todo);
    // A zone that moves with the start moves its end too.
    let moved = match (end, now.end_at(), &now.start) {
        (End::At(new), Some(old), Some(before)) => {
            new != old && old.tzid() == before.tzid() && start.tzid() != before.tzid()
        }
        _ => false,
    };
    !absent
        && !moved
        && now
            .end_at()
            .is_none_or(|old| old.is_date() == start.is_date())
        && end_instant(start, Some(end), ctx) == end_instant(start, now.end.as_ref(), ctx)
}

#[cfg(test)]
#[path = "times_tests.rs"]
mod tests;
