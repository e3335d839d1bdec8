//! The command line: which commands and flags there are, and what their help says.
//!
//! Only the shape is here. What a command does is `admin`'s and the app's work, what a flag overrides is the
//! configuration's.

mod cap;
mod outbox;
mod rights;
mod role;

use std::path::PathBuf;

pub use cap::{Cap, Shape};
pub use outbox::{Letters, Outbox};
pub use rights::Rights;
pub use role::Role;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

const ABOUT: &str = "A calendar server for WCAP and CAP clients: one program, one data folder.";

const LONG_ABOUT: &str = "\
A calendar server for WCAP and CAP clients: one program, one data folder.

'wcapd serve' runs it. Every other command administers the server of a data folder, whether it runs at the \
moment or not: --data names the folder, or --config the file that says where it is.";

const EXAMPLES: &str = "\
Try it, with people and meetings to look at:
  wcapd serve --demo

Set up your own:
  wcapd user add tom --mail tom@example.org --name 'Tom Smith'
  wcapd import tom meetings.ics
  wcapd serve --http 0.0.0.0:8443 --tls-self-signed

See every setting, what it means and where its value came from:
  wcapd config

Exit status: 0 done, 1 failed, 2 wrong usage.";

const SERVE_EXAMPLES: &str = "\
Look around in a server with demo data, in a folder that may be deleted afterwards:
  wcapd serve --demo --data /tmp/demo

Listen on any free ports; the chosen ones are printed on standard error:
  wcapd serve --http 127.0.0.1:0 --cap 127.0.0.1:0

The same as a file, as a variable and as a flag; the later ones win:
  printf '[http]\\naddr = \"127.0.0.1:80\"\\n' > wcapd.toml; wcapd serve --config wcapd.toml
  WCAPD__HTTP__ADDR=127.0.0.1:8000 wcapd serve --config wcapd.toml
  wcapd serve --config wcapd.toml --http 127.0.0.1:8001

With TLS, by a certificate of the server's own making, for trying out:
  wcapd serve --demo --http 0.0.0.0:8443 --tls-self-signed

SIGTERM and SIGINT (Ctrl-C) let requests in flight finish, then end the server. SIGHUP reads the certificates \
again.";

const USER_EXAMPLES: &str = "\
  wcapd user add tom --mail tom@example.org --name 'Tom Smith'    asks for the password
  echo \"$secret\" | wcapd user add jerry --password-stdin
  wcapd user add anna </dev/null      no password yet: 'wcapd user passwd anna' sets one
  wcapd user grant tom administrator
  wcapd user disable jerry";

const GROUP_EXAMPLES: &str = "\
  wcapd group add team --mail team@example.org --member tom --member jerry
  wcapd group member add team anna
  wcapd group show team";

const CALENDAR_EXAMPLES: &str = "\
  wcapd calendar create tom:work --owner tom --name 'Work'
  wcapd calendar create room-1 --owner anna --resource --mail room-1@example.org
  wcapd calendar acl tom:work                               prints the access list
  wcapd calendar acl tom:work --set '@^a^rsf^g;@^c^^g;@^p^r^g'    lets everybody read
  wcapd calendar disable tom:work                           for everybody; 'enable' ends it";

const IMPORT_EXAMPLES: &str = "\
  wcapd import tom meetings.ics
  curl -s https://example.org/feed.ics | wcapd import tom -

What is wrong in the file is told on standard error with its line, the rest is stored. The exit status is 0 if \
anything was stored or nothing was there to store.";

const EXPORT_EXAMPLES: &str = "\
  wcapd export tom > tom.ics
  wcapd export tom --format text/xml --out tom.xml";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "wcapd",
    version,
    about = ABOUT,
    long_about = LONG_ABOUT,
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Which server is meant.
    #[command(flatten)]
    pub place: Place,
}

/// The flags that say which server is meant.
#[derive(Debug, Args)]
pub struct Place {
    /// Configuration file; 'wcapd config' prints one.
    #[arg(long, global = true, value_name = "FILE", env = "WCAPD_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Data folder [default: wcapd-data].
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,
}

