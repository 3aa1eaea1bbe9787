//! Parsers for timestamps and HTTP dates.

use std::time::Duration;

use crate::{
    core::{UnixMillis, limits::MAX_RETRY_AFTER_MS},
    json::Json,
};

/// Parses a timestamp: ISO 8601 with a date, a time and up to 9 fractional digits, with `Z`, `+hh:mm`, `+hhmm`, `+hh`
/// or no zone (UTC), or seconds or milliseconds since the epoch, as a number or a string.
///
/// Source: Braintree documents "ISO time format" without an example; these are the formats of its published schema and
/// of services around it.
pub fn parse_timestamp(value: &Json) -> Option<UnixMillis> {
    let Some(text) = value.as_text() else { return parse_epoch(value.as_number()?) };
    let text = text.trim();
    parse_decimal(text).map_or_else(|| parse_iso(text), parse_epoch)
}

/// Parses an HTTP date in any of its three formats (RFC 9110 section 5.6.7). The day of the week is not verified.
pub fn parse_http_date(text: &str) -> Option<UnixMillis> {
    HTTP_DATES.iter().find_map(|form| {
        let mut rest = DateParser::new(text.trim());
        let parts = rest.parts(form);
        rest.end(parts, 0)
    })
}

/// Formats of an HTTP date in the letters of [`DateParser::parts`]; the first covers two formats that differ in the
/// year.
const HTTP_DATES: [&str; 2] = ["w_d_n_y_h:i:s_GMT", "w_n_D_h:i:s_Y"];

const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// Parses `Retry-After`: seconds, or an HTTP date relative to the provider's time `now` (RFC 9110 section 10.2.3).
pub fn parse_retry_after(text: &str, now: UnixMillis) -> Option<Duration> {
    let text = text.trim();
    let mut rest = DateParser::new(text);
    let mut seconds = 0;
    while let Some(digit) = rest.digit() {
        seconds = (MAX_RETRY_AFTER_MS / 1000).min(seconds * 10 + digit.unsigned_abs());
    }
    if rest.bytes.is_empty() && !text.is_empty() {
        return Some(Duration::from_secs(seconds));
    }
    Some(parse_http_date(text)?.since(now).min(Duration::from_millis(MAX_RETRY_AFTER_MS)))
}

/// Smaller numbers are seconds: as milliseconds they would be before March 1973.
const FIRST_MILLISECONDS: f64 = 1e11;

/// Parses a decimal number without sign or exponent, to three decimal places.
///
/// `str::parse` would add ten kilobytes of tables to the module.
pub(super) fn parse_decimal(text: &str) -> Option<f64> {
    let mut rest = DateParser::new(text);
    let mut whole = rest.digits(1);
    while let Some(digit) = rest.digit() {
        whole = whole.checked_mul(10)?.checked_add(digit)?;
    }
    let thousandths = if rest.take(b".").is_some() { rest.fraction() } else { 0 };
    while rest.digit().is_some() {}
    #[expect(clippy::cast_precision_loss, reason = "more digits than a point in time has")]
    rest.has_ended().then(|| whole as f64 + thousandths as f64 / 1000.0)
}

fn parse_epoch(number: f64) -> Option<UnixMillis> {
    let millis = if number < FIRST_MILLISECONDS { number * 1000.0 } else { number };
    (1.0..=LAST_MILLISECOND).contains(&millis).then(|| UnixMillis::from_js(millis))
}

/// End of the year 9999.
const LAST_MILLISECOND: f64 = 253_402_300_799_999.0;

fn parse_iso(text: &str) -> Option<UnixMillis> {
    let mut rest = DateParser::new(text);
    let mut parts = rest.parts("Y-m-dth:i");
    if rest.take(b":").is_some() {
        parts[5] = rest.digits(2);
    }
    let millis = if rest.take(b".,").is_some() { rest.fraction() } else { 0 };
    let minutes_ahead = rest.zone();
    rest.end(parts, millis - minutes_ahead * 60_000)
}

