//! People and groups as others may know them: names and addresses, never what proves who somebody is.
//!
//! Whoever has an account sees everybody of their own domain who may log in, and of domains that are open to it; nobody
//! in particular sees nobody, unless the operator wants that. How a card is written is the doors' work.

use super::directory::Person;
use super::error::{Error, Kind, Result};
use super::{Caller, Core};
use crate::model::id::{Calid, QualifiedName, mail_address};
use crate::model::user::{Group, Principal, User};
use crate::store::people::{self, MailRow};
use crate::store::{Reader, calendars};

/// Somebody, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Name and domain.
    pub name: String,
    /// Full name; of a group and of who has none the name without domain.
    pub full_name: String,
    /// Given name and family name, both empty where they are not known.
    pub given_name: String,
    /// See above.
    pub surname: String,
    /// Mail addresses, the first is the one shown.
    pub mail: Vec<String>,
    /// Addresses of direct members; none for a person.
    pub members: Option<Vec<String>>,
    /// The default calendar, as a calid.
    pub calid: Option<String>,
}

/// Whose cards are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// Of people and groups called so: by name, name and domain, or mail address. Names of nobody are passed over.
    Named(&'a [&'a str]),
    /// Of everybody in whose names or addresses this stands; letter case does not count.
    Holding(&'a str),
}

impl Core {
    /// Cards of people and groups: as asked for, or by name. At most `most`, and never more than
    /// `limits.search_results`. Directories outside are asked too, for callers with an account; while one is down, what
    /// the store knows is all there is.
    ///
    /// Errors: `AnonymousNotAllowed`; `NoSuchPrincipal` when there is nobody.
    pub fn cards(&self, caller: &Caller, whose: Whose<'_>, most: usize) -> Result<Vec<Card>> {
        if *caller == Caller::Anonymous && !self.settings().anonymous_people {
            let message = "no right to look people up without an account";
            return Err(Error::new(Kind::AnonymousNotAllowed, message));
        }
        let most = most.min(self.settings().limits.search_results);
        // Never within the view: it may take a while.
        let strangers = match whose {
            Whose::Named(names) if *caller != Caller::Anonymous => {
                self.know(names.iter().copied())?;
                Vec::new()
            }
            Whose::Holding(text) => self.search_outside(caller, text.trim(), most),
            Whose::Named(_) => Vec::new(),
        };
        self.store().read(|t| {
            let seen = |principal: &Principal| {
                let enabled = match principal {
                    Principal::User(user) => user.enabled,
                    Principal::Group(_) => true,
                };
                enabled && self.may_look_into(caller, &principal.name().domain)
            };
            let mut found = match whose {
                Whose::Named(names) => self.called(t, names)?,
                Whose::Holding(text) => holding(t, text)?,
            };
            found.retain(seen);
            found.truncate(most);
            let cards = found.iter().map(|one| self.card(t, caller, one));
            let mut cards = cards.collect::<Result<Vec<Card>>>()?;
            for person in &strangers {
                // Whom the store knows, it knows better: they may be shut here.
                if people::principal_named(t, &person.name)?.is_none() {
                    cards.push(self.card_of(person));
                }
            }
            if !strangers.is_empty() {
                cards.sort_by(|a, b| a.name.cmp(&b.name));
                cards.truncate(most);
            }
            if cards.is_empty() {
                let message = "there is nobody of that name";
                return Err(Error::new(Kind::NoSuchPrincipal, message));
            }
            Ok(cards)
        })
    }

    /// The card of somebody whom only a directory outside knows: there is no calendar yet.
    fn card_of(&self, person: &Person) -> Card {
        let domain = &person.name.domain;
        let own = |address: &String| !self.is_of_another(domain, address);
        let mail = person.mail.iter().filter_map(|text| mail_address(text));
        let mut card = Card {
            name: person.name.to_string(),
            full_name: match person.full_name.trim() {
                "" => person.name.local.clone(),
                full_name => full_name.to_owned(),
            },
            given_name: person.given_name.clone(),
            surname: person.surname.clone(),
            mail: mail.filter(own).collect(),
            members: None,
            calid: None,
        };
        if card.mail.is_empty() {
            card.mail.push(card.name.clone());
        }
        card
    }

    /// Each once, in the order of the names.
    fn called(&self, t: &impl Reader, names: &[&str]) -> Result<Vec<Principal>> {
        let mut found: Vec<Principal> = Vec::new();
        for name in names {
            let by_name = match QualifiedName::parse(name, self.home()) {
                Ok(name) => people::principal_named(t, &name)?,
                Err(_) => None,
            };
            let principal = match (by_name, mail_address(name)) {
                (Some(principal), _) => Some(principal),
                (None, Some(address)) => match people::mail_row(t, &address)? {
                    Some(MailRow::Principal(id)) => people::principal(t, id)?,
                    _ => None,
                },
                (None, None) => None,
            };
            if let Some(principal) = principal
                && !found.iter().any(|known| known.id() == principal.id())
            {
                found.push(principal);
            }
        }
        Ok(found)
    }

