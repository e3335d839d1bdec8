//! Values of every type there and back, and what happens to those that are of none.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn line(text: &str) -> Property {
    Property::from_line(text).unwrap()
}

/// Type and values in one line, parts in brackets.
fn shown(text: &str) -> String {
    let property = line(text);
    let typed = of(&property);
    let values = typed.values.iter().map(|value| match value {
        Value::Plain(text) => text.to_string(),
        Value::Parts(parts) => format!("[{}]", parts.join("|")),
        Value::Rule(parts) => {
            let parts = parts
                .iter()
                .map(|(name, values)| format!("{name}={}", values.join("|")));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(" "))
        }
    });
    let values: Vec<_> = values.collect();
    format!("{} {}", typed.kind, values.join(", "))
}

fn back(property: &Property) -> Property {
    let typed = of(property);
    super::property(&typed.name, &typed.params, &typed.kind, &typed.values).unwrap()
}

/// RFC 5545's types and what the two RFCs make of them.
#[test]
fn each_type_has_its_form() {
    for (text, wanted, printed) in [
        (
            "DTSTART:20260105T090000Z",
            "date-time 2026-01-05T09:00:00Z",
            None,
        ),
        ("DTSTART;VALUE=DATE:20260105", "date 2026-01-05", None),
        (
            "DTSTART:20260105",
            "date 2026-01-05",
            Some("DTSTART;VALUE=DATE:20260105"),
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260105T090000",
            "date-time 2026-01-05T09:00:00",
            None,
        ),
        (
            "CREATED:20260105T090000Z",
            "date-time 2026-01-05T09:00:00Z",
            None,
        ),
        (
            "EXDATE;VALUE=DATE:20260105,20260106",
            "date 2026-01-05, 2026-01-06",
            None,
        ),
        (
            "RDATE;VALUE=PERIOD:20260105T090000Z/PT1H,20260106T090000Z/20260106T100000Z",
            "period [2026-01-05T09:00:00Z|PT1H], [2026-01-06T09:00:00Z|2026-01-06T10:00:00Z]",
            None,
        ),
        ("DURATION:PT1H", "duration PT1H", None),
        ("TRIGGER:-PT15M", "duration -PT15M", None),
        (
            "TRIGGER;VALUE=DATE-TIME:20260105T090000Z",
            "date-time 2026-01-05T09:00:00Z",
            None,
        ),
        (
            "RRULE:FREQ=YEARLY;BYDAY=-1SU,2MO;BYMONTH=10;UNTIL=20300101T000000Z",
            "recur {freq=YEARLY until=2030-01-01T00:00:00Z byday=-1SU|2MO bymonth=10}",
            Some("RRULE:FREQ=YEARLY;UNTIL=20300101T000000Z;BYDAY=-1SU,2MO;BYMONTH=10"),
        ),
        (
            "RRULE:FREQ=DAILY;UNTIL=20300101",
            "recur {freq=DAILY until=2030-01-01}",
            None,
        ),
        (
            "GEO:37.386013;-122.0829",
            "float [37.386013|-122.0829]",
            None,
        ),
        (
            "REQUEST-STATUS:3.1;Bad\\; value;DTSTART:96-Apr-01",
            "text [3.1|Bad; value|DTSTART:96-Apr-01]",
            None,
        ),
        ("CATEGORIES:a\\,b,c", "text a,b, c", None),
        (
            "SUMMARY:one\\ntwo\\, \\;three",
            "text one\ntwo, ;three",
            None,
        ),
        ("TZOFFSETFROM:-0500", "utc-offset -05:00", None),
        ("TZOFFSETTO:+013015", "utc-offset +01:30:15", None),
        ("PRIORITY:5", "integer 5", None),
        (
            "ATTACH:http://example.com/a,b",
            "uri http://example.com/a,b",
            None,
        ),
        (
            "ATTENDEE;RSVP=TRUE:mailto:a@b",
            "cal-address mailto:a@b",
            None,
        ),
        (
            "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8=",
            "binary SGVsbG8=",
            Some("ATTACH;VALUE=BINARY;ENCODING=BASE64:SGVsbG8="),
        ),
        (
            "X-A;VALUE=BOOLEAN:True",
            "boolean true",
            Some("X-A;VALUE=BOOLEAN:TRUE"),
        ),
        (
            "X-A;VALUE=FLOAT:+.50",
            "float 0.50",
            Some("X-A;VALUE=FLOAT:0.50"),
        ),
        ("X-A;VALUE=TIME:090000", "time 09:00:00", None),
        ("X-A;VALUE=TEXT:a\\,b", "text a,b", None),
        // Of unknown types, and of none: the octets stay.
        ("X-A:a\\,b;c", "unknown a\\,b;c", None),
        ("X-A;VALUE=X-MINE:a\\,b;c", "x-mine a\\,b;c", None),
        ("X-A;VALUE=UNKNOWN:a", "unknown a", None),
        ("DTSTART:tomorrow", "unknown tomorrow", None),
        (
            "EXDATE:20260105,20260105T090000Z",
            "unknown 20260105,20260105T090000Z",
            None,
        ),
        ("X-A;VALUE=DATE:today", "unknown today", None),
        ("GEO:here", "unknown here", None),
        ("PRIORITY:high", "unknown high", None),
        ("REQUEST-STATUS:2.0;a;b;c", "unknown 2.0;a;b;c", None),
        ("RRULE:FREQ=OFTEN", "unknown FREQ=OFTEN", None),
    ] {
        assert_eq!(shown(text), wanted);
        assert_eq!(back(&line(text)).as_line(), printed.unwrap_or(text));
    }
}

