//! Accounts of the machine through NSS and PAM: a local account made for the test, and Cyrus SASL's `saslauthd`.
//!
//! Needs root to make the account, and saslauthd; without them the test is left out, and says so. `tests/run` installs
//! saslauthd.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use wcapd::config::Config;
use wcapd::core::directory::Directory as _;
use wcapd::core::{Client, Core, Kind};
use wcapd::host::{Host, Options};
use wcapd::ical::datetime::Timestamp;
use wcapd::model::clock::{CountedIds, ManualClock};
use wcapd::model::user::Source;
use wcapd::store::Store;

/// The account, the group it is in, and another one.
const NAME: &str = "wcapd-test-user";
const GROUP: &str = "wcapd-test-group";
const OTHER: &str = "wcapd-test-other";
const PASSWORD: &str = "long enough, I hope";

fn main() {
    let arguments = Arguments::from_args();
    let missing = missing();
    if let Some(reason) = &missing {
        eprintln!("tests/host.rs is left out: {reason}");
    }
    let left_out = missing.is_some();
    let test = Trial::test("a local account logs in", || {
        log_in();
        Ok(())
    });
    libtest_mimic::run(&arguments, vec![test.with_ignored_flag(left_out)]).exit();
}

/// A program, where Debian puts it or on the search path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn missing() -> Option<&'static str> {
    let user = Command::new("id").arg("-u").output().expect("id is there");
    if user.stdout != b"0\n" {
        return Some("only root can make an account for it");
    }
    let tools = [
        "saslauthd",
        "useradd",
        "userdel",
        "groupadd",
        "groupdel",
        "chpasswd",
    ];
    match tools.iter().all(|tool| program(tool).is_some()) {
        true => None,
        false => {
            Some("saslauthd or useradd is not installed (Debian: apt-get install sasl2-bin passwd)")
        }
    }
}

fn run(name: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program(name).expect("it is there"));
    let output = command.args(arguments).output().unwrap();
    output.status.success()
}

/// The account, its group and saslauthd; all of it goes with this value.
struct Machine {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Machine {
    fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            child: None,
        };
        machine.clear();
        assert!(run("groupadd", &["--gid", "59998", GROUP]));
        let comment = "Test User,room 1";
        assert!(run(
            "useradd",
            &[
                "--uid",
                "59998",
                "--gid",
                "59998",
                "-M",
                "--comment",
                comment,
                NAME
            ]
        ));
        // One is in the group because it is the account's first, the other because it is listed.
        assert!(run(
            "useradd",
            &["--uid", "59997", "--gid", "100", "-G", GROUP, "-M", OTHER]
        ));
        let mut child = Command::new(program("chpasswd").unwrap())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let line = format!("{NAME}:{PASSWORD}\n");
        child
            .stdin
            .take()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
        machine
    }

    fn clear(&self) {
        run("userdel", &[NAME]);
        run("userdel", &[OTHER]);
        run("groupdel", &[GROUP]);
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("mux")
    }

    /// Starts saslauthd, in the foreground, one process.
    fn start(&mut self) {
        let child = Command::new(program("saslauthd").unwrap())
            .args(["-d", "-a", "pam", "-n", "0", "-m"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < end, "saslauthd does not answer");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop();
        self.clear();
    }
}

fn options(socket: PathBuf) -> Options {
    Options {
        socket,
        service: "wcapd".to_owned(),
        least_uid: 1_000,
        domain: "example.test".to_owned(),
        time: Duration::from_secs(20),
        group_members: 10,
    }
}

fn core(host: Host) -> (Core, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
    let store = Store::in_memory(clock.clone()).unwrap();
    let mut config = Config::for_tests(Path::new("unused"));
    config.server.domain = "example.test".to_owned();
    let settings = wcapd::app::open::settings(&config);
    let ids = Arc::new(CountedIds::default());
    let core = Core::with_directories(store, clock.clone(), ids, settings, vec![Box::new(host)]);
    (core, clock)
}

fn log_in() {
    let mut machine = Machine::new();
    machine.start();
    let (core, clock) = core(Host::new(options(machine.socket())));
    let here = Client::UNKNOWN;
    for login in [NAME, "WCAPD-test-user@example.test"] {
        let identity = core.authenticate(login, PASSWORD, here).unwrap();
        assert_eq!(identity.name.local, NAME);
    }
    let (caller, _) = core.login(NAME, PASSWORD, here).unwrap();
    let user = core.user(NAME).unwrap();
    assert_eq!(
        (user.source, user.full_name.as_str()),
        (Source::Host, "Test User")
    );
    assert_eq!(core.calendar_properties(&caller, None).unwrap().calid, NAME);
    for (login, password) in [
        (NAME, "wrong"),
        (NAME, ""),
        ("root", "root"),
        ("no-such-user", "x"),
    ] {
        let refused = core.authenticate(login, password, here).unwrap_err();
        assert_eq!(refused.kind(), Kind::NotAuthenticated, "{login}");
    }
    core.know([GROUP]).unwrap();
    let members = core.names(&core.group(GROUP).unwrap().members).unwrap();
    let members: Vec<&str> = members.iter().map(|name| name.local.as_str()).collect();
    assert_eq!(members, [OTHER, NAME]);
    assert_eq!(core.user(NAME).unwrap().id, user.id);

    machine.stop();
    clock.advance(61);
    let refused = core.authenticate(NAME, PASSWORD, here).unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(core.directory_problem().unwrap().contains("saslauthd"));
    machine.start();
    assert!(core.authenticate(NAME, PASSWORD, here).is_ok());
    assert_eq!(Host::new(options(machine.socket())).problem(), None);
}
