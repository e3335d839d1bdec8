//! Whether a row fits a condition (draft-ietf-calsch-cap-04 section 9.2; RFC 4324 section 6.1.1).
//!
//! A comparison holds if it does for any of a column's values; `!=`, NOT LIKE and NOT IN if it does for none, so that they
//! hold of what is missing, too.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::ast::{Column, Operand, Operator, Table};
use super::bind::{Moment, Piece, Test, Type, Typed, day_of};
use crate::ical::alarms::{Alarm, Ends};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::DateTime;
use crate::ical::value;
use crate::ical::zone::{Zone, Zones};
use crate::model::item::State;

/// When a row takes place: as it says itself, or one of its instances.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) start: Option<Moment>,
    pub(super) end: Option<Moment>,
    /// The instance it is; none: what the component says.
    pub(super) instance: Option<Moment>,
}

impl Times {
    /// From the start to the end, in seconds; whole days as their number says, whatever the clocks do.
    fn length(&self) -> Option<i64> {
        let (start, end) = self.start.zip(self.end)?;
        Some(match start.day.zip(end.day) {
            Some((first, last)) => i64::from((last - first).get_days()) * 86_400,
            None => end.at.0.saturating_sub(start.at.0),
        })
    }
}

/// A row, as the caller may see it.
pub(super) struct Subject<'a> {
    pub(super) table: Table,
    pub(super) component: &'a Component,
    pub(super) zones: &'a Zones,
    pub(super) floating: &'a Zone,
    /// Of an alarm those of what it is in.
    pub(super) times: Times,
    /// The method of a message that waits; none: it is booked.
    pub(super) method: Option<&'a str>,
    /// Whether the caller owns the calendar.
    pub(super) owned: bool,
}

/// A value that stands in a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Actual<'a> {
    Moment(Moment),
    Number(i64),
    Text(Cow<'a, str>),
}

