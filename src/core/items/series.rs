//! Changes of an object of several components: the whole of it, one instance, an instance and all later or earlier
//! ones.
//!
//! A series is a master and its exceptions. One instance becomes an exception that begins as a copy of the master;
//! a deleted one becomes an EXDATE, which later changes of the master keep. A new start or rule makes the series
//! anew: exceptions go, deletions stay where they still meet an instance. `split` cuts a series in two. RFC 5545
//! sections 3.8.4.4 and 3.8.5; WCAP's `mod` and `rid`.

use std::collections::BTreeSet;

use super::edit::EditError;
use super::exception::{Privacy, exception, exception_of, fits, move_to, overriding};
use super::rules::{Form, RULE_NAMES, exdates, set_exdates};
use super::split;
use super::times::{Context, recurs, start_of};
use crate::ical::component::Component;
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::instances::{ExpandError, Instance, Series};
use crate::ical::object::CalendarObject;
use crate::ical::recur::{TooMuchWork, Work};
use crate::ical::value;
use crate::ical::zone::{Zone, Zones};
use crate::limits::Limits;

/// Which part of an object is meant. Instances go by their unmoved start: in UTC, on the clock of the series
/// (floating), on that of a zone, or as a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// All of it.
    Whole,
    /// One instance.
    Instance(DateTime),
    /// An instance and all later ones.
    Following(DateTime),
    /// An instance and all earlier ones.
    Preceding(DateTime),
}

/// What a change needs to know of the world around the object.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// The zone of times without one: the calendar's.
    pub floating: &'a Zone,
    /// The bounds in force.
    pub limits: &'a Limits,
    /// The UID of a series that is cut off another one.
    pub new_uid: &'a str,
    /// Whether a start that does not fit a new rule moves to the first time that does (`excludedtstart`).
    pub drop_unfit_start: bool,
    /// Whether the object is new.
    pub creating: bool,
}

/// How one component becomes another; the same bytes when nothing is new.
pub type Make<'a> = &'a dyn Fn(&Component, &Context<'_>) -> Result<Component, EditError>;

/// What a change made of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Nothing is new.
    Nothing,
    /// The object is another.
    Object {
        /// As it is now.
        object: CalendarObject,
        /// RECURRENCE-ID of the one instance that changed; none for the whole.
        instance: Option<DateTime>,
    },
    /// The object became two.
    Split {
        /// The series that was cut off and changed, with its new UID.
        edited: CalendarObject,
        /// What is left under the old UID.
        rest: CalendarObject,
    },
}

/// What a deletion left of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Nothing: the object goes.
    Nothing,
    /// All but some instances.
    Object {
        /// As it is now.
        object: CalendarObject,
        /// The instances that went one by one, each as a component of its own; none when it was all from one on.
        gone: Vec<Component>,
    },
}

impl From<TooMuchWork> for EditError {
    fn from(error: TooMuchWork) -> Self {
        Self::TooMuch(error.to_string())
    }
}

impl From<ExpandError> for EditError {
    fn from(error: ExpandError) -> Self {
        Self::TooMuch(error.to_string())
    }
}

/// An object on the bench: its zones and its instances.
pub(in crate::core) struct Bench<'a> {
    pub(in crate::core) object: &'a CalendarObject,
    pub(super) zones: Zones,
    pub(super) world: &'a World<'a>,
    pub(super) series: Series,
}

impl<'a> Bench<'a> {
    pub(in crate::core) fn new(
        object: &'a CalendarObject,
        world: &'a World<'a>,
    ) -> Result<Self, EditError> {
        Ok(Self {
            object,
            zones: Zones::of(&object.timezones),
            world,
            series: Series::of(object, world.floating, &mut world.work())?,
        })
    }

