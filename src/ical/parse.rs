//! Bytes to components (RFC 5545 section 3.1, 3.4, 3.6), with every error named by its line.
//!
//! Reading goes on after an error, so that one pass names all of them and keeps all that is sound; it knows
//! lines and blocks only. Whether a component says something sensible is `check`'s question.
//!
//! What is tolerated everywhere: LF and CR as line breaks, blank lines, a byte order mark, folds inside a
//! character, any number of VCALENDARs, components without a VCALENDAR around them, letter case.
//!
//! What happens to a component with a fault:
//! - [`parse`] leaves it out. The calendar around it stays.
//! - [`parse_mending`], for files of unknown descent, first mends: a line that is not UTF-8 is read as
//!   windows-1252, control characters are dropped, and a broken line is left out of its component unless it
//!   says what the component is or when ([`ESSENTIAL`]). A broken alarm is left out, its event kept.
//!
//! Either way a component without its END, too deep or with too long a line is left out; so is what holds it,
//! up to the calendar. Each one left out is named by [`Message::LeftOut`] at the line of its BEGIN.

mod lines;
#[cfg(test)]
mod tests;
mod windows_1252;

use super::component::{Component, LineError, Property};
use lines::{Content, Lines};

/// Bounds of what [`parse`] takes.
///
/// Passing `line` or `depth` costs the component in which it happens; passing any other costs everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole input: it is held in memory while it is read.
    pub bytes: usize,
    /// Bytes of one unfolded line: room for a picture in an ATTACH, not for a film.
    pub line: usize,
    /// Components inside one another, the outermost counted as 1. The standard needs 3, CAP a few more.
    pub depth: usize,
    /// Components in all.
    pub components: usize,
    /// Properties in all: each costs up to 100 bytes beside its text.
    pub properties: usize,
    /// Errors that are listed; further ones are only counted.
    pub errors: usize,
}

impl Limits {
    /// The bounds of [`Limits::default`].
    pub const DEFAULT: Self = Self {
        bytes: 128 << 20,
        line: 1 << 20,
        depth: 16,
        components: 1_000_000,
        properties: 10_000_000,
        errors: 1_000,
    };
}

/// 128 MiB, lines of 1 MiB, 16 deep, 1,000,000 components, 10,000,000 properties, 1,000 errors listed.
impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// The outermost components, in source order.
    pub components: Vec<Component>,
    /// Errors and warnings, ordered by line.
    pub errors: Vec<ParseError>,
    /// How many more there were than [`Limits::errors`].
    pub unlisted: usize,
    /// Components left out, listed or not; alarms and the observances of a zone do not count by themselves.
    pub left_out: usize,
}

impl Parsed {
    /// Whether nothing at all was lost or changed; warnings about mere form do not count.
    pub fn is_sound(&self) -> bool {
        self.unlisted == 0 && self.errors.iter().all(|e| e.message.is_warning())
    }
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// Line of the source, counted from 1; for a folded line the one it starts in.
    pub line: u32,
    /// What is wrong there.
    pub message: Message,
}

