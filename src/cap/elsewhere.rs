//! Commands about calendars of other stores: passed on in the caller's name, answered as the other store answers
//! (draft-ietf-calsch-cap-04 section 10; its codes 2.0.6, 5.1, 7.0 and 10.1).
//!
//! A command is taken apart while it is carried out, in the core's thread; what is about other stores becomes an [`Errand`],
//! run afterwards without holding a thread. Messages of iTIP that do not get through wait in the outbox. What came from
//! another store is not passed on, so nothing goes in circles.

use std::collections::HashMap;
use std::io;

use super::address::qualified;
use super::answer::{Answer, Entry};
use super::audit;
use super::client::{self, Failed};
use super::command::{Dialect, Request};
use super::job::{Cancel, Carried, Outcome, Who};
use super::relay::Session;
use super::reply::Head;
use super::server::Host;
use super::settings::Settings;
use super::status::Status;
use super::{PRODID, object, send};
use crate::core::relay::Dispatch;
use crate::core::schedule::receive::Itip;
use crate::core::{Caller, Client, Core};
use crate::dispatch::Cost;
use crate::ical::component::{Component, Entry as Inner, Property};
use crate::ical::object::CalendarObject;
use crate::ical::print;

/// Commands that are passed on, besides messages; by their names in dialect A.
const PASSED_ON: [&str; 4] = ["READ", "CREATE", "MODIFY", "DELETE"];

/// A command for one calendar of another store.
#[derive(Debug)]
pub struct Errand {
    csid: String,
    target: String,
    head: Head,
    /// The object to send, complete.
    text: Component,
    caller: Caller,
    /// The name to say there.
    upn: String,
    /// Its messages; none for other commands.
    messages: Vec<Message>,
    /// Whether earlier messages wait, which these must not overtake.
    waits: bool,
}

#[derive(Debug)]
struct Message {
    itip: Itip,
    object: CalendarObject,
    from: String,
}

/// A part of an answer.
#[derive(Debug)]
pub enum Part {
    /// It is there.
    Here(Component, Option<String>),
    /// Another store gives it.
    There(Box<Errand>),
}

/// An answer of which other stores give parts.
#[derive(Debug)]
pub struct Unfinished {
    /// Its parts, in order.
    pub parts: Vec<Part>,
    /// What stands after the code.
    pub argument: String,
    /// What is in no part, to separate them.
    pub boundary: String,
    /// Whom the session acts for afterwards, where that is new.
    pub who: Option<Box<Who>>,
    /// Whether to stop early.
    pub cancel: Cancel,
}

/// The store that a target of a request is in, if it is another one that is spoken to; the request for it.
///
/// None: the target is this store's own matter. Errors: the answer that says why nothing is passed on.
pub(super) fn errand(
    request: &Request<'_>,
    target: &str,
    core: &Core,
) -> Result<Option<Errand>, Answer> {
    let name = request.known_name();
    let itip = name.and_then(
        |name| match (name, send::method_of(request.method.as_deref())) {
            // In dialect B a message is what is created with a method.
            ("CREATE", Some(itip)) => Some(itip),
            (name, _) => Itip::named(name),
        },
    );
    let address = qualified(target, &request.settings.csid);
    let peer = core.settings().peer_of(&address);
    let passed_on = itip.is_some() || name.is_some_and(|name| PASSED_ON.contains(&name));
    let (Some(peer), true) = (peer, passed_on) else {
        return Ok(None);
    };
    if core.settings().is_peer(request.caller) {
        return Err(Answer::of(
            "3.14",
            "what comes from another store is not passed on",
        ));
    }
    let Caller::User(identity) = request.caller else {
        let message = "commands are passed on for people with an account here";
        return Err(Answer::of("4.1", message));
    };
    let mut errand = Errand {
        csid: peer.csid.clone(),
        text: text(request, &address),
        target: address,
        head: request.head(),
        caller: request.caller.clone(),
        upn: identity.name.to_string(),
        messages: Vec::new(),
        waits: false,
    };
    if let Some(itip) = itip {
        errand.add_messages(request, itip, core)?;
    }
    Ok(Some(errand))
}

impl Errand {
    fn add_messages(
        &mut self,
        request: &Request<'_>,
        itip: Itip,
        core: &Core,
    ) -> Result<(), Answer> {
        let failed = |cause: crate::core::Error| Answer::failed(request.dialect, &cause);
        for group in send::groups(request)? {
            let object = send::message(itip, &group.components, &group.timezones, core)?;
            let (from, upn) = core.sender(request.caller, itip, &object).map_err(failed)?;
            let waits = core.has_letters(request.caller, &object.uid, &self.target);
            self.waits |= waits.map_err(failed)?;
            self.upn = upn;
            self.messages.push(Message { itip, object, from });
        }
        Ok(())
    }

