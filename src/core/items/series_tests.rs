//! Series as a whole: what stays and what goes when they change, what deletions leave.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::edit::{Change, Edit};
use super::super::rules::{RULE_NAMES, RulesEdit};
use super::super::testing::*;
use super::super::times::{End, KeepIn, TimesEdit};
use super::*;

#[test]
fn what_says_nothing_new_changes_nothing() {
    let series = event(BERLIN, "RRULE:FREQ=WEEKLY;COUNT=5");
    for target in [
        Target::Whole,
        instance("20260312T090000Z"),
        Target::Following(at("20260312T090000Z")),
        Target::Preceding(at("20260312T090000Z")),
    ] {
        for edit in [summary("old"), Edit::default()] {
            assert_eq!(
                changed(&series, &target, &edit).unwrap(),
                Changed::Nothing,
                "{target:?}"
            );
        }
    }
    let same_time = start("20260312T090000Z");
    let found = changed(&series, &instance("20260312T090000Z"), &same_time).unwrap();
    assert_eq!(found, Changed::Nothing);
}

#[test]
fn changes_of_a_series_keep_exceptions_and_deletions() {
    let series = with_history();
    let made = stored(&series, &Target::Whole, &summary("new"));
    assert_eq!(
        instances(&made),
        [
            "20260305T090000Z new",
            "20260312T090000Z new",
            "20260327T090000Z moved",
            "20260402T080000Z new",
            "20260409T080000Z new",
        ]
    );
    let end = Change::Set(End::At(at("20260305T103000Z")));
    let times = TimesEdit {
        end,
        keep_in: KeepIn::Item,
        ..TimesEdit::default()
    };
    let longer = stored(
        &series,
        &Target::Whole,
        &Edit {
            times,
            ..Edit::default()
        },
    );
    assert_eq!(
        longer.components.len(),
        2,
        "a new end alone is no new series"
    );
    assert_eq!(longer.components[0].value("DTEND"), Some("20260305T113000"));
}

#[test]
fn a_new_start_or_rule_makes_the_series_anew() {
    let series = with_history();
    let longer = stored(&series, &Target::Whole, &rule("FREQ=WEEKLY;COUNT=7"));
    assert_eq!(
        instances(&longer),
        [
            "20260305T090000Z old",
            "20260312T090000Z old",
            "20260326T090000Z old",
            "20260402T080000Z old",
            "20260409T080000Z old",
            "20260416T080000Z old",
        ],
        "the exception goes, the deletion stays"
    );
    let early_end = changed(&series, &Target::Whole, &start("20260306T093000Z"));
    assert!(
        matches!(early_end, Err(EditError::Value(_))),
        "the end stays where it was"
    );
    let later = moved_to("20260306T093000Z", "20260306T103000Z");
    let later = stored(&series, &Target::Whole, &later);
    assert_eq!(later.components.len(), 1);
    assert!(
        later.components[0].property("EXDATE").is_none(),
        "no deletion meets an instance now"
    );
    assert_eq!(instances(&later).len(), 6);
    let single = stored(&series, &Target::Whole, &rule(""));
    assert_eq!(instances(&single), ["20260305T090000Z old"]);
    for name in RULE_NAMES {
        assert!(single.components[0].property(name).is_none(), "{name}");
    }
}

