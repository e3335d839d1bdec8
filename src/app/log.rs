//! The log: what a serving process writes to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::table::Log;

/// Sends the log to standard error as configured. A log that is set up already stays.
pub fn start(log: &Log) {
    // The configuration was checked; a filter that is none after all must not keep the server from running.
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let _ = match log.format.as_str() {
        "json" => builder.json().try_init(),
        _ => builder.try_init(),
    };
}
