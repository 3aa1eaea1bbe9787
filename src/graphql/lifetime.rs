//! How long a token lives, from all that tells of it.
//!
//! A lifetime counts from receipt, so that a wrong clock on either side costs
//! nothing where the answer states a span. Where it states a point in time, the
//! provider's clock is needed: from the `Date` header, from the token's own `iat`,
//! and only then from the device.

use std::time::Duration;

use crate::{
    core::{Skew, Stamp, UnixMillis, millis},
    http::HttpResponse,
    json::Json,
    provider::{Expiry, Lifetime},
};

use super::point::{parse_decimal, parse_http_date, parse_point};

/// A clock is not wrong by a week: then it is the token's `iat` that means nothing.
const IMPLAUSIBLE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// When a token expires, and how far the provider's clock is ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    /// By our clock.
    pub(super) expires_at: UnixMillis,
    /// How far the provider's clock is ahead of ours.
    pub(super) provider_clock: Skew,
}

/// Derives both from an answer, its `data` and the token's own claims.
pub(super) fn validity(
    expiry: Option<&Expiry>,
    lifetime: Lifetime,
    response: &HttpResponse,
    data: Option<&Json>,
    stamp: Stamp,
) -> Validity {
    let clock = Clock::of(response, stamp);
    let told = [stated(expiry, data, clock), by_claims(stamp, clock)];
    let told = told.into_iter().flatten().filter(|span| millis(*span) > 0).min();
    let lifetime = match (lifetime, told) {
        (Lifetime::AtMost(most), Some(told)) => told.min(most),
        (Lifetime::Otherwise(_), Some(told)) => told,
        (Lifetime::AtMost(span) | Lifetime::Otherwise(span), None) => span,
    };
    Validity { expires_at: clock.ours + lifetime, provider_clock: clock.skew() }
}

/// The provider's clock at the moment of receipt, as well as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    ours: UnixMillis,
    theirs: UnixMillis,
    source: Source,
    /// How wrong `theirs` may be.
    tolerance: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The `Date` header (RFC 9110 section 6.6.1).
    Date,
    /// The token's `iat`.
    IssuedAt,
    /// Nobody told; ours has to do.
    Device,
}

impl Clock {
    pub(super) fn of(response: &HttpResponse, stamp: Stamp) -> Self {
        let ours = response.received_at;
        // The provider looked at its clock about halfway, and cut the second off.
        let halfway = ours.since(response.sent_at) / 2;
        let since = halfway + Duration::from_millis(500);
        let tolerance = halfway + Duration::from_millis(1500);
        let date = response.header("date").and_then(parse_http_date);
        let (theirs, source) = match (date, stamp.issued_at) {
            (Some(date), _) => (date + since, Source::Date),
            (None, Some(issued_at)) if issued_at.ahead_of(ours).size() < IMPLAUSIBLE => {
                (issued_at + since, Source::IssuedAt)
            }
            (None, _) => (ours, Source::Device),
        };
        Self { ours, theirs, source, tolerance }
    }

    /// What the provider's clock shows at receipt.
    pub(super) const fn theirs(self) -> UnixMillis {
        self.theirs
    }

    /// A difference that the second cut off or the way explains is none.
    pub(super) fn skew(self) -> Skew {
        let skew = self.theirs.ahead_of(self.ours);
        if skew.size() > self.tolerance { skew } else { Skew::default() }
    }
}

/// What the answer states beside the token.
fn stated(expiry: Option<&Expiry>, data: Option<&Json>, clock: Clock) -> Option<Duration> {
    match expiry? {
        Expiry::ExpiresIn { paths, unit } => {
            let found = paths.lead(data?)?;
            let units = match found.as_text() {
                Some(text) => parse_decimal(text.trim())?,
                None => found.as_number()?,
            };
            Duration::try_from_secs_f64(units * unit.as_secs_f64()).ok()
        }
        Expiry::ExpiresAt { paths } => {
            let expires_at = parse_point(paths.lead(data?)?)?;
            let by_provider = expires_at.since(clock.now());
            // A fresh token that seems expired: then it is the clock that is wrong.
            if by_provider.is_zero() { Some(expires_at.since(clock.ours)) } else { Some(by_provider) }
        }
    }
}

/// What the token's own claims say.
fn by_claims(stamp: Stamp, clock: Clock) -> Option<Duration> {
    let expires_at = stamp.expires_at?;
    let Some(issued_at) = stamp.issued_at else { return Some(expires_at.since(clock.now())) };
    let whole = expires_at.since(issued_at);
    // A provider may hand out a token that it granted some time ago.
    let age = match clock.source {
        Source::Date => clock.theirs.since(issued_at),
        Source::IssuedAt | Source::Device => Duration::ZERO,
    };
    let left = whole.saturating_sub(age);
    Some(if age <= clock.tolerance || left.is_zero() { whole } else { left })
}

