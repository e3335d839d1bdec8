//! Asks the running server of a data folder, if there is one.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::frame::{self, ToClient, ToServer};
use super::request::{Peer, Request, Response};
use super::server::SOCKET;

/// Longest path a socket address can hold everywhere (macOS has 104 octets with the end mark, Linux 108).
const PATH_MAX: usize = 103;

/// Why a running server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It refused; its own sentence.
    #[error("{0}")]
    Refused(String),
    /// It could not be talked to.
    #[error(transparent)]
    Frame(#[from] frame::Error),
    /// The local file could not be read or written.
    #[error("{0}")]
    Local(io::Error),
    /// The socket cannot be used.
    #[error("cannot connect to {}: {cause}; run this as the user that runs the server", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// A connection to the running server.
#[derive(Debug)]
pub struct Connection(UnixStream);

impl Connection {
    /// Connects to the server of the data folder `data`; nothing when none serves there.
    ///
    /// Nothing has been asked yet when this returns, so trying again is safe.
    pub fn open(data: &Path) -> Result<Option<Self>, Error> {
        let path = data.join(SOCKET);
        match with_short_path(data, &path, |path| UnixStream::connect(path)) {
            Ok(mut stream) => match greetings(&mut stream) {
                Ok(()) => Ok(Some(Self(stream))),
                // It stopped between accepting and greeting.
                Err(frame::Error::Io(_)) => Ok(None),
                Err(error) => Err(error.into()),
            },
            // Refused is what a socket says whose server was killed.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(cause) => Err(Error::Connect { path, cause }),
        }
    }

    /// Has `request` carried out; `local` gives and takes the files and hears the news.
    pub fn call(mut self, request: &Request, local: &mut dyn Peer) -> Result<Response, Error> {
        let with_file = matches!(request, Request::Import(_));
        let message = ToServer::Request(request.clone());
        frame::write(&mut self.0, &message).map_err(frame::Error::Io)?;
        if with_file {
            self.send_file(local)?;
        }
        loop {
            match frame::read(&mut self.0)? {
                ToClient::Note(note) => local.note(note).map_err(Error::Local)?,
                ToClient::Piece(piece) => local.send(&piece).map_err(Error::Local)?,
                ToClient::Done(response) => return Ok(response),
                ToClient::Failed(reason) => return Err(Error::Refused(reason)),
            }
        }
    }

    fn send_file(&mut self, local: &mut dyn Peer) -> Result<(), Error> {
        loop {
            let piece = local.receive().map_err(Error::Local)?;
            let last = piece.is_empty();
            match frame::write(&mut self.0, &ToServer::Piece(piece)) {
                Ok(()) if last => return Ok(()),
                Ok(()) => {}
                // The server gave up early; what it says about it is still to be read.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(frame::Error::Io(error).into()),
            }
        }
    }
}

fn greetings(stream: &mut UnixStream) -> Result<(), frame::Error> {
    frame::greet(stream)?;
    frame::greeted(stream)
}

/// Runs `act` on `path`, or, where that is too long for a socket address, on a short path to the same file.
///
/// `path` is in `folder`. Only Linux knows such a detour; elsewhere the system's refusal stands.
pub(super) fn with_short_path<T>(
    folder: &Path,
    path: &Path,
    act: impl FnOnce(&Path) -> io::Result<T>,
) -> io::Result<T> {
    use std::os::fd::AsRawFd;
    let name = path.file_name().unwrap_or_default();
    if path.as_os_str().len() <= PATH_MAX || !cfg!(target_os = "linux") {
        return act(path);
    }
    let folder = fs::File::open(folder)?;
    act(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name))
}
