//! Whole calendars in and out: import, export. What is stored, and what may be seen, is decided in the core.
//!
//! Files are no answers: they have a format of their own (`content-in`, `content-out`), no calendar properties and
//! no result. Exports hold masters and overrides, never instances, with times in the form they came in; only the
//! stamps are the server's. Source: the import and export pages of the Calendar Server 6.3 WCAP guide.

use crate::core::access::Right;
use crate::core::transfer::{Imported, PRODID, Stamps, Upload};
use crate::core::{Error, Kind as Failed};
use crate::dispatch::Cost;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::{DateTime, TimeRange, Timestamp};
use crate::ical::object::{self, CalendarObject};
use crate::wcap::args::{ArgError, Kind, Param};
use crate::wcap::context::{self, Context, Failure};
use crate::wcap::decode;
use crate::wcap::encode;
use crate::wcap::errno::Errno;
use crate::wcap::format::Format;
use crate::wcap::registry::Row;
use crate::wcap::reply::{Answer, Calendar, File, Reply};

/// The part of a form that holds the file; any other does if it is the only one.
const UPLOAD: &str = "Upload";

const FROM: Param = Param::or(
    "dtstart",
    Kind::Time,
    "0",
    "Only what takes place after this time, in UTC; 0: all.",
);
const TO: Param = Param::or(
    "dtend",
    Kind::Time,
    "0",
    "Only what takes place before this time, in UTC; 0: all.",
);

const IMPORT: Row = Row {
    doc: "Stores a file: the part Upload of a multipart form, or the body itself. \
          An item of a UID that is there already takes its place; nothing is sent to anybody.",
    cost: Cost::Heavy,
    takes_file: true,
    params: &[
        Param::required(
            "calid",
            Kind::Calids,
            "The calendar; of several each gets the whole file.",
        ),
        Param::required(
            "content-in",
            Kind::Format,
            "Format of the file: text/calendar, text/xml, application/calendar+xml or application/calendar+json.",
        ),
        FROM,
        TO,
    ],
    ..Row::new("import", Errno::WriteImportFailed, import)
};

const EXPORT: Row = Row {
    doc: "Answers the items of calendars as one file. A body that is no urlencoded form is not looked at.",
    cost: Cost::Heavy,
    ignores_body: true,
    params: &[
        Param::optional("calid", Kind::Calids, "The calendars; default: one's own."),
        Param::or(
            "content-out",
            Kind::Format,
            "text/calendar",
            "Format of the file: text/calendar, text/xml, text/json, application/calendar+xml or \
             application/calendar+json.",
        ),
        FROM,
        TO,
    ],
    ..Row::new("export", Errno::FetchByDateRangeFailed, export)
};

/// The family's rows.
pub(super) const ROWS: &[Row] = &[IMPORT, EXPORT];

fn import(context: &Context) -> Result<Answer, Failure> {
    let calids = context.args.calids("calid")?;
    // Whoever may not write here is told so before a long file is read.
    let open: Vec<_> = calids
        .iter()
        .map(|calid| may_import(context, calid))
        .collect();
    match open.as_slice() {
        [] => return Err(Failure::Errno(Errno::CalidNotSpecified)),
        [Err(errno)] => return Err(Failure::Errno(*errno)),
        _ => {}
    }
    let format = import_format(context)?;
    let window = window(context)?;
    let file = file(context)?;
    let upload = read(context, format, file);
    let mut reply = Reply::default();
    for (calid, open) in calids.iter().zip(open) {
        let calendar = Calendar::publish();
        // With one calendar the client knows which.
        let calendar = match calids.len() {
            1 => calendar,
            _ => calendar.text("X-NSCP-CALPROPS-RELATIVE-CALID", calid),
        };
        reply.push(match (&upload, open) {
            (_, Err(errno)) => calendar.finish(context.refusal(errno)),
            (Err(sentence), Ok(())) => calendar
                .text("X-WCAPD-IMPORT-ERROR", sentence)
                .finish(Errno::FormatNotReadable),
            (Ok(upload), Ok(())) => import_into(context, calid, upload.clone(), window, calendar),
        });
    }
    Ok(reply.into())
}

/// Whether the caller may import into the calendar; else the number of the refusal.
fn may_import(context: &Context, calid: &str) -> Result<(), Errno> {
    match context
        .core
        .has_right(&context.caller, Some(calid), Right::Add)
    {
        Ok(true) => Ok(()),
        Ok(false) => Err(Errno::AccessDenied),
        Err(error) => Err(refusal(calid, error)),
    }
}

/// The number of a failed import. A plain calid of no calendar is what it is anywhere; an address that leads to
/// no calendar could not be expanded.
fn refusal(calid: &str, error: Error) -> Errno {
    let scheme = calid.split_once(':').map_or("", |(scheme, _)| scheme);
    let address = ["mailto", "cap"]
        .iter()
        .any(|s| s.eq_ignore_ascii_case(scheme));
    match error.kind() {
        Failed::NoSuchCalendar if address => Errno::CannotExpandCalid,
        _ => Failure::Core(error).errno(&IMPORT),
    }
}

