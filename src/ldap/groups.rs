//! Who is in a group: members by DN, by name, by address, by search, and through other groups.
//!
//! Groups may be in themselves; each is looked at once. How many people and how deep is bounded, and what is left out
//! for that is told.

use std::collections::HashSet;

use ldap3::{Scope, SearchEntry, get_url_params};
use url::Url;

use super::client::{Client, Fault};
use super::schema::{self, Members};
use crate::core::directory::{Gathering, Person};
use crate::model::id::QualifiedName;

/// The walk through a group.
struct Walk<'c> {
    client: &'c Client,
    people: Vec<Person>,
    names: HashSet<QualifiedName>,
    /// DNs of groups met, in lower case.
    met: HashSet<String>,
    /// Groups still to be looked at, and how deep they are.
    open: Vec<(SearchEntry, usize)>,
    clipped: bool,
}

/// The group called `name` with everybody in it; none when there is none, or several.
pub(super) async fn gathering(client: &Client, name: &str) -> Result<Option<Gathering>, Fault> {
    let options = client.options();
    let filter = options.schema.group_called(name, &options.domain);
    let mut found = client
        .search(&options.base, Scope::Subtree, &filter, 2)
        .await?;
    if found.entries.len() > 1 {
        tracing::warn!(
            name,
            "several groups of the directory are meant by one name; none is taken"
        );
        return Ok(None);
    }
    let Some(entry) = found.entries.pop() else {
        return Ok(None);
    };
    let Some(own) = options.schema.group_name(&entry, &options.domain) else {
        tracing::debug!(dn = %entry.dn, "a group has no name that it could have here");
        return Ok(None);
    };
    let mail = options.schema.group_mail(&entry);
    let mut walk = Walk {
        client,
        people: Vec::new(),
        names: HashSet::new(),
        met: HashSet::from([entry.dn.to_lowercase()]),
        open: vec![(entry, 0)],
        clipped: false,
    };
    while let Some((group, depth)) = walk.open.pop() {
        walk.enter(&schema::members(&group), depth).await?;
    }
    Ok(Some(Gathering {
        name: own,
        mail,
        members: walk.people,
        clipped: walk.clipped,
    }))
}

impl Walk<'_> {
    async fn enter(&mut self, members: &Members, depth: usize) -> Result<(), Fault> {
        let options = self.client.options();
        let (schema, base) = (&options.schema, options.base.as_str());
        for dn in &members.dns {
            let (people, groups) = (&schema.user_filter, &schema.group_filter);
            if !self.take(dn, Scope::Base, people).await? {
                self.follow(dn, Scope::Base, groups, depth).await?;
            }
        }
        for name in &members.names {
            let filter = schema.name_filter(name);
            self.take(base, Scope::Subtree, &filter).await?;
        }
        for mail in &members.mail {
            // Addresses of people elsewhere stand there too.
            let people = schema.login_filter(mail, &options.domain);
            if !self.take(base, Scope::Subtree, &people).await? {
                let groups = schema.group_called(mail, &options.domain);
                self.follow(base, Scope::Subtree, &groups, depth).await?;
            }
        }
        for url in &members.urls {
            let parsed = Url::parse(url).ok();
            let Some(parameters) = parsed.as_ref().and_then(|url| get_url_params(url).ok()) else {
                tracing::warn!(url, "a group's search cannot be read");
                continue;
            };
            let filter = parameters.filter.trim();
            let filter = match filter.starts_with('(') {
                true => filter.to_owned(),
                false => format!("({filter})"),
            };
            let filter = options.schema.people_among(&filter);
            if ldap3::parse_filter(&filter).is_err() {
                tracing::warn!(url, "the filter of a group's search cannot be read");
                continue;
            }
            let base = match parameters.base.is_empty() {
                true => options.base.as_str(),
                false => &parameters.base,
            };
            self.take(base, parameters.scope, &filter).await?;
        }
        Ok(())
    }

    /// Takes the people a search finds; says whether there were any.
    async fn take(&mut self, base: &str, scope: Scope, filter: &str) -> Result<bool, Fault> {
        let options = self.client.options();
        // Those who are in already take no room, but come again.
        let room = options.group_members.saturating_add(1);
        let found = self.client.search(base, scope, filter, room).await?;
        let any = !found.entries.is_empty();
        self.clipped |= found.more;
        for person in found.entries.iter().filter_map(|e| self.client.read(e)) {
            if self.names.contains(&person.name) {
                continue;
            }
            if self.people.len() >= options.group_members {
                self.clipped = true;
                break;
            }
            self.names.insert(person.name.clone());
            self.people.push(person);
        }
        Ok(any)
    }

    /// Puts the groups a search finds among those to be looked at.
    async fn follow(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        depth: usize,
    ) -> Result<(), Fault> {
        let options = self.client.options();
        let found = self.client.search(base, scope, filter, 2).await?;
        for entry in found.entries {
            if self.met.contains(&entry.dn.to_lowercase()) {
                continue;
            }
            if depth >= options.group_depth {
                self.clipped = true;
                return Ok(());
            }
            self.met.insert(entry.dn.to_lowercase());
            self.open.push((entry, depth + 1));
        }
        Ok(())
    }
}
