//! Gives the literals of a query the types of the columns they stand beside, once, before any row is looked at
//! (draft-ietf-calsch-cap-04 section 9.2).

use super::ast::{Column, Condition, Operand, Operator, Query, Table, Value, Word};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::ical::component::{Property, unescape_text};
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::names::{self, ValueType};
use crate::ical::value;
use crate::ical::zone::Zone;
use crate::model::item::State;

/// How the values of a column are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// As instants, or as days where one of both is a date.
    Moment,
    /// As whole numbers.
    Integer,
    /// As lengths of time, in seconds.
    Seconds,
    /// As addresses of people.
    Address,
    /// As text whose letter case does not count.
    Word,
    /// As text, to the byte.
    Text,
}

impl Type {
    /// The type of an operand.
    pub(super) fn of(operand: &Operand) -> Self {
        let Operand::Column(column) = operand else {
            return Self::Word;
        };
        match column.name.as_str() {
            "TRIGGER" => return Self::Moment,
            "CLASS" | "STATUS" | "TRANSP" | "ACTION" | "METHOD" | "OWNER" | "OWNERS" => {
                return Self::Word;
            }
            _ => {}
        }
        match names::property(&column.name).map(|row| row.default) {
            Some(ValueType::Date | ValueType::DateTime | ValueType::Utc) => Self::Moment,
            Some(ValueType::Integer) => Self::Integer,
            Some(ValueType::Duration) => Self::Seconds,
            Some(ValueType::CalAddress) => Self::Address,
            Some(ValueType::Boolean) => Self::Word,
            _ => Self::Text,
        }
    }
}

/// An instant, or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// The instant; of a day its first.
    pub(super) at: Timestamp,
    /// The day, of a date.
    pub(super) day: Option<jiff::civil::Date>,
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// A time.
    Moment(Moment),
    /// A number, or seconds.
    Number(i64),
    /// A text, to the byte.
    Text(String),
    /// A text in small letters, whose case does not count.
    Word(String),
    /// Any of these addresses or names, in small letters.
    Anybody(Vec<String>),
}

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// `%`: any run of characters.
    Run,
    /// `_`: any character.
    One,
    /// This one, in small letters.
    Exactly(char),
}

/// A condition whose literals have types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Compare(Operand, Operator, Typed),
    Like(Operand, bool, Vec<Piece>),
    Null(Operand, bool),
    In(Typed, bool, Operand),
    /// Whether the row is to be in this state, or in any other.
    State(State, bool),
    Owned(bool),
    /// Whatever the row is.
    Always(bool),
}

/// What functions of the language stand for, and how times without a zone are read.
#[derive(Debug, Clone)]
pub(super) struct Terms<'a> {
    /// Names and addresses of the caller, in small letters.
    pub(super) caller: Vec<String>,
    /// Names and addresses of the calendar's owners, in small letters.
    pub(super) owners: Vec<String>,
    /// Addresses and the calid of what is asked, in small letters.
    pub(super) target: Vec<String>,
    /// Zone of times without one.
    pub(super) floating: &'a Zone,
    /// Whether times must be UTC.
    pub(super) utc_only: bool,
}

/// Gives the conditions of a query types.
///
/// Errors: `BadValue` for a literal that is no value of its column, and for a column of other components.
pub(super) fn bind(query: &Query, terms: &Terms<'_>) -> Result<Test> {
    let binder = Binder { query, terms };
    query
        .filter
        .as_ref()
        .map_or(Ok(Test::Always(true)), |filter| binder.test(filter))
}

struct Binder<'a> {
    query: &'a Query,
    terms: &'a Terms<'a>,
}

