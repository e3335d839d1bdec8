//! Verification of everything stored, and repair of what is derived.
//!
//! Texts, accounts and properties are never touched: what is wrong with those is named, not mended. A calendar that has no
//! place in the tree is put at its top, as nobody could mend that through a door that looks for it from above.

use std::ops::ControlFlow;

use super::error::Result;
use super::rights::is_readable;
use super::transfer::floating;
use super::{Core, query};
use crate::ical::{self, component::Property};
use crate::model::calendar::Calendar;
use crate::model::user::Principal;
use crate::store::named::{self, Container, Shelf};
use crate::store::people::{MailRow, NameRow};
use crate::store::{ReadTxn, attachments, calendars, check, items, outbox, people, tree};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Records read.
    pub records: u64,
    /// One sentence for each thing that is wrong.
    pub problems: Vec<String>,
    /// Whether derived data was built anew.
    pub repaired: bool,
}

/// What can be mended.
#[derive(Debug, Default)]
struct Sick {
    /// Calendars whose indexes are wrong.
    calendars: Vec<Calendar>,
    /// Whether the tree is none.
    tree: bool,
    /// Whether something is wrong with attachments or the outbox.
    loose: bool,
}

impl Core {
    /// Reads every record and compares every index with what it is derived from.
    ///
    /// With `repair`, calendars whose indexes are wrong get them built anew, and who names which attachment and what
    /// waits in the outbox is noted anew, and the tree of calendars is made anew; the problems named are those found before.
    pub fn check(&self, repair: bool) -> Result<Checked> {
        let (mut checked, sick) = self.store().read(|t| self.verify(t))?;
        if repair && sick.loose {
            self.store().write(attachments::rebuild)?;
            self.store().write(outbox::rebuild)?;
            checked.repaired = true;
        }
        if repair && sick.tree {
            self.store().write(tree::rebuild)?;
            checked.repaired = true;
        }
        if repair && !sick.calendars.is_empty() {
            for calendar in &sick.calendars {
                let zone = floating(&calendar.properties.tzid);
                self.store()
                    .write(|t| items::reindex(t, calendar.id, &zone))?;
            }
            checked.repaired = true;
        }
        Ok(checked)
    }

    /// What is wrong, and what of that can be mended.
    fn verify(&self, t: &ReadTxn) -> Result<(Checked, Sick)> {
        let mut checked = Checked::default();
        let (records, damaged) = check::records(t)?;
        checked.records = records;
        checked.problems.extend(damaged);
        let mut sick = Sick::default();
        if !checked.problems.is_empty() {
            // Records that cannot be read would only be reported again, and less clearly.
            return Ok((checked, sick));
        }
        for user in people::users(t)? {
            self.verify_principal(t, &Principal::User(user), &mut checked.problems)?;
        }
        for group in people::groups(t)? {
            self.verify_principal(t, &Principal::Group(group), &mut checked.problems)?;
        }
        for calendar in calendars::all(t)? {
            let shown = self.show_calid(&calendar.calid);
            self.verify_calendar(t, &calendar, &shown, &mut checked.problems)?;
            let zone = floating(&calendar.properties.tzid);
            let wrong = items::verify(t, calendar.id, &zone)?;
            if !wrong.is_empty() {
                let named = wrong
                    .into_iter()
                    .map(|what| format!("calendar '{shown}': {what}"));
                checked.problems.extend(named);
                sick.calendars.push(calendar);
            }
        }
        let tree = tree::verify(t, |calendar| self.show_calid(&calendar.calid))?;
        sick.tree = !tree.is_empty();
        checked.problems.extend(tree);
        verify_named(t, Container::Store, "the store", &mut checked.problems)?;
        let mut others = attachments::verify(t)?;
        others.extend(outbox::verify(t)?);
        sick.loose = !others.is_empty();
        checked.problems.extend(others);
        Ok((checked, sick))
    }

    fn verify_principal(
        &self,
        t: &ReadTxn,
        principal: &Principal,
        problems: &mut Vec<String>,
    ) -> Result<()> {
        let (id, name) = (principal.id(), principal.name());
        if people::name_row(t, name)?.and_then(|row| row.principal) != Some(id) {
            problems.push(format!(
                "the name '{name}' does not lead to its user or group"
            ));
        }
        for address in principal.mail() {
            if people::mail_row(t, address)? != Some(MailRow::Principal(id)) {
                problems.push(format!("the address '{address}' does not lead to '{name}'"));
            }
        }
        if let Principal::Group(group) = principal {
            for &member in &group.members {
                let listed = people::groups_of(t, member)?.contains(&id);
                if !listed || people::principal(t, member)?.is_none() {
                    problems.push(format!(
                        "group '{name}' has a member that does not know of it"
                    ));
                }
            }
        }
        Ok(())
    }

    fn verify_calendar(
        &self,
        t: &ReadTxn,
        calendar: &Calendar,
        shown: &str,
        problems: &mut Vec<String>,
    ) -> Result<()> {
        if calendars::find(t, &calendar.calid)?.map(|found| found.id) != Some(calendar.id) {
            problems.push(format!("the calid '{shown}' does not lead to its calendar"));
        }
        let owned = calendars::owned(t, calendar.owner)?;
        if !owned.iter().any(|owned| owned.id == calendar.id) {
            problems.push(format!("calendar '{shown}' is not listed with its owner"));
        }
        if people::principal(t, calendar.owner)?.is_none() {
            problems.push(format!("the owner of calendar '{shown}' does not exist"));
        }
        let named = calendars::whole_name(&calendar.calid);
        let row = named.map_or(Ok(None), |name| people::name_row(t, &name))?;
        let leads_here = |row: NameRow| row.calendar == Some(calendar.id);
        if calendar.calid.rest.is_empty() && !row.is_some_and(leads_here) {
            problems.push(format!("the name '{shown}' does not lead to its calendar"));
        }
        let place = format!("calendar '{shown}'");
        verify_named(t, calendar.id.into(), &place, problems)?;
        let newest = calendars::state(t, calendar.id)?;
        items::all(t, calendar.id, |item| {
            if item.change > newest.change || item.modified.0 > newest.stamp {
                problems.push(format!(
                    "calendar '{shown}': '{}' is newer than the calendar",
                    item.uid
                ));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(())
    }
}

/// Names the objects of a place whose texts say nothing: rights denied to everybody thereby, queries that cannot be asked.
fn verify_named(
    t: &ReadTxn,
    container: Container,
    place: &str,
    problems: &mut Vec<String>,
) -> Result<()> {
    for (shelf, what, is_sound) in [
        (Shelf::Rights, "the rights", is_readable as fn(&str) -> bool),
        (Shelf::Queries, "the query", holds_query),
        (Shelf::Properties, "the property", is_property),
    ] {
        for (name, text) in named::all(t, container, shelf)? {
            if !is_sound(&text) {
                problems.push(format!("{place}: {what} '{name}' cannot be read"));
            }
        }
    }
    Ok(())
}

fn is_property(text: &str) -> bool {
    text.lines().all(|line| Property::from_line(line).is_ok())
}

fn holds_query(text: &str) -> bool {
    let parsed = ical::parse::parse(text.as_bytes(), &ical::parse::Limits::DEFAULT);
    parsed.components.first().is_some_and(|query| {
        let mut asked = query.properties_named("QUERY");
        query.is("VQUERY") && asked.all(|asked| query::parse(&asked.to_text()).is_ok())
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
#[path = "check_tests.rs"]
mod tests;
