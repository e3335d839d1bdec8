//! Calendars and the store as components, so that they can be asked for like others and changed as they are shown
//! (draft-ietf-calsch-cap-04 sections 11.1 and 11.2; RFC 4324 section 8 for dialect B).

use super::address::qualified;
use super::answer::Answer;
use super::capability::LOCALES;
use super::command::{Dialect, Request};
use crate::core::calendars::CalendarView;
use crate::core::store_properties::{self, Set};
use crate::core::{Core, Error};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::Timestamp;
use crate::ical::value;
use crate::ical::vtimezone;

/// The rights that every calendar begins with.
const DEFAULT_RIGHTS: [&str; 4] = [
    "READBUSYTIMEINFO",
    "REQUESTONLY",
    "UPDATEPARTSTATUS",
    "DEFAULTOWNER",
];

/// One of them in dialect B (RFC 4324 section 9.2): whom it allows what, where, and what has to hold then.
struct Right {
    name: &'static str,
    grant: &'static str,
    permission: &'static str,
    queries: &'static [(&'static str, &'static str)],
}

const DEFAULT_RIGHTS_IN_B: [Right; 4] = [
    Right {
        name: "READBUSYTIMEINFO",
        grant: "*",
        permission: "SEARCH",
        queries: &[("SCOPE", "SELECT * FROM VFREEBUSY WHERE STATE() = 'BOOKED'")],
    },
    Right {
        name: "REQUESTONLY",
        grant: "NOT CAL-OWNERS()",
        permission: "CREATE",
        queries: &[
            (
                "RESTRICTION",
                "SELECT * FROM VEVENT WHERE METHOD = 'REQUEST'",
            ),
            (
                "RESTRICTION",
                "SELECT * FROM VTODO WHERE METHOD = 'REQUEST'",
            ),
            (
                "RESTRICTION",
                "SELECT * FROM VJOURNAL WHERE METHOD = 'REQUEST'",
            ),
        ],
    },
    Right {
        name: "UPDATEPARTSTATUS",
        grant: "*",
        permission: "MODIFY",
        queries: &[
            (
                "SCOPE",
                "SELECT ATTENDEE FROM VEVENT WHERE ATTENDEE = SELF() AND ORGANIZER = CURRENT-TARGET() AND STATE() = 'BOOKED'",
            ),
            (
                "RESTRICTION",
                "SELECT * FROM VEVENT WHERE ATTENDEE = SELF()",
            ),
        ],
    },
    Right {
        name: "DEFAULTOWNER",
        grant: "CAL-OWNERS()",
        permission: "*",
        queries: &[("SCOPE", "SELECT * FROM VAGENDA")],
    },
];

/// The rights that every calendar begins with, by name, as dialect B has them.
pub(super) fn default_right_in_b(name: &str) -> Option<Component> {
    let right = DEFAULT_RIGHTS_IN_B
        .iter()
        .find(|right| right.name == name)?;
    let mut inner = Component::new("VRIGHT")
        .with(Property::new("GRANT", right.grant))
        .with(Property::new("PERMISSION", right.permission));
    for (name, query) in right.queries {
        inner.push(Property::new(name, query));
    }
    let mut made = Component::new("VCAR").with(Property::new("CARID", right.name));
    made.push_component(inner);
    Some(made)
}

/// Whether messages about what is booked are applied at once; else the client works the queue.
pub(super) const AUTO_SCHEDULE: &str = "X-WCAPD-AUTO-SCHEDULE";

/// What a property of a calendar or of the store is called in each dialect, empty where it is not there, and by others.
struct Row {
    a: &'static str,
    b: &'static str,
    other: &'static str,
}

const fn row(a: &'static str, b: &'static str, other: &'static str) -> Row {
    Row { a, b, other }
}

/// A calendar's.
const CALENDAR: [Row; 16] = [
    row("RELCALID", "CALID", ""),
    row("OWNER", "OWNER", "OWNERS"),
    row("CALMASTER", "CALMASTER", ""),
    row("NAME", "NAME", ""),
    row("ALLOW-CONFLICTS", "ALLOW-CONFLICT", ""),
    row("CALSCALE", "CALSCALE", ""),
    row("CHARSET", "DEFAULT-CHARSET", ""),
    row("LANGUAGE", "DEFAULT-LOCALE", ""),
    row("TZID", "DEFAULT-TZID", ""),
    row("PARENT", "PARENT", ""),
    row("CHILDREN", "CHILDREN", ""),
    row("RELATED-TO", "RELATED-TO", ""),
    row("TOMBSTONE", "TOMBSTONE", ""),
    row("CREATED", "CREATED", ""),
    row("LAST-MODIFIED", "LAST-MODIFIED", ""),
    row(AUTO_SCHEDULE, AUTO_SCHEDULE, ""),
];

