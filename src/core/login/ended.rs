//! How often all sessions of an account were ended, for sessions that no record in the store stands for: those of CAP live and
//! end with their connection, and must not outlive a password.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::model::id::PrincipalId;

/// The counts, since the start.
#[derive(Debug, Default)]
pub(in crate::core) struct Ended {
    all: AtomicU64,
    each: Mutex<HashMap<PrincipalId, u64>>,
}

impl Ended {
    /// How often those of an account were.
    pub(in crate::core) fn count(&self, account: PrincipalId) -> u64 {
        let each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        let own = each.get(&account).copied().unwrap_or_default();
        own.saturating_add(self.all.load(Ordering::SeqCst))
    }

    /// Those of one account are.
    pub(in crate::core) fn one(&self, account: PrincipalId) {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        let count = each.entry(account).or_default();
        *count = count.saturating_add(1);
    }

    /// Everybody's are.
    pub(in crate::core) fn all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
    }
}
