#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use proptest::prelude::*;

use super::super::sasl::Step;
use super::*;
use crate::limits::Limits;

const OK: &str = "2.0\r\n.\r\n.\r\n";

/// A session in `state`, its greeting read. In Receive one object is being worked on.
pub(super) fn channel(state: State) -> (Channel, Instant) {
    with_settings(state, Settings::default())
}

pub(super) fn with_settings(state: State, settings: Settings) -> (Channel, Instant) {
    let now = Instant::now();
    let mut channel = Channel::new(Arc::new(settings), Link::default(), now);
    channel.take_outgoing();
    let words: &[&str] = match state {
        State::Connected | State::Closed => &[],
        State::Authenticating => &["AUTHENTICATE ANONYMOUS\n"],
        State::Identified => &["AUTHENTICATE ANONYMOUS =\n"],
        State::Data => &["AUTHENTICATE ANONYMOUS =\n", "SENDDATA\n"],
        State::Receive => &["AUTHENTICATE ANONYMOUS =\n", "SENDDATA\nCMDID:r9\n.\n"],
    };
    for word in words {
        channel.feed(word.as_bytes(), now);
        settle(&mut channel, None, now);
    }
    assert_eq!(channel.state(), state);
    channel.take_outgoing();
    (channel, now)
}

pub(super) fn text(channel: &mut Channel) -> String {
    String::from_utf8_lossy(&channel.take_outgoing()).into_owned()
}

fn ask(channel: &mut Channel, line: &str) -> String {
    let now = channel.last_command;
    channel.feed(line.as_bytes(), now);
    settle(channel, None, now);
    text(channel)
}

fn done(argument: &str) -> Outcome {
    Outcome::Reply {
        status: Status::SUCCESS,
        argument: argument.to_owned(),
        data: Vec::new(),
        note: String::new(),
    }
}

/// The status code that `line` is answered with, and the state afterwards.
fn status(state: State, line: &str) -> (String, State) {
    let (mut channel, _) = channel(state);
    let reply = ask(&mut channel, &format!("{line}\r\n"));
    let code = reply.split([' ', '\r']).next().unwrap_or_default();
    (code.to_owned(), channel.state())
}

/// Section 3's diagram, cell by cell. In Receive an empty code is an answer after the pending one.
#[test]
fn every_verb_in_every_state() {
    use State::*;
    let cells = [
        (
            "CAPABILITY",
            ("2.0", Connected),
            ("2.0", Identified),
            ("", Receive),
        ),
        (
            "STARTTLS",
            ("6.5", Connected),
            ("9.1", Closed),
            ("9.1", Closed),
        ),
        (
            "AUTHENTICATE X",
            ("6.3", Connected),
            ("9.1", Closed),
            ("9.1", Closed),
        ),
        (
            "IDENTIFY bill@example.com",
            ("9.1", Connected),
            ("2.0", Identified),
            ("", Receive),
        ),
        (
            "CALIDEXPAND bill",
            ("9.1", Connected),
            ("2.0", Identified),
            ("", Receive),
        ),
        (
            "UPNEXPAND bill@example.com",
            ("9.1", Connected),
            ("2.0", Identified),
            ("", Receive),
        ),
        (
            "GENERATEUID 2",
            ("9.1", Connected),
            ("2.0", Identified),
            ("", Receive),
        ),
        (
            "SENDDATA 10",
            ("9.1", Connected),
            ("2.0.1", Data),
            ("2.0.1", Data),
        ),
        (
            "CONTINUE 10 ; r9",
            ("9.1", Connected),
            ("2.2", Identified),
            ("2.2", Receive),
        ),
        (
            "ABORT ; r9",
            ("9.1", Connected),
            ("2.2", Identified),
            ("", Receive),
        ),
        (
            "NOOP",
            ("2.0", Connected),
            ("2.0", Identified),
            ("", Receive),
        ),
        (
            "DISCONNECT",
            ("2.0", Closed),
            ("2.0", Closed),
            ("2.0", Closed),
        ),
        (
            "HELP",
            ("9.0", Connected),
            ("9.0", Identified),
            ("", Receive),
        ),
    ];
    let verbs = TABLE.iter().filter_map(|row| match row.event {
        Event::Verb(verb) => Some(verb),
        Event::UnknownVerb => Some("HELP"),
        _ => None,
    });
    assert!(verbs.eq(cells.iter().map(|cell| cell.0.split(' ').next().unwrap())));
    for (line, connected, identified, receive) in cells {
        let columns = [
            (Connected, connected),
            (Identified, identified),
            (Receive, receive),
        ];
        for (before, (code, after)) in columns {
            let expected = (code.to_owned(), after);
            assert_eq!(status(before, line), expected, "{line} in {before:?}");
        }
    }
}

