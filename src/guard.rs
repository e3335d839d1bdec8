//! How much one client may ask for: requests a second, requests at a time and connections that stay by address, requests
//! at a time by session.
//!
//! Whoever asks for more is told so by the door, in its own form, before any work is done. Networks that the operator
//! names are not counted by address: proxies and portals ask for many people.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

use crate::core::Client;
use crate::limits::Limits;

/// When to ask again if more addresses are counted than there is room for.
const NO_ROOM: Duration = Duration::from_millis(500);

/// A client asks for more than it may; seconds until it may ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy(pub u64);

/// The counts of all clients; clones share them.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guard")
    }
}

struct Inner {
    exempt: Vec<IpNet>,
    rate: DefaultKeyedRateLimiter<IpAddr>,
    most_addresses: usize,
    addresses: Counts,
    connections: Counts,
    sessions: Counts,
    hasher: RandomState,
}

/// How many of something are under way, by key, and how many may be.
struct Counts {
    under_way: Mutex<HashMap<u64, usize>>,
    most: usize,
}

/// A request under way or a connection that stays; it is counted until this goes. Doors of HTTP put it into the answer's
/// extensions, as an `Arc`: the listener keeps it until the answer is taken.
#[must_use]
pub struct Pass {
    guard: Option<Guard>,
    address: Option<u64>,
    connection: Option<u64>,
    session: Option<u64>,
}

impl Counts {
    fn new(most: usize) -> Self {
        Self {
            under_way: Mutex::default(),
            most,
        }
    }

    fn enter(&self, key: u64) -> bool {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = under_way.entry(key).or_insert(0);
        if *count >= self.most {
            if *count == 0 {
                under_way.remove(&key);
            }
            return false;
        }
        *count += 1;
        true
    }

    fn leave(&self, key: u64) {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&key);
            }
        }
    }
}

impl Guard {
    /// A guard with these bounds; addresses in the networks `exempt` are not counted.
    pub fn new(limits: &Limits, exempt: Vec<IpNet>) -> Self {
        let number = |count: usize| {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
        };
        let quota = Quota::per_second(number(limits.requests_per_second))
            .allow_burst(number(limits.requests_burst));
        Self(Arc::new(Inner {
            exempt,
            rate: RateLimiter::keyed(quota),
            most_addresses: limits.counted_addresses,
            addresses: Counts::new(limits.requests_per_address),
            connections: Counts::new(limits.cap_connections_per_address),
            sessions: Counts::new(limits.requests_per_session),
            hasher: RandomState::new(),
        }))
    }

    /// Lets a request of `client` in, or says when to come again.
    pub fn enter(&self, client: Client) -> Result<Pass, Busy> {
        let mut pass = self.pass();
        let Some(network) = self.counted(client) else {
            return Ok(pass);
        };
        let asked = self.ask(network);
        asked.map_err(|wait| Busy(wait.as_secs() + 1))?;
        let key = self.0.hasher.hash_one(network);
        if !self.0.addresses.enter(key) {
            return Err(Busy(1));
        }
        pass.address = Some(key);
        Ok(pass)
    }

    /// Lets `client` make a connection that stays, or says when to come again.
    pub fn connect(&self, client: Client) -> Result<Pass, Busy> {
        let mut pass = self.pass();
        let Some(network) = self.counted(client) else {
            return Ok(pass);
        };
        let key = self.0.hasher.hash_one(network);
        if !self.0.connections.enter(key) {
            return Err(Busy(1));
        }
        pass.connection = Some(key);
        Ok(pass)
    }

    /// Counts a request on a connection of `client`, or says how long it has to wait before it may be counted.
    pub fn turn(&self, client: Client) -> Result<(), Duration> {
        match self.counted(client) {
            Some(network) => self.ask(network),
            None => Ok(()),
        }
    }

    fn pass(&self) -> Pass {
        Pass {
            guard: Some(self.clone()),
            address: None,
            connection: None,
            session: None,
        }
    }

    /// As what `client` is counted; none: not at all.
    fn counted(&self, client: Client) -> Option<IpAddr> {
        let address = client.address()?;
        let mut exempt = self.0.exempt.iter();
        match exempt.any(|network| network.contains(&address)) {
            true => None,
            false => client.network(),
        }
    }

    /// One request more of a network, or the time until it may ask.
    fn ask(&self, network: IpAddr) -> Result<(), Duration> {
        let inner = &self.0;
        if inner.rate.len() >= inner.most_addresses {
            // Those that have been quiet for a moment count as new ones would.
            inner.rate.retain_recent();
            if inner.rate.len() >= inner.most_addresses {
                return Err(NO_ROOM);
            }
        }
        let checked = inner.rate.check_key(&network);
        checked.map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }
}

impl Pass {
    /// One that counts nothing, where there is no guard.
    pub fn free() -> Self {
        Self {
            guard: None,
            address: None,
            connection: None,
            session: None,
        }
    }

