//! Whole calendars in and out: import of a file, export of everything.
//!
//! Import sends no scheduling messages. What it cannot take it names with its line; the rest is stored.

use std::ops::ControlFlow;

use super::access::{Access, Adding, Reading, Right};
use super::attachments;
use super::error::{Error, Kind, Result};
use super::{Caller, Core};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::import::{self, Fault};
use crate::ical::instances::Series;
use crate::ical::object::{self, CalendarObject, Kind as Kinds};
use crate::ical::recur::Work;
use crate::ical::zone::Zone;
use crate::ical::{parse, print};
use crate::limits::Limits;
use crate::model::attachment::AttachmentId;
use crate::model::item::Item;
use crate::store::items::{self, Booking};
use crate::store::{self, calendars, derive, journal};

/// A file, read and grouped; what cannot be taken is named in it already.
pub use crate::ical::import::Import as Upload;

/// Objects stored in one transaction: enough to share a flush, few enough that other writers get their turn.
const BATCH: usize = 500;

/// `PRODID` of what this server writes.
pub const PRODID: &str = concat!("-//wcapd//wcapd ", env!("CARGO_PKG_VERSION"), "//EN");

/// When an object was stored, by the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// First.
    pub created: Timestamp,
    /// Last changed.
    pub modified: Timestamp,
}

impl Stamps {
    fn of(item: &Item) -> Self {
        Self {
            created: item.created,
            modified: item.modified,
        }
    }
}

/// What became of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Imported {
    /// Objects stored, those that were there already in the same words included.
    pub stored: usize,
    /// Objects outside the asked time.
    pub outside: usize,
    /// Components that were not stored.
    pub refused: usize,
    /// What was lost and why, one sentence each, which begins with the line of the file.
    pub faults: Vec<String>,
    /// How many more there were than are listed.
    pub unlisted: usize,
}

impl Imported {
    /// Whether nothing was stored although there was something to store.
    pub fn failed(&self) -> bool {
        self.stored == 0 && self.refused > 0
    }
}

impl Core {
    /// Reads an iCalendar file into objects. Bytes that are no UTF-8 are read as windows-1252.
    pub fn read_upload(&self, bytes: &[u8]) -> Upload {
        import::import(bytes, &parse_limits(&self.settings().limits), &mut || {
            self.ids().uid()
        })
    }

    /// Groups components, read in another way, into objects and checks them.
    pub fn group_upload(&self, components: Vec<Component>) -> Upload {
        let limits = parse_limits(&self.settings().limits);
        import::from_components(components, None, &limits, &mut || self.ids().uid())
    }

    /// As [`Core::group_upload`], of the components of an iTIP message.
    pub fn group_message(&self, method: &str, components: Vec<Component>) -> Upload {
        let limits = parse_limits(&self.settings().limits);
        let method = Some(method);
        import::from_components(components, method, &limits, &mut || self.ids().uid())
    }

