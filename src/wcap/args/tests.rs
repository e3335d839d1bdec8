//! Every kind of parameter: absent, empty, `0`, right, wrong, too many.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::core::items::scheduling::Scheduling;
use crate::text::form::FormLimits;

const LIMITS: FormLimits = FormLimits {
    parameters: 50,
    value_length: 1000,
};
const LISTS: ListLimits = ListLimits {
    calids: 3,
    uids: 4,
    attendees: 3,
};
const PARAMS: &[Param] = &[
    Param::optional("t", Kind::Text, ""),
    Param::or("d", Kind::Text, "dflt", ""),
    Param::or("flag", Kind::Flag, "1", "").also(&["toggle"]),
    Param::optional("off", Kind::Flag, ""),
    Param::optional("n", Kind::Integer(0, 9), ""),
    Param::or("time", Kind::Time, "0", ""),
    Param::optional("start", Kind::Time, ""),
    Param::optional("times", Kind::Times, ""),
    Param::optional("length", Kind::Duration, ""),
    Param::optional("alarm", Kind::Trigger, ""),
    Param::optional("tzid", Kind::Zone, ""),
    Param::optional("calid", Kind::Calids, ""),
    Param::optional("uid", Kind::Uids, ""),
    Param::optional("rid", Kind::RecurrenceIds, ""),
    Param::optional("mod", Kind::Modifiers, ""),
    Param::optional("list", Kind::List, ""),
    Param::optional("attendees", Kind::Attendees, ""),
    Param::optional("rrules", Kind::Rules, ""),
    Param::optional("compstate", Kind::States, ""),
    Param::optional("component-type", Kind::Text, ""),
];

fn args(query: &str) -> Args {
    let mut form = Form::new();
    form.add_encoded(query, LIMITS).unwrap();
    Args::new(form, PARAMS, LISTS)
}

fn utc(text: &str) -> DateTime {
    value::parse_date_time(text, None).unwrap()
}

#[test]
fn texts_are_absent_empty_or_set() {
    assert_eq!(args("").text("t").unwrap(), None);
    assert_eq!(args("t=").text("t").unwrap(), None);
    assert_eq!(args("t=a+b").text("t").unwrap().unwrap(), "a b");
    assert_eq!(args("t=a&t=b").text("t").unwrap().unwrap(), "b");
    assert_eq!(args("").text("d").unwrap().unwrap(), "dflt");
    assert_eq!(args("d=").text("d").unwrap().unwrap(), "dflt");
    assert_eq!(args("").text_field("t").unwrap(), Field::Absent);
    assert_eq!(args("t=").text_field("t").unwrap(), Field::Clear);
    assert_eq!(args("t=x").text_field("t").unwrap(), Field::Set("x".into()));
    assert_eq!(args("t=a=b&t=&t=c").texts("t").unwrap(), ["a=b", "c"]);
    let names: Vec<_> = args("X-A=1&t=2&X-B=%zz")
        .extensions()
        .map(|(n, v)| (n.to_owned(), v.is_ok()))
        .collect();
    assert_eq!(names, [("X-A".to_owned(), true), ("X-B".to_owned(), false)]);
}

#[test]
fn a_body_wins_over_the_query() {
    let mut form = Form::new();
    form.add_encoded("t=query&d=kept", LIMITS).unwrap();
    form.add_literal("t", "50%", LIMITS).unwrap();
    let args = Args::new(form, PARAMS, LISTS);
    assert_eq!(args.text("t").unwrap().unwrap(), "50%");
    assert_eq!(args.text("d").unwrap().unwrap(), "kept");
}

#[test]
fn required_parameters_are_missed() {
    const REQUIRED: &[Param] = &[Param::required("uid", Kind::Uids, "")];
    let check = |query: &str| {
        let mut form = Form::new();
        form.add_encoded(query, LIMITS).unwrap();
        let args = Args::new(form, REQUIRED, LISTS);
        args.check_form(false).and_then(|()| args.check_required())
    };
    assert_eq!(check(""), Err(ArgError::Missing("uid")));
    assert_eq!(check("uid="), Err(ArgError::Missing("uid")));
    assert_eq!(check("uid=1"), Ok(()));
    assert_eq!(
        check("uid=1&other=%f"),
        Err(ArgError::Form(FormError::Escape))
    );
}

