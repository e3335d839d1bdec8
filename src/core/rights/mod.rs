//! Rights as CAP has them: VCARs, sets of rules that grant or deny an action to somebody on some objects
//! (draft-ietf-calsch-cap-04 section 3; RFC 4324 section 7).
//!
//! Two notations are read, the draft's (`value`) and RFC 4324's (`vright`); both become [`Rule`]s. A deny wins, else a
//! grant grants, wherever they stand. `core::access` joins what they say with the access list; `stored` keeps them,
//! `views` shows the access list as if it were VCARs.

mod stored;
mod value;
mod views;
mod vright;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

pub(super) use stored::{Asker, effective, is_readable};
pub use stored::{NewRights, RightsView};
pub use value::Malformed;

use super::query::{Column, Query, Select, Table};
use super::schedule::receive::Itip;
use crate::ical::component::Component;
use crate::ical::parse::parse as parse_text;
use crate::ical::value::same_address;

/// Whether a rule gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It gives.
    Grant,
    /// It takes, and nothing gives back.
    Deny,
}

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// Everybody, nobody in particular included.
    Everybody,
    /// Everybody who has said who they are.
    Known,
    /// The calendar's owners; of the store, its administrators.
    Owners,
    /// Everybody known but those.
    Others,
    /// Everybody but those.
    NotOwners,
    /// Nobody in particular.
    Anonymous,
    /// Everybody of a realm, their names told or not.
    Realm(String),
    /// Whoever has said their name in a realm.
    Named(String),
    /// A user, or the members of a group, by UPN.
    Upn(String),
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// READ, in RFC 4324 SEARCH.
    Read,
    /// CREATE
    Create,
    /// MODIFY
    Modify,
    /// DELETE
    Delete,
    /// MOVE
    Move,
    /// Putting an iTIP message into the queue.
    Send(Itip),
}

/// What rules are about; none: everything.
type Acts = Option<Vec<Act>>;

/// Objects that a rule of the draft is about: those of one of these names, with one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    /// In capitals.
    names: Vec<String>,
    /// None: whatever the value.
    values: Vec<String>,
}

/// On what a rule bears.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    /// All of these hold; none: everything.
    Objects(Vec<Group>),
    /// What one of the first finds; none: everything. What comes of it must fit those of the second of its own kind.
    Queries(Vec<Query>, Vec<Query>),
}

/// A right given or taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    effect: Effect,
    /// Any of these; none: nobody, as a model for others.
    who: Vec<Who>,
    acts: Acts,
    scope: Scope,
    /// The CARIDs whose rules are meant, for this `who`.
    refers: Vec<String>,
    decreed: bool,
}

/// How much of a thing a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cover {
    Nothing,
    /// That depends on what is not known of it.
    Perhaps,
    Whole,
    /// Only these properties or parameters, in capitals.
    Only(Vec<String>),
}

/// Something that is done something to.
#[derive(Debug, Clone, Copy)]
pub struct Thing<'a> {
    /// The name of its component, in capitals.
    pub kind: &'a str,
    /// The component, where it is a certain one.
    pub component: Option<&'a Component>,
    /// What comes of it, where it is made or changed.
    pub after: Option<&'a Component>,
    /// The iTIP method it waits with; none: it is booked.
    pub method: Option<&'a str>,
}

impl<'a> Thing<'a> {
    /// Any component of a kind.
    pub fn any(kind: &'a str) -> Self {
        Self {
            kind,
            component: None,
            after: None,
            method: None,
        }
    }
}

/// The rules that bear on one caller in one calendar.
#[derive(Debug, Clone, Default)]
pub struct RightSet {
    rules: Vec<Rule>,
    /// Addresses and names of the caller, in small letters.
    addresses: Vec<String>,
}

/// What rules say of a thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// All of it is denied.
    pub denied: bool,
    /// All of it is granted.
    pub granted: bool,
    /// Something of it may be granted.
    pub perhaps: bool,
    /// These properties are granted.
    pub only: Vec<String>,
    /// These are denied.
    pub without: Vec<String>,
}

