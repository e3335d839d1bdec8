//! Reading items by UID, whole or some of their instances.

use super::fetch::{Fetched, Search, Selection, instance_lines, line, whole};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::{Caller, Core};
use crate::ical::datetime::{DateTime, TimeRange};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::value;
use crate::ical::zone::Zone;
use crate::store::Reader;

/// Which instances of a series are meant, seen from one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// That one.
    This,
    /// It and all later ones.
    ThisAndFuture,
    /// It and all earlier ones.
    ThisAndPrior,
    /// All.
    All,
}

/// An item, or instances of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemId {
    /// The UID, to the byte.
    pub uid: String,
    /// An instance; none: the whole item.
    pub instance: Option<DateTime>,
    /// Which instances, seen from that one.
    pub reach: Reach,
}

impl Core {
    /// The items of a calendar called `ids`; local times in them are of `zone`, or of the calendar's.
    ///
    /// An item of a kind that was not asked for counts as not there. If only some are there these are answered and
    /// marked as incomplete. Errors: `AccessDenied`, `NoSuchCalendar`; `NoSuchItem` or `NoSuchInstance` when none
    /// is there; `TooMuch`.
    pub fn fetch_items(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        ids: &[ItemId],
        zone: Option<&Zone>,
        selection: &Selection,
    ) -> Result<Fetched> {
        self.store().read(|t| {
            let mut search = self.search(t, caller, calid, selection)?;
            let mut found = false;
            let mut missing = None;
            for id in ids {
                match search.add_item(t, id, zone) {
                    Ok(()) => found = true,
                    Err(cause) if is_missing(&cause) => missing = Some(cause),
                    Err(cause) => return Err(cause),
                }
            }
            if let Some(cause) = missing {
                if !found {
                    return Err(cause);
                }
                search.fetched.incomplete = true;
            }
            search.finish(t)
        })
    }
}

impl Core {
    /// Which of `ids` are not there: their places in the list. Instances are looked for one by one, whatever their
    /// reach.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`, `TooMuch`.
    pub fn missing_items(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        kind: Kind,
        ids: &[ItemId],
        zone: Option<&Zone>,
    ) -> Result<Vec<usize>> {
        let selection = Selection {
            kinds: vec![kind],
            ..Selection::default()
        };
        self.store().read(|t| {
            let mut search = self.search(t, caller, calid, &selection)?;
            let mut missing = Vec::new();
            for (at, id) in ids.iter().enumerate() {
                if !search.has(t, id, zone)? {
                    missing.push(at);
                }
            }
            Ok(missing)
        })
    }
}

fn is_missing(cause: &Error) -> bool {
    matches!(cause.kind(), Failed::NoSuchItem | Failed::NoSuchInstance)
}

impl Search<'_> {
    /// Whether an item, or the one instance of it, is there.
    fn has(&mut self, t: &impl Reader, id: &ItemId, zone: Option<&Zone>) -> Result<bool> {
        let seen = self.seen(t, &id.uid)?;
        let Some((_, found)) = seen.filter(|(item, _)| self.wants(item.kind)) else {
            return Ok(false);
        };
        let object = found.object;
        let Some(instance) = &id.instance else {
            return Ok(true);
        };
        let series = self.series(&object)?;
        let instance = meant(instance, &object, zone.unwrap_or(&self.fetched.zone));
        match self.find(&series, &instance) {
            Ok(_) => Ok(true),
            Err(cause) if is_missing(&cause) => Ok(false),
            Err(cause) => Err(cause),
        }
    }

    fn add_item(&mut self, t: &impl Reader, id: &ItemId, zone: Option<&Zone>) -> Result<()> {
        let seen = self.seen(t, &id.uid)?;
        let Some((item, found)) = seen.filter(|(item, _)| self.wants(item.kind)) else {
            let message = "there is no item of that UID and kind";
            return Err(Error::new(Failed::NoSuchItem, message));
        };
        let part = id.instance.as_ref().filter(|_| id.reach != Reach::All);
        if part.is_none() && !(item.facts.recurring && self.wants_instances()) {
            self.push(found, vec![whole(&item)]);
            return Ok(());
        }
        let series = self.series(&found.object)?;
        let from = match part {
            Some(instance) => {
                let calendar = &self.fetched.zone;
                let instance = meant(instance, &found.object, zone.unwrap_or(calendar));
                Some(self.find(&series, &instance)?)
            }
            None => None,
        };
        let lines = match from {
            Some(_) if !item.facts.recurring => vec![whole(&item)],
            Some(instance) if id.reach == Reach::This => vec![line(&series, &instance)],
            // A part of a series is told by its instances only; who wants the series gets it whole.
            Some(_) if !self.wants_instances() => vec![whole(&item)],
            from => {
                let mut instances =
                    self.expand(&series, self.until_open_end(&series, TimeRange::ALL))?;
                if let Some(from) = from {
                    instances.retain(|instance| match id.reach {
                        Reach::ThisAndPrior => instance.original <= from.original,
                        _ => instance.original >= from.original,
                    });
                }
                instance_lines(&series, &instances)
            }
        };
        self.push(found, lines);
        Ok(())
    }
}

/// A recurrence id as it is meant: local times are of `zone`, but for series of whole days, which are of no zone.
pub(super) fn meant(id: &DateTime, object: &CalendarObject, zone: &Zone) -> DateTime {
    let start = object
        .components
        .first()
        .and_then(|c| c.property("DTSTART"));
    let of_days = start
        .and_then(|start| value::date_time(start).ok())
        .is_some_and(|start| start.is_date());
    match id {
        DateTime::Floating(local) if !of_days => DateTime::Utc(zone.to_timestamp(*local)),
        _ => id.clone(),
    }
}
