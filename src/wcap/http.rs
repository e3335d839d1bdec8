//! The one handler of all WCAP requests: from an HTTP request to a command and back to an HTTP response.
//!
//! The path, each step in one place: read the form, find the row, look the session up, check, run, encode. Which
//! error comes first is decided by the order of these steps. A command that was asked for is always answered
//! with status 200 and a full body, because clients take anything else for a broken network and an empty body
//! for the end of their session. Cookies are not looked at.

mod audit;
mod body;
mod kept;
mod redact;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use kept::Kept;
pub use redact::redact;

use crate::core::{Caller, Client, Core, Kind};
use crate::dispatch::{Cost, Dispatch, Lost};
use crate::guard::{Busy, Pass};
use crate::ical::datetime::Timestamp;
use crate::limits::Limits;
use crate::metric;
use crate::origin::{Origin, host};
use crate::text::form::{Form, FormError, FormLimits};
use crate::wcap::args::{Args, ListLimits};
use crate::wcap::context::{Compatibility, Context, Failure, Session, Upload};
use crate::wcap::encode::encode;
use crate::wcap::errno::Errno;
use crate::wcap::format::Format;
use crate::wcap::registry::{self, Needs, Row};
use crate::wcap::reply::{Answer, Reply};

/// What the names of commands end in.
const SUFFIX: &str = ".wcap";

struct Door {
    core: Core,
    dispatch: Dispatch,
    kept: Kept,
    public_url: Option<String>,
    compatibility: Compatibility,
}

/// What the configuration tells the door.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where commands are answered; each begins and ends with `/`.
    pub prefixes: Vec<String>,
    /// What addresses of commands begin with in answers; none: what the client wrote.
    pub public_url: Option<String>,
    /// What old clients are given.
    pub compatibility: Compatibility,
}

impl Door {
    fn limits(&self) -> &Limits {
        &self.core.settings().limits
    }

    /// What addresses of commands begin with: what the operator says, else as the client wrote it. Without a host
    /// that can be in an address they are paths.
    fn base(&self, request: &Request) -> String {
        if let Some(url) = &self.public_url {
            return url.clone();
        }
        let path = request.uri().path();
        let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
        let host = host(request.uri(), request.headers());
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        let origin: Option<&Origin> = request.extensions().get();
        let scheme = match origin.is_some_and(|origin| origin.secure) {
            true => "https",
            false => "http",
        };
        match host.filter(|host| !host.is_empty() && host.chars().all(sound)) {
            Some(host) => format!("{scheme}://{host}{folder}"),
            None => folder.to_owned(),
        }
    }
}

/// The routes of the door: every command under each of the prefixes.
pub fn router(core: Core, dispatch: Dispatch, options: &Options) -> Router {
    let mut router = Router::new();
    for prefix in &options.prefixes {
        router = router.route(&format!("{prefix}{{command}}"), any(handle));
    }
    router
        // Bodies are bounded where they are read, by the command they are for.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(Door {
            kept: Kept::new(core.settings().limits.kept_answers),
            core,
            dispatch,
            public_url: options.public_url.clone(),
            compatibility: options.compatibility,
        }))
}

