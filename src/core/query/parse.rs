//! Reads the query language (draft-ietf-calsch-cap-04 section 9.1; RFC 4324 section 6.1.1, CAL-QUERY).
//!
//! AND binds tighter than OR. Names do not depend on letter case. A literal stands between single or double quotes, or is
//! a bare word.

use winnow::ascii::{Caseless, multispace0};
use winnow::combinator::{alt, cut_err, delimited, eof, not, opt, preceded, repeat, terminated};
use winnow::error::{StrContext, StrContextValue};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location as _};
use winnow::token::{any, none_of, one_of, take_while};

use super::ast::{Column, Condition, Operand, Operator, Query, Select, Table, Value, Word};

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query at character {at}: {expected}")]
pub struct Malformed {
    /// Where, in characters, from 1.
    pub at: usize,
    /// What was expected there.
    pub expected: String,
}

/// Parentheses within parentheses that are followed; each is a step of the reader's own recursion.
pub(super) const DEPTH: usize = 32;

type Input<'a> = LocatingSlice<&'a str>;

/// Reads a query.
pub fn parse(text: &str) -> Result<Query, Malformed> {
    query.parse(LocatingSlice::new(text)).map_err(|error| {
        let before = text.get(..error.offset()).unwrap_or(text);
        let expected = error.inner().to_string();
        Malformed {
            at: before.chars().count() + 1,
            expected: match expected.lines().next_back() {
                Some(line) if !line.is_empty() => line.to_owned(),
                _ => "expected the query to go on or to end here".to_owned(),
            },
        }
    })
}

fn query(input: &mut Input<'_>) -> ModalResult<Query> {
    (multispace0, word("SELECT"), multispace0).parse_next(input)?;
    let select = listed(select, input)?;
    (multispace0, cut_err(word("FROM")), multispace0).parse_next(input)?;
    let from = listed(table, input)?;
    let mut filter = None;
    if opt(spaced("WHERE")).parse_next(input)?.is_some() {
        filter = Some(cut_err(condition(DEPTH)).parse_next(input)?);
    }
    let rest = (multispace0, opt(';'), multispace0, eof);
    cut_err(rest)
        .context(described("AND, OR or the end of the query"))
        .parse_next(input)?;
    Ok(Query {
        select,
        from,
        filter,
    })
}

/// One or more, separated by commas.
fn listed<'a, T>(
    one: fn(&mut Input<'a>) -> ModalResult<T>,
    input: &mut Input<'a>,
) -> ModalResult<Vec<T>> {
    let mut found = vec![cut_err(one).parse_next(input)?];
    while opt((multispace0, ',', multispace0))
        .parse_next(input)?
        .is_some()
    {
        found.push(cut_err(one).parse_next(input)?);
    }
    Ok(found)
}

fn select(input: &mut Input<'_>) -> ModalResult<Select> {
    alt((
        "*.*".value(Select::Everything),
        '*'.value(Select::All),
        (function("CAL-OWNERS"), take_while(0.., |c| c != ')'), ')').value(Select::Owners),
        param.map(|(column, name)| Select::Param(column, name)),
        (table, ".*").map(|(table, _)| Select::Properties(table)),
        terminated(table, not(one_of(is_dotted))).map(Select::Components),
        column.map(Select::Column),
    ))
    .context(described("a column, a component or *"))
    .parse_next(input)
}

fn table(input: &mut Input<'_>) -> ModalResult<Table> {
    name.verify_map(|name: String| Table::named(&name))
        .context(described("the name of a component"))
        .parse_next(input)
}

fn column(input: &mut Input<'_>) -> ModalResult<Column> {
    let first = column_name
        .context(described("a column"))
        .parse_next(input)?;
    let mut found = Column {
        table: None,
        name: first,
    };
    if opt('.').parse_next(input)?.is_some() {
        found.table = Table::named(&found.name);
        if found.table.is_none() {
            return cut_err(winnow::combinator::fail)
                .context(described("the name of a component before the dot"))
                .parse_next(input);
        }
        found.name = cut_err(column_name)
            .context(described("a property after the dot"))
            .parse_next(input)?;
    }
    cut_err(not(one_of(['.', '*'])))
        .context(described("one dot at most"))
        .parse_next(input)?;
    Ok(found)
}

