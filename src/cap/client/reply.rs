//! What a server says, read line by line without I/O: the greeting, replies, challenges, in every form that the drafts print
//! (draft-ietf-calsch-cap-04 section 7.1 and its examples).

use crate::cap::frame::{Lines, unstuff};

/// A whole reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// Its code, like `2.0`.
    pub code: String,
    /// What stands after the code.
    pub argument: String,
    /// Words for people.
    pub note: String,
    /// Its data, dots unstuffed, lines ending in CR LF.
    pub data: Vec<u8>,
}

impl Reply {
    /// Whether the command did what it was to.
    pub fn is_success(&self) -> bool {
        self.code == "2.0"
    }

    /// The lines of its data, as text.
    pub fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.data);
        text.lines().map(str::to_owned).collect()
    }

    /// The reply to a question about `asked` that is answered with a list, in the one form: its lines are what is listed. In
    /// the drafts the code also stands behind the list, and what was asked for in front of it.
    pub fn into_list(mut self, asked: &str) -> Self {
        let mut lines = self.lines();
        if lines.len() > 1 && lines[0] == asked {
            lines.remove(0);
        }
        let end = lines.iter().enumerate().find_map(|(at, line)| {
            let (code, argument, note) = status(line)?;
            // A calendar may be called 1.5; a code does not stand alone here.
            (line.len() > code.len()).then_some((at, code, argument, note))
        });
        if let Some((at, code, argument, note)) = end {
            lines.truncate(at);
            (self.code, self.argument, self.note) = (code, argument, note);
        }
        self.with_lines(&lines)
    }

    /// The reply to GENERATEUID in the one form; a draft prints the UIDs in the status line.
    pub fn into_uids(self) -> Self {
        if !self.data.is_empty() || !self.is_success() {
            return self;
        }
        let words = self.argument.split_whitespace();
        let words: Vec<String> = words.map(str::to_owned).collect();
        self.with_lines(&words)
    }

    fn with_lines(self, lines: &[String]) -> Self {
        let text: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
        Self {
            data: text.into_bytes(),
            ..self
        }
    }

    /// The values of `NAME=value` lines, in order.
    pub fn values(&self) -> Vec<(String, String)> {
        let lines = self.lines().into_iter();
        lines
            .filter_map(|line| {
                let (name, value) = line.split_once('=')?;
                is_name(name).then(|| (name.to_ascii_uppercase(), value.trim().to_owned()))
            })
            .collect()
    }
}

/// Something that a server has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A reply, whole.
    Reply(Reply),
    /// A line of a login, or that TLS may begin: one line, no dots.
    Line(String),
}

/// Why what a server says is no CSTP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Garbled {
    /// A line without end.
    #[error("the server sent a line of more than {0} octets")]
    Line(usize),
    /// Data without end.
    #[error("the server sent an answer of more than {0} octets")]
    Data(usize),
    /// Something else.
    #[error("expected a status line of CAP, the server sent '{0}'")]
    Status(String),
}

/// Bounds of what is taken from a server.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Octets of a line.
    pub line: usize,
    /// Octets of the data of one reply.
    pub data: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// Between replies.
    #[default]
    Idle,
    /// After a status line.
    Status,
    /// In the data.
    Data,
}

/// Reads what a server says.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    bounds: Bounds,
    state: State,
    reply: Reply,
    /// A login is under way: lines that are no status are challenges.
    pub challenges: bool,
}

