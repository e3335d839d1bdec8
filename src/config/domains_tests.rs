//! Sections of single domains: what they say, what they leave to `[domain]`, and what is refused.

use std::io::Write as _;

use crate::config::load::{Loaded, Sources};
use crate::config::print;

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let environment = environment.iter();
    let sources = Sources {
        file: Some(file.path()),
        environment: environment
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        ..Sources::default()
    };
    let loaded = Loaded::read(&sources);
    loaded.map_err(|error| {
        error
            .to_string()
            .replace(&file.path().display().to_string(), "FILE")
    })
}

const TWO: &str = "\
[domain.\"a.test\"]
hosts = ['Cal.A.test']
open_to = ['B.test']
[domain.\"a.test\".ldap]
url = 'ldaps://ldap.a.test'
base = 'dc=a'
[domain.\"b.test\"]
[domain]
anonymous = true
default_tzid = 'Europe/Rome'
";

#[test]
fn a_domain_has_its_own_values_and_those_of_all() {
    let config = read(TWO, &[("WCAPD__DOMAIN__DEFAULT_TZID", "Europe/Paris")])
        .unwrap()
        .config;
    let names: Vec<_> = config.hosted().map(|(name, _)| name).collect();
    assert_eq!(names, ["a.test", "b.test"]);
    let (a, b) = (&config.domains["a.test"], &config.domains["b.test"]);
    assert_eq!(a.domain.hosts, ["cal.a.test"]);
    assert_eq!(a.domain.open_to, ["b.test"]);
    assert_eq!(a.ldap.url.as_deref(), Some("ldaps://ldap.a.test"));
    assert!(a.domain.anonymous && b.domain.anonymous);
    assert_eq!(b.domain.default_tzid.as_deref(), Some("Europe/Paris"));
    assert_eq!(b.ldap.url, None);
    assert_eq!(config.ldap.url, None);
    assert!(config.domain_keys("localhost").anonymous);
}

#[test]
fn printed_sections_read_back_and_say_where_they_come_from() {
    let first = read(TWO, &[]).unwrap();
    let printed = print::to_toml(&first);
    assert_eq!(read(&printed, &[]).unwrap().config, first.config);
    assert!(printed.lines().all(|line| line.len() <= 120), "{printed}");
    assert!(printed.contains("[domain.\"b.test\"]\n"), "{printed}");
    assert!(!printed.contains("[domain.\"b.test\".ldap]"), "{printed}");
    let url = printed.find("url = \"ldaps://ldap.a.test\"").unwrap();
    assert!(
        printed[..url].ends_with(" line 5.\n"),
        "{}",
        &printed[..url]
    );
}

#[test]
fn wrong_sections_are_refused_with_the_place() {
    for (text, expected) in [
        (
            "[domain.\"a.test\"]\nhost = ['x']\n",
            "FILE line 2: there is no key 'domain.\"a.test\".host'; did you mean 'domain.\"a.test\".hosts'?",
        ),
        (
            "[domain.\"a.test\".ldap]\nurll = 'x'\n",
            "FILE line 2: there is no key 'domain.\"a.test\".ldap.urll'; did you mean 'domain.\"a.test\".ldap.url'?",
        ),
        (
            "[domain.a.test]\nhosts = ['x']\n",
            "FILE line 1: domain.a.test must be a domain in quotes, like [domain.\"example.org\"], but it is a table",
        ),
        (
            "[domain.\"a..test\"]\n",
            "FILE line 1: domain.\"a..test\" must be a domain name of letters, digits, '-' and '.', but it is none",
        ),
        (
            "[domain.\"a.test\"]\nanonymous = 'maybe'\n",
            "FILE line 2: domain.\"a.test\".anonymous must be true or false, but it is 'maybe'",
        ),
        (
            "[domain.\"a.test\"]\nopen_to = ['b.test']\n",
            "FILE line 2: domain.\"a.test\".open_to must be a list of domains that this server or another store of [peer] hosts, or *, but it is \
             [\"b.test\"]",
        ),
        (
            "[domain.\"a.test\"]\nhosts = ['x']\n[domain.\"b.test\"]\nhosts = ['X']\n",
            "FILE line 4: domain.\"b.test\".hosts must be a list of host names without ports, none of them another \
             domain's, but it is [\"x\"]",
        ),
        (
            "[domain]\nhosts = ['x']\n",
            "FILE line 2: domain.hosts must be left out here: a host is one domain's, as in [domain.\"example.org\"], \
             but it is [\"x\"]",
        ),
        (
            "[domain.\"a.test\"]\ndefault_acl = 'x'\n",
            "FILE line 2: domain.\"a.test\".default_acl must be entries WHO^WHAT^HOW^GRANT, separated by ';', but it is \
             \"x\"",
        ),
        (
            "[domain.\"a.test\".ldap]\nurl = 'ldaps://x'\n",
            "default: domain.\"a.test\".ldap.base must be where searches start, like dc=example,dc=org, since ldap.url \
             is set, but it is \"\"",
        ),
        (
            "[domain.\"localhost\".ldap]\nurl = 'ldaps://x'\nbase = 'dc=x'\n",
            "FILE line 2: domain.\"localhost\".ldap.url must be left out: the directory of server.domain is that of \
             [ldap], but it is \"ldaps://x\"",
        ),
        (
            "[domain.\"A.test\"]\n[domain.\"a.test\"]\n",
            "FILE line 2: domain.\"a.test\" must be named once, letter case aside, but it is there twice",
        ),
    ] {
        assert_eq!(read(text, &[]).unwrap_err(), expected);
    }
}
