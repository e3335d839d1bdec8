//! `text/xml` as input: documents of the dialect, our own included, back to components.
//!
//! Syntax only: whether the components make sense is checked where text is checked.

use super::DecodeError;
use crate::ical::component::{
    Component, LineError, Property, escape_text, push_param_value, unescape_text,
};
use crate::text::xml::{self, Element, XmlLimits};
use crate::wcap::dialect::{self, ValueForm};
use crate::wcap::encode::PROLOG;

/// The calendars of a document, as VCALENDAR components, in order.
///
/// Elements without a line of their own in the dialect keep their names. Times of eight digits are dates
/// whether or not they say so; `COMPLETED` of `0` says that nothing is completed and is left out.
pub fn decode(document: &[u8], limits: XmlLimits) -> Result<Vec<Component>, DecodeError> {
    let root = xml::read(document, limits)?;
    match root.name.as_str() {
        "iCal" => Ok(vec![calendar(&root)?]),
        "iCalendar" => root
            .children
            .iter()
            .map(|child| match child.name.as_str() {
                "iCal" => calendar(child),
                _ => Err(unexpected(child)),
            })
            .collect(),
        _ => Err(unexpected(&root)),
    }
}

fn unexpected(element: &Element) -> DecodeError {
    DecodeError::Element {
        line: element.line,
        expected: "<iCalendar> with <iCal> in it",
        found: element.name.clone(),
    }
}

fn calendar(element: &Element) -> Result<Component, DecodeError> {
    let mut calendar = Component::new("VCALENDAR").at_line(element.line);
    for (name, value) in &element.attributes {
        let known = PROLOG.iter().find(|(_, a)| a.eq_ignore_ascii_case(name));
        if let Some((property, _)) = known {
            calendar.push(Property::text(property, value).at_line(element.line));
        }
    }
    fill(&mut calendar, element)?;
    Ok(calendar)
}

fn fill(component: &mut Component, element: &Element) -> Result<(), DecodeError> {
    for child in &element.children {
        match component_name(child) {
            Some(name) => {
                let mut sub = Component::new(name).at_line(child.line);
                fill(&mut sub, child)?;
                component.push_component(sub);
            }
            None => {
                if let Some(property) = property(child)? {
                    component.push(property);
                }
            }
        }
    }
    Ok(())
}

/// The component an element stands for, unless it is a property.
fn component_name(element: &Element) -> Option<&str> {
    dialect::component_of_element(&element.name).or_else(|| {
        let marked = element.attribute("type") == Some("component");
        (marked || !element.children.is_empty()).then(|| dialect::name_of_own(&element.name))
    })
}

fn property(element: &Element) -> Result<Option<Property>, DecodeError> {
    let row = dialect::row_of_element(&element.name);
    let (name, form) = row.map_or(
        (dialect::name_of_own(&element.name), ValueForm::Open),
        |row| (row.property, row.form),
    );
    let value = value(element, form);
    if name == "COMPLETED" && value == "0" {
        return Ok(None);
    }
    let mut line = String::with_capacity(name.len() + value.len() + 16);
    line.push_str(name);
    if is_time(name) && is_date(&value) && element.attribute("VALUE").is_none() {
        line.push_str(";VALUE=DATE");
    }
    for (name, value) in element.attributes.iter().filter(|(name, _)| name != "type") {
        line.push(';');
        line.push_str(dialect::name_of_own(name));
        line.push('=');
        if value.starts_with('"') {
            line.push_str(value);
        } else {
            push_param_value(&mut line, value);
        }
    }
    line.push(':');
    line.push_str(&value);
    match Property::from_line(line) {
        // An attribute may not end the parameters early: what is read must be what was put together.
        Ok(property) if property.name() == name && property.value() == value => {
            Ok(Some(property.at_line(element.line)))
        }
        other => Err(DecodeError::Property {
            line: element.line,
            element: element.name.clone(),
            reason: other.err().unwrap_or(LineError::Parameter),
        }),
    }
}

fn is_time(name: &str) -> bool {
    matches!(
        name,
        "DTSTART" | "DTEND" | "DUE" | "RECURRENCE-ID" | "RDATE" | "EXDATE"
    )
}

fn is_date(value: &str) -> bool {
    value.len() == 8 && value.bytes().all(|b| b.is_ascii_digit())
}

fn value(element: &Element, form: ValueForm) -> String {
    let text = element.text.as_str();
    match form {
        ValueForm::Raw | ValueForm::Items => text.trim().to_owned(),
        ValueForm::Text | ValueForm::Texts => escape_text(text).into_owned(),
        ValueForm::TextList => dialect::split_list(text)
            .map(|item| escape_text(&unescape_text(item)).into_owned())
            .collect::<Vec<_>>()
            .join(","),
        ValueForm::Open if element.attribute("type") == Some("text") => {
            escape_text(text).into_owned()
        }
        ValueForm::Open => text.trim_matches('\n').to_owned(),
    }
}

#[cfg(test)]
mod tests;
