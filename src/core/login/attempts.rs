//! Attempts to log in: counted by name, by account and by address, and slowed down when they fail.
//!
//! A few failures cost nothing, each further one doubles the time until the next attempt is looked at. Failures are
//! forgiven one by one as time passes. Whoever has logged in from an address before is counted there on their own,
//! so that strangers who guess elsewhere cannot lock them out. Everything is kept in memory, under keys that a
//! secret of the process makes, and its number is bounded.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::core::caller::Client;
use crate::limits::Limits;
use crate::model::clock::Ids;
use crate::model::id::PrincipalId;

/// One failure of an account is forgiven in this time, seconds: a guesser gets some hundred tries a day.
const ACCOUNT_FORGIVES: i64 = 600;

/// One failure of an address is forgiven in this time, seconds: many people may share it.
const ADDRESS_FORGIVES: i64 = 30;

/// Seconds for which a login makes an address one that its user is known at.
const KNOWN_FOR: i64 = 30 * 86_400;

/// Locks that keep attempts at one account apart; two accounts rarely share one.
const TURNS: usize = 256;

type Key = [u8; 16];

/// What is remembered under a key.
#[derive(Debug, Clone, Copy)]
struct Record {
    /// Failures not forgiven at `at`.
    failures: u32,
    /// When the last one was.
    at: i64,
    /// Seconds in which one is forgiven.
    forgives: i64,
    /// Until when this stands for an address at which a user is known; 0 for others.
    known_until: i64,
}

impl Record {
    fn new(forgives: i64) -> Self {
        Self {
            failures: 0,
            at: 0,
            forgives,
            known_until: 0,
        }
    }

    fn failures(&self, now: i64) -> u32 {
        let forgiven = now.saturating_sub(self.at).max(0) / self.forgives;
        self.failures
            .saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }

    /// Seconds from `now` until the next attempt is looked at.
    fn wait(&self, free: usize, longest: i64, now: i64) -> i64 {
        let over = (self.failures as usize).saturating_sub(free);
        if over == 0 || self.failures(now) == 0 {
            return 0;
        }
        let delay = 1_i64
            .checked_shl(over.min(32) as u32 - 1)
            .unwrap_or(longest);
        let delay = delay.min(longest);
        // A clock that was set back must not lengthen it.
        self.at
            .saturating_add(delay)
            .saturating_sub(now)
            .clamp(0, delay)
    }

    fn fail(&mut self, now: i64) {
        self.failures = self.failures(now).saturating_add(1);
        self.at = now;
    }

    /// When nothing of it counts any more.
    fn ends(&self) -> i64 {
        let forgiven = i64::from(self.failures).saturating_mul(self.forgives);
        self.at.saturating_add(forgiven).max(self.known_until)
    }
}

/// What an attempt is counted under.
#[derive(Debug)]
pub(super) struct Attempt {
    /// What it fails under; the first is the one that anybody can see.
    counted: Vec<Key>,
    address: Option<Key>,
    /// Its user at its address.
    pair: Option<Key>,
    /// The keys that a success wipes clean.
    own: Vec<Key>,
}

/// Whether an attempt is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// It is.
    Open,
    /// Not before so many seconds have passed. What was typed, or where it came from, has failed too often.
    Closed(i64),
    /// It is not, and must look like any that failed: the account has failed too often under other names.
    Hidden,
}

/// The bounds in force.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    free: usize,
    free_of_address: usize,
    longest: i64,
    records: usize,
}

/// The counted attempts of all clients.
pub(super) struct Attempts {
    secret: [u8; 32],
    bounds: Bounds,
    records: Mutex<HashMap<Key, Record>>,
    turns: Vec<Mutex<()>>,
}

impl Attempts {
    pub(super) fn new(ids: &dyn Ids, limits: &Limits) -> Self {
        let mut secret = [0; 32];
        ids.fill(&mut secret);
        let longest = i64::try_from(limits.login_delay.as_secs()).unwrap_or(i64::MAX);
        Self {
            secret,
            bounds: Bounds {
                free: limits.login_failures,
                free_of_address: limits.login_failures_per_address,
                longest,
                records: limits.login_records.max(1),
            },
            records: Mutex::default(),
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
        }
    }

    fn key(&self, kind: &str, parts: &[&[u8]]) -> Key {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(kind.as_bytes());
        for part in parts {
            mac.update(&part.len().to_be_bytes());
            mac.update(part);
        }
        let mac: [u8; 32] = mac.finalize().into_bytes().into();
        let mut key = Key::default();
        key.copy_from_slice(&mac[..16]);
        key
    }

