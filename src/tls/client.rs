//! What a client's certificate says of who the client is (RFC 5280 section 4.2.1.6). Whether to believe it was
//! decided before: its chain ends at an authority that the operator named.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The mail addresses that a certificate is for: those of its subjectAltName, or, when it has none there, those of
/// its subject (as old authorities wrote them).
pub(super) fn addresses(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let alternative = certificate.subject_alternative_name();
    let alternative = alternative.ok().flatten();
    let names = alternative
        .iter()
        .flat_map(|names| &names.value.general_names);
    let found: Vec<String> = names
        .filter_map(|name| match name {
            GeneralName::RFC822Name(address) => Some((*address).to_owned()),
            _ => None,
        })
        .filter(|text| is_address(text))
        .collect();
    if !found.is_empty() {
        return found;
    }
    let subject = certificate.subject().iter_email();
    let texts = subject.filter_map(|address| address.as_str().ok());
    texts
        .map(str::to_owned)
        .filter(|text| is_address(text))
        .collect()
}

/// A bare word could be the name of an account, which is not what the authority has signed.
fn is_address(text: &str) -> bool {
    text.contains('@')
}
