//! Which calendars stand behind a name: a calendar's own, a user's, those of a group's members.
//!
//! What the caller may not know of is left out; a name behind which nothing is left over is denied.

use super::access::ReadingProperties;
use super::error::{Error, Kind, Result};
use super::{Caller, Core};
use crate::model::id::{PrincipalId, QualifiedName, mail_address};
use crate::model::user::Principal;
use crate::store::people::{self, MailRow};
use crate::store::{Reader, calendars};

/// The calendars behind a name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// Their calids, each once: users in the order of the group, of each the own calendars in the order they were made.
    pub calids: Vec<String>,
    /// Whether there are more than were asked for.
    pub clipped: bool,
}

impl Core {
    /// The calendar called `calid`, as answers show it.
    ///
    /// Errors: `NoSuchCalendar`, `AccessDenied`.
    pub fn expand_calendar(&self, caller: &Caller, calid: &str) -> Result<String> {
        self.store().read(|t| {
            let access = self.access(t, caller, Some(calid))?;
            access.grant::<ReadingProperties>()?;
            Ok(self.show_calid(&access.calendar().calid))
        })
    }

    /// The calendars of the user called `name`, or of everybody in the group so called: at most `most`.
    ///
    /// Errors: `NoSuchPrincipal`, `AccessDenied`.
    pub fn expand_principal(&self, caller: &Caller, name: &str, most: usize) -> Result<Expanded> {
        self.store().read(|t| {
            let missing = || Error::new(Kind::NoSuchPrincipal, format!("there is no '{name}'"));
            let principal = self.principal_called(t, name)?;
            let domain = principal.as_ref().map(|p| p.name().domain.clone());
            let domain = domain.unwrap_or_else(|| self.domain_asked(name));
            // Of a domain that is closed to the caller no name tells whether it is one, nor who is in a group. Whoever
            // is not there has calendars that may not be known.
            let shut = self.is_shut(caller, &domain);
            let principal = match principal {
                Some(Principal::User(user)) => Principal::User(user),
                Some(Principal::Group(group)) if !shut => Principal::Group(group),
                _ if shut => return Err(Error::denied("read properties", name)),
                _ => return Err(missing()),
            };
            let mut users = Vec::new();
            everybody(t, principal, &mut Vec::new(), &mut users)?;
            let mut expanded = Expanded::default();
            let mut hidden = false;
            for user in users {
                for calendar in calendars::owned(t, user)? {
                    let calid = self.show_calid(&calendar.calid);
                    let access = self.access(t, caller, Some(&calid))?;
                    match access.grant::<ReadingProperties>() {
                        Err(_) => hidden = true,
                        Ok(_) if expanded.calids.len() >= most => {
                            expanded.clipped = true;
                            return Ok(expanded);
                        }
                        Ok(_) => expanded.calids.push(calid),
                    }
                }
            }
            match expanded.calids.is_empty() && (hidden || shut) {
                true => Err(Error::denied("read properties", name)),
                false => Ok(expanded),
            }
        })
    }

    fn principal_called(&self, t: &impl Reader, name: &str) -> Result<Option<Principal>> {
        let named = QualifiedName::parse(name, self.home()).ok();
        if let Some(found) = named.map_or(Ok(None), |name| people::principal_named(t, &name))? {
            return Ok(Some(found));
        }
        let row = mail_address(name).map_or(Ok(None), |mail| people::mail_row(t, &mail))?;
        match row {
            Some(MailRow::Principal(id)) => Ok(people::principal(t, id)?),
            _ => Ok(None),
        }
    }
}

/// Adds the users in `principal`, through groups in groups, each once; `seen` ends circles.
fn everybody(
    t: &impl Reader,
    principal: Principal,
    seen: &mut Vec<PrincipalId>,
    users: &mut Vec<PrincipalId>,
) -> Result<()> {
    // A stack of its own: groups may be nested deeper than the thread's.
    let mut open = vec![principal];
    while let Some(principal) = open.pop() {
        let id = principal.id();
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        match principal {
            Principal::User(_) => users.push(id),
            Principal::Group(group) => {
                for member in group.members.into_iter().rev() {
                    open.extend(people::principal(t, member)?);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::core::accounts::NewUser;
    use crate::core::calendars::NewCalendar;
    use crate::core::testing::core;

    #[test]
    fn names_lead_to_the_calendars_one_may_know() {
        let (core, _) = core();
        for name in ["tom", "jerry", "anna"] {
            let new = NewUser {
                name: name.into(),
                ..NewUser::default()
            };
            core.add_user(&new, None).unwrap();
        }
        core.create_calendar("tom:work", "tom", &NewCalendar::default())
            .unwrap();
        core.add_group(
            "pair",
            &["pair@example.org".into()],
            &["tom".into(), "jerry".into()],
        )
        .unwrap();
        core.add_group("team", &[], &["anna".into(), "pair".into(), "tom".into()])
            .unwrap();
        core.add_group("none", &[], &[]).unwrap();
        let asks = |name: &str, most: usize| {
            let came = core.expand_principal(&Caller::Anonymous, name, most);
            came.map(|e| (e.calids.join(" "), e.clipped))
                .map_err(|e| e.kind())
        };
        assert_eq!(
            asks("tom@localhost", 10),
            Ok(("tom tom:work".into(), false))
        );
        assert_eq!(
            asks("pair@example.org", 10),
            Ok(("tom tom:work jerry".into(), false))
        );
        assert_eq!(
            asks("team", 10),
            Ok(("anna tom tom:work jerry".into(), false))
        );
        assert_eq!(asks("team", 3), Ok(("anna tom tom:work".into(), true)));
        assert_eq!(
            asks("team", 4),
            Ok(("anna tom tom:work jerry".into(), false))
        );
        assert_eq!(asks("none", 10), Ok((String::new(), false)));
        assert_eq!(asks("nobody", 10), Err(Kind::NoSuchPrincipal));

        core.change_calendar("jerry", |calendar| {
            calendar.acl = vec!["@@o^a^r^g".to_owned()];
        })
        .unwrap();
        assert_eq!(asks("team", 3), Ok(("anna tom tom:work".into(), false)));
        assert_eq!(asks("jerry", 3), Err(Kind::AccessDenied));
        let calendar = |calid: &str| {
            let came = core.expand_calendar(&Caller::Anonymous, calid);
            came.map_err(|e| e.kind())
        };
        assert_eq!(calendar("cap://localhost/Tom:Work"), Ok("tom:work".into()));
        assert_eq!(calendar("jerry"), Err(Kind::AccessDenied));
        assert_eq!(calendar("nothing"), Err(Kind::NoSuchCalendar));
    }
}
