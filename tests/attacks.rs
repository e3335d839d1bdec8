//! Attacks that were tried, each a test. SECURITY.md names them in a table, and a test here holds that table to
//! what exists. Attacks through a directory are in `tests/ldap.rs`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
#[path = "attacks/content.rs"]
mod content;
#[path = "attacks/domains.rs"]
mod domains;
#[path = "attacks/logins.rs"]
mod logins;
#[path = "attacks/passwords.rs"]
mod passwords;
#[path = "attacks/requests.rs"]
mod requests;
#[path = "attacks/sessions.rs"]
mod sessions;

use std::collections::BTreeSet;
use std::path::Path;

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use wcapd::core::Core;

use common::transcript::World as _;
use common::world::Demo;

/// The doors of a server in this process, over a store in memory.
struct Target {
    runtime: Runtime,
    router: axum::Router,
    core: Core,
}

/// What came back.
struct Answer {
    head: http::response::Parts,
    text: String,
}

impl Answer {
    fn errno(&self) -> &str {
        let mut lines = self.text.lines();
        let errno = lines.find_map(|line| line.trim().strip_prefix("X-NSCP-WCAP-ERRNO:"));
        errno.unwrap_or_else(|| panic!("no errno in {}", self.text))
    }

    /// What an outsider can tell answers apart by: all but the time and lengths that follow from it.
    fn whole(&self) -> String {
        let mut headers: Vec<String> = self
            .head
            .headers
            .iter()
            .filter(|(name, _)| *name != "date" && *name != "last-modified")
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        format!("{}\n{headers:?}\n{}", self.head.status, self.text)
    }
}

impl Target {
    /// One with these settings, each a key and its value, and these `@` lines carried out.
    fn new(settings: &[&str], lines: &[&str]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (router, core) = {
            let mut demo = Demo::new(&runtime);
            let settings = settings.iter().map(|setting| format!("set {setting}"));
            for line in settings.chain(lines.iter().map(|&line| line.to_owned())) {
                let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
                demo.directive(&words).unwrap();
            }
            (demo.router(), demo.core().clone())
        };
        Self {
            runtime,
            router,
            core,
        }
    }

    fn send(&self, request: Request<Body>) -> Answer {
        self.runtime.block_on(async {
            let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
            let (head, body) = response.into_parts();
            let octets = body.collect().await.unwrap().to_bytes();
            let text = String::from_utf8_lossy(&octets).into_owned();
            Answer { head, text }
        })
    }

    fn get(&self, target: &str) -> Answer {
        let request = Request::get(target).header("host", "localhost");
        self.send(request.body(Body::empty()).unwrap())
    }

    fn post(&self, target: &str, media: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(target)
            .header("host", "localhost")
            .header("content-type", media);
        self.send(request.body(body.into()).unwrap())
    }

    /// Logs in over WCAP; the session's id.
    fn log_in(&self, name: &str) -> String {
        let answer = self.get(&format!("/login.wcap?user={name}&password={name}"));
        let mut lines = answer.text.lines();
        let id = lines.find_map(|line| line.strip_prefix("X-NSCP-WCAP-SESSION-ID:"));
        id.expect("a session id").trim().to_owned()
    }
}

/// The names of the tests of a file, and the module they are in.
fn tests_of(file: &Path, module: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    let mut found = BTreeSet::new();
    while let Some(line) = lines.next() {
        if line.trim() == "#[test]"
            && let Some(name) = lines.next().and_then(|line| line.strip_prefix("fn "))
        {
            let name = name.split('(').next().unwrap();
            found.insert(format!("{module}::{name}"));
        }
    }
    found
}

#[test]
fn the_table_names_every_attack() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    for module in [
        "passwords",
        "logins",
        "sessions",
        "requests",
        "content",
        "domains",
    ] {
        let file = top.join(format!("tests/attacks/{module}.rs"));
        tests.extend(tests_of(&file, module));
    }
    assert!(tests.len() > 15, "{tests:?}");
    let page = std::fs::read_to_string(top.join("SECURITY.md")).unwrap();
    let named: BTreeSet<String> = page
        .split('`')
        .filter(|word| word.contains("::") && !word.contains(' '))
        .map(str::to_owned)
        .collect();
    assert_eq!(named, tests);
}
