//! The house rules that a machine can hold: floors, names with one home, sizes, and words that
//! must not stand in the tree. Reads the source as text and runs nothing of the server.
//!
//! What the compiler and clippy hold (no `unsafe`, documented items, no stray `unwrap`) is not
//! repeated here. What the pages say and what dependencies carry is in `tidy/`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

#[path = "tidy/licences.rs"]
mod licences;
#[path = "tidy/pages.rs"]
mod pages;

/// Longest file, in lines. Past it, look for a second noun.
const MAX_LINES: usize = 600;

/// The floors from the ground up, as `src/lib.rs` draws them: what stands on one imports from those
/// below it and from itself.
const FLOORS: &[(u8, &[&str])] = &[
    (0, &["ical", "text", "limits", "metric"]),
    (1, &["model"]),
    (2, &["store"]),
    (3, &["core"]),
    (
        4,
        &[
            "wcap", "cap", "web", "admin", "ldap", "host", "observe", "codes", "dispatch", "guard",
            "tls", "origin",
        ],
    ),
    (5, &["app", "cli", "config", "main", "lib"]),
];

/// Modules that everything on their own floor may use.
const SHARED: &[&str] = &[
    "limits", "metric", "codes", "dispatch", "guard", "tls", "origin",
];

/// The doors, which alone, beside the roof, know HTTP and wait for input and output.
const DOORS: &[&str] = &["wcap", "cap", "web", "admin", "ldap", "observe"];

/// Words of the source and the only places, by the start of their path, where they may stand.
const HOMES: &[(&str, &[&str])] = &[
    ("redb::", &["src/store/engine/redb"]),
    ("quick_xml", &["src/text/"]),
    ("serde_json::Value", &["src/text/"]),
    ("serde_json::json!", &["src/text/"]),
    ("rustls::", &["src/tls"]),
    ("tokio_rustls::", &["src/tls"]),
    ("rcgen::", &["src/tls"]),
    ("ldap3::", &["src/ldap/"]),
    ("nix::", &["src/host"]),
    ("x509_parser::", &["src/tls"]),
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
            "src/dispatch.rs",
            "src/tls",
            "src/ldap/",
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
    "SECURITY.md",
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
    // Tests may ask a library for a second opinion.
    for (path, _, text) in source()
        .into_iter()
        .filter(|(path, ..)| !path.ends_with("tests.rs"))
    {
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
        // The step from the doors to the core is asynchronous on the doors' side.
        let waits =
            DOORS.contains(&module.as_str()) || ["dispatch", "tls"].contains(&module.as_str());
        if waits || floor(&module) == Some(5) {
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
        // A fuzz target opens with the attribute that makes it one; the noun of a `tests.rs` is the
        // module's that it tests.
        let first = text.lines().find(|line| !line.starts_with("#!["));
        let opened = first.is_some_and(|line| line.starts_with("//! "));
        if !opened && !path.ends_with("/tests.rs") {
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
    ]
    .iter()
    .map(|(a, b)| format!("{a}{b}"))
    .collect();
    let sleeps = format!("thread::sl{}", "eep");
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
            let tests = file.path.starts_with("tests/") || file.path.ends_with("tests.rs");
            if tests && line.contains(&sleeps) {
                complaints.push(format!("{}:{} sleeps", file.path, index + 1));
            }
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
