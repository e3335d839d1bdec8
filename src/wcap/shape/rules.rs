//! Rules, dates and identities of instances, written as the component's times are.

use super::names::Name;
use super::times::Clock;
use crate::ical::component::Property;
use crate::ical::datetime::DateTime;
use crate::ical::value::{self, Period, RecurrenceDate};

/// RRULE or EXRULE: a local UNTIL is given in UTC, as the start it belongs to is.
pub(super) fn rule(
    property: Property,
    start: Option<&DateTime>,
    clock: &mut Clock<'_>,
) -> Property {
    let text = property.value();
    let Some(from) = text.to_ascii_uppercase().find("UNTIL=").map(|at| at + 6) else {
        return property;
    };
    let to = text[from..].find(';').map_or(text.len(), |len| from + len);
    let tzid = start.and_then(DateTime::tzid);
    let until = match value::parse_date_time(&text[from..to], tzid) {
        Ok(until @ (DateTime::Floating(_) | DateTime::Zoned(..))) => clock.instant(&until),
        _ => return property,
    };
    let text = format!("{}{until}{}", &text[..from], &text[to..]);
    property.with_value(text)
}

/// RDATE or EXDATE; one property for each run of values of like form. What cannot be read stays as it is.
pub(super) fn dates(property: Property, name: Name, clock: &mut Clock<'_>) -> Vec<Property> {
    let Ok(dates) = value::recurrence_dates(&property) else {
        return vec![property];
    };
    let shown: Vec<_> = dates
        .iter()
        .map(|date| match date {
            RecurrenceDate::Start(start) => RecurrenceDate::Start(clock.show(start)),
            RecurrenceDate::Period(period) => RecurrenceDate::Period(show_period(period, clock)),
        })
        .collect();
    value::recurrence_date_properties(name.as_str(), &shown)
}

fn show_period(period: &Period, clock: &mut Clock<'_>) -> Period {
    let end = match period {
        Period::Between(_, end) => end.clone(),
        Period::Lasting(start, length) => clock.later(start, *length),
    };
    let start = clock.show(period.start());
    match (&start, clock.show(&end)) {
        // The end of a period is read in the zone of its start.
        (DateTime::Zoned(_, zone), DateTime::Zoned(_, other)) if *zone != other => {
            Period::Between(start, DateTime::Utc(clock.instant(&end)))
        }
        (_, end) => Period::Between(start, end),
    }
}

/// RECURRENCE-ID of a stored override; RANGE stays.
pub(super) fn recurrence_id(property: Property, clock: &mut Clock<'_>) -> Property {
    let Ok(id) = value::date_time(&property) else {
        return property;
    };
    let shown = clock.property(Name::RecurrenceId, &id);
    match property.param("RANGE") {
        Some(range) => shown.with_param("RANGE", &range),
        None => shown,
    }
}
