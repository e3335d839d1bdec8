//! What the audit log tells of logins over CAP, by every mechanism: who, how and what came of it, and nothing that opens
//! anything. What it tells of other doors is tested in `sessions`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use wcapd::cap::client::sasl::{Credentials, Exchange, Password};

use crate::common::server::{self, DataDir, Server};

/// Makes an authority, and certificates of it with their keys for these addresses, each a file of its own.
fn certificates(data: &DataDir, addresses: &[&str]) {
    let mut params = rcgen::CertificateParams::new([]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap();
    fs::write(data.join("ca.pem"), own.pem()).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    for address in addresses {
        let mut params = rcgen::CertificateParams::new([]).unwrap();
        let name = rcgen::SanType::Rfc822Name((*address).try_into().unwrap());
        params.subject_alt_names.push(name);
        let key = rcgen::KeyPair::generate().unwrap();
        let own = params.signed_by(&key, &issuer).unwrap();
        fs::write(data.join(address), own.pem() + &key.serialize_pem()).unwrap();
    }
}

/// The demo with every mechanism, where tom may act as jerry and everybody as somebody of a realm. Logs everything.
fn start(data: &DataDir) -> Server {
    let config = data.join("wcapd.toml");
    let text = format!(
        "[cap]\ndigest_md5 = true\nplain_on_loopback = true\nauth_attempts = 2\n\
         may_act_as = ['tom:jerry', '@:@example.com']\n\
         [tls]\nself_signed = true\nclient_ca = '{}'\n\
         [log]\nfilter = 'trace'\naudit = '{}'\n",
        data.join("ca.pem").display(),
        data.join("audit.json").display(),
    );
    fs::write(&config, text).unwrap();
    Server::start(data, &["--demo", "--config", config.to_str().unwrap()])
}

/// A session, and all that the client has said in it that could open something.
struct Session {
    stream: BufReader<TcpStream>,
    said: Vec<String>,
}

impl Session {
    fn begin(server: &Server) -> Self {
        let stream = TcpStream::connect(server.cap).unwrap();
        let patience = Duration::from_secs(60);
        stream.set_read_timeout(Some(patience)).unwrap();
        let mut session = Self {
            stream: BufReader::new(stream),
            said: Vec::new(),
        };
        session.reply();
        session
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.stream.read_line(&mut line).unwrap(), 0, "it is closed");
        line.trim_end().to_owned()
    }

    /// The code of a reply.
    fn reply(&mut self) -> String {
        let (code, mut dots) = (self.line(), 0);
        while dots < 2 {
            dots += usize::from(self.line() == ".");
        }
        code.split(' ').next().unwrap().to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        self.stream
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .unwrap();
        self.reply()
    }

    /// Logs in by a mechanism; the code of the reply.
    fn log_in(&mut self, mechanism: &str, user: &str, password: &str) -> String {
        let credentials = Credentials::Password {
            user: user.to_owned(),
            password: Password(password.to_owned()),
        };
        let (offered, random) = ([mechanism.to_owned()], [7; 18]);
        let mut exchange =
            Exchange::begin(&credentials, &offered, "localhost", true, &random).unwrap();
        let mut line = format!("AUTHENTICATE {mechanism}");
        if let Some(first) = exchange.first() {
            line = format!("{line} {}", self.told(&first));
        }
        loop {
            let sent = self
                .stream
                .get_mut()
                .write_all(format!("{line}\r\n").as_bytes());
            sent.unwrap();
            let heard = self.line();
            if heard.get(1..2) == Some(".") {
                while self.line() != "." {}
                while self.line() != "." {}
                return heard.split(' ').next().unwrap().to_owned();
            }
            let challenge = BASE64_STANDARD.decode(heard.trim_start_matches('+'));
            let answer = exchange.answer(&challenge.unwrap()).unwrap();
            line = self.told(&answer);
        }
    }

    /// A message in base64, remembered as it is and so written.
    fn told(&mut self, message: &[u8]) -> String {
        let encoded = BASE64_STANDARD.encode(message);
        // The name alone may be known.
        if message.len() > 40 || message.contains(&0) {
            self.said.push(encoded.clone());
        }
        let text = String::from_utf8_lossy(message).into_owned();
        let proof = |part: &&str| part.starts_with("p=") || part.starts_with("response=");
        let proofs = text.split(',').filter(proof).map(str::to_owned);
        self.said.extend(proofs);
        encoded
    }
}

