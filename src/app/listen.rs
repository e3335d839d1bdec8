//! The HTTP listeners: accept, bound and end connections; what is answered is the router's matter.
//!
//! HTTP/1.1 and HTTP/2 on one port, inside TLS by ALPN, else by prior knowledge. Each wait for the client has a bound
//! of its own: for the TLS handshake (`limits.handshake_time`), for the first octets, for a header (both
//! `limits.header_time`), for the client to read the answer (`limits.write_time`, here and in `patience`). The time a
//! body may take is watched where bodies are read.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use super::patience::Patience;
use super::stream::{Impatient, Opened};
use super::target::Repaired;
use crate::limits::Limits;
use crate::origin::{Origin, Proxies};
use crate::tls::{self, Duplex, Tls};

/// Pause after `accept` failed (out of file descriptors, as a rule): long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Least room for a header that the HTTP library works with, in octets.
const HEADER_LEAST: usize = 8 << 10;

/// As many fields of a header the HTTP library takes apart without asking for memory.
const FIELDS_IN_PLACE: usize = 100;

/// What whoever speaks HTTP to a port of HTTPS is told.
const SPEAK_TLS: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 58\r\nConnection: close\r\n\r\nThis address speaks HTTPS: write https:// in front of it.\n";

/// Octets of a request that is not answered which are read so that the refusal arrives.
const REFUSED_OCTETS: u64 = 64 << 10;

/// How long that may take.
const REFUSED_TIME: Duration = Duration::from_secs(1);

/// A socket that connections come to.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket, for a proxy on the same machine.
    Unix(UnixListener),
}

/// How connections are treated.
#[derive(Clone, Default)]
pub struct Options {
    /// The certificates; none: HTTP without TLS.
    pub tls: Option<Arc<Tls>>,
    /// Whether other machines may speak HTTP without TLS although there is TLS.
    pub plain_remote: bool,
    /// Who may speak for others.
    pub proxies: Arc<Proxies>,
}

/// Serves `router` on `listener` until `stop` turns true, then lets requests in flight finish for at most `grace`.
pub async fn serve(
    listener: Listener,
    router: Router,
    options: Options,
    limits: &Limits,
    mut stop: watch::Receiver<bool>,
    grace: Duration,
) {
    let builder = Arc::new(builder(limits));
    let limits = Arc::new(limits.clone());
    let slots = Arc::new(Semaphore::new(
        limits.connections.min(Semaphore::MAX_PERMITS),
    ));
    let graceful = GracefulShutdown::new();
    let stopped = stop.clone();
    loop {
        tokio::select! {
            biased;
            () = told(&mut stop) => break,
            (slot, accepted) = accept(&listener, &slots) => match accepted {
                Ok((stream, address)) => {
                    let connection = Connection {
                        builder: Arc::clone(&builder),
                        router: router.clone(),
                        options: options.clone(),
                        address,
                        watcher: graceful.watcher(),
                        limits: Arc::clone(&limits),
                        _slot: slot,
                    };
                    tokio::spawn(connection.serve(stream, stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an HTTP connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let open = graceful.count();
    if timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = open, "HTTP requests cut off at shutdown");
    }
}

/// Returns when `stop` is true or its sender gone.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Takes a connection once there is a slot for it; until then it waits in the system's queue.
async fn accept(
    listener: &Listener,
    slots: &Arc<Semaphore>,
) -> (
    Option<OwnedSemaphorePermit>,
    io::Result<(Box<dyn Duplex>, Option<IpAddr>)>,
) {
    // Nobody closes the semaphore, so there always comes a slot.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    let accepted = match listener {
        Listener::Tcp(listener) => listener.accept().await.map(|(stream, peer)| {
            // An answer leaves in one piece; waiting for more of it only delays it.
            let _ = stream.set_nodelay(true);
            let stream: Box<dyn Duplex> = Box::new(stream);
            (stream, Some(peer.ip().to_canonical()))
        }),
        Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| {
            let stream: Box<dyn Duplex> = Box::new(stream);
            (stream, None)
        }),
    };
    (slot, accepted)
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let number = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_bytes.max(HEADER_LEAST));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(number(limits.header_bytes))
        .max_concurrent_streams(number(limits.http2_streams))
        .max_pending_accept_reset_streams(limits.http2_resets)
        .max_local_error_reset_streams(limits.http2_faults)
        .keep_alive_interval(limits.header_time)
        .keep_alive_timeout(limits.header_time);
    if limits.header_fields > FIELDS_IN_PLACE {
        builder.http1().max_headers(limits.header_fields);
    }
    builder
}

/// What one connection needs.
struct Connection {
    builder: Arc<auto::Builder<TokioExecutor>>,
    router: Router,
    options: Options,
    address: Option<IpAddr>,
    watcher: Watcher,
    limits: Arc<Limits>,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Connection {
    async fn serve(self, stream: Box<dyn Duplex>, mut stop: watch::Receiver<bool>) {
        let opened = tokio::select! {
            opened = self.open(stream) => opened,
            // Nothing was asked yet.
            () = told(&mut stop) => return,
        };
        let Some((opened, secure)) = opened else {
            return;
        };
        let io = TokioIo::new(Repaired::new(Impatient::new(
            opened,
            self.limits.write_time,
        )));
        let direct = Origin {
            address: self.address,
            secure,
        };
        let patience = Patience::new(&self.limits);
        let asked = patience.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let answer = asked.asked();
            let origin = self.options.proxies.origin(direct, request.headers());
            request.extensions_mut().insert(origin);
            let few = request.headers().len() <= self.limits.header_fields;
            let router = few.then(|| self.router.clone());
            async move {
                let response = match router {
                    Some(router) => router.oneshot(request).await?,
                    None => too_many_fields(),
                };
                Ok::<_, Infallible>(answer.give(response))
            }
        });
        let connection = self.builder.serve_connection(io, service).into_owned();
        tokio::select! {
            ended = self.watcher.watch(connection) => {
                if let Err(error) = ended {
                    tracing::debug!(error, "HTTP connection broke off");
                }
            }
            () = patience.ends() => tracing::debug!("HTTP client given up"),
        }
    }

    /// The connection once the client has begun to speak HTTP, and whether it does so inside TLS; nothing when it
    /// does not, or may not.
    async fn open(&self, stream: Box<dyn Duplex>) -> Option<(Opened, bool)> {
        let opened = self.begun(stream).await?;
        let Some(tls) = &self.options.tls else {
            return Some((opened, false));
        };
        if opened.first() == Some(tls::HANDSHAKE) {
            match tls.accept(opened, tls::Door::Http).await {
                Ok(secured) => {
                    let opened = self.begun(Box::new(secured.stream)).await?;
                    return Some((opened, true));
                }
                Err(error) => {
                    tracing::debug!(%error, "no TLS with an HTTP client");
                    return None;
                }
            }
        }
        let local = self.address.is_none_or(|address| address.is_loopback());
        if local || self.options.plain_remote {
            return Some((opened, false));
        }
        let _ = timeout(REFUSED_TIME, refuse(opened)).await;
        None
    }

    async fn begun(&self, stream: Box<dyn Duplex>) -> Option<Opened> {
        let opened = timeout(self.limits.header_time, Opened::wait(stream)).await;
        opened.ok()?.ok().filter(|opened| opened.first().is_some())
    }
}

