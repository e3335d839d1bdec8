//! The one step from asynchronous doors to the synchronous core.
//!
//! A job runs where it costs least: a cheap read in place, where the store's engine allows it, because a trip
//! through the blocking pool costs more than the read; everything else in the pool, behind a bound.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::Semaphore;

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
    /// The server is stopping and takes no new jobs.
    #[error("the server is stopping")]
    Stopped,
}

/// Runs the jobs of all doors; clones share the bound.
#[derive(Debug, Clone)]
pub struct Dispatch {
    places: Arc<Semaphore>,
    in_place: bool,
}

impl Dispatch {
    /// At most `jobs` on the blocking pool at a time, more wait their turn. `in_place`: whether cheap jobs may
    /// run on the caller's thread (the store's `reads_inline`).
    pub fn new(jobs: usize, in_place: bool) -> Self {
        Self {
            places: Arc::new(Semaphore::new(jobs.clamp(1, Semaphore::MAX_PERMITS))),
            in_place,
        }
    }

    /// The result of `job`. It is run to its end even if the caller goes away.
    pub async fn run<T, F>(&self, cost: Cost, job: F) -> Result<T, Lost>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if cost == Cost::Cheap && self.in_place {
            // The job is given up whole: nobody sees what a panic left half done.
            return catch_unwind(AssertUnwindSafe(job)).map_err(|_| Lost::Panicked);
        }
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
    async fn panics_are_lost_jobs_and_free_their_place() {
        let dispatch = Dispatch::new(1, true);
        for cost in [Cost::Cheap, Cost::Heavy, Cost::Heavy] {
            let lost = dispatch.run(cost, || panic!("as the test wants it")).await;
            assert_eq!(lost, Err::<(), _>(Lost::Panicked));
        }
        assert_eq!(dispatch.run(Cost::Heavy, || 1).await, Ok(1));
    }
}
