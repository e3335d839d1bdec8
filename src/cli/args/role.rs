//! The roles that accounts can have, as the command line calls them.

use clap::ValueEnum;

use crate::model::user;

/// A role an account can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Administers the server, within what the configuration allows.
    #[value(aliases = ["admin", "calmaster"])]
    Administrator,
    /// Administers the domain of the account, within what the configuration allows.
    #[value(aliases = ["domainadmin"])]
    DomainAdministrator,
    /// No role.
    None,
}

impl Role {
    /// The role as accounts have it; none for none.
    pub fn model(self) -> Option<user::Role> {
        match self {
            Self::Administrator => Some(user::Role::Administrator),
            Self::DomainAdministrator => Some(user::Role::DomainAdministrator),
            Self::None => None,
        }
    }
}
