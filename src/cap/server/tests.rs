#![expect(clippy::unwrap_used, reason = "tests")]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::*;
use crate::guard::Guard;
use crate::limits::Limits;

const OK: &str = "2.0\r\n.\r\n.\r\n";

/// A core without accounts.
fn host() -> Host {
    Host {
        core: crate::core::testing::core().0,
        jobs: Dispatch::new(2, true),
    }
}

struct Running {
    address: std::net::SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

impl Running {
    async fn start(settings: Settings) -> Self {
        Self::serving(settings, host()).await
    }

    /// One that counts what addresses ask for, this machine's too.
    async fn guarded(limits: Limits) -> Self {
        let guard = Guard::new(&limits, Vec::new());
        let Host { core, jobs } = host();
        let jobs = jobs.guarded(guard, limits.request_time);
        Self::serving(bounded(limits), Host { core, jobs }).await
    }

    async fn serving(settings: Settings, host: Host) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let served = tokio::spawn(serve(
            listener,
            Begin::Greeting,
            Arc::new(settings),
            host,
            stopping,
        ));
        Self {
            address,
            stop,
            served,
        }
    }

    /// A connection whose greeting has been read.
    async fn connect(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let greeting = read_reply(&mut stream).await;
        assert!(
            greeting.starts_with("2.0\r\n.\r\nCAPVERSION=1.0\r\n"),
            "{greeting}"
        );
        stream
    }
}

fn bounded(limits: Limits) -> Settings {
    Settings {
        limits,
        ..Settings::default()
    }
}

/// Up to the second lone dot.
async fn read_reply(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while text.matches("\r\n.\r\n").count() + usize::from(text.ends_with("\r\n.\r\n.\r\n")) < 2 {
        text.push(char::from(stream.read_u8().await.unwrap()));
    }
    text
}

async fn read_to_end(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn says_goodbye() {
    let server = Running::start(Settings::default()).await;
    let mut client = server.connect().await;
    client
        .write_all(b"NOOP\r\nDISCONNECT\r\nNOOP\r\n")
        .await
        .unwrap();
    assert_eq!(read_to_end(client).await, [OK, OK].concat());
}

/// The reply to a line that is closed upon arrives although more of it was sent than read.
#[tokio::test]
async fn refusal_of_an_overlong_line_arrives() {
    let server = Running::start(Settings::default()).await;
    let mut client = server.connect().await;
    client.write_all(&[b'x'; 20_000]).await.unwrap();
    assert!(read_to_end(client).await.starts_with("9.0 ; "));
}

#[tokio::test]
async fn one_too_many_is_told_so_and_room_is_made_again() {
    let server = Running::start(bounded(Limits {
        cap_connections: 1,
        ..Limits::default()
    }))
    .await;
    let first = server.connect().await;
    let second = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(read_to_end(second).await, "8.1 ; try later\r\n.\r\n.\r\n");
    drop(first);
    loop {
        let mut third = TcpStream::connect(server.address).await.unwrap();
        if read_reply(&mut third).await.starts_with("2.0") {
            break;
        }
    }
}

#[tokio::test]
async fn one_too_many_of_an_address_is_told_so_and_room_is_made_again() {
    let server = Running::guarded(Limits {
        cap_connections_per_address: 1,
        ..Limits::default()
    })
    .await;
    let first = server.connect().await;
    let second = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(read_to_end(second).await, "8.1 ; try later\r\n.\r\n.\r\n");
    drop(first);
    loop {
        let mut third = TcpStream::connect(server.address).await.unwrap();
        if read_reply(&mut third).await.starts_with("2.0") {
            break;
        }
    }
}

/// An address that asks for too much has to wait, and whoever has waited for too long is told so.
#[tokio::test]
async fn commands_wait_for_their_turn_and_not_for_ever() {
    let ask = async |limits: Limits| {
        let server = Running::guarded(limits).await;
        let mut client = server.connect().await;
        client
            .write_all(b"AUTHENTICATE ANONYMOUS =\r\n")
            .await
            .unwrap();
        assert!(read_reply(&mut client).await.starts_with("2.0"));
        client.write_all(b"GENERATEUID 1\r\n").await.unwrap();
        read_reply(&mut client).await
    };
    let limits = Limits {
        requests_burst: 1,
        requests_per_second: 20,
        ..Limits::default()
    };
    assert!(ask(limits).await.starts_with("2.0\r\n"));
    let limits = Limits {
        requests_burst: 1,
        requests_per_second: 1,
        request_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let said = ask(limits).await;
    assert!(said.starts_with("10.4 ; too many requests"), "{said}");
}

#[tokio::test]
async fn idle_sessions_are_closed_without_a_word() {
    let cap_idle = Duration::from_millis(30);
    let server = Running::start(bounded(Limits {
        cap_idle,
        ..Limits::default()
    }))
    .await;
    let client = server.connect().await;
    assert_eq!(read_to_end(client).await, "");
}

#[tokio::test]
async fn stopping_tells_every_session_and_returns() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let server = Running::start(Settings::default()).await;
    let clients = [server.connect().await, server.connect().await];
    assert!(page.render().contains("wcapd_cap_connections 2\n"));
    server.stop.send(true).unwrap();
    for client in clients {
        assert_eq!(
            read_to_end(client).await,
            "10.2 ; shutting down\r\n.\r\n.\r\n"
        );
    }
    server.served.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
    assert!(page.render().contains("wcapd_cap_connections 0\n"));
    assert!(
        page.render()
            .contains("wcapd_cap_connections_total{outcome=\"served\"} 2\n")
    );
}

/// A client that asks and never reads is dropped when the socket buffers are full.
#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let cap_write_time = Duration::from_millis(50);
    let server = Running::start(bounded(Limits {
        cap_write_time,
        ..Limits::default()
    }))
    .await;
    let mut client = server.connect().await;
    let commands = b"CAPABILITY\r\n".repeat(1000);
    let failed = loop {
        if let Err(error) = client.write_all(&commands).await {
            break error;
        }
    };
    assert!(matches!(
        failed.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    ));
}

