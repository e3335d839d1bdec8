//! Users and groups, and the names and addresses that lead to them.

use serde::{Deserialize, Serialize};

use super::error::Result;
use super::layout;
use super::space::Space;
use super::{Reader, WriteTxn};
use crate::model::id::{CalendarId, PrincipalId, QualifiedName};
use crate::model::user::{Group, Principal, User};

/// What a name of the shared namespace stands for: a principal, a calendar, or a user and the default calendar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRow {
    /// The user or group so called.
    pub principal: Option<PrincipalId>,
    /// The calendar whose whole calid this is.
    pub calendar: Option<CalendarId>,
}

/// Whom mail to an address means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailRow {
    /// A user or a group.
    Principal(PrincipalId),
    /// A resource: its calendar.
    Calendar(CalendarId),
}

/// The principal numbered `id`.
pub fn principal(t: &impl Reader, id: PrincipalId) -> Result<Option<Principal>> {
    t.load(Space::Principals, &layout::principal(id))
}

/// What is called `name`.
pub fn name_row(t: &impl Reader, name: &QualifiedName) -> Result<Option<NameRow>> {
    t.load(Space::Names, &layout::name(name))
}

/// Whom mail to `address` (in lower case) means.
pub fn mail_row(t: &impl Reader, address: &str) -> Result<Option<MailRow>> {
    t.load(Space::Mail, &layout::mail(address))
}

/// The principal called `name`.
pub fn principal_named(t: &impl Reader, name: &QualifiedName) -> Result<Option<Principal>> {
    match name_row(t, name)?.and_then(|row| row.principal) {
        Some(id) => principal(t, id),
        None => Ok(None),
    }
}

/// Every user, in the order they were added.
pub fn users(t: &impl Reader) -> Result<Vec<User>> {
    let all = principals(t)?;
    Ok(all
        .into_iter()
        .filter_map(|p| {
            if let Principal::User(u) = p {
                Some(u)
            } else {
                None
            }
        })
        .collect())
}

/// Every group, in the order they were added.
pub fn groups(t: &impl Reader) -> Result<Vec<Group>> {
    let all = principals(t)?;
    Ok(all
        .into_iter()
        .filter_map(|p| {
            if let Principal::Group(g) = p {
                Some(g)
            } else {
                None
            }
        })
        .collect())
}

fn principals(t: &impl Reader) -> Result<Vec<Principal>> {
    layout::load_all(t, Space::Principals)
}

/// Stores `principal`, its name row and its mail rows; `old` is what stood there before.
///
/// Whether name and addresses are free is the caller's question.
pub fn put(t: &mut WriteTxn, old: Option<&Principal>, principal: &Principal) -> Result<()> {
    if let Some(old) = old {
        for address in old.mail().iter().filter(|&a| !principal.mail().contains(a)) {
            t.delete(Space::Mail, &layout::mail(address));
        }
    }
    let id = principal.id();
    t.save(Space::Principals, &layout::principal(id), principal)?;
    let mut row = name_row(t, principal.name())?.unwrap_or_default();
    row.principal = Some(id);
    t.save(Space::Names, &layout::name(principal.name()), &row)?;
    for address in principal.mail() {
        t.save(Space::Mail, &layout::mail(address), &MailRow::Principal(id))?;
    }
    put_members(t, old, principal)
}

/// Keeps the membership rows, both ways, in step with a group's list.
fn put_members(t: &mut WriteTxn, old: Option<&Principal>, new: &Principal) -> Result<()> {
    let members = |p: &Principal| match p {
        Principal::Group(group) => group.members.clone(),
        Principal::User(_) => Vec::new(),
    };
    let id = new.id();
    let (before, after) = (old.map(members).unwrap_or_default(), members(new));
    for &gone in before.iter().filter(|m| !after.contains(m)) {
        t.delete(Space::Members, &layout::member_of(gone, id));
    }
    for &member in after.iter().filter(|m| !before.contains(m)) {
        t.put(Space::Members, &layout::member_of(member, id), &[])?;
    }
    Ok(())
}

/// The groups `member` is directly in.
pub fn groups_of(t: &impl Reader, member: PrincipalId) -> Result<Vec<PrincipalId>> {
    let mut groups = Vec::new();
    layout::visit_prefix(t, Space::Members, &layout::principal(member), |key, _| {
        groups.extend(layout::last_u64(key).map(PrincipalId));
        Ok(())
    })?;
    Ok(groups)
}

/// Removes a principal with its rows, and from every group it is in. Its calendars are the caller's care.
pub fn remove(t: &mut WriteTxn, principal: &Principal) -> Result<()> {
    let id = principal.id();
    for group in groups_of(t, id)? {
        if let Some(old @ Principal::Group(_)) = self::principal(t, group)? {
            let mut new = old.clone();
            if let Principal::Group(group) = &mut new {
                group.members.retain(|&m| m != id);
            }
            put(t, Some(&old), &new)?;
        }
    }
    if let Principal::Group(group) = principal {
        for &member in &group.members {
            t.delete(Space::Members, &layout::member_of(member, id));
        }
    }
    for address in principal.mail() {
        t.delete(Space::Mail, &layout::mail(address));
    }
    let name = layout::name(principal.name());
    match name_row(t, principal.name())? {
        Some(
            row @ NameRow {
                calendar: Some(_), ..
            },
        ) => {
            t.save(
                Space::Names,
                &name,
                &NameRow {
                    principal: None,
                    ..row
                },
            )?;
        }
        _ => t.delete(Space::Names, &name),
    }
    t.delete(Space::Principals, &layout::principal(id));
    Ok(())
}
