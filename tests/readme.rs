//! What the pages for users show is so: their shell commands run, in order, with the machine's own
//! `sh` and `curl` against the built server, and answer what is printed below them.
//!
//! A fenced block `sh` is a step. A block of another language right after it is its answer, line by
//! line; the line `...` stands for any number of lines left out. Only the address, stamps, session
//! ids and the version may differ. What other pages say about commands is checked in `tidy`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use common::server::Server;
use wcapd::config::Config;
use wcapd::config::table::Key;
use wcapd::wcap::{errno, registry};

/// The address that the pages show.
const SHOWN: &str = "127.0.0.1:8080";

/// What separates the output of two steps.
const MARK: &str = "=== end of a step ===";

/// Properties whose values differ from run to run: compared by their form.
const VARIES: &[&str] = &[
    "DTSTAMP",
    "CREATED",
    "LAST-MODIFIED",
    "LAST-MOD",
    "COMPLETED",
    "X-NSCP-CALPROPS-CREATED",
    "X-NSCP-CALPROPS-LAST-MODIFIED",
    "X-NSCP-WCAP-SESSION-ID",
    "X-NSCP-GUID0",
    "X-NSCP-WCAPTIME",
    "PRODID",
    "iCal version",
    "X-NSCP-SERVERVERSION",
];

/// A command and what it is said to answer.
struct Step {
    line: usize,
    command: String,
    answer: Option<Vec<String>>,
}

fn page(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// The steps of the part of `text` below the heading, up to the next one of its rank.
fn section<'a>(text: &'a str, heading: &str) -> Vec<Step> {
    let lines: Vec<&'a str> = text.lines().collect();
    let start = lines.iter().position(|line| *line == heading);
    let start = start.unwrap_or_else(|| panic!("no heading {heading:?}")) + 1;
    let mut in_block = false;
    let end = lines[start..].iter().position(|line| {
        in_block ^= line.starts_with("```");
        !in_block && line.starts_with("## ")
    });
    steps(&lines, start, end.map_or(lines.len(), |end| start + end))
}

fn steps(lines: &[&str], start: usize, end: usize) -> Vec<Step> {
    let mut found: Vec<Step> = Vec::new();
    // Whether a block here belongs to the last step.
    let mut adjacent = false;
    let mut at = start;
    while at < end {
        let Some(language) = lines[at].strip_prefix("```") else {
            adjacent &= lines[at].is_empty();
            at += 1;
            continue;
        };
        let length = lines[at + 1..].iter().position(|line| *line == "```");
        let length = length.unwrap_or_else(|| panic!("line {}: the block has no end", at + 1));
        let block = &lines[at + 1..at + 1 + length];
        if language == "sh" {
            found.push(Step {
                line: at + 1,
                command: block.join("\n"),
                answer: None,
            });
            adjacent = true;
        } else if let Some(step) = found.last_mut().filter(|_| adjacent) {
            step.answer = Some(block.iter().map(|line| (*line).to_owned()).collect());
            adjacent = false;
        }
        at += length + 2;
    }
    assert!(!found.is_empty(), "there are commands to run");
    found
}

