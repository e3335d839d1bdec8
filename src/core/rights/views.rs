//! A calendar's access list as VCARs: the rights that every CAP server has by name, and the list itself, entry by entry.
//! They are made when they are asked for, never kept.

use super::RightsView;
use crate::core::error::{Error, Kind, Result};
use crate::ical::component::{Component, Property};
use crate::model::acl::{Acl, How, Standing, What};

/// The list itself.
const LIST: &str = "WCAP-ACL";

/// A line of it.
const ENTRY: &str = "X-WCAP-ACE";

/// The rights that CAP has by name and what they say (draft-ietf-calsch-cap-04 section 2.4.4.1).
const NAMED: [(&str, &[&str]); 4] = [
    (
        "READBUSYTIMEINFO",
        &[
            "UPN=*;ACTION=READ;OBJECT=VFREEBUSY;VALUE=*",
            "UPN=ANONYMOUS;ACTION=READ;OBJECT=VFREEBUSY;VALUE=*",
        ],
    ),
    (
        "REQUESTONLY",
        &["UPN=NONOWNER;ACTION=CREATE;OBJECT=*;OBJECT=METHOD;VALUE=REQUEST"],
    ),
    (
        "UPDATEPARTSTATUS",
        &["UPN=*;ACTION=MODIFY;OBJECT=PARTSTAT;VALUE=*;OBJECT=ATTENDEE;VALUE=SELF"],
    ),
    ("DEFAULTOWNER", &["UPN=OWNER;ACTION=*;OBJECT=*;VALUE=*"]),
];

/// Whether a CARID is one of those that show the access list.
pub(super) fn is_reserved(name: &str) -> bool {
    name == LIST || NAMED.iter().any(|(own, _)| *own == name)
}

/// What an access list looks like as VCARs.
pub(super) fn of(entries: &[String], domain: &str) -> Vec<RightsView> {
    let list = entries.iter().map(String::as_str);
    let acl = Acl::from_entries(list, domain).unwrap_or_default();
    let stranger = Standing::default();
    let owner = Standing {
        owner: true,
        ..Standing::default()
    };
    let holds = |name: &str| match name {
        "READBUSYTIMEINFO" => acl.decide(&stranger, What::Components, How::FreeBusy) == Some(true),
        "REQUESTONLY" => acl.decide(&stranger, What::All, How::Schedule) == Some(true),
        "DEFAULTOWNER" => acl.decide(&owner, What::All, How::Read) == Some(true),
        _ => true,
    };
    let mut found: Vec<RightsView> = NAMED
        .iter()
        .filter(|(name, _)| holds(name))
        .map(|(name, grants)| {
            let grants = grants.iter().map(|grant| Property::new("GRANT", grant));
            view(name, grants)
        })
        .collect();
    let lines = entries.iter().map(|entry| Property::text(ENTRY, entry));
    found.push(view(LIST, lines));
    found
}

fn view(name: &str, lines: impl Iterator<Item = Property>) -> RightsView {
    let mut component = Component::new("VCAR").with(Property::text("CARID", name));
    lines.for_each(|line| component.push(line));
    RightsView {
        name: name.to_owned(),
        component,
        computed: true,
        decreed: false,
    }
}

/// The entries of the access list that a changed view of it has. Errors: `AccessDenied` for views of other names.
pub(super) fn entries(name: &str, changed: Option<&Component>) -> Result<Vec<String>> {
    let changed = changed.filter(|_| name == LIST);
    let changed = changed.ok_or_else(|| refused(name))?;
    let lines = changed.properties_named(ENTRY);
    Ok(lines.map(|line| line.to_text().into_owned()).collect())
}

/// Why a view is not deleted.
pub(super) fn not_deleted(name: &str) -> Error {
    let message = match name == LIST {
        true => {
            format!("'{LIST}' is the access list, which every calendar has: change its entries")
        }
        false => return refused(name),
    };
    Error::new(Kind::AccessDenied, message)
}

/// Why a view is not changed so.
pub(super) fn refused(name: &str) -> Error {
    let message = format!("'{name}' shows the access list: change '{LIST}'");
    Error::new(Kind::AccessDenied, message)
}
