//! The matrix: each row of the commands asked by each kind of caller, in a calendar of its own. The answer must be the
//! one that the table of needs leads to, and what is refused must have changed nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use wcapd::model::calendar::CalendarProperties;
use wcapd::wcap::registry;

use crate::callers::{Kind, Login, kinds};
use crate::commands::{ITEMS, ROWS, Row, Session, file};
use crate::world::{Ask, Server};

/// A result and why it must be that.
struct Expected {
    errno: i32,
    why: String,
}

/// What must come: sessions first, then what is needed, in order.
fn expected(row: &Row, kind: &Kind) -> Expected {
    let because = |errno: i32, why: String| Expected { errno, why };
    let dead = kind.login == Login::Dead;
    match (row.session, kind.login) {
        (Session::Living(errno), Login::None | Login::Dead) => {
            return because(errno, "it needs a living session".to_owned());
        }
        (Session::Optional, Login::Dead) => {
            return because(1, "a session that has ended is told first".to_owned());
        }
        _ => {}
    }
    let missing = row.needs.iter().find(|(need, _)| !kind.holds.meets(*need));
    match missing {
        Some((need, _)) if dead && row.session == Session::Lenient => {
            because(1, format!("{need:?} is missing, and the session has ended"))
        }
        Some((need, errno)) => because(*errno, format!("{need:?} is missing")),
        None => because(row.done, format!("nothing of {:?} is missing", row.needs)),
    }
}

/// Tom's calendar for the row with this number.
fn calid(number: usize) -> String {
    format!("tom:c{number}")
}

fn server(kind: &Kind) -> Server {
    let server = Server::new(
        kind.settings,
        &["user tom", "user kim", "user oli", "user ann admin"],
    );
    let core = server.core();
    let oli = core.user("oli").unwrap().id;
    for number in 0..ROWS.len() {
        let calid = calid(number);
        let new = Default::default();
        core.create_calendar(&calid, "tom", &new).unwrap();
        let change = |calendar: &mut CalendarProperties| calendar.owners = vec![oli];
        core.change_calendar(&calid, change).unwrap();
        server.set_acl(&calid, &kind.acl);
        server.import(&calid, ITEMS);
    }
    server
}

fn ask(row: &Row, calid: &str, kind: &Kind, token: Option<&str>) -> Ask {
    let (query, file) = match row.query.split_once('\n') {
        Some((query, uid)) => (query, Some(file(uid))),
        None => (row.query, None),
    };
    let entries = kind.acl.split(';').filter(|entry| !entry.is_empty());
    let acl: String = entries.map(|entry| format!("{entry};")).collect();
    let query = query.replace("{calid}", calid).replace("{acl}", &acl);
    let query = query.replace("{me}", kind.holds.name.unwrap_or("anonymous"));
    let mut target = format!("{}.wcap?{}", row.command, query);
    if let Some(token) = token {
        let _ = write!(target, "&id={token}");
    }
    Ask {
        target,
        body: file.map(|file| ("text/calendar".to_owned(), file)),
    }
}

/// Asks every row as one kind of caller and adds what is wrong.
fn walk(kind: &Kind, complaints: &mut Vec<String>) {
    let server = server(kind);
    let caller = server.caller(kind.login);
    for (number, row) in ROWS.iter().enumerate() {
        let calid = calid(number);
        let token = caller
            .as_ref()
            .and_then(|caller| server.token(kind.login, caller));
        let before = server.contents(&calid);
        let answer = server.ask(&ask(row, &calid, kind, token.as_deref()));
        let expected = expected(row, kind);
        let cell = format!("{} ({}) by {}", row.command, row.asked, kind.name);
        let (errno, why) = (expected.errno, expected.why);
        println!("{cell}: {errno}, because {why}");
        if answer.errno() != errno {
            let came = answer.errno();
            complaints.push(format!(
                "{cell}: expected {errno} because {why}, came {came}"
            ));
        }
        let told = answer
            .text()
            .contains(&format!("RELATIVE-CALID:{calid}\r\n"));
        if row
            .tells
            .is_some_and(|need| told != (errno == row.done && kind.holds.meets(need)))
        {
            complaints.push(format!("{cell}: tells the calid: {told}"));
        }
        if errno != row.done && server.contents(&calid) != before {
            complaints.push(format!("{cell}: refused, and yet the calendar has changed"));
        }
    }
}

/// Walks the kinds whose number leaves `part` when divided by `PARTS`: the parts run beside each other.
fn walk_part(part: usize) {
    let mut complaints = Vec::new();
    for (number, kind) in kinds().iter().enumerate() {
        if number % PARTS == part {
            walk(kind, &mut complaints);
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

const PARTS: usize = 4;

#[test]
fn every_command_for_every_caller_1() {
    walk_part(0);
}

#[test]
fn every_command_for_every_caller_2() {
    walk_part(1);
}

#[test]
fn every_command_for_every_caller_3() {
    walk_part(2);
}

#[test]
fn every_command_for_every_caller_4() {
    walk_part(3);
}

#[test]
fn every_command_says_what_it_needs() {
    let known: BTreeSet<&str> = registry::rows().map(|row| row.name).collect();
    let told: BTreeSet<&str> = ROWS.iter().map(|row| row.command).collect();
    let missing: Vec<_> = known.difference(&told).collect();
    let strange: Vec<_> = told.difference(&known).collect();
    assert!(
        missing.is_empty() && strange.is_empty(),
        "tests/access/commands.rs does not say what {missing:?} need; there are no commands {strange:?}"
    );
}

/// The page says what the table says; `UPDATE=1` writes it anew.
#[test]
fn the_page_of_rights_is_up_to_date() {
    let mut page = String::from(
        "<!-- Printed from the tests: UPDATE=1 cargo test --test access -- page -->\n\n# Rights in WCAP\n\n\
         What each command needs in the calendar it is asked about, in the order in which it is looked at, with the\n\
         result of whoever has not got it. An entry for `a` counts for `c` and `p` too. The primary owner needs none of\n\
         it, nor do administrators with `admin.override_acl`. Of what a list grants to anonymous only reading and busy\n\
         times count. A session that has ended is told first (errno 1), but for commands that need none. The tests ask\n\
         each of these as every kind of caller.\n\n\
         | command | for | session | needs, else errno |\n|---|---|---|---|\n",
    );
    for row in ROWS {
        let session = match row.session {
            Session::Nothing => "",
            Session::Optional | Session::Lenient => "or anonymous",
            Session::Living(_) => "yes",
        };
        let needs = row.needs.iter();
        let needs: Vec<String> = needs
            .map(|(need, errno)| format!("{}, {errno}", need.says()))
            .collect();
        let (command, asked, needs) = (row.command, row.asked, needs.join("; "));
        let _ = writeln!(page, "| `{command}` | {asked} | {session} | {needs} |");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/wcap-rights.md");
    if fs::read_to_string(&path).unwrap_or_default() == page {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, page).unwrap();
    }
    panic!("docs/wcap-rights.md is behind the table; UPDATE=1 writes it: read the diff");
}

/// A matrix in which every caller gets the same answer shows nothing: each need is met by some kinds and not by others.
#[test]
fn every_need_tells_callers_apart() {
    let kinds = kinds();
    for (need, _) in ROWS.iter().flat_map(|row| row.needs) {
        let met = kinds.iter().filter(|kind| kind.holds.meets(*need)).count();
        assert!(
            met > 0 && met < kinds.len(),
            "{need:?}: {met} of {}",
            kinds.len()
        );
    }
    let names: BTreeSet<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(names.len(), kinds.len());
}
