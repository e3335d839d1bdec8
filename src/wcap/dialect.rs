//! The names and value forms of the XML dialect of Calendar Server 5 and 6, which JSON shares.
//!
//! One table serves both writers and the reader. What the dialect has no name for keeps its own; nothing is
//! lost, and what was written is read back to the same meaning:
//!
//! - a name that is none of XML's, or one the dialect uses otherwise, gets a `_` in front;
//! - parameters become attributes in capitals; several values of one stand in quotes with commas between;
//! - attributes in small letters are the dialect's own: `type="component"` marks a component it has no name
//!   for, `type="text"` a value of unknown type whose escapes were undone.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::ical::component::{Entry, Property, escape_text, unescape_text};

/// How a value becomes the text of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueForm {
    /// One element, the value as it is.
    Raw,
    /// One element, escapes undone.
    Text,
    /// One element, commas between the items; `\,` and `\\` inside items stay escaped.
    TextList,
    /// One element per item, escapes undone.
    Texts,
    /// One element per item, as it is.
    Items,
    /// A property the table does not know: its type is not known either.
    Open,
}

/// A property of the table.
#[derive(Debug)]
pub(super) struct Row {
    /// The iCalendar name.
    pub(super) property: &'static str,
    /// The element.
    pub(super) element: &'static str,
    /// Its value.
    pub(super) form: ValueForm,
}

macro_rules! rows {
    ($($property:literal $element:literal $form:ident;)*) => {
        &[$(Row { property: $property, element: $element, form: ValueForm::$form },)*]
    };
}

/// Properties whose name or value differs from iCalendar's, and those of a known value form.
const PROPERTIES: &[Row] = rows! {
    "ACTION" "ACTION" Text;
    "ATTACH" "ATTACH" Raw;
    "ATTENDEE" "ATTENDEE" Raw;
    "CATEGORIES" "CATEGORIES" TextList;
    "CALSCALE" "CALSCALE" Text;
    "CLASS" "CLASS" Text;
    "COMMENT" "COMMENT" Text;
    "COMPLETED" "COMPLETED" Raw;
    "CONTACT" "CONTACT" Text;
    "CREATED" "CREATED" Raw;
    "DESCRIPTION" "DESC" Text;
    "DTEND" "END" Raw;
    "DTSTAMP" "DTSTAMP" Raw;
    "DTSTART" "START" Raw;
    "DUE" "DUE" Raw;
    "DURATION" "DURATION" Raw;
    "EXDATE" "EXDATE" Items;
    "EXRULE" "EXRULE" Raw;
    "FREEBUSY" "FB" Items;
    "GEO" "GEO" Raw;
    "LAST-MODIFIED" "LAST-MOD" Raw;
    "LOCATION" "LOCATION" Text;
    "ORGANIZER" "ORGANIZER" Raw;
    "PERCENT-COMPLETE" "PERCENT" Raw;
    "PRIORITY" "PRIORITY" Raw;
    "RDATE" "RDATE" Items;
    "RECURRENCE-ID" "RECURID" Raw;
    "RELATED-TO" "RELATED" Text;
    "REPEAT" "REPEAT" Raw;
    "REQUEST-STATUS" "RSTATUS" Raw;
    "RESOURCES" "RESOURCES" Texts;
    "RRULE" "RRULE" Raw;
    "SEQUENCE" "SEQUENCE" Raw;
    "STATUS" "STATUS" Text;
    "SUMMARY" "SUMMARY" Text;
    "TRANSP" "TRANSP" Text;
    "TRIGGER" "TRIGGER" Raw;
    "TZID" "TZID" Text;
    "TZNAME" "TZNAME" Text;
    "TZOFFSETFROM" "TZOFFSETFROM" Raw;
    "TZOFFSETTO" "TZOFFSETTO" Raw;
    "TZURL" "TZURL" Raw;
    "UID" "UID" Text;
    "URL" "URL" Raw;
    "X-NSCP-CALPROPS-CATEGORIES" "X-NSCP-CALPROPS-CATEGORIES" TextList;
    "X-NSCP-CALPROPS-DESCRIPTION" "X-NSCP-CALPROPS-DESCRIPTION" Text;
    "X-NSCP-CALPROPS-NAME" "X-NSCP-CALPROPS-NAME" Text;
    "X-S1CS-CALPROPS-COMMON-NAME" "X-S1CS-CALPROPS-COMMON-NAME" Text;
};

/// Elements that other writers of the dialect use: read, never written.
const READ_ONLY: &[Row] = rows! {
    "DTSTAMP" "STAMP" Raw;
    "PERCENT-COMPLETE" "PERCENT-COMPLETE" Raw;
};

/// Components: iCalendar's name and the element.
const COMPONENTS: &[(&str, &str)] = &[
    ("VEVENT", "EVENT"),
    ("VTODO", "TODO"),
    ("VJOURNAL", "JOURNAL"),
    ("VFREEBUSY", "FREEBUSY"),
    ("VALARM", "ALARM"),
    ("VTIMEZONE", "TIMEZONE"),
    ("STANDARD", "STANDARD"),
    ("DAYLIGHT", "DAYLIGHT"),
];

