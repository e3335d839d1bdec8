//! What the configuration tells the core, already checked.

use std::collections::BTreeMap;

use super::domains::Domain;
use super::password::Cost;
use super::peers::Peer;
use crate::limits::Limits;
use crate::model::acl::Acl;

/// Choices of the operator that use cases depend on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's own domain, that of bare names, lower case.
    pub domain: String,
    /// What there is to say of single domains, by name in lower case: the server's own may be among them, others are
    /// hosted because they are.
    pub domains: BTreeMap<String, Domain>,
    /// The name of this calendar store in addresses, lower case.
    pub csid: String,
    /// The calendar stores that messages are exchanged with.
    pub peers: Vec<Peer>,
    /// Access list of a new calendar.
    pub default_acl: Acl,
    /// Zone of a new calendar, a name of the tz database.
    pub default_tzid: String,
    /// Seconds without a request after which a session ends.
    pub session_idle: i64,
    /// Seconds after login at which a session ends in any case.
    pub session_absolute: i64,
    /// Whether a session counts only from the address it was begun at.
    pub session_bind_address: bool,
    /// Seconds for which a password that was right is not hashed again; 0 for not at all.
    pub password_cache: i64,
    /// Whether the audit log holds requests that only read.
    pub audit_reads: bool,
    /// Days for which deletions are remembered.
    pub tombstone_days: i64,
    /// Whether passwords are kept for DIGEST-MD5 too.
    pub digest_md5: bool,
    /// Who may act as whom: UPNs, in lower case; `@` is nobody in particular, `@realm` somebody of that realm.
    pub may_act_as: Vec<(String, String)>,
    /// Whether people without an account may read what everybody may.
    pub anonymous: bool,
    /// Whether people without an account may look others up.
    pub anonymous_people: bool,
    /// Whether administrators may log in as somebody else.
    pub proxyauth: bool,
    /// Whether administrators have every right in every calendar.
    pub override_acl: bool,
    /// Whether administrators may see and set the preferences of others.
    pub userprefs: bool,
    /// Whether users may make calendars.
    pub create_calendars: bool,
    /// Whether users may delete calendars of theirs.
    pub delete_calendars: bool,
    /// Whether an access list may let everybody write.
    pub public_writable: bool,
    /// Whether users may change their passwords.
    pub change_passwords: bool,
    /// Whether a group that is invited is expanded to its members.
    pub expand_groups: bool,
    /// What password hashes cost.
    pub password_cost: Cost,
    /// Every bound.
    pub limits: Limits,
}

/// Sun's default list: others see busy times and may invite, not read (`calstore.calendar.default.acl`).
pub const DEFAULT_ACL: &str = "@@o^a^r^g;@@o^c^wdeic^g;@^a^fs^g;@^c^^g;@^p^r^g";
