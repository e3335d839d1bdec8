//! When the alarms of a component go off: VALARM with TRIGGER, REPEAT and DURATION (RFC 5545 sections 3.6.6, 3.8.6).
//!
//! Which instance a component stands for, and when that is, the caller knows. Nominal days count as 24 hours, as where
//! a trigger is told as a time.

use super::component::Component;
use super::datetime::{TimeRange, Timestamp};
use super::value::{self, Related, Trigger};

/// An alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    trigger: Trigger,
    /// How often it goes off again, and how many seconds apart.
    repeat: u32,
    every: i64,
}

/// When an instance takes place, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// First instant.
    pub start: Option<Timestamp>,
    /// First instant after.
    pub end: Option<Timestamp>,
}

impl Alarm {
    /// The alarms of `component`; one whose trigger cannot be read goes off never.
    pub fn of(component: &Component) -> Vec<Self> {
        let alarms = component.components_named("VALARM");
        alarms.filter_map(Self::read).collect()
    }

    /// The alarm that a VALARM is; none if its trigger cannot be read.
    pub fn read(alarm: &Component) -> Option<Self> {
        let trigger = value::trigger(alarm.property("TRIGGER")?).ok()?;
        let repeat = alarm
            .value("REPEAT")
            .and_then(|text| text.trim().parse::<u32>().ok());
        let every = alarm
            .property("DURATION")
            .and_then(|property| value::duration(property).ok())
            .map(|length| length.total_seconds())
            .filter(|seconds| *seconds > 0);
        let (repeat, every) = repeat.zip(every).unwrap_or((0, 0));
        Some(Self {
            trigger,
            repeat,
            every,
        })
    }

    /// Whether it is at one time, whatever happens to the instances.
    pub fn is_absolute(&self) -> bool {
        matches!(self.trigger, Trigger::Absolute(_))
    }

    /// The first time it goes off for an instance; none if the instance has no time.
    pub fn first(&self, ends: Ends) -> Option<Timestamp> {
        match self.trigger {
            Trigger::Absolute(at) => Some(at),
            // A to-do that is only due has an end alone.
            Trigger::Relative(distance, Related::Start) => {
                let from = ends.start.or(ends.end)?;
                Some(from.plus(distance.total_seconds()))
            }
            Trigger::Relative(distance, Related::End) => {
                let from = ends.end.or(ends.start)?;
                Some(from.plus(distance.total_seconds()))
            }
        }
    }

    /// Seconds from its first time to its last.
    pub fn lasts(&self) -> i64 {
        self.every.saturating_mul(self.repeat.into())
    }

    /// Seconds from start or end of an instance to the first time; none for one at a time of its own.
    pub fn distance(&self) -> Option<i64> {
        match self.trigger {
            Trigger::Absolute(_) => None,
            Trigger::Relative(distance, _) => Some(distance.total_seconds()),
        }
    }

    /// Whether it goes off within `window` for an instance.
    pub fn rings(&self, ends: Ends, window: TimeRange) -> bool {
        let Some(first) = self.first(ends) else {
            return false;
        };
        let last = first.plus(self.lasts());
        if last < window.start() || first >= window.end() {
            return false;
        }
        if first >= window.start() {
            return true;
        }
        // Not reached with `every` 0: then first and last are one.
        let ahead = window.start().0.saturating_sub(first.0);
        let times = ahead.div_euclid(self.every) + i64::from(ahead.rem_euclid(self.every) != 0);
        let at = first.plus(times.saturating_mul(self.every));
        at <= last && at < window.end()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::ical::component::Property;

    fn alarm(lines: &[&str]) -> Alarm {
        let mut alarm = Component::new("VALARM");
        for line in lines {
            alarm.push(Property::from_line(*line).unwrap());
        }
        let mut event = Component::new("VEVENT");
        event.push_component(alarm);
        Alarm::of(&event)[0]
    }

    fn window(start: i64, end: i64) -> TimeRange {
        TimeRange::new(Timestamp(start), Timestamp(end)).unwrap()
    }

    const HOUR: Ends = Ends {
        start: Some(Timestamp(10_000)),
        end: Some(Timestamp(13_600)),
    };

    #[test]
    fn triggers_count_from_start_end_or_by_themselves() {
        for (line, at) in [
            ("TRIGGER:-PT10M", 9_400),
            ("TRIGGER;RELATED=END:-PT10M", 13_000),
            ("TRIGGER;VALUE=DATE-TIME:19700101T000010Z", 10),
        ] {
            let alarm = alarm(&[line]);
            assert_eq!(alarm.first(HOUR), Some(Timestamp(at)), "{line}");
            assert!(alarm.rings(HOUR, window(at, at + 1)), "{line}");
            assert!(!alarm.rings(HOUR, window(at + 1, at + 900)), "{line}");
            assert!(!alarm.rings(HOUR, window(at - 900, at)), "{line}");
        }
        let due = Ends {
            start: None,
            end: Some(Timestamp(50)),
        };
        assert_eq!(alarm(&["TRIGGER:PT0S"]).first(due), Some(Timestamp(50)));
    }

    #[test]
    fn repeated_alarms_go_off_at_their_times_only() {
        let alarm = alarm(&["TRIGGER:PT0S", "REPEAT:2", "DURATION:PT5M"]);
        for (from, rings) in [
            (9_999, false),
            (10_000, true),
            (10_001, false),
            (10_300, true),
            (10_600, true),
            (10_900, false),
        ] {
            assert_eq!(alarm.rings(HOUR, window(from, from + 1)), rings, "{from}");
        }
        assert!(alarm.rings(HOUR, window(10_100, 10_500)));
        assert!(!alarm.rings(HOUR, window(10_301, 10_600)));
    }

    #[test]
    fn halves_of_a_repetition_and_huge_ones_do_no_harm() {
        for lines in [
            ["TRIGGER:PT0S", "REPEAT:2", "SUMMARY:a"],
            ["TRIGGER:PT0S", "DURATION:PT5M", "SUMMARY:a"],
            ["TRIGGER:PT0S", "REPEAT:2", "DURATION:-PT5M"],
        ] {
            assert_eq!(alarm(&lines).lasts(), 0, "{lines:?}");
        }
        let often = alarm(&["TRIGGER:PT0S", "REPEAT:4294967295", "DURATION:P3660000D"]);
        assert!(often.rings(HOUR, window(10_000, i64::MAX)));
        assert!(!often.rings(HOUR, window(10_001, 20_000)));
    }
}
