//! Calendar files in and out again, through the administrator's import and through WCAP, as text and as XML: what
//! comes out means what went in, what is refused is named, what is hostile harms nothing.
//!
//! The files of others stand outside the project, in the folder that `WCAPD_CORPUS` names or `../shared/corpus`.
//! Where there is none the tests say so; `tests/data/ics` has files of our own of each kind.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "transfer/files.rs"]
mod files;
#[path = "transfer/meaning.rs"]
mod meaning;
#[path = "transfer/refusals.rs"]
mod refusals;
#[path = "transfer/world.rs"]
mod world;

use std::time::{Duration, Instant};

use common::server::{self, DataDir, Server};
use meaning::{Closeness, Meaning, given_uids, instances, meanings, read};
use refusals::{REASONS, Why};
use world::{Answer, World};

/// Longest a hostile file may take.
const STALL: Duration = Duration::from_secs(5);

/// The files a calendar server has to take.
fn good_files() -> Vec<(String, Vec<u8>)> {
    let mut files = files::own();
    files.extend(files::corpus("real"));
    files.extend(files::corpus("recurrence"));
    files
}

/// That what `printed` holds means what `before` does.
fn assert_same(name: &str, file: &[u8], printed: &[u8], closeness: Closeness) -> Vec<Meaning> {
    let (before, after) = (read(file), read(printed));
    assert_eq!(after.faults, [], "{name}");
    let given = given_uids(&before);
    let before = meanings(&before.objects, &given, closeness);
    let after = meanings(&after.objects, &given, closeness);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after, "{name}, {closeness:?}");
    }
    assert_eq!(before.len(), after.len(), "{name}");
    before
}

/// That an import did what the reader of the file says, and named what it refused.
fn assert_told(name: &str, file: &[u8], answer: &Answer) {
    let import = read(file);
    assert_eq!(answer.stored, import.objects.len(), "{name}");
    assert_eq!(answer.refused, import.refused, "{name}");
    if answer.errno == "37" {
        // Nothing in it can be read: the first sentence says so.
        assert!(import.objects.is_empty() && import.refused == 0, "{name}");
        assert_eq!(answer.faults.len(), 1, "{name}");
    } else {
        assert_eq!(answer.faults.len(), import.faults.len(), "{name}");
    }
    for (fault, expected) in answer.faults.iter().zip(&import.faults) {
        assert_eq!(*fault, expected.to_string(), "{name}");
        let line = fault
            .strip_prefix("line ")
            .and_then(|rest| rest.split_once(':'));
        let line = line.map(|(line, _)| line.split(' ').next().unwrap());
        assert!(
            line.is_some_and(|line| line.parse::<u32>().is_ok()),
            "{name}: {fault}"
        );
    }
}

#[test]
fn administration_gives_back_what_it_got() {
    let world = World::new();
    let (mut count, mut stored, mut refused, mut expanded) = (0, 0, 0, 0);
    for (name, file) in good_files() {
        let calid = world.calendar();
        let answer = world.take(&calid, &file);
        assert_told(&name, &file, &answer);
        let printed = world.give(&calid);
        let meanings = assert_same(&name, &file, &printed, Closeness::Verbatim);
        // What came out goes in and comes out the same, to the byte.
        let again = world.calendar();
        world.take(&again, &printed);
        assert!(world.give(&again) == printed, "{name}");
        count += 1;
        stored += answer.stored;
        refused += answer.refused;
        expanded += instances(&meanings);
    }
    assert_eq!(
        world.core.check(false).unwrap().problems,
        Vec::<String>::new()
    );
    println!(
        "administration: {count} files, {stored} objects with {expanded} instances, {refused} components refused"
    );
}

#[test]
fn wcap_gives_back_what_it_got() {
    let world = World::new();
    let (mut count, mut stored, mut refused) = (0, 0, 0);
    for (name, file) in good_files() {
        let [first, second] = [world.calendar(), world.calendar()];
        let answer = world.import(&first, "text/calendar", &file);
        assert_told(&name, &file, &answer);
        let expected = match (answer.stored, answer.refused, answer.faults.len()) {
            (0, 0, 1..) => "37",
            (0, 1.., _) => "35",
            _ => "0",
        };
        assert_eq!(answer.errno, expected, "{name}");
        let printed = world.export(&first, "text/calendar");
        assert_same(&name, &file, &printed, Closeness::Stamped);
        world.import(&second, "text/calendar", &printed);
        assert!(world.export(&second, "text/calendar") == printed, "{name}");
        count += 1;
        stored += answer.stored;
        refused += answer.refused;
    }
    println!("import.wcap, text: {count} files, {stored} objects, {refused} components refused");
}

