//! Administrative commands, each against the running server and against the store alone.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "administration/domains.rs"]
mod domains;
#[path = "administration/outbox.rs"]
mod outbox;
#[path = "administration/sessions.rs"]
mod sessions;

use std::io::Write as _;
use std::process::{Command, Stdio};

use common::server::{self, DataDir, Server};

/// Hashing at full cost would be most of the time of these tests.
const CHEAP: &str = "[auth]\nargon2_memory_kib = 8\nargon2_passes = 1\nscram_iterations = 4096\n";

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

/// A data folder, with a server on it or without.
struct Place {
    data: DataDir,
    config: DataDir,
    server: Option<Server>,
}

impl Place {
    /// Nobody serves.
    fn quiet() -> Self {
        let config = DataDir::new();
        std::fs::write(config.join("wcapd.toml"), CHEAP).unwrap();
        Self {
            data: DataDir::new(),
            config,
            server: None,
        }
    }

    /// Both kinds: nobody serving, and a server.
    fn both() -> [Self; 2] {
        let mut served = Self::quiet();
        served.start();
        [Self::quiet(), served]
    }

    fn start(&mut self) {
        let config = self.config.join("wcapd.toml");
        self.server = Some(Server::start(
            &self.data,
            &["--config", config.to_str().unwrap()],
        ));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = server::command(arguments);
        command.args(["--data", self.data.text(), "--config"]);
        command.arg(self.config.join("wcapd.toml"));
        command
    }

    /// Runs a command that must succeed; gives what it printed.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        text(&output.stdout).to_owned()
    }

    /// As [`Place::done`], with `input` on standard input.
    fn fed(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that refuses early closes its end.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        text(&output.stdout).to_owned()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        server::refused(&mut self.command(arguments), 1)
    }

    fn add(&self, name: &str) {
        let printed = self.fed(&["user", "add", name, "--password-stdin"], "secret\n");
        assert_eq!(printed, "");
    }

    /// Ends the server, if there is one, by SIGTERM.
    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            let (status, said) = server.stop();
            assert_eq!(status.code(), Some(0), "{said}");
            assert!(!said.contains("panicked"), "{said}");
        }
    }
}

#[test]
fn users() {
    for mut place in Place::both() {
        let all = [
            "user",
            "add",
            "Tom",
            "--mail",
            "Tom@example.org",
            "--mail",
            "t@example.org",
            "--name",
            "Tom Smith",
            "--given",
            "Tom",
            "--surname",
            "Smith",
            "--admin",
            "--password-stdin",
        ];
        place.fed(&all, "tom's\n");
        place.add("jerry");
        assert_eq!(
            place.done(&["user", "list"]),
            "NAME   MAIL             STATE          FULL NAME\n\
             tom    tom@example.org  administrator  Tom Smith\n\
             jerry  jerry@localhost  enabled\n"
        );
        let shown = place.done(&["user", "show", "t@example.org"]);
        for line in [
            "upn         tom@localhost\n",
            "mail        t@example.org\n",
            "given name  Tom\n",
            "role        administrator\n",
            "may log in  yes\n",
        ] {
            assert!(shown.contains(line), "{shown}");
        }
        place.done(&["user", "grant", "tom", "none"]);
        place.done(&["user", "disable", "tom"]);
        assert!(
            place
                .done(&["user", "show", "tom"])
                .contains("may log in  no\n")
        );
        place.done(&["user", "enable", "tom"]);
        place.done(&["user", "grant", "jerry", "administrator"]);
        place.fed(&["user", "passwd", "jerry", "--password-stdin"], "new\n");
        place.done(&["user", "remove", "tom"]);
        assert_eq!(
            place.done(&["user", "list"]),
            "NAME   MAIL             STATE          FULL NAME\n\
             jerry  jerry@localhost  administrator\n"
        );
        // Removing a user removes the default calendar.
        assert!(!place.done(&["calendar", "list"]).contains("tom"));
        place.stop();
    }
}

#[test]
fn refusals_of_names() {
    for mut place in Place::both() {
        place.add("tom");
        assert_eq!(
            place.refused(&["user", "show", "tim"]),
            "wcapd: there is no user 'tim'; 'wcapd user list' shows them all\n"
        );
        let taken = place.refused(&["group", "add", "tom"]);
        assert!(taken.contains("'tom' is taken"), "{taken}");
        let reserved = place.refused(&["calendar", "create", "default", "--owner", "tom"]);
        assert!(reserved.contains("reserved"), "{reserved}");
        // Standard input is no terminal here.
        let sentence = place.refused(&["user", "passwd", "tom"]);
        assert!(sentence.contains("--password-stdin"), "{sentence}");
        place.done(&["user", "add", "anna"]);
        assert!(place.done(&["user", "list"]).contains("anna"));
        let sentence = place.refused(&["user", "add", "jerry", "--password-stdin"]);
        assert!(sentence.contains("is empty"), "{sentence}");
        place.stop();
    }
}

