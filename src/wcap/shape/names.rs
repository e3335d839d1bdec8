//! The properties of a component in the order Calendar Server wrote them, and how much a client must ask for to
//! see each.

use super::Attributes::{self, All, Brief, Usual};

macro_rules! names {
    ($($variant:ident $text:literal $level:ident $ours:literal;)*) => {
        /// A property that has a place of its own; the order is that of an answer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Name {
            $(#[doc = $text] $variant,)*
        }

        impl Name {
            /// The name as it is written.
            pub(super) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The least `attrset` that shows it.
            pub(super) fn level(self) -> Attributes {
                match self {
                    $(Self::$variant => $level,)*
                }
            }

            /// Whether answers say it in the server's words, whatever is stored.
            pub(super) fn is_ours(self) -> bool {
                match self {
                    $(Self::$variant => $ours,)*
                }
            }
        }

        /// The place of a property whose name is in capitals.
        fn exactly(name: &str) -> Option<Name> {
            match name {
                $($text => Some(Name::$variant),)*
                _ => None,
            }
        }
    };
}

names! {
    Uid "UID" Brief false;
    RecurrenceId "RECURRENCE-ID" Brief true;
    Dtstamp "DTSTAMP" All false;
    Summary "SUMMARY" Brief false;
    Dtstart "DTSTART" Brief true;
    Dtend "DTEND" Brief true;
    Due "DUE" Brief true;
    Duration "DURATION" Brief true;
    Created "CREATED" All true;
    LastModified "LAST-MODIFIED" All true;
    Priority "PRIORITY" All false;
    Sequence "SEQUENCE" All false;
    PercentComplete "PERCENT-COMPLETE" All false;
    Completed "COMPLETED" All false;
    Description "DESCRIPTION" All false;
    Class "CLASS" Usual false;
    Location "LOCATION" Usual false;
    Organizer "ORGANIZER" All false;
    Status "STATUS" All false;
    Transp "TRANSP" All false;
    Rrule "RRULE" Usual false;
    Rdate "RDATE" Usual false;
    Exrule "EXRULE" Usual false;
    Exdate "EXDATE" Usual false;
    Categories "CATEGORIES" All false;
    Attendee "ATTENDEE" All false;
    Other "any other" All false;
    OriginalDtstart "X-NSCP-ORIGINAL-DTSTART" All true;
    Language "X-NSCP-LANGUAGE" All false;
    DtstartTzid "X-NSCP-DTSTART-TZID" Usual true;
    DtendTzid "X-NSCP-DTEND-TZID" Usual true;
    DueTzid "X-NSCP-DUE-TZID" Usual true;
    Floating "X-WCAPD-FLOATING" Usual true;
    Tombstone "X-NSCP-TOMBSTONE" All true;
    Ongoing "X-NSCP-ONGOING" All true;
    OrganizerEmail "X-NSCP-ORGANIZER-EMAIL" All true;
    State "X-NSCP-GSE-COMPONENT-STATE" All true;
    TriggeredBy "X-NSCP-TRIGGERED_BY" All true;
}

/// The place of a property; letter case does not count.
pub(super) fn of(name: &str) -> Name {
    let lower = name.bytes().any(|b| b.is_ascii_lowercase());
    let found = match lower {
        false => exactly(name),
        true => exactly(&name.to_ascii_uppercase()),
    };
    found.unwrap_or(Name::Other)
}