impl Reader {
    /// One that has heard nothing yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            lines: Lines::default(),
            bounds,
            state: State::default(),
            reply: Reply::default(),
            challenges: false,
        }
    }

    /// Whether a status line and one dot have come of a reply that brings no data: some servers say nothing more then.
    /// What may have data is never whole before its end, however slow the server is.
    pub fn may_be_whole(&self) -> bool {
        let bare = !matches!(self.reply.code.as_str(), "" | "2.0" | "2.3" | "2.4");
        self.state == State::Data && self.reply.data.is_empty() && bare
    }

    /// Takes the reply as it stands.
    pub fn take(&mut self) -> Reply {
        self.state = State::Idle;
        std::mem::take(&mut self.reply)
    }

    /// Hears the next thing that `input` completes; what it has used is taken off its front.
    ///
    /// Errors: [`Garbled`], after which nothing more can be understood.
    pub fn hear(&mut self, input: &mut &[u8]) -> Result<Option<Heard>, Garbled> {
        loop {
            let line = match self.lines.next(input, self.bounds.line) {
                None => return Ok(None),
                Some(Err(_)) => return Err(Garbled::Line(self.bounds.line)),
                Some(Ok(line)) => line.to_vec(),
            };
            if let Some(heard) = self.line(&line)? {
                return Ok(Some(heard));
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Heard>, Garbled> {
        match self.state {
            State::Idle => self.first(line),
            State::Status if line == b"." => {
                self.state = State::Data;
                Ok(None)
            }
            // Without the dot after the status line all up to the next dot is data.
            State::Status | State::Data => {
                self.state = State::Data;
                let Some(line) = unstuff(line) else {
                    return Ok(Some(Heard::Reply(self.take())));
                };
                if self.reply.data.len() + line.len() + 2 > self.bounds.data {
                    return Err(Garbled::Data(self.bounds.data));
                }
                self.reply.data.extend_from_slice(line);
                self.reply.data.extend_from_slice(b"\r\n");
                Ok(None)
            }
        }
    }

    fn first(&mut self, line: &[u8]) -> Result<Option<Heard>, Garbled> {
        let text = String::from_utf8_lossy(line).into_owned();
        // Between replies stray dots and empty lines mean nothing; in a login an empty line is an empty challenge.
        if line == b"." || (line.is_empty() && !self.challenges) {
            return Ok(None);
        }
        if let Some((code, argument, note)) = status(&text) {
            if code == "2.0.12" {
                return Ok(Some(Heard::Line(code)));
            }
            self.reply = Reply {
                code,
                argument,
                note,
                data: Vec::new(),
            };
            self.state = State::Status;
            return Ok(None);
        }
        if self.challenges {
            return Ok(Some(Heard::Line(text)));
        }
        if text.split_once('=').is_some_and(|(name, _)| is_name(name)) {
            // Capabilities without a status line.
            self.reply = Reply {
                code: "2.0".to_owned(),
                data: format!("{text}\r\n").into_bytes(),
                ..Reply::default()
            };
            self.state = State::Data;
            return Ok(None);
        }
        let shown = text.chars().take(60).collect();
        Err(Garbled::Status(shown))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A status line: its code, what stands after it, and words for people.
pub fn status(line: &str) -> Option<(String, String, String)> {
    let end = line
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(line.len());
    let (code, rest) = line.split_at(end);
    let parts: Vec<&str> = code.split('.').collect();
    let sound = parts.len() >= 2 && parts.iter().all(|part| !part.is_empty());
    if !sound || !(rest.is_empty() || rest.starts_with([' ', ';'])) {
        return None;
    }
    let (argument, note) = rest.split_once(';').unwrap_or((rest, ""));
    Some((
        code.to_owned(),
        argument.trim().to_owned(),
        note.trim().to_owned(),
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds {
        line: 200,
        data: 2_000,
    };

    fn heard(input: &str, cut: usize) -> Vec<String> {
        let text = input.replace('|', "\r\n");
        let mut reader = Reader::new(BOUNDS);
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(cut.max(1)) {
            let mut piece = piece;
            loop {
                match reader.hear(&mut piece) {
                    Ok(Some(Heard::Reply(reply))) => found.push(format!(
                        "{} [{}] ({}) {}",
                        reply.code,
                        reply.argument,
                        reply.note,
                        reply.lines().join("/")
                    )),
                    Ok(Some(Heard::Line(line))) => found.push(format!("line {line}")),
                    Ok(None) => break,
                    Err(garbled) => {
                        found.push(garbled.to_string());
                        return found;
                    }
                }
            }
        }
        found
    }

    /// What the drafts print, and what is meant.
    const FORMS: &[(&str, &[&str])] = &[
        ("2.0|.|.|", &["2.0 [] () "]),
        ("2.0|.||.|", &["2.0 [] () "]),
        ("2.0 c1|.|A=1|..2|.|", &["2.0 [c1] () A=1/.2"]),
        ("8.1 ; try later|.|.|", &["8.1 [] (try later) "]),
        (".||2.0 x ; y|.|.|", &["2.0 [x] (y) "]),
        (
            "2.0 cap://a/x|BEGIN:VCAP|END:VCAP|.|",
            &["2.0 [cap://a/x] () BEGIN:VCAP/END:VCAP"],
        ),
        (
            "CAPVERSION=1.0|AUTH=ANONYMOUS|.|",
            &["2.0 [] () CAPVERSION=1.0/AUTH=ANONYMOUS"],
        ),
        ("2.0.12|2.0|.|.|", &["line 2.0.12", "2.0 [] () "]),
        ("7.0 ; c9|.|.|", &["7.0 [] (c9) "]),
        (
            "2.0 a|.|x|.|2.0 b|.|y|.|",
            &["2.0 [a] () x", "2.0 [b] () y"],
        ),
        (
            "hello there|",
            &["expected a status line of CAP, the server sent 'hello there'"],
        ),
    ];

    #[test]
    fn every_printed_form_is_understood_however_it_is_cut() {
        for (input, expected) in FORMS {
            for cut in [1, 2, 3, 7, 1_000] {
                assert_eq!(heard(input, cut), *expected, "{input} cut at {cut}");
            }
        }
    }

    #[test]
    fn challenges_are_lines() {
        let mut reader = Reader::new(BOUNDS);
        reader.challenges = true;
        let mut input = &b"cj0x\r\n\r\n2.0\r\n.\r\n.\r\n"[..];
        let mut next = || reader.hear(&mut input).unwrap().unwrap();
        assert_eq!(next(), Heard::Line("cj0x".into()));
        assert_eq!(next(), Heard::Line(String::new()));
        assert!(matches!(next(), Heard::Reply(reply) if reply.is_success()));
    }

    #[test]
    fn what_has_no_end_is_given_up() {
        let line = format!("2.0|.|{}|", "x".repeat(300));
        assert_eq!(
            heard(&line, 10),
            ["the server sent a line of more than 200 octets"]
        );
        let data = format!("2.0|.|{}", "0123456789|".repeat(300));
        assert_eq!(
            heard(&data, 10),
            ["the server sent an answer of more than 2000 octets"]
        );
    }

    #[test]
    fn lists_are_understood_in_every_printed_form() {
        let list = |code: &str, argument: &str, data: &str, asked: &str| {
            let reply = Reply {
                code: code.to_owned(),
                argument: argument.to_owned(),
                note: String::new(),
                data: data.replace('|', "\r\n").into_bytes(),
            };
            let reply = reply.into_list(asked);
            format!(
                "{} {} ; {}",
                reply.code,
                reply.lines().join(","),
                reply.note
            )
        };
        for (code, argument, data, asked, expected) in [
            (
                "2.0",
                "a@b",
                "cap://b/x|cap://b/y|",
                "a@b",
                "2.0 cap://b/x,cap://b/y ; ",
            ),
            // The code behind the list, and between lines that nobody needs.
            ("2.0", "", "cap://b/x|2.3 more|", "a@b", "2.3 cap://b/x ; "),
            (
                "2.0",
                "",
                "cap://b/x|2.4 ; lost|cap://b/y|",
                "a@b",
                "2.4 cap://b/x ; lost",
            ),
            ("2.0", "", "2.2 a@b|", "a@b", "2.2  ; "),
            // What was asked for in front of it, but not where it is all there is.
            ("2.0", "", "a@b|cap://b/x|", "a@b", "2.0 cap://b/x ; "),
            ("2.0", "", "cap://b/x|", "cap://b/x", "2.0 cap://b/x ; "),
            // What stands in the status line is no calendar.
            ("2.0", "a@b", "", "a", "2.0  ; "),
            ("2.2", "a@b", "", "a@b", "2.2  ; "),
            ("2.0", "", "1.5|", "a@b", "2.0 1.5 ; "),
        ] {
            assert_eq!(list(code, argument, data, asked), expected, "{data}");
        }
    }

    #[test]
    fn uids_may_stand_in_the_status_line() {
        let mut reply = Reply {
            code: "2.0".to_owned(),
            argument: "u-1 u-2".to_owned(),
            ..Reply::default()
        };
        assert_eq!(reply.clone().into_uids().lines(), ["u-1", "u-2"]);
        reply.data = b"u-3\r\n".to_vec();
        assert_eq!(reply.into_uids().lines(), ["u-3"]);
    }

    #[test]
    fn a_success_is_not_whole_before_its_end() {
        for code in ["2.0", "2.3", "2.4"] {
            let mut reader = Reader::new(BOUNDS);
            let text = format!("{code}\r\n.\r\n");
            assert_eq!(reader.hear(&mut text.as_bytes()).unwrap(), None);
            assert!(!reader.may_be_whole(), "{code}");
        }
    }

    #[test]
    fn one_dot_may_be_all_there_is() {
        let mut reader = Reader::new(BOUNDS);
        let mut input = &b"6.0\r\n.\r\n"[..];
        assert_eq!(reader.hear(&mut input).unwrap(), None);
        assert!(reader.may_be_whole());
        assert_eq!(reader.take().code, "6.0");
        let mut late = &b".\r\n2.0\r\n.\r\n.\r\n"[..];
        assert!(reader.hear(&mut late).unwrap().is_some());
    }

    proptest! {
        #[test]
        fn nothing_a_server_sends_panics_or_depends_on_cuts(
            input in proptest::collection::vec(prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), Just(b'2'), Just(b' '), Just(b'='), any::<u8>()], 0..200),
            cut in 1_usize..50,
        ) {
            let run = |cut: usize| {
                let mut reader = Reader::new(BOUNDS);
                let mut found = Vec::new();
                for piece in input.chunks(cut) {
                    let mut piece = piece;
                    loop {
                        match reader.hear(&mut piece) {
                            Ok(None) => break,
                            Ok(Some(heard)) => found.push(Ok(heard)),
                            Err(garbled) => {
                                found.push(Err(garbled));
                                return found;
                            }
                        }
                    }
                }
                found
            };
            prop_assert_eq!(run(cut), run(input.len().max(1)));
        }
    }
}