    /// Stores the objects of an upload that take place within `window`. Objects of a UID that is there already take
    /// its place, if the caller may change what is there; nothing is sent to anybody. `progress` hears how many more
    /// are done.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`; a failing store, after which earlier batches are stored.
    pub fn import(
        &self,
        caller: &Caller,
        calid: &str,
        upload: Upload,
        window: Option<TimeRange>,
        mut progress: impl FnMut(usize),
    ) -> Result<Imported> {
        let access = self.store().read(|t| {
            let access = self.access(t, caller, Some(calid))?;
            access.grant::<Adding>()?;
            Ok::<_, Error>(access)
        })?;
        let floating = floating(&access.calendar().properties.tzid);
        let Upload {
            objects,
            mut faults,
            unlisted,
            refused,
            ..
        } = upload;
        let mut imported = Imported {
            refused,
            unlisted,
            ..Imported::default()
        };
        let secret = match objects.iter().any(attachments::has_inline) {
            true => Some(self.attachment_secret()?),
            false => None,
        };
        let mut chosen = Vec::with_capacity(objects.len());
        for mut object in objects {
            if window.is_some_and(|window| !touches(&object, &floating, window)) {
                imported.outside += 1;
                continue;
            }
            let limits = &self.settings().limits;
            let data = secret.as_ref().map_or_else(Vec::new, |secret| {
                attachments::take_inline(&mut object, secret, limits)
            });
            let text = object_text(&object);
            match self.oversized(&object, &text) {
                None => chosen.push(Chosen { object, text, data }),
                Some(fault) => {
                    imported.refused += 1;
                    faults.push(fault);
                }
            }
        }
        faults.sort_by_key(Fault::line);
        let listed = parse::Limits::DEFAULT.errors;
        imported.unlisted += faults.len().saturating_sub(listed);
        faults.truncate(listed);
        imported.faults = faults.iter().map(ToString::to_string).collect();
        let most = self.settings().limits.attachment_body;
        let mut left = chosen.as_slice();
        while !left.is_empty() {
            let (batch, rest) = left.split_at(batch_length(left, most));
            let kept = self.import_batch(caller, &access, &floating, batch)?;
            imported.stored += batch.len() - kept.len();
            imported.refused += kept.len();
            let room = listed.saturating_sub(imported.faults.len());
            imported.unlisted += kept.len().saturating_sub(room);
            imported.faults.extend(kept.into_iter().take(room));
            progress(batch.len());
            left = rest;
        }
        Ok(imported)
    }

    fn oversized(&self, object: &CalendarObject, text: &str) -> Option<Fault> {
        let limits = &self.settings().limits;
        let attendees = |component: &Component| component.properties_named("ATTENDEE").count();
        let attendees = object.components.iter().map(attendees).max();
        let line = object.components.first().map_or(0, Component::source_line);
        let sizes = [
            ("octets", text.len(), limits.object_size),
            ("attendees", attendees.unwrap_or(0), limits.attendees),
            ("exceptions", object.overrides().len(), limits.overrides),
        ];
        let too_much = sizes.into_iter().find(|(_, length, limit)| length > limit);
        too_much.map(|(what, length, limit)| Fault::Oversized {
            line,
            what,
            length,
            limit,
        })
    }

    /// Stores a batch; answers what the caller may not put in the place of what is there, one sentence each.
    fn import_batch(
        &self,
        caller: &Caller,
        access: &Access,
        floating: &Zone,
        batch: &[Chosen],
    ) -> Result<Vec<String>> {
        let calendar = access.calendar().id;
        let actor = caller.principal();
        let may_change = |old: &Item| {
            access.allows(Right::Modify) && (access.is_owner() || !old.facts.restricted)
        };
        self.store().write(|t| {
            let home = calendars::get(t, calendar)?.ok_or_else(|| {
                let message = "the calendar was removed while the import went on";
                Error::new(Kind::NoSuchCalendar, message)
            })?;
            let mut kept = Vec::new();
            for Chosen { object, text, data } in batch {
                let old = items::get(t, calendar, &object.uid)?;
                if old.as_ref().is_some_and(|old| !may_change(old)) {
                    let line = object.components.first().map_or(0, Component::source_line);
                    kept.push(format!(
                        "line {line}: no right to change the item of that UID"
                    ));
                } else if old.is_none_or(|old| old.text != *text) {
                    for (id, content) in data {
                        store::attachments::keep(t, *id, content)?;
                    }
                    let attendee = self.attendee_of(t, &home, object)?;
                    items::put(
                        t,
                        calendar,
                        floating,
                        Booking {
                            object,
                            text,
                            actor,
                            attendee: attendee.as_deref(),
                        },
                    )?;
                }
            }
            Ok(kept)
        })
    }

    /// Visits the objects of a calendar as `caller` may see them, by UID; with a window, those that take place in it.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`.
    pub fn export(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        window: Option<TimeRange>,
        mut visit: impl FnMut(CalendarObject),
    ) -> Result<()> {
        self.export_stamped(caller, calid, window, |object, _| visit(object))
    }

