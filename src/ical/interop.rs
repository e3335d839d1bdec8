//! Components of ours to those of the `icalendar` crate and back.
//!
//! For code that builds simple calendars with that crate's builder, and as a second opinion in tests. Its parser
//! recurses and its writer does not escape everything, so it sees no text from outside, only components that
//! went through our own limits; and what comes from it is checked line by line.
//!
//! The crate keeps TEXT values unescaped and parameter values unquoted, so the exact spelling of escapes and
//! quotes is not kept on the way there; everything else is, but for what [`to_calendar`] says.

use icalendar::parser;

use super::component::{Component, LineError, Property, escape_text, unescape_text};

/// Why a component of the crate is no component of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InteropError {
    /// The name of a component, or BEGIN or END as a property.
    #[error("expected a name of letters, digits and '-', found '{0}'")]
    Name(String),
    /// A property would not be a content line, such as a value with a line break in it.
    #[error("property {name}: {error}")]
    Property {
        /// Its name.
        name: String,
        /// What is wrong.
        error: LineError,
    },
}

/// One of our components as the crate's parser would give it: properties and sub-components in their order.
pub fn to_parsed(component: &Component) -> parser::Component<'static> {
    // As deep as the component, which the parser's limit bounds.
    parser::Component {
        name: component.name().to_owned().into(),
        properties: component.properties().map(property_to_parsed).collect(),
        components: component.components().map(to_parsed).collect(),
    }
}

/// A component of the crate's parser as one of ours.
///
/// Errors: names and values that would not stand in a content line. Nothing is dropped silently.
pub fn from_parsed(component: &parser::Component<'_>) -> Result<Component, InteropError> {
    from_parts(
        component.name.as_str(),
        &component.properties,
        &component.components,
    )
}

/// A VCALENDAR as the crate's calendar.
///
/// That model sorts the properties of a component by name and keeps only the last of those it believes to stand
/// once (RRULE, RELATED-TO, `X-` ones, a journal's DESCRIPTION); of a repeated parameter, too.
pub fn to_calendar(calendar: &Component) -> icalendar::Calendar {
    let parser::Component {
        properties,
        components,
        ..
    } = to_parsed(calendar);
    parser::Calendar {
        properties,
        components,
    }
    .into()
}

/// A calendar made with the crate's builder as a VCALENDAR.
///
/// Set UID and DTSTAMP on every event and to-do: the crate invents them only when it writes text itself.
pub fn from_calendar(calendar: &icalendar::Calendar) -> Result<Component, InteropError> {
    let calendar = parser::Calendar::from(calendar.clone());
    from_parts("VCALENDAR", &calendar.properties, &calendar.components)
}

fn from_parts(
    name: &str,
    properties: &[parser::Property<'_>],
    components: &[parser::Component<'_>],
) -> Result<Component, InteropError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(InteropError::Name(name.to_owned()));
    }
    let mut out = Component::new(name);
    for property in properties {
        out.push(property_from_parsed(property)?);
    }
    for component in components {
        out.push_component(from_parsed(component)?);
    }
    Ok(out)
}

/// Whether the crate keeps this property's value unescaped and escapes it when it writes.
fn is_kept_unescaped(property: &parser::Property<'_>) -> bool {
    let name = property.name.as_str();
    let is_list = name.eq_ignore_ascii_case("CATEGORIES") || name.eq_ignore_ascii_case("RESOURCES");
    // The crate takes REQUEST-STATUS for one text and would escape what separates its parts.
    !is_list
        && name != "REQUEST-STATUS"
        && icalendar::Property::from(property.clone()).value_type()
            == Some(icalendar::ValueType::Text)
}

fn property_to_parsed(property: &Property) -> parser::Property<'static> {
    let params = property
        .params()
        .map(|param| {
            let mut values = param.values();
            let value = match (values.next(), values.next()) {
                (Some(one), None) => one.into_owned(),
                // A list stays as it is written, quotes included: the crate has no lists.
                _ => param.raw().to_owned(),
            };
            parser::Parameter {
                key: param.name().to_owned().into(),
                // What the crate's parser makes of `NAME=`.
                val: (!value.is_empty()).then(|| value.into()),
            }
        })
        .collect();
    let mut parsed = parser::Property {
        name: property.name().to_owned().into(),
        val: property.value().to_owned().into(),
        params,
    };
    if is_kept_unescaped(&parsed) {
        parsed.val = unescape_text(property.value()).into_owned().into();
    }
    parsed
}

fn property_from_parsed(property: &parser::Property<'_>) -> Result<Property, InteropError> {
    let name = property.name.as_str();
    if name.eq_ignore_ascii_case("BEGIN") || name.eq_ignore_ascii_case("END") {
        return Err(InteropError::Name(name.to_owned()));
    }
    let mut line = name.to_owned();
    for param in &property.params {
        let value = param.val.as_ref().map_or("", |v| v.as_str());
        push_param(&mut line, param.key.as_str(), value);
    }
    line.push(':');
    let value = property.val.as_str();
    if is_kept_unescaped(property) {
        line.push_str(&escape_text(value));
    } else {
        line.push_str(value);
    }
    let error = |error| InteropError::Property {
        name: name.chars().take(40).collect(),
        error,
    };
    let read = Property::from_line(line).map_err(error)?;
    // A name with a separator in it would move what follows to another place.
    if read.name() != name || read.params().count() != property.params.len() {
        return Err(error(LineError::Name));
    }
    Ok(read)
}