#[test]
fn forms_are_checked_before_anything_is_done() {
    let check = |query: &str| args(query).check_form(false);
    assert_eq!(
        check("calid=a;b&uid=a;b&rid=0;0&attendees=a&start=wrong"),
        Ok(())
    );
    assert!(matches!(
        check("uid=a;b&rid=0;0;0"),
        Err(ArgError::Lengths { .. })
    ));
    assert!(matches!(
        check("calid=a;b;c;d"),
        Err(ArgError::TooMany { .. })
    ));
    assert!(matches!(
        check("attendees=a;b;c;d"),
        Err(ArgError::TooMany { .. })
    ));
    assert!(matches!(check("any=%GG"), Err(ArgError::Form(_))));
    assert_eq!(
        args("uid=a;b&rid=0").check_form(true),
        Err(ArgError::Lengths {
            name: "rid",
            found: 1,
            uids: 2
        })
    );
}

#[test]
fn flags_and_numbers() {
    assert!(args("").flag("flag").unwrap());
    assert!(args("flag=").flag("flag").unwrap());
    assert!(!args("flag=0").flag("flag").unwrap());
    assert!(!args("toggle=0").flag("flag").unwrap());
    assert!(!args("").flag("off").unwrap());
    assert_eq!(args("").flag_if_given("off").unwrap(), None);
    assert_eq!(
        args("flag=yes").flag("flag").unwrap_err().to_string(),
        "flag: expected 0 or 1, found 'yes'"
    );
    assert_eq!(args("n=7").integer("n").unwrap(), Some(7));
    assert_eq!(args("n=").integer("n").unwrap(), None);
    for wrong in ["n=10", "n=-1", "n=x", "n=1.0", "n=99999999999999999999"] {
        assert!(args(wrong).integer("n").is_err(), "{wrong}");
    }
}

#[test]
fn times_are_absent_open_or_set() {
    assert_eq!(args("").time("start").unwrap(), Field::Absent);
    assert_eq!(args("start=").time("start").unwrap(), Field::Clear);
    assert_eq!(args("start=0").time("start").unwrap(), Field::Clear);
    assert_eq!(args("").time("time").unwrap(), Field::Clear);
    for (text, want) in [
        ("20070521T040000Z", utc("20070521T040000Z")),
        ("20070521T040000", utc("20070521T040000")),
        ("20070521", utc("20070521")),
    ] {
        let got = args(&format!("start={text}")).time("start").unwrap();
        assert_eq!(got, Field::Set(want));
    }
    for wrong in [
        "20071321T040000Z",
        "today",
        "2007-05-21",
        "1",
        "20070521T04",
    ] {
        assert!(
            args(&format!("start={wrong}")).time("start").is_err(),
            "{wrong}"
        );
    }
    assert_eq!(args("times=").times("times").unwrap(), Field::Clear);
    assert_eq!(args("times=0").times("times").unwrap(), Field::Clear);
    for list in [
        "20020331T112233;20020531T112233",
        "20020331T112233%3B20020531T112233;",
    ] {
        let times = args(&format!("times={list}")).times("times");
        if list.ends_with(';') {
            // With a raw separator, an encoded one belongs to the item.
            assert!(times.is_err());
        } else {
            let want = vec![utc("20020331T112233"), utc("20020531T112233")];
            assert_eq!(times.unwrap(), Field::Set(want));
        }
    }
    assert!(
        args("times=20020331T112233%3B20020531T112233")
            .times("times")
            .is_ok()
    );
}

