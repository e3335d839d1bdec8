//! From one hosted domain into another: by every command, by names, by rights meant for others, by administration.

use axum::body::Body;
use http::Request;
use wcapd::app;
use wcapd::cap::job::{Cancel, Job, Outcome};
use wcapd::cap::work;
use wcapd::config::Config;
use wcapd::core::accounts::NewUser;
use wcapd::core::{Caller, Client};
use wcapd::dispatch::Dispatch;
use wcapd::wcap::args::{Kind, Param};
use wcapd::wcap::registry;

use crate::Target;

/// What stands in every text of the domain a.test.
const MARK: &str = "XQALPHAQX";

/// An event at a time that nothing else has.
const ITEMS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:event\r\n\
    DTSTAMP:20260101T000000Z\r\nDTSTART:20260203T091700Z\r\nDTEND:20260203T093900Z\r\nSUMMARY:XQALPHAQX\r\n\
    ATTENDEE;CN=XQALPHAQX:mailto:XQALPHAQX@outside.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// The domains a.test with ann and a group, her calendar open to everybody, and b.test with eve and bob.
fn two(settings: &[&str]) -> Target {
    let lines = [
        "domain a.test hosts=cal.a.test",
        "domain b.test hosts=cal.b.test",
        "user eve@b.test",
        "user bob@b.test domainadmin",
    ];
    let target = Target::new(settings, &lines);
    let core = &target.core;
    for name in ["ann@a.test", "abe@a.test"] {
        let new = NewUser {
            name: name.to_owned(),
            full_name: format!("{MARK} {name}"),
            ..NewUser::default()
        };
        core.add_user(&new, Some(name)).unwrap();
    }
    let members = ["ann@a.test".to_owned(), "abe@a.test".to_owned()];
    core.add_group("staff@a.test", &[], &members).unwrap();
    let change = |calendar: &mut wcapd::model::calendar::CalendarProperties| {
        calendar.acl = vec![
            "@^a^rwdsfzleic^g".to_owned(),
            "@@n^a^rwdsfzleic^g".to_owned(),
        ];
        calendar.description = MARK.to_owned();
        calendar.name = MARK.to_owned();
    };
    core.change_calendar("ann@a.test", change).unwrap();
    let upload = core.read_upload(ITEMS.as_bytes());
    core.import(&Caller::System, "ann@a.test", upload, None, |_| {})
        .unwrap();
    target
}

/// All that is kept of ann's calendar, and who is there.
fn kept(target: &Target) -> String {
    let core = &target.core;
    let mut all = format!(
        "{:?}",
        core.calendar_properties(&Caller::System, Some("ann@a.test"))
            .unwrap()
    );
    let export = core.export_stamped(
        &Caller::System,
        Some("ann@a.test"),
        None,
        |object, stamps| {
            all.push_str(&format!("{object:?} {stamps:?}\n"));
        },
    );
    export.unwrap();
    for user in ["ann@a.test", "abe@a.test"] {
        all.push_str(&format!("{:?}", core.user(user).unwrap()));
    }
    let preferences = core.user("ann@a.test").unwrap();
    all + &format!("{:?}", core.calendars(Some(preferences.id)).unwrap())
}

/// A value that leads into a.test.
fn value(param: &Param) -> &'static str {
    match param.kind {
        Kind::Calid | Kind::Calids => "ann@a.test",
        Kind::Users | Kind::Text => "ann%40a.test",
        Kind::Uids => "event",
        Kind::RecurrenceIds => "0",
        Kind::Modifiers => "1",
        Kind::Time => "20260203T000000Z",
        Kind::Duration => "PT1H",
        Kind::Attendees => "PARTSTAT=NEEDS-ACTION^staff@a.test",
        Kind::Aces => "eve@b.test^a^rwd^g",
        Kind::Flag | Kind::Integer(..) => "1",
        _ => "",
    }
}

