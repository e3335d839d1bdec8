//! fetchevents_by_id and fetchtodos_by_id: items by their UIDs, whole or some of their instances.

use super::{
    CALID, COMPRESSED, COMPSTATE, EMAILORCALID, FETCHATTACH, RECURRING, RELATIVEALARM, TZID,
    TZIDOUT, Wanted, calendar, each, wanted,
};
use crate::core::items::by_id::{ItemId, Reach};
use crate::dispatch::Cost;
use crate::ical::object::Kind;
use crate::wcap::args::{Kind as Holds, Modifier, Param};
use crate::wcap::commands::calids;
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::Row;
use crate::wcap::reply::Answer;

const PARAMS: &[Param] = &[
    CALID,
    COMPRESSED,
    COMPSTATE,
    EMAILORCALID,
    FETCHATTACH,
    Param::optional(
        "mod",
        Holds::Modifiers,
        "With rid: 1 that instance, 2 it and all later, 3 it and all earlier, 4 all.",
    ),
    RECURRING,
    RELATIVEALARM,
    Param::optional("rid", Holds::RecurrenceIds, "Instances; 0: whole items."),
    TZID,
    TZIDOUT,
    Param::required("uid", Holds::Uids, "The items."),
];

/// The family's rows.
pub(in crate::wcap::commands) const ROWS: &[Row] = &[
    Row {
        doc: "Answers events by their UIDs.",
        cost: Cost::Heavy,
        kept: true,
        params: PARAMS,
        ..Row::new(
            "fetchevents_by_id",
            Errno::FetchEventsByIdFailed,
            events_by_id,
        )
    },
    Row {
        doc: "Answers to-dos by their UIDs.",
        cost: Cost::Heavy,
        kept: true,
        params: PARAMS,
        ..Row::new("fetchtodos_by_id", Errno::FetchTodosByIdFailed, todos_by_id)
    },
];

fn events_by_id(context: &Context) -> Result<Answer, Failure> {
    by_id(context, Kind::Event)
}

fn todos_by_id(context: &Context) -> Result<Answer, Failure> {
    by_id(context, Kind::Todo)
}

fn by_id(context: &Context, kind: Kind) -> Result<Answer, Failure> {
    let calids = calids(context)?;
    let asked = asked(context, kind);
    each(context, &calids, asked, |calid, (ids, wanted)| {
        let (core, zone) = (&context.core, wanted.zone.as_ref());
        let fetched = core.fetch_items(&context.caller, calid, ids, zone, &wanted.selection)?;
        Ok(calendar(calid, fetched, &wanted.form))
    })
}

fn asked(context: &Context, kind: Kind) -> Result<(Vec<ItemId>, Wanted), Failure> {
    let mut wanted = wanted(context)?;
    wanted.selection.kinds = vec![kind];
    let refs = context.args.item_refs(false)?;
    let ids = refs.into_iter().map(|item| ItemId {
        uid: item.uid.into_owned(),
        instance: item.rid,
        reach: match item.modifier {
            None | Some(Modifier::This) => Reach::This,
            Some(Modifier::ThisAndFuture) => Reach::ThisAndFuture,
            Some(Modifier::ThisAndPrior) => Reach::ThisAndPrior,
            Some(Modifier::All) => Reach::All,
        },
    });
    Ok((ids.collect(), wanted))
}
