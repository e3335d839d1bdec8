//! A core for tests: a store in memory, a clock that stands still, counted identifiers.

use std::sync::Arc;

use super::password::Cost;
use super::settings::DEFAULT_ACL;
use super::{Core, Settings};
use crate::ical::datetime::Timestamp;
use crate::limits::Limits;
use crate::model::acl::Acl;
use crate::model::clock::{CountedIds, ManualClock};
use crate::store::Store;

/// The defaults, with passwords that cost nothing.
pub(crate) fn settings() -> Settings {
    Settings {
        domain: "localhost".into(),
        domains: Default::default(),
        csid: "localhost".into(),
        peers: Vec::new(),
        default_acl: Acl::parse(DEFAULT_ACL, "localhost").unwrap(),
        default_tzid: "Europe/Berlin".into(),
        session_idle: 1_800,
        session_absolute: 43_200,
        session_bind_address: false,
        password_cache: 60,
        audit_reads: false,
        tombstone_days: 30,
        digest_md5: false,
        may_act_as: Vec::new(),
        anonymous: true,
        anonymous_people: false,
        proxyauth: false,
        override_acl: false,
        userprefs: false,
        create_calendars: true,
        delete_calendars: true,
        public_writable: true,
        change_passwords: true,
        expand_groups: true,
        password_cost: Cost::CHEAPEST,
        limits: Limits::default(),
    }
}

/// An empty core with those settings.
pub(crate) fn core() -> (Core, Arc<ManualClock>) {
    core_with(settings())
}

/// An empty core.
pub(crate) fn core_with(settings: Settings) -> (Core, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
    let store = Store::in_memory(clock.clone()).unwrap();
    (
        Core::new(
            store,
            clock.clone(),
            Arc::new(CountedIds::default()),
            settings,
        ),
        clock,
    )
}
