//! Directories of several domains, played by a list of people: who is asked about whom, and what becomes of the answers.

use std::sync::Arc;

use super::*;
use crate::core::accounts::NewUser;
use crate::core::cards::Whose;
use crate::core::domains::Domain;
use crate::core::testing::settings;
use crate::core::{Client, Settings};
use crate::ical::datetime::Timestamp;
use crate::model::clock::{CountedIds, ManualClock};
use crate::model::user::Role;
use crate::store::Store;

const HERE: Client = Client::UNKNOWN;

/// What a directory holds, and what it was asked; the password of each is the local name.
#[derive(Default)]
struct Held {
    people: Vec<Person>,
    groups: Vec<Gathering>,
    asked: Vec<String>,
    down: bool,
}

struct Played {
    domain: &'static str,
    held: Arc<Mutex<Held>>,
}

impl Played {
    fn ask(&self, about: &str) -> Result<std::sync::MutexGuard<'_, Held>> {
        let mut held = self.held.lock().unwrap();
        held.asked.push(about.to_owned());
        match held.down {
            true => Err(Error::new(Kind::Unavailable, "down")),
            false => Ok(held),
        }
    }
}

impl Directory for Played {
    fn source(&self) -> Source {
        Source::Ldap
    }

    fn domain(&self) -> &str {
        self.domain
    }

    fn person(&self, login: &str) -> Result<Option<Person>> {
        let held = self.ask(login)?;
        let name = QualifiedName::parse(login, self.domain).ok();
        let is = |one: &&Person| {
            Some(&one.name) == name.as_ref() || one.mail.iter().any(|mail| mail == login)
        };
        Ok(held.people.iter().find(is).cloned())
    }

    fn authenticate(&self, login: &str, password: &str) -> Result<Option<Person>> {
        let found = self.person(login)?;
        Ok(found.filter(|one| one.enabled && one.name.local == password))
    }

    fn group(&self, name: &str) -> Result<Option<Gathering>> {
        let held = self.ask(name)?;
        let name = QualifiedName::parse(name, self.domain).ok();
        let mut groups = held.groups.iter();
        Ok(groups.find(|one| Some(&one.name) == name.as_ref()).cloned())
    }

    fn search(&self, text: &str, most: usize) -> Result<Vec<Person>> {
        let held = self.ask(text)?;
        let found = held
            .people
            .iter()
            .filter(|one| one.full_name.contains(text));
        Ok(found.take(most).cloned().collect())
    }

    fn problem(&self) -> Option<String> {
        self.held.lock().unwrap().down.then(|| "gone".to_owned())
    }
}

fn person(upn: &str, mail: &str) -> Person {
    Person {
        name: QualifiedName::parse(upn, "none").unwrap(),
        mail: mail.split_whitespace().map(str::to_owned).collect(),
        full_name: format!("Full {upn}"),
        given_name: String::new(),
        surname: String::new(),
        enabled: true,
        preferences: Vec::new(),
        tzid: None,
    }
}

type Directories = [Arc<Mutex<Held>>; 2];

/// a.test and b.test, each with a directory.
fn two(change: impl FnOnce(&mut Settings)) -> (Core, Directories, Arc<ManualClock>) {
    let mut settings = settings();
    for name in ["a.test", "b.test"] {
        settings.domains.insert(name.to_owned(), Domain::default());
    }
    change(&mut settings);
    let held: Directories = Default::default();
    held[0].lock().unwrap().people = vec![
        person("ann@a.test", "ann@mail.test boss@b.test"),
        person("ada@a.test", ""),
    ];
    held[1].lock().unwrap().people = vec![person("ben@b.test", ""), person("boss@b.test", "")];
    let directories = ["a.test", "b.test"]
        .into_iter()
        .zip(&held)
        .map(|(domain, held)| {
            let held = Arc::clone(held);
            Box::new(Played { domain, held }) as Box<dyn Directory>
        });
    let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
    let core = Core::with_directories(
        Store::in_memory(clock.clone()).unwrap(),
        clock.clone(),
        Arc::new(CountedIds::default()),
        settings,
        directories.collect(),
    );
    (core, held, clock)
}

fn asked(held: &Mutex<Held>) -> Vec<String> {
    std::mem::take(&mut held.lock().unwrap().asked)
}

