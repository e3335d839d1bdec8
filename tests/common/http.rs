//! A blocking HTTP/1.1 client that sends exactly the bytes it is given and reads one answer.
//!
//! It follows no redirect, keeps no cookie and adds no header: what a test writes is what the
//! server gets. It knows the two framings an answer can have (RFC 9112 section 6) and the end of
//! the connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long one read may wait. Far above what any answer takes, so that only a hang meets it; the
/// slowest is a browser that starts on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Bodies above this are a fault of the server.
const MAX_BODY: u64 = 256 * 1024 * 1024;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status line without its line end, such as `HTTP/1.1 200 OK`.
    pub status_line: String,
    /// Header names and values in the order they came, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
}

impl Response {
    /// The number in the status line.
    pub fn status(&self) -> u16 {
        let word = self.status_line.split(' ').nth(1);
        word.and_then(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("no status in {:?}", self.status_line))
    }

    /// The value of the first header called `name`, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("the body is UTF-8")
    }
}

/// Sends `request` on a connection of its own and reads the answer.
///
/// # Errors
/// When the connection fails, closes early or stays silent for a minute and a half, and when the answer
/// is not HTTP.
pub fn exchange(server: SocketAddr, request: &[u8]) -> io::Result<Response> {
    let mut connection = Connection::open(server)?;
    connection.send(request)?;
    connection.receive(request.starts_with(b"HEAD "))
}

/// `GET target`, on a connection of its own.
///
/// # Errors
/// As [`exchange`].
pub fn get(server: SocketAddr, target: &str) -> io::Result<Response> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    exchange(server, request.as_bytes())
}

/// `POST target` with a body of the given type, on a connection of its own.
///
/// # Errors
/// As [`exchange`].
pub fn post(server: SocketAddr, target: &str, media: &str, body: &[u8]) -> io::Result<Response> {
    let length = body.len();
    let mut request = format!(
        "POST {target} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\
         Content-Type: {media}\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    exchange(server, &request)
}

/// A connection that can carry several requests, one after another.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nothing listens there.
    pub fn open(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            reader: BufReader::new(stream),
        })
    }

    /// Sends bytes. A server that answers before it has read everything may close its side
    /// meanwhile: that is not an error here, its answer is still to be read.
    ///
    /// # Errors
    /// Any other fault of the connection.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.reader.get_mut().write_all(bytes) {
            Err(fault)
                if matches!(
                    fault.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn finish_sending(&mut self) -> io::Result<()> {
        self.reader.get_mut().shutdown(std::net::Shutdown::Write)
    }

    /// Reads one answer. `head_only` for the answer to HEAD, which has no body.
    ///
    /// # Errors
    /// As [`exchange`].
    pub fn receive(&mut self, head_only: bool) -> io::Result<Response> {
        let status_line = self.line()?;
        if !status_line.starts_with("HTTP/1.") {
            return Err(bad(format!(
                "a status line was expected, not {status_line:?}"
            )));
        }
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| bad(format!("a header was expected, not {line:?}")))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut response = Response {
            status_line,
            headers,
            body: Vec::new(),
        };
        let bodiless = head_only || matches!(response.status(), 100..=199 | 204 | 304);
        if !bodiless {
            response.body = self.body(&response)?;
        }
        Ok(response)
    }

    fn body(&mut self, head: &Response) -> io::Result<Vec<u8>> {
        if head
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            return self.chunks();
        }
        let mut body = Vec::new();
        if let Some(length) = head.header("content-length") {
            let length = length
                .parse()
                .map_err(|_| bad(format!("a length was expected, not {length:?}")))?;
            self.take(length, &mut body)?;
        } else {
            self.reader.by_ref().take(MAX_BODY).read_to_end(&mut body)?;
        }
        Ok(body)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let length = u64::from_str_radix(digits, 16)
                .map_err(|_| bad(format!("a chunk length was expected, not {line:?}")))?;
            self.take(length, &mut body)?;
            let end = self.line()?;
            if length == 0 {
                // Trailers, should there be any, end with an empty line as well.
                let mut trailer = end;
                while !trailer.is_empty() {
                    trailer = self.line()?;
                }
                return Ok(body);
            }
            if !end.is_empty() {
                return Err(bad(format!("a chunk is followed by {end:?}")));
            }
        }
    }

    fn take(&mut self, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
        if length > MAX_BODY {
            return Err(bad(format!("a body of {length} bytes")));
        }
        let read = self.reader.by_ref().take(length).read_to_end(body)?;
        if read as u64 == length {
            Ok(())
        } else {
            Err(bad(format!("the body ends after {read} of {length} bytes")))
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.reader
            .by_ref()
            .take(64 * 1024)
            .read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(bad(
                "the connection closed within the head of the answer".to_owned()
            ));
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        String::from_utf8(line).map_err(|_| bad("a header is not UTF-8".to_owned()))
    }
}

fn bad(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that reads one head and answers with `answer`, then closes.
    fn answering(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            reader.get_mut().write_all(answer).unwrap();
        });
        address
    }

    #[test]
    fn reads_each_framing() {
        let sized = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello+");
        assert_eq!(get(sized, "/").unwrap().text(), "hello");
        let chunked = answering(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        );
        assert_eq!(get(chunked, "/").unwrap().text(), "hello");
        let closed = answering(b"HTTP/1.0 503 Busy\r\n\r\nhello");
        let response = get(closed, "/").unwrap();
        assert_eq!((response.status(), response.text()), (503, "hello"));
    }

    #[test]
    fn a_short_body_is_an_error() {
        let short = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello");
        let fault = get(short, "/").unwrap_err();
        assert!(fault.to_string().contains("after 5 of 6"), "{fault}");
    }
}
