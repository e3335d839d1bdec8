//! WCAP transcripts: every `tests/wcap/COMMAND/CASE.txt` and every `tests/clients/CLIENT/CASE.txt` is one test, sent
//! over a loopback connection to a server of its own with a clock that stands still. The format is in
//! `tests/wcap/README.md`. What they exercise, taken together, is tested too.

#![expect(clippy::expect_used, reason = "tests")]

mod common;
mod coverage;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use wcapd::wcap::registry;

use common::transcript::Transcript;
use common::world::Demo;
use coverage::Coverage;

/// A transcript: its name, such as `login/idle`, and its file.
type Case = (String, PathBuf);

fn main() {
    let mut arguments = Arguments::from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = Arc::new(runtime.expect("a runtime starts"));
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of_commands = cases(&top.join("tests/wcap"), "");
    let of_clients = cases(&top.join("tests/clients"), "clients/");
    assert!(
        !of_commands.is_empty(),
        "expected transcripts in tests/wcap"
    );
    assert!(
        !of_clients.is_empty(),
        "expected transcripts in tests/clients"
    );
    let mut trials = Vec::new();
    for (name, path) in of_commands.iter().chain(&of_clients) {
        let (path, runtime) = (path.clone(), Arc::clone(&runtime));
        trials.push(Trial::test(name, move || run(&path, &runtime)));
    }
    let all: Vec<Case> = of_commands.iter().chain(&of_clients).cloned().collect();
    let shown = of_clients;
    trials.extend([
        Trial::test("every command has a transcript", move || {
            every_command(&of_commands)
        }),
        Trial::test("every client is in the table of compatibility", move || {
            every_client(&shown)
        }),
        Trial::test("coverage is read off transcripts", || {
            Ok(coverage::reads_right()?)
        }),
        Trial::test("coverage of commands, parameters and results", move || {
            covered(&all)
        }),
    ]);
    if std::env::var_os("UPDATE").is_some() {
        // One after the other, so that what is printed can be read.
        arguments.test_threads = Some(1);
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Each row of the registry has a folder of cases, and each folder is a row's.
fn every_command(cases: &[Case]) -> Result<(), Failed> {
    let known: BTreeSet<&str> = registry::rows().map(|row| row.name).collect();
    let told: BTreeSet<&str> = cases
        .iter()
        .filter_map(|(name, _)| Some(name.split_once('/')?.0))
        .collect();
    let missing: Vec<_> = known.difference(&told).collect();
    let strange: Vec<_> = told.difference(&known).collect();
    if missing.is_empty() && strange.is_empty() {
        return Ok(());
    }
    Err(format!("commands without a case: {missing:?}; folders of no command: {strange:?}").into())
}

/// The page for operators leads to each transcript of a client.
fn every_client(cases: &[Case]) -> Result<(), Failed> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
    let page = fs::read_to_string(page)?;
    let untold: Vec<&str> = cases
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !page.contains(&format!("(../tests/{name}.txt)")))
        .collect();
    match untold.is_empty() {
        true => Ok(()),
        false => Err(format!("docs/compatibility.md does not lead to {untold:?}").into()),
    }
}

/// Everything of the protocol occurs in some transcript, and the page says where.
fn covered(cases: &[Case]) -> Result<(), Failed> {
    let mut coverage = Coverage::default();
    for (name, path) in cases {
        coverage.add(name, &Transcript::parse(&fs::read_to_string(path)?)?);
    }
    let complaints = coverage.complaints();
    if !complaints.is_empty() {
        return Err(complaints.join("\n").into());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/wcap-coverage.md");
    let page = coverage.page();
    if fs::read_to_string(&path).unwrap_or_default() == page {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, page)?;
    }
    Err("docs/wcap-coverage.md is behind the transcripts; UPDATE=1 writes it: read the diff".into())
}

/// The `.txt` files one folder below `folder`, in order; the names begin with `prefix`.
fn cases(folder: &Path, prefix: &str) -> Vec<Case> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        let mut paths: Vec<_> = entries
            .map(|entry| entry.expect("readable").path())
            .collect();
        paths.sort();
        paths
    };
    let folders = list(folder).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| list(&folder));
    files
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .map(|path| {
            let name = path.strip_prefix(folder).expect("found inside");
            let name = name.with_extension("");
            let name = name.to_string_lossy().replace('\\', "/");
            (format!("{prefix}{name}"), path)
        })
        .collect()
}

fn run(path: &Path, runtime: &Runtime) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let transcript = Transcript::parse(&text)?;
    let mut world = Demo::new(runtime);
    let Err(failure) = transcript.play(&text, &mut world) else {
        return Ok(());
    };
    let mut report = format!("{}\n{}", path.display(), failure.report);
    match failure.rewritten {
        Some(new) if std::env::var_os("UPDATE").is_some() => {
            fs::write(path, new)?;
            report.push_str("rewritten: read the diff, then run again without UPDATE\n");
        }
        Some(_) => report.push_str("if what came is right: UPDATE=1, and read the diff\n"),
        None => {}
    }
    Err(Failed::from(report))
}
