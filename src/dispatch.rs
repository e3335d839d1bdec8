//! The one step from asynchronous doors to the synchronous core.
//!
//! A job runs where it costs least: a cheap read in place, where the store's engine allows it, because a trip
//! through the blocking pool costs more than the read; everything else in the pool, behind a bound. How much one
//! client may ask for is the matter of `guard`, which is asked here too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::core::Client;
use crate::guard::{Busy, Guard, Pass};

/// How much a job may hold up others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// A few look-ups: microseconds. No writing, no hashing of passwords, no walking through a calendar.
    Cheap,
    /// Anything else.
    Heavy,
}

/// A job that gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It panicked; the panic hook has said where.
    #[error("a job ended in a panic")]
    Panicked,
    /// It took too long, waiting for its turn included. It may still be done.
    #[error("a job takes longer than a request may")]
    Late,
    /// The server is stopping and takes no new jobs.
    #[error("the server is stopping")]
    Stopped,
}

/// Runs the jobs of all doors; clones share the bound.
#[derive(Debug, Clone)]
pub struct Dispatch {
    places: Arc<Semaphore>,
    in_place: bool,
    guard: Option<Guard>,
    time: Option<Duration>,
}

impl Dispatch {
    /// At most `jobs` on the blocking pool at a time, more wait their turn. `in_place`: whether cheap jobs may
    /// run on the caller's thread (the store's `reads_inline`).
    pub fn new(jobs: usize, in_place: bool) -> Self {
        Self {
            places: Arc::new(Semaphore::new(jobs.clamp(1, Semaphore::MAX_PERMITS))),
            in_place,
            guard: None,
            time: None,
        }
    }

    /// The same, with bounds on what one client may ask for and on the time of a job.
    #[must_use]
    pub fn guarded(self, guard: Guard, time: Duration) -> Self {
        Self {
            guard: Some(guard),
            time: Some(time),
            ..self
        }
    }

    /// Lets a request of `client` in, or says when to come again. It is counted as long as the pass is held.
    pub fn enter(&self, client: Client) -> Result<Pass, Busy> {
        match &self.guard {
            Some(guard) => guard.enter(client),
            None => Ok(Pass::free()),
        }
    }

    /// Lets `client` make a connection that stays, or says when to come again. It is counted as long as the pass is held.
    pub fn connect(&self, client: Client) -> Result<Pass, Busy> {
        match &self.guard {
            Some(guard) => guard.connect(client),
            None => Ok(Pass::free()),
        }
    }

    /// Waits until a request on a connection of `client` may be counted.
    ///
    /// Errors: [`Lost::Late`] when that takes longer than a request may.
    pub async fn turn(&self, client: Client) -> Result<(), Lost> {
        let (Some(guard), Some(time)) = (&self.guard, self.time) else {
            return Ok(());
        };
        let turn = async {
            while let Err(wait) = guard.turn(client) {
                sleep(wait).await;
            }
        };
        timeout(time, turn).await.map_err(|_| Lost::Late)
    }

    /// The result of `job`. It is run to its end even if the caller goes away or it is late.
    pub async fn run<T, F>(&self, cost: Cost, job: F) -> Result<T, Lost>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if cost == Cost::Cheap && self.in_place {
            // The job is given up whole: nobody sees what a panic left half done.
            return catch_unwind(AssertUnwindSafe(job)).map_err(|_| Lost::Panicked);
        }
        let running = self.run_elsewhere(job);
        match self.time {
            Some(time) => timeout(time, running).await.unwrap_or(Err(Lost::Late)),
            None => running.await,
        }
    }

    /// As [`Dispatch::run`] for a heavy job whose time its door bounds by itself.
    ///
    /// Errors: [`Lost::Panicked`], [`Lost::Stopped`].
    pub async fn run_long<T, F>(&self, job: F) -> Result<T, Lost>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.run_elsewhere(job).await
    }

    async fn run_elsewhere<T, F>(&self, job: F) -> Result<T, Lost>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.map_err(|_| Lost::Stopped)?;
        let joined = tokio::task::spawn_blocking(move || {
            let result = job();
            drop(place);
            result
        });
        joined.await.map_err(|error| match error.is_panic() {
            true => Lost::Panicked,
            false => Lost::Stopped,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn cheap_jobs_stay_and_heavy_ones_move() {
        let here = thread::current().id();
        let dispatch = Dispatch::new(1, true);
        let whereabouts = || thread::current().id();
        assert_eq!(dispatch.run(Cost::Cheap, whereabouts).await, Ok(here));
        assert_ne!(dispatch.run(Cost::Heavy, whereabouts).await, Ok(here));
        let elsewhere = Dispatch::new(1, false);
        assert_ne!(elsewhere.run(Cost::Cheap, whereabouts).await, Ok(here));
    }

    #[tokio::test]
    async fn a_job_that_takes_too_long_is_late() {
        let guard = Guard::new(&crate::limits::Limits::default(), Vec::new());
        let dispatch = Dispatch::new(1, true).guarded(guard, Duration::from_millis(20));
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let slow = dispatch.run(Cost::Heavy, move || wait.recv().is_ok());
        assert_eq!(slow.await, Err(Lost::Late));
        // It still holds its place: whoever waits for one is late as well.
        assert_eq!(dispatch.run(Cost::Heavy, || 1).await, Err(Lost::Late));
        drop(end);
        assert_eq!(dispatch.run_long(|| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn panics_are_lost_jobs_and_free_their_place() {
        let dispatch = Dispatch::new(1, true);
        for cost in [Cost::Cheap, Cost::Heavy, Cost::Heavy] {
            let lost = dispatch.run(cost, || panic!("as the test wants it")).await;
            assert_eq!(lost, Err::<(), _>(Lost::Panicked));
        }
        assert_eq!(dispatch.run(Cost::Heavy, || 1).await, Ok(1));
    }
}
