//! Sources override one another, and nothing wrong passes silently.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::path::Path;

use super::table::Key;
use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// What is said about a file with this text; its name is shown as FILE.
fn refusal(text: &str) -> String {
    let file = file(text);
    let sources = Sources {
        file: Some(file.path()),
        ..Sources::default()
    };
    let error = Loaded::read(&sources).unwrap_err().to_string();
    error.replace(&file.path().display().to_string(), "FILE")
}

#[test]
fn each_source_overrides_the_one_before() {
    let file = file("[http]\naddr = '127.0.0.1:1'\n[cap]\nplain_on_loopback = false\n");
    let mut sources = Sources {
        demo: true,
        ..Sources::default()
    };
    let addr = |sources: &Sources| {
        let loaded = Loaded::read(sources).unwrap();
        let source = loaded.source(&Key::find("http.addr").unwrap()).to_string();
        (loaded.config.http.addr.port(), source)
    };
    assert_eq!(addr(&sources), (8080, "default".to_owned()));
    assert!(Loaded::read(&sources).unwrap().config.cap.plain_on_loopback);

    sources.file = Some(file.path());
    assert_eq!(
        addr(&sources),
        (1, format!("{} line 2", file.path().display()))
    );
    assert!(!Loaded::read(&sources).unwrap().config.cap.plain_on_loopback);

    sources.environment = environment(&[
        ("PATH", "/bin"),
        ("WCAPD_CONFIG", "x"),
        ("WCAPD__HTTP__ADDR", "127.0.0.1:2"),
    ]);
    let from = "environment variable WCAPD__HTTP__ADDR".to_owned();
    assert_eq!(addr(&sources), (2, from));

    sources.flags = vec![("http.addr", "127.0.0.1:3".to_owned(), "--http")];
    assert_eq!(addr(&sources), (3, "--http".to_owned()));
}

#[test]
fn every_kind_of_value_is_read_from_the_environment() {
    let sources = Sources {
        environment: environment(&[
            ("WCAPD__CAP__PLAIN_ON_LOOPBACK", "true"),
            ("WCAPD__SERVER__DOMAIN", "example.org"),
            ("WCAPD__HTTP__PREFIXES", "/wcap/,/calendar/"),
            ("WCAPD__SESSION__IDLE", "1h30m"),
            ("WCAPD__SYNC__TOMBSTONE_DAYS", "90"),
            ("WCAPD__METRICS__ADDR", "[::1]:9100"),
            ("WCAPD__LIMITS__INSTANCES", "500"),
            ("WCAPD__LIMITS__VALUE_LENGTH", "1 MiB"),
            ("WCAPD__LIMITS__OPEN_END", "2y"),
        ]),
        ..Sources::default()
    };
    let config = Loaded::read(&sources).unwrap().config;
    assert!(config.cap.plain_on_loopback);
    assert_eq!(config.server.domain, "example.org");
    assert_eq!(config.http.prefixes, ["/wcap/", "/calendar/"]);
    assert_eq!(config.session.idle.as_secs(), 5_400);
    assert_eq!(config.sync.tombstone_days, 90);
    assert_eq!(config.metrics.addr.unwrap().port(), 9100);
    assert_eq!(config.limits.instances, 500);
    assert_eq!(config.limits.value_length, 1 << 20);
    assert_eq!(config.limits.open_end.as_secs(), 730 * 86_400);
}

