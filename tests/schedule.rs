//! Scheduling between people, as scripts: every `tests/schedule/CASE.txt` is one test. Its lines are
//!
//! - `# text`: a comment, the first says why the case is here;
//! - `@words`: set-up, as in `tests/wcap/README.md`;
//! - `> NAME COMMAND PARAMETERS`: a WCAP request of the user NAME, to whose calendar it goes unless `calid` says
//!   otherwise; below it `! ERRNO` when it is to fail;
//! - `= CALENDAR UID`: what its owner sees of an item there; `= CALENDAR busy`: busy times of the week; `= outbox`: what
//!   waits to be mailed;
//! - `| text`: a line of what is seen.
//!
//! `UPDATE=1` writes what is seen into the file. After each request every calendar's indexes are compared with their
//! source.

#![expect(clippy::expect_used, reason = "tests")]

mod common;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use wcapd::ical::component::{Component, Property};
use wcapd::ical::parse;
use wcapd::store::outbox;

use common::http;
use common::transcript::World as _;
use common::world::Demo;

fn main() {
    let arguments = Arguments::from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = Arc::new(runtime.expect("a runtime starts"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schedule");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "expected cases in tests/schedule");
    let trials = cases.into_iter().map(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let (name, runtime) = (name.into_owned(), Arc::clone(&runtime));
        Trial::test(name, move || run(&path, &runtime))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn run(path: &Path, runtime: &Runtime) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let mut play = Play {
        world: Demo::new(runtime),
        sessions: HashMap::new(),
    };
    let played = play
        .all(&text)
        .map_err(|fault| format!("{}: {fault}", path.display()))?;
    if played == text {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &played)?;
    }
    let mut report = format!("{}\n", path.display());
    let (mut old, mut new) = (text.lines(), played.lines());
    let differs = loop {
        match (old.next(), new.next()) {
            (a, b) if a != b => break (a, b),
            _ => {}
        }
    };
    let _ = writeln!(
        report,
        "expected: {:?}\ngot:      {:?}",
        differs.0, differs.1
    );
    report.push_str("if what came is right: UPDATE=1, and read the diff\n");
    Err(report.into())
}

struct Play<'a> {
    world: Demo<'a>,
    sessions: HashMap<String, String>,
}

impl Play<'_> {
    /// Plays a script; answers it with what was seen in it.
    fn all(&mut self, text: &str) -> Result<String, String> {
        let mut played = String::new();
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let at = |fault: String| format!("line {}: {fault}", number + 1);
            let _ = writeln!(played, "{line}");
            let (mark, rest) = line.split_at(line.len().min(1));
            let rest = rest.trim();
            match mark {
                "" | "#" => {}
                "@" => {
                    let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
                    self.world.directive(&words).map_err(at)?;
                }
                ">" => {
                    let errno = self.request(rest).map_err(at)?;
                    let expected = lines.next_if(|(_, next)| next.starts_with('!'));
                    if errno != 0 || expected.is_some() {
                        let _ = writeln!(played, "! {errno}");
                    }
                    self.sound().map_err(at)?;
                }
                "=" => {
                    while lines.next_if(|(_, next)| next.starts_with('|')).is_some() {}
                    for line in self.look(rest).map_err(at)? {
                        let _ = writeln!(played, "| {line}");
                    }
                }
                _ => return Err(at(format!("lines do not open as in {line:?}"))),
            }
        }
        Ok(played)
    }

    fn get(&mut self, target: &str) -> Result<Component, String> {
        let server = self.world.address();
        let answer = http::get(server, target).map_err(|fault| fault.to_string())?;
        let parsed = parse::parse(answer.text().as_bytes(), &parse::Limits::DEFAULT);
        let calendar = parsed.components.into_iter().next();
        calendar.ok_or_else(|| format!("no calendar in {:?}", answer.text()))
    }

    fn session(&mut self, name: &str) -> Result<String, String> {
        if let Some(id) = self.sessions.get(name) {
            return Ok(id.clone());
        }
        let answer = self.get(&format!("/wcap/login.wcap?user={name}&password={name}"))?;
        let id = answer.value("X-NSCP-WCAP-SESSION-ID");
        let id = id
            .ok_or_else(|| format!("{name} cannot log in"))?
            .to_owned();
        self.sessions.insert(name.to_owned(), id.clone());
        Ok(id)
    }

    fn request(&mut self, words: &str) -> Result<i32, String> {
        let mut words = words.splitn(3, ' ');
        let (Some(name), Some(command), Some(params)) = (words.next(), words.next(), words.next())
        else {
            return Err("a request is NAME COMMAND PARAMETERS".to_owned());
        };
        let id = self.session(name)?;
        let calid = match params.contains("calid=") && !params.contains("orgCalid=") {
            true => String::new(),
            false => format!("&calid={name}"),
        };
        let params = params.replace(' ', "%20");
        let answer = self.get(&format!("/wcap/{command}.wcap?id={id}{calid}&{params}"))?;
        errno(&answer)
    }

    fn look(&mut self, words: &str) -> Result<Vec<String>, String> {
        match words.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["outbox"] => self.outbox(),
            [calid, "busy"] => self.busy(calid),
            [calid, uid] => self.item(calid, uid),
            _ => Err("what is seen is CALENDAR UID, CALENDAR busy or outbox".to_owned()),
        }
    }

    fn outbox(&mut self) -> Result<Vec<String>, String> {
        let mut seen = Vec::new();
        let read: wcapd::store::Result<()> = self.world.core().store().read(|t| {
            outbox::all(t, |letter| {
                seen.push(format!(
                    "{} of {} from {} to {}",
                    letter.method, letter.uid, letter.from, letter.to
                ));
                Ok(std::ops::ControlFlow::Continue(()))
            })
        });
        read.map_err(|fault| fault.to_string())?;
        seen.sort();
        Ok(seen)
    }

    fn busy(&mut self, calid: &str) -> Result<Vec<String>, String> {
        let id = self.session("tom")?;
        let answer = self.get(&format!(
            "/wcap/get_freebusy.wcap?id={id}&calid={calid}&dtstart=20260105T000000Z&dtend=20260202T000000Z"
        ))?;
        let periods = answer
            .components()
            .flat_map(|busy| busy.properties_named("FREEBUSY"));
        Ok(periods
            .map(|p| format!("{} {}", p.param("FBTYPE").unwrap_or_default(), p.value()))
            .collect())
    }

    /// An item in the words of the one who owns the calendar.
    fn item(&mut self, calid: &str, uid: &str) -> Result<Vec<String>, String> {
        let core = self.world.core();
        let owner = core
            .calendars(None)
            .map_err(|fault| fault.message().to_owned())?
            .into_iter()
            .find(|calendar| core.show_calid(&calendar.calid) == calid);
        let owner = owner.ok_or_else(|| format!("there is no calendar {calid}"))?;
        let owner = core
            .owner_name(&owner)
            .map_err(|f| f.message().to_owned())?;
        let id = self.session(&owner)?;
        let mut seen = Vec::new();
        for command in ["fetchevents_by_id", "fetchtodos_by_id"] {
            let answer = self.get(&format!(
                "/wcap/{command}.wcap?id={id}&calid={calid}&uid={uid}&recurring=1&relativealarm=1"
            ))?;
            let components = answer.components().filter(|c| !c.is("VTIMEZONE"));
            seen.extend(components.map(told));
        }
        if seen.is_empty() {
            seen.push("nothing".to_owned());
        }
        Ok(seen)
    }

    /// Indexes and records are what they should be.
    fn sound(&mut self) -> Result<(), String> {
        let checked = self.world.core().check(false);
        let checked = checked.map_err(|fault| fault.message().to_owned())?;
        match checked.problems.is_empty() {
            true => Ok(()),
            false => Err(checked.problems.join("; ")),
        }
    }
}

