//! Lifetime of a token, from all sources that state it.
//!
//! A stated lifetime counts from receipt, so a wrong clock on either side has no effect. A stated time of expiry
//! requires the provider's clock: from the `Date` header, else from the token's `iat`, else from the device.

use std::rc::Rc;

use crate::{
    core::{AccessToken, ClockOffset, TokenSet, TokenTimes, UnixMillis, limits::MAX_LIFETIME_MS, millis},
    http::HttpResponse,
    json::Json,
    provider::{ExpiryField, Lifetime, RefreshTokenExpiry},
};

use super::timestamp::{parse_decimal, parse_http_date, parse_timestamp};

/// Bound on clock differences: an `iat` that differs from the device by a week or more is not a clock reading.
const IMPLAUSIBLE: u64 = 7 * 24 * 60 * 60 * 1000;

/// Returns the token of a response with its lifetime, which follows from the profile, the response's `data` and the
/// token's own claims. Refresh token and scopes are left empty.
///
/// A token that the response states as expired has a lifetime of zero.
///
/// # Errors
///
/// The path at which `data` states an expiry that cannot be read.
pub(super) fn token_with_lifetime(
    token: &str,
    expiry: Option<&ExpiryField>,
    lifetime: Lifetime,
    clock: ProviderClock,
    data: Option<&Json>,
    claims: TokenTimes,
) -> Result<Rc<TokenSet>, String> {
    let span = lifetime_of(expiry, lifetime, clock, data, claims)?.min(MAX_LIFETIME_MS);
    Ok(Rc::new(TokenSet {
        access_token: AccessToken::new(token),
        refresh_token: None,
        scopes: None,
        issued_at: clock.device,
        expires_at: millis_after(clock.device, span),
        provider_clock: clock.offset(),
        times: claims,
    }))
}

/// Returns when the refresh token of a response expires, by our clock; `None` if nothing states it.
///
/// Zero or less is not an expiry: Keycloak states zero for offline tokens, which do not expire.
///
/// # Errors
///
/// The path at which `data` states an expiry that cannot be read.
pub(super) fn refresh_token_expiry(
    expiry: &RefreshTokenExpiry,
    clock: ProviderClock,
    data: &Json,
    claims: TokenTimes,
) -> Result<Option<UnixMillis>, String> {
    let field = expiry.field.as_ref().filter(|field| !states_none(field, data));
    let stated = match stated_lifetime(field, Some(data), clock)? {
        StatedLifetime::Span(span) => Some(span),
        StatedLifetime::Nothing | StatedLifetime::Expired { .. } | StatedLifetime::Implausible => None,
    };
    let claimed = claimed_lifetime(claims, clock).filter(|span| *span > 0);
    let spans = [stated, claimed, expiry.lifetime.map(millis)];
    let span = spans.into_iter().flatten().min();
    Ok(span.map(|span| millis_after(clock.device, span.min(MAX_LIFETIME_MS))))
}

/// Returns whether a response states zero or less.
fn states_none(field: &ExpiryField, data: &Json) -> bool {
    let (ExpiryField::ExpiresIn { paths, .. } | ExpiryField::ExpiresAt { paths }) = field;
    let found = paths.find_in(data).and_then(parse_units);
    found.is_some_and(|units| units <= 0.0)
}

/// Returns whether neither the response nor the token's claims state a lifetime.
pub(super) fn states_no_lifetime(
    expiry: Option<&ExpiryField>,
    clock: ProviderClock,
    data: Option<&Json>,
    claims: TokenTimes,
) -> bool {
    matches!(stated_lifetime(expiry, data, clock), Ok(StatedLifetime::Nothing))
        && claimed_lifetime(claims, clock).is_none_or(|span| span == 0)
}

