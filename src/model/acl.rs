//! Access control entries of WCAP: `who^what^how^grant`, an ordered list (Sun's Calendar Server guides).
//!
//! Entries keep the text they came with. For each right the first entry that matches decides; this module says
//! what an entry matches and what a list decides, not what an operation needs (that is the core's).

use std::fmt;

use super::id::{PrincipalId, QualifiedName};

/// A letter of the `how` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// `r`: read.
    Read,
    /// `w`: add and change.
    Write,
    /// `d`: delete.
    Delete,
    /// `s`: schedule; requests may be made, replies are taken.
    Schedule,
    /// `f`: free/busy times only.
    FreeBusy,
    /// `z`: change entries about oneself.
    SelfAdmin,
    /// `l`: look up the calendar in its domain.
    Lookup,
    /// `e`: reply in the owner's name.
    Reply,
    /// `i`: invite in the owner's name.
    Invite,
    /// `c`: cancel in the owner's name.
    Cancel,
}

impl How {
    const LETTERS: [(u8, Self); 10] = [
        (b'r', Self::Read),
        (b'w', Self::Write),
        (b'd', Self::Delete),
        (b's', Self::Schedule),
        (b'f', Self::FreeBusy),
        (b'z', Self::SelfAdmin),
        (b'l', Self::Lookup),
        (b'e', Self::Reply),
        (b'i', Self::Invite),
        (b'c', Self::Cancel),
    ];

    /// Whether it lets somebody change what is in a calendar, or take that right.
    fn changes(self) -> bool {
        match self {
            Self::Write
            | Self::Delete
            | Self::SelfAdmin
            | Self::Reply
            | Self::Invite
            | Self::Cancel => true,
            Self::Read | Self::Schedule | Self::FreeBusy | Self::Lookup => false,
        }
    }

    fn of_letter(letter: u8) -> Option<Self> {
        let letter = letter.to_ascii_lowercase();
        Self::LETTERS
            .iter()
            .find(|(l, _)| *l == letter)
            .map(|(_, how)| *how)
    }
}

/// The `what` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// `c`: components.
    Components,
    /// `p`: calendar properties.
    Properties,
    /// `a`: both.
    All,
}

/// The `who` field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Everybody,
    Domain(String),
    PrimaryOwner,
    Owners,
    NonOwners,
    OwnerDomain,
    User(QualifiedName),
}

/// Why a text is no access control entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an access control entry who^what^how^grant, such as jdoe^c^wd^g, but found '{0}'"
)]
pub struct AceError(String);

/// One entry, read and kept as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ace {
    text: String,
    who: Who,
    what: What,
    how: Vec<How>,
    grant: bool,
}

impl Ace {
    /// Reads one entry; a user without a domain gets `own_domain`. Letter case does not count but is kept.
    pub fn parse(text: &str, own_domain: &str) -> Result<Self, AceError> {
        let fail = || AceError(text.chars().take(80).collect());
        let mut fields = text.split('^');
        let (Some(who), Some(what), Some(how), Some(grant), None) = (
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
        ) else {
            return Err(fail());
        };
        let who = parse_who(who.trim(), own_domain).ok_or_else(fail)?;
        let what = match what.to_ascii_lowercase().as_str() {
            "c" => What::Components,
            "p" => What::Properties,
            "a" => What::All,
            _ => return Err(fail()),
        };
        let how = how
            .bytes()
            .map(How::of_letter)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(fail)?;
        let grant = match grant {
            "g" | "G" => true,
            "d" | "D" => false,
            _ => return Err(fail()),
        };
        Ok(Self {
            text: text.to_owned(),
            who,
            what,
            how,
            grant,
        })
    }

    /// Whether a text, if it is an entry, is about the domain of the primary owner: `@@d`.
    pub fn is_about_owner_domain(text: &str) -> bool {
        let who = text.split('^').next().unwrap_or_default();
        who.trim().eq_ignore_ascii_case("@@d")
    }

    /// Whether the entry is about the one user `name`.
    pub fn names(&self, name: &QualifiedName) -> bool {
        matches!(&self.who, Who::User(user) if user == name)
    }

    /// Whether it lets people change the calendar of whom nothing is known but that they are no owners.
    fn lets_everybody_write(&self) -> bool {
        let everybody = matches!(self.who, Who::Everybody | Who::NonOwners);
        self.grant && everybody && self.how.iter().any(|how| how.changes())
    }

    /// What this entry says about `how` on `what` for someone with this standing, if anything.
    ///
    /// A right on both (`a`) is granted by an `a` entry alone (Sun: `c^r` alone does not let read events), but
    /// an entry that denies it for one half denies the whole.
    fn decides(&self, standing: &Standing, what: What, how: How) -> Option<bool> {
        let covers =
            self.what == What::All || self.what == what || (what == What::All && !self.grant);
        (covers && self.how.contains(&how) && self.is_about(standing)).then_some(self.grant)
    }

