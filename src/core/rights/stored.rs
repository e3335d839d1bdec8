//! VCARs as they are kept: read for a caller, shown, set. Those of the store that an administrator has decreed bear on
//! every calendar and are not changed over CAP.

use super::views;
use super::vright;
use super::{Effect, RightSet, Rule, Who, value};
use crate::core::calendars::CalendarEdit;
use crate::core::error::{Error, Kind, Result};
use crate::core::stored::{Fate, Place};
use crate::core::{Caller, Core};
use crate::ical::component::{Component, Property};
use crate::ical::parse;
use crate::ical::print;
use crate::model::calendar::Calendar;
use crate::model::id::{CalendarId, PrincipalId, QualifiedName};
use crate::store::named::{self, Container, Shelf};
use crate::store::{Reader, WriteTxn, calendars, people};

/// A VCAR as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsView {
    /// Its CARID.
    pub name: String,
    /// The component.
    pub component: Component,
    /// Whether it only shows the access list.
    pub computed: bool,
    /// Whether an administrator has decreed it.
    pub decreed: bool,
}

/// A VCAR to be kept: the component as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRights {
    /// Its CARID.
    pub name: String,
    /// The component.
    pub component: Component,
    /// Whether it bears on every calendar and no client changes it.
    pub decreed: bool,
}

/// Who asks, for rules to be about.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct Asker {
    id: Option<PrincipalId>,
    /// The UPN, in small letters; none for nobody in particular.
    upn: Option<String>,
    owner: bool,
    addresses: Vec<String>,
}

impl Asker {
    pub(in crate::core) fn new(caller: &Caller, owner: bool) -> Self {
        Self {
            id: caller.principal(),
            upn: caller.name().map(|name| name.to_string().to_lowercase()),
            owner,
            addresses: Vec::new(),
        }
    }

    fn realm(&self) -> Option<&str> {
        self.upn.as_deref()?.split_once('@').map(|(_, realm)| realm)
    }
}

/// A container's VCARs, read.
type Cars = Vec<(String, Vec<Rule>)>;

/// What is said to be a VCAR, as rules. Errors: `BadValue`.
fn rules_of(car: &Component) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for property in car.properties() {
        let effect = match property.name().to_ascii_uppercase().as_str() {
            "GRANT" => Effect::Grant,
            "DENY" => Effect::Deny,
            _ => continue,
        };
        let rule = value::parse(effect, property.value());
        rules.push(rule.map_err(|cause| Error::new(Kind::BadValue, cause.to_string()))?);
    }
    for right in car.components_named("VRIGHT") {
        rules.extend(vright::rules(right)?);
    }
    if rules.is_empty() {
        let message = "expected a GRANT, a DENY or a VRIGHT in a VCAR";
        return Err(Error::new(Kind::BadValue, message));
    }
    let decreed = is_decreed(car);
    for rule in &mut rules {
        rule.decreed = decreed;
    }
    Ok(rules)
}

fn is_decreed(car: &Component) -> bool {
    let said = car.value("DECREED");
    said.is_some_and(|said| said.trim().eq_ignore_ascii_case("TRUE"))
}

fn component_of(text: &str) -> Option<Component> {
    let parsed = parse::parse(text.as_bytes(), &parse::Limits::DEFAULT);
    parsed.components.into_iter().next()
}

/// Whether a text is a VCAR that says something.
pub(in crate::core) fn is_readable(text: &str) -> bool {
    component_of(text).is_some_and(|car| rules_of(&car).is_ok())
}

/// The VCARs of a container. One that cannot be read denies everything to everybody.
fn cars(t: &impl Reader, container: Container) -> Result<Cars> {
    let all = named::all(t, container, Shelf::Rights)?;
    let read = |text: &str| component_of(text).and_then(|car| rules_of(&car).ok());
    Ok(all
        .into_iter()
        .map(|(name, text)| (name, read(&text).unwrap_or_else(|| vec![nothing()])))
        .collect())
}

