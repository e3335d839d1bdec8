//! The four people who work by CAP: what they would ask of WCAP, said in CAP's words where it has words for that, after a look
//! at what they have. The rest they do as everybody does.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use wcapd::app;
use wcapd::cap::channel::Channel;
use wcapd::cap::settings::Link;
use wcapd::cap::work;
use wcapd::config::Config;
use wcapd::core::{Client, Core};
use wcapd::ical::component::{Component, Property};
use wcapd::ical::parse;

use super::copies::name_of;
use super::diary::field;

/// What they have words for.
pub const WORDS: [&str; 6] = [
    "create",
    "change",
    "answer what waits",
    "answer what is booked",
    "call off",
    "call off one",
];

/// A third of everybody.
pub const PEOPLE_OF_CAP: [&str; 4] = ["carl", "fay", "hana", "jane"];

/// A client of CAP, which logs in for each command.
pub struct CapClient<'a> {
    core: &'a Core,
    who: &'a str,
}

impl<'a> CapClient<'a> {
    /// Somebody's.
    pub fn of(core: &'a Core, who: &'a str) -> Self {
        Self { core, who }
    }

    /// What the server answers to an object.
    fn send(&self, object: &str) -> Component {
        let mut config = Config::for_tests(std::path::Path::new("unused"));
        config.cap.plain_on_loopback = true;
        let settings = Arc::new(app::cap_settings(&config, None));
        let link = Link {
            local: true,
            ..Link::default()
        };
        let now = Instant::now();
        let mut channel = Channel::new(Arc::clone(&settings), link, now);
        let login = BASE64_STANDARD.encode(format!("\0{0}\0{0}", self.who));
        let mut answer = String::new();
        for said in [
            format!("AUTHENTICATE PLAIN {login}\r\n"),
            "SENDDATA\r\n".to_owned(),
            format!("{object}.\r\n"),
        ] {
            channel.feed(said.as_bytes(), now);
            while let Some(job) = channel.take_job() {
                let carried = work::carry_out(self.core, &settings, Client::UNKNOWN, job);
                let outcome = carried.done().expect("a matter of this store");
                channel.finish(outcome, now);
            }
            answer = String::from_utf8(channel.take_outgoing()).expect("text");
        }
        let begin = answer.find("BEGIN:VCAP");
        let begin = begin.unwrap_or_else(|| panic!("{}: {object}{answer}", self.who));
        let parsed = parse::parse(&answer.as_bytes()[begin..], &parse::Limits::DEFAULT);
        parsed.components.into_iter().next().expect("an object")
    }

    fn command(&self, method: &str, body: &str) -> Component {
        self.send(&format!(
            "BEGIN:VCAP\r\nVERSION:2.0\r\nMETHOD:{method}\r\nTARGET:{}\r\n{body}END:VCAP\r\n",
            self.who
        ))
    }

    /// What there is of a UID, if it is one component, with its METHOD among its properties.
    fn look(&self, uid: &str) -> Option<Component> {
        let columns = "UID,METHOD,DTSTART,DTEND,DUE,SUMMARY,RECURRENCE-ID,ATTENDEE";
        let asked = format!("SELECT {columns} FROM VEVENT,VTODO WHERE UID = '{uid}'");
        let answer = self.command("READ", &query(&asked));
        let mut found = answer.components().filter(|c| c.property("UID").is_some());
        let first = found.next()?;
        let alone = found.next().is_none() && first.property("RECURRENCE-ID").is_none();
        alone.then(|| first.clone())
    }

    /// Does what a request of WCAP asks for; none where CAP has no words for it, else by which, and whether it was done.
    pub fn act(&self, command: &str, params: &str) -> Option<(&'static str, bool)> {
        let of = |name: &str| field(params, name);
        let (uid, part, method) = (of("uid"), of("mod"), of("method"));
        let known = [
            "calid",
            "uid",
            "mod",
            "method",
            "rid",
            "replace",
            "attendees",
            "dtstart",
            "dtend",
            "due",
            "summary",
            "rrules",
        ];
        let names = params.split('&').filter_map(|part| part.split_once('='));
        if of("calid") != self.who || names.into_iter().any(|(name, _)| !known.contains(&name)) {
            return None;
        }
        let whole = part == "4" && ["", "0"].contains(&of("rid").as_str());
        let (word, answer) = match (command, method.as_str()) {
            ("storeevents" | "storetodos", "2") if part.is_empty() => {
                let made = self.created(command, params)?;
                ("create", self.command("CREATE", &made))
            }
            ("storeevents" | "storetodos", "2") if whole => {
                let (old, new) = changed(&self.look(&uid)?, params)?;
                ("change", self.modify(&uid, "CREATE", &old, &new))
            }
            ("storeevents" | "storetodos", "4") if whole => self.answer(&uid, &of("attendees"))?,
            ("deleteevents_by_id" | "deletetodos_by_id", "") if whole => {
                let asked = format!(
                    "SELECT * FROM VEVENT,VTODO WHERE UID = '{uid}' AND STATE() = 'BOOKED'"
                );
                ("call off", self.command("DELETE", &query(&asked)))
            }
            ("deleteevents_by_id", "") if part == "1" => {
                let rid = of("rid");
                let asked = format!(
                    "SELECT * FROM VEVENT WHERE UID = '{uid}' AND RECURRENCE-ID = '{rid}' AND STATE() = 'BOOKED'"
                );
                ("call off one", self.command("DELETE", &query(&asked)))
            }
            _ => return None,
        };
        let parts = answer.components().chain([&answer]);
        let said: Vec<&str> = parts.filter_map(|c| c.value("REQUEST-STATUS")).collect();
        let done = said.len() > 1 && said.iter().all(|status| status.starts_with("2."));
        Some((word, done))
    }

