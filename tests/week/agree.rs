//! Whether all calendars agree: what RFC 5546 wants of the copies of a meeting, held against the answers of the server.
//!
//! Knows WCAP's answers and nothing of how scheduling works.

use std::collections::{BTreeMap, BTreeSet};

use wcapd::ical::component::Component;

use super::copies::{
    Copies, Key, Mirror, Whole, attendee, is_cancelled, name_of, organizer, partstat, value,
};
use super::office::{BARRED, Office, PLACES, Place};

/// What must be the same in all copies of an instance.
const SHARED: [&str; 9] = [
    "DTSTART",
    "DTEND",
    "DUE",
    "SUMMARY",
    "LOCATION",
    "DESCRIPTION",
    "SEQUENCE",
    "STATUS",
    "ORGANIZER",
];

/// What must be the same in all copies of a series, beyond [`SHARED`].
const RULES: [&str; 3] = ["RRULE", "RDATE", "EXRULE"];

/// Who checks, and what they remember.
pub struct Checker {
    begin: String,
    mirrors: Vec<Mirror>,
    /// The last SEQUENCE of what organizers have, by UID.
    revisions: BTreeMap<String, i64>,
    /// What people have put away: (who, UID, RECURRENCE-ID or nothing).
    away: BTreeSet<(String, String, String)>,
    /// What people have marked as theirs: (who, UID).
    marked: BTreeSet<(String, String)>,
}

impl Checker {
    /// One that comes before anything is done.
    pub fn new(office: &Office<'_>) -> Self {
        let begin = office.now();
        Self {
            mirrors: PLACES.iter().map(|_| Mirror::since(&begin)).collect(),
            begin,
            revisions: BTreeMap::new(),
            away: BTreeSet::new(),
            marked: BTreeSet::new(),
        }
    }

    /// Notes that somebody has deleted their copy, or an instance in it.
    pub fn put_away(&mut self, who: &str, uid: &str, rid: &str) {
        let key = (who.to_owned(), uid.to_owned(), rid.to_owned());
        self.away.insert(key);
        if rid.is_empty() {
            self.marked.remove(&(who.to_owned(), uid.to_owned()));
        }
    }

    /// Notes that somebody has given their copy the category `own-` and their name.
    pub fn marked(&mut self, who: &str, uid: &str) {
        self.marked.insert((who.to_owned(), uid.to_owned()));
    }

    /// Notes that somebody may no longer be invited: who is invited anew, is so to something without marks.
    pub fn forget_marks(&mut self, uid: &str) {
        self.marked.retain(|(_, marked)| marked != uid);
    }

    /// What does not agree, a sentence each.
    pub fn faults(&mut self, office: &mut Office<'_>) -> Vec<String> {
        let mut copies = Vec::with_capacity(PLACES.len());
        for (place, mirror) in PLACES.iter().zip(&mut self.mirrors) {
            mirror.follow(office, place);
            let mut copy = Copies::of(office, place);
            copy.add(office, place, mirror.kept.keys());
            copies.push(copy);
        }
        let now = office.now();
        let mut faults = Vec::new();
        for (at, place) in PLACES.iter().enumerate() {
            let mine = &copies[at];
            if let Some(fault) = differs(&self.mirrors[at].kept, &mine.whole) {
                faults.push(format!("{}: by its changes: {fault}", place.calid));
            }
            let mut fresh = Mirror::since(&self.begin);
            fresh.follow(office, place);
            if let Some(fault) = differs(&fresh.kept, &mine.whole) {
                faults.push(format!("{}: by all changes: {fault}", place.calid));
            }
            busy(place, mine, &mut faults);
            booked_twice(place, mine, &mut faults);
            self.stamps(place, mine, &now, &mut faults);
            self.own(place, mine, &mut faults);
            self.owed(place, mine, &copies, &mut faults);
        }
        for (place, theirs) in PLACES.iter().zip(&copies) {
            for (uid, item) in &theirs.whole {
                let organizer = item.first().map(organizer).unwrap_or_default();
                if place.is_resource || organizer != place.name {
                    continue;
                }
                self.revised(place, uid, item, &mut faults);
                for component in item {
                    delivered(place, component, &mut faults);
                    handed_on(place, component, &mut faults);
                }
                for (other, copy) in PLACES.iter().zip(&copies) {
                    if other.name == other.calid && other.name != place.name {
                        self.meeting(uid, (place, theirs), (other, copy), &mut faults);
                    }
                }
            }
        }
        faults
    }

