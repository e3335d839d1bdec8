//! A secret of this store, made once: by it the server gives people who do not exist something of their own, the same
//! at every start.

use super::error::Result;
use super::space::Space;
use super::{Reader, WriteTxn};

/// The row of the secret: 32 octets.
const SECRET: &[u8] = b"secret";

/// The secret; none if it was never made.
pub fn get(t: &impl Reader) -> Result<Option<Vec<u8>>> {
    t.get(Space::Meta, SECRET)
}

/// The secret, which becomes `fresh` if there is none yet.
pub fn make(t: &mut WriteTxn<'_>, fresh: &[u8]) -> Result<Vec<u8>> {
    if let Some(made) = get(t)? {
        return Ok(made);
    }
    t.put(Space::Meta, SECRET, fresh)?;
    Ok(fresh.to_vec())
}
