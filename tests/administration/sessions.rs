//! Sessions at the command line.

use crate::common::http;
use crate::{Place, server};

#[test]
fn they_are_listed_and_ended() {
    let mut place = Place::quiet();
    place.start();
    let address = place.server.as_ref().unwrap().http;
    for name in ["tom", "jerry"] {
        place.add(name);
    }
    let log_in = |name: &str| {
        let target = format!("/login.wcap?user={name}&password=secret");
        let answer = http::get(address, &target).unwrap();
        assert!(answer.text().contains("SESSION-ID"), "{}", answer.text());
    };
    let listed = || -> Vec<Vec<String>> {
        let table = place.done(&["session", "list"]);
        let rows = table.lines().skip(1);
        rows.map(|row| row.split_whitespace().map(str::to_owned).collect())
            .collect()
    };
    for name in ["tom", "tom", "jerry"] {
        log_in(name);
    }
    let rows = listed();
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter()
            .all(|row| row[2] == "wcap" && row[3] == "127.0.0.1"),
        "{rows:?}"
    );
    let one = rows.iter().find(|row| row[1].starts_with("tom")).unwrap();
    assert_eq!(
        place.done(&["session", "end", "--id", &one[0]]),
        "1 ended\n"
    );
    assert!(
        place
            .refused(&["session", "end", "--id", "nonsense"])
            .contains("no session")
    );
    assert_eq!(place.done(&["session", "end", "tom"]), "1 ended\n");
    assert_eq!(listed().len(), 1);
    log_in("tom");
    assert_eq!(place.done(&["session", "end", "--all"]), "2 ended\n");
    assert!(listed().is_empty());
    server::refused(&mut place.command(&["session", "end", "nobody"]), 1);
    place.stop();
}
