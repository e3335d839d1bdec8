//! Times with the dashes and colons of ISO 8601's extended form, and back to iCalendar's basic form. Only where the
//! digits stand is looked at, so that a 31st of June is what it is in either form.

use crate::ical::value::Duration;

/// Whether `text` is like `pattern`, in which `0` stands for a digit.
fn is_like(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text
            .bytes()
            .zip(pattern.bytes())
            .all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
}

/// `20260105` as `2026-01-05`.
pub(super) fn date(raw: &str) -> Option<String> {
    is_like(raw, "00000000").then(|| format!("{}-{}-{}", &raw[..4], &raw[4..6], &raw[6..]))
}

/// `090000` or `090000Z` as `09:00:00`.
pub(super) fn time(raw: &str) -> Option<String> {
    (is_like(raw, "000000") || is_like(raw, "000000Z"))
        .then(|| format!("{}:{}:{}", &raw[..2], &raw[2..4], &raw[4..]))
}

/// `20260105T090000Z` as `2026-01-05T09:00:00Z`.
pub(super) fn date_time(raw: &str) -> Option<String> {
    let (day, clock) = raw.split_once('T')?;
    Some(format!("{}T{}", date(day)?, time(clock)?))
}

/// Start and end, or start and length, of a period.
pub(super) fn split_period(raw: &str) -> Option<Vec<std::borrow::Cow<'static, str>>> {
    let (start, end) = raw.split_once('/')?;
    let start = date_time(start)?;
    let end = match date_time(end) {
        Some(end) => end,
        None => Duration::parse(end).ok().map(|_| end.to_owned())?,
    };
    Some(vec![start.into(), end.into()])
}

/// `+0100` as `+01:00`, with seconds where there are some.
pub(super) fn offset(raw: &str) -> Option<String> {
    let digits = raw.strip_prefix(['+', '-'])?;
    let sign = &raw[..1];
    match digits.len() {
        4 if is_like(digits, "0000") => Some(format!("{sign}{}:{}", &digits[..2], &digits[2..])),
        6 => Some(format!("{sign}{}", time(digits)?)),
        _ => None,
    }
}

/// A decimal number as JSON may write it: no plus, a digit before and after the point.
pub(super) fn number(raw: &str) -> Option<String> {
    let (sign, digits) = match raw.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", raw.strip_prefix('+').unwrap_or(raw)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let sound = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !sound(whole) || !sound(part) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    Some(match part {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    })
}

/// `2026-01-05` as `20260105`.
pub(super) fn basic_date(text: &str) -> Option<String> {
    is_like(text, "0000-00-00").then(|| text.replace('-', ""))
}

/// `09:00:00` as `090000`.
pub(super) fn basic_time(text: &str) -> Option<String> {
    (is_like(text, "00:00:00") || is_like(text, "00:00:00Z")).then(|| text.replace(':', ""))
}

/// `2026-01-05T09:00:00Z` as `20260105T090000Z`.
pub(super) fn basic_date_time(text: &str) -> Option<String> {
    let (day, clock) = text.split_once('T')?;
    Some(format!("{}T{}", basic_date(day)?, basic_time(clock)?))
}

/// `+01:00` as `+0100`.
pub(super) fn basic_offset(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['+', '-'])?;
    (is_like(digits, "00:00") || is_like(digits, "00:00:00")).then(|| text.replace(':', ""))
}

/// A period with `/` between its parts.
pub(super) fn basic_period(start: &str, end: &str) -> Option<String> {
    let start = basic_date_time(start)?;
    let end = match basic_date_time(end) {
        Some(end) => end,
        None => Duration::parse(end).ok().map(|_| end.to_owned())?,
    };
    Some(format!("{start}/{end}"))
}
