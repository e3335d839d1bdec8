//! Rights as CAP and WCAP have them, one decision for both: each row sets rights in one of CAP's notations or in the access
//! list, and says what somebody then may, asked over CAP and over WCAP's own questions.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use wcapd::app;
use wcapd::cap::job::{Cancel, Job, Outcome};
use wcapd::cap::work;
use wcapd::config::Config;
use wcapd::core::access::Right;
use wcapd::core::accounts::NewUser;
use wcapd::core::{Caller, Client, Core, Identity};
use wcapd::ical::datetime::Timestamp;
use wcapd::model::clock::{CountedIds, ManualClock};
use wcapd::store::Store;

struct World {
    core: Core,
    settings: wcapd::cap::Settings,
    _folder: tempfile::TempDir,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::for_tests(folder.path());
    config.server.domain = "example.com".to_owned();
    config.cap.csid = Some("cal.example.com".to_owned());
    let clock = Arc::new(ManualClock::new(Timestamp(1_795_000_000)));
    let store = Store::in_memory(clock.clone()).unwrap();
    let ids = Arc::new(CountedIds::default());
    let core = Core::new(store, clock, ids, app::open::settings(&config));
    for name in ["tom", "jerry", "anna", "second"] {
        let new = NewUser {
            name: name.to_owned(),
            ..NewUser::default()
        };
        core.add_user(&new, None).unwrap();
    }
    core.add_group("staff", &[], &["jerry".to_owned()]).unwrap();
    core.add_group("house", &[], &["staff".to_owned()]).unwrap();
    core.change_calendar("tom", |calendar| calendar.acl.clear())
        .unwrap();
    let second = core.user("second").unwrap().id;
    core.change_calendar("tom", |calendar| calendar.owners = vec![second])
        .unwrap();
    let items = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n\
        BEGIN:VEVENT\r\nUID:open\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20261210T090000Z\r\nDTEND:20261210T100000Z\r\n\
        SUMMARY:Open\r\nLOCATION:Here\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:shut\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20261211T090000Z\r\nSUMMARY:Shut\r\n\
        CATEGORIES:HOME\r\nEND:VEVENT\r\n\
        BEGIN:VTODO\r\nUID:todo\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Do\r\nEND:VTODO\r\nEND:VCALENDAR\r\n";
    let upload = core.read_upload(items.as_bytes());
    core.import(&Caller::System, "tom", upload, None, |_| {})
        .unwrap();
    World {
        core,
        settings: app::cap_settings(&config, None),
        _folder: folder,
    }
}

impl World {
    fn caller(&self, name: &str) -> Caller {
        if name == "@" {
            return Caller::Anonymous;
        }
        let user = self.core.user(name).unwrap();
        Caller::User(Identity {
            id: user.id,
            typed: name.to_owned(),
            name: user.name,
            administrator: false,
            domain_administrator: false,
            ended: 0,
        })
    }

    /// Carries out an object of CAP.
    fn cap(&self, name: &str, object: &str) -> String {
        let job = Job::Object {
            who: self.caller(name).into(),
            octets: object.replace('|', "\r\n").into_bytes(),
            cancel: Cancel::default(),
        };
        let carried = work::carry_out(&self.core, &self.settings, Client::UNKNOWN, job);
        match carried.done().unwrap() {
            Outcome::Reply { data, note, .. } => {
                format!("{}{note}", String::from_utf8(data).unwrap())
            }
            other => format!("{other:?}"),
        }
    }

    fn set(&self, car: &str) {
        let made = self.cap(
            "tom",
            &format!("BEGIN:VCAP|METHOD:CREATE|TARGET:tom|{car}END:VCAP|"),
        );
        assert!(
            made.contains("REQUEST-STATUS:2.0;Success\r\nEND:VCAR"),
            "{car}\n{made}"
        );
    }

    /// UIDs of what somebody reads over CAP, with what of it, in order.
    fn reads(&self, name: &str) -> String {
        let query = "SELECT * FROM VEVENT,VTODO,VJOURNAL";
        let answer = self.cap(
            name,
            &format!(
                "BEGIN:VCAP|METHOD:READ|TARGET:tom|BEGIN:VQUERY|QUERY:{query}|END:VQUERY|END:VCAP|"
            ),
        );
        let mut found: Vec<String> = Vec::new();
        for line in answer.lines() {
            if let Some(uid) = line.strip_prefix("UID:") {
                found.push(uid.to_owned());
            } else if line.starts_with("SUMMARY:") {
                let last = found.last_mut().unwrap();
                last.push('+');
            }
        }
        found.sort();
        found.join(" ")
    }

