use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, SanType, SerialNumber,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::*;
use crate::ical::datetime::Timestamp;
use crate::model::clock::ManualClock;

/// 21 November 2026.
const NOW: Timestamp = Timestamp(1_795_000_000);

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(NOW))
}

fn trial(folder: &Path, domain: &str) -> Tls {
    let source = Source::SelfSigned {
        folder: folder.to_owned(),
        domain: domain.to_owned(),
    };
    Tls::load(source, None, clock(), Duration::from_secs(10)).unwrap()
}

/// A client that believes the certificate in `trusted`, showing `own` if asked.
fn connector(
    trusted: &Path,
    own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for root in certificates(trusted).unwrap() {
        roots.add(root).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => config
            .with_client_auth_cert(vec![certificate], key)
            .unwrap(),
    };
    TlsConnector::from(Arc::new(config))
}

/// Talks a little through TLS, and gives the addresses of the client's certificate. An error is the client's.
async fn talk(tls: &Tls, connector: &TlsConnector, name: &str) -> io::Result<Vec<String>> {
    let (ours, theirs) = duplex(10_000);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let client = async {
        let mut stream = connector.connect(name, theirs).await?;
        stream.write_all(b"ping").await?;
        let mut octets = [0; 4];
        stream.read_exact(&mut octets).await?;
        assert_eq!(&octets, b"pong");
        Ok::<_, io::Error>(())
    };
    let server = async {
        let mut secured = tls.accept(ours, Door::Cap).await?;
        let mut octets = [0; 4];
        secured.stream.read_exact(&mut octets).await?;
        secured.stream.write_all(b"pong").await?;
        secured.stream.flush().await?;
        Ok::<_, io::Error>(secured.addresses)
    };
    let (client, server) = tokio::join!(client, server);
    client?;
    server
}

#[tokio::test]
async fn a_certificate_of_our_own_serves_its_domain_and_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let tls = trial(folder.path(), "cal.example.org");
    let client = connector(&trial::file(folder.path()), None);
    for name in ["cal.example.org", "localhost", "127.0.0.1", "::1"] {
        assert_eq!(talk(&tls, &client, name).await.unwrap(), [""; 0], "{name}");
    }
    assert!(talk(&tls, &client, "other.example.org").await.is_err());
}

#[test]
fn a_kept_certificate_is_used_until_it_passes_or_the_domain_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = trial::file(folder.path());
    let made = |domain: &str, now: i64| {
        trial::certificate(&file, domain, Timestamp(now)).unwrap();
        std::fs::read(&file).unwrap()
    };
    const DAY: i64 = 86_400;
    let first = made("example.org", NOW.0);
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(made("example.org", NOW.0 + 300 * DAY), first);
    let renewed = made("example.org", NOW.0 + 340 * DAY);
    assert_ne!(renewed, first);
    let moved = made("example.net", NOW.0 + 340 * DAY);
    assert_ne!(moved, renewed);
    std::fs::write(&file, "no certificate").unwrap();
    assert_ne!(made("example.net", NOW.0 + 340 * DAY), moved);
}

