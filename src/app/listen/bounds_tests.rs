//! Clients that keep a connection and give nothing for it, and clients of HTTP/2 that ask for more than they may. Real
//! sockets, with waits short enough to sit out.

use std::future::poll_fn;

use axum::response::IntoResponse as _;
use axum::routing::get;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::interval;

use super::tests::{Server, ask, hello, impatient, start};
use super::*;
use crate::core::Client;
use crate::guard::Guard;

/// Far more than any wait of the tests.
const LONG: Duration = Duration::from_secs(20);

/// An answer that no socket buffer holds.
const LARGE: usize = 64 << 20;

/// Answers at once, with much, and never.
fn router() -> Router {
    static ANSWER: [u8; LARGE] = [b'x'; LARGE];
    hello()
        .route("/large", get(|| async { Bytes::from_static(&ANSWER) }))
        .route("/never", get(std::future::pending::<()>))
}

/// What the server says until it closes, while `piece` is sent every few milliseconds.
async fn trickle(server: &Server, begun: &[u8], piece: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(begun).await.unwrap();
    let mut said = Vec::new();
    for _ in 0..4_000 {
        match timeout(Duration::from_millis(5), stream.read_u8()).await {
            Ok(Ok(octet)) => said.push(octet),
            Ok(Err(_)) => return said,
            // What cannot be sent any more is seen when reading.
            Err(_) => drop(stream.write_all(piece).await),
        }
    }
    panic!("the server still listens");
}

#[tokio::test]
async fn headers_that_trickle_are_cut() {
    let server = start(router(), impatient()).await;
    let headers = [
        (b"GET /".to_vec(), &b"x"[..]),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: ".to_vec(), b"x"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec(), b"X: y\r\n"),
        // HTTP/2: the header goes on in further frames, each with one octet of a long field.
        (
            [
                begin(),
                frame(HEADERS, 0, 1, &[HEADER, b"\x40\x01x\x7f\xff\x7f"].concat()),
            ]
            .concat(),
            &frame(CONTINUATION, 0, 1, b"x"),
        ),
    ];
    for (begun, piece) in headers {
        let said = trickle(&server, &begun, piece).await;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!said.contains("200"), "{said}");
    }
}

#[tokio::test]
async fn an_answer_that_is_taken_too_slowly_is_given_up() {
    // Whoever reads a piece every millisecond takes less than so much.
    let limits = Limits {
        write_least: LARGE / 2,
        ..impatient()
    };
    let server = start(router(), limits).await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let request = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let (mut now_and_then, mut octets) = (interval(Duration::from_millis(1)), [0; 16_000]);
    let mut taken = 0;
    while let Ok(read @ 1..) = stream.read(&mut octets).await {
        taken += read;
        now_and_then.tick().await;
    }
    assert!(taken < LARGE, "{taken} octets were taken");
}

/// A client that is in no hurry is served as long as it goes on.
#[tokio::test]
async fn an_answer_that_goes_on_is_not_given_up() {
    let limits = Limits {
        write_least: 1,
        ..Limits::default()
    };
    let server = start(router(), limits).await;
    let answer = ask(
        server.addr,
        b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.len() > LARGE);
}

