//! `wcapd cap`: the client talks to the demo server as a person or a script would.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
#[path = "cap_client/login.rs"]
mod login;
#[path = "cap_client/terminal.rs"]
mod terminal;

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Output, Stdio};

use common::server::{DataDir, Server, command};

/// The demo, without TLS or with a certificate of its own making.
fn demo(tls: bool) -> (Server, DataDir) {
    let data = DataDir::new();
    let mut arguments = vec!["--demo"];
    if tls {
        arguments.push("--tls-self-signed");
    }
    (Server::start(&data, &arguments), data)
}

/// Runs `wcapd cap` with these arguments before the address and those after it.
fn run(server: &Server, before: &[&str], after: &[&str], input: Option<&str>) -> Output {
    run_at(&server.cap.to_string(), before, after, input)
}

/// The same, with the store at `address`.
fn run_at(address: &str, before: &[&str], after: &[&str], input: Option<&str>) -> Output {
    let mut arguments = vec!["cap"];
    arguments.extend(before);
    arguments.push(address);
    arguments.extend(after);
    let mut command = command(&arguments);
    command
        .env("WCAPD_PASSWORD", "tom")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    let mut child = command.spawn().expect("the program starts");
    if let Some(input) = input {
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
    }
    child.wait_with_output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// What a command prints, which must do well.
fn prints(server: &Server, before: &[&str], after: &[&str]) -> String {
    prints_at(&server.cap.to_string(), before, after)
}

fn prints_at(address: &str, before: &[&str], after: &[&str]) -> String {
    let output = run_at(address, before, after, None);
    assert!(
        output.status.success(),
        "{after:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// What a command complains of, which must fail with status 1.
fn refuses(server: &Server, before: &[&str], after: &[&str]) -> String {
    let output = run(server, before, after, None);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{after:?}: {}",
        text(&output.stdout)
    );
    text(&output.stderr)
}

const TOM: &[&str] = &["--user", "tom"];

#[test]
fn what_is_created_is_found_and_deleted() {
    let (server, data) = demo(false);
    let file = data.join("meeting.ics");
    fs::write(
        &file,
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:client-1\nDTSTAMP:20260101T000000Z\nDTSTART:20261201T090000Z\nDTEND:20261201T100000Z\nSUMMARY:From the client\nEND:VEVENT\n\
         BEGIN:VTODO\nUID:client-2\nDTSTAMP:20260101T000000Z\nSUMMARY:It's due\nEND:VTODO\nEND:VCALENDAR\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(
        prints(&server, TOM, &["create", file]),
        "client-1\nclient-2\n"
    );
    let again = refuses(&server, TOM, &["create", file]);
    assert!(
        again.contains("client-1: 8.5") && again.contains("client-2: 8.5"),
        "{again}"
    );

    let query = "SELECT UID,DTSTART,SUMMARY FROM VEVENT WHERE UID = 'client-1'";
    assert_eq!(
        prints(&server, TOM, &[query]),
        "client-1\t20261201T090000Z\tFrom the client\n"
    );
    let table = prints(&server, &["--user", "tom", "--format", "table"], &[query]);
    assert_eq!(
        table,
        "UID       DTSTART               SUMMARY\nclient-1  2026-12-01 09:00 UTC  From the client\n"
    );
    let ical = prints(
        &server,
        &["--user", "tom", "--format", "ical"],
        &["SELECT SUMMARY FROM VTODO WHERE UID = 'client-2'"],
    );
    assert_eq!(ical, "BEGIN:VTODO\r\nSUMMARY:It's due\r\nEND:VTODO\r\n");
    let busy = prints(&server, TOM, &["busy", "2026-12-01", "2026-12-02"]);
    assert_eq!(busy, "20261201T090000Z\t20261201T100000Z\tBUSY\n");

    // What is refused stands in the document, too.
    let output = run(
        &server,
        &["--user", "tom", "--json"],
        &["create", file],
        None,
    );
    assert_eq!(output.status.code(), Some(1));
    let json = text(&output.stdout);
    assert!(
        json.starts_with("{\"answers\":[{\"target\":\"cap://localhost/tom\",")
            && json.contains("{\"id\":\"client-2\",\"status\":\"8.5\","),
        "{json}"
    );
    assert_eq!(prints(&server, TOM, &["delete", "client-1"]), "client-1\n");
    assert_eq!(
        prints(
            &server,
            TOM,
            &["delete", "SELECT * FROM VTODO WHERE UID = 'client-2'"]
        ),
        "client-2\n"
    );
    assert_eq!(prints(&server, TOM, &[query]), "");
}

#[test]
fn the_store_and_its_people_are_asked() {
    let (server, _data) = demo(false);
    let calendars = prints(&server, TOM, &["calendars"]);
    assert!(
        calendars.lines().any(|line| line.starts_with("tom\t")),
        "{calendars}"
    );
    assert_eq!(
        prints(&server, TOM, &["expand", "jerry"]),
        "cap://localhost/jerry\n"
    );
    assert_eq!(prints(&server, TOM, &["uid", "3"]).lines().count(), 3);
    assert!(prints(&server, &[], &["capability"]).contains("CAPVERSION=1.0\n"));
    let others = prints(
        &server,
        &["--user", "tom", "--target", "tom", "--target", "jerry"],
        &["busy", "2007-05-21", "2007-05-22"],
    );
    let of_tom = |line: &str| line.starts_with("cap://localhost/tom\t20070521T");
    assert!(
        others.lines().count() > 0 && others.lines().all(of_tom),
        "{others}"
    );
}

#[test]
fn a_pipe_is_a_script_that_ends_at_its_first_fault() {
    let (server, _data) = demo(false);
    let script = "# what there is\ntarget\nSELECT UID FROM VTODO WHERE UID = 'none'\n\ntarget jerry\nbusy 2007-05-21 2007-05-22\nquit\nnever read\n";
    let output = run(&server, TOM, &[], Some(script));
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(shown.starts_with("cap://localhost/tom\njerry\n"), "{shown}");
    let output = run(&server, TOM, &[], Some("noop\nfrobnicate\nnoop\n"));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no command 'frobnicate'"));
}

#[test]
fn what_goes_wrong_is_told_with_what_to_do() {
    let (server, data) = demo(false);
    let wrong = data.join("password");
    fs::write(&wrong, "not it\n").unwrap();
    let wrong = wrong.to_str().unwrap();
    let login = refuses(
        &server,
        &["--user", "tom", "--password-file", wrong],
        &["noop"],
    );
    assert_eq!(login, "wcapd: wrong name or password\n");
    let nobody = refuses(&server, &[], &["SELECT UID FROM VEVENT"]);
    assert!(nobody.contains("name one with --target"), "{nobody}");
    let secret = refuses(
        &server,
        &["--target", "nowhere"],
        &["SELECT UID FROM VEVENT"],
    );
    assert!(secret.contains("cap://localhost/nowhere: 6.1"), "{secret}");
    let query = refuses(&server, TOM, &["SELECT FROM"]);
    assert!(query.contains("6.3 the query at character 12"), "{query}");
    let tls = refuses(&server, &["--tls"], &["noop"]);
    assert_eq!(
        tls,
        "wcapd: the server offers no TLS; leave --tls out to go on without it\n"
    );
    let mut gone = command(&["cap", "127.0.0.1:1", "noop"]);
    let gone = gone.output().unwrap();
    assert_eq!(gone.status.code(), Some(1));
    assert!(
        text(&gone.stderr).contains("cannot reach 127.0.0.1:1: "),
        "{}",
        text(&gone.stderr)
    );
    // The system takes the connection, and nobody says a word.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut silent = command(&["cap", &mute.local_addr().unwrap().to_string(), "noop"]);
    silent.env("WCAPD__LIMITS__CLIENT_STEP", "1s");
    let told = text(&silent.output().unwrap().stderr);
    assert_eq!(
        told,
        "wcapd: no answer in time; the server is stuck, or far away: WCAPD__LIMITS__CLIENT_STEP=1m waits longer\n"
    );
    silent.env("WCAPD__LIMITS__CLIENT_STEP", "soon");
    let told = text(&silent.output().unwrap().stderr);
    assert!(told.contains("limits.client_step must be "), "{told}");
    let mut usage = command(&["cap"]);
    assert_eq!(usage.output().unwrap().status.code(), Some(2));
}

#[test]
fn tls_is_used_where_it_is_offered_and_certificates_are_looked_at() {
    let (server, data) = demo(true);
    let stranger = refuses(&server, TOM, &["noop"]);
    assert!(stranger.contains("--ca"), "{stranger}");
    let ca = fs::read_dir(data.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.ends_with("self-signed.pem"))
        .expect("the certificate is kept in the data folder");
    let ca = ca.to_str().unwrap();
    let raw = run(
        &server,
        &["--user", "tom", "--tls", "--ca", ca, "--raw"],
        &["uid"],
        None,
    );
    let wire = text(&raw.stderr);
    assert!(raw.status.success(), "{wire}");
    for line in [
        "C: STARTTLS",
        "S: 2.0.12",
        "C: AUTHENTICATE SCRAM-SHA-256 ...",
        "C: GENERATEUID 1",
        "C: DISCONNECT",
    ] {
        assert!(wire.lines().any(|own| own == line), "{line} in {wire}");
    }
    // Neither the password nor what could be tried against guesses of it.
    assert!(
        !wire.contains("n=tom") && !wire.contains("p=") && !wire.contains("cj0"),
        "{wire}"
    );
    let insecure = prints(&server, &["--user", "tom", "--insecure"], &["uid"]);
    assert_eq!(insecure.lines().count(), 1);
}

/// The page's commands run as one paste, and print what it shows.
#[test]
fn the_page_runs_as_printed() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cap-client.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = |language: &str| -> Vec<String> {
        let mark = format!("```{language}\n");
        let blocks = page.split(mark.as_str()).skip(1);
        blocks
            .map(|block| block.split("```").next().unwrap().to_owned())
            .collect()
    };
    let (server, data) = demo(false);
    let (commands, shown) = (blocks("sh"), blocks("text"));
    assert_eq!((commands.len(), shown.len()), (3, 3));
    for (commands, shown) in commands.iter().zip(&shown) {
        let script = format!(
            "export WCAPD_PASSWORD=tom\nwcapd() {{ '{}' \"$@\"; }}\n{}",
            common::server::binary().display(),
            commands.replace(" localhost ", &format!(" {} ", server.cap)),
        );
        let output = std::process::Command::new("sh")
            .args(["-eu", "-c", &script])
            .current_dir(data.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(&text(&output.stdout), shown);
    }
}
