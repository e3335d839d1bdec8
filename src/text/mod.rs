//! Other notations than iCalendar: forms, XML, JSON. Small writers and strict readers; they know no protocol.

pub mod form;
pub mod json;
pub mod xml;
