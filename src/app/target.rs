//! Request targets as old clients write them: raw quotes, angle brackets and octets beyond ASCII in the query.
//!
//! The WCAP guides themselves print `rrules="..."` and scripts send it so, but the HTTP library refuses such a
//! request before any handler sees it. This passes a connection's octets on and only percent-encodes those
//! octets of a query that would be refused; RFC 3986 gives both forms the same meaning. To find the next query it
//! follows the framing of HTTP/1 (RFC 9112 section 6); where that is in any doubt, and in HTTP/2, it steps
//! aside for the rest of the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest header line that is looked at; those that frame a body are far shorter.
const LINE: usize = 64;

/// Where in the stream the next octet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the request line, before the first space; empty lines before it do not count.
    Method,
    /// In the target, before `?`.
    Path,
    /// In the target, after `?`.
    Query,
    /// After the target.
    Version,
    /// In a header line.
    Header,
    /// In a body, so many octets before its end.
    Body(u64),
    /// In the line that tells the size of a chunk.
    ChunkSize,
    /// In a chunk and the line break after it.
    Chunk(u64),
    /// In a line after the last chunk.
    Trailer,
    /// Nobody knows: nothing is changed any more.
    Unknown,
}

/// Follows the octets a client sends.
#[derive(Debug)]
struct Framing {
    place: Place,
    /// The start of the present line.
    line: Vec<u8>,
    length: Option<u64>,
    chunked: bool,
}

impl Framing {
    fn new() -> Self {
        Self {
            place: Place::Method,
            line: Vec::with_capacity(LINE),
            length: None,
            chunked: false,
        }
    }

    /// Goes through `octets`, the next of the stream, and adds to `marks` the places of those to encode.
    fn follow(&mut self, octets: &[u8], marks: &mut Vec<usize>) {
        let mut at = 0;
        while let Some(&octet) = octets.get(at) {
            let left = (octets.len() - at) as u64;
            match self.place {
                Place::Unknown => return,
                Place::Body(length) | Place::Chunk(length) if length > left => {
                    self.skip(length - left);
                    return;
                }
                Place::Body(length) | Place::Chunk(length) => {
                    at += usize::try_from(length).unwrap_or(usize::MAX);
                    self.skip(0);
                    continue;
                }
                Place::Query if must_encode(octet) => marks.push(at),
                _ => self.step(octet),
            }
            at += 1;
        }
    }

    fn skip(&mut self, left: u64) {
        self.place = match (self.place, left) {
            (Place::Body(_), 0) => Place::Method,
            (Place::Body(_), left) => Place::Body(left),
            (_, 0) => Place::ChunkSize,
            (_, left) => Place::Chunk(left),
        };
    }

    /// One octet of a line.
    fn step(&mut self, octet: u8) {
        match (self.place, octet) {
            (Place::Method, b'\r' | b'\n') if self.line.is_empty() => {}
            (Place::Method, b' ') => {
                let preface = self.line == b"PRI";
                self.next_line(if preface { Place::Unknown } else { Place::Path });
            }
            (Place::Path, b'?') => self.place = Place::Query,
            (Place::Path | Place::Query, b' ') => self.place = Place::Version,
            (Place::Method, b'\n') => self.place = Place::Unknown,
            (Place::Path | Place::Query | Place::Version, b'\n') => self.next_line(Place::Header),
            (Place::Path | Place::Query | Place::Version, _) => {}
            (Place::Header, b'\n') => self.header(),
            (Place::ChunkSize, b'\n') => self.chunk_size(),
            (Place::Trailer, b'\n') => {
                let end = self.line.trim_ascii_end().is_empty();
                self.next_line(if end { Place::Method } else { Place::Trailer });
            }
            _ if self.line.len() < LINE => self.line.push(octet),
            _ => {}
        }
    }

    fn next_line(&mut self, place: Place) {
        self.line.clear();
        self.place = place;
    }

    /// At the end of a header line.
    fn header(&mut self) {
        let cut = self.line.len() == LINE;
        let line = self.line.trim_ascii_end().to_ascii_lowercase();
        let folded = line.first().is_some_and(u8::is_ascii_whitespace);
        let mut doubt = folded && !line.is_empty();
        if let Some(value) = line.strip_prefix(b"content-length:") {
            let length = number(value.trim_ascii(), 10).filter(|_| !cut);
            doubt |= length.is_none() || self.length.is_some();
            self.length = length;
        } else if let Some(value) = line.strip_prefix(b"transfer-encoding:") {
            doubt |= cut || self.chunked || value.trim_ascii() != b"chunked";
            self.chunked = true;
        }
        self.next_line(if doubt { Place::Unknown } else { Place::Header });
        if line.is_empty() {
            self.place = match (self.chunked, self.length) {
                (true, Some(_)) => Place::Unknown,
                (true, None) => Place::ChunkSize,
                (false, None | Some(0)) => Place::Method,
                (false, Some(length)) => Place::Body(length),
            };
            (self.length, self.chunked) = (None, false);
        }
    }

    /// At the end of the line before a chunk.
    fn chunk_size(&mut self) {
        let digits = self.line.split(|b| *b == b';').next().unwrap_or_default();
        let size = number(digits.trim_ascii(), 16);
        self.next_line(match size {
            None => Place::Unknown,
            Some(0) => Place::Trailer,
            Some(size) => Place::Chunk(size.saturating_add(2)),
        });
    }
}

