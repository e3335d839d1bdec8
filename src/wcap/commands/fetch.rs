//! Reading items: what of a calendar is wanted, and what each calendar answers.
//!
//! The commands stand one family to a file. Each calendar that is asked for answers for itself: with its
//! properties, components and result, or with the result of its failure.

pub(super) mod alarms;
pub(super) mod by_id;
pub(super) mod range;
pub(super) mod sync;

use std::borrow::Cow;

use crate::core;
use crate::core::access::Right;
use crate::core::calendars::CalendarView;
use crate::core::items::fetch::{Fetched, Found, Occurrence, Order, Selection, Window};
use crate::ical::component::Component;
use crate::ical::object::Kind;
use crate::ical::zone::Zone;
use crate::model::id::mail_address;
use crate::wcap::args::{ComponentType, Kind as Holds, Param};
use crate::wcap::calprops::{self, Block, Extras};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::reply::{Answer, Calendar, Reply};
use crate::wcap::shape::{Attributes, Form, Place, Shaper};

const CALID: Param = Param::optional(
    "calid",
    Holds::Calids,
    "Calendars, each answering for itself; default: one's own.",
);
const COMPONENT_TYPE: Param = Param::or(
    "component-type",
    Holds::Text,
    "all",
    "event, todo or all; other words count as all.",
);
const COMPRESSED: Param = Param::optional(
    "compressed",
    Holds::Flag,
    "1: with rules and dates of recurrence, 0: without; default: with recurring=1.",
);
const COMPSTATE: Param = Param::or(
    "compstate",
    Holds::States,
    "ALL",
    "Only components in one of these states of scheduling.",
);
const EMAILORCALID: Param = Param::or(
    "emailorcalid",
    Holds::Flag,
    "0",
    "1: people by mail address with their calid as a parameter, 0: the other way round.",
);
const FETCHATTACH: Param = Param::or(
    "fetchattach",
    Holds::Flag,
    "0",
    "Attachments that are stored here: their data too.",
);
const FETCHORDER: Param = Param::or(
    "fetchorder",
    Holds::Integer(0, 99),
    "0",
    "1: by start, the earliest first; 2: the latest first; else item by item.",
);
const FILTER: Param = Param::optional(
    "filter",
    Holds::Text,
    "Only components with this in SUMMARY, DESCRIPTION or LOCATION.",
);
const INVITECOUNT: Param = Param::or(
    "invitecount",
    Holds::Flag,
    "0",
    "1: also how many invitations wait for an answer.",
);
const MAX_RESULTS: Param = Param::or(
    "maxResults",
    Holds::Integer(0, u32::MAX as i64),
    "0",
    "At most so many items, or instances with recurring=0; 0: all.",
);
const PRIMARY_OWNER: Param = Param::or(
    "primaryOwner",
    Holds::Flag,
    "0",
    "1 without calid: all calendars that the caller owns.",
);
const RECURRING: Param = Param::or(
    "recurring",
    Holds::Flag,
    "0",
    "1: series as a master and its exceptions, 0: every instance as a component.",
);
const RELATIVEALARM: Param = Param::or(
    "relativealarm",
    Holds::Flag,
    "0",
    "1: alarms by their distance from start or end, 0: by their time.",
);
const TZID: Param = Param::optional(
    "tzid",
    Holds::Zone,
    "Zone of local times in the request; default: the calendar's.",
);
const TZIDOUT: Param = Param::optional(
    "tzidout",
    Holds::Zone,
    "Zone of the answer's times, which then carry no Z; default: UTC.",
);

/// What a request wants of each calendar.
struct Wanted {
    selection: Selection,
    form: Form,
    /// `tzid`
    zone: Option<Zone>,
}

/// The calendars that may be meant by no calid: UA's `primaryOwner=1` means all of one's own.
fn calids_or_own(context: &Context) -> Result<Vec<Option<Cow<'_, str>>>, Failure> {
    let owner = context.caller.principal();
    if context.args.calids("calid")?.is_empty()
        && context.args.flag("primaryOwner").unwrap_or(false)
        && let Some(owner) = owner
    {
        let owned = context.core.calendars(Some(owner))?;
        let calid = |calendar: &crate::model::calendar::Calendar| {
            Some(Cow::Owned(context.core.show_calid(&calendar.calid)))
        };
        return Ok(owned.iter().map(calid).collect());
    }
    super::calids(context)
}

/// What is asked of the components of a time.
fn in_window(context: &Context) -> Result<(Window, Wanted), Failure> {
    let wanted = chosen(context)?;
    Ok((window(context, wanted.zone.as_ref())?, wanted))
}

/// What a request wants that names no items: those of some kind, with some text, in some order.
fn chosen(context: &Context) -> Result<Wanted, Failure> {
    let args = &context.args;
    let mut wanted = wanted(context)?;
    let selection = &mut wanted.selection;
    selection.kinds = kinds(context)?;
    selection.text = args.text("filter")?.map(Cow::into_owned);
    selection.count_invitations = args.flag("invitecount")?;
    selection.order = match args.integer("fetchorder")? {
        Some(1) => Order::Ascending,
        Some(2) => Order::Descending,
        _ => Order::ByObject,
    };
    selection.most = most(context)?;
    Ok(wanted)
}

/// `component-type`
fn kinds(context: &Context) -> Result<Vec<Kind>, Failure> {
    Ok(match context.args.component_type("component-type")? {
        ComponentType::All => vec![Kind::Event, Kind::Todo],
        ComponentType::Event => vec![Kind::Event],
        ComponentType::Todo => vec![Kind::Todo],
    })
}

