//! The socket's exchange: requests, files both ways, refusals, other versions, stale sockets, the end.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::client::{Connection, Error};
use super::server::{Execute, SOCKET, Socket};
use super::*;

/// A local side that sends `file` in small pieces and keeps what comes back.
#[derive(Default)]
struct Local {
    file: Vec<u8>,
    got: Vec<u8>,
    notes: Vec<Note>,
}

impl Peer for Local {
    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let rest = self.file.split_off(self.file.len().min(100_000));
        Ok(std::mem::replace(&mut self.file, rest))
    }
    fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        self.got.extend_from_slice(piece);
        Ok(())
    }
    fn note(&mut self, note: Note) -> io::Result<()> {
        self.notes.push(note);
        Ok(())
    }
}

/// Counts what an import sends, exports a megabyte, refuses the rest.
fn fake(request: Request, peer: &mut dyn Peer) -> Result<Response, String> {
    match request {
        Request::UserList => Ok(Response::Table(
            vec!["NAME".into()],
            vec![vec!["tom".into()]],
        )),
        Request::Import(calid) if calid == "full" => Err("the calendar is full".to_owned()),
        Request::Import(_) => {
            let mut stored = 0;
            loop {
                let piece = peer.receive().map_err(|e| e.to_string())?;
                if piece.is_empty() {
                    break;
                }
                stored += piece.len() as u64;
            }
            peer.note(Note::Fault("line 7: no UID".into()))
                .map_err(|e| e.to_string())?;
            Ok(Response::Imported {
                stored,
                refused: 1,
                unlisted: 0,
            })
        }
        Request::Export(_) => {
            let piece = vec![b'x'; 1_000_000];
            peer.send(&piece).map_err(|e| e.to_string())?;
            Ok(Response::Done)
        }
        _ => Err("there is no user 'x'; 'wcapd user list' shows them".to_owned()),
    }
}

/// Runs `client` on a thread beside a server on `data`.
async fn with_server<T: Send + 'static>(
    data: &Path,
    execute: Arc<Execute>,
    client: impl FnOnce() -> T + Send + 'static,
) -> T {
    let socket = Socket::bind(data).unwrap();
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(socket.serve(execute, stopped));
    let result = tokio::task::spawn_blocking(client).await.unwrap();
    stop.send(true).unwrap();
    server.await.unwrap();
    assert!(!data.join(SOCKET).exists());
    result
}

fn call(data: &Path, request: Request, local: &mut Local) -> Result<Response, Error> {
    let connection = Connection::open(data).unwrap().unwrap();
    connection.call(&request, local)
}

#[tokio::test]
async fn requests_and_files_travel() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    with_server(folder.path(), Arc::new(fake), move || {
        let mode = std::fs::metadata(data.join(SOCKET))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);

        let mut local = Local::default();
        let listed = call(&data, Request::UserList, &mut local).unwrap();
        assert!(matches!(listed, Response::Table(_, rows) if rows == [["tom"]]));

        local.file = vec![b'a'; 3_000_000];
        let imported = call(&data, Request::Import("tom".into()), &mut local).unwrap();
        let expected = Response::Imported {
            stored: 3_000_000,
            refused: 1,
            unlisted: 0,
        };
        assert_eq!(imported, expected);
        assert!(matches!(&local.notes[..], [Note::Fault(fault)] if fault == "line 7: no UID"));

        call(&data, Request::Export("tom".into()), &mut local).unwrap();
        assert_eq!(local.got.len(), 1_000_000);
    })
    .await;
}

#[tokio::test]
async fn refusals_arrive_even_while_a_file_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    with_server(folder.path(), Arc::new(fake), move || {
        let mut local = Local::default();
        let refused = call(&data, Request::UserShow("x".into()), &mut local).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "there is no user 'x'; 'wcapd user list' shows them"
        );
        local.file = vec![b'a'; 3_000_000];
        let refused = call(&data, Request::Import("full".into()), &mut local).unwrap_err();
        assert_eq!(refused.to_string(), "the calendar is full");
    })
    .await;
}

#[tokio::test]
async fn a_stale_socket_is_none_and_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Connection::open(folder.path()).unwrap().is_none());
    // What a killed server leaves: a socket file that nobody listens on.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap());
    assert!(folder.path().join(SOCKET).exists());
    assert!(Connection::open(folder.path()).unwrap().is_none());
    let data = folder.path().to_owned();
    with_server(folder.path(), Arc::new(fake), move || {
        call(&data, Request::UserList, &mut Local::default()).unwrap();
    })
    .await;
}

#[tokio::test]
async fn another_version_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap();
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"wcapd-admin 0 9.9.9\n").unwrap();
        // The client must read this before the stream goes.
        let _ = io::copy(&mut stream, &mut io::sink());
    });
    let error = Connection::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("version 9.9.9"), "{error}");
    other.join().unwrap();
}

#[tokio::test]
async fn garbage_and_early_ends_leave_the_server_serving() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    with_server(folder.path(), Arc::new(fake), move || {
        for garbage in [
            &b""[..],
            b"GET / HTTP/1.1\r\n\r\n",
            b"wcapd-admin 2 0\n\xff\xff\xff\xff",
            b"wcapd-admin 2 0\n\x00\x00\x00\x02\xff\xff",
            b"wcapd-admin 2 0\n\x00\x00\x00\x09abc",
        ] {
            let path = data.join(SOCKET);
            let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
            stream.write_all(garbage).unwrap();
        }
        call(&data, Request::UserList, &mut Local::default()).unwrap();
    })
    .await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn long_paths_are_reached_by_a_detour() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d".repeat(120));
    std::fs::create_dir(&data).unwrap();
    let theirs = data.clone();
    with_server(&data, Arc::new(fake), move || {
        call(&theirs, Request::UserList, &mut Local::default()).unwrap();
    })
    .await;
}

#[test]
fn passwords_are_not_printed() {
    let request = Request::UserPassword("tom".into(), Secret("hunter2".into()));
    assert!(!format!("{request:?}").contains("hunter2"));
}
