use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

/// A server that answers each request with the next of its answers and keeps what it was sent.
struct Canned {
    address: SocketAddr,
    sent: std::sync::mpsc::Receiver<Vec<u8>>,
    directives: Vec<String>,
}

impl Canned {
    fn new(answers: Vec<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, sent) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream);
                let mut request = Vec::new();
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.strip_prefix("Content-Length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    request.extend_from_slice(line.as_bytes());
                    if line == "\r\n" {
                        break;
                    }
                }
                reader
                    .by_ref()
                    .take(length)
                    .read_to_end(&mut request)
                    .unwrap();
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
                sender.send(request).unwrap();
            }
        });
        Self {
            address,
            sent,
            directives: Vec::new(),
        }
    }
}

impl World for Canned {
    fn directive(&mut self, words: &[String]) -> Result<(), String> {
        self.directives.push(words.join(" "));
        Ok(())
    }
    fn address(&mut self) -> SocketAddr {
        self.address
    }
    fn now(&self) -> String {
        "20260105T090000Z".to_owned()
    }
}

const LOGIN: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/calendar\r\n\r\nID:s0000000000000000000000000000001\r\nERRNO:0\r\n";
const FETCH: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<A>20260105T090000Z</A>\n<B/>";
const TEXT: &str = "\
# Why, and where it is written.
@demo
@user bob admin

> GET /login.wcap?user=tom HTTP/1.1
> Host: localhost
< HTTP/1.1 200 OK
< content-type: text/calendar
< set-cookie: {none}
<
< ID:{sid}
< ERRNO:0

# The second request.
> POST /fetch.wcap?id={sid} HTTP/1.1
> Content-Length: {length}
>lf
> a=b
> {x0D}{end}
< HTTP/1.1 200 OK
<lf
< <A>{now}</A>
< <B/>{end}
";

#[test]
fn a_transcript_is_played_byte_for_byte() {
    let mut world = Canned::new(vec![LOGIN, FETCH]);
    let transcript = Transcript::parse(TEXT).unwrap();
    transcript.play(TEXT, &mut world).unwrap();
    assert_eq!(world.directives, ["demo", "user bob admin"]);
    let sent: Vec<Vec<u8>> = world.sent.iter().take(2).collect();
    assert_eq!(
        sent[0],
        b"GET /login.wcap?user=tom HTTP/1.1\r\nHost: localhost\r\n\r\n"
    );
    let second = "POST /fetch.wcap?id=s0000000000000000000000000000001 HTTP/1.1\r\n\
                  Content-Length: 5\r\n\r\na=b\n\r";
    assert_eq!(sent[1], second.as_bytes());
}

#[test]
fn a_difference_fails_and_can_be_rewritten() {
    for (from, to) in [
        ("< ERRNO:0\n", "< ERRNO:1\n"),
        ("< ERRNO:0\n", ""),
        ("< ERRNO:0\n", "< ERRNO:0\n< MORE\n"),
        ("< set-cookie: {none}", "< set-cookie: a"),
        ("text/calendar", "text/xml"),
        ("<B/>{end}", "<B/>"),
        ("200 OK\n<lf", "404 Not Found\n<lf"),
    ] {
        let wrong = TEXT.replacen(from, to, 1);
        assert_ne!(wrong, TEXT, "{from}");
        let transcript = Transcript::parse(&wrong).unwrap();
        let failure = transcript
            .play(&wrong, &mut Canned::new(vec![LOGIN, FETCH]))
            .unwrap_err();
        assert!(failure.report.contains("expected <"), "{}", failure.report);
        assert_eq!(failure.rewritten.unwrap(), TEXT, "{from} -> {to}");
    }
}

#[test]
fn an_answer_can_be_recorded() {
    let asked = "# Why.\n> GET / HTTP/1.1\n\n# End.\n";
    let transcript = Transcript::parse(asked).unwrap();
    let failure = transcript
        .play(asked, &mut Canned::new(vec![FETCH]))
        .unwrap_err();
    let recorded = failure.rewritten.unwrap();
    assert_eq!(
        recorded,
        "# Why.\n> GET / HTTP/1.1\n< HTTP/1.1 200 OK\n< content-type: text/xml\n<lf\n\
         < <A>20260105T090000Z</A>\n< <B/>{end}\n\n# End.\n"
    );
    let again = Transcript::parse(&recorded).unwrap();
    again
        .play(&recorded, &mut Canned::new(vec![FETCH]))
        .unwrap();
}

#[test]
fn faults_of_the_file_name_their_line() {
    for (text, part) in [
        ("> GET / HTTP/1.1\n", "says why"),
        ("# Why.\n< HTTP/1.1 200 OK\n", "line 2"),
        ("# Why.\n\nGET /\n", "line 3"),
        ("# Why.\n>GET / HTTP/1.1\n", "line 2"),
        ("# Why.\n> GET / HTTP/1.1\n< 200\n", "line 3"),
        ("# Why.\n@demo\n", "no request"),
    ] {
        let fault = Transcript::parse(text).unwrap_err();
        assert!(fault.contains(part), "{text:?}: {fault}");
    }
}