    /// Counts the request for the session with this token too.
    pub fn enter_session(&mut self, token: &str) -> Result<(), Busy> {
        let Some(Guard(inner)) = &self.guard else {
            return Ok(());
        };
        let key = inner.hasher.hash_one(token);
        if !inner.sessions.enter(key) {
            return Err(Busy(1));
        }
        self.session = Some(key);
        Ok(())
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some(Guard(inner)) = &self.guard else {
            return;
        };
        if let Some(key) = self.address {
            inner.addresses.leave(key);
        }
        if let Some(key) = self.connection {
            inner.connections.leave(key);
        }
        if let Some(key) = self.session {
            inner.sessions.leave(key);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        Client::of(address.parse().unwrap())
    }

    fn guard(limits: &Limits) -> Guard {
        Guard::new(limits, vec!["127.0.0.0/8".parse().unwrap()])
    }

    #[test]
    fn requests_a_second_are_bounded_by_address() {
        let limits = Limits {
            requests_per_second: 1,
            requests_burst: 3,
            ..Limits::default()
        };
        let guard = guard(&limits);
        for _ in 0..3 {
            assert!(guard.enter(client("192.0.2.1")).is_ok());
        }
        let busy = guard.enter(client("192.0.2.1")).err().unwrap();
        assert!((1..=2).contains(&busy.0), "{busy:?}");
        assert!(guard.enter(client("192.0.2.2")).is_ok());
        // One network of IPv6 is one client.
        for last in 1..=3 {
            let address = format!("2001:db8::{last}");
            assert!(guard.enter(client(&address)).is_ok());
        }
        assert!(guard.enter(client("2001:db8::99")).is_err());
        for _ in 0..10 {
            assert!(guard.enter(client("127.0.0.1")).is_ok());
            assert!(guard.enter(Client::UNKNOWN).is_ok());
        }
    }

    #[test]
    fn requests_at_a_time_are_bounded() {
        let limits = Limits {
            requests_per_address: 2,
            requests_per_session: 1,
            ..Limits::default()
        };
        let guard = guard(&limits);
        let first = guard.enter(client("192.0.2.1")).unwrap();
        let mut second = guard.enter(client("192.0.2.1")).unwrap();
        assert!(guard.enter(client("192.0.2.1")).is_err());
        assert!(guard.enter(client("192.0.2.2")).is_ok());
        drop(first);
        assert!(guard.enter(client("192.0.2.1")).is_ok());
        second.enter_session("s1").unwrap();
        let mut other = guard.enter(client("127.0.0.1")).unwrap();
        assert_eq!(other.enter_session("s1"), Err(Busy(1)));
        assert_eq!(other.enter_session("s2"), Ok(()));
        drop(second);
        let mut again = guard.enter(client("192.0.2.1")).unwrap();
        assert_eq!(again.enter_session("s1"), Ok(()));
        drop((other, again));
        for counts in [&guard.0.addresses, &guard.0.sessions] {
            assert!(counts.under_way.lock().unwrap().is_empty());
        }
    }

    #[test]
    fn connections_are_bounded_by_address() {
        let limits = Limits {
            cap_connections_per_address: 2,
            ..Limits::default()
        };
        let guard = guard(&limits);
        let first = guard.connect(client("2001:db8::1")).unwrap();
        let _second = guard.connect(client("2001:db8::2")).unwrap();
        assert!(guard.connect(client("2001:db8::3")).is_err());
        assert!(guard.connect(client("192.0.2.1")).is_ok());
        let here: Vec<_> = (0..5).map(|_| guard.connect(client("127.0.0.1"))).collect();
        assert!(here.iter().all(Result::is_ok));
        drop(first);
        assert!(guard.connect(client("2001:db8::3")).is_ok());
    }

    /// Requests on a connection and those that are let in one by one are of one count.
    #[test]
    fn whoever_has_to_wait_is_told_how_long() {
        let limits = Limits {
            requests_per_second: 10,
            requests_burst: 2,
            ..Limits::default()
        };
        let guard = guard(&limits);
        assert_eq!(guard.turn(client("192.0.2.1")), Ok(()));
        assert!(guard.enter(client("192.0.2.1")).is_ok());
        let wait = guard.turn(client("192.0.2.1")).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        assert_eq!(guard.turn(client("192.0.2.2")), Ok(()));
        assert_eq!(guard.turn(Client::UNKNOWN), Ok(()));
    }

    #[test]
    fn counted_addresses_are_bounded() {
        let limits = Limits {
            counted_addresses: 10,
            requests_per_second: 1,
            ..Limits::default()
        };
        let guard = guard(&limits);
        let from = |last: u32| Client::of(IpAddr::from((0xc000_0200_u32 + last).to_be_bytes()));
        let let_in = (0..100)
            .filter(|&last| guard.enter(from(last)).is_ok())
            .count();
        assert_eq!(let_in, 10);
        assert!(guard.0.rate.len() <= 10);
    }
}
