//! What a session asks its host to do, because it takes the core, and what came of it. Plain data: the channel makes
//! and takes these, `work` carries them out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::elsewhere::Unfinished;
use super::sasl::{Exchange, Step};
use super::settings::Link;
use super::status::Status;
use crate::core::Caller;

/// Whom a session acts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The name on the wire: `name@domain`, or `@` for nobody in particular.
    pub upn: String,
    /// The same for the core.
    pub caller: Caller,
}

/// For whom something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// Whoever logged in.
    pub original: Caller,
    /// Whom the session acts for since its last IDENTIFY; the same without one.
    pub caller: Caller,
}

impl From<Caller> for Acting {
    /// Somebody who acts for themselves.
    fn from(caller: Caller) -> Self {
        Self {
            original: caller.clone(),
            caller,
        }
    }
}

/// A piece of work.
#[derive(Debug)]
pub enum Job {
    /// One step of a login: the client's message, none when the client waits for ours.
    Authenticate {
        /// Where the exchange stands.
        exchange: Box<Exchange>,
        /// What the client sent, decoded.
        message: Option<Vec<u8>>,
        /// How it came.
        link: Link,
    },
    /// Whom to become; none for whoever logged in.
    Identify {
        /// Whoever logged in: rights to become somebody never add up.
        original: Caller,
        /// The wish.
        upn: Option<String>,
    },
    /// The calendars behind an address.
    ExpandCalendar {
        /// Who asks.
        who: Acting,
        /// The address.
        calid: String,
    },
    /// The calendars of a user, or of a group's members.
    ExpandUser {
        /// Who asks.
        who: Acting,
        /// The name.
        upn: String,
    },
    /// So many fresh UIDs.
    GenerateUids(usize),
    /// What SENDDATA brought.
    Object {
        /// Who asks, as of when the object was begun.
        who: Acting,
        /// A MIME entity, dots unstuffed, lines ending in CR LF.
        octets: Vec<u8>,
        /// Whether to stop early.
        cancel: Cancel,
    },
}

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// A step of the login was made.
    Authenticate(Step),
    /// Whom the session acts for now; none: not permitted.
    Identify(Option<Who>),
    /// A reply to send.
    Reply {
        /// Its code.
        status: Status,
        /// What stands after the code.
        argument: String,
        /// Data lines, ending in CR LF, dots not stuffed.
        data: Vec<u8>,
        /// Words for people.
        note: String,
    },
    /// An object was worked on, and the session acts for somebody else from now on.
    Became(Box<Who>, Box<Outcome>),
    /// The work on an object ended because it was told to; what it had finished stays.
    Aborted,
    /// It broke off by a defect.
    Lost,
}

/// What a job came to in the core.
#[derive(Debug)]
pub enum Carried {
    /// It is done.
    Done(Outcome),
    /// Other stores give parts of the answer.
    Unfinished(Box<Unfinished>),
}

impl Carried {
    /// The outcome, where no other store has a part in it.
    pub fn done(self) -> Option<Outcome> {
        match self {
            Self::Done(outcome) => Some(outcome),
            Self::Unfinished(_) => None,
        }
    }
}

/// Tells a job that it need not go on.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Tells it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was told.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
