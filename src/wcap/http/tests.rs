//! The door as a client sees it, without sockets: bytes of answers, headers, and which error comes first.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::core::Settings;
use crate::core::accounts::NewUser;
use crate::core::testing::{core_with, settings};
use crate::wcap::reply::PRODID;

const NOW: Timestamp = Timestamp(1_039_895_297);
const DATE: &str = "Sat, 14 Dec 2002 19:48:17 GMT";

fn router_with(limits: Limits) -> Router {
    let (core, clock) = core_with(Settings {
        limits,
        ..settings()
    });
    clock.set(NOW);
    let tom = NewUser {
        name: "tom".into(),
        ..NewUser::default()
    };
    core.add_user(&tom, Some("secret & more")).unwrap();
    let prefixes = ["/wcap/", "/", "/davserver/wcap/"].map(str::to_owned);
    let options = Options {
        public_url: None,
        prefixes: prefixes.into(),
        compatibility: Compatibility::default(),
    };
    router(core, Dispatch::new(4, true), &options)
}

fn small() -> Limits {
    Limits {
        value_length: 1_000,
        parameters: 20,
        request_body: 3_000,
        calids: 2,
        guids: 3,
        body_time: Duration::from_millis(1),
        ..Limits::default()
    }
}

/// Status, headers and body of the answer.
async fn send(router: &Router, request: Request) -> (StatusCode, HeaderMap, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        parts.status,
        parts.headers,
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

fn get_request(target: &str) -> Request {
    Request::get(target).body(Body::empty()).unwrap()
}

async fn get(router: &Router, target: &str) -> String {
    send(router, get_request(target)).await.2
}

fn post(target: &str, content_type: &str, body: impl Into<Body>) -> Request {
    let builder = Request::post(target).header(header::CONTENT_TYPE, content_type);
    builder.body(body.into()).unwrap()
}

const FORM: &str = "application/x-www-form-urlencoded";

/// A reply of nothing but a number, as `text/calendar`.
fn number(errno: i32) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nPRODID:{PRODID}\r\nMETHOD:PUBLISH\r\nVERSION:2.0\r\n\
         X-NSCP-WCAP-ERRNO:{errno}\r\nEND:VCALENDAR\r\n"
    )
}

/// The same as `text/xml`.
fn number_xml(errno: i32) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<iCalendar>\n\
         <iCal version=\"2.0\" prodid=\"{PRODID}\" METHOD=\"PUBLISH\">\n\
         <X-NSCP-WCAP-ERRNO>{errno}</X-NSCP-WCAP-ERRNO>\n</iCal>\n</iCalendar>\n"
    )
}

#[tokio::test]
async fn version_in_every_format() {
    let router = router_with(small());
    let version = env!("CARGO_PKG_VERSION");
    let text = get(&router, "/wcap/version.wcap").await;
    let want = format!(
        "BEGIN:VCALENDAR\r\nPRODID:{PRODID}\r\nVERSION:2.0\r\nX-NSCP-WCAPVERSION:3.3.0\r\n\
         X-NSCP-SERVERVERSION:{version}\r\nX-NSCP-WCAP-ERRNO:0\r\nEND:VCALENDAR\r\n"
    );
    assert_eq!(text, want);
    let xml = get(&router, "/version.wcap?fmt-out=TEXT%2Fxml").await;
    let want = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<iCalendar>\n\
         <iCal version=\"2.0\" prodid=\"{PRODID}\">\n\
         <X-NSCP-WCAPVERSION>3.3.0</X-NSCP-WCAPVERSION>\n\
         <X-NSCP-SERVERVERSION>{version}</X-NSCP-SERVERVERSION>\n\
         <X-NSCP-WCAP-ERRNO>0</X-NSCP-WCAP-ERRNO>\n</iCal>\n</iCalendar>\n"
    );
    assert_eq!(xml, want);
    let json = get(&router, "/davserver/wcap/version.wcap?fmt-out=text/json").await;
    let want = format!(
        "{{\"iCalendar\":{{\"iCal\":[{{\"version\":\"2.0\",\"prodid\":\"{PRODID}\",\
         \"X-NSCP-WCAPVERSION\":\"3.3.0\",\"X-NSCP-SERVERVERSION\":\"{version}\",\
         \"X-NSCP-WCAP-ERRNO\":\"0\"}}]}}}}"
    );
    assert_eq!(json, want);
}