    /// The copy of a meeting beside that of its organizer.
    fn meeting(
        &self,
        uid: &str,
        (home, theirs): (&Place, &Copies),
        (place, mine): (&Place, &Copies),
        faults: &mut Vec<String>,
    ) {
        let barred = BARRED.contains(&(home.name, place.name));
        let told = of_uid(theirs, uid);
        for (key, said) in &told {
            let invited = attendee(said, place.name);
            let copy = mine.instances.get(key);
            let here = copy.is_some_and(|copy| !is_cancelled(copy));
            let wanted = match invited {
                Some(invited) => {
                    let declined = place.is_resource && partstat(invited) == "DECLINED";
                    !(is_cancelled(said) || barred || declined || self.is_away(place.name, key))
                }
                None => false,
            };
            if wanted && !here {
                faults.push(format!("{} lacks {key:?} of {}", place.calid, home.calid));
            }
            if let (true, Some(copy)) = (here, copy) {
                if invited.is_none() || is_cancelled(said) {
                    faults.push(format!("{} has {key:?}, uninvited", place.calid));
                } else if let Some(fault) = tells_otherwise(said, copy, &SHARED) {
                    faults.push(format!(
                        "{} of {}: {key:?}: {fault}",
                        place.calid, home.calid
                    ));
                }
            }
        }
        let masters = (master(theirs, uid), master(mine, uid));
        if let (Some(said), Some(copy)) = masters
            && !is_cancelled(copy)
            && attendee(said, place.name).is_some()
            && let Some(fault) =
                tells_otherwise(said, copy, &SHARED).or_else(|| tells_otherwise(said, copy, &RULES))
        {
            faults.push(format!("{} of {}: {uid}: {fault}", place.calid, home.calid));
        }
    }

    fn is_away(&self, who: &str, (uid, rid): &Key) -> bool {
        let is = |rid: &str| {
            self.away
                .contains(&(who.to_owned(), uid.clone(), rid.to_owned()))
        };
        is("") || is(rid)
    }

    /// What is live in a calendar of somebody who is invited stands with its organizer, too.
    fn owed(&self, place: &Place, mine: &Copies, all: &[Copies], faults: &mut Vec<String>) {
        for (key, copy) in &mine.instances {
            let organizer = organizer(copy);
            let here = PLACES.iter().any(|place| place.name == organizer);
            if is_cancelled(copy) || organizer == place.name || !here {
                continue;
            }
            let stands = PLACES.iter().zip(all).any(|(other, theirs)| {
                other.name == organizer && theirs.instances.contains_key(key)
            });
            if !stands {
                let calid = place.calid;
                faults.push(format!("{calid} has {key:?}, which {organizer} has not"));
            }
        }
    }

    /// Categories of one's own stay, and are nobody else's business.
    fn own(&self, place: &Place, mine: &Copies, faults: &mut Vec<String>) {
        let own = format!("own-{}", place.name);
        for (uid, item) in &mine.whole {
            let words: Vec<String> = item.iter().map(|c| value(c, "CATEGORIES")).collect();
            if words
                .iter()
                .any(|word| word.contains("own-") && *word != own)
            {
                faults.push(format!("{}: {uid} is of {words:?}", place.calid));
            }
            let marked = self.marked.contains(&(place.name.to_owned(), uid.clone()));
            if marked && place.calid == place.name && words[0] != own {
                faults.push(format!("{}: {uid} has lost its category", place.calid));
            }
        }
    }

