//! What is derived from an object's text: the facts beside it and the rows of the indexes. All of it can be made
//! again from the text alone.

use std::borrow::Cow;

use super::codec::{self, DecodeError, EncodeError, Record};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::TimeRange;
use crate::ical::instances::{self, BusyType, Series};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::parse;
use crate::ical::recur::Work;
use crate::ical::value::same_address;
use crate::ical::zone::Zone;
use crate::model::item::{Facts, Item, Part};

/// Work allowed to find where one series begins and ends; one that needs more counts as endless.
pub const WORK: u64 = Work::DEFAULT;

/// How an object takes time: what free/busy is computed from, without a word of its text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Busy {
    /// All through its span.
    Throughout(BusyType),
    /// At its instances: the object stripped to its times, see [`instances::to_compact_text`].
    Instances(String),
}

impl Record for Busy {
    const WHAT: &'static str = "busy time";
    const VERSION: u8 = 1;
}

impl Busy {
    pub(super) fn encode(&self) -> super::Result<Vec<u8>> {
        codec::encode(self)
            .map_err(|cause: EncodeError| super::Error::storage("writing busy time", cause))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes)
    }
}

/// The object an item's text holds; none when the text is damaged.
pub fn object(item: &Item) -> Option<CalendarObject> {
    parsed(&item.text, item.kind, &item.uid)
}

/// The object in a text of ours, a VCALENDAR; none when the text is damaged.
pub fn parsed(text: &str, kind: Kind, uid: &str) -> Option<CalendarObject> {
    let parsed = parse::parse(text.as_bytes(), &parse::Limits::DEFAULT);
    let calendar = parsed.components.into_iter().next()?;
    let mut object = CalendarObject {
        kind,
        uid: uid.to_owned(),
        components: Vec::new(),
        timezones: Vec::new(),
    };
    let name = kind.component_name();
    for entry in calendar.into_entries() {
        if let crate::ical::component::Entry::Component(component) = entry {
            if component.is(name) {
                object.components.push(component);
            } else if component.is("VTIMEZONE") {
                object.timezones.push(component);
            }
        }
    }
    (!object.components.is_empty()).then_some(object)
}

/// The facts about an object. Times without a zone count in `floating`.
pub fn facts(object: &CalendarObject, part: Part<'_>, floating: &Zone) -> Facts {
    let has = |name: &str| object.components.iter().any(|c| c.property(name).is_some());
    let class = |c: &Component| {
        c.value("CLASS")
            .is_some_and(|v| !v.trim().eq_ignore_ascii_case("PUBLIC"))
    };
    let (span, recurring) = span(object, floating);
    Facts {
        span: span.map(|span| (span.start().0, span.end().0)),
        recurring,
        restricted: object.components.iter().any(class),
        alarms: object
            .components
            .iter()
            .any(|c| c.components_named("VALARM").next().is_some()),
        attendees: has("ATTENDEE"),
        invitation: object
            .components
            .iter()
            .any(|component| is_open_invitation(component, part)),
    }
}

/// What the calendar has said to a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing yet; NEEDS-ACTION is the default (RFC 5545 section 3.2.12).
    None,
    Tentative,
    /// Declined, or handed on to somebody else.
    Absent,
    Present,
}

fn own_attendee<'a>(component: &'a Component, part: Part<'_>) -> Option<&'a Property> {
    let own = part.attendee?;
    component
        .properties_named("ATTENDEE")
        .find(|attendee| same_address(attendee.value(), own))
}

fn answer(attendee: &Property) -> Answer {
    let said = attendee.param("PARTSTAT").unwrap_or_default();
    match said.trim().to_ascii_uppercase().as_str() {
        "" | "NEEDS-ACTION" => Answer::None,
        "TENTATIVE" => Answer::Tentative,
        "DECLINED" | "DELEGATED" => Answer::Absent,
        _ => Answer::Present,
    }
}

fn is_cancelled(component: &Component) -> bool {
    component
        .value("STATUS")
        .is_some_and(|status| status.trim().eq_ignore_ascii_case("CANCELLED"))
}

/// Whether an answer of the calendar is waited for; an RSVP of FALSE wants none.
fn is_open_invitation(component: &Component, part: Part<'_>) -> bool {
    own_attendee(component, part).is_some_and(|own| {
        let wanted = own
            .param("RSVP")
            .is_none_or(|rsvp| !rsvp.eq_ignore_ascii_case("FALSE"));
        wanted && answer(own) == Answer::None && !is_cancelled(component)
    })
}

/// The object as it takes the calendar's time: what was declined takes none, what waits for an answer and what was
/// accepted tentatively is tentative.
pub fn as_taken<'a>(object: &'a CalendarObject, part: Part<'_>) -> Cow<'a, CalendarObject> {
    if !part.queued && part.attendee.is_none() {
        return Cow::Borrowed(object);
    }
    let mut taken = object.clone();
    for component in &mut taken.components {
        let answer = own_attendee(component, part).map_or(Answer::Present, answer);
        let tentative = part.queued || matches!(answer, Answer::None | Answer::Tentative);
        if answer == Answer::Absent {
            component.set(Property::new("TRANSP", "TRANSPARENT"));
        } else if tentative && instances::busy_type(component) == Some(BusyType::Busy) {
            component.set(Property::new("STATUS", "TENTATIVE"));
        }
    }
    Cow::Owned(taken)
}

/// The object as it keeps others out where double booking is forbidden: what was declined or not answered does not,
/// what is tentative does.
pub fn as_blocking<'a>(object: &'a CalendarObject, part: Part<'_>) -> Cow<'a, CalendarObject> {
    if !part.queued && part.attendee.is_none() {
        return Cow::Borrowed(object);
    }
    let mut blocking = object.clone();
    for component in &mut blocking.components {
        let answer = own_attendee(component, part).map_or(Answer::Present, answer);
        if part.queued || matches!(answer, Answer::None | Answer::Absent) {
            component.set(Property::new("TRANSP", "TRANSPARENT"));
        }
    }
    Cow::Owned(blocking)
}

/// Whether a component of the object lets nothing busy beside it.
pub fn keeps_out(object: &CalendarObject) -> bool {
    object.components.iter().any(instances::keeps_out)
}

/// From the first instance to the last, and whether there may be several. A series that takes too much work to
/// read spans all of time, so that it is found and its reader meets the trouble.
fn span(object: &CalendarObject, floating: &Zone) -> (Option<TimeRange>, bool) {
    let mut work = Work::new(WORK);
    match Series::of(object, floating, &mut work) {
        Ok(series) => (series.span(&mut work), series.recurs()),
        Err(_) => (Some(TimeRange::ALL), true),
    }
}

/// The rows of the busy index for an object: none, or one over its span.
pub(super) fn busy(
    object: &CalendarObject,
    part: Part<'_>,
    floating: &Zone,
) -> Option<(TimeRange, Busy)> {
    let object = &*as_taken(object, part);
    let busy_type = object
        .components
        .iter()
        .filter_map(instances::busy_type)
        .max()?;
    let (span, recurring) = span(object, floating);
    let busy = match recurring || object.components.len() > 1 {
        true => Busy::Instances(instances::to_compact_text(object)),
        false => Busy::Throughout(busy_type),
    };
    Some((span?, busy))
}