/// Year, month, day, hour, minute and second.
type DateParts = [i64; 6];

/// Cursor over the rest of the text. Methods consume a prefix or set `failed`, after which [`DateParser::end`] returns
/// `None`.
struct DateParser<'a> {
    bytes: &'a [u8],
    failed: bool,
}

impl<'a> DateParser<'a> {
    fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), failed: false }
    }

    /// Consumes one of these bytes.
    fn take(&mut self, any: &[u8]) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        if !any.contains(&first) {
            return None;
        }
        self.bytes = rest;
        Some(first)
    }

    fn expect(&mut self, any: &[u8]) {
        self.failed |= self.take(any).is_none();
    }

    fn digit(&mut self) -> Option<i64> {
        self.take(b"0123456789").map(|byte| i64::from(byte - b'0'))
    }

    fn digits(&mut self, count: usize) -> i64 {
        let mut number = 0;
        for _ in 0..count {
            let digit = self.digit();
            self.failed |= digit.is_none();
            number = number * 10 + digit.unwrap_or_default();
        }
        number
    }

    /// Parses a date and time in `form`. `Y` is a four-digit year, `y` also its last two digits from 1970 on; `m` a
    /// month, `n` its name; `d` a two-digit day, `D` one or two digits; `h`, `i` and `s` the time; `w` a word, `_` the
    /// separator in an HTTP date, `t` the separator in ISO 8601. Other characters stand for themselves.
    fn parts(&mut self, form: &str) -> DateParts {
        let mut parts = DateParts::default();
        for letter in form.bytes() {
            match letter {
                b'Y' => parts[0] = self.digits(4),
                b'y' => parts[0] = self.year(),
                b'm' => parts[1] = self.digits(2),
                b'n' => parts[1] = self.month(),
                b'd' => parts[2] = self.digits(2),
                b'D' => {
                    let first = self.digits(1);
                    parts[2] = self.digit().map_or(first, |second| first * 10 + second);
                }
                b'h' => parts[3] = self.digits(2),
                b'i' => parts[4] = self.digits(2),
                b's' => parts[5] = self.digits(2),
                b't' => self.expect(b"Tt "),
                b'w' => {
                    self.failed |= !self.bytes.first().is_some_and(u8::is_ascii_alphabetic);
                    while let [b'A'..=b'Z' | b'a'..=b'z', rest @ ..] = self.bytes {
                        self.bytes = rest;
                    }
                }
                b'_' => {
                    self.expect(b" ,-");
                    while self.take(b" ").is_some() {}
                }
                other => self.expect(&[other]),
            }
        }
        parts
    }

    /// Parses four digits, or the last two of a year from 1970 on.
    fn year(&mut self) -> i64 {
        let short = self.digits(2);
        match self.digit() {
            Some(third) => short * 100 + third * 10 + self.digits(1),
            None if short < 70 => 2000 + short,
            None => 1900 + short,
        }
    }

    /// Parses the name of a month; returns 13 for an unknown name, which fails later.
    fn month(&mut self) -> i64 {
        let mut number = 1;
        for name in MONTHS.chunks(3) {
            if let Some(rest) = self.bytes.strip_prefix(name) {
                self.bytes = rest;
                break;
            }
            number += 1;
        }
        number
    }

    /// Parses up to nine digits; returns milliseconds, truncated.
    fn fraction(&mut self) -> i64 {
        let mut millis = self.digits(1) * 100;
        let mut weight = 10;
        for _ in 1..9 {
            let Some(digit) = self.digit() else { break };
            millis += digit * weight;
            weight /= 10;
        }
        millis
    }

    /// Parses the zone; returns minutes ahead of UTC.
    fn zone(&mut self) -> i64 {
        let sign = self.take(b"Zz+-");
        if !matches!(sign, Some(b'+' | b'-')) {
            return 0;
        }
        let hours = self.digits(2);
        let minutes = if self.take(b":").is_some() || !self.bytes.is_empty() { self.digits(2) } else { 0 };
        self.failed |= hours > 23 || minutes > 59;
        let ahead = hours * 60 + minutes;
        if sign == Some(b'-') { -ahead } else { ahead }
    }

    fn has_ended(&self) -> bool {
        !self.failed && self.bytes.is_empty()
    }

    /// Returns the time of these parts plus `millis`, if the text is consumed and the date and time exist.
    fn end(&self, [year, month, day, hour, minute, second]: DateParts, millis: i64) -> Option<UnixMillis> {
        let valid = self.has_ended()
            && (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && day > 0
            && days_from_epoch(year, month, day) < days_from_epoch(year, month + 1, 1)
            && hour < 24
            && minute < 60
            && second <= 60;
        if !valid {
            return None;
        }
        let minutes = (days_from_epoch(year, month, day) * 24 + hour) * 60 + minute;
        u64::try_from((minutes * 60 + second) * 1000 + millis).ok().map(UnixMillis::new)
    }
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar; month 13 is allowed.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that a leap day is the last day of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - DAYS_BEFORE_EPOCH
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_EPOCH: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T10:20:30.123Z.
    const MOMENT: u64 = 1_795_342_830_123;

    fn point(text: &str) -> Option<u64> {
        parse_timestamp(&Json::text(text)).map(UnixMillis::millis)
    }

    #[test]
    fn parses_iso_8601_with_any_zone_and_fraction() {
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
    fn distinguishes_seconds_from_milliseconds() {
        assert_eq!(point("1795342830"), Some(MOMENT - 123));
        assert_eq!(point("1795342830.123"), Some(MOMENT));
        assert_eq!(point("1795342830123"), Some(MOMENT));
        assert_eq!(parse_timestamp(&Json::Number(1_795_342_830.0)), Some(UnixMillis::new(MOMENT - 123)));
        assert_eq!(parse_timestamp(&Json::Number(1_795_342_830_123.0)), Some(UnixMillis::new(MOMENT)));
        assert_eq!(parse_timestamp(&Json::Number(1e11)), Some(UnixMillis::new(100_000_000_000)));
        assert_eq!(
            parse_timestamp(&Json::Number(99_999_999_999.0)),
            Some(UnixMillis::new(99_999_999_999_000))
        );
    }

    #[test]
    fn parses_decimals_to_three_places() {
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
    fn rejects_invalid_timestamps() {
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
            assert_eq!(parse_timestamp(&value), None);
        }
    }

    #[test]
    fn handles_leap_years() {
        assert_eq!(point("1970-01-01T00:00:00.001Z"), Some(1));
        assert_eq!(point("2000-02-29T00:00:00Z"), Some(951_782_400_000));
        assert_eq!(point("2024-12-31T23:59:60Z"), point("2025-01-01T00:00:00Z"));
        assert_eq!(point("2100-02-29T00:00:00Z"), None);
        assert_eq!(point("2100-03-01T00:00:00Z"), Some(4_107_542_400_000));
    }

    #[test]
    fn parses_http_dates() {
        assert_eq!(parse_http_date("Sun, 22 Nov 2026 10:20:30 GMT"), Some(UnixMillis::new(MOMENT - 123)),);
        // Of a year with two digits, 70 is the first of the last century.
        assert_eq!(parse_http_date("Thursday, 01-Jan-70 00:00:01 GMT"), Some(UnixMillis::new(1_000)));
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
    fn parses_retry_after_as_seconds_or_date() {
        let now = UnixMillis::new(MOMENT - 123);

        assert_eq!(parse_retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sun, 22 Nov 2026 10:21:00 GMT", now), Some(Duration::from_secs(30)),);
        assert_eq!(parse_retry_after("Sun, 22 Nov 2020 10:21:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(
            parse_retry_after("999999999999999999999", now),
            Some(Duration::from_millis(MAX_RETRY_AFTER_MS))
        );
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
        fn parses_http_dates_like_httpdate(seconds in 0..LAST_MILLISECOND as u64 / 1000) {
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
