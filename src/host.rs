//! The accounts of the machine, behind the core's [`Directory`] trait: who there is by NSS, so that local files, NIS and
//! SSSD all count, and passwords by PAM.
//!
//! PAM is asked through `saslauthd` of Cyrus SASL: its modules want to run as root and in a process of their own, and
//! this server does neither. The conversation is one question and one answer on a Unix socket, each part a length of
//! two octets and so many octets. NSS cannot be searched for parts of names.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd;

use crate::core::directory::{Directory, Gathering, Person};
use crate::core::{Error, Kind, Result};
use crate::model::id::QualifiedName;
use crate::model::user::Source;

/// Longest answer of saslauthd that is read, octets.
const ANSWER_MAX: usize = 1_024;

/// What the configuration tells.
#[derive(Debug, Clone)]
pub struct Options {
    /// The socket of saslauthd.
    pub socket: PathBuf,
    /// The PAM service.
    pub service: String,
    /// Least number of a person's account; those below are the system's.
    pub least_uid: u32,
    /// Domain of the names.
    pub domain: String,
    /// Longest wait for an answer.
    pub time: Duration,
    /// Most people taken from one group.
    pub group_members: usize,
}

/// The accounts of the machine.
#[derive(Debug)]
pub struct Host {
    options: Options,
}

impl Host {
    /// The accounts of the machine as `options` say.
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    fn local_name(&self, login: &str) -> Option<String> {
        let name = QualifiedName::parse(login, &self.options.domain).ok()?;
        (name.domain == self.options.domain).then_some(name.local)
    }

    fn person_named(&self, name: &str) -> io::Result<Option<Person>> {
        let Some(user) = unistd::User::from_name(name).map_err(io::Error::from)? else {
            return Ok(None);
        };
        // The last two are those of nobody, as 16 and 32 bits have it.
        let is_person = user.uid.as_raw() >= self.options.least_uid
            && !matches!(user.uid.as_raw(), 65_534 | u32::MAX);
        let name = QualifiedName::parse(&user.name, &self.options.domain).ok();
        let Some(name) = name.filter(|_| is_person) else {
            return Ok(None);
        };
        let gecos = user.gecos.to_string_lossy();
        Ok(Some(Person {
            mail: vec![name.to_string()],
            name,
            full_name: gecos.split(',').next().unwrap_or_default().to_owned(),
            given_name: String::new(),
            surname: String::new(),
            enabled: true,
            preferences: Vec::new(),
            tzid: None,
        }))
    }

    /// The accounts whose first group is `gid`, at most one more than is taken from a group: groups do not list them.
    ///
    /// `getent` walks through all accounts in a process of its own, which ends when it takes too long. Whom NSS does not
    /// list (SSSD, unless it is told to) is not found, nor is anybody where there is no `getent`.
    fn first_in(&self, gid: u32) -> Vec<String> {
        let walked = Command::new("getent")
            .arg("passwd")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = walked.inspect_err(|cause| {
            tracing::debug!(directory = "host", reason = %cause, "accounts cannot be listed");
        }) else {
            return Vec::new();
        };
        let (sender, names) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(io::Result::ok) {
                    if let Some(name) = first_in(&line, gid)
                        && sender.send(name.to_owned()).is_err()
                    {
                        return;
                    }
                }
            });
        }
        let end = Instant::now() + self.options.time;
        let mut found = Vec::new();
        while found.len() <= self.options.group_members {
            let left = end.saturating_duration_since(Instant::now());
            // All are told when the other end is gone.
            let Ok(name) = names.recv_timeout(left) else {
                break;
            };
            found.push(name);
        }
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
        found
    }

    /// Whether PAM takes `password` for that of `name`.
    fn proves(&self, name: &str, password: &str) -> io::Result<bool> {
        let mut stream = UnixStream::connect(&self.options.socket)?;
        stream.set_read_timeout(Some(self.options.time))?;
        stream.set_write_timeout(Some(self.options.time))?;
        let mut question = Vec::new();
        for part in [name, password, &self.options.service, ""] {
            let length = u16::try_from(part.len()).map_err(io::Error::other)?;
            question.extend(length.to_be_bytes());
            question.extend(part.as_bytes());
        }
        stream.write_all(&question)?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length)).min(ANSWER_MAX)];
        stream.read_exact(&mut answer)?;
        Ok(answer.starts_with(b"OK"))
    }
}

/// The name in a line of passwd(5) whose first group is `gid`.
fn first_in(line: &str, gid: u32) -> Option<&str> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    (fields.nth(2)?.parse() == Ok(gid)).then_some(name)
}

