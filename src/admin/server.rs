//! The administration socket of a running server: `admin.sock` in the data folder, for its owner alone.
//!
//! One connection is one request. Requests are carried out on the blocking pool, where the exchange with the
//! client is plain blocking reads and writes.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::frame::{self, PIECE, ToClient, ToServer};
use super::request::{Note, Peer, Request, Response};

/// The socket's name in the data folder.
pub const SOCKET: &str = "admin.sock";

/// Longest silence of a client in the middle of its request.
const SILENCE: Duration = Duration::from_secs(30);

/// Requests carried out at a time; they come from people and scripts of one machine.
const AT_ONCE: usize = 8;

/// What carries a request out; the error is a sentence for the administrator.
pub type Execute = dyn Fn(Request, &mut dyn Peer) -> Result<Response, String> + Send + Sync;

/// A bound socket that removes its file when dropped.
#[derive(Debug)]
pub struct Socket {
    listener: tokio::net::UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds the socket of the data folder `data`, over what an earlier server left there.
    ///
    /// The caller holds the store open, so no other server of this folder lives. Needs a Tokio runtime.
    pub fn bind(data: &Path) -> io::Result<Self> {
        let path = data.join(SOCKET);
        // Made under another name and moved: it is complete and private from its first moment.
        let fresh = data.join(format!("{SOCKET}.new"));
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = super::client::with_short_path(data, &fresh, |path| {
            std::os::unix::net::UnixListener::bind(path)
        })?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
        fs::rename(&fresh, &path)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: tokio::net::UnixListener::from_std(listener)?,
            path,
        })
    }

    /// Serves until `stop` turns true, then lets what has begun finish.
    pub async fn serve(self, execute: Arc<Execute>, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = tokio::task::JoinSet::new();
        loop {
            let slot = Arc::clone(&slots).acquire_owned();
            let connection = async {
                let slot = slot.await;
                (slot, self.listener.accept().await)
            };
            let (slot, accepted) = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                connection = connection => connection,
            };
            // The semaphore is never closed, and a failed accept concerns one client.
            let (Ok(slot), Ok((stream, _))) = (slot, accepted) else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let execute = Arc::clone(&execute);
            running.spawn_blocking(move || {
                let _slot = slot;
                if let Err(error) = answer(stream, &*execute) {
                    tracing::debug!(%error, "administration request broke off");
                }
            });
            while running.try_join_next().is_some() {}
        }
        let _ = fs::remove_file(&self.path);
        while running.join_next().await.is_some() {}
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Serves one connection.
fn answer(stream: tokio::net::UnixStream, execute: &Execute) -> Result<(), frame::Error> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut client = Client {
        stream,
        sent_all: false,
    };
    frame::greet(&mut client.stream)?;
    frame::greeted(&mut client.stream)?;
    let ToServer::Request(request) = frame::read(&mut client.stream)? else {
        return Err(frame::Error::Garbled);
    };
    tracing::info!(?request, "administration request");
    // Only these two come with a file.
    client.sent_all = !matches!(request, Request::Import(_));
    let result = execute(request, &mut client);
    // A client in the middle of sending reads the answer only after its last piece.
    while !client.sent_all {
        client.receive()?;
    }
    let last = result.map_or_else(ToClient::Failed, ToClient::Done);
    Ok(frame::write(&mut client.stream, &last)?)
}

/// The other end of a connection.
struct Client {
    stream: UnixStream,
    sent_all: bool,
}

impl Peer for Client {
    fn receive(&mut self) -> io::Result<Vec<u8>> {
        if self.sent_all {
            return Ok(Vec::new());
        }
        match frame::read(&mut self.stream) {
            Ok(ToServer::Piece(piece)) => {
                self.sent_all = piece.is_empty();
                Ok(piece)
            }
            Ok(ToServer::Request(_)) => Err(io::Error::other(frame::Error::Garbled)),
            Err(frame::Error::Io(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        for piece in piece.chunks(PIECE) {
            frame::write(&mut self.stream, &ToClient::Piece(piece.to_vec()))?;
        }
        Ok(())
    }

    fn note(&mut self, note: Note) -> io::Result<()> {
        frame::write(&mut self.stream, &ToClient::Note(note))
    }
}
