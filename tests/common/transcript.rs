//! Transcripts: what a client sends and what it gets, in one text file (`tests/wcap/README.md`).
//!
//! Parses such a file, plays it against a server, compares, and writes the expectation anew when
//! asked. Knows no server: whoever runs it brings a [`World`].

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::Range;

use super::http::{self, Response};
use super::template::{self, Captures};

/// The line of an expected body that stands for all lines up to one like its next.
const LINES: &str = "{lines}";

/// What a transcript is played against.
pub trait World {
    /// Carries out an `@` line, given as its words without the `@`.
    ///
    /// # Errors
    /// A sentence, when the words mean nothing or it could not be done.
    fn directive(&mut self, words: &[String]) -> Result<(), String>;

    /// Where the server listens.
    fn address(&mut self) -> SocketAddr;

    /// The clock's time, as `20260105T090000Z`.
    fn now(&self) -> String;
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Directive { line: usize, words: Vec<String> },
    Exchange(Exchange),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Exchange {
    request: Block,
    response: Block,
}

/// A request or an answer: head lines, body lines, and the lines of the file they stand on
/// (counted from 0).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Block {
    head: Vec<String>,
    body: Vec<String>,
    /// Whether the lines of the body end with LF; otherwise with CRLF.
    lf: bool,
    at: Range<usize>,
}

impl Block {
    fn line_end(&self) -> &'static str {
        if self.lf { "\n" } else { "\r\n" }
    }
}

impl Transcript {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence with the line's number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines: Vec<&str> = text.lines().collect();
        if !lines.first().is_some_and(|line| line.starts_with("# ")) {
            return Err("line 1: a transcript opens with a # line that says why".to_owned());
        }
        let mut steps = Vec::new();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let number = at + 1;
            match line.chars().next() {
                None | Some('#') => at += 1,
                Some('@') => {
                    let words = line[1..].split_whitespace().map(str::to_owned).collect();
                    steps.push(Step::Directive {
                        line: number,
                        words,
                    });
                    at += 1;
                }
                Some('>') => {
                    let request = block(&lines, at, '>')?;
                    let response = block(&lines, request.at.end, '<')?;
                    if let Some(odd) = response.head.first().filter(|s| !s.starts_with("HTTP/")) {
                        return Err(format!(
                            "line {}: an answer opens with its status line, not {odd:?}",
                            response.at.start + 1
                        ));
                    }
                    at = response.at.end;
                    steps.push(Step::Exchange(Exchange { request, response }));
                }
                Some('<') => {
                    return Err(format!(
                        "line {number}: an answer stands right below its request"
                    ));
                }
                Some(_) => {
                    return Err(format!(
                        "line {number}: lines open with #, @, > or <, not as {line:?}"
                    ));
                }
            }
        }
        if steps.iter().any(|step| matches!(step, Step::Exchange(_))) {
            Ok(Self { steps })
        } else {
            Err("there is no request in it".to_owned())
        }
    }

    /// The requests with what is expected of each, in order.
    pub fn exchanges(&self) -> impl Iterator<Item = Told<'_>> {
        self.steps.iter().filter_map(|step| match step {
            Step::Directive { .. } => None,
            Step::Exchange(exchange) => Some(Told {
                head: &exchange.request.head,
                body: &exchange.request.body,
                answer: &exchange.response.body,
            }),
        })
    }

    /// Plays the transcript.
    ///
    /// # Errors
    /// What differed, as a text for a person. Where only answers differ from what was expected,
    /// [`Failure::rewritten`] is the file with the answers as they came.
    pub fn play(&self, text: &str, world: &mut dyn World) -> Result<(), Failure> {
        let mut captures = Captures::default();
        let mut report = String::new();
        let mut new_text = Rewriter::new(text);
        for step in &self.steps {
            captures.now = world.now();
            match step {
                Step::Directive { line, words } => {
                    let done = world.directive(words);
                    done.map_err(|reason| Failure::fatal(format!("line {line}: {reason}")))?;
                }
                Step::Exchange(exchange) => {
                    let response = exchange.send(world.address(), &captures);
                    let response = response.map_err(|reason| {
                        let line = exchange.request.at.start + 1;
                        Failure::fatal(format!("{report}line {line}: {reason}"))
                    })?;
                    let differences = exchange.response.compare(&response, &mut captures);
                    if !differences.is_empty() {
                        report.push_str(&differences);
                        let lines = exchange.response.rewritten(&response, &mut captures);
                        new_text.replace(exchange.response.at.clone(), lines);
                    }
                }
            }
        }
        if report.is_empty() {
            return Ok(());
        }
        Err(Failure {
            report,
            rewritten: Some(new_text.finish()),
        })
    }
}