fn errno(answer: &Component) -> Result<i32, String> {
    let errno = answer.value("X-NSCP-WCAP-ERRNO").unwrap_or_default();
    errno.parse().map_err(|_| format!("no errno: {errno:?}"))
}

/// A component in one line.
fn told(component: &Component) -> String {
    let value = |name: &str| component.value(name).unwrap_or("-").to_owned();
    let mut line = String::new();
    if let Some(id) = component.value("RECURRENCE-ID") {
        let _ = write!(line, "[{id}] ");
    }
    let _ = write!(line, "{}", value("DTSTART"));
    for name in ["RRULE", "EXDATE"] {
        for property in component.properties_named(name) {
            let _ = write!(line, " {name}={}", property.value());
        }
    }
    let _ = write!(
        line,
        " '{}' {} #{}",
        value("SUMMARY"),
        value("STATUS"),
        value("SEQUENCE")
    );
    let state = component.property("X-NSCP-GSE-COMPONENT-STATE");
    let state = state.and_then(|state| state.param("X-NSCP-GSE-COMMENT"));
    let _ = write!(line, " {}", state.unwrap_or_default());
    if component.components_named("VALARM").next().is_some() {
        line.push_str(" alarm");
    }
    let people: Vec<String> = component.properties_named("ATTENDEE").map(person).collect();
    if !people.is_empty() {
        let _ = write!(line, ": {}", people.join(", "));
    }
    line
}

fn person(attendee: &Property) -> String {
    let mut line = format!(
        "{} {}",
        attendee.value(),
        attendee.param("PARTSTAT").unwrap_or_default()
    );
    for name in ["DELEGATED-TO", "DELEGATED-FROM", "MEMBER", "CUTYPE"] {
        if let Some(value) = attendee.param(name) {
            let _ = write!(line, " {name}={value}");
        }
    }
    if let Some(status) = attendee.param("X-NSCP-ATTENDEE-GSE-STATUS") {
        let _ = write!(line, "/{status}");
    }
    line
}
