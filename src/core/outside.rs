//! People and groups from outside directories, as the store keeps them: copied at the first login or mention, compared
//! again at each login, and groups when they are used after a while.
//!
//! The store decides when two sources mean different things by one name: what is there stays. So a built-in account is
//! never taken over by somebody who is called so elsewhere, nor is a calendar, nor anybody's mail address.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::directory::{self, Directory, Gathering, Person};
use super::error::{Error, Kind, Result};
use super::items::edit::Edit;
use super::{Caller, Core, basis};
use crate::ical::zone::Zone;
use crate::model::id::{Calid, PrincipalId, QualifiedName, mail_address};
use crate::model::user::{Group, Principal, Source, User};
use crate::store::people::{self, MailRow};
use crate::store::{Reader, WriteTxn, calendars, prefs};

/// Seconds for which a group's members are taken as they stand in the store, and for which a name that is nobody's is
/// not asked for again.
const FRESH: i64 = 300;

/// Names remembered to be nobody's; when there are more, all are forgotten.
const STRANGERS: usize = 10_000;

/// Names of one request that are looked up outside. The largest meeting has fewer people new to the server.
const MENTIONS: usize = 200;

/// People about whom directories are asked in one round of looking whether those who are logged in still may be.
const RECHECKS: usize = 500;

/// The directories outside and what was asked of them.
#[derive(Default)]
pub(super) struct Outside {
    directories: Vec<Box<dyn Directory>>,
    /// Names that were nobody's, and when.
    strangers: Mutex<HashMap<String, i64>>,
    /// What is known of people who are logged in.
    seen: Mutex<HashMap<PrincipalId, Seen>>,
}

/// Somebody of a directory who is logged in.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    /// When they were last found to be allowed to.
    asked: i64,
    /// Whether they have done something since, at a door that keeps no session in the store.
    active: bool,
    /// Whether they were found not to be.
    shut: bool,
}

impl Outside {
    pub(super) fn new(directories: Vec<Box<dyn Directory>>) -> Self {
        Self {
            directories,
            strangers: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    fn seen(&self, user: PrincipalId) -> Seen {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&user).copied().unwrap_or_default()
    }

    fn note(&self, user: PrincipalId, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= STRANGERS {
            // Who is shut stays so.
            seen.retain(|_, seen| seen.shut);
        }
        change(seen.entry(user).or_default());
    }

    /// Everybody who has done something at a door that keeps no session in the store.
    fn active(&self) -> Vec<PrincipalId> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let active = seen.iter().filter(|(_, seen)| seen.active);
        active.map(|(id, _)| *id).collect()
    }

    /// Whether `name` was nobody's a moment ago.
    fn is_stranger(&self, name: &str, now: i64) -> bool {
        let strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let age = strangers.get(name).map(|asked| now.saturating_sub(*asked));
        age.is_some_and(|age| (0..FRESH).contains(&age))
    }

    fn note_stranger(&self, name: String, now: i64) {
        let mut strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if strangers.len() >= STRANGERS {
            strangers.clear();
        }
        strangers.insert(name, now);
    }
}

/// A name that means something else here than in the directory.
fn clash(name: &QualifiedName, source: Source) -> Error {
    let message = format!(
        "'{name}' of the directory '{}' means something else here",
        source.name()
    );
    Error::new(Kind::NameTaken, message)
}

