//! What SENDDATA brings and what goes back: MIME entities of calendar text (draft-ietf-calsch-cap-04 section 7.2,
//! RFC 2045, RFC 2046). Knows no command.

use std::borrow::Cow;
use std::fmt::Write as _;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, MessageParser, MessagePart, MimeHeaders as _, PartType};

use super::folds;
use crate::ical::component::Component;
use crate::ical::parse::{self, Message};
use crate::ical::print;
use crate::limits::Limits;

/// Why an object cannot be read; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

fn fault<T>(sentence: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(sentence.into()))
}

/// The outermost components of an object, in order: of its one text, or of all parts of a multipart/mixed.
pub fn components(octets: &[u8], limits: &Limits) -> Result<Vec<Component>, Fault> {
    let mut found = Vec::new();
    for text in texts(octets)? {
        let bounds = parse::Limits {
            bytes: limits.cap_object_size,
            line: limits.line_length,
            depth: limits.nesting,
            components: limits.components,
            ..parse::Limits::default()
        };
        // A VCALENDAR may be the outer component, and what is in it a calendar to make.
        let parsed = parse::parse_nested(&folds::mended(&text, limits.cap_query), &bounds);
        if !parsed.is_sound() {
            // What was left out because of a fault says less than the fault.
            let tells = |message: &Message| {
                !message.is_warning() && !matches!(message, Message::LeftOut(..))
            };
            let first = parsed.errors.iter().find(|error| tells(&error.message));
            let sentence = first.map_or_else(|| "broken calendar data".into(), ToString::to_string);
            return fault(sentence);
        }
        found.extend(parsed.components);
    }
    match found.is_empty() {
        true => fault("expected a calendar object, found none"),
        false => Ok(found),
    }
}

/// The calendar texts of an object.
fn texts(octets: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, Fault> {
    // Without headers, or with none in them.
    if octets
        .get(..6)
        .is_some_and(|begin| begin.eq_ignore_ascii_case(b"BEGIN:"))
    {
        return Ok(vec![octets.into()]);
    }
    if let Some(body) = octets.strip_prefix(b"\r\n") {
        return Ok(vec![body.into()]);
    }
    let first = octets
        .split(|octet| *octet == b'\n')
        .next()
        .unwrap_or_default();
    let name = first
        .iter()
        .position(|octet| *octet == b':')
        .unwrap_or_default();
    let is_header = name > 0
        && first[..name]
            .iter()
            .all(|c| c.is_ascii_graphic() || *c == b' ');
    if !is_header {
        return fault("expected MIME headers or BEGIN: in the first line");
    }
    let message = MessageParser::default().parse(octets);
    let Some(message) = message else {
        return fault("expected MIME headers, found none");
    };
    let mut texts = Vec::new();
    for (at, part) in message.parts.into_iter().enumerate() {
        if part.is_encoding_problem {
            return fault("expected a body in its Content-Transfer-Encoding, found another");
        }
        let content = part.content_type();
        let kind = content.map(|content| content.ctype().to_ascii_lowercase());
        let subtype = content
            .and_then(|content| content.subtype())
            .unwrap_or_default();
        let is_calendar = content.is_none()
            || (kind.as_deref() == Some("text") && subtype.eq_ignore_ascii_case("calendar"));
        let shown = format!("{}/{subtype}", kind.as_deref().unwrap_or("text"));
        match &part.body {
            PartType::Multipart(_) if at == 0 && shown.eq_ignore_ascii_case("multipart/mixed") => {}
            PartType::Text(text) if is_calendar => texts.push(body(&part, text, octets)?),
            _ => return fault(format!("expected text/calendar, found {shown}")),
        }
    }
    match texts.is_empty() {
        true => fault("expected text/calendar, found no part"),
        false => Ok(texts),
    }
}

/// The text of a part as it was sent, which need not be UTF-8 though it says so; of another charset as it was read.
fn body<'o>(part: &MessagePart<'_>, read: &str, octets: &'o [u8]) -> Result<Cow<'o, [u8]>, Fault> {
    let known = ["7bit", "8bit", "binary", "quoted-printable", "base64"];
    if let Some(encoding) = part.content_transfer_encoding()
        && !known
            .iter()
            .any(|known| encoding.eq_ignore_ascii_case(known))
    {
        return fault(format!(
            "expected a Content-Transfer-Encoding of {}, found {encoding}",
            known.join(", ")
        ));
    }
    let charset = part
        .content_type()
        .and_then(|content| content.attribute("charset"));
    if let Some(charset) = charset
        && !["utf-8", "us-ascii"]
            .iter()
            .any(|utf8| charset.eq_ignore_ascii_case(utf8))
    {
        return match charset_decoder(charset.as_bytes()) {
            Some(_) => Ok(Cow::Owned(read.as_bytes().to_vec())),
            None => fault(format!("expected a charset that is known, found {charset}")),
        };
    }
    let sent = usize::try_from(part.offset_body)
        .ok()
        .zip(usize::try_from(part.offset_end).ok())
        .and_then(|(begin, end)| octets.get(begin..end))
        .unwrap_or_default();
    let decoded = match part.encoding {
        Encoding::None => return Ok(sent.into()),
        Encoding::Base64 => base64_decode(sent),
        Encoding::QuotedPrintable => quoted_printable_decode(sent),
    };
    Ok(Cow::Owned(
        decoded.unwrap_or_else(|| read.as_bytes().to_vec()),
    ))
}

/// A reply's object, dots not stuffed: one entity, or a multipart/mixed of several under `boundary`, which is in none of
/// them. `id` is that of the command that each answers.
pub fn reply(answers: &[(Component, Option<String>)], boundary: &str) -> Vec<u8> {
    let mut out = String::new();
    if let [(answer, id)] = answers {
        entity(answer, id.as_deref(), &mut out);
        return out.into_bytes();
    }
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n"
    );
    for (answer, id) in answers {
        let _ = write!(out, "--{boundary}\r\n");
        entity(answer, id.as_deref(), &mut out);
    }
    let _ = write!(out, "--{boundary}--\r\n");
    out.into_bytes()
}

