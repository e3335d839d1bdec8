//! Taking over sessions: bringing an id along, guessing one, using one at the wrong door or after its end.

use std::collections::BTreeSet;
use std::time::Instant;

use ::http::Request;
use axum::body::Body;
use wcapd::cap::channel::Channel;
use wcapd::cap::settings::{Link, Settings};
use wcapd::cap::work;
use wcapd::config::Config;
use wcapd::core::Client;
use wcapd::model::clock::{Ids as _, SystemIds};

use crate::Target;
use crate::common::http;
use crate::common::server::{DataDir, Server};

#[test]
fn an_id_brought_along_is_not_taken() {
    let target = Target::new(&[], &["user tom"]);
    let chosen = "a".repeat(32);
    let answer = target.get(&format!("/login.wcap?id={chosen}&user=tom&password=tom"));
    assert_eq!(answer.errno(), "0");
    assert!(!answer.text.contains(&chosen), "{}", answer.text);
    assert_eq!(
        target.get(&format!("/logout.wcap?id={chosen}")).errno(),
        "1"
    );
    // Nor does one that was valid before the login change hands.
    let before = target.log_in("tom");
    let answer = target.get(&format!("/login.wcap?id={before}&user=tom&password=tom"));
    assert!(!answer.text.contains(&before), "{}", answer.text);
}

#[test]
fn ids_cannot_be_predicted() {
    let tokens: BTreeSet<String> = (0..2_000).map(|_| SystemIds.token()).collect();
    assert_eq!(tokens.len(), 2_000);
    let mut counts = [0_u32; 256];
    for octet in tokens.iter().flat_map(|token| token.bytes()) {
        counts[usize::from(octet)] += 1;
    }
    let used: Vec<u32> = counts.into_iter().filter(|&count| count > 0).collect();
    assert_eq!(used.len(), 36);
    // 64,000 letters, 1,778 of each expected, with a deviation of 42: eight of those are not seen by chance.
    assert!(
        used.iter().all(|&count| (1_440..2_115).contains(&count)),
        "{used:?}"
    );
    // No place is constant.
    for place in 0..32 {
        let letters: BTreeSet<u8> = tokens.iter().map(|token| token.as_bytes()[place]).collect();
        assert_eq!(letters.len(), 36, "place {place}");
    }
}

#[test]
fn the_store_holds_no_id() {
    let target = Target::new(&[], &["user tom"]);
    let id = target.log_in("tom");
    let store = target.core.store();
    let found = store.read(|t| {
        let mut found = false;
        for (key, session) in wcapd::store::sessions::all(t)? {
            let record = format!("{session:?}");
            found |= record.contains(&id)
                || key
                    .windows(8)
                    .any(|w| id.as_bytes().windows(8).any(|v| v == w));
        }
        Ok::<_, wcapd::store::Error>(found)
    });
    assert!(!found.unwrap());
}

#[test]
fn a_cookie_is_no_wcap_session_and_the_other_way_round() {
    let target = Target::new(&[], &["user tom"]);
    let id = target.log_in("tom");
    let request = Request::get("/get_calprops.wcap?calid=tom")
        .header("host", "localhost")
        .header("cookie", format!("id={id}; wcapd={id}"));
    let answer = target.send(request.body(Body::empty()).unwrap());
    let anonymous = target.get("/get_calprops.wcap?calid=tom");
    assert_eq!(answer.text, anonymous.text);
}

#[test]
fn a_session_ends_everywhere_with_its_password() {
    let target = Target::new(&[], &["user tom"]);
    let ids = [target.log_in("tom"), target.log_in("tom")];
    target.core.set_password("tom", "new").unwrap();
    for id in ids {
        let answer = target.get(&format!("/check_id.wcap?id={id}"));
        assert!(answer.text.contains("CHECK-ID:0"), "{}", answer.text);
    }
}

/// A session of CAP in this process.
struct Cap<'a> {
    target: &'a Target,
    settings: Settings,
    channel: Channel,
}

impl<'a> Cap<'a> {
    /// Tom's, who acts for jerry.
    fn as_jerry(target: &'a Target) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = wcapd::app::cap_settings(&Config::for_tests(folder.path()), None);
        let link = Link {
            secure: true,
            ..Link::default()
        };
        let channel = Channel::new(settings.clone().into(), link, Instant::now());
        let mut cap = Self {
            target,
            settings,
            channel,
        };
        cap.ask("AUTHENTICATE PLAIN AHRvbQB0b20=");
        let said = cap.ask("IDENTIFY jerry");
        assert!(said.contains("IDENTITY=jerry@localhost"), "{said}");
        cap
    }

