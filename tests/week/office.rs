//! The office: twelve people, their calendars, things to book and groups, on a server in this process that is asked over
//! HTTP.

use std::collections::HashMap;

use tokio::runtime::Runtime;
use wcapd::ical::component::Component;
use wcapd::ical::parse;

use super::common::http::Connection;
use super::common::transcript::World as _;
use super::common::world::Demo;

/// Everybody.
pub const PEOPLE: [&str; 12] = [
    "tom", "jerry", "anna", "bert", "carl", "dora", "emil", "fay", "gus", "hana", "ivan", "jane",
];

/// A calendar, who owns it, and what it is.
pub struct Place {
    pub calid: &'static str,
    pub owner: &'static str,
    /// The name under which it is invited: its own or its owner's.
    pub name: &'static str,
    pub is_resource: bool,
    /// Whether it may be booked twice at a time.
    pub doubles: bool,
}

const fn of(name: &'static str) -> Place {
    kept(name, name)
}

const fn kept(calid: &'static str, owner: &'static str) -> Place {
    Place {
        calid,
        owner,
        name: owner,
        is_resource: false,
        doubles: true,
    }
}

const fn thing(calid: &'static str, owner: &'static str, doubles: bool) -> Place {
    Place {
        calid,
        owner,
        name: calid,
        is_resource: true,
        doubles,
    }
}

/// All calendars.
pub const PLACES: [Place; 17] = [
    of("tom"),
    of("jerry"),
    of("anna"),
    of("bert"),
    of("carl"),
    of("dora"),
    of("emil"),
    of("fay"),
    of("gus"),
    of("hana"),
    of("ivan"),
    of("jane"),
    kept("tom:work", "tom"),
    kept("anna:home", "anna"),
    thing("room-1", "anna", false),
    thing("room-2", "bert", false),
    thing("beamer", "carl", true),
];

/// Who may put nothing into whose calendar: (who, whose).
pub const BARRED: [(&str, &str); 1] = [("gus", "emil")];

/// How the office is set up, as in `tests/wcap/README.md`. Emil lets gus put nothing into his calendar, jerry may
/// invite, answer and call off for tom.
const SET_UP: &str = "\
group inner dora emil
group crew bert inner carl
zone tom Europe/Berlin
zone hana Asia/Tokyo
zone ivan America/New_York
acl emil @@o^a^r^g;@@o^c^wdeic^g;gus^a^s^d;@^a^fs^g
acl tom @@o^a^r^g;@@o^c^wdeic^g;jerry^a^r^g;jerry^c^wdeic^g;@^a^fs^g
zone tom:work Europe/Berlin
";

/// The errno of a session that has ended.
const SESSION_ENDED: i32 = 1;

/// The office.
pub struct Office<'a> {
    pub world: Demo<'a>,
    sessions: HashMap<String, String>,
    line: Option<Connection>,
}

impl<'a> Office<'a> {
    /// It, on Monday morning.
    pub fn open(runtime: &'a Runtime) -> Self {
        let mut office = Self {
            world: Demo::new(runtime),
            sessions: HashMap::new(),
            line: None,
        };
        for name in PEOPLE {
            office.set_up(&format!("user {name}"));
        }
        for place in PLACES.iter().filter(|place| place.calid != place.owner) {
            let flag = if place.is_resource { " resource" } else { "" };
            office.set_up(&format!("calendar {} {}{flag}", place.calid, place.owner));
        }
        for line in SET_UP.lines() {
            office.set_up(line);
        }
        for place in PLACES.iter().filter(|place| place.is_resource) {
            let flag = u8::from(place.doubles);
            office.ask(
                place.owner,
                "set_calprops",
                &format!("calid={}&allowdoublebook={flag}", place.calid),
            );
        }
        office
    }

    /// Carries out a line of set-up.
    pub fn set_up(&mut self, line: &str) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let done = self.world.directive(&words);
        done.unwrap_or_else(|fault| panic!("{line}: {fault}"));
    }

    /// Lets time go by.
    pub fn wait(&mut self, seconds: i64) {
        self.set_up(&format!("advance {seconds}"));
    }

    /// The server's time.
    pub fn now(&self) -> String {
        self.world.now()
    }

    /// The answer to a command of WCAP that must not fail.
    pub fn ask(&mut self, who: &str, command: &str, params: &str) -> Component {
        let answer = self.request(who, command, params);
        let errno = errno(&answer);
        assert_eq!(errno, 0, "{who} {command} {params}");
        answer
    }

    /// The answer to a command of WCAP.
    pub fn request(&mut self, who: &str, command: &str, params: &str) -> Component {
        let params = params.replace(' ', "%20");
        let target = |id: String| format!("/wcap/{command}.wcap?id={id}&{params}");
        let first = target(self.session(who));
        let answer = self.get(&first);
        if errno(&answer) != SESSION_ENDED {
            return answer;
        }
        self.sessions.remove(who);
        let again = target(self.session(who));
        self.get(&again)
    }

    fn session(&mut self, name: &str) -> String {
        if let Some(id) = self.sessions.get(name) {
            return id.clone();
        }
        let answer = self.get(&format!("/wcap/login.wcap?user={name}&password={name}"));
        let id = answer.value("X-NSCP-WCAP-SESSION-ID").expect("a session");
        self.sessions.insert(name.to_owned(), id.to_owned());
        id.to_owned()
    }

    fn get(&mut self, target: &str) -> Component {
        let server = self.world.address();
        let mut line = match self.line.take() {
            Some(line) => line,
            None => Connection::open(server).expect("the server listens"),
        };
        let request = format!("GET {target} HTTP/1.1\r\nHost: {server}\r\n\r\n");
        line.send(request.as_bytes()).expect("the server reads");
        let answer = line.receive(false).expect("an answer");
        self.line = Some(line);
        let parsed = parse::parse(answer.text().as_bytes(), &parse::Limits::DEFAULT);
        let calendar = parsed.components.into_iter().next();
        calendar.unwrap_or_else(|| panic!("{target}: {}", answer.text()))
    }
}

/// The errno of an answer.
pub fn errno(answer: &Component) -> i32 {
    let errno = answer.value("X-NSCP-WCAP-ERRNO").unwrap_or_default();
    errno.parse().expect("an errno")
}
