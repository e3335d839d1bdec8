//! The web pages: login, one's next days, how to connect. Server-made HTML that works without script.
//!
//! Everything stored is shown through templates that escape it. Sessions are cookies whose records live in the
//! store (`session`); requests that change something must come from these pages (no cross-site requests).

mod agenda;
mod pages;
mod session;

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use minijinja::Environment;
use rust_embed::{EmbeddedFile, RustEmbed};
use time::Duration;
use tokio::time::timeout;
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::core::Core;
use crate::dispatch::Dispatch;
use crate::origin::Origin;
use session::CoreSessions;

/// The largest form of these pages, octets: a login.
const FORM_MAX: usize = 8 << 10;

/// What a page may do in a browser: show itself and our style, send forms to us, nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Templates;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Statics;

/// A template that does not compile.
pub use minijinja::Error as TemplateError;

/// What handlers share.
#[derive(Clone)]
struct State {
    core: Core,
    dispatch: Dispatch,
    templates: Arc<Environment<'static>>,
}

/// Whether the browser's connection is protected, all the way as far as is known.
fn is_secure(origin: Option<&Origin>) -> bool {
    origin.is_some_and(|origin| origin.secure)
}

/// Tells browsers that came by TLS never to send our cookies without it.
async fn secured(request: Request, next: Next) -> Response {
    let secure = is_secure(request.extensions().get());
    let mut response = next.run(request).await;
    if secure {
        let headers = response.headers_mut().iter_mut();
        for (_, cookie) in headers.filter(|(name, _)| **name == header::SET_COOKIE) {
            let marked = [cookie.as_bytes(), b"; Secure"].concat();
            if let Ok(marked) = HeaderValue::from_bytes(&marked) {
                *cookie = marked;
            }
        }
    }
    response
}

/// The routes of the web pages.
///
/// Errors: a template that does not compile.
pub fn router(core: Core, dispatch: Dispatch) -> Result<Router, TemplateError> {
    let sessions = CoreSessions::new(core.clone(), dispatch.clone());
    let idle = Duration::seconds(core.settings().session_idle);
    let cookies = SessionManagerLayer::new(sessions)
        .with_name("wcapd")
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        // `secured` says so where it holds; browsers drop such cookies when they come without TLS.
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(idle));
    let admit = dispatch.clone();
    let patience = core.settings().limits.body_time;
    let state = State {
        core,
        dispatch,
        templates: Arc::new(templates()?),
    };
    let pages = Router::new()
        .route("/app/", get(pages::app))
        .route("/login", get(pages::login_form).post(pages::login))
        .route("/logout", post(pages::logout))
        .layer(from_fn_with_state(patience, sent))
        .layer(cookies)
        .layer(from_fn(secured))
        .layer(CsrfLayer::new())
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .with_state(state);
    Ok(pages
        .route("/static/{*file}", get(file))
        .layer(from_fn_with_state(admit, counted))
        .layer(header(
            header::CONTENT_SECURITY_POLICY,
            CONTENT_SECURITY_POLICY,
        ))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header(CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"))
        .layer(header(header::REFERRER_POLICY, "no-referrer")))
}

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Counts a request for its client, until the answer is taken; one too many is told when to come again.
async fn counted(
    axum::extract::State(dispatch): axum::extract::State<Dispatch>,
    request: Request,
    next: Next,
) -> Response {
    let client = request.extensions().get().map(Origin::client);
    match dispatch.enter(client.unwrap_or_default()) {
        Ok(pass) => {
            let mut response = next.run(request).await;
            response.extensions_mut().insert(Arc::new(pass));
            response
        }
        Err(busy) => {
            let wait = [(header::RETRY_AFTER, HeaderValue::from(busy.0))];
            let text = "Too many requests. Please wait a moment.\n";
            (StatusCode::TOO_MANY_REQUESTS, wait, text).into_response()
        }
    }
}

/// Takes the whole body of a request, which may be neither long nor slow.
async fn sent(
    axum::extract::State(patience): axum::extract::State<std::time::Duration>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    match timeout(patience, to_bytes(body, FORM_MAX)).await {
        Ok(Ok(body)) => next.run(Request::from_parts(head, Body::from(body))).await,
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => {
            let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
            (StatusCode::REQUEST_TIMEOUT, close).into_response()
        }
    }
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

fn templates() -> Result<Environment<'static>, TemplateError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    for name in Templates::iter() {
        let text = Templates::get(&name)
            .map(|file| file.data.into_owned())
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        environment.add_template_owned(name.into_owned(), text)?;
    }
    Ok(environment)
}

/// A file of `static/`; a browser that has it is told so.
async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Statics::get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let hash = metadata.sha256_hash();
    let tag: String = hash
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = format!("\"{tag}\"");
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|asked| asked == tag.as_str());
    let caching = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "max-age=3600".to_owned()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [(header::CONTENT_TYPE, metadata.mimetype().to_owned())];
    let body = match data {
        Cow::Borrowed(bytes) => axum::body::Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    (caching, kind, body).into_response()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
