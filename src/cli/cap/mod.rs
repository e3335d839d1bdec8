//! `wcapd cap`: a client of calendar stores for people and scripts, one command at a time or line by line.

mod json;
mod lines;
mod objects;
mod shown;
mod words;

use std::io::IsTerminal as _;
use std::time::Duration;

use super::Failure;
use super::args::{Cap, Shape};
use crate::cap::client::reply::Reply;
use crate::cap::client::sasl::{Credentials, Password};
use crate::cap::client::{self, Answer, Client, Failed, Options, PORT, Protection, Trace};
use crate::config::{Loaded, Sources};
use crate::limits::Limits;
use crate::model::clock::{Clock as _, Ids as _, SystemClock, SystemIds};
use crate::tls::connect::{Trust, connector};
use words::Word;

/// What a command came to.
#[derive(Debug, Default)]
struct Done {
    /// For standard output.
    text: String,
    /// For standard error: what was refused.
    faults: Vec<String>,
}

/// A session and what commands in it are about.
struct Session {
    client: Client,
    host: String,
    limits: Limits,
    identity: String,
    targets: Vec<String>,
    shape: Shape,
    patience: Duration,
}

/// Runs `wcapd cap`.
pub(super) fn run(cap: &Cap) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // A command that cannot be read is refused before anything is sent.
    let word = match cap.command.as_slice() {
        [] => None,
        words => Some(words::read(&words.join(" ")).map_err(Failure::new)?),
    };
    let mut session = runtime.block_on(begin(cap))?;
    let ended = match &word {
        Some(word) => {
            let done = runtime.block_on(session.carry_out(word));
            say(done.map_err(|cause| told(cap, &cause))?)
        }
        None => lines::run(&mut session, |session, word| {
            runtime
                .block_on(session.carry_out(word))
                .map_err(|cause| told(cap, &cause))
        }),
    };
    // A goodbye that fails changes nothing.
    let _ = runtime.block_on(session.client.disconnect());
    ended
}

/// Prints what a command came to. Errors: what was refused.
fn say(done: Done) -> Result<(), Failure> {
    super::show(&done.text)?;
    match done.faults.split_last() {
        None => Ok(()),
        Some((last, others)) => {
            others.iter().for_each(|fault| eprintln!("wcapd: {fault}"));
            Err(Failure::new(last.clone()))
        }
    }
}

/// Connects and logs in.
async fn begin(cap: &Cap) -> Result<Session, Failure> {
    let limits = limits()?;
    let (host, port) = address(&cap.host)?;
    let trust = match (&cap.ca, cap.insecure) {
        (Some(file), _) => Trust::File(file),
        (None, true) => Trust::Anybody,
        (None, false) => Trust::Machine,
    };
    let own = cap.cert.as_deref().zip(cap.key.as_deref());
    let options = Options {
        host,
        port,
        protection: match (cap.tls_direct, cap.tls, cap.plain) {
            (true, ..) => Protection::Direct,
            (_, true, _) => Protection::Required,
            (_, _, true) => Protection::None,
            _ => Protection::Offered,
        },
        tls: connector(trust, own)?,
        time: limits.client_step,
        limits: limits.clone(),
    };
    let credentials = credentials(cap)?;
    let trace: Option<Trace> = cap.raw.then(|| {
        let trace: Trace = Box::new(|ours: bool, line: &str| {
            let mark = if ours { 'C' } else { 'S' };
            eprintln!("{}", format!("{mark}: {}", shown::plain(line)).trim_end());
        });
        trace
    });
    let failed = |cause: Failed| told(cap, &cause);
    let mut client = Client::connect(&options, trace).await.map_err(failed)?;
    let mut random = [0; 18];
    SystemIds.fill(&mut random);
    let mut identity = client.login(&credentials, &random).await.map_err(failed)?;
    if let Some(upn) = &cap.as_user {
        identity = client.identify(upn).await.map_err(failed)?;
    }
    let terminal = std::io::stdout().is_terminal();
    Ok(Session {
        client,
        host: cap.host.clone(),
        limits,
        identity,
        targets: cap.target.clone(),
        shape: match (cap.json, cap.format) {
            (true, _) => Shape::Json,
            (false, Some(shape)) => shape,
            (false, None) if terminal => Shape::Table,
            (false, None) => Shape::Tab,
        },
        patience: Duration::from_secs(cap.wait),
    })
}

