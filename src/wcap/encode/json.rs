//! `text/json`: the elements of the XML dialect as an object.
//!
//! `{"iCalendar":{"iCal":[{...}]}}`. An element is a member of its parent; one that stands more than once is an
//! array at the place of the first, components are always arrays. The value of an element is a string; with
//! attributes it is an object of these and a member `value`. There are no numbers: every value is the text of
//! iCalendar. This mapping is this server's own, no other document describes one.

use std::borrow::Cow;

use crate::ical::component::{Component, Entry, Property};
use crate::text::json::JsonWriter;
use crate::wcap::dialect;

/// All calendars as one object.
pub(super) fn encode(calendars: &[Component]) -> Vec<u8> {
    let entries = calendars.iter().flat_map(Component::entries);
    let mut json = JsonWriter::with_capacity(64 + entries.map(dialect::size).sum::<usize>());
    json.open_object();
    json.key("iCalendar");
    json.open_object();
    json.key("iCal");
    json.open_array();
    for calendar in calendars {
        json.open_object();
        for (property, key) in super::PROLOG {
            if let Some(value) = calendar.property(property) {
                json.member(key, &value.to_text());
            }
        }
        write_members(&mut json, calendar, true);
        json.close_object();
    }
    json.close_array();
    json.close_object();
    json.close_object();
    json.finish()
}

/// What one element of the XML form would hold.
enum Content<'a> {
    Text(&'a Property, Cow<'a, str>, bool),
    Component(&'a Component, bool),
}

fn write_members(json: &mut JsonWriter, component: &Component, is_calendar: bool) {
    let mut elements: Vec<(Cow<'_, str>, Content<'_>)> = Vec::new();
    for entry in component.entries() {
        match entry {
            Entry::Property(p) if is_calendar && super::is_prolog(p) => {}
            Entry::Property(p) => {
                let (name, form) = dialect::property_element(p);
                dialect::for_each_text(p, form, |text, undone| {
                    elements.push((name.clone(), Content::Text(p, text, undone)));
                });
            }
            Entry::Component(c) => {
                let (name, known) = dialect::component_element(c.name());
                elements.push((name, Content::Component(c, known)));
            }
        }
    }
    for group in groups(&elements) {
        write_group(json, &elements, &group);
    }
}

/// The places of equal names, in the order of the first of each. Sorted, not searched: the number of different
/// names is the client's choice.
fn groups(elements: &[(Cow<'_, str>, Content<'_>)]) -> Vec<Vec<usize>> {
    let mut places: Vec<usize> = (0..elements.len()).collect();
    places.sort_by(|&a, &b| elements[a].0.cmp(&elements[b].0));
    let mut groups: Vec<Vec<usize>> = places
        .chunk_by(|&a, &b| elements[a].0 == elements[b].0)
        .map(<[usize]>::to_vec)
        .collect();
    groups.sort_by_key(|group| group.first().copied());
    groups
}

fn write_group(json: &mut JsonWriter, elements: &[(Cow<'_, str>, Content<'_>)], group: &[usize]) {
    let members: Vec<_> = group.iter().filter_map(|&at| elements.get(at)).collect();
    let Some((name, first)) = members.first() else {
        return;
    };
    json.key(name);
    let array = members.len() > 1 || matches!(first, Content::Component(..));
    if array {
        json.open_array();
    }
    for (_, content) in &members {
        write_content(json, content);
    }
    if array {
        json.close_array();
    }
}

fn write_content(json: &mut JsonWriter, content: &Content<'_>) {
    match content {
        Content::Component(component, known) => {
            json.open_object();
            if !known {
                json.member("type", "component");
            }
            write_members(json, component, false);
            json.close_object();
        }
        Content::Text(property, text, undone) => {
            let attributes = dialect::attributes(property);
            if attributes.is_empty() && !undone {
                json.string(text);
                return;
            }
            json.open_object();
            for (name, value) in &attributes {
                json.member(name, value);
            }
            if *undone {
                json.member("type", "text");
            }
            json.member("value", text);
            json.close_object();
        }
    }
}
