#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::core::attachments::NO_ATTACHMENTS;
use crate::core::items::people::Party;
use crate::ical::object;
use crate::ical::parse::{self, Limits};
use crate::ical::print;

const STAMPS: Stamps = Stamps {
    created: Timestamp(1_000_000_000),
    modified: Timestamp(1_100_000_000),
};

fn object(text: &str) -> CalendarObject {
    let text = text.replace('\n', "\r\n");
    let parsed = parse::parse(text.as_bytes(), &Limits::default());
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    let split = object::split(parsed.components, &mut || "made".to_owned());
    assert!(split.rejected.is_empty(), "{:?}", split.rejected);
    split.objects.into_iter().next().unwrap()
}

fn everybody() -> People {
    let mut people = People::default();
    let tom = Party {
        calid: "tom".into(),
        user: Some("tom".into()),
        mail: Some("tom@localhost".into()),
        own: true,
    };
    let room = Party {
        calid: "anna:room 1".into(),
        user: None,
        mail: None,
        own: false,
    };
    for (address, party) in [("mailto:Tom@localhost", tom), ("anna:room-1", room)] {
        people.learn::<()>(address, |_| Ok(Some(party))).unwrap();
    }
    people
}

fn place<'a>(zone: &'a Zone, people: &'a People) -> Place<'a> {
    Place {
        zone,
        language: "en",
        people,
        calid: "tom",
        attachments: &NO_ATTACHMENTS,
    }
}

fn shaped(form: &Form, text: &str) -> String {
    let zone = Zone::named("America/New_York").unwrap();
    let nobody = People::default();
    let mut shaper = Shaper::new(form, place(&zone, &nobody));
    shaper.add(object(text), STAMPS);
    printed(shaper)
}

fn printed(shaper: Shaper<'_>) -> String {
    let mut out = String::new();
    for component in shaper.finish() {
        print::write(&component, &mut out);
    }
    out.replace("\r\n", "\n")
}

fn series() -> Form {
    Form {
        rules: true,
        relative_alarms: true,
        ..Form::default()
    }
}

/// Only the lines with one of these names.
fn lines<'a>(text: &'a str, names: &[&str]) -> Vec<&'a str> {
    let is = |line: &str| {
        names
            .iter()
            .any(|n| line.split([':', ';']).next() == Some(n))
    };
    text.lines().filter(|line| is(line)).collect()
}

const TIMES: [&str; 12] = [
    "DTSTART",
    "DTEND",
    "DUE",
    "DURATION",
    "RECURRENCE-ID",
    "RRULE",
    "RDATE",
    "EXDATE",
    "X-NSCP-DTSTART-TZID",
    "X-NSCP-DTEND-TZID",
    "X-NSCP-DUE-TZID",
    "X-WCAPD-FLOATING",
];

#[test]
fn an_event_is_written_as_calendar_server_wrote_it() {
    let text = shaped(
        &Form::default(),
        "BEGIN:VEVENT
ORGANIZER:mailto:x@y
X-OWN:1
SUMMARY:a\\, b
DTEND;TZID=Europe/Berlin:20260301T113000
DTSTART;TZID=Europe/Berlin:20260301T103000
CREATED:20200101T000000Z
X-NSCP-TOMBSTONE:1
DTSTAMP:20200101T000000Z
UID:u1
transp:OPAQUE
BEGIN:VALARM
TRIGGER:-PT15M
ATTENDEE:mailto:x@y
ACTION:EMAIL
END:VALARM
END:VEVENT
",
    );
    assert_eq!(
        text,
        "BEGIN:VEVENT
UID:u1
DTSTAMP:20200101T000000Z
SUMMARY:a\\, b
DTSTART:20260301T093000Z
DTEND:20260301T103000Z
CREATED:20010909T014640Z
LAST-MODIFIED:20041109T113320Z
ORGANIZER:mailto:x@y
transp:OPAQUE
X-OWN:1
X-NSCP-ORIGINAL-DTSTART:20260301T093000Z
X-NSCP-LANGUAGE:en
X-NSCP-DTSTART-TZID:Europe/Berlin
X-NSCP-TOMBSTONE:0
X-NSCP-ONGOING:0
X-NSCP-ORGANIZER-EMAIL:x@y
X-NSCP-GSE-COMPONENT-STATE;X-NSCP-GSE-COMMENT=\"PUBLISH-COMPLETED\":65538
BEGIN:VALARM
ACTION:EMAIL
TRIGGER;VALUE=DATE-TIME:20260301T091500Z
ATTENDEE:mailto:x@y
END:VALARM
END:VEVENT
"
    );
}