#[test]
fn no_command_tells_of_another_domain_or_changes_it() {
    let target = two(&[]);
    let before = kept(&target);
    let (mut asked, mut refused) = (0, 0);
    for row in registry::rows().filter(|row| !matches!(row.name, "login" | "logout")) {
        let given =
            |param: &&Param| !matches!(param.kind, Kind::Format) && !value(param).is_empty();
        let params: Vec<&Param> = row.params.iter().filter(given).collect();
        let pair = |param: &&Param| format!("&{}={}", param.name, value(param));
        let all: String = params.iter().map(pair).collect();
        let needed =
            |param: &&&Param| matches!(param.kind, Kind::Calid | Kind::Calids | Kind::Uids);
        let least: String = params.iter().filter(needed).map(pair).collect();
        let mut queries = vec![all, least.clone(), String::new()];
        for param in &params {
            queries.extend([pair(param), format!("{least}{}", pair(param))]);
        }
        for query in queries {
            for format in ["text/calendar", "text/xml", "text/json"] {
                let id = target.log_in("eve@b.test");
                let address = format!("/{}.wcap?id={id}&fmt-out={format}{query}", row.name);
                let answer = target.get(&address);
                for mark in [MARK, "T0917", "abe@a"] {
                    assert!(
                        !answer.text.contains(mark),
                        "{address} tells\n{}",
                        answer.text
                    );
                }
                refused += usize::from(answer.text.contains("ERRNO:28"));
                asked += 1;
            }
        }
    }
    assert!(asked > 1_000 && refused > 100, "{refused} of {asked}");
    assert_eq!(kept(&target), before);
    // The marks are there for those at home.
    let id = target.log_in("abe@a.test");
    let answer = target.get(&format!("/fetchcomponents_by_range.wcap?id={id}&calid=ann"));
    assert!(
        answer.text.contains(MARK) && answer.text.contains("T0917"),
        "{}",
        answer.text
    );
}

#[test]
fn nobody_can_tell_who_is_in_another_domain() {
    let target = two(&[]);
    target
        .core
        .add_user(
            &NewUser {
                name: "off@a.test".into(),
                ..NewUser::default()
            },
            None,
        )
        .unwrap();
    target
        .core
        .set_calendar_enabled("off@a.test", false)
        .unwrap();
    let id = target.log_in("eve@b.test");
    // Length and letters of the names are alike.
    for query in [
        "fetchcomponents_by_range.wcap?calid=NAME@a.test",
        "get_calprops.wcap?calid=NAME@a.test",
        "get_freebusy.wcap?calid=NAME@a.test",
        "get_freebusy.wcap?calid=mailto:NAME@a.test",
        "get_freebusy.wcap?mail=NAME@a.test",
        "verifyevents_by_ids.wcap?calid=NAME@a.test&uid=event&rid=0",
        "fetchevents_by_id.wcap?calid=NAME@a.test&uid=event&rid=0",
        "storeevents.wcap?calid=NAME@a.test&dtstart=20260203T091700Z&summary=x",
        "deletecalendar.wcap?calid=NAME@a.test",
        "set_calprops.wcap?calid=NAME@a.test&owners=x",
        "subscribe_calendars.wcap?calid=NAME@a.test",
        "search_calprops.wcap?search-string=NAME@a.test&primaryOwner=1",
        "fetchvcards.wcap?userid=NAME@a.test",
        "get_userprefs.wcap?userid=NAME@a.test",
        "list.wcap?userid=NAME@a.test",
        "set_calprops.wcap?calid=eve&owners=NAME@a.test",
        "login.wcap?user=NAME@a.test&password=x",
        "storeevents.wcap?calid=eve&uid=NAME&dtstart=20260203T100000Z&summary=x&method=2&fetch=1&\
         attendees=PARTSTAT=ACCEPTED^NAME@a.test",
        "storeevents.wcap?calid=eve&uid=NAME&summary=y&method=2&fetch=1&emailorcalid=1",
        "fetchcomponents_by_attendee_error.wcap?calid=eve",
        "deleteevents_by_id.wcap?calid=eve&uid=NAME&rid=0&mod=4&notify=1",
    ] {
        let [there, missing, off] = ["ann", "xyz", "off"].map(|name| {
            let asked = query.replace("NAME", name);
            let answer = target.get(&format!("/{asked}&id={id}"));
            answer.whole().replace(name, "NAME")
        });
        assert_eq!(there, missing, "{query}");
        assert_eq!(off, missing, "{query}");
    }
}

