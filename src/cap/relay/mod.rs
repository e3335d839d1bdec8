//! Other calendar stores, as this one's peers: sessions in which it speaks for its people, as a client
//! (draft-ietf-calsch-cap-04 section 10, CS to CS).
//!
//! Only stores that the operator names are spoken to, by the credentials kept for each, so that no client can send this
//! server to a place of its choice. [`letters`] carries what waits in the outbox.

pub mod letters;

use std::sync::Arc;
use std::time::Duration;

use super::client::sasl::Credentials;
use super::client::{Client, Failed, Options, Protection};
use crate::ical::component::Component;
use crate::model::clock::Ids;

/// A calendar store that is spoken to.
pub struct Peer {
    /// Its name in addresses.
    pub csid: String,
    /// Where and how it is reached.
    pub options: Options,
    /// Who logs in there.
    pub credentials: Credentials,
}

/// The stores that are spoken to; clones share them.
#[derive(Clone, Default)]
pub struct Peers(Arc<[Peer]>);

impl Peers {
    /// These.
    pub fn new(peers: Vec<Peer>) -> Self {
        Self(peers.into())
    }

    /// The store called `csid`.
    pub fn named(&self, csid: &str) -> Option<&Peer> {
        self.0.iter().find(|peer| peer.csid == csid)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Peer> {
        self.0.iter()
    }
}

/// A session with another store.
pub struct Session {
    client: Client,
    anonymous: bool,
    acts_for: String,
}

impl Session {
    /// Connects and logs in. Errors: as of a client.
    pub async fn begin(peer: &Peer, ids: &dyn Ids) -> Result<Self, Failed> {
        let mut client = Client::connect(&peer.options, None).await?;
        if peer.options.protection == Protection::Required && !client.is_secure() {
            return Err(Failed::NoTls);
        }
        let mut random = [0; 18];
        ids.fill(&mut random);
        let acts_for = client.login(&peer.credentials, &random).await?;
        Ok(Self {
            client,
            anonymous: matches!(peer.credentials, Credentials::Anonymous),
            acts_for,
        })
    }

    /// Sends an object in the name of `upn` and answers what the other store says, as it says it. Whoever is nobody in
    /// particular there stays that.
    ///
    /// Errors: as of a client; [`Failed::Refused`] with 6.4 when this store may not speak for them.
    pub async fn ask(
        &mut self,
        upn: &str,
        text: &str,
        patience: Duration,
    ) -> Result<Vec<Component>, Failed> {
        if !self.anonymous && self.acts_for != upn {
            self.client.identify(upn).await?;
            upn.clone_into(&mut self.acts_for);
        }
        self.client.objects(text, patience).await
    }

    /// Says goodbye; it does not matter whether that is heard.
    pub async fn end(self) {
        let _ = self.client.disconnect().await;
    }
}
