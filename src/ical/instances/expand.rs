//! The instances of a window, in the order of their starts.

use super::read::{Added, Master, Override, RulePlan, Series};
use super::{ExpandError, Instance, Length};
use crate::ical::datetime::{DateTime, TimeRange, Timestamp};
use crate::ical::recur::{LocalSeconds, TooMuchWork, Work};
use crate::ical::zone::Zone;

const DAY: i64 = 86_400;

/// An instance before any override: where the rules put it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Original {
    pub(super) at: Timestamp,
    pub(super) local: LocalSeconds,
    /// The length its RDATE gives it.
    pub(super) length: Option<Length>,
}

/// A stretch of the series between two changes: its originals, and what becomes of them.
struct Stretch<'a> {
    /// Originals from the first on, before the second.
    from: Timestamp,
    to: Timestamp,
    change: Option<&'a Override>,
}

impl Length {
    /// When something that starts at `local` of `zone`'s clock, the instant `start`, ends.
    pub(super) fn end(self, start: Timestamp, local: LocalSeconds, zone: &Zone) -> Timestamp {
        match self {
            Self::Exact(seconds) => start.plus(seconds),
            Self::Nominal { days, seconds } => zone
                .resolve(local.plus(days.saturating_mul(DAY)))
                .plus(seconds)
                .max(start),
        }
    }

    /// No instance of this length lasts longer, in seconds: nominal days may be stretched by a day.
    pub(super) fn most(self) -> i64 {
        match self {
            Self::Exact(seconds) => seconds,
            Self::Nominal { days, seconds } => days.saturating_add(1).saturating_mul(DAY) + seconds,
        }
    }
}

impl Override {
    pub(super) fn start(&self) -> Timestamp {
        self.zone.resolve(self.start)
    }

    pub(super) fn instance(&self) -> Instance {
        let start = self.start();
        Instance {
            start,
            end: self.length.end(start, self.start, &self.zone),
            component: self.component,
            original: self.original,
            original_local: self.original_local,
            start_local: self.start,
            recurs: true,
        }
    }

    /// How far the change moves later instances, on the clock of the series.
    pub(super) fn shift(&self, master: &Master) -> i64 {
        let moved = if self.zone == master.zone {
            self.start
        } else {
            master.zone.to_local(self.start())
        };
        moved.0.saturating_sub(self.original_local.0)
    }
}

impl Series {
    /// The instances that share time with `window`, by start, at most `limit`.
    ///
    /// An instance without length is in the window that contains its start. Moved instances count where they
    /// are, not where they were. Errors: more than `limit`, or more than `work`; nothing is cut.
    pub fn instances(
        &self,
        window: TimeRange,
        limit: usize,
        work: &mut Work,
    ) -> Result<Vec<Instance>, ExpandError> {
        let mut found = Vec::new();
        if let Some(master) = &self.master {
            let mut from = Timestamp::MIN;
            let mut change = None;
            for next in self.changes.iter().map(Some).chain([None]) {
                let to = next.map_or(Timestamp::MAX, |next| next.original);
                let stretch = Stretch { from, to, change };
                self.expand(master, &stretch, window, limit, &mut found, work)?;
                (from, change) = (to, next);
            }
        }
        let alone = self.master.is_none();
        // A change that is no instance of the rules still describes its own.
        let expanded = found.len();
        for change in &self.changes {
            let instance = change.instance();
            let seen = !alone && self.covers(change, &found[..expanded]);
            if !seen && instance.range().overlaps(window) {
                found.push(instance);
            }
        }
        found.extend(
            self.overrides
                .iter()
                .map(Override::instance)
                .filter(|instance| instance.range().overlaps(window)),
        );
        if found.len() > limit {
            return Err(ExpandError::TooManyInstances { limit });
        }
        if !found.is_sorted_by_key(|i| (i.start, i.original)) {
            found.sort_unstable_by_key(|i| (i.start, i.original));
        }
        Ok(found)
    }

    /// Whether the instance a change starts with was found, or is overridden by itself or excluded.
    fn covers(&self, change: &Override, found: &[Instance]) -> bool {
        self.overridden(change.original)
            || found.iter().any(|i| i.original == change.original)
            || self
                .master
                .as_ref()
                .is_some_and(|m| m.excludes_date(change.original, change.original_local))
    }

