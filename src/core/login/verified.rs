//! Passwords that were found right a moment ago, so that clients which log in and out around every command do not
//! pay for a slow hash, or a question to a directory, each time.
//!
//! Of a password only a keyed hash is remembered, under a secret of the process, for a short time, one for each
//! account. It is bound to what the password was checked against: a change of that makes it worthless.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::core::password::same_secret;
use crate::model::clock::Ids;
use crate::model::id::PrincipalId;

/// The remembered passwords.
pub(super) struct Verified {
    secret: [u8; 32],
    /// Seconds for which one is remembered; 0 for not at all.
    keep: i64,
    most: usize,
    known: Mutex<HashMap<PrincipalId, ([u8; 32], i64)>>,
}

impl Verified {
    pub(super) fn new(ids: &dyn Ids, keep: i64, most: usize) -> Self {
        let mut secret = [0; 32];
        ids.fill(&mut secret);
        Self {
            secret,
            keep,
            most,
            known: Mutex::default(),
        }
    }

    fn mac(&self, account: PrincipalId, against: &str, password: &str) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(&account.0.to_be_bytes());
        mac.update(&against.len().to_be_bytes());
        mac.update(against.as_bytes());
        mac.update(password.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Whether `password` was found right for `account` when it was checked against `against`, not long ago.
    pub(super) fn knows(
        &self,
        account: PrincipalId,
        against: &str,
        password: &str,
        now: i64,
    ) -> bool {
        let Some((known, noted)) = self.known().get(&account).copied() else {
            return false;
        };
        let fresh = (0..self.keep).contains(&now.saturating_sub(noted));
        fresh && same_secret(&known, &self.mac(account, against, password))
    }

    /// Remembers a password that was found right.
    pub(super) fn note(&self, account: PrincipalId, against: &str, password: &str, now: i64) {
        if self.keep == 0 || self.most == 0 {
            return;
        }
        let mac = self.mac(account, against, password);
        let mut known = self.known();
        if known.len() >= self.most {
            known.retain(|_, (_, noted)| (0..self.keep).contains(&now.saturating_sub(*noted)));
        }
        if known.len() >= self.most {
            known.clear();
        }
        known.insert(account, (mac, now));
    }

    /// Forgets the password of an account.
    pub(super) fn forget(&self, account: PrincipalId) {
        self.known().remove(&account);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PrincipalId, ([u8; 32], i64)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::CountedIds;

    const TOM: PrincipalId = PrincipalId(1);

    fn verified(keep: i64, most: usize) -> Verified {
        Verified::new(&CountedIds::default(), keep, most)
    }

    #[test]
    fn a_password_is_known_for_a_while() {
        let verified = verified(60, 10);
        verified.note(TOM, "hash", "secret", 100);
        assert!(verified.knows(TOM, "hash", "secret", 159));
        assert!(!verified.knows(TOM, "hash", "secret", 160));
        // Before it was noted: the clock was set back.
        assert!(!verified.knows(TOM, "hash", "secret", 99));
        assert!(!verified.knows(TOM, "hash", "Secret", 100));
        assert!(!verified.knows(TOM, "hash2", "secret", 100));
        assert!(!verified.knows(PrincipalId(2), "hash", "secret", 100));
        verified.forget(TOM);
        assert!(!verified.knows(TOM, "hash", "secret", 100));
    }

    #[test]
    fn it_can_be_switched_off_and_is_bounded() {
        let off = verified(0, 10);
        off.note(TOM, "", "secret", 0);
        assert!(!off.knows(TOM, "", "secret", 0));
        let small = verified(60, 2);
        for id in 0..100 {
            small.note(PrincipalId(id), "", "secret", 0);
            assert!(small.knows(PrincipalId(id), "", "secret", 0));
            assert!(small.known().len() <= 2);
        }
    }
}
