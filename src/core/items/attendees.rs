//! Changes of who takes part in a component: merging lists of attendees, answering for one of them.
//!
//! Addresses are compared as texts here; that several addresses are one person is known to the directory, whoever
//! calls has written them alike. RFC 5545 section 3.8.4.1; WCAP's `attendees` parameter.

use super::edit::{EditError, insert};
use super::meaning::same;
use crate::ical::component::{Component, Entry, Property};
use crate::ical::value::same_address;

/// A change of the attendees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttendeesEdit {
    /// Whether attendees that are not named go.
    pub replace: bool,
    /// The attendees to add, change or take away.
    pub entries: Vec<AttendeeEdit>,
}

/// A change of one attendee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttendeeEdit {
    /// The calendar address, a URI such as `mailto:tom@example.com`.
    pub address: String,
    /// Parameters and their values, decoded; the others of an attendee that is there stay.
    pub params: Vec<(String, String)>,
    /// Whether the attendee goes.
    pub remove: bool,
}

impl AttendeesEdit {
    /// Makes the change. Attendees that are there stay in their places, new ones come after them.
    pub fn apply(&self, component: &mut Component) {
        let before: Vec<Property> = component.properties_named("ATTENDEE").cloned().collect();
        let mut after: Vec<Option<Property>> = before
            .iter()
            .map(|attendee| (!self.replace || self.names(attendee)).then(|| attendee.clone()))
            .collect();
        for entry in &self.entries {
            let at = after.iter().position(|slot| {
                slot.as_ref()
                    .is_some_and(|a| same_address(a.value(), &entry.address))
            });
            match at {
                Some(at) if entry.remove => after[at] = None,
                Some(at) => after[at] = after[at].take().map(|a| changed(a, &entry.params)),
                None if entry.remove => {}
                None => after.push(Some(new_attendee(entry))),
            }
        }
        write(component, before.len(), after);
    }

    fn names(&self, attendee: &Property) -> bool {
        self.entries
            .iter()
            .any(|entry| same_address(attendee.value(), &entry.address))
    }
}

/// Puts the first `known` slots in the places of the attendees that are there, the others after them.
fn write(component: &mut Component, known: usize, slots: Vec<Option<Property>>) {
    let mut slots = slots.into_iter();
    let mut entries = Vec::new();
    let old: Vec<_> = slots.by_ref().take(known).collect();
    let mut old = old.into_iter();
    component.retain(|entry| match entry {
        Entry::Property(p) if p.is("ATTENDEE") => {
            let slot = old.next().flatten();
            let stays = slot.is_some();
            entries.extend(slot);
            stays
        }
        _ => true,
    });
    let mut entries = entries.into_iter();
    component.map_properties(|property| match property.is("ATTENDEE") {
        true => entries.next().unwrap_or(property),
        false => property,
    });
    for attendee in slots.flatten() {
        insert(component, attendee);
    }
}

fn new_attendee(entry: &AttendeeEdit) -> Property {
    let attendee = changed(Property::new("ATTENDEE", &entry.address), &entry.params);
    match attendee.param("PARTSTAT") {
        Some(_) => attendee,
        None => attendee.with_param("PARTSTAT", "NEEDS-ACTION"),
    }
}

/// The attendee with these parameters; as it was when they say nothing new.
fn changed(attendee: Property, params: &[(String, String)]) -> Property {
    let with = params
        .iter()
        .fold(attendee.clone(), |attendee, (name, value)| {
            let found = attendee.param(name);
            if found.as_deref() == Some(value) {
                return attendee;
            }
            let without = attendee.clone().without_param(name);
            match value.is_empty() {
                true => without,
                false => without.with_param(name, value),
            }
        });
    if same(&attendee, &with) {
        attendee
    } else {
        with
    }
}

/// What an attendee may say in an answer: the others of its parameters are the organizer's (RFC 5546 section 3.2.3).
const OWN: [&str; 4] = ["PARTSTAT", "DELEGATED-TO", "DELEGATED-FROM", "SENT-BY"];

