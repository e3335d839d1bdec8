//! What is read, what is named, what is left out.

use proptest::prelude::*;

use super::*;
use crate::ical::print;

fn strict(text: &str) -> Parsed {
    parse(text.as_bytes(), &Limits::DEFAULT)
}

fn mending(text: &[u8]) -> Parsed {
    parse_mending(text, &Limits::DEFAULT)
}

/// The errors as `line: message`.
fn errors(parsed: &Parsed) -> Vec<String> {
    parsed.errors.iter().map(ToString::to_string).collect()
}

/// The outermost components and what is in them, as `NAME(line):VALUE,NAME(line){...}`.
fn shape(components: &[Component]) -> String {
    use crate::ical::component::Entry;
    let one = |c: &Component| {
        let inner: Vec<_> = c
            .entries()
            .iter()
            .map(|entry| match entry {
                Entry::Property(p) => format!("{}@{}", p.as_line(), p.source_line()),
                Entry::Component(c) => shape(std::slice::from_ref(c)),
            })
            .collect();
        format!("{}@{}[{}]", c.name(), c.source_line(), inner.join(" "))
    };
    components.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn lines_are_unfolded_and_numbered() {
    let text = "\u{feff}BEGIN:VCALENDAR\r\nX-A:1\r\n  2\r\n\t3\nBEGIN:VEVENT\rUID\n ;X=1\n :4\r\r\nEND:VEVENT\nend:vcalendar";
    let parsed = strict(text);
    assert_eq!(
        shape(&parsed.components),
        "VCALENDAR@1[X-A:1 23@2 VEVENT@5[UID;X=1:4@6]]"
    );
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    assert!(parsed.is_sound());
}

#[test]
fn a_fold_may_stand_inside_a_character() {
    let text = b"BEGIN:X\r\nA:\xc3\r\n \xa4\xe2\n\t\x82\r\n \xac\r\nEND:X\r\n";
    let parsed = parse(text, &Limits::DEFAULT);
    assert_eq!(shape(&parsed.components), "X@1[A:\u{e4}\u{20ac}@2]");
    assert!(parsed.errors.is_empty());
}

#[test]
fn several_calendars_and_bare_components() {
    let text = "BEGIN:VCALENDAR\nEND:VCALENDAR\n\n\u{feff}BEGIN:VEVENT\nEND:VEVENT\nBEGIN:VCALENDAR\nEND:VCALENDAR\n\n";
    let parsed = strict(text);
    assert_eq!(
        shape(&parsed.components),
        "VCALENDAR@1[] VEVENT@4[] VCALENDAR@6[]"
    );
    assert_eq!(
        errors(&parsed),
        [
            "line 3: expected no blank line",
            "line 8: expected no blank line"
        ]
    );
    assert!(parsed.is_sound());
}

#[test]
fn a_calendar_inside_a_calendar_stays_there_where_it_may() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n";
    let nested = parse_nested(text.as_bytes(), &Limits::DEFAULT);
    assert!(nested.is_sound(), "{:?}", nested.errors);
    assert_eq!(
        shape(&nested.components),
        "VCALENDAR@1[VCALENDAR@2[VEVENT@3[]] VCALENDAR@6[]]"
    );
    let plain = parse(text.as_bytes(), &Limits::DEFAULT);
    assert!(!plain.is_sound());
    // A missing END is one in either.
    let open = "BEGIN:VCALENDAR\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nBEGIN:VCALENDAR\nEND:VCALENDAR\n";
    assert!(!parse_nested(open.as_bytes(), &Limits::DEFAULT).is_sound());
}

