//! Rules and dates: given in any form, kept in that of the start.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ical::object::Kind;
use crate::ical::value::parse_date_time;
use crate::ical::zone::{Zone, Zones};
use crate::limits::Limits;

fn applied(lines: &[&str], edit: &RulesEdit) -> Result<Vec<String>, EditError> {
    let mut made = Component::new("VEVENT");
    for line in lines {
        made.push(Property::from_line(*line).unwrap());
    }
    let ctx = Context {
        kind: Kind::Event,
        zones: &Zones::default(),
        floating: &Zone::named("Europe/Berlin").unwrap(),
        limits: &Limits::default(),
        creating: false,
    };
    edit.apply(&mut made, &ctx)?;
    let rest = made.properties().filter(|p| !p.is("DTSTART"));
    Ok(rest.map(|p| p.as_line().to_owned()).collect())
}

fn rrule(text: &str) -> RulesEdit {
    RulesEdit {
        rrules: Some(vec![Rule::parse(text).unwrap()]),
        ..RulesEdit::default()
    }
}

fn at(text: &str) -> DateTime {
    parse_date_time(text, None).unwrap()
}

fn dates(rdates: &[&str], exdates: &[&str]) -> RulesEdit {
    RulesEdit {
        rdates: Some(
            rdates
                .iter()
                .map(|d| RecurrenceDate::Start(at(d)))
                .collect(),
        ),
        exdates: Some(exdates.iter().map(|d| at(d)).collect()),
        ..RulesEdit::default()
    }
}

const BERLIN: &str = "DTSTART;TZID=Europe/Berlin:20260305T100000";
const UTC: &str = "DTSTART:20260305T090000Z";
const FLOATING: &str = "DTSTART:20260305T100000";
const DAY: &str = "DTSTART;VALUE=DATE:20260305";

#[test]
fn until_takes_the_form_that_goes_with_the_start() {
    for (start, until, expected) in [
        (BERLIN, "20260402T080000Z", "20260402T080000Z"),
        (BERLIN, "20260402T100000", "20260402T080000Z"),
        (BERLIN, "20260402", "20260402T215959Z"),
        (UTC, "20260402", "20260402T235959Z"),
        (UTC, "20260402T100000", "20260402T080000Z"),
        (FLOATING, "20260402T080000Z", "20260402T100000"),
        (FLOATING, "20260402", "20260402T235959"),
        (DAY, "20260402", "20260402"),
        (DAY, "20260402T100000", "20260402"),
        (DAY, "20260402T000000Z", "20260402"),
        (DAY, "20260401T220000Z", "20260402"),
    ] {
        let edit = rrule(&format!("FREQ=WEEKLY;UNTIL={until}"));
        let made = applied(&[start], &edit).unwrap();
        assert_eq!(
            made,
            [format!("RRULE:FREQ=WEEKLY;UNTIL={expected}")],
            "{start} {until}"
        );
    }
}

#[test]
fn dates_take_the_form_of_the_start() {
    for (start, rdate, exdate, expected) in [
        (
            BERLIN,
            "20260402T080000Z",
            "20260312T090000Z",
            [
                "RDATE;TZID=Europe/Berlin:20260402T100000",
                "EXDATE;TZID=Europe/Berlin:20260312T100000",
            ],
        ),
        (
            BERLIN,
            "20260402T100000",
            "20260312T100000",
            [
                "RDATE;TZID=Europe/Berlin:20260402T100000",
                "EXDATE;TZID=Europe/Berlin:20260312T100000",
            ],
        ),
        (
            UTC,
            "20260402T080000Z",
            "20260312T090000Z",
            ["RDATE:20260402T080000Z", "EXDATE:20260312T090000Z"],
        ),
        (
            DAY,
            "20260402T000000",
            "20260312",
            ["RDATE;VALUE=DATE:20260402", "EXDATE;VALUE=DATE:20260312"],
        ),
    ] {
        let made = applied(&[start], &dates(&[rdate], &[exdate])).unwrap();
        assert_eq!(made, expected, "{start}");
    }
}

#[test]
fn the_same_rules_in_other_words_stay() {
    for (stored, edit) in [
        (
            &["RRULE:BYDAY=TU,MO;FREQ=WEEKLY"][..],
            rrule("FREQ=WEEKLY;BYDAY=MO,TU;INTERVAL=1"),
        ),
        (
            &["RRULE:FREQ=WEEKLY;UNTIL=20260402"],
            rrule("FREQ=WEEKLY;UNTIL=20260402T215959Z"),
        ),
        (
            &[
                "RRULE:FREQ=DAILY",
                "EXDATE:20260312T090000Z,20260310T090000Z",
                "EXDATE;TZID=Europe/Berlin:20260313T100000",
            ],
            dates(
                &[],
                &["20260310T090000Z", "20260312T090000Z", "20260313T090000Z"],
            ),
        ),
        (
            &["RDATE;VALUE=PERIOD:20260402T080000Z/PT3H"],
            dates(&["20260402T080000Z"], &[]),
        ),
        (&[], dates(&[], &[])),
    ] {
        let lines: Vec<_> = [BERLIN].iter().chain(stored).copied().collect();
        assert_eq!(applied(&lines, &edit).unwrap(), stored);
    }
}

#[test]
fn given_lists_take_the_place_of_stored_ones() {
    let stored = [
        BERLIN,
        "RRULE:FREQ=DAILY",
        "EXRULE:FREQ=WEEKLY",
        "EXDATE:20260310T090000Z",
    ];
    let made = applied(&stored, &rrule("FREQ=DAILY;COUNT=3")).unwrap();
    assert_eq!(
        made,
        [
            "EXRULE:FREQ=WEEKLY",
            "EXDATE:20260310T090000Z",
            "RRULE:FREQ=DAILY;COUNT=3"
        ]
    );
    let none = RulesEdit {
        rrules: Some(vec![]),
        ..RulesEdit::default()
    };
    assert!(
        applied(&stored, &none).unwrap().is_empty(),
        "without a rule there are no deletions"
    );
    let no_exrule = RulesEdit {
        exrules: Some(vec![]),
        ..RulesEdit::default()
    };
    assert_eq!(
        applied(&stored, &no_exrule).unwrap(),
        ["RRULE:FREQ=DAILY", "EXDATE:20260310T090000Z"]
    );
}

#[test]
fn senseless_rules_are_refused() {
    for (stored, edit) in [
        (
            &[BERLIN][..],
            rrule("FREQ=DAILY;COUNT=2;UNTIL=20260402T000000Z"),
        ),
        (&[], rrule("FREQ=DAILY")),
        (&[], dates(&["20260402T080000Z"], &[])),
    ] {
        assert!(
            matches!(applied(stored, &edit), Err(EditError::Value(_))),
            "{edit:?}"
        );
    }
    let cleared = RulesEdit {
        rrules: Some(vec![]),
        rdates: Some(vec![]),
        exrules: Some(vec![]),
        exdates: Some(vec![]),
    };
    assert!(applied(&[], &cleared).unwrap().is_empty());
}
