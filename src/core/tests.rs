//! Accounts, sessions and rights, on a store in memory with a clock that stands still.

use std::sync::Arc;

use super::access::Right;
use super::accounts::NewUser;
use super::calendars::NewCalendar;
use super::testing::settings;
use super::*;
use crate::ical::datetime::TimeRange;
use crate::model::clock::ManualClock;

fn core_with(settings: Settings) -> (Core, Arc<ManualClock>) {
    let (core, clock) = testing::core_with(settings);
    for name in ["tom", "jerry"] {
        let new = NewUser {
            name: name.into(),
            ..NewUser::default()
        };
        core.add_user(&new, Some(name)).unwrap();
    }
    (core, clock)
}

fn login(core: &Core, name: &str) -> (Caller, String) {
    core.login(name, &name.to_ascii_lowercase(), Client::UNKNOWN)
        .unwrap()
}

#[test]
fn a_user_has_a_default_calendar_that_others_see_as_busy_times() {
    let (core, _) = core_with(settings());
    let (tom, _) = login(&core, "Tom");
    let (jerry, _) = login(&core, "jerry");
    let seen = core.calendar_properties(&tom, None).unwrap();
    assert_eq!(
        (seen.calid.as_str(), seen.primary_owner.as_str()),
        ("tom", "Tom")
    );
    for (right, theirs) in [
        (Right::Read, false),
        (Right::FreeBusy, true),
        (Right::Schedule, true),
        (Right::ReadProperties, true),
        (Right::Add, false),
        (Right::Own, false),
    ] {
        assert_eq!(
            core.has_right(&jerry, Some("tom"), right).unwrap(),
            theirs,
            "{right:?}"
        );
        assert!(
            core.has_right(&tom, Some("tom"), right).unwrap(),
            "{right:?}"
        );
    }
    // Scheduling is granted to everybody by the list, and yet not to nobody.
    assert!(
        !core
            .has_right(&Caller::Anonymous, Some("tom"), Right::Schedule)
            .unwrap()
    );
    assert!(
        core.has_right(&Caller::Anonymous, Some("tom"), Right::FreeBusy)
            .unwrap()
    );
}

#[test]
fn calendars_answer_to_many_names() {
    let (core, _) = core_with(settings());
    let new = NewCalendar {
        resource: true,
        mail: Some("r@x.org".into()),
        ..NewCalendar::default()
    };
    core.create_calendar("room-1", "tom", &new).unwrap();
    for (asked, shown) in [
        ("tom", "tom"),
        ("TOM", "TOM"),
        ("tom@localhost", "tom@localhost"),
        ("mailto:Tom@localhost", "tom"),
        ("MAILTO:tom@LOCALHOST", "tom"),
        ("cap://localhost/tom", "tom"),
        ("CAP://LOCALHOST:5229/tom", "tom"),
        ("r@x.org", "room-1"),
    ] {
        let seen = core
            .calendar_properties(&Caller::System, Some(asked))
            .unwrap();
        assert_eq!(seen.calid, shown, "{asked}");
    }
    for missing in [
        "nobody",
        "mailto:x@y",
        "tom:work",
        "cap://localhost",
        "cap://elsewhere.example/tom",
        "\u{e9}",
        "",
    ] {
        let refused = core.calendar_properties(&Caller::System, Some(missing));
        assert!(refused.is_err(), "{missing}");
    }
}

#[test]
fn names_are_one_namespace() {
    let (core, _) = core_with(settings());
    let none = NewCalendar::default();
    core.create_calendar("room-1", "tom", &none).unwrap();
    core.create_calendar("tom:work", "tom", &none).unwrap();
    core.add_group(
        "team",
        &["team@localhost".into()],
        &["tom".into(), "jerry".into()],
    )
    .unwrap();
    let user = |name: &str| {
        core.add_user(
            &NewUser {
                name: name.into(),
                ..NewUser::default()
            },
            None,
        )
    };
    for taken in ["room-1", "team", "Tom"] {
        assert_eq!(user(taken).unwrap_err().kind(), Kind::NameTaken, "{taken}");
        let refused = core.create_calendar(taken, "tom", &none).unwrap_err();
        assert_eq!(refused.kind(), Kind::NameTaken, "{taken}");
    }
    assert_eq!(
        core.create_calendar("jerry:x", "tom", &none)
            .unwrap_err()
            .kind(),
        Kind::BadName
    );
    assert_eq!(user("anonymous").unwrap_err().kind(), Kind::BadName);
    core.remove_user("tom").unwrap();
    assert_eq!(core.group("team").unwrap().members.len(), 1);
    for gone in ["tom", "tom:work", "room-1"] {
        let refused = core
            .calendar_properties(&Caller::System, Some(gone))
            .unwrap_err();
        assert_eq!(refused.kind(), Kind::NoSuchCalendar, "{gone}");
    }
    user("room-1").unwrap();
    user("tom").unwrap();
}

