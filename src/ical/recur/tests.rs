//! Tests of the expansion: windows, far jumps, budgets, and random rules against slow stepping.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::ical::rule::tests::any_rule;

fn local(text: &str) -> LocalSeconds {
    text.parse::<civil::DateTime>().unwrap().into()
}

fn plan(rule: &str, start: &str) -> Plan {
    let rule = Rule::parse(rule).unwrap();
    Plan::new(&rule, local(start), None, &mut Work::default()).unwrap()
}

/// Occurrences in a window, or how far the budget went.
fn all(
    plan: &Plan,
    from: LocalSeconds,
    to: LocalSeconds,
    work: &mut Work,
) -> Result<Vec<LocalSeconds>, TooMuchWork> {
    let mut walk = plan.occurrences(from, to);
    let mut found = Vec::new();
    while let Some(at) = walk.next(work)? {
        found.push(at);
    }
    Ok(found)
}

/// Units a one-day window costs, and how many occurrences it has.
fn cost(rule: &str, start: &str, day: &str) -> (u64, usize) {
    let plan = plan(rule, start);
    let mut work = Work::default();
    let from = local(day);
    let found = all(&plan, from, from.plus(86_399), &mut work).unwrap();
    (work.used(), found.len())
}

#[test]
fn a_window_far_from_the_start_costs_what_a_near_one_does() {
    for (rule, start) in [
        ("FREQ=DAILY", "1900-01-01T09:00"),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "1900-01-01T09:00"),
        (
            "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,WE,FR,SA",
            "1900-01-01T09:00",
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=1,2,3", "1900-01-01T09:00"),
        ("FREQ=YEARLY;BYYEARDAY=1", "1900-01-01T09:00"),
        ("FREQ=HOURLY", "1970-01-01T00:00"),
        ("FREQ=SECONDLY;INTERVAL=7", "1970-01-01T00:00"),
        ("FREQ=MINUTELY;BYHOUR=9;BYDAY=FR", "1970-01-01T00:00"),
        // With COUNT, where all periods are alike.
        ("FREQ=DAILY;COUNT=100000", "1900-01-01T09:00"),
        ("FREQ=WEEKLY;BYDAY=MO,FR;COUNT=100000", "1900-01-01T09:00"),
        (
            "FREQ=MONTHLY;BYDAY=1FR,2TU;COUNT=100000",
            "1900-01-01T09:00",
        ),
        (
            "FREQ=HOURLY;BYMINUTE=0,30;COUNT=9999999",
            "1970-01-01T00:00",
        ),
    ] {
        let (far, found) = cost(rule, start, "2100-01-01T00:00");
        let late = start.replace("1900", "2099").replace("1970", "2099");
        let (near, _) = cost(rule, &late, "2100-01-01T00:00");
        assert!(found > 0, "{rule}");
        assert!(far <= 2 * near + 8, "{rule}: {far} units against {near}");
    }
}

#[test]
fn sparse_rules_leap_to_what_they_find() {
    // The first second after a year and more of nothing.
    let plan = plan(
        "FREQ=SECONDLY;BYMONTH=1;BYDAY=FR;BYHOUR=22;BYMINUTE=1;BYSECOND=2",
        "2026-02-01T00:00",
    );
    let mut work = Work::default();
    let first = plan
        .occurrences(LocalSeconds::MIN, LocalSeconds::MAX)
        .next(&mut work)
        .unwrap();
    assert_eq!(first, Some(local("2027-01-01T22:01:02")));
    assert!(work.used() < 40, "{}", work.used());
}

#[test]
fn rules_that_never_match_end_by_themselves() {
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=SECONDLY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=HOURLY;INTERVAL=2;BYHOUR=3",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=1",
        "FREQ=MONTHLY;BYMONTHDAY=7;BYSETPOS=2",
    ] {
        let plan = plan(rule, "2024-01-01T00:00");
        let mut work = Work::default();
        assert_eq!(
            all(&plan, LocalSeconds::MIN, LocalSeconds::MAX, &mut work),
            Ok(vec![]),
            "{rule}"
        );
        assert!(work.used() < 60_000, "{rule}: {}", work.used());
    }
}

#[test]
fn a_budget_is_an_error_never_a_cut() {
    let plan = plan("FREQ=SECONDLY", "1970-01-01T00:00");
    let mut work = Work::new(1_000);
    assert_eq!(
        all(&plan, LocalSeconds::MIN, LocalSeconds::MAX, &mut work),
        Err(TooMuchWork { granted: 1_000 })
    );
    assert_eq!(
        TooMuchWork { granted: 1_000 }.to_string(),
        "expected a recurrence that can be expanded in 1000 steps, found one that needs more"
    );
    // A count that must be stepped through is bounded as well.
    let counted = self::plan("FREQ=MINUTELY;BYHOUR=9;COUNT=100000000", "1970-01-01T00:00");
    let from = local("2100-01-01T00:00");
    assert!(all(&counted, from, from.plus(86_400), &mut Work::new(10_000)).is_err());
}