/// Of a calendar's properties those that no client changes.
const FIXED: [&str; 5] = ["RELCALID", "CALID", "PARENT", "CHILDREN", "CREATED"];

/// The store's that can be set.
const STORE: [Row; 8] = [
    row("CALMASTER", "CALMASTER", ""),
    row("DEFAULT_VCARS", "DEFAULT-VCARS", ""),
    row("ALLOW-CONFLICT", "ALLOW-CONFLICT", "ALLOW-CONFLICTS"),
    row("CALSCALE", "CALSCALE", ""),
    row("DEFAULT-CHARSET", "DEFAULT-CHARSET", "CHARSET"),
    row("DEFAULT-LOCALE", "DEFAULT-LOCALE", "LANGUAGE"),
    row("DEFAULT-TZID", "DEFAULT-TZID", "TZID"),
    row("NAME", "NAME", ""),
];

/// What names a calendar in a dialect.
pub(super) fn id_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::A => "RELCALID",
        Dialect::B => "CALID",
    }
}

/// The component of a calendar in a dialect.
pub(super) fn calendar_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::A => "VCALENDAR",
        Dialect::B => "VAGENDA",
    }
}

/// Whether two names are the same property's: `_` and `-` are the same.
fn is_same(a: &str, b: &str) -> bool {
    !a.is_empty()
        && a.replace('_', "-")
            .eq_ignore_ascii_case(&b.replace('_', "-"))
}

fn row_of<'a>(rows: &'a [Row], name: &str) -> Option<&'a Row> {
    rows.iter().find(|row| {
        [row.a, row.b, row.other]
            .iter()
            .any(|known| is_same(known, name))
    })
}

/// Whether a calendar keeps a property that the server does not know.
pub(super) fn is_extra(property: &Property) -> bool {
    row_of(&CALENDAR, property.name()).is_none()
}

/// A calendar's component with all names as the dialect has them.
pub(super) fn canonical(component: &Component, dialect: Dialect) -> Component {
    renamed(component, calendar_name(dialect), &CALENDAR, dialect)
}

/// The store's component with all names as the dialect has them.
pub(super) fn canonical_store(component: &Component, dialect: Dialect) -> Component {
    renamed(component, store_name(dialect), &STORE, dialect)
}

/// Properties of calendars that may stand more than once.
const MANY: [&str; 4] = ["OWNER", "NAME", "RELATED-TO", "CALSCALE"];

/// `old` with what `new` puts something in the place of: a property that can stand once only.
pub(super) fn replacing(now: &Component, old: Component, new: &Component) -> Component {
    let mut old = old;
    for property in new.properties() {
        let name = property.name();
        let many = row_of(&CALENDAR, name).or(row_of(&STORE, name)).is_none()
            || MANY.iter().any(|many| is_same(many, name));
        if !many && old.property(name).is_none() {
            old_of(now, name).into_iter().for_each(|p| old.push(p));
        }
    }
    old
}

fn old_of(now: &Component, name: &str) -> Vec<Property> {
    now.properties_named(name).cloned().collect()
}

fn store_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::A => "CALSTORE",
        Dialect::B => "VCALSTORE",
    }
}

fn renamed(component: &Component, name: &str, rows: &[Row], dialect: Dialect) -> Component {
    let mut made = Component::new(name);
    for property in component.properties() {
        let property = with_language(property);
        let wanted = row_of(rows, property.name()).map(|row| match dialect {
            Dialect::A => row.a,
            Dialect::B => row.b,
        });
        match wanted {
            Some(wanted) if !property.is(wanted) => made.push(property.renamed(wanted)),
            _ => made.push(property),
        }
    }
    for part in component.components() {
        made.push_component(part.clone());
    }
    made
}

/// A NAME whose value begins with its parameters, as the draft prints one (section 7.2.1.1), with them where they belong.
fn with_language(property: &Property) -> Property {
    if !property.is("NAME") {
        return property.clone();
    }
    let Some((head, name)) = property.value().split_once(':') else {
        return property.clone();
    };
    let mut made = property.clone().with_value(name);
    for part in head.split(';') {
        match part.split_once('=') {
            Some((param, value)) if param.eq_ignore_ascii_case("LANGUAGE") => {
                made = made.with_param("LANGUAGE", value);
            }
            Some((param, _)) if param.eq_ignore_ascii_case("CHARSET") => {}
            _ => return property.clone(),
        }
    }
    made
}