#[test]
fn a_group_is_never_in_itself() {
    let (core, _) = core_with(settings());
    core.add_group("a", &[], &["tom".into()]).unwrap();
    core.add_group("b", &[], &["a".into()]).unwrap();
    assert_eq!(
        core.add_member("a", "b").unwrap_err().kind(),
        Kind::BadValue
    );
    assert_eq!(
        core.add_member("a", "a").unwrap_err().kind(),
        Kind::BadValue
    );
    core.add_member("b", "jerry").unwrap();
    core.remove_member("b", "a").unwrap();
    core.add_member("a", "b").unwrap();
    assert_eq!(
        core.names(&core.group("a").unwrap().members).unwrap().len(),
        2
    );
}

#[test]
fn a_session_lives_while_it_is_used_and_no_longer_than_its_day() {
    let (core, clock) = core_with(settings());
    let (_, token) = login(&core, "tom");
    for _ in 0..24 {
        clock.advance(1_790);
        assert!(core.session(&token, Client::UNKNOWN).is_ok());
    }
    clock.advance(1_000);
    assert_eq!(
        core.session(&token, Client::UNKNOWN).unwrap_err().kind(),
        Kind::NotAuthenticated
    );
    let (_, token) = login(&core, "tom");
    clock.advance(1_800);
    assert_eq!(
        core.session(&token, Client::UNKNOWN).unwrap_err().kind(),
        Kind::NotAuthenticated
    );
    assert_eq!(core.sweep_sessions().unwrap(), 2);
    assert!(core.sessions().unwrap().is_empty());
}

#[test]
fn logging_out_ends_one_session_and_a_new_password_all() {
    let (core, _) = core_with(settings());
    let (_, first) = login(&core, "tom");
    let (_, second) = core.login("tom@localhost", "tom", Client::UNKNOWN).unwrap();
    core.logout(&first).unwrap();
    assert!(core.logout(&first).is_err());
    assert!(core.session(&second, Client::UNKNOWN).is_ok());
    core.set_password("tom", "new").unwrap();
    assert!(core.session(&second, Client::UNKNOWN).is_err());
    assert!(core.login("tom", "tom", Client::UNKNOWN).is_err());
    let (_, third) = core.login("tom", "new", Client::UNKNOWN).unwrap();
    core.set_enabled("tom", false).unwrap();
    assert!(core.session(&third, Client::UNKNOWN).is_err());
    assert_eq!(
        core.login("tom", "new", Client::UNKNOWN)
            .unwrap_err()
            .kind(),
        Kind::NotAuthenticated
    );
}

#[test]
fn a_login_too_many_ends_the_session_unused_for_longest() {
    let mut few = settings();
    few.limits.sessions_per_user = 2;
    let (core, clock) = core_with(few);
    let mut tokens = Vec::new();
    for _ in 0..3 {
        clock.advance(1);
        tokens.push(login(&core, "tom").1);
    }
    let alive: Vec<_> = tokens
        .iter()
        .map(|token| core.session(token, Client::UNKNOWN).is_ok())
        .collect();
    assert_eq!(alive, [false, true, true]);
}

#[test]
fn anonymous_is_a_choice() {
    let (core, _) = core_with(settings());
    let (caller, token) = core
        .login("Anonymous", "whatever", Client::UNKNOWN)
        .unwrap();
    assert_eq!(caller, Caller::Anonymous);
    assert_eq!(
        core.session(&token, Client::UNKNOWN).unwrap(),
        Caller::Anonymous
    );
    let (core, _) = core_with(Settings {
        anonymous: false,
        ..settings()
    });
    let refused = core.login("anonymous", "", Client::UNKNOWN).unwrap_err();
    assert_eq!(refused.kind(), Kind::AnonymousNotAllowed);
    assert!(
        !core
            .has_right(&Caller::Anonymous, Some("tom"), Right::FreeBusy)
            .unwrap()
    );
}

#[test]
fn administrators_override_lists_only_where_configured() {
    let asked = |override_acl| {
        let (core, _) = core_with(Settings {
            override_acl,
            ..settings()
        });
        core.grant_role("jerry", crate::model::user::Role::Administrator)
            .unwrap();
        let (jerry, _) = login(&core, "jerry");
        core.has_right(&jerry, Some("tom"), Right::Read).unwrap()
    };
    assert!(!asked(false));
    assert!(asked(true));
}

