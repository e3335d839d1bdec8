//! `application/calendar+json`: jCal (RFC 7265). One calendar is one array, several are an array of these.

use crate::ical::component::{Component, Entry, Property};
use crate::ical::typed::{self, Value};
use crate::text::json::JsonWriter;
use crate::wcap::dialect;

/// All calendars as one text.
pub(super) fn encode(calendars: &[Component]) -> Vec<u8> {
    let entries = calendars.iter().flat_map(Component::entries);
    let mut json = JsonWriter::with_capacity(64 + entries.map(dialect::size).sum::<usize>());
    match calendars {
        [only] => write_component(&mut json, only),
        many => {
            json.open_array();
            for calendar in many {
                write_component(&mut json, calendar);
            }
            json.close_array();
        }
    }
    json.finish()
}

/// One component as an array.
pub(crate) fn write_component(json: &mut JsonWriter, component: &Component) {
    json.open_array();
    json.string(&component.name().to_ascii_lowercase());
    json.open_array();
    for property in component.properties() {
        write_property(json, property);
    }
    json.close_array();
    json.open_array();
    for entry in component.entries() {
        if let Entry::Component(inner) = entry {
            write_component(json, inner);
        }
    }
    json.close_array();
    json.close_array();
}

fn write_property(json: &mut JsonWriter, property: &Property) {
    let typed = typed::of(property);
    json.open_array();
    json.string(&typed.name);
    json.open_object();
    for (name, values) in &typed.params {
        json.key(name);
        write_one_or_many(json, values, |json, value| json.string(value));
    }
    json.close_object();
    json.string(&typed.kind);
    for value in &typed.values {
        write_value(json, &typed.kind, value);
    }
    json.close_array();
}

/// A single value stands alone, several in an array.
fn write_one_or_many<T>(json: &mut JsonWriter, values: &[T], write: impl Fn(&mut JsonWriter, &T)) {
    if let [only] = values {
        return write(json, only);
    }
    json.open_array();
    values.iter().for_each(|value| write(json, value));
    json.close_array();
}

fn write_value(json: &mut JsonWriter, kind: &str, value: &Value<'_>) {
    let plain = |json: &mut JsonWriter, text: &str| match kind {
        "integer" | "float" | "boolean" => json.literal(text),
        _ => json.string(text),
    };
    match value {
        Value::Plain(text) => plain(json, text),
        Value::Parts(parts) => {
            json.open_array();
            parts.iter().for_each(|part| plain(json, part));
            json.close_array();
        }
        Value::Rule(parts) => {
            json.open_object();
            for (name, values) in parts {
                json.key(name);
                write_one_or_many(json, values, |json, value| match value.parse::<i64>() {
                    Ok(number) => json.literal(&number.to_string()),
                    Err(_) => json.string(value),
                });
            }
            json.close_object();
        }
    }
}
