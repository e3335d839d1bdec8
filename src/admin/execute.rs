//! Carries administrative requests out on a core: the one way, for the server and for a command alone.

use std::time::Duration;

use super::request::{Peer, Request, Response};
use super::{rights, transfer};
use crate::core::accounts::NewUser;
use crate::core::audit::{self, Deed};
use crate::core::calendars::{CalendarView, NewCalendar};
use crate::core::outbox::{Letter, Letters};
use crate::core::{Caller, Client, Core, Error, Kind};
use crate::ical::datetime::Timestamp;
use crate::model::calendar::Calendar;
use crate::model::id::QualifiedName;
use crate::model::user::{Group, User};

/// Carries `request` out and logs it if it changes something; the error is a sentence for the administrator.
pub fn execute(core: &Core, request: Request, peer: &mut dyn Peer) -> Result<Response, String> {
    let what = (!only_reads(&request)).then(|| format!("{request:?}"));
    let result = carry_out(core, request, peer);
    if let Some(what) = what {
        audit::deed(&Deed {
            caller: &Caller::System,
            client: Client::UNKNOWN,
            door: "admin",
            what: &what,
            calendar: "",
            outcome: if result.is_ok() { "done" } else { "failed" },
        });
    }
    result
}

fn only_reads(request: &Request) -> bool {
    matches!(
        request,
        Request::UserList
            | Request::UserShow(_)
            | Request::GroupList
            | Request::GroupShow(_)
            | Request::CalendarList(_)
            | Request::CalendarShow(_)
            | Request::CalendarAcl(_)
            | Request::SessionList(_)
            | Request::OutboxList
            | Request::OutboxShow(_)
            | Request::RightsList
            | Request::RightsShow(_)
            | Request::Check(false)
    )
}

fn carry_out(core: &Core, request: Request, peer: &mut dyn Peer) -> Result<Response, String> {
    let named = |names: &str| format!("; 'wcapd {names} list' shows them all");
    let (result, hint) = match request {
        Request::UserAdd { .. }
        | Request::UserList
        | Request::UserShow(_)
        | Request::UserPassword(..)
        | Request::UserEnable(..)
        | Request::UserGrant(..)
        | Request::UserRevoke(..)
        | Request::UserRemove(_) => (users(core, request), named("user")),
        Request::GroupAdd { .. }
        | Request::GroupList
        | Request::GroupShow(_)
        | Request::GroupRemove(_)
        | Request::GroupMember(..) => (groups(core, request), named("group")),
        Request::CalendarList(_)
        | Request::CalendarShow(_)
        | Request::CalendarCreate { .. }
        | Request::CalendarRemove(_)
        | Request::CalendarEnable(..)
        | Request::CalendarAcl(_)
        | Request::CalendarSetAcl(..) => (calendars(core, request), named("calendar")),
        Request::SessionList(user) => (session_list(core, user.as_deref()), named("user")),
        Request::SessionEnd(user) => (session_end(core, &user), named("user")),
        Request::SessionEndOne(handle) => (session_end_one(core, &handle), String::new()),
        Request::SessionEndAll => (ended(core.end_all_sessions()), String::new()),
        Request::OutboxList
        | Request::OutboxShow(_)
        | Request::OutboxRetry(_)
        | Request::OutboxDrop(_) => (outbox(core, &request), named("outbox")),
        Request::RightsList
        | Request::RightsShow(_)
        | Request::RightsSet { .. }
        | Request::RightsRemove(_) => (rights::carry_out(core, &request), String::new()),
        Request::Import(calid) => (transfer::import(core, &calid, peer), named("calendar")),
        Request::Export(calid) => (transfer::export(core, &calid, peer), named("calendar")),
        Request::Check(repair) => (check(core, repair), String::new()),
        Request::Backup(file) => {
            let copied = core
                .store()
                .copy_to(&file)
                .map_err(|error| error.to_string());
            return copied.map(|()| Response::Done);
        }
    };
    result.map_err(|error| {
        let hint = match error.kind() {
            // Calendars are asked for by their own names and by their owners'.
            Kind::NoSuchPrincipal if hint == named("calendar") => named("user"),
            _ => hint,
        };
        let mut sentence = error.message().to_owned();
        // An administrator is told what a client is not.
        if let Some(cause) = std::error::Error::source(&error) {
            sentence = format!("{sentence}: {cause}");
        }
        if matches!(
            error.kind(),
            Kind::NoSuchPrincipal | Kind::NoSuchCalendar | Kind::NoSuchItem
        ) {
            sentence.push_str(&hint);
        }
        sentence
    })
}

