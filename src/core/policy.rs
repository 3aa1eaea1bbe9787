//! When to refresh, how long to hand out, and how long to back off.
//!
//! Decides; does nothing. Every function is pure: the same arguments give the
//! same answer, so the simulation can replay any schedule from its seed.

use std::time::Duration;

use super::{TokenSet, UnixMillis, millis};

/// What a user may tune, with the contract's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// When the timer refreshes.
    pub refresh: RefreshMode,
    /// The last part of a lifetime in which to refresh, in `0.0..=0.9`.
    pub refresh_window: f64,
    /// What a token must have left to be handed out; scaled to the lifetime where `None`.
    pub min_validity: Option<Duration>,
    /// How to try again after transient failures.
    pub retry: Retry,
    /// How the token is shared with other holders, where it is.
    pub sharing: Option<Sharing>,
    /// How long each step of an acquisition may take.
    pub limits: IoLimits,
    /// What the I/O of an acquisition ends with.
    pub io_scope: IoScope,
}

/// What I/O ends with, whether or not it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoScope {
    /// The process, or the page.
    Process,
    /// The request that started it, as in Cloudflare Workers. There is no background: an event
    /// of a session leads to I/O of that session alone, and the caller that starts a refresh
    /// waits for it.
    Request,
}

/// How long the driver lets each step of an acquisition take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoLimits {
    /// A request to the provider, or a call of a user-supplied function.
    pub request: Duration,
    /// A call of the shared store.
    pub store: Duration,
}

impl IoLimits {
    /// How many milliseconds after its start a step is lost: the driver reports every step
    /// within its limit, so a step that is overdue by this margin will not be reported.
    pub fn deadline(self, step: Step) -> u64 {
        let limit = match step {
            Step::Request => self.request,
            Step::Store => self.store,
            Step::Either => self.request.max(self.store),
        };
        millis(limit).saturating_add(1000)
    }
}

/// What a step of an acquisition waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The provider, or a user-supplied function.
    Request,
    /// The shared store.
    Store,
    /// User-supplied functions first, then the shared store.
    Either,
}

/// How a token is shared through a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// After what time a lease ends by itself; `None` where the store has no leases.
    pub lease: Option<Duration>,
    /// Whether the store announces changes of other holders.
    pub announces: bool,
}

/// When the timer refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshMode {
    /// For as long as the manager lives.
    Always,
    /// If the token was asked for since the last refresh.
    WhileUsed,
    /// Never: calls refresh.
    OnDemand,
}

/// How to try again after transient failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Requests in all, the first included; at least one.
    pub attempts: u32,
    /// The first pause.
    pub base: Duration,
    /// The longest pause, and the longest `Retry-After` that callers wait for.
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
        }
    }
}

impl Policy {
    /// First moment a background refresh may start.
    ///
    /// The window is [`refresh_window`](Self::refresh_window) of the lifetime, at
    /// most five minutes; wide enough that a refresh can be had before callers
    /// would have to wait; and widened by up to a tenth. `jitter` is in `0.0..1.0`.
    pub fn refresh_at(&self, issued_at: UnixMillis, expires_at: UnixMillis, jitter: f64) -> UnixMillis {
        let lifetime = expires_at.millis_since(issued_at);
        let chosen = times(lifetime, self.refresh_window).min(MAX_WINDOW);
        // Room for a grant before callers would have to wait for it.
        let window = chosen.max(self.margin(lifetime, None) + scaled_margin(lifetime));
        expires_at.before(times(window, 1.0 + jitter / 10.0).min(lifetime))
    }

    /// Until when a token is handed out without asking for a new one.
    ///
    /// `min_validity` is a caller's own wish. More than three quarters of the
    /// lifetime cannot be had: a new token would be too old as soon as it came.
    pub fn served_until(
        &self,
        issued_at: UnixMillis,
        expires_at: UnixMillis,
        min_validity: Option<Duration>,
    ) -> UnixMillis {
        expires_at.before(self.margin(expires_at.millis_since(issued_at), min_validity))
    }