    /// The answer that something of the errand's own has one status.
    fn answer(&self, code: &'static str, words: &str) -> Vec<Component> {
        let mut answer = Answer::of(code, words);
        if code.starts_with("2.") {
            answer = Answer::success();
            for message in &self.messages {
                for component in &message.object.components {
                    let ids = ["UID", "RECURRENCE-ID"];
                    let ids = ids.iter().filter_map(|name| component.property(name));
                    let entry = Entry::of(component.name(), ids.cloned(), code, words);
                    answer.entries.push(entry);
                }
            }
        }
        self.head.reply(&self.target, answer)
    }

    /// The answer of the other store as one to the client: under the client's target and id.
    fn adopt(&self, objects: Vec<Component>) -> Vec<Component> {
        let target = Property::new("TARGET", &self.target);
        let id = self.head.id.as_deref();
        let adopt = |object: Component| {
            let mut made = Component::new(object.name());
            for entry in object.into_entries() {
                match entry {
                    Inner::Property(p) if p.is("TARGET") => made.push(target.clone()),
                    Inner::Property(p) if p.is("CMDID") => {
                        id.into_iter()
                            .for_each(|id| made.push(Property::text("CMDID", id)));
                    }
                    Inner::Property(p) if p.is("CMD") => {
                        let plain = p.without_param("ID");
                        made.push(match id {
                            Some(id) => plain.with_param("ID", id),
                            None => plain,
                        });
                    }
                    Inner::Property(p) => made.push(p),
                    Inner::Component(c) => made.push_component(c),
                }
            }
            made
        };
        objects.into_iter().map(adopt).collect()
    }
}

/// The request for one target, as it was written.
fn text(request: &Request<'_>, target: &str) -> Component {
    let mut made = match request.dialect {
        Dialect::A => {
            let mut method = Property::new("METHOD", &request.name);
            if let Some(option) = &request.option {
                method = method.with_param("OPTIONS", option);
            }
            Component::new("VCAP")
                .with(Property::new("VERSION", "2.0"))
                .with(method)
                .with(Property::new("CMDID", "r"))
        }
        Dialect::B => {
            let mut command = Property::new("CMD", &request.name).with_param("ID", "r");
            if let Some(option) = &request.option {
                command = command.with_param("OPTIONS", option);
            }
            let mut made = Component::new("VCALENDAR")
                .with(Property::new("VERSION", "2.0"))
                .with(Property::new("PRODID", PRODID))
                .with(command);
            if let Some(method) = &request.method {
                made.push(Property::new("METHOD", method));
            }
            made
        }
    };
    made.push(Property::new("TARGET", target));
    for object in &request.objects {
        made.push_component((*object).clone());
    }
    made
}

/// The sessions with other stores that one object needs; none with a store that was not reached, which is not tried twice.
type Sessions = HashMap<String, Option<Session>>;

impl Unfinished {
    /// This, done already if no other store has a part in it.
    pub fn into_carried(self) -> Carried {
        if self.parts.iter().any(|part| matches!(part, Part::There(_))) {
            return Carried::Unfinished(Box::new(self));
        }
        let here = self.parts.into_iter().filter_map(|part| match part {
            Part::Here(answer, id) => Some((answer, id)),
            Part::There(_) => None,
        });
        Carried::Done(outcome(
            self.who,
            self.argument,
            &here.collect::<Vec<_>>(),
            &self.boundary,
        ))
    }

    /// Runs the errands, one after another, and puts the answer together.
    pub async fn finish(self, host: &Host, settings: &Settings, client: Client) -> Outcome {
        let mut sessions = Sessions::new();
        let mut answers = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            match part {
                Part::Here(answer, id) => answers.push((answer, id)),
                Part::There(_) if self.cancel.is_set() => return Outcome::Aborted,
                Part::There(errand) => {
                    let replies = run(&errand, host, settings, &mut sessions).await;
                    let code = replies
                        .first()
                        .map(|reply| client::answer(reply.clone()).code);
                    audit::relayed(
                        (&errand.caller, client),
                        &errand.head.name,
                        &errand.target,
                        code,
                    );
                    let id = errand.head.id.clone();
                    answers.extend(replies.into_iter().map(|reply| (reply, id.clone())));
                }
            }
        }
        for session in sessions.into_values().flatten() {
            session.end().await;
        }
        outcome(self.who, self.argument, &answers, &self.boundary)
    }
}

fn outcome(
    who: Option<Box<Who>>,
    argument: String,
    answers: &[(Component, Option<String>)],
    boundary: &str,
) -> Outcome {
    let reply = Outcome::Reply {
        status: Status::SUCCESS,
        argument,
        data: object::reply(answers, boundary),
        note: String::new(),
    };
    match who {
        Some(who) => Outcome::Became(who, Box::new(reply)),
        None => reply,
    }
}

