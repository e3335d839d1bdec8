//! A user's preferences, with what the account says of itself.

use super::error::{Error, Kind, Result};
use super::{Caller, Core, directory};
use crate::limits::Limits;
use crate::model::id::Calid;
use crate::model::user::User;
use crate::store::{Reader, calendars, prefs};

/// Preferences that are facts of the account: nobody sets them.
pub const OF_ACCOUNT: [&str; 7] = [
    "cn",
    "givenName",
    "mail",
    "sn",
    "icsCalendar",
    "nswcalCALID",
    "icsCalendarOwned",
];

/// Longest name of a preference, in octets.
const NAME_MAX: usize = 64;

/// What is known of a user's tastes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// The account.
    pub user: User,
    /// Calid of the default calendar.
    pub calid: String,
    /// Zone of the default calendar.
    pub tzid: String,
    /// Language of the default calendar.
    pub language: String,
    /// Calids and names of the calendars the user owns first, the default one leading.
    pub owned: Vec<(String, String)>,
    /// What was set: names and values, in order; a name may stand more than once.
    pub values: Vec<(String, String)>,
}

/// One change of a user's preferences. Names compare with case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a value, unless it is there.
    Add(String, String),
    /// Puts a value in the place of all there are; an empty one only takes those away.
    Set(String, String),
    /// Takes the first value away.
    Remove(String),
}

impl Change {
    fn name(&self) -> &str {
        match self {
            Self::Add(name, _) | Self::Set(name, _) | Self::Remove(name) => name,
        }
    }

    /// Whether it can be made at all.
    fn check(&self) -> Result<()> {
        let bad = |message: String| Err(Error::new(Kind::BadValue, message));
        let name = self.name();
        let shown: String = name.chars().take(80).collect();
        // Names become names of properties and of XML elements.
        let sound = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !sound || !(1..=NAME_MAX).contains(&name.len()) {
            return bad(format!(
                "expected a name of 1 to {NAME_MAX} letters, digits and '-', found '{shown}'"
            ));
        }
        if OF_ACCOUNT.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return bad(format!("'{shown}' follows from the account and is not set"));
        }
        match self {
            Self::Add(_, value) if value.is_empty() => bad(format!("'{shown}' needs a value")),
            Self::Add(_, value) | Self::Set(_, value) if value.chars().any(char::is_control) => {
                bad(format!("expected '{shown}' without control characters"))
            }
            _ => Ok(()),
        }
    }

    fn apply(&self, values: &mut Vec<(String, String)>) -> Result<()> {
        let named = |(name, _): &(String, String)| name == self.name();
        match self {
            Self::Add(name, value) => {
                let new = (name.clone(), value.clone());
                if !values.contains(&new) {
                    values.push(new);
                }
            }
            Self::Set(name, value) => {
                let at = values.iter().position(named).unwrap_or(values.len());
                values.retain(|known| !named(known));
                if !value.is_empty() {
                    values.insert(at, (name.clone(), value.clone()));
                }
            }
            Self::Remove(name) => match values.iter().position(named) {
                Some(at) => drop(values.remove(at)),
                None => {
                    let message = format!("there is no preference '{name}' to take away");
                    return Err(Error::new(Kind::BadValue, message));
                }
            },
        }
        Ok(())
    }
}

/// Refuses more preferences than one user may have.
pub(super) fn check_size(preferences: &prefs::Preferences, limits: &Limits) -> Result<()> {
    let values = preferences.values.iter();
    let octets: usize = values
        .clone()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    let subscribed = |name: &str| name == super::subscriptions::SUBSCRIBED;
    let count: usize = values
        .map(|(name, value)| match subscribed(name) {
            true => value.split(',').count(),
            false => 1,
        })
        .sum();
    let (most, most_octets) = (limits.preferences, limits.preferences_size);
    if count > most || octets > most_octets {
        let message = format!(
            "expected at most {most} preferences and subscriptions of {most_octets} octets together"
        );
        return Err(Error::new(Kind::TooMuch, message));
    }
    Ok(())
}

impl Core {
    /// The user called `name`, or the caller.
    ///
    /// Errors: `AnonymousNotAllowed`; `NotAdministrator` for somebody else, unless the caller is an administrator and
    /// the configuration lets administrators; `NoSuchPrincipal`.
    pub(super) fn person(
        &self,
        t: &impl Reader,
        caller: &Caller,
        name: Option<&str>,
    ) -> Result<User> {
        let identity = caller.identity().ok_or_else(|| {
            let message = "nobody in particular has no preferences and no calendars";
            Error::new(Kind::AnonymousNotAllowed, message)
        })?;
        let own = identity.name.to_string();
        let user = directory::user(t, name.unwrap_or(&own), self.home())?;
        let mine = user.as_ref().is_some_and(|user| user.id == identity.id);
        let domain = match &user {
            Some(user) => user.name.domain.clone(),
            None => self.domain_asked(name.unwrap_or(&own)),
        };
        let allowed = mine || (identity.administers(&domain) && self.settings().userprefs);
        if !allowed {
            let message = "what others have chosen is for administrators, where that is allowed";
            return Err(Error::new(Kind::NotAdministrator, message));
        }
        user.ok_or_else(|| {
            let message = format!("there is no user '{}'", name.unwrap_or(&own));
            Error::new(Kind::NoSuchPrincipal, message)
        })
    }

    /// The preferences of `name`, or of the caller.
    ///
    /// Errors: `AnonymousNotAllowed`; `NotAdministrator` for somebody else's, unless the caller is an
    /// administrator and the configuration lets administrators; `NoSuchPrincipal`.
    pub fn preferences(&self, caller: &Caller, name: Option<&str>) -> Result<Preferences> {
        self.store().read(|t| {
            let user = self.person(t, caller, name)?;
            self.preferences_of(t, user)
        })
    }

    /// Changes the preferences of `name`, or of the caller, in order, all or none; answers what they are then.
    ///
    /// Errors: those of [`Core::preferences`]; `BadValue` for a name or a value that is none, for what follows from
    /// the account, and for taking away what is not there; `TooMuch`.
    pub fn change_preferences(
        &self,
        caller: &Caller,
        name: Option<&str>,
        changes: &[Change],
    ) -> Result<Preferences> {
        self.store().write(|t| {
            let user = self.person(t, caller, name)?;
            let old = prefs::get(t, user.id)?;
            let mut new = old.clone();
            for change in changes {
                change.check()?;
                change.apply(&mut new.values)?;
            }
            if new != old {
                check_size(&new, &self.settings().limits)?;
                prefs::put(t, user.id, &new)?;
            }
            self.preferences_of(t, user)
        })
    }

    fn preferences_of(&self, t: &impl Reader, user: User) -> Result<Preferences> {
        let default = Calid::of(&user.name);
        let calendar = calendars::find(t, &default)?;
        let properties = calendar.map(|calendar| calendar.properties);
        let mut owned: Vec<_> = calendars::owned(t, user.id)?;
        owned.sort_by_key(|calendar| calendar.calid != default);
        let (tzid, language) = properties
            .map(|properties| (properties.tzid, properties.language))
            .unwrap_or_default();
        Ok(Preferences {
            calid: self.show_calid(&default),
            tzid,
            language,
            owned: owned
                .into_iter()
                .map(|c| (self.show_calid(&c.calid), c.properties.name))
                .collect(),
            values: prefs::get(t, user.id)?.values,
            user,
        })
    }
}
