//! What each fuzz target does with its input: a function that panics when a promise is broken.
//!
//! Knows nothing of the fuzzer, so that a test on a stable toolchain can call the same functions.

use wcapd::cap::client::reply::{Bounds, Garbled, Heard, Reader};
use wcapd::cap::client::sasl::{Credentials, Exchange, Password};
use wcapd::cap::{client, object as entities};
use wcapd::core::{query, rights};
use wcapd::ical::component::{Component, Property, escape_text, unescape_text};
use wcapd::ical::datetime::{TimeRange, Timestamp};
use wcapd::ical::instances::Series;
use wcapd::ical::object::{CalendarObject, Kind};
use wcapd::ical::parse::{Limits, Parsed, parse, parse_mending};
use wcapd::ical::recur::Work;
use wcapd::ical::rule::Rule;
use wcapd::ical::value;
use wcapd::ical::zone::Zone;
use wcapd::ical::{check, import, interop, object, print};
use wcapd::text::form::{self, Encoded, Form, FormLimits, ListRule};
use wcapd::text::xml::{self, XmlLimits};
use wcapd::wcap::decode::decode;
use wcapd::wcap::encode::encode;
use wcapd::wcap::format::Format;
use wcapd::wcap::reply::Reply;

/// Bounds small enough that the fuzzer reaches them.
const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    line: 4096,
    depth: 5,
    components: 200,
    properties: 1000,
    errors: 50,
};

/// One content line: what is read prints as it was, and every typed reading answers.
pub fn line(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    assert_eq!(unescape_text(&escape_text(text)), normal_breaks(text));
    let Ok(property) = Property::from_line(text) else {
        return;
    };
    assert_eq!(property.as_line(), text);
    let rebuilt = property
        .params()
        .fold(property.name().to_owned(), |line, param| {
            format!("{line};{}", param.as_str())
        });
    assert_eq!(format!("{rebuilt}:{}", property.value()), text);
    let cleared = property.clone().without_param("TZID");
    assert_eq!(cleared.param("TZID"), None);
    assert_eq!(cleared.value(), property.value());
    if let Ok(time) = value::date_time(&property) {
        let printed = value::date_time_property("DTSTART", &time);
        // A zone's name may hold what a parameter cannot.
        if time.tzid().is_none() {
            assert_eq!(value::date_time(&printed), Ok(time));
        }
    }
    if let Ok(length) = value::duration(&property) {
        assert_eq!(value::Duration::parse(&length.to_string()), Ok(length));
    }
    if let Ok(trigger) = value::trigger(&property) {
        assert_eq!(
            value::trigger(&value::trigger_property(trigger)),
            Ok(trigger)
        );
    }
    let _ = value::recurrence_dates(&property);
    let _ = value::periods(&property);
    let _ = value::geo(&property);
    let _ = value::uri(&property);
    let _ = value::request_status(&property);
    let list: Vec<_> = value::texts(&property).collect();
    let again = value::texts_property("CATEGORIES", &list);
    assert_eq!(value::texts(&again).collect::<Vec<_>>(), list);
}

/// Text as it is after its line breaks became one kind and other control characters went.
fn normal_breaks(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace(|c: char| c.is_ascii_control() && c != '\n' && c != '\t', "")
}

/// A file: whatever is kept prints and reads back, and everything above the parser answers.
pub fn component(input: &[u8]) {
    for parsed in [parse(input, &LIMITS), parse_mending(input, &LIMITS)] {
        assert!(parsed.errors.len() <= LIMITS.errors);
        assert!(parsed.errors.is_sorted_by_key(|e| e.line));
        reads_back(&parsed);
        let _ = check::stream(&parsed.components);
        for component in &parsed.components {
            // Refused only for what a name cannot be, and parsed names can be names.
            assert!(interop::from_parsed(&interop::to_parsed(component)).is_ok());
        }
    }
    let mut uids = 0;
    let import = import::import(input, &LIMITS, &mut || {
        uids += 1;
        format!("uid-{uids}")
    });
    let calendar = object::to_calendar(&import.objects, []);
    let again = object::split(vec![calendar], &mut String::new);
    assert!(again.rejected.is_empty());
    assert_eq!(again.objects.len(), import.objects.len());
}

fn reads_back(parsed: &Parsed) {
    for component in &parsed.components {
        let text = print::to_string(component);
        assert!(text.split("\r\n").all(|line| line.len() <= 75));
        let again = parse(text.as_bytes(), &LIMITS);
        assert_eq!(again.errors, []);
        assert_eq!(again.components, std::slice::from_ref(component));
    }
}

/// A recurrence rule: what is read prints to the same rule, and its instances answer within their budget.
pub fn rule(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(rule) = Rule::parse(text) else {
        return;
    };
    assert_eq!(Rule::parse(&rule.to_string()).ok(), Some(rule));
    let mut event = Component::new("VEVENT");
    event.push(Property::new("DTSTART", "20240229T103000Z"));
    event.push(Property::new("RRULE", text));
    let object = CalendarObject {
        kind: Kind::Event,
        uid: String::new(),
        components: vec![event],
        timezones: Vec::new(),
    };
    let mut work = Work::new(50_000);
    let Ok(series) = Series::of(&object, &Zone::utc(), &mut work) else {
        return;
    };
    let window = TimeRange::lasting(Timestamp(4_000_000_000), 40 * 86_400);
    if let Ok(found) = series.instances(window, 1_000, &mut work) {
        assert!(found.len() <= 1_000);
        assert!(found.is_sorted_by_key(|instance| instance.start));
        assert!(
            found
                .iter()
                .all(|instance| instance.range().overlaps(window))
        );
    }
}

