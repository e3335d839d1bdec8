//! Calendars made, changed, found and deleted: set_calprops, createcalendar, deletecalendar, search_calprops.
//!
//! Who may do that, and what the values mean, is decided in the core.

use crate::core::access::Right;
use crate::core::calendars::{CalendarEdit, CalendarView, Match, OwnCalendar, Search};
use crate::dispatch::Cost;
use crate::ical::component::Component;
use crate::ical::zone::Zone;
use crate::wcap::args::{ArgError, Args, Field, Kind, Param};
use crate::wcap::calprops::{self, Block, Extras};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, Calendar, Reply};

/// The properties both commands take; a macro because a table cannot be joined to another as a constant.
macro_rules! params {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            Param::optional("name", Kind::Text, "Display name; empty: the calid."),
            Param::optional("description", Kind::Text, "Free text.").also(&["desc"]),
            Param::optional("acl", Kind::Aces, "Access list, WHO^WHAT^HOW^GRANT in order; empty: for the primary owner alone."),
            Param::optional("owners", Kind::Users, "Further owners."),
            Param::optional("tzid", Kind::Zone, "Zone of times without one; empty: that of new calendars."),
            Param::optional("categories", Kind::List, "Categories."),
            Param::optional("lang", Kind::Text, "Preferred language, such as en; empty: en.").also(&["language"]),
            Param::optional("charset", Kind::Text, "Preferred charset; empty: utf-8."),
            Param::optional("master", Kind::Text, "Mail address of whoever looks after it."),
            Param::optional("allowdoublebook", Kind::Flag, "1: busy events may overlap.").also(&["doublebooking"]),
            Param::optional("fbinclude", Kind::Flag, "1: it counts when its owner's busy times are asked for by mail address."),
            Param::optional("resource", Kind::Flag, "1: it stands for a room or a thing; not for default calendars."),
        ]
    };
}

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        doc: "Changes properties of a calendar and answers them; what is not sent stays.",
        session: Needs::Session,
        cost: Cost::Heavy,
        params: params![Param::required("calid", Kind::Calid, "The calendar.")],
        ..Row::new("set_calprops", Errno::SetCalpropsFailed, set)
    },
    Row {
        doc: "Makes a calendar of one's own and answers its properties.",
        session: Needs::Session,
        cost: Cost::Heavy,
        params: params![
            Param::optional(
                "calid",
                Kind::Text,
                "What its calid has after USER:, cut to 64 characters; without it, with a name, the server makes one."
            ),
            Param::or(
                "set_calprops",
                Kind::Flag,
                "0",
                "1: with a calid, take the other properties too; without a calid they are taken anyway."
            ),
            Param::or(
                "subscribe",
                Kind::Flag,
                "1",
                "1: put it on one's list of subscriptions."
            ),
        ],
        ..Row::new("createcalendar", Errno::CreateCalendarFailed, create)
    },
    Row {
        doc: "Deletes a calendar of one's own with everything in it; never the default one.",
        session: Needs::Session,
        cost: Cost::Heavy,
        params: &[
            Param::required("calid", Kind::Calid, "The calendar."),
            Param::or(
                "unsubscribe",
                Kind::Flag,
                "0",
                "1: take it off one's list of subscriptions.",
            ),
        ],
        ..Row::new("deletecalendar", Errno::DeleteCalendarFailed, delete)
    },
    Row {
        doc: "Finds calendars by what they are called; each answers for itself.",
        session: Needs::Session,
        cost: Cost::Heavy,
        kept: true,
        params: &[
            Param::required(
                "search-string",
                Kind::Text,
                "The text; letter case does not count.",
            ),
            Param::or(
                "searchOpts",
                Kind::Integer(0, 3),
                "0",
                "0 contains the text, 1 begins with it, 2 ends with it, 3 is the text.",
            ),
            Param::or("name", Kind::Flag, "0", "1: look at display names."),
            Param::optional(
                "calid",
                Kind::Flag,
                "1: look at calids; default: 1 if the other two are 0.",
            ),
            Param::or(
                "primaryOwner",
                Kind::Flag,
                "0",
                "1: the calendars of the user of that name, UPN or mail address.",
            ),
            Param::or(
                "maxResults",
                Kind::Integer(0, u32::MAX as i64),
                "200",
                "How many to find; 0 for as many as the server gives.",
            ),
        ],
        ..Row::new("search_calprops", Errno::SearchCalpropsFailed, search)
    },
];

