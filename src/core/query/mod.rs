//! Queries: the language calendars are asked in, and its answers as one caller may have them.
//!
//! The language is the union of SQL-MIN (draft-ietf-calsch-cap-04 section 9) and CAL-QUERY (RFC 4324 section 6.1.1):
//! `parse` reads it, `bind` gives literals the types of their columns, `plan` finds out what of the store need not be
//! looked at, `evaluate` says whether a row fits, `run` finds the rows, `ask` is what the core is asked. Nothing here writes.

mod ask;
mod ast;
mod bind;
mod evaluate;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod kinds_tests;
mod parse;
mod plan;
mod project;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod reference;
mod run;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

pub use ask::{Answered, Ask, Row, fits_alone};
pub use ast::{Column, Condition, Operand, Operator, Query, Select, Table, Value, Word};
pub use parse::{Malformed, parse};
pub use project::project;
