//! The server inside the test: one core with a calendar for each use, behind the WCAP door and behind
//! administration.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use wcapd::admin::{Note, Peer, Request, Response, execute};
use wcapd::config::Config;
use wcapd::core::Core;
use wcapd::core::accounts::NewUser;
use wcapd::core::calendars::NewCalendar;
use wcapd::dispatch::Dispatch;
use wcapd::ical::datetime::Timestamp;
use wcapd::ical::parse::{Limits, parse};
use wcapd::model::clock::{CountedIds, ManualClock};
use wcapd::store::Store;

use crate::common::http;

/// Between the parts of the form; stands in no file.
const BOUNDARY: &str = "----------------------------0a1b2c3d4e5f";

/// What an import answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Answer {
    /// The result; nothing where the way in has none.
    pub(crate) errno: String,
    /// Objects.
    pub(crate) stored: usize,
    /// Components.
    pub(crate) refused: usize,
    /// Sentences.
    pub(crate) faults: Vec<String>,
}

/// A server.
pub(crate) struct World {
    /// Its core.
    pub(crate) core: Core,
    address: SocketAddr,
    session: String,
    calendars: Cell<usize>,
    _runtime: Runtime,
}

impl World {
    /// A server whose user tom is logged in.
    pub(crate) fn new() -> Self {
        let config = Config::for_tests(Path::new("unused"));
        let clock = Arc::new(ManualClock::new(Timestamp(1_767_603_600)));
        let store = Store::in_memory(clock.clone()).unwrap();
        let settings = wcapd::app::open::settings(&config);
        let core = Core::new(store, clock, Arc::new(CountedIds::default()), settings);
        let tom = NewUser {
            name: "tom".into(),
            ..NewUser::default()
        };
        core.add_user(&tom, Some("tom")).unwrap();
        let dispatch = Dispatch::new(4, core.store().reads_inline());
        let options = wcapd::wcap::http::Options {
            prefixes: config.http.prefixes.clone(),
            public_url: config.http.public_url.clone(),
            compatibility: wcapd::wcap::context::Compatibility::default(),
        };
        let router = wcapd::wcap::http::router(core.clone(), dispatch, &options);
        let runtime = Runtime::new().unwrap();
        let address = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move { axum::serve(listener, router).await });
            address
        });
        let login = http::get(address, "/login.wcap?user=tom&password=tom").unwrap();
        let session = value(&login.body, "X-NSCP-WCAP-SESSION-ID").unwrap();
        Self {
            core,
            address,
            session,
            calendars: Cell::new(0),
            _runtime: runtime,
        }
    }

    /// A fresh calendar.
    pub(crate) fn calendar(&self) -> String {
        let number = self.calendars.get() + 1;
        self.calendars.set(number);
        let calid = format!("tom:{number}");
        let new = NewCalendar::default();
        self.core.create_calendar(&calid, "tom", &new).unwrap();
        calid
    }

    /// `import.wcap`, as `curl -F Upload=@file` calls it.
    pub(crate) fn import(&self, calid: &str, format: &str, file: &[u8]) -> Answer {
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"Upload\"; filename=\"f\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let id = &self.session;
        let target = format!("/import.wcap?id={id}&calid={calid}&content-in={format}");
        let media = format!("multipart/form-data; boundary={BOUNDARY}");
        let answer = http::post(self.address, &target, &media, &body).unwrap();
        let count = |name: &str| {
            let text = value(&answer.body, name);
            text.map_or(0, |text| text.parse().unwrap())
        };
        Answer {
            errno: value(&answer.body, "X-NSCP-WCAP-ERRNO").unwrap(),
            stored: count("X-WCAPD-IMPORT-STORED"),
            refused: count("X-WCAPD-IMPORT-REFUSED"),
            faults: values(&answer.body, "X-WCAPD-IMPORT-ERROR"),
        }
    }

    /// `export.wcap`.
    pub(crate) fn export(&self, calid: &str, format: &str) -> Vec<u8> {
        let id = &self.session;
        let target = format!("/export.wcap?id={id}&calid={calid}&content-out={format}");
        let answer = http::get(self.address, &target).unwrap();
        let disposition = answer.header("content-disposition").unwrap_or_default();
        assert!(
            disposition.starts_with("attachment; filename=\"export."),
            "{calid}"
        );
        answer.body
    }

    /// What `wcapd import` has done.
    pub(crate) fn take(&self, calid: &str, file: &[u8]) -> Answer {
        let mut peer = Files {
            coming: vec![file.to_vec()],
            ..Files::default()
        };
        let done = execute(&self.core, Request::Import(calid.into()), &mut peer).unwrap();
        let Response::Imported {
            stored, refused, ..
        } = done
        else {
            panic!("{done:?}");
        };
        Answer {
            errno: String::new(),
            stored: usize::try_from(stored).unwrap(),
            refused: usize::try_from(refused).unwrap(),
            faults: peer.faults,
        }
    }

    /// What `wcapd export` writes.
    pub(crate) fn give(&self, calid: &str) -> Vec<u8> {
        let mut peer = Files::default();
        execute(&self.core, Request::Export(calid.into()), &mut peer).unwrap();
        peer.gone
    }
}

/// Every value of a property of the calendars in an answer.
fn values(answer: &[u8], name: &str) -> Vec<String> {
    let calendars = parse(answer, &Limits::DEFAULT).components;
    let properties = calendars.iter().flat_map(|c| c.properties_named(name));
    properties.map(|p| p.to_text().into_owned()).collect()
}

fn value(answer: &[u8], name: &str) -> Option<String> {
    values(answer, name).into_iter().next()
}

#[derive(Default)]
struct Files {
    coming: Vec<Vec<u8>>,
    gone: Vec<u8>,
    faults: Vec<String>,
}

impl Peer for Files {
    fn receive(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.coming.pop().unwrap_or_default())
    }

    fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        self.gone.extend_from_slice(piece);
        Ok(())
    }

    fn note(&mut self, note: Note) -> io::Result<()> {
        if let Note::Fault(fault) = note {
            self.faults.push(fault);
        }
        Ok(())
    }
}
