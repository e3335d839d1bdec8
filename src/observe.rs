//! What an operator sees: health, metrics and the log. Knows no protocol; who counts and logs does so through
//! the facades `metrics` and `tracing`, with names from `metric`.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 while the process answers |
//! | `/readyz` | 200 when every part is up, else 503 and a line for each that is not |
//! | `/metrics` | Prometheus text, version 0.0.4 |

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::IsTerminal as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use tokio::sync::watch;
use tracing::Subscriber;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::core::audit::TARGET;
use crate::metric::{self, Kind};

/// How often histograms are drained into their buckets when nobody asks for them; bounds their memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// Whether the server can do its work: named parts, each up or down with a reason. Clones share one state.
#[derive(Clone, Default)]
pub struct Health {
    /// Why a part is down; `None` = up.
    parts: Arc<RwLock<BTreeMap<&'static str, Option<String>>>>,
    /// Parts that are asked when somebody wants to know.
    asked: Arc<RwLock<Vec<Asked>>>,
}

/// A part that knows itself why it is down.
type Asked = (&'static str, Box<dyn Fn() -> Option<String> + Send + Sync>);

impl Health {
    /// All `parts` are down until told otherwise.
    pub fn new(parts: impl IntoIterator<Item = &'static str>) -> Self {
        let health = Self::default();
        for part in parts {
            health.down(part, "starting");
        }
        health
    }

    /// `part` does its work from now on.
    pub fn up(&self, part: &'static str) {
        self.set(part, None);
    }

    /// `part` does not do its work, for a `reason` that anybody may read.
    pub fn down(&self, part: &'static str, reason: &str) {
        self.set(part, Some(reason.to_owned()));
    }

    /// `part` is asked, each time, why it is down, in words that anybody may read; `None` = up.
    pub fn ask(
        &self,
        part: &'static str,
        why: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) {
        self.asked
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push((part, Box::new(why)));
    }

    /// One line `part: reason` for each part that is down; empty when the server is ready.
    pub fn problems(&self) -> String {
        // The map is whole even if a thread panicked while it held the lock.
        let parts = self.parts.read().unwrap_or_else(PoisonError::into_inner);
        let mut lines = String::new();
        for (part, reason) in parts
            .iter()
            .filter_map(|(part, why)| Some((part, why.as_ref()?)))
        {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{part}: {reason}");
        }
        let asked = self.asked.read().unwrap_or_else(PoisonError::into_inner);
        for (part, reason) in asked.iter().filter_map(|(part, why)| Some((part, why()?))) {
            let _ = writeln!(lines, "{part}: {reason}");
        }
        lines
    }

    fn set(&self, part: &'static str, reason: Option<String>) {
        self.parts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(part, reason);
    }
}

/// The three paths on one router.
pub fn routes(health: Health, metrics: PrometheusHandle) -> Router {
    health_routes(health).merge(metrics_routes(metrics))
}

/// `/healthz` and `/readyz`.
pub fn health_routes(health: Health) -> Router {
    let ready = move || {
        let problems = health.problems();
        async move {
            if problems.is_empty() {
                text(StatusCode::OK, PLAIN, "ready\n".to_owned())
            } else {
                text(StatusCode::SERVICE_UNAVAILABLE, PLAIN, problems)
            }
        }
    };
    Router::new()
        .route(
            "/healthz",
            get(|| async { text(StatusCode::OK, PLAIN, "ok\n".to_owned()) }),
        )
        .route("/readyz", get(ready))
}

/// `/metrics`, for a listener of its own.
pub fn metrics_routes(metrics: PrometheusHandle) -> Router {
    let render = move || {
        let page = metrics.render();
        async move { text(StatusCode::OK, EXPOSITION, page) }
    };
    Router::new().route("/metrics", get(render))
}

const PLAIN: &str = "text/plain; charset=utf-8";
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

fn text(status: StatusCode, content_type: &'static str, body: String) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body)
}

/// A recorder that knows the rows of [`metric::ROWS`]; not yet the process's.
#[expect(
    clippy::expect_used,
    reason = "refused for empty bounds alone, and the rows are constants"
)]
pub fn recorder() -> PrometheusRecorder {
    let mut builder = PrometheusBuilder::new();
    for row in metric::ROWS {
        if let Kind::Histogram(bounds) = row.kind {
            let matcher = Matcher::Full(row.name.to_owned());
            builder = builder
                .set_buckets_for_metric(matcher, bounds)
                .expect("bounds of a row are not empty");
        }
    }
    let recorder = builder.build_recorder();
    metrics::with_local_recorder(&recorder, || {
        for row in metric::ROWS {
            match row.kind {
                Kind::Counter => metrics::describe_counter!(row.name, row.help),
                Kind::Gauge => metrics::describe_gauge!(row.name, row.help),
                Kind::Histogram(_) => metrics::describe_histogram!(row.name, row.help),
            }
        }
    });
    recorder
}

