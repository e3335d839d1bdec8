//! A calendar object: the components of one UID, with the time zones they use (RFC 5545 section 3.8.4.7).
//!
//! [`split`] groups what was parsed into objects, [`to_calendar`] puts objects into one VCALENDAR again. Whether
//! a component is sound is `check`'s question; here only the shape counts.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use super::component::{Component, Entry, Property};
use super::value;

/// What a calendar object is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Kind {
    /// VEVENT
    Event,
    /// VTODO
    Todo,
    /// VJOURNAL
    Journal,
}

impl Kind {
    /// The kind of a component called `name`; letter case does not count.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Event, Self::Todo, Self::Journal]
            .into_iter()
            .find(|kind| kind.component_name().eq_ignore_ascii_case(name))
    }

    /// The component's name: VEVENT, VTODO, VJOURNAL.
    pub fn component_name(self) -> &'static str {
        match self {
            Self::Event => "VEVENT",
            Self::Todo => "VTODO",
            Self::Journal => "VJOURNAL",
        }
    }
}

/// Master (at most one, then first) and overrides of one UID, and the VTIMEZONEs they name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarObject {
    /// What all its components are.
    pub kind: Kind,
    /// The UID, unescaped, kept to the byte.
    pub uid: String,
    /// The master first if there is one, then overrides (those with RECURRENCE-ID) in source order.
    pub components: Vec<Component>,
    /// VTIMEZONE components the times refer to, in source order.
    pub timezones: Vec<Component>,
}

impl CalendarObject {
    /// The component without RECURRENCE-ID, if there is one.
    pub fn master(&self) -> Option<&Component> {
        self.components.first().filter(|c| !is_override(c))
    }

    /// The components with RECURRENCE-ID, in source order.
    pub fn overrides(&self) -> &[Component] {
        match self.master() {
            Some(_) => &self.components[1..],
            None => &self.components,
        }
    }

    /// The TZIDs its components name, alarms included, each once, in source order.
    pub fn tzids(&self) -> Vec<String> {
        tzids(&self.components)
    }
}

/// The TZIDs that components name, what is in them included, each once, in source order.
pub fn tzids<'a>(components: impl IntoIterator<Item = &'a Component>) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut tzids = Vec::new();
    for component in components {
        visit(component, &mut |property| {
            for param in property.params().filter(|p| p.is("TZID")) {
                for tzid in param.values().filter(|tzid| !tzid.trim().is_empty()) {
                    if !seen.contains(tzid.as_ref()) {
                        seen.insert(tzid.to_string());
                        tzids.push(tzid.into_owned());
                    }
                }
            }
        });
    }
    tzids
}

fn is_override(component: &Component) -> bool {
    component.property("RECURRENCE-ID").is_some()
}

/// Shows every property, those of sub-components included, to `see`.
fn visit(component: &Component, see: &mut impl FnMut(&Property)) {
    // Recursion as deep as the parser's limit.
    component.properties().for_each(&mut *see);
    for inner in component.components() {
        visit(inner, see);
    }
}

/// What a VCALENDAR says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// METHOD: what an iTIP message wants (RFC 5546).
    pub method: Option<String>,
    /// X-WR-TIMEZONE: the zone that programs from Apple and Google mean by floating times.
    pub timezone: Option<String>,
    /// X-WR-CALNAME, or NAME (RFC 7986).
    pub name: Option<String>,
}

