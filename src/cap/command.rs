//! The calendaring commands inside an object, in both dialects: recognised, carried out one after another for each
//! target, answered in the dialect they came in (draft-ietf-calsch-cap-04 section 7.2; RFC 4324 for dialect B).
//!
//! [`METHODS`] has a row for each. What is about a calendar of another store is left to [`elsewhere`].

use super::answer::Answer;
use super::elsewhere::{self, Part, Unfinished};
use super::job::{Cancel, Carried, Outcome};
use super::object::{self, Fault};
use super::reply::Head;
use super::status::Status;
use super::{Settings, audit, query, send, session, write};
use crate::core::{Caller, Client, Core};
use crate::ical::component::{Component, Property};

/// Which of the two vocabularies an object is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The draft's: VCAP, VCOMMAND, METHOD, CMDID.
    A,
    /// RFC 4324's: VCALENDAR, CMD and its parameters, VREPLY.
    B,
}

/// A command and what carries it out.
pub struct Method {
    /// Its name in dialect A; in B `_` and `-` are the same.
    name: &'static str,
    /// Its name in dialect B, where that is another.
    other: &'static str,
    /// Whether it is about a place, which a TARGET names; else it is about the session.
    placed: bool,
    run: Run,
}

/// Carries a command out for one target.
type Run = fn(&Request<'_>, &str, &Core) -> Answer;

/// The commands of both dialects.
pub const METHODS: &[Method] = &[
    method("CREATE", "", write::create),
    method("DELETE", "", write::delete),
    method("MODIFY", "", write::modify),
    method("MOVE", "", write::relocate),
    method("READ", "SEARCH", query::read),
    of_session("GENERATEUID", "GENERATE-UID", generate_uids),
    of_session("NOOP", "", noop),
    method("PUBLISH", "", send::run),
    method("REQUEST", "", send::run),
    method("REPLY", "", send::run),
    method("ADD", "", send::run),
    method("CANCEL", "", send::run),
    method("REFRESH", "", send::run),
    method("COUNTER", "", send::run),
    method("DECLINECOUNTER", "DECLINE-COUNTER", send::run),
    of_session("GET-CAPABILITY", "", session::capability),
    of_session("IDENTIFY", "", session::identify),
    of_session("SET-LOCALE", "", session::locale),
    of_session("CONTINUE", "", session::nothing_pending),
    of_session("ABORT", "", session::nothing_pending),
    of_session("TIMEOUT", "", session::not_asked),
];

const fn method(name: &'static str, other: &'static str, run: Run) -> Method {
    Method {
        name,
        other,
        placed: true,
        run,
    }
}

const fn of_session(name: &'static str, other: &'static str, run: Run) -> Method {
    Method {
        placed: false,
        ..method(name, other, run)
    }
}

/// One command of an object.
pub struct Request<'a> {
    /// The vocabulary it is written in.
    pub dialect: Dialect,
    /// Who asks.
    pub caller: &'a Caller,
    /// Whoever logged in: rights to become somebody never add up.
    pub login: &'a Caller,
    /// Where they are.
    pub client: Client,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Option<String>,
    /// Where it is to be carried out.
    pub targets: Vec<String>,
    /// The option of commands that take one.
    pub option: Option<String>,
    /// The iTIP method beside the command, in dialect B.
    pub method: Option<String>,
    /// The locale to answer in.
    pub locale: Option<String>,
    /// What is wrong with it as it is written: the code and a sentence.
    pub fault: Option<(&'static str, &'static str)>,
    /// What it is about: the components in it, in order.
    pub objects: Vec<&'a Component>,
    /// What the door is set to.
    pub settings: &'a Settings,
}

/// For whom an object is worked on.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Whom the session acts for.
    pub caller: &'a Caller,
    /// Whoever logged in.
    pub login: &'a Caller,
    /// Where they are.
    pub client: Client,
}

