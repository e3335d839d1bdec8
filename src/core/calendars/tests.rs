//! Calendars made, changed, found and switched off by people with and without the right to.

use super::*;
use crate::core::accounts::NewUser;
use crate::core::prefs::Change;
use crate::core::testing::{self, settings};
use crate::core::{Client, Kind, Settings};
use crate::store::prefs;

fn core_with(settings: Settings) -> Core {
    let (core, _) = testing::core_with(settings);
    for name in ["tom", "jerry"] {
        let new = NewUser {
            name: name.into(),
            ..NewUser::default()
        };
        core.add_user(&new, Some(name)).unwrap();
    }
    core
}

fn login(core: &Core, name: &str) -> Caller {
    core.login(name, name, Client::UNKNOWN).unwrap().0
}

fn acl(entries: &str) -> CalendarEdit {
    CalendarEdit {
        acl: Some(entries.split(';').map(str::to_owned).collect()),
        ..CalendarEdit::default()
    }
}

#[test]
fn lists_from_before_do_not_let_everybody_write_where_that_is_off() {
    let list = "@^a^rwd^g;jerry^p^w^g";
    let rights = |public_writable| {
        let core = core_with(Settings {
            public_writable,
            default_acl: crate::model::acl::Acl::parse(list, "localhost").unwrap(),
            ..settings()
        });
        let jerry = login(&core, "jerry");
        let has = |right| core.has_right(&jerry, Some("tom"), right).unwrap();
        [
            Right::Read,
            Right::Add,
            Right::Delete,
            Right::WriteProperties,
        ]
        .map(has)
    };
    assert_eq!(rights(true), [true; 4]);
    assert_eq!(rights(false), [true, false, false, true]);
}

#[test]
fn a_domain_is_the_owners_or_called_by_name() {
    let core = core_with(settings());
    core.create_calendar("room", "tom", &NewCalendar::default())
        .unwrap();
    let (tom, jerry) = (login(&core, "tom"), login(&core, "jerry"));
    let reads = || core.has_right(&jerry, Some("room"), Right::Read).unwrap();
    core.edit_calendar(&tom, "room", &acl(" @@D^a^r^g"))
        .unwrap();
    assert!(reads());
    core.edit_calendar(&tom, "room", &acl("@example.org^a^r^g"))
        .unwrap();
    assert!(!reads());
}

#[test]
fn owners_are_users() {
    let core = core_with(settings());
    core.add_group("team", &[], &["jerry".into()]).unwrap();
    let tom = login(&core, "tom");
    let owners = |names: &[&str]| CalendarEdit {
        owners: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..CalendarEdit::default()
    };
    let refused = core
        .edit_calendar(&tom, "tom", &owners(&["team"]))
        .unwrap_err();
    assert_eq!(refused.kind(), Kind::NoSuchPrincipal);
    // Nor are groups in access lists: the entry is about a user of that name, who may come one day.
    core.edit_calendar(&tom, "tom", &acl("team^a^r^g")).unwrap();
    let jerry = login(&core, "jerry");
    assert!(!core.has_right(&jerry, Some("tom"), Right::Read).unwrap());
}

#[test]
fn what_is_no_resource_has_no_address() {
    let core = core_with(settings());
    let room = NewCalendar {
        resource: true,
        mail: Some("room@x.org".into()),
        ..NewCalendar::default()
    };
    core.create_calendar("room", "tom", &room).unwrap();
    let named = |text| {
        core.calendar_properties(&Caller::System, Some(text))
            .is_ok()
    };
    assert!(named("room@x.org"));
    let edit = CalendarEdit {
        resource: Some(false),
        ..CalendarEdit::default()
    };
    core.edit_calendar(&login(&core, "tom"), "room", &edit)
        .unwrap();
    assert!(named("room") && !named("room@x.org"));
    // The address is free again.
    core.create_calendar("hall", "tom", &room).unwrap();
    core.remove_calendar("hall").unwrap();
    core.create_calendar("hall", "tom", &room).unwrap();
}

#[test]
fn a_calendar_that_is_switched_off_is_there_for_the_operator() {
    let core = core_with(settings());
    core.set_calendar_enabled("tom", false).unwrap();
    for caller in [
        login(&core, "tom"),
        login(&core, "jerry"),
        Caller::Anonymous,
    ] {
        let refused = core.free_busy_properties(&caller, Some("tom")).unwrap_err();
        assert_eq!(refused.kind(), Kind::CalendarDisabled);
    }
    let seen = core
        .calendar_properties(&Caller::System, Some("tom"))
        .unwrap();
    assert!(!seen.calendar.enabled && seen.default);
    assert!(core.check(false).unwrap().problems.is_empty());
    core.set_calendar_enabled("tom", true).unwrap();
    assert!(core.calendar_properties(&login(&core, "tom"), None).is_ok());
}

#[test]
fn preferences_go_with_the_user() {
    let core = core_with(settings());
    let tom = login(&core, "tom");
    let set = Change::Set("ceClock".into(), "12".into());
    core.change_preferences(&tom, None, &[set]).unwrap();
    let id = tom.principal().unwrap();
    let kept = || core.store().read(|t| prefs::get(t, id)).unwrap().values;
    assert_eq!(kept().len(), 1);
    core.remove_user("tom").unwrap();
    assert_eq!(kept(), []);
}

#[test]
fn a_new_password_ends_what_the_old_one_began() {
    let core = core_with(settings());
    let (tom, kept) = core.login("tom", "tom", Client::UNKNOWN).unwrap();
    let (_, other) = core.login("tom", "tom", Client::UNKNOWN).unwrap();
    let change = |old: &str| core.change_password(&tom, old, "new", Some(&kept), Client::UNKNOWN);
    assert_eq!(change("wrong").unwrap_err().kind(), Kind::NotAuthenticated);
    assert!(core.session(&other, Client::UNKNOWN).is_ok());
    change("tom").unwrap();
    assert!(core.session(&kept, Client::UNKNOWN).is_ok());
    assert!(core.session(&other, Client::UNKNOWN).is_err());
    // Also where it was right a moment ago.
    assert!(core.login("tom", "tom", Client::UNKNOWN).is_err());
    assert!(core.login("tom", "new", Client::UNKNOWN).is_ok());
}
