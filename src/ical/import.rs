//! A file of unknown descent to calendar objects: read, checked, grouped; whatever cannot be taken is named.
//!
//! The one way in for imports, so that every door takes and refuses the same. Stores nothing.

use std::fmt;

use super::check::{self, Issue, Severity};
use super::component::{Component, Entry};
use super::object::{self, CalendarObject, Header, Rejected};
use super::parse::{self, Limits, ParseError};

/// What a file holds.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// What can be stored, by the first appearance of their UID.
    pub objects: Vec<CalendarObject>,
    /// The headers of its VCALENDARs.
    pub headers: Vec<Header>,
    /// Everything that was lost, ordered by line.
    pub faults: Vec<Fault>,
    /// How many more there were than [`Limits::errors`] allows to list.
    pub unlisted: usize,
    /// Components that were not taken, alarms and the like not counted.
    pub refused: usize,
}

/// Something that was lost, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A line or a block that cannot be read.
    Unreadable(ParseError),
    /// A component whose meaning cannot be told: its line, its name, what is wrong in it.
    Unsound(u32, Box<str>, Issue),
    /// A component that has no place in an object.
    Misfit(Rejected),
    /// An object with too much of something.
    Oversized {
        /// Line of the BEGIN of its first component.
        line: u32,
        /// Of what: `octets`, `attendees`, `exceptions`.
        what: &'static str,
        /// How much of it.
        length: usize,
        /// How much is allowed.
        limit: usize,
    },
}

impl Fault {
    /// Line of the broken line, or of the BEGIN of the component that was not taken.
    pub fn line(&self) -> u32 {
        match self {
            Self::Unreadable(error) => error.line,
            Self::Unsound(line, ..) => *line,
            Self::Misfit(rejected) => rejected.line,
            Self::Oversized { line, .. } => *line,
        }
    }
}

/// One sentence that starts with the line.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Unsound(line, name, issue) => {
                write!(f, "line {line}: this {name} was left out: {issue}")
            }
            Self::Misfit(rejected) => write!(
                f,
                "line {}: this {} was left out: {}",
                rejected.line, rejected.name, rejected.reason
            ),
            Self::Oversized {
                line,
                what,
                length,
                limit,
            } => write!(
                f,
                "line {line}: this object was left out: expected at most {limit} {what}, found {length}"
            ),
        }
    }
}

/// Reads a file, mending what can be mended, and groups what is sound into objects.
///
/// A component without UID gets one from `new_uid`. Passing one of the limits of the whole input leaves no
/// objects and one fault.
pub fn import(input: &[u8], limits: &Limits, new_uid: &mut dyn FnMut() -> String) -> Import {
    let parsed = parse::parse_mending(input, limits);
    let mut import = Import {
        unlisted: parsed.unlisted,
        refused: parsed.left_out,
        ..Import::default()
    };
    for error in parsed.errors {
        if !error.message.is_warning() {
            import.faults.push(Fault::Unreadable(error));
        }
    }
    import.gather(parsed.components, None, new_uid);
    import.finish(limits)
}

/// As [`import`], from components that were read in another way. Those of a message, which `method` says, need not
/// say when they are: some of iTIP's do not (RFC 5546 section 3).
pub fn from_components(
    components: Vec<Component>,
    method: Option<&str>,
    limits: &Limits,
    new_uid: &mut dyn FnMut() -> String,
) -> Import {
    let mut import = Import::default();
    import.gather(components, method, new_uid);
    import.finish(limits)
}

