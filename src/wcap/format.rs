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
}

impl Format {
    /// All formats, the default first.
    pub const ALL: [Self; 3] = [Self::Calendar, Self::Xml, Self::Json];

    /// The media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Calendar => "text/calendar",
            Self::Xml => "text/xml",
            Self::Json => "text/json",
        }
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Calendar => "text/calendar; charset=UTF-8",
            Self::Xml => "text/xml; charset=UTF-8",
            Self::Json => "text/json; charset=UTF-8",
        }
    }

    /// What files of the format are called, as in `export.ics`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Calendar => "ics",
            Self::Xml => "xml",
            Self::Json => "json",
        }
    }

    /// The format of a media type, letter case ignored.
    pub fn from_media_type(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.media_type().eq_ignore_ascii_case(name))
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
        assert_eq!(Format::from_media_type("text/js"), None);
        assert_eq!(Format::from_media_type(""), None);
    }
}
