//! The part of a session that is about objects: SENDDATA, what is worked on and what waits behind it, bounded latency,
//! CONTINUE and ABORT (draft-ietf-calsch-cap-04 sections 7.1 and 7.2).
//!
//! Everything is carried out and answered in the order of its arrival, but for CONTINUE and ABORT, which are about
//! what is being worked on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::frame;
use super::super::ids::{Answered, AtLate, CommandIds};
use super::super::job::{Acting, Cancel, Job, Outcome};
use super::super::session;
use super::super::settings::{Settings, Share};
use super::super::status::Status;
use super::{Action, Channel, Event, State};
use crate::core::Caller;

/// How much is asked for at a time of what all sessions may hold.
const SHARE: usize = 16 << 10;

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    pub(super) running: Option<Running>,
    queue: VecDeque<Waiting>,
    collecting: Option<Object>,
}

/// What the host carries out.
#[derive(Debug)]
pub(super) enum Running {
    /// A command; nothing else happens meanwhile.
    Command,
    /// An object.
    Object(Box<Work>),
}

impl Running {
    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }
}

/// What waits for its turn.
#[derive(Debug)]
enum Waiting {
    /// A command line.
    Line(Box<[u8]>),
    /// An object.
    Object(Object),
    /// A reply that says this, to an object of that id.
    Said(Option<String>, Vec<u8>),
    /// A reply to an object that was not taken.
    Refused(Status, Option<String>, &'static str),
}

/// An object that arrives or has arrived.
#[derive(Debug, Default)]
struct Object {
    octets: Vec<u8>,
    /// Counts the octets among those of all sessions.
    share: Share,
    /// How many octets the share covers.
    covered: usize,
    ids: CommandIds,
    latency: Option<Duration>,
    /// When the lone dot came.
    complete: Option<Instant>,
    /// Who sent it.
    who: Option<Box<Acting>>,
    /// Why it will not be taken.
    fault: Option<Status>,
}

/// An object that is worked on.
#[derive(Debug)]
pub(super) struct Work {
    id: Option<String>,
    cancel: Cancel,
    begun: Instant,
    /// When the client will not wait any longer, and what then.
    late: Option<(Instant, AtLate)>,
    /// Whether it is asked in an object of its own.
    in_object: bool,
    /// When it was asked and has not answered.
    asked: Option<Instant>,
    /// Why the work was told to stop.
    ending: Option<Ending>,
    /// What came of it, kept until the client has answered.
    outcome: Option<Outcome>,
    _share: Share,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    ByClient,
    ByTime,
}

impl Work {
    fn due(&self, settings: &Settings) -> Option<(Instant, Event)> {
        if self.ending.is_some() {
            return None;
        }
        let limits = &settings.limits;
        let given_up = match self.asked {
            Some(asked) => asked + limits.cap_continue_time,
            None => self.begun + limits.cap_work_time,
        };
        let late = self.late.filter(|_| self.asked.is_none());
        let late = late.map(|(late, then)| match then {
            AtLate::Ask => (late, Event::Late),
            AtLate::GiveUp => (late, Event::TooLate),
        });
        late.into_iter()
            .chain([(given_up, Event::TooLate)])
            .min_by_key(|(at, _)| *at)
    }

    fn is_called(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }
}

impl Receiving {
    /// How many things wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Where the object called `id` waits.
    fn waiting(&self, id: &str) -> Option<usize> {
        self.queue.iter().position(|waiting| match waiting {
            Waiting::Object(object) => object.ids.only() == Some(id),
            _ => false,
        })
    }

    /// Tells what is worked on to stop.
    pub(super) fn cancel(&self) {
        if let Some(Running::Object(work)) = &self.running {
            work.cancel.set();
        }
    }

    pub(super) fn deadline(&self, settings: &Settings) -> Option<Instant> {
        match &self.running {
            Some(Running::Object(work)) => work.due(settings).map(|(at, _)| at),
            _ => None,
        }
    }

    /// The objects that are worked on or wait, by the ids they have.
    fn outstanding(&self) -> impl Iterator<Item = Option<&str>> {
        let running = match &self.running {
            Some(Running::Object(work)) => Some(work.id.as_deref()),
            _ => None,
        };
        let waiting = self.queue.iter().filter_map(|waiting| match waiting {
            Waiting::Object(object) => Some(object.ids.only()),
            _ => None,
        });
        running.into_iter().chain(waiting)
    }
}

impl Channel {
    pub(super) fn running(&self) -> Option<&Running> {
        self.receiving.as_ref()?.running.as_ref()
    }

