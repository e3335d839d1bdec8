//! The parameters of a store as a change in iCalendar's words.

use crate::core::items::attendees::{AttendeeEdit, AttendeesEdit};
use crate::core::items::edit::{AlarmEdit, Change, Edit, PropertyEdit};
use crate::core::items::rules::RulesEdit;
use crate::core::items::times::{End, KeepIn, TimesEdit};
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, Timestamp};
use crate::ical::object::Kind;
use crate::ical::rule::Rule;
use crate::ical::value::{self, RecurrenceDate, Related, Trigger};
use crate::ical::zone::Zone;
use crate::wcap::args::{Args, Attendee, Field, Trigger as When};
use crate::wcap::context::Failure;
use crate::wcap::errno::Errno;
use crate::wcap::shape;

/// Values of `status`, by their number.
const STATUSES: [&str; 8] = [
    "CONFIRMED",
    "CANCELLED",
    "TENTATIVE",
    "NEEDS-ACTION",
    "COMPLETED",
    "IN-PROCESS",
    "DRAFT",
    "FINAL",
];

/// Parameters that are one property's text.
const TEXTS: [(&str, &str); 3] = [
    ("summary", "SUMMARY"),
    ("desc", "DESCRIPTION"),
    ("location", "LOCATION"),
];

/// Parameters that are lists: the name of the property, and whether one property holds them all.
const LISTS: [(&str, &str, bool); 5] = [
    ("categories", "CATEGORIES", true),
    ("resources", "RESOURCES", true),
    ("relatedTos", "RELATED-TO", false),
    ("contacts", "CONTACT", false),
    ("attachments", "ATTACH", false),
];

/// Alarms: the parameter and the ACTION.
const ALARMS: [(&str, &str); 4] = [
    ("alarmStart", "EMAIL"),
    ("alarmPopup", "DISPLAY"),
    ("alarmAudio", "AUDIO"),
    ("alarmFlashing", "X-NSCP-FLASHING"),
];

/// Parameters of an attendee that the server says itself.
const OURS: [&str; 6] = [
    "X-S1CS-CALID",
    "X-S1CS-EMAIL",
    "X-NSCP-ATTENDEE-GSE-STATUS",
    "X-NSCP-WCAP-OPERATION",
    "SCHEDULE-STATUS",
    "X-WCAPD-BEHIND",
];

/// What 5.x clients write for an emptied text.
const NONE: &str = "<NONE>";

/// What was given; times that may be local wait for the calendar's zone.
pub(super) struct Given {
    edit: Edit,
    alarms: Vec<Alarm>,
    completed: Field<DateTime>,
    completed_now: Option<Timestamp>,
    zone: Option<Zone>,
}

struct Alarm {
    edit: AlarmEdit,
    when: Field<When>,
}

impl Given {
    /// Reads the parameters.
    pub(super) fn read(args: &Args, kind: Kind, now: Timestamp) -> Result<Self, Failure> {
        let replace = args.flag("replace")?;
        let zone = args.zone("tzid")?.or_else(|| private_zone(args));
        let mut properties = texts(args)?;
        properties.extend(lists(args, replace)?);
        properties.extend(words(args, kind)?);
        properties.extend(extensions(args)?);
        let completed = match kind {
            Kind::Todo => args.time("completed")?,
            Kind::Event | Kind::Journal => Field::Absent,
        };
        let mut completed_now = None;
        if kind == Kind::Todo {
            completed_now = progress(args, &completed, now, &mut properties)?;
        }
        let edit = Edit {
            properties,
            times: times(args, kind, zone.clone())?,
            rules: rules(args)?,
            attendees: attendees(args, replace)?,
            alarms: Vec::new(),
        };
        Ok(Self {
            edit,
            alarms: alarms(args, replace)?,
            completed,
            completed_now,
            zone,
        })
    }

