//! Documents of other servers, what is refused, and our own documents back to their meaning.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::ical::component::Entry;
use crate::ical::print;
use crate::text::json::AnyJson;
use crate::wcap::encode::encode;
use crate::wcap::format::Format;
use crate::wcap::reply::Reply;

const LIMITS: XmlLimits = XmlLimits {
    depth: 16,
    nodes: 10_000,
};

#[test]
fn foreign_documents_are_read() {
    let document = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<iCalendar>
<iCal version=\"2.0\" prodid=\"-//x//EN\" METHOD=\"PUBLISH\">
<EVENT>
<UID>u1</UID>
<STAMP>
20030602T190000Z
</STAMP>
<SUMMARY>a, b &amp; c</SUMMARY>
<START>20030602</START>
<END VALUE=\"DATE\">20030603</END>
<PERCENT-COMPLETE>10</PERCENT-COMPLETE>
<COMPLETED>0</COMPLETED>
<CATEGORIES>a,b</CATEGORIES>
<ATTENDEE PARTSTAT=\"ACCEPTED\" CN=\"Doe, J\">jsmith</ATTENDEE>
<X-LIST>a,b;c</X-LIST>
<ALARM><TRIGGER>20030602T190000Z</TRIGGER></ALARM>
<X-THING><A>1</A></X-THING>
</EVENT>
</iCal>
</iCalendar>";
    let calendars = decode(document, LIMITS).unwrap();
    assert_eq!(calendars.len(), 1);
    let text = print::to_string(&calendars[0]);
    assert_eq!(
        text.replace("\r\n", "\n"),
        "BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//EN
METHOD:PUBLISH
BEGIN:VEVENT
UID:u1
DTSTAMP:20030602T190000Z
SUMMARY:a\\, b & c
DTSTART;VALUE=DATE:20030602
DTEND;VALUE=DATE:20030603
PERCENT-COMPLETE:10
CATEGORIES:a,b
ATTENDEE;PARTSTAT=ACCEPTED;CN=\"Doe, J\":jsmith
X-LIST:a,b;c
BEGIN:VALARM
TRIGGER:20030602T190000Z
END:VALARM
BEGIN:X-THING
A:1
END:X-THING
END:VEVENT
END:VCALENDAR
"
    );
    let event = calendars[0].components().next().unwrap();
    assert_eq!(event.source_line(), 4);
    assert_eq!(event.property("SUMMARY").unwrap().source_line(), 9);
}

#[test]
fn other_documents_are_refused() {
    for (document, want) in [
        (
            "<x/>",
            "line 1: expected <iCalendar> with <iCal> in it, found <x>",
        ),
        (
            "<iCalendar>\n<x/></iCalendar>",
            "line 2: expected <iCalendar> with <iCal> in it, found <x>",
        ),
        (
            "<iCal><START>\u{e4}\n1</START></iCal>",
            "line 1: <START>: expected no control characters",
        ),
        (
            "<iCal>\n<A:b>1</A:b></iCal>",
            "line 2: <A:b>: expected a parameter written NAME=value",
        ),
        (
            "<iCal><A B='\"x\":y'>1</A></iCal>",
            "line 1: <A>: expected a parameter written NAME=value",
        ),
        (
            "<iCal><A B='\"x'>1</A></iCal>",
            "line 1: <A>: expected a closing '\"' in a parameter value",
        ),
        (
            "<iCal>",
            "line 1: expected </iCal> before the end of the document",
        ),
    ] {
        let error = decode(document.as_bytes(), LIMITS).unwrap_err();
        assert_eq!(error.to_string(), want);
    }
}

/// What a component means, whatever its notation: TEXT unescaped, lists one by one, parameters unquoted.
fn meaning(component: &Component) -> Vec<String> {
    let mut lines = vec![format!("BEGIN {}", component.name().to_ascii_uppercase())];
    for entry in component.entries() {
        match entry {
            Entry::Component(c) => lines.extend(meaning(c)),
            Entry::Property(p) => {
                let (_, form) = dialect::property_element(p);
                let params: BTreeSet<_> = p
                    .params()
                    .map(|param| {
                        (
                            param.name().to_ascii_uppercase(),
                            param.values().collect::<Vec<_>>(),
                        )
                    })
                    .collect();
                let name = p.name().to_ascii_uppercase();
                let name = match form {
                    ValueForm::Open => p.name(),
                    _ => &name,
                };
                match form {
                    ValueForm::TextList => {
                        let items: Vec<_> =
                            dialect::split_list(p.value()).map(unescape_text).collect();
                        lines.push(format!("{name} {params:?} {items:?}"));
                    }
                    // Unknown values keep their octets.
                    ValueForm::Open => lines.push(format!("{name} {params:?} {}", p.value())),
                    // Surrounding blanks of dates and the like say nothing.
                    ValueForm::Raw | ValueForm::Items => dialect::for_each_text(p, form, |t, _| {
                        lines.push(format!("{name} {params:?} {}", t.trim()));
                    }),
                    ValueForm::Text | ValueForm::Texts => {
                        dialect::for_each_text(p, form, |t, _| {
                            lines.push(format!("{name} {params:?} {t}"));
                        })
                    }
                }
            }
        }
    }
    lines.push(String::from("END"));
    lines
}