    fn stamps(&self, place: &Place, mine: &Copies, now: &str, faults: &mut Vec<String>) {
        for component in mine.whole.values().flatten() {
            let [created, modified, stamp] =
                ["CREATED", "LAST-MODIFIED", "DTSTAMP"].map(|name| value(component, name));
            // UTC times sort as their texts do.
            let sane = self.begin <= created
                && created <= modified
                && modified.as_str() <= now
                && self.begin <= stamp
                && stamp.as_str() <= now;
            if !sane {
                let uid = value(component, "UID");
                faults.push(format!(
                    "{}: {uid}: created {created}, modified {modified}, said {stamp}, now {now}",
                    place.calid
                ));
            }
        }
    }

    /// Revisions of what an organizer says only rise.
    fn revised(&mut self, place: &Place, uid: &str, item: &[Component], faults: &mut Vec<String>) {
        let number = item.first().map(sequence).unwrap_or_default();
        let last = self.revisions.insert(uid.to_owned(), number);
        if last.is_some_and(|last| number < last) {
            faults.push(format!(
                "{}: {uid} is back at revision {number}",
                place.calid
            ));
        }
    }
}

fn sequence(component: &Component) -> i64 {
    value(component, "SEQUENCE").parse().unwrap_or_default()
}

fn master<'a>(copies: &'a Copies, uid: &str) -> Option<&'a Component> {
    let first = copies.whole.get(uid)?.first()?;
    first.property("RECURRENCE-ID").is_none().then_some(first)
}

fn of_uid<'a>(copies: &'a Copies, uid: &str) -> BTreeMap<&'a Key, &'a Component> {
    let of = copies.instances.iter().filter(|((u, _), _)| u == uid);
    of.collect()
}

/// The first difference between what the organizer says and what a copy does.
fn tells_otherwise(said: &Component, copy: &Component, names: &[&str]) -> Option<String> {
    for name in names {
        let of = |component: &Component| -> Vec<String> {
            let found = component.properties_named(name);
            found.map(|property| property.value().to_owned()).collect()
        };
        let (said, copy) = (of(said), of(copy));
        if said != copy {
            return Some(format!("{name} is {copy:?}, the organizer says {said:?}"));
        }
    }
    let (said, copy) = (people(said), people(copy));
    (said != copy).then(|| format!("people are {copy:?}, the organizer says {said:?}"))
}

/// Who comes, and what they say.
fn people(component: &Component) -> BTreeMap<String, String> {
    let attendees = component.properties_named("ATTENDEE");
    let told = attendees.map(|attendee| {
        let mut said = partstat(attendee);
        for name in ["DELEGATED-TO", "DELEGATED-FROM"] {
            if let Some(other) = attendee.param(name) {
                said.push_str(&format!(" {name}={}", name_of(&other)));
            }
        }
        (name_of(attendee.value()), said)
    });
    told.collect()
}

/// Who has handed an invitation on says to whom, and nobody else does.
fn handed_on(place: &Place, component: &Component, faults: &mut Vec<String>) {
    for attendee in component.properties_named("ATTENDEE") {
        let named = attendee.param("DELEGATED-TO").is_some();
        if named != (partstat(attendee) == "DELEGATED") {
            let (uid, line) = (value(component, "UID"), attendee.as_line());
            faults.push(format!("{}: {uid}: {line}", place.calid));
        }
    }
}

/// What the organizer is told of messages to attendees.
fn delivered(place: &Place, component: &Component, faults: &mut Vec<String>) {
    for attendee in component.properties_named("ATTENDEE") {
        let name = name_of(attendee.value());
        let status = attendee.param("X-NSCP-ATTENDEE-GSE-STATUS");
        let here = PLACES.iter().any(|place| place.name == name);
        let expected = match here {
            true if name == place.name => None,
            true if BARRED.contains(&(place.name, name.as_str())) => Some("3"),
            true => Some("2"),
            false => Some("1"),
        };
        // Who never was sent the invitation is not sent its end either.
        let withdrawn = !here && is_cancelled(component) && status.is_none();
        if status.as_deref() != expected && !withdrawn {
            let uid = value(component, "UID");
            let calid = place.calid;
            faults.push(format!("{calid}: {uid}: status of {name} is {status:?}"));
        }
    }
}