/// `maxResults`; none: all.
fn most(context: &Context) -> Result<Option<usize>, Failure> {
    let most = context.args.integer("maxResults")?.filter(|most| *most > 0);
    Ok(most.map(|most| usize::try_from(most).unwrap_or(usize::MAX)))
}

/// `dtstart` and `dtend`, local ones of `zone`.
fn window(context: &Context, zone: Option<&Zone>) -> Result<Window, Failure> {
    Ok(Window {
        start: context.args.time("dtstart")?.set(),
        end: context.args.time("dtend")?.set(),
        zone: zone.cloned(),
    })
}

/// The parameters that all fetches share.
fn wanted(context: &Context) -> Result<Wanted, Failure> {
    let args = &context.args;
    let recurring = args.flag("recurring")?;
    let form = Form {
        zone: args.zone("tzidout")?,
        attributes: Attributes::All,
        mail: args.flag("emailorcalid")?,
        relative_alarms: args.flag("relativealarm")?,
        rules: args.flag_if_given("compressed")?.unwrap_or(recurring),
        base: context.base.clone(),
    };
    let selection = Selection {
        states: args.states("compstate")?,
        attachment_data: args.flag("fetchattach")?,
        instances: !recurring,
        ..Selection::default()
    };
    Ok(Wanted {
        selection,
        form,
        zone: args.zone("tzid")?,
    })
}

/// The answers of all calendars. What is wrong with the request is told only to those who may read.
fn each<T>(
    context: &Context,
    calids: &[Option<Cow<'_, str>>],
    wanted: Result<T, Failure>,
    answer: impl Fn(Option<&str>, &T) -> core::Result<Component>,
) -> Result<Answer, Failure> {
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(failure) => {
            let errno = context.errno(failure);
            let answers = calids.iter().map(|calid| {
                let right = super::require(context, calid.as_deref(), Right::Read);
                let refused = right.map_err(|refused| context.errno(refused)).err();
                failed(context, calid.as_deref(), refused.unwrap_or(errno))
            });
            return Ok(answers.collect::<Reply>().into());
        }
    };
    let answers = calids.iter().map(|calid| {
        let calid = calid.as_deref();
        match answer(calid, &wanted) {
            Ok(calendar) => calendar,
            Err(cause) => failed(context, calid, context.errno(cause)),
        }
    });
    Ok(answers.collect::<Reply>().into())
}

/// A calendar that failed tells its result alone; one that may not be read its name besides, if that may be.
fn failed(context: &Context, calid: Option<&str>, errno: Errno) -> Component {
    let mut calendar = Calendar::publish();
    if errno == Errno::AccessDenied {
        let view = context.core.readable_properties(&context.caller, calid);
        if let Ok(Some(view)) = view {
            calprops::push_name(&mut calendar, &view);
        }
    }
    calendar.finish(errno)
}

/// The answer of one calendar.
fn calendar(asked: Option<&str>, fetched: Fetched, form: &Form) -> Component {
    let errno = match fetched.incomplete {
        true => Errno::ComponentNotFound,
        false => Errno::Ok,
    };
    filled(asked, fetched, form).finish(errno)
}

/// The answer of one calendar, without its result.
fn filled(asked: Option<&str>, mut fetched: Fetched, form: &Form) -> Calendar {
    let mut calendar = headed(asked, &fetched.calendar, fetched.invitations);
    let objects = std::mem::take(&mut fetched.objects);
    for component in shape(&fetched, objects, form) {
        calendar.push_component(component);
    }
    calendar
}

/// The answer of one calendar with its properties alone.
fn headed(asked: Option<&str>, view: &CalendarView, invitations: Option<usize>) -> Calendar {
    let mut calendar = Calendar::publish();
    let extras = Extras {
        mail: asked_by_mail(asked, &view.calid),
        invitations,
    };
    calprops::push(&mut calendar, view, Block::Fetch, extras);
    calendar
}

/// The mail address a calendar was asked for by, if it was.
pub(super) fn asked_by_mail<'a>(asked: Option<&'a str>, shown: &str) -> Option<&'a str> {
    let asked = asked.filter(|asked| *asked != shown)?;
    mail_address(asked)?;
    let scheme = asked
        .get(..7)
        .is_some_and(|s| s.eq_ignore_ascii_case("mailto:"));
    Some(if scheme { &asked[7..] } else { asked })
}

/// The components of what was fetched, with the VTIMEZONEs they name.
pub(super) fn shape(
    fetched: &Fetched,
    objects: Vec<Found>,
    form: &Form,
) -> impl Iterator<Item = Component> + use<> {
    let place = Place {
        zone: &fetched.zone,
        language: &fetched.calendar.calendar.properties.language,
        people: &fetched.people,
        calid: &fetched.calendar.calid,
        attachments: &fetched.attachments,
    };
    let mut objects: Vec<Option<Found>> = objects.into_iter().map(Some).collect();
    let mut shaper = Shaper::new(form, place);
    // The instances of an object mostly stand together.
    for entries in fetched.entries.chunk_by(|a, b| a.object == b.object) {
        let Some(place) = entries.first().and_then(|e| objects.get_mut(e.object)) else {
            continue;
        };
        let occurrences: Vec<&Occurrence> = entries
            .iter()
            .filter_map(|e| e.occurrence.as_ref())
            .collect();
        if occurrences.is_empty() {
            if let Some(found) = place.take() {
                shaper.add(found.object, found.stamps);
            }
        } else if let Some(found) = place {
            shaper.add_occurrences(&found.object, found.stamps, &occurrences);
        }
    }
    shaper.finish()
}