/// Denies everything to everybody.
fn nothing() -> Rule {
    Rule {
        effect: Effect::Deny,
        who: vec![Who::Everybody],
        acts: None,
        scope: super::Scope::Objects(Vec::new()),
        refers: Vec::new(),
        decreed: false,
    }
}

/// The rules that bear on somebody in a calendar: those of the nearest container up that has any, and what is decreed.
/// Also the CARIDs of the calendar's own.
pub(in crate::core) fn effective(
    core: &Core,
    t: &impl Reader,
    calendar: &Calendar,
    asker: Asker,
) -> Result<(RightSet, Vec<String>)> {
    let store = cars(t, Container::Store)?;
    let own = cars(t, calendar.id.into())?;
    let names = own.iter().map(|(name, _)| name.clone()).collect();
    if store.is_empty() && own.is_empty() && calendar.parent.is_none() {
        return Ok((RightSet::default(), names));
    }
    let mut levels: Vec<Cars> = vec![own];
    let mut next = calendar.parent;
    let most = core.settings().limits.calendar_levels;
    while let Some(id) = next.filter(|_| levels.len() < most) {
        levels.push(cars(t, id.into())?);
        next = calendars::get(t, id)?.and_then(|parent| parent.parent);
    }
    levels.push(store);
    let mut rules = Vec::new();
    let nearest = levels
        .iter()
        .find(|cars| cars.iter().any(|(_, rules)| !is_all_decreed(rules)));
    for (_, own) in nearest.into_iter().flatten() {
        rules.extend(own.iter().filter(|rule| !rule.decreed).cloned());
    }
    for (_, decreed) in levels.last().into_iter().flatten() {
        rules.extend(decreed.iter().filter(|rule| rule.decreed).cloned());
    }
    let mut who = Membership::new(core, asker);
    let mut kept = Vec::new();
    for rule in rules {
        if who.is_meant(t, &rule.who)? {
            kept.extend(referred(rule, &levels));
        }
    }
    let mut asker = who.asker;
    if !kept.is_empty() {
        asker.addresses = addresses(t, &asker)?;
        let name = asker.upn.as_deref();
        let name = name.and_then(|upn| QualifiedName::parse(upn, core.domain()).ok());
        asker
            .addresses
            .extend(name.map(|name| core.calendar_address(&name)));
    }
    let set = RightSet {
        rules: kept,
        addresses: asker.addresses,
    };
    Ok((set, names))
}

fn is_all_decreed(rules: &[Rule]) -> bool {
    rules.iter().all(|rule| rule.decreed)
}

fn addresses(t: &impl Reader, asker: &Asker) -> Result<Vec<String>> {
    let mut found = Vec::from_iter(asker.upn.clone());
    if let Some(id) = asker.id
        && let Some(principal) = people::principal(t, id)?
    {
        found.extend(principal.mail().iter().map(|mail| mail.to_lowercase()));
    }
    Ok(found)
}

/// A rule with those it refers to in its place: the nearest of that CARID. What is not there gives nothing and takes
/// everything.
fn referred(rule: Rule, levels: &[Cars]) -> Vec<Rule> {
    if rule.refers.is_empty() {
        return vec![rule];
    }
    let mut found = Vec::new();
    for wanted in &rule.refers {
        let car = levels.iter().find_map(|cars| {
            let own = cars.iter().find(|(name, _)| name == wanted);
            own.map(|(_, rules)| rules)
        });
        match car {
            Some(rules) => {
                // One step: a circle ends here.
                let direct = rules.iter().filter(|other| other.refers.is_empty());
                found.extend(direct.map(|other| joined(&rule, other)));
            }
            None if rule.effect == Effect::Deny => found.push(Rule {
                decreed: rule.decreed,
                ..nothing()
            }),
            None => {}
        }
    }
    found
}

/// A rule that another one refers to, within what that one says.
fn joined(rule: &Rule, other: &Rule) -> Rule {
    let acts = match (&rule.acts, &other.acts) {
        (Some(a), Some(b)) => Some(a.iter().filter(|act| b.contains(act)).copied().collect()),
        (a, b) => a.clone().or(b.clone()),
    };
    let scope = match (&rule.scope, &other.scope) {
        (super::Scope::Objects(a), super::Scope::Objects(b)) => {
            super::Scope::Objects(a.iter().chain(b).cloned().collect())
        }
        (_, scope) => scope.clone(),
    };
    Rule {
        effect: rule.effect,
        who: rule.who.clone(),
        acts,
        scope,
        refers: Vec::new(),
        decreed: rule.decreed,
    }
}

