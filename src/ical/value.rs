//! Typed values of properties, and properties of typed values (RFC 5545 section 3.3).
//!
//! Each function reads one value type from a [`Property`] when asked; nothing is kept. Which property has which
//! type is `names`' table, whether a component is sound is `check`'s question.

mod duration;
mod period;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jiff::civil;

use super::component::{Property, escape_text, unescape_text};
use super::datetime::{DateTime, Timestamp};

pub use duration::Duration;
pub use period::Period;

/// Why a value is not of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not 8 digits, or no such day.
    #[error("expected a date written YYYYMMDD")]
    Date,
    /// Neither a date nor a date with a time, or no such time.
    #[error("expected a date or a time written YYYYMMDDTHHMMSS, with Z for UTC")]
    DateTime,
    /// A local time where only UTC may stand.
    #[error("expected a time in UTC written YYYYMMDDTHHMMSSZ")]
    Utc,
    /// Not a duration.
    #[error("expected a duration such as P1D or -PT15M")]
    Duration,
    /// Not two times, or not a time and a length forward.
    #[error("expected a period written start/end or start/duration")]
    Period,
    /// Not an offset from UTC.
    #[error("expected an offset from UTC such as +0100")]
    Offset,
    /// Neither TRUE nor FALSE.
    #[error("expected TRUE or FALSE")]
    Boolean,
    /// Not a whole number of 32 bits.
    #[error("expected a whole number")]
    Integer,
    /// Not a decimal number.
    #[error("expected a decimal number")]
    Float,
    /// Not latitude and longitude.
    #[error("expected a latitude and a longitude in degrees, written 37.38;-122.08")]
    Geo,
    /// Not an address.
    #[error("expected an address such as mailto:user@example.com")]
    Uri,
    /// Not a status code with a text.
    #[error("expected a status such as 2.0;Success")]
    RequestStatus,
    /// A number is out of bounds.
    #[error("expected a value within ten thousand years")]
    Range,
}

/// The two digits at `at`, as a number.
fn two(text: &[u8], at: usize) -> Option<i8> {
    match text.get(at..at + 2)? {
        &[tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(((tens - b'0') * 10 + (ones - b'0')) as i8)
        }
        _ => None,
    }
}

/// The day written in the first 8 bytes.
fn day(text: &[u8]) -> Option<civil::Date> {
    let year = i16::from(two(text, 0)?) * 100 + i16::from(two(text, 2)?);
    civil::Date::new(year, two(text, 4)?, two(text, 6)?).ok()
}

/// Reads a DATE value, `YYYYMMDD` (section 3.3.4).
pub fn parse_date(text: &str) -> Result<civil::Date, ValueError> {
    match text.len() {
        8 => day(text.as_bytes()).ok_or(ValueError::Date),
        _ => Err(ValueError::Date),
    }
}

/// Reads a DATE or DATE-TIME value; its form says which it is (sections 3.3.4, 3.3.5).
///
/// `tzid` is the property's TZID parameter: it makes a local time zoned, is ignored for a date and for UTC, as
/// section 3.2.19 wants, and counts as none when blank. Second 60 is read as 59.
/// Errors: [`ValueError::DateTime`].
pub fn parse_date_time(text: &str, tzid: Option<&str>) -> Result<DateTime, ValueError> {
    let bytes = text.as_bytes();
    let date = day(bytes).ok_or(ValueError::DateTime)?;
    let utc = match bytes.get(8..) {
        Some([]) => return Ok(DateTime::Date(date)),
        Some([b'T' | b't', _, _, _, _, _, _]) => false,
        Some([b'T' | b't', _, _, _, _, _, _, b'Z' | b'z']) => true,
        _ => return Err(ValueError::DateTime),
    };
    let local = two(bytes, 9)
        .zip(two(bytes, 11))
        .zip(two(bytes, 13))
        .and_then(|((hour, minute), second)| {
            let second = if second == 60 { 59 } else { second };
            civil::Time::new(hour, minute, second, 0).ok()
        })
        .map(|time| date.to_datetime(time))
        .ok_or(ValueError::DateTime)?;
    Ok(match tzid {
        _ if utc => DateTime::Utc(Timestamp::from_civil_utc(local)),
        Some(tzid) if !tzid.trim().is_empty() => DateTime::Zoned(local, tzid.into()),
        _ => DateTime::Floating(local),
    })
}

