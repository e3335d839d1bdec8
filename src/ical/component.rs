//! Content lines and components, kept exactly as they were written (RFC 5545 section 3.1, 3.6).
//!
//! A [`Property`] is one unfolded content line with the places of its name and value marked; nothing is
//! decoded until asked for, so what was read is what is printed. A [`Component`] keeps its properties and
//! sub-components in their order, known to the standard or not. Reading text is `parse`'s work, folding is
//! `print`'s.

#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;
use std::fmt;

use text::{decode_param_value, has_control, without_controls};
pub use text::{escape_text, push_param_value, unescape_text};

/// One unfolded content line: `name *(";" param) ":" value`.
///
/// Equality compares the line, not the place it was read from.
#[derive(Clone)]
pub struct Property {
    line: Box<str>,
    name_end: u32,
    value_start: u32,
    source_line: u32,
}

/// Why a line is no content line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line starts with something that is no `iana-token` or `x-name`.
    #[error("expected a property name of letters, digits and '-'")]
    Name,
    /// A parameter has no name or no `=`.
    #[error("expected a parameter written NAME=value")]
    Parameter,
    /// A quoted parameter value does not end.
    #[error("expected a closing '\"' in a parameter value")]
    Quote,
    /// No `:` separates a value.
    #[error("expected ':' before the value")]
    NoValue,
    /// A control character other than a tab stands in the line.
    #[error("expected no control characters")]
    Control,
    /// The line is longer than an offset can hold (4 GiB).
    #[error("expected a line below 4 GiB")]
    TooLong,
}

/// Which bytes a name may have, by their number: asked for every line that is read.
const NAME_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        // '_' is not in the standard's iana-token, but real X- names and CAP's DEFAULT_VCARS carry it.
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        byte += 1;
    }
    table
};

fn is_name_byte(byte: u8) -> bool {
    NAME_BYTES[usize::from(byte)]
}

impl Property {
    /// Reads one unfolded content line, without its line break.
    pub fn from_line(line: impl Into<Box<str>>) -> Result<Self, LineError> {
        let line = line.into();
        let (name_end, value_start) = scan(line.as_bytes())?;
        Ok(Self {
            line,
            name_end,
            value_start,
            source_line: 0,
        })
    }

    /// A property with a value that is already encoded as its value type wants it.
    ///
    /// Control characters are dropped from name and value: a value can never start another line.
    pub fn new(name: &str, value: impl AsRef<str>) -> Self {
        let name = without_controls(name);
        let value = without_controls(value.as_ref());
        let mut line = String::with_capacity(name.len() + 1 + value.len());
        line.push_str(&name);
        line.push(':');
        line.push_str(&value);
        Self {
            line: line.into_boxed_str(),
            name_end: name.len() as u32,
            value_start: name.len() as u32 + 1,
            source_line: 0,
        }
    }

    /// A property of value type TEXT; `text` is escaped (section 3.3.11).
    pub fn text(name: &str, text: &str) -> Self {
        Self::new(name, escape_text(text))
    }

    /// This property with one more parameter, quoted and caret-encoded where needed (RFC 6868).
    #[must_use]
    pub fn with_param(self, name: &str, value: &str) -> Self {
        let mut param = String::with_capacity(name.len() + value.len() + 4);
        param.push(';');
        param.push_str(&without_controls(name));
        param.push('=');
        push_param_value(&mut param, value);
        self.insert_param(&param)
    }

    fn insert_param(self, param: &str) -> Self {
        let at = self.value_start as usize - 1;
        let mut line = String::with_capacity(self.line.len() + param.len());
        line.push_str(&self.line[..at]);
        line.push_str(param);
        line.push_str(&self.line[at..]);
        Self {
            line: line.into_boxed_str(),
            value_start: self.value_start + param.len() as u32,
            ..self
        }
    }

    /// This property without any parameter called `name`.
    #[must_use]
    pub fn without_param(self, name: &str) -> Self {
        if self.param(name).is_none() {
            return self;
        }
        let mut line = String::with_capacity(self.line.len());
        line.push_str(self.name());
        for param in self.params().filter(|p| !p.is(name)) {
            line.push(';');
            line.push_str(param.as_str());
        }
        line.push(':');
        let value_start = line.len() as u32;
        line.push_str(self.value());
        Self {
            line: line.into_boxed_str(),
            value_start,
            ..self
        }
    }

