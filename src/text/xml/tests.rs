//! What is written is read back; what is no XML is refused with its line.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

const LIMITS: XmlLimits = XmlLimits {
    depth: 4,
    nodes: 12,
};

fn kind(document: &str) -> XmlErrorKind {
    read(document.as_bytes(), LIMITS).unwrap_err().kind
}

#[test]
fn a_document_becomes_a_tree() {
    let root = read(
        b"\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c -->\n<a x=\"1&quot;&#10;&#x41;\">\n\
          t&amp;&#228;<b/><![CDATA[<&>]]>\r\n<c>d</c></a>\n",
        LIMITS,
    )
    .unwrap();
    assert_eq!(root.name, "a");
    assert_eq!(root.line, 3);
    assert_eq!(root.attribute("x"), Some("1\"\nA"));
    assert_eq!(root.text, "\nt&\u{e4}<&>\n");
    assert_eq!(root.children.len(), 2);
    assert_eq!(root.children[1].text, "d");
    assert_eq!(root.children[1].line, 5);
}

#[test]
fn what_is_no_document_is_refused() {
    for (document, want) in [
        ("", XmlErrorKind::Root),
        ("<a/><b/>", XmlErrorKind::Root),
        ("<a/>x", XmlErrorKind::Outside),
        ("x<a/>", XmlErrorKind::Outside),
        ("<a/>&#32;", XmlErrorKind::Outside),
        ("<a><b>", XmlErrorKind::Unclosed("b".to_owned())),
        ("<!DOCTYPE a><a/>", XmlErrorKind::Doctype),
        (
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            XmlErrorKind::Doctype,
        ),
        ("<a>&nbsp;</a>", XmlErrorKind::Entity("nbsp".to_owned())),
        ("<a>&#0;</a>", XmlErrorKind::Char),
        ("<a>&#8;</a>", XmlErrorKind::Char),
        ("<a>\u{1}</a>", XmlErrorKind::Char),
        ("<a x='&#1;'/>", XmlErrorKind::Char),
        (
            "<?xml version='1.0' encoding='latin1'?><a/>",
            XmlErrorKind::Encoding,
        ),
        ("<a><b><c><d/></c></b></a>", XmlErrorKind::Depth(4)),
        (
            "<a b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l='' m=''/>",
            XmlErrorKind::Nodes(12),
        ),
    ] {
        let got = read(document.as_bytes(), LIMITS);
        if want == XmlErrorKind::Depth(4) {
            assert!(got.is_ok());
            assert_eq!(kind("<a><b><c><d><e/></d></c></b></a>"), want);
        } else {
            assert_eq!(got.unwrap_err().kind, want, "{document}");
        }
    }
    for document in [
        "<a></b>",
        "</a>",
        "<a x='1' x='2'/>",
        "<a x=1/>",
        "<a x/>",
        "<a x='&foo;'/>",
        "<a",
        "<a>&unfinished",
        "<!-- a -- b --><a/>",
    ] {
        assert!(read(document.as_bytes(), LIMITS).is_err(), "{document}");
    }
    assert_eq!(
        read(b"<a>\n\xff</a>", LIMITS).unwrap_err().to_string(),
        "line 2: expected a document in UTF-8"
    );
    assert_eq!(
        read(b"<a>\n\n<b>&x;</b></a>", LIMITS)
            .unwrap_err()
            .to_string(),
        "line 3: expected one of the five predefined entities, found '&x;'"
    );
}

#[test]
fn depth_costs_no_stack() {
    let document = "<a>".repeat(200_000);
    assert_eq!(kind(&document), XmlErrorKind::Depth(4));
}

#[test]
fn writing_is_safe() {
    let mut xml = XmlWriter::default();
    xml.declaration();
    xml.start_open("a b><!--");
    xml.attribute("x", "\"<&\n\t\r'\u{0}");
    xml.end_open();
    xml.text("a\u{0}\u{b}<b>&\r\n\"\u{ffff}\u{fffd}]]>");
    xml.close("a b><!--");
    let text = xml.finish();
    assert_eq!(
        text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<_ x=\"&quot;&lt;&amp;&#10;&#9;&#13;'\">\
         a&lt;b&gt;&amp;&#13;\n\"\u{fffd}]]&gt;</_>"
    );
    let root = read(text.as_bytes(), LIMITS).unwrap();
    assert_eq!(root.text, "a<b>&\r\n\"\u{fffd}]]>");
    assert_eq!(root.attribute("x"), Some("\"<&\n\t\r'"));
}

proptest! {
    #[test]
    fn text_comes_back(text in any::<String>(), value in any::<String>()) {
        let mut xml = XmlWriter::default();
        xml.start_open("a");
        xml.attribute("b", &value);
        xml.end_open();
        xml.text(&text);
        xml.close("a");
        let root = read(xml.finish().as_bytes(), LIMITS).unwrap();
        let kept = |s: &str| s.chars().filter(|&c| is_char(c)).collect::<String>();
        prop_assert_eq!(&root.text, &kept(&text));
        prop_assert_eq!(root.attribute("b"), Some(&*kept(&value)));
    }

    #[test]
    fn anything_is_read_or_refused(document in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&document, LIMITS);
    }

    #[test]
    fn markup_is_read_or_refused(document in "[<>/a&;#!?\\[\\]\"'= x0-]{0,60}") {
        let _ = read(document.as_bytes(), LIMITS);
    }
}