#[test]
fn xml_gives_back_what_it_got() {
    let world = World::new();
    let (mut count, mut stored) = (0, 0);
    for (name, file) in good_files() {
        let [first, second, third] = [world.calendar(), world.calendar(), world.calendar()];
        let taken = world.take(&first, &file);
        let document = world.export(&first, "text/xml");
        let answer = world.import(&second, "text/xml", &document);
        assert_eq!(
            (answer.errno.as_str(), &answer.faults[..]),
            ("0", &[][..]),
            "{name}"
        );
        assert_eq!((answer.stored, answer.refused), (taken.stored, 0), "{name}");
        let printed = world.export(&second, "text/calendar");
        assert_same(&name, &file, &printed, Closeness::Typed);
        // From here on nothing changes any more, to the byte.
        let document = world.export(&second, "text/xml");
        world.import(&third, "text/xml", &document);
        assert!(world.export(&third, "text/xml") == document, "{name}");
        count += 1;
        stored += answer.stored;
    }
    println!("import.wcap, XML: {count} files, {stored} objects");
}

/// The forms of RFC 6321 and RFC 7265.
#[test]
fn standard_forms_give_back_what_they_got() {
    let world = World::new();
    for format in ["application/calendar%2Bxml", "application/calendar+json"] {
        let (mut count, mut stored) = (0, 0);
        for (name, file) in good_files() {
            let [first, second, third] = [world.calendar(), world.calendar(), world.calendar()];
            let taken = world.take(&first, &file);
            let document = world.export(&first, format);
            let answer = world.import(&second, format, &document);
            assert_eq!(
                (answer.errno.as_str(), &answer.faults[..]),
                ("0", &[][..]),
                "{name}"
            );
            assert_eq!((answer.stored, answer.refused), (taken.stored, 0), "{name}");
            let printed = world.export(&second, "text/calendar");
            assert_same(&name, &file, &printed, Closeness::Standard);
            // From here on nothing changes any more, to the byte.
            let document = world.export(&second, format);
            world.import(&third, format, &document);
            assert!(world.export(&third, format) == document, "{name}");
            count += 1;
            stored += answer.stored;
        }
        println!("import.wcap, {format}: {count} files, {stored} objects");
    }
}

/// How many components were left out for which reason.
fn reasons(faults: &[String]) -> Vec<(usize, Why)> {
    let mut counts = [0; REASONS.len()];
    for fault in faults.iter().filter(|fault| fault.contains("was left out")) {
        let mut reasons = (0..REASONS.len()).filter(|&at| fault.contains(REASONS[at]));
        let reason = reasons.next();
        assert!(reasons.next().is_none(), "{fault}");
        counts[reason.unwrap_or_else(|| panic!("not explained: {fault}"))] += 1;
    }
    let all = counts.into_iter().zip(REASONS);
    all.filter(|(count, _)| *count > 0).collect()
}

