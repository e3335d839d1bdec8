//! The addresses that commands are about: of this store, of a calendar in it, of another store (draft-ietf-calsch-cap-04
//! section 6.1).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::answer::Answer;

/// What is not written as it is in an address that we print.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b'@')
    .remove(b'+')
    .remove(b'=')
    .remove(b',')
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'$')
    .remove(b'&')
    .remove(b':')
    .remove(b';');

/// The same in one that is encoded in part, or was.
const ENCODED_ONCE: &AsciiSet = &ENCODED.remove(b'%');

/// The address of a calendar of this store.
pub fn of_calendar(calid: &str, csid: &str) -> String {
    format!("cap://{csid}/{}", utf8_percent_encode(calid, ENCODED))
}

/// What a target names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This store.
    Store,
    /// A calendar of this store, by its calid.
    Calendar(String),
}

impl Place {
    /// The place an address means: a mail address that of the calendar of whoever has it. Errors: the answer to an address of
    /// another store, or of no store at all.
    pub fn of(target: &str, csid: &str) -> Result<Self, Answer> {
        if is_foreign(target) {
            return Err(Answer::of("3.7", "expected a calendar's address"));
        }
        let elsewhere = || Answer::of("3.14", "nothing is passed on to that store");
        if is_mail(target) {
            return Ok(Self::Calendar(target.to_owned()));
        }
        let address = qualified(target, csid);
        let rest = address.strip_prefix("cap://").unwrap_or(&address);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !host.eq_ignore_ascii_case(csid) {
            return Err(elsewhere());
        }
        if target.contains(['?', '#']) {
            let message = "expected an address without a query or a fragment";
            return Err(Answer::of("6.3", message));
        }
        if path.is_empty() {
            return Ok(Self::Store);
        }
        match percent_decode_str(path).decode_utf8() {
            Ok(calid) => Ok(Self::Calendar(calid.into_owned())),
            Err(_) => Err(Answer::of("6.3", "expected an address in UTF-8")),
        }
    }
}

/// An address with its scheme and store: relative ones, and those without a host, belong to this store, whose own address has
/// no path. Mail addresses are what they are.
pub fn qualified(address: &str, csid: &str) -> String {
    if is_mail(address) || is_foreign(address) {
        return address.to_owned();
    }
    let scheme = address
        .get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("cap:"));
    let rest = match scheme {
        true => &address[4..],
        false => address.strip_prefix(':').unwrap_or(address),
    };
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        // The store's name alone, as RFC 4324 prints it.
        None if address.eq_ignore_ascii_case(csid) => (csid, ""),
        None => (csid, address),
    };
    let host = match host.strip_suffix(":5229").unwrap_or(host) {
        "" => csid.to_owned(),
        host => host.to_lowercase(),
    };
    match path {
        "" => format!("cap://{host}"),
        path => {
            let path = utf8_percent_encode(path, ENCODED_ONCE);
            format!("cap://{host}/{path}")
        }
    }
}

/// A mail address without its scheme.
pub(in crate::cap) fn bare(address: &str) -> &str {
    let address = address.trim();
    match is_mail(address) {
        true => &address["mailto:".len()..],
        false => address,
    }
}

/// Whether an address is of a scheme that no calendars have. What a calendar is called may have colons in it.
fn is_foreign(address: &str) -> bool {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        !scheme.is_empty()
            && !scheme.eq_ignore_ascii_case("cap")
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

fn is_mail(address: &str) -> bool {
    let scheme = address.get(.."mailto:".len());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_qualified() {
        for (address, expected) in [
            ("bill", "cap://cal.example.com/bill"),
            ("Company/Holidays", "cap://cal.example.com/Company/Holidays"),
            ("cap://Other.example.com/x", "cap://other.example.com/x"),
            ("CAP://cal.example.com:5229/x", "cap://cal.example.com/x"),
            ("://cal.example.com/x", "cap://cal.example.com/x"),
            ("caf\u{e9} %41", "cap://cal.example.com/caf%C3%A9%20%41"),
            ("cap://cal.example.com/", "cap://cal.example.com"),
            ("Cal.example.com", "cap://cal.example.com"),
            ("cap:///", "cap://cal.example.com"),
            ("cap:///bill", "cap://cal.example.com/bill"),
            ("cap://cal.example.com", "cap://cal.example.com"),
            ("mailto:a@example.com", "mailto:a@example.com"),
            ("http://example.com/x", "http://example.com/x"),
        ] {
            assert_eq!(qualified(address, "cal.example.com"), expected, "{address}");
        }
    }
}
