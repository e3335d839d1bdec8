//! CREATE, MODIFY and DELETE: what is named in a command goes to the file that knows its kind
//! (draft-ietf-calsch-cap-04 sections 7.2.1.1 to 7.2.1.3; RFC 4324 sections 10.4, 10.5 and 10.8).

mod calendars;
mod items;
mod moves;
pub(super) mod queries;
mod rights;
mod store;

pub(super) use moves::run as relocate;

use super::address::Place;
use super::answer::{Answer, Entry};
use super::command::{Dialect, Request};
use super::query::{Asked, asked};
use super::replace::Pair;
use super::send;
use crate::core::query::{Ask, Row, Table};
use crate::core::{Core, Error};
use crate::ical::component::{Component, Property};

/// A kind of objects, told by the name of their component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Calendar,
    Store,
    Query,
    Rights,
    /// Items, and what is refused as if it were one.
    Item,
}

impl Sort {
    fn of(component: &Component) -> Self {
        match component.name().to_ascii_uppercase().as_str() {
            "VCALENDAR" | "VAGENDA" => Self::Calendar,
            "CALSTORE" | "VCALSTORE" => Self::Store,
            "VQUERY" => Self::Query,
            "VCAR" => Self::Rights,
            _ => Self::Item,
        }
    }
}

fn either(answer: Result<Answer, Answer>) -> Answer {
    match answer {
        Ok(answer) | Err(answer) => answer,
    }
}

/// The calendar that a command writes in. Errors: the answer to other targets.
fn calendar_of(request: &Request<'_>, target: &str) -> Result<String, Answer> {
    match Place::of(target, &request.settings.csid)? {
        Place::Calendar(calid) => Ok(calid),
        Place::Store => Err(Answer::of("6.3", "expected a calendar as TARGET")),
    }
}

/// The calid of a place; none for the store.
fn calendar_or_store(place: &Place) -> Option<&str> {
    match place {
        Place::Calendar(calid) => Some(calid),
        Place::Store => None,
    }
}

/// The status of one component.
fn status(dialect: Dialect, outcome: Result<&str, &Error>) -> (&'static str, String) {
    match outcome {
        Ok(text) => ("2.0", text.to_owned()),
        Err(cause) => {
            let failed = Answer::failed(dialect, cause);
            (failed.status(), failed.text().to_owned())
        }
    }
}

/// What became of one object, told by what it is called.
fn entry(request: &Request<'_>, name: &str, id: Property, outcome: &Result<(), Error>) -> Entry {
    let (code, text) = status(request.dialect, outcome.as_ref().map(|()| "Success"));
    Entry::of(name, [id], code, &text)
}

/// CREATE.
pub(super) fn create(request: &Request<'_>, target: &str, core: &Core) -> Answer {
    either(created(request, target, core))
}

fn created(request: &Request<'_>, target: &str, core: &Core) -> Result<Answer, Answer> {
    if let Some(itip) = send::method_of(request.method.as_deref()) {
        return send::send(request, target, itip, core);
    }
    let place = Place::of(target, &request.settings.csid)?;
    if request.objects.is_empty() {
        let message = "expected something to create, found nothing";
        return Err(Answer::of("6.3", message));
    }
    create_in(request, &place, &request.objects, core).map(Answer::with)
}

/// Creates objects in a place, each for itself. Errors: what stops all of it.
fn create_in(
    request: &Request<'_>,
    place: &Place,
    objects: &[&Component],
    core: &Core,
) -> Result<Vec<Entry>, Answer> {
    let of = |sort: Sort| {
        let found = objects.iter().copied();
        found.filter(move |object| Sort::of(object) == sort)
    };
    let items: Vec<&Component> = of(Sort::Item).collect();
    let mut items = match items.is_empty() {
        true => None,
        false => Some(match items::create(request, place, &items, core) {
            Ok(entries) => entries,
            Err(answer) if items.len() == objects.len() => return Err(answer),
            // What is no item stands for itself.
            Err(answer) => items.iter().map(|item| refused(item, &answer)).collect(),
        }),
    };
    let mut entries = Vec::new();
    for object in objects {
        match Sort::of(object) {
            Sort::Calendar => entries.extend(calendars::create(request, place, object, core)),
            Sort::Query => entries.push(queries::create(request, place, object, core)),
            Sort::Rights => entries.push(rights::create(request, place, object, core)),
            Sort::Store => entries.push(Entry::of(
                object.name(),
                [],
                "3.13",
                "stores are made by their operators",
            )),
            // They stand where the first of them stood.
            Sort::Item => entries.extend(items.take().into_iter().flatten()),
        }
    }
    Ok(entries)
}

fn refused(item: &Component, answer: &Answer) -> Entry {
    let id = item.property("UID").or_else(|| item.property("TZID"));
    Entry::of(item.name(), id.cloned(), answer.status(), answer.text())
}

/// MODIFY.
pub(super) fn modify(request: &Request<'_>, target: &str, core: &Core) -> Answer {
    either(modified(request, target, core))
}

fn modified(request: &Request<'_>, target: &str, core: &Core) -> Result<Answer, Answer> {
    let rest = |object: &&Component| !object.is("VTIMEZONE");
    let mut objects: Vec<&Component> = request.objects.iter().copied().filter(rest).collect();
    let (Some(new), Some(old)) = (objects.pop(), objects.pop()) else {
        let found = request.objects.len();
        let message =
            format!("expected two components, as it is and as it is to be, found {found}");
        return Err(Answer::of("6.3", message));
    };
    let pair = Pair { old, new };
    match (Sort::of(old), Sort::of(new)) {
        (Sort::Query, Sort::Query) => queries::modify(request, target, &pair, &objects, core),
        (Sort::Calendar, Sort::Calendar) => calendars::modify(request, target, &pair, core),
        (Sort::Rights, Sort::Rights) => rights::modify(request, target, &pair, core),
        (Sort::Store, Sort::Store) => store::modify(request, target, &pair, core),
        _ => items::modify(request, target, core),
    }
}

/// DELETE.
pub(super) fn delete(request: &Request<'_>, target: &str, core: &Core) -> Answer {
    either(deleted(request, target, core))
}

fn deleted(request: &Request<'_>, target: &str, core: &Core) -> Result<Answer, Answer> {
    let queries = asked(request, target, core)?;
    let place = Place::of(target, &request.settings.csid)?;
    if queries.is_empty() {
        return calendars::delete(request, &place, core);
    }
    for asked in &queries {
        if asked.expand || asked.size.is_some() {
            let message = "expected no EXPAND and no MAXSIZE in a DELETE";
            return Err(Answer::of("6.3", message));
        }
    }
    let from = |table: Table| queries.iter().all(|asked| asked.query.from == [table]);
    if from(Table::Query) {
        return queries::delete(request, target, &queries, core);
    }
    if from(Table::Rights) {
        return rights::delete(request, target, &queries, core);
    }
    items::delete(request, target, &queries, core)
}

/// Whether a component that is no item is what a query asks for.
fn is_asked(
    request: &Request<'_>,
    asked: &Asked,
    target: &str,
    row: &Row,
    core: &Core,
) -> Result<bool, Error> {
    let ask = ask(request, asked, target);
    core.is_asked(request.caller, &ask, row.table, &row.component, &row.owners)
}

fn ask<'a>(request: &Request<'_>, asked: &'a Asked, target: &'a str) -> Ask<'a> {
    Ask {
        query: &asked.query,
        expand: false,
        most: asked.results,
        utc_only: request.dialect == Dialect::B,
        target,
    }
}
