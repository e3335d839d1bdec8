//! Values by their type, as the XML and the JSON form of iCalendar write them (RFC 6321 sections 3.4 to 3.6,
//! RFC 7265 sections 3.4 to 3.6). Both forms cut lists, undo escapes, name the type beside the value and write
//! times as ISO 8601 does; what differs between them, elements and brackets, is theirs.
//!
//! A value that is not of the type its property has is not lost: it is of the type `unknown`, with the octets it
//! came with, and its `VALUE` stays among the parameters.

use std::borrow::Cow;

use super::component::{LineError, Property, escape_text, push_param_value};
use super::names::{self, ValueType};
use super::rule::Rule;
use super::value;

mod iso;

/// The type of a value of which nothing is known.
pub const UNKNOWN: &str = "unknown";

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// In one piece: text without escapes, a number, an address, a date as `2026-01-05`.
    Plain(Cow<'a, str>),
    /// In several: start and end of a period, the numbers of GEO, the texts of REQUEST-STATUS.
    Parts(Vec<Cow<'a, str>>),
    /// A recurrence rule: its parts, names in small letters, each with its values.
    Rule(Vec<(String, Vec<String>)>),
}

impl<'a> Value<'a> {
    /// A value in one piece.
    pub fn plain(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Plain(text.into())
    }
}

/// A parameter: its name in small letters, and its values.
pub type Param<'a> = (String, Vec<Cow<'a, str>>);

/// A property with its values taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed<'a> {
    /// The name in small letters.
    pub name: String,
    /// The parameters in their order, `VALUE` and what only says how octets are written left out.
    pub params: Vec<Param<'a>>,
    /// The type in small letters, as `date-time`, or [`UNKNOWN`].
    pub kind: Cow<'a, str>,
    /// At least one.
    pub values: Vec<Value<'a>>,
}

/// Why values make no property.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypedError {
    /// There is none.
    #[error("expected a value")]
    Missing,
    /// The value is not what its type says.
    #[error("expected a value of the type '{0}'")]
    Value(String),
    /// What was put together is no content line.
    #[error(transparent)]
    Line(#[from] LineError),
}

/// Takes a property apart.
pub fn of(property: &Property) -> Typed<'_> {
    let row = names::property(property.name());
    let declared = property.param("VALUE");
    let registered = declared.as_deref().map(ValueType::named);
    let value_type = match (registered, row) {
        // Of the types that two properties have for themselves the name says too little.
        (Some(Some(named)), Some(row)) if row.default.name() == named.name() => Some(row.default),
        (Some(Some(named)), _) => Some(named),
        (Some(None), _) => None,
        (None, row) => row.map(|row| row.default),
    };
    let list = row.is_some_and(|row| row.list);
    let known = value_type.and_then(|value_type| values(property.value(), value_type, list));
    let (kind, values, keep_value) = match known {
        Some((kind, values)) => (Cow::Borrowed(kind), values, false),
        None => match declared {
            // A type that someone else has registered keeps its name, and the value its octets.
            Some(named) if registered == Some(None) && is_type_name(&named) => {
                let kind = Cow::Owned(named.to_ascii_lowercase());
                (kind, vec![Value::plain(property.value())], false)
            }
            _ => (
                Cow::Borrowed(UNKNOWN),
                vec![Value::plain(property.value())],
                true,
            ),
        },
    };
    let binary = kind == "binary";
    let mut params: Vec<Param<'_>> = Vec::new();
    for param in property.params() {
        let name = param.name().to_ascii_lowercase();
        if (name == "value" && !keep_value) || (name == "encoding" && binary) {
            continue;
        }
        // One that stands twice is one with the values of both. There are few, or hostile many: those are cut short
        // by the limit on the line.
        match params.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.extend(param.values()),
            None => params.push((name, param.values().collect())),
        }
    }
    Typed {
        name: property.name().to_ascii_lowercase(),
        params,
        kind,
        values,
    }
}

/// Whether a type may be called so; `unknown` is taken.
fn is_type_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.eq_ignore_ascii_case(UNKNOWN)
}

