//! `application/calendar+xml` as input: xCal (RFC 6321) back to components.
//!
//! Syntax only, as in the reader of the dialect. Elements of other name spaces are not taken: nothing in a
//! calendar could hold them.

use super::DecodeError;
use crate::ical::component::{Component, Property};
use crate::ical::typed::{self, Param, Value};
use crate::text::xml::{self, Element, XmlError, XmlErrorKind, XmlLimits};
pub(super) use crate::wcap::xcal::NAMESPACE;
use crate::wcap::xcal::{PLACE, STATUS, name_of};

/// Elements of one component: itself and the wrapper it stands in.
const PER_COMPONENT: usize = 2;
/// Elements below a component: properties, property, parameters, parameter, value.
const BELOW: usize = 5;

/// The calendars of a document, as VCALENDAR components, in order.
pub fn decode(
    document: &[u8],
    nesting: usize,
    nodes: usize,
) -> Result<Vec<Component>, DecodeError> {
    let limits = XmlLimits {
        depth: nesting.saturating_mul(PER_COMPONENT).saturating_add(BELOW),
        nodes,
    };
    let root = xml::read(document, limits)?;
    let names = Names::of(&root)?;
    root.children
        .iter()
        .map(|child| match names.local(child)? {
            "vcalendar" => component(&names, child),
            _ => Err(unexpected(child, "<vcalendar>")),
        })
        .collect()
}

fn unexpected(element: &Element, expected: &'static str) -> DecodeError {
    DecodeError::Element {
        line: element.line,
        expected,
        found: element.name.clone(),
    }
}

/// How names of the name space are written in this document: with one prefix or none throughout.
struct Names<'a> {
    prefix: &'a str,
}

impl<'a> Names<'a> {
    fn of(root: &'a Element) -> Result<Self, DecodeError> {
        let (prefix, local) = match root.name.split_once(':') {
            Some((prefix, local)) => (prefix, local),
            None => ("", root.name.as_str()),
        };
        let declared = match prefix {
            "" => root.attribute("xmlns"),
            prefix => root.attribute(&format!("xmlns:{prefix}")),
        };
        match local == "icalendar" && declared == Some(NAMESPACE) {
            true => Ok(Self { prefix }),
            false => Err(unexpected(root, "<icalendar> of the name space of xCal")),
        }
    }

    /// The name of an element without its prefix.
    fn local<'e>(&self, element: &'e Element) -> Result<&'e str, DecodeError> {
        let (prefix, local) = match element.name.split_once(':') {
            Some((prefix, local)) => (prefix, local),
            None => ("", element.name.as_str()),
        };
        let declares = |(name, _): &(String, String)| name == "xmlns" || name.starts_with("xmlns:");
        match prefix == self.prefix && !element.attributes.iter().any(declares) {
            true => Ok(local),
            false => Err(unexpected(element, "an element of the name space of xCal")),
        }
    }

    /// What an element holds, when it holds nothing but text.
    fn leaf<'e>(&self, element: &'e Element) -> Result<(&'e str, &'e str), DecodeError> {
        let name = self.local(element)?;
        match element.children.first() {
            None => Ok((name, &element.text)),
            Some(child) => Err(unexpected(child, "text")),
        }
    }
}

/// Text between elements means that something was forgotten.
fn no_text(element: &Element) -> Result<(), DecodeError> {
    match element.text.trim().is_empty() {
        true => Ok(()),
        false => Err(XmlError {
            line: element.line,
            kind: XmlErrorKind::Malformed(format!("expected elements only in <{}>", element.name)),
        }
        .into()),
    }
}

fn component(names: &Names<'_>, element: &Element) -> Result<Component, DecodeError> {
    let name = name_of(names.local(element)?).to_ascii_uppercase();
    let mut out = Component::new(&name).at_line(element.line);
    no_text(element)?;
    for part in &element.children {
        no_text(part)?;
        match names.local(part)? {
            "properties" => {
                for child in &part.children {
                    out.push(property(names, child)?);
                }
            }
            "components" => {
                for child in &part.children {
                    out.push_component(component(names, child)?);
                }
            }
            _ => return Err(unexpected(part, "<properties> or <components>")),
        }
    }
    Ok(out)
}