#[test]
fn transp_is_told_as_clients_of_wcap_know_it() {
    let shown = shaped(
        &series(),
        "BEGIN:VEVENT\nUID:1\nDTSTART:20260101T000000Z\nTRANSP:Opaque-NoConflict\nEND:VEVENT\n",
    );
    assert_eq!(lines(&shown, &["TRANSP"]), ["TRANSP:Opaque"]);
}

#[test]
fn attrset_leaves_out_what_was_not_asked_for() {
    let text = "BEGIN:VEVENT
UID:u
DTSTART:20260301T103000Z
DTEND:20260301T113000Z
SUMMARY:s
LOCATION:l
DESCRIPTION:d
RRULE:FREQ=DAILY;COUNT=2
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
END:VALARM
END:VEVENT
";
    let names = |attributes| {
        let form = Form {
            attributes,
            ..series()
        };
        let text = shaped(&form, text);
        let names: Vec<_> = text
            .lines()
            .filter_map(|l| l.split([':', ';']).next())
            .filter(|n| !matches!(*n, "BEGIN" | "END"))
            .map(str::to_owned)
            .collect();
        names.join(" ")
    };
    assert_eq!(names(Attributes::Brief), "UID SUMMARY DTSTART DTEND");
    assert_eq!(
        names(Attributes::Usual),
        "UID SUMMARY DTSTART DTEND LOCATION RRULE ACTION TRIGGER"
    );
    assert!(names(Attributes::All).contains("DESCRIPTION"));
}

#[test]
fn days_stay_days_and_lengths_become_ends() {
    let day = "BEGIN:VEVENT\nUID:u\nDTSTART;VALUE=DATE:20260301\nEND:VEVENT\n";
    assert_eq!(
        lines(&shaped(&series(), day), &TIMES),
        ["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260302"]
    );
    // A day that is 23 hours long.
    let long = "BEGIN:VEVENT\nUID:u\nDTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D\nEND:VEVENT\n";
    assert_eq!(
        lines(&shaped(&series(), long), &TIMES),
        [
            "DTSTART:20260328T110000Z",
            "DTEND:20260329T100000Z",
            "X-NSCP-DTSTART-TZID:Europe/Berlin"
        ]
    );
    let due = "BEGIN:VTODO\nUID:u\nDUE;TZID=Europe/Berlin:20260328T120000\nEND:VTODO\n";
    assert_eq!(
        lines(&shaped(&series(), due), &TIMES),
        ["DUE:20260328T110000Z", "X-NSCP-DUE-TZID:Europe/Berlin"]
    );
    let bare = "BEGIN:VTODO\nUID:u\nSUMMARY:s\nEND:VTODO\n";
    assert!(lines(&shaped(&series(), bare), &TIMES).is_empty());
}

#[test]
fn floating_times_are_of_the_calendars_zone() {
    let text = "BEGIN:VEVENT\nUID:u\nDTSTART:20260701T120000\nDTEND:20260701T130000\n\
        RRULE:FREQ=DAILY;UNTIL=20260703T120000;WKST=MO\nEND:VEVENT\n";
    assert_eq!(
        lines(&shaped(&series(), text), &TIMES),
        [
            "DTSTART:20260701T160000Z",
            "DTEND:20260701T170000Z",
            "RRULE:FREQ=DAILY;UNTIL=20260703T160000Z;WKST=MO",
            "X-NSCP-DTSTART-TZID:America/New_York",
            "X-WCAPD-FLOATING:1",
        ]
    );
}

