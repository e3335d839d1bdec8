//! The domains of the server: what a bare name means, and what people of one domain are to another.
//!
//! Names, addresses and calendars are kept with their domain, so that nothing of one is found under another. Whoever
//! belongs to another domain is not meant where an access list says everybody, and sees nobody there, unless the
//! operator has opened the domain to theirs; entries that name them or their domain count.

use std::sync::Arc;

use super::access::Right;
use super::error::{Error, Kind, Result};
use super::{Caller, Core, Settings, sessions};
use crate::model::acl::Acl;
use crate::model::calendar::Calendar;
use crate::model::id::QualifiedName;
use crate::model::user::{Principal, User};
use crate::store::{Reader, people};

/// What the operator chose for one domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domain {
    /// Host names at which a bare name is one of this domain, lower case.
    pub hosts: Vec<String>,
    /// Domains whose people count as this one's own where everybody is meant; `*` for all.
    pub open_to: Vec<String>,
    /// Whether callers without an account are served; of the server's own domain `Settings::anonymous` decides alone.
    pub anonymous: bool,
    /// Access list of a new calendar; none: as everywhere.
    pub default_acl: Option<Acl>,
    /// Zone of a new calendar; none: as everywhere.
    pub default_tzid: Option<String>,
}

impl Settings {
    /// Whether people and calendars of `domain` are served at all.
    pub fn serves(&self, domain: &str) -> bool {
        domain == self.domain || self.domains.contains_key(domain)
    }

    /// Whether somebody of the domain `from` counts as one of the domain `of`.
    pub fn lets_in(&self, of: &str, from: &str) -> bool {
        let is_open = || {
            let open_to = self.domains.get(of).map_or(&[][..], |own| &own.open_to);
            open_to.iter().any(|open| open == "*" || open == from)
        };
        self.serves(of) && (of == from || is_open())
    }

    /// Whether callers without an account are served in `domain`.
    pub fn serves_anonymous(&self, domain: &str) -> bool {
        let own = || self.domains.get(domain).is_some_and(|own| own.anonymous);
        self.anonymous && (domain == self.domain || own())
    }

    /// The domain that a host's bare names are of; the server's own unless it is another's host.
    pub fn domain_of_host(&self, host: &str) -> &str {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let found = self
            .domains
            .iter()
            .find(|(_, own)| own.hosts.contains(&host));
        found.map_or(&self.domain, |(name, _)| name)
    }

    /// The access list of a new calendar of `domain`.
    pub fn default_acl_of(&self, domain: &str) -> &Acl {
        let own = self.domains.get(domain);
        own.and_then(|own| own.default_acl.as_ref())
            .unwrap_or(&self.default_acl)
    }

    /// The zone of a new calendar of `domain`.
    pub fn default_tzid_of(&self, domain: &str) -> &str {
        let own = self.domains.get(domain);
        own.and_then(|own| own.default_tzid.as_deref())
            .unwrap_or(&self.default_tzid)
    }
}

