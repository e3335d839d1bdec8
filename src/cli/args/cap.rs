//! The part of the command line that is a client of CAP.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const EXAMPLES: &str = "\
  wcapd cap localhost                                  as nobody in particular, line by line
  wcapd cap --user tom localhost                       asks for the password
  wcapd cap --user tom --target tom localhost \\
      'SELECT UID,DTSTART,SUMMARY FROM VEVENT'
  wcapd cap --user tom localhost create meeting.ics
  wcapd cap --user tom localhost delete UID-OF-IT
  wcapd cap --target jerry localhost busy 2026-12-01 2026-12-08

Commands: SELECT ..., calendars, create FILE, delete UID or SELECT ..., busy [FROM [TO]], send FILE,
capability, uid [N], expand UPN, identify [UPN], noop. Without one they are typed line by line, and
'help' says more.

Exit status: 0 done, 1 the server refused something or could not be reached, 2 wrong usage.";

/// `cap ...`
#[derive(Debug, Args)]
pub struct Cap {
    /// The calendar store: a name or address, and a port other than 5229.
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,

    /// A command; without one they are read from standard input.
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    pub command: Vec<String>,

    /// Log in as this user (name or UPN); else as nobody in particular. The password comes from --password-file, from
    /// WCAPD_PASSWORD or is asked for.
    #[arg(long, value_name = "UPN")]
    pub user: Option<String>,

    /// File with the password in its first line.
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,

    /// Act for this user from the beginning, where the server permits that.
    #[arg(long = "as", value_name = "UPN")]
    pub as_user: Option<String>,

    /// Calendars that commands are about; else the user's first one. May be given several times.
    #[arg(long, value_name = "CALID")]
    pub target: Vec<String>,

    /// Refuse to go on without TLS. Without this it is used where the server offers it (STARTTLS).
    #[arg(long, conflicts_with = "plain")]
    pub tls: bool,

    /// Begin with TLS at once, for ports that have nothing else.
    #[arg(long, conflicts_with = "plain")]
    pub tls_direct: bool,

    /// Do not use TLS.
    #[arg(long)]
    pub plain: bool,

    /// PEM file with the authorities of the server's certificate; else the machine's.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Take any certificate, for trying out: whoever sits in between can read along.
    #[arg(long, conflicts_with = "ca")]
    pub insecure: bool,

    /// PEM file with a certificate to log in with.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,

    /// PEM file with its key.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// Show what goes over the wire, passwords left out, on standard error.
    #[arg(long)]
    pub raw: bool,

    /// How answers are shown: table on a terminal, else tab.
    #[arg(long, value_enum)]
    pub format: Option<Shape>,

    /// The same as --format json: one JSON document for each command.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// Seconds to wait for a command.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub wait: u64,
}

/// How answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Columns that line up, dates as people write them.
    Table,
    /// A line for each row, values as they are, separated by tabs.
    Tab,
    /// The components as they came.
    Ical,
    /// One JSON document for each command, components in jCal.
    Json,
}