fn unavailable(cause: io::Error) -> Error {
    tracing::warn!(directory = "host", reason = %cause, "a question failed");
    let message = "the accounts of the machine cannot be asked now; try again later";
    Error::new(Kind::Unavailable, message).because(cause)
}

impl Directory for Host {
    fn source(&self) -> Source {
        Source::Host
    }

    fn domain(&self) -> &str {
        &self.options.domain
    }

    fn person(&self, login: &str) -> Result<Option<Person>> {
        match self.local_name(login) {
            Some(name) => self.person_named(&name).map_err(unavailable),
            None => Ok(None),
        }
    }

    fn authenticate(&self, login: &str, password: &str) -> Result<Option<Person>> {
        let Some(name) = self.local_name(login) else {
            return Ok(None);
        };
        let person = self.person_named(&name).map_err(unavailable)?;
        if password.is_empty() || password.contains('\0') {
            return Ok(None);
        }
        // Of accounts that are not a person's PAM is not asked: their passwords are not to be guessed here.
        match person {
            Some(person) => {
                let proved = self.proves(&name, password).map_err(unavailable)?;
                Ok(proved.then_some(person))
            }
            None => Ok(None),
        }
    }

    fn group(&self, name: &str) -> Result<Option<Gathering>> {
        let Some(name) = self.local_name(name) else {
            return Ok(None);
        };
        let found = unistd::Group::from_name(&name).map_err(|e| unavailable(e.into()))?;
        let Some(group) = found.filter(|group| group.gid.as_raw() >= self.options.least_uid) else {
            return Ok(None);
        };
        let mut names = group.mem;
        for first in self.first_in(group.gid.as_raw()) {
            if !names.contains(&first) {
                names.push(first);
            }
        }
        let mut members = Vec::new();
        let most = self.options.group_members;
        for member in names.iter().take(most) {
            members.extend(self.person_named(member).map_err(unavailable)?);
        }
        Ok(Some(Gathering {
            name: QualifiedName {
                local: name,
                domain: self.options.domain.clone(),
            },
            mail: Vec::new(),
            members,
            clipped: names.len() > most,
        }))
    }

    fn search(&self, text: &str, most: usize) -> Result<Vec<Person>> {
        Ok(self.person(text)?.into_iter().take(most).collect())
    }

    fn problem(&self) -> Option<String> {
        let reached = UnixStream::connect(&self.options.socket);
        reached
            .err()
            .map(|_| "saslauthd cannot be reached".to_owned())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn host(socket: PathBuf) -> Host {
        Host::new(Options {
            socket,
            service: "wcapd".to_owned(),
            least_uid: 1_000,
            domain: "example.test".to_owned(),
            time: Duration::from_secs(5),
            group_members: 10,
        })
    }

    /// What `host` sends for one question, answered with `answer`.
    fn exchange(answer: &'static [u8]) -> (io::Result<bool>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("mux");
        let listener = UnixListener::bind(&socket).unwrap();
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = vec![0; 23];
            stream.read_exact(&mut question).unwrap();
            stream.write_all(answer).unwrap();
            question
        });
        let proved = host(socket).proves("tom", "s3cret+");
        (proved, peer.join().unwrap())
    }

    #[test]
    fn a_question_is_four_counted_texts() {
        let (proved, question) = exchange(b"\0\x02OK");
        assert!(proved.unwrap());
        assert_eq!(question, b"\0\x03tom\0\x07s3cret+\0\x05wcapd\0\0");
        assert!(!exchange(b"\0\x02NO").0.unwrap());
        assert!(!exchange(b"\0\0").0.unwrap());
        assert!(exchange(b"\0\x05OK").0.is_err());
        assert!(exchange(b"").0.is_err());
    }

    #[test]
    fn the_first_group_stands_in_the_fourth_field() {
        let line = "tom:x:1001:59998:Tom,room 1:/nowhere:/bin/sh";
        assert_eq!(first_in(line, 59_998), Some("tom"));
        for (line, gid) in [
            (line, 1_001),
            ("tom:x:59998", 59_998),
            ("", 0),
            ("a:b:c:d", 0),
        ] {
            assert_eq!(first_in(line, gid), None, "{line}");
        }
    }

    #[test]
    fn accounts_of_the_system_are_nobody() {
        let host = host("no-such-socket".into());
        for name in [
            "root",
            "nobody",
            "daemon",
            "root@example.test",
            "../etc",
            "",
        ] {
            assert_eq!(host.person(name).unwrap(), None, "{name}");
            assert_eq!(host.authenticate(name, "x").unwrap(), None, "{name}");
            assert_eq!(host.group(name).unwrap(), None, "{name}");
        }
        assert!(host.problem().is_some());
    }
}