fn users(core: &Core, request: Request) -> Result<Response, Error> {
    match request {
        Request::UserAdd {
            name,
            mail,
            full_name,
            given_name,
            surname,
            administrator,
            password,
        } => {
            let new = NewUser {
                name,
                mail,
                full_name,
                given_name,
                surname,
                administrator,
            };
            core.add_user(&new, password.as_ref().map(|password| password.0.as_str()))?;
        }
        Request::UserShow(name) => return Ok(user_record(core, &core.user(&name)?)),
        Request::UserPassword(name, password) => core.set_password(&name, &password.0)?,
        Request::UserEnable(name, enabled) => core.set_enabled(&name, enabled)?,
        Request::UserGrant(name, role) => core.grant_role(&name, role)?,
        Request::UserRevoke(name, role) => core.revoke_role(&name, role)?,
        Request::UserRemove(name) => core.remove_user(&name)?,
        _ => return Ok(user_table(core, &core.users()?)),
    }
    Ok(Response::Done)
}

/// A name as people type it here: without the own domain.
fn short(core: &Core, name: &QualifiedName) -> String {
    name.within(&core.settings().domain)
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn field(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn state(user: &User) -> &'static str {
    match user.roles.iter().min() {
        _ if !user.enabled => "disabled",
        Some(role) => role.name(),
        None => "enabled",
    }
}

fn roles(user: &User) -> String {
    let mut roles = user.roles.clone();
    roles.sort_unstable();
    match roles.is_empty() {
        true => "none".to_owned(),
        false => roles
            .iter()
            .map(|r| r.name())
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn user_table(core: &Core, users: &[User]) -> Response {
    let row = |user: &User| {
        vec![
            short(core, &user.name),
            user.mail.first().cloned().unwrap_or_default(),
            state(user).to_owned(),
            user.full_name.clone(),
        ]
    };
    let rows = users.iter().map(row).collect();
    Response::Table(heads(&["NAME", "MAIL", "STATE", "FULL NAME"]), rows)
}

fn user_record(core: &Core, user: &User) -> Response {
    let mut fields = vec![
        field("name", short(core, &user.name)),
        field("upn", user.name.to_string()),
    ];
    fields.extend(user.mail.iter().map(|mail| field("mail", mail)));
    fields.extend([
        field("full name", &user.full_name),
        field("given name", &user.given_name),
        field("surname", &user.surname),
        field("role", roles(user)),
        field("kept in", user.source.name()),
        field("may log in", yes(user.enabled)),
        field("added", date_time(user.created)),
    ]);
    Response::Record(fields)
}

fn date_time(instant: Timestamp) -> String {
    format!("{} UTC", instant.to_civil().strftime("%Y-%m-%d %H:%M:%S"))
}

fn groups(core: &Core, request: Request) -> Result<Response, Error> {
    match request {
        Request::GroupAdd {
            name,
            mail,
            members,
        } => {
            core.add_group(&name, &mail, &members)?;
        }
        Request::GroupShow(name) => return group_record(core, &core.group(&name)?),
        Request::GroupRemove(name) => core.remove_group(&name)?,
        Request::GroupMember(group, name, true) => core.add_member(&group, &name)?,
        Request::GroupMember(group, name, false) => core.remove_member(&group, &name)?,
        _ => {
            let row = |group: Group| {
                vec![
                    short(core, &group.name),
                    group.mail.first().cloned().unwrap_or_default(),
                    group.members.len().to_string(),
                ]
            };
            let rows = core.groups()?.into_iter().map(row).collect();
            return Ok(Response::Table(heads(&["NAME", "MAIL", "MEMBERS"]), rows));
        }
    }
    Ok(Response::Done)
}

fn group_record(core: &Core, group: &Group) -> Result<Response, Error> {
    let mut fields = vec![field("name", short(core, &group.name))];
    fields.extend(group.mail.iter().map(|mail| field("mail", mail)));
    let members = core.names(&group.members)?;
    fields.extend(
        members
            .iter()
            .map(|name| field("member", short(core, name))),
    );
    fields.push(field("added", date_time(group.created)));
    Ok(Response::Record(fields))
}

fn calendars(core: &Core, request: Request) -> Result<Response, Error> {
    match request {
        Request::CalendarCreate {
            calid,
            owner,
            name,
            resource,
            mail,
        } => {
            let new = NewCalendar {
                name: name.unwrap_or_default(),
                resource,
                mail,
            };
            core.create_calendar(&calid, &owner, &new)?;
        }
        Request::CalendarRemove(calid) => core.remove_calendar(&calid)?,
        Request::CalendarEnable(calid, enabled) => core.set_calendar_enabled(&calid, enabled)?,
        Request::CalendarAcl(calid) => {
            let view = core.calendar_properties(&Caller::System, Some(&calid))?;
            return Ok(Response::Lines(view.calendar.properties.acl));
        }
        Request::CalendarSetAcl(calid, entries) => {
            let entries = entries.split(';').map(str::trim);
            let entries: Vec<String> = entries
                .filter(|entry| !entry.is_empty())
                .map(str::to_owned)
                .collect();
            core.change_calendar(&calid, |properties| {
                properties.acl.clone_from(&entries);
            })?;
        }
        Request::CalendarShow(calid) => {
            let view = core.calendar_properties(&Caller::System, Some(&calid))?;
            return Ok(calendar_record(&view));
        }
        Request::CalendarList(owner) => {
            let owner = owner.map(|owner| core.user(&owner)).transpose()?;
            let found = core.calendars(owner.map(|owner| owner.id))?;
            return calendar_table(core, &found);
        }
        _ => {}
    }
    Ok(Response::Done)
}

fn calendar_state(calendar: &Calendar) -> &'static str {
    match calendar.enabled {
        true => "enabled",
        false => "disabled",
    }
}

fn yes(set: bool) -> &'static str {
    if set { "yes" } else { "no" }
}

fn calendar_record(view: &CalendarView) -> Response {
    let calendar = &view.calendar;
    let properties = &calendar.properties;
    let mut fields = vec![
        field("calid", &view.calid),
        field("name", &properties.name),
        field("primary owner", &view.primary_owner),
    ];
    fields.extend(view.owners.iter().map(|owner| field("owner", owner)));
    fields.extend([
        field("state", calendar_state(calendar)),
        field("resource", yes(properties.resource)),
        field("default of its owner", yes(view.default)),
        field("time zone", &properties.tzid),
        field("may be double booked", yes(properties.double_booking)),
        field("description", &properties.description),
    ]);
    let entries = properties.acl.iter();
    fields.extend(entries.map(|entry| field("access", entry)));
    fields.extend([
        field("made", date_time(calendar.created)),
        field("properties changed", date_time(calendar.modified)),
    ]);
    Response::Record(fields)
}

fn calendar_table(core: &Core, calendars: &[Calendar]) -> Result<Response, Error> {
    let row = |calendar: &Calendar| {
        let kind = if calendar.properties.resource {
            "resource"
        } else {
            "calendar"
        };
        Ok(vec![
            core.show_calid(&calendar.calid),
            core.owner_name(calendar)?,
            kind.to_owned(),
            calendar_state(calendar).to_owned(),
            calendar.properties.name.clone(),
        ])
    };
    let rows: Result<_, Error> = calendars.iter().map(row).collect();
    Ok(Response::Table(
        heads(&["CALID", "OWNER", "KIND", "STATE", "NAME"]),
        rows?,
    ))
}

fn session_list(core: &Core, user: Option<&str>) -> Result<Response, Error> {
    let upn = match user {
        Some(user) => Some(core.user(user)?.name.to_string()),
        None => None,
    };
    let now = core.now();
    let mut rows = Vec::new();
    for listed in core.sessions()? {
        if upn.is_some() && listed.user != upn {
            continue;
        }
        let idle = Duration::from_secs(
            now.0
                .saturating_sub(listed.session.used)
                .max(0)
                .unsigned_abs(),
        );
        rows.push(vec![
            listed.handle,
            listed.user.unwrap_or_else(|| "anonymous".to_owned()),
            format!("{:?}", listed.session.kind).to_ascii_lowercase(),
            listed
                .session
                .address
                .map_or_else(|| "-".to_owned(), |address| address.to_string()),
            date_time(Timestamp(listed.session.created)),
            format!("{} min", idle.as_secs() / 60),
        ]);
    }
    Ok(Response::Table(
        heads(&["SESSION", "USER", "DOOR", "FROM", "BEGUN", "UNUSED"]),
        rows,
    ))
}

fn session_end(core: &Core, user: &str) -> Result<Response, Error> {
    ended(core.end_sessions_called(user))
}

fn session_end_one(core: &Core, handle: &str) -> Result<Response, Error> {
    match core.end_sessions(|listed| listed.handle == handle)? {
        0 => {
            let message =
                format!("there is no session '{handle}'; 'wcapd session list' shows them all");
            Err(Error::new(Kind::BadValue, message))
        }
        some => ended(Ok(some)),
    }
}

fn ended(count: Result<usize, Error>) -> Result<Response, Error> {
    Ok(Response::Lines(vec![format!("{} ended", count?)]))
}

fn outbox(core: &Core, request: &Request) -> Result<Response, Error> {
    fn which(id: &Option<String>) -> Letters<'_> {
        id.as_deref().map_or(Letters::All, Letters::One)
    }
    let told = |letters: Vec<Letter>, what: &str| {
        let line = |letter: &Letter| {
            let Letter {
                method, uid, to, ..
            } = letter;
            format!("{what} {}: {method} of {uid} to {to}", letter.id)
        };
        Response::Lines(letters.iter().map(line).collect())
    };
    Ok(match request {
        Request::OutboxShow(id) => letter_lines(&core.letter(id)?),
        Request::OutboxRetry(id) => told(core.retry_letters(which(id))?, "due now"),
        Request::OutboxDrop(id) => told(core.drop_letters(which(id))?, "dropped"),
        _ => letter_table(&core.letters()?),
    })
}