/// What can be wrong with a line or a block. Names are cut to 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Message {
    /// No content line.
    #[error("{0}")]
    Line(LineError),
    /// Bytes that are no UTF-8.
    #[error("expected UTF-8, found other bytes")]
    NotUtf8,
    /// The input starts with the byte order mark of UTF-16.
    #[error("expected UTF-8, found UTF-16")]
    Utf16,
    /// Mended: bytes that are no UTF-8 were read as windows-1252.
    #[error("expected UTF-8; the line was read as windows-1252")]
    ReadAsWindows1252,
    /// Mended: control characters were dropped.
    #[error("expected no control characters; they were dropped")]
    ControlsDropped,
    /// Mended: an empty line was skipped.
    #[error("expected no blank line")]
    Blank,
    /// A line that starts with a blank has none before it to continue.
    #[error("expected a line before this one, which starts with a blank as if it continued one")]
    Continuation,
    /// Something stands outside every component.
    #[error("expected BEGIN, found text outside of any component")]
    Outside,
    /// BEGIN or END without a proper component name.
    #[error("expected the name of a component after BEGIN: or END:")]
    ComponentName,
    /// An END whose component was not begun.
    #[error("expected no END:{0}, for no {0} is open here")]
    EndWithoutBegin(Box<str>),
    /// A component goes on where it can no longer: name, line of its BEGIN.
    #[error("expected END:{0} before this, for the {0} begun in line {1}")]
    MissingEnd(Box<str>, u32),
    /// The component begun here was left out: name, line of the fault.
    #[error("this {0} was left out because of line {1}")]
    LeftOut(Box<str>, u32),
    /// [`Limits::bytes`]
    #[error("expected at most {0} bytes")]
    TooManyBytes(usize),
    /// [`Limits::line`]
    #[error("expected at most {0} bytes in a line")]
    LineTooLong(usize),
    /// [`Limits::depth`]
    #[error("expected components nested at most {0} deep")]
    TooDeep(usize),
    /// [`Limits::components`]
    #[error("expected at most {0} components")]
    TooManyComponents(usize),
    /// [`Limits::properties`]
    #[error("expected at most {0} properties")]
    TooManyProperties(usize),
}

impl Message {
    /// Whether it tells of something mended, with nothing lost but form.
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::Blank | Self::ReadAsWindows1252 | Self::ControlsDropped
        )
    }
}

/// Properties a component is nothing without, or something else: what and when it is. A broken line that
/// starts like one of them is never just left out.
pub const ESSENTIAL: [&str; 16] = [
    "UID",
    "DTSTART",
    "DTEND",
    "DUE",
    "DURATION",
    "RECURRENCE-ID",
    "RRULE",
    "EXRULE",
    "RDATE",
    "EXDATE",
    "TZID",
    "TZOFFSETFROM",
    "TZOFFSETTO",
    "FREEBUSY",
    "ACTION",
    "TRIGGER",
];

/// What goes directly into a calendar. Where one begins inside another, the other's END is missing.
const OBJECTS: [&str; 5] = ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE"];

/// What stands inside those.
const PARTS: [&str; 3] = ["VALARM", "STANDARD", "DAYLIGHT"];

/// What only holds other components and stays when one of them is left out.
const CONTAINERS: [&str; 3] = ["VCALENDAR", "VCALSTORE", "VAGENDA"];

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// Reads components; one with any fault is left out.
///
/// Time and memory grow with the input alone; nesting costs no stack.
pub fn parse(input: &[u8], limits: &Limits) -> Parsed {
    Parser::new(limits, false).run(input)
}

/// The same where a calendar may be what another one holds: a VCALENDAR inside a VCALENDAR stays there.
pub fn parse_nested(input: &[u8], limits: &Limits) -> Parsed {
    Parser {
        nested: true,
        ..Parser::new(limits, false)
    }
    .run(input)
}

/// Reads components of a file that may bend the rules: mends what can be mended.
pub fn parse_mending(input: &[u8], limits: &Limits) -> Parsed {
    Parser::new(limits, true).run(input)
}

/// A component whose END has not come.
struct Open {
    component: Component,
    /// The line of the first fault that costs the component.
    fault: Option<u32>,
}

/// Everything must be given up: a bound of the whole input is passed.
struct GivenUp;

struct Parser<'l> {
    limits: &'l Limits,
    mend: bool,
    /// Whether a VCALENDAR holds others.
    nested: bool,
    parsed: Parsed,
    open: Vec<Open>,
    /// Components begun beyond the depth allowed and not yet ended.
    too_deep: usize,
    components: usize,
    properties: usize,
}

impl<'l> Parser<'l> {
    fn new(limits: &'l Limits, mend: bool) -> Self {
        Self {
            limits,
            mend,
            nested: false,
            parsed: Parsed::default(),
            open: Vec::new(),
            too_deep: 0,
            components: 0,
            properties: 0,
        }
    }

