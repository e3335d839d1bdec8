//! Filters and entries, without a directory.

use std::collections::HashMap;

use ldap3::{SearchEntry, parse_filter};
use proptest::prelude::*;

use super::schema::{Preset, Schema, members};

const DOMAIN: &str = "example.test";

const PRESETS: [Preset; 3] = [Preset::Sun, Preset::InetOrgPerson, Preset::ActiveDirectory];

fn entry(attributes: &[(&str, &[&str])]) -> SearchEntry {
    let attrs = attributes.iter().map(|(name, values)| {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        ((*name).to_owned(), values)
    });
    SearchEntry {
        dn: "cn=x".to_owned(),
        attrs: attrs.collect(),
        bin_attrs: HashMap::new(),
    }
}

#[test]
fn presets_are_sound() {
    for preset in PRESETS {
        assert!(Schema::from(preset).is_sound(), "{preset:?}");
    }
    assert_eq!(Preset::named("sun"), Some(Preset::Sun));
    assert_eq!(Preset::named("nis"), None);
}

#[test]
fn names_and_addresses_become_filters() {
    let plain = Schema::from(Preset::InetOrgPerson);
    for (login, filter) in [
        ("Tom", "(&(objectClass=inetOrgPerson)(|(uid=tom)))"),
        (
            "tom@example.test",
            "(&(objectClass=inetOrgPerson)(|(uid=tom)(mail=tom@example.test)))",
        ),
        (
            "t*m@else.test",
            "(&(objectClass=inetOrgPerson)(|(mail=t\\2am@else.test)))",
        ),
        ("*", "(!(objectClass=*))"),
        ("a)(b", "(!(objectClass=*))"),
    ] {
        assert_eq!(plain.login_filter(login, DOMAIN), filter);
    }
    let ad = Schema::from(Preset::ActiveDirectory);
    let filter = ad.login_filter("tom@corp.test", DOMAIN);
    assert!(
        filter.contains("(userPrincipalName=tom@corp.test)"),
        "{filter}"
    );
    assert!(
        filter.contains("(proxyAddresses=smtp:tom@corp.test)"),
        "{filter}"
    );
}

#[test]
fn entries_of_active_directory_are_read() {
    let ad = Schema::from(Preset::ActiveDirectory);
    let tom = |control| {
        entry(&[
            ("samaccountname", &["Tom"]),
            ("displayName", &["Tom Smith"]),
            ("mail", &["Tom@corp.test"]),
            (
                "proxyAddresses",
                &["SMTP:tom@corp.test", "smtp:t@corp.test", "x500:/o=x"],
            ),
            ("userAccountControl", control),
        ])
    };
    let person = ad.person(&tom(&["512"]), None, DOMAIN).unwrap();
    assert_eq!(person.name.to_string(), "tom@example.test");
    assert_eq!(
        person.mail,
        ["tom@corp.test", "tom@corp.test", "t@corp.test"]
    );
    assert_eq!(person.full_name, "Tom Smith");
    assert!(person.enabled);
    assert!(!ad.person(&tom(&["514"]), None, DOMAIN).unwrap().enabled);
}

#[test]
fn one_of_several_names_is_chosen() {
    let plain = Schema::from(Preset::InetOrgPerson);
    let several = entry(&[("uid", &["not a name", "tom", "thomas"])]);
    let name = |asked| plain.person(&several, asked, DOMAIN).unwrap().name.local;
    assert_eq!(name(None), "tom");
    assert_eq!(name(Some("Thomas")), "thomas");
    assert_eq!(name(Some("t@mail.test")), "tom");
    // A name with another domain in it is not let in by the directory.
    let foreign = entry(&[("uid", &["tom@other.test"])]);
    assert_eq!(plain.person(&foreign, None, DOMAIN), None);
    assert_eq!(plain.person(&entry(&[]), None, DOMAIN), None);
}

#[test]
fn members_come_from_all_attributes() {
    let group = entry(&[
        ("uniquemember", &["uid=a"]),
        ("member", &["uid=b"]),
        ("memberUid", &["c"]),
        ("memberURL", &["ldap:///o=x"]),
        ("mgrpRFC822MailMember", &["d@x.test"]),
    ]);
    let members = members(&group);
    assert_eq!(members.dns, ["uid=b", "uid=a"]);
    assert_eq!(
        (members.names, members.urls),
        (vec!["c".to_owned()], vec!["ldap:///o=x".to_owned()])
    );
    assert_eq!(members.mail, ["d@x.test"]);
}

/// The parentheses and wildcards of a filter: its structure.
fn structure(filter: &str) -> String {
    filter.chars().filter(|c| "()*".contains(*c)).collect()
}

proptest! {
    /// Whatever is typed, the filter is one, and of the shape that was meant.
    #[test]
    fn nothing_typed_changes_a_filter(text in "(?s).{1,40}", local in "[^@]{1,20}") {
        for preset in PRESETS {
            let schema = Schema::from(preset);
            let search = schema.search_filter(&text);
            prop_assert!(parse_filter(&search).is_ok(), "{search}");
            prop_assert_eq!(structure(&search), structure(&schema.search_filter("x")));
            for login in [&text, &format!("{local}@else.test")] {
                let filter = schema.login_filter(login, DOMAIN);
                prop_assert!(parse_filter(&filter).is_ok(), "{filter}");
                let shapes = ["nobody()", "x", "x@example.test", "x@else.test"]
                    .map(|login| structure(&schema.login_filter(login, DOMAIN)));
                prop_assert!(shapes.contains(&structure(&filter)), "{filter}");
                let group = schema.group_called(login, DOMAIN);
                prop_assert!(parse_filter(&group).is_ok(), "{group}");
            }
        }
    }
}
