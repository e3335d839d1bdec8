//! JSON (RFC 8259): a writer of streams that builds no tree, and a reader that takes a text apart piece by piece.
//! Strings are escaped and tokens read by `serde_json`.
//!
//! Of the writer the caller says what opens and closes; commas and escapes are taken care of here.

mod read;

pub use read::{JsonError, JsonErrorKind, Piece};

/// Any JSON value, for tests that read what was written.
#[cfg(test)]
pub(crate) use serde_json::Value as AnyJson;

/// A JSON text being written.
#[derive(Debug, Default)]
pub struct JsonWriter {
    out: Vec<u8>,
    /// Whether the next value or key of the innermost object or array needs a comma before it.
    comma: bool,
}

impl JsonWriter {
    /// An empty text with room for `capacity` octets.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            out: Vec::with_capacity(capacity),
            comma: false,
        }
    }

    fn separate(&mut self) {
        if std::mem::replace(&mut self.comma, true) {
            self.out.push(b',');
        }
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.comma = true;
    }

    /// `{`
    pub fn open_object(&mut self) {
        self.open(b'{');
    }

    /// `}`
    pub fn close_object(&mut self) {
        self.close(b'}');
    }

    /// `[`
    pub fn open_array(&mut self) {
        self.open(b'[');
    }

    /// `]`
    pub fn close_array(&mut self) {
        self.close(b']');
    }

    /// A key of an object; its value comes next.
    pub fn key(&mut self, key: &str) {
        self.string(key);
        self.out.push(b':');
        self.comma = false;
    }

    /// A string value.
    pub fn string(&mut self, text: &str) {
        self.separate();
        // Writing a string into memory has no way to fail; if it had, an empty string keeps the text whole.
        let start = self.out.len();
        if serde_json::to_writer(&mut self.out, text).is_err() {
            self.out.truncate(start);
            self.out.extend_from_slice(b"\"\"");
        }
    }

    /// A value that stands without quotes: a number or `true`, `false`, `null`. Anything else becomes a string.
    pub fn literal(&mut self, text: &str) {
        match serde_json::from_str::<&serde_json::value::RawValue>(text) {
            Ok(_) if !text.starts_with(['"', '[', '{']) && text.trim() == text => {
                self.separate();
                self.out.extend_from_slice(text.as_bytes());
            }
            _ => self.string(text),
        }
    }

    /// A key and its string value.
    pub fn member(&mut self, key: &str, text: &str) {
        self.key(key);
        self.string(text);
    }

    /// The text.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commas_stand_between() {
        let mut json = JsonWriter::default();
        json.open_object();
        json.member("a", "x\"\n\u{1}\u{e4}");
        json.key("b");
        json.open_array();
        json.string("1");
        json.open_object();
        json.close_object();
        json.string("2");
        json.close_array();
        json.key("c");
        json.open_array();
        json.close_array();
        json.close_object();
        assert_eq!(
            String::from_utf8(json.finish()).unwrap(),
            "{\"a\":\"x\\\"\\n\\u0001\u{e4}\",\"b\":[\"1\",{},\"2\"],\"c\":[]}"
        );
    }

    #[test]
    fn literals_are_json() {
        let mut json = JsonWriter::default();
        json.open_array();
        for text in ["1", "-37.50", "true", "01", "1,2", " 1", "\"a\"", "[]"] {
            json.literal(text);
        }
        json.close_array();
        assert_eq!(
            String::from_utf8(json.finish()).unwrap(),
            r#"[1,-37.50,true,"01","1,2"," 1","\"a\"","[]"]"#
        );
    }

    proptest! {
        #[test]
        fn strings_come_back(text in any::<String>()) {
            let mut json = JsonWriter::default();
            json.string(&text);
            let back: String = serde_json::from_slice(&json.finish()).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
