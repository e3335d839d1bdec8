//! Running the program in tests: commands, what they say, servers on free ports.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The program, without whatever the tester's environment configures.
pub(crate) fn wcapd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wcapd"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WCAPD") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Makes passwords cheap: hashing at full cost would be most of the time of a test.
pub(crate) fn hash_cheaply(command: &mut Command) {
    command
        .env("WCAPD__AUTH__ARGON2_MEMORY_KIB", "8")
        .env("WCAPD__AUTH__ARGON2_PASSES", "1")
        .env("WCAPD__AUTH__SCRAM_ITERATIONS", "4096");
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    wcapd(arguments).output().unwrap()
}

pub(crate) fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

/// Runs a command that must fail with `status`; gives its one sentence.
pub(crate) fn refused(command: &mut Command, status: i32) -> String {
    let output = command.output().unwrap();
    let sentence = text(&output.stderr).to_owned();
    assert_eq!(output.status.code(), Some(status), "{sentence}");
    assert_eq!(text(&output.stdout), "");
    assert!(sentence.starts_with("wcapd: "), "{sentence}");
    assert_eq!(sentence.matches('\n').count(), 1, "{sentence}");
    sentence
}

/// A server on free ports; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) http: String,
    pub(crate) cap: String,
    rest: BufReader<std::process::ChildStderr>,
}

impl Server {
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        let mut command = wcapd(&["serve", "--http", "127.0.0.1:0", "--cap", "127.0.0.1:0"]);
        command.arg("--data").arg(data).args(more);
        hash_cheaply(&mut command);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut rest = BufReader::new(child.stderr.take().unwrap());
        let mut address = |service: &str| {
            let label = format!("{service} listening on ");
            let mut seen = String::new();
            loop {
                let before = seen.len();
                assert!(rest.read_line(&mut seen).unwrap() > 0, "{seen}");
                if let Some(address) = seen[before..].strip_prefix(&label) {
                    return address.trim().to_owned();
                }
            }
        };
        let (http, cap) = (address("http"), address("cap"));
        Self {
            child,
            http,
            cap,
            rest,
        }
    }

    /// Sends `request` to `address` and reads until the server closes.
    pub(crate) fn ask(address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Self::ask(&self.http, &request)
    }

    /// Sends a signal and gives the exit status and what was left on standard error.
    pub(crate) fn signal(mut self, name: &str) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
        let mut said = String::new();
        self.rest.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
