//! CAP transcripts: every `tests/cap/*.txt` is one test, run against the state machine without sockets and,
//! where nothing in it is about time, TLS or work in progress, over a loopback connection too.
//!
//! | line | meaning |
//! |---|---|
//! | `# ...` | why, with the section |
//! | `@ set KEY VALUE` | the configuration; before anything is said |
//! | `@ user NAME PASSWORD`, `@ admin NAME PASSWORD` | one more account, one that administers |
//! | `@ group NAME MEMBER...` | one more group |
//! | `@ acl CALID ENTRIES` | the access list of a calendar |
//! | `@ item CALID LINE\|LINE...` | an item in a calendar, its content lines separated by bars |
//! | `@ link WORD...` | how the client came: `local`, `secure`, `certificate=ADDRESS` |
//! | `@ tls` | TLS is to be had; a handshake that the client is told to make succeeds |
//! | `@ hold`, `@ done` | from here on work on objects is not finished; the oldest is |
//! | `@ stop` | the server is told to stop |
//! | `C: text` | the client sends a line |
//! | `B: text` | the client sends octets as they stand: `\r \n \s \\ \xNN` are escapes (`\s` is a space), no line end is added |
//! | `B*N: text` | the same, N times over |
//! | `T: N` | N seconds pass |
//! | `S: text` | the server sends a line |
//! | `X:` | the server closes |
//!
//! The world: the domain example.com, the store cal.example.com, the users bill (password `secret`) and staff, the group
//! `group` of both. Chance is counted, so that every login looks the same. A transcript that does not open with `S:`
//! starts after the greeting. `UPDATE=1` rewrites the server's lines; read the diff.

#![expect(clippy::expect_used, reason = "tests")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use wcapd::app;
use wcapd::cap::channel::Channel;
use wcapd::cap::job::{Job, Outcome};
use wcapd::cap::settings::Link;
use wcapd::cap::{Begin, Host, Settings, serve, work};
use wcapd::config::Config;
use wcapd::config::table::Key;
use wcapd::config::value::Raw;
use wcapd::core::accounts::NewUser;
use wcapd::core::{Caller, Client, Core};
use wcapd::dispatch::Dispatch;
use wcapd::ical::datetime::Timestamp;
use wcapd::model::clock::{CountedIds, ManualClock};
use wcapd::store::Store;
use wcapd::tls::{Source, Tls};

/// How long a server may take to say what is expected.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cap");
    let mut trials = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("tests/cap exists") {
        let path = entry.expect("a readable folder").path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&path).expect("a readable transcript");
        let inside = ["T: ", "@ hold", "@ link", "@ tls", "@ stop"];
        if !text
            .lines()
            .any(|line| inside.iter().any(|mark| line.starts_with(mark)))
        {
            let text = text.clone();
            trials.push(Trial::test(format!("socket/{name}"), move || {
                over_socket(&text)
            }));
        }
        trials.push(Trial::test(format!("channel/{name}"), move || {
            on_channel(&path, &text)
        }));
    }
    assert!(!trials.is_empty(), "expected transcripts in tests/cap");
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// What a line does; nothing on comments and on the server's lines.
enum Step {
    Send(Vec<u8>),
    Pass(Duration),
    Hold,
    Done,
    Stop,
    Nothing,
}

fn step(line: &str) -> Result<Step, Failed> {
    match line {
        "@ hold" => return Ok(Step::Hold),
        "@ done" => return Ok(Step::Done),
        "@ stop" => return Ok(Step::Stop),
        _ if line.starts_with(['#', '@']) => return Ok(Step::Nothing),
        _ => {}
    }
    let (mark, rest) = line.split_once(':').unwrap_or((line, ""));
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    Ok(match mark {
        "C" => Step::Send(format!("{rest}\r\n").into_bytes()),
        "B" => Step::Send(unescape(rest)?),
        "T" => Step::Pass(Duration::from_secs(rest.parse()?)),
        "S" | "X" | "" => Step::Nothing,
        _ => match mark.strip_prefix("B*") {
            Some(times) => Step::Send(unescape(rest)?.repeat(times.parse()?)),
            None => return Err(format!("expected a transcript line and found {line:?}").into()),
        },
    })
}

/// Octets as they stand in a transcript.
fn unescape(text: &str) -> Result<Vec<u8>, Failed> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        octets.extend_from_slice(plain.as_bytes());
        let (mark, after) = escaped.split_at_checked(1).ok_or("nothing is escaped")?;
        rest = after;
        octets.push(match mark {
            "\\" => b'\\',
            "r" => b'\r',
            "n" => b'\n',
            "s" => b' ',
            "x" => {
                let (hex, after) = after.split_at_checked(2).ok_or("expected two digits")?;
                rest = after;
                u8::from_str_radix(hex, 16)?
            }
            _ => return Err(format!("'\\{mark}' means nothing").into()),
        });
    }
    octets.extend_from_slice(rest.as_bytes());
    Ok(octets)
}

