//! The index of alarms: of each item that has some, the span from the first time that one may go off to the last.
//!
//! When alarms really go off is found near the window that is asked for, by whoever reads the item.

use super::layout;
use super::space::Space;
use super::spans::Spans;
use crate::ical::alarms::{Alarm, Ends};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::object::CalendarObject;
use crate::model::id::CalendarId;
use crate::model::item::Item;

pub(super) fn by_alarm(calendar: CalendarId) -> Spans {
    Spans::of(Space::ByAlarm, layout::calendar(calendar))
}

/// The span the index holds for an item: none without an alarm that may go off.
pub(super) fn span(object: &CalendarObject, item: &Item) -> Option<TimeRange> {
    if !item.facts.alarms {
        return None;
    }
    let ends = match item.facts.span {
        Some((start, end)) => Ends {
            start: Some(Timestamp(start)),
            end: Some(Timestamp(end)),
        },
        None => Ends {
            start: None,
            end: None,
        },
    };
    let mut hull: Option<(Timestamp, Timestamp)> = None;
    for alarm in object.components.iter().flat_map(Alarm::of) {
        let Some(first) = alarm.first(ends) else {
            continue;
        };
        // From whichever end it counts, no instance starts before the span or ends after it.
        let (first, last) = match (alarm.distance(), ends.start.zip(ends.end)) {
            (Some(distance), Some((start, end))) => (start.plus(distance), end.plus(distance)),
            _ => (first, first),
        };
        let endless =
            last == Timestamp::MAX || ends.end == Some(Timestamp::MAX) && !alarm.is_absolute();
        let after = match endless {
            true => Timestamp::MAX,
            false => last.plus(alarm.lasts()).plus(1),
        };
        let (from, to) = hull.get_or_insert((first, after));
        *from = first.min(*from);
        *to = after.max(*to);
    }
    hull.and_then(|(from, to)| TimeRange::new(from, to))
}
