//! A session typed line by line: editing, history and completion on a terminal, plain lines from a pipe.

use std::borrow::Cow;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, BufRead as _, IsTerminal as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

use super::words::{self, NAMES, Word};
use super::{Done, Failure, Session, say};

/// What may stand in queries besides commands.
const QUERY_WORDS: [&str; 40] = [
    "SELECT",
    "FROM",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "LIKE",
    "IN",
    "IS",
    "NULL",
    "VEVENT",
    "VTODO",
    "VJOURNAL",
    "VALARM",
    "VFREEBUSY",
    "VCALENDAR",
    "VCAR",
    "VQUERY",
    "VTIMEZONE",
    "CALSTORE",
    "UID",
    "SUMMARY",
    "DTSTART",
    "DTEND",
    "DUE",
    "LOCATION",
    "DESCRIPTION",
    "CATEGORIES",
    "CLASS",
    "STATUS",
    "ATTENDEE",
    "ORGANIZER",
    "METHOD",
    "RECURRENCE-ID",
    "LAST-MODIFIED",
    "RELCALID",
    "NAME",
    "OWNER",
    "STATE()",
    "SELF()",
];

/// Reads commands until the end, and has each carried out; one that fails is told, and the session goes on. From a pipe the
/// first failure ends it, as in a script.
pub(super) fn run(
    session: &mut Session,
    mut act: impl FnMut(&mut Session, &Word) -> Result<Done, Failure>,
) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        for line in io::stdin().lock().lines() {
            let line = line?;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let word = words::read(line).map_err(Failure::new)?;
            if word == Word::Quit {
                break;
            }
            say(act(session, &word)?)?;
        }
        return Ok(());
    }
    let config = Config::builder()
        .max_history_size(session.limits.client_history)?
        .auto_add_history(true)
        .build();
    let mut editor: Editor<Words, DefaultHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Words));
    let history = history_file();
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    eprintln!(
        "{} at {}; 'help' shows the commands",
        session.identity, session.host
    );
    let ended = loop {
        let line = match editor.readline("cap> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break Ok(()),
            Err(cause) => break Err(Failure::from(cause)),
        };
        if line.trim().is_empty() {
            continue;
        }
        match words::read(&line) {
            Ok(Word::Quit) => break Ok(()),
            Ok(word) => match act(session, &word).and_then(say) {
                Ok(()) => {}
                Err(Failure(sentence)) => eprintln!("wcapd: {sentence}"),
            },
            Err(sentence) => eprintln!("wcapd: {sentence}"),
        }
    };
    if let Some(file) = &history {
        keep(&mut editor, file);
    }
    ended
}

/// Where the history is kept: in the folder of states (XDG base directories).
fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let folder = state
        .filter(|folder| folder.is_absolute())
        .or_else(home)?
        .join("wcapd");
    Some(folder.join("cap_history"))
}

/// Keeps the history, if its file can be one for its owner alone. That it cannot be kept is no reason to fail.
fn keep(editor: &mut Editor<Words, DefaultHistory>, file: &Path) {
    if private(file).is_ok() {
        let _ = editor.save_history(file);
    }
}

/// Makes a file that its owner alone can read, or one that is there so.
fn private(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)?;
    if opened.metadata()?.permissions().mode() & 0o077 != 0 {
        opened.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Completes commands, and words of queries.
struct Words;

impl Helper for Words {}
impl Validator for Words {}
impl Hinter for Words {
    type Hint = String;
}
impl Highlighter for Words {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        hint.into()
    }
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(candidates(line, at))
    }
}

/// Where the word under the cursor begins, and what it may become.
fn candidates(line: &str, at: usize) -> (usize, Vec<String>) {
    let before = line.get(..at).unwrap_or(line);
    let start = before
        .rfind(|c: char| c.is_whitespace() || c == ',' || c == '(')
        .map_or(0, |at| at + 1);
    let begun = before[start..].to_ascii_lowercase();
    let begins = |word: &&str| word.to_ascii_lowercase().starts_with(&begun);
    let first = before[..start].trim().is_empty();
    let query = before.trim_start().to_ascii_lowercase();
    let found: Vec<&str> = if first {
        NAMES.iter().map(|(name, _)| *name).filter(begins).collect()
    } else if query.starts_with("select") || query.starts_with("delete select") {
        QUERY_WORDS.iter().copied().filter(begins).collect()
    } else {
        Vec::new()
    };
    (
        start,
        found.into_iter().map(|word| format!("{word} ")).collect(),
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/b/history");
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        private(&file).unwrap();
        assert_eq!(mode(), 0o600);
        fs::write(&file, "noop\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        private(&file).unwrap();
        assert_eq!(mode(), 0o600);
        assert_eq!(fs::read_to_string(&file).unwrap(), "noop\n");
    }

    #[test]
    fn commands_and_words_of_queries_are_completed() {
        let complete = |line: &str| candidates(line, line.len());
        assert_eq!(complete("cal"), (0, vec!["calendars ".to_owned()]));
        assert_eq!(complete("sel"), (0, vec!["SELECT ".to_owned()]));
        assert_eq!(
            complete("SELECT UID,SUM"),
            (11, vec!["SUMMARY ".to_owned()])
        );
        assert_eq!(complete("create SUM"), (7, Vec::new()));
    }
}
