//! TLS as others see it: curl and openssl talk to the running server, sslscan looks for weak protocols and suites.
//!
//! Where sslscan is not installed its tests are left out, and say so; `tests/run` installs it. How certificates
//! are read and clients' certificates understood is tested beside the source.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};

use common::server::{self, DataDir, Server};

fn main() {
    let scan = program("sslscan").is_none();
    if scan {
        eprintln!(
            "the scans of tests/tls.rs are left out: sslscan is not installed here \
             (Debian: apt-get install sslscan)"
        );
    }
    let trials = vec![
        Trial::test("https answers, in both versions of HTTP", || {
            https_answers();
            Ok(())
        }),
        Trial::test("this machine may go on without TLS", || {
            this_machine_may_go_on();
            Ok(())
        }),
        Trial::test("a hangup brings new certificates", || {
            a_hangup_brings_new_certificates();
            Ok(())
        }),
        Trial::test("other machines get no plain http unasked", || {
            other_machines_get_no_plain_http();
            Ok(())
        }),
        Trial::test("cap takes openssl and its certificate", || {
            cap_takes_openssl();
            Ok(())
        }),
        Trial::test("cap refuses certificates that were withdrawn", || {
            cap_refuses_withdrawn_certificates();
            Ok(())
        }),
        Trial::test("no weak protocol or suite over cap", || {
            let server = trial_server();
            check_scan(&sslscan(after_starttls(server.cap)));
            Ok(())
        })
        .with_ignored_flag(scan),
        Trial::test("no weak protocol or suite over http", || {
            let server = trial_server();
            check_scan(&sslscan(server.http));
            Ok(())
        })
        .with_ignored_flag(scan),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A program on the search path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The demo with a certificate of its own making.
fn trial_server() -> Server {
    Server::start(&DataDir::new(), &["--demo", "--tls-self-signed"])
}

/// What curl is answered, believing the certificate in `trusted`.
fn curl(trusted: &Path, arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
        .arg(trusted)
        .args(arguments)
        .output()
        .expect("curl is installed");
    assert!(
        output.status.success(),
        "curl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("answers are UTF-8")
}

fn https_answers() {
    let server = trial_server();
    let trusted = server.data().join("self-signed.pem");
    let site = format!("https://{}", server.http);
    for (version, shown) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let said = curl(
            &trusted,
            &[
                version,
                "--write-out",
                "%{http_version}",
                &format!("{site}/wcap/version.wcap"),
            ],
        );
        assert!(said.contains("X-NSCP-WCAPVERSION:"), "{said}");
        assert!(said.ends_with(shown), "{said}");
    }
    // A cookie that came by TLS does not go without it.
    let said = curl(
        &trusted,
        &[
            "-i",
            &format!("{site}/login"),
            "-d",
            "user=tom&password=tom",
        ],
    );
    let cookie = said
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("set-cookie:"));
    assert!(
        cookie.is_some_and(|cookie| cookie.contains("; Secure")),
        "{said}"
    );
}

fn this_machine_may_go_on() {
    let server = trial_server();
    let trusted = server.data().join("self-signed.pem");
    let said = curl(&trusted, &[&format!("http://{}/healthz", server.http)]);
    assert!(!said.is_empty());
    let said = curl(
        &trusted,
        &[
            "-i",
            &format!("http://{}/login", server.http),
            "-d",
            "user=tom&password=tom",
        ],
    );
    assert!(
        said.contains("set-cookie:") && !said.contains("; Secure"),
        "{said}"
    );
}

fn a_hangup_brings_new_certificates() {
    let data = DataDir::new();
    let (cert, key) = (data.join("cert.pem"), data.join("key.pem"));
    let make = || {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&key, own.signing_key.serialize_pem()).unwrap();
        fs::write(&cert, own.cert.pem()).unwrap();
        own.cert.pem()
    };
    let first = make();
    let config = data.join("wcapd.toml");
    let text = format!(
        "[tls]\ncert = '{}'\nkey = '{}'\n",
        cert.display(),
        key.display()
    );
    fs::write(&config, text).unwrap();
    let server = Server::start(&data, &["--demo", "--config", config.to_str().unwrap()]);
    let trusted = data.join("trusted.pem");
    let asks = |certificate: &str| {
        fs::write(&trusted, certificate).unwrap();
        let address = format!("https://localhost:{}/healthz", server.http.port());
        let resolve = format!("localhost:{}:127.0.0.1", server.http.port());
        let status = Command::new("curl")
            .args([
                "--silent",
                "--max-time",
                "20",
                "--resolve",
                &resolve,
                "--cacert",
            ])
            .arg(&trusted)
            .arg(address)
            .stdout(Stdio::null())
            .status();
        status.expect("curl is installed").success()
    };
    assert!(asks(&first));
    let second = make();
    server.signal("HUP");
    wait_for(&server, "new connections get the certificates read now");
    assert!(asks(&second) && !asks(&first));

    fs::write(&cert, "not a certificate").unwrap();
    server.signal("HUP");
    wait_for(&server, "the certificates stay as they were");
    assert!(asks(&second));
}