#[test]
fn different_zones_of_start_and_end_are_kept() {
    let text = "BEGIN:VEVENT\nUID:u\nDTSTART;TZID=Europe/Berlin:20260701T120000\n\
        DTEND;TZID=Asia/Tokyo:20260702T060000\nEND:VEVENT\n";
    assert_eq!(
        lines(&shaped(&series(), text), &TIMES),
        [
            "DTSTART:20260701T100000Z",
            "DTEND:20260701T210000Z",
            "X-NSCP-DTSTART-TZID:Europe/Berlin",
            "X-NSCP-DTEND-TZID:Asia/Tokyo",
        ]
    );
}

#[test]
fn a_zone_asked_for_shows_local_times_without_a_mark() {
    let form = Form {
        zone: Zone::named("Asia/Tokyo"),
        ..series()
    };
    let text = "BEGIN:VEVENT\nUID:u\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Europe/Berlin:20260701T120000\n\
        DTEND:20260701T110000Z\nRRULE:FREQ=DAILY\nEXDATE;TZID=Europe/Berlin:20260702T120000\nEND:VEVENT\n";
    let text = shaped(&form, text);
    assert_eq!(
        lines(&text, &TIMES),
        [
            "DTSTART:20260701T190000",
            "DTEND:20260701T200000",
            "RRULE:FREQ=DAILY",
            "EXDATE:20260702T190000",
            "X-NSCP-DTSTART-TZID:Europe/Berlin",
        ]
    );
    assert_eq!(lines(&text, &["DTSTAMP"]), ["DTSTAMP:20260101T000000Z"]);
}

const BERLIN: &str = "BEGIN:VTIMEZONE
TZID:NAME
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
";

fn in_zone(zone: &str, name: &str, more: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\n{}BEGIN:VEVENT\nUID:u\nDTSTART;TZID={name}:20260701T120000\n\
        DTEND;TZID={name}:20260701T130000\n{more}END:VEVENT\nEND:VCALENDAR\n",
        zone.replace("NAME", name)
    )
}

#[test]
fn zones_that_agree_with_the_database_are_told_by_its_names() {
    for name in [
        "Europe/Berlin",
        "W. Europe Standard Time",
        "/vendor/1/Europe/Berlin",
    ] {
        for more in ["", "RRULE:FREQ=WEEKLY\n"] {
            let text = shaped(&series(), &in_zone(BERLIN, name, more));
            assert!(text.starts_with("BEGIN:VEVENT"), "{text}");
            assert!(text.contains("DTSTART:20260701T100000Z"), "{text}");
            assert!(
                text.contains("X-NSCP-DTSTART-TZID:Europe/Berlin\n"),
                "{text}"
            );
        }
    }
}

#[test]
fn zones_of_the_datas_own_come_with_the_answer() {
    for name in ["Europe/London", "Customized"] {
        let text = shaped(&series(), &in_zone(BERLIN, name, "RRULE:FREQ=WEEKLY\n"));
        assert!(text.starts_with(&BERLIN.replace("NAME", name)), "{text}");
        assert_eq!(
            lines(&text[BERLIN.len()..], &TIMES)[..2],
            [
                format!("DTSTART;TZID={name}:20260701T120000"),
                format!("DTEND;TZID={name}:20260701T130000"),
            ]
        );
        assert!(!text.contains("X-NSCP-DTSTART-TZID"), "{text}");
    }
    // Alone, an instant at which both agree may be told by name.
    let winter = BERLIN.replace("+0200", "+0100");
    let text = in_zone(&winter, "Africa/Lagos", "");
    assert!(shaped(&series(), &text).contains("X-NSCP-DTSTART-TZID:Africa/Lagos"));
}

#[test]
fn two_zones_of_one_name_get_two_names() {
    let form = series();
    let zone = Zone::utc();
    let nobody = People::default();
    let mut shaper = Shaper::new(&form, place(&zone, &nobody));
    let other = BERLIN.replace("+0100", "+0130");
    for text in [BERLIN, &other, BERLIN] {
        let object = object(&in_zone(text, "Customized", ""));
        shaper.add(object, STAMPS);
    }
    let text = printed(shaper);
    assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 2);
    assert_eq!(text.matches("TZID:Customized 2\n").count(), 1);
    assert_eq!(text.matches("DTSTART;TZID=Customized:").count(), 2);
    assert_eq!(text.matches("DTSTART;TZID=Customized 2:").count(), 1);
}