/// The values of a raw one and the type they have; none if they are not of the type.
fn values(raw: &str, value_type: ValueType, list: bool) -> Option<(&'static str, Vec<Value<'_>>)> {
    if value_type == ValueType::Text {
        let values = match list {
            true => value::split_texts(raw).map(Value::Plain).collect(),
            false => vec![Value::Plain(super::component::unescape_text(raw))],
        };
        return Some(("text", values));
    }
    if !list {
        let (kind, value) = one(raw, value_type)?;
        return Some((kind, vec![value]));
    }
    let mut kind = None;
    let mut values = Vec::new();
    for item in raw.split(',') {
        let (item_kind, value) = one(item, value_type)?;
        // One property has one type.
        if *kind.get_or_insert(item_kind) != item_kind {
            return None;
        }
        values.push(value);
    }
    Some((kind?, values))
}

/// One value that is no text. What a time says of itself wins over what was said of it.
fn one(raw: &str, value_type: ValueType) -> Option<(&'static str, Value<'_>)> {
    let raw = raw.trim();
    let time = || {
        let period = || iso::split_period(raw).map(|parts| ("period", Value::Parts(parts)));
        let date = iso::date(raw).map(|date| ("date", Value::plain(date)));
        date.or_else(|| iso::date_time(raw).map(|time| ("date-time", Value::plain(time))))
            .or_else(period)
    };
    match value_type {
        ValueType::Date | ValueType::DateTime | ValueType::Utc | ValueType::Period => time(),
        ValueType::Duration => match value::Duration::parse(raw) {
            Ok(_) => Some(("duration", Value::plain(raw))),
            // A trigger may be either without saying so.
            Err(_) => time().filter(|(kind, _)| *kind == "date-time"),
        },
        ValueType::Time => Some(("time", Value::plain(iso::time(raw)?))),
        ValueType::UtcOffset => Some(("utc-offset", Value::plain(iso::offset(raw)?))),
        ValueType::Boolean => match value::boolean(raw).ok()? {
            true => Some(("boolean", Value::plain("true"))),
            false => Some(("boolean", Value::plain("false"))),
        },
        ValueType::Integer => {
            let number = raw.parse::<i64>().ok()?;
            Some(("integer", Value::plain(number.to_string())))
        }
        ValueType::Float => Some(("float", Value::plain(iso::number(raw)?))),
        ValueType::Geo => {
            let (latitude, longitude) = raw.split_once(';')?;
            let parts = [latitude, longitude].map(|part| iso::number(part.trim()));
            let [Some(latitude), Some(longitude)] = parts else {
                return None;
            };
            let parts = vec![latitude.into(), longitude.into()];
            Some(("float", Value::Parts(parts)))
        }
        ValueType::RequestStatus => {
            let parts: Vec<_> = value::split_structured(raw).collect();
            // Data that is not escaped would come back escaped.
            ((2..=3).contains(&parts.len())).then_some(("text", Value::Parts(parts)))
        }
        ValueType::Recur => Some(("recur", Value::Rule(rule_parts(raw)?))),
        ValueType::Binary => Some(("binary", Value::plain(raw))),
        ValueType::Uri => Some(("uri", Value::plain(raw))),
        ValueType::CalAddress => Some(("cal-address", Value::plain(raw))),
        ValueType::Text => None,
    }
}

/// The parts of a rule, as the rule prints itself.
fn rule_parts(raw: &str) -> Option<Vec<(String, Vec<String>)>> {
    let printed = Rule::parse(raw).ok()?.to_string();
    let part = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let name = name.to_ascii_lowercase();
        let values = match name.as_str() {
            "until" => vec![iso::date(value).or_else(|| iso::date_time(value))?],
            _ => value.split(',').map(str::to_owned).collect(),
        };
        Some((name, values))
    };
    printed.split(';').map(part).collect()
}

