//! Who the addresses in items belong to: people and resources that have a calendar here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::core::Core;
use crate::core::access::{Granted, Reading};
use crate::core::error::Result as CoreResult;
use crate::ical::component::Component;
use crate::ical::value::mail_address;
use crate::model::calendar::Calendar;
use crate::model::id::Calid;
use crate::model::user::{Principal, User};
use crate::store::{Reader, items, people};

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
        if let Entry::Vacant(place) = self.parties.entry(key(address)) {
            let party = find(place.key())?;
            place.insert(party);
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

impl Core {
    /// Learns who the addresses in `component` belong to, seen from `calendar`.
    pub(in crate::core) fn learn_people(
        &self,
        t: &impl Reader,
        people: &mut People,
        calendar: &Calendar,
        component: &Component,
    ) -> CoreResult<()> {
        for property in component.properties() {
            if !property.is("ATTENDEE") && !property.is("ORGANIZER") {
                continue;
            }
            people.learn(property.value(), |address| self.party(t, address, calendar))?;
            if let Some(sender) = property.param("SENT-BY") {
                people.learn(&sender, |address| self.party(t, address, calendar))?;
            }
        }
        Ok(())
    }

    /// Who `address` (in lower case, without `mailto:`) belongs to, seen from `calendar`.
    fn party(
        &self,
        t: &impl Reader,
        address: &str,
        calendar: &Calendar,
    ) -> CoreResult<Option<Party>> {
        let found = self.find_calendar(t, address)?;
        // Who has which calendar in a domain that is closed to this one is not told.
        let (of, from) = (
            |c: &Calendar| c.calid.domain.clone(),
            &calendar.calid.domain,
        );
        let found = found.filter(|(theirs, _)| self.settings().lets_in(&of(theirs), from));
        let Some((theirs, _)) = found else {
            return Ok(None);
        };
        let owner = match people::principal(t, theirs.owner)? {
            Some(Principal::User(user)) if Calid::of(&user.name) == theirs.calid => Some(user),
            _ => None,
        };
        let mail = owner.as_ref().and_then(|user| user.mail.first().cloned());
        // Whose a thing is does not stand for it: both may be invited to the same.
        let owns = |user: &User| user.id == calendar.owner && !calendar.properties.resource;
        let own = theirs.id == calendar.id || owner.as_ref().is_some_and(owns);
        Ok(Some(Party {
            calid: self.show_calid(&theirs.calid),
            user: owner.map(|user| self.show_name(&user.name)),
            mail: mail.or_else(|| address.contains('@').then(|| address.to_owned())),
            own,
        }))
    }

    /// How many items of a calendar are invitations that wait for an answer. Of private items only owners learn that.
    pub(in crate::core) fn count_invitations(
        &self,
        t: &impl Reader,
        granted: &Granted<Reading>,
    ) -> CoreResult<usize> {
        let calendar = granted.access().calendar().id;
        let waiting = items::invitations(t, calendar)?;
        if granted.sees_everything() {
            return Ok(waiting.len());
        }
        let mut count = 0;
        for uid in waiting {
            let item = items::visible(t, calendar, &uid)?;
            count += usize::from(item.is_some_and(|item| !item.facts.restricted));
        }
        Ok(count)
    }
}
