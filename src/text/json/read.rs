//! A JSON text taken apart level by level, so that every piece knows its line and nothing is kept of what nobody
//! looks at. Numbers keep the digits they were written with.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Why a text, or a piece of it, is not what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct JsonError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong.
    pub kind: JsonErrorKind,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// The octets are no UTF-8.
    #[error("expected a document in UTF-8")]
    Encoding,
    /// The rules of JSON are broken; the text says which.
    #[error("{0}")]
    Malformed(String),
    /// Arrays and objects too deep.
    #[error("expected at most {0} arrays and objects inside one another")]
    Depth(usize),
    /// Another kind of value stands there.
    #[error("expected {0}")]
    Expected(&'static str),
}

/// A value of a JSON text, not looked into yet.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    document: &'a str,
    text: &'a str,
}

impl<'a> Piece<'a> {
    /// The one value of a document. All of it is checked to be JSON, with at most `depth` arrays and objects inside
    /// one another: each level costs another look at what is in it.
    pub fn of(document: &'a [u8], depth: usize) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(document).map_err(|e| JsonError {
            line: breaks(&document[..e.valid_up_to()]),
            kind: JsonErrorKind::Encoding,
        })?;
        let document = text.strip_prefix('\u{feff}').unwrap_or(text);
        let whole = Self {
            document,
            text: document,
        };
        if let Some(at) = too_deep(document.as_bytes(), depth) {
            return Err(JsonError {
                line: breaks(&document.as_bytes()[..at]),
                kind: JsonErrorKind::Depth(depth),
            });
        }
        let raw: &RawValue = whole.parse()?;
        Ok(whole.inner(raw))
    }

    fn inner(self, raw: &'a RawValue) -> Self {
        Self {
            document: self.document,
            text: raw.get(),
        }
    }

    fn parse<T: Deserialize<'a>>(self) -> Result<T, JsonError> {
        serde_json::from_str(self.text).map_err(|error| {
            let above = u32::try_from(error.line()).unwrap_or(1).saturating_sub(1);
            // The line in the text is that of the piece.
            let text = error.to_string();
            let text = text.split(" at line ").next().unwrap_or_default();
            JsonError {
                line: self.line().saturating_add(above),
                kind: JsonErrorKind::Malformed(text.to_owned()),
            }
        })
    }

    /// Where the piece begins in the document, in octets.
    fn start(self) -> usize {
        let start = self.text.as_ptr().addr();
        start.saturating_sub(self.document.as_ptr().addr())
    }

    /// The line the piece begins in, counted from 1. Takes as long as the document before it.
    pub fn line(self) -> u32 {
        breaks(
            self.document
                .as_bytes()
                .get(..self.start())
                .unwrap_or_default(),
        )
    }

    /// The line the piece begins in, when `known` is an earlier piece of the same document and its line.
    pub fn line_after(self, known: (Self, u32)) -> u32 {
        let (from, line) = (known.0.start(), known.1);
        let between = self.document.as_bytes().get(from..self.start());
        match between {
            Some(between) => line.saturating_add(breaks(between) - 1),
            None => self.line(),
        }
    }

    /// The error that something else was expected here.
    pub fn expected(self, what: &'static str) -> JsonError {
        JsonError {
            line: self.line(),
            kind: JsonErrorKind::Expected(what),
        }
    }

    /// Whether it is an array.
    pub fn is_array(self) -> bool {
        self.text.starts_with('[')
    }

    /// The items of an array.
    pub fn items(self) -> Result<Vec<Self>, JsonError> {
        if !self.is_array() {
            return Err(self.expected("an array"));
        }
        let items: Vec<&RawValue> = self.parse()?;
        Ok(items.into_iter().map(|raw| self.inner(raw)).collect())
    }

    /// The members of an object, in order; a name may stand twice.
    pub fn members(self) -> Result<Vec<(String, Self)>, JsonError> {
        if !self.is_object() {
            return Err(self.expected("an object"));
        }
        let Members(members) = self.parse()?;
        let members = members.into_iter();
        Ok(members.map(|(name, raw)| (name, self.inner(raw))).collect())
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.text.starts_with('{')
    }

    /// A string.
    pub fn string(self) -> Result<Cow<'a, str>, JsonError> {
        if !self.text.starts_with('"') {
            return Err(self.expected("a string"));
        }
        // Without escapes it is there already.
        match self.text.get(1..self.text.len().saturating_sub(1)) {
            Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
            _ => Ok(Cow::Owned(self.parse()?)),
        }
    }

    /// A string, or a number or truth value as it is written.
    pub fn scalar(self) -> Result<Cow<'a, str>, JsonError> {
        match self.text.as_bytes().first() {
            Some(b'"') => self.string(),
            Some(b'[' | b'{' | b'n') | None => {
                Err(self.expected("a string, a number or a truth value"))
            }
            Some(_) => Ok(Cow::Borrowed(self.text)),
        }
    }
}

/// Where the first bracket stands that is too deep.
fn too_deep(text: &[u8], most: usize) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    text.iter().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > most
    })
}

/// The line after as many breaks as there are.
fn breaks(before: &[u8]) -> u32 {
    let breaks = before.iter().filter(|&&b| b == b'\n').count();
    u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(1)
}

/// An object's members, doubles included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn pieces_know_their_lines() {
        let text = b"\xef\xbb\xbf\n[\"a\\n\",\n 1.50, {\"x\":\n[true]}\n, null]";
        let whole = Piece::of(text, 9).unwrap();
        assert_eq!(whole.line(), 2);
        let items = whole.items().unwrap();
        assert_eq!(items[0].string().unwrap(), "a\n");
        assert_eq!(items[1].scalar().unwrap(), "1.50");
        assert_eq!(items[1].line(), 3);
        let members = items[2].members().unwrap();
        assert_eq!(members[0].0, "x");
        assert_eq!(members[0].1.line(), 4);
        assert_eq!(members[0].1.line_after((items[1], 3)), 4);
        assert_eq!(members[0].1.items().unwrap()[0].scalar().unwrap(), "true");
        assert_eq!(items[3].line(), 5);
        assert!(items[3].scalar().is_err() && items[3].string().is_err());
        let error = items[1].items().unwrap_err();
        assert_eq!(error.to_string(), "line 3: expected an array");
    }

    #[test]
    fn what_is_no_json_is_told_with_its_line() {
        for (text, line) in [
            (&b"[1,\n2"[..], 2),
            (b"[1]\n[2]", 2),
            (b"[\"\n\"]", 1),
            (b"[\n\xff]", 2),
            (b"", 1),
        ] {
            let error = Piece::of(text, 9).unwrap_err();
            assert_eq!(error.line, line, "{error}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let error = Piece::of(deep.as_bytes(), 9).unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::Depth(9));
        // Brackets in strings are none.
        let flat = br#"[[["[[[\"[[[\\", "{{{"]]]"#;
        assert!(Piece::of(flat, 3).is_ok() && Piece::of(flat, 2).is_err());
    }
}
