//! Writing zones of the tz database as VTIMEZONE components (RFC 5545 section 3.6.5): the rule a zone follows
//! now as RRULE, irregular history as RDATE. Reading VTIMEZONEs is `zone`'s work.

use std::fmt::Write as _;

use jiff::civil::{self, Weekday};
use jiff::tz::TimeZone;

use super::component::{Component, Property};
use super::datetime::{DateTime, TimeRange, Timestamp};
use super::recur::LocalSeconds;
use super::rule::{Frequency, Rule, WeekdayNum};
use super::zone::Zone;

#[cfg(test)]
mod tests;

/// The tz database lists changes up to 2037; what a zone does in the 40 years after is its rule.
const RULE_YEARS: std::ops::Range<i16> = 2038..2078;

/// First instant that nothing irregular is written for: 2038-01-01.
const RULE_START: Timestamp = Timestamp(2_145_916_800);

/// No time before is written: 1970-01-01.
const EARLIEST: Timestamp = Timestamp(0);

/// A change of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    /// On the clock before the change.
    local: civil::DateTime,
    before: i32,
    after: i32,
    name: String,
    daylight: bool,
}

impl Change {
    /// Whether two changes can be written as one observance.
    fn is_alike(&self, other: &Self) -> bool {
        (self.before, self.after, self.daylight, &self.name)
            == (other.before, other.after, other.daylight, &other.name)
    }
}

/// A change that comes back every year.
#[derive(Debug)]
struct Yearly {
    model: Change,
    weekday: Weekday,
    /// First and last day of the month it can fall on: seven days.
    days: (i8, i8),
}

/// The VTIMEZONE of a zone, under the zone's id, right for every instant of `range` from 1970 on. Where the
/// zone follows a rule now, right for ever.
///
/// A zone that is itself made from a VTIMEZONE in the data has no component of its own here: none.
pub fn of(zone: &Zone, range: TimeRange) -> Option<Component> {
    let mut component = Component::new("VTIMEZONE").with(Property::new("TZID", zone.id()));
    let Some(database) = zone.database_zone() else {
        let always = Change {
            local: EARLIEST.to_civil(),
            before: 0,
            after: 0,
            name: "UTC".to_owned(),
            daylight: false,
        };
        return zone.is_utc().then(|| {
            component.push_component(observance(&always, &[], None));
            component
        });
    };
    let start = range.start().max(EARLIEST).min(RULE_START);
    // Zones whose table goes on past 2037 without a rule are written as far as they are asked for.
    let yearly = yearly_changes(database);
    let end = if yearly.is_empty() {
        match range.end() {
            Timestamp::MAX => RULE_START,
            end => end.max(start),
        }
    } else {
        RULE_START
    };
    let history = changes(database, start, end);
    component.push_component(observance(&initial(database, start), &[], None));
    let mut irregular = Vec::new();
    let mut ruled: Vec<(&Yearly, Change)> = Vec::new();
    for (at, change) in history.iter().enumerate() {
        let rule = yearly.iter().find(|y| y.gives(change));
        let lasts = rule.filter(|rule| rule.holds_from(&history[at..]));
        match lasts {
            Some(rule) if ruled.iter().any(|(known, _)| std::ptr::eq(*known, rule)) => {}
            Some(rule) => ruled.push((rule, change.clone())),
            None => irregular.push(change),
        }
    }
    while !irregular.is_empty() {
        let first = irregular[0];
        let (alike, others): (Vec<_>, Vec<_>) =
            irregular.iter().partition(|change| change.is_alike(first));
        let dates: Vec<civil::DateTime> = alike[1..].iter().map(|c: &&Change| c.local).collect();
        component.push_component(observance(first, &dates, None));
        irregular = others;
    }
    for (rule, first) in &ruled {
        component.push_component(observance(first, &[], Some(&rule.rule())));
    }
    Some(component)
}

/// The VTIMEZONE of the zone that the tz database knows by this name, from 1970 on; see [`of`].
pub fn named(name: &str) -> Option<Component> {
    let range = TimeRange::new(EARLIEST, Timestamp::MAX)?;
    of(&Zone::named(name)?, range)
}

/// One STANDARD or DAYLIGHT block.
fn observance(first: &Change, dates: &[civil::DateTime], rule: Option<&Rule>) -> Component {
    let name = if first.daylight {
        "DAYLIGHT"
    } else {
        "STANDARD"
    };
    let value = |local: civil::DateTime| DateTime::Floating(local).to_string();
    let mut component = Component::new(name)
        .with(Property::new("DTSTART", value(first.local)))
        .with(Property::new("TZOFFSETFROM", offset(first.before)))
        .with(Property::new("TZOFFSETTO", offset(first.after)))
        .with(Property::text("TZNAME", &first.name));
    if let Some(rule) = rule {
        component.push(Property::new("RRULE", rule.to_string()));
    }
    if !dates.is_empty() {
        let dates: Vec<String> = dates.iter().map(|&date| value(date)).collect();
        component.push(Property::new("RDATE", dates.join(",")));
    }
    component
}

