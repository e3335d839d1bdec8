//! The commands, one family to a file: their rows, and for each a short way from parameters to the core and
//! from its answer to a reply.

mod attachments;
mod calendars;
mod calprops;
mod clear;
mod delete;
mod fetch;
mod links;
mod lists;
mod people;
mod prefs;
mod server;
mod session;
mod store;
mod transfer;
mod verify;

use std::borrow::Cow;

use crate::core::Error;
use crate::core::access::Right;
use crate::wcap::context::{Context, Failure, Session};
use crate::wcap::errno::Errno;
use crate::wcap::registry::Row;

/// The families, in the order of the documentation.
pub(super) const FAMILIES: &[&[Row]] = &[
    session::ROWS,
    server::ROWS,
    prefs::ROWS,
    calendars::ROWS,
    calprops::ROWS,
    lists::ROWS,
    fetch::range::ROWS,
    fetch::by_id::ROWS,
    fetch::sync::ROWS,
    fetch::alarms::ROWS,
    verify::ROWS,
    store::ROWS,
    attachments::ROWS,
    delete::ROWS,
    clear::ROWS,
    links::ROWS,
    transfer::ROWS,
    people::ROWS,
];

/// The calendars a request names in `calid`; none of one's own stands for the default one.
///
/// Errors: `CalidNotSpecified` for callers without a calendar of their own, and for those whose session has ended
/// that it has.
fn calids(context: &Context) -> Result<Vec<Option<Cow<'_, str>>>, Failure> {
    let named = context.args.calids("calid")?;
    if !named.is_empty() {
        return Ok(named.into_iter().map(Some).collect());
    }
    own_calendar(context).map(|()| vec![None])
}

/// Whether the caller has a calendar of their own that a request without a calid can mean.
fn own_calendar(context: &Context) -> Result<(), Failure> {
    match (context.caller.identity(), &context.session) {
        (Some(_), _) => Ok(()),
        (None, Session::Dead) => Err(Failure::Errno(Errno::LoginFailed)),
        (None, _) => Err(Failure::Errno(Errno::CalidNotSpecified)),
    }
}

/// That the caller has `right` in a calendar, without a calid in their own.
fn require(context: &Context, calid: Option<&str>, right: Right) -> Result<(), Failure> {
    let calid = calid.filter(|calid| !calid.is_empty());
    if calid.is_none() {
        own_calendar(context)?;
    }
    match context.core.has_right(&context.caller, calid, right)? {
        true => Ok(()),
        false => Err(Error::denied("ask this", calid.unwrap_or_default()).into()),
    }
}

/// What was read of a request, whose faults are told only to those who have `right` in the calendar it is about.
fn told<T>(
    context: &Context,
    calid: Option<&str>,
    right: Right,
    read: Result<T, Failure>,
) -> Result<T, Failure> {
    if read.is_err() {
        require(context, calid, right)?;
    }
    read
}