fn any_property() -> impl Strategy<Value = Property> {
    let names = prop::sample::select(vec![
        "UID",
        "summary",
        "DESCRIPTION",
        "CATEGORIES",
        "RESOURCES",
        "DTSTART",
        "EXDATE",
        "ATTENDEE",
        "X-FOO",
        "x-foo",
        "START",
        "FB",
        "_A",
        "9A",
        "REQUEST-STATUS",
        "TRIGGER",
        "STAMP",
        "VERSION",
    ]);
    let value = "[a-c ,;\\\\:\"<&n\u{e4}]{0,12}";
    let param = (
        "(CN|cn|X-P|9P|TYPE|VALUE)",
        prop::collection::vec("[a-c,;:^'\u{e4}]{0,5}", 1..3),
    );
    (
        names,
        prop::collection::vec(param, 0..3),
        value,
        any::<bool>(),
    )
        .prop_map(|(name, params, value, escaped)| {
            let mut line = String::from(name);
            let mut seen = BTreeSet::new();
            for (name, values) in params {
                if seen.insert(name.to_ascii_uppercase()) {
                    line.push_str(&format!(";{name}="));
                    for (at, value) in values.iter().enumerate() {
                        line.push_str(if at == 0 { "\"" } else { ",\"" });
                        line.push_str(value);
                        line.push('"');
                    }
                }
            }
            line.push(':');
            line.push_str(&if escaped {
                escape_text(&value).into_owned()
            } else {
                value
            });
            Property::from_line(line).unwrap()
        })
}

fn any_component() -> impl Strategy<Value = Component> {
    let names =
        || prop::sample::select(vec!["VEVENT", "vtodo", "VALARM", "X-COMP", "EVENT", "DESC"]);
    let leaf =
        (names(), prop::collection::vec(any_property(), 0..8)).prop_map(|(name, properties)| {
            properties
                .into_iter()
                .fold(Component::new(name), Component::with)
        });
    leaf.prop_recursive(3, 12, 3, move |inner| {
        (
            names(),
            prop::collection::vec(any_property(), 0..4),
            prop::collection::vec(inner, 0..3),
        )
            .prop_map(|(name, properties, components)| {
                let mut component = properties
                    .into_iter()
                    .fold(Component::new(name), Component::with);
                components
                    .into_iter()
                    .for_each(|c| component.push_component(c));
                component
            })
    })
}

proptest! {
    #[test]
    fn what_we_write_means_the_same(components in prop::collection::vec(any_component(), 0..4)) {
        let mut calendar = Component::new("VCALENDAR").with(Property::new("VERSION", "2.0"));
        components.into_iter().for_each(|c| calendar.push_component(c));
        let document = encode(&Reply::of(calendar.clone()), Format::Xml);
        let back = decode(&document, LIMITS).unwrap();
        prop_assert_eq!(meaning(&back[0]), meaning(&calendar), "{}", String::from_utf8_lossy(&document));
    }

    #[test]
    fn json_holds_what_xml_holds(components in prop::collection::vec(any_component(), 0..3)) {
        let mut calendar = Component::new("VCALENDAR");
        components.into_iter().for_each(|c| calendar.push_component(c));
        let reply = Reply::of(calendar);
        let xml = crate::text::xml::read(&encode(&reply, Format::Xml), LIMITS).unwrap();
        let json: AnyJson = serde_json::from_slice(&encode(&reply, Format::Json)).unwrap();
        agree(&xml.children[0], &json["iCalendar"]["iCal"][0])?;
    }
}

/// Every element stands in the object, in its order among those of its name.
fn agree(element: &Element, json: &AnyJson) -> Result<(), TestCaseError> {
    let object = json.as_object().unwrap();
    let names: BTreeSet<_> = element.children.iter().map(|c| c.name.as_str()).collect();
    let attributes: BTreeSet<_> = element.attributes.iter().map(|(n, _)| n.as_str()).collect();
    prop_assert_eq!(object.len(), names.len() + attributes.len());
    for name in names {
        let same: Vec<_> = element.children.iter().filter(|c| c.name == name).collect();
        let values = match &object[name] {
            AnyJson::Array(values) => values.clone(),
            one => vec![one.clone()],
        };
        prop_assert_eq!(same.len(), values.len());
        for (child, value) in same.into_iter().zip(&values) {
            if component_name(child).is_some() {
                agree(child, value)?;
                continue;
            }
            let text = value.as_str().or_else(|| value["value"].as_str());
            prop_assert_eq!(text, Some(child.text.as_str()));
            for (name, attribute) in &child.attributes {
                prop_assert_eq!(value[name].as_str(), Some(attribute.as_str()));
            }
        }
    }
    Ok(())
}
