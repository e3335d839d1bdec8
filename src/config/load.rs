//! Reads the configuration: defaults, then the file, then the environment, then the flags.
//!
//! Each source overrides the one before, key by key, and every value remembers where it came from. Nothing is
//! ignored: a key that does not exist, does not fit or is not supported yet is an error that names its place.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::acting;
use super::domains;
use super::named::{self, Section};
use super::peers;
use super::table::{Config, Key};
use super::value::Raw;
use crate::model::acl::Acl;
use crate::origin::{Proxies, networks};

/// First part of the names of environment variables that are configuration.
const ENVIRONMENT_PREFIX: &str = "WCAPD__";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The program.
    Default,
    /// A line of a file, counted from 1.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
    /// A command line flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{} line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {cause}; check the path given with --config", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{place}: this is not TOML: {message}")]
    Syntax {
        /// Where.
        place: Source,
        /// What the reader of TOML said.
        message: String,
    },
    /// There is no such key.
    #[error("{place}: there is no key '{key}'; did you mean '{nearest}'?")]
    UnknownKey {
        /// Where.
        place: Source,
        /// The key as written.
        key: String,
        /// The known key most like it.
        nearest: String,
    },
    /// The value does not fit the key.
    #[error("{place}: {key} must be {expected}, but it is {found}")]
    Value {
        /// Where.
        place: Source,
        /// The key.
        key: String,
        /// What fits.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The key belongs to a feature that does not exist yet.
    #[error(
        "{place}: {key} is set, but {feature} is not supported in this version; remove the key"
    )]
    Unsupported {
        /// Where.
        place: Source,
        /// The key.
        key: String,
        /// What is missing.
        feature: &'static str,
    },
}

/// A configuration and where its values came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The values in force.
    pub config: Config,
    /// Where the values that are not the program's defaults came from, by `section.name`.
    sources: BTreeMap<String, Source>,
}

/// What the configuration is made from besides the defaults.
#[derive(Debug, Default)]
pub struct Sources<'a> {
    /// The file.
    pub file: Option<&'a Path>,
    /// The environment, whole; other variables are passed over.
    pub environment: Vec<(OsString, OsString)>,
    /// Keys with the value and the name of the flag that sets them.
    pub flags: Vec<(&'static str, String, &'static str)>,
    /// Whether the demo's defaults apply, which every other source overrides.
    pub demo: bool,
}

impl Loaded {
    /// Reads all sources, in the order in which one overrides the other.
    ///
    /// Errors: the first thing found wrong.
    pub fn read(sources: &Sources<'_>) -> Result<Self, Error> {
        let mut loaded = Self {
            config: Config::default(),
            sources: BTreeMap::new(),
        };
        let mut sections = Vec::new();
        if sources.demo {
            let demo = Source::Flag("--demo");
            loaded.set("cap.plain_on_loopback", &Raw::Bool(true), &demo)?;
        }
        if let Some(path) = sources.file {
            let text = std::fs::read_to_string(path).map_err(|cause| Error::Read {
                path: path.to_owned(),
                cause,
            })?;
            sections = loaded.read_file(path, &text)?;
        }
        loaded.read_environment(&sources.environment)?;
        for (key, value, flag) in &sources.flags {
            loaded.set(key, &Raw::Text(value.clone()), &Source::Flag(flag))?;
        }
        loaded.config.server.domain.make_ascii_lowercase();
        // What holds for every domain may come after what holds for one.
        for section in sections {
            match section.sort.section {
                peers::SECTION => peers::apply(section, &mut loaded.config, &mut loaded.sources)?,
                _ => domains::apply(section, &mut loaded.config, &mut loaded.sources)?,
            }
        }
        loaded.check()?;
        Ok(loaded)
    }

    /// Where the value of `key` came from.
    pub fn source(&self, key: &Key) -> Source {
        self.source_of(&key.path())
    }

    /// Where the value at `path` came from, which may be that of one domain.
    pub(super) fn source_of(&self, path: &str) -> Source {
        self.sources.get(path).cloned().unwrap_or(Source::Default)
    }

    fn set(&mut self, path: &str, raw: &Raw, source: &Source) -> Result<(), Error> {
        let key = Key::find(path).ok_or_else(|| Error::UnknownKey {
            place: source.clone(),
            key: path.to_owned(),
            nearest: Key::nearest(path),
        })?;
        key.set(&mut self.config, raw).ok_or_else(|| Error::Value {
            place: source.clone(),
            key: key.path(),
            expected: key.expected().to_owned(),
            found: raw.to_string(),
        })?;
        self.sources.insert(key.path(), source.clone());
        Ok(())
    }

