//! The rights (VCARs) of the store, as its operator sets them.

use super::request::{Request, Response};
use crate::core::rights::{NewRights, RightsView};
use crate::core::{Caller, Core, Error, Kind};
use crate::ical::component::{Component, Property};

pub(super) fn carry_out(core: &Core, request: &Request) -> Result<Response, Error> {
    let missing = |name: &str| {
        let message = format!("there are no rights '{name}'; 'wcapd rights list' shows them all");
        Error::new(Kind::BadValue, message)
    };
    match request {
        Request::RightsSet {
            name,
            grant,
            deny,
            decreed,
        } => {
            let mut component = Component::new("VCAR");
            for (property, values) in [("GRANT", grant), ("DENY", deny)] {
                for value in values {
                    component.push(Property::new(property, value));
                }
            }
            core.set_store_rights(&NewRights {
                name: name.clone(),
                component,
                decreed: *decreed,
            })?;
            Ok(Response::Done)
        }
        Request::RightsRemove(name) => match core.remove_store_rights(name)? {
            true => Ok(Response::Done),
            false => Err(missing(name)),
        },
        Request::RightsShow(name) => {
            let all = core.rights(&Caller::System, None)?;
            let found = all.iter().find(|view| view.name == *name);
            let found = found.ok_or_else(|| missing(name))?;
            Ok(Response::Record(lines(found)))
        }
        _ => {
            let all = core.rights(&Caller::System, None)?;
            let rows = all.iter().map(|view| {
                let decreed = if view.decreed { "yes" } else { "no" };
                let rules = lines(view).into_iter().filter(|(name, _)| name != "Name");
                let rules: Vec<String> = rules
                    .filter(|(name, _)| name != "Decreed")
                    .map(|(name, value)| format!("{name} {value}"))
                    .collect();
                vec![view.name.clone(), decreed.to_owned(), rules.join(" ")]
            });
            let heads = ["NAME", "DECREED", "RIGHTS"].map(str::to_owned).to_vec();
            Ok(Response::Table(heads, rows.collect()))
        }
    }
}

fn lines(view: &RightsView) -> Vec<(String, String)> {
    let mut lines = vec![
        ("Name".to_owned(), view.name.clone()),
        (
            "Decreed".to_owned(),
            if view.decreed { "yes" } else { "no" }.to_owned(),
        ),
    ];
    let rules = view
        .component
        .properties()
        .filter(|p| p.is("GRANT") || p.is("DENY"));
    lines.extend(rules.map(|p| (p.name().to_owned(), p.value().to_owned())));
    for right in view.component.components_named("VRIGHT") {
        let parts: Vec<&str> = right.properties().map(|p| p.as_line()).collect();
        lines.push(("VRIGHT".to_owned(), parts.join(" ")));
    }
    lines
}
