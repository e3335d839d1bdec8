//! Calendars: their records, the names that lead to them and what changes with each write to them.

use std::ops::ControlFlow;

use super::error::{Error, Result};
use super::people::{self, MailRow, NameRow};
use super::space::Space;
use super::{KeyRange, Reader, WriteTxn, attachments, codec, layout};
use crate::ical::datetime::Timestamp;
use crate::model::calendar::{Calendar, CalendarState};
use crate::model::id::{CalendarId, Calid, PrincipalId, QualifiedName};

/// The calendar numbered `id`.
pub fn get(t: &impl Reader, id: CalendarId) -> Result<Option<Calendar>> {
    t.load(Space::Calendars, &layout::calendar(id))
}

/// The calendar called `calid`.
pub fn find(t: &impl Reader, calid: &Calid) -> Result<Option<Calendar>> {
    match t.load::<CalendarId>(Space::CalendarNames, &layout::calid(calid))? {
        Some(id) => get(t, id),
        None => Ok(None),
    }
}

/// The calendars `owner` owns first, in the order they were made.
pub fn owned(t: &impl Reader, owner: PrincipalId) -> Result<Vec<Calendar>> {
    let mut ids = Vec::new();
    layout::visit_prefix(t, Space::Owned, &layout::principal(owner), |key, _| {
        ids.extend(layout::last_u64(key).map(CalendarId));
        Ok(())
    })?;
    let mut calendars = Vec::with_capacity(ids.len());
    for id in ids {
        calendars.extend(get(t, id)?);
    }
    Ok(calendars)
}

/// Every calendar, in the order they were made.
pub fn all(t: &impl Reader) -> Result<Vec<Calendar>> {
    layout::load_all(t, Space::Calendars)
}

/// The children of a calendar, in the order they were made.
pub fn children(t: &impl Reader, parent: CalendarId) -> Result<Vec<Calendar>> {
    let mut ids = Vec::new();
    layout::visit_prefix(t, Space::Children, &layout::calendar(parent), |key, _| {
        ids.extend(layout::last_u64(key).map(CalendarId));
        Ok(())
    })?;
    let mut children = Vec::with_capacity(ids.len());
    for id in ids {
        children.extend(get(t, id)?);
    }
    Ok(children)
}

/// What names a calendar, read out of its record without copying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct Head<'a> {
    /// Its number.
    pub id: CalendarId,
    local: &'a str,
    rest: &'a str,
    domain: &'a str,
    /// The primary owner.
    pub owner: PrincipalId,
    parent: Option<CalendarId>,
    created: Timestamp,
    modified: Timestamp,
    /// Display name.
    pub name: &'a str,
}

impl<'a> Head<'a> {
    fn of(calendar: &'a Calendar) -> Self {
        Self {
            id: calendar.id,
            local: &calendar.calid.local,
            rest: &calendar.calid.rest,
            domain: &calendar.calid.domain,
            owner: calendar.owner,
            parent: calendar.parent,
            created: calendar.created,
            modified: calendar.modified,
            name: &calendar.properties.name,
        }
    }

    /// Its calid.
    pub fn calid(&self) -> Calid {
        Calid {
            local: self.local.to_owned(),
            rest: self.rest.to_owned(),
            domain: self.domain.to_owned(),
        }
    }

    /// Whether that is its calid.
    pub fn is_called(&self, calid: &Calid) -> bool {
        (self.local, self.rest, self.domain) == (&*calid.local, &*calid.rest, &*calid.domain)
    }
}

/// Visits what names each calendar, in the order they were made, until `visit` breaks off.
pub fn visit_heads(
    t: &impl Reader,
    mut visit: impl FnMut(Head<'_>) -> ControlFlow<()>,
) -> Result<()> {
    t.scan(Space::Calendars, &KeyRange::all(), |key, value| {
        let corrupt = |cause| Error::corrupt(Space::Calendars, key, cause);
        match codec::view::<Calendar, Head<'_>>(value).map_err(corrupt)? {
            Some(head) => Ok(visit(head)),
            // Of an older version.
            None => {
                let calendar: Calendar = codec::decode(value).map_err(corrupt)?;
                Ok(visit(Head::of(&calendar)))
            }
        }
    })
}

/// Adds a new calendar with its name and owner rows; `mail` is a resource's address.
///
/// Whether the name is free is the caller's question.
pub fn create(t: &mut WriteTxn, calendar: &Calendar, mail: Option<&str>) -> Result<()> {
    let id = calendar.id;
    t.save(Space::CalendarNames, &layout::calid(&calendar.calid), &id)?;
    t.put(Space::Owned, &layout::owned(calendar.owner, id), &[])?;
    if let Some(parent) = calendar.parent {
        t.put(Space::Children, &layout::child(parent, id), &[])?;
    }
    if let Some(name) = whole_name(&calendar.calid) {
        let row = people::name_row(t, &name)?.unwrap_or_default();
        t.save(
            Space::Names,
            &layout::name(&name),
            &NameRow {
                calendar: Some(id),
                ..row
            },
        )?;
    }
    if let Some(mail) = mail {
        t.save(Space::Mail, &layout::mail(mail), &MailRow::Calendar(id))?;
    }
    t.save(
        Space::CalendarStates,
        &layout::calendar(id),
        &CalendarState::default(),
    )?;
    update(t, calendar)
}

