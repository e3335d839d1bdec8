//! verifyevents_by_ids and verifytodos_by_ids: which of some items and instances are not there.

use crate::core::access::Right;
use crate::core::items::by_id::{ItemId, Reach};
use crate::dispatch::Cost;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::DateTime;
use crate::ical::object::Kind;
use crate::ical::value;
use crate::ical::zone::Zone;
use crate::wcap::args::{self, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::Row;
use crate::wcap::reply::{Answer, Calendar, Reply};

const PARAMS: &[Param] = &[
    Param::optional(
        "calid",
        args::Kind::Calid,
        "The calendar; default: one's own.",
    ),
    Param::required("uid", args::Kind::Uids, "The items; `,` separates too."),
    Param::required(
        "rid",
        args::Kind::RecurrenceIds,
        "The instance of each, 0 for none; as many as uids. `,` separates too.",
    ),
    Param::optional(
        "tzid",
        args::Kind::Zone,
        "Zone of local rids; default: the calendar's.",
    ),
];

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        doc: "Tells which of some events, and instances of them, are not there.",
        cost: Cost::Heavy,
        exact_rids: true,
        params: PARAMS,
        ..Row::new("verifyevents_by_ids", Errno::InsufficientParameters, events)
    },
    Row {
        doc: "Tells which of some to-dos, and instances of them, are not there.",
        cost: Cost::Heavy,
        exact_rids: true,
        params: PARAMS,
        ..Row::new("verifytodos_by_ids", Errno::InsufficientParameters, todos)
    },
];

fn events(context: &Context) -> Result<Answer, Failure> {
    verify(context, Kind::Event)
}

fn todos(context: &Context) -> Result<Answer, Failure> {
    verify(context, Kind::Todo)
}

fn verify(context: &Context, kind: Kind) -> Result<Answer, Failure> {
    let calid = context.args.text("calid")?.filter(|c| !c.is_empty());
    let calid = calid.as_deref();
    if calid.is_none() {
        super::own_calendar(context)?;
    }
    let asked = super::told(context, calid, Right::Read, asked(context))?;
    let (ids, zone) = &asked;
    let core = &context.core;
    let missing = core.missing_items(&context.caller, calid, kind, ids, zone.as_ref())?;
    let mut calendar = Calendar::plain();
    for id in missing.into_iter().filter_map(|at| ids.get(at)) {
        calendar.push_component(stub(kind, &id.uid, id.instance.as_ref()));
    }
    Ok(Reply::of(calendar.finish(Errno::Ok)).into())
}

fn asked(context: &Context) -> Result<(Vec<ItemId>, Option<Zone>), Failure> {
    let refs = context.args.item_refs(true)?;
    let ids = refs.into_iter().map(|item| ItemId {
        uid: item.uid.into_owned(),
        instance: item.rid,
        reach: Reach::This,
    });
    Ok((ids.collect(), context.args.zone("tzid")?))
}

/// Something that is not there: its UID, and its RECURRENCE-ID as it was asked for.
fn stub(kind: Kind, uid: &str, instance: Option<&DateTime>) -> Component {
    let mut stub = Component::new(kind.component_name());
    stub.push(Property::text("UID", uid));
    if let Some(instance) = instance {
        stub.push(value::date_time_property("RECURRENCE-ID", instance));
    }
    stub
}
