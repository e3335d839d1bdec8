//! The state machine of a session: octets in, octets out, no socket and no clock of its own
//! (draft-ietf-calsch-cap-04 section 3).
//!
//! [`TABLE`] is the machine: a row for each verb, a column for each state. The host hands in what arrived
//! ([`Channel::feed`]) and the time, sends [`Channel::take_outgoing`], and closes when
//! [`Channel::is_closed`].

use std::sync::Arc;
use std::time::Instant;

use super::capability;
use super::frame::{self, Lines};
use super::settings::Settings;
use super::status::Status;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Greeted, nobody logged in.
    Connected,
    /// Logged in. No mechanism is built yet, so nothing leads here.
    Identified,
    /// Over: what is outgoing is sent, what comes in is ignored.
    Closed,
}

/// What a verb does in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// 2.0 with the capability lines.
    Capability,
    /// 2.0.
    Noop,
    /// 6.5: TLS is not to be had. 9.1 and close once AUTHENTICATE was tried.
    StartTls,
    /// An attempt to log in.
    Authenticate,
    /// 2.0 and close.
    Disconnect,
    /// 2.2: there is nothing to continue or abort.
    NothingPending,
    /// 9.0: allowed here, but not carried out by this server.
    Unsupported,
    /// 9.1, and the state stays.
    Refuse,
    /// 9.1 and close.
    Terminate,
}

/// A verb and what it does in each state.
#[derive(Debug)]
pub struct Row {
    /// The word on the wire; any letter case is taken.
    pub verb: &'static str,
    /// Least and most words after the verb.
    pub words: (usize, usize),
    /// In [`State::Connected`].
    pub connected: Action,
    /// In [`State::Identified`].
    pub identified: Action,
}

/// The verbs in the order of the draft's command list, and the state machine of its section 3.
#[rustfmt::skip]
pub const TABLE: [Row; 12] = {
    use Action::*;
    const fn row(
        verb: &'static str, words: (usize, usize), connected: Action, identified: Action,
    ) -> Row {
        Row { verb, words, connected, identified }
    }
    [
        //   verb           words   Connected     Identified
        row("CAPABILITY",  (0, 0), Capability,   Capability),
        row("STARTTLS",    (0, 0), StartTls,     Terminate),
        row("AUTHENTICATE",(1, 2), Authenticate, Terminate),
        row("IDENTIFY",    (0, 1), Refuse,       Unsupported),
        row("CALIDEXPAND", (1, 1), Refuse,       Unsupported),
        row("UPNEXPAND",   (1, 1), Refuse,       Unsupported),
        row("GENERATEUID", (1, 1), Refuse,       Unsupported),
        row("SENDDATA",    (0, 1), Refuse,       Unsupported),
        row("CONTINUE",    (0, 3), Refuse,       NothingPending), // seconds ; cmdid
        row("ABORT",       (0, 2), Refuse,       NothingPending), // ; cmdid
        row("NOOP",        (0, 0), Noop,         Noop),
        row("DISCONNECT",  (0, 0), Disconnect,   Disconnect),
    ]
};

/// One session's side of the conversation.
#[derive(Debug)]
pub struct Channel {
    settings: Arc<Settings>,
    state: State,
    lines: Lines,
    outgoing: Vec<u8>,
    last_command: Instant,
    faults: usize,
    auth_attempts: usize,
}

impl Channel {
    /// A session accepted at `now`; its greeting is outgoing.
    pub fn new(settings: Arc<Settings>, now: Instant) -> Self {
        let mut channel = Self {
            settings,
            state: State::Connected,
            lines: Lines::default(),
            outgoing: Vec::new(),
            last_command: now,
            faults: 0,
            auth_attempts: 0,
        };
        channel.capability();
        channel
    }

    /// Where the session stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether the connection is to be closed once everything outgoing is sent.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Takes octets that arrived at `now`, cut anywhere.
    pub fn feed(&mut self, mut octets: &[u8], now: Instant) {
        let mut lines = std::mem::take(&mut self.lines);
        while !self.is_closed() {
            match lines.next(&mut octets, self.settings.limits.cap_command_line) {
                None => break,
                Some(Ok(line)) => self.command(line.trim_ascii(), now),
                Some(Err(too_long)) => {
                    self.refuse(Status::UNRECOGNISED, &too_long.to_string());
                    self.state = State::Closed;
                }
            }
        }
        if !self.is_closed() {
            self.lines = lines;
        }
    }

    /// What is to be sent, in order; afterwards nothing is outgoing.
    pub fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    /// When the session ends for want of commands (AUTOLOGOUTTIME, whose 0 is never).
    pub fn deadline(&self) -> Option<Instant> {
        let idle = self.settings.limits.cap_idle;
        (!idle.is_zero() && !self.is_closed()).then(|| self.last_command + idle)
    }

