//! The program as people and scripts meet it: help, exit statuses, the printed configuration, start and stop.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Output;

use common::http;
use common::server::{DataDir, Server, command as wcapd, refused};

fn run(arguments: &[&str]) -> Output {
    wcapd(arguments).output().unwrap()
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

#[test]
fn help_teaches_and_succeeds() {
    for (arguments, taught) in [
        (&["--help"][..], "wcapd serve --demo"),
        (&["serve", "--help"], "--http 127.0.0.1:0"),
        (&["user", "--help"], "wcapd user disable jerry"),
        (&["group", "--help"], "wcapd group member add team anna"),
        (&["calendar", "--help"], "--set '@^a^rsf^g;@^c^^g;@^p^r^g'"),
        (&["import", "--help"], "wcapd import tom meetings.ics"),
        (&["export", "--help"], "--format text/xml"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(text(&output.stdout).contains(taught), "{arguments:?}");
        assert_eq!(text(&output.stderr), "");
    }
}

#[test]
fn wrong_usage_is_status_2() {
    assert_eq!(run(&[]).status.code(), Some(2));
    for arguments in [
        &["serv"][..],
        &["user", "add"],
        &["user", "list", "tom"],
        &["serve", "--htp", "127.0.0.1:0"],
        &["export", "tom", "--format", "text/html"],
        &["calendar", "create", "tom:work"],
    ] {
        let sentence = refused(&mut wcapd(arguments), 2);
        assert!(sentence.contains("--help"), "{sentence}");
    }
}

#[test]
fn wrong_configuration_is_status_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wcapd.toml");
    std::fs::write(&file, "[limits]\ninstanses = 1\n").unwrap();
    let file = file.to_str().unwrap();
    let sentence = refused(&mut wcapd(&["serve", "--config", file]), 1);
    assert!(sentence.contains("wcapd.toml line 2: there is no key 'limits.instanses'"));
    assert!(sentence.contains("did you mean 'limits.instances'?"));

    let sentence = refused(wcapd(&["config"]).env("WCAPD__TLS__CERT", "a.pem"), 1);
    assert!(sentence.contains("tls.key must be set with tls.cert"));
    let sentence = refused(wcapd(&["config"]).env("WCAPD__STORE__URL", "postgres:"), 1);
    assert!(sentence.contains("is not supported in this version"));
    let sentence = refused(&mut wcapd(&["serve", "--http", "here"]), 1);
    assert!(sentence.contains("--http: http.addr must be ADDRESS:PORT"));
    refused(
        &mut wcapd(&["config", "--config", "/nowhere/wcapd.toml"]),
        1,
    );
}

#[test]
fn the_printed_configuration_is_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let first = wcapd(&["config"])
        .env("WCAPD__CAP__PLAIN_ON_LOOPBACK", "true")
        .env("WCAPD__LIMITS__INSTANCES", "77")
        .output()
        .unwrap();
    assert!(first.status.success());
    let shown = text(&first.stdout);
    assert!(shown.contains("Set by: environment variable WCAPD__LIMITS__INSTANCES."));
    let file = folder.path().join("wcapd.toml");
    std::fs::write(&file, shown).unwrap();

    let second = run(&["config", "--config", file.to_str().unwrap()]);
    assert!(second.status.success(), "{}", text(&second.stderr));
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(values(text(&second.stdout)), values(shown));
    assert!(values(shown).contains(&"instances = 77".to_owned()));
    assert!(values(shown).contains(&"plain_on_loopback = true".to_owned()));
}

/// Sends `octets` and reads until the server closes.
fn said(address: SocketAddr, octets: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(octets).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_listens_on_free_ports_and_ends_well() {
    let data = DataDir::new();
    for signal in ["TERM", "INT"] {
        let server = Server::start(&data, &[]);
        let redirect = http::get(server.http, "/").unwrap();
        assert_eq!(redirect.status(), 303);
        assert_eq!(redirect.header("location"), Some("/app/"));
        assert_eq!(http::get(server.http, "/healthz").unwrap().status(), 200);
        assert_eq!(http::get(server.http, "/readyz").unwrap().status(), 200);
        let metrics = http::get(server.http, "/metrics").unwrap();
        assert_eq!(metrics.status(), 200);
        let greeting = said(server.cap, b"DISCONNECT\r\n");
        assert!(greeting.contains("CAPVERSION=1.0"), "{greeting}");
        server.signal(signal);
        let (status, log) = server.stop();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[test]
fn metrics_move_to_a_listener_of_their_own() {
    let data = DataDir::new();
    let config = data.join("wcapd.toml");
    std::fs::write(&config, "[metrics]\naddr = '127.0.0.1:0'\n").unwrap();
    let server = Server::start(&data, &["--config", config.to_str().unwrap()]);
    assert_eq!(http::get(server.http, "/metrics").unwrap().status(), 404);
    let log = server.log();
    let line = log
        .lines()
        .find_map(|line| line.strip_prefix("metrics listening on "));
    let address = line.unwrap().parse().unwrap();
    assert_eq!(http::get(address, "/metrics").unwrap().status(), 200);
    assert_eq!(http::get(address, "/healthz").unwrap().status(), 404);
}

#[test]
fn a_taken_port_is_told() {
    let data = DataDir::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let mut command = wcapd(&["serve", "--http", &addr, "--cap", "127.0.0.1:0"]);
    let sentence = refused(command.args(["--data", data.text()]), 1);
    assert!(
        sentence.contains(&format!("cannot listen on {addr}")),
        "{sentence}"
    );
}