    /// Reads a file; answers the sections of single domains, whose time comes last.
    fn read_file(&mut self, path: &Path, text: &str) -> Result<Vec<Section>, Error> {
        let mut sections = Vec::new();
        let place = |offset: usize| Source::File(path.to_owned(), line_of(text, offset));
        let table = DeTable::parse(text).map_err(|error| Error::Syntax {
            place: place(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        for (section, value) in in_order(table.get_ref()) {
            let Some(keys) = value.get_ref().as_table() else {
                self.set(
                    section.get_ref(),
                    &raw(value.get_ref()),
                    &place(section.span().start),
                )?;
                continue;
            };
            for (name, value) in in_order(keys) {
                let sort = [&domains::SORT, &peers::SORT]
                    .into_iter()
                    .find(|sort| section.get_ref() == sort.section);
                if let Some(sort) = sort
                    && let Some(own) = value.get_ref().as_table()
                {
                    let name = (name.get_ref().as_ref(), name.span().start);
                    let section = Section::read(sort, name, own, &place, &sections)?;
                    sections.push(section);
                    continue;
                }
                let path = format!("{}.{}", section.get_ref(), name.get_ref());
                self.set(&path, &raw(value.get_ref()), &place(name.span().start))?;
            }
        }
        Ok(sections)
    }

    fn read_environment(&mut self, variables: &[(OsString, OsString)]) -> Result<(), Error> {
        let mut ours: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.to_string_lossy(), value))
            .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
            .collect();
        ours.sort();
        for (name, value) in ours {
            let path = name[ENVIRONMENT_PREFIX.len()..]
                .to_ascii_lowercase()
                .replacen("__", ".", 1);
            let raw = match value.to_str() {
                Some(text) => Raw::Text(text.to_owned()),
                None => Raw::Other("no UTF-8 text"),
            };
            self.set(&path, &raw, &Source::Environment(name.into_owned()))?;
        }
        Ok(())
    }

    /// What a single value's type cannot say.
    fn check(&self) -> Result<(), Error> {
        let defaults = Config::default();
        for key in Key::all() {
            if let Some(feature) = key.planned()
                && key.show(&self.config) != key.show(&defaults)
            {
                return Err(Error::Unsupported {
                    place: self.source(&key),
                    key: key.path(),
                    feature,
                });
            }
        }
        let config = &self.config;
        let domain = &config.server.domain;
        let requirements = [
            ("server.domain", domains::is_name(domain), domains::EXPECTED),
            (
                "http.prefixes",
                are_prefixes(&config.http.prefixes),
                "a list of different paths of letters, digits, '-', '.', '_' and '~' that begin and end \
                     with '/', none below /app/ or /static/",
            ),
            (
                "http.addr",
                config.http.addr.ip().to_canonical().is_loopback()
                    || config.http.plain_remote
                    || config.tls.is_on(),
                "an address of this machine alone, like 127.0.0.1:8080, unless tls.cert is set or \
                     http.plain_remote = true says that passwords may pass unprotected",
            ),
            (
                "http.uncounted",
                networks(&config.http.uncounted).is_some(),
                "a list of addresses and networks, like 127.0.0.1 and 10.0.0.0/8",
            ),
            (
                "http.trusted_proxies",
                Proxies::parse(&config.http.trusted_proxies).is_some(),
                "a list of addresses and networks, like 127.0.0.1 and 10.0.0.0/8",
            ),
            (
                "cap.may_act_as",
                acting(config).is_some(),
                "a list of pairs USER:OTHER, like [\"secretary:boss\"]",
            ),
            (
                "cap.csid",
                config.cap.csid.as_deref().is_none_or(is_host),
                "a host name",
            ),
            (
                "cap.tls_addr",
                config.cap.tls_addr.is_none() || config.tls.is_on(),
                "left out without tls.cert",
            ),
            (
                "cap.auth_attempts",
                config.cap.auth_attempts >= 1,
                "1 or more",
            ),
            (
                "tls.cert",
                config.tls.cert.is_none() || !config.tls.self_signed,
                "left out with tls.self_signed = true: it is the one or the other",
            ),
            (
                "tls.cert",
                config.tls.cert.is_some() || config.tls.key.is_none(),
                "set with tls.key: a file with the certificate",
            ),
            (
                "tls.key",
                config.tls.key.is_some() || config.tls.cert.is_none(),
                "set with tls.cert: a file with the private key",
            ),
            (
                "tls.client_ca",
                config.tls.client_ca.is_none() || config.tls.is_on(),
                "left out without tls.cert: clients show certificates inside TLS only",
            ),
            (
                "tls.client_crl",
                config.tls.client_crl.is_none() || config.tls.client_ca.is_some(),
                "left out without tls.client_ca: only certificates of those authorities are looked up in it",
            ),
            (
                "http.public_url",
                config.http.public_url.as_deref().is_none_or(is_base),
                "http:// or https://, a host and a path that ends with '/'",
            ),
            (
                "auth.argon2_memory_kib",
                (8..=4 << 20).contains(&config.auth.argon2_memory_kib),
                "from 8 KiB to 4 GiB",
            ),
            (
                "auth.argon2_passes",
                (1..=1_000).contains(&config.auth.argon2_passes),
                "from 1 to 1000",
            ),
            (
                // RFC 7677 section 4 asks for 4096 at least.
                "auth.scram_iterations",
                (4_096..=10_000_000).contains(&config.auth.scram_iterations),
                "from 4096 to 10000000",
            ),
            (
                "calendars.default_acl",
                Acl::parse(&config.calendars.default_acl, domain).is_ok(),
                "entries WHO^WHAT^HOW^GRANT, separated by ';'",
            ),
            (
                "calendars.default_tzid",
                jiff::tz::db().get(&config.calendars.default_tzid).is_ok(),
                "a time zone of the tz database, like Europe/Berlin",
            ),
            (
                "log.format",
                matches!(config.log.format.as_str(), "text" | "json"),
                "text or json",
            ),
            (
                "log.filter",
                config
                    .log
                    .filter
                    .parse::<tracing_subscriber::EnvFilter>()
                    .is_ok(),
                "a level like info, or module=level pairs",
            ),
        ];
        let first = requirements.into_iter().find(|(_, holds, _)| !holds);
        let first = first.map(|(path, _, expected)| (path, expected));
        if let Some((path, expected)) = first.or_else(|| config.ldap.fault()) {
            return Err(self.refused(path, expected));
        }
        let fault: Option<named::Fault> = domains::fault(config).or_else(|| peers::fault(config));
        match fault {
            None => Ok(()),
            Some(fault) => Err(Error::Value {
                place: self.source_of(&fault.path),
                key: fault.path,
                expected: fault.expected.to_owned(),
                found: fault.found,
            }),
        }
    }

    fn refused(&self, path: &str, expected: &str) -> Error {
        let found = Key::find(path).map(|key| (self.source(&key), key.show(&self.config)));
        let (place, found) = found.unwrap_or((Source::Default, String::new()));
        Error::Value {
            place,
            key: path.to_owned(),
            expected: expected.to_owned(),
            found,
        }
    }
}

/// Whether `text` can stand as the host of a cap: address.
pub(super) fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    !text.is_empty() && text.chars().all(plain)
}

