//! How a component recurs: changes of RRULE, RDATE, EXRULE and EXDATE, written in the form of its start.
//!
//! A list that is given takes the place of the one that is there, always; an empty one clears it. RFC 5545 sections
//! 3.8.5, 3.3.10; WCAP's `rrules rdates exrules exdates`.

use std::collections::BTreeSet;

use super::edit::{EditError, replace};
use super::meaning::same_rule;
use super::times::{Context, local, recurs, start_of};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::rule::Rule;
use crate::ical::value::{self, RecurrenceDate};

/// The properties of a series that no override has.
pub const RULE_NAMES: [&str; 4] = ["RRULE", "RDATE", "EXRULE", "EXDATE"];

/// A change of the rules; a list that is none stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RulesEdit {
    /// RRULE
    pub rrules: Option<Vec<Rule>>,
    /// RDATE
    pub rdates: Option<Vec<RecurrenceDate>>,
    /// EXRULE
    pub exrules: Option<Vec<Rule>>,
    /// EXDATE
    pub exdates: Option<Vec<DateTime>>,
}

impl RulesEdit {
    /// Whether it puts a rule or a date anywhere, so that it has no meaning for one instance.
    pub fn adds(&self) -> bool {
        let rules = |list: &Option<Vec<Rule>>| list.as_ref().is_some_and(|l| !l.is_empty());
        rules(&self.rrules)
            || rules(&self.exrules)
            || self.rdates.as_ref().is_some_and(|list| !list.is_empty())
            || self.exdates.as_ref().is_some_and(|list| !list.is_empty())
    }

    /// Makes the change, after that of the times.
    ///
    /// Errors: `Value` for a rule with two ends or without a start to count from.
    pub fn apply(&self, component: &mut Component, ctx: &Context<'_>) -> Result<(), EditError> {
        let Some(start) = start_of(component) else {
            return match self.adds() || (recurs(component) && !self.clears()) {
                true => Err(EditError::value(
                    "expected a start beside a rule, found none",
                )),
                false => {
                    self.clear(component);
                    Ok(())
                }
            };
        };
        let form = Form { start: &start, ctx };
        if let Some(rules) = &self.rrules {
            write_rules(component, "RRULE", rules, &form)?;
        }
        if let Some(dates) = &self.rdates {
            write_rdates(component, dates, &form);
        }
        if let Some(rules) = &self.exrules {
            write_rules(component, "EXRULE", rules, &form)?;
        }
        if let Some(dates) = &self.exdates {
            write_exdates(component, dates, &form);
        }
        let touched = self.rrules.is_some() || self.rdates.is_some();
        if touched && !recurs(component) {
            component.remove("EXRULE");
            component.remove("EXDATE");
        }
        Ok(())
    }

    fn clears(&self) -> bool {
        self.rrules.is_some() && self.rdates.is_some()
    }

    fn clear(&self, component: &mut Component) {
        let given = [
            self.rrules.is_some(),
            self.rdates.is_some(),
            self.exrules.is_some(),
            self.exdates.is_some(),
        ];
        for (name, _) in RULE_NAMES.iter().zip(given).filter(|(_, given)| *given) {
            component.remove(name);
        }
    }
}

/// The form of a series' dates: that of its start.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    /// DTSTART of the series.
    pub start: &'a DateTime,
    /// Its zones.
    pub ctx: &'a Context<'a>,
}

impl Form<'_> {
    /// A value in the form of the start: a day, a local time of the same zone, UTC or floating (section 3.8.4.4).
    ///
    /// Local times are in the start's zone. A day stands for its midnight, and UTC midnight for its day, as
    /// clients write days.
    pub fn of(&self, value: &DateTime) -> DateTime {
        let ctx = self.ctx;
        match self.start {
            DateTime::Date(_) => DateTime::Date(match value {
                DateTime::Utc(instant) => self.day(*instant),
                _ => value.civil().date(),
            }),
            DateTime::Floating(_) => DateTime::Floating(match value {
                DateTime::Utc(instant) => ctx.floating.to_civil(*instant),
                DateTime::Zoned(..) => ctx.floating.to_civil(ctx.instant(value)),
                _ => value.civil(),
            }),
            DateTime::Utc(_) => DateTime::Utc(match value {
                DateTime::Utc(instant) => *instant,
                _ => ctx.instant(value),
            }),
            DateTime::Zoned(_, tzid) => match value {
                DateTime::Utc(_) | DateTime::Zoned(..) => {
                    let zone = ctx.zones.zone_of(self.start, ctx.floating);
                    match local(ctx.instant(value), &zone) {
                        DateTime::Zoned(civil, _) => DateTime::Zoned(civil, tzid.clone()),
                        other => other,
                    }
                }
                _ => DateTime::Zoned(value.civil(), tzid.clone()),
            },
        }
    }

    /// The day an instant stands for: that of UTC at midnight there, else that of the calendar's zone.
    fn day(&self, instant: Timestamp) -> jiff::civil::Date {
        let utc = instant.to_civil();
        match utc.time() == jiff::civil::Time::midnight() {
            true => utc.date(),
            false => self.ctx.floating.to_civil(instant).date(),
        }
    }

    /// UNTIL in the form that goes with the start: a day beside days, floating beside floating, else UTC.
    pub(super) fn until(&self, until: &DateTime) -> DateTime {
        match (self.start, self.of(until)) {
            // A day ends with its last second.
            (DateTime::Zoned(..) | DateTime::Utc(_), _) if until.is_date() => {
                let end = until.civil().date().at(23, 59, 59, 0);
                let zone = self.ctx.zones.zone_of(self.start, self.ctx.floating);
                DateTime::Utc(zone.to_timestamp(end))
            }
            (DateTime::Zoned(..) | DateTime::Utc(_), value) => {
                DateTime::Utc(self.ctx.instant(&value))
            }
            (DateTime::Floating(_), _) if until.is_date() => {
                DateTime::Floating(until.civil().date().at(23, 59, 59, 0))
            }
            (_, value) => value,
        }
    }
}

