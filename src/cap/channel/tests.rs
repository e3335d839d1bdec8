use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::limits::Limits;

const OK: &str = "2.0\r\n.\r\n.\r\n";

fn channel(state: State) -> (Channel, Instant) {
    let now = Instant::now();
    let mut channel = Channel::new(Arc::default(), now);
    channel.take_outgoing();
    channel.state = state;
    (channel, now)
}

fn ask(channel: &mut Channel, line: &str) -> String {
    channel.feed(line.as_bytes(), channel.last_command);
    String::from_utf8_lossy(&channel.take_outgoing()).into_owned()
}

/// The status code that `line` is answered with, and the state afterwards.
fn status(state: State, line: &str) -> (String, State) {
    let (mut channel, _) = channel(state);
    let reply = ask(&mut channel, &format!("{line}\r\n"));
    let code = reply.split([' ', '\r']).next().unwrap_or_default();
    (code.to_owned(), channel.state())
}

/// Section 3's diagram, cell by cell.
#[test]
fn every_verb_in_every_state() {
    use State::*;
    let cells = [
        ("CAPABILITY", ("2.0", Connected), ("2.0", Identified)),
        ("STARTTLS", ("6.5", Connected), ("9.1", Closed)),
        ("AUTHENTICATE PLAIN", ("6.3", Connected), ("9.1", Closed)),
        (
            "IDENTIFY bill@example.com",
            ("9.1", Connected),
            ("9.0", Identified),
        ),
        ("CALIDEXPAND bill", ("9.1", Connected), ("9.0", Identified)),
        (
            "UPNEXPAND bill@example.com",
            ("9.1", Connected),
            ("9.0", Identified),
        ),
        ("GENERATEUID 2", ("9.1", Connected), ("9.0", Identified)),
        ("SENDDATA 10", ("9.1", Connected), ("9.0", Identified)),
        ("CONTINUE 10 ; r9", ("9.1", Connected), ("2.2", Identified)),
        ("ABORT ; r9", ("9.1", Connected), ("2.2", Identified)),
        ("NOOP", ("2.0", Connected), ("2.0", Identified)),
        ("DISCONNECT", ("2.0", Closed), ("2.0", Closed)),
    ];
    assert!(
        cells
            .iter()
            .map(|cell| cell.0.split(' ').next())
            .eq(TABLE.iter().map(|r| Some(r.verb)))
    );
    for (line, connected, identified) in cells {
        for (before, (code, after)) in [(Connected, connected), (Identified, identified)] {
            assert_eq!(
                status(before, line),
                (code.to_owned(), after),
                "{line} in {before:?}"
            );
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
    let mut channel = Channel::new(Arc::new(settings), Instant::now());
    channel.take_outgoing();
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
    channel.expire(after(1899));
    assert_eq!(channel.state(), State::Connected);
    channel.take_outgoing();
    channel.expire(after(1900));
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
    assert_eq!(
        Channel::new(Arc::new(settings), Instant::now()).deadline(),
        None
    );
}

/// Any octets, with the words of the protocol among them.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let words = TABLE.map(|row| row.verb);
    let piece = prop_oneof![
        4 => proptest::sample::select(words.to_vec()).prop_map(|verb| verb.as_bytes().to_vec()),
        4 => proptest::sample::select(vec!["\r\n", "\n", "\r", " ", ":", ".", "\0"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..10),
        1 => (4000usize..4200).prop_map(|length| vec![b'x'; length]),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
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
        prop_assert_ne!(whole.1, State::Identified);
    }

    #[test]
    fn the_fuzz_target_holds(octets in octets()) {
        crate::cap::fuzz_frame(&octets);
    }
}