/// Until the server has logged `words`.
fn wait_for(server: &Server, words: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    while !server.log().contains(words) {
        assert!(
            Instant::now() < until,
            "{words:?} is not logged: {}",
            server.log()
        );
        std::thread::yield_now();
    }
}

fn other_machines_get_no_plain_http() {
    let data = DataDir::new();
    let mut command = server::command(&["serve", "--data", data.text(), "--http", "0.0.0.0:0"]);
    let sentence = server::refused(&mut command, 1);
    assert!(sentence.contains("http.plain_remote"), "{sentence}");
    assert!(sentence.contains("tls.cert"), "{sentence}");
    assert!(!data.join("wcapd.redb").exists());
}

/// A port on which TLS begins at once, for programs that do not know how CAP begins it: each connection is handed on
/// to `cap` after STARTTLS.
fn after_starttls(cap: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut server = TcpStream::connect(cap)?;
                read_past(&mut server, "\r\n.\r\n", 2)?;
                server.write_all(b"STARTTLS\r\n")?;
                read_past(&mut server, "2.0.12\r\n", 1)?;
                let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
                let (mut from, mut to) = (server, client);
                let _ = std::io::copy(&mut from, &mut to);
                to.shutdown(Shutdown::Both)
            });
        }
    });
    address
}

/// Reads up to the end of `mark` for the so manieth time.
fn read_past(stream: &mut TcpStream, mark: &str, times: usize) -> std::io::Result<String> {
    let mut text = String::new();
    while text.matches(mark).count() < times {
        let mut octet = [0];
        stream.read_exact(&mut octet)?;
        text.push(char::from(octet[0]));
    }
    Ok(text)
}

/// An authority that the server knows signs a certificate for tom's address; openssl shows it, and tom is logged in.
fn cap_takes_openssl() {
    let data = DataDir::new();
    authority(&data);
    let (_server, address) = serve_clients(&data, "");
    let said = openssl(&data, &address, TOM);
    assert!(said.contains("AUTH=EXTERNAL\r\n"), "{said}");
    assert!(said.contains("IDENTITY=tom@localhost\r\n"), "{said}");
    // Without one, EXTERNAL is not to be had.
    let said = openssl(&data, &address, &[]);
    assert!(!said.contains("AUTH=EXTERNAL"), "{said}");
    assert!(
        said.contains("6.3 ; the mechanism is not offered\r\n"),
        "{said}"
    );
}

/// The certificate is good until the authority's list names it; a list that cannot be read changes nothing.
fn cap_refuses_withdrawn_certificates() {
    let data = DataDir::new();
    let issuer = authority(&data);
    let list = data.join("crl.pem");
    let line = format!("client_crl = '{}'\n", list.display());
    fs::write(&list, "no list").unwrap();
    let config = configure(&data, &line);
    let arguments = ["serve", "--config", &config, "--data", data.text()];
    let output = server::command(&arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("expected a list of revoked certificates"),
        "{said}"
    );

    fs::write(&list, withdrawn(&issuer, &[])).unwrap();
    let (server, address) = serve_clients(&data, &line);
    let said = openssl(&data, &address, TOM);
    assert!(said.contains("IDENTITY=tom@localhost\r\n"), "{said}");

    fs::write(&list, withdrawn(&issuer, &[SERIAL])).unwrap();
    server.signal("HUP");
    wait_for(&server, "new connections get the certificates read now");
    assert_eq!(openssl(&data, &address, TOM), "");
    let said = openssl(&data, &address, &[]);
    assert!(said.contains("6.3 ;"), "{said}");

    fs::write(&list, "no list").unwrap();
    server.signal("HUP");
    wait_for(&server, "the certificates stay as they were");
    assert_eq!(openssl(&data, &address, TOM), "");
}

/// The number of tom's certificate.
const SERIAL: u64 = 4_711;

/// What makes openssl show tom's certificate.
const TOM: &[&str] = &["-cert", "tom.pem", "-key", "tom.pem"];

/// Makes an authority, `ca.pem`, and a certificate of it for tom's address with its key, `tom.pem`.
fn authority(data: &DataDir) -> rcgen::Issuer<'static, rcgen::KeyPair> {
    let mut params = rcgen::CertificateParams::new([]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap();
    fs::write(data.join("ca.pem"), own.pem()).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let mut params = rcgen::CertificateParams::new([]).unwrap();
    params.serial_number = Some(SERIAL.into());
    let tom = "tom@localhost".try_into().unwrap();
    params
        .subject_alt_names
        .push(rcgen::SanType::Rfc822Name(tom));
    let key = rcgen::KeyPair::generate().unwrap();
    let own = params.signed_by(&key, &issuer).unwrap();
    fs::write(data.join("tom.pem"), own.pem() + &key.serialize_pem()).unwrap();
    issuer
}

