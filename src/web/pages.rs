//! The pages and what their forms do.

use axum::extract::State as Shared;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use minijinja::value::Serde;
use minijinja::{Value, context};
use tower_sessions::Session;

use super::{State, agenda, is_secure, session};
use crate::codes::codes;
use crate::core::{Client, Error, Kind};
use crate::dispatch::Cost;
use crate::origin::{self, Origin};

/// Where a request comes from, if the listener said.
type From = Option<Extension<Origin>>;

fn client(from: &From) -> Client {
    from.as_deref().map(Origin::client).unwrap_or_default()
}

/// How many days the list covers.
const DAYS: i32 = 14;

/// Fields of the login form.
#[derive(serde::Deserialize)]
pub(super) struct Login {
    user: String,
    password: String,
}

/// The next days of whoever is logged in; the others are asked to log in.
pub(super) async fn app(
    Shared(state): Shared<State>,
    session: Session,
    from: From,
    headers: HeaderMap,
) -> Response {
    let Some(caller) = session::caller(&session, &state.core, client(&from)).await else {
        return Redirect::to("/login").into_response();
    };
    let core = state.core.of_caller(&caller);
    let asking = caller.clone();
    let listed = state
        .dispatch
        .run(Cost::Heavy, move || agenda::of(&core, &asking, DAYS))
        .await;
    match listed {
        Ok(Ok(agenda)) => {
            let user = caller
                .identity()
                .map_or("", |identity| identity.typed.as_str());
            let secure = is_secure(from.as_deref());
            let address = address(&headers, secure);
            let agenda = Value::from(Serde(agenda));
            let values = context! { user, agenda, address, days => DAYS };
            page(&state, "app.html", StatusCode::OK, values)
        }
        Ok(Err(error)) => failure(&state, &error),
        Err(lost) => failure(&state, &Error::new(Kind::Internal, lost.to_string())),
    }
}

/// The login form; whoever is logged in already goes on.
pub(super) async fn login_form(
    Shared(state): Shared<State>,
    session: Session,
    from: From,
) -> Response {
    match session::caller(&session, &state.core, client(&from)).await {
        Some(_) => Redirect::to("/app/").into_response(),
        None => page(
            &state,
            "login.html",
            StatusCode::OK,
            context! { error => "", user => "" },
        ),
    }
}

/// Checks name and password and begins a session.
pub(super) async fn login(
    Shared(state): Shared<State>,
    session: Session,
    from: From,
    uri: Uri,
    headers: HeaderMap,
    Form(form): Form<Login>,
) -> Response {
    let host = origin::host(&uri, &headers);
    let core = host.map_or(state.core.clone(), |host| state.core.at_host(host));
    let client = client(&from);
    let (user, password) = (form.user.trim().to_owned(), form.password);
    let typed = user.clone();
    let checked = state
        .dispatch
        .run(Cost::Heavy, move || {
            core.authenticate(&user, &password, client)
        })
        .await;
    let identity = match checked {
        Ok(Ok(identity)) => identity,
        Ok(Err(error)) if error.kind() == Kind::NotAuthenticated => {
            let values = context! { error => "This name and password do not fit.", user => typed };
            return page(&state, "login.html", StatusCode::UNAUTHORIZED, values);
        }
        Ok(Err(error)) => return failure(&state, &error),
        Err(lost) => return failure(&state, &Error::new(Kind::Internal, lost.to_string())),
    };
    match session::log_in(&session, &identity, client).await {
        Ok(()) => Redirect::to("/app/").into_response(),
        Err(error) => {
            let cause = Error::new(Kind::Internal, "the session could not be kept");
            failure(&state, &cause.because(error))
        }
    }
}

/// Ends the session.
pub(super) async fn logout(Shared(state): Shared<State>, session: Session) -> Response {
    match session.flush().await {
        Ok(()) => Redirect::to("/login").into_response(),
        Err(error) => {
            let cause = Error::new(Kind::Internal, "the session could not be ended");
            failure(&state, &cause.because(error))
        }
    }
}

/// Where the browser found us, for the commands shown; only what can stand in a command.
fn address(headers: &HeaderMap, secure: bool) -> String {
    let scheme = if secure { "https" } else { "http" };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    match !host.is_empty() && host.bytes().all(plain) {
        true => format!("{scheme}://{host}"),
        false => format!("{scheme}://localhost:8080"),
    }
}

fn page(state: &State, name: &str, status: StatusCode, values: Value) -> Response {
    match state
        .templates
        .get_template(name)
        .and_then(|template| template.render(values))
    {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, name, "a page could not be made");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "This page could not be made.",
            )
                .into_response()
        }
    }
}

fn failure(state: &State, error: &Error) -> Response {
    let status = codes(error.kind()).http;
    if status.is_server_error() {
        tracing::error!(?error, "a page failed");
    }
    let values = context! { message => error.message() };
    let mut page = page(state, "error.html", status, values);
    let wait = error.wait().map(HeaderValue::from);
    page.headers_mut()
        .extend(wait.map(|wait| (header::RETRY_AFTER, wait)));
    page
}
