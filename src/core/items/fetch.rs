//! Reading items: what of a calendar takes place in a time, or goes by some UIDs, as one caller may see it.
//!
//! Answers hold whole objects, or single instances where those are asked for; how they are written is the doors'
//! work. A read is answered in full or fails: no limit cuts it silently.

use super::people::People;
use super::scheduling::Scheduling;
use crate::core::access::{Access, Granted, Reading, ReadingProperties};
use crate::core::attachments::Attachments;
use crate::core::calendars::CalendarView;
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::transfer::floating;
use crate::core::{Caller, Core};
use crate::ical::component::Component;
use crate::ical::datetime::{DateTime, TimeRange, Timestamp};
use crate::ical::instances::{ExpandError, Instance, Series};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::recur::Work;
use crate::ical::zone::Zone;
use crate::model::item::Item;
use crate::store::{Reader, derive, items, links};

/// A time as a client gave it: both ends may be open, local ends are of a zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// First instant inside; none: open.
    pub start: Option<DateTime>,
    /// First instant after; none: open.
    pub end: Option<DateTime>,
    /// Zone of local ends; none: the calendar's.
    pub zone: Option<Zone>,
}

impl Window {
    /// The ends as instants; `floating` is the calendar's zone.
    ///
    /// Errors: `BadValue` for an end before the start.
    pub fn ends(&self, floating: &Zone) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
        let zone = self.zone.as_ref().unwrap_or(floating);
        let instant = |end: &Option<DateTime>| end.as_ref().map(|end| instant(end, zone));
        let (start, end) = (instant(&self.start), instant(&self.end));
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            let message = "expected a time that ends after it starts";
            return Err(Error::new(Failed::BadValue, message));
        }
        Ok((start, end))
    }

    /// The ends as a range; open ones are the ends of time. Errors: as [`Window::ends`].
    pub(super) fn range(&self, floating: &Zone) -> Result<TimeRange> {
        let (start, end) = self.ends(floating)?;
        let (start, end) = (
            start.unwrap_or(Timestamp::MIN),
            end.unwrap_or(Timestamp::MAX),
        );
        Ok(TimeRange::new(start, end).unwrap_or(TimeRange::ALL))
    }
}

/// The instant of a value whose local times are of `zone`.
fn instant(value: &DateTime, zone: &Zone) -> Timestamp {
    match value {
        DateTime::Utc(instant) => *instant,
        _ => zone.to_timestamp(value.civil()),
    }
}

/// In which order an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Object by object, the instances of one together.
    #[default]
    ByObject,
    /// By start, the earliest first; what has no date comes last.
    Ascending,
    /// By start, the latest first; what has no date comes last.
    Descending,
}

/// What an answer is to hold, besides the time or the UIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Events, to-dos or both.
    pub kinds: Vec<Kind>,
    /// Only components in one of these states; none: all.
    pub states: Option<Vec<Scheduling>>,
    /// Only components with this in SUMMARY, DESCRIPTION or LOCATION; letter case does not count.
    pub text: Option<String>,
    /// Whether each instance is wanted by itself; else each object whole.
    pub instances: bool,
    /// The order.
    pub order: Order,
    /// At most so many objects, or instances.
    pub most: Option<usize>,
    /// Whether invitations without an answer are to be counted.
    pub count_invitations: bool,
    /// Whether the data of attachments is wanted, too.
    pub attachment_data: bool,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            kinds: vec![Kind::Event, Kind::Todo],
            states: None,
            text: None,
            instances: false,
            order: Order::default(),
            most: None,
            count_invitations: false,
            attachment_data: false,
        }
    }
}

/// One instance of an object that recurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The component that describes it: an index into the object's components.
    pub component: usize,
    /// Its identity, in the form of the series; none for an object that does not recur.
    pub recurrence_id: Option<DateTime>,
    /// DTSTART, in the form its component has it.
    pub start: DateTime,
    /// First instant after.
    pub end: Timestamp,
}

/// When an object was stored and changed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// When it was first stored.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
}

/// An object as the caller may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The object.
    pub object: CalendarObject,
    /// Its stamps.
    pub stamps: Stamps,
}

/// A line of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which of the objects: an index.
    pub object: usize,
    /// Which instance of it; none: all of it. An object is either given whole, once, or by instances.
    pub occurrence: Option<Occurrence>,
    /// When it begins, or the object does; none for a to-do without a date.
    pub start: Option<Timestamp>,
}