    fn ask(&mut self, line: &str) -> String {
        let now = Instant::now();
        self.channel.feed(format!("{line}\r\n").as_bytes(), now);
        while let Some(job) = self.channel.take_job() {
            let core = &self.target.core;
            let outcome = work::carry_out(core, &self.settings, Client::UNKNOWN, job);
            let outcome = outcome.done().expect("a matter of this store");
            self.channel.finish(outcome, now);
        }
        String::from_utf8(self.channel.take_outgoing()).unwrap()
    }

    /// Whether the session may write into jerry's calendar.
    fn writes(&mut self) -> bool {
        let object = "SENDDATA\r\nBEGIN:VCAP\r\nMETHOD:CREATE\r\nCMDID:a\r\nTARGET:jerry\r\nBEGIN:VEVENT\r\n\
            UID:one\r\nDTSTART:20260105T100000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCAP\r\n.";
        let said = self.ask(object);
        let written = said.contains("REQUEST-STATUS:2.0");
        assert!(written || said.contains("REQUEST-STATUS:6.0"), "{said}");
        written
    }
}

#[test]
fn acting_for_another_ends_with_ones_own_account() {
    type Change = fn(&wcapd::core::Core);
    let ends: [(&str, Change); 6] = [
        ("tom has another password", |core| {
            core.set_password("tom", "new").unwrap();
        }),
        ("tom's sessions are ended", |core| {
            core.end_sessions_called("tom").unwrap();
        }),
        ("all sessions are ended", |core| {
            core.end_all_sessions().unwrap();
        }),
        ("tom is shut", |core| {
            core.set_enabled("tom", false).unwrap();
        }),
        ("tom is gone", |core| {
            core.remove_user("tom").unwrap();
        }),
        ("jerry is shut", |core| {
            core.set_enabled("jerry", false).unwrap();
        }),
    ];
    for (what, change) in ends {
        let target = Target::new(&["cap.may_act_as tom:jerry"], &["user tom", "user jerry"]);
        let mut cap = Cap::as_jerry(&target);
        assert!(cap.writes());
        change(&target.core);
        assert!(!cap.writes(), "{what}");
        if what != "jerry is shut" {
            // Nor does the way back lead anywhere, or to jerry once more.
            let said = cap.ask("IDENTIFY");
            assert!(said.contains("IDENTITY=@\r\n"), "{what}: {said}");
            assert!(cap.ask("IDENTIFY jerry").starts_with("6.4"), "{what}");
            assert!(!cap.writes(), "{what}");
        }
    }
}

/// Jerry's name and password as PLAIN takes them.
const JERRY: &str = "AGplcnJ5AGplcnJ5";

/// Jerry writes where he may and where he may not, and reads.
fn over_cap(address: std::net::SocketAddr) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let patience = std::time::Duration::from_secs(60);
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut ask = |sent: &str, answered: &str| {
        stream.write_all(sent.as_bytes()).unwrap();
        let (mut said, mut octets) = (String::new(), [0; 4096]);
        while !said.contains(answered) {
            let read = stream.read(&mut octets).unwrap();
            assert_ne!(read, 0, "{said}");
            said += &String::from_utf8_lossy(&octets[..read]);
        }
    };
    ask(
        &format!("AUTHENTICATE PLAIN {JERRY}\r\nHELP\r\n"),
        "\r\n9.0 ;",
    );
    let event = "BEGIN:VEVENT\r\nUID:told\r\nDTSTART:20260105T100000Z\r\n\
        SUMMARY:a text nobody reads\r\nEND:VEVENT\r\n";
    let query = "BEGIN:VQUERY\r\nQUERY:SELECT UID FROM VEVENT\r\nEND:VQUERY\r\n";
    for (method, target, inner) in [
        ("CREATE", "jerry", event),
        ("CREATE", "tom", event),
        ("READ", "jerry", query),
    ] {
        let object = format!(
            "BEGIN:VCAP\r\nMETHOD:{method}\r\nCMDID:a\r\nTARGET:{target}\r\n{inner}END:VCAP\r\n"
        );
        ask(&format!("SENDDATA\r\n{object}.\r\n"), "2.0 a\r\n");
    }
    ask("CALIDEXPAND jerry\r\n", "2.0 jerry\r\n");
}

