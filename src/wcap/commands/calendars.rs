//! Calendars themselves: their properties and when they are busy. get_calprops, get_freebusy.

use std::borrow::Cow;

use crate::core::access::Right;
use crate::core::freebusy::{self, BusyWindow, FreeBusy};
use crate::core::items::fetch::Window;
use crate::dispatch::Cost;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, TimeRange, Timestamp};
use crate::ical::instances::BusyType;
use crate::ical::zone::Zone;
use crate::wcap::args::{Kind, Param};
use crate::wcap::calprops::{self, Block, Extras};
use crate::wcap::commands::fetch::asked_by_mail;
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, Calendar, Reply};

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        doc: "Tells the properties of calendars.",
        params: &[
            Param::optional(
                "calid",
                Kind::Calids,
                "Calendars, each answering for itself; default: one's own.",
            ),
            Param::or(
                "invitecount",
                Kind::Flag,
                "0",
                "1: also how many invitations wait for an answer.",
            ),
        ],
        cost: Cost::Heavy,
        kept: true,
        ..Row::new("get_calprops", Errno::GetCalpropsFailed, calprops)
    },
    Row {
        doc: "Tells when calendars are busy.",
        session: Needs::Lenient,
        cost: Cost::Heavy,
        kept: true,
        params: &[
            Param::optional(
                "calid",
                Kind::Calids,
                "Calendars, each answering for itself; default: one's own.",
            ),
            Param::optional(
                "mail",
                Kind::Text,
                "Without calid: all calendars of this mail address that count.",
            ),
            Param::or(
                "busyonly",
                Kind::Flag,
                "1",
                "0: also the times that are free.",
            ),
            Param::optional("dtstart", Kind::Time, "First instant asked for."),
            Param::optional("dtend", Kind::Time, "First instant no longer asked for."),
            Param::optional(
                "duration",
                Kind::Integer(0, 36_525),
                "Days from dtstart, or from now; says more than dtend.",
            ),
            Param::or(
                "freebusybegin",
                Kind::Integer(0, 36_525),
                "30",
                "Days before now at which it begins without dtstart.",
            ),
            Param::or(
                "freebusyend",
                Kind::Integer(0, 36_525),
                "30",
                "Days after now at which it ends without dtend.",
            ),
            Param::optional("noredirect", Kind::Flag, "Not used: nothing is redirected."),
            Param::or(
                "noxtokens",
                Kind::Flag,
                "0",
                "1: without the calendar's properties.",
            ),
            Param::optional(
                "tzid",
                Kind::Zone,
                "Zone of local times in the request; default: the calendar's.",
            ),
            Param::optional(
                "tzidout",
                Kind::Zone,
                "Zone of the answer's times, which then carry no Z; default: UTC.",
            ),
        ],
        ..Row::new("get_freebusy", Errno::GetFreebusyFailed, free_busy)
    },
];

fn calprops(context: &Context) -> Result<Answer, Failure> {
    let calids = super::calids(context)?;
    let count = context.args.flag("invitecount")?;
    let answers = calids.iter().map(|calid| {
        let calid = calid.as_deref();
        one_calprops(context, calid, count)
            .unwrap_or_else(|failure| Calendar::publish().finish(context.errno(failure)))
    });
    Ok(answers.collect::<Reply>().into())
}

fn one_calprops(context: &Context, calid: Option<&str>, count: bool) -> Result<Component, Failure> {
    let (core, caller) = (&context.core, &context.caller);
    let view = core.calendar_properties(caller, calid)?;
    let extras = Extras {
        mail: asked_by_mail(calid, &view.calid),
        invitations: match count {
            true => Some(core.invitations(caller, calid)?),
            false => None,
        },
    };
    let mut calendar = Calendar::publish();
    calprops::push(&mut calendar, &view, Block::All, extras);
    Ok(calendar.finish(Errno::Ok))
}

