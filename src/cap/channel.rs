//! The state machine of a session: octets in, octets out, no socket and no clock of its own
//! (draft-ietf-calsch-cap-04 section 3).
//!
//! [`table::TABLE`] is the machine: a row for each thing that can happen, a column for each state. The host hands in
//! what arrived ([`Channel::feed`]) while [`Channel::wants_input`], and the time; sends [`Channel::take_outgoing`];
//! carries out [`Channel::take_job`] and brings back what came of it ([`Channel::finish`]); makes the TLS handshake
//! when [`Channel::wants_tls`]; and closes when [`Channel::is_closed`].

mod login;
mod receive;
pub mod table;

use std::sync::Arc;
use std::time::Instant;

use super::capability;
use super::frame::{self, Lines, TooLong};
use super::job::{Acting, Job, Outcome, Who};
use super::settings::{Link, Settings};
use super::status::Status;
use receive::{Receiving, Running};
pub use table::{Action, Event, Row, State, TABLE};

/// Octets of command lines that may wait behind work in progress; then the client is not read until some is done.
const QUEUED_LINES: usize = 64;

/// One session's side of the conversation.
pub struct Channel {
    settings: Arc<Settings>,
    link: Link,
    state: State,
    lines: Lines,
    /// Octets that arrived while a command before them was carried out.
    unread: Vec<u8>,
    outgoing: Vec<u8>,
    last_command: Instant,
    /// Since when the client owes the rest of a login's message or of an object.
    owed: Instant,
    faults: usize,
    auth_attempts: usize,
    /// STARTTLS was granted and the handshake is to be made.
    securing: bool,
    /// 10.2 will be said when nothing is left to do.
    stopping: bool,
    exchange: Option<Box<super::sasl::Exchange>>,
    who: Option<Box<Identified>>,
    job: Option<Job>,
    receiving: Option<Box<Receiving>>,
}

/// Who logged in, and whom the session acts for.
#[derive(Debug)]
struct Identified {
    original: Who,
    current: Who,
}

impl Identified {
    fn acting(&self) -> Acting {
        Acting {
            original: self.original.caller.clone(),
            caller: self.current.caller.clone(),
        }
    }
}

impl Channel {
    /// A session accepted at `now` on `link`; its greeting is outgoing.
    pub fn new(settings: Arc<Settings>, link: Link, now: Instant) -> Self {
        let mut channel = Self::silent(settings, link, now);
        channel.capability();
        channel
    }

    /// The same without the greeting.
    fn silent(settings: Arc<Settings>, link: Link, now: Instant) -> Self {
        Self {
            settings,
            link,
            state: State::Connected,
            lines: Lines::default(),
            unread: Vec::new(),
            outgoing: Vec::new(),
            last_command: now,
            owed: now,
            faults: 0,
            auth_attempts: 0,
            securing: false,
            stopping: false,
            exchange: None,
            who: None,
            job: None,
            receiving: None,
        }
    }

    /// Where the session stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether the connection is to be closed once everything outgoing is sent.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether octets can be taken now; while not, they are to be left in the socket.
    pub fn wants_input(&self) -> bool {
        let commands = self.running().is_some_and(|running| !running.is_object());
        let queued = self.receiving.as_ref().map_or(0, |r| r.queued());
        let full = queued >= QUEUED_LINES + self.settings.limits.cap_pipeline;
        !self.is_closed() && !self.securing && !self.stopping && !commands && !full
    }

    /// Whether everything outgoing is to be sent and then the TLS handshake made; [`Channel::secured`] says that it was.
    pub fn wants_tls(&self) -> bool {
        self.securing
    }

    /// Takes octets that arrived at `now`, cut anywhere.
    pub fn feed(&mut self, octets: &[u8], now: Instant) {
        if self.wants_input() && self.unread.is_empty() {
            return self.read(octets, now);
        }
        if self.is_closed() || self.securing || self.stopping {
            return;
        }
        self.unread.extend_from_slice(octets);
        self.read_on(now);
    }

    /// Goes on with what arrived before.
    fn read_on(&mut self, now: Instant) {
        if self.wants_input() && !self.unread.is_empty() {
            let unread = std::mem::take(&mut self.unread);
            self.read(&unread, now);
        }
    }

