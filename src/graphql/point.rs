//! Points in time as APIs write them.

use std::time::Duration;

use crate::{core::UnixMillis, json::Json};

/// Reads a point in time: ISO 8601 with a date, a time and 0 to 9 digits of a
/// fraction, with `Z`, `+hh:mm`, `+hhmm`, `+hh` or no zone (then UTC), or seconds or
/// milliseconds since the epoch, as a number or as text.
///
/// Source: Braintree documents "ISO time format" and prints none; these are the
/// forms that its published schema and the services around it use.
pub fn parse_point(value: &Json) -> Option<UnixMillis> {
    let Some(text) = value.as_text() else { return parse_epoch(value.as_number()?) };
    let text = text.trim();
    parse_decimal(text).map_or_else(|| parse_iso(text), parse_epoch)
}

/// Reads an HTTP date in each of its three forms (RFC 9110 section 5.6.7). The day of the
/// week is not compared with the date.
pub fn parse_http_date(text: &str) -> Option<UnixMillis> {
    let mut rest = Reader(text.trim().as_bytes());
    rest.letters()?;
    rest.gap()?;
    let month_first = rest.letters();
    let (day, month) = match month_first {
        Some(month) => {
            rest.gap()?;
            (rest.digits_up_to(2)?, month)
        }
        None => {
            let day = rest.digits(2)?;
            rest.gap()?;
            (day, rest.letters()?)
        }
    };
    rest.gap()?;
    let month = MONTHS.iter().position(|name| name.as_bytes() == month)?;
    let (year, time) = if month_first.is_some() {
        let time = rest.time()?;
        rest.gap()?;
        (rest.digits(4)?, time)
    } else {
        let year = rest.year()?;
        rest.gap()?;
        let time = rest.time()?;
        rest.gap()?;
        (year, rest.letters().filter(|zone| *zone == b"GMT").map(|_| time)?)
    };
    let (hour, minute, second) = time;
    let seconds = seconds_from_epoch([year, i64::try_from(month).ok()? + 1, day], [hour, minute, second])?;
    let millis = u64::try_from(seconds * 1000).ok()?;
    rest.0.is_empty().then(|| UnixMillis::new(millis))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads `Retry-After`: seconds, or an HTTP date, which is compared with the
/// provider's clock `now` (RFC 9110 section 10.2.3).
pub fn parse_retry_after(text: &str, now: UnixMillis) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(LONGEST)).min(Duration::from_secs(LONGEST)));
    }
    Some(parse_http_date(text)?.since(now).min(Duration::from_secs(LONGEST)))
}

/// A day: whoever asks for a longer pause is asked again after that.
const LONGEST: u64 = 24 * 60 * 60;

/// A number below this counts seconds: in milliseconds it would be a day of 1973.
const FIRST_MILLISECONDS: f64 = 1e11;

/// Reads a number as people write it, without sign or exponent, to three places.
///
/// Not `str::parse`, whose tables for every last digit are ten kilobytes.
pub(super) fn parse_decimal(text: &str) -> Option<f64> {
    let mut rest = Reader(text.as_bytes());
    let mut whole = rest.digit()?;
    while let Some(digit) = rest.digit() {
        whole = whole.checked_mul(10)?.checked_add(digit)?;
    }
    let thousandths = if rest.skip(b'.').is_some() { rest.fraction()? } else { 0 };
    while rest.digit().is_some() {}
    #[expect(clippy::cast_precision_loss, reason = "more digits than a point in time has")]
    rest.0.is_empty().then(|| whole as f64 + thousandths as f64 / 1000.0)
}

fn parse_epoch(number: f64) -> Option<UnixMillis> {
    let millis = if number < FIRST_MILLISECONDS { number * 1000.0 } else { number };
    (1.0..=LAST_MILLISECOND).contains(&millis).then(|| UnixMillis::from_js(millis))
}

/// The end of the year 9999.
const LAST_MILLISECOND: f64 = 253_402_300_799_999.0;

fn parse_iso(text: &str) -> Option<UnixMillis> {
    let mut rest = Reader(text.as_bytes());
    let year = rest.digits(4)?;
    rest.skip(b'-')?;
    let month = rest.digits(2)?;
    rest.skip(b'-')?;
    let day = rest.digits(2)?;
    rest.one_of(b"Tt ")?;
    let hour = rest.digits(2)?;
    rest.skip(b':')?;
    let minute = rest.digits(2)?;
    let second = if rest.skip(b':').is_some() { rest.digits(2)? } else { 0 };
    let fraction = if rest.one_of(b".,").is_some() { rest.fraction()? } else { 0 };
    let offset_minutes = rest.zone()?;
    let seconds = seconds_from_epoch([year, month, day], [hour, minute, second])? - offset_minutes * 60;
    Some(UnixMillis::new(u64::try_from(seconds * 1000 + fraction).ok()?))
}

