//! Questions about single instances and about the whole, answered without walking through endless series.

use super::expand::{Bounds, Original};
use super::read::{Master, Override, Series, identity};
use super::{ExpandError, Form, Instance};
use crate::ical::datetime::{DateTime, TimeRange, Timestamp};
use crate::ical::recur::{LocalSeconds, Plan, TooMuchWork, Work};
use crate::ical::rule::Rule;
use crate::ical::zone::Zone;

const DAY: i64 = 86_400;

/// Stops a walk at its first find.
enum Stop {
    Found(Original),
    Failed(TooMuchWork),
}

impl From<TooMuchWork> for Stop {
    fn from(error: TooMuchWork) -> Self {
        Self::Failed(error)
    }
}

impl Series {
    /// From the start of the first instance to the end of the last; open (`Timestamp::MAX`) when the series
    /// is endless or its end takes more than `work` to find. None when nothing has a date.
    ///
    /// Excluded instances count, so that the range may reach further than the instances do, never less far.
    pub fn span(&self, work: &mut Work) -> Option<TimeRange> {
        let mut range: Option<(Timestamp, Timestamp)> = None;
        let mut add = |start: Timestamp, end: Timestamp| {
            let (first, last) = range.get_or_insert((start, end));
            *first = start.min(*first);
            *last = end.max(*last);
        };
        for overriding in self.overrides.iter().chain(&self.changes) {
            let start = overriding.start();
            add(
                start,
                overriding
                    .length
                    .end(start, overriding.start, &overriding.zone),
            );
        }
        if let Some(master) = &self.master {
            let start = master.zone.resolve(master.start);
            add(start, master.length.end(start, master.start, &master.zone));
            for added in &master.added {
                let length = added.length.unwrap_or(master.length);
                add(added.at, length.end(added.at, added.local, &master.zone));
            }
            for rule in &master.rules {
                match rule.plan.last(work) {
                    Ok(Some(last)) => add(start, self.latest_end(master, last)),
                    Ok(None) if rule.plan.is_bounded() => {}
                    Ok(None) | Err(TooMuchWork { .. }) => add(start, Timestamp::MAX),
                }
            }
            for added in &master.added {
                add(start, self.latest_end(master, added.local));
            }
        }
        let (start, end) = range?;
        TimeRange::new(start, end)
    }

    /// The latest end that an original start can have after changes that move later instances.
    fn latest_end(&self, master: &Master, original: LocalSeconds) -> Timestamp {
        let end = |local: LocalSeconds, length: super::Length| {
            length.end(master.zone.resolve(local), local, &master.zone)
        };
        let unmoved = end(original, master.length);
        self.changes
            .iter()
            .map(|change| end(original.plus(change.shift(master)), change.length))
            .fold(unmoved, Timestamp::max)
    }

    /// Whether the series goes on for ever.
    pub fn is_endless(&self) -> bool {
        self.master
            .as_ref()
            .is_some_and(|master| master.rules.iter().any(|rule| !rule.plan.is_bounded()))
    }

    /// The instance that a recurrence id names: a UTC time, a time on the clock of the series (floating or with
    /// a TZID), or a date. None when the series has no such instance.
    ///
    /// The instance of an override is answered even where no rule gives it.
    pub fn find(&self, id: &DateTime, work: &mut Work) -> Result<Option<Instance>, ExpandError> {
        let at = match (&self.master, id) {
            (Some(master), DateTime::Date(day)) if master.form != Form::Date => {
                self.on_day(LocalSeconds::from(day.at(0, 0, 0, 0)), work)?.0
            }
            (Some(master), _) => identity(master, id, &zone_of_id(master, id)).0,
            (None, DateTime::Utc(instant)) => *instant,
            (None, _) => {
                let local = LocalSeconds::from(id.civil());
                let same = |o: &&Override| o.original_local == local;
                return Ok(self
                    .overrides
                    .iter()
                    .chain(&self.changes)
                    .find(same)
                    .map(Override::instance));
            }
        };
        self.instance_at(at, work)
    }

    /// Whether the series has the instance that a recurrence id names; see [`find`](Self::find).
    pub fn is_instance(&self, id: &DateTime, work: &mut Work) -> Result<bool, ExpandError> {
        Ok(self.find(id, work)?.is_some())
    }

    /// The instance whose original start is `original`.
    fn instance_at(
        &self,
        original: Timestamp,
        work: &mut Work,
    ) -> Result<Option<Instance>, ExpandError> {
        if let Ok(at) = self
            .overrides
            .binary_search_by_key(&original, |o| o.original)
        {
            return Ok(Some(self.overrides[at].instance()));
        }
        let found = match &self.master {
            Some(master) => {
                let bounds = Bounds::between(&master.zone, original, original.plus(1));
                first_original(master, &bounds, work)?
                    .map(|original| self.instance_of(master, original))
            }
            None => None,
        };
        Ok(found.or_else(|| {
            let change = self.changes.iter().find(|c| c.original == original)?;
            let excluded = self
                .master
                .as_ref()
                .is_some_and(|m| m.excludes_date(original, change.original_local));
            (!excluded).then(|| change.instance())
        }))
    }

    /// What an original becomes: itself, moved by a change, or its override.
    fn instance_of(&self, master: &Master, original: Original) -> Instance {
        if let Ok(at) = self
            .overrides
            .binary_search_by_key(&original.at, |o| o.original)
        {
            return self.overrides[at].instance();
        }
        let passed = self.changes.partition_point(|c| c.original <= original.at);
        let change = passed.checked_sub(1).map(|last| &self.changes[last]);
        master.instance(original, change, self.recurs())
    }

