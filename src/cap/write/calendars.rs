//! Calendars made, changed and deleted as objects. What their properties are called is `properties`'.

use super::{Pair, create_in, entry, is_asked};
use crate::cap::address::{Place, bare, qualified};
use crate::cap::answer::{Answer, Entry};
use crate::cap::command::Request;
use crate::cap::properties;
use crate::cap::query::asked;
use crate::cap::replace;
use crate::core::calendars::{CalendarEdit, PlacedCalendar};
use crate::core::query::{Row, Table};
use crate::core::{Core, Error, Kind};
use crate::ical::component::{Component, Property};
use crate::ical::value;

/// Makes a calendar, and in it what stands in its component.
pub(super) fn create(
    request: &Request<'_>,
    place: &Place,
    object: &Component,
    core: &Core,
) -> Vec<Entry> {
    let object = properties::canonical(object, request.dialect);
    let id = properties::id_name(request.dialect);
    let called = object.property(id).cloned();
    let refused =
        |code: &str, text: &str| vec![Entry::of(object.name(), called.clone(), code, text)];
    let Some(calid) = called.as_ref().map(|calid| calid.value().trim().to_owned()) else {
        return refused("3.11", "expected a RELCALID");
    };
    let edit = match edit_of(&object) {
        Ok(edit) => edit,
        Err(cause) => return vec![failed(request, &object, &called, &cause)],
    };
    let parent = match place {
        Place::Store => None,
        Place::Calendar(parent) => Some(parent.clone()),
    };
    let relative = match Place::of(&calid, &request.settings.csid) {
        Ok(Place::Calendar(calid)) => calid,
        Ok(Place::Store) | Err(_) => {
            return refused("6.3", "expected the name of a calendar of this store");
        }
    };
    let placed = PlacedCalendar {
        calid: relative,
        parent,
        owners: owners(&object),
        edit: CalendarEdit {
            owners: None,
            ..edit
        },
    };
    let made = match core.place_calendar(request.caller, &placed) {
        Ok(made) => made,
        Err(cause) => return vec![failed(request, &object, &called, &cause)],
    };
    let mut entries = vec![Entry::of(object.name(), called, "2.0", "Success")];
    let inside: Vec<&Component> = object.components().collect();
    if !inside.is_empty() {
        match create_in(request, &Place::Calendar(made.calid), &inside, core) {
            Ok(more) => entries.extend(more),
            Err(answer) => entries.extend(inside.iter().map(|part| {
                let ids = part.property("UID").cloned();
                Entry::of(part.name(), ids, answer.status(), answer.text())
            })),
        }
    }
    entries
}

fn failed(
    request: &Request<'_>,
    object: &Component,
    called: &Option<Property>,
    cause: &Error,
) -> Entry {
    let failed = Answer::failed(request.dialect, cause);
    Entry::of(
        object.name(),
        called.clone(),
        failed.status(),
        failed.text(),
    )
}

fn owners(object: &Component) -> Vec<String> {
    let owners = object.properties_named("OWNER");
    owners
        .map(|owner| bare(&owner.to_text()).to_owned())
        .collect()
}

/// What the properties of a component make of a calendar. Errors: `BadValue`.
fn edit_of(object: &Component) -> Result<CalendarEdit, Error> {
    let text = |name: &str| {
        let found = object.property(name).map(|p| p.to_text().into_owned());
        Some(found.unwrap_or_default().trim().to_owned())
    };
    // Lists, of which the first counts.
    let first = |name: &str, other: &str| {
        let found = object.property(name).or_else(|| object.property(other));
        let found = found.map(|p| p.to_text().into_owned()).unwrap_or_default();
        let first = found.split(',').next().unwrap_or_default();
        Some(first.trim().to_owned())
    };
    let flag = |name: &str, other: &str| -> Result<Option<bool>, Error> {
        let found = object.property(name).or_else(|| object.property(other));
        let Some(found) = found else {
            return Ok(None);
        };
        let read = value::boolean(found.value().trim());
        read.map(Some).map_err(|_| {
            let message = format!("expected {} to be TRUE or FALSE", found.name());
            Error::new(Kind::BadValue, message)
        })
    };
    for scale in object.properties_named("CALSCALE") {
        if !scale.value().to_ascii_uppercase().contains("GREGORIAN") {
            let message = "expected CALSCALE to be GREGORIAN";
            return Err(Error::new(Kind::BadValue, message));
        }
    }
    let names: Vec<&Property> = object.properties_named("NAME").collect();
    let shown = names
        .iter()
        .find(|name| name.param("LANGUAGE").is_none())
        .or(names.first());
    let extra = object.properties().filter(|property| {
        let translated = property.is("NAME") && property.param("LANGUAGE").is_some();
        translated || properties::is_extra(property)
    });
    let language = first("LANGUAGE", "DEFAULT-LOCALE").filter(|said| said != "POSIX");
    Ok(CalendarEdit {
        name: Some(shown.map(|p| p.to_text().into_owned()).unwrap_or_default()),
        language: Some(language.unwrap_or_default()),
        charset: first("CHARSET", "DEFAULT-CHARSET"),
        master: text("CALMASTER").map(|master| bare(&master).to_owned()),
        tzid: first("TZID", "DEFAULT-TZID"),
        double_booking: Some(flag("ALLOW-CONFLICTS", "ALLOW-CONFLICT")?.unwrap_or(true)),
        auto_schedule: Some(flag(properties::AUTO_SCHEDULE, "")?.unwrap_or(true)),
        tombstone: Some(flag("TOMBSTONE", "")?.unwrap_or(false)),
        owners: Some(owners(object)),
        extra: Some(
            extra
                .map(|property| property.as_line().to_owned())
                .collect(),
        ),
        ..CalendarEdit::default()
    })
}

