//! People, groups and what proves who they are.

use serde::{Deserialize, Serialize};

use super::id::{PrincipalId, QualifiedName};
use crate::ical::datetime::Timestamp;

/// Where an account or a group is kept. What comes from outside is a copy, refreshed when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// In the store itself: the operator made it.
    BuiltIn,
    /// In an LDAP directory.
    Ldap,
    /// Among the accounts of the machine (NSS).
    Host,
}

impl Source {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Ldap => "ldap",
            Self::Host => "host",
        }
    }
}

/// An account.
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
    /// Where it is kept.
    pub source: Source,
    /// What passwords are checked against; none for accounts from outside.
    pub verifiers: Vec<Verifier>,
    /// When it was made.
    pub created: Timestamp,
}

/// A standing permission of an account; the one that allows more comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Sun's calendar master: administers the whole server, within what the configuration allows.
    Administrator,
    /// Administers the domain of the account, within what the configuration allows.
    DomainAdministrator,
}

impl Role {
    /// Its name, for people and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::DomainAdministrator => "domain-administrator",
        }
    }
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
    /// Where it is kept.
    pub source: Source,
    /// When it was last compared with its source; when it was made, if it is built in.
    pub checked: Timestamp,
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

/// A principal as versions 1 and 2 wrote it: all were built in.
#[derive(Serialize, Deserialize)]
pub enum PrincipalV2 {
    /// A person or a service.
    User(UserV2),
    /// A group.
    Group(GroupV2),
}

/// An account as versions 1 and 2 wrote it.
#[derive(Serialize, Deserialize)]
pub struct UserV2 {
    id: PrincipalId,
    name: QualifiedName,
    mail: Vec<String>,
    full_name: String,
    given_name: String,
    surname: String,
    roles: Vec<Role>,
    enabled: bool,
    verifiers: Vec<Verifier>,
    created: Timestamp,
}

/// A group as versions 1 and 2 wrote it.
#[derive(Serialize, Deserialize)]
pub struct GroupV2 {
    id: PrincipalId,
    name: QualifiedName,
    mail: Vec<String>,
    members: Vec<PrincipalId>,
    created: Timestamp,
}

impl From<PrincipalV2> for Principal {
    fn from(old: PrincipalV2) -> Self {
        match old {
            PrincipalV2::User(old) => Self::User(User {
                id: old.id,
                name: old.name,
                mail: old.mail,
                full_name: old.full_name,
                given_name: old.given_name,
                surname: old.surname,
                roles: old.roles,
                enabled: old.enabled,
                source: Source::BuiltIn,
                verifiers: old.verifiers,
                created: old.created,
            }),
            PrincipalV2::Group(old) => Self::Group(Group {
                id: old.id,
                name: old.name,
                mail: old.mail,
                members: old.members,
                source: Source::BuiltIn,
                checked: old.created,
                created: old.created,
            }),
        }
    }
}
