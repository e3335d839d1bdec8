//! The standard's names, one row each: components, properties, parameters (RFC 5545 sections 3.2, 3.6 to 3.8,
//! with what RFC 7986, 7808 and 9074 add, and EXRULE of RFC 2445).
//!
//! A table only; `check` holds components against it. Names that are not here are nobody's business: they are
//! kept and never complained of.

/// What a value is written like (section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Base64 (3.3.1)
    Binary,
    /// TRUE or FALSE (3.3.2)
    Boolean,
    /// An address, mostly `mailto:` (3.3.3)
    CalAddress,
    /// `YYYYMMDD` (3.3.4)
    Date,
    /// A date with a time (3.3.5)
    DateTime,
    /// A length of time (3.3.6)
    Duration,
    /// A decimal number (3.3.7)
    Float,
    /// A whole number (3.3.8)
    Integer,
    /// A stretch of time (3.3.9)
    Period,
    /// A recurrence rule (3.3.10)
    Recur,
    /// Text with escapes (3.3.11)
    Text,
    /// A time of day (3.3.12)
    Time,
    /// An address of any scheme (3.3.13)
    Uri,
    /// An offset from UTC (3.3.14)
    UtcOffset,
    /// Two decimal numbers: only GEO is written so (3.8.1.6).
    Geo,
    /// Code, text and data: only REQUEST-STATUS is written so (3.8.8.3).
    RequestStatus,
    /// A date with a time that must be UTC.
    Utc,
}

impl ValueType {
    /// The type a VALUE parameter names; letter case does not count.
    pub fn named(name: &str) -> Option<Self> {
        VALUE_TYPES
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|&(_, value_type)| value_type)
    }

    /// What VALUE calls it.
    pub fn name(self) -> &'static str {
        let named = match self {
            Self::Geo => Self::Float,
            Self::RequestStatus => Self::Text,
            Self::Utc => Self::DateTime,
            other => other,
        };
        VALUE_TYPES
            .iter()
            .find(|&&(_, value_type)| value_type == named)
            .map_or("TEXT", |&(name, _)| name)
    }
}

const VALUE_TYPES: [(&str, ValueType); 14] = [
    ("BINARY", ValueType::Binary),
    ("BOOLEAN", ValueType::Boolean),
    ("CAL-ADDRESS", ValueType::CalAddress),
    ("DATE", ValueType::Date),
    ("DATE-TIME", ValueType::DateTime),
    ("DURATION", ValueType::Duration),
    ("FLOAT", ValueType::Float),
    ("INTEGER", ValueType::Integer),
    ("PERIOD", ValueType::Period),
    ("RECUR", ValueType::Recur),
    ("TEXT", ValueType::Text),
    ("TIME", ValueType::Time),
    ("URI", ValueType::Uri),
    ("UTC-OFFSET", ValueType::UtcOffset),
];

/// How often a property may stand in a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Count {
    /// Exactly once.
    One,
    /// At most once.
    Optional,
    /// Any number of times.
    Any,
}

/// A component of the standard.
#[derive(Debug, PartialEq, Eq)]
pub struct ComponentRow {
    /// Its name, upper case.
    pub name: &'static str,
    /// Where the standard defines it.
    pub section: &'static str,
    /// The components it stands in; none when it is outermost.
    pub parents: &'static [&'static str],
}

/// A property of the standard.
#[derive(Debug, PartialEq, Eq)]
pub struct PropertyRow {
    /// Its name, upper case.
    pub name: &'static str,
    /// Where the standard defines it.
    pub section: &'static str,
    /// Its type when no VALUE parameter says another.
    pub default: ValueType,
    /// The types VALUE may say, the default included.
    pub allowed: &'static [ValueType],
    /// Whether it takes several values with commas between them.
    pub list: bool,
    /// The components it may stand in, and how often.
    pub places: &'static [(&'static str, Count)],
}

impl PropertyRow {
    /// How often it may stand in the component called `name`; `None`: never.
    pub fn count_in(&self, name: &str) -> Option<Count> {
        self.places
            .iter()
            .find(|(place, _)| place.eq_ignore_ascii_case(name))
            .map(|&(_, count)| count)
    }
}

/// What a parameter's value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterType {
    /// Anything.
    Text,
    /// An address in quotes.
    Address,
    /// TRUE or FALSE.
    Boolean,
    /// One of these words, and no other.
    Closed(&'static [&'static str]),
    /// One of these words, or one that someone else has registered.
    Open(&'static [&'static str]),
}

