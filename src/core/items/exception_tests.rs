//! Instances changed alone: their form, their distances, what they may be beside their series.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::edit::{Edit, PropertyEdit};
use super::super::series::{Changed, Left, Make, Target, change};
use super::super::testing::*;
use super::*;

#[test]
fn one_instance_becomes_an_exception_in_the_form_of_its_series() {
    for (first, ids, recurrence_id, moved_start) in [
        (
            BERLIN,
            &["20260402T080000Z", "20260402T100000", "20260402"][..],
            "RECURRENCE-ID;TZID=Europe/Berlin:20260402T100000",
            "DTSTART;TZID=Europe/Berlin:20260402T100000",
        ),
        (
            UTC,
            &["20260402T090000Z", "20260402T090000"],
            "RECURRENCE-ID:20260402T090000Z",
            "DTSTART:20260402T090000Z",
        ),
        (
            FLOATING,
            &["20260402T100000", "20260402T080000Z"],
            "RECURRENCE-ID:20260402T100000",
            "DTSTART:20260402T100000",
        ),
        (
            DAY,
            &[
                "20260402",
                "20260402T000000",
                "20260402T000000Z",
                "20260401T220000Z",
            ],
            "RECURRENCE-ID;VALUE=DATE:20260402",
            "DTSTART;VALUE=DATE:20260402",
        ),
    ] {
        let series = event(first, "RRULE:FREQ=WEEKLY\nEXDATE:20260319T090000Z\nX-A:b");
        for id in ids {
            let made = stored(&series, &instance(id), &summary("new"));
            assert_eq!(made.components.len(), 2, "{first} {id}");
            assert_eq!(made.components[0], series.components[0]);
            let exception = &made.components[1];
            assert_eq!(line(exception, "RECURRENCE-ID"), [recurrence_id], "{id}");
            assert_eq!(line(exception, "DTSTART"), [moved_start]);
            assert_eq!(line(exception, "SUMMARY"), ["SUMMARY:new"]);
            assert_eq!(line(exception, "X-A"), ["X-A:b"]);
            for name in RULE_NAMES {
                assert!(exception.property(name).is_none());
            }
            let again = stored(&made, &instance(id), &summary("newer"));
            assert_eq!(
                again.components.len(),
                2,
                "the exception is changed, not added"
            );
            assert_eq!(again.components[1].value("SUMMARY"), Some("newer"));
        }
        for no in ["20260403T080000Z", "20260226T080000Z", "20260403"] {
            let found = changed(&series, &instance(no), &summary("new"));
            assert!(
                matches!(found, Err(EditError::NoSuchInstance(_))),
                "{first} {no} {found:?}"
            );
            assert!(matches!(
                left(&series, &instance(no)),
                Err(EditError::NoSuchInstance(_))
            ));
        }
    }
}

#[test]
fn an_exception_keeps_distances() {
    let series = object(
        "BEGIN:VEVENT
        UID:u
        DTSTART;TZID=Europe/Berlin:20260305T100000
        DTEND;TZID=America/New_York:20260305T060000
        RRULE:FREQ=WEEKLY
        BEGIN:VALARM
        ACTION:DISPLAY
        TRIGGER;VALUE=DATE-TIME:20260305T080000Z
        END:VALARM
        END:VEVENT",
    );
    let made = stored(&series, &instance("20260312T090000Z"), &summary("new"));
    let exception = &made.components[1];
    // Two hours later, though New York has put its clocks forward on March 8.
    assert_eq!(
        line(exception, "DTEND"),
        ["DTEND;TZID=America/New_York:20260312T070000"]
    );
    let alarm = exception.components().next().unwrap();
    assert_eq!(alarm.value("TRIGGER"), Some("20260312T080000Z"));

    let days = object(
        "BEGIN:VTODO\nUID:u\nDTSTART;VALUE=DATE:20260327\nDUE;VALUE=DATE:20260330\n\
         RRULE:FREQ=YEARLY\nEND:VTODO",
    );
    let made = stored(&days, &instance("20270327"), &summary("new"));
    assert_eq!(
        line(&made.components[1], "DUE"),
        ["DUE;VALUE=DATE:20270330"]
    );
}

