//! What became of the message to an attendee: the parameter SCHEDULE-STATUS (RFC 6638 section 7.3), which the server
//! writes into the organizer's copy.

use super::component::{Component, Property};

/// The parameter.
pub const SCHEDULE_STATUS: &str = "SCHEDULE-STATUS";

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// On its way: 1.0.
    Pending,
    /// Sent or delivered: the other codes of classes 1 and 2.
    Delivered,
    /// Refused or lost: classes 3 and 5, and codes nobody knows.
    Failed,
}

/// What became of the message to `attendee`; none if there was none. Of several codes the worst counts.
pub fn of(attendee: &Property) -> Option<Delivery> {
    let status = attendee.param(SCHEDULE_STATUS)?;
    let codes = status.split(',').map(str::trim).filter(|c| !c.is_empty());
    codes
        .map(|code| match code.as_bytes() {
            b"1.0" => Delivery::Pending,
            [b'1' | b'2', b'.', ..] => Delivery::Delivered,
            _ => Delivery::Failed,
        })
        .max()
}

/// Whether the message to an attendee of `component` failed, to one for whom `counts` holds.
pub fn failed(component: &Component, mut counts: impl FnMut(&str) -> bool) -> bool {
    component
        .properties_named("ATTENDEE")
        .any(|attendee| of(attendee) == Some(Delivery::Failed) && counts(attendee.value()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn classes_decide() {
        for (line, expected) in [
            ("ATTENDEE:mailto:a@x", None),
            ("ATTENDEE;SCHEDULE-STATUS=\"\":mailto:a@x", None),
            (
                "ATTENDEE;SCHEDULE-STATUS=1.0:mailto:a@x",
                Some(Delivery::Pending),
            ),
            (
                "ATTENDEE;SCHEDULE-STATUS=\"1.2\":mailto:a@x",
                Some(Delivery::Delivered),
            ),
            (
                "ATTENDEE;SCHEDULE-STATUS=2.0:mailto:a@x",
                Some(Delivery::Delivered),
            ),
            (
                "ATTENDEE;SCHEDULE-STATUS=3.7:mailto:a@x",
                Some(Delivery::Failed),
            ),
            (
                "ATTENDEE;SCHEDULE-STATUS=\"1.2,5.1\":mailto:a@x",
                Some(Delivery::Failed),
            ),
        ] {
            assert_eq!(of(&Property::from_line(line).unwrap()), expected, "{line}");
        }
    }
}
