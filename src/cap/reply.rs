//! Answers as objects, in the dialect of the command (draft-ietf-calsch-cap-04 section 7.2; RFC 4324 section 8.31, VREPLY).

use super::PRODID;
use super::address::qualified;
use super::answer::{Answer, Entry};
use super::command::Dialect;
use crate::ical::component::{Component, Property};
use crate::ical::value;

/// What the answers to a command are made with.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// The vocabulary.
    pub(super) dialect: Dialect,
    /// The command's name.
    pub(super) name: String,
    /// Its id.
    pub(super) id: Option<String>,
    pub(super) csid: String,
}

impl Head {
    /// The answer in the dialect: in B an object for each method that components wait with.
    pub(super) fn reply(&self, target: &str, answer: Answer) -> Vec<Component> {
        let target =
            (!target.is_empty()).then(|| Property::new("TARGET", qualified(target, &self.csid)));
        match self.dialect {
            Dialect::A => vec![self.in_a(target, answer)],
            Dialect::B => self.in_b(target, answer),
        }
    }

    fn in_a(&self, target: Option<Property>, answer: Answer) -> Component {
        let mut reply = Component::new("VCAP")
            .with(Property::new("VERSION", "2.0"))
            .with(Property::new("METHOD", "RESPONSE"));
        target.into_iter().for_each(|target| reply.push(target));
        if let Some(id) = &self.id {
            reply.push(Property::text("CMDID", id));
        }
        reply.push(status(&answer));
        answer.properties.into_iter().for_each(|p| reply.push(p));
        let objects = answer.objects.into_iter();
        objects.for_each(|(_, object)| reply.push_component(object));
        let entries = answer.entries.into_iter();
        entries.for_each(|Entry(entry)| reply.push_component(entry));
        reply
    }

    fn in_b(&self, target: Option<Property>, answer: Answer) -> Vec<Component> {
        let changes = self.name.eq_ignore_ascii_case("MODIFY");
        // What each VCALENDAR holds: its METHOD and its VREPLYs.
        let mut groups: Groups = Vec::new();
        let mut next = Some(Box::new(answer));
        while let Some(mut answer) = next {
            next = answer.next.take();
            if !answer.entries.is_empty() {
                let entries = answer.entries.into_iter();
                groups.push((
                    None,
                    entries.map(|entry| entry_reply(entry, changes)).collect(),
                ));
                continue;
            }
            let (status, properties) = (status(&answer), answer.properties);
            let mut own: Groups = vec![(None, Vec::new())];
            for (method, object) in answer.objects {
                put(&mut own, method, object);
            }
            if own.len() > 1 && own.first().is_some_and(|(_, group)| group.is_empty()) {
                own.remove(0);
            }
            for (method, objects) in own {
                let mut body = Component::new("VREPLY");
                properties.iter().for_each(|p| body.push(p.clone()));
                body.push(status.clone());
                objects.into_iter().for_each(|o| body.push_component(o));
                put(&mut groups, method, body);
            }
        }
        let reply = |(method, bodies): (Option<String>, Vec<Component>)| {
            let mut reply = Component::new("VCALENDAR")
                .with(Property::new("VERSION", "2.0"))
                .with(Property::new("PRODID", PRODID));
            target.iter().for_each(|target| reply.push(target.clone()));
            let mut command = Property::new("CMD", "REPLY");
            if let Some(id) = &self.id {
                command = command.with_param("ID", id);
            }
            reply.push(command);
            let method = method.map(|method| Property::new("METHOD", method));
            method.into_iter().for_each(|method| reply.push(method));
            bodies.into_iter().for_each(|b| reply.push_component(b));
            reply
        };
        groups.into_iter().map(reply).collect()
    }
}

/// Components by the iTIP method that they wait with.
type Groups = Vec<(Option<String>, Vec<Component>)>;

fn put(groups: &mut Groups, method: Option<String>, component: Component) {
    match groups.iter_mut().find(|(of, _)| *of == method) {
        Some((_, group)) => group.push(component),
        None => groups.push((method, vec![component])),
    }
}

fn status(answer: &Answer) -> Property {
    value::request_status_property(answer.status(), answer.text(), None)
}

/// What became of a component: of MODIFY the component itself, else what is in it.
fn entry_reply(Entry(entry): Entry, whole: bool) -> Component {
    let mut reply = Component::new("VREPLY");
    match whole {
        true => reply.push_component(entry),
        false => entry.properties().for_each(|p| reply.push(p.clone())),
    }
    reply
}
