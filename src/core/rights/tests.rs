//! Tests of the notations and of what rules cover.

use super::value::parse;
use super::{Act, Effect, RightSet, Thing, Who, vright};
use crate::core::schedule::receive::Itip;
use crate::ical::component::Component;
use crate::ical::parse as text;

fn component(lines: &str) -> Component {
    let text = lines.replace('|', "\r\n");
    let parsed = text::parse(text.as_bytes(), &text::Limits::DEFAULT);
    parsed.components.into_iter().next().unwrap()
}

fn event(lines: &str) -> Component {
    component(&format!("BEGIN:VEVENT|UID:u|{lines}END:VEVENT|"))
}

fn set(rules: &[(Effect, &str)]) -> RightSet {
    RightSet {
        rules: rules
            .iter()
            .map(|(effect, text)| parse(*effect, text).unwrap())
            .collect(),
        addresses: vec!["tom@example.org".to_owned()],
    }
}

/// What of an event with these lines can be read: nothing, all of it, or these properties.
fn read(set: &RightSet, lines: &str) -> String {
    let event = event(lines);
    let thing = Thing {
        component: Some(&event),
        ..Thing::any("VEVENT")
    };
    let verdict = set.weigh(Act::Read, thing, false);
    let mut shown = match (verdict.denied, verdict.granted) {
        (true, _) => "none".to_owned(),
        (false, true) => "all".to_owned(),
        (false, false) => verdict.only.join(","),
    };
    if !verdict.without.is_empty() {
        shown = format!("{shown} but {}", verdict.without.join(","));
    }
    shown
}

#[test]
fn what_the_drafts_print_is_read() {
    for (printed, plain) in [
        (
            "UPN=OWNER;OBJECT=*;OBJECT=OBJECT=METHOD;VALUE=*",
            "UPN=OWNER;OBJECT=*;OBJECT=METHOD;VALUE=*",
        ),
        (
            "UPN=*;OBJECT=VCAR;OBJECT=CARID;VALUE=\"Users Default Access\";OBJECT=METHOD,VALUE=DELETE,MODIFY",
            "UPN=*;ACTION=DELETE,MODIFY;OBJECT=VCAR;OBJECT=CARID;VALUE=Users Default Access",
        ),
        (
            "UPN=*;ACTION=MODIFY;OBECT=PARTSTAT:VALUE=*;OBJECTS=ATTENDEE;VALUE=SELF;",
            "UPN=*;ACTION=MODIFY;OBJECT=PARTSTAT;VALUE=*;OBJECT=ATTENDEE;VALUE=SELF",
        ),
        ("UPN=@;ACTION=\"READ\"", "UPN=ANONYMOUS;ACTION=SEARCH"),
    ] {
        let read = |text| parse(Effect::Grant, text).unwrap();
        assert_eq!(read(printed), read(plain), "{printed}");
    }
}

#[test]
fn what_is_no_right_is_told_where() {
    for (text, expected) in [
        (
            "UPN",
            "the right at character 1: expected UPN=, ACTION=, OBJECT=, VALUE= or CARREF=",
        ),
        (
            "UPN=*;ACTION=EAT",
            "the right at character 7: expected an action",
        ),
        ("UPN=tom", "the right at character 1: expected a UPN"),
        ("UPN=tom@", "the right at character 1: expected a UPN"),
        ("UPN=tom@*", "the right at character 1: expected a UPN"),
        (
            "UPN=*;VALUE=x",
            "the right at character 7: expected an OBJECT before its VALUE",
        ),
        (
            "UPN=*;COLOUR=red",
            "the right at character 7: expected UPN=, ACTION=, OBJECT=, VALUE= or CARREF=",
        ),
    ] {
        let told = parse(Effect::Deny, text).unwrap_err().to_string();
        assert_eq!(told, expected, "{text}");
    }
}

#[test]
fn rules_cover_objects_with_values_and_properties() {
    use Effect::{Deny, Grant};
    let open = [(
        Grant,
        "UPN=*;ACTION=READ;OBJECT=VEVENT;OBJECT=CLASS;VALUE=PUBLIC",
    )];
    let times = [(
        Grant,
        "UPN=*;ACTION=READ;OBJECT=VEVENT;OBJECT=DTSTART,DTEND",
    )];
    let mine = [(Grant, "UPN=*;ACTION=READ;OBJECT=CATEGORIES;VALUE=WORK,TEAM")];
    let all_but = [
        (Grant, "UPN=*;ACTION=READ"),
        (Deny, "UPN=*;ACTION=READ;OBJECT=LOCATION"),
    ];
    let denied = [(Grant, "UPN=*"), (Deny, "UPN=*;OBJECT=VEVENT")];
    let todos = [(Grant, "UPN=*;ACTION=READ;OBJECT=VTODO,VJOURNAL")];
    let others = [(Grant, "UPN=*;ACTION=CREATE")];
    for (rules, lines, expected) in [
        (&open[..], "SUMMARY:x|", "all"),
        (&open, "CLASS:PUBLIC|", "all"),
        (&open, "CLASS:PRIVATE|", ""),
        (&times, "SUMMARY:x|", "DTSTART,DTEND"),
        (&mine, "CATEGORIES:TEAM|", "all"),
        (&mine, "CATEGORIES:HOME|", ""),
        (&all_but, "LOCATION:here|", "all but LOCATION"),
        (&denied, "", "none"),
        (&todos, "", ""),
        (&others, "", ""),
        (&[], "", ""),
    ] {
        assert_eq!(read(&set(rules), lines), expected, "{rules:?} {lines}");
    }
}

