//! What commands answer, and how that is written in either dialect: an object for each target, in it what became of each
//! component (draft-ietf-calsch-cap-04 section 7.2; RFC 4324 section 10.2).

use super::PRODID;
use super::address::qualified;
use super::command::Dialect;
use super::job::Who;
use crate::codes::codes;
use crate::core::{Error, Kind};
use crate::ical::component::{Component, Property};
use crate::ical::value;

/// What a command answers about one target.
#[derive(Debug, Default)]
pub struct Answer {
    status: &'static str,
    text: String,
    /// Properties beside the status.
    pub properties: Vec<Property>,
    /// Whom the session acts for from now on.
    pub who: Option<Box<Who>>,
    /// Components it answers with, and the iTIP method that each waits with.
    pub objects: Vec<(Option<String>, Component)>,
    /// What became of each component it was to change.
    pub entries: Vec<Entry>,
}

/// What became of one component: its name, what identifies it, and its REQUEST-STATUS.
#[derive(Debug)]
pub struct Entry(Component);

impl Entry {
    /// One of a component called `name`.
    pub fn of(
        name: &str,
        ids: impl IntoIterator<Item = Property>,
        status: &str,
        text: &str,
    ) -> Self {
        let mut made = Component::new(name);
        ids.into_iter().for_each(|id| made.push(id));
        made.push(value::request_status_property(status, text, None));
        Self(made)
    }

    /// In dialect B: of MODIFY the component itself, else what is in it.
    fn into_reply(self, whole: bool) -> Component {
        let mut reply = Component::new("VREPLY");
        match whole {
            true => reply.push_component(self.0),
            false => self.0.properties().for_each(|p| reply.push(p.clone())),
        }
        reply
    }
}

impl Answer {
    /// A status and its text, and nothing besides.
    pub fn of(status: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            properties: Vec::new(),
            who: None,
            objects: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// What became of each component.
    pub fn with(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            ..Self::success()
        }
    }

    /// Its code.
    pub fn status(&self) -> &'static str {
        self.status
    }

    /// The first code of a failure, of the whole or of one component.
    pub fn failure(&self) -> Option<&str> {
        let entries = self.entries.iter().filter_map(|Entry(entry)| {
            let status = entry.value("REQUEST-STATUS")?;
            status.split(';').next()
        });
        let mut codes = std::iter::once(self.status()).chain(entries);
        codes.find(|code| !code.starts_with("2."))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Everything went as it was to.
    pub fn success() -> Self {
        Self::of("2.0", "Success")
    }

    /// What a failure of the core is called.
    pub fn failed(dialect: Dialect, cause: &Error) -> Self {
        let (a, b) = codes(cause.kind()).cap;
        if cause.kind() == Kind::Internal {
            tracing::error!(?cause, "a CAP command failed");
        }
        let code = match dialect {
            Dialect::A => a,
            Dialect::B => b,
        };
        Self::of(code, cause.message())
    }
}

/// What the answers to a command are made with.
#[derive(Debug, Clone)]
pub struct Head {
    /// The vocabulary.
    pub dialect: Dialect,
    /// The command's name.
    pub name: String,
    /// Its id.
    pub id: Option<String>,
    /// The name of this store in addresses.
    pub csid: String,
}

impl Head {
    /// The answer in the dialect: in B an object for each method that components wait with.
    pub(super) fn reply(&self, target: &str, mut answer: Answer) -> Vec<Component> {
        let status = value::request_status_property(answer.status(), &answer.text, None);
        let target =
            (!target.is_empty()).then(|| Property::new("TARGET", qualified(target, &self.csid)));
        if self.dialect == Dialect::A {
            let mut reply = Component::new("VCAP")
                .with(Property::new("VERSION", "2.0"))
                .with(Property::new("METHOD", "RESPONSE"));
            target.into_iter().for_each(|target| reply.push(target));
            if let Some(id) = &self.id {
                reply.push(Property::text("CMDID", id));
            }
            reply.push(status);
            answer.properties.into_iter().for_each(|p| reply.push(p));
            let objects = answer.objects.into_iter();
            objects.for_each(|(_, object)| reply.push_component(object));
            let entries = answer.entries.into_iter();
            entries.for_each(|Entry(entry)| reply.push_component(entry));
            return vec![reply];
        }
        let mut groups: Vec<(Option<String>, Vec<Component>)> = vec![(None, Vec::new())];
        for (method, object) in std::mem::take(&mut answer.objects) {
            match groups.iter_mut().find(|(of, _)| *of == method) {
                Some((_, group)) => group.push(object),
                None => groups.push((method, vec![object])),
            }
        }
        if groups.len() > 1 && groups.first().is_some_and(|(_, group)| group.is_empty()) {
            groups.remove(0);
        }
        let mut replies = Vec::with_capacity(groups.len());
        for (method, objects) in groups {
            let mut reply = Component::new("VCALENDAR")
                .with(Property::new("VERSION", "2.0"))
                .with(Property::new("PRODID", PRODID));
            target.iter().for_each(|target| reply.push(target.clone()));
            let mut command = Property::new("CMD", "REPLY");
            if let Some(id) = &self.id {
                command = command.with_param("ID", id);
            }
            reply.push(command);
            if let Some(method) = method {
                reply.push(Property::new("METHOD", method));
            }
            let changes = self.name.eq_ignore_ascii_case("MODIFY");
            for entry in std::mem::take(&mut answer.entries) {
                reply.push_component(entry.into_reply(changes));
            }
            if reply.components().next().is_some() {
                replies.push(reply);
                continue;
            }
            let mut body = Component::new("VREPLY");
            answer.properties.iter().for_each(|p| body.push(p.clone()));
            body.push(status.clone());
            objects.into_iter().for_each(|o| body.push_component(o));
            reply.push_component(body);
            replies.push(reply);
        }
        replies
    }
}