    /// Whether so much of a token's life has passed that a caller may have asked for more
    /// than is left.
    pub fn is_worn(&self, tokens: &TokenSet, now: UnixMillis) -> bool {
        self.served_until(tokens.issued_at, tokens.expires_at, Some(Duration::MAX)) <= now
    }

    fn margin(&self, lifetime: u64, wish: Option<Duration>) -> u64 {
        let wanted = wish.or(self.min_validity).map_or_else(|| scaled_margin(lifetime), millis);
        wanted.min(lifetime - lifetime.div_ceil(4))
    }
}

/// A span multiplied, in whole milliseconds.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn times(span: u64, factor: f64) -> u64 {
    (span as f64 * factor) as u64
}

/// An eighth of the lifetime, at most ten seconds: twice that is the default window of
/// a token that lives for 80 s or less, so that short tokens are not worn out early.
fn scaled_margin(lifetime: u64) -> u64 {
    (lifetime / 8).min(10_000)
}

impl Retry {
    /// The pause after `failed` attempts, in milliseconds: exponential, its second half jittered.
    ///
    /// `jitter` is in `0.0..1.0`.
    pub fn pause(&self, failed: u32, jitter: f64) -> u64 {
        pause(millis(self.base), millis(self.max), failed, jitter)
    }
}

fn pause(base: u64, max: u64, failed: u32, jitter: f64) -> u64 {
    // More than that is longer than any time that can be waited.
    let doublings = failed.saturating_sub(1).min(31);
    times(times(base, f64::from(1_u32 << doublings)).min(max), 0.5 + jitter / 2.0)
}

impl Sharing {
    /// How many milliseconds after the last read a store that announces changes is read again, so
    /// that a change whose announcement was lost is found.
    pub const MISSED_CHANGES: u64 = 60_000;

    /// How many milliseconds after it was denied `denied` times a lease is asked for again.
    ///
    /// Mostly the holder's notice comes first. `jitter` is in `0.0..1.0`.
    pub fn poll(denied: u32, jitter: f64) -> u64 {
        pause(100, 1000, denied, jitter)
    }

    /// For how many milliseconds a lease is asked for before a grant is made without it: as
    /// long as a holder that crashed can keep it, and one more try.
    pub fn patience(lease: Duration) -> u64 {
        millis(lease).saturating_add(1000)
    }
}

/// For how many milliseconds a failure is remembered: doubling from the last one, which is
/// zero where there was none.
pub fn cool_down(last: u64) -> u64 {
    (2 * last).clamp(FIRST_COOL_DOWN, LONGEST_COOL_DOWN)
}

/// Longest refresh window.
///
/// Five minutes: long enough for three attempts at the longest back-off (30 s),
/// short enough that an hour-long token is not thrown away early.
const MAX_WINDOW: u64 = 5 * 60_000;

/// Five seconds: a thousand callers a second cause twelve grants a minute at most.
const FIRST_COOL_DOWN: u64 = 5000;

/// A minute: a provider that is back is noticed within it.
const LONGEST_COOL_DOWN: u64 = 60_000;

/// When the next grant may start, so that nothing can cause a storm.
///
/// A token that is refused at once, or that lives for no time at all, would make
/// callers in a loop ask for one grant after the other. A bucket of five grants, which
/// fills by one each second, bounds that; it is kept as the one point in time at which
/// it is full again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    full_at: UnixMillis,
}

/// Nothing has been granted yet.
impl Default for Pace {
    fn default() -> Self {
        Self { full_at: UnixMillis::new(0) }
    }
}

impl Pace {
    /// The contract's least time between two grants that nobody waits for. Requests of one
    /// grant may follow each other sooner, as the option `retry` says.
    const MIN_INTERVAL: u64 = 1000;

    /// A grant starts now. Those that nothing held back leave no debt: the bucket is
    /// empty at worst.
    pub fn started(&mut self, now: UnixMillis) {
        let full_at = self.full_at.max(now).after(Self::MIN_INTERVAL);
        self.full_at = full_at.min(now.after(Self::MIN_INTERVAL * BURST));
    }

