//! Group commit: many writes, one flush.
//!
//! Writes run one after the other, each on its caller's own thread, under one lock: a lone writer pays for no
//! change of thread, and a closure may borrow from its caller. What a write changed joins the *open group*. Whoever
//! joins while no flush is under way becomes the leader and flushes the group, itself alone at first. Whoever joins
//! during a flush waits, together with all others who come meanwhile; when the flush ends, one of them leads
//! the next. So each flush carries all writes that came during the one before.
//!
//! ```text
//! lock: [A runs, joins, leads]  [B runs, joins] [C runs, joins]        [B takes the group]
//! disk:                 [ flush A ......................... ]           [ flush B, C ... ]
//! ```
//!
//! The leader waits a little, at most a quarter of the last flush, for those whom that flush released: writers
//! that store one thing after the other would else split into two halves which take turns, each flush carrying
//! one of them. A lone writer never waits.
//!
//! A write that runs during a flush reads the bytes under flush as if they were on disk: its own flush comes later,
//! and if the one under way fails, all who read from it run again. An engine that is shared with other
//! processes ([`Engine::exclusive`] is false) must see reads and commit as one attempt, so there writes
//! wait for the flush.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::basis::{self, Changes};
use super::engine::{Attempt, Batch, Engine};
use super::error::{Error, Result};
use super::txn::{Effect, WriteTxn};
use crate::ical::datetime::Timestamp;
use crate::model::clock::Clock;

/// How often a write is run again after other processes were faster, before its caller hears of it.
const ATTEMPTS: u32 = 16;

/// The longest that a leader waits for others, however slow the disk.
const LINGER: Duration = Duration::from_millis(2);

/// Bounds of what waits for the disk.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of keys and values that one write may change: what it needs of memory, twice.
    pub transaction_bytes: usize,
    /// Bytes waiting for the next flush from which further writes wait before they run.
    pub group_bytes: usize,
    /// Writes waiting for the next flush from which further ones wait before they run.
    pub group_writes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            transaction_bytes: 1 << 30,
            group_bytes: 64 << 20,
            group_writes: 4096,
        }
    }
}

/// What has been written since the start, for `/metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    /// Writes that reached the disk.
    pub writes: u64,
    /// Flushes that carried them.
    pub flushes: u64,
    /// Flushes that failed, conflicts among them.
    pub failures: u64,
}

/// Runs writes and brings them to disk in groups.
pub(super) struct Committer {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    changes: Changes,
    state: Mutex<State>,
    /// Signalled when a group is taken to be flushed and when a flush has ended.
    moved: Condvar,
    /// Signalled when the open group has the members its leader waits for.
    complete: Condvar,
    writes: AtomicU64,
    flushes: AtomicU64,
    failures: AtomicU64,
}

struct State {
    /// What the writes of the open group read; none before the first of them.
    base: Option<Box<dyn Attempt>>,
    open: OpenGroup,
    /// The group whose flush is under way and what it writes.
    flushing: Option<(Arc<Group>, Arc<Batch>)>,
    /// Whether somebody leads: flushes, or has been told to.
    led: bool,
    /// Writes that wait to go alone because a group they were in has failed; nobody else begins meanwhile.
    alone: usize,
    latest: Timestamp,
    /// How many were writing when the last flush ended, and until when its successor waits for them.
    expected: usize,
    linger_until: Option<Instant>,
}

#[derive(Default)]
struct OpenGroup {
    group: Arc<Group>,
    members: usize,
    batch: Batch,
    effects: Vec<Effect>,
}

/// The fate that some writes share.
#[derive(Default)]
struct Group {
    phase: Mutex<Phase>,
    changed: Condvar,
}

#[derive(Clone, Default)]
enum Phase {
    /// Nothing is known yet.
    #[default]
    Waiting,
    /// One of the members must lead.
    Lead,
    /// All of it is on disk.
    Durable,
    /// Nothing of it is on disk and each may try again alone; why.
    Again(Error),
    /// The engine failed; why.
    Failed(Error),
}

/// What to do after running a write.
enum Next<T> {
    /// Its caller may have the outcome.
    Done(T),
    /// It runs again, by itself.
    Again(Error),
}