/// Seconds from the epoch to a date, as year, month and day, and a time of it, if both exist.
fn seconds_from_epoch([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<i64> {
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    valid.then(|| ((days_from_epoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// What is left to read. Every method takes something off the front or fails.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        if !bytes.contains(&first) {
            return None;
        }
        self.0 = rest;
        Some(first)
    }

    fn skip(&mut self, byte: u8) -> Option<u8> {
        self.one_of(&[byte])
    }

    fn digit(&mut self) -> Option<i64> {
        self.one_of(b"0123456789").map(|byte| i64::from(byte - b'0'))
    }

    fn letters(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (letters, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(letters).filter(|letters| !letters.is_empty())
    }

    /// What lies between two parts of an HTTP date.
    fn gap(&mut self) -> Option<()> {
        self.one_of(b" ,-")?;
        while self.one_of(b" ").is_some() {}
        Some(())
    }

    /// `hh:mm:ss`.
    fn time(&mut self) -> Option<(i64, i64, i64)> {
        let hour = self.digits(2)?;
        self.skip(b':')?;
        let minute = self.digits(2)?;
        self.skip(b':')?;
        Some((hour, minute, self.digits(2)?))
    }

    /// Four digits, or the last two of a year from 1970 on.
    fn year(&mut self) -> Option<i64> {
        let short = self.digits(2)?;
        match self.digit() {
            Some(third) => Some(short * 100 + third * 10 + self.digit()?),
            None if short < 70 => Some(2000 + short),
            None => Some(1900 + short),
        }
    }

    /// At least one digit.
    fn digits_up_to(&mut self, count: usize) -> Option<i64> {
        let first = self.digit()?;
        Some((1..count).map_while(|_| self.digit()).fold(first, |number, digit| number * 10 + digit))
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        (0..count).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// Up to nine digits; milliseconds, the rest cut off.
    fn fraction(&mut self) -> Option<i64> {
        let mut millis = self.digit()? * 100;
        let mut weight = 10;
        for _ in 1..9 {
            let Some(digit) = self.digit() else { break };
            millis += digit * weight;
            weight /= 10;
        }
        Some(millis)
    }

    /// The zone and the end of the text; minutes ahead of UTC.
    fn zone(&mut self) -> Option<i64> {
        let minutes = match self.one_of(b"Zz+-") {
            None | Some(b'Z' | b'z') => 0,
            Some(sign) => {
                let hours = self.digits(2)?;
                let minutes = match self.skip(b':') {
                    Some(_) => self.digits(2)?,
                    None if self.0.is_empty() => 0,
                    None => self.digits(2)?,
                };
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let ahead = hours * 60 + minutes;
                if sign == b'-' { -ahead } else { ahead }
            }
        };
        self.0.is_empty().then_some(minutes)
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400 - LEAP_DAYS_BEFORE_EPOCH;
    let months: i64 = (1..month).map(|earlier| days_in(year, earlier)).sum();
    (year - 1970) * 365 + leap_days + months + day - 1
}

/// Leap days up to the end of 1969.
const LEAP_DAYS_BEFORE_EPOCH: i64 = 1969 / 4 - 1969 / 100 + 1969 / 400;

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T10:20:30.123Z.
    const MOMENT: u64 = 1_795_342_830_123;

    fn point(text: &str) -> Option<u64> {
        parse_point(&Json::text(text)).map(UnixMillis::millis)
    }

    #[test]
    fn iso_is_read_with_every_zone_and_fraction() {
        for text in [
            "2026-11-22T10:20:30.123Z",
            "2026-11-22t10:20:30.123z",
            "2026-11-22 10:20:30,123",
            "2026-11-22T10:20:30.123",
            "2026-11-22T10:20:30.123456Z",
            "2026-11-22T10:20:30.123456789Z",
            "2026-11-22T11:20:30.123+01:00",
            "2026-11-22T11:20:30.123+01",
            "2026-11-22T15:50:30.123+0530",
            "2026-11-22T02:20:30.123-08:00",
            "2026-11-23T00:20:30.123+14:00",
            "2026-11-23T10:19:30.123+23:59",
            "2026-11-21T10:21:30.123-23:59",
            " 2026-11-22T10:20:30.123Z\n",
        ] {
            assert_eq!(point(text), Some(MOMENT), "{text}");
        }
        assert_eq!(point("2026-11-22T10:20:30Z"), Some(MOMENT - 123));
        assert_eq!(point("2026-11-22T10:20:30.1Z"), Some(MOMENT - 23));
        assert_eq!(point("2026-11-22T10:20Z"), Some(MOMENT - 30_123));
    }

    #[test]
    fn seconds_and_milliseconds_since_the_epoch_are_told_apart() {
        assert_eq!(point("1795342830"), Some(MOMENT - 123));
        assert_eq!(point("1795342830.123"), Some(MOMENT));
        assert_eq!(point("1795342830123"), Some(MOMENT));
        assert_eq!(parse_point(&Json::Number(1_795_342_830.0)), Some(UnixMillis::new(MOMENT - 123)));
        assert_eq!(parse_point(&Json::Number(1_795_342_830_123.0)), Some(UnixMillis::new(MOMENT)));
        assert_eq!(parse_point(&Json::Number(1e11)), Some(UnixMillis::new(100_000_000_000)));
        assert_eq!(parse_point(&Json::Number(99_999_999_999.0)), Some(UnixMillis::new(99_999_999_999_000)));
    }

    #[test]
    fn decimals_are_read_to_three_places() {
        for (text, number) in [
            ("0", 0.0),
            ("007", 7.0),
            ("90", 90.0),
            ("90.5", 90.5),
            ("0.0019", 0.001),
            ("1.123456789123456789", 1.123),
            ("9223372036854775807", 9_223_372_036_854_775_807.0),
        ] {
            assert_eq!(parse_decimal(text), Some(number), "{text}");
        }
        for text in ["", ".", "5.", ".5", "-5", "+5", "1e3", "1.2.3", "1 ", "0x1", "9223372036854775808"] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_point_in_time_is_none() {
        for text in [
            "",
            "date",
            "null",
            "-5",
            "0",
            "NaN",
            "inf",
            "1e300",
            "2026-11-22",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:60:00Z",
            "2026-11-22T10:20:30.Z",
            "2026-11-22T10:20:30.1234567890Z",
            "2026-11-22T10:20:30+1",
            "2026-11-22T10:20:30+24:00",
            "2026-11-22T10:20:30+01:60",
            "2026-11-22T10:20:30Zx",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "２０２６-11-22T10:20:30Z",
        ] {
            assert_eq!(point(text), None, "{text}");
        }
        for value in
            [Json::Null, Json::Bool(true), Json::List(vec![]), Json::Map(vec![]), Json::Number(f64::NAN)]
        {
            assert_eq!(parse_point(&value), None);
        }
    }

    #[test]
    fn leap_years_are_counted() {
        assert_eq!(point("1970-01-01T00:00:00.001Z"), Some(1));
        assert_eq!(point("2000-02-29T00:00:00Z"), Some(951_782_400_000));
        assert_eq!(point("2024-12-31T23:59:60Z"), point("2025-01-01T00:00:00Z"));
        assert_eq!(point("2100-02-29T00:00:00Z"), None);
        assert_eq!(point("2100-03-01T00:00:00Z"), Some(4_107_542_400_000));
    }

    #[test]
    fn http_dates_are_read() {
        assert_eq!(parse_http_date("Sun, 22 Nov 2026 10:20:30 GMT"), Some(UnixMillis::new(MOMENT - 123)),);
        for text in [
            "yesterday",
            "",
            "Sun",
            "22 Nov 2026 10:20:30 GMT",
            "Sun, 22 Nov 2026 10:20:30",
            "Sun, 22 Nov 2026 10:20:30 CET",
            "Sun, 22 Nov 2026 10:20:30 GMT+1",
            "Sun, 22 Nov 2026 10:20 GMT",
            "Sun, 22 Nov 2026 24:20:30 GMT",
            "Sun, 31 Nov 2026 10:20:30 GMT",
            "Sun, 2 Nov 2026 10:20:30 GMT",
            "Sun, 22 nov 2026 10:20:30 GMT",
            "Sun, 22 Nov 202 10:20:30 GMT",
            "Sun, 22 Nov 1969 10:20:30 GMT",
            "Sun Nov 22 10:20:30 26",
            "Sun Nov 22 10:20:30 2026 GMT",
        ] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UnixMillis::new(MOMENT - 123);

        assert_eq!(parse_retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sun, 22 Nov 2026 10:21:00 GMT", now), Some(Duration::from_secs(30)),);
        assert_eq!(parse_retry_after("Sun, 22 Nov 2020 10:21:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("999999999999999999999", now), Some(Duration::from_secs(LONGEST)));
        for text in ["", "soon", "-1", "1.5"] {
            assert_eq!(parse_retry_after(text, now), None, "{text}");
        }
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn http_dates_of_all_forms_are_read_as_others_read_them(seconds in 0..LAST_MILLISECOND as u64 / 1000) {
            let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let moment = Some(UnixMillis::new(seconds * 1000));
            let written = httpdate::fmt_http_date(date);
            let [day, month, year, time] = [5..7, 8..11, 12..16, 17..25].map(|part| &written[part]);
            let day_of_month = day.trim_start_matches('0');

            prop_assert_eq!(parse_http_date(&written), moment, "{}", written);
            for ancient in [
                format!("Sun {month} {day_of_month:>2} {time} {year}"),
                format!("Sunday, {day}-{month}-{} {time} GMT", &year[2..]),
            ] {
                let read = httpdate::parse_http_date(&ancient).ok();
                let read = read.and_then(|read| read.duration_since(SystemTime::UNIX_EPOCH).ok());
                if let Some(read) = read {
                    prop_assert_eq!(parse_http_date(&ancient), Some(UnixMillis::new(read.as_secs() * 1000)), "{}", ancient);
                }
            }
        }
    }
}
