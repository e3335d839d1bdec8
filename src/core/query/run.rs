//! The rows of a query over one calendar: what is looked at, as the caller may see it, and in which order it comes.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::ask::{Answered, Ask, Row};
use super::ast::{Column, Operand, Select, Table};
use super::bind::{Moment, Test};
use super::evaluate::{Actual, Subject, Times, order_moments};
use super::plan::{Reach, asks_times};
use crate::core::Core;
use crate::core::access::{Granted, Reading, is_restricted};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::items::rules::RULE_NAMES;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, TimeRange, Timestamp};
use crate::ical::instances::{Instance, Series};
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::recur::Work;
use crate::ical::value;
use crate::ical::zone::{Zone, Zones};
use crate::model::calendar::Calendar;
use crate::model::item::Item;
use crate::store::{Reader, derive, items, marked, queue};

/// A query under way.
pub(super) struct Run<'a> {
    core: &'a Core,
    ask: &'a Ask<'a>,
    granted: &'a Granted<Reading>,
    zone: &'a Zone,
    test: &'a Test,
    timely: bool,
    reach: &'a Reach,
    owners: Vec<String>,
    work: Work,
    looked_at: usize,
    found: Vec<(Vec<Key>, Row)>,
    timezones: Vec<Component>,
}

impl<'a> Run<'a> {
    /// A query that has looked at nothing yet; `owners` are the names of the calendar's.
    pub(super) fn new(
        core: &'a Core,
        ask: &'a Ask<'a>,
        granted: &'a Granted<Reading>,
        zone: &'a Zone,
        test: &'a Test,
        reach: &'a Reach,
        owners: Vec<String>,
    ) -> Self {
        let steps = core.settings().limits.expansion_steps;
        Self {
            core,
            ask,
            granted,
            zone,
            test,
            timely: asks_times(test),
            reach,
            owners,
            work: Work::new(u64::try_from(steps).unwrap_or(u64::MAX)),
            looked_at: 0,
            found: Vec::new(),
            timezones: Vec::new(),
        }
    }

    /// Looks at all that the reach leaves.
    pub(super) fn look(&mut self, t: &impl Reader, calendar: &Calendar) -> Result<()> {
        let (id, reach) = (calendar.id, self.reach);
        let index = reach.index();
        if reach.booked {
            match (index, &reach.uids, reach.window()) {
                ("uid", Some(uids), _) => {
                    let uids: Vec<String> = uids.iter().cloned().collect();
                    for item in items::get_many(t, id, &uids)?.into_iter().flatten() {
                        self.item(&item)?;
                    }
                }
                ("time", _, Some(window)) => {
                    let kinds = [Kind::Event, Kind::Todo, Kind::Journal];
                    let uids = items::touching(t, id, window, &kinds)?;
                    for uids in uids.chunks(CHUNK) {
                        for item in items::get_many(t, id, uids)?.into_iter().flatten() {
                            self.item(&item)?;
                        }
                    }
                }
                ("all", ..) => {
                    let mut failed = None;
                    items::all(t, id, |item| {
                        Ok(match self.item(&item) {
                            Ok(()) => ControlFlow::Continue(()),
                            Err(cause) => {
                                failed = Some(cause);
                                ControlFlow::Break(())
                            }
                        })
                    })?;
                    failed.map_or(Ok(()), Err)?;
                }
                _ => {}
            }
        }
        if reach.queued && index != "none" {
            let uids = match &reach.uids {
                Some(uids) => uids.iter().cloned().collect(),
                None => queue::uids(t, id)?,
            };
            for uid in uids {
                for item in queue::queued(t, id, &uid)? {
                    self.item(&item)?;
                }
            }
        }
        if reach.marked && index != "none" {
            for item in marked::all(t, id)? {
                self.item(&item)?;
            }
        }
        tracing::debug!(
            index,
            expand = self.ask.expand,
            looked_at = self.looked_at,
            found = self.found.len(),
            "query"
        );
        Ok(())
    }