fn letter_table(letters: &[Letter]) -> Response {
    let row = |letter: &Letter| {
        vec![
            letter.id.clone(),
            letter.method.clone(),
            letter.from.clone(),
            letter.to.clone(),
            letter.uid.clone(),
            date_time(letter.written),
            letter.attempts.to_string(),
            letter.error.clone().unwrap_or_default(),
        ]
    };
    let names = [
        "MESSAGE", "METHOD", "FROM", "TO", "UID", "WRITTEN", "TRIED", "ERROR",
    ];
    Response::Table(heads(&names), letters.iter().map(row).collect())
}

/// What is known of a message, an empty line, and its text.
fn letter_lines(letter: &Letter) -> Response {
    let mut lines = vec![
        format!("Message: {}", letter.id),
        format!("Method: {}", letter.method),
        format!("From: {}", letter.from),
        format!("To: {}", letter.to),
        format!("UID: {}", letter.uid),
        format!("Written: {}", date_time(letter.written)),
        format!("Due: {}", date_time(letter.due)),
        format!("Tried: {}", letter.attempts),
    ];
    lines.extend(letter.error.iter().map(|error| format!("Error: {error}")));
    lines.push(String::new());
    lines.extend(letter.text.lines().map(str::to_owned));
    Response::Lines(lines)
}

/// A check; with `repair`, a second one says what the repair could not mend.
fn check(core: &Core, repair: bool) -> Result<Response, Error> {
    let found = core.check(repair)?;
    let left = match found.repaired {
        true => core.check(false)?.problems,
        false => Vec::new(),
    };
    let mended = found.repaired && left.is_empty();
    let mut problems = found.problems;
    problems.extend(left.into_iter().map(|left| format!("not mended: {left}")));
    Ok(Response::Checked {
        records: found.records,
        problems,
        repaired: mended,
    })
}
