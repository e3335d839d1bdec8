//! People who do what comes into their heads: a few hundred operations on whatever they find in their calendars, the same
//! for the same seed.

use std::collections::BTreeMap;

use wcapd::ical::component::Component;

use super::copies::{attendee, is_cancelled, name_of, organizer, partstat, value};
use super::diary::{Diary, place};
use super::office::PEOPLE;

/// A generator of numbers (splitmix64): enough for choices, and the same everywhere.
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is above nothing.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn some<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        match of.is_empty() {
            true => None,
            false => of.get(self.below(of.len())),
        }
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// What may come into somebody's head.
pub const IDEAS: [(&str, usize); 20] = [
    ("meeting", 2),
    ("series", 3),
    ("task", 1),
    ("answer", 10),
    ("answer one", 6),
    ("move", 3),
    ("move one", 5),
    ("reword", 3),
    ("reword one", 3),
    ("call off", 1),
    ("call off one", 2),
    ("withdraw", 1),
    ("invite", 4),
    ("invite to one", 4),
    ("uninvite", 2),
    ("split", 3),
    ("shorten", 1),
    ("delegate", 3),
    ("put away", 2),
    ("mark", 3),
];

/// Operations at random.
pub struct Whim {
    chance: Chance,
    made: usize,
    /// How often each idea was carried out.
    pub done: BTreeMap<&'static str, usize>,
}

