//! What the CAP door is told at start: bounds, times and what it may announce.

use std::time::Duration;

use crate::ical::datetime::Timestamp;
use crate::limits::Limits;

/// A SASL mechanism that AUTHENTICATE can carry out.
///
/// None is built, so no value exists and no `AUTH` line is sent. A new one is a variant here with its
/// registered name in [`name`](Self::name); the compiler then asks for its exchange in the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {}

impl Mechanism {
    /// The name registered with IANA, as announced.
    pub fn name(self) -> &'static str {
        match self {}
    }

    /// Whether a client's word means this mechanism; the draft writes `_` where the names have `-`.
    pub fn is_called(self, word: &str) -> bool {
        word.replace('_', "-").eq_ignore_ascii_case(self.name())
    }
}

/// What every session is given.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bounds; of them those named `cap_`.
    pub limits: Limits,
    /// What AUTHENTICATE takes, in the order announced.
    pub mechanisms: Vec<Mechanism>,
    /// AUTHENTICATE commands per session; the draft allows one (section 7.1).
    pub auth_attempts: usize,
    /// `MINDATE`, the first instant a calendar may hold; `None` is the draft's own, in the year 0000.
    pub min_date: Option<Timestamp>,
    /// `MAXDATE`, the last one; `None` is the draft's own, in the year 9999.
    pub max_date: Option<Timestamp>,
    /// How long a closed session waits for the client to close its side, so that the last reply arrives.
    pub linger: Duration,
    /// How long a stopping server waits for its sessions to end.
    pub stop_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            mechanisms: Vec::new(),
            auth_attempts: 1,
            min_date: None,
            max_date: None,
            linger: Duration::from_secs(1),
            stop_grace: Duration::from_secs(5),
        }
    }
}
