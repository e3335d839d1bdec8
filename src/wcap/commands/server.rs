//! The server itself: version, ping, gettime, get_guids, get_all_timezones.

use std::sync::LazyLock;

use bytes::Bytes;

use crate::core::access::Right;
use crate::dispatch::Cost;
use crate::ical::datetime::DateTime;
use crate::ical::{vtimezone, zone};
use crate::wcap::args::{Kind, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::encode::encode;
use crate::wcap::errno::Errno;
use crate::wcap::format::Format;
use crate::wcap::registry::{Needs, Row};
use crate::wcap::reply::{Answer, Calendar, Reply};

/// The version of the protocol: clients warn below 3 and know up to 3.x.
pub(super) const WCAP_VERSION: &str = "3.3.0";

/// The server's time, in answers that tell it.
pub(super) const WCAPTIME: &str = "X-NSCP-WCAPTIME";

/// The family's rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        doc: "Tells the version of the protocol and of the server.",
        session: Needs::Nothing,
        ..Row::new("version", Errno::BadCommand, version)
    },
    Row {
        doc: "Answers that the server is there; for administrators.",
        session: Needs::Session,
        ..Row::new("ping", Errno::NotPermitted, ping)
    },
    Row {
        doc: "Tells the server's time.",
        session: Needs::Optional,
        params: &[
            Param::optional("calid", Kind::Calid, "The calendar; default: one's own."),
            Param::optional("tzidout", Kind::Zone, "Zone of the answer; default: UTC."),
        ],
        ..Row::new("gettime", Errno::GettimeFailed, gettime)
    },
    Row {
        doc: "Makes fresh unique identifiers of 32 hexadecimal digits.",
        session: Needs::Nothing,
        params: &[Param::or(
            "guidCount",
            Kind::Integer(1, u32::MAX as i64),
            "1",
            "How many; at most the limit guids.",
        )
        .also(&["count"])],
        ..Row::new("get_guids", Errno::BadArguments, guids)
    },
    Row {
        doc: "Lists every time zone the server knows, as VTIMEZONE components.",
        session: Needs::Nothing,
        cost: Cost::Heavy,
        ..Row::new(
            "get_all_timezones",
            Errno::GetAllTimeZonesFailed,
            all_timezones,
        )
    },
];

fn version(_: &Context) -> Result<Answer, Failure> {
    let calendar = Calendar::plain()
        .value("X-NSCP-WCAPVERSION", WCAP_VERSION)
        .value("X-NSCP-SERVERVERSION", env!("CARGO_PKG_VERSION"));
    Ok(Reply::of(calendar.finish(Errno::Ok)).into())
}

fn ping(context: &Context) -> Result<Answer, Failure> {
    match context.caller.identity() {
        Some(identity) if identity.administrator => Ok(Reply::errno(Errno::Ok).into()),
        _ => Err(Failure::Errno(Errno::NotPermitted)),
    }
}

fn gettime(context: &Context) -> Result<Answer, Failure> {
    let calid = context.args.text("calid")?;
    let calid = calid.as_deref().map(str::trim);
    super::require(context, calid, Right::Read)?;
    let zone = context.args.zone("tzidout")?;
    let now = context.core.calendar_time(&context.caller, calid)?;
    let time = match zone {
        Some(zone) => DateTime::Floating(zone.to_civil(now)),
        None => DateTime::Utc(now),
    };
    let calendar = Calendar::plain().value(WCAPTIME, time.to_string());
    Ok(Reply::of(calendar.finish(Errno::Ok)).into())
}

fn guids(context: &Context) -> Result<Answer, Failure> {
    let count = context.args.integer("guidCount")?.unwrap_or(1);
    let limit = context.core.settings().limits.guids;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > limit {
        return Err(Failure::Errno(Errno::BadArguments));
    }
    let mut calendar = Calendar::publish();
    for n in 0..count {
        calendar = calendar.value(&format!("X-NSCP-GUID{n}"), context.core.ids().uid());
    }
    Ok(Reply::of(calendar.finish(Errno::Ok)).into())
}

/// The answer of get_all_timezones in one format; the tz database is part of the program.
type Printed = LazyLock<Bytes>;

fn all_timezones(context: &Context) -> Result<Answer, Failure> {
    static CALENDAR: Printed = LazyLock::new(|| print_timezones(Format::Calendar));
    static XML: Printed = LazyLock::new(|| print_timezones(Format::Xml));
    static JSON: Printed = LazyLock::new(|| print_timezones(Format::Json));
    static XCAL: Printed = LazyLock::new(|| print_timezones(Format::XCal));
    static JCAL: Printed = LazyLock::new(|| print_timezones(Format::JCal));
    let printed: &Bytes = match context.format {
        Format::Calendar => &CALENDAR,
        Format::Xml => &XML,
        Format::Json => &JSON,
        Format::XCal => &XCAL,
        Format::JCal => &JCAL,
    };
    Ok(Answer::Printed(printed.clone()))
}

fn print_timezones(format: Format) -> Bytes {
    let mut calendar = Calendar::publish();
    let zones = zone::names().iter();
    zones
        .filter_map(|name| vtimezone::named(name))
        .for_each(|timezone| calendar.push_component(timezone));
    encode(&Reply::of(calendar.finish(Errno::Ok)), format).into()
}