const MEETINGS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n\
    BEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20070501T000000Z\r\nDTSTART:20070521T130000Z\r\nDTEND:20070521T140000Z\r\n\
    SUMMARY:one\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:b\r\nDTSTAMP:20070501T000000Z\r\nDTSTART;TZID=Europe/Berlin:20070521T100000\r\nDURATION:PT1H\r\n\
    RRULE:FREQ=WEEKLY\r\nCLASS:PRIVATE\r\nSUMMARY:two\r\nEND:VEVENT\r\n\
    BEGIN:VFREEBUSY\r\nUID:f\r\nDTSTAMP:20070501T000000Z\r\nEND:VFREEBUSY\r\n\
    BEGIN:VTODO\r\nUID:t\r\nDTSTAMP:20070501T000000Z\r\nSUMMARY:some day\r\nEND:VTODO\r\nEND:VCALENDAR\r\n";

fn import(core: &Core, caller: &Caller) -> Result<transfer::Imported> {
    core.import(
        caller,
        "tom",
        core.read_upload(MEETINGS.as_bytes()),
        None,
        |_| (),
    )
}

fn exported(core: &Core, caller: &Caller, window: Option<TimeRange>) -> Result<Vec<String>> {
    let mut uids = Vec::new();
    core.export(caller, Some("tom"), window, |object| uids.push(object.uid))?;
    Ok(uids)
}

#[test]
fn an_import_names_what_it_refuses_and_stores_the_rest() {
    let (core, _) = core_with(settings());
    let (tom, _) = login(&core, "tom");
    let imported = import(&core, &tom).unwrap();
    assert_eq!((imported.stored, imported.refused), (3, 1));
    assert!(
        imported.faults[0].starts_with("line 20: "),
        "{:?}",
        imported.faults
    );
    assert_eq!(exported(&core, &tom, None).unwrap(), ["a", "b", "t"]);
    let later = TimeRange::new(Timestamp(1_800_000_000), Timestamp(1_801_000_000));
    assert_eq!(exported(&core, &tom, later).unwrap(), ["b", "t"]);
    let (jerry, _) = login(&core, "jerry");
    assert_eq!(
        import(&core, &jerry).unwrap_err().kind(),
        Kind::AccessDenied
    );
    assert_eq!(
        exported(&core, &jerry, None).unwrap_err().kind(),
        Kind::AccessDenied
    );
}

#[test]
fn importing_the_same_again_changes_nothing() {
    let (core, clock) = core_with(settings());
    let (tom, _) = login(&core, "tom");
    import(&core, &tom).unwrap();
    let state = |core: &Core| {
        let calendar = core
            .calendar_properties(&Caller::System, Some("tom"))
            .unwrap()
            .calendar;
        core.store()
            .read(|t| crate::store::calendars::state(t, calendar.id))
            .unwrap()
    };
    let before = state(&core);
    assert_eq!(before.change, 3);
    clock.advance(60);
    assert_eq!(import(&core, &tom).unwrap().stored, 3);
    assert_eq!(state(&core), before);
}

#[test]
fn readers_see_times_but_no_texts_of_private_items() {
    let (core, _) = core_with(settings());
    let (tom, _) = login(&core, "tom");
    import(&core, &tom).unwrap();
    core.change_calendar("tom", |p| p.acl = vec!["@^a^r^g".into()])
        .unwrap();
    let mut summaries = Vec::new();
    let mut rules = 0;
    core.export(&Caller::Anonymous, Some("tom"), None, |object| {
        for component in &object.components {
            summaries.extend(component.value("SUMMARY").map(str::to_owned));
            rules += component.properties_named("RRULE").count();
        }
    })
    .unwrap();
    assert_eq!(
        (summaries, rules),
        (vec!["one".to_owned(), "some day".to_owned()], 1)
    );
}

#[test]
fn indexes_are_what_the_texts_say() {
    let (core, _) = core_with(settings());
    let (tom, _) = login(&core, "tom");
    import(&core, &tom).unwrap();
    let id = core.calendar_properties(&tom, None).unwrap().calendar.id;
    let zone = crate::ical::zone::Zone::named("Europe/Berlin").unwrap();
    let wrong = |core: &Core| {
        core.store()
            .read(|t| crate::store::items::verify(t, id, &zone))
            .unwrap()
    };
    assert_eq!(wrong(&core), Vec::<String>::new());
    core.store()
        .write(|t| {
            let spans = crate::store::Spans::of(
                crate::store::Space::ByBusy,
                crate::store::Key::new().u64(id.0),
            );
            spans.clear(t).map(drop)
        })
        .unwrap();
    assert_eq!(wrong(&core).len(), 2);
    core.store()
        .write(|t| crate::store::items::reindex(t, id, &zone))
        .unwrap();
    assert_eq!(wrong(&core), Vec::<String>::new());
}

