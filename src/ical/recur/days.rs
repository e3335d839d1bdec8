//! Day numbers of the proleptic Gregorian calendar: days since 1970-01-01, and local times as seconds since
//! its midnight. Plain integers, because the expander steps through many.

use jiff::civil::{self, Weekday};

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// Days of the 400-year cycle after which dates and weekdays repeat.
pub(super) const CYCLE_DAYS: i64 = 146_097;

/// The first day not expanded: 10000-01-01. iCalendar writes years with four digits.
pub(super) const END_OF_TIME: i64 = day_number(10_000, 1, 1);

/// The number of a date; `day` may lie outside the month.
pub(super) const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    // The year is counted from March, so that the leap day is its last.
    let year = year - (month <= 2) as i64;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * CYCLE_DAYS + day_of_era - 719_468
}

/// Year, month (1 to 12) and day of the month (1 to 31) of a day number.
pub(super) const fn date_of(day: i64) -> (i64, u32, u32) {
    let day = day + 719_468;
    let era = day.div_euclid(CYCLE_DAYS);
    let day_of_era = day.rem_euclid(CYCLE_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year, month as u32, day_of_month as u32)
}

/// Whether `year` has 366 days.
pub(super) const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month (1 to 12).
pub(super) const fn month_length(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of a year.
pub(super) const fn year_length(year: i64) -> i64 {
    365 + is_leap(year) as i64
}

/// The weekday of a day number, Monday = 0.
pub(super) const fn weekday_of(day: i64) -> u32 {
    (day + 3).rem_euclid(7) as u32
}

/// A weekday as a number, Monday = 0.
pub(super) fn weekday_number(weekday: Weekday) -> u32 {
    weekday.to_monday_zero_offset() as u32
}

/// Seconds from 1970-01-01T00:00:00 local time; fractions are dropped.
pub(super) fn seconds_of(local: civil::DateTime) -> i64 {
    let day = day_number(
        i64::from(local.year()),
        i64::from(local.month()),
        i64::from(local.day()),
    );
    day * DAY
        + i64::from(local.hour()) * 3_600
        + i64::from(local.minute()) * 60
        + i64::from(local.second())
}

/// The local time of a number of seconds; what lies outside the years -9999 to 9999 is cut to the nearest.
pub(super) fn local_of(seconds: i64) -> civil::DateTime {
    let (year, month, day) = date_of(seconds.div_euclid(DAY));
    let time = seconds.rem_euclid(DAY);
    let date = i16::try_from(year)
        .ok()
        .and_then(|year| civil::Date::new(year, month as i8, day as i8).ok());
    match date {
        Some(date) => date.at(
            (time / 3_600) as i8,
            (time / 60 % 60) as i8,
            (time % 60) as i8,
            0,
        ),
        None if year < 0 => civil::DateTime::MIN,
        None => civil::DateTime::MAX,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn day_numbers_agree_with_jiff() {
        let mut date = civil::date(-9999, 1, 1);
        let mut day = day_number(-9999, 1, 1);
        while date < civil::date(9999, 12, 1) {
            let (y, m, d) = date_of(day);
            assert_eq!(
                (y, m, d),
                (date.year().into(), date.month() as u32, date.day() as u32)
            );
            assert_eq!(day_number(y, m.into(), d.into()), day);
            assert_eq!(weekday_of(day), weekday_number(date.weekday()));
            assert_eq!(month_length(y, m), date.days_in_month() as u32);
            assert_eq!(year_length(y), i64::from(date.days_in_year()));
            date = date.checked_add(jiff::Span::new().days(17)).unwrap();
            day += 17;
        }
        assert_eq!(day_number(1970, 1, 1), 0);
    }

    #[test]
    fn seconds_and_local_times_invert() {
        for local in [
            civil::date(1970, 1, 1).at(0, 0, 0, 0),
            civil::date(1969, 12, 31).at(23, 59, 59, 0),
            civil::date(-1, 2, 28).at(1, 2, 3, 0),
            civil::date(2024, 2, 29).at(12, 0, 1, 0),
        ] {
            assert_eq!(local_of(seconds_of(local)), local);
        }
        assert_eq!(local_of(END_OF_TIME * DAY), civil::DateTime::MAX);
    }
}
