//! What a query says, as it was read: names in capitals, literals as they were written.

use crate::ical::component::Property;
use crate::ical::object::Kind;

/// A query: which columns of which tables, for which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is wanted of each row; at least one.
    pub select: Vec<Select>,
    /// Where rows come from; at least one.
    pub from: Vec<Table>,
    /// Which rows; none: all.
    pub filter: Option<Condition>,
}

impl Query {
    /// Whether a condition is about a column of that name.
    pub fn names(&self, column: &str) -> bool {
        self.filter
            .as_ref()
            .is_some_and(|filter| filter.names(column))
    }

    /// The UIDs that rows have to have one of; none when the condition leaves that open.
    pub fn uids(&self) -> Option<Vec<String>> {
        self.filter.as_ref()?.uids()
    }
}

/// Components are tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// VEVENT, VTODO, VJOURNAL
    Items(Kind),
    /// VALARM
    Alarm,
    /// VFREEBUSY
    FreeBusy,
    /// VTIMEZONE
    Timezone,
    /// VCALENDAR or VAGENDA
    Calendar,
    /// CALSTORE or VCALSTORE
    Store,
    /// VCAR
    Rights,
    /// VQUERY
    Query,
}

impl Table {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Items(kind) => kind.component_name(),
            Self::Alarm => "VALARM",
            Self::FreeBusy => "VFREEBUSY",
            Self::Timezone => "VTIMEZONE",
            Self::Calendar => "VCALENDAR",
            Self::Store => "CALSTORE",
            Self::Rights => "VCAR",
            Self::Query => "VQUERY",
        }
    }

    /// The table of that name, in capitals.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "VALARM" => Self::Alarm,
            "VFREEBUSY" => Self::FreeBusy,
            "VTIMEZONE" => Self::Timezone,
            "VCALENDAR" | "VAGENDA" => Self::Calendar,
            "CALSTORE" | "VCALSTORE" => Self::Store,
            "VCAR" => Self::Rights,
            "VQUERY" => Self::Query,
            _ => Self::Items(Kind::of(name)?),
        })
    }
}

/// Something wanted of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// `*`: all of it; of a calendar or store its properties.
    All,
    /// `*.*`: the properties of a calendar or store, and all that is in it.
    Everything,
    /// A property, of the row or of components in it.
    Column(Column),
    /// The components of a table in the row.
    Components(Table),
    /// All properties of the components of a table in the row.
    Properties(Table),
    /// A property that has a parameter.
    Param(Column, String),
    /// Who owns the calendar.
    Owners,
}

/// A property: of the row, or of the components of a table in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// The table; none: the row's.
    pub table: Option<Table>,
    /// The name, in capitals, with `-` for `_`.
    pub name: String,
}

/// Properties of calendars, stores and stored queries that the draft and RFC 4324 call differently.
const SAME: [&[&str]; 9] = [
    &["RELCALID", "CALID"],
    &["OWNER", "OWNERS"],
    &["ALLOW-CONFLICTS", "ALLOW-CONFLICT"],
    &["CHARSET", "DEFAULT-CHARSET"],
    &["LANGUAGE", "DEFAULT-LOCALE"],
    &["TZID", "DEFAULT-TZID"],
    &["DEFAULT-VCARS", "DEFAULT-VCAR"],
    &["QUERYNAME", "QUERYID"],
    &["MAXSIZE", "MAXRESULTSSIZE"],
];

impl Column {
    /// Whether a property of a row of `table` is the column's, by any of its names.
    pub(super) fn is_of(&self, table: Table, property: &Property) -> bool {
        let name = property.name();
        if property.is(&self.name) {
            return true;
        }
        if name.contains('_') && name.replace('_', "-").eq_ignore_ascii_case(&self.name) {
            return true;
        }
        let has = |names: &[&str], name: &str| names.iter().any(|n| n.eq_ignore_ascii_case(name));
        matches!(table, Table::Calendar | Table::Store | Table::Query)
            && SAME
                .iter()
                .any(|names| has(names, &self.name) && has(names, &name.replace('_', "-")))
    }
}

/// What a condition is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A property's values.
    Column(Column),
    /// A parameter's values.
    Param(Column, String),
}

impl Operand {
    /// The column.
    pub fn column(&self) -> &Column {
        match self {
            Self::Column(column) | Self::Param(column, _) => column,
        }
    }
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// What a column is compared with, and where in the query that stands (in characters, from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub at: usize,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A literal, its escapes as they were written.
    Literal(String),
    /// `SELF()`
    Caller,
    /// `CAL-OWNERS()`
    Owners,
    /// `CURRENT-TARGET()`
    Target,
}

/// Which rows are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// At least one of these holds.
    Any(Vec<Condition>),
    /// All of these hold.
    All(Vec<Condition>),
    /// `column op value`
    Compare(Operand, Operator, Word),
    /// `column [NOT] LIKE value`
    Like {
        /// The column.
        operand: Operand,
        /// Whether it is not to be like that.
        not: bool,
        /// The pattern.
        pattern: Word,
    },
    /// `column IS [NOT] NULL`
    Null {
        /// The column.
        operand: Operand,
        /// Whether something is to be there.
        not: bool,
    },
    /// `value [NOT] IN column`
    In {
        /// The value.
        value: Word,
        /// Whether it is not to be among them.
        not: bool,
        /// The column.
        operand: Operand,
    },
    /// `STATE() = word`, or `!=`
    State {
        /// The state, in capitals.
        state: String,
        /// Whether it is to be another.
        not: bool,
    },
    /// `[NOT] CAL-OWNERS()`: the caller owns the calendar.
    Owned {
        /// Whether the caller is not to.
        not: bool,
    },
}

impl Condition {
    fn uids(&self) -> Option<Vec<String>> {
        match self {
            Self::Any(all) => {
                let each = all.iter().map(Self::uids).collect::<Option<Vec<_>>>()?;
                Some(each.concat())
            }
            Self::All(all) => all.iter().find_map(Self::uids),
            Self::Compare(operand, Operator::Equal, word)
            | Self::In {
                operand,
                value: word,
                not: false,
            } => match (&word.value, operand) {
                (Value::Literal(raw), Operand::Column(column))
                    if column.name == "UID" && column.table.is_none() =>
                {
                    Some(vec![super::bind::plain(raw)])
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn names(&self, column: &str) -> bool {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().any(|part| part.names(column)),
            Self::Compare(operand, ..)
            | Self::Like { operand, .. }
            | Self::Null { operand, .. }
            | Self::In { operand, .. } => operand.column().name == column,
            Self::State { .. } | Self::Owned { .. } => false,
        }
    }
}
