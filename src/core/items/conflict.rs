//! Times that may not overlap: where a calendar or the store forbids it, and around what keeps others out by itself
//! (TRANSP of RFC 4324 section 8.21).

use crate::core::Core;
use crate::core::error::{Error, Kind as Failed, Result};
use crate::ical::component::Component;
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::instances::{Series, busy_type, keeps_out};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::recur::Work;
use crate::ical::zone::Zone;
use crate::model::calendar::Calendar;
use crate::store::{Reader, derive, items};

/// A time that is wanted and taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::core) struct Clash {
    /// When what is wanted would be.
    pub(in crate::core) at: TimeRange,
    /// The UID of what is there.
    pub(in crate::core) uid: String,
}

/// When an object takes place: busily, and keeping others out. Both by start.
struct Taken {
    busy: Vec<TimeRange>,
    closed: Vec<TimeRange>,
}

impl Taken {
    /// From the first start to the last end.
    fn hull(&self) -> Option<TimeRange> {
        let all = || self.busy.iter().chain(&self.closed);
        let start = all().map(|range| range.start()).min()?;
        let end = all().map(|range| range.end()).max()?;
        TimeRange::new(start, end)
    }
}

impl Core {
    /// A time that `wanted` would take and that is taken: by anything busy in a calendar which forbids double booking,
    /// else by what keeps others out. The items `aside` do not count.
    ///
    /// Errors: `TooMuch` for more instances than `limits.instances`.
    pub(in crate::core) fn clash(
        &self,
        t: &impl Reader,
        calendar: &Calendar,
        zone: &Zone,
        wanted: &CalendarObject,
        aside: &[&str],
    ) -> Result<Option<Clash>> {
        if wanted.kind != Kind::Event {
            return Ok(None);
        }
        let forbids = !calendar.properties.double_booking || self.forbids_conflicts(t)?;
        let others = match forbids || derive::keeps_out(wanted) {
            true => None,
            // Nearly always none.
            false => Some(items::blocking(t, calendar.id)?),
        };
        if others.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        let wanted = self.taken(wanted, zone, TimeRange::ALL)?;
        let Some(window) = wanted.hull() else {
            return Ok(None);
        };
        let others = match others {
            Some(others) => others,
            None => items::touching(t, calendar.id, window, &[Kind::Event])?,
        };
        for uid in others {
            if aside.contains(&uid.as_str()) {
                continue;
            }
            let Some(item) = items::visible(t, calendar.id, &uid)? else {
                continue;
            };
            let Some(other) = derive::object(&item) else {
                continue;
            };
            let other = derive::as_blocking(&other, item.part());
            let other = self.taken(&other, zone, window)?;
            let both = overlap(&wanted.busy, &other.busy).filter(|_| forbids);
            let at = both
                .or_else(|| overlap(&wanted.closed, &other.busy))
                .or_else(|| overlap(&wanted.busy, &other.closed));
            if let Some(at) = at {
                return Ok(Some(Clash { at, uid }));
            }
        }
        Ok(None)
    }

    /// When the instances of an object in a window are; of an endless series until `limits.open_end` from the later of
    /// now and its start.
    fn taken(&self, object: &CalendarObject, zone: &Zone, window: TimeRange) -> Result<Taken> {
        let limits = &self.settings().limits;
        let mut work = Work::new(u64::try_from(limits.expansion_steps).unwrap_or(u64::MAX));
        let too_much =
            |cause: &dyn std::fmt::Display| Error::new(Failed::TooMuch, cause.to_string());
        let series = Series::of(object, zone, &mut work).map_err(|e| too_much(&e))?;
        let mut window = window;
        if window.end() == Timestamp::MAX && series.is_endless() {
            let first = series.first(&mut work).map_err(|e| too_much(&e))?;
            let from = first.map_or(window.start(), |i| i.start).max(self.now());
            let more = i64::try_from(limits.open_end.as_secs()).unwrap_or(i64::MAX);
            window = TimeRange::new(window.start(), from.plus(more)).unwrap_or(window);
        }
        let found = series.instances(window, limits.instances, &mut work);
        let found = found.map_err(|e| too_much(&e))?;
        let those = |wanted: fn(&Component) -> bool| {
            let of = |at: usize| object.components.get(at).is_some_and(wanted);
            let ranges = found.iter().filter(|i| of(i.component));
            ranges.map(|i| i.range()).collect()
        };
        Ok(Taken {
            busy: those(|component| busy_type(component).is_some()),
            closed: those(keeps_out),
        })
    }
}

/// A range of `a` that shares time with one of `b`; both are ordered by start. Ranges without length take none.
fn overlap(a: &[TimeRange], b: &[TimeRange]) -> Option<TimeRange> {
    let shares = |a: &TimeRange, b: &TimeRange| a.start() < b.end() && b.start() < a.end();
    let mut from = 0;
    for range in a {
        let earlier = |other: &&TimeRange| other.end() <= range.start();
        // Only a run at the front can be passed for good: lengths differ.
        from += b[from..].iter().take_while(earlier).count();
        let near = b[from..]
            .iter()
            .take_while(|other| other.start() < range.end());
        if near.into_iter().any(|other| shares(range, other)) {
            return Some(*range);
        }
    }
    None
}
