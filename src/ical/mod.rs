//! iCalendar (RFC 5545): text in and out, times, zones, recurrence. Knows no store and no protocol.

pub mod alarms;
pub mod check;
pub mod component;
pub mod datetime;
pub mod delivery;
pub mod import;
pub mod instances;
pub mod interop;
pub mod names;
pub mod object;
pub mod parse;
pub mod print;
pub mod recur;
pub mod rule;
pub mod typed;
pub mod value;
pub mod vtimezone;
pub mod windows;
pub mod zone;
