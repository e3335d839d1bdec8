//! Stored objects as the components of a WCAP answer: which properties, in which form, order and zone.
//!
//! What is stored keeps the form it came in; a client of WCAP wants UTC times beside the name of the zone, calids
//! beside addresses, the server's own stamps, and its properties in Sun's order. Which objects and instances are
//! in an answer, and what of them a reader may see, has been decided before. Sources: the fetch commands of the
//! Calendar Server 6.3 WCAP guide, and what its clients read.

mod alarms;
pub mod attachments;
mod names;
mod people;
mod rules;
#[cfg(test)]
mod tests;
mod times;
mod tombstones;
mod zones;

use crate::core::attachments::Attachments;
use crate::core::items::fetch::{Occurrence, Stamps};
use crate::core::items::people::People;
use crate::core::items::scheduling::Scheduling;
use crate::ical::component::{Component, Entry, Property};
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::instances;
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::zone::Zone;

use names::Name;
use times::{Clock, Ends, Times};
use zones::ZoneBook;

/// How much of a component a client wants: `attrset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Attributes {
    /// 0: UID, times and SUMMARY.
    Brief,
    /// 1: also rules, CLASS, LOCATION and alarms.
    Usual,
    /// 2: everything.
    #[default]
    All,
}

/// How a client wants components written.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// `tzidout`: times local to this zone, without a mark; none: UTC.
    pub zone: Option<Zone>,
    /// `attrset`
    pub attributes: Attributes,
    /// `emailorcalid=1`: people by mail address, their calid in a parameter; else the other way round.
    pub mail: bool,
    /// `relativealarm=1`: alarms by their distance from start or end; else by their time.
    pub relative_alarms: bool,
    /// Whether RRULE, RDATE, EXRULE and EXDATE are given.
    pub rules: bool,
    /// What addresses of this server's commands begin with.
    pub base: String,
}

/// The calendar that the components are from.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The zone of its floating times.
    pub zone: &'a Zone,
    /// Its language: X-NSCP-LANGUAGE.
    pub language: &'a str,
    /// Who an address belongs to.
    pub people: &'a People,
    /// Its calid.
    pub calid: &'a str,
    /// The attachments that the components name.
    pub attachments: &'a Attachments,
}

/// Puts the components of one calendar of an answer together.
#[derive(Debug)]
pub struct Shaper<'a> {
    form: &'a Form,
    place: Place<'a>,
    zones: ZoneBook,
    components: Vec<Component>,
}

impl<'a> Shaper<'a> {
    /// Nothing yet.
    pub fn new(form: &'a Form, place: Place<'a>) -> Self {
        Self {
            form,
            place,
            zones: ZoneBook::default(),
            components: Vec::new(),
        }
    }

    /// Adds the whole object: its master once, then its overrides (`recurring=1`).
    pub fn add(&mut self, object: CalendarObject, stamps: Stamps) {
        let recurs = recurs(&object);
        let since = self.since(&object, recurs);
        for component in object.components {
            let state = self.state(&component);
            let source = Source {
                kind: object.kind,
                stamps,
                state,
                timezones: &object.timezones,
                since,
                occurrence: None,
            };
            let component = self.component(component, &source);
            self.components.push(component);
        }
    }

    /// Adds instances of the object, each as a component of its own (`recurring=0`).
    pub fn add_occurrences(
        &mut self,
        object: &CalendarObject,
        stamps: Stamps,
        occurrences: &[&Occurrence],
    ) {
        let since = self.since(object, recurs(object));
        for &occurrence in occurrences {
            let Some(component) = object.components.get(occurrence.component) else {
                continue;
            };
            let source = Source {
                kind: object.kind,
                stamps,
                state: self.state(component),
                timezones: &object.timezones,
                since,
                occurrence: Some(occurrence),
            };
            let component = self.component(component.clone(), &source);
            self.components.push(component);
        }
    }

    /// The VTIMEZONEs that the components name, then the components in the order they were added.
    pub fn finish(self) -> impl Iterator<Item = Component> + use<> {
        self.zones.into_used().chain(self.components)
    }

    /// Where a component stands between organizer and attendees.
    fn state(&self, component: &Component) -> Scheduling {
        let people = self.place.people;
        Scheduling::of(component, |address| people.is_own(address))
    }

