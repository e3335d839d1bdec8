//! What attendees have said, while the organizer changes an item: nobody else speaks for people with a calendar here.
//!
//! Pure functions over components. RFC 5546 section 2.1.4; RFC 6638 sections 3.2.1 and 3.2.8.

use super::attendee::{self, DELEGATED_TO, PARTSTAT, SCHEDULE_STATUS, SENT_BY};
use super::view::same_times;
use crate::core::items::edit::insert;
use crate::ical::component::{Component, Entry, Property};
use crate::ical::object::CalendarObject;
use crate::ical::value::same_address;

/// Gives attendees of `after` back what they have said, and asks everybody anew when the times change.
///
/// `speaks` says whether an address answers for itself, because its calendar is here and not the organizer's; what
/// the organizer enters for others stands. `own` says whether an address is the organizer's own.
pub fn answers(
    before: &Component,
    after: &mut Component,
    speaks: impl Fn(&str) -> bool,
    own: impl Fn(&str) -> bool,
) {
    let anew = !same_times(before, after);
    attendee::map(after, |attendee| {
        let address = attendee.value().to_owned();
        if own(&address) {
            return attendee;
        }
        let known = attendee::find(before, &address);
        let said = match known {
            Some(known) if !anew => match speaks(&address) {
                true => attendee::partstat(known),
                false => return attendee,
            },
            Some(known) if attendee::partstat(known) == "DELEGATED" => "DELEGATED".to_owned(),
            Some(_) => "NEEDS-ACTION".to_owned(),
            None if speaks(&address) => "NEEDS-ACTION".to_owned(),
            None => return attendee,
        };
        let attendee = match known {
            Some(known) => restored(attendee, known),
            None => attendee,
        };
        let attendee = match said.as_str() {
            "NEEDS-ACTION" => attendee::with(attendee, SENT_BY, ""),
            _ => attendee,
        };
        attendee::with(attendee, PARTSTAT, &said)
    });
}

/// Delegation is the attendees' own affair, too.
fn restored(attendee: Property, known: &Property) -> Property {
    match known.param(DELEGATED_TO) {
        Some(to) => attendee::with(attendee, DELEGATED_TO, &to),
        None => attendee,
    }
}

/// Carries who was added to a series, and who was taken out of it, to its exceptions.
pub fn spread(before: &Component, object: &mut CalendarObject) {
    let Some(after) = object.master().cloned() else {
        return;
    };
    let added: Vec<Property> = attendee::all(&after)
        .filter(|attendee| attendee::find(before, attendee.value()).is_none())
        .map(|attendee| attendee.clone().without_param(SCHEDULE_STATUS))
        .collect();
    let removed: Vec<String> = attendee::addresses([before])
        .into_iter()
        .filter(|address| attendee::find(&after, address).is_none())
        .collect();
    if added.is_empty() && removed.is_empty() {
        return;
    }
    for exception in object.components.iter_mut().skip(1) {
        exception.retain(|entry| match entry {
            Entry::Property(property) if property.is("ATTENDEE") => !removed
                .iter()
                .any(|address| same_address(address, property.value())),
            _ => true,
        });
        for attendee in &added {
            if attendee::find(exception, attendee.value()).is_none() {
                insert(exception, attendee.clone());
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn event(lines: &[&str]) -> Component {
        let mut event = Component::new("VEVENT");
        for line in lines {
            event.push(Property::from_line(*line).unwrap());
        }
        event
    }

    fn said(component: &Component) -> Vec<String> {
        attendee::all(component).map(attendee::partstat).collect()
    }

    const AT_TEN: &str = "DTSTART:20260105T100000Z";
    const AT_NOON: &str = "DTSTART:20260105T120000Z";
    const BOSS: &str = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:boss@x";
    const ANNA: &str = "ATTENDEE;PARTSTAT=DECLINED:mailto:anna@x";
    const GUEST: &str = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:guest@out";

    fn settled(before: &[&str], after: &[&str]) -> Vec<String> {
        let mut after = event(after);
        let here = |address: &str| address.ends_with("@x");
        answers(&event(before), &mut after, here, |a| a == "mailto:boss@x");
        said(&after)
    }

    #[test]
    fn people_with_a_calendar_answer_for_themselves() {
        let stale = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@x";
        let before = [AT_TEN, BOSS, ANNA];
        assert_eq!(
            settled(&before, &[AT_TEN, BOSS, stale, GUEST]),
            ["ACCEPTED", "DECLINED", "ACCEPTED"]
        );
        assert_eq!(settled(&[AT_TEN], &[AT_TEN, stale]), ["NEEDS-ACTION"]);
    }

    #[test]
    fn another_time_asks_everybody_anew() {
        let before = [AT_TEN, BOSS, ANNA, GUEST];
        assert_eq!(
            settled(&before, &[AT_NOON, BOSS, ANNA, GUEST]),
            ["ACCEPTED", "NEEDS-ACTION", "NEEDS-ACTION"]
        );
        let place = [AT_TEN, "LOCATION:here", BOSS, ANNA, GUEST];
        assert_eq!(
            settled(&before, &place),
            ["ACCEPTED", "DECLINED", "ACCEPTED"]
        );
    }

    #[test]
    fn who_joins_or_leaves_a_series_does_so_in_its_exceptions() {
        let exception = event(&["RECURRENCE-ID:20260112T100000Z", ANNA, BOSS]);
        let mut object = CalendarObject {
            kind: crate::ical::object::Kind::Event,
            uid: "m".into(),
            components: vec![event(&[AT_TEN, BOSS, GUEST]), exception],
            timezones: Vec::new(),
        };
        spread(&event(&[AT_TEN, BOSS, ANNA]), &mut object);
        let left = attendee::addresses(&object.components[1..]);
        assert_eq!(left, ["mailto:boss@x", "mailto:guest@out"]);
    }
}