#[test]
fn a_check_finds_and_mends_a_broken_index() {
    let (core, _) = core_with(settings());
    let (tom, _) = login(&core, "tom");
    import(&core, &tom).unwrap();
    let sound = core.check(true).unwrap();
    assert!(
        sound.records > 10 && sound.problems.is_empty() && !sound.repaired,
        "{sound:?}"
    );
    let space = crate::store::Space::ByTime;
    core.store()
        .write(|t| t.delete_range(space, &crate::store::KeyRange::all()))
        .unwrap();
    assert_eq!(core.check(false).unwrap().problems.len(), 3);
    assert!(core.check(true).unwrap().repaired);
    assert_eq!(core.check(false).unwrap().problems, Vec::<String>::new());
    let row = crate::store::Key::new().u64(1);
    core.store()
        .write(|t| t.put(crate::store::Space::Principals, &row, b"\x07rubbish"))
        .unwrap();
    let damaged = core.check(true).unwrap();
    assert!(damaged.problems[0].contains("principals"), "{damaged:?}");
}

#[test]
fn an_answer_holds_until_what_it_rests_on_changes() {
    let (core, clock) = core_with(settings());
    let (tom, _) = login(&core, "tom");
    let ask = |calid: &str| {
        let (seen, basis) = core.with_basis(|| core.calendar_properties(&tom, Some(calid)));
        seen.unwrap();
        basis
    };
    let (toms, jerrys) = (ask("tom"), ask("jerry"));
    clock.advance(86_400);
    login(&core, "jerry");
    assert!(core.holds(&toms) && core.holds(&jerrys));
    let renamed = core.change_calendar("tom", |properties| properties.name = "new".into());
    renamed.unwrap();
    assert!(!core.holds(&toms) && core.holds(&jerrys));
    let (_, timed) = core.with_basis(|| core.now());
    assert!(!core.holds(&timed));
    let (inner, outer) = core.with_basis(|| core.with_basis(|| core.now()).1);
    assert!(!core.holds(&inner) && !core.holds(&outer));
}

#[test]
fn deletions_are_forgotten_after_their_time_and_changes_are_not() {
    let (core, clock) = core_with(settings());
    let (tom, _) = login(&core, "tom");
    import(&core, &tom).unwrap();
    let id = core.calendar_properties(&tom, None).unwrap().calendar.id;
    let zone = crate::ical::zone::Zone::utc();
    let entries = |core: &Core| {
        let mut operations = Vec::new();
        let all = |t: &crate::store::ReadTxn| {
            crate::store::journal::between(t, id, Timestamp::MIN, Timestamp::MAX, |entry| {
                operations.push(entry.change.operation);
                Ok(std::ops::ControlFlow::Continue(()))
            })
        };
        core.store().read(all).unwrap();
        operations
    };
    core.store()
        .write(|t| crate::store::items::remove(t, id, &zone, "a", "stub".into(), None))
        .unwrap();
    use crate::model::item::Operation::{Create, Delete};
    assert_eq!(entries(&core), [Create, Create, Delete]);
    clock.advance(30 * 86_400);
    assert_eq!(core.forget_deletions().unwrap(), 0);
    clock.advance(1);
    assert_eq!(core.forget_deletions().unwrap(), 1);
    assert_eq!(core.forget_deletions().unwrap(), 0);
    assert_eq!(entries(&core), [Create, Create]);
}

#[test]
fn a_session_in_use_ends_at_once() {
    let (core, clock) = core_with(settings());
    let ends: [fn(&Core, &str, &ManualClock); 3] = [
        |core, token, _| core.logout(token).unwrap(),
        |_, _, clock| clock.advance(1_801),
        |core, _, _| core.set_enabled("tom", false).unwrap(),
    ];
    for end in ends {
        let (tom, token) = login(&core, "tom");
        for _ in 0..2 {
            assert_eq!(core.session(&token, Client::UNKNOWN).unwrap(), tom);
        }
        end(&core, &token, &clock);
        assert_eq!(
            core.session(&token, Client::UNKNOWN).unwrap_err().kind(),
            Kind::NotAuthenticated
        );
    }
}
