//! The capability lines of the greeting and of CAPABILITY (draft-ietf-calsch-cap-04 section 7.1).

use std::fmt::{Display, Write as _};

use super::settings::Settings;

/// `QUERYLEVEL` when the line is absent is SQL-92, which we do not speak: the line is always sent.
const QUERY_LEVEL: &str = "SQL-MIN";

/// One `NAME=value` line each, ending in CR LF, in the order of the draft's examples.
pub fn lines(settings: &Settings) -> String {
    let limits = &settings.limits;
    let mut out = String::with_capacity(256);
    line(&mut out, "CAPVERSION", "1.0");
    line(&mut out, "ITIPVERSION", "1.0");
    for mechanism in &settings.mechanisms {
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
    use crate::ical::datetime::Timestamp;
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
            lines(&settings),
            "CAPVERSION=1.0\r\nITIPVERSION=1.0\r\nCAR=CAR-FULL-1\r\nQUERYLEVEL=SQL-MIN\r\n\
             MAXICALOBJECTSIZE=1000\r\nMINDATE=19700101T000000Z\r\nMAXDATE=20380119T031407Z\r\n\
             MAXCALIDEXPANDLIST=5\r\nMAXUPNEXPANDLIST=5\r\nPIPELINE=1\r\nAUTOLOGOUTTIME=0\r\n"
        );
    }
}