    /// The same, as WCAP's fetch reads.
    fn fetches(&self, name: &str) -> String {
        let mut found = Vec::new();
        let exported = self
            .core
            .export(&self.caller(name), Some("tom"), None, |object| {
                let summary = object
                    .components
                    .iter()
                    .any(|c| c.property("SUMMARY").is_some());
                let mark = if summary { "+" } else { "" };
                found.push(format!("{}{mark}", object.uid));
            });
        if exported.is_err() {
            return String::new();
        }
        found.sort();
        found.join(" ")
    }

    fn may(&self, name: &str, right: Right) -> bool {
        self.core
            .has_right(&self.caller(name), Some("tom"), right)
            .unwrap()
    }
}

/// A set of rights in the draft's notation and in RFC 4324's, and what jerry, a stranger (anna) and nobody in particular then
/// read of tom's calendar.
const READING: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("nothing", "", "", "", "", ""),
    (
        "everybody known reads",
        "GRANT:UPN=*;ACTION=READ|",
        "BEGIN:VRIGHT|GRANT:*@*|PERMISSION:SEARCH|END:VRIGHT|",
        "open+ shut+ todo+",
        "open+ shut+ todo+",
        "",
    ),
    (
        "one user",
        "GRANT:UPN=jerry@example.com;ACTION=READ;OBJECT=VEVENT|",
        "BEGIN:VRIGHT|GRANT:jerry@example.com|PERMISSION:SEARCH|SCOPE:SELECT * FROM VEVENT|END:VRIGHT|",
        "open+ shut+",
        "",
        "",
    ),
    (
        "a group that the user is in",
        "GRANT:UPN=staff@example.com;ACTION=READ;OBJECT=VTODO|",
        "BEGIN:VRIGHT|GRANT:staff@example.com|PERMISSION:SEARCH|SCOPE:SELECT * FROM VTODO|END:VRIGHT|",
        "todo+",
        "",
        "",
    ),
    (
        "a group of groups",
        "GRANT:UPN=house@example.com;ACTION=READ;OBJECT=VTODO|",
        "BEGIN:VRIGHT|GRANT:house@example.com|PERMISSION:SEARCH|SCOPE:SELECT * FROM VTODO|END:VRIGHT|",
        "todo+",
        "",
        "",
    ),
    (
        "a realm",
        "GRANT:UPN=@example.com;ACTION=READ;OBJECT=VTODO|",
        "BEGIN:VRIGHT|GRANT:*@example.com|PERMISSION:SEARCH|SCOPE:SELECT * FROM VTODO|END:VRIGHT|",
        "todo+",
        "todo+",
        "",
    ),
    (
        "a deny wins, wherever it stands",
        "DENY:UPN=jerry@example.com;OBJECT=VEVENT|GRANT:UPN=*;ACTION=READ|",
        "BEGIN:VRIGHT|DENY:jerry@example.com|PERMISSION:SEARCH|SCOPE:SELECT * FROM VEVENT|END:VRIGHT|BEGIN:VRIGHT|GRANT:*@*|PERMISSION:SEARCH|END:VRIGHT|",
        "todo+",
        "open+ shut+ todo+",
        "",
    ),
    (
        "certain objects",
        "GRANT:UPN=*;ACTION=READ;OBJECT=VEVENT;OBJECT=CATEGORIES;VALUE=HOME|",
        "BEGIN:VRIGHT|GRANT:*@*|PERMISSION:SEARCH|SCOPE:SELECT * FROM VEVENT WHERE 'HOME' IN CATEGORIES|END:VRIGHT|",
        "shut+",
        "shut+",
        "",
    ),
    (
        "certain properties",
        "GRANT:UPN=*;ACTION=READ;OBJECT=VEVENT;OBJECT=DTSTART,DTEND|",
        "BEGIN:VRIGHT|GRANT:*@*|PERMISSION:SEARCH|SCOPE:SELECT DTSTART,DTEND FROM VEVENT|END:VRIGHT|",
        "open shut",
        "open shut",
        "",
    ),
    (
        "nobody in particular",
        "GRANT:UPN=ANONYMOUS;ACTION=READ;OBJECT=VTODO|",
        "BEGIN:VRIGHT|GRANT:@|PERMISSION:SEARCH|SCOPE:SELECT * FROM VTODO|END:VRIGHT|",
        "",
        "",
        "todo+",
    ),
    (
        "not the owners",
        "GRANT:UPN=NONOWNER;ACTION=READ;OBJECT=VTODO|",
        "BEGIN:VRIGHT|GRANT:NOT CAL-OWNERS()|PERMISSION:SEARCH|SCOPE:SELECT * FROM VTODO|END:VRIGHT|",
        "todo+",
        "todo+",
        "?",
    ),
];

