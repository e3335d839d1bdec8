//! Rooms and things: a resource accepts an invitation when it is free and declines when it is taken.
//!
//! A series is taken whole or not at all. A resource that allows double booking accepts everything it may be asked
//! for. Sun's `resource.allow.doublebook`.

use super::attendee::{self, PARTSTAT};
use super::deliver::{Place, Taken};
use super::view::same_object;
use super::{Message, Round, Status};
use crate::core::error::Result;
use crate::ical::component::Property;
use crate::ical::instances::to_compact_text;
use crate::ical::object::CalendarObject;
use crate::model::item::Part;
use crate::store::{WriteTxn, derive};

const ACCEPTED: &str = "ACCEPTED";
const DECLINED: &str = "DECLINED";

pub(super) fn request(
    round: &Round<'_>,
    t: &mut WriteTxn<'_>,
    place: &Place<'_>,
    message: &Message<'_>,
) -> Result<Taken> {
    let mut wanted = match place.booked() {
        Some(copy) => round.merged(copy, message, &place.zone)?,
        None => message.object.clone(),
    };
    for component in &mut wanted.components {
        attendee::change(component, message.to, |attendee| {
            attendee::with(attendee, PARTSTAT, ACCEPTED)
        });
        // A resource is busy whenever it is booked.
        if component.property("TRANSP").is_some() {
            component.set(Property::new("TRANSP", "OPAQUE"));
        }
    }
    let known = place
        .booked()
        .filter(|copy| asks_no_more(copy, &wanted, message.to));
    let taken = match known {
        Some(_) => None,
        None => round
            .core
            .clash(t, place.calendar, &place.zone, &wanted, &[&wanted.uid])?,
    };
    let answer = match taken {
        Some(_) => {
            round.free(t, place)?;
            DECLINED
        }
        None => {
            if !place
                .booked()
                .is_some_and(|copy| same_object(copy, &wanted))
            {
                round.book(t, place, wanted)?;
            }
            ACCEPTED
        }
    };
    Ok(Taken {
        status: Status::Delivered,
        answer: Some(answer),
    })
}

/// Whether a copy takes the very times that are wanted now.
fn asks_no_more(copy: &CalendarObject, wanted: &CalendarObject, own: &str) -> bool {
    let part = Part {
        attendee: Some(own),
        queued: false,
    };
    let taken = |object| to_compact_text(&derive::as_blocking(object, part));
    taken(copy) == taken(wanted)
}
