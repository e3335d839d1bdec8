//! The house rules that a machine can hold: floors, names with one home, sizes, and words that
//! must not stand in the tree. Reads the source as text and runs nothing of the server.
//!
//! What the compiler and clippy hold (no `unsafe`, documented items, no stray `unwrap`) is not
//! repeated here.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest file, in lines. Past it, look for a second noun.
const MAX_LINES: usize = 600;

/// The floors from the ground up, as `src/lib.rs` draws them: what stands on one imports from those
/// below it and from itself.
const FLOORS: &[(u8, &[&str])] = &[
    (0, &["ical", "text", "limits", "metric"]),
    (1, &["model"]),
    (2, &["store"]),
    (3, &["core"]),
    (4, &["wcap", "cap", "web", "admin", "observe", "codes"]),
    (5, &["app", "cli", "config", "main", "lib"]),
];

/// Modules that everything on their own floor may use.
const SHARED: &[&str] = &["limits", "metric", "codes"];

/// The doors, which alone, beside the roof, know HTTP and wait for input and output.
const DOORS: &[&str] = &["wcap", "cap", "web", "admin", "observe"];

/// Words of the source and the only places, by the start of their path, where they may stand.
const HOMES: &[(&str, &[&str])] = &[
    ("redb::", &["src/store/engine/redb"]),
    ("quick_xml", &["src/text/"]),
    ("serde_json::Value", &["src/text/"]),
    ("serde_json::json!", &["src/text/"]),
    (
        "axum::",
        &["src/wcap/", "src/web/", "src/observe", "src/app"],
    ),
    (
        "tokio::",
        &[
            "src/wcap/",
            "src/cap/",
            "src/web/",
            "src/admin/",
            "src/observe",
            "src/app",
            "src/cli",
            "src/main.rs",
        ],
    ),
];

/// What may stand at the top of the tree.
const TOP: &[&str] = &[
    ".ci",
    ".dockerignore",
    ".editorconfig",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "DESIGN.md",
    "Dockerfile",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "benches",
    "build.rs",
    "clippy.toml",
    "deny.toml",
    "docs",
    "fuzz",
    "justfile",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "src",
    "static",
    "templates",
    "tests",
];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project: its path from the top, with `/`, and its text (`None` if it is not text).
struct File {
    path: String,
    text: Option<String>,
}

/// All files that git knows or would add; without git, all but what builds leave behind.
fn files() -> Vec<File> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(top())
        .output();
    let mut paths: Vec<String> = match listed {
        Ok(listed) if listed.status.success() && !listed.stdout.is_empty() => {
            let text = String::from_utf8(listed.stdout).expect("paths are UTF-8");
            text.split_terminator('\0').map(str::to_owned).collect()
        }
        _ => {
            let mut found = Vec::new();
            walk(top(), &mut found);
            found
        }
    };
    paths.sort();
    paths.dedup();
    let files: Vec<File> = paths
        .into_iter()
        .filter_map(|path| {
            // Deleted but not yet committed as such.
            let bytes = std::fs::read(top().join(&path)).ok()?;
            Some(File {
                path,
                text: String::from_utf8(bytes).ok(),
            })
        })
        .collect();
    assert!(
        files.iter().any(|file| file.path == "src/lib.rs"),
        "the project's files are found"
    );
    files
}

fn walk(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", ".git", "wcapd-data"].contains(&name.as_str()) {
                walk(&path, found);
            }
        } else {
            let relative = path.strip_prefix(top()).unwrap();
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
}

/// The Rust files among them, with their text.
fn rust() -> Vec<(String, String)> {
    let files = files().into_iter();
    files
        .filter(|file| file.path.ends_with(".rs"))
        .map(|file| (file.path, file.text.expect("Rust is UTF-8")))
        .collect()
}

/// The Rust files under `src/`, with the module of the top that each belongs to.
fn source() -> Vec<(String, String, String)> {
    let rust = rust().into_iter();
    rust.filter_map(|(path, text)| {
        let inside = path.strip_prefix("src/")?;
        let module = inside.split(['/', '.']).next()?.to_owned();
        Some((path, module, text))
    })
    .collect()
}