    /// From when a grant that a caller waits for may start.
    pub const fn for_caller(self) -> UnixMillis {
        self.full_at.before(Self::MIN_INTERVAL * (BURST - 1))
    }

    /// From when a grant that nobody waits for may start.
    pub const fn for_background(self) -> UnixMillis {
        self.full_at
    }
}

/// How many grants callers may cause at once.
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
    fn a_three_minute_token_is_refreshed_in_its_last_quarter() {
        assert_eq!(refresh_between(&Policy::default(), seconds(180)), (130.5, 135.0));
    }

    #[test]
    fn a_ten_minute_token_is_refreshed_in_its_last_quarter() {
        assert_eq!(refresh_between(&Policy::default(), seconds(600)), (435.0, 450.0));
    }

    #[test]
    fn an_hour_long_token_is_refreshed_in_its_last_five_minutes() {
        assert_eq!(refresh_between(&Policy::default(), seconds(3600)), (3270.0, 3300.0));
    }

    #[test]
    fn a_token_of_seconds_is_refreshed_in_its_last_quarter_too() {
        assert_eq!(refresh_between(&Policy::default(), seconds(4)), (2.9, 3.0));
    }

    #[test]
    fn the_window_is_widened_where_callers_would_have_to_wait() {
        let policy = Policy { min_validity: Some(seconds(60)), ..Policy::default() };

        let refresh_at = policy.refresh_at(ISSUED, ISSUED + seconds(180), 0.0);
        let served_until = policy.served_until(ISSUED, ISSUED + seconds(180), None);

        assert_eq!(refresh_at, ISSUED + seconds(110));
        assert_eq!(served_until, ISSUED + seconds(120));
    }

    #[test]
    fn a_window_of_nothing_still_leaves_room_for_a_grant() {
        let policy = Policy { refresh_window: 0.0, ..Policy::default() };

        assert_eq!(refresh_between(&policy, seconds(180)), (158.0, 160.0));
    }

    #[test]
    fn a_refresh_comes_before_callers_wait_for_every_lifetime() {
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
    fn a_token_is_handed_out_until_ten_seconds_or_an_eighth_before_its_end() {
        let policy = Policy::default();
        let left = |lifetime| (ISSUED + lifetime).since(policy.served_until(ISSUED, ISSUED + lifetime, None));

        assert_eq!(left(seconds(3600)), seconds(10));
        assert_eq!(left(seconds(40)), seconds(5));
    }

    #[test]
    fn a_wish_for_more_than_a_token_has_is_cut() {
        let until = Policy::default().served_until(ISSUED, ISSUED + seconds(180), Some(seconds(3600)));

        assert_eq!(until, ISSUED + seconds(45));
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_half_of_each_is_jittered() {
        let retry = Policy::default().retry;
        let most: Vec<_> = (1..=7).map(|failed| retry.pause(failed, 1.0) / 1000).collect();

        assert_eq!(most, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(retry.pause(3, 0.0), 2000);
        assert_eq!(retry.pause(u32::MAX, 1.0), 30_000);
    }

    #[test]
    fn a_lease_is_asked_for_until_nobody_who_crashed_can_have_it() {
        assert_eq!(Sharing::patience(seconds(20)), 21_000);
        let most: Vec<_> = (1..=5).map(|denied| Sharing::poll(denied, 1.0)).collect();

        assert_eq!(most, [100, 200, 400, 800, 1000]);
        assert_eq!(Sharing::poll(1, 0.0), 50);
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
        let mut pace = Pace::default();
        for _ in 0..5 {
            assert!(pace.for_caller() <= ISSUED);
            pace.started(ISSUED);
        }

        assert_eq!(pace.for_caller(), ISSUED + seconds(1));
        pace.started(ISSUED + seconds(1));
        assert_eq!(pace.for_caller(), ISSUED + seconds(2));
    }

    #[test]
    fn background_grants_are_a_second_apart() {
        let mut pace = Pace::default();
        pace.started(ISSUED);

        assert_eq!(pace.for_background(), ISSUED + seconds(1));
        pace.started(ISSUED + seconds(100));
        assert_eq!(pace.for_background(), ISSUED + seconds(101));
    }
}
