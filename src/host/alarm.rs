//! The timer of a manager.
//!
//! It is set through JavaScript, because it must not always keep a Node process running, and Node requires `unref()`
//! for that. No crate offers it.

use std::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::{Outside, waiting::delay};
use crate::core::UnixMillis;

/// Effect of a timer on the lifetime of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The process keeps running until the timer fires. Without effect in a browser.
    Process,
    /// The process may end before the timer fires.
    Nothing,
}

/// A timer that is set again only if its time or its [`Hold`] changes.
#[derive(Debug)]
pub(crate) struct Alarm {
    outside: Outside,
    callback: Closure<dyn FnMut()>,
    armed: RefCell<Option<JsValue>>,
    at: Cell<Option<(UnixMillis, Hold)>>,
}

impl Alarm {
    /// Creates a timer that is not set. It calls `ring` when it fires.
    pub(crate) fn new(outside: Outside, ring: impl FnMut() + 'static) -> Self {
        Self { outside, callback: Closure::new(ring), armed: RefCell::default(), at: Cell::default() }
    }

    /// Sets the time at which the timer fires, or clears it for `None`. The timer fires earlier if the time is further
    /// away than a timer can be set.
    pub(crate) fn set(&self, at: Option<UnixMillis>, hold: Hold, now: UnixMillis) {
        let wanted = at.map(|at| (at, hold));
        if self.at.get() == wanted && self.armed.borrow().is_some() == wanted.is_some() {
            return;
        }
        self.clear();
        let Some(at) = at else { return };
        let delay = delay(at.since(now));
        let timer = self.outside.set_timer(self.callback.as_ref(), delay, hold == Hold::Process);
        self.at.set(wanted);
        self.armed.replace(Some(timer));
    }

    /// Records that the timer fired, so that the next [`set`](Self::set) sets a new one.
    pub(crate) fn rang(&self) {
        self.armed.replace(None);
    }

    fn clear(&self) {
        self.at.set(None);
        if let Some(timer) = self.armed.take() {
            self.outside.clear_timer(&timer);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clear();
    }
}