#[test]
fn everybody_is_nobody_of_another_domain() {
    let target = two(&[]);
    let reads = |who: Option<&str>| {
        let id = who.map_or(String::new(), |who| target.log_in(who));
        let answer = target.get(&format!(
            "/fetchcomponents_by_range.wcap?id={id}&calid=ann@a.test"
        ));
        answer.text.contains(MARK)
    };
    assert!(reads(Some("abe@a.test")));
    assert!(!reads(Some("eve@b.test")));
    assert!(!reads(None));
    // By name it is.
    let grant = |entry: &str| {
        let change = |calendar: &mut wcapd::model::calendar::CalendarProperties| {
            calendar.acl = vec![entry.to_owned()];
        };
        target.core.change_calendar("ann@a.test", change).unwrap();
    };
    for (entry, opens) in [
        ("@b.test^a^r^g", true),
        ("eve@b.test^a^r^g", true),
        ("eve^a^r^g", false),
        ("bob@b.test^a^r^g", false),
        ("@a.test^a^r^g", false),
    ] {
        grant(entry);
        assert_eq!(reads(Some("eve@b.test")), opens, "{entry}");
    }
}

#[test]
fn an_administrator_of_a_domain_is_nobody_in_another() {
    let target = two(&[
        "admin.proxyauth true",
        "admin.userprefs true",
        "admin.override_acl true",
    ]);
    let core = &target.core;
    core.add_user(
        &NewUser {
            name: "top@b.test".into(),
            administrator: true,
            ..NewUser::default()
        },
        Some("x"),
    )
    .unwrap();
    let before = kept(&target);
    let id = target.log_in("bob@b.test");
    let range = "dtstart=20260203T000000Z&dtend=20260204T000000Z";
    for (query, errno) in [
        ("get_userprefs.wcap?userid=ann@a.test".to_owned(), "44"),
        (
            "set_userprefs.wcap?userid=ann@a.test&set_attrs=x=1".to_owned(),
            "44",
        ),
        ("list.wcap?userid=ann@a.test".to_owned(), "76"),
        ("list_subscribed.wcap?userid=ann@a.test".to_owned(), "76"),
        (
            "subscribe_calendars.wcap?userid=ann@a.test&calid=bob".to_owned(),
            "76",
        ),
        (
            format!("fetchcomponents_by_range.wcap?calid=ann@a.test&{range}"),
            "28",
        ),
        (
            format!("deletecomponents_by_range.wcap?calid=ann@a.test&{range}"),
            "28",
        ),
        ("set_calprops.wcap?calid=ann@a.test&name=x".to_owned(), "28"),
        ("deletecalendar.wcap?calid=ann@a.test".to_owned(), "28"),
        ("ping.wcap?x=1".to_owned(), "76"),
        // At home it is another matter.
        ("get_userprefs.wcap?userid=eve".to_owned(), "0"),
        ("list.wcap?userid=eve@b.test".to_owned(), "0"),
        (
            format!("fetchcomponents_by_range.wcap?calid=eve&{range}"),
            "0",
        ),
    ] {
        let answer = target.get(&format!("/{query}&id={id}"));
        assert_eq!(answer.errno(), errno, "{query}");
    }
    for (other, errno) in [
        ("eve", "0"),
        ("eve@b.test", "0"),
        ("ann@a.test", "1"),
        ("top", "1"),
        ("nobody", "1"),
    ] {
        let login = format!("/login.wcap?user=bob@b.test&password=bob@b.test&proxyauth={other}");
        assert_eq!(target.get(&login).errno(), errno, "{other}");
    }
    assert_eq!(kept(&target), before);
}

