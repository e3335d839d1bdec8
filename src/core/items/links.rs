//! Links: items of one calendar that are seen in another.
//!
//! A link is read at its source each time, with the rights that the reader has there then; it cannot be changed where it
//! is seen, only removed. It goes with the item it leads to. Fetches by time, UID and change know links; busy times,
//! alarms and exports do not. WCAP's addlink.

use super::delete::whole_stub;
use super::desk::Desk;
use super::exception::{exception, overriding};
use super::fetch::{Found, Search};
use super::series::{Bench, World};
use crate::core::access::{Adding, Granted, Reading};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::transfer::floating;
use crate::core::{Caller, Core};
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::value;
use crate::ical::zone::Zone;
use crate::model::id::CalendarId;
use crate::model::item::{Change, Item, Operation};
use crate::store::links::{self, Link, Linked};
use crate::store::{Reader, WriteTxn, calendars, derive, items, journal};

/// What to link to: a UID, and the instance if it is not the whole item.
pub type LinkTo = (String, Option<DateTime>);

/// A linked item as it is now at its source.
pub(super) struct Opened {
    pub(super) item: Item,
    object: CalendarObject,
    granted: Granted<Reading>,
}

impl Core {
    /// Makes items of the calendar `source` seen in the calendar `target` too; all of them or none. Local times are of
    /// `zone`, or of the source.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`; `NoSuchItem`, `NoSuchInstance`; `ItemExists` for a UID that is taken
    /// in `target`; `BadValue` for a calendar linked to itself; `TooMuch` beyond `limits.links`.
    pub fn add_links(
        &self,
        caller: &Caller,
        target: &str,
        source: &str,
        wanted: &[LinkTo],
        zone: Option<&Zone>,
    ) -> Result<()> {
        self.store().write(|t| {
            let access = self.access(t, caller, Some(target))?;
            access.grant::<Adding>()?;
            let from = self.access(t, caller, Some(source))?;
            from.grant::<Reading>()?;
            let (to, from) = (access.calendar(), from.calendar());
            if to.id == from.id {
                let message = "expected two calendars, found one to be linked to itself";
                return Err(Error::new(Failed::BadValue, message));
            }
            for (uid, instance) in wanted {
                let own = floating(&from.properties.tzid);
                let item = items::get(t, from.id, uid)?.ok_or_else(no_item)?;
                let id = match instance {
                    Some(id) => Some(self.instance_id(&item, id, zone.unwrap_or(&own), &own)?),
                    None => None,
                };
                self.link(t, caller, to.id, from.id, &item, id)?;
            }
            let limit = self.settings().limits.links;
            if links::all(t, to.id)?.len() > limit {
                let message = format!("expected at most {limit} links in a calendar, found more");
                return Err(Error::new(Failed::TooMuch, message));
            }
            Ok(())
        })
    }

    /// Links to an item, or one more instance of it.
    fn link(
        &self,
        t: &mut WriteTxn<'_>,
        caller: &Caller,
        to: CalendarId,
        source: CalendarId,
        item: &Item,
        instance: Option<String>,
    ) -> Result<()> {
        let taken = || Error::new(Failed::ItemExists, "an item of that UID is there");
        if items::visible(t, to, &item.uid)?.is_some() {
            return Err(taken());
        }
        let old = links::get(t, to, &item.uid)?;
        let mut instances: Vec<String> = instance.iter().cloned().collect();
        if let Some(old) = old {
            if old.source == source && old.link.item == item.created {
                let had = &old.link.instances;
                match &instance {
                    _ if had.is_empty() => return Ok(()),
                    Some(id) if had.contains(id) => return Ok(()),
                    Some(_) => instances.extend(had.iter().cloned()),
                    None => {}
                }
            } else if is_live(t, &old)? {
                return Err(taken());
            }
            links::remove(t, to, &old);
        }
        instances.sort_unstable();
        let change = Change {
            uid: item.uid.clone(),
            recurrence_id: None,
            kind: item.kind,
            operation: Operation::Create,
            actor: caller.principal(),
            stub: None,
        };
        let state = journal::append(t, to, &change)?;
        let link = Link {
            created: Timestamp(state.stamp),
            item: item.created,
            instances,
            actor: caller.principal(),
        };
        let uid = item.uid.clone();
        Ok(links::put(t, to, &Linked { uid, source, link })?)
    }

    /// The recurrence id of an instance as links keep it. Errors: `NoSuchInstance`.
    fn instance_id(&self, item: &Item, id: &DateTime, zone: &Zone, own: &Zone) -> Result<String> {
        let object = derive::object(item).ok_or_else(no_item)?;
        let world = self.world_of(own, &item.uid);
        let bench = Bench::new(&object, &world)?;
        let id = super::by_id::meant(id, &object, zone);
        let found = bench.find(&id)?;
        Ok(match bench.id_of(&found) {
            day @ DateTime::Date(_) => day.to_string(),
            _ => DateTime::Utc(found.original).to_string(),
        })
    }