/// A parameter of the standard.
#[derive(Debug, PartialEq, Eq)]
pub struct ParameterRow {
    /// Its name, upper case.
    pub name: &'static str,
    /// Where the standard defines it.
    pub section: &'static str,
    /// What it may say; of words the first is the default.
    pub values: ParameterType,
}

macro_rules! components {
    ($($name:literal $section:literal in $($parent:literal),* ;)*) => {
        /// The components, in the standard's order.
        pub const COMPONENTS: &[ComponentRow] = &[$(ComponentRow {
            name: $name,
            section: $section,
            parents: &[$($parent),*],
        }),*];
    };
}

components! {
    "VCALENDAR" "3.4"   in ;
    "VEVENT"    "3.6.1" in "VCALENDAR";
    "VTODO"     "3.6.2" in "VCALENDAR";
    "VJOURNAL"  "3.6.3" in "VCALENDAR";
    "VFREEBUSY" "3.6.4" in "VCALENDAR";
    "VTIMEZONE" "3.6.5" in "VCALENDAR";
    "STANDARD"  "3.6.5" in "VTIMEZONE";
    "DAYLIGHT"  "3.6.5" in "VTIMEZONE";
    "VALARM"    "3.6.6" in "VEVENT", "VTODO";
}

macro_rules! count {
    (1) => {
        Count::One
    };
    (?) => {
        Count::Optional
    };
    (*) => {
        Count::Any
    };
}

macro_rules! is_list {
    () => {
        false
    };
    (list) => {
        true
    };
}

macro_rules! properties {
    ($($name:literal $section:literal $default:ident $(| $other:ident)* $([$list:ident])? :
        $($place:ident $count:tt),+ ;)*) => {
        /// The properties, in the standard's order.
        pub const PROPERTIES: &[PropertyRow] = &[$(PropertyRow {
            name: $name,
            section: $section,
            default: ValueType::$default,
            allowed: &[ValueType::$default $(, ValueType::$other)*],
            list: is_list!($($list)?),
            places: &[$((stringify!($place), count!($count))),+],
        }),*];
    };
}

