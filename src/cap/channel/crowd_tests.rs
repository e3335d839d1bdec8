//! A million random sessions. Each is short and made from its number alone, so that one that fails can be had again; it
//! is told with as few steps as still make it fail.
//!
//! Whatever arrives, cut anywhere, whenever work ends and time passes: nothing panics, the session is in a state of the
//! table, and what bears a number is answered in the order of its arrival, at most once.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::*;
use crate::limits::Limits;

/// How many sessions there are.
const SESSIONS: u64 = 1_000_000;

/// Most steps of one session.
const STEPS: u64 = 12;

/// What a client sends; `n000` stands for the number of the step.
const PIECES: [&[u8]; 40] = [
    b"SENDDATA\r\nCMDID:n000\r\n.\r\n",
    b"SENDDATA 1\r\nCMDID:n000\r\n..x\r\n.\r\n",
    b"SENDDATA\r\n",
    b"SENDDATA 1\r\nCMDID:n000\r\n.\r\n",
    b"CMDID:n000\r\n",
    b".\r\n",
    b".\n",
    b"UPNEXPAND n000\r\n",
    b"CALIDEXPAND n000\n",
    b"upnexpand:n000\r\n",
    b"IDENTIFY bill@example.com\r\n",
    b"IDENTIFY\r\n",
    b"GENERATEUID 2\r\n",
    b"GENERATEUID x\r\n",
    b"CONTINUE\r\n",
    b"CONTINUE 1 ; n000\r\n",
    b"CONTINUE 0\r\n",
    b"ABORT\r\n",
    b"ABORT ; n000\r\n",
    b"NOOP\r\n",
    b"CAPABILITY\r\n",
    b"AUTHENTICATE ANONYMOUS =\r\n",
    b"AUTHENTICATE ANONYMOUS\r\n",
    b"AUTHENTICATE X\r\n",
    b"AAAA\r\n",
    b"*\r\n",
    b"STARTTLS\r\n",
    b"DISCONNECT\r\n",
    b"HELP\r\n",
    b"\r\n",
    b"\r",
    b"\n",
    b" ",
    b":",
    b"..",
    b"\0\xff\x80",
    b"NOOP NOOP NOOP\r\nNOOP\r\n",
    b"SENDDATA 0\r\nNOOP\r\n",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
];

/// Something that happens to a session.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A piece of [`PIECES`] is sent. So many octets of all that was sent stay behind until the next step.
    Send { piece: usize, behind: usize },
    /// What is worked on ends.
    Finish,
    /// Seconds pass.
    Wait(u64),
    /// The server stops.
    Stop,
    /// The client goes.
    Gone,
}

/// A cheap sequence of numbers that look random: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The steps of the session with this number.
fn script(number: u64, steps: &mut Vec<Step>) {
    let mut random = Random(number);
    let login = PIECES
        .iter()
        .position(|piece| *piece == b"AUTHENTICATE ANONYMOUS =\r\n");
    steps.clear();
    if random.below(5) > 0 {
        steps.push(Step::Send {
            piece: login.unwrap(),
            behind: 0,
        });
    }
    for _ in 0..2 + random.below(STEPS - 2) {
        steps.push(match random.below(100) {
            0..70 => Step::Send {
                // The first are more frequent: they are what sessions are about.
                piece: (random.below(40) * random.below(40) / 39) as usize,
                behind: random.below(8).saturating_sub(4) as usize,
            },
            70..86 => Step::Finish,
            86..98 => Step::Wait([1, 1, 2, 20, 40, 90][random.below(6) as usize]),
            98 => Step::Stop,
            _ => Step::Gone,
        });
    }
}

/// How often what of the table happened, by row and state.
type Seen = [[u64; State::ALL.len()]; TABLE.len()];

/// A session that is under way, and what was seen.
struct Run<'a> {
    channel: Channel,
    now: Instant,
    sent: &'a mut Vec<u8>,
    /// The line that is not complete yet.
    line: &'a mut Vec<u8>,
    working: Option<Job>,
    seen: &'a mut Seen,
    /// One more than the last number that was answered.
    answered: usize,
}

