#![expect(clippy::unwrap_used, reason = "tests")]

use std::io;
use std::sync::Mutex;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;

/// Status, content type and body of a GET.
async fn get(router: &Router, path: &str) -> (u16, String, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers();
    let content_type = headers
        .get("content-type")
        .map(|value| value.to_str().unwrap().to_owned());
    assert!(status == 404 || headers["cache-control"] == "no-store");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (
        status,
        content_type.unwrap_or_default(),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn healthy_is_not_yet_ready() {
    let health = Health::new(["store", "http"]);
    let router = health_routes(health.clone());
    assert_eq!(
        get(&router, "/healthz").await,
        (200, PLAIN.to_owned(), "ok\n".to_owned())
    );
    let starting = "http: starting\nstore: starting\n".to_owned();
    assert_eq!(
        get(&router, "/readyz").await,
        (503, PLAIN.to_owned(), starting)
    );
    health.up("store");
    assert_eq!(get(&router, "/readyz").await.2, "http: starting\n");
    health.up("http");
    assert_eq!(
        get(&router, "/readyz").await,
        (200, PLAIN.to_owned(), "ready\n".to_owned())
    );
    health.down("store", "no space left");
    assert_eq!(get(&router, "/readyz").await.2, "store: no space left\n");
    assert_eq!(get(&router, "/metrics").await.0, 404);
}

#[tokio::test]
async fn metrics_show_what_was_counted() {
    let recorder = recorder();
    let router = routes(Health::default(), recorder.handle());
    metrics::with_local_recorder(&recorder, || {
        for errno in ["0", "0", "28"] {
            metrics::counter!(metric::HTTP_REQUESTS, "command" => "ping", "errno" => errno)
                .increment(1);
        }
        metrics::gauge!(metric::CAP_CONNECTIONS).set(3.0);
        metrics::histogram!(metric::STORE_BATCH_WRITES).record(3.0);
    });
    let (status, content_type, page) = get(&router, "/metrics").await;
    assert_eq!((status, content_type.as_str()), (200, EXPOSITION));
    let lines: Vec<_> = page.lines().collect();
    for line in [
        "# HELP wcapd_http_requests_total WCAP requests answered, by command (`unknown` for names that \
         are none) and errno.",
        "# TYPE wcapd_http_requests_total counter",
        "wcapd_http_requests_total{command=\"ping\",errno=\"0\"} 2",
        "wcapd_http_requests_total{command=\"ping\",errno=\"28\"} 1",
        "# TYPE wcapd_cap_connections gauge",
        "wcapd_cap_connections 3",
        "# TYPE wcapd_store_batch_writes histogram",
        "wcapd_store_batch_writes_bucket{le=\"2\"} 0",
        "wcapd_store_batch_writes_bucket{le=\"4\"} 1",
        "wcapd_store_batch_writes_count 1",
    ] {
        assert!(lines.contains(&line), "expected {line} in\n{page}");
    }
}

/// Every histogram is shown with the bounds of its row.
#[test]
fn histograms_have_their_bounds() {
    let recorder = recorder();
    metrics::with_local_recorder(&recorder, || {
        for row in metric::ROWS {
            if let Kind::Histogram(_) = row.kind {
                metrics::histogram!(row.name).record(0.0);
            }
        }
    });
    let page = recorder.handle().render();
    for row in metric::ROWS {
        if let Kind::Histogram(bounds) = row.kind {
            let bucket = format!("{}_bucket{{", row.name);
            // And one without a bound.
            assert_eq!(
                page.matches(&bucket).count(),
                bounds.len() + 1,
                "{}",
                row.name
            );
        }
    }
}

#[tokio::test]
async fn upkeep_ends_with_the_server() {
    let (stop, stopping) = watch::channel(false);
    stop.send(true).unwrap();
    upkeep(recorder().handle(), stopping).await;
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(filter: &str, format: LogFormat) -> String {
    let page = Page::default();
    let writer = page.clone();
    let log = log(filter, format, false, move || writer.clone(), None).unwrap();
    tracing::subscriber::with_default(log, || {
        tracing::info!(calid = "tom\nroot", "stored");
        tracing::debug!("not asked for");
    });
    String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
}

/// Text that a client chose cannot begin a line of its own.
#[test]
fn a_log_line_is_one_line() {
    let text = logged("info", LogFormat::Text);
    assert!(
        text.ends_with(" INFO wcapd::observe::tests: stored calid=\"tom\\nroot\"\n"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
    let json = logged("warn,wcapd::observe=info", LogFormat::Json);
    assert!(
        json.contains("\"message\":\"stored\",\"calid\":\"tom\\nroot\""),
        "{json}"
    );
    assert_eq!(json.lines().count(), 1);
    assert_eq!(logged("warn", LogFormat::Text), "");
}

#[test]
fn what_cannot_be_set_up_is_said() {
    let error = |filter| {
        log(filter, LogFormat::Text, false, io::sink, None)
            .err()
            .unwrap()
            .to_string()
    };
    assert_eq!(
        error("wcapd=loud"),
        "expected a log filter like 'info' or 'info,wcapd::cap=debug', found 'wcapd=loud'"
    );
    assert_eq!("json".parse::<LogFormat>().unwrap(), LogFormat::Json);
    assert_eq!(
        "xml".parse::<LogFormat>().unwrap_err().to_string(),
        "expected the log format 'text' or 'json', found 'xml'"
    );
}

#[test]
fn the_audit_log_goes_elsewhere_whole() {
    use crate::core::audit::{Deed, deed};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.json");
    let page = Page::default();
    let writer = page.clone();
    let file = AuditFile::open(&path).unwrap();
    let log = log(
        "warn",
        LogFormat::Text,
        false,
        move || writer.clone(),
        Some(file),
    )
    .unwrap();
    let note = |calendar| {
        deed(&Deed {
            caller: &crate::core::Caller::System,
            client: crate::core::Client::of([192, 0, 2, 1].into()),
            door: "wcap",
            what: "deletecalendar",
            calendar,
            outcome: "28",
        });
    };
    tracing::subscriber::with_default(log, || {
        note("tom\n{\"outcome\":\"done\"}");
        std::fs::rename(&path, folder.path().join("audit.1")).unwrap();
        note("jerry");
        tracing::warn!("something else");
    });
    let first = std::fs::read_to_string(folder.path().join("audit.1")).unwrap();
    let second = std::fs::read_to_string(&path).unwrap();
    assert_eq!((first.lines().count(), second.lines().count()), (1, 1));
    let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&first).unwrap();
    for (name, value) in [
        ("who", "operator"),
        ("client", "192.0.2.1"),
        ("door", "wcap"),
        ("what", "deletecalendar"),
        ("outcome", "28"),
    ] {
        assert_eq!(line[name], value, "{first}");
    }
    let rest = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert!(
        rest.contains("something else") && !rest.contains("deletecalendar"),
        "{rest}"
    );
    assert!(AuditFile::open(&folder.path().join("no/such/folder")).is_err());
}
