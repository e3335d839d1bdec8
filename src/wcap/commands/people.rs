//! fetchvcards: people and groups of the directory as cards. This server's own; no guide has it.

use crate::core::cards::Whose;
use crate::dispatch::Cost;
use crate::wcap::args::{Kind, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::encode::vcard::{self, Version};
use crate::wcap::errno::Errno;
use crate::wcap::format::Format;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, File};

/// The family's rows.
pub(super) const ROWS: &[Row] = &[Row {
    doc: "Answers people and groups as cards: text/vcard (the default here), as text/xml xCard, as text/json jCard.",
    session: Needs::Nothing,
    cost: Cost::Heavy,
    makes_cards: true,
    params: &[
        Param::optional(
            "userid",
            Kind::List,
            "Whose cards: names or mail addresses; those of nobody are passed over.",
        ),
        Param::optional(
            "search-string",
            Kind::Text,
            "Without userid: what stands in a name or mail address.",
        ),
        Param::or(
            "maxResults",
            Kind::Integer(0, u32::MAX as i64),
            "200",
            "At most so many cards; 0: as many as the server gives.",
        ),
        Param::or("version", Kind::Text, "4.0", "Of text/vcard: 4.0 or 3.0."),
    ],
    ..Row::new("fetchvcards", Errno::ComponentNotFound, fetch)
}];

fn fetch(context: &Context) -> Result<Answer, Failure> {
    let args = &context.args;
    let version = match args.text("version")?.as_deref().map(str::trim) {
        None | Some("" | "4.0" | "4") => Version::Four,
        Some("3.0" | "3") => Version::Three,
        Some(_) => return Err(Failure::Errno(Errno::BadArguments)),
    };
    let most = args.integer("maxResults")?.unwrap_or(200);
    let most = match usize::try_from(most) {
        Ok(0) | Err(_) => usize::MAX,
        Ok(most) => most,
    };
    let names = args.list("userid")?.set().unwrap_or_default();
    let names: Vec<&str> = names.iter().map(|name| name.trim()).collect();
    if names.len() > context.core.settings().limits.uids {
        return Err(Failure::Errno(Errno::BadArguments));
    }
    let text = args.text("search-string")?;
    let text = text
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let whose = match (names.as_slice(), text) {
        ([], None) => return Err(Failure::Errno(Errno::BadArguments)),
        ([], Some(text)) => Whose::Holding(text),
        (names, _) => Whose::Named(names),
    };
    let cards = context.core.cards(&context.caller, whose, most)?;
    let base = &context.base;
    let (content_type, name, content) = match context.format {
        Format::Xml => (
            "text/xml; charset=UTF-8",
            "people.xml",
            vcard::xml(&cards, base),
        ),
        Format::Json => (
            "text/json; charset=UTF-8",
            "people.json",
            vcard::json(&cards, base),
        ),
        Format::XCal => (
            "application/vcard+xml; charset=UTF-8",
            "people.xml",
            vcard::xml(&cards, base),
        ),
        Format::JCal => (
            "application/vcard+json; charset=UTF-8",
            "people.json",
            vcard::json(&cards, base),
        ),
        Format::Calendar => (
            "text/vcard; charset=UTF-8",
            "people.vcf",
            vcard::text(&cards, version, base),
        ),
    };
    Ok(Answer::File(File {
        content_type: content_type.into(),
        name: name.into(),
        content,
    }))
}
