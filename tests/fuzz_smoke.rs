//! The fuzz targets on a stable toolchain: a bounded number of mutated inputs from a fixed seed.

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "there it is a library")]
mod targets;

/// Mutated inputs for each target.
const ROUNDS: u32 = 20_000;

/// Inputs the mutations start from: lines of every kind, whole files, what once broke other parsers.
const SEEDS: &[&[u8]] = &[
    b"DTSTART;TZID=Europe/Berlin:20240229T100000",
    b"ATTENDEE;CN=\"Doe, J; x:y\";MEMBER=\"mailto:a\",\"mailto:b\":mailto:j@example.com",
    b"RDATE;VALUE=PERIOD:20240101T100000Z/PT1H,20240102T100000Z/20240102T110000Z",
    b"TRIGGER;RELATED=END:-P1W2DT3H4M5S",
    b"CATEGORIES:A\\,B,C\\\\,D\\n;x^n^'^^",
    b"REQUEST-STATUS:3.1.4;Invalid\\;x;DTSTART:96-Apr-01",
    b"FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR,2MO;BYSETPOS=-1;COUNT=10;WKST=SU",
    b"FREQ=SECONDLY;BYHOUR=1,2;BYMINUTE=59;BYSECOND=0,60;UNTIL=20400101T000000Z",
    b"FREQ=YEARLY;BYWEEKNO=-53,20;BYYEARDAY=-366,1;BYMONTH=2;BYMONTHDAY=29,-1",
    b"calid=tom%3Bx;y&rrules=%22a%3Bb%22;\"c;d\"&uid=a+b%zz&=&a&&\xc3\xa9=%c3%a9",
    b"<?xml version=\"1.0\"?><iCalendar><iCal a=\"1\"><EVENT>x&amp;&#10;</EVENT></iCal></iCalendar>",
    b"<icalendar xmlns=\"urn:ietf:params:xml:ns:icalendar-2.0\"><vcalendar><properties><rrule><recur><freq>DAILY</freq></recur></rrule></properties></vcalendar></icalendar>",
    b"[\"vcalendar\",[[\"a\",{\"p\":[\"1\",\"2\"]},\"text\",\"b\",\"c\"],[\"geo\",{},\"float\",[1,-2.5]]],[[\"vevent\",[],[]]]]",
    b"\x03NOOP\r\nCAPABILITY\r\n..x\r\n.\r\nAUTHENTICATE PLAIN =\r\nSENDDATA 10\r\nDISCONNECT\r\n",
    b"\x052.0 tom ; ok\r\n.\r\ncap://a/x\r\n..y\r\n2.3 more\r\n.\r\n6.0\r\n.\r\n.\r\n2.0.12\r\nCAPVERSION=1.0\r\nAUTH=PLAIN\r\n.\r\n",
    b"\x022.0 cap://a/x\r\nBEGIN:VCAP\r\nTARGET::cap://a/x\r\nBEGIN:VDATA\r\nREQUEST-STATUS:2.0;ok\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VDATA\r\nEND:VCAP\r\n.\r\n",
    b"\x00r=BwcHBwcHBwcHBwcHBwcHBwcHBwcHmore,s=QQ==,i=1",
    b"\x00realm=\"a\",nonce=\"n\",qop=\"auth\",algorithm=md5-sess,charset=utf-8",
    b"SELECT UID, VEVENT.*,PARAM(ATTENDEE,PARTSTAT),CAL-OWNERS() FROM VEVENT,VTODO WHERE (SUMMARY LIKE '%a\\'b_' OR NOT UID IS NULL) AND 'x' IN CATEGORIES AND STATE() = 'BOOKED';",
    b"select * from VAGENDA where ((((DTSTART >= '20070521T000000Z' and DTEND <= \"20070522T000000Z\")))) or OWNER = SELF()",
    b"UPN=*@a.example,\"b\"@c,OWNER;ACTION=READ,SENDDATA;OBJECT=VEVENT;OBJECT=CLASS;VALUE=PUBLIC;CARREF=x",
    b"BEGIN:VRIGHT\r\nGRANT:*\r\nDENY:NOT CAL-OWNERS()\r\nPERMISSION:SEARCH\r\nSCOPE:SELECT DTSTART,UID FROM VEVENT WHERE CLASS = 'PUBLIC'\r\nRESTRICTION:SELECT VEVENT FROM VAGENDA WHERE METHOD = 'REQUEST'\r\nEND:VRIGHT\r\n",
    b"Content-Type: text/calendar; method=READ;\r\n component=VCOMMAND; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nBEGIN:VCAP\r\nVERSION:2.0\r\nCMDID:=C3=\r\n=A4\r\nEND:VCAP\r\n",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/calendar\r\n\r\nBEGIN:VCAP\r\nTARGET:a\r\nEND:VCAP\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\nQkVHSU46WA0KRU5EOlgNCg==\r\n--x--\r\n",
    include_bytes!("data/ics/folded.ics"),
    include_bytes!("data/ics/bare.ics"),
    include_bytes!("data/ics/several.ics"),
    include_bytes!("data/ics/latin1.ics"),
    include_bytes!("data/ics/broken.ics"),
];