/// The bounds, those of the environment too; a server's file of configuration is none of a client's business.
fn limits() -> Result<Limits, Failure> {
    let bounds = |name: &std::ffi::OsStr| {
        let name = name.to_string_lossy();
        name.to_ascii_uppercase().starts_with("WCAPD__LIMITS__")
    };
    let environment = std::env::vars_os().filter(|(name, _)| bounds(name));
    let loaded = Loaded::read(&Sources {
        environment: environment.collect(),
        ..Sources::default()
    })?;
    Ok(loaded.config.limits)
}

/// Host and port; an IPv6 address with a port stands in brackets.
fn address(text: &str) -> Result<(String, u16), Failure> {
    let bad = || Failure::new(format!("expected HOST or HOST:PORT, found '{text}'"));
    let plain = text
        .strip_prefix("cap://")
        .unwrap_or(text)
        .trim_end_matches('/');
    let (host, port) = client::place(plain).ok_or_else(bad)?;
    Ok((host, port.unwrap_or(PORT)))
}

fn credentials(cap: &Cap) -> Result<Credentials, Failure> {
    let Some(user) = &cap.user else {
        return Ok(match cap.cert {
            Some(_) => Credentials::Certificate,
            None => Credentials::Anonymous,
        });
    };
    let password = match (&cap.password_file, std::env::var("WCAPD_PASSWORD")) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file).map_err(|cause| {
                let file = file.display();
                Failure::new(format!("cannot read the password in {file}: {cause}"))
            })?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        (None, Ok(password)) => password,
        (None, Err(_)) => {
            let prompt = format!("Password of {user}: ");
            rpassword::prompt_password(prompt).map_err(|cause| {
                let advice = "use --password-file or WCAPD_PASSWORD where nobody can type";
                Failure::new(format!("cannot ask for a password: {cause}; {advice}"))
            })?
        }
    };
    Ok(Credentials::Password {
        user: user.clone(),
        password: Password(password),
    })
}

/// A failure of the session, and what to do about it.
fn told(cap: &Cap, cause: &Failed) -> Failure {
    let advice = match cause {
        Failed::Unreachable { .. } => "is the server running, and is that its CAP port?",
        Failed::NoTls => "leave --tls out to go on without it",
        Failed::Login(_) if cap.user.is_none() => "log in with --user",
        Failed::Broken(cause) if cause.kind() == std::io::ErrorKind::InvalidData => {
            "name the authority of its certificate with --ca"
        }
        Failed::Silent => {
            "the server is stuck, or far away: WCAPD__LIMITS__CLIENT_STEP=1m waits longer"
        }
        _ => "",
    };
    match advice {
        "" => Failure::new(cause.to_string()),
        advice => Failure::new(format!("{cause}; {advice}")),
    }
}

impl Session {
    async fn carry_out(&mut self, word: &Word) -> Result<Done, Failed> {
        match word {
            Word::Select(query) => self.select(query).await,
            Word::Calendars => {
                let query = "SELECT RELCALID,NAME,OWNER FROM VCALENDAR";
                let object = objects::read(&[self.store()], query);
                let answers = self.client.ask(&object, self.patience).await?;
                Ok(shown::rows(query, &answers, self.shape))
            }
            Word::Create(file) => self.create(file).await,
            Word::Delete(what) => {
                let targets = self.targets().await?;
                let object = objects::delete(&targets, what);
                let answers = self.client.ask(&object, self.patience).await?;
                Ok(shown::outcomes(&answers, self.shape))
            }
            Word::Busy(from, to) => {
                let window = objects::window(from.as_deref(), to.as_deref(), SystemClock.now());
                let query = match window {
                    Ok((from, to)) => format!(
                        "SELECT * FROM VFREEBUSY WHERE DTSTART >= '{from}' AND DTEND <= '{to}'"
                    ),
                    Err(fault) => return Ok(fault_of(fault)),
                };
                let object = objects::read(&self.targets().await?, &query);
                let answers = self.client.ask(&object, self.patience).await?;
                Ok(shown::busy(&answers, self.shape))
            }
            Word::Send(file) => {
                let text = match read_file(file) {
                    Ok(text) => text,
                    Err(fault) => return Ok(fault_of(fault)),
                };
                let text = String::from_utf8_lossy(&text).into_owned();
                let reply = self.client.send(&text, self.patience).await?;
                Ok(of_reply(&reply, self.shape))
            }
            Word::Expand(upn) => {
                let reply = self.client.expand("UPNEXPAND", upn).await?;
                Ok(of_reply(&reply, self.shape))
            }
            Word::Uids(count) => {
                let reply = self.client.uids(*count).await?;
                Ok(of_reply(&reply, self.shape))
            }
            Word::Line(line) => {
                let reply = self.client.command(line).await?;
                Ok(of_reply(&reply, self.shape))
            }
            Word::Identify(upn) => {
                let upn = upn.clone().unwrap_or_default();
                self.identity = self.client.identify(&upn).await?;
                self.targets.clear();
                Ok(lines_of(std::slice::from_ref(&self.identity), self.shape))
            }
            Word::Target(targets) => {
                if !targets.is_empty() {
                    self.targets.clone_from(targets);
                }
                let targets = self.targets().await?;
                Ok(lines_of(&targets, self.shape))
            }
            Word::Help => Ok(text_of(words::HELP.to_owned())),
            Word::Quit => Ok(Done::default()),
        }
    }

