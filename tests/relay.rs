//! Calendar stores among themselves: two or three servers that know one another, people who invite each other, one that is
//! down and comes back.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
#[path = "relay/sites.rs"]
mod sites;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use common::server::command;
use sites::{Authority, By, await_news, sites, text};

const MEETING: &str = "BEGIN:VEVENT|UID:m1|DTSTAMP:20260101T000000Z|SEQUENCE:0|DTSTART:20261207T100000Z|\
    DTEND:20261207T110000Z|SUMMARY:Between stores|ORGANIZER:mailto:tom@first.test|\
    ATTENDEE;PARTSTAT=ACCEPTED:mailto:tom@first.test|\
    ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:jerry@second.test|END:VEVENT|";

const TWO: [(&str, &str); 2] = [("first", "tom"), ("second", "jerry")];

#[test]
fn a_cap_user_invites_a_wcap_user_of_another_store_and_gets_the_reply() {
    let [mut first, mut second] = sites(TWO, By::Password);
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
    let [mut first, mut second] = sites(TWO, By::Password);
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
    let names = [("first", "tom"), ("second", "jerry"), ("third", "anna")];
    let [mut first, mut second, mut third] = sites(names, By::Password);
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
    let [mut first, mut second] = sites(TWO, By::Password);
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
fn stores_know_one_another_by_certificates() {
    let [mut first, mut second] = sites(TWO, By::Certificate);
    first.start();
    second.start();
    let there = ["--target", "cap://second.test/jerry"];
    let busy = first.cap(&there, &["busy", "2026-12-01", "2026-12-02"]);
    assert_eq!(busy, "");
    let stored = first.wcap(
        "storeevents?calid=tom&dtstart=20261208T100000Z&dtend=20261208T110000Z&uid=m3&summary=Lunch&method=2\
         &attendees=PARTSTAT=NEEDS-ACTION^jerry@second.test",
    );
    assert!(stored.contains("ERRNO:0"), "{stored}");
    second.is_invited("m3");
    // A server that is not believed is told nothing.
    let config = fs::read_to_string(first.config()).unwrap();
    let other = Authority::new();
    let distrusts = config.replacen(
        &format!("\nca = '{}", first.ca(&config)),
        &format!("\nca = '{}", other.folder.join("ca.pem").display()),
        1,
    );
    assert_ne!(distrusts, config);
    fs::write(first.config(), distrusts).unwrap();
    first.kill();
    first.start();
    let refused = first.cap(&there, &["busy", "2026-12-01", "2026-12-02"]);
    assert!(refused.contains("5.1"), "{refused}");
}

/// Answers one connection as a store whose calendars have moved to second.test.
fn moved_store(listener: TcpListener) {
    let (stream, _) = listener.accept().unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut say = |text: &str| {
        // Whoever has gone hears nothing.
        let _ = writer.write_all(text.replace('|', "\r\n").as_bytes());
    };
    say("2.0|.|CAPVERSION=1.0|AUTH=ANONYMOUS|.|");
    let mut data = false;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        match line.split(' ').next().unwrap_or_default() {
            "." if data => {
                data = false;
                say(
                    "2.0 r|.|Content-Type: text/calendar||BEGIN:VCAP|VERSION:2.0|METHOD:RESPONSE|TARGET:cap://moved.test/jerry|\
                     CMDID:r|REQUEST-STATUS:10.1;Moved;cap://moved.test/jerry cap://second.test/jerry|END:VCAP|.|",
                );
            }
            "AUTHENTICATE" => say("2.0|.|IDENTITY=@|.|"),
            "SENDDATA" => {
                data = true;
                say("2.0.1|.|.|");
            }
            "DISCONNECT" => say("2.0|.|.|"),
            _ => {}
        }
    }
}

#[test]
fn a_calendar_that_has_moved_is_followed_to_a_store_that_is_known() {
    let [mut first, mut second] = sites(TWO, By::Password);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = fs::read_to_string(first.config()).unwrap();
    let addr = listener.local_addr().unwrap();
    write!(
        config,
        "[peer.'moved.test']\naddr = '{addr}'\ntls = 'none'\n"
    )
    .unwrap();
    fs::write(first.config(), config).unwrap();
    let moved = std::thread::spawn(move || moved_store(listener));
    first.start();
    second.start();
    let made = second.sends(
        "BEGIN:VCAP|METHOD:CREATE|TARGET:jerry|BEGIN:VEVENT|UID:own|DTSTART:20261201T090000Z|DTEND:20261201T100000Z|END:VEVENT|END:VCAP|",
    );
    assert!(made.contains("2.0;Success"), "{made}");
    let target = ["--target", "cap://moved.test/jerry", "--raw"];
    let busy = first.cap(&target, &["busy", "2026-12-01", "2026-12-02"]);
    assert!(
        busy.contains("FREEBUSY;FBTYPE=BUSY:20261201T090000Z/20261201T100000Z"),
        "{busy}"
    );
    // Under the name that was asked for.
    assert!(busy.contains("S: TARGET:cap://moved.test/jerry"), "{busy}");
    moved.join().unwrap();
}

#[test]
fn a_store_speaks_for_its_own_people_alone() {
    let [mut first, mut second] = sites(TWO, By::Password);
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