fn set(context: &Context) -> Result<Answer, Failure> {
    let calid = context.args.text("calid")?.unwrap_or_default();
    let calid = calid.trim();
    let edit = edit(&context.args);
    let edit = super::told(context, Some(calid), Right::WriteProperties, edit)?;
    let view = context.core.edit_calendar(&context.caller, calid, &edit)?;
    let calendar = match view {
        Some(view) => block(&view, Block::All),
        None => Calendar::publish().finish(Errno::Ok),
    };
    Ok(Reply::of(calendar).into())
}

fn block(view: &CalendarView, block: Block) -> Component {
    let mut calendar = Calendar::publish();
    calprops::push(&mut calendar, view, block, Extras::default());
    calendar.finish(Errno::Ok)
}

/// What the properties of a request change.
fn edit(args: &Args) -> Result<CalendarEdit, Failure> {
    let tzid = match args.text_field("tzid")? {
        Field::Absent => None,
        Field::Clear => Some(String::new()),
        Field::Set(_) => args.zone("tzid")?.as_ref().map(Zone::id).map(str::to_owned),
    };
    Ok(CalendarEdit {
        name: text(args, "name")?,
        description: text(args, "description")?,
        language: text(args, "lang")?,
        charset: text(args, "charset")?,
        categories: texts(args.list("categories")?),
        owners: texts(args.words("owners")?),
        master: text(args, "master")?,
        tzid,
        acl: texts(args.words("acl")?),
        double_booking: args.flag_if_given("allowdoublebook")?,
        free_busy_include: args.flag_if_given("fbinclude")?,
        resource: args.flag_if_given("resource")?,
        ..CalendarEdit::default()
    })
}

/// A text to set, empty to take it away.
fn text(args: &Args, name: &'static str) -> Result<Option<String>, Failure> {
    Ok(match args.text_field(name)? {
        Field::Absent => None,
        Field::Clear => Some(String::new()),
        Field::Set(text) => Some(text.trim().to_owned()),
    })
}

fn texts<T: Into<String>>(list: Field<Vec<T>>) -> Option<Vec<String>> {
    match list {
        Field::Absent => None,
        Field::Clear => Some(Vec::new()),
        Field::Set(list) => Some(list.into_iter().map(Into::into).collect()),
    }
}

fn create(context: &Context) -> Result<Answer, Failure> {
    let args = &context.args;
    if context.caller.identity().is_none() {
        return Err(Failure::Errno(Errno::AccessDenied));
    }
    let rest = text(args, "calid")?.filter(|rest| !rest.is_empty());
    let edit = match rest.is_none() || args.flag("set_calprops")? {
        true => edit(args)?,
        false => CalendarEdit {
            name: text(args, "name")?,
            double_booking: args.flag_if_given("allowdoublebook")?,
            ..CalendarEdit::default()
        },
    };
    // Without either of them the request says nothing of what it wants.
    if rest.is_none() && edit.name.as_deref().unwrap_or_default().is_empty() {
        return Err(ArgError::Missing("calid").into());
    }
    let new = OwnCalendar {
        rest,
        edit,
        subscribe: args.flag("subscribe")?,
    };
    let view = context.core.create_own_calendar(&context.caller, &new)?;
    Ok(Reply::of(block(&view, Block::Fetch)).into())
}

/// Answers what the calendar was.
fn delete(context: &Context) -> Result<Answer, Failure> {
    let calid = context.args.text("calid")?.unwrap_or_default();
    let calid = calid.trim();
    let flag = context.args.flag("unsubscribe").map_err(Failure::from);
    let unsubscribe = super::told(context, Some(calid), Right::Drop, flag)?;
    let view = context
        .core
        .delete_own_calendar(&context.caller, calid, unsubscribe)?;
    Ok(Reply::of(block(&view, Block::Fetch)).into())
}

fn search(context: &Context) -> Result<Answer, Failure> {
    let args = &context.args;
    let needle = args.text("search-string")?.unwrap_or_default();
    let (names, owners) = (args.flag("name")?, args.flag("primaryOwner")?);
    let most = args.integer("maxResults")?.filter(|most| *most > 0);
    let search = Search {
        text: &needle,
        how: match args.integer("searchOpts")? {
            Some(1) => Match::Begins,
            Some(2) => Match::Ends,
            Some(3) => Match::Exact,
            _ => Match::Contains,
        },
        names,
        calids: args.flag_if_given("calid")?.unwrap_or(!names && !owners) || !(names || owners),
        owners,
        most: most.map_or(usize::MAX, |most| {
            usize::try_from(most).unwrap_or(usize::MAX)
        }),
    };
    let found = context.core.search_calendars(&context.caller, &search)?;
    let answers = found.iter().map(|view| block(view, Block::All));
    Ok(answers.collect::<Reply>().into())
}
