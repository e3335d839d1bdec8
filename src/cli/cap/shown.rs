//! Answers as people and scripts read them.

use super::super::args::Shape;
use super::super::show;
use super::Done;
use super::json::{self, Told};
use crate::admin::Response;
use crate::cap::client::{Answer, request_status};
use crate::core::query::{Column, Select, parse};
use crate::ical::component::{Component, Property};
use crate::ical::print;

/// Text of others on a terminal: nothing in it may move the cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// What was refused, of targets as a whole.
fn faults(answers: &[Answer]) -> Vec<String> {
    let refused = answers.iter().filter(|answer| !is_good(&answer.code));
    refused
        .map(|answer| {
            plain(&format!(
                "{}: {} {}",
                answer.target, answer.code, answer.text
            ))
        })
        .collect()
}

fn is_good(code: &str) -> bool {
    code.is_empty() || code.starts_with('2')
}

/// The rows that a query has found.
pub(super) fn rows(query: &str, answers: &[Answer], shape: Shape) -> Done {
    let found = || {
        answers.iter().flat_map(|answer| {
            let components = answer.components.iter();
            components
                .filter(|component| !component.is("VTIMEZONE") || asks_zones(query))
                .map(move |component| (answer, component))
        })
    };
    let text = match (shape, columns(query)) {
        (Shape::Json, _) => json::answers(answers, Told::Found),
        (Shape::Ical, _) => answers
            .iter()
            .flat_map(|answer| &answer.components)
            .map(print::to_string)
            .collect(),
        (shape, Some(columns)) => {
            let many = answers.len() > 1;
            let mut heads: Vec<String> = columns.clone();
            if many {
                heads.insert(0, "TARGET".to_owned());
            }
            let rows = found().map(|(answer, component)| {
                let cells = columns.iter().map(|name| cell(component, name, shape));
                let target = many.then(|| answer.target.clone());
                target.into_iter().chain(cells).collect()
            });
            table(heads, rows.collect(), shape)
        }
        (shape, None) => {
            let blocks: Vec<String> = found()
                .map(|(_, component)| block(component, shape))
                .collect();
            blocks.join("\n")
        }
    };
    Done {
        text,
        faults: faults(answers),
    }
}

fn asks_zones(query: &str) -> bool {
    query.to_ascii_uppercase().contains("VTIMEZONE")
}

/// The columns that a query selects by name; none where it selects whole components.
fn columns(query: &str) -> Option<Vec<String>> {
    let query = parse(query).ok()?;
    let name = |wanted: &Select| match wanted {
        Select::Column(Column { name, .. }) | Select::Param(Column { name, .. }, _) => {
            Some(name.clone())
        }
        Select::Owners => Some("OWNER".to_owned()),
        _ => None,
    };
    query.select.iter().map(name).collect()
}

/// The values of a property, of those in alarms too.
fn cell(component: &Component, name: &str, shape: Shape) -> String {
    let own = component.properties_named(name);
    let inner = component
        .components()
        .flat_map(|inner| inner.properties_named(name));
    let values: Vec<String> = own.chain(inner).map(|p| value(p, shape)).collect();
    values.join(", ")
}

/// A value: times as people write them, in a table.
fn value(property: &Property, shape: Shape) -> String {
    let text = property.to_text().into_owned();
    match (shape, readable_time(property.value())) {
        (Shape::Table, Some(time)) => match property.param("TZID") {
            Some(zone) => format!("{time} {zone}"),
            None => time,
        },
        _ => text,
    }
}

