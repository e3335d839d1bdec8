//! Who may see busy times alone learns nothing else: no text of an item, in no command, format or error.
//!
//! Every text of tom's calendars holds a mark. Every command is asked by people with free/busy rights or none, with every
//! parameter, right and wrong, in every format: no answer has the mark, in its body or its headers. The same is asked
//! of a second server, whose calendars are busy at the same times and have other texts, other UIDs and fewer items that
//! take no time: each answer must be the same to the octet.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wcapd::core::Client;
use wcapd::model::calendar::CalendarProperties;

use crate::callers::{DEFAULT, Login};
use crate::pry::{MARKS, Side, pry, tells};
use crate::world::{Ask, Server};

/// Somebody who must learn nothing but, at most, busy times.
struct Stranger {
    name: &'static str,
    acl: &'static str,
    login: Login,
    /// Whether they may read the calendar's own properties.
    properties: bool,
}

const STRANGERS: &[Stranger] = &[
    Stranger {
        name: "kim with free/busy",
        acl: "kim^c^f^g",
        login: Login::User("kim"),
        properties: false,
    },
    Stranger {
        name: "kim under Sun's default list",
        acl: DEFAULT,
        login: Login::User("kim"),
        properties: true,
    },
    Stranger {
        name: "kim with nothing",
        acl: "",
        login: Login::User("kim"),
        properties: false,
    },
    Stranger {
        name: "zoe of another domain, everybody may do everything",
        acl: "@^a^rwdsfzleic^g;@@n^a^rwdsfzleic^g;@@d^a^rwdsfzleic^g;zoe^a^rwdsfzleic^g",
        login: Login::User("zoe@other.test"),
        properties: false,
    },
    Stranger {
        name: "anonymous with free/busy",
        acl: "@^a^f^g",
        login: Login::None,
        properties: false,
    },
    Stranger {
        name: "a dead session, everybody has free/busy",
        acl: "@^a^f^g",
        login: Login::Dead,
        properties: false,
    },
    Stranger {
        name: "a session of anonymous, with nothing",
        acl: "",
        login: Login::Anonymous,
        properties: false,
    },
];

/// Texts everywhere that a text can be, with `mark` in each. The busy times do not depend on it.
fn items(mark: &str) -> String {
    let zone = format!(
        "BEGIN:VTIMEZONE\nTZID:{mark}-zone\nX-LIC-LOCATION:{mark}-place\nBEGIN:STANDARD\nDTSTART:19700101T000000\n\
         TZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nTZNAME:{mark}\nEND:STANDARD\nEND:VTIMEZONE\n"
    );
    let inline = STANDARD.encode(format!("{mark} in a file"));
    let texts = format!(
        "SUMMARY;LANGUAGE=en;X-P={mark}:{mark} summary\nDESCRIPTION;ALTREP=\"cid:{mark}\":{mark} description\n\
         LOCATION:{mark} location\nCOMMENT:{mark} comment\nCONTACT:{mark} contact\nCATEGORIES:{mark},other\n\
         RESOURCES:{mark}\nRELATED-TO:{mark}-related\nURL:http://example.org/{mark}\n\
         ATTACH;FMTTYPE=text/plain;FILENAME={mark}.txt:http://example.org/{mark}.txt\n\
         ATTACH;ENCODING=BASE64;VALUE=BINARY;X-FILENAME={mark}:{inline}\n\
         ORGANIZER;CN={mark} Boss;SENT-BY=\"mailto:{mark}@outside.example\":mailto:{mark}-boss@outside.example\n\
         ATTENDEE;CN={mark} Guest;DIR=\"ldap://{mark}\":mailto:{mark}-guest@outside.example\n\
         REQUEST-STATUS:2.0;{mark};{mark}\nX-SECRET;X-P={mark}:{mark}\nX-NSCP-LANGUAGE:{mark}\n\
         BEGIN:VALARM\nACTION:EMAIL\nTRIGGER:-PT15M\nSUMMARY:{mark}\nDESCRIPTION:{mark}\n\
         ATTENDEE:mailto:{mark}@outside.example\nATTACH:http://example.org/{mark}.wav\nX-A:{mark}\nEND:VALARM\n"
    );
    let event = |uid: &str, more: &str| {
        format!(
            "BEGIN:VEVENT\nUID:{mark}-{uid}\nDTSTAMP:20260101T000000Z\n{more}\n{texts}END:VEVENT\n"
        )
    };
    let all = [
        event("single", "DTSTART:20260202T100000Z\nDTEND:20260202T113000Z"),
        event(
            "private",
            "DTSTART:20260202T130000Z\nDURATION:PT1H\nCLASS:PRIVATE",
        ),
        event(
            "tentative",
            "DTSTART:20260202T150000Z\nDURATION:PT1H\nSTATUS:TENTATIVE",
        ),
        event(
            "zoned",
            &format!("DTSTART;TZID={mark}-zone:20260202T190000\nDURATION:PT1H"),
        ),
        event("day", "DTSTART;VALUE=DATE:20260205\nTRANSP:OPAQUE"),
        event(
            "series",
            "DTSTART:20260203T090000Z\nDURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=10\nEXDATE:20260204T090000Z",
        ),
        event(
            "series",
            "RECURRENCE-ID:20260206T090000Z\nDTSTART:20260206T140000Z\nDURATION:PT2H",
        ),
        // What takes no time is there for one of the two only.
        match mark == MARKS[0] {
            true => {
                event(
                    "free",
                    "DTSTART:20260202T080000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT",
                ) + &event(
                    "off",
                    "DTSTART:20260202T080000Z\nDURATION:PT1H\nSTATUS:CANCELLED",
                ) + &event("todo", "DTSTART:20260202T080000Z\nDUE:20260202T090000Z")
                    .replace("VEVENT", "VTODO")
            }
            false => String::new(),
        },
    ];
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//{mark}//EN\n{zone}{}END:VCALENDAR\n",
        all.concat()
    )
    .replace('\n', "\r\n")
}

