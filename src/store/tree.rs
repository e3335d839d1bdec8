//! The tree of calendars, verified and mended: each calendar says which its parent is, and rows by parent are made from that.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::error::Result;
use super::space::Space;
use super::{KeyRange, Reader, WriteTxn, calendars, layout};
use crate::model::calendar::Calendar;
use crate::model::id::CalendarId;

type Parents = BTreeMap<CalendarId, Option<CalendarId>>;

fn parents(calendars: &[Calendar]) -> Parents {
    let each = calendars.iter();
    each.map(|calendar| (calendar.id, calendar.parent))
        .collect()
}

/// Whether a calendar is above itself.
fn is_circular(parents: &Parents, id: CalendarId) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = parents.get(&id).copied().flatten();
    while let Some(above) = next {
        if above == id {
            return true;
        }
        // A circle further up is not this one's.
        if !seen.insert(above) {
            return false;
        }
        next = parents.get(&above).copied().flatten();
    }
    false
}

/// The rows that there should be.
fn rows(parents: &Parents) -> BTreeMap<Vec<u8>, CalendarId> {
    let known = |parent: &CalendarId| parents.contains_key(parent);
    let rows = parents.iter().filter_map(|(&id, parent)| {
        let parent = parent.filter(known)?;
        Some((layout::child(parent, id).into(), id))
    });
    rows.collect()
}

/// What is wrong with the tree, one sentence each; `shown` is how a calendar is called.
pub fn verify(t: &impl Reader, shown: impl Fn(&Calendar) -> String) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let all = calendars::all(t)?;
    let parents = parents(&all);
    for calendar in &all {
        let Some(parent) = calendar.parent else {
            continue;
        };
        if !parents.contains_key(&parent) {
            let name = shown(calendar);
            wrong.push(format!("the parent of calendar '{name}' does not exist"));
        } else if is_circular(&parents, calendar.id) {
            wrong.push(format!("calendar '{}' is above itself", shown(calendar)));
        }
    }
    let mut expected = rows(&parents);
    t.scan(Space::Children, &KeyRange::all(), |key, _| {
        if expected.remove(key).is_none() {
            let child = layout::last_u64(key).map(CalendarId);
            let child = all.iter().find(|calendar| Some(calendar.id) == child);
            wrong.push(match child {
                Some(child) => format!(
                    "calendar '{}' is listed under one that is not its parent",
                    shown(child)
                ),
                None => "a calendar that does not exist is listed as a child".to_owned(),
            });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let lost = all.iter().filter(|calendar| {
        let mut ids = expected.values();
        ids.any(|id| *id == calendar.id)
    });
    wrong.extend(lost.map(|calendar| {
        format!(
            "calendar '{}' is not listed with its parent",
            shown(calendar)
        )
    }));
    Ok(wrong)
}

/// Makes a tree of the calendars: those whose parent does not exist go to the top, and so does the eldest of each circle.
/// Makes the rows by parent anew.
pub fn rebuild(t: &mut WriteTxn<'_>) -> Result<()> {
    let all = calendars::all(t)?;
    let mut known = parents(&all);
    for mut calendar in all {
        let Some(parent) = calendar.parent else {
            continue;
        };
        if !known.contains_key(&parent) || is_circular(&known, calendar.id) {
            known.insert(calendar.id, None);
            calendar.parent = None;
            calendars::update(t, &calendar)?;
        }
    }
    t.delete_range(Space::Children, &KeyRange::all())?;
    for row in rows(&known).into_keys() {
        t.put(Space::Children, &row, &[])?;
    }
    Ok(())
}