/// What a request for busy times wants of each calendar.
struct Wanted {
    window: BusyWindow,
    /// Whether free times are told too.
    free: bool,
    /// Whether the calendar's properties are told.
    properties: bool,
    zone: Option<Zone>,
}

fn free_busy(context: &Context) -> Result<Answer, Failure> {
    let calids = busy_calids(context)?;
    let wanted = wanted(context);
    let answers = calids.iter().map(|calid| {
        let calid = calid.as_deref();
        let answer = match &wanted {
            Ok(wanted) => context
                .core
                .free_busy(&context.caller, calid, &wanted.window)
                .map(|found| busy_calendar(&found, wanted))
                .map_err(|cause| context.errno(cause)),
            Err(errno) => Err(super::require(context, calid, Right::FreeBusy)
                .map_err(|refused| context.errno(refused))
                .err()
                .unwrap_or(*errno)),
        };
        answer.unwrap_or_else(|errno| Calendar::publish().finish(errno))
    });
    Ok(answers.collect::<Reply>().into())
}

/// The calendars: those named, else those of the mail address, else one's own.
fn busy_calids(context: &Context) -> Result<Vec<Option<Cow<'_, str>>>, Failure> {
    let mail = context.args.text("mail")?;
    match mail.filter(|mail| !mail.trim().is_empty()) {
        Some(mail) if context.args.calids("calid")?.is_empty() => {
            let calids = context.core.busy_calids(&context.caller, mail.trim())?;
            Ok(calids.into_iter().map(|c| Some(Cow::Owned(c))).collect())
        }
        _ => super::calids(context),
    }
}

fn wanted(context: &Context) -> Result<Wanted, Errno> {
    let read = || -> Result<Wanted, Failure> {
        let args = &context.args;
        Ok(Wanted {
            window: BusyWindow {
                window: Window {
                    start: args.time("dtstart")?.set(),
                    end: args.time("dtend")?.set(),
                    zone: args.zone("tzid")?,
                },
                days: args.integer("duration")?,
                days_before: args.integer("freebusybegin")?.unwrap_or_default(),
                days_after: args.integer("freebusyend")?.unwrap_or_default(),
            },
            free: !args.flag("busyonly")?,
            properties: !args.flag("noxtokens")?,
            zone: args.zone("tzidout")?,
        })
    };
    read().map_err(|failure| context.errno(failure))
}

fn busy_calendar(found: &FreeBusy, wanted: &Wanted) -> Component {
    let mut calendar = Calendar::publish();
    if wanted.properties {
        let extras = Extras::default();
        calprops::push(&mut calendar, &found.calendar, Block::FreeBusy, extras);
    }
    calendar.push_component(vfreebusy(found, wanted));
    calendar.finish(Errno::Ok)
}

/// VFREEBUSY: the time asked for, then each period with both its ends, as clients want them.
fn vfreebusy(found: &FreeBusy, wanted: &Wanted) -> Component {
    let time = |instant: Timestamp| match &wanted.zone {
        Some(zone) => DateTime::Floating(zone.to_civil(instant)),
        None => DateTime::Utc(instant),
    };
    let mut component = Component::new("VFREEBUSY");
    let ends = found.range;
    component.push(Property::new("DTSTART", time(ends.start()).to_string()));
    component.push(Property::new("DTEND", time(ends.end()).to_string()));
    let mut periods: Vec<(TimeRange, &str)> = found
        .periods
        .iter()
        .map(|(range, kind)| match kind {
            BusyType::Busy => (*range, "BUSY"),
            BusyType::Tentative => (*range, "BUSY-TENTATIVE"),
        })
        .collect();
    if wanted.free {
        let free = freebusy::free(found.range, &found.periods);
        periods.extend(free.into_iter().map(|range| (range, "FREE")));
        periods.sort_by_key(|(range, _)| range.start());
    }
    for (range, kind) in periods {
        let value = format!("{}/{}", time(range.start()), time(range.end()));
        component.push(Property::new("FREEBUSY", value).with_param("FBTYPE", kind));
    }
    component
}
