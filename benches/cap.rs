//! What an idle CAP connection costs the server in memory: greeted, logged in, and inside TLS.
//!
//! The server is the built program as a child process; what the kernel holds for sockets is not counted. Each connection
//! needs a file descriptor on either side: with too few allowed, fewer are opened, and the figure says so.
//! `cargo bench --bench cap [-- CONNECTIONS]`
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark may stop"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use common::server::{DataDir, Server};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Connections opened for each figure, unless another number is given.
const CONNECTIONS: usize = 10_000;

/// What one may cost, in octets.
const AIM: usize = 20 << 10;

fn main() {
    // `cargo bench` hands on flags of its own, which are no numbers.
    let wanted = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let wanted = wanted.unwrap_or(CONNECTIONS);
    measure("greeted", wanted, |server, _| {
        let mut stream = connect(server)?;
        reply(&mut stream);
        Some(Held::Plain(stream))
    });
    measure("logged in", wanted, |server, _| {
        let mut stream = connect(server)?;
        reply(&mut stream);
        log_in(&mut stream);
        Some(Held::Plain(stream))
    });
    measure("logged in, inside TLS", wanted, |server, config| {
        let mut stream = connect(server)?;
        reply(&mut stream);
        stream.write_all(b"STARTTLS\r\n").unwrap();
        line(&mut stream);
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        reply(&mut stream);
        log_in(&mut stream);
        Some(Held::Tls(Box::new(stream)))
    });
}

/// A connection that is kept open.
#[expect(dead_code, reason = "held, not used")]
enum Held {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

fn measure(what: &str, wanted: usize, open: impl Fn(&Server, &Arc<ClientConfig>) -> Option<Held>) {
    let data = DataDir::new();
    let server = Server::start(&data, &["--tls-self-signed"]);
    let config = trusting(&data);
    // The first brings what all share.
    let first = open(&server, &config).expect("one connection");
    let before = memory(server.id());
    let held: Vec<Held> = (0..wanted).map_while(|_| open(&server, &config)).collect();
    let count = held.len();
    assert!(count > 0, "no connection can be opened");
    let each = memory(server.id()).saturating_sub(before) / count;
    let verdict = if each <= AIM { "within" } else { "OVER" };
    println!("{what}: {count} connections, {each} octets each ({verdict} the aim of {AIM})");
    drop((first, held));
}

/// None when there are no more file descriptors.
fn connect(server: &Server) -> Option<TcpStream> {
    TcpStream::connect(server.cap).ok()
}

/// A client that believes the certificate of the server over `data`.
fn trusting(data: &DataDir) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let own = CertificateDer::from_pem_file(data.join("self-signed.pem")).unwrap();
    roots.add(own).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn log_in(stream: &mut (impl Read + Write)) {
    stream.write_all(b"AUTHENTICATE ANONYMOUS =\r\n").unwrap();
    stream.flush().unwrap();
    assert!(reply(stream).contains("IDENTITY=@"));
}

/// A reply, up to its second lone dot.
fn reply(stream: &mut impl Read) -> String {
    let (mut text, mut dots) = (String::new(), 0);
    while dots < 2 {
        let line = line(stream);
        dots += usize::from(line == ".\r\n");
        text += &line;
    }
    text
}

/// A line with its end. Nothing after it is taken off the stream.
fn line(stream: &mut impl Read) -> String {
    let mut line = Vec::new();
    let mut octets = BufReader::with_capacity(1, stream);
    octets.read_until(b'\n', &mut line).unwrap();
    assert!(!line.is_empty(), "the server has closed");
    String::from_utf8(line).unwrap()
}

/// Memory of a process that lies in the machine's, in octets.
fn memory(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<usize>().unwrap() << 10
}