fn write_rules(
    component: &mut Component,
    name: &str,
    rules: &[Rule],
    form: &Form<'_>,
) -> Result<(), EditError> {
    let mut properties = Vec::with_capacity(rules.len());
    let there: Vec<Rule> = component
        .properties_named(name)
        .filter_map(|p| Rule::parse(p.value()).ok())
        .map(|rule| with_until(rule, form))
        .collect();
    for rule in rules {
        if rule.count.is_some() && rule.until.is_some() {
            let message = format!("expected either COUNT or UNTIL in a rule, found both in {rule}");
            return Err(EditError::Value(message));
        }
        properties.push(with_until(rule.clone(), form));
    }
    let same = there.len() == component.properties_named(name).count()
        && there.len() == properties.len()
        && there.iter().zip(&properties).all(|(a, b)| same_rule(a, b));
    if !same {
        let lines: Vec<_> = properties
            .iter()
            .map(|rule| Property::new(name, rule.to_string()))
            .collect();
        component.remove(name);
        replace(component, name, &lines);
    }
    Ok(())
}

fn with_until(mut rule: Rule, form: &Form<'_>) -> Rule {
    rule.until = rule.until.map(|until| form.until(&until));
    rule
}

fn write_rdates(component: &mut Component, dates: &[RecurrenceDate], form: &Form<'_>) {
    let instant = |date: &RecurrenceDate| match date {
        RecurrenceDate::Start(start) => form.ctx.instant(start),
        RecurrenceDate::Period(period) => form.ctx.instant(period.start()),
    };
    let there = component
        .properties_named("RDATE")
        .filter_map(|p| value::recurrence_dates(p).ok());
    let there: Vec<RecurrenceDate> = there.flatten().collect();
    // Clients of WCAP know only the start of a period that is stored; it keeps its length.
    let known = |start: Timestamp| there.iter().find(|date| instant(date) == start).cloned();
    let wanted = dates.iter().map(|date| match date {
        RecurrenceDate::Start(start) => RecurrenceDate::Start(form.of(start)),
        period => period.clone(),
    });
    let mut wanted: Vec<_> = wanted
        .map(|date| match &date {
            RecurrenceDate::Start(_) => known(instant(&date)).unwrap_or(date),
            RecurrenceDate::Period(_) => date,
        })
        .collect();
    wanted.sort_by_key(&instant);
    wanted.dedup();
    let mut sorted = there.clone();
    sorted.sort_by_key(&instant);
    sorted.dedup();
    if sorted != wanted {
        component.remove("RDATE");
        replace(
            component,
            "RDATE",
            &value::recurrence_date_properties("RDATE", &wanted),
        );
    }
}

fn write_exdates(component: &mut Component, dates: &[DateTime], form: &Form<'_>) {
    let there: BTreeSet<Timestamp> = exdates(component)
        .iter()
        .map(|date| form.ctx.instant(date))
        .collect();
    let mut wanted: Vec<DateTime> = dates.iter().map(|date| form.of(date)).collect();
    wanted.sort_by_key(|date| form.ctx.instant(date));
    wanted.dedup();
    let same = wanted
        .iter()
        .map(|date| form.ctx.instant(date))
        .collect::<BTreeSet<_>>()
        == there;
    if !same {
        set_exdates(component, &wanted);
    }
}

/// The EXDATEs of a component that can be read, in their order.
pub fn exdates(component: &Component) -> Vec<DateTime> {
    let dates = component
        .properties_named("EXDATE")
        .filter_map(|p| value::date_times(p).ok());
    dates.flatten().collect()
}

/// Puts `dates` in the place of the EXDATEs.
pub fn set_exdates(component: &mut Component, dates: &[DateTime]) {
    component.remove("EXDATE");
    replace(
        component,
        "EXDATE",
        &value::date_time_properties("EXDATE", dates),
    );
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
