//! What is left of an object when all that takes place in a time is taken out of it: a pure function.
//!
//! A series keeps the instances outside of the time; those inside become EXDATEs. Where the time has no end an endless
//! series is cut, and where it has no beginning one begins later, so that nothing is listed without end.

use super::edit::EditError;
use super::series::{Bench, Left, World, without};
use super::split;
use crate::ical::datetime::{DateTime, TimeRange, Timestamp};
use crate::ical::instances::Instance;
use crate::ical::object::CalendarObject;

/// Where the search for the first instance inside begins: a day, in seconds. It widens fourfold.
const FIRST_WIDTH: i64 = 86_400;

/// A part of an object that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// One instance, by its unmoved start: an instant, or a day.
    Instance(DateTime),
    /// An instance and all later ones.
    Following(DateTime),
}

/// Takes what shares time with `window` out of `object`: what is left, and the parts that went. None if nothing did.
///
/// Errors: `TooMuch` for more instances than `limits.instances`.
pub fn take_out(
    object: &CalendarObject,
    window: TimeRange,
    world: &World<'_>,
) -> Result<Option<(Left, Vec<Part>)>, EditError> {
    let bench = Bench::new(object, world)?;
    if bench.series.is_endless() && window.end() == Timestamp::MAX {
        return from_on(&bench, window);
    }
    let inside = bench.inside(window)?;
    if inside.is_empty() {
        return Ok(None);
    }
    if !bench.recurs() {
        return Ok(Some((Left::Nothing, vec![Part::Whole])));
    }
    let left = match window.start() {
        Timestamp::MIN => match later(&bench, &inside)? {
            Some(left) => left,
            None => without(&bench, &inside)?,
        },
        _ => without(&bench, &inside)?,
    };
    Ok(Some(told(&bench, left, &inside)))
}

/// What is left beside what to say of it.
fn told(bench: &Bench<'_>, left: Left, inside: &[Instance]) -> (Left, Vec<Part>) {
    let parts = match left {
        Left::Nothing => vec![Part::Whole],
        Left::Object { .. } => inside
            .iter()
            .map(|i| Part::Instance(bench.told_id(i)))
            .collect(),
    };
    (left, parts)
}

/// The object from its first instance that is not `inside` on, if all before that are; none if it cannot be continued
/// from there.
fn later(bench: &Bench<'_>, inside: &[Instance]) -> Result<Option<Left>, EditError> {
    let has = |instance: &Instance| inside.iter().any(|i| i.original == instance.original);
    let mut passed = 0;
    let mut next = bench.series.first(&mut bench.world.work())?;
    while let Some(instance) = next.filter(has) {
        passed += 1;
        next = bench.next(&instance)?;
    }
    if passed < inside.len() {
        return Ok(None);
    }
    let Some(next) = next else {
        return Ok(Some(Left::Nothing));
    };
    Ok(match split::tail(bench, &next) {
        Ok(object) => Some(Left::Object {
            object,
            gone: Vec::new(),
        }),
        Err(EditError::Value(_)) => None,
        Err(cause) => return Err(cause),
    })
}

/// Cuts an endless series where nothing later is outside a window without end.
fn from_on(bench: &Bench<'_>, window: TimeRange) -> Result<Option<(Left, Vec<Part>)>, EditError> {
    let Some(first) = bench.first_inside(window)? else {
        return Ok(None);
    };
    // Instances that were moved to before the window stay, and so do those of the rules up to them.
    let exceptions = bench.exceptions()?;
    let outside = exceptions
        .iter()
        .filter(|e| e.original >= first.original && !e.range().overlaps(window))
        .map(|e| e.original)
        .max();
    let cut = match outside {
        None => Some(first),
        Some(outside) => bench.series.next(outside, &mut bench.world.work())?,
    };
    let Some(cut) = cut else { return Ok(None) };
    let before = TimeRange::new(window.start(), cut.original.max(window.start()));
    let mut inside = match before {
        Some(before) => bench.inside(before)?,
        None => Vec::new(),
    };
    inside.extend(
        exceptions
            .into_iter()
            .filter(|e| e.range().overlaps(window)),
    );
    inside.retain(|i| i.original < cut.original);
    inside.sort_unstable_by_key(|i| i.original);
    inside.dedup_by_key(|i| i.original);
    if bench.previous(&cut)?.is_none() {
        return Ok(Some((Left::Nothing, vec![Part::Whole])));
    }
    let following = Part::Following(bench.told_id(&cut));
    let (object, gone) = match inside.is_empty() {
        true => (bench.object.clone(), Vec::new()),
        false => match without(bench, &inside)? {
            Left::Nothing => return Ok(Some((Left::Nothing, vec![Part::Whole]))),
            Left::Object { object, gone } => (object, gone),
        },
    };
    let object = split::head(&Bench::new(&object, bench.world)?, &cut)?;
    let left = Bench::new(&object, bench.world)?;
    if left.series.first(&mut bench.world.work())?.is_none() {
        return Ok(Some((Left::Nothing, vec![Part::Whole])));
    }
    let ids = inside.iter().map(|i| Part::Instance(bench.told_id(i)));
    let parts = ids.chain([following]).collect();
    Ok(Some((Left::Object { object, gone }, parts)))
}

