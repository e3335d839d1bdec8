//! Calendars and the store as components, so that they can be asked for like others (draft-ietf-calsch-cap-04 sections
//! 11.1 and 11.2; RFC 4324 section 8 for dialect B).

use super::command::{Dialect, Request, qualified};
use crate::core::Core;
use crate::core::calendars::CalendarView;
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
    add("CALMASTER", "", &properties.master);
    add("NAME", "NAME", name);
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
    if let Some(parent) = &view.parent {
        add("PARENT", "", &qualified(parent, &request.settings.csid));
    }
    add("TOMBSTONE", "", "FALSE");
    add("CREATED", "CREATED", &own.created.to_string());
    add("LAST-MODIFIED", "LAST-MODIFIED", &own.modified.to_string());
    made
}

/// The zone that a calendar's times are of.
pub(super) fn timezone(view: &CalendarView) -> Option<Component> {
    vtimezone::named(&view.calendar.properties.tzid)
}

/// The store's properties.
pub(super) fn store(request: &Request<'_>, core: &Core) -> Component {
    let settings = request.settings;
    let a = request.dialect == Dialect::A;
    let mut made = Component::new(if a { "CALSTORE" } else { "VCALSTORE" });
    let mut add = |a_name: &str, b_name: &str, value: &str| {
        let name = if a { a_name } else { b_name };
        if !name.is_empty() {
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
    add("VERSION", "", "2.0");
    add("", "ALLOW-CONFLICT", "TRUE");
    add("", "CALSCALE", "GREGORIAN");
    add("DEFAULT_VCARS", "DEFAULT-VCARS", &DEFAULT_RIGHTS.join(","));
    add("", "DEFAULT-CHARSET", "UTF-8");
    add("", "DEFAULT-LOCALE", "POSIX,en");
    let zone = match core.settings().default_tzid.as_str() {
        "UTC" => "UTC".to_owned(),
        zone => format!("{zone},UTC"),
    };
    add("", "DEFAULT-TZID", &zone);
    add(
        "MINDATE",
        "MINDATE",
        &date(settings.min_date, "00000101T000000Z"),
    );
    add(
        "MAXDATE",
        "MAXDATE",
        &date(settings.max_date, "99991231T235959Z"),
    );
    add("RECUR_ACCEPTED", "RECUR-ACCEPTED", "TRUE");
    add("RECUR_EXPAND", "RECUR-EXPAND", "TRUE");
    let limit = settings.limits.instances.to_string();
    add("RECUR_LIMIT", "RECUR-LIMIT", &limit);
    if a {
        let now = crate::ical::datetime::DateTime::Utc(core.now());
        made.push(value::date_time_property("CURRENT_DATETIME", &now));
    }
    made
}
