//! Who may do what over WCAP: every command, asked by every kind of caller, against a table of what each needs that is
//! this test's own; that busy times are all that somebody learns who may see no more, and that private items have no texts
//! for those who are no owners.
//!
//! Requests go through the WCAP door inside this process, from the form to the answer's octets, without a socket.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

#[path = "access/callers.rs"]
mod callers;
#[path = "access/commands.rs"]
mod commands;
#[path = "access/forms.rs"]
mod forms;
#[path = "access/matrix.rs"]
mod matrix;
#[path = "access/needs.rs"]
mod needs;
#[path = "access/private.rs"]
mod private;
#[path = "access/pry.rs"]
mod pry;
#[path = "access/samples.rs"]
mod samples;
#[path = "access/scheduling.rs"]
mod scheduling;
#[path = "access/secrets.rs"]
mod secrets;
#[path = "access/world.rs"]
mod world;
