//! Files that nobody of this project wrote.

use std::path::PathBuf;

use wcapd::ical::datetime::{TimeRange, Timestamp};
use wcapd::ical::instances::{ExpandError, from_compact_text, to_compact_text};
use wcapd::ical::object::{CalendarObject, split};
use wcapd::ical::parse::{Limits, parse};
use wcapd::ical::recur::Work;

use super::{dtstart, event, series, starts, utc};

/// A file of the corpus; none, and a word about it, where the corpus is not.
pub(crate) fn read(name: &str) -> Option<String> {
    let path = root().join(name);
    let text = std::fs::read_to_string(&path);
    if text.is_err() {
        eprintln!("left out: {} is not there", path.display());
    }
    text.ok()
}

fn root() -> PathBuf {
    std::env::var_os("WCAPD_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    )
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

/// Blocks of libical's test file: content lines whose values stand on the next line.
fn libical_blocks(text: &str) -> Vec<(String, Vec<String>, usize)> {
    let mut blocks = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if line == "BEGIN:VEVENT" {
            lines.clear();
        } else if line == "END:VEVENT" {
            let expected = lines
                .iter()
                .find_map(|l| l.strip_prefix("X-EXPECT-NUMEVENTS: "))
                .map(|n| n.parse().unwrap());
            let keep = |l: &&String| {
                ["DTSTART", "DTEND", "RRULE", "EXRULE", "EXDATE"]
                    .iter()
                    .any(|name| l.starts_with(name))
            };
            let title = lines.iter().find(|l| l.starts_with("DESCRIPTION")).unwrap();
            let kept = lines.iter().filter(keep).cloned().collect();
            blocks.push((title.clone(), kept, expected.unwrap()));
        } else if let Some(rest) = line.strip_prefix(' ') {
            lines.last_mut().unwrap().push_str(rest);
        } else if !line.starts_with(';') && !line.is_empty() {
            lines.push(line.to_owned());
        }
    }
    blocks
}

/// Where libical's file does not count as section 3.8.5.3 does: the start, what is right, and why.
const LIBICAL_DIFFERENCES: [(&str, &str, usize, &str); 1] = [(
    "DTSTART;TZID=America/Los_Angeles:19970902T090000",
    "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;BYDAY=MO,WE,FR;WKST=SU",
    25,
    "the start, a Tuesday, is an instance beside the 24 that the rule gives",
)];

#[test]
fn libical_counts() {
    let Some(text) = read("recurrence/libical-recur.txt") else {
        return;
    };
    let mut wrong = Vec::new();
    let blocks = libical_blocks(&text);
    for (title, lines, expected) in &blocks {
        let object = event(lines.clone());
        let found = starts(&series(&object), Timestamp::MIN, Timestamp::MAX).len();
        let ours = LIBICAL_DIFFERENCES.iter().find(|(start, rule, ..)| {
            lines.iter().any(|l| l == start) && lines.iter().any(|l| l == rule)
        });
        if found != ours.map_or(*expected, |(_, _, right, _)| *right) {
            wrong.push(format!(
                "{title}: {lines:?} gave {found} instead of {expected}"
            ));
        }
    }
    assert!(blocks.len() > 50);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files with the number of instances of each of their objects before 2030, counted by hand.
const CALENDARS: [(&str, &[usize]); 18] = [
    ("event_10_times", &[10]),
    ("three_events", &[3]),
    ("three_events_one_edited", &[3]),
    ("recurring_events_moved", &[3, 4]),
    ("zero_size_event", &[1]),
    ("one_day_event", &[1]),
    ("no_events", &[]),
    // An end before the start is no length, not no event.
    ("end_before_start_event", &[1]),
    ("issue_132_swapped_start_and_end", &[1]),
    // UNTIL in UTC is the last start, in summer time.
    ("issue_107_omitting_last_event", &[23]),
    ("issue_113_period_in_rdate", &[9]),
    ("issue_113_period_rdate_duration", &[2]),
    ("issue_117_until_before_dtstart", &[1]),
    // COUNT=-1 stands for no count.
    ("issue_128_only_first_event", &[7]),
    // The second master of the UID, which has an EXDATE, is refused.
    ("issue_148_ignored_exdate", &[3]),
    // A change of one instance and two of all that follow, the second moving it by a day and more.
    ("issue_75_range_parameter", &[194]),
    // A to-do with nothing but DUE recurs by it.
    ("issue_97_todo_nodtstart", &[38]),
    // A rule that cannot be read leaves the event.
    ("bad_rrule_missing_until_event", &[1]),
];

#[test]
fn calendars_of_others() {
    for (name, expected) in CALENDARS {
        let Some(text) = read(&format!("recurrence/rie-{name}.ics")) else {
            return;
        };
        let counts: Vec<usize> = objects(text.as_bytes())
            .iter()
            .map(|object| starts(&series(object), Timestamp::MIN, utc("20300101T000000")).len())
            .collect();
        assert_eq!(counts, expected, "{name}");
    }
}

fn objects(text: &[u8]) -> Vec<CalendarObject> {
    let parsed = parse(text, &Limits::default());
    let mut made = 0;
    let mut new_uid = || {
        made += 1;
        format!("made-{made}")
    };
    split(parsed.components, &mut new_uid).objects
}

/// Whatever real files hold, their objects expand window by window to what they expand to at once, keep inside
/// their spans, and read the same from their compact form.
#[test]
fn every_calendar_holds_together() {
    let mut seen = 0;
    for folder in ["recurrence", "real"] {
        let Ok(files) = std::fs::read_dir(root().join(folder)) else {
            eprintln!("left out: {} is not there", root().join(folder).display());
            return;
        };
        let mut paths: Vec<PathBuf> = files.map(|f| f.unwrap().path()).collect();
        paths.sort();
        for path in paths
            .iter()
            .filter(|p| p.extension().is_some_and(|e| e == "ics"))
        {
            for object in objects(&std::fs::read(path).unwrap()) {
                seen += 1;
                holds_together(&object);
            }
        }
    }
    assert!(seen > 300, "{seen}");
}

fn holds_together(object: &CalendarObject) {
    let whole = series(object);
    let mut work = Work::default();
    let Some(span) = whole.span(&mut work) else {
        assert!(whole.is_dateless(), "{}", object.uid);
        return;
    };
    let days = |n: i64| n * 86_400;
    let from = span.start().plus(-days(30));
    let to = from.plus(days(2_000));
    let all = starts(&whole, from, to);
    assert!(
        all.iter()
            .all(|at| span.start() <= *at && *at <= span.end()),
        "{}",
        object.uid
    );
    let mut pieces = Vec::new();
    for piece in 0..40 {
        let from = from.plus(days(50 * piece));
        let found = starts(&whole, from, from.plus(days(50)));
        pieces.extend(found.into_iter().filter(|at| *at >= from));
    }
    let inside: Vec<Timestamp> = all.iter().copied().filter(|at| *at >= from).collect();
    assert_eq!(pieces, inside, "{}", object.uid);
    let compact = from_compact_text(&to_compact_text(object)).unwrap();
    assert_eq!(starts(&series(&compact), from, to), all, "{}", object.uid);
}
