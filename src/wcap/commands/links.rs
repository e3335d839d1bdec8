//! addlink: items of one calendar are seen in another.

use crate::core::access::Right;
use crate::core::items::links::LinkTo;
use crate::core::{Error, Kind as Failed};
use crate::dispatch::Cost;
use crate::ical::zone::Zone;
use crate::wcap::args::{Kind, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::Row;
use crate::wcap::reply::{Answer, Reply};

/// The family's rows.
pub(super) const ROWS: &[Row] = &[Row {
    doc: "Shows items of one calendar in another, where they can be removed but not changed.",
    cost: Cost::Heavy,
    params: &[
        Param::required("destCal", Kind::Calid, "The calendar to show them in."),
        Param::required("srcCal", Kind::Calid, "The calendar they are in."),
        Param::required("uid", Kind::Uids, "The items."),
        Param::optional(
            "rid",
            Kind::RecurrenceIds,
            "The instance of each, 0 for the whole item; one for all, or as many.",
        ),
        Param::optional(
            "tzid",
            Kind::Zone,
            "Zone of local rids; default: that of the calendar they are in.",
        ),
    ],
    ..Row::new("addlink", Errno::AddLinkFailed, addlink)
}];

fn addlink(context: &Context) -> Result<Answer, Failure> {
    let calid = |name| -> Result<String, Failure> {
        let calid = context.args.text(name)?;
        Ok(calid.map_or_else(String::new, |calid| calid.trim().to_owned()))
    };
    let (target, source) = (calid("destCal")?, calid("srcCal")?);
    let asked = super::told(context, Some(&target), Right::Add, asked(context));
    let (items, zone) = super::told(context, Some(&source), Right::Read, asked)?;
    let core = &context.core;
    core.add_links(&context.caller, &target, &source, &items, zone.as_ref())
        .map_err(failure)?;
    Ok(Reply::errno(Errno::Ok).into())
}

fn asked(context: &Context) -> Result<(Vec<LinkTo>, Option<Zone>), Failure> {
    let refs = context.args.item_refs(false)?;
    let items = refs
        .into_iter()
        .map(|item| (item.uid.into_owned(), item.rid));
    Ok((items.collect(), context.args.zone("tzid")?))
}

/// What is wrong with items has one number here.
fn failure(cause: Error) -> Failure {
    match cause.kind() {
        Failed::NoSuchItem | Failed::NoSuchInstance | Failed::ItemExists | Failed::BadValue => {
            Failure::Errno(Errno::AddLinkFailed)
        }
        _ => cause.into(),
    }
}
