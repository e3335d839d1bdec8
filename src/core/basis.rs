//! What an answer rests on, so that a door can give it again while nothing of that has changed: the rows that were
//! read, and whether the time was asked for. Which answers are worth keeping is the door's question.

use std::cell::Cell;

use super::Core;
use crate::store;

/// What one answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    read: store::Basis,
    /// Whether it would be the same at any other time.
    timeless: bool,
}

impl Basis {
    /// Octets it takes in memory.
    pub fn size(&self) -> usize {
        self.read.size() + size_of::<bool>()
    }
}

thread_local! {
    /// Whether the computation under way on this thread has asked for the time.
    static TIME_ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that the time was asked for.
pub(super) fn note_time() {
    TIME_ASKED.set(true);
}

impl Core {
    /// Runs `compute` and says what its result rests on. It must do its work on this thread and take the time, if
    /// it needs it, from this core.
    pub fn with_basis<T>(&self, compute: impl FnOnce() -> T) -> (T, Basis) {
        let asked_before = TIME_ASKED.replace(false);
        let (result, read) = self.store().with_basis(compute);
        let asked = TIME_ASKED.get();
        // Whoever computes around this has asked what this asked.
        TIME_ASKED.set(asked || asked_before);
        let timeless = !asked;
        (result, Basis { read, timeless })
    }

    /// Whether the same computation would give the same result now. No where it cannot be known.
    pub fn holds(&self, basis: &Basis) -> bool {
        basis.timeless && self.store().holds(&basis.read)
    }
}