/// Logs in by certificate with the client of CAP; whether that went well.
fn by_certificate(data: &DataDir, server: &Server, address: &str) -> bool {
    let (file, host) = (data.join(address), server.cap.to_string());
    let file = file.to_str().unwrap();
    let arguments = [
        "cap",
        "--insecure",
        "--cert",
        file,
        "--key",
        file,
        &host,
        "noop",
    ];
    let output = server::command(&arguments).output().unwrap();
    output.status.success()
}

#[test]
fn every_way_to_log_in_is_told() {
    let data = DataDir::new();
    certificates(&data, &["tom@localhost", "who@example.org"]);
    let server = start(&data);
    let mut secrets = vec!["s3cret-guess".to_owned()];
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "DIGEST-MD5"] {
        for (user, password, code) in [
            ("tom", "tom", "2.0"),
            ("jerry", "s3cret-guess", "6.0"),
            ("nobody", "s3cret-guess", "6.0"),
        ] {
            let mut session = Session::begin(&server);
            let said = session.log_in(mechanism, user, password);
            assert_eq!(said, code, "{mechanism} {user}");
            secrets.append(&mut session.said);
        }
    }
    assert!(by_certificate(&data, &server, "tom@localhost"));
    assert!(!by_certificate(&data, &server, "who@example.org"));
    let mut session = Session::begin(&server);
    assert_eq!(session.log_in("SCRAM-SHA-256", "tom", "tom"), "2.0");
    assert_eq!(session.ask("IDENTIFY jerry@localhost"), "2.0");
    assert_eq!(session.ask("IDENTIFY spike@localhost"), "6.4");
    let mut nobody = Session::begin(&server);
    assert_eq!(nobody.ask("AUTHENTICATE ANONYMOUS ="), "2.0");
    assert_eq!(nobody.ask("IDENTIFY tom@localhost"), "6.4");
    assert_eq!(nobody.ask("IDENTIFY @example.com"), "2.0");

    let (_, log) = server.stop();
    let audit = fs::read_to_string(data.join("audit.json")).unwrap();
    assert!(secrets.len() > 12, "{secrets:?}");
    for secret in &secrets {
        assert!(!audit.contains(secret.as_str()), "{secret} in {audit}");
        let line = log.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None);
    }
    let told = |words: &[(&str, &str)]| {
        let words: Vec<String> = words
            .iter()
            .map(|(name, value)| format!("\"{name}\":\"{value}\""))
            .collect();
        let lines = audit.lines();
        let found = lines.filter(|line| words.iter().all(|word| line.contains(word.as_str())));
        found.count()
    };
    let from = ("client", "127.0.0.1");
    for mechanism in ["password", "SCRAM-SHA-256", "DIGEST-MD5", "certificate"] {
        let how = ("mechanism", mechanism);
        let who = ("who", "tom@localhost");
        assert!(
            told(&[from, how, who, ("outcome", "done")]) >= 1,
            "{mechanism}: {audit}"
        );
        let typed: &[&str] = match mechanism {
            "certificate" => &["who@example.org"],
            _ => &["jerry", "nobody"],
        };
        for typed in typed {
            let refused = [
                from,
                how,
                ("who", ""),
                ("typed", typed),
                ("outcome", "refused"),
            ];
            assert_eq!(told(&refused), 1, "{mechanism} {typed}: {audit}");
        }
    }
    for (who, other, outcome) in [
        ("tom@localhost", "jerry@localhost", "done"),
        ("tom@localhost", "spike@localhost", "refused"),
        ("anonymous", "tom@localhost", "refused"),
        ("anonymous", "@example.com", "done"),
    ] {
        let words = [
            from,
            ("who", who),
            ("what", "login as another"),
            ("typed", other),
            ("outcome", outcome),
        ];
        assert_eq!(told(&words), 1, "{who} {other}: {audit}");
    }
}