    /// The change, in a calendar of the zone `floating`.
    pub(super) fn edit(&self, floating: &Zone) -> Edit {
        let zone = self.zone.as_ref().unwrap_or(floating);
        let instant = |at: &DateTime| match at {
            DateTime::Utc(instant) => *instant,
            local => zone.to_timestamp(local.civil()),
        };
        let mut edit = self.edit.clone();
        let completed = match &self.completed {
            Field::Set(at) => Some(Some(instant(at))),
            Field::Clear => Some(None),
            Field::Absent => self.completed_now.map(Some),
        };
        match completed {
            Some(Some(at)) => {
                let property = Property::new("COMPLETED", at.to_string());
                edit.properties.push(PropertyEdit::Set(property));
            }
            Some(None) => edit
                .properties
                .push(PropertyEdit::Clear("COMPLETED".into())),
            None => {}
        }
        edit.alarms = self
            .alarms
            .iter()
            .map(|alarm| {
                let trigger = match &alarm.when {
                    Field::Absent => Change::Keep,
                    Field::Clear => Change::Clear,
                    Field::Set(When::From(length)) => {
                        Change::Set(Trigger::Relative(*length, Related::Start))
                    }
                    Field::Set(When::At(at)) => Change::Set(Trigger::Absolute(instant(at))),
                };
                AlarmEdit {
                    trigger,
                    ..alarm.edit.clone()
                }
            })
            .collect();
        edit
    }
}

/// What a new item says where its client did not.
pub(super) fn defaults(kind: Kind, made: &Component) -> Vec<Property> {
    let status = match kind {
        Kind::Todo => "NEEDS-ACTION",
        Kind::Event | Kind::Journal => "CONFIRMED",
    };
    let mut defaults = vec![
        Property::new("CLASS", "PUBLIC"),
        Property::new("PRIORITY", "0"),
        Property::new("SEQUENCE", "0"),
        Property::new("STATUS", status),
    ];
    if kind == Kind::Event {
        let all_day = made
            .property("DTSTART")
            .and_then(|p| value::date_time(p).ok());
        let transparent = all_day.is_some_and(|start| start.is_date());
        let value = if transparent { "TRANSPARENT" } else { "OPAQUE" };
        defaults.push(Property::new("TRANSP", value));
    }
    defaults
}

fn bad() -> Failure {
    Failure::Errno(Errno::BadArguments)
}

fn texts(args: &Args) -> Result<Vec<PropertyEdit>, Failure> {
    let mut edits = Vec::new();
    for (param, name) in TEXTS {
        edits.extend(match args.text_field(param)? {
            Field::Absent => None,
            Field::Clear => Some(PropertyEdit::Clear(name.into())),
            Field::Set(text) if text == NONE => Some(PropertyEdit::Clear(name.into())),
            Field::Set(text) => Some(PropertyEdit::Set(Property::text(name, &text))),
        });
    }
    edits.extend(match args.text_field("icsUrl")? {
        Field::Absent => None,
        Field::Clear => Some(PropertyEdit::Clear("URL".into())),
        Field::Set(url) => Some(PropertyEdit::Set(Property::new("URL", url.trim()))),
    });
    Ok(edits)
}

fn lists(args: &Args, replace: bool) -> Result<Vec<PropertyEdit>, Failure> {
    let mut edits = Vec::new();
    for (param, name, joined) in LISTS {
        let items = match args.list(param)? {
            Field::Absent => continue,
            // An empty list adds nothing, and takes everything away only with `replace`.
            Field::Clear if replace => {
                edits.push(PropertyEdit::Clear(name.into()));
                continue;
            }
            Field::Clear => continue,
            Field::Set(items) => items,
        };
        let properties: Vec<Property> = match (joined, name) {
            (true, _) => vec![value::texts_property(name, &items)],
            (false, "ATTACH") => items.iter().map(|url| attachment(url.trim())).collect(),
            (false, _) => items
                .iter()
                .map(|text| Property::text(name, text))
                .collect(),
        };
        match replace {
            true => edits.push(PropertyEdit::Replace(name.into(), properties)),
            false => edits.extend(properties.into_iter().map(PropertyEdit::Append)),
        }
    }
    Ok(edits)
}

/// An address as ATTACH. One that was told for a stored attachment names that; whether the item has it is seen later.
fn attachment(url: &str) -> Property {
    let plain = Property::new("ATTACH", url);
    match shape::attachments::id_of(url) {
        Some(id) => {
            let named = id.line(plain.params());
            named.map_or(plain, |named| named.with_value(url))
        }
        None => plain,
    }
}

