//! The configuration keys: one row each, from which the structures, the reader and `wcapd config` are made.
//!
//! Values are checked one by one here; what two keys mean together is `load`'s matter.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::domains::Hosted;
use super::value::{self, Raw, Value};
use crate::core::settings::DEFAULT_ACL;
use crate::limits::{self, Limits};

/// A key outside `[limits]`.
#[derive(Debug)]
pub struct Row {
    section: &'static str,
    name: &'static str,
    doc: &'static [&'static str],
    expected: &'static str,
    planned: Option<&'static str>,
    show: fn(&Config) -> String,
    set: fn(&mut Config, &Raw) -> Option<()>,
}

macro_rules! config {
    ($($(#[doc = $section_doc:literal])+ $section:ident: $Section:ident {
        $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr $(, planned $planned:literal)?;)*
    })*) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone, PartialEq)]
            pub struct $Section {
                $($(#[doc = $doc])+ pub $name: $type,)*
            }
        )*

        /// The effective configuration: a field for each section, in it a field for each key.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Config {
            $($(#[doc = $section_doc])+ pub $section: $Section,)*
            /// Every bound of the server.
            pub limits: Limits,
            /// The domains that have a section of their own, by name.
            pub domains: BTreeMap<String, Hosted>,
            /// The other calendar stores, by name.
            pub peers: BTreeMap<String, Peer>,
        }

        impl Default for Config {
            fn default() -> Self {
                Self {
                    $($section: $Section { $($name: $default,)* },)*
                    limits: Limits::default(),
                    domains: BTreeMap::new(),
                    peers: BTreeMap::new(),
                }
            }
        }

        /// The sections before `[limits]` and what they are about, in order.
        const SECTIONS: &[(&str, &[&str])] = &[$((stringify!($section), &[$($section_doc),+]),)*];

        const ROWS: &[Row] = &[$($(Row {
            section: stringify!($section),
            name: stringify!($name),
            doc: &[$($doc),+],
            expected: <$type as Value>::EXPECTED,
            planned: [$(Some($planned),)? None][0],
            show: |config| config.$section.$name.show(),
            set: |config, raw| {
                config.$section.$name = Value::read(raw)?;
                Some(())
            },
        },)*)*];
    };
}

