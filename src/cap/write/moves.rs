//! MOVE in the three shapes that were ever written down (draft-ietf-calsch-cap-04 and -05; RFC 4324 section 10.7):
//! calendars named in their new parent, one calendar told from where to where, calendars or items that a query finds.

use super::{either, entry, is_asked};
use crate::cap::address::{Place, qualified};
use crate::cap::answer::{Answer, Entry};
use crate::cap::command::Request;
use crate::cap::properties;
use crate::cap::query::{Asked, asked};
use crate::core::query::{Row, Table};
use crate::core::{Core, Error};
use crate::ical::component::{Component, Property};

/// MOVE.
pub(in crate::cap) fn run(request: &Request<'_>, target: &str, core: &Core) -> Answer {
    either(moved(request, target, core))
}

fn moved(request: &Request<'_>, target: &str, core: &Core) -> Result<Answer, Answer> {
    if request.targets.len() != 1 {
        return Err(Answer::of("6.3", "expected one TARGET in a MOVE"));
    }
    let place = Place::of(target, &request.settings.csid)?;
    let calendars: Vec<Component> = request
        .objects
        .iter()
        .filter(|object| object.is("VCALENDAR") || object.is("VAGENDA"))
        .map(|object| properties::canonical(object, request.dialect))
        .collect();
    let parent = |component: &Component| component.property("PARENT").cloned();
    match (calendars.as_slice(), &place) {
        ([old, new], Place::Calendar(calid)) if parent(old).or(parent(new)).is_some() => {
            from_to(request, calid, parent(old), parent(new), core)
        }
        ([], _) => found(request, target, &place, core),
        _ => Ok(Answer::with(
            calendars
                .iter()
                .map(|named| into(request, named, &place, core))
                .collect(),
        )),
    }
}

/// The draft's: a calendar by its RELCALID into the target.
fn into(request: &Request<'_>, named: &Component, place: &Place, core: &Core) -> Entry {
    let id = named
        .property(properties::id_name(request.dialect))
        .cloned();
    let calid = id
        .as_ref()
        .map(|id| Place::of(id.value(), &request.settings.csid));
    match calid {
        Some(Ok(Place::Calendar(calid))) => {
            let parent = super::calendar_or_store(place);
            one(request, named.name(), id, &calid, parent, core)
        }
        Some(Err(answer)) => Entry::of(named.name(), id, answer.status(), answer.text()),
        _ => Entry::of(
            named.name(),
            id,
            "3.11",
            "expected the RELCALID of a calendar",
        ),
    }
}

fn one(
    request: &Request<'_>,
    name: &str,
    id: Option<Property>,
    calid: &str,
    parent: Option<&str>,
    core: &Core,
) -> Entry {
    let outcome = core.move_calendar(request.caller, calid, parent);
    let id = id.unwrap_or_else(|| Property::text(properties::id_name(request.dialect), calid));
    entry(request, name, id, &outcome)
}

/// The next draft's: the target from one PARENT to another.
fn from_to(
    request: &Request<'_>,
    calid: &str,
    old: Option<Property>,
    new: Option<Property>,
    core: &Core,
) -> Result<Answer, Answer> {
    let place = |parent: Option<Property>| match parent {
        Some(parent) => Place::of(parent.value(), &request.settings.csid),
        None => Ok(Place::Store),
    };
    let (old, new) = (place(old)?, place(new)?);
    let view = core.readable_properties(request.caller, Some(calid));
    let view = view.map_err(|cause| Answer::failed(request.dialect, &cause))?;
    let view = view.ok_or_else(|| {
        let cause = Error::denied("move calendars", calid);
        Answer::failed(request.dialect, &cause)
    })?;
    let is = match view.parent {
        Some(parent) => Place::Calendar(parent),
        None => Place::Store,
    };
    if is != old {
        return Err(Answer::of("6.1", "the calendar is not there"));
    }
    let name = properties::calendar_name(request.dialect);
    let parent = super::calendar_or_store(&new);
    Ok(Answer::with(vec![one(
        request, name, None, calid, parent, core,
    )]))
}

/// RFC 4324's: what a query finds into the target.
fn found(
    request: &Request<'_>,
    target: &str,
    place: &Place,
    core: &Core,
) -> Result<Answer, Answer> {
    let queries = asked(request, target, core)?;
    if queries.is_empty() {
        return Err(Answer::of(
            "6.3",
            "expected what is to be moved, found nothing",
        ));
    }
    let of_items = |table: &Table| matches!(table, Table::Items(_));
    if queries
        .iter()
        .all(|asked| asked.query.from.iter().all(of_items))
    {
        return items(request, &queries, place, core);
    }
    let fails = |cause: Error| Answer::failed(request.dialect, &cause);
    let shown = qualified(target, &request.settings.csid);
    let most = request.settings.limits.query_results;
    let mut entries = Vec::new();
    for asked in &queries {
        if asked.query.from != [Table::Calendar] {
            return Err(Answer::of(
                "6.3",
                "expected a query of calendars, or of items",
            ));
        }
        for view in core
            .readable_calendars(request.caller, most)
            .map_err(fails)?
        {
            let component = properties::calendar(request, core, &view);
            let owners = properties::owners(core, &view);
            let row = Row::of(Table::Calendar, component, owners);
            if is_asked(request, asked, &shown, &row, core).map_err(fails)? {
                let name = properties::calendar_name(request.dialect);
                let parent = super::calendar_or_store(place);
                entries.push(one(request, name, None, &view.calid, parent, core));
            }
        }
    }
    match entries.is_empty() {
        true => Err(Answer::of("6.1", "there is no calendar like that")),
        false => Ok(Answer::with(entries)),
    }
}

/// RFC 4324's for items: what a query finds in the calendar that the VQUERY names, into the target.
fn items(
    request: &Request<'_>,
    queries: &[Asked],
    place: &Place,
    core: &Core,
) -> Result<Answer, Answer> {
    let fails = |cause: Error| Answer::failed(request.dialect, &cause);
    let mut sources = request.objects.iter().filter_map(|object| {
        let source = object.is("VQUERY").then(|| object.property("TARGET"));
        source.flatten().map(|source| source.value().to_owned())
    });
    let (Some(source), None) = (sources.next(), sources.next()) else {
        let message = "expected one VQUERY whose TARGET is the calendar that the items are in";
        return Err(Answer::of("6.3", message));
    };
    let (Place::Calendar(from), Place::Calendar(into)) =
        (Place::of(&source, &request.settings.csid)?, place)
    else {
        return Err(Answer::of(
            "6.3",
            "expected items to move between calendars",
        ));
    };
    let shown = qualified(&source, &request.settings.csid);
    let [asked] = queries else {
        return Err(Answer::of("6.3", "expected one QUERY of items"));
    };
    if asked.expand {
        return Err(Answer::of("6.3", "expected no EXPAND in a MOVE"));
    }
    let ask = super::ask(request, asked, &shown);
    let found = core.move_whole(request.caller, &from, into, &ask);
    Ok(super::items::touched(request, found.map_err(fails)?))
}
