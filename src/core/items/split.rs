//! Cutting a series in two at one of its instances.
//!
//! The head ends with UNTIL just before the cut. The tail begins at the first time its rule gives from there on, with
//! what is left of COUNT, so that both together have the instances the series had. Dates, deletions and exceptions
//! go to the side they belong to. RFC 5545 section 3.8.5.3.

use super::edit::{EditError, insert, replace};
use super::exception::{is_range, move_to};
use super::rules::{Form, exdates, set_exdates};
use super::series::Bench;
use super::times::start_of;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::instances::{Instance, split_count};
use crate::ical::object::CalendarObject;
use crate::ical::recur::{LocalSeconds, Plan};
use crate::ical::rule::Rule;
use crate::ical::value::{self, RecurrenceDate};

/// The two halves of a series, cut before `cut`: the later one, then the earlier.
///
/// Errors: those of [`head`] and [`tail`].
pub(super) fn in_two(
    bench: &Bench<'_>,
    cut: &Instance,
) -> Result<(CalendarObject, CalendarObject), EditError> {
    let head = head(bench, cut)?;
    let tail = tail(bench, cut)?;
    Ok((tail, head))
}

/// The object says that it was part of the one called `uid`; its revisions count anew.
pub(super) fn sibling(mut object: CalendarObject, uid: &str) -> CalendarObject {
    let new_uid = Property::text("UID", &object.uid);
    for component in &mut object.components {
        component.set(new_uid.clone());
        if component.property("SEQUENCE").is_some() {
            component.set(Property::new("SEQUENCE", "0"));
        }
    }
    if let Some(master) = object.components.first_mut() {
        let related = Property::text("RELATED-TO", uid).with_param("RELTYPE", "SIBLING");
        insert(master, related);
    }
    object
}

/// What lies before `cut`.
///
/// Errors: `TooMuch` when counting takes too long.
pub(super) fn head(bench: &Bench<'_>, cut: &Instance) -> Result<CalendarObject, EditError> {
    let (mut master, start) = master_of(bench)?;
    let ctx = bench.context();
    let end = match &start {
        DateTime::Date(_) => {
            let day = jiff::civil::DateTime::from(cut.original_local).date();
            DateTime::Date(day.yesterday().unwrap_or(day))
        }
        DateTime::Floating(_) => DateTime::Floating(cut.original_local.plus(-1).into()),
        DateTime::Utc(_) | DateTime::Zoned(..) => DateTime::Utc(cut.original.plus(-1)),
    };
    let mut kept = Vec::new();
    for rule in rules(&master, "RRULE") {
        let before = split_count(
            &rule,
            start.civil(),
            cut.original_local.into(),
            &mut bench.world.work(),
        )?;
        let ended = rule.until.as_ref().is_some_and(|until| {
            Form {
                start: &start,
                ctx: &ctx,
            }
            .until(until)
            .civil()
                <= end.civil()
        });
        match before {
            Some((0, _)) => {}
            Some((_, 0)) => kept.push(rule),
            _ if ended => kept.push(rule),
            _ => kept.push(Rule {
                count: None,
                until: Some(end.clone()),
                ..rule
            }),
        }
    }
    write_rules(&mut master, "RRULE", &kept);
    keep_dates(bench, &mut master, |at| at < cut.original);
    let mut components = vec![master];
    components.extend(exceptions(bench, |at| at < cut.original));
    Ok(bench.with(components))
}

/// What begins with `cut`.
///
/// Errors: `Value` for a series that cannot be continued elsewhere: with several rules, with an EXRULE of longer
/// steps, or with an exception for all that follows. `TooMuch` when counting takes too long.
pub(super) fn tail(bench: &Bench<'_>, cut: &Instance) -> Result<CalendarObject, EditError> {
    let (mut master, start) = master_of(bench)?;
    let ranged = bench.object.overrides().iter().any(|exception| {
        exception.property("RECURRENCE-ID").is_some_and(|id| {
            is_range(id) && original(bench, id).is_some_and(|at| at < cut.original)
        })
    });
    let found = rules(&master, "RRULE");
    let stepping = rules(&master, "EXRULE")
        .iter()
        .any(|rule| rule.interval != 1);
    if ranged || found.len() > 1 || stepping {
        let message = "expected a series of one rule to cut in two, found one that cannot be cut";
        return Err(EditError::value(message));
    }
    let mut first = cut.original_local;
    let mut kept = Vec::new();
    for rule in found {
        let Some((rule, from)) = continued(bench, rule, &start, cut)? else {
            continue;
        };
        first = from;
        kept.push(rule);
    }
    let mut left = Vec::new();
    for rule in rules(&master, "EXRULE") {
        left.extend(continued(bench, rule, &start, cut)?.map(|(rule, _)| rule));
    }
    write_rules(&mut master, "RRULE", &kept);
    write_rules(&mut master, "EXRULE", &left);
    keep_dates(bench, &mut master, |at| at >= cut.original);
    let start = match &start {
        DateTime::Date(_) => DateTime::Date(jiff::civil::DateTime::from(first).date()),
        DateTime::Floating(_) => DateTime::Floating(first.into()),
        DateTime::Utc(_) => DateTime::Utc(Timestamp(first.0)),
        DateTime::Zoned(_, tzid) => DateTime::Zoned(first.into(), tzid.clone()),
    };
    move_to(&mut master, &start, &bench.context());
    drop_first_date(bench, &mut master, &start);
    let mut components = vec![master];
    components.extend(exceptions(bench, |at| at >= cut.original));
    Ok(bench.with(components))
}

