//! The wall clock and the monotonic clock, combined.

use std::cell::Cell;

use super::Outside;
use crate::core::{HybridClock, UnixMillis};

/// A clock that never goes back; see [`HybridClock`].
#[derive(Debug)]
pub(crate) struct Clock {
    outside: Outside,
    steady: Cell<HybridClock>,
}

impl Clock {
    pub(crate) fn new(outside: Outside) -> Self {
        let steady = Cell::new(HybridClock::new(wall(), monotonic(&outside)));
        Self { outside, steady }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        let mut clock = self.steady.get();
        let now = clock.read(wall(), monotonic(&self.outside));
        self.steady.set(clock);
        now
    }
}

/// Returns the time of the wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub(crate) fn wall() -> UnixMillis {
    UnixMillis::from_js(js_sys::Date::now())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn monotonic(outside: &Outside) -> u64 {
    outside.monotonic_now() as u64
}
