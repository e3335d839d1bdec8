//! Whatever the owner of a calendar sends, the answer is whole, in the format asked for, with results that the protocol
//! has; nothing panics, and what fails changes nothing.

use std::sync::Mutex;

use wcapd::core::calendars::NewCalendar;
use wcapd::ical::parse::{self, Limits};
use wcapd::wcap::errno::Errno;
use wcapd::wcap::registry;

use crate::callers::Login;
use crate::commands::ITEMS;
use crate::pry::queries;
use crate::world::{Answer, Ask, Server};

/// Panics in threads that do the server's work, since this was installed.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps what panics say; those of the tests themselves end them anyway.
fn listen_for_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default();
        if name.starts_with("tokio") || name == "forms::every_answer_has_its_form" {
            PANICS.lock().unwrap().push(info.to_string());
        }
        before(info);
    }));
}

/// Fails unless the body is whole, in the format its header names.
fn check_form(answer: &Answer, cell: &str) {
    let media = answer
        .headers
        .iter()
        .find_map(|header| header.strip_prefix("content-type: "))
        .unwrap_or_else(|| panic!("{cell}: no content type"));
    let text = str::from_utf8(&answer.body).unwrap_or_else(|_| panic!("{cell}: not UTF-8"));
    let fail = |fault: String| panic!("{cell}: {fault}\n{text}");
    match media.split(';').next().unwrap_or_default() {
        "text/calendar" => {
            let parsed = parse::parse(&answer.body, &Limits::DEFAULT);
            if !parsed.is_sound() || parsed.components.is_empty() {
                fail("no iCalendar".to_owned());
            }
        }
        "text/vcard" => {
            let parsed = parse::parse(&answer.body, &Limits::DEFAULT);
            let cards = parsed.components.iter().all(|c| c.is("VCARD"));
            if !parsed.is_sound() || parsed.components.is_empty() || !cards {
                fail("no cards".to_owned());
            }
        }
        "text/xml" | "application/calendar+xml" | "application/vcard+xml" => {
            let mut reader = quick_xml::Reader::from_str(text);
            let mut depth = 0;
            loop {
                match reader.read_event() {
                    Ok(quick_xml::events::Event::Eof) => break,
                    Ok(quick_xml::events::Event::Start(_)) => depth += 1,
                    Ok(quick_xml::events::Event::End(_)) => depth -= 1,
                    Ok(_) => {}
                    Err(fault) => fail(fault.to_string()),
                }
            }
            assert_eq!(depth, 0, "{cell}: {text}");
        }
        "text/json" | "application/calendar+json" | "application/vcard+json" => {
            if let Err(fault) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
                fail(fault.to_string());
            }
        }
        other => fail(format!("what is {other}?")),
    }
}

/// Every result number in an answer.
fn results(answer: &Answer) -> Vec<i32> {
    let text = answer.text().to_ascii_lowercase();
    let found = text.match_indices("x-nscp-wcap-errno");
    found
        .filter(|(at, _)| !text[..*at].ends_with('/'))
        .map(|(at, name)| {
            let rest = text[at + name.len()..]
                .trim_start_matches(|c: char| !c.is_ascii_digit() && c != '-');
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-');
            rest[..end.unwrap_or(rest.len())].parse().expect("a number")
        })
        .collect()
}

#[test]
fn every_answer_has_its_form() {
    listen_for_panics();
    let server = Server::new(&[], &["user tom", "user kim"]);
    let caller = server.caller(Login::User("tom")).unwrap();
    let mut asked = 0;
    for row in registry::rows() {
        // What the last one deleted is there again.
        let _ = server
            .core()
            .create_calendar("tom:more", "tom", &NewCalendar::default());
        for calid in ["tom", "tom:more"] {
            server.import(calid, ITEMS);
        }
        let anew = matches!(row.name, "login" | "logout");
        let mut token = server.token(Login::User("tom"), &caller).unwrap();
        for (query, body) in queries(row, "tom", "event") {
            if anew {
                token = server.token(Login::User("tom"), &caller).unwrap();
            }
            let before = server.contents("tom");
            let answer = server.ask(&Ask {
                target: format!("{}.wcap?{query}&id={token}", row.name),
                body,
            });
            let cell = format!("{}.wcap?{query}", row.name);
            check_form(&answer, &cell);
            let results = results(&answer);
            for result in &results {
                assert!(Errno::from_number(*result).is_some(), "{cell}: {result}");
            }
            let failed = |result: &i32| ![-1, 0, 43, 57, 85, 86].contains(result);
            if results.len() == 1 && results.iter().all(failed) && results != [row.failed.number()]
            {
                assert_eq!(
                    server.contents("tom"),
                    before,
                    "{cell} failed and changed something"
                );
            }
            asked += 1;
        }
    }
    assert!(asked > 1_000, "{asked} requests");
    let panics = PANICS.lock().unwrap();
    assert!(panics.is_empty(), "{}", panics.join("\n"));
}