/// Whom rules mean, the groups of the one who asks looked up once, when a rule names somebody else.
struct Membership<'a> {
    core: &'a Core,
    asker: Asker,
    groups: Option<Vec<String>>,
}

impl<'a> Membership<'a> {
    fn new(core: &'a Core, asker: Asker) -> Self {
        Self {
            core,
            asker,
            groups: None,
        }
    }

    fn is_meant(&mut self, t: &impl Reader, who: &[Who]) -> Result<bool> {
        for who in who {
            let upn = self.asker.upn.as_deref();
            let meant = match who {
                Who::Everybody => true,
                Who::Known => upn.is_some(),
                Who::Owners => self.asker.owner,
                Who::Others => upn.is_some() && !self.asker.owner,
                Who::NotOwners => !self.asker.owner,
                Who::Anonymous => upn.is_none(),
                Who::Realm(realm) | Who::Named(realm) => self.asker.realm() == Some(realm),
                Who::Upn(wanted) => upn == Some(wanted) || self.in_group(t, wanted)?,
            };
            if meant {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn in_group(&mut self, t: &impl Reader, name: &str) -> Result<bool> {
        let Some(id) = self.asker.id else {
            return Ok(false);
        };
        if self.groups.is_none() {
            self.groups = Some(groups_of(t, id, self.core.settings().limits.group_levels)?);
        }
        let groups = self.groups.iter().flatten();
        Ok(groups.into_iter().any(|group| group == name))
    }
}

/// The UPNs of all groups that somebody is in, through other groups too.
fn groups_of(t: &impl Reader, id: PrincipalId, levels: usize) -> Result<Vec<String>> {
    let mut seen = vec![id];
    let mut level = vec![id];
    let mut names = Vec::new();
    for _ in 0..levels {
        let mut above = Vec::new();
        for member in level {
            for group in people::groups_of(t, member)? {
                if !seen.contains(&group) {
                    seen.push(group);
                    above.push(group);
                    let group = people::principal(t, group)?;
                    names.extend(group.map(|group| group.name().to_string().to_lowercase()));
                }
            }
        }
        if above.is_empty() {
            break;
        }
        level = above;
    }
    Ok(names)
}

impl Core {
    /// The VCARs of a calendar, those that show its access list and what is decreed for it included; of the store all of
    /// its own. None where the caller may not know of them.
    ///
    /// Errors: `NoSuchCalendar`.
    pub fn rights(&self, caller: &Caller, place: Place<'_>) -> Result<Vec<RightsView>> {
        self.store().read(|t| self.rights_in(t, caller, place))
    }

    fn rights_in(
        &self,
        t: &impl Reader,
        caller: &Caller,
        place: Place<'_>,
    ) -> Result<Vec<RightsView>> {
        let stored = |container: Container| -> Result<Vec<RightsView>> {
            let all = named::all(t, container, Shelf::Rights)?;
            let shown = all.into_iter().filter_map(|(name, text)| {
                let component = component_of(&text)?;
                let decreed = is_decreed(&component);
                Some(RightsView {
                    name,
                    component,
                    computed: false,
                    decreed,
                })
            });
            Ok(shown.collect())
        };
        let of_store = stored(Container::Store)?;
        let Some(calid) = place else {
            let open = caller.stands_above();
            return Ok(of_store
                .into_iter()
                .filter(|car| open || !car.decreed)
                .collect());
        };
        let access = self.access(t, caller, Some(calid))?;
        if !access.allows_rights(super::Act::Read) {
            return Ok(Vec::new());
        }
        let calendar = access.calendar();
        let mut found = views::of(&calendar.properties.acl, &calendar.calid.domain);
        found.extend(stored(calendar.id.into())?);
        if access.is_owner() {
            found.extend(of_store.into_iter().filter(|car| car.decreed));
        }
        Ok(found)
    }

    /// Keeps a VCAR under a name that is free.
    ///
    /// Errors: `NoSuchCalendar`, `AccessDenied`, also for what contradicts a decreed one; `NameTaken`; `BadValue`,
    /// `TooMuch`.
    pub fn add_rights(&self, caller: &Caller, place: Place<'_>, new: &NewRights) -> Result<()> {
        self.store().write(|t| {
            let container = self.place_of_rights(t, caller, place, super::Act::Create)?;
            let taken = views::is_reserved(&new.name)
                || named::get(t, container, Shelf::Rights, &new.name)?.is_some();
            if taken {
                let message = format!("there are rights called '{}'", new.name);
                return Err(Error::new(Kind::NameTaken, message));
            }
            let most = self.settings().limits.named_objects;
            if named::all(t, container, Shelf::Rights)?.len() >= most {
                let message = format!("expected at most {most} sets of rights");
                return Err(Error::new(Kind::TooMuch, message));
            }
            self.put_rights(t, container, new, &rules_of(&new.component)?)
        })
    }

    /// Keeps a VCAR of the store in place of the one of its name, as its operator does.
    ///
    /// Errors: `BadValue`, `TooMuch`; `NameTaken` for the names of those that show access lists.
    pub fn set_store_rights(&self, new: &NewRights) -> Result<()> {
        let rules = rules_of(&new.component)?;
        if views::is_reserved(&new.name) {
            let message = format!("'{}' shows the access list of each calendar", new.name);
            return Err(Error::new(Kind::NameTaken, message));
        }
        self.store()
            .write(|t| self.put_rights(t, Container::Store, new, &rules))
    }

    /// Takes a VCAR of the store away, as its operator does. Answers whether there was one.
    pub fn remove_store_rights(&self, name: &str) -> Result<bool> {
        self.store().write(|t| {
            let there = named::get(t, Container::Store, Shelf::Rights, name)?.is_some();
            named::remove(t, Container::Store, Shelf::Rights, name);
            Ok(there)
        })
    }

    fn put_rights(
        &self,
        t: &mut WriteTxn<'_>,
        container: Container,
        new: &NewRights,
        rules: &[Rule],
    ) -> Result<()> {
        let mut kept = new.component.clone();
        kept.set(Property::text("CARID", &new.name));
        kept.remove("DECREED");
        if new.decreed {
            kept.push(Property::new("DECREED", "TRUE"));
        } else {
            let decreed = cars(t, Container::Store)?;
            let decreed = decreed.iter().flat_map(|(_, rules)| rules);
            let mut decreed = decreed.filter(|rule| rule.decreed);
            if decreed.any(|theirs| rules.iter().any(|own| own.contradicts(theirs))) {
                let message = "the rights contradict what is decreed for all calendars";
                return Err(Error::new(Kind::AccessDenied, message));
            }
        }
        let text = print::to_string(&kept);
        self.check_named(&new.name, &text)?;
        Ok(named::put(t, container, Shelf::Rights, &new.name, &text)?)
    }

    /// Puts another VCAR in the place of each that `change` answers something for, or takes it away, all of it or
    /// nothing. Answers the names of those. What shows the access list is changed as the access list is, and what is
    /// decreed is not.
    ///
    /// Errors: as [`Core::add_rights`]; those of `change`, and of [`Core::edit_calendar`].
    pub fn change_rights(
        &self,
        caller: &Caller,
        place: Place<'_>,
        change: impl Fn(&RightsView) -> Result<Option<Fate>>,
    ) -> Result<Vec<String>> {
        self.store().write(|t| {
            let mut names = Vec::new();
            for view in self.rights_in(t, caller, place)? {
                let Some(fate) = change(&view)? else {
                    continue;
                };
                if view.decreed {
                    let message = format!("the rights '{}' are decreed", view.name);
                    return Err(Error::new(Kind::AccessDenied, message));
                }
                match view.computed {
                    true => self.change_list(t, caller, place, &view, &fate)?,
                    false => self.change_stored(t, caller, place, &view, &fate)?,
                }
                names.push(view.name);
            }
            Ok(names)
        })
    }

    /// Changes the access list as a view of it is changed: it is a property of its own, with rules of its own.
    fn change_list(
        &self,
        t: &mut WriteTxn<'_>,
        caller: &Caller,
        place: Place<'_>,
        view: &RightsView,
        fate: &Fate,
    ) -> Result<()> {
        let Some(calid) = place else {
            return Err(views::refused(&view.name));
        };
        let Fate::Is(text) = fate else {
            return Err(views::not_deleted(&view.name));
        };
        let edit = CalendarEdit {
            acl: Some(views::entries(&view.name, component_of(text).as_ref())?),
            ..CalendarEdit::default()
        };
        self.edit_calendar_in(t, caller, calid, &edit)
    }

    fn change_stored(
        &self,
        t: &mut WriteTxn<'_>,
        caller: &Caller,
        place: Place<'_>,
        view: &RightsView,
        fate: &Fate,
    ) -> Result<()> {
        let act = match fate {
            Fate::Is(_) => super::Act::Modify,
            Fate::Gone => super::Act::Delete,
        };
        let container = self.place_of_rights(t, caller, place, act)?;
        let text = match fate {
            Fate::Gone => {
                named::remove(t, container, Shelf::Rights, &view.name);
                return Ok(());
            }
            Fate::Is(text) => text,
        };
        let component = component_of(text).unwrap_or_else(|| Component::new("VCAR"));
        let rules = rules_of(&component)?;
        let new = NewRights {
            name: view.name.clone(),
            component,
            decreed: false,
        };
        self.put_rights(t, container, &new, &rules)
    }

    /// Where a caller changes rights. Errors: `NoSuchCalendar`, `AccessDenied`.
    fn place_of_rights(
        &self,
        t: &impl Reader,
        caller: &Caller,
        place: Place<'_>,
        act: super::Act,
    ) -> Result<Container> {
        let Some(calid) = place else {
            return self.writable_place(t, caller, None);
        };
        let access = self.access(t, caller, Some(calid))?;
        match access.allows_rights(act) {
            true => Ok(access.calendar().id.into()),
            false => Err(Error::denied("change rights", access.shown_calid())),
        }
    }

    /// Gives a new calendar at the top what the store's DEFAULT_VCARS names beyond the rights that every calendar has.
    pub(in crate::core) fn copy_default_rights(
        &self,
        t: &mut WriteTxn<'_>,
        calendar: CalendarId,
    ) -> Result<()> {
        let set = named::get(t, Container::Store, Shelf::Properties, "DEFAULT-VCARS")?;
        let Some(line) = set.and_then(|text| Property::from_line(text.as_str()).ok()) else {
            return Ok(());
        };
        for name in line.to_text().split(',').map(str::trim) {
            let text = named::get(t, Container::Store, Shelf::Rights, name)?;
            let own = text.filter(|text| component_of(text).is_some_and(|car| !is_decreed(&car)));
            if let Some(text) = own {
                named::put(t, calendar.into(), Shelf::Rights, name, &text)?;
            }
        }
        Ok(())
    }

    /// Gives a calendar that has no rights of its own those that it has from above, so that a move takes none away.
    pub(in crate::core) fn keep_inherited_rights(
        &self,
        t: &mut WriteTxn<'_>,
        calendar: &Calendar,
    ) -> Result<()> {
        if !named::all(t, calendar.id.into(), Shelf::Rights)?.is_empty() {
            return Ok(());
        }
        let mut next = calendar.parent;
        let mut most = self.settings().limits.calendar_levels;
        while let Some(id) = next.filter(|_| most > 0) {
            let above = named::all(t, id.into(), Shelf::Rights)?;
            if !above.is_empty() {
                for (name, text) in above {
                    named::put(t, calendar.id.into(), Shelf::Rights, &name, &text)?;
                }
                return Ok(());
            }
            most -= 1;
            next = calendars::get(t, id)?.and_then(|parent| parent.parent);
        }
        Ok(())
    }
}
