//! Attachments of items: taken out of what comes in, kept once, put in again where it leaves, read by who may.
//!
//! In the store an item names its attachments by id; `store::attachments` knows who names what. Inline data of an
//! import becomes such a name, an export has inline data again, with the parameters in their old order. Whoever
//! sees an item that names an attachment may read it, nobody else. How attachments travel is the doors' work.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use super::access::{Granted, Reading};
use super::error::{Error, Kind, Result};
use super::{Caller, Core};
use crate::ical::component::{Component, Entry, Property};
use crate::ical::object::CalendarObject;
use crate::limits::Limits;
use crate::model::attachment::{AttachmentId, CLIENT_ID_PARAM, ID_PARAM, NAME_PARAM, SIZE_PARAM};
use crate::model::id::CalendarId;
use crate::store::attachments::{self, Secret};
use crate::store::{Reader, WriteTxn, calendars, derive, items};

/// A file that becomes an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// What it is called; no path.
    pub name: Option<String>,
    /// Its media type.
    pub media_type: Option<String>,
    /// The id that the client gave it.
    pub client_id: Option<String>,
    /// Its octets.
    pub content: Bytes,
}

/// An attachment as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentFile {
    /// Its id.
    pub id: AttachmentId,
    /// What it is called, as the item says it.
    pub name: Option<String>,
    /// Its media type, as the item says it: nothing to be trusted.
    pub media_type: Option<String>,
    /// Its octets.
    pub content: Vec<u8>,
}

/// What is known of attachments that an answer names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachments {
    known: BTreeMap<AttachmentId, Known>,
    /// Octets of all data in it.
    total: usize,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Octets.
    pub length: u64,
    /// The octets themselves, if they were asked for.
    pub content: Option<Vec<u8>>,
}

/// For answers that name none.
pub static NO_ATTACHMENTS: Attachments = Attachments {
    known: BTreeMap::new(),
    total: 0,
};

impl Attachments {
    /// What is known of one; none when it is not kept here.
    pub fn get(&self, id: AttachmentId) -> Option<&Known> {
        self.known.get(&id)
    }

    /// Looks up what a component names, with its data where `data` is its bound for the whole answer.
    ///
    /// Errors: `TooMuch` for more data.
    pub(super) fn learn(
        &mut self,
        t: &impl Reader,
        component: &Component,
        data: Option<usize>,
    ) -> Result<()> {
        for id in component.properties().filter_map(AttachmentId::of) {
            if self.known.contains_key(&id) {
                continue;
            }
            let Some(found) = attachments::find(t, id)? else {
                continue;
            };
            let length = usize::try_from(found.length).unwrap_or(usize::MAX);
            let content = match data {
                Some(most) => {
                    self.total = self.total.saturating_add(length);
                    if self.total > most {
                        let message = format!("expected attachments of at most {most} octets");
                        return Err(Error::new(Kind::TooMuch, message));
                    }
                    attachments::content(t, id)?
                }
                None => None,
            };
            let length = found.length;
            self.known.insert(id, Known { length, content });
        }
        Ok(())
    }
}

impl NewAttachment {
    /// The line that names it.
    pub(super) fn line(&self, id: AttachmentId) -> Option<Property> {
        let said = [
            (CLIENT_ID_PARAM, self.client_id.clone()),
            ("FMTTYPE", self.media_type.clone()),
            (NAME_PARAM, self.name.clone()),
            (SIZE_PARAM, Some(self.content.len().to_string())),
        ];
        let said = said
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let source = said.fold(Property::new("ATTACH", ""), |property, (name, value)| {
            property.with_param(name, &value)
        });
        id.line(source.params())
    }
}

impl Core {
    /// What ids of attachments are made with. Made here the first time.
    pub(super) fn attachment_secret(&self) -> Result<Secret> {
        if let Some(secret) = self.store().read(attachments::secret)? {
            return Ok(secret);
        }
        let fresh = self.ids().secret();
        Ok(self
            .store()
            .write(|t| attachments::make_secret(t, &fresh))?)
    }

    /// Keeps the inline data of components apart, as files that are sent for them are, and names it in its place.
    pub(super) fn detach(&self, t: &mut WriteTxn<'_>, components: &mut [Component]) -> Result<()> {
        let has_inline = |component: &Component| component.properties().any(is_inline);
        if !components.iter().any(has_inline) {
            return Ok(());
        }
        let secret = attachments::make_secret(t, &self.ids().secret())?;
        for component in components {
            let limits = &self.settings().limits;
            for (id, content) in take_inline_of(component, &secret, limits) {
                attachments::keep(t, id, &content)?;
            }
        }
        Ok(())
    }

    /// Puts the data of attachments that a component names into it again, while what is `left` of the octets lasts.
    pub fn attach(&self, component: &mut Component, left: &mut usize) -> Result<()> {
        if !component
            .properties()
            .any(|p| AttachmentId::of(p).is_some())
        {
            return Ok(());
        }
        self.store().read(|t| Ok(attach(t, component, left)?))
    }

