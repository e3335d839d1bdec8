//! Logging in and what follows: sessions that end by logout, by disuse or by age.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::error::{Error, Kind, Result};
use super::{Caller, Client, Core, Identity, audit, directory};
use crate::ical::datetime::Timestamp;
use crate::model::id::PrincipalId;
use crate::model::user::{Principal, Role, Source, User};
use crate::store::sessions::{self, Session, SessionKey, SessionKind};
use crate::store::{Basis, Reader, people};

/// The name under which nobody in particular logs in, with any password.
pub const ANONYMOUS: &str = "anonymous";

/// The session id (as `tower-sessions` has them) behind a WCAP token.
fn wcap_id(token: &str) -> [u8; 16] {
    let hash = Sha256::new()
        .chain_update("wcap:")
        .chain_update(token)
        .finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    id
}

/// The key of the session behind a WCAP token.
pub(super) fn wcap_key(token: &str) -> SessionKey {
    sessions::key(&wcap_id(token))
}

/// A session as administration lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSession {
    /// The first eight hexadecimal digits of its key: enough to name it, useless to steal it.
    pub handle: String,
    /// The session.
    pub session: Session,
    /// The user's UPN; none for anonymous.
    pub user: Option<String>,
}

impl Core {
    /// Logs in at the WCAP door: the caller and the new session's token.
    ///
    /// `anonymous` gets in with any password unless that is switched off. Errors: `NotAuthenticated`,
    /// `AnonymousNotAllowed`.
    pub fn login(&self, login: &str, password: &str, client: Client) -> Result<(Caller, String)> {
        let caller = if login.eq_ignore_ascii_case(ANONYMOUS) {
            if !self.settings().anonymous {
                let message = "nobody may log in without an account here";
                return Err(Error::new(Kind::AnonymousNotAllowed, message));
            }
            Caller::Anonymous
        } else {
            Caller::User(self.authenticate(login, password, client)?)
        };
        let token = self.begin_session(&caller, client)?;
        Ok((caller, token))
    }

    /// Logs an administrator in as `other`: a user name, a UPN or a mail address.
    ///
    /// Errors: `NotAuthenticated`, the same for every reason: a wrong password, no administrator, nobody called so,
    /// or the configuration does not allow it.
    pub fn login_as(
        &self,
        login: &str,
        password: &str,
        other: &str,
        client: Client,
    ) -> Result<(Caller, String)> {
        let administrator = self.authenticate(login, password, client)?;
        let identity = self.other(&administrator, other);
        let original = Caller::User(administrator);
        audit::acting(&original, other, client, identity.is_ok());
        let caller = Caller::User(identity?);
        let token = self.begin_session(&caller, client)?;
        Ok((caller, token))
    }

    /// The user whom an administrator may be.
    fn other(&self, administrator: &Identity, other: &str) -> Result<Identity> {
        let refused = || {
            Error::new(
                Kind::NotAuthenticated,
                "no right to log in as somebody else",
            )
        };
        let administers = |domain: &str| administrator.administers(domain);
        if !administers(&administrator.name.domain) || !self.settings().proxyauth {
            return Err(refused());
        }
        let there = self.of_caller(&Caller::User(administrator.clone()));
        // Another domain's directory is none of theirs.
        if administers(&there.domain_asked(other)) {
            there.know([other])?;
        }
        // A domain's administrator does not rise to one of the server.
        let is_theirs = |user: &User| {
            administers(&user.name.domain)
                && (administrator.administrator || !user.roles.contains(&Role::Administrator))
        };
        let user = self
            .store()
            .read(|t| directory::user(t, other, there.home()))?
            .filter(|user| self.is_open(user) && is_theirs(user))
            .ok_or_else(refused)?;
        self.require_calendar(&user)?;
        Ok(identity(&user, other))
    }

