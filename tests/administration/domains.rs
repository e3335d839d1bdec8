//! Several domains, administered at the command line.

use crate::{CHEAP, Place};

#[test]
fn domains_and_their_administrators() {
    for serving in [false, true] {
        let mut place = Place::quiet();
        let text = format!("{CHEAP}[domain.\"sales.example\"]\ndefault_tzid = 'Europe/Rome'\n");
        std::fs::write(place.config.join("wcapd.toml"), text).unwrap();
        if serving {
            place.start();
        }
        place.add("jane");
        place.add("jane@sales.example");
        let member = "jane@sales.example";
        place.done(&["group", "add", "staff@sales.example", "--member", member]);
        place.done(&[
            "calendar",
            "create",
            "room@sales.example",
            "--owner",
            member,
        ]);
        let shown = place.done(&["calendar", "show", "room@sales.example"]);
        assert!(shown.contains("Europe/Rome"), "{shown}");
        for (words, hint) in [
            (
                ["group", "add", "all@nowhere.example"].as_slice(),
                "[domain.\"nowhere.example\"]",
            ),
            (
                &["calendar", "create", "x@nowhere.example", "--owner", "jane"],
                "[domain.\"nowhere.example\"]",
            ),
            (
                &["group", "add", "all", "--mail", "all@sales.example"],
                "another domain",
            ),
            (
                &[
                    "calendar",
                    "create",
                    "hall@sales.example",
                    "--owner",
                    "jane",
                ],
                "another domain",
            ),
        ] {
            let refused = place.refused(words);
            assert!(refused.contains(hint), "{refused}");
        }
        place.done(&["user", "grant", member, "domainadmin"]);
        assert_eq!(
            place.done(&["user", "list"]),
            "NAME                MAIL                STATE                 FULL NAME\n\
             jane                jane@localhost      enabled\n\
             jane@sales.example  jane@sales.example  domain-administrator\n"
        );
        place.done(&["user", "grant", member, "administrator"]);
        let role = |place: &Place| {
            let shown = place.done(&["user", "show", member]);
            let line = shown.lines().find_map(|line| line.strip_prefix("role "));
            line.unwrap().trim().to_owned()
        };
        assert_eq!(role(&place), "administrator, domain-administrator");
        place.done(&["user", "revoke", member, "administrator"]);
        assert_eq!(role(&place), "domain-administrator");
        place.done(&["user", "revoke", member]);
        assert_eq!(role(&place), "none");
        place.stop();
    }
}
