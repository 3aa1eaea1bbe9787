//! Events after which timers may be overdue, because a page was frozen or its timers were throttled.

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::{Outside, global};

/// A subscription to these events, which ends on drop.
#[derive(Debug)]
pub(crate) struct Wakeups {
    end: Function,
    _callback: Closure<dyn FnMut()>,
}

impl Wakeups {
    /// Calls `woke` when a page becomes visible or the network is back.
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

/// Returns true in a page. Its source is readable by its users.
pub(crate) fn is_page() -> bool {
    global("document").is_truthy()
}