/// The lines of code with their numbers: comments are left out, and what `//` cuts off with them.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let line = match line.find("//") {
            // Not inside an address such as http://.
            Some(at) if !line[..at].ends_with(':') => &line[..at],
            _ => line,
        };
        (!line.trim().is_empty()).then_some((index + 1, line))
    })
}

fn floor(module: &str) -> Option<u8> {
    let found = FLOORS.iter().find(|(_, modules)| modules.contains(&module));
    found.map(|(floor, _)| *floor)
}

/// The modules of the top that a piece of code names: after `crate::`, alone or in a group.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        let text = text.trim_start();
        text.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for (at, matched) in code.match_indices("crate::") {
        if code[..at].ends_with('$') || code[..at].ends_with(|c: char| c.is_alphanumeric()) {
            continue;
        }
        let rest = &code[at + matched.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        found.insert(word(group));
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.insert(word(&group[at + 1..]));
                }
                _ => {}
            }
        }
    }
    found.remove("");
    found
}

/// Fails with all complaints at once.
fn report(complaints: &[String], rule: &str) {
    assert!(
        complaints.is_empty(),
        "{rule}:\n  {}\n",
        complaints.join("\n  ")
    );
}

#[test]
fn imports_point_down() {
    let mut complaints = Vec::new();
    for (path, module, text) in source() {
        let Some(own) = floor(&module) else {
            complaints.push(format!(
                "{path}: the module {module} stands on no floor of tests/tidy.rs"
            ));
            continue;
        };
        let code: String = code(&text).fold(String::new(), |mut all, (_, line)| {
            let _ = writeln!(all, "{line}");
            all
        });
        for import in imports(&code) {
            // Lower-case words that are no module are macros and functions of the crate root.
            let Some(other) = floor(&import) else {
                continue;
            };
            let allowed = import == module
                || other < own
                || own == 5
                || (other == own && SHARED.contains(&import.as_str()));
            if !allowed {
                complaints.push(format!(
                    "{path} (floor {own}) imports crate::{import} (floor {other})"
                ));
            }
        }
    }
    report(
        &complaints,
        "imports point down or within a folder; doors never import one another",
    );
}

#[test]
fn imports_are_read_from_every_form() {
    let code = "use crate::ical::{self, value};\nuse crate::{\n  model::{id, acl},\n  store,\n};\n\
                let x = crate::core::y(); $crate::text!(); wcrate::no();";
    let found: Vec<String> = imports(code).into_iter().collect();
    assert_eq!(found, ["core", "ical", "model", "store"]);
}

#[test]
fn names_have_one_home() {
    let mut complaints = Vec::new();
    for (path, _, text) in source() {
        for (number, line) in code(&text) {
            for (word, homes) in HOMES {
                let named = line.match_indices(word).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_:\"".contains(c))
                });
                if named && !homes.iter().any(|home| path.starts_with(home)) {
                    complaints.push(format!(
                        "{path}:{number} names {word}, which lives in {homes:?}"
                    ));
                }
            }
        }
    }
    report(&complaints, "a library is named in its home alone");
}

#[test]
fn only_doors_and_roof_wait() {
    let mut complaints = Vec::new();
    for (path, module, text) in source() {
        if DOORS.contains(&module.as_str()) || floor(&module) == Some(5) {
            continue;
        }
        for (number, line) in code(&text) {
            if ["async fn", "async move", ".await"]
                .iter()
                .any(|word| line.contains(word))
            {
                complaints.push(format!("{path}:{number} is asynchronous"));
            }
        }
    }
    report(&complaints, "only the doors and the roof are asynchronous");
}