/// A request and its expected answer as they stand in the file, marks and all.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The lines of the request's head; the first is the request line.
    pub head: &'a [String],
    /// The lines of its body.
    pub body: &'a [String],
    /// The lines of the answer's body.
    pub answer: &'a [String],
}

/// Why a transcript failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What differed.
    pub report: String,
    /// The file as it would pass, if it was played to its end.
    pub rewritten: Option<String>,
}

impl Failure {
    fn fatal(report: String) -> Self {
        Self {
            report,
            rewritten: None,
        }
    }
}

/// The block of lines that open with `sign`, from line `start` on. Empty if there is none.
fn block(lines: &[&str], start: usize, sign: char) -> Result<Block, String> {
    let mut block = Block {
        at: start..start,
        ..Block::default()
    };
    let mut in_body = false;
    for line in &lines[start..] {
        let Some(rest) = line.strip_prefix(sign) else {
            break;
        };
        block.at.end += 1;
        if !in_body && (rest.is_empty() || rest == "lf") {
            in_body = true;
            block.lf = rest == "lf";
            continue;
        }
        let content = match rest.strip_prefix(' ') {
            Some(content) => content,
            None if rest.is_empty() => "",
            None => {
                return Err(format!(
                    "line {}: a blank follows {sign}, or nothing",
                    block.at.end
                ));
            }
        };
        let part = if in_body {
            &mut block.body
        } else {
            &mut block.head
        };
        part.push(content.to_owned());
    }
    Ok(block)
}

impl Exchange {
    fn send(&self, server: SocketAddr, captures: &Captures) -> Result<Response, String> {
        let mut body = Vec::new();
        for line in &self.request.body {
            body.extend(template::bytes(line, self.request.line_end(), captures)?);
        }
        let length = body.len().to_string();
        let mut bytes = Vec::new();
        for line in &self.request.head {
            let line = line.replace("{length}", &length);
            bytes.extend(template::bytes(&line, "\r\n", captures)?);
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend(body);
        http::exchange(server, &bytes).map_err(|fault| format!("no answer: {fault}"))
    }
}

impl Block {
    /// What differs between this expectation and `response`; empty if nothing does.
    fn compare(&self, response: &Response, captures: &mut Captures) -> String {
        let mut out = String::new();
        let first = self.at.start + 1;
        if self.head.is_empty() {
            let _ = writeln!(out, "line {first}: no answer is expected yet");
            return out;
        }
        for (index, expected) in self.head.iter().enumerate() {
            let actual = actual_head(expected, index, response);
            if !head_matches(expected, &actual, captures) {
                let line = first + index;
                let _ = writeln!(
                    out,
                    "line {line}: expected < {expected}\n{:>17} < {actual}",
                    "came"
                );
            }
        }
        let actual = template::visible(&response.body, self.line_end());
        let body_at = first + self.head.len() + 1;
        let (mut index, mut at) = (0, 0);
        while index < self.body.len() || at < actual.len() {
            let (expected, came) = (self.body.get(index), actual.get(at));
            if expected.is_some_and(|line| line == LINES) {
                index += 1;
                let next = self.body.get(index);
                let mut is_next = |line: &&String| {
                    next.is_some_and(|next| template::matches(next, line, captures))
                };
                at += actual[at..]
                    .iter()
                    .take_while(|line| !is_next(line))
                    .count();
                continue;
            }
            if let (Some(expected), Some(came)) = (expected, came)
                && template::matches(expected, came, captures)
            {
                (index, at) = (index + 1, at + 1);
                continue;
            }
            let line = body_at + index;
            let expected = expected.map_or("(nothing more)", String::as_str);
            let _ = writeln!(out, "line {line}: expected < {expected}");
            // One difference shifts the rest: show what came from here on, not each line's fault.
            for came in actual.iter().skip(at).take(12) {
                let _ = writeln!(out, "{:>17} < {came}", "came");
            }
            if actual.len() <= at {
                let _ = writeln!(out, "{:>17} (nothing more)", "came");
            } else if actual.len() > at + 12 {
                let _ = writeln!(out, "{:>17} ({} more lines)", "", actual.len() - at - 12);
            }
            break;
        }
        out
    }