    fn is_about(&self, standing: &Standing) -> bool {
        match &self.who {
            // What is denied to everybody is denied to them too.
            Who::Everybody => !standing.foreign || !self.grant,
            Who::PrimaryOwner => standing.primary_owner,
            Who::Owners => standing.owner || standing.primary_owner,
            Who::NonOwners => {
                !standing.owner && !standing.primary_owner && (!standing.foreign || !self.grant)
            }
            Who::Domain(domain) => standing.name.as_ref().is_some_and(|n| n.domain == *domain),
            Who::OwnerDomain => standing
                .name
                .as_ref()
                .is_some_and(|n| n.domain == standing.owner_domain),
            Who::User(user) => standing.name.as_ref() == Some(user),
        }
    }
}

/// Prints the entry as it was written.
impl fmt::Display for Ace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse_who(who: &str, own_domain: &str) -> Option<Who> {
    match who.to_ascii_lowercase().as_str() {
        "" => None,
        "@" => Some(Who::Everybody),
        "@@p" => Some(Who::PrimaryOwner),
        "@@o" => Some(Who::Owners),
        "@@n" => Some(Who::NonOwners),
        "@@d" => Some(Who::OwnerDomain),
        other => match other.strip_prefix('@') {
            Some(domain) if !domain.contains('@') => Some(Who::Domain(domain.to_owned())),
            Some(_) => None,
            None => QualifiedName::parse(other, own_domain).ok().map(Who::User),
        },
    }
}

/// Who somebody is in relation to one calendar.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The principal, none for anonymous.
    pub principal: Option<PrincipalId>,
    /// The name and domain, none for anonymous.
    pub name: Option<QualifiedName>,
    /// Whether this is the primary owner.
    pub primary_owner: bool,
    /// Whether this is one of the further owners.
    pub owner: bool,
    /// The domain of the primary owner.
    pub owner_domain: String,
    /// Whether this is somebody of another domain than the calendar's, to whom that is not open: no grant to
    /// everybody is for them.
    pub foreign: bool,
}

/// An ordered list of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acl(Vec<Ace>);

impl Acl {
    /// Reads entries separated by `;`; empty ones are skipped.
    pub fn parse(text: &str, own_domain: &str) -> Result<Self, AceError> {
        Self::from_entries(
            text.split(';').filter(|entry| !entry.is_empty()),
            own_domain,
        )
    }

