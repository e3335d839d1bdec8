//! Sessions: who is logged in, kept so that they outlive the process.
//!
//! Keys are SHA-256 of the session's id: a stolen copy of the store holds no id that opens anything.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::codec::{self, DecodeError, Record};
use super::error::Result;
use super::layout;
use super::space::Space;
use super::{Reader, WriteTxn};
use crate::model::id::PrincipalId;

/// Which door a session belongs to; the other door refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionKind {
    /// `id=` of WCAP.
    Wcap,
    /// The web page's cookie.
    Web,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The door it belongs to.
    pub kind: SessionKind,
    /// Who logged in; none for anonymous, or before the login on a web page.
    pub principal: Option<PrincipalId>,
    /// The name as typed at login.
    pub typed: String,
    /// When it began, seconds since 1970.
    pub created: i64,
    /// When it was last used, give or take a tenth of its idle time.
    pub used: i64,
    /// What the web page keeps in it, JSON.
    pub data: String,
    /// The client's address at the login, where it was known.
    pub address: Option<IpAddr>,
}

/// A session as version 1 wrote it.
#[derive(Serialize, Deserialize)]
struct Session1 {
    kind: SessionKind,
    principal: Option<PrincipalId>,
    typed: String,
    created: i64,
    used: i64,
    data: String,
}

impl Record for Session {
    const WHAT: &'static str = "a session";
    const VERSION: u8 = 2;

    fn from_older(version: u8, body: &[u8]) -> std::result::Result<Self, DecodeError> {
        let old: Session1 = codec::decode_body(Self::WHAT, version, body)?;
        Ok(Self {
            kind: old.kind,
            principal: old.principal,
            typed: old.typed,
            created: old.created,
            used: old.used,
            data: old.data,
            address: None,
        })
    }
}

/// A session's key.
pub type SessionKey = [u8; 32];

/// The key of the session with this id.
pub fn key(id: &[u8; 16]) -> SessionKey {
    Sha256::digest(id).into()
}

/// The session with this key.
pub fn get(t: &impl Reader, key: &SessionKey) -> Result<Option<Session>> {
    t.load(Space::Sessions, key)
}

/// Stores a session.
pub fn put(t: &mut WriteTxn, key: &SessionKey, session: &Session) -> Result<()> {
    if let Some(old) = get(t, key)?.filter(|old| old.principal != session.principal) {
        unlist(t, key, &old);
    }
    if let Some(principal) = session.principal {
        t.put(
            Space::SessionsByPrincipal,
            &layout::session_of(principal, key),
            &[],
        )?;
    }
    t.save(Space::Sessions, key, session)
}

/// Ends a session; says whether there was one.
pub fn remove(t: &mut WriteTxn, key: &SessionKey) -> Result<bool> {
    let Some(old) = get(t, key)? else {
        return Ok(false);
    };
    unlist(t, key, &old);
    t.delete(Space::Sessions, key);
    Ok(true)
}

fn unlist(t: &mut WriteTxn, key: &SessionKey, session: &Session) {
    if let Some(principal) = session.principal {
        t.delete(
            Space::SessionsByPrincipal,
            &layout::session_of(principal, key),
        );
    }
}

/// The sessions of a principal.
pub fn of_principal(t: &impl Reader, principal: PrincipalId) -> Result<Vec<(SessionKey, Session)>> {
    let mut keys: Vec<SessionKey> = Vec::new();
    layout::visit_prefix(
        t,
        Space::SessionsByPrincipal,
        &layout::principal(principal),
        |key, _| {
            keys.extend(key.last_chunk::<32>().copied());
            Ok(())
        },
    )?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.extend(get(t, &key)?.map(|session| (key, session)));
    }
    Ok(found)
}

/// Every session.
pub fn all(t: &impl Reader) -> Result<Vec<(SessionKey, Session)>> {
    let mut found = Vec::new();
    layout::visit_records::<Session>(t, Space::Sessions, |key, session| {
        found.extend(key.try_into().ok().map(|key: SessionKey| (key, session)));
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_version_1_are_read() {
        let old = Session1 {
            kind: SessionKind::Web,
            principal: Some(PrincipalId(7)),
            typed: "Tom".into(),
            created: 1,
            used: 2,
            data: "{}".into(),
        };
        let bytes = postcard::to_extend(&old, vec![1]).unwrap();
        let new: Session = codec::decode(&bytes).unwrap();
        let expected = Session {
            kind: SessionKind::Web,
            principal: Some(PrincipalId(7)),
            typed: "Tom".into(),
            created: 1,
            used: 2,
            data: "{}".into(),
            address: None,
        };
        assert_eq!(new, expected);
        assert_eq!(
            codec::decode::<Session>(&codec::encode(&new).unwrap()),
            Ok(new)
        );
    }
}
