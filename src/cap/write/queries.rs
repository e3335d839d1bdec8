//! Stored queries: VQUERYs kept under their names, to be asked by them.

use super::{Pair, calendar_or_store, entry, is_asked};
use crate::cap::address::{Place, qualified};
use crate::cap::answer::{Answer, Entry};
use crate::cap::command::{Dialect, Request};
use crate::cap::query::{Asked, check_query, stored};
use crate::cap::replace;
use crate::core::query::{Row, Table};
use crate::core::stored::{Fate, StoredQuery};
use crate::core::{Core, Error, Kind};
use crate::ical::component::{Component, Property};
use crate::ical::print;

/// What names a stored query in a dialect.
pub(in crate::cap) fn id_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::A => "QUERYNAME",
        Dialect::B => "QUERYID",
    }
}

/// A query in the words of dialect A, as it is kept.
fn kept(object: &Component) -> Component {
    let mut kept = Component::new("VQUERY");
    for property in object.properties() {
        match property.is("QUERYID") {
            true => kept.push(property.renamed("QUERYNAME")),
            false => kept.push(property.clone()),
        }
    }
    kept
}

/// A stored query in the words of a dialect.
pub(in crate::cap) fn shown(query: &StoredQuery, dialect: Dialect) -> Option<Component> {
    let mut shown = Component::new("VQUERY");
    for property in stored(query)?.properties() {
        match property.is("QUERYNAME") {
            true => shown.push(property.renamed(id_name(dialect))),
            false => shown.push(property.clone()),
        }
    }
    Some(shown)
}

/// Keeps a query.
pub(super) fn create(
    request: &Request<'_>,
    place: &Place,
    object: &Component,
    core: &Core,
) -> Entry {
    let kept = kept(object);
    let Some(name) = kept.property("QUERYNAME") else {
        return Entry::of("VQUERY", [], "3.11", "expected a QUERYNAME");
    };
    let id = name.renamed(id_name(request.dialect));
    if let Err(answer) = check_query(request, &kept) {
        return Entry::of("VQUERY", [id], answer.status(), answer.text());
    }
    let new = StoredQuery {
        name: name.to_text().into_owned(),
        text: print::to_string(&kept),
    };
    let outcome = core.add_query(request.caller, calendar_or_store(place), &new);
    entry(request, "VQUERY", id, &outcome)
}

/// Changes the queries that are as they are said to be.
pub(super) fn modify(
    request: &Request<'_>,
    target: &str,
    pair: &Pair<'_>,
    queries: &[&Component],
    core: &Core,
) -> Result<Answer, Answer> {
    let place = Place::of(target, &request.settings.csid)?;
    let (old, new) = (kept(pair.old), kept(pair.new));
    let asked = crate::cap::query::asked_in(request, queries, target, core)?;
    let shown_target = qualified(target, &request.settings.csid);
    let names = |component: &Component| {
        let name = component.property("QUERYNAME");
        name.map(|name| name.to_text().into_owned())
    };
    if names(&new).is_some_and(|name| names(&old).is_some_and(|old| old != name)) {
        return Err(Answer::of("3.1", "a stored query keeps its name"));
    }
    let fits = |row: &Row| -> Result<bool, Error> {
        for asked in &asked {
            if !is_asked(request, asked, &shown_target, row, core)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let unsound = |text: &str| Error::new(Kind::BadValue, text);
    let changed = core.change_queries(request.caller, calendar_or_store(&place), |query| {
        let Some(component) = stored(query) else {
            return Ok(None);
        };
        let row = Row::of(Table::Query, component, Vec::new());
        if !fits(&row)? {
            return Ok(None);
        }
        let Some(after) = replace::changed(&row, &old, &new) else {
            return Ok(None);
        };
        if names(&after).as_deref() != Some(&query.name) {
            return Err(unsound("a stored query keeps its name"));
        }
        check_query(request, &after).map_err(|answer| unsound(answer.text()))?;
        Ok(Some(Fate::Is(print::to_string(&after))))
    });
    let changed = changed.map_err(|cause| Answer::failed(request.dialect, &cause))?;
    match changed.is_empty() {
        true => Err(Answer::of("6.1", "there is no stored query like that")),
        false => Ok(touched(request, changed)),
    }
}

/// Takes away what queries find.
pub(super) fn delete(
    request: &Request<'_>,
    target: &str,
    queries: &[Asked],
    core: &Core,
) -> Result<Answer, Answer> {
    let place = Place::of(target, &request.settings.csid)?;
    let shown_target = qualified(target, &request.settings.csid);
    let gone = core.change_queries(request.caller, calendar_or_store(&place), |query| {
        let Some(component) = stored(query) else {
            return Ok(None);
        };
        let row = Row::of(Table::Query, component, Vec::new());
        for asked in queries {
            if is_asked(request, asked, &shown_target, &row, core)? {
                return Ok(Some(Fate::Gone));
            }
        }
        Ok(None)
    });
    let gone = gone.map_err(|cause| Answer::failed(request.dialect, &cause))?;
    Ok(touched(request, gone))
}

fn touched(request: &Request<'_>, names: Vec<String>) -> Answer {
    let entries = names.into_iter().map(|name| {
        let id = Property::text(id_name(request.dialect), &name);
        entry(request, "VQUERY", id, &Ok(()))
    });
    Answer::with(entries.collect())
}
