//! Who somebody is: a name and a password, checked against the built-in accounts, then in directories outside.
//!
//! Every door asks here. Whoever is wrong gets the same answer after the same work: an unknown name, a wrong
//! password, a shut account. Attempts that fail are slowed down (`attempts`), passwords that were right a moment ago
//! are not hashed again (`verified`), and stored verifiers weaker than the configuration asks for are made anew when
//! their password is at hand: at login.

mod attempts;
mod ended;
mod verified;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

use super::error::{Error, Kind, Result};
use super::password::PASSWORD_MAX;
use super::sessions::identity;
use super::{Client, Core, Identity, audit, directory, password};
use crate::metric;
use crate::model::clock::Ids;
use crate::model::id::{Calid, PrincipalId, QualifiedName};
use crate::model::user::{Principal, Source, User, Verifier};
use crate::store::{calendars, people};

use super::Settings;
use attempts::{Attempts, Gate};
use ended::Ended;
use verified::Verified;

/// What is remembered of logins, in memory.
pub(super) struct Logins {
    attempts: Attempts,
    verified: Verified,
    pub(super) ended: Ended,
}

impl Logins {
    pub(super) fn new(ids: &dyn Ids, settings: &Settings) -> Self {
        let limits = &settings.limits;
        let most = limits.verified_passwords;
        Self {
            ended: Ended::default(),
            attempts: Attempts::new(ids, limits),
            verified: Verified::new(ids, settings.password_cache, most),
        }
    }
}

/// What passwords of outside accounts are checked against, as far as the cache is concerned.
const OUTSIDE: &str = "outside";

/// What a password is checked against, as far as the cache is concerned.
fn checked_against(user: &User) -> &str {
    user.verifiers
        .iter()
        .find_map(|verifier| match verifier {
            Verifier::Argon2id(hash) => Some(hash.as_str()),
            _ => None,
        })
        .unwrap_or_default()
}

fn refused() -> Error {
    Error::new(Kind::NotAuthenticated, "wrong user name or password")
}

fn too_many(wait: i64) -> Error {
    let message = "too many attempts to log in have failed; wait before the next";
    Error::new(Kind::TooManyAttempts, message).retry_after(wait)
}

impl Core {
    /// Who `login` is, if `password` proves it: a name, a UPN or a mail address. Takes tens of milliseconds, right
    /// or wrong, unless the same was right a moment ago.
    ///
    /// Errors: `NotAuthenticated`, the same for every reason; `TooManyAttempts` with the time to wait; `Unavailable`
    /// when a directory that would have to be asked is down.
    pub fn authenticate(&self, login: &str, password: &str, client: Client) -> Result<Identity> {
        let outcome = self.prove(login, password, client);
        audit::login(login, "password", client, &outcome);
        outcome
    }

    fn prove(&self, login: &str, password: &str, client: Client) -> Result<Identity> {
        let logins = &self.inner.logins;
        let now = self.now().0;
        let typed = match QualifiedName::parse(login, self.home()) {
            Ok(name) => name.to_string(),
            Err(_) => login.to_lowercase(),
        };
        let account = self.account(login)?.map(|user| user.id);
        let mut attempt = logins.attempts.attempt(&typed, account, client);
        let _turn = logins.attempts.turn(&attempt);
        match logins.attempts.gate(&mut attempt, now) {
            Gate::Open => {}
            Gate::Closed(wait) => {
                return Err(too_many(wait));
            }
            Gate::Hidden => {
                password::check_nobody(password, self.settings().password_cost);
                self.seek_outside(login);
                return Err(refused());
            }
        }
        // Read again: the one before in the queue may have changed it.
        let user = match self.account(login)? {
            Some(user) if user.source == Source::BuiltIn => {
                let user = self.check_password(user, password, now)?;
                if user.is_none() {
                    self.seek_outside(login);
                }
                user
            }
            known => self.check_elsewhere(login, known, password, now)?,
        };
        let Some(user) = user else {
            logins.attempts.failed(&attempt, now);
            metrics::counter!(metric::LOGINS_FAILED).increment(1);
            return Err(refused());
        };
        logins.attempts.succeeded(&attempt, now);
        self.require_calendar(&user)?;
        Ok(self.begun(&user, login))
    }

    /// Whoever has just proved to be a user.
    pub(super) fn begun(&self, user: &User, typed: &str) -> Identity {
        Identity {
            ended: self.inner.logins.ended.count(user.id),
            ..identity(user, typed)
        }
    }

    /// Who `login` is, if the door has been shown a proof that held; attempts are counted as those with a password.
    ///
    /// Errors: as [`Core::authenticate`].
    pub(super) fn admit(
        &self,
        login: &str,
        mechanism: &'static str,
        client: Client,
        proved: bool,
    ) -> Result<Identity> {
        let outcome = self.admit_proved(login, client, proved);
        audit::login(login, mechanism, client, &outcome);
        outcome
    }

