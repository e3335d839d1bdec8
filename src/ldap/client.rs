//! Connections to the directory: opened when needed, kept, given up when they fail.
//!
//! When a question fails the directory is tried at once on a fresh connection. If that fails too it is down: every
//! question is refused from then on, until a trial in the background succeeds, again and again after growing pauses.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, ResultEntry, Scope, SearchEntry,
    SearchOptions,
};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};

use super::{Options, Proof};
use crate::core::directory::Person;
use crate::model::id::QualifiedName;
use crate::tls::trust as tls;

/// First pause before a directory that is down is tried again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause between two trials: an operator who mends it wants to see it.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Result codes (RFC 4511 section 4.1.9 and appendix A.2).
mod code {
    pub(super) const SUCCESS: u32 = 0;
    pub(super) const SIZE_LIMIT: u32 = 4;
    pub(super) const COMPARE_FALSE: u32 = 5;
    pub(super) const COMPARE_TRUE: u32 = 6;
    pub(super) const NO_SUCH_ATTRIBUTE: u32 = 16;
    pub(super) const CONSTRAINT: u32 = 19;
    pub(super) const NO_SUCH_OBJECT: u32 = 32;
    pub(super) const INVALID_DN: u32 = 34;
    pub(super) const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
    pub(super) const INVALID_CREDENTIALS: u32 = 49;
    pub(super) const INSUFFICIENT_ACCESS: u32 = 50;
    pub(super) const UNWILLING: u32 = 53;
}

/// Why a directory cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file of authorities.
    #[error("cannot read the authorities for LDAP in {path}: {reason}")]
    Authorities {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refuses a thread.
    #[error("cannot start a thread for LDAP: {0}")]
    System(#[from] std::io::Error),
}

/// Why a question has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Fault {
    #[error("it cannot be reached: {0}")]
    Connection(String),
    #[error("it does not answer in time")]
    Time,
    #[error("it refuses the server's own login: {0}")]
    Login(String),
    #[error("it refuses a question with result {0}: {1}")]
    Refused(u32, String),
    #[error("it is down: {0}")]
    Down(String),
}

impl Fault {
    /// The fault in words that anybody may read.
    fn plainly(&self) -> &'static str {
        match self {
            Self::Connection(_) | Self::Down(_) => "cannot be reached",
            Self::Time => "does not answer in time",
            Self::Login(_) => "refuses the server's own login",
            Self::Refused(..) => "refuses questions",
        }
    }
}

impl From<LdapError> for Fault {
    fn from(error: LdapError) -> Self {
        match error {
            LdapError::Timeout { .. } => Self::Time,
            LdapError::LdapResult { result } => Self::Refused(result.rc, result.text),
            error => Self::Connection(error.to_string()),
        }
    }
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub entries: Vec<SearchEntry>,
    /// Whether there is more than was asked for.
    pub more: bool,
}

/// The connections and what is known of the other side.
pub(super) struct Client {
    options: Options,
    tls: Option<Arc<tls::ClientConfig>>,
    places: Semaphore,
    /// Logged in for searches.
    searching: Mutex<Vec<Ldap>>,
    /// For checking passwords: logged in as whoever was checked last.
    proving: Mutex<Vec<Ldap>>,
    /// Why it is down.
    down: Mutex<Option<&'static str>>,
    failing: Notify,
}