#[test]
fn one_instance_has_no_rules() {
    let series = event(BERLIN, "RRULE:FREQ=WEEKLY");
    let found = changed(&series, &instance("20260312T090000Z"), &rule("FREQ=DAILY"));
    assert!(matches!(found, Err(EditError::Value(_))));
    let cleared = changed(&series, &instance("20260312T090000Z"), &rule("")).unwrap();
    assert_eq!(cleared, Changed::Nothing);
}

#[test]
fn an_instance_stays_between_its_neighbours() {
    let series = event(BERLIN, "RRULE:FREQ=DAILY");
    let wednesday = instance("20260311T090000Z");
    let moved = |to: &str| changed(&series, &wednesday, &start(to));
    assert!(matches!(
        moved("20260312T093000Z"),
        Err(EditError::PastNeighbour(_))
    ));
    assert!(matches!(
        moved("20260310T083000Z"),
        Err(EditError::PastNeighbour(_))
    ));
    assert!(matches!(
        moved("20260312T083000Z"),
        Err(EditError::SameDay(_))
    ));
    assert!(matches!(
        moved("20260312T090000Z"),
        Err(EditError::SameDay(_))
    ));
    assert!(matches!(
        moved("20260310T093000Z"),
        Err(EditError::SameDay(_))
    ));
    assert!(matches!(
        moved("20260311T180000Z"),
        Ok(Changed::Object { .. })
    ));
    let hourly = event(BERLIN, "RRULE:FREQ=HOURLY;INTERVAL=4");
    let found = changed(
        &hourly,
        &instance("20260305T130000Z"),
        &start("20260305T140000Z"),
    );
    assert!(
        matches!(found, Ok(Changed::Object { .. })),
        "the rule itself gives several a day"
    );
}

#[test]
fn privacy_is_that_of_the_series() {
    let series = with_history();
    let class = |value: &str| Edit {
        properties: vec![PropertyEdit::Set(Property::new("CLASS", value))],
        ..Edit::default()
    };
    let moved = instance("20260326T090000Z");
    assert_eq!(
        changed(&series, &moved, &class("PRIVATE")),
        Err(EditError::Privacy("CLASS"))
    );
    assert_eq!(
        changed(&series, &moved, &class("PUBLIC")),
        Ok(Changed::Nothing)
    );
    let private = stored(&series, &Target::Whole, &class("PRIVATE"));
    for component in &private.components {
        assert_eq!(component.value("CLASS"), Some("PRIVATE"));
    }
    assert_eq!(
        changed(&private, &moved, &class("PRIVATE")),
        Ok(Changed::Nothing)
    );
    assert_eq!(
        changed(&private, &moved, &class("PUBLIC")),
        Err(EditError::Privacy("CLASS"))
    );
}

#[test]
fn instances_without_their_series_are_changed_alone() {
    let lone = object(
        "BEGIN:VEVENT
        UID:u
        RECURRENCE-ID:20260326T090000Z
        DTSTART:20260327T090000Z
        SUMMARY:old
        END:VEVENT",
    );
    for target in [Target::Whole, instance("20260326T090000Z")] {
        let made = stored(&lone, &target, &summary("new"));
        assert_eq!(made.components[0].value("SUMMARY"), Some("new"));
    }
    assert_eq!(
        left(&lone, &instance("20260326T090000Z")).unwrap(),
        Left::Nothing
    );
    assert!(changed(&lone, &instance("20260327T090000Z"), &summary("new")).is_err());
}

#[test]
fn exceptions_are_bounded() {
    let series = event(BERLIN, "RRULE:FREQ=DAILY");
    let mut around = Surroundings::new();
    around.limits.overrides = 1;
    let edit = summary("new");
    let make: Make<'_> = &|component, ctx| edit.apply(component, ctx);
    let first = change(
        &series,
        &instance("20260306T090000Z"),
        make,
        &around.world(),
    )
    .unwrap();
    let Changed::Object { object, .. } = first else {
        panic!("expected an object")
    };
    let second = change(
        &object,
        &instance("20260307T090000Z"),
        make,
        &around.world(),
    );
    assert!(matches!(second, Err(EditError::Value(_))));
}