impl Header {
    /// What `calendar`'s own properties say; blank ones count as absent.
    pub fn of(calendar: &Component) -> Self {
        let text = |name| {
            let text = calendar.property(name)?.to_text();
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        Self {
            method: text("METHOD"),
            timezone: text("X-WR-TIMEZONE"),
            name: text("NAME").or_else(|| text("X-WR-CALNAME")),
        }
    }
}

/// A component that is in no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Rejected {
    /// Line of its BEGIN; 0 for a component that was not read from text.
    pub line: u32,
    /// Its name, as written.
    pub name: String,
    /// Its UID, if it has one.
    pub uid: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// Why a component cannot be part of an object. Lines are those of the component kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A VFREEBUSY: busy times are computed, not stored.
    #[error("expected VEVENT, VTODO or VJOURNAL; free/busy time is computed, not stored")]
    FreeBusy,
    /// Neither an event, a to-do nor a journal entry: no calendar has a place for it.
    #[error("expected VEVENT, VTODO or VJOURNAL, found {0}")]
    Unknown(String),
    /// A second component of the UID without RECURRENCE-ID.
    #[error("expected one component without RECURRENCE-ID for this UID; the first is in line {0}")]
    SecondMaster(u32),
    /// A second component of the UID with this RECURRENCE-ID and RANGE.
    #[error("expected one component for this UID and RECURRENCE-ID; the first is in line {0}")]
    SecondOverride(u32),
    /// The UID belongs to a component of another kind.
    #[error("expected another UID; in line {0} a {1} has it")]
    OtherKind(u32, &'static str),
    /// A VTIMEZONE without TZID: nothing can name it.
    #[error("expected a TZID in VTIMEZONE")]
    UnnamedZone,
}

/// A parsed stream, grouped.
#[derive(Debug, Clone, Default)]
pub struct Split {
    /// The objects, by the first appearance of their UID.
    pub objects: Vec<CalendarObject>,
    /// What is in none of them, in source order. VTIMEZONEs that nobody names are not listed: nothing is lost
    /// with them.
    pub rejected: Vec<Rejected>,
    /// The headers of the VCALENDARs, in source order.
    pub headers: Vec<Header>,
}

/// Groups components into objects by UID and kind.
///
/// `components` are VCALENDARs or what stands in them; a VTIMEZONE counts first in its own VCALENDAR, then in
/// the whole stream. A component without UID gets one from `new_uid`. Components of any other name, `X-` ones
/// included, are rejected: a calendar holds events, to-dos and journal entries.
pub fn split(components: Vec<Component>, new_uid: &mut dyn FnMut() -> String) -> Split {
    let mut grouping = Grouping::default();
    for (number, component) in components.into_iter().enumerate() {
        if component.is("VCALENDAR") {
            grouping.calendar = number + 1;
            grouping.split.headers.push(Header::of(&component));
            for entry in component.into_entries() {
                if let Entry::Component(inner) = entry {
                    grouping.add(inner, new_uid);
                }
            }
        } else {
            // Bare components belong together.
            grouping.calendar = 0;
            grouping.add(component, new_uid);
        }
    }
    grouping.finish()
}

#[derive(Default)]
struct Grouping {
    split: Split,
    /// Number of the VCALENDAR at hand; 0 for bare components.
    calendar: usize,
    /// UID to place in `split.objects`.
    places: HashMap<String, usize>,
    /// For each object the RECURRENCE-IDs it has, with their lines, and the VCALENDAR of its first component.
    seen: Vec<(HashMap<String, u32>, usize)>,
    zones: Vec<Component>,
    /// (VCALENDAR, TZID) to place in `zones`.
    zone_places: HashMap<(usize, String), usize>,
    /// TZID to the first of that name in the stream.
    any_zone: HashMap<String, usize>,
}

impl Grouping {
    fn add(&mut self, component: Component, new_uid: &mut dyn FnMut() -> String) {
        if component.is("VTIMEZONE") {
            return self.add_zone(component);
        }
        let Some(kind) = Kind::of(component.name()) else {
            let reason = match component.is("VFREEBUSY") {
                true => Reason::FreeBusy,
                false => Reason::Unknown(component.name().chars().take(40).collect()),
            };
            return self.reject(&component, reason);
        };
        let mut component = component;
        let uid = match uid(&component) {
            Some(uid) => uid,
            None => {
                let uid = new_uid();
                component.set(Property::text("UID", &uid));
                uid
            }
        };
        match self.places.get(&uid) {
            Some(&place) => self.join(place, kind, component),
            None => {
                self.places.insert(uid.clone(), self.split.objects.len());
                let line = component.source_line();
                let seen = HashMap::from([(recurrence_key(&component), line)]);
                self.seen.push((seen, self.calendar));
                self.split.objects.push(CalendarObject {
                    kind,
                    uid,
                    components: vec![component],
                    timezones: Vec::new(),
                });
            }
        }
    }

    fn add_zone(&mut self, zone: Component) {
        let Some(property) = zone
            .property("TZID")
            .filter(|p| !p.value().trim().is_empty())
        else {
            return self.reject(&zone, Reason::UnnamedZone);
        };
        // The parameter that refers to it knows no escapes, but some programs escape the property.
        let names = [property.value().to_owned(), property.to_text().into_owned()];
        let place = self.zones.len();
        for name in names {
            self.any_zone.entry(name.clone()).or_insert(place);
            self.zone_places
                .entry((self.calendar, name))
                .or_insert(place);
        }
        self.zones.push(zone);
    }

    /// Adds a component to the object of its UID.
    fn join(&mut self, place: usize, kind: Kind, component: Component) {
        let object = &mut self.split.objects[place];
        if object.kind != kind {
            let first = object.components[0].source_line();
            let reason = Reason::OtherKind(first, object.kind.component_name());
            return self.reject(&component, reason);
        }
        let key = recurrence_key(&component);
        let seen = &mut self.seen[place].0;
        if let Some(&first) = seen.get(&key) {
            let reason = match key.is_empty() {
                true => Reason::SecondMaster(first),
                false => Reason::SecondOverride(first),
            };
            return self.reject(&component, reason);
        }
        let at = if key.is_empty() {
            0
        } else {
            object.components.len()
        };
        seen.insert(key, component.source_line());
        object.components.insert(at, component);
    }

    fn reject(&mut self, component: &Component, reason: Reason) {
        self.split.rejected.push(Rejected {
            line: component.source_line(),
            name: component.name().to_owned(),
            uid: uid(component),
            reason,
        });
    }

