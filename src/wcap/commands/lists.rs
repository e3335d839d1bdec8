//! Lists of calendars: list, list_subscribed, subscribe_calendars, unsubscribe_calendars.

use std::borrow::Cow;

use crate::dispatch::Cost;
use crate::wcap::args::{Kind, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, Calendar, Reply};

const USERID: Param = Param::optional(
    "userid",
    Kind::Text,
    "The user; default: oneself. Others only for administrators, where that is allowed.",
);

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        doc: "Lists the calendars a user owns first, the default one leading.",
        session: Needs::Session,
        params: &[USERID],
        ..Row::new("list", Errno::ListFailed, list)
    },
    Row {
        doc: "Lists the calendars a user is subscribed to, whether or not they still exist.",
        session: Needs::Session,
        params: &[USERID],
        ..Row::new("list_subscribed", Errno::ListSubscribedFailed, subscribed)
    },
    Row {
        doc: "Puts calendars on a user's list of subscriptions, all or none of them.",
        session: Needs::Session,
        cost: Cost::Heavy,
        params: &[
            Param::required("calid", Kind::Calids, "The calendars."),
            USERID,
        ],
        ..Row::new("subscribe_calendars", Errno::SubscribeFailed, subscribe)
    },
    Row {
        doc: "Takes calendars off a user's list of subscriptions; they need not exist.",
        session: Needs::Session,
        cost: Cost::Heavy,
        params: &[
            Param::required("calid", Kind::Calids, "The calendars."),
            USERID,
        ],
        ..Row::new(
            "unsubscribe_calendars",
            Errno::UnsubscribeFailed,
            unsubscribe,
        )
    },
];

/// The user the request is about; none for the caller.
pub(super) fn userid(context: &Context) -> Result<Option<Cow<'_, str>>, Failure> {
    let userid = context.args.text("userid")?;
    Ok(userid.filter(|userid| !userid.trim().is_empty()))
}

fn answer(name: &str, calids: &[String]) -> Answer {
    let mut calendar = Calendar::publish();
    for calid in calids {
        calendar.add_value(name, calid);
    }
    Reply::of(calendar.finish(Errno::Ok)).into()
}

fn list(context: &Context) -> Result<Answer, Failure> {
    let userid = userid(context)?;
    let calids = context
        .core
        .owned_calids(&context.caller, userid.as_deref().map(str::trim))?;
    Ok(answer("X-S1CS-CALPROPS-OWNED-CALENDAR", &calids))
}

fn subscribed(context: &Context) -> Result<Answer, Failure> {
    let userid = userid(context)?;
    let calids = context
        .core
        .subscribed_calids(&context.caller, userid.as_deref().map(str::trim))?;
    Ok(answer("X-S1CS-CALPROPS-SUBSCRIBED-CALENDAR", &calids))
}

fn subscribe(context: &Context) -> Result<Answer, Failure> {
    let (userid, calids) = (userid(context)?, context.args.calids("calid")?);
    let calids: Vec<&str> = calids.iter().map(AsRef::as_ref).collect();
    let userid = userid.as_deref().map(str::trim);
    context.core.subscribe(&context.caller, userid, &calids)?;
    Ok(Reply::errno(Errno::Ok).into())
}

fn unsubscribe(context: &Context) -> Result<Answer, Failure> {
    let (userid, calids) = (userid(context)?, context.args.calids("calid")?);
    let calids: Vec<&str> = calids.iter().map(AsRef::as_ref).collect();
    let userid = userid.as_deref().map(str::trim);
    context.core.unsubscribe(&context.caller, userid, &calids)?;
    Ok(Reply::errno(Errno::Ok).into())
}
