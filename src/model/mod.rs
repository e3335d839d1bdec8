//! The nouns of the server: identities, calendars, people, access lists. Plain data, no store.

pub mod clock;