fn push_param(line: &mut String, name: &str, value: &str) {
    let is_list = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    if is_list {
        line.push(';');
        line.push_str(name);
        line.push('=');
        line.push_str(value);
    } else {
        let carrier = Property::new("X", "").with_param(name, value);
        for param in carrier.params() {
            line.push(';');
            line.push_str(param.as_str());
        }
    }
}

/// Whether two components say the same: names, parameters and values decoded, in order, with properties before
/// sub-components. What a second reader of the same text must agree on.
pub fn same_meaning(a: &Component, b: &Component) -> bool {
    to_parsed(a) == to_parsed(b)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use icalendar::Component as _;
    use proptest::prelude::*;

    use super::*;
    use crate::ical::parse::{Limits, parse};
    use crate::ical::print;

    fn read(text: &str) -> Component {
        let parsed = parse(text.as_bytes(), &Limits::DEFAULT);
        assert!(parsed.is_sound(), "{:?}", parsed.errors);
        parsed.components.into_iter().next().unwrap()
    }

    #[test]
    fn a_built_calendar_becomes_ours() {
        let event = icalendar::Event::new()
            .uid("1")
            .summary("Lunch; with J, \"D\"\nand all")
            .add_property("DTSTART", "20070521T130000Z")
            .add_multi_property("CATEGORIES", "A,B\\,C")
            .append_property(
                icalendar::Property::new("ATTENDEE", "mailto:j@example.com")
                    .add_parameter("CN", "Doe, J \"x\"")
                    .done(),
            )
            .append_component(icalendar::Venue::new().add_property("NAME", "x").done())
            .done();
        let mut calendar = icalendar::Calendar::empty();
        calendar.push(event);
        let ours = from_calendar(&calendar).unwrap();
        let event = ours.components().next().unwrap();
        assert_eq!(
            event.value("SUMMARY"),
            Some("Lunch\\; with J\\, \"D\"\\nand all")
        );
        assert_eq!(event.value("CATEGORIES"), Some("A,B\\,C"));
        let attendee = event.property("ATTENDEE").unwrap();
        assert_eq!(attendee.param("CN").unwrap(), "Doe, J \"x\"");
        assert_eq!(event.components().next().unwrap().name(), "VVENUE");
        assert_eq!(event.value("DTSTAMP"), None);
        assert_eq!(read(&print::to_string(&ours)), ours);
    }

    #[test]
    fn what_would_break_a_line_is_refused() {
        let property = |key: &str, value: &str| {
            let mut component = to_parsed(&Component::new("VEVENT"));
            component.properties.push(parser::Property {
                name: key.to_owned().into(),
                val: value.to_owned().into(),
                params: Vec::new(),
            });
            from_parsed(&component)
        };
        assert!(property("URL", "http://x/;,").is_ok());
        assert!(property("SUMMARY", "a\r\nATTENDEE:mailto:x").is_ok());
        for (key, value) in [
            ("URL", "http://x\r\nATTENDEE:mailto:x"),
            ("URL\r\nX", "y"),
            ("A:B", "y"),
            ("A;B=C", "y"),
            ("", "y"),
            ("end", "VEVENT"),
        ] {
            assert!(property(key, value).is_err(), "{key} {value}");
        }
        let mut component = to_parsed(&Component::new("VEVENT"));
        component.name = "A\r\nB".to_owned().into();
        assert!(from_parsed(&component).is_err());
    }

    #[test]
    fn order_and_repeats_survive_through_the_parsed_form() {
        let ours = read(
            "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nX-A:1\nUID:1\nX-A:2\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY\n\
             REQUEST-STATUS:2.0;Success\nGEO:1;2\nATTENDEE;MEMBER=\"mailto:a\",\"mailto:b\";CN=:mailto:c\n\
             BEGIN:VALARM\nACTION:DISPLAY\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n",
        );
        let back = from_parsed(&to_parsed(&ours)).unwrap();
        assert_eq!(back, ours);
        assert!(same_meaning(&back, &ours));
        assert_eq!(to_calendar(&ours).components.len(), 1);
    }

    /// A line both readers understand alike: no lists in parameters, no carets, a single escape style.
    fn property() -> impl Strategy<Value = Property> {
        let name = prop::sample::select(vec![
            "SUMMARY",
            "DESCRIPTION",
            "X-ANY",
            "URL",
            "ATTENDEE",
            "DTSTART",
            "CATEGORIES",
            "COMMENT",
        ]);
        let text = "[ -\\]_-~\u{a1}-\u{2027}\u{1f600}]{0,100}";
        (
            name,
            prop::option::of("[ -!#-+--9<-\\]_-~\u{e4}]{1,30}"),
            text,
        )
            .prop_map(|(name, cn, text)| {
                let property = Property::text(name, &text);
                match cn {
                    Some(cn) => property.with_param("CN", &cn),
                    None => property,
                }
            })
    }

    proptest! {
        #[test]
        fn the_crate_reads_what_we_print(properties in prop::collection::vec(property(), 0..8)) {
            let inner = properties.into_iter().fold(Component::new("VEVENT"), Component::with);
            let mut calendar = Component::new("VCALENDAR").with(Property::new("VERSION", "2.0"));
            calendar.push_component(inner);
            let text = print::to_string(&calendar);
            let unfolded = parser::unfold(&text);
            let theirs = parser::read_calendar(&unfolded).unwrap();
            let ours = to_parsed(&calendar);
            prop_assert_eq!(&theirs.properties, &ours.properties);
            prop_assert_eq!(&theirs.components, &ours.components);
        }
    }
}
