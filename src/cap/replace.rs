//! One component changed as MODIFY says it: by how it is, in part, and how that part is to be
//! (draft-ietf-calsch-cap-04 section 7.2.1.6). Pure.

use crate::core::query::Row;
use crate::ical::component::{Component, Entry, Property};

/// The two components of a MODIFY.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    /// As it is, in part.
    pub(super) old: &'a Component,
    /// As that part is to be.
    pub(super) new: &'a Component,
}

/// What becomes of a row; none if it is not as `old` says. A METHOD of `new` is the state it is to be in.
pub(super) fn changed(row: &Row, old: &Component, new: &Component) -> Option<Component> {
    let method = row.method.as_deref().unwrap_or("CREATE");
    if old
        .value("METHOD")
        .is_some_and(|said| !said.eq_ignore_ascii_case(method))
    {
        return None;
    }
    let wanted = new.value("METHOD").map(str::to_ascii_uppercase);
    let plain = |component: &Component| {
        let mut plain = component.clone();
        plain.remove("METHOD");
        plain
    };
    let (old, new) = (plain(old), plain(new));
    let (old, new) = (
        with_whole(&old, &old, &row.component),
        with_whole(&new, &old, &row.component),
    );
    if !is_like(&row.component, &old) {
        return None;
    }
    let mut made = replaced(&row.component, &old, &new);
    if let Some(wanted) = wanted {
        made.push(Property::new("METHOD", wanted));
    }
    Some(made)
}

/// A part of a MODIFY with the attachments that `old` names by the beginning of their base64 in whole, as they are stored
/// (RFC 4324 section 10.8).
fn with_whole(part: &Component, old: &Component, stored: &Component) -> Component {
    let mut made = Component::new(part.name()).at_line(part.source_line());
    for entry in part.entries() {
        match entry {
            Entry::Property(property) => {
                let known = old.properties().any(|named| same(named, property));
                let found = whole(property, stored).filter(|_| known);
                made.push(found.unwrap_or(property).clone());
            }
            Entry::Component(inner) => made.push_component(inner.clone()),
        }
    }
    made
}

/// The one attachment that begins like another.
fn whole<'s>(begin: &Property, stored: &'s Component) -> Option<&'s Property> {
    let base64 = |property: &Property| {
        let encoding = property.param("ENCODING");
        let binary = encoding.is_some_and(|name| name.eq_ignore_ascii_case("BASE64"));
        let text = property.value().trim_end_matches('=');
        (binary && property.is("ATTACH") && !text.is_empty()).then(|| text.to_owned())
    };
    let begin = base64(begin)?;
    let mut like = stored
        .properties()
        .filter(|property| base64(property).is_some_and(|text| text.starts_with(&begin)));
    let found = like.next()?;
    like.next().is_none().then_some(found)
}

/// Whether a component has every property of `old`, and a component like each in it.
fn is_like(component: &Component, old: &Component) -> bool {
    component.is(old.name())
        && old
            .properties()
            .all(|wanted| component.properties().any(|p| same(p, wanted)))
        && old
            .components()
            .all(|wanted| component.components().any(|inner| is_like(inner, wanted)))
}

/// Whether two properties say the same; the order of parameters does not count.
fn same(a: &Property, b: &Property) -> bool {
    let params = |property: &Property| {
        let mut params: Vec<(String, Vec<String>)> = property
            .params()
            .map(|param| {
                let values = param.values().map(|value| value.into_owned());
                (param.name().to_ascii_uppercase(), values.collect())
            })
            .collect();
        params.sort();
        params
    };
    a.is(b.name()) && a.value() == b.value() && params(a) == params(b)
}