    fn run(mut self, input: &[u8]) -> Parsed {
        if input.len() > self.limits.bytes {
            self.report(1, Message::TooManyBytes(self.limits.bytes));
            return self.parsed;
        }
        if input.starts_with(b"\xff\xfe") || input.starts_with(b"\xfe\xff") {
            self.report(1, Message::Utf16);
            return self.parsed;
        }
        let mut lines = Lines::new(input, self.limits.line);
        let mut last = 1;
        while let Some((line, content)) = lines.next() {
            last = line;
            if self.take(line, content).is_err() {
                self.parsed.components.clear();
                self.open.clear();
                break;
            }
        }
        self.close_above(0, last);
        self.parsed.errors.sort_by_key(|e| e.line);
        self.parsed
    }

    fn report(&mut self, line: u32, message: Message) {
        if self.parsed.errors.len() < self.limits.errors {
            self.parsed.errors.push(ParseError { line, message });
        } else {
            self.parsed.unlisted += 1;
        }
    }

    /// Reports a fault that costs the innermost open component.
    fn fail(&mut self, line: u32, message: Message) {
        self.report(line, message);
        if let Some(open) = self.open.last_mut() {
            open.fault.get_or_insert(line);
        }
    }

    /// Reports a broken line; `start` is how it starts.
    fn fail_line(&mut self, line: u32, start: &[u8], message: Message) {
        let name_end = start
            .iter()
            .position(|b| !b.is_ascii_alphanumeric() && *b != b'-');
        let name = &start[..name_end.unwrap_or(start.len())];
        let essential = ESSENTIAL
            .iter()
            .any(|e| e.as_bytes().eq_ignore_ascii_case(name));
        if self.mend && !essential {
            self.report(line, message);
        } else {
            self.fail(line, message);
        }
    }

    fn take(&mut self, line: u32, content: Content<'_>) -> Result<(), GivenUp> {
        match content {
            Content::Text(text) => self.take_text(line, text),
            Content::Bytes(bytes) if self.mend => {
                self.report(line, Message::ReadAsWindows1252);
                self.take_text(line, &windows_1252::decode(bytes))
            }
            Content::Bytes(bytes) => {
                self.fail_line(line, bytes, Message::NotUtf8);
                Ok(())
            }
            Content::Blank => {
                self.report(line, Message::Blank);
                Ok(())
            }
            Content::Continuation => {
                self.fail_line(line, b"", Message::Continuation);
                Ok(())
            }
            Content::TooLong => {
                self.fail(line, Message::LineTooLong(self.limits.line));
                Ok(())
            }
        }
    }

    fn take_text(&mut self, line: u32, text: &str) -> Result<(), GivenUp> {
        // A concatenation of files has byte order marks in its middle.
        let text = match self.open.is_empty() {
            true => text.strip_prefix('\u{feff}').unwrap_or(text),
            false => text,
        };
        if let Some(name) = after_keyword(text, "BEGIN") {
            self.begin(line, name)
        } else if let Some(name) = after_keyword(text, "END") {
            self.end(line, name);
            Ok(())
        } else {
            self.property(line, text)
        }
    }

    fn property(&mut self, line: u32, text: &str) -> Result<(), GivenUp> {
        if self.too_deep > 0 {
            return Ok(());
        }
        if self.open.is_empty() {
            self.report(line, Message::Outside);
            return Ok(());
        }
        let read = Property::from_line(text);
        if self.mend && read == Err(LineError::Control) {
            self.report(line, Message::ControlsDropped);
            // Not only a property can come out of it: a BEGIN or END too.
            return self.take_text(line, &text.replace(is_control, ""));
        }
        match (read, self.open.last_mut()) {
            (Ok(property), Some(open)) => open.component.push(property.at_line(line)),
            (Err(error), _) => {
                self.fail_line(line, text.as_bytes(), Message::Line(error));
                return Ok(());
            }
            (Ok(_), None) => {}
        }
        self.properties += 1;
        if self.properties > self.limits.properties {
            self.report(line, Message::TooManyProperties(self.limits.properties));
            return Err(GivenUp);
        }
        Ok(())
    }

