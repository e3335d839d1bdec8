//! The names of all metrics, one row each. Who counts takes the name from here and hands it to the macros of
//! the `metrics` crate; how the numbers are collected and shown is the business of `observe`.

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations up to each of these bounds, ascending.
    Histogram(&'static [f64]),
}

/// One metric, as the exposition and the documentation see it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The name; counters end in `_total`, durations in `_seconds`.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its labels. Their values are few and ours: never text that a client chose.
    pub labels: &'static [&'static str],
    /// What it counts, for people.
    pub help: &'static str,
}

/// Bounds for times in seconds, from a cached answer to a long import.
const SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0,
];
/// Bounds for writes that share a flush.
const WRITES: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];

macro_rules! metrics {
    ($(#[doc = $help:literal] $constant:ident = $name:literal, $kind:expr, $labels:expr;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        /// All metrics, in the order of the documentation.
        pub const ROWS: &[Row] = &[$(
            Row { name: $name, kind: $kind, labels: &$labels, help: $help.trim_ascii() },
        )*];
    };
}

metrics! {
    /// WCAP requests answered, by command (`unknown` for names that are none) and errno.
    HTTP_REQUESTS = "wcapd_http_requests_total", Kind::Counter, ["command", "errno"];
    /// Seconds from the end of a WCAP request's header to its answer, by command.
    HTTP_REQUEST_SECONDS = "wcapd_http_request_seconds", Kind::Histogram(SECONDS), ["command"];
    /// Logins refused for a wrong name or password.
    LOGINS_FAILED = "wcapd_logins_failed_total", Kind::Counter, [];
    /// Password hashes computed to check a login, for unknown names too.
    PASSWORD_HASHES = "wcapd_password_hashes_total", Kind::Counter, [];
    /// CAP connections accepted, by outcome: `served` or `busy`.
    CAP_CONNECTIONS_TOTAL = "wcapd_cap_connections_total", Kind::Counter, ["outcome"];
    /// CAP connections open now.
    CAP_CONNECTIONS = "wcapd_cap_connections", Kind::Gauge, [];
    /// Durable commits of the store; each may hold many writes.
    STORE_COMMITS = "wcapd_store_commits_total", Kind::Counter, [];
    /// Writes that shared one durable commit.
    STORE_BATCH_WRITES = "wcapd_store_batch_writes", Kind::Histogram(WRITES), [];
    /// Seconds that a durable commit took, its flush included.
    STORE_COMMIT_SECONDS = "wcapd_store_commit_seconds", Kind::Histogram(SECONDS), [];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_custom() {
        for (at, row) in ROWS.iter().enumerate() {
            let name = row.name;
            assert!(name.starts_with("wcapd_"), "{name}");
            assert!(
                name.bytes()
                    .all(|octet| octet.is_ascii_lowercase() || octet == b'_'),
                "{name}"
            );
            assert_eq!(
                name.ends_with("_total"),
                row.kind == Kind::Counter,
                "{name}"
            );
            assert_eq!(
                name.ends_with("_seconds"),
                row.kind == Kind::Histogram(SECONDS),
                "{name}"
            );
            assert!(row.help.ends_with('.'), "{name}");
            assert!(ROWS[..at].iter().all(|other| other.name != name), "{name}");
        }
    }

    #[test]
    fn bounds_ascend() {
        assert!(!SECONDS.is_empty() && !WRITES.is_empty());
        assert!(SECONDS.is_sorted_by(|a, b| a < b) && WRITES.is_sorted_by(|a, b| a < b));
    }
}
