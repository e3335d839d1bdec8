//! The store: what the server keeps, in transactions, behind one engine trait.
//!
//! Knows no protocol and no rights. [`Store::read`] gives a fixed view of what is on disk; [`Store::write`] runs
//! a closure in private and returns when what it changed is on disk, or leaves no trace. Layout: [`space`].

mod alarms;
pub mod attachments;
mod basis;
pub mod calendars;
pub mod check;
pub mod codec;
mod commit;
pub mod derive;
pub mod engine;
pub mod error;
mod index;
pub mod items;
pub mod journal;
pub mod keys;
mod layout;
pub mod links;
pub mod marked;
pub mod named;
pub mod outbox;
pub mod people;
pub mod prefs;
pub mod queue;
mod records;
pub mod secrets;
pub mod sessions;
pub mod space;
pub mod spans;
pub mod tree;
mod txn;
mod upgrade;

use std::path::Path;
use std::sync::Arc;

pub use basis::Basis;
pub use codec::Record;
pub use commit::{Activity, Bounds};
pub use engine::{Engine, KeyRange, Order, Statistics};
pub use error::{Error, Result};
pub use keys::{Key, KeyParts};
pub use space::Space;
pub use spans::Spans;
pub use txn::{ReadTxn, Reader, Row, WriteTxn};

use crate::ical::datetime::Timestamp;
use crate::model::clock::{Clock, SteadyClock};

/// A handle on the store; clones are cheap and share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<dyn Engine>,
    clock: Arc<SteadyClock>,
    committer: commit::Committer,
}

/// How far ahead of the clock a stamp may be for a new start to run on from there, in seconds. Hours are a clock that
/// was set back; more is a clock that was wrong when the stamp was made, and concerns its calendar alone.
const STAMP_AHEAD: i64 = 86_400;

impl Store {
    /// The embedded store of a data folder, which is made if it does not exist.
    ///
    /// Errors: [`Error::Locked`], [`Error::VersionTooNew`], and what the disk says.
    pub fn open(
        folder: &Path,
        options: engine::RedbOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Self::on(
            Arc::new(engine::Redb::open(folder, options)?),
            clock,
            Bounds::default(),
        )
    }

    /// A store that lives and dies with the process.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Result<Self> {
        Self::on(Arc::new(engine::Memory::new()), clock, Bounds::default())
    }

    /// A store on an engine, brought to the newest format.
    ///
    /// Errors: [`Error::VersionTooNew`], and what the disk says.
    pub fn on(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>, bounds: Bounds) -> Result<Self> {
        let clock = Arc::new(SteadyClock::new(clock));
        let committer = commit::Committer::new(Arc::clone(&engine), clock.clone(), bounds);
        let store = Self {
            shared: Arc::new(Shared {
                engine,
                clock,
                committer,
            }),
        };
        upgrade::upgrade(&store)?;
        let latest = store.now().plus(STAMP_AHEAD);
        if let Some(stamp) = store.read(|t| calendars::latest_stamp(t, latest))? {
            store.shared.clock.reach(stamp);
        }
        Ok(store)
    }

    /// The time that stamps are of: the clock's, but it never goes back, and runs on where the clock is set back.
    /// Each write from now on has this stamp or a later one.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Runs `work` on a fixed view of what is on disk.
    ///
    /// Long views keep old pages from being used again: export in pages, or copy first.
    pub fn read<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&ReadTxn) -> Result<T, E>,
    ) -> Result<T, E> {
        work(&ReadTxn::new(self.shared.engine.snapshot()?))
    }

    /// As [`read`](Store::read), on a view in which every write is settled that ran before the call: kept and seen,
    /// or refused. A write that runs after the call has a stamp no earlier than the call. When no write is
    /// under way this costs a free lock.
    pub fn read_after_pending<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&ReadTxn) -> Result<T, E>,
    ) -> Result<T, E> {
        self.shared.committer.settle();
        self.read(work)
    }

    /// Runs `work` in private; if it returns a value, that comes back once all it changed is on disk, at once and
    /// whole. If it fails or panics, nothing has changed.
    ///
    /// `work` may run more than once (another write it read from failed, or another process was faster), so it must
    /// have no effects but on its transaction; see [`WriteTxn::after_commit`]. It runs on the calling thread
    /// while other writes wait: parse and check before. The call waits for the disk: on an async worker, use the
    /// blocking pool.
    ///
    /// Errors: those of `work`; [`Error::Conflict`], [`Error::Full`], [`Error::ReadOnly`], [`Error::Nested`], and what the disk says,
    /// after which it is unknown whether the write is on disk.
    pub fn write<T, E: From<Error>>(
        &self,
        work: impl Fn(&mut WriteTxn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.shared.committer.write(|t| {
            let done = work(t)?;
            attachments::sweep(t)?;
            Ok(done)
        })
    }

    /// Runs `compute` and says what of this store it read. Only what it does on this thread is noticed; one that
    /// writes rests on nothing.
    pub fn with_basis<T>(&self, compute: impl FnOnce() -> T) -> (T, Basis) {
        self.shared.committer.changes().with_basis(compute)
    }

    /// Whether nothing of what `basis` names has been written since, so that the same computation would give the
    /// same result. Never, where other processes write too. Costs a look-up for each part that was read.
    pub fn holds(&self, basis: &Basis) -> bool {
        self.shared.committer.changes().hold(basis)
    }

    /// Whether a short read may run on an async worker.
    pub fn reads_inline(&self) -> bool {
        self.shared.engine.reads_inline()
    }

    /// A consistent copy at `target`, which must not exist yet, while reads and writes go on.
    pub fn copy_to(&self, target: &Path) -> Result<()> {
        self.shared.engine.copy_to(target)
    }

    /// Sizes.
    pub fn statistics(&self) -> Result<Statistics> {
        self.shared.engine.statistics()
    }

    /// What has been written since the start.
    pub fn activity(&self) -> Activity {
        self.shared.committer.activity()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::ical::datetime::Timestamp;
    use crate::model::clock::ManualClock;

    #[test]
    fn a_write_is_read_and_a_refused_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp(7)));
        let options = engine::RedbOptions::default();
        let store = Store::open(folder.path(), options, clock.clone()).unwrap();
        let key = String::from("borrowed");
        let number = store.write(|t| -> Result<u64> {
            t.put(Space::Prefs, key.as_bytes(), b"value")?;
            assert_eq!(t.now(), Timestamp(7));
            t.next_number("next:calendar")
        });
        assert_eq!(number.unwrap(), 1);
        let refused = store.write(|t| -> Result<()> {
            t.delete(Space::Prefs, key.as_bytes());
            assert!(!t.contains(Space::Prefs, key.as_bytes())?);
            Err(Error::Full)
        });
        assert!(matches!(refused, Err(Error::Full)));
        let open_twice = Store::open(folder.path(), options, clock);
        assert!(matches!(open_twice.err().unwrap(), Error::Locked(_)));
        let found: Result<_> = store.read(|t| t.get(Space::Prefs, key.as_bytes()));
        assert_eq!(found.unwrap().unwrap(), b"value");
    }
}
