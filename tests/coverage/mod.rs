//! What the transcripts exercise: for every command of the registry, every parameter of it and every errno, the
//! transcripts in which it occurs. Read off the files alone; `docs/wcap-coverage.md` is printed from it.
//!
//! A parameter counts in a request of its command that sends it with a value other than its default and is not
//! expected to fail. An errno counts where it stands in an expected answer.

mod gaps;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use wcapd::text::form;
use wcapd::wcap::args::{COMMON, Kind, Param, Presence};
use wcapd::wcap::errno::{self, Errno};
use wcapd::wcap::registry::{self, Row};

use crate::common::transcript::{Told, Transcript};

/// How many transcripts a line of the page names: enough to look at, and the line stays when one more is written.
const NAMED: usize = 3;

/// The results that are no failures of the request.
const SUCCESSES: &[Errno] = &[
    Errno::LoggedOut,
    Errno::Ok,
    Errno::GroupClipped,
    Errno::FetchDeletedPartial,
    Errno::AttachmentsDeleted,
    Errno::AttachmentsPartlyDeleted,
];

/// Names of transcripts, without `.txt`.
type Names = BTreeSet<String>;

/// What occurs where.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// By command: transcripts with a request of it.
    commands: BTreeMap<&'static str, Names>,
    /// By command and parameter.
    params: BTreeMap<(&'static str, &'static str), Names>,
    /// By number.
    errnos: BTreeMap<i32, Names>,
    /// By command: the numbers its answers have.
    results: BTreeMap<&'static str, BTreeSet<i32>>,
}

impl Coverage {
    /// Adds the transcript called `name`.
    pub(crate) fn add(&mut self, name: &str, transcript: &Transcript) {
        for told in transcript.exchanges() {
            let answered = errnos(told.answer);
            for &number in &answered {
                self.errnos.entry(number).or_default().insert(name.into());
            }
            let Some((row, query)) = asked(&told) else {
                continue;
            };
            self.commands
                .entry(row.name)
                .or_default()
                .insert(name.into());
            self.results.entry(row.name).or_default().extend(&answered);
            let succeeds = |number: &i32| SUCCESSES.iter().any(|errno| errno.number() == *number);
            // Of several calendars one may fail; a file or a page has no number.
            if !answered.is_empty() && !answered.iter().any(succeeds) {
                continue;
            }
            for (sent, value) in pairs(&told, query) {
                let named = |param: &&Param| param.name == sent || param.aliases.contains(&&*sent);
                let Some(param) = row.params.iter().chain(COMMON).find(named) else {
                    continue;
                };
                if says_something(param, &value) {
                    let found = self.params.entry((row.name, param.name)).or_default();
                    found.insert(name.into());
                }
            }
        }
    }

