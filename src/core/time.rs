//! Points in time, and one clock that neither jumps back nor stops.
//!
//! Decides how much time has passed when the two clocks of a device disagree.
//! Leaves reading those clocks to the host.

use std::{
    ops::{Add, Sub},
    time::Duration,
};

/// A point in time: milliseconds since the Unix epoch.
///
/// Arithmetic saturates; no input of a provider can make it overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// When what is not due goes off. Of eight bytes less than an `Option`, and compared at once.
    pub(super) const NEVER: Self = Self(u64::MAX);

    /// `None` for never.
    pub(super) fn if_ever(self) -> Option<Self> {
        (self != Self::NEVER).then_some(self)
    }

    /// The point `millis` milliseconds after the epoch.
    pub const fn new(millis: u64) -> Self {
        Self(millis)
    }

    /// From a JavaScript number; what is negative or no number becomes the epoch.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub fn from_js(millis: f64) -> Self {
        Self(millis as u64)
    }

    /// As a JavaScript number that a `Date` can hold, so that no program fails at printing it.
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    pub fn to_js(self) -> f64 {
        self.0.min(LAST_DATE) as f64
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is before.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis_since(earlier))
    }

    /// The same in milliseconds: the rules count in those, since the arithmetic of a
    /// [`Duration`], which is of 94 bits, would be two kilobytes of WebAssembly.
    pub(super) const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// So many milliseconds later.
    pub(super) const fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// So many milliseconds earlier.
    pub(super) const fn before(self, millis: u64) -> Self {
        Self(self.0.saturating_sub(millis))
    }

    /// This point as another clock shows it.
    pub const fn shifted(self, by: Skew) -> Self {
        Self(self.0.saturating_add_signed(by.0))
    }

    /// How far a clock that shows `self` is ahead of one that shows `other`.
    pub const fn ahead_of(self, other: Self) -> Skew {
        Skew(self.0.cast_signed().saturating_sub(other.0.cast_signed()))
    }
}

/// The last millisecond that a `Date` of JavaScript can hold (ECMA-262, "Time Values").
const LAST_DATE: u64 = 8_640_000_000_000_000;

/// The longest lifetime that a token is given, in milliseconds: ten years of 365 days.
///
/// A longer one that an answer or a store entry states is a mistake or an attack; such a token is
/// renewed after ten years.
pub const MAX_LIFETIME: u64 = 10 * 365 * 24 * 60 * 60 * 1000;

impl Add<Duration> for UnixMillis {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        self.after(millis(span))
    }
}

impl Sub<Duration> for UnixMillis {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        self.before(millis(span))
    }
}

/// How far one clock is ahead of another, in milliseconds; negative if behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew(i64);

