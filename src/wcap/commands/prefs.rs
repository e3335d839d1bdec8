//! Preferences of users: get_userprefs, set_userprefs.
//!
//! Some are facts of the account, some were set by clients, some have Calendar Server's defaults; the order is
//! that server's. What none of these gives a value is left out.

use crate::core::prefs::{Change, Preferences};
use crate::core::settings::Settings;
use crate::core::subscriptions::{SUBSCRIBED, plain};
use crate::core::{self, Kind as Failed};
use crate::dispatch::Cost;
use crate::wcap::args::{ArgError, Args, Kind, Param};
use crate::wcap::commands::lists::userid;
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, Calendar, Reply};

const USERID: Param = Param::optional(
    "userid",
    Kind::Text,
    "The user; default: oneself. Others only for administrators.",
);

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        doc: "Tells a user's preferences and what the server allows.",
        session: Needs::Session,
        params: &[USERID, Param::optional("calid", Kind::Text, "Not used.")],
        ..Row::new("get_userprefs", Errno::GetUserprefsFailed, get)
    },
    Row {
        doc: "Changes a user's preferences, in the order sent, and answers them all.",
        session: Needs::Session,
        cost: Cost::Heavy,
        params: &[
            Param::optional(
                "add_attrs",
                Kind::Text,
                "NAME=VALUE: adds a value. May be sent again and again, as the next two.",
            ),
            Param::optional(
                "set_attrs",
                Kind::Text,
                "NAME=VALUE: the one value in place of all there are; empty: none.",
            ),
            Param::optional("del_attrs", Kind::Text, "NAME: takes the first value away."),
            Param::or(
                "convertCalid",
                Kind::Flag,
                "0",
                "1: ^ stands for : in icsSet and icsSubscribed.",
            ),
            USERID,
        ],
        ..Row::new("set_userprefs", Errno::SetUserprefsFailed, set)
    },
];