#[test]
fn the_last_is_found_without_walking_where_periods_are_alike() {
    for (rule, start, last) in [
        (
            "FREQ=DAILY;COUNT=10",
            "2024-01-01T09:00",
            "2024-01-10T09:00",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=5",
            "2024-01-03T09:00",
            "2024-01-17T09:00",
        ),
        ("FREQ=DAILY;COUNT=1", "2024-01-01T09:00", "2024-01-01T09:00"),
        (
            "FREQ=DAILY;BYDAY=MO;COUNT=3",
            "2024-01-01T09:00",
            "2024-01-15T09:00",
        ),
        (
            "FREQ=HOURLY;COUNT=1000000",
            "2000-01-01T00:00",
            "2114-01-29T15:00",
        ),
        (
            "FREQ=DAILY;COUNT=200000",
            "2000-01-01T09:00",
            "2547-07-31T09:00",
        ),
    ] {
        let mut work = Work::new(100);
        let found = plan(rule, start).last(&mut work).unwrap();
        assert_eq!(
            found.map(civil::DateTime::from),
            Some(last.parse().unwrap()),
            "{rule}"
        );
    }
    assert_eq!(
        plan("FREQ=DAILY", "2024-01-01T09:00").last(&mut Work::default()),
        Ok(None)
    );
}

#[test]
fn a_start_that_does_not_fit_counts_but_is_not_given() {
    let plan = plan("FREQ=WEEKLY;BYDAY=MO;COUNT=3", "2024-01-02T09:00");
    assert!(!plan.fits_start());
    let given = |plan: &Plan| {
        all(
            plan,
            LocalSeconds::MIN,
            LocalSeconds::MAX,
            &mut Work::default(),
        )
        .unwrap()
        .len()
    };
    assert_eq!(given(&plan), 2);
    assert_eq!(given(&plan.counting_only_the_rule()), 3);
}

/// A start between 1995 and 2030.
fn start() -> impl Strategy<Value = LocalSeconds> {
    (800_000_000i64..1_900_000_000).prop_map(LocalSeconds)
}

const BUDGET: u64 = 200_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// [a, c) is [a, b) and [b, c), however the plan gets to its window.
    #[test]
    fn windows_add_up(rule in any_rule(), start in start(), a in 0i64..400_000_000, b in 0i64..4_000_000, c in 0i64..4_000_000) {
        let a = start.plus(a - 10_000_000);
        let (b, c) = (a.plus(b), a.plus(b + c));
        let budget = || Work::new(BUDGET);
        let Ok(plan) = Plan::new(&rule, start, None, &mut budget()) else { return Ok(()); };
        let whole = all(&plan, a, c.plus(-1), &mut budget());
        let first = all(&plan, a, b.plus(-1), &mut budget());
        let second = all(&plan, b, c.plus(-1), &mut budget());
        if let (Ok(whole), Ok(first), Ok(second)) = (whole, first, second) {
            prop_assert!(whole.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(whole, [first, second].concat());
        }
    }

    /// A window far from the start gives what walking there from the start gives.
    #[test]
    fn far_windows_equal_slow_stepping(rule in any_rule(), start in start(), ahead in 0i64..200_000_000) {
        let budget = || Work::new(BUDGET);
        let Ok(plan) = Plan::new(&rule, start, None, &mut budget()) else { return Ok(()); };
        let from = start.plus(ahead);
        let to = from.plus(3_000_000);
        let (Ok(walked), Ok(sought)) = (
            all(&plan, LocalSeconds::MIN, to, &mut budget()),
            all(&plan, from, to, &mut budget()),
        ) else { return Ok(()); };
        let walked: Vec<LocalSeconds> = walked.into_iter().filter(|at| *at >= from).collect();
        prop_assert_eq!(&walked, &sought);
        for at in sought.iter().take(5) {
            prop_assert_eq!(plan.contains(*at, &mut budget()), Ok(true));
        }
        if let Ok(before) = plan.count_before(from, &mut budget()) {
            let counted = all(&plan, LocalSeconds::MIN, from.plus(-1), &mut budget()).unwrap();
            prop_assert_eq!(before, counted.len() as u64);
            prop_assert_eq!(plan.previous(from, &mut Work::new(4 * BUDGET)), Ok(counted.last().copied()));
        }
    }

    /// Every occurrence satisfies every part of the rule that limits it; tested part by part on the calendar.
    #[test]
    fn occurrences_obey_their_parts(rule in any_rule(), start in start()) {
        let mut work = Work::new(BUDGET);
        let Ok(plan) = Plan::new(&rule, start, None, &mut work) else { return Ok(()); };
        let mut walk = plan.occurrences(LocalSeconds::MIN, LocalSeconds::MAX);
        for _ in 0..50 {
            let Ok(Some(at)) = walk.next(&mut work) else { break };
            let local = civil::DateTime::from(at);
            prop_assert!(at >= start);
            prop_assert!(rule.by_month.is_empty() || rule.by_month.contains(&(local.month() as u8)));
            prop_assert!(rule.by_hour.is_empty() || rule.by_hour.contains(&(local.hour() as u8)));
            prop_assert!(rule.by_minute.is_empty() || rule.by_minute.contains(&(local.minute() as u8)));
            let length = local.date().days_in_month();
            let from_end = local.day() - length - 1;
            prop_assert!(rule.by_month_day.is_empty()
                || rule.by_month_day.contains(&local.day())
                || rule.by_month_day.contains(&from_end));
            let day = local.day_of_year();
            let from_end = day - local.date().days_in_year() - 1;
            prop_assert!(rule.by_year_day.is_empty()
                || rule.by_year_day.contains(&day)
                || rule.by_year_day.contains(&from_end));
            prop_assert!(rule.by_day.is_empty() || rule.by_day.iter().any(|d| d.weekday == local.weekday()));
        }
    }
}