    pub(super) fn take_running(&mut self) -> Option<Running> {
        self.receiving.as_mut()?.running.take()
    }

    pub(super) fn receiving_mut(&mut self) -> &mut Receiving {
        self.receiving.get_or_insert_default()
    }

    pub(super) fn queue_line(&mut self, line: &[u8]) {
        let line = Waiting::Line(line.into());
        self.receiving_mut().queue.push_back(line);
    }

    /// SENDDATA: 2.0.1, and the object may come.
    pub(super) fn send_data(&mut self, latency: Option<&str>, now: Instant) {
        let latency = match latency.map(seconds) {
            None => None,
            Some(Some(latency)) => Some(latency),
            Some(None) => {
                return self.refuse(Status::BAD_ARGUMENTS, "expected seconds, 1 or more");
            }
        };
        self.reply(Status::SEND_DATA, "");
        self.state = State::Data;
        self.owed = now;
        let who = self.who.as_ref().map(|who| Box::new(who.acting()));
        self.receiving_mut().collecting = Some(Object {
            latency,
            who,
            ..Object::default()
        });
    }

    /// Adds a line, free of stuffing, to the object that arrives.
    pub(super) fn collect(&mut self, line: &[u8]) {
        let settings = Arc::clone(&self.settings);
        let limits = &settings.limits;
        let Some(object) = &mut self.receiving_mut().collecting else {
            return;
        };
        if object.fault.is_some() {
            return;
        }
        let length = object.octets.len() + line.len() + 2;
        if length > limits.cap_object_size || line.len() > limits.cap_data_line {
            return object.refuse(Status::TOO_LARGE);
        }
        if length > object.covered {
            let more = (length - object.covered).max(SHARE);
            match settings.held.take(more, limits.cap_held_data) {
                Some(share) => object.share.add(share),
                None => return object.refuse(Status::EXHAUSTED),
            }
            object.covered += more;
        }
        object.ids.look(line);
        object.octets.extend_from_slice(line);
        object.octets.extend_from_slice(b"\r\n");
    }

    /// A line of the object is longer than lines may be.
    pub(super) fn collect_too_long(&mut self) {
        if let Some(object) = &mut self.receiving_mut().collecting {
            object.refuse(Status::TOO_LARGE);
        }
    }

    /// The lone dot: the object is complete.
    pub(super) fn work(&mut self, now: Instant) {
        self.last_command = now;
        self.state = State::Receive;
        let pipeline = self.settings.limits.cap_pipeline;
        let receiving = self.receiving_mut();
        let Some(mut object) = receiving.collecting.take() else {
            return;
        };
        object.complete = Some(now);
        object.ids.finish();
        if let Some(answered) = object.ids.answered().filter(|_| object.fault.is_none()) {
            return self.answered(answered, &object, now);
        }
        let outstanding = receiving.outstanding().count();
        let id = object.ids.only().map(str::to_owned);
        let known = receiving.outstanding().any(|other| other == id.as_deref());
        let refusal = match object.fault {
            Some(Status::TOO_LARGE) => Some((Status::TOO_LARGE, "larger than MAXICALOBJECTSIZE")),
            Some(status) => Some((status, "too much data at once, try later")),
            // Zero is no bound, as PIPELINE has it.
            None if pipeline > 0 && outstanding >= pipeline => {
                Some((Status::EXHAUSTED, "more commands at once than PIPELINE"))
            }
            None if outstanding > 0 && (known || id.is_none()) => {
                Some((Status::BAD_ARGUMENTS, "expected a CMDID that is not in use"))
            }
            None => None,
        };
        let waiting = match refusal {
            Some((status, note)) => Waiting::Refused(status, id, note),
            None => Waiting::Object(object),
        };
        receiving.queue.push_back(waiting);
        self.advance(now);
    }

    /// Carries out what waits, until something takes the host or nothing is left.
    pub(super) fn advance(&mut self, now: Instant) {
        while !self.is_closed() && !self.is_busy() {
            let next = self.receiving.as_mut().and_then(|r| r.queue.pop_front());
            match next {
                Some(Waiting::Line(line)) => self.command_in(State::Identified, &line, now),
                Some(Waiting::Said(id, data)) => self.said(id.as_deref(), &data),
                Some(Waiting::Refused(status, id, note)) => {
                    self.reply_about(status, id.as_deref().unwrap_or_default(), note);
                    if self.faults >= self.settings.limits.cap_faults {
                        self.close();
                    }
                }
                Some(Waiting::Object(object)) => self.begin(object, now),
                None => return self.settle(),
            }
        }
    }

