//! Objects and edits to test with.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::edit::{Change, Edit, EditError, PropertyEdit};
use super::rules::RulesEdit;
use super::series::{Changed, Left, Target, World, change, delete};
use super::times::{End, KeepIn, TimesEdit};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, TimeRange, Timestamp};
use crate::ical::instances::{Instance, Series};
use crate::ical::object::{CalendarObject, split};
use crate::ical::parse;
use crate::ical::recur::Work;
use crate::ical::rule::Rule;
use crate::ical::value;
use crate::ical::zone::Zone;
use crate::limits::Limits;

pub(super) fn object(body: &str) -> CalendarObject {
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
    let mut split = split(parsed.components, &mut || "made".to_owned());
    assert!(split.rejected.is_empty(), "{:?}", split.rejected);
    split.objects.remove(0)
}

/// An event of an hour that starts at `start` (a line), with further lines.
pub(super) fn event(start: &str, more: &str) -> CalendarObject {
    let length = if start.contains("VALUE=DATE") {
        "P1D"
    } else {
        "PT1H"
    };
    object(&format!(
        "BEGIN:VEVENT\nUID:u\n{start}\nDURATION:{length}\nSUMMARY:old\n{more}\nEND:VEVENT"
    ))
}

pub(super) const BERLIN: &str = "DTSTART;TZID=Europe/Berlin:20260305T100000";
pub(super) const UTC: &str = "DTSTART:20260305T090000Z";
pub(super) const FLOATING: &str = "DTSTART:20260305T100000";
pub(super) const DAY: &str = "DTSTART;VALUE=DATE:20260305";

pub(super) struct Surroundings {
    pub(super) zone: Zone,
    pub(super) limits: Limits,
}

impl Surroundings {
    pub(super) fn new() -> Self {
        let zone = Zone::named("Europe/Berlin").unwrap();
        Self {
            zone,
            limits: Limits::default(),
        }
    }

    pub(super) fn world(&self) -> World<'_> {
        World {
            floating: &self.zone,
            limits: &self.limits,
            new_uid: "new",
            drop_unfit_start: false,
            creating: false,
        }
    }
}

pub(super) fn summary(text: &str) -> Edit {
    let properties = vec![PropertyEdit::Set(Property::text("SUMMARY", text))];
    Edit {
        properties,
        ..Edit::default()
    }
}

pub(super) fn start(value: &str) -> Edit {
    let start = Change::Set(value::parse_date_time(value, None).unwrap());
    let times = TimesEdit {
        start,
        keep_in: KeepIn::Item,
        ..TimesEdit::default()
    };
    Edit {
        times,
        ..Edit::default()
    }
}

/// A start and an end an hour later.
pub(super) fn moved_to(value: &str, end: &str) -> Edit {
    let mut edit = start(value);
    edit.times.end = Change::Set(End::At(at(end)));
    edit
}

pub(super) fn rule(text: &str) -> Edit {
    let rules = if text.is_empty() {
        vec![]
    } else {
        vec![Rule::parse(text).unwrap()]
    };
    let rules = RulesEdit {
        rrules: Some(rules),
        ..RulesEdit::default()
    };
    Edit {
        rules,
        ..Edit::default()
    }
}

pub(super) fn changed(
    object: &CalendarObject,
    target: &Target,
    edit: &Edit,
) -> Result<Changed, EditError> {
    let around = Surroundings::new();
    change(
        object,
        target,
        &|component, ctx| edit.apply(component, ctx),
        &around.world(),
    )
}

pub(super) fn stored(object: &CalendarObject, target: &Target, edit: &Edit) -> CalendarObject {
    match changed(object, target, edit).unwrap() {
        Changed::Object { object, .. } => object,
        other => panic!("expected one object, found {other:?}"),
    }
}

pub(super) fn left(object: &CalendarObject, target: &Target) -> Result<Left, EditError> {
    delete(object, target, &Surroundings::new().world())
}

pub(super) fn kept(object: &CalendarObject, target: &Target) -> CalendarObject {
    match left(object, target).unwrap() {
        Left::Object { object, .. } => object,
        Left::Nothing => panic!("expected an object to be left"),
    }
}

pub(super) fn at(text: &str) -> DateTime {
    value::parse_date_time(text, None).unwrap()
}

pub(super) fn instance(text: &str) -> Target {
    Target::Instance(at(text))
}

/// Start and summary of each instance of ten years.
pub(super) fn instances(object: &CalendarObject) -> Vec<String> {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let series = Series::of(object, &zone, &mut Work::default()).unwrap();
    let window = TimeRange::new(Timestamp(1_740_000_000), Timestamp(2_060_000_000)).unwrap();
    let found = series
        .instances(window, 10_000, &mut Work::default())
        .unwrap();
    let said = |i: &Instance| {
        object.components[i.component]
            .value("SUMMARY")
            .unwrap_or("")
            .to_owned()
    };
    found
        .iter()
        .map(|i| format!("{} {}", i.start, said(i)))
        .collect()
}

pub(super) fn line<'a>(component: &'a Component, name: &str) -> Vec<&'a str> {
    let found: Vec<_> = component.properties().filter(|p| p.is(name)).collect();
    found.into_iter().map(Property::as_line).collect()
}

pub(super) fn with_history() -> CalendarObject {
    object(
        "BEGIN:VEVENT
        UID:u
        DTSTART;TZID=Europe/Berlin:20260305T100000
        DTEND;TZID=Europe/Berlin:20260305T110000
        SUMMARY:old
        RRULE:FREQ=WEEKLY;COUNT=6
        EXDATE;TZID=Europe/Berlin:20260319T100000
        END:VEVENT
        BEGIN:VEVENT
        UID:u
        RECURRENCE-ID;TZID=Europe/Berlin:20260326T100000
        DTSTART;TZID=Europe/Berlin:20260327T100000
        DTEND;TZID=Europe/Berlin:20260327T110000
        SUMMARY:moved
        END:VEVENT",
    )
}
