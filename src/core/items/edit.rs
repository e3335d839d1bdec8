//! Changes of one component, in iCalendar's words: what they are and how they are made.
//!
//! An [`Edit`] says what becomes of properties, times, rules, attendees and alarms; what it does not mention
//! stays. What would only be spelled differently stays as it was, so that a change that changes nothing gives the
//! same component. Which component of an object is meant is `series`' question, and who may change it that of the
//! use cases. RFC 5545 section 3.6; WCAP's rules for `replace`.

use super::attendees::AttendeesEdit;
use super::meaning::{is_default, same, same_all};
use super::rules::RulesEdit;
use super::times::{Context, TimesEdit, recurs, start_of};
use crate::ical::component::{Component, Entry, Property};
use crate::ical::datetime::Timestamp;
use crate::ical::value::{self, Duration, Related, Trigger};
use crate::model::attachment::AttachmentId;

/// Why a change cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// An event without a start.
    #[error("expected a start of the event, found none")]
    NoStart,
    /// A value that is wrong in itself or beside the others.
    #[error("{0}")]
    Value(String),
    /// No instance of the series stands there.
    #[error("expected the start of an instance of the series, found {0}")]
    NoSuchInstance(String),
    /// The instance would stand on the day of another one.
    #[error("expected each instance on a day of its own, found another on {0}")]
    SameDay(String),
    /// The instance would change places with another one.
    #[error("expected the instance to stay between its neighbours, found it beyond {0}")]
    PastNeighbour(String),
    /// The instance would be more or less private or busy than its series.
    #[error("expected {0} of the instance to be that of its series")]
    Privacy(&'static str),
    /// More work than a limit allows.
    #[error("{0}")]
    TooMuch(String),
    /// No zone of that name.
    #[error("expected the name of a time zone, found '{0}'")]
    UnknownZone(String),
}

impl EditError {
    /// A wrong value and a sentence about it.
    pub fn value(message: impl Into<String>) -> Self {
        Self::Value(message.into())
    }
}

/// What becomes of one value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// This takes its place.
    Set(T),
}

impl<T> Change<T> {
    /// Whether the value stays.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// A change of one component; what it does not mention stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    /// Changes of single properties, in order. Times, rules, ATTENDEE and UID have no place here.
    pub properties: Vec<PropertyEdit>,
    /// When it takes place.
    pub times: TimesEdit,
    /// How it recurs.
    pub rules: RulesEdit,
    /// Who takes part; none: as before.
    pub attendees: Option<AttendeesEdit>,
    /// Changes of alarms, at most one for each action.
    pub alarms: Vec<AlarmEdit>,
}

/// A change of the properties of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyEdit {
    /// The property takes the place of all of its name.
    Set(Property),
    /// All properties of the name go.
    Clear(Box<str>),
    /// These take the place of all properties of the name.
    Replace(Box<str>, Vec<Property>),
    /// The property is added, or of a list of texts the texts that are not there yet.
    Append(Property),
    /// The line that names this stored attachment goes.
    Detach(AttachmentId),
}

/// A change of the alarms of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmEdit {
    /// The ACTION, in capitals.
    pub action: &'static str,
    /// When it goes off; cleared, the alarms of the action go.
    pub trigger: Change<Trigger>,
    /// Mail addresses, without `mailto:`; none: as before.
    pub addresses: Option<Vec<String>>,
    /// Whether [`AlarmEdit::addresses`] join those that are there.
    pub append: bool,
    /// What it says.
    pub description: Change<String>,
    /// Addresses of an e-mail alarm that would have none.
    pub fallback: Vec<String>,
}

/// What an alarm says when nobody said what (Sun's `alarmDescription`).
pub const ALARM_DESCRIPTION: &str = "This is the alarm description";

impl Edit {
    /// The component with the change made; byte for byte the same when it says nothing new.
    ///
    /// Errors: what is wrong with a value, or with the component as it would be.
    pub fn apply(&self, component: &Component, ctx: &Context<'_>) -> Result<Component, EditError> {
        let mut changed = component.clone();
        self.times.apply(&mut changed, ctx)?;
        self.rules.apply(&mut changed, ctx)?;
        for edit in &self.properties {
            edit.apply(&mut changed, ctx.creating);
        }
        if let Some(attendees) = &self.attendees {
            attendees.apply(&mut changed);
            let count = changed.properties_named("ATTENDEE").count();
            if count > ctx.limits.attendees {
                let most = ctx.limits.attendees;
                let message = format!("expected at most {most} attendees, found {count}");
                return Err(EditError::Value(message));
            }
        }
        let start = start_of(&changed).map(|start| ctx.instant(&start));
        for edit in &self.alarms {
            edit.apply(&mut changed, |found, wanted| {
                same_trigger(found, wanted, start)
            })?;
        }
        if let Some(start) = start.filter(|_| !self.alarms.is_empty() && recurs(&changed)) {
            count_from_start(&mut changed, start);
        }
        Ok(changed)
    }
}