#[tokio::test]
async fn headers_forbid_keeping() {
    let router = router_with(small());
    let (status, headers, body) =
        send(&router, get_request("/wcap/version.wcap?fmt-out=text/xml")).await;
    assert_eq!(status, StatusCode::OK);
    let length = body.len().to_string();
    for (name, want) in [
        ("content-type", "text/xml; charset=UTF-8"),
        ("content-length", length.as_str()),
        ("date", DATE),
        ("last-modified", DATE),
        ("pragma", "no-cache"),
        ("expires", "0"),
        ("cache-control", "no-cache, no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(headers.get(name).unwrap(), want, "{name}");
    }
    assert!(headers.get("set-cookie").is_none());
    assert!(headers.get("connection").is_none());
}

#[tokio::test]
async fn guids_are_fresh_and_stand_first() {
    let router = router_with(small());
    let xml = get(
        &router,
        "/get_guids.wcap?fmt-out=text/xml&guidCount=2&id=dead",
    )
    .await;
    let first = xml.find("METHOD=\"PUBLISH\">\n<X-NSCP-GUID0>").unwrap();
    let guids: Vec<_> = xml[first..].lines().skip(1).take(2).collect();
    for (n, line) in guids.iter().enumerate() {
        let open = format!("<X-NSCP-GUID{n}>");
        let guid = line.strip_prefix(&open).unwrap().split('<').next().unwrap();
        assert_eq!(guid.len(), 32);
        assert!(guid.bytes().all(|b| b.is_ascii_hexdigit()));
    }
    assert_ne!(guids[0][14..46], guids[1][14..46]);
    let more = get(&router, "/get_guids.wcap?count=3").await;
    assert!(more.contains("X-NSCP-GUID2:") && !more.contains("X-NSCP-GUID3:"));
    for refused in ["count=4", "count=0", "count=x", "count=99999999999"] {
        let body = get(&router, &format!("/get_guids.wcap?{refused}")).await;
        assert_eq!(body, number(60), "{refused}");
    }
}

#[tokio::test]
async fn every_time_zone_is_told() {
    let router = router_with(small());
    let text = get(&router, "/wcap/get_all_timezones.wcap?id=dead").await;
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n"));
    assert!(text.ends_with("END:VTIMEZONE\r\nX-NSCP-WCAP-ERRNO:0\r\nEND:VCALENDAR\r\n"));
    for zone in ["Europe/Berlin", "America/Los_Angeles", "Asia/Amman", "UTC"] {
        assert!(text.contains(&format!("\r\nTZID:{zone}\r\n")), "{zone}");
    }
    let xml = get(&router, "/wcap/get_all_timezones.wcap?fmt-out=text/xml").await;
    let zones = text.matches("BEGIN:VTIMEZONE\r\n").count();
    assert!(zones > 400);
    assert_eq!(xml.matches("<TIMEZONE>\n<TZID>").count(), zones);
    assert!(text.len() < 2 << 20, "{}", text.len());
}

#[tokio::test]
async fn paths_that_are_no_commands_are_not_found() {
    let router = router_with(small());
    for target in [
        "/other/version.wcap",
        "/wcap/version",
        "/wcap/",
        "/x",
        "/wcap/a/version.wcap",
    ] {
        let (status, ..) = send(&router, get_request(target)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{target}");
    }
    let put = Request::put("/wcap/version.wcap")
        .body(Body::empty())
        .unwrap();
    let (status, headers, _) = send(&router, put).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(headers.get("allow").unwrap(), "GET, HEAD, POST");
}

#[tokio::test]
async fn heads_run_nothing() {
    let router = router_with(small());
    let sid = login(&router).await;
    let head = Request::head(format!("/wcap/logout.wcap?id={sid}&fmt-out=text/xml"));
    let (status, headers, body) = send(&router, head.body(Body::empty()).unwrap()).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    assert_eq!(
        headers.get("content-type").unwrap(),
        "text/xml; charset=UTF-8"
    );
    let check = get(&router, &format!("/wcap/check_id.wcap?id={sid}")).await;
    assert!(check.contains("X-NSCP-WCAP-CHECK-ID:1\r\n"));
}

#[tokio::test]
async fn errors_come_in_their_order() {
    let router = router_with(small());
    let long = "x".repeat(1_001);
    let many = "a=1&".repeat(21);
    for (target, want) in [
        ("/wcap/nonsense.wcap".to_owned(), number(52)),
        ("/wcap/Version.wcap".to_owned(), number(52)),
        (
            "/wcap/nonsense.wcap?fmt-out=text/xml&x=%zz".to_owned(),
            number_xml(52),
        ),
        ("/wcap/nonsense.wcap?fmt-out=text/js".to_owned(), number(52)),
        (
            "/wcap/version.wcap?fmt-out=text/js&x=%zz".to_owned(),
            number(58),
        ),
        ("/wcap/version.wcap?fmt-out=%zz".to_owned(), number(58)),
        (
            "/wcap/version.wcap?x=%zz&fmt-out=text/xml".to_owned(),
            number_xml(60),
        ),
        (
            "/wcap/version.wcap?%zz=1&fmt-out=text/xml".to_owned(),
            number_xml(60),
        ),
        ("/wcap/version.wcap?x=%FF".to_owned(), number(60)),
        (
            format!("/wcap/version.wcap?x={long}&fmt-out=text/xml"),
            number_xml(60),
        ),
        (format!("/wcap/version.wcap?{many}"), number(60)),
        // Broken encoding before the dead session, that before the missing calendar.
        ("/wcap/gettime.wcap?id=dead&x=%zz".to_owned(), number(60)),
        (
            "/wcap/gettime.wcap?id=dead&calid=nobody".to_owned(),
            number(1),
        ),
        ("/wcap/gettime.wcap?calid=nobody".to_owned(), number(29)),
        (
            "/wcap/gettime.wcap?calid=tom&tzidout=Mars".to_owned(),
            number(28),
        ),
        ("/wcap/logout.wcap".to_owned(), number(1)),
        (
            "/wcap/logout.wcap?id=dead&fmt-out=text/xml".to_owned(),
            number_xml(1),
        ),
        ("/wcap/login.wcap".to_owned(), number(60)),
        (
            "/wcap/login.wcap?user=tom&password=wrong".to_owned(),
            number(1),
        ),
    ] {
        let (status, headers, body) = send(&router, get_request(&target)).await;
        assert_eq!(status, StatusCode::OK, "{target}");
        assert_eq!(body, want, "{target}");
        assert!(headers.get("connection").is_none(), "{target}");
    }
}

async fn login(router: &Router) -> String {
    let body = get(
        router,
        "/wcap/login.wcap?user=tom&password=secret+%26%20more",
    )
    .await;
    let line = body
        .lines()
        .find(|l| l.starts_with("X-NSCP-WCAP-SESSION-ID:"));
    line.unwrap().split_once(':').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_session_begins_and_ends() {
    let router = router_with(small());
    let text = get(
        &router,
        "/wcap/login.wcap?user=tom&password=secret+%26+more",
    )
    .await;
    let sid = login(&router).await;
    assert_eq!(sid.len(), 32);
    let lines: Vec<_> = text.lines().skip(4).collect();
    assert!(lines[0].starts_with("X-NSCP-WCAP-SESSION-ID:"));
    assert_eq!(
        lines[1..],
        [
            "X-NSCP-WCAP-USER-ID:tom",
            "X-NSCP-WCAP-CALENDAR-ID:tom",
            "X-NSCP-RECURRENCE-BOUND:10000",
            "X-NSCP-WCAP-ERRNO:0",
            "END:VCALENDAR"
        ]
    );
    let time = get(&router, &format!("/wcap/gettime.wcap?appid=x&id={sid}")).await;
    assert!(time.contains("\r\nX-NSCP-WCAPTIME:20021214T194817Z\r\nX-NSCP-WCAP-ERRNO:0\r\n"));
    let zoned = format!("/wcap/gettime.wcap?id={sid}&calid=tom&tzidout=America%2FLos_Angeles");
    assert!(
        get(&router, &zoned)
            .await
            .contains("X-NSCP-WCAPTIME:20021214T114817\r\n")
    );
    let wrong = format!("/wcap/gettime.wcap?id={sid}&tzidout=Mars");
    assert_eq!(get(&router, &wrong).await, number(55));
    assert_eq!(
        get(&router, &format!("/wcap/ping.wcap?id={sid}")).await,
        number(76)
    );
    let logout = format!("/wcap/logout.wcap?id={sid}&fmt-out=text/xml");
    assert_eq!(get(&router, &logout).await, number_xml(-1));
    assert_eq!(get(&router, &logout).await, number_xml(1));
    let check = get(&router, &format!("/wcap/check_id.wcap?id={sid}")).await;
    assert!(check.contains("X-NSCP-WCAP-CHECK-ID:0\r\nX-NSCP-WCAP-ERRNO:0\r\n"));
}

#[tokio::test]
async fn bodies_count_and_win() {
    let router = router_with(Limits {
        body_time: Duration::from_secs(60),
        ..small()
    });
    let login = "user=tom&password=secret+%26+more\r\n";
    let target = "/wcap/login.wcap?user=nobody&fmt-out=text/xml";
    let (_, _, body) = send(&router, post(target, FORM, login)).await;
    assert!(
        body.contains("<X-NSCP-WCAP-USER-ID>tom</X-NSCP-WCAP-USER-ID>\n"),
        "{body}"
    );
    let parts = "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nsecret & more\r\n\
                 --b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\ntom\r\n\
                 --b\r\nContent-Disposition: form-data; name=\"Upload\"; filename=\"a.ics\"\r\n\r\nx\r\n--b--\r\n";
    let (_, _, body) = send(
        &router,
        post(target, "multipart/form-data; boundary=b", parts),
    )
    .await;
    assert!(
        body.contains("<X-NSCP-WCAP-ERRNO>0</X-NSCP-WCAP-ERRNO>"),
        "{body}"
    );
    for (content_type, content) in [
        (FORM, &b"x=%zz"[..]),
        (FORM, b"x=\xff"),
        ("multipart/form-data", b"x"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n",
        ),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--b--\r\n",
        ),
    ] {
        let request = post("/wcap/version.wcap?fmt-out=text/xml", content_type, content);
        let (status, headers, body) = send(&router, request).await;
        assert_eq!(
            (status, body),
            (StatusCode::OK, number_xml(60)),
            "{content_type}"
        );
        assert!(headers.get("connection").is_none());
    }
}

#[tokio::test]
async fn bodies_too_large_slow_or_cut_end_the_connection() {
    let mut limits = small();
    let refused = async |limits: &Limits, body: Body| {
        let router = router_with(limits.clone());
        let request = post("/wcap/version.wcap?fmt-out=text/xml", FORM, body);
        let (status, headers, body) = send(&router, request).await;
        assert_eq!((status, body), (StatusCode::OK, number_xml(60)));
        assert_eq!(headers.get("connection").unwrap(), "close");
    };
    // A stream that never ends, with a millisecond of patience.
    let endless = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    refused(&limits, Body::from_stream(endless)).await;
    limits.body_time = Duration::from_secs(60);
    refused(&limits, Body::from("x".repeat(3_001))).await;
    let pieces = (0..).map(|_| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b'x'; 1_000])));
    refused(
        &limits,
        Body::from_stream(futures_util::stream::iter(pieces)),
    )
    .await;
    let cut = [
        Ok(bytes::Bytes::from_static(b"x=")),
        Err(std::io::Error::other("gone")),
    ];
    refused(&limits, Body::from_stream(futures_util::stream::iter(cut))).await;
}

