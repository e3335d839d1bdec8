//! What must survive an import and an export: components, properties, parameters, instances over twenty years. Not
//! the stamps of a door that gives its own, UIDs that were made up, properties of VCALENDARs, VTIMEZONEs nobody
//! names.

use std::collections::BTreeSet;

use wcapd::ical::component::{Component, Entry, Property, unescape_text};
use wcapd::ical::datetime::{TimeRange, Timestamp};
use wcapd::ical::import::{Import, import};
use wcapd::ical::instances::{ExpandError, Series};
use wcapd::ical::object::{CalendarObject, Kind};
use wcapd::ical::parse::Limits;
use wcapd::ical::recur::Work;
use wcapd::ical::rule::Rule;
use wcapd::ical::zone::Zone;

/// How closely texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closeness {
    /// Line by line, stamps included.
    Verbatim,
    /// Line by line, without CREATED and LAST-MODIFIED.
    Stamped,
    /// Values by their type: lists cut, escapes undone, `VALUE` of times that show it left out.
    Typed,
    /// As that, and rules, numbers and parameters in one form, lists of times in one line, what the standard takes
    /// for granted left out.
    Standard,
}

/// An object's meaning.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    uid: String,
    kind: Kind,
    components: Vec<Vec<String>>,
    zones: BTreeSet<String>,
    instances: Result<Vec<(Timestamp, Timestamp, usize, Timestamp)>, ExpandError>,
}

/// Instances above this are too many to compare; that they are must then be the same.
const INSTANCES: usize = 50_000;
/// Twenty years in seconds.
const WINDOW: i64 = 20 * 366 * 86_400;
/// What stands for every UID that was made up.
const MADE_UP: &str = "(made up)";

/// A file as the server reads it.
pub(crate) fn read(bytes: &[u8]) -> Import {
    let mut made = 0;
    import(bytes, &Limits::DEFAULT, &mut || {
        made += 1;
        format!("made up {made}")
    })
}

/// The UIDs that a file gives.
pub(crate) fn given_uids(import: &Import) -> BTreeSet<String> {
    let uids = import.objects.iter().map(|object| object.uid.clone());
    uids.filter(|uid| !uid.starts_with("made up ")).collect()
}

/// How many instances are in `meanings`; of a series with too many none.
pub(crate) fn instances(meanings: &[Meaning]) -> usize {
    let found = meanings.iter().filter_map(|m| m.instances.as_ref().ok());
    found.map(Vec::len).sum()
}

/// What the objects mean, in an order that does not depend on theirs. UIDs besides `given` were made up.
pub(crate) fn meanings(
    objects: &[CalendarObject],
    given: &BTreeSet<String>,
    closeness: Closeness,
) -> Vec<Meaning> {
    let floating = Zone::named("Europe/Berlin").unwrap();
    let mut meanings: Vec<_> = objects
        .iter()
        .map(|object| {
            let uid = match given.contains(&object.uid) {
                true => object.uid.clone(),
                false => MADE_UP.to_owned(),
            };
            let components = object.components.iter();
            Meaning {
                components: components.map(|c| lines(c, &uid, closeness)).collect(),
                uid,
                kind: object.kind,
                zones: zones(object),
                instances: expand(object, &floating),
            }
        })
        .collect();
    meanings.sort_by(|a, b| (&a.uid, &a.components).cmp(&(&b.uid, &b.components)));
    meanings
}

fn zones(object: &CalendarObject) -> BTreeSet<String> {
    let tzids = object.timezones.iter().filter_map(|z| z.property("TZID"));
    tzids.map(|tzid| tzid.to_text().into_owned()).collect()
}

fn expand(
    object: &CalendarObject,
    floating: &Zone,
) -> Result<Vec<(Timestamp, Timestamp, usize, Timestamp)>, ExpandError> {
    let mut work = Work::new(Work::DEFAULT);
    let series = Series::of(object, floating, &mut work)?;
    let Some(span) = series.span(&mut work) else {
        return Ok(Vec::new());
    };
    let window = TimeRange::lasting(span.start(), WINDOW);
    let found = series.instances(window, INSTANCES, &mut work)?;
    let facts = |i: wcapd::ical::instances::Instance| (i.start, i.end, i.component, i.original);
    Ok(found.into_iter().map(facts).collect())
}

/// A component as lines, its alarms and the like indented.
fn lines(component: &Component, uid: &str, closeness: Closeness) -> Vec<String> {
    let mut out = vec![component.name().to_ascii_uppercase()];
    for entry in component.entries() {
        match entry {
            Entry::Property(p) if p.is("UID") => out.push(format!("UID:{uid}")),
            Entry::Property(p) if is_stamp(p) && closeness != Closeness::Verbatim => {}
            Entry::Property(p) if closeness == Closeness::Typed => typed(p, &mut out),
            Entry::Property(p) if closeness == Closeness::Standard => out.push(standard(p)),
            Entry::Property(p) => out.push(p.as_line().to_owned()),
            Entry::Component(inner) => {
                let inner = lines(inner, uid, closeness);
                out.extend(inner.iter().map(|line| format!(" {line}")));
            }
        }
    }
    out
}

