//! RFC 4324's notation of a right: the component VRIGHT (section 7.1).

use super::value::{is_realm, read_acts};
use super::{Effect, Rule, Scope, Who};
use crate::core::error::{Error, Kind, Result};
use crate::core::query::{Query, parse};
use crate::ical::component::Component;

/// The rules of a VRIGHT: one for what it grants, one for what it denies.
///
/// Errors: `BadValue`.
pub(super) fn rules(right: &Component) -> Result<Vec<Rule>> {
    let bad = |message: String| Error::new(Kind::BadValue, message);
    let permissions: Vec<String> = right
        .properties_named("PERMISSION")
        .map(|permission| permission.value().trim().to_owned())
        .collect();
    if permissions.is_empty() {
        return Err(bad("expected a PERMISSION in a VRIGHT".to_owned()));
    }
    let acts = read_acts(&permissions)
        .ok_or_else(|| bad(format!("'{}' is no PERMISSION", permissions.join(","))))?;
    let queries = |name: &str| -> Result<Vec<Query>> {
        let texts = right.properties_named(name);
        texts
            .map(|text| {
                let read = parse(text.value());
                read.map_err(|cause| bad(format!("{name}: {cause}")))
            })
            .collect()
    };
    let scope = Scope::Queries(queries("SCOPE")?, queries("RESTRICTION")?);
    let mut found = Vec::new();
    for (name, effect) in [("GRANT", Effect::Grant), ("DENY", Effect::Deny)] {
        let mut who = Vec::new();
        for filter in right.properties_named(name) {
            let filter = filter.value().trim();
            let read = read_filter(filter);
            who.push(read.ok_or_else(|| bad(format!("'{filter}' is no UPN and no filter")))?);
        }
        if !who.is_empty() {
            found.push(Rule {
                effect,
                who,
                acts: acts.clone(),
                scope: scope.clone(),
                refers: Vec::new(),
                decreed: false,
            });
        }
    }
    match found.is_empty() {
        true => Err(bad("expected a GRANT or a DENY in a VRIGHT".to_owned())),
        false => Ok(found),
    }
}

/// Whom a UPN-FILTER means (RFC 4324 section 6.1.4).
fn read_filter(filter: &str) -> Option<Who> {
    let upper = filter.to_ascii_uppercase();
    Some(match upper.as_str() {
        "*" => Who::Everybody,
        "@" => Who::Anonymous,
        // Nobody tells the realm of those who do not tell their name.
        "@*" => Who::Anonymous,
        "*@*" => Who::Known,
        "CAL-OWNERS()" => Who::Owners,
        "NOT CAL-OWNERS()" | "NON CAL-OWNERS()" => Who::NotOwners,
        _ => match filter.split_once('@')? {
            ("*", realm) if is_realm(realm) => Who::Named(realm.to_lowercase()),
            ("", realm) if is_realm(realm) => Who::Realm(realm.to_lowercase()),
            (user, realm) if !user.contains('*') && !user.is_empty() && is_realm(realm) => {
                Who::Upn(filter.to_lowercase())
            }
            _ => return None,
        },
    })
}