    fn read(&mut self, mut octets: &[u8], now: Instant) {
        let mut lines = std::mem::take(&mut self.lines);
        while self.wants_input() {
            match lines.next(&mut octets, self.longest_line()) {
                None => break,
                Some(Ok(line)) => self.line(line, now),
                Some(Err(too_long)) => self.too_long(too_long),
            }
        }
        if self.securing || self.is_closed() {
            // After STARTTLS nothing counts that was sent without TLS: somebody else may have put it there.
            return;
        }
        self.lines = lines;
        self.unread.extend_from_slice(octets);
    }

    fn longest_line(&self) -> usize {
        let limits = &self.settings.limits;
        match self.state {
            State::Authenticating => limits.cap_sasl_line,
            // A dot may have been stuffed.
            State::Data => limits.cap_data_line.saturating_add(1),
            _ => limits.cap_command_line,
        }
    }

    fn too_long(&mut self, too_long: TooLong) {
        if self.state == State::Data {
            return self.collect_too_long();
        }
        let status = match self.state {
            State::Authenticating => Status::LOGIN_FAILED,
            _ => Status::UNRECOGNISED,
        };
        self.refuse(status, &too_long.to_string());
        self.close();
    }

    /// What is to be sent, in order; afterwards nothing is outgoing.
    pub fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    /// What is to be carried out, if anything. There is one at a time.
    pub fn take_job(&mut self) -> Option<Job> {
        self.job.take()
    }

    /// Takes what came of the job that was taken last.
    pub fn finish(&mut self, outcome: Outcome, now: Instant) {
        if self.is_closed() {
            return;
        }
        let Some(running) = self.take_running() else {
            return;
        };
        match running {
            Running::Command => {
                // The time that we took is not the client's.
                self.owed = now;
                self.command_done(outcome);
            }
            Running::Object(object) => self.object_done(object, outcome, now),
        }
        self.advance(now);
        self.read_on(now);
    }

    /// The TLS handshake was made: the session begins anew, as [`Link`] says.
    pub fn secured(&mut self, certificate: Vec<String>) {
        self.securing = false;
        self.link.secure = true;
        self.link.certificate = certificate;
        self.lines = Lines::default();
        self.unread = Vec::new();
        self.reply(Status::SUCCESS, "");
    }

    /// When something is to be done though nothing arrives; [`Channel::tick`] does it.
    pub fn deadline(&self) -> Option<Instant> {
        if self.is_closed() {
            return None;
        }
        let idle = self.settings.limits.cap_idle;
        let expires = self.action(Event::Idle) == Action::Close;
        let idle =
            (expires && !idle.is_zero() && !self.is_busy()).then(|| self.last_command + idle);
        let work = self
            .receiving
            .as_ref()
            .and_then(|r| r.deadline(&self.settings));
        [idle, work, self.patience()].into_iter().flatten().min()
    }

    /// When the client has taken too long over what it is sending.
    fn patience(&self) -> Option<Instant> {
        let limits = &self.settings.limits;
        let time = match self.state {
            State::Authenticating => limits.cap_login_time,
            State::Data => limits.cap_data_time,
            _ => return None,
        };
        let slow = self.action(Event::Slow) == Action::Close && self.wants_input();
        slow.then(|| self.owed + time)
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        if self.patience().is_some_and(|end| end <= now) {
            return self.perform_inner(Event::Slow);
        }
        let idle = self.settings.limits.cap_idle;
        if !self.is_busy() && !idle.is_zero() && self.last_command + idle <= now {
            return self.perform_inner(Event::Idle);
        }
        self.work_is_due(now);
        self.advance(now);
        self.read_on(now);
    }

    /// Tells the client that the server stops, and closes, after what is being worked on.
    pub fn stop(&mut self) {
        self.perform_inner(Event::Stop);
    }

    /// The client has gone.
    pub fn gone(&mut self) {
        self.perform_inner(Event::Gone);
    }

    fn action(&self, event: Event) -> Action {
        table::row(event).map_or(Action::Nothing, |row| row.action(self.state))
    }

    /// Carries out what the table says about something that is no line.
    fn perform_inner(&mut self, event: Event) {
        match self.action(event) {
            Action::Close => self.close(),
            Action::SayStopping | Action::FinishFirst if !self.is_busy() => {
                self.reply(Status::STOPPING, "shutting down");
                self.close();
            }
            // A login or a look-up under way is finished first, too.
            Action::SayStopping | Action::FinishFirst => self.stopping = true,
            _ => {}
        }
    }

    /// Whether something is being carried out.
    fn is_busy(&self) -> bool {
        self.running().is_some()
    }

