//! What an administrator can ask for, and the shapes of the answers.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::user::Role;

/// A password on its way; never printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// An administrative request. Names are as typed; bare ones get the server's domain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// Makes an account and its default calendar.
    UserAdd {
        /// Login name.
        name: String,
        /// Mail addresses, the first is the one shown.
        mail: Vec<String>,
        /// Full name; empty when unknown.
        full_name: String,
        /// Given name; empty when unknown.
        given_name: String,
        /// Family name; empty when unknown.
        surname: String,
        /// Whether it is an administrator's.
        administrator: bool,
        /// Its password; without one nobody can log in with it yet.
        password: Option<Secret>,
    },
    /// Lists all accounts.
    UserList,
    /// Shows an account.
    UserShow(String),
    /// Sets a password.
    UserPassword(String, Secret),
    /// Lets somebody log in (true) or not (false, which ends their sessions).
    UserEnable(String, bool),
    /// Gives somebody a role.
    UserGrant(String, Role),
    /// Takes a role from somebody; without one, all.
    UserRevoke(String, Option<Role>),
    /// Removes an account and its calendars.
    UserRemove(String),
    /// Makes a group.
    GroupAdd {
        /// Name.
        name: String,
        /// Mail addresses.
        mail: Vec<String>,
        /// Users and groups in it.
        members: Vec<String>,
    },
    /// Lists all groups.
    GroupList,
    /// Shows a group.
    GroupShow(String),
    /// Removes a group.
    GroupRemove(String),
    /// Puts into the group (first) a user or group (second), or takes it out (false).
    GroupMember(String, String, bool),
    /// Lists calendars, all or those of one user.
    CalendarList(Option<String>),
    /// Shows a calendar.
    CalendarShow(String),
    /// Makes a calendar.
    CalendarCreate {
        /// Its calid.
        calid: String,
        /// The user it belongs to.
        owner: String,
        /// Display name; none for the calid.
        name: Option<String>,
        /// Whether it stands for a room or a thing.
        resource: bool,
        /// Mail address under which it is invited.
        mail: Option<String>,
    },
    /// Removes a calendar with everything in it.
    CalendarRemove(String),
    /// Switches a calendar on (true), or off for everybody but the operator (false).
    CalendarEnable(String, bool),
    /// Shows access control entries.
    CalendarAcl(String),
    /// Sets access control entries, separated by `;`.
    CalendarSetAcl(String, String),
    /// Lists sessions, all or those of one user.
    SessionList(Option<String>),
    /// Ends all sessions of a user.
    SessionEnd(String),
    /// Ends the sessions whose key begins so, as the list shows it.
    SessionEndOne(String),
    /// Ends all sessions.
    SessionEndAll,
    /// Stores the iCalendar text that follows in a calendar.
    Import(String),
    /// Sends a whole calendar as iCalendar text.
    Export(String),
    /// Verifies every record and index, and rebuilds what is derived when true.
    Check(bool),
    /// Copies the store to a new file at this absolute path, written by whoever carries the request out.
    Backup(PathBuf),
    /// Lists the messages that wait to be mailed.
    OutboxList,
    /// Shows the message whose id begins so.
    OutboxShow(String),
    /// Makes the message whose id begins so due now, or all of them.
    OutboxRetry(Option<String>),
    /// Takes the message whose id begins so out, or all of them.
    OutboxDrop(Option<String>),
    /// Lists the rights (VCARs) of the store.
    RightsList,
    /// Shows those of a name.
    RightsShow(String),
    /// Keeps rights under a name, in place of those that were there.
    RightsSet {
        /// The name (CARID).
        name: String,
        /// What they give, in CAP's notation.
        grant: Vec<String>,
        /// What they take.
        deny: Vec<String>,
        /// Whether they bear on every calendar.
        decreed: bool,
    },
    /// Takes the rights of a name away.
    RightsRemove(String),
}

/// The answer to a request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// Done; nothing to show.
    Done,
    /// Named values of one thing. A name may repeat.
    Record(Vec<(String, String)>),
    /// A list: column heads, rows as wide.
    Table(Vec<String>, Vec<Vec<String>>),
    /// Lines as they stand.
    Lines(Vec<String>),
    /// What an import did.
    Imported {
        /// Objects (master and overrides of one UID) stored or unchanged.
        stored: u64,
        /// Components refused.
        refused: u64,
        /// Faults beyond those told as [`Note::Fault`].
        unlisted: u64,
    },
    /// What a check found: records read, and a sentence for each thing that is wrong.
    Checked {
        /// Records read.
        records: u64,
        /// What was wrong.
        problems: Vec<String>,
        /// Whether the problems were mended.
        repaired: bool,
    },
}

/// What is told while a request is being carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// So much of so much is done, in whatever unit fits.
    Progress {
        /// Done so far.
        done: u64,
        /// All of it; 0 when unknown.
        total: u64,
    },
    /// Something of an import was not taken: a sentence that names the line.
    Fault(String),
}

/// Whoever asked: the file sent along, the file sent back, the news in between.
///
/// Errors: the other side went away, or a file cannot be read or written.
pub trait Peer {
    /// The next piece of the file that comes with the request; empty at its end.
    fn receive(&mut self) -> io::Result<Vec<u8>>;
    /// The next piece of the file that answers the request.
    fn send(&mut self, piece: &[u8]) -> io::Result<()>;
    /// News.
    fn note(&mut self, note: Note) -> io::Result<()>;
}
