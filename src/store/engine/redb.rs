//! The embedded engine: one file, `wcapd.redb`. The only file that knows redb.
//!
//! One table per key space, bytes to bytes. Not used, because releases before ours lost data in them: savepoints,
//! multimap tables, `insert_reserve`. Each commit is flushed before it returns (`Durability::Immediate`), with the
//! one flush of redb's one-phase commit: the second flush of the two-phase one defends only against somebody who
//! controls both the stored bytes and the order in which a crash lets them reach the disk.

use std::cell::OnceCell;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::{
    CommitError, Database, DatabaseError, ReadOnlyTable, ReadTransaction, ReadableDatabase,
    ReadableTableMetadata, StorageError, TableDefinition, TableError, TableHandle,
    TransactionError,
};

use super::super::error::{Error, Result};
use super::super::space::Space;
use super::{Attempt, Batch, Engine, KeyRange, Order, Snapshot, Statistics, Visit};

/// The file's name inside the data folder.
const FILE: &str = "wcapd.redb";

/// Above this size of the file each commit also saves the table of free pages (`quick_repair`).
///
/// Without it, opening after a crash walks the whole file, about 230 MB a second; with it, a commit flushes
/// twice and costs about twice as much. Below 2 GiB the walk stays under ten seconds, which is worth more
/// cheap commits than a crash is rare; far above it, it is not. A clean stop always saves the table.
const QUICK_REPAIR_FROM: u64 = 2 << 30;

/// Longest key, in bytes. Ours are uids and names with a few numbers; the bound keeps a page of keys a page.
const MAX_KEY: usize = 64 << 10;

/// Longest value, in bytes: far above every limit of the doors, far below redb's 3 GiB.
const MAX_VALUE: usize = 1 << 30;

/// Rows copied to a new file in one transaction, so that a copy needs little memory.
const COPY_ROWS: usize = 20_000;

type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;
type ReadTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

const fn table(space: Space) -> Table {
    TableDefinition::new(space.table())
}

/// How to open the file.
#[derive(Debug, Clone, Copy)]
pub struct RedbOptions {
    /// Memory for pages read and pages not yet written, in bytes.
    pub cache_bytes: usize,
    /// File size in bytes from which commits save the table of free pages, for a fast start after a crash.
    pub quick_repair_from: u64,
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 32 << 20,
            quick_repair_from: QUICK_REPAIR_FROM,
        }
    }
}

/// An open file.
pub struct Redb {
    shared: Arc<Shared>,
}

struct Shared {
    database: Database,
    path: PathBuf,
    options: RedbOptions,
    commits: AtomicU64,
}

impl Redb {
    /// Opens the store of a data folder; makes both if they do not exist, for the owner alone (0700 and 0600).
    ///
    /// Errors: [`Error::Locked`] while another process has it open.
    pub fn open(folder: &Path, options: RedbOptions) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|cause| Error::io("making the data folder", &cause))?;
        Self::open_file(&folder.join(FILE), options)
    }

    /// Whether a data folder holds a store.
    pub fn exists(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// Puts the copy `backup` into a data folder that holds no store; it is whole there or not at all.
    ///
    /// Errors: there is a store, or `backup` is none.
    pub fn restore(backup: &Path, folder: &Path) -> Result<()> {
        const DOING: &str = "restoring the store";
        let failed = |cause| Error::io(DOING, &cause);
        let path = folder.join(FILE);
        if path.exists() {
            let found = format!("{} is there already", path.display());
            return Err(Error::storage(DOING, found));
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let part = path.with_extension("part");
        let restored = fs::copy(backup, &part).map_err(failed).and_then(|_| {
            fs::set_permissions(&part, fs::Permissions::from_mode(0o600)).map_err(failed)?;
            let engine = Self::open_file(&part, RedbOptions::default())?;
            drop(engine);
            // A hard link, unlike a rename, fails where a store has come up meanwhile.
            fs::hard_link(&part, &path).map_err(failed)
        });
        let removed = fs::remove_file(&part);
        restored?;
        removed.map_err(failed)
    }

    fn open_file(path: &Path, options: RedbOptions) -> Result<Self> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|cause| Error::io("opening the store", &cause))?;
        let fresh = file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        let database = Database::builder()
            .set_cache_size(options.cache_bytes)
            .create_file(file)
            .map_err(|cause| match cause {
                DatabaseError::DatabaseAlreadyOpen => Error::Locked(path.to_path_buf()),
                DatabaseError::Storage(cause) => storage("opening the store", cause),
                other => Error::storage("opening the store", other),
            })?;
        let engine = Self::with(database, path, options)?;
        if fresh {
            flush_entry(path)?;
        }
        Ok(engine)
    }

    fn with(database: Database, path: &Path, options: RedbOptions) -> Result<Self> {
        let shared = Shared {
            database,
            path: path.to_path_buf(),
            options,
            commits: AtomicU64::new(0),
        };
        shared.create_missing_tables()?;
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Verifies the file's own structure and checksums and repairs what can be; says whether it was sound.
    ///
    /// Reads the whole file. Errors: a view or a write still under way.
    pub fn check_integrity(&mut self) -> Result<bool> {
        const DOING: &str = "checking the store's file";
        self.exclusively(DOING)?
            .check_integrity()
            .map_err(|cause| Error::storage(DOING, cause))
    }

    /// Gives unused space back to the file system; says whether there was any.
    ///
    /// Errors: a view or a write still under way.
    pub fn compact(&mut self) -> Result<bool> {
        const DOING: &str = "compacting the store";
        self.exclusively(DOING)?
            .compact()
            .map_err(|cause| Error::storage(DOING, cause))
    }

    fn exclusively(&mut self, doing: &'static str) -> Result<&mut Database> {
        let shared = Arc::get_mut(&mut self.shared);
        Ok(&mut shared
            .ok_or_else(|| Error::storage(doing, "the store is in use"))?
            .database)
    }
}

