//! Documents of others, what is refused, and our own documents of both standard forms back to their meaning.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::ical::print;
use crate::wcap::decode::xcal;
use crate::wcap::encode::encode;
use crate::wcap::format::Format;
use crate::wcap::reply::Reply;

fn read(document: &str) -> Result<Vec<Component>, DecodeError> {
    decode(document.as_bytes(), 4, 200)
}

/// In the manner of RFC 7265's appendix B.
#[test]
fn foreign_documents_are_read() {
    let document = r#"
["vcalendar", [["version", {}, "text", "2.0"]],
 [["vevent", [
   ["dtstart", {"tzid": "US/Eastern"}, "date-time", "2006-01-02T12:00:00"],
   ["rrule", {}, "recur", {"freq": "DAILY", "count": 5, "byday": ["MO", "TU"], "bymonth": 1}],
   ["rdate", {}, "period", ["2006-01-02T15:00:00Z", "PT2H"], "2006-01-03T15:00:00Z/PT1H"],
   ["summary", {"language": "en"}, "text", "Event #2, \u00e4"],
   ["geo", {}, "float", [37.386010, -122.082932]],
   ["request-status", {}, "text", ["3.1", "Bad; value", "DTSTART"]],
   ["attendee", {"member": ["mailto:a@b", "mailto:c@d"], "rsvp": "TRUE"}, "cal-address", "mailto:x@y"],
   ["categories", {}, "text", "a,b", "c"],
   ["priority", {}, "integer", 5],
   ["x-flag", {}, "boolean", true],
   ["x-foo", {}, "unknown", "1;2\\,3"],
   ["x-bar", {}, "x-type", "1;2"]
  ], []]
 ]]"#;
    let calendars = read(document).unwrap();
    let printed = print::to_string(&calendars[0]).replace("\r\n ", "");
    assert_eq!(
        printed,
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n\
         DTSTART;TZID=US/Eastern:20060102T120000\r\n\
         RRULE:FREQ=DAILY;COUNT=5;BYDAY=MO,TU;BYMONTH=1\r\n\
         RDATE;VALUE=PERIOD:20060102T150000Z/PT2H,20060103T150000Z/PT1H\r\n\
         SUMMARY;LANGUAGE=en:Event #2\\, \u{e4}\r\nGEO:37.386010;-122.082932\r\n\
         REQUEST-STATUS:3.1;Bad\\; value;DTSTART\r\n\
         ATTENDEE;MEMBER=\"mailto:a@b\",\"mailto:c@d\";RSVP=TRUE:mailto:x@y\r\n\
         CATEGORIES:a\\,b,c\r\nPRIORITY:5\r\nX-FLAG;VALUE=BOOLEAN:TRUE\r\n\
         X-FOO:1;2\\,3\r\nX-BAR;VALUE=X-TYPE:1;2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let event = calendars[0].components().next().unwrap();
    assert_eq!(event.source_line(), 3);
    assert_eq!(event.property("SUMMARY").unwrap().source_line(), 7);
    let two = format!("[{document},{document}]");
    assert_eq!(read(&two).unwrap().len(), 2);
}

#[test]
fn wrong_documents_are_named() {
    let of = |inner: &str| format!("[\"vcalendar\",[\n{inner}],[]]");
    let deep = "[\"a\",[],[".repeat(5) + &"]]".repeat(5);
    for (document, wanted) in [
        ("{}".into(), "line 1: expected an array"),
        (
            "[]".into(),
            "line 1: expected a name, properties and components",
        ),
        (
            "[\"vevent\",[],[]]".into(),
            "line 1: expected \"vcalendar\"",
        ),
        (
            "[\"vcalendar\",[]]".into(),
            "line 1: expected a name, properties and components",
        ),
        (of("[\"a\",{},\"text\"]"), "line 2: a: expected a value"),
        (
            of("[\"a\",{}]"),
            "line 2: expected a name, parameters, a type and values",
        ),
        (
            of("[\"a\",[],\"text\",\"b\"]"),
            "line 2: expected an object",
        ),
        (
            of("[\"a\",{\"p\":[]},\"text\",\"b\"]"),
            "line 2: expected a parameter with a value",
        ),
        (
            of("[\"a\",{},\"text\",null]"),
            "line 2: expected a string, a number or a truth value",
        ),
        (
            of("[\"a\",{},\"date\",20060102]"),
            "line 2: a: expected a value of the type 'date'",
        ),
        (
            of("[\"a\",{},\"text\",{\"x\":{}}]"),
            "line 2: expected a string, a number or a truth value",
        ),
        (
            of("[\"a b\",{},\"text\",\"b\"]"),
            "line 2: a b: expected a property name of letters, digits and '-'",
        ),
        (
            deep,
            "line 1: expected at most 4 components inside one another",
        ),
        (
            of(&"[\"a\",{},\"text\",\"b\"],".repeat(60)),
            "line 2: expected value",
        ),
    ] {
        assert_eq!(read(&document).unwrap_err().to_string(), wanted);
    }
    let many = of(&["[\"a\",{},\"text\",\"b\"]"; 60].join(","));
    assert!(
        read(&many)
            .unwrap_err()
            .to_string()
            .contains("at most 200 values")
    );
}

/// Lines with values unescaped, lists cut and parameters sorted, so that only what is said counts.
fn meaning(component: &Component) -> Vec<String> {
    let mut lines = vec![format!("BEGIN:{}", component.name().to_ascii_uppercase())];
    for p in component.properties() {
        let mut params: Vec<_> = p
            .params()
            .map(|param| {
                (
                    param.name().to_ascii_uppercase(),
                    param.values().collect::<Vec<_>>(),
                )
            })
            .collect();
        params.sort();
        let name = p.name().to_ascii_uppercase();
        let value = match name.as_str() {
            "SUMMARY" | "UID" => p.to_text().into_owned(),
            "CATEGORIES" => format!("{:?}", crate::ical::value::texts(p).collect::<Vec<_>>()),
            _ => p.value().trim().to_owned(),
        };
        lines.push(format!("{name} {params:?} {value}"));
    }
    component
        .components()
        .for_each(|inner| lines.extend(meaning(inner)));
    lines.push("END".into());
    lines
}

fn any_property() -> impl Strategy<Value = Property> {
    let value = prop::sample::select(vec![
        "SUMMARY:a\\, b\\n\\;c \u{e4}<&>\"]]>",
        "summary;LANGUAGE=de:x",
        "UID:1;2",
        "DTSTART;TZID=Europe/Berlin:20260105T090000",
        "DTSTART;VALUE=DATE:20260105",
        "EXDATE;TZID=X:20260105T090000,20260106T090000",
        "RDATE;VALUE=PERIOD:20260105T090000Z/PT1H,20260106T090000Z/20260106T100000Z",
        "FREEBUSY;FBTYPE=BUSY:20260105T090000Z/PT1H",
        "RRULE:FREQ=MONTHLY;UNTIL=20300101T000000Z;BYDAY=-1SU,2MO;BYSETPOS=1;X-A=b",
        "GEO:37.386013;-122.08",
        "GEO:nowhere",
        "REQUEST-STATUS:2.0;Success.  Store successful.",
        "CATEGORIES:a\\,b,c",
        "TRIGGER;RELATED=END:-PT15M",
        "TRIGGER;VALUE=DATE-TIME:20260105T090000Z",
        "TZOFFSETTO:-0500",
        "PRIORITY:9",
        "DTEND:odd value",
        "ATTENDEE;CN=\"a;b,^^^'c\";MEMBER=\"mailto:a\",\"mailto:b\";RSVP=TRUE:mailto:x@y",
        "ATTACH;VALUE=BINARY;ENCODING=BASE64:SGVsbG8=",
        "ATTACH;FMTTYPE=text/plain:http://example.com/?a=1&b=2,3;4",
        "X-NSCP-WCAP-ERRNO:0",
        "X-A;VALUE=TEXT:a\\,b",
        "X-A;X-P=1,2;9P=\"^n\":raw\\,;value",
        "_X;VALUE=X-MY:1",
        "9A:b",
        "-:c",
    ]);
    value.prop_map(|text| Property::from_line(text).unwrap())
}

fn any_component() -> impl Strategy<Value = Component> {
    let of = |name: &'static str| {
        prop::collection::vec(any_property(), 0..8).prop_map(move |properties| {
            properties
                .into_iter()
                .fold(Component::new(name), Component::with)
        })
    };
    let inner = prop_oneof![of("VALARM"), of("X-PART"), of("9Z")];
    (
        prop_oneof![of("VEVENT"), of("vtodo"), of("VTIMEZONE")],
        prop::collection::vec(inner, 0..3),
    )
        .prop_map(|(mut outer, inner)| {
            inner.into_iter().for_each(|c| outer.push_component(c));
            outer
        })
}

proptest! {
    #[test]
    fn both_forms_come_back(components in prop::collection::vec(any_component(), 0..4), twice in any::<bool>()) {
        let mut calendar = Component::new("VCALENDAR").with(Property::new("VERSION", "2.0"));
        components.into_iter().for_each(|c| calendar.push_component(c));
        let calendars = vec![calendar; if twice { 2 } else { 1 }];
        let reply: Reply = calendars.iter().cloned().collect();
        let wanted: Vec<_> = calendars.iter().map(meaning).collect();
        let json = decode(&encode(&reply, Format::JCal), 8, 10_000).unwrap();
        prop_assert_eq!(json.iter().map(meaning).collect::<Vec<_>>(), wanted.clone());
        let xml = xcal::decode(&encode(&reply, Format::XCal), 8, 10_000).unwrap();
        prop_assert_eq!(xml.iter().map(meaning).collect::<Vec<_>>(), wanted);
        // Read once, both say the same to the octet.
        prop_assert_eq!(&json, &xml);
    }
}
