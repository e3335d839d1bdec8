//! Private and confidential items tell people who are no owners their UID, times, rules, CLASS, STATUS, TRANSP and stamps,
//! and nothing else: no text, no alarm, no attendee, not even by which of them a query finds.
//!
//! Two servers hold the same items as far as those go. All else differs: texts, alarms, people, attachments, or whether
//! there are any. Whoever reads, and even whoever may write, gets the same answers of both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::callers::Login;
use crate::pry::{MARKS, Side, pry, tells};
use crate::world::{Ask, Server};

/// Items of equal times; those of the first server say and hold more.
fn items(mark: &str) -> String {
    let inline = STANDARD.encode(format!("{mark} in a file"));
    let texts = format!("SUMMARY:{mark} summary\nDESCRIPTION:{mark}\n");
    let more = match mark == MARKS[0] {
        true => format!(
            "LOCATION:{mark} location\nCOMMENT:{mark}\nCONTACT:{mark}\nCATEGORIES:{mark}\nRESOURCES:{mark}\n\
             RELATED-TO:{mark}\nURL:http://example.org/{mark}\nPRIORITY:1\nGEO:1;2\nSEQUENCE:7\n\
             ATTACH;FMTTYPE=text/plain;FILENAME={mark}.txt:http://example.org/{mark}.txt\n\
             ATTACH;ENCODING=BASE64;VALUE=BINARY:{inline}\n\
             ORGANIZER;CN={mark}:mailto:{mark}-boss@outside.example\n\
             ATTENDEE;PARTSTAT=ANSWER;RSVP=TRUE:mailto:tom@localhost\n\
             ATTENDEE;CN={mark}:mailto:{mark}-guest@outside.example\nX-SECRET:{mark}\nX-NSCP-LANGUAGE:{mark}\n\
             BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nDESCRIPTION:{mark}\nEND:VALARM\n"
        ),
        false => String::new(),
    };
    let item = |kind: &str, uid: &str, times: &str| {
        // An invitation that waits makes its time tentative, unless it takes none.
        let waits = times.contains("TRANSPARENT");
        let answer = if waits { "NEEDS-ACTION" } else { "ACCEPTED" };
        let more = more.replace("ANSWER", answer);
        format!(
            "BEGIN:{kind}\nUID:{uid}\nDTSTAMP:20260101T000000Z\n{times}\n{texts}{more}END:{kind}\n"
        )
    };
    let all = [
        item(
            "VEVENT",
            "single",
            "DTSTART:20260201T100000Z\nDURATION:PT1H\nCLASS:PRIVATE",
        ),
        item(
            "VEVENT",
            "confidential",
            "DTSTART:20260203T090000Z\nCLASS:CONFIDENTIAL\nTRANSP:TRANSPARENT",
        ),
        item(
            "VEVENT",
            "odd",
            "DTSTART;VALUE=DATE:20260203\nCLASS:X-OURS\nSTATUS:TENTATIVE",
        ),
        item(
            "VEVENT",
            "series",
            "DTSTART:20260202T090000Z\nRRULE:FREQ=DAILY;COUNT=5\nCLASS:PRIVATE",
        ),
        item(
            "VEVENT",
            "series",
            "RECURRENCE-ID:20260204T090000Z\nDTSTART:20260204T120000Z\nCLASS:PRIVATE",
        ),
        item(
            "VTODO",
            "todo",
            "DTSTART:20260202T080000Z\nDUE:20260202T090000Z\nCLASS:PRIVATE\nSTATUS:IN-PROCESS",
        ),
    ];
    let all = all.concat();
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t//EN\n{all}END:VCALENDAR\n")
        .replace('\n', "\r\n")
}

fn ask_as(name: &str, acl: &str, login: Login) {
    let sides = MARKS.map(|mark| {
        let lines = ["user tom", "user kim", "calendar tom:more tom"];
        let server = Server::new(&[], &lines);
        for calid in ["tom", "tom:more"] {
            server.set_acl(calid, acl);
            server.import(calid, &items(mark));
        }
        Side::new(server, login)
    });
    let mut read = false;
    pry(&sides, name, "single", |row, answer| {
        let told = answer.text().contains("UID:confidential");
        read |= row.name == "fetchcomponents_by_range" && told;
    });
    assert!(read, "{name} sees that there is something");
}

#[test]
fn a_reader() {
    ask_as("kim, who reads", "kim^a^rf^g", Login::User("kim"));
}

#[test]
fn anonymous_where_everybody_reads() {
    ask_as("anonymous, who reads", "@^a^rf^g", Login::None);
}

#[test]
fn a_writer() {
    ask_as(
        "kim, who reads and writes",
        "kim^a^rfwd^g",
        Login::User("kim"),
    );
}

/// Whoever knows the id of a private item's attachment is told what is told of one that there is not.
#[test]
fn an_attachment_by_its_id() {
    let server = Server::new(&[], &["user tom", "user kim"]);
    server.set_acl("tom", "kim^a^rfwd^g");
    server.import("tom", &items(MARKS[0]));
    let ask = |login, target: &str| {
        let caller = server.caller(login).unwrap();
        let token = server.token(login, &caller).unwrap();
        server.ask(&Ask {
            target: format!("{target}&id={token}"),
            body: None,
        })
    };
    let (tom, kim) = (Login::User("tom"), Login::User("kim"));
    let item = ask(tom, "fetchevents_by_id.wcap?calid=tom&uid=single").text();
    let item = item.replace("\r\n ", "");
    let (_, id) = item.split_once("X-S1CS-ATTACH-ID=").expect("an id");
    let id = id.split([';', ':']).next().unwrap().trim_matches('"');
    let invented = "0".repeat(id.len());
    for target in [
        "fetchattachment.wcap?calid=tom&uid=single",
        "fetchattachment.wcap?calid=tom&uid=series",
        "fetchattachment.wcap?calid=tom",
        "fetchattachment.wcap?appid=x",
    ] {
        let known = ask(kim, &format!("{target}&attachid={id}"));
        let unknown = ask(kim, &format!("{target}&attachid={invented}"));
        assert_eq!(known, unknown, "{target}");
        assert!(!tells(&known.text(), MARKS[0]), "{target}");
    }
    let own = ask(
        tom,
        &format!("fetchattachment.wcap?calid=tom&uid=single&attachid={id}"),
    );
    assert!(tells(&own.text(), MARKS[0]), "{}", own.text());
}
