//! Files that nobody of this project wrote.

use std::path::PathBuf;

use wcapd::ical::datetime::{TimeRange, Timestamp};
use wcapd::ical::instances::ExpandError;
use wcapd::ical::recur::Work;

use super::{dtstart, event, series, starts, utc};

/// A file of the corpus; none, and a word about it, where the corpus is not.
pub fn read(name: &str) -> Option<String> {
    let root = std::env::var_os("WCAPD_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    match std::fs::read_to_string(root.join(name)) {
        Ok(text) => Some(text),
        Err(_) => {
            eprintln!("left out: {} is not there", root.join(name).display());
            None
        }
    }
}

/// Cases where python-dateutil 2.9 is wrong, the starts it has too many and those it lacks.
const KNOWN_DIFFERENCES: [(&str, &str, &[&str], &[&str]); 2] = [
    (
        "gen98",
        "2010 has 52 weeks, so 2011-01-01 is in its week 52 (BYWEEKNO=52); dateutil reckons the last week of \
         the year before with the length of the wrong year.",
        &[],
        &[
            "20110101T191500",
            "20220101T191500",
            "20390101T191500",
            "20500101T191500",
            "20670101T191500",
            "20780101T191500",
        ],
    ),
    (
        "gen244",
        "the third of SU, WE, TH and SA in the week from Monday 2026-03-16 is Saturday the 21st; dateutil \
         counts positions of the first week from the day of DTSTART on",
        &["20260322T131528"],
        &["20260321T131528"],
    ),
];

/// What a case should give, and how many starts were listed.
fn expectation(name: &str, listed: &str) -> (Vec<Timestamp>, usize) {
    let mut starts: Vec<Timestamp> = listed
        .split(',')
        .filter(|t| !t.is_empty())
        .map(utc)
        .collect();
    let count = starts.len();
    if let Some((_, _, surplus, missing)) = KNOWN_DIFFERENCES.iter().find(|d| d.0 == name) {
        starts.retain(|at| !surplus.iter().any(|s| utc(s) == *at));
        starts.extend(missing.iter().map(|s| utc(s)));
        starts.sort_unstable();
    }
    (starts, count)
}

#[test]
fn dateutil_cases() {
    let Some(text) = read("recurrence/dateutil-cases.tsv") else {
        return;
    };
    let mut compared = 0;
    let mut wrong = Vec::new();
    for line in text.lines().filter(|l| !l.starts_with("slow")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, zone, start, rule, expected] = fields[..] else {
            panic!("expected five columns: {line}");
        };
        let object = event([dtstart(zone, start), format!("RRULE:{rule}")]);
        // dateutil gives the start only when it fits the rule.
        let series = series(&object).without_unfit_start();
        let asked = if name.starts_with("tz") { 300 } else { 40 };
        let (mut expected, listed) = expectation(name, expected);
        // Two local times that a forward shift makes the same instant are one instance.
        expected.dedup();
        // The list stops after so many starts, or with the first past the year 2090.
        let whole = listed < asked
            && expected
                .last()
                .is_none_or(|last| last.to_civil().year() <= 2090);
        let end = match expected.last() {
            Some(last) if !whole => last.plus(1),
            _ => Timestamp::MAX,
        };
        let found = starts(&series, Timestamp::MIN, end);
        compared += 1;
        if found != expected {
            let at = found.iter().zip(&expected).position(|(a, b)| a != b);
            wrong.push(format!(
                "{name} {start} {rule}: {} of {}, first difference {at:?}: {:?} {:?}",
                found.len(),
                expected.len(),
                at.map(|at| found[at].to_string()),
                at.map(|at| expected[at].to_string()),
            ));
        }
    }
    assert_eq!(compared, 452);
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn rules_that_hardly_ever_match_are_cheap() {
    let Some(text) = read("recurrence/dateutil-cases.tsv") else {
        return;
    };
    for line in text.lines().filter(|l| l.starts_with("slow")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, zone, start, rule, _] = fields[..] else {
            panic!("expected five columns: {line}");
        };
        let object = event([dtstart(zone, start), format!("RRULE:{rule}")]);
        let series = series(&object).without_unfit_start();
        let mut work = Work::default();
        let end = utc("21000101T000000");
        let window = TimeRange::new(Timestamp::MIN, end).unwrap();
        let found = series.instances(window, 100_000, &mut work);
        assert!(
            !matches!(found, Err(ExpandError::TooMuchWork(_))),
            "{name} {rule}"
        );
    }
}