fn property(names: &Names<'_>, element: &Element) -> Result<Property, DecodeError> {
    let name = name_of(names.local(element)?);
    no_text(element)?;
    let mut children = element.children.as_slice();
    let mut params = Vec::new();
    if let [first, rest @ ..] = children
        && names.local(first)? == "parameters"
    {
        params = parameters(names, first)?;
        children = rest;
    }
    let (kind, values) = match children.first() {
        None => (typed::UNKNOWN, Vec::new()),
        Some(first) => match names.local(first)? {
            "latitude" | "longitude" => ("float", vec![parts(names, children, &PLACE)?]),
            "code" => ("text", vec![parts(names, children, &STATUS)?]),
            kind => {
                let values = children.iter().map(|child| {
                    match names.local(child)? == kind {
                        true => value(names, kind, child),
                        // One property has one type.
                        false => Err(unexpected(child, "a value of the type before it")),
                    }
                });
                (kind, values.collect::<Result<_, _>>()?)
            }
        },
    };
    let made = typed::property(name, &params, name_of(kind), &values);
    let made = made.map_err(|reason| DecodeError::Values {
        line: element.line,
        name: name.to_owned(),
        reason,
    })?;
    Ok(made.at_line(element.line))
}

fn parameters<'e>(names: &Names<'_>, element: &'e Element) -> Result<Vec<Param<'e>>, DecodeError> {
    no_text(element)?;
    let mut params = Vec::new();
    for child in &element.children {
        let name = name_of(names.local(child)?).to_owned();
        no_text(child)?;
        let mut values = Vec::new();
        for value in &child.children {
            values.push(match names.leaf(value)? {
                ("boolean", text) => text.trim().to_ascii_uppercase().into(),
                (_, text) => text.into(),
            });
        }
        if values.is_empty() {
            return Err(unexpected(child, "a parameter with a value"));
        }
        params.push((name, values));
    }
    Ok(params)
}

/// A value in parts that stand in this order; the last may be missing of three.
fn parts<'e>(
    names: &Names<'_>,
    children: &'e [Element],
    wanted: &[&str],
) -> Result<Value<'e>, DecodeError> {
    let mut out = Vec::new();
    for (at, child) in children.iter().enumerate() {
        let (name, text) = names.leaf(child)?;
        if wanted.get(at) != Some(&name) {
            return Err(unexpected(child, "the parts of one value in their order"));
        }
        out.push(text.into());
    }
    match (out.len(), children.last()) {
        (0 | 1, Some(last)) => Err(unexpected(last, "more parts of the value")),
        _ => Ok(Value::Parts(out)),
    }
}

fn value<'e>(
    names: &Names<'_>,
    kind: &str,
    element: &'e Element,
) -> Result<Value<'e>, DecodeError> {
    match kind {
        "period" => {
            no_text(element)?;
            let mut out = Vec::new();
            for (at, child) in element.children.iter().enumerate() {
                match (at, names.leaf(child)?) {
                    (0, ("start", text)) | (1, ("end" | "duration", text)) => out.push(text.into()),
                    _ => return Err(unexpected(child, "<start>, then <end> or <duration>")),
                }
            }
            Ok(Value::Parts(out))
        }
        "recur" => {
            no_text(element)?;
            let mut rule: Vec<(String, Vec<String>)> = Vec::new();
            for child in &element.children {
                let (name, text) = names.leaf(child)?;
                let text = text.trim().to_owned();
                match rule.last_mut().filter(|(last, _)| last == name_of(name)) {
                    Some((_, values)) => values.push(text),
                    None => rule.push((name_of(name).to_owned(), vec![text])),
                }
            }
            Ok(Value::Rule(rule))
        }
        _ => Ok(Value::plain(names.leaf(element)?.1)),
    }
}

#[cfg(test)]
mod tests;