impl Shared {
    /// Tables of key spaces that are newer than the file; writes nothing when there are none.
    fn create_missing_tables(&self) -> Result<()> {
        const DOING: &str = "making the store's tables";
        let present: Vec<String> = {
            let reading = self
                .database
                .begin_read()
                .map_err(|cause| transaction(DOING, cause))?;
            let tables = reading
                .list_tables()
                .map_err(|cause| storage(DOING, cause))?;
            tables.map(|table| table.name().to_owned()).collect()
        };
        let missing: Vec<Space> = Space::ALL
            .into_iter()
            .filter(|space| !present.iter().any(|name| name == space.table()))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let writing = self
            .database
            .begin_write()
            .map_err(|cause| transaction(DOING, cause))?;
        for space in missing {
            writing
                .open_table(table(space))
                .map_err(|cause| opened(DOING, cause))?;
        }
        writing.commit().map_err(|cause| committed(DOING, cause))
    }

    fn file_bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    fn apply(&self, batch: &Batch, quick_repair: bool) -> Result<()> {
        const DOING: &str = "writing to the store";
        let mut writing = self
            .database
            .begin_write()
            .map_err(|cause| transaction(DOING, cause))?;
        writing.set_quick_repair(quick_repair);
        for (space, changes) in batch.spaces() {
            let mut rows = writing
                .open_table(table(space))
                .map_err(|cause| opened(DOING, cause))?;
            for (key, value) in changes {
                match value {
                    Some(value) => rows.insert(&**key, &**value).map(drop),
                    None => rows.remove(&**key).map(drop),
                }
                .map_err(|cause| storage(DOING, cause))?;
            }
        }
        writing.commit().map_err(|cause| committed(DOING, cause))?;
        self.commits.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

impl Engine for Redb {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(View::of(&self.shared)?))
    }

    fn begin(&self) -> Result<Box<dyn Attempt>> {
        // The count is read first: a commit between the two makes a conflict too many, never one too few.
        let begun_at = self.shared.commits.load(Ordering::Acquire);
        let view = View::of(&self.shared)?;
        Ok(Box::new(Change {
            view,
            begun_at,
            shared: Arc::clone(&self.shared),
        }))
    }

    fn reads_inline(&self) -> bool {
        true
    }

    fn exclusive(&self) -> bool {
        true
    }

    fn copy_to(&self, target: &Path) -> Result<()> {
        write_copy(&View::of(&self.shared)?, target, self.shared.options)
    }

    fn statistics(&self) -> Result<Statistics> {
        const DOING: &str = "measuring the store";
        let view = View::of(&self.shared)?;
        let mut sum = Statistics {
            file_bytes: self.shared.file_bytes(),
            ..Statistics::default()
        };
        for space in Space::ALL {
            let Some(rows) = view.rows(space)? else {
                continue;
            };
            sum.rows += rows.len().map_err(|cause| storage(DOING, cause))?;
            let stats = rows.stats().map_err(|cause| storage(DOING, cause))?;
            sum.stored_bytes += stats.stored_bytes();
        }
        Ok(sum)
    }
}

/// Writes all that `view` sees to a new file at `target`; on failure no file is left.
pub(super) fn write_copy(view: &dyn Snapshot, target: &Path, options: RedbOptions) -> Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)
        .map_err(|cause| Error::io("making the copy", &cause))?;
    let copied = Redb::open_file(target, options).and_then(|copy| copy_rows(view, &copy.shared));
    if copied.is_err() {
        // What is half copied must not be taken for a backup; that it cannot be removed is the lesser news.
        let _ = fs::remove_file(target);
    }
    copied
}

fn copy_rows(view: &dyn Snapshot, copy: &Shared) -> Result<()> {
    for space in Space::ALL {
        let mut range = KeyRange::all();
        loop {
            let mut batch = Batch::default();
            let mut last = Vec::new();
            view.scan(space, &range, Order::Ascending, &mut |key, value| {
                batch.set(space, key, Some(value));
                if batch.rows() < COPY_ROWS {
                    return ControlFlow::Continue(());
                }
                last = key.to_vec();
                ControlFlow::Break(())
            })?;
            let done = batch.rows() < COPY_ROWS;
            if !batch.is_empty() {
                copy.apply(&batch, false)?;
            }
            if done {
                break;
            }
            range = range.after(&last);
        }
    }
    Ok(())
}

