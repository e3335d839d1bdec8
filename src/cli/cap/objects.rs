//! The objects of CAP that commands become.

use crate::core::transfer::parse_limits;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::Timestamp;
use crate::ical::import;
use crate::ical::print;
use crate::limits::Limits;

/// Days of busy times, where no end is said.
const DAYS: i64 = 7;

fn command(method: &str, targets: &[String]) -> Component {
    let mut command = Component::new("VCOMMAND").with(Property::new("METHOD", method));
    for target in targets {
        command.push(Property::new("TARGET", target));
    }
    command
}

fn printed(command: Component) -> String {
    let mut whole = Component::new("VCAP").with(Property::new("VERSION", "2.0"));
    whole.push_component(command);
    print::to_string(&whole)
}

fn query(text: &str) -> Component {
    Component::new("VQUERY").with(Property::new("QUERY", text))
}

/// READ of a query.
pub(super) fn read(targets: &[String], text: &str) -> String {
    let mut made = command("READ", targets);
    made.push_component(query(text));
    printed(made)
}

/// DELETE of a UID, or of what a query finds.
pub(super) fn delete(targets: &[String], what: &str) -> String {
    let begins = what.get(..7).unwrap_or_default();
    let text = match begins.eq_ignore_ascii_case("select ") {
        true => what.to_owned(),
        false => {
            let uid = what.replace('\\', "\\\\").replace('\'', "\\'");
            format!("SELECT * FROM VEVENT,VTODO,VJOURNAL WHERE UID = '{uid}'")
        }
    };
    let mut made = command("DELETE", targets);
    made.push_component(query(&text));
    printed(made)
}

/// CREATE of components.
pub(super) fn create(targets: &[String], components: &[Component]) -> String {
    let mut made = command("CREATE", targets);
    for component in components {
        made.push_component(component.clone());
    }
    printed(made)
}

/// What can be created of a file: items with the VTIMEZONEs they name before them; and what cannot.
pub(super) fn upload(octets: &[u8], limits: &Limits) -> (Vec<Component>, Vec<String>) {
    let mut count = 0_u32;
    // The server gives those that have no UID one.
    let mut unnamed = || {
        count += 1;
        format!("unnamed-{count}")
    };
    let read = import::import(octets, &parse_limits(limits), &mut unnamed);
    let mut components: Vec<Component> = Vec::new();
    for object in read.objects {
        for zone in object.timezones {
            if !components.contains(&zone) {
                components.push(zone);
            }
        }
        for mut component in object.components {
            if component
                .value("UID")
                .is_some_and(|uid| uid.starts_with("unnamed-"))
            {
                component.remove("UID");
            }
            components.push(component);
        }
    }
    let mut faults: Vec<String> = read.faults.iter().map(ToString::to_string).collect();
    if components.is_empty() && faults.is_empty() {
        faults.push("expected events, to-dos or journals, found none".to_owned());
    }
    (components, faults)
}

/// From when to when busy times are asked for. Errors: a sentence about what is no time.
pub(super) fn window(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), String> {
    let time = |text: &str| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let shape: String = text.chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let whole = match (digits.len(), shape.as_str()) {
            (8, shape) if shape.len() == 8 => format!("{digits}T000000Z"),
            (14, shape) if shape.len() >= 15 && shape.as_bytes()[8].eq_ignore_ascii_case(&b't') => {
                format!("{}T{}Z", &digits[..8], &digits[8..])
            }
            _ => String::new(),
        };
        let read = crate::ical::value::date_time(&Property::new("X", &whole));
        match read {
            Ok(crate::ical::datetime::DateTime::Utc(time)) => Ok(time),
            _ => Err(format!(
                "expected a time like 2026-12-01 or 20261201T090000Z, found '{text}'"
            )),
        }
    };
    let day = 86_400;
    let from = match from {
        Some(from) => time(from)?,
        None => Timestamp(now.0 - now.0.rem_euclid(day)),
    };
    let to = match to {
        Some(to) => time(to)?,
        None => from.plus(DAYS * day),
    };
    match from < to {
        true => Ok((from, to)),
        false => Err(format!("expected an end after {from}, found {to}")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn busy_times_are_asked_for_in_days_or_to_the_second() {
        let now = Timestamp(1_795_000_000);
        let shown = |from, to| {
            let (from, to) = window(from, to, now).unwrap();
            format!("{from} {to}")
        };
        assert_eq!(shown(None, None), "20261118T000000Z 20261125T000000Z");
        assert_eq!(
            shown(Some("2026-12-01"), None),
            "20261201T000000Z 20261208T000000Z"
        );
        assert_eq!(
            shown(Some("20261201T090000Z"), Some("2026-12-01T10:30:00Z")),
            "20261201T090000Z 20261201T103000Z"
        );
        for (from, to) in [
            ("soon", None),
            ("2026-13-01", None),
            ("2026-12-02", Some("2026-12-01")),
        ] {
            assert!(window(Some(from), to, now).is_err(), "{from}");
        }
    }

    #[test]
    fn a_uid_stands_in_a_query_whatever_is_in_it() {
        let made = delete(&["tom".into()], "it's");
        assert!(made.contains("UID = 'it\\'s'"), "{made}");
        let made = delete(&["tom".into()], "select * from vtodo");
        assert!(made.contains("QUERY:select * from vtodo"), "{made}");
    }

    #[test]
    fn files_become_components_and_faults() {
        let text = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20261201T090000Z\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let (components, faults) = upload(text, &Limits::default());
        assert_eq!((components.len(), faults.len()), (1, 1));
        assert!(components[0].property("UID").is_none());
        assert_eq!(upload(b"", &Limits::default()).1.len(), 1);
    }
}
