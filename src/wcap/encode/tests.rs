//! The article's document and others, to the byte, in each format.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ical::component::Component;
use crate::ical::parse;
use crate::wcap::reply::PRODID;

fn calendar(lines: &str) -> Component {
    let text = format!("BEGIN:VCALENDAR\n{lines}\nEND:VCALENDAR\n");
    let parsed = parse::parse(text.as_bytes(), &parse::Limits::default());
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    parsed.components.into_iter().next().unwrap()
}

fn text(reply: &Reply, format: Format) -> String {
    String::from_utf8(encode(reply, format)).unwrap()
}

/// The answer of get_freebusy that the encyclopaedia article prints.
fn article() -> Reply {
    let mut calendar = Calendar::publish()
        .value("X-NSCP-CALPROPS-LAST-MODIFIED", "20061102T170639Z")
        .value("X-NSCP-CALPROPS-RELATIVE-CALID", "tom")
        .text("X-NSCP-CALPROPS-NAME", "tom")
        .value("X-NSCP-CALPROPS-ACCESS-CONTROL-ENTRY", "@@o^c^WDEIC^g")
        .value("X-NSCP-CALPROPS-ACCESS-CONTROL-ENTRY", "@^c^^g")
        .value("X-S1CS-CALPROPS-ALLOW-DOUBLEBOOKING", "1");
    let mut busy = Component::new("VFREEBUSY");
    for line in [
        "DTSTART:20070521T040000Z",
        "DTEND:20070525T040000Z",
        "FREEBUSY;FBTYPE=BUSY:20070521T130000Z/20070521T140000Z",
        "FREEBUSY;FBTYPE=BUSY:20070521T150000Z/20070521T160000Z",
    ] {
        busy.push(Property::from_line(line).unwrap());
    }
    calendar.push_component(busy);
    Reply::of(calendar.finish(Errno::Ok))
}

#[test]
fn the_article_in_xml() {
    let want = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <iCalendar>\n\
         <iCal version=\"2.0\" prodid=\"{PRODID}\" METHOD=\"PUBLISH\">\n\
         <X-NSCP-CALPROPS-LAST-MODIFIED>20061102T170639Z</X-NSCP-CALPROPS-LAST-MODIFIED>\n\
         <X-NSCP-CALPROPS-RELATIVE-CALID>tom</X-NSCP-CALPROPS-RELATIVE-CALID>\n\
         <X-NSCP-CALPROPS-NAME>tom</X-NSCP-CALPROPS-NAME>\n\
         <X-NSCP-CALPROPS-ACCESS-CONTROL-ENTRY>@@o^c^WDEIC^g</X-NSCP-CALPROPS-ACCESS-CONTROL-ENTRY>\n\
         <X-NSCP-CALPROPS-ACCESS-CONTROL-ENTRY>@^c^^g</X-NSCP-CALPROPS-ACCESS-CONTROL-ENTRY>\n\
         <X-S1CS-CALPROPS-ALLOW-DOUBLEBOOKING>1</X-S1CS-CALPROPS-ALLOW-DOUBLEBOOKING>\n\
         <FREEBUSY>\n\
         <START>20070521T040000Z</START>\n\
         <END>20070525T040000Z</END>\n\
         <FB FBTYPE=\"BUSY\">20070521T130000Z/20070521T140000Z</FB>\
         <FB FBTYPE=\"BUSY\">20070521T150000Z/20070521T160000Z</FB>\n\
         </FREEBUSY>\n\
         <X-NSCP-WCAP-ERRNO>0</X-NSCP-WCAP-ERRNO>\n\
         </iCal>\n\
         </iCalendar>\n"
    );
    assert_eq!(text(&article(), Format::Xml), want);
}