    /// Nothing is left to do.
    fn settle(&mut self) {
        if self.state == State::Receive {
            self.state = State::Identified;
        }
        if self.state != State::Data {
            self.receiving = None;
        }
        if self.stopping {
            self.reply(Status::STOPPING, "shutting down");
            self.close();
        }
    }

    fn begin(&mut self, object: Object, now: Instant) {
        let cancel = Cancel::default();
        let complete = object.complete.unwrap_or(now);
        let id = object.ids.only().map(str::to_owned);
        let own = object.latency.map(|latency| (latency, AtLate::Ask));
        let late = own.or(object.ids.patience());
        self.faults = 0;
        self.job = Some(Job::Object {
            who: object.who.map_or(Caller::Anonymous.into(), |who| *who),
            octets: object.octets,
            cancel: cancel.clone(),
        });
        self.receiving_mut().running = Some(Running::Object(Box::new(Work {
            id,
            cancel,
            begun: now,
            late: late.map(|(latency, then)| (complete + latency, then)),
            in_object: own.is_none(),
            asked: None,
            ending: None,
            outcome: None,
            _share: object.share,
        })));
    }

    pub(super) fn object_done(&mut self, mut work: Box<Work>, outcome: Outcome, now: Instant) {
        if self.action(Event::Done) != Action::Answer {
            return;
        }
        if work.asked.is_some() && work.ending.is_none() {
            // The client owes an answer; what it reads next must be ours to that.
            work.outcome = Some(outcome);
            self.receiving_mut().running = Some(Running::Object(work));
            return;
        }
        self.last_command = now;
        self.answer_object(&work, outcome);
    }

    /// The final reply.
    fn answer_object(&mut self, work: &Work, outcome: Outcome) {
        let id = work.id.as_deref().unwrap_or_default();
        let outcome = match outcome {
            Outcome::Became(wanted, outcome) => {
                if let Some(who) = &mut self.who {
                    who.current = *wanted;
                }
                *outcome
            }
            outcome => outcome,
        };
        let status = match (outcome, work.ending) {
            (Outcome::Aborted, Some(Ending::ByClient)) => Status::ABORTED,
            (Outcome::Aborted, _) => Status::GIVEN_UP,
            (
                Outcome::Reply {
                    status,
                    argument,
                    data,
                    note,
                },
                ending,
            ) => {
                frame::write_reply(&mut self.outgoing, status, &argument, &note, &data);
                if ending == Some(Ending::ByClient) {
                    // It was done before it could be stopped.
                    self.reply(Status::NOTHING_PENDING, "nothing in progress");
                }
                return;
            }
            _ => Status::INTERNAL,
        };
        self.reply_about(status, id, "");
    }

    /// CONTINUE: goes on after 2.0.2, for so many seconds more or without end.
    pub(super) fn go_on(&mut self, arguments: &str, now: Instant) {
        let (time, id) = arguments.split_once(';').unwrap_or((arguments, ""));
        let (time, id) = (time.trim(), id.trim());
        let more = match (time, seconds(time)) {
            ("", _) => None,
            (_, Some(more)) => Some(more),
            (_, None) => {
                return self.refuse(Status::BAD_ARGUMENTS, "expected seconds, 1 or more");
            }
        };
        match self.let_go_on(more, id, now) {
            true => self.release(now),
            false => self.nothing_pending(),
        }
    }

    /// Lets the work that the client was asked about go on. Whether there is such work.
    fn let_go_on(&mut self, more: Option<Duration>, id: &str, now: Instant) -> bool {
        let Some(Running::Object(work)) = &mut self.receiving_mut().running else {
            return false;
        };
        if work.asked.is_none() || work.ending.is_some() || !(id.is_empty() || work.is_called(id)) {
            return false;
        }
        work.asked = None;
        work.late = more.map(|more| (now + more, AtLate::Ask));
        self.faults = 0;
        true
    }