impl Core {
    /// Why outside directories cannot be asked now, a line for each; anybody may read it.
    pub fn directory_problem(&self) -> Option<String> {
        let problems: Vec<String> = self
            .directories()
            .iter()
            .filter_map(|d| {
                let source = d.source().name();
                let problem = d.problem()?;
                Some(match d.domain() == self.domain() {
                    true => format!("{source}: {problem}"),
                    false => format!("{source} of {}: {problem}", d.domain()),
                })
            })
            .collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    pub(super) fn directories(&self) -> &[Box<dyn Directory>] {
        &self.inner.outside.directories
    }

    /// The directories in which `name` is somebody, if anywhere: those of its domain, and for a bare name or an
    /// address that is of none of the domains here those of the domain at hand.
    fn directories_of(&self, name: &str) -> impl Iterator<Item = &dyn Directory> {
        let domain = name
            .rsplit_once('@')
            .map(|(_, domain)| domain.to_lowercase());
        let domain = domain.filter(|domain| self.serves(domain));
        let domain = domain.unwrap_or_else(|| self.home().to_owned());
        self.directories()
            .iter()
            .map(AsRef::as_ref)
            .filter(move |directory| directory.domain() == domain)
    }

    /// Looks for `login` as for a name that is nobody's here, so that the time of a refusal does not tell built-in accounts;
    /// what is found, or not, does not matter.
    pub(super) fn seek_outside(&self, login: &str) {
        for directory in self.directories_of(login) {
            let _ = directory.person(login);
        }
    }

    /// Whoever `login` is in a directory outside, if `password` is theirs, as the store has them from now on.
    ///
    /// `known`: the account as the store has it; its own directory alone is asked then. Errors: `Unavailable`.
    pub(super) fn check_outside(
        &self,
        login: &str,
        password: &str,
        known: Option<&User>,
    ) -> Result<Option<User>> {
        let domain = known.map(|user| user.name.to_string());
        for directory in self.directories_of(domain.as_deref().unwrap_or(login)) {
            let source = directory.source();
            if known.is_some_and(|user| user.source != source) {
                continue;
            }
            let Some(person) = directory.authenticate(login, password)? else {
                continue;
            };
            let adopted = self.store().write(|t| {
                let user = self.adopt(t, &person, source)?;
                if user.enabled {
                    self.settle(t, &user, &person)?;
                }
                Ok::<_, Error>(user)
            });
            return match adopted {
                Ok(user) if known.is_none_or(|known| known.id == user.id) => {
                    self.inner.outside.note(user.id, |seen| seen.shut = false);
                    Ok(Some(user))
                }
                Ok(user) => {
                    tracing::warn!(login, user = %user.name, "a name leads to two accounts; refused");
                    Ok(None)
                }
                Err(error) if error.kind() == Kind::NameTaken => {
                    tracing::warn!(reason = %error, "login refused");
                    Ok(None)
                }
                Err(error) => Err(error),
            };
        }
        Ok(None)
    }

    /// The account of `person`, made or brought up to date.
    ///
    /// Errors: `NameTaken` when the name means something else here.
    fn adopt(&self, t: &mut WriteTxn<'_>, person: &Person, source: Source) -> Result<User> {
        let old = match people::principal_named(t, &person.name)? {
            Some(Principal::User(user)) if user.source == source => Some(user),
            Some(_) => return Err(clash(&person.name, source)),
            None if calendars::find(t, &Calid::of(&person.name))?.is_some() => {
                return Err(clash(&person.name, source));
            }
            None => None,
        };
        let own = old.as_ref().map(|user| user.id);
        let mut user = match &old {
            Some(user) => user.clone(),
            None => User {
                id: PrincipalId(t.next_number("next:principal")?),
                name: person.name.clone(),
                mail: Vec::new(),
                full_name: String::new(),
                given_name: String::new(),
                surname: String::new(),
                roles: Vec::new(),
                enabled: true,
                source,
                verifiers: Vec::new(),
                created: t.now(),
            },
        };
        let domain = &person.name.domain;
        user.mail = self.free_addresses(t, domain, &person.mail, own)?;
        if user.mail.is_empty() {
            user.mail = self.free_addresses(t, domain, &[person.name.to_string()], own)?;
        }
        user.full_name.clone_from(&person.full_name);
        user.given_name.clone_from(&person.given_name);
        user.surname.clone_from(&person.surname);
        if old.as_ref() != Some(&user) {
            let old = old.map(Principal::User);
            people::put(t, old.as_ref(), &Principal::User(user.clone()))?;
        }
        Ok(user)
    }

    /// Gives whoever logs in a default calendar and preferences, once.
    fn settle(&self, t: &mut WriteTxn<'_>, user: &User, person: &Person) -> Result<()> {
        let calid = Calid::of(&user.name);
        if calendars::find(t, &calid)?.is_some() {
            return Ok(());
        }
        self.default_calendar(t, user)?;
        let zone = person.tzid.as_ref();
        let zone = zone.filter(|tzid| jiff::tz::db().get(tzid).is_ok());
        if let Some(tzid) = zone
            && let Some(mut calendar) = calendars::find(t, &calid)?
        {
            calendar.properties.tzid.clone_from(tzid);
            calendars::update(t, &calendar)?;
        }
        let mut preferences = prefs::get(t, user.id)?;
        if preferences.values.is_empty() && !person.preferences.is_empty() {
            preferences.values.clone_from(&person.preferences);
            prefs::put(t, user.id, &preferences)?;
        }
        Ok(())
    }

    /// Looks for those of `names` outside whom the store does not know yet, and for groups that were last compared
    /// some time ago. Names are names, UPNs or mail addresses, with or without `mailto:`.
    ///
    /// Whoever cannot be found, or not now, stays unknown: what follows says so. Never within a transaction: it may
    /// wait for a directory.
    pub fn know<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<()> {
        if self.directories().is_empty() {
            return Ok(());
        }
        let now = self.now().0;
        let mut asked = 0;
        for name in names {
            let name = mail_address(name).unwrap_or_else(|| name.trim().to_lowercase());
            let outside = &self.inner.outside;
            // A bare name means somebody else in each domain.
            let stranger = format!("{name}\n{}", self.home());
            if !self.is_worth_asking(&name, now)? || outside.is_stranger(&stranger, now) {
                continue;
            }
            asked += 1;
            if asked > MENTIONS {
                tracing::info!(
                    most = MENTIONS,
                    "a request names more people new here than are looked up"
                );
                break;
            }
            match self.find_outside(&name) {
                Ok(true) => {}
                Ok(false) => outside.note_stranger(stranger, now),
                Err(error) => tracing::debug!(?error, "nobody was looked up outside"),
            }
        }
        Ok(())
    }

    /// At most `most` people of directories outside in whose names or addresses `text` stands, of domains that `caller`
    /// may look into. A directory that cannot be asked now has nobody. Never within a transaction.
    pub(super) fn search_outside(&self, caller: &Caller, text: &str, most: usize) -> Vec<Person> {
        let mut found = Vec::new();
        if *caller == Caller::Anonymous || self.directories().is_empty() {
            return found;
        }
        // What is found depends on more than the store.
        basis::note_time();
        for directory in self.directories() {
            let domain = directory.domain();
            if !self.may_look_into(caller, domain) {
                continue;
            }
            match directory.search(text, most) {
                Ok(people) => {
                    let open = |one: &Person| one.enabled && one.name.domain == domain;
                    found.extend(people.into_iter().filter(open));
                }
                Err(error) => tracing::debug!(?error, "nobody was searched for outside"),
            }
        }
        found
    }

    /// Asks the directories about people of theirs who are logged in and were not asked about for
    /// `limits.directory_recheck`, at most a few hundred of them: the sessions of whoever is shut or gone there end. Says
    /// how many people that were. Never within a transaction.
    ///
    /// While a directory cannot be asked, sessions go on.
    pub fn recheck_outside(&self) -> Result<usize> {
        if self.directories().is_empty() {
            return Ok(0);
        }
        let now = self.now().0;
        let outside = &self.inner.outside;
        let mut due = self.logged_in_from_outside(outside.active())?;
        due.retain(|user| outside.seen(user.id).asked.saturating_add(self.recheck()) <= now);
        due.sort_by_key(|user| outside.seen(user.id).asked);
        let mut shut = 0;
        let mut silent: Vec<(Source, String)> = Vec::new();
        for user in due.into_iter().take(RECHECKS) {
            let domain = &user.name.domain;
            if silent.contains(&(user.source, domain.clone())) {
                continue;
            }
            let name = user.name.to_string();
            let mut asked = self.directories_of(&name);
            // Where there is no such directory any more there is nobody in it.
            let found = match asked.find(|d| d.source() == user.source) {
                Some(directory) => directory.person(&name),
                None => Ok(None),
            };
            match found {
                Ok(Some(person)) if person.enabled => outside.note(user.id, |seen| {
                    *seen = Seen {
                        asked: now,
                        ..Seen::default()
                    };
                }),
                Ok(_) => {
                    outside.note(user.id, |seen| {
                        *seen = Seen {
                            asked: now,
                            active: false,
                            shut: true,
                        };
                    });
                    self.end_sessions_of(user.id)?;
                    self.forget_password(user.id);
                    tracing::info!(user = %name, "sessions ended: the directory knows no such open account");
                    shut += 1;
                }
                Err(_) => silent.push((user.source, domain.clone())),
            }
        }
        Ok(shut)
    }

    /// The caller of a session that a door keeps by itself, as the account is now: roles may have been given or taken
    /// since the login, and whoever is shut or gone, or has had all sessions ended, is nobody in particular.
    ///
    /// Errors: those of the store.
    pub fn current(&self, caller: &Caller) -> Result<Caller> {
        let Caller::User(identity) = caller else {
            return Ok(caller.clone());
        };
        if identity.ended != self.inner.logins.ended.count(identity.id) {
            return Ok(Caller::Anonymous);
        }
        let outside = &self.inner.outside;
        if !self.directories().is_empty() {
            outside.note(identity.id, |seen| seen.active = true);
        }
        let found = self.caller(identity.id, &identity.typed)?;
        let found = found.filter(|_| !outside.seen(identity.id).shut);
        Ok(match found {
            Some(Caller::User(now)) => Caller::User(super::Identity {
                ended: identity.ended,
                ..now
            }),
            Some(other) => other,
            None => Caller::Anonymous,
        })
    }

    /// The same for a session in which `original` logged in and acts as `caller`: whoever is shut or gone acts for nobody
    /// else either.
    ///
    /// Errors: those of the store.
    pub fn current_for(&self, original: &Caller, caller: &Caller) -> Result<Caller> {
        let now = self.current(original)?;
        if original == caller {
            return Ok(now);
        }
        match (original, now) {
            (Caller::User(_), Caller::Anonymous) => Ok(Caller::Anonymous),
            _ => self.current(caller),
        }
    }

    fn recheck(&self) -> i64 {
        let period = self.settings().limits.directory_recheck.as_secs();
        i64::try_from(period).unwrap_or(i64::MAX)
    }

    /// Looks for the attendees that an edit names, as [`Core::know`] does, for callers with an account.
    pub(super) fn know_attendees(
        &self,
        caller: &Caller,
        edit: &(dyn Fn(&Zone) -> Edit + Sync),
    ) -> Result<()> {
        if self.directories().is_empty() || caller.identity().is_none() {
            return Ok(());
        }
        // Whom it names does not depend on the zone.
        let attendees = edit(&Zone::utc()).attendees;
        let entries = attendees.iter().flat_map(|attendees| &attendees.entries);
        self.know(entries.map(|entry| entry.address.as_str()))
    }

    /// Whether a directory may say more of `name` than the store does.
    fn is_worth_asking(&self, name: &str, now: i64) -> Result<bool> {
        self.store().read(|t| {
            if directory::user(t, name, self.home())?.is_some() {
                return Ok(false);
            }
            Ok(match self.group_called(t, name)? {
                Some(group) => {
                    let age = now.saturating_sub(group.checked.0);
                    group.source != Source::BuiltIn && !(0..FRESH).contains(&age)
                }
                None => true,
            })
        })
    }

    /// The group of that name or address.
    fn group_called(&self, t: &impl Reader, name: &str) -> Result<Option<Group>> {
        let named = QualifiedName::parse(name, self.home()).ok();
        let found = match named.map_or(Ok(None), |named| people::principal_named(t, &named))? {
            None => match people::mail_row(t, name)? {
                Some(MailRow::Principal(id)) => people::principal(t, id)?,
                _ => None,
            },
            found => found,
        };
        Ok(match found {
            Some(Principal::Group(group)) => Some(group),
            _ => None,
        })
    }

    /// Copies whoever is called `name` outside; says whether there was anybody.
    fn find_outside(&self, name: &str) -> Result<bool> {
        for directory in self.directories_of(name) {
            let source = directory.source();
            if let Some(person) = directory.person(name)? {
                return self.store().write(|t| {
                    self.adopt(t, &person, source)?;
                    Ok(true)
                });
            }
            if let Some(gathering) = directory.group(name)? {
                return self.store().write(|t| {
                    self.adopt_group(t, &gathering, source)?;
                    Ok(true)
                });
            }
        }
        Ok(false)
    }

    /// The group, made or brought up to date, with its members; members whose names mean something else here are left
    /// out.
    fn adopt_group(
        &self,
        t: &mut WriteTxn<'_>,
        gathering: &Gathering,
        source: Source,
    ) -> Result<()> {
        let name = &gathering.name;
        let old = match people::principal_named(t, name)? {
            Some(Principal::Group(group)) if group.source == source => Some(group),
            Some(_) => return Err(clash(name, source)),
            None if calendars::find(t, &Calid::of(name))?.is_some() => {
                return Err(clash(name, source));
            }
            None => None,
        };
        let mut members = Vec::with_capacity(gathering.members.len());
        for person in &gathering.members {
            match self.adopt(t, person, source) {
                Ok(user) => members.push(user.id),
                Err(error) if error.kind() == Kind::NameTaken => {
                    tracing::warn!(group = %name, reason = %error, "a member is left out");
                }
                Err(error) => return Err(error),
            }
        }
        if gathering.clipped {
            tracing::warn!(group = %name, members = members.len(), "a group has more members than are taken");
        }
        let (id, created) = match &old {
            Some(group) => (group.id, group.created),
            None => (PrincipalId(t.next_number("next:principal")?), t.now()),
        };
        let group = Group {
            id,
            name: name.clone(),
            mail: self.free_addresses(t, &name.domain, &gathering.mail, Some(id))?,
            members,
            source,
            checked: t.now(),
            created,
        };
        let old = old.map(Principal::Group);
        Ok(people::put(t, old.as_ref(), &Principal::Group(group))?)
    }

    /// Those of `addresses` that are mail addresses, nobody else's and not of another domain here than `domain`, in
    /// lower case, each once.
    fn free_addresses(
        &self,
        t: &impl Reader,
        domain: &str,
        addresses: &[String],
        own: Option<PrincipalId>,
    ) -> Result<Vec<String>> {
        let mut free: Vec<String> = Vec::with_capacity(addresses.len());
        for address in addresses.iter().filter_map(|text| mail_address(text)) {
            let taken = match people::mail_row(t, &address)? {
                None => self.is_of_another(domain, &address),
                Some(MailRow::Principal(id)) => own != Some(id),
                Some(MailRow::Calendar(_)) => true,
            };
            if !taken && !free.contains(&address) {
                free.push(address);
            }
        }
        Ok(free)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
#[path = "outside_tests.rs"]
mod tests;
