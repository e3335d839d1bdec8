//! Typed values read and printed.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn property(line: &str) -> Property {
    Property::from_line(line).unwrap()
}

fn at(year: i16, month: i8, day: i8, hour: i8, minute: i8, second: i8) -> civil::DateTime {
    civil::date(year, month, day).at(hour, minute, second, 0)
}

#[test]
fn a_date_time_has_four_kinds() {
    let noon = at(2007, 5, 21, 12, 0, 0);
    for (line, value) in [
        ("DTSTART;VALUE=DATE:20070521", DateTime::Date(noon.date())),
        ("DTSTART:20070521", DateTime::Date(noon.date())),
        ("DTSTART:20070521T120000", DateTime::Floating(noon)),
        ("DTSTART;TZID=:20070521T120000", DateTime::Floating(noon)),
        (
            "DTSTART;TZID=\"/x.org/a:b\":20070521T120000",
            DateTime::Zoned(noon, "/x.org/a:b".into()),
        ),
        (
            "DTSTART:20070521T120000Z",
            DateTime::Utc(Timestamp(1_179_748_800)),
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20070521t120000z",
            DateTime::Utc(Timestamp(1_179_748_800)),
        ),
        (
            "DTSTART:20161231T235960",
            DateTime::Floating(at(2016, 12, 31, 23, 59, 59)),
        ),
    ] {
        let read = date_time(&property(line)).unwrap();
        assert_eq!(read, value, "{line}");
        let printed = date_time_property("DTSTART", &read);
        assert_eq!(date_time(&printed).unwrap(), value, "{line}");
    }
    assert_eq!(
        date_time_property("DTSTART", &DateTime::Date(noon.date())).as_line(),
        "DTSTART;VALUE=DATE:20070521"
    );
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "2007052",
        "200705210",
        "20070229",
        "20071301",
        "20070521T",
        "20070521T1200",
        "20070521T240000",
        "20070521T126000",
        "20070521T120061",
        "20070521T120000+0100",
        "20070521T120000ZZ",
        "2007-05-21",
        "+0070521T120000",
        "20070521T12000\u{e9}",
        "2007052\u{e9}T120000",
    ] {
        assert_eq!(
            parse_date_time(text, None),
            Err(ValueError::DateTime),
            "{text}"
        );
    }
    assert_eq!(
        utc(&property("DTSTAMP:20070521T120000")),
        Err(ValueError::Utc)
    );
    assert_eq!(parse_date("20070521T1"), Err(ValueError::Date));
}

#[test]
fn lists_of_dates_keep_their_order() {
    let p = property("EXDATE;TZID=A/B:20070521T120000,,20060521T120000,");
    let dates = date_times(&p).unwrap();
    assert_eq!(dates.len(), 2);
    let mut mixed = dates;
    mixed.push(parse_date_time("20070521", None).unwrap());
    mixed.push(parse_date_time("20070522", None).unwrap());
    let lines: Vec<_> = date_time_properties("EXDATE", &mixed)
        .iter()
        .map(|p| p.as_line().to_owned())
        .collect();
    assert_eq!(
        lines,
        [
            "EXDATE;TZID=A/B:20070521T120000,20060521T120000",
            "EXDATE;VALUE=DATE:20070521,20070522"
        ]
    );
}

#[test]
fn recurrence_dates_may_be_periods() {
    let p = property("RDATE;VALUE=PERIOD:19960403T020000Z/19960403T040000Z,19960404T010000Z/PT3H");
    let values = recurrence_dates(&p).unwrap();
    assert!(matches!(
        values[0],
        RecurrenceDate::Period(Period::Between(..))
    ));
    assert!(
        matches!(&values[1], RecurrenceDate::Period(Period::Lasting(_, d)) if d.seconds() == 10_800)
    );
    let printed = recurrence_date_properties("RDATE", &values);
    assert_eq!(printed, [p]);
    for text in [
        "20070521/P1D",
        "20070521T120000",
        "20070521T120000/-PT1H",
        "20070521T120000/20070522",
        "20070521T120000/",
        "/PT1H",
    ] {
        assert!(Period::parse(text, None).is_err(), "{text}");
    }
}

#[test]
fn offsets_read_and_print() {
    for (text, seconds) in [
        ("+0100", 3600),
        ("-0530", -19_800),
        ("+005328", 3208),
        ("+0000", 0),
    ] {
        assert_eq!(parse_offset(text), Ok(seconds));
        assert_eq!(offset_text(seconds), text);
    }
    for text in [
        "0100", "+01", "+2400", "+0160", "+01:00", "", "+010", "+01000",
    ] {
        assert_eq!(parse_offset(text), Err(ValueError::Offset), "{text}");
    }
}