    pub(super) fn overridden(&self, original: Timestamp) -> bool {
        !self.overrides.is_empty()
            && self
                .overrides
                .binary_search_by_key(&original, |o| o.original)
                .is_ok()
    }

    fn expand(
        &self,
        master: &Master,
        stretch: &Stretch<'_>,
        window: TimeRange,
        limit: usize,
        found: &mut Vec<Instance>,
        work: &mut Work,
    ) -> Result<(), ExpandError> {
        let length = stretch.change.map_or(master.length, |c| c.length);
        let shift = stretch.change.map_or(0, |c| c.shift(master));
        let recurs = self.recurs();
        // Originals whose instances can touch the window.
        let longest = master
            .added
            .iter()
            .filter_map(|added| added.length)
            .fold(length.most(), |most, length| most.max(length.most()));
        let (from, _) = clock_range(&master.zone, window.start().plus(longest.saturating_neg()));
        let (_, to) = clock_range(&master.zone, window.end());
        let bounds = Bounds {
            from: from.plus(shift.saturating_neg()),
            to: to.plus(shift.saturating_neg()),
            since: stretch.from,
            before: stretch.to,
        };
        master.originals(&bounds, work, |original| {
            if self.overridden(original.at) {
                return Ok(());
            }
            let instance = master.instance(original, stretch.change, recurs);
            if instance.range().overlaps(window) {
                if found.len() >= limit {
                    return Err(ExpandError::TooManyInstances { limit });
                }
                found.push(instance);
            }
            Ok(())
        })
    }

    /// RECURRENCE-ID of an instance, in the form of the series' DTSTART; none when nothing recurs.
    pub fn recurrence_id(&self, instance: &Instance) -> Option<DateTime> {
        if !instance.recurs {
            return None;
        }
        Some(match &self.master {
            Some(master) => master.form.value(instance.original_local),
            // Without a master the override's own form is all there is.
            None => DateTime::Utc(instance.original),
        })
    }

    /// DTSTART of an instance, in the form its component has it.
    pub fn start_value(&self, instance: &Instance) -> DateTime {
        let form = self
            .overrides
            .iter()
            .chain(&self.changes)
            .find(|o| o.component == instance.component && o.original == instance.original)
            .map(|o| &o.form)
            .or_else(|| self.master.as_ref().map(|m| &m.form));
        form.map_or(DateTime::Utc(instance.start), |form| {
            form.value(instance.start_local)
        })
    }
}

/// The earliest and the latest time that a zone's clock may show for instances that resolve to `at`.
fn clock_range(zone: &Zone, at: Timestamp) -> (LocalSeconds, LocalSeconds) {
    let before = i64::from(zone.offset_at(at.plus(-DAY)));
    let after = i64::from(zone.offset_at(at.plus(DAY)));
    let local = LocalSeconds(at.0);
    (local.plus(before.min(after)), local.plus(before.max(after)))
}

/// Which originals are asked for: on the clock of the series, both inclusive, and as instants, half-open.
pub(super) struct Bounds {
    pub(super) from: LocalSeconds,
    pub(super) to: LocalSeconds,
    pub(super) since: Timestamp,
    pub(super) before: Timestamp,
}

impl Bounds {
    fn contains(&self, original: &Original) -> bool {
        self.from <= original.local
            && original.local <= self.to
            && self.since <= original.at
            && original.at < self.before
    }

    /// The originals from `since`, before `before`.
    pub(super) fn between(zone: &Zone, since: Timestamp, before: Timestamp) -> Self {
        Self {
            from: clock_range(zone, since).0,
            to: clock_range(zone, before).1,
            since,
            before,
        }
    }
}

impl Master {
    /// The instance of an original that nobody overrides, moved by the change before it if there is one.
    pub(super) fn instance(
        &self,
        original: Original,
        change: Option<&Override>,
        recurs: bool,
    ) -> Instance {
        let shift = change.map_or(0, |c| c.shift(self));
        let local = original.local.plus(shift);
        let start = if shift == 0 {
            original.at
        } else {
            self.zone.resolve(local)
        };
        let length = match change {
            Some(change) => change.length,
            None => original.length.unwrap_or(self.length),
        };
        Instance {
            start,
            end: length.end(start, local, &self.zone),
            component: change.map_or(self.component, |c| c.component),
            original: original.at,
            original_local: original.local,
            start_local: local,
            recurs,
        }
    }