async fn handle(State(door): State<Arc<Door>>, request: Request) -> Response {
    let file = request.uri().path().rsplit('/').next().unwrap_or_default();
    let Some(command) = file.strip_suffix(SUFFIX).map(str::to_owned) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match *request.method() {
        Method::GET | Method::POST => {}
        // Asking for the head alone must not store or delete anything: no command runs.
        Method::HEAD => {
            let mut form = Form::new();
            let query = request.uri().query().unwrap_or_default();
            let _ = form.add_encoded(query, form_limits(door.limits()));
            return head(
                format_of(&form, registry::find(&command)).unwrap_or_default(),
                door.core.now(),
            );
        }
        _ => {
            let allow = (header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            return (StatusCode::METHOD_NOT_ALLOWED, [allow]).into_response();
        }
    }
    let begun = Instant::now();
    let row = registry::find(&command);
    let (served, pass) = serve(&door, row, request).await;
    let name = row.map_or("unknown", |row| row.name);
    let errno = served.errno.to_string();
    metrics::counter!(metric::HTTP_REQUESTS, "command" => name, "errno" => errno).increment(1);
    metrics::histogram!(metric::HTTP_REQUEST_SECONDS, "command" => name).record(begun.elapsed());
    let mut response = served.into_response(door.core.now());
    pass.map(|pass| response.extensions_mut().insert(Arc::new(pass)));
    response
}

/// The answer to a request before it gets its headers.
struct Served {
    content_type: Cow<'static, str>,
    body: Bytes,
    errno: Errno,
    file_name: Option<String>,
    /// Where a page sends its reader.
    location: Option<String>,
    /// Whether the connection is of no more use: the rest of a body may still be on its way.
    close: bool,
}

impl Served {
    fn errno(errno: Errno, format: Format) -> Self {
        Self {
            content_type: format.content_type().into(),
            body: encode(&Reply::errno(errno), format).into(),
            errno,
            file_name: None,
            location: None,
            close: false,
        }
    }

    /// A refusal of more than one client may ask for. The rest of a body is not waited for.
    fn busy(busy: Busy, format: Format) -> Self {
        tracing::debug!(wait = busy.0, "a client asks for more than it may");
        Self {
            close: true,
            ..Self::errno(Errno::ServerMaxConnections, format)
        }
    }

    /// A success that is nothing but its octets.
    fn plain(content_type: impl Into<Cow<'static, str>>, body: Bytes) -> Self {
        Self {
            content_type: content_type.into(),
            body,
            errno: Errno::Ok,
            file_name: None,
            location: None,
            close: false,
        }
    }

    /// Whether it is nothing but octets in that format.
    fn is_plain(&self, format: Format) -> bool {
        self.errno == Errno::Ok
            && self.content_type == format.content_type()
            && self.file_name.is_none()
            && self.location.is_none()
    }

    fn answer(answer: Answer, format: Format) -> Self {
        match answer {
            Answer::Reply(reply) => {
                Self::plain(format.content_type(), encode(&reply, format).into())
            }
            Answer::Printed(body) => Self::plain(format.content_type(), body),
            Answer::File(file) => Self {
                file_name: Some(file.name),
                ..Self::plain(file.content_type, file.content.into())
            },
            Answer::Page(page) => Self {
                location: page.location,
                ..Self::plain("text/html; charset=UTF-8", page.content.into())
            },
        }
    }

    fn into_response(self, now: Timestamp) -> Response {
        let length = self.body.len();
        let mut response = Response::new(Body::from(self.body));
        let location = self.location.and_then(|to| HeaderValue::from_str(&to).ok());
        if location.is_some() {
            *response.status_mut() = StatusCode::FOUND;
        }
        let headers = response.headers_mut();
        headers.extend(location.map(|to| (header::LOCATION, to)));
        common_headers(headers, &self.content_type, now);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(name) = self.file_name {
            let disposition = format!("attachment; filename=\"{name}\"");
            if let Ok(value) = HeaderValue::from_str(&disposition) {
                headers.insert(header::CONTENT_DISPOSITION, value);
            }
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

fn head(format: Format, now: Timestamp) -> Response {
    let mut response = Response::new(Body::empty());
    common_headers(response.headers_mut(), format.content_type(), now);
    response
}

/// The headers of every answer: nobody may keep it, or learn its URL, which holds the session.
fn common_headers(headers: &mut HeaderMap, content_type: &str, now: Timestamp) {
    const FIXED: [(HeaderName, &str); 6] = [
        (header::PRAGMA, "no-cache"),
        (header::EXPIRES, "0"),
        (header::CACHE_CONTROL, "no-cache, no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Should a browser show an answer, it runs nothing and stands in no frame.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ),
    ];
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if let Some(date) = http_date(now) {
        headers.insert(header::DATE, date.clone());
        headers.insert(header::LAST_MODIFIED, date);
    }
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// `Thu, 14 Dec 2002 19:48:17 GMT` (RFC 9110 section 5.6.7).
fn http_date(now: Timestamp) -> Option<HeaderValue> {
    let now = jiff::Timestamp::from_second(now.0).ok()?;
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let text = printer.timestamp_to_rfc9110_string(&now).ok()?;
    HeaderValue::from_str(&text).ok()
}

/// The format that is asked for; none if it does not exist. Of a command that makes files, failures come in the
/// file's format unless the client wants another.
fn format_of(form: &Form, row: Option<&Row>) -> Option<Format> {
    let of_file = row.is_some_and(|row| row.params.iter().any(|p| p.name == "content-out"));
    let sent = |name: &str| form.last(name).filter(|raw| !raw.is_empty());
    match sent("fmt-out").or_else(|| sent("content-out").filter(|_| of_file)) {
        None => Some(Format::default()),
        Some(raw) => {
            let name = raw.decode().ok()?;
            let cards = row.is_some_and(|row| row.makes_cards);
            let of_cards = Format::from_card_type(name.trim()).filter(|_| cards);
            of_cards.or_else(|| Format::from_media_type(name.trim()))
        }
    }
}

fn form_limits(limits: &Limits) -> FormLimits {
    FormLimits {
        parameters: limits.parameters,
        value_length: limits.value_length,
    }
}

/// The answer, and the pass of a request that was let in: it counts until the client has taken the answer.
async fn serve(door: &Door, row: Option<&'static Row>, request: Request) -> (Served, Option<Pass>) {
    let limits = door.limits();
    let client = request.extensions().get().map(Origin::client);
    let client = client.unwrap_or_default();
    let base = door.base(&request);
    let host = host(request.uri(), request.headers()).map(str::to_owned);
    let mut form = Form::new();
    let query = request.uri().query().unwrap_or_default();
    let in_query = form.add_encoded(query, form_limits(limits));
    let mut pass = match door.dispatch.enter(client) {
        Ok(pass) => pass,
        Err(busy) => {
            let format = format_of(&form, row).unwrap_or_default();
            return (Served::busy(busy, format), None);
        }
    };
    let mut uploads = Vec::new();
    let in_body = if request.method() == Method::POST {
        body::read(request, row, limits, &mut form, &mut uploads).await
    } else {
        Ok(())
    };
    let close = in_body.as_ref().is_err_and(|error| error.is_unread());
    let broken = in_query.map_err(body::BodyError::Form).and(in_body).err();
    let sent = Sent {
        client,
        host,
        base,
        uploads,
    };
    let served = dispatch(door, row, form, sent, broken, &mut pass).await;
    (Served { close, ..served }, Some(pass))
}

async fn dispatch(
    door: &Door,
    row: Option<&'static Row>,
    form: Form,
    sent: Sent,
    broken: Option<body::BodyError>,
    pass: &mut Pass,
) -> Served {
    let format = format_of(&form, row);
    let Some(row) = row else {
        return Served::errno(Errno::BadCommand, format.unwrap_or_default());
    };
    let Some(format) = format else {
        return Served::errno(Errno::NoSuchFormat, Format::default());
    };
    if let Some(error) = broken {
        tracing::debug!(command = row.name, %error, "WCAP request refused");
        return Served::errno(error.errno(row), format);
    }
    let token = form.last("id").filter(|raw| !raw.is_empty());
    if let Some(token) = token.and_then(|raw| raw.decode().ok())
        && let Err(busy) = pass.enter_session(&token)
    {
        return Served::busy(busy, format);
    }
    let limits = door.limits();
    let lists = ListLimits {
        calids: limits.calids,
        uids: limits.uids,
        attendees: limits.attendees,
    };
    let core = door.core.clone();
    let compatibility = door.compatibility;
    let begin = move || {
        let args = Args::new(form, row.params, lists);
        prepare(core, row, args, sent, format, compatibility)
    };
    let served = match row.kept {
        true => again_or_run(door, row, format, begin).await,
        false => {
            let job = move || begin().map_or_else(|e| Served::errno(e, format), |c| run(&c));
            door.dispatch.run(row.cost, job).await
        }
    };
    served.unwrap_or_else(|lost| {
        tracing::error!(command = row.name, error = %lost, "WCAP request lost");
        let errno = match lost {
            Lost::Panicked => row.failed,
            Lost::Stopped | Lost::Late => Errno::ServerMaxConnections,
        };
        Served::errno(errno, format)
    })
}

/// Gives the answer of an earlier request again if it still holds; if not, runs the command and keeps the answer.
async fn again_or_run(
    door: &Door,
    row: &'static Row,
    format: Format,
    begin: impl FnOnce() -> Result<Context, Errno> + Send + 'static,
) -> Result<Served, Lost> {
    let context = match door.dispatch.run(Cost::Cheap, begin).await? {
        Ok(context) => context,
        Err(errno) => return Ok(Served::errno(errno, format)),
    };
    let key = kept::Key::of(&context);
    if let Some(body) = door.kept.get(&key, |basis| door.core.holds(basis)) {
        return Ok(Served::plain(format.content_type(), body));
    }
    let job = move || {
        let core = context.core.clone();
        core.with_basis(|| run(&context))
    };
    let (served, basis) = door.dispatch.run(row.cost, job).await?;
    // Failures are cheap.
    if served.is_plain(format) {
        door.kept.put(key, served.body.clone(), basis);
    }
    Ok(served)
}

/// What came with a request besides its parameters.
struct Sent {
    client: Client,
    /// The host asked, if the client names one.
    host: Option<String>,
    /// What addresses of this server's commands begin with.
    base: String,
    uploads: Vec<Upload>,
}

/// Checks the request in the order in which errors are to be told.
fn prepare(
    core: Core,
    row: &'static Row,
    args: Args,
    sent: Sent,
    format: Format,
    compatibility: Compatibility,
) -> Result<Context, Errno> {
    let Sent {
        client,
        host,
        base,
        uploads,
    } = sent;
    args.check_form(row.exact_rids)
        .map_err(|error| failed(row, error.into()))?;
    let core = host.map_or(core.clone(), |host| core.at_host(&host));
    let session = session(&core, client, &args).map_err(|failure| failed(row, failure))?;
    let caller = caller(&session, row.session).inspect_err(|errno| {
        if session == Session::Dead {
            audit::dead_session(row, client, *errno);
        }
    })?;
    args.check_required()
        .map_err(|error| failed(row, error.into()))?;
    Ok(Context {
        row,
        now: core.now(),
        core: core.of_caller(&caller),
        client,
        caller,
        session,
        args,
        format,
        uploads,
        base,
        compatibility,
    })
}

/// Runs the command and prints its answer.
fn run(context: &Context) -> Served {
    match (context.row.run)(context) {
        Ok(answer) => {
            let served = Served::answer(answer, context.format);
            audit::note(context, served.errno);
            served
        }
        Err(failure) => {
            let errno = context.refusal(failed(context.row, failure));
            audit::note(context, errno);
            Served::errno(errno, context.format)
        }
    }
}

fn failed(row: &Row, failure: Failure) -> Errno {
    let errno = failure.errno(row);
    // Expected failures are the client's; the core has logged what is ours.
    tracing::debug!(command = row.name, %errno, reason = %failure, "WCAP request failed");
    errno
}

/// The step from `id` to a session: the only one.
fn session(core: &Core, client: Client, args: &Args) -> Result<Session, Failure> {
    let token = args.text("id")?;
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(Session::None);
    };
    match core.session(&token, client) {
        Ok(caller) => Ok(Session::Live {
            token: token.into_owned(),
            caller,
        }),
        Err(error) if error.kind() == Kind::NotAuthenticated => Ok(Session::Dead),
        Err(error) => Err(error.into()),
    }
}

fn caller(session: &Session, needs: Needs) -> Result<Caller, Errno> {
    match (session, needs) {
        (Session::Live { caller, .. }, _) => Ok(caller.clone()),
        (Session::None | Session::Dead, Needs::Nothing | Needs::Lenient)
        | (Session::None, Needs::Optional) => Ok(Caller::Anonymous),
        (Session::Dead, Needs::Optional) | (_, Needs::Session) => Err(Errno::LoginFailed),
    }
}

impl From<FormError> for Failure {
    fn from(error: FormError) -> Self {
        Self::Args(error.into())
    }
}

#[cfg(test)]
mod tests;
