//! A reference of the language of queries that knows no index and reads no text again: items, conditions, and which rows
//! fit.

use std::cmp::Ordering;
use std::fmt;

use crate::ical::datetime::Timestamp;
use crate::ical::object::{CalendarObject, Kind};
use crate::store::derive;
use crate::store::marked::DELETE;

const NEW_YEAR: i64 = 1_767_225_600;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// A time that prints itself: an instant, or a day counted from the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    At(i64),
    Day(i64),
}

impl When {
    /// So many hours after the first of January 2026, or the day on which that is.
    pub(super) fn after(hours: i64, days: bool) -> Self {
        match days {
            true => Self::Day(NEW_YEAR / DAY + hours.div_euclid(24)),
            false => Self::At(NEW_YEAR + hours * HOUR),
        }
    }

    /// So many hours, or days, later.
    fn plus(self, units: i64) -> Self {
        match self {
            Self::At(at) => Self::At(at + units * HOUR),
            Self::Day(day) => Self::Day(day + units),
        }
    }

    fn property(self, name: &str) -> String {
        match self {
            Self::At(_) => format!("{name}:{self}\r\n"),
            Self::Day(_) => format!("{name};VALUE=DATE:{self}\r\n"),
        }
    }

    /// Where one of both is a day, days are compared.
    fn cmp(self, other: Self) -> Ordering {
        let day = |when| match when {
            Self::At(at) => at.div_euclid(DAY),
            Self::Day(day) => day,
        };
        match (self, other) {
            (Self::At(a), Self::At(b)) => a.cmp(&b),
            _ => day(self).cmp(&day(other)),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => write!(f, "{}", Timestamp(*at)),
            Self::Day(day) => {
                let text = Timestamp(day * DAY).to_string();
                write!(f, "{}", &text[..8])
            }
        }
    }
}

/// How an item says when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    None,
    /// By its end, so many hours or days later.
    End(i64),
    /// By a DURATION.
    Lasting(i64),
}

impl Length {
    fn units(self) -> Option<i64> {
        match self {
            Self::None => None,
            Self::End(units) | Self::Lasting(units) => Some(units),
        }
    }
}

/// An instance that was moved: which, to which hour, what it is called now.
pub(super) type Moved = (i64, i64, Option<String>);

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) kind: Kind,
    pub(super) uid: String,
    /// Whether its times are days.
    pub(super) days: bool,
    pub(super) start: Option<i64>,
    pub(super) length: Length,
    /// When a to-do without a start is due.
    pub(super) due: Option<i64>,
    /// Days between instances, and how many there are.
    pub(super) every: Option<(i64, i64)>,
    pub(super) skipped: Option<i64>,
    pub(super) moved: Vec<Moved>,
    pub(super) summary: Option<String>,
    pub(super) percent: Option<i64>,
    pub(super) method: Option<&'static str>,
}

/// A row as the reference sees it at one of its times.
#[derive(Debug, Clone)]
struct Seen<'a> {
    start: Option<When>,
    end: Option<When>,
    id: Option<When>,
    summary: Option<&'a String>,
}

impl Model {
    fn start(&self) -> Option<When> {
        self.start.map(|hour| When::after(hour, self.days))
    }

    /// When an instance begins that nobody moved.
    fn original(&self, n: i64) -> Option<When> {
        let days = self.every.map_or(0, |(days, _)| days) * n;
        Some(self.start()?.plus(if self.days { days } else { days * 24 }))
    }

    /// The end of what starts then (RFC 5545 section 3.6.1); to-dos and journal entries have none of their own accord.
    fn end(&self, start: Option<When>) -> Option<When> {
        let Some(start) = start else {
            return self.due.map(|hour| When::after(hour, self.days));
        };
        match (self.kind, self.length.units()) {
            (Kind::Journal, _) | (Kind::Todo, None) => None,
            (Kind::Event, None) => Some(start.plus(i64::from(self.days))),
            (_, Some(units)) => Some(start.plus(units)),
        }
    }