    /// The rows of an item that fit.
    fn item(&mut self, item: &Item) -> Result<()> {
        self.looked_at += 1;
        let most = self.core.settings().limits.query_rows;
        if self.looked_at > most {
            return Err(too_much(format!(
                "expected a query of at most {most} items, found more: ask for a time"
            )));
        }
        let from = &self.ask.query.from;
        if !from.contains(&Table::Items(item.kind)) && !from.contains(&Table::Alarm) {
            return Ok(());
        }
        let Some(mut object) = derive::object(item) else {
            return Ok(());
        };
        if self.granted.narrows(item.facts.restricted)
            && !self.granted.see(&mut object, item.method.as_deref())
        {
            return Ok(());
        }
        // Stamps are the store's.
        for component in &mut object.components {
            component.set(Property::new("CREATED", item.created.to_string()));
            component.set(Property::new("LAST-MODIFIED", item.modified.to_string()));
        }
        let before = self.found.len();
        match self.ask.expand {
            true => self.instances(item, &object)?,
            false => self.components(item, &object)?,
        }
        if self.found.len() > before {
            for zone in object.timezones {
                if self
                    .timezones
                    .iter()
                    .all(|known| known.value("TZID") != zone.value("TZID"))
                {
                    self.timezones.push(zone);
                }
            }
        }
        Ok(())
    }

    /// Each component is a row, that fits if it does as it says itself or by one of its instances.
    fn components(&mut self, item: &Item, object: &CalendarObject) -> Result<()> {
        let zones = Zones::of(&object.timezones);
        let series = match self.timely && item.facts.recurring {
            true => Some(self.series(object)?),
            false => None,
        };
        let instances = match &series {
            Some(series) => self.expand(series, self.reach.window())?,
            None => Vec::new(),
        };
        for (at, component) in object.components.iter().enumerate() {
            let own = self.own_times(object, component, &zones)?;
            let mut times = vec![own];
            if let Some(series) = &series {
                let of_it = instances.iter().filter(|instance| instance.component == at);
                times.extend(of_it.map(|instance| Times {
                    instance: own.instance,
                    ..self.times_of(series, instance, component, &zones)
                }));
            }
            self.weigh(item, component, &zones, &times);
            self.bound()?;
        }
        Ok(())
    }

    /// Each instance is a row.
    fn instances(&mut self, item: &Item, object: &CalendarObject) -> Result<()> {
        let zones = Zones::of(&object.timezones);
        if !item.facts.recurring {
            for component in &object.components {
                let mut own = self.own_times(object, component, &zones)?;
                own.instance = own.instance.or(own.start);
                self.weigh(item, component, &zones, &[own]);
            }
            return self.bound();
        }
        let series = self.series(object)?;
        let window = self.reach.expanded(moved(object, &zones, self.zone));
        let mut instances = self.expand(&series, window)?;
        // What was moved out of the time that was expanded goes by the name of where it was.
        for (at, component) in object.components.iter().enumerate() {
            if instances.iter().any(|instance| instance.component == at) {
                continue;
            }
            let Some(id) = component.property("RECURRENCE-ID") else {
                continue;
            };
            let Ok(id) = value::date_time(id) else {
                continue;
            };
            let found = series.find(&id, &mut self.work);
            let found = found.map_err(|cause| too_much(cause.to_string()))?;
            instances.extend(found.filter(|instance| instance.component == at));
        }
        for instance in &instances {
            let Some(component) = object.components.get(instance.component) else {
                continue;
            };
            let made = materialized(&series, instance, component, &zones, self.zone);
            let times = self.times_of(&series, instance, &made, &zones);
            self.weigh(item, &made, &zones, &[times]);
            self.bound()?;
        }
        Ok(())
    }

    /// Adds the row, or those of its alarms, if it fits at one of these times.
    fn weigh(&mut self, item: &Item, component: &Component, zones: &Zones, times: &[Times]) {
        let from = &self.ask.query.from;
        let mut subjects = Vec::new();
        if from.contains(&Table::Items(item.kind)) {
            subjects.push((Table::Items(item.kind), component));
        }
        if from.contains(&Table::Alarm) {
            let alarms = component.components_named("VALARM");
            subjects.extend(alarms.map(|alarm| (Table::Alarm, alarm)));
        }
        for (table, component) in subjects {
            let subject = |times: &Times| Subject {
                table,
                component,
                zones,
                floating: self.zone,
                times: *times,
                method: item.method.as_deref(),
                owned: self.granted.access().is_owner(),
            };
            let fitting = times
                .iter()
                .map(subject)
                .find(|subject| subject.fits(self.test));
            if let Some(subject) = fitting {
                let keys = self.keys(&subject);
                let row = Row {
                    table,
                    component: component.clone(),
                    uid: item.uid.clone(),
                    method: item.method.clone(),
                    owners: self.owners.clone(),
                    change: item.change,
                    hidden: !self.granted.sees_everything()
                        && item.facts.restricted
                        && is_restricted(component),
                };
                self.found.push((keys, row));
            }
        }
    }

