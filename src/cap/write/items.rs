//! Items: components of a calendar created, changed and deleted.

use super::{ask, calendar_of, status};
use crate::cap::address::{Place, qualified};
use crate::cap::answer::{Answer, Entry};
use crate::cap::command::Request;
use crate::cap::query::{Asked, asked};
use crate::cap::{replace, send};
use crate::core::access::Right;
use crate::core::items::whole::Touched;
use crate::core::query::{Ask, Query, Select, Table};
use crate::core::schedule::receive::Itip;
use crate::core::{Core, Kind as Failed};
use crate::ical::component::{Component, Property};
use crate::ical::object::Kind;
use crate::ical::vtimezone;

/// Creates items in a calendar. Errors: what stops all of them.
pub(super) fn create(
    request: &Request<'_>,
    place: &Place,
    objects: &[&Component],
    core: &Core,
) -> Result<Vec<Entry>, Answer> {
    let Place::Calendar(calid) = place else {
        let message = "items are created in calendars: name one as TARGET";
        return Err(Answer::of("6.3", message));
    };
    let sent = |object: &&&Component| send::method_of(object.value("METHOD")).is_some();
    if !objects
        .iter()
        .filter(|object| !object.is("VTIMEZONE"))
        .all(|object| sent(&object))
    {
        core.require_right(request.caller, calid, Right::Add, "add items")
            .map_err(|cause| Answer::failed(request.dialect, &cause))?;
    }
    let (timezones, objects): (Vec<&Component>, Vec<&Component>) =
        objects.iter().partition(|object| object.is("VTIMEZONE"));
    if objects.is_empty() {
        return Ok(timezones.into_iter().map(lone_zone).collect());
    }
    let timezones: Vec<Component> = timezones.into_iter().cloned().collect();
    let mut entries = Vec::new();
    for group in groups(&objects, core) {
        create_group(request, calid, core, group, &timezones, &mut entries);
    }
    // Each is kept with the items that name it.
    let zones = timezones.iter().map(|zone| {
        let tzid = zone.property("TZID").cloned();
        Entry::of("VTIMEZONE", tzid, "2.0", "Success")
    });
    entries.extend(zones);
    Ok(entries)
}

/// A VTIMEZONE that nothing comes with: those of the tz database are here, others come with the items that name them.
fn lone_zone(zone: &Component) -> Entry {
    let tzid = zone.property("TZID").cloned();
    let known = tzid
        .as_ref()
        .is_some_and(|tzid| vtimezone::named(&tzid.to_text()).is_some());
    match known {
        true => Entry::of("VTIMEZONE", tzid, "2.0", "Success"),
        false => Entry::of(
            "VTIMEZONE",
            tzid,
            "3.14",
            "expected items beside a VTIMEZONE that is not in the tz database",
        ),
    }
}

