//! What is told of something deleted: UID, RECURRENCE-ID, times, when and by whom; of a whole series also its rules
//! (`fetch_deletedcomponents`). Clients pass over an event without DTSTART.

use super::names::Name;
use super::times::Times;
use super::{Lines, Shaper, Source, recurs};
use crate::core::items::fetch::Stamps;
use crate::core::items::scheduling::Scheduling;
use crate::core::items::sync::Tombstone;

/// The properties of every tombstone.
const TOLD: [Name; 6] = [
    Name::Uid,
    Name::RecurrenceId,
    Name::Dtstart,
    Name::Dtend,
    Name::Due,
    Name::TriggeredBy,
];

/// Those of a series besides. Rules count on the clock of a zone.
const OF_SERIES: [Name; 5] = [
    Name::Rrule,
    Name::Rdate,
    Name::Exrule,
    Name::Exdate,
    Name::DtstartTzid,
];

impl Shaper<'_> {
    /// Adds a tombstone. Rules are told with [`Form::rules`](super::Form::rules) only.
    pub fn add_tombstone(&mut self, tombstone: Tombstone) {
        let Tombstone { stub, deleted, by } = tombstone;
        let (form, place) = (self.form, self.place);
        let since = self.since(&stub, recurs(&stub));
        for component in stub.components {
            let source = Source {
                kind: stub.kind,
                stamps: Stamps {
                    created: deleted,
                    modified: deleted,
                },
                state: Scheduling::PublishCompleted,
                timezones: &stub.timezones,
                since,
                occurrence: None,
            };
            let mut clock = self.clock(&stub.timezones, since);
            let times = Times::of(&component, stub.kind, None);
            let series = form.rules && component.property("RECURRENCE-ID").is_none();
            let mut lines = Lines::new(form);
            let name = component.name().to_owned();
            for property in component.properties() {
                lines.take(property.clone(), &times, &mut clock, &place);
            }
            lines.times(&times, &source, &mut clock);
            let rules = lines
                .lines
                .iter()
                .any(|(name, _)| matches!(name, Name::Rrule | Name::Rdate));
            lines.lines.retain(|(name, _)| {
                TOLD.contains(name) || (series && rules && OF_SERIES.contains(name))
            });
            lines.value(Name::Dtstamp, deleted.to_string());
            lines.value(Name::LastModified, deleted.to_string());
            if let Some(by) = &by {
                lines.value(Name::TriggeredBy, by);
            }
            self.components.push(lines.into_component(&name));
        }
    }
}
