//! CAP transcripts: every `tests/cap/*.txt` is one test, run against the state machine without sockets and,
//! where no time passes in it, over a loopback connection too.
//!
//! | line | meaning |
//! |---|---|
//! | `# ...` | why, with the section |
//! | `C: text` | the client sends a line |
//! | `B: text` | the client sends octets as they stand: `\r \n \s \\` are escapes (`\s` is a space), no line end is added |
//! | `B*N: text` | the same, N times over |
//! | `T: N` | N seconds pass |
//! | `S: text` | the server sends a line |
//! | `X:` | the server closes |
//!
//! A transcript that does not open with `S:` starts after the greeting. `UPDATE=1` rewrites the server's
//! lines; read the diff.

#![expect(clippy::expect_used, reason = "tests")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use wcapd::cap::channel::Channel;
use wcapd::cap::{Settings, serve};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cap");
    let mut trials = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("tests/cap exists") {
        let path = entry.expect("a readable folder").path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&path).expect("a readable transcript");
        if !text.lines().any(|line| line.starts_with("T: ")) {
            let text = text.clone();
            trials.push(Trial::test(format!("socket/{name}"), move || {
                over_socket(&text)
            }));
        }
        trials.push(Trial::test(format!("channel/{name}"), move || {
            on_channel(&path, &text)
        }));
    }
    assert!(!trials.is_empty(), "expected transcripts in tests/cap");
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// What the client does on a line; nothing on comments and on the server's lines.
enum Step {
    Send(Vec<u8>),
    Pass(Duration),
    Nothing,
}

fn step(line: &str) -> Result<Step, Failed> {
    let (mark, rest) = line.split_once(':').unwrap_or((line, ""));
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    Ok(match mark {
        "C" => Step::Send(format!("{rest}\r\n").into_bytes()),
        "B" => Step::Send(unescape(rest)),
        "T" => Step::Pass(Duration::from_secs(rest.parse()?)),
        "S" | "X" | "" => Step::Nothing,
        _ if line.starts_with('#') => Step::Nothing,
        _ => match mark.strip_prefix("B*") {
            Some(times) => Step::Send(unescape(rest).repeat(times.parse()?)),
            None => return Err(format!("expected a transcript line and found {line:?}").into()),
        },
    })
}

fn unescape(text: &str) -> Vec<u8> {
    let marks = [
        ("\\\\", "\0"),
        ("\\r", "\r"),
        ("\\n", "\n"),
        ("\\s", " "),
        ("\0", "\\"),
    ];
    let text = marks.iter().fold(text.to_owned(), |text, (mark, meant)| {
        text.replace(mark, meant)
    });
    text.into_bytes()
}

fn server_lines(octets: &[u8]) -> Result<String, Failed> {
    let text = str::from_utf8(octets)?;
    let mut lines = String::new();
    for line in text.split_inclusive('\n') {
        let line = line
            .strip_suffix("\r\n")
            .ok_or("expected CR LF after every server line")?;
        lines.push_str(format!("S: {line}").trim_end());
        lines.push('\n');
    }
    Ok(lines)
}

/// Plays the client's lines, writes the transcript that comes of it, and compares.
fn on_channel(path: &Path, expected: &str) -> Result<(), Failed> {
    let mut now = Instant::now();
    let mut channel = Channel::new(Arc::default(), now);
    let greeting = server_lines(&channel.take_outgoing())?;
    let mut actual = String::new();
    let mut greeted = !opens_with_greeting(expected);
    let mut closed = false;
    for line in expected
        .lines()
        .filter(|line| !line.starts_with("S:") && *line != "X:")
    {
        let step = step(line)?;
        if !greeted && !matches!(step, Step::Nothing) {
            actual.push_str(&greeting);
            greeted = true;
        }
        writeln!(actual, "{line}")?;
        match step {
            Step::Send(octets) => channel.feed(&octets, now),
            Step::Pass(time) => {
                now += time;
                channel.expire(now);
            }
            Step::Nothing => {}
        }
        actual.push_str(&server_lines(&channel.take_outgoing())?);
        if channel.is_closed() && !closed {
            closed = true;
            actual.push_str("X:\n");
        }
    }
    if actual == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &actual)?;
    }
    Err(format!("expected\n{expected}\nand found\n{actual}").into())
}

fn opens_with_greeting(transcript: &str) -> bool {
    let mut lines = transcript.lines().filter(|line| !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with("S:"))
}

/// Sends all that the client says at once and compares all that the server says.
fn over_socket(transcript: &str) -> Result<(), Failed> {
    let mut sent = Vec::new();
    for line in transcript.lines() {
        if let Step::Send(octets) = step(line)? {
            sent.extend(octets);
        }
    }
    let said = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(converse(&sent))?;
    let mut said = server_lines(&said)?;
    if !opens_with_greeting(transcript) {
        let greeting = Channel::new(Arc::default(), Instant::now()).take_outgoing();
        let greeting = server_lines(&greeting)?;
        said = said
            .strip_prefix(&greeting)
            .ok_or("expected the greeting first")?
            .to_owned();
    }
    let mut expected = String::new();
    for line in transcript.lines().filter(|line| line.starts_with("S:")) {
        writeln!(expected, "{line}")?;
    }
    if said == expected {
        Ok(())
    } else {
        Err(format!("expected\n{expected}\nand found\n{said}").into())
    }
}

async fn converse(octets: &[u8]) -> std::io::Result<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let served = tokio::spawn(serve(listener, Arc::new(Settings::default()), stopping));
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(octets).await?;
    stream.shutdown().await?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await?;
    stop.send_replace(true);
    served.await?;
    Ok(said)
}
