//! Deleting what takes place in a time, in one transaction: items, and those instances of series that are inside.
//!
//! WCAP's deleteevents_by_range, deletetodos_by_range and deletecomponents_by_range.

use super::delete::{Deletion, Terms, is_of_one};
use super::desk::Desk;
use super::fetch::Window;
use super::gap::{Part, take_out};
use super::links::unlink;
use super::series::{Left, World};
use crate::core::access::Deleting;
use crate::core::error::Result;
use crate::core::schedule::Shortfall;
use crate::core::{Caller, Core};
use crate::ical::datetime::TimeRange;
use crate::ical::object::Kind;
use crate::model::item::Item;
use crate::store::{WriteTxn, items, links};

/// What became of an item that takes place in the time.
#[derive(Debug)]
pub struct Cleared {
    /// What it is.
    pub kind: Kind,
    /// Its UID.
    pub uid: String,
    /// The parts of it that went, or why it is still there.
    pub outcome: Result<Vec<Part>>,
}

impl Core {
    /// Deletes what of `kinds` takes place within `window`; with a window open at both ends everything, to-dos
    /// without a date and links included, which are in no other window here. Answers for each item that was met,
    /// and what went other than wished for.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`, `BadValue` for an end before the start. Of a single item: `NotOwner`
    /// for somebody else's private one, which stays, `TooMuch`.
    pub fn clear_range(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        window: &Window,
        kinds: &[Kind],
        terms: Terms,
    ) -> Result<(Vec<Cleared>, Shortfall)> {
        self.store().write(|t| {
            let access = self.access(t, caller, calid)?;
            access.grant::<Deleting>()?;
            let desk = Desk::new(self, caller, &access);
            let range = window.range(&desk.zone)?;
            let mut deletion = Deletion::new(&desk, terms);
            let mut cleared = Vec::new();
            for uid in items::touching(t, desk.calendar.id, range, kinds)? {
                let Some(item) = items::visible(t, desk.calendar.id, &uid)? else {
                    continue;
                };
                let outcome = match clear_one(t, &mut deletion, &item, range) {
                    Ok(parts) if parts.is_empty() => continue,
                    Err(cause) if !is_of_one(cause.kind()) => return Err(cause),
                    outcome => outcome,
                };
                cleared.push(Cleared {
                    kind: item.kind,
                    uid,
                    outcome,
                });
            }
            if range == TimeRange::ALL {
                for linked in links::all(t, desk.calendar.id)? {
                    for &kind in kinds {
                        if unlink(t, &desk, &linked.uid, kind)? {
                            cleared.push(Cleared {
                                kind,
                                uid: linked.uid.clone(),
                                outcome: Ok(vec![Part::Whole]),
                            });
                        }
                    }
                }
            }
            Ok((cleared, deletion.shortfall))
        })
    }
}

/// Takes what of an item is in `range` away; answers the parts.
fn clear_one(
    t: &mut WriteTxn<'_>,
    deletion: &mut Deletion<'_>,
    item: &Item,
    range: TimeRange,
) -> Result<Vec<Part>> {
    let desk = deletion.desk;
    let everything = range == TimeRange::ALL;
    if item.facts.span.is_none() && !everything {
        return Ok(Vec::new());
    }
    let object = desk.object(item)?;
    if everything || !item.facts.recurring {
        desk.check_privacy(item)?;
        deletion.remove(t, item, &object)?;
        return Ok(vec![Part::Whole]);
    }
    let world = World {
        floating: &desk.zone,
        limits: &desk.core.settings().limits,
        new_uid: &item.uid,
        drop_unfit_start: false,
        creating: false,
    };
    let Some((left, parts)) = take_out(&object, range, &world)? else {
        return Ok(Vec::new());
    };
    desk.check_privacy(item)?;
    match left {
        Left::Nothing => deletion.remove(t, item, &object)?,
        Left::Object { object: left, gone } => deletion.leave(t, item, &object, left, gone)?,
    }
    Ok(parts)
}