    /// The first instance in the order of original starts.
    pub fn first(&self, work: &mut Work) -> Result<Option<Instance>, ExpandError> {
        self.next(Timestamp::MIN, work)
    }

    /// The instance after the one whose original start is `original`, in the order of original starts.
    pub fn next(
        &self,
        original: Timestamp,
        work: &mut Work,
    ) -> Result<Option<Instance>, ExpandError> {
        let own = self
            .overrides
            .iter()
            .chain(&self.changes)
            .filter(|o| o.original > original)
            .min_by_key(|o| o.original)
            .map(Override::instance);
        let ruled = match &self.master {
            Some(master) => master
                .first_after(original, work)?
                .map(|original| self.instance_of(master, original)),
            None => None,
        };
        Ok([own, ruled]
            .into_iter()
            .flatten()
            .min_by_key(|i| i.original))
    }

    /// The instance before the one whose original start is `original`, in the order of original starts.
    pub fn previous(
        &self,
        original: Timestamp,
        work: &mut Work,
    ) -> Result<Option<Instance>, ExpandError> {
        let own = self
            .overrides
            .iter()
            .chain(&self.changes)
            .filter(|o| o.original < original)
            .max_by_key(|o| o.original)
            .map(Override::instance);
        let ruled = match &self.master {
            Some(master) => master
                .last_before(original, work)?
                .map(|original| self.instance_of(master, original)),
            None => None,
        };
        Ok([own, ruled]
            .into_iter()
            .flatten()
            .max_by_key(|i| i.original))
    }

    /// The original start on a day of a series of times: its first instance there, or where that would be.
    pub(super) fn on_day(
        &self,
        midnight: LocalSeconds,
        work: &mut Work,
    ) -> Result<(Timestamp, LocalSeconds), TooMuchWork> {
        let Some(master) = &self.master else {
            return Ok((Timestamp(midnight.0), midnight));
        };
        let bounds = Bounds {
            from: midnight,
            to: midnight.plus(DAY - 1),
            since: Timestamp::MIN,
            before: Timestamp::MAX,
        };
        if let Some(found) = first_original(master, &bounds, work)? {
            return Ok((found.at, found.local));
        }
        let local = midnight.plus(master.start.0.rem_euclid(DAY));
        Ok((master.zone.resolve(local), local))
    }
}

/// The zone a recurrence id is read in: local times are meant on the clock of the series.
fn zone_of_id(master: &Master, id: &DateTime) -> Zone {
    match id {
        DateTime::Utc(_) => Zone::utc(),
        DateTime::Zoned(_, tzid) if master.form != Form::Zoned(tzid.clone()) => {
            Zone::known_as(tzid).unwrap_or_else(|| master.zone.clone())
        }
        _ => master.zone.clone(),
    }
}

fn first_original(
    master: &Master,
    bounds: &Bounds,
    work: &mut Work,
) -> Result<Option<Original>, TooMuchWork> {
    match master.originals(bounds, work, |original| Err(Stop::Found(original))) {
        Ok(()) => Ok(None),
        Err(Stop::Found(original)) => Ok(Some(original)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

impl Master {
    /// The first start the series can have, and the last.
    fn reach(&self) -> (Timestamp, Timestamp) {
        let start = self.zone.resolve(self.start);
        let first = self
            .added
            .first()
            .map_or(start, |added| added.at.min(start));
        let added = self.added.last().map_or(start, |added| added.at.max(start));
        let last = self
            .rules
            .iter()
            .map(|rule| self.zone.resolve(rule.plan.last_possible()))
            .fold(added, Timestamp::max);
        (first, last)
    }

    fn first_after(&self, at: Timestamp, work: &mut Work) -> Result<Option<Original>, TooMuchWork> {
        let (first, last) = self.reach();
        let mut since = at.plus(1).max(first);
        let mut width = FIRST_WIDTH;
        while since <= last {
            let before = since.plus(width);
            let bounds = Bounds::between(&self.zone, since, before);
            let found = first_original(self, &bounds, work)?;
            if found.is_some() {
                return Ok(found);
            }
            since = before;
            width = width.saturating_mul(4);
        }
        Ok(None)
    }

    fn last_before(&self, at: Timestamp, work: &mut Work) -> Result<Option<Original>, TooMuchWork> {
        let (first, last) = self.reach();
        let mut before = at.min(last.plus(1));
        let mut width = FIRST_WIDTH;
        while before > first {
            let since = before.plus(-width).max(first);
            let bounds = Bounds::between(&self.zone, since, before);
            let mut found = None;
            self.originals(&bounds, work, |original| -> Result<(), TooMuchWork> {
                found = Some(original);
                Ok(())
            })?;
            if found.is_some() {
                return Ok(found);
            }
            before = since;
            width = width.saturating_mul(4);
        }
        Ok(None)
    }
}

/// Where a search for the next instance begins: an hour, in seconds. It widens fourfold.
const FIRST_WIDTH: i64 = 3_600;

/// How COUNT divides when a series is split at `at`: instances of the rule before, and from there on. Both
/// times are on the clock of the series; a start that does not fit the rule counts (section 3.3.10).
///
/// None when the rule has no COUNT. Errors: counting takes more than `work`.
pub fn split_count(
    rule: &Rule,
    start: jiff::civil::DateTime,
    at: jiff::civil::DateTime,
    work: &mut Work,
) -> Result<Option<(u32, u32)>, TooMuchWork> {
    let Some(count) = rule.count else {
        return Ok(None);
    };
    let plan = Plan::new(rule, start.into(), None, work)?;
    let start_counts = u64::from(!plan.fits_start() && at > start);
    let before = plan.count_before(at.into(), work)? + start_counts;
    let before = u32::try_from(before).unwrap_or(count).min(count);
    Ok(Some((before, count - before)))
}