/// The value of DTSTART, DTEND, DUE, RECURRENCE-ID and their like.
///
/// The form of the value decides between date and time, not the VALUE parameter: many files have a date without
/// `VALUE=DATE`. Errors: [`ValueError::DateTime`].
pub fn date_time(property: &Property) -> Result<DateTime, ValueError> {
    parse_date_time(property.value(), property.param("TZID").as_deref())
}

/// The values of EXDATE and of RDATE without periods, in order; empty items are skipped.
pub fn date_times(property: &Property) -> Result<Vec<DateTime>, ValueError> {
    let tzid = property.param("TZID");
    items(property.value())
        .map(|item| parse_date_time(item, tzid.as_deref()))
        .collect()
}

/// The value of DTSTAMP, CREATED, LAST-MODIFIED, COMPLETED.
///
/// Errors: [`ValueError::Utc`] for a local time, [`ValueError::DateTime`].
pub fn utc(property: &Property) -> Result<Timestamp, ValueError> {
    match parse_date_time(property.value(), None)? {
        DateTime::Utc(instant) => Ok(instant),
        _ => Err(ValueError::Utc),
    }
}

/// One value of RDATE (section 3.8.5.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecurrenceDate {
    /// A start; the length is the component's own.
    Start(DateTime),
    /// A start with a length of its own.
    Period(Period),
}

/// The values of RDATE, in order; empty items are skipped. A value with `/` is a period.
pub fn recurrence_dates(property: &Property) -> Result<Vec<RecurrenceDate>, ValueError> {
    let tzid = property.param("TZID");
    let tzid = tzid.as_deref();
    items(property.value())
        .map(|item| match item.contains('/') {
            true => Period::parse(item, tzid).map(RecurrenceDate::Period),
            false => parse_date_time(item, tzid).map(RecurrenceDate::Start),
        })
        .collect()
}

/// The value of DURATION.
pub fn duration(property: &Property) -> Result<Duration, ValueError> {
    Duration::parse(property.value())
}

/// A value that is one period.
pub fn period(property: &Property) -> Result<Period, ValueError> {
    Period::parse(property.value(), property.param("TZID").as_deref())
}

/// The values of FREEBUSY, in order; empty items are skipped.
pub fn periods(property: &Property) -> Result<Vec<Period>, ValueError> {
    let tzid = property.param("TZID");
    items(property.value())
        .map(|item| Period::parse(item, tzid.as_deref()))
        .collect()
}

/// The items of a list whose type has no escapes.
fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').filter(|item| !item.is_empty())
}

/// Reads a UTC-OFFSET, `+HHMM` or `+HHMMSS`, in seconds east of Greenwich (section 3.3.14).
///
/// `-0000` is read as 0. Errors: [`ValueError::Offset`].
pub fn parse_offset(text: &str) -> Result<i32, ValueError> {
    let (sign, digits) = match text.as_bytes() {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return Err(ValueError::Offset),
    };
    let seconds = match digits.len() {
        4 => Some(0),
        6 => two(digits, 4),
        _ => None,
    };
    match (two(digits, 0), two(digits, 2), seconds) {
        (Some(hours @ 0..24), Some(minutes @ 0..60), Some(seconds @ 0..60)) => {
            Ok(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60 + i32::from(seconds)))
        }
        _ => Err(ValueError::Offset),
    }
}

/// The value of TZOFFSETFROM and TZOFFSETTO, in seconds east of Greenwich.
pub fn offset(property: &Property) -> Result<i32, ValueError> {
    parse_offset(property.value())
}

/// Prints an offset of less than a day as `+HHMM`, with seconds only where there are some.
pub fn offset_text(seconds_east: i32) -> String {
    let sign = if seconds_east < 0 { '-' } else { '+' };
    let total = seconds_east.unsigned_abs();
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    match seconds {
        0 => format!("{sign}{hours:02}{minutes:02}"),
        _ => format!("{sign}{hours:02}{minutes:02}{seconds:02}"),
    }
}

/// A BOOLEAN: TRUE or FALSE in any letter case (section 3.3.2).
pub fn boolean(text: &str) -> Result<bool, ValueError> {
    if text.eq_ignore_ascii_case("TRUE") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("FALSE") {
        Ok(false)
    } else {
        Err(ValueError::Boolean)
    }
}

