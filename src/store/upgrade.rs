//! The format of a store as a whole: stamped when it is made, brought up to date when it is opened.
//!
//! The format number changes when rows move or indexes are added; a changed record alone has its own version
//! ([`codec`](super::codec)). A store of a newer format is refused, untouched. An older one is upgraded step by
//! step in one write, so that a crash leaves the old format or the new one. Steps are kept for ever.

use super::error::{Error, Result};
use super::space::Space;
use super::txn::{Reader, WriteTxn};
use super::{Store, calendars, index};

/// The row of the format number: 4 bytes, big endian.
const SCHEMA: &[u8] = b"schema";

/// Brings a store from one format to the next.
type Step = fn(&mut WriteTxn<'_>) -> Result<()>;

/// The step at position *n* leads from format *n* + 1 to *n* + 2.
const STEPS: &[Step] = &[to_2];

/// Format 2 has indexes of alarms and of messages that did not arrive.
fn to_2(t: &mut WriteTxn<'_>) -> Result<()> {
    for calendar in calendars::all(t)? {
        index::add_new_in_2(t, calendar.id)?;
    }
    Ok(())
}

/// Brings the store to the newest format.
///
/// Errors: [`Error::VersionTooNew`], and those of the steps; the store is then as before.
pub(super) fn upgrade(store: &Store) -> Result<()> {
    upgrade_by(store, STEPS)
}

fn upgrade_by(store: &Store, steps: &[Step]) -> Result<()> {
    // Fits: steps are written by hand.
    let newest = steps.len() as u32 + 1;
    if store.read(format)? == Some(newest) {
        return Ok(());
    }
    store.write(|t| {
        let found = match format(t)? {
            // A store that was just made; its tables are empty in every format.
            None => newest,
            Some(found) => found,
        };
        if found > newest {
            return Err(Error::VersionTooNew {
                found,
                known: newest,
            });
        }
        for step in steps.iter().skip(found.saturating_sub(1) as usize) {
            step(t)?;
        }
        t.put(Space::Meta, SCHEMA, &newest.to_be_bytes())
    })
}

/// The format of the store; none if it was never stamped.
fn format(t: &impl Reader) -> Result<Option<u32>> {
    let Some(bytes) = t.get(Space::Meta, SCHEMA)? else {
        return Ok(None);
    };
    match <[u8; 4]>::try_from(bytes.as_slice()).map(u32::from_be_bytes) {
        Ok(format) if format > 0 => Ok(Some(format)),
        _ => Err(Error::corrupt(Space::Meta, SCHEMA, "no format number")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ical::datetime::Timestamp;
    use crate::model::clock::ManualClock;

    fn store() -> Store {
        Store::in_memory(Arc::new(ManualClock::new(Timestamp(0)))).unwrap()
    }

    /// As a program left it that knew the first format alone.
    fn store_of_1() -> Store {
        let store = store();
        let stamped: Result<()> = store.write(|t| t.put(Space::Meta, SCHEMA, &1u32.to_be_bytes()));
        stamped.unwrap();
        store
    }

    fn note(t: &mut WriteTxn<'_>, word: &str) -> Result<()> {
        let mut notes = t.get(Space::Meta, b"notes")?.unwrap_or_default();
        notes.extend_from_slice(word.as_bytes());
        t.put(Space::Meta, b"notes", &notes)
    }

    const THREE: &[Step] = &[|t| note(t, "1-2 "), |t| note(t, "2-3 ")];

    fn notes(store: &Store) -> Vec<u8> {
        store
            .read(|t| t.get(Space::Meta, b"notes"))
            .unwrap()
            .unwrap_or_default()
    }

    #[test]
    fn a_new_store_has_the_newest_format_and_takes_no_steps() {
        let store = store();
        store
            .write(|t| -> Result<()> {
                t.delete(Space::Meta, SCHEMA);
                Ok(())
            })
            .unwrap();
        upgrade_by(&store, THREE).unwrap();
        assert_eq!(store.read(format).unwrap(), Some(3));
        assert_eq!(notes(&store), b"");
    }

    #[test]
    fn an_old_store_takes_every_step_once() {
        let store = store_of_1();
        upgrade_by(&store, &THREE[..1]).unwrap();
        upgrade_by(&store, THREE).unwrap();
        upgrade_by(&store, THREE).unwrap();
        assert_eq!(notes(&store), b"1-2 2-3 ");
    }

    #[test]
    fn a_failed_step_leaves_the_old_format() {
        let store = store_of_1();
        let failing: &[Step] = &[|t| note(t, "1-2 "), |_| Err(Error::Full)];
        assert!(upgrade_by(&store, failing).is_err());
        assert_eq!(store.read(format).unwrap(), Some(1));
        assert_eq!(notes(&store), b"");
    }

    #[test]
    fn a_newer_store_is_refused() {
        let store = store();
        upgrade_by(&store, THREE).unwrap();
        let refused = upgrade(&store).unwrap_err();
        assert!(matches!(
            refused,
            Error::VersionTooNew { found: 3, known: 2 }
        ));
        assert_eq!(store.read(format).unwrap(), Some(3));
    }
}
