//! CAP from the client's side: a session with a calendar store, for the command line and for stores among themselves.
//!
//! [`reply`] reads what a server says, [`sasl`] logs in, both without I/O; here they meet a connection. Every step has a
//! time limit, every answer a bound.

mod answer;
pub mod reply;
pub mod sasl;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
mod undotted;

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::frame;
use crate::ical::component::Component;
use crate::limits::Limits;
use crate::tls::connect::Connector;
pub use answer::{Answer, answer, answers, request_status};
use answer::{objects, target_of, targets};
use reply::{Bounds, Garbled, Heard, Reader, Reply};
use sasl::{Credentials, Exchange};
use undotted::Undotted;

/// CAP's port (draft-ietf-calsch-cap-04 section 7.1).
pub const PORT: u16 = 5229;

/// Host and port of `HOST`, `HOST:PORT`, `[IPV6]:PORT` or a bare IPv6 address; none for what is neither.
pub fn place(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            match rest.strip_prefix(':') {
                None if !rest.is_empty() => return None,
                port => (host, port),
            }
        }
        None if text.matches(':').count() > 1 => (text, None),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

/// When a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protection {
    /// From the first octet on.
    Direct,
    /// By STARTTLS, or not at all a session.
    Required,
    /// By STARTTLS where the server offers it.
    #[default]
    Offered,
    /// Never.
    None,
}

/// Where and how to connect.
#[derive(Clone)]
pub struct Options {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// When the connection is encrypted.
    pub protection: Protection,
    /// What servers are believed to be who they say they are.
    pub tls: Connector,
    /// How long one step may take: connecting, a handshake, an answer.
    pub time: Duration,
    /// The bounds: `client_...`, `cap_object_size` and those of parsing.
    pub limits: Limits,
}

