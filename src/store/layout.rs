//! Keys of the noun layer's rows, and reading many rows of one kind.

use std::ops::ControlFlow;

use super::error::{Error, Result};
use super::space::Space;
use super::{KeyRange, Reader, Record};
use crate::model::id::{CalendarId, Calid, PrincipalId, QualifiedName};
use crate::model::item::State;

/// Spaces whose keys begin with a calendar's number: what goes when the calendar goes.
pub(super) const SPACES_BY_CALENDAR: [Space; 11] = [
    Space::CalendarStates,
    Space::Objects,
    Space::ByTime,
    Space::ByBusy,
    Space::ByAlarm,
    Space::ByInvitation,
    Space::ByAttendeeError,
    Space::Journal,
    Space::JournalByUid,
    Space::Links,
    Space::Named,
];

pub(super) fn principal(id: PrincipalId) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

pub(super) fn calendar(id: CalendarId) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

/// Appends `text` and an end mark, so that it sorts before any longer text and other parts may follow.
fn push_text(key: &mut Vec<u8>, text: &str) {
    for &byte in text.as_bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend([0, 1]);
}

fn texts<const N: usize>(parts: [&str; N]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len() + 2).sum());
    for part in parts {
        push_text(&mut key, part);
    }
    key
}

pub(super) fn name(name: &QualifiedName) -> Vec<u8> {
    texts([&name.domain, &name.local])
}

pub(super) fn calid(calid: &Calid) -> Vec<u8> {
    texts([&calid.domain, &calid.local, &calid.rest])
}

pub(super) fn mail(address: &str) -> Vec<u8> {
    address.as_bytes().to_vec()
}

pub(super) fn mail_of(key: &[u8]) -> Option<String> {
    std::str::from_utf8(key).ok().map(str::to_owned)
}

fn numbers(first: u64, second: u64) -> Vec<u8> {
    [first.to_be_bytes(), second.to_be_bytes()].concat()
}

pub(super) fn member_of(member: PrincipalId, group: PrincipalId) -> Vec<u8> {
    numbers(member.0, group.0)
}

pub(super) fn owned(owner: PrincipalId, calendar: CalendarId) -> Vec<u8> {
    numbers(owner.0, calendar.0)
}

pub(super) fn session_of(principal: PrincipalId, key: &[u8; 32]) -> Vec<u8> {
    [&principal.0.to_be_bytes()[..], key].concat()
}

pub(super) fn preferences(principal: PrincipalId) -> Vec<u8> {
    self::principal(principal)
}

/// The records of one UID in one state, by arrival; booked objects have the one arrival number 0.
pub(super) fn object(calendar: CalendarId, state: State, uid: &str, arrival: u64) -> Vec<u8> {
    let mut key = objects(calendar, state);
    push_text(&mut key, uid);
    key.extend(arrival.to_be_bytes());
    key
}

pub(super) fn objects(calendar: CalendarId, state: State) -> Vec<u8> {
    let mut key = self::calendar(calendar);
    key.push(state as u8);
    key
}

/// Journal rows order by stamp and, within a second, by change number: both only ever grow.
pub(super) fn change(calendar: CalendarId, stamp: i64, number: u64) -> Vec<u8> {
    let mut key = changes_from(calendar, stamp);
    key.extend(number.to_be_bytes());
    key
}

/// The lowest journal key of `stamp`. Flipping the sign bit makes negative stamps sort first.
pub(super) fn changes_from(calendar: CalendarId, stamp: i64) -> Vec<u8> {
    numbers(calendar.0, (stamp as u64) ^ (1 << 63))
}

/// Stamp and number of a journal key.
pub(super) fn change_of(key: &[u8]) -> Option<(i64, u64)> {
    let stamp = key.get(8..16)?.try_into().ok().map(u64::from_be_bytes)?;
    Some(((stamp ^ (1 << 63)) as i64, last_u64(key)?))
}

pub(super) fn last_change(calendar: CalendarId, uid: &str) -> Vec<u8> {
    let mut key = self::calendar(calendar);
    push_text(&mut key, uid);
    key
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
    prefix: Vec<u8>,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>,
) -> Result<()> {
    t.scan(space, &KeyRange::prefix(prefix), |key, value| {
        visit(key, value).map(ControlFlow::Continue)
    })
}

/// As [`visit_prefix`], with the records decoded.
pub(super) fn visit_records<R: Record>(
    t: &impl Reader,
    space: Space,
    prefix: Vec<u8>,
    mut visit: impl FnMut(&[u8], R) -> Result<()>,
) -> Result<()> {
    visit_prefix(t, space, prefix, |key, value| {
        let record = super::codec::decode(value);
        visit(
            key,
            record.map_err(|cause| Error::corrupt(space, key, cause))?,
        )
    })
}

/// Every record of a space, in key order.
pub(super) fn load_all<R: Record>(t: &impl Reader, space: Space) -> Result<Vec<R>> {
    let mut records = Vec::new();
    visit_records(t, space, Vec::new(), |_, record| {
        records.push(record);
        Ok(())
    })?;
    Ok(records)
}