    fn component(&self, start: Option<When>, id: Option<When>, summary: Option<&String>) -> String {
        let name = self.kind.component_name();
        let mut text = format!("BEGIN:{name}\r\nUID:{}\r\n", self.uid);
        text += "DTSTAMP:20260101T000000Z\r\n";
        if let Some(start) = start {
            text += &start.property("DTSTART");
        }
        match (self.length, self.end(start)) {
            (Length::Lasting(units), Some(_)) if start.is_some() => {
                text += &match self.days {
                    true => format!("DURATION:P{units}D\r\n"),
                    false => format!("DURATION:PT{units}H\r\n"),
                };
            }
            (Length::End(_), Some(end)) | (Length::Lasting(_), Some(end)) => {
                let name = match self.kind {
                    Kind::Todo => "DUE",
                    _ => "DTEND",
                };
                text += &end.property(name);
            }
            (Length::None, Some(due)) if start.is_none() => text += &due.property("DUE"),
            _ => {}
        }
        match (id, self.every) {
            (Some(id), _) => text += &id.property("RECURRENCE-ID"),
            (None, Some((days, count))) => {
                text += &format!("RRULE:FREQ=DAILY;INTERVAL={days};COUNT={count}\r\n");
                let skipped = self.skipped.and_then(|n| self.original(n));
                text += &skipped.map_or(String::new(), |when| when.property("EXDATE"));
            }
            _ => {}
        }
        if let Some(summary) = summary {
            text += &format!("SUMMARY:{summary}\r\n");
        }
        if let Some(percent) = self.percent {
            text += &format!("PERCENT-COMPLETE:{percent}\r\n");
        }
        format!("{text}END:{name}\r\n")
    }

    fn moved_start(&self, hour: i64) -> Option<When> {
        self.start.map(|_| When::after(hour, self.days))
    }

    pub(super) fn text(&self) -> String {
        let mut parts = self.component(self.start(), None, self.summary.as_ref());
        for (n, hour, summary) in &self.moved {
            let start = self.moved_start(*hour);
            parts += &self.component(start, self.original(*n), summary.as_ref());
        }
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{parts}END:VCALENDAR\r\n")
    }

    pub(super) fn object(&self) -> CalendarObject {
        derive::parsed(&self.text(), self.kind, &self.uid).unwrap()
    }

    /// The instances, moved ones at their new time.
    fn instances(&self) -> Vec<Seen<'_>> {
        let (_, count) = self.every.unwrap_or((0, 1));
        let left = (0..count).filter(|n| Some(*n) != self.skipped);
        let seen = left.map(|n| {
            let moved = self.moved.iter().find(|(at, ..)| *at == n);
            let start = match moved {
                Some((_, hour, _)) => self.moved_start(*hour),
                None => self.original(n),
            };
            Seen {
                start,
                end: self.end(start),
                id: self.original(n),
                summary: moved.map_or(self.summary.as_ref(), |(.., summary)| summary.as_ref()),
            }
        });
        seen.collect()
    }

    /// The rows, each with the times at which it may fit, and its RECURRENCE-ID as it is written.
    fn rows(&self, expand: bool) -> Vec<(Vec<Seen<'_>>, Option<When>)> {
        let instances = self.instances();
        if expand {
            let recurs = self.every.is_some();
            return instances
                .into_iter()
                .map(|seen| {
                    let id = seen.id.filter(|_| recurs);
                    (vec![seen], id)
                })
                .collect();
        }
        // What the rule itself says of its start counts as well as what is left of its instances.
        let own = Seen {
            start: self.start(),
            end: self.end(self.start()),
            id: None,
            summary: self.summary.as_ref(),
        };
        let is_moved = |seen: &Seen<'_>| {
            self.moved
                .iter()
                .any(|(n, ..)| self.original(*n) == seen.id)
        };
        let (moved, plain): (Vec<_>, Vec<_>) = instances.into_iter().partition(is_moved);
        let master = std::iter::once(own)
            .chain(plain.into_iter().map(|seen| Seen { id: None, ..seen }))
            .collect();
        let moved = moved.into_iter().map(|seen| {
            let id = seen.id;
            (vec![seen], id)
        });
        std::iter::once((master, None)).chain(moved).collect()
    }
}

