//! Changes of properties, alarms and attendees: what is made, and what says nothing new.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::attendees::AttendeeEdit;
use super::*;
use crate::ical::object::Kind;
use crate::ical::zone::{Zone, Zones};
use crate::limits::Limits;

fn event(lines: &[&str]) -> Component {
    let mut made = Component::new("VEVENT").with(Property::new("DTSTART", "20260305T090000Z"));
    for line in lines {
        made.push(Property::from_line(*line).unwrap());
    }
    made
}

fn applied(component: &Component, edit: &Edit, creating: bool) -> Result<Component, EditError> {
    let ctx = Context {
        kind: Kind::Event,
        zones: &Zones::default(),
        floating: &Zone::named("Europe/Berlin").unwrap(),
        limits: &Limits {
            attendees: 2,
            ..Limits::default()
        },
        creating,
    };
    edit.apply(component, &ctx)
}

fn properties(edits: Vec<PropertyEdit>) -> Edit {
    Edit {
        properties: edits,
        ..Edit::default()
    }
}

fn lines(component: &Component) -> Vec<&str> {
    component
        .properties()
        .skip(1)
        .map(Property::as_line)
        .collect()
}

fn property(line: &str) -> Property {
    Property::from_line(line).unwrap()
}

#[test]
fn properties_are_set_cleared_replaced_and_appended() {
    let stored = event(&["SUMMARY:old", "CATEGORIES:a,b", "CATEGORIES:c", "X-A:1"]);
    for (edit, expected) in [
        (
            PropertyEdit::Set(property("SUMMARY:new")),
            &["SUMMARY:new", "CATEGORIES:a,b", "CATEGORIES:c", "X-A:1"][..],
        ),
        (
            PropertyEdit::Set(property("LOCATION:here")),
            &[
                "SUMMARY:old",
                "CATEGORIES:a,b",
                "CATEGORIES:c",
                "X-A:1",
                "LOCATION:here",
            ],
        ),
        (
            PropertyEdit::Clear("categories".into()),
            &["SUMMARY:old", "X-A:1"],
        ),
        (
            PropertyEdit::Replace("CATEGORIES".into(), vec![property("CATEGORIES:x,y")]),
            &["SUMMARY:old", "CATEGORIES:x,y", "X-A:1"],
        ),
        (
            PropertyEdit::Replace("CATEGORIES".into(), vec![]),
            &["SUMMARY:old", "X-A:1"],
        ),
        (
            PropertyEdit::Append(property("CATEGORIES:b,d,d")),
            &[
                "SUMMARY:old",
                "CATEGORIES:a,b",
                "CATEGORIES:c",
                "X-A:1",
                "CATEGORIES:d",
            ],
        ),
        (
            PropertyEdit::Append(property("CONTACT:me")),
            &[
                "SUMMARY:old",
                "CATEGORIES:a,b",
                "CATEGORIES:c",
                "X-A:1",
                "CONTACT:me",
            ],
        ),
        (
            PropertyEdit::Replace(
                "CONTACT".into(),
                vec![property("CONTACT:a"), property("CONTACT:b")],
            ),
            &[
                "SUMMARY:old",
                "CATEGORIES:a,b",
                "CATEGORIES:c",
                "X-A:1",
                "CONTACT:a",
                "CONTACT:b",
            ],
        ),
    ] {
        let made = applied(&stored, &properties(vec![edit.clone()]), false).unwrap();
        assert_eq!(lines(&made), expected, "{edit:?}");
    }
}

#[test]
fn what_says_nothing_new_changes_no_byte() {
    let stored = event(&[
        "summary:a, b",
        "CATEGORIES:a,b",
        "CATEGORIES:c",
        "CONTACT:me",
        "PRIORITY:05",
    ]);
    for edit in [
        PropertyEdit::Set(property("SUMMARY:a\\, b")),
        PropertyEdit::Set(property("CLASS:PUBLIC")),
        PropertyEdit::Set(property("STATUS:CONFIRMED")),
        PropertyEdit::Set(property("PRIORITY:5")),
        PropertyEdit::Set(property("DESCRIPTION:")),
        PropertyEdit::Clear("DESCRIPTION".into()),
        PropertyEdit::Replace("CATEGORIES".into(), vec![property("CATEGORIES:c,a,b")]),
        PropertyEdit::Append(property("CATEGORIES:c")),
        PropertyEdit::Append(property("CONTACT:me")),
        PropertyEdit::Replace("RESOURCES".into(), vec![]),
    ] {
        let made = applied(&stored, &properties(vec![edit.clone()]), false).unwrap();
        assert_eq!(made, stored, "{edit:?}");
    }
    let created = properties(vec![PropertyEdit::Set(property("CLASS:PUBLIC"))]);
    let made = applied(&event(&[]), &created, true).unwrap();
    assert_eq!(lines(&made), ["CLASS:PUBLIC"], "a new item says it");
}