impl Committer {
    pub(super) fn new(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>, bounds: Bounds) -> Self {
        let state = State {
            base: None,
            open: OpenGroup::default(),
            flushing: None,
            led: false,
            alone: 0,
            latest: Timestamp::MIN,
            expected: 0,
            linger_until: None,
        };
        Self {
            changes: Changes::new(engine.exclusive()),
            engine,
            clock,
            bounds,
            state: Mutex::new(state),
            moved: Condvar::new(),
            complete: Condvar::new(),
            writes: AtomicU64::new(0),
            flushes: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Runs `work` until it fails or what it changed is on disk.
    pub(super) fn write<T, E: From<Error>>(
        &self,
        work: impl Fn(&mut WriteTxn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _writing = Writing::begin()?;
        basis::note_write();
        let mut attempts = 0;
        loop {
            match self.attempt(&work, attempts > 0)? {
                Next::Done(outcome) => return outcome,
                Next::Again(Error::Conflict(_)) if attempts + 1 == ATTEMPTS => {
                    return Err(Error::Conflict(ATTEMPTS).into());
                }
                Next::Again(_) => attempts += 1,
            }
        }
    }

    /// Waits for every write that ran before.
    pub(super) fn settle(&self) {
        let state = self.lock();
        let last = match &state.flushing {
            _ if state.open.members > 0 => Some(Arc::clone(&state.open.group)),
            Some((group, _)) => Some(Arc::clone(group)),
            None => None,
        };
        drop(state);
        if let Some(group) = last {
            group.settled();
        }
    }

    /// What has been written when.
    pub(super) fn changes(&self) -> &Changes {
        &self.changes
    }

    pub(super) fn activity(&self) -> Activity {
        Activity {
            writes: self.writes.load(Ordering::Relaxed),
            flushes: self.flushes.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A closure that panics poisons the lock, but it has changed only its own transaction.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` once and sees to it that its changes reach the disk.
    fn attempt<T, E: From<Error>>(
        &self,
        work: impl Fn(&mut WriteTxn<'_>) -> Result<T, E>,
        alone: bool,
    ) -> Result<Next<Result<T, E>>, E> {
        let mut state = self.turn(alone);
        let base = match state.base.take() {
            Some(base) => base,
            None => self.engine.begin()?,
        };
        state.latest = state.latest.max(self.clock.now());
        let nothing = Batch::default();
        let under_flush = state.flushing.as_ref().map_or(&nothing, |(_, batch)| batch);
        let pending = [&state.open.batch, under_flush];
        let mut txn = WriteTxn::new(&*base, pending, state.latest, self.bounds.transaction_bytes);
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut txn)));
        let (changes, effects, conflicted) = txn.finish();
        if conflicted {
            // The attempt is lost for everybody who read through it.
            drop(base);
            state.fail_open(Error::Conflict(1));
            self.moved.notify_all();
            return Ok(Next::Again(Error::Conflict(1)));
        }
        let idle = state.open.members == 0 && state.flushing.is_none();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(panic) => {
                // The others go on as if it had never run; its caller has to live with it.
                state.base = (!idle).then_some(base);
                drop(state);
                resume_unwind(panic);
            }
        };
        let refused = outcome.is_err();
        let nothing_to_do = refused || (changes.is_empty() && effects.is_empty());
        if nothing_to_do && (idle || (refused && self.engine.exclusive())) {
            // Nothing to wait for, and no view held open while nobody writes.
            state.base = (!idle).then_some(base);
            return Ok(Next::Done(outcome));
        }
        state.base = Some(base);
        state.open.members += 1;
        if !refused {
            state.open.batch.append(changes);
            state.open.effects.extend(effects);
        }
        match self.see_through(state) {
            Phase::Again(cause) => Ok(Next::Again(cause)),
            Phase::Failed(cause) => Err(cause.into()),
            Phase::Waiting | Phase::Lead | Phase::Durable => Ok(Next::Done(outcome)),
        }
    }

    /// Waits for the turn to run a write.
    fn turn(&self, alone: bool) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if alone {
            state.alone += 1;
            while state.led || state.open.members > 0 {
                state = self
                    .moved
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.alone -= 1;
            state.linger_until = None;
            // They find the lock taken until this write has run, but must not miss that it did.
            self.moved.notify_all();
            return state;
        }
        let shared = !self.engine.exclusive();
        while state.alone > 0
            || state.open.members >= self.bounds.group_writes
            || state.open.batch.bytes() >= self.bounds.group_bytes
            || (shared && state.flushing.is_some())
        {
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Leads the open group or waits for whoever does; its fate.
    fn see_through(&self, mut state: MutexGuard<'_, State>) -> Phase {
        let group = Arc::clone(&state.open.group);
        if !state.led {
            state.led = true;
            return self.lead(state, &group);
        }
        if state.open.members == state.expected {
            self.complete.notify_one();
        }
        drop(state);
        match group.decided() {
            Phase::Lead => self.lead(self.lock(), &group),
            fate => fate,
        }
    }

    /// Waits for those whom the last flush released, if it was not long ago, and flushes the group.
    fn lead(&self, state: MutexGuard<'_, State>, group: &Arc<Group>) -> Phase {
        let mut state = self.linger(state, group);
        if !Arc::ptr_eq(&state.open.group, group) {
            // The group has failed since it was given a leader.
            drop(state);
            return group.decided();
        }
        let OpenGroup {
            members,
            batch,
            effects,
            ..
        } = std::mem::take(&mut state.open);
        let batch = Arc::new(batch);
        state.flushing = Some((Arc::clone(group), Arc::clone(&batch)));
        let base = state.base.take();
        drop(state);
        self.moved.notify_all();

        let began = Instant::now();
        let flushed = self.flush(base, &batch);
        self.changes.mark(&batch);
        let fate = match flushed {
            Ok(()) => {
                self.writes.fetch_add(members as u64, Ordering::Relaxed);
                self.flushes.fetch_add(1, Ordering::Relaxed);
                effects.into_iter().for_each(happen);
                Phase::Durable
            }
            Err(cause) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                drop(effects);
                match cause {
                    Error::Conflict(_) => Phase::Again(cause),
                    Error::TooLarge { .. } if members > 1 => Phase::Again(cause),
                    _ => Phase::Failed(cause),
                }
            }
        };

        let mut state = self.lock();
        let ended = Instant::now();
        state.expected = members + state.open.members;
        state.linger_until = Some(ended + LINGER.min((ended - began) / 4));
        state.flushing = None;
        // What is on disk now is more than the view of those who ran meanwhile, and equal to what they saw.
        state.base = None;
        if let Phase::Again(cause) | Phase::Failed(cause) = &fate {
            state.fail_open(cause.clone());
        }
        state.led = state.open.members > 0;
        if state.led {
            state.open.group.decide(Phase::Lead);
        }
        drop(state);
        self.moved.notify_all();
        group.decide(fate.clone());
        fate
    }

    fn linger<'s>(
        &self,
        mut state: MutexGuard<'s, State>,
        group: &Arc<Group>,
    ) -> MutexGuard<'s, State> {
        let Some(until) = state.linger_until else {
            return state;
        };
        while state.open.members < state.expected
            && state.alone == 0
            && state.open.batch.bytes() < self.bounds.group_bytes
            && Arc::ptr_eq(&state.open.group, group)
        {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.complete.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    fn flush(&self, base: Option<Box<dyn Attempt>>, batch: &Batch) -> Result<()> {
        let flushing = AssertUnwindSafe(|| match base {
            Some(base) => base.commit(batch),
            None => self.engine.begin()?.commit(batch),
        });
        // A panic here would leave every writer waiting for a leader that is gone.
        catch_unwind(flushing).unwrap_or_else(|_| {
            Err(Error::storage(
                "writing to the store",
                "the engine panicked",
            ))
        })
    }
}

impl State {
    /// Ends the open group without a flush: nothing of it was kept, and each of it may try again.
    fn fail_open(&mut self, cause: Error) {
        self.base = None;
        if self.open.members == 0 {
            return;
        }
        std::mem::take(&mut self.open)
            .group
            .decide(Phase::Again(cause));
        if self.flushing.is_none() {
            // One of the group had been told to lead; there is nothing left to lead.
            self.led = false;
        }
    }
}

impl Group {
    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(&self, phase: Phase) {
        *self.phase() = phase;
        self.changed.notify_all();
    }

    /// Waits, as a member, until there is something to do; takes the lead if that is what there is.
    fn decided(&self) -> Phase {
        let mut phase = self.phase();
        loop {
            match &*phase {
                Phase::Waiting => (),
                Phase::Lead => return std::mem::take(&mut *phase),
                fate => return fate.clone(),
            }
            phase = self
                .changed
                .wait(phase)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits, as an onlooker, until the fate is known.
    fn settled(&self) {
        let mut phase = self.phase();
        while matches!(*phase, Phase::Waiting | Phase::Lead) {
            phase = self
                .changed
                .wait(phase)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs an effect; one that panics harms neither the others nor the write, which is done.
fn happen(effect: Effect) {
    if catch_unwind(AssertUnwindSafe(effect)).is_err() {
        tracing::error!("an effect of a write panicked; the write itself is stored");
    }
}

/// Marks this thread as writing, for as long as it lives.
struct Writing(PhantomData<*const ()>);

thread_local! {
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

impl Writing {
    fn begin() -> Result<Self> {
        if WRITING.replace(true) {
            return Err(Error::Nested);
        }
        Ok(Self(PhantomData))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.set(false);
    }
}
