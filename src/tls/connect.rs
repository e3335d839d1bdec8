//! TLS from the client's side: which servers are believed, and what the client shows of itself.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Error, pem_error};

/// Which servers are believed to be who they say they are.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Those whose chain ends at an authority of the machine.
    Machine,
    /// Those whose chain ends at an authority in this PEM file.
    File(&'a Path),
    /// All. For trying out: anybody in between can read and change everything.
    Anybody,
}

/// What a client's handshakes are made with; clones share it.
#[derive(Debug, Clone)]
pub struct Connector(Arc<ClientConfig>);

impl Connector {
    /// A handshake with the server called `host`, a name or an address.
    ///
    /// Errors: as the connection's; a server that is not believed is `InvalidData`.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|cause| io::Error::new(io::ErrorKind::InvalidInput, cause))?;
        let connector = TlsConnector::from(Arc::clone(&self.0));
        connector.connect(name, stream).await
    }
}

/// What a client's handshakes are made with. `own` is its certificate and key, in PEM files.
///
/// Errors: files that cannot be read or used.
pub fn connector(trust: Trust<'_>, own: Option<(&Path, &Path)>) -> Result<Connector, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions();
    let builder = builder.map_err(|cause| Error::Client(cause.to_string()))?;
    let builder = match trust {
        Trust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider))),
        Trust::Machine | Trust::File(_) => builder.with_root_certificates(roots(trust)?),
    };
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = CertificateDer::pem_file_iter(cert)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|cause| pem_error("certificate", cert, &cause))?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|cause| pem_error("private key", key, &cause))?;
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|cause| Error::Unfit {
                cert: cert.to_owned(),
                cause: cause.to_string(),
            })?
        }
    };
    Ok(Connector(Arc::new(config)))
}

fn roots(trust: Trust<'_>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::File(file) => {
            let all = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|cause| pem_error("certificate", file, &cause))?;
            roots.add_parsable_certificates(all);
            if roots.is_empty() {
                let cause = "it holds no certificate of an authority".to_owned();
                return Err(Error::Pem {
                    what: "certificate",
                    file: file.to_owned(),
                    cause,
                });
            }
        }
        _ => {
            // Machines without any are those where only --ca and the like are used.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

/// Believes every certificate; signatures are still checked, so that the peer has its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