fn param(input: &mut Input<'_>) -> ModalResult<(Column, String)> {
    let comma = (multispace0, ',', multispace0);
    let close = (multispace0, ')');
    function("PARAM").parse_next(input)?;
    let inner = (preceded(multispace0, column), preceded(comma, name));
    cut_err(terminated(inner, close))
        .context(described("PARAM(property,parameter)"))
        .parse_next(input)
}

fn condition<'a>(depth: usize) -> impl FnMut(&mut Input<'a>) -> ModalResult<Condition> {
    move |input: &mut Input<'a>| {
        let mut parts = vec![conjunction(depth).parse_next(input)?];
        while opt(spaced("OR")).parse_next(input)?.is_some() {
            parts.push(cut_err(conjunction(depth)).parse_next(input)?);
        }
        Ok(joined(parts, Condition::Any))
    }
}

fn conjunction<'a>(depth: usize) -> impl FnMut(&mut Input<'a>) -> ModalResult<Condition> {
    move |input: &mut Input<'a>| {
        let mut parts = vec![factor(depth, input)?];
        while opt(spaced("AND")).parse_next(input)?.is_some() {
            parts.push(cut_err(|input: &mut Input<'a>| factor(depth, input)).parse_next(input)?);
        }
        Ok(joined(parts, Condition::All))
    }
}

fn joined(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn factor<'a>(depth: usize, input: &mut Input<'a>) -> ModalResult<Condition> {
    if opt('(').parse_next(input)?.is_some() {
        if depth == 0 {
            return cut_err(winnow::combinator::fail)
                .context(described("fewer parentheses within parentheses"))
                .parse_next(input);
        }
        return cut_err(delimited(
            multispace0,
            condition(depth - 1),
            (multispace0, ')').context(described("AND, OR or ')'")),
        ))
        .parse_next(input);
    }
    alt((state, owned, member, about))
        .context(described("a condition"))
        .parse_next(input)
}

/// `STATE() = word`
fn state(input: &mut Input<'_>) -> ModalResult<Condition> {
    (function("STATE"), multispace0, ')', multispace0).parse_next(input)?;
    let operator = cut_err(alt(("!=".value(true), "=".value(false))))
        .context(described("= or !="))
        .parse_next(input)?;
    let word = cut_err(preceded(multispace0, literal)).parse_next(input)?;
    Ok(Condition::State {
        state: word.to_ascii_uppercase(),
        not: operator,
    })
}

/// `[NOT] CAL-OWNERS()`, unless it is the value of an IN.
fn owned(input: &mut Input<'_>) -> ModalResult<Condition> {
    let negated = opt((word("NOT"), multispace0)).parse_next(input)?.is_some();
    owners.parse_next(input)?;
    not((multispace0, opt((word("NOT"), multispace0)), word("IN"))).parse_next(input)?;
    Ok(Condition::Owned { not: negated })
}

/// `value [NOT] IN column`
fn member(input: &mut Input<'_>) -> ModalResult<Condition> {
    let value = value.parse_next(input)?;
    let negated = opt(spaced("NOT")).parse_next(input)?.is_some();
    spaced("IN").parse_next(input)?;
    Ok(Condition::In {
        value,
        not: negated,
        operand: cut_err(operand).parse_next(input)?,
    })
}

/// A condition that begins with a column.
fn about(input: &mut Input<'_>) -> ModalResult<Condition> {
    let operand = operand.parse_next(input)?;
    multispace0.parse_next(input)?;
    if opt((word("IS"), multispace0)).parse_next(input)?.is_some() {
        let negated = opt((word("NOT"), multispace0)).parse_next(input)?;
        cut_err(word("NULL")).parse_next(input)?;
        return Ok(Condition::Null {
            operand,
            not: negated.is_some(),
        });
    }
    let negated = opt((word("NOT"), multispace0)).parse_next(input)?.is_some();
    if opt((word("LIKE"), multispace0))
        .parse_next(input)?
        .is_some()
    {
        return Ok(Condition::Like {
            operand,
            not: negated,
            pattern: cut_err(value).parse_next(input)?,
        });
    }
    if negated {
        return cut_err(winnow::combinator::fail)
            .context(described("LIKE after NOT"))
            .parse_next(input);
    }
    let operator = cut_err(operator).parse_next(input)?;
    let value = cut_err(preceded(multispace0, value)).parse_next(input)?;
    Ok(Condition::Compare(operand, operator, value))
}

fn operand(input: &mut Input<'_>) -> ModalResult<Operand> {
    alt((
        param.map(|(column, name)| Operand::Param(column, name)),
        column.map(Operand::Column),
    ))
    .parse_next(input)
}

fn operator(input: &mut Input<'_>) -> ModalResult<Operator> {
    alt((
        "!=".value(Operator::Unequal),
        "<=".value(Operator::AtMost),
        ">=".value(Operator::AtLeast),
        "=".value(Operator::Equal),
        "<".value(Operator::Less),
        ">".value(Operator::Greater),
    ))
    .context(described("=, !=, <, <=, >, >=, LIKE or IS"))
    .parse_next(input)
}

fn value(input: &mut Input<'_>) -> ModalResult<Word> {
    let at = input.current_token_start() + 1;
    let value = alt((
        (function("SELF"), multispace0, ')').value(Value::Caller),
        (function("CURRENT-TARGET"), multispace0, ')').value(Value::Target),
        owners.value(Value::Owners),
        literal.map(Value::Literal),
    ))
    .context(described("a value"))
    .parse_next(input)?;
    Ok(Word { value, at })
}

/// `CAL-OWNERS()`, of the calendar that is asked.
fn owners(input: &mut Input<'_>) -> ModalResult<()> {
    (function("CAL-OWNERS"), multispace0, ')')
        .void()
        .parse_next(input)
}

fn literal(input: &mut Input<'_>) -> ModalResult<String> {
    let quoted = |quote: char| {
        move |input: &mut Input<'_>| {
            let escaped = ('\\', any).take();
            let plain = none_of([quote, '\\']).take();
            let text = repeat(0.., alt((escaped, plain))).fold(String::new, |mut text, part| {
                text.push_str(part);
                text
            });
            let close = cut_err(quote).context(described("a closing quote"));
            delimited(quote, text, close).parse_next(input)
        }
    };
    let bare = take_while(1.., |c: char| {
        !c.is_whitespace() && !"'\"(),;<>=!".contains(c)
    });
    alt((quoted('\''), quoted('"'), bare.map(str::to_owned))).parse_next(input)
}

/// `NAME(`
fn function<'a>(
    name: &'static str,
) -> impl ModalParser<Input<'a>, (), winnow::error::ContextError> {
    (Caseless(name), multispace0, '(').void()
}

/// A word of the language, in any letter case.
fn word<'a>(text: &'static str) -> impl ModalParser<Input<'a>, (), winnow::error::ContextError> {
    (Caseless(text), not(one_of(is_name)))
        .void()
        .context(StrContext::Expected(StrContextValue::Description(text)))
}

fn spaced<'a>(text: &'static str) -> impl ModalParser<Input<'a>, (), winnow::error::ContextError> {
    (multispace0, word(text), multispace0).void()
}

/// A name, in capitals.
fn name(input: &mut Input<'_>) -> ModalResult<String> {
    take_while(1.., is_name)
        .map(str::to_ascii_uppercase)
        .parse_next(input)
}

/// The name of a property, in which `_` is `-`.
fn column_name(input: &mut Input<'_>) -> ModalResult<String> {
    name.map(|name: String| name.replace('_', "-"))
        .parse_next(input)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn is_dotted(c: char) -> bool {
    is_name(c) || c == '.'
}

fn described(what: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(what))
}