    fn admit_proved(&self, login: &str, client: Client, proved: bool) -> Result<Identity> {
        let attempts = &self.inner.logins.attempts;
        let now = self.now().0;
        let user = self.account(login)?;
        let id = user.as_ref().map(|user| user.id);
        let mut attempt = attempts.attempt(&self.upn(login), id, client);
        let _turn = attempts.turn(&attempt);
        match attempts.gate(&mut attempt, now) {
            Gate::Open => {}
            Gate::Closed(wait) => return Err(too_many(wait)),
            Gate::Hidden => return Err(refused()),
        }
        match user.filter(|user| proved && user.enabled) {
            Some(user) => {
                attempts.succeeded(&attempt, now);
                self.require_calendar(&user)?;
                Ok(self.begun(&user, login))
            }
            None => {
                attempts.failed(&attempt, now);
                metrics::counter!(metric::LOGINS_FAILED).increment(1);
                Err(refused())
            }
        }
    }

    /// Whether a verifier for DIGEST-MD5 is kept though it should not be, or the other way round.
    fn digest_is_amiss(&self, user: &User) -> bool {
        let kept = user.verifiers.iter();
        let kept = kept
            .into_iter()
            .any(|v| matches!(v, Verifier::DigestMd5 { .. }));
        kept != self.settings().digest_md5
    }

    /// The account called `login` as the store knows it; none of a domain that is hosted no more.
    fn account(&self, login: &str) -> Result<Option<User>> {
        let found = self
            .store()
            .read(|t| directory::user(t, login, self.home()))?;
        Ok(found.filter(|user| self.serves(&user.name.domain)))
    }

    /// The built-in account `user` if `password` opens it.
    fn check_password(&self, user: User, password: &str, now: i64) -> Result<Option<User>> {
        let verified = &self.inner.logins.verified;
        let against = checked_against(&user).to_owned();
        let right = verified.knows(user.id, &against, password, now) || {
            let cost = self.settings().password_cost;
            let right = password::check(password, &user.verifiers, cost);
            if right && user.enabled {
                verified.note(user.id, &against, password, now);
                if password::are_outdated(&user.verifiers, cost) || self.digest_is_amiss(&user) {
                    self.renew_verifiers(&user, password, now)?;
                }
            }
            right
        };
        Ok((right && user.enabled).then_some(user))
    }

    /// Whoever `login` is in a directory outside, if `password` is theirs.
    ///
    /// Whoever is refused has cost what a built-in account costs, so that the time tells nothing.
    fn check_elsewhere(
        &self,
        login: &str,
        known: Option<User>,
        password: &str,
        now: i64,
    ) -> Result<Option<User>> {
        let verified = &self.inner.logins.verified;
        if let Some(user) = &known
            && verified.knows(user.id, OUTSIDE, password, now)
        {
            return Ok(known.filter(|user| user.enabled));
        }
        let usable = (1..=PASSWORD_MAX).contains(&password.len());
        let found = match usable {
            true => self.check_outside(login, password, known.as_ref())?,
            false => None,
        };
        let found = found.filter(|user| user.enabled);
        match &found {
            Some(user) => verified.note(user.id, OUTSIDE, password, now),
            None => password::check_nobody(password, self.settings().password_cost),
        }
        Ok(found)
    }

    /// Makes the verifiers of `user` anew, as the configuration asks for; sessions go on.
    fn renew_verifiers(&self, user: &User, password: &str, now: i64) -> Result<()> {
        let verifiers = self.verifiers(&user.name, password)?;
        let renewed = self.store().write(|t| {
            let Some(old @ Principal::User(_)) = people::principal(t, user.id)? else {
                return Ok(None);
            };
            let mut new = old.clone();
            match &mut new {
                // Unless the password was changed meanwhile.
                Principal::User(found) if found.verifiers == user.verifiers => {
                    found.verifiers.clone_from(&verifiers);
                    people::put(t, Some(&old), &new)?;
                    Ok::<_, Error>(Some(found_against(&new)))
                }
                _ => Ok(None),
            }
        })?;
        if let Some(against) = renewed {
            let verified = &self.inner.logins.verified;
            verified.note(user.id, &against, password, now);
            tracing::info!(user = %user.name, "password verifiers renewed");
        }
        Ok(())
    }

    /// Forgets that a password of `account` was right.
    pub(super) fn forget_password(&self, account: PrincipalId) {
        self.inner.logins.verified.forget(account);
    }

    /// Makes the default calendar of whoever logs in, if it is missing.
    pub(super) fn require_calendar(&self, user: &User) -> Result<()> {
        let there = self
            .store()
            .read(|t| calendars::find(t, &Calid::of(&user.name)))?;
        if there.is_some() {
            return Ok(());
        }
        self.store().write(|t| self.default_calendar(t, user))
    }
}

fn found_against(principal: &Principal) -> String {
    match principal {
        Principal::User(user) => checked_against(user).to_owned(),
        Principal::Group(_) => String::new(),
    }
}
