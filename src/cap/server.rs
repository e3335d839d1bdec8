//! The sockets of the CAP door: accepts, reads, writes, closes. What is said is [`Channel`]'s.

use std::future::{pending as pending_forever, poll_fn};
use std::io;
use std::net::IpAddr;
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
use super::job::{Carried, Job, Outcome};
use super::settings::{Link, Settings};
use super::work;
use crate::core::{Client, Core};
use crate::dispatch::Dispatch;
use crate::guard::Pass;
use crate::metric;
use crate::tls::{Door, Duplex};

/// Octets taken from a socket at a time; bounds what one turn can make outgoing.
const READ: usize = 4096;
/// Octets that a closing session reads and drops while it waits for the client to close.
const LINGER_OCTETS: usize = 64 * 1024;
/// Pause after `accept` failed (out of file descriptors, as a rule): long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What carries out the work of sessions.
#[derive(Clone)]
pub struct Host {
    /// The calendars and who may use them.
    pub core: Core,
    /// The way to them.
    pub jobs: Dispatch,
}

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With the greeting; STARTTLS may follow.
    Greeting,
    /// With the TLS handshake, and the greeting inside it.
    Tls,
}

/// Serves CAP on `listener` until `shutdown` turns true or its sender is gone.
///
/// Then no connection is accepted any more, open sessions are told 10.2 and closed, and the call returns
/// when they have ended, at the latest after `settings.stop_grace`.
pub async fn serve(
    listener: TcpListener,
    begin: Begin,
    settings: Arc<Settings>,
    host: Host,
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
                    let Ok(place) = host.jobs.connect(Client::of(peer.ip())) else {
                        turn_away(stream);
                        continue;
                    };
                    tracing::debug!(%peer, "CAP session opened");
                    // A reply leaves in one piece.
                    let _ = stream.set_nodelay(true);
                    let session = Session {
                        stream: Box::new(stream),
                        settings: Arc::clone(&settings),
                        host: host.clone(),
                        address: peer.ip().to_canonical(),
                    };
                    sessions.spawn(session.run(begin, place, stop.clone()));
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

/// A connection and what its session needs.
struct Session {
    stream: Box<dyn Duplex>,
    settings: Arc<Settings>,
    host: Host,
    address: IpAddr,
}

/// Work of the session that goes on elsewhere.
type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

impl Session {
    /// The session from greeting to close. Its size is what an idle connection costs.
    /// The connection is counted for its address as long as `_place` is held: to the end.
    async fn run(mut self, begin: Begin, _place: Pass, mut shutdown: watch::Receiver<bool>) {
        let _open = Open::new();
        let mut link = Link {
            local: self.address.is_loopback(),
            ..Link::default()
        };
        if begin == Begin::Tls {
            let Some((session, certificate)) = self.secure().await else {
                return;
            };
            self = session;
            link.secure = true;
            link.certificate = certificate;
        }
        let mut channel = Channel::new(Arc::clone(&self.settings), link, now());
        let mut pending: Option<Pending> = None;
        let mut told = false;
        loop {
            let outgoing = channel.take_outgoing();
            if !outgoing.is_empty() && !self.send(&outgoing).await {
                return channel.gone();
            }
            drop(outgoing);
            if channel.is_closed() {
                break;
            }
            if channel.wants_tls() {
                match self.secure().await {
                    Some((session, certificate)) => {
                        self = session;
                        channel.secured(certificate);
                        continue;
                    }
                    None => return,
                }
            }
            if let Some(job) = channel.take_job() {
                pending = Some(self.carry_out(job));
            }
            let deadline = channel.deadline();
            let stream = &mut self.stream;
            tokio::select! {
                biased;
                () = stopped(&mut shutdown), if !told => {
                    told = true;
                    channel.stop();
                }
                outcome = done(&mut pending) => {
                    pending = None;
                    channel.finish(outcome, now());
                }
                received = poll_fn(|cx| receive(stream, cx, |octets| channel.feed(octets, now()))), if channel.wants_input() => {
                    if !matches!(received, Ok(1..)) {
                        return channel.gone();
                    }
                }
                () = until(deadline) => channel.tick(now()),
            }
        }
        let _ = timeout(self.settings.linger, close(self.stream)).await;
    }

    /// Makes the TLS handshake; nothing when it comes to none.
    async fn secure(self) -> Option<(Self, Vec<String>)> {
        let tls = self.settings.tls.clone()?;
        match tls.accept(self.stream, Door::Cap).await {
            Ok(secured) => {
                let stream: Box<dyn Duplex> = Box::new(secured.stream);
                Some((Self { stream, ..self }, secured.addresses))
            }
            Err(error) => {
                tracing::debug!(%error, "no TLS with a CAP client");
                None
            }
        }
    }

    fn carry_out(&self, job: Job) -> Pending {
        let (host, settings) = (self.host.clone(), Arc::clone(&self.settings));
        let client = Client::of(self.address);
        Box::pin(async move {
            if host.jobs.turn(client).await.is_err() {
                return work::turned_away(&job);
            }
            let cost = work::cost(&job);
            let (core, own) = (host.core.clone(), Arc::clone(&settings));
            // The session itself asks the client, and gives up, when an object takes long (`limits.cap_work_time`).
            let is_object = matches!(job, Job::Object { .. });
            let carry = move || work::carry_out(&core, &own, client, job);
            let carried = match is_object {
                true => host.jobs.run_long(carry).await,
                false => host.jobs.run(cost, carry).await,
            };
            match carried {
                Ok(Carried::Unfinished(rest)) => rest.finish(&host, &settings, client).await,
                Ok(Carried::Done(outcome)) => outcome,
                Err(lost) => {
                    tracing::error!(%lost, "a CAP command broke off");
                    Outcome::Lost
                }
            }
        })
    }

    /// Sends everything, unless the client leaves it unread for too long. Whether it went out.
    async fn send(&mut self, octets: &[u8]) -> bool {
        let limit = self.settings.limits.cap_write_time;
        let sent = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        matches!(timeout(limit, sent).await, Ok(Ok(())))
    }
}

/// What comes of the work that goes on elsewhere; waits for ever when there is none.
async fn done(pending: &mut Option<Pending>) -> Outcome {
    match pending {
        Some(work) => work.await,
        None => pending_forever().await,
    }
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
        None => pending_forever().await,
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests;