    /// Attachments by their ids, as one caller may read them. `calid` and `uid` say which item names them; without
    /// them any item will do that the caller may see, of the first `limits.uids` that name one.
    ///
    /// Errors: `AccessDenied` and `NoSuchCalendar` for the calendar that was named; `NoSuchAttachment` when one of
    /// them is not there, or in no item that the caller sees; `TooMuch` beyond `limits.attachment_body`.
    pub fn fetch_attachments(
        &self,
        caller: &Caller,
        calid: Option<&str>,
        uid: Option<&str>,
        ids: &[&str],
    ) -> Result<Vec<AttachmentFile>> {
        self.store().read(|t| {
            let named = match (calid, uid) {
                (None, None) => None,
                _ => Some(self.access(t, caller, calid)?.grant::<Reading>()?),
            };
            let mut left = self.settings().limits.attachment_body;
            let mut files = Vec::with_capacity(ids.len());
            for text in ids {
                let id = AttachmentId::parse(text).ok_or_else(|| no_attachment(text))?;
                let line = match (&named, uid) {
                    (Some(granted), Some(uid)) => {
                        line_of(t, granted, granted.access().calendar().id, uid, id)?
                    }
                    (named, _) => self.search_line(t, caller, named.as_ref(), id)?,
                };
                let line = line.ok_or_else(|| no_attachment(text))?;
                let found = attachments::find(t, id)?.ok_or_else(|| no_attachment(text))?;
                let length = usize::try_from(found.length).unwrap_or(usize::MAX);
                left = left.checked_sub(length).ok_or_else(|| {
                    let most = self.settings().limits.attachment_body;
                    let message = format!("expected attachments of at most {most} octets");
                    Error::new(Kind::TooMuch, message)
                })?;
                let content = attachments::content(t, id)?.ok_or_else(|| no_attachment(text))?;
                let said = |name| line.param(name).map(|value| value.into_owned());
                files.push(AttachmentFile {
                    id,
                    name: said(NAME_PARAM),
                    media_type: said("FMTTYPE"),
                    content,
                });
            }
            Ok(files)
        })
    }

    /// The right to read in a calendar that was found otherwise than by its calid, if the caller has it.
    fn reading(
        &self,
        t: &impl Reader,
        caller: &Caller,
        calendar: CalendarId,
    ) -> Result<Option<Granted<Reading>>> {
        match calendars::get(t, calendar)? {
            Some(calendar) if calendar.enabled || *caller == Caller::System => {
                let shown = self.show_calid(&calendar.calid);
                let access = self.standing(t, caller, calendar, shown)?;
                Ok(access.grant().ok())
            }
            _ => Ok(None),
        }
    }

