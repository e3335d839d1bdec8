//! Other calendar stores: which addresses are theirs, and for whom they speak here.
//!
//! A store that the operator names is believed for the domains that are its own, and for no others: none of them is served
//! here, so whoever such a store speaks for never is somebody with an account ([`Caller::Guest`]).

use super::{Caller, Settings};
use crate::model::id::{QualifiedName, cap_address, mail_address};

/// A calendar store that messages are exchanged with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name in addresses, lower case.
    pub csid: String,
    /// The domains whose people are there, lower case.
    pub domains: Vec<String>,
    /// The account by which it logs in here, a UPN in lower case; none: it does not.
    pub login: Option<String>,
}

impl Peer {
    fn has(&self, domain: &str) -> bool {
        self.domains.iter().any(|own| own == domain)
    }
}

impl Settings {
    /// Whether the host of a `cap:` address, in lower case, is this store.
    pub fn is_own_store(&self, host: &str) -> bool {
        let is_host = || {
            self.domains
                .values()
                .any(|d| d.hosts.iter().any(|h| h == host))
        };
        host.is_empty() || host == self.csid || self.serves(host) || is_host()
    }

    /// The store where an address is at home: a mail address with or without `mailto:`, or a `cap:` address. None for this
    /// one, and for addresses that no store is known for.
    pub fn peer_of(&self, address: &str) -> Option<&Peer> {
        if let Some((host, _)) = cap_address(address) {
            return self.peers.iter().find(|peer| peer.csid == host);
        }
        let mail = mail_address(address)?;
        let (_, domain) = mail.rsplit_once('@')?;
        self.peers.iter().find(|peer| peer.has(domain))
    }

    /// Whether `caller` is another store, acting for somebody of its own or for itself.
    pub fn is_peer(&self, caller: &Caller) -> bool {
        match caller {
            Caller::Guest(_) => true,
            Caller::User(identity) => self.peer_logged_in(&identity.name).is_some(),
            Caller::Anonymous | Caller::System => false,
        }
    }

    /// Whom the store that logged in as `login` speaks for when it says `upn`.
    pub(super) fn guest(&self, login: &QualifiedName, upn: &QualifiedName) -> Option<Caller> {
        let peer = self.peer_logged_in(login)?;
        let theirs = peer.has(&upn.domain) && !self.serves(&upn.domain);
        theirs.then(|| Caller::Guest(upn.clone()))
    }

    fn peer_logged_in(&self, login: &QualifiedName) -> Option<&Peer> {
        let login = login.to_string();
        let is_it = |peer: &&Peer| peer.login.as_deref() == Some(login.as_str());
        self.peers.iter().find(is_it)
    }
}

impl Caller {
    /// Whether an address, `mailto:` or `cap:`, is that of this guest: their name, or a calendar called like them in a store
    /// that they are at home in.
    pub(super) fn is_guest_at(&self, address: &str, settings: &Settings) -> bool {
        let Self::Guest(name) = self else {
            return false;
        };
        if let Some((_, path)) = cap_address(address) {
            let home = settings.peer_of(address);
            let user = path.split([':', '@']).next().unwrap_or_default();
            return home.is_some_and(|home| home.has(&name.domain))
                && user.eq_ignore_ascii_case(&name.local);
        }
        mail_address(address).is_some_and(|mail| mail == name.to_string())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::core::testing::settings;

    fn with_peer() -> Settings {
        Settings {
            peers: vec![Peer {
                csid: "cal.other.example".into(),
                domains: vec!["other.example".into()],
                login: Some("other-store@localhost".into()),
            }],
            ..settings()
        }
    }

    #[test]
    fn addresses_lead_to_their_store() {
        let settings = with_peer();
        let of = |address: &str| settings.peer_of(address).is_some();
        for theirs in [
            "cap://cal.other.example/jerry",
            "CAP://Cal.Other.Example:5229/jerry:work",
            "mailto:Jerry@Other.example",
            "jerry@other.example",
        ] {
            assert!(of(theirs), "{theirs}");
        }
        for not in [
            "cap://localhost/tom",
            "cap://other.example/jerry",
            "mailto:jerry@sub.other.example",
            "tom@localhost",
            "tom",
            "",
        ] {
            assert!(!of(not), "{not}");
        }
        assert!(settings.is_own_store("localhost"));
        assert!(!settings.is_own_store("cal.other.example"));
    }

    #[test]
    fn a_store_speaks_for_its_own_people_and_no_others() {
        let settings = with_peer();
        let name = |text: &str| QualifiedName::parse(text, "localhost").unwrap();
        let guest = |login: &str, upn: &str| settings.guest(&name(login), &name(upn));
        assert!(guest("other-store", "jerry@other.example").is_some());
        for (login, upn) in [
            ("other-store", "tom@localhost"),
            ("other-store", "jerry@third.example"),
            ("tom", "jerry@other.example"),
        ] {
            assert_eq!(guest(login, upn), None, "{login} {upn}");
        }
    }

    #[test]
    fn a_guest_has_the_addresses_of_their_name() {
        let settings = with_peer();
        let jerry = Caller::Guest(QualifiedName::parse("jerry@other.example", "x").unwrap());
        let own = |address: &str| jerry.is_guest_at(address, &settings);
        for address in [
            "mailto:Jerry@other.example",
            "cap://cal.other.example/jerry",
            "cap://cal.other.example/Jerry:work",
        ] {
            assert!(own(address), "{address}");
        }
        for address in [
            "mailto:anna@other.example",
            "mailto:jerry@localhost",
            "cap://cal.other.example/anna",
            "cap://localhost/jerry",
        ] {
            assert!(!own(address), "{address}");
        }
    }
}