#[test]
fn dates_added_and_taken_away_keep_the_other_exceptions() {
    let series = with_history();
    let dates = |rdates: &[&str], exdates: Option<&[&str]>| {
        let rdates = rdates
            .iter()
            .map(|d| value::RecurrenceDate::Start(at(d)))
            .collect();
        let exdates = exdates.map(|dates| dates.iter().map(|d| at(d)).collect());
        let rules = RulesEdit {
            rdates: Some(rdates),
            exdates,
            ..RulesEdit::default()
        };
        Edit {
            rules,
            ..Edit::default()
        }
    };
    let more = stored(&series, &Target::Whole, &dates(&["20260701T080000Z"], None));
    assert_eq!(instances(&more).len(), 6);
    assert_eq!(
        line(&more.components[0], "RDATE"),
        ["RDATE;TZID=Europe/Berlin:20260701T100000"]
    );
    let with_exception = stored(&more, &instance("20260701T080000Z"), &summary("extra"));
    assert_eq!(with_exception.components.len(), 3);
    let fewer = stored(&with_exception, &Target::Whole, &dates(&[], None));
    assert_eq!(
        fewer.components.len(),
        2,
        "the exception goes with its date"
    );
    let excluded = stored(
        &series,
        &Target::Whole,
        &dates(&[], Some(&["20260326T090000Z", "20260312T090000Z"])),
    );
    assert_eq!(excluded.components.len(), 1);
    assert_eq!(
        instances(&excluded),
        [
            "20260305T090000Z old",
            "20260319T090000Z old",
            "20260402T080000Z old",
            "20260409T080000Z old"
        ],
        "a given list takes the place of the stored one"
    );
    let nothing = dates(&[], Some(&["20260305T090000Z"]));
    let single = event(BERLIN, "");
    let found = changed(&single, &Target::Whole, &nothing).unwrap();
    assert_eq!(
        found,
        Changed::Nothing,
        "without rules there is nothing to exclude from"
    );
    let first_of_one = stored(&single, &Target::Whole, &rule("FREQ=DAILY;COUNT=1"));
    let rules = RulesEdit {
        exdates: Some(vec![at("20260305T090000Z")]),
        ..RulesEdit::default()
    };
    let found = changed(
        &first_of_one,
        &Target::Whole,
        &Edit {
            rules,
            ..Edit::default()
        },
    );
    assert!(
        matches!(found, Err(EditError::Value(_))),
        "no instance would be left: {found:?}"
    );
}

#[test]
fn a_start_that_does_not_fit_can_move() {
    let single = event(BERLIN, "");
    let around = Surroundings::new();
    let edit = rule("FREQ=WEEKLY;BYDAY=MO;COUNT=2");
    let make: Make<'_> = &|component, ctx| edit.apply(component, ctx);
    let world = World {
        drop_unfit_start: true,
        ..around.world()
    };
    let Changed::Object { object, .. } = change(&single, &Target::Whole, make, &world).unwrap()
    else {
        panic!("expected an object");
    };
    assert_eq!(
        instances(&object),
        ["20260309T090000Z old", "20260316T090000Z old"]
    );
    let kept = stored(&single, &Target::Whole, &edit);
    assert_eq!(
        instances(&kept),
        ["20260305T090000Z old", "20260309T090000Z old"]
    );
}

#[test]
fn deleted_instances_stay_deleted() {
    let series = with_history();
    let fewer = kept(&series, &instance("20260312T090000Z"));
    assert_eq!(
        line(&fewer.components[0], "EXDATE"),
        ["EXDATE;TZID=Europe/Berlin:20260312T100000,20260319T100000"]
    );
    let Left::Object {
        object: fewer,
        gone,
    } = left(&fewer, &instance("20260326T090000Z")).unwrap()
    else {
        panic!("expected a series");
    };
    assert_eq!(gone[0].value("SUMMARY"), Some("moved"));
    assert_eq!(fewer.components.len(), 1, "the exception goes");
    let again = left(&fewer, &instance("20260326T090000Z"));
    assert!(matches!(again, Err(EditError::NoSuchInstance(_))));
    let stored_later = stored(&fewer, &Target::Whole, &summary("new"));
    assert_eq!(
        instances(&stored_later),
        [
            "20260305T090000Z new",
            "20260402T080000Z new",
            "20260409T080000Z new"
        ]
    );
    assert!(matches!(
        changed(&fewer, &instance("20260312T090000Z"), &summary("back")),
        Err(EditError::NoSuchInstance(_))
    ));
}

#[test]
fn an_object_goes_with_its_last_instance() {
    let two = event(BERLIN, "RRULE:FREQ=DAILY;COUNT=2");
    let one = kept(&two, &instance("20260305T090000Z"));
    assert_eq!(
        left(&one, &instance("20260306T090000Z")).unwrap(),
        Left::Nothing
    );
    let single = event(UTC, "");
    assert_eq!(left(&single, &Target::Whole).unwrap(), Left::Nothing);
    assert_eq!(
        left(&single, &instance("20260305T090000Z")).unwrap(),
        Left::Nothing
    );
    assert!(left(&single, &instance("20260306T090000Z")).is_err());
}