#[test]
fn a_broken_line_costs_its_component() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nthis is junk\nEND:VEVENT\nBEGIN:VEVENT\nUID:2\nEND:VEVENT\nX Y\nEND:VCALENDAR\n";
    let parsed = strict(text);
    assert_eq!(shape(&parsed.components), "VCALENDAR@1[VEVENT@6[UID:2@7]]");
    assert_eq!(
        errors(&parsed),
        [
            "line 2: this VEVENT was left out because of line 4",
            "line 4: expected a property name of letters, digits and '-'",
            "line 9: expected a property name of letters, digits and '-'",
        ]
    );
    assert!(!parsed.is_sound());
    let parsed = mending(text.as_bytes());
    assert_eq!(
        shape(&parsed.components),
        "VCALENDAR@1[VEVENT@2[UID:1@3] VEVENT@6[UID:2@7]]"
    );
    assert_eq!(parsed.errors.len(), 2);
}

#[test]
fn mending_never_leaves_an_essential_line_out() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nRRULE FREQ=DAILY\nBEGIN:VALARM\nEND:VALARM\nEND:VEVENT\nBEGIN:VEVENT\nBEGIN:VALARM\ntrigger;-PT5M\nEND:VALARM\nEND:VEVENT\nBEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n";
    let parsed = mending(text.as_bytes());
    assert_eq!(shape(&parsed.components), "VCALENDAR@1[VEVENT@7[]]");
    let left_out: Vec<_> = errors(&parsed)
        .into_iter()
        .filter(|e| e.contains("left out"))
        .collect();
    assert_eq!(
        left_out,
        [
            "line 2: this VEVENT was left out because of line 3",
            "line 8: this VALARM was left out because of line 9",
            "line 12: this VTIMEZONE was left out because of line 14",
            "line 13: this STANDARD was left out because of line 14",
        ]
    );
}

#[test]
fn a_missing_end_costs_one_component() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nBEGIN:VALARM\nBEGIN:VEVENT\nUID:2\nEND:VEVENT\nBEGIN:VTODO\nUID:3\nEND:VCALENDAR\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:4\nEND:VEVENT\n";
    for parsed in [strict(text), mending(text.as_bytes())] {
        assert_eq!(
            shape(&parsed.components),
            "VCALENDAR@1[VEVENT@5[UID:2@6]] VCALENDAR@11[VEVENT@12[UID:4@13]]"
        );
        assert_eq!(
            errors(&parsed),
            [
                "line 2: this VEVENT was left out because of line 5",
                "line 4: this VALARM was left out because of line 5",
                "line 5: expected END:VALARM before this, for the VALARM begun in line 4",
                "line 5: expected END:VEVENT before this, for the VEVENT begun in line 2",
                "line 8: this VTODO was left out because of line 10",
                "line 10: expected END:VTODO before this, for the VTODO begun in line 8",
                "line 14: expected END:VCALENDAR before this, for the VCALENDAR begun in line 11",
            ]
        );
    }
}

#[test]
fn a_calendar_never_holds_a_calendar() {
    let parsed = strict("BEGIN:VCALENDAR\nBEGIN:VCALENDAR\nX:1\nEND:VCALENDAR\n");
    assert_eq!(
        shape(&parsed.components),
        "VCALENDAR@1[] VCALENDAR@2[X:1@3]"
    );
    assert_eq!(parsed.errors.len(), 1);
}

#[test]
fn misplaced_things_are_named() {
    let text = " BEGIN:X\nHello\nEND:VEVENT\nBEGIN:\nA:1\nEND:\nBEGIN:X-1 \nEND;A=1:X-1\nEND:Y\nEND:X-1\nbye\n";
    let parsed = strict(text);
    assert_eq!(shape(&parsed.components), "");
    assert_eq!(
        errors(&parsed),
        [
            "line 1: expected a line before this one, which starts with a blank as if it continued one",
            "line 2: expected BEGIN, found text outside of any component",
            "line 3: expected no END:VEVENT, for no VEVENT is open here",
            "line 4: expected the name of a component after BEGIN: or END:",
            "line 4: this component was left out because of line 4",
            "line 7: this X-1 was left out because of line 8",
            "line 8: expected the name of a component after BEGIN: or END:",
            "line 9: expected no END:Y, for no Y is open here",
            "line 11: expected BEGIN, found text outside of any component",
        ]
    );
    assert_eq!(shape(&mending(text.as_bytes()).components), "X-1@7[]");
}