/// Makes the alarms of a series count from the start, so that each instance has its own: old clients send the time of
/// the first one's alarm.
fn count_from_start(component: &mut Component, start: Timestamp) {
    let at_instant = |alarm: &Component| {
        let trigger = alarm.property("TRIGGER");
        trigger.is_some_and(|t| matches!(value::trigger(t), Ok(Trigger::Absolute(_))))
    };
    let alarms: Vec<Component> = component.components_named("VALARM").cloned().collect();
    if !alarms.iter().any(at_instant) {
        return;
    }
    component.remove_components("VALARM");
    for mut alarm in alarms {
        alarm.map_properties(|property| match value::trigger(&property) {
            Ok(Trigger::Absolute(at)) if property.is("TRIGGER") => {
                let distance = Duration::of_seconds(at.0.saturating_sub(start.0));
                value::trigger_property(Trigger::Relative(distance, Related::Start))
            }
            _ => property,
        });
        component.push_component(alarm);
    }
}

impl PropertyEdit {
    /// The name of the property it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Set(property) | Self::Append(property) => property.name(),
            Self::Clear(name) | Self::Replace(name, _) => name,
            Self::Detach(_) => "ATTACH",
        }
    }

    /// Makes the change. `creating`: what only says the default is written all the same.
    pub fn apply(&self, component: &mut Component, creating: bool) {
        match self {
            Self::Set(property) => set(component, property, creating),
            Self::Clear(name) => {
                component.remove(name);
            }
            Self::Replace(name, properties) => replace(component, name, properties),
            Self::Append(property) => append(component, property),
            Self::Detach(id) => component.retain(|entry| match entry {
                Entry::Property(property) => AttachmentId::of(property) != Some(*id),
                Entry::Component(_) => true,
            }),
        }
    }
}

fn set(component: &mut Component, property: &Property, creating: bool) {
    let there: Vec<&Property> = component.properties_named(property.name()).collect();
    let unchanged = match there.as_slice() {
        [] => !creating && is_default(component.name(), property),
        [only] => same(only, property),
        _ => false,
    };
    if !unchanged {
        component.set(property.clone());
    }
}

/// Puts `properties` in the place of all called `name`, unless they say the same.
pub fn replace(component: &mut Component, name: &str, properties: &[Property]) {
    let there: Vec<&Property> = component.properties_named(name).collect();
    if same_all(&there, properties) || (is_text_list(name) && same_texts(&there, properties)) {
        return;
    }
    let [first, rest @ ..] = properties else {
        component.remove(name);
        return;
    };
    component.set(first.clone());
    for property in rest {
        insert(component, property.clone());
    }
}

/// Adds a property after the last one, before the sub-components.
pub fn insert(component: &mut Component, property: Property) {
    if component.components().next().is_none() {
        component.push(property);
        return;
    }
    let empty = Component::new(component.name()).at_line(component.source_line());
    let mut entries = std::mem::replace(component, empty).into_entries();
    let last = entries
        .iter()
        .rposition(|entry| matches!(entry, Entry::Property(_)));
    entries.insert(last.map_or(0, |last| last + 1), Entry::Property(property));
    for entry in entries {
        match entry {
            Entry::Property(p) => component.push(p),
            Entry::Component(c) => component.push_component(c),
        }
    }
}

/// Whether the property's value is a list of texts, several of which may stand in one line.
fn is_text_list(name: &str) -> bool {
    name.eq_ignore_ascii_case("CATEGORIES") || name.eq_ignore_ascii_case("RESOURCES")
}

fn texts<'a>(properties: impl IntoIterator<Item = &'a Property>) -> Vec<String> {
    let texts = properties.into_iter().flat_map(value::texts);
    texts
        .filter(|text| !text.is_empty())
        .map(|text| text.into_owned())
        .collect()
}

fn same_texts(a: &[&Property], b: &[Property]) -> bool {
    let sorted = |mut texts: Vec<String>| {
        texts.sort();
        texts
    };
    sorted(texts(a.iter().copied())) == sorted(texts(b))
}

fn append(component: &mut Component, property: &Property) {
    if !is_text_list(property.name()) {
        if !component
            .properties_named(property.name())
            .any(|p| same(p, property))
        {
            insert(component, property.clone());
        }
        return;
    }
    let mut known = texts(component.properties_named(property.name()));
    let mut fresh = Vec::new();
    for text in texts([property]) {
        if !known.contains(&text) {
            known.push(text.clone());
            fresh.push(text);
        }
    }
    if !fresh.is_empty() {
        insert(component, value::texts_property(property.name(), &fresh));
    }
}

impl AlarmEdit {
    /// An edit of the alarms of `action` that changes nothing yet.
    pub fn new(action: &'static str) -> Self {
        Self {
            action,
            trigger: Change::Keep,
            addresses: None,
            append: false,
            description: Change::Keep,
            fallback: Vec::new(),
        }
    }

    fn is_of(&self, alarm: &Component) -> bool {
        alarm.is("VALARM")
            && alarm
                .value("ACTION")
                .is_some_and(|a| a.eq_ignore_ascii_case(self.action))
    }

