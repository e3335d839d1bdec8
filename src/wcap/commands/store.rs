//! storeevents and storetodos: parameters to a change, the stored item as the answer.
//!
//! Absent keeps, empty clears, `0` is no time. What the parameters mean for a calendar is decided in the core; here
//! they become properties and values. Source: the store commands of the Calendar Server 6.3 WCAP guide and what its
//! clients send.

mod fields;
mod rows;

use super::fetch;
use crate::core::access::Right;
use crate::core::attachments::NewAttachment;
use crate::core::items::attach::{Attach, Dropped};
use crate::core::items::by_id::{ItemId, Reach};
use crate::core::items::edit::{Edit, insert};
use crate::core::items::fetch::Selection;
use crate::core::items::series::Target;
use crate::core::items::store::{Method, Mode, Organizer, StoreItem, Stored};
use crate::core::schedule::{Notify, Shortfall};
use crate::dispatch::Cost;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::DateTime;
use crate::ical::object::Kind;
use crate::ical::zone::Zone;
use crate::wcap::args::{Args, Modifier};
use crate::wcap::calprops::{self, Block, Extras};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::media;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, Calendar, Reply, status};
use crate::wcap::shape::{Attributes, Form};

/// What became of a stored item; two blanks, as real servers write it.
const STORED: &str = "2.0;Success.  Store successful.";

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        doc: "Creates an event or changes it.",
        session: Needs::Optional,
        cost: Cost::Heavy,
        takes_attachments: true,
        params: rows::EVENT,
        ..Row::new("storeevents", Errno::StoreEventsFailed, events)
    },
    Row {
        doc: "Creates a todo or changes it.",
        session: Needs::Optional,
        cost: Cost::Heavy,
        takes_attachments: true,
        params: rows::TODO,
        ..Row::new("storetodos", Errno::StoreTodosFailed, todos)
    },
];

fn events(context: &Context) -> Result<Answer, Failure> {
    store(context, Kind::Event)
}

fn todos(context: &Context) -> Result<Answer, Failure> {
    store(context, Kind::Todo)
}

fn store(context: &Context, kind: Kind) -> Result<Answer, Failure> {
    let args = &context.args;
    let calid = args.text("calid")?.unwrap_or_default();
    let given = fields::Given::read(args, kind, context.now);
    let given = super::told(context, Some(&calid), Right::Add, given)?;
    let edit = |zone: &_| given.edit(zone);
    let defaults = |made: &_| fields::defaults(kind, made);
    let by_user = context.compatibility.organizer_by_user;
    let request = request(args, kind, by_user, &edit, &defaults);
    let mut request = super::told(context, Some(&calid), Right::Add, request)?;
    let files = attached(context);
    request.attach.add = &files;
    let stored = context.core.store_item(&context.caller, &calid, &request)?;
    let errno = errno(&stored);
    if args.flag("fetch")? && stored.readable {
        // It is stored: an answer that cannot be given in full does not make that a failure.
        match whole(context, kind, &calid, &stored, errno) {
            Ok(answer) => return Ok(answer),
            Err(failure) => {
                tracing::debug!(reason = %failure, "a stored item could not be answered in full");
            }
        }
    }
    let mut calendar = Calendar::publish();
    for uid in &stored.uids {
        calendar.push_component(status(kind.component_name(), uid, None, STORED));
    }
    Ok(Reply::of(calendar.finish(errno)).into())
}

/// Stored, but perhaps not with all that was wished for.
fn errno(stored: &Stored) -> Errno {
    match (stored.shortfall, stored.dropped) {
        (Shortfall { clipped: true, .. }, _) => Errno::GroupClipped,
        (Shortfall { unmailed: true, .. }, _) => Errno::CannotSendMail,
        (_, Some(Dropped::All)) => Errno::AttachmentsDeleted,
        (_, Some(Dropped::Some)) => Errno::AttachmentsPartlyDeleted,
        (_, None) => Errno::Ok,
    }
}

/// The parts that are attachments. A form whose user chose no file has a part without name and content.
fn attached(context: &Context) -> Vec<NewAttachment> {
    let parts = context.uploads.iter().filter(|part| part.part);
    let chosen = parts.filter(|part| {
        !part.content.is_empty()
            || part
                .file_name
                .as_deref()
                .is_some_and(|name| !name.is_empty())
    });
    chosen
        .map(|part| NewAttachment {
            name: part.file_name.as_deref().and_then(media::base_name),
            media_type: part.content_type.as_deref().and_then(media::essence),
            client_id: part.content_id.clone(),
            content: part.content.clone(),
        })
        .collect()
}

