//! Who asks.

use crate::model::id::{PrincipalId, QualifiedName};

/// The one on whose behalf a use case runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// Somebody who has proved who they are.
    User(Identity),
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
}

impl Caller {
    /// The identity, for users.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::User(identity) => Some(identity),
            Self::Anonymous | Self::System => None,
        }
    }

    /// The principal, for users.
    pub fn principal(&self) -> Option<PrincipalId> {
        self.identity().map(|identity| identity.id)
    }
}
