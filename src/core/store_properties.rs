//! Properties of the store as a whole that administrators set over CAP (draft-ietf-calsch-cap-04 section 11.1).

use super::error::{Error, Kind, Result};
use super::{Caller, Core};
use crate::store::Reader;
use crate::store::named::{self, Container, Shelf};

/// Whether events of all calendars may overlap; said as TRUE or FALSE.
pub const ALLOW_CONFLICT: &str = "ALLOW-CONFLICT";

/// What is set: names in capitals with `-`, and content lines for each.
pub type Set = Vec<(String, Vec<String>)>;

impl Core {
    /// What was set of the store's properties.
    pub fn store_properties(&self) -> Result<Set> {
        self.store().read(|t| {
            let all = named::all(t, Container::Store, Shelf::Properties)?;
            let lines = |text: String| text.lines().map(str::to_owned).collect();
            Ok(all
                .into_iter()
                .map(|(name, text)| (name, lines(text)))
                .collect())
        })
    }

    /// Sets properties of the store; one without lines is again what it is by default.
    ///
    /// Errors: `AccessDenied` for everybody but administrators; `BadValue`, `TooMuch`.
    pub fn set_store_properties(&self, caller: &Caller, set: &Set) -> Result<()> {
        if !caller.stands_above() {
            let message = "only administrators change the store's properties";
            return Err(Error::new(Kind::AccessDenied, message));
        }
        self.store().write(|t| {
            for (name, lines) in set {
                let text = lines.join("\n");
                self.check_named(name, &text)?;
                match lines.is_empty() {
                    true => named::remove(t, Container::Store, Shelf::Properties, name),
                    false => named::put(t, Container::Store, Shelf::Properties, name, &text)?,
                }
            }
            Ok(())
        })
    }

    /// Whether no calendar of the store may have overlapping events, whatever it says itself.
    pub(super) fn forbids_conflicts(&self, t: &impl Reader) -> Result<bool> {
        let set = named::get(t, Container::Store, Shelf::Properties, ALLOW_CONFLICT)?;
        Ok(set.is_some_and(|line| {
            let value = line
                .rsplit_once(':')
                .map(|(_, value)| value.trim().to_owned());
            value.is_some_and(|value| value.eq_ignore_ascii_case("FALSE"))
        }))
    }
}
