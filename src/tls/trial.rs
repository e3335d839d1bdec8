//! A certificate of our own making, so that TLS can be tried without an authority. No client trusts it unasked.
//!
//! It is kept in the data folder with its key, so that a client that was told to trust it does so tomorrow; one
//! that has passed, or is for another domain, is made anew.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Error;
use crate::ical::datetime::Timestamp;

/// How long a new one is good for; some clients refuse certificates that last much longer.
const LIFE: Duration = Duration::days(365);

/// How long before its end a kept one is made anew.
const RENEWAL: Duration = Duration::days(30);

/// A certificate with its key.
pub(super) struct Made {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Where it is kept in a data folder.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("self-signed.pem")
}

/// The certificate kept in `file`, or a new one for `domain` and this machine.
pub(super) fn certificate(file: &Path, domain: &str, now: Timestamp) -> Result<Made, Error> {
    let failed = |cause: String| Error::Trial {
        file: file.to_owned(),
        cause,
    };
    let now = OffsetDateTime::from_unix_timestamp(now.0).map_err(|e| failed(e.to_string()))?;
    if let Some(kept) = read(file).filter(|kept| serves(&kept.chain, domain, now)) {
        tell(&kept);
        return Ok(kept);
    }
    let pem = make(domain, now).map_err(|cause| failed(cause.to_string()))?;
    write(file, &pem).map_err(|cause| failed(cause.to_string()))?;
    let made = read(file).ok_or_else(|| failed("it cannot be read back".to_owned()))?;
    tell(&made);
    Ok(made)
}

fn read(file: &Path) -> Option<Made> {
    let pem = fs::read(file).ok()?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .ok()?;
    let key = PrivateKeyDer::from_pem_slice(&pem).ok()?;
    (!chain.is_empty()).then_some(Made { chain, key })
}

/// Whether a kept certificate is for `domain` and will be good for a while.
fn serves(chain: &[CertificateDer<'_>], domain: &str, now: OffsetDateTime) -> bool {
    let Some(Ok((_, own))) = chain.first().map(|own| X509Certificate::from_der(own)) else {
        return false;
    };
    let names = own.subject_alternative_name().ok().flatten();
    let named = names.is_some_and(|names| {
        let domain = GeneralName::DNSName(domain);
        names.value.general_names.contains(&domain)
    });
    let validity = own.validity();
    let (from, to) = (
        validity.not_before.to_datetime(),
        validity.not_after.to_datetime(),
    );
    named && from <= now && now + RENEWAL < to
}

fn make(domain: &str, now: OffsetDateTime) -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::new([domain.to_owned()])?;
    if domain != "localhost" {
        params
            .subject_alt_names
            .push(SanType::DnsName("localhost".try_into()?));
    }
    for address in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    params.distinguished_name.push(
        DnType::CommonName,
        format!("wcapd on {domain}, self-signed"),
    );
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Clocks differ a little.
    params.not_before = now - Duration::days(1);
    params.not_after = now + LIFE;
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// Puts it into place whole, readable by the server's account alone.
fn write(file: &Path, pem: &str) -> std::io::Result<()> {
    let fresh = file.with_extension("pem.new");
    let _ = fs::remove_file(&fresh);
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    out.write_all(pem.as_bytes())?;
    out.sync_all()?;
    fs::rename(&fresh, file)
}

/// Says by what people can recognise it.
fn tell(made: &Made) {
    let print = made.chain.first().map_or_else(String::new, |own| {
        let octets = Sha256::digest(own);
        let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
        pairs.join(":")
    });
    tracing::info!(sha256 = %print, "serving a self-signed certificate, for trying out only");
}
