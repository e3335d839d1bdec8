//! Parameters of a request as they were written: names, values not yet decoded, their order and repeats.
//!
//! A list is cut before it is decoded, so that an encoded separator can stand inside an item; a library that
//! hands out decoded values loses that difference, and lenient ones also hide broken escapes. What a value
//! means (dates, rules, attendees) is the business of whoever asks. Notation: URL standard,
//! `application/x-www-form-urlencoded`; decoding is strict.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Why a value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A `%` without two hexadecimal digits.
    #[error("expected two hexadecimal digits after '%'")]
    Escape,
    /// The decoded octets are no text.
    #[error("expected UTF-8 text")]
    Utf8,
    /// More parameters than allowed.
    #[error("expected at most {limit} parameters")]
    TooMany {
        /// The bound, in parameters.
        limit: usize,
    },
    /// A value longer than allowed.
    #[error("expected values of at most {limit} octets")]
    TooLong {
        /// The bound, in octets of the decoded value.
        limit: usize,
    },
}

/// How a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// Percent-encoded, `+` for a space: query strings and urlencoded bodies.
    Encoded,
    /// As it is: parts of a multipart body.
    Literal,
}

/// A value as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    text: &'a str,
    notation: Notation,
}

/// Where an encoded `;` separates although only a raw one should.
#[derive(Debug, Clone, Copy)]
pub enum Encoded {
    /// Nowhere.
    Keeps,
    /// Everywhere, if the value has no raw separator at all.
    Separates,
    /// If the value has no raw separator: where the predicate holds for the decoded text before it, back to
    /// the last separator or `^`. It is asked at every candidate and must not cost more than a glance.
    SeparatesAfter(fn(&str) -> bool),
}

/// How a list is cut.
#[derive(Debug, Clone, Copy)]
pub struct ListRule {
    /// Separators inside `"..."` (or `%22...%22`) do not count, and the quotes are taken off.
    pub quoted: bool,
    /// `,` separates like `;`.
    pub comma: bool,
    /// What an encoded separator does.
    pub encoded: Encoded,
}

impl ListRule {
    /// Cut at the raw `;` and nowhere else.
    pub const RAW: Self = Self {
        quoted: false,
        comma: false,
        encoded: Encoded::Keeps,
    };
}

impl<'a> Raw<'a> {
    /// A value written as `text` in `notation`.
    pub fn new(text: &'a str, notation: Notation) -> Self {
        Self { text, notation }
    }

    /// The value as written.
    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// How it was written.
    pub fn notation(self) -> Notation {
        self.notation
    }

    /// Whether nothing stands there.
    pub fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// The whole value as text.
    pub fn decode(self) -> Result<Cow<'a, str>, FormError> {
        match self.notation {
            Notation::Encoded => decode(self.text),
            Notation::Literal => Ok(Cow::Borrowed(self.text)),
        }
    }

    /// The items of a list, decoded, in order. An empty value has none; empty items between separators count.
    pub fn items(self, rule: ListRule) -> Result<Vec<Cow<'a, str>>, FormError> {
        if self.text.is_empty() {
            return Ok(Vec::new());
        }
        let pieces = self.cut(rule);
        if pieces.len() == 1
            && self.notation == Notation::Encoded
            && let Some(items) = cut_decoded(&self.decode()?, rule)
        {
            return Ok(items.into_iter().map(Cow::Owned).collect());
        }
        pieces
            .into_iter()
            .map(|piece| {
                let item = Raw::new(piece, self.notation).decode()?;
                Ok(if rule.quoted { unquote(item) } else { item })
            })
            .collect()
    }

    /// The pieces between raw separators, not decoded.
    fn cut(self, rule: ListRule) -> Vec<&'a str> {
        let mut pieces = Vec::new();
        let mut quoted = false;
        let mut from = 0;
        for (at, byte) in self.text.bytes().enumerate() {
            match byte {
                b'"' => quoted ^= rule.quoted,
                b'%' if self.notation == Notation::Encoded
                    && self.text[at..].starts_with("%22") =>
                {
                    quoted ^= rule.quoted;
                }
                b';' if !quoted => {
                    pieces.push(&self.text[from..at]);
                    from = at + 1;
                }
                b',' if !quoted && rule.comma => {
                    pieces.push(&self.text[from..at]);
                    from = at + 1;
                }
                _ => {}
            }
        }
        pieces.push(&self.text[from..]);
        pieces
    }

    /// Length of the decoded value in octets.
    fn decoded_len(self) -> usize {
        match self.notation {
            Notation::Encoded => {
                let escapes = self.text.bytes().filter(|&b| b == b'%').count();
                self.text.len().saturating_sub(2 * escapes)
            }
            Notation::Literal => self.text.len(),
        }
    }
}

/// Cuts a value whose separators were all encoded; `None` where they belong to the one item.
fn cut_decoded(text: &str, rule: ListRule) -> Option<Vec<String>> {
    let separates = |field: &str| match rule.encoded {
        Encoded::Keeps => false,
        Encoded::Separates => true,
        Encoded::SeparatesAfter(ends) => ends(field),
    };
    let mut items = Vec::new();
    let mut quoted = false;
    let (mut from, mut field) = (0, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted ^= rule.quoted,
            b'^' => field = at + 1,
            b';' if !quoted && separates(&text[field..at]) => {
                items.push(text[from..at].to_owned());
                (from, field) = (at + 1, at + 1);
            }
            _ => {}
        }
    }
    if items.is_empty() {
        return None;
    }
    items.push(text[from..].to_owned());
    if rule.quoted {
        items = items
            .into_iter()
            .map(|item| unquote(Cow::Owned(item)).into_owned())
            .collect();
    }
    Some(items)
}