/// 10,000 idle sessions are to cost at most 20 KiB each; the socket's own memory is the kernel's.
#[tokio::test]
async fn an_idle_session_is_small() {
    let (stream, _client) = tokio::io::duplex(64);
    let (_stop, stopping) = watch::channel(false);
    let session = Session {
        stream: Box::new(stream),
        settings: Arc::default(),
        host: host(),
        address: "127.0.0.1".parse().unwrap(),
    };
    let size = size_of_val(&session.run(Begin::Greeting, Pass::free(), stopping));
    assert!(size <= 4096, "a session's future takes {size} octets");
}

/// Sends `piece` every few milliseconds until the server ends the connection; what it said meanwhile.
async fn trickle(mut stream: TcpStream, piece: &[u8]) -> String {
    let mut said = String::new();
    for _ in 0..2_000 {
        match timeout(Duration::from_millis(5), stream.read_u8()).await {
            Ok(Ok(octet)) => said.push(char::from(octet)),
            Ok(Err(_)) => return said,
            // What cannot be sent any more is seen when reading.
            Err(_) => drop(stream.write_all(piece).await),
        }
    }
    panic!("the server still listens after {said:?}");
}

/// Octets that come for ever do not keep a session: not those of a command line, a login or an object.
#[tokio::test]
async fn clients_that_trickle_are_dropped() {
    let time = Duration::from_millis(60);
    let limits = [
        Limits {
            cap_idle: time,
            ..Limits::default()
        },
        Limits {
            cap_login_time: time,
            ..Limits::default()
        },
        Limits {
            cap_data_time: time,
            ..Limits::default()
        },
    ];
    for (limits, begin, piece, expected) in [
        (&limits[0], "", "N", ""),
        (&limits[0], "NOOP\r\n", "\r\n", OK),
        (&limits[1], "AUTHENTICATE SCRAM-SHA-256\r\n", "b", "+\r\n"),
        (&limits[2], DATA, "x", "2.0.1"),
        (&limits[2], DATA, "BEGIN:VCALENDAR\r\n", "2.0.1"),
    ] {
        let server = Running::start(bounded(limits.clone())).await;
        let mut client = server.connect().await;
        client.write_all(begin.as_bytes()).await.unwrap();
        let said = trickle(client, piece.as_bytes()).await;
        assert!(said.contains(expected), "{begin}: {said}");
        server.connect().await;
    }
}

/// Logs in and begins to send an object.
const DATA: &str = "AUTHENTICATE ANONYMOUS =\r\nSENDDATA\r\n";

/// Nor does reading a little now and then.
#[tokio::test]
async fn a_client_that_reads_too_slowly_is_dropped() {
    let server = Running::start(bounded(Limits {
        cap_write_time: Duration::from_millis(50),
        ..Limits::default()
    }))
    .await;
    let (mut reader, mut writer) = server.connect().await.into_split();
    let asking = tokio::spawn(async move {
        let commands = b"CAPABILITY\r\n".repeat(1000);
        while writer.write_all(&commands).await.is_ok() {}
    });
    let mut now_and_then = tokio::time::interval(Duration::from_millis(1));
    for _ in 0..20_000 {
        now_and_then.tick().await;
        let _ = timeout(Duration::from_millis(1), reader.read_u8()).await;
        if asking.is_finished() {
            return asking.await.unwrap();
        }
    }
    panic!("the client is still served");
}