#[test]
fn bytes_that_are_no_utf8() {
    let text = b"BEGIN:X\nA:Caf\xe9 \x80\nUID:1\nEND:X\n";
    let parsed = parse(text, &Limits::DEFAULT);
    assert!(parsed.components.is_empty());
    assert_eq!(
        parsed.errors[1],
        ParseError {
            line: 2,
            message: Message::NotUtf8
        }
    );
    let parsed = mending(text);
    assert_eq!(
        shape(&parsed.components),
        "X@1[A:Caf\u{e9} \u{20ac}@2 UID:1@3]"
    );
    assert_eq!(parsed.errors[0].message, Message::ReadAsWindows1252);
    assert!(parsed.is_sound());
    let parsed = parse(b"\xff\xfeB\0E\0", &Limits::DEFAULT);
    assert_eq!(parsed.errors[0].message, Message::Utf16);
}

#[test]
fn control_characters() {
    let text = b"BEGIN:X\nA:x\0y\x0b\tz\nEND:X\n";
    let parsed = parse(text, &Limits::DEFAULT);
    assert!(parsed.components.is_empty());
    assert_eq!(parsed.errors[1].line, 2);
    let parsed = mending(text);
    assert_eq!(shape(&parsed.components), "X@1[A:xy\tz@2]");
    let parsed = mending(b"BEGIN:X\nE\x07ND:X\nA:1\n");
    assert_eq!(shape(&parsed.components), "X@1[]");
}

#[test]
fn limits_are_named_when_passed() {
    let limits = Limits {
        bytes: 200,
        line: 20,
        depth: 2,
        components: 5,
        properties: 3,
        errors: 2,
    };
    let run = |text: &str| {
        let parsed = parse(text.as_bytes(), &limits);
        (
            shape(&parsed.components),
            parsed.errors.first().map(|e| (e.line, e.message.clone())),
            parsed.unlisted,
        )
    };
    let at = |line, message| Some((line, message));
    let long = "x".repeat(201);
    assert_eq!(
        run(&long),
        (String::new(), at(1, Message::TooManyBytes(200)), 0)
    );
    let (kept, error, _) = run("BEGIN:X\nA:45678901234567890\nEND:X\nBEGIN:Y\nEND:Y");
    assert_eq!(
        (kept.as_str(), error),
        ("X@1[A:45678901234567890@2] Y@4[]", None)
    );
    let folded = "BEGIN:X\nEND:X\nBEGIN:X\nA:4567890\n 1234567890\n 12\nEND:X\n";
    let parsed = parse(folded.as_bytes(), &limits);
    assert_eq!(shape(&parsed.components), "X@1[]");
    assert_eq!(parsed.errors[1].message, Message::LineTooLong(20));
    let deep =
        "BEGIN:A\nBEGIN:B\nBEGIN:C\nBEGIN:D\nX:1\nEND:D\nEND:C\nEND:B\nEND:A\nBEGIN:A\nEND:A\n";
    let parsed = parse(deep.as_bytes(), &limits);
    assert_eq!(shape(&parsed.components), "A@10[]");
    assert_eq!(parsed.unlisted, 1);
    let many = "BEGIN:A\nEND:A\n".repeat(6);
    assert_eq!(
        run(&many),
        (String::new(), at(11, Message::TooManyComponents(5)), 0)
    );
    assert_eq!(
        run("BEGIN:A\nA:1\nA:2\nA:3\nA:4\nA:5\nEND:A\n"),
        (String::new(), at(5, Message::TooManyProperties(3)), 0)
    );
}

#[test]
fn deep_nesting_costs_no_stack() {
    let text = "BEGIN:X\n".repeat(200_000);
    let parsed = strict(&text);
    assert!(parsed.components.is_empty());
    assert!(parsed.errors.len() + parsed.unlisted < 100);
}