#[test]
fn both_notations_say_what_is_read_and_both_protocols_agree() {
    for (what, draft, rfc, jerry, anna, nobody) in READING {
        for (notation, rules) in [("draft", draft), ("rfc", rfc)] {
            let world = world();
            if !rules.is_empty() {
                world.set(&format!("BEGIN:VCAR|CARID:x|{rules}END:VCAR|"));
            }
            for (name, expected) in [("jerry", jerry), ("anna", anna), ("@", nobody)] {
                if *expected == "?" {
                    continue;
                }
                assert_eq!(world.reads(name), *expected, "{what}, {notation}, {name}");
                assert_eq!(
                    world.fetches(name),
                    *expected,
                    "{what}, {notation}, {name}: WCAP"
                );
            }
            assert_eq!(
                world.reads("tom"),
                "open+ shut+ todo+",
                "{what}: the primary owner"
            );
        }
    }
}

/// An access list, and which of the rights that CAP has by name it amounts to.
const VIEWS: &[(&str, &str)] = &[
    ("", "UPDATEPARTSTATUS WCAP-ACL"),
    ("@^c^f^g", "READBUSYTIMEINFO UPDATEPARTSTATUS WCAP-ACL"),
    ("@^a^s^g", "REQUESTONLY UPDATEPARTSTATUS WCAP-ACL"),
    (
        "@@o^a^r^g;@@o^c^wdeic^g",
        "UPDATEPARTSTATUS DEFAULTOWNER WCAP-ACL",
    ),
    (
        "@@o^a^r^g;@^a^fs^g",
        "READBUSYTIMEINFO REQUESTONLY UPDATEPARTSTATUS DEFAULTOWNER WCAP-ACL",
    ),
    ("@^a^fs^d;@^a^fs^g", "UPDATEPARTSTATUS WCAP-ACL"),
];

#[test]
fn the_access_list_is_seen_as_rights() {
    let world = world();
    for (acl, expected) in VIEWS {
        let entries: Vec<String> = acl
            .split(';')
            .filter(|e| !e.is_empty())
            .map(str::to_owned)
            .collect();
        world
            .core
            .change_calendar("tom", |calendar| calendar.acl.clone_from(&entries))
            .unwrap();
        for (object, close) in [
            ("BEGIN:VCAP|METHOD:READ|", "END:VCAP|"),
            ("BEGIN:VCALENDAR|VERSION:2.0|CMD:SEARCH|", "END:VCALENDAR|"),
        ] {
            let query = "BEGIN:VQUERY|QUERY:SELECT CARID FROM VCAR|END:VQUERY|";
            let answer = world.cap("tom", &format!("{object}TARGET:tom|{query}{close}"));
            let mut found: Vec<&str> = answer
                .lines()
                .filter_map(|l| l.strip_prefix("CARID:"))
                .collect();
            let mut expected: Vec<&str> = expected.split(' ').collect();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{acl}");
        }
    }
}

#[test]
fn the_rights_by_name_let_do_what_they_say() {
    let world = world();
    let set = |acl: &[&str]| {
        let entries: Vec<String> = acl.iter().map(|e| (*e).to_owned()).collect();
        world
            .core
            .change_calendar("tom", |calendar| calendar.acl.clone_from(&entries))
            .unwrap();
    };
    set(&["@^c^f^g"]);
    assert!(world.may("anna", Right::FreeBusy) && world.may("@", Right::FreeBusy));
    assert!(!world.may("anna", Right::Read) && !world.may("anna", Right::Schedule));
    set(&["@^a^s^g"]);
    assert!(world.may("anna", Right::Schedule) && !world.may("@", Right::Schedule));
    assert!(!world.may("anna", Right::FreeBusy) && !world.may("anna", Right::Add));
    set(&["@@o^a^r^g", "@@o^c^wd^g"]);
    assert!(world.may("second", Right::Read) && world.may("second", Right::Delete));
    assert!(!world.may("anna", Right::Read));
}

