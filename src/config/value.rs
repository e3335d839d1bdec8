//! What a configuration value may be and how it is written: booleans, numbers, texts, lists, times, sizes.
//!
//! A value comes typed from a TOML file and as bare text from the environment or a flag; each type reads both and
//! prints itself as TOML. Which keys there are is `table`'s matter.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::limits::Unit;

/// A value before it is understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// `true` or `false` in a file.
    Bool(bool),
    /// An integer in a file.
    Integer(i64),
    /// A string in a file; anything from the environment or a flag.
    Text(String),
    /// An array of strings in a file.
    List(Vec<String>),
    /// A value of a type that no key has; the text says which.
    Other(&'static str),
}

impl std::fmt::Display for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(text) => write!(f, "'{}'", text.escape_debug()),
            Self::List(items) => write!(f, "{items:?}"),
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

/// A type that a configuration key can have.
pub trait Value: Sized {
    /// Completes the sentence "KEY must be ...".
    const EXPECTED: &'static str;
    /// The value, or nothing when `raw` does not fit [`Value::EXPECTED`].
    fn read(raw: &Raw) -> Option<Self>;
    /// The value as TOML.
    fn show(&self) -> String;
}

/// `text` as a TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn text(raw: &Raw) -> Option<&str> {
    match raw {
        Raw::Text(text) => Some(text.trim()),
        _ => None,
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "true or false";
    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Bool(value) => Some(*value),
            raw => text(raw)?.parse().ok(),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    const EXPECTED: &'static str = "a whole number from 0 to 4294967295";
    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Integer(value) => Self::try_from(*value).ok(),
            raw => text(raw)?.parse().ok(),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    const EXPECTED: &'static str = "a text without control characters";
    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Text(text) if !text.contains(char::is_control) => Some(text.clone()),
            _ => None,
        }
    }
    fn show(&self) -> String {
        quoted(self)
    }
}

impl Value for PathBuf {
    const EXPECTED: &'static str = "a path";
    fn read(raw: &Raw) -> Option<Self> {
        String::read(raw)
            .filter(|path| !path.is_empty())
            .map(Self::from)
    }
    fn show(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

impl Value for SocketAddr {
    const EXPECTED: &'static str = "ADDRESS:PORT, like 127.0.0.1:8080 or [::1]:8080";
    fn read(raw: &Raw) -> Option<Self> {
        text(raw)?.parse().ok()
    }
    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for Vec<String> {
    const EXPECTED: &'static str =
        "a list of texts, like [\"a\", \"b\"] in a file and a,b elsewhere";
    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::List(items) => Some(items.clone()),
            // As it stands in a file, too.
            raw if text(raw)?.starts_with('[') => {
                let line = format!("list = {}", text(raw)?);
                let table: toml::Table = line.parse().ok()?;
                let only = table.len() == 1;
                let items = table.get("list")?.as_array()?.iter();
                let items = items.map(|item| item.as_str().map(str::to_owned));
                items.collect::<Option<_>>().filter(|_| only)
            }
            raw => Some(
                text(raw)?
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(str::to_owned)
                    .collect(),
            ),
        }
    }
    fn show(&self) -> String {
        let items: Vec<_> = self.iter().map(|item| quoted(item)).collect();
        format!("[{}]", items.join(", "))
    }
}

/// An empty text means none.
impl<T: Value> Value for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Text(text) if text.is_empty() => Some(None),
            raw => T::read(raw).map(Some),
        }
    }
    fn show(&self) -> String {
        self.as_ref().map_or_else(|| quoted(""), Value::show)
    }
}

impl Value for Duration {
    const EXPECTED: &'static str = "a time like 30s, 30m, 12h, 7d or 1y (365 days)";
    fn read(raw: &Raw) -> Option<Self> {
        seconds(text(raw)?).map(Self::from_secs)
    }
    fn show(&self) -> String {
        quoted(&show_seconds(self.as_secs()))
    }
}

const TIME_UNITS: &[(&str, u64)] = &[
    ("y", 365 * 86_400),
    ("w", 7 * 86_400),
    ("d", 86_400),
    ("h", 3_600),
    ("m", 60),
    ("s", 1),
];

const SIZE_UNITS: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// Reads `1h30m`: numbers with a unit each, added up. Nothing for anything else and beyond `u64`.
fn seconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, factor) = TIME_UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = after.trim_start();
    }
    Some(total)
}

