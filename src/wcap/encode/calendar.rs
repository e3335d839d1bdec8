//! `text/calendar`: the tree as iCalendar text, one VCALENDAR after the other.

use crate::ical::component::Component;
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
