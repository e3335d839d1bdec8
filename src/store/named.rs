//! Named objects of a calendar or of the store itself: texts that people put there besides items, by name. What a text
//! means is the core's.

use std::ops::ControlFlow;

use super::error::{Error, Result};
use super::keys::{Key, KeyError, KeyParts};
use super::space::Space;
use super::{Reader, WriteTxn};
use crate::model::id::CalendarId;

/// A kind of named objects; each has names of its own. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shelf {
    /// Access rights (VCAR), by CARID.
    Rights = 1,
    /// Stored queries (VQUERY), by QUERYNAME.
    Queries = 2,
    /// Properties of the store that can be set, by name.
    Properties = 3,
}

/// Where named objects stand: in a calendar, or in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// The store itself.
    Store,
    /// A calendar.
    Calendar(CalendarId),
}

impl From<CalendarId> for Container {
    fn from(id: CalendarId) -> Self {
        Self::Calendar(id)
    }
}

fn shelf(container: Container, shelf: Shelf) -> Key {
    // No calendar has the number 0.
    let number = match container {
        Container::Store => 0,
        Container::Calendar(id) => id.0,
    };
    Key::new().u64(number).u8(shelf as u8)
}

fn key(container: Container, kind: Shelf, name: &str) -> Key {
    shelf(container, kind).text(name)
}

fn text(key: &[u8], value: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(value);
    text.map(str::to_owned)
        .map_err(|cause| Error::corrupt(Space::Named, key, cause))
}

/// The name in a row, and its text. Errors: it is damaged.
pub(super) fn row(key: &[u8], value: &[u8]) -> Result<(String, String)> {
    let name = || -> std::result::Result<String, KeyError> {
        let mut parts = KeyParts::of(key);
        parts.u64()?;
        parts.u8()?;
        Ok(parts.text()?.into_owned())
    };
    let name = name().map_err(|cause| Error::corrupt(Space::Named, key, cause))?;
    Ok((name, text(key, value)?))
}

/// The object called `name`.
pub fn get(
    t: &impl Reader,
    container: Container,
    kind: Shelf,
    name: &str,
) -> Result<Option<String>> {
    let key = key(container, kind, name);
    let value = t.get(Space::Named, &key)?;
    value.map(|value| text(&key, &value)).transpose()
}

/// All objects of a kind, by name: their names and texts.
pub fn all(t: &impl Reader, container: Container, kind: Shelf) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let range = shelf(container, kind).range();
    t.scan(Space::Named, &range, |key, value| {
        found.push(row(key, value)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Stores an object in place of the one of its name.
pub fn put(
    t: &mut WriteTxn<'_>,
    container: Container,
    kind: Shelf,
    name: &str,
    text: &str,
) -> Result<()> {
    t.put(Space::Named, &key(container, kind, name), text.as_bytes())
}

/// Removes an object.
pub fn remove(t: &mut WriteTxn<'_>, container: Container, kind: Shelf, name: &str) {
    t.delete(Space::Named, &key(container, kind, name));
}
