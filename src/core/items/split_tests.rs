//! Series of every form cut at every instance: both halves have the instances of the whole.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::edit::{Edit, PropertyEdit};
use super::super::series::{Changed, Left, Target, World, change, delete};
use super::*;
use crate::ical::datetime::TimeRange;
use crate::ical::instances::Series;
use crate::ical::object::split;
use crate::ical::parse;
use crate::ical::recur::Work;
use crate::ical::zone::Zone;
use crate::limits::Limits;

fn object(body: &str) -> CalendarObject {
    let lines: Vec<&str> = body
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let text = format!(
        "BEGIN:VCALENDAR\r\n{}\r\nEND:VCALENDAR\r\n",
        lines.join("\r\n")
    );
    let parsed = parse::parse(text.as_bytes(), &parse::Limits::DEFAULT);
    assert!(parsed.is_sound(), "{:?}", parsed.errors);
    split(parsed.components, &mut || "made".to_owned())
        .objects
        .remove(0)
}

/// Start, end and summary of each instance of five years.
fn instances(object: &CalendarObject) -> Vec<(Timestamp, Timestamp, String)> {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let series = Series::of(object, &zone, &mut Work::default()).unwrap();
    let window = TimeRange::new(Timestamp(1_767_225_600), Timestamp(1_925_000_000)).unwrap();
    let found = series
        .instances(window, 10_000, &mut Work::default())
        .unwrap();
    let said = |i: &Instance| {
        object.components[i.component]
            .value("SUMMARY")
            .unwrap_or("")
            .to_owned()
    };
    found.iter().map(|i| (i.start, i.end, said(i))).collect()
}

