//! Two domains on one server: what a name means, what is seen across, and who administers what.

use super::*;
use crate::core::access::Right;
use crate::core::accounts::NewUser;
use crate::core::calendars::{CalendarEdit, Match, NewCalendar, Search};
use crate::core::cards::Whose;
use crate::core::prefs::Change;
use crate::core::testing::{core_with, settings};
use crate::core::{Client, Identity};
use crate::model::user::Role;

const HERE: Client = Client::UNKNOWN;

/// The server's own domain is localhost, with tom; a.test has ann and bob, b.test eve.
fn hosted(change: impl FnOnce(&mut Settings)) -> Core {
    let mut settings = settings();
    for name in ["a.test", "b.test"] {
        let domain = Domain {
            hosts: vec![format!("cal.{name}")],
            ..Domain::default()
        };
        settings.domains.insert(name.to_owned(), domain);
    }
    change(&mut settings);
    let core = core_with(settings).0;
    for name in ["tom", "ann@a.test", "bob@a.test", "eve@b.test"] {
        add(&core, name).unwrap();
    }
    core
}

fn add(core: &Core, name: &str) -> Result<()> {
    let new = NewUser {
        name: name.into(),
        full_name: format!("Full {name}"),
        ..NewUser::default()
    };
    core.add_user(&new, Some("pw")).map(drop)
}

