//! The calendar files of the tests: those of others, where they are at hand, and our own.

use std::path::{Path, PathBuf};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder of the corpus, by name; nothing, and a word about it, where there is no corpus.
pub(crate) fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let top = std::env::var_os("WCAPD_CORPUS")
        .map_or_else(|| project().join("../shared/corpus"), PathBuf::from);
    if !top.is_dir() {
        let top = top.display();
        println!("{folder}: left out, there is no corpus in {top}");
        return Vec::new();
    }
    let files = list(&top.join(folder));
    assert!(!files.is_empty(), "{folder} has files");
    files
}

/// The project's own files.
pub(crate) fn own() -> Vec<(String, Vec<u8>)> {
    list(&project().join("tests/data/ics"))
}

/// One of the project's own files.
pub(crate) fn one(name: &str) -> Vec<u8> {
    let found = own().into_iter().find(|(own, _)| own == name);
    found
        .unwrap_or_else(|| panic!("tests/data/ics has {name}"))
        .1
}

fn list(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries
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
