//! Whether two properties say the same, however they are spelled.
//!
//! A store that changes nothing must change nothing, so what a client sends back is compared in meaning: escapes,
//! letter case, order of parameters and parameters at their defaults do not count (RFC 5545 sections 3.1, 3.2).
//! Times of different zones are not compared here; that needs the zones and is `times`' work.

use crate::ical::component::{Component, Property};
use crate::ical::rule::Rule;
use crate::ical::value;

/// Whether both properties have one name and say the same.
pub fn same(a: &Property, b: &Property) -> bool {
    a == b || (a.name().eq_ignore_ascii_case(b.name()) && same_params(a, b) && same_value(a, b))
}

/// Whether both lists say the same, pairwise.
pub fn same_all(a: &[&Property], b: &[Property]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

/// Whether both components say the same: like properties in any order, like sub-components in order.
pub fn same_component(a: &Component, b: &Component) -> bool {
    let mut rest: Vec<&Property> = b.properties().collect();
    let properties = a.properties().all(|property| {
        let at = rest.iter().position(|other| same(property, other));
        at.map(|at| rest.swap_remove(at)).is_some()
    });
    properties
        && rest.is_empty()
        && a.components().count() == b.components().count()
        && a.components()
            .zip(b.components())
            .all(|(a, b)| same_component(a, b))
}

/// What a component means without the property: name, value, and the kind of component it holds for.
const DEFAULTS: [(&str, &str, &str); 6] = [
    ("", "CLASS", "PUBLIC"),
    ("", "PRIORITY", "0"),
    ("", "SEQUENCE", "0"),
    ("VEVENT", "TRANSP", "OPAQUE"),
    ("VEVENT", "STATUS", "CONFIRMED"),
    ("VTODO", "STATUS", "NEEDS-ACTION"),
];

/// Whether the property says what its absence from a component called `component` says.
pub fn is_default(component: &str, property: &Property) -> bool {
    let plain = property.value().trim().is_empty();
    let todo_percent = property.is("PERCENT-COMPLETE") && property.value() == "0";
    plain
        || todo_percent
        || DEFAULTS.iter().any(|(of, name, value)| {
            (of.is_empty() || of.eq_ignore_ascii_case(component))
                && property.is(name)
                && property.value().eq_ignore_ascii_case(value)
        })
}

/// Parameters that say nothing at this value (sections 3.2.3, 3.2.12, 3.2.16, 3.2.17).
const PARAM_DEFAULTS: [(&str, &str); 5] = [
    ("CUTYPE", "INDIVIDUAL"),
    ("ROLE", "REQ-PARTICIPANT"),
    ("PARTSTAT", "NEEDS-ACTION"),
    ("RSVP", "FALSE"),
    ("RELATED", "START"),
];

/// The parameters in one order and spelling, without those at their defaults. VALUE is left out: the value's
/// form says it.
fn params(property: &Property) -> Vec<(String, Vec<String>)> {
    let mut params: Vec<_> = property
        .params()
        .filter(|param| !param.is("VALUE"))
        .map(|param| {
            let name = param.name().to_ascii_uppercase();
            let listed = PARAM_DEFAULTS.iter().any(|(known, _)| *known == name);
            let values = param.values().map(|value| match listed {
                true => value.to_ascii_uppercase(),
                false => value.into_owned(),
            });
            let values: Vec<_> = values.collect();
            (name, values)
        })
        .filter(|(name, values)| {
            let default = PARAM_DEFAULTS.iter().find(|(known, _)| known == name);
            default.is_none_or(|(_, default)| values != &[*default])
        })
        .collect();
    params.sort();
    params
}

fn same_params(a: &Property, b: &Property) -> bool {
    params(a) == params(b)
}

fn same_value(a: &Property, b: &Property) -> bool {
    let name = a.name().to_ascii_uppercase();
    match name.as_str() {
        "ATTENDEE" | "ORGANIZER" => value::same_address(a.value(), b.value()),
        "CLASS" | "STATUS" | "TRANSP" | "ACTION" => a.value().eq_ignore_ascii_case(b.value()),
        "CATEGORIES" | "RESOURCES" => value::texts(a).eq(value::texts(b)),
        "RRULE" | "EXRULE" => match (Rule::parse(a.value()), Rule::parse(b.value())) {
            (Ok(a), Ok(b)) => same_rule(&a, &b),
            _ => false,
        },
        "PRIORITY" | "SEQUENCE" | "PERCENT-COMPLETE" | "REPEAT" => {
            same_read(value::integer(a.value()), value::integer(b.value()))
        }
        "GEO" => same_read(value::geo(a), value::geo(b)),
        "TRIGGER" => same_read(value::trigger(a), value::trigger(b)),
        "DURATION" => same_read(value::duration(a), value::duration(b)),
        "DTSTART" | "DTEND" | "DUE" | "RECURRENCE-ID" | "COMPLETED" => {
            same_read(value::date_time(a), value::date_time(b))
        }
        "URL" | "ATTACH" => a.value() == b.value(),
        _ => a.to_text() == b.to_text(),
    }
}

/// Whether both could be read and are equal; what cannot be read equals nothing.
fn same_read<T: PartialEq, E>(a: Result<T, E>, b: Result<T, E>) -> bool {
    matches!((a, b), (Ok(a), Ok(b)) if a == b)
}

/// Whether two rules have the same parts; the order within a part does not count.
pub fn same_rule(a: &Rule, b: &Rule) -> bool {
    fn ordered(rule: &Rule) -> Rule {
        let mut rule = rule.clone();
        rule.by_second.sort_unstable();
        rule.by_minute.sort_unstable();
        rule.by_hour.sort_unstable();
        rule.by_day
            .sort_unstable_by_key(|day| (day.weekday.to_monday_zero_offset(), day.ordinal));
        rule.by_month_day.sort_unstable();
        rule.by_year_day.sort_unstable();
        rule.by_week_no.sort_unstable();
        rule.by_month.sort_unstable();
        rule.by_set_pos.sort_unstable();
        rule
    }
    a == b || ordered(a) == ordered(b)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn same_lines(a: &str, b: &str) -> bool {
        same(
            &Property::from_line(a).unwrap(),
            &Property::from_line(b).unwrap(),
        )
    }

    #[test]
    fn spelling_does_not_count() {
        for (a, b) in [
            ("SUMMARY:a\\, b", "summary:a, b"),
            ("CLASS:PRIVATE", "CLASS:private"),
            (
                "ATTENDEE;ROLE=CHAIR;CN=\"A B\":mailto:a@x",
                "ATTENDEE;CN=A B;ROLE=CHAIR:MAILTO:A@x",
            ),
            (
                "ATTENDEE;RSVP=false;PARTSTAT=NEEDS-ACTION:mailto:a@x",
                "ATTENDEE:mailto:a@x",
            ),
            (
                "RRULE:FREQ=WEEKLY;BYDAY=TU,MO;INTERVAL=1",
                "RRULE:BYDAY=MO,TU;FREQ=WEEKLY",
            ),
            ("PRIORITY:05", "PRIORITY:5"),
            ("GEO:1.50;2", "GEO:1.5;2.0"),
            ("TRIGGER:-PT15M", "TRIGGER;RELATED=START:-PT0H15M"),
            ("DTSTART;VALUE=DATE:20260101", "DTSTART:20260101"),
            ("CATEGORIES:a,b", "CATEGORIES:a,b"),
            ("COMMENT:a\\;b", "COMMENT:a;b"),
        ] {
            assert!(same_lines(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn meaning_counts() {
        for (a, b) in [
            ("SUMMARY:a", "SUMMARY:A"),
            ("SUMMARY:a", "COMMENT:a"),
            (
                "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@x",
                "ATTENDEE:mailto:a@x",
            ),
            ("ATTENDEE:mailto:a@x", "ATTENDEE:mailto:b@x"),
            ("RRULE:FREQ=WEEKLY;COUNT=2", "RRULE:FREQ=WEEKLY"),
            ("TRIGGER:-PT15M", "TRIGGER;RELATED=END:-PT15M"),
            ("DTSTART:20260101T000000", "DTSTART:20260101T000000Z"),
            ("CATEGORIES:a\\,b", "CATEGORIES:a,b"),
            ("URL:http://a", "URL:http://A"),
            ("RRULE:garbage", "RRULE:rubbish"),
        ] {
            assert!(!same_lines(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn absence_has_a_meaning() {
        let says = |component: &str, line: &str| {
            is_default(component, &Property::from_line(line).unwrap())
        };
        assert!(says("VEVENT", "STATUS:CONFIRMED"));
        assert!(!says("VTODO", "STATUS:CONFIRMED"));
        assert!(says("VTODO", "STATUS:NEEDS-ACTION"));
        assert!(says("VTODO", "CLASS:PUBLIC"));
        assert!(says("VTODO", "PERCENT-COMPLETE:0"));
        assert!(says("VEVENT", "SUMMARY:"));
        assert!(!says("VEVENT", "TRANSP:TRANSPARENT"));
    }

    #[test]
    fn components_are_compared_without_order() {
        let mut a = Component::new("VALARM")
            .with(Property::new("ACTION", "EMAIL"))
            .with(Property::new("TRIGGER", "-PT15M"));
        let b = Component::new("VALARM")
            .with(Property::new("TRIGGER", "-PT15M"))
            .with(Property::new("ACTION", "email"));
        assert!(same_component(&a, &b));
        a.push(Property::new("REPEAT", "1"));
        assert!(!same_component(&a, &b));
        assert!(!same_component(&b, &a));
    }
}