/// What happens without a verb, cell by cell: what is said, and the state afterwards.
#[test]
fn everything_else_in_every_state() {
    use State::*;
    type Happen = fn(&mut Channel, Instant);
    let happens: [(&str, Happen); 4] = [
        ("idle", |channel, start| {
            channel.tick(start + Duration::from_secs(1800))
        }),
        ("stop", |channel, _| channel.stop()),
        ("gone", |channel, _| channel.gone()),
        ("dot", |channel, now| channel.feed(b".\r\n", now)),
    ];
    for (what, happen) in happens {
        for state in State::ALL {
            let (mut channel, now) = channel(state);
            happen(&mut channel, now);
            let said = text(&mut channel);
            let expected = match (what, state) {
                ("idle", Receive) => ("", Receive),
                ("idle" | "gone", _) => ("", Closed),
                // After what is worked on.
                ("stop", Receive) => ("", Receive),
                ("stop", _) => ("10.2", Closed),
                ("dot", Connected | Identified) => ("9.0", state),
                ("dot", Authenticating) => ("6.2", Connected),
                (_, Data) => ("", Receive),
                // No command, so it is queued as one that is unknown.
                _ => ("", state),
            };
            let code = said.split([' ', '\r']).next().unwrap_or_default();
            assert_eq!((code, channel.state()), expected, "{what} in {state:?}");
        }
    }
}

/// A verb in a wrong state is refused for the state, whatever its arguments.
#[test]
fn state_is_judged_before_arguments() {
    assert_eq!(status(State::Connected, "GENERATEUID").0, "9.1");
    assert_eq!(status(State::Identified, "ABORT 1 2 3").0, "6.3");
}

#[test]
fn faults_in_a_row_end_the_session() {
    let (mut channel, _) = channel(State::Connected);
    for round in 1..20 {
        assert!(ask(&mut channel, ["HELP\n", "NOOP 1\n", "ABORT\n"][round % 3]).len() > 11);
    }
    assert_eq!(ask(&mut channel, "NOOP\n"), OK);
    for _ in 1..20 {
        ask(&mut channel, "HELP\n");
        assert_eq!(channel.state(), State::Connected);
    }
    assert!(ask(&mut channel, "HELP\nNOOP\n").starts_with("9.0"));
    assert_eq!(channel.state(), State::Closed);
}

#[test]
fn auth_attempts_may_be_raised() {
    let settings = Settings {
        auth_attempts: 2,
        ..Settings::default()
    };
    let (mut channel, _) = with_settings(State::Connected, settings);
    for _ in 0..2 {
        assert!(ask(&mut channel, "AUTHENTICATE X\n").starts_with("6.3"));
    }
    assert!(ask(&mut channel, "AUTHENTICATE X\n").starts_with("9.1"));
    assert!(channel.is_closed());
}

#[test]
fn only_commands_put_off_the_deadline() {
    let (mut channel, start) = channel(State::Connected);
    let after = |seconds| start + Duration::from_secs(seconds);
    channel.feed(b"NOOP\r\n", after(100));
    channel.feed(b"\r\n \r\nNOO", after(1000));
    assert_eq!(channel.deadline(), Some(after(1900)));
    channel.tick(after(1899));
    assert_eq!(channel.state(), State::Connected);
    channel.take_outgoing();
    channel.tick(after(1900));
    assert_eq!(
        (channel.state(), channel.take_outgoing()),
        (State::Closed, Vec::new())
    );
}