/// `+HHMM`, with seconds only where there are some (section 3.3.14).
fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let amount = seconds.abs();
    let mut text = format!("{sign}{:02}{:02}", amount / 3_600, amount / 60 % 60);
    if amount % 60 != 0 {
        let _ = write!(text, "{:02}", amount % 60);
    }
    text
}

/// What the clock shows at the start, as a change from nothing.
fn initial(database: &TimeZone, start: Timestamp) -> Change {
    let at = jiff::Timestamp::from_second(start.0).unwrap_or_default();
    let info = database.to_offset_info(at);
    let offset = info.offset().seconds();
    Change {
        local: start.to_civil().date().at(0, 0, 0, 0),
        before: offset,
        after: offset,
        name: info.abbreviation().to_owned(),
        daylight: info.dst().is_dst(),
    }
}

/// The changes after `start`, before `end`; those that change only the name or nothing are none.
fn changes(zone: &TimeZone, start: Timestamp, end: Timestamp) -> Vec<Change> {
    let at = jiff::Timestamp::from_second(start.0).unwrap_or_default();
    let info = zone.to_offset_info(at);
    let (mut before, mut was_dst) = (info.offset().seconds(), info.dst().is_dst());
    let mut changes = Vec::new();
    for transition in zone.following(at) {
        let at = transition.timestamp().as_second();
        if at >= end.0 {
            break;
        }
        let (after, is_dst) = (transition.offset().seconds(), transition.dst().is_dst());
        if after != before {
            changes.push(Change {
                local: LocalSeconds(at + i64::from(before)).into(),
                before,
                after,
                name: transition.abbreviation().to_owned(),
                // Where winter time is the exception (Dublin), the database marks the winter. Clients want
                // the forward shift to be DAYLIGHT.
                daylight: if is_dst {
                    after > before
                } else {
                    was_dst && after > before
                },
            });
        }
        (before, was_dst) = (after, is_dst);
    }
    changes
}

/// The changes that a zone makes every year from 2038 on; none when it makes none, or follows no rule.
fn yearly_changes(zone: &TimeZone) -> Vec<Yearly> {
    let instant = |year: i16| Timestamp::from_civil_utc(civil::date(year, 1, 1).at(0, 0, 0, 0));
    let (start, end) = (instant(RULE_YEARS.start), instant(RULE_YEARS.end));
    let mut found: Vec<Vec<Change>> = Vec::new();
    for change in changes(zone, start, end) {
        match found.iter_mut().find(|group| group[0].is_alike(&change)) {
            Some(group) => group.push(change),
            None => found.push(vec![change]),
        }
    }
    let years = RULE_YEARS.len();
    let rules: Vec<Yearly> = found.iter().filter_map(|g| Yearly::of(g, years)).collect();
    // Half a rule is none.
    if rules.len() == found.len() {
        rules
    } else {
        Vec::new()
    }
}

impl Yearly {
    /// The rule behind changes that happen once in each of so many years.
    fn of(changes: &[Change], years: usize) -> Option<Self> {
        let model = changes.first()?.clone();
        let first = changes.iter().map(|c| c.local.day()).min()?;
        let last = changes.iter().map(|c| c.local.day()).max()?;
        let same = changes.iter().all(|c| {
            c.local.month() == model.local.month()
                && c.local.time() == model.local.time()
                && c.local.weekday() == model.local.weekday()
        });
        (same && changes.len() == years && last - first == 6).then(|| Self {
            weekday: model.local.weekday(),
            days: (first, last),
            model,
        })
    }

    /// Whether the rule gives this change.
    fn gives(&self, change: &Change) -> bool {
        self.model.is_alike(change)
            && change.local.month() == self.model.local.month()
            && change.local.time() == self.model.local.time()
            && change.local.weekday() == self.weekday
            && (self.days.0..=self.days.1).contains(&change.local.day())
    }

    /// Whether from the first of these changes on the rule gives one in every year up to 2037.
    fn holds_from(&self, changes: &[Change]) -> bool {
        let Some(first) = changes.first() else {
            return false;
        };
        let years = i64::from(RULE_YEARS.start) - i64::from(first.local.year());
        let given = changes.iter().filter(|change| self.gives(change)).count();
        given as i64 == years
    }

    fn rule(&self) -> Rule {
        let mut rule = Rule::new(Frequency::Yearly);
        let month = self.model.local.month();
        rule.by_month = vec![month as u8];
        let length = self.model.local.date().days_in_month();
        let ordinal = match self.days {
            (first, _) if first % 7 == 1 => Some(first / 7 + 1),
            // February is no month that clocks change in by its end.
            (_, last) if last == length && month != 2 => Some(-1),
            _ => None,
        };
        rule.by_day = vec![WeekdayNum {
            ordinal: ordinal.unwrap_or(0),
            weekday: self.weekday,
        }];
        if ordinal.is_none() {
            rule.by_month_day = (self.days.0..=self.days.1).collect();
        }
        rule
    }
}