/// A command and its flags.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server in the foreground.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),

    /// Accounts of the built-in directory.
    #[command(subcommand, after_help = USER_EXAMPLES)]
    User(User),

    /// Groups of people; a member may be a group.
    #[command(subcommand, after_help = GROUP_EXAMPLES)]
    Group(Group),

    /// Calendars and who may use them.
    #[command(subcommand, after_help = CALENDAR_EXAMPLES)]
    Calendar(Calendar),

    /// Who is logged in.
    #[command(subcommand)]
    Session(Session),

    /// Messages that wait to be mailed to people without a calendar here.
    #[command(subcommand, after_help = outbox::EXAMPLES)]
    Outbox(Outbox),

    /// Rights that bear on all calendars, or on those without rights of their own.
    #[command(subcommand, after_help = rights::EXAMPLES)]
    Rights(Rights),

    /// Talk to a calendar store over CAP, as a client.
    #[command(after_help = cap::EXAMPLES)]
    Cap(Cap),

    /// Store the events, to-dos and journals of a file in a calendar.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Import),

    /// Write out a whole calendar.
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(Export),

    /// Verify every record and index; exit status 1 if anything is wrong.
    Check(Check),

    /// Copy the whole store to a new file, consistently, while the server serves.
    Backup {
        /// The file to make; it must not exist yet.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },

    /// Put a backup into an empty data folder.
    Restore {
        /// A file that 'wcapd backup' made.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },

    /// Print the effective configuration: every key, its meaning and where the value came from.
    ///
    /// The output is a configuration file: 'wcapd config > wcapd.toml' is a start.
    Config,
}

/// Flags of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where WCAP and the web pages listen [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR:PORT")]
    pub http: Option<String>,

    /// Where CAP listens [default: 127.0.0.1:5229].
    #[arg(long, value_name = "ADDR:PORT")]
    pub cap: Option<String>,

    /// Fill an empty store with people and meetings, and print commands to try.
    #[arg(long)]
    pub demo: bool,

    /// Speak TLS with a certificate that the server makes itself, for trying out.
    #[arg(long)]
    pub tls_self_signed: bool,
}

/// `user ...`
#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account and its default calendar.
    Add(UserAdd),
    /// List all accounts.
    List,
    /// Show an account.
    Show(Named),
    /// Set a new password.
    Passwd {
        /// Whose password.
        #[command(flatten)]
        user: Named,
        /// Where the password comes from.
        #[command(flatten)]
        password: Password,
    },
    /// Let no one log in to an account; its sessions end, its calendars stay.
    Disable(Named),
    /// Let its owner log in to an account again.
    Enable(Named),
    /// Give an account a role.
    Grant {
        /// Who gets it.
        #[command(flatten)]
        user: Named,
        /// What is given; 'none' takes all roles back.
        role: Role,
    },
    /// Take a role from an account.
    Revoke {
        /// Whose.
        #[command(flatten)]
        user: Named,
        /// What is taken; all roles without it.
        role: Option<Role>,
    },
    /// Remove an account with its calendars.
    Remove(Named),
}

/// The name of a user.
#[derive(Debug, Args)]
pub struct Named {
    /// Login name, or NAME@DOMAIN.
    pub name: String,
}

/// Flags of `user add`.
#[derive(Debug, Args)]
pub struct UserAdd {
    /// Login name: letters, digits, '.', '_' and '-'; also the calid of the default calendar.
    pub name: String,

    /// Mail address; may be given more than once.
    #[arg(long, value_name = "ADDR")]
    pub mail: Vec<String>,

    /// Full name.
    #[arg(long = "name", value_name = "FULL")]
    pub full_name: Option<String>,

    /// Given name.
    #[arg(long, value_name = "G")]
    pub given: Option<String>,

    /// Family name.
    #[arg(long, value_name = "S")]
    pub surname: Option<String>,

    /// Make it an administrator's account.
    #[arg(long)]
    pub admin: bool,

    /// Where the password comes from.
    #[command(flatten)]
    pub password: Password,
}

/// Where a password comes from.
#[derive(Debug, Clone, Copy, Args)]
pub struct Password {
    /// Read the password from the first line of standard input instead of asking for it.
    #[arg(long)]
    pub password_stdin: bool,
}

/// `group ...`
#[derive(Debug, Subcommand)]
pub enum Group {
    /// Make a group.
    Add {
        /// Name: letters, digits, '.', '_' and '-'.
        name: String,
        /// Mail address; may be given more than once.
        #[arg(long, value_name = "ADDR")]
        mail: Vec<String>,
        /// User or group in it; may be given more than once.
        #[arg(long = "member", value_name = "NAME")]
        members: Vec<String>,
    },
    /// List all groups.
    List,
    /// Show a group and its members.
    Show(Named),
    /// Remove a group; its members stay.
    Remove(Named),
    /// Add a member or take one out.
    #[command(subcommand)]
    Member(Member),
}