/// An INTEGER of 32 bits (section 3.3.8).
pub fn integer(text: &str) -> Result<i32, ValueError> {
    text.parse().map_err(|_| ValueError::Integer)
}

/// A FLOAT: digits with at most one point, no exponent (section 3.3.7).
pub fn float(text: &str) -> Result<f64, ValueError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    // Rust takes "1." and ".5" too; programs that cut zeros write them.
    match text.parse() {
        Ok(number) if plain => Ok(number),
        _ => Err(ValueError::Float),
    }
}

/// The value of GEO: latitude and longitude in degrees (section 3.8.1.6).
///
/// A comma between the two and an escaped semicolon are taken too; real files have them.
pub fn geo(property: &Property) -> Result<(f64, f64), ValueError> {
    let (latitude, longitude) = property
        .value()
        .split_once("\\;")
        .or_else(|| property.value().split_once([';', ',']))
        .ok_or(ValueError::Geo)?;
    let latitude = float(latitude.trim()).map_err(|_| ValueError::Geo)?;
    let longitude = float(longitude.trim()).map_err(|_| ValueError::Geo)?;
    if latitude.abs() <= 90.0 && longitude.abs() <= 180.0 {
        Ok((latitude, longitude))
    } else {
        Err(ValueError::Geo)
    }
}

/// A CAL-ADDRESS or URI: a scheme, `:` and something after it, without blanks (sections 3.3.3, 3.3.13).
pub fn uri(property: &Property) -> Result<&str, ValueError> {
    let value = property.value();
    let (scheme, rest) = value.split_once(':').ok_or(ValueError::Uri)?;
    let sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && !rest.contains([' ', '\t']);
    if sound {
        Ok(value)
    } else {
        Err(ValueError::Uri)
    }
}

/// The mail address in a `mailto:` address, as written; none for another scheme.
pub fn mail_address(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_at_checked(7)?;
    (scheme.eq_ignore_ascii_case("mailto:") && !rest.is_empty()).then_some(rest)
}

/// Whether two calendar addresses are the same text, mail addresses without letter case.
pub fn same_address(a: &str, b: &str) -> bool {
    match (mail_address(a), mail_address(b)) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => a == b,
    }
}

/// Splits a raw value at each `separator` that no backslash escapes.
fn split_escaped(value: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut escaped = false;
        let end = text.bytes().position(|byte| {
            let found = byte == separator && !escaped;
            escaped = byte == b'\\' && !escaped;
            found
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// The texts of CATEGORIES or RESOURCES: cut at unescaped commas, escapes undone (section 3.8.1.2).
pub fn texts(property: &Property) -> impl Iterator<Item = Cow<'_, str>> {
    split_texts(property.value())
}

/// The items of a list of TEXT, escapes undone.
pub fn split_texts(raw: &str) -> impl Iterator<Item = Cow<'_, str>> {
    split_escaped(raw, b',').map(unescape_text)
}

/// The parts of a structured value, cut at unescaped semicolons, escapes undone.
pub fn split_structured(raw: &str) -> impl Iterator<Item = Cow<'_, str>> {
    split_escaped(raw, b';').map(unescape_text)
}

/// The value of REQUEST-STATUS (section 3.8.8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestStatus<'a> {
    /// The hierarchical code, such as `2.0` or `3.1.4`.
    pub code: &'a str,
    /// What it says, for people.
    pub description: Cow<'a, str>,
    /// The data it is about, such as the property that was refused.
    pub data: Option<Cow<'a, str>>,
}

/// The value of REQUEST-STATUS; further `;` belong to the data, which many programs do not escape.
pub fn request_status(property: &Property) -> Result<RequestStatus<'_>, ValueError> {
    let value = property.value();
    let mut parts = split_escaped(value, b';');
    let code = parts.next().unwrap_or_default();
    let numbers = code.split('.').count();
    let digits = code
        .split('.')
        .all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let description = parts.next();
    match description {
        Some(description) if digits && (2..=3).contains(&numbers) => {
            let data = value.get(code.len() + description.len() + 2..);
            Ok(RequestStatus {
                code,
                description: unescape_text(description),
                data: data.map(unescape_text),
            })
        }
        _ => Err(ValueError::RequestStatus),
    }
}

/// What a relative alarm counts from (section 3.2.14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Related {
    /// The start of the component.
    Start,
    /// Its end, or when it is due.
    End,
}

