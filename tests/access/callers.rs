//! The kinds of callers: strangers with each single right, with those that belong together, owners, administrators,
//! nobody. The calendar is tom's; `kim` is whoever is neither an owner nor an administrator.

use crate::needs::Holds;

/// What stands in `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// Nothing.
    None,
    /// The id of a session that has ended.
    Dead,
    /// A session as anonymous.
    Anonymous,
    /// A session of this user.
    User(&'static str),
    /// A session of tom's that the administrator began.
    ForTom,
}

/// One kind of caller.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    /// How a failure names it.
    pub(crate) name: String,
    /// The calendar's access list.
    pub(crate) acl: String,
    pub(crate) login: Login,
    /// Settings of the server, each a key and a value.
    pub(crate) settings: &'static [&'static str],
    pub(crate) holds: Holds,
}

/// Sun's list for new calendars.
pub(crate) const DEFAULT: &str = "@@o^a^r^g;@@o^c^wdeic^g;@^a^fs^g;@^c^^g;@^p^r^g";

/// A list that grants the caller nothing.
const NOTHING: &str = "@@p^a^r^g";

/// All letters.
const LETTERS: &str = "rwdsfzleic";

/// What the settings let administrators do.
const ALLOWED: &[&str] = &["admin.override_acl true", "admin.userprefs true"];

/// Every kind.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = nobody();
    for what in ['c', 'p', 'a'] {
        for how in LETTERS.chars() {
            kinds.push(kim(
                &format!("{what}^{how}"),
                &format!("kim^{what}^{how}^g"),
                &[(what, how)],
            ));
        }
    }
    kinds.extend(together());
    kinds.extend(matched());
    kinds.extend(above());
    kinds
}

fn all() -> Vec<(char, char)> {
    LETTERS.chars().map(|how| ('a', how)).collect()
}

fn kim(name: &str, acl: &str, granted: &[(char, char)]) -> Kind {
    Kind {
        name: format!("kim with {name}"),
        acl: acl.to_owned(),
        login: Login::User("kim"),
        settings: &[],
        holds: Holds {
            granted: granted.to_vec(),
            name: Some("kim"),
            ..Holds::default()
        },
    }
}

/// Callers without an account.
fn nobody() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (login, who) in [
        (Login::None, "no session"),
        (Login::Anonymous, "a session of anonymous"),
        (Login::Dead, "a dead session"),
    ] {
        for (list, acl, granted) in [
            ("no right", NOTHING, Vec::new()),
            ("every right", "@^a^rwdsfzleic^g", all()),
            ("free/busy", "@^c^f^g", vec![('c', 'f')]),
        ] {
            kinds.push(Kind {
                name: format!("{who}, everybody has {list}"),
                acl: acl.to_owned(),
                login,
                settings: &[],
                holds: Holds {
                    granted,
                    ..Holds::default()
                },
            });
        }
    }
    kinds.push(Kind {
        name: "no session, everybody has every right, anonymous is shut out".to_owned(),
        acl: "@^a^rwdsfzleic^g".to_owned(),
        login: Login::None,
        settings: &["auth.anonymous false"],
        holds: Holds::default(),
    });
    kinds
}

/// Rights that need each other.
fn together() -> Vec<Kind> {
    let with = |more: &[(char, char)]| {
        let mut granted = vec![('a', 'r')];
        granted.extend(more);
        let letters: String = more.iter().map(|(_, how)| *how).collect();
        kim(
            &format!("a^r and c^{letters}"),
            &format!("kim^a^r^g;kim^c^{letters}^g"),
            &granted,
        )
    };
    vec![
        with(&[('c', 'w')]),
        with(&[('c', 'd')]),
        with(&[('c', 'w'), ('c', 'd')]),
        with(&[('c', 'w'), ('c', 'e')]),
        with(&[('c', 'w'), ('c', 'i')]),
        with(&[('c', 'w'), ('c', 'c')]),
        with(&[('c', 'w'), ('c', 's')]),
        kim(
            "c^r and p^r",
            "kim^c^r^g;kim^p^r^g",
            &[('c', 'r'), ('p', 'r')],
        ),
        kim("every right", "kim^a^rwdsfzleic^g", &all()),
    ]
}

/// Ways in which an entry can be about somebody, and the first that is decides.
fn matched() -> Vec<Kind> {
    let stranger = [('a', 'f'), ('a', 's'), ('p', 'r')];
    vec![
        kim("Sun's default list", DEFAULT, &stranger),
        kim("an empty list", "", &[]),
        kim("every right of everybody", "@^a^rwdsfzleic^g", &all()),
        kim(
            "every right of those who are no owners",
            "@@n^a^rwdsfzleic^g",
            &all(),
        ),
        kim("every right of owners", "@@o^a^rwdsfzleic^g", &[]),
        kim(
            "every right of the owner's domain",
            "@@d^a^rwdsfzleic^g",
            &all(),
        ),
        kim(
            "every right of the domain",
            "@localhost^a^rwdsfzleic^g",
            &all(),
        ),
        kim(
            "every right of another domain",
            "@sesta.com^a^rwdsfzleic^g",
            &[],
        ),
        kim(
            "reading denied before it is granted",
            "kim^a^r^d;@^a^r^g",
            &[],
        ),
        kim(
            "reading granted before it is denied",
            "kim^a^r^g;@^a^r^d",
            &[('a', 'r')],
        ),
        kim(
            "busy times denied before they are granted",
            "kim^c^f^d;@^a^f^g",
            &[('p', 'f')],
        ),
    ]
}

/// Owners and those above them.
fn above() -> Vec<Kind> {
    let user = |name: &'static str| Holds {
        name: Some(name),
        ..Holds::default()
    };
    let kind = |name: &str, acl: &str, login, settings, holds| Kind {
        name: name.to_owned(),
        acl: acl.to_owned(),
        login,
        settings,
        holds,
    };
    let owner = |granted| Holds {
        owner: true,
        granted,
        ..user("oli")
    };
    let mut granted: Vec<(char, char)> = "wdeic".chars().map(|how| ('c', how)).collect();
    granted.extend([('a', 'r'), ('a', 'f'), ('a', 's'), ('p', 'r')]);
    let tom = Holds {
        everything: true,
        ..user("tom")
    };
    let administrator = Holds {
        administrator: true,
        ..user("ann")
    };
    let allowed = Holds {
        everything: true,
        acts_for_others: true,
        ..administrator.clone()
    };
    let ann = Login::User("ann");
    vec![
        kind(
            "a further owner",
            DEFAULT,
            Login::User("oli"),
            &[],
            owner(granted),
        ),
        kind(
            "a further owner, empty list",
            "",
            Login::User("oli"),
            &[],
            owner(Vec::new()),
        ),
        kind(
            "the primary owner",
            DEFAULT,
            Login::User("tom"),
            &[],
            tom.clone(),
        ),
        kind(
            "the primary owner, denied everything",
            "tom^a^rwdsfzleic^d",
            Login::User("tom"),
            &[],
            tom.clone(),
        ),
        kind(
            "the administrator logged in as tom",
            NOTHING,
            Login::ForTom,
            &["admin.proxyauth true"],
            tom,
        ),
        kind("an administrator", NOTHING, ann, &[], administrator),
        kind(
            "an administrator who is allowed to",
            NOTHING,
            ann,
            ALLOWED,
            allowed,
        ),
    ]
}