/// A query string: every value answers in every way it can be asked, and what is encoded decodes.
pub fn form(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let limits = FormLimits {
        parameters: 20,
        value_length: 200,
    };
    let mut parameters = Form::new();
    let _ = parameters.add_encoded(text, limits);
    assert!(parameters.pairs().count() <= limits.parameters);
    for (_, raw) in parameters.pairs() {
        let _ = raw.decode();
        for quoted in [false, true] {
            for encoded in [Encoded::Keeps, Encoded::Separates] {
                let list = ListRule {
                    quoted,
                    comma: quoted,
                    encoded,
                };
                let _ = raw.items(list);
            }
        }
    }
    assert_eq!(form::decode(&form::encode(text)).as_deref(), Ok(text));
}

/// A document in XML or JSON: the readers answer, whatever it is, and what is read can be written and read again.
pub fn xml(input: &[u8]) {
    let limits = XmlLimits {
        depth: 8,
        nodes: 200,
    };
    let _ = xml::read(input, limits);
    let limits = wcapd::limits::Limits::default();
    for format in [Format::Xml, Format::XCal, Format::JCal] {
        let Ok(calendars) = decode(input, format, &limits, 200) else {
            continue;
        };
        let reply: Reply = calendars.into_iter().collect();
        for format in [Format::XCal, Format::JCal] {
            let written = encode(&reply, format);
            assert!(decode(&written, format, &limits, 2_000).is_ok());
        }
    }
}

/// Bytes from a CAP client; what is promised stands with the function.
pub fn frame(input: &[u8]) {
    wcapd::cap::fuzz_frame(input);
}

/// What a CAP server says: the client hears the same however it comes in pieces, and nothing of it is past a bound.
///
/// The first octet says where the rest is cut.
pub fn reply(input: &[u8]) {
    let Some((&cut, input)) = input.split_first() else {
        return;
    };
    for challenges in [false, true] {
        let whole = heard(input, input.len().max(1), challenges);
        assert_eq!(heard(input, usize::from(cut) + 1, challenges), whole);
        for reply in whole.0 {
            let Heard::Reply(reply) = reply else {
                continue;
            };
            let _ = reply.values();
            let said = reply.lines();
            let list = reply.clone().into_list("tom").lines();
            assert!(list.iter().all(|line| said.contains(line)));
            let _ = reply.clone().into_uids();
            if let Ok(answers) = client::answers(&reply.data, &wcapd::limits::Limits::default()) {
                assert!(answers.iter().all(|answer| !answer.target.starts_with(':')));
            }
        }
    }
    for mechanism in ["SCRAM-SHA-256", "DIGEST-MD5"] {
        let credentials = Credentials::Password {
            user: "tom".to_owned(),
            password: Password("tom".to_owned()),
        };
        let offered = [mechanism.to_owned()];
        let begun = Exchange::begin(&credentials, &offered, "localhost", false, &[7; 18]);
        let Ok(exchange) = begun else {
            panic!("{mechanism} is offered");
        };
        let mut exchange = exchange.bounded(10);
        exchange.first();
        let _ = exchange.answer(input);
        // Nobody knows the password by chance.
        let _ = exchange.answer(input);
    }
}

const BOUNDS: Bounds = Bounds {
    line: 1_000,
    data: 10_000,
};

fn heard(input: &[u8], cut: usize, challenges: bool) -> (Vec<Heard>, Option<Garbled>) {
    let mut reader = Reader::new(BOUNDS);
    reader.challenges = challenges;
    let mut found = Vec::new();
    for mut piece in input.chunks(cut) {
        loop {
            match reader.hear(&mut piece) {
                Ok(None) => break,
                Ok(Some(heard)) => {
                    if let Heard::Reply(reply) = &heard {
                        assert!(reply.data.len() <= BOUNDS.data);
                    }
                    found.push(heard);
                }
                Err(garbled) => return (found, Some(garbled)),
            }
        }
    }
    (found, None)
}

/// A query: what is read is read again with blanks around it, and what is wrong stands somewhere.
pub fn query(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match query::parse(text) {
        Ok(read) => {
            let Ok(again) = query::parse(&format!("\n {text} ")) else {
                panic!("blanks change what is read");
            };
            assert_eq!((&again.select, &again.from), (&read.select, &read.from));
            assert_eq!(again.filter.is_some(), read.filter.is_some());
            assert_eq!(again.names("UID"), read.names("UID"));
        }
        Err(cause) => assert!((1..=text.chars().count() + 1).contains(&cause.at)),
    }
}

/// Rights; what is promised stands with the function.
pub fn rights(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        rights::fuzz_rights(text);
    }
}

/// A MIME object of SENDDATA: what is read of it can be sent and read again.
pub fn entity(input: &[u8]) {
    let limits = wcapd::limits::Limits {
        cap_object_size: 1 << 20,
        line_length: 4_096,
        nesting: 5,
        components: 200,
        ..Default::default()
    };
    let Ok(components) = entities::components(input, &limits) else {
        return;
    };
    assert!(!components.is_empty());
    for component in components {
        let sent = entities::reply(&[(component.clone(), None)], "boundary");
        // Where a query was folded a blank may be read into it.
        if String::from_utf8_lossy(&sent)
            .to_ascii_uppercase()
            .contains("QUERY")
        {
            continue;
        }
        assert_eq!(entities::components(&sent, &limits), Ok(vec![component]));
    }
}