/// Whether these can be path prefixes of WCAP commands beside the paths of the web pages.
fn are_prefixes(prefixes: &[String]) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '.' | '_' | '~');
    let taken = ["/app/", "/static/"];
    prefixes.iter().enumerate().all(|(at, prefix)| {
        prefix.starts_with('/')
            && prefix.ends_with('/')
            && prefix.chars().all(plain)
            && !prefix.contains("//")
            && !taken.iter().any(|path| prefix.starts_with(path))
            && !prefixes[..at].contains(prefix)
    })
}

/// Whether addresses can begin with it.
fn is_base(url: &str) -> bool {
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~:[]".contains(c);
    rest.is_some_and(|rest| {
        !rest.starts_with('/') && rest.ends_with('/') && rest.chars().all(plain)
    })
}

/// The entries of a table as they stand in the file, so that the first error is the topmost.
pub(super) fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(
    &'t Spanned<std::borrow::Cow<'i, str>>,
    &'t Spanned<DeValue<'i>>,
)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The line of an offset, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

pub(super) fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Boolean(value) => Raw::Bool(*value),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Raw::Other("a number beyond 64 bits"), Raw::Integer),
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a table"),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str());
            texts
                .map(|text| text.map(str::to_owned))
                .collect::<Option<_>>()
                .map_or(Raw::Other("a list of other things than texts"), Raw::List)
        }
    }
}