    /// How an attempt at `typed`, a name in the form in which names are compared, is counted.
    pub(super) fn attempt(
        &self,
        typed: &str,
        account: Option<PrincipalId>,
        client: Client,
    ) -> Attempt {
        let typed = self.key("typed", &[typed.as_bytes()]);
        let account = account.map(|id| id.0.to_be_bytes());
        let network = client.network().map(|network| network.to_string());
        let of_account = account.map(|id| self.key("account", &[&id]));
        let pair = account.zip(network.as_ref());
        let mut counted = vec![typed];
        counted.extend(of_account);
        Attempt {
            own: counted.clone(),
            counted,
            address: network
                .as_ref()
                .map(|n| self.key("address", &[n.as_bytes()])),
            pair: pair.map(|(id, network)| self.key("pair", &[&id, network.as_bytes()])),
        }
    }

    /// Waits until no other attempt at the same account is looked at: guesses sent at once count one by one.
    pub(super) fn turn(&self, attempt: &Attempt) -> MutexGuard<'_, ()> {
        let key = attempt.counted.last().copied().unwrap_or_default();
        let at = usize::from(key[0]) % TURNS;
        self.turns[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the attempt is looked at now.
    pub(super) fn gate(&self, attempt: &mut Attempt, now: i64) -> Gate {
        let records = self.records();
        let bounds = self.bounds;
        let wait = |key: &Key, free| {
            records
                .get(key)
                .map_or(0, |record| record.wait(free, bounds.longest, now))
        };
        let known = attempt.pair.filter(|pair| {
            records
                .get(pair)
                .is_some_and(|record| now < record.known_until)
        });
        if let Some(pair) = known {
            attempt.counted = vec![pair];
        }
        let address = attempt
            .address
            .map_or(0, |key| wait(&key, bounds.free_of_address));
        let mut own = attempt.counted.iter().map(|key| wait(key, bounds.free));
        let seen = own.next().unwrap_or(0).max(address);
        match (seen, own.max().unwrap_or(0)) {
            (0, 0) => Gate::Open,
            (0, _) => Gate::Hidden,
            (seen, _) => Gate::Closed(seen),
        }
    }

    /// Counts a failure.
    pub(super) fn failed(&self, attempt: &Attempt, now: i64) {
        let mut records = self.records();
        make_room(&mut records, self.bounds.records, now);
        for key in &attempt.counted {
            let record = records.entry(*key);
            record
                .or_insert_with(|| Record::new(ACCOUNT_FORGIVES))
                .fail(now);
        }
        if let Some(address) = attempt.address {
            let record = records.entry(address);
            record
                .or_insert_with(|| Record::new(ADDRESS_FORGIVES))
                .fail(now);
        }
    }

    /// Forgives the account's failures, not the address's: whoever guesses may have an account of their own.
    pub(super) fn succeeded(&self, attempt: &Attempt, now: i64) {
        let mut records = self.records();
        for key in &attempt.own {
            records.remove(key);
        }
        if let Some(pair) = attempt.pair {
            make_room(&mut records, self.bounds.records, now);
            let record = records
                .entry(pair)
                .or_insert_with(|| Record::new(ACCOUNT_FORGIVES));
            record.failures = 0;
            record.known_until = now.saturating_add(KNOWN_FOR);
        }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<Key, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many records there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.records().len()
    }
}

/// Drops what has ended when there are `most` records, and if that is not enough the tenth that ends first.
fn make_room(records: &mut HashMap<Key, Record>, most: usize, now: i64) {
    if records.len() < most {
        return;
    }
    records.retain(|_, record| now < record.ends());
    if records.len() < most {
        return;
    }
    let mut ends: Vec<i64> = records.values().map(Record::ends).collect();
    let tenth = (ends.len() / 10).min(ends.len() - 1);
    let (_, &mut bound, _) = ends.select_nth_unstable(tenth);
    let mut surplus = tenth + 1;
    records.retain(|_, record| {
        let goes = surplus > 0 && record.ends() <= bound;
        surplus -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::model::clock::CountedIds;

    fn attempts(limits: &Limits) -> Attempts {
        Attempts::new(&CountedIds::default(), limits)
    }

    fn from(address: &str) -> Client {
        Client::of(address.parse().unwrap())
    }

    fn gate(attempts: &Attempts, mut attempt: Attempt, now: i64) -> Gate {
        attempts.gate(&mut attempt, now)
    }

    /// Fails as often as it is let; says how often that was.
    fn guess(attempts: &Attempts, made: impl Fn() -> Attempt, now: i64) -> usize {
        let mut tries = 0;
        loop {
            let mut attempt = made();
            if attempts.gate(&mut attempt, now) != Gate::Open || tries == 1_000 {
                return tries;
            }
            attempts.failed(&attempt, now);
            tries += 1;
        }
    }

    #[test]
    fn failures_cost_more_and_more_time() {
        let attempts = attempts(&Limits::default());
        let tom = || attempts.attempt("tom", Some(PrincipalId(1)), from("192.0.2.1"));
        assert_eq!(guess(&attempts, tom, 1_000), 6);
        let mut waits = Vec::new();
        let mut now = 1_000;
        for _ in 0..12 {
            let Gate::Closed(wait) = gate(&attempts, tom(), now) else {
                unreachable!("closed after failures")
            };
            waits.push(wait);
            assert_eq!(gate(&attempts, tom(), now + wait - 1), Gate::Closed(1));
            now += wait;
            assert_eq!(gate(&attempts, tom(), now), Gate::Open);
            attempts.failed(&tom(), now);
        }
        assert_eq!(waits[..8], [1, 2, 4, 8, 16, 32, 64, 128]);
        assert!(waits.iter().all(|&wait| wait <= 900), "{waits:?}");
        // A day of guessing comes to some hundred tries.
        let mut tries = 0;
        let end = now + 86_400;
        while now < end {
            if gate(&attempts, tom(), now) == Gate::Open {
                attempts.failed(&tom(), now);
                tries += 1;
            }
            now += 1;
        }
        assert!((90..150).contains(&tries), "{tries}");
        assert_eq!(gate(&attempts, tom(), now + 86_400), Gate::Open);
    }

    #[test]
    fn nobody_is_told_that_an_account_has_other_names() {
        let attempts = attempts(&Limits::default());
        let by =
            |typed: &'static str| attempts.attempt(typed, Some(PrincipalId(1)), from("192.0.2.1"));
        guess(&attempts, || by("tom"), 0);
        assert!(matches!(gate(&attempts, by("tom"), 0), Gate::Closed(_)));
        assert_eq!(gate(&attempts, by("tom@mail.test"), 0), Gate::Hidden);
        let nobody = attempts.attempt("nobody", None, from("192.0.2.1"));
        assert_eq!(gate(&attempts, nobody, 0), Gate::Open);
    }

    #[test]
    fn an_address_that_guesses_many_names_is_slowed_down() {
        let attempts = attempts(&Limits::default());
        let client = from("2001:db8::1");
        for name in 0..51 {
            attempts.failed(&attempts.attempt(&format!("user{name}"), None, client), 0);
        }
        let neighbour = attempts.attempt("tom", None, from("2001:db8::2"));
        assert!(matches!(gate(&attempts, neighbour, 0), Gate::Closed(_)));
        let elsewhere = attempts.attempt("tom", None, from("2001:db8:1::1"));
        assert_eq!(gate(&attempts, elsewhere, 0), Gate::Open);
        // Logging in with an account of one's own does not help.
        let own = attempts.attempt("mallory", Some(PrincipalId(9)), client);
        attempts.succeeded(&own, 0);
        let tom = attempts.attempt("tom", None, client);
        assert!(matches!(gate(&attempts, tom, 0), Gate::Closed(_)));
    }

    #[test]
    fn guesses_elsewhere_do_not_lock_out_whoever_is_known_here() {
        let attempts = attempts(&Limits::default());
        let tom = |client| attempts.attempt("tom", Some(PrincipalId(1)), client);
        let (home, evil) = (from("192.0.2.1"), from("198.51.100.1"));
        attempts.succeeded(&tom(home), 0);
        guess(&attempts, || tom(evil), 10);
        assert!(matches!(gate(&attempts, tom(evil), 10), Gate::Closed(_)));
        assert_eq!(gate(&attempts, tom(home), 10), Gate::Open);
        assert_eq!(guess(&attempts, || tom(home), 10), 6);
        // A login clears what the account has failed.
        attempts.succeeded(&tom(home), 10);
        assert_eq!(gate(&attempts, tom(evil), 10), Gate::Open);
    }

    #[test]
    fn memory_is_bounded() {
        let limits = Limits {
            login_records: 100,
            ..Limits::default()
        };
        let attempts = attempts(&limits);
        guess(
            &attempts,
            || attempts.attempt("tom", None, Client::UNKNOWN),
            0,
        );
        for name in 0..1_000 {
            let attempt = attempts.attempt(&format!("user{name}"), None, Client::UNKNOWN);
            attempts.failed(&attempt, 1);
            assert!(attempts.len() <= 102);
        }
        // What has failed most is kept longest.
        let tom = attempts.attempt("tom", None, Client::UNKNOWN);
        assert!(matches!(gate(&attempts, tom, 0), Gate::Closed(_)));
    }

    #[test]
    fn a_clock_set_back_lengthens_nothing() {
        let attempts = attempts(&Limits::default());
        let tom = || attempts.attempt("tom", None, Client::UNKNOWN);
        guess(&attempts, tom, 1_000_000);
        assert_eq!(gate(&attempts, tom(), 5), Gate::Closed(1));
    }
}