impl Verdict {
    /// Whether a property is granted, if what else there is grants all (`base`).
    pub fn lets(&self, base: bool, property: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case(property));
        !self.denied && !named(&self.without) && (base || self.granted || named(&self.only))
    }
}

/// The kinds of items.
pub(super) const ITEMS: [&str; 3] = ["VEVENT", "VTODO", "VJOURNAL"];

/// Names of components: what else stands as an OBJECT is a property or a parameter.
const COMPONENTS: [&str; 11] = [
    "VEVENT",
    "VTODO",
    "VJOURNAL",
    "VFREEBUSY",
    "VALARM",
    "VTIMEZONE",
    "VCALENDAR",
    "VAGENDA",
    "CALSTORE",
    "VCAR",
    "VQUERY",
];

impl RightSet {
    /// Whether there are no rules: then only the access list speaks.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the rules say of an act on a thing. With `decreed`, only those that an administrator has set count.
    pub fn weigh(&self, act: Act, thing: Thing<'_>, decreed: bool) -> Verdict {
        let mut verdict = Verdict::default();
        for rule in self.rules.iter().filter(|rule| rule.decreed || !decreed) {
            match (self.cover(rule, act, thing), rule.effect) {
                (Cover::Nothing, _) | (Cover::Perhaps, Effect::Deny) => {}
                (Cover::Perhaps, Effect::Grant) => verdict.perhaps = true,
                (Cover::Whole, Effect::Grant) => verdict.granted = true,
                (Cover::Whole, Effect::Deny) => verdict.denied = true,
                (Cover::Only(names), Effect::Grant) => verdict.only.extend(names),
                (Cover::Only(names), Effect::Deny) => verdict.without.extend(names),
            }
        }
        verdict
    }

    fn cover(&self, rule: &Rule, act: Act, thing: Thing<'_>) -> Cover {
        // A message is granted by its own action, or as what is created with its METHOD.
        let sent = match act {
            Act::Send(itip) if !rule.is_about(act) && rule.is_about(Act::Create) => Some(itip),
            _ if rule.is_about(act) => None,
            _ => return Cover::Nothing,
        };
        match &rule.scope {
            Scope::Objects(groups) => {
                if let Some(itip) = sent
                    && !groups.iter().any(|group| group.names_method(itip))
                {
                    return Cover::Nothing;
                }
                self.objects(groups, act, thing)
            }
            Scope::Queries(scope, restriction) => {
                let created = match act {
                    Act::Create | Act::Modify => thing.after.or(thing.component),
                    _ => None,
                };
                if let Some(after) = created
                    && rule.effect == Effect::Grant
                    && !self.meets(restriction, thing, after)
                {
                    return Cover::Nothing;
                }
                if let Some(itip) = sent {
                    let names = restriction.iter().any(|query| names_method(query, itip));
                    if !names {
                        return Cover::Nothing;
                    }
                    return Cover::Whole;
                }
                self.found(scope, act, thing)
            }
        }
    }

    /// How much of a thing is covered where all groups hold.
    fn objects(&self, groups: &[Group], act: Act, thing: Thing<'_>) -> Cover {
        let mut perhaps = false;
        let mut only: Option<Vec<String>> = None;
        for group in groups {
            match self.group(group, act, thing) {
                Cover::Nothing => return Cover::Nothing,
                Cover::Perhaps => perhaps = true,
                Cover::Whole => {}
                Cover::Only(names) => {
                    // A parameter of a property: the property that holds it.
                    only = Some(match only {
                        Some(before) => before.into_iter().chain(names).collect(),
                        None => names,
                    });
                }
            }
        }
        match (perhaps, only) {
            (true, _) => Cover::Perhaps,
            (false, Some(names)) => Cover::Only(names),
            (false, None) => Cover::Whole,
        }
    }

