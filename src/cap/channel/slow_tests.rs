//! Clients that keep a session waiting: each message of a login and each object has a bound in time, however many octets
//! still trickle in. No socket and no waiting: the time is handed in.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::tests::{channel, text, with_settings};
use super::*;
use crate::limits::Limits;

const SECOND: Duration = Duration::from_secs(1);

/// Feeds `octet` every second until the session is closed or `most` have passed; how long that took.
fn trickle(channel: &mut Channel, from: Instant, octet: &[u8], most: u32) -> Duration {
    for second in 1..=most {
        let now = from + SECOND * second;
        channel.tick(now);
        if channel.is_closed() {
            return now - from;
        }
        channel.feed(octet, now);
    }
    SECOND * most
}

#[test]
fn a_message_of_a_login_that_trickles_ends_the_session() {
    let limits = Limits::default();
    let (mut channel, now) = channel(State::Authenticating);
    assert_eq!(channel.deadline(), Some(now + limits.cap_login_time));
    let taken = trickle(&mut channel, now, b"A", 3_600);
    assert_eq!(taken, limits.cap_login_time);
    assert_eq!(text(&mut channel), "");
}

/// Each message has its time, and what the server takes for its own is not the client's.
#[test]
fn the_work_of_a_login_is_not_counted() {
    let settings = Settings {
        auth_attempts: 2,
        ..Settings::default()
    };
    let limit = settings.limits.cap_login_time;
    let (mut channel, now) = with_settings(State::Authenticating, settings);
    let last = now + limit - SECOND;
    channel.feed(b"AAAA\r\n", last);
    let Some(Job::Authenticate { exchange, .. }) = channel.take_job() else {
        panic!("a login is to be weighed");
    };
    let late = last + limit * 3;
    channel.tick(late);
    assert!(!channel.is_closed());
    let step = super::super::sasl::Step::Challenge(exchange, b"?".to_vec());
    channel.finish(Outcome::Authenticate(step), late);
    assert_eq!(channel.deadline(), Some(late + limit));
    channel.tick(late + limit - SECOND);
    assert!(!channel.is_closed());
    // After the login it is AUTOLOGOUTTIME again.
    channel.feed(b"*\r\n", late + SECOND);
    assert_eq!(channel.state(), State::Connected);
    let idle = Limits::default().cap_idle;
    assert_eq!(channel.deadline(), Some(late + SECOND + idle));
}

#[test]
fn an_object_that_trickles_ends_the_session_and_gives_back_its_room() {
    for octets in [&b"x"[..], b"x\r\n", b"\r\n", b"..\r\n"] {
        let settings = Settings::default();
        let (held, limit) = (Arc::clone(&settings.held), settings.limits.cap_data_time);
        let (mut channel, now) = with_settings(State::Data, settings);
        assert_eq!(channel.deadline(), Some(now + limit));
        assert_eq!(trickle(&mut channel, now, octets, 3_600), limit);
        assert_eq!((text(&mut channel).as_str(), held.octets()), ("", 0));
    }
}

/// An object that comes in time is taken although a shorter AUTOLOGOUTTIME has passed since SENDDATA.
#[test]
fn an_object_in_time_is_no_idleness() {
    let limits = Limits {
        cap_idle: SECOND * 10,
        ..Limits::default()
    };
    let limit = limits.cap_data_time;
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let (mut channel, now) = with_settings(State::Data, settings);
    let last = now + limit - SECOND;
    channel.tick(last);
    channel.feed(b".\r\n", last);
    assert_eq!(channel.state(), State::Receive);
    assert!(channel.take_job().is_some());
}

/// The object before it is still worked on; the one that trickles is not waited for any longer because of that.
#[test]
fn an_object_behind_another_has_no_more_time() {
    let (mut channel, now) = channel(State::Receive);
    channel.feed(b"SENDDATA\r\n", now);
    let limit = Limits::default().cap_data_time;
    assert_eq!(trickle(&mut channel, now, b"x", 3_600), limit);
}

#[test]
fn without_autologout_logins_and_objects_still_end() {
    for state in [State::Authenticating, State::Data] {
        let limits = Limits {
            cap_idle: Duration::ZERO,
            ..Limits::default()
        };
        let settings = Settings {
            limits,
            ..Settings::default()
        };
        let (mut channel, now) = with_settings(state, settings);
        channel.tick(channel.deadline().unwrap());
        assert!(channel.is_closed(), "{state:?} since {now:?}");
    }
}
