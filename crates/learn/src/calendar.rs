//! Dates and times as seconds since 1970-01-01T00:00, and where in the year, the week and the day they are.
//!
//! | form | |
//! | --- | --- |
//! | `2024-01-31`, `2024/1/31`, `2024.1.31` | the year first, as in ISO 8601: the order of the others is then never in doubt |
//! | `31 Jan 2024`, `31-January-2024`, `Jan 31, 2024` | the month by its English name |
//! | one of these, then `T10:30`, ` 10:30:05`, `T10:30:05.25` | a time of the day |
//! | a time, then `Z`, `+09:00`, `+0900`, `+09` | brought to UTC; without it the time is taken as it is |
//!
//! `01/02/2024` is no date here: nobody can tell which of the two is the month. Days are counted on the Gregorian calendar, before 1582
//! too, by Hinnant, *chrono-Compatible Low-Level Date Algorithms*, 2013.

/// Seconds of a day.
pub(crate) const DAY: f64 = 86_400.0;
/// Seconds of a week.
pub(crate) const WEEK: f64 = 7.0 * DAY;
/// Seconds of a mean year.
pub(crate) const YEAR: f64 = 365.2425 * DAY;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// No form is longer.
const LONGEST: usize = 48;

/// The seconds of a date, with a time or at midnight; `None` of another text.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let mut rest = text.as_bytes();
    if rest.len() < "2024/1/1".len() || rest.len() > LONGEST {
        return None;
    }
    let date = if rest[0].is_ascii_digit() && rest[1].is_ascii_digit() && rest[2].is_ascii_digit() {
        year_first(&mut rest)?
    } else {
        with_name(&mut rest)?
    };
    let day = days_of(date)? as f64 * DAY;
    if rest.is_empty() { Some(day) } else { Some(day + clock(rest)?) }
}

/// The date, and the time if it is not midnight: `2024-01-31`, `2024-01-31T10:30:00`, `2024-01-31T10:30:00.25`.
pub(crate) fn spelled(seconds: f64) -> String {
    // Microseconds are what an f64 holds of seconds since 1970. The last of a day may be rounded to the next.
    let micros = (seconds * 1e6).round() as i64;
    let (day, within) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let (year, month, date) = date_of(day);
    let mut text = format!("{year:04}-{month:02}-{date:02}");
    let (whole, micro) = (within / 1_000_000, within % 1_000_000);
    if within > 0 {
        text += &format!("T{:02}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
    }
    if micro > 0 {
        text += format!(".{micro:06}").trim_end_matches('0');
    }
    text
}

/// How much of its year has passed, from 0 to less than 1.
pub(crate) fn of_year(seconds: f64) -> f64 {
    let day = (seconds / DAY).floor();
    let (year, ..) = date_of(day as i64);
    let first = |year: i64| days_of((year, 1, 1)).unwrap_or(0) as f64 * DAY;
    (seconds - first(year)) / (first(year + 1) - first(year))
}

/// How much of its week has passed since Monday.
pub(crate) fn of_week(seconds: f64) -> f64 {
    // 1970 began on a Thursday.
    (seconds + 3.0 * DAY).rem_euclid(WEEK) / WEEK
}

/// How much of its day has passed.
pub(crate) fn of_day(seconds: f64) -> f64 {
    seconds.rem_euclid(DAY) / DAY
}

type Date = (i64, i64, i64);

/// Digits, so many at least and at most.
fn digits(rest: &mut &[u8], least: usize, most: usize) -> Option<i64> {
    let count = rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, others) = rest.split_at(count);
    *rest = others;
    (count >= least).then(|| digits.iter().fold(0, |number, &digit| number * 10 + i64::from(digit - b'0')))
}

fn one_of(rest: &mut &[u8], bytes: &[u8]) -> Option<u8> {
    let (&first, others) = rest.split_first()?;
    bytes.contains(&first).then(|| {
        *rest = others;
        first
    })
}

fn year_first(rest: &mut &[u8]) -> Option<Date> {
    let year = digits(rest, 4, 4)?;
    let between = one_of(rest, b"-/.")?;
    let month = digits(rest, 1, 2)?;
    one_of(rest, &[between])?;
    Some((year, month, digits(rest, 1, 2)?))
}

fn with_name(rest: &mut &[u8]) -> Option<Date> {
    if rest[0].is_ascii_digit() {
        let day = digits(rest, 1, 2)?;
        let between = one_of(rest, b" -")?;
        let month = month(rest)?;
        one_of(rest, &[between])?;
        return Some((digits(rest, 4, 4)?, month, day));
    }
    let month = month(rest)?;
    one_of(rest, b" ")?;
    let day = digits(rest, 1, 2)?;
    let _ = one_of(rest, b",");
    one_of(rest, b" ")?;
    Some((digits(rest, 4, 4)?, month, day))
}

