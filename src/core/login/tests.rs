//! Logging in: what is the same for everybody who fails, what is hashed and how often.

use std::sync::Arc;

use crate::core::accounts::NewUser;
use crate::core::password::{Cost, PASSWORD_MAX};
use crate::core::testing::{core, core_with, settings};
use crate::core::{Client, Core, Error, Kind, Settings};
use crate::model::clock::ManualClock;
use crate::model::user::Verifier;

const HERE: Client = Client::UNKNOWN;

fn with_tom(settings: Settings) -> (Core, Arc<ManualClock>) {
    let (core, clock) = core_with(settings);
    add(&core, "tom");
    (core, clock)
}

fn add(core: &Core, name: &str) {
    let new = NewUser {
        name: name.into(),
        ..NewUser::default()
    };
    core.add_user(&new, Some(name)).unwrap();
}

/// What logging in comes to, as far as a client can tell.
fn outcome(result: crate::core::Result<crate::core::Identity>) -> Result<String, (Kind, String)> {
    match result {
        Ok(identity) => Ok(identity.typed),
        Err(error) => Err((error.kind(), error.message().to_owned())),
    }
}

fn wait(error: &Error) -> i64 {
    assert_eq!(error.kind(), Kind::TooManyAttempts);
    error.wait().unwrap()
}

#[test]
fn whoever_fails_gets_one_answer() {
    let (core, _) = with_tom(settings());
    add(&core, "shut");
    core.set_enabled("shut", false).unwrap();
    let new = NewUser {
        name: "mute".into(),
        ..NewUser::default()
    };
    core.add_user(&new, None).unwrap();
    let long = "x".repeat(PASSWORD_MAX + 1);
    let expected = outcome(core.authenticate("nobody", "tom", HERE));
    assert!(matches!(expected, Err((Kind::NotAuthenticated, _))));
    for (login, password) in [
        ("tom", "wrong"),
        ("tom", ""),
        ("tom", long.as_str()),
        ("tom@localhost", "wrong"),
        ("shut", "shut"),
        ("mute", ""),
        ("", ""),
        ("a b", "x"),
        ("tom\0", "tom"),
        (long.as_str(), "tom"),
    ] {
        let found = outcome(core.authenticate(login, password, HERE));
        assert_eq!(found, expected, "{login:.20}");
    }
}

#[test]
fn guesses_are_slowed_down_and_forgiven() {
    let (core, clock) = with_tom(settings());
    for _ in 0..6 {
        let refused = core.authenticate("tom", "wrong", HERE).unwrap_err();
        assert_eq!(refused.kind(), Kind::NotAuthenticated);
    }
    // The right password is not looked at either, and other ways to write the name do not help.
    for login in ["tom", "TOM@localhost"] {
        assert_eq!(wait(&core.authenticate(login, "tom", HERE).unwrap_err()), 1);
    }
    // An account that is not there is slowed down alike.
    for _ in 0..6 {
        let _ = core.authenticate("nobody", "wrong", HERE).unwrap_err();
    }
    let nobody = core.authenticate("nobody", "wrong", HERE);
    assert_eq!(wait(&nobody.unwrap_err()), 1);
    clock.advance(1);
    assert!(core.authenticate("tom", "tom", HERE).is_ok());
    assert!(core.authenticate("tom", "tom", HERE).is_ok());
    assert!(core.authenticate("tom", "wrong", HERE).is_err());
    assert!(core.authenticate("tom", "tom", HERE).is_ok());
}

#[test]
fn guesses_sent_at_once_count_one_by_one() {
    let (core, _) = with_tom(settings());
    let looked_at = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let error = core.authenticate("tom", "wrong", HERE).unwrap_err();
                    if error.kind() == Kind::NotAuthenticated {
                        looked_at.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(looked_at.into_inner(), 6);
}

#[test]
fn a_changed_password_is_not_remembered() {
    let (core, _) = with_tom(settings());
    assert!(core.authenticate("tom", "tom", HERE).is_ok());
    core.set_password("tom", "new").unwrap();
    assert!(core.authenticate("tom", "tom", HERE).is_err());
    assert!(core.authenticate("tom", "new", HERE).is_ok());
    core.set_enabled("tom", false).unwrap();
    assert!(core.authenticate("tom", "new", HERE).is_err());
    core.set_enabled("tom", true).unwrap();
    assert!(core.authenticate("tom", "new", HERE).is_ok());
    core.remove_user("tom").unwrap();
    assert!(core.authenticate("tom", "new", HERE).is_err());
}

#[test]
fn weak_verifiers_are_made_anew_at_login() {
    let (core, _) = with_tom(settings());
    let weak = core.user("tom").unwrap().verifiers;
    let (caller, token) = core.login("tom", "tom", HERE).unwrap();
    assert_eq!(core.user("tom").unwrap().verifiers, weak, "they were good");
    let dearer = Settings {
        password_cost: Cost {
            memory_kib: 16,
            scram_iterations: 5_000,
            ..Cost::CHEAPEST
        },
        ..settings()
    };
    let dear = Core::new(
        core.store().clone(),
        Arc::new(ManualClock::new(core.now())),
        Arc::new(crate::model::clock::SystemIds),
        dearer,
    );
    assert!(dear.authenticate("tom", "wrong", HERE).is_err());
    assert_eq!(dear.user("tom").unwrap().verifiers, weak);
    assert!(dear.authenticate("tom", "tom", HERE).is_ok());
    let strong = dear.user("tom").unwrap().verifiers;
    assert!(matches!(&strong[0], Verifier::Argon2id(hash) if hash.contains("m=16,")));
    assert!(matches!(strong[1], Verifier::ScramSha256 { iterations, .. } if iterations == 5_000));
    assert!(dear.authenticate("tom", "tom", HERE).is_ok());
    assert_eq!(
        dear.user("tom").unwrap().verifiers,
        strong,
        "once is enough"
    );
    // Sessions go on.
    assert_eq!(dear.session(&token, HERE).unwrap(), caller);
}

#[test]
fn a_session_can_be_bound_to_its_address() {
    let client = |text: &str| Client::of(text.parse().unwrap());
    let bound = Settings {
        session_bind_address: true,
        ..settings()
    };
    let (core, _) = with_tom(bound);
    let (_, token) = core.login("tom", "tom", client("192.0.2.1")).unwrap();
    assert!(core.session(&token, client("192.0.2.1")).is_ok());
    assert!(core.session(&token, client("::ffff:192.0.2.1")).is_ok());
    for other in [client("192.0.2.2"), HERE] {
        let refused = core.session(&token, other).unwrap_err();
        assert_eq!(refused.kind(), Kind::NotAuthenticated);
    }
    let (core, _) = with_tom(settings());
    let (_, token) = core.login("tom", "tom", client("192.0.2.1")).unwrap();
    assert!(core.session(&token, client("192.0.2.2")).is_ok());
}

#[test]
fn a_login_writes_its_session_and_nothing_else() {
    let (core, _) = core();
    add(&core, "tom");
    let (found, basis) = core.with_basis(|| core.user("tom").unwrap());
    core.login("tom", "tom", HERE).unwrap();
    assert!(core.holds(&basis), "the account was not written");
    assert_eq!(core.user("tom").unwrap(), found);
}