    /// Begins a WCAP session for a caller who has proved who they are.
    pub fn begin_session(&self, caller: &Caller, client: Client) -> Result<String> {
        let token = self.ids().token();
        let key = wcap_key(&token);
        let typed = caller
            .identity()
            .map_or(ANONYMOUS, |identity| &identity.typed);
        self.store().write(|t| {
            let now = t.now().0;
            let session = Session {
                kind: SessionKind::Wcap,
                principal: caller.principal(),
                typed: typed.to_owned(),
                created: now,
                used: now,
                data: String::new(),
                address: client.address(),
            };
            self.make_room(t, caller.principal())?;
            Ok::<_, Error>(sessions::put(t, &key, &session)?)
        })?;
        Ok(token)
    }

    /// Ends the sessions of `principal` unused for longest, so that one more fits.
    fn make_room(
        &self,
        t: &mut crate::store::WriteTxn<'_>,
        principal: Option<PrincipalId>,
    ) -> Result<()> {
        let Some(principal) = principal else {
            return Ok(());
        };
        let mut held = sessions::of_principal(t, principal)?;
        let most = self.settings().limits.sessions_per_user.max(1);
        held.sort_by_key(|(_, session)| session.used);
        let surplus = (held.len() + 1).saturating_sub(most);
        for (key, _) in held.iter().take(surplus) {
            sessions::remove(t, key)?;
        }
        Ok(())
    }

    /// Who stands behind a WCAP token; a session in use stays alive.
    ///
    /// Errors: `NotAuthenticated` when there is no such session, it has ended, or it counts from another address
    /// only.
    pub fn session(&self, token: &str, client: Client) -> Result<Caller> {
        let dead = || {
            Error::new(
                Kind::NotAuthenticated,
                "the session is unknown or has ended",
            )
        };
        let key = wcap_key(token);
        let holds = |basis: &Basis| self.store().holds(basis);
        let (session, caller) = match self.inner.callers.get(&key, holds) {
            Some(known) => known,
            None => self.find_caller(&key)?.ok_or_else(dead)?,
        };
        let now = self.now().0;
        if !self.is_alive(&session, now) || !self.counts_from(session.address, client) {
            return Err(dead());
        }
        self.touch(&key, &session, now)?;
        Ok(caller)
    }

    /// Who stands behind a WCAP session, alive or not, from the store; remembers it.
    fn find_caller(&self, key: &SessionKey) -> Result<Option<(Session, Caller)>> {
        let (found, basis) = self.store().with_basis(|| {
            self.store().read(|t| {
                let session = sessions::get(t, key)?.filter(|s| s.kind == SessionKind::Wcap);
                let Some(session) = session else {
                    return Ok(None);
                };
                let caller = self.caller_of(t, &session)?;
                Ok::<_, Error>(caller.map(|caller| (session, caller)))
            })
        });
        let found = found?;
        if let Some((session, caller)) = &found {
            let (session, caller) = (session.clone(), caller.clone());
            self.inner.callers.put(*key, session, caller, basis);
        }
        Ok(found)
    }

    /// The session of a door with this id, if it is alive; that it was used is noted.
    pub fn kept_session(&self, id: &[u8; 16], kind: SessionKind) -> Result<Option<Session>> {
        let key = sessions::key(id);
        let now = self.now().0;
        let found = self.store().read(|t| sessions::get(t, &key))?;
        let alive = found.filter(|session| session.kind == kind && self.is_alive(session, now));
        if let Some(session) = &alive {
            self.touch(&key, session, now)?;
        }
        Ok(alive)
    }

    /// Whether a session begun at `address` counts for a request from `client`.
    pub fn counts_from(&self, address: Option<IpAddr>, client: Client) -> bool {
        !self.settings().session_bind_address || address == client.address()
    }

