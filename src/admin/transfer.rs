//! Import and export of whole calendars: the file comes and goes in pieces, what is wrong in it is told.

use std::io;

use super::frame::PIECE;
use super::request::{Note, Peer, Response};
use crate::core::access::Right;
use crate::core::transfer::PRODID;
use crate::core::{Caller, Core, Error, Kind};
use crate::ical::component::Property;
use crate::ical::{object, print};

/// Stores the iCalendar text that `peer` sends in the calendar `calid`.
pub(super) fn import(core: &Core, calid: &str, peer: &mut dyn Peer) -> Result<Response, Error> {
    // A calendar that does not exist is told before a long file is read.
    core.has_right(&Caller::System, Some(calid), Right::Add)?;
    let text = receive(core, peer)?;
    let upload = core.read_upload(&text);
    drop(text);
    let total = upload.objects.len() as u64;
    let mut done = 0;
    // Progress is a courtesy: whoever no longer wants to hear of it does not stop the import.
    let imported = core.import(&Caller::System, calid, upload, None, |more| {
        done += more as u64;
        let _ = peer.note(Note::Progress { done, total });
    })?;
    for fault in imported.faults {
        peer.note(Note::Fault(fault)).map_err(broken)?;
    }
    Ok(Response::Imported {
        stored: imported.stored as u64,
        refused: imported.refused as u64,
        unlisted: imported.unlisted as u64,
    })
}

/// The whole file, at most `limits.import_size` octets.
fn receive(core: &Core, peer: &mut dyn Peer) -> Result<Vec<u8>, Error> {
    let limit = core.settings().limits.import_size;
    let mut text = Vec::new();
    loop {
        let piece = peer.receive().map_err(broken)?;
        if piece.is_empty() {
            return Ok(text);
        }
        if piece.len() > limit.saturating_sub(text.len()) {
            let message = format!(
                "the file is longer than {limit} octets; split it, or raise limits.import_size"
            );
            return Err(Error::new(Kind::TooMuch, message));
        }
        text.extend_from_slice(&piece);
    }
}

/// Sends the calendar `calid` as one iCalendar text, as it was received.
pub(super) fn export(core: &Core, calid: &str, peer: &mut dyn Peer) -> Result<Response, Error> {
    let mut objects = Vec::new();
    core.export(&Caller::System, Some(calid), None, |object| {
        objects.push(object)
    })?;
    let head = [
        Property::new("VERSION", "2.0"),
        Property::new("PRODID", PRODID),
    ];
    let text = print::to_string(&object::to_calendar(&objects, head));
    drop(objects);
    for piece in text.as_bytes().chunks(PIECE) {
        peer.send(piece).map_err(broken)?;
    }
    Ok(Response::Done)
}

/// A peer that is gone, or whose file cannot be read.
fn broken(cause: io::Error) -> Error {
    Error::new(Kind::BadData, cause.to_string())
}
