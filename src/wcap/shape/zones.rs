//! Zones that times of an answer are in: those a client can be told by name, and those whose VTIMEZONE has to come
//! with the answer.
//!
//! A client knows the names of the tz database. A VTIMEZONE in the data is told by such a name when, from the
//! first start on, it shows the same time as the zone of that name.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ical::component::{Component, Property};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::zone::{self, Zone, Zones};

/// TZIDs of an object that are found again without looking at its VTIMEZONEs: more than any program writes.
const RECENT: usize = 16;

/// The zones of one calendar of an answer.
#[derive(Debug, Default)]
pub(super) struct ZoneBook {
    entries: Vec<Entry>,
    /// TZID to its entries: usually one, more where objects bring different VTIMEZONEs of one name.
    places: HashMap<Box<str>, Vec<usize>>,
    /// Names under which VTIMEZONEs of this answer go.
    taken: HashMap<Box<str>, usize>,
    used: Vec<usize>,
    /// TZIDs of the object at hand that were looked up, and their entries.
    recent: Vec<(Box<str>, usize)>,
}

#[derive(Debug)]
struct Entry {
    tzid: Box<str>,
    /// The VTIMEZONE of the data.
    own: Option<Component>,
    /// What the TZID means; none when nobody knows it.
    zone: Option<Zone>,
    /// The tz database's zone it may be told by.
    known: Option<Zone>,
    /// Both are known to show the same time from here on.
    agrees_from: Timestamp,
    /// And not to from here on.
    differs_from: Timestamp,
    /// The name it goes by in this answer.
    name: Option<Arc<str>>,
}

/// What a TZID means, and where its entry is.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) zone: Zone,
    at: usize,
}

impl ZoneBook {
    /// Goes on to another object: what TZIDs mean may be different there.
    pub(super) fn turn_page(&mut self) {
        self.recent.clear();
    }

    /// What `tzid` means in the object at hand, which has these VTIMEZONEs; none when nobody knows it.
    pub(super) fn find(&mut self, tzid: &str, timezones: &[Component]) -> Option<Found> {
        let tzid = tzid.trim();
        let recent = self.recent.iter().find(|(known, _)| **known == *tzid);
        let at = match recent {
            Some((_, at)) => *at,
            None => {
                let at = self.look_up(tzid, timezones);
                if self.recent.len() < RECENT {
                    self.recent.push((tzid.into(), at));
                }
                at
            }
        };
        let zone = self.entries.get(at)?.zone.clone()?;
        Some(Found { zone, at })
    }

    fn look_up(&mut self, tzid: &str, timezones: &[Component]) -> usize {
        let own = timezones
            .iter()
            .find(|t| t.value("TZID").is_some_and(|v| v.trim() == tzid));
        let known = self.places.get(tzid).and_then(|places| {
            let mut newest_first = places.iter().rev().copied();
            newest_first.find(|&at| self.entries.get(at).is_some_and(|e| e.own.as_ref() == own))
        });
        known.unwrap_or_else(|| self.add(tzid, own, timezones))
    }

    fn add(&mut self, tzid: &str, own: Option<&Component>, timezones: &[Component]) -> usize {
        let zone = match own {
            Some(own) => Zones::of(std::slice::from_ref(own)).resolve(tzid),
            None => Zones::of(timezones).resolve(tzid),
        };
        let known = match &zone {
            Some(zone) if zone.is_custom() => {
                let location = own.and_then(|own| own.value("X-LIC-LOCATION"));
                Zone::known_as(tzid).or_else(|| Zone::known_as(location?))
            }
            zone => zone.clone(),
        };
        let at = self.entries.len();
        self.places.entry(tzid.into()).or_default().push(at);
        self.entries.push(Entry {
            tzid: tzid.into(),
            own: own.cloned(),
            zone,
            known,
            agrees_from: Timestamp::MAX,
            differs_from: Timestamp::MIN,
            name: None,
        });
        at
    }

    /// The tz database's zone that says the same: at `instant`, or from `since` on.
    pub(super) fn listed(
        &mut self,
        found: &Found,
        instant: Timestamp,
        since: Option<Timestamp>,
    ) -> Option<&Zone> {
        let entry = self.entries.get_mut(found.at)?;
        let known = entry.known.as_ref()?;
        let agrees = match since {
            _ if !found.zone.is_custom() => true,
            None => known.offset_at(instant) == found.zone.offset_at(instant),
            Some(since) if since >= entry.agrees_from => true,
            Some(since) if since <= entry.differs_from => false,
            Some(since) => {
                let range = TimeRange::new(since, Timestamp::MAX)?;
                let agrees = zone::same_offsets(&found.zone, known, range);
                match agrees {
                    true => entry.agrees_from = since,
                    false => entry.differs_from = since,
                }
                agrees
            }
        };
        agrees.then_some(known)
    }

    /// The TZID under which the zone's VTIMEZONE goes with the answer.
    pub(super) fn use_own(&mut self, found: &Found) -> Option<Arc<str>> {
        let entry = self.entries.get(found.at)?;
        if let Some(name) = &entry.name {
            return Some(name.clone());
        }
        let mut name = entry.tzid.to_string();
        for number in 2_u32.. {
            if !self.taken.contains_key(name.as_str()) {
                break;
            }
            name = format!("{} {number}", entry.tzid);
        }
        self.taken.insert(name.as_str().into(), found.at);
        self.used.push(found.at);
        let name: Arc<str> = name.into();
        self.entries.get_mut(found.at)?.name = Some(name.clone());
        Some(name)
    }

    /// The VTIMEZONEs that times of the answer name.
    pub(super) fn into_used(mut self) -> impl Iterator<Item = Component> {
        let used = std::mem::take(&mut self.used);
        used.into_iter().filter_map(move |at| {
            let entry = self.entries.get_mut(at)?;
            let mut timezone = entry.own.take()?;
            if entry.name.as_deref() != Some(&*entry.tzid) {
                timezone.set(Property::text("TZID", entry.name.as_deref()?));
            }
            Some(timezone)
        })
    }
}
