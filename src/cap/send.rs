//! iTIP's methods as commands: messages put into the calendars that are their targets (draft-ietf-calsch-cap-04 section
//! 10; RFC 4324 section 10.4 for CREATE with a METHOD).

use super::address::Place;
use super::answer::{Answer, Entry};
use super::command::Request;
use crate::core::Core;
use crate::core::schedule::receive::Itip;
use crate::ical::component::Component;
use crate::ical::object::{CalendarObject, Kind};

/// PUBLISH, REQUEST and the others.
pub(super) fn run(request: &Request<'_>, target: &str, core: &Core) -> Answer {
    let itip = Itip::named(&request.name);
    let answer = itip.map(|itip| send(request, target, itip, core));
    match answer {
        Some(Ok(answer) | Err(answer)) => answer,
        None => Answer::of("9.0", "expected a method of iTIP"),
    }
}

/// Sends what stands in a command.
pub(super) fn send(
    request: &Request<'_>,
    target: &str,
    itip: Itip,
    core: &Core,
) -> Result<Answer, Answer> {
    let Place::Calendar(calid) = Place::of(target, &request.settings.csid)? else {
        return Err(Answer::of("6.3", "expected a calendar as TARGET"));
    };
    let mut entries = Vec::new();
    for Group {
        components: group,
        timezones,
    } in groups(request)?
    {
        let (code, text) = match deliver(request, &calid, itip, &group, &timezones, core) {
            Ok(()) => ("2.0", "Success".to_owned()),
            Err(answer) => (answer.status(), answer.text().to_owned()),
        };
        for component in &group {
            let ids = ["UID", "RECURRENCE-ID"];
            let ids = ids.iter().filter_map(|name| component.property(name));
            entries.push(Entry::of(component.name(), ids.cloned(), code, &text));
        }
    }
    Ok(Answer::with(entries))
}

/// The components of one UID, and the zones that stand beside them.
pub(super) struct Group {
    pub(super) components: Vec<Component>,
    pub(super) timezones: Vec<Component>,
}

/// What a message is about, by UID. Errors: it is about nothing.
pub(super) fn groups(request: &Request<'_>) -> Result<Vec<Group>, Answer> {
    let is_zone = |object: &&&Component| object.is("VTIMEZONE");
    let timezones = request.objects.iter().filter(is_zone);
    let timezones: Vec<Component> = timezones.map(|zone| (*zone).clone()).collect();
    let mut groups: Vec<Group> = Vec::new();
    for object in request.objects.iter().filter(|object| !is_zone(object)) {
        let uid = object.value("UID");
        let same = |group: &&mut Group| {
            let mut others = group.components.iter();
            uid.is_some() && others.all(|other| other.value("UID") == uid)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.components.push((*object).clone()),
            None => groups.push(Group {
                components: vec![(*object).clone()],
                timezones: timezones.clone(),
            }),
        }
    }
    match groups.is_empty() {
        true => Err(Answer::of("3.11", "expected what the message is about")),
        false => Ok(groups),
    }
}

/// Delivers the components of one UID. Errors: the answer that says why not.
pub(super) fn deliver(
    request: &Request<'_>,
    calid: &str,
    itip: Itip,
    group: &[Component],
    timezones: &[Component],
    core: &Core,
) -> Result<(), Answer> {
    let object = message(itip, group, timezones, core)?;
    let received = core.receive(request.caller, calid, itip, &object);
    received.map_err(|cause| Answer::failed(request.dialect, &cause))
}

/// The components of one UID as one object. Errors: they are none.
pub(super) fn message(
    itip: Itip,
    group: &[Component],
    timezones: &[Component],
    core: &Core,
) -> Result<CalendarObject, Answer> {
    let mut whole = timezones.to_vec();
    for component in group {
        if Kind::of(component.name()).is_none() {
            let message = format!("no {} is sent of a {}", itip.as_str(), component.name());
            return Err(Answer::of("3.14", message));
        }
        if component.property("UID").is_none() {
            return Err(Answer::of("3.11", "expected a UID"));
        }
        let mut component = component.clone();
        component.remove("METHOD");
        whole.push(component);
    }
    let upload = core.group_message(itip.as_str(), whole);
    if let Some(fault) = upload.faults.first() {
        return Err(Answer::of("6.3", fault.to_string()));
    }
    match <[CalendarObject; 1]>::try_from(upload.objects) {
        Ok([object]) => Ok(object),
        Err(_) => Err(Answer::of("6.3", "expected components of one UID")),
    }
}

/// Whether a METHOD is one of iTIP's.
pub(super) fn method_of(method: Option<&str>) -> Option<Itip> {
    method.and_then(Itip::named)
}
