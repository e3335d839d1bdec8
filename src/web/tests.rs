//! The pages through their router: who sees what, and that nothing stored becomes markup.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use tower::ServiceExt;

use super::*;
use crate::core::testing::core;
use crate::core::{Caller, accounts::NewUser};

/// A browser: the router and the cookie it was given last.
struct Browser {
    router: Router,
    cookie: Option<String>,
}

/// What came back.
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

fn browser() -> (Core, Browser) {
    let (core, _) = core();
    let new = NewUser {
        name: "tom".into(),
        ..NewUser::default()
    };
    core.add_user(&new, Some("tom")).unwrap();
    let router = router(core.clone(), Dispatch::new(4, true)).unwrap();
    (
        core,
        Browser {
            router,
            cookie: None,
        },
    )
}

impl Browser {
    async fn send(
        &mut self,
        method: Method,
        path: &str,
        form: &str,
        more: &[(&str, &str)],
    ) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "cal.test:8080");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        if let Some(set) = head.headers.get("set-cookie") {
            self.cookie = set.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Page {
            status: head.status,
            headers: head.headers,
            text,
        }
    }

    async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, "", &[]).await
    }

    async fn log_in(&mut self, user: &str, password: &str) -> Page {
        let form = format!("user={user}&password={password}");
        self.send(Method::POST, "/login", &form, &[]).await
    }
}

fn goes_to(page: &Page) -> &str {
    page.headers
        .get("location")
        .map_or("", |to| to.to_str().unwrap())
}

#[tokio::test]
async fn one_logs_in_looks_and_logs_out() {
    let (_, mut browser) = browser();
    assert_eq!(goes_to(&browser.get("/app/").await), "/login");
    assert!(
        browser
            .get("/login")
            .await
            .text
            .contains("name=\"password\"")
    );
    let refused = browser.log_in("tom", "wrong").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.text.contains("do not fit") && refused.text.contains("value=\"tom\""));
    let admitted = browser.log_in("TOM%40localhost", "tom").await;
    assert_eq!(goes_to(&admitted), "/app/");
    let cookie = admitted.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    let page = browser.get("/app/").await;
    assert_eq!(page.status, StatusCode::OK);
    let shown = page.text.replace("&#x2f;", "/");
    assert!(
        shown.contains("http://cal.test:8080/wcap/login.wcap"),
        "{shown}"
    );
    assert!(page.text.contains("Nothing is planned"));
    let kept = browser.cookie.clone();
    assert_eq!(
        goes_to(&browser.send(Method::POST, "/logout", "", &[]).await),
        "/login"
    );
    browser.cookie = kept;
    assert_eq!(goes_to(&browser.get("/app/").await), "/login");
}

#[tokio::test]
async fn whoever_guesses_is_told_to_wait() {
    let (_, mut browser) = browser();
    for _ in 0..6 {
        let page = browser.log_in("tom", "wrong").await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    }
    let page = browser.log_in("tom", "tom").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.headers["retry-after"], "1");
    assert!(page.text.contains("too many attempts"), "{}", page.text);
}

#[tokio::test]
async fn a_session_known_before_the_login_opens_nothing() {
    let (_, mut browser) = browser();
    browser.log_in("tom", "tom").await;
    let first = browser.cookie.clone();
    browser.log_in("tom", "tom").await;
    assert_ne!(browser.cookie, first);
    browser.cookie = first;
    assert_eq!(goes_to(&browser.get("/app/").await), "/login");
}