/// A window that is never opened lets no answer out; nothing waits at the socket then.
#[tokio::test]
async fn an_answer_behind_a_closed_window_is_given_up() {
    let server = start(router(), impatient()).await;
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let mut client = h2::client::Builder::new();
    client.initial_window_size(0);
    let (send, connection) = client.handshake::<_, Bytes>(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut send = send.ready().await.unwrap();
    let request = Request::get("http://x/large").body(()).unwrap();
    let (answer, _) = send.send_request(request, true).unwrap();
    let answer = answer.await.unwrap();
    let ended = timeout(LONG, connection).await;
    assert!(ended.is_ok(), "the connection stays open");
    drop(answer);
}

/// A request counts for its address until its answer is taken, or its client gone.
#[tokio::test]
async fn answers_that_are_not_taken_count_as_requests() {
    let limits = Limits {
        requests_per_address: 1,
        ..Limits::default()
    };
    let guard = Guard::new(&limits, Vec::new());
    let counted = move || {
        let client = Client::of(IpAddr::from([192, 0, 2, 7]));
        let entered = guard.enter(client);
        async move {
            let Ok(pass) = entered else {
                return StatusCode::TOO_MANY_REQUESTS.into_response();
            };
            let mut response = vec![b'x'; 1 << 20].into_response();
            response.extensions_mut().insert(Arc::new(pass));
            response
        }
    };
    let server = start(Router::new().route("/", get(counted)), limits).await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for _ in 0..2 {
        assert!(ask(server.addr, request).await.starts_with("HTTP/1.1 200"));
    }
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let mut client = h2::client::Builder::new();
    client.initial_window_size(0);
    let (send, connection) = client.handshake::<_, Bytes>(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut send = send.ready().await.unwrap();
    let untaken = Request::get("http://x/").body(()).unwrap();
    let (answer, _) = send.send_request(untaken, true).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(ask(server.addr, request).await.starts_with("HTTP/1.1 429"));
    connection.abort();
    let freed = async { while !ask(server.addr, request).await.starts_with("HTTP/1.1 200") {} };
    assert!(timeout(LONG, freed).await.is_ok(), "it counts for ever");
}

/// Answering pings is no reason to stay.
#[tokio::test]
async fn a_quiet_client_of_http2_is_closed() {
    let server = start(router(), impatient()).await;
    for requests in 0..2 {
        let stream = TcpStream::connect(server.addr).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut send = send.ready().await.unwrap();
        for _ in 0..requests {
            let request = Request::get("http://x/").body(()).unwrap();
            let (answer, _) = send.send_request(request, true).unwrap();
            assert_eq!(answer.await.unwrap().status(), 200);
        }
        let ended = timeout(LONG, connection).await;
        assert!(ended.is_ok(), "the connection stays open");
        assert!(poll_fn(|cx| send.poll_ready(cx)).await.is_err());
    }
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

/// `GET http://x/`, up to its path (RFC 7541 appendix A).
const HEADER: &[u8] = b"\x82\x86\x01\x01x";

/// The end of a header, the end of a request.
const END: u8 = 4 | 1;

/// RFC 9113 section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut octets = length[1..].to_vec();
    octets.extend([kind, flags]);
    octets.extend(stream.to_be_bytes());
    octets.extend(payload);
    octets
}

/// What a client of HTTP/2 begins with.
fn begin() -> Vec<u8> {
    let mut octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    octets.extend(frame(SETTINGS, 0, 0, b""));
    octets
}

/// A request for `path`.
fn request(stream: u32, path: &str) -> Vec<u8> {
    let mut header = HEADER.to_vec();
    header.extend([4, u8::try_from(path.len()).unwrap()]);
    header.extend(path.as_bytes());
    frame(HEADERS, END, stream, &header)
}

/// The frames that the server sends until one is `last`: kind, stream and payload.
async fn frames(stream: &mut TcpStream, last: impl Fn(u8, u32) -> bool) -> Vec<(u8, u32, Vec<u8>)> {
    let mut found = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.unwrap();
        found.push((head[3], id, payload));
        if last(head[3], id) {
            return found;
        }
    }
}

#[tokio::test]
async fn streams_of_one_connection_are_bounded() {
    let limits = Limits {
        http2_streams: 2,
        ..Limits::default()
    };
    let server = start(router(), limits).await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let mut sent = begin();
    for id in [1, 3, 5] {
        sent.extend(request(id, "/never"));
    }
    stream.write_all(&sent).await.unwrap();
    let said = frames(&mut stream, |kind, _| kind == RST_STREAM).await;
    // SETTINGS_MAX_CONCURRENT_STREAMS is told, and what passes it gets REFUSED_STREAM.
    let settings = said.iter().find(|(kind, ..)| *kind == SETTINGS).unwrap();
    assert!(settings.2.chunks(6).any(|one| one == [0, 3, 0, 0, 0, 2]));
    assert_eq!(said.last().unwrap(), &(RST_STREAM, 5, vec![0, 0, 0, 7]));
    // The others are under way still; one that is taken back makes room.
    let mut sent = frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]);
    sent.extend(request(7, "/"));
    stream.write_all(&sent).await.unwrap();
    frames(&mut stream, |kind, id| kind == HEADERS && id == 7).await;
}