/// A month by its name or its first three letters.
fn month(rest: &mut &[u8]) -> Option<i64> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (name, others) = rest.split_at(count);
    *rest = others;
    let is = |month: &str| {
        let month = month.as_bytes();
        name.eq_ignore_ascii_case(month) || name.eq_ignore_ascii_case(&month[..3])
    };
    (1..).zip(MONTHS).find(|(_, month)| is(month)).map(|(number, _)| number)
}

/// The time of a day, all that is left, in seconds.
fn clock(mut rest: &[u8]) -> Option<f64> {
    one_of(&mut rest, b"Tt ")?;
    let hour = digits(&mut rest, 2, 2)?;
    one_of(&mut rest, b":")?;
    let minute = digits(&mut rest, 2, 2)?;
    let (mut second, mut fraction) = (0, 0.0);
    if one_of(&mut rest, b":").is_some() {
        second = digits(&mut rest, 2, 2)?;
        if one_of(&mut rest, b".,").is_some() {
            let long = rest.len();
            let number = digits(&mut rest, 1, 15)?;
            fraction = number as f64 / 10f64.powi((long - rest.len()) as i32);
        }
    }
    let ahead = zone(rest)?;
    let whole = (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)?;
    Some((whole - ahead) as f64 + fraction)
}

/// By how many seconds the zone, all that is left, is ahead of UTC.
fn zone(mut rest: &[u8]) -> Option<i64> {
    if rest.is_empty() || rest.eq_ignore_ascii_case(b"z") || rest.eq_ignore_ascii_case(b" utc") {
        return Some(0);
    }
    let _ = one_of(&mut rest, b" ");
    let sign = if one_of(&mut rest, b"+-")? == b'-' { -1 } else { 1 };
    let hours = digits(&mut rest, 2, 2)?;
    let _ = one_of(&mut rest, b":");
    let minutes = if rest.is_empty() { 0 } else { digits(&mut rest, 2, 2)? };
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1970-01-01 to a date that there is.
fn days_of((year, month, day): Date) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let long = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=long).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day is their last, in eras of 400.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The date so many days after 1970-01-01.
fn date_of(days: i64) -> Date {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    (era * 400 + years + i64::from(month <= 2), month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_moment() {
        let noon = 1_706_702_400.0;
        for text in [
            "2024-01-31T12:00",
            "2024-01-31 12:00:00",
            "2024-01-31t12:00:00.000Z",
            "2024/1/31 12:00",
            "2024.01.31 12:00",
            "31 Jan 2024 12:00",
            "31-january-2024 12:00",
            "Jan 31, 2024 12:00",
            "January 31 2024 12:00",
            "2024-01-31T21:00+09:00",
            "2024-01-31T21:00:00+0900",
            "2024-01-31 07:00:00 -05",
            "2024-01-31 12:00:00 UTC",
        ] {
            assert_eq!(parse(text), Some(noon), "{text}");
        }
        assert_eq!(parse("1969-12-31T23:59:59.5"), Some(-0.5));
        assert_eq!(parse("1970-01-01"), Some(0.0));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "01/02/2024",
            "2024-13-01",
            "2023-02-29",
            "2024-00-10",
            "2024-01-32",
            "2024-01",
            "20240131",
            "2024-01/31",
            "2024-01-31T24:00",
            "2024-01-31T10",
            "2024-01-31T10:60",
            "2024-01-31T10:00:60",
            "2024-01-31x",
            "10:30",
            "",
            "31 Foo 2024",
            "2024-01-31T10:00+25:00",
            "2024-01-31T10:00:00.",
            "31 Jan 24",
            "1234567890123",
            "éé-01-31é",
            "2024-01-31T10:00+",
            "Jan, 31 2024",
            "maybe 5, 2024",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_a_thousand_years_goes_and_comes_back() {
        for day in -200_000..200_000 {
            let (year, month, date) = date_of(day);
            assert_eq!(days_of((year, month, date)), Some(day));
        }
        assert_eq!(spelled(parse("2024-01-30T23:59:59.9999999").unwrap()), "2024-01-31");
        for (seconds, text) in [
            (0.0, "1970-01-01"),
            (951_782_400.0, "2000-02-29"),
            (-86_400.0, "1969-12-31"),
            (1_706_702_405.25, "2024-01-31T12:00:05.25"),
            (-0.5, "1969-12-31T23:59:59.5"),
        ] {
            assert_eq!(spelled(seconds), text);
            assert_eq!(parse(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn places_in_year_week_and_day() {
        // 2024-01-31 was a Wednesday, 30 days into a year of 366.
        let noon = 1_706_702_400.0;
        assert_eq!((of_year(noon), of_week(noon), of_day(noon)), (30.5 / 366.0, 2.5 / 7.0, 0.5));
        assert_eq!((of_year(-DAY), of_week(-DAY), of_day(-DAY)), (364.0 / 365.0, 2.0 / 7.0, 0.0));
    }
}