#[test]
fn groups() {
    for mut place in Place::both() {
        place.add("tom");
        place.add("jerry");
        place.done(&["group", "add", "staff", "--member", "tom"]);
        let all = [
            "group",
            "add",
            "team",
            "--mail",
            "team@example.org",
            "--member",
            "staff",
        ];
        place.done(&all);
        place.done(&["group", "member", "add", "team", "jerry"]);
        assert_eq!(
            place.done(&["group", "list"]),
            "NAME   MAIL              MEMBERS\n\
             staff                    1\n\
             team   team@example.org  2\n"
        );
        let shown = place.done(&["group", "show", "team"]);
        assert!(shown.contains("member  staff\nmember  jerry\n"), "{shown}");
        place.done(&["group", "member", "remove", "team", "jerry"]);
        let sentence = place.refused(&["group", "member", "remove", "team", "jerry"]);
        assert!(
            sentence.contains("'jerry' is not in group 'team'"),
            "{sentence}"
        );
        place.done(&["group", "remove", "staff"]);
        assert!(!place.done(&["group", "show", "team"]).contains("staff"));
        place.stop();
    }
}

#[test]
fn calendars() {
    for mut place in Place::both() {
        place.add("tom");
        place.add("anna");
        place.done(&[
            "calendar", "create", "tom:work", "--owner", "tom", "--name", "Work",
        ]);
        let room = [
            "calendar",
            "create",
            "room-1",
            "--owner",
            "anna",
            "--resource",
            "--mail",
            "r@localhost",
        ];
        place.done(&room);
        let owned = place.done(&["calendar", "list", "--owner", "tom"]);
        assert_eq!(
            owned,
            "CALID     OWNER  KIND      STATE    NAME\n\
             tom       tom    calendar  enabled  tom\n\
             tom:work  tom    calendar  enabled  Work\n"
        );
        assert!(
            place
                .done(&["calendar", "list"])
                .contains("room-1    anna   resource  enabled  room-1\n")
        );
        assert_eq!(
            place.done(&["calendar", "acl", "tom:work"]),
            "@@o^a^r^g\n@@o^c^wdeic^g\n@^a^fs^g\n@^c^^g\n@^p^r^g\n"
        );
        place.done(&["calendar", "acl", "tom:work", "--set", "@^a^RSF^g;@^c^^g"]);
        assert_eq!(
            place.done(&["calendar", "acl", "tom:work"]),
            "@^a^RSF^g\n@^c^^g\n"
        );
        let sentence = place.refused(&["calendar", "acl", "tom:work", "--set", "nonsense"]);
        assert!(sentence.contains("nonsense"), "{sentence}");
        assert_eq!(
            place.done(&["calendar", "acl", "tom:work"]),
            "@^a^RSF^g\n@^c^^g\n"
        );
        // A calendar that is switched off is there for the operator all the same.
        place.done(&["calendar", "disable", "tom:work"]);
        let owned = place.done(&["calendar", "list", "--owner", "tom"]);
        assert!(
            owned.contains("tom:work  tom    calendar  disabled  Work\n"),
            "{owned}"
        );
        assert!(
            place
                .done(&["export", "tom:work"])
                .starts_with("BEGIN:VCALENDAR")
        );
        assert!(place.done(&["check"]).contains("nothing is wrong"));
        let shown = place.done(&["calendar", "show", "tom:work"]);
        for line in [
            "calid                 tom:work\n",
            "primary owner         tom\n",
            "state                 disabled\n",
            "access                @^a^RSF^g\naccess                @^c^^g\n",
        ] {
            assert!(shown.contains(line), "{shown}");
        }
        place.done(&["calendar", "enable", "tom:work"]);
        assert!(!place.done(&["calendar", "list"]).contains("disabled"));
        let sentence = place.refused(&["calendar", "disable", "tim"]);
        assert!(
            sentence.contains("there is no calendar 'tim'"),
            "{sentence}"
        );
        place.done(&["calendar", "remove", "tom:work"]);
        assert_eq!(
            place.refused(&["calendar", "acl", "tom:work"]),
            "wcapd: there is no calendar 'tom:work'; 'wcapd calendar list' shows them all\n"
        );
        place.stop();
    }
}