properties! {
    // Of the calendar
    "CALSCALE"         "3.7.1"   Text : VCALENDAR ?;
    "METHOD"           "3.7.2"   Text : VCALENDAR ?;
    "PRODID"           "3.7.3"   Text : VCALENDAR 1;
    "VERSION"          "3.7.4"   Text : VCALENDAR 1;
    // Descriptive
    "ATTACH"           "3.8.1.1" Uri | Binary : VEVENT *, VTODO *, VJOURNAL *, VALARM *;
    "CATEGORIES"       "3.8.1.2" Text [list] : VCALENDAR *, VEVENT *, VTODO *, VJOURNAL *;
    "CLASS"            "3.8.1.3" Text : VEVENT ?, VTODO ?, VJOURNAL ?;
    "COMMENT"          "3.8.1.4" Text : VEVENT *, VTODO *, VJOURNAL *, VFREEBUSY *, STANDARD *, DAYLIGHT *;
    "DESCRIPTION"      "3.8.1.5" Text : VCALENDAR *, VEVENT ?, VTODO ?, VJOURNAL *, VALARM ?;
    "GEO"              "3.8.1.6" Geo | Float : VEVENT ?, VTODO ?;
    "LOCATION"         "3.8.1.7" Text : VEVENT ?, VTODO ?;
    "PERCENT-COMPLETE" "3.8.1.8" Integer : VTODO ?;
    "PRIORITY"         "3.8.1.9" Integer : VEVENT ?, VTODO ?;
    "RESOURCES"        "3.8.1.10" Text [list] : VEVENT *, VTODO *;
    "STATUS"           "3.8.1.11" Text : VEVENT ?, VTODO ?, VJOURNAL ?;
    "SUMMARY"          "3.8.1.12" Text : VEVENT ?, VTODO ?, VJOURNAL ?, VALARM ?;
    // Date and time
    "COMPLETED"        "3.8.2.1" Utc | DateTime : VTODO ?;
    "DTEND"            "3.8.2.2" DateTime | Date : VEVENT ?, VFREEBUSY ?;
    "DUE"              "3.8.2.3" DateTime | Date : VTODO ?;
    "DTSTART"          "3.8.2.4" DateTime | Date :
        VEVENT ?, VTODO ?, VJOURNAL ?, VFREEBUSY ?, STANDARD 1, DAYLIGHT 1;
    "DURATION"         "3.8.2.5" Duration : VEVENT ?, VTODO ?, VALARM ?;
    "FREEBUSY"         "3.8.2.6" Period [list] : VFREEBUSY *;
    "TRANSP"           "3.8.2.7" Text : VEVENT ?;
    // Time zone
    "TZID"             "3.8.3.1" Text : VTIMEZONE 1;
    "TZNAME"           "3.8.3.2" Text : STANDARD *, DAYLIGHT *;
    "TZOFFSETFROM"     "3.8.3.3" UtcOffset : STANDARD 1, DAYLIGHT 1;
    "TZOFFSETTO"       "3.8.3.4" UtcOffset : STANDARD 1, DAYLIGHT 1;
    "TZURL"            "3.8.3.5" Uri : VTIMEZONE ?;
    "TZUNTIL"          "RFC 7808 7.1" Utc | DateTime : VTIMEZONE ?;
    "TZID-ALIAS-OF"    "RFC 7808 7.2" Text : VTIMEZONE *;
    // Relationship
    "ATTENDEE"         "3.8.4.1" CalAddress : VEVENT *, VTODO *, VJOURNAL *, VFREEBUSY *, VALARM *;
    "CONTACT"          "3.8.4.2" Text : VEVENT *, VTODO *, VJOURNAL *, VFREEBUSY ?;
    "ORGANIZER"        "3.8.4.3" CalAddress : VEVENT ?, VTODO ?, VJOURNAL ?, VFREEBUSY ?;
    "RECURRENCE-ID"    "3.8.4.4" DateTime | Date : VEVENT ?, VTODO ?, VJOURNAL ?;
    "RELATED-TO"       "3.8.4.5" Text | Uri : VEVENT *, VTODO *, VJOURNAL *, VALARM *;
    "URL"              "3.8.4.6" Uri : VCALENDAR ?, VEVENT ?, VTODO ?, VJOURNAL ?, VFREEBUSY ?;
    "UID"              "3.8.4.7" Text : VCALENDAR ?, VEVENT 1, VTODO 1, VJOURNAL 1, VFREEBUSY 1, VALARM ?;
    // Recurrence
    "EXDATE"           "3.8.5.1" DateTime | Date [list] : VEVENT *, VTODO *, VJOURNAL *;
    "RDATE"            "3.8.5.2" DateTime | Date | Period [list] :
        VEVENT *, VTODO *, VJOURNAL *, STANDARD *, DAYLIGHT *;
    "RRULE"            "3.8.5.3" Recur : VEVENT ?, VTODO ?, VJOURNAL ?, STANDARD ?, DAYLIGHT ?;
    "EXRULE"           "RFC 2445 4.8.5.2" Recur : VEVENT *, VTODO *, VJOURNAL *;
    // Alarm
    "ACTION"           "3.8.6.1" Text : VALARM 1;
    "REPEAT"           "3.8.6.2" Integer : VALARM ?;
    "TRIGGER"          "3.8.6.3" Duration | DateTime : VALARM 1;
    "ACKNOWLEDGED"     "RFC 9074 6.1" Utc | DateTime : VALARM ?;
    "PROXIMITY"        "RFC 9074 8.1" Text : VALARM ?;
    // Change management
    "CREATED"          "3.8.7.1" Utc | DateTime : VEVENT ?, VTODO ?, VJOURNAL ?;
    "DTSTAMP"          "3.8.7.2" Utc | DateTime : VEVENT 1, VTODO 1, VJOURNAL 1, VFREEBUSY 1;
    "LAST-MODIFIED"    "3.8.7.3" Utc | DateTime :
        VCALENDAR ?, VEVENT ?, VTODO ?, VJOURNAL ?, VTIMEZONE ?;
    "SEQUENCE"         "3.8.7.4" Integer : VEVENT ?, VTODO ?, VJOURNAL ?;
    // Miscellaneous
    "REQUEST-STATUS"   "3.8.8.3" RequestStatus | Text : VEVENT *, VTODO *, VJOURNAL *, VFREEBUSY *;
    // New properties
    "NAME"             "RFC 7986 5.1" Text : VCALENDAR *;
    "REFRESH-INTERVAL" "RFC 7986 5.7" Duration : VCALENDAR ?;
    "SOURCE"           "RFC 7986 5.8" Uri : VCALENDAR ?;
    "COLOR"            "RFC 7986 5.9" Text : VCALENDAR ?, VEVENT ?, VTODO ?, VJOURNAL ?;
    "IMAGE"            "RFC 7986 5.10" Uri | Binary : VCALENDAR *, VEVENT *, VTODO *, VJOURNAL *;
    "CONFERENCE"       "RFC 7986 5.11" Uri : VEVENT *, VTODO *;
}

macro_rules! parameters {
    ($($name:literal $section:literal $kind:ident $([$($word:literal),+])? ;)*) => {
        /// The parameters, in the standard's order.
        pub const PARAMETERS: &[ParameterRow] = &[$(ParameterRow {
            name: $name,
            section: $section,
            values: ParameterType::$kind $((&[$($word),+]))?,
        }),*];
    };
}

