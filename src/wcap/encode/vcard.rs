//! Cards of people and groups: `text/vcard` of version 4.0 (RFC 6350) or 3.0 (RFC 2426), xCard (RFC 6351) and jCard
//! (RFC 7095).

use crate::core::cards::Card;
use crate::ical::component::{Component, Property, escape_text};
use crate::ical::print;
use crate::text::json::JsonWriter;
use crate::text::xml::XmlWriter;
use crate::wcap::reply::PRODID;

/// A version of vCard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// RFC 2426.
    Three,
    /// RFC 6350.
    Four,
}

/// One property of a card.
struct Line {
    name: &'static str,
    params: Vec<(&'static str, &'static str)>,
    kind: &'static str,
    value: Value,
}

enum Value {
    One(String),
    /// The parts of N, with the elements they are in XML.
    Name([(&'static str, String); 5]),
}

fn line(name: &'static str, kind: &'static str, value: impl Into<String>) -> Line {
    Line {
        name,
        params: Vec::new(),
        kind,
        value: Value::One(value.into()),
    }
}

/// The properties of a card in version 4.0. `base` is what addresses of this server begin with.
fn lines(card: &Card, base: &str) -> Vec<Line> {
    let kind = match card.members {
        Some(_) => "group",
        None => "individual",
    };
    let mut lines = vec![
        line("prodid", "text", PRODID),
        line("kind", "text", kind),
        line("uid", "text", &*card.name),
        line("fn", "text", &*card.full_name),
    ];
    if !card.surname.is_empty() || !card.given_name.is_empty() {
        lines.push(name(card));
    }
    for (at, mail) in card.mail.iter().enumerate() {
        let mut email = line("email", "text", &**mail);
        if at == 0 && card.mail.len() > 1 {
            email.params.push(("pref", "1"));
        }
        lines.push(email);
    }
    for member in card.members.iter().flatten() {
        lines.push(line("member", "uri", format!("mailto:{member}")));
    }
    if let Some(calid) = &card.calid {
        let busy = busy_address(base, calid);
        lines.extend(busy.map(|address| line("fburl", "uri", address)));
        if let Some(mail) = card.mail.first() {
            lines.push(line("caladruri", "uri", format!("mailto:{mail}")));
        }
    }
    lines
}

fn name(card: &Card) -> Line {
    Line {
        name: "n",
        params: Vec::new(),
        kind: "text",
        value: Value::Name([
            ("surname", card.surname.clone()),
            ("given", card.given_name.clone()),
            ("additional", String::new()),
            ("prefix", String::new()),
            ("suffix", String::new()),
        ]),
    }
}

/// Where busy times are told; none where only a path of this server is known.
fn busy_address(base: &str, calid: &str) -> Option<String> {
    let calid = crate::text::form::encode(calid);
    base.contains("://")
        .then(|| format!("{base}get_freebusy.wcap?calid={calid}"))
}

/// Cards as text, one after the other.
pub(crate) fn text(cards: &[Card], version: Version, base: &str) -> Vec<u8> {
    let mut out = String::new();
    for card in cards {
        let component = match version {
            Version::Four => four(card, base),
            Version::Three => three(card, base),
        };
        print::write(&component, &mut out);
    }
    out.into_bytes()
}

fn four(card: &Card, base: &str) -> Component {
    let mut component = Component::new("VCARD").with(Property::new("VERSION", "4.0"));
    for line in lines(card, base) {
        let value = match &line.value {
            Value::One(text) if line.kind == "text" => escape_text(text).into_owned(),
            Value::One(uri) => uri.clone(),
            Value::Name(parts) => parts
                .each_ref()
                .map(|(_, part)| escape_text(part))
                .join(";"),
        };
        let mut property = Property::new(&line.name.to_ascii_uppercase(), value);
        // The type of a UID is an address unless it says otherwise.
        if line.name == "uid" {
            property = property.with_param("VALUE", "text");
        }
        for (name, value) in &line.params {
            property = property.with_param(&name.to_ascii_uppercase(), value);
        }
        component.push(property);
    }
    component
}

/// Version 3.0 must have N, and knows groups by what address books made of it.
fn three(card: &Card, base: &str) -> Component {
    let (surname, given) = match (card.surname.as_str(), card.given_name.as_str()) {
        ("", "") => (card.full_name.as_str(), ""),
        names => names,
    };
    let name = format!("{};{};;;", escape_text(surname), escape_text(given));
    let mut component = Component::new("VCARD")
        .with(Property::new("VERSION", "3.0"))
        .with(Property::new("PRODID", PRODID))
        .with(Property::text("UID", &card.name))
        .with(Property::text("FN", &card.full_name))
        .with(Property::new("N", name));
    for (at, mail) in card.mail.iter().enumerate() {
        let kind = if at == 0 { "INTERNET,PREF" } else { "INTERNET" };
        let email = Property::from_line(format!("EMAIL;TYPE={kind}:{}", escape_text(mail)));
        component = email.into_iter().fold(component, Component::with);
    }
    if let Some(members) = &card.members {
        component.push(Property::new("X-ADDRESSBOOKSERVER-KIND", "group"));
        for member in members {
            let member = format!("mailto:{member}");
            component.push(Property::new("X-ADDRESSBOOKSERVER-MEMBER", member));
        }
    }
    let busy = card
        .calid
        .as_ref()
        .and_then(|calid| busy_address(base, calid));
    if let Some(address) = busy {
        component.push(Property::new("FBURL", address));
    }
    component
}

/// Cards as one document.
pub(crate) fn xml(cards: &[Card], base: &str) -> Vec<u8> {
    let mut xml = XmlWriter::with_capacity(512 * cards.len());
    xml.declaration();
    xml.start_open("vcards");
    xml.attribute("xmlns", "urn:ietf:params:xml:ns:vcard-4.0");
    xml.end_open();
    xml.line_break();
    for card in cards {
        xml.open("vcard");
        xml.line_break();
        for line in lines(card, base) {
            write_element(&mut xml, &line);
        }
        xml.close("vcard");
        xml.line_break();
    }
    xml.close("vcards");
    xml.line_break();
    xml.finish().into_bytes()
}

fn write_element(xml: &mut XmlWriter, line: &Line) {
    let leaf = |xml: &mut XmlWriter, name: &str, text: &str| {
        xml.open(name);
        xml.text(text);
        xml.close(name);
    };
    xml.open(line.name);
    if !line.params.is_empty() {
        xml.open("parameters");
        for (name, value) in &line.params {
            xml.open(name);
            leaf(xml, "integer", value);
            xml.close(name);
        }
        xml.close("parameters");
    }
    match &line.value {
        Value::One(text) => leaf(xml, line.kind, text),
        Value::Name(parts) => parts.iter().for_each(|(name, part)| leaf(xml, name, part)),
    }
    xml.close(line.name);
    xml.line_break();
}

/// Cards as an array of jCards.
pub(crate) fn json(cards: &[Card], base: &str) -> Vec<u8> {
    let mut json = JsonWriter::with_capacity(512 * cards.len());
    json.open_array();
    for card in cards {
        json.open_array();
        json.string("vcard");
        json.open_array();
        let version = line("version", "text", "4.0");
        for line in std::iter::once(version).chain(lines(card, base)) {
            json.open_array();
            json.string(line.name);
            json.open_object();
            for (name, value) in &line.params {
                json.member(name, value);
            }
            json.close_object();
            json.string(line.kind);
            match &line.value {
                Value::One(text) => json.string(text),
                Value::Name(parts) => {
                    json.open_array();
                    parts.iter().for_each(|(_, part)| json.string(part));
                    json.close_array();
                }
            }
            json.close_array();
        }
        json.close_array();
        json.close_array();
    }
    json.close_array();
    json.finish()
}

#[cfg(test)]
#[path = "vcard_tests.rs"]
mod tests;