    fn begin(&mut self, line: u32, name: &str) -> Result<(), GivenUp> {
        if self.too_deep > 0 {
            self.too_deep += 1;
            return Ok(());
        }
        self.end_what_cannot_hold(line, name);
        if self.open.len() >= self.limits.depth {
            self.too_deep = 1;
            self.fail(line, Message::TooDeep(self.limits.depth));
            return Ok(());
        }
        self.components += 1;
        if self.components > self.limits.components {
            self.report(line, Message::TooManyComponents(self.limits.components));
            return Err(GivenUp);
        }
        // One without a proper name is opened too, so that what it holds does not land in its parent.
        let fault = (!is_name(name)).then_some(line);
        if fault.is_some() {
            self.report(line, Message::ComponentName);
        }
        self.open.push(Open {
            component: Component::new(name).at_line(line),
            fault,
        });
        Ok(())
    }

    /// Ends the components in which a `name` cannot stand: their END is missing. Without this, one
    /// forgotten END would swallow the rest of the file.
    fn end_what_cannot_hold(&mut self, line: u32, name: &str) {
        let calendar = name.eq_ignore_ascii_case("VCALENDAR");
        if !calendar && !is_one_of(name, &OBJECTS) {
            return;
        }
        let ended = |open: &Open| {
            let name = open.component.name();
            is_one_of(name, &OBJECTS)
                || is_one_of(name, &PARTS)
                || (calendar && !self.nested && name.eq_ignore_ascii_case("VCALENDAR"))
        };
        let kept = self.open.iter().rposition(|o| !ended(o));
        self.close_above(kept.map_or(0, |at| at + 1), line);
    }

    fn end(&mut self, line: u32, name: &str) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        match self.open.iter().rposition(|o| o.component.is(name)) {
            Some(at) => {
                self.close_above(at + 1, line);
                self.close();
            }
            None if is_name(name) => {
                self.fail_line(line, b"", Message::EndWithoutBegin(cut(name)));
            }
            None => self.fail_line(line, b"", Message::ComponentName),
        }
    }

    /// Closes all components but the outermost `keep`, their END missing before `line`.
    fn close_above(&mut self, keep: usize, line: u32) {
        while self.open.len() > keep {
            if let Some(open) = self.open.last() {
                let name = cut(open.component.name());
                let begun = open.component.source_line();
                self.fail(line, Message::MissingEnd(name, begun));
            }
            self.close();
        }
    }

    /// Hands the innermost open component to the one around it, or leaves it out.
    fn close(&mut self) {
        let Some(Open { component, fault }) = self.open.pop() else {
            return;
        };
        let Some(fault) = fault.filter(|_| !is_one_of(component.name(), &CONTAINERS)) else {
            match self.open.last_mut() {
                Some(parent) => parent.component.push_component(component),
                None => self.parsed.components.push(component),
            }
            return;
        };
        if !is_one_of(component.name(), &PARTS) {
            self.parsed.left_out += 1;
        }
        let message = Message::LeftOut(cut(component.name()), fault);
        self.report(component.source_line(), message);
        if self.mend && component.is("VALARM") {
            return;
        }
        if let Some(parent) = self.open.last_mut() {
            parent.fault.get_or_insert(fault);
        }
    }
}

/// What follows `KEYWORD:`, without blanks at the end; `""` after `KEYWORD;`, for these take no parameters.
fn after_keyword<'t>(text: &'t str, keyword: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(keyword.len())?;
    if !start.eq_ignore_ascii_case(keyword) {
        return None;
    }
    match rest.strip_prefix(':') {
        Some(name) => Some(name.trim_end_matches([' ', '\t'])),
        None => rest.starts_with(';').then_some(""),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_control(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

/// The name for an error, cut so that a list of errors stays small.
fn cut(name: &str) -> Box<str> {
    let shown = if name.is_empty() { "component" } else { name };
    shown.chars().take(40).collect()
}
