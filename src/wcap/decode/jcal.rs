//! `application/calendar+json` as input: jCal (RFC 7265) back to components. One calendar or an array of them.
//!
//! Syntax only, as in the reader of the dialect. A component's line is that of its bracket.

use std::borrow::Cow;

use super::DecodeError;
use crate::ical::component::{Component, Property};
use crate::ical::typed::{self, Param, Value};
use crate::text::json::Piece;

/// Brackets of one component: its own and that of the list it stands in.
const PER_COMPONENT: usize = 2;
/// Brackets around all, and below a component: list, property, value, part.
const BESIDES: usize = 5;

/// The calendars of a document, as VCALENDAR components, in order.
pub fn decode(
    document: &[u8],
    nesting: usize,
    nodes: usize,
) -> Result<Vec<Component>, DecodeError> {
    let depth = nesting
        .saturating_mul(PER_COMPONENT)
        .saturating_add(BESIDES);
    let whole = Piece::of(document, depth)?;
    let mut reader = Reader {
        nesting,
        nodes,
        left: nodes,
        place: (whole, whole.line()),
    };
    let items = reader.items(whole)?;
    let calendars = match items.first() {
        Some(first) if first.is_array() => items,
        _ => vec![whole],
    };
    let calendars = calendars.into_iter().map(|calendar| {
        let read = reader.component(calendar, 1)?;
        match read.is("VCALENDAR") {
            true => Ok(read),
            false => Err(calendar.expected("\"vcalendar\"").into()),
        }
    });
    calendars.collect()
}

struct Reader<'a> {
    nesting: usize,
    nodes: usize,
    /// Values that may still come.
    left: usize,
    /// The last piece whose line was asked for, and the line.
    place: (Piece<'a>, u32),
}

impl<'a> Reader<'a> {
    fn line(&mut self, piece: Piece<'a>) -> u32 {
        let line = piece.line_after(self.place);
        self.place = (piece, line);
        line
    }

    fn items(&mut self, piece: Piece<'a>) -> Result<Vec<Piece<'a>>, DecodeError> {
        let items = piece.items()?;
        self.count(piece, items.len())?;
        Ok(items)
    }

    fn members(&mut self, piece: Piece<'a>) -> Result<Vec<(String, Piece<'a>)>, DecodeError> {
        let members = piece.members()?;
        self.count(piece, members.len())?;
        Ok(members)
    }

    fn count(&mut self, piece: Piece<'a>, more: usize) -> Result<(), DecodeError> {
        match self.left.checked_sub(more) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(DecodeError::TooMuch {
                line: piece.line(),
                limit: self.nodes,
                what: "values",
            }),
        }
    }

    fn component(&mut self, piece: Piece<'a>, depth: usize) -> Result<Component, DecodeError> {
        let line = self.line(piece);
        if depth > self.nesting {
            return Err(DecodeError::TooMuch {
                line,
                limit: self.nesting,
                what: "components inside one another",
            });
        }
        let parts = self.items(piece)?;
        let [name, properties, components] = parts.as_slice() else {
            return Err(piece.expected("a name, properties and components").into());
        };
        let mut component = Component::new(&name.string()?.to_ascii_uppercase()).at_line(line);
        for property in self.items(*properties)? {
            component.push(self.property(property)?);
        }
        for inner in self.items(*components)? {
            component.push_component(self.component(inner, depth + 1)?);
        }
        Ok(component)
    }

    fn property(&mut self, piece: Piece<'a>) -> Result<Property, DecodeError> {
        let line = self.line(piece);
        let parts = self.items(piece)?;
        let [name, params, kind, values @ ..] = parts.as_slice() else {
            let what = "a name, parameters, a type and values";
            return Err(piece.expected(what).into());
        };
        let name = name.string()?;
        let params = self.params(*params)?;
        let kind = kind.string()?;
        let values = values.iter().map(|value| self.value(*value));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let made = typed::property(&name, &params, &kind, &values);
        let made = made.map_err(|reason| DecodeError::Values {
            line,
            name: name.into_owned(),
            reason,
        })?;
        Ok(made.at_line(line))
    }

    fn params(&mut self, piece: Piece<'a>) -> Result<Vec<Param<'a>>, DecodeError> {
        let mut params: Vec<Param<'a>> = Vec::new();
        for (name, value) in self.members(piece)? {
            let values = self.one_or_many(value)?;
            if values.is_empty() {
                return Err(value.expected("a parameter with a value").into());
            }
            params.push((name, values));
        }
        Ok(params)
    }

    fn one_or_many(&mut self, piece: Piece<'a>) -> Result<Vec<Cow<'a, str>>, DecodeError> {
        if !piece.is_array() {
            return Ok(vec![piece.scalar()?]);
        }
        let items = self.items(piece)?.into_iter();
        Ok(items.map(Piece::scalar).collect::<Result<_, _>>()?)
    }

    fn value(&mut self, piece: Piece<'a>) -> Result<Value<'a>, DecodeError> {
        if piece.is_array() {
            return Ok(Value::Parts(self.one_or_many(piece)?));
        }
        if !piece.is_object() {
            return Ok(Value::Plain(piece.scalar()?));
        }
        let mut rule = Vec::new();
        for (name, value) in self.members(piece)? {
            let values = self.one_or_many(value)?.into_iter();
            rule.push((name, values.map(Cow::into_owned).collect()));
        }
        Ok(Value::Rule(rule))
    }
}

#[cfg(test)]
mod tests;
