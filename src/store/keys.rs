//! Keys made of parts, so that the order of the bytes is the order of the parts, first part first.
//!
//! Numbers are big endian; a signed one has its sign bit flipped. A text or byte string is followed by a mark that
//! sorts below every byte inside, so that `a` stands before `ab` whatever follows: each NUL inside becomes
//! `00 FF`, the mark is `00 00`. Parts carry no types: a key is read back by who knows its layout
//! ([`Space`](super::Space)).

use std::borrow::Cow;
use std::ops::Deref;

use super::engine::KeyRange;
use crate::ical::datetime::Timestamp;

const NUL: u8 = 0x00;
const NUL_INSIDE: [u8; 2] = [NUL, 0xff];
const END: [u8; 2] = [NUL, NUL];

/// A key, or the first parts of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// A key without parts.
    pub fn new() -> Self {
        Self(Vec::with_capacity(48))
    }

    /// Adds a byte.
    #[must_use]
    pub fn u8(mut self, part: u8) -> Self {
        self.0.push(part);
        self
    }

    /// Adds a number of 4 bytes.
    #[must_use]
    pub fn u32(mut self, part: u32) -> Self {
        self.0.extend_from_slice(&part.to_be_bytes());
        self
    }

    /// Adds a number of 8 bytes.
    #[must_use]
    pub fn u64(mut self, part: u64) -> Self {
        self.0.extend_from_slice(&part.to_be_bytes());
        self
    }

    /// Adds a signed number of 8 bytes.
    #[must_use]
    pub fn i64(self, part: i64) -> Self {
        self.u64(part.cast_unsigned() ^ (1 << 63))
    }

    /// Adds an instant.
    #[must_use]
    pub fn time(self, part: Timestamp) -> Self {
        self.i64(part.0)
    }

    /// Adds a text and its mark.
    #[must_use]
    pub fn text(self, part: &str) -> Self {
        self.bytes(part.as_bytes())
    }

    /// Adds a byte string and its mark.
    #[must_use]
    pub fn bytes(self, part: &[u8]) -> Self {
        let mut key = self.starting(part);
        key.0.extend_from_slice(&END);
        key
    }

    /// Adds the beginning of a text or byte string, without a mark: for the range of all that start so.
    #[must_use]
    pub fn starting(mut self, part: &[u8]) -> Self {
        if !part.contains(&NUL) {
            self.0.extend_from_slice(part);
            return self;
        }
        for &byte in part {
            match byte {
                NUL => self.0.extend_from_slice(&NUL_INSIDE),
                byte => self.0.push(byte),
            }
        }
        self
    }

    /// Adds bytes as they are: of a fixed length, or as the last part.
    #[must_use]
    pub fn raw(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(part);
        self
    }

    /// All keys that start with these parts.
    pub fn range(&self) -> KeyRange {
        KeyRange::prefix(self.0.as_slice())
    }

    /// From this key up to, without, `to`.
    pub fn range_to(self, to: Self) -> KeyRange {
        KeyRange::between(self.0, to.0)
    }
}

impl Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Key> for Vec<u8> {
    fn from(key: Key) -> Self {
        key.0
    }
}

/// What a key was expected to hold at some place and did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} in the key after {after} bytes")]
pub struct KeyError {
    expected: &'static str,
    after: usize,
}