    fn series(&mut self, object: &CalendarObject) -> Result<Series> {
        Series::of(object, self.zone, &mut self.work).map_err(|cause| too_much(cause.to_string()))
    }

    /// The instances that can fit; of an endless series until `limits.open_end` from the later of now and the start of
    /// the time asked for, where that has no end.
    fn expand(&mut self, series: &Series, window: Option<TimeRange>) -> Result<Vec<Instance>> {
        let limits = &self.core.settings().limits;
        let mut window = window.unwrap_or(TimeRange::ALL);
        if window.end() == Timestamp::MAX && series.is_endless() {
            let more = i64::try_from(limits.open_end.as_secs()).unwrap_or(i64::MAX);
            let end = window.start().max(self.core.now()).plus(more);
            window = TimeRange::new(window.start(), end).unwrap_or(window);
        }
        series
            .instances(window, limits.instances, &mut self.work)
            .map_err(|cause| too_much(cause.to_string()))
    }

    /// When a component takes place as it says itself, its rules aside.
    fn own_times(
        &mut self,
        object: &CalendarObject,
        component: &Component,
        zones: &Zones,
    ) -> Result<Times> {
        let property = |name: &str| {
            let time = value::date_time(component.property(name)?).ok()?;
            Some(moment_of(&time, zones, self.zone))
        };
        let due = property("DUE");
        let instance = property("RECURRENCE-ID");
        let mut plain = component.clone();
        for name in RULE_NAMES {
            plain.remove(name);
        }
        let alone = CalendarObject {
            components: vec![plain],
            ..object.clone()
        };
        let series = self.series(&alone)?;
        let first = series
            .first(&mut self.work)
            .map_err(|cause| too_much(cause.to_string()))?;
        Ok(match first {
            Some(first) if component.property("DTSTART").is_some() => Times {
                instance,
                ..self.times_of(&series, &first, component, zones)
            },
            _ => Times {
                start: None,
                end: due,
                instance,
            },
        })
    }

    /// When an instance takes place.
    fn times_of(
        &self,
        series: &Series,
        instance: &Instance,
        component: &Component,
        zones: &Zones,
    ) -> Times {
        let start = series.start_value(instance);
        let of_days = start.is_date();
        let start = Moment {
            at: instance.start,
            ..moment_of(&start, zones, self.zone)
        };
        let length = ["DUE", "DURATION"]
            .iter()
            .any(|name| component.property(name).is_some());
        let ends = !component.is("VJOURNAL") && (!component.is("VTODO") || length);
        let end = ends.then(|| Moment {
            at: instance.end,
            day: of_days.then(|| self.zone.to_civil(instance.end).date()),
        });
        let id = series.recurrence_id(instance);
        Times {
            start: Some(start),
            end,
            instance: id.map(|id| Moment {
                at: instance.original,
                ..moment_of(&id, zones, self.zone)
            }),
        }
    }

    fn bound(&self) -> Result<()> {
        let most = self.core.settings().limits.query_results;
        match self.found.len() > most {
            true => Err(too_much(format!(
                "expected a query with at most {most} answers, found more"
            ))),
            false => Ok(()),
        }
    }

    /// What the row is ordered by.
    fn keys(&self, subject: &Subject<'_>) -> Vec<Key> {
        let key = |column: &Column| {
            let values = subject.values(&Operand::Column(column.clone()), false);
            Key(values.into_iter().next().map(|value| match value {
                Actual::Text(text) => Actual::Text(text.into_owned().into()),
                Actual::Moment(moment) => Actual::Moment(moment),
                Actual::Number(number) => Actual::Number(number),
            }))
        };
        let named = |name: &str| Column {
            table: None,
            name: name.to_owned(),
        };
        let select = &self.ask.query.select;
        let columns = select.iter().filter_map(|wanted| match wanted {
            Select::Column(column) | Select::Param(column, _) => Some(column.clone()),
            Select::All | Select::Everything => {
                Some(named(match (subject.table, self.ask.expand) {
                    (Table::Alarm, _) => "TRIGGER",
                    (_, true) => "RECURRENCE-ID",
                    (_, false) => "DTSTART",
                }))
            }
            _ => None,
        });
        columns.map(|column| key(&column)).collect()
    }