    /// This property with another raw value; name and parameters stay.
    #[must_use]
    pub fn with_value(self, value: impl AsRef<str>) -> Self {
        let value = without_controls(value.as_ref());
        let mut line = String::with_capacity(self.value_start as usize + value.len());
        line.push_str(&self.line[..self.value_start as usize]);
        line.push_str(&value);
        Self {
            line: line.into_boxed_str(),
            ..self
        }
    }

    /// The same property under another name.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        let rest = &self.as_line()[self.name().len()..];
        // A sound line stays one under a sound name.
        Self::from_line(format!("{name}{rest}")).unwrap_or_else(|_| self.clone())
    }

    /// Marks the line (counted from 1) of the source this property was read from.
    #[must_use]
    pub fn at_line(mut self, line: u32) -> Self {
        self.source_line = line;
        self
    }

    /// The line of the source, counted from 1; 0 when made here.
    pub fn source_line(&self) -> u32 {
        self.source_line
    }

    /// The name as it was written.
    pub fn name(&self) -> &str {
        &self.line[..self.name_end as usize]
    }

    /// Whether this property is called `name`; letter case does not count.
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// The value as it was written, escapes included.
    pub fn value(&self) -> &str {
        &self.line[self.value_start as usize..]
    }

    /// The value read as TEXT: escapes undone.
    pub fn to_text(&self) -> Cow<'_, str> {
        unescape_text(self.value())
    }

    /// The whole unfolded line.
    pub fn as_line(&self) -> &str {
        &self.line
    }

    /// The parameters, in their order.
    pub fn params(&self) -> Params<'_> {
        let section = &self.line[self.name_end as usize..self.value_start as usize - 1];
        Params {
            rest: section.strip_prefix(';').unwrap_or(section),
        }
    }

    /// The first value of the first parameter called `name`, unquoted and caret-decoded.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params()
            .find(|p| p.is(name))
            .and_then(|p| p.values().next())
    }
}

impl PartialEq for Property {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line && self.value_start == other.value_start
    }
}

impl Eq for Property {}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// Finds the end of the name and the start of the value.
fn scan(line: &[u8]) -> Result<(u32, u32), LineError> {
    if u32::try_from(line.len()).is_err() {
        return Err(LineError::TooLong);
    }
    if has_control(line) {
        return Err(LineError::Control);
    }
    let name_end = line
        .iter()
        .position(|&b| !is_name_byte(b))
        .ok_or(LineError::NoValue)?;
    if name_end == 0 {
        return Err(LineError::Name);
    }
    let mut at = name_end;
    while line.get(at) == Some(&b';') {
        at = scan_param(line, at + 1)?;
    }
    match line.get(at) {
        Some(b':') => Ok((name_end as u32, at as u32 + 1)),
        Some(_) if at == name_end => Err(LineError::Name),
        _ => Err(LineError::NoValue),
    }
}

/// The end of the parameter that starts at `at`.
fn scan_param(line: &[u8], at: usize) -> Result<usize, LineError> {
    let name_len = line[at..]
        .iter()
        .position(|&b| !is_name_byte(b))
        .unwrap_or(0);
    if name_len == 0 || line.get(at + name_len) != Some(&b'=') {
        return Err(LineError::Parameter);
    }
    let mut at = at + name_len + 1;
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' => {
                let close = line[at + 1..]
                    .iter()
                    .position(|&b| b == b'"')
                    .ok_or(LineError::Quote)?;
                at += close + 2;
            }
            b';' | b':' => return Ok(at),
            _ => at += 1,
        }
    }
    Err(LineError::NoValue)
}

/// Iterator over the parameters of a property.
#[derive(Clone)]
pub struct Params<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let end = unquoted(self.rest, b';').unwrap_or(self.rest.len());
        let text = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or("");
        Some(Param { text })
    }
}

/// The place of the first `wanted` outside quotes.
fn unquoted(text: &str, wanted: u8) -> Option<usize> {
    let mut quoted = false;
    text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == wanted && !quoted
    })
}

/// One parameter: `NAME=value,"value"`.
#[derive(Clone, Copy)]
pub struct Param<'a> {
    text: &'a str,
}

impl<'a> Param<'a> {
    /// The parameter as written, `NAME=value`.
    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// The name as written.
    pub fn name(self) -> &'a str {
        self.text
            .split_once('=')
            .map_or(self.text, |(name, _)| name)
    }

    /// Whether the parameter is called `name`; letter case does not count.
    pub fn is(self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// The values as written, quotes and commas included.
    pub fn raw(self) -> &'a str {
        self.text.split_once('=').map_or("", |(_, value)| value)
    }

    /// The values, unquoted and caret-decoded (RFC 6868).
    pub fn values(self) -> impl Iterator<Item = Cow<'a, str>> {
        let mut rest = Some(self.raw());
        std::iter::from_fn(move || {
            let text = rest?;
            let end = unquoted(text, b',');
            rest = end.map(|end| &text[end + 1..]);
            Some(decode_param_value(&text[..end.unwrap_or(text.len())]))
        })
    }
}