    /// A line that names the attachment in any item that the caller sees, of one calendar or of all.
    fn search_line(
        &self,
        t: &impl Reader,
        caller: &Caller,
        named: Option<&Granted<Reading>>,
        id: AttachmentId,
    ) -> Result<Option<Property>> {
        let most = self.settings().limits.uids;
        let mut places: BTreeSet<(CalendarId, String)> = BTreeSet::new();
        attachments::places(t, id, |calendar, uid| {
            if named.is_none_or(|named| named.access().calendar().id == calendar) {
                places.insert((calendar, uid.to_owned()));
            }
            Ok(match places.len() < most {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        })?;
        for (place, uid) in places {
            let granted = match named {
                Some(granted) => Some(granted.clone()),
                None => self.reading(t, caller, place)?,
            };
            if let Some(granted) = granted
                && let Some(line) = line_of(t, &granted, place, &uid, id)?
            {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }
}

fn no_attachment(id: &str) -> Error {
    let id: String = id.chars().take(64).collect();
    Error::new(
        Kind::NoSuchAttachment,
        format!("there is no attachment '{id}'"),
    )
}

/// The line of an item, as the caller sees it, that names an attachment.
fn line_of(
    t: &impl Reader,
    granted: &Granted<Reading>,
    calendar: CalendarId,
    uid: &str,
    id: AttachmentId,
) -> Result<Option<Property>> {
    let item = items::visible(t, calendar, uid)?;
    let Some(object) = item.as_ref().and_then(derive::object) else {
        return Ok(None);
    };
    let seen = object
        .components
        .iter()
        .filter_map(|component| granted.view(component, None));
    Ok(seen.into_iter().find_map(|component| {
        let mut lines = component.properties();
        lines
            .find(|property| AttachmentId::of(property) == Some(id))
            .cloned()
    }))
}

/// The attachments that an object names.
pub(super) fn named(object: &CalendarObject) -> BTreeSet<AttachmentId> {
    let properties = object.components.iter().flat_map(Component::properties);
    properties.filter_map(AttachmentId::of).collect()
}

/// Whether there is inline data in an object that [`take_inline`] might take out.
pub(super) fn has_inline(object: &CalendarObject) -> bool {
    let mut properties = object.components.iter().flat_map(Component::properties);
    properties.any(is_inline)
}

fn is_inline(property: &Property) -> bool {
    let says = |name: &str, word: &str| {
        let said = property.param(name);
        said.is_some_and(|said| said.eq_ignore_ascii_case(word))
    };
    property.is("ATTACH")
        && property.param(ID_PARAM).is_none()
        && says("VALUE", "BINARY")
        && says("ENCODING", "BASE64")
}

/// Takes the inline data of an object out and names it instead; answers the data with its ids.
///
/// Data beyond the limits stays where it is, as does base64 that nobody would write so: exports give back what came.
pub(super) fn take_inline(
    object: &mut CalendarObject,
    secret: &Secret,
    limits: &Limits,
) -> Vec<(AttachmentId, Vec<u8>)> {
    let components = object.components.iter_mut();
    let taken = components.map(|component| take_inline_of(component, secret, limits));
    taken.flatten().collect()
}

fn take_inline_of(
    component: &mut Component,
    secret: &Secret,
    limits: &Limits,
) -> Vec<(AttachmentId, Vec<u8>)> {
    let mut taken = Vec::new();
    let mut left = limits.attachments;
    component.map_properties(|property| {
        let Some(content) = inline_data(&property, limits.attachment_size) else {
            left = left.saturating_sub(usize::from(AttachmentId::of(&property).is_some()));
            return property;
        };
        let id = secret.id(&content);
        match id.line(property.params()).filter(|_| left > 0) {
            Some(line) => {
                left -= 1;
                taken.push((id, content));
                line.at_line(property.source_line())
            }
            None => property,
        }
    });
    taken
}

/// The data of an ATTACH that holds it, of at most `most` octets.
fn inline_data(property: &Property, most: usize) -> Option<Vec<u8>> {
    let value = property.value();
    if !is_inline(property) || value.len() / 4 * 3 > most.saturating_add(2) {
        return None;
    }
    let content = BASE64_STANDARD.decode(value).ok()?;
    (content.len() <= most).then_some(content)
}

/// Puts the data of named attachments into an object again, for those who take it away whole.
pub(super) fn put_inline(t: &impl Reader, object: &mut CalendarObject) -> crate::store::Result<()> {
    let mut components = object.components.iter_mut();
    components.try_for_each(|component| attach(t, component, &mut { usize::MAX }))
}

/// As [`Core::attach`], within a transaction.
pub(super) fn attach(
    t: &impl Reader,
    component: &mut Component,
    left: &mut usize,
) -> crate::store::Result<()> {
    let mut data = BTreeMap::new();
    for id in component.properties().filter_map(AttachmentId::of) {
        let length = attachments::find(t, id)?.map_or(0, |found| found.length);
        let rest = usize::try_from(length)
            .ok()
            .and_then(|length| left.checked_sub(length));
        if let (Some(rest), Some(content)) = (rest, attachments::content(t, id)?) {
            *left = rest;
            data.insert(id, content);
        }
    }
    component.map_properties(|property| {
        let content = AttachmentId::of(&property).and_then(|id| data.get(&id));
        let inline = content.and_then(|content| inline(&property, content));
        inline.unwrap_or(property)
    });
    Ok(())
}

/// Puts the data of named attachments into a message that leaves, while what is `left` of the octets lasts; with none
/// left, nothing goes along. Lines whose data does not go along mean nothing elsewhere and are taken out. Answers what
/// those attachments are called.
pub(super) fn put_into_mail(
    t: &impl Reader,
    component: &mut Component,
    left: &mut Option<usize>,
) -> crate::store::Result<Vec<String>> {
    let mut data = BTreeMap::new();
    let mut missing = Vec::new();
    for property in component.properties() {
        let Some(id) = AttachmentId::of(property) else {
            continue;
        };
        let length = attachments::find(t, id)?.map(|found| found.length);
        let length = length.and_then(|length| usize::try_from(length).ok());
        let rest = left.zip(length).and_then(|(left, l)| left.checked_sub(l));
        match (rest, attachments::content(t, id)?) {
            (Some(rest), Some(content)) => {
                *left = Some(rest);
                data.insert(id, content);
            }
            _ => missing.push(match property.param(NAME_PARAM) {
                Some(name) => name.into_owned(),
                None => "without a name".to_owned(),
            }),
        }
    }
    component.map_properties(|property| {
        let content = AttachmentId::of(&property).and_then(|id| data.get(&id));
        let inline = content.and_then(|content| inline(&property, content));
        inline.unwrap_or(property)
    });
    component.retain(|entry| match entry {
        Entry::Property(property) => AttachmentId::of(property).is_none(),
        Entry::Component(_) => true,
    });
    Ok(missing)
}

/// A line with the data itself, without the id that means something only here.
fn inline(property: &Property, content: &[u8]) -> Option<Property> {
    let mut line = String::from("ATTACH");
    for param in property.params().filter(|param| !param.is(ID_PARAM)) {
        line.push(';');
        line.push_str(param.as_str());
    }
    for (name, value) in [("ENCODING", "BASE64"), ("VALUE", "BINARY")] {
        if property.param(name).is_none() {
            line.push_str(&format!(";{name}={value}"));
        }
    }
    line.push(':');
    BASE64_STANDARD.encode_string(content, &mut line);
    Property::from_line(line).ok()
}

#[cfg(test)]
#[path = "attachments_tests.rs"]
mod tests;