/// Files for a test: an authority, and certificates that it signs.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        Self::called("authority")
    }

    fn called(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), own.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { folder, issuer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sign(&self, params: &CertificateParams) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// Writes a server's certificate and key.
    fn serve(&self, name: &str) {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let (certificate, key) = self.sign(&params);
        std::fs::write(self.path("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(self.path("key.pem"), key.serialize_pem()).unwrap();
    }

    fn source(&self) -> Source {
        Source::Files {
            cert: self.path("cert.pem"),
            key: self.path("key.pem"),
        }
    }

    /// A client's certificate for mail addresses: in the subjectAltName and in the subject.
    fn client(
        &self,
        alternative: &[&str],
        subject: &str,
    ) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new([]).unwrap();
        for address in alternative {
            let name = SanType::Rfc822Name((*address).try_into().unwrap());
            params.subject_alt_names.push(name);
        }
        let email = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
        params.distinguished_name.push(email, subject);
        let (certificate, key) = self.sign(&params);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        (certificate.der().clone(), key)
    }

    /// A list of withdrawn certificates, good for so many days from now (or up to so many days ago).
    fn list(&self, withdrawn: &[&CertificateDer<'_>], days: i64) -> String {
        // The library asks the machine's clock whether a list has run out.
        let now = OffsetDateTime::now_utc();
        let revoked_certs = withdrawn.iter().map(|certificate| {
            let (_, certificate) = X509Certificate::from_der(certificate).unwrap();
            RevokedCertParams {
                serial_number: SerialNumber::from_slice(certificate.raw_serial()),
                revocation_time: now - time::Duration::days(100),
                reason_code: None,
                invalidity_date: None,
            }
        });
        let list = CertificateRevocationListParams {
            this_update: now - time::Duration::days(99),
            next_update: now + time::Duration::days(days),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

#[tokio::test]
async fn files_are_read_again_and_broken_ones_change_nothing() {
    let authority = Authority::new();
    authority.serve("one.example.org");
    let tls = Tls::load(authority.source(), None, clock(), Duration::from_secs(10)).unwrap();
    let client = connector(&authority.path("ca.pem"), None);
    assert!(talk(&tls, &client, "one.example.org").await.is_ok());

    authority.serve("two.example.org");
    assert!(talk(&tls, &client, "one.example.org").await.is_ok());
    tls.reload().unwrap();
    assert!(talk(&tls, &client, "one.example.org").await.is_err());
    assert!(talk(&tls, &client, "two.example.org").await.is_ok());

    // A key that is another certificate's, no key, no certificate, no file.
    let key = std::fs::read(authority.path("key.pem")).unwrap();
    let other = KeyPair::generate().unwrap().serialize_pem();
    for (name, broken) in [
        ("key.pem", other.as_str()),
        ("key.pem", "nothing"),
        ("cert.pem", ""),
        (
            "cert.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
    ] {
        std::fs::write(authority.path("key.pem"), &key).unwrap();
        std::fs::write(authority.path(name), broken).unwrap();
        let sentence = tls.reload().unwrap_err().to_string();
        assert!(sentence.contains(".pem"), "{sentence}");
        assert!(talk(&tls, &client, "two.example.org").await.is_ok());
    }
    std::fs::remove_file(authority.path("cert.pem")).unwrap();
    assert!(matches!(tls.reload(), Err(Error::Read { .. })));
}

#[tokio::test]
async fn certificates_of_clients_are_checked_and_their_addresses_told() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    authority.serve("localhost");
    let ca = authority.path("ca.pem");
    let clients = Clients {
        ca: ca.clone(),
        crl: None,
    };
    let tls = Tls::load(
        authority.source(),
        Some(clients),
        clock(),
        Duration::from_secs(10),
    );
    let tls = tls.unwrap();
    assert!(tls.knows_clients());
    for (alternative, expected) in [
        (
            &["bill@example.org", "b@example.org"][..],
            &["bill@example.org", "b@example.org"][..],
        ),
        (&[], &["old@example.org"]),
        (&["bill", "bill@example.org"], &["bill@example.org"]),
    ] {
        let own = authority.client(alternative, "old@example.org");
        let client = connector(&ca, Some(own));
        assert_eq!(talk(&tls, &client, "localhost").await.unwrap(), expected);
    }
    let none = connector(&ca, None);
    assert_eq!(talk(&tls, &none, "localhost").await.unwrap(), [""; 0]);
    let forged = stranger.client(&["bill@example.org"], "bill@example.org");
    let forged = connector(&ca, Some(forged));
    assert!(talk(&tls, &forged, "localhost").await.is_err());
}

#[tokio::test]
async fn certificates_that_were_withdrawn_are_refused() {
    let (authority, impostor) = (Authority::new(), Authority::new());
    let stranger = Authority::called("stranger");
    authority.serve("localhost");
    let ca = authority.path("ca.pem");
    let file = authority.path("crl.pem");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    let load = || {
        let clients = Clients {
            ca: ca.clone(),
            crl: Some(file.clone()),
        };
        let time = Duration::from_secs(10);
        Tls::load(authority.source(), Some(clients), clock(), time)
    };
    // Lists that are none refuse the start.
    for broken in [
        "",
        "no list",
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    ] {
        write(broken);
        let sentence = load().map(|_| ()).unwrap_err().to_string();
        assert!(
            sentence.contains("revoked") && sentence.contains("crl.pem"),
            "{sentence}"
        );
    }
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(load(), Err(Error::Read { what: REVOKED, .. })));

    let bill = authority.client(&["bill@example.org"], "");
    let withdrawn = bill.0.clone();
    let bill = connector(&ca, Some(bill));
    let jane = connector(&ca, Some(authority.client(&["jane@example.org"], "")));
    let nobody = connector(&ca, None);
    write(&authority.list(&[], 1));
    let tls = load().unwrap();
    for client in [&bill, &jane, &nobody] {
        assert!(talk(&tls, client, "localhost").await.is_ok());
    }
    // The client's memory of an earlier handshake opens nothing either.
    write(&authority.list(&[&withdrawn], 1));
    tls.reload().unwrap();
    assert!(talk(&tls, &bill, "localhost").await.is_err());
    for client in [&jane, &nobody] {
        assert!(talk(&tls, client, "localhost").await.is_ok());
    }
    // A broken list leaves the one in force.
    write("no list");
    assert!(tls.reload().is_err());
    assert!(talk(&tls, &bill, "localhost").await.is_err());
    assert!(talk(&tls, &jane, "localhost").await.is_ok());
    // A list that has run out, another authority's list, or one that another has signed: nobody knows.
    for list in [
        authority.list(&[], -1),
        stranger.list(&[], 1),
        impostor.list(&[&withdrawn], 1),
    ] {
        write(&list);
        tls.reload().unwrap();
        assert!(talk(&tls, &jane, "localhost").await.is_err());
        assert!(talk(&tls, &nobody, "localhost").await.is_ok());
    }
    // Several lists in one file.
    write(&(stranger.list(&[], 1) + &authority.list(&[], 1)));
    tls.reload().unwrap();
    assert!(talk(&tls, &jane, "localhost").await.is_ok());
}

#[tokio::test]
async fn a_handshake_does_not_take_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::SelfSigned {
        folder: folder.path().to_owned(),
        domain: "localhost".to_owned(),
    };
    let tls = Tls::load(source, None, clock(), Duration::from_millis(50)).unwrap();
    let (ours, theirs) = duplex(10_000);
    let error = tls.accept(ours, Door::Http).await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(theirs);
}

#[test]
fn addresses_come_from_certificates_only() {
    assert_eq!(client::addresses(b"no certificate"), [""; 0]);
}