#[test]
fn a_bare_name_opens_nothing_at_another_host() {
    let target = two(&[]);
    let login = |host: &str, user: &str| {
        let address = format!("/login.wcap?user={user}&password=eve@b.test");
        let request = Request::get(address).header("host", host);
        target.send(request.body(Body::empty()).unwrap())
    };
    for (host, user, errno) in [
        ("cal.b.test", "eve", "0"),
        ("CAL.B.TEST:8443", "eve", "0"),
        ("cal.a.test", "eve@b.test", "0"),
        ("cal.a.test", "eve", "1"),
        ("localhost", "eve", "1"),
        ("cal.b.test.evil.example", "eve", "1"),
        ("cal.b.test@evil.example", "eve", "1"),
        ("evil.example/cal.b.test", "eve", "1"),
    ] {
        assert_eq!(login(host, user).errno(), errno, "{user} at {host}");
    }
    let answer = login("cal.b.test", "eve");
    assert!(
        answer.text.contains("X-NSCP-WCAP-CALENDAR-ID:eve@b.test"),
        "{}",
        answer.text
    );
}

#[test]
fn a_group_of_another_domain_is_not_expanded() {
    let target = two(&[]);
    let id = target.log_in("eve@b.test");
    let answer = target.get(&format!(
        "/storeevents.wcap?id={id}&calid=eve&dtstart=20260203T100000Z&summary=x&method=2&fetch=1\
         &attendees=PARTSTAT=NEEDS-ACTION^staff@a.test;PARTSTAT=NEEDS-ACTION^ann@a.test"
    ));
    assert_eq!(answer.errno(), "0");
    assert!(!answer.text.contains("abe@a.test"), "{}", answer.text);
    assert!(!answer.text.contains(MARK), "{}", answer.text);
}

#[test]
fn cap_tells_nothing_of_another_domain() {
    let target = two(&[]);
    let folder = tempfile::tempdir().unwrap();
    let settings = app::cap_settings(&Config::for_tests(folder.path()), None);
    let caller = |name: &str| {
        let identity = target
            .core
            .authenticate(name, name, Client::UNKNOWN)
            .unwrap();
        Caller::User(identity)
    };
    let carry = |job: Job| work::carry_out(&target.core, &settings, Client::UNKNOWN, job);
    let ask = |job: Job| match carry(job).done().expect("a matter of this store") {
        Outcome::Reply {
            status, data, note, ..
        } => {
            format!("{status:?} {note} {}", String::from_utf8(data).unwrap())
        }
        other => panic!("{other:?}"),
    };
    let expand = |who: &str, upn: &str| {
        let (who, upn) = (caller(who).into(), upn.to_owned());
        ask(Job::ExpandUser { who, upn })
    };
    for upn in ["ann@a.test", "staff@a.test", "abe@a.test"] {
        let missing = expand("eve@b.test", "xyz@a.test");
        assert_eq!(expand("eve@b.test", upn), missing, "{upn}");
    }
    assert!(expand("abe@a.test", "staff@a.test").contains("cap://localhost/ann@a.test"));
    let calid = |who: &str, calid: &str| {
        let (who, calid) = (caller(who).into(), calid.to_owned());
        ask(Job::ExpandCalendar { who, calid })
    };
    assert_eq!(
        calid("eve@b.test", "ann@a.test"),
        calid("eve@b.test", "xyz@a.test")
    );
    let query = |who: &str, select: &str| {
        let object = format!(
            "BEGIN:VCAP|METHOD:READ|TARGET:ann@a.test|BEGIN:VQUERY|QUERY:SELECT {select}|END:VQUERY|END:VCAP|"
        );
        ask(Job::Object {
            who: caller(who).into(),
            octets: object.replace('|', "\r\n").into_bytes(),
            cancel: Cancel::default(),
        })
    };
    for select in [
        "* FROM VEVENT",
        "* FROM VCALENDAR",
        "SUMMARY,UID FROM VEVENT",
    ] {
        let answer = query("eve@b.test", select);
        assert!(!answer.contains(MARK), "{answer}");
        let answer = query("abe@a.test", select);
        assert!(
            answer.contains(MARK) || select.contains("VCALENDAR"),
            "{answer}"
        );
    }
    for change in ["CREATE", "DELETE", "MODIFY"] {
        let object = format!(
            "BEGIN:VCAP|METHOD:{change}|TARGET:ann@a.test|BEGIN:VEVENT|UID:new|DTSTAMP:20260101T000000Z|\
             DTSTART:20260203T100000Z|SUMMARY:x|END:VEVENT|END:VCAP|"
        );
        let before = kept(&target);
        ask(Job::Object {
            who: caller("eve@b.test").into(),
            octets: object.replace('|', "\r\n").into_bytes(),
            cancel: Cancel::default(),
        });
        assert_eq!(kept(&target), before, "{change}");
    }
}