impl Run<'_> {
    fn saw(&mut self, event: Event, state: State) {
        let row = TABLE.iter().position(|row| row.event == event);
        let column = State::ALL.iter().position(|column| *column == state);
        if let (Some(row), Some(column)) = (row, column) {
            self.seen[row][column] += 1;
        }
    }

    /// Notes what the octets, which end no more than one line, mean to the session as it stands.
    fn note(&mut self, octets: &[u8]) {
        self.line.extend_from_slice(octets);
        if octets.last() != Some(&b'\n') {
            return;
        }
        let line = self.line.trim_ascii();
        let state = self.channel.state();
        let event = match state {
            State::Authenticating => Some(Event::Answer),
            State::Data if line == b"." => Some(Event::LoneDot),
            State::Data => Some(Event::DataLine),
            _ if line.is_empty() => None,
            _ => table::recognise(line).0.map(|row| row.event),
        };
        self.line.clear();
        if let Some(event) = event {
            self.saw(event, state);
        }
    }

    /// Gives the session what was sent but for the last octets, line by line, as long as it takes any.
    fn feed(&mut self, behind: usize) {
        let mut sent = std::mem::take(self.sent);
        let until = sent.len().saturating_sub(behind);
        let mut fed = 0;
        while fed < until && self.channel.wants_input() {
            let rest = &sent[fed..until];
            let end = rest.iter().position(|octet| *octet == b'\n');
            let part = &rest[..end.map_or(rest.len(), |end| end + 1)];
            self.note(part);
            self.channel.feed(part, self.now);
            fed += part.len();
            self.working = settle(&mut self.channel, self.working.take(), self.now);
        }
        sent.drain(..fed);
        *self.sent = sent;
    }

    fn finish(&mut self) {
        let Some(Job::Object { cancel, octets, .. }) = self.working.take() else {
            return;
        };
        self.saw(Event::Done, self.channel.state());
        let outcome = match cancel.is_set() {
            true => Outcome::Aborted,
            false => Outcome::Reply {
                status: Status::SUCCESS,
                argument: number_in(&octets).map_or_else(String::new, |at| format!("n{at:03}")),
                data: Vec::new(),
                note: String::new(),
            },
        };
        self.channel.finish(outcome, self.now);
        self.working = settle(&mut self.channel, self.working.take(), self.now);
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        while let Some(deadline) = self.channel.deadline().filter(|at| *at <= self.now) {
            let (state, was) = (self.channel.state(), self.channel.outgoing.len());
            let busy = self.channel.is_busy();
            let slow = self.channel.patience() == Some(deadline);
            self.channel.tick(self.now);
            let asked = self.channel.outgoing[was..].starts_with(b"2.0.2");
            self.saw(
                match (busy, asked) {
                    _ if slow => Event::Slow,
                    (false, _) => Event::Idle,
                    (true, true) => Event::Late,
                    (true, false) => Event::TooLate,
                },
                state,
            );
            let after = self.channel.deadline();
            assert_ne!(after, Some(deadline), "what was due is due still");
        }
        self.working = settle(&mut self.channel, self.working.take(), self.now);
    }

    /// What holds at any time.
    fn check(&mut self) {
        let (channel, state) = (&self.channel, self.channel.state());
        assert!(state == State::Closed || State::ALL.contains(&state));
        assert_eq!(state == State::Closed, channel.is_closed());
        if state == State::Closed {
            assert!(channel.deadline().is_none() && !channel.wants_input());
            assert!(channel.receiving.is_none() && channel.job.is_none());
        } else if !channel.is_busy() {
            assert!(channel.wants_input(), "nothing is done and nothing is read");
            assert!(state != State::Receive && channel.deadline().is_some());
        }
        let said = self.channel.take_outgoing();
        assert!(said.is_empty() || said.ends_with(b"\r\n"));
        for line in said.split(|octet| *octet == b'\n') {
            let Some([b'n', digits @ ..]) = line.strip_prefix(b"2.0 ") else {
                continue;
            };
            let number = number(digits).unwrap();
            assert!(number >= self.answered, "{number} after {}", self.answered);
            self.answered = number + 1;
        }
    }
}

/// The number that three digits say.
fn number(digits: &[u8]) -> Option<usize> {
    let digits = digits.get(..3)?;
    let digit = |sum: usize, digit: &u8| Some(10 * sum + usize::from(digit.checked_sub(b'0')?));
    digits.iter().try_fold(0, digit)
}

/// The number that an object bears.
fn number_in(octets: &[u8]) -> Option<usize> {
    let at = octets.windows(2).position(|pair| pair == b":n")?;
    number(&octets[at + 2..])
}

