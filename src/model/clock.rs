//! Time and fresh identifiers, handed in so that every run can be repeated exactly.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use crate::ical::datetime::Timestamp;

/// Where the server reads the time.
pub trait Clock: Send + Sync + 'static {
    /// The time now. It may step backwards; whoever needs an order takes a [`SteadyClock`].
    fn now(&self) -> Timestamp;

    /// How long some moment was ago, always the same one: it runs on whatever the clock is set to.
    fn elapsed(&self) -> Duration;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that is handed in"
    )]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_second())
    }

    fn elapsed(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGAN.elapsed()
    }
}

/// A clock that is never behind the one beneath it, never goes back and never stands still: when that one is set
/// back, this one runs on from where it was. Stamps that clients compare with a clock of their own come from it.
pub struct SteadyClock {
    clock: Arc<dyn Clock>,
    /// What to add to the elapsed time, in milliseconds: the most that it ever was.
    offset: AtomicI64,
}

impl SteadyClock {
    /// One that follows `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            offset: AtomicI64::new(i64::MIN),
        }
    }

    /// Moves the clock on to `at`, unless it is later already.
    pub fn reach(&self, at: Timestamp) {
        self.raise(at);
    }

    /// The time after the clock has reached `at`.
    fn raise(&self, at: Timestamp) -> Timestamp {
        let elapsed = i64::try_from(self.clock.elapsed().as_millis()).unwrap_or(i64::MAX);
        let least = at.0.saturating_mul(1_000).saturating_sub(elapsed);
        let offset = self.offset.fetch_max(least, Ordering::SeqCst).max(least);
        Timestamp(elapsed.saturating_add(offset).div_euclid(1_000))
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.raise(self.clock.now())
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    elapsed: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: AtomicI64::new(now.0),
            elapsed: AtomicU64::new(0),
        }
    }

    /// Sets the time, forwards or back, as an operator does: nothing has elapsed.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.0, Ordering::SeqCst);
    }

    /// Lets `seconds` go by.
    pub fn advance(&self, seconds: u32) {
        self.now.fetch_add(seconds.into(), Ordering::SeqCst);
        self.elapsed.fetch_add(seconds.into(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.elapsed.load(Ordering::SeqCst))
    }
}

/// Where fresh UIDs and secrets come from.
pub trait Ids: Send + Sync + 'static {
    /// Fills `out` with bytes no one can predict.
    fn fill(&self, out: &mut [u8]);

    /// A fresh UID: 32 lower-case hexadecimal digits.
    fn uid(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        format!("{:032x}", u128::from_be_bytes(bytes))
    }

    /// A fresh secret.
    fn secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        self.fill(&mut secret);
        secret
    }

    /// A fresh WCAP session token: 32 characters of `[a-z0-9]`, 165 bits of chance.
    fn token(&self) -> String {
        const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut token = String::with_capacity(32);
        let mut bytes = [0; 64];
        while token.len() < 32 {
            self.fill(&mut bytes);
            // 252 is the largest multiple of 36 in a byte: bytes above it would favour some letters.
            let fair = bytes
                .iter()
                .filter(|&&b| b < 252)
                .map(|&b| LETTERS[b as usize % 36] as char);
            token.extend(fair.take(32 - token.len()));
        }
        token
    }
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    #[expect(
        clippy::expect_used,
        reason = "without a random source no secret may be made: stop"
    )]
    fn fill(&self, out: &mut [u8]) {
        use rand::TryRng;
        rand::rngs::SysRng
            .try_fill_bytes(out)
            .expect("the operating system gives random bytes");
    }
}

/// Counted identifiers for tests: the n-th call fills with n.
#[derive(Debug, Default)]
pub struct CountedIds {
    calls: AtomicU64,
}

impl Ids for CountedIds {
    fn fill(&self, out: &mut [u8]) {
        let n = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        out.fill(0);
        let bytes = n.to_be_bytes();
        let at = out.len().saturating_sub(bytes.len());
        let from = bytes.len() - (out.len() - at);
        out[at..].copy_from_slice(&bytes[from..]);
    }

    /// Always the same, and no call: whether one was needed must not show in other identifiers.
    fn secret(&self) -> [u8; 32] {
        [7; 32]
    }

    /// `s`, zeros, the number of the call.
    fn token(&self) -> String {
        format!("s{:031}", self.calls.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_words_of_32() {
        let token = SystemIds.token();
        assert_eq!(token.len(), 32);
        assert!(
            token
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        );
        assert_ne!(token, SystemIds.token());
        assert_eq!(SystemIds.uid().len(), 32);
    }

    #[test]
    fn a_steady_clock_runs_on_when_the_other_is_set_back() {
        let manual = Arc::new(ManualClock::new(Timestamp(1_000)));
        let steady = SteadyClock::new(manual.clone());
        assert_eq!(steady.now(), Timestamp(1_000));
        manual.set(Timestamp(400));
        assert_eq!(steady.now(), Timestamp(1_000));
        manual.advance(5);
        assert_eq!(steady.now(), Timestamp(1_005));
        manual.set(Timestamp(2_000));
        assert_eq!(steady.now(), Timestamp(2_000));
        steady.reach(Timestamp(1_500));
        assert_eq!(steady.now(), Timestamp(2_000));
        steady.reach(Timestamp(2_500));
        manual.advance(1);
        assert_eq!(steady.now(), Timestamp(2_501));
        let system = SteadyClock::new(Arc::new(SystemClock));
        let before = SystemClock.now();
        assert!(system.now() >= before);
    }

    #[test]
    fn counted_ids_count() {
        let ids = CountedIds::default();
        assert_eq!(ids.uid(), format!("{:032x}", 1));
        assert_eq!(ids.uid(), format!("{:032x}", 2));
    }
}