/// Properties whose values are words and numbers.
fn words(args: &Args, kind: Kind) -> Result<Vec<PropertyEdit>, Failure> {
    let mut edits = Vec::new();
    let mut set = |name: &str, value: String| {
        edits.push(PropertyEdit::Set(Property::new(name, value)));
    };
    if let Field::Set(class) = args.text_field("icsClass")? {
        let class = class.trim().to_ascii_uppercase();
        if !matches!(class.as_str(), "PUBLIC" | "PRIVATE" | "CONFIDENTIAL") {
            return Err(bad());
        }
        set("CLASS", class);
    }
    if let Some(status) = number(args, "status")? {
        let status = usize::try_from(status).ok().and_then(|at| STATUSES.get(at));
        set("STATUS", status.ok_or_else(bad)?.to_string());
    }
    if let Some(transparent) = args.flag_if_given("transparent")?
        && kind == Kind::Event
    {
        set(
            "TRANSP",
            if transparent { "TRANSPARENT" } else { "OPAQUE" }.into(),
        );
    }
    if let Some(priority) = number(args, "priority")? {
        set("PRIORITY", priority.to_string());
    }
    if let Some(sequence) = number(args, "seq")? {
        set("SEQUENCE", sequence.to_string());
    }
    match args.text_field("geo")? {
        Field::Absent => {}
        Field::Clear => edits.push(PropertyEdit::Clear("GEO".into())),
        Field::Set(place) => {
            let place = Property::new("GEO", place.trim());
            value::geo(&place).map_err(|_| bad())?;
            edits.push(PropertyEdit::Set(place));
        }
    }
    if let Some(language) = args.text("language")? {
        let name = "X-NSCP-LANGUAGE";
        edits.push(PropertyEdit::Set(Property::text(name, language.trim())));
    }
    Ok(edits)
}

/// A number; an empty one says nothing.
fn number(args: &Args, name: &'static str) -> Result<Option<i64>, Failure> {
    Ok(args.integer(name)?)
}

/// The zone that old clients name in a property of their own: that of the start, else of the end.
fn private_zone(args: &Args) -> Option<Zone> {
    const NAMES: [&str; 3] = [
        "X-NSCP-DTSTART-TZID",
        "X-NSCP-DUE-TZID",
        "X-NSCP-DTEND-TZID",
    ];
    NAMES.iter().find_map(|name| {
        let sent = args.extensions().find(|(sent, _)| sent == name);
        let text = sent?.1.ok()?;
        Zone::known_as(own_value(&text).trim())
    })
}

/// What stands after the operation that old clients put before the value.
fn own_value(text: &str) -> &str {
    text.rsplit_once('^').map_or(text, |(_, value)| value)
}

/// `X-` parameters become properties; old clients put what is to be done and `^` before the value.
fn extensions(args: &Args) -> Result<Vec<PropertyEdit>, Failure> {
    let mut edits = Vec::new();
    for (name, text) in args.extensions() {
        let text = text.map_err(crate::wcap::args::ArgError::from)?;
        let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        // Properties of these names are the server's own words.
        let ours = name.starts_with("X-NSCP-")
            || name.starts_with("X-S1CS-")
            || name.starts_with("X-WCAPD-");
        if ours || name.len() > 64 || !name.bytes().all(token) {
            continue;
        }
        let value = own_value(&text);
        edits.push(match value.is_empty() {
            true => PropertyEdit::Clear(name.into()),
            false => PropertyEdit::Set(Property::text(name, value)),
        });
    }
    Ok(edits)
}

/// How far a to-do is: what is completed is at 100 percent and says so. Answers when it was completed if that is
/// now.
fn progress(
    args: &Args,
    completed: &Field<DateTime>,
    now: Timestamp,
    edits: &mut Vec<PropertyEdit>,
) -> Result<Option<Timestamp>, Failure> {
    let percent = number(args, "percent")?;
    let status = number(args, "status")?;
    if let Some(percent) = percent {
        let property = Property::new("PERCENT-COMPLETE", percent.to_string());
        edits.push(PropertyEdit::Set(property));
    }
    let done = matches!(completed, Field::Set(_));
    if status.is_none() && (done || percent == Some(100)) {
        edits.push(PropertyEdit::Set(Property::new("STATUS", "COMPLETED")));
    }
    if done && percent.is_none() {
        edits.push(PropertyEdit::Set(Property::new("PERCENT-COMPLETE", "100")));
    }
    let finished = percent == Some(100) && !completed.is_given();
    Ok(finished.then_some(now))
}