    pub(in crate::core) fn context(&self) -> Context<'_> {
        Context {
            kind: self.object.kind,
            zones: &self.zones,
            floating: self.world.floating,
            limits: self.world.limits,
            creating: self.world.creating,
        }
    }

    /// The instance `id` names. Errors: `NoSuchInstance`.
    pub(in crate::core) fn find(&self, id: &DateTime) -> Result<Instance, EditError> {
        let start = self.object.master().and_then(start_of);
        let id = match &start {
            Some(start @ DateTime::Date(_)) => Form {
                start,
                ctx: &self.context(),
            }
            .of(id),
            _ => id.clone(),
        };
        let found = self.series.find(&id, &mut self.world.work())?;
        found.ok_or_else(|| EditError::NoSuchInstance(id.to_string()))
    }

    pub(super) fn previous(&self, instance: &Instance) -> Result<Option<Instance>, EditError> {
        Ok(self
            .series
            .previous(instance.original, &mut self.world.work())?)
    }

    pub(super) fn next(&self, instance: &Instance) -> Result<Option<Instance>, EditError> {
        Ok(self
            .series
            .next(instance.original, &mut self.world.work())?)
    }

    /// The object with other components, and the VTIMEZONEs it had.
    pub(super) fn with(&self, components: Vec<Component>) -> CalendarObject {
        CalendarObject {
            components,
            ..self.object.clone()
        }
    }

    /// RECURRENCE-ID of an instance.
    pub(in crate::core) fn id_of(&self, instance: &Instance) -> DateTime {
        let id = self.series.recurrence_id(instance);
        id.unwrap_or(DateTime::Utc(instance.original))
    }

    /// Whether anything recurs at all.
    pub(super) fn recurs(&self) -> bool {
        self.object.master().is_none_or(recurs) || !self.object.overrides().is_empty()
    }
}

impl World<'_> {
    /// A budget for one question about a series.
    pub(in crate::core) fn work(&self) -> Work {
        Work::new(u64::try_from(self.limits.expansion_steps).unwrap_or(u64::MAX))
    }
}

/// Changes the part of `object` that `target` names.
///
/// Errors: those of `make`; `NoSuchInstance`; `Value` for rules of one instance and for rules that give no
/// instance; `SameDay`, `PastNeighbour`, `Privacy` for one that does not fit into its series; `TooMuch`.
pub fn change(
    object: &CalendarObject,
    target: &Target,
    make: Make<'_>,
    world: &World<'_>,
) -> Result<Changed, EditError> {
    let bench = Bench::new(object, world)?;
    let id = match target {
        Target::Whole => return whole(&bench, make),
        Target::Instance(id) | Target::Following(id) | Target::Preceding(id) => id,
    };
    let instance = bench.find(id)?;
    if !bench.recurs() {
        return whole(&bench, make);
    }
    let (cut, later) = match target {
        Target::Following(_) if bench.object.master().is_some() => {
            (bench.previous(&instance)?.map(|_| instance), true)
        }
        Target::Preceding(_) if bench.object.master().is_some() => (bench.next(&instance)?, false),
        _ => return one(&bench, &instance, make),
    };
    // From the first instance on, and up to the last, is all of it.
    let Some(cut) = cut else {
        return whole(&bench, make);
    };
    let (mut edited, mut rest) = split::in_two(&bench, &cut)?;
    if !later {
        std::mem::swap(&mut edited, &mut rest);
    }
    edited.uid = world.new_uid.to_owned();
    let edited = match whole(&Bench::new(&edited, world)?, make)? {
        Changed::Object { object, .. } => object,
        other => return Ok(other),
    };
    Ok(Changed::Split {
        edited: split::sibling(edited, &rest.uid),
        rest,
    })
}