/// The authority's list of the certificates with these numbers.
fn withdrawn(issuer: &rcgen::Issuer<'static, rcgen::KeyPair>, serials: &[u64]) -> String {
    let now = time::OffsetDateTime::now_utc();
    let revoked_certs = serials.iter().map(|serial| rcgen::RevokedCertParams {
        serial_number: (*serial).into(),
        revocation_time: now,
        reason_code: None,
        invalidity_date: None,
    });
    let list = rcgen::CertificateRevocationListParams {
        this_update: now,
        next_update: now + time::Duration::days(1),
        crl_number: 1.into(),
        issuing_distribution_point: None,
        revoked_certs: revoked_certs.collect(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    list.signed_by(issuer).unwrap().pem().unwrap()
}

/// A configuration that takes certificates of the authority, with more lines of its section `tls`.
fn configure(data: &DataDir, more: &str) -> String {
    let config = data.join("wcapd.toml");
    let text = format!(
        "[cap]\ntls_addr = '127.0.0.1:0'\n[tls]\nself_signed = true\nclient_ca = '{}'\n{more}",
        data.join("ca.pem").display()
    );
    fs::write(&config, text).unwrap();
    config.to_str().unwrap().to_owned()
}

/// The demo so configured, and where CAP begins with TLS.
fn serve_clients(data: &DataDir, more: &str) -> (Server, String) {
    let config = configure(data, more);
    let server = Server::start(data, &["--demo", "--config", &config]);
    wait_for(&server, "cap over TLS listening on ");
    let log = server.log();
    let (_, address) = log.split_once("cap over TLS listening on ").unwrap();
    let address = address.lines().next().unwrap().to_owned();
    (server, address)
}

/// What openssl hears in a short CAP session.
fn openssl(data: &DataDir, address: &str, arguments: &[&str]) -> String {
    let mut child = Command::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-crlf",
            "-verify_return_error",
            "-connect",
            address,
        ])
        .args([
            "-CAfile",
            "self-signed.pem",
            "-verify_hostname",
            "localhost",
        ])
        .args(arguments)
        .current_dir(data.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed");
    let mut input = child.stdin.take().unwrap();
    // Where the handshake fails, nobody reads it any more.
    let _ = input.write_all(b"AUTHENTICATE EXTERNAL =\nDISCONNECT\n");
    // The server closes after DISCONNECT, and openssl with it; its input stays open until then.
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    drop(input);
    child.wait().unwrap();
    said
}

/// What sslscan says of a port that speaks TLS at once.
fn sslscan(address: SocketAddr) -> String {
    let output = Command::new("sslscan")
        .args([
            "--no-colour",
            "--no-heartbleed",
            "--show-certificate",
            "--connect-timeout=10",
        ])
        .arg(address.to_string())
        .output()
        .expect("sslscan starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// TLS 1.2 and 1.3 with authenticated ciphers and fresh keys, and nothing else.
fn check_scan(said: &str) {
    // What follows is about the certificate.
    let (said, _) = said.split_once("SSL Certificate:").unwrap_or((said, ""));
    for (protocol, state) in [
        ("SSLv2", "disabled"),
        ("SSLv3", "disabled"),
        ("TLSv1.0", "disabled"),
        ("TLSv1.1", "disabled"),
        ("TLSv1.2", "enabled"),
        ("TLSv1.3", "enabled"),
    ] {
        let found = said.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(protocol) && words.next() == Some(state)
        });
        assert!(found, "{protocol} should be {state}:\n{said}");
    }
    // "Preferred TLSv1.3  128 bits  TLS_AES_128_GCM_SHA256  Curve 25519 DHE 253"
    let suites: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("Preferred ") || line.starts_with("Accepted "))
        .filter(|line| line.contains(" bits "))
        .collect();
    assert!(suites.len() >= 4, "{said}");
    for suite in suites {
        let words: Vec<&str> = suite.split_whitespace().collect();
        let (version, bits, name) = (words[1], words[2], words[4]);
        assert!(["TLSv1.2", "TLSv1.3"].contains(&version), "{suite}");
        assert!(bits.parse::<u32>().unwrap() >= 128, "{suite}");
        assert!(name.contains("GCM") || name.contains("CHACHA20"), "{suite}");
        assert!(
            version == "TLSv1.3" || name.starts_with("ECDHE-"),
            "{suite}"
        );
    }
    for word in [
        "Compression enabled",
        "vulnerable",
        "RC4",
        "3DES",
        "NULL",
        "EXPORT",
        "anonymous",
    ] {
        let bad = said
            .lines()
            .any(|line| line.contains(word) && !line.contains("not vulnerable"));
        assert!(!bad, "{word}:\n{said}");
    }
}