    /// The lines of the file for `response`, keeping what still matches.
    fn rewritten(&self, response: &Response, captures: &mut Captures) -> Vec<String> {
        let mut out = Vec::new();
        if self.head.is_empty() {
            out.push(format!("< {}", response.status_line));
            if let Some(media) = response.header("content-type") {
                out.push(format!("< content-type: {media}"));
            }
        }
        for (index, expected) in self.head.iter().enumerate() {
            let actual = actual_head(expected, index, response);
            let keep = head_matches(expected, &actual, captures);
            let line = if keep {
                expected.clone()
            } else {
                template::masked(&actual, captures)
            };
            out.push(format!("< {line}"));
        }
        let lf = if self.body.is_empty() {
            !response.body.windows(2).any(|pair| pair == b"\r\n")
        } else {
            self.lf
        };
        if response.body.is_empty() {
            return out;
        }
        out.push(if lf { "<lf" } else { "<" }.to_owned());
        if self.body.iter().any(|line| line == LINES) {
            out.extend(self.body.iter().map(|line| format!("< {line}")));
            return out;
        }
        let mut old = self.body.as_slice();
        for actual in template::visible(&response.body, if lf { "\n" } else { "\r\n" }) {
            let kept = old
                .iter()
                .position(|expected| template::matches(expected, &actual, captures));
            let line = match kept {
                Some(at) => {
                    let line = old[at].clone();
                    old = &old[at + 1..];
                    line
                }
                None => {
                    let masked = template::masked(&actual, captures);
                    template::matches(&masked, &actual, captures);
                    masked
                }
            };
            out.push(if line.is_empty() {
                "<".to_owned()
            } else {
                format!("< {line}")
            });
        }
        out
    }
}

/// The line of `response` to compare with the head line `expected`, the `index`-th.
fn actual_head(expected: &str, index: usize, response: &Response) -> String {
    if index == 0 {
        return response.status_line.clone();
    }
    let name = expected.split(':').next().unwrap_or_default();
    match response.header(name) {
        Some(value) => format!("{name}: {value}"),
        None => format!("{name}: {{none}}"),
    }
}

fn head_matches(expected: &str, actual: &str, captures: &mut Captures) -> bool {
    let absent = |line: &str| {
        line.split_once(": ")
            .is_some_and(|(_, v)| template::is_none(v))
    };
    if absent(expected) || absent(actual) {
        return expected == actual;
    }
    template::matches(expected, actual, captures)
}

/// The file with some of its blocks replaced.
struct Rewriter<'a> {
    old: Vec<&'a str>,
    next: usize,
    out: String,
}

impl<'a> Rewriter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            old: text.lines().collect(),
            next: 0,
            out: String::new(),
        }
    }

    fn keep_until(&mut self, line: usize) {
        for kept in &self.old[self.next..line] {
            let _ = writeln!(self.out, "{kept}");
        }
    }

    fn replace(&mut self, at: Range<usize>, lines: Vec<String>) {
        self.keep_until(at.start);
        self.next = at.end;
        for line in lines {
            let _ = writeln!(self.out, "{line}");
        }
    }

    fn finish(mut self) -> String {
        self.keep_until(self.old.len());
        self.out
    }
}

#[cfg(test)]
mod tests;
