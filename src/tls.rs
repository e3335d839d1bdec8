//! TLS for every listener: certificates read and read again, handshakes made, clients' certificates understood.
//!
//! TLS 1.2 and 1.3 with forward secrecy and authenticated encryption alone (RFC 9325); nothing older is in the
//! library. Who listens where, and what is said inside, is the doors' matter.

mod client;
pub mod connect;
pub mod trial;
pub mod trust;

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::model::clock::Clock;

/// What the first octet of a TLS connection is: the content type of a handshake record (RFC 8446 section 5.1).
pub const HANDSHAKE: u8 = 0x16;

/// What the file of `Clients::crl` holds, as errors call it.
const REVOKED: &str = "list of revoked certificates";

/// Any transport: TCP, TLS over it, a Unix socket.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Where certificate and key come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The operator's files, in PEM form.
    Files {
        /// The chain, the server's own certificate first.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// A certificate of our own making, for trying out.
    SelfSigned {
        /// Where it is kept.
        folder: PathBuf,
        /// The domain it is for, beside `localhost`.
        domain: String,
    },
}

/// Whose certificates clients may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// PEM file with the authorities that sign them.
    pub ca: PathBuf,
    /// PEM file with the authorities' lists of what they have withdrawn; without it nothing counts as withdrawn.
    pub crl: Option<PathBuf>,
}

/// Which listener a connection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// HTTP/2 and HTTP/1.1, chosen by ALPN (RFC 7301). No certificates of clients: browsers would ask people.
    Http,
    /// CAP; a client may show a certificate.
    Cap,
}

/// Why there is no TLS, or why what was there stays in force.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read the {what} {}: {cause}", file.display())]
    Read {
        /// What the file should hold.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file is not what it should be.
    #[error("expected a {what} in PEM form in {}, found none that can be read: {cause}", file.display())]
    Pem {
        /// What the file should hold.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What the reader said.
        cause: String,
    },
    /// The library cannot begin.
    #[error("TLS cannot be used here: {0}")]
    Client(String),
    /// Certificate and key do not serve together.
    #[error("the certificate {} cannot be served: {cause}", cert.display())]
    Unfit {
        /// The certificate's file.
        cert: PathBuf,
        /// What the TLS library said.
        cause: String,
    },
    /// The certificate for trying out cannot be made or kept.
    #[error("cannot make the certificate {}: {cause}", file.display())]
    Trial {
        /// Where it should be.
        file: PathBuf,
        /// What went wrong.
        cause: String,
    },
}

/// The certificates in force, and how to get the next ones.
pub struct Tls {
    source: Source,
    clients: Option<Clients>,
    clock: Arc<dyn Clock>,
    handshake_time: Duration,
    current: RwLock<Configs>,
}

/// What a handshake is made with, by listener.
struct Configs {
    http: Arc<ServerConfig>,
    cap: Arc<ServerConfig>,
}

/// A connection inside TLS.
pub struct Secured<S> {
    /// What is read and written inside.
    pub stream: TlsStream<S>,
    /// The mail addresses in the client's certificate, which an authority of [`Clients`] has signed.
    pub addresses: Vec<String>,
}

impl Tls {
    /// Reads certificates and lists. A handshake may take `handshake_time`.
    pub fn load(
        source: Source,
        clients: Option<Clients>,
        clock: Arc<dyn Clock>,
        handshake_time: Duration,
    ) -> Result<Self, Error> {
        let current = configs(&source, clients.as_ref(), &*clock)?;
        Ok(Self {
            source,
            clients,
            clock,
            handshake_time,
            current: RwLock::new(current),
        })
    }