fn import_format(context: &Context) -> Result<Format, Failure> {
    let name = context.args.text("content-in")?.unwrap_or_default();
    let format = Format::from_media_type(name.trim());
    format
        .filter(|format| *format != Format::Json)
        .ok_or(Failure::Errno(Errno::BadImportArguments))
}

/// The range of `dtstart` and `dtend`; none when both are open.
fn window(context: &Context) -> Result<Option<TimeRange>, Failure> {
    let bound = |name| {
        let time = context.args.time(name)?.set();
        Ok::<_, ArgError>(time.map(|time| instant(&time)))
    };
    let (from, to) = (bound("dtstart")?, bound("dtend")?);
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    let (from, to) = (from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX));
    // The wrong way round there is nothing in it.
    Ok(TimeRange::new(from, to).or_else(|| TimeRange::new(from, from)))
}

fn instant(time: &DateTime) -> Timestamp {
    match time {
        DateTime::Utc(instant) => *instant,
        other => Timestamp::from_civil_utc(other.civil()),
    }
}

/// The file that was sent. A browser whose user chose none sends a part without name and content.
fn file(context: &Context) -> Result<&context::Upload, Failure> {
    let files: Vec<_> = context
        .uploads
        .iter()
        .filter(|file| !file.content.is_empty() || file.file_name.as_deref() != Some(""))
        .collect();
    let named = files.iter().copied().find(|file| file.field == UPLOAD);
    match (named, files.as_slice()) {
        (Some(file), _) => Ok(file),
        (None, [only]) => Ok(only),
        _ => Err(Failure::Errno(Errno::BadImportArguments)),
    }
}

/// The objects in a file; the error is a sentence that says why there is nothing to be read in it.
fn read(context: &Context, format: Format, file: &context::Upload) -> Result<Upload, String> {
    let core = &context.core;
    let upload = match format {
        Format::Calendar => core.read_upload(&file.content),
        other => {
            let limits = &core.settings().limits;
            let calendars = decode::decode(&file.content, other, limits, limits.components);
            core.group_upload(calendars.map_err(|error| error.to_string())?)
        }
    };
    match upload.faults.first() {
        Some(fault) if upload.objects.is_empty() && upload.refused == 0 => Err(fault.to_string()),
        _ => Ok(upload),
    }
}

/// Imports into one calendar and completes its part of the answer.
fn import_into(
    context: &Context,
    calid: &str,
    upload: Upload,
    window: Option<TimeRange>,
    mut calendar: Calendar,
) -> Component {
    let imported = context
        .core
        .import(&context.caller, calid, upload, window, |_| ());
    let imported = match imported {
        Ok(imported) => imported,
        Err(error) => return calendar.finish(context.refusal(refusal(calid, error))),
    };
    let failed = imported.failed();
    let Imported {
        stored,
        outside,
        refused,
        faults,
        unlisted,
    } = imported;
    for (name, count) in [
        ("X-WCAPD-IMPORT-STORED", stored),
        ("X-WCAPD-IMPORT-OUTSIDE", outside),
        ("X-WCAPD-IMPORT-REFUSED", refused),
        ("X-WCAPD-IMPORT-UNLISTED", unlisted),
    ] {
        // The first is the news; of the others only what happened.
        if count > 0 || name == "X-WCAPD-IMPORT-STORED" {
            calendar = calendar.value(name, count.to_string());
        }
    }
    for fault in &faults {
        calendar = calendar.text("X-WCAPD-IMPORT-ERROR", fault);
    }
    calendar.finish(match failed {
        true => Errno::WriteImportFailed,
        false => Errno::Ok,
    })
}

fn export(context: &Context) -> Result<Answer, Failure> {
    let name = context.args.text("content-out")?.unwrap_or_default();
    let format = Format::from_media_type(name.trim());
    let format = format.ok_or(Failure::Errno(Errno::NoSuchFormat))?;
    let calids = super::calids(context)?;
    let window = match window(context) {
        Ok(window) => window,
        Err(failure) => {
            for calid in &calids {
                super::require(context, calid.as_deref(), Right::Read)?;
            }
            return Err(failure);
        }
    };
    let mut objects = Vec::new();
    for calid in calids {
        let core = &context.core;
        core.export_stamped(
            &context.caller,
            calid.as_deref(),
            window,
            |object, stamps| {
                objects.push(stamped(object, stamps));
            },
        )?;
    }
    let head = [
        Property::new("PRODID", PRODID),
        Property::new("METHOD", "PUBLISH"),
        Property::new("VERSION", "2.0"),
    ];
    let calendar = object::to_calendar(&objects, head);
    drop(objects);
    Ok(Answer::File(File {
        content_type: format.content_type().into(),
        name: format!("export.{}", format.extension()),
        content: encode::file(&calendar, format),
    }))
}

/// The object with the server's stamps, its UID and LAST-MODIFIED written as scripts look for them.
fn stamped(mut object: CalendarObject, stamps: Stamps) -> CalendarObject {
    for component in &mut object.components {
        if let Some(uid) = component.property("UID") {
            let uid = Property::new("UID", uid.value());
            component.set(uid);
        }
        component.set(Property::new("CREATED", stamps.created.to_string()));
        component.set(Property::new("LAST-MODIFIED", stamps.modified.to_string()));
    }
    object
}