/// A server with two calendars of tom's, and one of oli's that everybody reads and in which items of tom's are linked:
/// oli may read those.
fn server(mark: &str, acl: &str) -> Server {
    let lines = [
        "domain other.test",
        "user tom",
        "user kim",
        "user oli",
        "user zoe@other.test",
        "calendar tom:more tom",
    ];
    let server = Server::new(&[], &lines);
    for calid in ["tom", "tom:more"] {
        server.set_acl(calid, &format!("oli^a^r^g;{acl}"));
        server.import(calid, &items(mark));
    }
    server.set_acl("oli", "@^a^rf^g");
    let oli = server.caller(Login::User("oli")).unwrap();
    let token = server.token(Login::User("oli"), &oli).unwrap();
    for uid in ["single", "series"] {
        let linked = server.ask(&Ask {
            target: format!("addlink.wcap?destCal=oli&srcCal=tom&uid={mark}-{uid}&id={token}"),
            body: None,
        });
        assert_eq!(linked.errno(), 0, "{}", linked.text());
    }
    server
}

/// Gives the calendars' own descriptions the mark, for callers who may not read properties.
fn mark_properties(server: &Server, mark: &str) {
    for calid in ["tom", "tom:more"] {
        let change = |calendar: &mut CalendarProperties| {
            calendar.description = format!("{mark} calendar");
            calendar.categories = vec![mark.to_owned()];
            calendar.master = format!("{mark}@outside.example");
        };
        server.core().change_calendar(calid, change).unwrap();
    }
}

/// Asks everything as one stranger: busy times are told exactly where the list grants them.
fn ask_as(stranger: &Stranger) {
    let sides = MARKS.map(|mark| {
        let server = server(mark, stranger.acl);
        if !stranger.properties {
            mark_properties(&server, mark);
        }
        Side::new(server, stranger.login)
    });
    let mut busy = false;
    let uid = format!("{}-single", MARKS[0]);
    pry(&sides, stranger.name, &uid, |row, answer| {
        let period = "20260202T100000Z/20260202T113000Z";
        busy |= row.name == "get_freebusy" && answer.text().contains(period);
    });
    let other_domain = matches!(stranger.login, Login::User(user) if user.contains('@'));
    let allowed = stranger.acl.contains('f') && !other_domain;
    assert_eq!(busy, allowed, "{} sees busy times", stranger.name);
}

#[test]
fn free_busy_right_alone() {
    ask_as(&STRANGERS[0]);
}

#[test]
fn free_busy_right_and_properties() {
    ask_as(&STRANGERS[1]);
}

#[test]
fn no_right() {
    ask_as(&STRANGERS[2]);
}

#[test]
fn another_domain() {
    ask_as(&STRANGERS[3]);
}

#[test]
fn nobody_with_free_busy() {
    ask_as(&STRANGERS[4]);
}

#[test]
fn a_dead_session() {
    ask_as(&STRANGERS[5]);
}

#[test]
fn nobody_with_no_right() {
    ask_as(&STRANGERS[6]);
}

/// The marks are there to be seen by the owner, in plain text and in base64: else nothing above shows anything.
#[test]
fn the_owner_sees_the_marks() {
    let server = server(MARKS[0], "");
    let (_, token) = server.core().login("tom", "tom", Client::UNKNOWN).unwrap();
    let answer = server.ask(&Ask {
        target: format!("fetchcomponents_by_range.wcap?recurring=1&fetchattach=1&id={token}"),
        body: None,
    });
    let text = answer.text().replace("\r\n ", "");
    for word in [
        "summary",
        "description",
        "location",
        "comment",
        "contact",
        "Boss",
        "Guest",
        "-related",
        "-single",
        ".wav",
        "-todo",
    ] {
        assert!(
            text.contains(&format!("{}{word}", MARKS[0]))
                || text.contains(&format!("{} {word}", MARKS[0])),
            "{word}"
        );
    }
    assert!(tells(&text, MARKS[0]));
    let binary = text.lines().find(|line| line.contains("ENCODING=BASE64"));
    let (_, data) = binary.and_then(|line| line.rsplit_once(':')).unwrap();
    assert!(tells(data, MARKS[0]), "{data}");
    assert!(!tells("BEGIN:VCALENDAR", MARKS[0]));
    // So does oli, by the links.
    let oli = server.caller(Login::User("oli")).unwrap();
    let token = server.token(Login::User("oli"), &oli).unwrap();
    let linked = server.ask(&Ask {
        target: format!("fetchcomponents_by_range.wcap?calid=oli&id={token}"),
        body: None,
    });
    assert!(tells(&linked.text(), MARKS[0]));
}
