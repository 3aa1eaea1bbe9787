//! Refresh, retry and rate limit policy.
//!
//! Pure functions of their arguments, so that the simulation can replay any schedule from its seed. Spans are counted in
//! `u64` milliseconds: the 94-bit arithmetic of [`Duration`] would add two kilobytes of WebAssembly.

use std::{borrow::Cow, time::Duration};

use super::{
    TokenSet, UnixMillis,
    limits::{MAX_COOL_DOWN_MS, MAX_REFRESH_WINDOW_MS, MIN_COOL_DOWN_MS, MIN_GRANT_INTERVAL_MS},
    millis,
};

/// The configurable policy of a manager, with the defaults of the public contract.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// When the timer starts a refresh.
    pub refresh: RefreshMode,
    /// Length of the refresh window as a fraction of the lifetime, in `0.0..=0.9`.
    pub refresh_window: f64,
    /// Least remaining validity of a token that is returned; scaled to the lifetime where `None`.
    pub min_validity: Option<Duration>,
    /// Retries of transient failures.
    pub retry: Retry,
    /// Sharing through a store, if there is one.
    pub sharing: Option<Sharing>,
    /// Time limits of the steps of an acquisition.
    pub limits: IoLimits,
    /// Lifetime of the I/O of an acquisition.
    pub io_scope: IoScope,
    /// Whether a refresh token may be presented again.
    pub rotation: RefreshTokenRotation,
    /// Name of the token issuer, for errors.
    pub issuer: Cow<'static, str>,
}

/// Whether a provider accepts a refresh token again that it has replaced (RFC 9700 section 4.14.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefreshTokenRotation {
    /// It does not, and may revoke all tokens if one is presented again. Each is presented once, and leaves the shared
    /// store before.
    #[default]
    Strict,
    /// It does until the replacement is used. It stays in the shared store until the replacement is written, and is
    /// presented again after a response was lost.
    RetryPrevious,
}

/// Lifetime of I/O: the host ends it there, complete or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoScope {
    /// The process, or the page.
    Process,
    /// The request that started it, as in Cloudflare Workers. Nothing runs in the background: an input of a session starts
    /// I/O of that session only, and the caller that starts a refresh waits for it.
    Request,
}

/// Time limits that the driver enforces on the steps of an acquisition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoLimits {
    /// A request to the provider, or a call of a user-supplied function.
    pub request: Duration,
    /// A call of the shared store.
    pub store: Duration,
}

impl IoLimits {
    /// Milliseconds after which a step counts as lost.
    ///
    /// The driver reports every step within its limit, so a step that is overdue by a second will not be reported.
    pub fn deadline(self, step: Step) -> u64 {
        let limit = match step {
            Step::Request => self.request,
            Step::Store => self.store,
            Step::Either => self.request.max(self.store),
        };
        millis(limit).saturating_add(1000)
    }
}

/// A step of an acquisition, by the party it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The provider, or a user-supplied function.
    Request,
    /// The shared store.
    Store,
    /// User-supplied functions first, then the shared store.
    Either,
}

/// Properties of the store through which a token is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Time after which a lease expires; `None` where the store has no leases.
    pub lease: Option<Duration>,
    /// Set if the store announces changes by other holders.
    pub announces: bool,
}

/// When the timer starts a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshMode {
    /// For as long as the manager lives.
    Always,
    /// If the token was requested since the last refresh.
    WhileUsed,
    /// Never: requests start the refresh.
    OnDemand,
}

/// Retries of transient failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in total, including the first; at least one.
    pub attempts: u32,
    /// First delay.
    pub base: Duration,
    /// Longest delay, and the longest `Retry-After` that callers wait for.
    pub max: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            refresh: RefreshMode::Always,
            refresh_window: 0.25,
            min_validity: None,
            retry: Retry { attempts: 3, base: Duration::from_secs(1), max: Duration::from_secs(30) },
            sharing: None,
            limits: IoLimits { request: Duration::from_secs(10), store: Duration::from_secs(5) },
            io_scope: IoScope::Process,
            rotation: RefreshTokenRotation::Strict,
            issuer: Cow::Borrowed("the provider"),
        }
    }
}

impl Policy {
    /// First moment a background refresh may start.
    ///
    /// The window is [`refresh_window`](Self::refresh_window) of the lifetime, at most five minutes, but long enough that a
    /// refresh can complete before callers would wait for it; it is widened by up to a tenth. `jitter` is in `0.0..1.0`.
    pub fn refresh_at(&self, issued_at: UnixMillis, expires_at: UnixMillis, jitter: f64) -> UnixMillis {
        let lifetime = expires_at.millis_since(issued_at);
        let configured = multiply(lifetime, self.refresh_window).min(MAX_REFRESH_WINDOW_MS);
        let window = configured.max(self.margin(lifetime, None) + scaled_margin(lifetime));
        expires_at.before(multiply(window, 1.0 + jitter / 10.0).min(lifetime))
    }

