//! Reading items by their alarms, and those of which a message did not reach an attendee.
//!
//! Both go by an index; what a reader may not see of an item does not make it an answer. WCAP's
//! fetchcomponents_by_alarmrange and fetchcomponents_by_attendee_error.

use super::fetch::{Fetched, Line, Search, Selection, Window, instance_lines, whole};
use crate::core::error::Result;
use crate::core::{Caller, Core};
use crate::ical::alarms::{Alarm, Ends};
use crate::ical::datetime::{TimeRange, Timestamp};
use crate::ical::delivery;
use crate::ical::instances::{Instance, Series};
use crate::model::item::Item;
use crate::store::{Reader, items};

impl Core {
    /// The items of a calendar with an alarm that goes off within `window`, both ends included; with
    /// `selection.instances` those instances whose alarm it is.
    ///
    /// An alarm at a time of its own is that of the next instance then. Errors: `AccessDenied`, `NoSuchCalendar`,
    /// `BadValue`; `TooMuch` for more instances than `limits.instances`.
    pub fn fetch_alarms(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        window: &Window,
        selection: &Selection,
    ) -> Result<Fetched> {
        self.store().read(|t| {
            let mut search = self.search(t, caller, calid, selection)?;
            let range = window.range(&search.fetched.zone)?;
            let range = TimeRange::new(range.start(), range.end().plus(1)).unwrap_or(range);
            for uid in items::ringing(t, search.calendar(), range)? {
                let item = items::visible(t, search.calendar(), &uid)?;
                if let Some(item) = item.filter(|item| search.wants(item.kind)) {
                    search.add_ringing(t, &item, range)?;
                }
            }
            search.finish(t)
        })
    }

    /// The items of a calendar of which a message did not reach `attendee`, or anybody without one.
    ///
    /// Errors: `AccessDenied`, `NoSuchCalendar`, `TooMuch`.
    pub fn fetch_undelivered(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        attendee: Option<&str>,
        selection: &Selection,
    ) -> Result<Fetched> {
        self.store().read(|t| {
            let mut search = self.search(t, caller, calid, selection)?;
            let behind = match attendee {
                Some(attendee) => self.find_calendar(t, attendee)?.map(|(found, _)| found.id),
                None => None,
            };
            for uid in items::undelivered_to(t, search.calendar())? {
                let item = items::visible(t, search.calendar(), &uid)?;
                let Some(item) = item.filter(|item| search.wants(item.kind)) else {
                    continue;
                };
                let Some(found) = search.found(t, &item)? else {
                    continue;
                };
                let mut failed = false;
                for component in &found.object.components {
                    let mut addresses = Vec::new();
                    delivery::failed(component, |address| {
                        addresses.push(address.to_owned());
                        false
                    });
                    for address in &addresses {
                        failed |= match attendee {
                            None => true,
                            Some(asked) => {
                                same_party(asked, address)
                                    || (behind.is_some()
                                        && self.calendar_behind(t, address)?.map(|c| c.id)
                                            == behind)
                            }
                        };
                    }
                }
                if failed {
                    search.push_all(&item, found)?;
                }
            }
            search.finish(t)
        })
    }
}

/// Whether somebody is asked for by the very address, with or without `mailto:`.
fn same_party(asked: &str, address: &str) -> bool {
    let bare = |text: &str| {
        let rest = text
            .get(..7)
            .filter(|s| s.eq_ignore_ascii_case("mailto:"))
            .map_or(text, |_| &text[7..]);
        rest.to_ascii_lowercase()
    };
    bare(asked) == bare(address)
}

impl Search<'_> {
    /// Adds what of an item has an alarm within `range`.
    fn add_ringing(&mut self, t: &impl Reader, item: &Item, range: TimeRange) -> Result<()> {
        let Some(found) = self.found(t, item)? else {
            return Ok(());
        };
        let alarms: Vec<Vec<Alarm>> = found.object.components.iter().map(Alarm::of).collect();
        if alarms.iter().all(Vec::is_empty) {
            return Ok(());
        }
        if !item.facts.recurring {
            let ends = match item.facts.span {
                Some((start, end)) => known(Timestamp(start), Timestamp(end)),
                None => Ends {
                    start: None,
                    end: None,
                },
            };
            if alarms
                .iter()
                .flatten()
                .any(|alarm| alarm.rings(ends, range))
            {
                self.push(found, vec![whole(item)]);
            }
            return Ok(());
        }
        let series = self.series(&found.object)?;
        let instances = self.ringing(&series, &alarms, range)?;
        if instances.is_empty() {
            return Ok(());
        }
        let lines: Vec<Line> = match self.wants_instances() {
            true => instance_lines(&series, &instances),
            false => vec![whole(item)],
        };
        self.push(found, lines);
        Ok(())
    }

    /// The instances of a series with an alarm within `range`, by start.
    fn ringing(
        &mut self,
        series: &Series,
        alarms: &[Vec<Alarm>],
        range: TimeRange,
    ) -> Result<Vec<Instance>> {
        let mut found = Vec::new();
        let relative = alarms.iter().flatten().filter_map(|alarm| {
            let distance = alarm.distance()?;
            Some((distance, distance.saturating_add(alarm.lasts())))
        });
        // An instance whose alarm is in the range begins or ends so much before or after it at most.
        let reach = relative.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        if let Some((least, most)) = reach {
            let near = TimeRange::new(
                range.start().plus(most.saturating_neg()),
                range.end().plus(least.saturating_neg()).plus(1),
            );
            let near = self.until_open_end(series, near.unwrap_or(TimeRange::ALL));
            for instance in self.expand(series, near)? {
                let ends = known(instance.start, instance.end);
                let own = alarms.get(instance.component).into_iter().flatten();
                if own
                    .filter(|a| !a.is_absolute())
                    .any(|a| a.rings(ends, range))
                {
                    found.push(instance);
                }
            }
        }
        let nowhere = Ends {
            start: None,
            end: None,
        };
        for alarm in alarms.iter().flatten().filter(|a| a.is_absolute()) {
            if let Some(at) = alarm.first(nowhere).filter(|_| alarm.rings(nowhere, range)) {
                found.extend(self.next_or_last(series, at)?);
            }
        }
        found.sort_unstable_by_key(|i| (i.start, i.original));
        found.dedup();
        Ok(found)
    }
}

fn known(start: Timestamp, end: Timestamp) -> Ends {
    Ends {
        start: Some(start),
        end: Some(end),
    }
}