/// `item` without one pair of quotes around it.
fn unquote(item: Cow<'_, str>) -> Cow<'_, str> {
    let inner = |text: &str| text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
    match item {
        Cow::Borrowed(text) if inner(text) => Cow::Borrowed(&text[1..text.len() - 1]),
        Cow::Owned(text) if inner(&text) => Cow::Owned(text[1..text.len() - 1].to_owned()),
        other => other,
    }
}

/// Percent-encoded text: `+` is a space, every `%` has its two digits, the octets are UTF-8.
pub fn decode(encoded: &str) -> Result<Cow<'_, str>, FormError> {
    let bytes = encoded.as_bytes();
    if !bytes.iter().any(|&b| b == b'%' || b == b'+') {
        return Ok(Cow::Borrowed(encoded));
    }
    for (at, _) in bytes.iter().enumerate().filter(|(_, b)| **b == b'%') {
        let digits = bytes.get(at + 1..at + 3).ok_or(FormError::Escape)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(FormError::Escape);
        }
    }
    let spaced: Cow<'_, str> = if bytes.contains(&b'+') {
        Cow::Owned(encoded.replace('+', " "))
    } else {
        Cow::Borrowed(encoded)
    };
    let text = percent_decode_str(&spaced)
        .decode_utf8()
        .map_err(|_| FormError::Utf8)?;
    Ok(Cow::Owned(text.into_owned()))
}

/// Everything but the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` percent-encoded so that it stands for itself anywhere in a URL; [`decode`] undoes it.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// One parameter: where it stands in the text of its [`Form`].
#[derive(Debug, Clone)]
struct Pair {
    /// Decoded.
    name: Box<str>,
    value: std::ops::Range<usize>,
    notation: Notation,
}

/// The parameters of one request, in the order they were added. Values are kept as written.
#[derive(Debug, Clone, Default)]
pub struct Form {
    text: String,
    pairs: Vec<Pair>,
}

/// The bounds of a [`Form`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormLimits {
    /// Parameters, repeats counted.
    pub parameters: usize,
    /// Octets of one decoded value.
    pub value_length: usize,
}

impl Form {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the pairs of a query string or urlencoded body. A pair without `=` has an empty value; empty
    /// pairs (`&&`) do not count.
    ///
    /// Errors: a name that cannot be decoded, the bounds. A pair at fault is left out and the others are still
    /// added, so that the answer can have the form the client asked for; of several errors the first is told.
    /// Values are not decoded here.
    pub fn add_encoded(&mut self, query: &str, limits: FormLimits) -> Result<(), FormError> {
        let base = self.text.len();
        self.text.push_str(query);
        let mut first = Ok(());
        let mut from = 0;
        while from < query.len() {
            let end = query[from..].find('&').map_or(query.len(), |n| from + n);
            if from < end {
                let name_end = query[from..end].find('=').map_or(end, |n| from + n);
                let value = (name_end + 1).min(end);
                let added = decode(&query[from..name_end]).and_then(|name| {
                    self.add(&name, base + value..base + end, Notation::Encoded, limits)
                });
                first = first.and(added);
                if matches!(added, Err(FormError::TooMany { .. })) {
                    break;
                }
            }
            from = end + 1;
        }
        first
    }

    /// Adds one pair as it is, as from a part of a multipart body.
    pub fn add_literal(
        &mut self,
        name: &str,
        value: &str,
        limits: FormLimits,
    ) -> Result<(), FormError> {
        let start = self.text.len();
        self.text.push_str(value);
        self.add(name, start..self.text.len(), Notation::Literal, limits)
    }

    fn add(
        &mut self,
        name: &str,
        value: std::ops::Range<usize>,
        notation: Notation,
        limits: FormLimits,
    ) -> Result<(), FormError> {
        if self.pairs.len() >= limits.parameters {
            return Err(FormError::TooMany {
                limit: limits.parameters,
            });
        }
        if Raw::new(&self.text[value.clone()], notation).decoded_len() > limits.value_length {
            return Err(FormError::TooLong {
                limit: limits.value_length,
            });
        }
        self.pairs.push(Pair {
            name: name.into(),
            value,
            notation,
        });
        Ok(())
    }

    /// All pairs, in order.
    pub fn pairs(&self) -> impl DoubleEndedIterator<Item = (&str, Raw<'_>)> {
        self.pairs.iter().map(|pair| {
            let value = &self.text[pair.value.clone()];
            (&*pair.name, Raw::new(value, pair.notation))
        })
    }

    /// The last value called `name`: of repeats the last one counts.
    pub fn last(&self, name: &str) -> Option<Raw<'_>> {
        self.last_of(|n| n == name)
    }

    /// The last value whose name `is` wanted.
    pub fn last_of(&self, is: impl Fn(&str) -> bool) -> Option<Raw<'_>> {
        self.pairs().rfind(|(n, _)| is(n)).map(|(_, value)| value)
    }

    /// Every value called `name`, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Raw<'a>> {
        self.pairs()
            .filter(move |(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    /// Decodes every value once, so that a broken one is found before anything is done.
    pub fn check(&self) -> Result<(), FormError> {
        self.pairs()
            .try_for_each(|(_, value)| value.decode().map(drop))
    }
}

/// The fields of one list item: cut at `^`, in order.
pub fn fields(item: &str) -> impl DoubleEndedIterator<Item = &str> {
    item.split('^')
}

#[cfg(test)]
mod tests;
