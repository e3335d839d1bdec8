//! The demo: people, a group, a room and two weeks of meetings for an empty store, and commands to try on them.
//!
//! Calendars are built with the `icalendar` crate and go the way of any import.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use icalendar::{Calendar, Class, Component as _, Event, EventLike as _, Property, Todo};
use jiff::civil::{self, Weekday};
use jiff::{Span, ToSpan as _};

use crate::core::accounts::NewUser;
use crate::core::calendars::NewCalendar;
use crate::core::{Caller, Core, Error, Kind};
use crate::ical::datetime::Timestamp;
use crate::ical::interop;

/// Login name, also the password; given name and surname.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("tom", "Tom", "Miller"),
    ("jerry", "Jerry", "Novak"),
    ("anna", "Anna", "Schmidt"),
];

/// Tom's access list, from the article whose request [`commands`] prints: everybody may read.
const TOMS_ACL: [&str; 5] = [
    "@@o^c^WDEIC^g",
    "@@o^a^RSF^g",
    "@^a^rsf^g",
    "@^c^^g",
    "@^p^r^g",
];

/// One entry of the demo's two weeks.
struct Entry {
    /// Calid of the calendar it is in.
    calid: &'static str,
    /// What is unique in its UID.
    uid: &'static str,
    when: When,
    summary: &'static str,
    location: &'static str,
    description: &'static str,
    /// RRULE; empty for none.
    rule: &'static str,
    /// Whether only owners read more than the time.
    private: bool,
}

/// When an entry is; days count from the Monday of this week.
enum When {
    /// From a day's hour and minute, for so many minutes; UTC.
    Time(i64, i8, i8, i64),
    /// From a day, for so many whole days.
    Days(i64, i64),
    /// A to-do due on a day.
    Due(i64),
}

const fn entry(
    calid: &'static str,
    uid: &'static str,
    when: When,
    summary: &'static str,
    location: &'static str,
) -> Entry {
    Entry {
        calid,
        uid,
        when,
        summary,
        location,
        description: "",
        rule: "",
        private: false,
    }
}

/// Two weeks, so that there is something ahead on a Sunday too.
const ENTRIES: &[Entry] = &[
    Entry {
        rule: "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=10",
        description: "Fifteen minutes: what was done, what comes next, what is in the way.",
        ..entry(
            "tom",
            "stand-up",
            When::Time(0, 9, 15, 15),
            "Stand-up",
            "Kitchen",
        )
    },
    Entry {
        rule: "FREQ=WEEKLY;COUNT=2",
        ..entry(
            "tom",
            "team",
            When::Time(0, 10, 0, 60),
            "Team meeting",
            "Room 1",
        )
    },
    Entry {
        description: "Please read the draft before.\nThe numbers are on page 3.",
        ..entry(
            "tom",
            "review",
            When::Time(1, 14, 0, 90),
            "Review of the release",
            "Room 1",
        )
    },
    entry(
        "tom",
        "lunch",
        When::Time(2, 12, 30, 60),
        "Lunch with Anna",
        "Caf\u{e9} Central",
    ),
    Entry {
        private: true,
        ..entry(
            "tom",
            "dentist",
            When::Time(3, 8, 30, 45),
            "Dentist",
            "12 Station Road",
        )
    },
    entry(
        "tom",
        "call",
        When::Time(4, 16, 0, 30),
        "Call with the suppliers",
        "+44 20 7946 0123",
    ),
    entry("tom", "fair", When::Days(8, 2), "Trade fair", "Hamburg"),
    entry(
        "tom",
        "planning",
        When::Time(10, 13, 0, 120),
        "Planning of the next quarter",
        "Room 1",
    ),
    entry("tom", "notes", When::Due(4), "Write the release notes", ""),
    entry(
        "tom",
        "train",
        When::Due(7),
        "Book the train to Hamburg",
        "",
    ),
    entry("jerry", "on-call", When::Days(0, 5), "On call", ""),
    entry(
        "jerry",
        "interview",
        When::Time(1, 10, 0, 60),
        "Interview: system engineer",
        "Room 1",
    ),
    Entry {
        rule: "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4",
        private: true,
        ..entry("jerry", "gym", When::Time(1, 17, 30, 90), "Gym", "")
    },
    entry(
        "jerry",
        "backup",
        When::Time(9, 6, 0, 120),
        "Move the backups",
        "Server room",
    ),
    entry("jerry", "disks", When::Due(3), "Order disks", ""),
    entry(
        "anna",
        "customer",
        When::Time(0, 13, 30, 60),
        "Customer visit",
        "Reception",
    ),
    entry(
        "anna",
        "lunch",
        When::Time(2, 12, 30, 60),
        "Lunch with Tom",
        "Caf\u{e9} Central",
    ),
    entry(
        "anna",
        "workshop",
        When::Time(3, 9, 0, 240),
        "Workshop: accessible pages",
        "Room 1",
    ),
    entry("anna", "holiday", When::Days(11, 1), "Day off", ""),
    Entry {
        rule: "FREQ=WEEKLY;COUNT=2",
        ..entry(
            "room-1",
            "room-team",
            When::Time(0, 10, 0, 60),
            "Tom: team meeting",
            "",
        )
    },
    entry(
        "room-1",
        "room-interview",
        When::Time(1, 10, 0, 60),
        "Jerry: interview",
        "",
    ),
    entry(
        "room-1",
        "room-review",
        When::Time(1, 14, 0, 90),
        "Tom: review",
        "",
    ),
    entry(
        "room-1",
        "room-workshop",
        When::Time(3, 9, 0, 240),
        "Anna: workshop",
        "",
    ),
    entry(
        "room-1",
        "room-planning",
        When::Time(10, 13, 0, 120),
        "Tom: planning",
        "",
    ),
];