/// Takes the parts off a key, in the order they were added.
#[derive(Debug, Clone)]
pub struct KeyParts<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> KeyParts<'a> {
    /// The parts of `key`.
    pub fn of(key: &'a [u8]) -> Self {
        Self {
            rest: key,
            length: key.len(),
        }
    }

    fn error(&self, expected: &'static str) -> KeyError {
        KeyError {
            expected,
            after: self.length - self.rest.len(),
        }
    }

    fn take<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], KeyError> {
        let (part, rest) = self.rest.split_first_chunk().ok_or(self.error(expected))?;
        self.rest = rest;
        Ok(*part)
    }

    /// Takes a byte.
    pub fn u8(&mut self) -> Result<u8, KeyError> {
        self.take("a byte").map(u8::from_be_bytes)
    }

    /// Takes a number of 4 bytes.
    pub fn u32(&mut self) -> Result<u32, KeyError> {
        self.take("a number of 4 bytes").map(u32::from_be_bytes)
    }

    /// Takes a number of 8 bytes.
    pub fn u64(&mut self) -> Result<u64, KeyError> {
        self.take("a number of 8 bytes").map(u64::from_be_bytes)
    }

    /// Takes a signed number of 8 bytes.
    pub fn i64(&mut self) -> Result<i64, KeyError> {
        self.u64().map(|part| (part ^ (1 << 63)).cast_signed())
    }

    /// Takes an instant.
    pub fn time(&mut self) -> Result<Timestamp, KeyError> {
        self.i64().map(Timestamp)
    }

    /// Takes a text and its mark; copies it only if it holds a NUL.
    pub fn text(&mut self) -> Result<Cow<'a, str>, KeyError> {
        let error = self.error("a text in UTF-8");
        match self.bytes()? {
            Cow::Borrowed(part) => std::str::from_utf8(part)
                .map(Cow::Borrowed)
                .map_err(|_| error),
            Cow::Owned(part) => String::from_utf8(part).map(Cow::Owned).map_err(|_| error),
        }
    }

    /// Takes a byte string and its mark; copies it only if it holds a NUL.
    pub fn bytes(&mut self) -> Result<Cow<'a, [u8]>, KeyError> {
        let error = self.error("bytes with their end marked");
        let mut part: Cow<'a, [u8]> = Cow::Borrowed(&[]);
        let mut rest = self.rest;
        loop {
            let nul = rest.iter().position(|&byte| byte == NUL).ok_or(error)?;
            let (run, mark) = rest.split_at(nul);
            if part.is_empty() {
                part = Cow::Borrowed(run);
            } else {
                part.to_mut().extend_from_slice(run);
            }
            let (mark, after) = mark.split_first_chunk::<2>().ok_or(error)?;
            rest = after;
            match *mark {
                END => break,
                NUL_INSIDE => part.to_mut().push(NUL),
                _ => return Err(error),
            }
        }
        self.rest = rest;
        Ok(part)
    }

    /// All that is left, as it is.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Makes sure that nothing is left.
    pub fn end(self) -> Result<(), KeyError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.error("nothing more"))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Parts = (u8, Vec<u8>, i64, String, u64, u32);

    fn key((a, b, c, d, e, f): &Parts) -> Key {
        Key::new().u8(*a).bytes(b).i64(*c).text(d).u64(*e).u32(*f)
    }

    /// Few different values, so that keys share their first parts and differ late.
    fn parts() -> impl Strategy<Value = Parts> {
        (
            0..2u8,
            prop::collection::vec(prop::sample::select(vec![0u8, 1, 0x61, 0xff]), 0..4),
            prop_oneof![
                Just(i64::MIN),
                Just(-1),
                Just(0),
                Just(1),
                Just(i64::MAX),
                any::<i64>()
            ],
            "[\\x00a\u{e9}]{0,3}",
            prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
            any::<u32>(),
        )
    }

    proptest! {
        #[test]
        fn bytes_sort_as_values_do(a in parts(), b in parts()) {
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
        }

        #[test]
        fn what_is_built_is_taken_apart(a in parts()) {
            let key = key(&a);
            let mut parts = KeyParts::of(&key);
            let taken = (
                parts.u8().unwrap(),
                parts.bytes().unwrap().into_owned(),
                parts.i64().unwrap(),
                parts.text().unwrap().into_owned(),
                parts.u64().unwrap(),
                parts.u32().unwrap(),
            );
            prop_assert_eq!(parts.end(), Ok(()));
            prop_assert_eq!(taken, a);
        }

        #[test]
        fn a_prefix_range_holds_just_what_starts_so(a in parts(), b in parts(), n in 0..6usize) {
            let first = |(p, q, r, s, t, _): &Parts| match n {
                0 => Key::new(),
                1 => Key::new().u8(*p),
                2 => Key::new().u8(*p).bytes(q),
                3 => Key::new().u8(*p).bytes(q).i64(*r),
                4 => Key::new().u8(*p).bytes(q).i64(*r).text(s),
                _ => Key::new().u8(*p).bytes(q).i64(*r).text(s).u64(*t),
            };
            prop_assert_eq!(first(&a).range().contains(&key(&b)), first(&a) == first(&b));
        }

        #[test]
        fn no_bytes_are_taken_apart_wrongly(bytes in prop::collection::vec(0..3u8, 0..9)) {
            let mut parts = KeyParts::of(&bytes);
            if let Ok(taken) = parts.bytes() {
                prop_assert_eq!(&*Key::new().bytes(&taken).raw(parts.rest()), &bytes[..]);
            }
        }
    }

    #[test]
    fn the_beginning_of_a_text_finds_all_that_start_so() {
        let range = Key::new().u8(1).starting(b"te").range();
        assert!(range.contains(&Key::new().u8(1).text("team").u8(0)));
        assert!(!range.contains(&Key::new().u8(1).text("t").u8(0)));
    }

    #[test]
    fn errors_say_what_and_where() {
        let key = Key::new().u8(1).u32(5);
        let mut parts = KeyParts::of(&key);
        parts.u8().unwrap();
        let message = parts.u64().unwrap_err().to_string();
        assert_eq!(
            message,
            "expected a number of 8 bytes in the key after 1 bytes"
        );
    }
}