#[test]
fn backup_and_restore() {
    for mut place in Place::both() {
        place.add("tom");
        let folder = DataDir::new();
        let copy = folder.join("copy.wcapd");
        let copy = copy.to_str().unwrap();
        place.done(&["backup", copy]);
        place.refused(&["backup", copy]);
        place.add("jerry");
        place.refused(&["restore", copy]);
        place.stop();

        let other = Place::quiet();
        other.done(&["restore", copy]);
        let users = other.done(&["user", "list"]);
        assert!(
            users.contains("tom ") && !users.contains("jerry"),
            "{users}"
        );
        let refused = other.refused(&["restore", "/nowhere/copy"]);
        assert!(refused.contains("is there already"), "{refused}");
        let empty = Place::quiet();
        let garbage = folder.join("garbage");
        std::fs::write(&garbage, "no store").unwrap();
        empty.refused(&["restore", garbage.to_str().unwrap()]);
        assert_eq!(std::fs::read_dir(empty.data.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_folder_without_a_store_is_told() {
    let place = Place::quiet();
    let sentence = place.refused(&["user", "list"]);
    assert!(sentence.contains("there is no store in"), "{sentence}");
    assert_eq!(std::fs::read_dir(place.data.path()).unwrap().count(), 0);
}

#[test]
fn a_second_server_on_one_folder_is_refused() {
    let mut place = Place::quiet();
    place.start();
    let second = ["serve", "--http", "127.0.0.1:0", "--cap", "127.0.0.1:0"];
    let sentence = place.refused(&second);
    assert!(
        sentence.contains("is in use by another process"),
        "{sentence}"
    );
}

#[test]
fn what_a_killed_server_leaves_is_no_hindrance() {
    let mut place = Place::quiet();
    place.start();
    place.add("tom");
    place.server.take().unwrap().kill();
    assert!(place.data.join("admin.sock").exists());
    assert!(place.done(&["user", "list"]).contains("tom "));
    place.start();
    assert!(place.done(&["user", "list"]).contains("tom "));
    place.stop();
    assert!(!place.data.join("admin.sock").exists());
}

/// Two events, the second without its start's digits.
const HALF_SOUND: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\n\
    BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260105T090000Z\r\n\
    X-KEPT;X-P=\"a;b\":as it was\\, here\r\nSUMMARY:J\u{fc}rgen\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:two\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:yesterday\r\nEND:VEVENT\r\n\
    END:VCALENDAR\r\n";

#[test]
fn import_and_export() {
    for mut place in Place::both() {
        place.add("tom");
        let file = place.config.join("half.ics");
        std::fs::write(&file, HALF_SOUND).unwrap();
        let file = file.to_str().unwrap();
        let output = place.command(&["import", "tom", file]).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.ends_with("1 stored, 1 refused\n"), "{said}");
        let fault = said.lines().find(|line| line.starts_with(file)).unwrap();
        assert!(
            fault.contains("line 11") || fault.contains("line 14"),
            "{said}"
        );

        let exported = place.done(&["export", "tom"]);
        assert!(exported.starts_with("BEGIN:VCALENDAR\r\n"), "{exported}");
        assert!(
            exported.contains("X-KEPT;X-P=\"a;b\":as it was\\, here\r\nSUMMARY:J\u{fc}rgen\r\n")
        );
        assert!(!exported.contains("UID:two"));

        // The same through files and standard input, into another calendar.
        let out = place.config.join("out.ics");
        let out = out.to_str().unwrap();
        place.add("jerry");
        assert_eq!(place.done(&["export", "tom", "--out", out]), "");
        assert_eq!(std::fs::read_to_string(out).unwrap(), exported);
        place.fed(&["import", "jerry", "-"], &exported);
        assert_eq!(place.done(&["export", "jerry"]), exported);

        let json = place.done(&["export", "tom", "--format", "text/json"]);
        assert!(
            json.starts_with('{') && json.contains("J\u{fc}rgen"),
            "{json}"
        );
        let xml = place.done(&["export", "tom", "--format", "text/xml"]);
        assert!(xml.contains("<SUMMARY>J\u{fc}rgen</SUMMARY>"), "{xml}");
        place.done(&["calendar", "create", "jerry:xml", "--owner", "jerry"]);
        place.fed(&["import", "jerry:xml", "-"], &xml);
        let again = place.done(&["export", "jerry:xml"]);
        assert!(again.contains("DTSTART:20260105T090000Z\r\n"), "{again}");

        // Nothing there to store is no failure; nothing stored of something is.
        place.fed(
            &["import", "tom", "-"],
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
        );
        let broken = place.config.join("broken.ics");
        std::fs::write(&broken, HALF_SOUND.replace("20260105T090000Z", "never")).unwrap();
        let mut command = place.command(&["import", "tom", broken.to_str().unwrap()]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("0 stored, 2 refused\n"));
        assert_eq!(place.done(&["export", "tom"]), exported);
        std::fs::write(&broken, "Dear diary\n").unwrap();
        let mut command = place.command(&["import", "tom", broken.to_str().unwrap()]);
        assert_eq!(command.output().unwrap().status.code(), Some(1));

        let sentence = place.refused(&["import", "tim", file]);
        assert!(
            sentence.contains("there is no calendar 'tim'"),
            "{sentence}"
        );
        place.refused(&["import", "tom", "/nowhere/x.ics"]);
        place.refused(&["export", "tim"]);
        place.stop();
    }
}

#[test]
fn a_file_over_the_limit_is_refused_whole() {
    for mut place in Place::both() {
        let config = place.config.join("wcapd.toml");
        let limits = format!("{CHEAP}[limits]\nimport_size = '1 MiB'\n");
        std::fs::write(&config, limits).unwrap();
        if place.server.is_some() {
            place.stop();
            place.start();
        }
        place.add("tom");
        let file = place.config.join("long.ics");
        std::fs::write(&file, HALF_SOUND.to_owned() + &" ".repeat(1 << 20)).unwrap();
        let sentence = place.refused(&["import", "tom", file.to_str().unwrap()]);
        assert!(
            sentence.contains("longer than 1048576 octets"),
            "{sentence}"
        );
        assert!(!place.done(&["export", "tom"]).contains("VEVENT"));
        place.stop();
    }
}

#[test]
fn the_demo_is_for_empty_stores() {
    let mut place = Place::quiet();
    let config = place.config.join("wcapd.toml");
    let start =
        |data: &DataDir| Server::start(data, &["--demo", "--config", config.to_str().unwrap()]);
    place.server = Some(start(&place.data));
    let users = place.done(&["user", "list"]);
    for name in ["tom", "jerry", "anna"] {
        assert!(users.contains(&format!("{name}@localhost")), "{users}");
    }
    let team = place.done(&["group", "show", "team"]);
    assert!(
        team.contains("member  tom\nmember  jerry\nmember  anna\n"),
        "{team}"
    );
    assert!(
        place
            .done(&["calendar", "list"])
            .contains("room-1  anna   resource  enabled  Room 1\n")
    );
    let acl = place.done(&["calendar", "acl", "tom"]);
    assert_eq!(
        acl,
        "@@o^c^WDEIC^g\n@@o^a^RSF^g\n@^a^rsf^g\n@^c^^g\n@^p^r^g\n"
    );
    let exported = place.done(&["export", "tom"]);
    assert!(exported.contains("DTSTART:20070521T130000Z\r\n"));
    assert!(exported.contains("DTSTART:20070521T150000Z\r\n"));
    let server = place.server.take().unwrap();
    let http = server.http;
    let (_, log) = server.stop();
    let tried = log
        .lines()
        .find(|line| line.contains("get_freebusy.wcap"))
        .unwrap();
    let begin = format!("curl 'http://{http}/wcap/get_freebusy.wcap?");
    assert!(tried.starts_with(&begin), "{tried}");

    // A second start adds nothing and takes nothing away.
    place.done(&["user", "remove", "jerry"]);
    place.server = Some(start(&place.data));
    assert_eq!(place.done(&["export", "tom"]), exported);
    assert!(!place.done(&["user", "list"]).contains("jerry"));
    place.stop();
}

#[test]
fn a_check_names_what_is_wrong_and_repairs_indexes() {
    for mut place in Place::both() {
        place.add("tom");
        place.fed(&["import", "tom", "-"], HALF_SOUND);
        let sound = place.done(&["check"]);
        assert!(
            sound.ends_with(" records read, nothing is wrong\n"),
            "{sound}"
        );
        let served = place.server.is_some();
        place.stop();
        lose_time_index(&place);
        if served {
            place.start();
        }
        let output = place.command(&["check"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let found = text(&output.stdout);
        assert!(
            found.contains("calendar 'tom': the time index lacks a row for 'one'\n"),
            "{found}"
        );
        assert!(text(&output.stderr).contains("'wcapd check --repair'"));

        let repaired = place.done(&["check", "--repair"]);
        assert!(
            repaired.ends_with(" found wrong and mended\n"),
            "{repaired}"
        );
        let sound = place.done(&["check"]);
        assert!(sound.ends_with(" nothing is wrong\n"), "{sound}");
        place.stop();
    }
}

/// Deletes the rows of the time index behind the program's back.
fn lose_time_index(place: &Place) {
    use wcapd::model::clock::SystemClock;
    use wcapd::store::engine::RedbOptions;
    use wcapd::store::{KeyRange, Space, Store};

    let clock = std::sync::Arc::new(SystemClock);
    let store = Store::open(place.data.path(), RedbOptions::default(), clock).unwrap();
    let lost = store.write(|t| t.delete_range(Space::ByTime, &KeyRange::all()));
    assert!(lost.unwrap() > 0);
}