    /// Until when a token is returned without waiting for a new one.
    ///
    /// `min_validity` overrides the policy's for one caller. It is capped at three quarters of the lifetime, so that a new
    /// token always satisfies it.
    pub fn served_until(
        &self,
        issued_at: UnixMillis,
        expires_at: UnixMillis,
        min_validity: Option<Duration>,
    ) -> UnixMillis {
        expires_at.before(self.margin(expires_at.millis_since(issued_at), min_validity))
    }

    /// Returns whether more than a quarter of the lifetime has passed: callers may request three quarters, not more.
    pub fn may_be_too_old(&self, tokens: &TokenSet, now: UnixMillis) -> bool {
        self.served_until(tokens.issued_at, tokens.expires_at, Some(Duration::MAX)) <= now
    }

    fn margin(&self, lifetime: u64, min_validity: Option<Duration>) -> u64 {
        let margin = min_validity.or(self.min_validity).map_or_else(|| scaled_margin(lifetime), millis);
        margin.min(lifetime - lifetime.div_ceil(4))
    }
}

/// Multiplies a span and truncates it to whole milliseconds.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn multiply(span: u64, factor: f64) -> u64 {
    (span as f64 * factor) as u64
}

/// The default least validity: an eighth of the lifetime, at most ten seconds. Twice that is a quarter, the default
/// refresh window.
fn scaled_margin(lifetime: u64) -> u64 {
    (lifetime / 8).min(10_000)
}

impl Retry {
    /// Delay after `failed` attempts, in milliseconds: exponential, its second half jittered.
    ///
    /// `jitter` is in `0.0..1.0`.
    pub fn delay(&self, failed: u32, jitter: f64) -> u64 {
        backoff(millis(self.base), millis(self.max), failed, jitter)
    }
}

fn backoff(base: u64, max: u64, failed: u32, jitter: f64) -> u64 {
    // 2^31 times any base exceeds every maximum.
    let doublings = failed.saturating_sub(1).min(31);
    multiply(multiply(base, f64::from(1_u32 << doublings)).min(max), 0.5 + jitter / 2.0)
}

impl Sharing {
    /// Milliseconds after the last read until a store that announces changes is read again, in case an announcement was
    /// lost.
    pub const MISSED_CHANGES: u64 = 60_000;

    /// Milliseconds until the lease is requested again after `denied` denials.
    ///
    /// The announcement of the other holder usually arrives earlier. `jitter` is in `0.0..1.0`.
    pub fn lease_retry_delay(denied: u32, jitter: f64) -> u64 {
        backoff(100, 1000, denied, jitter)
    }

    /// Milliseconds for which a lease is requested before a grant is sent without it: until the lease of a crashed holder
    /// has expired, and one more request.
    pub fn lease_timeout(lease: Duration) -> u64 {
        millis(lease).saturating_add(1000)
    }
}

/// Milliseconds for which a failure is remembered: twice `last`, which is zero after a success, between five seconds and
/// a minute.
pub fn cool_down(last: u64) -> u64 {
    (2 * last).clamp(MIN_COOL_DOWN_MS, MAX_COOL_DOWN_MS)
}

/// GCRA rate limiter of a session's grants: a burst of five, replenished every second.
///
/// Without it, a token that is rejected or expires at once would make callers in a loop start one grant after another.
/// The state is the time at which the bucket is full again.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    full_at: UnixMillis,
}

impl Default for TokenBucket {
    fn default() -> Self {
        Self { full_at: UnixMillis::new(0) }
    }
}

impl TokenBucket {
    /// Takes one grant from the bucket. Forced grants are not limited, so an empty bucket stays empty.
    pub fn take(&mut self, now: UnixMillis) {
        let full_at = self.full_at.max(now).after(MIN_GRANT_INTERVAL_MS);
        self.full_at = full_at.min(now.after(MIN_GRANT_INTERVAL_MS * BURST));
    }

    /// When an interactive grant may start.
    pub const fn for_caller(self) -> UnixMillis {
        self.full_at.before(MIN_GRANT_INTERVAL_MS * (BURST - 1))
    }

    /// When a background grant may start: with a full bucket.
    pub const fn for_background(self) -> UnixMillis {
        self.full_at
    }
}

