//! People and groups from a real LDAP directory: OpenLDAP's `slapd` with an inetOrgPerson tree and a Sun-style one.
//!
//! Where slapd is not installed the tests are left out, and say so; `tests/run` installs it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
#[path = "ldap/server.rs"]
mod server;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use wcapd::config::Config;
use wcapd::core::accounts::NewUser;
use wcapd::core::directory::Directory;
use wcapd::core::{Client, Core, Kind};
use wcapd::ical::datetime::Timestamp;
use wcapd::ldap::{Ldap, Options, Preset, Proof, Schema};
use wcapd::model::clock::{CountedIds, ManualClock};
use wcapd::model::user::Source;
use wcapd::store::Store;

use common::http;
use common::server::{DataDir, Server};
use server::{READER, Slapd, program, until};

const HERE: Client = Client::UNKNOWN;

/// What is shown, and what shows it with a directory of its own.
type Test = (&'static str, fn(Slapd));

fn main() {
    let arguments = Arguments::from_args();
    let slapd = program("slapd").filter(|_| program("slapadd").is_some());
    let missing = slapd.is_none();
    if missing {
        eprintln!(
            "tests/ldap.rs is left out: slapd is not installed here (Debian: apt-get install slapd)"
        );
    }
    let tests: [Test; 10] = [
        ("people log in by name, UPN and mail", people_log_in),
        ("a login brings what the directory has", a_login_brings),
        ("Sun's schema is understood", sun),
        ("groups of every kind", groups),
        ("what is here goes before what is elsewhere", clashes),
        ("nothing in a name is a filter", injection),
        ("mentioned people and groups become known", mentions),
        ("two domains, each with its own tree", domains),
        ("TLS, and what is trusted", tls),
        ("an outage, and the recovery", outage),
    ];
    let trials = tests.map(|(name, test)| {
        let slapd = slapd.clone();
        let run = move || {
            let slapd = slapd.ok_or("slapd is not installed")?;
            test(Slapd::start(slapd));
            Ok::<_, Failed>(())
        };
        Trial::test(name, run).with_ignored_flag(missing)
    });
    libtest_mimic::run(&arguments, trials.into()).exit();
}

fn options(slapd: &Slapd) -> Options {
    Options {
        url: format!("ldap://127.0.0.1:{}", slapd.plain_port),
        starttls: false,
        authorities: None,
        login: Some((READER.0.to_owned(), READER.1.to_owned())),
        base: "dc=plain,dc=test".to_owned(),
        schema: Schema::from(Preset::InetOrgPerson),
        proof: Proof::Bind,
        domain: "example.test".to_owned(),
        time: Duration::from_secs(5),
        connections: 4,
        group_members: 50,
        group_depth: 2,
    }
}

fn sun_options(slapd: &Slapd) -> Options {
    Options {
        base: "o=sun".to_owned(),
        login: Some(("cn=reader,o=sun".to_owned(), READER.1.to_owned())),
        schema: Schema::from(Preset::Sun),
        ..options(slapd)
    }
}

/// A core with that directory behind it.
fn core(options: Options) -> (Core, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
    let store = Store::in_memory(clock.clone()).unwrap();
    let mut config = Config::for_tests(std::path::Path::new("unused"));
    config.server.domain = "example.test".to_owned();
    let settings = wcapd::app::open::settings(&config);
    let directory = Box::new(Ldap::new(options).unwrap());
    let ids = Arc::new(CountedIds::default());
    let core = Core::with_directories(store, clock.clone(), ids, settings, vec![directory]);
    (core, clock)
}

fn people_log_in(slapd: Slapd) {
    for proof in [Proof::Bind, Proof::Compare] {
        let (core, _) = core(Options {
            proof,
            ..options(&slapd)
        });
        for login in [
            "ann",
            "ANN",
            "ann@example.test",
            "ann.adams@plain.test",
            "Boss@Example.Test",
        ] {
            let identity = core.authenticate(login, "ann", HERE).unwrap();
            assert_eq!(identity.name.to_string(), "ann@example.test");
            assert_eq!(identity.typed, login);
        }
        // Any of several names; the first is the account's unless another was typed first.
        assert!(core.authenticate("ben@plain.test", "ben", HERE).is_ok());
        assert!(core.authenticate("cyd", "cyd", HERE).is_ok());
        for (login, password) in [
            ("ann", "Ann"),
            ("ann", ""),
            ("ann", "ann\0"),
            ("nobody", "nobody"),
            ("mute", ""),
            ("mute", "mute"),
            ("shared@plain.test", "dan"),
            ("shared@plain.test", "dora"),
            ("not a name", "odd"),
            ("odd@plain.test", "odd"),
            ("ann@elsewhere.test", "ann"),
            ("cn=reader,dc=plain,dc=test", READER.1),
        ] {
            let refused = core.authenticate(login, password, HERE).unwrap_err();
            assert_eq!(refused.kind(), Kind::NotAuthenticated, "{login} {password}");
        }
    }
}

fn a_login_brings(slapd: Slapd) {
    let (core, _) = core(options(&slapd));
    let (caller, token) = core.login("ann", "ann", HERE).unwrap();
    assert_eq!(core.session(&token, HERE).unwrap(), caller);
    let ann = core.user("ann").unwrap();
    assert_eq!(ann.source, Source::Ldap);
    assert_eq!(ann.mail, ["ann.adams@plain.test", "boss@example.test"]);
    assert_eq!(
        (ann.full_name.as_str(), ann.surname.as_str()),
        ("Ann Adams", "Adams")
    );
    assert!(ann.verifiers.is_empty(), "nothing of the password is kept");
    let view = core.calendar_properties(&caller, None).unwrap();
    assert_eq!(
        (view.calid.as_str(), view.primary_owner.as_str()),
        ("ann", "ann")
    );
    // The operator's word counts more than the directory's.
    core.set_enabled("ann", false).unwrap();
    assert!(core.session(&token, HERE).is_err());
    assert!(core.authenticate("ann", "ann", HERE).is_err());
    core.set_enabled("ann", true).unwrap();
    assert!(core.authenticate("ann", "ann", HERE).is_ok());
    let refused = core.set_password("ann", "new").unwrap_err();
    assert_eq!(refused.kind(), Kind::NotOffered);
    assert!(refused.message().contains("ldap"), "{refused}");
}

fn sun(slapd: Slapd) {
    let (core, _) = core(sun_options(&slapd));
    for login in ["jdoe", "jane.doe@sesta.test", "jd@sesta.test"] {
        assert!(core.authenticate(login, "jdoe", HERE).is_ok(), "{login}");
    }
    for name in ["gone", "left", "mailonly"] {
        let refused = core.authenticate(name, name, HERE).unwrap_err();
        assert_eq!(refused.kind(), Kind::NotAuthenticated, "{name}");
    }
    let (caller, _) = core.login("jdoe", "jdoe", HERE).unwrap();
    let calendar = core.calendar_properties(&caller, None).unwrap().calendar;
    assert_eq!(calendar.properties.tzid, "America/Los_Angeles");
    let preferences = core.preferences(&caller, None).unwrap();
    let subscribed: Vec<&str> = preferences
        .values
        .iter()
        .filter(|(name, _)| name == "icsSubscribed")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(subscribed, ["jdoe$Jane Doe", "team:plans$Plans"]);
    let ldap = Ldap::new(sun_options(&slapd)).unwrap();
    let group = ldap.group("plans@sesta.test").unwrap().unwrap();
    // Its own name can be none here.
    assert_eq!(group.name.to_string(), "plans@example.test");
    assert_eq!(names(&group.members), ["gone", "jdoe", "left"]);
}

fn names(people: &[wcapd::core::directory::Person]) -> Vec<&str> {
    let mut names: Vec<&str> = people.iter().map(|p| p.name.local.as_str()).collect();
    names.sort_unstable();
    names
}

fn groups(slapd: Slapd) {
    let ldap = Ldap::new(options(&slapd)).unwrap();
    for (name, members, clipped) in [
        ("staff", &["ann", "ben", "cyd"][..], false),
        ("inner", &["ann", "ben", "cyd"], false),
        ("seven", &["ann", "ben"], false),
        ("broken", &[], false),
        ("unix", &["dan"], false),
        ("deep1", &["ann", "ben", "dan"], true),
        ("deep2", &["ben", "dan", "dora"], false),
    ] {
        let group = ldap.group(name).unwrap().unwrap();
        assert_eq!(names(&group.members), members, "{name}");
        assert_eq!(group.clipped, clipped, "{name}");
    }
    let many = ldap.group("many").unwrap().unwrap();
    assert_eq!((many.members.len(), many.clipped), (50, true));
    assert_eq!(ldap.group("nobody").unwrap(), None);
    assert_eq!(ldap.group("ann").unwrap(), None);
    let found = ldap.search("ada", 10).unwrap();
    assert_eq!(names(&found), ["ann"]);
    assert_eq!(ldap.search("many", 7).unwrap().len(), 7);
}

fn clashes(slapd: Slapd) {
    let (core, _) = core(options(&slapd));
    let new = |name: &str, mail: &str| NewUser {
        name: name.into(),
        mail: vec![mail.into()],
        ..NewUser::default()
    };
    core.add_user(&new("root", "root@example.test"), Some("built-in"))
        .unwrap();
    core.create_calendar("ben", "root", &Default::default())
        .unwrap();
    core.add_group("dan", &[], &[]).unwrap();
    // The built-in account is asked here alone, by whatever name.
    assert!(core.authenticate("root", "built-in", HERE).is_ok());
    for login in ["root", "root@example.test", "root-elsewhere@plain.test"] {
        let refused = core.authenticate(login, "root", HERE).unwrap_err();
        assert_eq!(refused.kind(), Kind::NotAuthenticated, "{login}");
    }
    // So are calendars and groups.
    for name in ["ben", "dan"] {
        let refused = core.authenticate(name, name, HERE).unwrap_err();
        assert_eq!(refused.kind(), Kind::NotAuthenticated, "{name}");
    }
    // An address stays with whom it belongs to.
    let eve = core.authenticate("eve", "eve", HERE).unwrap();
    assert_eq!(core.user("eve").unwrap().mail, ["eve@plain.test"]);
    assert_ne!(core.user("root@example.test").unwrap().id, eve.id);
    let refused = core
        .authenticate("root@example.test", "eve", HERE)
        .unwrap_err();
    assert_eq!(refused.kind(), Kind::NotAuthenticated);
}

fn injection(slapd: Slapd) {
    let ldap = Ldap::new(options(&slapd)).unwrap();
    for hostile in [
        "*",
        "ann*",
        "a*n",
        "*)(uid=*",
        "ann)(objectClass=*",
        "ann)(|(uid=*",
        "*)(|(objectClass=*))",
        "\\2a",
        "ann\\00",
        "ann\0",
        "(uid=ann)",
        "ann)(userPassword=ann",
        "uid=ann,ou=people,dc=plain,dc=test",
        "*@plain.test",
        "x@y)(uid=*",
        "x@y*",
        "(|(mail=*@plain.test",
        "\u{ff0a}",
    ] {
        assert_eq!(ldap.person(hostile).unwrap(), None, "{hostile}");
        assert_eq!(
            ldap.authenticate(hostile, "ann").unwrap(),
            None,
            "{hostile}"
        );
        assert_eq!(ldap.group(hostile).unwrap(), None, "{hostile}");
    }
    for nothing in ["*", "a*a", "\\2a", ")(uid=*", "(", "\0"] {
        let found = ldap.search(nothing, 10).unwrap();
        // One has such a name, and is found by it.
        let expected: &[&str] = match nothing {
            "*" | "(" => &["cyd"],
            _ => &[],
        };
        assert_eq!(names(&found), expected, "{nothing}");
    }
    assert!(ldap.person("ann").unwrap().is_some());
}

fn mentions(slapd: Slapd) {
    let (core, clock) = core(options(&slapd));
    assert!(core.users().unwrap().is_empty());
    let named = [
        "mailto:ann.adams@plain.test",
        "staff",
        "stranger@elsewhere.test",
    ];
    core.know(named).unwrap();
    let ann = core.user("ann").unwrap();
    assert_eq!(ann.source, Source::Ldap);
    // A calendar comes with the first login.
    assert!(core.calendars(Some(ann.id)).unwrap().is_empty());
    let staff = core.group("staff").unwrap();
    let members = core.names(&staff.members).unwrap();
    let mut members: Vec<&str> = members.iter().map(|n| n.local.as_str()).collect();
    members.sort_unstable();
    assert_eq!(members, ["ann", "ben", "cyd"]);
    // Not asked again at once, and again after a while.
    clock.advance(100);
    core.know(["staff"]).unwrap();
    assert_eq!(core.group("staff").unwrap().checked, staff.checked);
    clock.advance(300);
    core.know(["staff"]).unwrap();
    assert!(core.group("staff").unwrap().checked > staff.checked);
    assert_eq!(core.group("staff").unwrap().id, staff.id);
    core.login("ann", "ann", HERE).unwrap();
    assert_eq!(core.user("ann").unwrap().id, ann.id);
    assert_eq!(core.calendars(Some(ann.id)).unwrap().len(), 1);
}

fn tls(slapd: Slapd) {
    let by = |url: String, starttls, authorities: Option<PathBuf>| {
        let ldap = Ldap::new(Options {
            url,
            starttls,
            authorities,
            ..options(&slapd)
        });
        let asked = ldap.unwrap().authenticate("ann", "ann");
        asked.map(|found| found.is_some()).map_err(|e| e.kind())
    };
    let plain = format!("ldap://localhost:{}", slapd.plain_port);
    let secure = format!("ldaps://localhost:{}", slapd.tls_port);
    let authority = Some(slapd.authority());
    assert_eq!(by(plain.clone(), true, authority.clone()), Ok(true));
    assert_eq!(by(secure.clone(), false, authority.clone()), Ok(true));
    // Without trust there is no conversation.
    assert_eq!(by(plain, true, None), Err(Kind::Unavailable));
    assert_eq!(by(secure, false, None), Err(Kind::Unavailable));
    // Nor under another name than the certificate's.
    let other = format!("ldaps://127.0.0.1:{}", slapd.tls_port);
    assert_eq!(by(other, false, authority), Err(Kind::Unavailable));
    let none = Options {
        authorities: Some(PathBuf::from("no-such-file.pem")),
        ..options(&slapd)
    };
    assert!(Ldap::new(none).is_err());
}

/// Through the program itself: the people of one domain are in one tree, those of the other in another.
fn domains(slapd: Slapd) {
    let data = DataDir::new();
    let secret = data.join("ldap.secret");
    fs::write(&secret, format!("{}\n", READER.1)).unwrap();
    let config = data.join("wcapd.toml");
    let keys = |base: &str, reader: &str, preset: &str| {
        format!(
            "url = 'ldap://127.0.0.1:{}'\nbase = '{base}'\nbind_dn = '{reader}'\npreset = '{preset}'\n\
             bind_password_file = '{}'\n",
            slapd.plain_port,
            secret.display()
        )
    };
    let text = format!(
        "[server]\ndomain = 'plain.test'\n[ldap]\n{}[domain.\"sesta.test\".ldap]\n{}\
         [auth]\nargon2_memory_kib = 8\nargon2_passes = 1\n",
        keys("dc=plain,dc=test", READER.0, "inetorgperson"),
        keys("o=sun", "cn=reader,o=sun", "sun"),
    );
    fs::write(&config, text).unwrap();
    let server = Server::start(&data, &["--config", config.to_str().unwrap()]);
    let ask = |target: &str| http::get(server.http, target).unwrap().text().to_owned();
    let login = |name: &str, password: &str| {
        let answer = ask(&format!("/login.wcap?user={name}&password={password}"));
        let id = answer
            .lines()
            .find_map(|l| l.strip_prefix("X-NSCP-WCAP-SESSION-ID:"));
        id.map(|id| id.trim().to_owned())
    };
    let ann = login("ann", "ann").expect("of the server's own domain");
    let jane = login("jdoe@sesta.test", "jdoe").expect("of the hosted one");
    for (name, password) in [
        ("jdoe", "jdoe"),
        ("jdoe@plain.test", "jdoe"),
        ("ann@sesta.test", "ann"),
        ("gone@sesta.test", "gone"),
    ] {
        assert_eq!(login(name, password), None, "{name}");
    }
    // Each sees the people of their own tree, also those who have never been here.
    let cards =
        |id: &str, text: &str| ask(&format!("/fetchvcards.wcap?id={id}&search-string={text}"));
    assert!(
        cards(&ann, "Brown").contains("FN:Ben Brown"),
        "{}",
        cards(&ann, "Brown")
    );
    assert!(cards(&jane, "Doe").contains("FN:Jane Doe"));
    for (id, text) in [(&ann, "Doe"), (&jane, "Brown"), (&jane, "Adams")] {
        let answer = cards(id, text);
        assert!(!answer.contains("FN:"), "{answer}");
    }
    let calendar = ask(&format!(
        "/get_freebusy.wcap?id={jane}&calid=ann@plain.test"
    ));
    assert!(calendar.contains("X-NSCP-WCAP-ERRNO:28"), "{calendar}");
    // Groups of the own tree are invited by their members, unless they are to stay groups; others' are mere addresses.
    let invite = |id: &str, calid: &str, attendee: &str| {
        ask(&format!(
            "/storeevents.wcap?id={id}&calid={calid}&dtstart=20300203T100000Z&summary=x&method=2&fetch=1\
             &attendees=PARTSTAT=NEEDS-ACTION^{attendee}"
        ))
        .replace("\r\n ", "")
    };
    let expanded = invite(&ann, "ann", "staff");
    assert!(
        expanded.contains("ben@plain.test") && expanded.contains("cyd@plain.test"),
        "{expanded}"
    );
    let kept = invite(&ann, "ann", "X-S1CS-EXPAND=FALSE^staff");
    assert!(
        kept.contains("CUTYPE=GROUP") && !kept.contains("ben@plain.test"),
        "{kept}"
    );
    let foreign = invite(&jane, "jdoe", "staff@plain.test");
    assert!(
        !foreign.contains("ben@plain.test") && !foreign.contains("CUTYPE"),
        "{foreign}"
    );
}

/// Through the program itself: WCAP logins, `/readyz`, the log.
fn outage(mut slapd: Slapd) {
    let data = DataDir::new();
    let secret = data.join("ldap.secret");
    fs::write(&secret, format!("{}\n", READER.1)).unwrap();
    let config = data.join("wcapd.toml");
    let text = format!(
        "[server]\ndomain = 'example.test'\n[ldap]\nurl = 'ldap://127.0.0.1:{}'\n\
         base = 'dc=plain,dc=test'\nbind_dn = '{}'\nbind_password_file = '{}'\n\
         [auth]\npassword_cache = '0s'\nargon2_memory_kib = 8\nargon2_passes = 1\n",
        slapd.plain_port,
        READER.0,
        secret.display()
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let server = Server::start(&data, &["--config", config]);
    add_root(&data, config);
    let login = |name: &str, password: &str| {
        let target = format!("/login.wcap?user={name}&password={password}");
        let answer = http::get(server.http, &target).unwrap();
        let text = answer.text().to_owned();
        let line = text.lines().find(|l| l.starts_with("X-NSCP-WCAP-ERRNO:"));
        line.expect("an errno").trim_end().to_owned()
    };
    let ready = || http::get(server.http, "/readyz").unwrap();
    assert_eq!(login("ann", "ann"), "X-NSCP-WCAP-ERRNO:0");
    assert_eq!(login("ann", "wrong"), "X-NSCP-WCAP-ERRNO:1");
    assert_eq!(login("root", "secret"), "X-NSCP-WCAP-ERRNO:0");
    assert_eq!(ready().status(), 200);

    slapd.stop();
    assert_eq!(login("ann", "ann"), "X-NSCP-WCAP-ERRNO:11001");
    assert_eq!(login("ben", "wrong"), "X-NSCP-WCAP-ERRNO:11001");
    // The operator's own account works without the directory.
    assert_eq!(login("root", "secret"), "X-NSCP-WCAP-ERRNO:0");
    assert_eq!(login("root", "wrong"), "X-NSCP-WCAP-ERRNO:1");
    until("the server notices", || ready().status() == 503);
    assert_eq!(ready().text(), "directory: ldap: cannot be reached\n");
    assert!(
        server.log().contains("the directory is down"),
        "{}",
        server.log()
    );

    slapd.run();
    until("the server notices", || ready().status() == 200);
    assert_eq!(login("ann", "ann"), "X-NSCP-WCAP-ERRNO:0");
    assert_eq!(login("ann", "wrong"), "X-NSCP-WCAP-ERRNO:1");
    let log = server.log();
    assert!(log.contains("the directory is there again"), "{log}");
    assert!(!log.contains(READER.1), "{log}");
}

fn add_root(data: &DataDir, config: &str) {
    use std::io::Write as _;
    let arguments = [
        "user",
        "add",
        "root",
        "--password-stdin",
        "--config",
        config,
    ];
    let mut command = common::server::command(&arguments);
    command.args(["--data", data.text()]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"secret\n").unwrap();
    assert!(child.wait().unwrap().success());
}