    /// CONTINUE or ABORT as an object: it is answered itself, in the order of what it is about.
    fn answered(&mut self, answered: Answered, object: &Object, now: Instant) {
        let id = object.ids.only().map(str::to_owned);
        let name = id.clone().unwrap_or_default();
        let reply = |code, text| session::word("REPLY", id.as_deref(), Some((code, text)));
        let (done, nothing) = (
            reply("2.0.3", "As you wish"),
            reply("2.2", "nothing in progress"),
        );
        match answered {
            Answered::GoOn => {
                let goes_on = self.let_go_on(object.latency, &name, now);
                self.said(id.as_deref(), if goes_on { &done } else { &nothing });
                if goes_on {
                    self.release(now);
                }
            }
            Answered::Stop => {
                let is_it = |work: &Work| name.is_empty() || work.is_called(&name);
                let running = match &self.receiving_mut().running {
                    Some(Running::Object(work)) => is_it(work) && work.ending.is_none(),
                    _ => false,
                };
                let waits = self.receiving_mut().waiting(&name).is_some();
                match (running, waits) {
                    // Behind the answer to what is stopped.
                    (true, _) => {
                        let said = Waiting::Said(id, done);
                        self.receiving_mut().queue.push_front(said);
                        self.abort(&name, now);
                    }
                    (false, true) => {
                        self.abort(&name, now);
                        self.said(id.as_deref(), &done);
                    }
                    (false, false) => self.said(id.as_deref(), &nothing),
                }
            }
        }
        self.advance(now);
    }

    fn said(&mut self, id: Option<&str>, data: &[u8]) {
        self.faults = 0;
        self.reply_with(Status::SUCCESS, id.unwrap_or_default(), data);
    }

    /// ABORT: stops the object that is worked on, or takes one away that waits.
    pub(super) fn abort(&mut self, arguments: &str, now: Instant) {
        let id = arguments.trim().trim_start_matches(';').trim();
        let receiving = self.receiving_mut();
        if let Some(Running::Object(work)) = &mut receiving.running
            && (id.is_empty() || work.is_called(id))
        {
            if work.ending.is_some() {
                // Told before; this is answered after that.
                let second = Waiting::Refused(Status::NOTHING_PENDING, None, "nothing in progress");
                receiving.queue.push_front(second);
                return;
            }
            work.ending = Some(Ending::ByClient);
            work.cancel.set();
            return self.release(now);
        }
        match receiving.waiting(id) {
            Some(at) => {
                receiving.queue.remove(at);
                self.reply_about(Status::ABORTED, id, "");
            }
            None => self.nothing_pending(),
        }
    }

    fn nothing_pending(&mut self) {
        self.reply(Status::NOTHING_PENDING, "nothing in progress");
    }

    /// Sends what is done already, once the client has said what it wants.
    fn release(&mut self, now: Instant) {
        let Some(Running::Object(mut work)) = self.take_running() else {
            return;
        };
        match work.outcome.take() {
            Some(outcome) => {
                self.last_command = now;
                self.answer_object(&work, outcome);
                self.advance(now);
            }
            None => self.receiving_mut().running = Some(Running::Object(work)),
        }
    }

    /// The time of something has come.
    pub(super) fn work_is_due(&mut self, now: Instant) {
        let settings = Arc::clone(&self.settings);
        let state = self.state;
        let Some(Running::Object(work)) = &mut self.receiving_mut().running else {
            return;
        };
        let Some((_, event)) = work.due(&settings).filter(|(at, _)| *at <= now) else {
            return;
        };
        match table_action(event, state) {
            Action::Ask => {
                work.asked = Some(now);
                let id = work.id.clone();
                let question = match work.in_object {
                    true => session::word("TIMEOUT", id.as_deref(), None),
                    false => Vec::new(),
                };
                let id = id.unwrap_or_default();
                self.faults = 0;
                self.reply_with(Status::STILL_WORKING, &id, &question);
            }
            Action::GiveUp => {
                work.ending = Some(Ending::ByTime);
                work.cancel.set();
                self.release(now);
            }
            _ => {}
        }
    }
}

fn table_action(event: Event, state: State) -> Action {
    super::table::row(event).map_or(Action::Nothing, |row| row.action(state))
}

impl Object {
    /// Takes the object no further; what comes of it is thrown away.
    fn refuse(&mut self, status: Status) {
        self.fault = Some(status);
        self.octets = Vec::new();
        self.share = Share::default();
    }
}

/// A number of seconds, from 1 up.
fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.parse::<u32>().ok().filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds.into()))
}
