//! What `docs/cap.md` shows is so: its sessions are played against the demo, the first over TCP as nc would, the second
//! by openssl, and every code that the server sends has its row.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::server::{DataDir, Server};
use wcapd::cap::status::Status;

/// How long the server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cap.md");
    fs::read_to_string(path).unwrap()
}

/// The part of the page below a heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(heading).expect("the heading is there");
    rest.split_once("\n## ")
        .map_or(rest, |(section, _)| section)
}

/// The lines of the blocks in `language`.
fn blocks<'a>(section: &'a str, language: &str) -> Vec<&'a str> {
    let mark = format!("```{language}\n");
    let blocks = section.split(mark.as_str()).skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines());
    let lines: Vec<&str> = lines.collect();
    assert!(!lines.is_empty(), "there is something to try");
    lines
}

/// The demo as the page starts it, but on free ports: where CAP is, and where inside TLS.
fn demo() -> (Server, String) {
    let page = page();
    let start = blocks(&page, "sh")[0];
    assert!(start.ends_with("serve --demo --tls-self-signed"), "{start}");
    assert!(start.contains("WCAPD__CAP__TLS_ADDR="), "{start}");
    let data = DataDir::new();
    let config = data.join("wcapd.toml");
    fs::write(&config, "[cap]\ntls_addr = '127.0.0.1:0'\n").unwrap();
    let config = config.to_str().unwrap();
    let server = Server::start(&data, &["--demo", "--tls-self-signed", "--config", config]);
    let until = Instant::now() + PATIENCE;
    loop {
        let log = server.log();
        if let Some((_, address)) = log.split_once("cap over TLS listening on ") {
            let address = address.lines().next().unwrap().to_owned();
            return (server, address);
        }
        assert!(Instant::now() < until, "{log}");
        std::thread::yield_now();
    }
}

/// Types what the page has typed, and compares what comes with what it shows.
fn play(lines: &[&str], to: &mut impl Write, from: &mut impl Read) {
    let mut any = false;
    for line in lines {
        if let Some(typed) = line.strip_prefix("C: ") {
            assert!(
                !any,
                "what is left out ends before something is typed: {line}"
            );
            to.write_all(format!("{typed}\n").as_bytes()).unwrap();
            to.flush().unwrap();
        } else if *line == "..." {
            any = true;
        } else {
            let shown = line.strip_prefix("S:").unwrap_or_else(|| panic!("{line}"));
            let shown = shown.strip_prefix(' ').unwrap_or(shown);
            loop {
                let came = read_line(from);
                if came == shown {
                    break;
                }
                assert!(any, "the page shows {shown:?}, and {came:?} came");
            }
            any = false;
        }
    }
}

/// A line without its end, which is CR LF.
fn read_line(from: &mut impl Read) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut octet = [0];
        from.read_exact(&mut octet).expect("the server says more");
        line.push(octet[0]);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

#[test]
fn the_session_with_nc_runs_as_printed() {
    let page = page();
    let session = section(&page, "## A session with nc");
    assert_eq!(blocks(session, "sh"), ["nc 127.0.0.1 5229"]);
    let (server, _) = demo();
    let mut from = TcpStream::connect(server.cap).unwrap();
    from.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut to = from.try_clone().unwrap();
    play(&blocks(session, "cap"), &mut to, &mut from);
    let mut rest = String::new();
    from.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn the_session_with_openssl_runs_as_printed() {
    let page = page();
    let session = section(&page, "## A session with openssl");
    let (server, address) = demo();
    let [command] = blocks(session, "sh")[..] else {
        panic!("one command is shown");
    };
    let words: Vec<String> = command
        .replace("127.0.0.1:5230", &address)
        .replace("wcapd-data", server.data().text())
        .split(' ')
        .map(str::to_owned)
        .collect();
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed");
    let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    play(&blocks(session, "cap"), &mut to, &mut from);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn every_code_has_its_row() {
    let page = page();
    let rows: Vec<&str> = section(&page, "## Status codes")
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .flat_map(|codes| codes.split(", "))
        .collect();
    for status in Status::ALL {
        assert!(rows.contains(&status.to_string().as_str()), "{status}");
    }
    for row in rows
        .iter()
        .filter(|row| row.starts_with(|c: char| c.is_ascii_digit()))
    {
        let sent = Status::ALL.iter().any(|status| status.to_string() == *row);
        assert!(sent, "{row} is never sent");
    }
}
