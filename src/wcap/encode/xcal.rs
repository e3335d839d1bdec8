//! `application/calendar+xml`: xCal (RFC 6321), one element to a line.

use crate::ical::component::{Component, Property};
use crate::ical::typed::{self, Value};
use crate::text::xml::XmlWriter;
use crate::wcap::dialect;
use crate::wcap::xcal::{NAMESPACE, element_name, parameter_type, part_names};

/// All calendars as one document.
pub(super) fn encode(calendars: &[Component]) -> String {
    let entries = calendars.iter().flat_map(Component::entries);
    let mut xml = XmlWriter::with_capacity(128 + entries.map(dialect::size).sum::<usize>() * 2);
    xml.declaration();
    xml.start_open("icalendar");
    xml.attribute("xmlns", NAMESPACE);
    xml.end_open();
    xml.line_break();
    for calendar in calendars {
        write_component(&mut xml, calendar);
    }
    xml.close("icalendar");
    xml.line_break();
    xml.finish()
}

fn open_line(xml: &mut XmlWriter, name: &str) {
    xml.open(name);
    xml.line_break();
}

fn close_line(xml: &mut XmlWriter, name: &str) {
    xml.close(name);
    xml.line_break();
}

fn write_component(xml: &mut XmlWriter, component: &Component) {
    let name = component.name().to_ascii_lowercase();
    let name = element_name(&name);
    open_line(xml, &name);
    if component.properties().next().is_some() {
        open_line(xml, "properties");
        for property in component.properties() {
            write_property(xml, property);
        }
        close_line(xml, "properties");
    }
    if component.components().next().is_some() {
        open_line(xml, "components");
        for inner in component.components() {
            write_component(xml, inner);
        }
        close_line(xml, "components");
    }
    close_line(xml, &name);
}

fn write_property(xml: &mut XmlWriter, property: &Property) {
    let typed = typed::of(property);
    let name = element_name(&typed.name);
    xml.open(&name);
    if !typed.params.is_empty() {
        xml.open("parameters");
        for (name, values) in &typed.params {
            write_parameter(xml, name, values);
        }
        xml.close("parameters");
    }
    for value in &typed.values {
        write_value(xml, &typed, value);
    }
    close_line(xml, &name);
}

fn write_parameter(xml: &mut XmlWriter, name: &str, values: &[std::borrow::Cow<'_, str>]) {
    let element = element_name(name);
    xml.open(&element);
    for value in values {
        let truth = ["TRUE", "FALSE"].contains(&value.as_ref());
        match parameter_type(name) {
            "boolean" if truth => leaf(xml, "boolean", &value.to_ascii_lowercase()),
            "boolean" => leaf(xml, "text", value),
            other => leaf(xml, other, value),
        }
    }
    xml.close(&element);
}

fn leaf(xml: &mut XmlWriter, name: &str, text: &str) {
    xml.open(name);
    xml.text(text);
    xml.close(name);
}

fn write_value(xml: &mut XmlWriter, typed: &typed::Typed<'_>, value: &Value<'_>) {
    match value {
        Value::Plain(text) => leaf(xml, &element_name(&typed.kind), text),
        Value::Parts(parts) => {
            let names = part_names(&typed.name, &typed.kind, parts);
            // GEO and REQUEST-STATUS name their parts and no type.
            let wrapped = typed.kind == "period";
            if wrapped {
                xml.open("period");
            }
            for (name, part) in names.iter().zip(parts) {
                leaf(xml, name, part);
            }
            if wrapped {
                xml.close("period");
            }
        }
        Value::Rule(parts) => {
            xml.open("recur");
            for (name, values) in parts {
                let name = element_name(name);
                values.iter().for_each(|value| leaf(xml, &name, value));
            }
            xml.close("recur");
        }
    }
}