#[tokio::test]
async fn what_was_answered_before_is_never_older_than_the_store() {
    let (core, clock) = crate::core::testing::core();
    let tom = NewUser {
        name: "tom".into(),
        ..NewUser::default()
    };
    core.add_user(&tom, None).unwrap();
    let options = Options {
        public_url: None,
        prefixes: vec!["/".to_owned()],
        compatibility: Compatibility::default(),
    };
    let door = router(core.clone(), Dispatch::new(4, true), &options);
    let june = "/get_freebusy.wcap?calid=tom&dtstart=20260601T000000Z&dtend=20260701T000000Z";
    let from_now = "/get_freebusy.wcap?calid=tom&duration=1";
    let text = |upload: &str| core.read_upload(upload.as_bytes());
    let free = get(&door, june).await;
    assert_eq!(get(&door, june).await, free);
    let event =
        "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260610T090000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\n";
    let stored = core.import(&Caller::System, "tom", text(event), None, |_| ());
    assert_eq!(stored.unwrap().stored, 1);
    let busy = get(&door, june).await;
    assert!(busy.contains("20260610T090000Z/20260610T100000Z") && !free.contains("20260610"));
    assert_eq!(get(&door, june).await, busy);
    assert_ne!(
        get(&door, &format!("{june}&fmt-out=text%2Fxml")).await,
        busy
    );
    let before = get(&door, from_now).await;
    clock.advance(3_600);
    assert_ne!(get(&door, from_now).await, before);
    let closed = core.change_calendar("tom", |properties| properties.acl.clear());
    closed.unwrap();
    assert!(get(&door, june).await.contains("X-NSCP-WCAP-ERRNO:28\r\n"));
}