/// Where the value of a preference comes from.
enum From {
    /// The account, whatever was set.
    Account(fn(&Preferences) -> String),
    /// What was set, else the account.
    Set(fn(&Preferences) -> String),
    /// What was set, else this; empty for none.
    Default(&'static str),
}

/// All preferences with a place in the order (Calendar Server 6 guide; the last three of `ce` another server's).
const ORDER: &[(&str, From)] = {
    use From::{Account, Default, Set};
    &[
        ("cn", Account(name)),
        ("givenName", Account(|p| p.user.given_name.clone())),
        ("mail", Account(mail)),
        ("preferredlanguage", Set(|p| p.language.clone())),
        ("sn", Account(|p| p.user.surname.clone())),
        ("icsCalendar", Account(|p| p.calid.clone())),
        ("icsTimezone", Set(|p| p.tzid.clone())),
        ("icsDefaultSet", Default("")),
        // Sunday is 1.
        ("icsFirstDay", Default("2")),
        ("icsSet", Default("")),
        ("icsSubscribed", Default("")),
        ("icsFreeBusy", Set(|p| p.calid.clone())),
        ("ceInterval", Default("PT0H30M")),
        ("ceDayTail", Default("18")),
        ("ceDefaultView", Default("overview")),
        ("ceColorSet", Default("")),
        ("ceToolText", Default("1")),
        ("ceToolImage", Default("1")),
        ("ceFontFace", Default("")),
        ("ceExcludeSatSun", Default("0")),
        ("ceGroupInviteAll", Default("1")),
        ("ceSingleCalendarTZID", Default("0")),
        ("ceAllCalendarTZIDs", Default("0")),
        ("ceNotifyEnable", Default("0")),
        ("ceNotifyEmail", Set(mail)),
        ("ceDefaultAlarmStart", Default("")),
        // Without it clients write no alarms at all.
        ("ceDefaultAlarmEmail", Set(mail)),
        ("ceDateOrder", Default("D/M/Y")),
        ("ceDateSeparator", Default(".")),
        ("ceClock", Default("24")),
        ("nswcalCALID", Account(|p| p.calid.clone())),
        ("icsDWPHost", Default("")),
        ("icsCalendarOwned", Account(owned)),
    ]
};

fn name(preferences: &Preferences) -> String {
    match preferences.user.full_name.as_str() {
        "" => preferences.user.name.local.clone(),
        name => name.to_owned(),
    }
}

fn mail(preferences: &Preferences) -> String {
    let mail = preferences.user.mail.first().cloned();
    mail.unwrap_or_else(|| preferences.user.name.to_string())
}

/// `calid$name,calid$name`.
fn owned(preferences: &Preferences) -> String {
    let calendars = preferences.owned.iter();
    let texts: Vec<_> = calendars
        .map(|(calid, name)| format!("{calid}${}", plain(name)))
        .collect();
    texts.join(",")
}

/// Somebody else's preferences have a number of their own.
fn refused(cause: core::Error) -> Failure {
    match cause.kind() {
        Failed::NotAdministrator | Failed::AnonymousNotAllowed => {
            Failure::Errno(Errno::UserprefsAccessDenied)
        }
        _ => cause.into(),
    }
}

fn get(context: &Context) -> Result<Answer, Failure> {
    let userid = userid(context)?;
    let userid = userid.as_deref().map(str::trim);
    let found = context.core.preferences(&context.caller, userid);
    let preferences = found.map_err(refused)?;
    Ok(answer(&preferences, context.core.settings()))
}

fn set(context: &Context) -> Result<Answer, Failure> {
    let userid = userid(context)?;
    let userid = userid.as_deref().map(str::trim);
    let changes = changes(&context.args);
    if changes.is_err() {
        // What is wrong with it is told to those who may change something.
        let allowed = context.core.preferences(&context.caller, userid);
        allowed.map_err(refused)?;
    }
    let changed = context
        .core
        .change_preferences(&context.caller, userid, &changes?);
    let preferences = changed.map_err(|cause| match cause.kind() {
        Failed::BadValue => Failure::Errno(Errno::SetUserprefsFailed),
        _ => refused(cause),
    })?;
    Ok(answer(&preferences, context.core.settings()))
}

/// The changes in the order sent.
fn changes(args: &Args) -> Result<Vec<Change>, Failure> {
    const WAYS: [&str; 3] = ["add_attrs", "set_attrs", "del_attrs"];
    let convert = args.flag("convertCalid")?;
    let mut changes = Vec::new();
    for (way, raw) in args.pairs() {
        let Some(way) = WAYS.iter().find(|known| **known == way) else {
            continue;
        };
        let text = raw.decode()?;
        let (name, value) = match text.split_once('=') {
            None if *way == "del_attrs" => (&*text, ""),
            Some((name, value)) => (name, value),
            None => {
                return Err(ArgError::Value {
                    name: way,
                    expected: "NAME=VALUE",
                    found: text.chars().take(40).collect(),
                }
                .into());
            }
        };
        let value = match convert && (name == "icsSet" || name == SUBSCRIBED) {
            true => value.replace('^', ":"),
            false => value.to_owned(),
        };
        let name = name.trim().to_owned();
        changes.push(match *way {
            "add_attrs" => Change::Add(name, value),
            "set_attrs" => Change::Set(name, value),
            _ => Change::Remove(name),
        });
    }
    match changes.is_empty() {
        true => Err(ArgError::Missing("set_attrs").into()),
        false => Ok(changes),
    }
}

fn answer(preferences: &Preferences, settings: &Settings) -> Answer {
    let mut calendar = Calendar::plain();
    for (name, from) in ORDER {
        for value in values(preferences, name, from) {
            push(&mut calendar, name, &value);
        }
    }
    for (name, value) in &preferences.values {
        if !ORDER.iter().any(|(known, _)| known == name) {
            push(&mut calendar, name, value);
        }
    }
    for (name, value) in server(settings) {
        calendar.add_value(&format!("X-NSCP-WCAP-SERVER-PREF-{name}"), value);
    }
    Reply::of(calendar.finish(Errno::Ok)).into()
}

/// Values are told as they were set: lists of them are not escaped, names of people are texts.
fn push(calendar: &mut Calendar, name: &str, value: &str) {
    let property = format!("X-NSCP-WCAP-PREF-{name}");
    match name {
        "cn" | "givenName" | "sn" => calendar.add_text(&property, value),
        _ => calendar.add_value(&property, value),
    }
}

fn values(preferences: &Preferences, name: &str, from: &From) -> Vec<String> {
    let set: Vec<_> = preferences
        .values
        .iter()
        .filter(|(known, _)| known == name)
        .map(|(_, value)| value.clone())
        .collect();
    let other = match from {
        From::Account(value) => return filled(value(preferences)),
        _ if !set.is_empty() => return set,
        From::Set(value) => value(preferences),
        From::Default(value) => (*value).to_owned(),
    };
    filled(other)
}

fn filled(value: String) -> Vec<String> {
    match value.is_empty() {
        true => Vec::new(),
        false => vec![value],
    }
}

/// What the server allows, in Calendar Server's order.
fn server(settings: &Settings) -> [(&'static str, &'static str); 9] {
    let allowed = |allowed| if allowed { "yes" } else { "no" };
    [
        ("allowchangepassword", allowed(settings.change_passwords)),
        ("allowcreatecalendars", allowed(settings.create_calendars)),
        ("allowdeletecalendars", allowed(settings.delete_calendars)),
        (
            "allowpublicwritablecalendars",
            allowed(settings.public_writable),
        ),
        ("format", "text/calendar"),
        ("freebusybegin", "30"),
        ("freebusyend", "30"),
        ("validateowners", "yes"),
        ("version", super::server::WCAP_VERSION),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::prefs::OF_ACCOUNT;

    #[test]
    fn what_comes_from_the_account_is_what_cannot_be_set() {
        let of_account = ORDER
            .iter()
            .filter(|(_, from)| matches!(from, From::Account(_)));
        let names: Vec<_> = of_account.map(|(name, _)| *name).collect();
        assert_eq!(names, OF_ACCOUNT);
    }
}