    fn group(&self, group: &Group, act: Act, thing: Thing<'_>) -> Cover {
        let mut only = Vec::new();
        let mut perhaps = false;
        for name in &group.names {
            if name == "*" {
                return Cover::Whole;
            }
            if COMPONENTS.contains(&name.as_str()) {
                if is_kind(name, thing.kind) {
                    return Cover::Whole;
                }
                continue;
            }
            if name == "METHOD" && matches!(act, Act::Send(_)) {
                match act {
                    Act::Send(itip) if group.is_value(itip.as_str()) => return Cover::Whole,
                    _ => continue,
                }
            }
            if group.values.is_empty() {
                only.push(name.clone());
                continue;
            }
            match thing
                .after
                .filter(|_| act == Act::Create)
                .or(thing.component)
            {
                None => perhaps = true,
                Some(component) if self.holds(name, group, component, thing.method) => {
                    // The draft's way to speak of one's own part in an item.
                    if name == "ATTENDEE" && group.values.iter().any(|value| value == "SELF") {
                        only.push(name.clone());
                        continue;
                    }
                    return Cover::Whole;
                }
                Some(_) => {}
            }
        }
        match (only.is_empty(), perhaps) {
            (false, _) => Cover::Only(only),
            (true, true) => Cover::Perhaps,
            (true, false) => Cover::Nothing,
        }
    }

    /// Whether a component has one of a group's values under a name.
    fn holds(
        &self,
        name: &str,
        group: &Group,
        component: &Component,
        method: Option<&str>,
    ) -> bool {
        if name == "METHOD" {
            return group.is_value(method.unwrap_or("CREATE"));
        }
        let mut values = component.properties_named(name);
        let has = |value: &str| {
            group.values.iter().any(|wanted| match wanted.as_str() {
                "SELF" => self.is_self(value),
                wanted => wanted.eq_ignore_ascii_case(value.trim()),
            })
        };
        let found = values.any(|property| has(&property.to_text()));
        // CLASS is PUBLIC where it is not said (RFC 5545 section 3.8.1.3).
        found || (name == "CLASS" && component.property(name).is_none() && has("PUBLIC"))
    }

    fn is_self(&self, value: &str) -> bool {
        self.addresses
            .iter()
            .any(|own| own.eq_ignore_ascii_case(value) || same_address(own, value))
    }

    /// Whether what is made fits the restrictions on its own kind; where there are only those of others it does not.
    fn meets(&self, restriction: &[Query], thing: Thing<'_>, after: &Component) -> bool {
        if restriction.is_empty() {
            return true;
        }
        let mut own = restriction
            .iter()
            .filter(|query| is_from(query, thing.kind))
            .peekable();
        own.peek().is_some() && own.all(|query| self.fits(query, after, thing.method))
    }

    /// How much of a thing queries select.
    fn found(&self, scope: &[Query], act: Act, thing: Thing<'_>) -> Cover {
        if scope.is_empty() {
            return Cover::Whole;
        }
        let mut only = Vec::new();
        let mut perhaps = false;
        for query in scope.iter().filter(|query| is_from(query, thing.kind)) {
            let fits = match thing
                .component
                .or(thing.after.filter(|_| act == Act::Create))
            {
                Some(component) => Some(self.fits(query, component, thing.method)),
                None if query.filter.is_none() => Some(true),
                None => None,
            };
            match fits {
                Some(false) => continue,
                None => perhaps = true,
                Some(true) => match columns(query) {
                    Some(names) => only.extend(names),
                    None => return Cover::Whole,
                },
            }
        }
        match (only.is_empty(), perhaps) {
            (false, _) => Cover::Only(only),
            (true, true) => Cover::Perhaps,
            (true, false) => Cover::Nothing,
        }
    }

    fn fits(&self, query: &Query, component: &Component, method: Option<&str>) -> bool {
        super::query::fits_alone(query, component, method, &self.addresses)
    }
}

impl Rule {
    fn is_about(&self, act: Act) -> bool {
        self.acts.as_ref().is_none_or(|acts| acts.contains(&act))
    }

    /// Whether the two rules say the opposite about something in common.
    fn contradicts(&self, other: &Self) -> bool {
        let acts = match (&self.acts, &other.acts) {
            (Some(a), Some(b)) => a.iter().any(|act| b.contains(act)),
            _ => true,
        };
        let kinds = |rule: &Self| -> Vec<String> {
            match &rule.scope {
                Scope::Objects(groups) => groups
                    .iter()
                    .flat_map(|group| group.names.iter().cloned())
                    .filter(|name| COMPONENTS.contains(&name.as_str()))
                    .collect(),
                Scope::Queries(..) => Vec::new(),
            }
        };
        let (mine, theirs) = (kinds(self), kinds(other));
        let things =
            mine.is_empty() || theirs.is_empty() || mine.iter().any(|kind| theirs.contains(kind));
        let who = self.who.iter().any(|who| other.who.contains(who));
        self.effect != other.effect && acts && things && who
    }
}

