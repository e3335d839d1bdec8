//! The properties of a calendar as answers tell them, in Calendar Server's order.
//!
//! Which of them stand in an answer depends on what was asked: get_freebusy tells fewer than get_calprops.

use crate::core::calendars::CalendarView;
use crate::ical::value;
use crate::wcap::reply::Calendar;

/// Which properties an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Those of get_freebusy: what the oldest clients look for, and nothing that is of no use to them.
    FreeBusy,
    /// Those of the fetch commands.
    Fetch,
    /// All: get_calprops.
    All,
}

/// What goes with the properties of a calendar.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras<'a> {
    /// The mail address it was asked for by.
    pub mail: Option<&'a str>,
    /// How many invitations wait for an answer.
    pub invitations: Option<usize>,
}

/// Adds the properties of `view` to an answer.
pub fn push(calendar: &mut Calendar, view: &CalendarView, block: Block, extras: Extras<'_>) {
    let properties = &view.calendar.properties;
    let mut out = Out {
        calendar,
        more: block != Block::FreeBusy,
    };
    out.value("LAST-MODIFIED", view.calendar.modified.to_string());
    out.value("CREATED", view.calendar.created.to_string());
    // Sun's constants: nobody knows what they once meant.
    out.value("READ", "999");
    out.value("WRITE", "999");
    out.value("RELATIVE-CALID", &view.calid);
    if let Some(mail) = extras.mail.filter(|_| out.more) {
        out.named("X-S1CS-EMAIL", mail);
    }
    out.text("NAME", &properties.name);
    out.more("LANGUAGE", &properties.language);
    out.value("PRIMARY-OWNER", &view.primary_owner);
    for owner in &view.owners {
        out.more("OWNERS", owner);
    }
    out.more("TZID", &properties.tzid);
    for entry in &properties.acl {
        out.value("ACCESS-CONTROL-ENTRY", entry);
    }
    out.value("RESOURCE", flag(properties.resource));
    out.named(
        "X-S1CS-CALPROPS-ALLOW-DOUBLEBOOKING",
        flag(properties.double_booking),
    );
    if block == Block::All {
        let include = flag(properties.free_busy_include);
        out.named("X-S1CS-CALPROPS-FB-INCLUDE", include);
        let name = &view.common_name;
        out.calendar.add_text("X-S1CS-CALPROPS-COMMON-NAME", name);
        if view.default {
            out.named("X-S1CS-DEFAULTCALENDAR", "1");
        }
        // Rights that CAP clients have set; the access list does not show them.
        for carid in &view.carids {
            out.calendar.add_text("X-WCAPD-CALPROPS-VCAR", carid);
        }
    }
    if !out.more {
        return;
    }
    if !properties.description.is_empty() {
        out.text("DESCRIPTION", &properties.description);
    }
    if !properties.categories.is_empty() {
        let name = "X-NSCP-CALPROPS-CATEGORIES";
        let categories = value::texts_property(name, &properties.categories);
        out.calendar.push(categories);
    }
    if !properties.charset.eq_ignore_ascii_case("utf-8") {
        out.more("CHARSET", &properties.charset);
    }
    out.more("CALMASTER", &properties.master);
    out.more("PARENT-CALID", view.parent.as_deref().unwrap_or_default());
    if let Some(count) = extras.invitations {
        out.named("X-S1CS-CALPROPS-INVITATION-COUNT", &count.to_string());
    }
}

/// The name alone: what a calendar tells that may not be read.
pub fn push_name(calendar: &mut Calendar, view: &CalendarView) {
    calendar.add_text("X-NSCP-CALPROPS-NAME", &view.calendar.properties.name);
}

fn flag(set: bool) -> &'static str {
    if set { "1" } else { "0" }
}

struct Out<'a> {
    calendar: &'a mut Calendar,
    /// Whether more is told than the oldest clients look for.
    more: bool,
}

impl Out<'_> {
    fn named(&mut self, name: &str, value: &str) {
        self.calendar.add_value(name, value);
    }

    fn value(&mut self, name: &str, value: impl AsRef<str>) {
        let name = format!("X-NSCP-CALPROPS-{name}");
        self.calendar.add_value(&name, value.as_ref());
    }

    fn text(&mut self, name: &str, text: &str) {
        self.calendar
            .add_text(&format!("X-NSCP-CALPROPS-{name}"), text);
    }

    /// A property that is told only where more is, and only if it says something.
    fn more(&mut self, name: &str, text: &str) {
        if self.more && !text.is_empty() {
            self.text(name, text);
        }
    }
}