#[test]
fn durations_and_triggers() {
    let minutes = |n: i64| Duration::of_seconds(60 * n);
    assert_eq!(
        args("length=P15M").duration("length").unwrap(),
        Field::Set(minutes(15))
    );
    assert_eq!(
        args("length=PT0H30M").duration("length").unwrap(),
        Field::Set(minutes(30))
    );
    assert_eq!(args("length=").duration("length").unwrap(), Field::Clear);
    assert!(args("length=30").duration("length").is_err());
    let trigger = |query: &str| args(query).trigger("alarm").unwrap();
    assert_eq!(trigger(""), Field::Absent);
    assert_eq!(trigger("alarm="), Field::Clear);
    assert_eq!(trigger("alarm=0"), Field::Clear);
    assert_eq!(
        trigger("alarm=-PT15M"),
        Field::Set(Trigger::From(minutes(-15)))
    );
    let at = utc("20020120T131500Z");
    assert_eq!(
        trigger("alarm=20020120T131500Z"),
        Field::Set(Trigger::At(at))
    );
    assert!(args("alarm=soon").trigger("alarm").is_err());
}

#[test]
fn zones_are_known_or_not() {
    let zone = args("tzid=America%2FLos_Angeles").zone("tzid").unwrap();
    assert_eq!(zone.unwrap().id(), "America/Los_Angeles");
    assert!(args("").zone("tzid").unwrap().is_none());
    let error = args("tzid=Mars/Base").zone("tzid").unwrap_err();
    assert_eq!(error.to_string(), "tzid: there is no time zone 'Mars/Base'");
}

#[test]
fn calids_are_cut_in_both_ways() {
    for query in ["calid=a;b%40c", "calid=a%3Bb%40c", "calid=a;;b@c;"] {
        assert_eq!(
            args(query).calids("calid").unwrap(),
            ["a", "b@c"],
            "{query}"
        );
    }
    assert!(args("calid=").calids("calid").unwrap().is_empty());
    let error = args("calid=a;b;c;d").calids("calid").unwrap_err();
    assert_eq!(
        error,
        ArgError::TooMany {
            name: "calid",
            limit: 3
        }
    );
}

type Items = Vec<(String, Option<DateTime>, Option<Modifier>)>;

#[test]
fn items_run_in_parallel() {
    let refs = |query: &str| -> Result<Items, ArgError> {
        let args = args(query);
        let refs = args.item_refs(false)?;
        Ok(refs
            .into_iter()
            .map(|r| (r.uid.into_owned(), r.rid, r.modifier))
            .collect())
    };
    let day = |n| Some(utc(&format!("2007052{n}T040000Z")));
    assert_eq!(refs("uid=a").unwrap(), [("a".into(), None, None)]);
    assert_eq!(refs("uid=a%3Bb").unwrap(), [("a;b".into(), None, None)]);
    assert_eq!(
        refs("uid=a%3Bb&rid=0&mod=4").unwrap(),
        [("a;b".into(), None, Some(Modifier::All))]
    );
    // As many rids as the encoded separator gives items: a list after all.
    let two = [
        ("a".into(), None, Some(Modifier::This)),
        ("b".into(), None, Some(Modifier::This)),
    ];
    assert_eq!(refs("uid=a%3Bb&rid=0%3B0&mod=0%3B0").unwrap(), two);
    assert_eq!(refs("uid=a;b&rid=0;0&mod=0;0").unwrap(), two);
    assert_eq!(refs("uid=a;b&rid=0&mod=1").unwrap(), two);
    assert_eq!(
        refs("uid=A;A&rid=20070521T040000Z;20070522T040000Z&mod=1").unwrap(),
        [
            ("A".into(), day(1), Some(Modifier::This)),
            ("A".into(), day(2), Some(Modifier::This))
        ]
    );
    for (query, want) in [
        ("", ArgError::Missing("uid")),
        (
            "uid=a;b;c&rid=0;0",
            ArgError::Lengths {
                name: "rid",
                found: 2,
                uids: 3,
            },
        ),
        (
            "uid=a&mod=1;4",
            ArgError::Lengths {
                name: "mod",
                found: 2,
                uids: 1,
            },
        ),
        (
            "uid=a;b;c;d;e",
            ArgError::TooMany {
                name: "uid",
                limit: 4,
            },
        ),
    ] {
        assert_eq!(refs(query).unwrap_err(), want, "{query}");
    }
    for query in ["uid=a;;b", "uid=a&rid=x", "uid=a&mod=5"] {
        assert!(refs(query).is_err(), "{query}");
    }
    let verify = |query: &str| args(query).item_refs(true).map(|refs| refs.len());
    assert_eq!(verify("uid=a;b&rid=0;0"), Ok(2));
    assert_eq!(
        verify("uid=a;b&rid=0"),
        Err(ArgError::Lengths {
            name: "rid",
            found: 1,
            uids: 2
        })
    );
}

