//! Whether a value is of its property's type (RFC 5545 section 3.3).

use super::Problem;
use crate::ical::component::Property;
use crate::ical::names::{PropertyRow, ValueType};
use crate::ical::rule::Rule;
use crate::ical::value::{self, Duration, Period};

/// Tells `report` what is wrong with the value, and whether that is only a matter of form.
pub(super) fn check(row: &PropertyRow, property: &Property, mut report: impl FnMut(Problem, bool)) {
    let said = property.param("VALUE");
    let named = said.as_deref().map(ValueType::named);
    let value_type = match named {
        None => row.default,
        Some(Some(named)) => match row.allowed.iter().find(|t| t.name() == named.name()) {
            Some(&allowed) => allowed,
            None => {
                report(Problem::ValueType(shown(property)), true);
                row.default
            }
        },
        // A type that someone else has registered.
        Some(None) => return,
    };
    if row.name == "TRIGGER" {
        if let Err(error) = value::trigger(property) {
            report(error.into(), false);
        }
        return;
    }
    let tzid = property.param("TZID");
    let tzid = tzid.as_deref();
    if value_type == ValueType::Text {
        if !escapes_are_sound(property.value()) {
            report(Problem::Escape, true);
        }
    } else if !row.list {
        one(
            row,
            value_type,
            property,
            property.value(),
            tzid,
            &mut report,
        );
    } else {
        for item in property.value().split(',') {
            one(row, value_type, property, item, tzid, &mut report);
        }
    }
}

/// The VALUE parameter, cut for an error.
fn shown(property: &Property) -> Box<str> {
    let said = property.param("VALUE").unwrap_or_default();
    said.chars().take(40).collect()
}

/// Checks one value.
fn one(
    row: &PropertyRow,
    value_type: ValueType,
    property: &Property,
    text: &str,
    tzid: Option<&str>,
    report: &mut impl FnMut(Problem, bool),
) {
    let outcome = match value_type {
        ValueType::Date | ValueType::DateTime => match value::parse_date_time(text, tzid) {
            Ok(time) => {
                if time.is_date() != (value_type == ValueType::Date) {
                    report(Problem::ValueForm, true);
                }
                Ok(())
            }
            Err(error) => Err(error),
        },
        ValueType::Period if text.contains('/') => Period::parse(text, tzid).map(drop),
        ValueType::Period => value::parse_date_time(text, tzid)
            .map(|_| report(Problem::Value(value::ValueError::Period), true)),
        ValueType::Utc => value::utc(property).map(drop),
        ValueType::Duration => Duration::parse(text).map(drop),
        ValueType::Boolean => value::boolean(text).map(drop),
        ValueType::Integer => return integer(row, text, report),
        ValueType::Float if row.default != ValueType::Geo => value::float(text).map(drop),
        ValueType::Float | ValueType::Geo => value::geo(property).map(drop),
        ValueType::UtcOffset => value::parse_offset(text).map(drop),
        ValueType::RequestStatus => value::request_status(property).map(drop),
        // A content identifier or a bare file name is how mail programs name attachments.
        ValueType::Uri | ValueType::CalAddress => value::uri(property).map(drop),
        ValueType::Binary => return binary(property, report),
        ValueType::Recur => return rule(text, report),
        ValueType::Text | ValueType::Time => Ok(()),
    };
    if let Err(error) = outcome {
        report(error.into(), false);
    }
}

/// Whether each backslash of a TEXT value stands before what it escapes (section 3.3.11).
fn escapes_are_sound(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && !matches!(bytes.next(), Some(b'\\' | b';' | b',' | b'n' | b'N')) {
            return false;
        }
    }
    true
}

fn integer(row: &PropertyRow, text: &str, report: &mut impl FnMut(Problem, bool)) {
    let (least, most) = match row.name {
        "PRIORITY" => (0, 9),
        "PERCENT-COMPLETE" => (0, 100),
        _ => (0, i32::MAX),
    };
    match value::integer(text) {
        Ok(number) if (least..=most).contains(&number) => {}
        Ok(_) => report(Problem::Number(least, most), false),
        Err(error) => report(error.into(), false),
    }
}

fn rule(text: &str, report: &mut impl FnMut(Problem, bool)) {
    match Rule::parse_reporting(text) {
        Ok((_, warnings)) => {
            for warning in warnings {
                report(Problem::LenientRule(warning), true);
            }
        }
        Err(error) => report(error.into(), false),
    }
}

fn binary(property: &Property, report: &mut impl FnMut(Problem, bool)) {
    let marked = property
        .param("ENCODING")
        .is_some_and(|encoding| encoding.eq_ignore_ascii_case("BASE64"));
    let digits = property.value().trim_end_matches('=');
    let sound = property.value().len() - digits.len() <= 2
        && digits
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    if !marked || !sound {
        report(Problem::Base64, false);
    }
}
