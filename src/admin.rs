//! Administration: one set of requests, carried out by the running server or by the command itself.
//!
//! A command asks the server of a data folder over a Unix socket in it ([`client`], [`server`]); when no server
//! runs it opens the store and carries the same [`Request`] out itself. How requests are written on the command
//! line and how answers look there is `cli`'s work.

pub mod client;
mod execute;
pub mod frame;
pub mod request;
mod rights;
pub mod server;
mod transfer;

#[cfg(test)]
mod tests;

pub use execute::execute;
pub use request::{Note, Peer, Request, Response, Secret};