    /// Closes without a word when the deadline has come. Section 7.1, AUTOLOGOUTTIME.
    pub fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.state = State::Closed;
        }
    }

    /// Tells the client that the server stops, and closes.
    pub fn stop(&mut self) {
        if !self.is_closed() {
            self.reply(Status::STOPPING, "shutting down");
            self.state = State::Closed;
        }
    }

    /// Carries out one command line, free of its line end and of surrounding spaces.
    fn command(&mut self, line: &[u8], now: Instant) {
        if line.is_empty() {
            return;
        }
        self.last_command = now;
        let Some((row, arguments)) = recognise(line) else {
            return self.refuse(Status::UNRECOGNISED, "expected a command");
        };
        let action = match self.state {
            State::Connected => row.connected,
            State::Identified => row.identified,
            State::Closed => return,
        };
        match action {
            Action::Refuse => return self.refuse(Status::UNEXPECTED, "authenticate first"),
            Action::Terminate => return self.terminate(),
            Action::Unsupported => {
                return self.refuse(Status::UNRECOGNISED, "not supported by this server");
            }
            _ => {}
        }
        let words = arguments
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let (least, most) = row.words;
        if !(least..=most).contains(&words.clone().count()) {
            return self.refuse(Status::BAD_ARGUMENTS, &expected_words(row));
        }
        self.perform(action, words);
    }

    /// Carries out an action whose arguments are as many as they should be.
    fn perform<'a>(&mut self, action: Action, mut words: impl Iterator<Item = &'a [u8]>) {
        match action {
            Action::Capability => self.capability(),
            Action::Noop => self.reply(Status::SUCCESS, ""),
            Action::StartTls if self.auth_attempts > 0 => self.terminate(),
            Action::StartTls => self.reply(Status::NO_TLS, "TLS is not supported"),
            Action::Authenticate => self.authenticate(words.next().unwrap_or_default()),
            Action::Disconnect => {
                self.reply(Status::SUCCESS, "");
                self.state = State::Closed;
            }
            Action::NothingPending => self.reply(Status::NOTHING_PENDING, "nothing in progress"),
            Action::Unsupported | Action::Refuse | Action::Terminate => self.terminate(),
        }
    }

    /// Begins the one exchange that a session may have, whatever comes of it. Section 7.1.
    fn authenticate(&mut self, mechanism: &[u8]) {
        if self.auth_attempts >= self.settings.auth_attempts {
            return self.terminate();
        }
        self.auth_attempts += 1;
        let word = String::from_utf8_lossy(mechanism);
        match self
            .settings
            .mechanisms
            .iter()
            .find(|offered| offered.is_called(&word))
        {
            Some(&mechanism) => match mechanism {},
            None => self.refuse(Status::BAD_ARGUMENTS, "the mechanism is not offered"),
        }
    }

    fn capability(&mut self) {
        self.faults = 0;
        let lines = capability::lines(&self.settings);
        frame::write_reply(
            &mut self.outgoing,
            Status::SUCCESS,
            "",
            "",
            lines.as_bytes(),
        );
    }

    /// 9.1 and close.
    fn terminate(&mut self) {
        self.reply(Status::UNEXPECTED, "not allowed here, closing");
        self.state = State::Closed;
    }

    /// A reply without data that blames the client; too many of them in a row end the session.
    fn refuse(&mut self, status: Status, note: &str) {
        self.reply(status, note);
        if self.faults >= self.settings.limits.cap_faults {
            self.state = State::Closed;
        }
    }

    /// A reply without data; keeps the count of faults in a row.
    fn reply(&mut self, status: Status, note: &str) {
        frame::write_reply(&mut self.outgoing, status, "", note, b"");
        self.faults = if status.is_client_fault() {
            self.faults + 1
        } else {
            0
        };
    }
}

/// The row of a command line and the octets after its verb; `None` when it opens with no known verb.
///
/// A verb is followed by spaces or by one `:`; the draft uses both. Section 7.1.
fn recognise(line: &[u8]) -> Option<(&'static Row, &[u8])> {
    let end = line
        .iter()
        .position(|octet| !octet.is_ascii_alphabetic())
        .unwrap_or(line.len());
    let (verb, rest) = line.split_at(end);
    let rest = match rest {
        [] => rest,
        [b' ' | b'\t' | b':', rest @ ..] => rest,
        _ => return None,
    };
    let row = TABLE
        .iter()
        .find(|row| row.verb.as_bytes().eq_ignore_ascii_case(verb))?;
    Some((row, rest))
}

fn expected_words(row: &Row) -> String {
    let verb = row.verb;
    match row.words {
        (0, 0) => format!("{verb} takes no argument"),
        (least, most) if least == most => format!("{verb} takes {least} argument(s)"),
        (least, most) => format!("{verb} takes {least} to {most} arguments"),
    }
}

/// The whole output, and the state at its end, of a session with the default settings that receives
/// `parts`. For tests and the fuzzer.
#[doc(hidden)]
pub fn replies_to<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, State) {
    let now = Instant::now();
    let mut channel = Channel::new(Arc::default(), now);
    parts.into_iter().for_each(|part| channel.feed(part, now));
    (channel.take_outgoing(), channel.state())
}

/// The reply to a connection that is one too many: 8.1.
pub fn busy() -> Vec<u8> {
    let mut out = Vec::new();
    frame::write_reply(&mut out, Status::BUSY, "", "try later", b"");
    out
}

#[cfg(test)]
mod tests;