fn server_lines(octets: &[u8]) -> Result<String, Failed> {
    let text = str::from_utf8(octets)?;
    let mut lines = String::new();
    for line in text.split_inclusive('\n') {
        let line = line
            .strip_suffix("\r\n")
            .ok_or("expected CR LF after every server line")?;
        lines.push_str(format!("S: {line}").trim_end());
        lines.push('\n');
    }
    Ok(lines)
}

/// What a transcript plays in.
struct World {
    core: Core,
    settings: Arc<Settings>,
    link: Link,
    /// The addresses in the client's certificate.
    certificate: Vec<String>,
    /// Holds the server's.
    _folder: tempfile::TempDir,
}

impl World {
    fn of(transcript: &str) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let mut config = Config::for_tests(folder.path());
        config.server.domain = "example.com".to_owned();
        config.cap.csid = Some("cal.example.com".to_owned());
        let directives: Vec<Vec<&str>> = transcript
            .lines()
            .filter_map(|line| line.strip_prefix("@ "))
            .map(|line| line.split(' ').collect())
            .collect();
        for words in &directives {
            if let ["set", key, value] = words.as_slice() {
                let key = Key::find(key).ok_or("no such key")?;
                let raw = Raw::Text((*value).to_owned());
                key.set(&mut config, &raw).ok_or("no such value")?;
            }
        }
        let clock = Arc::new(ManualClock::new(Timestamp(1_795_000_000)));
        let store = Store::in_memory(clock.clone())?;
        let ids = Arc::new(CountedIds::default());
        let core = Core::new(store, clock.clone(), ids, app::open::settings(&config));
        for (name, password) in [("bill", Some("secret")), ("staff", None)] {
            add_user(&core, name, password, false)?;
        }
        core.add_group("group", &[], &["bill".into(), "staff".into()])?;
        let (mut link, mut tls) = (Link::default(), None);
        for words in &directives {
            match words.as_slice() {
                [kind @ ("user" | "admin"), name, password] => {
                    add_user(&core, name, Some(password), *kind == "admin")?;
                }
                ["group", name, members @ ..] => {
                    let members: Vec<String> = members.iter().map(|m| (*m).to_owned()).collect();
                    core.add_group(name, &[], &members)?;
                }
                ["acl", calid, entries] => {
                    let list: Vec<String> = entries.split(';').map(str::to_owned).collect();
                    core.change_calendar(calid, |calendar| calendar.acl.clone_from(&list))?;
                }
                ["item", calid, lines @ ..] => add_item(&core, calid, &lines.join(" "))?,
                ["link", words @ ..] => {
                    for word in words {
                        match *word {
                            "local" => link.local = true,
                            "secure" => link.secure = true,
                            other => {
                                let shown = other.strip_prefix("certificate=");
                                link.certificate
                                    .push(shown.ok_or("no such link")?.to_owned());
                            }
                        }
                    }
                }
                ["tls"] => {
                    let source = Source::SelfSigned {
                        folder: folder.path().to_owned(),
                        domain: "example.com".to_owned(),
                    };
                    tls = Some(Arc::new(Tls::load(source, None, clock.clone(), PATIENCE)?));
                }
                ["set" | "hold" | "done" | "stop", ..] => {}
                _ => return Err(format!("'@ {}' means nothing", words.join(" ")).into()),
            }
        }
        let certificate = link.certificate.clone();
        if tls.is_some() {
            // It is shown in the handshake.
            link.certificate.clear();
        }
        Ok(Self {
            core,
            settings: Arc::new(app::cap_settings(&config, tls)),
            link,
            certificate,
            _folder: folder,
        })
    }

    fn carry_out(&self, job: Job) -> Outcome {
        let carried = work::carry_out(&self.core, &self.settings, Client::UNKNOWN, job);
        carried.done().expect("a matter of this store")
    }
}

fn add_item(core: &Core, calid: &str, lines: &str) -> Result<(), Failed> {
    let text = lines.replace('|', "\r\n");
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{text}\r\nEND:VCALENDAR\r\n");
    let upload = core.read_upload(text.as_bytes());
    let imported = core.import(&Caller::System, calid, upload, None, |_| {})?;
    match imported.failed() {
        true => Err(imported.faults.join("; ").into()),
        false => Ok(()),
    }
}

fn add_user(
    core: &Core,
    name: &str,
    password: Option<&str>,
    administrator: bool,
) -> Result<(), Failed> {
    let new = NewUser {
        name: name.to_owned(),
        administrator,
        ..NewUser::default()
    };
    core.add_user(&new, password)?;
    Ok(())
}

