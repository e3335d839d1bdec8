//! The output formats of `fmt-out` and their names on the wire. How each is written is `encode`'s work.

/// A form an answer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// `text/calendar`: iCalendar (RFC 5545).
    #[default]
    Calendar,
    /// `text/xml`: the dialect of Calendar Server 5 and 6.
    Xml,
    /// `text/json`: the same tree as JSON.
    Json,
    /// `application/calendar+xml`: xCal (RFC 6321).
    XCal,
    /// `application/calendar+json`: jCal (RFC 7265).
    JCal,
}

impl Format {
    /// All formats, the default first.
    pub const ALL: [Self; 5] = [
        Self::Calendar,
        Self::Xml,
        Self::Json,
        Self::XCal,
        Self::JCal,
    ];

    /// The media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Calendar => "text/calendar",
            Self::Xml => "text/xml",
            Self::Json => "text/json",
            Self::XCal => "application/calendar+xml",
            Self::JCal => "application/calendar+json",
        }
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Calendar => "text/calendar; charset=UTF-8",
            Self::Xml => "text/xml; charset=UTF-8",
            Self::Json => "text/json; charset=UTF-8",
            Self::XCal => "application/calendar+xml; charset=UTF-8",
            Self::JCal => "application/calendar+json; charset=UTF-8",
        }
    }

    /// What files of the format are called, as in `export.ics`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Calendar => "ics",
            Self::Xml => "xml",
            Self::Json => "json",
            Self::XCal => "xcs",
            Self::JCal => "json",
        }
    }

    /// The format of a media type, letter case ignored. A blank is a `+` that was not encoded in a query.
    pub fn from_media_type(name: &str) -> Option<Self> {
        let name = &*name.replace(' ', "+");
        Self::ALL
            .into_iter()
            .find(|format| format.media_type().eq_ignore_ascii_case(name))
    }

    /// The format whose place a media type of cards of people takes.
    pub fn from_card_type(name: &str) -> Option<Self> {
        match &*name.replace(' ', "+").to_ascii_lowercase() {
            "text/vcard" => Some(Self::Calendar),
            "application/vcard+xml" => Some(Self::XCal),
            "application/vcard+json" => Some(Self::JCal),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_case() {
        for format in Format::ALL {
            let upper = format.media_type().to_uppercase();
            assert_eq!(Format::from_media_type(&upper), Some(format));
            assert!(format.content_type().starts_with(format.media_type()));
        }
        let unencoded = Format::from_media_type("application/calendar xml");
        assert_eq!(unencoded, Some(Format::XCal));
        assert_eq!(Format::from_media_type("text/js"), None);
        assert_eq!(Format::from_media_type(""), None);
    }
}