fn trigger(text: &str) -> Change<Trigger> {
    Change::Set(value::trigger(&Property::new("TRIGGER", text)).unwrap())
}

fn mail(to: &[&str], when: Change<Trigger>) -> Edit {
    let addresses = Some(to.iter().map(|a| (*a).to_owned()).collect());
    let alarm = AlarmEdit {
        trigger: when,
        addresses,
        ..AlarmEdit::new("EMAIL")
    };
    Edit {
        alarms: vec![alarm],
        ..Edit::default()
    }
}

fn alarms(component: &Component) -> Vec<Vec<&str>> {
    let alarms = component.components();
    alarms
        .map(|alarm| alarm.properties().map(Property::as_line).collect())
        .collect()
}

#[test]
fn alarms_of_an_action_are_set_and_cleared() {
    let stored = event(&["SUMMARY:dinner"]);
    let made = applied(&stored, &mail(&["a@x", "b@x"], trigger("-PT15M")), false).unwrap();
    let whole = vec![
        "ACTION:EMAIL",
        "TRIGGER:-PT15M",
        "DESCRIPTION:This is the alarm description",
        "SUMMARY:dinner",
        "ATTENDEE:mailto:a@x",
        "ATTENDEE:mailto:b@x",
    ];
    assert_eq!(alarms(&made), std::slice::from_ref(&whole));
    for same in [
        mail(&["a@x", "b@x"], trigger("-PT0H15M")),
        mail(&["a@x", "b@x"], trigger("20260305T084500Z")),
        mail(&[], Change::Keep),
        mail(&[], trigger("-PT15M")),
    ] {
        assert_eq!(applied(&made, &same, false).unwrap(), made, "{same:?}");
    }
    let later = applied(&made, &mail(&["c@x"], trigger("-PT5M")), false).unwrap();
    assert_eq!(alarms(&later)[0][1], "TRIGGER:-PT5M");
    assert_eq!(alarms(&later)[0].last(), Some(&"ATTENDEE:mailto:c@x"));
    let mut appended = mail(&["b@x", "c@x"], Change::Keep);
    appended.alarms[0].append = true;
    assert_eq!(
        alarms(&applied(&made, &appended, false).unwrap())[0].len(),
        7
    );
    let popup = AlarmEdit {
        trigger: trigger("-PT1H"),
        ..AlarmEdit::new("DISPLAY")
    };
    let both = applied(
        &made,
        &Edit {
            alarms: vec![popup],
            ..Edit::default()
        },
        false,
    )
    .unwrap();
    assert_eq!(alarms(&both).len(), 2);
    let none = applied(&both, &mail(&[], Change::Clear), false).unwrap();
    assert_eq!(alarms(&none).len(), 1);
    assert_eq!(alarms(&none)[0][0], "ACTION:DISPLAY");
    let nothing = applied(&stored, &mail(&[], Change::Clear), false).unwrap();
    assert_eq!(nothing, stored);
}

#[test]
fn an_email_alarm_needs_an_address() {
    let stored = event(&[]);
    let found = applied(&stored, &mail(&[], trigger("-PT15M")), false);
    assert!(matches!(found, Err(EditError::Value(_))));
    let mut edit = mail(&[], trigger("-PT15M"));
    edit.alarms[0].fallback = vec!["me@x".into()];
    let made = applied(&stored, &edit, false).unwrap();
    assert_eq!(alarms(&made)[0].last(), Some(&"ATTENDEE:mailto:me@x"));
}

#[test]
fn an_alarm_that_counts_from_the_end_stays_one() {
    let mut stored = event(&[]);
    stored.push_component(
        Component::new("VALARM")
            .with(property("TRIGGER;RELATED=END:-PT15M"))
            .with(property("ACTION:EMAIL"))
            .with(property("DESCRIPTION:d"))
            .with(property("SUMMARY:s"))
            .with(property("ATTENDEE:mailto:a@x")),
    );
    let same = mail(&["a@x"], trigger("-PT15M"));
    assert_eq!(applied(&stored, &same, false).unwrap(), stored);
}

#[test]
fn attendees_are_bounded() {
    let entries = |n: usize| Edit {
        attendees: Some(AttendeesEdit {
            replace: true,
            entries: (0..n)
                .map(|n| AttendeeEdit {
                    address: format!("mailto:{n}@x"),
                    params: vec![],
                    remove: false,
                })
                .collect(),
        }),
        ..Edit::default()
    };
    assert!(applied(&event(&[]), &entries(2), true).is_ok());
    assert!(matches!(
        applied(&event(&[]), &entries(3), true),
        Err(EditError::Value(_))
    ));
}
