//! The HTTP listener: accepts, bounds and ends connections; what is answered is the router's matter.
//!
//! HTTP/1.1 and HTTP/2 with prior knowledge on one port. Each wait for the client has a bound of its own: for the
//! first octets, for a header (both `limits.header_time`), for the client to read the answer
//! (`limits.write_time`). The time a body may take is watched where bodies are read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::target::Repaired;
use crate::limits::Limits;

/// How HTTP/2 begins (RFC 9113 section 3.4); until it can be told apart nothing else watches the clock.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Pause after `accept` failed (out of file descriptors, as a rule): long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Least room for a header that the HTTP library works with, in octets.
const HEADER_LEAST: usize = 8 << 10;

/// Serves `router` on `listener` until `stop` turns true, then lets requests in flight finish for at most `grace`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    mut stop: watch::Receiver<bool>,
    grace: Duration,
) {
    let builder = Arc::new(builder(limits));
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
                Ok(stream) => {
                    let connection = Connection {
                        builder: Arc::clone(&builder),
                        router: router.clone(),
                        watcher: graceful.watcher(),
                        header_time: limits.header_time,
                        write_time: limits.write_time,
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
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (Option<OwnedSemaphorePermit>, io::Result<TcpStream>) {
    // Nobody closes the semaphore, so there always comes a slot.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    let accepted = listener.accept().await.map(|(stream, _)| stream);
    (slot, accepted)
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_bytes.max(HEADER_LEAST));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.header_time)
        .keep_alive_timeout(limits.header_time);
    builder
}

/// What one connection needs.
struct Connection {
    builder: Arc<auto::Builder<TokioExecutor>>,
    router: Router,
    watcher: Watcher,
    header_time: Duration,
    write_time: Duration,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, mut stop: watch::Receiver<bool>) {
        // An answer leaves in one piece; waiting for more of it only delays it.
        let _ = stream.set_nodelay(true);
        let begun = tokio::select! {
            begun = timeout(self.header_time, first_octets(&stream)) => matches!(begun, Ok(Ok(()))),
            // Nothing was asked yet.
            () = told(&mut stop) => false,
        };
        if !begun {
            return;
        }
        let io = TokioIo::new(Repaired::new(Impatient::new(stream, self.write_time)));
        let service = TowerToHyperService::new(self.router);
        let connection = self.builder.serve_connection(io, service).into_owned();
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(error, "HTTP connection broke off");
        }
    }
}

/// Waits until it is clear which HTTP the client speaks. Takes nothing from the stream.
async fn first_octets(stream: &TcpStream) -> io::Result<()> {
    let mut octets = [0; PREFACE.len()];
    loop {
        let seen = stream.peek(&mut octets).await?;
        if seen == 0 || seen == PREFACE.len() || !PREFACE.starts_with(&octets[..seen]) {
            return Ok(());
        }
        // A beginning that waits for its rest: readiness is told once, so look again now and then.
        sleep(Duration::from_millis(10)).await;
    }
}

/// A stream whose writes fail when the other side reads nothing for too long.
struct Impatient {
    stream: TcpStream,
    patience: Duration,
    /// When patience ends; set while a write waits.
    end: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    fn new(stream: TcpStream, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            end: None,
        }
    }

    /// Passes on what a write came to, unless it has waited for too long.
    fn bounded<T>(
        &mut self,
        cx: &mut Context<'_>,
        came_to: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if came_to.is_ready() {
            self.end = None;
            return came_to;
        }
        let until = Instant::now() + self.patience;
        let end = self
            .end
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        ready!(end.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let came_to = Pin::new(&mut self.stream).poll_write(cx, octets);
        self.bounded(cx, came_to)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let came_to = Pin::new(&mut self.stream).poll_write_vectored(cx, octets);
        self.bounded(cx, came_to)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let came_to = Pin::new(&mut self.stream).poll_flush(cx);
        self.bounded(cx, came_to)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let came_to = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bounded(cx, came_to)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    /// Limits whose waits are short enough to sit out.
    fn impatient() -> Limits {
        Limits {
            header_time: Duration::from_millis(80),
            write_time: Duration::from_millis(80),
            ..Limits::default()
        }
    }

    struct Server {
        addr: SocketAddr,
        stop: watch::Sender<bool>,
        ended: tokio::task::JoinHandle<()>,
    }

    async fn start(router: Router, limits: Limits) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let ended = tokio::spawn(async move {
            serve(listener, router, &limits, stopped, Duration::from_secs(10)).await;
        });
        Server { addr, stop, ended }
    }

    fn hello() -> Router {
        Router::new().route("/", get(|| async { "hello" }))
    }

    /// Everything the server says to `request`, until it closes.
    async fn ask(addr: SocketAddr, request: &[u8]) -> String {
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
}