/// What is to be stored, and on which terms.
fn request<'a>(
    args: &Args,
    kind: Kind,
    by_user: bool,
    edit: &'a (dyn Fn(&Zone) -> Edit + Sync),
    defaults: &'a (dyn Fn(&Component) -> Vec<Property> + Sync),
) -> Result<StoreItem<'a>, Failure> {
    // Not needed before the answer, but nothing may be stored when they are wrong.
    args.zone("tzidout")?;
    for flag in [
        "fetch",
        "recurring",
        "emailorcalid",
        "relativealarm",
        "compressed",
    ] {
        args.flag_if_given(flag)?;
    }
    Ok(StoreItem {
        kind,
        uid: args.text("uid")?.map(|uid| uid.into_owned()),
        target: target(args)?,
        target_zone: args.zone("tzid")?,
        mode: match args.integer("storetype")? {
            Some(1) => Mode::Create,
            Some(2) => Mode::Modify,
            _ => Mode::CreateOrModify,
        },
        method: method(args)?,
        edit,
        defaults,
        organizer: organizer(args, by_user)?,
        sent_by: args.text("sentUID")?.map(|user| user.into_owned()),
        drop_unfit_start: args.flag("excludedtstart")?,
        attach: Attach {
            add: &[],
            drop: match args.list("deleteattach")?.set() {
                Some(ids) => ids.iter().map(|id| id.trim().to_owned()).collect(),
                None => Vec::new(),
            },
        },
        notify: Notify {
            outside: args.flag("smtp")?,
            inside: args.flag("smtpNotify")?,
            attachments: args.flag("sendattach")?,
        },
    })
}

/// The stored items in full, as a fetch would give them.
fn whole(
    context: &Context,
    kind: Kind,
    calid: &str,
    stored: &Stored,
    errno: Errno,
) -> Result<Answer, Failure> {
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
    let whole = |uid: &String| ItemId {
        uid: uid.clone(),
        instance: None,
        reach: Reach::All,
    };
    let ids: Vec<ItemId> = stored.uids.iter().map(whole).collect();
    let selection = Selection {
        kinds: vec![kind],
        instances: !recurring,
        ..Selection::default()
    };
    let core = &context.core;
    let mut fetched = core.fetch_items(&context.caller, Some(calid), &ids, None, &selection)?;
    let mut calendar = Calendar::publish();
    let extras = Extras {
        mail: fetch::asked_by_mail(Some(calid), &fetched.calendar.calid),
        invitations: None,
    };
    calprops::push(&mut calendar, &fetched.calendar, Block::Fetch, extras);
    let objects = std::mem::take(&mut fetched.objects);
    for mut component in fetch::shape(&fetched, objects, &form) {
        if component.is(kind.component_name()) {
            insert(&mut component, Property::new("REQUEST-STATUS", STORED));
        }
        calendar.push_component(component);
    }
    Ok(Reply::of(calendar.finish(errno)).into())
}

/// Which part of the item is meant: 4 or no `rid` is all of it, and `rchange` makes it so.
fn target(args: &Args) -> Result<Target, Failure> {
    let rid = args.time("rid")?.set();
    let modifier = args.modifier("mod")?;
    let rules = ["rrules", "exrules"]
        .iter()
        .any(|name| args.written(name).is_some());
    let anew = args.flag("rchange")? && rules;
    Ok(part(rid.filter(|_| !anew), modifier))
}

/// Which part of an item `rid` and `mod` mean.
pub(super) fn part(rid: Option<DateTime>, modifier: Option<Modifier>) -> Target {
    match (rid, modifier) {
        (None, _) | (_, Some(Modifier::All)) => Target::Whole,
        (Some(rid), None | Some(Modifier::This)) => Target::Instance(rid),
        (Some(rid), Some(Modifier::ThisAndFuture)) => Target::Following(rid),
        (Some(rid), Some(Modifier::ThisAndPrior)) => Target::Preceding(rid),
    }
}

fn method(args: &Args) -> Result<Method, Failure> {
    Ok(match args.integer("method")?.unwrap_or(1) {
        1 => Method::Publish,
        2 => Method::Request,
        4 => Method::Reply,
        8 => Method::Cancel,
        256 => Method::Update,
        _ => return Err(Failure::Errno(Errno::BadArguments)),
    })
}

/// The organizer; with `by_user` a user name is as good as a calid.
fn organizer(args: &Args, by_user: bool) -> Result<Organizer, Failure> {
    for name in ["orgCalid", "orgEmail"] {
        if let Some(text) = args.text(name)?.filter(|text| !text.trim().is_empty()) {
            return Ok(Organizer::Named(text.into_owned()));
        }
    }
    let user = args.text("orgUID")?.filter(|text| !text.trim().is_empty());
    Ok(match user {
        Some(user) if by_user => Organizer::Named(user.into_owned()),
        Some(user) => Organizer::OnlyUser(user.into_owned()),
        None => Organizer::Unsaid,
    })
}