/// Components of one UID, in order; one without a UID gets a fresh one.
fn groups(objects: &[&Component], core: &Core) -> Vec<Vec<Component>> {
    let mut groups: Vec<Vec<Component>> = Vec::new();
    for object in objects {
        let mut object = (*object).clone();
        if Kind::of(object.name()).is_some() && object.property("UID").is_none() {
            object.set(Property::new("UID", core.ids().uid()));
        }
        let same = |group: &&mut Vec<Component>| {
            group.iter().all(|other| {
                object.property("UID").is_some() && other.value("UID") == object.value("UID")
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(object),
            None => groups.push(vec![object]),
        }
    }
    groups
}

/// Creates the components of one UID, and says of each what became of it.
fn create_group(
    request: &Request<'_>,
    calid: &str,
    core: &Core,
    mut group: Vec<Component>,
    timezones: &[Component],
    entries: &mut Vec<Entry>,
) {
    let refused = |status: &'static str, text: &str| (status, text.to_owned());
    let (mut outcome, mut sent) = (None, None);
    for component in &mut group {
        let method = component.value("METHOD").map(str::to_ascii_uppercase);
        if component.is("VFREEBUSY") {
            // It is computed: what is said of it is as it is anyhow (RFC 4324 section 10.4).
            outcome = Some(refused("2.0", "Success"));
        } else if Kind::of(component.name()).is_none() {
            outcome = Some(refused(
                "3.13",
                "this server does not create such components",
            ));
        } else if let Some(itip) = send::method_of(method.as_deref()) {
            sent = Some(itip);
        } else if method.as_deref().is_some_and(|method| method != "CREATE") {
            outcome = Some(refused("6.3", "nothing is created in such a state"));
        } else if let Some(missing) = missing_in_alarms(component) {
            outcome = Some(refused("3.11", missing));
        }
        component.remove("METHOD");
    }
    let (code, text) = outcome.unwrap_or_else(|| {
        if let Some(itip) = sent {
            return match send::deliver(request, calid, itip, &group, timezones, core) {
                Ok(()) => ("2.0", "Success".to_owned()),
                Err(answer) => (answer.status(), answer.text().to_owned()),
            };
        }
        let mut whole = timezones.to_vec();
        whole.extend(group.iter().cloned());
        let upload = core.group_upload(whole);
        match (upload.faults.first(), upload.objects.as_slice()) {
            (Some(fault), _) => ("6.3", fault.to_string()),
            (None, [object]) => {
                let stored = core.create_whole(request.caller, calid, object);
                status(request.dialect, stored.as_ref().map(|()| "Success"))
            }
            (None, _) => ("6.3", "expected one item of a UID".to_owned()),
        }
    });
    for component in &group {
        let ids = [
            "UID",
            "RECURRENCE-ID",
            "CARID",
            "QUERYNAME",
            "RELCALID",
            "CALID",
        ];
        let ids = ids
            .iter()
            .filter_map(|name| component.property(name).cloned());
        entries.push(Entry::of(component.name(), ids, code, &text));
    }
}

/// What an alarm lacks that would tell when it goes off, or how (RFC 5545 section 3.6.6).
fn missing_in_alarms(component: &Component) -> Option<&'static str> {
    let lacks = |name| {
        let mut alarms = component.components_named("VALARM");
        alarms.any(|alarm| alarm.property(name).is_none())
    };
    match (lacks("ACTION"), lacks("TRIGGER")) {
        (true, _) => Some("expected an ACTION in a VALARM"),
        (_, true) => Some("expected a TRIGGER in a VALARM"),
        _ => None,
    }
}

pub(super) fn touched(request: &Request<'_>, touched: Vec<Touched>) -> Answer {
    let entry = |touched: Touched| {
        let outcome = touched.outcome.as_ref().map(|()| "Success");
        let (code, text) = status(request.dialect, outcome);
        let uid = Property::text("UID", &touched.uid);
        let ids = std::iter::once(uid).chain(touched.instance);
        Entry::of(touched.kind.component_name(), ids, code, &text)
    };
    Answer::with(touched.into_iter().map(entry).collect())
}

/// Deletes what queries find.
pub(super) fn delete(
    request: &Request<'_>,
    target: &str,
    queries: &[Asked],
    core: &Core,
) -> Result<Answer, Answer> {
    let calid = calendar_of(request, target)?;
    let option = request.option.as_deref();
    let marks = option.is_some_and(|option| option.eq_ignore_ascii_case("MARK"));
    let shown = qualified(target, &request.settings.csid);
    let mut all = Vec::new();
    for asked in queries {
        for table in &asked.query.from {
            match table {
                Table::Items(_) => {}
                Table::FreeBusy => return Err(Answer::of("3.13", "busy times are computed")),
                _ => {
                    let message =
                        "expected a query of items to delete, or of VCARs or VQUERYs alone";
                    return Err(Answer::of("6.3", message));
                }
            }
        }
        let alarms = asked.query.select.iter().any(|wanted| {
            matches!(
                wanted,
                Select::Components(Table::Alarm) | Select::Properties(Table::Alarm)
            )
        });
        if alarms {
            all.extend(without_alarms(request, &calid, asked, &shown, core)?);
            continue;
        }
        let ask = ask(request, asked, &shown);
        if marks {
            let found = core.mark_whole(request.caller, &calid, &ask);
            all.extend(found.map_err(|cause| Answer::failed(request.dialect, &cause))?);
            continue;
        }
        let instances = Ask {
            expand: true,
            ..ask
        };
        let instances = asked.query.names("RECURRENCE-ID").then_some(&instances);
        let found = core.delete_whole(request.caller, &calid, &ask, instances);
        all.extend(found.map_err(|cause| Answer::failed(request.dialect, &cause))?);
    }
    Ok(touched(request, all))
}

/// Deletes the alarms of what a query finds.
fn without_alarms(
    request: &Request<'_>,
    calid: &str,
    asked: &Asked,
    target: &str,
    core: &Core,
) -> Result<Vec<Touched>, Answer> {
    let plain = |row: &crate::core::query::Row| {
        let mut plain = row.component.clone();
        plain.remove_components("VALARM");
        Ok((plain != row.component).then_some(plain))
    };
    let mut all = Vec::new();
    for table in &asked.query.from {
        let Table::Items(kind) = *table else {
            continue;
        };
        let query = Query {
            from: vec![*table],
            ..asked.query.clone()
        };
        let ask = Ask {
            query: &query,
            ..ask(request, asked, target)
        };
        match core.modify_whole(request.caller, calid, kind, &ask, &[], &plain) {
            Ok(found) => all.extend(found),
            Err(cause) if cause.kind() == Failed::NoSuchItem => {}
            Err(cause) => return Err(Answer::failed(request.dialect, &cause)),
        }
    }
    Ok(all)
}

/// Changes what a query finds.
pub(super) fn modify(request: &Request<'_>, target: &str, core: &Core) -> Result<Answer, Answer> {
    let queries = asked(request, target, core)?;
    let calid = calendar_of(request, target)?;
    let (timezones, rest): (Vec<&Component>, Vec<&Component>) = request
        .objects
        .iter()
        .copied()
        .filter(|object| !object.is("VQUERY"))
        .partition(|object| object.is("VTIMEZONE"));
    let [old, new] = rest.as_slice() else {
        let found = rest.len();
        let message =
            format!("expected two components, as it is and as it is to be, found {found}");
        return Err(Answer::of("6.3", message));
    };
    if !old.is(new.name()) {
        return Err(Answer::of(
            "6.3",
            "expected two components of the same type",
        ));
    }
    let Some(kind) = Kind::of(old.name()) else {
        return Err(Answer::of("3.13", "such components are not changed"));
    };
    let known = ["CREATE", "DELETE"];
    for named in [old, new] {
        let method = named.value("METHOD");
        if method.is_some_and(|method| {
            let state = known.iter().any(|known| method.eq_ignore_ascii_case(known));
            !state && Itip::named(method).is_none()
        }) {
            return Err(Answer::of(
                "6.3",
                "expected METHOD to be one of CAP or iTIP",
            ));
        }
    }
    if send::method_of(new.value("METHOD")).is_some()
        && !same_method(old.value("METHOD"), new.value("METHOD"))
    {
        let message = "expected METHOD:CREATE or METHOD:DELETE in what is to be";
        return Err(Answer::of("6.3", message));
    }
    if new.property("UID").is_some() && new.value("UID") != old.value("UID") {
        return Err(Answer::of("3.1", "an item keeps its UID"));
    }
    let everything = Asked::of(Query {
        select: vec![Select::All],
        from: vec![Table::Items(kind)],
        filter: None,
    });
    let [asked] = (match queries.as_slice() {
        [] => std::slice::from_ref(&everything),
        queries => queries,
    }) else {
        return Err(Answer::of("6.3", "expected one query in a MODIFY"));
    };
    if asked.expand || asked.query.from != [Table::Items(kind)] {
        let name = kind.component_name();
        let message = format!("expected a query FROM {name} without EXPAND");
        return Err(Answer::of("6.3", message));
    }
    let shown = qualified(target, &request.settings.csid);
    let timezones: Vec<Component> = timezones.into_iter().map(|zone| (*zone).clone()).collect();
    let ask = ask(request, asked, &shown);
    let change = |row: &crate::core::query::Row| Ok(replace::changed(row, old, new));
    let found = core.modify_whole(request.caller, &calid, kind, &ask, &timezones, &change);
    match found {
        Ok(found) => Ok(touched(request, found)),
        Err(cause) if cause.kind() == Failed::BadData => Err(Answer::of("3.4", cause.message())),
        Err(cause) => Err(Answer::failed(request.dialect, &cause)),
    }
}

/// Whether two METHODs are the same.
fn same_method(a: Option<&str>, b: Option<&str>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
}
