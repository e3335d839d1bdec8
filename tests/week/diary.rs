//! What is done in the office: requests, by whom, and what follows from them for what is checked.

use std::collections::BTreeMap;

use wcapd::ical::component::Component;

use super::agree::Checker;
use super::by_cap::{CapClient, PEOPLE_OF_CAP};
use super::copies::{attendee, name_of, organizer, partstat, value};
use super::office::{Office, PLACES, Place, errno};

/// The office while it is at work.
pub struct Diary<'a> {
    pub office: Office<'a>,
    pub checker: Checker,
    /// How often what was done by CAP.
    pub cap: BTreeMap<&'static str, usize>,
}

/// What stands for a refusal by CAP, whose codes are others.
const REFUSED: i32 = -1;

impl<'a> Diary<'a> {
    /// A new one.
    pub fn new(office: Office<'a>) -> Self {
        Self {
            checker: Checker::new(&office),
            office,
            cap: BTreeMap::new(),
        }
    }

    /// Carries out a request of WCAP, in the calendar of who makes it where it says nothing else; answers its errno.
    pub fn act(&mut self, who: &str, command: &str, params: &str) -> i32 {
        let mut params = params.to_owned();
        if field(&params, "calid").is_empty() {
            params = format!("calid={who}&{params}");
        }
        let place = place(&field(&params, "calid"));
        let (uid, rid) = (field(&params, "uid"), field(&params, "rid"));
        let deletes = command.starts_with("delete");
        let theirs = deletes && self.is_guest(place, &uid);
        let errno = match self.by_cap(who, command, &params) {
            Some(errno) => errno,
            None => errno(&self.office.request(who, command, &params)),
        };
        if errno != 0 {
            return errno;
        }
        if theirs {
            let rid = if rid == "0" { "" } else { rid.as_str() };
            self.checker.put_away(place.name, &uid, rid);
        }
        let gone = ["ATTENDEE-DELETE", "DELEGATED", "method=8"];
        if gone.iter().any(|word| params.contains(word)) {
            self.checker.forget_marks(&uid);
        }
        if field(&params, "categories").starts_with("own-") && rid.is_empty() {
            self.checker.marked(place.name, &uid);
        }
        errno
    }

    /// What those who work by CAP do with it: 0 for what was done; none for what they do over WCAP.
    fn by_cap(&mut self, who: &str, command: &str, params: &str) -> Option<i32> {
        if !PEOPLE_OF_CAP.contains(&who) {
            return None;
        }
        let client = CapClient::of(self.office.world.core(), who);
        let (word, done) = client.act(command, params)?;
        if !done {
            return Some(REFUSED);
        }
        *self.cap.entry(word).or_default() += 1;
        Some(0)
    }

    /// Whether somebody else organizes an item of a calendar.
    fn is_guest(&mut self, place: &Place, uid: &str) -> bool {
        let items = self.items(place, uid);
        items
            .first()
            .is_some_and(|item| organizer(item) != place.name)
    }

    /// An item of a calendar, with rules.
    pub fn items(&mut self, place: &Place, uid: &str) -> Vec<Component> {
        let mut found = Vec::new();
        for command in ["fetchevents_by_id", "fetchtodos_by_id"] {
            let params = format!("calid={}&uid={uid}&recurring=1&emailorcalid=1", place.calid);
            let answer = self.office.request(place.owner, command, &params);
            let items = answer
                .components()
                .filter(|c| c.is("VEVENT") || c.is("VTODO"));
            found.extend(items.cloned());
        }
        found
    }

    /// An item of a calendar in a few words: revision and answers.
    pub fn told(&mut self, calid: &str, uid: &str, rid: &str) -> String {
        let items = self.items(place(calid), uid);
        let item = items
            .iter()
            .find(|item| value(item, "RECURRENCE-ID") == rid);
        let Some(item) = item else {
            return "nothing".to_owned();
        };
        let mut words = vec![format!(
            "{} #{}",
            value(item, "STATUS"),
            value(item, "SEQUENCE")
        )];
        words.extend(
            item.properties_named("ATTENDEE")
                .map(|attendee| format!("{} {}", name_of(attendee.value()), partstat(attendee))),
        );
        words.join(", ")
    }

    /// What does not agree now, a sentence to a line.
    pub fn check(&mut self) -> Result<(), String> {
        let faults = self.checker.faults(&mut self.office);
        match faults.is_empty() {
            true => Ok(()),
            false => Err(faults.join("\n")),
        }
    }
}

/// The calendar of that calid.
pub fn place(calid: &str) -> &'static Place {
    let found = PLACES.iter().find(|place| place.calid == calid);
    found.unwrap_or_else(|| panic!("there is no calendar {calid}"))
}

/// Whether somebody is invited to an item.
pub fn is_invited(item: &Component, name: &str) -> bool {
    organizer(item) != name && attendee(item, name).is_some()
}

/// The value of a parameter as it is written; empty without one.
pub fn field(params: &str, name: &str) -> String {
    let found = params.split('&').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        (key == name).then(|| value.to_owned())
    });
    found.unwrap_or_default()
}