/// Fills an empty store; says whether it was empty.
pub fn fill(core: &Core) -> Result<bool, Error> {
    if !core.users()?.is_empty() || !core.groups()?.is_empty() {
        return Ok(false);
    }
    for (name, given, surname) in PEOPLE {
        let new = NewUser {
            name: name.to_owned(),
            mail: vec![format!("{name}@localhost")],
            full_name: format!("{given} {surname}"),
            given_name: given.to_owned(),
            surname: surname.to_owned(),
            administrator: false,
        };
        core.add_user(&new, Some(name))?;
    }
    let members = PEOPLE.map(|(name, ..)| name.to_owned());
    core.add_group("team", &["team@localhost".to_owned()], &members)?;
    let room = NewCalendar {
        name: "Room 1".to_owned(),
        resource: true,
        mail: Some("room-1@localhost".to_owned()),
    };
    core.create_calendar("room-1", "anna", &room)?;
    let acl = TOMS_ACL.map(str::to_owned);
    core.change_calendar("tom", |properties| {
        // As in the article, whose answer shows both.
        properties.name = "tom".to_owned();
        properties.acl = acl.to_vec();
    })?;
    for calid in ["tom", "jerry", "anna", "room-1"] {
        import(core, calid, &calendar(calid, core.now()))?;
    }
    Ok(true)
}

fn import(core: &Core, calid: &str, calendar: &Calendar) -> Result<(), Error> {
    let unsound = |message: String| Error::new(Kind::Internal, message);
    let component = interop::from_calendar(calendar).map_err(|e| unsound(e.to_string()))?;
    let upload = core.group_upload(vec![component]);
    let imported = core.import(&Caller::System, calid, upload, None, |_| ())?;
    match imported.faults.first() {
        None => Ok(()),
        Some(fault) => Err(unsound(format!("the demo's data: {fault}"))),
    }
}

/// The demo's entries of one calendar.
fn calendar(calid: &str, now: Timestamp) -> Calendar {
    let today = now.to_civil().date();
    let monday = today.saturating_sub(days(today.weekday().since(Weekday::Monday).into()));
    let mut calendar = Calendar::new();
    if calid == "tom" {
        // The two meetings of the article, on 21 May 2007.
        for hour in [13, 15] {
            let start = civil::date(2007, 5, 21).at(hour, 0, 0, 0);
            let mut meeting = Event::new();
            times(&mut meeting, start, 60);
            head(&mut meeting, &format!("article-{hour}"), now);
            calendar.push(meeting.summary("Meeting").done());
        }
    }
    for entry in ENTRIES.iter().filter(|entry| entry.calid == calid) {
        match entry.when {
            When::Due(day) => calendar.push(todo(entry, monday.saturating_add(days(day)), now)),
            _ => calendar.push(event(entry, monday, now)),
        };
    }
    calendar
}

fn days(days: i64) -> Span {
    days.days()
}

/// What the crate would invent when it is missing.
fn head<T: icalendar::Component>(component: &mut T, uid: &str, now: Timestamp) {
    component.uid(&format!("demo-{uid}@localhost"));
    component.add_property("DTSTAMP", now.to_string());
}