    /// Reads one entry per item.
    pub fn from_entries<'a>(
        entries: impl IntoIterator<Item = &'a str>,
        own_domain: &str,
    ) -> Result<Self, AceError> {
        entries
            .into_iter()
            .map(|entry| Ace::parse(entry, own_domain))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The entries in order.
    pub fn entries(&self) -> &[Ace] {
        &self.0
    }

    /// Whether an entry about `@` or `@@n` grants changing something: `w d z e i c`.
    pub fn lets_everybody_write(&self) -> bool {
        self.0.iter().any(Ace::lets_everybody_write)
    }

    /// The list without what makes it let everybody write; what else those entries grant stays.
    #[must_use]
    pub fn closed_to_public_writing(mut self) -> Self {
        for ace in self.0.iter_mut().filter(|ace| ace.lets_everybody_write()) {
            ace.how.retain(|how| !how.changes());
        }
        self
    }

    /// Whether the two lists are equal but for entries that name `name`: what self-administration may change.
    pub fn differs_only_about(&self, other: &Self, name: &QualifiedName) -> bool {
        let of_others = |acl: &Self| -> Vec<Ace> {
            let entries = acl.0.iter().filter(|ace| !ace.names(name));
            entries.cloned().collect()
        };
        of_others(self) == of_others(other)
    }

    /// What the list says: granted, denied, or nothing.
    pub fn decide(&self, standing: &Standing, what: What, how: How) -> Option<bool> {
        self.0
            .iter()
            .find_map(|ace| ace.decides(standing, what, how))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const DEFAULT: &str = "@@o^a^r^g;@@o^c^wdeic^g;@^a^fs^g;@^c^^g;@^p^r^g";

    fn stranger(name: &str) -> Standing {
        Standing {
            name: Some(QualifiedName::parse(name, "localhost").unwrap()),
            owner_domain: "localhost".into(),
            ..Standing::default()
        }
    }

    #[test]
    fn suns_default_list_shows_busy_times_and_properties() {
        let acl = Acl::parse(DEFAULT, "localhost").unwrap();
        let jerry = stranger("jerry");
        let owner = Standing {
            owner: true,
            ..stranger("anna")
        };
        let cases = [
            (What::All, How::Read, None, Some(true)),
            (What::Components, How::FreeBusy, Some(true), Some(true)),
            (What::All, How::Schedule, Some(true), Some(true)),
            (What::Properties, How::Read, Some(true), Some(true)),
            (What::Components, How::Write, None, Some(true)),
            (What::Properties, How::Write, None, None),
        ];
        for (what, how, theirs, owners) in cases {
            assert_eq!(acl.decide(&jerry, what, how), theirs, "{what:?} {how:?}");
            assert_eq!(acl.decide(&owner, what, how), owners, "{what:?} {how:?}");
        }
    }

    #[test]
    fn the_first_match_decides() {
        let acl = Acl::parse("jerry^a^r^d;@^a^r^g", "localhost").unwrap();
        assert_eq!(
            acl.decide(&stranger("jerry"), What::All, How::Read),
            Some(false)
        );
        assert_eq!(
            acl.decide(&stranger("JERRY"), What::Properties, How::Read),
            Some(false)
        );
        assert_eq!(
            acl.decide(&stranger("anna"), What::All, How::Read),
            Some(true)
        );
        assert_eq!(
            acl.decide(&Standing::default(), What::All, How::Read),
            Some(true)
        );
    }

    #[test]
    fn half_a_grant_is_none_and_half_a_denial_is_one() {
        let half = Acl::parse("jerry^c^r^g;@^p^r^g", "localhost").unwrap();
        assert_eq!(half.decide(&stranger("jerry"), What::All, How::Read), None);
        assert_eq!(
            half.decide(&stranger("jerry"), What::Components, How::Read),
            Some(true)
        );
        let denied = Acl::parse("jerry^c^r^d;@^a^r^g", "localhost").unwrap();
        assert_eq!(
            denied.decide(&stranger("jerry"), What::All, How::Read),
            Some(false)
        );
    }

    #[test]
    fn writing_by_everybody_can_be_taken_out() {
        let acl = Acl::parse("@^a^rwfs^g;@@n^p^z^g;jerry^c^w^g", "localhost").unwrap();
        assert!(acl.lets_everybody_write());
        let closed = acl.closed_to_public_writing();
        assert!(!closed.lets_everybody_write());
        let (jerry, anna) = (stranger("jerry"), stranger("anna"));
        for (how, theirs) in [
            (How::Read, Some(true)),
            (How::Schedule, Some(true)),
            (How::Write, None),
            (How::SelfAdmin, None),
        ] {
            assert_eq!(closed.decide(&anna, What::All, how), theirs, "{how:?}");
        }
        assert_eq!(
            closed.decide(&jerry, What::Components, How::Write),
            Some(true)
        );
        for harmless in [DEFAULT, "@^c^wd^d;@example.org^c^w^g;@@d^c^w^g"] {
            assert!(!Acl::parse(harmless, "x").unwrap().lets_everybody_write());
        }
    }

    #[test]
    fn entries_about_oneself_are_found() {
        let list = |text| Acl::parse(text, "localhost").unwrap();
        let old = list("@^a^f^g;jerry^a^r^g;anna^a^r^g");
        let jerry = QualifiedName::parse("jerry", "localhost").unwrap();
        for allowed in [
            "@^a^f^g;anna^a^r^g",
            "Jerry@localhost^c^w^g;@^a^f^g;anna^a^r^g",
        ] {
            assert!(old.differs_only_about(&list(allowed), &jerry), "{allowed}");
        }
        for refused in [
            "anna^a^r^g;@^a^f^g;jerry^a^r^g",
            "@^a^f^g;jerry^a^r^g;anna^a^rw^g",
            "@^a^f^g;jerry^a^r^g",
            "",
        ] {
            assert!(!old.differs_only_about(&list(refused), &jerry), "{refused}");
        }
    }

    #[test]
    fn entries_keep_their_letters() {
        let text = "@@O^C^WDEIC^g";
        assert_eq!(Ace::parse(text, "x").unwrap().to_string(), text);
        for bad in [
            "",
            "a^b",
            "a^c^r^x",
            "a^c^q^g",
            "a^x^r^g",
            "^c^r^g",
            "a^c^r^g^",
            "@a@b^c^r^g",
        ] {
            assert!(Ace::parse(bad, "x").is_err(), "{bad}");
        }
    }

    #[test]
    fn domains_and_non_owners() {
        let acl = Acl::parse(
            "@sesta.com^c^w^g;@@n^c^d^d;@@d^c^e^g;@@p^p^w^g",
            "localhost",
        )
        .unwrap();
        let guest = stranger("bob@sesta.com");
        assert_eq!(acl.decide(&guest, What::Components, How::Write), Some(true));
        assert_eq!(
            acl.decide(&guest, What::Components, How::Delete),
            Some(false)
        );
        assert_eq!(acl.decide(&guest, What::Components, How::Reply), None);
        assert_eq!(
            acl.decide(&stranger("jo"), What::Components, How::Reply),
            Some(true)
        );
        let primary = Standing {
            primary_owner: true,
            ..stranger("tom")
        };
        assert_eq!(
            acl.decide(&primary, What::Properties, How::Write),
            Some(true)
        );
    }
}