#[test]
fn attendees_have_parameters_and_an_address() {
    let read = |value: &str| args(&format!("attendees={value}")).attendees("attendees");
    let simple = "PARTSTAT=ACCEPTED^RSVP=TRUE^mailto:abc@xyz.com";
    let list = read(simple).unwrap().set().unwrap();
    assert_eq!(list[0].address, "mailto:abc@xyz.com");
    assert_eq!(list[0].param("RSVP"), Some("TRUE"));
    let encoded = form_encode("CN=Doe; J=1^mailto:a@b;partstat=DECLINED^c");
    let list = read(&encoded).unwrap().set().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0].param("CN"), Some("Doe; J=1"));
    assert_eq!(list[1].param("PARTSTAT"), Some("DECLINED"));
    assert_eq!(list[1].address, "c");
    assert_eq!(read("").unwrap(), Field::Clear);
    assert_eq!(args("").attendees("attendees").unwrap(), Field::Absent);
    assert_eq!(read("a;b;").unwrap().set().unwrap().len(), 2);
    for wrong in ["PARTSTAT=ACCEPTED", "x^a", "PARTSTAT=ACCEPTED^"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(matches!(read("a;b;c;d"), Err(ArgError::TooMany { .. })));
}

fn form_encode(text: &str) -> String {
    crate::text::form::encode(text)
}

#[test]
fn hostile_attendees_cost_little() {
    // A thousand separators in one name: each is looked at once, none is taken for the end.
    let value = form_encode(&format!("CN={}", ";".repeat(990)));
    let error = args(&format!("attendees={value}")).attendees("attendees");
    assert!(matches!(error, Err(ArgError::Value { .. })));
}

#[test]
fn rules_are_quoted() {
    for value in [
        "\"FREQ%3DWEEKLY%3BCOUNT%3D5\"",
        "%22FREQ%3DWEEKLY%3BCOUNT%3D5%22",
        "\"FREQ=WEEKLY;COUNT=5\"",
        "FREQ%3DWEEKLY%3BCOUNT%3D5",
    ] {
        let args = args(&format!("rrules={value}"));
        let rules = args.rules("rrules").unwrap();
        assert_eq!(
            rules,
            Field::Set(vec!["FREQ=WEEKLY;COUNT=5".into()]),
            "{value}"
        );
    }
    assert_eq!(args("rrules=").rules("rrules").unwrap(), Field::Clear);
    assert_eq!(args("rrules=\"\"").rules("rrules").unwrap(), Field::Clear);
}

#[test]
fn states_and_types() {
    let states = |query: &str| args(query).states("compstate");
    assert_eq!(states(""), Ok(None));
    assert_eq!(states("compstate=all"), Ok(None));
    assert_eq!(
        states("compstate=REQUEST_NEEDS-ACTION%3Breply-declined"),
        Ok(Some(vec![
            Scheduling::RequestNeedsAction,
            Scheduling::ReplyDeclined
        ]))
    );
    assert!(states("compstate=NONSENSE").is_err());
    let kind = |query: &str| args(query).component_type("component-type").unwrap();
    assert_eq!(kind(""), ComponentType::All);
    assert_eq!(kind("component-type=EVENT"), ComponentType::Event);
    assert_eq!(kind("component-type=todo"), ComponentType::Todo);
    assert_eq!(kind("component-type=journal"), ComponentType::All);
}