#[test]
fn parameters_of_one_name_are_one() {
    let property =
        line("ATTENDEE;cn=\"a;b\";MEMBER=\"mailto:a\",\"mailto:b\";Member=\"mailto:c\":x");
    let typed = of(&property);
    assert_eq!(typed.params[0].0, "cn");
    assert_eq!(typed.params[1].1, ["mailto:a", "mailto:b", "mailto:c"]);
    assert_eq!(
        back(&property).as_line(),
        "ATTENDEE;CN=\"a;b\";MEMBER=\"mailto:a\",\"mailto:b\",\"mailto:c\":x"
    );
}

#[test]
fn wrong_values_are_refused() {
    let plain = |text: &'static str| vec![Value::plain(text)];
    let wrong = |kind: &str| Err(TypedError::Value(kind.into()));
    for (kind, values) in [
        ("date", plain("20260105")),
        ("date-time", plain("2026-01-05 09:00:00")),
        ("period", plain("2026-01-05T09:00:00Z")),
        ("recur", plain("FREQ=DAILY")),
        (
            "recur",
            vec![Value::Rule(vec![(
                "freq".into(),
                vec!["DAILY;COUNT=1".into()],
            )])],
        ),
        (
            "recur",
            vec![Value::Rule(vec![("a=b".into(), vec!["1".into()])])],
        ),
        ("integer", plain("1.5")),
        ("float", plain("1e5")),
        ("utc-offset", plain("0100")),
        ("boolean", plain("yes")),
        ("uri", vec![Value::Parts(vec!["a".into()])]),
    ] {
        assert_eq!(property("x-a", &[], kind, &values), wrong(kind));
    }
    assert_eq!(property("x-a", &[], "text", &[]), Err(TypedError::Missing));
    // Nothing breaks out of its place.
    for (name, params, value) in [
        ("x-a:b", vec![], "c"),
        ("x-a\r\nb", vec![], "c"),
        ("x-a", vec![("p=1;q".to_owned(), vec!["v".into()])], "c"),
        ("x-a", vec![], "c\r\nATTENDEE:mailto:x"),
    ] {
        assert!(
            property(name, &params, "unknown", &plain(value)).is_err(),
            "{name}"
        );
    }
    // Controls in text are dropped, line breaks escaped.
    let text = property("x-a", &[], "text", &plain("a\r\nb\u{0}")).unwrap();
    assert_eq!(text.as_line(), "X-A;VALUE=TEXT:a\\nb");
}

proptest! {
    /// Whatever stands in a line: taken apart and put together it says what it said, and from then on nothing changes.
    #[test]
    fn nothing_changes_twice(
        name in "(SUMMARY|DTSTART|EXDATE|RRULE|GEO|REQUEST-STATUS|CATEGORIES|TRIGGER|ATTACH|X-A|PRIORITY|FREEBUSY|TZOFFSETTO)",
        said in "(|;VALUE=(DATE|DATE-TIME|TEXT|PERIOD|DURATION|X-Y|BINARY|FLOAT|RECUR|TIME|UNKNOWN))",
        value in "(20260105|20260105T090000Z|PT1H|FREQ=DAILY|[0-9]{1,8}|[-+.,;:/\\\\TZPn a0-9\u{e4}]{0,12})(,20260106|)",
    ) {
        let property = line(&format!("{name}{said};X-P=\"a,b\":{value}"));
        let once = back(&property);
        let twice = back(&once);
        prop_assert_eq!(&twice, &once);
        prop_assert_eq!(of(&once), of(&twice));
        if name == "SUMMARY" && said.is_empty() {
            prop_assert_eq!(once.to_text(), property.to_text());
        }
    }
}
