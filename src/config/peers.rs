//! The sections of other calendar stores: `[peer."cal.example.org"]`, by the name that the store has in addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use super::domains;
use super::load::{Error, Source};
use super::named::{self, Fault, Section, Sort};
use super::table::{Config, Key, Peer};
use super::value::Value as _;
use crate::cap::client;
use crate::model::id::QualifiedName;

/// The section of what holds for every store, in which those of single ones lie.
pub const SECTION: &str = "peer";

/// Sections of single stores.
pub(super) const SORT: Sort = Sort {
    section: SECTION,
    inner: None,
    example: "a store in quotes, like [peer.\"cal.example.org\"]",
};

/// How connections to a store are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// By STARTTLS, or there is no session.
    StartTls,
    /// From the first octet on.
    Direct,
    /// Not at all.
    None,
}

impl Peer {
    /// How connections are protected; none if the key says something else.
    pub fn protection(&self) -> Option<Protection> {
        match self.tls.as_str() {
            "starttls" => Some(Protection::StartTls),
            "direct" => Some(Protection::Direct),
            "none" => Some(Protection::None),
            _ => None,
        }
    }

    /// The domains whose people are in the store `csid`.
    pub fn domains_of(&self, csid: &str) -> Vec<String> {
        match self.domains.is_empty() {
            true => vec![csid.to_owned()],
            false => self.domains.clone(),
        }
    }

    /// The account by which it logs in here, as a UPN in lower case.
    pub fn login_name(&self, domain: &str) -> Option<String> {
        let name = QualifiedName::parse(self.login.as_deref()?, domain);
        name.ok().map(|name| name.to_string())
    }

    /// A configuration that has these values in their places, so that rows of the table can show them.
    pub(super) fn as_config(&self) -> Config {
        Config {
            peer: self.clone(),
            ..Config::default()
        }
    }
}

/// Puts a store and its values into `config`, and where they came from into `sources`.
pub(super) fn apply(
    section: Section,
    config: &mut Config,
    sources: &mut BTreeMap<String, Source>,
) -> Result<(), Error> {
    let mut own = Config {
        peer: config.peer.clone(),
        ..Config::default()
    };
    let name = section.fill(&mut own, sources)?;
    named::make_lower(&mut own.peer.domains);
    config.peers.insert(name, own.peer);
    Ok(())
}

/// The first value about other stores that does not fit.
pub(super) fn fault(config: &Config) -> Option<Fault> {
    let common = &config.peer;
    let own = [
        ("addr", common.addr.is_none(), common.addr.show()),
        ("domains", common.domains.is_empty(), common.domains.show()),
        ("login", common.login.is_none(), common.login.show()),
    ];
    if let Some((key, _, found)) = own.into_iter().find(|(_, holds, _)| !holds) {
        return Some(Fault {
            path: format!("{SECTION}.{key}"),
            expected: "left out here: it is one store's, as in [peer.\"cal.example.org\"]",
            found,
        });
    }
    let (mut domains, mut logins) = (BTreeSet::new(), BTreeSet::new());
    for (name, peer) in &config.peers {
        if let Some((key, expected)) = own_fault(config, (name, peer), &mut domains, &mut logins) {
            let row = Key::find(key);
            return Some(Fault {
                path: row.map_or_else(|| key.to_owned(), |row| named::path(name, &row)),
                expected,
                found: row.map_or_else(String::new, |row| row.show(&peer.as_config())),
            });
        }
    }
    None
}

fn own_fault(
    config: &Config,
    (name, peer): (&String, &Peer),
    domains: &mut BTreeSet<String>,
    logins: &mut BTreeSet<String>,
) -> Option<(&'static str, &'static str)> {
    let hosted = |name: &str| name == config.server.domain || config.domains.contains_key(name);
    let is_free =
        |name: &String| domains::is_name(name) && !hosted(name) && domains.insert(name.clone());
    let login = peer
        .login
        .as_ref()
        .map(|_| peer.login_name(&config.server.domain));
    let csid = config.cap.csid.as_ref().unwrap_or(&config.server.domain);
    let requirements = [
        (
            "peer.addr",
            !name.eq_ignore_ascii_case(csid),
            "a section of another store: this one has that name itself",
        ),
        (
            "peer.addr",
            peer.addr
                .as_deref()
                .is_none_or(|addr| place(addr).is_some()),
            "a host, or a host and a port, like cal.example.org:5229",
        ),
        (
            "peer.domains",
            peer.domains_of(name).iter().all(is_free),
            "a list of domains, none of them hosted here or another store's",
        ),
        (
            "peer.login",
            login.is_none_or(|login| login.is_some_and(|login| logins.insert(login))),
            "the name of an account here, no other store's",
        ),
        (
            "peer.tls",
            peer.protection().is_some(),
            "starttls, direct or none",
        ),
        (
            "peer.password_file",
            peer.user.is_some() == peer.password_file.is_some(),
            "set with user, and left out without it",
        ),
        (
            "peer.key",
            peer.cert.is_some() == peer.key.is_some(),
            "set with cert, and left out without it",
        ),
        (
            "peer.cert",
            peer.cert.is_none() || (peer.user.is_none() && peer.tls != "none"),
            "left out with user, and with tls = none",
        ),
    ];
    let fault = requirements.into_iter().find(|(_, holds, _)| !holds);
    fault.map(|(key, _, expected)| (key, expected))
}

