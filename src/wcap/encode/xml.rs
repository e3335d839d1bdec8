//! `text/xml`: the tree in the dialect of Calendar Server 5 and 6, line by line as that server wrote it.

use crate::ical::component::{Component, Entry, Property};
use crate::text::xml::XmlWriter;
use crate::wcap::dialect::{self, ValueForm};

/// All calendars as one document.
pub(super) fn encode(calendars: &[Component]) -> String {
    let entries = calendars.iter().flat_map(Component::entries);
    let mut xml = XmlWriter::with_capacity(128 + entries.map(dialect::size).sum::<usize>() * 9 / 8);
    xml.declaration();
    xml.open("iCalendar");
    xml.line_break();
    for calendar in calendars {
        write_calendar(&mut xml, calendar);
    }
    xml.close("iCalendar");
    xml.line_break();
    xml.finish()
}

fn write_calendar(xml: &mut XmlWriter, calendar: &Component) {
    xml.start_open("iCal");
    for (property, attribute) in super::PROLOG {
        if let Some(value) = calendar.property(property) {
            xml.attribute(attribute, &value.to_text());
        }
    }
    xml.end_open();
    xml.line_break();
    write_entries(xml, calendar, true);
    xml.close("iCal");
    xml.line_break();
}

fn write_entries(xml: &mut XmlWriter, component: &Component, is_calendar: bool) {
    let mut periods = false;
    for entry in component.entries() {
        // The periods of a free/busy answer stand on one line.
        let period = matches!(entry, Entry::Property(p) if p.is("FREEBUSY"));
        if periods && !period {
            xml.line_break();
        }
        periods = period;
        match entry {
            Entry::Property(p) if is_calendar && super::is_prolog(p) => {}
            Entry::Property(p) => write_property(xml, p, period),
            Entry::Component(c) => write_component(xml, c),
        }
    }
    if periods {
        xml.line_break();
    }
}

fn write_component(xml: &mut XmlWriter, component: &Component) {
    let (element, known) = dialect::component_element(component.name());
    xml.start_open(&element);
    if !known {
        xml.attribute("type", "component");
    }
    xml.end_open();
    xml.line_break();
    write_entries(xml, component, false);
    xml.close(&element);
    xml.line_break();
}

fn write_property(xml: &mut XmlWriter, property: &Property, period: bool) {
    let (element, form) = dialect::property_element(property);
    let attributes = dialect::attributes(property);
    dialect::for_each_text(property, form, |text, undone| {
        xml.start_open(&element);
        for (name, value) in &attributes {
            xml.attribute(name, value);
        }
        if undone {
            xml.attribute("type", "text");
        }
        xml.end_open();
        xml.text(&text);
        xml.close(&element);
        if !period {
            xml.line_break();
        }
    });
    debug_assert!(!period || form == ValueForm::Items);
}
