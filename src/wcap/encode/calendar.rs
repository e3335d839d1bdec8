//! `text/calendar`: the tree as iCalendar text, one VCALENDAR after the other.

use crate::ical::component::{Component, Property};
use crate::ical::print;

/// All calendars as text.
pub(super) fn encode(calendars: &[Component]) -> String {
    match calendars {
        [only] => print::to_string(only),
        many => {
            let mut out = String::new();
            for calendar in many {
                print::write(calendar, &mut out);
            }
            out
        }
    }
}

/// One calendar, with the lines whole that scripts take by plain search.
pub(super) fn encode_file(calendar: &Component) -> String {
    let mut out = String::new();
    let searched = |p: &Property| p.is("UID") || p.is("LAST-MODIFIED");
    print::write_with_whole(calendar, searched, &mut out);
    out
}