impl Import {
    /// Groups what is sound in `parsed` into objects.
    fn gather(
        &mut self,
        parsed: Vec<Component>,
        method: Option<&str>,
        new_uid: &mut dyn FnMut() -> String,
    ) {
        let mut components = Vec::new();
        for outermost in parsed {
            if !outermost.is("VCALENDAR") {
                components.extend(self.checked(outermost, method));
                continue;
            }
            let mut calendar = Component::new(outermost.name()).at_line(outermost.source_line());
            for entry in outermost.into_entries() {
                match entry {
                    Entry::Property(property) => calendar.push(property),
                    Entry::Component(inner) => {
                        if let Some(inner) = self.checked(inner, method) {
                            calendar.push_component(inner);
                        }
                    }
                }
            }
            components.push(calendar);
        }
        let split = object::split(components, new_uid);
        self.objects = split.objects;
        self.headers = split.headers;
        self.refused += split.rejected.len();
        self.faults
            .extend(split.rejected.into_iter().map(Fault::Misfit));
    }

    /// The component, unless its meaning cannot be told.
    ///
    /// A file is taken for what it says, even one that was once a message: what has no time cannot be stored.
    fn checked(&mut self, component: Component, method: Option<&str>) -> Option<Component> {
        let issues = check::component(&component, method);
        match issues.into_iter().find(|i| i.severity == Severity::Error) {
            None => Some(component),
            Some(issue) => {
                self.refused += 1;
                self.faults.push(Fault::Unsound(
                    component.source_line(),
                    component.name().into(),
                    issue,
                ));
                None
            }
        }
    }

    fn finish(mut self, limits: &Limits) -> Self {
        self.faults.sort_by_key(Fault::line);
        let over = self.faults.len().saturating_sub(limits.errors);
        self.faults.truncate(limits.errors);
        self.unlisted += over;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Import {
        import(text.as_bytes(), &Limits::DEFAULT, &mut || "new".to_owned())
    }

    #[test]
    fn what_cannot_be_taken_is_named_and_the_rest_kept() {
        let import = run(
            "BEGIN:VCALENDAR\nMETHOD:PUBLISH\nBEGIN:VEVENT\nUID:1\nDTSTART:20240101T100000Z\nEND:VEVENT\n\n\
             BEGIN:VEVENT\nUID:2\nDTSTART:whenever\nEND:VEVENT\n\
             BEGIN:VEVENT\nUID:3\nDTSTART;20240101\nEND:VEVENT\n\
             BEGIN:VEVENT\nUID:4\nDTSTART:20240101T100000Z\nNONSENSE\nEND:VEVENT\n\
             BEGIN:VFREEBUSY\nUID:5\nEND:VFREEBUSY\n\
             BEGIN:VTODO\nEND:VTODO\nEND:VCALENDAR\n",
        );
        let uids: Vec<_> = import.objects.iter().map(|o| o.uid.as_str()).collect();
        assert_eq!(uids, ["1", "4", "new"]);
        assert_eq!(import.refused, 3);
        let faults: Vec<_> = import.faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "line 8: this VEVENT was left out: line 10: DTSTART: expected a date or a time written YYYYMMDDTHHMMSS, with Z for UTC",
                "line 12: this VEVENT was left out because of line 14",
                "line 14: expected a parameter written NAME=value",
                "line 19: expected ':' before the value",
                "line 21: this VFREEBUSY was left out: expected VEVENT, VTODO or VJOURNAL; free/busy time is computed, not stored",
            ]
        );
        assert_eq!(import.headers[0].method.as_deref(), Some("PUBLISH"));
    }

    #[test]
    fn nothing_to_take_is_no_fault() {
        for text in ["", "\n\n", "BEGIN:VCALENDAR\nEND:VCALENDAR\n"] {
            let import = run(text);
            assert!(import.objects.is_empty() && import.faults.is_empty());
        }
    }

    #[test]
    fn faults_are_listed_up_to_the_limit() {
        let limits = Limits {
            errors: 3,
            ..Limits::DEFAULT
        };
        for text in [
            "BEGIN:VEVENT\nEND:VEVENT\n",
            "BEGIN:VEVENT\nUID\nEND:VEVENT\n",
        ] {
            let import = import(text.repeat(5).as_bytes(), &limits, &mut String::new);
            assert_eq!((import.refused, import.faults.len()), (5, 3));
        }
    }
}
