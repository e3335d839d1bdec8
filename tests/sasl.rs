//! Logins over CAP by a SASL implementation that is not ours: GNU SASL's command line client, its messages carried to
//! the running server.
//!
//! Where gsasl is not installed the tests are left out, and say so; `tests/run` installs it. Transcripts of logins stand in
//! `tests/cap/`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};

use common::server::{DataDir, Server};

/// How long the server may take for a line.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let missing = program("gsasl").is_none();
    if missing {
        eprintln!(
            "tests/sasl.rs is left out: gsasl is not installed here (Debian: apt-get install gsasl)"
        );
    }
    let trials = [
        ("SCRAM-SHA-256", "tom", "tom", true),
        ("SCRAM-SHA-256", "tom@localhost", "tom", true),
        ("SCRAM-SHA-256", "tom", "jerry", false),
        ("SCRAM-SHA-256", "nobody", "tom", false),
        ("DIGEST-MD5", "tom", "tom", true),
        ("DIGEST-MD5", "tom@localhost", "tom", true),
        ("DIGEST-MD5", "tom", "jerry", false),
        ("DIGEST-MD5", "nobody", "tom", false),
        ("PLAIN", "tom", "tom", true),
        ("PLAIN", "tom", "jerry", false),
        ("ANONYMOUS", "", "", true),
    ];
    let shared: Arc<OnceLock<Server>> = Arc::default();
    let trials = trials.map(|(mechanism, user, password, opens)| {
        let name = format!("{mechanism} {user}:{password}");
        let shared = Arc::clone(&shared);
        Trial::test(name, move || {
            logs_in(shared.get_or_init(start), mechanism, user, password, opens);
            Ok(())
        })
        .with_ignored_flag(missing)
    });
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials.into());
    // The server goes before the process does.
    drop(shared);
    conclusion.exit();
}

/// The demo, whose users get a verifier for every mechanism.
fn start() -> Server {
    let data = DataDir::new();
    let config = data.join("wcapd.toml");
    let text = "[cap]\ndigest_md5 = true\nplain_on_loopback = true\n";
    fs::write(&config, text).unwrap();
    Server::start(&data, &["--demo", "--config", config.to_str().unwrap()])
}

/// A program on the search path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Lets gsasl log in over CAP.
fn logs_in(server: &Server, mechanism: &str, user: &str, password: &str, opens: bool) {
    let stream = TcpStream::connect(server.cap).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut cap = BufReader::new(stream);
    let greeting = reply(&mut cap);
    assert!(
        greeting.contains(&format!("AUTH={mechanism}\r\n")),
        "{greeting}"
    );

    let mut peer = Gsasl::start(mechanism, user, password);
    let first = peer.line();
    let command = match first.as_str() {
        "" => format!("AUTHENTICATE {mechanism}\r\n"),
        first => format!("AUTHENTICATE {mechanism} {first}\r\n"),
    };
    cap.get_mut().write_all(command.as_bytes()).unwrap();
    let code = loop {
        let mut line = String::new();
        cap.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if line.get(1..2) == Some(".") {
            break line.to_owned();
        }
        // "+" is an empty challenge.
        let challenge = if line == "+" { "" } else { line };
        peer.say(challenge);
        let response = peer.line();
        cap.get_mut()
            .write_all(format!("{response}\r\n").as_bytes())
            .unwrap();
    };
    if !opens {
        assert_eq!(code, "6.0 ; login failed");
        return;
    }
    assert_eq!(code, "2.0");
    let rest = reply(&mut cap);
    let upn = if user.is_empty() {
        "@"
    } else {
        "tom@localhost"
    };
    assert!(rest.contains(&format!("IDENTITY={upn}\r\n")), "{rest}");
    // GNU SASL has checked that the server knows the password, too.
    peer.ends_well();
}

/// The rest of a reply, or a whole one, up to its second lone dot.
fn reply(cap: &mut BufReader<TcpStream>) -> String {
    let (mut text, mut dots) = (String::new(), 0);
    while dots < 2 {
        let mut line = String::new();
        assert_ne!(cap.read_line(&mut line).unwrap(), 0, "{text}");
        dots += usize::from(line == ".\r\n");
        text += &line;
    }
    text
}

/// The client, its input and its output.
struct Gsasl {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Gsasl {
    fn start(mechanism: &str, user: &str, password: &str) -> Self {
        let mut child = Command::new("gsasl")
            .args([
                "--client",
                "--quiet",
                "--no-cb",
                "--no-starttls",
                "--service=cap",
                "--hostname=localhost",
            ])
            .args(["--realm=localhost", "--quality-of-protection=qop-auth"])
            .args([
                format!("--mechanism={mechanism}"),
                format!("--password={password}"),
            ])
            .arg(format!("--authentication-id={user}"))
            .arg("--anonymous-token=somebody")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("gsasl starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut peer = Self { child, output };
        assert_eq!(peer.line(), mechanism, "gsasl says what it does");
        peer
    }

    /// What it says next, in base64; nothing when it has no more to say.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let _ = self.output.read_line(&mut line);
        line.trim_end().to_owned()
    }

    fn say(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().expect("piped");
        // One that has ended does not listen.
        let _ = input.write_all(format!("{text}\n").as_bytes());
    }

    fn ends_well(mut self) {
        // Mechanisms in which the client speaks last wait for a word that the server has none.
        self.say("");
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
    }
}

impl Drop for Gsasl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
