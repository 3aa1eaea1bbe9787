//! Lifetime of a token, from all sources that state it.
//!
//! A stated lifetime counts from receipt, so a wrong clock on either side has no effect. A stated time of expiry
//! requires the provider's clock: from the `Date` header, else from the token's `iat`, else from the device.

use std::rc::Rc;

use crate::{
    core::{AccessToken, ClockOffset, MAX_LIFETIME, TokenSet, TokenTimes, UnixMillis, millis},
    http::HttpResponse,
    json::Json,
    provider::{ExpiryField, Lifetime},
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
    let span = lifetime_of(expiry, lifetime, clock, data, claims)?.min(MAX_LIFETIME);
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

/// Returns the remaining lifetime; zero where the response states that the token has expired.
fn lifetime_of(
    expiry: Option<&ExpiryField>,
    lifetime: Lifetime,
    clock: ProviderClock,
    data: Option<&Json>,
    claims: TokenTimes,
) -> Result<u64, String> {
    let (Lifetime::AtMost(known) | Lifetime::Default(known) | Lifetime::Declared(known)) = lifetime;
    let known = millis(known);
    let stated = match stated_lifetime(expiry, data, clock)? {
        StatedLifetime::Nothing => None,
        // A token is not issued after its expiry: where the stated expiry is further in the past than the declared
        // lifetime, both clocks are wrong, and the declared lifetime applies.
        StatedLifetime::Expired { ago } if matches!(lifetime, Lifetime::Declared(_)) && ago > known => {
            Some(known)
        }
        StatedLifetime::Expired { .. } => return Ok(0),
        // The stated time has passed, by a clock that may be wrong.
        StatedLifetime::Implausible if matches!(lifetime, Lifetime::Default(_)) => return Ok(0),
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
        (Lifetime::Default(_) | Lifetime::Declared(_), Some(effective)) => effective,
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
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// Response that took 200 ms and arrived at `received_at`.
    fn response(received_at: UnixMillis, date: Option<&str>) -> HttpResponse {
        HttpResponse {
            status: 200,
            headers: date.map(|date| ("date".to_owned(), Secret::new(date))).into_iter().collect(),
            body: Secret::new(""),
            sent_at: received_at - Duration::from_millis(200),
            received_at,
        }
    }

    fn validity(
        expiry: Option<&ExpiryField>,
        lifetime: Lifetime,
        response: &HttpResponse,
        data: Option<&Json>,
        claims: TokenTimes,
    ) -> Rc<TokenSet> {
        token_with_lifetime("token", expiry, lifetime, ProviderClock::of(response, claims), data, claims)
            .expect("a lifetime")
    }

    /// Expiry and lifetime of a profile.
    struct Known {
        expiry: Option<ExpiryField>,
        lifetime: Lifetime,
    }

    fn profile(expiry: Option<ExpiryField>, lifetime: Lifetime) -> Known {
        Known { expiry, lifetime }
    }

    fn computed_lifetime(
        profile: &Known,
        response: &HttpResponse,
        data: &str,
        claims: TokenTimes,
    ) -> Duration {
        let data = parse_json(data).unwrap();
        validity(profile.expiry.as_ref(), profile.lifetime, response, Some(&data), claims)
            .expires_at
            .since(response.received_at)
    }

    #[test]
    fn ignores_an_iat_a_week_off() {
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

    fn at() -> Option<ExpiryField> {
        Some(ExpiryField::ExpiresAt { paths: strings("at") })
    }

    fn within() -> Option<ExpiryField> {
        Some(ExpiryField::ExpiresIn { paths: strings("in"), unit: Duration::from_secs(1) })
    }

    const HOUR: Lifetime = Lifetime::Default(Duration::from_secs(3600));

    fn claims(issued_at: UnixMillis, lifetime: u64) -> TokenTimes {
        let expires_at = issued_at + Duration::from_secs(lifetime);
        TokenTimes { issued_at: Some(issued_at), expires_at: Some(expires_at) }
    }

    #[test]
    fn lifetime_counts_from_receipt_regardless_of_clocks() {
        for received_at in [PROVIDER, PROVIDER - DAY, PROVIDER + DAY] {
            for data in [r#"{"in":180}"#, r#"{"in":"180"}"#] {
                let profile = profile(within(), HOUR);

                let lifetime =
                    computed_lifetime(&profile, &response(received_at, None), data, TokenTimes::default());

                assert_eq!(lifetime, Duration::from_secs(180));
            }
        }
    }

    #[test]
    fn expiry_is_relative_to_the_date_header() {
        for received_at in [PROVIDER - DAY, PROVIDER + DAY] {
            let profile = profile(at(), HOUR);
            let response = response(received_at, Some(DATE));

            let lifetime = computed_lifetime(
                &profile,
                &response,
                r#"{"at":"2026-11-22T10:50:30Z"}"#,
                TokenTimes::default(),
            );

            assert!(lifetime.abs_diff(Duration::from_secs(1800)) < Duration::from_secs(1), "{lifetime:?}");
        }
    }

    #[test]
    fn truncated_second_is_not_an_offset() {
        let profile = profile(at(), HOUR);
        let response = response(PROVIDER + Duration::from_millis(900), Some(DATE));

        let validity =
            validity(profile.expiry.as_ref(), profile.lifetime, &response, None, TokenTimes::default());

        assert_eq!(validity.provider_clock, ClockOffset::default());
    }

    #[test]
    fn offset_counts_beyond_latency_and_truncation() {
        for (behind, skew) in [(1000, 0), (1001, 1601)] {
            let response = response(PROVIDER - Duration::from_millis(behind), Some(DATE));

            let validity = validity(None, HOUR, &response, None, TokenTimes::default());

            // Half of the latency is 100 ms, and the header was half a second old on average.
            assert_eq!(validity.provider_clock, ClockOffset::new(skew), "{behind}");
        }
    }

    #[test]
    fn iat_gives_the_clock_without_a_date_header() {
        let response = response(PROVIDER - DAY, None);

        let validity = validity(None, HOUR, &response, None, claims(PROVIDER, 180));

        assert_eq!(validity.provider_clock, ClockOffset::new(86_400_600));
    }

    #[test]
    fn offset_converts_device_time_to_provider_time() {
        let response = response(PROVIDER - DAY, Some(DATE));

        let validity = validity(None, HOUR, &response, None, TokenTimes::default());

        let shown = validity.expires_at.shifted(validity.provider_clock);
        assert!(shown.since(PROVIDER).abs_diff(Duration::from_secs(3600)) < Duration::from_secs(1));
    }

    #[test]
    fn passed_expiry_means_expired_by_any_clock() {
        let data = r#"{"at":"2026-11-22T10:20:29Z"}"#;
        for (received_at, date) in [
            (PROVIDER, Some(DATE)),
            (PROVIDER, None),
            (PROVIDER + DAY, None),
            (PROVIDER + DAY, Some(DATE)),
            (PROVIDER, Some("Mon, 23 Nov 2026 10:20:30 GMT")),
        ] {
            let lifetime = computed_lifetime(
                &profile(at(), HOUR),
                &response(received_at, date),
                data,
                TokenTimes::default(),
            );

            assert_eq!(lifetime, Duration::ZERO, "{received_at:?} {date:?}");
        }
    }

    #[test]
    fn declared_lifetime_overrides_an_expiry_passed_by_differing_clocks() {
        let data = r#"{"at":"2026-11-22T10:20:29Z"}"#;
        let minute = Duration::from_secs(60);
        for declared in [Lifetime::Declared(minute), Lifetime::AtMost(minute)] {
            let profile = profile(at(), declared);
            let lifetime = |received_at, date| {
                computed_lifetime(&profile, &response(received_at, date), data, TokenTimes::default())
            };

            assert_eq!(lifetime(PROVIDER + DAY, None), minute);
            assert_eq!(lifetime(PROVIDER + DAY, Some(DATE)), minute);
            // Both clocks agree.
            assert_eq!(lifetime(PROVIDER, Some(DATE)), Duration::ZERO);
        }
    }

    #[test]
    fn declared_lifetime_overrides_an_expiry_older_than_itself() {
        let profile = profile(at(), Lifetime::Declared(Duration::from_secs(60)));
        let lifetime = |end: &str| {
            let data = format!(r#"{{"at":"2026-11-22T10:{end}Z"}}"#);
            computed_lifetime(&profile, &response(PROVIDER, Some(DATE)), &data, TokenTimes::default())
        };

        assert_eq!(lifetime("19:31"), Duration::ZERO);
        assert_eq!(lifetime("19:29"), Duration::from_secs(60));
    }

    #[test]
    fn date_header_off_by_a_day_falls_back_to_the_device_clock() {
        let profile = profile(at(), HOUR);
        let response = response(PROVIDER, Some("Mon, 23 Nov 2026 10:20:30 GMT"));

        let lifetime =
            computed_lifetime(&profile, &response, r#"{"at":"2026-11-22T10:50:30Z"}"#, TokenTimes::default());

        assert_eq!(lifetime, Duration::from_secs(1800));
    }

    #[test]
    fn missing_lifetime_is_the_default() {
        let profile = profile(at(), HOUR);
        for data in ["{}", r#"{"at":null}"#] {
            let lifetime =
                computed_lifetime(&profile, &response(PROVIDER, None), data, TokenTimes::default());

            assert_eq!(lifetime, Duration::from_secs(3600), "{data}");
        }
    }

    #[test]
    fn jwt_claims_give_the_lifetime_regardless_of_clocks() {
        for received_at in [PROVIDER - DAY, PROVIDER, PROVIDER + DAY] {
            for date in [None, Some(DATE)] {
                let profile = profile(None, HOUR);

                let lifetime =
                    computed_lifetime(&profile, &response(received_at, date), "{}", claims(PROVIDER, 180));

                assert_eq!(lifetime, Duration::from_secs(180));
            }
        }
    }

    #[test]
    fn ignores_an_iat_of_years_ago_as_a_clock() {
        let claims = claims(PROVIDER - 3000 * DAY / 2, 180);

        let validity = validity(None, HOUR, &response(PROVIDER, None), None, claims);

        assert_eq!(validity.provider_clock, ClockOffset::default());
        assert_eq!(validity.expires_at.since(PROVIDER), Duration::from_secs(180));
    }

    #[test]
    fn token_issued_earlier_has_its_remaining_lifetime() {
        let claims = claims(PROVIDER - Duration::from_secs(100), 180);

        let lifetime = computed_lifetime(&profile(None, HOUR), &response(PROVIDER, Some(DATE)), "{}", claims);

        assert!(lifetime.abs_diff(Duration::from_secs(80)) < Duration::from_secs(1), "{lifetime:?}");
    }

    #[test]
    fn earlier_of_two_expiries_applies() {
        let fixed = profile(None, Lifetime::AtMost(Duration::from_secs(600)));
        let profile = profile(within(), HOUR);
        let response = response(PROVIDER, None);

        assert_eq!(
            computed_lifetime(&fixed, &response, "{}", claims(PROVIDER, 180)),
            Duration::from_secs(180)
        );
        assert_eq!(
            computed_lifetime(&fixed, &response, "{}", claims(PROVIDER, 3600)),
            Duration::from_secs(600)
        );
        let both = computed_lifetime(&profile, &response, r#"{"in":90}"#, claims(PROVIDER, 180));
        assert_eq!(both, Duration::from_secs(90));
    }

    #[test]
    fn zero_or_negative_lifetime_means_expired() {
        let profile = profile(within(), HOUR);
        for data in [
            r#"{"in":0}"#,
            r#"{"in":"0"}"#,
            r#"{"in":-5}"#,
            r#"{"in":"-5"}"#,
            // Less than a millisecond.
            r#"{"in":0.0009}"#,
        ] {
            for claims in [TokenTimes::default(), claims(PROVIDER, 180)] {
                let lifetime = computed_lifetime(&profile, &response(PROVIDER, None), data, claims);

                assert_eq!(lifetime, Duration::ZERO, "{data}");
            }
        }
    }

    #[test]
    fn unreadable_expiry_is_named() {
        for (expiry, data, path) in [
            (within(), r#"{"in":"soon"}"#, "in"),
            (within(), r#"{"in":true}"#, "in"),
            (within(), r#"{"in":""}"#, "in"),
            (within(), r#"{"in":"--5"}"#, "in"),
            (at(), r#"{"at":"date"}"#, "at"),
            (at(), r#"{"at":[]}"#, "at"),
            (at(), r#"{"at":0}"#, "at"),
        ] {
            let data = parse_json(data).unwrap();
            let clock = ProviderClock::of(&response(PROVIDER, Some(DATE)), TokenTimes::default());

            let issued = token_with_lifetime(
                "token",
                expiry.as_ref(),
                HOUR,
                clock,
                Some(&data),
                claims(PROVIDER, 180),
            );

            assert_eq!(issued, Err(path.to_owned()), "{data:?}");
        }
    }

    #[test]
    fn lifetime_is_at_most_ten_years() {
        for (expiry, data) in [
            (within(), r#"{"in":1e300}"#),
            (within(), r#"{"in":1e16}"#),
            (at(), r#"{"at":"9999-12-31T23:59:59Z"}"#),
        ] {
            let lifetime = computed_lifetime(
                &profile(expiry, HOUR),
                &response(PROVIDER, None),
                data,
                TokenTimes::default(),
            );

            assert_eq!(lifetime, Duration::from_millis(MAX_LIFETIME), "{data}");
        }
    }
}