/// A property or a sub-component, in the order they stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A content line.
    Property(Property),
    /// A `BEGIN` ... `END` block.
    Component(Component),
}

/// A `BEGIN:name` ... `END:name` block with everything in it, in order.
#[derive(Debug, Clone)]
pub struct Component {
    name: Box<str>,
    entries: Vec<Entry>,
    source_line: u32,
}

impl PartialEq for Component {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.entries == other.entries
    }
}

impl Eq for Component {}

impl Component {
    /// An empty component; control characters are dropped from `name`.
    pub fn new(name: &str) -> Self {
        Self {
            name: without_controls(name).into(),
            entries: Vec::new(),
            source_line: 0,
        }
    }

    /// Marks the line (counted from 1) of the `BEGIN` this was read from.
    #[must_use]
    pub fn at_line(mut self, line: u32) -> Self {
        self.source_line = line;
        self
    }

    /// The line of the `BEGIN` in the source, counted from 1; 0 when made here.
    pub fn source_line(&self) -> u32 {
        self.source_line
    }

    /// The name as written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the component is called `name`; letter case does not count.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Everything in the component, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The properties, in order.
    pub fn properties(&self) -> impl Iterator<Item = &Property> {
        self.entries.iter().filter_map(|e| match e {
            Entry::Property(p) => Some(p),
            Entry::Component(_) => None,
        })
    }

    /// The properties called `name`, in order.
    pub fn properties_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties().filter(move |p| p.is(name))
    }

    /// The first property called `name`.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties().find(|p| p.is(name))
    }

    /// The raw value of the first property called `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.property(name).map(Property::value)
    }

    /// The sub-components, in order.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.entries.iter().filter_map(|e| match e {
            Entry::Component(c) => Some(c),
            Entry::Property(_) => None,
        })
    }

    /// The sub-components called `name`, in order.
    pub fn components_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Component> {
        self.components().filter(move |c| c.is(name))
    }

    /// Adds a property at the end.
    pub fn push(&mut self, property: Property) {
        self.entries.push(Entry::Property(property));
    }

    /// Adds a sub-component at the end.
    pub fn push_component(&mut self, component: Component) {
        self.entries.push(Entry::Component(component));
    }

    /// This component with one more property.
    #[must_use]
    pub fn with(mut self, property: Property) -> Self {
        self.push(property);
        self
    }

    /// Puts `property` where the first of its name stands and drops the others of that name; adds it
    /// after the last property when there is none.
    pub fn set(&mut self, property: Property) {
        let name = property.name().to_owned();
        let first = self.entries.iter().position(|e| is_property(e, &name));
        match first {
            Some(at) => {
                let mut seen = false;
                self.entries
                    .retain(|e| !is_property(e, &name) || !std::mem::replace(&mut seen, true));
                self.entries[at] = Entry::Property(property);
            }
            None => {
                let at = self
                    .entries
                    .iter()
                    .rposition(|e| matches!(e, Entry::Property(_)));
                self.entries
                    .insert(at.map_or(0, |at| at + 1), Entry::Property(property));
            }
        }
    }

    /// Drops every property called `name`; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|e| !is_property(e, name));
        self.entries.len() != before
    }

    /// Drops every sub-component called `name`.
    pub fn remove_components(&mut self, name: &str) {
        self.entries
            .retain(|e| !matches!(e, Entry::Component(c) if c.is(name)));
    }

    /// Keeps the entries for which `keep` answers true.
    pub fn retain(&mut self, keep: impl FnMut(&Entry) -> bool) {
        self.entries.retain(keep);
    }

    /// Rewrites every property in place.
    pub fn map_properties(&mut self, mut map: impl FnMut(Property) -> Property) {
        for entry in std::mem::take(&mut self.entries) {
            self.entries.push(match entry {
                Entry::Property(p) => Entry::Property(map(p)),
                other => other,
            });
        }
    }

    /// The entries themselves, for whoever takes the component apart.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

fn is_property(entry: &Entry, name: &str) -> bool {
    matches!(entry, Entry::Property(p) if p.is(name))
}
