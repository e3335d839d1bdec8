//! A session typed at a terminal.

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};

use crate::common::server::{DataDir, Server, command};
use crate::demo;

/// How long the client may take to say what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

const UP: &str = "\x1b[A";

/// A terminal at which somebody sits.
struct Terminal {
    child: Child,
    keys: File,
    output: Receiver<Vec<u8>>,
    /// What has been shown and not been looked at.
    shown: String,
}

impl Terminal {
    /// Tom's session, its history in `data`.
    fn open(server: &Server, data: &DataDir) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(Some(&size), None).unwrap();
        let stream = || Stdio::from(pair.slave.try_clone().unwrap());
        let child = command(&["cap", "--user", "tom", &server.cap.to_string()])
            .env("WCAPD_PASSWORD", "tom")
            .env("XDG_STATE_HOME", data.path())
            .env("TERM", "xterm")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .expect("the program starts");
        let keys = File::from(pair.master);
        let mut screen = keys.try_clone().unwrap();
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Where the program has ended there is an error to read.
            while let Ok(read @ 1..) = screen.read(&mut buffer) {
                let _ = sender.send(buffer[..read].to_vec());
            }
        });
        Self {
            child,
            keys,
            output,
            shown: String::new(),
        }
    }

    /// Waits until `text` is shown, and goes on behind it.
    fn sees(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(more) = self.output.recv_timeout(left) else {
                panic!("{text:?} is not shown, but {:?}", self.shown);
            };
            self.shown += &String::from_utf8_lossy(&more);
        }
    }

    /// Types, once there is a prompt.
    fn types(&mut self, keys: &str) {
        self.sees("cap> ");
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn ends(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

#[test]
fn a_terminal_has_editing_completion_and_history() {
    let (server, data) = demo(false);
    let mut terminal = Terminal::open(&server, &data);
    terminal.sees("tom@localhost at 127.0.0.1:");
    terminal.types("tar\t\r");
    terminal.sees("cap://localhost/tom\r\n");
    // A fault does not end it, and is no reason to type all of it again.
    terminal.types("frobnicate\r");
    terminal.sees("wcapd: there is no command 'frobnicate'");
    terminal.types(&format!("{UP}{UP}\r"));
    terminal.sees("cap://localhost/tom\r\n");
    // On a terminal answers are tables with times for people.
    terminal.types("busy 2007-05-21 2007-05-22\r");
    terminal.sees("FROM");
    terminal.sees("2007-05-21 13:00 UTC");
    terminal.types("SELECT DTST\t FROM VEV\t WHERE DTSTART = '20070521T150000Z'\r");
    terminal.sees("DTSTART\r\n");
    terminal.sees("2007-05-21 15:00 UTC\r\n");
    terminal.types("quit\r");
    assert!(terminal.ends().success());
    let file = data.join("wcapd/cap_history");
    let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let history = fs::read_to_string(&file).unwrap();
    for line in [
        "target ",
        "frobnicate",
        "SELECT DTSTART  FROM VEVENT  WHERE DTSTART = '20070521T150000Z'",
    ] {
        assert!(history.lines().any(|own| own == line), "{line}: {history}");
    }

    // The next session knows it, and closes what somebody has opened.
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let mut terminal = Terminal::open(&server, &data);
    terminal.types(&format!("{UP}{UP}{UP}\r"));
    terminal.sees("2007-05-21 13:00 UTC");
    terminal.types("\x04");
    assert!(terminal.ends().success());
    assert_eq!(mode(), 0o600);
}
