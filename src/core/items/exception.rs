//! One instance of a series on its own: the exception that stands for it, and what it may be beside its series.
//!
//! An exception begins as a copy of what describes the instance, at its time. RFC 5545 section 3.8.4.4; Sun's rules
//! for exceptions (WCAP's errors 65, 66 and 68).

use super::edit::{EditError, insert};
use super::rules::RULE_NAMES;
use super::series::Bench;
use super::times::{Context, End, end_of, local, start_of};
use crate::ical::component::{Component, Entry, Property};
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::instances::Instance;
use crate::ical::value::{self, Trigger};

/// The exception that stands for an instance alone: an index into the components.
pub(in crate::core) fn overriding(bench: &Bench<'_>, instance: &Instance) -> Option<usize> {
    let component = bench.object.components.get(instance.component)?;
    (exception_of(bench, component) == Some(instance.original)).then_some(instance.component)
}

/// The unmoved start of the one instance that a component stands for; none for the master and for what stands for
/// all later ones too.
pub(super) fn exception_of(bench: &Bench<'_>, component: &Component) -> Option<Timestamp> {
    let id = component
        .property("RECURRENCE-ID")
        .filter(|id| !is_range(id))?;
    let id = value::date_time(id).ok()?;
    let found = bench.series.find(&id, &mut bench.world.work()).ok()??;
    Some(found.original)
}

/// Whether a RECURRENCE-ID stands for its instance and all later ones.
pub(super) fn is_range(id: &Property) -> bool {
    id.param("RANGE")
        .is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"))
}

/// An instance that nobody changed yet, as a component: a copy of what describes it, at its time.
pub(in crate::core) fn exception(bench: &Bench<'_>, instance: &Instance) -> Component {
    let ctx = bench.context();
    let mut component = bench.object.components[instance.component].clone();
    for name in RULE_NAMES {
        component.remove(name);
    }
    component.remove("RECURRENCE-ID");
    move_to(&mut component, &bench.series.start_value(instance), &ctx);
    let id = value::date_time_property("RECURRENCE-ID", &bench.id_of(instance));
    insert(&mut component, id);
    component
}

/// Moves a component to another start; its end keeps its distance, in its own zone, and so do alarms at instants.
pub(super) fn move_to(component: &mut Component, start: &DateTime, ctx: &Context<'_>) {
    let Some(before) = start_of(component) else {
        return;
    };
    if before == *start {
        return;
    }
    let moved = ctx.instant(start).0.saturating_sub(ctx.instant(&before).0);
    component.set(value::date_time_property("DTSTART", start));
    if let Some(End::At(end)) = end_of(component, ctx.end_name()) {
        let end = match (&end, &before, start) {
            (DateTime::Date(end), DateTime::Date(before), DateTime::Date(start)) => {
                let days = before.until(*end).map(|span| span.get_days()).unwrap_or(0);
                DateTime::Date(start.saturating_add(jiff::Span::new().days(days)))
            }
            _ => moved_end(&end, moved, ctx),
        };
        component.set(value::date_time_property(ctx.end_name(), &end));
    }
    let alarms = component.components().any(|c| {
        let trigger = c.property("TRIGGER").and_then(|p| value::trigger(p).ok());
        matches!(trigger, Some(Trigger::Absolute(_)))
    });
    if alarms {
        move_alarms(component, moved);
    }
}

fn moved_end(end: &DateTime, seconds: i64, ctx: &Context<'_>) -> DateTime {
    let instant = ctx.instant(end).plus(seconds);
    match end {
        DateTime::Date(_) => DateTime::Date(ctx.floating.to_civil(instant).date()),
        DateTime::Floating(_) => DateTime::Floating(ctx.floating.to_civil(instant)),
        DateTime::Utc(_) => DateTime::Utc(instant),
        DateTime::Zoned(_, tzid) => match local(instant, &ctx.zones.zone_of(end, ctx.floating)) {
            DateTime::Zoned(civil, _) => DateTime::Zoned(civil, tzid.clone()),
            other => other,
        },
    }
}

fn move_alarms(component: &mut Component, seconds: i64) {
    let parts: Vec<Component> = component.components().cloned().collect();
    component.retain(|entry| matches!(entry, Entry::Property(_)));
    for mut part in parts {
        part.map_properties(|property| match value::trigger(&property) {
            Ok(Trigger::Absolute(at)) if property.is("TRIGGER") => {
                property.with_value(at.plus(seconds).to_string())
            }
            _ => property,
        });
        component.push_component(part);
    }
}

/// Whether a changed instance may stand where and as it is now (Sun's rules for series).
pub(super) fn fits(
    bench: &Bench<'_>,
    instance: &Instance,
    before: &Component,
    after: &Component,
) -> Result<(), EditError> {
    let Some(master) = bench.object.master() else {
        return Ok(());
    };
    let says = |component: &Component, name: &str, default: &str| {
        component
            .value(name)
            .unwrap_or(default)
            .trim()
            .to_ascii_uppercase()
    };
    for (name, default) in [("CLASS", "PUBLIC"), ("TRANSP", "OPAQUE")] {
        let now = says(after, name, default);
        if now != says(before, name, default) && now != says(master, name, default) {
            return Err(EditError::Privacy(name));
        }
    }
    let Some(start) = start_of(after).filter(|start| Some(start) != start_of(before).as_ref())
    else {
        return Ok(());
    };
    let ctx = bench.context();
    let zone = start_of(master).map_or_else(
        || bench.world.floating.clone(),
        |start| bench.zones.zone_of(&start, bench.world.floating),
    );
    let day = |instant: Timestamp| zone.to_civil(instant).date();
    let at = ctx.instant(&start);
    let (previous, next) = (bench.previous(instance)?, bench.next(instance)?);
    let passes = |other: &Instance| (at < other.start) != (instance.original < other.original);
    let mut neighbours = previous.iter().chain(&next);
    if let Some(other) = neighbours.find(|other| at != other.start && passes(other)) {
        return Err(EditError::PastNeighbour(other.start.to_string()));
    }
    for other in previous.iter().chain(&next) {
        // A rule may itself give several a day.
        if day(at) == day(other.start) && day(other.original) != day(instance.original) {
            return Err(EditError::SameDay(day(at).to_string()));
        }
    }
    Ok(())
}

/// CLASS and TRANSP, which no instance has apart from its series (WCAP's error 68).
pub(super) struct Privacy(Vec<(&'static str, Option<Property>)>);

impl Privacy {
    const NAMES: [&'static str; 2] = ["CLASS", "TRANSP"];

    /// Those that are new.
    pub(super) fn changed(before: &Component, after: &Component) -> Self {
        let fresh = Self::NAMES
            .iter()
            .filter(|name| before.value(name) != after.value(name));
        Self(
            fresh
                .map(|name| (*name, after.property(name).cloned()))
                .collect(),
        )
    }

    pub(super) fn on(&self, mut component: Component) -> Component {
        for (name, property) in &self.0 {
            match property {
                Some(property) => component.set(property.clone()),
                None => {
                    component.remove(name);
                }
            }
        }
        component
    }
}

#[cfg(test)]
#[path = "exception_tests.rs"]
mod tests;
