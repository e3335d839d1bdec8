//! Messages that wait to be mailed, at the command line.

use super::Place;
use super::common::http;

/// A WCAP request of tom's that must succeed.
fn asked(place: &Place, command: &str, params: &str) -> String {
    let server = place.server.as_ref().unwrap();
    let ask = |target: &str| {
        let answer = http::get(server.http, target).unwrap().text().to_owned();
        answer.replace("\r\n ", "").replace('\r', "")
    };
    let login = ask("/wcap/login.wcap?user=tom&password=secret");
    let id = login
        .lines()
        .find_map(|line| line.strip_prefix("X-NSCP-WCAP-SESSION-ID:"));
    let answer = ask(&format!(
        "/wcap/{command}.wcap?id={}&calid=tom&{params}",
        id.unwrap()
    ));
    assert!(answer.contains("X-NSCP-WCAP-ERRNO:0\n"), "{answer}");
    answer
}

/// The ids in the table of the outbox.
fn waiting(place: &Place) -> Vec<String> {
    let table = place.done(&["outbox", "list"]);
    let rows = table.lines().skip(1);
    let first = |row: &str| row.split_whitespace().next().unwrap().to_owned();
    rows.map(first).collect()
}

#[test]
fn listed_shown_tried_again_dropped() {
    let mut place = Place::quiet();
    place.start();
    place.add("tom");
    let unreached = |place: &Place| {
        let answer = asked(place, "fetchcomponents_by_attendee_error", "");
        let uids = answer.lines().filter_map(|l| l.strip_prefix("UID:"));
        uids.map(str::to_owned).collect::<Vec<_>>()
    };
    for uid in ["a", "b"] {
        let meeting = "dtstart=20300106T100000Z&method=2&attendees=mailto:guest@out.example";
        asked(&place, "storeevents", &format!("uid={uid}&{meeting}"));
    }
    let table = place.done(&["outbox", "list"]);
    assert!(table.starts_with("MESSAGE "), "{table}");
    assert!(
        table.contains("  REQUEST  tom@localhost  guest@out.example  a    "),
        "{table}"
    );
    let ids = waiting(&place);
    assert_eq!(ids.len(), 2, "{table}");

    let first = ids[0].as_str();
    let shown = place.done(&["outbox", "show", &first[..10]]);
    assert!(
        shown.starts_with(&format!("Message: {first}\nMethod: REQUEST\n")),
        "{shown}"
    );
    assert!(shown.contains("\nTried: 0\n\nBEGIN:VCALENDAR\n"), "{shown}");
    assert!(shown.contains("\nMETHOD:REQUEST\n"), "{shown}");
    let retried = place.done(&["outbox", "retry", first]);
    assert!(
        retried.starts_with(&format!("due now {first}: REQUEST of ")),
        "{retried}"
    );
    assert_eq!(
        place.refused(&["outbox", "show", "nothing"]),
        "wcapd: there is no message 'nothing' in the outbox; 'wcapd outbox list' shows them all\n"
    );
    let dropped = place.done(&["outbox", "drop", first]);
    assert!(
        dropped.starts_with(&format!("dropped {first}: REQUEST of ")),
        "{dropped}"
    );
    let lost = unreached(&place);
    assert_eq!(lost.len(), 1, "{lost:?}");

    // Nobody serves.
    place.stop();
    assert_eq!(waiting(&place), ids[1..]);
    assert!(place.done(&["outbox", "show", &ids[1]]).contains("UID: "));
    assert_eq!(place.done(&["outbox", "retry", "--all"]).lines().count(), 1);
    assert_eq!(place.done(&["outbox", "drop", "--all"]).lines().count(), 1);
    assert_eq!(waiting(&place), [""; 0]);
    assert_eq!(place.done(&["outbox", "drop", "--all"]), "");
    assert!(place.done(&["check"]).contains("nothing is wrong"));

    // The next request invites again, though it says nothing new.
    place.start();
    assert_eq!(unreached(&place).len(), 2);
    asked(&place, "storeevents", "uid=a&method=2");
    assert_eq!(unreached(&place), ["b"]);
    assert_eq!(waiting(&place).len(), 1);
    place.stop();
}