#[test]
fn files_open_with_their_noun_and_stay_short() {
    let mut complaints = Vec::new();
    for (path, text) in rust() {
        // A fuzz target opens with the attribute that makes it one.
        let first = text.lines().find(|line| !line.starts_with("#!["));
        if !first.is_some_and(|line| line.starts_with("//! ")) {
            complaints.push(format!("{path} does not open with //!"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            complaints.push(format!("{path} has {lines} lines"));
        }
    }
    report(
        &complaints,
        &format!("files say what they are and have at most {MAX_LINES} lines"),
    );
}

#[test]
fn source_is_ascii() {
    let mut complaints = Vec::new();
    for (path, text) in rust() {
        for (index, line) in text.lines().enumerate() {
            if let Some(odd) = line.chars().find(|c| !c.is_ascii() || *c == '\t') {
                complaints.push(format!("{path}:{} has {odd:?}", index + 1));
            }
        }
    }
    report(&complaints, "source is ASCII without tabs");
}

#[test]
fn nothing_is_left_over() {
    // Written in halves, so that this file does not hold what it looks for.
    let in_code: Vec<String> = [
        ("to", "do!("),
        ("unimpl", "emented!("),
        ("db", "g!("),
        ("#[ig", "nore"),
        ("thread::sl", "eep"),
    ]
    .iter()
    .map(|(a, b)| format!("{a}{b}"))
    .collect();
    let anywhere: Vec<String> = [
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        (".libr", "ary/"),
    ]
    .iter()
    .map(|(a, b)| format!("{a}{b}"))
    .collect();
    let mut complaints = Vec::new();
    for file in files() {
        let Some(text) = &file.text else { continue };
        // Calendar files and transcripts hold what others wrote.
        let ours = !["ics", "txt", "lock"]
            .iter()
            .any(|end| file.path.ends_with(&format!(".{end}")));
        for (index, line) in text.lines().enumerate().filter(|_| ours) {
            let words = if file.path.ends_with(".rs") {
                in_code.as_slice()
            } else {
                &[]
            };
            for word in words.iter().chain(&anywhere) {
                if line.contains(word.as_str()) {
                    complaints.push(format!("{}:{} has {word}", file.path, index + 1));
                }
            }
        }
    }
    report(
        &complaints,
        "no left-overs, no path of somebody's machine, no sleeping",
    );
}

#[test]
fn the_top_is_in_order() {
    let mut complaints = BTreeSet::new();
    for file in files() {
        let name = file.path.split('/').next().unwrap().to_owned();
        if !TOP.contains(&name.as_str()) {
            complaints.insert(format!("{name} is not in the list of tests/tidy.rs"));
        }
    }
    let complaints: Vec<String> = complaints.into_iter().collect();
    report(&complaints, "no stray files at the top");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut complaints = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".md")) {
        let folder: PathBuf = top().join(&file.path).parent().unwrap().to_owned();
        let text = file.text.as_deref().expect("pages are UTF-8");
        for (index, line) in text.lines().enumerate() {
            for link in line.split("](").skip(1) {
                let target = link.split([')', '#', ' ']).next().unwrap_or_default();
                let elsewhere = target.contains("://") || target.starts_with("mailto:");
                if !target.is_empty() && !elsewhere && !folder.join(target).exists() {
                    complaints.push(format!("{}:{} leads to {target}", file.path, index + 1));
                }
            }
        }
    }
    report(&complaints, "links lead to files that are there");
}

#[test]
fn commands_of_the_pages_exist() {
    let mut complaints = Vec::new();
    let mut tried = BTreeMap::new();
    for file in files().iter().filter(|file| file.path.ends_with(".md")) {
        let text = file.text.as_deref().expect("pages are UTF-8");
        let mut in_shell = false;
        for (index, line) in text.lines().enumerate() {
            if let Some(language) = line.strip_prefix("```") {
                in_shell = language == "sh";
                continue;
            }
            for command in line.split(['|', ';', '&']).filter(|_| in_shell) {
                let words: Vec<&str> = command.split_whitespace().collect();
                let place = format!("{}:{}", file.path, index + 1);
                if let Some(script) = words.first().filter(|word| word.starts_with("tests/"))
                    && !top().join(script).is_file()
                {
                    complaints.push(format!("{place}: there is no {script}"));
                }
                let Some(arguments) = arguments(&words) else {
                    continue;
                };
                let known = tried.entry(arguments.clone()).or_insert_with(|| {
                    let mut program = Command::new(env!("CARGO_BIN_EXE_wcapd"));
                    program
                        .args(&arguments)
                        .arg("--help")
                        .output()
                        .unwrap()
                        .status
                        .success()
                });
                if !*known {
                    complaints.push(format!("{place}: wcapd knows no command {arguments:?}"));
                }
            }
        }
    }
    report(&complaints, "the pages show commands that exist");
}

