//! What was acknowledged is on disk: the server is killed at once, fifty times, in the middle of a
//! stream of stores, and every event whose store was answered with errno 0 is there afterwards.
//!
//! The moment of the kill is counted in acknowledgements, not in time, so a slow machine tests the
//! same. A kill leaves the page cache alone; what a power failure adds is tested below the engine.

#![expect(clippy::expect_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::mpsc::{Sender, channel};

use common::http::{self, Connection};
use common::server::{DataDir, Server, command};

const ROUNDS: usize = 50;
/// Clients that store at the same time, so that a kill meets commits of several writers.
const CLIENTS: usize = 4;

/// After each so many kills the whole store is checked, before a server has touched it again.
const CHECKED: usize = 5;

/// What a client reports: it is about to store an event, or was told that it is stored.
enum Said {
    Asked(String),
    Acknowledged(String),
}

#[test]
fn every_acknowledged_store_survives_a_kill() {
    let data = DataDir::new();
    let mut server = Server::start(&data, &["--demo"]);
    // Sessions survive a restart, so one login serves all rounds.
    let session = login(server.http);
    let mut asked = stored(server.http, &session);
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let (sender, said) = channel();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (sender, session, http) = (sender.clone(), session.clone(), server.http);
                std::thread::spawn(move || store_until_cut(http, &session, round, client, &sender))
            })
            .collect();
        drop(sender);
        // Between 1 and 24 acknowledgements in, differently each round.
        let mut left = 1 + (round * 7) % 24;
        while left > 0 {
            match said.recv().expect("a client still stores") {
                Said::Asked(uid) => {
                    asked.insert(uid);
                }
                Said::Acknowledged(uid) => {
                    acknowledged.insert(uid);
                    left -= 1;
                }
            }
        }
        server.kill();
        for client in clients {
            client
                .join()
                .expect("a client ends when its server is gone");
        }
        for last in said {
            match last {
                Said::Asked(uid) => asked.insert(uid),
                Said::Acknowledged(uid) => acknowledged.insert(uid),
            };
        }
        if round % CHECKED == 0 {
            check(&data);
        }
        server = Server::start(&data, &[]);
        let found = stored(server.http, &session);
        let lost: Vec<&String> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "lost after kill {round}: {lost:?}");
        let strange: Vec<&String> = found.difference(&asked).collect();
        assert!(
            strange.is_empty(),
            "never stored, found after kill {round}: {strange:?}"
        );
    }
    let (status, log) = server.stop();
    assert!(status.success(), "{status}: {log}");
    check(&data);
    println!(
        "{} acknowledged stores, {ROUNDS} kills, none lost",
        acknowledged.len()
    );
}

/// What `wcapd check` finds: nothing wrong.
fn check(data: &DataDir) {
    let check = command(&["check", "--data", data.text()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .expect("the program starts");
    assert!(
        check.status.success(),
        "{}{}",
        String::from_utf8_lossy(&check.stdout),
        String::from_utf8_lossy(&check.stderr)
    );
}

/// Stores one event after another on one connection until the server is gone.
fn store_until_cut(
    server: SocketAddr,
    session: &str,
    round: usize,
    client: usize,
    said: &Sender<Said>,
) {
    let Ok(mut connection) = Connection::open(server) else {
        return;
    };
    for number in 0.. {
        let uid = format!("kill-{round}-{client}-{number}");
        let request = format!(
            "GET /wcap/storeevents.wcap?id={session}&calid=tom&uid={uid}&summary=Event%20{number}\
             &dtstart=20270105T090000Z&dtend=20270105T100000Z&storetype=1&fmt-out=text%2Fcalendar \
             HTTP/1.1\r\nHost: localhost\r\n\r\n"
        );
        // Whether anybody listens does not matter to the stream of stores.
        let _ = said.send(Said::Asked(uid.clone()));
        if connection.send(request.as_bytes()).is_err() {
            return;
        }
        let Ok(answer) = connection.receive(false) else {
            return;
        };
        assert!(
            answer.text().contains("X-NSCP-WCAP-ERRNO:0\r\n"),
            "a store failed:\n{}",
            answer.text()
        );
        let _ = said.send(Said::Acknowledged(uid));
    }
}

fn login(server: SocketAddr) -> String {
    let answer = http::get(
        server,
        "/wcap/login.wcap?user=tom&password=tom&fmt-out=text%2Fcalendar",
    );
    let answer = answer.expect("the server answers");
    let id = answer
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("X-NSCP-WCAP-SESSION-ID:"));
    id.unwrap_or_else(|| panic!("no session:\n{}", answer.text()))
        .to_owned()
}

/// The UIDs of all that is in tom's calendar.
fn stored(server: SocketAddr, session: &str) -> BTreeSet<String> {
    let target = format!(
        "/wcap/fetchcomponents_by_range.wcap?id={session}&calid=tom&dtstart=0&dtend=0\
         &fmt-out=text%2Fcalendar"
    );
    let answer = http::get(server, &target).expect("the server answers");
    assert!(
        answer.text().contains("X-NSCP-WCAP-ERRNO:0\r\n"),
        "the fetch failed:\n{}",
        answer.text()
    );
    let uids = answer
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("UID:"));
    uids.map(str::to_owned).collect()
}