#[test]
fn each_domain_is_asked_about_its_own() {
    let (core, [a, b], _) = two(|_| {});
    assert!(core.authenticate("ann@a.test", "ann", HERE).is_ok());
    assert_eq!((asked(&a).len(), asked(&b).len()), (1, 0));
    // A wrong password of one domain is not tried in the other, nor is an address elsewhere from no domain's side.
    for login in ["ann@a.test", "no@a.test", "ann", "who@mail.test"] {
        assert!(core.authenticate(login, "wrong", HERE).is_err(), "{login}");
        assert_eq!(asked(&b), Vec::<String>::new(), "{login}");
    }
    asked(&a);
    let ann = core.authenticate("ann@mail.test", "ann", HERE).unwrap();
    let there = core.of_caller(&Caller::User(ann));
    there
        .know(["ada", "ben@b.test", "stranger@mail.test", "no"])
        .unwrap();
    assert!(asked(&a).iter().all(|name| name != "ben@b.test"));
    assert!(asked(&b).iter().all(|name| name == "ben@b.test"));
    assert_eq!(core.user("ada@a.test").unwrap().source, Source::Ldap);
}

#[test]
fn a_directory_gives_nobody_an_address_of_another_domain() {
    let (core, _, _) = two(|_| {});
    core.know(["ann@a.test"]).unwrap();
    assert_eq!(core.user("ann@a.test").unwrap().mail, ["ann@mail.test"]);
    assert!(core.authenticate("boss@b.test", "ann", HERE).is_err());
    let boss = core.authenticate("boss@b.test", "boss", HERE).unwrap();
    assert_eq!(boss.name.to_string(), "boss@b.test");
}

#[test]
fn cards_come_from_the_directories_one_may_look_into() {
    let open = |settings: &mut Settings| {
        let b = settings.domains.get_mut("b.test").unwrap();
        b.open_to = vec!["a.test".to_owned()];
    };
    for (core, held, seen) in [
        {
            let (core, held, _) = two(|_| {});
            (core, held, &["ada@a.test", "ann@a.test"][..])
        },
        {
            let (core, held, _) = two(open);
            (
                core,
                held,
                &["ada@a.test", "ann@a.test", "ben@b.test", "boss@b.test"][..],
            )
        },
    ] {
        let ann = Caller::User(core.authenticate("ann@a.test", "ann", HERE).unwrap());
        let there = core.of_caller(&ann);
        let cards = |text: &str, most| -> Vec<String> {
            let cards = there.cards(&ann, Whose::Holding(text), most).unwrap();
            cards.into_iter().map(|card| card.name).collect()
        };
        asked(&held[1]);
        assert_eq!(cards("Full", 99), seen);
        assert_eq!(cards("Full", 1).len(), 1);
        // Looking makes no account.
        assert_eq!(core.users().unwrap().len(), 1);
        // Whom the operator has shut is not shown because the directory does.
        core.user("ada@a.test").unwrap();
        core.set_enabled("ada@a.test", false).unwrap();
        assert!(!cards("Full", 99).contains(&"ada@a.test".to_owned()));
        // What is here is found while the directory is down.
        held[0].lock().unwrap().down = true;
        assert!(cards("Full", 99).contains(&"ann@a.test".to_owned()));
    }
}

#[test]
fn whoever_is_shut_outside_loses_their_sessions() {
    let (core, [a, _], clock) = two(|_| {});
    let new = NewUser {
        name: "tom".into(),
        ..NewUser::default()
    };
    core.add_user(&new, Some("tom")).unwrap();
    let tokens = [("ann@a.test", "ann"), ("ada@a.test", "ada"), ("tom", "tom")]
        .map(|(login, password)| core.login(login, password, HERE).unwrap().1);
    let alive = || {
        tokens
            .each_ref()
            .map(|token| core.session(token, HERE).is_ok())
    };
    assert_eq!(core.recheck_outside().unwrap(), 0);
    // Not asked again within the time.
    asked(&a);
    clock.advance(299);
    assert_eq!(core.recheck_outside().unwrap(), 0);
    assert_eq!(asked(&a), Vec::<String>::new());
    clock.advance(1);
    // While it is down, nothing is known of anybody: one question is enough to see that.
    a.lock().unwrap().down = true;
    a.lock().unwrap().people[0].enabled = false;
    a.lock().unwrap().people.remove(1);
    assert_eq!(core.recheck_outside().unwrap(), 0);
    assert_eq!(asked(&a).len(), 1);
    assert_eq!(alive(), [true; 3]);
    a.lock().unwrap().down = false;
    assert_eq!(core.recheck_outside().unwrap(), 2);
    assert_eq!(alive(), [false, false, true]);
    assert_eq!(core.recheck_outside().unwrap(), 0);
}

