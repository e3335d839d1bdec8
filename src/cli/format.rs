//! Files in the other formats of WCAP: what `export --format` writes and `import` understands beside iCalendar.

use crate::ical::{parse, print};
use crate::limits::Limits;
use crate::wcap::decode::{DecodeError, decode};
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

/// A document in another format as iCalendar text.
pub(super) fn to_text(
    document: &[u8],
    format: Format,
    limits: &Limits,
) -> Result<Vec<u8>, DecodeError> {
    // A value for a component, and some for each of its properties: a dozen on average.
    let nodes = limits.components.saturating_mul(12);
    let mut text = String::new();
    for calendar in decode(document, format, limits, nodes)? {
        print::write(&calendar, &mut text);
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::wcap::decode::guess;

    const TEXT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\n\
        BEGIN:VEVENT\r\nUID:one\r\nDTSTART:20260105T090000Z\r\nSUMMARY:a < b\\, c\r\n\
        END:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn there_and_back() {
        assert_eq!(guess(TEXT.as_bytes()), Format::Calendar);
        for format in [Format::Xml, Format::XCal, Format::JCal] {
            let document = from_text(TEXT.into(), format);
            assert_eq!(guess(&document), format);
            let back = to_text(&document, format, &Limits::default()).unwrap();
            assert_eq!(String::from_utf8(back).unwrap(), TEXT);
            let cut = &document[..document.len() / 2];
            assert!(to_text(cut, format, &Limits::default()).is_err());
        }
    }

    #[test]
    fn json() {
        let document = String::from_utf8(from_text(TEXT.into(), Format::Json)).unwrap();
        assert!(document.contains("a < b, c"), "{document}");
        assert_eq!(from_text(TEXT.into(), Format::Calendar), TEXT.as_bytes());
        assert_eq!(guess(document.as_bytes()), Format::Json);
        let refused = to_text(document.as_bytes(), Format::Json, &Limits::default());
        assert_eq!(refused, Err(DecodeError::NotReadable));
    }
}
