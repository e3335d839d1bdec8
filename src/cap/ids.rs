//! The ids of the commands in an object, read off its lines as they arrive: replies that come before the object is
//! understood must name it. CMDID of dialect A, the ID parameter of CMD in dialect B.

use std::borrow::Cow;

/// Longest id that is looked at, in octets.
const LONGEST: usize = 1024;

/// What was seen so far.
#[derive(Debug, Default)]
pub struct CommandIds {
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

    /// Notes the id in the line that was begun.
    fn take(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let Some(id) = id(&text) else { return };
        match &self.first {
            _ if id.len() > LONGEST => self.several = true,
            None => self.first = Some(id.into_owned()),
            Some(first) => self.several |= *first != id,
        }
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
    for param in params.split([';', ':']) {
        let Some((name, value)) = param.split_once('=') else {
            continue;
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
    fn ids_of_both_dialects() {
        let end = "END:VCAP";
        for line in [
            "CMDID:xyz",
            "cmdid;X-A=b:xyz",
            "CMD;ID=xyz:SEARCH",
            "CMD;LATENCY=1;id=\"xyz\":MOVE",
            "CMD:ID=xyz:MODIFY",
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
