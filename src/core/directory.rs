//! Where people and groups come from, behind one trait: the built-in directory now, others later.
//!
//! A source answers in names, not in the store's numbers; the built-in one happens to keep both.

use super::error::Result;
use super::password::{self, Cost};
use crate::model::id::{QualifiedName, mail_address};
use crate::model::user::{Group, Principal, Role, User};
use crate::store::people::{self, MailRow};
use crate::store::{Reader, Store};

/// A person as a directory describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Login name and domain.
    pub name: QualifiedName,
    /// Mail addresses, the first is the one shown.
    pub mail: Vec<String>,
    /// Full name, for display.
    pub full_name: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub surname: String,
    /// Whether they may log in.
    pub enabled: bool,
    /// Whether they hold the administrator's role.
    pub administrator: bool,
}

impl From<&User> for Person {
    fn from(user: &User) -> Self {
        Self {
            name: user.name.clone(),
            mail: user.mail.clone(),
            full_name: user.full_name.clone(),
            given_name: user.given_name.clone(),
            surname: user.surname.clone(),
            enabled: user.enabled,
            administrator: user.roles.contains(&Role::Administrator),
        }
    }
}

/// A source of people and groups.
pub trait Directory: Send + Sync + 'static {
    /// The person called `login`: a name, a UPN or a mail address, letter case aside.
    fn person(&self, login: &str) -> Result<Option<Person>>;

    /// The person called `login` if `password` is theirs and they may log in.
    ///
    /// Takes as long for people who do not exist. Errors: only when the source cannot be asked.
    fn authenticate(&self, login: &str, password: &str) -> Result<Option<Person>>;

    /// Names of the direct members of a group; none when there is no such group.
    fn members(&self, group: &QualifiedName) -> Result<Option<Vec<QualifiedName>>>;
}

/// Accounts kept in the store.
pub struct BuiltIn {
    store: Store,
    domain: String,
    cost: Cost,
}

impl BuiltIn {
    /// The directory of `store`; bare names are of `domain`.
    pub fn new(store: Store, domain: &str, cost: Cost) -> Self {
        Self {
            store,
            domain: domain.to_owned(),
            cost,
        }
    }

    fn user(&self, login: &str) -> Result<Option<User>> {
        self.store.read(|t| user(t, login, &self.domain))
    }
}

/// The account called `login`: a name, a UPN or a mail address.
pub(super) fn user(t: &impl Reader, login: &str, domain: &str) -> Result<Option<User>> {
    let found = match QualifiedName::parse(login, domain) {
        Ok(name) => people::principal_named(t, &name)?,
        Err(_) => None,
    };
    let by_mail = || -> Result<Option<Principal>> {
        let Some(address) = mail_address(login) else {
            return Ok(None);
        };
        match people::mail_row(t, &address)? {
            Some(MailRow::Principal(id)) => Ok(people::principal(t, id)?),
            _ => Ok(None),
        }
    };
    Ok(match found.map_or_else(by_mail, |found| Ok(Some(found)))? {
        Some(Principal::User(user)) => Some(user),
        _ => None,
    })
}

impl Directory for BuiltIn {
    fn person(&self, login: &str) -> Result<Option<Person>> {
        Ok(self.user(login)?.as_ref().map(Person::from))
    }

    fn authenticate(&self, login: &str, password: &str) -> Result<Option<Person>> {
        let Some(user) = self.user(login)? else {
            password::check_nobody(password, self.cost);
            return Ok(None);
        };
        let right = password::check(password, &user.verifiers);
        Ok((right && user.enabled).then(|| Person::from(&user)))
    }

    fn members(&self, group: &QualifiedName) -> Result<Option<Vec<QualifiedName>>> {
        self.store.read(|t| {
            let Some(Principal::Group(Group { members, .. })) = people::principal_named(t, group)?
            else {
                return Ok(None);
            };
            let mut names = Vec::with_capacity(members.len());
            for member in members {
                names.extend(people::principal(t, member)?.map(|p| p.name().clone()));
            }
            Ok(Some(names))
        })
    }
}