/// What is used again for each session.
#[derive(Default)]
struct Room {
    sent: Vec<u8>,
    line: Vec<u8>,
}

/// Carries a session out; panics when something does not hold.
fn run(settings: &Arc<Settings>, now: Instant, steps: &[Step], room: &mut Room, seen: &mut Seen) {
    // Half of the time would go into greetings.
    let channel = Channel::silent(Arc::clone(settings), Link::default(), now);
    room.sent.clear();
    room.line.clear();
    let mut run = Run {
        channel,
        now,
        sent: &mut room.sent,
        line: &mut room.line,
        working: None,
        seen,
        answered: 0,
    };
    for (at, step) in steps.iter().enumerate() {
        match *step {
            Step::Send { piece, behind } => {
                let begun = run.sent.len();
                run.sent.extend_from_slice(PIECES[piece]);
                let piece = &mut run.sent[begun..];
                if let Some(place) = piece.windows(4).position(|part| part == b"n000") {
                    piece[place + 2] += (at / 10) as u8;
                    piece[place + 3] += (at % 10) as u8;
                }
                run.feed(behind);
            }
            Step::Finish => run.finish(),
            Step::Wait(seconds) => run.wait(seconds),
            Step::Stop | Step::Gone => {
                let (event, happen): (_, fn(&mut Channel)) = match step {
                    Step::Stop => (Event::Stop, Channel::stop),
                    _ => (Event::Gone, Channel::gone),
                };
                run.saw(event, run.channel.state());
                happen(&mut run.channel);
            }
        }
        run.check();
    }
    run.feed(0);
    while run.working.is_some() {
        run.finish();
        run.feed(0);
    }
    run.check();
}

/// The fewest of `steps` that still fail, by leaving out one after another.
fn fewest(mut steps: Vec<Step>, fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut at = 0;
    while at < steps.len() {
        let mut fewer = steps.clone();
        fewer.remove(at);
        match fails(&fewer) {
            true => (steps, at) = (fewer, 0),
            false => at += 1,
        }
    }
    steps
}

fn tight() -> Arc<Settings> {
    let limits = Limits {
        cap_command_line: 60,
        cap_sasl_line: 60,
        cap_data_line: 60,
        cap_object_size: 90,
        cap_pipeline: 3,
        cap_faults: 6,
        cap_idle: Duration::from_secs(60),
        cap_work_time: Duration::from_secs(50),
        cap_continue_time: Duration::from_secs(30),
        cap_login_time: Duration::from_secs(40),
        cap_data_time: Duration::from_secs(45),
        ..Limits::default()
    };
    Arc::new(Settings {
        limits,
        auth_attempts: 2,
        ..Settings::default()
    })
}

#[test]
fn a_million_sessions_stay_in_the_table_and_answer_in_order() {
    let (settings, now) = (tight(), Instant::now());
    let mut seen: Seen = Default::default();
    let (mut room, mut steps) = (Room::default(), Vec::new());
    let mut ran = 0;
    for number in 0..SESSIONS {
        script(number, &mut steps);
        let session = || run(&settings, now, &steps, &mut room, &mut seen);
        if catch_unwind(AssertUnwindSafe(session)).is_err() {
            let fails = |steps: &[Step]| {
                let (mut room, mut seen) = (Room::default(), Seen::default());
                let session = || run(&settings, now, steps, &mut room, &mut seen);
                catch_unwind(AssertUnwindSafe(session)).is_err()
            };
            panic!("session {number} fails: {:?}", fewest(steps, fails));
        }
        ran += 1;
    }
    for (row, seen) in TABLE.iter().zip(seen) {
        for (state, seen) in State::ALL.into_iter().zip(seen) {
            let happens = row.action(state) != Action::Nothing;
            assert!(!happens || seen > 0, "{:?} never in {state:?}", row.event);
        }
    }
    assert_eq!(ran, 1_000_000);
}

#[test]
fn a_failing_session_is_told_with_its_fewest_steps() {
    let steps = vec![Step::Wait(1), Step::Stop, Step::Finish, Step::Gone];
    let fails = |steps: &[Step]| {
        let stops = steps.iter().any(|step| matches!(step, Step::Stop));
        stops && steps.iter().any(|step| matches!(step, Step::Gone))
    };
    assert!(matches!(fewest(steps, fails)[..], [Step::Stop, Step::Gone]));
}
