//! Sessions: login, logout, check_id, change_password. Who somebody is, and how sessions end, is decided in the core.

use crate::core::{self, Caller};
use crate::dispatch::Cost;
use crate::wcap::args::{ArgError, Kind, Param};
use crate::wcap::context::{Context, Failure, Session};
use crate::wcap::errno::Errno;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, Calendar, Page, Reply};

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        doc: "Begins a session: its answer holds the id that later requests send.",
        session: Needs::Nothing,
        cost: Cost::Heavy,
        params: &[
            Param::optional(
                "user",
                Kind::Text,
                "User name, UPN or mail address; or anonymous.",
            ),
            Param::optional("password", Kind::Secret, "The password; any for anonymous."),
            Param::optional(
                "proxyauth",
                Kind::Text,
                "Administrators, where that is allowed: whom to be.",
            ),
            Param::optional("lang", Kind::Text, "Preferred language; not used."),
            Param::optional("applyauthfilter", Kind::Text, "Not used."),
            Param::optional("refresh", Kind::Text, "Not used."),
        ],
        ..Row::new("login", Errno::LoginFailed, login)
    },
    Row {
        doc: "Ends the session; answers -1 for success.",
        session: Needs::Session,
        cost: Cost::Heavy,
        ..Row::new("logout", Errno::LoginFailed, logout)
    },
    Row {
        doc: "Says whether a session id is alive.",
        session: Needs::Nothing,
        ..Row::new("check_id", Errno::LoginFailed, check_id)
    },
    Row {
        doc: "Changes one's own password; one's other sessions end.",
        session: Needs::Session,
        cost: Cost::Heavy,
        params: &[
            Param::required("oldpassword", Kind::Secret, "The password until now."),
            Param::required("newpassword", Kind::Secret, "The password from now on."),
        ],
        ..Row::new(
            "change_password",
            Errno::ChangePasswordFailed,
            change_password,
        )
    },
];

fn login(context: &Context) -> Result<Answer, Failure> {
    let page = context.compatibility.login_page && context.args.written("fmt-out").is_none();
    let user = context.args.text("user")?.unwrap_or_default();
    let user = user.trim();
    if user.is_empty() {
        return match &context.session {
            Session::Live { token, .. } if page => Ok(Answer::Page(welcome(token, None))),
            _ => Err(ArgError::Missing("user").into()),
        };
    }
    let password = context.args.text("password")?.unwrap_or_default();
    let other = context.args.text("proxyauth")?;
    let (caller, token) = match other.as_deref().map(str::trim) {
        None | Some("") => context.core.login(user, &password, context.client)?,
        Some(other) => {
            let (core, client) = (&context.core, context.client);
            core.login_as(user, &password, other, client)?
        }
    };
    if page {
        let location = format!("login.wcap?id={token}");
        return Ok(Answer::Page(welcome(&token, Some(location))));
    }
    let mut calendar = Calendar::publish().value("X-NSCP-WCAP-SESSION-ID", token);
    // Clients read these by place: the user id follows the session id directly.
    match &caller {
        Caller::User(identity) => {
            calendar = calendar
                .value(
                    "X-NSCP-WCAP-USER-ID",
                    context.core.show_name(&identity.name),
                )
                .value(
                    "X-NSCP-WCAP-CALENDAR-ID",
                    context.core.default_calid(identity),
                );
        }
        Caller::Anonymous | Caller::Guest(_) | Caller::System => {
            calendar = calendar.value("X-NSCP-WCAP-USER-ID", crate::core::sessions::ANONYMOUS);
        }
    }
    let bound = context.core.settings().limits.instances;
    let calendar = calendar.value("X-NSCP-RECURRENCE-BOUND", bound.to_string());
    Ok(Reply::of(calendar.finish(Errno::Ok)).into())
}

/// What old scripts look for: a line with the session's id, on a page whose address holds it too.
///
/// A token is made of letters and digits, so that it can stand in either.
fn welcome(token: &str, location: Option<String>) -> Page {
    let content = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>wcapd</title>\n\
        <script>\nvar id='{token}'\n</script>\n</head>\n<body>\n<p>Logged in. <a href=\"/app/\">To the \
        calendar</a></p>\n</body>\n</html>\n"
    );
    Page { location, content }
}

fn logout(context: &Context) -> Result<Answer, Failure> {
    if let Session::Live { token, .. } = &context.session {
        context.core.logout(token)?;
    }
    Ok(Reply::errno(Errno::LoggedOut).into())
}

fn check_id(context: &Context) -> Result<Answer, Failure> {
    let alive = matches!(context.session, Session::Live { .. });
    let calendar = Calendar::plain().value("X-NSCP-WCAP-CHECK-ID", if alive { "1" } else { "0" });
    Ok(Reply::of(calendar.finish(Errno::Ok)).into())
}

fn change_password(context: &Context) -> Result<Answer, Failure> {
    let old = context.args.text("oldpassword")?.unwrap_or_default();
    let new = context.args.text("newpassword")?.unwrap_or_default();
    let kept = match &context.session {
        Session::Live { token, .. } => Some(token.as_str()),
        Session::None | Session::Dead => None,
    };
    let changed = context
        .core
        .change_password(&context.caller, &old, &new, kept, context.client);
    changed.map_err(|cause| match cause.kind() {
        core::Kind::ReadOnly => cause.into(),
        // A number that says more would send clients to log in again, or tell them of calendars.
        _ => Failure::Errno(Errno::ChangePasswordFailed),
    })?;
    Ok(Reply::errno(Errno::Ok).into())
}