config! {
    /// Who the server is and where its data lies.
    server: Server {
        /// Realm of bare names: a user's address is name@domain.
        domain: String = "localhost".to_owned();
        /// Folder of the store and of the administration socket; made when missing.
        data: PathBuf = "wcapd-data".into();
        /// Time that requests in flight get to finish when the server is told to stop.
        stop_time: Duration = Duration::from_secs(10);
    }

    /// WCAP and the web pages.
    http: Http {
        /// Where to listen; port 0 picks a free one.
        addr: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
        /// Unix socket on which HTTP is served too, for a proxy on this machine; who may connect is a matter of the
        /// file's group.
        socket: Option<PathBuf> = None;
        /// Path prefixes under which WCAP commands are answered; each begins and ends with '/'.
        prefixes: Vec<String> = ["/wcap/", "/", "/davserver/wcap/"].map(str::to_owned).into();
        /// Where clients reach the commands, like `https://calendar.example.org/wcap/`: what addresses in answers begin
        /// with. Empty: what the client wrote.
        public_url: Option<String> = None;
        /// Serve HTTP without TLS to other machines too. Passwords and session ids can be read on the way: only
        /// for a network of one's own, or behind a proxy.
        plain_remote: bool = false;
        /// Proxies whose word about the client's address is taken (Forwarded, X-Forwarded-For): addresses, networks
        /// like 10.0.0.0/8, and unix for whoever comes by http.socket.
        trusted_proxies: Vec<String> = Vec::new();
        /// Addresses and networks whose requests are not counted, like those of portals that ask for many people.
        uncounted: Vec<String> = ["127.0.0.0/8", "::1"].map(str::to_owned).into();
    }

    /// The Calendar Access Protocol.
    cap: Cap {
        /// Where to listen; port 0 picks a free one.
        addr: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 5229));
        /// Where to listen for clients that begin with TLS at once, without STARTTLS; empty: nowhere.
        tls_addr: Option<SocketAddr> = None;
        /// Name of this calendar store in addresses; empty: the domain.
        csid: Option<String> = None;
        /// Offer the SASL mechanism PLAIN without TLS to clients on this machine; `serve --demo` turns it on.
        plain_on_loopback: bool = false;
        /// Offer DIGEST-MD5, for which a password equivalent is stored.
        digest_md5: bool = false;
        /// How often a session may try to log in; the protocol has it once.
        auth_attempts: u32 = 1;
        /// Who may IDENTIFY as whom: "user:other". For everybody without an account "@", and "@:@example.org" for the
        /// other side.
        may_act_as: Vec<String> = Vec::new();
    }

    /// Certificates for HTTP and CAP.
    tls: Tls {
        /// PEM file with the certificate chain, the server's own first. SIGHUP reads it again.
        cert: Option<PathBuf> = None;
        /// PEM file with the private key.
        key: Option<PathBuf> = None;
        /// PEM file with the authorities whose client certificates are accepted, for CAP's EXTERNAL.
        client_ca: Option<PathBuf> = None;
        /// PEM file with the lists (CRLs) of client certificates that were withdrawn, one of each authority and none past
        /// its time: without a valid one no certificate of the authority is accepted. SIGHUP reads it again.
        client_crl: Option<PathBuf> = None;
        /// Serve with a certificate that the server makes itself and keeps in the data folder; for trying out.
        self_signed: bool = false;
    }

    /// Logins of WCAP and web clients.
    session: Session {
        /// A session ends when unused for this long.
        idle: Duration = Duration::from_secs(30 * 60);
        /// A session ends this long after the login, used or not.
        absolute: Duration = Duration::from_secs(12 * 3600);
        /// Whether a session counts only from the address it was begun at. Phones and some offices change theirs.
        bind_address: bool = false;
    }

    /// What is kept for clients that synchronise.
    sync: Sync {
        /// Days that deletions stay known; a client that was away for longer starts over.
        tombstone_days: u32 = 30;
    }

    /// What administrators may do for others.
    admin: Admin {
        /// Log in as another user, with the administrator's own password.
        proxyauth: bool = false;
        /// Read and write every calendar, whatever its access list says.
        override_acl: bool = false;
        /// Read and change the preferences of others.
        userprefs: bool = false;
    }

    /// Who gets in, and how passwords are kept.
    auth: Auth {
        /// Whether requests without a login are served at all, within what the calendars allow everybody.
        anonymous: bool = true;
        /// Whether requests without a login may look people and groups up, too (fetchvcards).
        anonymous_people: bool = false;
        /// Whether users may change their own passwords.
        allow_change_password: bool = true;
        /// Memory of one argon2id password hash, in KiB; a login needs as much.
        argon2_memory_kib: u32 = 19_456;
        /// Passes of argon2id over that memory.
        argon2_passes: u32 = 2;
        /// Iterations of PBKDF2 in the SCRAM-SHA-256 keys; every SCRAM client does the same work at login.
        scram_iterations: u32 = 10_000;
        /// Whether the accounts of this machine (NSS) log in, their passwords checked by PAM through saslauthd.
        pam: bool = false;
        /// The PAM service.
        pam_service: String = "wcapd".to_owned();
        /// The socket of saslauthd.
        pam_socket: PathBuf = "/run/saslauthd/mux".into();
        /// Least number of a person's account on this machine; those below are the system's.
        pam_least_uid: u32 = 1_000;
        /// Time for which a password that was right is not hashed again, for clients that log in and out around each
        /// command; 0s: not at all.
        password_cache: Duration = Duration::from_secs(60);
    }

    /// Details of the WCAP protocol.
    wcap: Wcap {
        /// Answer login.wcap without fmt-out by a redirect to a page, as old scripts expect, not by text.
        login_page: bool = false;
        /// Take orgUID alone as the organizer of a new item, as servers before 6.3 did, not refuse it (errno 67).
        organizer_by_user: bool = false;
    }

    /// Invitations and answers between people.
    schedule: Schedule {
        /// Invite the members of a group that is invited, not the group as such.
        expand_groups: bool = true;
    }

    /// What new calendars start with, and what users may do with calendars of theirs.
    calendars: Calendars {
        /// Access control entries, separated by ';'. Sun's default: others see busy times and may invite.
        default_acl: String = DEFAULT_ACL.to_owned();
        /// Time zone in which floating times are read.
        default_tzid: String = "UTC".to_owned();
        /// Whether users may make calendars.
        allow_create: bool = true;
        /// Whether users may delete calendars of theirs, other than the default one.
        allow_delete: bool = true;
        /// Whether an access list may let everybody change a calendar. Off, such entries grant only the rest.
        allow_public_writable: bool = true;
    }

    /// An outside directory of accounts.
    ldap: Ldap {
        /// Server, like ldaps://ldap.example.org.
        url: Option<String> = None;
        /// Name to bind as for searches; empty: anonymous.
        bind_dn: Option<String> = None;
        /// File with the password of bind_dn in its first line.
        bind_password_file: Option<PathBuf> = None;
        /// Where searches start, like dc=example,dc=org.
        base: Option<String> = None;
        /// Schema: sun, inetorgperson or ad; what the keys below say goes before it.
        preset: String = "inetorgperson".to_owned();
        /// Filter that people pass; empty: the preset's.
        user_filter: Option<String> = None;
        /// Filter that groups pass; empty: the preset's.
        group_filter: Option<String> = None;
        /// Attribute of the login name; empty: the preset's.
        name_attribute: Option<String> = None;
        /// Attributes of mail addresses; empty: the preset's.
        mail_attributes: Vec<String> = Vec::new();
        /// Attributes of the full name, the first that is there counts; empty: the preset's.
        full_name_attributes: Vec<String> = Vec::new();
        /// Attribute of a group's name; empty: the preset's.
        group_name_attribute: Option<String> = None;
        /// How passwords are checked: bind or compare.
        verify: String = "bind".to_owned();
        /// How an ldap:// connection is protected: starttls or none; empty: starttls, but none to this machine.
        tls: Option<String> = None;
        /// PEM file with the authorities of the directory's certificate; empty: the machine's.
        ca: Option<PathBuf> = None;
    }

    /// Domains. What stands here holds for each; a section [domain."example.org"] has the same keys for that one domain,
    /// which is hosted beside server.domain from then on, and [domain."example.org".ldap] those of its own directory.
    domain: Domain {
        /// Host names at which a bare name is one of this domain; in a section of one domain only.
        hosts: Vec<String> = Vec::new();
        /// Domains whose people count as this one's own where access lists speak of everybody, and may look people up
        /// here; * for all. Others have what an access list grants to them or to their domain by name.
        open_to: Vec<String> = Vec::new();
        /// Whether requests without a login are served in a hosted domain, if auth.anonymous lets them in at all.
        anonymous: bool = false;
        /// Access control entries of a new calendar; empty: calendars.default_acl.
        default_acl: Option<String> = None;
        /// Time zone of a new calendar; empty: calendars.default_tzid.
        default_tzid: Option<String> = None;
    }

    /// Other calendar stores. What stands here holds for each; a section [peer."cal.example.org"] has the same keys for the
    /// store so called in addresses, with which messages and commands are exchanged from then on.
    peer: Peer {
        /// Where it is reached, a host and perhaps a port; empty: its name, and CAP's port.
        addr: Option<String> = None;
        /// The domains whose people are there: messages to them go to it, and it speaks for them here; empty: its name.
        domains: Vec<String> = Vec::new();
        /// The account by which it logs in here; empty: it does not.
        login: Option<String> = None;
        /// The account by which this server logs in there; empty: nobody in particular, unless there is a certificate.
        user: Option<String> = None;
        /// File with the password of user in its first line.
        password_file: Option<PathBuf> = None;
        /// PEM file with a certificate to log in with there.
        cert: Option<PathBuf> = None;
        /// PEM file with its private key.
        key: Option<PathBuf> = None;
        /// How connections to it are protected: starttls, direct (TLS from the beginning), or none.
        tls: String = "starttls".to_owned();
        /// PEM file with the authorities of its certificate; empty: the machine's.
        ca: Option<PathBuf> = None;
    }

    /// Where calendars are stored.
    store: Store {
        /// The engine: "redb:" is the embedded one, in the data folder.
        url: String = "redb:".to_owned(), planned "a store other than redb:";
        /// Memory for pages of the embedded store, in MiB. What is asked for again and again comes from here.
        cache_mib: u32 = 32;
    }

    /// Numbers for Prometheus.
    metrics: Metrics {
        /// A listener of its own for /metrics; empty: on the HTTP listener.
        addr: Option<SocketAddr> = None;
    }

    /// What is written to standard error while serving.
    log: Log {
        /// File to which the audit log goes, one JSON object a line; empty: it stands among the other lines.
        audit: Option<PathBuf> = None;
        /// Whether the audit log also holds requests that only read.
        audit_reads: bool = false;
        /// Least level, like info or debug, or per module, like info,wcapd::cap=debug.
        filter: String = "info".to_owned();
        /// Form of a line: text or json.
        format: String = "text".to_owned();
    }
}