    /// Gives each object the zones it names.
    fn finish(mut self) -> Split {
        for (object, (_, calendar)) in self.split.objects.iter_mut().zip(&self.seen) {
            let mut used: Vec<_> = object
                .tzids()
                .into_iter()
                .filter_map(|tzid| {
                    let own = self.zone_places.get(&(*calendar, tzid.clone()));
                    own.or_else(|| self.any_zone.get(&tzid)).copied()
                })
                .collect();
            used.sort_unstable();
            used.dedup();
            object.timezones = used.iter().map(|&at| self.zones[at].clone()).collect();
        }
        self.split
    }
}

/// The UID, unescaped; none when it is empty.
fn uid(component: &Component) -> Option<String> {
    let uid = component.property("UID")?.to_text();
    (!uid.is_empty()).then(|| uid.into_owned())
}

/// What tells the components of one UID apart: empty for the master.
fn recurrence_key(component: &Component) -> String {
    let Some(property) = component.property("RECURRENCE-ID") else {
        return String::new();
    };
    let time = match value::date_time(property) {
        Ok(time) => format!("{time} {}", time.tzid().unwrap_or_default()),
        Err(_) => property.value().to_owned(),
    };
    let range = property.param("RANGE").unwrap_or_default();
    format!("{time} {}", range.to_ascii_uppercase())
}

/// One VCALENDAR with all objects: `properties`, each VTIMEZONE once, then the components in order.
///
/// Where two objects mean different things by one TZID, the later one's is renamed, with the times that name it.
pub fn to_calendar<'a>(
    objects: impl IntoIterator<Item = &'a CalendarObject>,
    properties: impl IntoIterator<Item = Property>,
) -> Component {
    let mut calendar = Component::new("VCALENDAR");
    properties.into_iter().for_each(|p| calendar.push(p));
    let mut zones = ZoneNames::default();
    let mut components = Vec::new();
    for object in objects {
        let renamed: Vec<_> = object
            .timezones
            .iter()
            .filter_map(|zone| zones.add(zone))
            .collect();
        components.extend(object.components.iter().map(|component| {
            let component = component.clone();
            match renamed.is_empty() {
                true => component,
                false => with_zones_renamed(component, &renamed),
            }
        }));
    }
    for zone in zones.zones {
        calendar.push_component(zone);
    }
    for component in components {
        calendar.push_component(component);
    }
    calendar
}

/// The VTIMEZONEs of a calendar to be, no two of one name.
#[derive(Default)]
struct ZoneNames {
    zones: Vec<Component>,
    places: HashMap<String, usize>,
}

impl ZoneNames {
    /// Adds a zone unless it is there already; answers old and new name if it had to be renamed.
    fn add(&mut self, zone: &Component) -> Option<(String, String)> {
        let old = zone.property("TZID")?.to_text().into_owned();
        let mut name = old.clone();
        for number in 2_u32.. {
            match self.places.get(&name) {
                Some(&place) if same_zone(&self.zones[place], zone) => break,
                Some(_) => name = format!("{old} {number}"),
                None => {
                    let mut zone = zone.clone();
                    if name != old {
                        zone.set(Property::text("TZID", &name));
                    }
                    self.places.insert(name.clone(), self.zones.len());
                    self.zones.push(zone);
                    break;
                }
            }
        }
        (name != old).then_some((old, name))
    }
}

/// Whether two VTIMEZONEs say the same about time; names and comments do not count.
fn same_zone(a: &Component, b: &Component) -> bool {
    const TIMES: [&str; 5] = ["DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"];
    let times = |zone: &Component| {
        let mut observances: Vec<_> = zone
            .components()
            .map(|observance| {
                let mut lines: Vec<_> = observance
                    .properties()
                    .filter(|p| TIMES.iter().any(|name| p.is(name)))
                    .map(|p| (p.name().to_ascii_uppercase(), p.value().to_owned()))
                    .collect();
                lines.sort_unstable();
                lines
            })
            .collect();
        observances.sort_unstable();
        observances
    };
    a == b || times(a) == times(b)
}

/// The component with other TZID parameters, in sub-components too.
fn with_zones_renamed(mut component: Component, renamed: &[(String, String)]) -> Component {
    component.map_properties(|property| {
        let tzid = property.param("TZID").map(|tzid| tzid.into_owned());
        match renamed.iter().find(|(old, _)| Some(old) == tzid.as_ref()) {
            Some((_, new)) => property.without_param("TZID").with_param("TZID", new),
            None => property,
        }
    });
    let mut out = Component::new(component.name()).at_line(component.source_line());
    for entry in component.into_entries() {
        match entry {
            Entry::Property(property) => out.push(property),
            Entry::Component(inner) => {
                out.push_component(with_zones_renamed(inner, renamed));
            }
        }
    }
    out
}