/// Plays the client's lines, writes the transcript that comes of it, and compares.
fn on_channel(path: &Path, expected: &str) -> Result<(), Failed> {
    let world = World::of(expected)?;
    let mut now = Instant::now();
    let mut channel = Channel::new(Arc::clone(&world.settings), world.link.clone(), now);
    let greeting = server_lines(&channel.take_outgoing())?;
    let mut actual = String::new();
    let mut greeted = !opens_with_greeting(expected);
    let mut closed = false;
    let mut held: Option<Vec<Job>> = None;
    for line in expected
        .lines()
        .filter(|line| !line.starts_with("S:") && *line != "X:")
    {
        let step = step(line)?;
        if !greeted && !matches!(step, Step::Nothing) {
            actual.push_str(&greeting);
            greeted = true;
        }
        writeln!(actual, "{line}")?;
        match step {
            Step::Send(octets) => channel.feed(&octets, now),
            Step::Pass(time) => {
                // Until nothing is due any more.
                now += time;
                while channel.deadline().is_some_and(|deadline| deadline <= now) {
                    channel.tick(now);
                }
            }
            Step::Hold => held = Some(Vec::new()),
            Step::Done => {
                let job = held.as_mut().filter(|held| !held.is_empty());
                let job = job.ok_or("nothing is held")?.remove(0);
                channel.finish(world.carry_out(job), now);
            }
            Step::Stop => channel.stop(),
            Step::Nothing => {}
        }
        loop {
            if channel.wants_tls() {
                channel.secured(world.certificate.clone());
            }
            match (channel.take_job(), &mut held) {
                (None, _) => break,
                (Some(job @ Job::Object { .. }), Some(held)) => held.push(job),
                (Some(job), _) => channel.finish(world.carry_out(job), now),
            }
        }
        actual.push_str(&server_lines(&channel.take_outgoing())?);
        if channel.is_closed() && !closed {
            closed = true;
            actual.push_str("X:\n");
        }
    }
    if actual == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &actual)?;
    }
    Err(format!("expected\n{expected}\nand found\n{actual}").into())
}

fn opens_with_greeting(transcript: &str) -> bool {
    let mut lines = transcript
        .lines()
        .filter(|line| !line.starts_with(['#', '@']));
    lines.next().is_some_and(|line| line.starts_with("S:"))
}

/// What the client sends, and what it then reads.
#[derive(Default)]
struct Exchange {
    sent: Vec<u8>,
    said: String,
    closes: bool,
}

fn exchanges(transcript: &str) -> Result<Vec<Exchange>, Failed> {
    let mut found = vec![Exchange::default()];
    for line in transcript.lines() {
        let last = found.last_mut().expect("never empty");
        match step(line)? {
            Step::Send(sent) if last.said.is_empty() => last.sent.extend(sent),
            Step::Send(sent) => found.push(Exchange {
                sent,
                ..Exchange::default()
            }),
            _ if line == "X:" => last.closes = true,
            _ if line.starts_with("S:") => {
                let text = line[2..].strip_prefix(' ').unwrap_or(&line[2..]);
                let _ = write!(last.said, "{text}\r\n");
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Sends what the client says, and compares what the server says to it before going on.
fn over_socket(transcript: &str) -> Result<(), Failed> {
    let world = World::of(transcript)?;
    let greeting = Channel::new(Arc::clone(&world.settings), Link::default(), Instant::now());
    let greeting = match opens_with_greeting(transcript) {
        true => String::new(),
        false => String::from_utf8({ greeting }.take_outgoing())?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(converse(&world, &greeting, exchanges(transcript)?))
}

async fn converse(world: &World, greeting: &str, exchanges: Vec<Exchange>) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let host = Host {
        core: world.core.clone(),
        jobs: Dispatch::new(2, true),
    };
    let settings = Arc::clone(&world.settings);
    let served = tokio::spawn(serve(listener, Begin::Greeting, settings, host, stopping));
    let mut stream = TcpStream::connect(address).await?;
    expect(&mut stream, greeting).await?;
    for exchange in exchanges {
        // A server that has closed need not take everything.
        let _ = stream.write_all(&exchange.sent).await;
        expect(&mut stream, &exchange.said).await?;
        if exchange.closes {
            let mut rest = Vec::new();
            timeout(PATIENCE, stream.read_to_end(&mut rest)).await??;
            assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        }
    }
    drop(stream);
    stop.send_replace(true);
    served.await?;
    Ok(())
}

/// Reads as much as is expected, and compares.
async fn expect(stream: &mut TcpStream, expected: &str) -> Result<(), Failed> {
    let mut said = vec![0; expected.len()];
    let mut read = 0;
    while read < said.len() {
        match timeout(PATIENCE, stream.read(&mut said[read..])).await {
            Ok(Ok(octets @ 1..)) => read += octets,
            _ => break,
        }
    }
    let said = String::from_utf8_lossy(&said[..read]);
    match said == expected {
        true => Ok(()),
        false => Err(format!("expected\n{expected}\nand found\n{said}").into()),
    }
}
