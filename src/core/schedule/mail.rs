//! Messages for people elsewhere: written down in the outbox, in the transaction of their cause.
//!
//! Sending them is the work of whoever empties the outbox: `core::relay` to other calendar stores. RFC 6047 says how an iTIP
//! message travels by mail.

use super::{Message, Method, Round, Shortfall, Status};
use crate::core::error::Result;
use crate::core::transfer::PRODID;
use crate::ical::component::Property;
use crate::ical::instances::plain_transp;
use crate::ical::object::{CalendarObject, to_calendar};
use crate::ical::print;
use crate::ical::value::mail_address;
use crate::store::WriteTxn;
use crate::store::outbox::{self, Letter};

impl Round<'_> {
    /// Queues a message for the store where its recipient is at home, else for mail, in the place of those that it makes
    /// needless.
    pub(super) fn mail(
        &self,
        t: &mut WriteTxn<'_>,
        message: &Message<'_>,
        shortfall: &mut Shortfall,
    ) -> Result<Status> {
        let peer = self.core.settings().peer_of(message.to);
        let to = match (mail_address(message.to), peer) {
            (Some(mail), _) => mail,
            (None, Some(_)) => message.to,
            (None, None) => return Ok(Status::InvalidAddress),
        };
        let from = mail_address(message.from).unwrap_or(message.from);
        let waiting = outbox::waiting(t, self.home.id, &message.object.uid, to)?;
        let replaced = Replaced::by(message, &waiting);
        let most = self.core.settings().limits.outbox as u64;
        let left = outbox::count(t)?.saturating_sub(replaced.letters.len() as u64);
        if replaced.needed && left >= most {
            shortfall.unmailed = true;
            return Ok(Status::Unavailable);
        }
        for letter in &replaced.letters {
            outbox::remove(t, letter)?;
        }
        if !replaced.needed {
            return Ok(Status::Withdrawn);
        }
        // No message overtakes another of its thread.
        let stays = |letter: &&Letter| !replaced.letters.contains(letter);
        let last = waiting.iter().filter(stays).map(|letter| letter.due).max();
        let due = last.map_or(self.now, |last| last.plus(1).max(self.now));
        self.core.post(
            t,
            &Letter {
                id: self.core.ids().uid(),
                method: message.method.as_str().to_owned(),
                uid: message.object.uid.clone(),
                from: from.to_owned(),
                to: to.to_owned(),
                calendar: self.home.id,
                text: itip_text(message, peer.is_some()),
                attachments: self.notify.attachments,
                written: self.now,
                due,
                attempts: 0,
                error: None,
                first: replaced.first,
                relay: peer.map(|peer| peer.csid.clone()),
            },
        )?;
        Ok(Status::Pending)
    }
}

/// What becomes of a thread by a message.
struct Replaced<'a> {
    /// Letters that need not go any more.
    letters: Vec<&'a Letter>,
    /// Whether the message itself is needed.
    needed: bool,
    /// Whether it is the first that the recipient gets.
    first: bool,
}

impl<'a> Replaced<'a> {
    /// Only what was never tried is replaced: the rest may have arrived. A REQUEST says all there is to say, so
    /// earlier ones are needless, and so they are before everything is called off. Where not even the first
    /// invitation has left, nothing that followed it says anything to the recipient.
    fn by(message: &Message<'_>, waiting: &'a [Letter]) -> Self {
        let untried = |letter: &Letter| letter.attempts == 0;
        let first = waiting
            .iter()
            .position(|letter| letter.first)
            .map(|at| &waiting[at..])
            .filter(|letters| letters.iter().all(untried));
        let is_request = |letter: &&Letter| letter.method == Method::Request.as_str();
        let letters: Vec<&Letter> = match (message.method, first) {
            (Method::Request, Some(unknown)) => unknown.iter().collect(),
            (Method::Cancel, Some(unknown)) if message.whole => unknown.iter().collect(),
            (Method::Request, None) => waiting.iter().filter(is_request).collect(),
            (Method::Cancel, None) if message.whole => waiting.iter().filter(is_request).collect(),
            (Method::Cancel | Method::Reply, _) => Vec::new(),
        };
        let letters = letters.into_iter().filter(|l| untried(l)).collect();
        Self {
            letters,
            needed: !(message.method == Method::Cancel && message.whole && first.is_some()),
            first: message.method == Method::Request && (message.first || first.is_some()),
        }
    }
}

