//! Attachments of a store: files that come with it, and stored ones that go or stay.
//!
//! What they do to an item is a change of its ATTACH lines, made beside the others. Which octets are kept follows from
//! the lines. WCAP's storeevents and storetodos of Calendar Server 6.3.

use super::edit::{Edit, PropertyEdit};
use crate::core::Core;
use crate::core::attachments::{NewAttachment, named};
use crate::core::error::{Error, Kind as Failed, Result};
use crate::ical::component::{Component, Property};
use crate::ical::object::CalendarObject;
use crate::model::attachment::{AttachmentId, ID_PARAM};
use crate::store::{WriteTxn, attachments};

/// What a store does with attachments.
#[derive(Debug, Clone, Default)]
pub struct Attach<'a> {
    /// Files that join the others.
    pub add: &'a [NewAttachment],
    /// Ids of attachments that go.
    pub drop: Vec<String>,
}

/// What became of attachments that were to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// All went.
    All,
    /// Some are not in the item.
    Some,
}

/// An [`Attach`] with its ids.
pub(super) struct Attaching<'a> {
    add: Vec<(AttachmentId, &'a NewAttachment)>,
    drop: Vec<Option<AttachmentId>>,
}

impl<'a> Attaching<'a> {
    /// Errors: `BadValue` for a file beyond `limits.attachment_size`.
    pub(super) fn new(core: &Core, attach: &Attach<'a>) -> Result<Self> {
        let most = core.settings().limits.attachment_size;
        if let Some(file) = attach.add.iter().find(|file| file.content.len() > most) {
            let found = file.content.len();
            let message = format!("expected an attachment of at most {most} octets, found {found}");
            return Err(Error::new(Failed::BadValue, message));
        }
        let add = match attach.add {
            [] => Vec::new(),
            files => {
                let secret = core.attachment_secret()?;
                let with_id = |file: &'a NewAttachment| (secret.id(&file.content), file);
                files.iter().map(with_id).collect()
            }
        };
        let drop = attach.drop.iter().map(|id| AttachmentId::parse(id));
        Ok(Self {
            add,
            drop: drop.collect(),
        })
    }

    /// What of it can go from an object. Errors: `NoSuchAttachment` when nothing can.
    pub(super) fn dropped(&self, old: Option<&CalendarObject>) -> Result<Option<Dropped>> {
        if self.drop.is_empty() {
            return Ok(None);
        }
        let there = old.map(named).unwrap_or_default();
        let found = self.drop.iter().flatten().filter(|id| there.contains(id));
        match found.count() {
            0 => {
                let message = "expected ids of the item's attachments, found others";
                Err(Error::new(Failed::NoSuchAttachment, message))
            }
            found if found == self.drop.len() => Ok(Some(Dropped::All)),
            _ => Ok(Some(Dropped::Some)),
        }
    }

    /// Makes the changes of attachments part of `edit`, and keeps what comes.
    pub(super) fn join(
        &self,
        t: &mut WriteTxn<'_>,
        edit: &mut Edit,
        old: Option<&CalendarObject>,
    ) -> Result<()> {
        for change in &mut edit.properties {
            match change {
                PropertyEdit::Set(property) | PropertyEdit::Append(property) => {
                    settle(property, old);
                }
                PropertyEdit::Replace(_, properties) => {
                    properties
                        .iter_mut()
                        .for_each(|property| settle(property, old));
                }
                PropertyEdit::Clear(_) | PropertyEdit::Detach(_) => {}
            }
        }
        let gone = self.drop.iter().flatten();
        edit.properties
            .extend(gone.map(|id| PropertyEdit::Detach(*id)));
        for (id, file) in &self.add {
            attachments::keep(t, *id, &file.content)?;
            if let Some(line) = file.line(*id) {
                edit.properties.push(PropertyEdit::Append(line));
            }
        }
        Ok(())
    }
}

/// A line that names an attachment of the item as clients are told it becomes the line that is stored; an id that
/// the item does not name means nothing, and leaves an address like any other.
fn settle(property: &mut Property, old: Option<&CalendarObject>) {
    let Some(id) = AttachmentId::of(property) else {
        return;
    };
    let components = old.map(|old| old.components.as_slice()).unwrap_or_default();
    let mut lines = components.iter().flat_map(Component::properties);
    *property = match lines.find(|line| AttachmentId::of(line) == Some(id)) {
        Some(stored) => stored.clone(),
        None => property.clone().without_param(ID_PARAM),
    };
}

/// Whether every component keeps to the number of attachments it may have.
///
/// Errors: `BadValue` beyond `limits.attachments`, unless `old` had that many in one.
pub(super) fn check_count(
    core: &Core,
    old: Option<&CalendarObject>,
    objects: &[CalendarObject],
) -> Result<()> {
    let count = |component: &Component| {
        let names = component.properties().filter_map(AttachmentId::of);
        names.count()
    };
    let most_of = |objects: &[CalendarObject]| {
        let components = objects.iter().flat_map(|object| &object.components);
        components.map(count).max().unwrap_or(0)
    };
    let most = core.settings().limits.attachments;
    let before = old.map_or(0, |old| most_of(std::slice::from_ref(old)));
    match most_of(objects) {
        found if found > most.max(before) => {
            let message = format!("expected at most {most} attachments, found {found}");
            Err(Error::new(Failed::BadValue, message))
        }
        _ => Ok(()),
    }
}
