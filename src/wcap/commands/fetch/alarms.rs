//! fetchcomponents_by_alarmrange and fetchcomponents_by_attendee_error: what has an alarm in a time, and what did not
//! reach everybody.

use super::{
    CALID, COMPONENT_TYPE, COMPRESSED, COMPSTATE, EMAILORCALID, FETCHATTACH, FETCHORDER, FILTER,
    INVITECOUNT, MAX_RESULTS, RECURRING, RELATIVEALARM, TZID, TZIDOUT, Wanted, calendar, chosen,
    each, in_window,
};
use crate::dispatch::Cost;
use crate::wcap::args::{Kind as Holds, Param};
use crate::wcap::commands::calids;
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::Row;
use crate::wcap::reply::Answer;

const BY_ALARM: &[Param] = &[
    CALID,
    COMPONENT_TYPE,
    COMPRESSED,
    COMPSTATE,
    Param::optional(
        "dtstart",
        Holds::Time,
        "Time of the first alarms asked for; 0: open.",
    ),
    Param::optional(
        "dtend",
        Holds::Time,
        "Time of the last alarms asked for, included; 0: open.",
    ),
    EMAILORCALID,
    FETCHATTACH,
    FETCHORDER,
    FILTER,
    INVITECOUNT,
    MAX_RESULTS,
    RECURRING,
    RELATIVEALARM,
    TZID,
    TZIDOUT,
];

const BY_ATTENDEE: &[Param] = &[
    Param::optional(
        "attendee",
        Holds::Calid,
        "Whom the message did not reach: calid or address; default: anybody.",
    ),
    CALID,
    COMPONENT_TYPE,
    COMPRESSED,
    COMPSTATE,
    EMAILORCALID,
    FETCHATTACH,
    FETCHORDER,
    FILTER,
    INVITECOUNT,
    MAX_RESULTS,
    RECURRING,
    RELATIVEALARM,
    TZID,
    TZIDOUT,
];

/// The family's rows.
pub(in crate::wcap::commands) const ROWS: &[Row] = &[
    Row {
        doc: "Answers the events and to-dos with an alarm in a time, of series the instances whose alarm it is.",
        cost: Cost::Heavy,
        kept: true,
        params: BY_ALARM,
        ..Row::new(
            "fetchcomponents_by_alarmrange",
            Errno::FetchByAlarmRangeFailed,
            by_alarm,
        )
    },
    Row {
        doc: "Answers the events and to-dos of which a message did not reach an attendee.",
        cost: Cost::Heavy,
        kept: true,
        params: BY_ATTENDEE,
        ..Row::new(
            "fetchcomponents_by_attendee_error",
            Errno::FetchByAttendeeErrorFailed,
            by_attendee,
        )
    },
];

fn by_alarm(context: &Context) -> Result<Answer, Failure> {
    let calids = calids(context)?;
    let asked = in_window(context);
    each(context, &calids, asked, |calid, (window, wanted)| {
        let core = &context.core;
        let fetched = core.fetch_alarms(&context.caller, calid, window, &wanted.selection)?;
        Ok(calendar(calid, fetched, &wanted.form))
    })
}

fn by_attendee(context: &Context) -> Result<Answer, Failure> {
    let calids = calids(context)?;
    let asked = || -> Result<(Option<String>, Wanted), Failure> {
        let attendee = context.args.text("attendee")?;
        let attendee = attendee.map(|text| text.trim().to_owned());
        Ok((attendee.filter(|a| !a.is_empty()), chosen(context)?))
    };
    each(context, &calids, asked(), |calid, (attendee, wanted)| {
        let (core, attendee) = (&context.core, attendee.as_deref());
        let fetched =
            core.fetch_undelivered(&context.caller, calid, attendee, &wanted.selection)?;
        Ok(calendar(calid, fetched, &wanted.form))
    })
}
