//! The server that transcripts and in-process tests talk to: the WCAP door over a store in memory, with a clock that
//! stands still and counted identifiers. Its `@` lines are those of `tests/wcap/README.md`.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use wcapd::app::listen;
use wcapd::config::Config;
use wcapd::config::domains::Hosted;
use wcapd::config::table::Key;
use wcapd::config::value::Raw;
use wcapd::core::accounts::NewUser;
use wcapd::core::calendars::NewCalendar;
use wcapd::core::{Caller, Core};
use wcapd::dispatch::Dispatch;
use wcapd::ical::datetime::Timestamp;
use wcapd::model::calendar::CalendarProperties;
use wcapd::model::clock::{Clock as _, CountedIds, ManualClock};
use wcapd::model::user::Role;
use wcapd::store::Store;
use wcapd::wcap::context::Compatibility;

use super::transcript::World;

/// Monday 5 January 2026, 09:00 UTC: where every case's clock stands unless it says otherwise.
pub const NOW: &str = "20260105T090000Z";

/// The server. It starts with the first request; what is set before that can
/// be configuration, what is set after it is a change while clients are there.
pub struct Demo<'a> {
    runtime: &'a Runtime,
    config: Config,
    clock: Arc<ManualClock>,
    core: Option<Core>,
    address: Option<SocketAddr>,
}

impl<'a> Demo<'a> {
    /// One that has not started yet.
    pub fn new(runtime: &'a Runtime) -> Self {
        let now = time(NOW).expect("a good time");
        Self {
            runtime,
            config: Config::for_tests(Path::new("unused")),
            clock: Arc::new(ManualClock::new(now)),
            core: None,
            address: None,
        }
    }

    /// Sets a key of the configuration, such as `limits.value_bytes 10`.
    pub fn set(&mut self, path: &str, value: &str) -> Result<(), String> {
        if self.core.is_some() {
            return Err("@set stands before everything that needs the server".to_owned());
        }
        let key = Key::find(path).ok_or_else(|| {
            let nearest = Key::nearest(path);
            format!("there is no key {path}; did you mean {nearest}?")
        })?;
        // As in an environment variable.
        let set = key.set(&mut self.config, &Raw::Text(value.to_owned()));
        set.ok_or_else(|| format!("{path} must be {}", key.expected()))
    }

    /// Hosts a domain, with keys of its section like `open_to=localhost`.
    fn host(&mut self, name: &str, keys: &[&str]) -> Result<(), String> {
        if self.core.is_some() {
            return Err("@domain stands before everything that needs the server".to_owned());
        }
        let mut own = Config::default();
        for key in keys {
            let (key, value) = key.split_once('=').ok_or("expected KEY=VALUE")?;
            let found = Key::find(&format!("domain.{key}")).ok_or("no key of a domain")?;
            let set = found.set(&mut own, &Raw::Text(value.to_owned()));
            set.ok_or_else(|| format!("{key} must be {}", found.expected()))?;
        }
        let hosted = Hosted {
            domain: own.domain,
            ldap: own.ldap,
        };
        self.config.domains.insert(name.to_owned(), hosted);
        Ok(())
    }

    /// Stores the items of a file in `tests/wcap/data`, all of which must be sound.
    fn import(&mut self, calid: &str, file: &str) -> Result<(), String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/wcap/data")
            .join(file);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let core = self.core();
        let upload = core.read_upload(&bytes);
        let imported = core.import(&Caller::System, calid, upload, None, |_| {});
        let imported = imported.map_err(|error| error.message().to_owned())?;
        match imported.faults.is_empty() {
            true => Ok(()),
            false => Err(imported.faults.join("; ")),
        }
    }

    /// The clock, to be moved while clients are there.
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }

    /// The WCAP door on it, to be asked without a socket.
    pub fn router(&mut self) -> axum::Router {
        router(self.core().clone(), &self.config)
    }

    /// The core, which is made when it is first asked for.
    pub fn core(&mut self) -> &Core {
        let (clock, config) = (&self.clock, &self.config);
        self.core.get_or_insert_with(|| {
            let store = Store::in_memory(clock.clone()).expect("a store in memory opens");
            let ids = Arc::new(CountedIds::default());
            let settings = wcapd::app::open::settings(config);
            Core::new(store, clock.clone(), ids, settings)
        })
    }
}

