//! The command line of `wcapd`: reads it, acts, and says what came of it.

pub mod args;
