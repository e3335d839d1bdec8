//! Files in the other formats of WCAP: what `export --format` writes and `import` understands beside iCalendar.

use crate::ical::{parse, print};
use crate::limits::Limits;
use crate::text::xml::XmlLimits;
use crate::wcap::decode::xml::{DecodeError, decode};
use crate::wcap::encode::encode;
use crate::wcap::format::Format;
use crate::wcap::reply::Reply;

/// iCalendar text of this server's own in another format.
pub(super) fn from_text(text: Vec<u8>, format: Format) -> Vec<u8> {
    if format == Format::Calendar {
        return text;
    }
    // The text was printed from what had passed the limits of its time; here it is read for this one purpose.
    let limits = parse::Limits {
        bytes: usize::MAX,
        line: usize::MAX,
        depth: usize::MAX,
        components: usize::MAX,
        properties: usize::MAX,
        ..parse::Limits::DEFAULT
    };
    let mut reply = Reply::default();
    for calendar in parse::parse(&text, &limits).components {
        reply.push(calendar);
    }
    encode(&reply, format)
}

/// Whether a file that begins with `octets` is XML: iCalendar text never begins with `<`.
pub(super) fn is_xml(octets: &[u8]) -> bool {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    octets.trim_ascii_start().starts_with(b"<")
}

/// A document in Sun's XML as iCalendar text.
pub(super) fn from_xml(document: &[u8], limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    let limits = XmlLimits {
        depth: limits.nesting,
        // An element for a component, and one for each of its properties: a dozen on average.
        nodes: limits.components.saturating_mul(12),
    };
    let mut text = String::new();
    for calendar in decode(document, limits)? {
        print::write(&calendar, &mut text);
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const TEXT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\n\
        BEGIN:VEVENT\r\nUID:one\r\nDTSTART:20260105T090000Z\r\nSUMMARY:a < b\\, c\r\n\
        END:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn xml_and_back() {
        let document = from_text(TEXT.into(), Format::Xml);
        assert!(is_xml(&document) && !is_xml(TEXT.as_bytes()));
        let shown = String::from_utf8(document.clone()).unwrap();
        assert!(shown.contains("<SUMMARY>a &lt; b, c</SUMMARY>"), "{shown}");
        let back = from_xml(&document, &Limits::default()).unwrap();
        assert_eq!(String::from_utf8(back).unwrap(), TEXT);
        assert!(from_xml(b"<iCalendar>", &Limits::default()).is_err());
    }

    #[test]
    fn json() {
        let document = String::from_utf8(from_text(TEXT.into(), Format::Json)).unwrap();
        assert!(document.contains("a < b, c"), "{document}");
        assert_eq!(from_text(TEXT.into(), Format::Calendar), TEXT.as_bytes());
    }
}