fn with_world<T>(run: impl FnOnce(&World<'_>) -> T) -> T {
    let zone = Zone::named("Europe/Berlin").unwrap();
    run(&World {
        floating: &zone,
        limits: &Limits::default(),
        new_uid: "new",
        drop_unfit_start: false,
        creating: false,
    })
}

fn titled(object: &CalendarObject, target: &Target) -> Result<Changed, EditError> {
    let properties = vec![PropertyEdit::Set(Property::text("SUMMARY", "new"))];
    let edit = Edit {
        properties,
        ..Edit::default()
    };
    with_world(|world| change(object, target, &|c, ctx| edit.apply(c, ctx), world))
}

/// Series of every form; the summary of all instances is `old` but for exceptions.
fn examples() -> Vec<CalendarObject> {
    const STARTS: [&str; 4] = [
        "DTSTART;TZID=Europe/Berlin:20260305T100000\nDTEND;TZID=Europe/Berlin:20260305T113000",
        "DTSTART:20260305T090000Z\nDURATION:PT1H",
        "DTSTART:20260305T100000\nDTEND:20260306T093000",
        "DTSTART;VALUE=DATE:20260305\nDTEND;VALUE=DATE:20260307",
    ];
    const RULES: [&str; 14] = [
        "RRULE:FREQ=WEEKLY",
        "RRULE:FREQ=WEEKLY;COUNT=8",
        "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH,SU;WKST=SU",
        "RRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=TH,FR;COUNT=9",
        "RRULE:FREQ=DAILY;INTERVAL=3;UNTIL=20260610",
        "RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=30",
        "RRULE:FREQ=MONTHLY;BYDAY=-1FR",
        "RRULE:FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=5,-1;COUNT=10",
        "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=12",
        "RRULE:FREQ=YEARLY;BYMONTH=3,7;BYDAY=1TH",
        "RRULE:FREQ=YEARLY;COUNT=3",
        "RRULE:FREQ=WEEKLY;COUNT=8\nEXRULE:FREQ=WEEKLY;BYDAY=TH;BYMONTH=4;COUNT=5",
        "RDATE;VALUE=DATE:20260401,20260403\nRDATE;VALUE=DATE:20260701",
        "RRULE:FREQ=WEEKLY;COUNT=4\nRDATE;VALUE=DATE:20260320,20260801",
    ];
    let mut examples = Vec::new();
    for start in STARTS {
        for rule in RULES {
            let rule = match start.contains("VALUE=DATE") {
                true => rule.to_owned(),
                // RDATEs in the form of the start.
                false => {
                    let (param, time) = match start {
                        s if s.contains("TZID") => (";TZID=Europe/Berlin", "T100000"),
                        s if s.contains("090000Z") => ("", "T090000Z"),
                        _ => ("", "T100000"),
                    };
                    let dates = |line: &str| line.split_once(':').map(|(_, d)| d.to_owned());
                    let lines = rule.lines().map(|line| match line.starts_with("RDATE") {
                        true => {
                            let dates = dates(line).unwrap();
                            let timed: Vec<_> =
                                dates.split(',').map(|d| format!("{d}{time}")).collect();
                            format!("RDATE{param}:{}", timed.join(","))
                        }
                        false => line.to_owned(),
                    });
                    lines.collect::<Vec<_>>().join("\n")
                }
            };
            examples.push(object(&format!(
                "BEGIN:VEVENT\nUID:u\n{start}\nSUMMARY:old\n{rule}\nEND:VEVENT"
            )));
        }
    }
    examples
}

/// Instances looked at.
const MOST: usize = 8;

fn originals(object: &CalendarObject) -> Vec<Timestamp> {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let series = Series::of(object, &zone, &mut Work::default()).unwrap();
    let mut found: Vec<Timestamp> = Vec::new();
    let mut at = Timestamp::MIN;
    while let Some(next) = series.next(at, &mut Work::default()).unwrap() {
        at = next.original;
        found.push(at);
        if found.len() == MOST {
            break;
        }
    }
    found
}

/// The series with one instance deleted and one moved and renamed, where it has enough of them.
fn with_history(object: CalendarObject) -> CalendarObject {
    let at = originals(&object);
    let [_, second, _, fourth, ..] = at[..] else {
        return object;
    };
    with_world(|world| {
        let target = Target::Instance(DateTime::Utc(second));
        let Left::Object { object, .. } = delete(&object, &target, world).unwrap() else {
            panic!("expected a series");
        };
        let edit = Edit {
            properties: vec![PropertyEdit::Set(Property::text("SUMMARY", "moved"))],
            ..Edit::default()
        };
        let target = Target::Instance(DateTime::Utc(fourth));
        match change(&object, &target, &|c, ctx| edit.apply(c, ctx), world).unwrap() {
            Changed::Object { object, .. } => object,
            other => panic!("expected an object, found {other:?}"),
        }
    })
}

#[test]
fn both_halves_have_the_instances_of_the_whole() {
    for plain in examples() {
        for series in [plain.clone(), with_history(plain)] {
            let all = instances(&series);
            let at = originals(&series);
            for &cut in &at[1..] {
                let before: Vec<_> = at.iter().filter(|at| **at < cut).collect();
                let target = Target::Following(DateTime::Utc(cut));
                let Changed::Split { edited, rest } = titled(&series, &target).unwrap() else {
                    panic!("expected two series");
                };
                let what = format!("{:?} cut at {cut}", series.components);
                assert_eq!((edited.uid.as_str(), rest.uid.as_str()), ("new", "u"));
                let head = instances(&rest);
                assert_eq!(head.len(), before.len(), "{what}");
                let mut expected = all.clone();
                for (_, _, summary) in expected[head.len()..].iter_mut().filter(|i| i.2 == "old") {
                    *summary = "new".into();
                }
                let mut both = head.clone();
                both.extend(instances(&edited));
                assert_eq!(
                    both, expected,
                    "{what}: {:?} {:?}",
                    rest.components, edited.components
                );
                let related = edited.components[0].property("RELATED-TO").unwrap();
                assert_eq!(related.as_line(), "RELATED-TO;RELTYPE=SIBLING:u");
                assert!(
                    edited
                        .components
                        .iter()
                        .all(|c| c.value("UID") == Some("new"))
                );

                with_world(|world| {
                    let Left::Object { object, .. } = delete(&series, &target, world).unwrap()
                    else {
                        panic!("expected a series");
                    };
                    assert_eq!(instances(&object), all[..head.len()], "{what}");
                });
            }
        }
    }
}

#[test]
fn the_other_half_is_the_mirror_image() {
    for plain in examples() {
        for series in [plain.clone(), with_history(plain)] {
            let all = instances(&series);
            let at = originals(&series);
            for pair in at.windows(2) {
                let target = Target::Preceding(DateTime::Utc(pair[0]));
                let Changed::Split { edited, rest } = titled(&series, &target).unwrap() else {
                    panic!("expected two series");
                };
                assert_eq!((edited.uid.as_str(), rest.uid.as_str()), ("new", "u"));
                let head = instances(&edited);
                assert_eq!(head.len(), at.iter().filter(|at| **at <= pair[0]).count());
                assert!(head.iter().all(|i| i.2 != "old"));
                assert_eq!(
                    instances(&rest),
                    all[head.len()..],
                    "{:?}",
                    series.components
                );
                with_world(|world| {
                    let Left::Object { object, .. } = delete(&series, &target, world).unwrap()
                    else {
                        panic!("expected a series");
                    };
                    assert_eq!(instances(&object), all[head.len()..]);
                });
            }
        }
    }
}

#[test]
fn from_the_first_on_is_all() {
    for series in examples() {
        let at = originals(&series);
        let first = Target::Following(DateTime::Utc(at[0]));
        assert!(matches!(
            titled(&series, &first).unwrap(),
            Changed::Object { .. }
        ));
        with_world(|world| {
            assert_eq!(delete(&series, &first, world).unwrap(), Left::Nothing);
        });
        if at.len() < MOST {
            let last = Target::Preceding(DateTime::Utc(at[at.len() - 1]));
            assert!(matches!(
                titled(&series, &last).unwrap(),
                Changed::Object { .. }
            ));
            with_world(|world| {
                assert_eq!(delete(&series, &last, world).unwrap(), Left::Nothing);
            });
        }
    }
}

#[test]
fn the_head_ends_by_until_and_counts_go_on() {
    let series = object(
        "BEGIN:VEVENT\nUID:u\nDTSTART;TZID=Europe/Berlin:20260305T100000\nSEQUENCE:4\n\
         RRULE:FREQ=WEEKLY;COUNT=6\nEND:VEVENT",
    );
    let cut = Target::Following(DateTime::Utc(Timestamp(1_774_515_600)));
    let Changed::Split { edited, rest } = titled(&series, &cut).unwrap() else {
        panic!("expected two series");
    };
    assert_eq!(
        rest.components[0].value("RRULE"),
        Some("FREQ=WEEKLY;UNTIL=20260326T085959Z")
    );
    assert_eq!(
        edited.components[0].value("RRULE"),
        Some("FREQ=WEEKLY;COUNT=3")
    );
    assert_eq!(edited.components[0].value("SEQUENCE"), Some("0"));
    assert_eq!(rest.components[0].value("SEQUENCE"), Some("4"));
}

#[test]
fn series_that_cannot_be_continued_are_refused() {
    for more in [
        "RRULE:FREQ=WEEKLY\nRRULE:FREQ=MONTHLY",
        "RRULE:FREQ=WEEKLY\nEXRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR",
    ] {
        let series = object(&format!(
            "BEGIN:VEVENT\nUID:u\nDTSTART:20260305T090000Z\n{more}\nEND:VEVENT"
        ));
        let target = Target::Following(DateTime::Utc(originals(&series)[2]));
        assert!(
            matches!(titled(&series, &target), Err(EditError::Value(_))),
            "{more}"
        );
    }
}