    /// What nothing exercises although it should, and what is excused although something does.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for row in registry::rows() {
            if !self.commands.contains_key(row.name) {
                complaints.push(format!("no transcript asks {}", row.name));
            }
            for param in row.params {
                let seen = self.params.contains_key(&(row.name, param.name));
                let what = format!("{} of {}", param.name, row.name);
                judge(
                    &mut complaints,
                    seen,
                    gaps::param(row.name, param.name),
                    &what,
                );
            }
        }
        for row in errno::ROWS {
            let number = row.errno.number();
            let seen = self.errnos.contains_key(&number);
            let what = format!("errno {number}");
            judge(&mut complaints, seen, gaps::errno(number), &what);
        }
        complaints.extend(gaps::strange());
        complaints
    }

    /// The page.
    pub(crate) fn page(&self) -> String {
        let mut page = String::from(
            "<!-- Printed from the transcripts: UPDATE=1 cargo test --test wcap -- coverage -->\n\n\
             # Coverage of WCAP\n\nThe transcripts in [`tests/wcap`](../tests/wcap/README.md) and \
             `tests/clients` that exercise each command, each of\nits parameters and each result \
             number. A parameter counts in a request that sends it with a value other than its\n\
             default and is answered without failure; a number counts where it stands in an expected \
             answer. At most three are\nnamed. `cargo test --test wcap` fails when there is none, \
             but for the ones below that have a reason instead.\n",
        );
        for row in registry::rows() {
            let results = self.results.get(row.name).into_iter().flatten();
            let results: Vec<String> = results.map(i32::to_string).collect();
            let _ = write!(
                page,
                "\n## {}\n\nTranscripts: {}\n\nResults: {}\n",
                row.name,
                shown(self.commands.get(row.name), row.name),
                results.join(", ")
            );
            if !row.params.is_empty() {
                page.push_str("\n| parameter | transcripts |\n|---|---|\n");
            }
            for param in row.params {
                let found = self.params.get(&(row.name, param.name));
                let cell = match gaps::param(row.name, param.name) {
                    Some(reason) => format!("none: {reason}"),
                    None => shown(found, row.name),
                };
                let _ = writeln!(page, "| `{}` | {cell} |", param.name);
            }
        }
        page.push_str("\n## Results\n\n| errno | name | transcripts |\n|---|---|---|\n");
        for row in errno::ROWS {
            let number = row.errno.number();
            let cell = match gaps::errno(number) {
                Some(reason) => format!("none: {reason}"),
                None => shown(self.errnos.get(&number), ""),
            };
            let _ = writeln!(page, "| {number} | `{}` | {cell} |", row.symbol);
        }
        page
    }
}

fn judge(complaints: &mut Vec<String>, seen: bool, excuse: Option<&str>, what: &str) {
    match (seen, excuse) {
        (false, None) => complaints.push(format!("no transcript exercises {what}")),
        (true, Some(_)) => complaints.push(format!("{what} is excused and exercised")),
        _ => {}
    }
}

/// Some of the transcripts; those of the command itself first, without its name.
fn shown(names: Option<&Names>, command: &str) -> String {
    let names = names.into_iter().flatten();
    let (own, others): (Vec<_>, Vec<_>) = names.partition(|name| {
        name.split_once('/')
            .is_some_and(|(folder, _)| folder == command)
    });
    let all: Vec<&str> = own
        .iter()
        .map(|name| name.split_once('/').map_or(name.as_str(), |(_, case)| case))
        .chain(others.iter().map(|name| name.as_str()))
        .collect();
    let some = all.iter().take(NAMED).copied().collect::<Vec<_>>();
    match all.len() > NAMED {
        true => format!("{}, ...", some.join(", ")),
        false => some.join(", "),
    }
}

/// The command a request asks, and its query.
fn asked<'a>(told: &Told<'a>) -> Option<(&'static Row, &'a str)> {
    let target = told.head.first()?.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let name = path.rsplit('/').next()?.strip_suffix(".wcap")?;
    Some((registry::find(name)?, query))
}

/// The parameters of a request: names and values, in its query, in an urlencoded body and in the fields of a
/// multipart one.
fn pairs(told: &Told<'_>, query: &str) -> Vec<(String, String)> {
    let media = told.head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-type").then_some(value)
    });
    let media = media.unwrap_or_default();
    let mut pairs = encoded(query);
    if media.contains("x-www-form-urlencoded") {
        let body: Vec<&str> = told
            .body
            .iter()
            .map(|line| line.trim_end_matches("{end}"))
            .collect();
        pairs.extend(encoded(&body.concat()));
    } else if media.contains("multipart/") {
        pairs.extend(fields(told.body));
    }
    pairs
}

