//! The one timer of a manager.
//!
//! It is the face's, since it may have to let the process end, and Node must be told before it
//! forgets such a timer; no crate does either.

use std::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::{Outside, waiting::delay};
use crate::core::UnixMillis;

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
    outside: Outside,
    callback: Closure<dyn FnMut()>,
    armed: RefCell<Option<JsValue>>,
    at: Cell<Option<(UnixMillis, Hold)>>,
}

impl Alarm {
    /// Calls `ring` when it goes off.
    pub(crate) fn new(outside: Outside, ring: impl FnMut() + 'static) -> Self {
        Self { outside, callback: Closure::new(ring), armed: RefCell::default(), at: Cell::default() }
    }

    /// Goes off at `at`, or earlier where that is too far for a timer; never if `None`.
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

    /// It went off; the next [`set`](Self::set) sets a new timer.
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