/// Any configuration key, those of `[limits]` included.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// A key outside `[limits]`.
    Own(&'static Row),
    /// A key of `[limits]`.
    Limit(&'static limits::Row),
}

impl Key {
    /// Every key, section by section.
    pub fn all() -> impl Iterator<Item = Self> {
        let limits = limits::ROWS.iter().map(Self::Limit);
        ROWS.iter().map(Self::Own).chain(limits)
    }

    /// The key written `section.name`.
    pub fn find(path: &str) -> Option<Self> {
        let (section, name) = path.split_once('.')?;
        Self::all().find(|key| key.section() == section && key.name() == name)
    }

    /// The key most like `path`, for a hint.
    pub fn nearest(path: &str) -> String {
        let likeness = |key: &Self| {
            let own = strsim::normalized_damerau_levenshtein(path, &key.path());
            // A key right but for its section is nearer than most misspellings, and one cut short is near.
            let name = path.rsplit('.').next().unwrap_or(path);
            let named = strsim::normalized_damerau_levenshtein(name, key.name()) * 0.9;
            let begun = name.len() >= 3 && key.path().starts_with(path);
            (own.max(named).max(if begun { 0.8 } else { 0.0 }), own)
        };
        let nearer = |a: &Self, b: &Self| {
            let ((a, a_own), (b, b_own)) = (likeness(a), likeness(b));
            a.total_cmp(&b).then(a_own.total_cmp(&b_own))
        };
        Self::all()
            .max_by(nearer)
            .map_or_else(String::new, |key| key.path())
    }

    /// The key of one section most like `name`, for a hint.
    pub fn nearest_in(section: &str, name: &str) -> Option<Self> {
        let likeness = |key: &Self| strsim::normalized_damerau_levenshtein(name, key.name());
        let nearer = |a: &Self, b: &Self| likeness(a).total_cmp(&likeness(b));
        let keys = Self::all().filter(|key| key.section() == section);
        keys.max_by(nearer)
    }

    /// The section, as in `[section]`.
    pub fn section(&self) -> &'static str {
        match self {
            Self::Own(row) => row.section,
            Self::Limit(_) => "limits",
        }
    }

    /// The key inside its section.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Own(row) => row.name,
            Self::Limit(row) => row.name,
        }
    }

    /// `section.name`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section(), self.name())
    }

    /// What the key means, line by line.
    pub fn doc(&self) -> &'static [&'static str] {
        match self {
            Self::Own(row) => row.doc,
            Self::Limit(row) => row.doc,
        }
    }

    /// Completes the sentence "KEY must be ...".
    pub fn expected(&self) -> &'static str {
        match self {
            Self::Own(row) => row.expected,
            Self::Limit(row) => value::limit_expected(row.unit),
        }
    }

    /// The feature that the key belongs to when this version does not have it yet.
    pub fn planned(&self) -> Option<&'static str> {
        match self {
            Self::Own(row) => row.planned,
            Self::Limit(_) => None,
        }
    }

    /// The value in `config`, as TOML.
    pub fn show(&self, config: &Config) -> String {
        match self {
            Self::Own(row) => (row.show)(config),
            Self::Limit(row) => value::show_limit(row.unit, (row.get)(&config.limits)),
        }
    }

    /// Sets the value in `config`; nothing, and no change, when `raw` is not as [`Key::expected`].
    pub fn set(&self, config: &mut Config, raw: &Raw) -> Option<()> {
        match self {
            Self::Own(row) => (row.set)(config, raw),
            Self::Limit(row) => {
                (row.set)(&mut config.limits, value::read_limit(row.unit, raw)?);
                Some(())
            }
        }
    }
}