    fn created(&self, command: &str, params: &str) -> Option<String> {
        let of = |name: &str| field(params, name);
        let kind = match command {
            "storetodos" => "VTODO",
            _ => "VEVENT",
        };
        let mut lines = format!(
            "BEGIN:{kind}\r\nSEQUENCE:0\r\nORGANIZER:mailto:{}@localhost\r\n",
            self.who
        );
        if kind == "VEVENT" {
            lines += "STATUS:CONFIRMED\r\n";
        }
        for name in ["uid", "summary", "dtstart", "dtend", "due"] {
            let value = of(name);
            if !value.is_empty() {
                lines += &format!("{}:{value}\r\n", name.to_uppercase());
            }
        }
        let rule = of("rrules").replace("%3D", "=").replace("%3B", ";");
        if !rule.is_empty() {
            lines += &format!("RRULE:{}\r\n", rule.trim_matches('"'));
        }
        for entry in of("attendees").split(';') {
            lines += &attendee_line(entry)?;
        }
        Some(format!("{lines}END:{kind}\r\n"))
    }

    /// An answer: what waits is booked with it, what is booked gets it.
    fn answer(&self, uid: &str, said: &str) -> Option<(&'static str, Component)> {
        let (said, who) = said.strip_prefix("PARTSTAT=")?.split_once('^')?;
        let item = self.look(uid)?;
        let mut attendees = item.properties_named("ATTENDEE");
        let old = attendees.find(|attendee| name_of(attendee.value()) == who)?;
        // Who takes back what was handed on has to take somebody out, too.
        let back = old.param("DELEGATED-TO").is_some();
        if who != self.who || said.contains('^') || back {
            return None;
        }
        let new = old
            .clone()
            .without_param("PARTSTAT")
            .with_param("PARTSTAT", said);
        let method = item.value("METHOD")?;
        let own = |property: &Property| format!("{}\r\n", property.as_line());
        let word = match method {
            "CREATE" => "answer what is booked",
            _ => "answer what waits",
        };
        Some((word, self.modify(uid, method, &own(old), &own(&new))))
    }

    fn modify(&self, uid: &str, method: &str, old: &str, new: &str) -> Component {
        let kind = match self.is_task(uid) {
            true => "VTODO",
            false => "VEVENT",
        };
        let asked = format!("SELECT UID FROM {kind} WHERE UID = '{uid}' AND METHOD = '{method}'");
        let part = |method: &str, lines: &str| {
            format!("BEGIN:{kind}\r\nMETHOD:{method}\r\n{lines}END:{kind}\r\n")
        };
        let body = query(&asked) + &part(method, old) + &part("CREATE", new);
        self.command("MODIFY", &body)
    }

    fn is_task(&self, uid: &str) -> bool {
        self.look(uid).is_some_and(|item| item.is("VTODO"))
    }
}

fn query(asked: &str) -> String {
    format!("BEGIN:VQUERY\r\nQUERY:{asked}\r\nEND:VQUERY\r\n")
}

/// An entry of WCAP's `attendees` as a property.
fn attendee_line(entry: &str) -> Option<String> {
    let mut words: Vec<&str> = entry.split('^').collect();
    let name = words.pop()?;
    let address = match name.contains(':') {
        true => name.to_owned(),
        false => format!("mailto:{name}@localhost"),
    };
    Some(format!("ATTENDEE;{}:{address}\r\n", words.join(";")))
}

/// What is there of what changes, and what comes in its place.
fn changed(item: &Component, params: &str) -> Option<(String, String)> {
    let (mut old, mut new) = (String::new(), String::new());
    for name in ["SUMMARY", "DTSTART", "DTEND", "DUE"] {
        let value = field(params, &name.to_lowercase());
        if value.is_empty() {
            continue;
        }
        let property = item.property(name)?;
        // Times of zones are left to those who know them.
        if property.param("TZID").is_some() {
            return None;
        }
        old += &format!("{}\r\n", property.as_line());
        new += &format!("{name}:{value}\r\n");
    }
    for entry in field(params, "attendees").split(';') {
        // Who is to go is left to those who know the words for that.
        if entry.contains("ATTENDEE-DELETE") {
            return None;
        }
        let name = entry.rsplit('^').next().unwrap_or_default();
        let address = name.strip_prefix("mailto:").unwrap_or(name);
        let mut known = item.properties_named("ATTENDEE");
        if !name.is_empty()
            && known
                .all(|known| name_of(known.value()) != name && !known.value().ends_with(address))
        {
            new += &attendee_line(entry)?;
        }
    }
    (!new.is_empty()).then_some((old, new))
}
