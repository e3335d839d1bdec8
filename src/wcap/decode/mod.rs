//! Calendars sent to the server in other forms than iCalendar text.

pub mod xml;
