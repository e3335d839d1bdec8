//! People, groups and what proves who they are.

use serde::{Deserialize, Serialize};

use super::id::{PrincipalId, QualifiedName};
use crate::ical::datetime::Timestamp;

/// An account of the built-in directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Number, for ever.
    pub id: PrincipalId,
    /// Login name and domain.
    pub name: QualifiedName,
    /// Mail addresses in lower case, the first is the one shown.
    pub mail: Vec<String>,
    /// Full name.
    pub full_name: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub surname: String,
    /// What the account may do beyond its own data.
    pub roles: Vec<Role>,
    /// Whether it may log in.
    pub enabled: bool,
    /// What passwords are checked against.
    pub verifiers: Vec<Verifier>,
    /// When it was made.
    pub created: Timestamp,
}

/// A standing permission of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Sun's calendar master: administers the whole server, within what the configuration allows.
    Administrator,
}

/// One stored proof of a password; an account has several, for the mechanisms that need them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verifier {
    /// An argon2id hash in PHC form: PLAIN and WCAP's login.
    Argon2id(String),
    /// SCRAM-SHA-256 keys (RFC 5802 section 3).
    ScramSha256 {
        /// Salt.
        salt: Vec<u8>,
        /// Rounds of PBKDF2.
        iterations: u32,
        /// `H(ClientKey)`.
        stored_key: Vec<u8>,
        /// `HMAC(SaltedPassword, "Server Key")`.
        server_key: Vec<u8>,
    },
    /// `H(user ":" realm ":" password)` for DIGEST-MD5 (RFC 2831), which opens that mechanism by itself: kept only
    /// while `cap.digest_md5` is on.
    DigestMd5 {
        /// With the name alone as user.
        by_name: [u8; 16],
        /// With the name and its domain.
        by_upn: [u8; 16],
    },
}

/// A named set of principals; members may be groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Number, for ever.
    pub id: PrincipalId,
    /// Name and domain, of the same namespace as users and calendars.
    pub name: QualifiedName,
    /// Mail addresses in lower case.
    pub mail: Vec<String>,
    /// Members in the order they were added.
    pub members: Vec<PrincipalId>,
    /// When it was made.
    pub created: Timestamp,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Principal {
    /// A person or a service.
    User(User),
    /// A group.
    Group(Group),
}

impl Principal {
    /// Its number.
    pub fn id(&self) -> PrincipalId {
        match self {
            Self::User(user) => user.id,
            Self::Group(group) => group.id,
        }
    }

    /// Its name.
    pub fn name(&self) -> &QualifiedName {
        match self {
            Self::User(user) => &user.name,
            Self::Group(group) => &group.name,
        }
    }

    /// Its mail addresses.
    pub fn mail(&self) -> &[String] {
        match self {
            Self::User(user) => &user.mail,
            Self::Group(group) => &group.mail,
        }
    }
}