/// The message as a VCALENDAR with its METHOD; unless it goes to another calendar store, without what only CAP knows
/// (RFC 4324 section 8: TRANSP).
fn itip_text(message: &Message<'_>, to_store: bool) -> String {
    let mut object: CalendarObject = message.object.clone();
    for component in object.components.iter_mut().filter(|_| !to_store) {
        component.map_properties(|property| match property.is("TRANSP") {
            true => plain_transp(property),
            false => property,
        });
    }
    let head = [
        Property::new("VERSION", "2.0"),
        Property::new("PRODID", PRODID),
        Property::new("METHOD", message.method.as_str()),
    ];
    print::to_string(&to_calendar([&object], head))
}

#[cfg(test)]
mod tests {
    use super::super::testing::object;
    use super::*;
    use crate::model::id::CalendarId;

    fn letter(id: &str, method: &str, attempts: u32, first: bool) -> Letter {
        Letter {
            id: id.into(),
            method: method.into(),
            uid: "m".into(),
            from: "boss@x".into(),
            to: "guest@out".into(),
            calendar: CalendarId(1),
            text: String::new(),
            attachments: false,
            written: crate::ical::datetime::Timestamp(0),
            due: crate::ical::datetime::Timestamp(0),
            attempts,
            error: None,
            first,
            relay: None,
        }
    }

    #[test]
    fn mail_says_transp_as_everybody_knows_it() {
        let object = object(&[&["DTSTART:20260105T100000Z", "TRANSP:TRANSPARENT-NOCONFLICT"]]);
        let message = Message {
            method: Method::Request,
            object: &object,
            before: None,
            from: "mailto:boss@x",
            to: "mailto:guest@out",
            refresh: false,
            first: true,
            whole: false,
        };
        let plain = "TRANSP:TRANSPARENT\r\n";
        assert!(itip_text(&message, false).contains(plain));
        assert!(!itip_text(&message, true).contains(plain));
    }

    /// What a message replaces of waiting letters `ID METHOD ATTEMPTS FIRST`, whether it goes itself, and as the first.
    fn replaced(waiting: &[(&str, &str, u32, bool)], method: Method, whole: bool) -> String {
        let waiting: Vec<Letter> = waiting
            .iter()
            .map(|(id, method, attempts, first)| letter(id, method, *attempts, *first))
            .collect();
        let message = Message {
            method,
            object: &object(&[&["DTSTART:20260105T100000Z"]]),
            before: None,
            from: "mailto:boss@x",
            to: "mailto:guest@out",
            refresh: false,
            first: false,
            whole,
        };
        let replaced = Replaced::by(&message, &waiting);
        let ids: Vec<&str> = replaced.letters.iter().map(|l| l.id.as_str()).collect();
        let word = |set: bool, word: &'static str| if set { word } else { "" };
        format!(
            "{}{}{}",
            ids.join(","),
            word(replaced.needed, " goes"),
            word(replaced.first, " first")
        )
    }

    #[test]
    fn what_was_never_tried_makes_room() {
        use Method::{Cancel, Reply, Request};
        let first = ("a", "REQUEST", 0, true);
        let later = ("b", "REQUEST", 0, false);
        let tried = ("t", "REQUEST", 1, true);
        let one_off = ("c", "CANCEL", 0, false);
        for (waiting, method, whole, expected) in [
            (&[][..], Request, false, " goes"),
            (&[first], Request, false, "a goes first"),
            (&[first, one_off], Request, false, "a,c goes first"),
            (&[later, one_off], Request, false, "b goes"),
            (&[tried], Request, false, " goes"),
            (&[tried, later], Request, false, "b goes"),
            (&[first], Cancel, true, "a"),
            (&[first, one_off], Cancel, true, "a,c"),
            (&[one_off, first], Cancel, true, "a"),
            (&[later], Cancel, true, "b goes"),
            (&[tried, later], Cancel, true, "b goes"),
            (&[first], Cancel, false, " goes"),
            (&[later], Reply, false, " goes"),
        ] {
            let got = replaced(waiting, method, whole);
            assert_eq!(got, expected, "{waiting:?} {method:?} {whole}");
        }
    }
}
