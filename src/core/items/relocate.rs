//! Items moved from one calendar to another as they are, all that a query finds or nothing (RFC 4324 section 10.7).

use super::desk::Desk;
use super::links;
use super::whole::Touched;
use crate::core::access::{Adding, Deleting};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::items::delete::whole_stub;
use crate::core::query::{Ask, Row};
use crate::core::{Caller, Core};
use crate::ical::object::Kind;
use crate::store::{WriteTxn, items};

impl Core {
    /// Moves the booked items that a query finds in the calendar `from` into the calendar `into`. Nobody is told: a meeting
    /// moves only between calendars of one owner, where messages about it still find it.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`; `ItemExists` for what is in the other calendar already; `DoubleBooked`;
    /// `NotOwner` for somebody else's private items; `NotOrganizer` for meetings that would change hands; `BadValue` for
    /// what is not booked and for a calendar into itself; `NoSuchItem` when nothing is found. Then nothing is moved.
    pub fn move_whole(
        &self,
        caller: &Caller,
        from: &str,
        into: &str,
        ask: &Ask<'_>,
    ) -> Result<Vec<Touched>> {
        self.store().write(|t| {
            let source = self.access(t, caller, Some(from))?;
            source.grant::<Deleting>()?;
            let target = self.access(t, caller, Some(into))?;
            target.grant::<Adding>()?;
            if source.calendar().id == target.calendar().id {
                let message = "expected another calendar than the one that the items are in";
                return Err(Error::new(Failed::BadValue, message));
            }
            let here = Desk::new(self, caller, &source);
            let there = Desk::new(self, caller, &target);
            let mut touched: Vec<Touched> = Vec::new();
            for row in &self.ask_in(t, caller, &source, ask)?.rows {
                let known = touched.iter().any(|touched| touched.uid == row.uid);
                let Some(kind) = Kind::of(row.component.name()).filter(|_| !known) else {
                    continue;
                };
                relocate(t, (&here, &there), row)?;
                touched.push(Touched {
                    kind,
                    uid: row.uid.clone(),
                    instance: None,
                    outcome: Ok(()),
                });
            }
            match touched.is_empty() {
                true => Err(Error::new(Failed::NoSuchItem, "there is nothing like that")),
                false => Ok(touched),
            }
        })
    }
}

fn relocate(t: &mut WriteTxn<'_>, (here, there): (&Desk<'_>, &Desk<'_>), row: &Row) -> Result<()> {
    if row.method.is_some() {
        let message = "only what is booked can be moved";
        return Err(Error::new(Failed::BadValue, message));
    }
    let gone = || Error::new(Failed::NoSuchItem, "the item is gone");
    let item = items::get(t, here.calendar.id, &row.uid)?.ok_or_else(gone)?;
    here.check_privacy(&item)?;
    let object = here.object(&item)?;
    for component in &object.components {
        here.access.admit(Some(component), None)?;
        there.access.admit(None, Some(component))?;
    }
    let meets = |name| object.components.iter().any(|c| c.property(name).is_some());
    if meets("ATTENDEE") && here.calendar.owner != there.calendar.owner {
        let message = "a meeting stays in the calendars of whoever organizes or attends it";
        return Err(Error::new(Failed::NotOrganizer, message));
    }
    if items::get(t, there.calendar.id, &row.uid)?.is_some() {
        let message = "an item of that UID is there";
        return Err(Error::new(Failed::ItemExists, message));
    }
    links::check_unlinked(t, there.calendar.id, &row.uid, object.kind)?;
    let stub = whole_stub(&object);
    let written = [there.finished(object)?];
    there.check_free(t, None, &written)?;
    for written in &written {
        there.book(t, written)?;
    }
    // What of it is attached has its new name by now.
    let actor = here.caller.principal();
    items::remove(t, here.calendar.id, &here.zone, &row.uid, stub, actor)?;
    Ok(())
}