#[test]
fn the_article_in_text() {
    let want = format!(
        "BEGIN:VCALENDAR\r\nPRODID:{PRODID}\r\nMETHOD:PUBLISH\r\nVERSION:2.0\r\n\
         X-NSCP-CALPROPS-LAST-MODIFIED:20061102T170639Z\r\n\
         X-NSCP-CALPROPS-RELATIVE-CALID:tom\r\n\
         X-NSCP-CALPROPS-NAME:tom\r\n\
         X-NSCP-CALPROPS-ACCESS-CONTROL-ENTRY:@@o^c^WDEIC^g\r\n\
         X-NSCP-CALPROPS-ACCESS-CONTROL-ENTRY:@^c^^g\r\n\
         X-S1CS-CALPROPS-ALLOW-DOUBLEBOOKING:1\r\n\
         BEGIN:VFREEBUSY\r\n\
         DTSTART:20070521T040000Z\r\n\
         DTEND:20070525T040000Z\r\n\
         FREEBUSY;FBTYPE=BUSY:20070521T130000Z/20070521T140000Z\r\n\
         FREEBUSY;FBTYPE=BUSY:20070521T150000Z/20070521T160000Z\r\n\
         END:VFREEBUSY\r\n\
         X-NSCP-WCAP-ERRNO:0\r\n\
         END:VCALENDAR\r\n"
    );
    assert_eq!(text(&article(), Format::Calendar), want);
}

#[test]
fn the_article_in_json() {
    let want = format!(
        "{{\"iCalendar\":{{\"iCal\":[{{\"version\":\"2.0\",\"prodid\":\"{PRODID}\",\"METHOD\":\"PUBLISH\",\
         \"X-NSCP-CALPROPS-LAST-MODIFIED\":\"20061102T170639Z\",\
         \"X-NSCP-CALPROPS-RELATIVE-CALID\":\"tom\",\
         \"X-NSCP-CALPROPS-NAME\":\"tom\",\
         \"X-NSCP-CALPROPS-ACCESS-CONTROL-ENTRY\":[\"@@o^c^WDEIC^g\",\"@^c^^g\"],\
         \"X-S1CS-CALPROPS-ALLOW-DOUBLEBOOKING\":\"1\",\
         \"FREEBUSY\":[{{\"START\":\"20070521T040000Z\",\"END\":\"20070525T040000Z\",\
         \"FB\":[{{\"FBTYPE\":\"BUSY\",\"value\":\"20070521T130000Z/20070521T140000Z\"}},\
         {{\"FBTYPE\":\"BUSY\",\"value\":\"20070521T150000Z/20070521T160000Z\"}}]}}],\
         \"X-NSCP-WCAP-ERRNO\":\"0\"}}]}}}}"
    );
    assert_eq!(text(&article(), Format::Json), want);
}

const EVENT: &str = "VERSION:2.0
BEGIN:VEVENT
UID:a\\;b
RECURRENCE-ID;VALUE=DATE:20030602
SUMMARY;LANGUAGE=en:Tea \\, <b>&
DTSTART;VALUE=DATE:20030602
LAST-MODIFIED:20030602T190000Z
DESCRIPTION:one\\ntwo
CATEGORIES:a\\,b,c
RESOURCES:x,y
EXDATE;VALUE=DATE:20030604,20030605
ORGANIZER;SENT-BY=\"mailto:j@d\":jdoe
PERCENT-COMPLETE:5
X-OPEN:1;2
X-TEXT:1\\;2
START:odd
BEGIN:VALARM
TRIGGER:-PT15M
END:VALARM
BEGIN:X-PART
A:b
END:X-PART
END:VEVENT";

