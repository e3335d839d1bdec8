//! Answers for programs: one JSON document for each command, components in jCal (RFC 7265).

use super::shown::{self, Outcome};
use crate::cap::client::Answer;
use crate::ical::typed::{self, Value};
use crate::text::json::JsonWriter;
use crate::wcap::encode::jcal;

/// What is told of each target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The components that a query has found.
    Found,
    /// Busy times.
    Busy,
    /// What became of components.
    Outcomes,
}

/// The answers of a command.
pub(super) fn answers(answers: &[Answer], told: Told) -> String {
    let mut json = JsonWriter::default();
    json.open_object();
    json.key("answers");
    json.open_array();
    for answer in answers {
        json.open_object();
        json.member("target", &answer.target);
        status(&mut json, &answer.code, &answer.text);
        json.key(match told {
            Told::Found => "components",
            Told::Busy => "busy",
            Told::Outcomes => "results",
        });
        json.open_array();
        match told {
            Told::Found => answer
                .components
                .iter()
                .for_each(|component| jcal::write_component(&mut json, component)),
            Told::Busy => busy(&mut json, answer),
            Told::Outcomes => answer.components.iter().for_each(|component| {
                let Outcome { id, code, text } = shown::outcome(component);
                json.open_object();
                json.member("id", &id);
                status(&mut json, &code, &text);
                json.close_object();
            }),
        }
        json.close_array();
        json.close_object();
    }
    json.close_array();
    json.close_object();
    finished(json)
}

/// A reply that is a list.
pub(super) fn lines(code: &str, note: &str, lines: &[String]) -> String {
    let mut json = JsonWriter::default();
    json.open_object();
    status(&mut json, code, note);
    json.key("lines");
    json.open_array();
    lines.iter().for_each(|line| json.string(line));
    json.close_array();
    json.close_object();
    finished(json)
}

/// Where a server says nothing it means success.
fn status(json: &mut JsonWriter, code: &str, text: &str) {
    json.member("status", if code.is_empty() { "2.0" } else { code });
    json.member("text", text);
}

fn busy(json: &mut JsonWriter, answer: &Answer) {
    let components = answer.components.iter();
    for property in components.flat_map(|own| own.properties_named("FREEBUSY")) {
        let kind = property.param("FBTYPE").unwrap_or_else(|| "BUSY".into());
        for value in typed::of(property).values {
            let Value::Parts(parts) = value else {
                continue;
            };
            json.open_object();
            for (name, part) in ["start", "end"].iter().zip(&parts) {
                json.member(name, part);
            }
            json.member("kind", &kind);
            json.close_object();
        }
    }
}

/// The document, with an end of line. Control characters are escaped, those too that JSON would let stand: it may be read
/// on a terminal.
fn finished(json: JsonWriter) -> String {
    let octets = json.finish();
    let mut text = String::with_capacity(octets.len() + 1);
    for c in String::from_utf8_lossy(&octets).chars() {
        match c.is_control() {
            true => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => text.push(c),
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::cap::client;
    use crate::limits::Limits;

    fn read(data: &str) -> Vec<Answer> {
        let data = data.replace('|', "\r\n");
        client::answers(data.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn answers_are_told_target_by_target() {
        let found = read(
            "BEGIN:VCAP|TARGET:x|REQUEST-STATUS:2.0;Truncated|BEGIN:VEVENT|UID:1|SUMMARY:a\u{9b}\\, b|END:VEVENT|END:VCAP|\
             BEGIN:VCAP|TARGET:y|REQUEST-STATUS:4.1;No|END:VCAP|",
        );
        assert_eq!(
            answers(&found, Told::Found),
            "{\"answers\":[\
             {\"target\":\"x\",\"status\":\"2.0\",\"text\":\"Truncated\",\"components\":[[\"vevent\",[[\"uid\",{},\"text\",\"1\"],[\"summary\",{},\"text\",\"a\\u009b, b\"]],[]]]},\
             {\"target\":\"y\",\"status\":\"4.1\",\"text\":\"No\",\"components\":[]}]}\n"
        );
        let busy = read(
            "BEGIN:VCAP|TARGET:x|BEGIN:VFREEBUSY|FREEBUSY;FBTYPE=BUSY-TENTATIVE:20070521T130000Z/20070521T140000Z,20070522T130000Z/PT1H|END:VFREEBUSY|END:VCAP|",
        );
        assert_eq!(
            answers(&busy, Told::Busy),
            "{\"answers\":[{\"target\":\"x\",\"status\":\"2.0\",\"text\":\"\",\"busy\":[\
             {\"start\":\"2007-05-21T13:00:00Z\",\"end\":\"2007-05-21T14:00:00Z\",\"kind\":\"BUSY-TENTATIVE\"},\
             {\"start\":\"2007-05-22T13:00:00Z\",\"end\":\"PT1H\",\"kind\":\"BUSY-TENTATIVE\"}]}]}\n"
        );
        let done = read(
            "BEGIN:VCAP|TARGET:x|BEGIN:VEVENT|UID:1|REQUEST-STATUS:8.5;Taken|END:VEVENT|END:VCAP|",
        );
        assert_eq!(
            answers(&done, Told::Outcomes),
            "{\"answers\":[{\"target\":\"x\",\"status\":\"2.0\",\"text\":\"\",\"results\":[\
             {\"id\":\"1\",\"status\":\"8.5\",\"text\":\"Taken\"}]}]}\n"
        );
        assert_eq!(
            lines("2.3", "more", &["a".into()]),
            "{\"status\":\"2.3\",\"text\":\"more\",\"lines\":[\"a\"]}\n"
        );
    }
}
