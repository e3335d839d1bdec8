//! fetchcomponents_by_lastmod and fetch_deletedcomponents: what changed in a time and what was deleted, for clients
//! that keep a copy.
//!
//! Both tell in X-NSCP-WCAPTIME from where to ask next, always in UTC.

use super::{
    CALID, COMPONENT_TYPE, COMPRESSED, COMPSTATE, EMAILORCALID, FETCHATTACH, FETCHORDER, FILTER,
    INVITECOUNT, RECURRING, RELATIVEALARM, TZID, TZIDOUT, each, filled, headed, in_window, kinds,
    most, window,
};
use crate::core::attachments::NO_ATTACHMENTS;
use crate::core::items::fetch::Window;
use crate::core::items::people::People;
use crate::core::items::sync::Deleted;
use crate::dispatch::Cost;
use crate::ical::component::Component;
use crate::ical::datetime::Timestamp;
use crate::ical::object::Kind;
use crate::wcap::args::{Kind as Holds, Param};
use crate::wcap::commands::calids;
use crate::wcap::commands::server::WCAPTIME;
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::Row;
use crate::wcap::reply::{Answer, Calendar};
use crate::wcap::shape::{Form, Place, Shaper};

const MAX_RESULTS: Param = Param::or(
    "maxResults",
    Holds::Integer(0, u32::MAX as i64),
    "0",
    "At most so many items, the longest ago first; 0: all.",
);

const BY_LASTMOD: &[Param] = &[
    CALID,
    COMPONENT_TYPE,
    COMPRESSED,
    COMPSTATE,
    Param::optional(
        "dtstart",
        Holds::Time,
        "Time of the first changes asked for; 0: open.",
    ),
    Param::optional(
        "dtend",
        Holds::Time,
        "Time of the last changes asked for, included; 0: open.",
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

const DELETED: &[Param] = &[
    CALID,
    COMPONENT_TYPE,
    Param::optional(
        "dtstart",
        Holds::Time,
        "Time of the first deletions asked for; 0: open.",
    ),
    Param::optional(
        "dtend",
        Holds::Time,
        "Time of the last deletions asked for, included; 0: open.",
    ),
    MAX_RESULTS,
    Param::or(
        "recurring",
        Holds::Flag,
        "0",
        "1: series that were deleted with their rules.",
    ),
    TZID,
    TZIDOUT,
];

/// The family's rows.
pub(in crate::wcap::commands) const ROWS: &[Row] = &[
    Row {
        doc: "Answers the events and to-dos that were stored or changed in a time, as they are now.",
        cost: Cost::Heavy,
        params: BY_LASTMOD,
        ..Row::new(
            "fetchcomponents_by_lastmod",
            Errno::FetchByLastModifiedFailed,
            by_lastmod,
        )
    },
    Row {
        doc: "Tells which events and to-dos, and instances of them, were deleted in a time.",
        cost: Cost::Heavy,
        params: DELETED,
        ..Row::new(
            "fetch_deletedcomponents",
            Errno::FetchDeletedFailed,
            deleted,
        )
    },
];

fn by_lastmod(context: &Context) -> Result<Answer, Failure> {
    let calids = calids(context)?;
    let asked = in_window(context);
    each(context, &calids, asked, |calid, (window, wanted)| {
        let core = &context.core;
        let changed = core.fetch_changed(&context.caller, calid, window, &wanted.selection)?;
        let calendar = filled(calid, changed.fetched, &wanted.form);
        Ok(finished(calendar, changed.next, Errno::Ok))
    })
}

/// What a request about deletions wants of each calendar.
struct Asked {
    window: Window,
    kinds: Vec<Kind>,
    most: Option<usize>,
    form: Form,
}

fn deleted(context: &Context) -> Result<Answer, Failure> {
    let calids = calids(context)?;
    let asked = || -> Result<Asked, Failure> {
        let zone = context.args.zone("tzid")?;
        Ok(Asked {
            window: window(context, zone.as_ref())?,
            kinds: kinds(context)?,
            most: most(context)?,
            form: Form {
                zone: context.args.zone("tzidout")?,
                rules: context.args.flag("recurring")?,
                ..Form::default()
            },
        })
    };
    each(context, &calids, asked(), |calid, asked| {
        let Asked {
            window,
            kinds,
            most,
            form,
        } = asked;
        let core = &context.core;
        let deleted = core.fetch_deleted(&context.caller, calid, window, kinds, *most)?;
        Ok(buried(calid, deleted, form))
    })
}

/// The answer of one calendar about its deletions.
fn buried(asked: Option<&str>, deleted: Deleted, form: &Form) -> Component {
    let mut calendar = headed(asked, &deleted.calendar, None);
    let people = People::default();
    let place = Place {
        zone: &deleted.zone,
        language: &deleted.calendar.calendar.properties.language,
        people: &people,
        calid: &deleted.calendar.calid,
        attachments: &NO_ATTACHMENTS,
    };
    let mut shaper = Shaper::new(form, place);
    for tombstone in deleted.tombstones {
        shaper.add_tombstone(tombstone);
    }
    for component in shaper.finish() {
        calendar.push_component(component);
    }
    let errno = match deleted.partial {
        true => Errno::FetchDeletedPartial,
        false => Errno::Ok,
    };
    finished(calendar, deleted.next, errno)
}

/// The calendar with the time from which to ask next, and its result.
fn finished(mut calendar: Calendar, next: Timestamp, errno: Errno) -> Component {
    calendar.add_value(WCAPTIME, &next.to_string());
    calendar.finish(errno)
}
