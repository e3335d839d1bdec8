//! Guessing passwords, and finding out who has an account.

use crate::Target;

fn login(target: &Target, user: &str, password: &str) -> crate::Answer {
    target.get(&format!("/login.wcap?user={user}&password={password}"))
}

/// How many hashes are computed while `work` runs: what the time of an answer follows.
fn hashes(work: impl FnOnce()) -> u64 {
    let recorder = wcapd::observe::recorder();
    metrics::with_local_recorder(&recorder, work);
    let page = recorder.handle().render();
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix("wcapd_password_hashes_total "));
    line.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn guessing_is_slowed_down() {
    let target = Target::new(&[], &["user tom"]);
    let core = &target.core;
    let here = wcapd::core::Client::UNKNOWN;
    let computed = hashes(|| {
        for guess in 0..200 {
            let guess = format!("guess{guess}");
            assert!(core.authenticate("tom", &guess, here).is_err());
        }
        assert!(core.authenticate("tom", "tom", here).is_err());
    });
    // Five are free, one more closes the door, and nothing is hashed while it is closed.
    assert_eq!(computed, 6);
    // To a client it looks like a wrong password.
    assert_eq!(
        login(&target, "tom", "tom").whole(),
        login(&target, "nobody", "x").whole()
    );
}

#[test]
fn one_password_for_many_names_is_slowed_down_by_address() {
    let target = Target::new(&[], &["user tom"]);
    let from = |address: &str| wcapd::core::Client::of(address.parse().unwrap());
    let computed = hashes(|| {
        for name in 0..300 {
            let name = format!("user{name}");
            let client = from("192.0.2.66");
            assert!(
                target
                    .core
                    .authenticate(&name, "Winter2026", client)
                    .is_err()
            );
        }
    });
    assert_eq!(computed, 51);
    // Others are not concerned.
    assert!(
        target
            .core
            .authenticate("tom", "tom", from("192.0.2.1"))
            .is_ok()
    );
}

#[test]
fn names_cannot_be_probed_by_the_answer() {
    let target = Target::new(
        &[],
        &[
            "user tom",
            "user shut",
            "group team tom",
            "calendar room-1 tom resource",
        ],
    );
    target.core.set_enabled("shut", false).unwrap();
    let nobody = login(&target, "nobody", "wrong").whole();
    for (user, password) in [
        ("tom", "wrong"),
        ("tom%40localhost", "wrong"),
        ("shut", "shut"),
        ("team", "team"),
        ("room-1", "x"),
        ("%00", "x"),
        ("%22", ""),
    ] {
        assert_eq!(login(&target, user, password).whole(), nobody, "{user}");
    }
}

#[test]
fn names_cannot_be_probed_by_the_time() {
    let target = Target::new(
        &["auth.password_cache 0s"],
        &["user tom", "user shut", "group team tom"],
    );
    target.core.set_enabled("shut", false).unwrap();
    let here = wcapd::core::Client::UNKNOWN;
    let long = "x".repeat(5_000);
    for (user, password) in [
        ("tom", "tom"),
        ("tom", "wrong"),
        ("tom", ""),
        ("tom", long.as_str()),
        ("nobody", "wrong"),
        ("nobody", ""),
        ("nobody", long.as_str()),
        ("shut", "shut"),
        ("team", "team"),
        ("no name at all", "x"),
        ("nobody@elsewhere.test", "x"),
    ] {
        let computed = hashes(|| {
            let _ = target.core.authenticate(user, password, here);
        });
        assert_eq!(computed, 1, "{user} {password:.9}");
    }
}
