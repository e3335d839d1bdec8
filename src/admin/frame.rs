//! Messages on the administration socket: a greeting line, then frames of a length and a postcard record.
//!
//! Each side greets with `wcapd-admin PROTOCOL VERSION`; unequal protocols part there. Then the client sends a
//! request and the pieces of its file, the server its notes, the pieces of its file, and an end.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::request::{Note, Request, Response};

/// Changes whenever a message does.
const PROTOCOL: u32 = 2;

/// Longest greeting line, in octets.
const GREETING_MAX: usize = 200;

/// Longest frame, in octets: lists of some hundred thousand rows fit. Files travel in pieces.
const FRAME_MAX: u32 = 64 << 20;

/// Octets in which files travel.
pub const PIECE: usize = 256 << 10;

/// From the client.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToServer {
    /// What to do; first.
    Request(Request),
    /// A piece of the file of the request; an empty one is its end.
    Piece(Vec<u8>),
}

/// From the server.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToClient {
    /// News.
    Note(Note),
    /// A piece of the file that answers.
    Piece(Vec<u8>),
    /// Done; last.
    Done(Response),
    /// Not done, and why; last.
    Failed(String),
}

/// Why the two sides cannot talk.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection broke.
    #[error("the connection to the running server broke: {0}")]
    Io(#[from] io::Error),
    /// The other side is another version.
    #[error("the server running on this data folder is version {0}, this program is version {version}; use the same", version = env!("CARGO_PKG_VERSION"))]
    Version(String),
    /// The other side sends something else.
    #[error("expected a message of the administration protocol, found something else")]
    Garbled,
}

/// Sends the own greeting.
pub fn greet(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "wcapd-admin {PROTOCOL} {}", env!("CARGO_PKG_VERSION"))?;
    out.flush()
}

/// Reads the other side's greeting and compares protocols.
pub fn greeted(input: &mut impl Read) -> Result<(), Error> {
    let mut line = Vec::new();
    let mut byte = [0];
    // Octet by octet: what follows the line must stay in the stream.
    while line.len() < GREETING_MAX {
        input.read_exact(&mut byte)?;
        if byte == *b"\n" {
            break;
        }
        line.push(byte[0]);
    }
    let text = String::from_utf8(line).map_err(|_| Error::Garbled)?;
    let mut words = text.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some("wcapd-admin"), Some(protocol), Some(_)) if protocol == PROTOCOL.to_string() => {
            Ok(())
        }
        (Some("wcapd-admin"), Some(_), Some(version)) => {
            Err(Error::Version(version.escape_default().to_string()))
        }
        _ => Err(Error::Garbled),
    }
}

/// Sends one message.
pub fn write<T: Serialize>(out: &mut impl Write, message: &T) -> io::Result<()> {
    let record = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(record.len())
        .ok()
        .filter(|length| *length <= FRAME_MAX)
        .ok_or_else(|| io::Error::other("the message is longer than 64 MiB"))?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(&record)?;
    out.flush()
}

/// Reads one message. A connection that ends inside or before it is an error of kind `UnexpectedEof`.
pub fn read<T: DeserializeOwned>(input: &mut impl Read) -> Result<T, Error> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > FRAME_MAX {
        return Err(Error::Garbled);
    }
    // Grows with what arrives, so that a length alone takes no memory.
    let mut record = Vec::new();
    input.take(u64::from(length)).read_to_end(&mut record)?;
    if record.len() as u64 != u64::from(length) {
        return Err(Error::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    postcard::from_bytes(&record).map_err(|_| Error::Garbled)
}