/// What a calendar answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// The calendar.
    pub calendar: CalendarView,
    /// Its zone.
    pub zone: Zone,
    /// Objects that entries are of.
    pub objects: Vec<Found>,
    /// The answer, in order.
    pub entries: Vec<Entry>,
    /// Who the addresses in it belong to.
    pub people: People,
    /// The attachments it names.
    pub attachments: Attachments,
    /// Whether an item that was asked for by its UID is not there.
    pub incomplete: bool,
    /// How many invitations wait for an answer, if that was asked for.
    pub invitations: Option<usize>,
}

impl Core {
    /// The items of a calendar that take place within `window`, and to-dos without any date.
    ///
    /// An item is in a window that it shares an instant with; one without length is where it starts. An endless
    /// series in a window without end counts up to `limits.open_end` after the later of now and the start.
    /// Errors: `AccessDenied`, `NoSuchCalendar`, `BadValue`; `TooMuch` for more instances than
    /// `limits.instances`.
    pub fn fetch_range(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        window: &Window,
        selection: &Selection,
    ) -> Result<Fetched> {
        self.store().read(|t| {
            let mut search = self.search(t, caller, calid, selection)?;
            let range = window.range(&search.fetched.zone)?;
            let calendar = search.calendar();
            let uids = items::touching(t, calendar, range, &selection.kinds)?;
            for item in items::visible_many(t, calendar, &uids)?
                .into_iter()
                .flatten()
            {
                if let Some(found) = search.found(t, &item)? {
                    search.add(&item, found, range)?;
                }
            }
            search.add_links(t, range)?;
            search.finish(t)
        })
    }

    pub(super) fn search<'a>(
        &'a self,
        t: &impl Reader,
        caller: &Caller,
        calid: Option<&str>,
        selection: &'a Selection,
    ) -> Result<Search<'a>> {
        let access = self.access(t, caller, calid)?;
        let granted = access.grant::<Reading>()?;
        let calendar = self.view(t, &access, caller)?;
        let limits = &self.settings().limits;
        let fetched = Fetched {
            zone: floating(&calendar.calendar.properties.tzid),
            calendar,
            objects: Vec::new(),
            entries: Vec::new(),
            people: People::default(),
            attachments: Attachments::default(),
            incomplete: false,
            invitations: None,
        };
        Ok(Search {
            core: self,
            caller: caller.clone(),
            granted,
            selection,
            fetched,
            work: Work::new(u64::try_from(limits.expansion_steps).unwrap_or(u64::MAX)),
            left: limits.instances,
        })
    }

    /// How many invitations in a calendar wait for an answer, as far as the caller may see that they are some.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`.
    pub fn invitations(&self, caller: &Caller, calid: Option<&str>) -> Result<usize> {
        self.store().read(|t| {
            let access = self.access(t, caller, calid)?;
            self.count_invitations(t, &access.grant()?)
        })
    }

    /// The properties of a calendar that may be told to a caller who may not read what is in it.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`.
    pub fn readable_properties(
        &self,
        caller: &Caller,
        calid: Option<&str>,
    ) -> Result<Option<CalendarView>> {
        self.store().read(|t| {
            let access: Access = self.access(t, caller, calid)?;
            match access.grant::<ReadingProperties>() {
                Ok(_) => self.view(t, &access, caller).map(Some),
                Err(refused) if refused.kind() == Failed::NoSuchCalendar => Err(refused),
                Err(_) => Ok(None),
            }
        })
    }
}

/// A search while it goes on.
pub(super) struct Search<'a> {
    pub(super) core: &'a Core,
    pub(super) caller: Caller,
    granted: Granted<Reading>,
    selection: &'a Selection,
    pub(super) fetched: Fetched,
    work: Work,
    /// Instances that may still be found.
    left: usize,
}