/// The command after `wcapd` or `cargo run ... --`: its words up to the first option or the first
/// word that cannot be a command. At most two, as in `user add`.
fn arguments(words: &[&str]) -> Option<Vec<String>> {
    const PAIRED: &[&str] = &["user", "group", "calendar", "session", "outbox"];
    let own = match words {
        ["wcapd", rest @ ..] | ["sudo", "wcapd", rest @ ..] => rest,
        ["cargo", "run", rest @ ..] => {
            let at = rest.iter().position(|word| *word == "--")?;
            &rest[at + 1..]
        }
        _ => return None,
    };
    let count = if own.first().is_some_and(|word| PAIRED.contains(word)) {
        2
    } else {
        1
    };
    let command = own
        .iter()
        .take(count)
        .take_while(|word| !word.starts_with('-'));
    Some(command.map(|word| (*word).to_owned()).collect())
}

#[test]
fn dependencies_carry_allowed_licences() {
    let deny = std::fs::read_to_string(top().join("deny.toml")).unwrap();
    let deny: toml::Table = deny.parse().unwrap();
    let allowed: BTreeSet<&str> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|licence| licence.as_str().unwrap())
        .collect();
    let listed = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}\t{l}"])
        .current_dir(top())
        .output()
        .unwrap();
    let fault = String::from_utf8_lossy(&listed.stderr);
    assert!(listed.status.success(), "cargo tree fails: {fault}");
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut licences = BTreeMap::new();
    for line in listed.lines() {
        let (package, licence) = line.split_once('\t').unwrap_or((line, ""));
        licences.insert(package, licence.trim_end_matches(" (*)"));
    }
    assert!(
        licences.len() > 100,
        "all dependencies are listed, not {}",
        licences.len()
    );
    let refused: Vec<String> = licences
        .iter()
        .filter(|(_, licence)| !permits(licence, &allowed))
        .map(|(package, licence)| format!("{package}: {licence:?}"))
        .collect();
    report(
        &refused,
        "every dependency may be used under a licence of deny.toml",
    );
}

/// Whether an SPDX expression can be met by licences of `allowed`: one side of each OR, all sides
/// of each AND. `/` is the old way to write OR; an exception to a licence only widens it.
fn permits(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let met = any_of(&mut words, allowed);
    met && words.is_empty()
}

fn any_of(words: &mut Vec<&str>, allowed: &BTreeSet<&str>) -> bool {
    let mut met = all_of(words, allowed);
    while words.last() == Some(&"OR") {
        words.pop();
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut Vec<&str>, allowed: &BTreeSet<&str>) -> bool {
    let mut met = one(words, allowed);
    while words.last() == Some(&"AND") {
        words.pop();
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Vec<&str>, allowed: &BTreeSet<&str>) -> bool {
    let met = match words.pop() {
        Some("(") => any_of(words, allowed) & (words.pop() == Some(")")),
        Some(licence) => allowed.contains(licence),
        None => false,
    };
    if words.last() == Some(&"WITH") {
        words.truncate(words.len().saturating_sub(2));
    }
    met
}

#[test]
fn licence_expressions_are_read() {
    let allowed = BTreeSet::from(["MIT", "Apache-2.0", "ISC"]);
    for good in [
        "MIT",
        "MIT/GPL-3.0",
        "GPL-2.0 OR MIT",
        "Apache-2.0 AND ISC",
        "(MIT OR GPL-3.0) AND ISC",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(permits(good, &allowed), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "GPL-2.0 WITH x",
        "(MIT",
        "MIT )",
    ] {
        assert!(!permits(bad, &allowed), "{bad}");
    }
}
