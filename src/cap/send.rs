//! iTIP's methods as commands: messages put into the calendars that are their targets (draft-ietf-calsch-cap-04 section
//! 10; RFC 4324 section 10.4 for CREATE with a METHOD).

use super::command::{Answer, Entry, Place, Request};
use crate::core::Core;
use crate::core::schedule::receive::Itip;
use crate::ical::component::Component;
use crate::ical::object::Kind;

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
    let is_zone = |object: &&&Component| object.is("VTIMEZONE");
    let timezones = request.objects.iter().filter(is_zone);
    let timezones: Vec<Component> = timezones.map(|zone| (*zone).clone()).collect();
    let mut groups: Vec<Vec<Component>> = Vec::new();
    for object in request.objects.iter().filter(|object| !is_zone(object)) {
        let uid = object.value("UID");
        let same = |group: &&mut Vec<Component>| {
            let mut others = group.iter();
            uid.is_some() && others.all(|other| other.value("UID") == uid)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push((*object).clone()),
            None => groups.push(vec![(*object).clone()]),
        }
    }
    if groups.is_empty() {
        return Err(Answer::of("3.11", "expected what the message is about"));
    }
    let mut entries = Vec::new();
    for group in groups {
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

/// Delivers the components of one UID. Errors: the answer that says why not.
pub(super) fn deliver(
    request: &Request<'_>,
    calid: &str,
    itip: Itip,
    group: &[Component],
    timezones: &[Component],
    core: &Core,
) -> Result<(), Answer> {
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
    let [object] = upload.objects.as_slice() else {
        return Err(Answer::of("6.3", "expected components of one UID"));
    };
    let received = core.receive(request.caller, calid, itip, object);
    received.map_err(|cause| Answer::failed(request.dialect, &cause))
}

/// Whether a METHOD is one of iTIP's.
pub(super) fn method_of(method: Option<&str>) -> Option<Itip> {
    method.and_then(Itip::named)
}
