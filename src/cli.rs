//! The command line of `wcapd`: reads it, acts, and says what came of it.

pub mod args;
mod ask;
mod cap;
mod format;
mod local;
mod show;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::admin::{Request, Response};
use crate::app;
use crate::config::{Config, Loaded, Sources, print};
use args::{Arguments, Command};
use local::Local;

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

impl Failure {
    fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    // A client needs no configuration of a server.
    if let Command::Cap(cap) = &arguments.command {
        return cap::run(cap);
    }
    let loaded = load(arguments)?;
    let config = &loaded.config;
    match &arguments.command {
        Command::Serve(serve) => app::serve(config, serve.demo)?,
        Command::Config => show(&print::to_toml(&loaded))?,
        Command::Restore { file } => app::open::restore(config, file)?,
        command => {
            // These three are the only commands that make no request.
            if let Some(request) = ask::request(command)? {
                administer(config, command, request)?;
            }
        }
    }
    Ok(())
}

/// Has `request` carried out and shows what came of it.
fn administer(config: &Config, command: &Command, request: Request) -> Result<(), Failure> {
    let mut local = match command {
        Command::Import(import) => {
            Local::sending(&import.file, &config.limits).map_err(|error| {
                let file = import.file.display();
                Failure::new(format!("cannot read {file}: {error}; name a readable file"))
            })?
        }
        _ => Local::new(),
    };
    let response = app::open::administer(config, request, &mut local)?;
    show(&show::text(&response))?;
    match (command, response) {
        (
            Command::Import(import),
            Response::Imported {
                stored,
                refused,
                unlisted,
            },
        ) => {
            let faults = local.has_faults();
            drop(local);
            if unlisted > 0 {
                eprintln!("and {unlisted} more faults");
            }
            eprintln!("{stored} stored, {refused} refused");
            // A text that is no calendar has no component to refuse.
            if stored == 0 && (refused > 0 || faults) {
                let file = import.file.display();
                return Err(Failure::new(format!(
                    "nothing in {file} could be stored; the lines above say why"
                )));
            }
        }
        (Command::Export(export), _) => write_export(export, local.take_output())?,
        (
            _,
            Response::Checked {
                problems,
                repaired: false,
                ..
            },
        ) if !problems.is_empty() => {
            let advice =
                "the store is damaged; 'wcapd check --repair' rebuilds what can be rebuilt";
            return Err(Failure::new(advice));
        }
        _ => {}
    }
    Ok(())
}

fn write_export(export: &args::Export, text: Vec<u8>) -> Result<(), Failure> {
    let text = format::from_text(text, export.format.into());
    match &export.out {
        Some(file) => local::write_file(file, &text).map_err(|error| {
            let file = file.display();
            Failure::new(format!(
                "cannot write {file}: {error}; name another file with --out"
            ))
        }),
        None => Ok(show_octets(&text)?),
    }
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
        if serve.tls_self_signed {
            flags.push(("tls.self_signed", "true".to_owned(), "--tls-self-signed"));
        }
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
    show_octets(text.as_bytes())
}

fn show_octets(octets: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(octets).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
