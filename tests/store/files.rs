//! The embedded engine's file: who may read it, who holds it, what survives.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use wcapd::store::engine::{Redb, RedbOptions};
use wcapd::store::{Bounds, Error, Reader, Space, Store};

use super::{clock, put, value};

fn open(folder: &Path) -> Result<Store, Error> {
    Store::open(folder, RedbOptions::default(), clock())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_was_written_is_there_when_opened_again() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("some/data");
    let store = open(&folder).unwrap();
    put(&store, b"key", b"value").unwrap();
    drop(store);
    let store = open(&folder).unwrap();
    assert_eq!(value(&store, b"key").unwrap(), b"value");
    assert!(store.statistics().unwrap().file_bytes > 0);
    assert_eq!(
        store.activity().writes,
        0,
        "opening an existing store writes nothing"
    );
    assert!(store.reads_inline());
}

#[test]
fn the_file_and_its_folder_are_the_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = open(&folder).unwrap();
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("wcapd.redb")), 0o600);
    let copy = parent.path().join("copy.redb");
    store.copy_to(&copy).unwrap();
    assert_eq!(mode(&copy), 0o600);
    assert!(Redb::exists(&folder) && !Redb::exists(parent.path()));
}

#[test]
fn a_second_process_is_told_who_holds_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    let message = open(folder.path()).err().unwrap().to_string();
    assert!(
        message.ends_with("is wcapd already running on this folder?"),
        "{message}"
    );
    drop(first);
    open(folder.path()).unwrap();
}

#[test]
fn a_file_that_is_no_store_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wcapd.redb");
    fs::write(&path, b"BEGIN:VCALENDAR\r\n".repeat(500)).unwrap();
    open(folder.path()).err().unwrap();
    assert_eq!(fs::read(&path).unwrap().len(), 17 * 500);
}

#[test]
fn a_failed_copy_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("data")).unwrap();
    let target = folder.path().join("none/copy.redb");
    store.copy_to(&target).unwrap_err();
    assert!(!target.exists());
}

#[test]
fn space_is_given_back_and_the_file_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let filled: Result<(), Error> = store.write(|t| {
        (0..4000u32).try_for_each(|n| t.put(Space::Objects, &n.to_be_bytes(), &[7; 1000]))
    });
    filled.unwrap();
    let emptied = store.write(|t| t.delete_range(Space::Objects, &wcapd::store::KeyRange::all()));
    assert_eq!(emptied.unwrap(), 4000);
    put(&store, b"key", b"value").unwrap();
    let before = store.statistics().unwrap().file_bytes;
    drop(store);

    let mut engine = Redb::open(folder.path(), RedbOptions::default()).unwrap();
    assert!(engine.check_integrity().unwrap());
    assert!(engine.compact().unwrap());
    let store = Store::on(Arc::new(engine), clock(), Bounds::default()).unwrap();
    assert!(store.statistics().unwrap().file_bytes < before / 2);
    assert_eq!(value(&store, b"key").unwrap(), b"value");
}

#[test]
fn large_files_save_their_free_pages_with_each_commit() {
    let folder = tempfile::tempdir().unwrap();
    let options = RedbOptions {
        quick_repair_from: 0,
        ..RedbOptions::default()
    };
    let store = Store::open(folder.path(), options, clock()).unwrap();
    for n in 0..20u8 {
        put(&store, &[n], b"value").unwrap();
    }
    drop(store);
    let store = open(folder.path()).unwrap();
    assert!((0..20u8).all(|n| value(&store, &[n]).is_some()));
    assert_eq!(store.read(|t| t.get(Space::Prefs, &[20])).unwrap(), None);
}
