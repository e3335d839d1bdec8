//! Real, bent, invalid and hostile calendar files against the text engine: what is read, kept, named.
//!
//! The files stand outside the project, in the folder that `WCAPD_CORPUS` names or `../shared/corpus`. Where there
//! is none the tests say so and pass; `tests/data/ics` has files of our own of each kind.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wcapd::ical::check;
use wcapd::ical::component::Component;
use wcapd::ical::import::{Import, import};
use wcapd::ical::interop;
use wcapd::ical::object;
use wcapd::ical::parse::{Limits, parse, parse_mending};
use wcapd::ical::print;

/// Longest a file may take (`corpus/README.md`).
const STALL: Duration = Duration::from_secs(1);

/// Stack of the threads that read hostile files: a quarter of what a server's threads have.
const SMALL_STACK: usize = 512 << 10;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The calendar files of a folder of the corpus, by name; nothing where the corpus is not at hand.
fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let top = std::env::var_os("WCAPD_CORPUS")
        .map_or_else(|| project().join("../shared/corpus"), PathBuf::from);
    if !top.is_dir() {
        println!(
            "{folder}: left out, there is no corpus in {}",
            top.display()
        );
        return Vec::new();
    }
    let files = files(&top.join(folder));
    assert!(!files.is_empty(), "{folder} has files");
    files
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|end| end != "tsv"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(project().join("tests/data/ics").join(name)).unwrap()
}

fn imported(bytes: &[u8]) -> Import {
    let mut next = 0;
    import(bytes, &Limits::DEFAULT, &mut || {
        next += 1;
        format!("generated-{next}")
    })
}

/// That what was read prints and reads back, and that a file without faults prints as it was but for folds.
fn assert_lossless(name: &str, bytes: &[u8]) {
    let parsed = parse_mending(bytes, &Limits::DEFAULT);
    let mut whole = String::new();
    for component in &parsed.components {
        let text = print::to_string(component);
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{name}");
        let again = parse(text.as_bytes(), &Limits::DEFAULT);
        assert_eq!(again.errors, [], "{name}");
        assert_eq!(again.components, std::slice::from_ref(component), "{name}");
        whole.push_str(&text);
    }
    let strict = parse(bytes, &Limits::DEFAULT);
    if strict.is_sound() {
        assert_eq!(strict.components, parsed.components, "{name}");
        let source = String::from_utf8(unfolded(bytes)).unwrap();
        let printed = String::from_utf8(unfolded(whole.as_bytes())).unwrap();
        assert_eq!(source, printed, "{name}");
    }
}

/// The text without folds, blank lines and byte order mark, written apart from the engine's way.
fn unfolded(bytes: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for line in bytes.split(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line {
            [] => {}
            [b' ' | b'\t', rest @ ..] => {
                out.pop();
                out.extend_from_slice(rest);
                out.push(b'\n');
            }
            _ => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
        }
    }
    out
}

#[test]
fn nothing_is_lost() {
    for folder in ["real", "recurrence", "invalid", "hostile"] {
        for (name, bytes) in corpus(folder) {
            assert_lossless(&name, &bytes);
        }
    }
    for (name, bytes) in files(&project().join("tests/data/ics")) {
        assert_lossless(&name, &bytes);
    }
}

