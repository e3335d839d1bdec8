//! One's own answer changed in the organizer's item, by whoever is invited: the right UPDATEPARTSTATUS, which every calendar
//! grants (draft-ietf-calsch-cap-04 section 9.2; RFC 4324 section 9.2).
//!
//! It is an answer in another dress: worked as a REPLY is, so that the others hear of it. Nothing of the item is seen but
//! who organizes it and what one has said oneself, and whoever is not invited learns not even that it is there.

use super::whole::{Change, Touched};
use crate::core::access::{Access, Right};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::query::{Ask, Row, Table, fits_alone};
use crate::core::schedule::{Notify, Round, Shortfall, Status, attendee, view};
use crate::core::{Caller, Core};
use crate::ical::component::{Component, Property};
use crate::ical::object::{CalendarObject, Kind};
use crate::store::{Reader, WriteTxn, derive, items};

/// What an answer repeats of the item.
const SHOWN: [&str; 3] = ["UID", "RECURRENCE-ID", "ORGANIZER"];

impl Core {
    /// Changes what the caller has answered to items that a query names by UID. Errors: `denied`, unless they are invited
    /// to each and change nothing but their PARTSTAT.
    pub(super) fn modify_own_part(
        &self,
        t: &mut WriteTxn<'_>,
        (caller, access): (&Caller, &Access),
        (kind, ask): (Kind, &Ask<'_>),
        change: Change<'_>,
        denied: Error,
    ) -> Result<Vec<Touched>> {
        let Some(uids) = ask.query.uids() else {
            return Err(denied);
        };
        if !access.lets_answer(kind.component_name()) {
            return Err(denied);
        }
        let mut touched = Vec::new();
        for uid in uids {
            let Some((object, own)) = self.invitation(t, caller, access, &uid)? else {
                return Err(denied);
            };
            // As the caller was told of it.
            let Some(told) = view::of(&object, &own) else {
                return Err(denied);
            };
            for component in &told.components {
                let Some(row) = row(component, &own, ask) else {
                    continue;
                };
                let Some(after) = change(&row)? else {
                    continue;
                };
                let Some(said) = answer(&row.component, &after, &own) else {
                    return Err(denied);
                };
                self.take_own_part(t, (caller, access), &object, component, &said)?;
                touched.push(Touched::of(kind, &row, Ok(())));
            }
        }
        match touched.is_empty() {
            true => Err(denied),
            false => Ok(touched),
        }
    }

    /// The item `uid` of the calendar, if its owner organizes it and the caller is invited; and the address they are
    /// invited by.
    fn invitation(
        &self,
        t: &impl Reader,
        caller: &Caller,
        access: &Access,
        uid: &str,
    ) -> Result<Option<(CalendarObject, String)>> {
        let calendar = access.calendar();
        let item = items::get(t, calendar.id, uid)?;
        let Some(object) = item.as_ref().and_then(derive::object) else {
            return Ok(None);
        };
        let organizer = view::organizer(&object);
        let own = match organizer {
            Some(organizer) => self.is_own_address(t, calendar, organizer)?,
            None => false,
        };
        if !own {
            return Ok(None);
        }
        for address in attendee::addresses(&object.components) {
            if self.speaks_as(t, caller, &address, Right::Reply)? {
                return Ok(Some((object, address)));
            }
        }
        Ok(None)
    }

    fn take_own_part(
        &self,
        t: &mut WriteTxn<'_>,
        (caller, access): (&Caller, &Access),
        object: &CalendarObject,
        component: &Component,
        said: &Property,
    ) -> Result<()> {
        let mut reply = Component::new(component.name())
            .with(Property::new("DTSTAMP", self.now().to_string()))
            .with(Property::new(
                "SEQUENCE",
                view::sequence(component).to_string(),
            ));
        for name in SHOWN {
            let shown = component.property(name).cloned();
            shown.into_iter().for_each(|shown| reply.push(shown));
        }
        reply.push(said.clone());
        let reply = CalendarObject {
            components: vec![reply],
            ..object.clone()
        };
        // What was changed for one component before counts for the next.
        let item = items::get(t, access.calendar().id, &object.uid)?;
        let current = item.as_ref().and_then(derive::object);
        let current = current.as_ref().unwrap_or(object);
        let round = Round::new(self, caller, access.calendar(), Notify::default());
        let mut shortfall = Shortfall::default();
        match round.take_answer(t, current, &reply, said.value(), &mut shortfall)? {
            Status::Delivered => Ok(()),
            _ => Err(Error::new(
                Failed::BadValue,
                "the answer could not be worked",
            )),
        }
    }
}

/// What the caller may see of a component that they are invited to, if the query wants it.
fn row(component: &Component, own: &str, ask: &Ask<'_>) -> Option<Row> {
    let mine = attendee::find(component, own)?;
    let mut seen = Component::new(component.name());
    for name in SHOWN {
        let shown = component.property(name).cloned();
        shown.into_iter().for_each(|shown| seen.push(shown));
    }
    seen.push(mine.clone());
    let addresses = [own.to_owned()];
    let table = Table::named(&component.name().to_ascii_uppercase())?;
    let uid = component.property("UID")?.to_text().into_owned();
    let fits = fits_alone(ask.query, &seen, None, &addresses);
    fits.then(|| Row {
        uid,
        ..Row::of(table, seen, Vec::new())
    })
}

/// The attendee as changed, if PARTSTAT is all that is.
fn answer(before: &Component, after: &Component, own: &str) -> Option<Property> {
    let without = |component: &Component| {
        let mut plain = component.clone();
        attendee::change(&mut plain, own, |attendee| {
            attendee.without_param(attendee::PARTSTAT)
        });
        plain
    };
    let said = attendee::find(after, own)?;
    (without(before) == without(after)).then(|| said.clone())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn event(lines: &[&str]) -> Component {
        let mut event = Component::new("VEVENT");
        for line in lines {
            event.push(Property::from_line(*line).unwrap());
        }
        event
    }

    #[test]
    fn nothing_but_one_s_answer_may_change() {
        let own = "mailto:anna@x";
        let before = event(&["UID:1", "ATTENDEE;CN=Anna:mailto:anna@x"]);
        let of =
            |lines: &[&str]| answer(&before, &event(lines), own).map(|p| attendee::partstat(&p));
        assert_eq!(
            of(&["UID:1", "ATTENDEE;CN=Anna;PARTSTAT=DECLINED:mailto:anna@x"]).as_deref(),
            Some("DECLINED")
        );
        for more in [
            &["UID:1", "ATTENDEE;CN=Eve;PARTSTAT=DECLINED:mailto:anna@x"][..],
            &["UID:1", "ATTENDEE;CN=Anna;PARTSTAT=DECLINED:mailto:eve@x"],
            &[
                "UID:1",
                "SUMMARY:x",
                "ATTENDEE;CN=Anna;PARTSTAT=DECLINED:mailto:anna@x",
            ],
            &["UID:1"],
        ] {
            assert_eq!(of(more), None, "{more:?}");
        }
    }
}
