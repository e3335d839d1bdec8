//! The draft's notation of a right: the value of GRANT and DENY (draft-ietf-calsch-cap-03 section 14.2, which -04 refers to).
//!
//! Parts are separated by `;` outside of quotes. What the drafts print beside their grammar is read for what it means.

use super::{Act, Acts, Effect, Group, Rule, Scope, Who};
use crate::core::schedule::receive::Itip;

/// Why a text is no right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the right at character {at}: expected {expected}")]
pub struct Malformed {
    /// Where, in characters, from 1.
    pub at: usize,
    /// What was expected there.
    pub expected: String,
}

/// Reads the value of a GRANT or DENY.
///
/// Errors: [`Malformed`], for a part, an action or a UPN that is none.
pub(super) fn parse(effect: Effect, text: &str) -> Result<Rule, Malformed> {
    let (mut who, mut refers, mut groups) = (Vec::new(), Vec::new(), Vec::<Group>::new());
    let mut acts: Option<Acts> = None;
    for (at, part) in parts(text) {
        let malformed = |expected: &str| Malformed {
            at,
            expected: expected.to_owned(),
        };
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        let (key, rest) = part
            .split_once('=')
            .ok_or_else(|| malformed("UPN=, ACTION=, OBJECT=, VALUE= or CARREF="))?;
        let values: Vec<String> = list(rest);
        // Nothing is not everything.
        if values.is_empty() {
            return Err(malformed("something after the '='"));
        }
        match key.trim().to_ascii_uppercase().as_str() {
            "UPN" => {
                for upn in values {
                    who.push(read_who(&upn).ok_or_else(|| malformed("a UPN"))?);
                }
            }
            "CARREF" => refers.extend(values),
            "ACTION" => acts = Some(read_acts(&values).ok_or_else(|| malformed("an action"))?),
            "OBJECT" | "OBJECTS" | "OBECT" => {
                // A draft prints OBJECT=OBJECT=METHOD.
                let names = values.iter().map(|name| match name.rsplit_once('=') {
                    Some((_, name)) => name.to_ascii_uppercase(),
                    None => name.to_ascii_uppercase(),
                });
                groups.push(Group {
                    names: names.collect(),
                    values: Vec::new(),
                });
            }
            "VALUE" => {
                let group = groups
                    .last_mut()
                    .ok_or_else(|| malformed("an OBJECT before its VALUE"))?;
                if !values.iter().any(|value| value == "*") {
                    group.values.extend(values);
                }
            }
            _ => return Err(malformed("UPN=, ACTION=, OBJECT=, VALUE= or CARREF=")),
        }
    }
    let acts = acts.unwrap_or_else(|| acts_among(&mut groups));
    Ok(Rule {
        effect,
        who,
        acts,
        scope: Scope::Objects(groups),
        refers,
        decreed: false,
    })
}

/// The parts of a text and where they begin. What stands before a VALUE counts as `;`, whatever a draft has there.
fn parts(text: &str) -> Vec<(usize, String)> {
    let mut found = vec![(1, String::new())];
    let mut quoted = false;
    let chars: Vec<char> = text.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let value = || {
            let next: String = chars.iter().skip(at + 1).take(6).collect();
            next.eq_ignore_ascii_case("VALUE=")
        };
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            ';' => {
                found.push((at + 2, String::new()));
                continue;
            }
            ':' | ',' if value() => {
                found.push((at + 2, String::new()));
                continue;
            }
            _ => {}
        }
        if let Some((_, part)) = found.last_mut() {
            part.push(c);
        }
    }
    found
}

/// The values of a list, without quotes.
fn list(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match (c, found.last_mut()) {
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => found.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    let trimmed = found.into_iter().map(|value| value.trim().to_owned());
    trimmed.filter(|value| !value.is_empty()).collect()
}

/// Whom a UPN of a right means.
fn read_who(upn: &str) -> Option<Who> {
    Some(match upn.to_ascii_uppercase().as_str() {
        "*" => Who::Known,
        "OWNER" => Who::Owners,
        "NONOWNER" => Who::Others,
        "ANONYMOUS" | "@" => Who::Anonymous,
        _ => match upn.split_once('@')? {
            ("", realm) if is_realm(realm) => Who::Realm(realm.to_lowercase()),
            (user, realm) if !user.is_empty() && is_realm(realm) => Who::Upn(upn.to_lowercase()),
            _ => return None,
        },
    })
}

pub(super) fn is_realm(realm: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !realm.is_empty() && realm.chars().all(sound)
}

/// What is done, by its names; none among them means everything. None when one is no action.
pub(super) fn read_acts(names: &[String]) -> Option<Acts> {
    let mut acts = Vec::new();
    for name in names {
        acts.push(match name.to_ascii_uppercase().as_str() {
            "*" => return Some(None),
            "READ" | "SEARCH" => Act::Read,
            "CREATE" => Act::Create,
            "MODIFY" => Act::Modify,
            "DELETE" => Act::Delete,
            "MOVE" => Act::Move,
            other => Act::Send(Itip::named(other)?),
        });
    }
    Some((!acts.is_empty()).then_some(acts))
}

/// Without an ACTION, a METHOD with the names of commands stands for one (section 2.4.4.2 prints that).
fn acts_among(groups: &mut Vec<Group>) -> Acts {
    let commands = |group: &Group| {
        let method = group.names.len() == 1 && group.names[0] == "METHOD";
        let known = ["CREATE", "MODIFY", "DELETE", "READ", "MOVE"];
        let all = group
            .values
            .iter()
            .all(|value| known.iter().any(|known| known.eq_ignore_ascii_case(value)));
        method && !group.values.is_empty() && all
    };
    let at = groups.iter().position(commands)?;
    let group = groups.remove(at);
    read_acts(&group.values).flatten()
}
