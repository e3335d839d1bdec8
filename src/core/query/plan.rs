//! What of a calendar can fit a query at all: some UIDs, or a time, booked or waiting. The rest is not looked at.
//!
//! A reach is never too small: every row that fits is within it.

use std::collections::BTreeSet;

use super::ast::{Operand, Operator, Table};
use super::bind::{Test, Typed};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::model::item::State;

/// Where rows that fit can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    /// Their UIDs; none: any.
    pub(super) uids: Option<BTreeSet<String>>,
    /// The first instant they can share.
    pub(super) from: Timestamp,
    /// The last one.
    pub(super) to: Timestamp,
    /// Whether they can be booked.
    pub(super) booked: bool,
    /// Whether they can be messages that wait.
    pub(super) queued: bool,
    /// Whether they can be marked as deleted, which a condition must say.
    pub(super) marked: bool,
}

/// A day is compared by its date, wherever it begins: no zone is further than that from UTC, at either end.
const SLACK: i64 = 2 * 86_400;

impl Reach {
    const EVERYTHING: Self = Self {
        uids: None,
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        booked: true,
        queued: true,
        marked: true,
    };

    const NOTHING: Self = Self {
        uids: None,
        from: Timestamp::MAX,
        to: Timestamp::MIN,
        booked: false,
        queued: false,
        marked: false,
    };

    fn in_state(state: State, held: bool) -> Self {
        Self {
            booked: (state == State::Booked) == held,
            queued: (state == State::Queued) == held,
            marked: (state == State::Marked) == held,
            ..Self::EVERYTHING
        }
    }

    /// The reach of a query's condition. `expanded`: whether each instance is a row of its own. What is marked as deleted
    /// is within it only if the condition speaks of that.
    pub(super) fn asked_for(test: &Test, expanded: bool) -> Self {
        let reach = Self::of(test, expanded);
        Self {
            marked: reach.marked && names_marked(test),
            ..reach
        }
    }

    fn of(test: &Test, expanded: bool) -> Self {
        match test {
            Test::All(tests) => tests.iter().fold(Self::EVERYTHING, |reach, test| {
                reach.and(Self::of(test, expanded))
            }),
            Test::Any(tests) => tests.iter().fold(Self::NOTHING, |reach, test| {
                reach.or(Self::of(test, expanded))
            }),
            Test::State(state, held) => Self::in_state(*state, *held),
            Test::Always(false) => Self::NOTHING,
            Test::Compare(Operand::Column(column), operator, typed)
                if column
                    .table
                    .is_none_or(|t| matches!(t, Table::Items(_) | Table::FreeBusy)) =>
            {
                Self::of_comparison(&column.name, *operator, typed, expanded)
            }
            _ => Self::EVERYTHING,
        }
    }

    fn of_comparison(column: &str, operator: Operator, typed: &Typed, expanded: bool) -> Self {
        match (column, operator, typed) {
            ("UID", Operator::Equal, Typed::Text(uid)) => Self {
                uids: Some(BTreeSet::from([uid.clone()])),
                ..Self::EVERYTHING
            },
            ("METHOD", Operator::Equal, Typed::Word(method)) => {
                Self::in_state(state_of(method), true)
            }
            ("METHOD", Operator::Unequal, Typed::Word(method)) => match state_of(method) {
                // Other messages are in the queue, too.
                State::Queued => Self::EVERYTHING,
                state => Self::in_state(state, false),
            },
            // An instance is where it is; a part of a series keeps the name of where it was.
            ("RECURRENCE-ID", _, _) if !expanded => Self::EVERYTHING,
            ("DTSTART" | "DTEND" | "DUE" | "RECURRENCE-ID", _, Typed::Moment(moment)) => {
                let (from, to) = (moment.at.plus(-SLACK), moment.at.plus(SLACK));
                match operator {
                    Operator::Equal => Self {
                        from,
                        to,
                        ..Self::EVERYTHING
                    },
                    Operator::Less | Operator::AtMost => Self {
                        to,
                        ..Self::EVERYTHING
                    },
                    Operator::Greater | Operator::AtLeast => Self {
                        from,
                        ..Self::EVERYTHING
                    },
                    Operator::Unequal => Self::EVERYTHING,
                }
            }
            _ => Self::EVERYTHING,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            uids: match (self.uids, other.uids) {
                (Some(a), Some(b)) => Some(a.intersection(&b).cloned().collect()),
                (a, b) => a.or(b),
            },
            from: self.from.max(other.from),
            to: self.to.min(other.to),
            booked: self.booked && other.booked,
            queued: self.queued && other.queued,
            marked: self.marked && other.marked,
        }
    }

    fn or(self, other: Self) -> Self {
        if self == Self::NOTHING {
            return other;
        }
        if other == Self::NOTHING {
            return self;
        }
        Self {
            uids: self.uids.zip(other.uids).map(|(mut a, b)| {
                a.extend(b);
                a
            }),
            from: self.from.min(other.from),
            to: self.to.max(other.to),
            booked: self.booked || other.booked,
            queued: self.queued || other.queued,
            marked: self.marked || other.marked,
        }
    }

    /// The time; none: rows that fit may have none, or any.
    pub(super) fn window(&self) -> Option<TimeRange> {
        (self.from > Timestamp::MIN || self.to < Timestamp::MAX).then(|| {
            TimeRange::new(self.from, self.to.plus(1)).unwrap_or(TimeRange::lasting(self.from, 0))
        })
    }

    /// The time as it was asked for, each end none where it was not.
    pub(super) fn asked(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        (
            (self.from > Timestamp::MIN).then(|| self.from.plus(SLACK)),
            (self.to < Timestamp::MAX).then(|| self.to.plus(-SLACK)),
        )
    }

    /// Whether nothing can fit.
    pub(super) fn is_empty(&self) -> bool {
        self.from > self.to
            || !(self.booked || self.queued || self.marked)
            || self.uids.as_ref().is_some_and(BTreeSet::is_empty)
    }
}

/// The state of what has a METHOD, in small letters.
fn state_of(method: &str) -> State {
    match method {
        "create" => State::Booked,
        "delete" => State::Marked,
        _ => State::Queued,
    }
}

/// Whether a condition speaks of what is marked as deleted.
fn names_marked(test: &Test) -> bool {
    match test {
        Test::Any(tests) | Test::All(tests) => tests.iter().any(names_marked),
        Test::State(state, _) => *state == State::Marked,
        Test::Compare(operand, _, Typed::Word(method)) => {
            operand.column().name == "METHOD" && state_of(method) == State::Marked
        }
        _ => false,
    }
}

/// Whether a condition asks when rows take place, so that the instances of a series count.
pub(super) fn asks_times(test: &Test) -> bool {
    let timely = |operand: &Operand| {
        let column = operand.column();
        let names = ["DTSTART", "DTEND", "DUE", "TRIGGER"];
        matches!(operand, Operand::Column(_)) && names.contains(&column.name.as_str())
    };
    match test {
        Test::Any(tests) | Test::All(tests) => tests.iter().any(asks_times),
        Test::Compare(operand, ..)
        | Test::Like(operand, ..)
        | Test::Null(operand, _)
        | Test::In(_, _, operand) => timely(operand),
        Test::State(..) | Test::Owned(_) | Test::Always(_) => false,
    }
}
