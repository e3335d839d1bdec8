//! Calendar stores that know one another, each a server of its own with one user.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::http;
use crate::common::server::{DataDir, Server, command};

/// How long news may take from store to store.
const PATIENCE: Duration = Duration::from_secs(30);

/// A calendar store of the test: `NAME.test`, with one user, and an account by which each of the others logs in.
pub(crate) struct Site {
    user: &'static str,
    pub(crate) port: u16,
    pub(crate) data: DataDir,
    server: Option<Server>,
    /// Where the authority's files are, kept as long as somebody reads them.
    _authority: DataDir,
}

/// Sites that know one another, not started: by passwords, or by certificates of an authority that both believe.
pub(crate) fn sites<const N: usize>(names: [(&'static str, &'static str); N], by: By) -> [Site; N] {
    let authority = Authority::new();
    // All at once, so that no port is given twice.
    let held = names.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = held.map(|listener| listener.local_addr().unwrap().port());
    let mut at = 0;
    names.map(|(name, user)| {
        let data = DataDir::new();
        let mut config = format!(
            "[server]\ndomain = '{name}.test'\n\
             [auth]\nargon2_memory_kib = 8\nargon2_passes = 1\nscram_iterations = 4096\n\
             [domain.'{name}.test']\nopen_to = ['*']\n"
        );
        let own = at;
        for (other, (peer, _)) in names.iter().enumerate().filter(|(other, _)| *other != own) {
            let file = data.join(peer);
            fs::write(&file, format!("secret-{name}-{peer}\n")).unwrap();
            let login = match by {
                By::Password => format!(
                    "user = '{name}-store'\npassword_file = '{}'\ntls = 'none'\n",
                    file.display()
                ),
                By::Certificate => {
                    authority.issue(&data.join(peer), &format!("{name}-store@{peer}.test"));
                    authority.files("", &data.join(peer))
                }
            };
            let port = ports[other];
            write!(
                config,
                "[peer.'{peer}.test']\naddr = '127.0.0.1:{port}'\nlogin = '{peer}-store'\n{login}"
            )
            .unwrap();
        }
        if let By::Certificate = by {
            authority.issue(&data.join("own"), "nobody@example.com");
            let files = authority.files("client_", &data.join("own"));
            write!(config, "[tls]\n{files}").unwrap();
        }
        fs::write(data.join("wcapd.toml"), config).unwrap();
        at += 1;
        let site = Site {
            user,
            port: ports[own],
            data,
            server: None,
            _authority: authority.folder.clone(),
        };
        site.add(user, user);
        for (peer, _) in names.iter().filter(|(peer, _)| *peer != name) {
            site.add(&format!("{peer}-store"), &format!("secret-{peer}-{name}"));
        }
        site
    })
}

/// How stores log in with one another.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Password,
    Certificate,
}

/// Makes certificates for the test.
pub(crate) struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pub(crate) folder: DataDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let folder = DataDir::new();
        fs::write(folder.join("ca.pem"), certificate.pem()).unwrap();
        Self {
            certificate,
            issuer: rcgen::Issuer::new(params, key),
            folder,
        }
    }

    /// Writes a certificate of a server on this machine and of whoever has a mail address, and its key.
    pub(crate) fn issue(&self, place: &Path, mail: &str) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let mail = rcgen::SanType::Rfc822Name(mail.try_into().unwrap());
        params.subject_alt_names.push(mail);
        let made = params.signed_by(&key, &self.issuer).unwrap();
        let chain = made.pem() + &self.certificate.pem();
        fs::write(place.with_extension("pem"), chain).unwrap();
        fs::write(place.with_extension("key"), key.serialize_pem()).unwrap();
    }

    /// The keys of the configuration that name the files.
    pub(crate) fn files(&self, which: &str, place: &Path) -> String {
        format!(
            "cert = '{}'\nkey = '{}'\n{which}ca = '{}'\n",
            place.with_extension("pem").display(),
            place.with_extension("key").display(),
            self.folder.join("ca.pem").display()
        )
    }
}

