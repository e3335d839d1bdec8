//! Bytes to unfolded lines (RFC 5545 section 3.1).
//!
//! Unfolding works on bytes: a fold may stand inside a character, so UTF-8 is looked at afterwards.

use std::str;

use memchr::memchr2;

/// One unfolded line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Well-formed text, never empty.
    Text(&'a str),
    /// Something that is no UTF-8.
    Bytes(&'a [u8]),
    /// Nothing.
    Blank,
    /// Continuation lines with no line before them.
    Continuation,
    /// More than the bytes allowed.
    TooLong,
}

/// The unfolded lines of an input.
pub(super) struct Lines<'a> {
    input: &'a [u8],
    /// The input as text, when all of it is: then a line without folds needs no further look.
    text: Option<&'a str>,
    at: usize,
    /// Number of the next physical line.
    number: u32,
    longest: usize,
    unfolded: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Lines of `input`, each of at most `longest` bytes. A byte order mark at the start is skipped.
    pub(super) fn new(input: &'a [u8], longest: usize) -> Self {
        let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
        Self {
            input,
            text: str::from_utf8(input).ok(),
            at: 0,
            number: 1,
            longest,
            unfolded: Vec::new(),
        }
    }

    /// The next line and the number of the physical line it starts in.
    ///
    /// No `Iterator`: the line may live in the buffer that the next call reuses.
    pub(super) fn next(&mut self) -> Option<(u32, Content<'_>)> {
        if self.at >= self.input.len() {
            return None;
        }
        let number = self.number;
        let continues_nothing = self.at_fold();
        let (start, end) = self.physical();
        if start == end {
            return Some((number, Content::Blank));
        }
        if !self.at_fold() && !continues_nothing {
            return Some((number, self.whole(start, end)));
        }
        let fits = self.unfold(start, end);
        let content = if continues_nothing {
            Content::Continuation
        } else if !fits {
            Content::TooLong
        } else {
            match str::from_utf8(&self.unfolded) {
                Ok(text) => Content::Text(text),
                Err(_) => Content::Bytes(&self.unfolded),
            }
        };
        Some((number, content))
    }

    /// Whether a continuation line comes next.
    fn at_fold(&self) -> bool {
        matches!(self.input.get(self.at), Some(b' ' | b'\t'))
    }

    /// Goes past one physical line; where its content is.
    fn physical(&mut self) -> (usize, usize) {
        let start = self.at;
        let rest = &self.input[start..];
        let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        // CR CR LF comes from text-mode copies of CR LF and is one break, not two.
        let line_break = match &rest[length..] {
            [b'\r', b'\r', b'\n', ..] => 3,
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        self.at = start + length + line_break;
        self.number = self.number.saturating_add(1);
        (start, start + length)
    }

    /// A line that was not folded.
    fn whole(&self, start: usize, end: usize) -> Content<'a> {
        if end - start > self.longest {
            return Content::TooLong;
        }
        // The bytes at both ends are ASCII or the ends of the input, so the slice is never refused.
        match self.text.and_then(|text| text.get(start..end)) {
            Some(text) => Content::Text(text),
            None => match str::from_utf8(&self.input[start..end]) {
                Ok(text) => Content::Text(text),
                Err(_) => Content::Bytes(&self.input[start..end]),
            },
        }
    }

    /// Puts a line and its continuations together; says whether it stayed within the bytes allowed.
    fn unfold(&mut self, start: usize, end: usize) -> bool {
        self.unfolded.clear();
        let mut fits = self.append(start, end);
        while self.at_fold() {
            let (start, end) = self.physical();
            fits = fits && self.append(start + 1, end);
        }
        fits
    }

    fn append(&mut self, start: usize, end: usize) -> bool {
        let fits = self.unfolded.len() + (end - start) <= self.longest;
        if fits {
            self.unfolded.extend_from_slice(&self.input[start..end]);
        }
        fits
    }
}