impl Group {
    fn is_value(&self, value: &str) -> bool {
        self.values.is_empty()
            || self
                .values
                .iter()
                .any(|own| own == "*" || own.eq_ignore_ascii_case(value))
    }

    fn names_method(&self, itip: Itip) -> bool {
        self.names.iter().any(|name| name == "METHOD") && self.is_value(itip.as_str())
    }
}

/// Whether a name is that of a kind: calendars have two.
fn is_kind(name: &str, kind: &str) -> bool {
    let plain = |name: &str| match name {
        "VAGENDA" => "VCALENDAR".to_owned(),
        "VCALSTORE" => "CALSTORE".to_owned(),
        name => name.to_owned(),
    };
    plain(name) == plain(kind)
}

/// Whether a query is about a kind; one of calendars that selects what is in them is about all of that.
fn is_from(query: &Query, kind: &str) -> bool {
    let selected: Vec<&Table> = query
        .select
        .iter()
        .filter_map(|wanted| match wanted {
            Select::Components(table) => Some(table),
            _ => None,
        })
        .collect();
    let of_calendar = query.from.contains(&Table::Calendar);
    match of_calendar && !selected.is_empty() {
        true => selected.iter().any(|table| is_kind(table.name(), kind)),
        false => of_calendar || query.from.iter().any(|table| is_kind(table.name(), kind)),
    }
}

/// The properties that a query selects; none: all.
fn columns(query: &Query) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for wanted in &query.select {
        match wanted {
            Select::Column(Column { name, .. }) | Select::Param(Column { name, .. }, _) => {
                names.push(name.clone());
            }
            _ => return None,
        }
    }
    Some(names)
}

/// Whether a restriction speaks of what has the METHOD.
fn names_method(query: &Query, itip: Itip) -> bool {
    let message = Component::new("VEVENT");
    let other = match itip {
        Itip::Publish => "REQUEST",
        _ => "PUBLISH",
    };
    let fits = |method| super::query::fits_alone(query, &message, Some(method), &[]);
    query.names("METHOD") && fits(itip.as_str()) && !fits(other)
}

/// Reads arbitrary text as rights in both notations; panics when a rule does what is not its effect. For the fuzzer.
#[doc(hidden)]
pub fn fuzz_rights(text: &str) {
    let kinds = || COMPONENTS.iter().map(|kind| Thing::any(kind));
    let weighed = |rules: Vec<Rule>, effect: Effect| {
        let rules: Vec<Rule> = rules.into_iter().filter(|r| r.effect == effect).collect();
        let decreed = rules.iter().any(|rule| rule.decreed);
        assert!(!decreed, "a text decrees");
        let set = RightSet {
            rules,
            ..RightSet::default()
        };
        let acts = [Act::Read, Act::Create, Act::Modify, Act::Delete, Act::Move];
        let verdicts = acts
            .into_iter()
            .flat_map(|act| kinds().map(move |kind| (act, kind)))
            .map(|(act, kind)| set.weigh(act, kind, false));
        for verdict in verdicts {
            let gives = verdict.granted || verdict.perhaps || !verdict.only.is_empty();
            let takes = verdict.denied || !verdict.without.is_empty();
            assert!(!(gives && effect == Effect::Deny), "a deny gives");
            assert!(!(takes && effect == Effect::Grant), "a grant takes");
        }
    };
    for effect in [Effect::Grant, Effect::Deny] {
        for line in text.lines() {
            match value::parse(effect, line) {
                Ok(rule) => weighed(vec![rule], effect),
                Err(cause) => assert!((1..=line.chars().count() + 1).contains(&cause.at)),
            }
        }
        let parsed = parse_text(text.as_bytes(), &Default::default());
        for right in &parsed.components {
            weighed(vright::rules(right).unwrap_or_default(), effect);
        }
    }
}