impl Subject<'_> {
    /// Whether the row fits.
    pub(super) fn fits(&self, test: &Test) -> bool {
        match test {
            Test::Any(tests) => tests.iter().any(|test| self.fits(test)),
            Test::All(tests) => tests.iter().all(|test| self.fits(test)),
            Test::Always(held) => *held,
            Test::State(state, held) => (State::of(self.method) == *state) == *held,
            Test::Owned(owned) => self.owned == *owned,
            Test::Null(operand, not) => self.values(operand, false).is_empty() != *not,
            Test::Compare(operand, Operator::Unequal, typed) => !self.has(operand, typed),
            Test::Compare(operand, Operator::Equal, typed) => self.has(operand, typed),
            Test::Compare(operand, operator, typed) => {
                let values = self.values(operand, false);
                values.iter().any(|value| {
                    order(value, typed).is_some_and(|order| match operator {
                        Operator::Less => order == Ordering::Less,
                        Operator::AtMost => order != Ordering::Greater,
                        Operator::Greater => order == Ordering::Greater,
                        _ => order != Ordering::Less,
                    })
                })
            }
            Test::Like(operand, not, pieces) => {
                let values = self.values(operand, false);
                values.iter().any(|value| like(&shown(value), pieces)) != *not
            }
            Test::In(typed, not, operand) => {
                let values = self.values(operand, true);
                values.iter().any(|value| equal(value, typed)) != *not
            }
        }
    }

    fn has(&self, operand: &Operand, typed: &Typed) -> bool {
        let values = self.values(operand, false);
        values.iter().any(|value| equal(value, typed))
    }

    /// The values of an operand; with `each`, those within a list by themselves.
    pub(super) fn values(&self, operand: &Operand, each: bool) -> Vec<Actual<'_>> {
        match operand {
            Operand::Column(column) => self.column(column, each),
            Operand::Param(column, name) => {
                let mut found = Vec::new();
                for property in self.properties(column) {
                    let mut given = property.params().filter(|param| param.is(name)).peekable();
                    match given.peek() {
                        Some(_) => found.extend(given.flat_map(|p| p.values()).map(Actual::Text)),
                        None => found.extend(
                            default_of(property, name).map(|text| Actual::Text(text.into())),
                        ),
                    }
                }
                found
            }
        }
    }

    fn column(&self, column: &Column, each: bool) -> Vec<Actual<'_>> {
        let own = column.table.is_none_or(|table| table == self.table);
        if own && matches!(self.table, Table::Items(_)) {
            let time = match column.name.as_str() {
                "METHOD" => {
                    return vec![Actual::Text(self.method.unwrap_or("CREATE").into())];
                }
                "DTSTART" => self.times.start,
                "DTEND" | "DUE" => self.times.end,
                "RECURRENCE-ID" => self.times.instance,
                _ => None,
            };
            if let Some(time) = time {
                return vec![Actual::Moment(time)];
            }
            if column.name == "DURATION" && self.component.property("DURATION").is_none() {
                return self
                    .times
                    .length()
                    .map(Actual::Number)
                    .into_iter()
                    .collect();
            }
        }
        if column.name == "TRIGGER" {
            return self.triggers(own);
        }
        let kind = Type::of(&Operand::Column(column.clone()));
        let mut found = Vec::new();
        for property in self.properties(column) {
            self.read(property, kind, each, &mut found);
        }
        found
    }

    fn properties(&self, column: &Column) -> Vec<&Property> {
        let named = |property: &&Property| column.is_of(self.table, property);
        if column.table.is_none_or(|table| table == self.table) {
            return self.component.properties().filter(named).collect();
        }
        let inner = self.component.components_named("VALARM");
        inner
            .flat_map(Component::properties)
            .filter(named)
            .collect()
    }

    /// When alarms go off: the row's own, or those in it.
    fn triggers(&self, own: bool) -> Vec<Actual<'_>> {
        let ends = Ends {
            start: self.times.start.map(|moment| moment.at),
            end: self.times.end.map(|moment| moment.at),
        };
        let alarms = match own {
            true => Alarm::read(self.component).into_iter().collect(),
            false => Alarm::of(self.component),
        };
        let first = alarms.into_iter().filter_map(|alarm| alarm.first(ends));
        first
            .map(|at| Actual::Moment(Moment { at, day: None }))
            .collect()
    }

    /// The values of a property; what is no value of its type is none.
    fn read<'a>(&self, property: &'a Property, kind: Type, each: bool, out: &mut Vec<Actual<'a>>) {
        match kind {
            Type::Moment => {
                let times = value::date_times(property).unwrap_or_default();
                out.extend(times.iter().map(|time| Actual::Moment(self.moment(time))));
            }
            Type::Integer => {
                out.extend(property.value().trim().parse().ok().map(Actual::Number));
            }
            Type::Seconds => {
                let length = value::duration(property).ok();
                out.extend(length.map(|length| Actual::Number(length.total_seconds())));
            }
            Type::Address | Type::Word => out.push(Actual::Text(property.value().trim().into())),
            Type::Text if each && is_list(property) => {
                out.extend(value::texts(property).map(Actual::Text));
            }
            Type::Text => out.push(Actual::Text(property.to_text())),
        }
    }

    /// A time as it is compared.
    pub(super) fn moment(&self, time: &DateTime) -> Moment {
        match time {
            DateTime::Date(day) => day_of(*day, self.floating),
            _ => Moment {
                at: self.zones.instant(time, self.floating),
                day: None,
            },
        }
    }
}

fn is_list(property: &Property) -> bool {
    crate::ical::names::property(property.name()).is_some_and(|row| row.list)
}

/// What a parameter says where it is not written (RFC 5545 section 3.2).
fn default_of(property: &Property, param: &str) -> Option<&'static str> {
    const DEFAULTS: [(&str, &str, &str); 8] = [
        ("ATTENDEE", "CUTYPE", "INDIVIDUAL"),
        ("ATTENDEE", "PARTSTAT", "NEEDS-ACTION"),
        ("ATTENDEE", "ROLE", "REQ-PARTICIPANT"),
        ("ATTENDEE", "RSVP", "FALSE"),
        ("RELATED-TO", "RELTYPE", "PARENT"),
        ("TRIGGER", "RELATED", "START"),
        ("FREEBUSY", "FBTYPE", "BUSY"),
        ("ATTACH", "ENCODING", "8BIT"),
    ];
    DEFAULTS
        .iter()
        .find(|(of, name, _)| property.is(of) && name.eq_ignore_ascii_case(param))
        .map(|(_, _, default)| *default)
}