    fn world_of<'a>(&'a self, zone: &'a Zone, uid: &'a str) -> World<'a> {
        World {
            floating: zone,
            limits: &self.settings().limits,
            new_uid: uid,
            drop_unfit_start: false,
            creating: false,
        }
    }

    /// What a link leads to, if it is there and the caller may read it now.
    pub(super) fn open_link(
        &self,
        t: &impl Reader,
        caller: &Caller,
        linked: &Linked,
    ) -> Result<Option<Opened>> {
        let Some(calendar) = calendars::get(t, linked.source)?.filter(|c| c.enabled) else {
            return Ok(None);
        };
        let zone = floating(&calendar.properties.tzid);
        let shown = self.show_calid(&calendar.calid);
        let Ok(granted) = self.standing(t, caller, calendar, shown)?.grant() else {
            return Ok(None);
        };
        let item = items::get(t, linked.source, &linked.uid)?;
        let Some(mut item) = item.filter(|item| item.created == linked.link.item) else {
            return Ok(None);
        };
        let Some(mut object) = derive::object(&item) else {
            return Ok(None);
        };
        if !linked.link.instances.is_empty() {
            object = self.only(&object, &linked.link.instances, &zone)?;
            if object.components.is_empty() {
                return Ok(None);
            }
            item.facts = derive::facts(&object, item.part(), &zone);
        }
        // For whoever looks here it is as new as the link.
        item.created = linked.link.created;
        item.modified = item.modified.max(linked.link.created);
        Ok(Some(Opened {
            item,
            object,
            granted,
        }))
    }

    /// The object with some instances alone; those that are no longer there are left out.
    fn only(&self, object: &CalendarObject, ids: &[String], zone: &Zone) -> Result<CalendarObject> {
        let world = self.world_of(zone, &object.uid);
        let bench = Bench::new(object, &world)?;
        let mut components = Vec::with_capacity(ids.len());
        for id in ids {
            let id = value::parse_date_time(id, None).ok();
            let Some(instance) = id.and_then(|id| bench.find(&id).ok()) else {
                continue;
            };
            components.push(match overriding(&bench, &instance) {
                Some(at) => object.components[at].clone(),
                None => exception(&bench, &instance),
            });
        }
        Ok(bench.with(components))
    }
}

fn no_item() -> Error {
    Error::new(Failed::NoSuchItem, "there is no item of that UID")
}

/// Whether what a link leads to is still there.
fn is_live(t: &impl Reader, linked: &Linked) -> Result<bool> {
    let item = items::get(t, linked.source, &linked.uid)?;
    Ok(item.is_some_and(|item| item.created == linked.link.item))
}

/// That no item of another calendar is seen by `uid` here: such a one cannot be changed. A link whose item is gone
/// goes.
///
/// Errors: `LinkedEvent`, `LinkedTodo`.
pub(super) fn check_unlinked(
    t: &mut WriteTxn<'_>,
    calendar: CalendarId,
    uid: &str,
    kind: Kind,
) -> Result<()> {
    let Some(linked) = links::get(t, calendar, uid)? else {
        return Ok(());
    };
    if !is_live(t, &linked)? {
        links::remove(t, calendar, &linked);
        return Ok(());
    }
    let failed = match kind {
        Kind::Todo => Failed::LinkedTodo,
        Kind::Event | Kind::Journal => Failed::LinkedEvent,
    };
    let message = "the item is a link: it can be changed in its own calendar only";
    Err(Error::new(failed, message))
}

/// Removes the link called `uid` to an item of `kind`; says whether there was one.
pub(super) fn unlink(t: &mut WriteTxn<'_>, desk: &Desk<'_>, uid: &str, kind: Kind) -> Result<bool> {
    let calendar = desk.calendar.id;
    let Some(linked) = links::get(t, calendar, uid)? else {
        return Ok(false);
    };
    let item = items::get(t, linked.source, uid)?.filter(|i| i.created == linked.link.item);
    let Some(item) = item else {
        links::remove(t, calendar, &linked);
        return Ok(false);
    };
    if item.kind != kind {
        return Ok(false);
    }
    links::remove(t, calendar, &linked);
    let object = derive::object(&item);
    let kept = object.as_ref().map(whole_stub);
    let change = Change {
        uid: uid.to_owned(),
        recurrence_id: None,
        kind,
        operation: Operation::Delete,
        actor: desk.caller.principal(),
        stub: Some(kept.unwrap_or_default()),
    };
    journal::append(t, calendar, &change)?;
    Ok(true)
}

impl Search<'_> {
    /// What is seen by a UID: an item, or one that a link leads to.
    pub(super) fn seen(&mut self, t: &impl Reader, uid: &str) -> Result<Option<(Item, Found)>> {
        if let Some(item) = items::visible(t, self.calendar(), uid)? {
            let found = self.found(t, &item)?;
            return Ok(found.map(|found| (item, found)));
        }
        match links::get(t, self.calendar(), uid)? {
            Some(linked) => self.linked(t, &linked),
            None => Ok(None),
        }
    }

    /// What a link leads to, as the caller may see it.
    pub(super) fn linked(
        &mut self,
        t: &impl Reader,
        linked: &Linked,
    ) -> Result<Option<(Item, Found)>> {
        let opened = self.core.open_link(t, &self.caller, linked)?;
        let Some(Opened {
            item,
            object,
            granted,
        }) = opened.filter(|opened| self.wants(opened.item.kind))
        else {
            return Ok(None);
        };
        let found = self.as_seen(t, &item, object, &granted)?;
        Ok(Some((item, found)))
    }
}