/// Rows by the first letter of the property: a look-up costs a few comparisons, none for X- names.
static BY_LETTER: LazyLock<[Vec<&'static Row>; 26]> = LazyLock::new(|| {
    std::array::from_fn(|letter| {
        PROPERTIES
            .iter()
            .filter(|row| letter_of(row.property) == Some(letter))
            .collect()
    })
});

static BY_ELEMENT: LazyLock<HashMap<&'static str, &'static Row>> = LazyLock::new(|| {
    PROPERTIES
        .iter()
        .chain(READ_ONLY)
        .map(|row| (row.element, row))
        .collect()
});

fn letter_of(name: &str) -> Option<usize> {
    let letter = name.bytes().next()?.to_ascii_uppercase();
    letter
        .is_ascii_uppercase()
        .then(|| usize::from(letter - b'A'))
}

/// The row of a property, letter case ignored.
fn row(property: &str) -> Option<&'static Row> {
    let rows = BY_LETTER.get(letter_of(property)?)?;
    rows.iter()
        .find(|row| row.property.eq_ignore_ascii_case(property))
        .copied()
}

/// The row that an element of that exact name stands for.
pub(super) fn row_of_element(element: &str) -> Option<&'static Row> {
    BY_ELEMENT.get(element).copied()
}

/// The component that an element of that exact name stands for.
pub(super) fn component_of_element(element: &str) -> Option<&'static str> {
    COMPONENTS
        .iter()
        .find(|(_, name)| *name == element)
        .map(|(component, _)| *component)
}

/// The element of a component and whether the dialect knows it.
pub(super) fn component_element(name: &str) -> (Cow<'_, str>, bool) {
    match COMPONENTS
        .iter()
        .find(|(c, _)| c.eq_ignore_ascii_case(name))
    {
        Some((_, element)) => (Cow::Borrowed(element), true),
        None => (own_name(name), false),
    }
}

/// The element and the value form of a property.
pub(super) fn property_element(property: &Property) -> (Cow<'_, str>, ValueForm) {
    match row(property.name()) {
        Some(row) => (Cow::Borrowed(row.element), row.form),
        None => (own_name(property.name()), ValueForm::Open),
    }
}

/// A name the tables do not know, as an element.
fn own_name(name: &str) -> Cow<'_, str> {
    let lettered = name.starts_with(|c: char| c.is_ascii_alphabetic());
    // Every element of the tables starts with a letter other than X, but for a few that are properties.
    let taken = !name.starts_with("X-")
        && (row_of_element(name).is_some() || component_of_element(name).is_some());
    if lettered && !taken {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("_{name}"))
    }
}

/// The iCalendar name of an element or attribute that the tables do not know.
pub(super) fn name_of_own(element: &str) -> &str {
    element.strip_prefix('_').unwrap_or(element)
}

/// The texts of the elements of a property; the flag says that escapes of an unknown type were undone.
pub(super) fn for_each_text<'a>(
    property: &'a Property,
    form: ValueForm,
    mut take: impl FnMut(Cow<'a, str>, bool),
) {
    let value = property.value();
    match form {
        ValueForm::Raw => take(Cow::Borrowed(value), false),
        ValueForm::Text => take(unescape_text(value), false),
        ValueForm::TextList => take(unescape_list(value), false),
        ValueForm::Texts => split_list(value).for_each(|item| take(unescape_text(item), false)),
        ValueForm::Items => value
            .split(',')
            .for_each(|item| take(Cow::Borrowed(item), false)),
        ValueForm::Open => {
            let (text, undone) = open_text(property);
            take(text, undone);
        }
    }
}

/// An unknown value is TEXT only if it says nothing else and is escaped as TEXT is; only then are its escapes
/// undone, so that everything else keeps its octets.
fn open_text(property: &Property) -> (Cow<'_, str>, bool) {
    let value = property.value();
    let other_type = || {
        let declared = property.param("VALUE");
        declared.is_some_and(|t| !t.eq_ignore_ascii_case("TEXT"))
    };
    if !value.contains('\\') || other_type() {
        return (Cow::Borrowed(value), false);
    }
    let text = unescape_text(value);
    if escape_text(&text) == value {
        (text, true)
    } else {
        (Cow::Borrowed(value), false)
    }
}

