//! Requests that are not what they seem, too large or too slow.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::Target;
use crate::common::http;
use crate::common::server::{DataDir, Server};

/// A server whose bounds are short enough to be sat out.
fn strict() -> Server {
    let data = DataDir::new();
    let config = data.join("wcapd.toml");
    let text = "[limits]\nheader_time = '1s'\nbody_time = '1s'\nrequest_body = '10 KiB'\nheader_bytes = '10 KiB'\n\
                requests_per_second = 5\nrequests_burst = 20\n\
                cap_connections_per_address = 2\nhttp2_streams = 5\nwrite_time = '1s'\ncap_login_time = '1s'\ncap_data_time = '1s'\n[http]\nuncounted = []\n";
    std::fs::write(&config, text).unwrap();
    Server::start(&data, &["--demo", "--config", config.to_str().unwrap()])
}

/// Everything the server says, until it closes, which it must.
fn said(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    if let Err(error) = stream.read_to_end(&mut answer) {
        // With octets unread the end comes as a reset.
        assert_ne!(error.kind(), ErrorKind::WouldBlock, "it stays open");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn parameters_cannot_be_smuggled() {
    let target = Target::new(&[], &["user tom", "user jerry"]);
    let tom = target.log_in("tom");
    // The last of a repeated parameter counts, in whatever way it is written: never one for the check of the
    // session and another for the command.
    for query in [
        format!("id={tom}&calid=tom&id=dead"),
        format!("id={tom}&calid=tom&i%64=dead"),
    ] {
        let answer = target.get(&format!("/fetchcomponents_by_range.wcap?{query}"));
        assert_eq!(answer.errno(), "1", "{query}");
    }
    let answer = target.get(&format!(
        "/fetchcomponents_by_range.wcap?id={tom}&calid=tom&calid=jerry"
    ));
    assert_eq!(answer.errno(), "28");
    // What stands in a value separates nothing.
    let answer = target.get(&format!(
        "/get_calprops.wcap?id={tom}&calid=jerry%26calid%3Dtom"
    ));
    assert_ne!(answer.errno(), "0");
    for broken in ["%", "%zz", "%c3", "%00"] {
        let answer = target.get(&format!("/get_calprops.wcap?id={tom}&calid=tom{broken}"));
        assert_ne!(answer.errno(), "0", "{broken}");
    }
}

#[test]
fn paths_lead_nowhere_else() {
    let target = Target::new(&[], &["user tom"]);
    for path in [
        "/wcap/../etc/passwd",
        "/wcap/..%2f..%2fetc%2fpasswd",
        "/wcap/version.wcap/x",
        "/wcap//version.wcap",
        "/wcap/VERSION.WCAP",
        "/wcap/version.wcap%00.html",
        "/wcap/%2e%2e/version.wcap",
        "/other/version.wcap",
        "/static/../Cargo.toml",
    ] {
        let answer = target.get(path);
        let outcome = answer.head.status.as_u16();
        let refused = outcome == 404 || (outcome == 200 && answer.errno() == "52");
        assert!(refused, "{path}: {outcome} {}", answer.text);
        assert!(!answer.text.contains("root:"), "{path}");
    }
}

#[test]
fn one_request_is_not_two() {
    let server = strict();
    for smuggled in [
        // Two lengths, a length beside chunks, chunks under another name (RFC 9112 section 6.3).
        "POST /wcap/version.wcap HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n\
         GET /wcap/ping.wcap HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /wcap/version.wcap HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: xchunked\r\n\r\n\
         0\r\n\r\nGET /wcap/ping.wcap HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /wcap/version.wcap HTTP/1.1\r\nHost: x\r\nX: y\rGET /wcap/ping.wcap HTTP/1.1\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.http).unwrap();
        stream.write_all(smuggled.as_bytes()).unwrap();
        let answer = said(&mut stream);
        assert!(answer.matches("HTTP/1.1 200").count() <= 1, "{answer}");
    }
}

#[test]
fn oversized_requests_are_cut() {
    let server = strict();
    let long = format!("/wcap/version.wcap?x={}", "a".repeat(20_000));
    assert_eq!(http::get(server.http, &long).unwrap().status(), 431);
    let body = format!("x={}", "a".repeat(20_000));
    let form = "application/x-www-form-urlencoded";
    let answer = http::post(server.http, "/wcap/version.wcap", form, body.as_bytes()).unwrap();
    assert!(answer.text().contains("ERRNO:60"), "{}", answer.text());
    // A length that is only claimed costs nothing.
    let mut stream = TcpStream::connect(server.http).unwrap();
    let claim = "POST /wcap/version.wcap HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: 99999999999\r\n\r\nx=1";
    stream.write_all(claim.as_bytes()).unwrap();
    let answer = said(&mut stream);
    assert!(answer.contains("ERRNO:60"), "{answer}");
}

#[test]
fn slow_requests_are_given_up() {
    let server = strict();
    for slow in [
        "GET /wcap/version.wcap HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        "POST /wcap/version.wcap HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 10\r\n\r\nx=",
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 10\r\n\r\nuser",
    ] {
        let mut stream = TcpStream::connect(server.http).unwrap();
        stream.write_all(slow.as_bytes()).unwrap();
        // It ends by itself; the rest never comes.
        let answer = said(&mut stream);
        assert!(!answer.contains("X-NSCP-SERVERVERSION"), "{answer}");
    }
    // Meanwhile, and afterwards, others are served.
    assert_eq!(http::get(server.http, "/healthz").unwrap().status(), 200);
}

#[test]
fn slow_clients_of_cap_are_dropped() {
    let server = strict();
    let clients = [
        ("AUTHENTICATE SCRAM-SHA-256\r\nbiws", "\r\n+\r\n"),
        (
            "AUTHENTICATE ANONYMOUS =\r\nSENDDATA\r\nBEGIN:VCALENDAR\r\n",
            "\r\n2.0.1\r\n.\r\n.\r\n",
        ),
    ];
    let mut streams = clients.map(|(begun, _)| {
        let mut stream = TcpStream::connect(server.cap).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        stream
    });
    // They end by themselves, and without a word.
    for ((_, last), stream) in clients.iter().zip(&mut streams) {
        let answer = said(stream);
        assert!(answer.ends_with(last), "{answer}");
    }
}

/// A frame of HTTP/2 (RFC 9113 section 4.1) on a stream.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let head = [0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream];
    [&head, payload].concat()
}

/// The kinds of the frames in what the server said.
fn kinds(mut octets: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    while let [a, b, c, kind, ..] = octets {
        found.push(*kind);
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        octets = octets.get(9 + length..).unwrap_or_default();
    }
    found
}

/// Requests that are taken back at once, more streams than there may be, and answers that nobody takes: HTTP/2 makes
/// all of that cheap for a client.
#[test]
fn http2_gives_no_more_away() {
    const SETTINGS: u8 = 4;
    const HEADERS: u8 = 1;
    const RESET: u8 = 3;
    const AWAY: u8 = 7;
    let server = strict();
    let begin = |settings: &[u8]| {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        [&preface[..], &frame(SETTINGS, 0, 0, settings)].concat()
    };
    // GET http://x/login, the end of header and request.
    let ask = |stream| frame(HEADERS, 5, stream, b"\x82\x86\x01\x01x\x04\x06/login");
    let heard = |sent: &[u8]| {
        let mut stream = TcpStream::connect(server.http).unwrap();
        stream.write_all(sent).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut octets = Vec::new();
        if let Err(error) = stream.read_to_end(&mut octets) {
            assert_ne!(error.kind(), ErrorKind::WouldBlock, "it stays open");
        }
        kinds(&octets)
    };
    let mut flood = begin(b"");
    for stream in (1..=199).step_by(2) {
        flood.extend(ask(stream));
        flood.extend(frame(RESET, 0, stream, b"\0\0\0\x08"));
    }
    assert!(heard(&flood).contains(&AWAY));
    // SETTINGS_INITIAL_WINDOW_SIZE is 0, so that no answer may be sent; the bound on streams lets five begin.
    let mut many = begin(b"\0\x04\0\0\0\0");
    for stream in (1..=13).step_by(2) {
        many.extend(ask(stream));
    }
    let heard = heard(&many);
    let count = |kind| heard.iter().filter(|found| **found == kind).count();
    assert_eq!((count(HEADERS), count(RESET)), (5, 2), "{heard:?}");
}

#[test]
fn floods_are_turned_away() {
    let server = strict();
    let mut errnos = Vec::new();
    for _ in 0..40 {
        let answer = http::get(server.http, "/wcap/ping.wcap").unwrap();
        assert_eq!(answer.status(), 200);
        errnos.push(answer.text().contains("ERRNO:11000"));
    }
    let refused = errnos.iter().filter(|refused| **refused).count();
    assert!(!errnos[0] && refused >= 10, "{refused} of 40 refused");
    // Browsers are told in their own way, and probes are not counted.
    let page = http::get(server.http, "/login").unwrap();
    assert_eq!(page.status(), 429);
    assert!(page.header("retry-after").is_some());
    assert_eq!(http::get(server.http, "/healthz").unwrap().status(), 200);
}

/// The address has 20 commands at once and 5 a second: 30 of them take two seconds, and none is lost.
#[test]
fn floods_over_cap_are_turned_away() {
    let server = strict();
    let mut client = TcpStream::connect(server.cap).unwrap();
    let _idle = TcpStream::connect(server.cap).unwrap();
    let mut third = TcpStream::connect(server.cap).unwrap();
    assert_eq!(said(&mut third), "8.1 ; try later\r\n.\r\n.\r\n");
    let begun = std::time::Instant::now();
    let commands = "GENERATEUID 1\r\n".repeat(30);
    let sent = format!("AUTHENTICATE ANONYMOUS =\r\n{commands}NOOP\r\nHELP\r\n");
    client.write_all(sent.as_bytes()).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let (mut answers, mut octets) = (String::new(), [0; 4096]);
    while !answers.contains("\r\n9.0 ; ") {
        let read = client.read(&mut octets).unwrap();
        assert_ne!(read, 0, "{answers}");
        answers += &String::from_utf8_lossy(&octets[..read]);
    }
    // The greeting, the login and NOOP besides.
    assert_eq!(answers.matches("2.0\r\n.\r\n").count(), 33, "{answers}");
    assert!(begun.elapsed() >= Duration::from_secs(2));
}
