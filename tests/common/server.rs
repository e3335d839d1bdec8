//! The built program as a child process: started on free ports over a data folder of its own,
//! listened to until it says where it listens, and ended with the test.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long the server may take to say where it listens, and to end when asked to.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test.
pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wcapd"))
}

/// The program with `arguments`, cut off from this process's own settings: no input, no `WCAPD`
/// variable of whoever runs the tests, English messages.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env("LC_ALL", "C");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WCAPD") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command that must end with `status` and one sentence of refusal, which it gives.
pub fn refused(command: &mut Command, status: i32) -> String {
    let output = command.output().expect("the program starts");
    let sentence = String::from_utf8(output.stderr).expect("messages are UTF-8");
    assert_eq!(output.status.code(), Some(status), "{sentence}");
    assert!(output.stdout.is_empty(), "{sentence}");
    assert!(sentence.starts_with("wcapd: "), "{sentence}");
    assert_eq!(sentence.matches('\n').count(), 1, "{sentence}");
    sentence
}

/// A data folder that is removed with its last user.
#[derive(Debug, Clone)]
pub struct DataDir(Arc<tempfile::TempDir>);

impl DataDir {
    /// A fresh, empty one.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("wcapd-test-").tempdir();
        Self(Arc::new(folder.expect("a temporary folder can be made")))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where it is, for a command line.
    pub fn text(&self) -> &str {
        self.path()
            .to_str()
            .expect("temporary folders have plain names")
    }

    /// A path inside it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

impl Default for DataDir {
    fn default() -> Self {
        Self::new()
    }
}

/// A running `wcapd serve`. Dropping it kills the process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    data: DataDir,
    log: Arc<Mutex<String>>,
    /// The lines still to come; closed when the process has closed both its streams.
    lines: Mutex<Receiver<String>>,
    /// Where HTTP is answered.
    pub http: SocketAddr,
    /// Where CAP is answered.
    pub cap: SocketAddr,
}

impl Server {
    /// Starts `wcapd serve` with the demo data over a fresh folder.
    pub fn demo() -> Self {
        Self::start(&DataDir::new(), &["--demo"])
    }

    /// Starts `wcapd serve` on free ports over `data`, with more `arguments`.
    ///
    /// # Panics
    /// When it ends or stays silent instead of saying where it listens; its log is in the message.
    pub fn start(data: &DataDir, arguments: &[&str]) -> Self {
        Self::start_at(data, "127.0.0.1:0", arguments)
    }

    /// As [`Server::start`], with CAP at an address that others have been told.
    pub fn start_at(data: &DataDir, cap: &str, arguments: &[&str]) -> Self {
        let mut all = vec!["serve", "--data", data.text()];
        all.extend(["--http", "127.0.0.1:0", "--cap", cap]);
        all.extend(arguments);
        let mut child = command(&all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|fault| panic!("{} does not start: {fault}", binary().display()));
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = mpsc::channel();
        for stream in [
            Box::new(child.stdout.take().expect("piped")) as Box<dyn Read + Send>,
            Box::new(child.stderr.take().expect("piped")),
        ] {
            let (log, sender) = (Arc::clone(&log), sender.clone());
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = writeln!(log.lock().expect("no writer panics"), "{line}");
                    // A server that is killed does not listen any more.
                    let _ = sender.send(line);
                }
            });
        }
        drop(sender);
        match addresses(&lines) {
            Ok((http, cap)) => Self {
                child,
                data: data.clone(),
                log,
                lines: Mutex::new(lines),
                http,
                cap,
            },
            Err(reason) => {
                let _ = child.kill();
                let _ = child.wait();
                let said = log.lock().expect("no writer panics").clone();
                panic!("the server {reason}; it said:\n{said}");
            }
        }
    }

    /// The data folder, to start again over it.
    pub fn data(&self) -> &DataDir {
        &self.data
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything the server printed until now, on both streams.
    pub fn log(&self) -> String {
        self.log.lock().expect("no writer panics").clone()
    }

    /// Kills the process at once, as `kill -9` does, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// Asks the server to end, as `kill` does, and waits until it has.
    ///
    /// # Panics
    /// When it does not end within a minute.
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        let until = Instant::now() + PATIENCE;
        let ended = {
            let lines = self.lines.lock().expect("no reader panics");
            loop {
                match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(_) => {}
                    Err(reason) => break reason == RecvTimeoutError::Disconnected,
                }
            }
        };
        let said = self.log();
        assert!(
            ended,
            "the server is still there {PATIENCE:?} after SIGTERM; it said:\n{said}"
        );
        let status = self.child.wait().expect("the process ends");
        (status, said)
    }

    /// Sends the signal with this name (`TERM`, `INT`, `STOP`, `CONT`).
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(
            status.expect("kill is there").success(),
            "kill -{name} fails"
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The two addresses, from the lines in which the server says them.
fn addresses(lines: &Receiver<String>) -> Result<(SocketAddr, SocketAddr), &'static str> {
    let until = Instant::now() + PATIENCE;
    let (mut http, mut cap) = (None, None);
    loop {
        if let (Some(http), Some(cap)) = (http, cap) {
            return Ok((http, cap));
        }
        let line = match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return Err("does not say where it listens"),
            Err(RecvTimeoutError::Disconnected) => return Err("ended by itself"),
        };
        http = http.or_else(|| address(&line, "http listening on "));
        cap = cap.or_else(|| address(&line, "cap listening on "));
    }
}

fn address(line: &str, label: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(label)?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_the_log() {
        let (sender, lines) = mpsc::channel();
        for line in [
            "opening",
            "cap listening on 127.0.0.1:5",
            "http listening on 127.0.0.1:80",
        ] {
            sender.send(line.to_owned()).unwrap();
        }
        drop(sender);
        let (http, cap) = addresses(&lines).unwrap();
        assert_eq!((http.port(), cap.port()), (80, 5));
        assert_eq!(addresses(&lines), Err("ended by itself"));
    }
}