pub(crate) fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// Waits until `see` sees something; says what `see` saw last when that takes too long.
pub(crate) fn await_news(what: &str, mut see: impl FnMut() -> Result<(), String>) {
    let until = Instant::now() + PATIENCE;
    loop {
        match see() {
            Ok(()) => return,
            Err(seen) => assert!(Instant::now() < until, "no {what}: {seen}"),
        }
    }
}

impl Site {
    pub(crate) fn config(&self) -> String {
        self.data.join("wcapd.toml").to_str().unwrap().to_owned()
    }

    /// The file of authorities that the configuration names first.
    pub(crate) fn ca(&self, config: &str) -> String {
        let rest = config.split_once("\nca = '").unwrap().1;
        rest.split_once('\'').unwrap().0.to_owned()
    }

    pub(crate) fn admin(&self, arguments: &[&str], input: Option<&str>) -> String {
        let config = self.config();
        let mut command = command(arguments);
        command.args(["--data", self.data.text(), "--config", &config]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        if let Some(input) = input {
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(input.as_bytes()).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    pub(crate) fn add(&self, name: &str, password: &str) {
        let password = format!("{password}\n");
        self.admin(&["user", "add", name, "--password-stdin"], Some(&password));
    }

    /// The messages in the outbox, as the operator sees them.
    pub(crate) fn waiting(&self) -> String {
        let list = self.admin(&["outbox", "list"], None);
        list.split_once('\n').unwrap().1.to_owned()
    }

    pub(crate) fn start(&mut self) {
        let (cap, config) = (format!("127.0.0.1:{}", self.port), self.config());
        let server = Server::start_at(&self.data, &cap, &["--config", &config]);
        self.server = Some(server);
    }

    pub(crate) fn kill(&mut self) {
        self.server.take().unwrap().kill();
    }

    /// The client of CAP, as the site's user or as `user` with a password.
    pub(crate) fn client(
        &self,
        (user, password): (&str, &str),
        more: &[&str],
        after: &[&str],
    ) -> Output {
        let address = format!("127.0.0.1:{}", self.port);
        let mut arguments = vec!["cap", "--user", user, "--plain"];
        arguments.extend(more);
        arguments.push(&address);
        arguments.extend(after);
        let mut command = command(&arguments);
        command.env("WCAPD_PASSWORD", password);
        command.output().unwrap()
    }

    /// What a command of CAP prints, well or not.
    pub(crate) fn cap(&self, more: &[&str], after: &[&str]) -> String {
        let output = self.client((self.user, self.user), more, after);
        text(&output.stdout) + &text(&output.stderr)
    }

    /// Sends an object and gives what goes over the wire.
    pub(crate) fn sends(&self, object: &str) -> String {
        let file = self.data.join("object");
        fs::write(&file, object.replace('|', "\r\n")).unwrap();
        self.cap(&["--raw"], &["send", file.to_str().unwrap()])
    }

    /// What a command of WCAP answers the site's user.
    pub(crate) fn wcap(&self, command: &str) -> String {
        let address = self.server.as_ref().unwrap().http;
        let login = format!("/wcap/login.wcap?user={0}&password={0}", self.user);
        let login = http::get(address, &login).unwrap().text().to_owned();
        let id = login
            .lines()
            .find_map(|line| line.strip_prefix("X-NSCP-WCAP-SESSION-ID:"))
            .expect("a session");
        let (name, query) = command.split_once('?').unwrap();
        let target = format!("/wcap/{name}.wcap?id={}&{query}", id.trim());
        let answer = http::get(address, &target).unwrap();
        answer.text().replace("\r\n ", "")
    }

    /// The ATTENDEE lines of the user's item.
    pub(crate) fn attendees(&self, uid: &str) -> String {
        let query = format!("SELECT ATTENDEE FROM VEVENT WHERE UID = '{uid}'");
        let shown = self.cap(&["--format", "ical"], &[&query]);
        shown.replace("\r\n ", "")
    }

    /// Waits until the user has been invited, by what WCAP shows.
    pub(crate) fn is_invited(&self, uid: &str) {
        await_news("invitation", || {
            let seen = self.wcap(&format!("fetchevents_by_id?uid={uid}"));
            match seen.contains("PARTSTAT=NEEDS-ACTION") && seen.contains("ERRNO:0") {
                true => Ok(()),
                false => Err(seen),
            }
        });
    }
}