    pub(super) fn finish(self) -> Result<Answered> {
        let mut found = self.found;
        // Equal ones stay in the order of their UIDs.
        found.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.uid.cmp(&y.uid)));
        let most = self.ask.most.unwrap_or(usize::MAX);
        let clipped = found.len() > most;
        found.truncate(most);
        Ok(Answered {
            rows: found.into_iter().map(|(_, row)| row).collect(),
            timezones: self.timezones,
            clipped,
        })
    }
}

/// Items read at once.
const CHUNK: usize = 256;

/// A value that rows are ordered by; what is missing comes first.
#[derive(Debug, Clone, PartialEq)]
struct Key(Option<Actual<'static>>);

impl Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Some(Actual::Moment(a)), Some(Actual::Moment(b))) => {
                a.at.cmp(&b.at).then_with(|| order_moments(*a, *b))
            }
            (Some(Actual::Number(a)), Some(Actual::Number(b))) => a.cmp(b),
            (Some(Actual::Text(a)), Some(Actual::Text(b))) => a.cmp(b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    }
}

impl Eq for Key {}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        Key::cmp(self, other)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(Ord::cmp(self, other))
    }
}

fn too_much(message: impl Into<String>) -> Error {
    Error::new(Failed::TooMuch, message)
}

fn moment_of(time: &DateTime, zones: &Zones, floating: &Zone) -> Moment {
    Moment {
        at: zones.instant(time, floating),
        day: match time {
            DateTime::Date(day) => Some(*day),
            _ => None,
        },
    }
}

/// How far the changes of an object that count for later instances, too, move those at most, in seconds: clocks that
/// shift in between may add some.
fn moved(object: &CalendarObject, zones: &Zones, floating: &Zone) -> i64 {
    let time = |component: &Component, name: &str| {
        let time = value::date_time(component.property(name)?).ok()?;
        Some(zones.instant(&time, floating).0)
    };
    let changes = object.components.iter().filter(|component| {
        let id = component.property("RECURRENCE-ID");
        id.is_some_and(|id| id.param("RANGE").is_some())
    });
    let distances = changes.filter_map(|change| {
        let (start, id) = (time(change, "DTSTART")?, time(change, "RECURRENCE-ID")?);
        Some(start.saturating_sub(id).saturating_abs())
    });
    distances
        .max()
        .map_or(0, |most| most.saturating_add(86_400))
}

/// One instance as a component of its own: without rules, at its own time, named by its RECURRENCE-ID.
fn materialized(
    series: &Series,
    instance: &Instance,
    component: &Component,
    zones: &Zones,
    floating: &Zone,
) -> Component {
    let mut made = component.clone();
    for name in RULE_NAMES {
        made.remove(name);
    }
    if made.property("DTSTART").is_some() {
        let start = series.start_value(instance);
        made.set(value::date_time_property("DTSTART", &start));
    }
    for name in ["DTEND", "DUE"] {
        let said = made.property(name).and_then(|p| value::date_time(p).ok());
        if let Some(said) = said {
            let local = zones.zone_of(&said, floating).to_civil(instance.end);
            let end = match said {
                DateTime::Date(_) => DateTime::Date(local.date()),
                DateTime::Utc(_) => DateTime::Utc(instance.end),
                DateTime::Zoned(_, tzid) => DateTime::Zoned(local, tzid),
                DateTime::Floating(_) => DateTime::Floating(local),
            };
            made.set(value::date_time_property(name, &end));
        }
    }
    if let Some(id) = series.recurrence_id(instance) {
        let id = match id {
            DateTime::Date(day) => DateTime::Date(day),
            _ => DateTime::Utc(instance.original),
        };
        made.set(value::date_time_property("RECURRENCE-ID", &id));
    }
    made
}