/// Stores changed properties; calid and owner stay.
pub fn update(t: &mut WriteTxn, calendar: &Calendar) -> Result<()> {
    t.save(Space::Calendars, &layout::calendar(calendar.id), calendar)
}

/// Puts a calendar under another parent, or at the top.
pub fn set_parent(
    t: &mut WriteTxn<'_>,
    calendar: &mut Calendar,
    parent: Option<CalendarId>,
) -> Result<()> {
    if let Some(old) = calendar.parent {
        t.delete(Space::Children, &layout::child(old, calendar.id));
    }
    if let Some(new) = parent {
        t.put(Space::Children, &layout::child(new, calendar.id), &[])?;
    }
    calendar.parent = parent;
    update(t, calendar)
}

/// Removes a calendar with everything in it; its children take its place in the tree. Only resources have mail
/// addresses of their own.
pub fn remove(t: &mut WriteTxn, calendar: &Calendar) -> Result<()> {
    let id = calendar.id;
    for mut child in children(t, id)? {
        set_parent(t, &mut child, calendar.parent)?;
    }
    attachments::forget_calendar(t, id)?;
    for space in layout::SPACES_BY_CALENDAR {
        t.delete_range(space, &layout::calendar(id).range())?;
    }
    t.delete(Space::CalendarNames, &layout::calid(&calendar.calid));
    t.delete(Space::Owned, &layout::owned(calendar.owner, id));
    if let Some(parent) = calendar.parent {
        t.delete(Space::Children, &layout::child(parent, id));
    }
    if let Some(name) = whole_name(&calendar.calid) {
        match people::name_row(t, &name)? {
            Some(
                row @ NameRow {
                    principal: Some(_), ..
                },
            ) => {
                t.save(
                    Space::Names,
                    &layout::name(&name),
                    &NameRow {
                        calendar: None,
                        ..row
                    },
                )?;
            }
            _ => t.delete(Space::Names, &layout::name(&name)),
        }
    }
    if calendar.properties.resource {
        remove_addresses(t, id)?;
    }
    t.delete(Space::Calendars, &layout::calendar(id));
    Ok(())
}

/// Takes the mail addresses of a resource calendar away. Walks all addresses.
pub fn remove_addresses(t: &mut WriteTxn<'_>, id: CalendarId) -> Result<()> {
    for address in addresses(t, id)? {
        t.delete(Space::Mail, &layout::mail(&address));
    }
    Ok(())
}

/// The mail addresses of a resource calendar. Walks all addresses: for administration only.
pub fn addresses(t: &impl Reader, id: CalendarId) -> Result<Vec<String>> {
    let mut found = Vec::new();
    layout::visit_records::<MailRow>(t, Space::Mail, |key, row| {
        if row == MailRow::Calendar(id) {
            found.extend(layout::mail_of(key));
        }
        Ok(())
    })?;
    Ok(found)
}

/// The name in the shared namespace that a calid without a rest takes up.
pub fn whole_name(calid: &Calid) -> Option<QualifiedName> {
    calid.rest.is_empty().then(|| QualifiedName {
        local: calid.local.clone(),
        domain: calid.domain.clone(),
    })
}

/// Change number and stamp of a calendar.
pub fn state(t: &impl Reader, id: CalendarId) -> Result<CalendarState> {
    Ok(t.load(Space::CalendarStates, &layout::calendar(id))?
        .unwrap_or_default())
}

/// The latest stamp of any calendar that is no later than `most`.
pub(super) fn latest_stamp(t: &impl Reader, most: Timestamp) -> Result<Option<Timestamp>> {
    let mut latest = None;
    layout::visit_records::<CalendarState>(t, Space::CalendarStates, |_, state| {
        let stamp = Timestamp(state.stamp);
        if stamp <= most {
            latest = latest.max(Some(stamp));
        }
        Ok(())
    })?;
    Ok(latest)
}

/// Begins the next change of a calendar: its number and its stamp, the later of now and the last one, so that
/// stamps never go back when the clock does.
pub fn next_change(t: &mut WriteTxn, id: CalendarId) -> Result<CalendarState> {
    let mut state = state(t, id)?;
    state.change += 1;
    state.stamp = state.stamp.max(t.now().0);
    put_state(t, id, &state)?;
    Ok(state)
}

pub(super) fn put_state(t: &mut WriteTxn<'_>, id: CalendarId, state: &CalendarState) -> Result<()> {
    t.save(Space::CalendarStates, &layout::calendar(id), state)
}

/// The stamp of the last change of a calendar's contents, if it had any.
pub fn last_stamp(t: &impl Reader, id: CalendarId) -> Result<Option<Timestamp>> {
    let state = state(t, id)?;
    Ok((state.change > 0).then_some(Timestamp(state.stamp)))
}