/// What is done: who asks, by which command, with what.
type Act = (String, &'static str, String);

impl Whim {
    /// The whim of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance(seed),
            made: 0,
            done: BTreeMap::new(),
        }
    }

    /// Does something, and says what.
    pub fn act(&mut self, diary: &mut Diary<'_>) -> String {
        let who = self.chance.one_of(&PEOPLE);
        let idea = self.idea();
        let waits = i64::try_from(self.chance.below(400)).unwrap_or_default();
        diary.office.wait(waits);
        let Some((who, command, params)) = self.plan(diary, who, idea) else {
            return format!("{who} would {idea}, and has nothing to do it with");
        };
        let errno = diary.act(&who, command, &params);
        if errno == 0 {
            *self.done.entry(idea).or_default() += 1;
        }
        format!("> {who} {command} {params} ({idea}: {errno})")
    }

    fn idea(&mut self) -> &'static str {
        let mut at = self
            .chance
            .below(IDEAS.iter().map(|(_, weight)| weight).sum());
        for (idea, weight) in IDEAS {
            match at.checked_sub(weight) {
                Some(left) => at = left,
                None => return idea,
            }
        }
        "answer"
    }

    fn plan(&mut self, diary: &mut Diary<'_>, who: &str, idea: &'static str) -> Option<Act> {
        let act = |command, params: String| Some((who.to_owned(), command, params));
        match idea {
            "meeting" | "series" | "task" => return Some(self.create(who, idea)),
            "answer" | "answer one" | "delegate" | "put away" => {
                return self.guest(diary, who, idea);
            }
            "mark" => {
                let item = self.pick(diary, who, |item| !is_cancelled(item))?;
                let method = match organizer(&item) == who {
                    true => 2,
                    false => self.chance.one_of(&[4, 256]),
                };
                let uid = value(&item, "UID");
                let alarm = self.chance.one_of(&["", "&alarmPopup=-PT15M"]);
                let command = stores(&item);
                let mark = match method {
                    2 => String::new(),
                    _ => format!("&categories=own-{who}"),
                };
                return act(
                    command,
                    format!("uid={uid}&mod=4&method={method}{mark}{alarm}"),
                );
            }
            _ => {}
        }
        let item = self.pick(diary, who, |item| {
            organizer(item) == who && item.property("ATTENDEE").is_some() && !is_cancelled(item)
        })?;
        let (uid, command) = (value(&item, "UID"), stores(&item));
        let whole = format!("uid={uid}&mod=4&method=2");
        let times = |(start, end): (String, String)| match command {
            "storetodos" => format!("dtstart={start}&due={end}"),
            _ => format!("dtstart={start}&dtend={end}"),
        };
        match idea {
            "move" => act(command, format!("{whole}&{}", times(self.times()))),
            "reword" => {
                let word = self.chance.below(100);
                let what = self.chance.one_of(&["summary", "location", "desc"]);
                act(command, format!("{whole}&{what}=W{word}"))
            }
            "call off" => {
                let command = command.replace("store", "delete") + "_by_id";
                let command = match command.as_str() {
                    "deletetodos_by_id" => "deletetodos_by_id",
                    _ => "deleteevents_by_id",
                };
                act(command, format!("uid={uid}&rid=0&mod=4"))
            }
            "withdraw" => act(command, format!("uid={uid}&mod=4&method=8")),
            "invite" => {
                let guests = self.guests(who);
                act(command, format!("{whole}&attendees={guests}"))
            }
            "uninvite" => {
                let out = self.other(&item, who)?;
                let delete = "X-NSCP-WCAP-ATTENDEE-DELETE";
                act(
                    command,
                    format!("{whole}&attendees=PARTSTAT={delete}^{out}"),
                )
            }
            _ => {
                let rid = self.instance(diary, who, &uid)?;
                let one = format!("uid={uid}&rid={rid}&mod=1");
                match idea {
                    "move one" => {
                        let day = &rid[..8];
                        let hour = self.chance.below(10) + 8;
                        let times =
                            format!("dtstart={day}T{hour:02}0000Z&dtend={day}T{hour:02}4500Z");
                        act("storeevents", format!("{one}&method=2&{times}"))
                    }
                    "reword one" => {
                        let word = self.chance.below(100);
                        act("storeevents", format!("{one}&method=2&summary=One{word}"))
                    }
                    "call off one" => act("deleteevents_by_id", one),
                    "invite to one" => {
                        let guests = self.guests(who);
                        act("storeevents", format!("{one}&method=2&attendees={guests}"))
                    }
                    "split" => {
                        let change = match self.chance.once_in(2) {
                            true => "&location=Elsewhere".to_owned(),
                            false => {
                                let (day, hour) = (&rid[..8], self.chance.below(8) + 9);
                                format!("&dtstart={day}T{hour:02}1500Z&dtend={day}T{hour:02}4500Z")
                            }
                        };
                        act(
                            "storeevents",
                            format!("uid={uid}&rid={rid}&mod=2&method=2{change}"),
                        )
                    }
                    _ => act("deleteevents_by_id", format!("uid={uid}&rid={rid}&mod=2")),
                }
            }
        }
    }

    fn create(&mut self, who: &str, idea: &str) -> Act {
        self.made += 1;
        let uid = format!("{who}-{}", self.made);
        let calid = match who {
            "tom" if self.chance.once_in(4) => "tom:work",
            "anna" if self.chance.once_in(4) => "anna:home",
            who => who,
        };
        let who = match calid {
            "tom" if self.chance.once_in(3) => "jerry",
            _ => who,
        };
        let (start, end) = self.times();
        let guests = self.guests(place(calid).name);
        let rule = match idea {
            "series" => {
                let often = self.chance.one_of(&["DAILY", "WEEKLY"]);
                let count = self.chance.below(4) + 2;
                format!("&rrules=\"FREQ%3D{often}%3BCOUNT%3D{count}\"")
            }
            _ => String::new(),
        };
        let (command, end) = match idea {
            "task" => ("storetodos", format!("due={end}")),
            _ => ("storeevents", format!("dtend={end}")),
        };
        let params = format!(
            "calid={calid}&uid={uid}&summary=S{}&dtstart={start}&{end}{rule}&method=2&attendees={guests}",
            self.made
        );
        (who.to_owned(), command, params)
    }

    fn times(&mut self) -> (String, String) {
        let (day, hour) = (self.chance.below(5) + 5, self.chance.below(9) + 8);
        let minutes = self.chance.one_of(&["00", "30"]);
        let (start, last) = (hour, hour + 1);
        (
            format!("202601{day:02}T{start:02}{minutes}00Z"),
            format!("202601{day:02}T{last:02}{minutes}00Z"),
        )
    }

    fn guests(&mut self, who: &str) -> String {
        let mut names: Vec<&str> = Vec::new();
        for _ in 0..=self.chance.below(3) {
            names.push(self.chance.one_of(&PEOPLE));
        }
        if self.chance.once_in(3) {
            names.push(self.chance.one_of(&["room-1", "room-2", "beamer"]));
        }
        if self.chance.once_in(6) {
            names.push(self.chance.one_of(&["inner", "crew"]));
        }
        if self.chance.once_in(6) {
            names.push("mailto:guest@outside.example");
        }
        names.sort_unstable();
        names.dedup();
        let entries = names.into_iter().map(|name| match name == who {
            true => format!("PARTSTAT=ACCEPTED^{name}"),
            false => format!("PARTSTAT=NEEDS-ACTION^RSVP=TRUE^{name}"),
        });
        entries.collect::<Vec<_>>().join(";")
    }

    /// What somebody does with what others organize.
    fn guest(&mut self, diary: &mut Diary<'_>, who: &str, idea: &str) -> Option<Act> {
        let act = |command, params: String| Some((who.to_owned(), command, params));
        let item = self.pick(diary, who, |item| {
            super::diary::is_invited(item, who) && (!is_cancelled(item) || idea == "put away")
        })?;
        let (uid, command) = (value(&item, "UID"), stores(&item));
        let answer = self
            .chance
            .one_of(&["ACCEPTED", "ACCEPTED", "TENTATIVE", "DECLINED"]);
        let mut part = "mod=4".to_owned();
        let only = value(&item, "RECURRENCE-ID");
        if !only.is_empty() {
            part = format!("rid={only}&mod=1");
        } else if idea == "answer one" || (idea != "answer" && self.chance.once_in(3)) {
            part = format!("rid={}&mod=1", self.instance(diary, who, &uid)?);
        }
        match idea {
            "delegate" => {
                let to = self.chance.one_of(&PEOPLE);
                let taken = to == organizer(&item) || attendee(&item, to).is_some();
                if taken {
                    return None;
                }
                let params = format!(
                    "uid={uid}&{part}&method=4&attendees=PARTSTAT=DELEGATED^DELEGATED-TO={to}^{who}"
                );
                act(command, params)
            }
            "put away" => {
                let notify = self.chance.below(2);
                let part = match part.as_str() {
                    "mod=4" => "rid=0&mod=4",
                    part => part,
                };
                let command = match command {
                    "storetodos" => "deletetodos_by_id",
                    _ => "deleteevents_by_id",
                };
                act(command, format!("uid={uid}&{part}&notify={notify}"))
            }
            _ => {
                let replace = self.chance.below(2);
                act(
                    command,
                    format!(
                        "uid={uid}&{part}&method=4&replace={replace}&attendees=PARTSTAT={answer}^{who}"
                    ),
                )
            }
        }
    }

    /// An item of somebody's default calendar: its first component.
    fn pick(
        &mut self,
        diary: &mut Diary<'_>,
        who: &str,
        fits: impl Fn(&Component) -> bool,
    ) -> Option<Component> {
        let answer = diary.office.ask(
            who,
            "fetchcomponents_by_range",
            &format!("calid={who}&recurring=1&emailorcalid=1"),
        );
        let mut seen: Vec<String> = Vec::new();
        let mut found: Vec<&Component> = Vec::new();
        for item in answer.components().filter(|c| c.property("UID").is_some()) {
            let uid = value(item, "UID");
            if !seen.contains(&uid) {
                seen.push(uid);
                found.push(item);
            }
        }
        found.retain(|item| fits(item));
        self.chance.some(&found).map(|item| (*item).clone())
    }

    /// The RECURRENCE-ID of an instance of a series in somebody's calendar.
    fn instance(&mut self, diary: &mut Diary<'_>, who: &str, uid: &str) -> Option<String> {
        let answer = diary.office.request(
            who,
            "fetchevents_by_id",
            &format!("calid={who}&uid={uid}&recurring=0"),
        );
        let live = answer.components().filter(|c| !is_cancelled(c));
        let ids: Vec<String> = live
            .filter_map(|c| c.value("RECURRENCE-ID").map(str::to_owned))
            .collect();
        self.chance.some(&ids).cloned()
    }

    fn other(&mut self, item: &Component, who: &str) -> Option<String> {
        let others = item.properties_named("ATTENDEE").filter_map(|attendee| {
            let name = name_of(attendee.value());
            (name != who && partstat(attendee) != "DELEGATED").then_some(name)
        });
        let others: Vec<String> = others.collect();
        self.chance.some(&others).cloned()
    }
}

fn stores(item: &Component) -> &'static str {
    match item.is("VTODO") {
        true => "storetodos",
        false => "storeevents",
    }
}
