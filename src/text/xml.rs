//! XML 1.0, the little that calendar dialects need: a writer that cannot write what is no XML, and a strict
//! reader into a small tree.
//!
//! No DOCTYPE, no entities but the predefined five and character references, no name spaces resolved. The
//! tokens come from `quick_xml`, which by itself checks neither depth nor the end of the document.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::errors::{Error as QuickError, IllFormedError};
use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Whether XML 1.0 section 2.2 allows the character.
pub fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether `name` is a name that needs no name space and no table: ASCII, a letter or `_` first, then also
/// digits, `-`, `.` and `_`.
pub fn is_name(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// An XML document being written.
///
/// Names that are no names are the caller's mistake: nothing is written for them but a name of `_`, so that
/// the document stays well-formed. Characters XML 1.0 cannot hold are dropped.
#[derive(Debug, Default)]
pub struct XmlWriter {
    out: String,
}

impl XmlWriter {
    /// An empty document with room for `capacity` octets.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            out: String::with_capacity(capacity),
        }
    }

    /// `<?xml version="1.0" encoding="UTF-8"?>` and a line break.
    pub fn declaration(&mut self) {
        self.out
            .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    }

    fn name(&mut self, name: &str) {
        self.out.push_str(if is_name(name) { name } else { "_" });
    }

    /// `<name`; attributes may follow, then [`end_open`](Self::end_open) or [`end_empty`](Self::end_empty).
    pub fn start_open(&mut self, name: &str) {
        self.out.push('<');
        self.name(name);
    }

    /// ` name="value"`
    pub fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.name(name);
        self.out.push_str("=\"");
        push_attribute(&mut self.out, value);
        self.out.push('"');
    }

    /// `>`
    pub fn end_open(&mut self) {
        self.out.push('>');
    }

    /// `/>`
    pub fn end_empty(&mut self) {
        self.out.push_str("/>");
    }

    /// `<name>`
    pub fn open(&mut self, name: &str) {
        self.start_open(name);
        self.end_open();
    }

    /// `</name>`
    pub fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.name(name);
        self.out.push('>');
    }

    /// Character data. Line feeds stay as they are, carriage returns become references.
    pub fn text(&mut self, text: &str) {
        push_text(&mut self.out, text);
    }

    /// A line break between elements.
    pub fn line_break(&mut self) {
        self.out.push('\n');
    }

    /// The document.
    pub fn finish(self) -> String {
        self.out
    }
}

