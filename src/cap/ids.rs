//! What an object's commands say to the session, read off its lines as they arrive: their ids, since replies that come before
//! the object is understood must name it (CMDID of dialect A, the ID parameter of CMD in dialect B); how long the client will
//! wait; and whether it is an answer to the session's own question (RFC 4324 section 10.1).

use std::borrow::Cow;
use std::time::Duration;

/// Longest id that is looked at, in octets.
const LONGEST: usize = 1024;

/// What is to happen when the client will not wait any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtLate {
    /// It is asked.
    Ask,
    /// The command is given up.
    GiveUp,
}

/// An answer to the session's question whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// CONTINUE.
    GoOn,
    /// ABORT.
    Stop,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct CommandIds {
    /// Lines with a CMD.
    commands: usize,
    /// What the last of them says, in so far as it is said.
    patience: Option<(Duration, AtLate)>,
    answered: Option<Answered>,
    first: Option<String>,
    /// There is another one, or one too long.
    several: bool,
    /// The last line, unfolded, while it may be one with an id.
    line: Vec<u8>,
}

impl CommandIds {
    /// Looks at the next line of an object. Base64 and quoted-printable hide ids, which then are not known here.
    pub fn look(&mut self, line: &[u8]) {
        if let [b' ' | b'\t', rest @ ..] = line {
            if !self.line.is_empty() {
                self.line.extend_from_slice(rest);
                self.line.truncate(4 * LONGEST);
            }
            return;
        }
        self.take();
        let name = line.split(|octet| matches!(octet, b':' | b';')).next();
        let name = name.unwrap_or_default();
        if name.eq_ignore_ascii_case(b"CMDID") || name.eq_ignore_ascii_case(b"CMD") {
            self.line = line[..line.len().min(4 * LONGEST)].to_vec();
        }
    }

    /// The object has come to its end.
    pub fn finish(&mut self) {
        self.take();
    }

    /// The id of the object's command, if there is exactly one. Complete after [`CommandIds::finish`].
    pub fn only(&self) -> Option<&str> {
        self.first.as_deref().filter(|_| !self.several)
    }

    /// How long the client will wait for the object's commands, and what then.
    pub fn patience(&self) -> Option<(Duration, AtLate)> {
        self.patience
    }

    /// Whether the object is nothing but an answer to the session's question.
    pub fn answered(&self) -> Option<Answered> {
        self.answered.filter(|_| self.commands == 1)
    }

    /// Notes what the line that was begun says.
    fn take(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        if let Some((name, rest)) = text.split_at_checked(3)
            && name.eq_ignore_ascii_case("CMD")
            && rest.starts_with([';', ':'])
        {
            self.commands += 1;
            self.patience = patience(rest).or(self.patience);
            self.answered = answered(rest);
        }
        let Some(id) = id(&text) else { return };
        match &self.first {
            _ if id.len() > LONGEST => self.several = true,
            None => self.first = Some(id.into_owned()),
            Some(first) => self.several |= *first != id,
        }
    }
}

/// LATENCY and ACTION among what stands behind a CMD.
fn patience(rest: &str) -> Option<(Duration, AtLate)> {
    let param = |wanted: &str| {
        rest.split([';', ':']).find_map(|param| {
            let (name, value) = param.split_once('=')?;
            name.eq_ignore_ascii_case(wanted)
                .then(|| value.trim_matches('"'))
        })
    };
    let seconds = param("LATENCY")?.parse::<u32>().ok().filter(|s| *s > 0)?;
    let action = param("ACTION")?;
    let at_late = match action.to_ascii_uppercase().as_str() {
        "ASK" => AtLate::Ask,
        "ABORT" => AtLate::GiveUp,
        _ => return None,
    };
    Some((Duration::from_secs(seconds.into()), at_late))
}

/// The command's name, where it is one of a conversation.
fn answered(rest: &str) -> Option<Answered> {
    let name = rest.rsplit([':', ';']).next()?.trim();
    match name.to_ascii_uppercase().as_str() {
        "CONTINUE" => Some(Answered::GoOn),
        "ABORT" => Some(Answered::Stop),
        _ => None,
    }
}

