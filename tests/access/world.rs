//! The WCAP door over a store in memory, asked in this process.

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use wcapd::core::{Caller, Client, Core};
use wcapd::model::calendar::CalendarProperties;

use crate::callers::Login;
use crate::common::transcript::World as _;
use crate::common::world::Demo;

/// What is asked, `{id}` and the like already filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Such as `version.wcap?fmt-out=text/xml`.
    pub(crate) target: String,
    /// A body and its media type; with one the request is a POST.
    pub(crate) body: Option<(String, String)>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Names and values, `name: value`.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first result number in it; 0 when there is none, as clients take it.
    pub(crate) fn errno(&self) -> i32 {
        let text = self.text();
        let Some((_, rest)) = text.split_once("X-NSCP-WCAP-ERRNO") else {
            return 0;
        };
        let number: String = rest
            .chars()
            .skip_while(|c| !c.is_ascii_digit() && *c != '-')
            .take_while(|c| c.is_ascii_digit() || *c == '-')
            .collect();
        number.parse().expect("a number follows")
    }
}

/// A server with the users the tests are about. `tom` owns the calendars that are asked for.
pub(crate) struct Server {
    runtime: Runtime,
    router: Router,
    core: Core,
}

impl Server {
    /// One with these settings, each a key and its value, and these `@` lines carried out.
    pub(crate) fn new(settings: &[&str], lines: &[&str]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (router, core) = {
            let mut demo = Demo::new(&runtime);
            for line in settings.iter().map(|s| format!("set {s}")) {
                carry_out(&mut demo, &line);
            }
            for line in lines {
                carry_out(&mut demo, line);
            }
            (demo.router(), demo.core().clone())
        };
        Self {
            runtime,
            router,
            core,
        }
    }

    /// The core behind the door.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Who stands behind a login; none without a session.
    pub(crate) fn caller(&self, login: Login) -> Option<Caller> {
        let core = &self.core;
        match login {
            Login::None => None,
            Login::Anonymous | Login::Dead => Some(Caller::Anonymous),
            Login::User(name) => Some(core.login(name, name, Client::UNKNOWN).unwrap().0),
            Login::ForTom => {
                let (tom, _) = core.login_as("ann", "ann", "tom", Client::UNKNOWN).unwrap();
                Some(tom)
            }
        }
    }

    /// The id of a new session of theirs, which has ended where the login says so.
    pub(crate) fn token(&self, login: Login, caller: &Caller) -> Option<String> {
        let token = self.core.begin_session(caller, Client::UNKNOWN).unwrap();
        if login == Login::Dead {
            self.core.logout(&token).unwrap();
        }
        Some(token)
    }

    /// Gives a calendar of tom's an access list.
    pub(crate) fn set_acl(&self, calid: &str, acl: &str) {
        let change = |calendar: &mut CalendarProperties| {
            let entries = acl.split(';').filter(|entry| !entry.is_empty());
            calendar.acl = entries.map(str::to_owned).collect();
        };
        self.core.change_calendar(calid, change).unwrap();
    }

    /// Stores the objects of a calendar file, all of which are sound.
    pub(crate) fn import(&self, calid: &str, file: &str) {
        let upload = self.core.read_upload(file.as_bytes());
        let done = self
            .core
            .import(&Caller::System, calid, upload, None, |_| ());
        let done = done.expect("the file is stored");
        assert!(done.faults.is_empty(), "{:?}", done.faults);
    }

    /// What is stored in a calendar.
    pub(crate) fn contents(&self, calid: &str) -> Vec<String> {
        let mut found = Vec::new();
        let core = &self.core;
        core.export_stamped(&Caller::System, Some(calid), None, |object, stamps| {
            found.push(format!("{object:?} {stamps:?}"));
        })
        .expect("the calendar is there");
        found
    }

    /// Asks.
    pub(crate) fn ask(&self, ask: &Ask) -> Answer {
        let request = Request::builder().uri(format!("/{}", ask.target));
        let request = match &ask.body {
            None => request.body(Body::empty()),
            Some((media, body)) => request
                .method("POST")
                .header("content-type", media)
                .body(Body::from(body.clone())),
        };
        let request = request.unwrap_or_else(|fault| panic!("{ask:?}: {fault}"));
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200, "{ask:?}");
            let headers = response.headers().iter();
            let headers = headers
                .map(|(name, value)| {
                    format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
                })
                .collect();
            let body = response.into_body().collect().await.unwrap();
            Answer {
                headers,
                body: body.to_bytes().to_vec(),
            }
        })
    }
}

fn carry_out(demo: &mut Demo<'_>, line: &str) {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    demo.directive(&words)
        .unwrap_or_else(|reason| panic!("{line}: {reason}"));
}
