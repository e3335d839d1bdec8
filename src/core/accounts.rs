//! Users and groups of the built-in directory, as administration sees them.

use super::calendars::NewCalendar;
use super::error::{Error, Kind, Result};
use super::{Caller, Client, Core, directory, password, proof};
use crate::model::id::{Calid, NameError, PrincipalId, QualifiedName, mail_address};
use crate::model::user::{Group, Principal, Role, Source, User, Verifier};
use crate::store::people::{self, MailRow};
use crate::store::sessions::SessionKey;
use crate::store::{Reader, WriteTxn, calendars, prefs, sessions};

/// What is known of a user to be added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewUser {
    /// `name` or `name@domain`.
    pub name: String,
    /// Mail addresses; none means `name@domain`.
    pub mail: Vec<String>,
    /// Full name; may be empty.
    pub full_name: String,
    /// Given name; may be empty.
    pub given_name: String,
    /// Family name; may be empty.
    pub surname: String,
    /// Whether the user becomes an administrator.
    pub administrator: bool,
}

pub(super) fn bad_name(text: &str, cause: NameError) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::new(Kind::BadName, format!("'{shown}' is no name: {cause}"))
}

fn addresses(given: &[String], name: &QualifiedName) -> Result<Vec<String>> {
    if given.is_empty() {
        return Ok(vec![name.to_string()]);
    }
    given
        .iter()
        .map(|text| {
            let message = format!("expected a mail address, found '{text}'");
            mail_address(text).ok_or_else(|| Error::new(Kind::BadValue, message))
        })
        .collect()
}

/// Refuses a name or an address that means something already.
fn require_free(t: &impl Reader, name: &QualifiedName, mail: &[String]) -> Result<()> {
    let taken = |what: &str| {
        let message =
            format!("'{what}' is taken: users, groups and calendars share one set of names");
        Error::new(Kind::NameTaken, message)
    };
    if people::name_row(t, name)?.is_some() || calendars::find(t, &Calid::of(name))?.is_some() {
        return Err(taken(&name.local));
    }
    for address in mail {
        if people::mail_row(t, address)?.is_some() {
            return Err(taken(address));
        }
    }
    Ok(())
}

/// Stores a changed account and ends its sessions but for `kept`.
fn put_user(t: &mut WriteTxn<'_>, old: User, new: User, kept: Option<&SessionKey>) -> Result<()> {
    let id = new.id;
    people::put(t, Some(&Principal::User(old)), &Principal::User(new))?;
    for (key, _) in sessions::of_principal(t, id)? {
        if Some(&key) != kept {
            sessions::remove(t, &key)?;
        }
    }
    Ok(())
}

/// Refuses to change a password that is kept in a directory outside.
fn require_own_password(user: &User) -> Result<()> {
    if user.source == Source::BuiltIn {
        return Ok(());
    }
    let (name, source) = (&user.name.local, user.source.name());
    let message = format!("the password of '{name}' is kept in the directory '{source}'");
    Err(Error::new(Kind::NotOffered, message))
}

impl Core {
    fn name(&self, text: &str) -> Result<QualifiedName> {
        let name = QualifiedName::parse(text, self.home());
        let name = name.map_err(|cause| bad_name(text, cause))?;
        self.require_hosted(&name)?;
        Ok(name)
    }

    /// Adds a user and the default calendar called like the user.
    ///
    /// Without a password nobody can log in as this user. Errors: `BadName`, also for a domain that is not hosted; `BadValue`, `NameTaken`.
    pub fn add_user(&self, new: &NewUser, password: Option<&str>) -> Result<User> {
        let name = self.name(&new.name)?;
        let mail = addresses(&new.mail, &name)?;
        self.require_own_mail(&name, &mail)?;
        let verifiers = match password {
            Some(password) => self.verifiers(&name, password)?,
            None => Vec::new(),
        };
        self.store().write(|t| {
            require_free(t, &name, &mail)?;
            let user = User {
                id: PrincipalId(t.next_number("next:principal")?),
                name: name.clone(),
                mail: mail.clone(),
                full_name: new.full_name.clone(),
                given_name: new.given_name.clone(),
                surname: new.surname.clone(),
                roles: new
                    .administrator
                    .then_some(Role::Administrator)
                    .into_iter()
                    .collect(),
                enabled: true,
                source: Source::BuiltIn,
                verifiers: verifiers.clone(),
                created: t.now(),
            };
            people::put(t, None, &Principal::User(user.clone()))?;
            self.default_calendar(t, &user)?;
            Ok(user)
        })
    }