#[test]
fn every_refusal_is_explained() {
    let world = World::new();
    let folders = ["real", "recurrence", "invalid"];
    let files: Vec<_> = folders.into_iter().flat_map(files::corpus).collect();
    if files.is_empty() {
        return;
    }
    let mut found = Vec::new();
    for (name, file) in &files {
        let answer = world.import(&world.calendar(), "text/calendar", file);
        let reasons = reasons(&answer.faults);
        if !reasons.is_empty() {
            found.push((name.as_str(), reasons));
        }
        assert!(answer.refused == 0 || !answer.faults.is_empty(), "{name}");
    }
    let expected: Vec<_> = refusals::TABLE
        .iter()
        .map(|(name, why)| (*name, why.to_vec()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_broken_file_of_our_own_is_named_line_by_line() {
    let world = World::new();
    let file = files::one("broken.ics");
    let answer = world.import(&world.calendar(), "text/calendar", &file);
    assert_told("broken.ics", &file, &answer);
    assert_eq!(
        (answer.stored, answer.refused, answer.faults.len()),
        (1, 6, 13)
    );
    assert_eq!(
        answer.faults[0],
        "line 4: this VEVENT was left out: line 7: DTSTART: expected a date or a time written YYYYMMDDTHHMMSS, with Z for UTC"
    );
}

#[test]
fn hostile_files_do_no_harm() {
    let world = World::new();
    let mut hostile = files::corpus("hostile");
    let own = [
        ("nested", "BEGIN:VEVENT\n".repeat(20_000)),
        ("dates", format!("BEGIN:VEVENT\nUID:1\nDTSTART:20240101\nEXDATE:{}\nEND:VEVENT\n", ",".repeat(100_000))),
        ("rules", "BEGIN:VEVENT\nDTSTART:20240101T000000Z\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT\n".repeat(5)),
        ("elements", format!("<iCalendar><iCal>{}", "<EVENT>".repeat(20_000))),
        ("xcal", format!("<icalendar xmlns=\"urn:ietf:params:xml:ns:icalendar-2.0\">{}", "<vcalendar><components>".repeat(20_000))),
        ("jcal", "[\"vcalendar\",[],[".repeat(20_000) + &"]]".repeat(20_000)),
        ("brackets", format!("[\"vcalendar\",[{}[]],[]]", "[],".repeat(1_000_000))),
    ];
    hostile.extend(own.map(|(name, text)| (name.to_owned(), text.into_bytes())));
    for (name, file) in hostile {
        for format in [
            "text/calendar",
            "text/xml",
            "application/calendar%2Bxml",
            "application/calendar%2Bjson",
        ] {
            // At least one of three times, for the machine may be busy.
            let taken = (0..3).map(|_| {
                let calid = world.calendar();
                let begun = Instant::now();
                let answer = world.import(&calid, format, &file);
                assert!(
                    ["0", "35", "37"].contains(&&*answer.errno),
                    "{name}: {answer:?}"
                );
                world.export(&calid, format);
                begun.elapsed()
            });
            let taken: Vec<_> = taken.take_while(|taken| *taken >= STALL).collect();
            assert!(taken.len() < 3, "{name} as {format}: {taken:?}");
        }
    }
    assert_eq!(
        world.core.check(false).unwrap().problems,
        Vec::<String>::new()
    );
}

/// The program itself, alone and as the client of a server.
#[test]
fn the_program_gives_back_what_it_got() {
    let config = DataDir::new();
    let cheap = "[auth]\nargon2_memory_kib = 8\nargon2_passes = 1\nscram_iterations = 4096\n";
    std::fs::write(config.join("wcapd.toml"), cheap).unwrap();
    let config = config.join("wcapd.toml");
    let names = [
        "folded.ics",
        "several.ics",
        "ical4j-bears.ics",
        "libical-recur.txt",
        "rie-issue_48_dst.ics",
    ];
    let files = good_files()
        .into_iter()
        .filter(|(name, _)| names.contains(&name.as_str()));
    let files: Vec<_> = files.collect();
    let data = DataDir::new();
    let run = |arguments: &[&str]| {
        let mut command = server::command(arguments);
        command
            .args(["--data", data.text(), "--config"])
            .arg(&config);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        (output.stdout, said)
    };
    let password = config.with_file_name("password");
    std::fs::write(&password, "secret\n").unwrap();
    let mut add = server::command(&[
        "user",
        "add",
        "tom",
        "--password-stdin",
        "--data",
        data.text(),
        "--config",
    ]);
    add.arg(&config)
        .stdin(std::fs::File::open(&password).unwrap());
    assert!(add.status().unwrap().success());
    let mut serving = None;
    for turn in ["alone", "served"] {
        for (at, (name, file)) in files.iter().enumerate() {
            let path = config.with_file_name(name);
            std::fs::write(&path, file).unwrap();
            let calid = format!("tom:{turn}{at}");
            run(&["calendar", "create", &calid, "--owner", "tom"]);
            let (_, said) = run(&["import", &calid, path.to_str().unwrap()]);
            let before = read(file);
            let counts = format!(
                "{} stored, {} refused\n",
                before.objects.len(),
                before.refused
            );
            assert!(said.ends_with(&counts), "{name}: {said}");
            let (printed, _) = run(&["export", &calid]);
            assert_same(name, file, &printed, Closeness::Verbatim);
        }
        if serving.is_none() {
            serving = Some(Server::start(
                &data,
                &["--config", config.to_str().unwrap()],
            ));
        }
    }
    // What was imported alone is there for the server, too.
    let (printed, _) = run(&["export", "tom:alone0"]);
    assert_same(&files[0].0, &files[0].1, &printed, Closeness::Verbatim);
    run(&["check"]);
}