    fn card(&self, t: &impl Reader, caller: &Caller, principal: &Principal) -> Result<Card> {
        let name = principal.name();
        let calendar = calendars::find(t, &Calid::of(name))?;
        let calendar = calendar.filter(|calendar| calendar.enabled);
        let card = Card {
            name: name.to_string(),
            full_name: name.local.clone(),
            given_name: String::new(),
            surname: String::new(),
            mail: principal.mail().to_vec(),
            members: None,
            calid: calendar.map(|calendar| self.show_calid(&calendar.calid)),
        };
        Ok(match principal {
            Principal::User(user) => Card {
                full_name: match user.full_name.trim() {
                    "" => card.full_name,
                    full_name => full_name.to_owned(),
                },
                given_name: user.given_name.clone(),
                surname: user.surname.clone(),
                ..card
            },
            Principal::Group(group) => Card {
                members: Some(self.members_seen(t, caller, group)?),
                calid: None,
                ..card
            },
        })
    }

    /// The addresses of a group's members that the caller may know of: by mail where they have any.
    fn members_seen(&self, t: &impl Reader, caller: &Caller, group: &Group) -> Result<Vec<String>> {
        let mut addresses = Vec::with_capacity(group.members.len());
        for member in &group.members {
            let member = people::principal(t, *member)?;
            let seen = |member: &Principal| self.may_look_into(caller, &member.name().domain);
            if let Some(member) = member.filter(seen) {
                let mail = member.mail().first().cloned();
                addresses.push(mail.unwrap_or_else(|| member.name().to_string()));
            }
        }
        Ok(addresses)
    }
}

/// Everybody who is called so in part, by name.
fn holding(t: &impl Reader, text: &str) -> Result<Vec<Principal>> {
    let wanted = text.trim().to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&wanted);
    let of_user = |user: &User| {
        [&user.full_name, &user.given_name, &user.surname]
            .iter()
            .any(|name| holds(name))
    };
    let users = people::users(t)?.into_iter().map(Principal::User);
    let groups = people::groups(t)?.into_iter().map(Principal::Group);
    let mut found: Vec<Principal> = users
        .chain(groups)
        .filter(|principal| {
            let names = match principal {
                Principal::User(user) => of_user(user),
                Principal::Group(_) => false,
            };
            names
                || holds(&principal.name().local)
                || principal.mail().iter().any(|mail| holds(mail))
        })
        .collect();
    found.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(found)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::core::accounts::NewUser;
    use crate::core::caller::Client;
    use crate::core::testing::{core_with, settings};

    fn add(core: &Core, name: &str, full_name: &str, mail: &str) {
        let new = NewUser {
            name: name.into(),
            full_name: full_name.into(),
            mail: mail.split_whitespace().map(str::to_owned).collect(),
            ..NewUser::default()
        };
        core.add_user(&new, Some(name)).unwrap();
    }

    fn names(found: Result<Vec<Card>>) -> Vec<String> {
        let cards = found.unwrap().into_iter();
        cards.map(|card| card.full_name).collect()
    }

    #[test]
    fn people_of_ones_own_domain_are_seen() {
        let mut settings = settings();
        settings.limits.search_results = 2;
        let (core, _) = core_with(settings);
        add(&core, "tom", "Tom \u{c4}pfel", "cat@example.com");
        add(&core, "jerry", "", "");
        add(&core, "gone", "Tom Gone", "");
        core.set_enabled("gone", false).unwrap();
        let tom = core.login("tom", "tom", Client::default()).unwrap().0;
        let find = |text: &str| core.cards(&tom, Whose::Holding(text), usize::MAX);
        assert_eq!(names(find("\u{e4}PF")), ["Tom \u{c4}pfel"]);
        assert_eq!(names(find("cat@")), ["Tom \u{c4}pfel"]);
        assert_eq!(names(find("jer")), ["jerry"]);
        assert_eq!(find("gone").unwrap_err().kind(), Kind::NoSuchPrincipal);
        assert_eq!(names(core.cards(&tom, Whose::Holding("e"), 1)).len(), 1);
        assert_eq!(names(find("e")).len(), 2);
        let named = core.cards(&tom, Whose::Named(&["cat@example.com", "TOM"]), 9);
        let card = named.unwrap().pop().unwrap();
        assert_eq!(card.name, "tom@localhost");
        assert_eq!(card.calid.as_deref(), Some("tom"));
        let nobody = core.cards(&Caller::Anonymous, Whose::Holding("tom"), 9);
        assert_eq!(nobody.unwrap_err().kind(), Kind::AnonymousNotAllowed);
    }
}