/// Runs a script in an empty folder, with nothing of whoever runs the tests but the search path.
fn shell(script: &str, folder: &Path) -> Output {
    let output = Command::new("sh")
        .args(["-eu", "-c", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .output()
        .expect("sh is there");
    let (said, errors) = (&output.stdout, &output.stderr);
    assert!(
        output.status.success(),
        "{}: {}\n{}",
        output.status,
        String::from_utf8_lossy(errors),
        String::from_utf8_lossy(said)
    );
    output
}

/// Runs the steps as one paste and compares each answer.
fn check(name: &str, steps: &[Step]) {
    let server = Server::demo();
    let folder = tempfile::tempdir().unwrap();
    let mut script = String::new();
    for step in steps {
        let command = step.command.replace(SHOWN, &server.http.to_string());
        let _ = writeln!(script, "{command}\nprintf '\\n%s\\n' '{MARK}'");
    }
    let output = shell(&script, folder.path());
    let text = String::from_utf8(output.stdout).expect("answers are UTF-8");
    let text = text
        .replace('\r', "")
        .replace(&server.http.to_string(), SHOWN);
    let outputs: Vec<&str> = text.split_terminator(&format!("\n{MARK}\n")).collect();
    assert_eq!(outputs.len(), steps.len(), "{text}");
    let mut complaints = String::new();
    for (step, output) in steps.iter().zip(outputs) {
        let came: Vec<&str> = output.lines().collect();
        let place = format!("{name}:{}", step.line);
        match &step.answer {
            Some(answer) => {
                let shown: Vec<&str> = answer.iter().map(String::as_str).collect();
                if !shows(&shown, &came) {
                    let _ = writeln!(complaints, "{place} shows another answer than\n{output}");
                }
            }
            // A command whose answer is not printed is said to succeed.
            None => {
                let bad = came.iter().any(|line| {
                    let errno = line.strip_prefix("X-NSCP-WCAP-ERRNO:");
                    errno.is_some_and(|errno| errno != "0")
                });
                if bad {
                    let _ = writeln!(complaints, "{place} fails:\n{output}");
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
}

/// Whether the lines that came are those shown, with any lines for `...`.
fn shows(shown: &[&str], came: &[&str]) -> bool {
    match shown.split_first() {
        None => came.is_empty(),
        Some((&"...", rest)) => (0..=came.len()).any(|skip| shows(rest, &came[skip..])),
        Some((first, rest)) => came
            .split_first()
            .is_some_and(|(line, others)| form(first) == form(line) && shows(rest, others)),
    }
}

/// A line that differs from run to run, with every letter and digit after its name made `0`.
fn form(line: &str) -> String {
    let varies = VARIES.iter().find_map(|name| {
        let rest = line.trim_start_matches('<').strip_prefix(name)?;
        rest.starts_with([':', '>', '=']).then_some(rest)
    });
    let Some(rest) = varies else {
        return line.to_owned();
    };
    let name = &line[..line.len() - rest.len()];
    let masked = rest.chars().map(|c| match c.is_ascii_alphanumeric() {
        true => '0',
        false => c,
    });
    name.chars().chain(masked).collect()
}

#[test]
fn the_session_with_curl_runs_as_printed() {
    let text = page("README.md");
    let steps = section(&text, "## A session with curl");
    let answers = steps.iter().filter(|step| step.answer.is_some()).count();
    assert!(answers >= 5, "the interesting answers are shown");
    check("README.md", &steps);
}

/// The request of the article, and its document without any line left out.
#[test]
fn the_first_request_answers_the_articles_document() {
    let text = page("README.md");
    let steps = section(&text, "## Start");
    assert_eq!(steps[0].command, "cargo run --release -- serve --demo");
    let step = &steps[1];
    assert!(step.command.starts_with("curl 'http://"));
    let shown = step.answer.as_ref().expect("the document is shown");
    assert!(!shown.iter().any(|line| line == "..."));
    let server = Server::demo();
    let folder = tempfile::tempdir().unwrap();
    let command = step.command.replace(SHOWN, &server.http.to_string());
    let output = shell(&format!("{command} -s -D head"), folder.path());
    let document = String::from_utf8(output.stdout).unwrap();
    let came: Vec<&str> = document.lines().collect();
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    assert!(shows(&shown, &came), "{document}");
    let head = fs::read_to_string(folder.path().join("head")).unwrap();
    let head = head.replace('\r', "");
    let (status, fields) = head.split_once('\n').unwrap();
    assert_eq!(status, "HTTP/1.1 200 OK");
    let field = |name: &str| {
        fields.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    };
    assert_eq!(field("content-type"), Some("text/xml; charset=UTF-8"));
    assert_eq!(field("pragma"), Some("no-cache"));
    assert_eq!(field("expires"), Some("0"));
    let caching = field("cache-control").unwrap_or_default();
    assert!(caching.split(", ").any(|word| word == "no-cache"), "{head}");
    assert!(field("last-modified").is_some(), "{head}");
}

#[test]
fn the_test_command_is_there() {
    let text = page("README.md");
    let steps = section(&text, "## Tests");
    assert_eq!(steps[0].command, "tests/run");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run");
    let mode = fs::metadata(&script).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "tests/run can be run");
    let help = Command::new(&script).arg("--help").output().unwrap();
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("--quick"), "{help}");
}

#[test]
fn the_scripts_page_runs_as_printed() {
    let text = page("docs/scripts.md");
    let lines: Vec<&str> = text.lines().collect();
    let steps = steps(&lines, 0, lines.len());
    check("docs/scripts.md", &steps);
    let commands: String = steps.iter().map(|step| step.command.as_str()).collect();
    for row in registry::rows() {
        let name = format!("/{}.wcap", row.name);
        assert!(commands.contains(&name), "no example calls {name}");
    }
}

/// The commands for operators run on a store of their own, with the page's configuration.
#[test]
fn the_operators_page_runs() {
    let text = page("docs/operators.md");
    let folder = tempfile::tempdir().unwrap();
    let (_, toml) = text.split_once("```toml\n").expect("a configuration");
    let (toml, _) = toml.split_once("```").unwrap();
    let data = toml.replace("/var/lib/wcapd", "data");
    assert_ne!(data, toml);
    fs::write(folder.path().join("wcapd.toml"), data).unwrap();
    let mut script = format!(
        "wcapd() {{ '{}' \"$@\"; }}\nexport WCAPD_CONFIG=wcapd.toml\n",
        common::server::binary().display()
    );
    for heading in [
        "## Accounts and calendars",
        "## Rights on all calendars",
        "## Messages for people elsewhere",
        "## Calendars from elsewhere",
    ] {
        for step in section(&text, heading) {
            let _ = writeln!(script, "{}", step.command);
        }
    }
    let steps = section(&text, "## Backup, check, restore");
    let [backup, restore] = steps.as_slice() else {
        panic!("a backup and a restore are shown");
    };
    let (backup, restore) = (&backup.command, &restore.command);
    let _ = writeln!(script, "{backup}\nmv data old\n{restore}\nwcapd user list");
    let output = shell(&script, folder.path());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.matches("nothing is wrong").count(), 2, "{said}");
    let (_, users) = said.rsplit_once("NAME").unwrap();
    assert!(users.contains("alice@example.org"), "{said}");
    let work = fs::read_to_string(folder.path().join("work.ics")).unwrap();
    assert!(work.contains("SUMMARY:Lunch"), "{work}");
}

/// What the page says about limits are the defaults.
#[test]
fn the_operators_page_knows_the_limits() {
    let text = page("docs/operators.md");
    let defaults = Config::default();
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `limits."))
        .collect();
    assert!(rows.len() >= 6);
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let path = cells[1].trim_matches('`');
        let key = Key::find(path).unwrap_or_else(|| panic!("no key {path}"));
        let shown = key.show(&defaults);
        assert_eq!(cells[2], shown.trim_matches('"').replace('_', ""), "{path}");
    }
}

/// The reference page is what the registry prints; `UPDATE=1` writes it anew.
#[test]
fn the_reference_is_up_to_date() {
    let current = format!(
        "<!-- Printed from the source: UPDATE=1 cargo test --test readme -->\n\n{}\n\
         ## Results\n\nThe number in `X-NSCP-WCAP-ERRNO`. Some are here because clients know them, \
         and are never sent by this\nserver.\n\n{}",
        registry::reference(),
        errno::reference()
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/wcap-reference.md");
    let old = fs::read_to_string(&path).unwrap_or_default();
    if old != current {
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &current).unwrap();
        }
        panic!("docs/wcap-reference.md is behind the source; UPDATE=1 writes it: read the diff");
    }
}

#[test]
fn left_out_lines_and_stamps_match_nothing_else() {
    let came = ["A:1", "B:2", "DTSTAMP:20070101T000000Z", "C:3"];
    let shows = |shown: &[&str]| shows(shown, &came);
    assert!(shows(&["A:1", "...", "C:3"]));
    assert!(shows(&["...", "DTSTAMP:20260101T101112Z", "C:3"]));
    assert!(shows(&["...", "C:3", "..."]));
    assert!(!shows(&["...", "B:2"]));
    assert!(!shows(&["B:2", "..."]));
    assert!(!shows(&["A:1", "...", "C:4"]));
    assert!(!shows(&["...", "DTSTAMP:20260101", "C:3"]));
}
