//! Calendar stores among themselves: two or three servers that know one another, people who invite each other, one that is
//! down and comes back.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use common::http;
use common::server::{DataDir, Server, command};

/// How long news may take from store to store.
const PATIENCE: Duration = Duration::from_secs(30);

/// A calendar store of the test: `NAME.test`, with one user, and an account by which each of the others logs in.
struct Site {
    user: &'static str,
    port: u16,
    data: DataDir,
    server: Option<Server>,
}

/// Sites that know one another, not started. What `extra` says stands in the section of each peer.
fn sites<const N: usize>(names: [(&'static str, &'static str); N], extra: &str) -> [Site; N] {
    // All at once, so that no port is given twice.
    let held = names.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = held.map(|listener| listener.local_addr().unwrap().port());
    let mut at = 0;
    names.map(|(name, user)| {
        let data = DataDir::new();
        let mut config = format!(
            "[server]\ndomain = '{name}.test'\n\
             [auth]\nargon2_memory_kib = 8\nargon2_passes = 1\nscram_iterations = 4096\n\
             [domain.'{name}.test']\nopen_to = ['*']\n"
        );
        let own = at;
        for (other, (peer, _)) in names.iter().enumerate().filter(|(other, _)| *other != own) {
            fs::write(data.join(peer), format!("secret-{name}-{peer}\n")).unwrap();
            let file = data.join(peer);
            write!(
                config,
                "[peer.'{peer}.test']\naddr = '127.0.0.1:{}'\nlogin = '{peer}-store'\n\
                 user = '{name}-store'\npassword_file = '{}'\ntls = 'none'\n{extra}\n",
                ports[other],
                file.display()
            )
            .unwrap();
        }
        fs::write(data.join("wcapd.toml"), config).unwrap();
        at += 1;
        let site = Site {
            user,
            port: ports[own],
            data,
            server: None,
        };
        site.add(user, user);
        for (peer, _) in names.iter().filter(|(peer, _)| *peer != name) {
            site.add(&format!("{peer}-store"), &format!("secret-{peer}-{name}"));
        }
        site
    })
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// Waits until `see` sees something; says what `see` saw last when that takes too long.
fn await_news(what: &str, mut see: impl FnMut() -> Result<(), String>) {
    let until = Instant::now() + PATIENCE;
    loop {
        match see() {
            Ok(()) => return,
            Err(seen) => assert!(Instant::now() < until, "no {what}: {seen}"),
        }
    }
}

impl Site {
    fn config(&self) -> String {
        self.data.join("wcapd.toml").to_str().unwrap().to_owned()
    }

    fn admin(&self, arguments: &[&str], input: Option<&str>) -> String {
        let config = self.config();
        let mut command = command(arguments);
        command.args(["--data", self.data.text(), "--config", &config]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        if let Some(input) = input {
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(input.as_bytes()).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    fn add(&self, name: &str, password: &str) {
        let password = format!("{password}\n");
        self.admin(&["user", "add", name, "--password-stdin"], Some(&password));
    }

    /// The messages in the outbox, as the operator sees them.
    fn waiting(&self) -> String {
        let list = self.admin(&["outbox", "list"], None);
        list.split_once('\n').unwrap().1.to_owned()
    }

    fn start(&mut self) {
        let (cap, config) = (format!("127.0.0.1:{}", self.port), self.config());
        let server = Server::start_at(&self.data, &cap, &["--config", &config]);
        self.server = Some(server);
    }

    fn kill(&mut self) {
        self.server.take().unwrap().kill();
    }

    /// The client of CAP, as the site's user or as `user` with a password.
    fn client(&self, (user, password): (&str, &str), more: &[&str], after: &[&str]) -> Output {
        let address = format!("127.0.0.1:{}", self.port);
        let mut arguments = vec!["cap", "--user", user, "--plain"];
        arguments.extend(more);
        arguments.push(&address);
        arguments.extend(after);
        let mut command = command(&arguments);
        command.env("WCAPD_PASSWORD", password);
        command.output().unwrap()
    }

    /// What a command of CAP prints, well or not.
    fn cap(&self, more: &[&str], after: &[&str]) -> String {
        let output = self.client((self.user, self.user), more, after);
        text(&output.stdout) + &text(&output.stderr)
    }

    /// Sends an object and gives what goes over the wire.
    fn sends(&self, object: &str) -> String {
        let file = self.data.join("object");
        fs::write(&file, object.replace('|', "\r\n")).unwrap();
        self.cap(&["--raw"], &["send", file.to_str().unwrap()])
    }

    /// What a command of WCAP answers the site's user.
    fn wcap(&self, command: &str) -> String {
        let address = self.server.as_ref().unwrap().http;
        let login = format!("/wcap/login.wcap?user={0}&password={0}", self.user);
        let login = http::get(address, &login).unwrap().text().to_owned();
        let id = login
            .lines()
            .find_map(|line| line.strip_prefix("X-NSCP-WCAP-SESSION-ID:"))
            .expect("a session");
        let (name, query) = command.split_once('?').unwrap();
        let target = format!("/wcap/{name}.wcap?id={}&{query}", id.trim());
        let answer = http::get(address, &target).unwrap();
        answer.text().replace("\r\n ", "")
    }

    /// The ATTENDEE lines of the user's item.
    fn attendees(&self, uid: &str) -> String {
        let query = format!("SELECT ATTENDEE FROM VEVENT WHERE UID = '{uid}'");
        let shown = self.cap(&["--format", "ical"], &[&query]);
        shown.replace("\r\n ", "")
    }

    /// Waits until the user has been invited, by what WCAP shows.
    fn is_invited(&self, uid: &str) {
        await_news("invitation", || {
            let seen = self.wcap(&format!("fetchevents_by_id?uid={uid}"));
            match seen.contains("PARTSTAT=NEEDS-ACTION") && seen.contains("ERRNO:0") {
                true => Ok(()),
                false => Err(seen),
            }
        });
    }
}

const MEETING: &str = "BEGIN:VEVENT|UID:m1|DTSTAMP:20260101T000000Z|SEQUENCE:0|DTSTART:20261207T100000Z|\
    DTEND:20261207T110000Z|SUMMARY:Between stores|ORGANIZER:mailto:tom@first.test|\
    ATTENDEE;PARTSTAT=ACCEPTED:mailto:tom@first.test|\
    ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:jerry@second.test|END:VEVENT|";

const TWO: [(&str, &str); 2] = [("first", "tom"), ("second", "jerry")];

#[test]
fn a_cap_user_invites_a_wcap_user_of_another_store_and_gets_the_reply() {
    let [mut first, mut second] = sites(TWO, "");
    first.start();
    second.start();
    let own = first.sends(&format!(
        "BEGIN:VCAP|METHOD:CREATE|CMDID:c|TARGET:tom|{MEETING}END:VCAP|"
    ));
    assert!(own.contains("REQUEST-STATUS:2.0;Success"), "{own}");
    let sent = first.sends(&format!(
        "BEGIN:VCAP|METHOD:REQUEST|CMDID:r1|TARGET:cap://second.test/jerry|{MEETING}END:VCAP|"
    ));
    for line in [
        "TARGET:cap://second.test/jerry",
        "CMDID:r1",
        "UID:m1",
        "REQUEST-STATUS:2.0;Success",
    ] {
        assert!(sent.contains(line), "{line}: {sent}");
    }
    second.is_invited("m1");
    let answer =
        second.wcap("storeevents?calid=jerry&uid=m1&method=4&attendees=PARTSTAT=ACCEPTED^jerry");
    assert!(answer.contains("ERRNO:0"), "{answer}");
    await_news("reply", || {
        let seen = first.attendees("m1");
        let said = seen
            .lines()
            .any(|line| line.contains("PARTSTAT=ACCEPTED") && line.contains("jerry@second.test"));
        if said { Ok(()) } else { Err(seen) }
    });
    // Nothing is left on the way, and both stores are sound.
    for site in [&mut first, &mut second] {
        assert_eq!(site.waiting(), "");
        site.kill();
        site.admin(&["check"], None);
    }
}

#[test]
fn a_wcap_user_invites_a_cap_user_of_another_store_and_calls_it_off() {
    let [mut first, mut second] = sites(TWO, "");
    first.start();
    second.start();
    let stored = first.wcap(
        "storeevents?calid=tom&dtstart=20261208T100000Z&dtend=20261208T110000Z&uid=m2&summary=Lunch&method=2&smtp=0\
         &attendees=PARTSTAT=NEEDS-ACTION^jerry@second.test;PARTSTAT=NEEDS-ACTION^cap://second.test/nobody",
    );
    assert!(stored.contains("ERRNO:0"), "{stored}");
    await_news("delivery", || {
        let seen = first.attendees("m2");
        let of = |who: &str, status: &str| {
            seen.lines().any(|line| {
                line.contains(who) && line.contains(&format!("SCHEDULE-STATUS={status}"))
            })
        };
        match of("jerry", "1.2") && of("nobody", "3.8") {
            true => Ok(()),
            false => Err(seen),
        }
    });
    let queued = second.cap(
        &[],
        &["SELECT UID,SUMMARY,METHOD FROM VEVENT WHERE METHOD = 'REQUEST'"],
    );
    assert_eq!(queued, "m2\tLunch\tREQUEST\n");
    let booked = second.sends(
        "BEGIN:VCAP|METHOD:MODIFY|CMDID:b|TARGET:jerry|BEGIN:VQUERY|QUERY:SELECT * FROM VEVENT WHERE UID = 'm2'|END:VQUERY|\
         BEGIN:VEVENT|METHOD:REQUEST|END:VEVENT|BEGIN:VEVENT|METHOD:CREATE|END:VEVENT|END:VCAP|",
    );
    assert!(booked.contains("REQUEST-STATUS:2.0"), "{booked}");
    let reply = second.sends(
        "BEGIN:VCAP|METHOD:REPLY|CMDID:a|TARGET:mailto:tom@first.test|BEGIN:VEVENT|UID:m2|DTSTAMP:20261201T000000Z|\
         ORGANIZER:mailto:tom@first.test|ATTENDEE;PARTSTAT=TENTATIVE:mailto:jerry@second.test|END:VEVENT|END:VCAP|",
    );
    assert!(reply.contains("REQUEST-STATUS:2.0;Success"), "{reply}");
    let seen = first.attendees("m2");
    assert!(seen.contains("PARTSTAT=TENTATIVE"), "{seen}");
    let deleted = first.wcap("deleteevents_by_id?calid=tom&uid=m2&mod=4&method=2&notify=1");
    assert!(deleted.contains("ERRNO:0"), "{deleted}");
    await_news("cancellation", || {
        let seen = second.cap(&[], &["SELECT STATUS FROM VEVENT WHERE UID = 'm2'"]);
        if seen == "CANCELLED\n" {
            Ok(())
        } else {
            Err(seen)
        }
    });
}

#[test]
fn messages_to_a_store_that_is_down_wait_and_none_is_lost() {
    let [mut first, mut second, mut third] = sites(
        [("first", "tom"), ("second", "jerry"), ("third", "anna")],
        "",
    );
    first.start();
    second.start();
    let to_both = MEETING.replace(
        "END:VEVENT",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:anna@third.test|END:VEVENT",
    );
    let own = format!("BEGIN:VCAP|METHOD:CREATE|TARGET:tom|{to_both}END:VCAP|");
    assert!(first.sends(&own).contains("2.0;Success"));
    let sent = first.sends(&format!(
        "BEGIN:VCAP|METHOD:REQUEST|CMDID:r1|TARGET:cap://second.test/jerry|TARGET:cap://third.test/anna|{to_both}END:VCAP|"
    ));
    let (reached, waits) = sent.split_once("TARGET:cap://third.test/anna").unwrap();
    let (reached, waits) = (reached.to_owned(), waits.to_owned() + "");
    assert!(reached.contains("REQUEST-STATUS:2.0;Success"), "{sent}");
    assert!(waits.contains("REQUEST-STATUS:2.0.6;"), "{sent}");
    // What is no message cannot wait.
    let read = first.cap(
        &["--target", "cap://third.test/anna"],
        &["SELECT UID FROM VEVENT"],
    );
    assert!(read.contains("5.1"), "{read}");
    // A later word to the same person does not overtake the one that waits, and both outlive a crash.
    let moved = to_both
        .replace("SEQUENCE:0", "SEQUENCE:1")
        .replace("SUMMARY:Between stores", "SUMMARY:Moved");
    let later = first.sends(&format!(
        "BEGIN:VCAP|METHOD:REQUEST|CMDID:r2|TARGET:cap://third.test/anna|{moved}END:VCAP|"
    ));
    assert!(later.contains("REQUEST-STATUS:2.0.6;"), "{later}");
    first.kill();
    first.start();
    let list = first.waiting();
    assert_eq!(list.matches("cap://third.test/anna").count(), 2, "{list}");
    third.start();
    first.admin(&["outbox", "retry", "--all"], None);
    await_news("invitation", || {
        let seen = third.cap(
            &[],
            &["SELECT SEQUENCE,SUMMARY FROM VEVENT WHERE UID = 'm1' AND METHOD = 'REQUEST'"],
        );
        if seen == "1\tMoved\n" {
            Ok(())
        } else {
            Err(seen)
        }
    });
    await_news("empty outbox", || {
        let list = first.waiting();
        if list.is_empty() { Ok(()) } else { Err(list) }
    });
    let answer =
        third.wcap("storeevents?calid=anna&uid=m1&method=4&attendees=PARTSTAT=DECLINED^anna");
    assert!(answer.contains("ERRNO:0"), "{answer}");
    await_news("reply", || {
        let seen = first.attendees("m1");
        if seen.contains("DECLINED") {
            Ok(())
        } else {
            Err(seen)
        }
    });
}

#[test]
fn commands_for_another_store_are_passed_on_in_the_caller_s_name() {
    let [mut first, mut second] = sites(TWO, "");
    first.start();
    second.start();
    let file = second.data.join("own.ics");
    fs::write(
        &file,
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:own\nDTSTAMP:20260101T000000Z\nDTSTART:20261201T090000Z\n\
         DTEND:20261201T100000Z\nSUMMARY:Jerry's\nEND:VEVENT\nEND:VCALENDAR\n",
    )
    .unwrap();
    second.cap(&[], &["create", file.to_str().unwrap()]);
    let query = "SELECT UID,SUMMARY FROM VEVENT";
    let there = ["--target", "cap://second.test/jerry"];
    let closed = first.cap(&there, &[query]);
    assert!(!closed.contains("Jerry's"), "{closed}");
    let busy = first.cap(&there, &["busy", "2026-12-01", "2026-12-02"]);
    assert_eq!(busy, "20261201T090000Z\t20261201T100000Z\tBUSY\n");
    // Rights there are for people here by their names.
    let granted = second.sends(
        "BEGIN:VCAP|METHOD:CREATE|TARGET:jerry|BEGIN:VCAR|CARID:tom|\
         GRANT:UPN=tom@first.test;ACTION=READ,CREATE,DELETE;OBJECT=VEVENT|END:VCAR|END:VCAP|",
    );
    assert!(granted.contains("2.0;Success"), "{granted}");
    assert_eq!(first.cap(&there, &[query]), "own\tJerry's\n");
    let of_b = first.sends(
        "BEGIN:VCALENDAR|VERSION:2.0|PRODID:x|CMD;ID=s1:SEARCH|TARGET:cap://second.test/jerry|\
         BEGIN:VQUERY|QUERY:SELECT SUMMARY FROM VEVENT|END:VQUERY|END:VCALENDAR|",
    );
    for line in [
        "CMD;ID=s1:REPLY",
        "TARGET:cap://second.test/jerry",
        "SUMMARY:Jerry's",
    ] {
        assert!(of_b.contains(line), "{line}: {of_b}");
    }
    let made = first.sends(
        "BEGIN:VCAP|METHOD:CREATE|CMDID:c1|TARGET:cap://second.test/jerry|BEGIN:VEVENT|UID:toms|\
         DTSTART:20261202T090000Z|SUMMARY:Tom's|END:VEVENT|END:VCAP|",
    );
    assert!(
        made.contains("CMDID:c1") && made.contains("2.0;Success"),
        "{made}"
    );
    let seen = second.cap(&[], &["SELECT SUMMARY FROM VEVENT WHERE UID = 'toms'"]);
    assert_eq!(seen, "Tom's\n");
    let missing = first.cap(&["--target", "cap://second.test/nobody"], &[query]);
    assert!(missing.contains("6.1"), "{missing}");
    let unknown = first.cap(&["--target", "cap://elsewhere.test/x"], &[query]);
    assert!(unknown.contains("3.14"), "{unknown}");
    let nobody = format!("127.0.0.1:{}", first.port);
    let anonymous = command(&["cap", "--plain", "--target", there[1], &nobody, query]).output();
    let anonymous = text(&anonymous.unwrap().stderr);
    assert!(anonymous.contains("4.1"), "{anonymous}");
}

#[test]
fn a_store_speaks_for_its_own_people_alone() {
    let [mut first, mut second] = sites(TWO, "");
    first.start();
    second.start();
    let peer = ("first-store", "secret-first-second");
    let identify = |upn: &str| {
        let output = second.client(peer, &[], &["identify", upn]);
        text(&output.stdout) + &text(&output.stderr)
    };
    assert!(identify("tom@first.test").contains("tom@first.test"));
    for upn in ["jerry@second.test", "jerry", "anna@third.test", "@"] {
        let refused = identify(upn);
        assert!(refused.contains("6.4"), "{upn}: {refused}");
    }
    // Its people are told from those here, and nothing that comes from it is passed on.
    let asked = second.client(
        peer,
        &["--as", "tom@first.test", "--target", "cap://first.test/tom"],
        &["SELECT UID FROM VEVENT"],
    );
    let asked = text(&asked.stderr);
    assert!(asked.contains("3.14"), "{asked}");
    // A message under another's name is refused, whoever sends it.
    let forged = second.data.join("forged");
    let object = MEETING.replace("tom@first.test", "boss@first.test");
    let object = format!("BEGIN:VCAP|METHOD:REQUEST|TARGET:jerry|{object}END:VCAP|");
    fs::write(&forged, object.replace('|', "\r\n")).unwrap();
    let sent = second.client(
        peer,
        &["--as", "tom@first.test", "--raw"],
        &["send", forged.to_str().unwrap()],
    );
    let sent = text(&sent.stdout) + &text(&sent.stderr);
    assert!(sent.contains("REQUEST-STATUS:3.8"), "{sent}");
    // Nor does anybody who is no store speak for others.
    let tom = first.client(("tom", "tom"), &[], &["identify", "jerry@second.test"]);
    assert!(text(&tom.stderr).contains("6.4"));
}
