//! Who the addresses in items belong to: people and resources that have a calendar here.

use std::collections::HashMap;

use crate::ical::value::mail_address;

/// Somebody, or a resource, that has a calendar here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The calid of the calendar that invitations go to.
    pub calid: String,
    /// The login name; none for a resource.
    pub user: Option<String>,
    /// The mail address, if there is one.
    pub mail: Option<String>,
    /// Whether it is the owner of the calendar at hand, or that calendar.
    pub own: bool,
}

/// The parties behind some addresses, looked up once for a whole answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    parties: HashMap<String, Option<Party>>,
}

/// The address as it is looked up: without `mailto:`, in lower case.
fn key(address: &str) -> String {
    mail_address(address).unwrap_or(address).to_lowercase()
}

impl People {
    /// Looks `address` up with `find` unless that was done before. `find` gets it without `mailto:` and in
    /// lower case.
    pub fn learn<E>(
        &mut self,
        address: &str,
        find: impl FnOnce(&str) -> Result<Option<Party>, E>,
    ) -> Result<(), E> {
        let key = key(address);
        if !self.parties.contains_key(&key) {
            let party = find(&key)?;
            self.parties.insert(key, party);
        }
        Ok(())
    }

    /// Who has `address`, as it stands in a property; none for people who have no calendar here.
    pub fn party(&self, address: &str) -> Option<&Party> {
        if self.parties.is_empty() {
            return None;
        }
        self.parties.get(&key(address))?.as_ref()
    }

    /// Whether `address` is that of the calendar's owner, or of the calendar.
    pub fn is_own(&self, address: &str) -> bool {
        self.party(address).is_some_and(|party| party.own)
    }
}