/// `group member ...`
#[derive(Debug, Subcommand)]
pub enum Member {
    /// Put a user or a group into a group.
    Add(Membership),
    /// Take a user or a group out of a group.
    Remove(Membership),
}

/// A group and somebody.
#[derive(Debug, Args)]
pub struct Membership {
    /// The group.
    pub group: String,
    /// The user or group in it.
    pub name: String,
}

/// `calendar ...`
#[derive(Debug, Subcommand)]
pub enum Calendar {
    /// List calendars.
    List {
        /// Only those of this user.
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
    },
    /// Show a calendar: its owners, its properties and who may use it.
    Show {
        /// Its calid.
        calid: String,
    },
    /// Make a calendar.
    Create {
        /// Its calid: NAME or NAME:REST.
        calid: String,
        /// The user it belongs to.
        #[arg(long, value_name = "NAME")]
        owner: String,
        /// Display name [default: the calid].
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// It stands for a room or a thing.
        #[arg(long)]
        resource: bool,
        /// Mail address under which it is invited.
        #[arg(long, value_name = "ADDR", requires = "resource")]
        mail: Option<String>,
    },
    /// Remove a calendar with everything in it.
    Remove {
        /// Its calid.
        calid: String,
    },
    /// Switch a calendar off: no client can use it, its owners included; nothing in it is lost.
    Disable {
        /// Its calid.
        calid: String,
    },
    /// Switch a calendar on again.
    Enable {
        /// Its calid.
        calid: String,
    },
    /// Print or set the access control entries of a calendar.
    Acl {
        /// Its calid.
        calid: String,
        /// New entries WHO^WHAT^HOW^GRANT, separated by ';', in order: the first that matches decides.
        #[arg(long, value_name = "ACES")]
        set: Option<String>,
    },
}

/// `session ...`
#[derive(Debug, Subcommand)]
pub enum Session {
    /// List the sessions of WCAP and web clients.
    List {
        /// Only those of this user.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// End sessions: all of a user, one, or all.
    End(SessionEnd),
}

/// Which sessions end.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct SessionEnd {
    /// All sessions of this user.
    pub name: Option<String>,
    /// The one that 'session list' shows so.
    #[arg(long, value_name = "SESSION")]
    pub id: Option<String>,
    /// All sessions of everybody.
    #[arg(long)]
    pub all: bool,
}

/// Flags of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The calendar.
    pub calid: String,
    /// The file, iCalendar text, Sun's XML, xCal or jCal; '-' is standard input.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

/// Flags of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The calendar.
    pub calid: String,
    /// How it is written.
    #[arg(long, value_name = "TYPE", default_value = "text/calendar")]
    pub format: Format,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

/// The media types of `export`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// iCalendar.
    #[value(name = "text/calendar")]
    Calendar,
    /// Sun's XML.
    #[value(name = "text/xml")]
    Xml,
    /// The JSON of WCAP.
    #[value(name = "text/json")]
    Json,
    /// xCal.
    #[value(name = "application/calendar+xml")]
    XCal,
    /// jCal.
    #[value(name = "application/calendar+json")]
    JCal,
}

impl From<Format> for crate::wcap::format::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Calendar => Self::Calendar,
            Format::Xml => Self::Xml,
            Format::Json => Self::Json,
            Format::XCal => Self::XCal,
            Format::JCal => Self::JCal,
        }
    }
}

/// Flags of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Rebuild what can be rebuilt from the records.
    #[arg(long)]
    pub repair: bool,
}

/// What clap has to say about a wrong command line, as one sentence.
///
/// clap's own text spans lines; `wcapd`'s errors are one, so that a log and a script can take them.
pub fn usage_error(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraphs: Vec<String> = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty())
        .collect();
    let mut sentence = paragraphs.join("; ");
    for (label, plain) in [
        ("error: ", ""),
        ("tip: ", ""),
        ("Usage: ", "usage: "),
        ("For more", "for more"),
    ] {
        sentence = sentence.replace(label, plain);
    }
    sentence.trim_end_matches('.').to_owned()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
