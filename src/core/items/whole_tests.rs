//! Items written whole, seen by those who read them by fields.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::core::accounts::NewUser;
use crate::core::items::by_id::{ItemId, Reach};
use crate::core::items::fetch::Selection;
use crate::core::query::parse;
use crate::core::testing::core;

fn object(uid: &str, more: &str) -> CalendarObject {
    let text = format!(
        "BEGIN:VEVENT|UID:{uid}|DTSTART:20260301T100000Z|DTEND:20260301T110000Z|{more}END:VEVENT|"
    );
    let (core, _) = core();
    let mut upload = core.read_upload(text.replace('|', "\r\n").as_bytes());
    upload.objects.remove(0)
}

/// A core with tom and jerry, who may write in each other's calendars.
fn people() -> (Core, Caller, Caller) {
    let (core, _) = core();
    for name in ["tom", "jerry"] {
        let new = NewUser {
            name: name.to_owned(),
            ..NewUser::default()
        };
        core.add_user(&new, Some("secret")).unwrap();
        core.change_calendar(name, |calendar| calendar.acl = vec!["@^a^rwdsf^g".into()])
            .unwrap();
    }
    let caller = |name: &str| {
        let login = core.login(name, "secret", crate::core::Client::UNKNOWN);
        login.unwrap().0
    };
    let (tom, jerry) = (caller("tom"), caller("jerry"));
    (core, tom, jerry)
}

/// The component of an item, as a fetch by UID has it.
fn fetched(core: &Core, caller: &Caller, calid: &str, uid: &str) -> Option<Component> {
    let id = ItemId {
        uid: uid.to_owned(),
        instance: None,
        reach: Reach::All,
    };
    let selection = Selection::default();
    let found = core.fetch_items(caller, Some(calid), &[id], None, &selection);
    found
        .ok()?
        .objects
        .first()?
        .object
        .components
        .first()
        .cloned()
}

fn modify(core: &Core, caller: &Caller, calid: &str, property: &str) -> Result<Vec<Touched>> {
    let query = parse("SELECT UID FROM VEVENT").unwrap();
    let ask = Ask {
        query: &query,
        expand: false,
        most: None,
        utc_only: false,
        target: calid,
    };
    let property = Property::from_line(property).unwrap();
    let change = |row: &Row| {
        let mut after = row.component.clone();
        after.set(property.clone());
        Ok(Some(after))
    };
    core.modify_whole(caller, calid, Kind::Event, &ask, &[], &change)
}

#[test]
fn what_is_created_whole_is_fetched_by_fields() {
    let (core, tom, jerry) = people();
    let event = object("u", "SUMMARY:One|");
    core.create_whole(&tom, "tom", &event).unwrap();
    let seen = fetched(&core, &jerry, "tom", "u").unwrap();
    assert_eq!(seen.value("SUMMARY"), Some("One"));
    let again = core.create_whole(&tom, "tom", &event).unwrap_err();
    assert_eq!(again.kind(), Failed::ItemExists);
    modify(&core, &jerry, "tom", "SUMMARY:Two").unwrap();
    let seen = fetched(&core, &tom, "tom", "u").unwrap();
    assert_eq!(seen.value("SUMMARY"), Some("Two"));
}

#[test]
fn private_items_and_other_peoples_meetings_keep_to_their_owners() {
    let (core, tom, jerry) = people();
    let private = object("p", "CLASS:PRIVATE|SUMMARY:Mine|");
    core.create_whole(&tom, "tom", &private).unwrap();
    let refused = modify(&core, &jerry, "tom", "SUMMARY:Yours").unwrap_err();
    assert_eq!(refused.kind(), Failed::NotOwner);
    let seen = fetched(&core, &tom, "tom", "p").unwrap();
    assert_eq!(seen.value("SUMMARY"), Some("Mine"));

    let meeting = object(
        "m",
        "ORGANIZER:mailto:tom@localhost|ATTENDEE:mailto:jerry@localhost|",
    );
    core.create_whole(&tom, "tom", &meeting).unwrap();
    assert!(fetched(&core, &jerry, "jerry", "m").is_some());
    let organizer = "ORGANIZER:mailto:jerry@localhost";
    let refused = modify(&core, &jerry, "jerry", organizer).unwrap_err();
    assert_eq!(refused.kind(), Failed::NotOrganizer);
}

#[test]
fn a_change_that_fails_changes_nothing() {
    let (core, tom, _) = people();
    for uid in ["a", "b"] {
        core.create_whole(&tom, "tom", &object(uid, "SUMMARY:One|"))
            .unwrap();
    }
    let query = parse("SELECT UID FROM VEVENT").unwrap();
    let ask = Ask {
        query: &query,
        expand: false,
        most: None,
        utc_only: false,
        target: "tom",
    };
    let change = |row: &Row| {
        let mut after = row.component.clone();
        after.set(Property::new("SUMMARY", "Two"));
        if row.uid == "b" {
            after.remove("DTSTART");
        }
        Ok(Some(after))
    };
    let refused = core.modify_whole(&tom, "tom", Kind::Event, &ask, &[], &change);
    assert_eq!(refused.unwrap_err().kind(), Failed::BadData);
    for uid in ["a", "b"] {
        let seen = fetched(&core, &tom, "tom", uid).unwrap();
        assert_eq!(seen.value("SUMMARY"), Some("One"));
    }
}