/// Pieces that mutations insert.
const PIECES: &[&[u8]] = &[
    b"BEGIN:VEVENT\n",
    b"END:VEVENT\n",
    b"BEGIN:VCALENDAR\n",
    b"END:VCALENDAR\n",
    b"BEGIN:X\n",
    b"END:X\n",
    b"BEGIN:VALARM\n",
    b"BEGIN:\n",
    b"END;\n",
    b"\r\n ",
    b"\n\t",
    b"\r",
    b"\r\r\n",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xf0\x9f\x98",
    b"\0",
    b"\x7f",
    b"\"",
    b";",
    b":",
    b",",
    b"=",
    b"\\",
    b"^",
    b"TZID=",
    b"VALUE=DATE",
    b"9999999999",
    b"-",
    b"Z",
    b"P",
    b"T",
    b"UID:1\n",
    b"RECURRENCE-ID:20240101\n",
    b"RRULE:FREQ=DAILY\n",
    b"BYDAY=1MO;",
    b"%3B",
    b"%",
    b"&",
    b"<a>",
    b"<!DOCTYPE a>",
    b"&#0;",
    b"NOOP\r\n",
    b".\r\n",
    b"2.0 ",
    b"--x\r\n",
    b"Content-Type: text/calendar\r\n",
    b"\r\n\r\n",
    b"=\r\n",
    b" AND ",
    b" NOT ",
    b"(",
    b"'",
    b"VALUE=",
    b"@",
    b"*",
];

/// A small random number generator (xorshift64*), so that every run has the same inputs.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<'a>(&mut self, items: &[&'a [u8]]) -> &'a [u8] {
        items[self.below(items.len())]
    }
}

/// One to eight changes: bytes set, cut, doubled, pieces put in.
fn mutate(random: &mut Random, input: &mut Vec<u8>) {
    for _ in 0..=random.below(8) {
        let at = random.below(input.len() + 1);
        let end = (at + random.below(40)).min(input.len());
        match random.below(5) {
            0 => input[at..end].fill(random.next() as u8),
            1 => drop(input.drain(at..end)),
            2 => {
                let copy = input[at..end].to_vec();
                let to = random.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            3 => {
                let piece = random.pick(PIECES);
                input.splice(at..at, piece.iter().copied());
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
}

fn run(seed: u64, target: impl Fn(&[u8])) {
    let mut random = Random(seed);
    for input in SEEDS {
        target(input);
    }
    for _ in 0..ROUNDS {
        let mut input = random.pick(SEEDS).to_vec();
        mutate(&mut random, &mut input);
        target(&input);
    }
}

#[test]
fn lines() {
    run(1, |input| {
        for line in input.split(|&b| b == b'\n') {
            targets::line(line);
        }
    });
}

#[test]
fn components() {
    run(2, targets::component);
}

#[test]
fn rules() {
    run(3, |input| {
        for line in input.split(|&b| b == b'\n') {
            targets::rule(line);
        }
    });
}

#[test]
fn forms() {
    run(4, targets::form);
}

#[test]
fn documents() {
    run(5, targets::xml);
}

#[test]
fn frames() {
    run(6, targets::frame);
}

#[test]
fn replies() {
    run(7, targets::reply);
}

#[test]
fn queries() {
    run(8, |input| {
        for line in input.split(|&b| b == b'\n') {
            targets::query(line);
        }
    });
}

#[test]
fn rights() {
    run(9, targets::rights);
}

#[test]
fn entities() {
    run(10, targets::entity);
}