/// Deletes the part of `object` that `target` names.
///
/// The object goes with its last instance. Errors: `NoSuchInstance`, `Value`, `TooMuch`.
pub fn delete(
    object: &CalendarObject,
    target: &Target,
    world: &World<'_>,
) -> Result<Left, EditError> {
    let id = match target {
        Target::Whole => return Ok(Left::Nothing),
        Target::Instance(id) | Target::Following(id) | Target::Preceding(id) => id,
    };
    let bench = Bench::new(object, world)?;
    let instance = bench.find(id)?;
    if !bench.recurs() {
        return Ok(Left::Nothing);
    }
    let left = match target {
        Target::Following(_) if object.master().is_some() => match bench.previous(&instance)? {
            Some(_) => split::head(&bench, &instance)?,
            None => return Ok(Left::Nothing),
        },
        Target::Preceding(_) if object.master().is_some() => match bench.next(&instance)? {
            Some(next) => split::tail(&bench, &next)?,
            None => return Ok(Left::Nothing),
        },
        _ => return without(&bench, &[instance]),
    };
    Ok(Left::Object {
        object: left,
        gone: Vec::new(),
    })
}

/// The object without some of its instances.
pub(super) fn without(bench: &Bench<'_>, instances: &[Instance]) -> Result<Left, EditError> {
    let originals: BTreeSet<Timestamp> = instances.iter().map(|i| i.original).collect();
    let described = |instance: &Instance| match overriding(bench, instance) {
        Some(at) => bench.object.components[at].clone(),
        None => exception(bench, instance),
    };
    let gone = instances.iter().map(described).collect();
    let mut components: Vec<Component> = Vec::with_capacity(bench.object.components.len());
    for component in &bench.object.components {
        if exception_of(bench, component).is_none_or(|original| !originals.contains(&original)) {
            components.push(component.clone());
        }
    }
    if let (Some(_), Some(master)) = (bench.object.master(), components.first_mut()) {
        let mut dates = exdates(master);
        dates.extend(instances.iter().map(|instance| bench.id_of(instance)));
        dates.sort_by_key(|date| bench.context().instant(date));
        set_exdates(master, &dates);
    }
    let object = bench.with(components);
    let empty = object.components.is_empty() || {
        let series = Series::of(&object, bench.world.floating, &mut bench.world.work())?;
        series.first(&mut bench.world.work())?.is_none()
    };
    Ok(match empty {
        true => Left::Nothing,
        false => Left::Object { object, gone },
    })
}

/// Changes the master, or the only component.
fn whole(bench: &Bench<'_>, make: Make<'_>) -> Result<Changed, EditError> {
    let ctx = bench.context();
    let (before, rest) = match (bench.object.master(), bench.object.components.as_slice()) {
        (Some(master), [_, rest @ ..]) => (master, rest),
        (None, [only]) => (only, &[][..]),
        _ => {
            let message = "expected a series, found only single instances of one".to_owned();
            return Err(EditError::Value(message));
        }
    };
    let mut after = make(before, &ctx)?;
    if after == *before {
        return Ok(Changed::Nothing);
    }
    let alike = |names: &[&str]| {
        names.iter().all(|name| {
            before
                .properties_named(name)
                .eq(after.properties_named(name))
        })
    };
    let anew = !alike(&["DTSTART", "RRULE", "EXRULE"]);
    let other_dates = !alike(&["RDATE", "EXDATE"]);
    let given_exdates = !alike(&["EXDATE"]);
    let mut components = Vec::with_capacity(rest.len() + 1);
    if anew {
        let plain = bench.with(vec![without_exdates(&after)]);
        let series = series_of(bench, &plain)?;
        if bench.world.drop_unfit_start {
            move_to_first(bench, &mut after, series.clone())?;
        }
        if !given_exdates {
            keep_deletions(bench, &mut after, &series)?;
        }
        components.push(after);
    } else {
        let plain = bench.with(vec![without_exdates(&after)]);
        let series = series_of(bench, &bench.with(vec![after.clone()]))?;
        let privacy = Privacy::changed(before, &after);
        components.push(after);
        for exception in rest {
            let stays = !other_dates || still_there(exception, &series, &plain, bench)?;
            if stays {
                components.push(privacy.on(exception.clone()));
            }
        }
    }
    let object = bench.with(components);
    let changed_dates = anew || other_dates;
    if changed_dates && object.components.iter().any(|c| start_of(c).is_some()) {
        let first = series_of(bench, &object)?.first(&mut bench.world.work())?;
        if first.is_none() {
            let message = "expected rules that leave at least one instance, found none";
            return Err(EditError::value(message));
        }
    }
    Ok(Changed::Object {
        object,
        instance: None,
    })
}