impl Search<'_> {
    /// Whether items of that kind are asked for.
    pub(super) fn wants(&self, kind: Kind) -> bool {
        self.selection.kinds.contains(&kind)
    }

    /// Whether instances are asked for, not whole objects.
    pub(super) fn wants_instances(&self) -> bool {
        self.selection.instances
    }

    pub(super) fn calendar(&self) -> crate::model::id::CalendarId {
        self.granted.access().calendar().id
    }

    /// Adds what of an item is in `range`: where it recurs, that is to be found out.
    fn add(&mut self, item: &Item, found: Found, range: TimeRange) -> Result<()> {
        if !item.facts.recurring {
            self.push(found, vec![whole(item)]);
            return Ok(());
        }
        let series = self.series(&found.object)?;
        if self.selection.instances {
            let range = self.until_open_end(&series, range);
            let instances = self.expand(&series, range)?;
            self.push(found, instance_lines(&series, &instances));
            return Ok(());
        }
        // Two are as good as ten thousand: only whether there is one matters.
        let inside = match series.instances(range, 1, &mut self.work) {
            Ok(instances) => !instances.is_empty(),
            // A series nobody can expand is shown rather than lost.
            Err(ExpandError::TooManyInstances { .. } | ExpandError::TooMuchWork(_)) => true,
        };
        if inside {
            self.push(found, vec![whole(item)]);
        }
        Ok(())
    }

    /// Adds what takes place in `range` of items that links lead to.
    fn add_links(&mut self, t: &impl Reader, range: TimeRange) -> Result<()> {
        let calendar = self.calendar();
        for linked in links::all(t, calendar)? {
            if items::visible(t, calendar, &linked.uid)?.is_some() {
                continue;
            }
            let Some((item, found)) = self.linked(t, &linked)? else {
                continue;
            };
            let span = item
                .facts
                .span
                .and_then(|(start, end)| TimeRange::new(Timestamp(start), Timestamp(end)));
            if span.is_none_or(|span| span.overlaps(range)) {
                self.add(&item, found, range)?;
            }
        }
        Ok(())
    }

    /// The object of an item as the caller may see it; none if its text is damaged.
    pub(super) fn found(&mut self, t: &impl Reader, item: &Item) -> Result<Option<Found>> {
        let Some(mut object) = derive::object(item) else {
            return Ok(None);
        };
        let narrows = self.granted.narrows(item.facts.restricted);
        if narrows && !self.granted.see(&mut object, item.method.as_deref()) {
            return Ok(None);
        }
        self.learned(t, item, object).map(Some)
    }

    /// The object of an item of another calendar as the caller may see it there.
    pub(super) fn as_seen(
        &mut self,
        t: &impl Reader,
        item: &Item,
        mut object: CalendarObject,
        granted: &Granted<Reading>,
    ) -> Result<Found> {
        granted.see(&mut object, item.method.as_deref());
        self.learned(t, item, object)
    }

    /// An object with who and what is met in it looked up.
    fn learned(&mut self, t: &impl Reader, item: &Item, object: CalendarObject) -> Result<Found> {
        let calendar = self.granted.access().calendar();
        let most = self.core.settings().limits.attachment_body;
        let data = self.selection.attachment_data.then_some(most);
        for component in &object.components {
            self.fetched.attachments.learn(t, component, data)?;
            self.core
                .learn_people(t, &mut self.fetched.people, calendar, component)?;
        }
        let stamps = Stamps {
            created: item.created,
            modified: item.modified,
        };
        Ok(Found { object, stamps })
    }

    pub(super) fn series(&mut self, object: &CalendarObject) -> Result<Series> {
        Series::of(object, &self.fetched.zone, &mut self.work).map_err(|cause| too_much(&cause))
    }

    /// A range without end ends for an endless series.
    pub(super) fn until_open_end(&self, series: &Series, range: TimeRange) -> TimeRange {
        if range.end() != Timestamp::MAX || !series.is_endless() {
            return range;
        }
        let open_end = self.core.settings().limits.open_end.as_secs();
        let from = range.start().max(self.core.now());
        let end = from.plus(i64::try_from(open_end).unwrap_or(i64::MAX));
        TimeRange::new(range.start(), end).unwrap_or(range)
    }

    /// The instances of a series in `range`.
    ///
    /// Errors: `TooMuch`, for all that a search has found together.
    pub(super) fn expand(&mut self, series: &Series, range: TimeRange) -> Result<Vec<Instance>> {
        let instances = series
            .instances(range, self.left, &mut self.work)
            .map_err(|cause| too_much(&cause))?;
        self.left -= instances.len();
        Ok(instances)
    }

    /// The one instance that `id` names. Errors: `NoSuchInstance`.
    pub(super) fn find(&mut self, series: &Series, id: &DateTime) -> Result<Instance> {
        let found = series
            .find(id, &mut self.work)
            .map_err(|cause| too_much(&cause))?;
        found.ok_or_else(|| {
            let message = format!("the series has no instance {id}");
            Error::new(Failed::NoSuchInstance, message)
        })
    }

    /// The first instance from `at` on, else the last one.
    pub(super) fn next_or_last(
        &mut self,
        series: &Series,
        at: Timestamp,
    ) -> Result<Option<Instance>> {
        let work = &mut self.work;
        let next = series.next(at.plus(-1), work).map_err(|e| too_much(&e))?;
        match next {
            Some(next) => Ok(Some(next)),
            None => series.previous(at, work).map_err(|e| too_much(&e)),
        }
    }

    /// Adds an item, or all its instances.
    pub(super) fn push_all(&mut self, item: &Item, found: Found) -> Result<()> {
        if !(item.facts.recurring && self.selection.instances) {
            self.push(found, vec![whole(item)]);
            return Ok(());
        }
        let series = self.series(&found.object)?;
        let range = self.until_open_end(&series, TimeRange::ALL);
        let instances = self.expand(&series, range)?;
        self.push(found, instance_lines(&series, &instances));
        Ok(())
    }

    /// Adds lines of an object, those that were not asked for left out.
    pub(super) fn push(&mut self, found: Found, lines: Vec<Line>) {
        let object = self.fetched.objects.len();
        let before = self.fetched.entries.len();
        for (occurrence, start) in lines {
            if self.chooses(&found.object, occurrence.as_ref()) {
                self.fetched.entries.push(Entry {
                    object,
                    occurrence,
                    start,
                });
            }
        }
        if self.fetched.entries.len() > before {
            self.fetched.objects.push(found);
        }
    }

    /// Whether the component of an instance, or one of the object's, is what was asked for.
    fn chooses(&self, object: &CalendarObject, occurrence: Option<&Occurrence>) -> bool {
        let selection = self.selection;
        if selection.states.is_none() && selection.text.is_none() {
            return true;
        }
        let people = &self.fetched.people;
        let in_state = |component: &Component| {
            selection.states.as_ref().is_none_or(|states| {
                states.contains(&Scheduling::of(component, |a| people.is_own(a)))
            })
        };
        let says = |component: &Component| {
            let text = selection.text.as_deref();
            text.is_none_or(|text| contains(component, text))
        };
        let fits = |component: &Component| in_state(component) && says(component);
        match occurrence {
            Some(occurrence) => object
                .components
                .get(occurrence.component)
                .is_some_and(fits),
            None => object.components.iter().any(fits),
        }
    }

    pub(super) fn finish(mut self, t: &impl Reader) -> Result<Fetched> {
        if self.selection.count_invitations {
            let count = self.core.count_invitations(t, &self.granted)?;
            self.fetched.invitations = Some(count);
        }
        let mut fetched = self.fetched;
        match self.selection.order {
            Order::ByObject => {}
            Order::Ascending => {
                fetched
                    .entries
                    .sort_by_key(|entry| (entry.start.is_none(), entry.start));
            }
            Order::Descending => {
                fetched
                    .entries
                    .sort_by_key(|entry| (entry.start.is_none(), std::cmp::Reverse(entry.start)));
            }
        }
        if let Some(most) = self.selection.most {
            fetched.entries.truncate(most);
        }
        Ok(fetched)
    }
}