/// Busy times are those of the instances: none of what is declined, tentative what is open, busy what is accepted.
fn busy(place: &Place, mine: &Copies, faults: &mut Vec<String>) {
    let mut times: Vec<(&str, String, String)> = Vec::new();
    for component in mine.instances.values() {
        if let Some(kind) = busy_type(place, component) {
            times.push((kind, value(component, "DTSTART"), value(component, "DTEND")));
        }
    }
    let told = mine
        .busy
        .iter()
        .map(|(kind, start, end)| (kind.as_str(), start.clone(), end.clone()));
    let told: Vec<_> = told.collect();
    // UTC times sort as their texts do, so every stretch between two ends can be asked for.
    let ends: BTreeSet<&String> = times
        .iter()
        .chain(&told)
        .flat_map(|(_, start, end)| [start, end])
        .collect();
    for at in ends {
        let kinds = |of: &[(&str, String, String)]| {
            let over = of.iter().filter(|(_, start, end)| start <= at && at < end);
            over.map(|(kind, _, _)| kind.len()).min()
        };
        if kinds(&times) != kinds(&told) {
            faults.push(format!(
                "{}: at {at} its items make {:?}, busy times say {:?}",
                place.calid,
                kinds(&times),
                kinds(&told)
            ));
        }
    }
}

fn busy_type(place: &Place, component: &Component) -> Option<&'static str> {
    let free = component.is("VTODO")
        || is_cancelled(component)
        || component.value("TRANSP") == Some("TRANSPARENT");
    if free {
        return None;
    }
    if organizer(component) != place.name
        && let Some(own) = attendee(component, place.name)
    {
        return match partstat(own).as_str() {
            "ACCEPTED" => Some("BUSY"),
            "DECLINED" | "DELEGATED" => None,
            _ => Some("BUSY-TENTATIVE"),
        };
    }
    match component.value("STATUS") {
        Some("TENTATIVE") => Some("BUSY-TENTATIVE"),
        _ => Some("BUSY"),
    }
}

fn booked_twice(place: &Place, mine: &Copies, faults: &mut Vec<String>) {
    if place.doubles {
        return;
    }
    let takes = |c: &Component| c.is("VEVENT") && !is_cancelled(c);
    let taken = mine.instances.iter().filter(|(_, c)| takes(c));
    let mut taken: Vec<(String, String, &Key)> = taken
        .map(|(key, c)| (value(c, "DTSTART"), value(c, "DTEND"), key))
        .collect();
    taken.sort();
    for pair in taken.windows(2) {
        if let [(_, end, first), (start, _, second)] = pair
            && start < end
        {
            faults.push(format!("{}: {first:?} and {second:?} meet", place.calid));
        }
    }
}

/// The first item that differs, and how.
fn differs(kept: &Whole, known: &Whole) -> Option<String> {
    let uids: BTreeSet<&String> = kept.keys().chain(known.keys()).collect();
    let other = |uid: &&&String| kept.get(**uid) != known.get(**uid);
    let uid = uids.iter().find(other)?;
    let lines = |whole: &Whole| -> Vec<String> {
        let components = whole.get(*uid).into_iter().flatten();
        let properties = components.flat_map(Component::properties);
        properties.map(|line| line.as_line().to_owned()).collect()
    };
    let (kept, known) = (lines(kept), lines(known));
    let lacks = |these: &[String], those: &[String]| -> Vec<String> {
        let missing = these.iter().filter(|line| !those.contains(line));
        missing.take(3).cloned().collect()
    };
    Some(format!(
        "{uid} of {} lines with {:?}, should be of {} with {:?}",
        kept.len(),
        lacks(&kept, &known),
        known.len(),
        lacks(&known, &kept)
    ))
}
