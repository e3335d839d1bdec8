//! The commands, one family to a file: their rows, and for each a short way from parameters to the core and
//! from its answer to a reply.

mod server;
mod session;

use crate::wcap::registry::Row;

/// The families, in the order of the documentation.
pub(super) const FAMILIES: &[&[Row]] = &[session::ROWS, server::ROWS];
