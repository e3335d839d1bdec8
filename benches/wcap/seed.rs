//! The data that is asked for: calendars that hold the same month among more or fewer others.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::ToSpan;
use jiff::civil::{Date, date};
use wcapd::app::open;
use wcapd::config::Config;
use wcapd::core::accounts::NewUser;
use wcapd::core::calendars::NewCalendar;
use wcapd::core::{Caller, Core};
use wcapd::ical::datetime::{TimeRange, Timestamp};
use wcapd::ical::{print, vtimezone, zone::Zone};

/// Events of each month, and series beside them that never end.
pub(crate) const A_MONTH: usize = 100;
const SERIES: usize = 4;

/// The month that is asked for.
pub(crate) const MONTH: Date = date(2026, 6, 1);

/// Who owns the calendars; also the password.
pub(crate) const USER: &str = "tom";

/// Events imported at a time.
const CHUNK: usize = 10_000;

/// A core on `folder`, with a user.
pub(crate) fn core(folder: &Path) -> Core {
    let core = open::open(&Config::for_tests(folder)).unwrap();
    let new = NewUser {
        name: USER.to_owned(),
        mail: vec![format!("{USER}@localhost")],
        ..NewUser::default()
    };
    core.add_user(&new, Some(USER)).unwrap();
    core
}

/// Makes a calendar of `events` events, a hundred each month around the one asked for, and a few endless series.
/// Answers how long the import took.
pub(crate) fn calendar(core: &Core, calid: &str, events: usize) -> Duration {
    let new = NewCalendar {
        name: "Work".to_owned(),
        ..NewCalendar::default()
    };
    core.create_calendar(calid, USER, &new).unwrap();
    let mut took = Duration::ZERO;
    let mut import = |text: &str, count: usize| {
        let start = Instant::now();
        let upload = core.read_upload(text.as_bytes());
        let imported = core.import(&Caller::System, calid, upload, None, |_| ());
        took += start.elapsed();
        let imported = imported.unwrap();
        assert_eq!((imported.stored, imported.refused), (count, 0));
    };
    let head = head();
    let mut text = head.clone();
    for number in 0..SERIES {
        series(&mut text, number);
    }
    import(&(text + TAIL), SERIES);
    for first in (0..events).step_by(CHUNK) {
        let mut text = head.clone();
        let numbers = first..events.min(first + CHUNK);
        for number in numbers.clone() {
            event(&mut text, events, number);
        }
        import(&(text + TAIL), numbers.len());
    }
    took
}

const TAIL: &str = "END:VCALENDAR\r\n";

fn head() -> String {
    let berlin = Zone::named("Europe/Berlin").unwrap();
    // As most programs write it: the two rules that hold now.
    let since = Timestamp::from_civil_utc(date(2010, 1, 1).at(0, 0, 0, 0));
    let timezone = vtimezone::of(&berlin, TimeRange::new(since, Timestamp::MAX).unwrap()).unwrap();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\n{}",
        print::to_string(&timezone)
    )
}

/// One event of about 600 octets, every fourth in a zone, every fifth with people.
fn event(out: &mut String, events: usize, number: usize) {
    let months = (events / A_MONTH) as i64;
    let (month, place) = ((number / A_MONTH) as i64 - months / 2, number % A_MONTH);
    let day = MONTH.saturating_add(month.months());
    let day = day.saturating_add((place as i64 % 28).days());
    let start = day.at((place * 7 % 24) as i8, (place % 4 * 15) as i8, 0, 0);
    let end = start.saturating_add((30 + 15 * (place as i64 % 5)).minutes());
    let (param, mark) = match place % 4 {
        0 => (";TZID=Europe/Berlin", ""),
        _ => ("", "Z"),
    };
    let form = "%Y%m%dT%H%M%S";
    let (start, end) = (start.strftime(form), end.strftime(form));
    let month_name = day.strftime("%Y-%m");
    write!(
        out,
        "BEGIN:VEVENT\r\nUID:{month_name}-{place}-5f0c6a3e@bench.example\r\nDTSTAMP:20260101T000000Z\r\n\
         SUMMARY:Meeting {place} about the project\\, part {place}\r\n\
         DTSTART{param}:{start}{mark}\r\nDTEND{param}:{end}{mark}\r\n\
         LOCATION:Room {place}\\, second floor\r\nCATEGORIES:Work,Project\r\n\
         DESCRIPTION:Please read the draft before we meet.\\nThe numbers are on \r\n page three\\; the \
         pictures come later.\\nBring your own coffee\\, and time.\r\n\
         CLASS:PUBLIC\r\nSTATUS:CONFIRMED\r\nPRIORITY:5\r\nSEQUENCE:0\r\nTRANSP:OPAQUE\r\n"
    )
    .unwrap();
    if place % 5 == 0 {
        out.push_str(
            "ORGANIZER;CN=Tom Miller:mailto:tom@localhost\r\n\
             ATTENDEE;CN=Anna Schmidt;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:anna@bench.example\r\n",
        );
    }
    out.push_str("END:VEVENT\r\n");
}

/// A weekly meeting that began before the month asked for and never ends.
fn series(out: &mut String, number: usize) {
    let day = MONTH.saturating_sub((70 + number as i64).days());
    let (day, hour) = (day.strftime("%Y%m%d"), 8 + number);
    write!(
        out,
        "BEGIN:VEVENT\r\nUID:series-{number}-5f0c6a3e@bench.example\r\nDTSTAMP:20260101T000000Z\r\n\
         SUMMARY:Weekly {number}\r\nDTSTART;TZID=Europe/Berlin:{day}T{hour:02}0000\r\nDURATION:PT45M\r\n\
         RRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\n"
    )
    .unwrap();
}