    /// As [`Core::export`], with the server's own stamps beside each object.
    pub fn export_stamped(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        window: Option<TimeRange>,
        mut visit: impl FnMut(CalendarObject, Stamps),
    ) -> Result<()> {
        self.store().read(|t| {
            let access = self.access(t, caller, calid)?;
            let granted = access.grant::<Reading>()?;
            let floating = floating(&access.calendar().properties.tzid);
            let calendar = access.calendar().id;
            let mut show = |item: &Item| -> crate::store::Result<()> {
                // A damaged text is for `check` to find; what is whole can still be had.
                let Some(mut object) = derive::object(item) else {
                    return Ok(());
                };
                if window.is_none_or(|window| touches(&object, &floating, window)) {
                    let narrows = granted.narrows(item.facts.restricted);
                    if narrows && !granted.see(&mut object, None) {
                        return Ok(());
                    }
                    attachments::put_inline(t, &mut object)?;
                    visit(object, Stamps::of(item));
                }
                Ok(())
            };
            let Some(window) = window else {
                items::seen(t, calendar, |item| {
                    show(&item)?;
                    Ok(ControlFlow::Continue(()))
                })?;
                return Ok(());
            };
            let kinds = [Kinds::Event, Kinds::Todo, Kinds::Journal];
            let mut uids = items::touching(t, calendar, window, &kinds)?;
            uids.sort_unstable();
            for uids in uids.chunks(BATCH) {
                let found = items::visible_many(t, calendar, uids)?;
                found.iter().flatten().try_for_each(&mut show)?;
            }
            Ok(())
        })
    }
}

/// An object of an import, ready to be booked.
struct Chosen {
    object: CalendarObject,
    text: String,
    /// Data of attachments that its text names.
    data: Vec<(AttachmentId, Vec<u8>)>,
}

/// How many of `chosen`, at least one, go into one transaction, with at most `most` octets of attachments.
fn batch_length(chosen: &[Chosen], most: usize) -> usize {
    let mut total: usize = 0;
    let fit = chosen.iter().take(BATCH).take_while(|chosen| {
        let data = chosen.data.iter().map(|(_, content)| content.len());
        total = total.saturating_add(data.sum());
        total <= most
    });
    fit.count().max(1)
}

impl Core {
    /// Forgets deletions older than `sync.tombstone_days` in every calendar; says how many.
    pub fn forget_deletions(&self) -> Result<usize> {
        let limit = self
            .now()
            .plus(-self.settings().tombstone_days.saturating_mul(86_400));
        let mut forgotten = 0;
        for calendar in self.calendars(None)? {
            if self
                .store()
                .read(|t| journal::has_old(t, calendar.id, limit))?
            {
                forgotten += self
                    .store()
                    .write(|t| journal::forget(t, calendar.id, limit))?;
            }
        }
        Ok(forgotten)
    }
}

/// The zone of floating times in a calendar whose zone is `tzid`.
pub(super) fn floating(tzid: &str) -> Zone {
    Zone::named(tzid).unwrap_or_else(Zone::utc)
}

/// An object as it is kept: a VCALENDAR with its zones, each component as it came.
pub(super) fn object_text(object: &CalendarObject) -> String {
    let head = [
        Property::new("VERSION", "2.0"),
        Property::new("PRODID", PRODID),
    ];
    print::to_string(&object::to_calendar([object], head))
}

/// Whether an instance of `object` shares time with `window`; an object without dates is in every window, and so
/// is one that cannot be expanded.
fn touches(object: &CalendarObject, floating: &Zone, window: TimeRange) -> bool {
    let mut work = Work::new(derive::WORK);
    let Ok(series) = Series::of(object, floating, &mut work) else {
        return true;
    };
    series.is_dateless()
        || series
            .instances(window, usize::MAX, &mut work)
            .map_or(true, |found| !found.is_empty())
}

/// The bounds of what is read of a whole file.
pub fn parse_limits(limits: &Limits) -> parse::Limits {
    parse::Limits {
        bytes: limits.import_size,
        // An export has attachments in it, as base64.
        line: limits
            .line_length
            .max(limits.attachment_size / 3 * 4 + 4096),
        depth: limits.nesting,
        components: limits.components,
        ..parse::Limits::DEFAULT
    }
}
