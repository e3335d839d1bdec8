//! The nouns of the server: identities, calendars, people, access lists. Plain data, no store.

pub mod acl;
pub mod attachment;
pub mod calendar;
pub mod clock;
pub mod id;
pub mod item;
pub mod user;