parameters! {
    "ALTREP"         "3.2.1"  Address;
    "CN"             "3.2.2"  Text;
    "CUTYPE"         "3.2.3"  Open ["INDIVIDUAL", "GROUP", "RESOURCE", "ROOM", "UNKNOWN"];
    "DELEGATED-FROM" "3.2.4"  Address;
    "DELEGATED-TO"   "3.2.5"  Address;
    "DIR"            "3.2.6"  Address;
    "ENCODING"       "3.2.7"  Closed ["8BIT", "BASE64"];
    "FMTTYPE"        "3.2.8"  Text;
    "FBTYPE"         "3.2.9"  Open ["BUSY", "FREE", "BUSY-UNAVAILABLE", "BUSY-TENTATIVE"];
    "LANGUAGE"       "3.2.10" Text;
    "MEMBER"         "3.2.11" Address;
    "PARTSTAT"       "3.2.12" Open ["NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED",
        "COMPLETED", "IN-PROCESS"];
    "RANGE"          "3.2.13" Closed ["THISANDFUTURE", "THISANDPRIOR"];
    "RELATED"        "3.2.14" Closed ["START", "END"];
    "RELTYPE"        "3.2.15" Open ["PARENT", "CHILD", "SIBLING"];
    "ROLE"           "3.2.16" Open ["REQ-PARTICIPANT", "CHAIR", "OPT-PARTICIPANT", "NON-PARTICIPANT"];
    "RSVP"           "3.2.17" Boolean;
    "SENT-BY"        "3.2.18" Address;
    "TZID"           "3.2.19" Text;
    "VALUE"          "3.2.20" Open ["TEXT"];
    "DISPLAY"        "RFC 7986 6.1" Open ["BADGE", "GRAPHIC", "FULLSIZE", "THUMBNAIL"];
    "EMAIL"          "RFC 7986 6.2" Text;
    "FEATURE"        "RFC 7986 6.3" Open ["AUDIO", "CHAT", "FEED", "MODERATOR", "PHONE", "SCREEN", "VIDEO"];
    "LABEL"          "RFC 7986 6.4" Text;
}

/// The row of a component.
pub fn component(name: &str) -> Option<&'static ComponentRow> {
    COMPONENTS
        .iter()
        .find(|row| row.name.eq_ignore_ascii_case(name))
}

/// The row of a property.
pub fn property(name: &str) -> Option<&'static PropertyRow> {
    property_index(name).map(|at| &PROPERTIES[at])
}

/// The place of a property's row in [`PROPERTIES`].
pub fn property_index(name: &str) -> Option<usize> {
    PROPERTIES
        .iter()
        .position(|row| row.name.eq_ignore_ascii_case(name))
}

/// The row of a parameter.
pub fn parameter(name: &str) -> Option<&'static ParameterRow> {
    PARAMETERS
        .iter()
        .find(|row| row.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_stands_once() {
        let names = |rows: Vec<&'static str>| {
            let all: HashSet<_> = rows.iter().copied().collect();
            assert_eq!(all.len(), rows.len());
            assert!(rows.iter().all(|n| *n == n.to_ascii_uppercase()));
        };
        names(COMPONENTS.iter().map(|r| r.name).collect());
        names(PROPERTIES.iter().map(|r| r.name).collect());
        names(PARAMETERS.iter().map(|r| r.name).collect());
    }

    #[test]
    fn rows_speak_of_components_of_the_table() {
        for row in PROPERTIES {
            assert!(
                row.places
                    .iter()
                    .all(|(place, _)| component(place).is_some())
            );
            assert_eq!(row.allowed[0], row.default);
        }
        for row in COMPONENTS {
            assert!(row.parents.iter().all(|parent| component(parent).is_some()));
        }
    }

    #[test]
    fn rows_say_what_the_standard_says() {
        let dtstart = property("dtstart").unwrap();
        assert_eq!(dtstart.count_in("standard"), Some(Count::One));
        assert_eq!(dtstart.count_in("VALARM"), None);
        assert!(property("CATEGORIES").unwrap().list);
        assert!(!property("SUMMARY").unwrap().list);
        assert_eq!(property("X-FOO"), None);
        assert_eq!(ValueType::named("date-time"), Some(ValueType::DateTime));
        assert_eq!(ValueType::Utc.name(), "DATE-TIME");
        assert_eq!(
            parameter("related").unwrap().values,
            ParameterType::Closed(&["START", "END"])
        );
    }
}