fn encoded(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| form::decode(text).map_or_else(|_| text.to_owned(), Into::into);
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// The parts of a multipart body: their names, and the first line of what they hold.
fn fields(body: &[String]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut name = None;
    let mut lines = body.iter();
    while let Some(line) = lines.next() {
        if let Some((_, rest)) = line.split_once("name=\"")
            && line.to_ascii_lowercase().starts_with("content-disposition")
        {
            name = rest.split('"').next();
        } else if line.is_empty()
            && let Some(name) = name.take()
        {
            let value = lines.next().cloned().unwrap_or_default();
            fields.push((name.to_owned(), value));
        }
    }
    fields
}

/// Whether a value sent for `param` differs from not sending it.
fn says_something(param: &Param, value: &str) -> bool {
    let value = value.trim();
    let nothing = match (param.presence, param.kind) {
        (Presence::Default(default), _) if default == value => true,
        // Where 0 is no time at all.
        (_, Kind::Time | Kind::Times | Kind::Trigger | Kind::RecurrenceIds) => value == "0",
        _ => false,
    };
    !value.is_empty() && !nothing
}

/// The result numbers in the lines of an answer, whatever its format.
fn errnos(answer: &[String]) -> Vec<i32> {
    const NAME: &str = "x-nscp-wcap-errno";
    let mut found = Vec::new();
    for (at, line) in answer.iter().enumerate() {
        for (start, _) in line.to_ascii_lowercase().match_indices(NAME) {
            let after = start + NAME.len();
            // The closing tag of the same element.
            if line[..start].ends_with('/') {
                continue;
            }
            let rest = &line[after..];
            let next = answer.get(at + 1).map_or("", String::as_str);
            found.extend(number(rest).or_else(|| number(next)));
        }
    }
    found
}

/// The first whole number in `text`.
fn number(text: &str) -> Option<i32> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let end = text[start..].find(|c: char| !c.is_ascii_digit());
    let digits = &text[start..end.map_or(text.len(), |end| start + end)];
    let sign = if text[..start].ends_with('-') { -1 } else { 1 };
    digits.parse::<i32>().ok().map(|number| sign * number)
}

/// That the reading above finds what is there and nothing else: a coverage that cannot be missing proves nothing.
pub(crate) fn reads_right() -> Result<(), String> {
    let text = "\
# Why.
> GET /wcap/fetchcomponents_by_range.wcap?fmt-out=text%2Fxml&calid=a;b&recurring=0&dtstart=0&attrset=1&x=1 HTTP/1.1
< HTTP/1.1 200 OK
<lf
< <X-NSCP-WCAP-ERRNO>0</X-NSCP-WCAP-ERRNO>
< <X-NSCP-WCAP-ERRNO>28</X-NSCP-WCAP-ERRNO>

> POST /storeevents.wcap HTTP/1.1
> Content-Type: application/x-www-form-urlencoded
>
> id={sid}&summary=a{end}
< HTTP/1.1 200 OK
<
< X-NSCP-WCAP-ERRNO:60

> POST /logout.wcap?id={sid} HTTP/1.1
> Content-Type: multipart/form-data; boundary=b
>
> --b
> Content-Disposition: form-data; name=\"appid\"
>
> me
> --b--
< HTTP/1.1 200 OK
<lf
< {\"X-NSCP-WCAP-ERRNO\":\"-1\"}
";
    let mut coverage = Coverage::default();
    coverage.add("t", &Transcript::parse(text)?);
    let params: Vec<_> = coverage.params.keys().copied().collect();
    let wanted = [
        ("fetchcomponents_by_range", "attrset"),
        ("fetchcomponents_by_range", "calid"),
        ("fetchcomponents_by_range", "fmt-out"),
        ("logout", "appid"),
        ("logout", "id"),
    ];
    let numbers: Vec<i32> = coverage.errnos.keys().copied().collect();
    let commands: Vec<_> = coverage.commands.keys().copied().collect();
    match params == wanted
        && numbers == [-1, 0, 28, 60]
        && commands == ["fetchcomponents_by_range", "logout", "storeevents"]
    {
        true => Ok(()),
        false => Err(format!("{coverage:?}")),
    }
}