#[test]
fn wrong_files_are_refused_with_the_place() {
    for (text, expected) in [
        (
            "[http]\n\nadr = '127.0.0.1:1'\n",
            "FILE line 3: there is no key 'http.adr'; did you mean 'http.addr'?",
        ),
        (
            "domain = 'x'\n",
            "FILE line 1: there is no key 'domain'; did you mean 'server.domain'?",
        ),
        (
            "[limits]\ninstances = 1\ninstanses = 2\n",
            "FILE line 3: there is no key 'limits.instanses'; did you mean 'limits.instances'?",
        ),
        (
            "[session]\nidle = 30\n",
            "FILE line 2: session.idle must be a time like 30s, 30m, 12h, 7d or 1y (365 days), but it is 30",
        ),
        (
            "[auth]\nanonymous = 'maybe'\n",
            "FILE line 2: auth.anonymous must be true or false, but it is 'maybe'",
        ),
        (
            "[sync]\ntombstone_days = 1.5\n",
            "FILE line 2: sync.tombstone_days must be a whole number from 0 to 4294967295, but it is \
             a number with a fraction",
        ),
        (
            "[http]\nprefixes = ['wcap']\n",
            "FILE line 2: http.prefixes must be a list of different paths of letters, digits, '-', '.', '_' and \
             '~' that begin and end with '/', none below /app/ or /static/, but it is [\"wcap\"]",
        ),
        (
            "[tls]\ncert = 'a.pem'\n",
            "default: tls.key must be set with tls.cert: a file with the private key, but it is \"\"",
        ),
        (
            "[tls]\nkey = 'a.pem'\n",
            "default: tls.cert must be set with tls.key: a file with the certificate, but it is \"\"",
        ),
        (
            "[tls]\ncert = 'a.pem'\nkey = 'a.pem'\nself_signed = true\n",
            "FILE line 2: tls.cert must be left out with tls.self_signed = true: it is the one or the \
             other, but it is \"a.pem\"",
        ),
        (
            "[tls]\nclient_ca = 'a.pem'\n",
            "FILE line 2: tls.client_ca must be left out without tls.cert: clients show certificates \
             inside TLS only, but it is \"a.pem\"",
        ),
        (
            "[tls]\nself_signed = true\nclient_crl = 'a.pem'\n",
            "FILE line 3: tls.client_crl must be left out without tls.client_ca: only certificates of those \
             authorities are looked up in it, but it is \"a.pem\"",
        ),
        (
            "[cap]\ntls_addr = '127.0.0.1:5230'\n",
            "FILE line 2: cap.tls_addr must be left out without tls.cert, but it is \"127.0.0.1:5230\"",
        ),
        (
            "[cap]\nmay_act_as = ['bill']\n",
            "FILE line 2: cap.may_act_as must be a list of pairs USER:OTHER, like [\"secretary:boss\"], but it is \
             [\"bill\"]",
        ),
        (
            "[cap]\ncsid = 'cal.example.com:5229'\n",
            "FILE line 2: cap.csid must be a host name, but it is \"cal.example.com:5229\"",
        ),
        (
            "[cap]\nauth_attempts = 0\n",
            "FILE line 2: cap.auth_attempts must be 1 or more, but it is 0",
        ),
        (
            "[http]\naddr = '0.0.0.0:80'\n",
            "FILE line 2: http.addr must be an address of this machine alone, like 127.0.0.1:8080, unless \
             tls.cert is set or http.plain_remote = true says that passwords may pass unprotected, but it is \
             \"0.0.0.0:80\"",
        ),
        (
            "[http]\ntrusted_proxies = ['proxy.example.org']\n",
            "FILE line 2: http.trusted_proxies must be a list of addresses and networks, like 127.0.0.1 and \
             10.0.0.0/8, but it is [\"proxy.example.org\"]",
        ),
        (
            "[store]\nurl = 'postgres://db'\n",
            "FILE line 2: store.url is set, but a store other than redb: is not supported in this version; \
             remove the key",
        ),
        (
            "[calendars]\ndefault_tzid = 'Mars/Olympus'\n",
            "FILE line 2: calendars.default_tzid must be a time zone of the tz database, like \
             Europe/Berlin, but it is \"Mars/Olympus\"",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
    for prefixes in ["'/a/', '/a/'", "'/app/'", "'/{x}/'", "'//'", "'/a b/'"] {
        let text = format!("[http]\nprefixes = [{prefixes}]\n");
        assert!(
            refusal(&text).contains("http.prefixes must be"),
            "{prefixes}"
        );
    }
    assert!(refusal("[http\n").starts_with("FILE line 1: this is not TOML: "));
    assert!(refusal("[http.addr]\nx = 1\n").starts_with("FILE line 1: http.addr must be"));
}

#[test]
fn wrong_environment_and_missing_file_are_refused() {
    let sources = Sources {
        environment: environment(&[("WCAPD__CAP__PLAIN_ON_LOOPBAK", "true")]),
        ..Sources::default()
    };
    assert_eq!(
        Loaded::read(&sources).unwrap_err().to_string(),
        "environment variable WCAPD__CAP__PLAIN_ON_LOOPBAK: there is no key 'cap.plain_on_loopbak'; \
         did you mean 'cap.plain_on_loopback'?"
    );
    let sources = Sources {
        file: Some(Path::new("/nowhere/wcapd.toml")),
        ..Sources::default()
    };
    let error = Loaded::read(&sources).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
}

#[test]
fn the_printed_configuration_reads_back() {
    let environment = environment(&[
        ("WCAPD__HTTP__PREFIXES", "/a/,/b/"),
        ("WCAPD__LIMITS__OBJECT_SIZE", "12345"),
        ("WCAPD__METRICS__ADDR", "127.0.0.1:9100"),
        ("WCAPD__SERVER__DATA", "a \"quoted\" \\ folder"),
        ("WCAPD__SESSION__IDLE", "90s"),
    ]);
    let first = Loaded::read(&Sources {
        environment,
        ..Sources::default()
    })
    .unwrap();
    let printed = print::to_toml(&first);
    let file = file(&printed);
    let second = Loaded::read(&Sources {
        file: Some(file.path()),
        ..Sources::default()
    })
    .unwrap();
    assert_eq!(first.config, second.config);
    assert!(
        printed.contains("Default: \"30m\". Set by: environment variable WCAPD__SESSION__IDLE.")
    );
    assert!(printed.lines().all(|line| line.len() <= 120), "{printed}");
}

#[test]
fn listeners_of_tests_take_free_ports() {
    let config = Config::for_tests(Path::new("x"));
    assert_eq!((config.http.addr.port(), config.cap.addr.port()), (0, 0));
}