    /// Keeps a browser's session: what its pages put in it, and who is logged in from where, if anybody.
    pub fn save_web_session(
        &self,
        id: &[u8; 16],
        identity: Option<(PrincipalId, String, Option<IpAddr>)>,
        data: &str,
    ) -> Result<()> {
        let key = sessions::key(id);
        self.store().write(|t| {
            let now = t.now().0;
            let old = sessions::get(t, &key)?.filter(|old| old.kind == SessionKind::Web);
            let principal = identity.as_ref().map(|(principal, ..)| *principal);
            if old.as_ref().is_none_or(|old| old.principal != principal) {
                self.make_room(t, principal)?;
            }
            let session = Session {
                kind: SessionKind::Web,
                principal,
                typed: identity
                    .as_ref()
                    .map(|(_, typed, _)| typed.clone())
                    .unwrap_or_default(),
                address: identity.as_ref().and_then(|(.., address)| *address),
                created: old.map_or(now, |old| old.created),
                used: now,
                data: data.to_owned(),
            };
            Ok(sessions::put(t, &key, &session)?)
        })
    }

    /// Ends a session of a door; says whether there was one.
    pub fn drop_session(&self, id: &[u8; 16], kind: SessionKind) -> Result<bool> {
        let key = sessions::key(id);
        self.store().write(|t| match sessions::get(t, &key)? {
            Some(session) if session.kind == kind => Ok(sessions::remove(t, &key)?),
            _ => Ok(false),
        })
    }

    /// When a session ends if it is not used again.
    pub fn session_ends(&self, session: &Session) -> Timestamp {
        let settings = self.settings();
        let idle = session.used.saturating_add(settings.session_idle);
        Timestamp(idle.min(session.created.saturating_add(settings.session_absolute)))
    }

    /// Whether a session has neither been idle for too long nor grown too old.
    pub fn is_alive(&self, session: &Session, now: i64) -> bool {
        now < self.session_ends(session).0
    }

    /// The caller of a session; none when the account is gone, shut, or anonymous is switched off.
    fn caller_of(&self, t: &impl Reader, session: &Session) -> Result<Option<Caller>> {
        let Some(id) = session.principal else {
            return Ok(self.settings().anonymous.then_some(Caller::Anonymous));
        };
        Ok(match people::principal(t, id)? {
            Some(Principal::User(user)) if self.is_open(&user) => {
                Some(Caller::User(identity(&user, &session.typed)))
            }
            _ => None,
        })
    }

    /// The caller numbered `id`, logged in as `typed`; none when the account is gone or shut.
    pub fn caller(&self, id: PrincipalId, typed: &str) -> Result<Option<Caller>> {
        self.store().read(|t| {
            Ok(match people::principal(t, id)? {
                Some(Principal::User(user)) if self.is_open(&user) => {
                    Some(Caller::User(identity(&user, typed)))
                }
                _ => None,
            })
        })
    }

    /// Notes that a session was used; a write only every tenth of the idle time, not at every request.
    fn touch(&self, key: &SessionKey, session: &Session, now: i64) -> Result<()> {
        if now
            < session
                .used
                .saturating_add(self.settings().session_idle / 10)
        {
            return Ok(());
        }
        self.store().write(|t| {
            // It may have been ended meanwhile: a touch must not bring it back.
            if let Some(mut session) = sessions::get(t, key)? {
                session.used = session.used.max(now);
                sessions::put(t, key, &session)?;
            }
            Ok(())
        })
    }

    /// Ends a WCAP session. Errors: `NotAuthenticated` when there was none alive.
    pub fn logout(&self, token: &str) -> Result<()> {
        let key = wcap_key(token);
        let ended = self.store().write(|t| -> Result<bool> {
            let now = t.now().0;
            match sessions::get(t, &key)? {
                Some(s) if s.kind == SessionKind::Wcap => {
                    sessions::remove(t, &key)?;
                    Ok(self.is_alive(&s, now))
                }
                _ => Ok(false),
            }
        })?;
        let dead = || {
            Error::new(
                Kind::NotAuthenticated,
                "the session is unknown or has ended",
            )
        };
        ended.then_some(()).ok_or_else(dead)
    }

