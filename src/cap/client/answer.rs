//! What a server answers to a calendaring command, target by target, in every dress that the drafts print.

use super::Failed;
use super::reply::Reply;
use crate::cap::object;
use crate::ical::component::{Component, Entry, Property, escape_text};
use crate::limits::Limits;

/// What became of a command for one target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The target as the server writes it.
    pub target: String,
    /// The command's id.
    pub id: Option<String>,
    /// The code of its REQUEST-STATUS; empty where it has none.
    pub code: String,
    /// Its text.
    pub text: String,
    /// Properties beside those.
    pub properties: Vec<Property>,
    /// What it answers with.
    pub components: Vec<Component>,
}

/// The answers in a reply's data, in order.
///
/// Errors: [`Failed::Unreadable`].
pub fn answers(data: &[u8], limits: &Limits) -> Result<Vec<Answer>, Failed> {
    let objects = objects(data, limits)?;
    Ok(objects.into_iter().map(answer).collect())
}

pub(super) fn objects(data: &[u8], limits: &Limits) -> Result<Vec<Component>, Failed> {
    if data.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let read = object::components(data, limits);
    read.map_err(|cause| Failed::Unreadable(cause.to_string()))
}

/// The target that an answer is about; a draft prints it with a doubled colon.
pub(super) fn target_of(object: &Component) -> Option<&str> {
    let inner = || object.components().find_map(target_of);
    let target = object.value("TARGET").map(|t| t.trim_start_matches(':'));
    target.or_else(inner)
}

/// The answer of a server that refuses a target by the reply for it alone.
pub(super) fn refused(reply: &Reply) -> Component {
    let status = format!("{};{}", reply.code, escape_text(&reply.note));
    Component::new("VCAP")
        .with(Property::new("TARGET", &reply.argument))
        .with(Property::new("REQUEST-STATUS", &status))
}

/// What an object of an answer says.
pub fn answer(outer: Component) -> Answer {
    let mut answer = Answer::default();
    for entry in outer.into_entries() {
        match entry {
            Entry::Property(property) => {
                let value = property.value();
                match property.name().to_ascii_uppercase().as_str() {
                    // A draft prints it with a doubled colon.
                    "TARGET" => value.trim_start_matches(':').clone_into(&mut answer.target),
                    "CMDID" => answer.id = Some(property.to_text().into_owned()),
                    "CMD" => answer.id = property.param("ID").map(|id| id.into_owned()),
                    "REQUEST-STATUS" if answer.code.is_empty() => {
                        (answer.code, answer.text) = request_status(value);
                    }
                    "VERSION" | "PRODID" | "METHOD" | "CALSCALE" => {}
                    _ => answer.properties.push(property),
                }
            }
            // An old wrapper, and dialect B's.
            Entry::Component(inner)
                if inner.is("VDATA") || inner.is("VREPLY") || inner.is("VCOMMAND") =>
            {
                let inner = self::answer(inner);
                if answer.target.is_empty() {
                    answer.target = inner.target;
                }
                answer.id = answer.id.or(inner.id);
                if answer.code.is_empty() {
                    (answer.code, answer.text) = (inner.code, inner.text);
                }
                answer.properties.extend(inner.properties);
                answer.components.extend(inner.components);
            }
            Entry::Component(inner) => answer.components.push(inner),
        }
    }
    answer
}

/// Code and text of a REQUEST-STATUS, however it is spaced.
pub fn request_status(value: &str) -> (String, String) {
    let (code, rest) = value.split_once(';').unwrap_or((value, ""));
    let property = Property::new("X", rest.trim());
    (code.trim().to_owned(), property.to_text().into_owned())
}

/// How many targets a command is about.
pub(super) fn targets(text: &str) -> usize {
    let named = |line: &&str| {
        let name = line.split([':', ';']).next();
        name.is_some_and(|name| name.eq_ignore_ascii_case("TARGET"))
    };
    text.lines().filter(named).count()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// `target|id|code|text|names of properties|names of components` of each answer.
    fn read(data: &str) -> Vec<String> {
        let data = data.replace('|', "\r\n");
        let answers = answers(data.as_bytes(), &Limits::default()).unwrap();
        let shown = answers.into_iter().map(|answer| {
            let names: Vec<&str> = answer.properties.iter().map(Property::name).collect();
            let inner: Vec<&str> = answer.components.iter().map(Component::name).collect();
            let id = answer.id.unwrap_or_default();
            let (names, inner) = (names.join(","), inner.join(","));
            let Answer {
                target, code, text, ..
            } = answer;
            format!("{target}|{id}|{code}|{text}|{names}|{inner}")
        });
        shown.collect()
    }

    #[test]
    fn answers_are_understood_in_every_dress() {
        const EVENT: &str = "BEGIN:VEVENT|UID:1|END:VEVENT|";
        for (data, expected) in [
            ("", vec![]),
            ("|", vec![]),
            (
                "BEGIN:VCAP|VERSION:2.0|METHOD:RESPONSE|TARGET:cap://a/x|CMDID:c1|REQUEST-STATUS:2.0;Success|BEGIN:VEVENT|UID:1|END:VEVENT|END:VCAP|",
                vec!["cap://a/x|c1|2.0|Success||VEVENT"],
            ),
            // Spaces around the code, a text with a comma, more than one status.
            (
                "BEGIN:VCAP|TARGET:x|REQUEST-STATUS: 3.4 ; no\\, not so|REQUEST-STATUS:2.0|END:VCAP|",
                vec!["x||3.4|no, not so|REQUEST-STATUS|"],
            ),
            // A doubled colon, and the target beside what it is about.
            (
                "BEGIN:VCAP|BEGIN:VCOMMAND|TARGET::cap://a/x|REQUEST-STATUS:4.1;Denied|END:VCOMMAND|END:VCAP|",
                vec!["cap://a/x||4.1|Denied||"],
            ),
            // A wrapper of the first drafts.
            (
                &format!(
                    "BEGIN:VCAP|TARGET:x|BEGIN:VDATA|REQUEST-STATUS:2.0|{EVENT}END:VDATA|END:VCAP|"
                ),
                vec!["x||2.0|||VEVENT"],
            ),
            // RFC 4324's words.
            (
                &format!(
                    "BEGIN:VCALENDAR|VERSION:2.0|TARGET:x|CMD;ID=c2:REPLY|BEGIN:VREPLY|REQUEST-STATUS:2.0;ok|{EVENT}END:VREPLY|END:VCALENDAR|"
                ),
                vec!["x|c2|2.0|ok||VEVENT"],
            ),
            // Several, one after another and as parts.
            (
                "BEGIN:VCAP|TARGET:x|END:VCAP|BEGIN:VCAP|TARGET:y|X-A:1|END:VCAP|",
                vec!["x|||||", "y||||X-A|"],
            ),
            (
                "Content-Type: multipart/mixed; boundary=b||--b|Content-Type: text/calendar||BEGIN:VCAP|TARGET:x|END:VCAP|--b|Content-Type: text/calendar||BEGIN:VCAP|TARGET:y|END:VCAP|--b--|",
                vec!["x|||||", "y|||||"],
            ),
        ] {
            assert_eq!(read(data), expected, "{data}");
        }
        assert!(answers(b"hello\r\n", &Limits::default()).is_err());
    }

    #[test]
    fn a_command_says_how_many_it_is_about() {
        let text =
            "BEGIN:VCAP\r\nTARGET:a\r\ntarget;X=1:b\r\nTARGETS:c\r\n TARGET:d\r\nEND:VCAP\r\n";
        assert_eq!(targets(text), 2);
    }
}
