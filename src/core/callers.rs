//! Who stands behind the sessions in use, remembered so that a request need not ask the store for it. Exact: what is
//! remembered counts only while neither the session nor the account has been written since.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::caller::Caller;
use crate::store::Basis;
use crate::store::sessions::{Session, SessionKey};

/// Sessions remembered, at about 500 octets each; when there are more, all are forgotten.
const MOST: usize = 4_096;

/// The remembered sessions.
#[derive(Debug, Default)]
pub(super) struct Callers {
    known: Mutex<HashMap<SessionKey, (Session, Caller, Basis)>>,
}

impl Callers {
    /// What is remembered of a session, if `holds` says that it still counts.
    pub(super) fn get(
        &self,
        key: &SessionKey,
        holds: impl FnOnce(&Basis) -> bool,
    ) -> Option<(Session, Caller)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (session, caller, basis) = known.get(key)?;
        if holds(basis) {
            return Some((session.clone(), caller.clone()));
        }
        known.remove(key);
        None
    }

    /// Remembers who stands behind a session.
    pub(super) fn put(&self, key: SessionKey, session: Session, caller: Caller, basis: Basis) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            *known = HashMap::new();
        }
        known.insert(key, (session, caller, basis));
    }
}
