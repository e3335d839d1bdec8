//! Lines of a transcript: bytes made visible, and placeholders for what differs from run to run.
//!
//! A line of text stands for itself. These marks, and nothing else in braces, mean something:
//!
//! | mark | in a request | in an expected answer |
//! |---|---|---|
//! | `{xHH}` | the byte with that hexadecimal number | the same |
//! | `{end}` | last in a body: no line end follows | the same |
//! | `{now}` | the case's clock, `20260105T090000Z` | the same |
//! | `{sid}` `{sid:NAME}` | the session id captured under that name | 32 of `[a-z0-9]`: captured the first time, the same afterwards |
//! | `{uid:NAME}` | as captured | 32 hexadecimal digits, captured likewise |
//! | `{time:NAME}` | as captured | a UTC date-time, captured likewise |
//! | `{text:NAME}` | as captured | any text up to what follows, captured likewise |
//! | `{time}` `{uid}` | - | one of that form |
//! | `{prodid}` | - | the server's product identifier, `-//...//EN` |
//! | `{any}` | - | any text up to what follows |
//! | `{none}` | - | alone as a header's value: there is no such header |
//!
//! So JSON's braces need no escaping; a text that looks like a mark is written `{x7B}now}`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What was captured, by mark (`sid:`, `uid:1`), and the clock.
#[derive(Debug, Clone, Default)]
pub struct Captures {
    values: BTreeMap<String, String>,
    /// What `{now}` stands for.
    pub now: String,
}

/// One piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Byte(u8),
    End,
    Now,
    None,
    Hole { kind: Hole, name: Option<&'a str> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    Sid,
    Uid,
    Time,
    Text,
    Prodid,
    Any,
}

/// The pieces of `line`, in order.
fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let (mut text, mut at) = (0, 0);
    while let Some(open) = line[at..].find('{').map(|i| at + i) {
        let mark = line[open..]
            .find('}')
            .map(|close| &line[open + 1..open + close]);
        if let Some(piece) = mark.and_then(piece) {
            if text < open {
                out.push(Piece::Text(&line[text..open]));
            }
            out.push(piece);
            at = open + mark.map_or(0, str::len) + 2;
            text = at;
        } else {
            at = open + 1;
        }
    }
    if text < line.len() {
        out.push(Piece::Text(&line[text..]));
    }
    out
}

/// What the mark between two braces means, if it is one.
fn piece(mark: &str) -> Option<Piece<'_>> {
    if let Some(hex) = mark.strip_prefix('x').filter(|hex| hex.len() == 2) {
        return u8::from_str_radix(hex, 16).ok().map(Piece::Byte);
    }
    let (word, name) = match mark.split_once(':') {
        Some((word, name)) if name.bytes().all(|b| b.is_ascii_alphanumeric()) => (word, Some(name)),
        Some(_) => return None,
        None => (mark, None),
    };
    let kind = match (word, name) {
        ("end", None) => return Some(Piece::End),
        ("now", None) => return Some(Piece::Now),
        ("none", None) => return Some(Piece::None),
        ("sid", _) => Hole::Sid,
        ("uid", _) => Hole::Uid,
        ("time", _) => Hole::Time,
        ("text", Some(_)) => Hole::Text,
        ("prodid", None) => Hole::Prodid,
        ("any", None) => Hole::Any,
        _ => return None,
    };
    // There is one session in most cases: it needs no name.
    let name = name.or((kind == Hole::Sid).then_some(""));
    Some(Piece::Hole { kind, name })
}

/// Whether `line` says that there is no such header.
pub fn is_none(line: &str) -> bool {
    pieces(line) == [Piece::None]
}

/// The bytes of a line of a request; its line end is added but after `{end}`.
///
/// # Errors
/// A sentence, when a mark has no meaning in a request or nothing was captured under its name.
pub fn bytes(line: &str, line_end: &str, captures: &Captures) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut ended = false;
    for piece in pieces(line) {
        if ended {
            return Err(format!("something follows {{end}} in {line:?}"));
        }
        match piece {
            Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Byte(byte) => out.push(byte),
            Piece::End => ended = true,
            Piece::Now => out.extend_from_slice(captures.now.as_bytes()),
            Piece::Hole {
                kind,
                name: Some(name),
            } => {
                let key = key(kind, name);
                let value = captures.values.get(&key);
                let value = value.ok_or_else(|| format!("nothing was captured as {{{key}}}"))?;
                out.extend_from_slice(value.as_bytes());
            }
            other => return Err(format!("{other:?} has no meaning in a request: {line:?}")),
        }
    }
    if !ended {
        out.extend_from_slice(line_end.as_bytes());
    }
    Ok(out)
}

