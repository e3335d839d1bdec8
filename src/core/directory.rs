//! Where people and groups come from besides the built-in accounts: directories outside, behind one trait.
//!
//! A source answers in names, not in the store's numbers. What it says of somebody is kept in the store from the first
//! login or mention on (`outside`), so that use cases find everybody there and never wait for a directory inside
//! a transaction.

use super::error::Result;
use crate::model::id::{QualifiedName, mail_address};
use crate::model::user::{Principal, Source, User};
use crate::store::Reader;
use crate::store::people::{self, MailRow};

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
    /// What their preferences are to begin with: names and values.
    pub preferences: Vec<(String, String)>,
    /// Time zone of their default calendar, a name of the tz database; none: the server's.
    pub tzid: Option<String>,
}

/// A group as a directory describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathering {
    /// Its name and domain.
    pub name: QualifiedName,
    /// Its mail addresses.
    pub mail: Vec<String>,
    /// Everybody in it, through other groups too, each once.
    pub members: Vec<Person>,
    /// Whether there are more than could be listed.
    pub clipped: bool,
}

/// A source of people and groups. Every question may wait, for a bounded time: never ask within a transaction.
///
/// Errors, of each: `Unavailable` when the source cannot be asked.
pub trait Directory: Send + Sync + 'static {
    /// Which it is: people and groups in the store remember where they came from.
    fn source(&self) -> Source;

    /// The domain of its people and groups; it knows of no others.
    fn domain(&self) -> &str;

    /// The person called `login`: a name, a UPN or a mail address, letter case aside. None also when it is not clear
    /// who is meant.
    fn person(&self, login: &str) -> Result<Option<Person>>;

    /// The person called `login` if `password` is theirs and they may log in.
    ///
    /// Takes about as long for people who do not exist.
    fn authenticate(&self, login: &str, password: &str) -> Result<Option<Person>>;

    /// The group called `name`: a name or a mail address.
    fn group(&self, name: &str) -> Result<Option<Gathering>>;

    /// At most `most` people in whose names or addresses `text` stands.
    fn search(&self, text: &str, most: usize) -> Result<Vec<Person>>;

    /// Why it cannot be asked now, in words that anybody may read; none while it can.
    fn problem(&self) -> Option<String>;
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