/// Asking and taking back at once ("rapid reset") ends with ENHANCE_YOUR_CALM.
#[tokio::test]
async fn floods_of_resets_end_the_connection() {
    let limits = Limits {
        http2_resets: 5,
        ..Limits::default()
    };
    let server = start(router(), limits).await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let mut sent = begin();
    for id in (1..40).step_by(2) {
        sent.extend(request(id, "/never"));
        sent.extend(frame(RST_STREAM, 0, id, &[0, 0, 0, 8]));
    }
    stream.write_all(&sent).await.unwrap();
    let said = frames(&mut stream, |kind, _| kind == GOAWAY).await;
    assert_eq!(said.last().unwrap().2[4..8], [0, 0, 0, 11]);
}

/// The same with requests that are broken: the server resets them, as often as it likes.
#[tokio::test]
async fn floods_of_faults_end_the_connection() {
    let limits = Limits {
        http2_faults: 5,
        ..Limits::default()
    };
    let server = start(router(), limits).await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let mut sent = begin();
    for id in (1..40).step_by(2) {
        // Without a path.
        sent.extend(frame(HEADERS, END, id, HEADER));
    }
    stream.write_all(&sent).await.unwrap();
    let said = frames(&mut stream, |kind, _| kind == GOAWAY).await;
    assert_eq!(said.last().unwrap().2[4..8], [0, 0, 0, 11]);
}

/// The status of an answer to a request with these fields more.
async fn status(server: &Server, http2: bool, fields: &[(String, String)]) -> u16 {
    if !http2 {
        let mut request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".to_owned();
        for (name, value) in fields {
            request += &format!("{name}: {value}\r\n");
        }
        let answer = ask(server.addr, (request + "\r\n").as_bytes()).await;
        let status = answer.split(' ').nth(1);
        return status.and_then(|status| status.parse().ok()).unwrap();
    }
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let (send, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut send = send.ready().await.unwrap();
    let mut request = Request::get("http://x/");
    for (name, value) in fields {
        request = request.header(name, value);
    }
    let (answer, _) = send.send_request(request.body(()).unwrap(), true).unwrap();
    answer.await.unwrap().status().as_u16()
}

#[tokio::test]
async fn headers_are_bounded_in_fields_and_octets() {
    let limits = |header_fields| Limits {
        header_fields,
        header_bytes: 10_000,
        ..Limits::default()
    };
    let fields = |count: usize, length: usize| -> Vec<_> {
        let field = |at| (format!("x-{at}"), "y".repeat(length));
        (0..count).map(field).collect()
    };
    for (most, http2) in [(20, false), (20, true), (120, false), (120, true)] {
        let server = start(router(), limits(most)).await;
        // HTTP/1.1 has two fields before.
        let before = if http2 { 0 } else { 2 };
        assert_eq!(status(&server, http2, &fields(most - before, 1)).await, 200);
        let more = fields(most - before + 1, 1);
        assert_eq!(status(&server, http2, &more).await, 431, "{most} {http2}");
        assert_eq!(status(&server, http2, &fields(2, 3_000)).await, 200);
        // Over HTTP/1.1 what one read brings beyond the bound is taken, too; over HTTP/2 so much ends the connection.
        let more = if http2 { 4 } else { 10 };
        assert_eq!(status(&server, http2, &fields(more, 3_000)).await, 431);
    }
}