/// Makes a body visible: its lines at `line_end`, every other control character and all that is
/// not UTF-8 as `{xHH}`, `{end}` where the last line has no line end.
pub fn visible(body: &[u8], line_end: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let found = rest
            .windows(line_end.len())
            .position(|window| window == line_end.as_bytes());
        if let Some(at) = found {
            lines.push(visible_line(&rest[..at]));
            rest = &rest[at + line_end.len()..];
        } else {
            lines.push(visible_line(rest) + "{end}");
            rest = &[];
        }
    }
    lines
}

fn visible_line(line: &[u8]) -> String {
    let mut out = String::new();
    for chunk in line.utf8_chunks() {
        for (at, c) in chunk.valid().char_indices() {
            let looks_like_mark = c == '{'
                && pieces(&chunk.valid()[at..])
                    .first()
                    .is_some_and(|piece| !matches!(piece, Piece::Text(_)));
            if looks_like_mark || (c.is_ascii_control() && c != '\t') {
                let _ = write!(out, "{{x{:02X}}}", u32::from(c));
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "{{x{byte:02X}}}");
        }
    }
    out
}

/// Whether the visible line `actual` is what `expected` asks for. Captures on success only.
///
/// Holes of a fixed form take as much as has that form; `{any}` and `{text:..}` as little as lets
/// the rest match.
pub fn matches(expected: &str, actual: &str, captures: &mut Captures) -> bool {
    let mut tried = captures.clone();
    let found = matches_from(&pieces(expected), actual, &mut tried);
    if found {
        *captures = tried;
    }
    found
}

