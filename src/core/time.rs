//! Points in time, clock offsets, and a clock that neither jumps back nor stops.

use std::{
    ops::{Add, Sub},
    time::Duration,
};

/// A point in time: milliseconds since the Unix epoch.
///
/// Arithmetic saturates, so no response of a provider can make it overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// A time that is never reached. Eight bytes smaller than `None` of an `Option`, and ordered after all others.
    pub(super) const NEVER: Self = Self(u64::MAX);

    /// `None` for [`NEVER`](Self::NEVER).
    pub(super) fn into_option(self) -> Option<Self> {
        (self != Self::NEVER).then_some(self)
    }

    /// The point `millis` milliseconds after the epoch.
    pub const fn new(millis: u64) -> Self {
        Self(millis)
    }

    /// Converts a JavaScript number; negative numbers and `NaN` become the epoch.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub fn from_js(millis: f64) -> Self {
        Self(millis as u64)
    }

    /// Converts to a JavaScript number in the range of `Date`, so that formatting it cannot throw.
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    pub fn to_js(self) -> f64 {
        self.0.min(LAST_DATE) as f64
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Time since `earlier`; zero if that is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis_since(earlier))
    }

    /// As [`since`](Self::since), in milliseconds.
    pub(super) const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The point `millis` milliseconds later.
    pub(super) const fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The point `millis` milliseconds earlier.
    pub(super) const fn before(self, millis: u64) -> Self {
        Self(self.0.saturating_sub(millis))
    }

    /// Converts to another clock.
    pub const fn shifted(self, by: ClockOffset) -> Self {
        Self(self.0.saturating_add_signed(by.0))
    }

    /// The offset of a clock that shows `self` from one that shows `other`.
    pub const fn ahead_of(self, other: Self) -> ClockOffset {
        ClockOffset(self.0.cast_signed().saturating_sub(other.0.cast_signed()))
    }
}

/// The largest time value of a JavaScript `Date` (ECMA-262, "Time Values and Time Range").
const LAST_DATE: u64 = 8_640_000_000_000_000;

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

/// Offset of one clock from another in milliseconds; positive if ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockOffset(i64);

impl ClockOffset {
    /// An offset of `millis` milliseconds.
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// The offset in the opposite direction.
    pub const fn reversed(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// Converts a JavaScript number; `NaN` becomes zero.
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
    pub const fn from_js(millis: f64) -> Self {
        Self(millis as i64)
    }

    /// Converts to a JavaScript number.
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    pub const fn to_js(self) -> f64 {
        self.0 as f64
    }

    /// The absolute value.
    pub const fn abs(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

/// Converts a span to whole milliseconds, the unit of all calculations in the core.
#[inline(never)]
pub fn millis(span: Duration) -> u64 {
    // `as_millis` would calculate in 128 bits.
    span.as_secs().saturating_mul(1000).saturating_add(u64::from(span.subsec_millis()))
}

/// A clock that combines the wall clock and the monotonic clock of a device.
///
/// The wall clock runs while a device sleeps, but can be set back. The monotonic clock cannot be set, but stops during
/// sleep on some systems. The larger elapsed time counts, so a token is replaced early rather than served after its
/// expiry. The time starts at the wall clock's and never decreases.
#[derive(Clone, Copy, Debug)]
pub struct HybridClock {
    base: UnixMillis,
    wall: UnixMillis,
    monotonic: u64,
    /// The last result. A jump within the tolerance, forth and back, must not decrease the time.
    latest: UnixMillis,
}

impl HybridClock {
    /// Starts at the time of the wall clock. `monotonic` is in milliseconds from any origin.
    pub const fn new(wall: UnixMillis, monotonic: u64) -> Self {
        Self { base: wall, wall, monotonic, latest: wall }
    }

    /// Returns the current time from the readings of both clocks.
    pub fn read(&mut self, wall: UnixMillis, monotonic: u64) -> UnixMillis {
        let by_wall = wall.millis_since(self.wall);
        let by_monotonic = monotonic.saturating_sub(self.monotonic);
        self.latest = self.latest.max(self.base.after(by_wall.max(by_monotonic)));
        if by_wall.abs_diff(by_monotonic) > TOLERANCE {
            // One clock jumped or slept. Elapsed times from the old readings would hide the next sleep behind this
            // jump, so both start over.
            *self = Self { base: self.latest, wall, monotonic, ..*self };
        }
        self.latest
    }
}

/// Least difference of the elapsed times that counts as a jump.
///
/// Half a second: above the granularity and the slewing of real clocks, below the margin of a token that lives for
/// seconds.
const TOLERANCE: u64 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis::new(1_000_000_000);

    fn clock() -> HybridClock {
        HybridClock::new(START, 7000)
    }

    fn at(seconds: u64) -> u64 {
        7000 + 1000 * seconds
    }

    #[test]
    fn clocks_that_agree_are_followed() {
        let mut clock = clock();

        assert_eq!(clock.read(START + Duration::from_secs(90), at(90)), START + Duration::from_secs(90));
    }

    #[test]
    fn sleep_counts_although_the_monotonic_clock_stopped() {
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
    fn time_elapses_after_the_wall_clock_was_set_back_by_a_day() {
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
    fn a_jump_of_half_a_second_forth_and_back_is_absorbed_and_a_longer_one_counts() {
        for (jump, after) in [(500, 500), (501, 601)] {
            let mut clock = clock();

            assert_eq!(clock.read(START.after(jump), at(0)), START.after(jump));
            assert_eq!(clock.read(START.after(100), at(0) + 100), START.after(after));
        }
    }

    #[test]
    fn frequent_readings_add_no_time() {
        let mut clock = clock();
        let mut now = START;

        // A coarse wall clock: it advances by ten at every tenth reading.
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
    fn an_offset_converts_one_clock_to_another() {
        let server = START + Duration::from_secs(10);

        assert_eq!(START.shifted(server.ahead_of(START)), server);
        assert_eq!(server.shifted(START.ahead_of(server)), START);
    }
}