impl Core {
    /// The same core for requests to `host`, with or without a port: what a bare name means there.
    #[must_use]
    pub fn at_host(&self, host: &str) -> Self {
        let name = match host.rsplit_once(':') {
            // The last part of an address in brackets is no port.
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        self.in_domain(self.settings().domain_of_host(name))
    }

    /// The same core for what `caller` asks: bare names are of the caller's domain.
    #[must_use]
    pub fn of_caller(&self, caller: &Caller) -> Self {
        match caller {
            Caller::User(identity) => self.in_domain(&identity.name.domain),
            Caller::Anonymous | Caller::Guest(_) | Caller::System => self.clone(),
        }
    }

    fn in_domain(&self, domain: &str) -> Self {
        let home = (domain != self.domain()).then(|| Arc::from(domain));
        Self {
            inner: Arc::clone(&self.inner),
            home,
        }
    }

    /// The domain of bare names in what is asked now.
    pub fn home(&self) -> &str {
        self.home.as_deref().unwrap_or(self.domain())
    }

    /// A name as answers write it: bare within the server's own domain, to those who are at home there; else with its
    /// domain, also at home, so that it means the same to whomever it is passed on to.
    pub fn show_name(&self, name: &QualifiedName) -> String {
        match self.is_left_out(&name.domain) {
            true => name.local.clone(),
            false => name.to_string(),
        }
    }

    pub(super) fn is_left_out(&self, domain: &str) -> bool {
        self.home.is_none() && domain == self.domain()
    }

    /// Whether people and calendars of `domain` are served.
    pub(super) fn serves(&self, domain: &str) -> bool {
        self.settings().serves(domain)
    }

    /// Whether an account may be used: it is enabled, and its domain is one of this server's.
    pub(super) fn is_open(&self, user: &User) -> bool {
        user.enabled && self.serves(&user.name.domain)
    }

    /// Whether `caller` may see who is in `domain`.
    pub(super) fn may_look_into(&self, caller: &Caller, domain: &str) -> bool {
        let settings = self.settings();
        match caller {
            Caller::System => true,
            Caller::User(i) if i.administrator => settings.serves(domain),
            Caller::User(i) => settings.lets_in(domain, &i.name.domain),
            Caller::Guest(name) => settings.lets_in(domain, &name.domain),
            Caller::Anonymous => {
                settings.anonymous_people
                    && settings.serves_anonymous(domain)
                    && domain == self.home()
            }
        }
    }

    /// Whether the owner of `from` can reach `theirs` with messages, or learn at least that it is there: it is in no
    /// domain that is closed to the owner's, or lets the owner schedule. Who is out of reach is to the owner somebody
    /// elsewhere, to be mailed, so that no meeting shows who has a calendar here.
    pub(super) fn reaches(
        &self,
        t: &impl Reader,
        from: &Calendar,
        theirs: &Calendar,
    ) -> Result<bool> {
        let (of, own) = (&theirs.calid.domain, &from.calid.domain);
        if self.settings().lets_in(of, own) {
            return Ok(true);
        }
        let Some(Principal::User(owner)) = people::principal(t, from.owner)? else {
            return Ok(false);
        };
        let mut speaker = sessions::identity(&owner, &owner.name.local);
        // What an administrator may elsewhere is not lent to invitations.
        (speaker.administrator, speaker.domain_administrator) = (false, false);
        let speaker = Caller::User(speaker);
        let access = self.standing(t, &speaker, theirs.clone(), String::new())?;
        Ok(access.allows(Right::Schedule))
    }

    /// Refuses a name whose domain is not served here.
    ///
    /// Errors: `BadName`, with what to do.
    pub(super) fn require_hosted(&self, name: &QualifiedName) -> Result<()> {
        let domain = &name.domain;
        if self.settings().serves(domain) {
            return Ok(());
        }
        let message = format!(
            "the domain {domain} of '{name}' is not hosted here: its section [domain.\"{domain}\"] is missing in \
             the configuration"
        );
        Err(Error::new(Kind::BadName, message))
    }

    /// Refuses mail addresses that lie in another domain of this server than `name`: nobody gets another domain's mail.
    ///
    /// Errors: `BadValue`.
    pub(super) fn require_own_mail(&self, name: &QualifiedName, mail: &[String]) -> Result<()> {
        match mail
            .iter()
            .find(|address| self.is_of_another(&name.domain, address))
        {
            None => Ok(()),
            Some(address) => {
                let message = format!("the mail address {address} is one of another domain here");
                Err(Error::new(Kind::BadValue, message))
            }
        }
    }

    /// Whether a mail address is of another domain of this server than `own`.
    pub(super) fn is_of_another(&self, own: &str, address: &str) -> bool {
        let domain = address.rsplit_once('@').map(|(_, domain)| domain);
        domain.is_some_and(|domain| domain != own && self.settings().serves(domain))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
#[path = "domains_tests.rs"]
mod tests;