#[test]
fn breaks_without_end_take_linear_time() {
    let limits = Limits {
        errors: 10,
        ..Limits::DEFAULT
    };
    for text in ["\r", "\n ", "\r\r ", "\u{e9}\n ", "a", "X:\n\t"] {
        let text = format!("BEGIN:X\n{}", text.repeat(100_000));
        let _ = parse(text.as_bytes(), &limits);
        let _ = parse_mending(text.as_bytes(), &limits);
    }
}

/// Any name of a property that is no structure.
fn name() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9_-]{0,12}".prop_filter("structure", |n| {
        !n.eq_ignore_ascii_case("BEGIN") && !n.eq_ignore_ascii_case("END")
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,200}",
        "[\u{e4}\u{20ac}\u{1f600}\"^:;,\\\\ \t]{0,80}"
    ]
}

fn property() -> impl Strategy<Value = Property> {
    (
        name(),
        prop::collection::vec((name(), text()), 0..3),
        text(),
    )
        .prop_map(|(name, params, value)| {
            params
                .into_iter()
                .fold(Property::new(&name, value), |p, (name, value)| {
                    p.with_param(&name, &value)
                })
        })
}

/// Components of any shape, whose names have no meaning that would end another.
fn component() -> impl Strategy<Value = Component> {
    let leaf = prop::collection::vec(property(), 0..6).prop_map(|properties| {
        properties
            .into_iter()
            .fold(Component::new("X-L"), Component::with)
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        let entry = prop_oneof![
            property().prop_map(Ok::<Property, Component>),
            inner.prop_map(Err)
        ];
        ("X-[A-Za-z0-9-]{1,90}", prop::collection::vec(entry, 0..6)).prop_map(|(name, entries)| {
            let mut component = Component::new(&name);
            for entry in entries {
                match entry {
                    Ok(property) => component.push(property),
                    Err(inner) => component.push_component(inner),
                }
            }
            component
        })
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(component in component()) {
        let text = print::to_string(&component);
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])));
        let parsed = strict(&text);
        prop_assert_eq!(&parsed.errors, &[]);
        prop_assert_eq!(parsed.components, [component]);
    }

    #[test]
    fn a_fold_may_stand_anywhere(
        component in component(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        folds in prop::collection::vec(prop::sample::select(vec!["\r\n ", "\n\t", "\r ", "\r\r\n "]), 40),
    ) {
        let text = print::to_string(&component).into_bytes();
        let mut cuts: Vec<_> = places.iter().map(|i| i.index(text.len())).collect();
        // Not before or inside a line break: that would make an empty line, not a fold.
        cuts.retain(|&at| at > 0 && !matches!(text[at], b'\n') && !matches!(text[at - 1], b'\n'));
        cuts.sort_unstable();
        let mut folded = Vec::new();
        let mut from = 0;
        for (at, fold) in cuts.into_iter().zip(&folds) {
            folded.extend_from_slice(&text[from..at]);
            folded.extend_from_slice(fold.as_bytes());
            from = at;
        }
        folded.extend_from_slice(&text[from..]);
        let parsed = parse(&folded, &Limits::DEFAULT);
        prop_assert_eq!(&parsed.errors, &[]);
        prop_assert_eq!(parsed.components, [component]);
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let parsed = mending(&bytes);
        for component in &parsed.components {
            let again = strict(&print::to_string(component));
            prop_assert_eq!(std::slice::from_ref(component), &again.components[..]);
        }
    }

    #[test]
    fn any_blocks_are_read(lines in prop::collection::vec(
        prop::sample::select(vec![
            "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:VALARM",
            "BEGIN:X-A", "END:X-A", "A:1", "DTSTART", "junk", "", " x", "BEGIN:", "END:", "BEGIN;X:1",
        ]), 0..60))
    {
        let text = lines.join("\n");
        for parsed in [strict(&text), mending(text.as_bytes())] {
            for component in &parsed.components {
                let again = strict(&print::to_string(component));
                prop_assert_eq!(std::slice::from_ref(component), &again.components[..]);
                prop_assert_eq!(&again.errors, &[]);
            }
        }
    }
}