/// Files of `real` and `recurrence` with something that cannot be taken: objects, components refused, line of
/// the first fault. All others are taken whole.
const REFUSING: &[(&str, usize, usize, u32)] = &[
    // A VTIMEZONE without a name.
    ("ical4j-blankTzid.ics", 1, 1, 5),
    ("ical4j-classify.ics", 1, 1, 27),
    // No component that a calendar holds.
    ("ical4j-custom_component.ics", 0, 1, 4),
    ("ical4j-incoming.ics", 1, 8, 29),
    // An event without a start.
    ("ical4j-mansour.ics", 0, 1, 4),
    // Free/busy time, alarms by themselves.
    ("ical4j-rfc5545-sec3.6.4.ics", 0, 3, 4),
    ("ical4j-rfc5545-sec3.6.6.ics", 0, 2, 4),
    // One UID over and over, as messages of one event have it.
    ("libical-2445.ics", 10, 8, 68),
    ("libical-2446.ics", 10, 39, 19),
    // Fuzzed.
    ("libical-caltime.ics", 0, 2, 1),
    ("libical-classify.ics", 1, 1, 27),
    ("libical-get_char_test.ics", 0, 24, 1),
    ("libical-issue250.ics", 0, 1, 1),
    ("libical-issue251.ics", 0, 2, 7),
    ("libical-issue252.ics", 0, 7, 7),
    // A VCARD.
    ("libical-issue339.ics", 0, 1, 1),
    ("libical-malloc.ics", 0, 16, 3),
    ("libical-restriction.ics", 1, 2, 23),
    // A VCALENDAR in a VCALENDAR, and a rule that cannot be read.
    ("libical-smallcluster.ics", 0, 1, 2),
    // Lines without their folds.
    ("libical-stresstest.ics", 0, 0, 28),
    ("libical-zday.ics", 0, 5, 6),
    // A component commented out after the end.
    ("libical-recur.txt", 57, 0, 645),
    // One UID twice.
    ("rie-alarm_absolute_edited.ics", 1, 1, 619),
    // Rules that cannot be read.
    ("rie-bad_rrule_missing_until_event.ics", 0, 1, 2),
    // One UID for two events, or for an event and a to-do.
    ("rie-issue_132_swapped_start_and_end.ics", 1, 1, 17),
    ("rie-issue_148_edge_case_1.ics", 1, 1, 29),
    ("rie-issue_148_ignored_exdate.ics", 1, 1, 15),
    // A line without its fold.
    ("rie-issue_61_time_zone_error.ics", 1, 0, 211),
];

#[test]
fn real_files_are_imported() {
    let mut refusing = Vec::new();
    let (mut count, mut objects, mut refused) = (0, 0, 0);
    for folder in ["real", "recurrence"] {
        for (name, bytes) in corpus(folder) {
            let import = imported(&bytes);
            count += 1;
            objects += import.objects.len();
            refused += import.refused;
            if let Some(fault) = import.faults.first() {
                refusing.push((
                    name.clone(),
                    import.objects.len(),
                    import.refused,
                    fault.line(),
                ));
            } else {
                assert_eq!(import.refused, 0, "{name}");
            }
            assert_regrouped(&name, &import);
        }
    }
    if count > 0 {
        println!("{count} files: {objects} objects, {refused} components refused");
        let expected: Vec<_> = REFUSING
            .iter()
            .map(|&(name, objects, refused, line)| (name.to_owned(), objects, refused, line))
            .collect();
        assert_eq!(refusing, expected);
    }
}

/// That objects put into one calendar come out of it again.
fn assert_regrouped(name: &str, import: &Import) {
    let calendar = object::to_calendar(&import.objects, []);
    let text = print::to_string(&calendar);
    let parsed = parse(text.as_bytes(), &Limits::DEFAULT);
    assert_eq!(parsed.errors, [], "{name}");
    let split = object::split(parsed.components, &mut String::new);
    assert_eq!(split.rejected, [], "{name}");
    let shape = |objects: &[object::CalendarObject]| -> Vec<_> {
        objects
            .iter()
            .map(|o| (o.kind, o.uid.clone(), o.components.len(), o.timezones.len()))
            .collect()
    };
    assert_eq!(shape(&split.objects), shape(&import.objects), "{name}");
}

/// What is said of a file, by line: errors of the reader, then of the check.
fn said(bytes: &[u8]) -> Vec<String> {
    let parsed = parse_mending(bytes, &Limits::DEFAULT);
    let issues = check::stream(&parsed.components);
    let mut all: Vec<_> = parsed
        .errors
        .iter()
        .map(|e| (e.line, e.to_string()))
        .collect();
    all.extend(issues.iter().map(|i| (i.line, i.to_string())));
    all.sort_by_key(|(line, _)| *line);
    all.into_iter().map(|(_, text)| text).collect()
}

/// What is wrong with each file of `invalid`.
const INVALID: &[(&str, &str)] = &[
    (
        "ical4j-CalendarDataFile.ics",
        "line 38: VALARM: expected the property ACTION, found none",
    ),
    (
        "ical4j-OZMovies.ics",
        "line 42: SUMMARY: expected a backslash only before '\\', ';', ',' and 'n'",
    ),
    (
        "ical4j-eli_courtwright.ics",
        "line 1: VCALENDAR: expected the property PRODID, found none",
    ),
    ("ical4j-korganizer.ics", "line 19: expected no blank line"),
    ("ical4j-lastfm.ics", "line 6: expected no blank line"),
    (
        "ical4j-overlaps.ics",
        "line 1: VEVENT: expected a VCALENDAR around it",
    ),
    (
        "ical4j-schedule-unstable.ics",
        "line 12: LAST-MODIFIED: expected a time in UTC written YYYYMMDDTHHMMSSZ",
    ),
    (
        "ical4j-twinkle.ics",
        "line 8: URL: expected an address such as mailto:user@example.com",
    ),
];