fn series_of(bench: &Bench<'_>, object: &CalendarObject) -> Result<Series, EditError> {
    Ok(Series::of(
        object,
        bench.world.floating,
        &mut bench.world.work(),
    )?)
}

fn without_exdates(component: &Component) -> Component {
    let mut plain = component.clone();
    plain.remove("EXDATE");
    plain
}

/// Drops the EXDATEs that meet no instance of the new series.
fn keep_deletions(
    bench: &Bench<'_>,
    master: &mut Component,
    series: &Series,
) -> Result<(), EditError> {
    let dates = exdates(master);
    if dates.is_empty() {
        return Ok(());
    }
    let mut kept = Vec::with_capacity(dates.len());
    let start = start_of(master);
    for date in &dates {
        let Some(start) = &start else { break };
        let date = Form {
            start,
            ctx: &bench.context(),
        }
        .of(date);
        if recurs(master) && series.is_instance(&date, &mut bench.world.work())? {
            kept.push(date);
        }
    }
    if kept != dates {
        set_exdates(master, &kept);
    }
    Ok(())
}

/// Moves a start that no rule gives to the first time that one does.
fn move_to_first(
    bench: &Bench<'_>,
    master: &mut Component,
    series: Series,
) -> Result<(), EditError> {
    let series = series.without_unfit_start();
    if let Some(first) = series.first(&mut bench.world.work())? {
        let start = series.start_value(&first);
        move_to(master, &start, &bench.context());
    }
    Ok(())
}

/// Whether an exception still stands for an instance after dates were added or taken away.
fn still_there(
    exception: &Component,
    series: &Series,
    plain: &CalendarObject,
    bench: &Bench<'_>,
) -> Result<bool, EditError> {
    let Some(id) = exception
        .property("RECURRENCE-ID")
        .and_then(|p| value::date_time(p).ok())
    else {
        return Ok(false);
    };
    if series.is_instance(&id, &mut bench.world.work())? {
        return Ok(true);
    }
    // One that never was an instance of the rules stays, unless it is deleted now.
    let was = bench.with(
        bench
            .object
            .components
            .iter()
            .take(1)
            .map(without_exdates)
            .collect(),
    );
    let was = series_of(bench, &was)?.is_instance(&id, &mut bench.world.work())?;
    let would_be = series_of(bench, plain)?.is_instance(&id, &mut bench.world.work())?;
    Ok(!was && !would_be)
}

/// Changes one instance.
fn one(bench: &Bench<'_>, instance: &Instance, make: Make<'_>) -> Result<Changed, EditError> {
    let known = overriding(bench, instance);
    let before = match known {
        Some(at) => bench.object.components[at].clone(),
        None => exception(bench, instance),
    };
    let after = make(&before, &bench.context())?;
    if RULE_NAMES
        .iter()
        .any(|name| after.property(name).is_some_and(|p| !p.value().is_empty()))
    {
        return Err(EditError::value(
            "expected no rules of a single instance, found some",
        ));
    }
    if after == before {
        return Ok(Changed::Nothing);
    }
    fits(bench, instance, &before, &after)?;
    let mut components = bench.object.components.clone();
    match known {
        Some(at) => components[at] = after,
        None => components.push(after),
    }
    let most = bench.world.limits.overrides;
    if known.is_none() && components.len() > most.saturating_add(1) {
        let message = format!("expected at most {most} changed instances of a series, found more");
        return Err(EditError::Value(message));
    }
    let id = bench.id_of(instance);
    Ok(Changed::Object {
        object: bench.with(components),
        instance: Some(id),
    })
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