#[test]
fn sessions_that_doors_keep_end_with_the_account_too() {
    let (core, [a, _], clock) = two(|_| {});
    let ann = Caller::User(core.authenticate("ann@a.test", "ann", HERE).unwrap());
    assert_eq!(core.current(&ann).unwrap(), ann);
    // The directory shuts her: known at the next round.
    a.lock().unwrap().people[0].enabled = false;
    assert_eq!(core.recheck_outside().unwrap(), 1);
    assert_eq!(core.current(&ann).unwrap(), Caller::Anonymous);
    // It lets her in again: a login shows it.
    a.lock().unwrap().people[0].enabled = true;
    assert_eq!(core.current(&ann).unwrap(), Caller::Anonymous);
    assert!(core.authenticate("ann@a.test", "ann", HERE).is_ok());
    assert_eq!(core.current(&ann).unwrap(), ann);
    // Whoever does nothing is not asked about.
    clock.advance(300);
    assert_eq!(core.recheck_outside().unwrap(), 0);
    asked(&a);
    clock.advance(300);
    assert_eq!(core.recheck_outside().unwrap(), 0);
    assert_eq!(asked(&a), Vec::<String>::new());
    // What the operator does counts at once.
    core.grant_role("ann@a.test", Role::DomainAdministrator)
        .unwrap();
    let current = core.current(&ann).unwrap();
    assert!(current.identity().unwrap().domain_administrator);
    core.set_enabled("ann@a.test", false).unwrap();
    assert_eq!(core.current(&ann).unwrap(), Caller::Anonymous);
    // Whom she acts for is no matter then, and the other way round.
    let ben = Caller::User(core.authenticate("ben@b.test", "ben", HERE).unwrap());
    assert_eq!(core.current_for(&ann, &ben).unwrap(), Caller::Anonymous);
    assert_eq!(core.current_for(&ben, &ann).unwrap(), Caller::Anonymous);
    assert_eq!(core.current_for(&ben, &ben).unwrap(), ben);
    // Who came without an account has none that could be shut.
    assert_eq!(core.current_for(&Caller::Anonymous, &ben).unwrap(), ben);
}

/// A built-in account is looked for outside as a name that is nobody's is, unless its password is right.
#[test]
fn the_directory_is_asked_whoever_is_refused() {
    let (core, [a, _], _) = two(|_| {});
    let new = NewUser {
        name: "tom@a.test".into(),
        ..NewUser::default()
    };
    core.add_user(&new, Some("tom")).unwrap();
    asked(&a);
    for login in ["tom@a.test", "nobody@a.test"] {
        assert!(core.authenticate(login, "wrong", HERE).is_err());
        assert_eq!(asked(&a).len(), 1, "{login}");
    }
    assert!(core.authenticate("tom@a.test", "tom", HERE).is_ok());
    assert_eq!(asked(&a).len(), 0);
}

/// How many password hashes `what` computes.
fn hashes(what: impl FnOnce()) -> usize {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    metrics::with_local_recorder(&recorder, what);
    let page = page.render();
    let mut lines = page.lines();
    let count = lines.find_map(|line| {
        line.strip_prefix(crate::metric::PASSWORD_HASHES)?
            .strip_prefix(' ')
    });
    count.map_or(0, |count| count.parse().unwrap())
}

/// Whoever is refused has cost one hash, with directories and without, known to them or to nobody.
#[test]
fn a_refusal_costs_one_hash_wherever_the_name_is_looked_for() {
    let add_tom = |core: &Core| {
        let new = NewUser {
            name: "tom".into(),
            ..NewUser::default()
        };
        core.add_user(&new, Some("tom")).unwrap();
    };
    let long = "x".repeat(crate::core::password::PASSWORD_MAX + 1);
    let refusals = [
        ("nobody", "wrong"),
        ("nobody@a.test", "wrong"),
        ("nobody@elsewhere.test", "wrong"),
        ("nobody", ""),
        ("nobody@a.test", long.as_str()),
        ("no name at all", "wrong"),
        ("tom", "wrong"),
        ("tom", ""),
        ("ada@a.test", "wrong"),
        ("ada@a.test", ""),
        // Shut, with the right password.
        ("ann@a.test", "ann"),
        ("ann@mail.test", "ann"),
    ];
    let alone = crate::core::testing::core().0;
    let (beside, [a, b], _) = two(|_| {});
    a.lock().unwrap().people[0].enabled = false;
    for core in [&alone, &beside] {
        add_tom(core);
        for (login, password) in refusals {
            let computed = hashes(|| {
                let came = core.authenticate(login, password, HERE);
                assert_eq!(came.unwrap_err().kind(), Kind::NotAuthenticated, "{login}");
            });
            assert_eq!(computed, 1, "{login} {password:.9}");
        }
    }
    // While the directory is down there is another answer, which is no word about the name.
    b.lock().unwrap().down = true;
    for login in ["ben@b.test", "nobody@b.test"] {
        let computed = hashes(|| {
            let came = beside.authenticate(login, "wrong", HERE);
            assert_eq!(came.unwrap_err().kind(), Kind::Unavailable, "{login}");
        });
        assert_eq!(computed, 0, "{login}");
    }
}
