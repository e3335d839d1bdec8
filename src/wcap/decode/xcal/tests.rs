//! Documents of others, what is refused, our own documents back to their meaning.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ical::print;

fn read(document: &str) -> Result<Vec<Component>, DecodeError> {
    decode(document.as_bytes(), 8, 1_000)
}

fn refusal(document: &str) -> String {
    read(document).unwrap_err().to_string()
}

/// In the manner of RFC 6321's appendix B.
#[test]
fn foreign_documents_are_read() {
    for prefix in ["", "c:"] {
        let document = "<?xml version=\"1.0\" encoding=\"utf-8\"?>
<!-- a comment -->
<icalendar xmlns=\"urn:ietf:params:xml:ns:icalendar-2.0\">
 <vcalendar>
  <properties>
   <version><text>2.0</text></version>
  </properties>
  <components>
   <vevent>
    <properties>
     <dtstart><parameters><tzid><text>US/Eastern</text></tzid></parameters>
      <date-time>2006-01-02T12:00:00</date-time></dtstart>
     <duration><duration>PT1H</duration></duration>
     <rrule><recur><freq>DAILY</freq><count>5</count><byday>MO</byday><byday>TU</byday></recur></rrule>
     <rdate><period><start>2006-01-02T15:00:00Z</start><duration>PT2H</duration></period></rdate>
     <summary><text>Event #2 &lt;x&gt;, y</text></summary>
     <geo><latitude>37.386013</latitude><longitude>-122.082932</longitude></geo>
     <request-status><code>2.0</code><description>Success</description></request-status>
     <attendee><parameters><rsvp><boolean>true</boolean></rsvp>
       <member><cal-address>mailto:a@b</cal-address><cal-address>mailto:c@d</cal-address></member></parameters>
      <cal-address>mailto:x@y</cal-address></attendee>
     <categories><text>a,b</text><text>c</text></categories>
     <x-foo><unknown>1;2\\,3</unknown></x-foo>
     <_9a><unknown>z</unknown></_9a>
     <attach><binary>SGVsbG8=</binary></attach>
    </properties>
    <components><valarm><properties><action><text>DISPLAY</text></action></properties></valarm></components>
   </vevent>
  </components>
 </vcalendar>
</icalendar>"
            .replace("xmlns=", if prefix.is_empty() { "xmlns=" } else { "xmlns:c=" })
            .replace("</", "\u{1}")
            .replace("<?", "\u{2}")
            .replace("<!", "\u{3}")
            .replace('<', &format!("<{prefix}"))
            .replace('\u{1}', &format!("</{prefix}"))
            .replace('\u{2}', "<?")
            .replace('\u{3}', "<!");
        let calendars = read(&document).unwrap();
        let printed = print::to_string(&calendars[0]).replace("\r\n ", "");
        assert_eq!(
            printed,
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n\
             DTSTART;TZID=US/Eastern:20060102T120000\r\nDURATION:PT1H\r\n\
             RRULE:FREQ=DAILY;COUNT=5;BYDAY=MO,TU\r\n\
             RDATE;VALUE=PERIOD:20060102T150000Z/PT2H\r\nSUMMARY:Event #2 <x>\\, y\r\n\
             GEO:37.386013;-122.082932\r\nREQUEST-STATUS:2.0;Success\r\n\
             ATTENDEE;RSVP=TRUE;MEMBER=\"mailto:a@b\",\"mailto:c@d\":mailto:x@y\r\n\
             CATEGORIES:a\\,b,c\r\nX-FOO:1;2\\,3\r\n9A:z\r\n\
             ATTACH;VALUE=BINARY;ENCODING=BASE64:SGVsbG8=\r\n\
             BEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let event = calendars[0].components().next().unwrap();
        assert_eq!(event.source_line(), 9);
        assert_eq!(event.property("DURATION").unwrap().source_line(), 13);
    }
}

#[test]
fn wrong_documents_are_named() {
    let of = |inner: &str| {
        format!(
            "<icalendar xmlns=\"{NAMESPACE}\"><vcalendar><properties>\n{inner}</properties></vcalendar></icalendar>"
        )
    };
    for (document, wanted) in [
        (
            "<icalendar/>".into(),
            "line 1: expected <icalendar> of the name space of xCal, found <icalendar>",
        ),
        (
            "<iCalendar/>".into(),
            "line 1: expected <icalendar> of the name space of xCal, found <iCalendar>",
        ),
        (of("<summary/>"), "line 2: summary: expected a value"),
        (
            of("<summary>x</summary>"),
            "line 2: expected elements only in <summary>",
        ),
        (
            of("<dtstart><date>20060102</date></dtstart>"),
            "line 2: dtstart: expected a value of the type 'date'",
        ),
        (
            of(
                "<exdate><date>2006-01-02</date><date-time>2006-01-02T00:00:00</date-time></exdate>",
            ),
            "line 2: expected a value of the type before it, found <date-time>",
        ),
        (
            of("<x:a xmlns:x=\"b\"/>"),
            "line 2: expected an element of the name space of xCal, found <x:a>",
        ),
        (
            of("<a xmlns=\"b\"/>"),
            "line 2: expected an element of the name space of xCal, found <a>",
        ),
        (
            of("<geo><latitude>1</latitude></geo>"),
            "line 2: expected more parts of the value, found <latitude>",
        ),
        (
            of("<geo><longitude>1</longitude><latitude>1</latitude></geo>"),
            "line 2: expected the parts of one value in their order, found <longitude>",
        ),
        (
            of("<summary><text><b>x</b></text></summary>"),
            "line 2: expected text, found <b>",
        ),
        (
            of("<summary><parameters><altrep/></parameters><text>x</text></summary>"),
            "line 2: expected a parameter with a value, found <altrep>",
        ),
        (
            of("<x-a><unknown>a\nb</unknown></x-a>"),
            "line 2: x-a: expected no control characters",
        ),
        (
            of("<x-a><unknown>&b;</unknown></x-a>"),
            "line 2: expected one of the five predefined entities, found '&b;'",
        ),
    ] {
        assert_eq!(refusal(&document), wanted);
    }
    let deep = "<components><vevent>".repeat(40);
    let deep = format!("<icalendar xmlns=\"{NAMESPACE}\"><vcalendar>{deep}");
    assert!(refusal(&deep).contains("at most 21 elements inside one another"));
    let many = of(&"<a><text>b</text></a>".repeat(600));
    assert!(refusal(&many).contains("at most 1000 elements and attributes"));
}