/// Grants that callers can start at once.
const BURST: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUED: UnixMillis = UnixMillis::new(1_000_000_000);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Seconds after issue at which the default policy refreshes, without and with full jitter.
    fn refresh_between(policy: &Policy, lifetime: Duration) -> (f64, f64) {
        let after = |jitter| policy.refresh_at(ISSUED, ISSUED + lifetime, jitter).since(ISSUED).as_secs_f64();
        (after(1.0), after(0.0))
    }

    #[test]
    fn a_token_is_refreshed_in_its_last_quarter_or_its_last_five_minutes() {
        for (lifetime, expected) in
            [(4, (2.9, 3.0)), (180, (130.5, 135.0)), (600, (435.0, 450.0)), (3600, (3270.0, 3300.0))]
        {
            assert_eq!(refresh_between(&Policy::default(), seconds(lifetime)), expected, "{lifetime}");
        }
    }

    #[test]
    fn the_window_includes_the_min_validity() {
        let policy = Policy { min_validity: Some(seconds(60)), ..Policy::default() };

        let refresh_at = policy.refresh_at(ISSUED, ISSUED + seconds(180), 0.0);
        let served_until = policy.served_until(ISSUED, ISSUED + seconds(180), None);

        assert_eq!(refresh_at, ISSUED + seconds(110));
        assert_eq!(served_until, ISSUED + seconds(120));
    }

    #[test]
    fn an_empty_window_leaves_time_for_a_grant() {
        let policy = Policy { refresh_window: 0.0, ..Policy::default() };

        assert_eq!(refresh_between(&policy, seconds(180)), (158.0, 160.0));
    }

    #[test]
    fn for_every_lifetime_a_refresh_starts_before_callers_wait() {
        for policy in [
            Policy::default(),
            Policy { refresh_window: 0.9, ..Policy::default() },
            Policy { min_validity: Some(seconds(3600)), ..Policy::default() },
            Policy { min_validity: Some(Duration::ZERO), refresh_window: 0.0, ..Policy::default() },
        ] {
            for lifetime in
                [8, 100, 1000, 2_000, 180_000, 3_600_000, 40_000_000_000].map(Duration::from_millis)
            {
                for jitter in [0.0, 0.999] {
                    let expires_at = ISSUED + lifetime;
                    let refresh_at = policy.refresh_at(ISSUED, expires_at, jitter);
                    let served_until = policy.served_until(ISSUED, expires_at, None);

                    assert!(ISSUED <= refresh_at, "{policy:?} {lifetime:?}");
                    assert!(refresh_at < served_until, "{policy:?} {lifetime:?}");
                    assert!(served_until <= expires_at, "{policy:?} {lifetime:?}");
                }
            }
        }
    }

    #[test]
    fn a_token_is_served_until_ten_seconds_or_an_eighth_before_its_expiry() {
        let policy = Policy::default();
        let left = |lifetime| (ISSUED + lifetime).since(policy.served_until(ISSUED, ISSUED + lifetime, None));

        assert_eq!(left(seconds(3600)), seconds(10));
        assert_eq!(left(seconds(40)), seconds(5));
    }

    #[test]
    fn a_min_validity_beyond_the_lifetime_is_capped() {
        let until = Policy::default().served_until(ISSUED, ISSUED + seconds(180), Some(seconds(3600)));

        assert_eq!(until, ISSUED + seconds(45));
    }

    #[test]
    fn delays_double_up_to_the_maximum_and_half_of_each_is_jittered() {
        let retry = Policy::default().retry;
        let most: Vec<_> = (1..=7).map(|failed| retry.delay(failed, 1.0) / 1000).collect();

        assert_eq!(most, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(retry.delay(3, 0.0), 2000);
        assert_eq!(retry.delay(u32::MAX, 1.0), 30_000);
    }

    #[test]
    fn a_lease_is_requested_until_that_of_a_crashed_holder_has_expired() {
        assert_eq!(Sharing::lease_timeout(seconds(20)), 21_000);
        let most: Vec<_> = (1..=5).map(|denied| Sharing::lease_retry_delay(denied, 1.0)).collect();

        assert_eq!(most, [100, 200, 400, 800, 1000]);
        assert_eq!(Sharing::lease_retry_delay(1, 0.0), 50);
    }

    #[test]
    fn a_cool_down_doubles_from_five_seconds_to_a_minute() {
        let mut spans = Vec::new();
        let mut last = 0;
        for _ in 0..6 {
            last = cool_down(last);
            spans.push(last);
        }

        assert_eq!(spans, [5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    }

    #[test]
    fn five_grants_may_start_at_once_and_then_one_a_second() {
        let mut bucket = TokenBucket::default();
        for _ in 0..5 {
            assert!(bucket.for_caller() <= ISSUED);
            bucket.take(ISSUED);
        }

        assert_eq!(bucket.for_caller(), ISSUED + seconds(1));
        bucket.take(ISSUED + seconds(1));
        assert_eq!(bucket.for_caller(), ISSUED + seconds(2));
    }

    #[test]
    fn background_grants_are_a_second_apart() {
        let mut bucket = TokenBucket::default();
        bucket.take(ISSUED);

        assert_eq!(bucket.for_background(), ISSUED + seconds(1));
        bucket.take(ISSUED + seconds(100));
        assert_eq!(bucket.for_background(), ISSUED + seconds(101));
    }
}