    /// What a new password of the user `name` is checked against.
    pub(super) fn verifiers(&self, name: &QualifiedName, password: &str) -> Result<Vec<Verifier>> {
        let settings = self.settings();
        let mut made = password::verifiers(password, settings.password_cost, self.ids())?;
        if settings.digest_md5 {
            made.push(proof::digest_verifier(name, self.domain(), password));
        }
        Ok(made)
    }

    /// Makes the default calendar of `user` if it is missing.
    pub(super) fn default_calendar(&self, t: &mut WriteTxn<'_>, user: &User) -> Result<()> {
        let calid = Calid::of(&user.name);
        if calendars::find(t, &calid)?.is_some() {
            return Ok(());
        }
        let name = if user.full_name.is_empty() {
            &user.name.local
        } else {
            &user.full_name
        };
        let new = NewCalendar {
            name: name.clone(),
            ..NewCalendar::default()
        };
        self.insert_calendar(t, calid, user.id, &new)?;
        Ok(())
    }

    /// The user called `name`: a name, a UPN or a mail address. Directories outside are asked for whom the store does
    /// not know.
    ///
    /// Errors: `NoSuchPrincipal`.
    pub fn user(&self, name: &str) -> Result<User> {
        self.know([name])?;
        self.store().read(|t| self.user_in(t, name))
    }

    fn user_in(&self, t: &impl Reader, name: &str) -> Result<User> {
        directory::user(t, name, self.home())?
            .ok_or_else(|| Error::new(Kind::NoSuchPrincipal, format!("there is no user '{name}'")))
    }

    /// Every user, in the order they were added.
    pub fn users(&self) -> Result<Vec<User>> {
        self.store().read(|t| Ok(people::users(t)?))
    }

    /// Sets a user's password and ends every session of the user.
    ///
    /// Errors: `NoSuchPrincipal`, `BadValue`; `NotOffered` for an account whose password is kept elsewhere.
    pub fn set_password(&self, name: &str, password: &str) -> Result<()> {
        let user = self.user(name)?;
        require_own_password(&user)?;
        let verifiers = self.verifiers(&user.name, password)?;
        self.change_user(name, |user| user.verifiers.clone_from(&verifiers))
    }

    /// Changes the caller's own password and ends the other sessions: of WCAP tokens, `kept` alone lives on.
    ///
    /// Errors: `NotOffered`, also for an account whose password is kept elsewhere; `AnonymousNotAllowed`; `NotAuthenticated` for a wrong old password, `TooManyAttempts` after
    /// many; `BadValue` for a new one that is none.
    pub fn change_password(
        &self,
        caller: &Caller,
        old: &str,
        new: &str,
        kept: Option<&str>,
        client: Client,
    ) -> Result<()> {
        if !self.settings().change_passwords {
            let message = "passwords are changed by administrators here";
            return Err(Error::new(Kind::NotOffered, message));
        }
        let identity = caller.identity().ok_or_else(|| {
            let message = "nobody in particular has no password";
            Error::new(Kind::AnonymousNotAllowed, message)
        })?;
        let name = identity.name.to_string();
        let user = self.user(&name)?;
        require_own_password(&user)?;
        self.authenticate(&name, old, client)?;
        let before = user.verifiers;
        let verifiers = self.verifiers(&identity.name, new)?;
        let kept = kept.map(super::sessions::wcap_key);
        self.store().write(|t| {
            let old = self.user_in(t, &name)?;
            // Whoever was faster has made the old password another one.
            if old.id != identity.id || old.verifiers != before {
                let message = "the old password is another one";
                return Err(Error::new(Kind::NotAuthenticated, message));
            }
            let mut new = old.clone();
            new.verifiers.clone_from(&verifiers);
            put_user(t, old, new, kept.as_ref())
        })?;
        self.forget_password(identity.id);
        self.inner.logins.ended.one(identity.id);
        Ok(())
    }

