//! The ways to log in that take more than a password, and those that take a server which offers less.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::common::server::{DataDir, Server};
use crate::{TOM, prints, prints_at, refuses, run, run_at, text};

/// The demo with more configuration.
fn configured(text: &str) -> (Server, DataDir) {
    let data = DataDir::new();
    let config = data.join("wcapd.toml");
    fs::write(&config, text).unwrap();
    let server = Server::start(&data, &["--demo", "--config", config.to_str().unwrap()]);
    (server, data)
}

/// Somebody between client and server who takes a line out of the greeting: where the best mechanism is not offered, the
/// client takes another. Carries one connection after another.
fn without(server: SocketAddr, line: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let upstream = TcpStream::connect(server).unwrap();
            let (from, to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            std::thread::spawn(move || carry(&mut BufReader::new(from), &to));
            let mut reader = BufReader::new(upstream);
            let mut dots = 0;
            while dots < 2 {
                let mut own = String::new();
                reader.read_line(&mut own).unwrap();
                dots += usize::from(own == ".\r\n");
                if own.trim_end() != line {
                    (&client).write_all(own.as_bytes()).unwrap();
                }
            }
            carry(&mut reader, &client);
        }
    });
    address
}

fn carry(from: &mut BufReader<TcpStream>, mut to: &TcpStream) {
    // One that has gone ends it.
    let _ = io::copy(from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn digest_md5_serves_where_there_is_nothing_better() {
    let (server, data) = configured("[cap]\ndigest_md5 = true\n");
    let between = without(server.cap, "AUTH=SCRAM-SHA-256").to_string();
    let raw = run_at(&between, &["--user", "tom", "--raw"], &["target"], None);
    let wire = text(&raw.stderr);
    assert!(raw.status.success(), "{wire}");
    assert_eq!(text(&raw.stdout), "cap://localhost/tom\n");
    assert!(wire.contains("C: AUTHENTICATE DIGEST-MD5 ...\n"), "{wire}");
    assert!(
        !wire.contains("response=") && !wire.contains("nonce="),
        "{wire}"
    );
    // By the whole name, too; and a wrong password stays outside.
    let whole = prints_at(&between, &["--user", "tom@localhost"], &["target"]);
    assert_eq!(whole, "cap://localhost/tom\n");
    let wrong = data.join("password");
    fs::write(&wrong, "not it\n").unwrap();
    let before = ["--user", "tom", "--password-file", wrong.to_str().unwrap()];
    let output = run_at(&between, &before, &["noop"], None);
    assert_eq!(text(&output.stderr), "wcapd: wrong name or password\n");
}

#[test]
fn who_may_acts_for_somebody_else() {
    let (server, _data) = configured("[cap]\nmay_act_as = ['tom:jerry']\n");
    let jerry = ["--user", "tom", "--as", "jerry"];
    assert_eq!(
        prints(&server, &jerry, &["target"]),
        "cap://localhost/jerry\n"
    );
    let anna = refuses(&server, &["--user", "tom", "--as", "anna"], &["target"]);
    assert_eq!(
        anna,
        "wcapd: the server answers 6.4: Identity not permitted\n"
    );
    // There and back again.
    let output = run(
        &server,
        TOM,
        &[],
        Some("identify jerry\ntarget\nidentify\ntarget\n"),
    );
    assert_eq!(
        text(&output.stdout),
        "jerry@localhost\ncap://localhost/jerry\ntom@localhost\ncap://localhost/tom\n"
    );
}

/// A certificate for tom, its key, and the authority of both, as files.
fn certificate(data: &DataDir) -> [PathBuf; 3] {
    let mut params = rcgen::CertificateParams::new([]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let mut params = rcgen::CertificateParams::new([]).unwrap();
    let tom = "tom@localhost".try_into().unwrap();
    params
        .subject_alt_names
        .push(rcgen::SanType::Rfc822Name(tom));
    let key = rcgen::KeyPair::generate().unwrap();
    let own = params.signed_by(&key, &issuer).unwrap();
    let files = ["tom.pem", "tom.key", "authority.pem"].map(|name| data.join(name));
    for (file, text) in files
        .iter()
        .zip([own.pem(), key.serialize_pem(), authority.pem()])
    {
        fs::write(file, text).unwrap();
    }
    files
}

#[test]
fn a_certificate_is_as_good_as_a_password() {
    let data = DataDir::new();
    let [cert, key, authority] = certificate(&data);
    let config = data.join("wcapd.toml");
    let settings = format!(
        "[cap]\ntls_addr = '127.0.0.1:0'\n[tls]\nself_signed = true\nclient_ca = '{}'\n",
        authority.display()
    );
    fs::write(&config, settings).unwrap();
    let server = Server::start(&data, &["--demo", "--config", config.to_str().unwrap()]);
    let direct = direct(&server);
    let ca = data.join("self-signed.pem");
    let [ca, cert, key] = [&ca, &cert, &key].map(|file| file.to_str().unwrap());
    let own = ["--ca", ca, "--cert", cert, "--key", key];
    for (address, how) in [
        (server.cap.to_string(), "--tls"),
        (direct.clone(), "--tls-direct"),
    ] {
        let before = [&own[..], &[how]].concat();
        assert_eq!(
            prints_at(&address, &before, &["target"]),
            "cap://localhost/tom\n"
        );
    }
    // With a password over the same port, and with neither.
    let before = ["--ca", ca, "--tls-direct", "--user", "tom"];
    assert_eq!(
        prints_at(&direct, &before, &["target"]),
        "cap://localhost/tom\n"
    );
    let plain = [&own[..], &["--plain"]].concat();
    let refused = refuses(&server, &plain, &["noop"]);
    assert!(
        refused.starts_with("wcapd: the server takes no certificate for a login"),
        "{refused}"
    );
}

/// Where TLS begins at once, as the log says.
fn direct(server: &Server) -> String {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let log = server.log();
        if let Some((_, rest)) = log.split_once("cap over TLS listening on ")
            && let Some((address, _)) = rest.split_once('\n')
        {
            return address.to_owned();
        }
        assert!(Instant::now() < until, "{log}");
        std::thread::yield_now();
    }
}
