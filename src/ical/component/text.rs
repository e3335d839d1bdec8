//! How text is written inside a content line: TEXT escapes and parameter values (RFC 5545 sections 3.2,
//! 3.3.11; RFC 6868).

use std::borrow::Cow;

fn is_control(byte: u8) -> bool {
    ((byte < 0x20) & (byte != b'\t')) | (byte == 0x7f)
}

/// Whether there is a control character other than a tab.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    // Blocks without an early end are what the compiler turns into vector instructions.
    let block_has = |block: &[u8]| block.iter().fold(false, |found, &b| found | is_control(b));
    let (blocks, rest) = bytes.as_chunks::<16>();
    blocks.iter().any(|block| block_has(block)) || block_has(rest)
}

/// `text` without control characters other than tabs, so that no value can end its own line.
pub(super) fn without_controls(text: &str) -> Cow<'_, str> {
    if has_control(text.as_bytes()) {
        Cow::Owned(
            text.chars()
                .filter(|&c| !(c.is_ascii() && is_control(c as u8)))
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// Appends `value` as one parameter value, quoted and caret-encoded where needed (RFC 6868).
pub fn push_param_value(out: &mut String, value: &str) {
    let quote = value.contains([':', ';', ',']);
    if quote {
        out.push('"');
    }
    for c in value.chars() {
        match c {
            '^' => out.push_str("^^"),
            '"' => out.push_str("^'"),
            '\n' => out.push_str("^n"),
            c if c.is_ascii() && is_control(c as u8) => {}
            c => out.push(c),
        }
    }
    if quote {
        out.push('"');
    }
}

pub(super) fn decode_param_value(raw: &str) -> Cow<'_, str> {
    let inner = raw
        .strip_prefix('"')
        .and_then(|r| r.strip_suffix('"'))
        .unwrap_or(raw);
    if !inner.contains('^') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        let decoded = match (c, chars.peek()) {
            ('^', Some('^')) => '^',
            ('^', Some('n' | 'N')) => '\n',
            ('^', Some('\'')) => '"',
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push(decoded);
    }
    Cow::Owned(out)
}

/// `text` as a TEXT value: `\`, `;`, `,` and line breaks escaped (section 3.3.11).
///
/// CR LF, CR and LF each become one `\n`; other control characters but tabs are dropped.
pub fn escape_text(text: &str) -> Cow<'_, str> {
    if !text
        .bytes()
        .any(|b| matches!(b, b'\\' | b';' | b',') || is_control(b))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push_str("\\n");
            }
            '\n' => out.push_str("\\n"),
            c if c.is_ascii() && is_control(c as u8) => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A TEXT value with its escapes undone; an unknown escape keeps its character.
pub fn unescape_text(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}
