//! Tests of recurrence rules as text (RFC 5545 section 3.3.10).

#![expect(clippy::unwrap_used, reason = "tests")]

use jiff::civil::{Weekday, date};
use proptest::prelude::*;

use super::*;
use crate::ical::datetime::Timestamp;

#[test]
fn every_part_is_read_in_any_order_and_case() {
    let rule = Rule::parse(
        "wkst=su;BYSETPOS=-1,2;BYMONTH=1,12;BYWEEKNO=-53,20;BYYEARDAY=366,-1;BYMONTHDAY=-31,+15;\
         byday=mo,TU;BYHOUR=0,23;BYMINUTE=59;BYSECOND=60;Interval=2;X-MS=a;count=7;freq=yearly;",
    )
    .unwrap();
    assert_eq!(
        rule.to_string(),
        "FREQ=YEARLY;COUNT=7;INTERVAL=2;BYSECOND=60;BYMINUTE=59;BYHOUR=0,23;BYDAY=MO,TU;\
         BYMONTHDAY=-31,15;BYYEARDAY=366,-1;BYWEEKNO=-53,20;BYMONTH=1,12;BYSETPOS=-1,2;WKST=SU;X-MS=a"
    );
    assert_eq!(rule.week_start, Weekday::Sunday);
}

#[test]
fn ordinals_reach_the_ends_of_their_range() {
    let monthly = Rule::parse("FREQ=MONTHLY;BYDAY=-5MO,+1FR").unwrap();
    assert_eq!(monthly.by_day[0].ordinal, -5);
    assert_eq!(monthly.by_day[1].ordinal, 1);
    let yearly = Rule::parse("FREQ=YEARLY;BYDAY=-53FR,53SU").unwrap();
    assert_eq!(yearly.by_day[0].ordinal, -53);
    assert!(Rule::parse("FREQ=YEARLY;BYDAY=54SU").is_err());
    assert!(Rule::parse("FREQ=YEARLY;BYDAY=0SU").is_err());
}

#[test]
fn until_is_a_date_a_floating_or_a_utc_time() {
    let until = |text: &str| Rule::parse(text).unwrap().until.unwrap();
    let day = date(2007, 12, 31);
    assert_eq!(until("FREQ=DAILY;UNTIL=20071231"), DateTime::Date(day));
    assert_eq!(
        until("FREQ=DAILY;UNTIL=20071231T235960"),
        DateTime::Floating(day.at(23, 59, 59, 0))
    );
    assert_eq!(
        until("FREQ=DAILY;UNTIL=20071231t000000z"),
        DateTime::Utc(Timestamp::from_civil_utc(day.at(0, 0, 0, 0)))
    );
}

#[test]
fn errors_are_sentences() {
    for (text, message) in [
        ("", "expected FREQ in a recurrence rule, found none"),
        ("COUNT=3", "expected FREQ in a recurrence rule, found none"),
        (
            "FREQ=OFTEN",
            "expected FREQ to be SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY, found 'OFTEN'",
        ),
        (
            "FREQ=DAILY;INTERVAL=0",
            "expected INTERVAL to be a whole number from 1, found '0'",
        ),
        (
            "FREQ=DAILY;COUNT=-2",
            "expected COUNT to be a whole number from 1, found '-2'",
        ),
        (
            "FREQ=DAILY;BYMONTH=0",
            "expected BYMONTH to be 1 to 12, found '0'",
        ),
        (
            "FREQ=DAILY;BYHOUR=24",
            "expected BYHOUR to be 0 to 23, found '24'",
        ),
        (
            "FREQ=DAILY;BYSETPOS=367",
            "expected BYSETPOS to be 1 to 366 or -1 to -366, found '367'",
        ),
        (
            "FREQ=DAILY;UNTIL=20071301",
            "expected UNTIL to be a date or a date and time such as 20071231T235959Z, found '20071301'",
        ),
        (
            "FREQ=DAILY;UNTIL=20071201T1",
            "expected UNTIL to be a date or a date and time such as 20071231T235959Z, found '20071201T1'",
        ),
        (
            "FREQ=DAILY;BYDAY=XX",
            "expected BYDAY to be weekdays such as MO or -1FR, ordinals up to 53, found 'XX'",
        ),
        (
            "FREQ=DAILY;WKST=1MO",
            "expected WKST to be a weekday such as MO, found '1MO'",
        ),
        (
            "FREQ=DAILY;BYEASTER=1",
            "expected a part of a recurrence rule such as BYDAY, found 'BYEASTER'",
        ),
        (
            "FREQ=DAILY;2",
            "expected rule parts written NAME=value, found '2'",
        ),
        (
            "FREQ=DAILY;COUNT=2;COUNT=3",
            "expected each rule part once, found COUNT again",
        ),
    ] {
        assert_eq!(
            Rule::parse(text).unwrap_err().to_string(),
            message,
            "{text}"
        );
    }
    assert!(Rule::parse("FREQ=DAILY;BYDAY=\u{e9}\u{e9}").is_err());
}

