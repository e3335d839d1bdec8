//! The sections of single domains: `[domain."example.org"]`, and `[domain."example.org".ldap]` for its directory.
//!
//! Their keys are those of `[domain]` and `[ldap]`, so that each is described once; what `[domain]` says holds where a
//! domain's own section says nothing. A domain is hosted because it has a section. Only a file has such sections.

use std::collections::{BTreeMap, BTreeSet};

use super::load::{Error, Source, is_host};
use super::named::{self, Section, Sort};
use super::table::{Config, Domain, Key, Ldap};
use super::value::Value as _;
use crate::model::acl::Acl;

/// The section of what holds for every domain, in which those of single domains lie.
pub const SECTION: &str = "domain";

/// The section whose keys describe a directory, also inside a domain's.
pub const DIRECTORY: &str = "ldap";

/// Sections of single domains.
pub(super) const SORT: Sort = Sort {
    section: SECTION,
    inner: Some(DIRECTORY),
    example: "a domain in quotes, like [domain.\"example.org\"]",
};

/// What a domain's name must be.
pub(super) const EXPECTED: &str = "a domain name of letters, digits, '-' and '.'";

/// What a domain has.
#[derive(Debug, Clone, PartialEq)]
pub struct Hosted {
    /// The keys of `[domain]`, as they hold for this one.
    pub domain: Domain,
    /// Its own directory; without a URL it has none.
    pub ldap: Ldap,
}

impl Hosted {
    /// A configuration that has these values in their places, so that rows of the table can show and set them.
    pub(super) fn as_config(&self) -> Config {
        Config {
            domain: self.domain.clone(),
            ldap: self.ldap.clone(),
            ..Config::default()
        }
    }
}

impl Config {
    /// The domains besides `server.domain`, and that one too if it has a section.
    pub fn hosted(&self) -> impl Iterator<Item = (&str, &Hosted)> {
        self.domains
            .iter()
            .map(|(name, hosted)| (name.as_str(), hosted))
    }

    /// The keys of `[domain]` as they hold for the domain `name`.
    pub fn domain_keys(&self, name: &str) -> &Domain {
        self.domains
            .get(name)
            .map_or(&self.domain, |hosted| &hosted.domain)
    }
}

/// Whether `text` is a domain name, as far as this server cares.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    text.len() <= 253 && text.chars().all(plain) && text.split('.').all(|label| !label.is_empty())
}

/// Puts a domain and its values into `config`, and where they came from into `sources`.
pub(super) fn apply(
    section: Section,
    config: &mut Config,
    sources: &mut BTreeMap<String, Source>,
) -> Result<(), Error> {
    let mut own = Config {
        domain: config.domain.clone(),
        ..Config::default()
    };
    let name = section.fill(&mut own, sources)?;
    named::make_lower(&mut own.domain.open_to);
    named::make_lower(&mut own.domain.hosts);
    let hosted = Hosted {
        domain: own.domain,
        ldap: own.ldap,
    };
    config.domains.insert(name, hosted);
    Ok(())
}

/// The first value about domains that does not fit.
pub(super) fn fault(config: &Config) -> Option<named::Fault> {
    if let Some(fault) = common_fault(config) {
        return Some(fault);
    }
    let mut hosts = BTreeSet::new();
    for (name, hosted) in config.hosted() {
        let found = own_fault(config, name, hosted, &mut hosts);
        if let Some((key, expected)) = found {
            let row = Key::find(key);
            return Some(named::Fault {
                path: row.map_or_else(|| key.to_owned(), |row| named::path(name, &row)),
                expected,
                found: row.map_or_else(String::new, |row| row.show(&hosted.as_config())),
            });
        }
    }
    None
}

const DOMAINS: &str = "a list of domains that this server or another store of [peer] hosts, or *";
const ENTRIES: &str = "entries WHO^WHAT^HOW^GRANT, separated by ';'";
const ZONE: &str = "a time zone of the tz database, like Europe/Berlin";

fn common_fault(config: &Config) -> Option<named::Fault> {
    let keys = &config.domain;
    let fault = |key: &str, expected, found| named::Fault {
        path: format!("{SECTION}.{key}"),
        expected,
        found,
    };
    if !keys.hosts.is_empty() {
        let expected = "left out here: a host is one domain's, as in [domain.\"example.org\"]";
        return Some(fault("hosts", expected, keys.hosts.show()));
    }
    if !are_domains(config, &keys.open_to) {
        return Some(fault("open_to", DOMAINS, keys.open_to.show()));
    }
    if !is_list(keys, &config.server.domain) {
        return Some(fault("default_acl", ENTRIES, keys.default_acl.show()));
    }
    (!is_zone(keys)).then(|| fault("default_tzid", ZONE, keys.default_tzid.show()))
}

fn own_fault<'c>(
    config: &'c Config,
    name: &str,
    hosted: &'c Hosted,
    hosts: &mut BTreeSet<&'c str>,
) -> Option<(&'static str, &'static str)> {
    let keys = &hosted.domain;
    let fresh = keys
        .hosts
        .iter()
        .all(|host| is_host(host) && hosts.insert(host));
    let own = name == config.server.domain;
    let requirements = [
        (
            "domain.hosts",
            fresh,
            "a list of host names without ports, none of them another domain's",
        ),
        (
            "domain.open_to",
            are_domains(config, &keys.open_to),
            DOMAINS,
        ),
        ("domain.default_acl", is_list(keys, name), ENTRIES),
        ("domain.default_tzid", is_zone(keys), ZONE),
        (
            "ldap.url",
            !own || hosted.ldap.url.is_none(),
            "left out: the directory of server.domain is that of [ldap]",
        ),
    ];
    let fault = requirements.into_iter().find(|(_, holds, _)| !holds);
    fault
        .map(|(key, _, expected)| (key, expected))
        .or_else(|| hosted.ldap.fault())
}

fn are_domains(config: &Config, names: &[String]) -> bool {
    names.iter().all(|name| {
        let name = name.to_ascii_lowercase();
        let is_peers = || {
            let mut peers = config.peers.iter();
            peers.any(|(csid, peer)| peer.domains_of(csid).contains(&name))
        };
        let hosted = name == config.server.domain || config.domains.contains_key(&name);
        name == "*" || hosted || is_peers()
    })
}

fn is_list(keys: &Domain, domain: &str) -> bool {
    let list = keys.default_acl.as_deref();
    list.is_none_or(|list| Acl::parse(list, domain).is_ok())
}

fn is_zone(keys: &Domain) -> bool {
    let zone = keys.default_tzid.as_deref();
    zone.is_none_or(|zone| jiff::tz::db().get(zone).is_ok())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
#[path = "domains_tests.rs"]
mod tests;
