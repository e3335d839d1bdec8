//! Writing JSON (RFC 8259) as a stream: no tree is built, strings are escaped by `serde_json`.
//!
//! The caller says what opens and closes; commas and escapes are taken care of here.

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