fn entity(answer: &Component, id: Option<&str>, out: &mut String) {
    out.push_str("Content-Type: text/calendar; method=RESPONSE; charset=UTF-8");
    // What cannot stand between quotes is left out; the object has it.
    let plain = |id: &str| {
        id.bytes()
            .all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\')
    };
    if let Some(id) = id.filter(|id| plain(id)) {
        let _ = write!(out, "; OPTINFO=\"CMDID:{id}\"");
    }
    out.push_str("\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    print::write(answer, out);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const VCAP: &str = "BEGIN:VCAP\r\nVERSION:2.0\r\nMETHOD:NOOP\r\nCMDID:\u{e4}\r\nEND:VCAP\r\n";

    fn ids(object: &[u8]) -> Result<Vec<String>, Fault> {
        let found = components(object, &Limits::default())?;
        Ok(found
            .iter()
            .map(|c| c.value("CMDID").unwrap_or_default().to_owned())
            .collect())
    }

    #[test]
    fn entities_in_many_dresses() {
        use base64::prelude::*;
        let base64 = BASE64_STANDARD.encode(VCAP);
        let latin = VCAP.chars().map(|c| c as u8).collect::<Vec<_>>();
        let mut in_latin = b"Content-Type: text/calendar; charset=ISO-8859-1\r\n\r\n".to_vec();
        in_latin.extend(latin);
        for object in [
            VCAP.as_bytes(),
            VCAP.to_lowercase().as_bytes(),
            format!("\r\n{VCAP}").as_bytes(),
            format!("Content-Type: text/calendar; method=READ;\r\n component=VCOMMAND; charset=UTF-8\r\n\r\n{VCAP}").as_bytes(),
            format!("content-TYPE:Text/Calendar\r\nX-Other: 1\r\n\r\n{VCAP}").as_bytes(),
            format!("Content-Transfer-Encoding: BASE64\r\nContent-Type: text/calendar\r\n\r\n{base64}\r\n").as_bytes(),
            format!(
                "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/calendar\r\n\r\n{}",
                VCAP.replace('\u{e4}', "=C3=\r\n=A4")
            )
            .as_bytes(),
            &in_latin,
        ] {
            assert_eq!(ids(object).unwrap(), ["\u{e4}"], "{}", String::from_utf8_lossy(object));
        }
        assert_eq!(ids(format!("{VCAP}{VCAP}").as_bytes()).unwrap().len(), 2);
        let part = format!("--x\r\nContent-Type: text/calendar\r\n\r\n{VCAP}");
        let mixed =
            format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{part}{part}--x--\r\n");
        assert_eq!(ids(mixed.as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_calendar_object_is_refused() {
        for (object, expected) in [
            ("", "expected MIME headers or BEGIN: in the first line"),
            ("\r\n", "expected a calendar object, found none"),
            (
                "hello\r\n",
                "expected MIME headers or BEGIN: in the first line",
            ),
            (
                "Content-Type: image/png\r\n\r\nx\r\n",
                "expected text/calendar, found image/png",
            ),
            (
                "Content-Type: text/html\r\n\r\n<p>\r\n",
                "expected text/calendar, found text/html",
            ),
            (
                "Content-Type: text/calendar\r\n\r\n",
                "expected a calendar object, found none",
            ),
            (
                "BEGIN:VCAP\r\nVERSION:2.0\r\n",
                "line 2: expected END:VCAP before this, for the VCAP begun in line 1",
            ),
            (
                "BEGIN:VCAP\r\nrubbish\r\nEND:VCAP\r\n",
                "line 2: expected ':' before the value",
            ),
        ] {
            let refused = ids(object.as_bytes()).unwrap_err().to_string();
            assert!(refused.starts_with(expected), "{object:?}: {refused}");
        }
    }

    #[test]
    fn bounds_are_kept() {
        let limits = Limits {
            nesting: 3,
            line_length: 50,
            ..Limits::default()
        };
        let deep = |depth: usize| {
            format!(
                "{}{}",
                "BEGIN:X\r\n".repeat(depth),
                "END:X\r\n".repeat(depth)
            )
        };
        assert!(components(deep(3).as_bytes(), &limits).is_ok());
        assert!(components(deep(4).as_bytes(), &limits).is_err());
        let long = |length: usize| format!("BEGIN:X\r\nA:{}\r\nEND:X\r\n", "x".repeat(length));
        assert!(components(long(48).as_bytes(), &limits).is_ok());
        assert!(components(long(49).as_bytes(), &limits).is_err());
    }
}