    /// Gives the originals within `bounds` to `take`, ascending, each once.
    pub(super) fn originals<E: From<TooMuchWork>>(
        &self,
        bounds: &Bounds,
        work: &mut Work,
        mut take: impl FnMut(Original) -> Result<(), E>,
    ) -> Result<(), E> {
        if let ([rule], [], []) = (
            self.rules.as_slice(),
            self.excluded_rules.as_slice(),
            self.added.as_slice(),
        ) && self.zone.is_utc()
        {
            return self.originals_of_one(rule, bounds, work, take);
        }
        let mut all = Vec::new();
        self.collect(bounds, &mut all, work)?;
        if !all.is_sorted_by_key(|o| o.at) {
            all.sort_by_key(|o| o.at);
        }
        // A time that clocks skipped may resolve to where another stands; one with a length goes first.
        all.dedup_by(|later, first| {
            let same = later.at == first.at;
            if same {
                first.length = first.length.or(later.length);
            }
            same
        });
        all.into_iter().try_for_each(&mut take)
    }

    /// One rule on a clock that never shifts: nothing to sort and nothing to keep.
    fn originals_of_one<E: From<TooMuchWork>>(
        &self,
        rule: &RulePlan,
        bounds: &Bounds,
        work: &mut Work,
        mut take: impl FnMut(Original) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.original(self.start);
        let first = self.starts_with(&start);
        if first && bounds.contains(&start) {
            take(start)?;
        }
        let mut walk = rule.plan.occurrences(bounds.from, bounds.to);
        while let Some(local) = walk.next(work)? {
            let original = self.original(local);
            let taken = first && local == self.start;
            if !taken && bounds.contains(&original) && !self.excludes_date(original.at, local) {
                take(original)?;
            }
        }
        Ok(())
    }

    fn original(&self, local: LocalSeconds) -> Original {
        Original {
            at: self.zone.resolve(local),
            local,
            length: None,
        }
    }

    fn starts_with(&self, start: &Original) -> bool {
        !self.drop_unfit_start && !self.excludes_date(start.at, start.local)
    }

    fn collect(
        &self,
        bounds: &Bounds,
        all: &mut Vec<Original>,
        work: &mut Work,
    ) -> Result<(), TooMuchWork> {
        let start = self.original(self.start);
        if self.starts_with(&start) && bounds.contains(&start) {
            all.push(start);
        }
        for rule in &self.rules {
            let mut walk = rule.plan.occurrences(bounds.from, bounds.to);
            while let Some(local) = walk.next(work)? {
                let original = self.original(local);
                let ended = rule.until.is_some_and(|until| original.at > until);
                if !ended && bounds.contains(&original) {
                    all.push(original);
                }
            }
        }
        all.extend(
            self.added
                .iter()
                .map(Added::original)
                .filter(|o| bounds.contains(o)),
        );
        if !self.excluded.is_empty() || !self.excluded_days.is_empty() {
            all.retain(|o| !self.excludes_date(o.at, o.local));
        }
        for rule in &self.excluded_rules {
            let mut excluded = Vec::new();
            let mut walk = rule.plan.occurrences(bounds.from, bounds.to);
            while let Some(local) = walk.next(work)? {
                let at = self.zone.resolve(local);
                if rule.until.is_none_or(|until| at <= until) {
                    excluded.push(at);
                }
            }
            excluded.sort_unstable();
            all.retain(|o| excluded.binary_search(&o.at).is_err());
        }
        Ok(())
    }

    /// Whether an EXDATE takes an original away.
    pub(super) fn excludes_date(&self, at: Timestamp, local: LocalSeconds) -> bool {
        (!self.excluded.is_empty() && self.excluded.binary_search(&at).is_ok())
            || (!self.excluded_days.is_empty() && {
                let midnight = LocalSeconds(local.0 - local.0.rem_euclid(DAY));
                self.excluded_days.binary_search(&midnight).is_ok()
            })
    }
}

impl Added {
    fn original(&self) -> Original {
        Original {
            at: self.at,
            local: self.local,
            length: self.length,
        }
    }
}