/// What a rule still gives from `cut` on, and the first time it does; none when that is nothing.
fn continued(
    bench: &Bench<'_>,
    rule: Rule,
    start: &DateTime,
    cut: &Instance,
) -> Result<Option<(Rule, LocalSeconds)>, EditError> {
    let work = &mut bench.world.work();
    let at = cut.original_local;
    let count = split_count(&rule, start.civil(), at.into(), work)?;
    let rule = match count {
        Some((_, 0)) => return Ok(None),
        Some((_, after)) => Rule {
            count: Some(after),
            ..rule
        },
        None => rule,
    };
    let endless = Rule {
        count: None,
        until: None,
        ..rule.clone()
    };
    let plan = Plan::new(&endless, start.civil().into(), None, work)?;
    let from = plan.occurrences(at, LocalSeconds::MAX).next(work)?;
    Ok(match from {
        Some(from) if !ends_before(bench, &rule, start, from) => Some((rule, from)),
        _ => None,
    })
}

fn ends_before(bench: &Bench<'_>, rule: &Rule, start: &DateTime, from: LocalSeconds) -> bool {
    let ctx = bench.context();
    let form = Form { start, ctx: &ctx };
    rule.until
        .as_ref()
        .is_some_and(|until| match form.until(until) {
            DateTime::Utc(until) => {
                bench
                    .zones
                    .zone_of(start, bench.world.floating)
                    .resolve(from)
                    > until
            }
            until => LocalSeconds::from(until.civil()) < from,
        })
}

fn master_of(bench: &Bench<'_>) -> Result<(Component, DateTime), EditError> {
    let master = bench.object.master().cloned();
    let start = master.as_ref().and_then(start_of);
    master.zip(start).ok_or(EditError::NoStart)
}

fn rules(master: &Component, name: &str) -> Vec<Rule> {
    master
        .properties_named(name)
        .filter_map(|p| Rule::parse(p.value()).ok())
        .collect()
}

fn write_rules(master: &mut Component, name: &str, rules: &[Rule]) {
    let lines: Vec<_> = rules
        .iter()
        .map(|rule| Property::new(name, rule.to_string()))
        .collect();
    replace(master, name, &lines);
}

/// Keeps the RDATEs and EXDATEs for whose instants `keep` answers true.
fn keep_dates(bench: &Bench<'_>, master: &mut Component, keep: impl Fn(Timestamp) -> bool) {
    let ctx = bench.context();
    let dates = master
        .properties_named("RDATE")
        .filter_map(|p| value::recurrence_dates(p).ok());
    let dates: Vec<RecurrenceDate> = dates.flatten().collect();
    let kept: Vec<_> = dates
        .iter()
        .filter(|date| match date {
            RecurrenceDate::Start(start) => keep(ctx.instant(start)),
            RecurrenceDate::Period(period) => keep(ctx.instant(period.start())),
        })
        .cloned()
        .collect();
    if kept != dates {
        replace(
            master,
            "RDATE",
            &value::recurrence_date_properties("RDATE", &kept),
        );
    }
    let dates = exdates(master);
    let kept: Vec<_> = dates
        .iter()
        .filter(|date| keep(ctx.instant(date)))
        .cloned()
        .collect();
    if kept != dates {
        set_exdates(master, &kept);
    }
}

/// Takes the start away from the RDATEs: it is an instance anyway.
fn drop_first_date(bench: &Bench<'_>, master: &mut Component, start: &DateTime) {
    let ctx = bench.context();
    let dates = master
        .properties_named("RDATE")
        .filter_map(|p| value::recurrence_dates(p).ok());
    let dates: Vec<RecurrenceDate> = dates.flatten().collect();
    let is_start = |date: &RecurrenceDate| matches!(date, RecurrenceDate::Start(at) if ctx.instant(at) == ctx.instant(start));
    let kept: Vec<_> = dates
        .iter()
        .filter(|date| !is_start(date))
        .cloned()
        .collect();
    if kept != dates {
        replace(
            master,
            "RDATE",
            &value::recurrence_date_properties("RDATE", &kept),
        );
    }
}

fn original(bench: &Bench<'_>, id: &Property) -> Option<Timestamp> {
    let id = value::date_time(id).ok()?;
    let found = bench
        .series
        .find(&id, &mut bench.world.work())
        .ok()
        .flatten();
    Some(found.map_or_else(|| bench.context().instant(&id), |found| found.original))
}

/// The exceptions for whose unmoved starts `keep` answers true.
fn exceptions<'a>(
    bench: &'a Bench<'_>,
    keep: impl Fn(Timestamp) -> bool + 'a,
) -> impl Iterator<Item = Component> + 'a {
    let overrides = bench.object.overrides().iter();
    let kept = overrides.filter(move |exception| {
        let id = exception.property("RECURRENCE-ID");
        id.and_then(|id| original(bench, id)).is_some_and(&keep)
    });
    kept.cloned()
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
