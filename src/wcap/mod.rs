//! The WCAP door: HTTP requests named `COMMAND.wcap`, answered with iCalendar, XML or JSON.
//!
//! `http` takes a request and finds the command's row in `registry`; the command reads `args`, calls the core and
//! shapes a `reply`; `encode` prints it. Decisions are the core's.

pub mod args;
pub mod calprops;
mod commands;
pub mod context;
pub mod decode;
mod dialect;
pub mod encode;
pub mod errno;
pub mod format;
pub mod http;
mod media;
pub mod registry;
pub mod reply;
pub mod shape;
mod xcal;