/// Host and port of the address of a store.
pub fn place(text: &str) -> Option<(String, Option<u16>)> {
    let found = client::place(text);
    let is_host = |host: &str| host.parse::<Ipv6Addr>().is_ok() || domains::is_name(host);
    found.filter(|(host, _)| is_host(host))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::config::load::{Loaded, Sources};
    use crate::config::print;

    fn read(text: &str) -> Result<Loaded, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let loaded = Loaded::read(&Sources {
            file: Some(file.path()),
            ..Sources::default()
        });
        let name = file.path().display().to_string();
        loaded.map_err(|error| error.to_string().replace(&name, "FILE"))
    }

    const ONE: &str = "\
[peer]
tls = 'direct'
[peer.\"Cal.Other.example\"]
addr = '192.0.2.7:5230'
domains = ['Other.example']
login = 'other-store'
user = 'first-store'
password_file = '/etc/wcapd/other'
";

    #[test]
    fn a_store_has_its_own_values_and_those_of_all() {
        let loaded = read(ONE).unwrap();
        let peer = &loaded.config.peers["cal.other.example"];
        assert_eq!(peer.protection(), Some(Protection::Direct));
        assert_eq!(peer.domains_of("cal.other.example"), ["other.example"]);
        let login = peer.login_name("localhost");
        assert_eq!(login.as_deref(), Some("other-store@localhost"));
        let again = read(&print::to_toml(&loaded)).unwrap();
        assert_eq!(again.config, loaded.config);
        let lone = read("[peer.'x.example']").unwrap();
        let peer = &lone.config.peers["x.example"];
        assert_eq!(peer.domains_of("x.example"), ["x.example"]);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        for (text, expected) in [
            (
                "[peer]\naddr = 'x'",
                "FILE line 2: peer.addr must be left out here",
            ),
            (
                "[peer.'localhost']",
                "default: peer.\"localhost\".addr must be a section of another",
            ),
            (
                "[peer.'a b']",
                "FILE line 1: peer.\"a b\" must be a domain name",
            ),
            (
                "[peer.a.b]",
                "FILE line 1: peer.a.b must be a store in quotes",
            ),
            (
                "[peer.'x.example']\nadr = 'x'",
                "FILE line 2: there is no key 'peer.\"x.example\".adr'",
            ),
            (
                "[peer.'x.example']\naddr = 'x:y'",
                "FILE line 2: peer.\"x.example\".addr must be a host",
            ),
            (
                "[peer.'x.example']\ndomains = ['localhost']",
                "FILE line 2: peer.\"x.example\".domains must be a list",
            ),
            (
                "[peer.'x.example']\n[peer.'y.example']\ndomains = ['x.example']",
                "FILE line 3: peer.\"y.example\".domains must be",
            ),
            (
                "[peer.'x.example']\ntls = 'yes'",
                "FILE line 2: peer.\"x.example\".tls must be starttls",
            ),
            (
                "[peer.'x.example']\nuser = 'x'",
                "default: peer.\"x.example\".password_file must be set with user",
            ),
            (
                "[peer.'x.example']\nlogin = 'a b'",
                "FILE line 2: peer.\"x.example\".login must be the name",
            ),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.starts_with(expected), "{text}: {refused}");
        }
    }

    #[test]
    fn places_are_hosts_with_and_without_ports() {
        for (text, expected) in [
            ("cal.example.org", Some(("cal.example.org", None))),
            (
                "cal.example.org:5230",
                Some(("cal.example.org", Some(5230))),
            ),
            ("[::1]:5230", Some(("::1", Some(5230)))),
            ("::1", Some(("::1", None))),
            ("", None),
            ("a:b", None),
            ("[::1]x", None),
        ] {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(place(text), expected, "{text}");
        }
    }
}
