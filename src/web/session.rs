//! Browser sessions of `tower-sessions`, kept by the core beside those of WCAP.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Session, SessionStore};

use crate::core::{self, Caller, Client, Core, Identity};
use crate::dispatch::{Cost, Dispatch};
use crate::model::id::PrincipalId;
use crate::store::sessions::SessionKind;

/// Where a record holds who is logged in: number of the principal, the name as typed, the address.
const IDENTITY: &str = "identity";

/// The store of sessions that the cookie layer uses.
#[derive(Clone)]
pub(super) struct CoreSessions {
    core: Core,
    dispatch: Dispatch,
}

impl fmt::Debug for CoreSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CoreSessions")
    }
}

impl CoreSessions {
    pub(super) fn new(core: Core, dispatch: Dispatch) -> Self {
        Self { core, dispatch }
    }

    async fn run<T: Send + 'static>(
        &self,
        cost: Cost,
        job: impl FnOnce(&Core) -> core::Result<T> + Send + 'static,
    ) -> Result<T> {
        let core = self.core.clone();
        let done = self.dispatch.run(cost, move || job(&core)).await;
        let done = done.map_err(|lost| Error::Backend(lost.to_string()))?;
        done.map_err(|error| Error::Backend(error.to_string()))
    }
}

fn bytes(id: Id) -> [u8; 16] {
    id.0.to_be_bytes()
}

/// Who is logged in, in a record.
type LoggedIn = (PrincipalId, String, Option<IpAddr>);

fn identity_in(record: &Record) -> Option<LoggedIn> {
    serde_json::from_value(record.data.get(IDENTITY)?.clone()).ok()
}

#[async_trait]
impl SessionStore for CoreSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // 128 random bits do not meet; if they did, another draw is right.
        while self.load(&record.id).await?.is_some() {
            record.id = Id::default();
        }
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let data = serde_json::to_string(&record.data).map_err(|e| Error::Encode(e.to_string()))?;
        let identity = identity_in(record);
        let id = bytes(record.id);
        self.run(Cost::Heavy, move |core| {
            core.save_web_session(&id, identity.clone(), &data)
        })
        .await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let key = bytes(*id);
        // Looking is cheap; that it may note the use of the session, once in a while, is not.
        let found = self
            .run(Cost::Heavy, move |core| {
                core.kept_session(&key, SessionKind::Web)
            })
            .await?;
        let Some(session) = found else {
            return Ok(None);
        };
        let data = serde_json::from_str(&session.data).map_err(|e| Error::Decode(e.to_string()))?;
        let ends = self.core.session_ends(&session);
        let expiry_date = OffsetDateTime::from_unix_timestamp(ends.0)
            .map_err(|e| Error::Decode(e.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let key = bytes(*id);
        self.run(Cost::Heavy, move |core| {
            core.drop_session(&key, SessionKind::Web).map(drop)
        })
        .await
    }
}

/// Writes down who is logged in, under a fresh id: one that was known before the login opens nothing after it.
pub(super) async fn log_in(
    session: &Session,
    identity: &Identity,
    client: Client,
) -> std::result::Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session
        .insert(IDENTITY, (identity.id, &identity.typed, client.address()))
        .await
}

/// Who is logged in, if the account is still there and open and the session counts from there.
pub(super) async fn caller(session: &Session, core: &Core, client: Client) -> Option<Caller> {
    let (id, typed, address): LoggedIn = session.get(IDENTITY).await.ok().flatten()?;
    if !core.counts_from(address, client) {
        return None;
    }
    core.caller(id, &typed).ok().flatten()
}