/// The id in a line `CMDID:x` or `CMD;ID=x:NAME`.
fn id(line: &str) -> Option<Cow<'_, str>> {
    let (name, value) = line.split_once(':')?;
    if name
        .get(..5)
        .is_some_and(|name| name.eq_ignore_ascii_case("CMDID"))
    {
        let value = value.trim();
        return (!value.is_empty()).then(|| value.into());
    }
    let params = line.get(3..)?.strip_prefix([';', ':'])?;
    let mut params = params.split([';', ':']);
    while let Some(param) = params.next() {
        let (name, value) = match param.split_once('=') {
            Some(pair) => pair,
            // Printed so once.
            None if param.eq_ignore_ascii_case("ID") => (param, params.next()?),
            None => continue,
        };
        if name.eq_ignore_ascii_case("ID") {
            let value = value.trim_matches('"');
            return (!value.is_empty()).then(|| value.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(lines: &[&str]) -> Option<String> {
        let mut ids = CommandIds::default();
        lines.iter().for_each(|line| ids.look(line.as_bytes()));
        ids.finish();
        ids.only().map(str::to_owned)
    }

    #[test]
    fn patience_and_answers_are_read_off_cmd() {
        let seen = |lines: &[&str]| {
            let mut ids = CommandIds::default();
            lines.iter().for_each(|line| ids.look(line.as_bytes()));
            ids.finish();
            let patience = ids.patience().map(|(time, then)| (time.as_secs(), then));
            (patience, ids.answered())
        };
        let ask = Some((3, AtLate::Ask));
        for (line, expected) in [
            ("CMD;ID=x;LATENCY=3;ACTION=ASK:SEARCH", (ask, None)),
            ("CMD:id=x;latency=3;action=ask:SEARCH", (ask, None)),
            (
                "CMD;LATENCY=4;ACTION=\"ABORT\":MOVE",
                (Some((4, AtLate::GiveUp)), None),
            ),
            ("CMD;LATENCY=0;ACTION=ASK:MOVE", (None, None)),
            ("CMD;LATENCY=3:MOVE", (None, None)),
            ("CMD;ID=x:continue", (None, Some(Answered::GoOn))),
            ("CMD;ID=CONTINUE:ABORT", (None, Some(Answered::Stop))),
            ("CMDID:ABORT", (None, None)),
            ("METHOD:ABORT", (None, None)),
        ] {
            assert_eq!(seen(&[line, "END:X"]), expected, "{line}");
        }
        let two = ["CMD:ABORT", "CMD:SEARCH", "CMD:ABORT"];
        assert_eq!(seen(&two).1, None);
    }

    #[test]
    fn ids_of_both_dialects() {
        let end = "END:VCAP";
        for line in [
            "CMDID:xyz",
            "cmdid;X-A=b:xyz",
            "CMD;ID=xyz:SEARCH",
            "CMD;LATENCY=1;id=\"xyz\":MOVE",
            "CMD:ID=xyz:MODIFY",
            "CMD;ID:\"xyz\":DELETE",
        ] {
            assert_eq!(
                only(&["BEGIN:VCAP", line, end]).as_deref(),
                Some("xyz"),
                "{line}"
            );
        }
        assert_eq!(
            only(&["CMDID:x", " yz", "METHOD:READ"]).as_deref(),
            Some("xyz")
        );
        assert_eq!(only(&["CMDID:x", "CMDID:x", end]).as_deref(), Some("x"));
        assert_eq!(only(&["CMDID:x", "CMDID:y", end]), None);
        for line in [
            "CMDID:",
            "CMD:SEARCH",
            "XCMDID:x",
            " CMDID:x",
            "CMDIDX:x",
            "",
        ] {
            assert_eq!(only(&[line, end]), None, "{line}");
        }
        assert_eq!(only(&[&format!("CMDID:{}", "x".repeat(1025)), end]), None);
    }
}