/// Runs one errand: what the client is answered.
async fn run(
    errand: &Errand,
    host: &Host,
    settings: &Settings,
    sessions: &mut Sessions,
) -> Vec<Component> {
    let limits = &settings.limits;
    let is_message = !errand.messages.is_empty();
    if errand.waits {
        return leave(errand, host).await;
    }
    let (patience, whole) = match is_message {
        true => (limits.relay_try, limits.relay_try),
        // Connecting and logging in come on top.
        false => (limits.relay_time, limits.relay_time.saturating_mul(2)),
    };
    let asked = ask(errand, host, settings, sessions, patience);
    let asked = tokio::time::timeout(whole, asked).await;
    let asked = asked.unwrap_or(Err(Failed::Silent));
    // After a refusal a session goes on; any other failure is its end.
    if asked
        .as_ref()
        .is_err_and(|cause| !matches!(cause, Failed::Refused { .. }))
    {
        sessions.insert(errand.csid.clone(), None);
    }
    match asked {
        Ok(objects) if !objects.is_empty() => errand.adopt(objects),
        Ok(_) => errand.answer("5.1", "the other store gave no answer"),
        Err(cause) => {
            tracing::warn!(store = errand.csid, %cause, "a command was not passed on");
            match cause {
                Failed::Refused { code, .. } if code == "6.4" => errand.answer(
                    "4.1",
                    "the other store does not take this store's word for you",
                ),
                _ if is_message => leave(errand, host).await,
                Failed::Login(_) | Failed::NoTls => {
                    errand.answer("4.1", "the other store does not let this store in")
                }
                Failed::Silent => errand.answer("7.0", "the other store did not answer in time"),
                _ => errand.answer("5.1", "the other store could not be reached"),
            }
        }
    }
}

/// Asks the other store, and those that it says a calendar has moved to.
async fn ask(
    errand: &Errand,
    host: &Host,
    settings: &Settings,
    sessions: &mut Sessions,
    patience: std::time::Duration,
) -> Result<Vec<Component>, Failed> {
    let (mut csid, mut text) = (errand.csid.clone(), errand.text.clone());
    let mut hops = 0;
    loop {
        if !sessions.contains_key(&csid) {
            let Some(peer) = settings.peers.named(&csid) else {
                return Err(Failed::Login("no credentials are known for it".to_owned()));
            };
            let session = Session::begin(peer, host.core.ids()).await?;
            sessions.insert(csid.clone(), Some(session));
        }
        let Some(Some(session)) = sessions.get_mut(&csid) else {
            return Err(Failed::Unreachable {
                place: csid,
                cause: io::Error::other("it was not reached a moment ago"),
            });
        };
        let sent = print::to_string(&text);
        let objects = session.ask(&errand.upn, &sent, patience).await?;
        let moved = objects.iter().find_map(moved_to);
        let next = moved.filter(|_| hops < settings.limits.relay_hops);
        let peer = next
            .as_deref()
            .and_then(|next| host.core.settings().peer_of(next));
        let (Some(next), Some(peer)) = (next, peer) else {
            return Ok(objects);
        };
        // Only stores that the operator trusts are followed to, each with the credentials for it.
        hops += 1;
        csid.clone_from(&peer.csid);
        text.set(Property::new("TARGET", next));
    }
}

/// The new address in `10.1;Moved;OLD NEW`.
fn moved_to(object: &Component) -> Option<String> {
    let status = object.value("REQUEST-STATUS")?;
    let mut parts = status.splitn(3, ';');
    let code = parts.next()?.trim();
    let new = parts.nth(1)?.split_whitespace().last()?;
    let new = Property::new("X", new);
    (code == "10.1").then(|| new.to_text().into_owned())
}

/// Leaves the messages of an errand in the outbox.
async fn leave(errand: &Errand, host: &Host) -> Vec<Component> {
    let core = host.core.clone();
    let (caller, csid, target) = (
        errand.caller.clone(),
        errand.csid.clone(),
        errand.target.clone(),
    );
    let messages = errand.messages.iter();
    let messages = messages.map(|m| (m.itip, m.object.clone(), m.from.clone()));
    let messages: Vec<_> = messages.collect();
    let left = host.jobs.run(Cost::Heavy, move || {
        messages.iter().try_for_each(|(itip, object, from)| {
            core.leave_for_store(
                &caller,
                &Dispatch {
                    itip: *itip,
                    object,
                    from,
                    to: &target,
                    csid: &csid,
                },
            )
        })
    });
    match left.await {
        Ok(Ok(())) => errand.answer("2.0.6", "It is on its way"),
        Ok(Err(cause)) => errand
            .head
            .reply(&errand.target, Answer::failed(errand.head.dialect, &cause)),
        Err(lost) => {
            tracing::error!(%lost, "a message was not left for another store");
            errand.answer("8.0", "the message could not be kept")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_calendar_has_moved_to_is_read() {
        let of = |status: &str| {
            moved_to(&Component::new("VCAP").with(Property::new("REQUEST-STATUS", status)))
        };
        let new = Some("cap://b/x".to_owned());
        assert_eq!(of("10.1;Moved;cap://a/x cap://b/x"), new);
        assert_eq!(of("10.1;;cap://b/x"), new);
        assert_eq!(of("2.0;Moved;cap://a/x cap://b/x"), None);
        assert_eq!(of("10.1"), None);
    }
}
