//! The commands as a table: what each is called, takes, needs and answers when it fails.
//!
//! The door finds a command here, checks its request by the row and runs it; the reference page is printed from
//! the same rows. The rows themselves stand beside the commands, one family to a file.

use std::sync::LazyLock;

use crate::dispatch::Cost;
use crate::wcap::args::{COMMON, Param, Presence};
use crate::wcap::commands;
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::reply::Answer;

/// What a command wants of the `id` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: an id that has ended is no matter.
    Nothing,
    /// Without one the caller is anonymous; one that has ended is refused.
    Optional,
    /// Without one, or with one that has ended, the caller is anonymous; but what anonymous may not see is then
    /// refused as an ended session.
    Lenient,
    /// A living session.
    Session,
}

/// A command.
pub struct Row {
    /// The name, as in `NAME.wcap`.
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// What it does, one line.
    pub doc: &'static str,
    /// What it wants of the session.
    pub session: Needs,
    /// The result when it fails and the failure has no number of its own.
    pub failed: Errno,
    /// Where it runs.
    pub cost: Cost,
    /// Whether each `uid` must have a `rid` of its own.
    pub exact_rids: bool,
    /// Whether it takes a file, and so a larger body.
    pub takes_file: bool,
    /// Whether it answers cards of people, so that their media types name formats, too.
    pub makes_cards: bool,
    /// Whether the parts of a multipart body are attachments.
    pub takes_attachments: bool,
    /// Whether a body that is no urlencoded form is passed over unread: clients send dummies.
    pub ignores_body: bool,
    /// Whether clients ask it over and over, so that its answers are kept while they hold. Only for commands that
    /// write nothing, have no other effect, and answer by their parameters, the caller and the core alone.
    pub kept: bool,
    /// Its parameters, besides those of every command.
    pub params: &'static [Param],
    /// Does it.
    pub run: fn(&Context) -> Result<Answer, Failure>,
}

impl Row {
    /// A cheap command with an optional session and no parameters, to be completed with `..`.
    pub const fn new(
        name: &'static str,
        failed: Errno,
        run: fn(&Context) -> Result<Answer, Failure>,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            doc: "",
            session: Needs::Optional,
            failed,
            cost: Cost::Cheap,
            exact_rids: false,
            takes_file: false,
            makes_cards: false,
            takes_attachments: false,
            ignores_body: false,
            kept: false,
            params: &[],
            run,
        }
    }

    /// The result when a parameter is missing or wrong: import has a number for it.
    pub fn bad_arguments(&self) -> Errno {
        match self.name {
            "import" => Errno::BadImportArguments,
            _ => Errno::BadArguments,
        }
    }

    /// The result when a time zone is not known: fetches have a number for it.
    pub fn unknown_zone(&self) -> Errno {
        match self.name.starts_with("fetch") {
            true => Errno::BadTimeZone,
            false => self.failed,
        }
    }
}

/// Every name and its row, in the order of the names.
static BY_NAME: LazyLock<Vec<(&'static str, &'static Row)>> = LazyLock::new(|| {
    let mut names: Vec<_> = rows()
        .flat_map(|row| {
            let aliases = row.aliases.iter().copied();
            aliases.chain([row.name]).map(move |name| (name, row))
        })
        .collect();
    names.sort_unstable_by_key(|(name, _)| *name);
    names
});

/// All commands, family by family.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    commands::FAMILIES.iter().flat_map(|family| family.iter())
}

/// The command called `name`; letter case counts.
pub fn find(name: &str) -> Option<&'static Row> {
    let at = BY_NAME.binary_search_by_key(&name, |(name, _)| name).ok()?;
    BY_NAME.get(at).map(|(_, row)| *row)
}

/// The commands as a page of documentation in Markdown.
pub fn reference() -> String {
    let mut page = String::from("# WCAP commands\n\nEvery command also takes:\n\n");
    push_params(&mut page, COMMON);
    for row in rows() {
        page.push_str(&format!("\n## {}\n\n{}\n", row.name, row.doc));
        if !row.aliases.is_empty() {
            page.push_str(&format!("\nAlso called {}.\n", row.aliases.join(", ")));
        }
        let session = match row.session {
            Needs::Nothing => "Needs no session.",
            Needs::Optional => "Without a session the caller is anonymous.",
            Needs::Lenient => "Without a living session the caller is anonymous.",
            Needs::Session => "Needs a session.",
        };
        page.push_str(&format!("\n{session} General failure: {}.\n", row.failed));
        if !row.params.is_empty() {
            page.push('\n');
            push_params(&mut page, row.params);
        }
    }
    page
}

fn push_params(page: &mut String, params: &[Param]) {
    page.push_str("| parameter | value | default | meaning |\n|---|---|---|---|\n");
    for param in params {
        let mut names = format!("`{}`", param.name);
        for alias in param.aliases {
            names.push_str(&format!(", `{alias}`"));
        }
        let default = match param.presence {
            Presence::Required => "required",
            Presence::Optional => "",
            Presence::Default(text) => text,
        };
        let kind = param.kind.describe();
        page.push_str(&format!(
            "| {names} | {kind} | {default} | {} |\n",
            param.doc
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<_> = BY_NAME.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), BY_NAME.len());
        for row in rows() {
            assert!(find(row.name).is_some_and(|found| found.name == row.name));
        }
        assert!(find("Version").is_none());
        assert!(find("").is_none());
    }

    #[test]
    fn rows_are_complete() {
        for row in rows() {
            assert!(row.doc.len() > 10 && row.doc.ends_with('.'), "{}", row.name);
            let all: Vec<_> = COMMON
                .iter()
                .chain(row.params)
                .flat_map(|p| p.aliases.iter().copied().chain([p.name]))
                .collect();
            let unique: BTreeSet<_> = all.iter().collect();
            assert_eq!(
                unique.len(),
                all.len(),
                "{}: a parameter stands twice",
                row.name
            );
            for param in row.params {
                assert!(param.doc.ends_with('.'), "{} {}", row.name, param.name);
            }
        }
    }

    #[test]
    fn the_reference_names_everything() {
        let page = reference();
        for row in rows() {
            assert!(page.contains(&format!("\n## {}\n", row.name)));
        }
        assert!(page.contains("| `guidCount`, `count` | 1 to 4294967295 | 1 | "));
    }
}
