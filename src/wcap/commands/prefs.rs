//! Preferences of users: get_userprefs.
//!
//! Some are facts of the account, some were set by clients, some have Calendar Server's defaults; the order is
//! that server's. What none of these gives a value is left out.

use crate::core::prefs::Preferences;
use crate::wcap::args::{Kind, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, Calendar, Reply};

/// The family's rows.
pub(super) const ROWS: &[Row] = &[Row {
    doc: "Tells a user's preferences and what the server allows.",
    session: Needs::Session,
    params: &[
        Param::optional(
            "userid",
            Kind::Text,
            "The user; default: oneself. Others only for administrators.",
        ),
        Param::optional("calid", Kind::Text, "Not used."),
    ],
    ..Row::new("get_userprefs", Errno::GetUserprefsFailed, get)
}];

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

/// `calid$name,calid$name`: the form has no escapes, so a name does without its separators.
fn owned(preferences: &Preferences) -> String {
    let calendars = preferences.owned.iter();
    let texts: Vec<_> = calendars
        .map(|(calid, name)| format!("{calid}${}", name.replace([',', '$'], " ")))
        .collect();
    texts.join(",")
}

fn get(context: &Context) -> Result<Answer, Failure> {
    let userid = context.args.text("userid")?;
    let userid = userid.as_deref().map(str::trim).filter(|u| !u.is_empty());
    let preferences =
        context
            .core
            .preferences(&context.caller, userid)
            .map_err(|cause| match cause.kind() {
                crate::core::Kind::NotAdministrator | crate::core::Kind::AnonymousNotAllowed => {
                    Failure::Errno(Errno::UserprefsAccessDenied)
                }
                _ => cause.into(),
            })?;
    let mut calendar = Calendar::plain();
    for (name, from) in ORDER {
        for value in values(&preferences, name, from) {
            push(&mut calendar, name, &value);
        }
    }
    for (name, value) in &preferences.values {
        if !ORDER.iter().any(|(known, _)| known == name) {
            push(&mut calendar, name, value);
        }
    }
    for (name, value) in SERVER {
        calendar.add_value(&format!("X-NSCP-WCAP-SERVER-PREF-{name}"), value);
    }
    Ok(Reply::of(calendar.finish(Errno::Ok)).into())
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
const SERVER: &[(&str, &str)] = &[
    ("allowchangepassword", "no"),
    ("allowcreatecalendars", "no"),
    ("allowdeletecalendars", "no"),
    ("allowpublicwritablecalendars", "yes"),
    ("format", "text/calendar"),
    ("freebusybegin", "30"),
    ("freebusyend", "30"),
    ("validateowners", "yes"),
    ("version", super::server::WCAP_VERSION),
];