#[test]
fn a_deny_of_either_language_wins() {
    let world = world();
    world
        .core
        .change_calendar("tom", |c| {
            c.acl = vec!["jerry^a^r^d".into(), "@^a^r^g".into()]
        })
        .unwrap();
    world.set("BEGIN:VCAR|CARID:x|GRANT:UPN=jerry@example.com;ACTION=READ|DENY:UPN=anna@example.com;OBJECT=VTODO|END:VCAR|");
    for (name, expected) in [
        ("jerry", ""),
        ("anna", "open+ shut+"),
        ("@", "open+ shut+ todo+"),
    ] {
        assert_eq!(world.reads(name), expected, "{name}");
        assert_eq!(world.fetches(name), expected, "{name}: WCAP");
    }
}

#[test]
fn what_is_decreed_binds_everybody_and_is_changed_by_nobody() {
    use wcapd::admin::{Request, execute};
    let world = world();
    let mut peer = Nobody;
    let request = Request::RightsSet {
        name: "House rule".into(),
        grant: Vec::new(),
        deny: vec!["UPN=*;ACTION=DELETE;OBJECT=VEVENT".into()],
        decreed: true,
    };
    execute(&world.core, request, &mut peer).unwrap();
    let delete = |uid: &str, table: &str| {
        let query = format!("SELECT * FROM {table} WHERE UID = '{uid}'");
        world.cap("tom", &format!("BEGIN:VCAP|METHOD:DELETE|TARGET:tom|BEGIN:VQUERY|QUERY:{query}|END:VQUERY|END:VCAP|"))
    };
    assert!(
        delete("open", "VEVENT").contains("REQUEST-STATUS:6.0"),
        "{}",
        delete("open", "VEVENT")
    );
    assert!(delete("todo", "VTODO").contains("UID:todo\r\nREQUEST-STATUS:2.0"));
    assert_eq!(world.reads("tom"), "open+ shut+");
    // Its owner sees it and cannot change it, nor say the opposite.
    let read = world.cap("tom", "BEGIN:VCAP|METHOD:READ|TARGET:tom|BEGIN:VQUERY|QUERY:SELECT * FROM VCAR WHERE CARID = 'House rule'|END:VQUERY|END:VCAP|");
    assert!(read.contains("DECREED:TRUE"), "{read}");
    let gone = world.cap("tom", "BEGIN:VCAP|METHOD:DELETE|TARGET:tom|BEGIN:VQUERY|QUERY:SELECT * FROM VCAR WHERE CARID = 'House rule'|END:VQUERY|END:VCAP|");
    assert!(gone.contains("REQUEST-STATUS:6.0"), "{gone}");
    let against = world.cap("tom", "BEGIN:VCALENDAR|VERSION:2.0|CMD:CREATE|TARGET:tom|BEGIN:VCAR|CARID:y|GRANT:UPN=*;ACTION=DELETE|END:VCAR|END:VCALENDAR|");
    assert!(against.contains("REQUEST-STATUS:6.4"), "{against}");
}

