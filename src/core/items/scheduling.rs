//! Where an item stands between its organizer and its attendees, in Calendar Server's words (`compstate`,
//! X-NSCP-GSE-COMPONENT-STATE).
//!
//! Read from ORGANIZER and ATTENDEE alone; whose addresses these are, the caller knows.

use crate::ical::component::{Component, Property};
use crate::ical::delivery::{self, Delivery};

/// A component state. Names are those of Sun's clients; the numbers follow the pattern of the few that are known,
/// method times 65536 and a state, where 2 is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheduling {
    /// Nobody is invited, or it is none of this calendar's business.
    PublishCompleted,
    /// Not sent out to all of the attendees yet: a message waits to be mailed.
    RequestPending,
    /// Sent out, and somebody has not answered.
    RequestWaitForReply,
    /// Sent out, and everybody has answered.
    RequestCompleted,
    /// An invitation that waits for an answer.
    RequestNeedsAction,
    /// An invitation that wants no answer, or that was called off.
    RequestNeedsNoAction,
    /// An invitation that was accepted, if only tentatively or for somebody else.
    ReplyAccepted,
    /// An invitation that was declined.
    ReplyDeclined,
}

/// All states: name and number.
const ROWS: [(Scheduling, &str, u32); 8] = {
    use Scheduling::*;
    [
        (PublishCompleted, "PUBLISH-COMPLETED", 65_538),
        (RequestPending, "REQUEST-PENDING", 131_073),
        (RequestWaitForReply, "REQUEST-WAITFORREPLY", 131_074),
        (RequestCompleted, "REQUEST-COMPLETED", 131_074),
        (RequestNeedsAction, "REQUEST-NEEDS-ACTION", 131_075),
        (RequestNeedsNoAction, "REQUEST-NEEDSNOACTION", 131_076),
        (ReplyAccepted, "REPLY-ACCEPTED", 262_146),
        (ReplyDeclined, "REPLY-DECLINED", 262_147),
    ]
};

impl Scheduling {
    /// The state called `name`; letter case does not count, and `_` is as good as `-`.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_uppercase().replace('_', "-");
        ROWS.iter()
            .find(|(_, known, _)| *known == name)
            .map(|(state, _, _)| *state)
    }

    fn row(self) -> (&'static str, u32) {
        let row = ROWS.iter().find(|(state, _, _)| *state == self);
        row.map_or(("PUBLISH-COMPLETED", 65_538), |(_, name, number)| {
            (name, *number)
        })
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The number clients are told.
    pub fn number(self) -> u32 {
        self.row().1
    }

    /// Where `component` stands in a calendar to whose owner the addresses belong for which `mine` holds.
    pub fn of(component: &Component, mine: impl Fn(&str) -> bool) -> Self {
        let mut organizer = None;
        let mut own = None;
        let mut waiting = false;
        let mut invited = false;
        let mut pending = false;
        for property in component.properties() {
            if property.is("ORGANIZER") {
                organizer = Some(property);
            } else if property.is("ATTENDEE") {
                match mine(property.value()) {
                    true => own = own.or(Some(property)),
                    false => {
                        invited = true;
                        waiting |= status(property) == Status::NeedsAction;
                        pending |= delivery::of(property) == Some(Delivery::Pending);
                    }
                }
            }
        }
        let cancelled = component
            .value("STATUS")
            .is_some_and(|status| status.trim().eq_ignore_ascii_case("CANCELLED"));
        match (organizer, own) {
            (Some(organizer), _) if mine(organizer.value()) => match (invited, waiting) {
                (false, _) => Self::PublishCompleted,
                // Nobody answers what was called off.
                (true, true) if cancelled => Self::RequestCompleted,
                (true, true) if pending => Self::RequestPending,
                (true, true) => Self::RequestWaitForReply,
                (true, false) => Self::RequestCompleted,
            },
            (Some(_), Some(own)) => match status(own) {
                Status::NeedsAction if cancelled || wants_no_answer(own) => {
                    Self::RequestNeedsNoAction
                }
                Status::NeedsAction => Self::RequestNeedsAction,
                Status::Accepted => Self::ReplyAccepted,
                Status::Declined => Self::ReplyDeclined,
            },
            _ => Self::PublishCompleted,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Status {
    NeedsAction,
    Accepted,
    Declined,
}

/// What an attendee has said; nothing counts as NEEDS-ACTION (RFC 5545 section 3.2.12).
fn status(attendee: &Property) -> Status {
    match attendee.param("PARTSTAT") {
        None => Status::NeedsAction,
        Some(status) if status.eq_ignore_ascii_case("NEEDS-ACTION") => Status::NeedsAction,
        Some(status) if status.eq_ignore_ascii_case("DECLINED") => Status::Declined,
        Some(_) => Status::Accepted,
    }
}

/// Whether RSVP says FALSE: many programs leave it out where they want an answer.
fn wants_no_answer(attendee: &Property) -> bool {
    attendee
        .param("RSVP")
        .is_some_and(|rsvp| rsvp.eq_ignore_ascii_case("FALSE"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn state(lines: &[&str]) -> Scheduling {
        let mut event = Component::new("VEVENT");
        for line in lines {
            event.push(Property::from_line(*line).unwrap());
        }
        Scheduling::of(&event, |address| address == "mailto:me@x")
    }

    #[test]
    fn states_follow_from_organizer_and_answers() {
        use Scheduling::*;
        let mine = "ORGANIZER:mailto:me@x";
        let theirs = "ORGANIZER:mailto:boss@x";
        let cases: [(&[&str], Scheduling); 13] = [
            (&["SUMMARY:a"], PublishCompleted),
            (&[mine], PublishCompleted),
            (
                &[mine, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@x"],
                PublishCompleted,
            ),
            (&[mine, "ATTENDEE:mailto:b@x"], RequestWaitForReply),
            (
                &[mine, "ATTENDEE;SCHEDULE-STATUS=1.0:mailto:b@x"],
                RequestPending,
            ),
            (
                &["STATUS:CANCELLED", mine, "ATTENDEE:mailto:b@x"],
                RequestCompleted,
            ),
            (
                &["STATUS:CANCELLED", theirs, "ATTENDEE:mailto:me@x"],
                RequestNeedsNoAction,
            ),
            (
                &[mine, "ATTENDEE;PARTSTAT=DECLINED:mailto:b@x"],
                RequestCompleted,
            ),
            (
                &[theirs, "ATTENDEE;PARTSTAT=needs-action:mailto:me@x"],
                RequestNeedsAction,
            ),
            (
                &[theirs, "ATTENDEE;RSVP=FALSE:mailto:me@x"],
                RequestNeedsNoAction,
            ),
            (
                &[theirs, "ATTENDEE;PARTSTAT=TENTATIVE:mailto:me@x"],
                ReplyAccepted,
            ),
            (
                &[theirs, "ATTENDEE;PARTSTAT=DECLINED:mailto:me@x"],
                ReplyDeclined,
            ),
            (&[theirs, "ATTENDEE:mailto:b@x"], PublishCompleted),
        ];
        for (lines, expected) in cases {
            assert_eq!(state(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn names_are_read_with_either_dash() {
        assert_eq!(
            Scheduling::named("request_needs-action"),
            Some(Scheduling::RequestNeedsAction)
        );
        assert_eq!(Scheduling::named("ALL"), None);
        for (state, name, _) in ROWS {
            assert_eq!(Scheduling::named(name), Some(state));
            assert_eq!(state.as_str(), name);
        }
    }
}