/// Whether by the address, by another's host, or by logging in as a group or at a host where one is not at home.
#[test]
fn pages_show_nothing_of_another_domain() {
    let mut target = two(&[]);
    let pages = wcapd::web::router(target.core.clone(), Dispatch::new(4, true)).unwrap();
    target.router = target.router.merge(pages);
    let ask = |path: &str, host: &str, cookie: &str| {
        let request = Request::get(path)
            .header("host", host)
            .header("cookie", cookie);
        target.send(request.body(Body::empty()).unwrap())
    };
    let log_in = |host: &str, user: &str, password: &str| {
        let request = Request::post("/login")
            .header("host", host)
            .header("content-type", "application/x-www-form-urlencoded");
        let form = format!("user={user}&password={password}");
        target.send(request.body(Body::from(form)).unwrap())
    };
    let cookie_of = |answer: &crate::Answer| {
        let cookie = answer.head.headers.get("set-cookie")?.to_str().ok()?;
        Some(cookie.split(';').next()?.to_owned())
    };
    // Names of people, groups and nobody get one answer, but for the name that was typed.
    let names = ["xyz@a.test", "ann@a.test", "staff@a.test", "ann", "staff"];
    let [nobody, others @ ..] = names.map(|name| {
        let answer = log_in("cal.a.test", name, "wrong");
        assert_eq!(answer.head.status, 401, "{name}");
        answer.whole().replace(name, "NAME")
    });
    for (answer, name) in others.iter().zip(&names[1..]) {
        // The answer's length follows from the name's.
        let cut = |text: &str| {
            text.split("\n")
                .skip(2)
                .map(str::to_owned)
                .collect::<String>()
        };
        assert_eq!(cut(answer), cut(&nobody), "{name}");
    }
    let eve = log_in("cal.a.test", "eve", "eve@b.test");
    assert_eq!(eve.head.status, 401);
    let eve = cookie_of(&log_in("cal.b.test", "eve", "eve@b.test")).unwrap();
    let own = ask("/app/", "cal.b.test", &eve);
    assert_eq!(own.head.status, 200);
    for host in ["cal.b.test", "cal.a.test", "localhost"] {
        for query in [
            "",
            "?calid=ann@a.test",
            "?user=ann@a.test&calid=ann%40a.test",
            "?calid=staff@a.test",
        ] {
            let page = ask(&format!("/app/{query}"), host, &eve);
            let text = page.text.replace(host, "cal.b.test");
            assert_eq!(text, own.text, "{query} at {host}");
            assert!(!text.contains(MARK) && !text.contains("a.test"), "{text}");
        }
        for path in ["/app/ann@a.test", "/app/staff@a.test", "/app/../ann@a.test"] {
            let page = ask(path, host, &eve);
            assert!(
                page.head.status == 404 || page.text.contains("ERRNO:52"),
                "{path}"
            );
            assert!(!page.text.contains(MARK), "{path}");
        }
    }
    // Members of a group that eve invites do not stand on her page.
    let id = target.log_in("eve@b.test");
    let answer = target.get(&format!(
        "/storeevents.wcap?id={id}&calid=eve&dtstart=20260106T100000Z&summary=mine&method=2&\
         attendees=PARTSTAT=NEEDS-ACTION^staff@a.test"
    ));
    assert_eq!(answer.errno(), "0");
    let page = ask("/app/", "cal.b.test", &eve);
    assert!(
        page.text.contains("mine") && !page.text.contains("abe@") && !page.text.contains(MARK),
        "{}",
        page.text
    );
    // It is there for those at home.
    let ann = cookie_of(&log_in("cal.a.test", "ann", "ann@a.test")).unwrap();
    assert!(ask("/app/", "cal.a.test", &ann).text.contains(MARK));
}
