//! Names of every shape, to the octet.

use super::*;

fn card() -> Card {
    Card {
        name: "tom@localhost".into(),
        full_name: "Tom, the Cat; \u{e4}".into(),
        given_name: "Tom".into(),
        surname: "Cat;".into(),
        mail: vec!["tom@localhost".into(), "cat@example.com".into()],
        members: None,
        calid: Some("tom".into()),
    }
}

fn shown(octets: Vec<u8>) -> String {
    String::from_utf8(octets).unwrap_or_default()
}

#[test]
fn names_and_addresses_stand_in_each_form() {
    let cards = [card()];
    // Where only a path is known, busy times have no address.
    let four = shown(text(&cards, Version::Four, "/wcap/"));
    let want = "UID;VALUE=text:tom@localhost\r\nFN:Tom\\, the Cat\\; \u{e4}\r\nN:Cat\\;;Tom;;;\r\n\
                EMAIL;PREF=1:tom@localhost\r\nEMAIL:cat@example.com\r\nCALADRURI:mailto:tom@localhost\r\n";
    assert!(four.contains(want), "{four}");
    let three = shown(text(&cards, Version::Three, "https://h/"));
    let want = "N:Cat\\;;Tom;;;\r\nEMAIL;TYPE=INTERNET,PREF:tom@localhost\r\nEMAIL;TYPE=INTERNET:cat@example.com\r\n\
                FBURL:https://h/get_freebusy.wcap?calid=tom\r\n";
    assert!(three.contains(want), "{three}");
    let xml = shown(xml(&cards, "https://h/"));
    let want = "<n><surname>Cat;</surname><given>Tom</given><additional></additional><prefix></prefix><suffix></suffix></n>\n\
                <email><parameters><pref><integer>1</integer></pref></parameters><text>tom@localhost</text></email>";
    assert!(xml.contains(want), "{xml}");
    let json = shown(json(&cards, "https://h/"));
    let want = "[\"n\",{},\"text\",[\"Cat;\",\"Tom\",\"\",\"\",\"\"]],[\"email\",{\"pref\":\"1\"},\"text\",\"tom@localhost\"]";
    assert!(json.contains(want), "{json}");
}
