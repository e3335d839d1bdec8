//! The web page in a real browser: Chromium without a window and without script, driven through its
//! own driver by the WebDriver protocol (W3C WebDriver, sections 10 to 13).
//!
//! Where Chromium or its driver is not installed the test is left out, and says so; `tests/run`
//! installs both. What single pages contain is tested beside the pages.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};

use common::http::{self, Response};
use common::server::Server;

/// What the protocol calls a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What somebody might store to be run in another's browser.
const HOSTILE: &str = "<script>document.title='taken'</script>";

fn main() {
    let arguments = Arguments::from_args();
    let tools = program("chromium").zip(program("chromedriver"));
    let missing = tools.is_none();
    if missing {
        eprintln!(
            "tests/page.rs is left out: chromium or chromedriver is not installed here \
             (Debian: apt-get install chromium chromium-driver)"
        );
    }
    let test = Trial::test("one logs in, looks and logs out in a browser", move || {
        let (browser, driver) = tools.ok_or("chromium or chromedriver is not installed")?;
        visit(browser, driver);
        Ok(())
    });
    libtest_mimic::run(&arguments, vec![test.with_ignored_flag(missing)]).exit();
}

/// A program on the search path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn visit(browser: PathBuf, driver: PathBuf) {
    let server = Server::demo();
    store_hostile_event(server.http);
    let page = Browser::start(browser, driver);
    let site = format!("http://{}", server.http);

    page.open("data:text/html,<title>off</title><script>document.title='on'</script>");
    assert_eq!(page.title(), "off", "script is switched off");

    page.open(&site);
    assert_eq!(page.address(), format!("{site}/login"));
    page.log_in("tom", "wrong");
    let alert = page.text("[role=alert]");
    assert!(alert.contains("do not fit"), "{alert}");
    page.log_in("tom", "tom");
    let days = page.text("section[aria-labelledby=next]");
    assert_eq!(page.address(), format!("{site}/app/"));
    assert!(days.contains(HOSTILE), "{days}");
    let source = page.source();
    assert!(
        !source.contains("<script"),
        "nothing stored became an element: {source}"
    );
    assert!(page.title().ends_with(" - wcapd"), "{}", page.title());

    let connect = page.text("section.connect");
    for command in [
        format!("{site}/\n"),
        format!("curl '{site}/wcap/login.wcap'"),
    ] {
        assert!(connect.contains(&command), "{command:?} in {connect}");
    }
    assert!(connect.contains("user=tom"), "{connect}");

    page.click("header button");
    page.find("#password");
    assert_eq!(page.address(), format!("{site}/login"));
    page.open(&format!("{site}/app/"));
    assert_eq!(page.address(), format!("{site}/login"), "the session ended");
}

/// An event of every day, so that whatever day it is, one is on the page.
fn store_hostile_event(server: SocketAddr) {
    let login = http::get(server, "/wcap/login.wcap?user=tom&password=tom").unwrap();
    let id = login
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("X-NSCP-WCAP-SESSION-ID:"))
        .expect("tom logs in");
    let form = format!(
        "id={id}&calid=tom&uid=hostile&summary={HOSTILE}&dtstart=20260101T100000Z\
         &dtend=20260101T110000Z&rrules=%22FREQ%3DDAILY%22"
    );
    let form_type = "application/x-www-form-urlencoded";
    let stored = http::post(server, "/wcap/storeevents.wcap", form_type, form.as_bytes());
    let stored = stored.unwrap();
    assert!(
        stored.text().contains("X-NSCP-WCAP-ERRNO:0\r\n"),
        "{}",
        stored.text()
    );
}

/// A browser with an empty profile. Dropping it ends it, and its driver.
struct Browser {
    driver: Child,
    address: SocketAddr,
    /// The path of the session at the driver.
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    fn start(browser: PathBuf, driver: PathBuf) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .env("HOME", profile.path())
            .env_remove("http_proxy")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        // What it says later is of no use, but must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let mut browser_flags: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ]
        .map(str::to_owned)
        .into();
        let folder = profile.path().join("profile");
        browser_flags.push(format!("--user-data-dir={}", folder.display()));
        let options = json!({
            "binary": browser,
            "args": browser_flags,
            // 2 is "block".
            "prefs": { "profile.managed_default_content_settings.javascript": 2 },
        });
        let mut page = Self {
            driver,
            address: SocketAddr::from(([127, 0, 0, 1], port.unwrap_or(0))),
            session: String::new(),
            _profile: profile,
        };
        assert!(port.is_some(), "the driver says where it listens");
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            // A click returns before the page it leads to is there: look for an element that long, in ms.
            "timeouts": { "implicit": 30_000 },
        } } });
        let session = page.post("/session", &wanted);
        let id = session["sessionId"].as_str().expect("a session");
        page.session = format!("/session/{id}");
        page
    }

    fn open(&self, address: &str) {
        self.post("/url", &json!({ "url": address }));
    }

    fn address(&self) -> String {
        self.get("/url").as_str().unwrap().to_owned()
    }

    fn title(&self) -> String {
        self.get("/title").as_str().unwrap().to_owned()
    }

    fn log_in(&self, user: &str, password: &str) {
        for (field, text) in [("#user", user), ("#password", password)] {
            let field = self.find(field);
            self.post(&format!("{field}/clear"), &json!({}));
            self.post(&format!("{field}/value"), &json!({ "text": text }));
        }
        self.click("form button");
    }

    fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("{element}/click"), &json!({}));
    }

    fn text(&self, selector: &str) -> String {
        let element = self.find(selector);
        let text = self.get(&format!("{element}/text"));
        text.as_str().unwrap().to_owned()
    }

    fn source(&self) -> String {
        self.get("/source").as_str().unwrap().to_owned()
    }

    /// The path of the first element that fits, which may be on a page that is still to come.
    fn find(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", &wanted);
        format!("/element/{}", found[ELEMENT].as_str().unwrap())
    }

    fn get(&self, path: &str) -> Value {
        let path = format!("{}{path}", self.session);
        value(&path, &http::get(self.address, &path).unwrap())
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let path = format!("{}{path}", self.session);
        let body = body.to_string();
        let media = "application/json";
        let answer = http::post(self.address, &path, media, body.as_bytes());
        value(&path, &answer.unwrap())
    }
}

/// The value of an answer of the driver.
fn value(path: &str, answer: &Response) -> Value {
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
    let mut body: Value = serde_json::from_str(answer.text()).expect("JSON");
    body["value"].take()
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // The driver ends the browser; without it there is none to end.
            let request = format!(
                "DELETE {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                self.session, self.address
            );
            let _ = http::exchange(self.address, request.as_bytes());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