/// Carries out all commands of an object.
pub fn carry_out(
    core: &Core,
    settings: &Settings,
    asker: Asker<'_>,
    octets: &[u8],
    cancel: &Cancel,
) -> Carried {
    let components = object::components(octets, &settings.limits);
    let requests = components
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|components| requests(components, asker, settings));
    let requests = match requests {
        Ok(requests) => requests,
        Err(Fault(note)) => {
            return Carried::Done(Outcome::Reply {
                status: Status::BAD_ARGUMENTS,
                argument: String::new(),
                data: Vec::new(),
                note,
            });
        }
    };
    let mut parts = Vec::new();
    let mut who = None;
    for request in &requests {
        // A command without a target is about the session.
        let everywhere = [String::new()];
        let targets = match request.targets.is_empty() {
            true => &everywhere[..],
            false => &request.targets,
        };
        for target in targets {
            if cancel.is_set() {
                return Carried::Done(Outcome::Aborted);
            }
            let errand = match request.fault {
                Some((code, text)) => Err(Answer::of(code, text)),
                None => elsewhere::errand(request, target, core),
            };
            let answer = match errand {
                Ok(Some(errand)) => {
                    parts.push(Part::There(Box::new(errand)));
                    continue;
                }
                Ok(None) => request.run(target, core),
                Err(answer) => answer,
            };
            audit::note(core, request, asker.client, target, &answer);
            who = answer.who.clone().or(who);
            let replies = request.head().reply(target, answer).into_iter();
            parts.extend(replies.map(|reply| Part::Here(reply, request.id.clone())));
        }
    }
    let mut random = [0; 8];
    core.ids().fill(&mut random);
    let boundary = format!("cap-{:016x}", u64::from_be_bytes(random));
    let whole = Unfinished {
        parts,
        argument: only_id(&requests),
        boundary,
        who,
        cancel: cancel.clone(),
    };
    whole.into_carried()
}

/// The id of the object's command, if there is exactly one.
fn only_id(requests: &[Request<'_>]) -> String {
    let mut ids = requests.iter().filter_map(|request| request.id.as_deref());
    let first = ids.next().unwrap_or_default();
    match ids.all(|id| id == first) {
        true => first.to_owned(),
        false => String::new(),
    }
}

/// The commands in the outermost components of an object.
fn requests<'a>(
    components: &'a [Component],
    asker: Asker<'a>,
    settings: &'a Settings,
) -> Result<Vec<Request<'a>>, Fault> {
    let mut found = Vec::new();
    for outer in components {
        if let Some(command) = outer.property("CMD") {
            found.push(in_b(outer, command, asker, settings));
        } else if outer.is("VCAP") || outer.is("VCALENDAR") {
            let mut commands = Vec::new();
            flatten(outer, &mut commands);
            if commands.is_empty() {
                commands.push(outer);
            }
            let request = |command| in_a(outer, command, asker, settings);
            found.extend(commands.into_iter().map(request));
        } else {
            let sentence = format!("expected VCAP or VCALENDAR, found {}", outer.name());
            return Err(Fault(sentence));
        }
    }
    let most = settings.limits.calids;
    let named = found.iter().map(|request| request.targets.len());
    match named.max() {
        Some(named) if named > most => Err(Fault(format!(
            "expected at most {most} TARGETs in a command, found {named}"
        ))),
        _ => Ok(found),
    }
}

/// The VCOMMANDs in a component; one inside another counts as standing beside it.
fn flatten<'c>(component: &'c Component, found: &mut Vec<&'c Component>) {
    let mut open: Vec<_> = component.components_named("VCOMMAND").collect();
    open.reverse();
    while let Some(command) = open.pop() {
        found.push(command);
        let mut inner: Vec<_> = command.components_named("VCOMMAND").collect();
        inner.reverse();
        open.extend(inner);
    }
}

fn in_a<'a>(
    outer: &'a Component,
    command: &'a Component,
    asker: Asker<'a>,
    settings: &'a Settings,
) -> Request<'a> {
    // What the command does not say is inherited.
    let inherited = |name: &str| command.property(name).or_else(|| outer.property(name));
    let targets = |component: &Component| {
        let targets = component.properties_named("TARGET");
        targets
            .map(|target| target.value().to_owned())
            .collect::<Vec<_>>()
    };
    let own = targets(command);
    let method = inherited("METHOD");
    Request {
        dialect: Dialect::A,
        caller: asker.caller,
        login: asker.login,
        client: asker.client,
        name: method
            .map(|method| method.value().to_owned())
            .unwrap_or_default(),
        id: inherited("CMDID").map(|id| id.to_text().into_owned()),
        targets: if own.is_empty() { targets(outer) } else { own },
        option: method.and_then(|method| method.param("OPTIONS").map(|o| o.into_owned())),
        method: None,
        locale: None,
        fault: fault_of_version(outer),
        objects: command
            .components()
            .filter(|inner| !inner.is("VCOMMAND"))
            .collect(),
        settings,
    }
}

