//! Rights (VCARs) made, changed and deleted as objects.

use super::{Pair, calendar_or_store, entry, is_asked};
use crate::cap::address::{Place, qualified};
use crate::cap::answer::{Answer, Entry};
use crate::cap::command::Request;
use crate::cap::query::Asked;
use crate::cap::replace;
use crate::core::Core;
use crate::core::query::{Row, Table};
use crate::core::rights::{NewRights, RightsView};
use crate::core::stored::Fate;
use crate::ical::component::{Component, Property};
use crate::ical::print;

/// A CARID without the quotes that the draft sometimes prints around it.
fn name_of(component: &Component) -> Option<String> {
    let name = component.property("CARID")?.to_text().trim().to_owned();
    let bare = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    Some(bare.map(str::to_owned).unwrap_or(name))
}

/// Keeps rights; without a CARID under one that the server makes up.
pub(super) fn create(
    request: &Request<'_>,
    place: &Place,
    object: &Component,
    core: &Core,
) -> Entry {
    let name = name_of(object).unwrap_or_else(|| core.ids().uid());
    let new = NewRights {
        name,
        component: object.clone(),
        decreed: false,
    };
    let outcome = core.add_rights(request.caller, calendar_or_store(place), &new);
    let id = Property::text("CARID", &new.name);
    entry(request, "VCAR", id, &outcome)
}

/// Changes the rights that are as they are said to be.
pub(super) fn modify(
    request: &Request<'_>,
    target: &str,
    pair: &Pair<'_>,
    core: &Core,
) -> Result<Answer, Answer> {
    let (old, new) = (unquoted(pair.old), unquoted(pair.new));
    if name_of(&new).is_some_and(|name| name_of(&old).is_some_and(|old| old != name)) {
        return Err(Answer::of("3.1", "rights keep their CARID"));
    }
    let asked = crate::cap::query::asked(request, target, core)?;
    let changed = changed(request, target, &asked, core, |row| {
        let after = replace::changed(row, &old, &new)?;
        Some(Fate::Is(print::to_string(&after)))
    })?;
    match changed.is_empty() {
        true => Err(Answer::of("6.1", "there are no rights like that")),
        false => Ok(touched(request, changed)),
    }
}

fn unquoted(component: &Component) -> Component {
    let mut made = component.clone();
    if let Some(name) = name_of(component) {
        made.set(Property::text("CARID", &name));
    }
    made
}

/// Takes away what queries find.
pub(super) fn delete(
    request: &Request<'_>,
    target: &str,
    queries: &[Asked],
    core: &Core,
) -> Result<Answer, Answer> {
    let gone = changed(request, target, queries, core, |_| Some(Fate::Gone))?;
    Ok(touched(request, gone))
}

/// Changes what queries find, as `fate` says.
fn changed(
    request: &Request<'_>,
    target: &str,
    queries: &[Asked],
    core: &Core,
    fate: impl Fn(&Row) -> Option<Fate>,
) -> Result<Vec<String>, Answer> {
    let place = Place::of(target, &request.settings.csid)?;
    let shown = qualified(target, &request.settings.csid);
    let change = |view: &RightsView| {
        let row = Row::of(Table::Rights, view.component.clone(), Vec::new());
        for asked in queries {
            if !is_asked(request, asked, &shown, &row, core)? {
                return Ok(None);
            }
        }
        Ok(fate(&row))
    };
    let changed = core.change_rights(request.caller, calendar_or_store(&place), change);
    changed.map_err(|cause| Answer::failed(request.dialect, &cause))
}

fn touched(request: &Request<'_>, names: Vec<String>) -> Answer {
    let entries = names.into_iter().map(|name| {
        let id = Property::text("CARID", &name);
        entry(request, "VCAR", id, &Ok(()))
    });
    Answer::with(entries.collect())
}