/// Refuses to change what is fixed of a calendar.
pub(super) fn check_fixed(now: &Component, after: &Component) -> Result<(), Answer> {
    let fixed = |name: &str| !now.properties_named(name).eq(after.properties_named(name));
    let related = |component: &Component| -> Vec<String> {
        let computed = |p: &&Property| p.is("RELATED-TO") && p.param("RELTYPE").is_some();
        let lines = component.properties().filter(computed);
        lines.map(|p| p.as_line().to_owned()).collect()
    };
    match FIXED.iter().copied().find(|name| fixed(name)) {
        Some(name) => Err(Answer::of("3.1", format!("{name} is not changed so"))),
        None if related(now) != related(after) => {
            Err(Answer::of("3.1", "RELATED-TO is not changed so"))
        }
        None => Ok(()),
    }
}

/// Refuses to change what is fixed of the store.
pub(super) fn check_fixed_store(now: &Component, after: &Component) -> Result<(), Answer> {
    let fixed = |component: &Component| -> Vec<String> {
        let fixed = |p: &&Property| row_of(&STORE, p.name()).is_none();
        let lines = component.properties().filter(fixed);
        lines.map(|p| p.as_line().to_owned()).collect()
    };
    match fixed(now) == fixed(after) {
        true => Ok(()),
        false => Err(Answer::of(
            "3.1",
            "expected properties of the store that can be set",
        )),
    }
}

/// What is to be set of the store for it to be as `after` says. Errors: the answer to values that are none.
pub(super) fn settable(now: &Component, after: &Component) -> Result<Set, Answer> {
    let mut set = Set::new();
    for row in &STORE {
        let lines = |component: &Component| -> Vec<String> {
            let of = component
                .properties()
                .filter(|p| row_of(&STORE, p.name()).is_some_and(|r| r.b == row.b));
            of.map(|p| p.renamed(row.b).as_line().to_owned()).collect()
        };
        let wanted = lines(after);
        if lines(now) == wanted {
            continue;
        }
        let values = after
            .properties()
            .filter(|p| row_of(&STORE, p.name()).is_some_and(|r| r.b == row.b));
        for property in values {
            check_store(row.b, &property.to_text())?;
        }
        set.push((row.b.to_owned(), wanted));
    }
    Ok(set)
}

fn check_store(name: &str, value: &str) -> Result<(), Answer> {
    let listed = |wanted: &str| {
        value
            .split(',')
            .any(|v| v.trim().eq_ignore_ascii_case(wanted))
    };
    let sound = match name {
        "ALLOW-CONFLICT" => value::boolean(value.trim()).is_ok(),
        "CALSCALE" => listed("GREGORIAN"),
        "DEFAULT-CHARSET" => listed("UTF-8"),
        "DEFAULT-LOCALE" => listed("POSIX"),
        "DEFAULT-TZID" => listed("UTC"),
        "DEFAULT-VCARS" => DEFAULT_RIGHTS.iter().all(|wanted| listed(wanted)),
        "CALMASTER" => value.contains(':') || value.contains('@'),
        _ => true,
    };
    match sound {
        true => Ok(()),
        false => Err(Answer::of(
            "3.1",
            format!("'{value}' cannot be the store's {name}"),
        )),
    }
}

/// The names of a calendar's owners, as its properties write them.
pub(super) fn owners(core: &Core, view: &CalendarView) -> Vec<String> {
    let domain = &core.settings().domain;
    let upn = |name: &String| match name.contains('@') {
        true => name.clone(),
        false => format!("{name}@{domain}"),
    };
    std::iter::once(&view.primary_owner)
        .chain(&view.owners)
        .map(upn)
        .collect()
}

/// A calendar's properties.
pub(super) fn calendar(request: &Request<'_>, core: &Core, view: &CalendarView) -> Component {
    let properties = &view.calendar.properties;
    let own = &view.calendar;
    let a = request.dialect == Dialect::A;
    let mut made = Component::new(if a { "VCALENDAR" } else { "VAGENDA" });
    let mut add = |a_name: &str, b_name: &str, value: &str| {
        let name = if a { a_name } else { b_name };
        if !name.is_empty() && !value.is_empty() {
            made.push(Property::text(name, value));
        }
    };
    let language = match properties.language.as_str() {
        "" => "en",
        language => language,
    };
    let charset = match properties.charset.as_str() {
        "" => "UTF-8",
        charset => charset,
    };
    let name = match properties.name.as_str() {
        "" => &view.calid,
        name => name,
    };
    add("RELCALID", "CALID", &view.calid);
    for owner in owners(core, view) {
        add("OWNER", "OWNER", &owner);
    }
    add("CALMASTER", "CALMASTER", &properties.master);
    let extra = own
        .extra
        .iter()
        .filter_map(|line| Property::from_line(line.as_str()).ok());
    let (names, extra): (Vec<Property>, Vec<Property>) = extra.partition(|p| p.is("NAME"));
    if !names.iter().any(|said| said.to_text() == *name) {
        add("NAME", "NAME", name);
    }
    let conflicts = if properties.double_booking {
        "TRUE"
    } else {
        "FALSE"
    };
    add("ALLOW-CONFLICTS", "ALLOW-CONFLICT", conflicts);
    add("CALSCALE", "CALSCALE", "GREGORIAN");
    add("CHARSET", "DEFAULT-CHARSET", charset);
    add("LANGUAGE", "DEFAULT-LOCALE", language);
    add("TZID", "DEFAULT-TZID", &properties.tzid);
    let said = |flag: bool| if flag { "TRUE" } else { "FALSE" };
    add("TOMBSTONE", "TOMBSTONE", said(own.tombstone));
    add(AUTO_SCHEDULE, AUTO_SCHEDULE, said(properties.auto_schedule));
    add("CREATED", "CREATED", &own.created.to_string());
    let modified = core.calendar_modified(own).max(own.modified);
    add("LAST-MODIFIED", "LAST-MODIFIED", &modified.to_string());
    relatives(request, core, view, &mut made);
    names.into_iter().chain(extra).for_each(|p| made.push(p));
    made
}

