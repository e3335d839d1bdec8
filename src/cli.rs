//! The command line of `wcapd`: reads it, acts, and says what came of it.

pub mod args;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::app;
use crate::config::{Loaded, Sources, print};
use args::{Arguments, Command};

/// Exit status for a command line that cannot be understood.
const USAGE: u8 = 2;

/// Runs the command of this process and gives its exit status: 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && !is_bare_call(&error) => {
            eprintln!("wcapd: {}", args::usage_error(&error));
            return ExitCode::from(USAGE);
        }
        // Help and version, in clap's own form.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(sentence)) => {
            eprintln!("wcapd: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// `wcapd` or `wcapd user` alone: clap answers with the whole help, on standard error.
fn is_bare_call(error: &clap::Error) -> bool {
    error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// Why a command failed: one sentence, what was wrong and what to do.
#[derive(Debug)]
pub struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = load(arguments)?;
    match &arguments.command {
        Command::Serve(_) => {
            app::log::start(&loaded.config.log);
            app::serve(&loaded.config)?;
        }
        Command::Config => show(&print::to_toml(&loaded))?,
        _ => {
            return Err(Failure(
                "this command needs the core, which is not there yet".into(),
            ));
        }
    }
    Ok(())
}

/// The configuration that the command line asks for.
fn load(arguments: &Arguments) -> Result<Loaded, Failure> {
    let mut flags = Vec::new();
    if let Some(data) = &arguments.place.data {
        let text = data.to_str().ok_or_else(|| {
            Failure("the path given with --data is not UTF-8; use another".into())
        })?;
        flags.push(("server.data", text.to_owned(), "--data"));
    }
    let mut demo = false;
    if let Command::Serve(serve) = &arguments.command {
        demo = serve.demo;
        let http = serve
            .http
            .iter()
            .map(|addr| ("http.addr", addr.clone(), "--http"));
        let cap = serve
            .cap
            .iter()
            .map(|addr| ("cap.addr", addr.clone(), "--cap"));
        flags.extend(http.chain(cap));
    }
    Ok(Loaded::read(&Sources {
        file: arguments.place.config.as_deref(),
        environment: std::env::vars_os().collect(),
        flags,
        demo,
    })?)
}

/// Prints to standard output; a reader that has gone, as `head` does, is no failure.
fn show(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
