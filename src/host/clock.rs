//! The two clocks of the device, read as one.

use std::cell::Cell;

use wasm_bindgen::prelude::*;

use crate::core::{SteadyClock, UnixMillis};

#[wasm_bindgen]
extern "C" {
    type Performance;

    #[wasm_bindgen(thread_local_v2, js_name = performance)]
    static PERFORMANCE: Option<Performance>;

    #[wasm_bindgen(method)]
    fn now(this: &Performance) -> f64;
}

/// A clock that does not go back; see [`SteadyClock`].
#[derive(Debug)]
pub(crate) struct Clock(Cell<SteadyClock>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Cell::new(SteadyClock::new(wall(), monotonic())))
    }

    pub(crate) fn now(&self) -> UnixMillis {
        let mut clock = self.0.get();
        let now = clock.read(wall(), monotonic());
        self.0.set(clock);
        now
    }
}

/// What the wall clock shows.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub(crate) fn wall() -> UnixMillis {
    UnixMillis::from_js(js_sys::Date::now())
}

/// Zero for ever where there is no such clock: then the wall clock counts alone.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn monotonic() -> u64 {
    PERFORMANCE.with(|clock| clock.as_ref().map_or(0.0, Performance::now)) as u64
}