const WEEKLY: &str = "BEGIN:VCALENDAR
BEGIN:VEVENT
UID:u
DTSTART;TZID=Europe/Berlin:20260323T100000
DTEND;TZID=Europe/Berlin:20260323T110000
RRULE:FREQ=WEEKLY
EXDATE;TZID=Europe/Berlin:20260406T100000,20260413T100000
RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20260401T100000/PT2H
END:VEVENT
BEGIN:VEVENT
UID:u
RECURRENCE-ID;TZID=Europe/Berlin:20260330T100000
DTSTART;TZID=Europe/Berlin:20260331T150000
DURATION:PT1H
SUMMARY:moved
END:VEVENT
END:VCALENDAR
";

#[test]
fn a_series_is_its_master_and_its_overrides() {
    let text = shaped(&series(), WEEKLY);
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 2);
    assert_eq!(
        lines(&text, &TIMES),
        [
            "DTSTART:20260323T090000Z",
            "DTEND:20260323T100000Z",
            "RRULE:FREQ=WEEKLY",
            "RDATE;VALUE=PERIOD:20260401T080000Z/20260401T100000Z",
            "EXDATE:20260406T080000Z,20260413T080000Z",
            "X-NSCP-DTSTART-TZID:Europe/Berlin",
            "RECURRENCE-ID:20260330T080000Z",
            "DTSTART:20260331T130000Z",
            "DTEND:20260331T140000Z",
            "X-NSCP-DTSTART-TZID:Europe/Berlin",
        ]
    );
    assert_eq!(
        lines(&text, &["X-NSCP-ORIGINAL-DTSTART"]),
        [
            "X-NSCP-ORIGINAL-DTSTART:20260323T090000Z",
            "X-NSCP-ORIGINAL-DTSTART:20260330T080000Z"
        ]
    );
    let bare = shaped(&Form::default(), WEEKLY);
    assert!(lines(&bare, &["RRULE", "RDATE", "EXDATE"]).is_empty());
}

#[test]
fn instances_are_components_of_their_own() {
    let form = Form::default();
    let zone = Zone::utc();
    let nobody = People::default();
    let mut shaper = Shaper::new(&form, place(&zone, &nobody));
    let berlin = |text| crate::ical::value::parse_date_time(text, Some("Europe/Berlin")).unwrap();
    let occurrences = [
        Occurrence {
            component: 1,
            recurrence_id: Some(berlin("20260330T100000")),
            start: berlin("20260331T150000"),
            end: Timestamp(1_774_965_600),
        },
        Occurrence {
            component: 0,
            recurrence_id: Some(berlin("20260420T100000")),
            start: berlin("20260420T100000"),
            end: Timestamp(1_776_675_600),
        },
    ];
    let object = object(WEEKLY);
    shaper.add_occurrences(&object, STAMPS, &occurrences.each_ref());
    let text = printed(shaper);
    assert_eq!(
        lines(&text, &TIMES),
        [
            "RECURRENCE-ID:20260330T080000Z",
            "DTSTART:20260331T130000Z",
            "DTEND:20260331T140000Z",
            "X-NSCP-DTSTART-TZID:Europe/Berlin",
            "RECURRENCE-ID:20260420T080000Z",
            "DTSTART:20260420T080000Z",
            "DTEND:20260420T090000Z",
            "X-NSCP-DTSTART-TZID:Europe/Berlin",
        ]
    );
}

