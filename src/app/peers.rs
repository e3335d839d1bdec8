//! The other calendar stores, as the configuration names them.

use super::Error;
use super::people::secret;
use crate::cap::client::sasl::{Credentials, Password};
use crate::cap::client::{Options, PORT, Protection};
use crate::cap::relay::{Peer, Peers};
use crate::config::peers::{self, place};
use crate::config::{Config, table};
use crate::tls::connect::{Trust, connector};

/// The stores that are spoken to.
///
/// Errors: a file that is named cannot be read or used. Whether a store answers shows later.
pub(super) fn peers(config: &Config) -> Result<Peers, Error> {
    let peers = config.peers.iter();
    let peers = peers.map(|(csid, keys)| peer(csid, keys, config));
    Ok(Peers::new(peers.collect::<Result<_, _>>()?))
}

fn peer(csid: &str, keys: &table::Peer, config: &Config) -> Result<Peer, Error> {
    let addr = keys.addr.as_deref().unwrap_or(csid);
    // The configuration was checked.
    let (host, port) = place(addr).unwrap_or_else(|| (addr.to_owned(), None));
    let protection = match keys.protection() {
        Some(peers::Protection::Direct) => Protection::Direct,
        Some(peers::Protection::None) => Protection::None,
        Some(peers::Protection::StartTls) | None => Protection::Required,
    };
    let local = host == "localhost"
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if protection == Protection::None && !local {
        tracing::warn!(
            store = csid,
            "calendars go to another store unprotected: its tls is none"
        );
    }
    let credentials = match (&keys.user, &keys.password_file, &keys.cert) {
        (Some(user), Some(file), _) => Credentials::Password {
            user: user.clone(),
            password: Password(secret(file)?),
        },
        (_, _, Some(_)) => Credentials::Certificate,
        _ => Credentials::Anonymous,
    };
    let trust = match &keys.ca {
        Some(file) => Trust::File(file),
        None => Trust::Machine,
    };
    let own = keys.cert.as_deref().zip(keys.key.as_deref());
    Ok(Peer {
        csid: csid.to_owned(),
        options: Options {
            host,
            port: port.unwrap_or(PORT),
            protection,
            tls: connector(trust, own)?,
            time: config.limits.relay_time,
            limits: config.limits.clone(),
        },
        credentials,
    })
}
