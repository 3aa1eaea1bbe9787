//! The wall clock and the monotonic clock, combined.

use std::cell::Cell;

use super::HostBindings;
use crate::core::{HybridClock, UnixMillis};

/// A clock that never goes back; see [`HybridClock`].
#[derive(Debug)]
pub(crate) struct Clock {
    bindings: HostBindings,
    clock: Cell<HybridClock>,
}

impl Clock {
    pub(crate) fn new(bindings: HostBindings) -> Self {
        let clock = Cell::new(HybridClock::new(wall(), monotonic(&bindings)));
        Self { bindings, clock }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        let mut clock = self.clock.get();
        let now = clock.read(wall(), monotonic(&self.bindings));
        self.clock.set(clock);
        now
    }
}

/// Returns the time of the wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub(crate) fn wall() -> UnixMillis {
    UnixMillis::from_js(js_sys::Date::now())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn monotonic(bindings: &HostBindings) -> u64 {
    bindings.monotonic_now() as u64
}
