//! What the pages (`*.md`) show exists: files they link to, scripts and commands they name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use super::{files, report, top};

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
