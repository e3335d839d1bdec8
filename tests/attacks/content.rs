//! Data that means something else to whoever reads it: bombs, lines within lines, markup, requests of other sites.

use axum::body::Body;
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wcapd::dispatch::Dispatch;

use crate::Target;

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn import(target: &Target, id: &str, media: &str, body: String) -> crate::Answer {
    let to = format!(
        "/import.wcap?id={id}&calid=tom&content-in={}",
        encoded(media)
    );
    target.post(&to, media, body)
}

#[test]
fn xml_bombs_do_not_go_off() {
    let target = Target::new(&[], &["user tom"]);
    let tom = target.log_in("tom");
    let mut laughs = String::from("<!DOCTYPE l [<!ENTITY l0 \"ha\">");
    for n in 1..30 {
        let before = n - 1;
        laughs.push_str(&format!("<!ENTITY l{n} \"&l{before};&l{before};\">"));
    }
    laughs.push_str("]><iCalendar>&l29;</iCalendar>");
    for bomb in [
        laughs,
        "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><iCalendar><iCal>&f;</iCal></iCalendar>".to_owned(),
        "<iCalendar><iCal><EVENT><SUMMARY>&unknown;</SUMMARY></EVENT></iCal></iCalendar>".to_owned(),
        format!("<iCalendar>{}", "<a>".repeat(200_000)),
        format!("<iCalendar {}/>", "a='b' ".repeat(200_000)),
    ] {
        let answer = import(&target, &tom, "text/xml", bomb);
        assert_ne!(answer.errno(), "0", "{:.60}", answer.text);
        assert!(!answer.text.contains("root:"));
    }
    // Nothing of it was stored.
    assert_eq!(
        target
            .get(&format!("/fetchevents_by_id.wcap?id={tom}&calid=tom&uid=x"))
            .errno(),
        "59"
    );
}

#[test]
fn icalendar_bombs_do_not_go_off() {
    let target = Target::new(&["limits.expansion_steps 200000"], &["user tom"]);
    let tom = target.log_in("tom");
    let event = |lines: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:bomb\r\nDTSTAMP:20260101T000000Z\r\n\
             DTSTART:20260105T090000Z\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    let exceptions = |count: u32| {
        let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n");
        for number in 0..count {
            let (hour, minute, second) = (number / 3_600, number / 60 % 60, number % 60);
            text.push_str(&format!(
                "BEGIN:VEVENT\r\nUID:b\r\nDTSTAMP:20260101T000000Z\r\n\
                 RECURRENCE-ID:20260105T{hour:02}{minute:02}{second:02}Z\r\n\
                 DTSTART:20260105T090000Z\r\nEND:VEVENT\r\n"
            ));
        }
        text + "END:VCALENDAR\r\n"
    };
    // Refused as they come in.
    for bomb in [
        "BEGIN:VEVENT\r\n".repeat(100_000),
        event(&"ATTENDEE:mailto:a@b.test\r\n".repeat(200_000)),
        event(&format!("SUMMARY:{}\r\n", "x".repeat(3 << 20))),
        event(&"ATTENDEE:mailto:a@b.test\r\n".repeat(2_001)),
        exceptions(5_001),
    ] {
        let shown: String = bomb.chars().take(220).collect();
        let answer = import(&target, &tom, "text/calendar", bomb);
        assert_ne!(answer.errno(), "0", "{shown} {:.200}", answer.text);
    }
    // Stored, but never expanded beyond the bounds: an answer or an error, not a hang.
    for rule in [
        "RRULE:FREQ=SECONDLY;COUNT=2147483647\r\n",
        "RRULE:FREQ=SECONDLY\r\n",
        "RRULE:FREQ=SECONDLY;INTERVAL=99999999999999999999\r\n",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\n",
        "RRULE:FREQ=MINUTELY;BYSECOND=59;BYMONTHDAY=31;BYMONTH=2\r\n",
        "RRULE:FREQ=DAILY\r\nDTEND:99991231T000000Z\r\n",
    ] {
        let _ = import(&target, &tom, "text/calendar", event(rule));
        for range in ["", "&dtstart=20260101T000000Z&dtend=20270101T000000Z"] {
            for command in ["fetchcomponents_by_range", "get_freebusy"] {
                let answer = target.get(&format!("/{command}.wcap?id={tom}&calid=tom{range}"));
                assert!(answer.text.len() < 20 << 20, "{rule}");
            }
        }
    }
}

#[test]
fn texts_cannot_become_lines_or_headers() {
    let target = Target::new(&[], &["user tom"]);
    let tom = target.log_in("tom");
    let hostile = "x\r\nATTENDEE:mailto:evil@evil.test\r\nX-EVIL:1\r\n\r\nHTTP/1.1 200 OK";
    let fields = [
        "summary",
        "desc",
        "location",
        "categories",
        "contacts",
        "icsUrl",
        "uid",
    ];
    let form: String = fields
        .iter()
        .map(|field| format!("&{field}={}", encoded(hostile)))
        .collect();
    let body = format!("id={tom}&calid=tom&dtstart=20260105T090000Z{form}");
    let media = "application/x-www-form-urlencoded";
    let stored = target.post("/storeevents.wcap?fetch=1", media, body);
    let range = "dtstart=20260101T000000Z&dtend=20260201T000000Z";
    let fetched = target.get(&format!(
        "/fetchcomponents_by_range.wcap?id={tom}&calid=tom&{range}"
    ));
    let exported = target.get(&format!("/export.wcap?id={tom}&calid=tom"));
    for answer in [stored, fetched, exported] {
        for line in answer.text.lines() {
            assert!(!line.starts_with("ATTENDEE"), "{}", answer.text);
            assert!(!line.starts_with("X-EVIL"), "{}", answer.text);
            assert!(!line.starts_with("HTTP/1.1"), "{}", answer.text);
        }
        assert!(answer.head.headers.keys().all(|name| name != "x-evil"));
    }
    // A calendar's name stands in the name of the exported file.
    let named = format!(
        "/set_calprops.wcap?id={tom}&calid=tom&name={}",
        encoded("a\"\r\nX-EVIL: 1")
    );
    target.get(&named);
    let exported = target.get(&format!("/export.wcap?id={tom}&calid=tom"));
    assert!(exported.head.headers.keys().all(|name| name != "x-evil"));
}