/// Returns the remaining lifetime; zero where the response states that the token has expired.
fn lifetime_of(
    expiry: Option<&ExpiryField>,
    lifetime: Lifetime,
    clock: ProviderClock,
    data: Option<&Json>,
    claims: TokenTimes,
) -> Result<u64, String> {
    let known = millis(lifetime.span());
    let stated = match stated_lifetime(expiry, data, clock)? {
        StatedLifetime::Nothing => None,
        // A token is not issued after its expiry: where the stated expiry is further in the past than the declared
        // lifetime, both clocks are wrong, and the declared lifetime applies.
        StatedLifetime::Expired { ago } if matches!(lifetime, Lifetime::Declared(_)) && ago > known => {
            Some(known)
        }
        StatedLifetime::Expired { .. } => return Ok(0),
        // The stated time has passed, by a clock that may be wrong.
        StatedLifetime::Implausible if matches!(lifetime, Lifetime::Default(_) | Lifetime::Assumed(_)) => {
            return Ok(0);
        }
        StatedLifetime::Implausible => Some(known),
        StatedLifetime::Span(span) => Some(span),
    };
    // Claims with an expiry before their issue are ignored.
    let claimed = claimed_lifetime(claims, clock).filter(|span| *span > 0);
    let effective = match (stated, claimed) {
        (Some(stated), Some(claimed)) => Some(stated.min(claimed)),
        (stated, claimed) => stated.or(claimed),
    };
    Ok(match (lifetime, effective) {
        (_, None) => known,
        (Lifetime::AtMost(_), Some(effective)) => effective.min(known),
        (Lifetime::Default(_) | Lifetime::Assumed(_) | Lifetime::Declared(_), Some(effective)) => effective,
    })
}

// Spans in this module are `u64` milliseconds: `Duration` arithmetic takes more code in the module.

fn millis_between(earlier: UnixMillis, later: UnixMillis) -> u64 {
    later.millis().saturating_sub(earlier.millis())
}

fn millis_after(point: UnixMillis, span: u64) -> UnixMillis {
    UnixMillis::new(point.millis().saturating_add(span))
}

/// Estimate of the provider's clock at receipt.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProviderClock {
    device: UnixMillis,
    provider: UnixMillis,
    source: ClockSource,
    /// Maximum error of `provider`.
    tolerance: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClockSource {
    /// The `Date` header (RFC 9110 section 6.6.1).
    Date,
    /// The token's `iat`.
    IssuedAt,
    /// The device's clock, where the response states no time.
    Device,
    /// The device itself stated the times.
    Local,
}

impl ProviderClock {
    pub(super) fn of(response: &HttpResponse, claims: TokenTimes) -> Self {
        let date = response.header("date").and_then(parse_http_date);
        Self::from(response.sent_at, response.received_at, date, claims)
    }

    /// Estimates the clock of a provider that responded between `sent_at` and `device`, with a `Date` header of `date`.
    fn from(sent_at: UnixMillis, device: UnixMillis, date: Option<UnixMillis>, claims: TokenTimes) -> Self {
        // The header was written about halfway through the request and truncated to a second.
        let halfway = millis_between(sent_at, device) / 2;
        let since = halfway + 500;
        let tolerance = halfway + 1500;
        let (provider, source) = match (date, claims.issued_at) {
            (Some(date), _) => (millis_after(date, since), ClockSource::Date),
            (None, Some(issued_at)) if issued_at.millis().abs_diff(device.millis()) < IMPLAUSIBLE => {
                (millis_after(issued_at, since), ClockSource::IssuedAt)
            }
            (None, _) => (device, ClockSource::Device),
        };
        Self { device, provider, source, tolerance }
    }

    /// Returns the clock for the result of a function that runs on this device.
    pub(super) fn of_this_device(now: UnixMillis, claims: TokenTimes) -> Self {
        let clock = Self::from(now, now, None, claims);
        if clock.source == ClockSource::Device { Self { source: ClockSource::Local, ..clock } } else { clock }
    }

    /// Returns the provider's time at receipt.
    pub(super) const fn provider_now(self) -> UnixMillis {
        self.provider
    }

    /// Returns the offset of the provider; zero where truncation and latency explain the difference.
    pub(super) fn offset(self) -> ClockOffset {
        let explained = self.provider.millis().abs_diff(self.device.millis()) <= self.tolerance;
        if explained { ClockOffset::default() } else { self.provider.ahead_of(self.device) }
    }
}

/// Lifetime that a response states beside the token.
enum StatedLifetime {
    Nothing,
    /// Milliseconds, at least one.
    Span(u64),
    /// The token has expired, this many milliseconds ago where that is stated.
    Expired {
        ago: u64,
    },
    /// The stated time has passed, by clocks of which one may be wrong.
    Implausible,
}