    /// Lets a user log in, or shuts the account and ends its sessions.
    ///
    /// Errors: `NoSuchPrincipal`.
    pub fn set_enabled(&self, name: &str, enabled: bool) -> Result<()> {
        self.change_user(name, |user| user.enabled = enabled)
    }

    /// Gives a user a role beside those the user has.
    ///
    /// Errors: `NoSuchPrincipal`.
    pub fn grant_role(&self, name: &str, role: Role) -> Result<()> {
        self.change_user(name, |user| {
            user.roles.retain(|&held| held != role);
            user.roles.push(role);
        })
    }

    /// Takes a role from a user, or all.
    ///
    /// Errors: `NoSuchPrincipal`.
    pub fn revoke_role(&self, name: &str, role: Option<Role>) -> Result<()> {
        self.change_user(name, |user| {
            user.roles
                .retain(|&held| role.is_some_and(|role| held != role));
        })
    }

    /// Changes what decides about logging in: sessions begun before do not outlive it.
    fn change_user(&self, name: &str, change: impl Fn(&mut User)) -> Result<()> {
        self.know([name])?;
        let (changed, another) = self.store().write(|t| -> Result<(PrincipalId, bool)> {
            let old = self.user_in(t, name)?;
            let mut new = old.clone();
            change(&mut new);
            let proof = (new.id, new.verifiers != old.verifiers);
            put_user(t, old, new, None)?;
            Ok(proof)
        })?;
        self.forget_password(changed);
        if another {
            self.inner.logins.ended.one(changed);
        }
        Ok(())
    }

    /// Removes a user with all calendars the user owns first, preferences, sessions, and the places in groups and owner
    /// lists.
    ///
    /// Errors: `NoSuchPrincipal`.
    pub fn remove_user(&self, name: &str) -> Result<()> {
        self.store().write(|t| {
            let user = self.user_in(t, name)?;
            for calendar in calendars::owned(t, user.id)? {
                calendars::remove(t, &calendar)?;
            }
            for mut calendar in calendars::all(t)? {
                if calendar.properties.owners.contains(&user.id) {
                    calendar.properties.owners.retain(|&owner| owner != user.id);
                    calendars::update(t, &calendar)?;
                }
            }
            for (key, _) in sessions::of_principal(t, user.id)? {
                sessions::remove(t, &key)?;
            }
            prefs::remove(t, user.id);
            Ok(people::remove(t, &Principal::User(user))?)
        })
    }

    /// Adds a group. Errors: `BadName`, `BadValue`, `NameTaken`, `NoSuchPrincipal` for a member.
    pub fn add_group(&self, name: &str, mail: &[String], members: &[String]) -> Result<Group> {
        let name = self.name(name)?;
        let mail = if mail.is_empty() {
            Vec::new()
        } else {
            addresses(mail, &name)?
        };
        self.require_own_mail(&name, &mail)?;
        self.store().write(|t| {
            require_free(t, &name, &mail)?;
            let members = members.iter().map(|member| self.member(t, member));
            let group = Group {
                members: members.collect::<Result<_>>()?,
                id: PrincipalId(t.next_number("next:principal")?),
                name: name.clone(),
                mail: mail.clone(),
                source: Source::BuiltIn,
                checked: t.now(),
                created: t.now(),
            };
            people::put(t, None, &Principal::Group(group.clone()))?;
            Ok(group)
        })
    }

