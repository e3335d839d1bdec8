//! Attachments that are stored here: their ids, and the lines of items that name them.
//!
//! An item names an attachment by one line of a fixed beginning, `ATTACH;X-S1CS-ATTACH-ID=` and 32 hexadecimal
//! digits, short enough that no folding cuts it. Any other ATTACH is an address or data like any other. What is told
//! to clients instead of the line's value is the doors' work. Source: the store and fetch commands of the Calendar
//! Server 6.3 WCAP guide.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ical::component::{Param, Property};

/// The parameter that names a stored attachment.
pub const ID_PARAM: &str = "X-S1CS-ATTACH-ID";
/// The parameter with the id that a client gave.
pub const CLIENT_ID_PARAM: &str = "X-S1CS-CLIENT-ATTACH-ID";
/// The parameter with the file's name.
pub const NAME_PARAM: &str = "X-S1CS-FILENAME";
/// The parameter with the number of octets.
pub const SIZE_PARAM: &str = "X-S1CS-FILESIZE";

/// How every line that names an attachment begins.
const MARK: &str = "ATTACH;X-S1CS-ATTACH-ID=";
/// Digits of an id.
const DIGITS: usize = 32;

/// The id of an attachment. It follows from the octets and a secret of the store, so equal octets have equal ids and
/// nobody can tell the id of octets that were not shown to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttachmentId(pub [u8; 16]);

impl AttachmentId {
    /// Reads 32 hexadecimal digits, small letters only.
    pub fn parse(text: &str) -> Option<Self> {
        let small = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != DIGITS || !text.bytes().all(small) {
            return None;
        }
        let number = u128::from_str_radix(text, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }

    /// The attachment that a line names.
    pub fn of(property: &Property) -> Option<Self> {
        Self::at_start(property.as_line())
    }

    fn at_start(line: &str) -> Option<Self> {
        let rest = line.strip_prefix(MARK)?;
        let id = Self::parse(rest.get(..DIGITS)?)?;
        matches!(rest.as_bytes().get(DIGITS), Some(b';' | b':')).then_some(id)
    }

    /// The attachments that an object's text names.
    pub fn named_in(text: &str) -> BTreeSet<Self> {
        let lines = text
            .match_indices(MARK)
            .filter(|(at, _)| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'));
        lines
            .filter_map(|(at, _)| Self::at_start(text.get(at..)?))
            .collect()
    }

    /// The line that names the attachment, with the parameters in `params` as they are written.
    pub fn line<'a>(self, params: impl Iterator<Item = Param<'a>>) -> Option<Property> {
        let mut line = format!("{MARK}{self}");
        for param in params.filter(|param| !param.is(ID_PARAM)) {
            line.push(';');
            line.push_str(param.as_str());
        }
        // Any URI will do; this is how messages name their own parts (RFC 2392).
        line.push_str(&format!(":cid:{self}"));
        Property::from_line(line).ok()
    }
}

impl fmt::Display for AttachmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::ical::component::Component;
    use crate::ical::print;

    const ID: &str = "000102030405060708090a0b0c0d0eff";

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = AttachmentId::parse(ID).unwrap();
        assert_eq!(id.0[15], 0xff);
        assert_eq!(id.to_string(), ID);
        for wrong in [
            "",
            &ID[1..],
            &ID.to_uppercase(),
            &format!("{ID}0"),
            "+0102030405060708090a0b0c0d0eff0",
        ] {
            assert_eq!(AttachmentId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lines_survive_folding() {
        let id = AttachmentId::parse(ID).unwrap();
        let source = format!(
            "ATTACH;FMTTYPE=text/plain;X-S1CS-FILENAME=\"{}\":x",
            "a;".repeat(60)
        );
        let source = Property::from_line(source).unwrap();
        let line = id.line(source.params()).unwrap();
        assert_eq!(AttachmentId::of(&line), Some(id));
        assert_eq!(line.value(), format!("cid:{ID}"));
        assert_eq!(line.params().count(), 3);
        let twice = id.line(line.params()).unwrap();
        assert_eq!(twice, line);
        let text = print::to_string(&Component::new("VEVENT").with(line));
        assert_eq!(AttachmentId::named_in(&text), [id].into());
    }

    #[test]
    fn other_lines_name_nothing() {
        for line in [
            format!("attach;X-S1CS-ATTACH-ID={ID}:x"),
            format!("ATTACH;A=b;X-S1CS-ATTACH-ID={ID}:x"),
            format!("ATTACH;X-S1CS-ATTACH-ID={ID}0:x"),
            format!("ATTACH;X-S1CS-ATTACH-ID=\"{ID}\":x"),
            format!("COMMENT:ATTACH;X-S1CS-ATTACH-ID={ID}:x"),
        ] {
            let property = Property::from_line(line.as_str()).unwrap();
            assert_eq!(AttachmentId::of(&property), None, "{line}");
            assert!(
                AttachmentId::named_in(&format!("{line}\r\n")).is_empty(),
                "{line}"
            );
        }
    }
}
