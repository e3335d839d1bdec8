//! What is in a calendar: events, to-dos and journal entries, alone or as series, read and changed.
//!
//! `edit` (with `times`, `rules`, `attendees`, `meaning`) changes one component, `series` (with `exception`,
//! `split`, `gap`) an object of several: pure functions, no store, no rights, no protocol. `store`, `delete` and `clear` are the
//! use cases around them; `organizer` knows who takes part, `desk` how an object is booked. `fetch` and `by_id`
//! read, `sync` reads what changed, `links` what is of other calendars, `people` and `scheduling` say who and what is met there.

pub mod alarms;
pub mod attach;
pub mod attendees;
mod book;
pub mod by_id;
pub mod clear;
pub(super) mod conflict;
pub mod delete;
pub(in crate::core) mod desk;
pub mod edit;
pub(in crate::core) mod exception;
pub mod fetch;
pub mod gap;
pub mod links;
pub mod meaning;
pub(in crate::core) mod organizer;
mod own_part;
pub mod people;
mod relocate;
mod reply;
mod revision;
pub mod rules;
pub mod scheduling;
pub mod series;
mod split;
pub mod store;
pub mod sync;
#[cfg(test)]
mod testing;
pub mod times;
pub mod whole;