    /// From when on an object's zones have to agree with the database's: its first start if it recurs.
    ///
    /// Asked once for each object, before its components are written.
    fn since(&mut self, object: &CalendarObject, recurs: bool) -> Option<Timestamp> {
        self.zones.turn_page();
        if !recurs {
            return None;
        }
        let first = object.components.first()?;
        let start = crate::ical::value::date_time(first.property("DTSTART")?).ok()?;
        let mut clock = self.clock(&object.timezones, None);
        Some(clock.instant(&start))
    }

    fn clock<'b>(&'b mut self, timezones: &'b [Component], since: Option<Timestamp>) -> Clock<'b> {
        Clock {
            book: &mut self.zones,
            timezones,
            floating: self.place.zone,
            shown_in: self.form.zone.as_ref(),
            since,
        }
    }

    fn component(&mut self, component: Component, source: &Source<'_>) -> Component {
        let form = self.form;
        let place = self.place;
        let mut clock = self.clock(source.timezones, source.since);
        let times = Times::of(&component, source.kind, source.occurrence);
        let ends = times.ends(&mut clock);
        let mut lines = Lines::new(form);
        let name = component.name().to_owned();
        let named = attachments::Named::of(&component, source.occurrence, &mut clock);
        let mut alarms = Vec::new();
        let mut others = Vec::new();
        for entry in component.into_entries() {
            match entry {
                Entry::Property(property) => {
                    let property = match &named {
                        Some(named) => named.shape(property, form, &place),
                        None => property,
                    };
                    lines.take(property, &times, &mut clock, &place);
                }
                Entry::Component(inner) if inner.is("VALARM") => {
                    alarms.push(alarms::shape(inner, &ends, form.relative_alarms));
                }
                Entry::Component(inner) => others.push(inner),
            }
        }
        lines.times(&times, source, &mut clock);
        lines.facts(source, &place);
        let mut shaped = lines.into_component(&name);
        if form.attributes >= Attributes::Usual {
            alarms.into_iter().for_each(|a| shaped.push_component(a));
        }
        if form.attributes == Attributes::All {
            others.into_iter().for_each(|c| shaped.push_component(c));
        }
        shaped
    }
}

/// Whether an object has more than its one component's time.
fn recurs(object: &CalendarObject) -> bool {
    object.components.len() > 1
        || object.components.iter().any(|c| {
            c.properties().any(|p| {
                matches!(
                    names::of(p.name()),
                    Name::Rrule | Name::Rdate | Name::RecurrenceId
                )
            })
        })
}

/// Where a component comes from.
struct Source<'a> {
    kind: Kind,
    stamps: Stamps,
    state: Scheduling,
    timezones: &'a [Component],
    since: Option<Timestamp>,
    occurrence: Option<&'a Occurrence>,
}

/// The properties of a component to be, each with its place in the order.
struct Lines<'a> {
    form: &'a Form,
    lines: Vec<(Name, Property)>,
    organizer_mail: Option<String>,
    language: bool,
    stamped: bool,
}

impl<'a> Lines<'a> {
    fn new(form: &'a Form) -> Self {
        Self {
            form,
            lines: Vec::with_capacity(32),
            organizer_mail: None,
            language: false,
            stamped: false,
        }
    }

    fn push(&mut self, name: Name, property: Property) {
        if name.level() <= self.form.attributes {
            self.lines.push((name, property));
        }
    }

    fn value(&mut self, name: Name, text: impl AsRef<str>) {
        if name.level() <= self.form.attributes {
            self.lines.push((name, Property::new(name.as_str(), text)));
        }
    }

