//! Time and fresh identifiers, handed in so that every run can be repeated exactly.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::ical::datetime::Timestamp;

/// Where the server reads the time.
pub trait Clock: Send + Sync + 'static {
    /// The time now. It may step backwards; whoever needs an order keeps a later stamp of their own.
    fn now(&self) -> Timestamp;
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
}

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Sets the time, forwards or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves the time on by `seconds`.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
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
    fn counted_ids_count() {
        let ids = CountedIds::default();
        assert_eq!(ids.uid(), format!("{:032x}", 1));
        assert_eq!(ids.uid(), format!("{:032x}", 2));
    }
}