/// The value of TRIGGER (section 3.8.6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// Before (negative) or after the start or end.
    Relative(Duration, Related),
    /// At an instant.
    Absolute(Timestamp),
}

/// The value of TRIGGER; its form decides between a duration and a time.
///
/// An unknown RELATED counts as START, the default. Errors: [`ValueError::Duration`],
/// [`ValueError::DateTime`], [`ValueError::Utc`] for a local time.
pub fn trigger(property: &Property) -> Result<Trigger, ValueError> {
    let value = property.value();
    if value.starts_with(|c: char| c.is_ascii_digit()) {
        return utc(property).map(Trigger::Absolute);
    }
    let related = match property.param("RELATED") {
        Some(related) if related.eq_ignore_ascii_case("END") => Related::End,
        _ => Related::Start,
    };
    Duration::parse(value).map(|length| Trigger::Relative(length, related))
}

/// A property that holds `value`, with the VALUE or TZID parameter it needs.
pub fn date_time_property(name: &str, value: &DateTime) -> Property {
    with_form(Property::new(name, value.to_string()), value)
}

fn with_form(property: Property, value: &DateTime) -> Property {
    match value {
        DateTime::Date(_) => property.with_param("VALUE", "DATE"),
        DateTime::Zoned(_, tzid) => property.with_param("TZID", tzid),
        DateTime::Floating(_) | DateTime::Utc(_) => property,
    }
}

/// Whether two values can stand in one property: same type, same zone.
fn same_form(a: &DateTime, b: &DateTime) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b) && a.tzid() == b.tzid()
}

/// Properties that hold `values` in order: one for each run of values of like type and zone.
pub fn date_time_properties(name: &str, values: &[DateTime]) -> Vec<Property> {
    values
        .chunk_by(same_form)
        .map(|run| with_form(Property::new(name, joined(run)), &run[0]))
        .collect()
}

/// Properties that hold `values` of RDATE in order: one for each run of values of like type and zone.
pub fn recurrence_date_properties(name: &str, values: &[RecurrenceDate]) -> Vec<Property> {
    let form = |value: &RecurrenceDate| match value {
        RecurrenceDate::Start(start) => (start.clone(), false),
        RecurrenceDate::Period(period) => (period.start().clone(), true),
    };
    values
        .chunk_by(|a, b| {
            let ((a, a_period), (b, b_period)) = (form(a), form(b));
            a_period == b_period && same_form(&a, &b)
        })
        .map(|run| {
            let text = joined(run.iter().map(|value| match value {
                RecurrenceDate::Start(start) => start.to_string(),
                RecurrenceDate::Period(period) => period.to_string(),
            }));
            let (start, is_period) = form(&run[0]);
            let property = Property::new(name, text);
            with_form(
                match is_period {
                    true => property.with_param("VALUE", "PERIOD"),
                    false => property,
                },
                &start,
            )
        })
        .collect()
}

/// A property with the periods, such as FREEBUSY; periods of zoned times take the zone of the first.
pub fn periods_property(name: &str, periods: &[Period]) -> Property {
    let property = Property::new(name, joined(periods));
    match periods.first().and_then(|p| p.start().tzid()) {
        Some(tzid) => property.with_param("TZID", tzid),
        None => property,
    }
}

/// A TRIGGER property.
pub fn trigger_property(trigger: Trigger) -> Property {
    match trigger {
        Trigger::Relative(length, Related::Start) => Property::new("TRIGGER", length.to_string()),
        Trigger::Relative(length, Related::End) => {
            Property::new("TRIGGER", length.to_string()).with_param("RELATED", "END")
        }
        Trigger::Absolute(instant) => {
            Property::new("TRIGGER", instant.to_string()).with_param("VALUE", "DATE-TIME")
        }
    }
}

/// A property with a list of texts, each escaped.
pub fn texts_property<T: AsRef<str>>(name: &str, texts: &[T]) -> Property {
    Property::new(
        name,
        joined(texts.iter().map(|text| escape_text(text.as_ref()))),
    )
}

/// A REQUEST-STATUS property.
pub fn request_status_property(code: &str, description: &str, data: Option<&str>) -> Property {
    let mut value = format!("{code};{}", escape_text(description));
    if let Some(data) = data {
        value.push(';');
        value.push_str(&escape_text(data));
    }
    Property::new("REQUEST-STATUS", value)
}

/// The items with commas between them.
fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let mut out = String::new();
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&item.to_string());
    }
    out
}