#[test]
fn invalid_files_are_named_by_their_lines() {
    let files = corpus("invalid");
    let found: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), said(bytes)))
        .collect();
    for ((name, said), (expected_name, expected)) in found.iter().zip(INVALID) {
        assert_eq!(name, expected_name);
        assert_eq!(said[0], *expected, "{name}");
    }
    assert!(found.is_empty() || found.len() == INVALID.len());
    // The one file of them in which something cannot be taken.
    for (name, bytes) in files {
        let import = imported(&bytes);
        let lines: Vec<_> = import.faults.iter().map(ToString::to_string).collect();
        match name.as_str() {
            "ical4j-twinkle.ics" => assert_eq!(
                lines,
                [
                    "line 98: this VTODO was left out: line 107: DTSTART: expected a date or a time written YYYYMMDDTHHMMSS, with Z for UTC"
                ]
            ),
            _ => assert_eq!(lines, Vec::<String>::new(), "{name}"),
        }
    }
}

/// Imports and prints in a thread with little stack, within the time allowed: at least one of three times, for
/// the machine may be busy.
fn survive(name: &str, bytes: &[u8]) {
    let run = || {
        let bytes = bytes.to_vec();
        let thread = std::thread::Builder::new().stack_size(SMALL_STACK);
        let read = thread.spawn(move || {
            let started = Instant::now();
            let import = imported(&bytes);
            let text = print::to_string(&object::to_calendar(&import.objects, []));
            assert!(text.len() <= 2 * bytes.len() + 100);
            started.elapsed()
        });
        read.unwrap()
            .join()
            .unwrap_or_else(|_| panic!("{name}: no panic"))
    };
    let taken = (0..3).map(|_| run()).find(|taken| *taken < STALL);
    assert!(taken.is_some(), "{name}: within {STALL:?}");
}

#[test]
fn hostile_files_do_no_harm() {
    for (name, bytes) in corpus("hostile") {
        survive(&name, &bytes);
    }
    for (name, text) in [
        ("nested", "BEGIN:VEVENT\n".repeat(20_000)),
        ("nested unknown", "BEGIN:X-A\n".repeat(20_000)),
        ("ends", "END:VEVENT\n".repeat(20_000)),
        (
            "folds",
            format!("BEGIN:VEVENT\nX:{}\n", "\n ".repeat(100_000)),
        ),
        (
            "parameters",
            format!("BEGIN:VEVENT\nX{}:\n", ";A=\"\"".repeat(20_000)),
        ),
        (
            "quotes",
            format!("BEGIN:VEVENT\nX;A={}\n", "\"".repeat(100_001)),
        ),
        (
            "numbers",
            format!(
                "BEGIN:VEVENT\nDURATION:P{}W\nEND:VEVENT\n",
                "9".repeat(100_000)
            ),
        ),
        (
            "dates",
            format!("BEGIN:VEVENT\nEXDATE:{}\nEND:VEVENT\n", ",".repeat(100_000)),
        ),
        (
            "zones",
            "BEGIN:VTIMEZONE\nTZID:A\nEND:VTIMEZONE\n".repeat(3_000),
        ),
        (
            "uids",
            "BEGIN:VEVENT\nUID:1\nDTSTART:20240101\nEND:VEVENT\n".repeat(3_000),
        ),
    ] {
        survive(name, text.as_bytes());
    }
}

/// That the `icalendar` crate reads the same properties in a sound file as we do.
#[test]
fn a_second_reader_agrees() {
    let mut compared = 0;
    for folder in ["real", "recurrence"] {
        for (name, bytes) in corpus(folder) {
            let parsed = parse(&bytes, &Limits::DEFAULT);
            let ([calendar], true) = (&parsed.components[..], parsed.is_sound()) else {
                continue;
            };
            if !calendar.is("VCALENDAR") {
                continue;
            }
            let text = String::from_utf8(bytes).unwrap();
            let text = text.trim_start_matches('\u{feff}');
            let unfolded = icalendar::parser::unfold(text);
            let Ok(theirs) = icalendar::parser::read_calendar(&unfolded) else {
                continue;
            };
            let ours = interop::to_parsed(calendar);
            let theirs = icalendar::parser::Component {
                name: "VCALENDAR".into(),
                properties: theirs.properties,
                components: theirs.components,
            };
            assert_alike(&name, &theirs, &ours);
            compared += 1;
        }
    }
    println!("{compared} files read alike by both");
}