    /// Every session alive, the oldest first.
    pub fn sessions(&self) -> Result<Vec<ListedSession>> {
        let now = self.now().0;
        self.store().read(|t| {
            let mut listed = Vec::new();
            for (key, session) in sessions::all(t)? {
                if !self.is_alive(&session, now) {
                    continue;
                }
                let user = match session.principal {
                    Some(id) => people::principal(t, id)?.map(|p| p.name().to_string()),
                    None => None,
                };
                listed.push(ListedSession {
                    handle: handle(&key),
                    session,
                    user,
                });
            }
            listed.sort_by_key(|listed| listed.session.created);
            Ok(listed)
        })
    }

    /// Ends the sessions `which` chooses; says how many.
    pub fn end_sessions(&self, which: impl Fn(&ListedSession) -> bool) -> Result<usize> {
        let doomed: Vec<String> = self
            .sessions()?
            .into_iter()
            .filter(|s| which(s))
            .map(|s| s.handle)
            .collect();
        self.store().write(|t| {
            let mut ended = 0;
            for (key, _) in sessions::all(t)? {
                if doomed.contains(&handle(&key)) {
                    ended += usize::from(sessions::remove(t, &key)?);
                }
            }
            Ok(ended)
        })
    }

    /// Ends all sessions of a user, those that doors keep themselves too; says how many of the others there were.
    ///
    /// Errors: `NoSuchPrincipal`.
    pub fn end_sessions_called(&self, user: &str) -> Result<usize> {
        let user = self.user(user)?;
        self.inner.logins.ended.one(user.id);
        let upn = user.name.to_string();
        self.end_sessions(|listed| listed.user.as_deref() == Some(upn.as_str()))
    }

    /// Ends everybody's sessions, as [`Core::end_sessions_called`] does.
    pub fn end_all_sessions(&self) -> Result<usize> {
        self.inner.logins.ended.all();
        self.end_sessions(|_| true)
    }

    /// People of directories outside who have a session that is alive, and those among `more`.
    pub(super) fn logged_in_from_outside(&self, more: Vec<PrincipalId>) -> Result<Vec<User>> {
        let now = self.now().0;
        self.store().read(|t| {
            let sessions = sessions::all(t)?;
            let alive = sessions.iter().filter(|(_, s)| self.is_alive(s, now));
            let mut ids: BTreeSet<PrincipalId> = alive.filter_map(|(_, s)| s.principal).collect();
            ids.extend(more.iter().copied());
            let mut users = Vec::new();
            for id in ids {
                if let Some(Principal::User(user)) = people::principal(t, id)?
                    && user.source != Source::BuiltIn
                {
                    users.push(user);
                }
            }
            Ok(users)
        })
    }

    pub(super) fn end_sessions_of(&self, user: PrincipalId) -> Result<()> {
        self.store().write(|t| {
            for (key, _) in sessions::of_principal(t, user)? {
                sessions::remove(t, &key)?;
            }
            Ok(())
        })
    }

    /// Drops the records of sessions that have ended by disuse or age; says how many.
    pub fn sweep_sessions(&self) -> Result<usize> {
        let now = self.now().0;
        let ended = |s: &Session| !self.is_alive(s, now);
        let any = self.store().read(|t| -> Result<bool> {
            Ok(sessions::all(t)?.iter().any(|(_, session)| ended(session)))
        })?;
        if !any {
            return Ok(0);
        }
        self.store().write(|t| {
            let mut dropped = 0;
            for (key, _) in sessions::all(t)?
                .iter()
                .filter(|(_, session)| ended(session))
            {
                dropped += usize::from(sessions::remove(t, key)?);
            }
            Ok(dropped)
        })
    }
}

fn handle(key: &SessionKey) -> String {
    key[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn identity(user: &User, typed: &str) -> Identity {
    Identity {
        id: user.id,
        name: user.name.clone(),
        typed: typed.to_owned(),
        administrator: user.roles.contains(&Role::Administrator),
        domain_administrator: user.roles.contains(&Role::DomainAdministrator),
        ended: 0,
    }
}
