//! What a command answers: calendars of properties and components, each with its result number last.
//!
//! A reply knows no format; `encode` prints it. The tree is that of iCalendar: one VCALENDAR per calendar asked
//! for, so that one can fail while others succeed.

use std::borrow::Cow;

use bytes::Bytes;

use crate::ical::component::{Component, Property};
use crate::wcap::errno::Errno;

/// Who made the answers: `PRODID`.
pub const PRODID: &str = concat!("-//wcapd//wcapd ", env!("CARGO_PKG_VERSION"), "//EN");

/// The name of the property that carries the result.
pub const ERRNO: &str = "X-NSCP-WCAP-ERRNO";

/// What a command that ran hands to the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Calendars in the format the client asked for.
    Reply(Reply),
    /// Calendars that were printed before, in the format the client asked for.
    Printed(Bytes),
    /// A file, whatever the format asked for.
    File(File),
    /// A page of HTML, for people and for scripts that read pages.
    Page(Page),
}

/// An answer for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where to go on: a path beside the command's, with its query.
    pub location: Option<String>,
    /// The HTML.
    pub content: String,
}

/// An answer that is a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The whole value of `Content-Type`.
    pub content_type: Cow<'static, str>,
    /// The name suggested for saving: ASCII letters, digits, `-`, `_` and `.` only.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// The calendars of an answer, in the order they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    calendars: Vec<Component>,
}

impl Reply {
    /// An answer of one calendar.
    pub fn of(calendar: Component) -> Self {
        Self {
            calendars: vec![calendar],
        }
    }

    /// An answer that is nothing but a result.
    pub fn errno(errno: Errno) -> Self {
        Self::of(Calendar::publish().finish(errno))
    }

    /// Adds a calendar at the end.
    pub fn push(&mut self, calendar: Component) {
        self.calendars.push(calendar);
    }

    /// The calendars, in order.
    pub fn calendars(&self) -> &[Component] {
        &self.calendars
    }

    /// Whether there is no calendar yet. Such a reply is printed with a result of its own: an answer without
    /// any is taken for the end of the session by clients.
    pub fn is_empty(&self) -> bool {
        self.calendars.is_empty()
    }
}

impl FromIterator<Component> for Reply {
    fn from_iter<I: IntoIterator<Item = Component>>(calendars: I) -> Self {
        Self {
            calendars: calendars.into_iter().collect(),
        }
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// A calendar of an answer while it is put together: properties first, then components, the result last.
#[derive(Debug, Clone)]
pub struct Calendar {
    component: Component,
}

impl Calendar {
    /// With `PRODID`, `METHOD:PUBLISH` and `VERSION`: what most commands answer.
    pub fn publish() -> Self {
        Self::prolog(true)
    }

    /// Without `METHOD`, as gettime, check_id, get_userprefs and the verify commands answer.
    pub fn plain() -> Self {
        Self::prolog(false)
    }

    fn prolog(method: bool) -> Self {
        let mut component = Component::new("VCALENDAR");
        component.push(Property::new("PRODID", PRODID));
        if method {
            component.push(Property::new("METHOD", "PUBLISH"));
        }
        component.push(Property::new("VERSION", "2.0"));
        Self { component }
    }

    /// Adds a property whose value is written as it is: numbers, dates, names.
    #[must_use]
    pub fn value(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.push(Property::new(name, value));
        self
    }

    /// Adds a property of type TEXT.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        self.push(Property::text(name, text));
        self
    }

    /// As [`Calendar::value`], in place.
    pub fn add_value(&mut self, name: &str, value: &str) {
        self.push(Property::new(name, value));
    }

    /// As [`Calendar::text`], in place.
    pub fn add_text(&mut self, name: &str, text: &str) {
        self.push(Property::text(name, text));
    }

    /// Adds a property.
    pub fn push(&mut self, property: Property) {
        self.component.push(property);
    }

    /// Adds a component.
    pub fn push_component(&mut self, component: Component) {
        self.component.push_component(component);
    }

    /// The calendar with its result.
    pub fn finish(mut self, errno: Errno) -> Component {
        self.push(Property::new(ERRNO, errno.to_string()));
        self.component
    }

    /// The calendar without a result, as files are.
    pub fn into_component(self) -> Component {
        self.component
    }
}

/// A component that says what became of the item `uid`: the answer of store and delete commands.
///
/// `status` is a REQUEST-STATUS, as `2.0;Success.  Store successful.`
pub fn status(kind: &str, uid: &str, recurrence_id: Option<Property>, status: &str) -> Component {
    let mut component = Component::new(kind);
    component.push(Property::new("REQUEST-STATUS", status));
    component.push(Property::text("UID", uid));
    if let Some(recurrence_id) = recurrence_id {
        component.push(recurrence_id);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_comes_last() {
        let mut calendar = Calendar::publish()
            .value("X-A", "1")
            .text("X-NSCP-CALPROPS-NAME", "a, b");
        calendar.push_component(status("VEVENT", "u;1", None, "2.0;Success."));
        let calendar = calendar.finish(Errno::Ok);
        let last = calendar.properties().last().map(Property::as_line);
        assert_eq!(last, Some("X-NSCP-WCAP-ERRNO:0"));
        assert_eq!(calendar.value("X-NSCP-CALPROPS-NAME"), Some("a\\, b"));
        let event = calendar.components().next();
        assert_eq!(event.and_then(|e| e.value("UID")), Some("u\\;1"));
        let plain = Calendar::plain().finish(Errno::LoggedOut);
        assert_eq!(plain.value("METHOD"), None);
        assert_eq!(plain.value(ERRNO), Some("-1"));
    }
}
