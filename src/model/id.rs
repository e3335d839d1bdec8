//! Names people type and the numbers the store uses in their place.
//!
//! Principals and calendars have numbers that never change; user names, calids and addresses are look-up
//! rows that lead to them, so that renaming rewrites no data.

use std::fmt;

/// A user or a group, for ever.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct PrincipalId(pub u64);

/// A calendar, for ever.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct CalendarId(pub u64);

/// Longest user, group or calendar name, in octets.
pub const NAME_MAX: usize = 64;

/// Names that mean something else and can belong to nobody.
pub const RESERVED: [&str; 2] = ["anonymous", "default"];

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, too long, or with characters outside the allowed ones.
    #[error("expected 1 to 64 of the characters a-z, 0-9, '.', '_' and '-'")]
    Characters,
    /// One of [`RESERVED`].
    #[error("the names 'anonymous' and 'default' are reserved")]
    Reserved,
    /// No domain name after `@`.
    #[error("expected a domain name of letters, digits, '.' and '-' after '@'")]
    Domain,
}

fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_domain(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

/// A user or group name with its domain, both in lower case: `tom` of `example.com`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct QualifiedName {
    /// The part before `@`.
    pub local: String,
    /// The part after `@`.
    pub domain: String,
}

impl QualifiedName {
    /// Reads `name` or `name@domain`; a bare name gets `own_domain`. Letter case does not count.
    pub fn parse(text: &str, own_domain: &str) -> Result<Self, NameError> {
        let (local, domain) = text.split_once('@').unwrap_or((text, own_domain));
        if !is_name(local) {
            return Err(NameError::Characters);
        }
        if !is_domain(domain) {
            return Err(NameError::Domain);
        }
        let local = local.to_ascii_lowercase();
        if RESERVED.contains(&local.as_str()) {
            return Err(NameError::Reserved);
        }
        Ok(Self {
            local,
            domain: domain.to_ascii_lowercase(),
        })
    }

    /// The short form: the bare name within `own_domain`, else `name@domain`.
    pub fn within(&self, own_domain: &str) -> String {
        if self.domain == own_domain {
            self.local.clone()
        } else {
            self.to_string()
        }
    }
}

/// Prints `name@domain`, the UPN.
impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// A plain calid: `name` or `name:rest`, with a domain; compared without case.
///
/// `tom:work`, `tom@example.com:work` and `tom:work@example.com` name the same calendar there.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Calid {
    /// The name before the first `:`, lower case.
    pub local: String,
    /// What follows the first `:`, lower case; empty when there is none.
    pub rest: String,
    /// The domain, lower case.
    pub domain: String,
}

impl Calid {
    /// Reads a plain calid; without a domain it gets `own_domain`.
    pub fn parse(text: &str, own_domain: &str) -> Result<Self, NameError> {
        let (head, rest) = text.split_once(':').unwrap_or((text, ""));
        let (local, rest, domain) = match (head.split_once('@'), rest.split_once('@')) {
            (Some((local, domain)), None) => (local, rest, domain),
            (None, Some((rest, domain))) => (head, rest, domain),
            (None, None) => (head, rest, own_domain),
            (Some(_), Some(_)) => return Err(NameError::Characters),
        };
        if !is_name(local) || (text.contains(':') && !is_name(rest)) {
            return Err(NameError::Characters);
        }
        if !is_domain(domain) {
            return Err(NameError::Domain);
        }
        let local = local.to_ascii_lowercase();
        if RESERVED.contains(&local.as_str()) {
            return Err(NameError::Reserved);
        }
        Ok(Self {
            local,
            rest: rest.to_ascii_lowercase(),
            domain: domain.to_ascii_lowercase(),
        })
    }

    /// The default calid of the user or group `name`.
    pub fn of(name: &QualifiedName) -> Self {
        Self {
            local: name.local.clone(),
            rest: String::new(),
            domain: name.domain.clone(),
        }
    }
}

/// `mail` without `mailto:` and in lower case, if it has the shape of a mail address.
pub fn mail_address(mail: &str) -> Option<String> {
    let address = match mail.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &mail[7..],
        _ => mail,
    };
    let (local, domain) = address.rsplit_once('@')?;
    let sound = !local.is_empty()
        && !domain.is_empty()
        && address.len() <= 320
        && !address
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>'));
    sound.then(|| address.to_lowercase())
}

/// The calendar store, in lower case and without CAP's port, and the rest of a `cap:` address
/// (draft-ietf-calsch-cap-04 section 6.1); none for what is none.
pub fn cap_address(text: &str) -> Option<(String, &str)> {
    let rest = match text.get(..6) {
        Some(scheme) if scheme.eq_ignore_ascii_case("cap://") => &text[6..],
        // The draft lets the scheme be left out.
        _ => text.strip_prefix("://")?,
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.strip_suffix(":5229").unwrap_or(host);
    Some((host.to_lowercase(), path))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn calids_meet_in_one_form() {
        let plain = Calid::parse("tom:work", "example.com").unwrap();
        for same in ["Tom:Work", "tom@example.com:work", "tom:work@EXAMPLE.com"] {
            assert_eq!(Calid::parse(same, "example.com").unwrap(), plain, "{same}");
        }
        assert_ne!(
            Calid::parse("tom:work@other.org", "example.com").unwrap(),
            plain
        );
        for bad in [
            "",
            ":x",
            "tom:",
            "a b",
            "tom:a@b@c",
            "tom@x:a@b",
            "default",
            "t/..",
            &"x".repeat(65),
        ] {
            assert!(Calid::parse(bad, "example.com").is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_checked() {
        let tom = QualifiedName::parse("Tom", "localhost").unwrap();
        assert_eq!(tom.to_string(), "tom@localhost");
        assert_eq!(tom.within("localhost"), "tom");
        assert_eq!(tom.within("elsewhere"), "tom@localhost");
        assert_eq!(
            QualifiedName::parse("anonymous", "x"),
            Err(NameError::Reserved)
        );
        assert_eq!(QualifiedName::parse("a@", "x"), Err(NameError::Domain));
    }

    #[test]
    fn mail_addresses_are_recognised() {
        assert_eq!(
            mail_address("MAILTO:Tom@Localhost").unwrap(),
            "tom@localhost"
        );
        assert_eq!(mail_address("a@b@c").unwrap(), "a@b@c");
        for no in ["tom", "@x", "x@", "a b@c", "a@b\n"] {
            assert_eq!(mail_address(no), None, "{no}");
        }
    }
}
