//! What changed in a calendar during a time, and what was deleted: for clients that keep a copy of it.
//!
//! Read from the calendar's journal, so that the cost follows the number of changes in the window and not the
//! calendar. Windows are of stamps, both ends included, to the second. A client that asks again from where it was
//! told to go on misses nothing: writes begun before an answer are waited for, later ones have later stamps.
//! WCAP's fetchcomponents_by_lastmod and fetch_deletedcomponents.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::fetch::{Fetched, Selection, Window};
use crate::core::access::{Reading, is_restricted};
use crate::core::calendars::CalendarView;
use crate::core::error::Result;
use crate::core::transfer::floating;
use crate::core::{Caller, Core};
use crate::ical::datetime::Timestamp;
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::zone::Zone;
use crate::model::id::{CalendarId, PrincipalId};
use crate::model::item::{Change, Operation};
use crate::store::{Reader, calendars, derive, items, journal, links, people};

/// The items that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Them, the change longest ago first.
    pub fetched: Fetched,
    /// From where to ask next: everything before it has been told.
    pub next: Timestamp,
}

/// Something that is no longer there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// What was kept of it: one component with its identity, times and rules. One with a RECURRENCE-ID stands for
    /// that instance alone.
    pub stub: CalendarObject,
    /// When it was deleted.
    pub deleted: Timestamp,
    /// Who deleted it, if it was somebody who still has an account and the caller may know.
    pub by: Option<String>,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The calendar.
    pub calendar: CalendarView,
    /// Its zone.
    pub zone: Zone,
    /// What is gone, the deletion longest ago first.
    pub tombstones: Vec<Tombstone>,
    /// From where to ask next: everything before it has been told.
    pub next: Timestamp,
    /// Whether deletions within the window have been forgotten already.
    pub partial: bool,
}

/// A window of stamps, both ends included, and how far the answers to it reach.
struct Span {
    from: Timestamp,
    to: Timestamp,
    next: Timestamp,
}

impl Core {
    /// The time of the server that holds a calendar: no change of it so far has a later stamp, no further one an
    /// earlier.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`.
    pub fn calendar_time(&self, caller: &Caller, calid: Option<&str>) -> Result<Timestamp> {
        let now = self.store_time();
        self.store().read(|t| {
            let access = self.access(t, caller, calid)?;
            access.grant::<Reading>()?;
            Ok(latest(t, access.calendar().id, now)?)
        })
    }

    /// The items of a calendar that were stored or changed within `window`, as they are now: series whole, whatever
    /// part of them changed.
    ///
    /// An item is there too if an instance of it was deleted in the window, or if it was deleted and made again. At
    /// most `selection.most` items, those changed longest ago. Errors: `AccessDenied`, `NoSuchCalendar`,
    /// `BadValue`, `TooMuch`.
    pub fn fetch_changed(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        window: &Window,
        selection: &Selection,
    ) -> Result<Changed> {
        let now = self.store_time();
        // Items are counted here, not instances.
        let all = Selection {
            most: None,
            ..selection.clone()
        };
        self.store().read_after_pending(|t| {
            let mut search = self.search(t, caller, calid, &all)?;
            let calendar = search.calendar();
            let mut span = Span::of(t, calendar, window, &search.fetched.zone, now)?;
            let mut names = changed(t, calendar, &span, &selection.kinds)?;
            changed_links(t, calendar, &span, &mut names)?;
            for (uid, stamp) in names {
                let seen = search.seen(t, &uid)?;
                let Some((item, found)) = seen.filter(|(item, _)| search.wants(item.kind)) else {
                    continue;
                };
                let before = search.fetched.objects.len();
                if selection.most.is_some_and(|most| before >= most) {
                    span.next = stamp;
                    break;
                }
                search.push_all(&item, found)?;
            }
            let fetched = search.finish(t)?;
            Ok(Changed {
                fetched,
                next: span.next,
            })
        })
    }

    /// What was deleted from a calendar within `window`: items of `kinds`, and single instances of them; at most
    /// `most`, those deleted longest ago.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`, `BadValue`.
    pub fn fetch_deleted(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        window: &Window,
        kinds: &[Kind],
        most: Option<usize>,
    ) -> Result<Deleted> {
        let now = self.store_time();
        self.store().read_after_pending(|t| {
            let access = self.access(t, caller, calid)?;
            let granted = access.grant::<Reading>()?;
            let zone = floating(&access.calendar().properties.tzid);
            let calendar = access.calendar().id;
            let mut span = Span::of(t, calendar, window, &zone, now)?;
            let forgotten = Timestamp(calendars::state(t, calendar)?.forgotten);
            let mut names = Names::default();
            let mut tombstones = Vec::new();
            let mut gone = deletions(t, calendar, &span, kinds)?;
            self.deleted_at_sources(t, caller, calendar, &span, kinds, &mut gone)?;
            for (change, deleted) in gone {
                if most.is_some_and(|most| tombstones.len() >= most) {
                    span.next = deleted;
                    break;
                }
                let text = change.stub.as_deref().unwrap_or_default();
                let Some(mut stub) = derive::parsed(text, change.kind, &change.uid) else {
                    continue;
                };
                stub.components.truncate(1);
                let open = granted.sees_everything() || !stub.components.iter().any(is_restricted);
                granted.see(&mut stub, None);
                let by = match open {
                    true => names.of(self, t, change.actor)?,
                    false => None,
                };
                tombstones.push(Tombstone { stub, deleted, by });
            }
            Ok(Deleted {
                calendar: self.view(t, &access, caller)?,
                zone,
                tombstones,
                next: span.next,
                partial: window.start.is_some() && span.from < forgotten,
            })
        })
    }

