//! Everything that can be asked over WCAP, asked of two servers side by side: whoever may not see a difference between
//! them must get the same answers to the octet, and none with a mark that only one of them holds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use wcapd::core::Caller;
use wcapd::core::prefs::Change;
use wcapd::core::subscriptions::SUBSCRIBED;
use wcapd::wcap::registry::{self, Row};

use crate::callers::Login;
use crate::commands::{ROWS, file};
use crate::samples;
use crate::world::{Answer, Ask, Server};

/// What stands in the texts of the one server's calendars, and in those of the other's.
pub(crate) const MARKS: [&str; 2] = ["XQALPHAQX", "XQBETAQX"];

/// The formats of answers, and one that there is not.
const FORMATS: [&str; 6] = [
    "text/calendar",
    "text/xml",
    "text/json",
    "application/calendar+xml",
    "application/calendar+json",
    "text/x",
];

/// What has a meaning in a query; lists are sent as lists, quotes as quotes.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b';')
    .remove(b'^')
    .remove(b'=')
    .remove(b'%')
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'_');

/// A media type and a body.
pub(crate) type Body = (String, String);

/// A form with one file in it.
const ATTACHMENT: &str = "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a.txt\"\r\n\
    Content-Type: text/plain\r\n\r\nA file.\r\n--b--\r\n";

/// The queries to ask of a command: those of the table of needs, each in every format, and the first of them with every
/// value of
/// every parameter, which are asked alone too; `calid` is tom's calendar as the caller writes it, `uid` that of an event
/// of the first server.
pub(crate) fn queries(row: &Row, calid: &str, uid: &str) -> Vec<(String, Option<Body>)> {
    let mut queries = Vec::new();
    let mut format = 0;
    let mut bases: Vec<&str> = ROWS
        .iter()
        .filter(|told| told.command == row.name)
        .map(|told| told.query)
        .collect();
    bases.push("");
    for (number, base) in bases.iter().enumerate() {
        let (base, file) = match base.split_once('\n') {
            Some((base, uid)) => (base, Some(("text/calendar".to_owned(), file(uid)))),
            None => (*base, None),
        };
        let base = base
            .replace("{calid}", calid)
            .replace("{acl}", "")
            .replace("{me}", "kim")
            .replace("=event", &format!("={uid}"));
        for format in FORMATS {
            queries.push((format!("{base}&fmt-out={format}"), file.clone()));
            if row.takes_attachments {
                let media = "multipart/form-data; boundary=b".to_owned();
                let form = Some((media, ATTACHMENT.to_owned()));
                queries.push((format!("{base}&fmt-out={format}"), form));
            }
        }
        // Every value of every parameter beside one that is right, and alone.
        let params = match number == 0 || base.is_empty() {
            true => row.params,
            false => &[],
        };
        for param in params {
            for value in samples::values(param, uid) {
                let value = utf8_percent_encode(&value, RESERVED);
                // The last of a name counts; each format gets its turn.
                format = (format + 1) % FORMATS.len();
                let format = FORMATS[format];
                queries.push((
                    format!("{base}&{}={value}&fmt-out={format}", param.name),
                    file.clone(),
                ));
            }
        }
    }
    queries
}

/// One of the two servers, and whoever asks it.
pub(crate) struct Side {
    server: Server,
    login: Login,
    caller: Option<Caller>,
}

impl Side {
    /// A server asked by somebody.
    pub(crate) fn new(server: Server, login: Login) -> Self {
        Self {
            caller: server.caller(login),
            server,
            login,
        }
    }

    /// Removes what the caller has made: all calendars but the default one, and subscriptions.
    fn forget_own(&self) {
        let core = self.server.core();
        let Some(caller) = &self.caller else {
            return;
        };
        let Some(id) = caller.principal() else {
            return;
        };
        let none = Change::Set(SUBSCRIBED.to_owned(), String::new());
        core.change_preferences(caller, None, &[none]).unwrap();
        for calendar in core.calendars(Some(id)).unwrap() {
            // The default one stays.
            let _ = core.remove_calendar(&core.show_calid(&calendar.calid));
        }
    }

    fn token(&self) -> Option<String> {
        self.server.token(self.login, self.caller.as_ref()?)
    }
}

/// Whether `text` has the mark: as it is, or in base64, whatever stands before it there.
pub(crate) fn tells(text: &str, mark: &str) -> bool {
    let inner = |shift: usize| {
        let encoded = STANDARD.encode(format!("{}{mark}", "x".repeat(shift)));
        encoded[4..encoded.len() - 4].to_owned()
    };
    let lower = text.to_ascii_lowercase();
    lower.contains(&mark.to_ascii_lowercase()) || (0..3).any(|shift| text.contains(&inner(shift)))
}

/// Asks everything of both servers on behalf of `name`; `see` is shown each answer. An item's UID is told by the first
/// server alone, unless both have it.
pub(crate) fn pry(sides: &[Side; 2], name: &str, uid: &str, mut see: impl FnMut(&Row, &Answer)) {
    let mut asked = 0;
    // A bare name is one of the caller's domain.
    let calid = match sides[0].login {
        Login::User(user) if user.contains('@') => "tom@localhost",
        _ => "tom",
    };
    for row in registry::rows() {
        // These end the session, or begin another.
        let anew = matches!(row.name, "login" | "logout");
        let mut tokens = None;
        for (query, body) in queries(row, calid, uid) {
            if anew || tokens.is_none() {
                tokens = Some(sides.each_ref().map(Side::token));
            }
            let tokens = tokens.as_ref().expect("made above");
            let answers = [0, 1].map(|side| {
                let mut target = format!("{}.wcap?{query}", row.name);
                if let Some(token) = &tokens[side] {
                    target.push_str(&format!("&id={token}"));
                }
                sides[side].server.ask(&Ask {
                    target,
                    body: body.clone(),
                })
            });
            let cell = format!("{}.wcap?{query} by {name}", row.name);
            for (answer, mark) in answers.iter().zip(MARKS) {
                let text = format!("{}\n{}", answer.headers.join("\n"), answer.text());
                // What was asked for may be said again: that the other server, where nothing is called so, says the
                // same is looked at below.
                let told = tells(&text, mark) && !query.contains(mark);
                assert!(!told, "{cell} tells\n{text}");
            }
            assert_eq!(answers[0].headers, answers[1].headers, "{cell}");
            assert_eq!(answers[0].text(), answers[1].text(), "{cell}");
            see(row, &answers[0]);
            asked += 1;
        }
        // Somebody may see their own calendars again, whatever they have called them; not here.
        sides.iter().for_each(Side::forget_own);
    }
    assert!(asked > 1_000, "{asked} requests");
}