    fn close(&mut self) {
        if let Some(receiving) = &self.receiving {
            receiving.cancel();
        }
        self.state = State::Closed;
        self.receiving = None;
        self.exchange = None;
        self.job = None;
        self.unread = Vec::new();
    }

    fn line(&mut self, line: &[u8], now: Instant) {
        match self.state {
            State::Authenticating => self.answer(line, now),
            State::Data => match frame::unstuff(line) {
                Some(line) => self.collect(line),
                None => self.work(now),
            },
            _ => self.command(line.trim_ascii(), now),
        }
    }

    /// Carries out one command line, free of its line end and of surrounding spaces.
    fn command(&mut self, line: &[u8], now: Instant) {
        if line.is_empty() {
            return;
        }
        self.last_command = now;
        self.command_in(self.state, line, now);
    }

    fn command_in(&mut self, state: State, line: &[u8], now: Instant) {
        let (Some(row), arguments) = table::recognise(line) else {
            return;
        };
        let action = row.action(state);
        match action {
            Action::Queue => return self.queue_line(line),
            Action::Unrecognised => return self.refuse(Status::UNRECOGNISED, "expected a command"),
            Action::Refuse => return self.refuse(Status::UNEXPECTED, "authenticate first"),
            Action::Terminate => return self.terminate(),
            _ => {}
        }
        let words = arguments
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let (least, most) = row.words;
        if !(least..=most).contains(&words.clone().count()) {
            return self.refuse(Status::BAD_ARGUMENTS, &expected_words(row));
        }
        let words = words.map(String::from_utf8_lossy).collect::<Vec<_>>();
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        self.perform(action, &words, now);
    }

    /// Carries out an action whose arguments are as many as they should be.
    fn perform(&mut self, action: Action, words: &[&str], now: Instant) {
        let first = words.first().copied();
        match action {
            Action::Capability => self.capability(),
            Action::Noop => self.reply(Status::SUCCESS, ""),
            Action::StartTls => self.start_tls(),
            Action::Authenticate => self.authenticate(first.unwrap_or_default(), words.get(1)),
            Action::Disconnect => {
                self.reply(Status::SUCCESS, "");
                self.close();
            }
            Action::Identify => self.identify(first),
            Action::ExpandCalendar | Action::ExpandUser => {
                self.expand(action, first.unwrap_or_default());
            }
            Action::GenerateUids => self.generate_uids(first.unwrap_or_default()),
            Action::SendData => self.send_data(first, now),
            Action::Continue => self.go_on(&words.join(" "), now),
            Action::Abort => self.abort(&words.join(" "), now),
            Action::NothingPending => self.reply(Status::NOTHING_PENDING, "nothing in progress"),
            // The others are not what a verb does.
            _ => {}
        }
    }

    /// Section 7.1.10.
    fn start_tls(&mut self) {
        if self.auth_attempts > 0 || self.link.secure {
            return self.terminate();
        }
        if self.settings.tls.is_none() {
            return self.reply(Status::NO_TLS, "TLS is not supported");
        }
        self.faults = 0;
        self.securing = true;
        frame::write_line(&mut self.outgoing, Status::START_TLS);
    }

    fn capability(&mut self) {
        self.faults = 0;
        let fresh = !self.link.secure && self.auth_attempts == 0 && self.who.is_none();
        let starttls = fresh && self.settings.tls.is_some();
        let lines = capability::lines(&self.settings, &self.link, starttls);
        self.reply_with(Status::SUCCESS, "", lines.as_bytes());
    }

    fn generate_uids(&mut self, count: &str) {
        let most = self.settings.limits.cap_uids;
        match count.parse() {
            Ok(count) if (1..=most).contains(&count) => self.start(Job::GenerateUids(count)),
            _ => {
                let expected = format!("expected a number from 1 to {most}");
                self.refuse(Status::BAD_ARGUMENTS, &expected);
            }
        }
    }

    fn expand(&mut self, action: Action, name: &str) {
        let Some(who) = &self.who else { return };
        let (who, name) = (who.acting(), name.to_owned());
        self.start(match action {
            Action::ExpandCalendar => Job::ExpandCalendar { who, calid: name },
            _ => Job::ExpandUser { who, upn: name },
        });
    }

    /// Gives the host a command to carry out; until it is done no further octets are taken.
    fn start(&mut self, job: Job) {
        self.faults = 0;
        self.job = Some(job);
        self.receiving_mut().running = Some(Running::Command);
    }