#[test]
fn never_idle_when_idle_is_zero() {
    let limits = Limits {
        cap_idle: Duration::ZERO,
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let channel = Channel::new(Arc::new(settings), Link::default(), Instant::now());
    assert_eq!(channel.deadline(), None);
}

/// What was sent in the clear after STARTTLS is not carried out inside TLS, whole lines or beginnings of lines.
#[test]
fn plaintext_after_starttls_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let source = crate::tls::Source::SelfSigned {
        folder: folder.path().to_owned(),
        domain: "localhost".to_owned(),
    };
    let clock = Arc::new(crate::model::clock::SystemClock);
    let tls = crate::tls::Tls::load(source, None, clock, Duration::from_secs(1)).unwrap();
    let tls = Arc::new(tls);
    for injected in [
        "NOOP\r\n",
        "NOOP\r\nAUTHENTICATE ANONYMOUS =\r\n",
        "NOO",
        "HELP\r\nNOO",
    ] {
        let settings = Settings {
            tls: Some(Arc::clone(&tls)),
            ..Settings::default()
        };
        let (mut channel, now) = with_settings(State::Connected, settings);
        channel.feed(format!("STARTTLS\r\n{injected}").as_bytes(), now);
        assert_eq!(text(&mut channel), "2.0.12\r\n");
        assert!(channel.wants_tls() && !channel.wants_input());
        channel.feed(injected.as_bytes(), now);
        channel.secured(Vec::new());
        assert_eq!(text(&mut channel), OK);
        assert_eq!(channel.state(), State::Connected);
        channel.feed(b"P\r\n", now);
        assert!(text(&mut channel).starts_with("9.0"), "{injected}");
    }
}

#[test]
fn commands_wait_for_the_one_before_and_are_not_lost() {
    let (mut channel, now) = channel(State::Identified);
    channel.feed(b"UPNEXPAND a\r\nUPNEXPAND b\r\nNOO", now);
    assert!(!channel.wants_input());
    assert!(matches!(channel.take_job(), Some(Job::ExpandUser { upn, .. }) if upn == "a"));
    channel.feed(b"P\r\n", now);
    assert_eq!(text(&mut channel), "");
    channel.finish(done("a"), now);
    assert!(matches!(channel.take_job(), Some(Job::ExpandUser { upn, .. }) if upn == "b"));
    channel.finish(done("b"), now);
    assert_eq!(
        text(&mut channel),
        format!("2.0 a\r\n.\r\n.\r\n2.0 b\r\n.\r\n.\r\n{OK}")
    );
    assert!(channel.wants_input());
    channel.feed(b"GENERATEUID 1\r\n", now);
    channel.finish(Outcome::Lost, now);
    assert!(text(&mut channel).starts_with("8.0 ; "));
}

#[test]
fn a_login_that_breaks_off_is_a_temporary_failure() {
    let (mut channel, now) = channel(State::Authenticating);
    channel.feed(b"AAAA\r\n", now);
    assert!(channel.take_job().is_some());
    channel.finish(Outcome::Lost, now);
    assert!(text(&mut channel).starts_with("6.4 ; "));
    assert_eq!(channel.state(), State::Connected);
}

