//! What of the corpus is not taken: in which file, how many components, and why.

/// Why a component is refused, by a part of the sentence that says so.
pub(crate) type Why = &'static str;

/// One UID is one item: of several components without RECURRENCE-ID only the first is taken.
const SECOND: Why = "expected one component without RECURRENCE-ID for this UID";
/// An event is nowhere without a start.
const NO_START: Why = "VEVENT: expected the property DTSTART, found none";
/// Busy times are computed.
const BUSY: Why = "free/busy time is computed, not stored";
/// Components that a calendar does not hold: alarms by themselves, cards, private ones.
const FOREIGN: Why = "expected VEVENT, VTODO or VJOURNAL, found ";
/// One UID is of one kind.
const KIND: Why = "expected another UID";
/// A zone that no time can name.
const NAMELESS: Why = "expected a TZID in VTIMEZONE";
/// A time or a rule that cannot be read: nobody knows when it takes place.
const VALUE: Why = "RULE: expected ";
const TIME: Why = "expected a date or a time written";
/// A line inside says when it takes place, or where it ends, and cannot be read.
const BROKEN: Why = "was left out because of line ";

/// Every reason. A sentence that says a component was left out has exactly one of them.
pub(crate) const REASONS: [Why; 9] = [
    SECOND, NO_START, BUSY, FOREIGN, KIND, NAMELESS, VALUE, TIME, BROKEN,
];

/// Files in the order of the corpus, real before recurrence before invalid; reasons in the order above.
pub(crate) const TABLE: &[(&str, &[(usize, Why)])] = &[
    ("ical4j-blankTzid.ics", &[(1, NAMELESS)]),
    ("ical4j-classify.ics", &[(1, SECOND)]),
    ("ical4j-custom_component.ics", &[(1, FOREIGN)]),
    ("ical4j-incoming.ics", &[(3, SECOND), (5, NO_START)]),
    ("ical4j-mansour.ics", &[(1, NO_START)]),
    ("ical4j-rfc5545-sec3.6.4.ics", &[(3, BUSY)]),
    ("ical4j-rfc5545-sec3.6.6.ics", &[(2, FOREIGN)]),
    ("libical-2445.ics", &[(4, BUSY), (4, FOREIGN)]),
    (
        "libical-2446.ics",
        &[(23, SECOND), (13, NO_START), (3, BUSY)],
    ),
    ("libical-caltime.ics", &[(3, BROKEN)]),
    ("libical-classify.ics", &[(1, SECOND)]),
    ("libical-get_char_test.ics", &[(71, BROKEN)]),
    ("libical-issue250.ics", &[(1, BROKEN)]),
    ("libical-issue251.ics", &[(2, BROKEN)]),
    ("libical-issue252.ics", &[(1, TIME), (9, BROKEN)]),
    ("libical-issue339.ics", &[(1, FOREIGN)]),
    ("libical-malloc.ics", &[(16, BROKEN)]),
    ("libical-restriction.ics", &[(2, NO_START)]),
    ("libical-smallcluster.ics", &[(1, VALUE)]),
    (
        "libical-zday.ics",
        &[(1, NO_START), (2, FOREIGN), (2, VALUE)],
    ),
    ("rie-alarm_absolute_edited.ics", &[(1, SECOND)]),
    ("rie-bad_rrule_missing_until_event.ics", &[(1, VALUE)]),
    ("rie-issue_132_swapped_start_and_end.ics", &[(1, KIND)]),
    ("rie-issue_148_edge_case_1.ics", &[(1, SECOND)]),
    ("rie-issue_148_ignored_exdate.ics", &[(1, SECOND)]),
    ("ical4j-twinkle.ics", &[(1, TIME)]),
];
