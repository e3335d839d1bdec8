//! Octets to lines, replies to octets: the framing of CSTP (draft-ietf-calsch-cap-04 section 7.1).
//!
//! Knows line ends, length bounds and dot stuffing; not what a line means.

use std::io::Write as _;

use super::status::Status;

/// Splits a stream into lines, however its octets arrive.
///
/// A line ends with CR LF or a bare LF; a CR elsewhere is data. A line that lies whole in the input is lent
/// from it; only the beginning of an unfinished one is kept here, and nothing once it is finished.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
    /// `partial` holds the line that was lent last.
    lent: bool,
    /// The rest of an overlong line is still to come.
    skipping: bool,
}

/// A line that passed its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a line of at most {limit} octets and found a longer one")]
pub struct TooLong {
    /// The bound, in octets without the line end.
    pub limit: usize,
}

impl Lines {
    /// Takes the next line off the front of `input`, without its line end.
    ///
    /// `None`: the input is used up; feed more. A line of more than `limit` octets is reported once, as
    /// soon as that is certain, and its rest is skipped. At most `limit + 1` octets are ever kept.
    pub fn next<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
        limit: usize,
    ) -> Option<Result<&'s [u8], TooLong>> {
        if self.lent {
            self.lent = false;
            // A fresh vector, not `clear`: thousands of idle sessions must not keep their longest line.
            self.partial = Vec::new();
        }
        if self.skipping {
            let end = input.iter().position(|&octet| octet == b'\n');
            *input = end.map_or(&[][..], |end| &input[end + 1..]);
            self.skipping = end.is_none();
            if self.skipping {
                return None;
            }
        }
        // The longest line is `limit` octets and CR LF; no need to look further.
        let room = limit.saturating_add(2).saturating_sub(self.partial.len());
        let window: &'i [u8] = &input[..input.len().min(room)];
        let Some(end) = window.iter().position(|&octet| octet == b'\n') else {
            let length = self.partial.len() + window.len();
            let line_may_end = length <= limit || (length == limit + 1 && window.ends_with(b"\r"));
            if !line_may_end {
                self.partial = Vec::new();
                self.skipping = true;
                return Some(Err(TooLong { limit }));
            }
            self.partial.extend_from_slice(window);
            *input = &[];
            return None;
        };
        let mut line = &window[..end];
        *input = &input[end + 1..];
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(line);
            self.lent = true;
            line = &self.partial;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(if line.len() > limit {
            Err(TooLong { limit })
        } else {
            Ok(line)
        })
    }
}

/// A data line as it was meant, without the dot that stuffing put in front; `None` for the lone dot that
/// ends the data. Section 7.1.
pub fn unstuff(line: &[u8]) -> Option<&[u8]> {
    match line {
        b"." => None,
        [b'.', line @ ..] => Some(line),
        line => Some(line),
    }
}

/// Appends a whole reply: status line, dot, data, dot.
///
/// `arguments` stand after the code, `note` after `;` is for people; both may be empty, and control
/// characters in them become spaces so that nothing a peer said can end the line.
pub fn write_reply(out: &mut Vec<u8>, status: Status, arguments: &str, note: &str, data: &[u8]) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{status}");
    for (mark, text) in [(" ", arguments), (" ; ", note)] {
        if !text.is_empty() {
            out.extend_from_slice(mark.as_bytes());
            out.extend(text.bytes().map(|octet| {
                if octet.is_ascii_control() {
                    b' '
                } else {
                    octet
                }
            }));
        }
    }
    out.extend_from_slice(b"\r\n.\r\n");
    write_data(out, data);
    out.extend_from_slice(b".\r\n");
}

/// Appends an intermediate reply: the status line alone.
pub fn write_line(out: &mut Vec<u8>, status: Status) {
    let _ = write!(out, "{status}\r\n");
}

/// Appends data lines with their dots stuffed and every line end as CR LF; a last line without its end
/// gets one. The closing lone dot is the caller's.
pub fn write_data(out: &mut Vec<u8>, data: &[u8]) {
    for line in data.split_inclusive(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(parts: &[&[u8]], limit: usize) -> Vec<Result<Vec<u8>, TooLong>> {
        let (mut reader, mut seen) = (Lines::default(), Vec::new());
        for part in parts {
            let mut input = *part;
            while let Some(line) = reader.next(&mut input, limit) {
                seen.push(line.map(<[u8]>::to_vec));
            }
            assert!(reader.partial.len() <= limit + 1);
        }
        seen
    }

    fn long() -> Result<Vec<u8>, TooLong> {
        Err(TooLong { limit: 4 })
    }

    #[test]
    fn line_ends() {
        let seen = lines(&[b"a\r\nb\n\r\n\nc\rd\r\r\nopen"], 10);
        let plain: Vec<_> = seen.into_iter().map(Result::unwrap).collect();
        assert_eq!(plain, [&b"a"[..], b"b", b"", b"", b"c\rd\r"]);
    }

    #[test]
    fn nothing_is_kept_of_finished_lines() {
        let mut reader = Lines::default();
        for mut part in [&b"NO"[..], b"OP\r\n"] {
            while reader.next(&mut part, 10).is_some() {}
        }
        assert_eq!(reader.partial.capacity(), 0);
    }

    #[test]
    fn bound_counts_octets_before_the_line_end() {
        assert_eq!(lines(&[b"1234\r\n"], 4), [Ok(b"1234".to_vec())]);
        assert_eq!(lines(&[b"1234\n"], 4), [Ok(b"1234".to_vec())]);
        assert_eq!(lines(&[b"12345\n"], 4), [long()]);
        assert_eq!(lines(&[b"12345\r\nx\n"], 4), [long(), Ok(b"x".to_vec())]);
        // Reported before its end is seen, and once.
        assert_eq!(lines(&[b"12345"], 4), [long()]);
        assert_eq!(lines(&[b"1234\r"], 4), []);
        assert_eq!(
            lines(&[b"123", b"456", b"789", b"\nx\n"], 4),
            [long(), Ok(b"x".to_vec())]
        );
    }

    #[test]
    fn a_reply_without_data_is_eleven_octets() {
        let mut out = Vec::new();
        write_reply(&mut out, Status::SUCCESS, "", "", b"");
        assert_eq!(out, b"2.0\r\n.\r\n.\r\n");
    }

    #[test]
    fn a_reply_cannot_be_split_by_its_arguments() {
        let mut out = Vec::new();
        write_reply(
            &mut out,
            Status::UNRECOGNISED,
            "a\r\n2.0",
            "b\nc",
            b".\n..2\nx",
        );
        assert_eq!(out, b"9.0 a  2.0 ; b c\r\n.\r\n..\r\n...2\r\nx\r\n.\r\n");
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(octets in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'.'), any::<u8>()], 0..200), cut in 1usize..20)
        {
            let parts: Vec<_> = octets.chunks(cut).collect();
            prop_assert_eq!(lines(&parts, 8), lines(&[&octets], 8));
        }

        #[test]
        fn stuffing_inverts(data in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![Just(b'.'), 0x20u8..0x7f], 0..6), 0..8))
        {
            let text: Vec<u8> = data.iter().flat_map(|line| [&line[..], b"\r\n"].concat()).collect();
            let mut out = Vec::new();
            write_data(&mut out, &text);
            let read: Vec<_> = lines(&[&out], 100).into_iter()
                .map(|line| unstuff(&line.unwrap()).map(<[u8]>::to_vec)).collect();
            prop_assert_eq!(read, data.into_iter().map(Some).collect::<Vec<_>>());
        }
    }
}
