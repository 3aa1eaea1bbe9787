//! The timer of a manager.
//!
//! It is set through JavaScript, because it must not always keep a Node process running, and Node requires `unref()`
//! for that. No crate offers it.

use std::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::{HostBindings, callback_future::delay};
use crate::{core::UnixMillis, options::KeepAlive};

/// A timer that is set again only if its time or its [`KeepAlive`] changes.
#[derive(Debug)]
pub(crate) struct Timer {
    bindings: HostBindings,
    callback: Closure<dyn FnMut()>,
    handle: RefCell<Option<JsValue>>,
    at: Cell<Option<(UnixMillis, KeepAlive)>>,
}

impl Timer {
    /// Creates a timer that is not set. It calls `on_fire` when it fires.
    pub(crate) fn new(bindings: HostBindings, on_fire: impl FnMut() + 'static) -> Self {
        Self { bindings, callback: Closure::new(on_fire), handle: RefCell::default(), at: Cell::default() }
    }

    /// Sets the time at which the timer fires, or clears it for `None`. The timer fires earlier if the time is further
    /// away than a timer can be set.
    pub(crate) fn set(&self, at: Option<UnixMillis>, keep_alive: KeepAlive, now: UnixMillis) {
        let wanted = at.map(|at| (at, keep_alive));
        if self.at.get() == wanted && self.handle.borrow().is_some() == wanted.is_some() {
            return;
        }
        self.clear();
        let Some(at) = at else { return };
        let delay = delay(at.since(now));
        let timer = self.bindings.set_timer(self.callback.as_ref(), delay, keep_alive == KeepAlive::Yes);
        self.at.set(wanted);
        self.handle.replace(Some(timer));
    }

    /// Records that the timer fired, so that the next [`set`](Self::set) sets a new one.
    pub(crate) fn fired(&self) {
        self.handle.replace(None);
    }

    fn clear(&self) {
        self.at.set(None);
        if let Some(timer) = self.handle.take() {
            self.bindings.clear_timer(&timer);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.clear();
    }
}