impl Clock {
    /// The provider's time now, without pretending to know it better than our own.
    fn now(self) -> UnixMillis {
        self.ours.shifted(self.skew())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{core::Secret, json::native::parse_json, provider::profile::words};

    /// 2026-11-22T10:20:30Z by the provider's clock.
    const PROVIDER: UnixMillis = UnixMillis::new(1_795_342_830_000);
    const DATE: &str = "Sun, 22 Nov 2026 10:20:30 GMT";
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// An answer that took 200 ms and arrived when our clock showed `received_at`.
    fn response(received_at: UnixMillis, date: Option<&str>) -> HttpResponse {
        HttpResponse {
            status: 200,
            headers: date.map(|date| ("date".to_owned(), Secret::new(date))).into_iter().collect(),
            body: Secret::new(""),
            sent_at: received_at - Duration::from_millis(200),
            received_at,
        }
    }

    /// What is known of an API's lifetimes.
    struct Known {
        expiry: Option<Expiry>,
        lifetime: Lifetime,
    }

    fn profile(expiry: Option<Expiry>, lifetime: Lifetime) -> Known {
        Known { expiry, lifetime }
    }

    fn lifetime_of(profile: &Known, response: &HttpResponse, data: &str, stamp: Stamp) -> Duration {
        let data = parse_json(data).unwrap();
        validity(profile.expiry.as_ref(), profile.lifetime, response, Some(&data), stamp)
            .expires_at
            .since(response.received_at)
    }

    #[test]
    fn an_issue_that_is_a_week_off_means_nothing() {
        for sign in [-1, 1] {
            for (seconds, source) in [(7 * 86_400, Source::Device), (7 * 86_400 - 1, Source::IssuedAt)] {
                let issued_at = Some(PROVIDER.shifted(Skew::new(sign * seconds * 1_000)));
                let clock = Clock::of(&response(PROVIDER, None), Stamp { issued_at, expires_at: None });

                assert_eq!(clock.source, source, "{sign} {seconds}");
            }
        }
    }

    fn at() -> Option<Expiry> {
        Some(Expiry::ExpiresAt { paths: words(&["at"]) })
    }

    fn within() -> Option<Expiry> {
        Some(Expiry::ExpiresIn { paths: words(&["in"]), unit: Duration::from_secs(1) })
    }

    const HOUR: Lifetime = Lifetime::Otherwise(Duration::from_secs(3600));

    fn claims(issued_at: UnixMillis, lifetime: u64) -> Stamp {
        let expires_at = issued_at + Duration::from_secs(lifetime);
        Stamp { issued_at: Some(issued_at), expires_at: Some(expires_at) }
    }

    #[test]
    fn a_span_counts_from_receipt_whatever_the_clocks_show() {
        for received_at in [PROVIDER, PROVIDER - DAY, PROVIDER + DAY] {
            for data in [r#"{"in":180}"#, r#"{"in":"180"}"#] {
                let profile = profile(within(), HOUR);

                let lifetime = lifetime_of(&profile, &response(received_at, None), data, Stamp::default());

                assert_eq!(lifetime, Duration::from_secs(180));
            }
        }
    }

    #[test]
    fn a_point_in_time_is_compared_with_the_date_header() {
        for received_at in [PROVIDER - DAY, PROVIDER + DAY] {
            let profile = profile(at(), HOUR);
            let response = response(received_at, Some(DATE));

            let lifetime =
                lifetime_of(&profile, &response, r#"{"at":"2026-11-22T10:50:30Z"}"#, Stamp::default());

            assert!(lifetime.abs_diff(Duration::from_secs(1800)) < Duration::from_secs(1), "{lifetime:?}");
        }
    }

    #[test]
    fn a_second_cut_off_in_the_date_is_no_difference() {
        let profile = profile(at(), HOUR);
        let response = response(PROVIDER + Duration::from_millis(900), Some(DATE));

        let validity = validity(profile.expiry.as_ref(), profile.lifetime, &response, None, Stamp::default());

        assert_eq!(validity.provider_clock, Skew::default());
    }

    #[test]
    fn a_difference_counts_from_where_nothing_else_explains_it() {
        for (behind, skew) in [(1000, 0), (1001, 1601)] {
            let response = response(PROVIDER - Duration::from_millis(behind), Some(DATE));

            let validity = validity(None, HOUR, &response, None, Stamp::default());

            // Half of the way is 100 ms; the header was half a second old by then.
            assert_eq!(validity.provider_clock, Skew::new(skew), "{behind}");
        }
    }

    #[test]
    fn a_token_tells_the_clock_where_no_header_does() {
        let response = response(PROVIDER - DAY, None);

        let validity = validity(None, HOUR, &response, None, claims(PROVIDER, 180));

        assert_eq!(validity.provider_clock, Skew::new(86_400_600));
    }

    #[test]
    fn the_skew_carries_our_clock_to_the_providers() {
        let response = response(PROVIDER - DAY, Some(DATE));

        let validity = validity(None, HOUR, &response, None, Stamp::default());

        let shown = validity.expires_at.shifted(validity.provider_clock);
        assert!(shown.since(PROVIDER).abs_diff(Duration::from_secs(3600)) < Duration::from_secs(1));
    }

    #[test]
    fn a_fresh_token_that_seems_expired_is_given_the_usual_lifetime() {
        let profile = profile(at(), HOUR);

        let lifetime = lifetime_of(
            &profile,
            &response(PROVIDER + DAY, None),
            r#"{"at":"2026-11-22T10:50:30Z"}"#,
            Stamp::default(),
        );

        assert_eq!(lifetime, Duration::from_secs(3600));
    }

    #[test]
    fn a_date_header_that_is_wrong_by_a_day_falls_back_to_our_clock() {
        let profile = profile(at(), HOUR);
        let response = response(PROVIDER, Some("Mon, 23 Nov 2026 10:20:30 GMT"));

        let lifetime = lifetime_of(&profile, &response, r#"{"at":"2026-11-22T10:50:30Z"}"#, Stamp::default());

        assert_eq!(lifetime, Duration::from_secs(1800));
    }

    #[test]
    fn what_the_answer_does_not_tell_is_assumed() {
        let profile = profile(at(), HOUR);
        for data in ["{}", r#"{"at":null}"#, r#"{"at":"date"}"#] {
            let lifetime = lifetime_of(&profile, &response(PROVIDER, None), data, Stamp::default());

            assert_eq!(lifetime, Duration::from_secs(3600), "{data}");
        }
    }

    #[test]
    fn the_claims_of_a_jwt_tell_its_lifetime_whatever_the_clocks_show() {
        for received_at in [PROVIDER - DAY, PROVIDER, PROVIDER + DAY] {
            for date in [None, Some(DATE)] {
                let profile = profile(None, HOUR);

                let lifetime =
                    lifetime_of(&profile, &response(received_at, date), "{}", claims(PROVIDER, 180));

                assert_eq!(lifetime, Duration::from_secs(180));
            }
        }
    }

    #[test]
    fn an_issue_of_years_ago_says_nothing_about_the_clock() {
        let stamp = claims(PROVIDER - 3000 * DAY / 2, 180);

        let validity = validity(None, HOUR, &response(PROVIDER, None), None, stamp);

        assert_eq!(validity.provider_clock, Skew::default());
        assert_eq!(validity.expires_at.since(PROVIDER), Duration::from_secs(180));
    }

    #[test]
    fn a_token_granted_earlier_has_only_its_rest() {
        let stamp = claims(PROVIDER - Duration::from_secs(100), 180);

        let lifetime = lifetime_of(&profile(None, HOUR), &response(PROVIDER, Some(DATE)), "{}", stamp);

        assert!(lifetime.abs_diff(Duration::from_secs(80)) < Duration::from_secs(1), "{lifetime:?}");
    }

    #[test]
    fn the_earlier_of_two_ends_counts() {
        let fixed = profile(None, Lifetime::AtMost(Duration::from_secs(600)));
        let told = profile(within(), HOUR);
        let response = response(PROVIDER, None);

        assert_eq!(lifetime_of(&fixed, &response, "{}", claims(PROVIDER, 180)), Duration::from_secs(180));
        assert_eq!(lifetime_of(&fixed, &response, "{}", claims(PROVIDER, 3600)), Duration::from_secs(600));
        let both = lifetime_of(&told, &response, r#"{"in":90}"#, claims(PROVIDER, 180));
        assert_eq!(both, Duration::from_secs(90));
    }

    #[test]
    fn a_stated_span_that_is_no_span_is_ignored() {
        let profile = profile(within(), HOUR);
        for data in [
            r#"{"in":0}"#,
            r#"{"in":-5}"#,
            r#"{"in":"soon"}"#,
            r#"{"in":true}"#,
            r#"{"in":1e300}"#,
            // Less than we count in.
            r#"{"in":0.0009}"#,
        ] {
            let lifetime = lifetime_of(&profile, &response(PROVIDER, None), data, Stamp::default());

            assert_eq!(lifetime, Duration::from_secs(3600), "{data}");
        }
    }
}
