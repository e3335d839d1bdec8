//! What can be needed, and who has it, as the guides say it (WCAP guide, access control; the server's own decisions
//! beyond it in DESIGN.md). Written without a look at the code under test.

/// Something a caller must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Somebody who is logged in, not as anonymous.
    Somebody,
    /// The user the request is about, or an administrator whom the configuration lets act for others.
    Oneself,
    /// An administrator.
    Administrator,
    /// `a^r`; `c^r` alone does not work.
    Read,
    /// `f` on components.
    FreeBusy,
    /// `w` on components.
    Add,
    /// Reading and `w` on components.
    Modify,
    /// Changing and `d` on components.
    Delete,
    /// `a^s`, where an invitation arrives.
    Schedule,
    /// An owner, or `e` on components.
    Reply,
    /// An owner, or `i` on components.
    Invite,
    /// An owner, or `c` on components.
    Cancel,
    /// `r` on properties.
    ReadProperties,
    /// An owner, or `w` on properties.
    WriteProperties,
    /// An owner, or `w` or `z` on properties: whoever may change something of what a calendar says of itself.
    TouchProperties,
    /// An owner.
    Owner,
    /// An owner, or `z` on properties, for entries of the list that name nobody else.
    SelfAdmin,
    /// The primary owner.
    PrimaryOwner,
}

impl Need {
    /// How the page says it.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::Somebody => "a user's session",
            Self::Oneself => "oneself, or an administrator with `admin.userprefs`",
            Self::Administrator => "an administrator",
            Self::Read => "`a^r`",
            Self::FreeBusy => "`c^f`",
            Self::Add => "`c^w`",
            Self::Modify => "`a^r` and `c^w`",
            Self::Delete => "`a^r`, `c^w` and `c^d`",
            Self::Schedule => "`a^s` where it arrives",
            Self::Reply => "an owner, or `c^e`",
            Self::Invite => "an owner, or `c^i`",
            Self::Cancel => "an owner, or `c^c`",
            Self::ReadProperties => "`p^r`",
            Self::WriteProperties => "an owner, or `p^w`",
            Self::TouchProperties => "an owner, or `p^w` or `p^z`",
            Self::Owner => "an owner",
            Self::SelfAdmin => "an owner, or `p^z`",
            Self::PrimaryOwner => "the primary owner",
        }
    }
}

/// What a kind of caller holds in the calendar that is asked for, which is tom's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Holds {
    /// What the access list grants: `c`, `p` or `a`, and the letter.
    pub(crate) granted: Vec<(char, char)>,
    /// Whether they are a further owner.
    pub(crate) owner: bool,
    /// The primary owner, and whoever is above access lists.
    pub(crate) everything: bool,
    /// The name; none for anonymous.
    pub(crate) name: Option<&'static str>,
    /// Whether they have the administrator's role.
    pub(crate) administrator: bool,
    /// Whether the configuration lets administrators act for others.
    pub(crate) acts_for_others: bool,
}

impl Holds {
    /// Whether the list grants it; `a` is both. Of what is granted to anonymous only looking counts.
    fn has(&self, what: char, how: char) -> bool {
        let counts = self.name.is_some() || how == 'r' || how == 'f';
        let listed = |what| self.granted.contains(&(what, how));
        self.everything || (counts && (listed('a') || (what != 'a' && listed(what))))
    }

    /// Whether the need is met.
    pub(crate) fn meets(&self, need: Need) -> bool {
        let owner = self.owner || self.everything;
        match need {
            Need::Somebody => self.name.is_some(),
            Need::Oneself => {
                self.name == Some("tom") || (self.administrator && self.acts_for_others)
            }
            Need::Administrator => self.administrator,
            Need::Read => self.has('a', 'r'),
            Need::FreeBusy => self.has('c', 'f'),
            Need::Add => self.has('c', 'w'),
            Need::Modify => self.has('a', 'r') && self.has('c', 'w'),
            Need::Delete => self.has('a', 'r') && self.has('c', 'w') && self.has('c', 'd'),
            Need::Schedule => self.has('a', 's'),
            Need::Reply => owner || self.has('c', 'e'),
            Need::Invite => owner || self.has('c', 'i'),
            Need::Cancel => owner || self.has('c', 'c'),
            Need::ReadProperties => self.has('p', 'r'),
            Need::WriteProperties => owner || self.has('p', 'w'),
            Need::TouchProperties => owner || self.has('p', 'w') || self.has('p', 'z'),
            Need::Owner => owner,
            Need::SelfAdmin => owner || self.has('p', 'z'),
            Need::PrimaryOwner => self.everything,
        }
    }
}