/// `component` without what only `old` has and with what only `new` has; another value takes the old one's place.
fn replaced(component: &Component, old: &Component, new: &Component) -> Component {
    let goes: Vec<&Property> = old
        .properties()
        .filter(|property| !new.properties().any(|other| same(other, property)))
        .collect();
    let mut comes: Vec<&Property> = new
        .properties()
        .filter(|property| !old.properties().any(|other| same(other, property)))
        .collect();
    let inner: Vec<(&Component, Option<&Component>)> = old
        .components()
        .enumerate()
        .map(|(at, inner)| {
            (
                inner,
                new.components().filter(|n| n.is(inner.name())).nth(at),
            )
        })
        .collect();
    let mut made = Component::new(component.name()).at_line(component.source_line());
    let mut inside = Vec::new();
    for entry in component.entries() {
        match entry {
            Entry::Property(property) if goes.iter().any(|gone| same(gone, property)) => {
                let place = comes.iter().position(|next| next.is(property.name()));
                if let Some(place) = place {
                    made.push(comes.remove(place).clone());
                }
            }
            Entry::Property(property) => made.push(property.clone()),
            Entry::Component(part) => match inner.iter().find(|(old, _)| is_like(part, old)) {
                Some((old, Some(new))) => inside.push(replaced(part, old, new)),
                Some((_, None)) => {}
                None => inside.push(part.clone()),
            },
        }
    }
    // What can stand once only is set.
    for property in comes {
        let once = crate::ical::names::property(property.name()).is_some_and(|row| {
            row.count_in(component.name())
                .is_some_and(|count| count != crate::ical::names::Count::Any)
        });
        match once {
            true => made.set(property.clone()),
            false => made.push(property.clone()),
        }
    }
    inside
        .into_iter()
        .for_each(|part| made.push_component(part));
    let added = new.components().skip(inner.len());
    added.for_each(|part| made.push_component(part.clone()));
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::query::Table;
    use crate::ical::object::Kind;
    use crate::ical::parse;
    use crate::ical::print;

    fn event(body: &str) -> Component {
        let text = format!("BEGIN:VEVENT\r\n{body}END:VEVENT\r\n").replace('|', "\r\n");
        parse::parse(text.as_bytes(), &parse::Limits::DEFAULT)
            .components
            .remove(0)
    }

    #[test]
    fn old_gives_way_to_new() {
        const STORED: &str = "UID:u|DTSTART:20260101T100000Z|LOCATION:Joe's|ATTENDEE;ROLE=CHAIR;PARTSTAT=ACCEPTED:mailto:a|ATTENDEE:mailto:b|BEGIN:VALARM|ACTION:DISPLAY|TRIGGER:-PT5M|END:VALARM|";
        for (old, new, expected) in [
            (
                "DTSTART:20260101T100000Z|LOCATION:Joe's|",
                "DTSTART:20260101T110000Z|",
                Some(
                    "UID:u|DTSTART:20260101T110000Z|ATTENDEE;ROLE=CHAIR;PARTSTAT=ACCEPTED:mailto:a|ATTENDEE:mailto:b|BEGIN:VALARM|ACTION:DISPLAY|TRIGGER:-PT5M|END:VALARM|",
                ),
            ),
            ("LOCATION:Other|", "", None),
            (
                "ATTENDEE;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:a|BEGIN:VALARM|TRIGGER:-PT5M|END:VALARM|",
                "SUMMARY:New|BEGIN:VALARM|TRIGGER:-PT9M|END:VALARM|",
                Some(
                    "UID:u|DTSTART:20260101T100000Z|LOCATION:Joe's|ATTENDEE:mailto:b|SUMMARY:New|BEGIN:VALARM|ACTION:DISPLAY|TRIGGER:-PT9M|END:VALARM|",
                ),
            ),
            (
                "BEGIN:VALARM|ACTION:DISPLAY|END:VALARM|",
                "",
                Some(
                    "UID:u|DTSTART:20260101T100000Z|LOCATION:Joe's|ATTENDEE;ROLE=CHAIR;PARTSTAT=ACCEPTED:mailto:a|ATTENDEE:mailto:b|",
                ),
            ),
            ("BEGIN:VALARM|ACTION:AUDIO|END:VALARM|", "", None),
            (
                "",
                "LOCATION:There|",
                Some(
                    "UID:u|DTSTART:20260101T100000Z|LOCATION:There|ATTENDEE;ROLE=CHAIR;PARTSTAT=ACCEPTED:mailto:a|ATTENDEE:mailto:b|BEGIN:VALARM|ACTION:DISPLAY|TRIGGER:-PT5M|END:VALARM|",
                ),
            ),
            ("METHOD:REQUEST|", "METHOD:CREATE|", None),
        ] {
            let row = Row::of(Table::Items(Kind::Event), event(STORED), Vec::new());
            let made = changed(&row, &event(old), &event(new));
            let shown = made.map(|made| print::to_string(&made));
            let expected = expected.map(|expected| print::to_string(&event(expected)));
            assert_eq!(shown, expected, "{old} -> {new}");
        }
    }
}