/// The pages of a server with tom's hostile calendar, and a session's cookie.
fn pages(target: &Target) -> (axum::Router, String) {
    let dispatch = Dispatch::new(4, true);
    let router = wcapd::web::router(target.core.clone(), dispatch).unwrap();
    let login = Request::post("/login")
        .header("host", "localhost")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("user=tom&password=tom"))
        .unwrap();
    let pages = Target {
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
        router: router.clone(),
        core: target.core.clone(),
    };
    let answer = pages.send(login);
    let cookie = answer.head.headers["set-cookie"].to_str().unwrap();
    (router, cookie.split(';').next().unwrap().to_owned())
}

#[test]
fn stored_script_stays_text() {
    let target = Target::new(&[], &["user tom"]);
    let tom = target.log_in("tom");
    let hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    let fields = ["summary", "desc", "location", "categories", "contacts"];
    let form: String = fields
        .iter()
        .map(|field| format!("&{field}={}", encoded(hostile)))
        .collect();
    let body = format!("id={tom}&calid=tom&dtstart=20260105T100000Z&dtend=20260105T110000Z{form}");
    let media = "application/x-www-form-urlencoded";
    assert_eq!(target.post("/storeevents.wcap", media, body).errno(), "0");
    let name = format!(
        "/set_calprops.wcap?id={tom}&calid=tom&name={}",
        encoded(hostile)
    );
    target.get(&name);
    let (router, cookie) = pages(&target);
    let pages = Target {
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
        router,
        core: target.core.clone(),
    };
    let app = Request::get("/app/")
        .header("host", "localhost")
        .header("cookie", &cookie);
    let app = pages.send(app.body(Body::empty()).unwrap());
    assert!(
        app.text.contains("alert(1)"),
        "the texts are shown: {}",
        app.text
    );
    let form = format!("user={}&password=x", encoded(hostile));
    let login = Request::post("/login")
        .header("host", "localhost")
        .header("content-type", media)
        .body(Body::from(form))
        .unwrap();
    let login = pages.send(login);
    for page in [&app, &login] {
        assert!(!page.text.contains("<script"), "{}", page.text);
        assert!(!page.text.contains("<img src=x"), "{}", page.text);
        let policy = page.head.headers["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
    // Answers of WCAP that a browser might show run nothing either.
    let range = "dtstart=20260101T000000Z&dtend=20260201T000000Z";
    for format in ["text/xml", "text/json", "text/calendar"] {
        let to = format!(
            "/fetchcomponents_by_range.wcap?id={tom}&calid=tom&{range}&fmt-out={}",
            encoded(format)
        );
        let answer = target.get(&to);
        let headers = &answer.head.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(
            headers["content-security-policy"]
                .to_str()
                .unwrap()
                .contains("sandbox")
        );
        assert!(!headers["content-type"].to_str().unwrap().contains("html"));
        if format == "text/xml" {
            assert!(!answer.text.contains("<script"), "{}", answer.text);
        }
    }
}

#[test]
fn other_sites_cannot_act_for_a_user() {
    let target = Target::new(&[], &["user tom"]);
    let (router, cookie) = pages(&target);
    let pages = Target {
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
        router,
        core: target.core.clone(),
    };
    for foreign in [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in ["/login", "/logout"] {
            let request = Request::post(path)
                .header("host", "localhost")
                .header("cookie", &cookie)
                .header("content-type", "application/x-www-form-urlencoded")
                .header(foreign.0, foreign.1)
                .body(Body::from("user=tom&password=tom"))
                .unwrap();
            let answer = pages.send(request);
            assert_eq!(answer.head.status.as_u16(), 403, "{path} {foreign:?}");
        }
    }
    // WCAP needs an id in the request, which other sites do not have; a cookie is not looked at.
    let request = Request::get("/deletecalendar.wcap?calid=tom")
        .header("host", "localhost")
        .header("cookie", &cookie);
    let answer = target.send(request.body(Body::empty()).unwrap());
    assert_ne!(answer.errno(), "0");
}

#[test]
fn nothing_can_be_framed_or_leaks_its_address() {
    let target = Target::new(&[], &["user tom"]);
    let tom = target.log_in("tom");
    for to in [
        format!("/version.wcap?id={tom}"),
        format!("/unknown.wcap?id={tom}"),
        format!("/export.wcap?id={tom}&calid=tom"),
    ] {
        let answer = target.get(&to);
        assert_eq!(
            answer.head.headers["referrer-policy"], "no-referrer",
            "{to}"
        );
        let policy = answer.head.headers["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        let cached = answer.head.headers["cache-control"].to_str().unwrap();
        assert!(cached.contains("no-store"), "{cached}");
    }
}
