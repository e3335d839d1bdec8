//! Commands about the session, in objects: RFC 4324's GET-CAPABILITY, IDENTIFY and SET-LOCALE (sections 10.6, 10.7 and
//! 10.12), and those that belong to a question of the server (CONTINUE, ABORT, TIMEOUT, REPLY).

use super::answer::Answer;
use super::capability;
use super::command::Request;
use super::job::Who;
use super::{PRODID, object};
use crate::core::Core;
use crate::ical::component::{Component, Property};
use crate::ical::value;

/// The charset of everything that is said.
const CHARSET: &str = "UTF-8";

/// GET-CAPABILITY.
pub(super) fn capability(request: &Request<'_>, _: &str, _: &Core) -> Answer {
    let mut answer = Answer::success();
    let lines = capability::properties(request.settings).into_iter();
    answer.properties = lines
        .map(|(name, value)| Property::new(name, value))
        .collect();
    answer
}

/// IDENTIFY: for what comes after this object the session acts for somebody else, or for whoever logged in.
pub(super) fn identify(request: &Request<'_>, _: &str, core: &Core) -> Answer {
    let found = core.act_as(request.login, request.option.as_deref(), request.client);
    match found {
        Ok(Some((upn, caller))) => {
            let mut answer = Answer::success();
            answer.who = Some(Box::new(Who { upn, caller }));
            answer
        }
        Ok(None) => Answer::of("6.4", "Identity not permitted"),
        Err(cause) => Answer::failed(request.dialect, &cause),
    }
}

/// SET-LOCALE. All texts of this server are in the language of its store, so that there is nothing else to set.
pub(super) fn locale(request: &Request<'_>, _: &str, core: &Core) -> Answer {
    match request.option.as_deref() {
        Some(wanted) => match is_spoken(wanted, core) {
            Ok(true) => Answer::success(),
            Ok(false) => not_spoken(),
            Err(cause) => Answer::failed(request.dialect, &cause),
        },
        None => Answer::success(),
    }
}

/// The answer to a command that is to be answered in a locale which the store has not.
pub(super) fn not_spoken() -> Answer {
    let message = "expected a locale of the store's DEFAULT-LOCALE, and UTF-8";
    Answer::of("3.14", message)
}

/// Whether the store speaks a locale, written `fr_FR` or `fr_FR.UTF-8`.
pub(super) fn is_spoken(wanted: &str, core: &Core) -> crate::core::Result<bool> {
    let (locale, charset) = wanted.split_once('.').unwrap_or((wanted, CHARSET));
    let plain = |text: &str| text.trim().replace('_', "-").to_ascii_lowercase();
    let set = core.store_properties()?;
    let lines = set.iter().find(|(name, _)| name == "DEFAULT-LOCALE");
    let known = match lines {
        None => capability::LOCALES.to_owned(),
        Some((_, lines)) => {
            let lines = lines.iter().map(|line| Property::from_line(line.as_str()));
            let values = lines.flatten().map(|line| line.to_text().into_owned());
            values.collect::<Vec<_>>().join(",")
        }
    };
    let known = known.split(',').any(|known| plain(known) == plain(locale));
    Ok(known && charset.eq_ignore_ascii_case(CHARSET))
}

/// An object of the server's own about a command: TIMEOUT, the question whether to go on, or the REPLY to an answer to it.
pub(super) fn word(name: &str, id: Option<&str>, status: Option<(&str, &str)>) -> Vec<u8> {
    let mut command = Property::new("CMD", name);
    if let Some(id) = id {
        command = command.with_param("ID", id);
    }
    let mut made = Component::new("VCALENDAR")
        .with(Property::new("VERSION", "2.0"))
        .with(Property::new("PRODID", PRODID))
        .with(command);
    if let Some((code, text)) = status {
        let mut reply = Component::new("VREPLY");
        reply.push(value::request_status_property(code, text, None));
        made.push_component(reply);
    }
    object::reply(&[(made, id.map(str::to_owned))], "")
}

/// CONTINUE and ABORT that come as the turn of their object has come: what they could be about is done.
pub(super) fn nothing_pending(_: &Request<'_>, _: &str, _: &Core) -> Answer {
    Answer::of("2.2", "nothing in progress")
}

/// TIMEOUT, and REPLY: the server's words.
pub(super) fn not_asked(_: &Request<'_>, _: &str, _: &Core) -> Answer {
    Answer::of("9.1", "nothing was asked")
}