/// What a request whose header has more fields than it may is told (RFC 6585 section 5).
fn too_many_fields() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    response
}

/// Says that TLS is spoken here. Closing with unread octets would take the words back, so some are read.
async fn refuse(mut stream: Opened) -> io::Result<()> {
    stream.write_all(SPEAK_TLS.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = (&mut stream).take(REFUSED_OCTETS);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod bounds_tests;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::net::SocketAddr;
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    /// Limits whose waits are short enough to sit out.
    pub(super) fn impatient() -> Limits {
        Limits {
            header_time: Duration::from_millis(80),
            write_time: Duration::from_millis(80),
            ..Limits::default()
        }
    }

    pub(super) struct Server {
        pub(super) addr: SocketAddr,
        stop: watch::Sender<bool>,
        ended: tokio::task::JoinHandle<()>,
    }

    pub(super) async fn start(router: Router, limits: Limits) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let ended = tokio::spawn(async move {
            let grace = Duration::from_secs(10);
            let listener = Listener::Tcp(listener);
            serve(
                listener,
                router,
                Options::default(),
                &limits,
                stopped,
                grace,
            )
            .await;
        });
        Server { addr, stop, ended }
    }

    pub(super) fn hello() -> Router {
        Router::new().route("/", get(|| async { "hello" }))
    }

    /// Everything the server says to `request`, until it closes.
    pub(super) async fn ask(addr: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn requests_are_answered_on_one_connection() {
        let server = start(hello(), Limits::default()).await;
        let twice = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answer = ask(server.addr, twice).await;
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
        server.stop.send(true).unwrap();
        server.ended.await.unwrap();
        assert!(TcpStream::connect(server.addr).await.is_err());
    }

    #[tokio::test]
    async fn raw_quotes_reach_the_handler_encoded() {
        let echo = |uri: http::Uri| async move { uri.query().unwrap_or_default().to_owned() };
        let router = Router::new().route("/", get(echo));
        let server = start(router, Limits::default()).await;
        let request = "GET /?rrules=\"FREQ=DAILY;COUNT=2\"&s=<\u{e4}> HTTP/1.1\r\nHost: x\r\n\
                       Connection: close\r\n\r\n";
        let answer = ask(server.addr, request.as_bytes()).await;
        let echoed = "\r\n\r\nrrules=%22FREQ=DAILY;COUNT=2%22&s=%3C%C3%A4%3E";
        assert!(answer.ends_with(echoed), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_sends_nothing_or_half_is_closed() {
        let server = start(hello(), impatient()).await;
        for half in [
            &b""[..],
            b"P",
            b"PRI * HTTP/2.0\r\n",
            b"GET / HTTP/1.1\r\nHost:",
        ] {
            let answer = timeout(Duration::from_secs(20), ask(server.addr, half)).await;
            let answer = answer.unwrap();
            assert!(!answer.contains("200"), "{half:?}: {answer}");
        }
    }

    #[tokio::test]
    async fn a_header_over_the_limit_is_refused() {
        let limits = Limits {
            header_bytes: 10_000,
            ..Limits::default()
        };
        let server = start(hello(), limits).await;
        let long = format!("GET /?{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(20_000));
        let answer = ask(server.addr, long.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let (given_up, mut was_given_up) = tokio::sync::mpsc::channel::<()>(1);
        let endless = move || {
            let given_up = given_up.clone();
            async move {
                let piece = bytes::Bytes::from(vec![b'x'; 1 << 20]);
                // Dropped with the connection, and with it its sender.
                let pieces = futures_util::stream::repeat_with(move || {
                    let _held = &given_up;
                    Ok::<_, io::Error>(piece.clone())
                });
                axum::body::Body::from_stream(pieces)
            }
        };
        let server = start(Router::new().route("/", get(endless)), impatient()).await;
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request).await.unwrap();
        server.stop.send(true).unwrap();
        // Without a bound on writes the server would wait for its whole grace of ten seconds.
        let ended = timeout(Duration::from_secs(5), server.ended).await;
        ended.unwrap().unwrap();
        assert!(was_given_up.recv().await.is_none());
    }

    #[tokio::test]
    async fn more_connections_than_allowed_wait() {
        let limits = Limits {
            connections: 1,
            ..Limits::default()
        };
        let server = start(hello(), limits).await;
        let first = TcpStream::connect(server.addr).await.unwrap();
        let close = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let addr = server.addr;
        let mut second = tokio::spawn(async move { ask(addr, close).await });
        let waiting = timeout(Duration::from_millis(100), &mut second).await;
        assert!(waiting.is_err());
        drop(first);
        assert!(second.await.unwrap().contains("hello"));
    }

    #[tokio::test]
    async fn a_request_in_flight_is_finished_at_the_stop() {
        let (begun, has_begun) = oneshot::channel();
        let (go_on, wait) = oneshot::channel::<()>();
        let cells = Arc::new(std::sync::Mutex::new(Some((begun, wait))));
        let slow = move || async move {
            let (begun, wait) = cells.lock().unwrap().take().unwrap();
            begun.send(()).unwrap();
            wait.await.unwrap();
            "finished"
        };
        let server = start(Router::new().route("/", get(slow)), Limits::default()).await;
        let addr = server.addr;
        let client =
            tokio::spawn(async move { ask(addr, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await });
        has_begun.await.unwrap();
        server.stop.send(true).unwrap();
        tokio::task::yield_now().await;
        go_on.send(()).unwrap();
        assert!(client.await.unwrap().contains("finished"));
        server.ended.await.unwrap();
    }

    /// With TLS, other machines that speak plain HTTP are told so, or served where the operator wants that.
    #[tokio::test]
    async fn plain_http_is_for_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let source = tls::Source::SelfSigned {
            folder: folder.path().to_owned(),
            domain: "localhost".to_owned(),
        };
        let clock = Arc::new(crate::model::clock::SystemClock);
        let tls = Tls::load(source, None, clock, Duration::from_secs(10)).unwrap();
        let tls = Some(Arc::new(tls));
        let graceful = GracefulShutdown::new();
        for (address, plain_remote, served) in [
            (Some("192.0.2.7"), false, false),
            (Some("192.0.2.7"), true, true),
            (Some("127.0.0.1"), false, true),
            (None, false, true),
        ] {
            let connection = Connection {
                builder: Arc::new(builder(&Limits::default())),
                router: hello(),
                options: Options {
                    tls: tls.clone(),
                    plain_remote,
                    proxies: Arc::default(),
                },
                address: address.map(|address| address.parse().unwrap()),
                watcher: graceful.watcher(),
                limits: Arc::default(),
                _slot: None,
            };
            let (ours, mut theirs) = tokio::io::duplex(10_000);
            let (_stop, stopped) = watch::channel(false);
            let serving = tokio::spawn(connection.serve(Box::new(ours), stopped));
            let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            theirs.write_all(request).await.unwrap();
            let mut answer = String::new();
            theirs.read_to_string(&mut answer).await.unwrap();
            drop(theirs);
            serving.await.unwrap();
            assert_eq!(answer.starts_with("HTTP/1.1 200"), served, "{answer}");
            assert_eq!(answer == SPEAK_TLS, !served, "{answer}");
        }
        let (_, body) = SPEAK_TLS.split_once("\r\n\r\n").unwrap();
        assert!(SPEAK_TLS.contains(&format!("Content-Length: {}\r\n", body.len())));
    }
}
