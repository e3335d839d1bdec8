//! An engine without a disk, for tests and as the oracle of fuzzing. Nothing survives the process.
//!
//! Each space is one shared map; a view holds the maps as they were, a commit copies those it changes while
//! a view still holds them. Simple rather than fast: a commit under a view costs the size of the space.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::error::{Error, Result};
use super::super::space::Space;
use super::{Attempt, Batch, Engine, KeyRange, Order, RedbOptions, Snapshot, Statistics, Visit};

type Rows = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// A store in memory; clones share it.
#[derive(Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Clone)]
struct State {
    spaces: [Arc<Rows>; Space::COUNT],
    commits: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            spaces: std::array::from_fn(|_| Arc::default()),
            commits: 0,
        }
    }
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // No code that holds the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> View {
        View {
            state: self.state().clone(),
        }
    }
}

impl Engine for Memory {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(self.view()))
    }

    fn begin(&self) -> Result<Box<dyn Attempt>> {
        Ok(Box::new(Change {
            view: self.view(),
            store: self.clone(),
        }))
    }

    fn reads_inline(&self) -> bool {
        true
    }

    fn exclusive(&self) -> bool {
        true
    }

    fn copy_to(&self, target: &Path) -> Result<()> {
        super::redb::write_copy(&self.view(), target, RedbOptions::default())
    }

    fn statistics(&self) -> Result<Statistics> {
        let view = self.view();
        let mut sum = Statistics::default();
        for rows in &view.state.spaces {
            sum.rows += rows.len() as u64;
            let bytes: usize = rows
                .iter()
                .map(|(key, value)| key.len() + value.len())
                .sum();
            sum.stored_bytes += bytes as u64;
        }
        Ok(sum)
    }
}

#[derive(Clone)]
struct View {
    state: State,
}

impl View {
    fn rows(&self, space: Space) -> &Rows {
        #[expect(
            clippy::indexing_slicing,
            reason = "one map per space, by its position in ALL"
        )]
        &self.state.spaces[space as usize]
    }
}

impl Snapshot for View {
    fn get(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let found = self.rows(space).get(key);
        if let Some(value) = found {
            visit(value);
        }
        Ok(found.is_some())
    }

    fn scan(&self, space: Space, range: &KeyRange, order: Order, visit: Visit<'_>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let mut rows = self.rows(space).range::<[u8], _>(range.bounds());
        while let Some((key, value)) = match order {
            Order::Ascending => rows.next(),
            Order::Descending => rows.next_back(),
        } {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

struct Change {
    view: View,
    store: Memory,
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
        let Self { view, store } = *self;
        let begun_at = view.state.commits;
        drop(view);
        let mut state = store.state();
        if state.commits != begun_at {
            return Err(Error::Conflict(1));
        }
        for (space, changes) in batch.spaces() {
            #[expect(
                clippy::indexing_slicing,
                reason = "one map per space, by its position in ALL"
            )]
            let rows = Arc::make_mut(&mut state.spaces[space as usize]);
            for (key, value) in changes {
                match value {
                    Some(value) => rows.insert(key.clone(), value.clone()),
                    None => rows.remove(key),
                };
            }
        }
        state.commits += 1;
        Ok(())
    }
}
