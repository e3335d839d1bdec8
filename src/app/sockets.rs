//! The sockets that the server listens on: those that systemd hands over (sd_listen_fds(3), by their names `http` and
//! `cap`), else those that the configuration names. What is served on them is others' matter.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixListener};

use super::Error;
use super::listen::Listener;
use crate::config::Config;

/// Who may connect to a Unix socket of ours: the server's account and its group.
const SOCKET_MODE: u32 = 0o660;

/// All of them. Dropping it removes the file of the Unix socket.
pub(super) struct Sockets {
    /// HTTP, one or more.
    pub(super) http: Vec<Listener>,
    /// Where HTTP is to be reached over TCP, for people.
    pub(super) http_addr: SocketAddr,
    /// CAP, one or more.
    pub(super) cap: Vec<TcpListener>,
    /// Where CAP is to be reached, for people.
    pub(super) cap_addr: SocketAddr,
    /// CAP inside TLS from the first octet.
    pub(super) cap_tls: Option<TcpListener>,
    /// Numbers for Prometheus.
    pub(super) metrics: Option<TcpListener>,
    /// The file to remove in the end.
    _file: Option<SocketFile>,
}

impl Sockets {
    /// Opens them, or takes those that were handed over.
    pub(super) async fn open(config: &Config, handed: Handed) -> Result<Self, Error> {
        let mut handed = handed.sorted()?;
        let plain_addr = handed.http.iter().find_map(|listener| match listener {
            Listener::Tcp(listener) => listener.local_addr().ok().filter(|addr| !is_local(*addr)),
            Listener::Unix(_) => None,
        });
        if let Some(addr) = plain_addr.filter(|_| !config.http.plain_remote && !config.tls.is_on())
        {
            return Err(Error::Plain(addr));
        }
        let (mut http_addr, mut cap_addr) = (config.http.addr, config.cap.addr);
        if handed.http.is_empty() {
            let (listener, addr) = bind("http", config.http.addr).await?;
            http_addr = addr;
            handed.http.push(Listener::Tcp(listener));
        }
        if handed.cap.is_empty() {
            let (listener, addr) = bind("cap", config.cap.addr).await?;
            cap_addr = addr;
            handed.cap.push(listener);
        }
        let cap_tls = match config.cap.tls_addr {
            Some(addr) => Some(bind("cap over TLS", addr).await?.0),
            None => None,
        };
        let metrics = match config.metrics.addr {
            Some(addr) => Some(bind("metrics", addr).await?.0),
            None => None,
        };
        let mut file = None;
        if let Some(path) = &config.http.socket {
            let listener = bind_unix(path).map_err(|cause| Error::HttpSocket {
                path: path.clone(),
                cause,
            })?;
            eprintln!("http listening on {}", path.display());
            handed.http.push(Listener::Unix(listener));
            file = Some(SocketFile(path.clone()));
        }
        Ok(Self {
            http: handed.http,
            http_addr,
            cap: handed.cap,
            cap_addr,
            cap_tls,
            metrics,
            _file: file,
        })
    }
}

/// What systemd handed over, not looked at yet.
pub(super) struct Handed {
    descriptors: ListenFd,
    names: String,
}

impl Handed {
    /// Takes it out of the environment, which no other thread may read meanwhile: call it before there are any.
    pub(super) fn from_env() -> Self {
        Self {
            names: std::env::var("LISTEN_FDNAMES").unwrap_or_default(),
            descriptors: ListenFd::from_env(),
        }
    }

    fn sorted(mut self) -> Result<Sorted, Error> {
        let mut names = self.names.split(':');
        let mut sorted = Sorted::default();
        for at in 0..self.descriptors.len() {
            let name = names.next().unwrap_or_default();
            let added = sorted.add(name, at, &mut self.descriptors);
            added.map_err(|cause| Error::Handed {
                name: name.to_owned(),
                cause,
            })?;
        }
        Ok(sorted)
    }
}

/// The same, by what is served on it.
#[derive(Default)]
struct Sorted {
    http: Vec<Listener>,
    cap: Vec<TcpListener>,
}

impl Sorted {
    fn add(&mut self, name: &str, at: usize, descriptors: &mut ListenFd) -> io::Result<()> {
        let wrong =
            || io::Error::other("expected FileDescriptorName=http or cap, a listening stream");
        match name {
            "http" | "cap" => {}
            _ => return Err(wrong()),
        }
        if let Ok(Some(listener)) = descriptors.take_tcp_listener(at) {
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            eprintln!("{name} listening on {}", listener.local_addr()?);
            match name {
                "http" => self.http.push(Listener::Tcp(listener)),
                _ => self.cap.push(listener),
            }
            return Ok(());
        }
        // Of these CAP has no use: its peers are told apart by address.
        match descriptors.take_unix_listener(at)? {
            Some(listener) if name == "http" => {
                listener.set_nonblocking(true)?;
                self.http
                    .push(Listener::Unix(UnixListener::from_std(listener)?));
                eprintln!("{name} listening on a Unix socket");
                Ok(())
            }
            _ => Err(wrong()),
        }
    }
}

/// Opens a listener and tells its address, which port 0 leaves to the system.
async fn bind(service: &'static str, addr: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |cause| Error::Listen {
        service,
        addr,
        cause,
    };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    eprintln!("{service} listening on {addr}");
    Ok((listener, addr))
}

/// Binds a Unix socket, over one that an earlier server left; never over another kind of file, or one in use.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    if let Ok(about) = std::fs::symlink_metadata(path) {
        if !about.file_type().is_socket() {
            return Err(io::Error::other(
                "there is a file of that name, which is no socket",
            ));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

fn is_local(addr: SocketAddr) -> bool {
    addr.ip().to_canonical().is_loopback()
}

/// The file of a Unix socket, which goes with the server.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        let first = bind_unix(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, SOCKET_MODE);
        assert_eq!(
            bind_unix(&path).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
        drop(first);
        drop(bind_unix(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "letters").unwrap();
        assert!(bind_unix(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "letters");
    }
}