/// Reads the lifetime that the response states beside the token.
///
/// # Errors
///
/// The path of a value that cannot be read: an assumed lifetime would hide the mistake.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "units are few milliseconds, and `as` saturates"
)]
fn stated_lifetime(
    expiry: Option<&ExpiryField>,
    data: Option<&Json>,
    clock: ProviderClock,
) -> Result<StatedLifetime, String> {
    let (Some(expiry), Some(data)) = (expiry, data) else { return Ok(StatedLifetime::Nothing) };
    let (ExpiryField::ExpiresIn { paths, .. } | ExpiryField::ExpiresAt { paths }) = expiry;
    let Some((path, found)) = paths.find_with_path(data) else { return Ok(StatedLifetime::Nothing) };
    let unreadable = || path.to_owned();
    Ok(match expiry {
        ExpiryField::ExpiresIn { unit, .. } => {
            let units = parse_units(found).ok_or_else(unreadable)?;
            // As floating-point numbers, 1.001 seconds are slightly less than 1001 milliseconds.
            match (units * millis(*unit) as f64 + 5e-7) as u64 {
                0 => StatedLifetime::Expired { ago: 0 },
                // A point in time, for which there is `expiresAt`.
                span if span > MAX_LIFETIME_MS && span.abs_diff(clock.device.millis()) < MAX_LIFETIME_MS => {
                    return Err(unreadable());
                }
                span => StatedLifetime::Span(span),
            }
        }
        ExpiryField::ExpiresAt { .. } => {
            let expires_at = parse_timestamp(found).ok_or_else(unreadable)?;
            // If the token has expired only by the provider's clock, that clock is wrong.
            match (millis_between(clock.now(), expires_at), millis_between(clock.device, expires_at)) {
                (0, 0) if clock.agrees_with_device() => {
                    StatedLifetime::Expired { ago: millis_between(expires_at, clock.now()) }
                }
                (0, 0) => StatedLifetime::Implausible,
                (0, span) | (span, _) => StatedLifetime::Span(span),
            }
        }
    })
}

/// Parses a number of units, given as a number or a string; may be negative.
fn parse_units(found: &Json) -> Option<f64> {
    let Some(text) = found.as_text() else { return found.as_number() };
    let text = text.trim();
    match text.strip_prefix('-') {
        Some(text) => parse_decimal(text).map(|units| -units),
        None => parse_decimal(text),
    }
}

/// Returns the lifetime according to the token's claims.
fn claimed_lifetime(claims: TokenTimes, clock: ProviderClock) -> Option<u64> {
    let expires_at = claims.expires_at?;
    let Some(issued_at) = claims.issued_at else { return Some(millis_between(clock.now(), expires_at)) };
    let whole = millis_between(issued_at, expires_at);
    // A provider may return a token that it issued earlier.
    let age = match clock.source {
        ClockSource::Date => millis_between(issued_at, clock.provider),
        ClockSource::IssuedAt | ClockSource::Device | ClockSource::Local => 0,
    };
    let left = whole.saturating_sub(age);
    Some(if age <= clock.tolerance || left == 0 { whole } else { left })
}

impl ProviderClock {
    /// Returns whether the provider's clock is known and agrees with the device.
    fn agrees_with_device(self) -> bool {
        self.source == ClockSource::Local
            || (self.source == ClockSource::Date && self.offset() == ClockOffset::default())
    }

