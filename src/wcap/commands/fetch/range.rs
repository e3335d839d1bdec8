//! fetchcomponents_by_range: what takes place in a time.

use super::{
    CALID, COMPONENT_TYPE, COMPRESSED, COMPSTATE, EMAILORCALID, FETCHATTACH, FETCHORDER, FILTER,
    INVITECOUNT, MAX_RESULTS, PRIMARY_OWNER, RECURRING, RELATIVEALARM, TZID, TZIDOUT, Wanted,
    calendar, calids_or_own, each, in_window,
};
use crate::core::items::fetch::Window;
use crate::dispatch::Cost;
use crate::wcap::args::{Kind as Holds, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::Row;
use crate::wcap::reply::Answer;
use crate::wcap::shape::Attributes;

const PARAMS: &[Param] = &[
    Param::or(
        "attrset",
        Holds::Integer(0, 2),
        "2",
        "0: UID, times and SUMMARY; 1: also rules, CLASS, LOCATION and alarms; 2: everything.",
    ),
    CALID,
    COMPONENT_TYPE,
    COMPRESSED,
    COMPSTATE,
    Param::optional("dtstart", Holds::Time, "First instant asked for; 0: open."),
    Param::optional(
        "dtend",
        Holds::Time,
        "First instant no longer asked for; 0: open.",
    ),
    EMAILORCALID,
    FETCHATTACH,
    FETCHORDER,
    FILTER,
    INVITECOUNT,
    MAX_RESULTS,
    PRIMARY_OWNER,
    RECURRING,
    RELATIVEALARM,
    TZID,
    TZIDOUT,
];

/// The family's rows.
pub(in crate::wcap::commands) const ROWS: &[Row] = &[Row {
    aliases: &["fetchcomponents"],
    doc: "Answers the events and to-dos of a time, and to-dos without any date.",
    cost: Cost::Heavy,
    kept: true,
    params: PARAMS,
    ..Row::new(
        "fetchcomponents_by_range",
        Errno::FetchByDateRangeFailed,
        by_range,
    )
}];

fn by_range(context: &Context) -> Result<Answer, Failure> {
    let calids = calids_or_own(context)?;
    let asked = asked(context);
    each(context, &calids, asked, |calid, (window, wanted)| {
        let core = &context.core;
        let fetched = core.fetch_range(&context.caller, calid, window, &wanted.selection)?;
        Ok(calendar(calid, fetched, &wanted.form))
    })
}

fn asked(context: &Context) -> Result<(Window, Wanted), Failure> {
    let (window, mut wanted) = in_window(context)?;
    wanted.form.attributes = match context.args.integer("attrset")? {
        Some(0) => Attributes::Brief,
        Some(1) => Attributes::Usual,
        _ => Attributes::All,
    };
    Ok((window, wanted))
}