/// Changes the participation status of the one attendee that is `mine`; everybody else stays.
///
/// Errors: `Value` when no attendee is.
pub fn answer(
    component: &mut Component,
    mine: impl Fn(&str) -> bool,
    params: &[(String, String)],
) -> Result<(), EditError> {
    let own = |name: &str| OWN.iter().any(|own| name.eq_ignore_ascii_case(own));
    let params: Vec<_> = params
        .iter()
        .filter(|(name, _)| own(name))
        .cloned()
        .collect();
    let at = component
        .properties_named("ATTENDEE")
        .position(|attendee| mine(attendee.value()))
        .ok_or_else(|| {
            EditError::value("expected an answer of an attendee, found none of that address")
        })?;
    let mut count = 0;
    component.map_properties(|property| {
        if !property.is("ATTENDEE") {
            return property;
        }
        count += 1;
        if count == at + 1 {
            changed(property, &params)
        } else {
            property
        }
    });
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn meeting(attendees: &[&str]) -> Component {
        let mut event = Component::new("VEVENT").with(Property::new("UID", "1"));
        for line in attendees {
            event.push(Property::from_line(*line).unwrap());
        }
        event.push(Property::new("CLASS", "PUBLIC"));
        event.push_component(Component::new("VALARM"));
        event
    }

    fn entry(address: &str, params: &[(&str, &str)]) -> AttendeeEdit {
        let params = params
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        AttendeeEdit {
            address: address.into(),
            params,
            remove: false,
        }
    }

    fn lines(component: &Component) -> Vec<&str> {
        component
            .properties_named("ATTENDEE")
            .map(Property::as_line)
            .collect()
    }

    const TOM: &str = "ATTENDEE;CN=Tom;PARTSTAT=ACCEPTED;X-A=b:mailto:tom@x";
    const ANNA: &str = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:anna@x";

    #[test]
    fn lists_are_merged() {
        let mut event = meeting(&[TOM, ANNA]);
        let edit = AttendeesEdit {
            replace: false,
            entries: vec![
                entry("MAILTO:Anna@x", &[("PARTSTAT", "DECLINED")]),
                entry("mailto:jerry@x", &[("RSVP", "TRUE")]),
            ],
        };
        edit.apply(&mut event);
        assert_eq!(
            lines(&event),
            [
                TOM,
                "ATTENDEE;PARTSTAT=DECLINED:mailto:anna@x",
                "ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:jerry@x",
            ]
        );
        assert!(matches!(event.entries().last(), Some(Entry::Component(_))));
        let again = event.clone();
        edit.apply(&mut event);
        assert_eq!(event, again, "the second time changes nothing");
    }

    #[test]
    fn a_replaced_list_keeps_what_it_does_not_mention_of_those_it_names() {
        let mut event = meeting(&[TOM, ANNA]);
        let entries = vec![entry("mailto:tom@x", &[("PARTSTAT", "TENTATIVE")])];
        AttendeesEdit {
            replace: true,
            entries,
        }
        .apply(&mut event);
        assert_eq!(
            lines(&event),
            ["ATTENDEE;CN=Tom;X-A=b;PARTSTAT=TENTATIVE:mailto:tom@x"]
        );
        AttendeesEdit {
            replace: true,
            entries: Vec::new(),
        }
        .apply(&mut event);
        assert!(lines(&event).is_empty());
        AttendeesEdit::default().apply(&mut event);
        assert!(lines(&event).is_empty());
    }

    #[test]
    fn an_attendee_is_taken_away() {
        let mut event = meeting(&[TOM, ANNA]);
        let gone = |address: &str| AttendeeEdit {
            remove: true,
            ..entry(address, &[])
        };
        let entries = vec![gone("mailto:tom@x"), gone("mailto:nobody@x")];
        AttendeesEdit {
            replace: false,
            entries,
        }
        .apply(&mut event);
        assert_eq!(lines(&event), [ANNA]);
    }

    #[test]
    fn the_same_list_in_another_order_changes_nothing() {
        let mut event = meeting(&[TOM, ANNA]);
        let before = event.clone();
        let entries = vec![
            entry(
                "mailto:ANNA@x",
                &[("RSVP", "FALSE"), ("ROLE", "REQ-PARTICIPANT")],
            ),
            entry("mailto:tom@x", &[("PARTSTAT", "ACCEPTED"), ("CN", "Tom")]),
        ];
        AttendeesEdit {
            replace: true,
            entries,
        }
        .apply(&mut event);
        assert_eq!(event, before);
    }

    #[test]
    fn an_answer_changes_one_status() {
        let mut event = meeting(&[TOM, ANNA]);
        let said = [
            ("PARTSTAT".to_owned(), "DECLINED".to_owned()),
            ("CN".into(), "Other".into()),
        ];
        answer(&mut event, |address| address.ends_with("anna@x"), &said).unwrap();
        assert_eq!(
            lines(&event),
            [TOM, "ATTENDEE;PARTSTAT=DECLINED:mailto:anna@x"]
        );
        assert!(answer(&mut event, |_| false, &said).is_err());
    }
}