    /// Returns the provider's current time, or that of the device where the difference is within the tolerance.
    fn now(self) -> UnixMillis {
        self.device.shifted(self.offset())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{core::Secret, json::native::parse_json, provider::profile::strings};

    /// 2026-11-22T10:20:30Z by the provider's clock.
    const PROVIDER: UnixMillis = UnixMillis::new(1_795_342_830_000);
    const DATE: &str = "Sun, 22 Nov 2026 10:20:30 GMT";
    const TOMORROW: &str = "Mon, 23 Nov 2026 10:20:30 GMT";
    const DAY: Duration = seconds(24 * 60 * 60);
    const NO_CLAIMS: TokenTimes = TokenTimes { issued_at: None, expires_at: None };

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Response that took 200 ms and arrived at `received_at`.
    fn response(received_at: UnixMillis, date: Option<&str>) -> HttpResponse {
        HttpResponse {
            status: 200,
            headers: date.map(|date| ("date".to_owned(), Secret::new(date))).into_iter().collect(),
            body: Secret::new(""),
            provider_errors: None,
            predicates: 0,
            sent_at: received_at - Duration::from_millis(200),
            received_at,
        }
    }

    /// The member `in`, in seconds, or `at`, a timestamp.
    fn field(data: &str) -> ExpiryField {
        if data.contains("\"in\"") {
            ExpiryField::ExpiresIn { paths: strings("in"), unit: seconds(1) }
        } else {
            ExpiryField::ExpiresAt { paths: strings("at") }
        }
    }

    fn issue(
        lifetime: Lifetime,
        response: &HttpResponse,
        data: &str,
        claims: TokenTimes,
    ) -> Result<Rc<TokenSet>, String> {
        let clock = ProviderClock::of(response, claims);
        let json = parse_json(data).unwrap();
        token_with_lifetime("token", Some(&field(data)), lifetime, clock, Some(&json), claims)
    }

    const HOUR: Lifetime = Lifetime::Default(seconds(3600));

    fn claims(issued_at: UnixMillis, lifetime: u64) -> TokenTimes {
        TokenTimes { issued_at: Some(issued_at), expires_at: Some(issued_at + seconds(lifetime)) }
    }

    #[test]
    fn lifetime_follows_the_stated_expiry_the_claims_and_the_clocks() {
        let minute = seconds(60);
        let now = PROVIDER;
        let (early, late) = (PROVIDER - DAY, PROVIDER + DAY);
        let half_past = r#"{"at":"2026-11-22T10:50:30Z"}"#;
        let passed = r#"{"at":"2026-11-22T10:20:29Z"}"#;
        let minted = || claims(PROVIDER, 180);
        for (data, lifetime, received_at, date, claims, expected) in [
            // A span counts from receipt.
            (r#"{"in":180}"#, HOUR, now, None, NO_CLAIMS, 180),
            (r#"{"in":180}"#, HOUR, early, None, NO_CLAIMS, 180),
            (r#"{"in":"180"}"#, HOUR, late, None, NO_CLAIMS, 180),
            // A timestamp is relative to the `Date` header, unless that is a day off.
            (half_past, HOUR, early, Some(DATE), NO_CLAIMS, 1800),
            (half_past, HOUR, late, Some(DATE), NO_CLAIMS, 1800),
            (half_past, HOUR, now, Some(TOMORROW), NO_CLAIMS, 1800),
            // An expiry that has passed means expired by any clock.
            (passed, HOUR, now, Some(DATE), NO_CLAIMS, 0),
            (passed, HOUR, now, None, NO_CLAIMS, 0),
            (passed, HOUR, late, None, NO_CLAIMS, 0),
            (passed, HOUR, late, Some(DATE), NO_CLAIMS, 0),
            (passed, HOUR, now, Some(TOMORROW), NO_CLAIMS, 0),
            // A declared lifetime replaces it where the clocks differ, or where it passed longer ago than the lifetime.
            (passed, Lifetime::Declared(minute), late, None, NO_CLAIMS, 60),
            (passed, Lifetime::Declared(minute), late, Some(DATE), NO_CLAIMS, 60),
            (passed, Lifetime::Declared(minute), now, Some(DATE), NO_CLAIMS, 0),
            (passed, Lifetime::AtMost(minute), late, None, NO_CLAIMS, 60),
            (passed, Lifetime::AtMost(minute), late, Some(DATE), NO_CLAIMS, 60),
            (passed, Lifetime::AtMost(minute), now, Some(DATE), NO_CLAIMS, 0),
            (r#"{"at":"2026-11-22T10:19:31Z"}"#, Lifetime::Declared(minute), now, Some(DATE), NO_CLAIMS, 0),
            (r#"{"at":"2026-11-22T10:19:29Z"}"#, Lifetime::Declared(minute), now, Some(DATE), NO_CLAIMS, 60),
            // The default where it is missing.
            ("{}", HOUR, now, None, NO_CLAIMS, 3600),
            (r#"{"at":null}"#, HOUR, now, None, NO_CLAIMS, 3600),
            // The claims of a JWT, whatever the clocks are.
            ("{}", HOUR, early, None, minted(), 180),
            ("{}", HOUR, early, Some(DATE), minted(), 180),
            ("{}", HOUR, late, None, minted(), 180),
            ("{}", HOUR, late, Some(DATE), minted(), 180),
            ("{}", HOUR, now, None, claims(PROVIDER - 3000 * DAY / 2, 180), 180),
            ("{}", HOUR, now, Some(DATE), claims(PROVIDER - seconds(100), 180), 80),
            // Claims that have expired by that clock state only how long a token lasts.
            ("{}", HOUR, now, Some(DATE), claims(PROVIDER - seconds(200), 180), 180),
            // The earlier of two.
            ("{}", Lifetime::AtMost(10 * minute), now, None, minted(), 180),
            ("{}", Lifetime::AtMost(10 * minute), now, None, claims(PROVIDER, 3600), 600),
            (r#"{"in":90}"#, HOUR, now, None, minted(), 90),
            // Zero, negative, or less than a millisecond.
            (r#"{"in":0}"#, HOUR, now, None, minted(), 0),
            (r#"{"in":"0"}"#, HOUR, now, None, NO_CLAIMS, 0),
            (r#"{"in":-5}"#, HOUR, now, None, NO_CLAIMS, 0),
            (r#"{"in":"-5"}"#, HOUR, now, None, minted(), 0),
            (r#"{"in":0.0009}"#, HOUR, now, None, NO_CLAIMS, 0),
            // At most ten years.
            (r#"{"in":1e300}"#, HOUR, now, None, NO_CLAIMS, MAX_LIFETIME_MS / 1000),
            (r#"{"in":1e16}"#, HOUR, now, None, NO_CLAIMS, MAX_LIFETIME_MS / 1000),
            (r#"{"at":"9999-12-31T23:59:59Z"}"#, HOUR, now, None, NO_CLAIMS, MAX_LIFETIME_MS / 1000),
        ] {
            let token = issue(lifetime, &response(received_at, date), data, claims).expect("a lifetime");

            let lasts = token.expires_at.since(received_at);
            // The header is truncated to a second, and the latency is unknown.
            let tolerance = if date.is_some() && expected > 0 { 600 } else { 0 };
            let message = format!("{data} {lifetime:?} {received_at:?} {date:?} {claims:?}: {lasts:?}");
            assert!(lasts.abs_diff(seconds(expected)) <= Duration::from_millis(tolerance), "{message}");
        }
    }

    #[test]
    fn provider_clock_counts_beyond_latency_and_truncation() {
        for (received_at, date, claims, offset) in [
            (PROVIDER + Duration::from_millis(900), Some(DATE), NO_CLAIMS, 0),
            (PROVIDER - Duration::from_millis(1000), Some(DATE), NO_CLAIMS, 0),
            // Half of the latency is 100 ms, and the header was half a second old on average.
            (PROVIDER - Duration::from_millis(1001), Some(DATE), NO_CLAIMS, 1601),
            (PROVIDER - DAY, Some(DATE), NO_CLAIMS, 86_400_600),
            (PROVIDER - DAY, None, claims(PROVIDER, 180), 86_400_600),
            // Claims of years ago are not a clock.
            (PROVIDER, None, claims(PROVIDER - 3000 * DAY / 2, 180), 0),
        ] {
            let token = issue(HOUR, &response(received_at, date), "{}", claims).expect("a lifetime");

            assert_eq!(token.provider_clock, ClockOffset::new(offset), "{received_at:?} {date:?}");
        }
        for sign in [-1, 1] {
            for (seconds, source) in
                [(7 * 86_400, ClockSource::Device), (7 * 86_400 - 1, ClockSource::IssuedAt)]
            {
                let issued_at = Some(PROVIDER.shifted(ClockOffset::new(sign * seconds * 1_000)));
                let clock =
                    ProviderClock::of(&response(PROVIDER, None), TokenTimes { issued_at, expires_at: None });

                assert_eq!(clock.source, source, "{sign} {seconds}");
            }
        }
    }

    #[test]
    fn unreadable_expiry_is_named() {
        for (data, path) in [
            (r#"{"in":"soon"}"#, "in"),
            (r#"{"in":true}"#, "in"),
            (r#"{"in":""}"#, "in"),
            (r#"{"in":"--5"}"#, "in"),
            (r#"{"at":"date"}"#, "at"),
            (r#"{"at":[]}"#, "at"),
            (r#"{"at":0}"#, "at"),
        ] {
            let issued = issue(HOUR, &response(PROVIDER, Some(DATE)), data, claims(PROVIDER, 180));

            assert_eq!(issued, Err(path.to_owned()), "{data}");
        }
    }
}
