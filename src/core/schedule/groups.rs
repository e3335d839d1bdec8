//! Groups as attendees: a group is invited by inviting its members, each once, those of groups inside it too.
//!
//! Members say by MEMBER which group they are invited through (RFC 5545 section 3.2.11). Sun's `group.invite.expand`.

use std::collections::HashSet;

use crate::core::Core;
use crate::core::error::Result;
use crate::core::items::attendees::AttendeeEdit;
use crate::ical::value::same_address;
use crate::model::id::{PrincipalId, QualifiedName, mail_address};
use crate::model::user::{Group, Principal, User};
use crate::store::Reader;
use crate::store::people::{self, MailRow};

/// By this parameter a client says whether a group is to be expanded; it is not kept.
pub const EXPAND: &str = "X-S1CS-EXPAND";

/// Parameters that are about the group and not about a member.
const OF_GROUP: [&str; 5] = ["CN", "CUTYPE", "PARTSTAT", "MEMBER", EXPAND];

impl Core {
    /// The group that `text` means: a name, `mailto:` and an address, or an address.
    pub(in crate::core) fn group_addressed(
        &self,
        t: &impl Reader,
        text: &str,
    ) -> Result<Option<Group>> {
        let named = |text: &str| -> Result<Option<Principal>> {
            match QualifiedName::parse(text, self.home()) {
                Ok(name) => Ok(people::principal_named(t, &name)?),
                Err(_) => Ok(None),
            }
        };
        let found = match mail_address(text) {
            Some(address) => match people::mail_row(t, &address)? {
                Some(MailRow::Principal(id)) => people::principal(t, id)?,
                Some(MailRow::Calendar(_)) => None,
                None => named(&address)?,
            },
            None => named(text.trim())?,
        };
        Ok(match found {
            Some(Principal::Group(group)) => Some(group),
            _ => None,
        })
    }

    /// The address that stands for a group.
    pub(in crate::core) fn address_of_group(&self, group: &Group) -> String {
        match group.mail.first() {
            Some(mail) => format!("mailto:{mail}"),
            None => format!("mailto:{}", group.name),
        }
    }

    /// Puts the members of groups in the groups' places; answers whether a group was too large to be taken whole.
    ///
    /// Groups of domains that are not open to `domain`, the organizer's, are nobody's here: who is in them is not
    /// told. Who is named besides, or through two groups, stands once. `own` says whether an address is the organizer's,
    /// who comes anyhow.
    pub(in crate::core) fn expand_groups(
        &self,
        t: &impl Reader,
        domain: &str,
        entries: &mut Vec<AttendeeEdit>,
        own: impl Fn(&str) -> Result<bool>,
    ) -> Result<bool> {
        let mut clipped = false;
        let mut expanded: Vec<AttendeeEdit> = Vec::with_capacity(entries.len());
        for mut entry in std::mem::take(entries) {
            let wanted = take_expand(&mut entry) && self.settings().expand_groups;
            let group = self.group_addressed(t, &entry.address)?;
            let seen = |group: &Group| self.settings().lets_in(&group.name.domain, domain);
            let Some(group) = group.filter(seen) else {
                expanded.push(entry);
                continue;
            };
            let address = self.address_of_group(&group);
            if !wanted {
                entry.address = address;
                set(&mut entry, "CUTYPE", "GROUP");
                expanded.push(entry);
                continue;
            }
            let (members, whole) = self.members(t, &group)?;
            clipped |= !whole;
            for user in members {
                let mut member = self.member_entry(&entry, &address, &user);
                if own(&member.address)? {
                    set(&mut member, "PARTSTAT", "ACCEPTED");
                }
                expanded.push(member);
            }
        }
        once_each(&mut expanded);
        *entries = expanded;
        Ok(clipped)
    }

    /// The users of a group, those of groups in it included, in the order of the groups; and whether these are all.
    fn members(&self, t: &impl Reader, group: &Group) -> Result<(Vec<User>, bool)> {
        let most = self.settings().limits.group_members;
        let mut users = Vec::new();
        let mut seen: HashSet<PrincipalId> = HashSet::from([group.id]);
        let mut open: Vec<PrincipalId> = group.members.iter().rev().copied().collect();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            match people::principal(t, id)? {
                Some(Principal::User(_)) if users.len() >= most => return Ok((users, false)),
                Some(Principal::User(user)) => users.push(user),
                Some(Principal::Group(inner)) => open.extend(inner.members.iter().rev()),
                None => {}
            }
        }
        Ok((users, true))
    }

    fn member_entry(&self, group: &AttendeeEdit, address: &str, user: &User) -> AttendeeEdit {
        let mail = user.mail.first().cloned();
        let mail = mail.unwrap_or_else(|| user.name.to_string());
        let is_groups = |name: &str| OF_GROUP.iter().any(|own| name.eq_ignore_ascii_case(own));
        let mut params: Vec<(String, String)> = group
            .params
            .iter()
            .filter(|(name, _)| !is_groups(name))
            .cloned()
            .collect();
        params.push(("MEMBER".to_owned(), address.to_owned()));
        if !user.full_name.is_empty() {
            params.push(("CN".to_owned(), user.full_name.clone()));
        }
        AttendeeEdit {
            address: format!("mailto:{mail}"),
            params,
            remove: group.remove,
        }
    }
}

/// Takes the wish about expanding out of an entry; without one groups are expanded.
fn take_expand(entry: &mut AttendeeEdit) -> bool {
    let said = entry
        .params
        .iter()
        .position(|(name, _)| name.eq_ignore_ascii_case(EXPAND));
    let said = said.map(|at| entry.params.remove(at).1);
    !said.is_some_and(|said| said == "0" || said.eq_ignore_ascii_case("FALSE"))
}

fn set(entry: &mut AttendeeEdit, name: &str, value: &str) {
    entry
        .params
        .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    entry.params.push((name.to_owned(), value.to_owned()));
}

/// Of entries about one person the first named by themselves counts, else the first.
fn once_each(entries: &mut Vec<AttendeeEdit>) {
    let through_group = |entry: &AttendeeEdit| {
        entry
            .params
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("MEMBER"))
    };
    let named: Vec<String> = entries
        .iter()
        .filter(|entry| !through_group(entry))
        .map(|entry| entry.address.clone())
        .collect();
    let mut seen: HashSet<String> = HashSet::new();
    entries.retain(|entry| {
        let named = through_group(entry)
            && named
                .iter()
                .any(|address| same_address(address, &entry.address));
        !named && seen.insert(entry.address.to_ascii_lowercase())
    });
}