    fn member(&self, t: &impl Reader, name: &str) -> Result<PrincipalId> {
        let missing = || {
            Error::new(
                Kind::NoSuchPrincipal,
                format!("there is no user or group '{name}'"),
            )
        };
        if let Some(user) = directory::user(t, name, self.home())? {
            return Ok(user.id);
        }
        if let Some(MailRow::Principal(id)) =
            mail_address(name).map_or(Ok(None), |address| people::mail_row(t, &address))?
        {
            return Ok(id);
        }
        let name = QualifiedName::parse(name, self.home()).map_err(|_| missing())?;
        Ok(people::principal_named(t, &name)?.ok_or_else(missing)?.id())
    }

    /// The group called `name`. Errors: `NoSuchPrincipal`.
    pub fn group(&self, name: &str) -> Result<Group> {
        self.know([name])?;
        self.store().read(|t| self.group_in(t, name))
    }

    fn group_in(&self, t: &impl Reader, name: &str) -> Result<Group> {
        let named = QualifiedName::parse(name, self.home()).ok();
        match named.map_or(Ok(None), |named| people::principal_named(t, &named))? {
            Some(Principal::Group(group)) => Ok(group),
            _ => Err(Error::new(
                Kind::NoSuchPrincipal,
                format!("there is no group '{name}'"),
            )),
        }
    }

    /// Every group, in the order they were added.
    pub fn groups(&self) -> Result<Vec<Group>> {
        self.store().read(|t| Ok(people::groups(t)?))
    }

    /// The names behind numbers, those that are gone left out.
    pub fn names(&self, ids: &[PrincipalId]) -> Result<Vec<QualifiedName>> {
        self.store().read(|t| {
            let mut names = Vec::with_capacity(ids.len());
            for &id in ids {
                names.extend(people::principal(t, id)?.map(|p| p.name().clone()));
            }
            Ok(names)
        })
    }

    /// Puts a user or a group into a group; nothing changes for one that is in already.
    ///
    /// Errors: `NoSuchPrincipal`; `BadValue` when the group would contain itself.
    pub fn add_member(&self, group: &str, member: &str) -> Result<()> {
        self.store().write(|t| {
            let group = self.group_in(t, group)?;
            let member = self.member(t, member)?;
            if member == group.id || self.contains(t, member, group.id)? {
                let message = "a group cannot be in itself, not through another group either";
                return Err(Error::new(Kind::BadValue, message));
            }
            let mut new = group.clone();
            if !new.members.contains(&member) {
                new.members.push(member);
            }
            Ok(people::put(
                t,
                Some(&Principal::Group(group)),
                &Principal::Group(new),
            )?)
        })
    }

    /// Whether `wanted` is in `group`, through other groups too.
    fn contains(&self, t: &impl Reader, group: PrincipalId, wanted: PrincipalId) -> Result<bool> {
        let mut open = vec![group];
        let mut seen = Vec::new();
        while let Some(id) = open.pop() {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            if let Some(Principal::Group(group)) = people::principal(t, id)? {
                if group.members.contains(&wanted) {
                    return Ok(true);
                }
                open.extend(group.members);
            }
        }
        Ok(false)
    }

    /// Takes a member out of a group. Errors: `NoSuchPrincipal`, also for one that is not in it.
    pub fn remove_member(&self, group: &str, member: &str) -> Result<()> {
        self.store().write(|t| {
            let group = self.group_in(t, group)?;
            let id = self.member(t, member)?;
            let mut new = group.clone();
            new.members.retain(|&m| m != id);
            if new.members.len() == group.members.len() {
                let message = format!("'{member}' is not in group '{}'", group.name.local);
                return Err(Error::new(Kind::NoSuchPrincipal, message));
            }
            Ok(people::put(
                t,
                Some(&Principal::Group(group)),
                &Principal::Group(new),
            )?)
        })
    }

    /// Removes a group; its members stay. Errors: `NoSuchPrincipal`.
    pub fn remove_group(&self, name: &str) -> Result<()> {
        self.store().write(|t| {
            let group = self.group_in(t, name)?;
            Ok(people::remove(t, &Principal::Group(group))?)
        })
    }
}
