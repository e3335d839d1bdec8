//! How long the server waits for the client of an HTTP connection between one request and the next, and while an
//! answer is taken.
//!
//! What the system's buffers hide is not seen here (`stream` bounds writes that do not move at all), and HTTP/2's
//! windows are not seen there: a client that opens none takes nothing, and its answers stay in memory. So answers are
//! handed out in pieces, and each must go on.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use crate::guard::Pass;
use crate::limits::Limits;

/// Octets of an answer that are handed out at a time; HTTP/2 buffers that much for each stream.
const PIECE: usize = 16 << 10;

/// What one connection is waited for; clones share it.
#[derive(Clone)]
pub(super) struct Patience(Arc<Mutex<Waits>>);

impl Patience {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Waits::new(limits, Instant::now()))))
    }

    /// A request has come.
    pub(super) fn asked(&self) -> Answer {
        let number = self.waits().asked();
        let patience = self.clone();
        Answer { patience, number }
    }

    /// Returns when the client has been waited for long enough.
    pub(super) async fn ends(&self) {
        loop {
            let due = self.waits().due(Instant::now());
            match due {
                Due::Now => return,
                Due::LookAgain(at) => sleep_until(at).await,
            }
        }
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The requests of a connection whose answers are not all taken, and how long each may stay so.
struct Waits {
    /// How long nothing may be asked.
    quiet: Duration,
    /// How long the client may take over `least` octets of an answer.
    write: Duration,
    least: usize,
    answers: HashMap<u64, Wait>,
    next: u64,
    /// When the last answer was taken.
    quiet_since: Instant,
}

enum Wait {
    /// The server is at work.
    ForUs,
    /// The client has taken so many octets since then.
    ForClient(Instant, usize),
}

/// When patience ends.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    Now,
    LookAgain(Instant),
}

impl Waits {
    fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            // The end of an answer may still be on its way when the wait for the next header begins.
            quiet: limits.header_time.saturating_add(limits.write_time),
            write: limits.write_time,
            least: limits.write_least.max(1),
            answers: HashMap::new(),
            next: 0,
            quiet_since: now,
        }
    }

    fn asked(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.answers.insert(number, Wait::ForUs);
        number
    }

    /// The client takes `octets` more of an answer.
    fn takes(&mut self, number: u64, octets: usize, now: Instant) {
        let wait = match self.answers.get(&number) {
            Some(Wait::ForClient(since, taken)) if taken + octets < self.least => {
                Wait::ForClient(*since, taken + octets)
            }
            _ => Wait::ForClient(now, 0),
        };
        self.answers.insert(number, wait);
    }

    fn done(&mut self, number: u64, now: Instant) {
        self.answers.remove(&number);
        if self.answers.is_empty() {
            self.quiet_since = now;
        }
    }

    fn due(&self, now: Instant) -> Due {
        let longest = self.answers.values().filter_map(|wait| match wait {
            Wait::ForUs => None,
            Wait::ForClient(since, _) => Some(*since),
        });
        let end = match self.answers.is_empty() {
            true => Some(self.quiet_since + self.quiet),
            false => longest.min().map(|since| since + self.write),
        };
        if end.is_some_and(|end| end <= now) {
            return Due::Now;
        }
        // What begins after this look is not due before that.
        let soon = now + self.write.min(self.quiet);
        Due::LookAgain(end.map_or(soon, |end| end.min(soon)))
    }
}

/// A request and its answer, until all of that has been taken or dropped.
pub(super) struct Answer {
    patience: Patience,
    number: u64,
}

impl Answer {
    /// The answer is there, and its client is waited for from now on.
    pub(super) fn give(self, mut response: Response<Body>) -> Response<Watched> {
        self.takes(0);
        let pass = response.extensions_mut().remove::<Arc<Pass>>();
        response.map(|body| Watched {
            body,
            rest: Bytes::new(),
            answer: self,
            _pass: pass,
        })
    }

    fn takes(&self, octets: usize) {
        let mut waits = self.patience.waits();
        waits.takes(self.number, octets, Instant::now());
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.patience.waits().done(self.number, Instant::now());
    }
}

/// The body of an answer, in pieces.
pub(super) struct Watched {
    body: Body,
    /// What is left of the body's last piece.
    rest: Bytes,
    answer: Answer,
    /// The request counts as under way meanwhile: its answer is in memory.
    _pass: Option<Arc<Pass>>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        this.answer.takes(piece.len());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, of_body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower().saturating_add(rest));
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http_body_util::BodyExt as _;
    use hyper::body::Body as _;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> Limits {
        Limits {
            header_time: 2 * SECOND,
            write_time: 3 * SECOND,
            write_least: 1_000,
            ..Limits::default()
        }
    }

    /// After how many seconds patience ends if nothing more happens; none: not within a thousand.
    fn end(waits: &Waits, begun: Instant) -> Option<u32> {
        (0..1_000).find(|seconds| {
            let now = begun + SECOND * *seconds;
            match waits.due(now) {
                Due::Now => true,
                Due::LookAgain(at) => {
                    assert!(at > now);
                    false
                }
            }
        })
    }

    #[test]
    fn nobody_may_be_quiet_for_ever() {
        let begun = Instant::now();
        let mut waits = Waits::new(&limits(), begun);
        assert_eq!(end(&waits, begun), Some(5));
        // While the server works the client is not waited for.
        let (first, second) = (waits.asked(), waits.asked());
        assert_eq!(end(&waits, begun), None);
        waits.done(first, begun + SECOND * 10);
        assert_eq!(end(&waits, begun), None);
        waits.done(second, begun + SECOND * 20);
        assert_eq!(end(&waits, begun), Some(25));
    }

    #[test]
    fn an_answer_must_go_on() {
        let begun = Instant::now();
        let mut waits = Waits::new(&limits(), begun);
        let number = waits.asked();
        waits.takes(number, 0, begun + SECOND);
        assert_eq!(end(&waits, begun), Some(4));
        // A little is not enough.
        waits.takes(number, 999, begun + SECOND * 2);
        assert_eq!(end(&waits, begun), Some(4));
        waits.takes(number, 1, begun + SECOND * 3);
        assert_eq!(end(&waits, begun), Some(6));
        waits.takes(number, 5_000, begun + SECOND * 5);
        assert_eq!(end(&waits, begun), Some(8));
        // Another that goes on does not help it, nor does one that is worked on.
        let (other, third) = (waits.asked(), waits.asked());
        waits.takes(other, 0, begun + SECOND * 6);
        waits.takes(other, 5_000, begun + SECOND * 7);
        assert_eq!(end(&waits, begun), Some(8));
        waits.done(number, begun + SECOND * 7);
        assert_eq!(end(&waits, begun), Some(10));
        waits.done(other, begun + SECOND * 7);
        assert_eq!(end(&waits, begun), None);
        waits.done(third, begun + SECOND * 7);
        assert_eq!(end(&waits, begun), Some(12));
    }

    #[tokio::test]
    async fn pieces_make_the_whole() {
        let text: Vec<u8> = (0..PIECE * 3 + 17).map(|at| at as u8).collect();
        let body = Body::from(text.clone());
        let mut body = Patience::new(&limits())
            .asked()
            .give(Response::new(body))
            .into_body();
        let (mut seen, mut left) = (Vec::new(), text.len());
        while let Some(piece) = body.frame().await {
            let piece = piece.unwrap().into_data().unwrap();
            left -= piece.len();
            seen.extend_from_slice(&piece);
            assert_eq!(body.size_hint().exact(), Some(left as u64));
            assert_eq!(body.is_end_stream(), left == 0);
        }
        assert_eq!(seen, text);
    }
}