/// That two readers found the same; of a backslash before something it does not escape the crate keeps both
/// characters, we keep the second.
fn assert_alike(
    file: &str,
    theirs: &icalendar::parser::Component<'_>,
    ours: &icalendar::parser::Component<'_>,
) {
    assert_eq!(theirs.name, ours.name, "{file}");
    assert_eq!(theirs.properties.len(), ours.properties.len(), "{file}");
    for (their, our) in theirs.properties.iter().zip(&ours.properties) {
        let bare = |p: &icalendar::parser::Property<'_>| p.val.as_str().replace('\\', "");
        assert_eq!(
            (&their.name, &their.params),
            (&our.name, &our.params),
            "{file}"
        );
        assert_eq!(bare(their), bare(our), "{file}");
    }
    assert_eq!(theirs.components.len(), ours.components.len(), "{file}");
    for (their, our) in theirs.components.iter().zip(&ours.components) {
        assert_alike(file, their, our);
    }
}

#[test]
fn own_files_of_each_kind() {
    let folded = imported(&fixture("folded.ics"));
    assert!(folded.faults.is_empty());
    let event: &Component = folded.objects[0].master().unwrap();
    assert_eq!(
        event.property("SUMMARY").unwrap().to_text(),
        "Caf\u{e9} \u{1f600} and a blank line follows in the text\n\n end"
    );
    assert_eq!(event.properties_named("X-KEPT").count(), 2);

    let bare = imported(&fixture("bare.ics"));
    assert_eq!(bare.objects.len(), 2);
    assert_eq!(bare.objects[0].uid, "generated-1");
    assert_eq!(
        faults(&bare),
        ["line 13: expected BEGIN, found text outside of any component"]
    );

    let several = imported(&fixture("several.ics"));
    let uids: Vec<_> = several.objects.iter().map(|o| o.uid.as_str()).collect();
    assert_eq!(uids, ["several-1", "several-2", "several-4"]);
    assert_eq!(several.objects[0].overrides().len(), 1);
    assert_eq!(several.objects[0].timezones.len(), 1);
    assert_eq!(several.objects[1].master(), None);
    assert_eq!(
        several.headers[0].timezone.as_deref(),
        Some("Europe/Berlin")
    );
    assert_eq!(
        faults(&several),
        [
            "line 38: this X-VENUE was left out: expected VEVENT, VTODO or VJOURNAL, found X-VENUE",
            "line 41: this VFREEBUSY was left out: expected VEVENT, VTODO or VJOURNAL; free/busy time is computed, not stored",
        ]
    );

    let latin1 = imported(&fixture("latin1.ics"));
    assert!(latin1.faults.is_empty());
    let event = latin1.objects[0].master().unwrap();
    assert_eq!(event.value("SUMMARY"), Some("Caf\u{e9} \u{20ac} 5"));
    assert_eq!(event.value("DESCRIPTION"), Some("abc"));
}

fn faults(import: &Import) -> Vec<String> {
    import.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn an_own_broken_file_is_named_line_by_line() {
    let import = imported(&fixture("broken.ics"));
    let uids: Vec<_> = import.objects.iter().map(|o| o.uid.as_str()).collect();
    assert_eq!(uids, ["broken-3"]);
    assert_eq!(import.objects[0].components[0].components().count(), 0);
    assert_eq!(import.refused, 6);
    assert_eq!(
        faults(&import),
        [
            "line 4: this VEVENT was left out: line 7: DTSTART: expected a date or a time written YYYYMMDDTHHMMSS, with Z for UTC",
            "line 9: this VEVENT was left out because of line 12",
            "line 12: expected a parameter written NAME=value",
            "line 18: expected a property name of letters, digits and '-'",
            "line 19: this VALARM was left out because of line 21",
            "line 21: expected a parameter written NAME=value",
            "line 24: this VEVENT was left out because of line 28",
            "line 28: expected END:VEVENT before this, for the VEVENT begun in line 24",
            "line 28: this VEVENT was left out: line 32: RRULE: expected FREQ to be SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY, found 'SOMETIMES'",
            "line 34: this VEVENT was left out: expected one component without RECURRENCE-ID for this UID; the first is in line 14",
            "line 39: expected no END:VTODO, for no VTODO is open here",
            "line 40: this VEVENT was left out because of line 44",
            "line 44: expected END:VEVENT before this, for the VEVENT begun in line 40",
        ]
    );
}