impl Skew {
    /// `millis` ahead.
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// The other way round.
    pub const fn reversed(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// From a JavaScript number; what is no number becomes nothing.
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
    pub const fn from_js(millis: f64) -> Self {
        Self(millis as i64)
    }

    /// As a JavaScript number.
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    pub const fn to_js(self) -> f64 {
        self.0 as f64
    }

    /// Without the sign.
    pub const fn size(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

/// A span in whole milliseconds, as it is counted everywhere here.
#[inline(never)]
pub fn millis(span: Duration) -> u64 {
    // Not by `as_millis`, which is of 128 bits.
    span.as_secs().saturating_mul(1000).saturating_add(u64::from(span.subsec_millis()))
}

/// One clock made of two.
///
/// The wall clock goes on while a laptop sleeps, but can be set back. The
/// monotonic clock is never set, but stops in sleep on some systems. The larger
/// elapsed time counts, so that a token is rather given up early than served
/// late. The result starts at the wall clock's time and never goes back.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    base: UnixMillis,
    wall: UnixMillis,
    monotonic: u64,
    /// What was read last: a small jump, there and back, must not be followed back.
    latest: UnixMillis,
}

impl SteadyClock {
    /// Starts at what the wall clock shows. `monotonic` counts milliseconds from anywhere.
    pub const fn new(wall: UnixMillis, monotonic: u64) -> Self {
        Self { base: wall, wall, monotonic, latest: wall }
    }

    /// The time now, from what both clocks show.
    pub fn read(&mut self, wall: UnixMillis, monotonic: u64) -> UnixMillis {
        let by_wall = wall.millis_since(self.wall);
        let by_monotonic = monotonic.saturating_sub(self.monotonic);
        self.latest = self.latest.max(self.base.after(by_wall.max(by_monotonic)));
        if by_wall.abs_diff(by_monotonic) > TOLERANCE {
            // One of them jumped or slept. Counting on from old marks would hide
            // the next sleep behind this jump, so both are marked afresh.
            *self = Self { base: self.latest, wall, monotonic, ..*self };
        }
        self.latest
    }
}

/// How far the two clocks may drift apart before it counts as a jump.
///
/// Half a second: beyond the granularity and the slewing of any real clock,
/// below any margin of a token that lives for seconds.
const TOLERANCE: u64 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis::new(1_000_000_000);

    fn clock() -> SteadyClock {
        SteadyClock::new(START, 7000)
    }

    fn at(seconds: u64) -> u64 {
        7000 + 1000 * seconds
    }

    #[test]
    fn two_clocks_that_agree_are_followed() {
        let mut clock = clock();

        assert_eq!(clock.read(START + Duration::from_secs(90), at(90)), START + Duration::from_secs(90));
    }

    #[test]
    fn sleep_counts_although_the_monotonic_clock_stood_still() {
        let mut clock = clock();

        assert_eq!(clock.read(START + Duration::from_secs(3600), at(1)), START + Duration::from_secs(3600));
    }

    #[test]
    fn after_sleep_both_clocks_are_followed_from_there() {
        let mut clock = clock();
        let slept = START + Duration::from_secs(3600);

        assert_eq!(clock.read(slept, at(10)), slept);
        assert_eq!(clock.read(slept + Duration::from_secs(5), at(15)), slept + Duration::from_secs(5));
    }

    #[test]
    fn a_clock_set_back_by_a_day_costs_no_time() {
        let mut clock = clock();

        assert_eq!(clock.read(START - Duration::from_secs(86_400), at(60)), START + Duration::from_secs(60));
    }

    #[test]
    fn sleep_after_a_clock_was_set_back_still_counts() {
        let mut clock = clock();
        let back = START - Duration::from_secs(86_400);
        let before = clock.read(back, at(60));

        let after = clock.read(back + Duration::from_secs(1800), at(60));

        assert_eq!(after.since(before), Duration::from_secs(1800));
    }

    #[test]
    fn half_a_second_there_and_back_is_waited_for_and_more_is_counted() {
        for (jump, after) in [(500, 500), (501, 601)] {
            let mut clock = clock();

            assert_eq!(clock.read(START.after(jump), at(0)), START.after(jump));
            assert_eq!(clock.read(START.after(100), at(0) + 100), START.after(after));
        }
    }

    #[test]
    fn reading_often_adds_no_time() {
        let mut clock = clock();
        let mut now = START;

        // The wall clock is coarse: it stands still for nine reads and then jumps ten.
        for step in 0..100_000_u64 {
            let wall = START + Duration::from_millis(step / 10 * 10);
            now = clock.read(wall, at(0) + step);
        }

        assert_eq!(now.since(START), Duration::from_millis(99_999));
    }

    #[test]
    fn points_in_time_saturate() {
        assert_eq!(UnixMillis::new(5) - Duration::from_secs(1), UnixMillis::new(0));
        assert_eq!(UnixMillis::new(u64::MAX) + Duration::MAX, UnixMillis::new(u64::MAX));
        assert_eq!(UnixMillis::from_js(f64::NAN), UnixMillis::new(0));
        assert_eq!(UnixMillis::from_js(-3.0), UnixMillis::new(0));
        assert_eq!(UnixMillis::new(u64::MAX).to_js(), 8.64e15);
        assert_eq!((UnixMillis::from_js(7.9).millis(), UnixMillis::new(7).to_js()), (7, 7.0));
    }

    #[test]
    fn a_skew_carries_one_clock_to_another() {
        let server = START + Duration::from_secs(10);

        assert_eq!(START.shifted(server.ahead_of(START)), server);
        assert_eq!(server.shifted(START.ahead_of(server)), START);
    }
}