impl Bench<'_> {
    /// The unmoved start of an instance as everybody reads it.
    fn told_id(&self, instance: &Instance) -> DateTime {
        match self.id_of(instance) {
            day @ DateTime::Date(_) => day,
            _ => DateTime::Utc(instance.original),
        }
    }

    /// The instances that share time with `window`.
    fn inside(&self, window: TimeRange) -> Result<Vec<Instance>, EditError> {
        let limit = self.world.limits.instances;
        Ok(self
            .series
            .instances(window, limit, &mut self.world.work())?)
    }

    /// The instances that have a component of their own.
    fn exceptions(&self) -> Result<Vec<Instance>, EditError> {
        let mut found = Vec::new();
        for component in &self.object.components {
            if let Some(original) = super::exception::exception_of(self, component) {
                let id = DateTime::Utc(original);
                found.extend(self.series.find(&id, &mut self.world.work())?);
            }
        }
        Ok(found)
    }

    /// The first instance inside a window without end, by its unmoved start among those that come soonest.
    fn first_inside(&self, window: TimeRange) -> Result<Option<Instance>, EditError> {
        let Some(span) = self.series.span(&mut self.world.work()) else {
            return Ok(None);
        };
        let from = window.start().max(span.start());
        let mut width = FIRST_WIDTH;
        loop {
            let window = TimeRange::new(from, from.plus(width)).unwrap_or(window);
            let found = self.inside(window)?;
            if let Some(first) = found.into_iter().min_by_key(|i| i.original) {
                return Ok(Some(first));
            }
            if window.end() == Timestamp::MAX {
                return Ok(None);
            }
            width = width.saturating_mul(4);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::testing::{BERLIN, DAY, Surroundings, event, instances, with_history};
    use super::*;
    use crate::ical::value;

    /// What is left of the instances, and what was said to have gone.
    fn taken(object: &CalendarObject, from: &str, to: &str) -> (Vec<String>, Vec<Part>) {
        let at = |text: &str, open| match text {
            "" => open,
            text => match value::parse_date_time(text, None).unwrap() {
                DateTime::Utc(at) => at,
                other => panic!("no instant: {other}"),
            },
        };
        let window = TimeRange::new(at(from, Timestamp::MIN), at(to, Timestamp::MAX)).unwrap();
        let around = Surroundings::new();
        match take_out(object, window, &around.world()).unwrap() {
            None => (instances(object), Vec::new()),
            Some((Left::Nothing, parts)) => (Vec::new(), parts),
            Some((Left::Object { object, .. }, parts)) => (instances(&object), parts),
        }
    }

    #[test]
    fn a_time_is_taken_out_of_the_middle() {
        let weekly = event(BERLIN, "RRULE:FREQ=WEEKLY;COUNT=5");
        let all = instances(&weekly);
        let (left, parts) = taken(&weekly, "20260312T090000Z", "20260320T000000Z");
        assert_eq!(left, [&all[..1], &all[3..]].concat());
        assert_eq!(parts.len(), 2);
        let (left, parts) = taken(&weekly, "20260312T100000Z", "20260319T090000Z");
        assert_eq!((left, parts), (all, vec![]));
    }

    #[test]
    fn what_loses_all_goes() {
        let weekly = event(BERLIN, "RRULE:FREQ=WEEKLY;COUNT=5");
        for window in [
            ("", ""),
            ("", "20270101T000000Z"),
            ("20260305T093000Z", ""),
            ("20260301T000000Z", "20260403T000000Z"),
        ] {
            let (left, parts) = taken(&weekly, window.0, window.1);
            assert_eq!((left, parts), (vec![], vec![Part::Whole]), "{window:?}");
        }
    }

    #[test]
    fn endless_series_are_cut_and_begin_later() {
        // A whole day is inside a time that begins at its noon.
        for (line, before) in [(BERLIN, 6), (DAY, 5)] {
            let daily = event(line, "RRULE:FREQ=DAILY");
            let all = instances(&daily);
            let (left, parts) = taken(&daily, "20260310T120000Z", "");
            assert_eq!(left, all[..before]);
            assert!(matches!(parts.as_slice(), [Part::Following(_)]));
            let (left, parts) = taken(&daily, "", "20260308T080000Z");
            assert_eq!(left, all[all.len() - left.len()..]);
            assert_eq!(left.len(), all.len() - parts.len());
        }
    }

    /// The instance of 26 March was moved to the 27th.
    #[test]
    fn moved_instances_count_where_they_are() {
        let series = with_history();
        let all = instances(&series);
        let (left, parts) = taken(&series, "20260326T000000Z", "20260327T000000Z");
        assert_eq!((left.len(), parts.len()), (all.len(), 0));
        let (left, parts) = taken(&series, "20260327T000000Z", "20260328T000000Z");
        assert_eq!((left.len(), parts.len()), (all.len() - 1, 1));
        assert!(!left.iter().any(|line| line.ends_with("moved")));
    }

    #[test]
    fn an_instance_moved_to_before_the_time_outlives_the_rest() {
        let mut series = event(BERLIN, "RRULE:FREQ=DAILY");
        let moved = event(
            "DTSTART;TZID=Europe/Berlin:20260306T180000",
            "RECURRENCE-ID;TZID=Europe/Berlin:20260312T100000",
        );
        series.components.extend(moved.components);
        let all = instances(&series);
        let (left, parts) = taken(&series, "20260310T000000Z", "");
        // 5 to 9 March, and the one of the 12th on the 6th.
        assert_eq!(left, all[..6]);
        // The 10th and the 11th, and all from the 13th on.
        assert_eq!(parts.len(), 3, "{parts:?}");
    }
}