/// Why observation could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The process has a metrics recorder already.
    #[error("expected to set up metrics once in a process, found them set up")]
    Metrics,
    /// The process has a log already.
    #[error("expected to set up the log once in a process, found it set up")]
    Log,
    /// The filter cannot be read.
    #[error("expected a log filter like 'info' or 'info,wcapd::cap=debug', found '{0}'")]
    Filter(String),
    /// The file of the audit log cannot be written.
    #[error("cannot write the audit log {}: {reason}", path.display())]
    Audit {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The format has no such name.
    #[error("expected the log format 'text' or 'json', found '{0}'")]
    Format(String),
}

/// Makes a [`recorder`] the process's own. Once per process; [`upkeep`] must run beside it.
pub fn install_metrics() -> Result<PrometheusHandle, SetupError> {
    let recorder = recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| SetupError::Metrics)?;
    Ok(handle)
}

/// Keeps the memory of histograms bounded until `shutdown` turns true or its sender is gone.
pub async fn upkeep(metrics: PrometheusHandle, mut shutdown: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            _ = shutdown.wait_for(|&stop| stop) => return,
            _ = ticks.tick() => metrics.run_upkeep(),
        }
    }
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people, in colour on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = SetupError;

    fn from_str(name: &str) -> Result<Self, SetupError> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(SetupError::Format(name.to_owned())),
        }
    }
}

/// Sends the process's log to standard error. Once per process.
///
/// `filter` is a least level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or levels per module.
/// With `audit` the audit log goes to that file, one JSON object a line, and not to standard error.
pub fn install_log(
    filter: &str,
    format: LogFormat,
    audit: Option<&Path>,
) -> Result<(), SetupError> {
    let colours = std::io::stderr().is_terminal();
    let audit = audit.map(AuditFile::open).transpose()?;
    let log = log(filter, format, colours, std::io::stderr, audit)?;
    tracing::subscriber::set_global_default(log).map_err(|_| SetupError::Log)
}

/// The file of the audit log. It is opened for each line, so that it may be moved away at any time.
#[derive(Debug, Clone)]
struct AuditFile(PathBuf);

impl AuditFile {
    /// The file, made if missing.
    fn open(path: &Path) -> Result<Self, SetupError> {
        let file = Self(path.to_owned());
        let opened = file.append().map(|_| ());
        opened.map_err(|cause| SetupError::Audit {
            path: path.to_owned(),
            reason: cause.to_string(),
        })?;
        Ok(file)
    }

    fn append(&self) -> std::io::Result<File> {
        let mut options = File::options();
        options.create(true).append(true).mode(0o600).open(&self.0)
    }
}

impl MakeWriter<'_> for AuditFile {
    type Writer = Box<dyn std::io::Write>;

    fn make_writer(&self) -> Self::Writer {
        match self.append() {
            Ok(file) => Box::new(file),
            // Better among the other lines than nowhere.
            Err(_) => Box::new(std::io::stderr()),
        }
    }
}

/// A log that writes to `writer`.
fn log<W>(
    filter: &str,
    format: LogFormat,
    colours: bool,
    writer: W,
    audit: Option<AuditFile>,
) -> Result<Box<dyn Subscriber + Send + Sync>, SetupError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|_| SetupError::Filter(filter.to_owned()))?;
    let elsewhere = audit.is_some();
    let is_audit = |metadata: &tracing::Metadata<'_>| metadata.target() == TARGET;
    let here = filter_fn(move |metadata| !(elsewhere && is_audit(metadata)));
    let log = fmt::layer().with_writer(writer).with_ansi(colours);
    let log = match format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    // The audit log does not depend on the level of the other one.
    let audit = audit.map(|file| {
        let lines = fmt::layer().with_writer(file).with_ansi(false);
        lines
            .json()
            .flatten_event(true)
            .with_filter(filter_fn(is_audit))
    });
    let log = log.with_filter(filter).with_filter(here);
    Ok(Box::new(
        tracing_subscriber::registry().with(log).with(audit),
    ))
}

#[cfg(test)]
mod tests;