#[test]
fn nothing_logged_opens_anything() {
    let data = DataDir::new();
    let audit = data.join("audit.json");
    let config = data.join("wcapd.toml");
    let text = format!(
        "[log]\nfilter = 'trace'\naudit = '{}'\naudit_reads = true\n",
        audit.display()
    );
    std::fs::write(&config, text).unwrap();
    let server = Server::start(&data, &["--demo", "--config", config.to_str().unwrap()]);
    let ask = |target: &str| http::get(server.http, target).unwrap().text().to_owned();
    let answer = ask("/login.wcap?user=tom&password=tom");
    let id = answer
        .lines()
        .find_map(|line| line.strip_prefix("X-NSCP-WCAP-SESSION-ID:"))
        .unwrap()
        .trim()
        .to_owned();
    ask("/login.wcap?user=tom&password=wrong-s3cret");
    ask(&format!(
        "/storeevents.wcap?id={id}&calid=tom&dtstart=20260105T100000Z&summary=x"
    ));
    ask(&format!(
        "/storeevents.wcap?id={id}&calid=jerry&dtstart=20260105T100000Z&summary=x"
    ));
    ask(&format!("/fetchcomponents_by_range.wcap?id={id}&calid=tom"));
    ask(&format!("/nonsense.wcap?id={id}"));
    ask(&format!(
        "/change_password.wcap?id={id}&oldpassword=tom&newpassword=n3w-s3cret"
    ));
    ask(&format!(
        "/storeevents.wcap?id={id}x&calid=tom&dtstart=20260105T100000Z"
    ));
    ask(&format!("/logout.wcap?id={id}"));
    over_cap(server.cap);
    let form = "application/x-www-form-urlencoded";
    let page = http::post(server.http, "/login", form, b"user=jerry&password=jerry").unwrap();
    let cookie = page.header("set-cookie").unwrap().to_owned();
    let cookie = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    let (_, log) = server.stop();
    let audit = std::fs::read_to_string(&audit).unwrap();
    let secrets = ["wrong-s3cret", "n3w-s3cret", JERRY, "a text nobody reads"];
    for secret in [id.as_str(), cookie.as_str()].iter().chain(&secrets) {
        assert!(!audit.contains(secret), "{audit}");
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
    let told = |words: &[&str]| {
        let mut lines = audit.lines();
        assert!(
            lines.any(|line| words.iter().all(|word| line.contains(word))),
            "{words:?}\n{audit}"
        );
    };
    let who = "\"who\":\"tom@localhost\"";
    told(&[
        who,
        "\"what\":\"login\"",
        "\"outcome\":\"done\"",
        "127.0.0.1",
    ]);
    told(&["\"typed\":\"tom\"", "\"outcome\":\"refused\""]);
    told(&[
        who,
        "\"what\":\"storeevents\"",
        "\"calendar\":\"tom\"",
        "\"outcome\":\"done\"",
    ]);
    told(&[
        who,
        "\"what\":\"storeevents\"",
        "\"calendar\":\"jerry\"",
        "\"outcome\":\"28\"",
    ]);
    told(&[
        who,
        "\"what\":\"fetchcomponents_by_range\"",
        "\"outcome\":\"done\"",
    ]);
    told(&[who, "\"what\":\"change_password\""]);
    told(&[
        "\"who\":\"anonymous\"",
        "\"what\":\"storeevents\"",
        "\"outcome\":\"1\"",
    ]);
    told(&[who, "\"what\":\"logout\"", "\"outcome\":\"done\""]);
    let (who, door) = ("\"who\":\"jerry@localhost\"", "\"door\":\"cap\"");
    let did = |what: &str, calendar: &str, outcome: &str| {
        let what = format!("\"what\":\"{what}\"");
        let calendar = format!("\"calendar\":\"{calendar}\"");
        let outcome = format!("\"outcome\":\"{outcome}\"");
        told(&[who, door, &what, &calendar, &outcome, "127.0.0.1"]);
    };
    did("CREATE", "jerry", "done");
    did("CREATE", "tom", "6.0");
    did("READ", "jerry", "done");
    did("CALIDEXPAND", "jerry", "done");
}
