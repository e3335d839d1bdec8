//! A client that costs next to nothing, so that what is measured is the server: one keep-alive connection, requests
//! made beforehand, answers read into one buffer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    pub(crate) fn new(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        Self {
            stream,
            buffer: vec![0; 1 << 16],
        }
    }

    /// The body of the answer to `request`.
    pub(crate) fn ask(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).unwrap();
        let mut length = 0;
        let mut whole = None;
        loop {
            if whole.is_none() {
                whole = head(&self.buffer[..length]);
            }
            if let Some((from, to)) = whole {
                if length >= to {
                    assert_eq!(length, to, "no more than one answer");
                    return &self.buffer[from..to];
                }
                self.buffer.resize(self.buffer.len().max(to), 0);
            }
            let read = self.stream.read(&mut self.buffer[length..]).unwrap();
            assert!(read > 0, "the server closed the connection");
            length += read;
        }
    }
}

/// Where the body begins and ends, once the head is there.
fn head(answer: &[u8]) -> Option<(usize, usize)> {
    let end = memchr::memmem::find(answer, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    let from = end + 4;
    Some((from, from + length.expect("a length")))
}

/// A GET request that keeps its connection.
pub(crate) fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// What clients did in one slice of time.
pub(crate) struct Slice {
    /// Answers a second.
    pub(crate) rate: f64,
    /// How long each took, in nanoseconds.
    pub(crate) times: Vec<u64>,
}

/// For about `time`, so many clients ask what `request` gives them, each waiting for one answer before the next;
/// it is told which client asks and how often that has asked before.
pub(crate) fn slice(
    server: SocketAddr,
    clients: usize,
    time: Duration,
    request: impl Fn(usize, u64, &mut Vec<u8>) + Sync,
) -> Slice {
    let ready = Barrier::new(clients);
    let request = &request;
    let one = |number: usize| {
        let mut client = Client::new(server);
        let mut asked = Vec::new();
        let mut times = Vec::new();
        request(number, 0, &mut asked);
        client.ask(&asked);
        ready.wait();
        let start = Instant::now();
        while start.elapsed() < time {
            asked.clear();
            request(number, 1 + times.len() as u64, &mut asked);
            let sent = Instant::now();
            client.ask(&asked);
            times.push(sent.elapsed().as_nanos() as u64);
        }
        (times, start.elapsed())
    };
    let one = &one;
    let done: Vec<(Vec<u64>, Duration)> = thread::scope(|scope| {
        let running: Vec<_> = (0..clients)
            .map(|number| scope.spawn(move || one(number)))
            .collect();
        running.into_iter().map(|r| r.join().unwrap()).collect()
    });
    let rate = done
        .iter()
        .map(|(times, took)| times.len() as f64 / took.as_secs_f64())
        .sum();
    let times = done.into_iter().flat_map(|(times, _)| times).collect();
    Slice { rate, times }
}
