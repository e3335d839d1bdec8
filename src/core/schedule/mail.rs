//! Messages for people elsewhere: written down in the outbox, in the transaction of their cause.
//!
//! Sending them is the work of whoever empties the outbox. RFC 6047 says how an iTIP message travels by mail.

use super::{Message, Round, Shortfall, Status};
use crate::core::error::Result;
use crate::core::transfer::PRODID;
use crate::ical::component::Property;
use crate::ical::object::{CalendarObject, to_calendar};
use crate::ical::print;
use crate::ical::value::mail_address;
use crate::store::WriteTxn;
use crate::store::outbox::{self, Letter};

impl Round<'_> {
    /// Queues a message for mail.
    pub(super) fn mail(
        &self,
        t: &mut WriteTxn<'_>,
        message: &Message<'_>,
        shortfall: &mut Shortfall,
    ) -> Result<Status> {
        let Some(to) = mail_address(message.to) else {
            return Ok(Status::InvalidAddress);
        };
        if outbox::count(t)? >= self.core.settings().limits.outbox as u64 {
            shortfall.unmailed = true;
            return Ok(Status::Unavailable);
        }
        let text = itip_text(message);
        outbox::put(
            t,
            &Letter {
                id: self.core.ids().uid(),
                method: message.method.as_str().to_owned(),
                uid: message.object.uid.clone(),
                from: mail_address(message.from)
                    .unwrap_or(message.from)
                    .to_owned(),
                to: to.to_owned(),
                calendar: self.home.id,
                text,
                attachments: self.notify.attachments,
                written: self.now,
                due: self.now,
                attempts: 0,
                error: None,
            },
        )?;
        Ok(Status::Pending)
    }
}

/// The message as a VCALENDAR with its METHOD.
fn itip_text(message: &Message<'_>) -> String {
    let object: &CalendarObject = message.object;
    let head = [
        Property::new("VERSION", "2.0"),
        Property::new("PRODID", PRODID),
        Property::new("METHOD", message.method.as_str()),
    ];
    print::to_string(&to_calendar([object], head))
}