/// `text` without the characters XML 1.0 cannot hold.
fn only_chars(text: &str) -> Cow<'_, str> {
    // U+FFFE and U+FFFF start with octet EF; other characters of that octet just take the slow way.
    let suspect = |b: u8| (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')) || b == 0xEF;
    if text.bytes().any(suspect) && !text.chars().all(is_char) {
        Cow::Owned(text.chars().filter(|&c| is_char(c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn push_text(out: &mut String, text: &str) {
    out.push_str(&partial_escape(only_chars(text)));
}

/// As text, and quotes and white space as references, so that no normalization touches them (section 3.3.3).
fn push_attribute(out: &mut String, value: &str) {
    let value = partial_escape(only_chars(value));
    if !value.bytes().any(|b| matches!(b, b'"' | b'\t' | b'\n')) {
        out.push_str(&value);
        return;
    }
    for c in value.chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            c => out.push(c),
        }
    }
}

/// The bounds of [`read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlLimits {
    /// Elements inside elements, the root counted.
    pub depth: usize,
    /// Elements and attributes of the document.
    pub nodes: usize,
}

/// Why a text is no document for us, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct XmlError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong.
    pub kind: XmlErrorKind,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlErrorKind {
    /// The octets are no UTF-8, or the declaration names another encoding.
    #[error("expected a document in UTF-8")]
    Encoding,
    /// The rules of XML are broken; the text says which.
    #[error("{0}")]
    Malformed(String),
    /// A document type declaration.
    #[error("expected no DOCTYPE")]
    Doctype,
    /// A reference other than the predefined five and characters.
    #[error("expected one of the five predefined entities, found '&{0};'")]
    Entity(String),
    /// A character XML 1.0 does not allow.
    #[error("expected characters that XML 1.0 allows")]
    Char,
    /// An element that is not closed when the document ends.
    #[error("expected </{0}> before the end of the document")]
    Unclosed(String),
    /// No root element, or more than one.
    #[error("expected exactly one root element")]
    Root,
    /// Character data outside the root element.
    #[error("expected no text outside the root element")]
    Outside,
    /// Elements too deep.
    #[error("expected at most {0} elements inside one another")]
    Depth(usize),
    /// Too many elements and attributes.
    #[error("expected at most {0} elements and attributes")]
    Nodes(usize),
}

/// An element and all that is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// The name as written, prefix included.
    pub name: String,
    /// Names and values, in order; a name stands once.
    pub attributes: Vec<(String, String)>,
    /// Child elements, in order.
    pub children: Vec<Element>,
    /// The character data directly inside, joined.
    pub text: String,
    /// The line of the start tag, counted from 1.
    pub line: u32,
}

impl Element {
    /// The value of the attribute called `name`; letter case counts.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads a document and answers its root element.
pub fn read(document: &[u8], limits: XmlLimits) -> Result<Element, XmlError> {
    let text = std::str::from_utf8(document).map_err(|e| XmlError {
        line: line_at(document, e.valid_up_to(), 1),
        kind: XmlErrorKind::Encoding,
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Builder {
        source: text.as_bytes(),
        limits,
        nodes: 0,
        seen: 0,
        line: 1,
        open: Vec::new(),
        root: None,
    }
    .read(text)
}

/// The line of the octet at `to`, when `line` is that of the first.
fn line_at(source: &[u8], to: usize, line: u32) -> u32 {
    let breaks = source[..to.min(source.len())]
        .iter()
        .filter(|&&b| b == b'\n')
        .count();
    line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX))
}

struct Builder<'a> {
    source: &'a [u8],
    limits: XmlLimits,
    nodes: usize,
    /// The octet up to which `line` was counted.
    seen: usize,
    line: u32,
    open: Vec<Element>,
    root: Option<Element>,
}

impl Builder<'_> {
    fn read(mut self, text: &str) -> Result<Element, XmlError> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        loop {
            let event = reader.read_event();
            let start = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let event = event.map_err(|e| {
                self.advance(start);
                self.error(malformed(e))
            })?;
            if matches!(event, Event::Eof) {
                return self.finish();
            }
            self.take(event)?;
            self.advance(start);
        }
    }

    fn advance(&mut self, to: usize) {
        let to = to.min(self.source.len());
        if to > self.seen {
            self.line = line_at(&self.source[self.seen..], to - self.seen, self.line);
            self.seen = to;
        }
    }

    fn error(&self, kind: XmlErrorKind) -> XmlError {
        XmlError {
            line: self.line,
            kind,
        }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), XmlError> {
        match event {
            Event::Start(tag) => {
                let element = self.element(&tag)?;
                self.open.push(element);
                Ok(())
            }
            Event::Empty(tag) => {
                let element = self.element(&tag)?;
                self.close(element)
            }
            Event::End(_) => match self.open.pop() {
                Some(element) => self.close(element),
                None => Err(self.error(XmlErrorKind::Root)),
            },
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let name: &str = &reference;
                let text = match name {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "apos" => '\'',
                    "quot" => '"',
                    name => match reference.resolve_char_ref() {
                        Ok(Some(c)) => c,
                        Ok(None) => return Err(self.error(XmlErrorKind::Entity(name.to_owned()))),
                        Err(_) => return Err(self.error(XmlErrorKind::Char)),
                    },
                };
                // A reference is content: outside the root even one to white space is none.
                if self.open.is_empty() {
                    return Err(self.error(XmlErrorKind::Outside));
                }
                self.text(text.encode_utf8(&mut [0; 4]))
            }
            Event::Decl(declaration) => match declaration.encoding() {
                None => Ok(()),
                Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
                Some(_) => Err(self.error(XmlErrorKind::Encoding)),
            },
            Event::DocType(_) => Err(self.error(XmlErrorKind::Doctype)),
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        if !text.chars().all(is_char) {
            return Err(self.error(XmlErrorKind::Char));
        }
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(self.error(XmlErrorKind::Outside)),
        }
        Ok(())
    }

    fn element(&mut self, tag: &BytesStart<'_>) -> Result<Element, XmlError> {
        if self.open.len() >= self.limits.depth {
            return Err(self.error(XmlErrorKind::Depth(self.limits.depth)));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.error(XmlErrorKind::Root));
        }
        self.count()?;
        let mut element = Element {
            name: tag.name().as_ref().to_owned(),
            line: self.line,
            ..Element::default()
        };
        for attribute in tag.attributes() {
            self.count()?;
            let attribute = attribute
                .map_err(|e| self.error(XmlErrorKind::Malformed(format!("attributes: {e}"))))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|e| self.error(malformed(e)))?;
            if !value.chars().all(is_char) {
                return Err(self.error(XmlErrorKind::Char));
            }
            element
                .attributes
                .push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(element)
    }

    fn count(&mut self) -> Result<(), XmlError> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(self.error(XmlErrorKind::Nodes(self.limits.nodes)));
        }
        Ok(())
    }

    fn close(&mut self, element: Element) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Element, XmlError> {
        if let Some(element) = self.open.pop() {
            return Err(self.error(XmlErrorKind::Unclosed(element.name)));
        }
        let missing = self.error(XmlErrorKind::Root);
        self.root.ok_or(missing)
    }
}

fn malformed(error: QuickError) -> XmlErrorKind {
    match error {
        QuickError::IllFormed(IllFormedError::MissingEndTag(name)) => XmlErrorKind::Unclosed(name),
        other => XmlErrorKind::Malformed(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
