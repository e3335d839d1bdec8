//! Every dependency may be used under a licence that `deny.toml` allows. What cargo-deny knows
//! beyond that (vulnerabilities, withdrawn crates) is `tests/deny`'s work.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::{report, top};

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
