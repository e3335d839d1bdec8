//! Zones compiled lately. The objects of a calendar mostly bring the same few VTIMEZONEs, and a table of changes
//! takes a hundred times longer to make than to look up.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::custom::Transitions;
use crate::ical::component::{Component, Entry};

/// Zones remembered; when they are more, all are forgotten.
const MOST: usize = 64;

/// Longest text of a VTIMEZONE that is remembered, in octets: ten times what programs write.
const LONGEST: usize = 16 << 10;

/// Text of the observances to what they mean, or that they mean nothing.
type Memo = HashMap<Box<str>, Option<Arc<Transitions>>>;

static MEMO: LazyLock<RwLock<Memo>> = LazyLock::new(RwLock::default);

/// The changes a VTIMEZONE describes; none when it has no readable observance.
pub(super) fn compiled(timezone: &Component) -> Option<Arc<Transitions>> {
    let compile = || Transitions::compile(timezone).map(Arc::new);
    let mut text = String::with_capacity(512);
    for observance in timezone.components() {
        write(observance, &mut text);
    }
    if text.len() > LONGEST {
        return compile();
    }
    let known = MEMO.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(transitions) = known.get(text.as_str()) {
        return transitions.clone();
    }
    drop(known);
    let transitions = compile();
    let mut known = MEMO.write().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(text.into(), transitions.clone());
    transitions
}

/// Adds all lines of a component, which tell it from every other.
fn write(component: &Component, out: &mut String) {
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line(component.name());
    for entry in component.entries() {
        match entry {
            Entry::Property(property) => line(property.as_line()),
            // Nothing inside an observance means anything.
            Entry::Component(_) => {}
        }
    }
    line("");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ical::component::Property;

    fn zone(offset: &str) -> Component {
        let mut timezone = Component::new("VTIMEZONE");
        timezone.push(Property::new("TZID", offset));
        let mut standard = Component::new("STANDARD");
        standard.push(Property::new("DTSTART", "19700101T000000"));
        standard.push(Property::new("TZOFFSETFROM", offset));
        standard.push(Property::new("TZOFFSETTO", offset));
        timezone.push_component(standard);
        timezone
    }

    #[test]
    fn like_zones_share_a_table_and_others_do_not() {
        let first = compiled(&zone("+0512"));
        let again = compiled(&zone("+0512"));
        assert!(first.is_some());
        assert!(
            first
                .zip(again)
                .is_some_and(|(a, b)| a.offset_at(0) == b.offset_at(0))
        );
        let other = compiled(&zone("+0513")).map(|zone| zone.offset_at(0));
        assert_eq!(other, Some((5 * 60 + 13) * 60));
        assert!(compiled(&Component::new("VTIMEZONE")).is_none());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        for minute in 0..(2 * MOST) {
            let offset = format!("+{:02}{:02}", 6 + minute / 60, minute % 60);
            assert!(compiled(&zone(&offset)).is_some());
            let known = MEMO.read().unwrap_or_else(PoisonError::into_inner).len();
            assert!(known <= MOST);
        }
    }
}