#[tokio::test]
async fn other_sites_cannot_post_here() {
    let (_, mut browser) = browser();
    let form = "user=tom&password=tom";
    for foreign in [
        ("origin", "http://evil.test"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let page = browser.send(Method::POST, "/login", form, &[foreign]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{foreign:?}");
    }
    let own = [("origin", "http://cal.test:8080")];
    let page = browser.send(Method::POST, "/login", form, &own).await;
    assert_eq!(goes_to(&page), "/app/");
}

#[tokio::test]
async fn nothing_stored_becomes_markup() {
    let (core, mut browser) = browser();
    let start = core.now().plus(86_400);
    let nasty = "<script>alert(1)</script>\\n\\\"'&<img src=x onerror=alert(2)>";
    let text = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:{start}\r\nDTSTART:{start}\r\n\
         SUMMARY:{nasty}\r\nLOCATION:{nasty}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let upload = core.read_upload(text.as_bytes());
    let stored = core
        .import(&Caller::System, "tom", upload, None, |_| ())
        .unwrap();
    assert_eq!(stored.stored, 1);
    core.change_calendar("tom", |p| p.name = "<b>&\"'".into())
        .unwrap();
    browser.log_in("tom", "tom").await;
    let page = browser.get("/app/").await;
    assert!(page.text.contains("&lt;script&gt;"), "{}", page.text);
    for markup in ["<script", "<img src=x", "<b>&"] {
        assert!(!page.text.contains(markup), "{markup}");
    }
    let refused = browser.log_in("%3Cscript%3E%22", "x").await;
    assert!(!refused.text.contains("<script"));
}

#[tokio::test]
async fn the_list_says_when_things_begin_and_end() {
    let (core, mut browser) = browser();
    core.change_calendar("tom", |p| p.tzid = "UTC".into())
        .unwrap();
    let text = "BEGIN:VCALENDAR\r\n\
        BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:19700101T000000Z\r\nDTSTART:19700113T100000Z\r\nDURATION:PT90M\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:19700101T000000Z\r\nDTSTART:19700113T230000Z\r\nDTEND:19700114T010000Z\r\n\
        RRULE:FREQ=DAILY;COUNT=2\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:3\r\nDTSTAMP:19700101T000000Z\r\nDTSTART;VALUE=DATE:19700112\r\nDTEND;VALUE=DATE:19700120\r\nEND:VEVENT\r\n\
        BEGIN:VTODO\r\nUID:4\r\nDTSTAMP:19700101T000000Z\r\nSUMMARY:rest\r\nEND:VTODO\r\nEND:VCALENDAR\r\n";
    core.import(
        &Caller::System,
        "tom",
        core.read_upload(text.as_bytes()),
        None,
        |_| (),
    )
    .unwrap();
    browser.log_in("tom", "tom").await;
    let page = browser.get("/app/").await.text;
    let wanted = [
        "Monday, 12 January",
        "all day",
        "Tuesday, 13 January",
        "10:00-11:30",
        "23:00-14 Jan 01:00",
        "Wednesday, 14 January",
        "23:00-15 Jan 01:00",
        "Some day",
        "rest",
    ];
    let mut from = 0;
    for text in wanted {
        let at = page[from..].find(text);
        from += at.unwrap_or_else(|| panic!("{text} is not there, or not in order: {page}"));
    }
}

#[tokio::test]
async fn pages_say_what_browsers_may_do_with_them() {
    let (_, mut browser) = browser();
    let page = browser.get("/login").await;
    for (name, value) in [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.headers[name], value, "{name}");
    }
    let style = browser.get("/static/wcapd.css").await;
    assert_eq!(style.headers["content-type"], "text/css");
    let tag = style.headers["etag"].to_str().unwrap().to_owned();
    let known = browser
        .send(
            Method::GET,
            "/static/wcapd.css",
            "",
            &[("if-none-match", &tag)],
        )
        .await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    for missing in ["/static/none", "/static/../Cargo.toml", "/static/"] {
        assert_eq!(
            browser.get(missing).await.status,
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
}

#[tokio::test]
async fn a_host_header_does_not_get_into_commands() {
    let (_, mut browser) = browser();
    browser.log_in("tom", "tom").await;
    let page = browser
        .send(Method::GET, "/app/", "", &[("host", "x';rm -rf ~;'")])
        .await;
    assert!(!page.text.contains("rm -rf"));
    let large = format!("user={}&password=x", "u".repeat(FORM_MAX));
    let refused = browser.send(Method::POST, "/login", &large, &[]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// A form that does not end is not waited for.
#[tokio::test]
async fn a_slow_form_is_given_up() {
    let mut settings = crate::core::testing::settings();
    settings.limits.body_time = std::time::Duration::from_millis(20);
    let (core, _) = crate::core::testing::core_with(settings);
    let router = router(core, Dispatch::new(4, true)).unwrap();
    for path in ["/login", "/logout"] {
        let request =
            Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let request = request.body(Body::from_stream(never));
        let response = router.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT, "{path}");
        assert_eq!(response.headers()["connection"], "close");
    }
}
