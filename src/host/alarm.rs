//! The one timer of a manager.
//!
//! A binding of its own: those of crates cast delays to `i32`, so that 25 days fire at
//! once, and hide what `setTimeout` returns, so that nothing can be unref'd.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use wasm_bindgen::prelude::*;

use crate::core::{UnixMillis, millis};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout, catch)]
    fn set_timeout(callback: &JsValue, delay: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);

    /// What `setTimeout` returns in Node and Bun; a number elsewhere.
    type Timer;

    #[wasm_bindgen(method, catch, js_name = "unref")]
    fn release(this: &Timer) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = "ref")]
    fn retain(this: &Timer) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Deno, js_name = unrefTimer, catch)]
    fn deno_release(timer: &JsValue) -> Result<(), JsValue>;
}

/// Whether a timer keeps the process running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It does, where there is a process.
    Process,
    /// The process may end.
    Nothing,
}

/// One timer, set anew only when its moment changes.
#[derive(Debug)]
pub(crate) struct Alarm {
    callback: Closure<dyn FnMut()>,
    armed: RefCell<Option<JsValue>>,
    at: Cell<Option<(UnixMillis, Hold)>>,
}

impl Alarm {
    /// Calls `ring` when it goes off.
    pub(crate) fn new(ring: impl FnMut() + 'static) -> Self {
        Self { callback: Closure::new(ring), armed: RefCell::default(), at: Cell::default() }
    }

    /// Goes off at `at`, or earlier where that is too far for a timer; never if `None`.
    pub(crate) fn set(&self, at: Option<UnixMillis>, hold: Hold, now: UnixMillis) {
        let wanted = at.map(|at| (at, hold));
        if self.at.get() == wanted && self.armed.borrow().is_some() == wanted.is_some() {
            return;
        }
        self.clear();
        let Some(at) = at else { return };
        let delay = at.since(now).min(LONGEST);
        #[expect(clippy::cast_precision_loss, reason = "below 2^31")]
        let armed = set_timeout(self.callback.as_ref(), millis(delay) as f64).ok();
        if let (Some(timer), Hold::Nothing) = (&armed, hold) {
            release(timer);
        }
        self.at.set(wanted);
        self.armed.replace(armed);
    }

    /// It went off; the next [`set`](Self::set) sets a new timer.
    pub(crate) fn rang(&self) {
        self.armed.replace(None);
    }

    fn clear(&self) {
        self.at.set(None);
        if let Some(timer) = self.armed.take() {
            // Node keeps a list for each delay that a timer was set for and, once the timer was
            // unref'd, drops it only when that time has come: an hour, for each of our delays.
            if timer.is_object() {
                let _ = timer.unchecked_ref::<Timer>().retain();
            }
            clear_timeout(&timer);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clear();
    }
}

fn release(timer: &JsValue) {
    // Where there is neither, there is no process to keep running.
    if timer.is_object() {
        let _ = timer.unchecked_ref::<Timer>().release();
    } else {
        let _ = deno_release(timer);
    }
}

/// The longest delay that every engine takes: 2^31 - 1 ms, or 24.8 days.
const LONGEST: Duration = Duration::from_millis(2_147_483_647);
