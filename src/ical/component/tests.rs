//! Content lines and components as values.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_line_is_kept_and_read() {
    let line = r#"ATTENDEE;CN="Doe, J; x:y";ROLE=CHAIR;X-M=1,"2,3":mailto:j@example.com"#;
    let p = Property::from_line(line).unwrap();
    assert_eq!(p.as_line(), line);
    assert_eq!(p.name(), "ATTENDEE");
    assert_eq!(p.value(), "mailto:j@example.com");
    assert_eq!(p.param("cn").unwrap(), "Doe, J; x:y");
    let many: Vec<_> = p.params().last().unwrap().values().collect();
    assert_eq!(many, ["1", "2,3"]);
    assert_eq!(
        p.clone().without_param("CN").param("role").unwrap(),
        "CHAIR"
    );
}

#[test]
fn bad_lines_say_why() {
    for (line, why) in [
        ("", LineError::NoValue),
        (":x", LineError::Name),
        ("NO VALUE", LineError::Name),
        ("A;B:c", LineError::Parameter),
        ("A;B=\"x:c", LineError::Quote),
        ("A;B=c", LineError::NoValue),
        ("A:\u{0}", LineError::Control),
    ] {
        assert_eq!(Property::from_line(line).unwrap_err(), why, "{line:?}");
    }
}

#[test]
fn made_values_cannot_start_a_line() {
    let p = Property::text("SUMMARY", "x\r\nATTENDEE:mailto:evil@x").with_param("CN", "a\"b\nc:d^");
    assert_eq!(
        p.as_line(),
        "SUMMARY;CN=\"a^'b^nc:d^^\":x\\nATTENDEE:mailto:evil@x"
    );
    assert_eq!(p.param("CN").unwrap(), "a\"b\nc:d^");
    assert_eq!(p.to_text(), "x\nATTENDEE:mailto:evil@x");
    assert_eq!(Property::new("A\r\nB", "c\nd").as_line(), "AB:cd");
}

#[test]
fn set_replaces_in_place() {
    let mut c = Component::new("VEVENT");
    for (n, v) in [
        ("UID", "1"),
        ("SUMMARY", "a"),
        ("UID", "2"),
        ("CLASS", "PUBLIC"),
    ] {
        c.push(Property::new(n, v));
    }
    c.push_component(Component::new("VALARM"));
    c.set(Property::new("UID", "3"));
    c.set(Property::new("PRIORITY", "5"));
    let names: Vec<_> = c.properties().map(|p| p.as_line()).collect();
    assert_eq!(names, ["UID:3", "SUMMARY:a", "CLASS:PUBLIC", "PRIORITY:5"]);
    assert!(matches!(c.entries().last(), Some(Entry::Component(_))));
}