/// Days are compared as days, the day of an instant being that of UTC.
pub(super) fn order_moments(a: Moment, b: Moment) -> Ordering {
    let utc_day = |moment: Moment| moment.day.unwrap_or_else(|| moment.at.to_civil().date());
    match a.day.is_some() || b.day.is_some() {
        true => utc_day(a).cmp(&utc_day(b)),
        false => a.at.cmp(&b.at),
    }
}

fn order(actual: &Actual<'_>, typed: &Typed) -> Option<Ordering> {
    match (actual, typed) {
        (Actual::Moment(a), Typed::Moment(b)) => Some(order_moments(*a, *b)),
        (Actual::Number(a), Typed::Number(b)) => Some(a.cmp(b)),
        (Actual::Text(a), Typed::Text(b)) => Some(a.as_ref().cmp(b)),
        (Actual::Text(a), Typed::Word(b)) => Some(a.to_lowercase().cmp(b)),
        _ => None,
    }
}

fn equal(actual: &Actual<'_>, typed: &Typed) -> bool {
    match (actual, typed) {
        (Actual::Text(text), Typed::Anybody(names)) => {
            let text = text.to_lowercase();
            let bare = text.strip_prefix("mailto:").unwrap_or(&text);
            names
                .iter()
                .any(|name| name.strip_prefix("mailto:").unwrap_or(name) == bare)
        }
        (Actual::Moment(a), Typed::Moment(b)) => order_moments(*a, *b) == Ordering::Equal,
        (Actual::Number(a), Typed::Number(b)) => a == b,
        (Actual::Text(a), Typed::Text(b)) => a == b,
        (Actual::Text(a), Typed::Word(b)) => a.to_lowercase() == *b,
        _ => false,
    }
}

/// A value as LIKE sees it: times in their basic form, in UTC.
fn shown<'a>(value: &'a Actual<'_>) -> Cow<'a, str> {
    match value {
        Actual::Moment(Moment { day: Some(day), .. }) => day.strftime("%Y%m%d").to_string().into(),
        Actual::Moment(Moment { at, .. }) => at.to_string().into(),
        Actual::Number(number) => number.to_string().into(),
        Actual::Text(text) => text.as_ref().into(),
    }
}

/// Whether the whole text is like the pattern; letter case does not count. Looks at each character at most once for each
/// step of the pattern.
fn like(text: &str, pieces: &[Piece]) -> bool {
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut at, mut step) = (0, 0);
    // Where to go on when what follows the last run does not fit: the run takes one more.
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        match pieces.get(step) {
            Some(Piece::Run) => {
                step += 1;
                back = Some((at, step));
            }
            Some(Piece::One) => (at, step) = (at + 1, step + 1),
            Some(Piece::Exactly(c)) if *c == text[at] => (at, step) = (at + 1, step + 1),
            _ => match &mut back {
                Some((taken, after)) => {
                    *taken += 1;
                    (at, step) = (*taken, *after);
                }
                None => return false,
            },
        }
    }
    pieces[step..].iter().all(|piece| *piece == Piece::Run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        use Piece::{Exactly as E, One, Run};
        for (text, pieces, expected) in [
            ("abc", &[Run][..], true),
            ("", &[Run], true),
            ("", &[One], false),
            ("aXbXc", &[Run, E('x'), E('c')], true),
            ("abc", &[E('a'), One, E('c')], true),
            ("abc", &[E('a'), One], false),
            ("abab", &[Run, E('a'), E('b')], true),
            ("aba", &[Run, E('a'), E('b')], false),
        ] {
            assert_eq!(like(text, pieces), expected, "{text} {pieces:?}");
        }
    }
}