/// A read transaction and the tables it has opened so far.
struct View {
    reading: ReadTransaction,
    /// Boxed, because most views open one or two of them.
    tables: [OnceCell<Box<ReadTable>>; Space::COUNT],
}

impl View {
    fn of(shared: &Shared) -> Result<Self> {
        let begun = shared.database.begin_read();
        let reading = begun.map_err(|cause| transaction("reading the store", cause))?;
        Ok(Self {
            reading,
            tables: [const { OnceCell::new() }; Space::COUNT],
        })
    }

    /// The rows of `space`; none when the file is older than the key space.
    fn rows(&self, space: Space) -> Result<Option<&ReadTable>> {
        #[expect(
            clippy::indexing_slicing,
            reason = "one cell per space, by its position in ALL"
        )]
        let cell = &self.tables[space as usize];
        if let Some(rows) = cell.get() {
            return Ok(Some(rows));
        }
        match self.reading.open_table(table(space)) {
            Ok(rows) => Ok(Some(cell.get_or_init(|| Box::new(rows)))),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(cause) => Err(opened("reading the store", cause)),
        }
    }
}

impl Snapshot for View {
    fn get(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let Some(rows) = self.rows(space)? else {
            return Ok(false);
        };
        let found = rows
            .get(key)
            .map_err(|cause| storage("reading the store", cause))?;
        if let Some(value) = &found {
            visit(value.value());
        }
        Ok(found.is_some())
    }

    fn scan(&self, space: Space, range: &KeyRange, order: Order, visit: Visit<'_>) -> Result<()> {
        let Some(rows) = self.rows(space)? else {
            return Ok(());
        };
        if range.is_empty() {
            return Ok(());
        }
        let failed = |cause| storage("reading the store", cause);
        let mut found = rows.range::<&[u8]>(range.bounds()).map_err(failed)?;
        while let Some(row) = match order {
            Order::Ascending => found.next(),
            Order::Descending => found.next_back(),
        } {
            let (key, value) = row.map_err(failed)?;
            if visit(key.value(), value.value()).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A view to be followed by one commit.
struct Change {
    view: View,
    begun_at: u64,
    shared: Arc<Shared>,
}

impl Snapshot for Change {
    fn get(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.view.get(space, key, visit)
    }

    fn scan(&self, space: Space, range: &KeyRange, order: Order, visit: Visit<'_>) -> Result<()> {
        self.view.scan(space, range, order, visit)
    }
}

impl Attempt for Change {
    fn commit(self: Box<Self>, batch: &Batch) -> Result<()> {
        for (_, changes) in batch.spaces() {
            for (key, value) in changes {
                within("key", key.len(), MAX_KEY)?;
                within(
                    "value",
                    value.as_ref().map_or(0, |value| value.len()),
                    MAX_VALUE,
                )?;
            }
        }
        let Self {
            view,
            begun_at,
            shared,
        } = *self;
        // Ended before the commit, so that the pages it frees are not held back by our own reading.
        drop(view);
        if shared.commits.load(Ordering::Acquire) != begun_at {
            return Err(Error::Conflict(1));
        }
        let quick_repair = shared.file_bytes() >= shared.options.quick_repair_from;
        shared.apply(batch, quick_repair)
    }
}

/// Makes sure that a new file is still in its folder, and that in its own, after a power cut.
fn flush_entry(path: &Path) -> Result<()> {
    for folder in path.ancestors().skip(1).take(2) {
        // The parent of a file named without a folder is the empty path.
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        match fs::File::open(folder).and_then(|folder| folder.sync_all()) {
            Ok(()) => (),
            // A folder that may be passed through but not read, and was there before us.
            Err(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => (),
            Err(cause) => return Err(Error::io("making the store", &cause)),
        }
    }
    Ok(())
}

fn within(what: &'static str, length: usize, limit: usize) -> Result<()> {
    if length > limit {
        return Err(Error::TooLarge {
            what,
            length,
            limit,
        });
    }
    Ok(())
}

fn storage(doing: &'static str, cause: StorageError) -> Error {
    match cause {
        StorageError::Io(cause) => Error::io(doing, &cause),
        StorageError::PreviousIo => Error::ReadOnly,
        other => Error::storage(doing, other),
    }
}

fn transaction(doing: &'static str, cause: TransactionError) -> Error {
    match cause {
        TransactionError::Storage(cause) => storage(doing, cause),
        other => Error::storage(doing, other),
    }
}

fn opened(doing: &'static str, cause: TableError) -> Error {
    match cause {
        TableError::Storage(cause) => storage(doing, cause),
        other => Error::storage(doing, other),
    }
}

fn committed(doing: &'static str, cause: CommitError) -> Error {
    match cause {
        CommitError::Storage(cause) => storage(doing, cause),
        other => Error::storage(doing, other),
    }
}

#[cfg(test)]
mod tests;
