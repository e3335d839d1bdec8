//! The sockets that the server listens on when they are no TCP ports of its own: a Unix socket, and what systemd hands
//! over. Asked by curl.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use common::server::{self, DataDir, Server};

/// Hands sockets over as systemd does (sd_listen_fds(3)): descriptors from 3 on, their number, names and receiver in the
/// environment. Its arguments: names, then the program with its arguments.
const HAND_OVER: &str = "
import os, socket, sys
names = sys.argv[1].split(':')
sockets = []
for name in names:
    own = socket.socket()
    own.bind(('127.0.0.1', 0))
    own.listen()
    sockets.append(own)
for at, own in enumerate(sockets):
    os.dup2(own.fileno(), 100 + at)
for at in range(len(sockets)):
    os.dup2(100 + at, 3 + at)
os.environ.update(LISTEN_FDS=str(len(sockets)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])
";

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20"])
        .args(arguments)
        .output()
        .expect("curl is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("answers are UTF-8")
}

#[test]
fn http_is_served_on_a_unix_socket_behind_a_proxy() {
    let data = DataDir::new();
    let socket = data.join("http.sock");
    let config = data.join("wcapd.toml");
    let text = format!(
        "[http]\nsocket = '{}'\ntrusted_proxies = ['unix']\n",
        socket.display()
    );
    fs::write(&config, text).unwrap();
    let server = Server::start(&data, &["--demo", "--config", config.to_str().unwrap()]);
    let by_socket = ["--unix-socket", socket.to_str().unwrap()];
    let asked = |more: &[&str]| curl(&[&by_socket[..], more].concat());
    assert!(!asked(&["http://localhost/healthz"]).is_empty());
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    // What the proxy says of the browser's connection is taken.
    let login = [
        "-i",
        "http://localhost/login",
        "-d",
        "user=tom&password=tom",
    ];
    let forwarded = [
        "-H",
        "X-Forwarded-For: 192.0.2.7",
        "-H",
        "X-Forwarded-Proto: https",
    ];
    assert!(asked(&[&login[..], &forwarded].concat()).contains("; Secure"));
    assert!(!asked(&login).contains("; Secure"));
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
    assert!(!socket.exists(), "the file goes with the server");
}

#[test]
fn sockets_are_taken_from_systemd() {
    let data = DataDir::new();
    let mut child = handed("http:cap", &data, &[]);
    let (sender, lines) = mpsc::channel();
    let log = child.stderr.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let address = |label: &str| loop {
        let line = lines
            .recv_timeout(Duration::from_secs(30))
            .expect("it says where");
        if let Some((_, address)) = line.split_once(label) {
            break address.to_owned();
        }
    };
    let http = address("http listening on ");
    let cap = address("cap listening on ");
    assert!(!curl(&[&format!("http://{http}/healthz")]).is_empty());
    let mut greeting = [0; 5];
    TcpStream::connect(cap)
        .unwrap()
        .read_exact(&mut greeting)
        .unwrap();
    assert_eq!(&greeting, b"2.0\r\n");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn sockets_without_a_name_that_is_known_are_refused() {
    let data = DataDir::new();
    let child = handed("imap", &data, &[]);
    let output = child.wait_with_output().unwrap();
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{sentence}");
    assert!(
        sentence.contains("cannot use the socket 'imap'"),
        "{sentence}"
    );
}

/// The server over `data`, with sockets of these names handed over.
fn handed(names: &str, data: &DataDir, arguments: &[&str]) -> std::process::Child {
    let python = std::env::var("WCAPD_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let program = server::binary().to_str().unwrap();
    Command::new(python)
        .args([
            "-c",
            HAND_OVER,
            names,
            program,
            "serve",
            "--data",
            data.text(),
        ])
        .args(["--http", "127.0.0.1:1", "--cap", "127.0.0.1:1"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python is installed")
}
