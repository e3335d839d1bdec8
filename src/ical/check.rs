//! Holds components against the standard (RFC 5545 section 3.6, table in `names`), naming the line of each fault.
//!
//! Nothing is changed. An [`Severity::Error`] means that what a component is, or when, cannot be told: it cannot
//! be taken. A [`Severity::Warning`] breaks a rule but leaves the meaning clear; real files are full of those.

#[cfg(test)]
mod tests;
mod values;

use std::fmt;

use super::component::{Component, Property};
use super::datetime::DateTime;
use super::names::{self, Count, PROPERTIES, ParameterType};
use super::object::Kind;
use super::parse::ESSENTIAL;
use super::rule::{RuleError, RuleWarning};
use super::value::{self, ValueError};

/// How much a fault costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The meaning is clear all the same.
    Warning,
    /// The component cannot be taken.
    Error,
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Line of the property, or of the BEGIN when something is missing; 0 when not read from text.
    pub line: u32,
    /// How bad it is.
    pub severity: Severity,
    /// The property or component it is about, as written.
    pub name: Box<str>,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.name, self.problem)
    }
}

/// What can be wrong with a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A property it needs is not there.
    #[error("expected the property {0}, found none")]
    Missing(&'static str),
    /// A property stands twice that may stand once; the line of the first.
    #[error("expected this once, found it in line {0} before")]
    Repeated(u32),
    /// The property has no place in the component.
    #[error("expected no such property in {0}")]
    Misplaced(Box<str>),
    /// The component has no place in the other.
    #[error("expected no such component in {0}")]
    MisplacedComponent(Box<str>),
    /// It stands in no VCALENDAR.
    #[error("expected a VCALENDAR around it")]
    OutsideCalendar,
    /// The value is not of its type.
    #[error("{0}")]
    Value(#[from] ValueError),
    /// The value is no recurrence rule.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// The rule bends the standard.
    #[error("{0}")]
    LenientRule(RuleWarning),
    /// The number is out of bounds.
    #[error("expected a number from {0} to {1}")]
    Number(i32, i32),
    /// Not base64, or not said to be.
    #[error("expected base64, marked by ENCODING=BASE64 and VALUE=BINARY")]
    Base64,
    /// A backslash before something that it does not escape.
    #[error("expected a backslash only before '\\', ';', ',' and 'n'")]
    Escape,
    /// VALUE names a type this property cannot have.
    #[error("expected a value type that this property can have, found VALUE={0}")]
    ValueType(Box<str>),
    /// The value is a date and VALUE does not say so, or the other way round.
    #[error("expected VALUE to say whether this is a date or a time")]
    ValueForm,
    /// A parameter has a value it cannot have.
    #[error("expected the parameter {0} to be {1}")]
    Parameter(&'static str, &'static str),
    /// VERSION is another, or CALSCALE is.
    #[error("expected {0}")]
    Expected(&'static str),
    /// Start and end are not alike.
    #[error("expected a date or a time, whichever DTSTART is")]
    Unlike,
    /// The end comes before the start.
    #[error("expected a time not before DTSTART")]
    EndBeforeStart,
    /// Both an end and a length.
    #[error("expected either an end or a DURATION, found both")]
    EndAndDuration,
    /// Something counts from a start that is not there.
    #[error("expected DTSTART, from which this counts")]
    NoStart,
    /// A VTIMEZONE without a rule.
    #[error("expected STANDARD or DAYLIGHT in VTIMEZONE")]
    NoObservance,
}

/// Checks what was parsed: VCALENDARs and what stands outside of them, with all they hold. Ordered by line.
pub fn stream(components: &[Component]) -> Vec<Issue> {
    let mut issues = Vec::new();
    for outermost in components {
        if !outermost.is("VCALENDAR") {
            if names::component(outermost.name()).is_some() {
                let problem = Problem::OutsideCalendar;
                push(&mut issues, outermost, Severity::Warning, problem);
            }
            check(outermost, None, None, &mut issues);
            continue;
        }
        let method = outermost.value("METHOD");
        properties(outermost, &mut issues);
        header(outermost, &mut issues);
        for inner in outermost.components() {
            check(inner, Some(outermost), method, &mut issues);
        }
    }
    issues.sort_by_key(|issue| issue.line);
    issues
}

/// Checks one component of a calendar, with what it holds. Ordered by line.
///
/// `method` is the calendar's METHOD: an iTIP message may leave out what a stored component needs.
pub fn component(component: &Component, method: Option<&str>) -> Vec<Issue> {
    let mut issues = Vec::new();
    check(component, None, method, &mut issues);
    issues.sort_by_key(|issue| issue.line);
    issues
}

/// Whether none of the issues keeps a component from being taken.
pub fn can_be_taken(issues: &[Issue]) -> bool {
    issues.iter().all(|i| i.severity == Severity::Warning)
}

fn push(issues: &mut Vec<Issue>, component: &Component, severity: Severity, problem: Problem) {
    issues.push(Issue {
        line: component.source_line(),
        severity,
        name: component.name().into(),
        problem,
    });
}

fn push_at(issues: &mut Vec<Issue>, property: &Property, severity: Severity, problem: Problem) {
    issues.push(Issue {
        line: property.source_line(),
        severity,
        name: property.name().into(),
        problem,
    });
}

fn check(
    component: &Component,
    parent: Option<&Component>,
    method: Option<&str>,
    issues: &mut Vec<Issue>,
) {
    if let (Some(row), Some(parent)) = (names::component(component.name()), parent)
        && names::component(parent.name()).is_some()
        && !row.parents.iter().any(|name| parent.is(name))
    {
        let problem = Problem::MisplacedComponent(parent.name().into());
        push(issues, component, Severity::Warning, problem);
    }
    properties(component, issues);
    if let Some(kind) = Kind::of(component.name()) {
        times(component, kind, method, issues);
    }
    if component.is("VTIMEZONE") && component.components().next().is_none() {
        push(issues, component, Severity::Error, Problem::NoObservance);
    }
    // As deep as the parser's limit.
    for inner in component.components() {
        check(inner, Some(component), method, issues);
    }
}

fn header(calendar: &Component, issues: &mut Vec<Issue>) {
    for (name, wanted, problem) in [
        ("VERSION", "2.0", "VERSION:2.0"),
        ("CALSCALE", "GREGORIAN", "CALSCALE:GREGORIAN"),
    ] {
        if let Some(property) = calendar.property(name)
            && !property.value().trim().eq_ignore_ascii_case(wanted)
        {
            push_at(
                issues,
                property,
                Severity::Warning,
                Problem::Expected(problem),
            );
        }
    }
}

/// Whether a fault of this property keeps the component from being taken.
fn severity(component: &Component, property: &str) -> Severity {
    let essential = ESSENTIAL.iter().any(|e| e.eq_ignore_ascii_case(property));
    // An alarm that says nothing is only silent; of components nobody knows the names may mean anything.
    let counts = !component.is("VALARM") && names::component(component.name()).is_some();
    match essential && counts {
        true => Severity::Error,
        false => Severity::Warning,
    }
}

/// Checks each property by itself, and how often it stands.
fn properties(component: &Component, issues: &mut Vec<Issue>) {
    let known = names::component(component.name()).is_some();
    let mut first: [Option<&Property>; PROPERTIES.len()] = [None; PROPERTIES.len()];
    for property in component.properties() {
        parameters(property, issues);
        let Some(at) = names::property_index(property.name()) else {
            continue;
        };
        let row = &PROPERTIES[at];
        let severity = severity(component, row.name);
        match row.count_in(component.name()) {
            None if known => {
                let problem = Problem::Misplaced(component.name().into());
                push_at(issues, property, Severity::Warning, problem);
            }
            Some(Count::One | Count::Optional) => match first[at] {
                // Two rules make a union, and two equal values are one.
                Some(before) if row.name == "RRULE" || before.value() == property.value() => {
                    let problem = Problem::Repeated(before.source_line());
                    push_at(issues, property, Severity::Warning, problem);
                }
                Some(before) => {
                    let problem = Problem::Repeated(before.source_line());
                    push_at(issues, property, severity, problem);
                }
                None => {}
            },
            _ => {}
        }
        first[at].get_or_insert(property);
        values::check(row, property, |problem, mild| {
            let severity = if mild { Severity::Warning } else { severity };
            push_at(issues, property, severity, problem);
        });
    }
    if known {
        missing(component, &first, issues);
    }
}

fn missing(component: &Component, found: &[Option<&Property>], issues: &mut Vec<Issue>) {
    for (row, found) in PROPERTIES.iter().zip(found) {
        if found.is_none() && row.count_in(component.name()) == Some(Count::One) {
            // A UID can be given by whoever takes the component.
            let severity = match row.name {
                "UID" => Severity::Warning,
                name => severity(component, name),
            };
            push(issues, component, severity, Problem::Missing(row.name));
        }
    }
}

fn parameters(property: &Property, issues: &mut Vec<Issue>) {
    for param in property.params() {
        let Some(row) = names::parameter(param.name()) else {
            continue;
        };
        let problem = match row.values {
            ParameterType::Boolean if !param.values().all(|v| value::boolean(&v).is_ok()) => {
                Problem::Parameter(row.name, "TRUE or FALSE")
            }
            ParameterType::Closed(words)
                if !param
                    .values()
                    .all(|v| words.iter().any(|w| w.eq_ignore_ascii_case(&v))) =>
            {
                let expected = match row.name {
                    "ENCODING" => "8BIT or BASE64",
                    "RANGE" => "THISANDFUTURE",
                    _ => "START or END",
                };
                Problem::Parameter(row.name, expected)
            }
            _ => continue,
        };
        push_at(issues, property, Severity::Warning, problem);
    }
}

/// Checks what start, end, length and rules of an event, to-do or journal entry say together.
fn times(component: &Component, kind: Kind, method: Option<&str>, issues: &mut Vec<Issue>) {
    let start = component.property("DTSTART");
    let end = component.property(match kind {
        Kind::Todo => "DUE",
        _ => "DTEND",
    });
    let length = component.property("DURATION");
    if start.is_none() {
        if kind == Kind::Event && method.is_none() {
            push(
                issues,
                component,
                Severity::Error,
                Problem::Missing("DTSTART"),
            );
        }
        let counts = ["RRULE", "RDATE", "DURATION"];
        for property in counts.iter().filter_map(|name| component.property(name)) {
            if kind != Kind::Event {
                push_at(issues, property, Severity::Warning, Problem::NoStart);
            }
        }
    }
    if let (Some(_), Some(length)) = (end, length) {
        push_at(issues, length, Severity::Warning, Problem::EndAndDuration);
    }
    if let (Some(start), Some(end)) = (start, end)
        && let (Ok(from), Ok(to)) = (value::date_time(start), value::date_time(end))
    {
        if from.is_date() != to.is_date() {
            push_at(issues, end, Severity::Warning, Problem::Unlike);
        } else if is_before(&to, &from) {
            push_at(issues, end, Severity::Warning, Problem::EndBeforeStart);
        }
    }
}

/// Whether `a` comes before `b`, as far as that can be told without knowing zones.
fn is_before(a: &DateTime, b: &DateTime) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
        && a.tzid() == b.tzid()
        && a.civil() < b.civil()
}