#[test]
fn an_event_in_xml() {
    let xml = text(&Reply::of(calendar(EVENT)), Format::Xml);
    let want = "<iCal version=\"2.0\">\n\
        <EVENT>\n\
        <UID>a;b</UID>\n\
        <RECURID VALUE=\"DATE\">20030602</RECURID>\n\
        <SUMMARY LANGUAGE=\"en\">Tea , &lt;b&gt;&amp;</SUMMARY>\n\
        <START VALUE=\"DATE\">20030602</START>\n\
        <LAST-MOD>20030602T190000Z</LAST-MOD>\n\
        <DESC>one\ntwo</DESC>\n\
        <CATEGORIES>a\\,b,c</CATEGORIES>\n\
        <RESOURCES>x</RESOURCES>\n\
        <RESOURCES>y</RESOURCES>\n\
        <EXDATE VALUE=\"DATE\">20030604</EXDATE>\n\
        <EXDATE VALUE=\"DATE\">20030605</EXDATE>\n\
        <ORGANIZER SENT-BY=\"mailto:j@d\">jdoe</ORGANIZER>\n\
        <PERCENT>5</PERCENT>\n\
        <X-OPEN>1;2</X-OPEN>\n\
        <X-TEXT type=\"text\">1;2</X-TEXT>\n\
        <_START>odd</_START>\n\
        <ALARM>\n<TRIGGER>-PT15M</TRIGGER>\n</ALARM>\n\
        <X-PART type=\"component\">\n<A>b</A>\n</X-PART>\n\
        </EVENT>\n\
        </iCal>\n";
    assert!(xml.contains(want), "{xml}");
}

#[test]
fn an_event_in_json() {
    let json = text(&Reply::of(calendar(EVENT)), Format::Json);
    let want = "{\"iCalendar\":{\"iCal\":[{\"version\":\"2.0\",\"EVENT\":[{\
        \"UID\":\"a;b\",\
        \"RECURID\":{\"VALUE\":\"DATE\",\"value\":\"20030602\"},\
        \"SUMMARY\":{\"LANGUAGE\":\"en\",\"value\":\"Tea , <b>&\"},\
        \"START\":{\"VALUE\":\"DATE\",\"value\":\"20030602\"},\
        \"LAST-MOD\":\"20030602T190000Z\",\
        \"DESC\":\"one\\ntwo\",\
        \"CATEGORIES\":\"a\\\\,b,c\",\
        \"RESOURCES\":[\"x\",\"y\"],\
        \"EXDATE\":[{\"VALUE\":\"DATE\",\"value\":\"20030604\"},{\"VALUE\":\"DATE\",\"value\":\"20030605\"}],\
        \"ORGANIZER\":{\"SENT-BY\":\"mailto:j@d\",\"value\":\"jdoe\"},\
        \"PERCENT\":\"5\",\
        \"X-OPEN\":\"1;2\",\
        \"X-TEXT\":{\"type\":\"text\",\"value\":\"1;2\"},\
        \"_START\":\"odd\",\
        \"ALARM\":[{\"TRIGGER\":\"-PT15M\"}],\
        \"X-PART\":[{\"type\":\"component\",\"A\":\"b\"}]\
        }]}]}}";
    assert_eq!(json, want);
}

#[test]
fn calendars_stand_side_by_side() {
    let one = Calendar::publish().finish(Errno::Ok);
    let two = Calendar::plain().finish(Errno::AccessDenied);
    let reply: Reply = [one, two].into_iter().collect();
    let xml = text(&reply, Format::Xml);
    assert_eq!(xml.matches("<iCal ").count(), 2);
    assert_eq!(xml.matches("<?xml").count(), 1);
    assert_eq!(
        text(&reply, Format::Calendar)
            .matches("BEGIN:VCALENDAR")
            .count(),
        2
    );
    assert!(text(&reply, Format::Json).contains("\"X-NSCP-WCAP-ERRNO\":\"0\"},{\"version\""));
}

#[test]
fn nothing_is_never_empty() {
    for format in Format::ALL {
        let body = text(&Reply::default(), format);
        assert_eq!(body, text(&Reply::errno(Errno::Ok), format));
        assert!(body.to_uppercase().contains("X-NSCP-WCAP-ERRNO"));
    }
}