#[test]
fn a_calendar_without_rights_has_those_from_above() {
    let world = world();
    world.set("BEGIN:VCAR|CARID:x|GRANT:UPN=jerry@example.com;ACTION=READ|END:VCAR|");
    let made = world.cap("tom", "BEGIN:VCAP|METHOD:CREATE|TARGET:tom|BEGIN:VCALENDAR|RELCALID:below|OWNER:tom|END:VCALENDAR|END:VCAP|");
    assert!(
        made.contains("RELCALID:below\r\nREQUEST-STATUS:2.0"),
        "{made}"
    );
    world
        .core
        .change_calendar("below", |calendar| calendar.acl.clear())
        .unwrap();
    let reads = |name| {
        world
            .core
            .has_right(&world.caller(name), Some("below"), Right::Read)
            .unwrap()
    };
    assert!(reads("jerry") && !reads("anna"));
    // Its own override all of those.
    let own = world.cap("tom", "BEGIN:VCAP|METHOD:CREATE|TARGET:below|BEGIN:VCAR|CARID:y|GRANT:UPN=anna@example.com;ACTION=READ|END:VCAR|END:VCAP|");
    assert!(own.contains("CARID:y\r\nREQUEST-STATUS:2.0"), "{own}");
    assert!(!reads("jerry") && reads("anna"));
    // A move takes nothing away.
    let gone = world.cap("tom", "BEGIN:VCAP|METHOD:DELETE|TARGET:below|BEGIN:VQUERY|QUERY:SELECT * FROM VCAR WHERE CARID = 'y'|END:VQUERY|END:VCAP|");
    assert!(gone.contains("2.0"), "{gone}");
    assert!(reads("jerry"));
    let moved = world.cap("tom", "BEGIN:VCAP|METHOD:MOVE|TARGET:cap://cal.example.com|BEGIN:VCALENDAR|RELCALID:below|END:VCALENDAR|END:VCAP|");
    assert!(
        moved.contains("RELCALID:below\r\nREQUEST-STATUS:2.0"),
        "{moved}"
    );
    assert!(reads("jerry"));
}

#[test]
fn rights_refer_to_others_and_what_is_missing_gives_nothing() {
    let world = world();
    world.set("BEGIN:VCAR|CARID:model|GRANT:ACTION=READ;OBJECT=VTODO|END:VCAR|");
    world.set("BEGIN:VCAR|CARID:use|GRANT:UPN=jerry@example.com;CARREF=model|GRANT:UPN=anna@example.com;CARREF=nowhere|END:VCAR|");
    assert_eq!(world.reads("jerry"), "todo+");
    assert_eq!(world.reads("anna"), "");
    world.set("BEGIN:VCAR|CARID:lost|DENY:UPN=jerry@example.com;CARREF=nowhere|END:VCAR|");
    assert_eq!(world.reads("jerry"), "");
}

#[test]
fn writing_is_let_where_the_object_fits() {
    let world = world();
    world.set("BEGIN:VCAR|CARID:w|GRANT:UPN=jerry@example.com;ACTION=READ|GRANT:UPN=jerry@example.com;ACTION=CREATE;OBJECT=VEVENT;OBJECT=CATEGORIES;VALUE=TEAM|GRANT:UPN=jerry@example.com;ACTION=MODIFY;OBJECT=LOCATION|END:VCAR|");
    let create = |uid: &str, more: &str| {
        world.cap("jerry", &format!("BEGIN:VCAP|METHOD:CREATE|TARGET:tom|BEGIN:VEVENT|UID:{uid}|DTSTART:20261212T090000Z|{more}END:VEVENT|END:VCAP|"))
    };
    assert!(create("a", "CATEGORIES:TEAM|").contains("UID:a\r\nREQUEST-STATUS:2.0"));
    assert!(create("b", "CATEGORIES:OTHER|").contains("UID:b\r\nREQUEST-STATUS:6.0"));
    let modify = |old: &str, new: &str| {
        world.cap("jerry", &format!("BEGIN:VCAP|METHOD:MODIFY|TARGET:tom|BEGIN:VEVENT|UID:open|{old}END:VEVENT|BEGIN:VEVENT|UID:open|{new}END:VEVENT|END:VCAP|"))
    };
    assert!(modify("LOCATION:Here|", "LOCATION:There|").contains("UID:open\r\nREQUEST-STATUS:2.0"));
    assert!(modify("SUMMARY:Open|", "SUMMARY:Mine|").contains("REQUEST-STATUS:6.0"));
    let gone = world.cap("jerry", "BEGIN:VCAP|METHOD:DELETE|TARGET:tom|BEGIN:VQUERY|QUERY:SELECT * FROM VEVENT WHERE UID = 'open'|END:VQUERY|END:VCAP|");
    assert!(gone.contains("REQUEST-STATUS:6.0"), "{gone}");
}

/// Whoever asks and sends no files.
struct Nobody;

impl wcapd::admin::Peer for Nobody {
    fn receive(&mut self) -> std::io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn send(&mut self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }

    fn note(&mut self, _: wcapd::admin::Note) -> std::io::Result<()> {
        Ok(())
    }
}
