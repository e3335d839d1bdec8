//! Random rules against python-dateutil, where an interpreter has it (`WCAPD_PYTHON` names one, else `python3`).

use std::path::Path;
use std::process::Command;

use jiff::civil;
use wcapd::ical::recur::{LocalSeconds, Plan, Work};
use wcapd::ical::rule::{Frequency, Rule};

use super::utc;

const SEED: &str = "20071";
const RULES: &str = "1200";

/// How many starts the other side gives at most, and the year it stops before.
const WANTED: usize = 25;
const HORIZON: i16 = 2090;

/// Why dateutil may differ. Anything else that differs is wrong.
fn known_difference(rule: &Rule) -> Option<&'static str> {
    if rule.frequency == Frequency::Weekly && !rule.by_set_pos.is_empty() {
        return Some(
            "dateutil counts positions in the first week from the start's day, not the week's",
        );
    }
    if !rule.by_week_no.is_empty() {
        return Some(
            "dateutil reckons the last week of the year before with the wrong year's length",
        );
    }
    None
}

fn peer() -> Option<String> {
    let python = std::env::var("WCAPD_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/dateutil_rules.py");
    let probe = Command::new(&python)
        .args(["-c", "import dateutil.rrule"])
        .output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("left out: {python} has no dateutil");
        return None;
    }
    let output = Command::new(&python)
        .arg(script)
        .args([SEED, RULES])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn local(text: &str) -> LocalSeconds {
    utc(text).to_civil().into()
}

/// The first starts in the window, as the other side lists them.
fn ours(rule: &Rule, start: LocalSeconds, from: LocalSeconds) -> Vec<LocalSeconds> {
    let mut work = Work::default();
    // dateutil gives and counts only what fits the rule.
    let plan = Plan::new(rule, start, None, &mut work)
        .unwrap()
        .counting_only_the_rule();
    let end = LocalSeconds::from(civil::date(HORIZON, 1, 1).at(0, 0, 0, 0)).plus(-1);
    let mut walk = plan.occurrences(from, end);
    let mut found = Vec::new();
    while found.len() < WANTED {
        match walk.next(&mut work).unwrap() {
            Some(at) => found.push(at),
            None => break,
        }
    }
    found
}

#[test]
fn random_rules_agree_with_dateutil() {
    let Some(lines) = peer() else {
        return;
    };
    let (mut compared, mut excused, mut wrong) = (0, 0, Vec::new());
    for line in lines.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [start, text, window, theirs] = fields[..] else {
            panic!("expected four columns: {line}");
        };
        let rule = Rule::parse(text).unwrap();
        let theirs: Vec<LocalSeconds> = theirs
            .split(',')
            .filter(|t| !t.is_empty())
            .map(local)
            .collect();
        compared += 1;
        let ours = ours(&rule, local(start), local(window));
        if ours == theirs {
            continue;
        }
        match known_difference(&rule) {
            Some(_) => excused += 1,
            None => {
                let show = |list: &[LocalSeconds]| {
                    let times: Vec<String> = list
                        .iter()
                        .map(|at| civil::DateTime::from(*at).to_string())
                        .collect();
                    times.join(" ")
                };
                wrong.push(format!("{line}\nours: {}", show(&ours)));
            }
        }
    }
    assert_eq!(compared.to_string(), RULES);
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(excused <= 40, "{excused} of {compared} rules are excused");
}

/// The first class: the third of four days in the week of the start, which is its second.
#[test]
fn positions_in_the_first_week_count_from_its_start() {
    let rule = Rule::parse("FREQ=WEEKLY;BYDAY=WE,TH,SA,SU;BYSETPOS=3;COUNT=1").unwrap();
    let from = local("20260319T131500");
    assert_eq!(ours(&rule, from, from), [local("20260321T131500")]);
}

/// The second class: 2011 starts in week 52 of 2010.
#[test]
fn the_last_week_of_the_year_before_has_its_own_number() {
    let rule = Rule::parse("FREQ=YEARLY;BYWEEKNO=52;BYDAY=SA;COUNT=1").unwrap();
    let from = local("20110101T090000");
    assert_eq!(ours(&rule, from, from), [from]);
}