fn in_b<'a>(
    outer: &'a Component,
    command: &'a Property,
    asker: Asker<'a>,
    settings: &'a Settings,
) -> Request<'a> {
    // Printed examples put the parameters after the colon.
    let (within, name) = command
        .value()
        .rsplit_once(':')
        .unwrap_or(("", command.value()));
    let param = |wanted: &str| {
        let after = within.split(';').find_map(|param| {
            let (name, value) = param.split_once('=')?;
            name.eq_ignore_ascii_case(wanted)
                .then(|| value.trim_matches('"').to_owned())
        });
        command
            .param(wanted)
            .map(|value| value.into_owned())
            .or(after)
    };
    let targets = outer.properties_named("TARGET");
    let name = name.trim();
    Request {
        dialect: Dialect::B,
        caller: asker.caller,
        login: asker.login,
        client: asker.client,
        name: name.to_owned(),
        id: param("ID"),
        targets: targets.map(|target| target.value().to_owned()).collect(),
        option: param("OPTIONS").or_else(|| param("OPTION")),
        method: outer.value("METHOD").map(str::to_owned),
        locale: param("LOCALIZE"),
        fault: fault_of_version(outer).or_else(|| {
            let fault = fault_of_times(name, param("LATENCY"), param("ACTION"));
            fault.map(|fault| ("6.3", fault))
        }),
        objects: outer.components().collect(),
        settings,
    }
}

/// What is wrong with the VERSION of an object: the draft's tables say 2.0, its examples 2.1, some have none.
fn fault_of_version(outer: &Component) -> Option<(&'static str, &'static str)> {
    let mut versions = outer.properties_named("VERSION");
    let known = versions.all(|version| ["2.0", "2.1"].contains(&version.value().trim()));
    (!known).then_some(("3.9", "expected VERSION to be 2.0"))
}

/// What is wrong with LATENCY and ACTION, which come together (RFC 4324 section 10.1).
fn fault_of_times(
    name: &str,
    latency: Option<String>,
    action: Option<String>,
) -> Option<&'static str> {
    let known = |action: &str| {
        ["ASK", "ABORT"]
            .iter()
            .any(|a| action.eq_ignore_ascii_case(a))
    };
    let timeless = ["ABORT", "CONTINUE", "TIMEOUT", "REPLY"];
    match (latency, action) {
        (None, None) => None,
        _ if timeless
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other)) =>
        {
            Some("expected no LATENCY and no ACTION here")
        }
        (Some(latency), Some(action)) => match latency.parse::<u32>() {
            Ok(1..) if known(&action) => None,
            Ok(1..) => Some("expected ACTION to be ASK or ABORT"),
            _ => Some("expected LATENCY in seconds, 1 or more"),
        },
        _ => Some("expected LATENCY and ACTION together"),
    }
}

impl Request<'_> {
    fn method_row(&self) -> Option<&'static Method> {
        let name = self.name.replace('_', "-");
        METHODS.iter().find(|method| {
            name.eq_ignore_ascii_case(method.name)
                || (!method.other.is_empty() && name.eq_ignore_ascii_case(method.other))
        })
    }

    /// Its name in dialect A, if it is a command.
    pub fn known_name(&self) -> Option<&'static str> {
        self.method_row().map(|method| method.name)
    }

    fn run(&self, target: &str, core: &Core) -> Answer {
        if self.name.is_empty() {
            return Answer::of("6.3", "expected a METHOD, found none");
        }
        if let Some(locale) = &self.locale {
            match session::is_spoken(locale, core) {
                Ok(true) => {}
                Ok(false) => return session::not_spoken(),
                Err(cause) => return Answer::failed(self.dialect, &cause),
            }
        }
        match self.method_row() {
            // There it is the name of answers; messages are created.
            Some(method) if self.dialect == Dialect::B && method.name == "REPLY" => {
                session::not_asked(self, target, core)
            }
            Some(method) if method.placed && target.is_empty() => {
                Answer::of("6.3", "expected a TARGET, found none")
            }
            Some(method) => (method.run)(self, target, core),
            None => Answer::of("9.0", "expected a command of CAP"),
        }
    }

    /// What its answers are made with.
    pub(super) fn head(&self) -> Head {
        Head {
            dialect: self.dialect,
            name: self.name.clone(),
            id: self.id.clone(),
            csid: self.settings.csid.clone(),
        }
    }
}

fn noop(_: &Request<'_>, _: &str, _: &Core) -> Answer {
    Answer::of("2.0", "Success")
}

fn generate_uids(request: &Request<'_>, _: &str, core: &Core) -> Answer {
    let most = request.settings.limits.cap_uids;
    let count = request.option.as_deref().unwrap_or("1").parse::<usize>();
    let Ok(count @ 1..) = count else {
        return Answer::of("6.3", format!("expected OPTIONS from 1 to {most}"));
    };
    if count > most {
        return Answer::of("6.3", format!("expected OPTIONS from 1 to {most}"));
    }
    let mut answer = Answer::of("2.0", "Success");
    let uids = (0..count).map(|_| Property::new("UID", core.ids().uid()));
    answer.properties.extend(uids);
    answer
}
