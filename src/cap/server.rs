//! The sockets of the CAP door: accepts, reads, writes, closes. What is said is [`Channel`]'s.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, sleep, sleep_until, timeout};

use super::channel::{self, Channel};
use super::settings::Settings;
use crate::metric;

/// Octets taken from a socket at a time; bounds what one turn can make outgoing.
const READ: usize = 4096;
/// Octets that a closing session reads and drops while it waits for the client to close.
const LINGER_OCTETS: usize = 64 * 1024;
/// Pause after `accept` failed (out of file descriptors, as a rule): long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves CAP on `listener` until `shutdown` turns true or its sender is gone.
///
/// Then no connection is accepted any more, open sessions are told 10.2 and closed, and the call returns
/// when they have ended, at the latest after `settings.stop_grace`.
pub async fn serve(
    listener: TcpListener,
    settings: Arc<Settings>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut sessions = JoinSet::new();
    let stop = shutdown.clone();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut shutdown) => break,
            Some(ended) = sessions.join_next() => report(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if sessions.len() >= settings.limits.cap_connections => turn_away(stream),
                Ok((stream, peer)) => {
                    tracing::debug!(%peer, "CAP session opened");
                    let session = session(stream, Arc::clone(&settings), stop.clone());
                    sessions.spawn(session);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a CAP connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let ended = async {
        while let Some(ended) = sessions.join_next().await {
            report(ended);
        }
    };
    if timeout(settings.stop_grace, ended).await.is_err() {
        tracing::warn!(
            sessions = sessions.len(),
            "CAP sessions cut off at shutdown"
        );
        sessions.shutdown().await;
    }
}

/// One session from greeting to close. Its size is what an idle connection costs.
async fn session<S>(mut stream: S, settings: Arc<Settings>, mut shutdown: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _open = Open::new();
    let mut channel = Channel::new(Arc::clone(&settings), now());
    loop {
        let outgoing = channel.take_outgoing();
        if !outgoing.is_empty()
            && !send(&mut stream, &outgoing, settings.limits.cap_write_time).await
        {
            return;
        }
        drop(outgoing);
        if channel.is_closed() {
            break;
        }
        let deadline = channel.deadline();
        tokio::select! {
            biased;
            () = stopped(&mut shutdown) => channel.stop(),
            received = poll_fn(|cx| receive(&mut stream, cx, |octets| channel.feed(octets, now()))) => {
                if !matches!(received, Ok(1..)) {
                    return;
                }
            }
            () = until(deadline) => channel.expire(now()),
        }
    }
    let _ = timeout(settings.linger, close(stream)).await;
}

/// Sends everything, unless the client leaves it unread for `limit`. Whether it went out.
async fn send<S: AsyncWrite + Unpin>(stream: &mut S, octets: &[u8], limit: Duration) -> bool {
    let sent = async {
        stream.write_all(octets).await?;
        stream.flush().await
    };
    matches!(timeout(limit, sent).await, Ok(Ok(())))
}

/// Reads once and lends what came to `take`; returns its length, 0 at the end of the stream.
///
/// The buffer stands on the stack for the time of the call, so a waiting session holds none.
fn receive<S: AsyncRead + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
    mut take: impl FnMut(&[u8]),
) -> Poll<io::Result<usize>> {
    let mut octets = [0; READ];
    let mut buffer = ReadBuf::new(&mut octets);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    take(buffer.filled());
    Poll::Ready(Ok(buffer.filled().len()))
}

/// Ends our side, then reads until the client ends its own: closing a socket with unread input resets
/// the connection, and the last reply could be lost with it.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    stream.shutdown().await?;
    let mut dropped = 0;
    while dropped < LINGER_OCTETS {
        match poll_fn(|cx| receive(&mut stream, cx, |_| ())).await? {
            0 => break,
            octets => dropped += octets,
        }
    }
    Ok(())
}

/// Answers 8.1 without waiting: the few octets fit an empty socket buffer, and one that has no room is
/// closed without them.
fn turn_away(stream: TcpStream) {
    tracing::debug!("CAP connection turned away");
    metrics::counter!(metric::CAP_CONNECTIONS_TOTAL, "outcome" => "busy").increment(1);
    if let Ok(mut stream) = stream.into_std() {
        let _ = io::Write::write(&mut stream, &channel::busy());
    }
}

/// Counts a session while it lives.
struct Open;

impl Open {
    fn new() -> Self {
        metrics::counter!(metric::CAP_CONNECTIONS_TOTAL, "outcome" => "served").increment(1);
        metrics::gauge!(metric::CAP_CONNECTIONS).increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!(metric::CAP_CONNECTIONS).decrement(1.0);
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "CAP session failed");
    }
}

async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: nobody is left who could ask us to stop.
    let _ = shutdown.wait_for(|&stop| stop).await;
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests;
