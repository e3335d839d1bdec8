//! Objects booked as the act of somebody: who hears of it, whether its time is free, whether an invitation still waits.
//!
//! How an object came about is the use case's: a store by fields (`store`) or whole (`whole`). RFC 5546, RFC 6638.

use std::cell::Cell;

use super::attach;
use super::desk::{Desk, Written};
use super::organizer;
use super::store::Method;
use crate::core::error::{Error, Kind as Failed, Result};
use crate::core::schedule::send::{News, leave_behind};
use crate::core::schedule::{Notify, Round, Shortfall};
use crate::ical::component::Component;
use crate::ical::object::CalendarObject;
use crate::model::item::Item;
use crate::store::WriteTxn;

/// A calendar's desk on one occasion: what is said, who is written to, and what went other than wished for.
pub(super) struct Booker<'a> {
    desk: &'a Desk<'a>,
    method: Method,
    notify: Notify,
    sent_by: Option<&'a str>,
    shortfall: Cell<Shortfall>,
}

impl<'a> Booker<'a> {
    pub(super) fn new(desk: &'a Desk<'a>, method: Method, notify: Notify) -> Self {
        Self {
            desk,
            method,
            notify,
            sent_by: None,
            shortfall: Cell::default(),
        }
    }

    /// In the owner's name it is this user who writes; none: the caller.
    pub(super) fn written_by(mut self, user: Option<&'a str>) -> Self {
        self.sent_by = user;
        self
    }

    /// What went other than wished for until now.
    pub(super) fn shortfall(&self) -> Shortfall {
        self.shortfall.get()
    }

    /// Notes whether a group was cut short.
    pub(super) fn note_clipped(&self, clipped: bool) {
        self.shortfall.set(Shortfall {
            clipped: clipped || self.shortfall.get().clipped,
            ..self.shortfall.get()
        });
    }

    fn round(&self) -> Round<'_> {
        let desk = self.desk;
        Round::new(desk.core, desk.caller, desk.calendar, self.notify)
    }

    /// Tells the attendees of a change.
    pub(super) fn tell(
        &self,
        t: &mut WriteTxn<'_>,
        old: Option<&CalendarObject>,
        object: CalendarObject,
    ) -> Result<CalendarObject> {
        let mut shortfall = self.shortfall.get();
        let before = old.filter(|old| old.uid == object.uid);
        let told = self
            .round()
            .tell(t, before, object, News::Organizer, &mut shortfall)?;
        self.shortfall.set(shortfall);
        Ok(told)
    }

    /// Carries the answer of the calendar's owner to the organizer.
    fn answer(
        &self,
        t: &mut WriteTxn<'_>,
        old: Option<&CalendarObject>,
        written: &Written,
    ) -> Result<()> {
        let desk = self.desk;
        let own = desk.core.attendee_of(t, desk.calendar, &written.object)?;
        if let Some(own) = own {
            let mut shortfall = self.shortfall.get();
            let round = self.round();
            round.answer(t, old, &written.object, &own, &mut shortfall)?;
            self.shortfall.set(shortfall);
        }
        Ok(())
    }

    /// Books the objects, tells those they concern, and answers their UIDs. An invitation that is not answered by that
    /// goes on waiting.
    pub(super) fn write(
        &self,
        t: &mut WriteTxn<'_>,
        old: Option<(&Item, &CalendarObject)>,
        objects: Vec<CalendarObject>,
    ) -> Result<Vec<String>> {
        self.put(t, old, objects, false)
    }

    /// As [`Booker::write`]; an invitation waits no longer.
    pub(super) fn write_booked(
        &self,
        t: &mut WriteTxn<'_>,
        old: Option<(&Item, &CalendarObject)>,
        objects: Vec<CalendarObject>,
    ) -> Result<Vec<String>> {
        self.put(t, old, objects, true)
    }

    fn put(
        &self,
        t: &mut WriteTxn<'_>,
        old: Option<(&Item, &CalendarObject)>,
        objects: Vec<CalendarObject>,
        books: bool,
    ) -> Result<Vec<String>> {
        let method = self.method;
        let (item, old) = (old.map(|(item, _)| item), old.map(|(_, object)| object));
        attach::check_count(self.desk.core, old, &objects)?;
        organizer::check_voice(self.desk, method, &objects)?;
        self.check_transparency(old, &objects)?;
        let mut written: Vec<Written> = Vec::with_capacity(objects.len());
        for mut object in objects {
            organizer::sign(t, self.desk, method, self.sent_by, old, &mut object)?;
            self.desk.admit(old, Some(&object))?;
            let object = match method {
                Method::Request | Method::Cancel => self.tell(t, old, object)?,
                Method::Publish => {
                    let mut object = object;
                    leave_behind(&mut object);
                    object
                }
                Method::Reply | Method::Update => object,
            };
            written.push(self.desk.finished(object)?);
        }
        self.desk.check_free(t, old, &written)?;
        for written in &written {
            match item.filter(|item| item.is_queued()) {
                Some(item) if !books && self.desk.waits(t, written)? => {
                    self.desk.keep_queued(t, item, written)?;
                }
                _ => {
                    self.desk.book(t, written)?;
                }
            }
            if method == Method::Reply {
                self.answer(t, old, written)?;
            }
        }
        Ok(written
            .into_iter()
            .map(|written| written.object.uid)
            .collect())
    }

    /// A resource is busy whenever it is booked. Errors: `TransparentResource`.
    fn check_transparency(
        &self,
        old: Option<&CalendarObject>,
        objects: &[CalendarObject],
    ) -> Result<()> {
        let transparent = |c: &Component| {
            c.value("TRANSP")
                .is_some_and(|v| v.eq_ignore_ascii_case("TRANSPARENT"))
        };
        let new = |c: &Component| old.is_none_or(|old| !old.components.contains(c));
        let said = objects
            .iter()
            .flat_map(|o| &o.components)
            .any(|c| transparent(c) && new(c));
        let was = old.is_some_and(|old| old.components.iter().any(transparent));
        if self.desk.calendar.properties.resource && said && !was {
            let message = "expected a resource to be busy whenever it is booked";
            return Err(Error::new(Failed::TransparentResource, message));
        }
        Ok(())
    }
}
