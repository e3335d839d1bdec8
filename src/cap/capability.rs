//! The capability lines of the greeting, of CAPABILITY and of a login (draft-ietf-calsch-cap-04 section 7.1).

use std::fmt::{Display, Write as _};

use super::PRODID;
use super::settings::{Link, Mechanism, Settings};
use crate::ical::datetime::Timestamp;

/// `QUERYLEVEL` when the line is absent is SQL-92, which we do not speak: the line is always sent.
const QUERY_LEVEL: &str = "SQL-MIN";

/// `DEFAULT-LOCALE` of a store for which nothing is set.
pub const LOCALES: &str = "POSIX,en";

/// What GET-CAPABILITY tells (RFC 4324 section 10.6), in the order of its table.
pub fn properties(settings: &Settings) -> [(&'static str, String); 13] {
    let date = |date: Option<Timestamp>, otherwise: &str| {
        date.map_or(otherwise.to_owned(), |date| date.to_string())
    };
    [
        ("CAP-VERSION", "1.0,4324".to_owned()),
        ("CAR-LEVEL", "CAR-FULL-1".to_owned()),
        (
            "COMPONENTS",
            "VCALSTORE,VCALENDAR,VAGENDA,VREPLY,VEVENT,VTODO,VJOURNAL,VFREEBUSY,VALARM,VTIMEZONE,STANDARD,DAYLIGHT,\
             VQUERY,VCAR,VRIGHT"
                .to_owned(),
        ),
        ("ITIP-VERSION", "2446".to_owned()),
        ("MAX-COMP-SIZE", settings.limits.object_size.to_string()),
        ("MAXDATE", date(settings.max_date, "99991231T235959Z")),
        ("MINDATE", date(settings.min_date, "00000101T000000Z")),
        // Of the three that may be told this is the one that SENDDATA takes.
        ("MULTIPART", "mixed".to_owned()),
        ("QUERY-LEVEL", "CAL-QL-1".to_owned()),
        ("RECUR-ACCEPTED", "TRUE".to_owned()),
        ("RECUR-EXPAND", "TRUE".to_owned()),
        ("RECUR-LIMIT", settings.limits.instances.to_string()),
        ("STORES-EXPANDED", "FALSE".to_owned()),
    ]
}

/// One `NAME=value` line each, ending in CR LF, in the order of the draft's examples.
///
/// What may be used depends on the link; `starttls` says that it may be given now.
pub fn lines(settings: &Settings, link: &Link, starttls: bool) -> String {
    let limits = &settings.limits;
    let mut out = String::with_capacity(320);
    line(&mut out, "CAPVERSION", "1.0");
    line(&mut out, "ITIPVERSION", "1.0");
    let usable = Mechanism::ALL.into_iter();
    for mechanism in usable.filter(|mechanism| settings.offers(*mechanism, link)) {
        line(&mut out, "AUTH", mechanism.name());
    }
    line(&mut out, "CAR", "CAR-FULL-1");
    line(&mut out, "QUERYLEVEL", QUERY_LEVEL);
    line(&mut out, "MAXICALOBJECTSIZE", limits.cap_object_size);
    if let Some(date) = settings.min_date {
        line(&mut out, "MINDATE", date);
    }
    if let Some(date) = settings.max_date {
        line(&mut out, "MAXDATE", date);
    }
    line(&mut out, "MAXCALIDEXPANDLIST", limits.cap_expand_list);
    line(&mut out, "MAXUPNEXPANDLIST", limits.cap_expand_list);
    line(&mut out, "PIPELINE", limits.cap_pipeline);
    line(&mut out, "AUTOLOGOUTTIME", limits.cap_idle.as_secs());
    if starttls {
        line(&mut out, "STARTTLS", 1);
    }
    out
}

/// The object that a successful login is answered with: capabilities in the dress of a calendar object, whose lines
/// are no content lines (the draft's page 42).
pub fn login(settings: &Settings, link: &Link, upn: &str) -> String {
    let mut out = String::with_capacity(640);
    out.push_str("Content-Type:text/calendar; method=REQUEST; charset=US-ASCII\r\n");
    out.push_str("Content-Transfer-Encoding: 7bit\r\n\r\nBEGIN:VCAP\r\n");
    let _ = write!(out, "PRODID:{PRODID}\r\nVERSION:2.1\r\n");
    line(&mut out, "IDENTITY", upn);
    out.push_str(&lines(settings, link, false));
    out.push_str("END:VCAP\r\n");
    out
}

fn line(out: &mut String, name: &str, value: impl Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{name}={value}\r\n");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::limits::Limits;

    /// The greeting's transcript holds the lines of the defaults.
    #[test]
    fn every_setting_shows() {
        let limits = Limits {
            cap_object_size: 1000,
            cap_expand_list: 5,
            cap_pipeline: 1,
            cap_idle: Duration::ZERO,
            ..Limits::default()
        };
        let settings = Settings {
            limits,
            min_date: Some(Timestamp(0)),
            max_date: Some(Timestamp(i64::from(i32::MAX))),
            ..Settings::default()
        };
        assert_eq!(
            lines(&settings, &Link::default(), true),
            "CAPVERSION=1.0\r\nITIPVERSION=1.0\r\nAUTH=SCRAM-SHA-256\r\nAUTH=ANONYMOUS\r\n\
             CAR=CAR-FULL-1\r\nQUERYLEVEL=SQL-MIN\r\nMAXICALOBJECTSIZE=1000\r\n\
             MINDATE=19700101T000000Z\r\nMAXDATE=20380119T031407Z\r\nMAXCALIDEXPANDLIST=5\r\n\
             MAXUPNEXPANDLIST=5\r\nPIPELINE=1\r\nAUTOLOGOUTTIME=0\r\nSTARTTLS=1\r\n"
        );
    }
}