    /// Reads the files again: new connections get the new ones, open ones stay as they are.
    ///
    /// On an error what was in force stays.
    pub fn reload(&self) -> Result<(), Error> {
        let new = configs(&self.source, self.clients.as_ref(), &*self.clock)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Whether clients' certificates are looked at.
    pub fn knows_clients(&self) -> bool {
        self.clients.is_some()
    }

    /// Makes the handshake on `stream`. Errors: the client's fault, or it took too long.
    pub async fn accept<S>(&self, stream: S, door: Door) -> io::Result<Secured<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(match door {
                Door::Http => &current.http,
                Door::Cap => &current.cap,
            })
        };
        let handshake = TlsAcceptor::from(config).accept(stream);
        let stream = timeout(self.handshake_time, handshake)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let (_, connection) = stream.get_ref();
        let shown = connection.peer_certificates().and_then(<[_]>::first);
        let addresses = shown.map_or_else(Vec::new, |shown| client::addresses(shown));
        Ok(Secured { stream, addresses })
    }
}

fn configs(
    source: &Source,
    clients: Option<&Clients>,
    clock: &dyn Clock,
) -> Result<Configs, Error> {
    let (chain, key, cert) = match source {
        Source::Files { cert, key } => {
            warn_if_open(key);
            (certificates(cert)?, private_key(key)?, cert.clone())
        }
        Source::SelfSigned { folder, domain } => {
            let file = trial::file(folder);
            let made = trial::certificate(&file, domain, clock.now())?;
            (made.chain, made.key, file)
        }
    };
    let unfit = |cause: String| Error::Unfit {
        cert: cert.clone(),
        cause,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let base = || {
        ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|cause| unfit(cause.to_string()))
    };
    let mut http = base()?
        .with_no_client_auth()
        .with_single_cert(chain.clone(), key.clone_key())
        .map_err(|cause| unfit(cause.to_string()))?;
    http.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let cap = match clients {
        None => base()?.with_no_client_auth(),
        Some(clients) => base()?.with_client_cert_verifier(verifier(clients, &provider)?),
    };
    let cap = cap
        .with_single_cert(chain, key)
        .map_err(|cause| unfit(cause.to_string()))?;
    Ok(Configs {
        http: Arc::new(http),
        cap: Arc::new(cap),
    })
}

/// What decides of a client's certificate.
///
/// Where there are lists, every authority of a chain needs one that has not run out: a list that was lost or kept
/// back must not make a withdrawn certificate good again.
fn verifier(
    clients: &Clients,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for root in certificates(&clients.ca)? {
        let fault = |cause: rustls::Error| pem_error("certificate", &clients.ca, &cause);
        roots.add(root).map_err(fault)?;
    }
    let mut builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .allow_unauthenticated();
    if let Some(file) = &clients.crl {
        let lists: Vec<CertificateRevocationListDer<'static>> = items(REVOKED, file)?;
        builder = builder.with_crls(lists).enforce_revocation_expiration();
    }
    builder
        .build()
        .map_err(|cause| match (&cause, &clients.crl) {
            (VerifierBuilderError::InvalidCrl(_), Some(file)) => pem_error(REVOKED, file, &cause),
            _ => pem_error("certificate", &clients.ca, &cause),
        })
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    items("certificate", file)
}

/// All of one kind that a file holds, one at least.
fn items<T: PemObject>(what: &'static str, file: &Path) -> Result<Vec<T>, Error> {
    let fault = |cause| fault(what, file, cause);
    let found = T::pem_file_iter(file).map_err(fault)?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(fault)?;
    match found.is_empty() {
        true => Err(fault(pem::Error::NoItemsFound)),
        false => Ok(found),
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_file(file).map_err(|cause| fault("private key", file, cause))
}

fn fault(what: &'static str, file: &Path, cause: pem::Error) -> Error {
    match cause {
        pem::Error::Io(cause) => Error::Read {
            what,
            file: file.to_owned(),
            cause,
        },
        cause => pem_error(what, file, &cause),
    }
}

fn pem_error(what: &'static str, file: &Path, cause: &dyn std::fmt::Display) -> Error {
    Error::Pem {
        what,
        file: file.to_owned(),
        cause: cause.to_string(),
    }
}

/// A key that every account of the machine can read is not the server's alone.
fn warn_if_open(key: &Path) {
    if let Ok(about) = std::fs::metadata(key)
        && about.permissions().mode() & 0o007 != 0
    {
        tracing::warn!(file = %key.display(), "everybody on this machine can use the private key");
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