#[test]
fn instances_of_days_are_days() {
    let form = Form::default();
    let zone = Zone::named("America/New_York").unwrap();
    let nobody = People::default();
    let mut shaper = Shaper::new(&form, place(&zone, &nobody));
    let day = crate::ical::value::parse_date_time("20260902", None).unwrap();
    let occurrence = Occurrence {
        component: 0,
        recurrence_id: Some(day.clone()),
        start: day,
        // Midnight after 4 September in New York.
        end: Timestamp(1_788_580_800),
    };
    let object = object(
        "BEGIN:VEVENT\nUID:u\nDTSTART;VALUE=DATE:20260901\nDTEND;VALUE=DATE:20260904\n\
        RRULE:FREQ=DAILY\nEND:VEVENT\n",
    );
    shaper.add_occurrences(&object, STAMPS, &[&occurrence]);
    let text = printed(shaper);
    assert_eq!(
        lines(&text, &TIMES),
        [
            "RECURRENCE-ID;VALUE=DATE:20260902",
            "DTSTART;VALUE=DATE:20260902",
            "DTEND;VALUE=DATE:20260905",
        ]
    );
}

#[test]
fn people_are_shown_by_calid_or_by_address() {
    let zone = Zone::utc();
    let text = "BEGIN:VEVENT
UID:u
DTSTART:20260301T103000Z
ORGANIZER;CN=\"Tom T\";X-NSCP-ORGANIZER-UID=liar;SENT-BY=\"mailto:tom@localhost\":mailto:tom@localhost
ATTENDEE;PARTSTAT=ACCEPTED;CN=Tom;X-S1CS-CALID=liar:mailto:tom@localhost
ATTENDEE:anna:room-1
ATTENDEE;RSVP=TRUE:mailto:guest@outside.example
END:VEVENT
";
    let people = |mail| {
        let form = Form { mail, ..series() };
        let everybody = everybody();
        let mut shaper = Shaper::new(&form, place(&zone, &everybody));
        shaper.add(object(text), STAMPS);
        let text = printed(shaper).replace("\n ", "");
        assert!(text.contains("REQUEST-WAITFORREPLY"), "{text}");
        lines(&text, &["ORGANIZER", "ATTENDEE", "X-NSCP-ORGANIZER-EMAIL"])
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let organizer = "ORGANIZER;CN=\"Tom T\";SENT-BY=\"mailto:tom@localhost\";X-NSCP-ORGANIZER-UID=tom;\
        X-NSCP-ORGANIZER-SENT-BY-UID=tom";
    assert_eq!(
        people(true),
        [
            &format!("{organizer};X-S1CS-CALID=tom:mailto:tom@localhost"),
            "ATTENDEE;PARTSTAT=ACCEPTED;CN=Tom;X-S1CS-CALID=tom:mailto:tom@localhost",
            "ATTENDEE:anna:room 1",
            "ATTENDEE;RSVP=TRUE:mailto:guest@outside.example",
            "X-NSCP-ORGANIZER-EMAIL:tom@localhost",
        ]
    );
    assert_eq!(
        people(false),
        [
            &format!("{organizer};X-S1CS-EMAIL=tom@localhost:tom"),
            "ATTENDEE;PARTSTAT=ACCEPTED;CN=Tom;X-S1CS-EMAIL=tom@localhost:tom",
            "ATTENDEE:anna:room 1",
            "ATTENDEE;RSVP=TRUE:mailto:guest@outside.example",
            "X-NSCP-ORGANIZER-EMAIL:tom@localhost",
        ]
    );
}

#[test]
fn alarms_are_relative_or_absolute_as_asked() {
    let text = "BEGIN:VTODO
UID:u
DTSTART:20260301T100000Z
DUE:20260301T120000Z
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER;RELATED=END:-PT30M
END:VALARM
BEGIN:VALARM
ACTION:AUDIO
TRIGGER;VALUE=DATE-TIME:20260301T093000Z
END:VALARM
BEGIN:VALARM
ACTION:AUDIO
TRIGGER:soon
END:VALARM
END:VTODO
";
    let relative = shaped(&series(), text);
    assert_eq!(
        lines(&relative, &["TRIGGER"]),
        [
            "TRIGGER;RELATED=END:-PT30M",
            "TRIGGER:-PT30M",
            "TRIGGER:soon"
        ]
    );
    let absolute = shaped(&Form::default(), text);
    assert_eq!(
        lines(&absolute, &["TRIGGER"]),
        [
            "TRIGGER;VALUE=DATE-TIME:20260301T113000Z",
            "TRIGGER;VALUE=DATE-TIME:20260301T093000Z",
            "TRIGGER:soon"
        ]
    );
}