fn basic(date: civil::Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

fn times(event: &mut Event, start: civil::DateTime, minutes: i64) {
    let end = start.saturating_add(minutes.minutes());
    for (name, time) in [("DTSTART", start), ("DTEND", end)] {
        event.add_property(name, time.strftime("%Y%m%dT%H%M%SZ").to_string());
    }
}

fn event(entry: &Entry, monday: civil::Date, now: Timestamp) -> Event {
    let mut event = Event::new();
    head(&mut event, entry.uid, now);
    match entry.when {
        When::Time(day, hour, minute, minutes) => {
            let date = monday.saturating_add(days(day));
            times(&mut event, date.at(hour, minute, 0, 0), minutes);
        }
        When::Days(day, count) => {
            let first = monday.saturating_add(days(day));
            for (name, date) in [
                ("DTSTART", first),
                ("DTEND", first.saturating_add(days(count))),
            ] {
                let mut property = Property::new(name, basic(date));
                event.append_property(property.add_parameter("VALUE", "DATE").done());
            }
            // Being at a fair or off is no meeting that others must keep clear of.
            event.add_property("TRANSP", "TRANSPARENT");
        }
        When::Due(_) => {}
    }
    event.summary(entry.summary);
    if !entry.location.is_empty() {
        event.location(entry.location);
    }
    if !entry.description.is_empty() {
        event.description(entry.description);
    }
    if !entry.rule.is_empty() {
        event.add_property("RRULE", entry.rule);
    }
    if entry.private {
        event.class(Class::Private);
    }
    event.done()
}

fn todo(entry: &Entry, due: civil::Date, now: Timestamp) -> Todo {
    let mut todo = Todo::new();
    head(&mut todo, entry.uid, now);
    todo.summary(entry.summary);
    let mut property = Property::new("DUE", basic(due));
    todo.append_property(property.add_parameter("VALUE", "DATE").done());
    todo.done()
}

/// Commands to try on a server with the demo's data, one on each line.
pub fn commands(http: SocketAddr, cap: SocketAddr, data: &Path, now: Timestamp) -> String {
    let (http, cap) = (reachable(http), reachable(cap));
    let start = now.to_civil().date();
    let range = format!(
        "dtstart={0}T000000Z&dtend={1}T000000Z",
        basic(start),
        basic(start.saturating_add(days(7)))
    );
    let mut lines = String::new();
    for line in [
        format!(
            "curl 'http://{http}/wcap/get_freebusy.wcap?appid=mozilla-calendar&calid=mailto%3Atom%40localhost&busyonly=1&dtstart=20070521T040000Z&dtend=20070525T040000Z&fmt-out=text%2Fxml&id=17046506'"
        ),
        format!(
            "curl 'http://{http}/wcap/fetchcomponents_by_range.wcap?calid=tom&{range}&recurring=1&fmt-out=text%2Fcalendar'"
        ),
        format!("curl 'http://{http}/wcap/login.wcap?user=tom&password=tom&fmt-out=text%2Fxml'"),
        format!("curl -L 'http://{http}/'"),
        format!("printf 'CAPABILITY\\r\\nDISCONNECT\\r\\n' | curl -s telnet://{cap}"),
        format!(
            "wcapd export tom --data '{}'",
            data.display().to_string().replace('\'', "'\\''")
        ),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{line}");
    }
    lines
}

/// Where a client of this machine reaches a listener: one on all addresses is on the loopback one too.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    addr
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::ical::print;

    #[test]
    fn the_weeks_are_around_today() {
        // A Sunday.
        let now = Timestamp::from_civil_utc(civil::date(2026, 11, 22).at(12, 0, 0, 0));
        let text = print::to_string(&interop::from_calendar(&calendar("tom", now)).unwrap());
        for line in [
            "UID:demo-article-13@localhost\r\n",
            "DTSTART:20070521T130000Z\r\n",
            "DTSTART:20070521T150000Z\r\n",
            "DTEND:20070521T160000Z\r\n",
            "DTSTART:20261116T091500Z\r\n",
            "DTSTART;VALUE=DATE:20261124\r\n",
            "DTEND;VALUE=DATE:20261126\r\n",
            "DUE;VALUE=DATE:20261120\r\n",
            "CLASS:PRIVATE\r\n",
            "DESCRIPTION:Please read the draft before.\\nThe numbers are on page 3.\r\n",
            "DTSTAMP:20261122T120000Z\r\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert_eq!(text.matches("BEGIN:VTODO").count(), 2);
    }

    #[test]
    fn commands_name_an_address_that_can_be_reached() {
        let now = Timestamp::from_civil_utc(civil::date(2026, 11, 30).at(0, 0, 0, 0));
        let http = "0.0.0.0:8080".parse().unwrap();
        let cap = "[::]:5229".parse().unwrap();
        let lines = commands(http, cap, Path::new("it's"), now);
        assert!(lines.starts_with(
            "curl 'http://127.0.0.1:8080/wcap/get_freebusy.wcap?appid=mozilla-calendar&"
        ));
        assert!(lines.contains("dtstart=20261130T000000Z&dtend=20261207T000000Z"));
        assert!(lines.contains("telnet://[::1]:5229\n"));
        assert!(lines.ends_with("--data 'it'\\''s'\n"));
    }
}
