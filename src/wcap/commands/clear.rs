//! deleteevents_by_range, deletetodos_by_range and deletecomponents_by_range: what takes place in a time goes.
//!
//! Each calendar answers for itself: with a stub for each item or instance that went or could not go, as the commands
//! that delete by UID do.

use super::delete::{DELETED, FAILED};
use crate::core::access::Right;
use crate::core::items::clear::Cleared;
use crate::core::items::delete::Terms;
use crate::core::items::fetch::Window;
use crate::core::items::gap::Part;
use crate::core::schedule::Notify;
use crate::core::{Error, Kind as Failed};
use crate::dispatch::Cost;
use crate::ical::component::{Component, Property};
use crate::ical::object::Kind;
use crate::ical::value;
use crate::wcap::args::{self, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::Row;
use crate::wcap::reply::{Answer, Calendar, Reply, status};

const PARAMS: &[Param] = &[
    Param::optional(
        "calid",
        args::Kind::Calids,
        "Calendars, each answering for itself; default: one's own.",
    ),
    Param::optional(
        "dtstart",
        args::Kind::Time,
        "First instant of the time; 0: open.",
    ),
    Param::optional(
        "dtend",
        args::Kind::Time,
        "First instant after the time; 0: open. Open at both ends is everything.",
    ),
    Param::or(
        "smtp",
        args::Kind::Flag,
        "1",
        "1: mail people without a calendar here.",
    ),
    Param::optional(
        "tzid",
        args::Kind::Zone,
        "Zone of local times; default: the calendar's.",
    ),
];

const fn row(
    name: &'static str,
    doc: &'static str,
    failed: Errno,
    run: fn(&Context) -> Result<Answer, Failure>,
) -> Row {
    Row {
        doc,
        cost: Cost::Heavy,
        params: PARAMS,
        ..Row::new(name, failed, run)
    }
}

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    row(
        "deleteevents_by_range",
        "Deletes the events of a time, of series those instances that are in it.",
        Errno::DeleteEventsByRangeFailed,
        |context| clear(context, &[Kind::Event]),
    ),
    row(
        "deletetodos_by_range",
        "Deletes the to-dos of a time, of series those instances that are in it.",
        Errno::DeleteTodosByRangeFailed,
        |context| clear(context, &[Kind::Todo]),
    ),
    row(
        "deletecomponents_by_range",
        "Deletes the events and to-dos of a time, of series those instances that are in it.",
        Errno::DeleteComponentsByRangeFailed,
        |context| clear(context, &[Kind::Event, Kind::Todo]),
    ),
];

fn clear(context: &Context, kinds: &[Kind]) -> Result<Answer, Failure> {
    let calids = super::calids(context)?;
    let answers = calids.iter().map(|calid| {
        let calid = calid.as_deref();
        match clear_one(context, calid, kinds) {
            Ok(calendar) => calendar,
            Err(failure) => Calendar::publish().finish(context.errno(failure)),
        }
    });
    Ok(answers.collect::<Reply>().into())
}

fn clear_one(context: &Context, calid: Option<&str>, kinds: &[Kind]) -> Result<Component, Failure> {
    let asked = window(context).and_then(|window| Ok((window, terms(context)?)));
    let (window, terms) = super::told(context, calid, Right::Delete, asked)?;
    let core = &context.core;
    let (cleared, shortfall) = core.clear_range(&context.caller, calid, &window, kinds, terms)?;
    let mut calendar = Calendar::publish();
    for Cleared { kind, uid, outcome } in &cleared {
        let name = kind.component_name();
        match outcome {
            Ok(parts) => parts
                .iter()
                .map(|part| status(name, uid, recurrence_id(part), DELETED))
                .for_each(|stub| calendar.push_component(stub)),
            Err(_) => calendar.push_component(status(name, uid, None, FAILED)),
        }
    }
    let errno = match errno(context, &cleared) {
        Errno::Ok if shortfall.unmailed => Errno::CannotSendMail,
        errno => errno,
    };
    Ok(calendar.finish(errno))
}

fn terms(context: &Context) -> Result<Terms, Failure> {
    Ok(Terms {
        decline: false,
        notify: Notify {
            outside: context.args.flag("smtp")?,
            ..Notify::default()
        },
    })
}

fn window(context: &Context) -> Result<Window, Failure> {
    Ok(Window {
        start: context.args.time("dtstart")?.set(),
        end: context.args.time("dtend")?.set(),
        zone: context.args.zone("tzid")?,
    })
}

fn recurrence_id(part: &Part) -> Option<Property> {
    match part {
        Part::Whole => None,
        Part::Instance(id) => Some(value::date_time_property("RECURRENCE-ID", id)),
        Part::Following(id) => {
            let id = value::date_time_property("RECURRENCE-ID", id);
            Some(id.with_param("RANGE", "THISANDFUTURE"))
        }
    }
}

/// Success also when nothing was there; when only private items of others stayed, that has a number of its own.
fn errno(context: &Context, cleared: &[Cleared]) -> Errno {
    let mut failures = cleared.iter().filter_map(|c| c.outcome.as_ref().err());
    let private = |cause: &Error| cause.kind() == Failed::NotOwner;
    match (failures.clone().next(), failures.all(private)) {
        (None, _) => Errno::Ok,
        (Some(_), true) => Errno::MustBeOwner,
        (Some(_), false) => context.row.failed,
    }
}
