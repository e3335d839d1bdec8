//! One's next days as a list, ready for a template: all texts plain, all times on the clock of one's calendar.

use jiff::civil;
use serde::Serialize;

use crate::core::items::fetch::{Entry, Fetched, Order, Selection, Window};
use crate::core::{Caller, Core, Result};
use crate::ical::component::Component;
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::instances::Series;
use crate::ical::object::{CalendarObject, Kind};
use crate::ical::recur::Work;
use crate::ical::zone::Zone;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Agenda {
    /// Display name of the calendar.
    pub(super) calendar: String,
    /// Its calid.
    pub(super) calid: String,
    /// The zone the times are shown in.
    pub(super) zone: String,
    /// Days with something on them, in order.
    pub(super) days: Vec<Day>,
    /// To-dos without a date.
    pub(super) someday: Vec<Line>,
}

/// A day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Day {
    /// `2026-11-21`, for machines.
    pub(super) date: String,
    /// `Saturday, 21 November`, for people.
    pub(super) title: String,
    /// Whether this is today.
    pub(super) today: bool,
    /// What begins on it; on today also what began before and goes on.
    pub(super) lines: Vec<Line>,
}

/// An event or a to-do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// `13:00-14:00`, `all day`, or nothing.
    pub(super) time: String,
    /// Its summary, or that it has none.
    pub(super) summary: String,
    /// Where it is; may be empty.
    pub(super) location: String,
    /// Whether it is a to-do.
    pub(super) todo: bool,
    /// `cancelled`, `tentative`, `done`, or nothing.
    pub(super) state: &'static str,
}

/// The caller's default calendar from today's midnight on.
pub(super) fn of(core: &Core, caller: &Caller, days: i32) -> Result<Agenda> {
    let view = core.calendar_properties(caller, None)?;
    let zone = Zone::named(&view.calendar.properties.tzid).unwrap_or_else(Zone::utc);
    let today = zone.to_civil(core.now()).date();
    let end = today.saturating_add(jiff::Span::new().days(days));
    let midnight = |date: civil::Date| Some(DateTime::Floating(date.at(0, 0, 0, 0)));
    let window = Window {
        start: midnight(today),
        end: midnight(end),
        zone: Some(zone.clone()),
    };
    let selection = Selection {
        instances: true,
        order: Order::Ascending,
        ..Selection::default()
    };
    let fetched = core.fetch_range(caller, None, &window, &selection)?;
    let mut agenda = Agenda {
        calendar: view.calendar.properties.name.clone(),
        calid: view.calid.clone(),
        zone: zone.id().to_owned(),
        days: Vec::new(),
        someday: Vec::new(),
    };
    for entry in &fetched.entries {
        agenda.add(&fetched, entry, &zone, today);
    }
    Ok(agenda)
}

impl Agenda {
    fn add(&mut self, fetched: &Fetched, entry: &Entry, zone: &Zone, today: civil::Date) {
        let Some(found) = fetched.objects.get(entry.object) else {
            return;
        };
        let at = entry
            .occurrence
            .as_ref()
            .map_or(0, |occurrence| occurrence.component);
        let Some(component) = found.object.components.get(at) else {
            return;
        };
        let mut line = line(component, found.object.kind);
        let Some(start) = entry.start else {
            self.someday.push(line);
            return;
        };
        let end = match &entry.occurrence {
            Some(occurrence) => Some(occurrence.end),
            None => end(&found.object, zone),
        };
        line.time = time(component, start, end, zone);
        let date = zone.to_civil(start).date().max(today);
        if self
            .days
            .last()
            .is_none_or(|day| day.date != date.to_string())
        {
            self.days.push(Day {
                date: date.to_string(),
                title: date.strftime("%A, %-d %B").to_string(),
                today: date == today,
                lines: Vec::new(),
            });
        }
        if let Some(day) = self.days.last_mut() {
            day.lines.push(line);
        }
    }
}

fn line(component: &Component, kind: Kind) -> Line {
    let text = |name: &str| {
        component
            .property(name)
            .map(|p| p.to_text().trim().to_owned())
    };
    let state = match component.value("STATUS").map(str::trim) {
        Some(s) if s.eq_ignore_ascii_case("CANCELLED") => "cancelled",
        Some(s) if s.eq_ignore_ascii_case("TENTATIVE") => "tentative",
        Some(s) if s.eq_ignore_ascii_case("COMPLETED") => "done",
        _ => "",
    };
    Line {
        time: String::new(),
        summary: text("SUMMARY")
            .filter(|s| !s.is_empty())
            .unwrap_or_else(|| "(no title)".to_owned()),
        location: text("LOCATION").unwrap_or_default(),
        todo: kind == Kind::Todo,
        state,
    }
}

/// When an object that does not recur ends.
fn end(object: &CalendarObject, zone: &Zone) -> Option<Timestamp> {
    let mut work = Work::new(Work::DEFAULT);
    let series = Series::of(object, zone, &mut work).ok()?;
    Some(series.first(&mut work).ok()??.end)
}

/// From when to when, on the zone's clock; the end's day is named when it is another.
fn time(component: &Component, start: Timestamp, end: Option<Timestamp>, zone: &Zone) -> String {
    let dated = component
        .property("DTSTART")
        .or_else(|| component.property("DUE"));
    if dated.is_some_and(|p| p.value().trim().len() == 8) {
        return "all day".to_owned();
    }
    let (from, to) = (zone.to_civil(start), end.map(|end| zone.to_civil(end)));
    let clock = from.strftime("%H:%M");
    match to {
        Some(to) if to == from => clock.to_string(),
        Some(to) if to.date() == from.date() => format!("{clock}-{}", to.strftime("%H:%M")),
        Some(to) => format!("{clock}-{}", to.strftime("%-d %b %H:%M")),
        None => clock.to_string(),
    }
}