/// A list of TEXT with the escapes undone that do not matter to the list.
fn unescape_list(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(c @ (',' | '\\')) => out.extend(['\\', c]),
                Some(c) => out.push(c),
                None => out.push_str("\\\\"),
            },
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The items of a list of TEXT, still escaped.
pub(super) fn split_list(raw: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(raw);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut escaped = false;
        let end = text.bytes().position(|byte| {
            let separates = byte == b',' && !escaped;
            escaped = byte == b'\\' && !escaped;
            separates
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// The parameters of a property as attributes, in order; a repeated one is joined with its first.
pub(super) fn attributes(property: &Property) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let mut attributes: Vec<(Cow<'_, str>, Vec<Cow<'_, str>>)> = Vec::new();
    // Hostile lines hold a hundred thousand parameters: beyond a few, places are looked up by hash.
    let mut places: HashMap<String, usize> = HashMap::new();
    for param in property.params() {
        let name = attribute_name(param.name());
        let place = if attributes.len() <= 16 {
            attributes.iter().position(|(n, _)| *n == name)
        } else {
            if places.is_empty() {
                let known = attributes.iter().enumerate();
                places = known.map(|(at, (n, _))| (n.to_string(), at)).collect();
            }
            let next = attributes.len();
            let place = *places.entry(name.to_string()).or_insert(next);
            (place < next).then_some(place)
        };
        match place.and_then(|at| attributes.get_mut(at)) {
            Some((_, values)) => values.extend(param.values()),
            None => attributes.push((name, param.values().collect())),
        }
    }
    attributes
        .into_iter()
        .map(|(name, values)| (name, attribute_value(values)))
        .collect()
}

/// In capitals, and with a letter first.
fn attribute_name(name: &str) -> Cow<'_, str> {
    let lettered = name.starts_with(|c: char| c.is_ascii_alphabetic());
    match (lettered, name.bytes().any(|b| b.is_ascii_lowercase())) {
        (true, false) => Cow::Borrowed(name),
        (true, true) => Cow::Owned(name.to_ascii_uppercase()),
        (false, _) => Cow::Owned(format!("_{}", name.to_ascii_uppercase())),
    }
}

/// One value as it is; several, or one that starts with a quote, as a parameter writes them.
fn attribute_value(mut values: Vec<Cow<'_, str>>) -> Cow<'_, str> {
    match values.as_slice() {
        [] => Cow::Borrowed(""),
        [only] if !only.starts_with('"') => values.remove(0),
        _ => {
            let mut out = String::new();
            for value in &values {
                out.push_str(if out.is_empty() { "\"" } else { ",\"" });
                for c in value.chars() {
                    match c {
                        '^' => out.push_str("^^"),
                        '"' => out.push_str("^'"),
                        '\n' => out.push_str("^n"),
                        c => out.push(c),
                    }
                }
                out.push('"');
            }
            Cow::Owned(out)
        }
    }
}

/// About how many octets the elements of an entry take, names twice.
pub(super) fn size(entry: &Entry) -> usize {
    match entry {
        Entry::Property(p) => p.as_line().len() + p.name().len() + 8,
        Entry::Component(c) => 2 * c.name().len() + 8 + c.entries().iter().map(size).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sound() {
        for (at, row) in PROPERTIES.iter().enumerate() {
            let repeated =
                |other: &Row| other.property == row.property || other.element == row.element;
            assert!(!PROPERTIES[..at].iter().any(repeated), "{}", row.property);
            assert!(
                component_of_element(row.element).is_none(),
                "{}",
                row.element
            );
            assert_eq!(
                row_of_element(row.element).map(|r| r.property),
                Some(row.property)
            );
        }
        assert_eq!(component_element("vevent"), (Cow::Borrowed("EVENT"), true));
        assert_eq!(component_element("EVENT").0, "_EVENT");
    }

    #[test]
    fn own_names_are_undone() {
        for name in [
            "X-A", "x-a", "START", "2FOO", "_START", "EVENT", "-", "STAMP", "LAST-MOD",
        ] {
            let property = Property::new(name, "v");
            let (element, form) = property_element(&property);
            assert_eq!(form, ValueForm::Open);
            assert!(crate::text::xml::is_name(&element), "{element}");
            assert!(row_of_element(&element).is_none());
            assert_eq!(name_of_own(&element), name);
        }
    }

    #[test]
    fn many_parameters_are_joined_in_order() {
        let mut line = String::from("X-A");
        for n in 0..40 {
            line.push_str(&format!(";P{}={n}", n % 20));
        }
        line.push_str(":v");
        let property = Property::from_line(line).ok();
        let attributes = property.as_ref().map(attributes).unwrap_or_default();
        assert_eq!(attributes.len(), 20);
        assert_eq!(
            attributes[3],
            (Cow::Borrowed("P3"), Cow::Borrowed("\"3\",\"23\""))
        );
        assert_eq!(
            attributes[19],
            (Cow::Borrowed("P19"), Cow::Borrowed("\"19\",\"39\""))
        );
    }

    #[test]
    fn lists_are_cut_outside_escapes() {
        let items: Vec<_> = split_list("a\\,b,c\\\\,,d").collect();
        assert_eq!(items, ["a\\,b", "c\\\\", "", "d"]);
        assert_eq!(unescape_list("a\\,b,c\\\\\\;\\nd"), "a\\,b,c\\\\;\nd");
    }
}