fn matches_from(expected: &[Piece<'_>], actual: &str, captures: &mut Captures) -> bool {
    let Some((piece, rest)) = expected.split_first() else {
        return actual.is_empty();
    };
    let literal = match piece {
        Piece::Text(text) => (*text).to_owned(),
        // Visible lines write these marks themselves.
        Piece::Byte(byte) => format!("{{x{byte:02X}}}"),
        Piece::End => "{end}".to_owned(),
        Piece::Now => captures.now.clone(),
        Piece::None => return false,
        Piece::Hole { kind, name } => {
            let key = name.map(|name| key(*kind, name));
            if let Some(known) = key.as_ref().and_then(|key| captures.values.get(key)) {
                known.clone()
            } else {
                return matches_hole(*kind, key, rest, actual, captures);
            }
        }
    };
    actual
        .strip_prefix(&literal)
        .is_some_and(|actual| matches_from(rest, actual, captures))
}

fn matches_hole(
    kind: Hole,
    key: Option<String>,
    rest: &[Piece<'_>],
    actual: &str,
    captures: &mut Captures,
) -> bool {
    let mut lengths: Box<dyn Iterator<Item = usize>> = match kind {
        Hole::Sid => fixed(actual, 32, |b| b.is_ascii_lowercase() || b.is_ascii_digit()),
        Hole::Uid => fixed(actual, 32, |b| b.is_ascii_hexdigit()),
        Hole::Time if is_time(actual) => Box::new(std::iter::once(16)),
        Hole::Time => return false,
        Hole::Prodid if !actual.starts_with("-//") => return false,
        Hole::Prodid | Hole::Text | Hole::Any => {
            Box::new((0..=actual.len()).filter(|&at| actual.is_char_boundary(at)))
        }
    };
    lengths.any(|length| {
        let (value, after) = actual.split_at(length);
        if kind == Hole::Prodid && !value.ends_with("//EN") {
            return false;
        }
        let mut tried = captures.clone();
        if let Some(key) = &key {
            tried.values.insert(key.clone(), value.to_owned());
        }
        let found = matches_from(rest, after, &mut tried);
        if found {
            *captures = tried;
        }
        found
    })
}

/// The one length `length`, if so many bytes of the form are there and no more.
fn fixed(actual: &str, length: usize, form: fn(u8) -> bool) -> Box<dyn Iterator<Item = usize>> {
    let run = actual.bytes().take_while(|&b| form(b)).count();
    Box::new((run == length).then_some(length).into_iter())
}

/// Whether `text` starts with `20260105T090000Z` or the like.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 16
        && bytes[..16].iter().enumerate().all(|(at, b)| match at {
            8 => *b == b'T',
            15 => *b == b'Z',
            _ => b.is_ascii_digit(),
        })
}

fn key(kind: Hole, name: &str) -> String {
    let word = match kind {
        Hole::Sid => "sid",
        Hole::Uid => "uid",
        Hole::Time => "time",
        Hole::Text => "text",
        Hole::Prodid | Hole::Any => "any",
    };
    if name.is_empty() {
        word.to_owned()
    } else {
        format!("{word}:{name}")
    }
}

/// `line` with everything captured written as its mark again: for rewriting an expectation.
pub fn masked(line: &str, captures: &Captures) -> String {
    let mut line = line.to_owned();
    for (key, value) in &captures.values {
        // A short value would be found where it means something else.
        if value.len() >= 8 {
            line = line.replace(value.as_str(), &format!("{{{key}}}"));
        }
    }
    for prefix in ["X-NSCP-WCAP-SESSION-ID:", "<X-NSCP-WCAP-SESSION-ID>"] {
        if let Some(id) = line.strip_prefix(prefix) {
            let word = id.bytes().take_while(u8::is_ascii_alphanumeric).count();
            if word == 32 {
                line = format!("{prefix}{{sid}}{}", &id[word..]);
            }
        }
    }
    match (line.find("-//"), line.find("//EN")) {
        (Some(start), Some(end)) if start < end && line.to_ascii_lowercase().contains("prodid") => {
            format!("{}{{prodid}}{}", &line[..start], &line[end + 4..])
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures() -> Captures {
        Captures {
            now: "20260105T090000Z".to_owned(),
            ..Captures::default()
        }
    }

    #[test]
    fn a_session_is_captured_and_used_again() {
        let mut all = captures();
        let id = "s0000000000000000000000000000001";
        assert!(matches("ID:{sid}", &format!("ID:{id}"), &mut all));
        assert!(!matches(
            "ID:{sid}",
            &format!("ID:{}", id.replace('1', "2")),
            &mut all
        ));
        assert!(matches("{sid}!", &format!("{id}!"), &mut all));
        let line = bytes("GET /x?id={sid} HTTP/1.1", "\r\n", &all).unwrap();
        assert_eq!(line, format!("GET /x?id={id} HTTP/1.1\r\n").as_bytes());
        assert!(bytes("{uid:1}", "", &all).is_err());
    }

    #[test]
    fn forms_are_held() {
        let mut all = captures();
        assert!(matches(
            "<A>{time}</A>",
            "<A>20070521T130000Z</A>",
            &mut all
        ));
        assert!(!matches("<A>{time}</A>", "<A>20070521T1300</A>", &mut all));
        assert!(!matches("{time}", "{time}", &mut all));
        assert!(matches("{now}", "20260105T090000Z", &mut all));
        assert!(!matches("{now}", "20260105T090001Z", &mut all));
        assert!(!matches("{sid}", "s000", &mut all));
        assert!(matches("a{any}c{any}", "abcbcd", &mut all));
        assert!(!matches("a{any}e", "abcd", &mut all));
        assert!(matches(
            "PRODID:{prodid}",
            "PRODID:-//wcapd//wcapd 0.1//EN",
            &mut all
        ));
        assert!(!matches("PRODID:{prodid}", "PRODID:", &mut all));
    }

    #[test]
    fn a_line_that_does_not_match_captures_nothing() {
        let mut all = captures();
        assert!(!matches("{text:a};x", "value;y", &mut all));
        assert!(bytes("{text:a}", "", &all).is_err());
    }

    #[test]
    fn braces_that_are_no_mark_are_text() {
        let mut all = captures();
        let json = r#"{"iCalendar":{"iCal":[{"UID":"a"}]}}"#;
        assert_eq!(visible(json.as_bytes(), "\r\n"), [format!("{json}{{end}}")]);
        assert!(matches(json, json, &mut all));
        assert_eq!(bytes(json, "", &all).unwrap(), json.as_bytes());
    }

    #[test]
    fn visible_lines_lose_nothing() {
        let all = captures();
        for body in [
            &b""[..],
            b"a\r\nb\r\n",
            b"a\nb\r\nc",
            b"\r\n\r\n",
            b"{sid}{x41} \xff\xc3\xa4\x00\t{end}",
        ] {
            for line_end in ["\r\n", "\n"] {
                let mut back = Vec::new();
                for line in visible(body, line_end) {
                    back.extend(bytes(&line, line_end, &all).unwrap());
                }
                assert_eq!(back, body, "{:?}", visible(body, line_end));
                // What is visible matches itself.
                for line in visible(body, line_end) {
                    assert!(matches(&line, &line, &mut captures()), "{line}");
                }
            }
        }
    }

    #[test]
    fn rewriting_masks_what_varies() {
        let mut all = captures();
        assert!(matches(
            "{uid:1}",
            "0123456789abcdef0123456789abcdef",
            &mut all
        ));
        assert_eq!(
            masked("UID:0123456789abcdef0123456789abcdef", &all),
            "UID:{uid:1}"
        );
        assert_eq!(masked("PRODID:-//a//b//EN", &all), "PRODID:{prodid}");
        assert_eq!(
            masked(
                "X-NSCP-WCAP-SESSION-ID:s0000000000000000000000000000001",
                &all
            ),
            "X-NSCP-WCAP-SESSION-ID:{sid}"
        );
    }
}