    fn command_done(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Authenticate(step) => self.step_made(step),
            Outcome::Identify(who) => self.identified(who),
            Outcome::Reply {
                status,
                argument,
                data,
                note,
            } => {
                frame::write_reply(&mut self.outgoing, status, &argument, &note, &data);
            }
            Outcome::Aborted | Outcome::Lost if self.state == State::Authenticating => {
                self.login_failed(Status::LOGIN_UNAVAILABLE);
            }
            // Only objects become somebody.
            Outcome::Aborted | Outcome::Lost | Outcome::Became(..) => {
                self.reply(Status::INTERNAL, "a defect, the server's log says more")
            }
        }
    }

    /// 9.1 and close.
    fn terminate(&mut self) {
        self.reply(Status::UNEXPECTED, "not allowed here, closing");
        self.close();
    }

    /// A reply without data that blames the client; too many of them in a row end the session.
    fn refuse(&mut self, status: Status, note: &str) {
        self.reply(status, note);
        if self.faults >= self.settings.limits.cap_faults {
            self.close();
        }
    }

    /// A reply without data; keeps the count of faults in a row.
    fn reply(&mut self, status: Status, note: &str) {
        self.reply_about(status, "", note);
    }

    /// The same, with what the reply is about after its code.
    fn reply_about(&mut self, status: Status, argument: &str, note: &str) {
        frame::write_reply(&mut self.outgoing, status, argument, note, b"");
        self.faults = if status.is_client_fault() {
            self.faults + 1
        } else {
            0
        };
    }

    fn reply_with(&mut self, status: Status, argument: &str, data: &[u8]) {
        frame::write_reply(&mut self.outgoing, status, argument, "", data);
    }
}

fn expected_words(row: &Row) -> String {
    let Event::Verb(verb) = row.event else {
        return String::new();
    };
    match row.words {
        (0, 0) => format!("{verb} takes no argument"),
        (least, most) if least == most => format!("{verb} takes {least} argument(s)"),
        (least, most) => format!("{verb} takes {least} to {most} arguments"),
    }
}

/// The whole output, and the state at its end, of a session with the default settings that receives `parts`. Logins
/// succeed at once, objects are done when everything was received. For tests and the fuzzer.
#[doc(hidden)]
pub fn replies_to<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, State) {
    let now = Instant::now();
    let mut channel = Channel::new(Arc::default(), Link::default(), now);
    let mut last = None;
    for part in parts {
        channel.feed(part, now);
        last = settle(&mut channel, last, now);
    }
    while let Some(Job::Object { .. }) = last.take() {
        let done = Outcome::Reply {
            status: Status::SUCCESS,
            argument: "object".to_owned(),
            data: b".\r\n".to_vec(),
            note: String::new(),
        };
        channel.finish(done, now);
        last = settle(&mut channel, None, now);
    }
    (channel.take_outgoing(), channel.state())
}

/// Carries out commands as if everything were allowed, up to an object, which is given back.
fn settle(channel: &mut Channel, mut last: Option<Job>, now: Instant) -> Option<Job> {
    use super::sasl::Step;
    while let Some(job) = channel.take_job() {
        let who = Who {
            upn: "@".to_owned(),
            caller: crate::core::Caller::Anonymous,
        };
        let outcome = match job {
            Job::Object { .. } => {
                last = Some(job);
                continue;
            }
            Job::Authenticate {
                exchange,
                message: None,
                ..
            } => Outcome::Authenticate(Step::Challenge(exchange, b"?".to_vec())),
            Job::Authenticate { .. } => Outcome::Authenticate(Step::Done(who)),
            Job::Identify { upn, .. } => Outcome::Identify(upn.map(|_| who)),
            Job::ExpandCalendar { calid: name, .. } | Job::ExpandUser { upn: name, .. } => {
                Outcome::Reply {
                    status: Status::SUCCESS,
                    argument: name,
                    data: Vec::new(),
                    note: String::new(),
                }
            }
            Job::GenerateUids(count) => Outcome::Reply {
                status: Status::SUCCESS,
                argument: count.to_string(),
                data: Vec::new(),
                note: String::new(),
            },
        };
        channel.finish(outcome, now);
    }
    last
}

/// The reply to a connection that is one too many: 8.1.
pub fn busy() -> Vec<u8> {
    let mut out = Vec::new();
    frame::write_reply(&mut out, Status::BUSY, "", "try later", b"");
    out
}

#[cfg(test)]
mod crowd_tests;
#[cfg(test)]
mod slow_tests;
#[cfg(test)]
mod tests;
