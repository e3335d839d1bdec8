//! Sessions with servers that follow a script, some of them no good.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, duplex};

use std::sync::Arc;

use super::*;
use crate::model::clock::SystemClock;
use crate::tls::connect::{Trust, connector};
use crate::tls::{Door, Source, Tls};
use sasl::Password;

const GREETING: &str = "2.0|.|CAPVERSION=1.0|AUTH=SCRAM-SHA-256|STARTTLS=1|.|";

/// A server that follows a script: it says a piece, hears a line, says the next. A piece that begins with `>` says, before
/// a blank, what the line heard before it must begin with. At `~` it stops, and the client reads what has come.
async fn serve(stream: DuplexStream, script: Vec<String>) -> BufReader<DuplexStream> {
    let mut stream = BufReader::new(stream);
    for (at, piece) in script.iter().enumerate() {
        let mut piece = piece.as_str();
        if at > 0 {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            if let Some(rest) = piece.strip_prefix('>') {
                let (expected, rest) = rest.split_once(' ').unwrap();
                assert!(line.starts_with(expected), "{line}");
                piece = rest;
            }
        }
        for part in piece.split('~') {
            let octets = part.replace('|', "\r\n");
            stream.get_mut().write_all(octets.as_bytes()).await.unwrap();
            // Whoever waits for it has its turn, more than once.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
    }
    stream
}

fn options(change: impl FnOnce(&mut Limits)) -> Options {
    // What comes late is late at once: no test waits.
    let mut limits = Limits {
        client_second_dot_ms: 0,
        client_next_answer: Duration::ZERO,
        ..Limits::default()
    };
    change(&mut limits);
    Options {
        host: "localhost".to_owned(),
        port: PORT,
        protection: Protection::None,
        tls: connector(Trust::Anybody, None).unwrap(),
        time: Duration::from_secs(20),
        limits,
    }
}

/// A client and the server that it talks to.
async fn meet(options: &Options, script: &[&str]) -> Result<Client, Failed> {
    let (ours, theirs) = duplex(64 << 10);
    let mut whole = vec![GREETING.to_owned()];
    whole.extend(script.iter().map(|piece| (*piece).to_owned()));
    tokio::spawn(async move {
        let mut stream = serve(theirs, whole).await;
        // It stays until the client goes.
        let mut rest = String::new();
        let _ = stream.read_line(&mut rest).await;
    });
    Client::begin(Box::new(ours), true, options, None).await
}

#[tokio::test]
async fn only_a_refusal_is_whole_after_one_dot() {
    let options = options(|_| {});
    let script = [
        "6.3 ; no|.|",
        ">NOOP 2.0|.|~A=1|.|",
        ">NOOP 2.3|.|~cap://a/x|~.|",
        ">NOOP 2.0|.|.|",
    ];
    let mut client = meet(&options, &script).await.unwrap();
    assert_eq!(client.command("NOOP").await.unwrap().code, "6.3");
    let slow = client.command("NOOP").await.unwrap();
    assert_eq!(slow.lines(), ["A=1"]);
    let slow = client.command("NOOP").await.unwrap();
    assert_eq!((slow.code.as_str(), slow.lines().len()), ("2.3", 1));
    assert!(client.command("NOOP").await.unwrap().is_success());
}

const ANSWER: &str = "BEGIN:VCAP|TARGET:cap://a/x|REQUEST-STATUS:2.0|END:VCAP|";

/// What `ask` makes of replies, of two targets.
async fn asked(replies: &str) -> Result<Vec<String>, Failed> {
    let options = options(|_| {});
    // Nothing is said to the lines of the object but for the last, its dot.
    let object = "BEGIN:VCAP\r\nTARGET:x\r\nTARGET:y\r\nEND:VCAP\r\n";
    let script = ["2.0.1|.|.|", "", "", "", "", replies];
    let mut client = meet(&options, &script).await.unwrap();
    let answers = client.ask(object, Duration::from_secs(20)).await?;
    let shown = answers
        .into_iter()
        .map(|answer| match answer.code.as_str() {
            "2.0" => answer.target,
            code => format!("{} {code} {}", answer.target, answer.text),
        });
    Ok(shown.collect())
}

#[tokio::test]
async fn a_reply_for_each_target_is_heard_to_the_last() {
    let first = format!("2.0 cap://a/x|.|{ANSWER}.|");
    let second = first.replace("a/x", "a/y");
    let both = format!("{first}{second}");
    assert_eq!(asked(&both).await.unwrap(), ["cap://a/x", "cap://a/y"]);
    // Silence ends them, anything else is a failure.
    assert_eq!(asked(&first).await.unwrap(), ["cap://a/x"]);
    let rubbish = asked(&format!("{first}hello|")).await;
    assert!(matches!(rubbish, Err(Failed::Garbled(_))), "{rubbish:?}");
    let one = asked(&format!("{first}4.1 cap://a/y ; no|.|.|")).await;
    assert_eq!(one.unwrap(), ["cap://a/x", "cap://a/y 4.1 no"]);
    let refused = asked(&format!("{first}8.0 ; broken|.|.|")).await;
    assert!(
        matches!(refused, Err(Failed::Refused { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_server_that_asks_is_told_to_go_on_and_in_the_end_to_stop() {
    let options = options(|_| {});
    let object = "BEGIN:VCAP\r\nEND:VCAP\r\n";
    let patient = Duration::from_secs(20);
    let script = [
        ">SENDDATA 2.0.1|.|.|",
        "",
        "",
        "2.0.2|.|.|",
        ">CONTINUE 2.0.2|.|.|",
        ">CONTINUE 2.0|.|X=1|.|",
        ">SENDDATA 2.0.1|.|.|",
        "",
        "",
        "2.0.2|.|.|",
        ">ABORT 2.0.3|.|.|",
        ">NOOP 2.0|.|.|",
    ];
    let mut client = meet(&options, &script).await.unwrap();
    let reply = client.send(object, patient).await.unwrap();
    assert_eq!(reply.lines(), ["X=1"]);
    let reply = client.send(object, Duration::ZERO).await.unwrap();
    assert_eq!(reply.code, "7.0");
    assert!(client.command("NOOP").await.unwrap().is_success());
}

#[tokio::test]
async fn lists_come_in_every_form() {
    let options = options(|_| {});
    let script = [
        ">UPNEXPAND 2.0 tom|.|cap://a/x|.|",
        ">UPNEXPAND 2.0|.|tom|cap://a/x|2.3 more|.|",
        ">GENERATEUID 2.0 u-1 u-2|.|.|",
    ];
    let mut client = meet(&options, &script).await.unwrap();
    for code in ["2.0", "2.3"] {
        let reply = client.expand("UPNEXPAND", "tom").await.unwrap();
        assert_eq!(reply.lines(), ["cap://a/x"]);
        assert_eq!(reply.code, code);
    }
    let reply = client.uids(2).await.unwrap();
    assert_eq!(reply.lines(), ["u-1", "u-2"]);
}

/// What becomes of tom's login where the server says this; `SALT` is a challenge of SCRAM to the client's own number.
async fn login(mechanism: &str, script: &[&str], change: impl FnOnce(&mut Limits)) -> String {
    let options = options(change);
    let greeting = format!("2.0|.|AUTH={mechanism}|.|");
    let (ours, theirs) = duplex(64 << 10);
    let random = [7; 18];
    let nonce = BASE64_STANDARD.encode(random);
    let mut whole = vec![greeting];
    for piece in script {
        let words = piece.split(' ').map(|word| match word.split_once(':') {
            Some(("64", text)) => BASE64_STANDARD.encode(text.replace("NONCE", &nonce)) + "|",
            _ => word.to_owned(),
        });
        whole.push(words.collect::<Vec<_>>().join(" "));
    }
    tokio::spawn(serve(theirs, whole));
    let mut client = Client::begin(Box::new(ours), true, &options, None)
        .await
        .unwrap();
    let credentials = Credentials::Password {
        user: "tom".to_owned(),
        password: Password("tom".to_owned()),
    };
    match client.login(&credentials, &random).await {
        Ok(identity) => format!("in as {identity}"),
        Err(cause) => cause.to_string(),
    }
}

#[tokio::test]
async fn servers_that_do_not_know_the_password_are_left() {
    let stranger = "the server does not know the password: it may not be the one it says it is";
    let unproved = "the server let us in without proving that it knows the password";
    const DIGEST: &str = "64:realm=\"a\",nonce=\"n\",qop=\"auth\",algorithm=md5-sess,charset=utf-8";
    const SCRAM: &str = "64:r=NONCEmore,s=QQ==,i=1";
    const IN: &str = "2.0|.|IDENTITY=tom@a|.|";
    for (mechanism, script, expected) in [
        (
            "DIGEST-MD5",
            [
                DIGEST,
                "64:rspauth=00000000000000000000000000000000",
                ">* 6.2|.|.|",
            ],
            stranger,
        ),
        (
            "DIGEST-MD5",
            [DIGEST, "64:nothing", ">* 6.2|.|.|"],
            stranger,
        ),
        ("DIGEST-MD5", [DIGEST, IN, ""], unproved),
        (
            "SCRAM-SHA-256",
            [SCRAM, "64:v=QUFBQQ==", ">* 6.2|.|.|"],
            stranger,
        ),
        ("SCRAM-SHA-256", [SCRAM, IN, ""], unproved),
        (
            "SCRAM-SHA-256",
            ["6.8|.|.|", "", ""],
            "the password has expired",
        ),
    ] {
        assert_eq!(
            login(mechanism, &script, |_| {}).await,
            expected,
            "{script:?}"
        );
    }
}

#[tokio::test]
async fn a_login_has_its_bounds() {
    let script = ["64:r=NONCEmore,s=QQ==,i=4097", ">* 6.2|.|.|"];
    let few = |limits: &mut Limits| limits.client_iterations = 4_096;
    assert_eq!(
        login("SCRAM-SHA-256", &script, few).await,
        "the server asks for 4097 iterations of SCRAM, more than 4096"
    );
    let script = ["+|", "+|", "+|", "+|"];
    let short = |limits: &mut Limits| limits.client_login_rounds = 3;
    assert_eq!(
        login("PLAIN", &script, short).await,
        "the server does not come to an end"
    );
}

/// A server with a certificate, whose go-ahead has dots behind it, at once and in pieces.
#[tokio::test]
async fn tls_begins_behind_dots() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::SelfSigned {
        folder: folder.path().to_owned(),
        domain: "localhost".to_owned(),
    };
    let tls = Tls::load(source, None, Arc::new(SystemClock), Duration::from_secs(20));
    let tls = Arc::new(tls.unwrap());
    for dots in ["", ".|", ".|.|", "~.|.|", "~.~|.~|"] {
        let (ours, theirs) = duplex(64 << 10);
        let tls = Arc::clone(&tls);
        tokio::spawn(async move {
            let script = vec![GREETING.to_owned(), format!(">STARTTLS 2.0.12|{dots}")];
            let stream = serve(theirs, script).await.into_inner();
            let secured = tls.accept(stream, Door::Cap).await.unwrap();
            let mut stream = BufReader::new(secured.stream);
            stream
                .get_mut()
                .write_all(b"2.0\r\n.\r\n.\r\n")
                .await
                .unwrap();
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            stream
                .get_mut()
                .write_all(b"2.0\r\n.\r\nAUTH=EXTERNAL\r\n.\r\n")
                .await
                .unwrap();
            let _ = stream.read_line(&mut line).await;
        });
        let mut options = options(|_| {});
        options.protection = Protection::Required;
        let client = Client::begin(Box::new(ours), true, &options, None).await;
        let client = client.unwrap();
        assert!(client.is_secure());
        assert_eq!(client.capability("AUTH"), Some("EXTERNAL"), "{dots}");
    }
}