/// An instance and its start; none stands for the object as a whole.
pub(super) type Line = (Option<Occurrence>, Option<Timestamp>);

/// The item as a whole.
pub(super) fn whole(item: &Item) -> Line {
    (None, item.facts.span.map(|(start, _)| Timestamp(start)))
}

/// An instance as a line of an answer.
pub(super) fn line(series: &Series, instance: &Instance) -> Line {
    let occurrence = Occurrence {
        component: instance.component,
        recurrence_id: series.recurrence_id(instance),
        start: series.start_value(instance),
        end: instance.end,
    };
    (Some(occurrence), Some(instance.start))
}

/// Instances as lines of an answer.
pub(super) fn instance_lines(series: &Series, instances: &[Instance]) -> Vec<Line> {
    instances.iter().map(|i| line(series, i)).collect()
}

fn too_much(cause: &dyn std::error::Error) -> Error {
    Error::new(Failed::TooMuch, cause.to_string())
}

/// Whether a text of the component holds `text`; letter case does not count.
fn contains(component: &Component, text: &str) -> bool {
    let wanted = text.to_lowercase();
    ["SUMMARY", "DESCRIPTION", "LOCATION"].iter().any(|name| {
        component
            .properties_named(name)
            .any(|property| property.to_text().to_lowercase().contains(&wanted))
    })
}