impl Binder<'_> {
    fn test(&self, condition: &Condition) -> Result<Test> {
        let tests = |parts: &[Condition]| -> Result<Vec<Test>> {
            parts.iter().map(|part| self.test(part)).collect()
        };
        Ok(match condition {
            Condition::Any(parts) => Test::Any(tests(parts)?),
            Condition::All(parts) => Test::All(tests(parts)?),
            Condition::Compare(operand, operator, word) => {
                self.check(operand.column())?;
                Test::Compare(operand.clone(), *operator, self.typed(operand, word)?)
            }
            Condition::Like {
                operand,
                not,
                pattern,
            } => {
                self.check(operand.column())?;
                let Value::Literal(raw) = &pattern.value else {
                    return Err(wrong(pattern.at, "a pattern between quotes"));
                };
                Test::Like(operand.clone(), *not, pieces(raw))
            }
            Condition::Null { operand, not } => {
                self.check(operand.column())?;
                Test::Null(operand.clone(), *not)
            }
            Condition::In {
                value,
                not,
                operand,
            } => {
                self.check(operand.column())?;
                Test::In(self.typed(operand, value)?, *not, operand.clone())
            }
            Condition::State { state, not } => match state.as_str() {
                "BOOKED" => Test::State(State::Booked, !not),
                "UNPROCESSED" => Test::State(State::Queued, !not),
                "DELETED" => Test::State(State::Marked, !not),
                // Nothing here is in a state of somebody's own.
                _ => Test::Always(*not),
            },
            Condition::Owned { not } => Test::Owned(!not),
        })
    }

    /// Whether a component that is asked can have the column. Errors: `BadValue`.
    fn check(&self, column: &Column) -> Result<()> {
        let tables = match &column.table {
            Some(table) => std::slice::from_ref(table),
            None => &self.query.from,
        };
        let can_have = |table: &Table| {
            let place = match table {
                Table::Items(kind) => kind.component_name(),
                Table::Alarm => "VALARM",
                _ => return true,
            };
            names::property(&column.name).is_none_or(|row| row.count_in(place).is_some())
        };
        let within = column.table.is_none_or(|table| {
            self.query.from.contains(&table)
                || (table == Table::Alarm
                    && self.query.from.iter().any(|t| matches!(t, Table::Items(_))))
        });
        if within && (column.name == "METHOD" || tables.iter().any(can_have)) {
            return Ok(());
        }
        let message = format!("the components asked for have no {}", column.name);
        Err(Error::new(Failed::BadValue, message))
    }

    fn typed(&self, operand: &Operand, word: &Word) -> Result<Typed> {
        let kind = Type::of(operand);
        let raw = match &word.value {
            Value::Literal(raw) => raw,
            Value::Caller => return Ok(Typed::Anybody(self.terms.caller.clone())),
            Value::Owners => return Ok(Typed::Anybody(self.terms.owners.clone())),
            Value::Target => return Ok(Typed::Anybody(self.terms.target.clone())),
        };
        let text = plain(raw);
        Ok(match kind {
            Type::Moment => Typed::Moment(self.moment(&text, word.at)?),
            Type::Integer => {
                let number = text.trim().parse();
                Typed::Number(number.map_err(|_| wrong(word.at, "a whole number"))?)
            }
            Type::Seconds => {
                let length = value::duration(&Property::new("DURATION", text.trim()));
                let length = length.map_err(|_| wrong(word.at, "a duration, as in PT1H"))?;
                Typed::Number(length.total_seconds())
            }
            Type::Address => Typed::Anybody(vec![text.trim().to_lowercase()]),
            Type::Word => Typed::Word(text.to_lowercase()),
            Type::Text => Typed::Text(text),
        })
    }

    fn moment(&self, text: &str, at: usize) -> Result<Moment> {
        let text = text.trim();
        if let Ok(day) = value::parse_date(text) {
            return Ok(day_of(day, self.terms.floating));
        }
        match value::parse_date_time(text, None) {
            Ok(DateTime::Utc(at)) => Ok(Moment { at, day: None }),
            Ok(local) if !self.terms.utc_only => Ok(Moment {
                at: self.terms.floating.to_timestamp(local.civil()),
                day: None,
            }),
            Ok(_) => Err(wrong(at, "a time in UTC, which ends in Z")),
            Err(_) => Err(wrong(at, "a date or a time, as in 20260105T080000Z")),
        }
    }
}

/// A day, whose first instant counts in `zone`.
pub(super) fn day_of(day: jiff::civil::Date, zone: &Zone) -> Moment {
    Moment {
        at: zone.to_timestamp(day.at(0, 0, 0, 0)),
        day: Some(day),
    }
}

fn wrong(at: usize, expected: &str) -> Error {
    let message = format!("the query at character {at}: expected {expected}");
    Error::new(Failed::BadValue, message)
}

/// A literal without its escapes: those of TEXT, and of quotes.
pub(super) fn plain(raw: &str) -> String {
    unescape_text(raw).replace("\\'", "'").replace("\\\"", "\"")
}

/// A pattern's steps; `\%` and `\_` are themselves.
fn pieces(raw: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' if pieces.last() == Some(&Piece::Run) => {}
            '%' => pieces.push(Piece::Run),
            '_' => pieces.push(Piece::One),
            '\\' => match rest.next() {
                Some('n' | 'N') => pieces.push(Piece::Exactly('\n')),
                Some(c) => pieces.extend(c.to_lowercase().map(Piece::Exactly)),
                None => pieces.push(Piece::Exactly('\\')),
            },
            c => pieces.extend(c.to_lowercase().map(Piece::Exactly)),
        }
    }
    pieces
}