/// A condition of the reference, which prints itself.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Any(Vec<Wanted>),
    All(Vec<Wanted>),
    Uid(bool, usize),
    Time(&'static str, &'static str, When),
    TimeLike(&'static str, bool, &'static str),
    Null(&'static str, bool),
    Lasting(&'static str, i64),
    Percent(&'static str, i64),
    Like(bool, &'static str),
    State(&'static str, bool),
    Method(&'static str, bool),
    MethodIn(&'static str, bool),
}

fn holds(order: Ordering, operator: &str) -> bool {
    match operator {
        "=" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// A comparison with what may be missing, which is unequal to anything.
fn compared(order: Option<Ordering>, operator: &str) -> bool {
    order.map_or(operator == "!=", |order| holds(order, operator))
}

impl Wanted {
    pub(super) fn text(&self) -> String {
        let join = |parts: &[Wanted], word: &str| {
            let parts: Vec<String> = parts.iter().map(Wanted::text).collect();
            format!("({})", parts.join(word))
        };
        let not = |not: &bool| if *not { "NOT " } else { "" };
        let equal = |equal: &bool| if *equal { "=" } else { "!=" };
        match self {
            Self::Any(parts) => join(parts, " OR "),
            Self::All(parts) => join(parts, " AND "),
            Self::Uid(same, n) => format!("UID {} 'u{n}'", equal(same)),
            Self::Time(column, operator, when) => format!("{column} {operator} '{when}'"),
            Self::TimeLike(column, no, like) => format!("{column} {}LIKE '{like}'", not(no)),
            Self::Null(column, no) => format!("{column} IS {}NULL", not(no)),
            Self::Lasting(operator, hours) => format!("DURATION {operator} 'PT{hours}H'"),
            Self::Percent(operator, value) => format!("PERCENT-COMPLETE {operator} '{value}'"),
            Self::Like(no, letter) => format!("SUMMARY {}LIKE '%{letter}%'", not(no)),
            Self::State(state, held) => format!("STATE() {} '{state}'", equal(held)),
            Self::Method(method, held) => format!("METHOD {} '{method}'", equal(held)),
            Self::MethodIn(method, no) => format!("'{method}' {}IN METHOD", not(no)),
        }
    }

    fn fits(&self, item: &Model, seen: &Seen<'_>) -> bool {
        let time = |column: &str| match column {
            "DTSTART" => seen.start,
            "RECURRENCE-ID" => seen.id,
            _ => seen.end,
        };
        let method = item.method.unwrap_or("CREATE");
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.fits(item, seen)),
            Self::All(parts) => parts.iter().all(|part| part.fits(item, seen)),
            Self::Uid(same, n) => (item.uid == format!("u{n}")) == *same,
            Self::Time(column, operator, when) => {
                compared(time(column).map(|time| time.cmp(*when)), operator)
            }
            Self::TimeLike(column, not, like) => {
                let fits = |time: When| {
                    let text = time.to_string();
                    match like.trim_matches('%') {
                        "________" => text.len() == 8,
                        within if like.starts_with('%') => text.contains(within),
                        begin => text.starts_with(begin),
                    }
                };
                time(column).is_some_and(fits) != *not
            }
            Self::Null(column, not) => time(column).is_none() != *not,
            Self::Lasting(operator, hours) => {
                let lasts = match (seen.start, seen.end) {
                    (Some(When::At(start)), Some(When::At(end))) => Some(end - start),
                    (Some(When::Day(start)), Some(When::Day(end))) => Some((end - start) * DAY),
                    _ => None,
                };
                compared(lasts.map(|lasts| lasts.cmp(&(hours * HOUR))), operator)
            }
            Self::Percent(operator, value) => {
                compared(item.percent.map(|percent| percent.cmp(value)), operator)
            }
            Self::Like(not, letter) => {
                seen.summary.is_some_and(|text| text.contains(letter)) != *not
            }
            Self::State(state, held) => {
                let own = match method {
                    "CREATE" => "BOOKED",
                    "DELETE" => "DELETED",
                    _ => "UNPROCESSED",
                };
                (own == *state) == *held
            }
            Self::Method(name, held) => (method == *name) == *held,
            Self::MethodIn(name, not) => (method == *name) != *not,
        }
    }

    /// Whether it speaks of what is marked as deleted, which is left out elsewhere.
    fn names_marked(&self) -> bool {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().any(Self::names_marked),
            Self::State(state, _) => *state == "DELETED",
            Self::Method(method, _) | Self::MethodIn(method, _) => *method == "DELETE",
            _ => false,
        }
    }
}

/// UID, RECURRENCE-ID and DTSTART of a row.
pub(super) type Line = (String, String, String);

/// The rows that fit, in no order that means anything.
pub(super) fn expected(models: &[Model], wanted: &Wanted, expand: bool) -> Vec<Line> {
    let marked = wanted.names_marked();
    let shown = |when: Option<When>| when.map_or(String::new(), |when| when.to_string());
    let mut lines = Vec::new();
    for model in models {
        if model.method == Some(DELETE) && !marked {
            continue;
        }
        for (times, id) in model.rows(expand) {
            if times.iter().any(|seen| wanted.fits(model, seen)) {
                lines.push((model.uid.clone(), shown(id), shown(times[0].start)));
            }
        }
    }
    lines.sort_unstable();
    lines
}