fn is_stamp(property: &Property) -> bool {
    property.is("CREATED") || property.is("LAST-MODIFIED")
}

/// Properties whose values are texts.
const TEXT: [&str; 13] = [
    "ACTION",
    "CLASS",
    "COMMENT",
    "CONTACT",
    "DESCRIPTION",
    "LOCATION",
    "RELATED-TO",
    "STATUS",
    "SUMMARY",
    "TRANSP",
    "TZID",
    "TZNAME",
    "CALSCALE",
];

/// The property's values, one to a line, behind its name and parameters.
fn typed(property: &Property, out: &mut Vec<String>) {
    let name = property.name().to_ascii_uppercase();
    let value = property.value();
    let values: Vec<String> = match name.as_str() {
        // Not done.
        "COMPLETED" if value.trim() == "0" => return,
        "EXDATE" | "RDATE" => value.split(',').map(|v| v.trim().to_owned()).collect(),
        "RESOURCES" => items(value),
        "CATEGORIES" => vec![items(value).join("\u{1f}")],
        name if TEXT.contains(&name) => vec![property.to_text().into_owned()],
        _ => vec![value.trim().to_owned()],
    };
    // A parameter that stands twice is one with the values of both.
    let mut params: Vec<(String, Vec<String>)> = Vec::new();
    for param in property.params() {
        let shown = param.is("VALUE") && ["DATE", "DATE-TIME"].contains(&param.raw());
        let name = param.name().to_ascii_uppercase();
        let values = param.values().map(|value| value.into_owned());
        match params.iter_mut().find(|(other, _)| *other == name) {
            _ if shown => {}
            Some((_, all)) => all.extend(values),
            None => params.push((name, values.collect())),
        }
    }
    let mut head = name;
    for (name, values) in params {
        head.push_str(&format!(";{name}={}", values.join("\u{1f}")));
    }
    out.extend(values.into_iter().map(|value| format!("{head}:{value}")));
}

/// The property in the one form that all ways to write it have.
fn standard(property: &Property) -> String {
    // What needs not be said: the type that a property has anyway, and that of a time that shows it.
    const USUAL: [(&str, &str); 6] = [
        ("ATTACH", "URI"),
        ("URL", "URI"),
        ("TRIGGER", "DURATION"),
        ("FREEBUSY", "PERIOD"),
        ("SUMMARY", "TEXT"),
        ("DESCRIPTION", "TEXT"),
    ];
    let name = property.name().to_ascii_uppercase();
    let value = property.value().trim();
    let said = property
        .param("VALUE")
        .map(|said| said.to_ascii_uppercase());
    let text = said.as_deref() == Some("TEXT") || name == "UID" || TEXT.contains(&name.as_str());
    let value = match name.as_str() {
        "CATEGORIES" | "RESOURCES" => items(property.value()).join("\u{1f}"),
        _ if text => property.to_text().into_owned(),
        "REQUEST-STATUS" => property.to_text().into_owned(),
        "RRULE" | "EXRULE" => match Rule::parse(value) {
            Ok(rule) => rule.to_string(),
            Err(_) => value.to_owned(),
        },
        "GEO" => {
            let numbers = value
                .split(';')
                .map(|n| n.parse::<f64>().map(|n| n.to_string()));
            match numbers.collect::<Result<Vec<_>, _>>() {
                Ok(numbers) => numbers.join(";"),
                Err(_) => value.to_owned(),
            }
        }
        "PRIORITY" | "SEQUENCE" | "PERCENT-COMPLETE" | "REPEAT" => match value.parse::<i64>() {
            Ok(number) => number.to_string(),
            Err(_) => value.to_owned(),
        },
        _ => {
            let items: Vec<_> = value.split(',').map(str::trim).collect();
            items.join(",")
        }
    };
    let mut params: Vec<(String, Vec<String>)> = Vec::new();
    for param in property.params() {
        let usual = |said: &str| {
            let time = ["DATE", "DATE-TIME", "PERIOD"].contains(&said);
            time || USUAL.contains(&(name.as_str(), said))
        };
        if param.is("VALUE") && said.as_deref().is_some_and(usual) {
            continue;
        }
        let name = param.name().to_ascii_uppercase();
        let values = param.values().map(|value| value.into_owned());
        match params.iter_mut().find(|(other, _)| *other == name) {
            Some((_, all)) => all.extend(values),
            None => params.push((name, values.collect())),
        }
    }
    params.sort();
    let mut head = name;
    for (name, values) in params {
        head.push_str(&format!(";{name}={}", values.join("\u{1f}")));
    }
    format!("{head}:{value}")
}

/// The items of a list of TEXT.
fn items(value: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut escaped = false;
    for c in value.chars() {
        if c == ',' && !escaped {
            items.push(String::new());
        } else if let Some(item) = items.last_mut() {
            item.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    items
        .iter()
        .map(|item| unescape_text(item).into_owned())
        .collect()
}
