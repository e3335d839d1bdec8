//! A user's preferences, with what the account says of itself.

use super::error::{Error, Kind, Result};
use super::{Caller, Core, directory};
use crate::model::id::Calid;
use crate::model::user::User;
use crate::store::{calendars, prefs};

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

impl Core {
    /// The preferences of `name`, or of the caller.
    ///
    /// Errors: `AnonymousNotAllowed`; `NotAdministrator` for somebody else's, unless the caller is an
    /// administrator and the configuration lets administrators; `NoSuchPrincipal`.
    pub fn preferences(&self, caller: &Caller, name: Option<&str>) -> Result<Preferences> {
        let identity = caller.identity().ok_or_else(|| {
            Error::new(
                Kind::AnonymousNotAllowed,
                "nobody in particular has no preferences",
            )
        })?;
        self.store().read(|t| {
            let own = identity.name.to_string();
            let user = directory::user(t, name.unwrap_or(&own), self.domain())?;
            let mine = user.as_ref().is_some_and(|user| user.id == identity.id);
            let allowed = mine || (identity.administrator && self.settings().userprefs);
            if !allowed {
                let message =
                    "the preferences of others are for administrators, where that is allowed";
                return Err(Error::new(Kind::NotAdministrator, message));
            }
            let user = user.ok_or_else(|| {
                let message = format!("there is no user '{}'", name.unwrap_or(&own));
                Error::new(Kind::NoSuchPrincipal, message)
            })?;
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
        })
    }
}