impl Client {
    pub(super) fn new(options: Options) -> Result<Self, SetupError> {
        let trusting = |path: &PathBuf| {
            tls::trusting(path).map_err(|reason| SetupError::Authorities {
                path: path.display().to_string(),
                reason,
            })
        };
        let tls = options.authorities.as_ref().map(trusting).transpose()?;
        let places = options.connections.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self {
            options,
            tls,
            places: Semaphore::new(places),
            searching: Mutex::default(),
            proving: Mutex::default(),
            down: Mutex::default(),
            failing: Notify::new(),
        })
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Refuses at once while the directory is down.
    pub(super) fn require_up(&self) -> Result<(), Fault> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.map_or(Ok(()), |reason| Err(Fault::Down(reason.to_owned())))
    }

    /// Why it is down, in words that anybody may read.
    pub(super) fn problem(&self) -> Option<String> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.map(str::to_owned)
    }

    /// Notes that a question failed.
    pub(super) fn failed(&self, fault: &Fault) {
        tracing::warn!(directory = "ldap", reason = %fault, "a question failed");
        // Without the directory's answer there is nothing to doubt.
        if !matches!(fault, Fault::Refused(..)) {
            self.failing.notify_one();
        }
    }

    /// Looks whether the directory is there, at the start and after each failure, until it is.
    pub(super) async fn mend(self: Arc<Self>) {
        loop {
            let mut pause = FIRST_PAUSE;
            while let Err(fault) = self.try_out().await {
                self.set_down(&fault);
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            self.set_up();
            self.failing.notified().await;
        }
    }

    async fn try_out(&self) -> Result<(), Fault> {
        let mut ldap = self.open(true).await?;
        let searched = ldap
            .with_timeout(self.options.time)
            .search(&self.options.base, Scope::Base, "(objectClass=*)", ["1.1"])
            .await?;
        let rc = searched.1.rc;
        match rc {
            code::SUCCESS => {
                keep(&self.searching, ldap, self.options.connections);
                Ok(())
            }
            _ => Err(Fault::Refused(rc, searched.1.text)),
        }
    }

    fn set_down(&self, fault: &Fault) {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        if down.is_none() {
            tracing::error!(directory = "ldap", reason = %fault, "the directory is down; it is tried again");
        }
        *down = Some(fault.plainly());
        drop(down);
        // What was open is of no use any more.
        for kept in [&self.searching, &self.proving] {
            kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    fn set_up(&self) {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        if down.take().is_some() {
            tracing::info!(directory = "ldap", "the directory is there again");
        }
    }

    /// A fresh connection, logged in for searches if that is wanted.
    async fn open(&self, log_in: bool) -> Result<Ldap, Fault> {
        let options = &self.options;
        let mut settings = LdapConnSettings::new()
            .set_conn_timeout(options.time)
            .set_starttls(options.starttls);
        if let Some(tls) = &self.tls {
            settings = settings.set_config(Arc::clone(tls));
        }
        let opening = LdapConnAsync::with_settings(settings, &options.url);
        let (connection, mut ldap) = timeout(options.time, opening)
            .await
            .map_err(|_| Fault::Time)??;
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "an LDAP connection broke off");
            }
        });
        if let Some((dn, password)) = options.login.as_ref().filter(|_| log_in) {
            let bound = ldap
                .with_timeout(options.time)
                .simple_bind(dn, password)
                .await?;
            if bound.rc != code::SUCCESS {
                return Err(Fault::Login(format!("result {} {}", bound.rc, bound.text)));
            }
        }
        Ok(ldap)
    }

    /// A connection that was kept, or a fresh one; and whether it was kept.
    async fn connection(
        &self,
        kept: &Mutex<Vec<Ldap>>,
        log_in: bool,
    ) -> Result<(Ldap, bool), Fault> {
        loop {
            let old = kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut ldap) = old else {
                return Ok((self.open(log_in).await?, false));
            };
            if !ldap.is_closed() {
                return Ok((ldap, true));
            }
        }
    }

    /// At most `most` entries that pass `filter`.
    pub(super) async fn search(
        &self,
        base: &str,
        scope: Scope,
        filter: &str,
        most: usize,
    ) -> Result<Found, Fault> {
        let _place = self.places.acquire().await;
        let (mut ldap, kept) = self.connection(&self.searching, true).await?;
        let mut found = self.search_on(&mut ldap, base, scope, filter, most).await;
        if kept && matches!(found, Err(Fault::Connection(_))) {
            // The directory closes what it finds idle.
            ldap = self.open(true).await?;
            found = self.search_on(&mut ldap, base, scope, filter, most).await;
        }
        if matches!(&found, Ok(found) if !found.more) {
            keep(&self.searching, ldap, self.options.connections);
        }
        found
    }

    async fn search_on(
        &self,
        ldap: &mut Ldap,
        base: &str,
        scope: Scope,
        filter: &str,
        most: usize,
    ) -> Result<Found, Fault> {
        // One more than is wanted shows that there is more.
        let limit = i32::try_from(most).unwrap_or(i32::MAX).saturating_add(1);
        let options = SearchOptions::new().sizelimit(limit);
        let attributes = self.options.schema.attributes();
        let mut stream = ldap
            .with_timeout(self.options.time)
            .with_search_options(options)
            .streaming_search(base, scope, filter, attributes)
            .await?;
        let mut found = Found::default();
        while let Some(entry) = stream.next().await? {
            if is_plain(&entry) {
                if found.entries.len() == most {
                    found.more = true;
                    return Ok(found);
                }
                found.entries.push(SearchEntry::construct(entry));
            }
        }
        let result = stream.finish().await;
        match result.rc {
            code::SUCCESS | code::NO_SUCH_OBJECT => Ok(found),
            code::SIZE_LIMIT => {
                found.more = true;
                Ok(found)
            }
            // What stands in the directory, such as a group's member, need not be a name.
            code::INVALID_DN => Ok(Found::default()),
            rc => Err(Fault::Refused(rc, result.text)),
        }
    }

    /// The one whom `login` means, with the DN; none when nobody is or it is not clear who.
    ///
    /// Whoever has it as name goes before those who have it as address.
    pub(super) async fn find_person(&self, login: &str) -> Result<Option<(String, Person)>, Fault> {
        let options = &self.options;
        let filter = options.schema.login_filter(login, &options.domain);
        let found = self
            .search(&options.base, Scope::Subtree, &filter, 10)
            .await?;
        let read = |entry: &SearchEntry| {
            let person = options.schema.person(entry, Some(login), &options.domain)?;
            Some((entry.dn.clone(), person))
        };
        let mut people: Vec<(String, Person)> = found.entries.iter().filter_map(read).collect();
        let name = QualifiedName::parse(login, &options.domain).ok();
        if people
            .iter()
            .any(|(_, person)| Some(&person.name) == name.as_ref())
        {
            people.retain(|(_, person)| Some(&person.name) == name.as_ref());
        }
        if people.len() > 1 {
            tracing::warn!(
                login,
                "several entries of the directory are meant by one name; none is taken"
            );
            return Ok(None);
        }
        Ok(people.pop())
    }

    /// The person an entry describes.
    pub(super) fn read(&self, entry: &SearchEntry) -> Option<Person> {
        let options = &self.options;
        options.schema.person(entry, None, &options.domain)
    }

    /// The DN of nobody.
    pub(super) fn nobody(&self) -> String {
        format!("cn=nobody-has-this-name,{}", self.options.base)
    }

    /// Whether `password` is that of the entry `dn`. An empty one is nobody's: a bind without a password succeeds
    /// and proves nothing (RFC 4513 section 5.1.2).
    pub(super) async fn prove(&self, dn: &str, password: &str) -> Result<bool, Fault> {
        if password.is_empty() {
            return Ok(false);
        }
        let _place = self.places.acquire().await;
        let (log_in, kept) = match self.options.proof {
            Proof::Bind => (false, &self.proving),
            Proof::Compare => (true, &self.searching),
        };
        let (mut ldap, old) = self.connection(kept, log_in).await?;
        let mut proved = self.prove_on(&mut ldap, dn, password).await;
        if old && matches!(proved, Err(Fault::Connection(_))) {
            ldap = self.open(log_in).await?;
            proved = self.prove_on(&mut ldap, dn, password).await;
        }
        if proved.is_ok() {
            keep(kept, ldap, self.options.connections);
        }
        proved
    }

    async fn prove_on(&self, ldap: &mut Ldap, dn: &str, password: &str) -> Result<bool, Fault> {
        let ldap = ldap.with_timeout(self.options.time);
        let result = match self.options.proof {
            Proof::Bind => ldap.simple_bind(dn, password).await?,
            Proof::Compare => ldap.compare(dn, "userPassword", password).await?.0,
        };
        match (self.options.proof, result.rc) {
            (Proof::Bind, code::SUCCESS) | (Proof::Compare, code::COMPARE_TRUE) => Ok(true),
            (Proof::Compare, code::COMPARE_FALSE | code::NO_SUCH_ATTRIBUTE)
            | (
                _,
                code::INVALID_CREDENTIALS
                | code::NO_SUCH_OBJECT
                | code::INVALID_DN
                | code::INAPPROPRIATE_AUTHENTICATION
                | code::CONSTRAINT
                | code::INSUFFICIENT_ACCESS
                | code::UNWILLING,
            ) => {
                tracing::debug!(result = result.rc, "the directory refuses a password");
                Ok(false)
            }
            (_, rc) => Err(Fault::Refused(rc, result.text)),
        }
    }
}

/// Neither a referral, which is not followed, nor an intermediate message.
fn is_plain(entry: &ResultEntry) -> bool {
    !entry.is_ref() && !entry.is_intermediate()
}

fn keep(kept: &Mutex<Vec<Ldap>>, ldap: Ldap, most: usize) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() < most {
        kept.push(ldap);
    }
}