#[test]
fn messages_are_sent_by_their_action_or_as_what_is_created() {
    use Effect::Grant;
    let verdict = |text: &str, itip| {
        let set = set(&[(Grant, text)]);
        set.weigh(Act::Send(itip), Thing::any("VEVENT"), false)
            .granted
    };
    assert!(verdict("UPN=*;ACTION=REQUEST", Itip::Request));
    assert!(!verdict("UPN=*;ACTION=REQUEST", Itip::Publish));
    let as_created = "UPN=*;ACTION=CREATE;OBJECT=*;OBJECT=METHOD;VALUE=REQUEST";
    assert!(verdict(as_created, Itip::Request));
    assert!(!verdict(as_created, Itip::Cancel));
    assert!(!verdict("UPN=*;ACTION=CREATE;OBJECT=VEVENT", Itip::Request));
    assert!(verdict("UPN=*;ACTION=*", Itip::Counter));
}

#[test]
fn rights_of_rfc_4324_select_what_they_are_about() {
    let rules =
        |lines: &str| vright::rules(&component(&format!("BEGIN:VRIGHT|{lines}END:VRIGHT|")));
    let of = |lines: &str| RightSet {
        rules: rules(lines).unwrap(),
        addresses: vec!["tom@example.org".to_owned()],
    };
    let scoped =
        of("GRANT:*|PERMISSION:SEARCH|SCOPE:SELECT SUMMARY FROM VEVENT WHERE CLASS = 'PUBLIC'|");
    assert_eq!(read(&scoped, "CLASS:PUBLIC|"), "SUMMARY");
    assert_eq!(read(&scoped, "CLASS:PRIVATE|"), "");
    let everything = of("GRANT:CAL-OWNERS()|PERMISSION:*|SCOPE:SELECT * FROM VAGENDA|");
    assert_eq!(read(&everything, ""), "all");
    let asking = of(
        "GRANT:NOT CAL-OWNERS()|PERMISSION:CREATE|RESTRICTION:SELECT VEVENT FROM VAGENDA WHERE METHOD = 'REQUEST'|\
         RESTRICTION:SELECT VTODO FROM VAGENDA WHERE METHOD = 'REQUEST'|",
    );
    let send = |itip| {
        asking
            .weigh(Act::Send(itip), Thing::any("VEVENT"), false)
            .granted
    };
    assert!(send(Itip::Request));
    assert!(!send(Itip::Publish));
    let own =
        of("GRANT:*|PERMISSION:CREATE|RESTRICTION:SELECT * FROM VEVENT WHERE SELF() IN ATTENDEE|");
    let create = |lines: &str| {
        let event = event(lines);
        let thing = Thing {
            after: Some(&event),
            ..Thing::any("VEVENT")
        };
        own.weigh(Act::Create, thing, false).granted
    };
    assert!(create("ATTENDEE:mailto:tom@example.org|"));
    assert!(!create("ATTENDEE:mailto:anna@example.org|"));
    for unsound in [
        "GRANT:*|",
        "PERMISSION:SEARCH|",
        "GRANT:*|PERMISSION:EAT|",
        "GRANT:tom@*|PERMISSION:*|",
        "GRANT:*|PERMISSION:*|SCOPE:SELECT|",
    ] {
        assert!(rules(unsound).is_err(), "{unsound}");
    }
    let who = rules("DENY:*@example.org|DENY:@*|PERMISSION:*|").unwrap();
    assert_eq!(
        who[0].who,
        [Who::Named("example.org".to_owned()), Who::Anonymous]
    );
}

#[test]
fn opposite_rules_about_the_same_contradict() {
    let rule = |effect, text| parse(effect, text).unwrap();
    let decreed = rule(Effect::Deny, "UPN=*;ACTION=DELETE;OBJECT=VEVENT");
    for (text, expected) in [
        ("UPN=*;ACTION=DELETE", true),
        ("UPN=*", true),
        ("UPN=*;ACTION=READ", false),
        ("UPN=*;ACTION=DELETE;OBJECT=VTODO", false),
        ("UPN=OWNER;ACTION=DELETE", false),
    ] {
        let own = rule(Effect::Grant, text);
        assert_eq!(own.contradicts(&decreed), expected, "{text}");
    }
    assert!(!rule(Effect::Deny, "UPN=*").contradicts(&decreed));
}