/// Puts a property together. Names and the type may be in any letter case.
///
/// Errors: [`TypedError`]; the text of times, numbers and the like is looked at only as far as its form goes.
pub fn property(
    name: &str,
    params: &[Param<'_>],
    kind: &str,
    values: &[Value<'_>],
) -> Result<Property, TypedError> {
    let kind = kind.to_ascii_lowercase();
    let raw = raw_values(&kind, values)?;
    let name = name.to_ascii_uppercase();
    let mut line = String::with_capacity(name.len() + raw.len() + 32);
    line.push_str(&name);
    for (param, values) in params {
        let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if param.is_empty() || !param.bytes().all(sound) {
            return Err(LineError::Parameter.into());
        }
        line.push(';');
        line.push_str(&param.to_ascii_uppercase());
        for (at, value) in values.iter().enumerate() {
            line.push(if at == 0 { '=' } else { ',' });
            push_param_value(&mut line, value);
        }
    }
    let says = |wanted: &str| {
        params
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let usual = names::property(&name).map(|row| row.default.name());
    let implied = match usual {
        Some(usual) => usual.eq_ignore_ascii_case(&kind),
        None => false,
    };
    if kind != UNKNOWN && !implied && !says("VALUE") {
        line.push_str(";VALUE=");
        line.push_str(&kind.to_ascii_uppercase());
    }
    if kind == "binary" && !says("ENCODING") {
        line.push_str(";ENCODING=BASE64");
    }
    line.push(':');
    line.push_str(&raw);
    let property = Property::from_line(line)?;
    // Nothing may end the name early: what is read must be what was put together.
    if property.name() != name || property.value() != raw {
        return Err(LineError::Name.into());
    }
    Ok(property)
}

/// The values as iCalendar writes them, commas between.
fn raw_values(kind: &str, values: &[Value<'_>]) -> Result<String, TypedError> {
    let mut out = String::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let raw = raw_value(kind, value).ok_or_else(|| TypedError::Value(kind.to_owned()))?;
        out.push_str(&raw);
    }
    match values.is_empty() {
        true => Err(TypedError::Missing),
        false => Ok(out),
    }
}

fn raw_value<'a>(kind: &str, value: &'a Value<'_>) -> Option<Cow<'a, str>> {
    let owned = |text: Option<String>| text.map(Cow::Owned);
    match (kind, value) {
        ("text", Value::Plain(text)) => Some(escape_text(text)),
        ("text", Value::Parts(parts)) => {
            let parts: Vec<_> = parts.iter().map(|part| escape_text(part)).collect();
            Some(Cow::Owned(parts.join(";")))
        }
        ("date", Value::Plain(text)) => owned(iso::basic_date(text.trim())),
        ("date-time", Value::Plain(text)) => owned(iso::basic_date_time(text.trim())),
        ("time", Value::Plain(text)) => owned(iso::basic_time(text.trim())),
        ("utc-offset", Value::Plain(text)) => owned(iso::basic_offset(text.trim())),
        ("period", Value::Parts(parts)) => match parts.as_slice() {
            [start, end] => owned(iso::basic_period(start.trim(), end.trim())),
            _ => None,
        },
        // So it stands in an example of RFC 7265.
        ("period", Value::Plain(text)) => {
            let (start, end) = text.split_once('/')?;
            owned(iso::basic_period(start.trim(), end.trim()))
        }
        ("recur", Value::Rule(parts)) => owned(raw_rule(parts)),
        ("boolean", Value::Plain(text)) => value::boolean(text.trim())
            .ok()
            .map(|value| Cow::Borrowed(if value { "TRUE" } else { "FALSE" })),
        ("integer", Value::Plain(text)) => {
            let text = text.trim();
            text.parse::<i64>().is_ok().then_some(Cow::Borrowed(text))
        }
        ("float", Value::Plain(text)) => {
            let text = text.trim();
            value::float(text).is_ok().then_some(Cow::Borrowed(text))
        }
        ("float", Value::Parts(parts)) => {
            let parts: Vec<_> = parts.iter().map(|part| part.trim()).collect();
            let sound = parts.iter().all(|part| value::float(part).is_ok());
            sound.then(|| Cow::Owned(parts.join(";")))
        }
        ("binary" | "uri" | "cal-address" | "duration", Value::Plain(text)) => {
            Some(Cow::Borrowed(text.trim()))
        }
        (
            "text" | "date" | "date-time" | "time" | "utc-offset" | "period" | "recur" | "boolean"
            | "integer" | "float" | "binary" | "uri" | "cal-address" | "duration",
            _,
        ) => None,
        (_, Value::Plain(text)) => Some(Cow::Borrowed(text)),
        _ => None,
    }
}

fn raw_rule(parts: &[(String, Vec<String>)]) -> Option<String> {
    let mut out = String::new();
    for (name, values) in parts {
        let name = name.to_ascii_uppercase();
        let bare = |text: &str| !text.is_empty() && !text.contains([';', ',']);
        if !bare(&name) || name.contains('=') || values.is_empty() {
            return None;
        }
        if !out.is_empty() {
            out.push(';');
        }
        out.push_str(&name);
        for (at, value) in values.iter().enumerate() {
            let value = match name.as_str() {
                "UNTIL" => iso::basic_date(value).or_else(|| iso::basic_date_time(value))?,
                _ => value.clone(),
            };
            if !bare(&value) {
                return None;
            }
            out.push(if at == 0 { '=' } else { ',' });
            out.push_str(&value);
        }
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests;