#[test]
fn an_object_over_a_bound_is_drained_and_refused() {
    let limits = Limits {
        cap_object_size: 100,
        cap_data_line: 50,
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let (mut channel, _) = with_settings(State::Identified, settings);
    for (object, refused) in [
        (format!("{}\r\n", "x".repeat(48)).repeat(2), false),
        (format!("{}\r\n", "x".repeat(49)).repeat(2), true),
        (format!("{}\r\n", "x".repeat(50)), false),
        (format!("{}\r\n", "x".repeat(51)), true),
    ] {
        let (mut said, now) = (String::new(), channel.last_command);
        channel.feed(format!("SENDDATA\r\n{object}.\r\n").as_bytes(), now);
        if let Some(Job::Object { .. }) = channel.take_job() {
            channel.finish(done(""), now);
        }
        said += &text(&mut channel);
        assert_eq!(said.contains("\n8.2 ; "), refused, "{said}");
        assert_eq!(channel.state(), State::Identified);
    }
}

#[test]
fn what_all_sessions_hold_is_bounded_and_given_back() {
    let limits = Limits {
        cap_held_data: 40 << 10,
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let held = Arc::clone(&settings.held);
    let (mut first, now) = with_settings(State::Data, settings.clone());
    let (mut second, _) = with_settings(State::Data, settings);
    let block = format!("{}\r\n", "x".repeat(998)).repeat(30);
    first.feed(block.as_bytes(), now);
    assert!(held.octets() >= 30_000);
    second.feed(format!("{block}.\r\n").as_bytes(), now);
    assert!(text(&mut second).starts_with("10.4 ; "));
    first.feed(b".\r\n", now);
    assert!(matches!(first.take_job(), Some(Job::Object { .. })));
    first.finish(done(""), now);
    assert_eq!(held.octets(), 0);
}

#[test]
fn a_client_that_asks_without_end_is_not_read_meanwhile() {
    let (mut channel, now) = channel(State::Receive);
    let mut sent = 0;
    while channel.wants_input() {
        channel.feed(b"NOOP\r\n", now);
        sent += 1;
        assert!(sent < 1000);
    }
    channel.finish(done("r9"), now);
    assert_eq!(text(&mut channel).matches(OK).count(), sent);
    assert!(channel.wants_input());
    assert!(channel.receiving.is_none(), "an idle session holds nothing");
}

#[test]
fn leaving_tells_the_work() {
    for leave in [
        (|channel, _| channel.gone()) as fn(&mut Channel, Instant),
        |channel, now| channel.feed(b"DISCONNECT\r\n", now),
        |channel, now| channel.feed(b"STARTTLS\r\n", now),
    ] {
        let (mut channel, now) = channel(State::Identified);
        channel.feed(b"SENDDATA\r\n.\r\n", now);
        let Some(Job::Object { cancel, .. }) = channel.take_job() else {
            panic!("an object is to be worked on");
        };
        leave(&mut channel, now);
        assert!(cancel.is_set() && channel.is_closed());
        channel.take_outgoing();
        channel.finish(done("late"), now);
        assert_eq!(text(&mut channel), "");
    }
}

/// Any octets, with the words of the protocol among them.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&str> = TABLE
        .iter()
        .filter_map(|row| match row.event {
            Event::Verb(verb) => Some(verb),
            _ => None,
        })
        .collect();
    let lines = vec![
        "AUTHENTICATE ANONYMOUS =\r\n",
        "AUTHENTICATE PLAIN\r\n",
        "SENDDATA\r\n",
        "SENDDATA 3\r\n",
        "CMDID:a\r\n",
        "CMD;ID=b:SEARCH\r\n",
        ".\r\n",
        "..\r\n",
        "AAAA\r\n",
        "CONTINUE ; a\r\n",
        "ABORT\r\n",
        "GENERATEUID 2\r\n",
    ];
    let piece = prop_oneof![
        6 => proptest::sample::select(lines).prop_map(|line| line.as_bytes().to_vec()),
        4 => proptest::sample::select(words).prop_map(|verb| verb.as_bytes().to_vec()),
        4 => proptest::sample::select(vec!["\r\n", "\n", "\r", " ", ":", ".", "\0", ";"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..10),
        1 => (4000usize..4200).prop_map(|length| vec![b'x'; length]),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Something a well-behaved client sends, whose answer bears its number.
fn numbered(kind: usize, number: usize) -> String {
    match kind {
        0 => format!("UPNEXPAND n{number}\r\n"),
        1 => format!("CALIDEXPAND n{number}\r\n"),
        2 => format!("SENDDATA\r\nCMDID:n{number}\r\n..x\r\n.\r\n"),
        3 => format!("SENDDATA 5\r\nCMD;ID=n{number}:SEARCH\r\n.\r\n"),
        4 => format!("HELP n{number}\r\n"),
        _ => "NOOP\r\n".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn cuts_do_not_matter(
        octets in octets(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        cuts.extend([0, octets.len()]);
        cuts.sort_unstable();
        let parts: Vec<_> = cuts.windows(2).map(|cut| &octets[cut[0]..cut[1]]).collect();
        let whole = replies_to([&octets[..]]);
        prop_assert_eq!(&replies_to(parts), &whole);
        prop_assert_eq!(&replies_to(octets.chunks(1)), &whole);
    }

    #[test]
    fn the_fuzz_target_holds(octets in octets()) {
        crate::cap::fuzz_frame(&octets);
    }

    /// Whatever arrives, whenever work ends and time passes: the session stays in a state of the table, and takes no
    /// job or deadline with it when it closes.
    #[test]
    fn any_session_stays_in_the_table(
        octets in octets(),
        happenings in proptest::collection::vec((1usize..60, 0u64..6, any::<bool>()), 0..60),
    ) {
        let start = Instant::now();
        let mut now = start;
        let mut channel = Channel::new(Arc::default(), Link::default(), now);
        let (mut rest, mut working) = (&octets[..], None);
        for (length, seconds, finishes) in happenings {
            if channel.wants_input() {
                let (part, left) = rest.split_at(length.min(rest.len()));
                rest = left;
                channel.feed(part, now);
            }
            working = settle(&mut channel, working, now);
            if finishes && let Some(Job::Object { cancel, .. }) = working.take() {
                let outcome = if cancel.is_set() { Outcome::Aborted } else { done("x") };
                channel.finish(outcome, now);
                working = settle(&mut channel, working, now);
            }
            now += Duration::from_secs(seconds * seconds * 10);
            while channel.deadline().is_some_and(|deadline| deadline <= now) {
                let before = (channel.deadline(), channel.state());
                channel.tick(now);
                prop_assert_ne!((channel.deadline(), channel.state()), before, "something was due");
            }
            working = settle(&mut channel, working, now);
            let state = channel.state();
            prop_assert!(state == State::Closed || State::ALL.contains(&state));
            prop_assert_eq!(state == State::Closed, channel.is_closed());
            prop_assert!(!channel.is_closed() || channel.deadline().is_none());
            prop_assert_eq!(state == State::Receive, channel.state == State::Receive && channel.is_busy());
            let said = channel.take_outgoing();
            prop_assert!(said.is_empty() || said.ends_with(b"\r\n"));
        }
    }

    /// Answers come in the order of what they answer, however the octets are cut and whenever work ends.
    #[test]
    fn answers_come_in_order(
        kinds in proptest::collection::vec(0usize..6, 1..8),
        cut in 1usize..40,
        pace in 1usize..5,
    ) {
        let (mut channel, now) = channel(State::Identified);
        let sent: String = kinds.iter().enumerate().map(|(n, kind)| numbered(*kind, n)).collect();
        let (mut said, mut working) = (String::new(), None);
        for (turn, part) in sent.as_bytes().chunks(cut).enumerate() {
            channel.feed(part, now);
            working = settle(&mut channel, working, now);
            if turn % pace == 0 && let Some(Job::Object { octets, .. }) = working.take() {
                let name = String::from_utf8_lossy(&octets).into_owned();
                let name = name.split(['=', ':', '\r']).find(|w| w.starts_with('n')).unwrap();
                channel.finish(done(name), now);
                working = settle(&mut channel, working, now);
            }
            said += &text(&mut channel);
        }
        while let Some(Job::Object { octets, .. }) = working.take() {
            let name = String::from_utf8_lossy(&octets).into_owned();
            let name = name.split(['=', ':', '\r']).find(|w| w.starts_with('n')).unwrap();
            channel.finish(done(name), now);
            working = settle(&mut channel, working, now);
        }
        said += &text(&mut channel);
        let answers: Vec<&str> = said
            .split("\r\n")
            .filter(|line| line.starts_with("2.0 ") || line.starts_with("9.0") || *line == "2.0")
            .collect();
        let expected: Vec<String> = kinds.iter().enumerate().map(|(n, kind)| match kind {
            4 => "9.0 ; expected a command".to_owned(),
            5 => "2.0".to_owned(),
            _ => format!("2.0 n{n}"),
        }).collect();
        prop_assert_eq!(answers, expected, "{}", said);
        prop_assert_eq!(channel.state(), State::Identified);
    }
}

#[test]
fn outcomes_that_nobody_waits_for_change_nothing() {
    let (mut channel, now) = channel(State::Identified);
    channel.finish(done("x"), now);
    channel.finish(
        Outcome::Authenticate(Step::Failed(Status::LOGIN_FAILED)),
        now,
    );
    assert_eq!(
        (text(&mut channel).as_str(), channel.state()),
        ("", State::Identified)
    );
}
