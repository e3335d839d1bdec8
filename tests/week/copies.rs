//! What one calendar answers about itself: its items with their rules, their instances one by one, and its busy times.

use std::collections::BTreeMap;

use wcapd::ical::component::{Component, Property};

use super::office::{Office, Place};

/// The time that is looked at: the week and what its series reach.
const WINDOW: &str = "dtstart=20260101T000000Z&dtend=20260401T000000Z";
/// The form of answers: addresses, and alarms as distances.
const FORM: &str = "emailorcalid=1&relativealarm=1";

/// The identity of an instance: its UID, and its RECURRENCE-ID where it has one.
pub type Key = (String, String);

/// Components of a UID, the one of the series first.
pub type Whole = BTreeMap<String, Vec<Component>>;

/// A calendar as it was told.
pub struct Copies {
    /// Items, with rules.
    pub whole: Whole,
    /// Instances of all items.
    pub instances: BTreeMap<Key, Component>,
    /// Busy times: type, start and end.
    pub busy: Vec<(String, String, String)>,
}

impl Copies {
    /// Adds items of these UIDs that no time leads to, because all of their instances are gone.
    pub fn add<'u>(
        &mut self,
        office: &mut Office<'_>,
        place: &Place,
        uids: impl Iterator<Item = &'u String>,
    ) {
        for uid in uids {
            if !self.whole.contains_key(uid) {
                let params = format!("calid={}&uid={uid}&recurring=1&{FORM}", place.calid);
                let answer = office.request(place.owner, "fetchevents_by_id", &params);
                self.whole.extend(by_uid(&answer));
            }
        }
    }

    /// Asks a calendar in the name of its owner.
    pub fn of(office: &mut Office<'_>, place: &Place) -> Self {
        let calid = place.calid;
        let mut ask = |command: &str, params: &str| {
            office.ask(place.owner, command, &format!("calid={calid}&{params}"))
        };
        let answer = ask("fetchcomponents_by_range", &format!("recurring=1&{FORM}"));
        let whole = by_uid(&answer);
        let answer = ask(
            "fetchcomponents_by_range",
            &format!("recurring=0&{FORM}&{WINDOW}"),
        );
        let mut instances = BTreeMap::new();
        for component in items(&answer) {
            let key = (value(component, "UID"), value(component, "RECURRENCE-ID"));
            let twice = instances.insert(key.clone(), component.clone());
            assert!(twice.is_none(), "{calid} tells {key:?} twice");
        }
        let answer = ask("get_freebusy", WINDOW);
        let periods = answer
            .components()
            .flat_map(|busy| busy.properties_named("FREEBUSY"));
        let busy = periods.map(|period| {
            let (start, end) = period.value().split_once('/').expect("a period");
            let kind = period.param("FBTYPE").expect("a type");
            (kind.into_owned(), start.to_owned(), end.to_owned())
        });
        let busy = busy.collect();
        Self {
            whole,
            instances,
            busy,
        }
    }
}

/// What a client keeps of a calendar that asks for what has changed.
pub struct Mirror {
    since: String,
    pub kept: Whole,
}

impl Mirror {
    /// One that knows nothing yet.
    pub fn since(time: &str) -> Self {
        Self {
            since: time.to_owned(),
            kept: Whole::new(),
        }
    }

    /// Asks for what is new.
    pub fn follow(&mut self, office: &mut Office<'_>, place: &Place) {
        let params = format!(
            "calid={}&dtstart={}&recurring=1&{FORM}",
            place.calid, self.since
        );
        let deleted = office.ask(place.owner, "fetch_deletedcomponents", &params);
        for gone in items(&deleted) {
            let (uid, rid) = (value(gone, "UID"), value(gone, "RECURRENCE-ID"));
            let left = self.kept.entry(uid.clone()).or_default();
            left.retain(|known| !rid.is_empty() && value(known, "RECURRENCE-ID") != rid);
            if left.is_empty() {
                self.kept.remove(&uid);
            }
        }
        let changed = office.ask(place.owner, "fetchcomponents_by_lastmod", &params);
        self.kept.extend(by_uid(&changed));
        let now = changed.value("X-NSCP-WCAPTIME").expect("a time");
        self.since = now.to_owned();
    }
}

fn items(answer: &Component) -> impl Iterator<Item = &Component> {
    answer
        .components()
        .filter(|component| component.is("VEVENT") || component.is("VTODO"))
}

fn by_uid(answer: &Component) -> Whole {
    let mut whole = Whole::new();
    for component in items(answer) {
        let uid = value(component, "UID");
        whole.entry(uid).or_default().push(component.clone());
    }
    whole
}

/// The value of a property; empty without one.
pub fn value(component: &Component, name: &str) -> String {
    component.value(name).unwrap_or_default().to_owned()
}

/// The short name of who has an address here; others keep theirs.
pub fn name_of(address: &str) -> String {
    let address = address.to_ascii_lowercase();
    let local = address.strip_prefix("mailto:").unwrap_or(&address);
    match local.strip_suffix("@localhost") {
        Some(name) => name.to_owned(),
        None => address,
    }
}

/// Who organizes a component.
pub fn organizer(component: &Component) -> String {
    name_of(&value(component, "ORGANIZER"))
}

/// The attendee of that short name.
pub fn attendee<'a>(component: &'a Component, name: &str) -> Option<&'a Property> {
    component
        .properties_named("ATTENDEE")
        .find(|attendee| name_of(attendee.value()) == name)
}

/// What an attendee has said.
pub fn partstat(attendee: &Property) -> String {
    let said = attendee.param("PARTSTAT");
    said.map_or("NEEDS-ACTION".to_owned(), std::borrow::Cow::into_owned)
}

/// Whether a component was called off.
pub fn is_cancelled(component: &Component) -> bool {
    component.value("STATUS") == Some("CANCELLED")
}