/// The core as whoever is called so asks it, and the caller.
fn as_user(core: &Core, upn: &str) -> (Core, Caller) {
    let identity = core.authenticate(upn, "pw", HERE).unwrap();
    let caller = Caller::User(identity);
    (core.of_caller(&caller), caller)
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> Kind {
    result.unwrap_err().kind()
}

fn allow(core: &Core, calid: &str, acl: &str) {
    core.change_calendar(calid, |p| {
        p.acl = acl.split(';').map(str::to_owned).collect()
    })
    .unwrap();
}

#[test]
fn a_bare_name_is_of_the_hosts_domain() {
    let core = hosted(|_| {});
    let name = |core: &Core, login: &str| -> Result<String> {
        let identity = core.authenticate(login, "pw", HERE)?;
        Ok(identity.name.to_string())
    };
    for (host, login, upn) in [
        ("localhost:8080", "tom", "tom@localhost"),
        ("elsewhere.test", "tom", "tom@localhost"),
        ("CAL.a.test:8080", "ann", "ann@a.test"),
        ("cal.a.test.", "Ann", "ann@a.test"),
        ("cal.b.test", "ann@a.test", "ann@a.test"),
        ("[::1]:80", "tom", "tom@localhost"),
    ] {
        assert_eq!(
            name(&core.at_host(host), login).unwrap(),
            upn,
            "{host} {login}"
        );
    }
    for (host, login) in [("cal.b.test", "ann"), ("cal.a.test", "tom"), ("x", "ann")] {
        let refused = name(&core.at_host(host), login);
        assert_eq!(kind(refused), Kind::NotAuthenticated, "{host} {login}");
    }
}

#[test]
fn names_live_in_their_domain_and_answers_say_which() {
    let core = hosted(|_| {});
    add(&core, "tom@a.test").unwrap();
    let (there, ann) = as_user(&core, "ann@a.test");
    allow(&core, "tom@a.test", "ann^a^r^g");
    let view = |calid| {
        there
            .calendar_properties(&ann, calid)
            .map(|view| view.primary_owner)
    };
    // A bare name in a list or a request is one of the domain at hand.
    assert_eq!(view(Some("tom")).unwrap(), "tom@a.test");
    assert_eq!(kind(view(Some("tom@localhost"))), Kind::AccessDenied);
    let own = there.calendar_properties(&ann, None).unwrap();
    assert_eq!(own.calid, "ann@a.test");
    let made = there.create_calendar("ann:work", "ann", &NewCalendar::default());
    assert_eq!(made.unwrap().calid.domain, "a.test");
}

#[test]
fn what_is_not_hosted_is_refused_and_what_is_hosted_no_more_is_shut() {
    let core = hosted(|_| {});
    let refused = add(&core, "x@c.test").unwrap_err();
    assert_eq!(refused.kind(), Kind::BadName);
    assert!(
        refused.message().contains("[domain.\"c.test\"]"),
        "{refused}"
    );
    for (result, what) in [
        (core.add_group("g@c.test", &[], &[]).map(drop), "a group"),
        (
            core.create_calendar("r@c.test", "tom", &NewCalendar::default())
                .map(drop),
            "a calendar",
        ),
        (
            core.create_calendar("r@a.test", "tom", &NewCalendar::default())
                .map(drop),
            "another domain's owner",
        ),
    ] {
        assert_eq!(kind(result), Kind::BadName, "{what}");
    }
    let new = NewUser {
        name: "zed".into(),
        mail: vec!["zed@a.test".into()],
        ..NewUser::default()
    };
    assert_eq!(kind(core.add_user(&new, None)), Kind::BadValue);

    let (_, token) = core.login("ann@a.test", "pw", HERE).unwrap();
    allow(&core, "ann@a.test", "tom@localhost^a^r^g");
    let (_, tom) = as_user(&core, "tom");
    assert!(core.calendar_properties(&tom, Some("ann@a.test")).is_ok());
    // The same store under a configuration without the domain.
    let less = Core::new(
        core.store().clone(),
        core.inner.clock.clone(),
        core.inner.ids.clone(),
        settings(),
    );
    assert_eq!(kind(less.session(&token, HERE)), Kind::NotAuthenticated);
    assert_eq!(
        kind(less.authenticate("ann@a.test", "pw", HERE)),
        Kind::NotAuthenticated
    );
    let seen = less.calendar_properties(&tom, Some("ann@a.test"));
    assert_eq!(kind(seen), Kind::NoSuchCalendar);
    assert!(
        less.calendar_properties(&Caller::System, Some("ann@a.test"))
            .is_ok()
    );
    assert!(core.session(&token, HERE).is_ok());
}

#[test]
fn everybody_is_everybody_of_the_domain() {
    let open_to = |domains: &[&str]| {
        let open_to = domains.iter().map(|&d| d.to_owned()).collect();
        hosted(|settings| settings.domains.get_mut("a.test").unwrap().open_to = open_to)
    };
    let reads = |core: &Core, who: &str| {
        let (there, caller) = as_user(core, who);
        there
            .has_right(&caller, Some("ann@a.test"), Right::Read)
            .unwrap()
    };
    for (list, across) in [
        ("@^a^r^g", [false, true]),
        ("@@n^a^r^g", [false, true]),
        ("@b.test^a^r^g", [true, true]),
        ("eve@b.test^a^r^g", [true, true]),
        // A bare name is one of the calendar's domain.
        ("eve^a^r^g", [false, false]),
        ("@@d^a^r^g", [false, false]),
        ("@^a^r^d;@b.test^a^r^g", [false, false]),
    ] {
        for (core, expected) in [open_to(&[]), open_to(&["b.test"])].iter().zip(across) {
            allow(core, "ann@a.test", list);
            assert_eq!(reads(core, "eve@b.test"), expected, "{list}");
        }
    }
    let everywhere = open_to(&["*"]);
    allow(&everywhere, "ann@a.test", "@^a^r^g");
    assert!(
        reads(&everywhere, "eve@b.test")
            && reads(&everywhere, "tom")
            && reads(&everywhere, "bob@a.test")
    );
    // Nobody in particular: not in a hosted domain unless it says so.
    let reads = |core: &Core| {
        core.has_right(&Caller::Anonymous, Some("ann@a.test"), Right::Read)
            .unwrap()
    };
    assert!(!reads(&everywhere));
    let served = hosted(|settings| settings.domains.get_mut("a.test").unwrap().anonymous = true);
    allow(&served, "ann@a.test", "@^a^r^g");
    assert!(reads(&served));
}

#[test]
fn nobody_of_another_domain_is_seen() {
    let core = hosted(|_| {});
    core.add_group(
        "staff@a.test",
        &[],
        &["ann@a.test".into(), "bob@a.test".into()],
    )
    .unwrap();
    let (there, eve) = as_user(&core, "eve@b.test");
    let cards = |whose: Whose<'_>| there.cards(&eve, whose, 99).map(|cards| cards.len());
    assert_eq!(cards(Whose::Holding("full")).unwrap(), 1);
    for name in ["ann@a.test", "staff@a.test", "tom@localhost"] {
        assert_eq!(
            kind(cards(Whose::Named(&[name]))),
            Kind::NoSuchPrincipal,
            "{name}"
        );
        let expanded = |name: &str| kind(there.expand_principal(&eve, name, 9));
        // Whoever is there is not told from whoever is not.
        assert_eq!(expanded(name), Kind::AccessDenied, "{name}");
    }
    assert_eq!(
        kind(there.expand_principal(&eve, "no@a.test", 9)),
        Kind::AccessDenied
    );
    for calid in [
        "ann@a.test",
        "no@a.test",
        "ann@a.test:no",
        "mailto:no@a.test",
    ] {
        let seen = there.calendar_properties(&eve, Some(calid));
        assert_eq!(kind(seen), Kind::AccessDenied, "{calid}");
        if calid.contains("mailto") || !calid.contains(':') {
            let busy = there
                .busy_calids(&eve, calid)
                .and_then(|calids| there.free_busy_properties(&eve, Some(&calids[0])).map(drop));
            assert_eq!(kind(busy), Kind::AccessDenied, "{calid}");
        }
    }
    let search = |text| Search {
        text,
        how: Match::Contains,
        names: true,
        calids: true,
        owners: true,
        most: 99,
    };
    let found = |text| there.search_calendars(&eve, &search(text)).unwrap().len();
    assert_eq!(
        (found("full"), found("ann@a.test"), found("a.test")),
        (1, 0, 0)
    );
    let edit = CalendarEdit {
        owners: Some(vec!["ann@a.test".into()]),
        ..CalendarEdit::default()
    };
    assert_eq!(
        kind(there.edit_calendar(&eve, "eve", &edit)),
        Kind::NoSuchPrincipal
    );
    // What a list grants by name is found.
    allow(&core, "ann@a.test", "@b.test^p^r^g");
    assert_eq!(found("ann@a.test"), 1);
    let expanded = there.expand_principal(&eve, "ann@a.test", 9).unwrap();
    assert_eq!(expanded.calids, ["ann@a.test"]);
}

#[test]
fn an_administrator_of_a_domain_is_none_elsewhere() {
    let core = hosted(|settings| {
        settings.proxyauth = true;
        settings.userprefs = true;
        settings.override_acl = true;
    });
    core.grant_role("bob@a.test", Role::DomainAdministrator)
        .unwrap();
    let (there, bob) = as_user(&core, "bob@a.test");
    assert!(there.has_right(&bob, Some("ann"), Right::Drop).unwrap());
    assert!(
        !there
            .has_right(&bob, Some("eve@b.test"), Right::FreeBusy)
            .unwrap()
    );
    let change = [Change::Set("x".into(), "1".into())];
    assert!(there.change_preferences(&bob, Some("ann"), &change).is_ok());
    for other in ["eve@b.test", "no@b.test", "tom@localhost"] {
        let theirs = there.preferences(&bob, Some(other));
        assert_eq!(kind(theirs), Kind::NotAdministrator, "{other}");
        let lists = there.owned_calids(&bob, Some(other));
        assert_eq!(kind(lists), Kind::NotAdministrator, "{other}");
    }
    assert_eq!(
        kind(there.preferences(&bob, Some("no"))),
        Kind::NoSuchPrincipal
    );
    let acts_as = |core: &Core, other: &str| core.login_as("bob@a.test", "pw", other, HERE);
    for other in ["ann@a.test", "ann"] {
        let name = |identity: &Identity| identity.name.to_string();
        let (caller, _) = acts_as(&core, other).unwrap();
        assert_eq!(caller.identity().map(name).unwrap(), "ann@a.test");
    }
    for other in ["eve@b.test", "tom", "tom@localhost", "no@a.test"] {
        assert_eq!(
            kind(acts_as(&core, other)),
            Kind::NotAuthenticated,
            "{other}"
        );
    }
    // Nobody rises to the server's administrator by way of their domain's.
    core.grant_role("ann@a.test", Role::Administrator).unwrap();
    assert_eq!(kind(acts_as(&core, "ann@a.test")), Kind::NotAuthenticated);
    let (all, ann) = as_user(&core, "ann@a.test");
    assert!(
        all.has_right(&ann, Some("eve@b.test"), Right::Drop)
            .unwrap()
    );
    assert!(all.preferences(&ann, Some("eve@b.test")).is_ok());
    // A role that is taken back ends what it had begun.
    core.revoke_role("bob@a.test", Some(Role::DomainAdministrator))
        .unwrap();
    assert_eq!(kind(acts_as(&core, "tom@a.test")), Kind::NotAuthenticated);
    let (there, bob) = as_user(&core, "bob@a.test");
    assert!(!there.has_right(&bob, Some("ann"), Right::Read).unwrap());
}