/// Prints with the largest unit that needs no fraction; weeks are not used, they read badly.
fn show_seconds(seconds: u64) -> String {
    let unit = TIME_UNITS
        .iter()
        .find(|(name, factor)| *name != "w" && seconds != 0 && seconds.is_multiple_of(*factor));
    let (name, factor) = unit.copied().unwrap_or(("s", 1));
    format!("{}{name}", seconds / factor)
}

/// Reads `64 KiB` or a bare number of octets.
fn octets(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let factor = match unit {
        "" => 1,
        unit => {
            SIZE_UNITS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(unit))?
                .1
        }
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn show_octets(octets: u64) -> String {
    let unit = SIZE_UNITS
        .iter()
        .find(|(_, factor)| octets != 0 && octets.is_multiple_of(*factor));
    let (name, factor) = unit.copied().unwrap_or(("B", 1));
    format!("{} {name}", octets / factor)
}

/// Completes "KEY must be ..." for a limit.
pub fn limit_expected(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "a whole number",
        Unit::Bytes => "a size like 64 KiB or 10 MiB",
        Unit::Time => Duration::EXPECTED,
    }
}

/// Reads the number of a limit in its unit.
pub fn read_limit(unit: Unit, raw: &Raw) -> Option<u64> {
    match (unit, raw) {
        (Unit::Count | Unit::Bytes, Raw::Integer(value)) => u64::try_from(*value).ok(),
        (Unit::Count, raw) => text(raw)?.parse().ok(),
        (Unit::Bytes, raw) => octets(text(raw)?),
        (Unit::Time, raw) => seconds(text(raw)?),
    }
}

/// Prints the number of a limit as TOML.
pub fn show_limit(unit: Unit, value: u64) -> String {
    match unit {
        Unit::Count => value.to_string(),
        Unit::Bytes => quoted(&show_octets(value)),
        Unit::Time => quoted(&show_seconds(value)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("30m", 1_800),
            ("12h", 43_200),
            ("1y", 31_536_000),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("2 w", 1_209_600),
            ("0s", 0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "30",
            "m",
            "-1m",
            "1.5h",
            "3 months",
            "99999999999999999999s",
            "1y1",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("64 KiB", 65_536),
            ("64kib", 65_536),
            ("10MiB", 10 << 20),
            ("7", 7),
            ("7 B", 7),
        ] {
            assert_eq!(octets(text), Some(expected), "{text}");
        }
        for text in ["", "KiB", "1 KB", "-1", "18446744073709551615 GiB"] {
            assert_eq!(octets(text), None, "{text}");
        }
        assert_eq!(read_limit(Unit::Bytes, &Raw::Integer(-1)), None);
        assert_eq!(read_limit(Unit::Count, &raw("12")), Some(12));
        assert_eq!(read_limit(Unit::Time, &Raw::Integer(30)), None);
    }

    #[test]
    fn other_types() {
        assert_eq!(bool::read(&raw("true")), Some(true));
        assert_eq!(bool::read(&raw("yes")), None);
        assert_eq!(u32::read(&Raw::Integer(-1)), None);
        assert_eq!(String::read(&raw("a\nb")), None);
        assert_eq!(
            Vec::<String>::read(&raw("/wcap/, /")).unwrap(),
            ["/wcap/", "/"]
        );
        assert_eq!(
            Vec::<String>::read(&raw("['/wcap/', \"/\"]")).unwrap(),
            ["/wcap/", "/"]
        );
        for broken in ["[1]", "['a'", "['a']\nb = 1"] {
            assert_eq!(Vec::<String>::read(&raw(broken)), None, "{broken}");
        }
        assert_eq!(Option::<SocketAddr>::read(&raw("")), Some(None));
        assert_eq!(SocketAddr::read(&raw("localhost")), None);
        assert_eq!(Vec::from(["a\"b".to_owned()]).show(), "['a\"b']");
    }

    proptest! {
        #[test]
        fn printed_numbers_read_back(value in any::<u32>(), zeros in 0..4_u32) {
            let value = u64::from(value) * 60_u64.pow(zeros);
            prop_assert_eq!(seconds(&show_seconds(value)), Some(value));
            prop_assert_eq!(octets(&show_octets(value)), Some(value));
        }
    }
}