    /// Adds the deletions of linked items at their sources, where the caller may read.
    fn deleted_at_sources(
        &self,
        t: &impl Reader,
        caller: &Caller,
        calendar: CalendarId,
        span: &Span,
        kinds: &[Kind],
        found: &mut Vec<(Change, Timestamp)>,
    ) -> Result<()> {
        for linked in links::all(t, calendar)? {
            let item = items::get(t, linked.source, &linked.uid)?;
            if item.is_some_and(|item| item.created == linked.link.item) {
                continue;
            }
            let Some(source) = calendars::get(t, linked.source)?.filter(|c| c.enabled) else {
                continue;
            };
            let shown = self.show_calid(&source.calid);
            let Ok(granted) = self.standing(t, caller, source, shown)?.grant::<Reading>() else {
                continue;
            };
            for (mut change, stamp) in deletions(t, linked.source, span, kinds)? {
                if change.uid == linked.uid && change.recurrence_id.is_none() {
                    // Who deleted it is told where it was.
                    change.actor = change.actor.filter(|_| granted.sees_everything());
                    found.push((change, stamp));
                }
            }
        }
        found.sort_by_key(|(_, stamp)| *stamp);
        Ok(())
    }

    /// The clock that stamps are of.
    fn store_time(&self) -> Timestamp {
        crate::core::basis::note_time();
        self.store().now()
    }
}

/// The later of `now` and the last stamp of a calendar.
fn latest(
    t: &impl Reader,
    calendar: CalendarId,
    now: Timestamp,
) -> crate::store::Result<Timestamp> {
    Ok(calendars::last_stamp(t, calendar)?.map_or(now, |stamp| stamp.max(now)))
}

impl Span {
    /// The stamps that `window` asks for. `now` is from before the view `t` was opened.
    fn of(
        t: &impl Reader,
        calendar: CalendarId,
        window: &Window,
        zone: &Zone,
        now: Timestamp,
    ) -> Result<Self> {
        let (from, to) = window.ends(zone)?;
        let (from, to) = (from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX));
        let next = latest(t, calendar, now)?.min(to);
        Ok(Self { from, to, next })
    }
}

/// UIDs that the journal names within `span` and when last, the longest ago first.
fn changed(
    t: &impl Reader,
    calendar: CalendarId,
    span: &Span,
    kinds: &[Kind],
) -> Result<Vec<(String, Timestamp)>> {
    let mut found: Vec<(String, Timestamp)> = Vec::new();
    let mut seen = HashSet::new();
    journal::between(t, calendar, span.from, span.to, |entry| {
        let Change { uid, kind, .. } = entry.change;
        // What was deleted as one kind may have been made again as another.
        let wanted = entry.change.operation == Operation::Delete || kinds.contains(&kind);
        if wanted && seen.insert(uid.clone()) {
            found.push((uid, entry.stamp));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Adds the linked items that changed at their source within `span`.
fn changed_links(
    t: &impl Reader,
    calendar: CalendarId,
    span: &Span,
    found: &mut Vec<(String, Timestamp)>,
) -> Result<()> {
    let own: HashSet<String> = found.iter().map(|(uid, _)| uid.clone()).collect();
    for linked in links::all(t, calendar)? {
        let item = items::get(t, linked.source, &linked.uid)?;
        let within = |stamp| (span.from..=span.to).contains(&stamp);
        if let Some(item) = item.filter(|item| within(item.modified))
            && !own.contains(&linked.uid)
        {
            found.push((linked.uid, item.modified));
        }
    }
    found.sort_by_key(|(_, stamp)| *stamp);
    Ok(())
}

/// The deletions within `span`, each of its item or instance the last; what was deleted of an item before all of it
/// went is of no interest any more.
fn deletions(
    t: &impl Reader,
    calendar: CalendarId,
    span: &Span,
    kinds: &[Kind],
) -> Result<Vec<(Change, Timestamp)>> {
    let mut found: Vec<(Change, Timestamp)> = Vec::new();
    journal::between(t, calendar, span.from, span.to, |entry| {
        if entry.change.operation == Operation::Delete && kinds.contains(&entry.change.kind) {
            found.push((entry.change, entry.stamp));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let mut gone: HashSet<String> = HashSet::new();
    let mut instances: HashSet<(String, String)> = HashSet::new();
    let mut kept: Vec<bool> = found
        .iter()
        .rev()
        .map(|(change, _)| match &change.recurrence_id {
            None => gone.insert(change.uid.clone()),
            Some(id) => {
                !gone.contains(&change.uid) && instances.insert((change.uid.clone(), id.clone()))
            }
        })
        .collect();
    found.retain(|_| kept.pop().unwrap_or(true));
    Ok(found)
}

/// Names of those who deleted, looked up once each.
#[derive(Default)]
struct Names(HashMap<PrincipalId, Option<String>>);

impl Names {
    fn of(
        &mut self,
        core: &Core,
        t: &impl Reader,
        actor: Option<PrincipalId>,
    ) -> Result<Option<String>> {
        let Some(id) = actor else { return Ok(None) };
        if let Some(name) = self.0.get(&id) {
            return Ok(name.clone());
        }
        let principal = people::principal(t, id)?;
        let name = principal.map(|p| core.show_name(p.name()));
        self.0.insert(id, name.clone());
        Ok(name)
    }
}
