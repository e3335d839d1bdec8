//! Who asks, and from where.

use std::net::{IpAddr, Ipv6Addr};

use crate::model::id::{PrincipalId, QualifiedName};

/// The one on whose behalf a use case runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// Somebody who has proved who they are.
    User(Identity),
    /// Somebody of another calendar store, which says who they are and is believed: without an account here, they may do
    /// what lists and rights grant to their name.
    Guest(QualifiedName),
    /// The operator, at the command line: everything is allowed.
    System,
}

/// A principal that has proved who it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Its number.
    pub id: PrincipalId,
    /// Its name and domain.
    pub name: QualifiedName,
    /// The name as typed at login: clients compare it byte by byte with PRIMARY-OWNER.
    pub typed: String,
    /// Whether it has the administrator's role.
    pub administrator: bool,
    /// Whether it has that of an administrator of its own domain.
    pub domain_administrator: bool,
    /// How often all sessions of the account had been ended before this one began; of sessions that doors keep themselves.
    pub ended: u64,
}

impl Identity {
    /// Whether it administers `domain`: every one, or its own. What that allows is up to the configuration.
    pub fn administers(&self, domain: &str) -> bool {
        self.administrator || (self.domain_administrator && self.name.domain == domain)
    }
}

impl Caller {
    /// The identity, for users.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::User(identity) => Some(identity),
            Self::Anonymous | Self::Guest(_) | Self::System => None,
        }
    }

    /// The name and domain of whoever is somebody.
    pub fn name(&self) -> Option<&QualifiedName> {
        match self {
            Self::User(identity) => Some(&identity.name),
            Self::Guest(name) => Some(name),
            Self::Anonymous | Self::System => None,
        }
    }

    /// Whether they stand above the owners of calendars: the operator and administrators.
    pub fn stands_above(&self) -> bool {
        match self {
            Self::System => true,
            Self::User(identity) => identity.administrator,
            Self::Anonymous | Self::Guest(_) => false,
        }
    }

    /// The principal, for users.
    pub fn principal(&self) -> Option<PrincipalId> {
        self.identity().map(|identity| identity.id)
    }
}

/// Whoever sends a request, as far as is known: the address of the client, behind a trusted proxy the one that
/// the proxy tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Client(Option<IpAddr>);

impl Client {
    /// Nobody in particular: a Unix socket, or a test.
    pub const UNKNOWN: Self = Self(None);

    /// The client at `address`; an IPv4 address written as an IPv6 one is taken for what it is.
    pub fn of(address: IpAddr) -> Self {
        Self(Some(address.to_canonical()))
    }

    /// The address, if it is known.
    pub fn address(&self) -> Option<IpAddr> {
        self.0
    }

    /// What one client can come from at will, and so is counted as one: an IPv4 address, a /64 network of IPv6.
    pub fn network(&self) -> Option<IpAddr> {
        self.0.map(|address| match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                Ipv6Addr::from_bits(network).into()
            }
        })
    }
}

/// Prints the address, or `-`.
impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("-"),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_counted_by_what_it_can_come_from() {
        for (address, network) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            let client = Client::of(address.parse().unwrap());
            assert_eq!(client.network(), Some(network.parse().unwrap()));
        }
        assert_eq!(Client::UNKNOWN.network(), None);
        assert_eq!(Client::UNKNOWN.to_string(), "-");
    }
}
