//! What is in a calendar: events and to-dos, read and changed.

pub mod people;
pub mod scheduling;
