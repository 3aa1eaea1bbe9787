//! Events after which timers may be overdue, because a page was frozen or its timers were throttled.

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::{HostBindings, global};

/// A subscription to these events, which ends on drop.
#[derive(Debug)]
pub(crate) struct VisibilityListener {
    end: Function,
    _callback: Closure<dyn FnMut()>,
}

impl VisibilityListener {
    /// Calls `on_wakeup` when a page becomes visible or the network is back.
    pub(crate) fn new(bindings: &HostBindings, on_wakeup: impl FnMut() + 'static) -> Self {
        let callback = Closure::new(on_wakeup);
        Self { end: bindings.subscribe_to_wakeups(callback.as_ref()), _callback: callback }
    }
}

impl Drop for VisibilityListener {
    fn drop(&mut self) {
        let _ = self.end.call0(&JsValue::UNDEFINED);
    }
}

/// Returns the origin of a page, or of the page of a worker, whose requests to other origins are subject to CORS.
pub(crate) fn origin() -> Option<String> {
    js_sys::Reflect::get(&global("location"), &JsValue::from_str("origin")).ok()?.as_string()
}

/// Returns true in a page. Its source is readable by its users.
pub(crate) fn is_page() -> bool {
    global("document").is_truthy()
}