    /// Makes the change. `same_time` answers whether an alarm's TRIGGER and a wanted one mean the same time.
    ///
    /// Errors: `Value` for an e-mail alarm without an address.
    pub fn apply(
        &self,
        component: &mut Component,
        same_time: impl Fn(Trigger, Trigger) -> bool,
    ) -> Result<(), EditError> {
        if self.trigger == Change::Clear {
            component.retain(|entry| !matches!(entry, Entry::Component(c) if self.is_of(c)));
            return Ok(());
        }
        let there: Vec<&Component> = component.components().filter(|c| self.is_of(c)).collect();
        let like = |alarm: &&&Component| match &self.trigger {
            Change::Set(wanted) => alarm
                .property("TRIGGER")
                .and_then(|p| value::trigger(p).ok())
                .is_some_and(|found| same_time(found, *wanted)),
            _ => true,
        };
        let base = there.iter().find(like).or_else(|| there.first()).copied();
        if base.is_none() && self.trigger.is_keep() {
            return Ok(());
        }
        let summary = component.property("SUMMARY").cloned();
        let alarm = self.made_from(base, summary, same_time)?;
        if base == Some(&alarm) {
            return Ok(());
        }
        // Only the alarms that this one replaces go when nothing but addresses or words change.
        let base = base.cloned();
        let keeps_others = self.trigger.is_keep();
        component.retain(|entry| match entry {
            Entry::Component(c) if keeps_others => Some(c) != base.as_ref(),
            Entry::Component(c) => !self.is_of(c),
            Entry::Property(_) => true,
        });
        component.push_component(alarm);
        Ok(())
    }

    /// The alarm that `base` becomes, or a new one.
    fn made_from(
        &self,
        base: Option<&Component>,
        summary: Option<Property>,
        same_time: impl Fn(Trigger, Trigger) -> bool,
    ) -> Result<Component, EditError> {
        let mut alarm = base
            .cloned()
            .unwrap_or_else(|| Component::new("VALARM").with(Property::new("ACTION", self.action)));
        if let Change::Set(wanted) = &self.trigger {
            let found = alarm
                .property("TRIGGER")
                .and_then(|p| value::trigger(p).ok());
            if !found.is_some_and(|found| same_time(found, *wanted)) {
                alarm.set(value::trigger_property(*wanted));
            }
        }
        match &self.description {
            Change::Set(text) => set(&mut alarm, &Property::text("DESCRIPTION", text), true),
            Change::Clear => set(
                &mut alarm,
                &Property::text("DESCRIPTION", ALARM_DESCRIPTION),
                true,
            ),
            Change::Keep if alarm.property("DESCRIPTION").is_none() && self.action != "AUDIO" => {
                alarm.set(Property::text("DESCRIPTION", ALARM_DESCRIPTION));
            }
            Change::Keep => {}
        }
        if self.action == "EMAIL" {
            if alarm.property("SUMMARY").is_none() {
                let words = Property::text("SUMMARY", ALARM_DESCRIPTION);
                alarm.set(match summary {
                    Some(p) if !p.value().is_empty() => words.with_value(p.value()),
                    _ => words,
                });
            }
            self.address(&mut alarm)?;
        }
        Ok(alarm)
    }

    fn address(&self, alarm: &mut Component) -> Result<(), EditError> {
        let wanted = self.addresses.iter().flatten().map(|mail| mailto(mail));
        match (&self.addresses, self.append) {
            (Some(_), true) => wanted.for_each(|property| append(alarm, &property)),
            (Some(mails), false) if !mails.is_empty() => {
                replace(alarm, "ATTENDEE", &wanted.collect::<Vec<_>>());
            }
            _ => {}
        }
        if alarm.property("ATTENDEE").is_none() {
            let fallback: Vec<_> = self.fallback.iter().map(|mail| mailto(mail)).collect();
            replace(alarm, "ATTENDEE", &fallback);
        }
        match alarm.property("ATTENDEE") {
            Some(_) => Ok(()),
            None => Err(EditError::value(
                "expected an address for the e-mail alarm, found none",
            )),
        }
    }
}

fn mailto(mail: &str) -> Property {
    Property::new("ATTENDEE", format!("mailto:{mail}"))
}

/// Whether two triggers mean the same time of something that starts at `start`.
///
/// Clients are told a trigger counted from the end without that word, and any trigger as a distance or as an
/// instant, as they like; it comes back in those words.
fn same_trigger(found: Trigger, wanted: Trigger, start: Option<Timestamp>) -> bool {
    match (found, wanted) {
        (Trigger::Relative(a, _), Trigger::Relative(b, Related::Start)) => {
            a.total_seconds() == b.total_seconds()
        }
        (Trigger::Absolute(at), Trigger::Relative(distance, Related::Start))
        | (Trigger::Relative(distance, Related::Start), Trigger::Absolute(at)) => {
            start.is_some_and(|start| start.plus(distance.total_seconds()) == at)
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
