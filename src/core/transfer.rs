//! Whole calendars in and out: import of a file, export of everything.
//!
//! Import sends no scheduling messages. What it cannot take it names with its line; the rest is stored.

use std::ops::ControlFlow;

use super::access::{Adding, Reading};
use super::error::{Error, Kind, Result};
use super::{Caller, Core};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::TimeRange;
use crate::ical::instances::Series;
use crate::ical::object::{self, CalendarObject};
use crate::ical::recur::Work;
use crate::ical::zone::Zone;
use crate::ical::{check, parse, print};
use crate::limits::Limits;
use crate::model::id::CalendarId;
use crate::store::items::{self, Booking};
use crate::store::{calendars, derive};

/// Objects stored in one transaction: enough to share a flush, few enough that other writers get their turn.
const BATCH: usize = 500;

/// `PRODID` of what this server writes.
pub const PRODID: &str = concat!("-//wcapd//wcapd ", env!("CARGO_PKG_VERSION"), "//EN");

/// A component that was not stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// Line of the file it stands in, from 1; 0 when that is not known.
    pub line: u32,
    /// Why, one sentence.
    pub reason: String,
}

/// What became of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Imported {
    /// Objects stored, those that were there already in the same words included.
    pub stored: usize,
    /// Objects outside the asked time.
    pub outside: usize,
    /// Components that were not stored, by line.
    pub refused: Vec<Refusal>,
    /// Lines that were mended or left out while their component was stored.
    pub remarks: Vec<Refusal>,
}

/// A file to import, already grouped into objects.
#[derive(Debug, Default)]
pub struct Upload {
    objects: Vec<CalendarObject>,
    outcome: Imported,
}

impl Upload {
    /// How many objects there are to store.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// What was refused so far, by line.
    pub fn refused(&self) -> &[Refusal] {
        &self.outcome.refused
    }
}

impl Core {
    /// Reads an iCalendar file into objects. Bytes that are no UTF-8 are read as windows-1252.
    pub fn read_upload(&self, bytes: &[u8]) -> Upload {
        let limits = self.settings().limits.clone();
        let parsed = parse::parse_mending(bytes, &parse_limits(&limits));
        let mut upload = self.group_upload(parsed.components);
        for error in parsed.errors {
            let refusal = Refusal {
                line: error.line,
                reason: error.message.to_string(),
            };
            match error.message.is_warning() {
                true => upload.outcome.remarks.push(refusal),
                false => upload.outcome.refused.push(refusal),
            }
        }
        upload.outcome.refused.sort_by_key(|refusal| refusal.line);
        upload
    }

    /// Groups components, however they were read, into objects and checks them.
    pub fn group_upload(&self, components: Vec<Component>) -> Upload {
        let split = object::split(components, &mut || self.ids().uid());
        let mut outcome = Imported::default();
        let rejected = split.rejected.into_iter();
        outcome.refused.extend(rejected.map(|r| Refusal {
            line: r.line,
            reason: r.reason.to_string(),
        }));
        let mut objects = Vec::with_capacity(split.objects.len());
        for object in split.objects {
            objects.extend(check_object(object, &mut outcome));
        }
        Upload { objects, outcome }
    }

    /// Stores the objects of an upload that take place within `window`. Objects of a UID that is there already take its
    /// place; nothing is sent to anybody. `progress` hears of each object done.
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
        let (calendar, floating) = self.store().read(|t| {
            let access = self.access(t, caller, Some(calid))?;
            access.grant::<Adding>()?;
            Ok::<_, Error>((
                access.calendar().id,
                self.floating(&access.calendar().properties.tzid),
            ))
        })?;
        let Upload {
            objects,
            outcome: mut imported,
        } = upload;
        let mut chosen = Vec::with_capacity(objects.len());
        for object in objects {
            if window.is_some_and(|window| !touches(&object, &floating, window)) {
                imported.outside += 1;
            } else if let Some(refusal) = self.oversized(&object) {
                imported.refused.push(refusal);
            } else {
                chosen.push(object);
            }
        }
        for batch in chosen.chunks(BATCH) {
            self.import_batch(caller, calendar, &floating, batch)?;
            imported.stored += batch.len();
            progress(batch.len());
        }
        imported.refused.sort_by_key(|refusal| refusal.line);
        imported.remarks.sort_by_key(|remark| remark.line);
        Ok(imported)
    }

    fn oversized(&self, object: &CalendarObject) -> Option<Refusal> {
        let limit = self.settings().limits.object_size;
        let length = object_text(object).len();
        let line = object.components.first().map_or(0, Component::source_line);
        (length > limit).then(|| Refusal {
            line,
            reason: format!("expected an object of at most {limit} octets, found {length}"),
        })
    }

    fn import_batch(
        &self,
        caller: &Caller,
        calendar: CalendarId,
        floating: &Zone,
        batch: &[CalendarObject],
    ) -> Result<()> {
        let texts: Vec<String> = batch.iter().map(object_text).collect();
        self.store().write(|t| {
            if calendars::get(t, calendar)?.is_none() {
                return Err(Error::new(
                    Kind::NoSuchCalendar,
                    "the calendar was removed meanwhile",
                ));
            }
            for (object, text) in batch.iter().zip(&texts) {
                let old = items::get(t, calendar, &object.uid)?;
                if old.is_some_and(|old| old.text == *text) {
                    continue;
                }
                items::put(
                    t,
                    calendar,
                    floating,
                    Booking {
                        object,
                        text,
                        actor: caller.principal(),
                    },
                )?;
            }
            Ok(())
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
        self.store().read(|t| {
            let access = self.access(t, caller, calid)?;
            let granted = access.grant::<Reading>()?;
            let floating = self.floating(&access.calendar().properties.tzid);
            items::all(t, access.calendar().id, |item| {
                let Some(mut object) = derive::object(&item) else {
                    return Ok(ControlFlow::Continue(()));
                };
                if window.is_none_or(|window| touches(&object, &floating, window)) {
                    for component in &mut object.components {
                        *component = granted.view(component);
                    }
                    visit(object);
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(())
        })
    }

    /// The zone of floating times in a calendar whose zone is `tzid`.
    pub(super) fn floating(&self, tzid: &str) -> Zone {
        Zone::named(tzid).unwrap_or_else(Zone::utc)
    }
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

/// The object without the components that break the standard's rules, if any are left. Findings go into `outcome`.
fn check_object(mut object: CalendarObject, outcome: &mut Imported) -> Option<CalendarObject> {
    object.components.retain(|component| {
        let mut sound = true;
        for finding in check::component(component) {
            let refusal = Refusal {
                line: finding.line,
                reason: finding.to_string(),
            };
            match finding.is_error() {
                true => {
                    sound = false;
                    outcome.refused.push(refusal);
                }
                false => outcome.remarks.push(refusal),
            }
        }
        sound
    });
    (!object.components.is_empty()).then_some(object)
}

fn parse_limits(limits: &Limits) -> parse::Limits {
    parse::Limits {
        bytes: limits.import_size,
        line: limits.line_length,
        depth: limits.nesting,
        components: limits.components,
        ..parse::Limits::DEFAULT
    }
}