impl World for Demo<'_> {
    fn directive(&mut self, words: &[String]) -> Result<(), String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let text = |error: wcapd::core::Error| error.message().to_owned();
        match words.as_slice() {
            ["set", key, value] => self.set(key, value),
            ["now", at] => {
                self.clock.set(time(at)?);
                Ok(())
            }
            ["advance", seconds] => {
                let seconds = seconds
                    .parse()
                    .map_err(|_| format!("no number: {seconds}"))?;
                self.clock.advance(seconds);
                Ok(())
            }
            ["domain", name, keys @ ..] => self.host(name, keys),
            ["user", name, roles @ ..] => {
                let new = NewUser {
                    name: (*name).to_owned(),
                    administrator: roles.contains(&"admin"),
                    ..NewUser::default()
                };
                let core = self.core();
                core.add_user(&new, Some(name)).map_err(text)?;
                match roles.contains(&"domainadmin") {
                    true => core
                        .grant_role(name, Role::DomainAdministrator)
                        .map_err(text),
                    false => Ok(()),
                }
            }
            ["group", name, members @ ..] => {
                let members: Vec<String> = members.iter().map(|m| (*m).to_owned()).collect();
                self.core()
                    .add_group(name, &[], &members)
                    .map(drop)
                    .map_err(text)
            }
            ["calendar", calid, owner, flags @ ..] => {
                let new = NewCalendar {
                    resource: flags.contains(&"resource"),
                    ..NewCalendar::default()
                };
                self.core()
                    .create_calendar(calid, owner, &new)
                    .map(drop)
                    .map_err(text)
            }
            ["acl", calid, entries] => {
                let change = |calendar: &mut CalendarProperties| {
                    calendar.acl = entries.split(';').map(str::to_owned).collect();
                };
                self.core()
                    .change_calendar(calid, change)
                    .map(drop)
                    .map_err(text)
            }
            ["zone", calid, tzid] => {
                let change = |calendar: &mut CalendarProperties| calendar.tzid = (*tzid).to_owned();
                self.core()
                    .change_calendar(calid, change)
                    .map(drop)
                    .map_err(text)
            }
            ["disable", calid] => self.core().set_calendar_enabled(calid, false).map_err(text),
            ["enable", calid] => self.core().set_calendar_enabled(calid, true).map_err(text),
            ["import", calid, file] => self.import(calid, file),
            ["forget"] => self.core().forget_deletions().map(drop).map_err(text),
            _ => Err(format!("'@{}' means nothing", words.join(" "))),
        }
    }

    fn address(&mut self) -> SocketAddr {
        if let Some(address) = self.address {
            return address;
        }
        let router = self.router();
        let limits = self.config.limits.clone();
        let address = self.runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("bound");
            // As the program does it, so that what old clients put into a URL unencoded gets through.
            tokio::spawn(async move {
                let (_open, stop) = watch::channel(false);
                let listener = listen::Listener::Tcp(listener);
                let options = listen::Options::default();
                listen::serve(listener, router, options, &limits, stop, Duration::ZERO).await;
            });
            address
        });
        *self.address.insert(address)
    }

    fn now(&self) -> String {
        self.clock.now().to_string()
    }
}

/// The WCAP door as the program opens it.
pub fn router(core: Core, config: &Config) -> axum::Router {
    let dispatch = Dispatch::new(16, core.store().reads_inline());
    let options = wcapd::wcap::http::Options {
        prefixes: config.http.prefixes.clone(),
        public_url: config.http.public_url.clone(),
        compatibility: Compatibility {
            login_page: config.wcap.login_page,
            organizer_by_user: config.wcap.organizer_by_user,
        },
    };
    wcapd::wcap::http::router(core, dispatch, &options)
}

/// The instant of a UTC time such as `20260105T090000Z`.
fn time(text: &str) -> Result<Timestamp, String> {
    let utc = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text);
    let utc = utc.map_err(|_| format!("expected a time such as {NOW}, found {text}"))?;
    Ok(Timestamp::from_civil_utc(utc))
}
