//! Keys of the noun layer's rows, and reading many rows of one kind.

use std::ops::ControlFlow;

use super::error::{Error, Result};
use super::keys::{Key, KeyError, KeyParts};
use super::space::Space;
use super::{KeyRange, Reader, Record, codec};
use crate::ical::datetime::Timestamp;
use crate::model::id::{CalendarId, Calid, PrincipalId, QualifiedName};
use crate::model::item::State;

/// Spaces whose keys begin with a calendar's number: what goes when the calendar goes.
pub(super) const SPACES_BY_CALENDAR: [Space; 13] = [
    Space::CalendarStates,
    Space::Objects,
    Space::ByTime,
    Space::ByBusy,
    Space::ByAlarm,
    Space::ByInvitation,
    Space::ByAttendeeError,
    Space::ByBlocking,
    Space::Journal,
    Space::JournalByUid,
    Space::Links,
    Space::Named,
    Space::Children,
];

pub(super) fn principal(id: PrincipalId) -> Key {
    Key::new().u64(id.0)
}

pub(super) fn calendar(id: CalendarId) -> Key {
    Key::new().u64(id.0)
}

pub(super) fn name(name: &QualifiedName) -> Key {
    Key::new().text(&name.domain).text(&name.local)
}

pub(super) fn calid(calid: &Calid) -> Key {
    Key::new()
        .text(&calid.domain)
        .text(&calid.local)
        .text(&calid.rest)
}

pub(super) fn mail(address: &str) -> Key {
    Key::new().text(address)
}

pub(super) fn mail_of(key: &[u8]) -> Option<String> {
    KeyParts::of(key)
        .text()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

pub(super) fn member_of(member: PrincipalId, group: PrincipalId) -> Key {
    principal(member).u64(group.0)
}

pub(super) fn owned(owner: PrincipalId, calendar: CalendarId) -> Key {
    principal(owner).u64(calendar.0)
}

pub(super) fn child(parent: CalendarId, id: CalendarId) -> Key {
    calendar(parent).u64(id.0)
}

pub(super) fn session_of(owner: PrincipalId, key: &[u8; 32]) -> Key {
    principal(owner).raw(key)
}

/// The records of one UID in one state, by arrival; booked objects have the one arrival number 0.
pub(super) fn object(id: CalendarId, state: State, uid: &str, arrival: u64) -> Key {
    arrivals(id, state, uid).u64(arrival)
}

/// The records of one UID in one state.
pub(super) fn arrivals(id: CalendarId, state: State, uid: &str) -> Key {
    objects(id, state).text(uid)
}

/// The UID in the key of an object.
pub(super) fn uid_of(key: &[u8]) -> std::result::Result<String, KeyError> {
    let mut parts = KeyParts::of(key);
    parts.u64()?;
    parts.u8()?;
    Ok(parts.text()?.into_owned())
}

/// An open invitation: those of a calendar by their start.
pub(super) fn invitation(id: CalendarId, start: Timestamp, uid: &str) -> Key {
    calendar(id).time(start).raw(uid.as_bytes())
}

/// The UID in the key of an open invitation.
pub(super) fn invited(key: &[u8]) -> Option<&str> {
    let mut parts = KeyParts::of(key);
    parts.u64().ok()?;
    parts.time().ok()?;
    std::str::from_utf8(parts.rest()).ok()
}

pub(super) fn objects(id: CalendarId, state: State) -> Key {
    calendar(id).u8(state as u8)
}

/// Journal rows order by stamp and, within a second, by change number: both only ever grow.
pub(super) fn change(id: CalendarId, stamp: Timestamp, number: u64) -> Key {
    changes_from(id, stamp).u64(number)
}

/// Below every journal key of `stamp`, above those of earlier ones.
pub(super) fn changes_from(id: CalendarId, stamp: Timestamp) -> Key {
    calendar(id).time(stamp)
}

/// Stamp and number of a journal key.
pub(super) fn change_of(key: &[u8]) -> std::result::Result<(Timestamp, u64), KeyError> {
    let mut parts = KeyParts::of(key);
    parts.u64()?;
    Ok((parts.time()?, parts.u64()?))
}

pub(super) fn last_change(id: CalendarId, uid: &str) -> Key {
    calendar(id).text(uid)
}

/// The number at the end of a key.
pub(super) fn last_u64(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>()
        .map(|bytes| u64::from_be_bytes(*bytes))
}

/// Visits the rows whose keys begin with `prefix`, upwards.
pub(super) fn visit_prefix(
    t: &impl Reader,
    space: Space,
    prefix: &Key,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>,
) -> Result<()> {
    t.scan(space, &prefix.range(), |key, value| {
        visit(key, value).map(ControlFlow::Continue)
    })
}

/// Visits every record of a space.
pub(super) fn visit_records<R: Record>(
    t: &impl Reader,
    space: Space,
    mut visit: impl FnMut(&[u8], R) -> Result<()>,
) -> Result<()> {
    t.scan(space, &KeyRange::all(), |key, value| {
        let record = codec::decode(value);
        visit(
            key,
            record.map_err(|cause| Error::corrupt(space, key, cause))?,
        )?;
        Ok(ControlFlow::Continue(()))
    })
}

/// Every record of a space, in key order.
pub(super) fn load_all<R: Record>(t: &impl Reader, space: Space) -> Result<Vec<R>> {
    let mut records = Vec::new();
    visit_records(t, space, |_, record| {
        records.push(record);
        Ok(())
    })?;
    Ok(records)
}