/// Why a session fails; a sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Nothing answers there.
    #[error("cannot reach {place}: {cause}")]
    Unreachable {
        /// Host and port.
        place: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The connection broke.
    #[error("the connection broke off: {0}")]
    Broken(#[from] io::Error),
    /// The server was silent for too long.
    #[error("no answer in time")]
    Silent,
    /// It speaks something else.
    #[error("{0}")]
    Garbled(#[from] Garbled),
    /// There is no encryption where there must be.
    #[error("the server offers no TLS")]
    NoTls,
    /// A login that is refused, or that the client will not go on with.
    #[error("{0}")]
    Login(String),
    /// The server answers something else than success; its code.
    #[error("the server answers {code}{}{note}", if .note.is_empty() { "" } else { ": " })]
    Refused {
        /// The code.
        code: String,
        /// Words of the server.
        note: String,
    },
    /// An answer that is no calendar object.
    #[error("the server's answer cannot be read: {0}")]
    Unreadable(String),
}

impl From<sasl::Refused> for Failed {
    fn from(cause: sasl::Refused) -> Self {
        Self::Login(cause.to_string())
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Hears every line that goes over the wire: `true` for the client's, secrets left out.
pub type Trace = Box<dyn FnMut(bool, &str) + Send>;

/// A session.
pub struct Client {
    stream: Box<dyn Stream>,
    reader: Reader,
    /// Octets read and not heard yet.
    input: Vec<u8>,
    options: Options,
    secure: bool,
    local: bool,
    capabilities: Vec<(String, String)>,
    trace: Option<Trace>,
}

impl Client {
    /// Connects, hears the greeting, and begins TLS as the options say.
    ///
    /// Errors: [`Failed::Unreachable`], [`Failed::NoTls`], and the others of a session.
    pub async fn connect(options: &Options, trace: Option<Trace>) -> Result<Self, Failed> {
        let place = format!("{}:{}", options.host, options.port);
        let unreachable = |cause: io::Error| Failed::Unreachable {
            place: place.clone(),
            cause,
        };
        let until = Instant::now() + options.time;
        let address = (options.host.as_str(), options.port);
        let stream = timeout_at(until, TcpStream::connect(address)).await;
        let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
        let stream = stream
            .map_err(|_| unreachable(late()))?
            .map_err(unreachable)?;
        let local = stream
            .peer_addr()
            .is_ok_and(|peer: SocketAddr| peer.ip().is_loopback());
        let _ = stream.set_nodelay(true);
        Self::begin(Box::new(stream), local, options, trace).await
    }

    /// Begins the session on a connection that stands.
    async fn begin(
        stream: Box<dyn Stream>,
        local: bool,
        options: &Options,
        trace: Option<Trace>,
    ) -> Result<Self, Failed> {
        let mut client = Self {
            stream,
            reader: Reader::new(Bounds {
                line: options.limits.cap_data_line,
                data: options.limits.cap_object_size,
            }),
            input: Vec::new(),
            options: options.clone(),
            secure: false,
            local,
            capabilities: Vec::new(),
            trace,
        };
        if options.protection == Protection::Direct {
            client = client.handshake().await?;
        }
        let greeting = client.reply(client.options.time).await?;
        if !greeting.is_success() {
            return Err(refusal(greeting));
        }
        client.capabilities = greeting.values();
        let offered = client
            .capability("STARTTLS")
            .is_some_and(|value| value != "0");
        match options.protection {
            Protection::Required if !offered => Err(Failed::NoTls),
            Protection::Required | Protection::Offered if offered => client.start_tls().await,
            _ => Ok(client),
        }
    }

    async fn start_tls(mut self) -> Result<Self, Failed> {
        self.write("STARTTLS", "STARTTLS").await?;
        match self.hear(self.options.time).await? {
            Heard::Line(_) => {}
            Heard::Reply(reply) => return Err(refusal(reply)),
        }
        // What came before TLS is nobody's word. Some servers end this line as they end a reply, with dots.
        self.input.clear();
        self.stream = Box::new(Undotted::new(self.stream));
        let mut client = self.handshake().await?;
        let reply = client.reply(client.options.time).await?;
        if !reply.is_success() {
            return Err(refusal(reply));
        }
        let capabilities = client.command("CAPABILITY").await?;
        client.capabilities = capabilities.values();
        Ok(client)
    }

    async fn handshake(self) -> Result<Self, Failed> {
        let until = Instant::now() + self.options.time;
        let (connector, host) = (self.options.tls.clone(), self.options.host.clone());
        let stream = timeout_at(until, connector.connect(&host, self.stream)).await;
        let stream = stream.map_err(|_| Failed::Silent)??;
        Ok(Self {
            stream: Box::new(stream),
            secure: true,
            ..self
        })
    }

    /// Whether the connection is encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// What the server says it can do, in its order.
    pub fn capabilities(&self) -> &[(String, String)] {
        &self.capabilities
    }

    /// The value of a capability.
    pub fn capability(&self, name: &str) -> Option<&str> {
        let found = self.capabilities.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Logs in. Answers who the session then acts for.
    ///
    /// Errors: [`Failed::Login`] for what the server refuses, and for a server that does not know the password itself.
    pub async fn login(
        &mut self,
        credentials: &Credentials,
        random: &[u8; 18],
    ) -> Result<String, Failed> {
        let offered: Vec<String> = self
            .capabilities
            .iter()
            .filter(|(name, _)| name == "AUTH")
            .map(|(_, value)| value.clone())
            .collect();
        let safe = self.secure || self.local;
        let mut exchange =
            Exchange::begin(credentials, &offered, &self.options.host, safe, random)?
                .bounded(self.options.limits.client_iterations);
        let mut line = format!("AUTHENTICATE {}", exchange.mechanism());
        let shown = format!("{line} ...");
        if let Some(first) = exchange.first() {
            let _ = match first.is_empty() {
                true => write!(line, " ="),
                false => write!(line, " {}", BASE64_STANDARD.encode(first)),
            };
        }
        self.write(&line, &shown).await?;
        self.reader.challenges = true;
        let reply = self.converse(&mut exchange).await;
        self.reader.challenges = false;
        let reply = reply?;
        if !reply.is_success() {
            return Err(Failed::Login(login_failure(&reply)));
        }
        if exchange.is_unproved() {
            let message = "the server let us in without proving that it knows the password";
            return Err(Failed::Login(message.to_owned()));
        }
        let values = reply.values();
        let identity = values.iter().find(|(name, _)| name == "IDENTITY");
        let identity = identity.map(|(_, value)| value.clone());
        Ok(identity.unwrap_or_default())
    }

    async fn converse(&mut self, exchange: &mut Exchange) -> Result<Reply, Failed> {
        for _ in 0..self.options.limits.client_login_rounds {
            let line = match self.hear(self.options.time).await? {
                Heard::Reply(reply) => return Ok(reply),
                Heard::Line(line) => line,
            };
            let challenge = match line.as_str() {
                "+" => Vec::new(),
                line => BASE64_STANDARD
                    .decode(line)
                    .map_err(|_| Failed::Login("the server's challenge is no base64".to_owned()))?,
            };
            match exchange.answer(&challenge) {
                Ok(answer) => self.write(&BASE64_STANDARD.encode(answer), "...").await?,
                Err(cause) => {
                    self.write("*", "*").await?;
                    return Err(cause.into());
                }
            }
        }
        Err(Failed::Login(
            "the server does not come to an end".to_owned(),
        ))
    }

    /// Acts for somebody else from now on. Answers who that is. Errors: [`Failed::Refused`].
    pub async fn identify(&mut self, upn: &str) -> Result<String, Failed> {
        let reply = self.command(&format!("IDENTIFY {}", one_line(upn))).await?;
        match reply.is_success() {
            true => {
                let values = reply.values();
                let identity = values.into_iter().find(|(name, _)| name == "IDENTITY");
                Ok(identity.map_or_else(|| upn.to_owned(), |(_, value)| value))
            }
            false => Err(refusal(reply)),
        }
    }

    /// Fresh UIDs.
    pub async fn uids(&mut self, count: u32) -> Result<Reply, Failed> {
        let reply = self.command(&format!("GENERATEUID {count}")).await?;
        Ok(reply.into_uids())
    }

    /// The calendars behind a name: `verb` is UPNEXPAND or CALIDEXPAND.
    pub async fn expand(&mut self, verb: &str, name: &str) -> Result<Reply, Failed> {
        let reply = self.command(&format!("{verb} {name}")).await?;
        Ok(reply.into_list(name))
    }

    /// Carries out a command that is one line, like `NOOP`.
    pub async fn command(&mut self, line: &str) -> Result<Reply, Failed> {
        let line = one_line(line);
        self.write(&line, &line).await?;
        self.reply(self.options.time).await
    }

    /// Sends an object and waits for what becomes of it, at most `patience`: a server that asks is told to go on. Over that
    /// time the command is given up (7.0).
    pub async fn send(&mut self, text: &str, patience: Duration) -> Result<Reply, Failed> {
        let latency = patience.as_secs().clamp(1, 30);
        self.write(
            &format!("SENDDATA {latency}"),
            &format!("SENDDATA {latency}"),
        )
        .await?;
        let go = self.reply(self.options.time).await?;
        if go.code != "2.0.1" {
            return Err(refusal(go));
        }
        let mut data = Vec::with_capacity(text.len() + 16);
        frame::write_data(&mut data, text.as_bytes());
        data.extend_from_slice(b".\r\n");
        self.trace(true, text);
        self.trace(true, ".");
        self.put(&data).await?;
        let until = Instant::now() + patience;
        loop {
            // The server answers in its latency at the latest, the network comes on top.
            let reply = self
                .reply(Duration::from_secs(latency) + self.options.time)
                .await?;
            if reply.code != "2.0.2" {
                return Ok(reply);
            }
            if Instant::now() < until {
                let line = format!("CONTINUE {latency}");
                self.write(&line, &line).await?;
                continue;
            }
            self.write("ABORT", "ABORT").await?;
            let _ = self.reply(self.options.time).await?;
            return Ok(Reply {
                code: "7.0".to_owned(),
                ..Reply::default()
            });
        }
    }

    /// As [`Client::send`], for what the answer says of each target.
    ///
    /// Errors: [`Failed::Refused`] when the transfer itself failed, [`Failed::Unreadable`].
    pub async fn ask(&mut self, text: &str, patience: Duration) -> Result<Vec<Answer>, Failed> {
        let objects = self.objects(text, patience).await?;
        Ok(objects.into_iter().map(answer).collect())
    }

    /// As [`Client::ask`], the objects of the answer as they are.
    pub async fn objects(
        &mut self,
        text: &str,
        patience: Duration,
    ) -> Result<Vec<Component>, Failed> {
        let reply = self.send(text, patience).await?;
        if reply.code != "2.0" {
            return Err(refusal(reply));
        }
        let mut objects = objects(&reply.data, &self.options.limits)?;
        // Some servers send a reply for each target.
        let known = |objects: &[Component], target: &str| {
            objects.iter().any(|o| target_of(o) == Some(target))
        };
        let mut argument = reply.argument;
        let all = targets(text);
        while objects.len() < all && argument.starts_with("cap:") && known(&objects, &argument) {
            let more = match self.reply(self.options.limits.client_next_answer).await {
                Err(Failed::Silent) => break,
                more => more?,
            };
            match more.code.as_str() {
                "2.0" => objects.extend(self::objects(&more.data, &self.options.limits)?),
                _ if more.argument.starts_with("cap:") => objects.push(answer::refused(&more)),
                _ => return Err(refusal(more)),
            }
            argument = more.argument;
        }
        Ok(objects)
    }

    /// Says goodbye.
    pub async fn disconnect(mut self) -> Result<(), Failed> {
        self.command("DISCONNECT").await?;
        Ok(self.stream.shutdown().await?)
    }

    fn trace(&mut self, ours: bool, text: &str) {
        if let Some(trace) = &mut self.trace {
            text.lines().for_each(|line| trace(ours, line));
        }
    }

    /// Sends a line; `shown` is what may be seen of it.
    async fn write(&mut self, line: &str, shown: &str) -> Result<(), Failed> {
        self.trace(true, shown);
        self.put(format!("{line}\r\n").as_bytes()).await
    }

    async fn put(&mut self, octets: &[u8]) -> Result<(), Failed> {
        let until = Instant::now() + self.options.time;
        let sent = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        let sent = timeout_at(until, sent).await;
        Ok(sent.map_err(|_| Failed::Silent)??)
    }

    async fn reply(&mut self, time: Duration) -> Result<Reply, Failed> {
        match self.hear(time).await? {
            Heard::Reply(reply) => Ok(reply),
            Heard::Line(line) => Err(Garbled::Status(line).into()),
        }
    }

    async fn hear(&mut self, time: Duration) -> Result<Heard, Failed> {
        let until = Instant::now() + time;
        let mut buffer = vec![0; 16 << 10];
        loop {
            let mut input = self.input.as_slice();
            let heard = self.reader.hear(&mut input);
            let used = self.input.len() - input.len();
            self.input.drain(..used);
            if let Some(heard) = heard? {
                self.show(&heard);
                return Ok(heard);
            }
            // A refusal may have no second dot.
            let dot = self.options.limits.client_second_dot_ms;
            let short = Instant::now() + Duration::from_millis(dot.try_into().unwrap_or(u64::MAX));
            let whole = self.reader.may_be_whole();
            let next = if whole { short.min(until) } else { until };
            match timeout_at(next, self.stream.read(&mut buffer)).await {
                Err(_) if whole => {
                    let reply = Heard::Reply(self.reader.take());
                    self.show(&reply);
                    return Ok(reply);
                }
                Err(_) => return Err(Failed::Silent),
                Ok(Ok(0)) => {
                    let end =
                        io::Error::new(io::ErrorKind::UnexpectedEof, "the server has closed it");
                    return Err(end.into());
                }
                Ok(read) => self.input.extend_from_slice(&buffer[..read?]),
            }
        }
    }

    fn show(&mut self, heard: &Heard) {
        if self.trace.is_none() {
            return;
        }
        match heard {
            Heard::Line(line) if self.reader.challenges => {
                let _ = line;
                self.trace(false, "...");
            }
            Heard::Line(line) => self.trace(false, &line.clone()),
            Heard::Reply(reply) => {
                let mut status = reply.code.clone();
                for (mark, text) in [(" ", &reply.argument), (" ; ", &reply.note)] {
                    if !text.is_empty() {
                        status.push_str(mark);
                        status.push_str(text);
                    }
                }
                self.trace(false, &status);
                self.trace(false, ".");
                let data = String::from_utf8_lossy(&reply.data).into_owned();
                self.trace(false, &data);
                self.trace(false, ".");
            }
        }
    }
}

fn refusal(reply: Reply) -> Failed {
    Failed::Refused {
        code: reply.code,
        note: reply.note,
    }
}

fn login_failure(reply: &Reply) -> String {
    let told = match reply.code.as_str() {
        "6.0" => "wrong name or password",
        "6.3" => "the server does not take this kind of login",
        "6.4" => "the server cannot ask for accounts now; try again later",
        "6.7" => "the server wants TLS first",
        "6.8" => "the password has expired",
        "6.10" => "the account is shut",
        "9.1" => "the server takes one login a session",
        code => return format!("the login failed: {code} {}", reply.note),
    };
    told.to_owned()
}

/// A line cannot become two.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
