//! The tables `recur/*.txt`; what their lines mean stands at the top of `rfc5545.txt`.

use jiff::civil;
use wcapd::ical::datetime::Timestamp;
use wcapd::ical::zone::Zone;

use super::{dtstart, event, series, starts, utc};

#[test]
fn examples_of_the_standard() {
    assert_eq!(run(include_str!("rfc5545.txt")), 43);
}

#[test]
fn edges() {
    assert_eq!(run(include_str!("edges.txt")), 23);
}

/// Runs every case of a table; says how many there were.
fn run(table: &str) -> usize {
    let mut zone = "UTC".to_owned();
    let mut cases = 0;
    let mut wrong = Vec::new();
    for block in table.split("\n\n") {
        let lines: Vec<(&str, &str)> = block
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| line.split_once(' ').unwrap_or((line, "")))
            .collect();
        if let Some((_, name)) = lines.iter().find(|(key, _)| *key == "zone") {
            zone = (*name).to_owned();
        }
        if lines.iter().any(|(key, _)| *key == "start") {
            cases += 1;
            if let Err(difference) = case(&zone, &lines) {
                wrong.push(format!("{block}\n{difference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    cases
}

fn case(zone: &str, lines: &[(&str, &str)]) -> Result<(), String> {
    let clock = Zone::named(zone).unwrap();
    let mut properties = Vec::new();
    let mut start = civil::DateTime::MIN;
    let mut end = Timestamp::MAX;
    let mut expected = Vec::new();
    let mut unfit_start = true;
    for (key, value) in lines {
        match *key {
            "#" | "##" | "zone" => {}
            "start" => {
                start = utc(value).to_civil();
                properties.push(dtstart(zone, value));
            }
            "rule" => properties.push(format!("RRULE:{value}")),
            "line" => properties.push((*value).to_owned()),
            "upto" => end = clock.to_timestamp(utc(value).to_civil()),
            "without-unfit-start" => unfit_start = false,
            "utc" => expected.extend(value.split(' ').map(utc)),
            "=" => expected.extend(local(value, start).map(|at| clock.to_timestamp(at))),
            other => panic!("expected a line of a table, found '{other} {value}'"),
        }
    }
    let mut series = series(&event(properties));
    assert_eq!(series.problems(), []);
    if !unfit_start {
        series = series.without_unfit_start();
    }
    let found = starts(&series, Timestamp::MIN, end);
    if found == expected {
        return Ok(());
    }
    let show = |list: &[Timestamp]| list.iter().map(|t| format!("{t} ")).collect::<String>();
    Err(format!(
        "expected {}\nfound    {}",
        show(&expected),
        show(&found)
    ))
}

/// `1997-09: 2-30/2,31 at 09:00,09:20`
fn local(text: &str, start: civil::DateTime) -> impl Iterator<Item = civil::DateTime> {
    let (month, rest) = text.split_once(": ").unwrap();
    let (days, times) = rest.split_once(" at ").unwrap_or((rest, ""));
    let (year, month) = month.split_once('-').unwrap();
    let (year, month) = (year.parse().unwrap(), month.parse().unwrap());
    let times: Vec<civil::Time> = match times {
        "" => vec![start.time()],
        times => times.split(',').map(|time| time.parse().unwrap()).collect(),
    };
    let days: Vec<i8> = days.split(',').flat_map(run_of_days).collect();
    days.into_iter().flat_map(move |day| {
        let date = civil::date(year, month, day);
        times
            .clone()
            .into_iter()
            .map(move |time| date.to_datetime(time))
    })
}

fn run_of_days(text: &str) -> Vec<i8> {
    let (range, step) = text.split_once('/').unwrap_or((text, "1"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last): (i8, i8) = (first.parse().unwrap(), last.parse().unwrap());
    (first..=last).step_by(step.parse().unwrap()).collect()
}
