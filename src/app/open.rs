//! Opens the store of a data folder and puts a core on it; carries administrative requests out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Error, people};
use crate::admin::client::Connection;
use crate::admin::{self, Request, Response};
use crate::config::{Config, acting};
use crate::core::domains::Domain;
use crate::core::password::Cost;
use crate::core::peers::Peer;
use crate::core::{self, Core};
use crate::model::acl::Acl;
use crate::model::clock::{SystemClock, SystemIds};
use crate::store::engine::{Redb, RedbOptions};
use crate::store::{self, Store};

/// Pause between two looks at a store that is open elsewhere while nobody answers for it.
const LOCKED_PAUSE: Duration = Duration::from_millis(50);

/// Looks at such a store before giving up, ten seconds: a server that starts or stops takes a moment.
const LOCKED_LOOKS: u32 = 200;

/// What the configuration tells the core.
pub fn settings(config: &Config) -> core::Settings {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    core::Settings {
        domain: config.server.domain.clone(),
        domains: domains(config),
        csid: config.csid(),
        peers: peers(config),
        // The configuration was checked; an unreadable list would grant nothing.
        default_acl: Acl::parse(&config.calendars.default_acl, &config.server.domain)
            .unwrap_or_default(),
        default_tzid: config.calendars.default_tzid.clone(),
        session_idle: seconds(config.session.idle),
        session_absolute: seconds(config.session.absolute),
        session_bind_address: config.session.bind_address,
        password_cache: seconds(config.auth.password_cache),
        audit_reads: config.log.audit_reads,
        tombstone_days: config.sync.tombstone_days.into(),
        digest_md5: config.cap.digest_md5,
        // The configuration was checked.
        may_act_as: acting(config).unwrap_or_default(),
        anonymous: config.auth.anonymous,
        anonymous_people: config.auth.anonymous_people,
        proxyauth: config.admin.proxyauth,
        override_acl: config.admin.override_acl,
        userprefs: config.admin.userprefs,
        create_calendars: config.calendars.allow_create,
        delete_calendars: config.calendars.allow_delete,
        public_writable: config.calendars.allow_public_writable,
        change_passwords: config.auth.allow_change_password,
        expand_groups: config.schedule.expand_groups,
        password_cost: Cost {
            memory_kib: config.auth.argon2_memory_kib,
            passes: config.auth.argon2_passes,
            scram_iterations: config.auth.scram_iterations,
        },
        limits: config.limits.clone(),
    }
}

/// What each domain has of its own, that of the server included.
fn domains(config: &Config) -> BTreeMap<String, Domain> {
    let hosted = config.hosted().map(|(name, _)| name);
    hosted
        .chain([config.server.domain.as_str()])
        .map(|name| {
            let keys = config.domain_keys(name);
            let acl = keys.default_acl.as_deref();
            let domain = Domain {
                hosts: keys.hosts.clone(),
                open_to: keys.open_to.clone(),
                anonymous: keys.anonymous,
                // The configuration was checked; an unreadable list would grant nothing.
                default_acl: acl.map(|acl| Acl::parse(acl, name).unwrap_or_default()),
                default_tzid: keys.default_tzid.clone(),
            };
            (name.to_owned(), domain)
        })
        .collect()
}

/// The calendar stores that messages are exchanged with.
fn peers(config: &Config) -> Vec<Peer> {
    let peers = config.peers.iter();
    peers
        .map(|(csid, peer)| Peer {
            csid: csid.clone(),
            domains: peer.domains_of(csid),
            login: peer.login_name(&config.server.domain),
        })
        .collect()
}

/// Opens the store, which is made if missing, and a core on it.
pub fn open(config: &Config) -> Result<Core, Error> {
    let options = RedbOptions {
        cache_bytes: (config.store.cache_mib as usize) << 20,
        ..RedbOptions::default()
    };
    let clock = Arc::new(SystemClock);
    let engine = Redb::open(&config.server.data, options)?;
    let bounds = store::Bounds {
        group_writes: config.limits.write_queue,
        ..store::Bounds::default()
    };
    let store = Store::on(Arc::new(engine), clock.clone(), bounds)?;
    Ok(Core::with_directories(
        store,
        clock,
        Arc::new(SystemIds),
        settings(config),
        people::directories(config)?,
    ))
}

/// Has `request` carried out: by the server that runs on the data folder, else here.
///
/// Only requests that make something may make the store.
pub fn administer(
    config: &Config,
    request: Request,
    peer: &mut dyn admin::Peer,
) -> Result<Response, Error> {
    let data = &config.server.data;
    let makes = matches!(request, Request::UserAdd { .. } | Request::GroupAdd { .. });
    if !makes && !Redb::exists(data) {
        return Err(Error::NoStore(data.clone()));
    }
    let mut looks = 0;
    loop {
        if let Some(server) = Connection::open(data)? {
            return Ok(server.call(&request, peer)?);
        }
        match open(config) {
            Ok(core) => {
                return admin::execute(&core, request, peer).map_err(Error::Refused);
            }
            Err(Error::Store(store::Error::Locked(_))) if looks < LOCKED_LOOKS => {
                looks += 1;
                std::thread::sleep(LOCKED_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Puts the copy `backup` into the data folder, which must hold no store.
pub fn restore(config: &Config, backup: &Path) -> Result<(), Error> {
    Ok(Redb::restore(backup, &config.server.data)?)
}
