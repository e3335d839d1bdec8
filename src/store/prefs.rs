//! Preferences of a principal: names, each with one or more values, in the order they were set.

use serde::{Deserialize, Serialize};

use super::error::Result;
use super::layout;
use super::space::Space;
use super::{Reader, WriteTxn};
use crate::model::id::PrincipalId;

/// All preferences of one principal. Names compare with case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// Name and value; a name may stand more than once.
    pub values: Vec<(String, String)>,
}

impl Preferences {
    /// The values of `name`, in order.
    pub fn get<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The preferences of `principal`.
pub fn get(t: &impl Reader, principal: PrincipalId) -> Result<Preferences> {
    Ok(t.load(Space::Prefs, &layout::principal(principal))?
        .unwrap_or_default())
}

/// Forgets the preferences of `principal`.
pub fn remove(t: &mut WriteTxn<'_>, principal: PrincipalId) {
    t.delete(Space::Prefs, &layout::principal(principal));
}

/// Stores the preferences of `principal`.
pub fn put(t: &mut WriteTxn<'_>, principal: PrincipalId, prefs: &Preferences) -> Result<()> {
    t.save(Space::Prefs, &layout::principal(principal), prefs)
}