#[test]
fn leniency_is_reported() {
    let warnings = |text: &str| Rule::parse_reporting(text).unwrap().1;
    assert_eq!(warnings("FREQ=DAILY;BYDAY=MO;"), []);
    assert_eq!(
        warnings("FREQ=DAILY;COUNT=3;UNTIL=20070101"),
        [RuleWarning::TwoEnds]
    );
    assert_eq!(
        Rule::parse_strict("FREQ=DAILY;COUNT=3;UNTIL=20070101"),
        Err(RuleError::TwoEnds)
    );
    assert_eq!(warnings("FREQ=WEEKLY;BYDAY=1MO"), [RuleWarning::Ordinal]);
    assert_eq!(
        Rule::parse("FREQ=WEEKLY;BYDAY=1MO,2MO")
            .unwrap()
            .to_string(),
        "FREQ=WEEKLY;BYDAY=MO"
    );
    assert_eq!(
        warnings("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO"),
        [RuleWarning::Ordinal]
    );
    assert_eq!(
        warnings("FREQ=DAILY;BYSETPOS=1"),
        [RuleWarning::LonePosition]
    );
    assert_eq!(
        warnings("FREQ=WEEKLY;BYMONTHDAY=1"),
        [RuleWarning::Misplaced("BYMONTHDAY")]
    );
    assert_eq!(warnings("FREQ=DAILY;UNTIL="), [RuleWarning::Empty]);
    assert_eq!(warnings("FREQ=DAILY;COUNT=-1"), [RuleWarning::NoCount]);
    assert_eq!(
        warnings("FREQ=DAILY;COUNT=2;count=2"),
        [RuleWarning::Repeated("COUNT")]
    );
    assert_eq!(
        Rule::parse("FREQ=DAILY;COUNT=99999999999999999999")
            .unwrap()
            .count,
        Some(1 << 31)
    );
}

fn weekday() -> impl Strategy<Value = Weekday> {
    (0i8..7).prop_map(|n| Weekday::from_monday_zero_offset(n).unwrap())
}

fn signed<T: Clone + std::fmt::Debug + TryFrom<i32> + PartialEq + Copy>(
    most: i32,
) -> impl Strategy<Value = Vec<T>>
where
    <T as TryFrom<i32>>::Error: std::fmt::Debug,
{
    proptest::collection::btree_set((-most..=most).prop_filter("zero", |n| *n != 0), 0..4)
        .prop_map(|set| set.into_iter().map(|n| T::try_from(n).unwrap()).collect())
}

fn unsigned(range: std::ops::RangeInclusive<u8>) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::btree_set(range, 0..4).prop_map(|set| set.into_iter().collect())
}

fn days(ordinals: bool) -> impl Strategy<Value = Vec<WeekdayNum>> {
    let most = if ordinals { 53 } else { 0 };
    proptest::collection::vec((-most..=most, weekday()), 0..4).prop_map(|values| {
        let mut days: Vec<WeekdayNum> = Vec::new();
        for (ordinal, weekday) in values {
            let day = WeekdayNum {
                ordinal: ordinal as i8,
                weekday,
            };
            if !days.contains(&day) {
                days.push(day);
            }
        }
        days
    })
}

/// Any rule whose parts all mean something.
pub(crate) fn any_rule() -> impl Strategy<Value = Rule> {
    let end = prop_oneof![
        Just((None, None)),
        (1u32..50).prop_map(|n| (Some(n), None)),
        (0i64..4_000_000_000).prop_map(|s| (None, Some(DateTime::Utc(Timestamp(s))))),
        (0i64..4_000_000_000)
            .prop_map(|s| (None, Some(DateTime::Date(Timestamp(s).to_civil().date())))),
    ];
    let times = (unsigned(0..=60), unsigned(0..=59), unsigned(0..=23));
    let dates = (
        signed::<i8>(31),
        signed::<i16>(366),
        signed::<i8>(53),
        unsigned(1..=12),
        signed::<i16>(366),
    );
    let frequency = (0usize..7).prop_map(|n| FREQUENCIES[n].1);
    (frequency, 1u32..20, end, times, dates, weekday()).prop_flat_map(
        |(frequency, interval, (count, until), times, dates, week_start)| {
            let ordinals =
                matches!(frequency, Frequency::Monthly | Frequency::Yearly) && dates.2.is_empty();
            days(ordinals).prop_map(move |by_day| Rule {
                interval,
                count,
                until: until.clone(),
                by_second: times.0.clone(),
                by_minute: times.1.clone(),
                by_hour: times.2.clone(),
                by_day,
                by_month_day: dates.0.clone(),
                by_year_day: dates.1.clone(),
                by_week_no: dates.2.clone(),
                by_month: dates.3.clone(),
                by_set_pos: dates.4.clone(),
                week_start,
                ..Rule::new(frequency)
            })
        },
    )
}

proptest! {
    #[test]
    fn printing_and_reading_invert(rule in any_rule()) {
        prop_assert_eq!(Rule::parse(&rule.to_string()).unwrap(), rule);
    }

    #[test]
    fn no_text_panics(text in "[A-Z0-9=;,+ -]{0,60}|\\PC{0,20}=\\PC{0,5}|[A-Z]\\PC=1|FREQ=DAILY;[A-Z]{2,10}=\\PC{0,20}") {
        if let Ok(rule) = Rule::parse(&text) {
            prop_assert_eq!(Rule::parse(&rule.to_string()).unwrap(), rule);
        }
    }
}