/// What a section is about, line by line.
pub fn section_doc(section: &str) -> &'static [&'static str] {
    SECTIONS
        .iter()
        .find(|(name, _)| *name == section)
        .map_or(&[" Every bound of the server."], |(_, doc)| doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_documented_and_set_back() {
        let mut config = Config::default();
        for key in Key::all() {
            assert_eq!(Key::find(&key.path()).map(|k| k.path()), Some(key.path()));
            assert!(
                key.doc().concat().trim_end().ends_with('.'),
                "{}",
                key.path()
            );
            assert!(!section_doc(key.section()).is_empty());
            let shown = key.show(&config);
            let bare = Raw::Text(shown.trim_matches(['"', '\'']).replace(['[', ']', '"'], ""));
            assert_eq!(
                key.set(&mut config, &bare),
                Some(()),
                "{} = {shown}",
                key.path()
            );
        }
        assert_eq!(config, Config::default());
    }

    #[test]
    fn misspelt_keys_find_their_neighbour() {
        for (wrong, right) in [
            ("http.adr", "http.addr"),
            ("cap.plain_on_loopbak", "cap.plain_on_loopback"),
            ("limit.instances", "limits.instances"),
            ("htp.addr", "http.addr"),
            ("cap.plain", "cap.plain_on_loopback"),
            ("domain", "server.domain"),
            ("session.tombstone_days", "sync.tombstone_days"),
        ] {
            assert_eq!(Key::nearest(wrong), right);
        }
    }
}