/// A number of digits alone: no sign, no blanks.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let plain = digits.iter().all(u8::is_ascii_alphanumeric);
    let text = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    u64::from_str_radix(text, radix).ok()
}

/// What the HTTP library takes for no part of a query, but for blanks and controls, which end a target.
fn must_encode(octet: u8) -> bool {
    matches!(octet, b'"' | b'<' | b'>' | 0x80..)
}

/// `octets` with those at `marks` percent-encoded.
fn encode(octets: &[u8], marks: &[usize]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(octets.len() + 2 * marks.len());
    let mut marks = marks.iter().copied().peekable();
    for (at, &octet) in octets.iter().enumerate() {
        if marks.next_if_eq(&at).is_some() {
            let digit = |n: u8| DIGITS[usize::from(n & 15)];
            out.extend([b'%', digit(octet >> 4), digit(octet)]);
        } else {
            out.push(octet);
        }
    }
    out
}

/// A stream whose request targets any HTTP library takes; writes go through untouched.
#[derive(Debug)]
pub(super) struct Repaired<S> {
    stream: S,
    framing: Framing,
    marks: Vec<usize>,
    /// Octets that found no room in the reader's buffer, and how many of them were handed out.
    left: (Vec<u8>, usize),
}

impl<S> Repaired<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            framing: Framing::new(),
            marks: Vec::new(),
            left: (Vec::new(), 0),
        }
    }

    /// Hands out what was left; says whether there was anything.
    fn hand_out(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let (octets, done) = &mut self.left;
        let rest = octets.get(*done..).unwrap_or_default();
        if rest.is_empty() {
            return false;
        }
        let now = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..now]);
        *done += now;
        if *done == octets.len() {
            self.left = (Vec::new(), 0);
        }
        true
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Repaired<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 || this.hand_out(buffer) {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        this.marks.clear();
        this.framing.follow(new, &mut this.marks);
        if !this.marks.is_empty() {
            this.left = (encode(new, &this.marks), 0);
            buffer.set_filled(before);
            this.hand_out(buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Repaired<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, octets)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::*;

    /// What a reader gets of `octets` when they arrive in pieces of `piece`.
    fn through(octets: &[u8], piece: usize) -> Vec<u8> {
        let mut framing = Framing::new();
        let mut out = Vec::new();
        for piece in octets.chunks(piece) {
            let mut marks = Vec::new();
            framing.follow(piece, &mut marks);
            out.extend(encode(piece, &marks));
        }
        out
    }

    fn check(octets: &str, want: &str) {
        for piece in [1, 2, 3, 7, 1 << 20] {
            let got = through(octets.as_bytes(), piece);
            assert_eq!(String::from_utf8_lossy(&got), want, "{piece}");
        }
    }

    #[test]
    fn queries_are_repaired_and_bodies_are_not() {
        check(
            "\r\nGET /\"a\"?r=\"F<x>\u{e4};'^ HTTP/1.1\r\nX: ?\"\r\n\r\n\
             POST /b?\" HTTP/1.1\r\nContent-Length: 16\r\n\r\nGET /?\" HTTP/1.1\
             POST /c?\" HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n\
             9;x\r\nGET /?\"\r\n\r\n0\r\nT: ?\"\r\n\r\nGET /d?\" HTTP/1.1\r\n\r\n",
            "\r\nGET /\"a\"?r=%22F%3Cx%3E%C3%A4;'^ HTTP/1.1\r\nX: ?\"\r\n\r\n\
             POST /b?%22 HTTP/1.1\r\nContent-Length: 16\r\n\r\nGET /?\" HTTP/1.1\
             POST /c?%22 HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n\
             9;x\r\nGET /?\"\r\n\r\n0\r\nT: ?\"\r\n\r\nGET /d?%22 HTTP/1.1\r\n\r\n",
        );
    }

    #[test]
    fn in_doubt_nothing_is_changed() {
        let next = "GET /?\" HTTP/1.1\r\n\r\n";
        for head in [
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "nonsense\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "POST / HTTP/1.1\r\nX: y\r\n folded\r\n\r\n",
        ] {
            let octets = format!("{head}{next}");
            check(&octets, &octets);
        }
    }

    #[tokio::test]
    async fn a_small_buffer_gets_it_all() {
        let octets = b"GET /?\"\"\"\" HTTP/1.1\r\n\r\n";
        let mut stream = Repaired::new(&octets[..]);
        let mut got: Vec<u8> = Vec::new();
        let mut buffer = [0; 5];
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            if read == 0 {
                break;
            }
            got.extend_from_slice(&buffer[..read]);
        }
        assert_eq!(got, b"GET /?%22%22%22%22 HTTP/1.1\r\n\r\n");
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            octets in "(GET|POST) /[a?\" ]{0,9} HTTP/1.1\r\n(Content-Length: [0-9]{1,2}\r\n|Transfer-Encoding: chunked\r\n)?\r\n[0-9a-f\"? \r\n]{0,60}",
            piece in 1_usize..20,
        ) {
            let whole = through(octets.as_bytes(), usize::MAX);
            prop_assert_eq!(through(octets.as_bytes(), piece), whole);
        }

        #[test]
        fn anything_goes_through(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(through(&octets, 7).len() >= octets.len());
        }
    }
}
