//! deleteevents_by_id and deletetodos_by_id: items and instances named one by one, each answered for.

use super::store::part;
use crate::core::access::Right;
use crate::core::items::delete::{DeleteItems, Terms};
use crate::core::items::series::Target;
use crate::core::schedule::Notify;
use crate::core::{Error, Kind as Failed};
use crate::dispatch::Cost;
use crate::ical::component::Property;
use crate::ical::datetime::DateTime;
use crate::ical::object::Kind;
use crate::ical::value;
use crate::wcap::args::{self, Args, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, Calendar, Reply, status};

/// What is said of something that was deleted.
pub(super) const DELETED: &str = "2.0;Success.  Delete successful.";
/// What is said of something that could not be.
pub(super) const FAILED: &str = "1.0;Failed.  Delete failed.";

/// What both take.
const PARAMS: &[Param] = &[
    Param::optional(
        "calid",
        args::Kind::Calid,
        "The calendar; default: one's own.",
    ),
    Param::required("uid", args::Kind::Uids, "The items."),
    Param::optional(
        "rid",
        args::Kind::RecurrenceIds,
        "The instance of each, 0 for none; one for all, or as many.",
    ),
    Param::optional(
        "mod",
        args::Kind::Modifiers,
        "1 that instance, 2 it and later, 3 it and earlier, 4 all; one for all, or as many.",
    ),
    Param::optional(
        "tzid",
        args::Kind::Zone,
        "Zone of local rids; default: the calendar's.",
    ),
    Param::or(
        "notify",
        args::Kind::Flag,
        "0",
        "1: the organizer of an invitation is told that one does not come.",
    ),
    Param::or(
        "smtp",
        args::Kind::Flag,
        "1",
        "1: mail people without a calendar here.",
    ),
    Param::or(
        "smtpNotify",
        args::Kind::Flag,
        "0",
        "1: mail people with one.",
    ),
];

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        doc: "Deletes events, or instances of them.",
        session: Needs::Optional,
        cost: Cost::Heavy,
        params: PARAMS,
        ..Row::new("deleteevents_by_id", Errno::DeleteEventsByIdFailed, events)
    },
    Row {
        doc: "Deletes todos, or instances of them.",
        session: Needs::Optional,
        cost: Cost::Heavy,
        params: PARAMS,
        ..Row::new("deletetodos_by_id", Errno::DeleteTodosByIdFailed, todos)
    },
];

fn events(context: &Context) -> Result<Answer, Failure> {
    delete(context, Kind::Event, Errno::DeleteEventsByIdFailed)
}

fn todos(context: &Context) -> Result<Answer, Failure> {
    delete(context, Kind::Todo, Errno::DeleteTodosByIdFailed)
}

fn delete(context: &Context, kind: Kind, failed: Errno) -> Result<Answer, Failure> {
    let calid = context.args.text("calid")?.filter(|c| !c.is_empty());
    if calid.is_none() {
        super::own_calendar(context)?;
    }
    let request = request(&context.args, kind);
    let request = super::told(context, calid.as_deref(), Right::Delete, request)?;
    let deleted = context
        .core
        .delete_items(&context.caller, calid.as_deref(), &request)?;
    let answers = &deleted.answers;
    let mut calendar = Calendar::publish();
    for ((uid, target), answer) in request.items.iter().zip(answers) {
        let said = if answer.is_ok() { DELETED } else { FAILED };
        let id = recurrence_id(target);
        calendar.push_component(status(kind.component_name(), uid, id, said));
    }
    let errno = match errno(answers, failed) {
        Errno::Ok if deleted.shortfall.unmailed => Errno::CannotSendMail,
        errno => errno,
    };
    Ok(Reply::of(calendar.finish(errno)).into())
}

fn request(args: &Args, kind: Kind) -> Result<DeleteItems, Failure> {
    let refs = args.item_refs(false)?;
    let items = refs.iter().map(|item| {
        let target = part(item.rid.clone(), item.modifier);
        (item.uid.clone().into_owned(), target)
    });
    Ok(DeleteItems {
        kind,
        items: items.collect(),
        zone: args.zone("tzid")?,
        terms: Terms {
            decline: args.flag("notify")?,
            notify: Notify {
                outside: args.flag("smtp")?,
                inside: args.flag("smtpNotify")?,
                attachments: false,
            },
        },
    })
}

/// The instance that was asked for, as it was asked for.
fn recurrence_id(target: &Target) -> Option<Property> {
    let id: &DateTime = match target {
        Target::Whole => return None,
        Target::Instance(id) | Target::Following(id) | Target::Preceding(id) => id,
    };
    Some(value::date_time_property("RECURRENCE-ID", id))
}

/// Nothing there at all has a number of its own; when only some went, the command failed.
fn errno(answers: &[Result<(), Error>], failed: Errno) -> Errno {
    let missing = |answer: &Result<(), Error>| {
        let kind = answer.as_ref().err().map(Error::kind);
        matches!(kind, Some(Failed::NoSuchItem | Failed::NoSuchInstance))
    };
    let private = |answer: &Result<(), Error>| {
        answer.as_ref().err().map(Error::kind) == Some(Failed::NotOwner)
    };
    if answers.iter().all(Result::is_ok) {
        Errno::Ok
    } else if answers.iter().all(missing) {
        Errno::ComponentNotFound
    } else if answers.iter().all(private) {
        Errno::MustBeOwner
    } else {
        failed
    }
}