#[test]
fn numbers_and_places() {
    assert_eq!(integer("-12"), Ok(-12));
    assert_eq!(integer("2147483648"), Err(ValueError::Integer));
    assert_eq!(float("-1.5"), Ok(-1.5));
    for text in ["inf", "NaN", "1e5", "", ".", "1.2.3", "--1"] {
        assert_eq!(float(text), Err(ValueError::Float), "{text}");
    }
    for line in ["GEO:37.386013;-122.082932", "GEO:37.386013\\;-122.082932"] {
        assert_eq!(geo(&property(line)), Ok((37.386_013, -122.082_932)));
    }
    for line in ["GEO:91;0", "GEO:1", "GEO:;", "GEO:1;2;3"] {
        assert_eq!(geo(&property(line)), Err(ValueError::Geo), "{line}");
    }
    assert_eq!(boolean("True"), Ok(true));
    assert_eq!(boolean("1"), Err(ValueError::Boolean));
}

#[test]
fn addresses() {
    assert!(uri(&property("ORGANIZER:MAILTO:a@b.c")).is_ok());
    for line in [
        "ORGANIZER:a@b.c",
        "ORGANIZER:mailto:",
        "ORGANIZER:ma ilto:x",
        "URL:1:2",
    ] {
        assert_eq!(uri(&property(line)), Err(ValueError::Uri), "{line}");
    }
    assert_eq!(mail_address("MailTo:a@b.c"), Some("a@b.c"));
    assert_eq!(mail_address("mailto:"), None);
    assert_eq!(mail_address("http://x"), None);
    assert_eq!(mail_address("mail\u{e9}\u{e9}\u{e9}"), None);
}

#[test]
fn lists_of_texts_cut_at_bare_commas() {
    let p = property("CATEGORIES:A\\,B,C\\\\,D\\n,");
    let list: Vec<_> = texts(&p).collect();
    assert_eq!(list, ["A,B", "C\\", "D\n", ""]);
    assert_eq!(texts_property("CATEGORIES", &list), p);
}

#[test]
fn request_status_has_two_or_three_parts() {
    let p = property("REQUEST-STATUS:3.1;Invalid property value\\;x;DTSTART:96-Apr-01;y");
    let status = request_status(&p).unwrap();
    assert_eq!(status.code, "3.1");
    assert_eq!(status.description, "Invalid property value;x");
    assert_eq!(status.data.as_deref(), Some("DTSTART:96-Apr-01;y"));
    let p = property("REQUEST-STATUS:2.0;Success");
    assert_eq!(request_status(&p).unwrap().data, None);
    assert_eq!(request_status_property("2.0", "Success", None), p);
    for line in [
        "REQUEST-STATUS:2.0",
        "REQUEST-STATUS:2;x",
        "REQUEST-STATUS:a.b;x",
    ] {
        assert_eq!(
            request_status(&property(line)),
            Err(ValueError::RequestStatus)
        );
    }
}

#[test]
fn triggers() {
    for (line, value) in [
        (
            "TRIGGER:-PT15M",
            Trigger::Relative(Duration::of_seconds(-900), Related::Start),
        ),
        (
            "TRIGGER;RELATED=END:P1D",
            Trigger::Relative(Duration::of_days(1), Related::End),
        ),
        (
            "TRIGGER;VALUE=DATE-TIME:19700101T000010Z",
            Trigger::Absolute(Timestamp(10)),
        ),
    ] {
        assert_eq!(trigger(&property(line)), Ok(value));
        assert_eq!(trigger_property(value).as_line(), line);
    }
    assert!(trigger(&property("TRIGGER:230000")).is_err());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,20}|[0-9]{8}T?[0-9]{0,6}Z?") {
        if let Ok(value) = parse_date_time(&text, None) {
            proptest::prop_assert_eq!(parse_date_time(&value.to_string(), None).unwrap(), value);
        }
        let _ = Period::parse(&text, Some("x"));
        let _ = parse_offset(&text);
        let _ = float(&text);
    }

    #[test]
    fn texts_read_back(list in proptest::collection::vec("[^\r\u{0}-\u{8}\u{b}-\u{1f}\u{7f}]{0,8}", 1..5)) {
        let p = texts_property("CATEGORIES", &list);
        let read: Vec<_> = texts(&p).map(|t| t.into_owned()).collect();
        proptest::prop_assert_eq!(read, list);
    }
}