    /// Takes over what was stored. What the server says itself is left out, times come later.
    fn take(
        &mut self,
        property: Property,
        times: &Times,
        clock: &mut Clock<'_>,
        place: &Place<'_>,
    ) {
        let name = names::of(property.name());
        if name.level() > self.form.attributes {
            return;
        }
        match name {
            Name::Rrule | Name::Exrule | Name::Rdate | Name::Exdate if !self.form.rules => {}
            Name::Rrule | Name::Exrule => {
                self.push(name, rules::rule(property, times.start.as_ref(), clock));
            }
            Name::Rdate | Name::Exdate => {
                for property in rules::dates(property, name, clock) {
                    self.push(name, property);
                }
            }
            Name::RecurrenceId if !times.is_occurrence() => {
                self.push(name, rules::recurrence_id(property, clock));
            }
            Name::Organizer => {
                self.organizer_mail = people::mail_of(&property, place.people);
                self.push(
                    name,
                    people::organizer(&property, self.form.mail, place.people),
                );
            }
            Name::Attendee => {
                self.push(
                    name,
                    people::attendee(&property, self.form.mail, place.people),
                );
            }
            Name::Transp => self.push(name, instances::plain_transp(property)),
            _ if name.is_ours() => {}
            _ => {
                self.language |= name == Name::Language;
                self.stamped |= name == Name::Dtstamp;
                self.push(name, property);
            }
        }
    }

    /// DTSTART, DTEND or DUE, RECURRENCE-ID of an instance, and the zones these are of.
    fn times(&mut self, times: &Times, source: &Source<'_>, clock: &mut Clock<'_>) {
        if let Some(id) = source.occurrence.and_then(|o| o.recurrence_id.as_ref()) {
            self.push(Name::RecurrenceId, clock.property(Name::RecurrenceId, id));
        }
        if let Some(start) = &times.start {
            let shown = clock.property(Name::Dtstart, start);
            let all_day = start.is_date();
            self.value(Name::OriginalDtstart, original(source, times, start, clock));
            self.push(Name::Dtstart, shown);
            if let Some(tzid) = clock.listed(start).filter(|_| !all_day) {
                self.value(Name::DtstartTzid, &*tzid);
            }
        }
        let (end_name, tzid_name) = match source.kind {
            Kind::Todo => (Name::Due, Name::DueTzid),
            Kind::Event | Kind::Journal => (Name::Dtend, Name::DtendTzid),
        };
        if let Some(end) = times.end_value(clock) {
            self.push(end_name, clock.property(end_name, &end));
            let zone = clock.listed(&end).filter(|_| !end.is_date());
            let start_zone = times.start.as_ref().and_then(|start| clock.listed(start));
            if let Some(tzid) = zone.filter(|zone| start_zone.as_ref() != Some(zone)) {
                self.value(tzid_name, &*tzid);
            }
        }
        if times.is_floating() {
            self.value(Name::Floating, "1");
        }
    }

    /// What the server says of itself.
    fn facts(&mut self, source: &Source<'_>, place: &Place<'_>) {
        let Stamps { created, modified } = source.stamps;
        if self.form.attributes < Attributes::All {
            return;
        }
        if !self.stamped {
            self.value(Name::Dtstamp, modified.to_string());
        }
        self.value(Name::Created, created.to_string());
        self.value(Name::LastModified, modified.to_string());
        if !self.language && !place.language.is_empty() {
            self.value(Name::Language, place.language);
        }
        self.value(Name::Tombstone, "0");
        self.value(Name::Ongoing, "0");
        if let Some(mail) = self.organizer_mail.take() {
            self.value(Name::OrganizerEmail, mail);
        }
        let state = Property::new(Name::State.as_str(), source.state.number().to_string());
        let comment = format!("X-NSCP-GSE-COMMENT=\"{}\"", source.state.as_str());
        self.push(Name::State, people::with_raw_params(&state, &comment));
    }

    fn into_component(mut self, name: &str) -> Component {
        self.lines.sort_by_key(|(name, _)| *name);
        let mut component = Component::new(name);
        for (_, property) in self.lines {
            component.push(property);
        }
        component
    }
}

/// X-NSCP-ORIGINAL-DTSTART: the start that the rules gave. It has no TZID, so a time is in UTC.
fn original(source: &Source<'_>, times: &Times, start: &DateTime, clock: &mut Clock<'_>) -> String {
    let id = match source.occurrence {
        Some(occurrence) => occurrence.recurrence_id.as_ref(),
        None => times.recurrence_id.as_ref(),
    };
    let original = id.unwrap_or(start);
    match clock.show(original) {
        DateTime::Zoned(..) => clock.instant(original).to_string(),
        shown => shown.to_string(),
    }
}

impl Ends {
    /// Both unknown: a to-do without dates.
    const NONE: Self = Self {
        start: None,
        end: None,
    };
}