    fn store(&self) -> String {
        // A store is its own target; it takes its bare address for its own.
        "cap:///".to_owned()
    }

    /// What commands are about: what was said, else the first calendar of whom the session acts for.
    async fn targets(&mut self) -> Result<Vec<String>, Failed> {
        if self.targets.is_empty() && self.identity != "@" {
            let reply = self.client.expand("UPNEXPAND", &self.identity).await?;
            self.targets.extend(reply.lines().into_iter().take(1));
        }
        let who = match self.identity.as_str() {
            "@" => "nobody in particular",
            upn => upn,
        };
        match self.targets.is_empty() {
            true => Err(Failed::Login(format!(
                "{who} has no calendar; name one with --target, or 'target CALID'"
            ))),
            false => Ok(self.targets.clone()),
        }
    }

    async fn select(&mut self, query: &str) -> Result<Done, Failed> {
        let object = objects::read(&self.targets().await?, query);
        let answers = self.client.ask(&object, self.patience).await?;
        Ok(shown::rows(query, &answers, self.shape))
    }

    async fn create(&mut self, file: &str) -> Result<Done, Failed> {
        let octets = match read_file(file) {
            Ok(octets) => octets,
            Err(fault) => return Ok(fault_of(fault)),
        };
        let (objects, unread) = objects::upload(&octets, &self.limits);
        let targets = self.targets().await?;
        let mut answers: Vec<Answer> = Vec::new();
        let mut broken = None;
        for some in objects.chunks(self.limits.client_items.max(1)) {
            let object = objects::create(&targets, some);
            match self.client.ask(&object, self.patience).await {
                Ok(more) => answers.extend(more),
                // What was created before stays, and is told.
                Err(cause) if !answers.is_empty() => {
                    broken = Some(cause.to_string());
                    break;
                }
                Err(cause) => return Err(cause),
            }
        }
        let mut done = shown::outcomes(&answers, self.shape);
        let unread = unread.into_iter().map(|fault| format!("{file}: {fault}"));
        done.faults.splice(0..0, unread);
        done.faults.extend(broken);
        Ok(done)
    }
}

fn read_file(file: &str) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let mut octets = Vec::new();
    let read = match file {
        "-" => std::io::stdin().read_to_end(&mut octets).map(drop),
        file => std::fs::read(file).map(|read| octets = read),
    };
    match read {
        Ok(()) => Ok(octets),
        Err(cause) => Err(format!("cannot read {file}: {cause}")),
    }
}

fn text_of(text: String) -> Done {
    Done {
        text,
        faults: Vec::new(),
    }
}

fn fault_of(fault: String) -> Done {
    Done {
        text: String::new(),
        faults: vec![fault],
    }
}

fn lines_of(lines: &[String], shape: Shape) -> Done {
    text_of(match shape {
        Shape::Json => json::lines("2.0", "", lines),
        _ => lines
            .iter()
            .map(|line| format!("{}\n", shown::plain(line)))
            .collect(),
    })
}

/// A reply as it is: its data, and what was refused.
fn of_reply(reply: &Reply, shape: Shape) -> Done {
    let lines = reply.lines();
    let mut done = match shape {
        Shape::Json => text_of(json::lines(&reply.code, &reply.note, &lines)),
        shape => lines_of(&lines, shape),
    };
    if !reply.is_success() {
        let fault = format!("the server answers {} {}", reply.code, reply.note);
        done.faults.push(shown::plain(fault.trim_end()));
    }
    done
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_have_a_port_or_get_one() {
        for (text, host, port) in [
            ("localhost", "localhost", 5229),
            ("localhost:99", "localhost", 99),
            ("cap://cal.example.org/", "cal.example.org", 5229),
            ("[::1]:99", "::1", 99),
            ("::1", "::1", 5229),
        ] {
            let read = address(text).ok();
            assert_eq!(read, Some((host.to_owned(), port)), "{text}");
        }
        for text in ["", ":1", "a:b", "[::1"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
