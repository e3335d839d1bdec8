//! What of a calendar can fit a query at all: some UIDs, or a time, booked or waiting. The rest is not looked at.
//!
//! A reach is never too small: every row that fits is within it.

use std::collections::BTreeSet;

use super::ast::{Operand, Operator, Table};
use super::bind::{Test, Typed};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::model::item::State;

/// What ends at `from` or later and begins at `to` or earlier. Where `from` is the later of both, that is what lasts from
/// `to` to `from` at least, and not nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Between {
    from: Timestamp,
    to: Timestamp,
}

impl Between {
    const ALL: Self = Self {
        from: Timestamp::MIN,
        to: Timestamp::MAX,
    };

    const NONE: Self = Self {
        from: Timestamp::MAX,
        to: Timestamp::MIN,
    };

    fn and(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }

    /// So many seconds more at either end.
    fn widened(self, seconds: i64) -> Self {
        Self {
            from: self.from.plus(seconds.saturating_neg()),
            to: self.to.plus(seconds),
        }
    }

    /// Whether there is anything that it does not let in.
    fn is_bounded(self) -> bool {
        self != Self::ALL
    }

    fn window(self) -> Option<TimeRange> {
        self.is_bounded().then(|| {
            let (first, last) = (self.from.min(self.to), self.from.max(self.to));
            TimeRange::new(first, last.plus(1)).unwrap_or(TimeRange::lasting(first, 0))
        })
    }
}

/// Where rows that fit can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    /// Their UIDs; none: any.
    pub(super) uids: Option<BTreeSet<String>>,
    /// When they can take place.
    pub(super) times: Between,
    /// What their RECURRENCE-ID can be, where each instance is a row. What was moved is not there any more, so that this
    /// is not a time at which they take place.
    pub(super) names: Between,
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
        times: Between::ALL,
        names: Between::ALL,
        booked: true,
        queued: true,
        marked: true,
    };

    const NOTHING: Self = Self {
        uids: None,
        times: Between::NONE,
        names: Between::NONE,
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
            Test::In(typed, not, Operand::Column(column)) if column.name == "METHOD" => {
                let operator = if *not {
                    Operator::Unequal
                } else {
                    Operator::Equal
                };
                Self::of_comparison("METHOD", operator, typed, expanded)
            }
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
            // What a component says of itself is not bound to the time of its instances.
            ("RECURRENCE-ID", _, _) if !expanded => Self::EVERYTHING,
            ("DTSTART" | "DTEND" | "DUE" | "RECURRENCE-ID", _, Typed::Moment(moment)) => {
                let (from, to) = (moment.at.plus(-SLACK), moment.at.plus(SLACK));
                let between = match operator {
                    Operator::Equal => Between { from, to },
                    Operator::Less | Operator::AtMost => Between { to, ..Between::ALL },
                    Operator::Greater | Operator::AtLeast => Between {
                        from,
                        ..Between::ALL
                    },
                    Operator::Unequal => Between::ALL,
                };
                match column {
                    "RECURRENCE-ID" => Self {
                        names: between,
                        ..Self::EVERYTHING
                    },
                    _ => Self {
                        times: between,
                        ..Self::EVERYTHING
                    },
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
            times: self.times.and(other.times),
            names: self.names.and(other.names),
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
            times: self.times.or(other.times),
            names: self.names.or(other.names),
            booked: self.booked || other.booked,
            queued: self.queued || other.queued,
            marked: self.marked || other.marked,
        }
    }

    /// A time in which each item with rows that fit has an instance, moved or as its rules gave it; none: items that fit
    /// may have none.
    pub(super) fn window(&self) -> Option<TimeRange> {
        self.times.window().or_else(|| self.names.window())
    }

    /// The time in which the instances of a series that fit take place, unless they were moved each by itself; `moved`:
    /// how far others were, in seconds.
    pub(super) fn expanded(&self, moved: i64) -> Option<TimeRange> {
        let names = match self.names.is_bounded() {
            true => self.names.widened(moved),
            false => self.names,
        };
        self.times.and(names).window()
    }

    /// The time as it was asked for, each end none where it was not.
    pub(super) fn asked(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let Between { from, to } = self.times;
        (
            (from > Timestamp::MIN).then(|| from.plus(SLACK)),
            (to < Timestamp::MAX).then(|| to.plus(-SLACK)),
        )
    }

    /// What it is read by, as the log says it: `uid` goes before `time`; `all` is a walk through all that is booked.
    pub(super) fn index(&self) -> &'static str {
        match (&self.uids, self.window()) {
            _ if self.is_empty() => "none",
            (Some(_), _) => "uid",
            (None, Some(_)) => "time",
            (None, None) => "all",
        }
    }

    /// Whether nothing can fit.
    pub(super) fn is_empty(&self) -> bool {
        // A name is one instant.
        self.names.from > self.names.to
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
        Test::Compare(operand, _, Typed::Word(method))
        | Test::In(Typed::Word(method), _, operand) => {
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