/// Changes the properties of the target.
pub(super) fn modify(
    request: &Request<'_>,
    target: &str,
    pair: &Pair<'_>,
    core: &Core,
) -> Result<Answer, Answer> {
    let Place::Calendar(calid) = Place::of(target, &request.settings.csid)? else {
        return Err(Answer::of("6.3", "expected a calendar as TARGET"));
    };
    let fails = |cause: &Error| Answer::failed(request.dialect, cause);
    let found = core.readable_properties(request.caller, Some(&calid));
    let Some(view) = found.map_err(|cause| fails(&cause))? else {
        return Err(fails(&Error::denied("change properties", &calid)));
    };
    let now = properties::calendar(request, core, &view);
    let owners = properties::owners(core, &view);
    let row = Row::of(Table::Calendar, now.clone(), owners);
    let shown = qualified(target, &request.settings.csid);
    let nothing = || Answer::of("6.1", "the calendar is not like that");
    for asked in asked(request, target, core)? {
        let fits = is_asked(request, &asked, &shown, &row, core);
        if !fits.map_err(|cause| fails(&cause))? {
            return Err(nothing());
        }
    }
    let new = properties::canonical(pair.new, request.dialect);
    let old = properties::canonical(pair.old, request.dialect);
    let old = properties::replacing(&now, old, &new);
    let after = replace::changed(&row, &old, &new).ok_or_else(nothing)?;
    properties::check_fixed(&now, &after)?;
    let edit = edit_of(&after).map_err(|cause| fails(&cause))?;
    let before = edit_of(&now).map_err(|cause| fails(&cause))?;
    let edit = edit.since(&before);
    if let Some(owners) = &edit.owners
        && !owners
            .iter()
            .any(|owner| is_called(core, owner, &view.primary_owner))
    {
        return Err(Answer::of("3.1", "the primary owner stays an owner"));
    }
    let changed = core.edit_calendar(request.caller, &calid, &edit);
    changed.map_err(|cause| fails(&cause))?;
    let id = now.property(properties::id_name(request.dialect)).cloned();
    Ok(Answer::with(vec![Entry::of(
        now.name(),
        id,
        "2.0",
        "Success",
    )]))
}

/// Whether two names mean the same account.
fn is_called(core: &Core, name: &str, other: &str) -> bool {
    let whole = |name: &str| match name.contains('@') {
        true => name.to_lowercase(),
        false => format!("{}@{}", name.to_lowercase(), core.settings().domain),
    };
    whole(name) == whole(other)
}

/// Deletes the target with all calendars below it.
pub(super) fn delete(request: &Request<'_>, place: &Place, core: &Core) -> Result<Answer, Answer> {
    let Place::Calendar(calid) = place else {
        let code = match request.dialect {
            crate::cap::command::Dialect::A => "6.0",
            crate::cap::command::Dialect::B => "6.4",
        };
        return Err(Answer::of(code, "the store itself is not deleted"));
    };
    let marks = request.option.as_deref();
    if marks.is_some_and(|option| option.eq_ignore_ascii_case("MARK")) {
        let edit = CalendarEdit {
            tombstone: Some(true),
            ..CalendarEdit::default()
        };
        let marked = core.edit_calendar(request.caller, calid, &edit);
        marked.map_err(|cause| Answer::failed(request.dialect, &cause))?;
        return Ok(Answer::with(vec![deleted(request, calid)]));
    }
    let gone = core.delete_calendar_tree(request.caller, calid);
    let gone = gone.map_err(|cause| Answer::failed(request.dialect, &cause))?;
    let entries = gone.iter().map(|calid| deleted(request, calid));
    Ok(Answer::with(entries.collect()))
}

fn deleted(request: &Request<'_>, calid: &str) -> Entry {
    let id = Property::text(properties::id_name(request.dialect), calid);
    entry(
        request,
        properties::calendar_name(request.dialect),
        id,
        &Ok(()),
    )
}
