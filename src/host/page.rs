//! Moments at which a page may have slept: timers were late or did not run.

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::{Outside, global};

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Wakeups {
    end: Function,
    _callback: Closure<dyn FnMut()>,
}

impl Wakeups {
    /// Calls `woke` when a page is shown again or the network is back.
    pub(crate) fn new(outside: &Outside, woke: impl FnMut() + 'static) -> Self {
        let callback = Closure::new(woke);
        Self { end: outside.listen(callback.as_ref()), _callback: callback }
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        let _ = self.end.call0(&JsValue::UNDEFINED);
    }
}

/// Whether this is a page, whose source anyone can read.
pub(crate) fn is_page() -> bool {
    global("document").is_truthy()
}