fn times(args: &Args, kind: Kind, zone: Option<Zone>) -> Result<TimesEdit, Failure> {
    let end_name = match kind {
        Kind::Todo => "due",
        Kind::Event | Kind::Journal => "dtend",
    };
    let start = change(args.time("dtstart")?);
    let mut end = change(args.time(end_name)?.map(End::At));
    match args.duration("duration")? {
        Field::Set(length) if !matches!(end, Change::Set(_)) => {
            end = Change::Set(End::After(length));
        }
        Field::Clear if end.is_keep() => end = Change::Clear,
        _ => {}
    }
    Ok(TimesEdit {
        start,
        end,
        all_day: args.flag_if_given("isAllDay")?,
        keep_in: zone.map_or(KeepIn::Item, KeepIn::Zone),
    })
}

fn change<T>(field: Field<T>) -> Change<T> {
    match field {
        Field::Absent => Change::Keep,
        Field::Clear => Change::Clear,
        Field::Set(value) => Change::Set(value),
    }
}

fn rules(args: &Args) -> Result<RulesEdit, Failure> {
    let rules = |name| -> Result<Option<Vec<Rule>>, Failure> {
        Ok(match args.rules(name)? {
            Field::Absent => None,
            Field::Clear => Some(Vec::new()),
            Field::Set(texts) => {
                let rules: Result<_, _> = texts.iter().map(|text| Rule::parse(text)).collect();
                Some(rules.map_err(|_| bad())?)
            }
        })
    };
    let dates = |name| -> Result<Option<Vec<DateTime>>, Failure> {
        Ok(match args.times(name)? {
            Field::Absent => None,
            Field::Clear => Some(Vec::new()),
            Field::Set(dates) => Some(dates),
        })
    };
    let starts = |dates: Vec<DateTime>| dates.into_iter().map(RecurrenceDate::Start).collect();
    Ok(RulesEdit {
        rrules: rules("rrules")?,
        rdates: dates("rdates")?.map(starts),
        exrules: rules("exrules")?,
        exdates: dates("exdates")?,
    })
}

fn attendees(args: &Args, replace: bool) -> Result<Option<AttendeesEdit>, Failure> {
    let entries = match args.attendees("attendees")? {
        Field::Absent => return Ok(None),
        Field::Clear if !replace => return Ok(None),
        Field::Clear => Vec::new(),
        Field::Set(list) => list.into_iter().map(attendee).collect(),
    };
    Ok(Some(AttendeesEdit { replace, entries }))
}

fn attendee(said: Attendee) -> AttendeeEdit {
    let remove = said.param("PARTSTAT") == Some("X-NSCP-WCAP-ATTENDEE-DELETE");
    let token = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let params = said.params.into_iter().filter(|(name, _)| {
        token(name) && !OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours))
    });
    let params = params.map(|(name, value)| match name.as_str() {
        "LANG" => ("LANGUAGE".to_owned(), value),
        "SENT-STATUS" => ("X-NSCP-SENT-STATUS".to_owned(), value),
        "PARTSTAT" | "RSVP" | "ROLE" | "CUTYPE" => (name, value.to_ascii_uppercase()),
        _ => (name, value),
    });
    AttendeeEdit {
        address: said.address,
        params: params.collect(),
        remove,
    }
}

fn alarms(args: &Args, replace: bool) -> Result<Vec<Alarm>, Failure> {
    let mut alarms = Vec::new();
    let description = match args.text_field("alarmDescription")? {
        Field::Absent => Change::Keep,
        Field::Clear => Change::Clear,
        Field::Set(text) => Change::Set(text.into_owned()),
    };
    for (param, action) in ALARMS {
        let when = args.trigger(param)?;
        let mut edit = AlarmEdit {
            description: description.clone(),
            ..AlarmEdit::new(action)
        };
        if action == "EMAIL" {
            edit.append = !replace;
            edit.addresses = args.list("alarmEmails")?.set().map(|mails| {
                let mails = mails.iter().map(|mail| mail.trim());
                // UA clears with `alarmEmails=0`.
                let mails = mails.filter(|mail| *mail != "0");
                mails
                    .map(|mail| mail.strip_prefix("mailto:").unwrap_or(mail).to_owned())
                    .collect()
            });
        }
        if when.is_given() || edit.addresses.is_some() || !edit.description.is_keep() {
            alarms.push(Alarm { edit, when });
        }
    }
    Ok(alarms)
}