/// Parents and children: properties of their own in the draft, relations in RFC 4324.
fn relatives(request: &Request<'_>, core: &Core, view: &CalendarView, made: &mut Component) {
    let address = |calid: &String| qualified(calid, &request.settings.csid);
    let children = core
        .children_of(request.caller, &view.calid)
        .unwrap_or_default();
    if request.dialect == Dialect::A {
        if let Some(parent) = &view.parent {
            made.push(Property::new("PARENT", address(parent)));
        }
        if !children.is_empty() {
            let children: Vec<String> = children.iter().map(address).collect();
            made.push(Property::new("CHILDREN", children.join(",")));
        }
        return;
    }
    let related = |calid: &String, reltype: &str| {
        Property::new("RELATED-TO", address(calid)).with_param("RELTYPE", reltype)
    };
    let parent = view.parent.iter().map(|calid| related(calid, "PARENT"));
    let children = children.iter().map(|calid| related(calid, "CHILD"));
    parent.chain(children).for_each(|p| made.push(p));
}

/// The zone that a calendar's times are of.
pub(super) fn timezone(view: &CalendarView) -> Option<Component> {
    vtimezone::named(&view.calendar.properties.tzid)
}

/// The store's properties. Errors: those of the store.
pub(super) fn store(request: &Request<'_>, core: &Core) -> Result<Component, Error> {
    let settings = request.settings;
    let a = request.dialect == Dialect::A;
    let set = core.store_properties()?;
    let mut made = Component::new(store_name(request.dialect));
    let mut add = |a_name: &str, b_name: &str, value: &str| {
        let name = if a { a_name } else { b_name };
        if let Some((_, lines)) = set.iter().find(|(set, _)| is_same(set, b_name)) {
            if !name.is_empty() {
                let lines = lines
                    .iter()
                    .filter_map(|line| Property::from_line(line.as_str()).ok());
                lines.for_each(|line| made.push(line.renamed(name)));
            }
        } else if !name.is_empty() && !value.is_empty() {
            made.push(Property::new(name, value));
        }
    };
    let date = |date: Option<Timestamp>, otherwise: &str| {
        date.map_or(otherwise.to_owned(), |date| date.to_string())
    };
    add("CSID", "CSID", &qualified("", &settings.csid));
    // The one mailbox that every domain has (RFC 5321 section 4.5.1).
    let master = format!("mailto:postmaster@{}", core.settings().domain);
    add("CALMASTER", "CALMASTER", &master);
    add("NAME", "NAME", "");
    add("VERSION", "", "2.0");
    add("ALLOW-CONFLICT", store_properties::ALLOW_CONFLICT, "TRUE");
    add("", "CALSCALE", "GREGORIAN");
    add("DEFAULT_VCARS", "DEFAULT-VCARS", &DEFAULT_RIGHTS.join(","));
    add("", "DEFAULT-CHARSET", "UTF-8");
    add("", "DEFAULT-LOCALE", LOCALES);
    let zone = match core.settings().default_tzid.as_str() {
        "UTC" => "UTC".to_owned(),
        zone => format!("{zone},UTC"),
    };
    add("", "DEFAULT-TZID", &zone);
    let earliest = date(settings.min_date, "00000101T000000Z");
    add("MINDATE", "MINDATE", &earliest);
    let latest = date(settings.max_date, "99991231T235959Z");
    add("MAXDATE", "MAXDATE", &latest);
    add("RECUR_ACCEPTED", "RECUR-ACCEPTED", "TRUE");
    add("RECUR_EXPAND", "RECUR-EXPAND", "TRUE");
    let limit = settings.limits.instances.to_string();
    add("RECUR_LIMIT", "RECUR-LIMIT", &limit);
    if a {
        let now = crate::ical::datetime::DateTime::Utc(core.now());
        made.push(value::date_time_property("CURRENT_DATETIME", &now));
    }
    Ok(made)
}