/// `20261201T090000Z` as `2026-12-01 09:00 UTC`; none for what is no time.
fn readable_time(value: &str) -> Option<String> {
    let sound = |digits: &str, length: usize| {
        digits.len() == length && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let (date, time) = value.split_once('T').unwrap_or((value, ""));
    if !sound(date, 8) {
        return None;
    }
    let date = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
    if time.is_empty() {
        return Some(date);
    }
    let (clock, utc) = match time.strip_suffix('Z') {
        Some(clock) => (clock, " UTC"),
        None => (time, ""),
    };
    if !sound(clock, 6) {
        return None;
    }
    let seconds = match &clock[4..] {
        "00" => String::new(),
        seconds => format!(":{seconds}"),
    };
    Some(format!(
        "{date} {}:{}{seconds}{utc}",
        &clock[..2],
        &clock[2..4]
    ))
}

/// All of a component, a line for each property.
fn block(component: &Component, shape: Shape) -> String {
    let mut fields = vec![(component.name().to_owned(), String::new())];
    let mut push = |component: &Component, depth: usize| {
        for property in component.properties() {
            let name = format!("{:depth$}{}", "", property.name());
            fields.push((name, value(property, shape)));
        }
    };
    push(component, 0);
    for inner in component.components() {
        fields_of_inner(inner, &mut push);
    }
    show::text(&Response::Record(fields))
}

fn fields_of_inner(component: &Component, push: &mut impl FnMut(&Component, usize)) {
    push(component, 2);
}

fn table(heads: Vec<String>, rows: Vec<Vec<String>>, shape: Shape) -> String {
    match shape {
        Shape::Table if rows.is_empty() => String::new(),
        Shape::Table | Shape::Ical | Shape::Json => show::text(&Response::Table(heads, rows)),
        Shape::Tab => {
            let line = |row: Vec<String>| {
                let cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
                format!("{}\n", cells.join("\t"))
            };
            rows.into_iter().map(line).collect()
        }
    }
}

/// What became of a component that was to be created, changed or deleted.
pub(super) struct Outcome {
    /// Its UID or name.
    pub(super) id: String,
    /// The code; empty where there is none.
    pub(super) code: String,
    /// Words for people.
    pub(super) text: String,
}

/// What became of a component.
pub(super) fn outcome(component: &Component) -> Outcome {
    let names = [
        "UID",
        "RELCALID",
        "CALID",
        "CARID",
        "QUERYNAME",
        "QUERYID",
        "TZID",
    ];
    let id = names.iter().find_map(|name| component.property(name));
    let id = id.map(|id| id.to_text().into_owned()).unwrap_or_default();
    let status = component.value("REQUEST-STATUS").map(request_status);
    let (code, text) = status.unwrap_or_default();
    Outcome { id, code, text }
}

/// What became of all components.
pub(super) fn outcomes(answers: &[Answer], shape: Shape) -> Done {
    let mut done = Done {
        text: String::new(),
        faults: faults(answers),
    };
    for component in answers.iter().flat_map(|answer| &answer.components) {
        let Outcome { id, code, text } = outcome(component);
        let id = plain(&id);
        match is_good(&code) {
            true => done.text.push_str(&format!("{id}\n")),
            false => done.faults.push(plain(&format!("{id}: {code} {text}"))),
        }
    }
    if shape == Shape::Json {
        done.text = json::answers(answers, Told::Outcomes);
    }
    done
}

/// Busy times, a line for each.
pub(super) fn busy(answers: &[Answer], shape: Shape) -> Done {
    match shape {
        Shape::Ical => return rows("SELECT * FROM VFREEBUSY", answers, shape),
        Shape::Json => {
            return Done {
                text: json::answers(answers, Told::Busy),
                faults: faults(answers),
            };
        }
        Shape::Table | Shape::Tab => {}
    }
    let many = answers.len() > 1;
    let mut lines = Vec::new();
    for answer in answers {
        for component in &answer.components {
            for property in component.properties_named("FREEBUSY") {
                let kind = property.param("FBTYPE").unwrap_or_else(|| "BUSY".into());
                for period in property.value().split(',') {
                    let (from, to) = period.split_once('/').unwrap_or((period, ""));
                    let readable = |time: &str| match shape {
                        Shape::Table => readable_time(time).unwrap_or_else(|| time.to_owned()),
                        _ => time.to_owned(),
                    };
                    let cells = [readable(from), readable(to), kind.clone().into_owned()];
                    let target = many.then(|| answer.target.clone());
                    lines.push(target.into_iter().chain(cells).collect());
                }
            }
        }
    }
    let mut heads: Vec<String> = ["FROM", "TO", "KIND"].map(str::to_owned).into();
    if many {
        heads.insert(0, "TARGET".to_owned());
    }
    Done {
        text: table(heads, lines, shape),
        faults: faults(answers),
    }
}

#[cfg(test)]
mod tests {
    use super::readable_time;

    #[test]
    fn times_are_written_for_people() {
        for (value, shown) in [
            ("20261201T090000Z", Some("2026-12-01 09:00 UTC")),
            ("20261201T090030", Some("2026-12-01 09:00:30")),
            ("20261201", Some("2026-12-01")),
            ("12345678x", None),
            ("20261201T09", None),
            ("Meeting", None),
        ] {
            assert_eq!(readable_time(value).as_deref(), shown, "{value}");
        }
    }
}
